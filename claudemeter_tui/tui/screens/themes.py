"""Themes in a list: the one under the cursor is shown at once."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size

from claudemeter_tui.formatting.search import has_words
from claudemeter_tui.tui.keys import HELP_KEY, Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.screens.dashboard import build_parts, draw_parts
from claudemeter_tui.tui.screens.lists import CURSOR_KEYS, PAGE_HINTS, SPACED_FROM, ListScreen
from claudemeter_tui.tui.styled_text import (
    CALM_MARK,
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    StyledLine,
    build_line,
    fit_line,
    spread_line,
)
from claudemeter_tui.tui.theme import list_sample_colours
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.list_view import ListPage, VirtualList, build_row, fix_row

THEMES_KEYS = (
    Key("enter", "Enter", "screen.enter", "keep", "keep the theme under the cursor"),
    Key("slash", "/", "screen.find", "search", "show only themes that match these words"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "undo", "end the search, or return to the theme before"),
)
"""All keys of the themes."""
CURRENT_MARK = " (current)"
"""Text beside the name of the theme before the list was opened."""
NO_MATCH = "No theme matches all of these words."
SAMPLE_PLACE, SAMPLE_FROM = 34, 50
"""Cells before the sample of a theme, and cells of the list from which there is one."""
LIST_WIDTH = SAMPLE_FROM + 1
"""Cells of the list beside a dashboard, with its scroll bar."""
DASHBOARD_FROM = (110, 20)
"""Columns and lines of the terminal from which the dashboard is beside the list."""


class ThemesScreen(ListScreen):
    """All themes with samples of their colours; moving the cursor shows a theme, and Escape undoes that.

    In a wide pane, the dashboard of the org on screen is beside them, in the theme under the cursor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in THEMES_KEYS]
    HINTS = (THEMES_KEYS[-1], HELP_KEY, THEMES_KEYS[0], THEMES_KEYS[1], *PAGE_HINTS[1:])
    SEARCH_HINTS = "Enter keep  Esc clear"
    MIN_HEIGHTS = (5, 99)

    def __init__(self, view: View) -> None:
        """Start with the cursor on the current theme."""
        super().__init__(view)
        self._before = self.app.theme
        self._names: list[str] = []
        """The themes in the list."""

    def compose_list(self) -> ComposeResult:
        """Create the list, and a dashboard beside it."""
        with Horizontal(id="lists"):
            yield VirtualList()
            with Vertical(id="dashboard", classes="-hidden"):
                yield from build_parts()

    @property
    def _has_dashboard(self) -> bool:
        """True if there is room for a dashboard, and an org to show in it."""
        width, height = self.app.size
        has_room = width >= DASHBOARD_FROM[0] and height >= DASHBOARD_FROM[1]
        return has_room and self.view.state is not None

    def show_view(self, view: View) -> None:
        """Show a view in the dashboard and around the list."""
        for part in self.query_children(LineWidget):
            part.view = replace(view, layout=Layout())
        dashboard = self.query_exactly_one("#dashboard")
        dashboard.set_class(not self._has_dashboard, "-hidden")
        if self._has_dashboard:
            size = Size(self.app.size.width - LIST_WIDTH, self.query_exactly_one("#lists").size.height)
            dashboard.styles.width = size.width
            draw_parts(dashboard, view, size)

    def redraw(self) -> None:
        """Draw a row for each theme that matches the search, and show the one under the cursor."""
        wanted, every = self.search_bar.search_text, sorted(self.app.available_themes)
        self._names = [name for name in every if has_words(name, wanted)]
        width = LIST_WIDTH - 1 if self._has_dashboard else self.item_list.line_width
        rows = [build_row(name, [self._build_sample(name, width)]) for name in self._names]
        page = ListPage(rows or [fix_row(build_line((NO_MATCH, MUTED)))], width)
        is_spaced = self.item_list.size.height >= SPACED_FROM
        sheet = (page.add_line_above() if is_spaced else page).build_list()
        place = self._names.index(self.app.theme) if self.app.theme in self._names else 0
        self.item_list.show(sheet, place + is_spaced)
        self._show_theme(place)
        title = build_line((" Themes", HEADING))
        count = build_line((f"{len(every)} themes", MUTED))
        self.set_header_lines([spread_line(title, count, self.app.size.width - 1)], [Content("")])
        self.search_bar.show_result(f"{len(self._names)} of {len(every)}")
        self.show_view(self.view)

    def _build_sample(self, name: str, width: int) -> StyledLine:
        """Return the name, and in a wide pane the marks of the verdicts in the colours of this theme."""
        label = build_line(name, (CURRENT_MARK if name == self._before else "", MUTED))
        if width < SAMPLE_FROM:
            return label
        colours = list_sample_colours(self.app.available_themes[name])
        marks = (CALM_MARK, *(mark for mark in SEVERITY_MARKS.values() if mark.strip()))
        shown = [(f" {mark} ", style) for mark, style in zip(marks, colours, strict=True)]
        return build_line(fit_line(label, SAMPLE_PLACE), *shown)

    def _show_theme(self, place: int) -> None:
        if self._names:
            self.app.theme = self._names[place]

    def on_virtual_list_cursor_moved(self) -> None:
        """Show the theme under the cursor."""
        self._show_theme(self.item_list.cursor - (self.item_list.size.height >= SPACED_FROM))

    def on_input_changed(self) -> None:
        """While the user types, list only the themes that match."""
        self._draw()

    def handle_enter(self) -> None:
        """Keep the theme and close the list."""
        self.dismiss()

    def action_back(self) -> None:
        """End the search, or return to the theme before and close the list."""
        if not self.search_bar.is_open:
            self.app.theme = self._before
        super().action_back()
