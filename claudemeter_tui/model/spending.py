"""How fast credits are spent, and since when work goes beyond the plan.

Nothing is computed from what lies before a fall, a gap or a jump of the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import hypot

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import MAX_BRIDGED_PAUSE, CreditSeries, ValueRun
from claudemeter_tui.model.windows import Plan, Window

_MICROSECOND = timedelta(microseconds=1)
_HOUR_MICROSECONDS = 3_600_000_000
"""In microseconds."""
RECENT_SPAN = timedelta(minutes=30)
"""How far back the recent rate looks."""
MIN_TIME = timedelta(minutes=10)
"""Less time than this carries no rate and no pace."""
MIN_CHANGES = 3
"""Fewer changes than this carry no rate."""
MAX_AGE = timedelta(minutes=15)
"""Nothing is said from older figures."""
CLOCK_SLACK = timedelta(minutes=1)
"""How far figures may lie ahead of a clock that ticks once a second, before it counts as set back."""

_Point = tuple[datetime, Decimal]
"""When a value was first seen, and the value in minor units."""


@dataclass(frozen=True, slots=True)
class SpendRate:
    """How fast credits are spent, in money per hour. All of one currency, none ever zero."""

    since: datetime
    """Where the run's rate begins: with the samples, or where they last started anew."""
    at: datetime
    """When the latest figure was read."""
    recent_rate: Money | None
    """Over the last 30 minutes. None: under ten minutes or under three changes in them, or steady."""
    overall_rate: Money
    """From `since` to `at`."""
    relative_error: float = 0.0
    """How uncertain the recent rate is, as a part of itself: 0.5 for four equal changes, 0.1 for hundred."""


def compute_spend_rate(series: CreditSeries, now: datetime) -> SpendRate | None:
    """How fast the sampled credits are being spent; None where nothing can be said, or it is steady."""
    climb = series.monotonic_rise
    if climb is None or not -CLOCK_SLACK <= now - climb.last <= MAX_AGE:
        return None
    if series.runs[-1].last - climb.last > MAX_BRIDGED_PAUSE:
        return None  # In a gap.
    begin = max(climb.first, climb.last - RECENT_SPAN)
    latest = _collect_points(series.runs, climb.first, begin)
    if len(latest) < 2 or now - latest[-1][0] > RECENT_SPAN:
        return None
    run = _compute_hourly_rate(
        climb.last_minor - climb.first_minor, climb.rise_count, climb.last - climb.first, series.unit
    )
    if run is None:
        return None
    rise, changes = latest[-1][1] - latest[0][1], len(latest) - 1
    recent = _compute_hourly_rate(rise, changes, climb.last - begin, series.unit)
    return SpendRate(climb.first, climb.last, recent, run, _compute_relative_error(latest))


def compute_rate_since(series: CreditSeries, since: datetime, now: datetime) -> Money | None:
    """How fast credits were spent from a moment on, in money per hour.

    The moment may be that of another reply of the same poll. None: ten minutes or three changes have not
    passed since then, it is steady now, or there was a fall, a gap or a jump of the clock in between.
    """
    climb = series.monotonic_rise
    if climb is None or climb.first - since > CLOCK_SLACK or compute_spend_rate(series, now) is None:
        return None
    begin = max(since, climb.first)
    points = _collect_points(series.runs, climb.first, begin)
    rise = points[-1][1] - points[0][1]
    return _compute_hourly_rate(rise, len(points) - 1, climb.last - begin, series.unit)


def _collect_points(runs: tuple[ValueRun, ...], first: datetime, begin: datetime) -> list[_Point]:
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
                _drop_placeholders(points, minor)
        points.append((at, minor))
    return points[::-1]


def _drop_placeholders(points: list[_Point], minor: Decimal) -> None:
    """Make room for an earlier value that is not below the first one.

    A value that fell and came back at once was a placeholder; the same value twice is no change.
    """
    while points and minor >= points[-1][1]:
        points.pop()


def _compute_hourly_rate(rise: Decimal, changes: int, time: timedelta, unit: tuple[str, int]) -> Money | None:
    if time < MIN_TIME or changes < MIN_CHANGES:
        return None
    return Money(rise * _HOUR_MICROSECONDS / (time // _MICROSECOND), *unit)


def _compute_relative_error(points: list[_Point]) -> float:
    """The relative standard error of a sum of independent rises: 1/√n for n equal ones."""
    rises = [float(late - early) for (_, early), (_, late) in pairwise(points)]
    return hypot(*rises) / sum(rises)


@dataclass(frozen=True, slots=True)
class OrgSnapshot:
    """What one look at an org knows that matters here."""

    at: datetime
    """When its usage was read."""
    plan: Plan
    series: CreditSeries


@dataclass(frozen=True, slots=True)
class OverPlanPeriod:
    """A time in which the plan has nothing left: a plan-wide window is full, or there is none at all."""

    since: datetime
    """When it was first read so."""
    filled_label: str | None
    """The label of the window that was seen to fill then. None: nothing was, it is the first reading."""
    start_rise: Decimal
    """How much the series had risen by then, minor units."""
    full_window: Window | None = None
    """The full window that resets last. None: the plan has no plan-wide window."""

    def is_continued_by(self, plan: Plan) -> bool:
        """Whether it goes on by a reply in which no window is full: it may be a placeholder."""
        if self.full_window is None:
            return False
        found = next((one for one in plan.windows if one.key == self.full_window.key), None)
        return found is None or found.is_placeholder_of(self.full_window)


def update_over_plan_period(
    known: OverPlanPeriod | None, old: OrgSnapshot | None, new: OrgSnapshot | None, most: timedelta
) -> OverPlanPeriod | None:
    """Since when the plan has nothing left, after one more look. None: it has, or that is not known.

    Args:
        known: The answer before.
        old: What was known before. None: nothing.
        new: What is known now. None: nothing.
        most: A longer pause between the two is a gap: what happened in it was not seen.
    """
    if new is None:
        return None
    if old is not None and (old.series.origin, old.series.unit) != (new.series.origin, new.series.unit):
        known, old = (
            known and replace(known, since=new.at, filled_label=None, start_rise=new.series.total_rise),
            None,
        )
    if known is not None and known.full_window is not None and known.full_window.is_due(new.at):
        known = None
    full = next(iter(new.plan.find_full_windows(new.at)), None)
    if full is None and (new.plan.wide_windows or not new.plan.is_reported):
        return known if known is not None and known.is_continued_by(new.plan) else None
    if known is not None:
        return known if full == known.full_window else replace(known, full_window=full)
    if full is not None and old is not None and new.at - old.at <= most and _has_room(old):
        return OverPlanPeriod(new.at, full.label, old.series.total_rise, full)
    return OverPlanPeriod(new.at, None, new.series.total_rise, full)


def _has_room(seen: OrgSnapshot) -> bool:
    return any(window.is_reported for window in seen.plan.wide_windows) and not seen.plan.find_full_windows(
        seen.at
    )
