"""Rates of spending, and when an allowance will be used up: said only where the data carry it.

Everything here is worked out anew from the latest figures: a raised cap or a refilled balance
needs no memory, and nothing is said from what lies before a fall, a gap or a jump of the clock.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from operator import itemgetter

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Run, Series
from claudemeter_tui.model.usage import Balance, Credits, CreditState, Window

HOUR = timedelta(hours=1)
RECENT = timedelta(minutes=30)
"""How far back the recent rate looks."""
LEAST_TIME = timedelta(minutes=10)
"""Less time than this carries no rate and no pace."""
LEAST_CHANGES = 3
"""Fewer changes than this carry no rate."""
BRIDGED = timedelta(minutes=5)
"""A shorter gap, a poll or two that failed, does not start anew: `used_credits` counts through it."""
STALE = timedelta(minutes=15)
"""Nothing is said from older figures."""
CLOCK_SLACK = timedelta(minutes=1)
"""How far figures may lie ahead of a clock that ticks once a second, before it counts as set back."""
MOST_RUNS = 400
"""How many of the newest values a rate is worked out from, so that it costs the same after a month."""
FAR = timedelta(days=366)
"""Stands for no end."""

_Point = tuple[datetime, Decimal]
"""When a value was first seen, and the value in minor units."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast credits are spent, in money per hour. All of one currency, none ever zero."""

    since: datetime
    """Where the run's rate begins: with the samples, or where they last started anew or grew too many."""
    at: datetime
    """When the latest figure was read."""
    recent: Money | None
    """Over the last 30 minutes. None: under ten minutes or under three changes in them, or steady."""
    run: Money
    """From `since` to `at`."""
    spread: float = 0.0
    """How uncertain the recent rate is, as a part of itself: 0.5 for four equal changes, 0.1 for hundred."""


class Gate(StrEnum):
    """What ends the spending."""

    CAP = "cap"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class Range:
    """When a gate is reached if the spending goes on: no promise, two bounds."""

    gate: Gate
    earliest: datetime
    """At the faster rate; never in the past."""
    latest: datetime | None
    """At the slower rate, not before `earliest`. None: later than can be said."""


def spend_rate(series: Series, now: datetime, since: datetime | None = None) -> Rate | None:
    """How fast the sampled credits are being spent; None where nothing can be said, or it is steady.

    Args:
        series: The samples of `used_credits`.
        now: The present.
        since: What lies before it does not count: when a lock was lifted, a cap raised, a balance
            refilled. None: all counts.
    """
    known = next((run for run in reversed(series.runs) if run.minor is not None), None)
    if known is None or not -CLOCK_SLACK <= now - known.last <= STALE or now - known.first > RECENT:
        return None  # Too old, ahead of the clock, or steady.
    points = _stretch(series.runs[-MOST_RUNS:])
    if not points:
        return None
    end, begin = known.last, max(points[0][0], since or points[0][0])
    latest = _from(points, max(begin, end - RECENT))
    recent = _per_hour(latest, min(end - begin, RECENT), series.unit)
    run = _per_hour(_from(points, begin), end - begin, series.unit)
    return Rate(begin, end, recent, run, _spread(latest)) if run and len(latest) > 1 else None


def _stretch(runs: tuple[Run, ...]) -> list[_Point]:
    """The newest values without a fall, a long gap or a jump of the clock among them, oldest first."""
    points: list[_Point] = []
    later = None
    for run in reversed(runs):
        minor = run.minor
        if minor is None:
            if not timedelta(0) < run.last - run.first <= BRIDGED:
                break  # A gap of no length stands for a jump of the clock.
            continue
        if later is not None:
            if run.last >= later.first:
                break  # The clock was set back in between.
            if minor >= points[-1][1] and not _merged(points, minor):
                break
        points.append((run.first, minor))
        later = run
    return points[::-1]


def _merged(points: list[_Point], minor: Decimal) -> bool:
    """Make room for an earlier value that is not below the first one; False where it fell for good.

    A value that fell and came back at once was a placeholder; the same value twice is no change.
    """
    if minor > points[-1][1] and (len(points) < 2 or minor > points[-2][1]):
        return False
    points.pop()
    if points and minor == points[-1][1]:
        points.pop()
    return True


def _from(points: list[_Point], begin: datetime) -> list[_Point]:
    """The value at a moment, and what followed it."""
    return points[max(0, bisect_right(points, begin, key=itemgetter(0)) - 1) :]


def _per_hour(points: list[_Point], time: timedelta, unit: tuple[str, int]) -> Money | None:
    if time < LEAST_TIME or len(points) <= LEAST_CHANGES:
        return None
    rise = points[-1][1] - points[0][1]
    return Money(rise * _microseconds(HOUR) / _microseconds(time), *unit)


