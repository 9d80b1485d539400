"""The chart: what was spent over this run, or how full the windows were."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from textual import events
from textual.reactive import var

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.text.chart import LOWEST, NARROWEST, Chart, Frame, credits_chart, windows_chart
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.chart_title import SPANS, STYLES, head
from claudemeter_tui.tui.widgets.drawing import Drawing

EVERY = 30
"""Seconds after which the chart moves on: plotting costs more than all else on screen together."""
STACKED = 12
"""Cells of the scales of two charts, one below the other, at least: `cap $50.00 ┤`."""
HEADED_FROM = 6
"""Lines from which a chart without a frame says what it shows."""


class ChartPanel(Drawing):
    """Steps, with gaps where nothing was read, and letters for what happened."""

    ALLOW_SELECT = False

    pointer: var[int | None] = var[int | None](None, init=False)
    """The column under the mouse. None: it is elsewhere."""

    _of: tuple[object, ...] = ()
    """What the chart was made of."""
    _chart: Chart | None = None

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """The picture; what it shows and what its marks mean stand in its frame."""
        state = self.view.state
        if state is None or not is_wanted(self.view):
            return [ink.fit(ink.text((" Nothing to draw yet", ink.MUTED)), width)]
        if self.view.layout.framed:
            return self._framed(state, width, height)
        headed = height >= HEADED_FROM
        lines = self._lines(state, width - 2, height - headed)
        if headed:
            lines.insert(0, ink.spread(*self._head(state, width - 3), width - 2))
        return [ink.fit(ink.text(" ", line), width) for line in lines]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell what stands under the pointer."""
        self.pointer = event.x

    def on_leave(self) -> None:
        """Tell of all of it again."""
        self.pointer = None

    def watch_pointer(self) -> None:
        """Only the note changes."""
        self.redraw()

    def _framed(self, state: OrgState, width: int, height: int) -> list[ink.Line]:
        lines = self._lines(state, width - 4, height - 2)
        lines += [ink.text("")] * (height - 2 - len(lines))
        *above, below = ink.framed(*self._head(state, width - 9), lines, width)
        return [*above, self._floor(below)]

    def _head(self, state: OrgState, room: int) -> tuple[ink.Line, ink.Line]:
        margin = 2 if self.view.layout.framed else 1
        found = None
        if self._chart is not None and self.pointer is not None:
            found = self._chart.under(self.pointer - margin)
        return head(self.view, state, room, windows=shows_windows(self.view), found=found)

    def _lines(self, state: OrgState, width: int, height: int) -> list[ink.Line]:
        chart = self._plotted(state, width, height)
        if chart is None:
            room = height >= LOWEST and width >= NARROWEST
            said = "Nothing was read in this time" if room else "No room for a chart"
            return [ink.text((said, ink.MUTED))]
        return [ink.text(*((text, STYLES[what]) for text, what in line)) for line in chart.lines]

    def _plotted(self, state: OrgState, width: int, height: int) -> Chart | None:
        """The chart, made anew only where something but a few seconds has changed."""
        view, windows = self.view, shows_windows(self.view)
        source = state.histories if windows else (state.series, _cap(state))
        beat, look = view.now.timestamp() // EVERY, (width, height, view.span, view.zone, view.ascii)
        of = (windows, source, state.key, state.interval, view.events, view.layout, beat, look)
        if self._of != of:
            margin = STACKED if view.layout.second else 0
            frame = Frame(view.now, *look, fresh=2.5 * state.interval, margin=margin)
            happened = [event for event in view.events if event.key == state.key]
            self._of = of
            if windows:
                self._chart = windows_chart(state.histories, frame, events=happened)
            else:
                self._chart = credits_chart(state.series, frame, cap=_cap(state), events=happened)
        return self._chart

    def _floor(self, edge: ink.Line) -> ink.Line:
        """The frame's lower edge with what the marks mean, or with the marks where the axis has none."""
        chart = self._chart
        if chart is None or not chart.letters:
            return edge
        if chart.has_axis:
            said = [ink.text((mark.letter, ink.TITLE), (f" {mark.word}", ink.MUTED)) for mark in chart.legend]
            words = ink.fitting(said, edge.cell_length - 6).rstrip()
            return ink.text(edge[:2], " ", words, " ", edge[words.cell_length + 4 :])
        for column, (letter, severity) in chart.letters.items():
            x = 2 + chart.margin + column
            edge = ink.text(edge[:x], (letter, STYLES[severity]), edge[x + 1 :])
        return edge


def is_wanted(view: View) -> bool:
    """Whether there is anything to plot."""
    return view.state is not None and (_has_credits(view.state) or bool(view.state.histories))


def is_moving(view: View) -> bool:
    """Whether what is plotted has changed in this run."""
    if view.state is None:
        return False
    if shows_windows(view):
        return any(history.has_changed for history in view.state.histories.values())
    runs = view.state.series.runs
    return any(run.minor not in (None, runs[0].minor) for run in runs)


def shows_windows(view: View) -> bool:
    """Whether the chart shows how full the windows were: where it is wished, or there are no credits."""
    state = view.state
    return state is not None and bool(state.histories) and (view.windows or not _has_credits(state))


def other(view: View) -> View:
    """The same view with the chart showing the other thing."""
    return replace(view, windows=not shows_windows(view))


def has_both(view: View) -> bool:
    """Whether there are credits and windows to plot."""
    return view.state is not None and _has_credits(view.state) and bool(view.state.histories)


def refusal(view: View) -> str:
    """Why the chart cannot show the other thing; empty where it can."""
    if view.state is None or not is_wanted(view):
        return "There is nothing to draw yet."
    if shows_windows(view):
        return "" if _has_credits(view.state) else "No credits were read for this org: its windows are shown."
    return "" if view.state.histories else "This org has no plan-wide windows: its credits are shown."


def wider(span: timedelta | None, step: int) -> timedelta | None:
    """The next span in the direction of `step`, ending at the ends."""
    spans = [each for each, _ in SPANS]
    return spans[min(len(spans) - 1, max(0, spans.index(span) + step))]


def _has_credits(state: OrgState) -> bool:
    return any(run.minor is not None for run in state.series.runs)


def _cap(state: OrgState) -> Money | None:
    return state.credits.lead.cap if state.credits.lead else None
