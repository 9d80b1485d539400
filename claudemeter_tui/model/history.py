"""The past of one org as the archive has it: hours, days, cycles and stops.

Every amount is exact, and money of different currencies is never added. Time without a reading is not known:
it is neither time without spending nor time without a stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.verdict import VerdictState

HISTORY_SPANS = (1, 4, 12, 52)
"""Weeks that a history can cover."""
USED_FIGURE, CAP_FIGURE, MONTH_FIGURE = "used", "cap", "month"
"""Names of the used credits, their cap and the billing month in the archive."""
BALANCE_FIGURE, CREDITS_FIGURE, VERDICT_FIGURE = "balance", "credits", "verdict"
"""Names of the prepaid balance, the state of the credits and the verdict in the archive."""
WINDOW_PREFIX = "window:"
"""Prefix of the name of a window in the archive; its key follows."""

Amount = Money | float
"""Credits, or percent of a window's allowance."""
RowValue = Amount | str
"""An amount, a percentage, or a word such as a verdict."""


class CycleSource(StrEnum):
    """Source of the start or the end of a cycle."""

    OBSERVED = "observed"
    """A reset that was seen."""
    REPORTED = "reported"
    """A date from the server."""
    CALENDAR = "calendar"
    """The first of a month in UTC, when the server resets the used credits; `disabled_until` is that date."""
    UNKNOWN = "unknown"
    """Neither: the time is that of the first reading after it, if there is one."""


class HistoryRequest(NamedTuple):
    """A span of whole local days that ends with the current one."""

    now: datetime
    weeks: int = 4
    """Length of the span, 1 or more: so each weekday occurs equally often."""
    zone: tzinfo | None = None
    """Zone of the days and hours. None for the system's own."""
    max_pause: timedelta = timedelta(seconds=150)
    """Longest time between two readings without a gap; longer if their own interval was."""


class HourCalendar(NamedTuple):
    """One figure by weekday and hour."""

    figure: str
    """`used`, or `window:` with the key of a window."""
    amounts: tuple[Amount | None, ...]
    """168 sums, Monday from 0:00 on first: credits spent, or the rise of the window's percentage.

    None if there was no reading in any of these hours, 0 if there were readings and no rise.
    """
    busiest_at: tuple[datetime | None, ...] = (None,) * 7
    """End of the quarter of an hour with the largest rise on each weekday; None without a rise."""


class HistoryCycle(NamedTuple):
    """A 5-hour window, a week or a billing month, from its start to its reset."""

    figure: str
    """`window:` with the key of a window, or `month`."""
    starts_at: datetime
    start_source: str
    """A `CycleSource`."""
    ends_at: datetime | None
    """None if not known."""
    end_source: str
    """A `CycleSource`."""
    peak: RowValue
    """The highest percentage, or the highest used credits of the month; a text only if it is damaged."""
    peak_at: datetime
    """First reading with the peak."""
    full_at: datetime | None
    """First reading of a window at 100% or with a lock, of a month at its cap. None if there was none."""
    full_for: timedelta
    """Time in which it was full, as far as it was seen."""
    spent: Money | None
    """Credits spent in the cycle. None if none were."""
    last_at: datetime
    """Last reading of the cycle."""
    stopped: timedelta | None = None
    """Time in which the verdict was WAIT or BLOCKED, from whatever cause. None if it was not asked for."""

    @property
    def is_observed(self) -> bool:
        """True if the reset at the end was seen."""
        return self.end_source == CycleSource.OBSERVED

    @property
    def moment(self) -> datetime:
        """The reading that the cycle is remembered for: when it was full, else its peak."""
        return self.full_at or self.peak_at


@dataclass(frozen=True, slots=True)
class Stop:
    """Number and length of the stops with one cause in a period; ON CREDITS counts as a stop of the plan."""

    state: VerdictState
    """WAIT, BLOCKED or ON CREDITS."""
    cause: str
    """Key of a window, or the value of a `Cause`. Empty if not known."""
    count: int
    """Stops that lasted into the period or began in it, 1 or more."""
    length: timedelta
    """The part within the period, and only as far as readings confirm it."""
    begun_at: datetime
    """First reading of the last of these stops, which can be before the period."""


class PeriodKind(StrEnum):
    """Kinds of periods."""

    SPAN = "span"
    """The whole span of the request."""
    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"
    CYCLE = "billing cycle"


def find_first_day(day: date, kind: PeriodKind) -> date:
    """Return the first day of the week or month of a day; the day itself for other kinds."""
    match kind:
        case PeriodKind.WEEK:
            return day - timedelta(days=day.weekday())
        case PeriodKind.MONTH:
            return day.replace(day=1)
    return day


