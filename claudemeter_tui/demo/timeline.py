"""Clocks of the demo, and the elements of its day: windows that fill, payments, faults.

Minutes count from the start of the day, 0 to 1440; the day before has negative minutes. Nothing is random:
every run has the same replies.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from claudemeter_tui.demo import DEMO_SPEED
from claudemeter_tui.model.catalogue import DISABLED_REASONS

START_MINUTE = 75
"""Minute of the day at which the demo begins: 25 seconds before work is blocked for the first time."""
_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_JITTER_MICROSECONDS = (307_270, -387_244, 46_361, -121_508)
"""Microseconds around the full minute: the reset times of the real server also jitter between polls."""


def find_first_day(start: datetime) -> datetime:
    """Return the start of the first day of a demo that starts at this time, a full minute in UTC.

    The real windows reset on full minutes.
    """
    return start.astimezone(UTC).replace(second=0, microsecond=0) - START_MINUTE * _ONE_MINUTE


class DemoClock:
    """A clock that runs faster than the real one.

    Args:
        start: Initial time, aware.
        speed: Simulated seconds per real second, above 0.
        monotonic: Source of real seconds.
    """

    def __init__(
        self, start: datetime, speed: float = DEMO_SPEED, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = start.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        """Return the simulated time, aware, UTC."""
        return self._start + timedelta(seconds=(self._monotonic() - self._began) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Wait for this many simulated seconds."""
        await asyncio.sleep(seconds / self._speed)


class SkippingClock:
    """A clock that advances only by `sleep`, which returns at once: for pictures and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the simulated time, aware, UTC."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Advance by this many seconds from now; two simultaneous sleepers do not add up."""
        until = self._now + timedelta(seconds=seconds)
        # A sleep that never waits must still let other tasks run.
        await asyncio.sleep(0)
        # Another sleeper may have advanced the clock further meanwhile.
        self._now = max(self._now, until)


