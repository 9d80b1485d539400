"""Build a chart of credits or windows, and find the values of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui.charts.axes import (
    PEAKS_FROM,
    SAFE_YEARS,
    ChartFrame,
    Curve,
    MarkLetters,
    PeakPeriods,
    TimeEdges,
    compute_steps,
    find_peak_periods,
    to_datetime,
)
from claudemeter_tui.charts.canvas import (
    Canvas,
    ChartLine,
    ChartSteps,
    ChartStyle,
    ForecastValues,
    Gap,
    draw_sparkline,
    draw_time_axis,
)
from claudemeter_tui.charts.scale import (
    MIN_MONEY_RANGE,
    ScaleLabels,
    build_money_labels,
    build_money_scale,
    build_percent_labels,
    build_percent_scale,
    format_minor_units,
    measure_labels,
)
from claudemeter_tui.formatting.values import (
    format_moment,
    format_money,
    format_percent,
    format_short_day,
    to_local,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries, Histories, PercentHistory

if TYPE_CHECKING:  # the first figures have no events
    from claudemeter_tui.charts.event_marks import EventMark, MarkedEvents
    from claudemeter_tui.model.events import Event

_HATCHED_UP_TO = timedelta(days=1)
"""Length of an axis up to which gaps are hatched: in a longer one, every night without a reading is a gap."""
MIN_CANVAS_COLUMNS = 8
"""Minimum cells of the canvas; below that there is no chart."""


class ChartPoint(NamedTuple):
    """The values and events of a column."""

    ends_at: datetime
    """Right edge of the column, at most now."""
    values: tuple[str, ...]
    """The value of each curve. Empty if nothing was read."""
    events: tuple[Event, ...]
    """The events of the column, the most important first."""


class RenderedChart(NamedTuple):
    """A chart as lines, with the data that the mouse pointer needs."""

    lines: tuple[ChartLine, ...]
    """The lines from top to bottom, each of the requested width."""
    letters: MarkLetters
    """The marks by column; on the time axis if that has a line of its own."""
    legend: tuple[EventMark, ...]
    """The marks in use, and those of events whose place a refusal has taken; the most important first."""
    has_axis: bool
    """True if the time axis has a line of its own."""
    since: float
    """Epoch seconds of the very first figure; the left edge may be later."""
    edges: TimeEdges
    margin: int
    """Cells left of the canvas: label, blank, axis."""
    curves: tuple[tuple[Curve, ChartSteps], ...]
    marked_events: MarkedEvents
    peak_periods: PeakPeriods | None = None
    """The periods that show only their highest value. None if each column shows its own values."""

    def find_point(self, x: int) -> ChartPoint | None:
        """Return values and events of a column. None if it is left of the canvas or in the future."""
        column, edges = x - self.margin, self.edges
        if not 0 <= column <= edges.find_column(edges.now):
            return None
        values = []
        for curve, steps in self.curves:
            step = steps[column]
            if step is not None:
                values.append(curve.format_value(step.newest))
        return ChartPoint(
            to_datetime(edges.find_right_edge(column)), tuple(values), self.marked_events.get(column, ())
        )


Forecast = Sequence[tuple[datetime, float]]
"""The corners of the expected course of a window, oldest first, in percent."""


def build_chart(
    frame: ChartFrame,
    since: float,
    curves: Sequence[Curve],
    *,
    labels: ScaleLabels,
    events: Sequence[Event],
    draw: Callable[[Canvas, Sequence[ChartSteps], TimeEdges, PeakPeriods | None], None],
    shows_peaks: bool = False,
) -> RenderedChart | None:
    """Return the chart of these curves. None if there is no room or nothing to draw.

    Args:
        frame: Span and size.
        since: Epoch seconds of the very first figure.
        curves: At least one; the first is in front.
        labels: Labels of the scale.
        events: Events of the org.
        draw: Draws the curves on the canvas.
        shows_peaks: True to show only the highest value of each round period.
    """
    margin = max(frame.margin, measure_labels(labels.values()))
    columns = frame.width - margin
    if columns < MIN_CANVAS_COLUMNS:
        return None
    edges = frame.compute_edges(since, columns)
    steps = [compute_steps(curve, edges, frame.max_fresh_age.total_seconds()) for curve in curves]
    if all(step is None for each in steps for step in each):
        return None
    note = _describe_no_change(frame, edges, since, steps)
    gaps = [*_find_gaps(frame, edges, curves[0], steps)]
    periods = find_peak_periods(edges, frame.zone) if shows_peaks else None
    if periods is not None:
        steps = [periods.compute_steps(curve, edges, each) for curve, each in zip(curves, steps, strict=True)]
    marks, letters, legend = _mark_events(events, edges)
    canvas = Canvas(columns, frame.rows, plain=frame.ascii_only, has_axis=-1 in labels and frame.has_axis)
    canvas.draw_gaps(gaps)
    draw(canvas, steps, edges, periods)
    if note:
        canvas.write_note(note)
    tick, rule = "+|" if frame.ascii_only else "┤│"
    left = [rule.rjust(margin)] * frame.rows
    for row, text in labels.items():
        if row >= 0:
            left[-1 - row] = f"{text.rjust(margin - 2)} {tick}"
    return RenderedChart(
        lines=(
            *(
                ((text, ChartStyle.SCALE), *line)
                for text, line in zip(left, canvas.build_lines(), strict=True)
            ),
            *draw_time_axis(frame, edges, canvas, letters, labels.get(-1, ""), margin=margin),
        ),
        letters=letters,
        legend=legend,
        has_axis=frame.has_axis,
        since=since,
        edges=edges,
        margin=margin,
        curves=tuple(zip(curves, steps, strict=True)),
        marked_events=marks,
        peak_periods=periods,
    )


def _mark_events(
    events: Sequence[Event], edges: TimeEdges
) -> tuple[MarkedEvents, MarkLetters, tuple[EventMark, ...]]:
    """Return the events and the mark of each column that has any, and the marks in use."""
    if not events:
        return {}, {}, ()
    from claudemeter_tui.charts.event_marks import (  # noqa: PLC0415 - the first figures have no events
        find_mark,
        group_marked_events,
        list_shown_marks,
    )

    marks = group_marked_events(events, edges)
    letters = {column: (find_mark(each[0]).letter, each[0].severity) for column, each in marks.items()}
    return marks, letters, list_shown_marks(marks)


def _find_gaps(
    frame: ChartFrame, edges: TimeEdges, curve: Curve, steps: Sequence[ChartSteps]
) -> Iterator[Gap]:
    """Yield the columns without a figure after an earlier one, which may be beyond the left edge.

    `curve` gives the exact times.
    """
    known = [any(column) for column in zip(*steps, strict=True)]
    known = known[: edges.find_column(edges.now) + 1]
    begin = edges.find_column(curve.begins_at)
    if curve.values[0] is not None and curve.begins_at >= edges.start:
        begin += 1  # the column of the first figure can be too late in it to show the figure
    place = min(known.index(True), begin)
    if all(known[place:]):
        return
    ended = curve.add_end_gaps(edges, frame.max_fresh_age.total_seconds())
    width = edges.length / edges.columns
    for is_known, run in groupby(known[place:]):
        begin, place = place, place + len(list(run))
        if not is_known:
            middles = [edges.start + (column + 0.5) * width for column in (begin, place - 1)]
            first, last = ended.find_runs([min(middle, edges.now) for middle in middles])
            ends = ended.starts[first], ended.starts[min(last + 1, len(ended.starts) - 1)]
            start, end = (it if isinstance(it, datetime) else to_datetime(it) for it in ends)
            is_short = edges.length <= _HATCHED_UP_TO.total_seconds()
            yield Gap(begin, place, _describe_gap(frame, start, end), is_hatched=is_short)


def _describe_gap(frame: ChartFrame, start: datetime, end: datetime) -> tuple[str, ...]:
    """Return `no data 13:53-13:57`, then shorter texts."""
    short = "no data"
    if start.year not in SAFE_YEARS:
        return (short,)
    if end >= frame.now:
        return f"{short} since {format_moment(start, frame.now, frame.zone)}", short
    here, there = to_local(start, frame.zone), to_local(end, frame.zone)
    if end - start < timedelta(days=1):
        return f"{short} {here:%H:%M}-{there:%H:%M}", short
    return f"{short} {format_short_day(here)}-{format_short_day(there)}", short


def _describe_no_change(
    frame: ChartFrame, edges: TimeEdges, since: float, steps: Sequence[ChartSteps]
) -> str:
    """Return a note if nothing has changed."""
    if any(len({step for step in each if step is not None}) > 1 for each in steps):
        return ""
    begun = format_moment(to_datetime(since), frame.now, frame.zone)
    if edges.now - since < frame.max_fresh_age.total_seconds():
        return f"collecting since {begun}"
    return f"no change since {begun}" if edges.start <= since else "no change in this period"


def build_credits_chart(
    series: CreditSeries, frame: ChartFrame, *, cap: Money | None = None, events: Sequence[Event] = ()
) -> RenderedChart | None:
    """Return the chart of the used credits. None if there is no room or nothing to draw.

    Args:
        series: Used credits.
        frame: Span and size.
        cap: Drawn as a line if it is near the figures; with its rise, too, on a scale of rises. None for
            no cap.
        events: Events of the org.
    """
    if not frame.has_room or series.since is None:
        return None
    since = series.since.timestamp()
    start = frame.find_start(since)
    curve = Curve.from_series(series, start)
    seen = curve.find_range(start, frame.now.timestamp(), frame.max_fresh_age.total_seconds())
    if seen is None:
        return None
    limit = float(cap.minor) if cap is not None and cap.unit == series.unit else None
    scale = build_money_scale(seen, limit, frame.rows)

    def draw(canvas: Canvas, steps: Sequence[ChartSteps], *_: object) -> None:
        canvas.draw_area(steps[0], scale)
        if scale.limit_row is None or cap is None:
            return
        label = shorter = f"cap {format_money(cap)}"
        if scale.is_rise:  # the amount alone would be a second scale on the axis
            rise = cap.minor - Decimal(seen.first)
            label = f"+{format_minor_units(rise, series.unit)} = {label}"
        canvas.draw_limit(scale.limit_row, label, shorter=shorter, needs_label=True)

    labels = build_money_labels(scale, series.unit)
    return build_chart(frame, since, (curve,), labels=labels, events=events, draw=draw)


def draw_credits_sparkline(series: CreditSeries, frame: ChartFrame) -> str:
    """Return the used credits as a line of blocks, as wide as the frame; blank if nothing is in sight.

    Like the chart, from zero or as the rise since the first figure.
    """
    if series.since is None:
        return " " * frame.width
    since = series.since.timestamp()
    start, fresh = frame.find_start(since), frame.max_fresh_age.total_seconds()
    curve = Curve.from_series(series, start)
    seen = curve.find_range(start, frame.now.timestamp(), fresh)
    if seen is None:
        return " " * frame.width
    scale = build_money_scale(seen, None, 1)
    steps = compute_steps(curve, frame.compute_edges(since, frame.width), fresh)
    high = max(float(seen.high), scale.base + MIN_MONEY_RANGE)
    values = [None if step is None else step.newest for step in steps]
    return draw_sparkline(values, scale.base, high, plain=frame.ascii_only)


def draw_window_sparkline(history: PercentHistory, frame: ChartFrame) -> str:
    """Return a window's utilization as a line of blocks, as wide as the frame."""
    curve = Curve.from_history(history, "")
    edges = frame.compute_edges(history.since, frame.width)
    steps = compute_steps(curve, edges, frame.max_fresh_age.total_seconds())
    values = [None if step is None else step.high for step in steps]
    return draw_sparkline(values, 0.0, 100.0, plain=frame.ascii_only)


