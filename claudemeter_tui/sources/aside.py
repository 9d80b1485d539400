"""Work in a thread of its own, which may hang without holding up anyone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T], limit: float) -> T:
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
    threading.Thread(target=_answer, args=(work, answer), name="aside", daemon=True).start()
    async with asyncio.timeout(limit):
        return await asyncio.wrap_future(answer)


def _answer(work: Callable[[], T], answer: Future[T]) -> None:
    with _HandedOver(answer):
        answer.set_result(work())


class _HandedOver(AbstractContextManager[None]):
    """Brings an exception to whoever waits for the answer, instead of ending the thread with it."""

    def __init__(self, answer: Future[Any]) -> None:
        self._answer = answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self._answer.set_exception(error)
        return error is not None
