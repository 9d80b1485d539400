"""Forecast when an allowance will be used up, but only if the data suffice.

Every forecast is computed from the latest figures alone, so a raised cap or a refilled balance needs no
special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite

from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.credits import Credits
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.spending import MIN_TIME, SpendRate
from claudemeter_tui.model.windows import Window

HOUR = timedelta(hours=1)


class SpendLimit(StrEnum):
    """The limit that ends the spending."""

    CAP = "cap"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """Range of times at which a limit is reached at the current rates; an estimate, not a promise."""

    limit: SpendLimit
    earliest: datetime
    """Time at the faster rate; never in the past."""
    latest: datetime | None
    """Time at the slower rate, not before `earliest`. None if it is beyond the horizon of the forecast."""


def forecast_limit(credits_: Credits, rate: SpendRate | None, now: datetime) -> LimitForecast | None:
    """Return when the cap or the balance is reached, whichever is first; None if the data do not suffice.

    Both rates are needed, because one rate alone gives no range. A forecast reaches at most as far ahead as
    the data reach back. It also ends at the first of the next month (UTC) for a cap, and at the next expiry
    of a part for a balance. A balance with auto-reload is never reached, and an empty balance is no limit
    while the credits are open. A pool, or a balance that others also spend, yields no forecast: the person's
    own figures do not show the others' rate.
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
        next_changes = [part.expires_at for part in parts if part.expires_at and part.expires_at > rate.at]
    horizon = min([*next_changes, rate.at + (rate.at - rate.since)])
    # Either rate can be the faster one: spending speeds up and slows down.
    slow, fast = sorted((float(rate.recent_rate.minor), float(rate.overall_rate.minor)))
    margin, amount = 1 + rate.relative_error, float(left.minor)
    hours_ahead = (horizon - rate.at) / HOUR
    earliest_hours, latest_hours = amount / (fast * margin), amount * margin / slow
    # The slower rate may lead beyond the range of a date.
    latest = rate.at + latest_hours * HOUR if latest_hours < hours_ahead else None
    if earliest_hours >= hours_ahead or (latest or horizon) <= now:
        return None
    return LimitForecast(limit, max(rate.at + earliest_hours * HOUR, now), latest)


_Remainder = tuple[Money, SpendLimit, bool]
"""Amount left before a limit, above zero; the limit; and True if others spend from it too."""


def _find_remainders(credits_: Credits) -> list[_Remainder]:
    """Return the amount left before each limit; empty if there is none, or the lead's cap is not known."""
    lead, pool, balance = credits_.lead_meter, credits_.pool_meter, credits_.balance
    if lead is None:
        return []
    left, is_own_lead = lead.remaining, pool is not lead
    # There is a cap, but without its amount every forecast could be too late.
    if left is None and not lead.is_uncapped:
        return []
    remainders = [(left, SpendLimit.CAP, False)]
    if pool is not None and is_own_lead:
        remainders.append((pool.remaining, SpendLimit.CAP, True))
    if balance is not None and not balance.auto_reload:
        remainders.append((balance.amount, SpendLimit.BALANCE, pool is not None and is_own_lead))
    return [
        (left, limit, shared) for left, limit, shared in remainders if left is not None and left.minor > 0
    ]


def find_tighter_limit(credits: Credits) -> SpendLimit | None:
    """Return the limit that leaves less, of the leading cap and the balance.

    None if one of them is not known, if they cannot be compared, or if they leave the same.
    """
    left, balance = credits.lead_meter.remaining if credits.lead_meter else None, credits.balance_amount
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
    """Return when the window is full at its own pace so far; None if it resets before, or is full already.

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
