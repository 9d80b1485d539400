"""The chart of spending or windows, with its title."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from textual import events
from textual.reactive import var

from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import ChartPoint, RenderedChart, build_credits_chart, build_windows_chart
from claudemeter_tui.charts.time_axis import MIN_CHART_HEIGHT, MIN_CHART_WIDTH, ChartFrame, to_datetime
from claudemeter_tui.formatting.events import describe_event
from claudemeter_tui.formatting.values import format_moment, format_money, format_percent
from claudemeter_tui.model.money import Money
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
    frame_lines,
    iterate_shorter,
    join_pieces,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

CHART_SPANS: tuple[tuple[timedelta | None, str], ...] = (
    (timedelta(minutes=15), "the last 15 minutes"),
    (timedelta(hours=1), "the last hour"),
    (None, "the run"),
    (timedelta(days=1), "the last day"),
    (timedelta(days=7), "the last week"),
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
"""Samples of the first and of any other curve, by whether ASCII is used."""


def build_chart_title(
    view: View, state: OrgState, room: int, *, windows: bool, point: ChartPoint | None
) -> tuple[StyledLine, StyledLine]:
    """Return title and note, as long as both fit.

    Args:
        view: What is on screen.
        state: The org.
        room: Cells for both together.
        windows: True if the chart shows the windows instead of the credits.
        point: Point under the mouse. None if the mouse is elsewhere.
    """
    subject = build_line(("Utilization" if windows else _describe_credits(state), HEADING))
    since = _format_since(_find_first_time(state, windows=windows), view)
    titles = [build_line(subject, (f" {since}", MUTED)), subject]
    if point is not None:
        pairs = [(title, note) for note in _iterate_pointer_notes(point, view) for title in titles]
    elif windows:
        keys = list(_iterate_curve_keys(view, state))
        pairs = [(title, key) for title in (*titles, build_line("")) for key in keys]
    else:
        pairs = [(title, _build_rise(view, state)) for title in titles]
    return next(
        (pair for pair in pairs if sum(line.cell_length for line in pair) <= room), (subject, build_line(""))
    )


def _describe_credits(state: OrgState) -> str:
    if state.credits.own_meter is None:
        return "Used credits (pool)"
    return "Used credits" if state.credits.pool_meter is None else "Your used credits"


def _find_first_time(state: OrgState, *, windows: bool) -> datetime:
    """Return the time of the first value shown."""
    if windows:
        return to_datetime(min(history.since for history in state.histories.values()))
    return state.series.runs[0].first


def _format_since(first: datetime, view: View) -> str:
    """Return `since 14:02`, or `in the last hour` for a shorter period, or both."""
    since = f"since {format_moment(first, view.now, view.zone)}"
    if view.span is None:
        return since
    within = f"in {dict(CHART_SPANS)[view.span]}"
    return within if first < view.now - view.span else f"{within}, {since}"


def _build_rise(view: View, state: OrgState) -> StyledLine:
    """Return the amount spent in the visible time."""
    spent = (
        state.series.spent if view.span is None else state.series.compute_spent_since(view.now - view.span)
    )
    return build_line((f"+{format_money(spent)}", HEADING if spent.minor else MUTED))


def _iterate_curve_keys(view: View, state: OrgState) -> Iterator[StyledLine]:
    """Yield the windows with samples of their curves and percentages, then in shorter forms."""
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
            for number, label in enumerate(state.histories)
        ]
        yield join_pieces(parts, " " * cells)


def _iterate_pointer_notes(point: ChartPoint, view: View) -> Iterator[StyledLine]:
    """Yield `14:31  $50.00 · BLOCKED: your monthly cap is reached`, then with fewer events."""
    at = format_moment(point.events[0].at if point.events else point.ends_at, view.now, view.zone)
    values = "  ".join(point.values) or "no data"
    happened = [build_line(describe_event(event, view.zone)) for event in point.events]
    return iterate_shorter([build_line((f"{at}  {values}", HEADING)), *happened])


REPLOT_INTERVAL = 30
"""Seconds between two plots; a plot costs more than the rest of the screen together."""
STACKED_MARGIN = 12
"""Least cells of the scale if two charts are stacked: `cap $50.00 ┤`."""
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
        state = self.view.state
        if state is None or not has_chart_data(self.view):
            return [fit_line(build_line((" Nothing to draw yet", MUTED)), width)]
        if self.view.layout.framed:
            return self._draw_framed(state, width, height)
        headed = height >= CHART_TITLE_FROM
        lines = self._draw_chart(state, width - 2, height - headed)
        if headed:
            lines.insert(0, spread_line(*self._build_head(state, width - 3), width - 2))
        return [fit_line(build_line(" ", line), width) for line in lines]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show the values under the pointer."""
        self.pointer_column = event.x

    def on_leave(self) -> None:
        """Show the note on the whole chart again."""
        self.pointer_column = None

    def watch_pointer_column(self) -> None:
        """Redraw the note."""
        self.redraw()

    def _draw_framed(self, state: OrgState, width: int, height: int) -> list[StyledLine]:
        lines = self._draw_chart(state, width - 4, height - 2)
        lines += [build_line("")] * (height - 2 - len(lines))
        *above, below = frame_lines(*self._build_head(state, width - 9), lines, width)
        return [*above, self._add_legend(below)]

    def _build_head(self, state: OrgState, room: int) -> tuple[StyledLine, StyledLine]:
        margin = 2 if self.view.layout.framed else 1
        point = None
        if self._chart is not None and self.pointer_column is not None:
            point = self._chart.find_point(self.pointer_column - margin)
        return build_chart_title(self.view, state, room, windows=shows_windows(self.view), point=point)

    def _draw_chart(self, state: OrgState, width: int, height: int) -> list[StyledLine]:
        chart = self._plot(state, width, height)
        if chart is None:
            room = height >= MIN_CHART_HEIGHT and width >= MIN_CHART_WIDTH
            text = "No data in this period" if room else "No room for a chart"
            return [build_line((text, MUTED))]
        return [build_line(*((text, CHART_STYLES[what]) for text, what in line)) for line in chart.lines]

    def _plot(self, state: OrgState, width: int, height: int) -> RenderedChart | None:
        """Return the chart; plot again only if more than a few seconds have changed."""
        view, windows = self.view, shows_windows(self.view)
        source = state.histories if windows else (state.series, _get_cap(state))
        beat, look = (
            view.now.timestamp() // REPLOT_INTERVAL,
            (width, height, view.span, view.zone, view.ascii),
        )
        of = (windows, source, state.key, state.interval, view.events, view.layout, beat, look)
        if self._chart_inputs != of:
            margin = STACKED_MARGIN if view.layout.second_chart else 0
            frame = ChartFrame(view.now, *look, max_fresh_age=2.5 * state.interval, margin=margin)
            happened = [event for event in view.events if event.org_key == state.key]
            self._chart_inputs = of
            if windows:
                self._chart = build_windows_chart(state.histories, frame, events=happened)
            else:
                self._chart = build_credits_chart(state.series, frame, cap=_get_cap(state), events=happened)
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


