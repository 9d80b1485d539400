"""The use of each org since midnight, from the archive and this run: for the sparklines of the overview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import chain, pairwise
from math import ceil
from typing import NamedTuple

from claudemeter_tui.model.catalogue import SESSION_LABEL
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.time_series import (
    ArchivedSeries,
    CreditSeries,
    MonotonicRise,
    PercentHistory,
)

MAX_DAY_SLOTS = 48
"""Parts of a day to which archived figures are thinned, so that a hundred orgs need little memory."""


@dataclass(frozen=True)
class Today:
    """The archived figures of the current day."""

    start: datetime
    """Local midnight."""
    series: Mapping[OrgKey, ArchivedSeries | None] = field(default_factory=dict)
    """Figures of each org that was looked up. None for an org without any."""


class ValueSpan(NamedTuple):
    """A time in which a value did not change."""

    first: float
    """Start, seconds since the epoch."""
    last: float
    """End, seconds since the epoch."""
    value: float | None
    """Percent, 0 to 100, may exceed it. None for a gap: nothing was read."""


class DayUse(NamedTuple):
    """The use of one org since midnight, as far as it was read."""

    spans: tuple[ValueSpan, ...] = ()
    """Utilization of the 5-hour window. Empty if the org does not have it, or if it was not read today."""
    spent: Money | None = None
    """Credits spent since midnight. None if no amount was read today."""
    spent_since: datetime | None = None
    """Time of the first reading of the credits today. None if there was none."""
    is_personal: bool = True
    """False if the amount is that of an organization's pool, which others spend, too."""

    @property
    def has_spending(self) -> bool:
        """True if any credits were spent."""
        return self.spent is not None and self.spent.minor > 0

    @property
    def since(self) -> datetime | None:
        """Time of the first reading of the window today. None if there was none."""
        first = next((span.first for span in self.spans if span.value is not None), None)
        return datetime.fromtimestamp(first, UTC) if first is not None else None

    def sample(self, start: datetime, end: datetime, count: int) -> list[float | None]:
        """Return the utilization, 0 to 1, in each of `count` equal parts of a time; None for a gap."""
        first, last = start.timestamp(), end.timestamp()
        width = (last - first) / count
        shares: list[float | None] = [None] * count
        for span in self.spans if width > 0 else ():
            if span.value is None or span.first > last:
                continue
            share = min(1.0, span.value / 100)
            begin = min(count - 1, max(0, int((span.first - first) // width)))
            # The end belongs to the part before it, unless the span is a single reading.
            stop = max(begin + 1, ceil((span.last - first) / width))
            for place in range(begin, min(count, stop)):
                known = shares[place]
                shares[place] = share if known is None else max(known, share)
        return shares


def find_midnight(now: datetime, zone: tzinfo | None) -> datetime:
    """Return the start of the local day in UTC; `zone` is None for the system's."""
    day = now.astimezone(zone).date()
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def thin_day(series: ArchivedSeries | None) -> ArchivedSeries | None:
    """Return the figures of a day that a sparkline needs, with a bounded number of runs."""
    if series is None:
        return None
    kept = {label: history for label, history in series.histories.items() if label == SESSION_LABEL}
    return series._replace(histories=kept).thin(MAX_DAY_SLOTS)


def measure_day(state: OrgState, archived: ArchivedSeries | None, start: datetime) -> DayUse:
    """Return the use of an org since `start`, from archived figures and those of this run."""
    credits, histories, max_pause = state.series, state.histories, state.max_pause
    if archived is not None:
        credits = archived.extend_credits(credits, max_pause)
        histories = archived.extend_histories(histories, max_pause)
    lead, history = state.credits.lead_meter, histories.get(SESSION_LABEL)
    spans = tuple(_iterate_percents(history, start)) if history is not None else ()
    is_personal = lead is None or lead.is_personal
    read = (run for run in credits.runs if run.minor is not None and run.last >= start)
    first = next((max(run.first, start) for run in read), None)
    return DayUse(spans, _sum_rises(credits, start, max_pause), first, is_personal)


def sum_spending(uses: Iterable[DayUse]) -> Sequence[Money]:
    """Return the personal spending, one sum for each currency; without those in which none was spent."""
    sums: dict[tuple[str, int], Money] = {}
    for use in uses:
        if use.spent is not None and use.has_spending and use.is_personal:
            known = sums.get(use.spent.unit)
            sums[use.spent.unit] = use.spent if known is None else known.add(use.spent)
    return tuple(sums.values())


def _sum_rises(series: CreditSeries, start: datetime, max_pause: timedelta) -> Money | None:
    """Return the sum of all rises since `start`. None if no amount was read since."""
    rise, total = None, Decimal(0)
    for run in series.runs:
        if run.minor is None or run.last < start:
            continue
        first = max(run.first, start)
        if rise is None:
            rise = MonotonicRise.start(first, run.minor)
        else:  # A fall to a placeholder and back is no spending.
            total += rise.compute_rise(run.minor)
            rise = rise.append(first, run.minor, max_pause)
        rise = rise.append(run.last, run.minor, max_pause)
    return Money(total, *series.unit) if rise is not None else None


def _iterate_percents(history: PercentHistory, start: datetime) -> Iterable[ValueSpan]:
    """Yield the utilization since `start` over time."""
    begin = start.timestamp()
    runs = [run for run in history.runs if run.last >= begin]
    for run, following in chain(pairwise(runs), ((run, None) for run in runs[-1:])):
        last = run.last if following is None else following.first
        yield ValueSpan(max(run.first, begin), last, None if run.is_gap else run.percent)
