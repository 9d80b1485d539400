"""Parts for tests of the poller: a clock that only a test moves, and a scripted source."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.reading import (
    REFUSAL_ERRORS,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    Schedule,
    Session,
)
from claudemeter_tui.model.windows import Plan, Window
from claudemeter_tui.sessions.poller import Poller

START = datetime(2026, 4, 25, 14, 0, tzinfo=UTC)
SESSION = Session("Chrome", "Default")
ORG = Org("org-1", "Personal")


class FakeClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Start at `START`."""
        self._awake = 0.0
        self._wall = START
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the time of the wall clock."""
        return self._wall

    @property
    def seconds(self) -> float:
        """Return the time of the wall clock in seconds after `START`."""
        return (self._wall - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait until the machine has been awake for so many more seconds."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self._awake + seconds, next(self._order), waiting))
        await waiting

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass, waking every sleeper at its time."""
        await settle()
        end = self._awake + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, waiting = heappop(self._sleepers)
            self._pass(due)
            if not waiting.done():
                waiting.set_result(None)
                await settle()
        self._pass(end)

    def _pass(self, awake: float) -> None:
        self._wall += timedelta(seconds=awake - self._awake)
        self._awake = awake

    def jump(self, seconds: float) -> None:
        """Set the wall clock, or let the machine sleep, unnoticed by waiting tasks."""
        self._wall += timedelta(seconds=seconds)


async def settle() -> None:
    """Run every task until all wait for the clock."""
    for _ in range(30):
        await asyncio.sleep(0)


def replied(*windows: datetime, org: Org = ORG) -> OrgReading:
    """Return a report with a usage reply, one window for each reset."""
    plan = Plan(tuple(Window(f"window_{n}", "window", resets_at=moment) for n, moment in enumerate(windows)))
    return OrgReading(org, {Endpoint.USAGE: Reply(Endpoint.USAGE, START, plan)})


def locked(until: datetime) -> OrgReading:
    """Return a report with credits that are locked until a moment."""
    meter = Meter(MeterOrigin.OVERAGE, reason="out_of_credits", until=until)
    return OrgReading(ORG, {Endpoint.OVERAGE: Reply(Endpoint.OVERAGE, START, meter)})


def locked_beside(until: datetime) -> OrgReading:
    """Return the same with the lock in the usage reply."""
    meter = Meter(MeterOrigin.EXTRA_USAGE, reason="out_of_credits", until=until)
    return OrgReading(ORG, {Endpoint.USAGE: Reply(Endpoint.USAGE, START, Plan((), (meter,)))})


def good(*reports: OrgReading, roster: tuple[Org, ...] | None = None) -> Reading:
    """Return a good reading, by default with a plain usage reply."""
    account = Reply(Endpoint.ACCOUNT, START, Account("a-1")) if roster is not None else None
    return Reading(SESSION, START, account, roster, reports or (replied(),))


def stopped(trouble: ErrorKind, retry_after: timedelta | None = None) -> Reading:
    """Return a reading of a poll that failed as a whole."""
    failure = Failure(trouble, Endpoint.ACCOUNT, START, retry_after=retry_after)
    failure = replace(failure, is_widespread=trouble in REFUSAL_ERRORS)
    return Reading(SESSION, START, account=failure)


def org_failed(trouble: ErrorKind, retry_after: timedelta | None = None) -> Reading:
    """Return a reading in which the one reply of an org failed."""
    failure = Failure(trouble, Endpoint.USAGE, START, retry_after=retry_after)
    return good(OrgReading(ORG, {Endpoint.USAGE: failure}))


Poll = Sequence[Reading] | Exception
"""Result of one poll: readings, or the exception of the source."""


class Script:
    """A source with scripted polls; the last one repeats."""

    def __init__(self, clock: FakeClock, *polls: Poll, takes: float = 0.0) -> None:
        """Script these polls, each of so many seconds; without any, one good reply."""
        self.session = SESSION
        self.polls: list[Poll] = list(polls) or [[good()]]
        self.begun: list[float] = []
        """Start of each poll, seconds after `START`."""
        self.full: list[bool] = []
        """True for each full poll."""
        self.most_at_once = 0
        self.closed = 0
        self._running = 0
        self._takes = takes
        self._clock = clock

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once."""
        poll = self.polls[min(len(self.begun), len(self.polls) - 1)]
        self.begun.append(self._clock.seconds)
        self.full.append(full)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        try:
            if self._takes:
                await self._clock.sleep(self._takes)
            if isinstance(poll, Exception):
                raise poll
            for reading in poll:
                yield reading
        finally:
            self._running -= 1

    async def aclose(self) -> None:
        """Count the calls."""
        self.closed += 1


class Running:
    """A poller that runs over a script, and its posted readings."""

    def __init__(self, clock: FakeClock, script: Script, poller: Poller) -> None:
        """Start it with `running`."""
        self.clock, self.script, self.poller = clock, script, poller
        self.posted: list[Reading] = []
        self.opened = 0
        self.task: asyncio.Task[None] | None = None

    @property
    def schedules(self) -> list[Schedule]:
        """Return the schedule after each finished poll."""
        return [one.schedule for one in self.posted if one.schedule is not None]

    @property
    def next_in(self) -> float:
        """Return the seconds from now to the next poll of the last schedule."""
        return (self.schedules[-1].next_at - self.clock.now()).total_seconds()

    async def cancel(self) -> None:
        """Cancel it, as the app does on exit."""
        assert self.task is not None
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@contextlib.asynccontextmanager
async def running(
    *polls: Poll,
    interval: float = 60,
    jitter: float = 0.0,
    takes: float = 0.0,
    opening: Callable[[int], Exception | None] = lambda _: None,
) -> AsyncIterator[Running]:
    """Start a poller over these polls, with the first begun; `opening` has the exception of each opening."""
    clock = FakeClock()
    script = Script(clock, *polls, takes=takes)

    async def open_source() -> Script:
        here.opened += 1
        refused = opening(here.opened)
        if refused is not None:
            raise refused
        return script

    poller = Poller(open_source, interval=timedelta(seconds=interval), clock=clock, jitter=lambda: jitter)
    here = Running(clock, script, poller)
    here.task = asyncio.create_task(poller.run(here.posted.append))
    await settle()
    try:
        yield here
    finally:
        await here.cancel()
