"""Format each kind of figure in one way, the same on every screen and in every report.

Elsewhere, times are aware and in UTC; here they become local. `zone` is for tests; None means the system's
zone.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, tzinfo

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.windows import Window

CURRENCY_SYMBOLS = {"USD": "$"}
"""Currencies with a symbol; all others use their code."""


def format_money(amount: Money | None, missing: str = "?") -> str:
    """Return `$1,017.20` for USD, `CAD 17.20`, `JPY 1720`, `-$15.92`; the bare figure without a currency.

    A fraction of a minor unit is cut, never rounded up: the server has not charged it yet. `missing`
    is the text for an amount that is not reported.
    """
    if amount is None:
        return missing
    whole = math.floor(abs(amount.minor))
    units, minor = divmod(whole, 10**amount.exponent)
    minus = "-" if amount.minor < 0 < whole else ""
    # Without a currency the code is empty, and `lstrip` removes the blank after it.
    sign = minus + CURRENCY_SYMBOLS.get(amount.currency, f"{amount.currency} ").lstrip()
    if not amount.exponent:
        return f"{sign}{units:,}" if units >= 10_000 else f"{sign}{units}"
    return f"{sign}{units:,}.{minor:0{amount.exponent}d}"


def build_money_object(amount: Money | None) -> dict[str, object] | None:
    """Return the amount as an object for JSON, in minor units; None if it is not reported."""
    if amount is None:
        return None
    is_whole = amount.minor == amount.minor.to_integral_value()
    minor = int(amount.minor) if is_whole else float(amount.minor)
    return {"minor": minor, "currency": amount.currency, "exponent": amount.exponent}


def format_percent(value: float | None) -> str:
    """Return `41%`; `<1%` just above 0, `99%` just below 100, `?%` for None."""
    if value is None:
        return "?%"
    if 0 < value < 1:
        return "<1%"
    # Do not round 99.6% up: it would look like a full window.
    return f"{min(99, round(value)) if value < 100 else round(value)}%"


def format_percent_sum(value: float) -> str:
    """Return the rises of many windows: `41%` as above, and `1,262%`."""
    return f"{round(value):,}%" if value >= 1000 else format_percent(value)


def format_countdown(left: timedelta) -> str:
    """Return `4d 22h`, `1h 12m`, `14h`, `12m`, seconds only in the last minute: `42s`; never below `0s`."""
    # Round up, so that "0s" appears only when the time has come.
    seconds = max(0, math.ceil(left.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days}d {hours % 24}h" if hours % 24 else f"{days}d"
    if hours:
        return f"{hours}h {minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{minutes}m"


def format_age(past: timedelta) -> str:
    """Return `18s ago`, `41m ago`, `2h 5m ago`; `just now` for a clock that was set back."""
    whole = past - past % timedelta(seconds=1)
    return f"{format_countdown(whole)} ago" if whole > timedelta(0) else "just now"


def to_local(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """Convert to local time; a moment without a local date, in the years 1 and 9999, is unchanged."""
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return moment


def format_utc(moment: datetime) -> str:
    """Return `2026-04-25T14:48:05Z`, the form for scripts and reports."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def format_moment(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `16:00` today, `Tue 14:00` within six days, else `Fri May 1 00:00`, with any other year."""
    there, here = to_local(moment, zone), to_local(now, zone)
    days = (there.date() - here.date()).days
    if days == 0:
        return there.strftime("%H:%M")
    # In seven days it is the same weekday as today.
    if 0 < days <= 6:
        return there.strftime("%a %H:%M")
    return f"{format_day(there.date(), here.date())} {there:%H:%M}"


def format_reset_verb(window: Window) -> str:
    """Return `resets`, or `expires` for a one-time window."""
    return "expires" if window.is_allowance else "resets"


def format_reset_due(window: Window) -> str:
    """Return `reset due`, or `expired`, for a window whose `resets_at` has passed since it was read."""
    return "expired" if window.is_allowance else "reset due"


def format_day(that: date, today: date) -> str:
    """Return `Fri May 1`, with the year if it differs: `Fri May 1 2027`."""
    return f"{that:%a %b} {that.day}" + ("" if that.year == today.year else f" {that.year}")


def format_day_title(day: date, today: date) -> str:
    """Return `Today`, `Yesterday`, or `Fri Apr 24`."""
    titles = {0: "Today", 1: "Yesterday"}
    return titles.get((today - day).days) or format_day(day, today)


def format_short_day(day: date) -> str:
    """Return `May 1`."""
    return f"{day:%b} {day.day}"


def format_dated_day(day: date, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `May 1`, with the year if it is not the current one in the zone."""
    is_this_year = day.year == to_local(now, zone).year
    return format_short_day(day) + ("" if is_this_year else f" {day.year}")


def format_with_countdown(moment: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `16:00 (in 1h 12m)`, `Tue 14:00 (in 2d 23h)` for a future moment."""
    return f"{format_moment(moment, now, zone)} (in {format_countdown(moment - now)})"


def format_no_reset(window: Window, missing: str) -> str:
    """Return `not started` for an unused window without a reset, else `missing`."""
    return "not started" if window.percent == 0 else missing


def format_count(number: int, noun: str) -> str:
    """Return `1 problem`, `2 problems`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
