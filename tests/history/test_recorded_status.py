"""The status that a running dashboard stores for status bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest

from claudemeter_tui.commands.status_texts import describe_outcome
from claudemeter_tui.history.archive import Archive
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_reading, open_for_writing, to_millis
from claudemeter_tui.history.recorder import OpenedArchive, Recorder
from claudemeter_tui.history.status import NoOrgStatus, OrgStatus, Status, load_status
from claudemeter_tui.history.status_builder import Outcome, StatusBuilder
from claudemeter_tui.model.reading import Reading, Session
from tests.scenes import NOW, PERSONAL, TEAM, readings

KEY = "0123456789abcdef"
PATIENCE = 60
"""Seconds after which a missing status counts as a failure."""


class Dashboard:
    """A recorder of a run that polls on, and the times at which it words the status."""

    def __init__(self, folder: Path, *, now: datetime = NOW, keeps_replies: bool = True) -> None:
        self.path = folder / ARCHIVE_NAME
        self.worded: SimpleQueue[datetime] = SimpleQueue()

        def describe(outcome: Outcome, at: datetime) -> tuple[tuple[OrgStatus, ...], NoOrgStatus | None]:
            self.worded.put(at)
            return describe_outcome(outcome, at)

        def open_archive() -> OpenedArchive:
            connection = open_for_writing(self.path)
            archive = Archive(connection, "https://claude.ai", keeps_replies=keeps_replies)
            return OpenedArchive(
                archive, lambda _: iter(()), lambda: iter(()), connection.close, connection.close
            )

        self.recorder = Recorder(open_archive, lambda: now, status=StatusBuilder(KEY, describe))
        self.recorder.start(lambda _: None)

    def record(self, *posted: Reading) -> None:
        """Keep these readings."""
        for reading in posted:
            self.recorder.record(reading)

    def load(self) -> Status | None:
        """End the run and return the stored status."""
        self.recorder.close()
        with closing(open_for_reading(self.path)) as connection:
            return load_status(connection, KEY)


def poll(session: Session) -> Iterator[Reading]:
    """Yield the readings of a poll after a complete scan."""
    posted = list(readings(PERSONAL, session=session))
    return (reading._replace(scan_results=()) for reading in posted)


def test_status_is_stored_after_each_poll(tmp_path: Path) -> None:
    """A status bar finds the figures as soon as the poll is over."""
    dashboard = Dashboard(tmp_path)
    for _ in range(2):
        dashboard.record(*poll(Session("Chrome")))
        assert dashboard.worded.get(timeout=PATIENCE) == NOW
    status = dashboard.load()
    assert status is not None
    assert [org.texts["org"] for org in status.orgs] == ["Personal"]


def test_status_is_renewed_at_each_full_minute(tmp_path: Path) -> None:
    """Countdowns and ages change without a reading."""
    late = NOW.replace(second=59, microsecond=990_000)
    dashboard = Dashboard(tmp_path, now=late)
    dashboard.record(*poll(Session("Chrome")))
    for _ in range(3):
        assert dashboard.worded.get(timeout=PATIENCE) == late
    status = dashboard.load()
    assert status is not None
    assert status.orgs[0].valid_from == to_millis(late)


def test_no_status_is_stored_before_each_session_was_polled(tmp_path: Path) -> None:
    """Orgs would be missing, and the worst could be among them."""
    dashboard = Dashboard(tmp_path)
    dashboard.record(*list(readings(TEAM, session=Session("Firefox")))[:-1], *poll(Session("Chrome")))
    assert dashboard.load() is None


def test_no_status_is_stored_before_the_scan_is_complete(tmp_path: Path) -> None:
    """Another browser may still have a session."""
    dashboard = Dashboard(tmp_path)
    dashboard.record(*readings(PERSONAL))
    assert dashboard.load() is None


def test_status_is_stored_without_history(tmp_path: Path) -> None:
    """`history.enabled = false` keeps the latest figures, and so the line."""
    dashboard = Dashboard(tmp_path, keeps_replies=False)
    dashboard.record(*poll(Session("Chrome")))
    status = dashboard.load()
    assert status is not None
    assert len(status.orgs) == 1


@pytest.mark.parametrize("minutes", [0, 1])
def test_readings_of_another_process_are_not_a_poll(minutes: int, tmp_path: Path) -> None:
    """The process that polled stores the status, not those that read its archive."""
    dashboard = Dashboard(tmp_path)
    at = NOW + timedelta(minutes=minutes)
    dashboard.record(*(one._replace(at=at, is_archived=True) for one in poll(Session("Chrome"))))
    assert dashboard.load() is None
