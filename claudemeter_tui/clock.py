"""Clocks, and work in threads that no exit waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar


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
    async with asyncio.timeout(limit):
        return await asyncio.wrap_future(_start_daemon_thread(work))


def use_daemon_threads() -> None:
    """Run the slow calls of the running event loop in daemon threads, so that its end waits for none.

    Among them are look-ups of host names, which take half a minute if the name server is silent; the loop
    waits for each thread of its own pool.
    """
    asyncio.get_running_loop().set_default_executor(_DaemonThreads())


class _DaemonThreads(ThreadPoolExecutor):
    """A pool without a pool: each call gets a daemon thread of its own."""

    def submit(self, work: Callable[..., T], /, *args: Any, **more: Any) -> Future[T]:
        """Call the function in a new thread."""
        return _start_daemon_thread(partial(work, *args, **more))


def _start_daemon_thread(work: Callable[[], T]) -> Future[T]:
    result: Future[T] = Future()
    # A running future cannot be cancelled by the timeout, so the late result can still be set.
    result.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the waiting future raises it, as in a pool's thread
            result.set_exception(error)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return result
