"""Every key of the dashboard, in one table: bindings, footer, help and palette are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One action and the keys that call it."""

    keys: str
    """As Textual names them, joined by commas."""
    display: str
    """For people: "1-9", "← →"."""
    action: str
    label: str
    """One word, for the footer."""
    purpose: str
    """What it does, for the help; a phrase without a full stop."""
    palette_title: str = ""
    """Its title in the command palette; empty where a command would make no sense."""

    def build_binding(self) -> Binding:
        """As Textual wants it."""
        return Binding(self.keys, self.action, self.label, show=False, key_display=self.display)


ORG_KEYS = (
    Key("right,tab", "→ Tab", "neighbour(1)", "next", "the next org", "Next org"),
    Key("left,shift+tab", "← Shift+Tab", "neighbour(-1)", "previous", "the org before", "Previous org"),
)
NUMBER_KEYS = tuple(
    Key(str(number), str(number), f"pick({number})", str(number), "") for number in range(1, 10)
)
NUMBER_KEYS_ENTRY = Key("", "1-9", "", "org", "the org of that number")
"""How the nine number keys are shown: as one."""

CHART_KEYS = (
    Key("plus,equals_sign", "+", "span(1)", "longer", "let the chart look further back", "Longer chart"),
    Key("minus", "-", "span(-1)", "shorter", "let the chart look less far back", "Shorter chart"),
    Key("w", "w", "windows", "windows", "let the chart show the windows or the credits", "Chart the windows"),
)
SCREEN_KEYS = (
    Key("o", "o", "overview", "all orgs", "all orgs at once, worst first", "Show all orgs"),
    Key("d", "d", "details", "details", "every figure of the org, and the replies", "Show details"),
)
READING_KEYS = (
    Key("r", "r", "refresh", "refresh", "poll now, the slow replies too", "Refresh now"),
    Key(
        "e",
        "e",
        "happenings",
        "events",
        "what has happened, and the open problems",
        "Show events",
    ),
    Key("u", "u", "usage_page", "web", "open claude.ai's usage page in the browser", "Open usage page"),
)
SHARING_KEYS = (
    Key("p", "p", "privacy", "privacy", "hide everything personal, or show it again", "Hide personal data"),
    Key(
        "s",
        "s",
        "save_picture",
        "picture",
        "save a picture for a bug report, nothing personal",
        "Save picture",
    ),
    Key("S,upper_s", "S", "save_seen", "as seen", "save a picture of what is seen, after asking"),
)
PROGRAM_KEYS = (
    Key("question_mark", "?", "help", "help", "this help", "Show help"),
    Key("escape", "Esc", "close", "close", "close what is open"),
    Key("t", "t", "change_theme", "theme", "choose the colours", "Choose colours"),
    Key("ctrl+p", "Ctrl+P", "command_palette", "palette", "the same actions by name"),
    Key("ctrl+z", "Ctrl+Z", "suspend_process", "suspend", "suspend the program; fg brings it back"),
    Key("ctrl+c", "Ctrl+C", "quit", "", "copy what the mouse has selected, or quit"),
    Key("q", "q", "quit", "quit", "quit", "Quit"),
)
KEY_GROUPS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    ("Orgs", (NUMBER_KEYS_ENTRY, *ORG_KEYS)),
    ("Screens", SCREEN_KEYS),
    ("Reading", READING_KEYS),
    ("Chart", CHART_KEYS),
    ("Sharing", SHARING_KEYS),
    ("Program", PROGRAM_KEYS),
)
"""For the help: keys by purpose."""

FOOTER_KEYS = (
    PROGRAM_KEYS[-1],
    READING_KEYS[0],
    PROGRAM_KEYS[0],
    Key("", "1-9 ←→", "", "org", ""),
    SCREEN_KEYS[0],
    SCREEN_KEYS[1],
    READING_KEYS[1],
    SHARING_KEYS[1],
    SHARING_KEYS[0],
    READING_KEYS[2],
)
"""The few that matter, for the footer."""

BOUND_KEYS = (*ORG_KEYS, *NUMBER_KEYS, *SCREEN_KEYS, *READING_KEYS, *CHART_KEYS, *SHARING_KEYS, *PROGRAM_KEYS)
"""All that are bound."""
