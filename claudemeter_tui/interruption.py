"""End the program at once: at Ctrl+C wherever it is, and at its end whatever its threads do.

Python raises KeyboardInterrupt at an arbitrary place: in an import, a destructor or a library's own handler,
which may print it, swallow it or wait for a thread. A handler that ends the process has no such place.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in `typing`, which is slow to import
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import NoReturn
else:
    import _signal as signal  # without the imports of `signal`, before which no handler is installed

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl+C, as in a shell."""
_unfinished: set[object] = set()
"""Every block of `InterruptDelay` that is running, in any thread."""
_was_interrupted = False
_cleanups: list[Callable[[], object]] = []
"""Functions to call before SIGINT ends the process."""


def exit_on_interrupt() -> None:
    """End the process at the next SIGINT, unless SIGINT is ignored, as in a shell's background job."""
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_DFL):
        signal.signal(signal.SIGINT, _exit)


def leave_threads_behind(status: int) -> None:
    """Exit with this status without finalizing the interpreter if threads are left that no exit waits for.

    A thread that loads or runs native code while the interpreter is finalized can crash the process.
    """
    threading = sys.modules.get("threading")
    if threading is not None and any(thread.daemon for thread in threading.enumerate()):
        import atexit  # noqa: PLC0415 - not needed to handle SIGINT

        atexit.register(_leave, status)


def _leave(status: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                continue
    os._exit(status)


class InterruptDelay:
    """Finish a short block before SIGINT ends the process, so that no temporary file stays behind."""

    def __enter__(self) -> None:
        _unfinished.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _unfinished.discard(self)
        if _was_interrupted and not _unfinished:
            _leave_interrupted()


class InterruptCleanUp:
    """Call a function if SIGINT ends the process during the block, which may take long."""

    def __init__(self, clean_up: Callable[[], object]) -> None:
        """Call `clean_up` before the process ends."""
        self._clean_up = clean_up

    def __enter__(self) -> None:
        _cleanups.append(self._clean_up)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _cleanups.remove(self._clean_up)


def _leave_interrupted() -> NoReturn:
    for clean_up in _cleanups:
        try:
            clean_up()
        except OSError:
            continue
    os._exit(EXIT_INTERRUPTED)


def _exit(_number: int, _frame: FrameType | None) -> None:
    global _was_interrupted  # noqa: PLW0603 - a signal handler has no other place for it
    # A second SIGINT does not wait: the disk may hang.
    if not _unfinished or _was_interrupted:
        _leave_interrupted()
    _was_interrupted = True
