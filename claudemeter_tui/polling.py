"""The endless loop: when to read, how long to wait, and never two polls at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from claudemeter_tui.clock import Clock, WallClock
from claudemeter_tui.model.reading import (
    SESSION_WIDE,
    UNANSWERED,
    Endpoint,
    Failure,
    Reading,
    Reply,
    Schedule,
    Session,
    Trouble,
)
from claudemeter_tui.model.usage import Meter, Plan

FIRST_BACKOFF, LAST_BACKOFF = timedelta(seconds=60), timedelta(minutes=15)
"""The wait after a failed poll doubles from the one to the other."""
JITTER = 0.1
"""The most that is added to a back-off, as a part of it, so that many programs do not ask as one."""
LONGEST_WAIT = timedelta(days=366)
"""A server that asks for more is asked again then, all the same."""
AFTER_MOMENT = timedelta(seconds=3)
"""Between a reset, or the end of a lock, and the poll that looks at what it changed."""
LEAST_PAUSE = timedelta(seconds=1)
"""Between the end of a poll and the next one that nobody asked for, however long the poll took."""
LOOK_AT_CLOCK = 5.0
"""Seconds between two looks at the wall clock, so that a machine that slept polls at once."""
LOGIN_FAILED = frozenset({Trouble.EXPIRED, Trouble.TOKEN_INVALID, Trouble.TOKEN_SCOPE, Trouble.NO_ORGS})
"""Troubles after which the source is opened anew: somebody may have signed in again since."""
CURABLE = (
    UNANSWERED
    | LOGIN_FAILED
    | {Trouble.WRONG_ORG, Trouble.DENIED, Trouble.REGION, Trouble.REDIRECT, Trouble.LOGIN_PAGE}
)
"""Troubles that a person can mend and then ask again at once; after all others a poke waits."""


class Source(Protocol):
    """Where readings come from."""

    session: Session

    def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once; `full` asks for what changes slowly, too."""

    async def aclose(self) -> None:
        """Let go of every connection."""


@runtime_checkable
class Paced(Protocol):
    """A source that has a say in when it is polled."""

    interval: timedelta
    """The usual time between two of its polls."""
    next_at: datetime | None
    """When it wants the next poll, set by the last one. None: as usual."""


_Moments = dict[tuple[str, Endpoint | None], tuple[datetime, ...]]
"""By org uuid and reply; None: what the account's list says of the org."""


