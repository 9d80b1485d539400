"""The endless loop: when to read, how long to wait, and never two polls at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Protocol

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
AFTER_MOMENT = timedelta(seconds=3)
"""Between a reset, or the end of a lock, and the poll that looks at what it changed."""
LOOK_AT_CLOCK = 5.0
"""Seconds between two looks at the wall clock, so that a machine that slept polls at once."""


class Source(Protocol):
    """Where readings come from."""

    session: Session

    def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once; `full` asks for what changes slowly, too."""

    async def aclose(self) -> None:
        """Let go of every connection."""


class Clock(Protocol):
    """Time, which a demo runs faster."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this clock."""


class WallClock:
    """The time that everybody has."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class NoSessionError(Exception):
    """There is nothing to read with. Its text says what was looked at and what to do."""


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
        """Read every `interval` what `open_source` opens; it may raise NoSessionError, and is tried again."""
        self._open = open_source
        self._interval = interval
        self._clock = clock or WallClock()
        self._jitter = jitter
        self._poked = asyncio.Event()
        self._source: Source | None = None
        self._moments: dict[str, list[datetime]] = {}
        self._failed = 0

    def poke(self) -> None:
        """Poll now, and ask for everything."""
        self._poked.set()

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Poll until cancelled, posting each reading as it comes; a poll's last one carries the schedule."""
        session, full = Session(""), True
        try:
            while True:
                self._poked.clear()
                failure, session = await self._poll(post, session, full=full)
                now = self._clock.now()
                schedule = self._schedule(failure, now)
                post(Reading(session, now, schedule=schedule))
                full = await self._rest(schedule.next_at - now)
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
            session = source.session
            post(Reading(session, self._clock.now()))
            async with aclosing(source.read(full=full)) as readings:
                async for reading in readings:
                    found.append(reading)
                    post(reading)
        except NoSessionError as none:
            failure = Failure(Trouble.NO_SESSION, Endpoint.ACCOUNT, self._clock.now(), str(none))
        except Exception as error:  # noqa: BLE001 - the loop outlives what nobody foresaw
            failure = Failure.bug(error, Endpoint.ACCOUNT, self._clock.now())
        else:
            self._remember(found)
            return _worthless(found), session
        post(Reading(session, self._clock.now(), account=failure))
        return failure, session

    def _schedule(self, failure: Failure | None, now: datetime) -> Schedule:
        if failure is None:
            self._failed = 0
            return Schedule(self._regular(now), self._interval)
        wait = min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** min(self._failed, 10))
        wait *= 1 + JITTER * self._jitter()
        self._failed += 1
        held = failure.trouble not in UNANSWERED
        return Schedule(now + (failure.retry_after or wait), self._interval, held=held)

    def _regular(self, now: datetime) -> datetime:
        """One interval on, or just after the next reset or end of a lock, whichever is first."""
        moments = (moment for known in self._moments.values() for moment in known)
        coming = (moment + AFTER_MOMENT for moment in moments if moment > now)
        return min(now + self._interval, min(coming, default=now + self._interval))

    def _remember(self, readings: list[Reading]) -> None:
        """Keep the moments at which an org's figures will change by themselves."""
        for reading in readings:
            for report in reading.reports:
                replies = [part for part in report.parts.values() if isinstance(part, Reply)]
                if replies:
                    self._moments[report.org.uuid] = [m for reply in replies for m in _moments(reply)]

    async def _rest(self, delay: timedelta) -> bool:
        """Wait until the next poll is due; gives whether it was asked for.

        The wall clock ends it as well as the time waited: the one runs on while the machine
        sleeps, the other when somebody sets the clock back.
        """
        until, left = self._clock.now() + delay, delay.total_seconds()
        poked = asyncio.create_task(self._poked.wait())
        try:
            while left > 0 and self._clock.now() < until and not poked.done():
                step = min(left, LOOK_AT_CLOCK)
                nap = asyncio.create_task(self._clock.sleep(step))
                await asyncio.wait((poked, nap), return_when=asyncio.FIRST_COMPLETED)
                nap.cancel()
                left -= step
            return poked.done()
        finally:
            poked.cancel()


def _worthless(readings: list[Reading]) -> Failure | None:
    """What kept a poll from reading anything good; None where something was read."""
    stopped = [one.account for one in readings if isinstance(one.account, Failure)]
    wide = next((failure for failure in stopped if failure.trouble in SESSION_WIDE), None)
    parts = [part for one in readings for report in one.reports for part in report.parts.values()]
    if wide is not None or any(isinstance(part, Reply) for part in parts):
        return wide
    failures = [part for part in parts if isinstance(part, Failure)]
    return next(iter((*stopped, *failures)), None)


def _moments(reply: Reply) -> Iterator[datetime]:
    value = reply.value
    if isinstance(value, Plan):
        yield from (window.resets_at for window in value.windows if window.resets_at)
        yield from (meter.until for meter in value.meters if meter.until)
    if isinstance(value, Meter) and value.until:
        yield value.until
