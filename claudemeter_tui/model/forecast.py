"""Compute how fast credits are spent, and forecast when an allowance will be used up.

A rate ignores figures before a fall, a gap or a jump of the clock. A forecast uses only the latest figures,
so a raised cap or a refilled balance needs no special case. Both are None if there are too few data.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from math import hypot, isfinite
from typing import NamedTuple

from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.credits import Credits
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.time_series import MAX_BRIDGED_PAUSE, CreditSeries, ValueRun
from claudemeter_tui.model.windows import UNKNOWN_RESET, Window

HOUR = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)
RECENT_SPAN = timedelta(minutes=30)
"""Span of the recent rate."""
MIN_TIME = timedelta(minutes=10)
"""Minimum span for a rate or a pace."""
MIN_CHANGES = 3
"""Minimum number of changes for a rate."""
MAX_AGE = timedelta(minutes=15)
"""Age above which figures give no rate."""
CLOCK_SLACK = timedelta(minutes=1)
"""Tolerance for figures ahead of the clock, which ticks once a second; beyond it the clock was set back."""

_Point = tuple[datetime, Decimal]
"""The time at which a value was first read, and the value in minor units."""


class SpendRate(NamedTuple):
    """Spending in money per hour. All amounts have one currency, and the rates are above zero."""

    since: datetime
    """Start of the overall rate: the first sample, or the first one after the last restart."""
    at: datetime
    """Time of the latest figure."""
    recent_rate: Money | None
    """Rate over the last 30 minutes. None with less than ten minutes of data or fewer than three changes."""
    overall_rate: Money
    """Rate from `since` to `at`."""
    relative_error: float = 0.0
    """Relative standard error of the recent rate (0.5 for 4 equal changes, 0.1 for 100)."""


def compute_spend_rate(series: CreditSeries, now: datetime) -> SpendRate | None:
    """Return the current rate of spending; None if there are too few data, or nothing was spent lately."""
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

    The moment may be the time of another reply of the same poll. None with less than ten minutes or fewer
    than three changes since then, if nothing was spent lately, or after a fall, a gap or a jump of the clock
    in between.
    """
    rise = series.monotonic_rise
    if rise is None or rise.first - since > CLOCK_SLACK or compute_spend_rate(series, now) is None:
        return None
    start = max(since, rise.first)
    points = _collect_points(series.runs, rise.first, start)
    spent = points[-1][1] - points[0][1]
    return _compute_hourly_rate(spent, len(points) - 1, rise.last - start, series.unit)


def _collect_points(runs: tuple[ValueRun, ...], first: datetime, start: datetime) -> list[_Point]:
    """Return the value at `start` and all later values, oldest first, but none before `first`."""
    points: list[_Point] = []
    for run in reversed(runs):
        at, minor = run.first, run.minor
        if minor is None:
            continue
        if points:
            later, low = points[-1]
            if at < first or (minor < low and later <= start):
                break
            # A value that falls and returns at once was a placeholder; the same value twice is not a change.
            while points and minor >= points[-1][1]:
                points.pop()
        points.append((at, minor))
    return points[::-1]


