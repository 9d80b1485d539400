"""The other screens, and the blocked dashboard in other colours, as accepted pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.scenes import LABORATORY, PERSONAL, TEAM
from tests.tui.stage import app, stage

Compare = Callable[..., bool]
WIDE, NARROW = (120, 36), (60, 20)
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press these keys once everything is on screen."""

    async def press(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return press


@SIZES
@pytest.mark.parametrize(
    ("screen", "key"), [("overview", "o"), ("details", "d"), ("help", "question_mark"), ("events", "e")]
)
def test_screen(snap_compare: Compare, screen: str, key: str, size: tuple[int, int]) -> None:
    """Every screen over the dashboard, with the verdict on its first line."""
    assert screen
    trio = app(stage(PERSONAL, TEAM, LABORATORY))
    assert snap_compare(trio, terminal_size=size, run_before=after("2", key))


@pytest.mark.parametrize("look", ["light", "ascii", "private"])
def test_blocked_in_other_looks(snap_compare: Compare, look: str) -> None:
    """A light theme, ASCII alone, and pseudonyms say the same."""
    looks: dict[str, dict[str, Any]] = {
        "light": {"theme": "claudemeter-light"},
        "ascii": {"ascii": True},
        "private": {"privacy": True},
    }
    trio = app(stage(PERSONAL, TEAM, LABORATORY), **looks[look])
    assert snap_compare(trio, terminal_size=WIDE, run_before=after("2"))


def test_blocked_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR every severity is still told by its mark."""
    monkeypatch.setenv("NO_COLOR", "1")
    trio = app(stage(PERSONAL, TEAM, LABORATORY))
    assert snap_compare(trio, terminal_size=WIDE, run_before=after("2"))
