"""Read a browser's SQLite database while the browser writes it, without a lock and without a copy on disk."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# Numbers of SQLite's file format, https://www.sqlite.org/fileformat2.html, section 4.
_MAX_ATTEMPTS = 5
_WAL_HEADER_SIZE = 32
_FRAME_HEADER_SIZE = 24
_WAL_MAGIC = 0x377F0682
_WAL_FLAG_BYTES = slice(18, 20)
"""Two bytes of the first page that request a write-ahead log."""


class UnreadableDatabaseError(Exception):
    """Raised if the file is not a cookie database. The text quotes nothing from the file."""


class DatabaseImage:
    """A whole database in memory. Its `repr` shows nothing, because it holds the cookies of every site."""

    __slots__ = ("_pages",)

    def __init__(self, main: bytes, log: bytes = b"") -> None:
        self._pages = bytearray(main)
        _replay_log(self._pages, log)
        # The log is merged already; an in-memory database that requests one cannot be opened.
        self._pages[_WAL_FLAG_BYTES] = b"\1\1"[: len(self._pages[_WAL_FLAG_BYTES])]

    @classmethod
    def read(cls, path: Path) -> DatabaseImage:
        """Read a consistent state of the database and its log.

        As long as the log has not been restarted, everything that a checkpoint moves into the database is
        also still in the log. A database read between two equal log headers, together with the later log, is
        therefore complete.
        """
        log_path = path.with_name(f"{path.name}-wal")
        log = _read_bytes(log_path)
        # A browser rarely restarts the log, so a few attempts suffice; the query detects an inconsistent
        # copy.
        for _ in range(_MAX_ATTEMPTS):
            before, main, log = log[:_WAL_HEADER_SIZE], path.read_bytes(), _read_bytes(log_path)
            if log[:_WAL_HEADER_SIZE] == before:
                break
        return cls(main, log)

    def query_rows(self, query: str, build: Callable[..., T], *parameters: str) -> list[T]:
        """Return `build` applied to each row."""
        with closing(sqlite3.connect(":memory:")) as connection:
            # Text may be damaged, and SQLite's own error would quote it.
            connection.text_factory = lambda data: data.decode("utf-8", errors="replace")
            if self._pages:
                connection.deserialize(bytes(self._pages))
            return [build(*row) for row in connection.execute(query, parameters)]

    def __repr__(self) -> str:
        return f"Image({len(self._pages)} bytes)"


def query_database(path: Path, query: str, build: Callable[..., T], *parameters: str) -> list[T]:
    """Return `build` applied to each row of a database that may be in use.

    Raises:
        OSError: the file cannot be read.
        UnreadableDatabaseError: the file is not a database, or lacks the table.
    """
    for _ in range(2):  # a copy taken in the middle of a write succeeds the second time
        image = DatabaseImage.read(path)
        try:
            return image.query_rows(query, build, *parameters)
        except sqlite3.Error as error:
            kind = type(error).__name__
    raise UnreadableDatabaseError(f"not a cookie database ({kind})")


def _replay_log(pages: bytearray, log: bytes) -> None:
    """Copy the committed part of a log into the database."""
    uncommitted: dict[int, bytes] = {}
    for number, size, page in _read_frames(log):
        uncommitted[number] = page
        if size:  # only the last frame of a transaction has a page count
            # The commit may have enlarged the database.
            pages.extend(bytes(max(0, size * len(page) - len(pages))))
            for each, content in uncommitted.items():
                pages[(each - 1) * len(page) : each * len(page)] = content
            uncommitted = {}


def _read_frames(log: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield page number, page count after a commit (0 within one) and content of each valid frame."""
    if len(log) < _WAL_HEADER_SIZE:
        return
    # The last bit of the magic number selects the byte order of the checksums, not of the header.
    magic, _, page_size = struct.unpack_from(">3I", log)
    order = ">" if magic & 1 else "<"
    sums = _compute_checksum(log[:24], order, (0, 0))
    if magic & ~1 != _WAL_MAGIC or sums != struct.unpack_from(">2I", log, 24):
        return
    for offset in range(
        _WAL_HEADER_SIZE, len(log) - _FRAME_HEADER_SIZE - page_size + 1, _FRAME_HEADER_SIZE + page_size
    ):
        # A frame with another salt is a leftover from before the log was restarted.
        number, size = struct.unpack_from(">2I", log, offset)
        page = log[offset + _FRAME_HEADER_SIZE : offset + _FRAME_HEADER_SIZE + page_size]
        sums = _compute_checksum(page, order, _compute_checksum(log[offset : offset + 8], order, sums))
        has_log_salt = log[offset + 8 : offset + 16] == log[16:24]
        # Like SQLite, ignore everything after the first invalid frame.
        if not number or not has_log_salt or sums != struct.unpack_from(">2I", log, offset + 16):
            return
        yield number, size, page


def _compute_checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """Compute the log's running checksum over data whose length is a multiple of 8 bytes."""
    first, second = sums
    words: Sequence[int] = struct.unpack(f"{order}{len(data) // 4}I", data)
    for odd, even in zip(words[::2], words[1::2], strict=True):
        first = (first + odd + second) & 0xFFFFFFFF
        second = (second + even + first) & 0xFFFFFFFF
    return first, second


def _read_bytes(path: Path) -> bytes:
    """Return the content of a file that may appear and disappear; empty if it does not exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
