"""Base classes of the screens over the dashboard: a page of text, and a list with a cursor and a search."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from claudemeter_tui.formatting.problems import describe_missing_session
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.keys import HELP_KEY, READING_KEYS, Key
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    build_line,
    select_visible_tabs,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.list_view import ClickableLine, ListPage, SearchBar, VirtualList

NO_MOMENT = "Nothing was read then."
REPLIES_GONE = "The replies of that time are no longer kept."
PAGE_HINTS = (
    Key("", "Esc", "close", "close", ""),
    Key("", "↑↓", "", "scroll", ""),
    Key("", "q", "quit", "quit", ""),
)
NO_ORG_HINTS = (PAGE_HINTS[0], HELP_KEY, READING_KEYS[0], PAGE_HINTS[2])
"""Hints of a screen about orgs while there is none: no other key does anything on it."""
TITLE_FROM = 12
"""Lines of the terminal from which a page shows a title."""


class PageScreen(ViewScreen):
    """Scrolling text that follows the store, with the verdict always visible."""

    DEFAULT_CSS = """
    PageScreen { background: $background; layout: vertical; }
    PageScreen VerticalScroll { height: 1fr; padding: 0 1 0 2; }
    PageScreen.-high VerticalScroll { padding: 1 1 0 2; }
    PageScreen Static { width: 1fr; height: auto; }
    """
    IS_OVERLAY = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "page_scroll(1)", show=False),
        Binding("k", "page_scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Create verdict, title, text and hints."""
        yield Banner()
        yield ClickableLine()
        with VerticalScroll():
            yield Static(markup=False)
        yield KeyHints(PAGE_HINTS)

    def build_title(self) -> tuple[str, str]:
        """Return the title of the page and the text at the end of its line."""
        raise NotImplementedError

    def build_content(self, width: int) -> Content:
        """Return the page's text in lines of at most `width` cells."""
        raise NotImplementedError

    def action_page_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_exactly_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def draw_view(self) -> None:
        """Draw verdict and text, and the title if there is room."""
        self.show_view(self.view)
        width, height = self.app.size
        name, note = self.build_title()
        line = spread_line(Content.styled(f" {name}", HEADING), Content.styled(note, MUTED), width - 1)
        head = self.query_exactly_one(ClickableLine)
        head.show([self.convert_text(line)])
        head.display = height >= TITLE_FROM
        self.update_text(self.query_exactly_one(Static), self.build_content(width - 5))


def describe_no_org(view: View) -> str:
    """Return the text of a screen about orgs if there is none."""
    if view.past_figures is not None:
        return REPLIES_GONE
    if view.store.ignored_org_count:
        return f"{describe_missing_session((), (), view.store.ignored_org_count).title}."
    return "No org yet."


SPACED_FROM = 12
"""Minimum lines of the list for a blank line above a page with tabs."""
NAME_FROM = 60
"""Columns from which the name of a screen is shown even if that hides a tab."""
HINTS_FROM = 7
"""Lines of the terminal from which the hints are shown."""

CURSOR_KEYS = (
    Key("up,k", "↑ k", "screen.cursor(-1)", "up", "line up"),
    Key("down,j", "↓ j", "screen.cursor(1)", "down", "line down"),
    Key("pageup", "PgUp", "screen.page(-1)", "page up", "page up"),
    Key("pagedown", "PgDn", "screen.page(1)", "page down", "page down"),
    Key("home,g", "Home g", "screen.end(-1)", "first", "first line"),
    Key("end,G", "End G", "screen.end(1)", "last", "last line"),
)
"""Keys that move the cursor of a list."""


AS_OF_KEY = Key("enter", "Enter", "screen.enter", "as of", "show the dashboard as of this row")
"""Key of the lists whose rows are moments."""


@dataclass
class MomentChosen(Message):
    """The user chose a past moment in a list."""

    at: datetime
    key: OrgKey | None = None
    """The org to show. None for the selected one."""


