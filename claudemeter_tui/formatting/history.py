"""Put the history of an org into words: periods, cycles, stops and what readings cover."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import starmap

from claudemeter_tui.formatting.transcripts import format_limits
from claudemeter_tui.formatting.values import (
    format_count,
    format_countdown,
    format_day,
    format_money,
    format_percent,
    format_percent_sum,
    format_short_day,
    to_local,
)
from claudemeter_tui.model.catalogue import WINDOWS, Cause
from claudemeter_tui.model.history import (
    MONTH_FIGURE,
    USED_FIGURE,
    WINDOW_PREFIX,
    HistoryAnswer,
    HistoryCycle,
    HistoryPeriod,
    HourCalendar,
    PeriodKind,
    RowValue,
)
from claudemeter_tui.model.money import Money

NOTHING = "–"
"""Sign for a figure that does not exist."""
NOT_READ = "not read"
OTHER_WINDOW = "other"
"""Name of a window that is not known."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EMPTY_HISTORY = (
    "No history of this org yet.",
    "Hours and credits appear with the next readings, one a minute; cycles appear once a window has started.",
)
HISTORY_OFF = (
    "History is switched off (history.enabled).",
    "Turn it on in the settings; the history begins with the next reading.",
)
UNREADABLE_HISTORY = ("The history file cannot be read.", "Press e to see the problem.")
BILLING_CYCLES = "Billing cycles"
SEEN_RESET, DATED_RESET, EXPECTED_RESET = "seen", "by date", "expected"
RESET_MEANINGS: Mapping[str, str] = {
    SEEN_RESET: "readings show the reset",
    DATED_RESET: "not seen, date from claude.ai or the calendar",
    EXPECTED_RESET: "still to come",
}
"""Meaning of each word about a reset."""
NO_CREDITS = "No usage credits were read in this period."
NO_SPENDING = "No credits were spent in this period."
NO_ROOM = "The chart needs more lines; the sums have the same figures."
STOP_CAUSES: Mapping[str, str] = {
    Cause.CAP: "monthly cap reached",
    Cause.EMPTY_BALANCE: "balance empty",
    Cause.OUT_OF_CREDITS: "out of credits",
    Cause.ADMIN: "paused by the organization",
    Cause.OFF: "usage credits off",
    Cause.PAUSED: "billable usage paused",
    Cause.SERVER: "locked by the server",
    Cause.NO_WINDOWS: "plan without windows",
    Cause.UNREADABLE: "lock not readable",
    Cause.NOT_READ: "credits not read",
    Cause.NOT_REPORTED: "credits not reported",
    Cause.CONTRADICTION: "replies disagree",
}
"""Short words for each cause of a lock; a window has its own."""


def describe_stop_cause(cause: str) -> str:
    """Return `5-hour window full`, `monthly cap reached`; `other cause` for a key that is not known."""
    if cause in STOP_CAUSES:
        return STOP_CAUSES[cause]
    fact = WINDOWS.get(cause)
    return f"{fact.label} window full" if fact is not None and fact.label else "other cause"


def format_window(figure: str, *, names_unknown: bool = False) -> str:
    """Return the label of a window by its name in the archive: `5-hour`, `7-day all`.

    Another window is `other`, or its key if `names_unknown` is true.
    """
    key = figure.removeprefix(WINDOW_PREFIX)
    fact = WINDOWS.get(key)
    if fact is not None and fact.label:
        return fact.label
    return key if names_unknown else OTHER_WINDOW


def format_cycle_name(figure: str, *, names_unknown: bool = False) -> str:
    """Return the title of the cycles of a figure: `Billing cycles`, or the name of the window."""
    return BILLING_CYCLES if figure == MONTH_FIGURE else format_window(figure, names_unknown=names_unknown)


def list_cycle_cells(cycle: HistoryCycle, zone: tzinfo | None) -> tuple[str, ...]:
    """Return the cells of a cycle in a report: start, end, source of the end, peak, full at, full for, spent.

    Times are `2026-04-25 14:48`; a figure that does not exist is empty.
    """
    start, end, full_at = (
        f"{to_local(moment, zone):%Y-%m-%d %H:%M}" if moment is not None else ""
        for moment in (cycle.starts_at, cycle.ends_at, cycle.full_at)
    )
    return (
        start,
        end or "not known",
        cycle.end_source,
        format_amount(cycle.peak),
        full_at,
        format_countdown(cycle.full_for) if cycle.full_for > timedelta(0) else "",
        format_money(cycle.spent) if cycle.spent is not None else "",
    )


def describe_calendar(calendar: HourCalendar) -> str:
    """Return `credits spent`, `rise of the 5-hour window`."""
    if calendar.figure == USED_FIGURE:
        return "credits spent"
    return f"rise of the {format_window(calendar.figure)} window"


def format_amount(amount: RowValue) -> str:
    """Return an amount of credits, a percentage, or a word as it is."""
    if isinstance(amount, str):
        return amount
    return format_money(amount) if isinstance(amount, Money) else format_percent_sum(amount)


def describe_cap(cap: Money) -> str:
    """Return `cap $50.00 a month`."""
    return f"cap {format_money(cap)} a month"


def describe_pace(pace: Money) -> str:
    """Return `even pace $1.66`: the cap divided by the days of its billing cycle."""
    return f"even pace {format_money(pace)}"


