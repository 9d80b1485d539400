"""Decide which session of an account polls, and run the pollers of those sessions.

A reading takes one path: a source yields it, `SessionSlot.read` keeps the account and holds back the
readings of an expired session, the poller posts it, and the scheduler adds the session's name and expiry.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import count
from typing import NamedTuple

from claudemeter_tui.clock import Clock
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Reply, Schedule, Session
from claudemeter_tui.model.store import same_account
from claudemeter_tui.sessions.leases import AccountLeases, NoLeases
from claudemeter_tui.sessions.poller import (
    REOPEN_ERRORS,
    PacedSource,
    Poller,
    PostReading,
    SessionSource,
    find_poll_failure,
)
from claudemeter_tui.sessions.renewable import RESCAN_INTERVAL, RenewableSession

HOST_CHECK_SECONDS = 5.0
"""Seconds between two looks for a host of the browser extension."""
MIN_ORG_INTERVAL = timedelta(minutes=1)
"""Minimum time between requests about one org by two sessions."""
FAILOVER_ERRORS = (
    REOPEN_ERRORS
    | {ErrorKind.CHALLENGE, ErrorKind.DENIED, ErrorKind.REGION, ErrorKind.REDIRECT, ErrorKind.FORBIDDEN}
    | {ErrorKind.LOGIN_PAGE, ErrorKind.NO_SESSION}
)
"""Errors that another session may not have. Throttling is not included, because it concerns the account."""


class SessionStatus(StrEnum):
    """Role of a session in polling."""

    WAITING = "waiting"
    """Was never tried and is a last resort: starts after all other sessions have polled."""
    UNTRIED = "untried"
    """Polls until the server names the account of the session's cookies."""
    RENEWED = "renewed"
    """Polls again at once, because the browser got another key after the last poll began."""
    ACTIVE = "active"
    """Polls the account's orgs."""
    FOLLOWING = "following"
    """Shows what another process reads, which polls the account."""
    STANDBY = "standby"
    """Works, but does not poll: another session is active for the account, or follows it."""
    RETRYING = "retrying"
    """Failed, and polls until it works again, because no session that ranks before it is active."""
    REJECTED = "rejected"
    """Failed, and does not poll, because a session that ranks before it is active or follows."""
    REMOVED = "removed"
    """No longer in its browser; never polls again."""


POLLING = frozenset(
    {SessionStatus.UNTRIED, SessionStatus.RENEWED, SessionStatus.ACTIVE, SessionStatus.RETRYING}
)
"""Statuses in which a session has a poller."""
UNIDENTIFIED = (SessionStatus.UNTRIED, SessionStatus.RENEWED)
"""Statuses in which the account may differ from the last known one."""


class SlotState(NamedTuple):
    """Everything that determines whether a session polls."""

    status: SessionStatus = SessionStatus.UNTRIED
    account: Account | None = None
    """Account as the server last named it. None if it never did."""
    error_kind: ErrorKind | None = None
    """Why the session does not work. None if no failure is known."""
    is_last_resort: bool = False
    """True if the session ranks after all others because it reads less than they do."""
    arrival: int = 0
    """Order of arrival among the sessions of the account; the lowest ranks first."""
    is_followed: bool = False
    """True if another process polls the account. A session that fails can follow it, too."""
    can_poll: bool = True
    """False for a session that only another process can poll: the browser extension's, by its host."""

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """Rank among the sessions of one account; the lowest that works is active."""
        has_failed = self.is_followed and self.error_kind is not None
        return self.is_last_resort, not self.can_poll, has_failed, self.arrival


def find_active(state: SlotState, states: Iterable[SlotState]) -> SlotState | None:
    """Return the session that polls the account of `state`, or follows it: the first that works.

    None if none works.
    """
    members, account = [state], state.account
    if account is not None:
        members += (one for one in states if one.account is not None and same_account(one.account, account))
    working = (one for one in members if one.error_kind is None or one.is_followed)
    return min(working, key=lambda one: one.rank, default=None)


def decide_statuses(states: Sequence[SlotState], *, may_start_last_resorts: bool) -> list[SessionStatus]:
    """Return the next status of each session.

    Args:
        states: the states of all sessions of all accounts.
        may_start_last_resorts: True if all other sessions have polled, so that a last resort may start.
    """
    return [_decide_status(one, states, may_start_last_resorts=may_start_last_resorts) for one in states]


