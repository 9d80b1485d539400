"""The chart of spending or windows, with its title."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, product
from typing import TYPE_CHECKING

from textual import events
from textual.reactive import var

from claudemeter_tui.charts.axes import (
    MIN_AXIS_HEIGHT,
    MIN_CHART_HEIGHT,
    MIN_CHART_WIDTH,
    ChartFrame,
)
from claudemeter_tui.charts.canvas import ChartStyle, find_line_signs
from claudemeter_tui.charts.chart import (
    ChartPoint,
    RenderedChart,
    build_credits_chart,
    build_windows_chart,
    draw_credits_sparkline,
    draw_window_sparkline,
)
from claudemeter_tui.formatting.values import (
    format_moment,
    format_money,
    format_percent,
    format_short_day,
    to_local,
)
from claudemeter_tui.model.catalogue import SESSION_LABEL, WindowKind
from claudemeter_tui.model.forecast import forecast_course
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.windows import Severity, Window
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SELECTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_selected,
    fit_line,
    fit_pieces,
    iterate_shorter,
    join_pieces,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget, indent_lines

if TYPE_CHECKING:  # the first figures have no events
    from claudemeter_tui.charts.event_marks import EventMark
    from claudemeter_tui.model.events import Event

CHART_SPANS: tuple[tuple[timedelta | None, str], ...] = (
    (timedelta(hours=1), "1h"),
    (None, "run"),
    (timedelta(days=1), "24h"),
    (timedelta(days=7), "7d"),
    (timedelta(days=30), "30d"),
    (timedelta(days=365), "365d"),
)
"""Periods of a chart, with their names. With the run, the windows show the current 5-hour window."""

CHART_STYLES: dict[ChartStyle | Severity, str] = {
    ChartStyle.SCALE: MUTED,
    ChartStyle.LIMIT: MUTED,
    ChartStyle.GAP: "$frame",
    ChartStyle.NOW: HEADING,
    ChartStyle.CURVE: "$curve",
    # As characters too, for terminals without colours; as backgrounds, because full blocks may leave seams.
    ChartStyle.AREA: "$area on $area",
    ChartStyle.EDGE: "$area",
    ChartStyle.NOTE: "$foreground on $area",
    ChartStyle.BAR: "$curve on $curve",
    ChartStyle.SECOND: "$accent",
    ChartStyle.SECOND_OVER_AREA: "$foreground on $area",
    ChartStyle.SECOND_BESIDE_AREA: "$foreground",
    ChartStyle.FORECAST: "dim $curve",
    ChartStyle.SECOND_FORECAST: "dim $accent",
    **{severity: f"bold {style.removeprefix('bold ')}" for severity, style in SEVERITY_STYLES.items()},
}
"""Style of each part of a chart."""
REPLOT_INTERVAL = 30
"""Seconds between two plots of the same figures: their columns are longer, so a chart rarely changes."""
STACKED_MARGIN = 7
"""Minimum cells of the scale if two charts are stacked: `$1,000 ┤`."""
FIRST_CHART = "chart"
"""Id of the only or upper panel, whose title has the keys of the chart."""
SECOND_CHART = "second"
"""Id of the lower panel, whose legend leaves out the marks of the upper one. Others have only one period."""
MIN_SPARKLINE = 8
"""Minimum cells of the line of blocks that replaces a chart; the text beside it is shorter if needed."""
CHART_TITLE_FROM = 5
"""Lines from which a chart without a frame has a title."""


class ChartPanel(LineWidget):
    """A step chart with gaps where nothing was read and letters for events."""

    ALLOW_SELECT = False

    pointer_column: var[int | None] = var[int | None](None, init=False)
    """Column under the mouse. None if the mouse is elsewhere."""

    _chart_inputs: tuple[object, ...] = ()
    """Values that the current chart was built from."""
    _chart: RenderedChart | None = None
    _events: Sequence[Event] = ()
    """Events of the current chart, oldest first."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the chart, with title and legend in its frame."""
        state, framed = self.view.state, self.view.layout.framed
        if state is None or not has_chart_data(self.view):
            text = build_line(("Nothing to draw yet", MUTED))
            if not framed or height < MIN_CHART_HEIGHT:
                return indent_lines([text], width)
            return self.draw_panel((build_line(("Chart", HEADING)), build_line()), [text], width, height)
        if height < MIN_CHART_HEIGHT:
            return [fit_line(self._draw_sparkline(state, width - 2), width)]
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
        """Return title and note in at most `room` cells together.

        The other periods are dropped first, then parts of the note, and the keys last. While the pointer is
        on the chart, its note comes first.
        """
        view, windows = self.view, shows_windows(self.view)
        names = _describe_windows(self._chart) if windows else (_describe_credits(state),)
        subject, *shorter = (build_line((name, HEADING)) for name in names)
        keyed, bare = self._list_periods(windows=windows)
        # The footer has no room for this key where it is needed most: where there is only one chart.
        is_single = view.layout.chart and not view.layout.second_chart and has_both_charts(view)
        other = build_line((" · ", MUTED), ("w", HEADING), (f" {'credits' if windows else 'limits'}", MUTED))
        titles = [
            [*(build_line(subject, more, "  ", period) for period in keyed)]
            + [build_line(each, more, "  ", keyed[-1]) for each in shorter]
            for more in (*([other] if is_single else []), build_line())
            if keyed
        ]
        bare_titles = [build_line(subject, "  ", period) for period in bare]
        bare_titles += [subject, *([build_line()] if windows else [])]
        margin, point = 2 if view.layout.framed else 1, None
        if self._chart is not None and self.pointer_column is not None:
            point = self._chart.find_point(self.pointer_column - margin)
        forms, pairs = list[StyledLine](), list[Iterable[tuple[StyledLine, StyledLine]]]()
        if point is not None:
            forms += _iterate_pointer_notes(point, view)
            bare_titles = [*chain(*titles), *bare_titles]
        else:
            has_area = self._chart is not None and self._chart.peak_periods is not None
            forms += _iterate_curve_keys(view, state, has_area=has_area) if windows else _iterate_rises(view)
            # The panel of the credits has the amount, but nothing else says which curve is which.
            notes = forms if windows else [*forms, build_line()]
            for every, *others in titles:
                pairs += [product((every,), forms[:-1]), product(others, notes)]
        pairs.append((title, form) for form in forms for title in bare_titles)
        fitting = (pair for pair in chain(*pairs) if sum(each.cell_length for each in pair) < room)
        return next(fitting, (subject, build_line()))

    def _list_periods(self, *, windows: bool) -> tuple[list[StyledLine], list[StyledLine]]:
        """Return `- 1h ▐run▌ 24h 7d 30d 365d +` and `- ▐run▌ +`, and both without the keys.

        The keys have an effect on the first chart, and only it and the one below have other periods.
        """
        view = self.view
        run = SESSION_LABEL if windows and find_charted_window(view) is not None else "run"
        names = [(span, run if span is None else name) for span, name in CHART_SPANS]
        selected = next(name for span, name in names if span == view.span)
        chosen = draw_selected((selected, SELECTED))
        at = [span for span, _ in names].index(view.span)
        before, after = ([name for _, name in part] for part in (names[:at], names[at + 1 :]))
        every = build_line(
            ("".join(f"{name} " for name in before), MUTED),
            chosen,
            ("".join(f" {name}" for name in after), MUTED),
        )
        if self.id not in (FIRST_CHART, SECOND_CHART):
            return [], [chosen]
        bare = [every, chosen]
        keyed = [build_line(("- ", HEADING), period, (" +", HEADING)) for period in bare]
        return keyed if self.id == FIRST_CHART else [], bare

    def _draw_chart(self, state: OrgState, width: int, height: int) -> list[StyledLine]:
        chart = self._plot(state, width, height)
        if chart is None:
            room = height >= MIN_CHART_HEIGHT and width >= MIN_CHART_WIDTH
            return [build_line(("No data in this period" if room else "No room for a chart", MUTED))]
        return [build_line(*((text, CHART_STYLES[what]) for text, what in line)) for line in chart.lines]

    def _draw_sparkline(self, state: OrgState, width: int) -> StyledLine:
        """Return ` credits ▁▁▂▃▅▇ +$3.40 since 14:02   $50.00`, with a shorter text if there is less room."""
        view, windows = self.view, shows_windows(self.view)
        name = next(iter(view.histories)) if windows else "credits"
        known = [build_line((_list_percents(view, state).get(name, ""), HEADING))]
        notes = known if windows else _iterate_rises(view)
        room = width - len(name) - MIN_SPARKLINE - 2
        note = next((note for note in notes if note.cell_length <= room), build_line())
        cells = max(1, width - len(name) - note.cell_length - 2)
        frame = ChartFrame(
            view.now, cells, 1, view.span, view.zone, view.ascii, max_fresh_age=state.max_pause
        )
        line = (
            draw_window_sparkline(view.histories[name], frame)
            if windows
            else draw_credits_sparkline(view.credit_series, frame)
        )
        return build_line(f" {name} ", (line, CHART_STYLES[ChartStyle.CURVE]), " ", note)

    def _plot(self, state: OrgState, width: int, height: int) -> RenderedChart | None:
        """Return the chart; plot again only if more than a few seconds have changed."""
        view, windows = self.view, shows_windows(self.view)
        cap = state.credits.lead_meter.cap if state.credits.lead_meter else None
        source = (view.histories, state.plan) if windows else (view.credit_series, cap)
        look = (width, height, view.span, view.zone, view.ascii)
        beat = view.now.timestamp() // REPLOT_INTERVAL
        happened = view.events, view.earlier_events
        inputs = (windows, source, state.key, state.interval, happened, view.layout, beat, look)
        if self._chart_inputs != inputs:
            self._chart_inputs = inputs
            self._chart = self._build_chart(state, width, height, cap)
        return self._chart

    def _build_chart(
        self, state: OrgState, width: int, height: int, cap: Money | None
    ) -> RenderedChart | None:
        view = self.view
        frame = ChartFrame(
            view.now,
            width,
            height,
            view.span,
            view.zone,
            view.ascii,
            max_fresh_age=state.max_pause,
            margin=STACKED_MARGIN if view.layout.second_chart else 0,
        )
        happened = self._events = _list_marked_events(view)
        if not shows_windows(view):
            return build_credits_chart(view.credit_series, frame, cap=cap, events=happened)
        window = find_charted_window(view)
        if window is None:
            return build_windows_chart(view.histories, frame, events=happened)
        frame = frame._replace(span=window.length, resets_at=window.resets_at)
        if view.past_label:
            frame = frame._replace(now_label=format_moment(view.now, view.now, view.zone))
        known = state.plan.wide_windows if state.plan is not None else ()
        forecasts = {each.label: forecast_course(each, state, view.now) for each in known}
        return build_windows_chart(view.histories, frame, events=happened, forecasts=forecasts)

    def _add_legend(self, edge: StyledLine) -> StyledLine:
        """Return the frame's lower edge with a legend of the marks, or the marks if the axis has none."""
        chart = self._chart
        if chart is None or not chart.letters:
            return edge
        if chart.has_axis:
            marks = chart.legend if self.id != SECOND_CHART else self._list_new_marks(chart)
            if not marks:
                return edge
            pieces = [build_line((mark.letter, HEADING), (f" {mark.word}", MUTED)) for mark in marks]
            since = self.view.earlier_since
            if since is not None and chart.edges.start < since.timestamp():
                day = format_short_day(to_local(since, self.view.zone))
                pieces.append(build_line((f"letters since {day}", MUTED)))
            words = fit_pieces(pieces, edge.cell_length - 6).rstrip()
            return build_line(edge[:2], " ", words, " ", edge[words.cell_length + 4 :])
        for column, (letter, severity) in chart.letters.items():
            x = 2 + chart.margin + column
            edge = build_line(edge[:x], (letter, CHART_STYLES[severity]), edge[x + 1 :])
        return edge

    def _list_new_marks(self, chart: RenderedChart) -> list[EventMark]:
        """Return the marks of the lower chart that the upper one cannot have, because it begins later."""
        view, window = self.view, find_charted_window(self.view)
        if view.layout.chart < MIN_AXIS_HEIGHT:  # the upper one has its marks in its frame, and no legend
            return [*chart.legend]
        start = view.credit_series.since or view.now
        if not shows_windows(view) and window is not None and window.resets_at and window.length:
            start = window.resets_at - window.length
        elif view.span is not None:
            start = max(start, view.now - view.span)
        explained = {event.kind for event in self._events if event.at >= start}
        return [mark for mark in chart.legend if not explained.intersection(mark.kinds)]


