"""Split the rises of a server's figure over the projects that were active on this machine.

The server counts the use of every device, and transcripts have only that of this machine. So the calls here
explain a rise only as far as the usual rate of the figure goes: its rise for a dollar of list cost while no
other device was active. The rest was used elsewhere. Every result is an estimate, and nothing is attributed
without a usual rate.

The constants were chosen by their errors in simulated weeks: `python -m tests.backtest` prints these errors.
Another device that is active whenever this machine is, and always in the same proportion, cannot be seen: its
use counts as that of this machine.

Times are milliseconds since 1970 in UTC, as in `Call`. Amounts are percentage points of a window, or minor
units of used credits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

from claudemeter_tui.model.prices import NANO_PER_DOLLAR

LAG = 2 * 60_000
"""Longest time from a line in a transcript to the first reading that counts its call."""
STRETCH = 15 * 60_000
"""Time up to which rises that follow each other are one, so that rounding and `LAG` count less."""
RATE_SPREAD = 1.7
"""Highest rate of a stretch that still counts as equal, in parts of the lowest."""
MIN_USUAL = 0.5
"""Minimum part of the cost at equal rates: without it no rate is the usual one."""
MIN_STRETCHES = 8
"""Minimum number of stretches at equal rates."""
MIN_CONVERTED = 10.0
"""Minimum rise of both windows for a conversion, in percentage points: a tenth of it may be rounding."""


class Level(NamedTuple):
    """A span in which a figure had one value, such as a run of the archive."""

    first: int
    """First reading with the value."""
    last: int
    """Last reading with it."""
    value: float
    """Percent, or minor units of used credits."""
    cycle: int
    """Start of the window or of the billing month that it belongs to."""


class Rise(NamedTuple):
    """A rise of a figure within one cycle."""

    since: int
    """Start of the time in which the rise can have been used: see `find_rises`."""
    at: int
    """First reading after the rise."""
    amount: float
    """Above 0."""


class Activity(NamedTuple):
    """A call on this machine, or the sum of some calls of one minute."""

    at: int
    project: str
    cost: int | None
    """Nano-dollars at list prices. None if a price is not known."""


class NoRate(StrEnum):
    """Reasons for a figure without a usual rate."""

    FEW = "few"
    """Too little data."""
    UNEVEN = "uneven"
    """Rates that differ too much, because other devices were active most of the time."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The sum of some rises, split by where it was used; its parts add up to `total`."""

    total: float = 0.0
    """Sum of the rises, as the server reported them."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Estimated amount of each project that was active here, above 0; the largest first."""
    elsewhere: float = 0.0
    """Estimated amount of other devices, the app and the web: more than the calls here explain."""
    unknown: float = 0.0
    """Amount of which the place is not known: everything without a usual rate, and otherwise the rest of
    rises during calls here without a price."""
    reason: NoRate | None = None
    """Reason for an attribution without shares. None if there is a usual rate."""


def find_rises(levels: Iterable[Level], *, is_rounded: bool) -> list[Rise]:
    """Return the rises of a figure, oldest first.

    A rise belongs to one cycle: the first value of a new cycle counts from zero and from the start of the
    cycle, but not from before the last reading of the old one. Within a cycle only a new highest value is a
    rise, so a placeholder or a correction counts nothing twice. The first level of all is no rise: begin with
    a level of zero at the start of the cycle to count it.

    Args:
        levels: the values in the order of time.
        is_rounded: True for a percentage. The server rounds it, so a rise includes all use since the first
            reading of the value before. False for used credits, which rise with the use itself: since the
            last reading of the value before.
    """
    rises: list[Rise] = []
    peak: Level | None = None
    seen = 0
    for level in levels:
        if peak is None:
            peak = level
        elif level.cycle != peak.cycle:
            if level.value > 0:
                # A cycle that starts with its first reading has no earlier time to be used in.
                start = min(max(level.cycle, seen), level.first)
                rises.append(Rise(start, level.first, level.value))
            peak = level
        elif level.value > peak.value:
            since = peak.first if is_rounded else peak.last
            rises.append(Rise(since, level.first, level.value - peak.value))
            peak = level
        elif level.value == peak.value:
            peak = peak._replace(last=level.last)
        seen = level.last
    return rises


