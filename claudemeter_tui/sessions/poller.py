"""Poll one session: decide when to read and how long to wait, and never run two polls at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from claudemeter_tui.clock import Clock, WallClock
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.reading import (
    MAX_BACKOFF,
    MIN_BACKOFF,
    UNREACHED_ERRORS,
    ErrorKind,
    Failure,
    Reading,
    Reply,
    Schedule,
    Session,
    compute_backoff,
)
from claudemeter_tui.model.windows import Plan

MAX_JITTER = 0.1
"""Maximum random extension of a back-off, as a part of it, so that many programs do not poll at the same
time.
"""
MAX_WAIT = timedelta(days=366)
"""Longest wait, even if the server asks for more."""
REQUEST_PAUSE = timedelta(seconds=5)
"""Minimum time from the start of a poll to the next one that the user asks for."""
CHANGE_POLL_DELAY = timedelta(seconds=3)
"""Time from a reset or the end of a lock to the poll that reads its effect."""
MIN_PAUSE = timedelta(seconds=1)
"""Minimum time from the end of a poll to the next scheduled one."""
CLOCK_CHECK_SECONDS = 5.0
"""Seconds between two checks of the wall clock, so that polls resume soon after the machine has slept."""
REOPEN_ERRORS = frozenset(
    {ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID, ErrorKind.TOKEN_SCOPE, ErrorKind.NO_ORGS}
)
"""Errors after which the source is opened again, because the user may have signed in meanwhile."""
CURABLE_ERRORS = (
    UNREACHED_ERRORS
    | REOPEN_ERRORS
    | {ErrorKind.WRONG_ORG, ErrorKind.DENIED, ErrorKind.REGION, ErrorKind.REDIRECT, ErrorKind.LOGIN_PAGE}
)
"""Errors that the user can fix; after all others, the next poll is not earlier than usual."""

RETRIABLE_ERRORS = CURABLE_ERRORS | {ErrorKind.CHALLENGE}
"""Errors after which `r` polls at once; Cloudflare's check may be passed in the browser by then."""
STEADY_ERRORS = UNREACHED_ERRORS | {ErrorKind.TIMEOUT, ErrorKind.UNREAD}
"""Errors that mean no network or a slow one: polls continue without a longer back-off, to notice when it is
back.
"""

PostReading = Callable[[Reading], object]
"""Function that receives each reading."""


