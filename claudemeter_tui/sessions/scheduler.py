"""Decide which session of an account polls, and run the pollers; the others stand by."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from claudemeter_tui.clock import Clock
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import SESSION_WIDE_ERRORS, ErrorKind, Failure, Reading, Reply, Session
from claudemeter_tui.model.store import same_account
from claudemeter_tui.sessions.poller import Poller, SessionSource, find_poll_failure
from claudemeter_tui.sessions.renewable import RenewableSession

MIN_ORG_INTERVAL = timedelta(minutes=1)
"""Between two questions about one org by two sessions."""
FAILOVER_ERRORS = frozenset(
    {
        ErrorKind.EXPIRED,
        ErrorKind.CHALLENGE,
        ErrorKind.DENIED,
        ErrorKind.REGION,
        ErrorKind.REDIRECT,
        ErrorKind.FORBIDDEN,
        ErrorKind.LOGIN_PAGE,
        ErrorKind.TOKEN_INVALID,
        ErrorKind.TOKEN_SCOPE,
        ErrorKind.NO_SESSION,
        ErrorKind.NO_ORGS,
    }
)
"""Troubles that another session may not have. Being throttled is none: the account is."""


class SessionSlot:
    """A source that reads when it is its session's turn.

    Whose account it is, it learns from the first good answer; it stops there where another session
    serves that account, or has asked about its orgs within the last minute.
    """

    def __init__(
        self,
        source: SessionSource,
        turns: SessionElection,
        *,
        interval: timedelta,
        is_last_resort: bool = False,
    ) -> None:
        """Read through `source`, which is polled every `interval`; a last resort gives way to all others."""
        self.source = source
        self.interval = interval
        """The usual time between two polls."""
        self.next_at: datetime | None = None
        """When to be polled next. None: as usual."""
        self.is_last_resort = is_last_resort
        self.account: Account | None = None
        """None: the server has not said it yet."""
        self.is_account_current = False
        """Whether the account is that of the cookies at hand."""
        self.has_new_cookies = False
        """Whether the cookies at hand came after the last poll began."""
        self.arrival_number = 0
        """Its number among those of the account, the first the least."""
        self.last_account_reading: Reading | None = None
        """The last list of the account's orgs. None: there was none."""
        self.error_kind: ErrorKind | None = None
        """Why it cannot serve. None: it can, as far as is known."""
        self.expires: datetime | None = None
        """When it ends by the browser's record. None: not known."""
        self.is_polling = False
        """Whether a poll goes on."""
        self._election = turns

    @property
    def session(self) -> Session:
        """What it reads with."""
        return self.source.session

    @session.setter
    def session(self, session: Session) -> None:
        self.source.session = session

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once, as far as it is its turn."""
        self.next_at = (
            self._election.compute_free_at(self) if self.is_account_current and self._polls_orgs else None
        )
        if self.next_at is not None:
            return
        found: list[Reading] = []
        self.is_polling, self.has_new_cookies = True, False
        # Said before anything is sent: another session may come back meanwhile.
        asked = self._election.record_request(self) if self.is_account_current and self._polls_orgs else None
        full = full or not self._polls_orgs
        try:
            async with aclosing(self.source.read(full=full)) as readings:
                async for reading in readings:
                    found.append(reading)
                    self.record_account(reading)
                    yield reading
                    if self._must_stop(reading):
                        break
                    if not _is_session_wide_failure(found[0]):
                        self._election.record_request(self)
        finally:
            self.is_polling = False
            if not found or _is_session_wide_failure(found[0]):
                self._election.withdraw_request(asked)
        failure = self._record_outcome(found)
        if failure is not None and not self._election.is_elected(self):
            yield Reading(self.session, failure.at, replace(failure, endpoint=Endpoint.ACCOUNT))
        self.next_at = self.next_at or getattr(self.source, "next_at", None)

    @property
    def _polls_orgs(self) -> bool:
        """Whether a poll of it asks about orgs; one that tries to come back may find out that it cannot."""
        return self.error_kind is None or self.is_last_resort

    async def aclose(self) -> None:
        """Nothing: a poller that stops leaves the connections open for the next one."""

    async def close(self) -> None:
        """Close the connections."""
        await self.source.aclose()

    def record_account(self, reading: Reading) -> None:
        """Note whose session it is, and what the account's list says."""
        value = reading.account.value if isinstance(reading.account, Reply) else None
        if not isinstance(value, Account):
            return
        if self.account is None or not same_account(self.account, value):
            self.arrival_number = self._election.next_number()
        self.account, self.is_account_current, self.error_kind = value, True, None
        self._election.on_change()
        if reading.orgs is not None:
            self.last_account_reading = reading

    def _must_stop(self, reading: Reading) -> bool:
        """Whether what would follow is another one's to ask, or is to be asked later."""
        if reading.account is None or _is_session_wide_failure(reading):
            return False
        free_at = self._election.compute_free_at(self)
        if isinstance(reading.account, Reply) and self._election.is_elected(self):
            self.next_at = free_at
        return free_at is not None or not self._election.is_elected(self)

    def _record_outcome(self, found: list[Reading]) -> Failure | None:
        """Note whether a poll shows that it can serve; gives what it shows that it cannot."""
        failure = find_poll_failure(found)
        if failure is not None and failure.error_kind in FAILOVER_ERRORS:
            self.error_kind = failure.error_kind
            return failure
        if failure is None and found:
            self.error_kind = None
        return None


