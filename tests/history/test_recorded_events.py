"""The events that the recorder keeps although no reading causes them."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.history.archive import Archive
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_reading, open_for_writing
from claudemeter_tui.history.events import load_events
from claudemeter_tui.history.recorder import EVENT_PAUSE, OpenedArchive, Recorder
from claudemeter_tui.model.events import EventKind
from tests.scenes import PERSONAL, READ, readings

ORIGIN = "https://claude.ai"


class Kept:
    """A recorder without its thread, whose clock the test sets."""

    def __init__(self, folder: Path) -> None:
        """Start with an empty archive in that folder."""
        self.path = folder / ARCHIVE_NAME
        self.now = READ
        self.recorder = Recorder(self._open, lambda: self.now)

    def _open(self) -> OpenedArchive:
        connection = open_for_writing(self.path)
        archive = Archive(connection, ORIGIN)
        return OpenedArchive(
            archive, lambda _: iter(()), lambda: iter(()), connection.close, connection.close
        )

    def poll(self, *, is_archived: bool = False) -> None:
        """Record a poll of one org."""
        for reading in readings(PERSONAL, at=READ):
            self.recorder._apply(reading._replace(is_archived=is_archived))

    def wait(self, moment: datetime) -> None:
        """Let the wait for a reading end at a moment."""
        self.now = moment
        self.recorder._observe_time()

    def list_events(self) -> list[tuple[EventKind, datetime]]:
        """Write everything, and return kind and time of each event in the archive."""
        self.recorder._append_waiting()
        with closing(open_for_reading(self.path)) as connection:
            found = load_events(connection, ORIGIN, READ, READ + timedelta(days=1))
        return [(event.kind, event.at) for event in found]


def test_stale_figures_are_kept_when_they_become_stale(tmp_path: Path) -> None:
    """The event has the time at which the figures became stale, not that of the next reading."""
    kept = Kept(tmp_path)
    kept.poll()
    seconds = kept.recorder._count_seconds_to_event()
    assert seconds == pytest.approx(120, abs=1)
    stale_at = READ + timedelta(seconds=121)
    for moment in (stale_at, stale_at + timedelta(seconds=31)):
        kept.wait(moment)
    assert kept.list_events() == [(EventKind.STALE, stale_at + timedelta(seconds=31))]


def test_event_that_is_overdue_does_not_keep_the_thread_busy(tmp_path: Path) -> None:
    """The thread never waits less than a few seconds for the time."""
    kept = Kept(tmp_path)
    kept.poll()
    kept.now = READ + timedelta(hours=1)
    assert kept.recorder._count_seconds_to_event() == EVENT_PAUSE


def test_process_that_polls_keeps_the_events_of_the_time(tmp_path: Path) -> None:
    """A process that follows another one keeps none, and neither does one that has not polled yet."""
    kept = Kept(tmp_path)
    assert kept.recorder._count_seconds_to_event() is None
    kept.poll(is_archived=True)
    assert kept.recorder._count_seconds_to_event() is None
    for minute in (2.1, 2.7):
        kept.wait(READ + timedelta(minutes=minute))
    assert kept.list_events() == []