class SessionSource(Protocol):
    """Source of the readings of one session."""

    session: Session

    def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once; `full` includes the replies that rarely change."""

    async def aclose(self) -> None:
        """Close every connection."""


@runtime_checkable
class PacedSource(Protocol):
    """A source that decides when it is polled."""

    interval: timedelta
    """Usual time between two polls."""
    next_at: datetime | None
    """Time of the next poll, set by the last poll. None means after the usual interval."""


class Poller:
    """Polls one session until cancelled."""

    def __init__(
        self,
        open_source: Callable[[], Awaitable[SessionSource]],
        *,
        interval: timedelta = timedelta(seconds=60),
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Poll the source that `open_source` opens every `interval`; open it again after a failed login.

        `jitter` returns a random number from 0 to 1.
        """
        self._open_source = open_source
        self._interval = interval
        self._clock = clock or WallClock()
        self._jitter = jitter
        self._poll_requested = asyncio.Event()
        self._ignores_requests = False
        self._source: SessionSource | None = None
        self._paced_source: PacedSource | None = None
        self._change_times: dict[tuple[str, Endpoint | None], tuple[datetime, ...]] = {}
        """Times at which figures will change, by org uuid and endpoint; the endpoint is None for the list of
        orgs.
        """
        self._failure_count = 0
        self.is_polling = False
        """True while a poll is under way."""
        self.has_polled = False
        """True after the first poll has ended."""

    def poll_now(self) -> None:
        """Start a full poll now.

        If a full poll is under way, no other is started; after any other poll, a full one follows. It starts
        at least `REQUEST_PAUSE` after the start of the last poll, no matter how often this is called. Nothing
        happens during a back-off in which an earlier poll would not help.
        """
        if not self._ignores_requests:
            self._poll_requested.set()

    async def poll_once(self, post: PostReading) -> None:
        """Poll once."""

        def pass_on(reading: Reading) -> None:
            post(reading)
            if reading.schedule is not None:
                polling.cancel()

        polling = asyncio.create_task(self.run(pass_on))
        try:
            await asyncio.wait((polling,))  # `await` would take our own cancel for Ctrl+C
        finally:
            polling.cancel()
        if not polling.cancelled():
            polling.result()

    async def run(self, post: PostReading) -> None:
        """Poll until cancelled and post each reading; the last one of a poll has the schedule."""
        session, full = Session(""), True
        try:
            while True:
                self._ignores_requests, self.is_polling = False, True
                begun = self._clock.now()
                failure, session = await self._poll(post, session, full=full)
                now = self._clock.now()
                schedule = self._compute_schedule(failure, begun, now)
                self._ignores_requests = schedule.is_backing_off
                if full or schedule.is_backing_off:
                    self._poll_requested.clear()
                self.is_polling, self.has_polled = False, True
                post(Reading(session, now, schedule=schedule))
                was_requested = await self._wait_for_next_poll(schedule.next_at - now, begun)
                # After an exception, the state left by the last poll is not reliable.
                is_bug = failure is not None and failure.error_kind is ErrorKind.BUG
                full = was_requested or self._source is None or is_bug
        finally:
            if self._source is not None:
                await self._source.aclose()

    async def _poll(
        self, post: PostReading, session: Session, *, full: bool
    ) -> tuple[Failure | None, Session]:
        """Poll once; return why the poll failed, or None, and the session."""
        found: list[Reading] = []
        try:
            source = self._source = self._source or await self._open_source()
            session, self._paced_source = source.session, source if isinstance(source, PacedSource) else None
            post(Reading(session, self._clock.now()))
            async with aclosing(source.read(full=full)) as readings:
                async for reading in readings:
                    found.append(reading)
                    post(reading)
            failure = find_poll_failure(found)
            if failure is not None and failure.error_kind in REOPEN_ERRORS:
                self._source = None
                await source.aclose()
        except Exception as error:  # noqa: BLE001 - an unexpected exception must not end the loop
            failure = Failure.from_exception(error, Endpoint.ACCOUNT, self._clock.now())
            post(Reading(session, failure.at, account=failure))
        self._record_change_times(found)
        return failure, session

    def _compute_schedule(self, failure: Failure | None, begun: datetime, now: datetime) -> Schedule:
        """Return the schedule after a poll that began at `begun` and ended `now`."""
        held = failure is not None and failure.error_kind not in RETRIABLE_ERRORS
        began = min(begun, now)
        if failure is None:
            next_at = self._compute_next_poll(began, now)
        elif failure.error_kind in STEADY_ERRORS and failure.retry_after is None:
            is_unreached = failure.error_kind in UNREACHED_ERRORS
            pause = MIN_BACKOFF if is_unreached else max(MIN_BACKOFF, self._usual_interval)
            next_at = max(now + MIN_PAUSE, began + pause)
        else:
            next_at = now + self._compute_backoff(failure)
            self._failure_count += 1
        if failure is None or failure.error_kind in STEADY_ERRORS:
            self._failure_count = 0
        if self._paced_source is not None and self._paced_source.next_at is not None:
            next_at = max(now + MIN_PAUSE, self._paced_source.next_at)
        return Schedule(
            next_at, self._usual_interval, is_backing_off=held, free_at=min(next_at, began + REQUEST_PAUSE)
        )

    @property
    def _usual_interval(self) -> timedelta:
        """Time between two polls without a failure."""
        return self._paced_source.interval if self._paced_source is not None else self._interval

    def _compute_backoff(self, failure: Failure) -> timedelta:
        """Return the wait that the server asked for, or else one that doubles with each failure.

        A server that replied never gets requests more often than usual. A wait that the server did not ask
        for exceeds `MAX_BACKOFF` only if the interval does.
        """
        if failure.retry_after is not None and failure.retry_after > timedelta(0):
            return min(failure.retry_after, MAX_WAIT)
        wait = compute_backoff(self._failure_count)
        if failure.error_kind not in CURABLE_ERRORS:
            wait = max(wait, self._usual_interval)
        return max(wait, min(wait + wait * MAX_JITTER * self._jitter(), MAX_BACKOFF))

    def _compute_next_poll(self, begun: datetime, now: datetime) -> datetime:
        """Return the time of the next poll: after the interval, or after an earlier reset or lock end."""
        moments = (moment for known in self._change_times.values() for moment in known)
        soon = (one for one in moments if begun - CHANGE_POLL_DELAY < one <= begun + self._usual_interval)
        due = min((one + CHANGE_POLL_DELAY for one in soon), default=begun + self._usual_interval)
        return max(now + MIN_PAUSE, due)

    def _record_change_times(self, readings: list[Reading]) -> None:
        """Keep the times at which figures of an org will change: resets and ends of locks."""
        for reading in readings:
            if reading.orgs is not None:
                listed = {org.uuid for org in reading.orgs}
                self._change_times = {
                    key: known for key, known in self._change_times.items() if key[0] in listed
                }
            for report in reading.org_readings:
                for endpoint, part in report.parts.items():
                    if isinstance(part, Reply):
                        self._change_times[report.org.uuid, endpoint] = tuple(_find_change_times(part))
                self._change_times[report.org.uuid, None] = tuple(filter(None, [report.org.paused_until]))

    async def _wait_for_next_poll(self, delay: timedelta, begun: datetime) -> bool:
        """Wait until the next poll is due; return True if the user asked for it.

        A poll that the user asks for waits at least `REQUEST_PAUSE` after `begun`, the start of the last
        poll.

        The wait is measured by the wall clock, which advances while the machine sleeps, and by the elapsed
        time, which stays correct if the clock is set back; it ends with the first of the two.
        """
        until, left = self._clock.now() + delay, delay.total_seconds()
        while left > 0 and self._clock.now() < until and not self._poll_requested.is_set():
            step = min(left, CLOCK_CHECK_SECONDS)
            await sleep_until_set(self._clock, step, self._poll_requested)
            left -= step
        if not self._poll_requested.is_set():
            return False
        self._failure_count = 0
        if pause := compute_request_pause(begun, self._clock.now()):
            await self._clock.sleep(pause.total_seconds())
        return True


