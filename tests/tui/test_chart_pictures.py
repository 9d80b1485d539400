"""The charts of a whole afternoon as accepted pictures: credits, windows, marks, in every look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.afternoon_store import live
from tests.tui.app_harness import Stage, app, stage

Compare = Callable[..., bool]
WIDE, COMMON, SMALL = (120, 36), (80, 24), (40, 8)
SIZES = pytest.mark.parametrize("size", [WIDE, COMMON], ids=["wide", "common"])


def after(scene: Stage, *keys: str, without_credits: bool = False) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Post the afternoon, then press these keys."""

    async def lived(pilot: Pilot[Any]) -> None:
        await live(scene, pilot, without_credits=without_credits)
        await pilot.press(*keys)
        await pilot.pause()

    return lived


@SIZES
@pytest.mark.parametrize("keys", [(), ("w",)], ids=["credits", "windows"])
def test_chart_of_an_afternoon(snap_compare: Compare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    """The chart has steps up to the cap, two windows with a reset, a gap, and a letter for each change."""
    scene = stage()
    assert snap_compare(app(scene), terminal_size=size, run_before=after(scene, *keys))


def test_chart_of_an_org_without_credits(snap_compare: Compare) -> None:
    """The chart of the windows has all the room."""
    scene = stage()
    lived = after(scene, without_credits=True)
    assert snap_compare(app(scene), terminal_size=WIDE, run_before=lived)


@pytest.mark.parametrize("look", ["light", "ascii"])
def test_charts_in_other_looks(snap_compare: Compare, look: str) -> None:
    """A light theme and ASCII show the same."""
    looks: dict[str, dict[str, Any]] = {"light": {"theme": "claudemeter-light"}, "ascii": {"ascii": True}}
    scene = stage()
    assert snap_compare(app(scene, **looks[look]), terminal_size=WIDE, run_before=after(scene))


def test_charts_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR the second window is still marked by its dots, and an event by its letter."""
    monkeypatch.setenv("NO_COLOR", "1")
    scene = stage()
    assert snap_compare(app(scene), terminal_size=WIDE, run_before=after(scene))


def test_chart_that_has_a_small_pane_to_itself(snap_compare: Compare) -> None:
    """In a pane without room for a chart, `w` opens one below the verdict."""
    scene = stage()
    assert snap_compare(app(scene), terminal_size=SMALL, run_before=after(scene, "w"))
