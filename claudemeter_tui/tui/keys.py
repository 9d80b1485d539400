"""All keys of the dashboard: the source of bindings, footer, help and palette."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """One action and its keys."""

    keys: str
    """Textual's key names, separated by commas."""
    display: str
    """Text on screen: "1-9", "← →"."""
    action: str
    label: str
    """Label in the footer, one or two words."""
    purpose: str
    """Short verb phrase for help and README, without a full stop."""
    palette_title: str = ""
    """Title in the command palette. Empty if the palette does not list it."""

    def build_binding(self) -> Binding:
        """Return the Textual binding."""
        return Binding(self.keys, self.action, self.label, show=False, key_display=self.display)

    def keep_names(self, is_kept: Callable[[str], bool]) -> Key:
        """Return the key with those of its names on screen that are kept."""
        return self._replace(display=" ".join(filter(is_kept, self.display.split())))


KeyGroup = tuple[str, tuple[Key, ...]]
"""Keys under a title."""

ORG_KEYS = (
    Key("right,tab", "→ Tab", "neighbour(1)", "next", "next org", "Next org"),
    Key("left,shift+tab", "← Shift+Tab", "neighbour(-1)", "previous", "previous org", "Previous org"),
    Key("slash", "/", "find_org", "find", "jump to an org by name", "Find org"),
)
NUMBER_KEYS = tuple(
    Key(str(number), str(number), f"pick({number})", str(number), "") for number in range(1, 10)
)

CHART_KEYS = (
    Key("plus,equals_sign", "+", "span(1)", "longer", "show a longer period", "Longer chart"),
    Key("minus", "-", "span(-1)", "shorter", "show a shorter period", "Shorter chart"),
    Key("w", "w", "windows", "chart", "switch chart: limits / credits", "Switch chart"),
)
SCREEN_KEYS = (
    Key("o", "o", "open('overview')", "overview", "show all orgs, worst first", "Overview"),
    Key("d", "d", "open('details')", "details", "show every figure of the org, and the replies", "Details"),
    Key("h", "h", "open('history')", "history", "show past hours, cycles, stops and spending", "History"),
    Key("l", "l", "open('machine')", "machine", "show Claude Code on this machine", "This machine"),
)
READING_KEYS = (
    Key("r", "r", "refresh", "refresh", "refresh everything now", "Refresh"),
    Key("e", "e", "open('events')", "events", "show open problems and recent events", "Events"),
    Key("u", "u", "usage_page", "web", "open claude.ai's usage page in the browser", "Open usage page"),
)
PAST_KEYS = (
    Key(
        "left_square_bracket",
        "[",
        "past(-1)",
        "earlier",
        "show the org at its previous event",
        "Earlier",
    ),
    Key("right_square_bracket", "]", "past(1)", "later", "show it at the next event, or now", "Later"),
)
SHARING_KEYS = (
    Key("p", "p", "privacy", "privacy", "hide or show names on screen", "Privacy"),
    Key(
        "s",
        "s",
        "save_picture",
        "screenshot",
        "save a screenshot for a bug report (nothing personal)",
        "Screenshot",
    ),
    Key("S,upper_s", "S", "save_seen", "as shown", "save the screen as shown (asks first)"),
)
PROGRAM_KEYS = (
    Key("question_mark", "?", "open('help')", "help", "show keys, verdicts and marks", "Help"),
    Key("escape", "Esc", "close", "close", "close this screen"),
    Key("t", "t", "open('themes')", "theme", "choose a colour theme", "Theme"),
    Key("ctrl+p", "Ctrl+P", "command_palette", "palette", "find a command by name"),
    Key("ctrl+z", "Ctrl+Z", "suspend_process", "suspend", "suspend the program (fg resumes it)"),
    Key("ctrl+c", "Ctrl+C", "quit", "", "copy the selected text, or quit"),
    Key("q", "q", "quit", "quit", "quit", "Quit"),
)
KEY_GROUPS: tuple[KeyGroup, ...] = (
    ("Orgs", (Key("", "1-9", "", "org", "org by number"), *ORG_KEYS)),
    ("Screens", SCREEN_KEYS),
    ("Data", READING_KEYS),
    ("Chart", CHART_KEYS),
    ("Past", PAST_KEYS),
    ("Sharing", SHARING_KEYS),
    ("Program", PROGRAM_KEYS),
)
"""The groups of keys in the help."""

HELP_KEY = PROGRAM_KEYS[0]
"""Key of the help, in the footer of every screen behind the key that leaves the screen."""
PERIOD_HINT = Key("", "+ -", "", "period", "")
"""Hint of the keys that change the period of a chart or a page."""
FOOTER_KEYS = (
    PROGRAM_KEYS[-1],
    HELP_KEY,
    READING_KEYS[0],
    Key("", "1-9", "", "org", ""),
    SCREEN_KEYS[0],
    SCREEN_KEYS[1],
    READING_KEYS[1],
    SCREEN_KEYS[2],
    SCREEN_KEYS[3],
    SHARING_KEYS[1],
    SHARING_KEYS[0],
    PERIOD_HINT,
    READING_KEYS[2],
)
"""Keys in the footer of the dashboard, most used first."""

BOUND_KEYS = (
    *(*ORG_KEYS, *NUMBER_KEYS, *SCREEN_KEYS, *READING_KEYS),
    *(*CHART_KEYS, *PAST_KEYS, *SHARING_KEYS, *PROGRAM_KEYS),
)
"""All bound keys."""
