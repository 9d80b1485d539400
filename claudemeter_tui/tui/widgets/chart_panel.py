"""The chart of spending or windows, with its title."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

from textual import events
from textual.reactive import var

from claudemeter_tui.charts import canvas
from claudemeter_tui.charts.axes import MIN_CHART_HEIGHT, MIN_CHART_WIDTH, ChartFrame, to_datetime
from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import ChartPoint, RenderedChart, build_credits_chart, build_windows_chart
from claudemeter_tui.formatting.events import describe_event
from claudemeter_tui.formatting.values import format_moment, format_money, format_percent
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    fit_line,
    fit_pieces,
    iterate_shorter,
    join_pieces,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget, indent_lines

CHART_SPANS: tuple[tuple[timedelta | None, str], ...] = (
    (timedelta(hours=1), "the last hour"),
    (None, "the run"),
    (timedelta(days=1), "the last day"),
    (timedelta(days=7), "the last week"),
    (timedelta(days=30), "the last 30 days"),
    (timedelta(days=365), "the last 365 days"),
)
"""Periods of a chart, with their names."""

CHART_STYLES: dict[ChartStyle | Severity, str] = {
    ChartStyle.SCALE: MUTED,
    ChartStyle.LIMIT: MUTED,
    ChartStyle.CURVE: "$curve",
    ChartStyle.SECOND: "$accent",
    ChartStyle.BOTH: "$curve on $accent",
    **{severity: f"bold {style.removeprefix('bold ')}" for severity, style in SEVERITY_STYLES.items()},
}
"""Style of each part of a chart."""
CURVE_SAMPLES = {False: ("▄▄", "▖▖"), True: ("--", "==")}
"""Line samples of the first and of any other curve; the key is True for ASCII."""


REPLOT_INTERVAL = 30
"""Seconds between two plots; a plot costs more than the rest of the screen."""
STACKED_MARGIN = 12
"""Minimum cells of the scale if two charts are stacked: `cap $50.00 ┤`."""
CHART_TITLE_FROM = 6
"""Lines from which a chart without a frame has a title."""


class ChartPanel(LineWidget):
    """A step chart with gaps where nothing was read and letters for events."""

    ALLOW_SELECT = False

    pointer_column: var[int | None] = var[int | None](None, init=False)
    """Column under the mouse. None if the mouse is elsewhere."""

    _chart_inputs: tuple[object, ...] = ()
    """Values that the current chart was built from."""
    _chart: RenderedChart | None = None

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the chart, with title and legend in its frame."""
        state, framed = self.view.state, self.view.layout.framed
        if state is None or not has_chart_data(self.view):
            return [fit_line(build_line((" Nothing to draw yet", MUTED)), width)]
        inner, room = self.compute_inner_size(width, height)
        headed = not framed and height >= CHART_TITLE_FROM
        # Build the chart first, because the head shows its values under the pointer.
        lines = self._draw_chart(state, inner, room - headed)
        if framed:
            head = self._build_head(state, width - 9)
            *above, below = self.draw_panel(head, lines, width, height)
            return [*above, self._add_legend(below)]
        if headed:
            lines.insert(0, spread_line(*self._build_head(state, width - 3), width - 2))
        return indent_lines(lines, width)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show the values under the pointer."""
        self.pointer_column = event.x

    def on_leave(self) -> None:
        """Show the note for the whole chart again."""
        self.pointer_column = None

    def watch_pointer_column(self) -> None:
        """Redraw the note."""
        self.redraw()

    def _build_head(self, state: OrgState, room: int) -> tuple[StyledLine, StyledLine]:
        """Return title and note in at most `room` cells together; the time is dropped first."""
        view, windows = self.view, shows_windows(self.view)
        if windows:
            name = "Peak utilization" if self._chart and self._chart.shows_peaks else "Utilization"
            first = to_datetime(min(each.since for each in view.histories.values()))
        else:
            name, first = _describe_credits(state), view.credit_series.runs[0].first
        since = f"since {format_moment(first, view.now, view.zone)}"
        if view.span is not None:
            within = f"in {dict(CHART_SPANS)[view.span]}"
            since = within if first < view.now - view.span else f"{within}, {since}"
        subject = build_line((name, HEADING))
        titles = [build_line(subject, (f" {since}", MUTED)), subject]
        margin, point = 2 if view.layout.framed else 1, None
        if self._chart is not None and self.pointer_column is not None:
            point = self._chart.find_point(self.pointer_column - margin)
        if point is not None:
            pairs = [(title, note) for note in _iterate_pointer_notes(point, view) for title in titles]
        elif windows:
            pairs = list(product((*titles, build_line()), _iterate_curve_keys(view, state)))
        else:
            series = view.credit_series
            spent = series.spent if view.span is None else series.compute_spent_since(view.now - view.span)
            rise = build_line((f"+{format_money(spent)}", HEADING if spent.minor else MUTED))
            pairs = [(title, rise) for title in titles]
        fitting = (pair for pair in pairs if sum(line.cell_length for line in pair) <= room)
        return next(fitting, (subject, build_line()))

    def _draw_chart(self, state: OrgState, width: int, height: int) -> list[StyledLine]:
        if self._chart is None and not canvas.is_ready():
            # The first figures do not wait for plotext; the next frame has the curve.
            self.call_after_refresh(self._load_and_redraw)
            return []
        chart = self._plot(state, width, height)
        if chart is None:
            room = height >= MIN_CHART_HEIGHT and width >= MIN_CHART_WIDTH
            return [build_line(("No data in this period" if room else "No room for a chart", MUTED))]
        return [build_line(*((text, CHART_STYLES[what]) for text, what in line)) for line in chart.lines]

    def _load_and_redraw(self) -> None:
        canvas.load()
        self.redraw()

    def _plot(self, state: OrgState, width: int, height: int) -> RenderedChart | None:
        """Return the chart; plot again only if more than a few seconds have changed."""
        view, windows = self.view, shows_windows(self.view)
        cap = state.credits.lead_meter.cap if state.credits.lead_meter else None
        source = view.histories if windows else (view.credit_series, cap)
        look = (width, height, view.span, view.zone, view.ascii)
        beat = view.now.timestamp() // REPLOT_INTERVAL
        inputs = (windows, source, state.key, state.interval, view.events, view.layout, beat, look)
        if self._chart_inputs != inputs:
            self._chart_inputs = inputs
            margin = STACKED_MARGIN if view.layout.second_chart else 0
            frame = ChartFrame(view.now, *look, max_fresh_age=state.max_pause, margin=margin)
            happened = [event for event in view.events if event.org_key == state.key]
            if windows:
                self._chart = build_windows_chart(view.histories, frame, events=happened)
            else:
                self._chart = build_credits_chart(view.credit_series, frame, cap=cap, events=happened)
        return self._chart

    def _add_legend(self, edge: StyledLine) -> StyledLine:
        """Return the frame's lower edge with a legend of the marks, or the marks if the axis has none."""
        chart = self._chart
        if chart is None or not chart.letters:
            return edge
        if chart.has_axis:
            pieces = [build_line((mark.letter, HEADING), (f" {mark.word}", MUTED)) for mark in chart.legend]
            words = fit_pieces(pieces, edge.cell_length - 6).rstrip()
            return build_line(edge[:2], " ", words, " ", edge[words.cell_length + 4 :])
        for column, (letter, severity) in chart.letters.items():
            x = 2 + chart.margin + column
            edge = build_line(edge[:x], (letter, CHART_STYLES[severity]), edge[x + 1 :])
        return edge


