"""Clocks, and work in a thread with a time limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Protocol, TypeVar


class Clock(Protocol):
    """A source of time; the demo has a faster one."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds of this clock."""


class WallClock:
    """The system clock."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        await asyncio.sleep(seconds)


T = TypeVar("T")


async def run_in_daemon_thread(work: Callable[[], T], limit: float) -> T:
    """Run the work in a thread and return its result or raise its exception.

    The thread is a daemon outside of the event loop's pool: if it hangs in a password dialog, neither the
    pool nor the exit of the program is blocked.

    Args:
        work: Function to call in the thread.
        limit: Seconds to wait for the result.

    Raises:
        TimeoutError: the work takes longer; the thread continues and its result is dropped.
    """
    result: Future[T] = Future()
    # A running future ignores the cancellation after a timeout, so the late result can still be set.
    result.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the waiting future raises it, as in a pool's thread
            result.set_exception(error)

    threading.Thread(target=run, name="aside", daemon=True).start()
    async with asyncio.timeout(limit):
        return await asyncio.wrap_future(result)
