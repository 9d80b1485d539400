"""All orgs at once: a table, worst first, that can be sorted, searched and left for one org."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.model.verdict import State, Verdict
from claudemeter_tui.text import overview as words
from claudemeter_tui.text.overview import SORTABLE, Column, Row
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.screens.listing import MOVING, Listing
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.headline import Headline
from claudemeter_tui.tui.widgets.lines import Sheet, under_cursor
from claudemeter_tui.tui.widgets.org_block import Block, Blocks
from claudemeter_tui.tui.widgets.org_table import MARK, Grid, Lengths, grid, head, lengths, line, said

OVERVIEW_KEYS = (
    Key("enter", "Enter", "screen.enter", "go", "go to the org under the cursor"),
    Key("slash", "/", "screen.find", "search", "show only the orgs in which these words occur"),
    Key("right", "→", "screen.sort(1)", "sort", "sort by the next column"),
    Key("left", "←", "screen.sort(-1)", "sort", "sort by the column before"),
    Key("v", "v", "screen.turn", "turn", "turn the order round"),
    *MOVING,
    Key("escape", "Esc", "screen.back", "close", "end the search, or close the overview"),
)
"""Every key of the overview."""
HINTS = (
    OVERVIEW_KEYS[-1],
    OVERVIEW_KEYS[0],
    OVERVIEW_KEYS[1],
    replace(OVERVIEW_KEYS[2], shown="←→"),
    OVERVIEW_KEYS[4],
    Key("", "q", "quit", "quit", ""),
)
INDENT = 2
"""Cells by which the lines below a row stand back."""
NOTHING_FOUND = "No org is found by all of these words."


class Overview(Listing):
    """Every org in a row; the cursor follows the org, not the row."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in OVERVIEW_KEYS]
    HINTS = HINTS

    @dataclass
    class Chosen(Message):
        """An org was chosen: go there."""

        key: OrgKey

    def __init__(self, view: View) -> None:
        """Show this view, worst first, the cursor on the selected org."""
        super().__init__(view)
        self._by, self._backwards = Column.VERDICT, False
        self._at: OrgKey | None = view.key
        self._minute: datetime | None = None
        self._width = 0
        self._grid = Grid({})
        self._every: list[Row] = []
        self._tally: Mapping[str, Sequence[Row]] = {}
        self._rows: list[Row] = []
        self._lengths: dict[Row, Lengths] = {}
        self._blocks = Blocks()
        self._below: Mapping[Row, Block] = {}
        self._drawn: dict[tuple[Row, bool], tuple[tuple[str, ...], ink.Line]] = {}

    def redraw(self) -> None:
        """The table of this moment."""
        every, width = self._known_rows(), self.lines.columns
        if every != self._every or width != self._width:
            self._measure(every, width)
        found = [one for one in every if words.matches(one, self.find.wanted)]
        self._rows = words.ordered(found, self._by, backwards=self._backwards)
        self.lines.show(self._sheet(), self._cursor())
        columns = head(self._grid, self._by, backwards=self._backwards)
        self.above([self._title()], columns)
        self.find.say(f"{len(found)} of {len(every)}")
        self._tell()

    def _measure(self, every: list[Row], width: int) -> None:
        """Find out which columns there is room for."""
        now, zone = self.view.now, self.view.zone
        self._lengths = {one: self._lengths.get(one) or lengths(one, now, zone) for one in every}
        self._grid = grid(self._lengths.values(), width)
        self._drawn = {(one, at): known for (one, at), known in self._drawn.items() if one in self._lengths}
        self._every, self._width, self._tally = every, width, words.tally(every)

    def sought(self) -> None:
        """Only the orgs in which the words occur, from the first one on."""
        self.watch_view()

    def entered(self) -> None:
        """Go to the org under the cursor."""
        if self._rows:
            self.post_message(self.Chosen(self._rows[self.lines.cursor].key))

    def on_lines_moved(self) -> None:
        """Another org is under the cursor."""
        self._at = self._rows[self.lines.cursor].key
        self._tell()

    def on_headline_chosen(self, message: Headline.Chosen) -> None:
        """Sort by the column whose header was clicked; the same again turns the order round."""
        if message.headline.id == "second":
            column = self._grid.columns[message.place]
            self._sort_by(column, backwards=column is self._by and not self._backwards)

    def action_sort(self, step: int) -> None:
        """Sort by the next column on screen that can be sorted by."""
        columns = [column for column in self._grid.columns if column in SORTABLE]
        place = columns.index(self._by) if self._by in columns else -min(step, 0)
        self._sort_by(columns[(place + step) % len(columns)], backwards=False)

    def action_turn(self) -> None:
        """Turn the order round."""
        self._sort_by(self._by, backwards=not self._backwards)

    def _sort_by(self, column: Column, *, backwards: bool) -> None:
        if column in SORTABLE:
            self._by, self._backwards = column, backwards
            self.watch_view()

    def _known_rows(self) -> list[Row]:
        """A row for each org: the one there is, unless its org or the minute has changed."""
        now = self.view.now
        if now.replace(second=0, microsecond=0) != self._minute:
            self._minute, self._every = now.replace(second=0, microsecond=0), []
        known = {one.key: one for one in self._every}
        return [self._row(state, known.get(state.key)) for state in self.view.store.orgs]

    def _row(self, state: OrgState, known: Row | None) -> Row:
        return known if known is not None and known.state is state else words.row(state, self.view.now)

    def _cursor(self) -> int:
        """Where the org is that the cursor stood on; the first one found, or the same place, without it."""
        places = {one.key: place for place, one in enumerate(self._rows)}
        at = self._at or self.view.key
        if at in places:
            return places[at]
        return 0 if self.find.wanted else min(self.lines.cursor, len(self._rows) - 1)

    def _tell(self) -> None:
        """The verdict on the org under the cursor."""
        at = self._rows[self.lines.cursor].key if self._rows else self.view.key
        self.tell(replace(self.view, key=at))

    def _sheet(self) -> Sheet:
        """A line for each org, and as much below it as fits for all of them."""
        if self.find.wanted and not self._rows:
            told = under_cursor(ink.text((NOTHING_FOUND, ink.MUTED)), self._width, selected=False)
            return Sheet((0, 1), lambda *_: told, rests=lambda _: False)
        width, room = self._width - INDENT - MARK, self.lines.size.height
        self._below = self._blocks.below(self._every, self.view, width, room)
        heights = [1 + len(self._below.get(one, ())) for one in self._rows]
        if heights and heights[-1] > 2:
            heights[-1] -= 1  # the blank line between two orgs
        return Sheet([0, *accumulate(heights)], self._line)

    def _line(self, item: int, part: int, selected: bool) -> ink.Line:  # noqa: FBT001 - as a sheet draws
        one, now = self._rows[item], self.view.now
        if part:
            below = self._below[one][part - 1]
            if not below.plain:
                return below.truncate(self._width, pad=True)
            return under_cursor(ink.text(" " * INDENT, below), self._width, selected=selected)
        told = said(one, self._grid, now, self.view.zone)
        known, drawn = self._drawn.get((one, selected), ((), ink.text()))
        if known != told:
            drawn = under_cursor(line(one, told, self._grid, now), self._width, selected=selected)
            self._drawn[one, selected] = told, drawn
        return drawn

    def _title(self) -> ink.Line:
        """How many orgs there are, with which verdicts; the order, where no arrow shows it."""
        count = len(self._every)
        parts = [ink.text((f"{count} org{'' if count == 1 else 's'}", ink.TITLE))]
        for verdict, rows in self._tally.items():
            parts.append(ink.text((f"{len(rows)} {verdict}", _colour(rows[0].verdict, self.view.now))))
        if self._by not in self._grid.widths:
            parts.append(ink.text((f"by {self._by}", ink.MUTED)))
        return ink.longest((ink.text(" ", line) for line in ink.fewer(parts, "   ")), self.app.size.width)


def _colour(verdict: Verdict, now: datetime) -> str:
    """That of a verdict in the title, where no window makes CAN WORK louder."""
    calm = verdict.state is State.CAN_WORK and not verdict.locked
    return ink.STYLE[Severity.NORMAL if calm else ink.severity(verdict, now)]