def _compute_hourly_rate(rise: Decimal, changes: int, time: timedelta, unit: tuple[str, int]) -> Money | None:
    if time < MIN_TIME or changes < MIN_CHANGES:
        return None
    # Whole microseconds keep the division exact: a Decimal cannot be divided by a float or a timedelta.
    return Money(rise * (HOUR // _MICROSECOND) / (time // _MICROSECOND), *unit)


class SpendLimit(StrEnum):
    """The limit that the spending reaches first."""

    CAP = "cap"
    BALANCE = "balance"


class LimitForecast(NamedTuple):
    """Range of times at which a limit is reached at the current rates; an estimate, not a promise."""

    limit: SpendLimit
    earliest: datetime
    """Time at the faster rate; never in the past."""
    latest: datetime | None
    """Time at the slower rate, not before `earliest`. None if it is too far ahead to forecast."""


def forecast_limit(credits_: Credits, rate: SpendRate | None, now: datetime) -> LimitForecast | None:
    """Return when the cap or the balance is reached, whichever is first; None if there are too few data.

    Both rates are needed, because one rate alone gives no range. A forecast reaches at most as far ahead as
    the data reach back. It also ends at the first of the next month (UTC) for a cap, and at the next expiry
    of a part for a balance. A balance with auto-reload is never used up, and an empty balance is not a limit
    while the credits are open. There is no forecast for a pool, or for a balance that others also spend,
    because the person's own figures do not show the others' rate, and none beside a balance that is out of
    date.
    """
    if rate is None or rate.recent_rate is None or credits_.compute_state(now) is not CreditState.OPEN:
        return None
    remainders = _find_remainders(credits_)
    if not remainders or any(left.unit != rate.overall_rate.unit for left, *_ in remainders):
        return None
    left, limit, is_shared = min(remainders, key=lambda remainder: remainder[0].minor)
    if is_shared:
        return None
    # `used_credits` restarts at zero on the first of a month; 32 days after any first is in the next month.
    first = rate.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_changes = [(first + timedelta(days=32)).replace(day=1)]
    if limit is SpendLimit.BALANCE and credits_.balance is not None:
        parts = (part for part in credits_.balance.tranches if part.remaining.minor > 0)
        ends = (part.expires_at for part in parts if not part.is_scoped)
        next_changes = [end for end in ends if end is not None and end > rate.at]
    horizon = min([*next_changes, rate.at + (rate.at - rate.since)])
    # Either rate can be the faster one: spending speeds up and slows down.
    slow, fast = sorted((float(rate.recent_rate.minor), float(rate.overall_rate.minor)))
    margin, amount = 1 + rate.relative_error, float(left.minor)
    hours_ahead = (horizon - rate.at) / HOUR
    earliest_hours, latest_hours = amount / (fast * margin), amount * margin / slow
    # The time at the slower rate may be too far ahead for a date.
    latest = rate.at + latest_hours * HOUR if latest_hours < hours_ahead else None
    if earliest_hours >= hours_ahead or (latest or horizon) <= now:
        return None
    return LimitForecast(limit, max(rate.at + earliest_hours * HOUR, now), latest)


def _find_remainders(credits_: Credits) -> list[tuple[Money, SpendLimit, bool]]:
    """Return the amount left under each limit (above zero), the limit, and True if others spend from it too.

    Empty if there is no limit, or the cap of the leading meter or the current balance is not known.
    """
    lead, pool, balance = credits_.lead_meter, credits_.pool_meter, credits_.balance
    if lead is None:
        return []
    left, is_own_lead = lead.remaining, pool is not lead
    # There is a cap or a balance of unknown amount, so every forecast could be too late.
    is_unknown = left is None and not lead.is_uncapped
    if is_unknown or (credits_.is_balance_outdated and credits_.balance_amount is not None):
        return []
    remainders = [(left, SpendLimit.CAP, False)]
    if pool is not None and is_own_lead:
        remainders.append((pool.remaining, SpendLimit.CAP, True))
    if balance is not None and not balance.is_reloading:
        remainders.append((balance.usable, SpendLimit.BALANCE, pool is not None and is_own_lead))
    return [
        (left, limit, shared) for left, limit, shared in remainders if left is not None and left.minor > 0
    ]


def find_tighter_limit(credits: Credits) -> SpendLimit | None:
    """Return the leading cap or the balance, whichever leaves less money.

    None if one of them is not known, withdrawn or out of date, if they cannot be compared, if they leave the
    same amount, or if the balance is a debt. Only money that every surface can use counts as balance.
    """
    lead, balance = credits.lead_meter, credits.usable_balance
    left = lead.remaining if lead is not None and lead.figures_at is None else None
    if credits.is_balance_outdated or (balance is not None and balance.minor < 0):
        return None
    if left is None or balance is None or left.unit != balance.unit or left.minor == balance.minor:
        return None
    return SpendLimit.CAP if left.minor < balance.minor else SpendLimit.BALANCE


def compute_pace(window: Window, now: datetime) -> float | None:
    """Return percent used per percent of time elapsed: above 1 is faster than an even pace.

    None if a figure is missing, the reset is due, or under ten minutes of the window have passed.
    """
    if window.resets_at is None or window.length is None or window.is_due(now):
        return None
    elapsed = now - (window.resets_at - window.length)
    if elapsed < MIN_TIME or window.percent is None or not isfinite(window.percent):
        return None
    return window.percent / 100 / (elapsed / window.length)


def forecast_window_full(window: Window, now: datetime, read_at: datetime | None = None) -> datetime | None:
    """Return when the window is full at its pace so far; None if it resets before, or is full already.

    Args:
        window: The window as it was read.
        now: Current time; the result is never earlier.
        read_at: Time of the reading, so that the result does not change until the next poll. None for `now`.
    """
    pace = compute_pace(window, read_at or now)
    if pace is None or pace <= 1 or window.is_full(now):
        return None
    if window.length is None or window.resets_at is None:
        return None
    full = window.resets_at - window.length + window.length / pace
    return full if now < full < window.resets_at else None


MIN_MEASURED_RISE = 5.0
"""Minimum percentage for an estimate at the reset."""
MIN_MEASURED_PART = 1 / 7
"""Minimum elapsed part of a window for an estimate at the reset: a whole day of a week."""
MAX_PERCENT_JITTER = 1.0
"""Maximum percentage by which two readings differ because one reply rounds and another does not."""


def forecast_percent_at_reset(window: Window, state: OrgState, now: datetime) -> float | None:
    """Estimate the percentage of an org's window at its reset, if use continues at the pace so far.

    Below 100, and never below the percentage that was read. None if the figures are stale, if the window will
    be full before its reset, is full, locked or due, or if it expires instead of being reset. None also if a
    full window of the whole plan resets later: until then this one cannot rise.

    There is no estimate without enough measured rise either. The window has to be at 5% or more, because the
    server rounds most percentages to whole ones, which is up to a tenth of 5%. A seventh of its time has to
    have passed, so that the rise so far counts at most seven times, and so that a week includes a night. And
    the percentage has to be the highest one that was read in this window: after a session reset it no longer
    counts from the start.
    """
    if state.read_at is None or state.is_stale(now) or window.is_due(now) or window.is_full(now):
        return None
    # Calculated at the time of the reading, so that the result does not change until the next poll.
    pace, elapsed = compute_pace(window, state.read_at), window.compute_elapsed(state.read_at)
    if pace is None or elapsed is None or window.percent is None or pace >= 1 or window.is_allowance:
        return None
    if window.percent < MIN_MEASURED_RISE or elapsed < MIN_MEASURED_PART or _was_higher(window, state):
        return None
    full = state.plan.find_full_windows(now) if state.plan is not None else ()
    ends = [UNKNOWN_RESET if it.resets_at is None else it.resets_at for it in full]
    if window.resets_at is None or any(end >= window.resets_at for end in ends):
        return None
    return 100 * pace


def forecast_course(window: Window, state: OrgState, now: datetime) -> tuple[tuple[datetime, float], ...]:
    """Return the corners of the expected course of an org's window until its reset, in percent, oldest first.

    A full window stays full. While a full window stops the whole plan, no other one rises, and what follows
    is not known. Otherwise the use continues at the pace so far. Empty if there is no forecast.
    """
    resets_at, percent = window.resets_at, window.percent
    if resets_at is None or percent is None or not isfinite(percent) or window.is_due(now):
        return ()
    if state.read_at is None or state.is_stale(now):
        return ()
    if window.is_full(now):
        return (now, percent), (resets_at, percent)
    if state.plan is not None and (full := state.plan.find_full_windows(now)):
        return (now, percent), (min(resets_at, full[0].resets_at or UNKNOWN_RESET), percent)
    if (full_at := forecast_window_full(window, now, state.read_at)) is not None:
        return (now, percent), (full_at, 100.0), (resets_at, 100.0)
    at_reset = forecast_percent_at_reset(window, state, now)
    return () if at_reset is None else ((now, percent), (resets_at, at_reset))


def _was_higher(window: Window, state: OrgState) -> bool:
    """True if a percentage that was first read after the window's start is clearly above the current one."""
    history = state.histories.get(window.label)
    if history is None or window.resets_at is None or window.length is None or window.percent is None:
        return False
    start, most = (window.resets_at - window.length).timestamp(), window.percent + MAX_PERCENT_JITTER
    return any(run.first >= start and run.percent > most for run in history.runs)
