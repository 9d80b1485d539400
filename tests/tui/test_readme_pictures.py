"""The pictures in the README: one for every state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from tests.scenes import CREDITS_BLOCKED, LABORATORY, PERSONAL, TEAM, WAITING
from tests.tui.stage import app, stage

Compare = Callable[..., bool]
SIZE = (110, 30)


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until everything given is on screen."""
    await pilot.pause()


async def second(pilot: Pilot[Any]) -> None:
    """Look at the second org."""
    await pilot.pause()
    await pilot.press("2")


def test_blocked(snap_compare: Compare) -> None:
    """A full window and one's own cap: reason, date, and what lifts first."""
    assert snap_compare(app(stage(PERSONAL, TEAM, LABORATORY)), terminal_size=SIZE, run_before=second)


def test_credits_blocked(snap_compare: Compare) -> None:
    """Room in the plan while the credits are locked."""
    assert snap_compare(app(stage(CREDITS_BLOCKED)), terminal_size=SIZE, run_before=settle)


def test_on_credits(snap_compare: Compare) -> None:
    """Work goes on metered credits."""
    assert snap_compare(app(stage(LABORATORY)), terminal_size=SIZE, run_before=settle)


def test_wait(snap_compare: Compare) -> None:
    """A window is full, and credits are off."""
    assert snap_compare(app(stage(WAITING)), terminal_size=SIZE, run_before=settle)


def test_can_work(snap_compare: Compare) -> None:
    """There is room."""
    assert snap_compare(app(stage(PERSONAL)), terminal_size=SIZE, run_before=settle)
