"""Build a chart of credits or windows, and find the values of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from claudemeter_tui.charts.canvas import ChartLine, ChartSteps, ChartStyle, draw_curves, draw_time_axis
from claudemeter_tui.charts.scale import (
    Curve,
    Scale,
    ScaleLabels,
    build_money_labels,
    build_money_scale,
    build_percent_labels,
    build_percent_scale,
    compute_steps,
    format_minor_units,
)
from claudemeter_tui.charts.time_axis import (
    EVENT_MARKS,
    ChartFrame,
    EventMark,
    MarkedEvents,
    MarkLetters,
    TimeEdges,
    find_mark,
    group_marked_events,
    to_datetime,
)
from claudemeter_tui.formatting.values import format_moment, format_percent
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries, Histories

MIN_CANVAS_COLUMNS = 8
"""Least cells of the canvas; below that there is no chart."""


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """A curve, and the format of its values."""

    curve: Curve
    format_value: Callable[[float], str]


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """The values and events of a column."""

    ends_at: datetime
    """Right edge of the column, at most now."""
    values: tuple[str, ...]
    """The value of each curve. Empty if nothing was read."""
    events: tuple[Event, ...]
    """The events of the column, the most important first."""


@dataclass(frozen=True, slots=True)
class RenderedChart:
    """A chart as lines, with what a pointer needs."""

    lines: tuple[ChartLine, ...]
    """The lines from top to bottom, each of the requested width."""
    letters: MarkLetters
    """The marks by column; on the time axis if that has a line of its own."""
    legend: tuple[EventMark, ...]
    """The marks in use, the most important first."""
    has_axis: bool
    """True if the time axis has a line of its own."""
    since: float
    """Epoch seconds of the first figure of all; the left edge may be later."""
    edges: TimeEdges
    margin: int
    """Cells left of the canvas: label, blank, axis."""
    plots: tuple[tuple[CurvePlot, ChartSteps], ...]
    marked_events: MarkedEvents

    def find_point(self, x: int) -> ChartPoint | None:
        """Return values and events of a column. None left of the canvas, or in the future."""
        column, edges = x - self.margin, self.edges
        if not 0 <= column <= edges.find_column(edges.now):
            return None
        newest = ((plot, _find_newest(each, column, edges.dots_per_cell)) for plot, each in self.plots)
        values = tuple(plot.format_value(value) for plot, value in newest if value is not None)
        return ChartPoint(
            to_datetime(edges.find_right_edge(column)), values, self.marked_events.get(column, ())
        )


def build_chart(
    frame: ChartFrame,
    since: float,
    plots: Sequence[CurvePlot],
    *,
    scale: Scale,
    labels: ScaleLabels,
    events: Iterable[Event],
) -> RenderedChart | None:
    """Return the chart of these curves; `since` is the time of the first figure of all.

    None if there is no room or nothing to draw.
    """
    margin = max(frame.margin, max(map(len, labels.values())) + 2)
    columns = frame.width - margin
    if columns < MIN_CANVAS_COLUMNS:
        return None
    edges = frame.compute_edges(since, columns)
    curves = [compute_steps(plot.curve, edges, frame.max_fresh_age.total_seconds()) for plot in plots]
    if all(step is None for each in curves for step in each):
        return None
    marks = group_marked_events(events, edges)
    letters = {column: (find_mark(each[0]).letter, each[0].severity) for column, each in marks.items()}
    shown = {letter for letter, _ in letters.values()}
    canvas = draw_curves(curves, scale, _describe_no_change(frame, edges, since, curves))
    return RenderedChart(
        lines=(
            *_add_scale(canvas, labels, margin, plain=frame.ascii_only),
            *draw_time_axis(frame, edges, margin, letters),
        ),
        letters=letters,
        legend=tuple(mark for mark in EVENT_MARKS if mark.letter in shown),
        has_axis=frame.has_axis,
        since=since,
        edges=edges,
        margin=margin,
        plots=tuple(zip(plots, curves, strict=True)),
        marked_events=marks,
    )


def _add_scale(
    canvas: Sequence[ChartLine], labels: ScaleLabels, margin: int, *, plain: bool
) -> list[ChartLine]:
    """Add labels and axis to the left of the canvas."""
    tick, rule = "+|" if plain else "┤│"
    edge = {row: f"{text.rjust(margin - 2)} {tick}" for row, text in labels.items()}
    bare = rule.rjust(margin)
    rows = reversed(range(len(canvas)))
    return [((edge.get(row, bare), ChartStyle.SCALE), *line) for row, line in zip(rows, canvas, strict=True)]


def _describe_no_change(
    frame: ChartFrame, edges: TimeEdges, since: float, curves: Sequence[ChartSteps]
) -> str:
    """Return a note if nothing has changed."""
    if any(len({step for step in each if step is not None}) > 1 for each in curves):
        return ""
    begun = format_moment(to_datetime(since), frame.now, frame.zone)
    if edges.now - since < frame.max_fresh_age.total_seconds():
        return f"collecting since {begun}"
    return f"no change since {begun}" if edges.start <= since else "no change in this span"


def _find_newest(each: ChartSteps, column: int, fine: int) -> float | None:
    """Return the newest value of a column. None if nothing was read."""
    dots = reversed(each[column * fine : (column + 1) * fine])
    return next((step.newest for step in dots if step is not None), None)


def build_credits_chart(
    series: CreditSeries, frame: ChartFrame, *, cap: Money | None = None, events: Iterable[Event] = ()
) -> RenderedChart | None:
    """Return the chart of the used credits. None if there is no room or nothing to draw.

    Args:
        series: Used credits.
        frame: Span and size.
        cap: Drawn as a line if it is near the figures. None for no cap.
        events: Events of the org.
    """
    if not frame.has_room or not series.runs:
        return None
    since = series.runs[0].first.timestamp()
    start = frame.find_start(since)
    curve = Curve.from_series(series, start)
    seen = curve.find_range(start, frame.now.timestamp(), frame.max_fresh_age.total_seconds())
    if seen is None:
        return None
    limit = float(cap.minor) if cap is not None and cap.unit == series.unit else None
    scale = build_money_scale(seen, limit, frame.rows, frame.dots_per_cell)
    labels = build_money_labels(scale, seen, series.unit)
    plot = CurvePlot(curve, partial(format_minor_units, unit=series.unit))
    return build_chart(frame, since, (plot,), scale=scale, labels=labels, events=events)


def build_windows_chart(
    histories: Histories, frame: ChartFrame, *, events: Iterable[Event] = ()
) -> RenderedChart | None:
    """Build the chart of the windows, the first one in front. None without room or data."""
    plots = [
        CurvePlot(Curve.from_history(it), partial(_format_fill, label)) for label, it in histories.items()
    ]
    if not frame.has_room or not plots:
        return None
    since, now = min(plot.curve.starts[0] for plot in plots), frame.now.timestamp()
    start, fresh = frame.find_start(since), frame.max_fresh_age.total_seconds()
    seen = [found for plot in plots if (found := plot.curve.find_range(start, now, fresh)) is not None]
    if not seen:
        return None
    scale = build_percent_scale(max(seen, key=lambda found: found.high), frame.rows, frame.dots_per_cell)
    return build_chart(frame, since, plots, scale=scale, labels=build_percent_labels(scale), events=events)


def _format_fill(label: str, percent: float) -> str:
    return f"{label} {format_percent(percent)}"
