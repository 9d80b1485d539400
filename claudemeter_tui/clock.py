"""The time, waiting, and work in a thread with a time limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, TypeVar


class Clock(Protocol):
    """Time, which a demo runs faster."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this clock."""


class WallClock:
    """The time that everybody has."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


T = TypeVar("T")


async def run_in_daemon_thread(work: Callable[[], T], limit: float) -> T:
    """What the work returns or raises, off the event loop.

    The thread is a daemon, not one of the loop's pool: one that hangs in a password dialog keeps
    neither the pool full nor the program from ending.

    Args:
        work: what is called in the thread.
        limit: seconds to wait for it.

    Raises:
        TimeoutError: it takes longer; the thread is left to itself and its answer dropped.
    """
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()
    threading.Thread(target=_run_into_future, args=(work, answer), name="aside", daemon=True).start()
    async with asyncio.timeout(limit):
        return await asyncio.wrap_future(answer)


def _run_into_future(work: Callable[[], T], answer: Future[T]) -> None:
    with _ExceptionForwarder(answer):
        answer.set_result(work())


class _ExceptionForwarder(AbstractContextManager[None]):
    """Brings an exception to whoever waits for the answer, instead of ending the thread with it."""

    def __init__(self, answer: Future[Any]) -> None:
        self._answer = answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self._answer.set_exception(error)
        return error is not None
