"""The footer: the most important keys of a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.styled_text import HEADING, MUTED, StyledLine, build_line
from claudemeter_tui.tui.widgets.line_widget import LineWidget

HINT_GAP = 2
"""Blanks between two hints."""


class KeyHints(LineWidget):
    """The first hints, as many whole ones as fit beside a blank at each end; each is clickable."""

    ALLOW_SELECT = False

    @dataclass
    class HintClicked(Message):
        """A hint was clicked."""

        action: str

    def __init__(self, keys: Sequence[Key]) -> None:
        """Show these keys, most important first."""
        super().__init__()
        self._keys = tuple(keys)

    def show(self, keys: Sequence[Key]) -> None:
        """Show other keys."""
        if self._keys != tuple(keys):
            self._keys = tuple(keys)
            self.redraw()

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw the keys with their labels."""
        shown = [
            build_line((key.display, HEADING), (f" {key.label}", MUTED))
            for _, _, key in self._locate_hints(width)
        ]
        return [build_line(" ", build_line(" " * HINT_GAP).join(shown))]

    def on_click(self, event: events.Click) -> None:
        """Post the action of the clicked hint."""
        for start, end, key in self._locate_hints(self.content_size.width):
            if start <= event.x < end and key.action:
                self.post_message(self.HintClicked(key.action))

    def _locate_hints(self, width: int) -> list[tuple[int, int, Key]]:
        places, column = [], 1
        for key in self._keys:
            end = column + build_line(f"{key.display} {key.label}").cell_length
            if end >= width:  # a rarer key that fits would be shown without a more frequent one
                break
            places.append((column, end, key))
            column = end + HINT_GAP
        return places
