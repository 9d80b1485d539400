"""How fast credits are being spent: said only where the samples carry it.

Nothing is said from what lies before a fall, a gap or a jump of the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import hypot

from claudemeter_tui.model.climb import BRIDGED
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Run, Series

_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000
"""In microseconds."""
RECENT = timedelta(minutes=30)
"""How far back the recent rate looks."""
LEAST_TIME = timedelta(minutes=10)
"""Less time than this carries no rate and no pace."""
LEAST_CHANGES = 3
"""Fewer changes than this carry no rate."""
STALE = timedelta(minutes=15)
"""Nothing is said from older figures."""
CLOCK_SLACK = timedelta(minutes=1)
"""How far figures may lie ahead of a clock that ticks once a second, before it counts as set back."""

_Point = tuple[datetime, Decimal]
"""When a value was first seen, and the value in minor units."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast credits are spent, in money per hour. All of one currency, none ever zero."""

    since: datetime
    """Where the run's rate begins: with the samples, or where they last started anew."""
    at: datetime
    """When the latest figure was read."""
    recent: Money | None
    """Over the last 30 minutes. None: under ten minutes or under three changes in them, or steady."""
    run: Money
    """From `since` to `at`."""
    spread: float = 0.0
    """How uncertain the recent rate is, as a part of itself: 0.5 for four equal changes, 0.1 for hundred."""


def spend_rate(series: Series, now: datetime) -> Rate | None:
    """How fast the sampled credits are being spent; None where nothing can be said, or it is steady."""
    climb = series.climb
    if climb is None or not -CLOCK_SLACK <= now - climb.last <= STALE:
        return None
    if series.runs[-1].last - climb.last > BRIDGED:
        return None  # In a gap.
    begin = max(climb.first, climb.last - RECENT)
    latest = _latest(series.runs, climb.first, begin)
    if len(latest) < 2 or now - latest[-1][0] > RECENT:
        return None
    run = _per_hour(climb.top - climb.foot, climb.changes, climb.last - climb.first, series.unit)
    if run is None:
        return None
    rise, changes = latest[-1][1] - latest[0][1], len(latest) - 1
    recent = _per_hour(rise, changes, climb.last - begin, series.unit)
    return Rate(climb.first, climb.last, recent, run, _spread(latest))


def rate_since(series: Series, since: datetime, now: datetime) -> Money | None:
    """How fast credits were spent from a moment on, in money per hour.

    The moment may be that of another reply of the same poll. None: ten minutes or three changes have not
    passed since then, it is steady now, or there was a fall, a gap or a jump of the clock in between.
    """
    climb = series.climb
    if climb is None or climb.first - since > CLOCK_SLACK or spend_rate(series, now) is None:
        return None
    begin = max(since, climb.first)
    points = _latest(series.runs, climb.first, begin)
    rise = points[-1][1] - points[0][1]
    return _per_hour(rise, len(points) - 1, climb.last - begin, series.unit)


def _latest(runs: tuple[Run, ...], first: datetime, begin: datetime) -> list[_Point]:
    """The value at the moment `begin` and what followed it, oldest first; nothing from before `first`."""
    points: list[_Point] = []
    for run in reversed(runs):
        at, minor = run.first, run.minor
        if minor is None:
            continue
        if points:
            later, low = points[-1]
            if at < first or (minor < low and later <= begin):
                break
            if minor >= low:
                _merge(points, minor)
        points.append((at, minor))
    return points[::-1]


def _merge(points: list[_Point], minor: Decimal) -> None:
    """Make room for an earlier value that is not below the first one.

    A value that fell and came back at once was a placeholder; the same value twice is no change.
    """
    while points and minor >= points[-1][1]:
        points.pop()


def _per_hour(rise: Decimal, changes: int, time: timedelta, unit: tuple[str, int]) -> Money | None:
    if time < LEAST_TIME or changes < LEAST_CHANGES:
        return None
    return Money(rise * _HOUR / (time // _MICROSECOND), *unit)


def _spread(points: list[_Point]) -> float:
    """The relative standard error of a sum of independent rises: 1/√n for n equal ones."""
    rises = [float(late - early) for (_, early), (_, late) in pairwise(points)]
    return hypot(*rises) / sum(rises)
