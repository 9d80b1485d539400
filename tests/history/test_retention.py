"""Old replies are removed, and the file stays within its size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.retention import remove_old_replies
from claudemeter_tui.model.store import Store
from tests.history.test_archive import build, poll, put
from tests.scenes import READ

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
