"""Help: keys, verdicts, marks and the source of the data."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from textual.content import Content

from claudemeter_tui import __version__
from claudemeter_tui.charts.time_axis import EVENT_MARKS
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.keys import KEY_GROUPS, Key
from claudemeter_tui.tui.screens.base import PageScreen
from claudemeter_tui.tui.screens.connect import CONNECT_KEYS
from claudemeter_tui.tui.screens.details import DETAILS_KEYS
from claudemeter_tui.tui.screens.overview import OVERVIEW_KEYS
from claudemeter_tui.tui.view import View

KEY_WIDTH = 13
"""Cells of the key column."""
COLUMN_WIDTH, COLUMN_GAP = 52, 3
"""Least cells of a column, and blanks between two columns."""
OTHER_KEY_GROUPS = (
    ("Overview", OVERVIEW_KEYS),
    ("Details", DETAILS_KEYS),
    ("Without a session", CONNECT_KEYS[:-1]),
)
"""Keys of the other screens."""
HelpSection = list[styled_text.StyledLine]
"""A heading and the lines below it."""

VERDICT_MEANINGS = (
    ("CAN WORK", "no plan-wide window is full"),
    (
        "ON CREDITS",
        "a plan-wide window is full (or the plan has none) and work continues on usage credits: real money",
    ),
    ("WAIT", "a plan-wide window is full; usage credits are off or not available"),
    ("BLOCKED", "a plan-wide window is full (or the plan has none) and usage credits are locked"),
    ("UNKNOWN", "no successful read for 15 minutes, or no figures at all"),
)
MARK_MEANINGS = (
    (
        styled_text.SEVERITY_MARKS[Severity.WARNING],
        styled_text.SEVERITY_STYLES[Severity.WARNING],
        "from 75%, or a warning from the server",
    ),
    (
        styled_text.SEVERITY_MARKS[Severity.CRITICAL],
        styled_text.SEVERITY_STYLES[Severity.CRITICAL],
        "from 90%, or critical according to the server",
    ),
    (
        styled_text.SEVERITY_MARKS[Severity.FULL],
        styled_text.SEVERITY_STYLES[Severity.FULL],
        "from 100%, or locked",
    ),
    (
        "┃",
        styled_text.HEADING,
        "elapsed time of the window: a bar beyond it is ahead of an even pace",
    ),
    ("·", styled_text.MUTED, "not known"),
    ("~", styled_text.MUTED, "a projection at the current pace"),
)
ABOUT = """\
claudemeter reads the replies behind claude.ai's usage page once a minute, using your browser's login. \
They are undocumented and change without notice; a missing figure is shown as not known, never guessed. \
Nothing is sent anywhere else.

CAN WORK · credits BLOCKED: the plan has room, but usage credits are locked: work stops when a plan window \
is full. One source reports that prompts are refused even before that; this is not confirmed.
"""


class HelpScreen(PageScreen):
    """The help screen."""

    def build_title(self, view: View) -> tuple[str, str]:  # noqa: ARG002
        """Return the title and the version."""
        return "Help", f"claudemeter-tui {__version__}"

    def build_content(self, view: View, width: int) -> Content:  # noqa: ARG002
        """Return keys, verdicts, marks and sources, side by side if there is room."""
        count = max(1, min(3, (width + COLUMN_GAP) // (COLUMN_WIDTH + COLUMN_GAP)))
        cells = (width + COLUMN_GAP) // count - COLUMN_GAP
        columns = [_stack_sections(sections) for sections in _build_columns(cells, count)]
        rows = zip_longest(*columns, fillvalue=styled_text.build_line())
        lines = [
            styled_text.join_pieces([styled_text.fit_line(line, cells) for line in row], " " * COLUMN_GAP)
            for row in rows
        ]
        return Content("\n").join(lines)


def _build_columns(width: int, count: int) -> list[list[HelpSection]]:
    """Return the sections of each column: keys, then verdicts and marks, then the keys of other screens."""
    keys, others = (
        [_build_key_section(*group, width) for group in groups] for groups in (KEY_GROUPS, OTHER_KEY_GROUPS)
    )
    seen = _build_meanings(width)
    return {1: [[*keys, *seen, *others]], 2: [[*keys, *others], seen]}.get(count, [keys, seen, others])


def _build_key_section(purpose: str, keys: Iterable[Key], width: int) -> HelpSection:
    return _build_section(
        purpose, [(styled_text.build_line((key.display, "$selected")), key.purpose) for key in keys], width
    )


def _build_meanings(width: int) -> list[HelpSection]:
    marks = [(styled_text.build_line((mark, style)), meaning) for mark, style, meaning in MARK_MEANINGS]
    letters = [(styled_text.build_line(each.letter), each.meaning) for each in EVENT_MARKS]
    about = [styled_text.wrap_text(text, width - 2) for text in ABOUT.strip().split("\n\n")]
    return [
        _build_section(
            "Verdicts", [(styled_text.build_line(name), meaning) for name, meaning in VERDICT_MEANINGS], width
        ),
        _build_section("Marks", marks, width),
        _build_section("Letters on the time axis", letters, width),
        [
            styled_text.build_line(("Where the figures come from", styled_text.HEADING)),
            *(styled_text.build_line("  ", line) for line in _stack_sections(about)),
        ],
    ]


def _build_section(
    title: str, terms: Iterable[tuple[styled_text.StyledLine, str]], width: int
) -> HelpSection:
    rows = [line for term, meaning in terms for line in _build_row(term, meaning, width)]
    return [styled_text.build_line((title, styled_text.HEADING)), *rows]


def _stack_sections(sections: Iterable[HelpSection]) -> HelpSection:
    """Stack the sections, separated by blank lines."""
    first, *others = sections
    return [*first, *(line for section in others for line in (styled_text.build_line(), *section))]


def list_key_groups() -> tuple[tuple[str, tuple[Key, ...]], ...]:
    """Return all groups of keys, including those of the other screens."""
    return (*KEY_GROUPS, *OTHER_KEY_GROUPS)


def _build_row(head: styled_text.StyledLine, meaning: str, width: int) -> list[styled_text.StyledLine]:
    """Return a term with its meaning beside it, wrapped between words."""
    rows = styled_text.wrap_text(meaning, width - KEY_WIDTH - 2)
    first = styled_text.build_line("  ", styled_text.fit_line(head, KEY_WIDTH), rows[0])
    return [first, *(styled_text.build_line(" " * (KEY_WIDTH + 2), row) for row in rows[1:])]
