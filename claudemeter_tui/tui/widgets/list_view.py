"""A list that draws only its visible lines, a search bar and a clickable line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget
from textual.widgets import Input, Static

from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.styled_text import convert_to_ascii

LineDrawer = Callable[[int, int, bool], Content]
"""Draws one line, given the item, the line within the item, and True if the cursor is on it."""


class ListModel(NamedTuple):
    """Items of one or more lines each."""

    starts: Sequence[int]
    """First line of each item, followed by the number of all lines."""
    draw: LineDrawer
    is_selectable: Callable[[int], bool] = lambda _: True
    """True if the cursor can be on an item; false for headings."""
    open_item: Callable[[int], ListModel] | None = None
    """Returns the list with all lines of an item, the one under the cursor. None if all items are open."""

    @property
    def item_count(self) -> int:
        """Number of items."""
        return len(self.starts) - 1

    @property
    def height(self) -> int:
        """Lines of all items."""
        return self.starts[-1]

    def find_item(self, line: int) -> int:
        """Return the item of a line; the last item beyond the end."""
        return min(bisect_right(self.starts, line) - 1, self.item_count - 1)

    def find_selectable(self, item: int, step: int) -> int | None:
        """Return the first selectable item from `item` on, in steps of 1 or -1."""
        while 0 <= item < self.item_count:
            if self.is_selectable(item):
                return item
            item += step
        return None


CURSOR_MARK = "▌"
"""Mark before the line under the cursor."""


def add_cursor_mark(line: Content, width: int, *, selected: bool, mark: str = f"{CURSOR_MARK} ") -> Content:
    """Return the line with the cursor's mark and background, or with as many blanks without the cursor."""
    if not selected:
        return Content.assemble(" " * len(mark), line).truncate(width, pad=True)
    whole = Content.assemble((mark, "$selected"), line).truncate(width, pad=True)
    return whole.stylize_before("on $panel")


def convert_marked_line(line: Content) -> Content:
    """Return the line in ASCII; the mark of the cursor is `>`, not the `]` of a selected tab."""
    if not line.plain.startswith(CURSOR_MARK):
        return convert_to_ascii(line)
    return Content.assemble((">", "$selected"), convert_to_ascii(line[1:]))


MARK_WIDTH = 2
"""Cells of the cursor's mark."""


class ListRow(NamedTuple):
    """One item of a page with a cursor."""

    key: Hashable
    """Finds the row again after a change."""
    draw: Callable[[int], Content]
    """Returns a line of the row by its number from 0."""
    height: int = 1
    is_selectable: bool = True
    draw_open: Callable[[], Sequence[Content]] | None = None
    """Returns all lines of the row, which only the cursor opens. None if `draw` shows the whole row."""
    moment: datetime | None = None
    """The moment that Enter shows. None if the row has none."""
    org_key: OrgKey | None = None
    """The org that Enter shows. None for the selected one."""