def build_windows_chart(
    histories: Histories,
    frame: ChartFrame,
    *,
    events: Sequence[Event] = (),
    forecasts: Mapping[str, Forecast] | None = None,
) -> RenderedChart | None:
    """Return the chart of the windows, the first one in front. None if there is no room or no data.

    Args:
        histories: Utilization by window.
        frame: Span and size.
        events: Events of the org.
        forecasts: Expected course by window, drawn right of now.
    """
    curves = [Curve.from_history(history, label) for label, history in histories.items()]
    if not frame.has_room or not curves:
        return None
    since, now = min(history.since for history in histories.values()), frame.now.timestamp()
    start, fresh = frame.find_start(since), frame.max_fresh_age.total_seconds()
    seen = [found for curve in curves if (found := curve.find_range(start, now, fresh)) is not None]
    if not seen:
        return None
    highest = max(seen, key=lambda found: found.high)
    # The number of columns does not matter for the length.
    length = timedelta(seconds=frame.compute_edges(since, MIN_CANVAS_COLUMNS).length)
    shows_peaks = frame.resets_at is None and length >= PEAKS_FROM
    scale = build_percent_scale(highest, frame.rows, is_area=shows_peaks)
    expected = forecasts or {}

    def draw(
        canvas: Canvas, steps: Sequence[ChartSteps], edges: TimeEdges, periods: PeakPeriods | None
    ) -> None:
        if periods is not None:
            blank = periods.find_ends(edges)
            shown = [None if column in blank else step for column, step in enumerate(steps[0])]
            canvas.draw_area(shown, scale)
        canvas.draw_steps(steps, scale, begin=int(periods is not None))
        found = [_sample_forecast(expected.get(label, ()), edges) for label in histories]
        canvas.draw_forecasts(found, scale)
        if frame.resets_at is not None:
            now = edges.find_column(edges.now)
            newest = [step.newest if (step := each[now]) is not None else None for each in steps]
            texts = ["" if value is None else format_percent(value) for value in newest]
            rows = [0 if value is None else scale.find_row(value) for value in newest]
            canvas.draw_values(texts, rows, now + 1)
        if highest.high > 100 and scale.limit_row is not None:
            canvas.draw_limit(scale.limit_row, "")

    labels = build_percent_labels(scale)
    return build_chart(frame, since, curves, labels=labels, events=events, draw=draw, shows_peaks=shows_peaks)


def _sample_forecast(forecast: Forecast, edges: TimeEdges) -> ForecastValues:
    """Return the expected value at the middle of each column right of now."""
    found: dict[int, float] = {}
    width = edges.length / edges.columns
    for (begin, low), (end, high) in pairwise((at.timestamp(), percent) for at, percent in forecast):
        for column in range(edges.find_column(edges.now) + 1, edges.columns):
            middle = edges.start + (column + 0.5) * width
            if begin <= middle <= end:
                found[column] = low + (high - low) * (middle - begin) / (end - begin)
    return found
