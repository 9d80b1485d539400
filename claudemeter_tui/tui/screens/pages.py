"""Base class of the screens with pages under one row of tabs, whose rows can be moments."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual.content import Content

from claudemeter_tui.tui.screens.lists import SPACED_FROM, MomentListScreen, Place
from claudemeter_tui.tui.styled_text import HEADING, MUTED, build_line, fit_pieces, frame_lines
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.details_pages import build_reply_tab
from claudemeter_tui.tui.widgets.list_view import MARK_WIDTH, ClickableLine, ListPage

WIDE_FROM = 109
"""Cells of the list from which a page can have another one beside it."""
ASIDE_SHARE = 0.4
"""Least share of the width for the pages beside another one."""
FIRST_ASIDE_HEIGHT, MIN_ASIDE_HEIGHT = 12, 8
"""Lines that the first of two pages beside another one gets at most, and minimum lines for any further one.

Below a page, the minimum lines for each.
"""
ASIDE_GAP, FRAME_WIDTH, FRAME_HEIGHT = MARK_WIDTH + 2, 4, 2
"""Cells before the frame beside a page that its lines do not have, and the cells and lines of the frame."""
BELOW_FROM = 76
"""Cells of the list from which a page can have other ones below it."""


class PagesScreen(MomentListScreen):
    """Pages under one row of tabs; each keeps its cursor."""

    SHOWS_NOW = True
    PAGES: ClassVar[tuple[str, ...]]
    """Names of the pages, in the order of their tabs."""

    def __init__(self, view: View) -> None:
        """Show the first page."""
        super().__init__(view)
        self._tab = 0
        self._cursor_keys: dict[str, Hashable] = {}
        self._built_from: tuple[object, ...] = ()
        self._first_tab = 0

    def get_place(self) -> Place:
        """Return the page, and the cursor of each one."""
        return self._tab, {**self._cursor_keys, self.page_name: self.get_cursor_key()}

    def set_place(self, place: Place) -> None:
        """Start at a place of another screen of this kind."""
        self._tab, self._cursor_keys = place

    @property
    def page_name(self) -> str:
        """Name of the page on screen."""
        return self.PAGES[self._tab]

    def list_inputs(self) -> tuple[object, ...]:
        """Return everything that a page is built from, besides its name, its size and ASCII."""
        raise NotImplementedError

    def build_page(self, name: str, width: int, height: int, *, is_aside: bool = False) -> ListPage:
        """Return a page with room for so many lines of so many cells.

        A page beside another one needs no note that the other one has, and can leave out columns.
        """
        raise NotImplementedError

    def list_asides(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return for the name of a page those that a large pane shows with it, each with a title."""
        return {}

    def _build_pages(self, name: str, height: int) -> ListPage:
        """Return a page, with others in frames beside it in a wide pane, else below it if there is room."""
        width = self.item_list.line_width
        asides, whole = self.list_asides().get(name, ()), self.build_page(name, width, height)
        if asides and width >= WIDE_FROM:
            page = self.build_page(name, int(width * (1 - ASIDE_SHARE)), height)
            if page.highest <= whole.highest and page.dropped <= whole.dropped:  # its table keeps its form
                return self._add_beside(page, asides, width, height)
        if asides and width >= BELOW_FROM:
            return self._add_below(whole, asides, width, height)
        return whole

    def _add_beside(
        self, page: ListPage, asides: Sequence[tuple[str, str]], width: int, height: int
    ) -> ListPage:
        """Return the page with the others in frames on the right of its lines."""
        widest = max(line.cell_length for line in page.lines)
        room = width - widest - ASIDE_GAP
        framed: list[Content] = []
        for beside, title in asides:
            free = height - len(framed) - FRAME_HEIGHT
            if beside != asides[-1][0]:
                free = min(free, FIRST_ASIDE_HEIGHT)
            if free >= MIN_ASIDE_HEIGHT or not framed:
                found = self.build_page(beside, room - FRAME_WIDTH + MARK_WIDTH, free, is_aside=True)
                framed += frame_lines(build_line((title, HEADING)), build_line(), found.lines, room)
        return page.add_aside(framed, widest)

    def _add_below(
        self, page: ListPage, asides: Sequence[tuple[str, str]], width: int, height: int
    ) -> ListPage:
        """Return the page with those of the others in frames below it that are whole on screen."""
        room, lines = width - MARK_WIDTH, len(page.lines)
        for beside, title in asides:
            free = height - lines - 1 - FRAME_HEIGHT
            if free < MIN_ASIDE_HEIGHT:
                break
            found = self.build_page(beside, width - FRAME_WIDTH, free, is_aside=True)
            if len(found.lines) <= free:
                framed = frame_lines(build_line((title, HEADING)), build_line(), found.lines, room)
                page = page.add_below(framed)
                lines += 1 + len(framed)
        return page

    def list_titles(self) -> Sequence[str]:
        """Return the texts of the line below the tabs, most important first; empty ones are left out."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw the current page; build it only if anything has changed."""
        name = self.page_name
        inputs = *self.list_inputs(), name, self.item_list.container_size, self.view.ascii
        if inputs != self._built_from:
            self._built_from = inputs
            height = self.item_list.size.height
            has_space = height >= SPACED_FROM
            page = self._build_pages(name, height - has_space)
            self.show_page(page.add_line_above() if has_space else page, self._cursor_keys.get(name))
        width = self.app.size.width
        titles = [title for title in self.list_titles() if title]
        pieces = [build_line((title, MUTED if place else HEADING)) for place, title in enumerate(titles)]
        line = build_line(" ", fit_pieces(pieces, width - 1)) if pieces else build_line()
        self._first_tab = self.show_tabs(
            lambda place: build_reply_tab(f" {self.PAGES[place]} ", "", "", selected=place == self._tab),
            len(self.PAGES),
            self._tab,
            line,
        )
        self.show_view(self.view)

    def on_virtual_list_cursor_moved(self) -> None:
        """Remember the new position of the cursor."""
        self._cursor_keys[self.page_name] = self.get_cursor_key()

    def on_clickable_line_piece_clicked(self, message: ClickableLine.PieceClicked) -> None:
        """Show the clicked page."""
        place = message.index - 1 + self._first_tab
        if message.line.id == "first" and 0 <= place < len(self.PAGES):
            self.open_page(self.PAGES[place])

    def action_turn(self, step: int) -> None:
        """Show the page that is `step` tabs away."""
        self.open_page(self.PAGES[(self._tab + step) % len(self.PAGES)])

    def open_page(self, name: str) -> None:
        """Show the page with this name."""
        self._tab = self.PAGES.index(name)
        self._draw()

    def choose_place(self, place: int, count: int) -> int | None:
        """Return the place of a longer or shorter period; say so and return None if there is none."""
        if 0 <= place < count:
            return place
        self.notify(f"This is the {'longest' if place > 0 else 'shortest'} period.", markup=False)
        return None
