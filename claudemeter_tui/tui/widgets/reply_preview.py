"""The reply of the figure under the cursor, beside the figures of a wide pane."""

from __future__ import annotations

from claudemeter_tui.tui.styled_text import HEADING, StyledLine, build_line, frame_lines
from claudemeter_tui.tui.widgets.details_pages import ReplyPage
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.list_view import convert_marked_line

FRAME_WIDTH, FRAME_HEIGHT = 4, 2
"""Cells and lines of the frame."""
LINES_ABOVE = 3
"""Share of the lines that are above the line of the figure, as a divisor."""


class ReplyPreview(LineWidget):
    """A frame with the part of a reply around the line of a figure, which is marked."""

    DEFAULT_CSS = """
    ReplyPreview { display: none; height: 1fr; }
    ReplyPreview.-shown { display: block; }
    """
    ALLOW_SELECT = False

    _title: str = ""
    _page: ReplyPage | None = None
    _item: int | None = None
    _has_space: bool = False

    def show_reply(self, title: str, page: ReplyPage, item: int | None, *, has_space: bool) -> None:
        """Show a reply; repaint only if it looks different.

        Args:
            title: name of the reply.
            page: its lines, as wide as the inside of the frame.
            item: the line of the figure. None if the figure has no single line.
            has_space: True for a blank line above the frame.
        """
        self._title, self._page, self._item, self._has_space = title, page, item, has_space
        self.watch_view()

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the frame with as many lines as fit."""
        if self._page is None:
            return []
        above = [build_line()] * self._has_space
        room = height - len(above) - FRAME_HEIGHT
        model = self._page.build_list()
        start = max(0, min((self._item or 0) - room // LINES_ABOVE, model.item_count - room))
        shown = range(start, min(start + room, model.item_count))
        lines = [model.draw(item, 0, item == self._item) for item in shown]
        if self.view.ascii:
            lines = [convert_marked_line(line) for line in lines]
        lines += [build_line()] * (room - len(lines))
        return [*above, *frame_lines(build_line((self._title, HEADING)), build_line(), lines, width)]
