"""Base classes of the screens: a view, a page of text, a list with a cursor and a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Static

from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.list_view import ClickableLine, SearchBar, VirtualList


class ViewScreen(Screen[None]):
    """Draws the view that the app hands it."""

    class Uncovered(Message):
        """What lay over the screen has been closed: its view may be out of date."""

    IS_OVERLAY: ClassVar[bool] = False
    """Whether it lies over the dashboard, and Escape closes it."""

    view: var[View] = var(View(), init=False)
    """What is shown."""
    _drawn_view: View | None = None
    """The view that was drawn last. None: nothing was drawn yet."""
    _is_covered = False
    """Whether something lies over it."""

    def __init__(self, view: View | None = None) -> None:
        """Show this view first; None: the app hands one over as soon as there is anything to show."""
        super().__init__()
        if view is not None:
            self.set_reactive(ViewScreen.view, view)

    @property
    def is_outdated(self) -> bool:
        """True if the view looks different from what was drawn.

        A view that arrives while the screen cannot draw yet is not drawn, so the view before is no measure.
        """
        return self._drawn_view is None or not self.view.looks_like(self._drawn_view)

    def on_screen_suspend(self) -> None:
        """Something lies over it."""
        self._is_covered = True

    def on_screen_resume(self) -> None:
        """Ask for the present moment, unless it has just been handed over."""
        if self._is_covered:
            self._is_covered = False
            self.post_message(self.Uncovered())

    @property
    def can_draw(self) -> bool:
        """True if all parts are there: not before they are mounted, not once the screen or the app closes.

        A closing screen loses its parts before its last messages come, such as a resize; Textual calls
        it not displayed then. A screen that is opened while the app closes gets no parts, or only some;
        Textual calls it not attached then.
        """
        return self.is_mounted and self.display and self.is_attached and self.app.is_running


PAGE_HINTS = (
    Key("", "Esc", "close", "close", ""),
    Key("", "↑↓", "", "scroll", ""),
    Key("", "q", "quit", "quit", ""),
)
TITLE_FROM = 12
"""Lines of the terminal from which a page has a title."""


class PageScreen(ViewScreen):
    """Scrolling text that follows the store, with the verdict always in sight."""

    IS_OVERLAY = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "page_scroll(1)", show=False),
        Binding("k", "page_scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Verdict, title, text, hints."""
        yield Banner()
        yield ClickableLine()
        with VerticalScroll():
            yield Static(markup=False)
        yield KeyHints(PAGE_HINTS)

    def build_title(self, view: View) -> tuple[str, str]:
        """What the page is called, and what stands at the end of that line."""
        raise NotImplementedError

    def build_content(self, view: View, width: int) -> Content:
        """The page's text in lines of at most `width` cells."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw at once, and take the keys for scrolling."""
        self.query(VerticalScroll).focus()  # there is none if the app closes meanwhile
        self._draw()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._draw()

    def action_page_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_exactly_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def watch_view(self) -> None:
        """Draw what can have changed."""
        if self.is_outdated:
            self._draw()

    def _draw(self) -> None:
        if not self.can_draw:
            return
        self._drawn_view = self.view
        view, size = replace(self.view, layout=Layout()), self.app.size
        for part in self.query(LineWidget):
            part.view = view
        self._draw_title(view, size)
        text = self.build_content(view, size.width - 5)
        text = styled_text.convert_to_ascii(text) if view.ascii else text
        page = self.query_exactly_one(Static)
        if not isinstance(page.content, Content) or not text.is_same(page.content):
            page.update(text)

    def _draw_title(self, view: View, size: Size) -> None:
        """Put the title above the text, where there is room for one."""
        name, note = self.build_title(view)
        line = styled_text.spread_line(
            styled_text.build_line((f" {name}", styled_text.HEADING)),
            styled_text.build_line((note, styled_text.MUTED)),
            size.width - 1,
        )
        head = self.query_exactly_one(ClickableLine)
        head.show([styled_text.convert_to_ascii(line) if view.ascii else line])
        head.display = size.height >= TITLE_FROM


HINTS_FROM = 7
"""Lines of the terminal from which the hints are there."""

