"""What is on screen until anything has been read: two words, painted before anything heavy is loaded."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from claudemeter_tui.tui.options import Options

READING = "Reading claude.ai …"


class Starting(Screen[None]):
    """The dashboard's place until there is something to show on it."""

    def __init__(self, options: Options) -> None:
        """Begin as wanted."""
        super().__init__()
        self._note = f"  {options.note}" if options.note else ""
        self._reading = READING.replace("…", "...") if options.ascii else READING

    def compose(self) -> ComposeResult:
        """The name, and what is being done."""
        yield Static(
            Content.assemble(
                (" claudemeter", "bold $foreground"),
                (self._note, "$accent"),
                (f"   {self._reading}", "$muted"),
            )
        )
