"""What the poller is tested with: time that only a test moves, and a source that reads as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Reply, Schedule, Session
from claudemeter_tui.model.windows import Plan, Window
from claudemeter_tui.sessions.poller import Poller

START = datetime(2026, 4, 25, 14, 0, tzinfo=UTC)
SESSION = Session("Chrome", "Default")
ORG = Org("org-1", "Personal")


class FakeClock:
    """A clock that stands until a test moves it on."""

    def __init__(self) -> None:
        """Show `START`."""
        self._awake = 0.0
        self._wall = START
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """What the clock on the wall shows."""
        return self._wall

    @property
    def seconds(self) -> float:
        """What the wall shows, in seconds after `START`."""
        return (self._wall - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait until the machine has been awake for so many seconds more."""
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
        """Set the wall clock, or let the machine sleep: nobody who waits notices."""
        self._wall += timedelta(seconds=seconds)


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(30):
        await asyncio.sleep(0)


def replied(*windows: datetime, org: Org = ORG) -> OrgReading:
    """A report with a usage reply, one window for each moment at which one resets."""
    plan = Plan(tuple(Window(f"window_{n}", "window", resets_at=moment) for n, moment in enumerate(windows)))
    return OrgReading(org, {Endpoint.USAGE: Reply(Endpoint.USAGE, START, plan)})


def locked(until: datetime) -> OrgReading:
    """A report with credits that are locked until a moment."""
    meter = Meter(MeterOrigin.OVERAGE, reason="out_of_credits", until=until)
    return OrgReading(ORG, {Endpoint.OVERAGE: Reply(Endpoint.OVERAGE, START, meter)})


def locked_beside(until: datetime) -> OrgReading:
    """The same, told by the usage reply."""
    meter = Meter(MeterOrigin.EXTRA_USAGE, reason="out_of_credits", until=until)
    return OrgReading(ORG, {Endpoint.USAGE: Reply(Endpoint.USAGE, START, Plan((), (meter,)))})


def good(*reports: OrgReading, roster: tuple[Org, ...] | None = None) -> Reading:
    """A reading that holds something, a plain usage reply unless told otherwise."""
    account = Reply(Endpoint.ACCOUNT, START, Account("a-1")) if roster is not None else None
    return Reading(SESSION, START, account, roster, reports or (replied(),))


def stopped(trouble: ErrorKind, retry_after: timedelta | None = None) -> Reading:
    """A reading that says why nothing could be read."""
    failure = Failure(trouble, Endpoint.ACCOUNT, START, retry_after=retry_after)
    return Reading(SESSION, START, account=failure)


def org_failed(trouble: ErrorKind, retry_after: timedelta | None = None) -> Reading:
    """A reading in which the one reply of an org failed."""
    failure = Failure(trouble, Endpoint.USAGE, START, retry_after=retry_after)
    return good(OrgReading(ORG, {Endpoint.USAGE: failure}))


Poll = Sequence[Reading] | Exception
"""What one poll finds: readings, or what the source raises."""


class Script:
    """A source that finds what it is told, poll by poll; the last poll repeats."""

    def __init__(self, clock: FakeClock, *polls: Poll, takes: float = 0.0) -> None:
        """Find these, each poll taking so many seconds of the clock; without any, one good reply."""
        self.session = SESSION
        self.polls: list[Poll] = list(polls) or [[good()]]
        self.begun: list[float] = []
        """When each poll began, seconds after `START`."""
        self.full: list[bool] = []
        """Whether each was full."""
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
        """Count how often it was closed."""
        self.closed += 1


class Running:
    """A poller that runs over a script, and what it posted."""

    def __init__(self, clock: FakeClock, script: Script, poller: Poller) -> None:
        """Start it with `running`."""
        self.clock, self.script, self.poller = clock, script, poller
        self.posted: list[Reading] = []
        self.opened = 0
        self.task: asyncio.Task[None] | None = None

    @property
    def schedules(self) -> list[Schedule]:
        """What each poll that is over said of the next one."""
        return [one.schedule for one in self.posted if one.schedule is not None]

    @property
    def next_in(self) -> float:
        """Seconds from now to the next poll, as the last schedule says."""
        return (self.schedules[-1].next_at - self.clock.now()).total_seconds()

    async def cancel(self) -> None:
        """End it, as leaving the app does."""
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
    """A poller over these polls, its first one begun; `opening` gives what the n-th try to open raises."""
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
