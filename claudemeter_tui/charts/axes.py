"""The time axis of a chart, and the figures of each of its columns."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import pairwise
from math import inf, isnan
from operator import attrgetter
from typing import Any, NamedTuple

from claudemeter_tui.charts.scale import ChartValue, ValueRange, format_minor_units
from claudemeter_tui.formatting.values import format_percent, format_short_day, to_local
from claudemeter_tui.model.time_series import CreditSeries, PercentHistory
from claudemeter_tui.model.windows import Severity

MIN_CHART_WIDTH, MIN_CHART_HEIGHT = 24, 3
"""Minimum columns and lines of a chart."""
MIN_AXIS_HEIGHT = 6
"""Minimum lines for a time axis above the times."""
MIN_SPAN_SECONDS = 300.0
"""Minimum seconds between the edges; a shorter run fills only the right part."""


MarkLetters = Mapping[int, tuple[str, Severity]]
"""Letter and severity of each column that has a mark."""


class ChartFrame(NamedTuple):
    """The size and span of a chart."""

    now: datetime
    width: int
    """Width in cells, including the scale."""
    height: int
    """Height in lines, including the time axis."""
    span: timedelta | None = None
    """Longest time to look back, a minute or more. None for everything since the first figure."""
    zone: tzinfo | None = None
    """Zone of the times. None for the system's own."""
    ascii_only: bool = False
    """True to draw with ASCII only."""
    max_fresh_age: timedelta = timedelta(seconds=150)
    """Maximum age at which the newest figure still counts; after an older one there is a gap."""
    margin: int = 0
    """Minimum cells of the scale, so that two stacked charts are aligned."""
    resets_at: datetime | None = None
    """Right edge of a chart of one window, later than now; `span` is then its length. None for now."""
    now_label: str = "now"
    """Label of `now` where the right edge is later; its time if `now` is a past moment."""

    @property
    def has_room(self) -> bool:
        """True if there is room for a chart."""
        return self.width >= MIN_CHART_WIDTH and self.height >= MIN_CHART_HEIGHT

    @property
    def has_axis(self) -> bool:
        """True if the time axis has a line of its own."""
        return self.height >= MIN_AXIS_HEIGHT

    @property
    def rows(self) -> int:
        """Lines of the canvas."""
        return self.height - (2 if self.has_axis else 1)

    def find_start(self, since: float) -> float:
        """Return the epoch seconds from which figures are in sight, never before the first figure."""
        if self.span is None:
            return since
        return max(since, (self.resets_at or self.now).timestamp() - self.span.total_seconds())

    def compute_edges(self, since: float, columns: int) -> TimeEdges:
        """Return the edges of a canvas; with a fixed span, which is drawn whole, they move by whole columns.

        The right edge is now, or the reset of the window that is drawn. Without a span, the left edge is not
        before the first figure, unless the run is very young.
        """
        if self.resets_at is not None and self.span is not None:
            end = self.resets_at.timestamp()
            start = end - self.span.total_seconds()
            return TimeEdges(start, end, max(start, min(end, self.now.timestamp())), columns)
        now = max(since, self.now.timestamp())
        if self.span is not None:
            whole = self.span.total_seconds()
            end = math.ceil(now * columns / whole) * whole / columns
            return TimeEdges(end - whole, end, now, columns)
        return TimeEdges(min(since, now - MIN_SPAN_SECONDS), now, now, columns)


class TimeEdges(NamedTuple):
    """Maps time to columns; all times are epoch seconds."""

    start: float
    end: float
    """Right edge, after the start; may be in the future."""
    now: float
    columns: int

    @property
    def length(self) -> float:
        """Seconds from edge to edge."""
        return self.end - self.start

    @property
    def next_column_at(self) -> float:
        """The moment at which the current column ends."""
        return self.start + (math.floor(self._compute_place(self.now)) + 1) * self.length / self.columns

    def find_column(self, moment: float) -> int:
        """Return the column of a moment between the edges."""
        return max(0, min(self.columns - 1, math.floor(self._compute_place(moment))))

    def find_right_edge(self, column: int) -> float:
        """Return the moment at the right edge of a column, at most now."""
        return min(self.now, self.start + self.length * (column + 1) / self.columns)

    def _compute_place(self, moment: float) -> float:
        """Return the distance of a moment from the left edge in columns."""
        return (moment - self.start) / self.length * self.columns


