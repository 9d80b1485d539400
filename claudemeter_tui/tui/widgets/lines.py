"""Many lines of which only the visible ones are ever drawn, with a cursor among them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from claudemeter_tui.tui.ink import plain

Draw = Callable[[int, int, bool], Content]
"""Item, line within it, whether the cursor is on it: one line of the width at hand."""


@dataclass(frozen=True)
class Sheet:
    """What is shown: items of one or more lines each."""

    starts: Sequence[int]
    """The first line of each item, and at the end the number of all lines."""
    draw: Draw
    rests: Callable[[int], bool] = lambda _: True
    """Whether the cursor can stand on an item; on headings it cannot."""

    @property
    def items(self) -> int:
        """How many there are."""
        return len(self.starts) - 1

    @property
    def height(self) -> int:
        """Lines of all items."""
        return self.starts[-1]

    def item_at(self, line: int) -> int:
        """The item that a line belongs to; the last one below the end."""
        return min(bisect_right(self.starts, line) - 1, self.items - 1)

    def nearest(self, item: int, step: int) -> int | None:
        """The first item from there on, in steps of 1 or -1, on which the cursor can stand."""
        while 0 <= item < self.items:
            if self.rests(item):
                return item
            item += step
        return None


EMPTY = Sheet((0,), lambda *_: Content(""))
"""Nothing to show."""


CURSOR = "▌"
"""Stands before the line under the cursor."""


def under_cursor(line: Content, width: int, *, selected: bool, mark: str = f"{CURSOR} ") -> Content:
    """The line with the cursor's mark before it, and its background; as many blanks without the cursor."""
    if not selected:
        return Content.assemble(" " * len(mark), line).truncate(width, pad=True)
    whole = Content.assemble((mark, "$selected"), line).truncate(width, pad=True)
    return whole.stylize_before("on $panel")