class DemoMoment(NamedTuple):
    """A moment of a simulated day."""

    day: datetime
    """Start of the day: a full minute, aware, UTC."""
    minute: float
    """Minutes since the start of the day, 0 to 1440."""

    @classmethod
    def from_time(cls, now: datetime, first: datetime) -> DemoMoment:
        """Return the moment of `now` in its own day; `first` is the start of the first day."""
        days, rest = divmod(now.astimezone(UTC) - first, _ONE_DAY)
        return cls(first + days * _ONE_DAY, rest / _ONE_MINUTE)

    def format_jittered(self, minute: int) -> str:
        """Format a time of day as `/usage` does: slightly off the full minute."""
        jitter = _JITTER_MICROSECONDS[int(self.minute) % len(_JITTER_MICROSECONDS)]
        near = self.day + timedelta(minutes=minute, microseconds=jitter)
        return near.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")

    def format_time(self, minute: int) -> str:
        """Format a time of the day in whole seconds."""
        return (self.day + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def format_date(self, days: int) -> str:
        """Format the date this many days after the current one."""
        return (self.day + timedelta(days=days)).strftime("%Y-%m-%d")


DAY_MINUTES = 1440
FIVE_HOUR_MINUTES = 300

DemoPoints = tuple[tuple[int, int], ...]
"""Pairs of minute and value, in chronological order."""

_CHARGE_PAUSES = (1, 2, 1, 3, 1, 5, 2, 1, 7, 1, 2)
"""Minutes between two charged prompts; both tables have coprime lengths, so the pattern rarely repeats."""
_CHARGE_COSTS = (34, 12, 145, 8, 60, 21, 190, 47, 5, 96, 18, 150, 11)
"""Relative costs of the prompts."""


def interpolate(points: DemoPoints, minute: float) -> int:
    """Return the value on straight lines between the points, rounded down; flat before and after them."""
    for (before, low), (after, high) in pairwise(points):
        if before <= minute < after:
            return int(low + (high - low) * (minute - before) / (after - before))
    return points[0][1] if minute < points[0][0] else points[-1][1]


def find_step(points: DemoPoints, minute: float) -> tuple[int, int]:
    """Return the last point reached; the first point if none is reached yet."""
    return next((point for point in reversed(points) if point[0] <= minute), points[0])


class DemoWeek(NamedTuple):
    """A 7-day window."""

    points: DemoPoints
    """Percent of the allowance, 0 to 100."""
    reset_minute: int
    """Minute of the reset, counted from the start of the day, days ahead."""


class DemoChargeSpan(NamedTuple):
    """A span of time in which prompts are charged, in uneven steps."""

    first: int
    last: int
    """Minute of the last charge, after `first`."""
    amount: int
    """Total cost of the span, minor units."""

    def compute_charged(self, minute: float) -> int:
        """Return the cost up to a minute, minor units."""
        return 0 if minute < self.first else find_step(_build_charges(self), minute)[1]


@cache
def _build_charges(span: DemoChargeSpan) -> DemoPoints:
    """Return the minute of each charge of a span, and the total so far in minor units."""
    length = span.last - span.first
    # The start selects the position in both tables, so that two spans have different steps.
    pauses = (_CHARGE_PAUSES[(span.first + i) % len(_CHARGE_PAUSES)] for i in range(length))
    minutes = [minute for minute in accumulate(pauses, initial=span.first) if minute < span.last]
    minutes.append(span.last)
    costs = [_CHARGE_COSTS[(span.first + i) % len(_CHARGE_COSTS)] for i in range(len(minutes))]
    total_cost = sum(costs)
    return tuple(
        # Round cumulative shares, so that the last charge reaches the amount exactly.
        (minute, span.amount * cost // total_cost)
        for minute, cost in zip(minutes, accumulate(costs), strict=True)
    )


class DemoLockCause(Enum):
    """Reason of a credit lock, as the server's code."""

    CAP = DISABLED_REASONS["self_selected_spend_limit_reached"].code
    EMPTY = DISABLED_REASONS["out_of_credits"].code


class DemoLock(NamedTuple):
    """A span of time in which credits are locked."""

    first: int
    last: int
    """Minute in which the credits reopen."""
    cause: DemoLockCause


class DemoCredits(NamedTuple):
    """One metered figure and its cap."""

    start_amount: int
    """`used_credits` at the start of the day, minor units."""
    charge_spans: tuple[DemoChargeSpan, ...]
    caps: DemoPoints | None
    """Minute of each cap and the cap in minor units. None if there is no cap."""
    currency: str = "USD"
    locks: tuple[DemoLock, ...] = ()

    def compute_used(self, minute: float) -> int:
        """Return `used_credits` in minor units; within a day it never falls."""
        return self.start_amount + sum(span.compute_charged(minute) for span in self.charge_spans)

    def find_cap(self, minute: float) -> int | None:
        """Return the cap in minor units; None if there is no cap."""
        return find_step(self.caps, minute)[1] if self.caps else None

    def find_lock(self, minute: float) -> DemoLock | None:
        """Return the current credit lock; None if the credits are open."""
        return next((lock for lock in self.locks if lock.first <= minute < lock.last), None)

    def find_lock_cause(self, minute: float) -> DemoLockCause | None:
        """Return the cause of the current credit lock; None if the credits are open."""
        lock = self.find_lock(minute)
        return lock.cause if lock is not None else None


class DemoFault(Enum):
    """Failure that replaces the usage reply."""

    SERVER_ERROR = "500 JSON"
    THROTTLED = "429 JSON"
    """A short throttling of the usage reply, with a Retry-After."""
    WEB_PAGE = "502 HTML"


class DemoOrg(NamedTuple):
    """One org and its day."""

    name: str
    uuid: str
    org_entry: Mapping[str, object]
    """The org's own fields in the account's list: capabilities, tier, billing."""
    windows: tuple[DemoPoints, ...] = ()
    """Cycles of the 5-hour window, as percent of the allowance, 0 to 100. A cycle begins at its first point
    and lasts 300 minutes; between two cycles the window has not started. A cycle with negative minutes
    begins late on the day before, so each day ends in it. Empty if the plan has no windows."""
    week: DemoWeek | None = None
    fable: DemoWeek | None = None
    """The weekly window of one model. None if the org has none."""
    one_time_credit: DemoPoints | None = None
    """Minute and used amount of a one-time credit, minor units. None if the org has none."""
    own_credits: DemoCredits | None = None
    """The person's own credits. None if the org has no usage credits."""
    pool: DemoCredits | None = None
    """The organization's pool. None if the org is a personal one."""
    purchases: DemoPoints | None = None
    """Minute and prepaid balance, minor units; charges reduce it. None if nothing was ever bought."""
    promotional_amount: int = 0
    """Promotional part of the first balance, spent first, minor units."""
    charge_in_days: int | None = None
    """Days until the next charge. None if none is known."""
    ends_in_days: int | None = None
    """Days until a cancelled plan ends. None if the plan continues."""
    has_reset_grant: bool = False
    """True if a saved reset can be used."""
    faults: tuple[tuple[int, int, DemoFault], ...] = ()
    """First minute, end minute and kind of each failure of the usage reply."""

    def find_window(self, minute: float) -> tuple[int, int] | None:
        """Return the percent of the 5-hour window and its reset minute; None if it has not started."""
        # The second pass finds the cycle that began before midnight and extends into this day.
        for shift in (0, DAY_MINUTES):
            for points in self.windows:
                start = points[0][0] + shift
                if start <= minute < start + FIVE_HOUR_MINUTES:
                    return interpolate(points, minute - shift), start + FIVE_HOUR_MINUTES
        return None

    def compute_balance(self, minute: float) -> tuple[int, int]:
        """Return the prepaid balance and its promotional part, both in minor units."""
        if self.purchases is None or self.own_credits is None:
            return 0, 0
        bought_at, amount = find_step(self.purchases, minute)
        spent = self.own_credits.compute_used(minute) - self.own_credits.compute_used(bought_at)
        return amount - spent, max(0, self.promotional_amount - spent)

    def find_fault(self, minute: float) -> tuple[int, DemoFault] | None:
        """Return the end minute and kind of the current fault; None if there is none."""
        return next(((last, fault) for first, last, fault in self.faults if first <= minute < last), None)
