"""What stands below an org's row in the table of all orgs, as far as there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from claudemeter_tui.text.overview import Row, beside
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import credits_panel, limits_panel

WIDEST = 96
"""Most cells of a bar with all that stands beside it."""

Block = Sequence[ink.Line]


class Blocks:
    """The lines below each row; drawn anew only when the minute is over."""

    def __init__(self) -> None:
        self._drawn: dict[Row, tuple[tuple[object, ...], Block]] = {}

    def below(self, rows: Sequence[Row], view: View, width: int, room: int) -> Mapping[Row, Block]:
        """For each row nothing, one line, or every window as a bar: what fits into `room` lines for all."""
        if 2 * len(rows) > room:
            return {}
        views = {one: replace(view, key=one.key) for one in rows}
        label = max(map(limits_panel.label_width, views.values()), default=0)
        full = sum(3 + limits_panel.wanted(seen) for seen in views.values()) <= room + 1
        known, self._drawn = self._drawn, {}
        for one, seen in views.items():
            of = (seen.beat, width, label, full)
            before = known.get(one)
            lines = before[1] if before and before[0] == of else _lines(one, seen, width, label, full=full)
            self._drawn[one] = of, lines
        return {one: lines for one, (_, lines) in self._drawn.items()}


def _lines(one: Row, view: View, width: int, label: int, *, full: bool) -> Block:
    if not full:
        return [ink.fitting([ink.text((text, ink.MUTED)) for text in beside(one, view.now)], width)]
    cells, windows = min(width, WIDEST), limits_panel.wanted(view)
    bars = limits_panel.bars(view, cells, windows, label) if windows else []
    return [*bars, credits_panel.brief(view, cells), ink.text()]
