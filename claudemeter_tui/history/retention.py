"""Remove the oldest replies, so that the archive stays within its age and its size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.history.database import LOG_SUFFIXES, from_millis, to_millis, transaction
from claudemeter_tui.history.transcripts import sum_calls_before

MEBIBYTE = 1 << 20
ROWS_PER_PART = 100
"""Number of rows that one transaction removes; it takes a few milliseconds."""
_PAGES_PER_PART = 32
"""Number of pages that are freed at a time."""
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


class _Table(NamedTuple):
    """A table whose old rows are removed."""

    name: str
    keys: tuple[str, ...]
    """Columns of its key before the time."""
    first: str
    """Time of the row, the last column of its key."""
    last: str
    """Time of the last arrival of the row."""


_TABLES = (
    _Table("replies", ("account_id", "org_id", "endpoint_id"), "first_at", "confirmed_at"),
    _Table("failures", ("account_id", "org_id", "endpoint_id", "session_id"), "first_at", "last_at"),
    _Table("readings", ("org_id",), "at", "at"),
)


def remove_old_replies(
    connection: sqlite3.Connection, path: Path, *, days: int, max_mb: int, now: datetime
) -> Iterator[None]:
    """Remove replies, failures and times of readings that are too old, then further days if the file is big.

    Figures, cycles, events and refusals stay. In a big file, the calls of these days become sums per hour.
    It yields after each part, so that the caller can do something else.

    Args:
        connection: the archive, open for writing.
        path: its file.
        days: age in days above which replies are removed.
        max_mb: maximum size of the file and its log in MiB.
        now: the time.
    """
    if _is_plausible(connection, now, days):
        yield from _remove_before(connection, now - timedelta(days=days))
    while _measure_size(path) > max_mb * MEBIBYTE:
        oldest = _find_oldest(connection)
        if oldest is None or oldest >= now - _HOUR:
            return
        moment = oldest + (_DAY if oldest + _DAY < now - _DAY else _HOUR)
        sum_calls_before(connection, to_millis(moment))
        yield from _remove_before(connection, moment)


def _is_plausible(connection: sqlite3.Connection, now: datetime, days: int) -> bool:
    """True if there is a reading from an earlier day within the limit.

    Otherwise the clock may have been set forward by mistake, and everything would seem to be too old.
    """
    row = connection.execute(
        "SELECT 1 FROM orgs WHERE EXISTS"
        " (SELECT 1 FROM readings WHERE org_id = orgs.id AND at BETWEEN ? AND ?)",
        (to_millis(now - timedelta(days=days + 1)), to_millis(now - _DAY)),
    ).fetchone()
    return row is not None


def _find_oldest(connection: sqlite3.Connection) -> datetime | None:
    """Return the time of the oldest reading or call; None if there is neither."""
    (first,) = connection.execute(
        "SELECT min(at) FROM (SELECT min(at) AS at FROM calls UNION ALL"
        " SELECT min((SELECT min(at) FROM readings WHERE org_id = orgs.id)) FROM orgs)"
    ).fetchone()
    return from_millis(first) if first is not None else None


def _remove_before(connection: sqlite3.Connection, moment: datetime) -> Iterator[None]:
    at = to_millis(moment)
    for table in _TABLES:
        for prefix in _iter_prefixes(connection, table):
            yield from _remove_rows(connection, table, prefix, at)
    yield from _remove_dictionaries(connection, at)
    yield from _free_pages(connection)


def _iter_prefixes(connection: sqlite3.Connection, table: _Table) -> Iterator[tuple[int, ...]]:
    """Yield each combination of a table's keys, without reading its rows."""
    keys = ", ".join(table.keys)
    marks = ", ".join("?" * len(table.keys))
    following = f"SELECT {keys} FROM {table.name} WHERE ({keys}) > ({marks}) ORDER BY {keys} LIMIT 1"  # noqa: S608 - our own names
    prefix: tuple[int, ...] = (-1,) * len(table.keys)
    while (row := connection.execute(following, prefix).fetchone()) is not None:
        prefix = row
        yield prefix


def _remove_rows(
    connection: sqlite3.Connection, table: _Table, prefix: tuple[int, ...], at: int
) -> Iterator[None]:
    """Remove the rows of a prefix that ended before a time, some in each transaction."""
    marks = ", ".join("?" * len(prefix))
    place = f"FROM {table.name} WHERE ({', '.join(table.keys)}) = ({marks}) AND {table.first} > ?"
    next_times = f"SELECT {table.first} {place} AND {table.first} < ? ORDER BY 1 LIMIT {ROWS_PER_PART}"
    start = -(2**62)
    while times := connection.execute(next_times, (*prefix, start, at)).fetchall():
        (end,) = times[-1]
        with transaction(connection):
            connection.execute(
                f"DELETE {place} AND {table.first} <= ? AND {table.last} < ?", (*prefix, start, end, at)
            )
        start = end
        yield


def _remove_dictionaries(connection: sqlite3.Connection, at: int) -> Iterator[None]:
    """Remove the dictionaries that were replaced before a time, and that no reply needs."""
    replaced = connection.execute(
        "SELECT id, endpoint_id FROM dictionaries AS old WHERE ? > (SELECT min(created_at) FROM dictionaries"
        " WHERE endpoint_id = old.endpoint_id AND id > old.id)",
        (at,),
    ).fetchall()
    arrivals = (
        "SELECT first_at, dictionary_id FROM replies WHERE (account_id, org_id, endpoint_id) = (?, ?, ?)"
        " AND first_at > ? ORDER BY first_at LIMIT ?"
    )
    unused, endpoint_ids = {row[0] for row in replaced}, {row[1] for row in replaced}
    # A new reply needs the newest dictionary only, so none of these can be needed again.
    for prefix in list(_iter_prefixes(connection, _TABLES[0])) if replaced else ():
        start = -(2**62)
        while prefix[-1] in endpoint_ids and unused:
            rows = connection.execute(arrivals, (*prefix, start, 10 * ROWS_PER_PART)).fetchall()
            if not rows:
                break
            unused -= {row[1] for row in rows}
            start = rows[-1][0]
            yield
    for row_id in unused:
        with transaction(connection):
            connection.execute("DELETE FROM dictionaries WHERE id = ?", (row_id,))
        yield


def _free_pages(connection: sqlite3.Connection) -> Iterator[None]:
    """Give the free pages back to the file system, and cut back the log."""
    (left,) = connection.execute("PRAGMA freelist_count").fetchone()
    while left:
        before = left
        # `execute` would free only one page, because it stops at the first row.
        connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_PER_PART})")
        (left,) = connection.execute("PRAGMA freelist_count").fetchone()
        yield
        if left >= before:
            break
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0").fetchall()  # a reader need not be waited for
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout}").fetchall()
    yield


def _measure_size(path: Path) -> int:
    """Return the bytes of the file and its log."""
    files = (path, *(path.with_name(path.name + suffix) for suffix in LOG_SUFFIXES))
    return sum(file.stat().st_size for file in files if file.exists())
