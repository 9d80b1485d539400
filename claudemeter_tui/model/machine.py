"""The use of Claude Code on this machine in some spans of time, and what the server counted in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from claudemeter_tui.model.attribution import Attribution, Rise
from claudemeter_tui.model.catalogue import FIVE_HOURS, SEVEN_DAYS, WindowKind
from claudemeter_tui.model.day import find_midnight
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.prices import find_price
from claudemeter_tui.model.refusals import Refusal, select_stops
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.transcripts import Login, TokenCounts

REFUSAL_DAYS = 30
"""Days of refusals and cache rebuilds that are listed."""


class SpanKind(StrEnum):
    """Spans of the screen, by their names."""

    WINDOW = "5-hour window"
    TODAY = "today"
    WEEK = "week"
    CYCLE = "billing cycle"


class MachineSpan(NamedTuple):
    """A span that ends now."""

    kind: SpanKind
    since: datetime
    is_reported: bool = True
    """False if the start is assumed, because the server did not report the reset."""


class MachineRequest(NamedTuple):
    """The spans to read, and the zone of the days."""

    now: datetime
    spans: tuple[MachineSpan, ...]
    zone: tzinfo | None = None
    """None for the system's."""


class UsageRow(NamedTuple):
    """Calls of one project with one model."""

    project: str
    """Folder as a path. Empty if not known."""
    model: str
    """Name as in the transcript. Empty if not known."""
    variant: str
    """See `Call.variant`."""
    is_sidechain: bool
    """True for calls of subagents."""
    calls: int
    counts: TokenCounts
    rebuilt: int
    """Tokens that were written to the cache again."""


class FigureRises(NamedTuple):
    """The rises of one figure in a span."""

    figure: str
    """`used`, or `window:` with the key of a window."""
    rises: tuple[Rise, ...]
    """Oldest first; see `find_rises`."""
    unit: tuple[str, int] | None = None
    """Currency and exponent of credits. None for percent."""
    is_whole: bool = True
    """False if it can have risen by more: it was not read at the start of the span."""
    attribution: Attribution | None = None
    """The rises split over the projects here. None if that cannot be estimated for this figure, or if Claude
    Code is not known to be logged in to the org."""

    @property
    def total(self) -> float | Money:
        """The sum of the rises: percent, or an amount."""
        total = sum(rise.amount for rise in self.rises)
        return Money(Decimal(str(total)), *self.unit) if self.unit is not None else total


class SpanUsage(NamedTuple):
    """Everything that was used in one span."""

    span: MachineSpan
    rows: tuple[UsageRow, ...] = ()
    """By project, model, variant and chain; each combination once."""
    figures: tuple[FigureRises, ...] = ()
    """Every figure of the selected org that was read in the span, with its rises."""
    is_whole: bool = True
    """False if there can be more calls: of its first hour, only a sum with calls before the span is kept."""


class ListCost(NamedTuple):
    """Cost of some tokens at list prices."""

    nano: int | None = None
    """Nano-dollars of the tokens with a price. None if no token has one."""
    unpriced: int = 0
    """Tokens of models and variants without a known price, which are not in the amount."""

    def add(self, other: ListCost) -> ListCost:
        """Return the sum of both."""
        known = [one.nano for one in (self, other) if one.nano is not None]
        return ListCost(sum(known) if known else None, self.unpriced + other.unpriced)


class RebuildDay(NamedTuple):
    """Tokens that were written to the cache again on one day with one model."""

    day: date
    model: str
    variant: str
    calls: int
    counts: TokenCounts
    """Counts of the calls that wrote them; the mix of cache writes decides the price."""
    rebuilt: int
    reasons: tuple[tuple[str, int], ...] = ()
    """Reasons of the server with their number of calls, the most frequent first; without unknown ones."""

    @property
    def cost(self) -> ListCost:
        """The part of the list price that reading the same tokens from the cache would have saved."""
        price = find_price(self.model, self.variant)
        if price is None:
            return ListCost(unpriced=self.rebuilt)
        return ListCost(price.compute_rebuild_cost(self.counts, self.rebuilt))


