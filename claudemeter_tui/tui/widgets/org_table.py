"""The table of all orgs: columns by width, one line per org, and the lines below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from rich.cells import cell_len

from claudemeter_tui.formatting.overview import (
    NO_VALUE,
    SORTABLE_COLUMNS,
    OverviewColumn,
    OverviewRow,
    format_cell,
    list_details,
)
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    fit_pieces,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import credits_panel, limits_panel

MIN_NAME_WIDTH, MAX_NAME_WIDTH = 10, 36
"""Minimum cells of an org's name, below which a column is dropped, and maximum cells."""
MIN_WIDTHS = {OverviewColumn.RESETS: 7, OverviewColumn.AGE: 7}
"""Minimum cells of columns whose text can grow: `23h 59m`."""
MAX_WIDTHS = {OverviewColumn.PLAN: 12, OverviewColumn.WINDOW: 15, OverviewColumn.SESSION: 24}
"""Maximum cells of columns with names; a longer name ends in an ellipsis."""
COLUMN_GAP = 2
"""Blanks between two columns."""
MARK_WIDTH = 2
"""Cells of the mark after a percentage, and of the cursor mark before each line."""
RIGHT_ALIGNED = frozenset(
    {
        OverviewColumn.PERCENT,
        OverviewColumn.RESETS,
        OverviewColumn.CREDITS,
        OverviewColumn.CAP,
        OverviewColumn.RATE,
        OverviewColumn.AGE,
    }
)
"""Columns of figures."""
DROP_ORDER = (
    OverviewColumn.SESSION,
    OverviewColumn.RESETS_AT,
    OverviewColumn.CAP,
    OverviewColumn.PLAN,
    OverviewColumn.RATE,
    OverviewColumn.WINDOW,
    OverviewColumn.AGE,
    OverviewColumn.RESETS,
    OverviewColumn.CREDITS,
    OverviewColumn.PERCENT,
)
"""Columns in the order in which they are dropped; org and verdict are never dropped."""


TableLayout = dict[OverviewColumn, int]
"""The columns that fit, each with its cells, from left to right."""
CellWidths = Mapping[OverviewColumn, int]
"""The cells that each column needs for one org."""


def measure_cells(row: OverviewRow, now: datetime, zone: tzinfo | None) -> CellWidths:
    """Return the cells that each column needs for an org."""
    return {column: cell_len(format_cell(row, column, now, zone)) for column in OverviewColumn}


def build_table_layout(rows: Iterable[CellWidths], width: int) -> TableLayout:
    """Choose the columns that fit into `width` cells, wide enough for every row."""
    widths = {column: max(len(column.value), MIN_WIDTHS.get(column, 0)) for column in OverviewColumn}
    for column in SORTABLE_COLUMNS - {OverviewColumn.PERCENT}:
        widths[column] = max(widths[column], len(column.value) + MARK_WIDTH)  # a cell for the sort arrow
    for row in rows:
        for column, cells in row.items():
            widths[column] = max(widths[column], cells)
    widths |= {column: min(widths[column], most) for column, most in MAX_WIDTHS.items()}
    widths[OverviewColumn.PERCENT] += MARK_WIDTH
    natural = min(widths[OverviewColumn.ORG], MAX_NAME_WIDTH)
    widths[OverviewColumn.ORG] = min(natural, MIN_NAME_WIDTH)
    for column in DROP_ORDER:
        if _sum_widths(widths) > width:
            del widths[column]
    spare = width - _sum_widths(widths)
    widths[OverviewColumn.ORG] = max(1, min(natural, widths[OverviewColumn.ORG] + spare))
    return widths


def _sum_widths(widths: Mapping[OverviewColumn, int]) -> int:
    return MARK_WIDTH + sum(widths.values()) + COLUMN_GAP * (len(widths) - 1)


def build_table_head(grid: TableLayout, by: OverviewColumn, *, backwards: bool) -> list[StyledLine]:
    """Return the header, a piece for each column; the sorted one has an arrow."""
    arrow = "▴" if backwards else "▾"
    pieces: list[StyledLine] = []
    for column, width in grid.items():
        label = build_line((column.value, HEADING if column is by else MUTED))
        sign = build_line((f" {arrow}", "bold $selected")) if column is by else build_line("  ")
        if column in RIGHT_ALIGNED:
            label = label.pad_left(max(0, width - MARK_WIDTH - label.cell_length))
        piece = build_line(label, sign).truncate(width, pad=True)
        pieces.append(build_line(" " * (COLUMN_GAP if pieces else MARK_WIDTH), piece))
    return pieces