def compute_request_pause(begun: datetime, now: datetime) -> timedelta:
    """Return the pause before the user can repeat an action that last began at `begun`.

    The pause is at most `REQUEST_PAUSE`, even if the clock was set back.
    """
    return max(timedelta(0), min(REQUEST_PAUSE, begun + REQUEST_PAUSE - now))


async def sleep_until_set(clock: Clock, seconds: float, requested: asyncio.Event) -> None:
    """Wait for this many seconds of the clock, or until `requested` is set."""
    waits = [asyncio.ensure_future(wait) for wait in (clock.sleep(seconds), requested.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


async def request_account(source: SessionSource) -> Reading | None:
    """Request the account only; None if the source sent no request."""
    async with aclosing(source.read(full=True)) as readings:
        async for reading in readings:
            if reading.account is not None:
                return reading
    return None


def find_poll_failure(readings: list[Reading]) -> Failure | None:
    """Return the session-wide failure of a poll, or a failure if no reply arrived. None otherwise."""
    stopped = [one.account for one in readings if isinstance(one.account, Failure)]
    wide = next((failure for failure in stopped if failure.is_session_wide), None)
    parts = [part for one in readings for report in one.org_readings for part in report.parts.values()]
    if wide is not None or any(isinstance(part, Reply) for part in parts):
        return wide
    failures = (*stopped, *(part for part in parts if isinstance(part, Failure)))
    return max(failures, key=lambda failure: failure.retry_after or timedelta(0), default=None)


def _find_change_times(reply: Reply) -> Iterator[datetime]:
    """Yield the resets and ends of locks in a reply."""
    value = reply.value
    if isinstance(value, Plan):
        yield from (window.resets_at for window in value.windows if window.resets_at)
        yield from (meter.until for meter in value.meters if meter.until)
    if isinstance(value, Meter) and value.until:
        yield value.until
