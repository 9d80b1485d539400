"""The line in which people type what they look for."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static


class Find(Horizontal):
    """Hidden until it is opened; the screen hears `Input.Changed` and `Input.Submitted`."""

    DEFAULT_CSS = """
    Find {
        height: 1;
        width: 1fr;
        display: none;
        background: $panel;
    }
    Find.-open {
        display: block;
    }
    Find Static {
        width: auto;
        height: 1;
        color: $selected;
        text-style: bold;
    }
    Find #found {
        color: $muted;
        text-style: none;
    }
    Find Input {
        width: 1fr;
        background: $panel;
        background-tint: $panel 0%;
    }
    """

    def compose(self) -> ComposeResult:
        """A slash, what is typed, what it finds."""
        yield Static(" / ", markup=False)
        yield Input(compact=True, select_on_focus=False, max_length=200)
        yield Static("", markup=False, id="found")

    @property
    def is_open(self) -> bool:
        """Whether it is on screen."""
        return self.has_class("-open")

    @property
    def wanted(self) -> str:
        """What is looked for; empty while it is closed."""
        return self.query_exactly_one(Input).value if self.is_open else ""

    def open(self) -> None:
        """Show it and take the keys."""
        self.add_class("-open")
        self.query_exactly_one(Input).focus()

    def close(self) -> None:
        """Forget what was looked for."""
        self.remove_class("-open")
        self.query_exactly_one(Input).value = ""

    def say(self, found: str) -> None:
        """How much is found, beside it."""
        told = self.query_one("#found", Static)
        if Content(f"{found} ") != told.content:
            told.update(Content(f"{found} "))
