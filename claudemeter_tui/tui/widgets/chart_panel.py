"""The chart of `used_credits` over this run."""

from __future__ import annotations

from datetime import timedelta

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Series
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import Credits
from claudemeter_tui.text import format as form
from claudemeter_tui.text.chart import chart
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

EVERY = timedelta(seconds=10)
"""The chart moves on this often: plotting costs more than all else on screen together."""


class ChartPanel(Drawing):
    """What was spent and when, with gaps where nothing was read."""

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """The plot; title and rise stand in its frame."""
        state = self.view.state
        framed = self.view.layout.framed
        if state is None or not state.series.runs:
            return []
        inner, room = (width - 4, height - 2) if framed else (width - 2, height)
        lines = self._plot(state, inner, room)
        if not framed:
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        return ink.framed(_title(self.view, state.credits), _rise(state.series), lines, width)

    def _plot(self, state: OrgState, width: int, height: int) -> list[ink.Line]:
        """The plot, drawn anew only where series, size or a few seconds have changed."""
        lead = state.credits.lead
        beat = int(self.view.now.timestamp() // EVERY.total_seconds())
        wanted = (state.series, lead.cap if lead else None, width, height, beat)
        if self._plotted is None or self._plotted[0] != wanted:
            now = max(self.view.now, state.series.runs[-1].last)
            fresh = 2.5 * state.interval
            plot = chart(state.series, now, width, height, cap=wanted[1], zone=self.view.zone, fresh=fresh)
            self._plotted = wanted, [_inked(line) for line in plot]
        return self._plotted[1]

    _plotted: tuple[tuple[Series, Money | None, int, int, int], list[ink.Line]] | None = None


def is_wanted(view: View) -> bool:
    """Whether there is anything to plot."""
    return view.state is not None and any(run.minor is not None for run in view.state.series.runs)


def _title(view: View, credits: Credits) -> ink.Line:
    runs = view.state.series.runs if view.state else ()
    since = form.when(runs[0].first, view.now, view.zone) if runs else ""
    whose = "Used credits" if credits.own is not None and credits.pool is None else "Your used credits"
    if credits.own is None:
        whose = "Used credits of the pool"
    return ink.text((whose, ink.TITLE), (f" since {since}", ink.MUTED))


def _rise(series: Series) -> ink.Line:
    spent = series.risen
    return ink.text((f"+{form.money(spent)}", ink.TITLE if spent.minor else ink.MUTED))


def _inked(line: str) -> ink.Line:
    """Scale in a quiet colour, the curve in its own."""
    edge = next((place for place, char in enumerate(line) if char in "┤│"), len(line) - 1) + 1
    return ink.text((line[:edge], ink.MUTED), (line[edge:], "$curve"))
