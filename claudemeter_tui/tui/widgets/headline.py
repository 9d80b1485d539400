"""One line above a list, made of pieces that can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Headline(Widget):
    """Shows pieces side by side and tells which one was clicked."""

    DEFAULT_CSS = """
    Headline {
        height: 1;
        width: 1fr;
    }
    """
    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """A piece was clicked."""

        headline: Headline
        place: int
        """Of the piece, from 0."""

        @property
        def control(self) -> Headline:
            """Where it was clicked."""
            return self.headline

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        """Begin empty."""
        super().__init__(id=id)
        self._pieces: tuple[Content, ...] = ()
        self._line = Content("")

    def show(self, pieces: Sequence[Content]) -> None:
        """Show these; repaint only if they look different."""
        self._pieces = tuple(pieces)
        line = Content("").join(self._pieces)
        if not line.is_same(self._line):
            self._line = line
            self.refresh()

    def render(self) -> Content:
        """The pieces, one after another."""
        return self._line

    def on_click(self, event: events.Click) -> None:
        """Tell which piece is under the pointer."""
        end = 0
        for place, piece in enumerate(self._pieces):
            end += piece.cell_length
            if event.x < end:
                self.post_message(self.Chosen(self, place))
                return