def _list_marked_events(view: View) -> list[Event]:
    """Return the events of the org, oldest first."""
    return [event for event in view.join_events() if event.org_key == view.key]


def _describe_windows(chart: RenderedChart | None) -> tuple[str, ...]:
    """Return `Peak utilization per day` and a shorter name, or `Utilization` if the chart has all values."""
    if chart is None or chart.peak_periods is None:
        return ("Utilization",)
    period = chart.peak_periods.name
    return (f"Peak utilization per {period}", f"Peak per {period}") if period else ("Peak utilization",)


def _describe_credits(state: OrgState) -> str:
    if state.credits.pool_meter is None:
        return "Used credits"
    return "Used credits (pool)" if state.credits.own_meter is None else "Your used credits"


def _iterate_rises(view: View) -> Iterator[StyledLine]:
    """Yield `+$3.40 since 14:02   $50.00`, then shorter forms; without the amount if it is not current."""
    series, state, now = view.credit_series, view.state, view.now
    first, last = series.since or now, series.runs[-1]
    span = view.span
    spent = series.compute_spent_since(first if span is None else now - span)
    rise = build_line((f"+{format_money(spent)}", HEADING if spent.minor else MUTED))
    if span is not None and first <= now - span:
        since = f"in {dict(CHART_SPANS)[span]}"
    else:
        begun = first if span is None else max(first, now - span)
        since = f"since {format_moment(begun, now, view.zone)}"
    dated = build_line(rise, (f" {since}", MUTED))
    if last.minor is not None and state is not None and abs(now - last.last) <= state.max_pause:
        amount = build_line((format_money(Money(last.minor, *series.unit)), HEADING))
        yield join_pieces([dated, amount], "   ")
    yield dated
    yield rise


