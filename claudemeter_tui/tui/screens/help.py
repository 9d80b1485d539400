"""All keys by purpose, what the marks mean, where the data come from."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from textual.content import Content

from claudemeter_tui import __version__
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import chart
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import GROUPS, Key
from claudemeter_tui.tui.screens.connect import DOINGS
from claudemeter_tui.tui.screens.details import DETAILS_KEYS
from claudemeter_tui.tui.screens.overview import OVERVIEW_KEYS
from claudemeter_tui.tui.screens.page import Page
from claudemeter_tui.tui.view import View

KEY = 13
"""Cells of the column of keys."""
COLUMN, BETWEEN = 52, 3
"""Least cells of a column, and blanks between two."""
OTHERS = (("All orgs", OVERVIEW_KEYS), ("Details", DETAILS_KEYS), ("Without a session", DOINGS[:-1]))
"""The keys of other screens, by purpose."""
Section = list[ink.Line]
"""A heading and what stands below it."""

VERDICTS = (
    ("CAN WORK", "no plan-wide window is full"),
    (
        "ON CREDITS",
        "a plan-wide window is full, or there is none, and work goes on metered credits: money is spent",
    ),
    ("WAIT", "a plan-wide window is full, and credits are off or absent"),
    ("BLOCKED", "a plan-wide window is full, or there is none, and the credits are locked"),
    ("UNKNOWN", "nothing good was read for 15 minutes, or there are no figures at all"),
)
MARKS = (
    (
        ink.MARK[Severity.WARNING],
        ink.STYLE[Severity.WARNING],
        "from 75 %, or the server calls it a warning",
    ),
    (ink.MARK[Severity.CRITICAL], ink.STYLE[Severity.CRITICAL], "from 90 %, or the server calls it critical"),
    (ink.MARK[Severity.FULL], ink.STYLE[Severity.FULL], "from 100 %, or locked"),
    ("┃", ink.TITLE, "how much of the window's time has passed: a bar beyond it is ahead of an even pace"),
    ("·", ink.MUTED, "the figure is not known"),
    ("~", ink.MUTED, "worked out: if use goes on at its pace"),
)
ABOUT = """\
The figures are claude.ai's own replies, the ones its usage page is made of, asked for once a minute with \
the session of your browser. They are not documented and change without notice; what is not known is said, \
and never guessed. Nothing is sent anywhere else.

CAN WORK · credits BLOCKED: the plan has room, but the metered credits are locked. Work stops when the \
window is full. One source says that prompts are refused even before that; whether it is so is not known.
"""


class Help(Page):
    """What a newcomer asks."""

    def title_of(self, view: View) -> tuple[str, str]:  # noqa: ARG002
        """The version."""
        return "Help", f"claudemeter-tui {__version__}"

    def content(self, view: View, width: int) -> Content:  # noqa: ARG002
        """Keys, verdicts, marks, sources: side by side where there is room."""
        count = max(1, min(3, (width + BETWEEN) // (COLUMN + BETWEEN)))
        cells = (width + BETWEEN) // count - BETWEEN
        columns = [_below(sections) for sections in _columns(cells, count)]
        rows = zip_longest(*columns, fillvalue=ink.text())
        lines = [ink.joined([ink.fit(line, cells) for line in row], " " * BETWEEN) for row in rows]
        return Content("\n").join(lines)


def _columns(width: int, count: int) -> list[list[Section]]:
    """What is explained in each column: the keys first, then what is seen, then the keys of other screens."""
    keys, others = ([_keys(*group, width) for group in groups] for groups in (GROUPS, OTHERS))
    seen = _meanings(width)
    return {1: [[*keys, *seen, *others]], 2: [[*keys, *others], seen]}.get(count, [keys, seen, others])


def _keys(purpose: str, keys: Iterable[Key], width: int) -> Section:
    return _section(purpose, [(ink.text((key.shown, "$selected")), key.purpose) for key in keys], width)


def _meanings(width: int) -> list[Section]:
    marks = [(ink.text((mark, style)), meaning) for mark, style, meaning in MARKS]
    letters = [(ink.text(each.letter), each.meaning) for each in chart.MARKS]
    about = [ink.wrapped(text, width - 2) for text in ABOUT.strip().split("\n\n")]
    return [
        _section("Verdicts", [(ink.text(name), meaning) for name, meaning in VERDICTS], width),
        _section("Marks", marks, width),
        _section("Letters on the chart's time axis", letters, width),
        [
            ink.text(("Where the figures come from", ink.TITLE)),
            *(ink.text("  ", line) for line in _below(about)),
        ],
    ]


def _section(title: str, terms: Iterable[tuple[ink.Line, str]], width: int) -> Section:
    rows = [line for term, meaning in terms for line in _row(term, meaning, width)]
    return [ink.text((title, ink.TITLE)), *rows]


def _below(sections: Iterable[Section]) -> Section:
    """One below the other, with a blank line between two."""
    first, *others = sections
    return [*first, *(line for section in others for line in (ink.text(), *section))]


def every_key() -> tuple[tuple[str, tuple[Key, ...]], ...]:
    """All keys by purpose, those of the other screens too."""
    return (*GROUPS, *OTHERS)


def _row(head: ink.Line, meaning: str, width: int) -> list[ink.Line]:
    """A term and its meaning beside it, broken between words."""
    rows = ink.wrapped(meaning, width - KEY - 2)
    first = ink.text("  ", ink.fit(head, KEY), rows[0])
    return [first, *(ink.text(" " * (KEY + 2), row) for row in rows[1:])]