class Poller:
    """Reads one session for as long as it is left running."""

    def __init__(
        self,
        open_source: Callable[[], Awaitable[Source]],
        *,
        interval: timedelta = timedelta(seconds=60),
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Read every `interval` what `open_source` opens, anew after a login has failed.

        `jitter` gives a number from 0 to 1, a new one each time.
        """
        self._open = open_source
        self._interval = interval
        self._clock = clock or WallClock()
        self._jitter = jitter
        self._poked = asyncio.Event()
        self._held = False
        self._source: Source | None = None
        self._pace: Paced | None = None
        self._moments: _Moments = {}
        self._failed = 0

    def poke(self) -> None:
        """Poll now, and ask for everything.

        A full poll under way serves it; another one is followed by a full one at once. While the
        poller backs off, and asking would not help, nothing happens.
        """
        if not self._held:
            self._poked.set()

    async def round(self, post: Callable[[Reading], object]) -> None:
        """Poll once, and end."""

        def pass_on(reading: Reading) -> None:
            post(reading)
            if reading.schedule is not None:
                polling.cancel()

        polling = asyncio.create_task(self.run(pass_on))
        try:
            await asyncio.wait((polling,))  # unlike awaiting it, this tells our own cancelling from Ctrl+C
        finally:
            polling.cancel()
        if not polling.cancelled():
            polling.result()

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Poll until cancelled, posting each reading as it comes; a poll's last one carries the schedule."""
        session, full = Session(""), True
        try:
            while True:
                self._held = False
                begun = self._clock.now()
                failure, session = await self._poll(post, session, full=full)
                now = self._clock.now()
                schedule = self._schedule(failure, begun, now)
                self._held = schedule.held
                if full or schedule.held:
                    self._poked.clear()
                post(Reading(session, now, schedule=schedule))
                poked = await self._rest(schedule.next_at - now)
                full = poked or self._source is None or _is_bug(failure)
        finally:
            if self._source is not None:
                await self._source.aclose()

    async def _poll(
        self, post: Callable[[Reading], object], session: Session, *, full: bool
    ) -> tuple[Failure | None, Session]:
        """One poll; gives what made it worthless, if anything did, and the session it read."""
        found: list[Reading] = []
        try:
            source = self._source = self._source or await self._open()
            session, self._pace = source.session, source if isinstance(source, Paced) else None
            post(Reading(session, self._clock.now()))
            async with aclosing(source.read(full=full)) as readings:
                async for reading in readings:
                    found.append(reading)
                    post(reading)
            failure = worthless(found)
            if failure is not None and failure.trouble in LOGIN_FAILED:
                self._source = None
                await source.aclose()
        except Exception as error:  # noqa: BLE001 - the loop outlives what nobody foresaw
            failure = Failure.bug(error, Endpoint.ACCOUNT, self._clock.now())
            post(Reading(session, failure.at, account=failure))
        self._remember(found)
        return failure, session

    def _schedule(self, failure: Failure | None, begun: datetime, now: datetime) -> Schedule:
        """When to poll again after a poll that began and ended at these times."""
        held = failure is not None and failure.trouble not in CURABLE
        next_at = self._regular(min(begun, now), now) if failure is None else now + self._wait(failure)
        self._failed = 0 if failure is None else self._failed + 1
        if self._pace is not None and self._pace.next_at is not None:
            next_at = max(now + LEAST_PAUSE, self._pace.next_at)
        return Schedule(next_at, self._usual, held=held)

    @property
    def _usual(self) -> timedelta:
        """The time between two polls, as long as all is well."""
        return self._pace.interval if self._pace is not None else self._interval

    def _wait(self, failure: Failure) -> timedelta:
        """As long as the server asked for; else a back-off that doubles.

        A server that answered is never asked more often than usual.
        """
        if failure.retry_after is not None and failure.retry_after > timedelta(0):
            return min(failure.retry_after, LONGEST_WAIT)
        wait = min(LAST_BACKOFF, FIRST_BACKOFF * (1 << min(self._failed, 10)))
        if failure.trouble not in CURABLE:
            wait = max(wait, self._usual)
        return wait + wait * JITTER * self._jitter()

    def _regular(self, begun: datetime, now: datetime) -> datetime:
        """One interval on, or just after the next reset or end of a lock, whichever is first."""
        moments = (moment for known in self._moments.values() for moment in known)
        soon = (one for one in moments if begun - AFTER_MOMENT < one <= begun + self._usual)
        due = min((one + AFTER_MOMENT for one in soon), default=begun + self._usual)
        return max(now + LEAST_PAUSE, due)

    def _remember(self, readings: list[Reading]) -> None:
        """Keep the moments at which an org's figures will change by themselves."""
        for reading in readings:
            if reading.roster is not None:
                listed = {org.uuid for org in reading.roster}
                self._moments = {key: known for key, known in self._moments.items() if key[0] in listed}
            for report in reading.reports:
                for endpoint, part in report.parts.items():
                    if isinstance(part, Reply):
                        self._moments[report.org.uuid, endpoint] = tuple(_moments(part))
                self._moments[report.org.uuid, None] = tuple(filter(None, [report.org.paused_until]))

    async def _rest(self, delay: timedelta) -> bool:
        """Wait until the next poll is due; gives whether it was asked for.

        The wall clock ends it as well as the time waited: the one runs on while the machine
        sleeps, the other when somebody sets the clock back.
        """
        until, left = self._clock.now() + delay, delay.total_seconds()
        while left > 0 and self._clock.now() < until and not self._poked.is_set():
            step = min(left, LOOK_AT_CLOCK)
            await nap(self._clock, step, self._poked)
            left -= step
        poked = self._poked.is_set()
        if poked:
            self._failed = 0
        return poked


async def nap(clock: Clock, seconds: float, poked: asyncio.Event) -> None:
    """Wait for so many seconds of the clock, or until poked."""
    waits = [asyncio.ensure_future(wait) for wait in (clock.sleep(seconds), poked.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


def _is_bug(failure: Failure | None) -> bool:
    """Whether a poll ended in an exception: the next one asks for everything, as nothing of it is sure."""
    return failure is not None and failure.trouble is Trouble.BUG


def worthless(readings: list[Reading]) -> Failure | None:
    """What kept a poll from reading anything good; None where something was read."""
    stopped = [one.account for one in readings if isinstance(one.account, Failure)]
    wide = next((failure for failure in stopped if failure.trouble in SESSION_WIDE), None)
    parts = [part for one in readings for report in one.reports for part in report.parts.values()]
    if wide is not None or any(isinstance(part, Reply) for part in parts):
        return wide
    failures = (*stopped, *(part for part in parts if isinstance(part, Failure)))
    return max(failures, key=lambda failure: failure.retry_after or timedelta(0), default=None)


def _moments(reply: Reply) -> Iterator[datetime]:
    value = reply.value
    if isinstance(value, Plan):
        yield from (window.resets_at for window in value.windows if window.resets_at)
        yield from (meter.until for meter in value.meters if meter.until)
    if isinstance(value, Meter) and value.until:
        yield value.until
