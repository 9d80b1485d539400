"""Compute how fast credits are spent, and since when work is beyond the plan.

Nothing is computed from figures before a fall, a gap or a jump of the clock.
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
"""Microseconds per hour."""
RECENT_SPAN = timedelta(minutes=30)
"""Span of the recent rate."""
MIN_TIME = timedelta(minutes=10)
"""Minimum span for a rate or a pace."""
MIN_CHANGES = 3
"""Minimum number of changes for a rate."""
MAX_AGE = timedelta(minutes=15)
"""Older figures yield no rate."""
CLOCK_SLACK = timedelta(minutes=1)
"""Tolerance for figures ahead of the clock, which ticks once a second; beyond it the clock was set back."""

_Point = tuple[datetime, Decimal]
"""The time at which a value was first read, and the value in minor units."""


@dataclass(frozen=True, slots=True)
class SpendRate:
    """Spending in money per hour. All amounts have one currency, and the rates are above zero."""

    since: datetime
    """Start of the overall rate: the first sample, or the first one after the last restart."""
    at: datetime
    """Time of the latest figure."""
    recent_rate: Money | None
    """Rate over the last 30 minutes. None if they hold under ten minutes of data or under three changes."""
    overall_rate: Money
    """Rate from `since` to `at`."""
    relative_error: float = 0.0
    """Relative standard error of the recent rate (0.5 for 4 equal changes, 0.1 for 100)."""


def compute_spend_rate(series: CreditSeries, now: datetime) -> SpendRate | None:
    """Return the current rate of spending; None if the data do not suffice, or nothing was spent lately."""
    rise = series.monotonic_rise
    if rise is None or not -CLOCK_SLACK <= now - rise.last <= MAX_AGE:
        return None
    if series.runs[-1].last - rise.last > MAX_BRIDGED_PAUSE:
        return None  # The polls since then read nothing.
    start = max(rise.first, rise.last - RECENT_SPAN)
    points = _collect_points(series.runs, rise.first, start)
    # Without a change within the span, nothing is being spent now.
    if len(points) < 2 or now - points[-1][0] > RECENT_SPAN:
        return None
    whole = rise.last_minor - rise.first_minor
    overall = _compute_hourly_rate(whole, rise.rise_count, rise.last - rise.first, series.unit)
    if overall is None:
        return None
    recent_minor, change_count = points[-1][1] - points[0][1], len(points) - 1
    recent = _compute_hourly_rate(recent_minor, change_count, rise.last - start, series.unit)
    changes = [float(late - early) for (_, early), (_, late) in pairwise(points)]
    # The relative standard error of a sum of independent rises: 1/√n for n equal ones.
    return SpendRate(rise.first, rise.last, recent, overall, hypot(*changes) / sum(changes))


def compute_rate_since(series: CreditSeries, since: datetime, now: datetime) -> Money | None:
    """Return the rate of spending since a moment, in money per hour.

    The moment may be the time of another reply of the same poll. None if there were under ten minutes or
    under three changes since then, if nothing was spent lately, or if a fall, a gap or a jump of the clock
    lies in between.
    """
    rise = series.monotonic_rise
    if rise is None or rise.first - since > CLOCK_SLACK or compute_spend_rate(series, now) is None:
        return None
    start = max(since, rise.first)
    points = _collect_points(series.runs, rise.first, start)
    spent = points[-1][1] - points[0][1]
    return _compute_hourly_rate(spent, len(points) - 1, rise.last - start, series.unit)


def _collect_points(runs: tuple[ValueRun, ...], first: datetime, start: datetime) -> list[_Point]:
    """Return the value at `start` and the later ones, oldest first; nothing from before `first`."""
    points: list[_Point] = []
    for run in reversed(runs):
        at, minor = run.first, run.minor
        if minor is None:
            continue
        if points:
            later, low = points[-1]
            if at < first or (minor < low and later <= start):
                break
            # A value that falls and returns at once was a placeholder; the same value twice is no change.
            while points and minor >= points[-1][1]:
                points.pop()
        points.append((at, minor))
    return points[::-1]


def _compute_hourly_rate(rise: Decimal, changes: int, time: timedelta, unit: tuple[str, int]) -> Money | None:
    if time < MIN_TIME or changes < MIN_CHANGES:
        return None
    # Whole microseconds keep the division exact: a Decimal cannot be divided by a float or a timedelta.
    return Money(rise * _HOUR_MICROSECONDS / (time // _MICROSECOND), *unit)


@dataclass(frozen=True, slots=True)
class OrgSnapshot:
    """The parts of an org's state that decide about an `OverPlanPeriod`."""

    at: datetime
    """Time of the usage reply."""
    plan: Plan
    series: CreditSeries


@dataclass(frozen=True, slots=True)
class OverPlanPeriod:
    """A span in which the plan has nothing left: a plan-wide window is full, or the plan has none."""

    since: datetime
    """Time of the first reading in this state."""
    filled_label: str | None
    """Label of the window that filled then. None if no window was seen to fill, as in the first reading."""
    start_rise: Decimal
    """Total rise of the series at that time, minor units."""
    full_window: Window | None = None
    """The full window that resets last. None if the plan has no plan-wide window."""

    def is_continued_by(self, plan: Plan) -> bool:
        """True if a reply without a full window continues the period, because it may be a placeholder."""
        if self.full_window is None:
            return False
        key = self.full_window.key
        window = next((candidate for candidate in plan.windows if candidate.key == key), None)
        return window is None or window.is_placeholder_of(self.full_window)


def update_over_plan_period(
    period: OverPlanPeriod | None, old: OrgSnapshot | None, new: OrgSnapshot | None, max_pause: timedelta
) -> OverPlanPeriod | None:
    """Return the period beyond the plan after one more reading; None if the plan has room, or may have.

    Args:
        period: The previous result.
        old: The previous snapshot. None if there was none.
        new: The current snapshot. None if nothing was read yet.
        max_pause: Above this pause between the two, the window may have filled and reset unseen.
    """
    if new is None:
        return None
    if old is not None and (old.series.origin, old.series.unit) != (new.series.origin, new.series.unit):
        # Another reply or currency starts a new series, whose total cannot be compared with the old one.
        old = None
        if period is not None:
            period = replace(period, since=new.at, filled_label=None, start_rise=new.series.total_rise)
    if period is not None and period.full_window is not None and period.full_window.is_due(new.at):
        period = None
    full = next(iter(new.plan.find_full_windows(new.at)), None)
    if full is None and (new.plan.wide_windows or not new.plan.is_reported):
        return period if period is not None and period.is_continued_by(new.plan) else None
    if period is not None:
        return period if full == period.full_window else replace(period, full_window=full)
    had_room = old is not None and not old.plan.find_full_windows(old.at)
    was_reported = old is not None and any(window.is_reported for window in old.plan.wide_windows)
    if full and old and had_room and was_reported and new.at - old.at <= max_pause:
        # Charges between the two readings may already be beyond the plan, so they count.
        return OverPlanPeriod(new.at, full.label, old.series.total_rise, full)
    return OverPlanPeriod(new.at, None, new.series.total_rise, full)
