"""Keep readings in the archive, in a thread, so that a slow or full disk never delays the screen."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, Full, Queue
from typing import NamedTuple

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import (
    DamagedArchiveError,
    NewerArchiveError,
    ReplacedArchiveError,
    is_bug,
    is_damage,
    is_in_use,
)
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.org_rules import OrgRules
from claudemeter_tui.model.reading import NO_SESSION, ErrorKind, Failure, Reading, Session
from claudemeter_tui.model.store import OrgState, Store

ARCHIVE_SESSION = Session("History")
"""Session under which a problem of the archive is shown."""
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
UPKEEP_INTERVAL = timedelta(hours=1)
"""Time between two removals of old replies."""
REBUILD_PAUSE = 0.1
"""Seconds between two parts of a rebuild, in which the screen reacts as usual."""
HANG_LIMIT = 30.0
"""Seconds without an answer after which the disk counts as hanging."""
IN_USE_LIMIT = 30.0
"""Seconds for which another process, such as `--forget`, can use the file without being reported."""
RETRY_PAUSE = 1.0
"""Seconds between two attempts to write while another process uses the file."""
EVENT_PAUSE = 10.0
"""Minimum seconds of waiting for an event that only the time causes."""
_MAX_ATTEMPTS = 3
"""Attempts if the file was replaced or is damaged; each opens the file again."""


class OpenedArchive(NamedTuple):
    """An open archive."""

    archive: Archive
    remove_old: Callable[[datetime], Iterator[None]]
    """Removes old replies, a part at each step; the argument is the time."""
    rebuild: Callable[[], Iterator[None]]
    """Builds missing and outdated derived rows again, a part at each step."""
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
        rules: OrgRules | None = None,
    ) -> None:
        """Keep readings in the archive that `open_archive` opens; it is called again after an error.

        `now` is the clock; `thresholds` are the percentages that cause an event when usage passes them.
        `monotonic` are seconds that no change of the clock affects. `status` builds what `--line` and
        `--check` print; without it, nothing is stored for them. `rules` are the settings about orgs.
        """
        self._open_archive = open_archive
        self._rules = rules or OrgRules()
        self._now = now
        self._monotonic = monotonic
        self._opened: OpenedArchive | None = None
        self._queue: Queue[Reading | None] = Queue(MAX_QUEUED_READINGS)
        self._waiting: deque[Step] = deque(maxlen=MAX_WAITING_STEPS)
        self._store = Store()
        self._event_log = EventLog(thresholds=thresholds)
        self._post: Callable[[Reading], object] = lambda _: None
        self._post_restored: Callable[[Reading], object] = lambda _: None
        self._posted: tuple[OrgState, ...] = ()
        """Last states that are on screen already."""
        self._is_restored = threading.Event()
        self._shown: Failure | None = None
        """The problem that is on screen."""
        self._moved: Failure | None = None
        """The problem that the file was damaged; it is shown until the program ends."""
        self._derived_bug: Failure | None = None
        """The first bug because of which derived rows are missing. None if they are complete."""
        self._can_rebuild = True
        """False after a bug in a rebuild, which the next one would have, too."""
        self._removed_at: datetime | None = None
        self._busy_since: float | None = None
        """Monotonic time since when the thread waits for the disk."""
        self._stalled_since: float | None = None
        """Monotonic time of the first failure since the last success. None after a success."""
        self._is_in_use = False
        """True if the last attempt failed because another process uses the file."""
        self._upkeep_at: datetime | None = None
        self._upkeep: Iterator[None] | None = None
        self._followed: frozenset[Session] = frozenset()
        """Sessions whose last reading is from the archive: another process keeps their events."""
        self._polled: frozenset[Session] = frozenset()
        """Sessions whose last reading is from this process."""
        self._status = status
        self._is_status_due = False
        self._keeps_status_current = False
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(
        self,
        post: Callable[[Reading], object],
        *,
        restores: bool = True,
        restored: tuple[OrgState, ...] = (),
    ) -> None:
        """Start the thread, which begins with the last states of earlier runs.

        Args:
            post: called in the thread with these states and with a problem of the archive.
            restored: the last states, if they were read and posted already; otherwise the thread reads them.
            restores: False for a run that polls once. It posts no states, and stores the status for status
                bars at its end instead of after each poll and at each full minute.
        """
        self._post = post
        self._keeps_status_current = restores
        self._posted = restored
        self._post_restored = post if restores and not restored else self._post_restored
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

    def count_stalled_seconds(self) -> float:
        """Return the seconds for which nothing could be appended; 0 if the last attempt succeeded."""
        since = [one for one in (self._busy_since, self._stalled_since) if one is not None]
        return self._monotonic() - min(since) if since else 0.0

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
            self._attempt(self._continue_upkeep)
        self._attempt(self._flush)
        self._attempt(self._write_status)
        self._close_archive()

    def _collect(self) -> bool:
        """Wait for readings, until a poll ends, no more arrive, or a minute ends.

        Return False at the end of the program.
        """
        to_minute, to_event = self._count_seconds_to_minute(), self._count_seconds_to_event()
        pause = min((one for one in (to_minute, to_event) if one is not None), default=None)
        try:
            reading = self._queue.get(timeout=RETRY_PAUSE if self._is_in_use else pause)
        except Empty:
            self._is_status_due = self._is_in_use or pause == to_minute
            self._observe_time()
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

    def _count_seconds_to_event(self) -> float | None:
        """Return the time until an event that only the time causes. None if another process keeps it."""
        due_at, sessions = self._event_log.due_at, {state.session for state in self._store.orgs}
        if due_at is None or not sessions <= self._polled:
            return None
        return max(EVENT_PAUSE, (due_at - self._now()).total_seconds())

    def _observe_time(self) -> None:
        """Keep the events that only the time causes, such as figures that are stale now."""
        now = self._now()
        if self._count_seconds_to_event() is None:
            return
        self._event_log = self._event_log.observe(self._store, now)
        if events := self._event_log.new_events:
            self._waiting.append(Step(Reading(NO_SESSION, now), self._store, self._store, events))

    def _apply(self, reading: Reading) -> None:
        """Apply a reading to the store, and add it to those that wait unless the archive has it."""
        before, self._store = self._store, self._store.apply_safely(reading)
        self._event_log = self._event_log.observe(self._store, reading.at)
        self._followed -= {reading.session}
        self._polled |= {reading.session}
        if reading.is_archived:
            self._followed |= {reading.session}
            self._polled -= {reading.session}
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
            self._note_failure()
            self._report(ErrorKind.ARCHIVE_FAILED, "the file changes all the time")
        except NewerArchiveError as error:
            self._note_failure()
            self._close_archive()
            self._waiting.clear()
            self._report(ErrorKind.ARCHIVE_NEWER, str(error))
        except (sqlite3.Error, OSError) as error:
            self._close_archive()
            self._note_failure(is_in_use=is_in_use(error))
            if not self._is_in_use or self.count_stalled_seconds() > IN_USE_LIMIT:
                self._report(ErrorKind.ARCHIVE_FAILED, describe_error(error))
        except Exception as error:  # noqa: BLE001 - the boundary for the unexpected: polling continues
            self._close_archive()
            self._note_failure()
            self._show(Failure.from_exception(error, Endpoint.ACCOUNT, self._now()))
        finally:
            self._busy_since = None

    def _note_failure(self, *, is_in_use: bool = False) -> None:
        self._is_in_use = is_in_use
        if self._stalled_since is None:
            self._stalled_since = self._monotonic()

    def _note_success(self) -> None:
        self._is_in_use, self._stalled_since = False, None

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
        states = self._posted or self._rules.apply_to_states(archive.load_states(self._now()))
        self._note_success()
        if self._status is not None:
            self._status.start(archive.load_status(self._status.key), states)
        self._show_state()
        if states:
            reading = Reading(NO_SESSION, self._now(), restored_orgs=states, is_archived=True)
            self._store = self._store.apply(reading)
            self._event_log = self._event_log.observe(self._store, self._now())
            self._post_restored(reading)

    def _append_waiting(self) -> None:
        """Append what waits; if a reading cannot be written, only this one is lost."""
        archive = self._open().archive
        bug = None

        def append(steps: Iterable[Step]) -> None:
            derived_bug = archive.append(steps)
            self._derived_bug = self._derived_bug or derived_bug
            self._note_success()

        try:
            append(self._waiting)
            self._waiting.clear()
        except Exception as error:
            if not is_bug(error):
                raise
            bug = error
        while self._waiting:
            try:
                append([self._waiting[0]])
            except Exception as error:
                if not is_bug(error):
                    raise
                bug = error
                self._note_failure()
            self._waiting.popleft()
        if bug is not None:
            self._show(Failure.from_exception(bug, Endpoint.ACCOUNT, self._now()))
        else:
            self._show_state()

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
            if not self._waiting:
                self._note_success()

    def _continue_upkeep(self) -> None:
        """Remove old replies once an hour, and rebuild derived rows, until the next reading arrives."""
        if self._opened is None:
            return
        if self._upkeep is None and (
            self._upkeep_at is None or abs(self._now() - self._upkeep_at) >= UPKEEP_INTERVAL
        ):
            self._upkeep_at = self._now()
            self._upkeep = self._iter_upkeep(self._opened, self._upkeep_at)
        while self._upkeep is not None and self._queue.empty():
            if next(self._upkeep, self) is self:
                self._upkeep = None
            self._busy_since = self._monotonic()

    def _iter_upkeep(self, opened: OpenedArchive, now: datetime) -> Iterator[None]:
        yield from opened.remove_old(now)
        if not self._can_rebuild or not self._keeps_status_current:  # a short run would not finish it
            return
        try:
            for _ in opened.rebuild():
                yield
                time.sleep(REBUILD_PAUSE)
            self._derived_bug = None
        except Exception as error:
            if not is_bug(error):
                raise
            self._can_rebuild = False
            bug = Failure.from_exception(error, Endpoint.ACCOUNT, self._now())
            self._derived_bug = self._derived_bug or bug
        if self._stalled_since is None:
            self._show_state()

    def _mark_damaged(self) -> None:
        opened, self._opened, self._upkeep = self._opened, None, None
        if opened is not None:
            opened.mark_damaged()

    def _close_archive(self) -> None:
        opened, self._opened, self._upkeep = self._opened, None, None
        if opened is not None:
            with suppress(sqlite3.Error):
                opened.close()

    def _report(self, error_kind: ErrorKind, detail: str) -> None:
        self._show(Failure(error_kind, Endpoint.ACCOUNT, self._now(), detail))

    def _show_state(self) -> None:
        """Show the problem that stays although the archive can be written, or none."""
        self._show(self._derived_bug or self._moved)

    def _show(self, failure: Failure | None) -> None:
        """Show this problem instead of the last one, unless it is the same. None for no problem."""
        shown, self._shown = self._shown, failure
        if failure is None:
            if shown is not None:
                self._post(Reading(ARCHIVE_SESSION, self._now(), session_removed=True))
        elif shown is None or (shown.error_kind, shown.detail) != (failure.error_kind, failure.detail):
            self._post(Reading(ARCHIVE_SESSION, failure.at, failure))


def describe_error(error: sqlite3.Error | OSError) -> str:
    """Return the system's or SQLite's short text for an error, without a path."""
    if isinstance(error, TimeoutError):
        return "another process is replacing the file"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__