_OrgRequest = tuple[Account, SessionSlot, datetime]
"""Whose orgs were asked about, through which seat, and when."""


class SessionElection:
    """The sessions, account by account; of one account's, who came first serves as long as it works."""

    def __init__(self, now: Callable[[], datetime], changed: Callable[[], None]) -> None:
        """Begin with none; `changed` is called whenever a turn may have passed to another one."""
        self.slots: list[SessionSlot] = []
        self.on_change = changed
        self._now = now
        self._requests: list[_OrgRequest] = []
        self._numbers = count()

    def next_number(self) -> int:
        """A number above all before."""
        return next(self._numbers)

    def is_elected(self, seat: SessionSlot) -> bool:
        """Whether it is this one's turn; where none of the account's can serve, it is everybody's."""
        return self._find_elected(seat) in (None, seat)

    def should_poll(self, seat: SessionSlot) -> bool:
        """Whether it polls: it serves, has to learn whose it is, or comes before the one that serves.

        One that comes before and does not serve has failed, and tries to come back.
        """
        server = self._find_elected(seat)
        return (
            not seat.is_account_current
            or seat.has_new_cookies
            or server in (None, seat)
            or _compute_priority(seat) < _compute_priority(server)
        )

    def record_request(self, seat: SessionSlot) -> _OrgRequest | None:
        """Remember that it asks about its account's orgs now; None where the account is not known."""
        if seat.account is None:
            return None
        now = self._now()
        asked = (seat.account, seat, now)
        self._requests = [*(entry for entry in self._requests if now - entry[2] < MIN_ORG_INTERVAL), asked]
        return asked

    def withdraw_request(self, asked: _OrgRequest | None) -> None:
        """Forget what was remembered: it came to nothing."""
        self._requests = [entry for entry in self._requests if entry is not asked]

    def compute_free_at(self, seat: SessionSlot) -> datetime | None:
        """When it may ask about its orgs, because another session did lately. None: at once."""
        now, account = self._now(), seat.account
        if account is None:
            return None
        asked = (at for who, other, at in self._requests if other is not seat and same_account(who, account))
        last = max((at for at in asked if at <= now), default=None)
        return last + MIN_ORG_INTERVAL if last is not None and last + MIN_ORG_INTERVAL > now else None

    def _find_elected(self, seat: SessionSlot) -> SessionSlot | None:
        """The one that serves the account: the first that can. None: none can."""
        members = [one for one in self.slots if one is seat or _share_account(one, seat)]
        return min((one for one in members if one.error_kind is None), key=_compute_priority, default=None)


def _compute_priority(seat: SessionSlot | None) -> tuple[bool, int]:
    """Last resorts last, then in the order in which they came."""
    return (seat.is_last_resort, seat.arrival_number) if seat is not None else (True, 0)


def _share_account(seat: SessionSlot, other: SessionSlot) -> bool:
    return (
        seat.account is not None and other.account is not None and same_account(seat.account, other.account)
    )


def _is_session_wide_failure(reading: Reading) -> bool:
    """Whether a poll that began so asked about no org."""
    return isinstance(reading.account, Failure) and reading.account.error_kind in SESSION_WIDE_ERRORS


PostReading = Callable[[Reading], object]


@dataclass
class _RunningPoller:
    """A poller at work for a seat."""

    poller: Poller
    task: asyncio.Task[None]
    is_first_poll: bool = True
    """Whether its first poll is still to end."""