def _decide_status(
    state: SlotState, states: Sequence[SlotState], *, may_start_last_resorts: bool
) -> SessionStatus:
    if state.status is SessionStatus.WAITING and may_start_last_resorts:
        return SessionStatus.UNTRIED
    if state.status in (*UNIDENTIFIED, SessionStatus.WAITING, SessionStatus.REMOVED):
        return state.status
    active = find_active(state, states)
    if active is state:
        follows = state.is_followed or not state.can_poll
        status = SessionStatus.FOLLOWING if follows else SessionStatus.ACTIVE
    elif state.error_kind is None:
        status = SessionStatus.STANDBY
    elif active is None or state.rank < active.rank:
        status = SessionStatus.RETRYING
    else:
        status = SessionStatus.REJECTED
    starts = status in POLLING and state.status not in POLLING
    return state.status if starts and state.is_last_resort and not may_start_last_resorts else status


class SessionSlot:
    """One session: its source, its state, and a poll that sends only the requests allowed now.

    A poll stops after the account reply if another session is active for that account or has requested its
    orgs within the last minute.
    """

    def __init__(
        self,
        source: SessionSource,
        election: SessionElection,
        *,
        interval: timedelta,
        is_last_resort: bool = False,
        can_poll: bool = True,
    ) -> None:
        """Read through `source`, which is polled every `interval`; see `SlotState` for the others."""
        self.source = source
        self.session = source.session
        """Name of the session."""
        self.interval = interval
        """Usual time between two polls."""
        self.next_at: datetime | None = None
        """Time of the next poll, set by the last one. None means after the usual interval."""
        self.state = SlotState(
            SessionStatus.WAITING if is_last_resort else SessionStatus.UNTRIED,
            is_last_resort=is_last_resort,
            can_poll=can_poll,
        )
        self.renewal: RenewableSession | None = None
        """Cookies that the browser may renew. None for a session without cookies."""
        self.expires: datetime | None = None
        """Expiry of the session as the browser has stored it. None if not known."""
        self.last_account_reading: Reading | None = None
        """Reading with the last list of the account's orgs. None if there was none."""
        self.read_times: dict[str, datetime] = {}
        """Time of the last reply of each org that was posted, by uuid."""
        self.host_error: ErrorKind | None = None
        """Reason why no host of the browser extension polls the account. None if it is about to."""
        self.followed_schedule: Schedule | None = None
        """Schedule of the process that polled the account before this one. None if there was none."""
        self._election = election

    async def open(self) -> SessionSlot:
        """Return this slot: its connections stay open from one poller to the next."""
        return self

    async def aclose(self) -> None:
        """Do nothing when a poller ends; see `open`."""

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once, with the requests that the session may send now.

        Readings of an expired session are held back until no other cookies are left to try, and dropped
        if the poll with other cookies succeeds.
        """
        retries = self.state.error_kind is not None and not self.state.is_last_resort
        asks_orgs = not retries and self.state.status not in UNIDENTIFIED
        if not await self._may_poll(asks_orgs=asks_orgs):
            return
        status = SessionStatus.UNTRIED if self.state.status in UNIDENTIFIED else self.state.status
        self.state = self.state._replace(status=status)
        # Record this before the first request, because another session may start to poll meanwhile.
        request = self._election.record_request(self) if asks_orgs else None
        poll, full = _PollRecord(), full or retries
        try:
            again = await self._prepare(poll)
            while again:
                poll.begin_attempt()
                async with aclosing(self.source.read(full=full)) as readings:
                    async for reading in readings:
                        if poll.add(reading):
                            await self._claim(_find_account(reading))
                            self.record_account(reading)
                            yield reading
                            if self._must_stop(reading):
                                break
                        if poll.has_asked:
                            self._election.record_request(self)
                # After an attempt with an expired session, other cookies may work.
                again = (
                    poll.has_expired and self.renewal is not None and await self.renewal.try_other_cookies()
                )
                full = True
            for reading in poll.list_held():
                yield reading
        finally:
            if not poll.has_asked:
                self._election.withdraw_request(request)
        failure = self._record_outcome([*poll.shown, *poll.list_held()])
        if failure is not None and not self._election.is_elected(self):
            yield Reading(self.session, failure.at, replace(failure, endpoint=Endpoint.ACCOUNT))

    async def close(self) -> None:
        """Close the connections."""
        await self.source.aclose()

    async def _may_poll(self, *, asks_orgs: bool) -> bool:
        """Return False if another process polls the account, or if it is too early to request its orgs."""
        is_identified = self.state.status not in UNIDENTIFIED
        if is_identified and not await self._claim(self.state.account):
            self._election.on_change()
            return False
        self.next_at = self._election.compute_free_at(self) if asks_orgs else None
        return self.next_at is None

    async def _claim(self, account: Account | None) -> bool:
        """Return True if this process may poll the account. Claude Code's login never needs a lease."""
        if account is None or self.state.is_last_resort:
            return True
        is_free = await self._election.leases.claim(self.session, account)
        self.state = self.state._replace(is_followed=not is_free)
        return is_free

    def follow_account(self, account: Account | None) -> None:
        """Follow another process that watches the same session; None if there is none."""
        if account is not None:
            arrival = next(self._election.arrival_numbers)
            self.state = self.state._replace(
                status=SessionStatus.FOLLOWING, account=account, arrival=arrival, is_followed=True
            )

    def record_reading(self, reading: Reading) -> None:
        """Keep the list of orgs and the times of the replies in a reading that is posted."""
        if reading.orgs is not None:
            self.last_account_reading = reading
        # Else the next process that is followed would offer only states, which the store has already.
        for state in reading.restored_orgs:
            self.read_times[state.org.uuid] = max(reply.at for reply in state.replies.values())
        for report in reading.org_readings:
            if report.parts:
                self.read_times[report.org.uuid] = max(part.at for part in report.parts.values())

    def record_account(self, reading: Reading) -> None:
        """Keep the account and its list of orgs, and run the election again."""
        account = _find_account(reading)
        if account is None:
            return
        known = self.state.account
        if known is None or not same_account(known, account):
            self.state = self.state._replace(arrival=next(self._election.arrival_numbers))
            self.read_times.clear()
        self.state = self.state._replace(account=account, error_kind=None)
        if self.state.status is not SessionStatus.RENEWED:
            self.state = self.state._replace(status=SessionStatus.ACTIVE)
        self._election.on_change()
        if reading.orgs is not None:
            self.last_account_reading = reading

    def _must_stop(self, reading: Reading) -> bool:
        """Return True if another session has to send the next requests, or if it is too early for them."""
        if reading.account is None or _is_session_wide_failure(reading):
            return False
        free_at, is_elected = self._election.compute_free_at(self), self._election.is_elected(self)
        if isinstance(reading.account, Reply) and is_elected:
            self.next_at = free_at
        return free_at is not None or not is_elected or self.state.is_followed

    async def _prepare(self, poll: _PollRecord) -> bool:
        """Apply the browser's cookies; if none are left to try, add an EXPIRED reading and return False."""
        if self.renewal is None:
            return True
        await self.renewal.prepare(self.state.error_kind)
        if self.renewal.is_refused:
            now = self._election.now()
            poll.add(Reading(self.session, now, Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, now)))
        return not self.renewal.is_refused

    def _record_outcome(self, found: list[Reading]) -> Failure | None:
        """Set the next poll's time; return the failure if the session no longer works."""
        if self.renewal is not None and self.renewal.is_refused:
            self.next_at = self._election.now() + RESCAN_INTERVAL
        elif self.next_at is None and isinstance(self.source, PacedSource):
            self.next_at = self.source.next_at
        failure = find_poll_failure(found)
        if failure is not None and failure.error_kind in FAILOVER_ERRORS:
            self.state = self.state._replace(error_kind=failure.error_kind)
            return failure
        if failure is None and found:
            self.state = self.state._replace(error_kind=None)
        return None


