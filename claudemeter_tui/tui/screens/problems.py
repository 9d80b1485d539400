"""Every open problem: what happened, what to do, what is shown meanwhile."""

from __future__ import annotations

from textual.content import Content

from claudemeter_tui.model.store import Problem
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text import format as form
from claudemeter_tui.text import problems as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.screens.page import Page
from claudemeter_tui.tui.view import View


class Problems(Page):
    """The open problems, the ones that cost figures first."""

    def content(self, view: View, width: int) -> Content:
        """A paragraph for each; remarks in one line each."""
        open_ones = sorted(view.store.problems, key=words.is_remark)
        if not open_ones:
            return Content("No problems: every reply was read, and understood.")
        lines = [ink.text(("Problems", ink.TITLE)), ink.text("")]
        for problem in open_ones:
            lines += _told(problem, view, width)
        return Content("\n").join(lines)


def _told(problem: Problem, view: View, width: int) -> list[ink.Line]:
    style = ink.MUTED if words.is_remark(problem) else ink.STYLE[Severity.WARNING]
    since = form.when(problem.at, view.now, view.zone)
    head = ink.text((f"{since}  ", ink.MUTED), (words.title(problem), style))
    if words.is_remark(problem):
        return [head]
    told = words.TABLE[problem.trouble]
    kept = words.meanwhile(problem, view.store, view.now, view.zone)
    body = [line for text in (told.what, told.cure, kept) for line in ink.wrapped(text, width - 2)]
    return [head, *(ink.text("  ", line) for line in body), ink.text("")]
