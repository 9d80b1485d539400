"""Runs of unchanged figures as steps: what each dot of the canvas shows, from left to right."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import inf, isnan
from operator import attrgetter
from typing import Any, NamedTuple

from claudemeter_tui.model.history import History
from claudemeter_tui.model.samples import Series
from claudemeter_tui.text.chart.frame import Edges, moment

Value = Decimal | float
"""Minor units, or percent."""

_HAIR = 0.001  # seconds: a run that begins where a dot does is in that dot, whatever floats make of it


class Step(NamedTuple):
    """What a dot shows."""

    newest: float
    """What was read last in it."""
    low: float
    """The lowest value in it: what falls and rises again within a dot is still seen."""
    high: float


class Seen(NamedTuple):
    """What matters of the values in sight."""

    low: Value
    high: Value
    newest: Value


@dataclass(frozen=True, slots=True)
class Curve:
    """The runs of one figure, oldest first, at least one. A value holds until the next run begins."""

    firsts: Sequence[Any]
    """When each run begins, in a form of its own: converting two thousand would take longer than drawing."""
    values: Sequence[Value | None]
    """None: a gap, nothing was read."""
    last: float
    """Until when the newest run was read, epoch seconds."""
    form: Callable[[float], Any]
    """Epoch seconds in the form of `firsts`."""

    @classmethod
    def of_series(cls, series: Series, start: float) -> Curve:
        """The amounts of a series in minor units, without what was over before `start`."""
        begin = bisect_left(series.runs, moment(start), key=attrgetter("first"))
        runs = series.runs[max(0, begin - 1) :]
        firsts, values = (list(map(attrgetter(name), runs)) for name in ("first", "minor"))
        return cls(firsts, values, runs[-1].last.timestamp(), moment)

    @classmethod
    def of_history(cls, history: History) -> Curve:
        """The percentages of a window."""
        firsts, lasts, percents = zip(*history.runs, strict=True)
        return cls(firsts, [None if isnan(it) else it for it in percents], lasts[-1], float)

    def is_fresh(self, now: float, fresh: float) -> bool:
        """Whether the newest value still holds."""
        return now - self.last <= fresh

    def seen(self, start: float, now: float, fresh: float) -> Seen | None:
        """What held at some time from `start` until now. None: nothing was read then."""
        if self.last < start and not self.is_fresh(now, fresh):
            return None
        begin = bisect_left(self.firsts, self.form(start))
        begins_there = begin < len(self.firsts) and self.firsts[begin] == self.form(start)
        begin = begin if begins_there else max(0, begin - 1)
        stop = max(begin + 1, bisect_right(self.firsts, self.form(now)))
        known = [value for value in self.values[begin:stop] if value is not None]
        return Seen(min(known), max(known), known[-1]) if known else None

    def closed(self, edges: Edges, fresh: float) -> Curve:
        """The curve with a gap before its first run, and one from where its newest value holds no more."""
        stop = bisect_right(self.firsts, self.form(edges.now))
        end = edges.next_dot if self.is_fresh(edges.now, fresh) else self.last
        until = self.form(end if end < edges.end else inf)
        firsts = (self.form(-inf), *self.firsts[:stop], until, self.form(inf))
        return Curve(firsts, (None, *self.values[:stop], None, None), self.last, self.form)

    def run_at(self, at: float) -> int:
        """The number of the run that held at a moment."""
        return bisect_right(self.firsts, self.form(at)) - 1


def steps(curve: Curve, edges: Edges, fresh: float) -> list[Step | None]:
    """What each dot of a curve shows, from edge to edge; None: nothing was read.

    A rise is in the dot of its moment, which shows both values. A dot is blank where its middle is in a gap,
    unless a figure would be nowhere else.
    """
    return list(_steps(curve.closed(edges, fresh), edges))


def _steps(curve: Curve, edges: Edges) -> Iterator[Step | None]:
    width = edges.length / edges.dots
    cuts = [edges.start + dot * width for dot in range(edges.dots)]
    runs = [*(curve.run_at(cut - _HAIR) for cut in cuts), curve.run_at(edges.end + _HAIR)]
    at, step = -1, None
    for (begin, end), cut in zip(pairwise(runs), cuts, strict=False):
        if begin != end:
            after = cut + 1.5 * width
            yield _several(curve, (begin, end), cut + width / 2, after if after < edges.end else inf)
            continue
        if begin != at:
            at, value = begin, curve.values[begin]
            step = None if value is None else _step((value,))
        yield step


def _several(curve: Curve, runs: tuple[int, int], middle: float, after: float) -> Step | None:
    """What a dot shows in which several runs meet; what goes on `after` it is shown there."""
    begin, end = runs
    values = curve.values[begin : end + 1]
    try:
        return _step(values)
    except TypeError:  # there is a gap: looking for one first would cost more than all else
        known = [value for value in values if value is not None]
    if curve.values[curve.run_at(middle)] is None:
        shown = curve.form(after)
        over = (curve.values[it] for it in range(begin + 1, end + 1) if curve.firsts[it + 1] <= shown)
        if all(value is None for value in over):
            return None
    return _step(known)


def _step(values: Sequence[Any]) -> Step:
    """A dot in which these values held, oldest first."""
    return Step(float(values[-1]), float(min(values)), float(max(values)))
