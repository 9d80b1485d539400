"""Old replies are removed, and the file stays within its size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.retention import ROWS_PER_PART, remove_old_replies
from claudemeter_tui.history.schema import DERIVED_TABLES
from claudemeter_tui.model.store import Store
from tests.bodies import org_body, overage_body, usage_body
from tests.history.test_archive import build, poll, put
from tests.scenes import READ, OrgBodies, readings

DAY = timedelta(days=1)


def run_all(parts: Iterator[None]) -> None:
    """Remove everything at once."""
    for _ in parts:
        pass


def test_replies_are_removed_by_age(tmp_path: Path) -> None:
    """Replies, failures and times older than the limit go; the latest state stays."""
    connection = open_for_writing(tmp_path / ARCHIVE_NAME)
    archive = build(connection)
    put(archive, poll(0))
    put(archive, poll(60 * 24 * 10))
    run_all(remove_old_replies(connection, tmp_path / ARCHIVE_NAME, days=3, max_mb=500, now=READ + 11 * DAY))
    for column, table in (("confirmed_at", "replies"), ("at", "readings")):
        (oldest,) = connection.execute(f"SELECT min({column}) FROM {table}").fetchone()  # noqa: S608
        assert oldest == to_millis(READ + 10 * DAY)
    assert connection.execute("SELECT count(*) FROM org_states").fetchone() == (1,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_oldest_days_go_first_if_the_file_is_big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and its log shrink below the limit; the newest replies stay."""
    monkeypatch.setattr("claudemeter_tui.history.retention.MEBIBYTE", 65_536)
    path = tmp_path / ARCHIVE_NAME
    connection, store = open_for_writing(path), Store()
    archive = build(connection)
    for hour in range(24 * 60):
        store = put(archive, poll(60 * hour, hour), store)
    run_all(remove_old_replies(connection, path, days=90, max_mb=12, now=READ + 60 * DAY))
    size = sum(file.stat().st_size for file in tmp_path.iterdir() if not file.name.endswith("-shm"))
    assert size <= 12 * 65_536
    first, last = connection.execute("SELECT min(first_at), max(first_at) FROM replies").fetchone()
    assert to_millis(READ) < first < to_millis(READ + 59 * DAY)
    assert last == to_millis(READ + timedelta(hours=24 * 60 - 1))
    connection.close()


def count_rows(connection: sqlite3.Connection, table: str) -> int:
    """Return the number of rows of a table."""
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(count)


def test_a_clock_far_in_the_future_removes_nothing(tmp_path: Path) -> None:
    """Everything seems to be too old; only after a day with that clock, old replies are removed."""
    connection = open_for_writing(tmp_path / ARCHIVE_NAME)
    archive, path, later = build(connection), tmp_path / ARCHIVE_NAME, 60 * 24 * 365
    put(archive, poll(0))
    put(archive, poll(later))
    before = count_rows(connection, "replies")
    run_all(remove_old_replies(connection, path, days=90, max_mb=500, now=READ + 365 * DAY))
    assert count_rows(connection, "replies") == before
    put(archive, poll(later + 60 * 24))
    run_all(remove_old_replies(connection, path, days=90, max_mb=500, now=READ + 366 * DAY))
    (oldest,) = connection.execute("SELECT min(first_at) FROM replies").fetchone()
    assert oldest == to_millis(READ + 365 * DAY)
    connection.close()


def test_each_part_is_small_and_figures_stay(tmp_path: Path) -> None:
    """One transaction removes few rows, so that a new reading waits for milliseconds only."""
    path = tmp_path / ARCHIVE_NAME
    connection, store = open_for_writing(path), Store()
    archive = build(connection)
    for minute in range(3 * ROWS_PER_PART):
        store = put(archive, poll(minute, minute), store)
    put(archive, poll(60 * 24 * 10), store)
    (org_id,) = connection.execute("SELECT id FROM orgs").fetchone()
    names = [row[0] for row in connection.execute("SELECT id FROM names LIMIT 2")]
    for name in names:
        connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, 0, 1, 50, '%', '')", (org_id, name))
        connection.execute("INSERT OR REPLACE INTO quarters VALUES (?, ?, 0, '%', 5)", (org_id, name))
    derived = {table: count_rows(connection, table) for table in DERIVED_TABLES}
    parts, before = list[int](), connection.total_changes
    for _ in remove_old_replies(connection, path, days=3, max_mb=500, now=READ + 11 * DAY):
        parts.append(connection.total_changes - before)
        before = connection.total_changes
    assert sum(parts) > 6 * ROWS_PER_PART
    assert max(parts) <= ROWS_PER_PART
    assert {table: count_rows(connection, table) for table in DERIVED_TABLES} == derived
    assert path.with_name(f"{ARCHIVE_NAME}-wal").stat().st_size == 0
    connection.close()


def test_a_dictionary_stays_while_a_reply_needs_it(tmp_path: Path) -> None:
    """Of those that were replaced long ago, only the unused ones are removed; every body can be read."""
    path = tmp_path / ARCHIVE_NAME
    connection, store = open_for_writing(path), Store()
    archive = build(connection)
    for day in range(12):
        at = READ + day * DAY
        new: Any = {f"field_{day}_{number}": f"{number * day:x}" * 9 for number in range(40)}
        usage = usage_body(day, day, **new)
        store = put(archive, readings(OrgBodies(org_body(), usage, overage_body()), at=at), store)
    before = count_rows(connection, "dictionaries")
    run_all(remove_old_replies(connection, path, days=3, max_mb=500, now=READ + 11 * DAY))
    assert count_rows(connection, "dictionaries") < before
    compressor = BodyCompressor(connection)
    rows = connection.execute("SELECT dictionary_id, body FROM replies").fetchall()
    assert len(rows) > 10
    assert all(compressor.decompress(*row) for row in rows)
    connection.close()