def has_chart_data(view: View) -> bool:
    """True if there is anything to plot."""
    return view.state is not None and (_has_credit_values(view.state) or bool(view.state.histories))


def has_chart_changed(view: View) -> bool:
    """True if the plotted values have changed in this run."""
    if view.state is None:
        return False
    if shows_windows(view):
        return any(history.has_changed for history in view.state.histories.values())
    runs = view.state.series.runs
    return any(run.minor not in (None, runs[0].minor) for run in runs)


def shows_windows(view: View) -> bool:
    """True if the chart shows the windows: by choice, or because there are no credits."""
    state = view.state
    return (
        state is not None
        and bool(state.histories)
        and (view.prefers_windows or not _has_credit_values(state))
    )


def switch_chart(view: View) -> View:
    """Return the view with the chart switched between limits and credits."""
    return replace(view, prefers_windows=not shows_windows(view))


def has_both_charts(view: View) -> bool:
    """True if there are credits and windows to plot."""
    return view.state is not None and _has_credit_values(view.state) and bool(view.state.histories)


def explain_no_switch(view: View) -> str:
    """Return the reason that the chart cannot be switched; empty if it can."""
    if view.state is None or not has_chart_data(view):
        return "Nothing to draw yet."
    if shows_windows(view):
        return "" if _has_credit_values(view.state) else "No credits to show for this org, only limits."
    return "" if view.state.histories else "No plan-wide windows to show for this org, only credits."


def change_span(span: timedelta | None, step: int) -> timedelta | None:
    """Return the next period in the direction of `step`, or the same one at the end."""
    spans = [each for each, _ in CHART_SPANS]
    return spans[min(len(spans) - 1, max(0, spans.index(span) + step))]


def _has_credit_values(state: OrgState) -> bool:
    return any(run.minor is not None for run in state.series.runs)


def _get_cap(state: OrgState) -> Money | None:
    return state.credits.lead_meter.cap if state.credits.lead_meter else None
