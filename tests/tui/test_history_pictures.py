"""The pages of the history at every size, without colour and in ASCII, as accepted pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.history import HistoryScreen
from tests.histories import build_loader
from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM
from tests.tui.app_harness import app, press_each, stage

Compare = Callable[..., bool]
SIZES = ((120, 36), (80, 24), (60, 20), (40, 8))
BETWEEN = [pytest.param(size, marks=pytest.mark.slow) for size in SIZES[1:3]]


def dashboard(**options: Any) -> Claudemeter:
    """Return the dashboard of three orgs with a past."""
    return app(stage(PERSONAL, TEAM, LABORATORY), load_history=build_loader(NOW, UTC), **options)


def turn_to(page: str, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Open this page of the second org's history."""

    async def press(pilot: Pilot[Any]) -> None:
        await press_each(pilot, "2", "h", *keys, *["tab"] * HistoryScreen.PAGES.index(page))

    return press


@pytest.mark.parametrize("size", [SIZES[0], *BETWEEN, SIZES[3]], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", HistoryScreen.PAGES)
def test_page_at_every_size(snap_compare: Compare, page: str, size: tuple[int, int]) -> None:
    """Twelve weeks: no figure is cut, and the verdict is the first line."""
    assert snap_compare(dashboard(), terminal_size=size, run_before=turn_to(page, "plus"))


@pytest.mark.parametrize("size", SIZES[::3], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", ["calendar", "days"])
@pytest.mark.parametrize("look", ["ascii", "monochrome"])
def test_page_in_other_looks(
    snap_compare: Compare, look: str, page: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels, bars and days that were not read differ by their signs."""
    if look == "monochrome":
        monkeypatch.setenv("NO_COLOR", "1")
    shown = dashboard(ascii=look == "ascii")
    assert snap_compare(shown, terminal_size=size, run_before=turn_to(page, "plus"))


def test_year_of_a_window(snap_compare: Compare) -> None:
    """52 weeks of the 5-hour window, with the credits of each week below."""
    shown = dashboard()
    assert snap_compare(shown, terminal_size=SIZES[0], run_before=turn_to("calendar", "plus", "plus", "w"))