def lit(line: Content, sought: re.Pattern[str] | None) -> Content:
    """The line with everything lit that is looked for."""
    for match in sought.finditer(line.plain) if sought is not None else ():
        line = line.stylize("$background on $selected", *match.span())
    return line


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """A sheet that scrolls; the screen around it has the keys.

    Textual's own table costs more than twice the time to open and moves the cursor with the row's number.
    """

    DEFAULT_CSS = """
    Lines {
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
    class Moved(Message):
        """The cursor stands on another item, because the person wanted it."""

        item: int

    @dataclass
    class Opened(Message):
        """An item was double-clicked."""

        item: int

    def __init__(self) -> None:
        """Begin without lines."""
        super().__init__()
        self.ascii = False
        """Draw with ASCII alone."""
        self._sheet = EMPTY
        self._cursor = 0
        self._drawn: dict[int, Content] = {}
        self._strips: dict[int, Strip] = {}

    @property
    def cursor(self) -> int:
        """The item under the cursor; 0 without any."""
        return self._cursor

    @property
    def _top(self) -> int:
        """The first visible line."""
        return round(self.scroll_offset.y)

    @property
    def columns(self) -> int:
        """Cells of a line: the scrollbar's column is always kept free."""
        return max(1, self.container_size.width - 1)

    def show(self, sheet: Sheet, cursor: int = 0) -> None:
        """Show this with the cursor there, and repaint only the lines that look different."""
        moved = cursor != self._cursor
        old, same = self._drawn, sheet.height == self._sheet.height
        self._sheet, self._cursor, self._drawn = sheet, max(0, min(cursor, sheet.items - 1)), {}
        self.virtual_size = Size(self.columns, sheet.height)
        if moved:
            self.reveal()
        strips, self._strips = self._strips, {}
        for line in self._visible():
            known = old.get(line)
            if known is not None and line in strips and known.is_same(self._content(line)):
                self._strips[line] = strips[line]
            else:
                self.refresh_line(line)
        if not same:
            self.refresh()

    def move(self, step: int) -> None:
        """Go to the next item in that direction; first scroll through one that is larger than the view."""
        if self._scrolled_through(step):
            return
        found = self._sheet.nearest(self._cursor + step, step)
        if found is None:
            self.scroll_to(y=self._top + step * 3, animate=False, force=True)
        else:
            self.go(found)

    def page(self, step: int) -> None:
        """Go on by what is visible, at least by an item."""
        start, _ = self._span(self._cursor)
        target = self._sheet.item_at(max(0, start + step * max(1, self.size.height - 1)))
        if target == self._cursor:
            self.move(step)
        elif not self._scrolled_through(step):
            self._go_near(target, step)

    def _scrolled_through(self, step: int) -> bool:
        """Whether there was more to see of an item that is larger than the view."""
        top, height = self._top, self.size.height
        start, end = self._span(self._cursor)
        rest = end - (top + height) if step > 0 else top - start
        if end - start <= height or rest <= 0:
            return False
        self.scroll_to(y=top + step * min(rest, height), animate=False, force=True)
        return True

    def end(self, step: int) -> None:
        """Go to the first item or to the last one."""
        self._go_near(0 if step < 0 else self._sheet.items - 1, step)

    def go(self, item: int) -> None:
        """Put the cursor there, by the person's wish."""
        if not 0 <= item < self._sheet.items:
            return
        self.show(self._sheet, item)
        self.reveal()
        self.post_message(self.Moved(item))

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        line, width = y + self._top, self.size.width
        known = self._strips.get(line)
        if known is not None and known.cell_length == width:
            return known
        strips = Visual.to_strips(self, self._content(line), width, 1, self.visual_style, pad=True)
        self._strips[line] = strips[0] if strips else Strip.blank(width)
        return self._strips[line]

    def notify_style_update(self) -> None:
        """The theme has changed."""
        super().notify_style_update()
        self._strips.clear()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to the item under the pointer; the second click opens it."""
        line = event.y + self._top
        if line >= self._sheet.height:
            return
        item = self._sheet.item_at(line)
        if self._sheet.rests(item):
            self.go(item)
            if event.chain == 2:
                self.post_message(self.Opened(item))

    def _go_near(self, item: int, step: int) -> None:
        """To that item, or to the nearest one on which the cursor can stand."""
        found = self._sheet.nearest(item, step)
        found = self._sheet.nearest(item, -step) if found is None else found
        if found is not None:
            self.go(found)
        if step < 0 and found == self._sheet.nearest(0, 1):
            self.scroll_to(y=0, animate=False, force=True)

    def _span(self, item: int) -> tuple[int, int]:
        """The first line of an item, and the one after its last."""
        if not self._sheet.items:
            return 0, 0
        return self._sheet.starts[item], self._sheet.starts[item + 1]

    def reveal(self) -> None:
        """Scroll as little as it takes to see the item under the cursor, with a heading above it."""
        start, end = self._span(self._cursor)
        above = self._sheet.nearest(self._cursor - 1, -1)
        if above is None and not self._sheet.rests(0):
            start = 0
        elif self._cursor and not self._sheet.rests(self._cursor - 1):
            start = self._span(self._cursor - 1)[0]
        top, height = self._top, self.size.height
        if start < top or end - start > height:
            self.scroll_to(y=start, animate=False, force=True)
        elif end > top + height:
            self.scroll_to(y=end - height, animate=False, force=True)

    def _visible(self) -> range:
        return range(self._top, self._top + self.size.height)

    def _content(self, line: int) -> Content:
        if line not in self._drawn:
            self._drawn[line] = self._draw(line) if line < self._sheet.height else Content("")
        return self._drawn[line]

    def _draw(self, line: int) -> Content:
        item = self._sheet.item_at(line)
        selected = item == self._cursor
        drawn = self._sheet.draw(item, line - self._sheet.starts[item], selected)
        if not self.ascii:
            return drawn
        marked = selected and drawn.plain.startswith(CURSOR)
        return Content.assemble((">", "$selected"), plain(drawn[1:])) if marked else plain(drawn)