def _describe_credits(state: OrgState) -> str:
    if state.credits.pool_meter is None:
        return "Used credits"
    return "Used credits (pool)" if state.credits.own_meter is None else "Your used credits"


def _iterate_curve_keys(view: View, state: OrgState) -> Iterator[StyledLine]:
    """Yield the windows with line samples and percentages, then in shorter forms."""
    windows = state.plan.windows if state.plan else ()
    known = {it.label: format_percent(it.percent) for it in windows if not it.is_due(view.now)}
    for cells, percents in ((2, known), (2, {}), (1, {})):
        parts = [
            build_line(
                (
                    CURVE_SAMPLES[view.ascii][number > 0][:cells],
                    CHART_STYLES[ChartStyle.SECOND if number else ChartStyle.CURVE],
                ),
                f" {label} {percents.get(label, '')}".rstrip(),
            )
            for number, label in enumerate(view.histories)
        ]
        yield join_pieces(parts, " " * cells)


def _iterate_pointer_notes(point: ChartPoint, view: View) -> Iterator[StyledLine]:
    """Yield `14:31  $50.00 · BLOCKED: your monthly cap is reached`, then with fewer events."""
    at = format_moment(point.events[0].at if point.events else point.ends_at, view.now, view.zone)
    values = "  ".join(point.values) or "no data"
    happened = [build_line(describe_event(event, view.zone)) for event in point.events]
    return iterate_shorter([build_line((f"{at}  {values}", HEADING)), *happened])


def _find_charts(view: View) -> tuple[bool, bool]:
    """Two values: True if there are credits to plot, and True if there are windows."""
    return any(run.minor is not None for run in view.credit_series.runs), bool(view.histories)


def has_chart_data(view: View) -> bool:
    """True if there is anything to plot."""
    return any(_find_charts(view))


def has_both_charts(view: View) -> bool:
    """True if there are credits and windows to plot."""
    return all(_find_charts(view))


def has_chart_changed(view: View) -> bool:
    """True if the plotted values have changed."""
    if shows_windows(view):
        return any(history.has_changed for history in view.histories.values())
    runs = view.credit_series.runs
    return any(run.minor not in (None, runs[0].minor) for run in runs)


def shows_windows(view: View) -> bool:
    """True if the chart shows the windows: by choice, or because there are no credits."""
    has_credits, has_windows = _find_charts(view)
    return has_windows and (view.prefers_windows or not has_credits)


def switch_chart(view: View) -> View:
    """Return the view with the chart switched between limits and credits."""
    return replace(view, prefers_windows=not shows_windows(view))


def explain_no_switch(view: View) -> str:
    """Return the reason that the chart cannot be switched; empty if it can."""
    has_credits, has_windows = _find_charts(view)
    if not has_credits:
        return "No credits to show for this org, only limits." if has_windows else "Nothing to draw yet."
    return "" if has_windows else "No plan-wide windows to show for this org, only credits."


def change_span(span: timedelta | None, step: int) -> timedelta | None:
    """Return the next longer or shorter period; the same period at the end of the list."""
    spans = [each for each, _ in CHART_SPANS]
    return spans[min(len(spans) - 1, max(0, spans.index(span) + step))]
