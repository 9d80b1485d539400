"""Fixtures that make the many apps of these tests quick, and certain to have drawn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from claudemeter_tui import gc_control

FRAME = 1 / 50
"""Seconds: a little more than Textual waits between two frames."""


async def quiet(_least: float = 0, _most: float = 1) -> None:
    """Wait until the loop has no task and no frame to draw, for at most half a minute.

    This replaces Textual's own wait, which watches the time of the process: that takes at least 40 ms a
    key, and on a busy machine mistakes a process that is kept waiting for one that has finished.
    """
    loop: Any = asyncio.get_running_loop()
    end = loop.time() + 30
    for _ in range(3):  # A frame may request another one; one that always does is not waited for.
        await asyncio.sleep(0)
        while loop._ready and loop.time() < end:  # noqa: ASYNC110 - the loop has no event for being idle
            await asyncio.sleep(0)
        planned = [handle.when() for handle in loop._scheduled if not handle.cancelled()]
        if min(planned, default=end) > loop.time() + FRAME:
            break
        await asyncio.sleep(min(planned) - loop.time())


@pytest.fixture(autouse=True)
def _waits_until_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a pilot and a pressed key wait for the loop instead of the processor."""
    monkeypatch.setattr("textual.pilot.wait_for_idle", quiet)
    monkeypatch.setattr("textual.app.wait_for_idle", quiet)


@pytest.fixture(autouse=True)
def _leaves_garbage_to_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep an app in the test process from changing the garbage collector.

    Only the program itself changes it; here the tests have so many objects that the collections took half
    of the time.
    """

    def nothing() -> None:
        """Do nothing."""

    for name in ("resume_collection", "set_aside_loaded", "take_back_loaded"):
        monkeypatch.setattr(gc_control, name, nothing)
