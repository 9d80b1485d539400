"""A browser's SQLite database, read while the browser writes it, without a lock and without a file.

The copy lives in memory only: whatever ends the program, nothing of it is left on the disk. The
write-ahead log is replayed here, because SQLite cannot attach one to a database in memory. Format:
https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRIES = 5
_HEADER = 32
_FRAME = 24
_MAGIC = 0x377F0682
_WAL_FLAGS = slice(18, 20)
"""The two bytes of the first page that ask for a write-ahead log."""


class UnreadableError(Exception):
    """What was read is no database, or not one of cookies. Its text quotes nothing from it."""


class Image:
    """A whole database in memory. The cookies of every site are in it, so it prints none."""

    __slots__ = ("_pages",)

    def __init__(self, main: bytes, log: bytes = b"") -> None:
        self._pages = bytearray(main)
        _replay(self._pages, log)
        self._pages[_WAL_FLAGS] = b"\1\1"[: len(self._pages[_WAL_FLAGS])]

    @classmethod
    def read(cls, path: Path) -> Image:
        """What the database and its log hold at one moment.

        As long as the log is not begun anew, everything that a checkpoint moves into the database is
        still in the log: a database read between two equal headers, with the later log, is whole.
        """
        beside = path.with_name(f"{path.name}-wal")
        log = _bytes(beside)
        for _ in range(_TRIES):
            before, main, log = log[:_HEADER], path.read_bytes(), _bytes(beside)
            if log[:_HEADER] == before:
                break
        return cls(main, log)

    def rows(self, query: str, build: Callable[..., T], *parameters: str) -> list[T]:
        """What `build` makes of each row."""
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.text_factory = _text
            if self._pages:
                connection.deserialize(bytes(self._pages))
            return [build(*row) for row in connection.execute(query, parameters)]

    def __repr__(self) -> str:
        return f"Image({len(self._pages)} bytes)"


def rows(path: Path, query: str, build: Callable[..., T], *parameters: str) -> list[T]:
    """What `build` makes of each row of a database that may be in use.

    Raises:
        OSError: the file cannot be read.
        UnreadableError: it is no database, or lacks the table.
    """
    for _ in range(2):  # a copy taken in the middle of a write is good the second time
        image = Image.read(path)
        try:
            return image.rows(query, build, *parameters)
        except sqlite3.Error as error:
            kind = type(error).__name__
    raise UnreadableError(f"it is no cookie database ({kind})")


def _replay(pages: bytearray, log: bytes) -> None:
    """Bring the committed part of a log into the database."""
    waiting: dict[int, bytes] = {}
    for number, size, page in _frames(log):
        waiting[number] = page
        if size:  # the last frame of a transaction says how many pages there are after it
            pages.extend(bytes(max(0, size * len(page) - len(pages))))
            for each, content in waiting.items():
                pages[(each - 1) * len(page) : each * len(page)] = content
            waiting = {}


def _frames(log: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Page number, pages after a commit (0 within one) and content, as far as the frames are valid."""
    if len(log) < _HEADER:
        return
    magic, _, page_size = struct.unpack_from(">3I", log)
    order = ">" if magic & 1 else "<"
    sums = _sums(log[:24], order, (0, 0))
    if magic & ~1 != _MAGIC or sums != struct.unpack_from(">2I", log, 24):
        return
    for start in range(_HEADER, len(log) - _FRAME - page_size + 1, _FRAME + page_size):
        number, size = struct.unpack_from(">2I", log, start)
        page = log[start + _FRAME : start + _FRAME + page_size]
        sums = _sums(page, order, _sums(log[start : start + 8], order, sums))
        salted = log[start + 8 : start + 16] == log[16:24]
        if not number or not salted or sums != struct.unpack_from(">2I", log, start + 16):
            return
        yield number, size, page


def _sums(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """The log's running checksum over data of a multiple of 8 bytes."""
    first, second = sums
    words: Sequence[int] = struct.unpack(f"{order}{len(data) // 4}I", data)
    for odd, even in zip(words[::2], words[1::2], strict=True):
        first = (first + odd + second) & 0xFFFFFFFF
        second = (second + even + first) & 0xFFFFFFFF
    return first, second


def _bytes(path: Path) -> bytes:
    """The content of a file that comes and goes; nothing while it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _text(data: bytes) -> str:
    """Text that is broken here and there; SQLite's own error would quote it."""
    return data.decode("utf-8", errors="replace")
