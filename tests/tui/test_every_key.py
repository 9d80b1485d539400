"""Every key on every screen, clicks, resizes and readings, in order and at random: no crash."""

from __future__ import annotations

import random
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.keys import BOUND_KEYS, KEY_GROUPS
from claudemeter_tui.tui.screens.help import OTHER_KEY_GROUPS
from tests.histories import build_loader
from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM, OrgBodies, readings
from tests.tui.app_harness import Stage, app, screen, stage
from tests.tui.figure_checks import text_of, width_defects
from tests.tui.test_overview import many

pytestmark = pytest.mark.slow

ENDING = {"ctrl+c", "ctrl+z"}
"""Keys that end or suspend the process itself."""
KEY_NAMES = {name for key in BOUND_KEYS for name in key.keys.split(",")}
OTHERS = {
    name
    for _, keys in (*KEY_GROUPS, *OTHER_KEY_GROUPS)
    for key in keys
    for name in key.keys.split(",")
    if name
}
PRESSED_KEYS = sorted((KEY_NAMES | OTHERS | {"x", "space", "f5", "delete", "backspace"}) - ENDING)
IN_ORDER = sorted(set(PRESSED_KEYS) - {"q", "ctrl+p", "t", "s"})
"""Keys that neither open one of Textual's own screens nor take long."""
OPENING = ("escape", "o", "d", "h", "e", "question_mark", "S")
SIZES = ((160, 45), (120, 36), (80, 24), (60, 20), (40, 8), (80, 3), (120, 1), (24, 5), (1, 1))
TRIO = (PERSONAL, TEAM, LABORATORY)


def dashboard(scene: Stage, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Claudemeter:
    """Return an app that no key ends, and that opens no browser."""
    made = app(scene, pictures=pictures, load_history=build_loader(NOW, UTC))
    monkeypatch.setattr("claudemeter_tui.tui.web_browser.open_in_browser", lambda _: True)
    monkeypatch.setattr(made, "exit", lambda *_: None)
    return made


async def settled(pilot: Pilot[Any], scene: Stage) -> list[str]:
    """Return the screen at the scene's time, with all screens closed and the first org selected."""
    await scene.at(pilot, NOW)
    await scene.post(pilot, *readings(PERSONAL))
    await pilot.press(*["escape"] * 4, "1")
    await pilot.resize_terminal(120, 36)
    await pilot.pause()
    assert pilot.app.is_running
    return screen(pilot)


@pytest.mark.parametrize("size", [(120, 36), (40, 8)], ids=["wide", "narrow"])
async def test_every_key_on_every_screen(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any key on any screen the program shows its verdict."""
    scene = stage(*TRIO)
    async with dashboard(scene, tmp_path, monkeypatch).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("s")
        for opening in OPENING:
            await pilot.press("escape", "escape", opening, *IN_ORDER)
        assert "CAN WORK" in "\n".join((await settled(pilot, scene))[:4])


@pytest.mark.parametrize("seed", range(4))
async def test_anything_at_random(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any keys, clicks, resizes and readings every line has its width, and the verdict returns."""
    chance = random.Random(seed)  # noqa: S311 - the same each time, nothing secret
    orgs = (*TRIO, *many(9)) if seed % 2 else TRIO
    scene = stage(*orgs)
    async with dashboard(scene, tmp_path, monkeypatch).run_test(size=chance.choice(SIZES)) as pilot:
        await pilot.pause()
        for _ in range(50):
            await anything(pilot, scene, chance, orgs)
        assert "CAN WORK" in "\n".join((await settled(pilot, scene))[:4])


async def anything(
    pilot: Pilot[Any], scene: Stage, chance: random.Random, orgs: tuple[OrgBodies, ...]
) -> None:
    """Make one random change."""
    width, height = pilot.app.size
    place = chance.randrange(width), chance.randrange(height)
    match chance.choice(["key"] * 8 + ["click"] * 5 + ["hover", "size", "size", "reading", "time"]):
        case "key":
            await pilot.press(*chance.choices(PRESSED_KEYS, k=3))
        case "click":
            await pilot.click(offset=place, times=chance.choice((1, 1, 2)))
        case "hover":
            await pilot.hover(offset=place)
        case "size":
            await pilot.resize_terminal(*chance.choice(SIZES))
            await pilot.pause()
            lines = text_of(pilot.app.screen._compositor.render_strips())
            assert list(width_defects(lines, pilot.app.size.width)) == []
        case "reading":
            kept = chance.sample(orgs, k=chance.randrange(1, len(orgs) + 1))
            await scene.post(pilot, *readings(*{PERSONAL.org["uuid"]: PERSONAL, **by_uuid(kept)}.values()))
        case "time":
            await scene.at(pilot, NOW + timedelta(minutes=chance.randrange(300)))


def by_uuid(orgs: list[OrgBodies]) -> dict[str, OrgBodies]:
    """Return each org once."""
    return {bodies.org["uuid"]: bodies for bodies in orgs}
