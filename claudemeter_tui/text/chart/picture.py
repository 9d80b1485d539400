"""A chart put together: the scale, the steps, the time axis with its marks, and what a pointer finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from claudemeter_tui.model.events import Event
from claudemeter_tui.text import format as forms
from claudemeter_tui.text.chart.axis import axis
from claudemeter_tui.text.chart.frame import Edges, Frame, moment
from claudemeter_tui.text.chart.lines import Ink, Line, Steps, plotted
from claudemeter_tui.text.chart.marks import MARKS, Letters, Mark, Marked, mark_of, marked
from claudemeter_tui.text.chart.scale import Labels, Scale
from claudemeter_tui.text.chart.steps import Curve, steps

LEAST_COLUMNS = 8
"""Cells of the canvas below which there is no chart."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A curve, and how its values are told."""

    curve: Curve
    told: Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Pointed:
    """What stands in a column."""

    at: datetime
    """Its right edge, now at most."""
    values: tuple[str, ...]
    """What each curve was then. Empty: nothing was read."""
    events: tuple[Event, ...]
    """What happened in it, the weightiest first."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, and what can be asked of it."""

    lines: tuple[Line, ...]
    """From top to bottom, each as wide as was asked for."""
    letters: Letters
    """The marks, by column; where the time axis has a line of its own they are on it."""
    legend: tuple[Mark, ...]
    """What the letters are, the weightiest first."""
    has_axis: bool
    """Whether the time axis has a line of its own."""
    since: float
    """The first figure of all, epoch seconds; the left edge may be later."""
    edges: Edges
    margin: int
    """Cells left of the canvas: labels, a blank, the axis."""
    plots: tuple[tuple[Plot, Steps], ...]
    marked: Marked

    def under(self, x: int) -> Pointed | None:
        """What stands in a column of the picture. None: the scale, or what is still to come."""
        column, edges = x - self.margin, self.edges
        if not 0 <= column <= edges.column(edges.now):
            return None
        newest = ((plot, _newest(each, column, edges.fine)) for plot, each in self.plots)
        values = tuple(plot.told(value) for plot, value in newest if value is not None)
        return Pointed(moment(edges.right_of(column)), values, self.marked.get(column, ()))


def picture(
    frame: Frame,
    since: float,
    plots: Sequence[Plot],
    *,
    scale: Scale,
    labels: Labels,
    events: Iterable[Event],
) -> Chart | None:
    """The chart of these curves, `since` being the first figure of all.

    None where there is no room, or nothing to see.
    """
    margin = max(frame.margin, max(map(len, labels.values())) + 2)
    columns = frame.width - margin
    if columns < LEAST_COLUMNS:
        return None
    edges = frame.edges(since, columns)
    curves = [steps(plot.curve, edges, frame.fresh.total_seconds()) for plot in plots]
    if all(step is None for each in curves for step in each):
        return None
    marks = marked(events, edges)
    letters = {column: (mark_of(each[0]).letter, each[0].severity) for column, each in marks.items()}
    shown = {letter for letter, _ in letters.values()}
    canvas = plotted(curves, scale, _note(frame, edges, since, curves))
    return Chart(
        lines=(*_scaled(canvas, labels, margin, plain=frame.plain), *axis(frame, edges, margin, letters)),
        letters=letters,
        legend=tuple(mark for mark in MARKS if mark.letter in shown),
        has_axis=frame.has_axis,
        since=since,
        edges=edges,
        margin=margin,
        plots=tuple(zip(plots, curves, strict=True)),
        marked=marks,
    )


def _scaled(canvas: Sequence[Line], labels: Labels, margin: int, *, plain: bool) -> list[Line]:
    """The lines of the canvas with what stands left of it."""
    tick, rule = "+|" if plain else "┤│"
    edge = {row: f"{text.rjust(margin - 2)} {tick}" for row, text in labels.items()}
    bare = rule.rjust(margin)
    rows = reversed(range(len(canvas)))
    return [((edge.get(row, bare), Ink.SCALE), *line) for row, line in zip(rows, canvas, strict=True)]


def _note(frame: Frame, edges: Edges, since: float, curves: Sequence[Steps]) -> str:
    """What to say where nothing has changed."""
    if any(len({step for step in each if step is not None}) > 1 for each in curves):
        return ""
    begun = forms.when(moment(since), frame.now, frame.zone)
    if edges.now - since < frame.fresh.total_seconds():
        return f"collecting since {begun}"
    return f"no change since {begun}" if edges.start <= since else "no change in this time"


def _newest(each: Steps, column: int, fine: int) -> float | None:
    """The newest value of a column. None: nothing was read."""
    dots = reversed(each[column * fine : (column + 1) * fine])
    return next((step.newest for step in dots if step is not None), None)
