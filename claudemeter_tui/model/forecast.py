"""When an allowance will be used up: said only where the data carry it.

Everything here is worked out anew from the latest figures: a raised cap or a refilled balance
needs no memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import isfinite

from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.credits import Balance, Credits
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.spending import MIN_TIME, SpendRate
from claudemeter_tui.model.windows import Window

HOUR = timedelta(hours=1)
NO_EXPIRY = timedelta(days=366)
"""Stands for no end."""


class SpendLimit(StrEnum):
    """What ends the spending."""

    CAP = "cap"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """When a gate is reached if the spending goes on: no promise, two bounds."""

    limit: SpendLimit
    earliest: datetime
    """At the faster rate; never in the past."""
    latest: datetime | None
    """At the slower rate, not before `earliest`. None: later than can be said."""


def forecast_limit(extra: Credits, rate: SpendRate | None, now: datetime) -> LimitForecast | None:
    """When the cap or the balance is reached, whichever is first; None where nothing can be said.

    It takes both rates: the run's alone is no range. Nothing is said further ahead than the data reach
    back, nor beyond the month (UTC), with which a cap lifts, or a part of the balance that expires.
    A balance that tops itself up is never reached, and one that is empty while the credits
    are open is no gate. A pool or a balance from which others spend too is reached at a rate that
    one's own figures do not tell.
    """
    if rate is None or rate.recent_rate is None or extra.compute_state(now) is not CreditState.OPEN:
        return None
    lefts = _find_remainders(extra)
    if not lefts or any(left.unit != rate.overall_rate.unit for left, *_ in lefts):
        return None
    left, gate, shared = min(lefts, key=_get_minor)
    if shared:
        return None
    until = min(_find_next_change(gate, extra, rate.at), rate.at + (rate.at - rate.since))
    slow, fast = sorted((float(rate.recent_rate.minor), float(rate.overall_rate.minor)))
    margin, much = 1 + rate.relative_error, float(left.minor)
    earliest, latest = (
        _add_hours(rate.at, much / (fast * margin), until),
        _add_hours(rate.at, much * margin / slow, until),
    )
    if earliest is None or (latest or until) <= now:
        return None
    return LimitForecast(gate, max(earliest, now), latest)


_Remainder = tuple[Money, SpendLimit, bool]
"""What is left before a gate, above zero, and whether others take from it too."""


def _find_remainders(extra: Credits) -> list[_Remainder]:
    """What is left before each gate; empty where there is none, or where the lead's is not known."""
    lead, pool, balance = extra.lead_meter, extra.pool_meter, extra.balance
    if lead is None:
        return []
    left, beside = lead.remaining, pool is not lead
    if left is None and not lead.is_uncapped:
        return []
    found = [(left, SpendLimit.CAP, False)]
    if pool is not None and beside:
        found.append((pool.remaining, SpendLimit.CAP, True))
    if balance is not None and not balance.auto_reload:
        found.append((balance.amount, SpendLimit.BALANCE, pool is not None and beside))
    return [(left, gate, shared) for left, gate, shared in found if left is not None and left.minor > 0]


def _get_minor(left: _Remainder) -> Decimal:
    return left[0].minor


def _find_next_change(gate: SpendLimit, extra: Credits, at: datetime) -> datetime:
    """When what is left before a gate changes by itself."""
    if gate is SpendLimit.CAP or extra.balance is None:
        return _find_next_month(at)
    return _find_next_expiry(extra.balance, at)


def _find_next_month(at: datetime) -> datetime:
    """The first of the next month (UTC), when `used_credits` begins at zero again."""
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def _find_next_expiry(balance: Balance, at: datetime) -> datetime:
    """When the next part of the balance expires; far away where none does."""
    ends = (part.expires_at for part in balance.tranches if part.expires_at and part.remaining.minor > 0)
    return min((end for end in ends if end > at), default=at + NO_EXPIRY)


def _add_hours(at: datetime, hours: float, until: datetime) -> datetime | None:
    """So many hours after a moment; None from `until` on."""
    return at + hours * HOUR if hours < (until - at) / HOUR else None


def compute_pace(window: Window, now: datetime) -> float | None:
    """Percent used per percent of time elapsed: above 1 is ahead of an even pace.

    None: a figure is missing, its reset is due, or under ten minutes of the window have passed.
    """
    elapsed = _compute_elapsed(window, now)
    if elapsed is None or window.length is None or window.percent is None or not isfinite(window.percent):
        return None
    return window.percent / 100 / (elapsed / window.length)


def forecast_window_full(window: Window, now: datetime, read_at: datetime | None = None) -> datetime | None:
    """When the window is full at its own pace so far; None where it resets before, or is full already.

    Args:
        window: The window as it was read.
        now: The present: no earlier moment is named.
        read_at: When it was read, so that the answer stands still until the next poll. None: now.
    """
    ahead = compute_pace(window, read_at or now)
    if ahead is None or ahead <= 1 or window.is_full(now):
        return None
    if window.length is None or window.resets_at is None:
        return None
    full = window.resets_at - window.length + window.length / ahead
    return full if now < full < window.resets_at else None


def _compute_elapsed(window: Window, now: datetime) -> timedelta | None:
    """How much of the window's time has passed; None where that is not known, or too little."""
    if window.resets_at is None or window.length is None or window.is_due(now):
        return None
    elapsed = now - (window.resets_at - window.length)
    return elapsed if elapsed >= MIN_TIME else None
