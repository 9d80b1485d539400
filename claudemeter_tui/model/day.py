"""The use of each org since midnight, from the archive and this run: for the sparklines of the overview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import chain, pairwise
from math import ceil
from typing import NamedTuple

from claudemeter_tui.model.catalogue import WINDOWS, WindowKind
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
SESSION_LABEL = next(fact.label for fact in WINDOWS.values() if fact.kind is WindowKind.SESSION)
"""Label of the window whose utilization a day shows."""


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
    """Minor units spent since midnight, or percent. None for a gap: nothing was read."""


@dataclass(frozen=True, slots=True)
class DayUse:
    """The use of one org since midnight, as far as it was read."""

    spans: tuple[ValueSpan, ...] = ()
    """Credits spent since midnight; if none were spent, the utilization of the 5-hour window if known."""
    shows_window: bool = False
    """True if the spans are percentages; otherwise they are money, and rise from zero to `spent`."""
    spent: Money | None = None
    """Credits spent since midnight. None if no amount was read today."""
    is_personal: bool = True
    """False if the amount is that of an organization's pool, which others spend, too."""

    @property
    def has_spending(self) -> bool:
        """True if any credits were spent."""
        return self.spent is not None and self.spent.minor > 0

    @property
    def top(self) -> float:
        """The upper end of the scale: the sum that was spent, or 100 percent."""
        return float(self.spent.minor) if self.spent is not None and self.has_spending else 100.0

    @property
    def since(self) -> datetime | None:
        """Time of the first reading of the day. None if there was none."""
        return datetime.fromtimestamp(self.spans[0].first, UTC) if self.spans else None

    def sample(self, start: datetime, end: datetime, count: int) -> list[float | None]:
        """Return the share of the scale, 0 to 1, in each of `count` equal parts of a time; None for a gap."""
        first, last = start.timestamp(), end.timestamp()
        width = (last - first) / count
        shares: list[float | None] = [None] * count
        for span in self.spans if width > 0 else ():
            if span.value is None or span.first > last:
                continue
            share = min(1.0, span.value / self.top)
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
    return replace(series, histories=kept).thin(MAX_DAY_SLOTS)


def measure_day(state: OrgState, archived: ArchivedSeries | None, start: datetime) -> DayUse:
    """Return the use of an org since `start`, from archived figures and those of this run."""
    credits, histories, max_pause = state.series, state.histories, state.max_pause
    if archived is not None:
        credits = archived.extend_credits(credits, max_pause)
        histories = archived.extend_histories(histories, max_pause)
    spans = tuple(_iterate_spending(credits, start, max_pause))
    lead = state.credits.lead_meter
    spent = None
    if any(span.value is not None for span in spans):
        total = max(span.value for span in spans if span.value is not None)
        spent = Money(Decimal(total), *credits.unit)
    is_personal = lead is None or lead.is_personal
    use, history = DayUse(spans, spent=spent, is_personal=is_personal), histories.get(SESSION_LABEL)
    percents = tuple(_iterate_percents(history, start)) if history is not None else ()
    return use if use.has_spending or not percents else replace(use, spans=percents, shows_window=True)


def sum_spending(uses: Iterable[DayUse]) -> Sequence[Money]:
    """Return the personal spending, one sum for each currency; without those in which none was spent."""
    sums: dict[tuple[str, int], Money] = {}
    for use in uses:
        if use.spent is not None and use.has_spending and use.is_personal:
            known = sums.get(use.spent.unit)
            sums[use.spent.unit] = use.spent if known is None else known.add(use.spent)
    return tuple(sums.values())


def _iterate_spending(series: CreditSeries, start: datetime, max_pause: timedelta) -> Iterable[ValueSpan]:
    """Yield the sum of all rises since `start` over time."""
    runs = [run for run in series.runs if run.last >= start]
    rise, total = None, Decimal(0)
    for run, following in chain(pairwise(runs), ((run, None) for run in runs[-1:])):
        first, last = max(run.first, start), run.last if following is None else following.first
        if run.minor is None:
            yield ValueSpan(first.timestamp(), last.timestamp(), None)
            continue
        if rise is None:
            rise = MonotonicRise.start(first, run.minor)
        else:  # A fall to a placeholder and back is no spending.
            total += rise.compute_rise(run.minor)
            rise = rise.append(first, run.minor, max_pause)
        rise = rise.append(run.last, run.minor, max_pause)
        yield ValueSpan(first.timestamp(), last.timestamp(), float(total))


def _iterate_percents(history: PercentHistory, start: datetime) -> Iterable[ValueSpan]:
    """Yield the utilization since `start` over time."""
    begin = start.timestamp()
    runs = [run for run in history.runs if run.last >= begin]
    for run, following in chain(pairwise(runs), ((run, None) for run in runs[-1:])):
        last = run.last if following is None else following.first
        yield ValueSpan(max(run.first, begin), last, None if run.is_gap else run.percent)
