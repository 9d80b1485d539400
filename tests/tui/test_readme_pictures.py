"""The pictures in the README: one for every state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

from textual.pilot import Pilot

from tests.histories import build_loader
from tests.scenes import CREDITS_BLOCKED, LABORATORY, NOW, PERSONAL, TEAM, WAITING
from tests.tui.app_harness import app, finish_workers, second, settle, stage

Compare = Callable[..., bool]
SIZE = (110, 30)


def test_blocked(snap_compare: Compare) -> None:
    """A full window and a reached cap have a reason, a date and the first end."""
    assert snap_compare(app(stage(PERSONAL, TEAM, LABORATORY)), terminal_size=SIZE, run_before=second)


def test_credits_blocked(snap_compare: Compare) -> None:
    """The plan has room while the credits are locked."""
    a_while = replace(CREDITS_BLOCKED, spent=((46, 0),))
    assert snap_compare(app(stage(a_while)), terminal_size=SIZE, run_before=settle)


def test_on_credits(snap_compare: Compare) -> None:
    """Work continues on metered credits."""
    assert snap_compare(app(stage(LABORATORY)), terminal_size=SIZE, run_before=settle)


def test_wait(snap_compare: Compare) -> None:
    """A window is full, and credits are off."""
    a_while = replace(WAITING, spent=((46, 180), (39, 240), (33, 310), (27, 426)))
    assert snap_compare(app(stage(a_while)), terminal_size=SIZE, run_before=settle)


def test_can_work(snap_compare: Compare) -> None:
    """The plan has room."""
    assert snap_compare(app(stage(PERSONAL)), terminal_size=SIZE, run_before=settle)


def test_history(snap_compare: Compare) -> None:
    """A quarter of a year by weekday and hour, with the credits of each day."""

    async def press(pilot: Pilot[Any]) -> None:
        await second(pilot)
        await pilot.press("h", "plus")
        await finish_workers(pilot.app)
        await pilot.pause()

    org = app(stage(PERSONAL, TEAM, LABORATORY), load_history=build_loader(NOW, UTC))
    assert snap_compare(org, terminal_size=(120, 36), run_before=press)