CURSOR_KEYS = (
    Key("up,k", "↑ k", "screen.cursor(-1)", "up", "the line above"),
    Key("down,j", "↓ j", "screen.cursor(1)", "down", "the line below"),
    Key("pageup", "PgUp", "screen.page(-1)", "page up", "a page up"),
    Key("pagedown", "PgDn", "screen.page(1)", "page down", "a page down"),
    Key("home,g", "Home g", "screen.end(-1)", "first", "the first line"),
    Key("end,G", "End G", "screen.end(1)", "last", "the last line"),
)
"""How the cursor of a list moves."""


class ListScreen(ViewScreen):
    """A list over the dashboard that follows the store; the verdict is its first line."""

    DEFAULT_CSS = """
    ListScreen {
        background: $background;
        layout: vertical;
        overflow: hidden;
    }
    ListScreen Banner {
        height: 1;
    }
    ListScreen .-away {
        display: none;
    }
    """
    IS_OVERLAY = True
    AUTO_FOCUS = "VirtualList"
    HINTS: ClassVar[Sequence[Key]] = ()
    """For the footer."""
    MIN_HEIGHTS: ClassVar[tuple[int, int]] = (12, 5)
    """Lines of the terminal from which the two lines above the list are there."""

    def compose(self) -> ComposeResult:
        """Verdict, two lines above the list, the list, search, hints."""
        yield Banner()
        yield ClickableLine(id="first")
        yield ClickableLine(id="second")
        yield VirtualList()
        yield SearchBar()
        yield KeyHints(self.HINTS)

    @property
    def item_list(self) -> VirtualList:
        """The list."""
        return self.query_exactly_one(VirtualList)

    @property
    def search_bar(self) -> SearchBar:
        """The search."""
        return self.query_exactly_one(SearchBar)

    def set_header_lines(self, first: Sequence[Content], second: Sequence[Content]) -> None:
        """What stands in the two lines above the list."""
        for line, pieces in zip(self.query(ClickableLine), (first, second), strict=True):
            line.show(
                [styled_text.convert_to_ascii(piece) for piece in pieces] if self.view.ascii else pieces
            )

    def redraw(self) -> None:
        """Give every part what it shows."""
        raise NotImplementedError

    def handle_search(self) -> None:
        """Another text is looked for: it is in `find.wanted`."""
        raise NotImplementedError

    def handle_enter(self) -> None:
        """Enter, in the list or in the search."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw at once."""
        self.watch_view()

    def on_resize(self) -> None:
        """Draw for the new size, once the parts have it."""
        self.watch_view()
        self.call_after_refresh(self._finish_resize)

    def _finish_resize(self) -> None:
        self.watch_view()
        if self.can_draw:
            self.item_list.scroll_to_cursor()

    def watch_view(self) -> None:
        """Draw what has changed."""
        if self.can_draw and self.item_list.is_mounted and self.item_list.container_size.width:
            self.item_list.ascii = self.view.ascii
            height = self.app.size.height
            for line, least in zip(self.query(ClickableLine), self.MIN_HEIGHTS, strict=True):
                line.set_class(height < least, "-away")
            self.query_exactly_one(KeyHints).set_class(
                height < HINTS_FROM or self.search_bar.is_open, "-away"
            )
            self.redraw()

    def show_verdict(self, view: View) -> None:
        """The verdict, in one line that names the org."""
        for part in self.query(LineWidget):
            part.view = replace(view, layout=Layout())

    def on_input_changed(self) -> None:
        """Look at once, while it is typed."""
        self.handle_search()

    def on_input_submitted(self) -> None:
        """Enter in the search."""
        self.handle_enter()

    def on_virtual_list_item_opened(self) -> None:
        """A double click is an Enter."""
        self.handle_enter()

    def action_enter(self) -> None:
        """Enter in the list."""
        self.handle_enter()

    def action_cursor(self, step: int) -> None:
        """Up or down."""
        self.item_list.move_cursor(step)

    def action_page(self, step: int) -> None:
        """A page up or down."""
        self.item_list.move_page(step)

    def action_end(self, step: int) -> None:
        """To the first or to the last line."""
        self.item_list.move_to_end(step)

    def action_find(self) -> None:
        """Open the search."""
        self.search_bar.open()
        self.watch_view()

    def action_back(self) -> None:
        """Give up the search; without one, close."""
        if not self.search_bar.is_open:
            self.dismiss()
            return
        self.search_bar.close()
        self.item_list.focus()
        self.watch_view()
