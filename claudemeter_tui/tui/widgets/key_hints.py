"""The footer: the few keys that matter here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.widgets.drawing import Drawing

BETWEEN = 2
"""Blanks between two hints."""


class KeyHints(Drawing):
    """As many whole hints as fit; each can be clicked."""

    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """A hint was clicked."""

        action: str

    def __init__(self, keys: Sequence[Key]) -> None:
        """Show these, the most needed first."""
        super().__init__()
        self._keys = tuple(keys)

    def show(self, keys: Sequence[Key]) -> None:
        """Show these from now on."""
        self._keys = tuple(keys)
        self.redraw()

    def draw(self, width: int, height: int) -> list[ink.Line]:  # noqa: ARG002
        """Keys and what they do."""
        parts = [ink.text(" ")]
        for start, _, key in self._places(width):
            gap = " " * (start - sum(part.cell_length for part in parts))
            parts += [ink.text(gap), ink.text((key.shown, ink.TITLE), (f" {key.label}", ink.MUTED))]
        return [ink.text(*parts)]

    def on_click(self, event: events.Click) -> None:
        """Ask for what the hint under the pointer says."""
        for start, end, key in self._places(self.content_size.width):
            if start <= event.x < end and key.action:
                self.post_message(self.Chosen(key.action))

    def _places(self, width: int) -> list[tuple[int, int, Key]]:
        places, column = [], 1
        for key in self._keys:
            end = column + ink.text(f"{key.shown} {key.label}").cell_length
            if end <= width:
                places.append((column, end, key))
                column = end + BETWEEN
        return places