class ListPage:
    """Rows with a cursor, in lines of at most `width` cells."""

    def __init__(
        self, rows: Sequence[ListRow], width: int, aside: Sequence[Content] = (), *, dropped: int = 0
    ) -> None:
        """Show these rows, and finished lines on their right; `dropped` columns of the table had no room."""
        self.dropped = dropped
        blanks = len(aside) - sum(row.height for row in rows)
        self._rows, self._width, self._aside = [*rows, *[BLANK_ROW] * blanks], width, aside
        self._starts = [0, *accumulate(row.height for row in self._rows)]

    @property
    def highest(self) -> int:
        """Lines of the highest row: more than one if a table did not fit."""
        return max((row.height for row in self._rows), default=0)

    @property
    def lines(self) -> list[Content]:
        """Return all lines of the rows, without the cells of the cursor's mark."""
        return [row.draw(part) for row in self._rows for part in range(row.height)]

    @property
    def has_rows(self) -> bool:
        """True if there is a row."""
        return bool(self._rows)

    def build_list(self, opened: int | None = None) -> ListModel:
        """Return the rows as a list to draw, with one of them open. None for a row without more lines."""
        row = self.get_row(opened) if opened is not None else None
        lines = row.draw_open() if row is not None and row.draw_open is not None else ()
        starts = self._starts
        if opened is not None and len(lines) > 1:
            starts = [*starts[: opened + 1], *(start + len(lines) - 1 for start in starts[opened + 1 :])]
        can_open = any(row.draw_open is not None for row in self._rows)
        return ListModel(
            starts,
            partial(self._draw_line, lines),
            lambda item: self._rows[item].is_selectable,
            self.build_list if can_open else None,
        )

    def add_line_above(self) -> ListPage:
        """Return the page with a blank line above its first row."""
        aside = [Content(""), *self._aside] if self._aside else ()
        return ListPage([BLANK_ROW, *self._rows], self._width, aside)

    def add_aside(self, aside: Sequence[Content], widest: int) -> ListPage:
        """Return the page with finished lines on the right of its lines of at most so many cells."""
        return ListPage(self._rows, MARK_WIDTH + widest + 1, aside)

    def add_below(self, lines: Sequence[Content]) -> ListPage:
        """Return the page with finished lines below a blank line, which the cursor skips."""
        return ListPage([*self._rows, BLANK_ROW, *map(fix_row, lines)], self._width, self._aside)

    def find_item(self, key: Hashable) -> int | None:
        """Return the row with this key. None if it is gone."""
        return next((item for item, row in enumerate(self._rows) if row.key == key), None)

    def get_key(self, item: int) -> Hashable:
        """Return the key of a row. None for an empty page."""
        return self._rows[item].key if 0 <= item < len(self._rows) else None

    def get_row(self, item: int) -> ListRow | None:
        """Return a row. None for an empty page."""
        return self._rows[item] if 0 <= item < len(self._rows) else None

    def _draw_line(self, opened: Sequence[Content], item: int, part: int, selected: bool) -> Content:  # noqa: FBT001 - a `LineDrawer`
        row = self._rows[item]
        line = opened[part] if selected and opened else row.draw(part)
        shown = add_cursor_mark(
            line, self._width, selected=selected and row.is_selectable and bool(line.plain)
        )
        place = self._starts[item] + part
        return Content.assemble(shown, " ", self._aside[place]) if place < len(self._aside) else shown


def build_row(
    key: Hashable, lines: Sequence[Content], moment: datetime | None = None, org_key: OrgKey | None = None
) -> ListRow:
    """Return a row of these finished lines."""
    return ListRow(key, lambda part: lines[part], len(lines), moment=moment, org_key=org_key)


def fix_row(line: Content) -> ListRow:
    """Return a row that the cursor skips."""
    return ListRow(None, lambda _: line, is_selectable=False)


BLANK_ROW = fix_row(Content(""))


def highlight_matches(line: Content, sought: re.Pattern[str] | None) -> Content:
    """Return the line with all matches highlighted."""
    for match in sought.finditer(line.plain) if sought is not None else ():
        line = line.stylize("$background on $selected", *match.span())
    return line


def underline_matches(line: Content, sought: re.Pattern[str] | None, end: int) -> Content:
    """Return the line with all matches in its first `end` characters underlined."""
    for match in sought.finditer(line.plain, 0, end) if sought is not None else ():
        line = line.stylize("underline", *match.span())
    return line


