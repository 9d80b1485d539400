"""How the table of all orgs is drawn: which columns there is room for, and one line of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.cells import cell_len

from claudemeter_tui.model.usage import CreditState, Severity
from claudemeter_tui.text import overview as words
from claudemeter_tui.text.overview import Column, Row
from claudemeter_tui.tui import ink

NARROWEST, WIDEST = 10, 36
"""Cells of an org's name before a column has to go, and at most."""
LEAST = {Column.RESETS: 7, Column.AGE: 7}
"""Cells of columns that grow by themselves: `23h 59m`."""
MOST = {Column.PLAN: 12, Column.WINDOW: 15, Column.SESSION: 24}
"""Most cells of columns that hold names; longer ones end in an ellipsis."""
BETWEEN = 2
"""Blanks between two columns."""
MARK = 2
"""Cells of a mark behind a percentage, and of the cursor's before each line."""
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


@dataclass(frozen=True, eq=False)
class Grid:
    """The columns there is room for, each with its cells, from left to right."""

    widths: Mapping[Column, int]

    @property
    def columns(self) -> Sequence[Column]:
        """From left to right."""
        return tuple(self.widths)


Lengths = Mapping[Column, int]
"""The cells that each column would like for one org."""


def lengths(one: Row, now: datetime, zone: tzinfo | None) -> Lengths:
    """The cells of what the table says of an org."""
    return {column: cell_len(words.cell(one, column, now, zone)) for column in Column}


def grid(rows: Iterable[Lengths], width: int) -> Grid:
    """As many columns as fit into `width` cells, wide enough for what all rows say there."""
    widths = {column: max(_head(column), LEAST.get(column, 0)) for column in Column}
    for row in rows:
        for column, cells in row.items():
            widths[column] = max(widths[column], cells)
    widths |= {column: min(widths[column], most) for column, most in MOST.items()}
    widths[Column.PERCENT] += MARK
    natural = min(widths[Column.ORG], WIDEST)
    widths[Column.ORG] = min(natural, NARROWEST)
    for column in DROPPED:
        if _total(widths) > width:
            del widths[column]
    spare = width - _total(widths)
    widths[Column.ORG] = max(1, min(natural, widths[Column.ORG] + spare))
    return Grid(widths)


def _head(column: Column) -> int:
    """Cells of a header, with room for the arrow; a percentage has it where its mark is."""
    has_arrow = column in words.SORTABLE and column is not Column.PERCENT
    return len(column.value) + (MARK if has_arrow else 0)


def _total(widths: Mapping[Column, int]) -> int:
    return MARK + sum(widths.values()) + BETWEEN * (len(widths) - 1)


def head(grid: Grid, by: Column, *, backwards: bool) -> list[ink.Line]:
    """The header, a piece for each column; the sorted one has an arrow."""
    arrow = "▴" if backwards else "▾"
    pieces: list[ink.Line] = []
    for column, width in grid.widths.items():
        label = ink.text((column.value, ink.TITLE if column is by else ink.MUTED))
        sign = ink.text((f" {arrow}", "bold $selected")) if column is by else ink.text("  ")
        if column in RIGHT:
            label = label.pad_left(max(0, width - MARK - label.cell_length))
        piece = ink.text(label, sign).truncate(width, pad=True)
        pieces.append(ink.text(" " * (BETWEEN if pieces else MARK), piece))
    return pieces


def said(one: Row, grid: Grid, now: datetime, zone: tzinfo | None) -> tuple[str, ...]:
    """What the columns say of an org."""
    return tuple(words.cell(one, column, now, zone) for column in grid.widths)


def line(one: Row, told: Sequence[str], grid: Grid, now: datetime) -> ink.Line:
    """One org; names are shortened, figures never."""
    parts: list[str | tuple[str, str]] = []
    severity = _severity(one, now)
    for (column, width), text in zip(grid.widths.items(), told, strict=True):
        style = _style(one, column, text, now)
        if column is Column.PERCENT:
            mark = (ink.MARK[severity], ink.STYLE[severity])
            parts += [(_padded(text, width - MARK, right=True), style), " ", mark]
        else:
            parts.append((_padded(text, width, right=column in RIGHT), style))
        parts.append(" " * BETWEEN)
    return ink.text(*parts[:-1])


def _padded(text: str, width: int, *, right: bool) -> str:
    """The text in so many cells; one that is too long ends in an ellipsis."""
    room = width - cell_len(text)
    if room < 0:
        return ink.text(text).truncate(width, ellipsis=True, pad=True).plain
    return " " * room + text if right else text + " " * room


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
            return "$foreground"
    return ink.MUTED


def _credits(one: Row, now: datetime) -> str:
    extra = one.state.credits
    state = extra.state(now)
    if state is CreditState.LOCKED:
        return ink.STYLE[Severity.FULL]
    if state is not CreditState.OPEN or extra.lead is None:
        return ink.MUTED
    return ink.STYLE[Severity.of(extra.lead.percent)]
