"""All orgs at once: a table, worst first, that can be sorted, searched and left for one org."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.text import overview as words
from claudemeter_tui.text.overview import SORTABLE, Column, Row
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.screens.listing import MOVING, Listing
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.headline import Headline
from claudemeter_tui.tui.widgets.lines import Lines, Sheet
from claudemeter_tui.tui.widgets.org_table import Cells, Grid, cells, grid, head, line

OVERVIEW_KEYS = (
    Key("enter", "Enter", "screen.enter", "go", "go to the org under the cursor"),
    Key("slash", "/", "screen.find", "search", "show only orgs in which the words occur; Enter goes, Esc ends"),
    Key("right", "→", "screen.sort(1)", "sort", "sort by the next column"),
    Key("left", "←", "screen.sort(-1)", "sort back", "sort by the column before"),
    Key("v", "v", "screen.turn", "turn", "turn the order round"),
    *MOVING,
    Key("escape", "Esc", "screen.back", "close", "end the search, or close the overview"),
)
"""Every key of the overview."""


class Overview(Listing):
    """Every org in a row; the cursor follows the org, not the row."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in OVERVIEW_KEYS]
    HINTS = (
        OVERVIEW_KEYS[0],
        OVERVIEW_KEYS[1],
        replace(OVERVIEW_KEYS[2], shown="← →"),
        OVERVIEW_KEYS[4],
        OVERVIEW_KEYS[-1],
        Key("", "q", "quit", "quit", ""),
    )

    @dataclass
    class Chosen(Message):
        """An org was chosen: go there."""

        key: OrgKey

    def __init__(self, view: View) -> None:
        """Show this view, worst first, the cursor on the selected org."""
        super().__init__(view)
        self._by, self._backwards = Column.VERDICT, False
        self._at: OrgKey | None = view.key
        self._known: dict[OrgKey, tuple[datetime, Row]] = {}
        self._rows: list[Row] = []
        self._grid = Grid({})

    def redraw(self) -> None:
        """The table of this moment."""
        every = [self._row(state) for state in self.view.store.orgs]
        self._known = {key: known for key, known in self._known.items() if self.view.store.org(key)}
        now, zone, width = self.view.now, self.view.zone, self.lines.columns
        told = {one.key: cells(one, now, zone) for one in every}
        self._grid = grid(told.values(), width)
        found = [one for one in every if words.matches(one, self.find.wanted)]
        self._rows = words.ordered(found, self._by, backwards=self._backwards)
        self._show(told, width, tall=2 * len(every) < self.lines.size.height)
        self.query_one("#title", Headline).show([_title(every, self._by, self.app.size.width)])
        self.query_one("#head", Headline).show(head(self._grid, self._by, backwards=self._backwards))
        self.find.say(f"{len(found)} of {len(every)}")
        self._tell()
"""