class _PollRecord:
    """Readings of one poll: those to show, and those held back because the session has expired."""

    def __init__(self) -> None:
        self.shown: list[Reading] = []
        self._held: list[Reading] = []
        self.has_asked = False
        """True if replies about orgs were requested."""
        self.has_expired = False
        """True if the server reported an expired session in the last attempt."""
        self._is_first = True
        self._attempt_start = 0

    def begin_attempt(self) -> None:
        """Prepare for the readings of an attempt with other cookies."""
        self._is_first, self.has_expired, self._attempt_start = True, False, len(self._held)

    def add(self, reading: Reading) -> bool:
        """Add a reading; return True if it can be shown now."""
        self.has_asked = self.has_asked or (self._is_first and not _is_session_wide_failure(reading))
        self._is_first = False
        is_expired = isinstance(reading.account, Failure) and reading.account.error_kind is ErrorKind.EXPIRED
        self.has_expired = self.has_expired or is_expired
        is_empty = bool(reading.org_readings) and not any(one.parts for one in reading.org_readings)
        (self._held if is_expired or is_empty else self.shown).append(reading)
        return not is_expired and not is_empty

    def list_held(self) -> list[Reading]:
        """Return the held readings to show at the poll's end: all of them if no cookies were accepted."""
        return self._held if self.has_expired else self._held[self._attempt_start :]