class ListScreen(ViewScreen):
    """A list over the dashboard that follows the store, with the verdict as its first line."""

    DEFAULT_CSS = """
    ListScreen Banner { height: 1; }
    ListScreen .-away { display: none; }
    ListScreen #lists { height: 1fr; }
    """
    IS_OVERLAY = True
    AUTO_FOCUS = "VirtualList"
    NAME: ClassVar[str] = ""
    """Name of a screen with tabs, before the first one."""
    SEARCH_HINTS: ClassVar[str] = "Enter open  Esc clear"
    """Keys in the search bar."""
    HINTS: ClassVar[Sequence[Key]] = ()
    """Keys in the footer. Empty for a screen with others on each page."""
    NEEDS_ORG: ClassVar[bool] = False
    """True if the screen has nothing to show without an org."""
    MIN_HEIGHTS: ClassVar[tuple[int, int]] = (12, 5)
    """Lines of the terminal from which each of the two lines above the list is shown."""

    def compose(self) -> ComposeResult:
        """Create verdict, two lines above the list, the list, search and hints."""
        yield Banner()
        yield ClickableLine(id="first")
        yield ClickableLine(id="second")
        yield from self.compose_list()
        yield SearchBar(self.SEARCH_HINTS)
        yield KeyHints(self.list_hints())

    def compose_list(self) -> ComposeResult:
        """Create the list, and what is beside it."""
        yield VirtualList()

    def list_hints(self) -> Sequence[Key]:
        """Return the keys in the footer, most important first."""
        return self.HINTS

    @property
    def item_list(self) -> VirtualList:
        """Return the list."""
        return self.query_exactly_one(VirtualList)

    @property
    def search_bar(self) -> SearchBar:
        """Return the search bar."""
        return self.query_exactly_one(SearchBar)

    def show_tabs(
        self, build_tab: Callable[[int], Content], count: int, selected: int, below: Content
    ) -> int:
        """Show the name of the screen with its tabs, and a line below; return the number of the first tab.

        A narrow pane has no name if that hides a tab.
        """
        width = self.app.size.width
        name = f" {self.NAME}"
        room = width - len(name)
        first, shown = select_visible_tabs(build_tab, count, selected, room)
        if len(shown) < count and width < NAME_FROM:
            name = ""
            first, shown = select_visible_tabs(build_tab, count, selected, width)
        arrows = "‹" if first else " ", "›" if first + len(shown) < count else " "
        before, after = (build_line((arrow, MUTED)) for arrow in arrows)
        self.set_header_lines([build_line((name, HEADING), before), *shown, after], [below])
        return first

    def show_header_lines(self) -> None:
        """Show the two lines above the list for which the terminal has room."""
        height = self.app.size.height
        for line, least in zip(self.query(ClickableLine), self.MIN_HEIGHTS, strict=True):
            line.set_class(height < least, "-away")

    def set_header_lines(self, first: Sequence[Content], second: Sequence[Content]) -> None:
        """Set the two lines above the list."""
        for line, pieces in zip(self.query(ClickableLine), (first, second), strict=True):
            line.show([self.convert_text(piece) for piece in pieces])

    def redraw(self) -> None:
        """Update the lines above the list, the list and the search."""
        raise NotImplementedError

    def handle_enter(self) -> None:
        """Handle Enter in the list or in the search."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """Draw again once the parts have their new size."""
        # Textual also calls ViewScreen's method of this name, while the list still has its old size.
        self.call_after_refresh(self._finish_resize)

    def _finish_resize(self) -> None:
        self._draw()
        if self.can_draw:
            self.item_list.scroll_to_cursor()

    def watch_view(self) -> None:
        """Draw every second, because the lists show ages and countdowns."""
        self._draw()

    def draw_view(self) -> None:
        """Draw all parts, unless the list has no size yet."""
        if not self.item_list.is_mounted or not self.item_list.container_size.width:
            return
        self.draw_parts()

    def draw_parts(self) -> None:
        """Draw all parts."""
        self.item_list.ascii = self.view.ascii
        height = self.app.size.height
        self.show_header_lines()
        are_hints_away = height < HINTS_FROM or self.search_bar.is_open
        hints = self.query_exactly_one(KeyHints)
        hints.set_class(are_hints_away, "-away")
        view = self.view
        has_org = view.state is not None or bool(view.store.orgs) or view.past_figures is not None
        hints.show(self.list_hints() if has_org or not self.NEEDS_ORG else NO_ORG_HINTS)
        self.redraw()

    @on(Input.Submitted)
    @on(VirtualList.ItemOpened)
    def action_enter(self) -> None:
        """Handle Enter in the list or in the search; a double click does the same."""
        # Textual calls this method for both messages, never an override in a subclass.
        self.handle_enter()

    def action_cursor(self, step: int) -> None:
        """Move the cursor up or down."""
        self.item_list.move_cursor(step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        self.item_list.move_page(step)

    def action_end(self, step: int) -> None:
        """Move the cursor to the first or the last line."""
        self.item_list.move_to_end(step)

    def action_find(self) -> None:
        """Open the search."""
        self.search_bar.open()
        self.watch_view()

    def action_back(self) -> None:
        """Close the search, or the screen if no search is open."""
        if not self.search_bar.is_open:
            self.dismiss()
            return
        self.search_bar.close()
        self.item_list.focus()
        self.watch_view()


Place = tuple[Any, ...]
"""The row under the cursor of a list, and the page and the filters on screen."""


class MomentListScreen(ListScreen):
    """A list whose rows are moments: Enter shows the dashboard as of them, and Escape returns to the list."""

    LIST_NAME: ClassVar[str] = ""
    """Name of the screen in a sentence."""

    def __init__(self, view: View) -> None:
        """Start with this view and without rows."""
        super().__init__(view)
        self._page = ListPage((), 1)
        self._start_key: Hashable = None
        """Key of the row under the cursor in the first drawing. None for the first row."""

    def get_place(self) -> Place:
        """Return the place to which Escape returns."""
        return (self.get_cursor_key(),)

    def set_place(self, place: Place) -> None:
        """Start at a place of another screen of this kind."""
        (self._start_key,) = place

    def watch_view(self) -> None:
        """Draw only if something looks different, because nothing here counts down."""
        if self.is_outdated:
            self._draw()

    def show_page(self, page: ListPage, key: Hashable = None) -> None:
        """Show rows with the cursor on the one with this key, else on the first that can be selected."""
        self._page = page
        sheet = page.build_list()
        place = page.find_item(key) if key is not None else None
        self.item_list.show(sheet, place if place is not None else sheet.find_selectable(0, 1) or 0)

    def get_cursor_key(self) -> Hashable:
        """Return the key of the row under the cursor. None without rows."""
        return self._page.get_key(self.item_list.cursor) if self._page.has_rows else self._start_key

    def handle_enter(self) -> None:
        """Show the dashboard as of the moment of the row."""
        row = self._page.get_row(self.item_list.cursor)
        if row is not None and row.moment is not None:
            self.post_message(MomentChosen(row.moment, row.org_key))
        elif row is not None and row.is_selectable:
            self.notify(NO_MOMENT, markup=False)
