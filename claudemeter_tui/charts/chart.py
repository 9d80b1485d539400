"""Build a chart of credits or windows, and find the values of a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import nan

from claudemeter_tui.charts.axes import (
    EVENT_MARKS,
    ChartFrame,
    ChartStep,
    Curve,
    EventMark,
    MarkedEvents,
    MarkLetters,
    Scale,
    ScaleLabels,
    TimeEdges,
    build_money_labels,
    build_money_scale,
    build_percent_labels,
    build_percent_scale,
    compute_steps,
    find_mark,
    group_marked_events,
    to_datetime,
)
from claudemeter_tui.charts.canvas import ChartLine, ChartSteps, ChartStyle, draw_curves, draw_time_axis
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries, Histories

MIN_CANVAS_COLUMNS = 8
"""Minimum cells of the canvas; below that there is no chart."""
PEAKS_FROM = 86400.0
"""Seconds of a column from which windows show only their peaks; drawn from 0, the first would hide all."""


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
    """A chart as lines, with the data that the mouse pointer needs."""

    lines: tuple[ChartLine, ...]
    """The lines from top to bottom, each of the requested width."""
    letters: MarkLetters
    """The marks by column; on the time axis if that has a line of its own."""
    legend: tuple[EventMark, ...]
    """The marks in use, the most important first."""
    has_axis: bool
    """True if the time axis has a line of its own."""
    since: float
    """Epoch seconds of the very first figure; the left edge may be later."""
    edges: TimeEdges
    margin: int
    """Cells left of the canvas: label, blank, axis."""
    curves: tuple[tuple[Curve, ChartSteps], ...]
    marked_events: MarkedEvents
    shows_peaks: bool = False
    """True if each column shows only the highest value of a day or more."""

    def find_point(self, x: int) -> ChartPoint | None:
        """Return values and events of a column. None if it is left of the canvas or in the future."""
        column, edges = x - self.margin, self.edges
        if not 0 <= column <= edges.find_column(edges.now):
            return None
        values = []
        for curve, steps in self.curves:
            dots = steps[column * edges.dots_per_cell : (column + 1) * edges.dots_per_cell]
            read = [step.newest for step in dots if step is not None]
            values += [curve.format_value(newest) for newest in read[-1:]]
        return ChartPoint(
            to_datetime(edges.find_right_edge(column)), tuple(values), self.marked_events.get(column, ())
        )


def build_chart(
    frame: ChartFrame,
    since: float,
    curves: Sequence[Curve],
    *,
    scale: Scale,
    labels: ScaleLabels,
    events: Iterable[Event],
    may_show_peaks: bool = False,
) -> RenderedChart | None:
    """Return the chart of these curves; `since` is the time of the very first figure.

    With `may_show_peaks`, a column of a day or more shows only its highest value. None if there is no room or
    nothing to draw.
    """
    margin = max(frame.margin, max(map(len, labels.values())) + 2)
    columns = frame.width - margin
    if columns < MIN_CANVAS_COLUMNS:
        return None
    edges = frame.compute_edges(since, columns)
    steps = [compute_steps(curve, edges, frame.max_fresh_age.total_seconds()) for curve in curves]
    if all(step is None for each in steps for step in each):
        return None
    shows_peaks = may_show_peaks and edges.length / edges.columns >= PEAKS_FROM
    if shows_peaks:
        steps = [_reduce_to_peaks(each, edges.dots_per_cell) for each in steps]
    marks = group_marked_events(events, edges)
    letters = {column: (find_mark(each[0]).letter, each[0].severity) for column, each in marks.items()}
    shown = {letter for letter, _ in letters.values()}
    canvas = draw_curves(steps, scale, _describe_no_change(frame, edges, since, steps))
    tick, rule = "+|" if frame.ascii_only else "┤│"
    left = [rule.rjust(margin)] * len(canvas)
    for row, text in labels.items():
        left[-1 - row] = f"{text.rjust(margin - 2)} {tick}"
    return RenderedChart(
        lines=(
            *(((text, ChartStyle.SCALE), *line) for text, line in zip(left, canvas, strict=True)),
            *draw_time_axis(frame, edges, margin, letters),
        ),
        letters=letters,
        legend=tuple(mark for mark in EVENT_MARKS if mark.letter in shown),
        has_axis=frame.has_axis,
        since=since,
        edges=edges,
        margin=margin,
        curves=tuple(zip(curves, steps, strict=True)),
        marked_events=marks,
        shows_peaks=shows_peaks,
    )


def _reduce_to_peaks(steps: ChartSteps, dots: int) -> list[ChartStep | None]:
    """Return the steps with the highest value of each column, which has so many dots; gaps stay."""
    peaks: list[ChartStep | None] = []
    for begin in range(0, len(steps), dots):
        column = steps[begin : begin + dots]
        peak = max((step.high for step in column if step is not None), default=nan)
        peaks += [step and ChartStep(peak, peak, peak) for step in column]
    return peaks


def _describe_no_change(
    frame: ChartFrame, edges: TimeEdges, since: float, steps: Sequence[ChartSteps]
) -> str:
    """Return a note if nothing has changed."""
    if any(len({step for step in each if step is not None}) > 1 for each in steps):
        return ""
    begun = format_moment(to_datetime(since), frame.now, frame.zone)
    if edges.now - since < frame.max_fresh_age.total_seconds():
        return f"collecting since {begun}"
    return f"no change since {begun}" if edges.start <= since else "no change in this span"


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
    return build_chart(frame, since, (curve,), scale=scale, labels=labels, events=events)


def build_windows_chart(
    histories: Histories, frame: ChartFrame, *, events: Iterable[Event] = ()
) -> RenderedChart | None:
    """Build the chart of the windows, the first one in front. None if there is no room or no data."""
    curves = [Curve.from_history(history, label) for label, history in histories.items()]
    if not frame.has_room or not curves:
        return None
    since, now = min(curve.starts[0] for curve in curves), frame.now.timestamp()
    start, fresh = frame.find_start(since), frame.max_fresh_age.total_seconds()
    seen = [found for curve in curves if (found := curve.find_range(start, now, fresh)) is not None]
    if not seen:
        return None
    scale = build_percent_scale(max(seen, key=lambda found: found.high), frame.rows, frame.dots_per_cell)
    labels = build_percent_labels(scale)
    return build_chart(frame, since, curves, scale=scale, labels=labels, events=events, may_show_peaks=True)
