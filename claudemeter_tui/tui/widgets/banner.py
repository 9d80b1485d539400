"""The verdict: one calm line, or the BLOCKED banner with its reason and its date."""

from __future__ import annotations

import re
from collections.abc import Iterator

from claudemeter_tui.model.usage import CreditState, Severity
from claudemeter_tui.model.verdict import State, Verdict
from claudemeter_tui.text import problems
from claudemeter_tui.text import verdict as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.org_tabs import WIDEST_NAME
from claudemeter_tui.tui.widgets.waiting import READING

INDENT = 2
"""Blanks between the verdict's name and its words."""
NAMED_FROM = 40
"""Columns from which a line without tabs names its org."""


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
        return ink.text((READING, ink.MUTED))
    what = problems.TABLE[trouble.trouble].what
    return ink.text((f" {what} ", ink.STYLE[Severity.CRITICAL]), problems.cure(trouble))


def _one_line(view: View, verdict: Verdict, style: str, width: int) -> ink.Line:
    """The verdict's line; it names the org where no tab does, and leaves out first what is needed least."""
    head = ink.text(_whose(view, width), (words.name(verdict), f"bold {style}"), " " * INDENT)
    return ink.longest((ink.text(head, said) for said in _shorter(_rest(view, verdict))), width)


def _whose(view: View, width: int) -> ink.Line:
    """The org's name in a line that stands without tabs; nothing where only the verdict fits."""
    if view.layout.tabs or view.state is None or width < NAMED_FROM:
        return ink.text(" ")
    name = ink.text(view.state.org.called).truncate(min(WIDEST_NAME, width // 4), ellipsis=True)
    return ink.text((f" {name.plain}: ", ink.MUTED))


def _shorter(said: str) -> Iterator[str]:
    """The sentence, then without countdowns, then with fewer and fewer of its parts."""
    yield said
    parts = re.sub(r" \(in [^)]*\)", "", said).split(" · ")
    yield " · ".join(parts)
    for end in range(len(parts) - 1, 0, -1):
        yield " · ".join(parts[:end]) + " …"


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
    return _lit([*broken[: room - 1], ink.fit(last, width)], len(name), f"bold {style}")


def _lit(lines: list[ink.Line], length: int, style: str) -> list[ink.Line]:
    """The lines with so many of their first characters in a style; a line's end counts as a blank."""
    lit = []
    for line in lines:
        lit.append(line.stylize(style, 0, length) if length > 0 else line)
        length -= len(line.plain) + 1
    return lit


def _boxed(lines: list[ink.Line], width: int, style: str) -> list[ink.Line]:
    rows = [ink.text(("┃ ", style), ink.fit(line, width - 4), (" ┃", style)) for line in lines]
    return [
        ink.text(("┏" + "━" * (width - 2) + "┓", style)),
        *rows,
        ink.text(("┗" + "━" * (width - 2) + "┛", style)),
    ]
