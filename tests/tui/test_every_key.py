"""Every key on every screen, in order and at random: nothing crashes, and the verdict stays."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from claudemeter_tui.tui.keys import BOUND
from claudemeter_tui.tui.screens.help import every_key
from tests.scenes import LABORATORY, PERSONAL, TEAM
from tests.tui.stage import app, screen, stage

ENDING = {"q", "ctrl+c", "ctrl+z", "ctrl+p", "t"}
"""Keys that end or suspend the program, or open what is Textual's own."""
BOUND_KEYS = {name for key in BOUND for name in key.keys.split(",")}
OTHERS = {name for _, keys in every_key() for key in keys for name in key.keys.split(",") if name}
KEYS = sorted((BOUND_KEYS | OTHERS | {"x", "space", "f5", "delete"}) - ENDING)
OPENING = ("o", "d", "e", "question_mark")


@pytest.mark.parametrize("size", [(120, 36), (40, 8)], ids=["wide", "narrow"])
async def test_every_key_on_every_screen(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key on each screen, then a hundred at random, leave a program that shows its verdict."""
    dashboard = app(stage(PERSONAL, TEAM, LABORATORY), pictures=tmp_path)
    monkeypatch.setattr(dashboard, "open_url", lambda _: None)
    chance = random.Random(26)  # noqa: S311 - the same keys each time, nothing secret
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        for opening in OPENING:
            await pilot.press("escape", "escape", opening, *KEYS)
        for _ in range(100):
            await pilot.press(chance.choice(KEYS))
        await pilot.press("escape", "escape", "escape", "1")
        await pilot.pause()
        assert dashboard.is_running
        assert "CAN WORK" in "\n".join(screen(pilot)[:3])
