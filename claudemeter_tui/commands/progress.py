"""Show the progress of a slow command as one line of the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

SHOWN_AFTER = 1.0
"""Seconds before the line appears: a quick command shows none."""
UPDATE_INTERVAL = 0.2
"""Seconds between two changes of the line."""
BAR_WIDTH = 30
"""Columns of the bar."""


class ProgressLine:
    """A line on a terminal, which is removed at the end; nothing without a terminal."""

    def __init__(self, stream: TextIO | None, monotonic: Callable[[], float]) -> None:
        """Use this stream and this clock, in seconds."""
        self._stream = stream if stream is not None and stream.isatty() else None
        self._monotonic = monotonic
        self._next_at = monotonic() + SHOWN_AFTER
        self._is_shown = False

    def show(self, part: float) -> None:
        """Show the finished part of the work, 0 to 1."""
        if self._stream is None or self._monotonic() < self._next_at:
            return
        self._next_at = self._monotonic() + UPDATE_INTERVAL
        done = round(min(1.0, max(0.0, part)) * BAR_WIDTH)
        percent = min(99, int(part * 100))
        self._write(f"\r[{'#' * done}{'-' * (BAR_WIDTH - done)}] {percent:2}%")
        self._is_shown = True

    def remove(self) -> None:
        """Remove the line from the terminal."""
        if self._is_shown:
            self._write(f"\r{' ' * (BAR_WIDTH + 6)}\r")
            self._is_shown = False

    def _write(self, text: str) -> None:
        assert self._stream is not None  # noqa: S101 - for the type checker
        with suppress(OSError):
            print(text, end="", file=self._stream, flush=True)


def build_progress_line() -> ProgressLine:
    """Return the progress line of standard error."""
    from time import monotonic  # noqa: PLC0415

    return ProgressLine(sys.stderr, monotonic)
