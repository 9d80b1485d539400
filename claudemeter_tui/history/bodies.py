"""Compress reply bodies with earlier bodies of the same endpoint as a dictionary.

A reply every minute differs from the last one in a few characters. Compressed alone it takes a quarter of its
size, with a dictionary a twentieth.
"""

from __future__ import annotations

import sqlite3
import zlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from claudemeter_tui.history.database import to_millis

MAX_DICTIONARY_BYTES = 32_768
"""Size of zlib's window; earlier bytes would have no effect."""
MIN_RATIO = 8
"""A dictionary is extended if a body is compressed to more than this part (an eighth) of its size."""
MIN_PACKED_BYTES = 160
"""Compressed size that is good enough, whatever the size of the body."""
MIN_DICTIONARY_AGE = timedelta(days=1)
"""Time before a dictionary with bodies of several orgs is extended again, so that few dictionaries exist."""
_MAX_YOUNG = 8
"""Number of dictionaries of an endpoint that can be made without that pause."""
_RAW_FORMAT = -15
"""zlib's format without header and checksum, which would take ten bytes of each body."""


class _Dictionary(NamedTuple):
    """A dictionary of one endpoint."""

    id: int
    created_at: int
    content: bytes
    compressor: Any
    """A prepared `zlib.compressobj`; a copy of it compresses one body."""


class BodyCompressor:
    """Compresses and decompresses bodies with the dictionaries of one archive."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use the dictionaries in this archive, and add new ones to it."""
        self._connection = connection
        self._newest: dict[int, _Dictionary] = {}
        self._contents: dict[int, bytes] = {}

    def compress(self, endpoint_id: int, text: str, at: datetime) -> tuple[int | None, bytes]:
        """Return the dictionary's id and the compressed body; the id is None without a dictionary.

        Call it in a write transaction, because it may add a dictionary.
        """
        body = text.encode(errors="surrogatepass")
        if not body:
            return None, b""
        known = self._find_newest(endpoint_id)
        packed = _pack(known, body) if known is not None else None
        if packed is None or len(packed) > max(len(body) // MIN_RATIO, MIN_PACKED_BYTES):
            known = self._extend(endpoint_id, known, body, at)
            packed = _pack(known, body)
        return known.id if known is not None else None, packed

    def decompress(self, dictionary_id: int | None, packed: bytes) -> str:
        """Return the body as it was sent.

        Raises:
            zlib.error: The stored bytes are damaged, or their dictionary is missing.
            UnicodeDecodeError: The stored bytes are damaged.
        """
        if not packed:
            return ""
        content = b""
        if dictionary_id is not None:
            if dictionary_id not in self._contents:
                row = self._connection.execute(
                    "SELECT content FROM dictionaries WHERE id = ?", (dictionary_id,)
                ).fetchone()
                if row is None:
                    raise zlib.error("no dictionary")
                self._contents[dictionary_id] = row[0]
            content = self._contents[dictionary_id]
        unpacker = zlib.decompressobj(_RAW_FORMAT, zdict=content)
        return (unpacker.decompress(packed) + unpacker.flush()).decode(errors="surrogatepass")

    def forget_new(self) -> None:
        """Forget the dictionaries that a transaction added which was undone."""
        self._newest.clear()
        self._contents.clear()

    def _find_newest(self, endpoint_id: int) -> _Dictionary | None:
        """Return the newest dictionary; an older one may be removed as soon as no reply needs it."""
        known = self._newest.get(endpoint_id)
        newest = "SELECT id FROM dictionaries WHERE endpoint_id = ? ORDER BY id DESC LIMIT 1"
        row = self._connection.execute(newest, (endpoint_id,)).fetchone()
        if row is None or (known is not None and known.id == row[0]):
            return known if row is not None else None
        row = self._connection.execute(
            "SELECT id, created_at, content FROM dictionaries WHERE id = ?", row
        ).fetchone()
        return self._remember(endpoint_id, *row)

    def _remember(self, endpoint_id: int, row_id: int, created_at: int, content: bytes) -> _Dictionary:
        known = _Dictionary(row_id, created_at, content, _make_compressor(content))
        self._newest[endpoint_id] = known
        return known

    def _extend(
        self, endpoint_id: int, known: _Dictionary | None, body: bytes, at: datetime
    ) -> _Dictionary | None:
        """Return a new dictionary that ends with this body, or the known one if it is too young."""
        now = to_millis(at)
        (count,) = self._connection.execute(
            "SELECT count(*) FROM dictionaries WHERE endpoint_id = ?", (endpoint_id,)
        ).fetchone()
        # If it is from the future, the clock was set back.
        max_age = MIN_DICTIONARY_AGE.total_seconds() * 1000
        is_young = known is not None and 0 <= now - known.created_at < max_age
        if is_young and count >= _MAX_YOUNG:
            return known
        before = known.content if known is not None else b""
        content = (before + body)[-MAX_DICTIONARY_BYTES:]
        added = self._connection.execute(
            "INSERT INTO dictionaries (endpoint_id, created_at, content) VALUES (?, ?, ?)",
            (endpoint_id, now, content),
        )
        assert added.lastrowid is not None  # noqa: S101 - for the type checker
        return self._remember(endpoint_id, added.lastrowid, now, content)


def _make_compressor(content: bytes) -> Any:
    return zlib.compressobj(9, zlib.DEFLATED, _RAW_FORMAT, zdict=content)


def _pack(known: _Dictionary | None, body: bytes) -> bytes:
    compressor = known.compressor.copy() if known is not None else _make_compressor(b"")
    return bytes(compressor.compress(body) + compressor.flush())