class PollScheduler:
    """All seats; those whose turn it is have a poller at work."""

    def __init__(
        self,
        *,
        interval: timedelta,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        over: Callable[[], None],
    ) -> None:
        """Poll every `interval`; `over` is called whenever a poll is over or a seat has left."""
        self.election = SessionElection(clock.now, self.update_pollers)
        self.pending_sessions: set[Session] = set()
        """Sessions that will have a seat in a moment."""
        self.allows_last_resorts = False
        """Whether last resorts may begin: everything else was looked at."""
        self._interval = interval
        self._clock = clock
        self._jitter = jitter
        self._on_poll_end = over
        self._post: PostReading = lambda _: None
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[SessionSlot, _RunningPoller] = {}
        self._polled_slots: set[SessionSlot] = set()

    @property
    def slots(self) -> list[SessionSlot]:
        """All of them, in the order in which they came."""
        return self.election.slots

    def start(self, post: PostReading, tasks: asyncio.TaskGroup) -> None:
        """Pass readings on to `post`, and poll in `tasks`."""
        self._post, self._tasks = post, tasks

    def add(self, seat: SessionSlot) -> None:
        """One more session."""
        self.pending_sessions.discard(seat.session)
        self.slots.append(seat)
        self.update_pollers()

    def remove(self, seat: SessionSlot) -> None:
        """A session has left; its orgs go to another one of its account, or leave with it."""
        self.slots.remove(seat)
        self.update_pollers()
        self._stop_and_remove(seat)
        self._polled_slots.discard(seat)
        if self._tasks is not None:
            self._tasks.create_task(seat.close())
        self._on_poll_end()

    def rename(self, seat: SessionSlot, session: Session) -> None:
        """The browser calls its profile or container by another name now; what was read of it stays."""
        before, seat.session = seat.session, session
        if seat in self._running:
            self._post_last_orgs(seat)
            self._post(Reading(before, self._clock.now(), session_removed=True))

    def relearn_account(self, seat: SessionSlot) -> None:
        """Its browser holds another session now: whose it is, is asked at once."""
        seat.is_account_current, seat.has_new_cookies = False, True
        if not seat.is_polling:
            self._stop_poller(seat)
        self.update_pollers()

    async def close(self) -> None:
        """Close every connection."""
        for seat in self.slots:
            await seat.close()

    def poll_now(self) -> None:
        """Poll now, all that are at work."""
        for seat, work in self._running.items():
            if isinstance(seat.source, RenewableSession):
                seat.source.ignore_expiry_once()
            work.poller.poll_now()

    def update_pollers(self) -> None:
        """Let those poll whose turn it is, and the others stand by."""
        for seat in self.slots:
            if self.election.should_poll(seat):
                if seat not in self._running and self._may_start(seat):
                    self._start_poller(seat)
            elif not seat.is_polling:
                self._stop_and_remove(seat)

    @property
    def is_settled(self) -> bool:
        """Whether everyone whose turn it is has polled."""
        waiting = (
            seat for seat in self.slots if seat not in self._running and self.election.should_poll(seat)
        )
        at_work = any(work.is_first_poll for work in self._running.values())
        return not self.pending_sessions and not at_work and not any(waiting)

    def _may_start(self, seat: SessionSlot) -> bool:
        """A last resort waits until all others were heard of."""
        if not seat.is_last_resort:
            return True
        others = (one for one in self.slots if not one.is_last_resort)
        return (
            self.allows_last_resorts and not self.pending_sessions and self._polled_slots.issuperset(others)
        )

    def _start_poller(self, seat: SessionSlot) -> None:
        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._post_last_orgs(seat)
        poller = Poller(
            lambda: _return_slot(seat), interval=seat.interval, clock=self._clock, jitter=self._jitter
        )
        task = self._tasks.create_task(poller.run(partial(self._post_reading, seat)))
        self._running[seat] = _RunningPoller(poller, task)

    def _post_last_orgs(self, seat: SessionSlot) -> None:
        """Give it the orgs that its account's list named last, before anything is asked again."""
        if (
            seat.last_account_reading is not None
            and seat.is_account_current
            and seat.error_kind is None
            and self.election.is_elected(seat)
        ):
            self._post(replace(seat.last_account_reading, session=seat.session, expires_at=seat.expires))

    def _stop_and_remove(self, seat: SessionSlot) -> None:
        if self._stop_poller(seat):
            self._post(Reading(seat.session, self._clock.now(), session_removed=True))

    def _stop_poller(self, seat: SessionSlot) -> bool:
        """End its poller; gives whether there was one."""
        work = self._running.pop(seat, None)
        return work is not None and work.task.cancel()

    def _post_reading(self, seat: SessionSlot, reading: Reading) -> None:
        """Pass on what a poller found, unless its turn is over."""
        if seat in self._running and self.election.should_poll(seat):
            self._post(replace(reading, session=seat.session, expires_at=seat.expires))
        if reading.schedule is not None:
            self._polled_slots.add(seat)
            if seat in self._running:
                self._running[seat].is_first_poll = False
            if seat.has_new_cookies:
                self._stop_poller(seat)
            self.update_pollers()
            self._on_poll_end()


async def _return_slot(seat: SessionSlot) -> SessionSlot:
    return seat
