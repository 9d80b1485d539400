"""How the figures of one org are drawn: label, value, and the reply that each came from."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

from claudemeter_tui.text import format as form
from claudemeter_tui.text.figure import Figure, Section
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.widgets.lines import Sheet, lit, under_cursor

LABEL = 18
"""Cells of a label; a longer one is broken between words, like the value beside it."""
SOURCE, AGE = 24, 12
"""Cells of the column of replies, and of their ages."""
BESIDE_FROM = 90
"""Columns from which the replies have a column of their own; in narrower places they have lines."""


class FigurePage:
    """Figures under headings, in lines of at most `width` cells."""

    def __init__(
        self, sections: Sequence[Section], width: int, now: datetime, sought: re.Pattern[str] | None = None
    ) -> None:
        self._now = now
        self._width = width
        self._sought = sought
        self._beside = width >= BESIDE_FROM
        self._items: list[tuple[str, Figure | None]] = []
        self._readers: dict[str, str] = {}
        for section in sections:
            self._items.append((section.title, None))
            self._items += [(section.title, figure) for figure in section.figures]
            readers = {figure.by for figure in section.figures} - {""}
            self._readers[section.title] = readers.pop() if len(readers) == 1 else ""

    def sheet(self) -> Sheet:
        """All of it, ready to be drawn."""
        heights = [len(self._lines(item)) for item in range(len(self._items))]
        return Sheet([0, *accumulate(heights)], self._draw, lambda item: self.figure(item) is not None)

    def figure(self, item: int) -> Figure | None:
        """The figure in that place. None: a heading, or nothing."""
        return self._items[item][1] if 0 <= item < len(self._items) else None

    def key(self, item: int) -> Hashable:
        """By what a figure is found again when others have come or gone."""
        figure = self.figure(item)
        return (self._items[item][0], figure.label, figure.source) if figure else None

    def place(self, key: Hashable) -> int | None:
        """Where that figure is now. None: nowhere."""
        return next((item for item in range(len(self._items)) if key and self.key(item) == key), None)

    def hits(self, sought: re.Pattern[str]) -> list[int]:
        """The figures in which something is found: in what is on screen of them."""
        return [
            item
            for item, (_, figure) in enumerate(self._items)
            if figure is not None and sought.search(f"{figure.label}\n{figure.value}\n{figure.whence}")
        ]

    def piece(self, item: int) -> tuple[str, str]:
        """The figure itself, and what it is called."""
        figure = self.figure(item)
        return (figure.value, "figure") if figure else ("", "")

    def whole(self, item: int) -> tuple[str, str]:
        """The row with label and source, and what it is called."""
        figure = self.figure(item)
        return (figure.told(self._now), "row") if figure else ("", "")

    def _draw(self, item: int, part: int, selected: bool) -> ink.Line:  # noqa: FBT001 - as a sheet draws
        line, figure = self._lines(item)[part], self.figure(item)
        if figure is None:
            return under_cursor(line, self._width, selected=selected)
        if part == self._dated(item, figure) and figure.at is not None:
            age = form.age(self._now - figure.at)
            gap = max(1, self._width - 3 - len(age) - line.cell_length)
            line = ink.text(line, " " * gap if self._beside else " · ", (age, ink.MUTED))
        return under_cursor(lit(line, self._sought), self._width, selected=selected)

    def _dated(self, item: int, figure: Figure) -> int:
        """The line of a figure on which its age stands; -1: on none, a figure before it has the same."""
        if self._beside:
            return 0
        return len(self._source(item, figure)) - 1 if self._is_first(item, figure) else -1

    def _is_first(self, item: int, figure: Figure) -> bool:
        """Whether the figure before it comes from elsewhere, or from another time."""
        before = self.figure(item - 1)
        return before is None or (before.whence, before.at) != (figure.whence, figure.at)

    def _lines(self, item: int) -> Sequence[ink.Line]:
        title, figure = self._items[item]
        if figure is None:
            reader = ink.text((self._readers[title], ink.MUTED))
            head = ink.spread(ink.text((title, ink.TITLE)), reader, self._width - 3)
            return (ink.text(), head) if item else (head,)
        if self._beside:
            return _row(figure, self._whence(item, figure), self._width)
        above = self._source(item, figure) if self._is_first(item, figure) else ()
        return (*above, *_stacked(figure, self._width))

    def _source(self, item: int, figure: Figure) -> tuple[ink.Line, ...]:
        """The reply, where it stands above its figures; room for the age is left in each line."""
        return _above(self._whence(item, figure), self._width)

    def _whence(self, item: int, figure: Figure) -> str:
        """Where it came from; without the session, where the heading names one for all."""
        return figure.source if self._readers[self._items[item][0]] else figure.whence


@lru_cache(maxsize=1024)
def _row(figure: Figure, whence: str, width: int) -> tuple[ink.Line, ...]:
    """Label, value and source side by side, each broken between words; room for the age is left."""
    room = width - LABEL - SOURCE - AGE - 8
    columns = (
        (ink.wrapped(figure.label, LABEL, ink.MUTED), LABEL),
        (_value(figure, room), room),
        (ink.wrapped(whence, SOURCE, ink.MUTED), SOURCE),
    )
    height = max(len(lines) for lines, _ in columns)
    return tuple(
        ink.joined([ink.fit(_at(lines, part), cells) for lines, cells in columns], "  ")
        for part in range(height)
    )


@lru_cache(maxsize=1024)
def _above(whence: str, width: int) -> tuple[ink.Line, ...]:
    return tuple(ink.wrapped(whence, max(8, width - AGE - 5), f"italic {ink.MUTED}"))


@lru_cache(maxsize=1024)
def _stacked(figure: Figure, width: int) -> tuple[ink.Line, ...]:
    """Label and value side by side, in a place where the reply stands above them."""
    label = min(LABEL, width // 3)
    labels = ink.wrapped(figure.label, label, ink.MUTED)
    values = _value(figure, width - label - 3)
    return tuple(
        ink.text(ink.fit(_at(labels, part), label), " ", _at(values, part))
        for part in range(max(len(labels), len(values)))
    )


def _value(figure: Figure, width: int) -> list[ink.Line]:
    style = ink.STYLE[figure.severity] if figure.severity else "$foreground"
    lines = ink.wrapped(figure.value, max(8, width - 2), style)
    if figure.severity:
        lines[-1] = ink.text(lines[-1], (f" {ink.MARK[figure.severity]}", ink.STYLE[figure.severity]))
    return lines


def _at(lines: Sequence[ink.Line], part: int) -> ink.Line:
    return lines[part] if part < len(lines) else ink.text()
