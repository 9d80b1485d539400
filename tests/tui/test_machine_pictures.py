"""The pages of "this machine" at every size and in other looks, as accepted pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.machine import MachineScreen
from tests.machines import build_machine_loader
from tests.scenes import LABORATORY, PERSONAL, TEAM
from tests.tui.app_harness import app, press_each, stage

Compare = Callable[..., bool]
SIZES = ((120, 36), (80, 24), (60, 20), (40, 8))
BETWEEN = [pytest.param(size, marks=pytest.mark.slow) for size in SIZES[1:3]]


def dashboard(**options: Any) -> Claudemeter:
    """Return the dashboard of three orgs; Claude Code is logged in to the second one."""
    return app(stage(PERSONAL, TEAM, LABORATORY), load_machine=build_machine_loader(), **options)


def turn_to(page: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Open this page beside the second org."""

    async def press(pilot: Pilot[Any]) -> None:
        await press_each(pilot, "2", "l", *["tab"] * MachineScreen.PAGES.index(page))

    return press


@pytest.mark.parametrize("size", [SIZES[0], *BETWEEN, SIZES[3]], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", MachineScreen.PAGES)
def test_page_at_every_size(snap_compare: Compare, page: str, size: tuple[int, int]) -> None:
    """No figure is cut, and the verdict is the first line."""
    assert snap_compare(dashboard(), terminal_size=size, run_before=turn_to(page))


@pytest.mark.parametrize("look", ["ascii", "monochrome", "light", "private"])
def test_projects_in_other_looks(snap_compare: Compare, look: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimates differ by their mark, and projects by their names or pseudonyms."""
    looks: dict[str, dict[str, Any]] = {
        "ascii": {"ascii": True},
        "light": {"theme": "claudemeter-light"},
        "private": {"privacy": True},
    }
    if look == "monochrome":
        monkeypatch.setenv("NO_COLOR", "1")
    shown = dashboard(**looks.get(look, {}))
    assert snap_compare(shown, terminal_size=SIZES[0], run_before=turn_to("projects"))
