"""One line at the foot of a pane that is too small for a toast."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from claudemeter_tui.tui import ink


class Remark(Widget):
    """Lies over the last line for a few seconds."""

    DEFAULT_CSS = """
    Remark {
        layer: _toastrack;
        dock: bottom;
        height: 1;
        width: 100%;
        background: $panel;
        color: $foreground;
    }
    Remark.-error {
        color: $error;
    }
    """
    SECONDS: ClassVar[float] = 4
    """How long it stays."""

    def __init__(self, text: str, *, error: bool, ascii_only: bool) -> None:
        """Say this, in ASCII alone if wanted."""
        super().__init__(classes="-error" if error else None)
        self._text = " ".join(text.split())
        self._ascii = ascii_only

    def render(self) -> Content:
        """As much of it as fits."""
        line = ink.fit(ink.text(" ", self._text), self.size.width)
        return ink.plain(line) if self._ascii else line

    def on_mount(self) -> None:
        """Go after a while."""
        self.set_timer(self.SECONDS, self.remove)


def say(screen: Screen[Any], remark: Remark) -> None:
    """Say it on this screen, instead of what was said there last."""
    screen.query(Remark).remove()
    screen.mount(remark)