class VirtualList(ScrollView, can_focus=True, inherit_bindings=False):
    """A scrolling list; its screen handles the keys.

    Textual's own table takes more than twice as long to open, and its cursor keeps the row number, not the
    row.
    """

    DEFAULT_CSS = """
    VirtualList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-color: $frame;
        scrollbar-color-hover: $selected;
        scrollbar-color-active: $selected;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """
    ALLOW_SELECT = False

    @dataclass
    class CursorMoved(Message):
        """The user moved the cursor to another item."""

        item: int

    @dataclass
    class ItemOpened(Message):
        """An item was double-clicked."""

        item: int

    def __init__(self) -> None:
        """Create an empty list."""
        super().__init__()
        self.ascii = False
        """True to draw with ASCII only."""
        self._model = ListModel((0,), lambda *_: Content(""))
        self.cursor = 0
        """The item under the cursor; 0 if the list is empty."""
        self._clicked: int | None = None
        """The item of the last single click, which may have moved since. None if it cannot be selected."""
        self._content_cache: dict[int, Content] = {}
        self._strip_cache: dict[int, Strip] = {}

    @property
    def _top(self) -> int:
        """Return the first visible line."""
        return round(self.scroll_offset.y)

    @property
    def line_width(self) -> int:
        """Return the cells of a line; the scrollbar's column is always free.

        Before the first layout, those of a list as wide as the terminal.
        """
        return max(1, (self.container_size.width or self.app.size.width) - 1)

    def show(self, sheet: ListModel, cursor: int = 0) -> None:
        """Show a list with the cursor on an item, and repaint only the lines that look different."""
        moved, cursor = cursor != self.cursor, max(0, min(cursor, sheet.item_count - 1))
        sheet = sheet.open_item(cursor) if sheet.open_item is not None else sheet
        resized = sheet.height != self._model.height
        self._model, self.cursor = sheet, cursor
        old, self._content_cache = self._content_cache, {}
        self.virtual_size = Size(self.line_width, sheet.height)
        if moved and self.size.height:  # without a size, it would scroll the first line out of sight
            self.scroll_to_cursor()
        strips, self._strip_cache = self._strip_cache, {}
        for line in range(self._top, self._top + self.size.height):
            known = old.get(line)
            if known is not None and line in strips and known.is_same(self._get_content_line(line)):
                self._strip_cache[line] = strips[line]
            else:
                self.refresh_line(line)
        if resized:
            self.refresh()

    def move_cursor(self, step: int) -> None:
        """Go to the next item in that direction; scroll first if the current item is larger than the view."""
        if self._scroll_within_item(step):
            return
        target = self._model.find_selectable(self.cursor + step, step)
        if target is None:
            self.scroll_to(y=self._top + step * 3, animate=False, force=True)
        else:
            self.go_to(target)

    def move_page(self, step: int) -> None:
        """Move the cursor by a page, but at least by one item."""
        start, _ = self._get_item_lines(self.cursor)
        target = self._model.find_item(max(0, start + step * max(1, self.size.height - 1)))
        if target == self.cursor:
            self.move_cursor(step)
        elif not self._scroll_within_item(step):
            self._go_to_nearest(target, step)

    def _scroll_within_item(self, step: int) -> bool:
        """Scroll within an item that is larger than the view; return True if the view has moved."""
        top, height = self._top, self.size.height
        start, end = self._get_item_lines(self.cursor)
        rest = end - (top + height) if step > 0 else top - start
        if end - start <= height or rest <= 0:
            return False
        self.scroll_to(y=top + step * min(rest, height), animate=False, force=True)
        return True

    def move_to_end(self, step: int) -> None:
        """Go to the first item or to the last one."""
        self._go_to_nearest(0 if step < 0 else self._model.item_count - 1, step)

    def go_to(self, item: int) -> None:
        """Move the cursor to an item on the user's request."""
        if not 0 <= item < self._model.item_count:
            return
        self.show(self._model, item)
        self.scroll_to_cursor()
        self.post_message(self.CursorMoved(item))

    def render_line(self, y: int) -> Strip:
        """Render one visible line."""
        line, width = y + self._top, self.size.width
        known = self._strip_cache.get(line)
        if known is not None and known.cell_length == width:
            return known
        strips = Visual.to_strips(self, self._get_content_line(line), width, 1, self.visual_style, pad=True)
        self._strip_cache[line] = strips[0] if strips else Strip.blank(width)
        return self._strip_cache[line]

    def notify_style_update(self) -> None:
        """Repaint after a change of the theme."""
        super().notify_style_update()
        self._strip_cache.clear()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to the item under the pointer; a double click opens it."""
        if event.chain == 1:
            line = event.y + self._top
            item = self._model.find_item(line)
            is_item = line < self._model.height and self._model.is_selectable(item)
            self._clicked = item if is_item else None
        if self._clicked is not None:
            self.go_to(self._clicked)
            if event.chain == 2:
                self.post_message(self.ItemOpened(self._clicked))

    def _go_to_nearest(self, item: int, step: int) -> None:
        """Move the cursor to that item or to the nearest selectable one."""
        target = self._model.find_selectable(item, step)
        if target is None:
            target = self._model.find_selectable(item, -step)
        if target is not None:
            self.go_to(target)
        if step < 0 and target == self._model.find_selectable(0, 1):
            self.scroll_to(y=0, animate=False, force=True)

    def _get_item_lines(self, item: int) -> tuple[int, int]:
        """Return the first line of an item and the line after its last."""
        if not self._model.item_count:
            return 0, 0
        return self._model.starts[item], self._model.starts[item + 1]

    def scroll_to_cursor(self) -> None:
        """Scroll as little as possible to show the item under the cursor and a heading above it."""
        start, end = self._get_item_lines(self.cursor)
        above = self._model.find_selectable(self.cursor - 1, -1)
        if above is None and not self._model.is_selectable(0):
            start = 0
        elif self.cursor and not self._model.is_selectable(self.cursor - 1):
            start = self._get_item_lines(self.cursor - 1)[0]
        top, height = self._top, self.size.height
        if start < top or end - start > height:
            self.scroll_to(y=start, animate=False, force=True)
        elif end > top + height:
            self.scroll_to(y=end - height, animate=False, force=True)

    def _get_content_line(self, line: int) -> Content:
        if line not in self._content_cache:
            item = self._model.find_item(line)
            drawn = Content("")
            if line < self._model.height:
                drawn = self._model.draw(item, line - self._model.starts[item], item == self.cursor)
            if self.ascii:
                drawn = convert_marked_line(drawn)
            self._content_cache[line] = drawn
        return self._content_cache[line]


SEARCH_KEYS_FROM = 60
"""Columns from which the search bar names its keys."""


class SearchBar(Horizontal):
    """The search bar, hidden until opened; the screen handles `Input.Changed` and `Input.Submitted`."""

    DEFAULT_CSS = """
    SearchBar {
        height: 1;
        width: 1fr;
        display: none;
        background: $panel;
    }
    SearchBar.-open {
        display: block;
    }
    SearchBar Static {
        width: auto;
        height: 1;
        color: $selected;
        text-style: bold;
    }
    SearchBar #found {
        color: $muted;
        text-style: none;
    }
    SearchBar Input {
        width: 1fr;
        background: $panel;
        background-tint: $panel 0%;
    }
    """

    def __init__(self, hints: str) -> None:
        """Create a bar with these words about its keys."""
        super().__init__()
        self._hints = hints

    def compose(self) -> ComposeResult:
        """Create the slash, the field, and the number of matches with the keys."""
        yield Static(" / ", markup=False)
        yield Input(compact=True, select_on_focus=False, max_length=200)
        yield Static("", markup=False, id="found")

    @property
    def is_open(self) -> bool:
        """True if the bar is visible."""
        return self.has_class("-open")

    @property
    def search_text(self) -> str:
        """The search text; empty while the bar is closed."""
        return self.query_exactly_one(Input).value if self.is_open else ""

    def open(self) -> None:
        """Show the bar and focus its field."""
        self.add_class("-open")
        # Input.focus() waits for the messages of the app, among them the letters that were typed meanwhile.
        self.screen.set_focus(self.query_exactly_one(Input))

    def close(self) -> None:
        """Hide the bar and clear the search."""
        self.remove_class("-open")
        self.query_exactly_one(Input).value = ""

    def show_result(self, result: str) -> None:
        """Show the number of matches beside the text, and the keys if there is room."""
        has_keys = self.app.size.width >= SEARCH_KEYS_FROM
        parts = [result, self._hints if has_keys else ""]
        label, content = self.query_one("#found", Static), Content("   ".join(filter(None, parts)) + " ")
        if content != label.content:
            label.update(content)


class ClickableLine(Widget):
    """Shows pieces side by side and reports clicks on them."""

    DEFAULT_CSS = """
    ClickableLine {
        height: 1;
        width: 1fr;
    }
    """
    ALLOW_SELECT = False

    @dataclass
    class PieceClicked(Message):
        """A piece was clicked."""

        line: ClickableLine
        index: int
        """Index of the piece, from 0."""

        @property
        def control(self) -> ClickableLine:
            """The line that was clicked."""
            return self.line

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        """Create an empty line."""
        super().__init__(id=id)
        self._pieces: tuple[Content, ...] = ()
        self._line = Content("")

    def show(self, pieces: Sequence[Content]) -> None:
        """Show other pieces; repaint only if they look different."""
        self._pieces = tuple(pieces)
        line = Content("").join(self._pieces)
        if not line.is_same(self._line):
            self._line = line
            self.refresh()

    def render(self) -> Content:
        """Return the pieces as one line."""
        return self._line

    def on_click(self, event: events.Click) -> None:
        """Post the piece under the pointer."""
        end = 0
        for place, piece in enumerate(self._pieces):
            end += piece.cell_length
            if event.x < end:
                self.post_message(self.PieceClicked(self, place))
                return