@dataclass(slots=True)
class _Stretch:
    """Rises that follow each other, and the calls here at that time."""

    since: int
    at: int
    amount: float
    costs: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Nano-dollars by project."""
    has_unpriced: bool = False

    @property
    def cost(self) -> int:
        """Nano-dollars of all projects."""
        return sum(self.costs.values())


def _build_stretches(rises: Iterable[Rise], activities: Sequence[Activity]) -> list[_Stretch]:
    """Return the rises with the calls that they can include; each call counts once."""
    stretches: list[_Stretch] = []
    for since, at, amount in rises:
        last = stretches[-1] if stretches else None
        if last is not None and since - last.at <= LAG and last.at - last.since < STRETCH:
            last.at = at
            last.amount += amount
        else:
            stretches.append(_Stretch(since, at, amount))
    place = 0
    for stretch in stretches:
        while place < len(activities) and activities[place].at <= stretch.at:
            at, project, cost = activities[place]
            place += 1
            if at <= stretch.since - LAG:
                continue
            if cost is None:
                stretch.has_unpriced = True
            elif cost:
                stretch.costs[project] += cost
    return stretches


def estimate_usual_rate(rises: Iterable[Rise], activities: Sequence[Activity]) -> float | NoRate:
    """Return by how much a figure rises for a dollar of list cost while no other device is active.

    Other devices only add to a rise, each time another amount. So the rates of the stretches without them
    lie close together, and all others are scattered above: the usual rate is the median where most of the
    cost is. A mean would be too high, and a low quantile too low if no other device is active at all.

    Args:
        rises: those of some days or weeks, oldest first. More of them are better.
        activities: every call that counts for the figure in this time, oldest first. A window of one model
            counts only the calls of that model.

    Returns:
        Percentage points or minor units per dollar, above 0.
    """
    rates: list[tuple[float, int]] = []
    for stretch in _build_stretches(rises, activities):
        cost = stretch.cost
        if cost and not stretch.has_unpriced:
            rates.append((stretch.amount / cost, cost))
    rates.sort()
    if len(rates) < MIN_STRETCHES:
        return NoRate.FEW
    start, end = _find_densest(rates)
    usual, total = sum(cost for _, cost in rates[start:end]), sum(cost for _, cost in rates)
    if usual < MIN_USUAL * total:
        return NoRate.UNEVEN
    if end - start < MIN_STRETCHES:
        return NoRate.FEW
    sums = list(accumulate(cost for _, cost in rates[start:end]))
    return rates[start + bisect_left(sums, usual / 2)][0] * NANO_PER_DOLLAR


def _find_densest(rates: Sequence[tuple[float, int]]) -> tuple[int, int]:
    """Return start and end of the rates that count as equal and have the most cost, the lowest of several."""
    best, found = 0, (0, 0)
    start = weight = 0
    for end, (rate, cost) in enumerate(rates, 1):
        weight += cost
        while rates[start][0] * RATE_SPREAD < rate:
            weight -= rates[start][1]
            start += 1
        if weight > best:
            best, found = weight, (start, end)
    return found


def convert_rate(rate: float | NoRate, known: Iterable[Rise], wanted: Iterable[Rise]) -> float | NoRate:
    """Return the usual rate of one window from that of another one that counts the same calls.

    A percent of the week is much more use than one of the 5-hour window. Its rises are hours apart, and other
    devices are active in most of them. Both windows rise with every call, so the ratio of their rises does
    not depend on who used them.

    Args:
        rate: the usual rate of the known window, usually the 5-hour window.
        known: its rises in some span.
        wanted: the rises of the other window in the same span.
    """
    known_total, total = sum(rise.amount for rise in known), sum(rise.amount for rise in wanted)
    if isinstance(rate, NoRate):
        return rate
    return rate * total / known_total if min(known_total, total) >= MIN_CONVERTED else NoRate.FEW


def attribute_rises(
    rises: Iterable[Rise], activities: Sequence[Activity], rate: float | NoRate
) -> Attribution:
    """Return the rises split over the projects that were active here, by the list cost of their calls.

    Args:
        rises: those of the span to split, oldest first.
        activities: every call that counts for the figure in this span, oldest first; earlier and later ones
            do no harm.
        rate: the usual rate of the figure.
    """
    shares: defaultdict[str, float] = defaultdict(float)
    total = elsewhere = unknown = 0.0
    for stretch in _build_stretches(rises, activities):
        amount, cost = stretch.amount, stretch.cost
        total += amount
        if isinstance(rate, NoRate):
            unknown += amount
            continue
        explained = min(amount, rate * cost / NANO_PER_DOLLAR)
        for project, part in stretch.costs.items():
            shares[project] += explained * part / cost
        if stretch.has_unpriced:
            unknown += amount - explained
        else:
            elsewhere += amount - explained
    ordered = dict(sorted(shares.items(), key=lambda share: (-share[1], share[0])))
    return Attribution(total, ordered, elsewhere, unknown, rate if isinstance(rate, NoRate) else None)