def to_datetime(seconds: float) -> datetime:
    """Convert epoch seconds to a time."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        # Clamp to the first or last time of the calendar: another one could reverse the order of times.
        return datetime.min.replace(tzinfo=UTC) if seconds < 0 else datetime.max.replace(tzinfo=UTC)


_MAX_LABELS = 7
_DAY = timedelta(days=1)
_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320)
_LABEL_STEPS = (*(timedelta(minutes=each) for each in _MINUTES), 7 * _DAY, 14 * _DAY)
_MONTH_STEPS = (*(1, 2, 3, 6), *(12 * each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)))
"""Months between two labels of a longer axis; each divides a year, or is a number of whole years."""
_SHORTEST_MONTH = timedelta(days=28)
_MAX_CLOCK_SHIFT = timedelta(hours=2)  # the largest change of a clock
_MAX_STEADY_SPAN = timedelta(days=14)
"""If clocks agree at both ends of an axis of at most this length, they were not changed in between."""
_HALF_YEAR = timedelta(days=183)
SAFE_YEARS = range(2, 9999)
"""Years in which a time can be local, with a margin of days before and after."""

TimeLabels = dict[int, str]
"""The label of a time, by its column."""


def build_time_labels(edges: TimeEdges, zone: tzinfo | None) -> TimeLabels:
    """Return the round local times between the edges, oldest first."""
    start, end, span = to_datetime(edges.start), to_datetime(edges.end), timedelta(seconds=edges.length)
    if not (start.year in SAFE_YEARS and end.year in SAFE_YEARS):
        return {}
    steps = (step for step in _LABEL_STEPS if _has_room_for_labels(step, span, edges.columns))
    step = next(steps, None)
    here, there = to_local(start, zone), to_local(end, zone)
    # If the clocks change between the edges, local times in between may lie outside of both.
    is_shifted = span > _MAX_STEADY_SPAN or here.utcoffset() != there.utcoffset()
    slack = _MAX_CLOCK_SHIFT if is_shifted else timedelta(0)
    first, last = here.replace(tzinfo=None) - slack, there.replace(tzinfo=None) + slack
    walls = (
        _iterate_months(first, last, span, edges.columns)
        if step is None
        else _iterate_round_times(first, last, step)
    )
    found: dict[float, str] = {}
    for wall in walls:
        for seconds in _find_instants(wall, zone, exact=step is not None and step < _DAY):
            if edges.start <= seconds < edges.end:
                found.setdefault(seconds, _format_time_label(wall, span))
    return {edges.find_column(seconds): found[seconds] for seconds in sorted(found)}


def _iterate_round_times(first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield the multiples of a step between two local times; weeks begin on Monday."""
    zero = datetime.min  # noqa: DTZ901 - a Monday, on the wall
    begin = math.ceil((first - zero) / step)
    yield from (zero + number * step for number in range(begin, (last - zero) // step + 1))


def _iterate_months(first: datetime, last: datetime, span: timedelta, columns: int) -> Iterator[datetime]:
    """Yield the first days of round months between two local times, as many as have room."""
    rooms = (it for it in _MONTH_STEPS if _has_room_for_labels(it * _SHORTEST_MONTH, span, columns))
    step = next(rooms, _MONTH_STEPS[-1])
    begin = math.ceil((12 * first.year + first.month - 1) / step)
    for number in range(begin, (12 * last.year + last.month - 1) // step + 1):
        year, month = divmod(number * step, 12)
        yield datetime(year, month + 1, 1)  # noqa: DTZ001 - on the wall


def place_time_labels(
    times: TimeLabels, margin: int, width: int, *, line: str = ""
) -> tuple[TimeLabels, str]:
    """Return the labels that have room, and a line with each centred under its column.

    Args:
        times: The labels, oldest first.
        margin: Cells left of the first column.
        width: Cells of the line.
        line: Texts that are in the line already.
    """
    kept, line = {}, line.ljust(width)
    for column, text in times.items():
        begin = margin + column - len(text) // 2
        end = begin + len(text)
        if begin >= 0 and end <= width and line[max(0, begin - 2) : end + 2].isspace():
            line = line[:begin] + text + line[end:]
            kept[column] = text
    return kept, line


def _has_room_for_labels(step: timedelta, span: timedelta, columns: int) -> bool:
    """True if labels at each of these steps fit side by side."""
    name = 5 if step < _DAY else 3 if span <= 7 * _DAY else 6
    return span <= step * _MAX_LABELS and span * (name + 2) <= step * columns


def _format_time_label(wall: datetime, span: timedelta) -> str:
    """Return `14:10`, `Sat` for a midnight if over a day is shown, `Apr 25` if over a week is.

    The first day of a year is the year if over half a year is shown: `2027`.
    """
    if span <= _DAY or wall.hour or wall.minute:
        return f"{wall:%H:%M}"
    if span > _HALF_YEAR and (wall.month, wall.day) == (1, 1):
        return f"{wall.year}"
    return f"{wall:%a}" if span <= 7 * _DAY else format_short_day(wall)


def _find_instants(wall: datetime, zone: tzinfo | None, *, exact: bool) -> Iterator[float]:
    """Yield the epoch seconds at which clocks show a local time: two if set back, none if skipped.

    Without `exact`, a day whose midnight is skipped begins at its first moment.
    """
    for fold in (0, 1):
        here = wall.replace(fold=fold)
        found = (here.astimezone() if zone is None else here.replace(tzinfo=zone)).astimezone(UTC)
        if not exact or to_local(found, zone).replace(tzinfo=None) == wall:
            yield found.timestamp()


_EPSILON = 0.001  # seconds of tolerance: despite rounding, a run that begins with a column belongs to it


class ChartStep(NamedTuple):
    """The values of one column."""

    newest: float
    """The last value in the column."""
    low: float
    """The lowest value, so that a fall and rise within one column stays visible."""
    high: float


class Curve(NamedTuple):
    """The runs of one value, oldest first, at least one. A value holds until the next run begins."""

    starts: Sequence[Any]
    """The start of each run in its stored form: converting two thousand would take longer than drawing."""
    values: Sequence[ChartValue | None]
    """The value of each run. None means a gap in which nothing was read."""
    last_read: float
    """Epoch seconds until which the newest run was read."""
    from_epoch: Callable[[float], Any]
    """Convert epoch seconds to the type of `starts`."""
    format_value: Callable[[float], str]

    @classmethod
    def from_series(cls, series: CreditSeries, start: float) -> Curve:
        """Build the curve of a series in minor units, without runs that ended before `start`."""
        begin = bisect_left(series.runs, to_datetime(start), key=attrgetter("first"))
        runs = series.runs[max(0, begin - 1) :]
        firsts, values = (list(map(attrgetter(name), runs)) for name in ("first", "minor"))
        format_value = partial(format_minor_units, unit=series.unit)
        return cls(firsts, values, runs[-1].last.timestamp(), to_datetime, format_value)

    @classmethod
    def from_history(cls, history: PercentHistory, label: str) -> Curve:
        """Build the curve of the percentages of the window with this label."""
        firsts, lasts, percents = zip(*history.runs, strict=True)
        values = [None if isnan(percent) else percent for percent in percents]
        return cls(firsts, values, lasts[-1], float, lambda percent: f"{label} {format_percent(percent)}")

    @property
    def begins_at(self) -> float:
        """Start of the first run, which may be a gap, epoch seconds."""
        first = self.starts[0]
        return first.timestamp() if isinstance(first, datetime) else first

    def is_fresh(self, now: float, fresh: float) -> bool:
        """True if the newest value still counts."""
        return now - self.last_read <= fresh

    def find_range(self, start: float, now: float, fresh: float) -> ValueRange | None:
        """Return the range of values from `start` until now. None if nothing was read."""
        if self.last_read < start and not self.is_fresh(now, fresh):
            return None
        begin = bisect_left(self.starts, self.from_epoch(start))
        begins_there = begin < len(self.starts) and self.starts[begin] == self.from_epoch(start)
        begin = begin if begins_there else max(0, begin - 1)
        stop = max(begin + 1, bisect_right(self.starts, self.from_epoch(now)))
        known = [value for value in self.values[begin:stop] if value is not None]
        return ValueRange(min(known), max(known), known[0], known[-1]) if known else None

    def add_end_gaps(self, edges: TimeEdges, fresh: float) -> Curve:
        """Return the curve with gaps before its first run and after its last fresh value."""
        stop = bisect_right(self.starts, self.from_epoch(edges.now))
        end = edges.next_column_at if self.is_fresh(edges.now, fresh) else self.last_read
        until = self.from_epoch(end if end < edges.end else inf)
        firsts = (self.from_epoch(-inf), *self.starts[:stop], until, self.from_epoch(inf))
        return self._replace(starts=firsts, values=(None, *self.values[:stop], None, None))

    def find_runs(self, moments: Sequence[float]) -> list[int]:
        """Return the number of the run that held at each of these moments, epoch seconds."""
        starts = self.starts
        return [bisect_right(starts, moment) - 1 for moment in map(self.from_epoch, moments)]


def compute_steps(curve: Curve, edges: TimeEdges, fresh: float) -> list[ChartStep | None]:
    """Return the step of each column of a curve; None for a column in which nothing was read.

    The column at the time of a rise shows both values. A column whose middle is in a gap is blank, unless it
    is the only one that can show a figure.
    """
    curve = curve.add_end_gaps(edges, fresh)
    width = edges.length / edges.columns
    cuts = [edges.start + column * width for column in range(edges.columns)]
    runs = curve.find_runs([*[cut - _EPSILON for cut in cuts], edges.end + _EPSILON])
    steps: list[ChartStep | None] = []
    at, step = -1, None
    for (begin, end), cut in zip(pairwise(runs), cuts, strict=True):
        if begin != end:
            after = cut + 1.5 * width
            steps.append(
                _merge_runs(curve, (begin, end), cut + width / 2, after if after < edges.end else inf)
            )
            continue
        if begin != at:
            at, value = begin, curve.values[begin]
            step = None if value is None else _build_step((value,))
        steps.append(step)
    return steps


def _merge_runs(curve: Curve, runs: tuple[int, int], middle: float, after: float) -> ChartStep | None:
    """Return the step of a column in which several runs meet; from `after` on, the last run has its own."""
    begin, end = runs
    values = curve.values[begin : end + 1]
    try:
        return _build_step(values)
    except TypeError:  # there is a gap; a check in advance would cost more than everything else
        known = [value for value in values if value is not None]
    if curve.values[curve.find_runs((middle,))[0]] is None:
        shown = curve.from_epoch(after)
        # The run at infinity has no successor; it is reached only at the end of the year 9999.
        ended = range(begin + 1, min(end + 1, len(curve.starts) - 1))
        over = (curve.values[it] for it in ended if curve.starts[it + 1] <= shown)
        if all(value is None for value in over):
            return None
    return _build_step(known)


PEAKS_FROM = timedelta(days=2)
"""Length of an axis from which windows are drawn as peaks: with all their resets they would be a zigzag."""
_PEAK_PERIODS = ((timedelta(hours=6), "6 hours"), (_DAY, "day"), (7 * _DAY, "week"), (28 * _DAY, "4 weeks"))
_MIN_PEAK_COLUMNS = 1.5
"""Minimum columns of a period of peaks."""
_MIN_BLANK_COLUMNS = 2.5
"""Mean columns of the periods from which a blank separates them."""


class PeakPeriods(NamedTuple):
    """Round local periods that each show their highest value."""

    name: str
    """Such as `day`. Empty if each column is a period."""
    bounds: Sequence[float]
    """Epoch seconds at which a period begins, oldest first; the first and the last are beyond the edges."""

    def find_ends(self, edges: TimeEdges) -> set[int]:
        """Return the columns that can be blank: the last one of each period, unless periods are narrow."""
        places = self._find_places(edges)
        if edges.columns < _MIN_BLANK_COLUMNS * (places[-1] - places[0] + 1):
            return set()
        return {column for column, (one, other) in enumerate(pairwise(places)) if one != other}

    def compute_steps(
        self, curve: Curve, edges: TimeEdges, steps: Sequence[ChartStep | None]
    ) -> list[ChartStep | None]:
        """Return the peak of its period for each column in which something was read.

        Args:
            curve: The curve.
            edges: Edges of the canvas.
            steps: All values of each column.
        """
        starts = curve.find_runs([max(bound, edges.start) + _EPSILON for bound in self.bounds])
        ends = curve.find_runs([min(bound, edges.now) - _EPSILON for bound in self.bounds])
        peaks = []
        for first, last in zip(starts, ends[1:], strict=False):
            known = [value for value in curve.values[max(0, first) : last + 1] if value is not None]
            peaks.append(float(max(known)) if known else None)
        found: list[ChartStep | None] = []
        for step, place in zip(steps, self._find_places(edges), strict=True):
            peak = peaks[place] if step is not None else None
            found.append(step if step is None else ChartStep(*[step.high if peak is None else peak] * 3))
        return found

    def _find_places(self, edges: TimeEdges) -> list[int]:
        """Return the number of the period at the middle of each column, of the last one at most now."""
        width = edges.length / edges.columns
        middles = [min(edges.start + (column + 0.5) * width, edges.now) for column in range(edges.columns)]
        return [bisect_right(self.bounds, middle) - 1 for middle in middles]


def find_peak_periods(edges: TimeEdges, zone: tzinfo | None) -> PeakPeriods:
    """Return the shortest round periods with room between the edges, else the columns."""
    column = edges.length / edges.columns
    bounds = [edges.start + place * column for place in range(edges.columns + 1)]
    start, end = to_datetime(edges.start), to_datetime(edges.end)
    if not (start.year in SAFE_YEARS and end.year in SAFE_YEARS):
        return PeakPeriods("", bounds)
    for length, name in _PEAK_PERIODS:
        if length.total_seconds() >= _MIN_PEAK_COLUMNS * column:
            first, last = (to_local(it, zone).replace(tzinfo=None) for it in (start, end))
            walls = _iterate_round_times(first - 2 * length, last + 2 * length, length)
            return PeakPeriods(name, sorted({min(_find_instants(wall, zone, exact=False)) for wall in walls}))
    return PeakPeriods("", bounds)


def _build_step(values: Sequence[Any]) -> ChartStep:
    """Return the step of a column with these values, oldest first."""
    return ChartStep(float(values[-1]), float(min(values)), float(max(values)))
