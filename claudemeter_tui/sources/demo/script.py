"""What the demo's day is written in: windows that fill, purses that pay, mishaps.

Minutes count from the start of the day, 0 to 1440; the day before has negative ones. Nothing here
is random: one minute has one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import accumulate, pairwise

DAY = 1440
FIVE_HOURS = 300

Points = tuple[tuple[int, int], ...]
"""Minute and value, in the order of time."""

_PAUSES = (1, 2, 1, 3, 1, 5, 2, 1, 7, 1, 2)
"""Minutes from one charged prompt to the next; the lengths of both tables are prime to each other."""
_COSTS = (34, 12, 145, 8, 60, 21, 190, 47, 5, 96, 18, 150, 11)
"""What the prompts cost, one beside the other."""


def line(points: Points, minute: float) -> int:
    """The value on straight lines between the points, rounded down; flat before and after them."""
    for (before, low), (after, high) in pairwise(points):
        if before <= minute < after:
            return int(low + (high - low) * (minute - before) / (after - before))
    return points[0][1] if minute < points[0][0] else points[-1][1]


def step(points: Points, minute: float) -> tuple[int, int]:
    """The last point that has been reached; the first one before all of them."""
    return next((point for point in reversed(points) if point[0] <= minute), points[0])


@dataclass(frozen=True, slots=True)
class FiveHourWindow:
    """One run of the 5-hour window."""

    points: Points
    """Percent of the allowance. The window opens with the first point and resets 300 minutes later."""

    @property
    def resets(self) -> int:
        """The minute of its reset."""
        return self.points[0][0] + FIVE_HOURS

    def runs(self, minute: float) -> bool:
        """Whether it is the window of that minute."""
        return self.points[0][0] <= minute < self.resets


@dataclass(frozen=True, slots=True)
class Week:
    """A 7-day window."""

    points: Points
    """Percent of the allowance."""
    resets: int
    """The minute of its reset, days ahead."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which prompts are charged, in uneven steps."""

    first: int
    last: int
    """The minute of its last charge, after `first`."""
    amount: int
    """Everything that it costs, minor units."""

    def charged(self, minute: float) -> int:
        """What it has cost until then, minor units."""
        return 0 if minute < self.first else step(_charges(self), minute)[1]


@cache
def _charges(stretch: Stretch) -> Points:
    """Each charge of a stretch: when, and the sum so far."""
    length = stretch.last - stretch.first
    pauses = (_PAUSES[(stretch.first + i) % len(_PAUSES)] for i in range(length))
    minutes = [minute for minute in accumulate(pauses, initial=stretch.first) if minute < stretch.last]
    minutes.append(stretch.last)
    costs = [_COSTS[(stretch.first + i) % len(_COSTS)] for i in range(len(minutes))]
    whole = sum(costs)
    return tuple(
        (minute, stretch.amount * cost // whole)
        for minute, cost in zip(minutes, accumulate(costs), strict=True)
    )


class Lock(Enum):
    """Why credits are locked."""

    CAP = "self_selected_spend_limit_reached"
    EMPTY = "out_of_credits"


@dataclass(frozen=True, slots=True)
class Locked:
    """A time in which credits are locked."""

    first: int
    last: int
    """The minute in which they are open again."""
    lock: Lock


@dataclass(frozen=True, slots=True)
class Purse:
    """One metered figure and its cap."""

    start: int
    """`used_credits` when the day begins, minor units."""
    stretches: tuple[Stretch, ...]
    caps: Points | None
    """The cap from a minute on, minor units. None: no cap."""
    currency: str = "USD"
    locks: tuple[Locked, ...] = ()

    def used(self, minute: float) -> int:
        """`used_credits`, minor units; it never falls within a day."""
        return self.start + sum(stretch.charged(minute) for stretch in self.stretches)

    def cap(self, minute: float) -> int | None:
        """The cap, minor units. None: no cap."""
        return step(self.caps, minute)[1] if self.caps else None

    def locked(self, minute: float) -> Locked | None:
        """What locks the credits. None: they are open."""
        return next((locked for locked in self.locks if locked.first <= minute < locked.last), None)


class Mishap(Enum):
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
    listing: Mapping[str, object]
    """What is its own in the account's list: capabilities, tier, billing."""
    windows: tuple[FiveHourWindow, ...] = ()
    """Between two of them the window has not started. One with negative minutes begins late in the day
    before, so each day ends in it. Empty: no windows on this plan."""
    week: Week | None = None
    fable: Week | None = None
    """The week of one model."""
    credit: Points | None = None
    """What is used of a one-time credit, minor units. None: the org has none."""
    own: Purse | None = None
    """The person's credits. None: the org has no metered billing."""
    pool: Purse | None = None
    """The organization's credits. None: the org is one person's."""
    bought: Points | None = None
    """Prepaid balances from a minute on; charges draw on them. None: nothing was ever bought."""
    promotional: int = 0
    """How much of the first balance is a promotion, drawn first, minor units."""
    charge_in: int | None = None
    """Days to the next charge. None: none is known."""
    ends_in: int | None = None
    """Days to the end of a cancelled plan. None: it goes on."""
    granted: bool = False
    """Whether an early reset of the limits may be used."""
    mishaps: tuple[tuple[int, int, Mishap], ...] = ()
    """From a minute to another the usage reply fails."""

    def window(self, minute: float) -> tuple[int, int] | None:
        """Percent of the 5-hour window and the minute of its reset; None: it has not started."""
        for time, shift in ((minute, 0), (minute - DAY, DAY)):
            for window in self.windows:
                if window.runs(time):
                    return line(window.points, time), window.resets + shift
        return None

    def balance(self, minute: float) -> tuple[int, int]:
        """The prepaid balance, and how much of it is a promotion, minor units."""
        if self.bought is None or self.own is None:
            return 0, 0
        since, amount = step(self.bought, minute)
        drawn = self.own.used(minute) - self.own.used(since)
        return amount - drawn, max(0, self.promotional - drawn)

    def mishap(self, minute: float) -> tuple[int, Mishap] | None:
        """What fails now, and the minute in which it is over; None: nothing."""
        return next(((last, mishap) for first, last, mishap in self.mishaps if first <= minute < last), None)
