"""Keep readings in the archive, in a thread, so that a slow or full disk never delays the screen."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import NamedTuple

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import NewerArchiveError
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Session
from claudemeter_tui.model.store import OrgState, Store

ARCHIVE_SESSION = Session("History")
"""Session under which a problem of the archive is shown."""
NO_SESSION = Session("")
"""Session of the reading with the states from the archive."""
MAX_WAITING_STEPS = 500
"""Number of readings that wait while the archive cannot be written; beyond it, the oldest are dropped."""
BATCH_PAUSE = 0.25
"""Seconds without a reading after which those that wait are written."""
CLOSE_TIMEOUT = 3.0
"""Seconds at the end of the program in which the last readings are written."""


TRIM_INTERVAL = timedelta(hours=1)
"""Time between two removals of old replies."""


class OpenedArchive(NamedTuple):
    """An open archive."""

    archive: Archive
    remove_old: Callable[[datetime], None]
    """Removes old replies; the argument is the time."""
    close: Callable[[], None]


class Recorder:
    """Keeps readings in the archive; it applies them to a store of its own."""

    def __init__(
        self,
        open_archive: Callable[[], OpenedArchive],
        now: Callable[[], datetime],
        *,
        thresholds: tuple[float, ...] = (),
    ) -> None:
        """Keep readings in the archive that `open_archive` opens; it is called again after an error.

        `now` is the clock; `thresholds` are the percentages that cause an event when usage passes them.
        """
        self._open_archive = open_archive
        self._now = now
        self._opened: OpenedArchive | None = None
        self._queue: SimpleQueue[Reading | None] = SimpleQueue()
        self._waiting: list[Step] = []
        self._store = Store()
        self._event_log = EventLog(thresholds=thresholds)
        self._post: Callable[[Reading], object] = lambda _: None
        self._error_kind: ErrorKind | None = None
        self._trimmed_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def restore(self) -> Reading | None:
        """Return a reading with the states of earlier runs; None if there are none. It may block."""
        states: tuple[OrgState, ...] = ()
        with suppress(sqlite3.Error, OSError, NewerArchiveError):  # reported by the first write
            self._opened = self._open_archive()
            states = self._opened.archive.load_states(self._now())
        if not states:
            return None
        reading = Reading(NO_SESSION, self._now(), restored_orgs=states, is_archived=True)
        self._store = self._store.apply(reading)
        self._event_log = self._event_log.observe(self._store, self._now())
        return reading

    def start(self, post: Callable[[Reading], object]) -> None:
        """Start the thread; `post` is called in it with a problem of the archive, and when it ends."""
        self._post = post
        self._thread.start()

    def record(self, reading: Reading) -> None:
        """Keep one more reading; return at once."""
        self._queue.put(reading)

    def close(self) -> None:
        """Write everything that waits, for `CLOSE_TIMEOUT` at most, and end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        is_open = True
        while is_open:
            is_open = self._collect()
            if self._waiting or not is_open:
                self._write(flush=not is_open)
        if self._opened is not None:
            self._opened.close()

    def _collect(self) -> bool:
        """Wait for readings, until a poll ends or no more arrive; return False at the end of the program."""
        reading = self._queue.get()
        while reading is not None:
            self._apply(reading)
            if reading.schedule is not None:
                return True
            try:
                reading = self._queue.get(timeout=BATCH_PAUSE)
            except Empty:
                return True
        return False

    def _apply(self, reading: Reading) -> None:
        """Apply a reading to the store, and add it to those that wait unless the archive has it."""
        before, self._store = self._store, self._store.apply_safely(reading)
        self._event_log = self._event_log.observe(self._store, reading.at)
        events = tuple(self._event_log.new_events)
        if not reading.is_archived and (reading.org_readings or reading.account is not None or events):
            self._waiting = [
                *self._waiting[1 - MAX_WAITING_STEPS :],
                Step(reading, before, self._store, events),
            ]

    def _write(self, *, flush: bool) -> None:
        """Append what waits; an error is reported, and the next call tries again."""
        try:
            opened = self._opened = self._opened or self._open_archive()
            opened.archive.append(self._waiting)
            if flush:
                opened.archive.flush()
            elif self._trimmed_at is None or self._now() - self._trimmed_at >= TRIM_INTERVAL:
                self._trimmed_at = self._now()
                opened.remove_old(self._trimmed_at)
        except NewerArchiveError as error:
            self._waiting.clear()
            self._report(ErrorKind.ARCHIVE_NEWER, str(error))
        except (sqlite3.Error, OSError) as error:
            if self._opened is not None:
                self._opened.close()
            self._opened = None
            self._report(ErrorKind.ARCHIVE_FAILED, describe_error(error))
        except Exception as error:  # noqa: BLE001 - the boundary for the unexpected: polling continues
            self._waiting.clear()
            bug = Failure.from_exception(error, Endpoint.ACCOUNT, self._now())
            self._post_failure(bug)
        else:
            self._waiting.clear()
            if self._error_kind is not None:
                self._error_kind = None
                self._post(Reading(ARCHIVE_SESSION, self._now(), session_removed=True))

    def _report(self, error_kind: ErrorKind, detail: str) -> None:
        self._post_failure(Failure(error_kind, Endpoint.ACCOUNT, self._now(), detail))

    def _post_failure(self, failure: Failure) -> None:
        self._error_kind = failure.error_kind
        self._post(Reading(ARCHIVE_SESSION, failure.at, failure))


def describe_error(error: sqlite3.Error | OSError) -> str:
    """Return the system's or SQLite's short text for an error, without a path."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__