def _iterate_curve_keys(view: View, state: OrgState, *, has_area: bool) -> Iterator[StyledLine]:
    """Yield the windows with samples and percentages, then in shorter forms; the first may be an area.

    Beside peaks, which the area shows, there are no current percentages.
    """
    known = {} if has_area else _list_percents(view, state)
    for cells, percents in ((2, known), (1, known), (1, {})):
        parts = [
            build_line(
                (
                    _draw_sample(number, view, has_area=has_area) * cells,
                    CHART_STYLES[_SAMPLE_STYLES[min(number, 1), has_area]],
                ),
                f" {label} {percents.get(label, '')}".rstrip(),
            )
            for number, label in enumerate(view.histories)
        ]
        yield join_pieces(parts, " " * cells)


_SAMPLE_STYLES = {
    (0, False): ChartStyle.CURVE,
    (0, True): ChartStyle.EDGE,
    (1, False): ChartStyle.SECOND,
    (1, True): ChartStyle.SECOND_BESIDE_AREA,
}
"""Style of the sample of the first and of any other curve; the second key is True if the first is an area."""


def _draw_sample(number: int, view: View, *, has_area: bool) -> str:
    if has_area and not number:
        return "#" if view.ascii else "▇"
    return find_line_signs(number, plain=view.ascii).sample


def _list_percents(view: View, state: OrgState) -> dict[str, str]:
    """Return the current utilization of each window by its label; without windows whose reset is due."""
    windows = state.plan.windows if state.plan else ()
    return {it.label: format_percent(it.percent) for it in windows if not it.is_due(view.now)}


def find_charted_window(view: View) -> Window | None:
    """Return the current 5-hour window if the chart of the run shows it from its start to its reset.

    None if another period is selected, if it has not started or its reset is due.
    """
    if view.span is not None or view.state is None or view.state.plan is None:
        return None
    for window in view.state.plan.wide_windows:
        if window.kind is WindowKind.SESSION and window.length is not None and window.resets_at is not None:
            return window if window.resets_at - window.length <= view.now < window.resets_at else None
    return None


def _iterate_pointer_notes(point: ChartPoint, view: View) -> Iterator[StyledLine]:
    """Yield `14:31  $50.00 · BLOCKED: your monthly cap is reached`, then with fewer events."""
    from claudemeter_tui.formatting.events import describe_event  # noqa: PLC0415 - not for the first figures

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
    return len({run.minor for run in view.credit_series.runs} - {None}) > 1


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
