"""The verdict: one calm line, or the BLOCKED banner with its reason and its date."""

from __future__ import annotations

import re

from claudemeter_tui.model.usage import CreditState, Severity
from claudemeter_tui.model.verdict import State, Verdict
from claudemeter_tui.text import problems
from claudemeter_tui.text import verdict as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

INDENT = 2
"""Blanks between the verdict's name and its words."""


class Banner(Drawing):
    """The one part that is never left out."""

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """The verdict in as many lines as there are."""
        verdict, boxed = self.view.verdict, self.view.layout.boxed
        if verdict is None:
            return [ink.fit(waiting(self.view), width)]
        style = ink.STYLE[ink.severity(verdict, self.view.now)]
        if height == 1:
            return [_one_line(self.view, verdict, style, width)]
        room = height - 2 if boxed else height
        lines = _lines(self.view, verdict, style, width - 4 if boxed else width - 2)
        if len(lines) > room:
            lines = _tight(self.view, verdict, style, width - 2, room)
        if not boxed:
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        return _boxed(lines, width, style)


def wanted(view: View, width: int) -> int:
    """How many lines the verdict would fill."""
    verdict = view.verdict
    if verdict is None:
        return 1
    return len(_lines(view, verdict, "", width - (4 if is_boxed(view) else 2)))


def is_boxed(view: View) -> bool:
    """Whether the verdict is worth a box: work is refused, or would be."""
    return view.verdict is not None and is_loud(view.verdict)


def is_loud(verdict: Verdict) -> bool:
    """Whether it is worth a box: work is refused, or would be."""
    return verdict.state in (State.BLOCKED, State.WAIT) or verdict.credits is CreditState.LOCKED


def waiting(view: View) -> ink.Line:
    """What stands where a verdict will be."""
    trouble = next((problem for problem in view.store.problems if problem.org is None), None)
    if trouble is None:
        return ink.text((" Reading claude.ai …", ink.MUTED))
    what = problems.TABLE[trouble.trouble].what
    return ink.text((f" {what} ", ink.STYLE[Severity.CRITICAL]), problems.cure(trouble))


def _one_line(view: View, verdict: Verdict, style: str, width: int) -> ink.Line:
    """The verdict's line; it names the org where no tab does, and drops countdowns that do not fit."""
    name = words.name(verdict)
    org = "" if view.layout.tabs or view.state is None else f"{view.state.org.called}: "
    head = ink.text((f" {org}", ink.MUTED), (name, f"bold {style}"))
    whole = ink.text(head, f"  {_rest(view, verdict)}")
    if whole.cell_length > width:
        whole = ink.text(head, "  " + re.sub(r" \(in [^)]*\)", "", _rest(view, verdict)))
    return ink.fit(whole, width)


def _rest(view: View, verdict: Verdict) -> str:
    """The verdict's line without its name."""
    return words.line(verdict, view.now, view.zone).removeprefix(words.name(verdict)).strip()


def _lines(view: View, verdict: Verdict, style: str, width: int) -> list[ink.Line]:
    """The name, and beside it the sentences, broken between words."""
    name = words.name(verdict)
    indent = len(name) + INDENT
    sentences = words.banner(verdict, view.now, view.zone) if is_loud(verdict) else (_rest(view, verdict),)
    if indent > width // 3:
        head, indent = [ink.text((name, f"bold {style}"))], 2
    else:
        head = []
    body = [line for sentence in sentences for line in ink.wrapped(sentence, width - indent)]
    if head:
        return [*head, *(ink.text(" " * indent, line) for line in body)]
    first = ink.text((name, f"bold {style}"), " " * INDENT, body[0] if body else "")
    return [first, *(ink.text(" " * indent, line) for line in body[1:])]


def _tight(view: View, verdict: Verdict, style: str, width: int, room: int) -> list[ink.Line]:
    """The verdict's line over as many lines as there are, without an indent."""
    name = words.name(verdict)
    broken = ink.wrapped(f"{name}  {_rest(view, verdict)}", width)
    last = ink.text(" ".join(line.plain for line in broken[room - 1 :]))
    lines = [*broken[: room - 1], ink.fit(last, width)]
    return [ink.text((name, f"bold {style}"), lines[0][len(name) :]), *lines[1:]]


def _boxed(lines: list[ink.Line], width: int, style: str) -> list[ink.Line]:
    rows = [ink.text(("┃ ", style), ink.fit(line, width - 4), (" ┃", style)) for line in lines]
    return [
        ink.text(("┏" + "━" * (width - 2) + "┓", style)),
        *rows,
        ink.text(("┗" + "━" * (width - 2) + "┛", style)),
    ]
