"""Base class of the widgets: renders a view as lines of styled text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.css.styles import RulesMap
from textual.geometry import Size
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

from claudemeter_tui.tui.styled_text import StyledLine, convert_to_ascii
from claudemeter_tui.tui.view import View


class StyledLines(Visual):
    """Lines that already fit the widget.

    Textual would join them into one text, wrap and cut it and look for links in it, which takes longer than
    painting.
    """

    def __init__(self, lines: Sequence[StyledLine], *, selectable: bool) -> None:
        """Set the lines from top to bottom, and whether the mouse can select text."""
        self.lines, self._selectable = lines, selectable

    def render_strips(
        self,
        width: int,  # noqa: ARG002
        height: int | None,
        style: Style,
        options: RenderOptions,
    ) -> list[Strip]:
        """Paint every line and mark the selection."""
        return [self._render_strip(y, line, style, options) for y, line in enumerate(self.lines[:height])]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        """Return the width of the widest line."""
        return max((line.cell_length for line in self.lines), default=0)

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        """Return the number of lines."""
        return len(self.lines)

    def looks_like(self, other: StyledLines) -> bool:
        """True if both look the same."""
        pairs = zip(self.lines, other.lines, strict=False)
        return len(self.lines) == len(other.lines) and all(
            line.is_same(other_line) for line, other_line in pairs
        )

    def _render_strip(self, y: int, line: StyledLine, style: Style, options: RenderOptions) -> Strip:
        span = options.selection.get_span(y) if options.selection else None
        if span is not None and options.selection_style is not None:
            start, end = span
            line = line.stylize(options.selection_style, start, len(line) if end == -1 else end)
        pieces = line.render(style, end="", parse_style=options.get_style)
        if not self._selectable:
            return Strip([Segment(text, own.rich_style) for text, own in pieces], line.cell_length)
        x, segments = 0, []
        for text, own in pieces:
            segments.append(Segment(text, own.rich_style_with_offset(x, y)))
            x += len(text)
        return Strip(segments, line.cell_length)


class LineWidget(Widget):
    """Base class of widgets: draws a view as text and repaints only if the text has changed."""

    view: var[View] = var(View(), init=False)
    """The view to draw."""
    auto_links = var(False)

    _drawn: StyledLines | None = None
    """Lines on screen."""
    _prepared: tuple[Size, StyledLines] | None = None
    """Lines drawn to detect a change, kept for the next paint."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw at most `height` lines of at most `width` cells."""
        raise NotImplementedError

    def render(self) -> StyledLines:
        """Return the lines at the current size."""
        ready, self._prepared = self._prepared, None
        fits = ready is not None and ready[0] == self.content_size
        self._drawn = ready[1] if ready is not None and fits else self._draw_styled_lines()
        return self._drawn

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text."""
        text = "\n".join(line.plain for line in self._draw_styled_lines().lines)
        return selection.extract(text), "\n"

    def watch_view(self) -> None:
        """Repaint if anything looks different."""
        self._prepared = None
        if self._drawn is None:
            self.refresh()
            return
        picture = self._draw_styled_lines()
        if not picture.looks_like(self._drawn):
            self._prepared = self.content_size, picture
            self.refresh()

    def show_after_resize(self, view: View) -> None:
        """Set the view and draw it once, at the size that the widget is about to get."""
        self.set_reactive(LineWidget.view, view)
        self.redraw()

    def redraw(self) -> None:
        """Redraw a widget that depends on more than the view."""
        self._prepared = None
        self.refresh()

    def _draw_styled_lines(self) -> StyledLines:
        width, height = self.content_size
        lines = self.draw(width, height)[:height] if width > 0 and height > 0 else []
        if self.view.ascii:
            lines = [convert_to_ascii(line) for line in lines]
        return StyledLines(lines, selectable=self.ALLOW_SELECT)
