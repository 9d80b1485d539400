"""The time axis as lines: a rule with ticks and marks where there is room for one, and the times."""

from __future__ import annotations

from claudemeter_tui.text.chart.frame import Edges, Frame
from claudemeter_tui.text.chart.lines import Ink, Inks, Line, inked
from claudemeter_tui.text.chart.marks import Letters
from claudemeter_tui.text.chart.times import named_times, placed


def axis(frame: Frame, edges: Edges, margin: int, letters: Letters) -> tuple[Line, ...]:
    """A line with the marks and one of the times; where there is less room that of the times alone."""
    ticks, times = placed(named_times(edges, frame.zone), margin, frame.width)
    if not frame.has_axis:
        return (((times, Ink.SCALE),),)
    corner, rule, tick = "+-+" if frame.plain else "└─┬"
    cells = [*corner.rjust(margin), *(tick if it in ticks else rule for it in range(edges.columns))]
    inks = Inks([Ink.SCALE]) * frame.width
    for column, (letter, severity) in letters.items():
        cells[margin + column], inks[margin + column] = letter, severity
    return inked("".join(cells), inks), ((times, Ink.SCALE),)