class MachineUsage(NamedTuple):
    """Use of Claude Code on this machine."""

    at: datetime
    """Time of the request."""
    read_at: datetime | None = None
    """Last time at which transcripts had something new. None until all were read once."""
    since: datetime | None = None
    """Time of the first call that is known. None without any."""
    spans: tuple[SpanUsage, ...] = ()
    """In the order of the request."""
    rebuilds: tuple[RebuildDay, ...] = ()
    """Of the last `REFUSAL_DAYS` days, newest first."""
    refusals: tuple[Refusal, ...] = ()
    """Of the last `REFUSAL_DAYS` days, oldest first."""
    skipped: int = 0
    """Number of lines that could not be read."""
    login: Login | None = None
    """Account that Claude Code was logged in to when that was last looked at. None if not known."""

    @property
    def is_empty(self) -> bool:
        """True if no call and no refusal is known."""
        return self.since is None and not self.refusals


class OrgUse(NamedTuple):
    """Use of one org in this machine's transcripts since the start of its billing cycle."""

    since: datetime
    account: str | None = None
    """UUID of the account of Claude Code's login. None if it is not known, or the login of another org."""
    calls: int = 0
    """Number of calls whose login is known to be the org's."""
    counts: TokenCounts | None = None
    """Their tokens. None if there is no such call: the others may be the org's all the same."""
    refusals: tuple[Refusal, ...] | None = None
    """Refusals whose login is known to be the org's, oldest first. None if no transcript was ever read."""


def find_cycle_start(now: datetime) -> datetime:
    """Return the start of the billing cycle: the first of the month in UTC, as the server counts."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def choose_spans(state: OrgState | None, now: datetime, zone: tzinfo | None) -> tuple[MachineSpan, ...]:
    """Return the spans of the screen: since the start of the windows and the month, and since midnight.

    Args:
        state: the selected org. None if there is none; the starts are then assumed.
        now: end of the spans.
        zone: zone of the day. None for the system's.
    """
    return (
        _find_window_span(state, now, WindowKind.SESSION, SpanKind.WINDOW, FIVE_HOURS),
        MachineSpan(SpanKind.TODAY, find_midnight(now, zone)),
        _find_window_span(state, now, WindowKind.WEEKLY, SpanKind.WEEK, SEVEN_DAYS),
        MachineSpan(SpanKind.CYCLE, find_cycle_start(now)),
    )


def _find_window_span(
    state: OrgState | None, now: datetime, kind: WindowKind, name: SpanKind, length: timedelta
) -> MachineSpan:
    windows = state.plan.windows if state is not None and state.plan is not None else ()
    resets = (one.resets_at for one in windows if one.kind is kind and one.is_plan_wide)
    reset = next((one for one in resets if one is not None and one > now), None)
    if reset is None:
        return MachineSpan(name, now - length, is_reported=False)
    return MachineSpan(name, reset - length)


def sum_counts(rows: Iterable[UsageRow]) -> TokenCounts:
    """Return the sum of the counts of all rows."""
    total = TokenCounts()
    for row in rows:
        total = total.add(row.counts)
    return total


def sum_costs(rows: Iterable[UsageRow]) -> ListCost:
    """Return the cost of all rows."""
    total = ListCost()
    for row in rows:
        price = find_price(row.model, row.variant)
        if price is not None:
            total = total.add(ListCost(price.compute_cost(row.counts)))
        elif row.counts.total:
            total = total.add(ListCost(unpriced=row.counts.total))
    return total


def group_rows(rows: Iterable[UsageRow], key: Callable[[UsageRow], str]) -> dict[str, list[UsageRow]]:
    """Return the rows in groups, in the order in which each group first occurs."""
    groups: dict[str, list[UsageRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def count_stops(refusals: Iterable[Refusal]) -> dict[str, int]:
    """Return the number of stops by the group of their limit, most frequent first."""
    counts = Counter(refusal.group.value for refusal in select_stops(refusals))
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
