"""Overview: a table of all orgs, worst first, that can be sorted and searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from claudemeter_tui.formatting.overview import (
    SORTABLE_COLUMNS,
    OverviewColumn,
    OverviewRow,
    group_by_verdict,
    matches_search,
    sort_rows,
)
from claudemeter_tui.formatting.values import format_count
from claudemeter_tui.formatting.verdict import format_verdict_note
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.screens.base import CURSOR_KEYS, ListScreen
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    build_line,
    iterate_shorter,
    pick_fitting,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import org_table
from claudemeter_tui.tui.widgets.list_view import ClickableLine, ListModel, SearchBar, add_cursor_mark

OVERVIEW_KEYS = (
    Key("enter", "Enter", "screen.enter", "go", "open the org under the cursor"),
    Key("slash", "/", "screen.find", "search", "show only orgs that match these words"),
    Key("right", "→", "screen.sort(1)", "sort", "sort by the next column"),
    Key("left", "←", "screen.sort(-1)", "sort", "sort by the previous column"),
    Key("v", "v", "screen.turn", "reverse", "reverse order"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "end the search or close the overview"),
)
"""All keys of the overview."""
INDENT = 2
"""Indent of the lines below a row, in cells."""
NO_MATCH = "No org matches all of these words."


class OverviewScreen(ListScreen):
    """A row for each org; the cursor follows the org, not the row."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in OVERVIEW_KEYS]
    HINTS = (
        OVERVIEW_KEYS[-1],
        OVERVIEW_KEYS[0],
        OVERVIEW_KEYS[1],
        replace(OVERVIEW_KEYS[2], display="←→"),
        OVERVIEW_KEYS[4],
        Key("", "q", "quit", "quit", ""),
    )

    @dataclass
    class OrgChosen(Message):
        """The user chose an org."""

        key: OrgKey

    def __init__(self, view: View) -> None:
        """Show this view, worst org first, with the cursor on the selected org."""
        super().__init__(view)
        self._sort_column, self._is_reversed = OverviewColumn.VERDICT, False
        self._cursor_key: OrgKey | None = view.key
        self._width = 0
        self._table_layout = org_table.TableLayout({})
        self._all_rows: list[OverviewRow] = []
        self._rows_by_verdict: Mapping[str, Sequence[OverviewRow]] = {}
        self._rows: list[OverviewRow] = []
        self._cell_widths: dict[OverviewRow, org_table.CellWidths] = {}
        self._block_cache = org_table.OrgBlockCache()
        self._blocks: Mapping[OverviewRow, org_table.OrgBlock] = {}
        self._line_cache: dict[tuple[OverviewRow, bool], tuple[tuple[str, ...], Content]] = {}

    def redraw(self) -> None:
        """Draw the current table."""
        every, width = self._update_rows(), self.item_list.line_width
        if every != self._all_rows or width != self._width:
            self._measure_columns(every, width)
        found = [one for one in every if matches_search(one, self.search_bar.search_text)]
        self._rows = sort_rows(found, self._sort_column, backwards=self._is_reversed)
        self.item_list.show(self._build_list(), self._find_cursor())
        columns = org_table.build_table_head(
            self._table_layout, self._sort_column, backwards=self._is_reversed
        )
        self.set_header_lines([self._build_title()], columns)
        self.search_bar.show_result(f"{len(found)} of {len(every)}")
        self._show_cursor_verdict()

    def _measure_columns(self, every: list[OverviewRow], width: int) -> None:
        """Compute the columns that fit."""
        now, zone = self.view.now, self.view.zone
        self._cell_widths = {
            one: self._cell_widths.get(one) or org_table.measure_cells(one, now, zone) for one in every
        }
        self._table_layout = org_table.build_table_layout(self._cell_widths.values(), width)
        self._line_cache = {
            (one, at): known for (one, at), known in self._line_cache.items() if one in self._cell_widths
        }
        self._all_rows, self._width, self._rows_by_verdict = every, width, group_by_verdict(every)

    def on_input_changed(self) -> None:
        """While the user types, show only the orgs that match, and go to the first one."""
        self.watch_view()

    def handle_enter(self) -> None:
        """Open the org under the cursor."""
        if self._rows:
            self.post_message(self.OrgChosen(self._rows[self.item_list.cursor].key))

    def on_virtual_list_cursor_moved(self) -> None:
        """Remember the org under the cursor."""
        self._cursor_key = self._rows[self.item_list.cursor].key
        self._show_cursor_verdict()

    def on_clickable_line_piece_clicked(self, message: ClickableLine.PieceClicked) -> None:
        """Sort by the clicked column; a second click reverses the order."""
        if message.line.id == "second":
            column = tuple(self._table_layout)[message.index]
            self._sort_by(column, backwards=column is self._sort_column and not self._is_reversed)

    def action_sort(self, step: int) -> None:
        """Sort by the next or previous visible column that can be sorted."""
        columns = [column for column in self._table_layout if column in SORTABLE_COLUMNS]
        place = columns.index(self._sort_column) if self._sort_column in columns else -min(step, 0)
        self._sort_by(columns[(place + step) % len(columns)], backwards=False)

    def action_turn(self) -> None:
        """Reverse the sort order."""
        self._sort_by(self._sort_column, backwards=not self._is_reversed)

    def _sort_by(self, column: OverviewColumn, *, backwards: bool) -> None:
        if column in SORTABLE_COLUMNS:
            self._sort_column, self._is_reversed = column, backwards
            self.watch_view()

    def _update_rows(self) -> list[OverviewRow]:
        """Update the row of each org with new figures: its state, the minute or the verdict has changed."""
        known, rows = {row.key: row for row in self._all_rows}, []
        for state in self.view.store.orgs:
            row, figures = known.get(state.key), self.view.get_figures(state)
            # If figures may have changed, they are computed again, which gives a new verdict object.
            if row is None or row.state is not state or row.verdict is not figures.verdict:
                row = OverviewRow(state, figures.verdict, figures.rate)
            rows.append(row)
        return rows

    def _find_cursor(self) -> int:
        """Return the row of the org under the cursor; if it is gone, the first match or the same row."""
        places = {one.key: place for place, one in enumerate(self._rows)}
        at = self._cursor_key or self.view.key
        if at in places:
            return places[at]
        return 0 if self.search_bar.search_text else min(self.item_list.cursor, len(self._rows) - 1)

    def _show_cursor_verdict(self) -> None:
        """Show the verdict of the org under the cursor."""
        at = self._rows[self.item_list.cursor].key if self._rows else self.view.key
        self.show_view(replace(self.view, key=at))

    def _build_list(self) -> ListModel:
        """Build the list: a line for each org, and the lines below that fit for all of them."""
        if self.search_bar.search_text and not self._rows:
            no_match = add_cursor_mark(Content.styled(NO_MATCH, MUTED), self._width, selected=False)
            return ListModel((0, 1), lambda *_: no_match, is_selectable=lambda _: False)
        width, room = self._width - INDENT - org_table.MARK_WIDTH, self.item_list.size.height
        self._blocks = self._block_cache.build_blocks(self._all_rows, self.view, width, room)
        heights = [1 + len(self._blocks.get(one, ())) for one in self._rows]
        if heights and heights[-1] > 2:
            heights[-1] -= 1  # the blank line between two orgs
        return ListModel([0, *accumulate(heights)], self._draw_line)

    def _draw_line(self, item: int, part: int, selected: bool) -> Content:  # noqa: FBT001 - a `LineDrawer`
        one, now = self._rows[item], self.view.now
        if part:
            below = self._blocks[one][part - 1]
            if not below.plain:
                return below.truncate(self._width, pad=True)
            return add_cursor_mark(build_line(" " * INDENT, below), self._width, selected=selected)
        cells = org_table.format_cells(one, self._table_layout, now, self.view.zone)
        known, drawn = self._line_cache.get((one, selected), ((), build_line()))
        if known != cells:
            line = org_table.build_table_line(one, cells, self._table_layout, now)
            drawn = add_cursor_mark(line, self._width, selected=selected)
            self._line_cache[one, selected] = cells, drawn
        return drawn

    def _build_title(self) -> Content:
        """Return the number of orgs per verdict, and the sort column if no arrow shows it."""
        count = len(self._all_rows)
        parts = [Content.styled(format_count(count, "org"), HEADING)]
        for name, rows in self._rows_by_verdict.items():
            # CAN WORK has no severity in the title, even with a fuller window.
            verdict = rows[0].verdict
            calm = verdict.state is VerdictState.CAN_WORK and not format_verdict_note(verdict)
            severity = Severity.NORMAL if calm else verdict.compute_severity(self.view.now)
            parts.append(Content.styled(f"{len(rows)} {name}", SEVERITY_STYLES[severity]))
        if self._sort_column not in self._table_layout:
            parts.append(Content.styled(f"by {self._sort_column}", MUTED))
        return pick_fitting(
            (build_line(" ", line) for line in iterate_shorter(parts, "   ")), self.app.size.width
        )


class JumpScreen(OverviewScreen):
    """The overview with an open search, to jump to an org by name."""

    AUTO_FOCUS = "Input"

    def on_mount(self) -> None:
        """Open the search."""
        if self.query(SearchBar):  # a screen opened while the app closes has no parts
            self.search_bar.open()

    def action_back(self) -> None:
        """Return to the dashboard at once."""
        self.dismiss()
