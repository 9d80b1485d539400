"""Read a browser's SQLite database while the browser writes it, without a lock and without a file."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_MAX_ATTEMPTS = 5
_WAL_HEADER_SIZE = 32
_FRAME_HEADER_SIZE = 24
_WAL_MAGIC = 0x377F0682
_WAL_FLAG_BYTES = slice(18, 20)
"""The two bytes of the first page that ask for a write-ahead log."""


class UnreadableDatabaseError(Exception):
    """What was read is no database, or not one of cookies. Its text quotes nothing from it."""


class DatabaseImage:
    """A whole database in memory. The cookies of every site are in it, so it prints none."""

    __slots__ = ("_pages",)

    def __init__(self, main: bytes, log: bytes = b"") -> None:
        self._pages = bytearray(main)
        _replay_log(self._pages, log)
        self._pages[_WAL_FLAG_BYTES] = b"\1\1"[: len(self._pages[_WAL_FLAG_BYTES])]

    @classmethod
    def read(cls, path: Path) -> DatabaseImage:
        """What the database and its log hold at one moment.

        As long as the log is not begun anew, everything that a checkpoint moves into the database is
        still in the log: a database read between two equal headers, with the later log, is whole.
        """
        beside = path.with_name(f"{path.name}-wal")
        log = _read_bytes(beside)
        for _ in range(_MAX_ATTEMPTS):
            before, main, log = log[:_WAL_HEADER_SIZE], path.read_bytes(), _read_bytes(beside)
            if log[:_WAL_HEADER_SIZE] == before:
                break
        return cls(main, log)

    def query_rows(self, query: str, build: Callable[..., T], *parameters: str) -> list[T]:
        """What `build` makes of each row."""
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.text_factory = _decode_text
            if self._pages:
                connection.deserialize(bytes(self._pages))
            return [build(*row) for row in connection.execute(query, parameters)]

    def __repr__(self) -> str:
        return f"Image({len(self._pages)} bytes)"


def query_database(path: Path, query: str, build: Callable[..., T], *parameters: str) -> list[T]:
    """What `build` makes of each row of a database that may be in use.

    Raises:
        OSError: the file cannot be read.
        UnreadableError: it is no database, or lacks the table.
    """
    for _ in range(2):  # a copy taken in the middle of a write is good the second time
        image = DatabaseImage.read(path)
        try:
            return image.query_rows(query, build, *parameters)
        except sqlite3.Error as error:
            kind = type(error).__name__
    raise UnreadableDatabaseError(f"it is no cookie database ({kind})")


def _replay_log(pages: bytearray, log: bytes) -> None:
    """Bring the committed part of a log into the database."""
    waiting: dict[int, bytes] = {}
    for number, size, page in _read_frames(log):
        waiting[number] = page
        if size:  # the last frame of a transaction says how many pages there are after it
            pages.extend(bytes(max(0, size * len(page) - len(pages))))
            for each, content in waiting.items():
                pages[(each - 1) * len(page) : each * len(page)] = content
            waiting = {}


def _read_frames(log: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Page number, pages after a commit (0 within one) and content, as far as the frames are valid."""
    if len(log) < _WAL_HEADER_SIZE:
        return
    magic, _, page_size = struct.unpack_from(">3I", log)
    order = ">" if magic & 1 else "<"
    sums = _compute_checksum(log[:24], order, (0, 0))
    if magic & ~1 != _WAL_MAGIC or sums != struct.unpack_from(">2I", log, 24):
        return
    for start in range(
        _WAL_HEADER_SIZE, len(log) - _FRAME_HEADER_SIZE - page_size + 1, _FRAME_HEADER_SIZE + page_size
    ):
        number, size = struct.unpack_from(">2I", log, start)
        page = log[start + _FRAME_HEADER_SIZE : start + _FRAME_HEADER_SIZE + page_size]
        sums = _compute_checksum(page, order, _compute_checksum(log[start : start + 8], order, sums))
        salted = log[start + 8 : start + 16] == log[16:24]
        if not number or not salted or sums != struct.unpack_from(">2I", log, start + 16):
            return
        yield number, size, page


def _compute_checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """The log's running checksum over data of a multiple of 8 bytes."""
    first, second = sums
    words: Sequence[int] = struct.unpack(f"{order}{len(data) // 4}I", data)
    for odd, even in zip(words[::2], words[1::2], strict=True):
        first = (first + odd + second) & 0xFFFFFFFF
        second = (second + even + first) & 0xFFFFFFFF
    return first, second


def _read_bytes(path: Path) -> bytes:
    """The content of a file that comes and goes; nothing while it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _decode_text(data: bytes) -> str:
    """Text that is broken here and there; SQLite's own error would quote it."""
    return data.decode("utf-8", errors="replace")
