"""All keys by purpose, what the marks mean, where the data come from."""

from __future__ import annotations

from textual.content import Content

from claudemeter_tui import __version__
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import GROUPS, Key
from claudemeter_tui.tui.screens.details import DETAILS_KEYS
from claudemeter_tui.tui.screens.overview import OVERVIEW_KEYS
from claudemeter_tui.tui.screens.page import Page
from claudemeter_tui.tui.view import View

KEY = 16
"""Cells of the column of keys."""

VERDICTS = (
    ("CAN WORK", "no plan-wide window is full"),
    ("ON CREDITS", "a plan-wide window is full and work goes on metered credits: money is being spent"),
    ("WAIT", "a plan-wide window is full, and credits are off or absent"),
    ("BLOCKED", "a plan-wide window is full, and the credits are locked"),
    ("UNKNOWN", "nothing good was read for 15 minutes, or there are no figures at all"),
)
MARKS = (
    (ink.MARK[Severity.WARNING], ink.STYLE[Severity.WARNING], "from 75 %, or the server calls it a warning"),
    (ink.MARK[Severity.CRITICAL], ink.STYLE[Severity.CRITICAL], "from 90 %, or the server calls it critical"),
    (ink.MARK[Severity.FULL], ink.STYLE[Severity.FULL], "from 100 %, or locked"),
    ("┃", ink.TITLE, "how much of the window's time has passed: a bar beyond it is ahead of an even pace"),
    ("·", ink.MUTED, "the figure is not known"),
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

    def content(self, view: View, width: int) -> Content:  # noqa: ARG002
        """Keys, verdicts, marks, sources."""
        lines = [ink.text((f"claudemeter-tui {__version__}", ink.TITLE)), ink.text("")]
        for purpose, keys in every_key():
            lines.append(ink.text((purpose, ink.TITLE)))
            for key in keys:
                lines += _row(ink.text((key.shown, "$selected")), key.purpose, width)
            lines.append(ink.text(""))
        lines.append(ink.text(("Verdicts", ink.TITLE)))
        for name, meaning in VERDICTS:
            lines += _row(ink.text(name), meaning, width)
        lines += [ink.text(""), ink.text(("Marks", ink.TITLE))]
        for mark, style, meaning in MARKS:
            lines += _row(ink.text((mark, style)), meaning, width)
        lines += [ink.text(""), ink.text(("Where the figures come from", ink.TITLE))]
        for paragraph in ABOUT.split("\n\n"):
            lines += [*ink.wrapped(paragraph, min(width, 100)), ink.text("")]
        return Content("\n").join(lines)


def every_key() -> tuple[tuple[str, tuple[Key, ...]], ...]:
    """All keys by purpose, those of the other screens too."""
    return (*GROUPS, ("All orgs", tuple(OVERVIEW_KEYS)), ("Details", tuple(DETAILS_KEYS)))


def _row(head: ink.Line, meaning: str, width: int) -> list[ink.Line]:
    """A term and its meaning beside it, broken between words."""
    rows = ink.wrapped(meaning, width - KEY - 2)
    first = ink.text("  ", ink.fit(head, KEY), rows[0])
    return [first, *(ink.text(" " * (KEY + 2), row) for row in rows[1:])]