def format_credits(period: HistoryPeriod) -> str:
    """Return each currency's amount; `none` if readings show none, a dash if there were no readings.

    An amount that may be larger, because credits were spent while nothing was read, is a range.
    """
    sums = {amount.unit: (amount, amount) for amount in period.credits}
    for more in period.undated:
        nothing = Money(Decimal(0), *more.unit)
        amount, at_most = sums.get(more.unit, (nothing, nothing))
        sums[more.unit] = amount, at_most.add(more)
    return " + ".join(starmap(format_credit_range, sums.values())) or ("none" if period.is_read else NOTHING)


def format_credit_range(amount: Money, at_most: Money) -> str:
    """Return `$12.40`, or `$12.40 to $15.80` if more can have been spent."""
    return format_money(amount) if amount == at_most else f"{format_money(amount)} to {format_money(at_most)}"


def format_length(length: timedelta | None) -> str:
    """Return `1h 12m`; a dash for no time, or if it is not known."""
    return format_countdown(length) if length else NOTHING


def format_share(period: HistoryPeriod) -> str:
    """Return the part of a period that readings cover: `87%`, `<1%` even for a single reading."""
    if not period.is_read:
        return NOTHING
    return format_percent(100 * period.covered_share) if period.covered else "<1%"


def describe_coverage(period: HistoryPeriod) -> str:
    """Return `covered 87% of the time`, because a stop without a reading is not known."""
    if not period.is_read:
        return NOT_READ
    share = format_share(period)
    return f"covered {share.replace('<', 'less than ')} of the time"


def describe_beginning(answer: HistoryAnswer) -> str:
    """Return `History since Sat Apr 25 13:02.` if it begins within the span; else an empty text."""
    request, since = answer.request, answer.since
    if since is None or since <= answer.span.starts_at:
        return ""
    return f"History since {format_minute(since, request.now, request.zone)}."


def describe_refused(answer: HistoryAnswer) -> str:
    """Return how often Claude Code was stopped in the span, and when for the last time.

    `Claude Code was stopped once (Sat Apr 25 14:02).`, or
    `Claude Code was stopped 3 times (last Sat Apr 25 14:02), by limit: 5-hour 2, week 1.` Empty if no stop is
    known. A single stop has no limit here: the table of stops names its cause.
    """
    if answer.last_refused_at is None:
        return ""
    at = format_minute(answer.last_refused_at, answer.request.now, answer.request.zone)
    count = sum(answer.refused.values())
    if count == 1:
        return f"Claude Code was stopped once ({at})."
    return f"Claude Code was stopped {count} times (last {at}), by limit: {format_limits(answer.refused)}."


def format_span(answer: HistoryAnswer) -> tuple[str, str]:
    """Return `4 weeks` and `Mar 29 – Apr 25`; the first day has its year if it is another one."""
    request = answer.request
    first, last = to_local(answer.span.starts_at, request.zone), to_local(request.now, request.zone)
    year = "" if first.year == last.year else f" {first.year}"
    days = f"{format_short_day(first.date())}{year} – {format_short_day(last.date())}"
    return format_count(request.weeks, "week"), days


def format_period(period: HistoryPeriod, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `Sat Apr 25`, `Apr 20 – 26`, `Apr 2026`, or the days of a billing cycle."""
    first, today = to_local(period.starts_at, zone).date(), to_local(now, zone).date()
    if period.kind is PeriodKind.DAY:
        return format_day(first, today)
    if period.kind is PeriodKind.MONTH:
        return f"{first:%b %Y}"
    if period.ends_at is None:
        return f"from {format_short_day(first)}"
    # The end is exclusive: a period until midnight ends on the day before.
    last = to_local(period.ends_at - timedelta(microseconds=1), zone).date()
    if first == last:  # the first week of a span can have one day
        return format_short_day(first)
    same_month = (first.year, first.month) == (last.year, last.month)
    return f"{format_short_day(first)} – {last.day if same_month else format_short_day(last)}"


def format_minute(
    moment: datetime, now: datetime, zone: tzinfo | None = None, *, has_weekday: bool = True
) -> str:
    """Return `Sat Apr 25 14:02` or `Apr 25 14:02`, the same form for every time of a table."""
    there, today = to_local(moment, zone), to_local(now, zone).date()
    day = format_day(there.date(), today)
    return f"{day if has_weekday else day.partition(' ')[2]} {there:%H:%M}"


def format_cycle_time(moment: datetime | None, now: datetime, zone: tzinfo | None = None) -> str:
    """Return a time of a cycle with its day; a dash if there is none."""
    return format_minute(moment, now, zone) if moment is not None else NOTHING


def is_running(cycle: HistoryCycle, now: datetime) -> bool:
    """Return True if a cycle has begun and its reset is known to be later."""
    return cycle.ends_at is not None and cycle.starts_at <= now < cycle.ends_at


def describe_reset(cycle: HistoryCycle, now: datetime) -> str:
    """Return `seen`, `by date` or `expected`; `not known` without an end."""
    if cycle.ends_at is None:
        return "not known"
    if is_running(cycle, now):
        return EXPECTED_RESET
    return SEEN_RESET if cycle.is_observed else DATED_RESET


def explain_resets(words: Collection[str]) -> str:
    """Return the meaning of those of these words that need one; empty if none does."""
    return " · ".join(f"{word}: {meaning}" for word, meaning in RESET_MEANINGS.items() if word in words)


def format_hour(slot: int) -> str:
    """Return `Tue 14:00-15:00` for an hour of the week, counted from Monday 0:00."""
    day, hour = divmod(slot, 24)
    return f"{WEEKDAYS[day]} {hour}:00-{hour + 1}:00"
