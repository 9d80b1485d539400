"""Base class of the widgets: renders a view as lines of styled text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.content import Content
from textual.css.styles import RulesMap
from textual.geometry import Size
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widget import Widget

from claudemeter_tui.tui.styled_text import StyledLine, build_line, convert_to_ascii, fit_line, frame_lines
from claudemeter_tui.tui.view import View


class StyledLines(Visual):
    """Lines that already fit the widget.

    Textual would join the lines into one text, wrap and cut it, and search it for links, which takes longer
    than painting.
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
        strips = []
        for y, line in enumerate(self.lines[:height]):
            marked, x, segments = line, 0, []
            if options.selection and options.selection_style and (span := options.selection.get_span(y)):
                start, end = span
                marked = line.stylize(options.selection_style, start, len(line) if end == -1 else end)
            for text, own in marked.render(style, end="", parse_style=options.get_style):
                # Textual finds the character under the mouse by this offset; set it only if needed, because
                # it is slow.
                rich_style = own.rich_style_with_offset(x, y) if self._selectable else own.rich_style
                segments.append(Segment(text, rich_style))
                x += len(text)
            strips.append(Strip(segments, line.cell_length))
        return strips

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002
        """Return the width of the widest line."""
        return max((line.cell_length for line in self.lines), default=0)

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002
        """Return the number of lines."""
        return len(self.lines)

    def looks_like(self, other: StyledLines) -> bool:
        """True if both lines look the same."""
        return len(self.lines) == len(other.lines) and all(map(Content.is_same, self.lines, other.lines))


def indent_lines(lines: list[StyledLine], width: int) -> list[StyledLine]:
    """Return the lines indented by one blank, each in exactly `width` cells."""
    return [fit_line(build_line(" ", line), width) for line in lines]


class LineWidget(Widget):
    """Base class of widgets: draws a view as text and repaints only if the text has changed."""

    DEFAULT_CSS = """
    LineWidget { height: 1; width: 1fr; }
    """

    view: var[View] = var(View(), init=False)
    """The view to draw."""
    auto_links = var(False)

    _drawn: StyledLines | None = None
    """Lines on screen."""
    _prepared: tuple[Size, StyledLines] | None = None
    """Lines that were drawn to detect a change, kept for the next paint."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw at most `height` lines of at most `width` cells."""
        raise NotImplementedError

    def compute_inner_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the cells and lines of a panel inside its frame, or inside its margins without a frame."""
        return (width - 4, height - 2) if self.view.layout.framed else (width - 2, height)

    def draw_panel(
        self, head: tuple[StyledLine, StyledLine], lines: list[StyledLine], width: int, height: int
    ) -> list[StyledLine]:
        """Return the lines in a frame with title and note, or only the lines if the layout has no frames."""
        if not self.view.layout.framed:
            return indent_lines(lines, width)
        blank = [build_line()] * (height - 2 - len(lines))
        return frame_lines(*head, [*lines, *blank], width)

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
        """Set the view and draw it once, at the size that the widget will have."""
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
