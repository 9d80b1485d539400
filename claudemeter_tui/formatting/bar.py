"""Print the line of a status bar as plain text, in colours, or as JSON.

A bar does it every few seconds, so this module loads little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.template import fill_template

COLORS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "tmux": ("#[{}]", "#[default]", {"warning": "fg=yellow", "critical": "fg=red", "full": "fg=red,bold"}),
    "ansi": ("\x1b[{}m", "\x1b[0m", {"warning": "33", "critical": "31", "full": "1;31"}),
}
"""Start, end and styles of each kind of colours by the name of a severity; normal has none."""
JSON_STYLE = "json"
"""The style of a line that is an object."""
_TOOLTIP = (
    ("org", "{org} · {plan}"),
    ("text", "{text}"),
    ("session", "5-hour {session}"),
    ("weekly", "7-day {weekly}"),
    ("credits", "credits {credits}"),
    ("balance", "balance {balance}"),
    ("age", "updated {age}"),
)
"""Lines of the tooltip; each is left out if its first placeholder is empty."""


class BarState(NamedTuple):
    """The state of an org for a bar that shows more than a text."""

    state: str
    """The verdict, such as `blocked`; `credits_blocked` or `spending` beside CAN WORK."""
    severity: str
    """`normal`, `warning`, `critical` or `full`."""
    percent: int | None
    """Percent of the limiting window, else of the fullest one. None if it is not known now."""
    tooltip: Sequence[str]
    """Lines with more details."""
    is_stale: bool
    """True if the figures are out of date."""


def list_tooltip(texts: Mapping[str, str]) -> list[str]:
    """Return the lines of a tooltip from the text of each placeholder."""
    return [fill_template(line, texts) for name, line in _TOOLTIP if texts[name]]


def style_line(text: str, state: BarState, style: str) -> str:
    """Return a line in a style: empty for plain text, `json`, or one of `COLORS`."""
    if style == JSON_STYLE:
        return json.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "text": text,
                "tooltip": "\n".join(state.tooltip),
                "class": [state.state, state.severity, *(["stale"] if state.is_stale else [])],
                "percentage": state.percent,
            }
        )
    if style == "tmux":
        text = text.replace("#", "##")  # an org's name must not become a format
    if not style:
        return text
    start, end, styles = COLORS[style]
    code = styles.get(state.severity)
    return text if code is None else f"{start.format(code)}{text}{end}"
