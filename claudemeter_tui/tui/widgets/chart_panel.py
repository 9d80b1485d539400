"""The chart of `used_credits` over this run."""

from __future__ import annotations

from datetime import timedelta

from textual import events
from textual.reactive import var

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Series
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import Credits
from claudemeter_tui.text import format as form
from claudemeter_tui.text.chart import chart, column_at
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

EVERY = 30
"""Seconds after which the chart moves on: plotting costs more than all else on screen together."""

SPANS: tuple[tuple[timedelta | None, str], ...] = (
    (timedelta(minutes=15), "the last 15 minutes"),
    (timedelta(hours=1), "the last hour"),
    (None, "the run"),
    (timedelta(days=1), "the last day"),
    (timedelta(days=7), "the last week"),
)
"""How far back the chart can look, and how that is called."""

Plot = tuple[tuple[object, ...], list[ink.Line]]


class ChartPanel(Drawing):
    """What was spent and when, with gaps where nothing was read."""

    pointer: var[int | None] = var[int | None](None, init=False)
    """The column under the mouse. None: it is elsewhere."""

    _plotted: Plot = ((), [])

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """The plot; title and rise stand in its frame."""
        state, framed = self.view.state, self.view.layout.framed
        if state is None or not state.series.runs:
            return []
        inner, room = (width - 4, height - 2) if framed else (width - 2, height)
        lines = self._plot(state, inner, room) or [ink.text(("Nothing was read in this time", ink.MUTED))]
        if not framed:
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        lines += [ink.text("")] * (room - len(lines))
        note = self._pointed(state, inner, room) or _rise(state.series)
        return ink.framed(_title(self.view, state.credits), note, lines, width)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell time and value under the pointer."""
        self.pointer = event.x

    def on_leave(self) -> None:
        """Tell the rise again."""
        self.pointer = None

    def watch_pointer(self) -> None:
        """Only the frame's note changes."""
        self.redraw()

    def _plot(self, state: OrgState, width: int, height: int) -> list[ink.Line]:
        """The plot, drawn anew only where something but a few seconds has changed."""
        view, cap = self.view, _cap(state)
        beat = view.now.timestamp() // EVERY
        wanted = (state.series, cap, width, height, beat, view.span, view.zone, view.ascii)
        if self._plotted[0] != wanted:
            now, fresh = max(view.now, state.series.runs[-1].last), 2.5 * state.interval
            look = {"span": view.span, "zone": view.zone, "plain": view.ascii, "fresh": fresh}
            plot = chart(state.series, now, width, height, cap=cap, **look)  # type: ignore[arg-type]
            self._plotted = wanted, [_inked(line, last=line is plot[-1]) for line in plot]
        return list(self._plotted[1])

    def _pointed(self, state: OrgState, width: int, height: int) -> ink.Line | None:
        if self.pointer is None:
            return None
        now, span = max(self.view.now, state.series.runs[-1].last), self.view.span
        found = column_at(state.series, now, width, height, self.pointer - 2, span=span, cap=_cap(state))
        if found is None:
            return None
        at, used = found
        value = form.money(used) if used else "nothing read"
        return ink.text((f"{form.when(at, self.view.now, self.view.zone)}  {value}", ink.TITLE))


def is_wanted(view: View) -> bool:
    """Whether there is anything to plot."""
    return view.state is not None and any(run.minor is not None for run in view.state.series.runs)


def wider(span: timedelta | None, step: int) -> timedelta | None:
    """The next span in the direction of `step`, ending at the ends."""
    spans = [each for each, _ in SPANS]
    return spans[min(len(spans) - 1, max(0, spans.index(span) + step))]


def _cap(state: OrgState) -> Money | None:
    return state.credits.lead.cap if state.credits.lead else None


def _title(view: View, credits: Credits) -> ink.Line:
    runs = view.state.series.runs if view.state else ()
    since = f"since {form.when(runs[0].first, view.now, view.zone)}" if runs else ""
    if view.span is not None:
        since = f"in {dict(SPANS)[view.span]}"
    whose = "Used credits" if credits.own is not None and credits.pool is None else "Your used credits"
    if credits.own is None:
        whose = "Used credits of the pool"
    return ink.text((whose, ink.TITLE), (f" {since}", ink.MUTED))


def _rise(series: Series) -> ink.Line:
    spent = series.risen
    return ink.text((f"+{form.money(spent)}", ink.TITLE if spent.minor else ink.MUTED))


def _inked(line: str, *, last: bool) -> ink.Line:
    """Scale in a quiet colour, the curve in its own."""
    edge = next((place + 1 for place, char in enumerate(line) if char in "┤│+|"), len(line))
    edge = len(line) if last else edge
    return ink.text((line[:edge], ink.MUTED), (line[edge:], "$curve"))