def _build_closed_reading(slot: SessionSlot, error: ErrorKind, since: datetime, now: datetime) -> Reading:
    """Return the reading that says why no host polls a session; the recorder does not keep it."""
    failure = Failure(error, Endpoint.ACCOUNT, since)
    schedule = Schedule(now + timedelta(seconds=HOST_CHECK_SECONDS), slot.interval)
    return Reading(slot.session, now, failure, schedule=schedule, is_archived=True)


def _find_account(reading: Reading) -> Account | None:
    value = reading.account.value if isinstance(reading.account, Reply) else None
    return value if isinstance(value, Account) else None


def _is_session_wide_failure(reading: Reading) -> bool:
    return isinstance(reading.account, Failure) and reading.account.is_session_wide


class _OrgRequest(NamedTuple):
    """Request about the orgs of an account."""

    account: Account
    slot: SessionSlot
    at: datetime


class SessionElection:
    """All sessions, their statuses, and their latest requests about orgs."""

    def __init__(
        self,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
        leases: AccountLeases | None = None,
    ) -> None:
        """Start without sessions.

        Args:
            now: the clock.
            on_change: called if another session may have to poll.
            leases: decides which process polls an account. None if there are no others.
        """
        self.slots: list[SessionSlot] = []
        self.now = now
        self.on_change = on_change
        self.leases = leases or NoLeases()
        self._requests: list[_OrgRequest] = []
        self.arrival_numbers = count()

    def is_elected(self, slot: SessionSlot) -> bool:
        """Return True if no other session works for the slot's account before this one."""
        active = find_active(slot.state, [one.state for one in self.slots])
        return active is None or active is slot.state

    def record_request(self, slot: SessionSlot) -> _OrgRequest | None:
        """Record that a session requests its account's orgs now. None if the account is not known."""
        if slot.state.account is None:
            return None
        now = self.now()
        request = _OrgRequest(slot.state.account, slot, now)
        self._requests = [*(one for one in self._requests if now - one.at < MIN_ORG_INTERVAL), request]
        return request

    def withdraw_request(self, request: _OrgRequest | None) -> None:
        """Forget a request that was not sent."""
        self._requests = [one for one in self._requests if one is not request]

    def compute_free_at(self, slot: SessionSlot) -> datetime | None:
        """Return when a session may request its orgs after another one did. None means now."""
        now, account = self.now(), slot.state.account
        if account is None:
            return None
        others = (
            one.at for one in self._requests if one.slot is not slot and same_account(one.account, account)
        )
        last = max((at for at in others if at <= now), default=None)
        followed = slot.followed_schedule
        # The process that polled before has just read the orgs.
        moments = [last + MIN_ORG_INTERVAL] if last is not None else []
        moments += (
            [followed.next_at] if followed is not None and followed.next_at <= now + slot.interval else []
        )
        return max((moment for moment in moments if moment > now), default=None)


class _Follower(NamedTuple):
    """Task that shows what another process reads."""

    task: asyncio.Task[None]
    first_look: asyncio.Event
    """Set once the last known figures were posted."""


class _RunningPoller(NamedTuple):
    """Poller of a slot, and its task."""

    poller: Poller
    task: asyncio.Task[None]