def format_cells(row: OverviewRow, grid: TableLayout, now: datetime, zone: tzinfo | None) -> tuple[str, ...]:
    """Return the texts of an org, one for each column."""
    return tuple(format_cell(row, column, now, zone) for column in grid)


def build_table_line(row: OverviewRow, texts: Sequence[str], grid: TableLayout, now: datetime) -> StyledLine:
    """Return the line of an org; names can be shortened, figures never."""
    parts: list[str | tuple[str, str]] = []
    severity = _get_window_severity(row, now)
    for (column, width), text in zip(grid.items(), texts, strict=True):
        style = _get_cell_style(row, column, text, now)
        if column is OverviewColumn.PERCENT:
            mark = (SEVERITY_MARKS[severity], SEVERITY_STYLES[severity])
            parts += [(_pad_cell(text, width - MARK_WIDTH, right=True), style), " ", mark]
        else:
            parts.append((_pad_cell(text, width, right=column in RIGHT_ALIGNED), style))
        parts.append(" " * COLUMN_GAP)
    return build_line(*parts[:-1])


def _pad_cell(text: str, width: int, *, right: bool) -> str:
    """Return the text in exactly `width` cells; a text that is too long ends in an ellipsis."""
    room = width - cell_len(text)
    if room < 0:
        return build_line(text).truncate(width, ellipsis=True, pad=True).plain
    return " " * room + text if right else text + " " * room


def _get_window_severity(row: OverviewRow, now: datetime) -> Severity:
    return row.window.compute_severity(now) if row.window is not None else Severity.NORMAL


def _get_cell_style(row: OverviewRow, column: OverviewColumn, text: str, now: datetime) -> str:
    """Return the style of a cell; a missing figure is always muted."""
    if text == NO_VALUE:
        return MUTED
    match column:
        case OverviewColumn.ORG:
            return HEADING
        case OverviewColumn.VERDICT:
            return f"bold {SEVERITY_STYLES[row.verdict.compute_severity(now)]}"
        case OverviewColumn.PERCENT:
            return MUTED if row.verdict.last_known else SEVERITY_STYLES[_get_window_severity(row, now)]
        case OverviewColumn.CREDITS:
            return _get_credits_style(row, now)
        case OverviewColumn.AGE if row.state.is_stale(now):
            return SEVERITY_STYLES[Severity.WARNING]
        case OverviewColumn.RATE | OverviewColumn.RESETS:
            return "$foreground"
    return MUTED


def _get_credits_style(row: OverviewRow, now: datetime) -> str:
    state, meter = row.state.credits.compute_state(now), row.state.credits.lead_meter
    if state is CreditState.LOCKED:
        return SEVERITY_STYLES[Severity.FULL]
    if state is CreditState.OPEN and meter is not None:
        return SEVERITY_STYLES[Severity.from_percent(meter.percent)]
    return MUTED


MAX_BLOCK_WIDTH = 96
"""Maximum cells of a bar with its label and reset."""

OrgBlock = Sequence[StyledLine]


class OrgBlockCache:
    """The lines below each row, redrawn once a minute."""

    def __init__(self) -> None:
        self._blocks: dict[OverviewRow, tuple[tuple[object, ...], OrgBlock]] = {}

    def build_blocks(
        self, rows: Sequence[OverviewRow], view: View, width: int, room: int
    ) -> Mapping[OverviewRow, OrgBlock]:
        """Return for each row nothing, one line, or a bar for each window, as `room` for all rows allows."""
        if 2 * len(rows) > room:
            return {}
        views = {row: replace(view, key=row.key) for row in rows}
        label = max(map(limits_panel.measure_labels, views.values()), default=0)
        full = sum(3 + limits_panel.count_windows(row_view) for row_view in views.values()) <= room + 1
        known, self._blocks = self._blocks, {}
        for row, row_view in views.items():
            inputs = (row_view.panel_time, width, label, full)
            drawn_from, lines = known.get(row, ((), ()))
            if drawn_from != inputs:
                lines = _build_block(row, row_view, width, label, full=full)
            self._blocks[row] = inputs, lines
        return {row: lines for row, (_, lines) in self._blocks.items()}


def _build_block(row: OverviewRow, view: View, width: int, label: int, *, full: bool) -> OrgBlock:
    if not full:
        return [
            fit_pieces([build_line((text, MUTED)) for text in list_details(row, view.now, view.zone)], width)
        ]
    cells, windows = min(width, MAX_BLOCK_WIDTH), limits_panel.count_windows(view)
    # No line if there are no windows, because the row above explains it.
    bars = limits_panel.build_window_bars(view, cells, windows, label) if windows else []
    return [*bars, credits_panel.build_credits_line(view, cells), build_line()]
