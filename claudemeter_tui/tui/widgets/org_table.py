"""How the table of all orgs is drawn: which columns there is room for, and one line of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.model.usage import CreditState, Severity
from claudemeter_tui.text import overview as words
from claudemeter_tui.text.overview import Column, Row
from claudemeter_tui.tui import ink

NARROWEST, WIDEST = 12, 36
"""Cells of an org's name before a column has to go, and at most."""
CAPS = {Column.PLAN: 12, Column.WINDOW: 15, Column.SESSION: 24}
"""Most cells of columns that hold names; longer ones end in an ellipsis."""
BETWEEN = 2
"""Blanks between two columns."""
RIGHT = frozenset({Column.PERCENT, Column.RESETS, Column.CREDITS, Column.CAP, Column.RATE, Column.AGE})
"""Columns of figures."""
DROPPED = (
    Column.SESSION,
    Column.AT,
    Column.CAP,
    Column.PLAN,
    Column.RATE,
    Column.WINDOW,
    Column.AGE,
    Column.RESETS,
    Column.CREDITS,
    Column.PERCENT,
)
"""The least needed first; org and verdict always stay."""

Cells = Mapping[Column, str]


@dataclass(frozen=True, slots=True)
class Grid:
    """The columns there is room for, each with its cells, from left to right."""

    widths: Mapping[Column, int]

    @property
    def columns(self) -> Sequence[Column]:
        """From left to right."""
        return tuple(self.widths)


def cells(one: Row, now: datetime, zone: tzinfo | None) -> dict[Column, str]:
    """Everything that the table says of an org."""
    return {column: words.cell(one, column, now, zone) for column in Column}


def grid(rows: Iterable[Cells], width: int) -> Grid:
    """As many columns as fit into `width` cells beside the cursor's mark, wide enough for all rows."""
    widths = {column: _head(column) for column in Column}
    for row in rows:
        for column, text in row.items():
            widths[column] = max(widths[column], ink.text(text).cell_length)
    widths |= {column: min(widths[column], most) for column, most in CAPS.items()}
    natural = min(widths[Column.ORG], WIDEST)
    widths[Column.ORG] = min(natural, NARROWEST)
    # The mark of severity stands behind the percentage.
    widths[Column.PERCENT] += 2
    for column in DROPPED:
        if _total(widths) > width:
            del widths[column]
    spare = width - _total(widths)
    widths[Column.ORG] = max(1, min(natural, widths[Column.ORG] + spare))
    return Grid(widths)


def _head(column: Column) -> int:
    """Cells of a header, with the arrow of the sorted column."""
    return len(column.value) + (2 if column in words.SORTABLE else 0)


def _total(widths: Mapping[Column, int]) -> int:
    return 2 + sum(widths.values()) + BETWEEN * (len(widths) - 1)


def head(grid: Grid, by: Column, *, backwards: bool) -> list[ink.Line]:
    """The header, a piece for each column; the sorted one has an arrow."""
    pieces = []
    for place, (column, cells) in enumerate(grid.widths.items()):
        arrow = (" ▴" if backwards else " ▾") if column is by else ""
        style = ink.TITLE if column is by else ink.MUTED
        label = ink.text((f"{column.value}{arrow}", style))
        pieces.append(ink.text("  " if place == 0 else " " * BETWEEN, _placed(label, column, cells)))
    return pieces


def _placed(label: ink.Line, column: Column, width: int) -> ink.Line:
    """Figures to the right, everything else to the left."""
    if column not in RIGHT:
        return ink.fit(label, width)
    tail = 2 if column is Column.PERCENT else 0
    return ink.text(" " * max(0, width - tail - label.cell_length), label, " " * tail).truncate(width, pad=True)


def line(one: Row, cells: Cells, grid: Grid, now: datetime) -> ink.Line:
    """One org; names are shortened, figures never."""
    parts: list[ink.Line | str] = []
    for column, width in grid.widths.items():
        text = ink.text((cells[column], _style(one, column, cells[column], now)))
        if column is Column.PERCENT:
            text = ink.text(text.pad_left(width - 2 - text.cell_length), " ", _mark(one, now))
        elif column in RIGHT:
            text = text.pad_left(width - text.cell_length)
        parts += [text.truncate(width, ellipsis=True, pad=True), " " * BETWEEN]
    return ink.text(*parts[:-1])


def _mark(one: Row, now: datetime) -> ink.Line:
    severity = _severity(one, now)
    return ink.text((ink.MARK[severity], ink.STYLE[severity]))


def _severity(one: Row, now: datetime) -> Severity:
    return one.window.severity(now) if one.window is not None else Severity.NORMAL


def _style(one: Row, column: Column, text: str, now: datetime) -> str:
    """The colour of a cell; a figure that is missing is always quiet."""
    if text == words.NOTHING:
        return ink.MUTED
    match column:
        case Column.ORG:
            return ink.TITLE
        case Column.VERDICT:
            return f"bold {ink.STYLE[ink.severity(one.verdict, now)]}"
        case Column.PERCENT:
            return ink.MUTED if one.verdict.was else ink.STYLE[_severity(one, now)]
        case Column.CREDITS:
            return _credits(one, now)
        case Column.AGE if one.state.is_stale(now):
            return ink.STYLE[Severity.WARNING]
        case Column.RATE | Column.RESETS:
            return ""
    return ink.MUTED


def _credits(one: Row, now: datetime) -> str:
    extra = one.state.credits
    state = extra.state(now)
    if state is CreditState.LOCKED:
        return ink.STYLE[Severity.FULL]
    if state is not CreditState.OPEN or extra.lead is None:
        return ink.MUTED
    return ink.STYLE[Severity.of(extra.lead.percent)]