class PollScheduler:
    """Runs a poller for each session whose status requires one."""

    def __init__(
        self,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        on_poll_end: Callable[[], None],
        leases: AccountLeases | None = None,
    ) -> None:
        """Call `on_poll_end` after each poll and after a session was removed; see `SessionElection`."""
        self.election = SessionElection(clock.now, self.update_pollers, leases)
        self.pending_sessions: set[Session] = set()
        """Sessions that are being connected and have no slot yet."""
        self.allows_last_resorts = False
        """True after the first complete scan."""
        self._clock = clock
        self._jitter = jitter
        self._on_poll_end = on_poll_end
        self._post: PostReading = lambda _: None
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[SessionSlot, _RunningPoller] = {}
        self._followers: dict[SessionSlot, _Follower] = {}

    @property
    def slots(self) -> list[SessionSlot]:
        """All sessions, in the order in which they were added."""
        return self.election.slots

    @property
    def is_polling(self) -> bool:
        """True while any poll is under way."""
        return any(running.poller.is_polling for running in self._running.values())

    @property
    def is_settled(self) -> bool:
        """True if every session that has to poll has done so."""
        return self._have_polled(self.slots) and not any(
            slot.state.status is SessionStatus.WAITING for slot in self.slots
        )

    def start(self, post: PostReading, tasks: asyncio.TaskGroup) -> None:
        """Pass readings to `post`, and run pollers in `tasks`."""
        self._post, self._tasks = post, tasks
        tasks.create_task(self.election.leases.tend(self._poll_account, self._lose_lease))

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds of the clock."""
        await self._clock.sleep(seconds)

    def add(self, slot: SessionSlot) -> None:
        """Add a session."""
        self.pending_sessions.discard(slot.session)
        self.slots.append(slot)
        self.update_pollers()

    def remove(self, slot: SessionSlot) -> None:
        """Remove a session; its orgs pass to another session of the account or are removed too."""
        self.slots.remove(slot)
        slot.state = slot.state._replace(status=SessionStatus.REMOVED)
        self.update_pollers()
        if self._tasks is not None:
            self._tasks.create_task(slot.close())
        self._on_poll_end()

    def rename(self, slot: SessionSlot, session: Session) -> None:
        """Rename a session after its profile or container; its figures stay."""
        before = slot.session
        slot.session = slot.source.session = session
        if slot in self._running or slot in self._followers:
            self._post_last_orgs(slot)
            self._post(Reading(before, self._clock.now(), session_removed=True))

    def relearn_account(self, slot: SessionSlot) -> None:
        """Poll a session as soon as possible: its browser holds another key, perhaps of another account."""
        slot.state = slot.state._replace(status=SessionStatus.RENEWED)
        if slot in self._running and not self._running[slot].poller.is_polling:
            self._stop_poller(slot)
        self.update_pollers()

    async def close(self) -> None:
        """Close every connection."""
        for slot in self.slots:
            await slot.close()

    def poll_now(self) -> None:
        """Poll every session that has a poller."""
        for slot, running in self._running.items():
            if slot.renewal is not None:
                slot.renewal.allow_retry()
            slot.followed_schedule = None
            running.poller.poll_now()
        for slot in self._followers:
            if slot.state.account is not None and self._tasks is not None:
                self._tasks.create_task(self.election.leases.request_poll(slot.state.account))

    def _poll_account(self, account: Account) -> None:
        """Poll an account now because another process asks for it."""
        for slot, running in self._running.items():
            if slot.state.account is not None and slot.state.account.key == account.key:
                slot.followed_schedule = None
                running.poller.poll_now()

    def _lose_lease(self, account: Account) -> None:
        """Follow the process that has taken the lease of an account."""
        for slot in self.slots:
            known = slot.state.account
            if known is not None and known.key == account.key and not slot.state.is_last_resort:
                slot.state = slot.state._replace(is_followed=True)
        self.update_pollers()

    def update_pollers(self) -> None:
        """Update every status, then start and stop pollers accordingly.

        A poller in the middle of a poll is stopped at the poll's end. Pollers start before others stop, so
        that orgs pass to the next session before their old one is removed.
        """
        others = (slot for slot in self.slots if not slot.state.is_last_resort)
        may_start = self.allows_last_resorts and self._have_polled(others)
        statuses = decide_statuses([slot.state for slot in self.slots], may_start_last_resorts=may_start)
        for slot, status in zip(self.slots, statuses, strict=True):
            slot.state = slot.state._replace(status=status)
        for slot in self.slots:
            if slot.state.status in POLLING and slot not in self._running:
                self._start_poller(slot)
            if slot.state.status is SessionStatus.FOLLOWING and slot not in self._followers:
                self._start_follower(slot)
        for slot, running in list(self._running.items()):
            is_removed = slot.state.status is SessionStatus.REMOVED
            if slot.state.status not in POLLING and (is_removed or not running.poller.is_polling):
                self._stop_poller(slot)
                self._post_removal(slot)
        for slot in [one for one in self._followers if one.state.status is not SessionStatus.FOLLOWING]:
            self._followers.pop(slot).task.cancel()
            self._post_removal(slot)
        self.election.leases.keep_only(
            [
                slot.state.account
                for slot in self.slots
                if slot.state.account is not None
                and slot.state.status in POLLING
                and slot.state.error_kind is None
                and not slot.state.is_last_resort
            ]
        )

    def _post_removal(self, slot: SessionSlot) -> None:
        """Remove a session from the screen unless it still shows its account."""
        if slot not in self._running and slot not in self._followers:
            self._post(Reading(slot.session, self._clock.now(), session_removed=True))

    def _have_polled(self, slots: Iterable[SessionSlot]) -> bool:
        return not self.pending_sessions and all(map(self._has_polled, slots))

    def _has_polled(self, slot: SessionSlot) -> bool:
        if slot.state.status is SessionStatus.FOLLOWING:
            return slot in self._followers and self._followers[slot].first_look.is_set()
        if slot in self._running:
            return self._running[slot].poller.has_polled
        return slot.state.status not in POLLING

    def _start_poller(self, slot: SessionSlot) -> None:
        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._post_last_orgs(slot)
        poller = Poller(slot.open, interval=slot.interval, clock=self._clock, jitter=self._jitter)
        task = self._tasks.create_task(poller.run(partial(self._post_reading, slot)))
        self._running[slot] = _RunningPoller(poller, task)

    def _stop_poller(self, slot: SessionSlot) -> None:
        self._running.pop(slot).task.cancel()

    def _start_follower(self, slot: SessionSlot) -> None:
        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._post_last_orgs(slot)
        first_look = asyncio.Event()
        self._followers[slot] = _Follower(self._tasks.create_task(self._follow(slot, first_look)), first_look)

    async def _follow(self, slot: SessionSlot, first_look: asyncio.Event) -> None:
        """Post what another process reads until this one has to poll the session."""

        def post(readings: Sequence[Reading]) -> None:
            for reading in readings:
                slot.followed_schedule = reading.schedule or slot.followed_schedule
                self._post_as(slot, reading)
            if not first_look.is_set():
                first_look.set()
                self.update_pollers()
                self._on_poll_end()

        slot.followed_schedule = None
        while True:
            try:
                is_same_account = await self._follow_until_free(slot, post)
                break
            except Exception as error:  # noqa: BLE001 - as in `Poller`, it must not end the program
                bug = Failure.from_exception(error, Endpoint.ACCOUNT, self._clock.now())
                post([Reading(slot.session, bug.at, bug)])
                await self._clock.sleep(slot.interval.total_seconds())
        if not slot.state.can_poll:
            self.remove(slot)  # the next look at the hosts adds it with its new account
        elif is_same_account:
            slot.state = slot.state._replace(is_followed=False)
            self.update_pollers()
        else:
            self.relearn_account(slot)

    async def _follow_until_free(
        self, slot: SessionSlot, post: Callable[[Sequence[Reading]], object]
    ) -> bool:
        """Return once this process may poll the account; return False if the session reads another one."""
        leases, account = self.election.leases, slot.state.account
        assert account is not None  # noqa: S101 - for the type checker
        closed_at: datetime | None = None
        while await leases.follow(slot.session, account, slot.read_times, post):
            if not slot.state.can_poll:
                now = self._clock.now()
                closed_at = closed_at or now
                post(
                    [_build_closed_reading(slot, slot.host_error, closed_at, now)] if slot.host_error else []
                )
                await self._clock.sleep(HOST_CHECK_SECONDS)
            elif await leases.claim(slot.session, account):
                return True
        return False

    def _post_last_orgs(self, slot: SessionSlot) -> None:
        """Give a session that reads an account the orgs of its last list, until the next reply arrives."""
        reads = slot.state.status in (SessionStatus.ACTIVE, SessionStatus.FOLLOWING)
        if slot.last_account_reading is not None and reads:
            self._post(slot.last_account_reading._replace(session=slot.session, expires_at=slot.expires))

    def _post_reading(self, slot: SessionSlot, reading: Reading) -> None:
        """Post a poller's reading unless the session no longer polls; then start and stop pollers."""
        if slot in self._running and slot.state.status in POLLING:
            self._post_as(slot, reading)
        if reading.schedule is not None:
            if slot.state.status is SessionStatus.RENEWED and slot in self._running:
                self._stop_poller(slot)
            self.update_pollers()
            self._on_poll_end()

    def _post_as(self, slot: SessionSlot, reading: Reading) -> None:
        """Post a reading under the name of its session."""
        slot.record_reading(reading)
        self._post(reading._replace(session=slot.session, expires_at=slot.expires))
