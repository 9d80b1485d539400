"""A program in a pane of 120 x 36, seen from outside: its output and its processor time."""

from __future__ import annotations

import fcntl
import os
import pty
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
"""Folder in which programs start, so that they find the package and the tests."""
COLUMNS, ROWS = 120, 36
PATIENCE = 60.0
"""Seconds after which missing output counts as a failure."""


def environment() -> dict[str, str]:
    """Return the environment of a common terminal, with nothing of the person's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}


class Pane:
    """A Python program in a terminal that answers none of its questions; `with` ends it."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        """Start the interpreter with these arguments and further environment variables."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment() | variables,
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(slave)

    @property
    def processor(self) -> float:
        """Return the seconds of processor time of all threads, kernel time included; Linux only."""
        return time.clock_gettime(~self._process.pid << 3 | 2)

    def pin(self, core: int) -> None:
        """Pin the program to one core, if the machine has enough; Linux only."""
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(self._process.pid, {cores[core % len(cores)]})

    def send(self, keys: str) -> None:
        """Type text."""
        os.write(self._master, keys.encode())

    def until(self, *marks: bytes) -> bytes:
        """Read the output until all marks have come.

        Raises:
            TimeoutError: the marks do not come; the message ends with the output so far.
        """
        seen, deadline = b"", time.perf_counter() + PATIENCE
        while not all(mark in seen for mark in marks):
            some = _read((self,), deadline - time.perf_counter())
            if not some:
                raise TimeoutError(f"{marks!r} did not come; the last was {seen[-300:]!r}")
            seen += some
        return seen

    def _take(self) -> bytes:
        try:
            return os.read(self._master, 1 << 16)
        except OSError:  # Linux raises this once the program has ended.
            return b""

    def fileno(self) -> int:
        """Return the file descriptor for selectors."""
        return self._master

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._master)


def watch(panes: Iterable[Pane], seconds: float) -> None:
    """Let the programs run for so long and read their output."""
    end = time.perf_counter() + seconds
    panes = tuple(panes)
    while (left := end - time.perf_counter()) > 0:
        _read(panes, left)


def _read(panes: Iterable[Pane], seconds: float) -> bytes:
    """Read the next output of any pane; empty on timeout, and after its end."""
    with selectors.DefaultSelector() as selector:
        for pane in panes:
            selector.register(pane, selectors.EVENT_READ, pane)
        return b"".join(key.data._take() for key, _ in selector.select(max(0.0, seconds)))
