"""The time of the demo, and the parts that its day is written in: windows that fill, payments, faults.

Minutes count from the start of the day, 0 to 1440; the day before has negative ones. Nothing here is random:
one minute has one answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from itertools import accumulate, pairwise

from claudemeter_tui.model.catalogue import DISABLED_REASONS

_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_MICROSECOND_FORMAT = "%Y-%m-%dT%H:%M:%S.%f+00:00"
_SECOND_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_JITTER_MICROSECONDS = (307_270, -387_244, 46_361, -121_508)
"""Microseconds around the full minute: the real server's times move between two polls."""


class DemoClock:
    """A clock that runs faster than the real one.

    Args:
        start: what it shows at first, aware.
        speed: simulated seconds in a real one, above 0.
        monotonic: real seconds.
    """

    def __init__(
        self, start: datetime, speed: float = 60.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = start.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        """The simulated time, aware, UTC."""
        return self._start + timedelta(seconds=(self._monotonic() - self._began) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many simulated seconds."""
        await asyncio.sleep(seconds / self._speed)


class SkippingClock:
    """A clock that stands still, except that sleeping moves it on at once: for pictures and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The simulated time, aware, UTC."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move on by so many seconds, counted from now: two sleepers at once do not add up."""
        until = self._now + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self._now = max(self._now, until)


@dataclass(frozen=True, slots=True)
class DemoMoment:
    """A moment of a day."""

    day: datetime
    """When the day began: a full minute, aware, UTC."""
    minute: float
    """Since then, 0 to 1440."""

    @classmethod
    def from_time(cls, now: datetime, first: datetime) -> DemoMoment:
        """The moment of `now` in its own day, where `first` is the start of the first one."""
        days, rest = divmod(now.astimezone(UTC) - first, _ONE_DAY)
        return cls(first + days * _ONE_DAY, rest / _ONE_MINUTE)

    def format_jittered(self, minute: int) -> str:
        """A time of the day as `/usage` writes it: a little beside the full minute."""
        near = timedelta(
            minutes=minute, microseconds=_JITTER_MICROSECONDS[int(self.minute) % len(_JITTER_MICROSECONDS)]
        )
        return (self.day + near).strftime(_MICROSECOND_FORMAT)

    def format_time(self, minute: int) -> str:
        """A time of the day in whole seconds."""
        return (self.day + timedelta(minutes=minute)).strftime(_SECOND_FORMAT)

    def format_date(self, days: int) -> str:
        """The date so many days after this one's."""
        return (self.day + timedelta(days=days)).strftime("%Y-%m-%d")


DAY_MINUTES = 1440
FIVE_HOUR_MINUTES = 300

DemoPoints = tuple[tuple[int, int], ...]
"""Minute and value, in the order of time."""

_CHARGE_PAUSES = (1, 2, 1, 3, 1, 5, 2, 1, 7, 1, 2)
"""Minutes from one charged prompt to the next; the lengths of both tables are prime to each other."""
_CHARGE_COSTS = (34, 12, 145, 8, 60, 21, 190, 47, 5, 96, 18, 150, 11)
"""What the prompts cost, one beside the other."""


def interpolate(points: DemoPoints, minute: float) -> int:
    """The value on straight lines between the points, rounded down; flat before and after them."""
    for (before, low), (after, high) in pairwise(points):
        if before <= minute < after:
            return int(low + (high - low) * (minute - before) / (after - before))
    return points[0][1] if minute < points[0][0] else points[-1][1]


def find_step(points: DemoPoints, minute: float) -> tuple[int, int]:
    """The last point that has been reached; the first one before all of them."""
    return next((point for point in reversed(points) if point[0] <= minute), points[0])


@dataclass(frozen=True, slots=True)
class DemoFiveHourWindow:
    """One run of the 5-hour window."""

    points: DemoPoints
    """Percent of the allowance. The window opens with the first point and resets 300 minutes later."""

    @property
    def reset_minute(self) -> int:
        """The minute of its reset."""
        return self.points[0][0] + FIVE_HOUR_MINUTES

    def contains(self, minute: float) -> bool:
        """Whether it is the window of that minute."""
        return self.points[0][0] <= minute < self.reset_minute


@dataclass(frozen=True, slots=True)
class DemoWeek:
    """A 7-day window."""

    points: DemoPoints
    """Percent of the allowance."""
    reset_minute: int
    """The minute of its reset, days ahead."""


@dataclass(frozen=True, slots=True)
class DemoChargeSpan:
    """A time in which prompts are charged, in uneven steps."""

    first: int
    last: int
    """The minute of its last charge, after `first`."""
    amount: int
    """Everything that it costs, minor units."""

    def compute_charged(self, minute: float) -> int:
        """What it has cost until then, minor units."""
        return 0 if minute < self.first else find_step(_build_charges(self), minute)[1]


@cache
def _build_charges(stretch: DemoChargeSpan) -> DemoPoints:
    """Each charge of a stretch: when, and the sum so far."""
    length = stretch.last - stretch.first
    pauses = (_CHARGE_PAUSES[(stretch.first + i) % len(_CHARGE_PAUSES)] for i in range(length))
    minutes = [minute for minute in accumulate(pauses, initial=stretch.first) if minute < stretch.last]
    minutes.append(stretch.last)
    costs = [_CHARGE_COSTS[(stretch.first + i) % len(_CHARGE_COSTS)] for i in range(len(minutes))]
    whole = sum(costs)
    return tuple(
        (minute, stretch.amount * cost // whole)
        for minute, cost in zip(minutes, accumulate(costs), strict=True)
    )


class DemoLockCause(Enum):
    """Why credits are locked."""

    CAP = DISABLED_REASONS["self_selected_spend_limit_reached"].code
    EMPTY = DISABLED_REASONS["out_of_credits"].code


@dataclass(frozen=True, slots=True)
class DemoLock:
    """A time in which credits are locked."""

    first: int
    last: int
    """The minute in which they are open again."""
    cause: DemoLockCause


@dataclass(frozen=True, slots=True)
class DemoCredits:
    """One metered figure and its cap."""

    start_amount: int
    """`used_credits` when the day begins, minor units."""
    charge_spans: tuple[DemoChargeSpan, ...]
    caps: DemoPoints | None
    """The cap from a minute on, minor units. None: no cap."""
    currency: str = "USD"
    locks: tuple[DemoLock, ...] = ()

    def compute_used(self, minute: float) -> int:
        """`used_credits`, minor units; it never falls within a day."""
        return self.start_amount + sum(stretch.compute_charged(minute) for stretch in self.charge_spans)

    def find_cap(self, minute: float) -> int | None:
        """The cap, minor units. None: no cap."""
        return find_step(self.caps, minute)[1] if self.caps else None

    def find_lock(self, minute: float) -> DemoLock | None:
        """What locks the credits. None: they are open."""
        return next((locked for locked in self.locks if locked.first <= minute < locked.last), None)


class DemoFault(Enum):
    """What comes in place of the usage reply."""

    SERVER_ERROR = "500 JSON"
    THROTTLED = "429 JSON"
    """The whole session's, so it is short."""
    WEB_PAGE = "502 HTML"


@dataclass(frozen=True, slots=True)
class DemoOrg:
    """One org and its day."""

    name: str
    uuid: str
    org_entry: Mapping[str, object]
    """What is its own in the account's list: capabilities, tier, billing."""
    windows: tuple[DemoFiveHourWindow, ...] = ()
    """Between two of them the window has not started. One with negative minutes begins late in the day
    before, so each day ends in it. Empty: no windows on this plan."""
    week: DemoWeek | None = None
    fable: DemoWeek | None = None
    """The week of one model."""
    one_time_credit: DemoPoints | None = None
    """What is used of a one-time credit, minor units. None: the org has none."""
    own_credits: DemoCredits | None = None
    """The person's credits. None: the org has no metered billing."""
    pool: DemoCredits | None = None
    """The organization's credits. None: the org is one person's."""
    purchases: DemoPoints | None = None
    """Prepaid balances from a minute on; charges draw on them. None: nothing was ever bought."""
    promotional_amount: int = 0
    """How much of the first balance is a promotion, drawn first, minor units."""
    charge_in_days: int | None = None
    """Days to the next charge. None: none is known."""
    ends_in_days: int | None = None
    """Days to the end of a cancelled plan. None: it goes on."""
    has_reset_grant: bool = False
    """Whether an early reset of the limits may be used."""
    faults: tuple[tuple[int, int, DemoFault], ...] = ()
    """From a minute to another the usage reply fails."""

    def find_window(self, minute: float) -> tuple[int, int] | None:
        """Percent of the 5-hour window and the minute of its reset; None: it has not started."""
        for at, shift in ((minute, 0), (minute - DAY_MINUTES, DAY_MINUTES)):
            for window in self.windows:
                if window.contains(at):
                    return interpolate(window.points, at), window.reset_minute + shift
        return None

    def compute_balance(self, minute: float) -> tuple[int, int]:
        """The prepaid balance, and how much of it is a promotion, minor units."""
        if self.purchases is None or self.own_credits is None:
            return 0, 0
        since, amount = find_step(self.purchases, minute)
        drawn = self.own_credits.compute_used(minute) - self.own_credits.compute_used(since)
        return amount - drawn, max(0, self.promotional_amount - drawn)

    def find_fault(self, minute: float) -> tuple[int, DemoFault] | None:
        """What fails now, and the minute in which it is over; None: nothing."""
        return next(((last, mishap) for first, last, mishap in self.faults if first <= minute < last), None)
