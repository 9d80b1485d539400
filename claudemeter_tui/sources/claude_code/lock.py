"""An open file that one process at a time may use, on every system."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 2.0
"""Seconds to wait for whoever has it; it is never held for longer than one read and one write."""
_STEP = 0.02
_FOLDER, _FILE = 0o700, 0o600

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 30
    """The byte that stands for the lock: far behind the content, because a locked one cannot be read."""

    def _try(handle: int) -> None:
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _release(handle: int) -> None:
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

    _TAKEN: tuple[type[OSError], ...] = (PermissionError,)
else:
    import fcntl

    def _try(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)

    _TAKEN: tuple[type[OSError], ...] = (BlockingIOError,)


class Held:
    """A small text file while it is ours."""

    def __init__(self, handle: int) -> None:
        """Use an open and locked file."""
        self._handle = handle

    def read(self, most: int) -> bytes:
        """The first bytes of it."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        return os.read(self._handle, most)

    def write(self, content: bytes) -> None:
        """Put this in place of what it holds: written first and cut then, so it is never empty."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, content)
        os.ftruncate(self._handle, len(content))


@contextmanager
def held(path: Path, patience: float = PATIENCE) -> Iterator[Held]:
    """The file at `path`, made where it is missing, ours until the end of the `with`.

    Folders are made with 0700, the file with 0600.

    Raises:
        TimeoutError: somebody else has it for longer than `patience` seconds.
        OSError: it cannot be opened, or the file system has no locks.
    """
    _make_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), _FILE)
    try:
        _wait(handle, patience)
        try:
            if sys.platform != "win32":
                os.fchmod(handle, _FILE)
            yield Held(handle)
        finally:
            with suppress(OSError):  # closing it releases it as well
                _release(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=_FOLDER, exist_ok=True)


def _wait(handle: int, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            _try(handle)
        except _TAKEN:
            if time.monotonic() >= until:
                raise TimeoutError("somebody else has it") from None
            time.sleep(_STEP)
        else:
            return
