"""Build the status that `--line` and `--check` print, from the polls of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from claudemeter_tui import __version__
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.history.status import (
    NoOrgStatus,
    OrgStatus,
    Status,
    hash_network_variables,
    read_zone,
)
from claudemeter_tui.model.reading import (
    MIN_BACKOFF,
    REFUSAL_ERRORS,
    SESSION_WIDE_ERRORS,
    UNREACHED_ERRORS,
    ErrorKind,
    Failure,
    Reading,
    Reply,
    Session,
    compute_backoff,
)
from claudemeter_tui.model.store import OrgState, Store


class Outcome(NamedTuple):
    """The known figures after the last polls."""

    store: Store
    """The orgs that these settings read."""
    failure_count: int
    """Number of polls in a row that read nothing."""
    error_kind: ErrorKind | None
    """The first session-wide error if the last polls read nothing. None if there is none."""


DescribeOutcome = Callable[[Outcome, datetime], tuple[tuple[OrgStatus, ...], NoOrgStatus | None]]
"""Return the texts of every org at that time, or the texts if there is no org."""


class _Poll(NamedTuple):
    """The last complete poll of one session."""

    ended_at: datetime
    next_at: datetime
    failure_count: int
    """Number of polls in a row that read nothing."""
    error_kinds: tuple[ErrorKind, ...]
    """Its session-wide errors and refusals if it read nothing."""


class StatusBuilder:
    """Follows the polls of a run; the status that an earlier run stored says what came before them."""

    def __init__(self, key: str, describe: DescribeOutcome) -> None:
        """Build the status with this key; `describe` words it."""
        self.key = key
        self._describe = describe
        self._before: Status | None = None
        self._restored: tuple[OrgState, ...] = ()
        """The last figures of an earlier run, until a session is polled."""
        self._listed: set[tuple[Session, str]] = set()
        """Orgs that were listed in this run, by session and uuid."""
        self._unfinished: dict[Session, list[Reading]] = {}
        self._polls: dict[Session, _Poll] = {}

    def start(self, before: Status | None, restored: Iterable[OrgState]) -> None:
        """Continue after the status of an earlier run, None if there is none, with its figures."""
        self._before = before
        known = {(org.account, org.uuid) for org in before.orgs} if before is not None else set()
        self._restored = tuple(state for state in restored if state.key in known)

    def observe(self, reading: Reading) -> None:
        """Include one more reading of this run."""
        session = reading.session
        if reading.session_removed:
            self._unfinished.pop(session, None)
            self._polls.pop(session, None)
            return
        if not session.browser and reading.schedule is None and reading.account is None:
            return  # results of a scan
        self._listed.update((session, org.uuid) for org in reading.orgs or ())
        self._listed.update((session, report.org.uuid) for report in reading.org_readings)
        readings = self._unfinished.setdefault(session, [])
        readings.append(reading)
        if reading.schedule is not None:
            self._polls[session] = self._finish_poll(readings, reading.schedule.next_at)
            del self._unfinished[session]
            if session.browser:  # the nameless session says that none was found
                self._polls.pop(Session(""), None)
                self._restored = ()

    def _finish_poll(self, readings: list[Reading], next_at: datetime) -> _Poll:
        """Return the result of a session's poll, whose last reading has its schedule."""
        ended_at = readings[-1].at
        parts = [part for one in readings for report in one.org_readings for part in report.parts.values()]
        if any(isinstance(part, Reply) for part in parts):
            return _Poll(ended_at, next_at, 0, ())
        account = [one.account for one in readings if one.account is not None][-1:]
        causes = SESSION_WIDE_ERRORS | REFUSAL_ERRORS
        kinds = [part.error_kind for part in (*account, *parts) if isinstance(part, Failure)]
        found = tuple(kind for kind in kinds if kind in causes)
        schedule = readings[-1].schedule
        if readings[-1].is_archived and schedule is not None and not (kinds or schedule.is_backing_off):
            return _Poll(ended_at, next_at, 0, ())  # another process polls, and its last replies are known
        last = self._polls.get(readings[-1].session) or self._before
        failures_before = last.failure_count if last is not None else 0
        # The back-off protects the server, so none is needed if the server was not reached.
        if not set(found) <= UNREACHED_ERRORS:
            next_at = max(next_at, ended_at + compute_backoff(failures_before))
        return _Poll(ended_at, next_at, failures_before + 1, found)

    @property
    def has_polled(self) -> bool:
        """True if a poll of this run is complete."""
        return bool(self._polls)

    def finish(self, now: datetime) -> None:
        """End the first polls that have no schedule, because the program ends."""
        for session, readings in self._unfinished.items():
            if session not in self._polls:
                self._polls[session] = self._finish_poll(readings, now + MIN_BACKOFF)
        self._unfinished.clear()

    def build(self, store: Store, now: datetime) -> Status:
        """Return the status of these figures now."""
        polls = list(self._polls.values()) or [_Poll(now, now + MIN_BACKOFF, 1, ())]
        failure_count = min(poll.failure_count for poll in polls)
        kinds = [kind for poll in polls for kind in poll.error_kinds] if failure_count else []
        error_kind = next(iter(kinds), None)
        outcome = Outcome(self._select_orgs(store), failure_count, error_kind)
        orgs, no_org = self._describe(outcome, now)
        return Status(
            self.key,
            to_millis(min(poll.ended_at for poll in polls)),
            to_millis(min(poll.next_at for poll in polls)),
            failure_count,
            error_kind,
            hash_network_variables() if error_kind in UNREACHED_ERRORS else "",
            read_zone(),
            __version__,
            orgs,
            no_org,
        )

    def _select_orgs(self, store: Store) -> Store:
        """Return the orgs that these settings read, and the polled sessions.

        The archive restores the orgs of other settings, too. If no session was found, the last figures stay.
        """
        sessions = tuple(state for state in store.sessions if state.session in self._polls)
        named = {session for session in self._polls if session.browser}
        if not named:
            return Store(self._restored, sessions, store.scan_results).distinguish_orgs()
        known = {(org.account, org.uuid) for org in self._before.orgs} if self._before is not None else set()
        orgs = (
            state
            for state in store.all_orgs
            if state.session in named
            and (state.key in known or (state.session, state.org.uuid) in self._listed)
        )
        return replace(store, all_orgs=tuple(orgs), sessions=sessions).distinguish_orgs()
