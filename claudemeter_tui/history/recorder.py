"""Keep readings in the archive, in a thread, so that a slow or full disk never delays the screen."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, Full, Queue
from typing import NamedTuple

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import (
    DamagedArchiveError,
    NewerArchiveError,
    ReplacedArchiveError,
    is_damage,
)
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Session
from claudemeter_tui.model.store import Store

ARCHIVE_SESSION = Session("History")
"""Session under which a problem of the archive is shown."""
NO_SESSION = Session("")
"""Session of the reading with the states from the archive."""
MAX_WAITING_STEPS = 500
"""Number of readings that wait while the archive cannot be written; above it, the oldest are dropped."""
MAX_QUEUED_READINGS = 1000
"""Number of readings that wait for the thread while the disk hangs; above it, the oldest are dropped."""
BATCH_PAUSE = 0.25
"""Seconds without a reading after which those that wait are written."""
CLOSE_TIMEOUT = 3.0
"""Seconds at the end of the program in which the last readings are written."""
RESTORE_TIMEOUT = 2.0
"""Seconds for which the first poll waits for the last figures."""
TRIM_INTERVAL = timedelta(hours=1)
"""Time between two removals of old replies."""
HANG_LIMIT = 30.0
"""Seconds without an answer after which the disk counts as hanging."""
_MAX_ATTEMPTS = 3
"""Attempts if the file was replaced or is damaged; each opens the file again."""
_BUGS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, sqlite3.ProgrammingError)
"""Errors of SQLite that are the fault of what is written."""


class OpenedArchive(NamedTuple):
    """An open archive."""

    archive: Archive
    remove_old: Callable[[datetime], Iterator[None]]
    """Removes old replies, a part at each step; the argument is the time."""
    close: Callable[[], None]
    mark_damaged: Callable[[], None]
    """Closes the archive, so that the next opening replaces its file."""
    moved_name: str | None = None
    """Name of the damaged file that was moved aside when it was opened. None if it was not damaged."""
    removed_at: datetime | None = None
    """Time at which the user last removed history. None if never."""


class Recorder:
    """Keeps readings in the archive; it applies them to a store of its own."""

    def __init__(
        self,
        open_archive: Callable[[], OpenedArchive],
        now: Callable[[], datetime],
        *,
        thresholds: tuple[float, ...] = (),
        monotonic: Callable[[], float] = time.monotonic,
        status: StatusBuilder | None = None,
    ) -> None:
        """Keep readings in the archive that `open_archive` opens; it is called again after an error.

        `now` is the clock; `thresholds` are the percentages that cause an event when usage passes them.
        `monotonic` are seconds that no change of the clock affects. `status` builds what `--line` and
        `--check` print; without it, nothing is stored for them.
        """
        self._open_archive = open_archive
        self._now = now
        self._monotonic = monotonic
        self._opened: OpenedArchive | None = None
        self._queue: Queue[Reading | None] = Queue(MAX_QUEUED_READINGS)
        self._waiting: deque[Step] = deque(maxlen=MAX_WAITING_STEPS)
        self._store = Store()
        self._event_log = EventLog(thresholds=thresholds)
        self._post: Callable[[Reading], object] = lambda _: None
        self._post_restored: Callable[[Reading], object] = lambda _: None
        self._is_restored = threading.Event()
        self._shown: Failure | None = None
        """The problem that is on screen."""
        self._moved: Failure | None = None
        """The problem that the file was damaged; it is shown until the program ends."""
        self._removed_at: datetime | None = None
        self._busy_since: float | None = None
        """Monotonic time since when the thread waits for the disk."""
        self._trimmed_at: datetime | None = None
        self._trimming: Iterator[None] | None = None
        self._followed: frozenset[Session] = frozenset()
        """Sessions whose last reading is from the archive: another process keeps their events."""
        self._status = status
        self._is_status_due = False
        self._keeps_status_current = False
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self, post: Callable[[Reading], object], *, restores: bool = True) -> None:
        """Start the thread, which reads the last states first.

        Args:
            post: called in the thread with these states and with a problem of the archive.
            restores: False for a run that polls once. It posts no states, and stores the status for status
                bars at its end instead of after each poll and at each full minute.
        """
        self._post = post
        self._keeps_status_current = restores
        self._post_restored = post if restores else self._post_restored
        self._thread.start()

    def wait_until_restored(self) -> None:
        """Block until the last states were posted, or for `RESTORE_TIMEOUT`."""
        self._is_restored.wait(RESTORE_TIMEOUT)

    def record(self, reading: Reading) -> None:
        """Keep one more reading; return at once."""
        self._put(reading)
        since = self._busy_since
        if since is not None and self._monotonic() - since > HANG_LIMIT:
            self._report(ErrorKind.ARCHIVE_FAILED, "the disk does not respond")

    def close(self) -> None:
        """Write everything that waits, for `CLOSE_TIMEOUT` at most, and end the thread."""
        if self._thread.is_alive():
            self._put(None)
            self._thread.join(CLOSE_TIMEOUT)

    def _put(self, reading: Reading | None) -> None:
        while True:
            try:
                self._queue.put_nowait(reading)
            except Full:
                with suppress(Empty):
                    self._queue.get_nowait()
            else:
                return

    def _run(self) -> None:
        self._attempt(self._restore)
        self._is_restored.set()
        while self._collect():
            if self._waiting:
                self._attempt(self._append_waiting)
            if self._is_status_due:
                self._attempt(self._write_status)
            self._attempt(self._trim)
        self._attempt(self._flush)
        self._attempt(self._write_status)
        self._close_archive()

    def _collect(self) -> bool:
        """Wait for readings, until a poll ends, no more arrive, or a minute ends.

        Return False at the end of the program.
        """
        try:
            reading = self._queue.get(timeout=self._count_seconds_to_minute())
        except Empty:
            self._is_status_due = True
            return True
        while reading is not None:
            try:
                self._apply(reading)
            except Exception as error:  # noqa: BLE001 - the boundary for the unexpected: other readings are kept
                self._show(Failure.from_exception(error, Endpoint.ACCOUNT, self._now()))
            if reading.schedule is not None:
                self._is_status_due = self._keeps_status_current
                return True
            try:
                reading = self._queue.get(timeout=BATCH_PAUSE)
            except Empty:
                return True
        return False

    def _count_seconds_to_minute(self) -> float | None:
        """Return the time until the texts of the status change. None if it is not kept current."""
        if self._status is None or not self._keeps_status_current:
            return None
        now = self._now()
        return 60 - now.second - now.microsecond / 1e6

    def _apply(self, reading: Reading) -> None:
        """Apply a reading to the store, and add it to those that wait unless the archive has it."""
        before, self._store = self._store, self._store.apply_safely(reading)
        self._event_log = self._event_log.observe(self._store, reading.at)
        self._followed -= {reading.session}
        if reading.is_archived:
            self._followed |= {reading.session}
        elif self._status is not None:
            self._status.observe(reading)
        events = tuple(one for one in self._event_log.new_events if one.session not in self._followed)
        has_facts = reading.org_readings or reading.account is not None or reading.schedule is not None
        if not reading.is_archived and (has_facts or events):
            self._waiting.append(Step(reading, before, self._store, events))

    def _attempt(self, action: Callable[[], object]) -> None:
        """Do something with the archive; an error is reported, and the next action tries again."""
        self._busy_since = self._monotonic()
        try:
            for _ in range(_MAX_ATTEMPTS):
                try:
                    action()
                except ReplacedArchiveError:
                    self._close_archive()
                except (sqlite3.Error, DamagedArchiveError) as error:
                    if not is_damage(error):
                        raise
                    self._mark_damaged()
                else:
                    return
            self._report(ErrorKind.ARCHIVE_FAILED, "the file changes all the time")
        except NewerArchiveError as error:
            self._close_archive()
            self._waiting.clear()
            self._report(ErrorKind.ARCHIVE_NEWER, str(error))
        except (sqlite3.Error, OSError) as error:
            self._close_archive()
            self._report(ErrorKind.ARCHIVE_FAILED, describe_error(error))
        except Exception as error:  # noqa: BLE001 - the boundary for the unexpected: polling continues
            self._close_archive()
            self._show(Failure.from_exception(error, Endpoint.ACCOUNT, self._now()))
        finally:
            self._busy_since = None

    def _open(self) -> OpenedArchive:
        """Return the archive; open it if it is closed."""
        if self._opened is None:
            opened = self._opened = self._open_archive()
            if opened.moved_name is not None:
                self._moved = Failure(
                    ErrorKind.ARCHIVE_DAMAGED, Endpoint.ACCOUNT, self._now(), opened.moved_name
                )
            removed_at = opened.removed_at
            if removed_at is not None and removed_at != self._removed_at:
                # What waits was read before the user removed it.
                self._waiting = deque(
                    (step for step in self._waiting if step.reading.at > removed_at), MAX_WAITING_STEPS
                )
            self._removed_at = removed_at
        return self._opened

    def _restore(self) -> None:
        archive = self._open().archive
        states = archive.load_states(self._now())
        if self._status is not None:
            self._status.start(archive.load_status(self._status.key), states)
        self._show(self._moved)
        if states:
            reading = Reading(NO_SESSION, self._now(), restored_orgs=states, is_archived=True)
            self._store = self._store.apply(reading)
            self._event_log = self._event_log.observe(self._store, self._now())
            self._post_restored(reading)

    def _append_waiting(self) -> None:
        """Append what waits; if a reading cannot be written, only this one is lost."""
        archive = self._open().archive
        bug = None
        try:
            archive.append(self._waiting)
            self._waiting.clear()
        except Exception as error:
            if not is_bug(error):
                raise
            bug = error
        while self._waiting:
            try:
                archive.append([self._waiting[0]])
            except Exception as error:
                if not is_bug(error):
                    raise
                bug = error
            self._waiting.popleft()
        self._show(Failure.from_exception(bug, Endpoint.ACCOUNT, self._now()) if bug else self._moved)

    def _flush(self) -> None:
        if self._waiting:
            self._append_waiting()
        if self._opened is not None:
            self._opened.archive.flush()

    def _write_status(self) -> None:
        """Store what `--line` and `--check` print."""
        self._is_status_due = False
        if self._status is None:
            return
        now, store = self._now(), self._store
        # Until each session has been polled, some orgs may be missing.
        is_complete = store.scan_results is not None and all(one.schedule for one in store.sessions)
        if not self._keeps_status_current:
            self._status.finish(now)
        if self._status.has_polled and (is_complete or not self._keeps_status_current):
            self._open().archive.save_status(self._status.build(store, now), now)

    def _trim(self) -> None:
        """Remove old replies once an hour, until the next reading arrives."""
        if self._opened is None:
            return
        if self._trimming is None and (
            self._trimmed_at is None or abs(self._now() - self._trimmed_at) >= TRIM_INTERVAL
        ):
            self._trimmed_at = self._now()
            self._trimming = self._opened.remove_old(self._trimmed_at)
        while self._trimming is not None and self._queue.empty():
            if next(self._trimming, self) is self:
                self._trimming = None
            self._busy_since = self._monotonic()

    def _mark_damaged(self) -> None:
        opened, self._opened, self._trimming = self._opened, None, None
        if opened is not None:
            opened.mark_damaged()

    def _close_archive(self) -> None:
        opened, self._opened, self._trimming = self._opened, None, None
        if opened is not None:
            with suppress(sqlite3.Error):
                opened.close()

    def _report(self, error_kind: ErrorKind, detail: str) -> None:
        self._show(Failure(error_kind, Endpoint.ACCOUNT, self._now(), detail))

    def _show(self, failure: Failure | None) -> None:
        """Show this problem instead of the last one, unless it is the same. None for no problem."""
        shown, self._shown = self._shown, failure
        if failure is None:
            if shown is not None:
                self._post(Reading(ARCHIVE_SESSION, self._now(), session_removed=True))
        elif shown is None or (shown.error_kind, shown.detail) != (failure.error_kind, failure.detail):
            self._post(Reading(ARCHIVE_SESSION, failure.at, failure))


def is_bug(error: Exception) -> bool:
    """True if what was written is at fault, not the file or the disk."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return isinstance(error, _BUGS) or code == sqlite3.SQLITE_ERROR
    environment = (OSError, NewerArchiveError, ReplacedArchiveError, DamagedArchiveError)
    return not isinstance(error, environment)


def describe_error(error: sqlite3.Error | OSError) -> str:
    """Return the system's or SQLite's short text for an error, without a path."""
    if isinstance(error, TimeoutError):
        return "another process is replacing the file"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__
