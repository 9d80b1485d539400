"""Tables and texts on the pages of a list; in a narrow pane, whole cells are wrapped."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

from claudemeter_tui.formatting.history import NOTHING
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SHARE,
    StyledLine,
    build_line,
    draw_bar,
    join_pieces,
    wrap_text,
)
from claudemeter_tui.tui.widgets.list_view import BLANK_ROW, MARK_WIDTH, ListPage, ListRow, fix_row

COLUMN_GAP = 2
"""Blanks between two columns."""
READING = "Reading …"


def build_text_page(texts: Sequence[str], width: int) -> ListPage:
    """Return a page with a heading and a text below it."""
    styles = HEADING, *[MUTED] * (len(texts) - 1)
    styled = zip(texts, styles, strict=True)
    lines = (line for text, style in styled for line in wrap_text(text, width - MARK_WIDTH, style))
    return ListPage([fix_row(line) for line in lines], width)


def build_reading_page(width: int) -> ListPage:
    """Return the page until the archive is read: a dim line where the content will begin."""
    return ListPage([fix_row(build_line((READING, MUTED)))], width)


Cell = tuple[str, str]
"""Text and style."""


class BarColumn(NamedTuple):
    """A column of bars without a title."""

    before: str
    """Title of the next column."""
    percents: Sequence[float | None]
    """Percent of each row; None for no bar."""
    cells: int
    styles: Sequence[str] = ()
    """Style of each row's bar. Empty for that of a share."""


@dataclass(frozen=True)
class Table:
    """Rows of cells in columns as wide as their widest cell."""

    titles: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    sections: Sequence[str] = ()
    """Titles of the sections in the first column, in place of its own title."""
    left: tuple[str, ...] = ("",)
    """Titles of the columns that are aligned on the left."""
    bars: BarColumn | None = None

    @cached_property
    def _widths(self) -> list[int]:
        first, *others = zip(*self.rows, strict=True)
        widest = max(map(cell_len, (self.titles[0], *self.sections, *(text for text, _ in first))))
        columns = zip(self.titles[1:], others, strict=True)
        return [
            widest,
            *(max(len(title), *(cell_len(text) for text, _ in column)) for title, column in columns),
        ]

    @property
    def width(self) -> int:
        """Cells of a line."""
        bars = self.bars.cells + COLUMN_GAP if self.bars is not None else 0
        return sum(self._widths) + COLUMN_GAP * (len(self._widths) - 1) + bars

    def leave_out(self, titles: Collection[str]) -> Table:
        """Return the table without the columns with these titles."""
        kept = [place for place, title in enumerate(self.titles) if title not in titles]
        rows = [[row[place] for place in kept] for row in self.rows]
        return replace(self, titles=tuple(self.titles[place] for place in kept), rows=rows)

    def draw_head(self, section: str = "") -> StyledLine:
        """Return the titles of the columns, the first one replaced by the title of a section."""
        first = (section, HEADING) if section else (self.titles[0], MUTED)
        return self._draw([first, *((title, MUTED) for title in self.titles[1:])])

    def draw_row(self, place: int, _: int) -> StyledLine:
        """Return the only line of a row."""
        return self._draw(self.rows[place], place)

    def _draw(self, cells: Sequence[Cell], place: int | None = None) -> StyledLine:
        pairs = zip(cells, self._widths, strict=True)
        pieces = [
            build_line((_pad(text, width, left=title in self.left), MUTED if text == NOTHING else style))
            for title, ((text, style), width) in zip(self.titles, pairs, strict=True)
        ]
        if self.bars is not None:
            pieces.insert(self.titles.index(self.bars.before), self._draw_bar(self.bars, place))
        return join_pieces(pieces, " " * COLUMN_GAP)

    def _draw_bar(self, bars: BarColumn, place: int | None) -> StyledLine:
        percent = bars.percents[place] if place is not None else None
        if place is None or percent is None:
            return build_line(" " * bars.cells)
        return draw_bar(percent, bars.cells, bars.styles[place] if bars.styles else SHARE)


def _pad(text: str, width: int, *, left: bool) -> str:
    """Return the text in so many cells."""
    blanks = " " * (width - cell_len(text))
    return text + blanks if left else blanks + text


def list_table_rows(
    table: Table,
    keys: Sequence[tuple[str, Hashable, datetime | None]],
    narrow: Sequence[Sequence[Sequence[Cell]]] = (),
) -> Iterator[ListRow]:
    """Yield the rows of all sections below their heads.

    The first column of a table without sections has a title of its own, and one line with all titles is on
    top; of these, the keys name the sections.

    Args:
        table: the rows.
        keys: for each row its section, its key and its moment.
        narrow: for each row the lines that replace it. Empty if the table fits.
    """
    has_one_head = not table.sections
    if has_one_head and not narrow:
        yield fix_row(table.draw_head())
    for section, places in groupby(range(len(keys)), lambda place: keys[place][0]):
        if section != keys[0][0]:
            yield BLANK_ROW
        if section:
            is_bare = has_one_head or narrow
            yield fix_row(build_line((section, HEADING)) if is_bare else table.draw_head(section))
        for place in places:
            _, key, moment = keys[place]
            lines = narrow[place] if narrow else ()
            draw = partial(draw_cells, lines) if lines else partial(table.draw_row, place)
            yield ListRow(key, draw, len(lines) or 1, moment=moment)


def draw_cells(lines: Sequence[Sequence[Cell]], part: int) -> StyledLine:
    """Return one of some lines of cells."""
    return build_line(*lines[part])


def wrap_cells(cells: Sequence[Cell], width: int, indent: str, between: str) -> list[list[Cell]]:
    """Return whole cells in as many lines as they need; without styled text, which would take long."""
    lines: list[list[Cell]] = []
    left = 0
    for text, style in cells:
        if lines and len(between) + cell_len(text) <= left:
            lines[-1].append((between, MUTED))
            left -= len(between)
        else:
            lines.append([(indent, "")])
            left = width - len(indent)
        lines[-1].append((text, style))
        left -= cell_len(text)
    return lines
