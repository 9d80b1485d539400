"""The stored status: when a poll is due, which row wins, and rows that cannot be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudemeter_tui import __version__
from claudemeter_tui.history.archive import Archive
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.status import (
    MAX_ROW_AGE,
    OrgStatus,
    Status,
    WindowFigure,
    load_status,
    save_status,
)
from tests.scenes import READ

AT = to_millis(READ)
SECOND = 1000


def build_status(key: str = "1", *, at: int = AT, failed: int = 0, next_in: int = 60) -> Status:
    """Return the status after a poll; `next_in` is in seconds."""
    window = WindowFigure("session", "5-hour", "67%", is_full=False, percent=67.0, resets_at=at, length=1)
    until, texts, names = at + 60 * SECOND, {"org": "Personal"}, ("uuid", "Personal", "", "")
    org = OrgStatus("account", *names, 0, 0, at, None, at, until, texts, "can_work", "normal", 67, [window])
    return Status(key, at, at + next_in * SECOND, failed, None, "", "UTC", __version__, (org,), None)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an open archive."""
    opened = open_for_writing(tmp_path / ARCHIVE_NAME)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("expected", "seconds", "interval", "failed", "next_in"),
    [
        (False, 0, 60, 0, 60),
        (False, 59, 60, 0, 60),
        (True, 60, 60, 0, 60),
        (True, 30, 30, 0, 60),
        (True, 20, 60, 0, 20),
        (False, 60, 60, 1, 120),
        (True, 120, 60, 1, 120),
        (False, -30, 60, 0, 60),
        (True, -3600, 60, 0, 60),
    ],
)
def test_figures_expire(expected: bool, seconds: int, interval: int, failed: int, next_in: int) -> None:  # noqa: FBT001
    """Figures expire after the interval or a reset, not during a back-off, at once if the clock went back."""
    status = build_status(failed=failed, next_in=next_in)
    assert status.is_due(AT + seconds * SECOND, interval * SECOND) is expected


def test_status_survives_as_it_was_stored(connection: sqlite3.Connection) -> None:
    """Every field comes back, and other settings have their own row."""
    status = build_status(failed=2)._replace(error_kind="throttled", network="x")
    save_status(connection, status, AT)
    assert load_status(connection, "1") == status
    assert load_status(connection, "2") is None


def test_later_poll_wins(connection: sqlite3.Connection) -> None:
    """A run that ends late does not replace newer figures, unless those are from a wrong clock's future."""
    save_status(connection, build_status(at=AT), AT)
    save_status(connection, build_status(at=AT - SECOND), AT)
    found = load_status(connection, "1")
    assert found is not None
    assert found.polled_at == AT
    save_status(connection, build_status(at=AT - 3600 * SECOND), AT - 3600 * SECOND)
    found = load_status(connection, "1")
    assert found is not None
    assert found.polled_at == AT - 3600 * SECOND


def test_figures_of_other_settings_are_deleted(connection: sqlite3.Connection) -> None:
    """The rows of settings that no one has used for a week are deleted."""
    for key, age in (("old", MAX_ROW_AGE + SECOND), ("new", MAX_ROW_AGE - SECOND), ("1", 0)):
        save_status(connection, build_status(key, at=AT - age), AT - age)
    save_status(connection, build_status(), AT)
    rows = connection.execute("SELECT key FROM statuses ORDER BY key").fetchall()
    assert rows == [("1",), ("new",)]


@pytest.mark.parametrize(
    "change",
    [
        "version = '0'",
        "content = ''",
        "content = 'null'",
        "content = '[[[1]],null]'",
        "content = '[' || content",
        "content = replace(content, '[[', '[[[')",
    ],
)
def test_unusable_status_is_ignored(change: str, connection: sqlite3.Connection) -> None:
    """A row of another version or form is ignored without an error, and a poll is due."""
    archive = Archive(connection, "https://claude.ai")
    save_status(connection, build_status(), AT)
    assert archive.load_status("1") is not None
    connection.execute(f"UPDATE statuses SET {change}")  # noqa: S608 - the table above
    assert archive.load_status("1") is None