def _spread(points: list[_Point]) -> float:
    """The relative standard error of a sum of independent rises: 1/√n for n equal ones."""
    rises = [late - early for (_, early), (_, late) in pairwise(points)]
    squares = sum((rise * rise for rise in rises), Decimal(0))
    return float(squares.sqrt() / sum(rises)) if rises else 0.0


def _microseconds(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


def reach(extra: Credits, rate: Rate | None, now: datetime) -> Range | None:
    """When the cap or the balance is reached, whichever is first; None where nothing can be said.

    It takes both rates: the run's alone is no range. Nothing is said further ahead than the data reach
    back, nor beyond the month (UTC), with which a cap lifts, or a part of the balance that expires.
    A balance that tops itself up is never reached, and one that is empty while the credits
    are open is no gate. A pool or a balance from which others spend too is reached at a rate that
    one's own figures do not tell.
    """
    if rate is None or rate.recent is None or extra.state(now) is not CreditState.OPEN:
        return None
    nearest = _nearest(extra, rate.run.unit, rate.at)
    if nearest is None or nearest.shared:
        return None
    until = min(nearest.until, rate.at + (rate.at - rate.since))
    slow, fast = sorted((rate.recent.minor, rate.run.minor))
    margin = 1 + Decimal(rate.spread)
    earliest = _when(rate.at, nearest.left / (fast * margin), until)
    latest = _when(rate.at, nearest.left * margin / slow, until)
    if earliest is None or (latest or until) <= now:
        return None
    return Range(nearest.gate, max(earliest, now), latest)


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left before a gate."""

    gate: Gate
    left: Decimal
    """Minor units, above zero."""
    until: datetime
    """When it changes by itself."""
    shared: bool = False
    """Others take from it too."""


def _nearest(extra: Credits, unit: tuple[str, int], at: datetime) -> _Left | None:
    """The gate that is reached first; None where there is none, or where one is not known."""
    lead, pool, balance = extra.lead, extra.pool, extra.balance
    if lead is None or (lead.left is None and not lead.uncapped):
        return None
    beside = pool is not None and pool is not lead
    gates = [(Gate.CAP, lead.left, _next_month(at), False)]
    if pool is not None and beside:
        gates.append((Gate.CAP, pool.left, _next_month(at), True))
    if balance is not None and not balance.auto_reload:
        gates.append((Gate.BALANCE, balance.amount, _expiry(balance, at), beside))
    amounts = [(left, gate, until, shared) for gate, left, until, shared in gates if left and left.minor > 0]
    if any(left.unit != unit for left, *_ in amounts):
        return None
    known = (_Left(gate, left.minor, until, shared) for left, gate, until, shared in amounts)
    return min(known, key=lambda it: it.left, default=None)


def _next_month(at: datetime) -> datetime:
    """The first of the next month (UTC), when `used_credits` begins at zero again."""
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _expiry(balance: Balance, at: datetime) -> datetime:
    """When the next part of the balance expires; far away where none does."""
    ends = (part.expires_at for part in balance.tranches if part.expires_at and part.remaining.minor > 0)
    return min((end for end in ends if end > at), default=at + FAR)


def _when(at: datetime, hours: Decimal, until: datetime) -> datetime | None:
    """So many hours after a moment; None from `until` on."""
    within = (until - at) / HOUR
    return at + timedelta(hours=float(hours)) if hours < within else None


def pace(window: Window, now: datetime) -> float | None:
    """Percent used per percent of time elapsed: above 1 is ahead of an even pace.

    None: a figure is missing, its reset is due, or under ten minutes of the window have passed.
    """
    elapsed = _elapsed(window, now)
    if elapsed is None or window.length is None or window.percent is None or not isfinite(window.percent):
        return None
    return window.percent / 100 / (elapsed / window.length)


def window_full(window: Window, now: datetime, read_at: datetime | None = None) -> datetime | None:
    """When the window is full at its own pace so far; None where it resets before, or is full already.

    Args:
        window: The window as it was read.
        now: The present: no earlier moment is named.
        read_at: When it was read, so that the answer stands still until the next poll. None: now.
    """
    ahead = pace(window, read_at or now)
    if ahead is None or ahead <= 1 or window.is_full(now):
        return None
    if window.length is None or window.resets_at is None:
        return None
    full = window.resets_at - window.length + window.length / ahead
    return full if now < full < window.resets_at else None


def _elapsed(window: Window, now: datetime) -> timedelta | None:
    """How much of the window's time has passed; None where that is not known, or too little."""
    if window.resets_at is None or window.length is None or window.is_due(now):
        return None
    elapsed = now - (window.resets_at - window.length)
    return elapsed if elapsed >= LEAST_TIME else None
