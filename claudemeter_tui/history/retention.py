"""Remove the oldest replies, so that the archive stays within its age and its size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui.history.database import from_millis, to_millis, transaction

MEBIBYTE = 1 << 20


def remove_old_replies(
    connection: sqlite3.Connection, path: Path, *, days: int, max_mb: int, now: datetime
) -> None:
    """Remove replies, failures and times of readings that are too old, then further days if the file is big.

    Figures, cycles and events stay. Each day is a transaction of its own.

    Args:
        connection: the archive, open for writing.
        path: its file.
        days: age in days above which replies are removed.
        max_mb: maximum size of the file and its log in MiB.
        now: the time.
    """
    _remove_before(connection, now - timedelta(days=days))
    for moment in _iter_days(connection, now):
        if _measure_size(path) <= max_mb * MEBIBYTE:
            return
        _remove_before(connection, moment)


def _iter_days(connection: sqlite3.Connection, now: datetime) -> Iterator[datetime]:
    """Yield the days from the oldest reading to the current day, which stays."""
    (first,) = connection.execute("SELECT min(at) FROM readings").fetchone()
    moment = from_millis(first) if first is not None else now
    while (moment := moment + timedelta(days=1)) < now - timedelta(days=1):
        yield moment


def _remove_before(connection: sqlite3.Connection, moment: datetime) -> None:
    at = to_millis(moment)
    with transaction(connection):
        connection.execute("DELETE FROM replies WHERE confirmed_at < ?", (at,))
        connection.execute("DELETE FROM failures WHERE last_at < ?", (at,))
        connection.execute("DELETE FROM readings WHERE at < ?", (at,))
        connection.execute(
            "DELETE FROM dictionaries WHERE created_at < ?"
            " AND id NOT IN (SELECT dictionary_id FROM replies WHERE dictionary_id IS NOT NULL)"
            " AND id NOT IN (SELECT max(id) FROM dictionaries GROUP BY endpoint_id)",
            (at,),
        )
    # `execute` would free only one page, because it stops at the first row.
    connection.executescript("PRAGMA incremental_vacuum")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _measure_size(path: Path) -> int:
    """Return the bytes of the file and its log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
