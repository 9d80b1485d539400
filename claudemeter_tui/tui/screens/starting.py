"""Screen until the first reading: a line and two keys, painted before slow imports."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from claudemeter_tui.tui.keys import FOOTER_KEYS

STARTING_KEYS = [key for key in FOOTER_KEYS if key.label in ("quit", "help")]


def describe_activity(note: str) -> str:
    """Return the current activity; a demo, which has a note, does not read claude.ai."""
    return "Reading …" if note else "Reading claude.ai …"


class StartingScreen(Screen[None]):
    """Screen before the dashboard, until there is something to show."""

    DEFAULT_CSS = """
    StartingScreen > .keys { dock: bottom; }
    """

    def __init__(self, note: str, *, ascii_only: bool) -> None:
        """Show a text beside the program's name, such as "demo"; empty for none."""
        super().__init__()
        self._note = f"  {note}" if note else ""
        said = describe_activity(note)
        self._activity = said.replace("…", "...") if ascii_only else said

    def compose(self) -> ComposeResult:
        """Create the name, the activity and, in more than one line, the keys."""
        yield Static(
            Content.assemble(
                (" claudemeter", "bold $foreground"),
                (self._note, "$accent"),
                (f"   {self._activity}", "$muted"),
            )
        )
        hints = [
            [(f"  {key.display}", "bold $foreground"), (f" {key.label}", "$muted")] for key in STARTING_KEYS
        ]
        line = Content.assemble(*(part for hint in hints for part in hint))
        yield Static(line[1:], classes="keys")  # one blank at the edge, two between keys

    def on_resize(self) -> None:
        """Hide the keys in a one-line pane."""
        # A screen that a signal closes loses its parts before this message arrives, or has never had them.
        is_shown = self.app.size.height > 1
        for part in self.query(".keys"):
            if part.display != is_shown:  # setting it would lay out everything again
                part.display = is_shown