class CreditSum(NamedTuple):
    """Credits spent in a period, in one currency."""

    first_day: date
    amount: Money
    """Amount that was surely spent in the period; can be 0."""
    at_most: Money
    """The amount, and what was spent in times without readings that reach over the period's start or end."""


class CreditSums:
    """Credits spent per day, week and month; each currency has sums of its own."""

    def __init__(self) -> None:
        """Begin without any."""
        self._spans: dict[tuple[date, date, tuple[str, int]], Money] = {}

    def add(self, day: date, amount: Money, *, since: date | None = None) -> None:
        """Add an amount that was spent on a day, or on one of the days since an earlier one."""
        key = min(day, since or day), day, amount.unit
        known = self._spans.get(key)
        self._spans[key] = amount if known is None else known.add(amount)

    def list_sums(self, kind: PeriodKind) -> list[CreditSum]:
        """Return the sum of each day, week or month in which credits were or can have been spent."""
        sums: dict[tuple[date, tuple[str, int]], CreditSum] = {}
        for (first, last, unit), amount in self._spans.items():
            day, end = find_first_day(first, kind), find_first_day(last, kind)
            is_dated = day == end
            while day <= end:
                nothing = Money(Decimal(0), *unit)
                _, known, at_most = sums.get((day, unit), (day, nothing, nothing))
                sums[day, unit] = CreditSum(
                    day, known.add(amount) if is_dated else known, at_most.add(amount)
                )
                day = find_first_day(day + timedelta(days=_STRIDES.get(kind, 1)), kind)
        return [sums[key] for key in sorted(sums, key=itemgetter(0))]


_STRIDES = {PeriodKind.WEEK: 7, PeriodKind.MONTH: 31}
"""Days after the first day of a period that are surely in the next one; 1 for a day."""


class HistoryPeriod(NamedTuple):
    """Sums of one period; the current one has sums up to now."""

    kind: PeriodKind
    starts_at: datetime
    """A local midnight, except for a billing cycle."""
    ends_at: datetime | None
    """Exclusive; can be in the future. None if not known."""
    credits: tuple[Money, ...]
    """Credits surely spent in the period, for each currency; empty if none were seen."""
    covered: timedelta
    """Time of the period in which readings show the verdict."""
    elapsed: timedelta
    """Length of the period up to now."""
    stops: tuple[Stop, ...]
    """Worst and longest first."""
    moment: datetime | None = None
    """The busiest time: the end of the quarter of an hour with the largest rise of the credits, else of the
    windows. Without a rise the first reading; None without a reading.
    """
    undated: tuple[Money, ...] = ()
    """Credits, for each currency, spent in times without readings that reach over the period's start or end.

    All, a part or nothing of them belongs to the period.
    """

    @property
    def is_read(self) -> bool:
        """True if the period has at least one reading, even if that covers no time yet."""
        return self.moment is not None

    @property
    def covered_share(self) -> float:
        """Part of the elapsed time that readings cover, 0 to 1."""
        return self.covered / self.elapsed if self.elapsed else 0.0

    @property
    def stopped(self) -> timedelta:
        """Time in which the next prompt was refused: WAIT and BLOCKED."""
        refused = (stop.length for stop in self.stops if stop.state is not VerdictState.ON_CREDITS)
        return sum(refused, timedelta(0))


@dataclass(frozen=True, slots=True)
class HistoryAnswer:
    """The history of one org over a span."""

    request: HistoryRequest
    since: datetime | None
    """First reading in the archive. None if it has none of this org."""
    span: HistoryPeriod
    calendars: tuple[HourCalendar, ...] = ()
    """Credits first, one for each currency, then windows."""
    cycles: tuple[HistoryCycle, ...] = ()
    """All that overlap the span: billing months, weeks, then 5-hour windows, each newest first."""
    days: tuple[HistoryPeriod, ...] = ()
    """Every day of the span, oldest first."""
    weeks: tuple[HistoryPeriod, ...] = ()
    """Whole weeks that overlap the span, oldest first."""
    span_weeks: tuple[HistoryPeriod, ...] = ()
    """The weeks as far as they are in the span, so that the first one can begin after its Monday."""
    months: tuple[HistoryPeriod, ...] = ()
    """Whole months that overlap the span, oldest first."""
    billing_cycles: tuple[HistoryPeriod, ...] = ()
    """Oldest first."""
    cap: Money | None = None
    """The newest known cap. None if there is none."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Stops of Claude Code in the span by the group of their limit, most frequent first, as far as they are
    known to be those of the org; empty if none is known.
    """
    last_refused_at: datetime | None = None
    """Start of the last of these stops. None without one."""

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to show yet."""
        return self.since is None
