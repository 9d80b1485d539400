"""The verdict: one calm line, or the BLOCKED banner with its reason and its date."""

from __future__ import annotations

import re
from collections.abc import Iterator

from claudemeter_tui.model.usage import CreditState, Severity
from claudemeter_tui.model.verdict import State, Verdict
from claudemeter_tui.text import problems
from claudemeter_tui.text import verdict as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.screens.starting import reading
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.org_tabs import WIDEST_NAME

INDENT = 2
"""Blanks between the verdict's name and its words."""

_CLAUSE = re.compile(r" · |, (?!\d)")
"""Where a sentence can be broken off."""


class Banner(Drawing):
    """The one part that is never left out."""

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """The verdict in as many lines as there are."""
        verdict, boxed = self.view.verdict, self.view.layout.boxed
        if verdict is None:
            return [ink.fit(ink.text(" ", line), width) for line in _waiting(self.view, width - 2, height)]
        style = ink.STYLE[ink.severity(verdict, self.view.now)]
        if height == 1:
            return [_one_line(self.view, verdict, style, width)]
        room = height - 2 if boxed else height
        lines = _lines(self.view, verdict, style, width - 4 if boxed else width - 2)
        if len(lines) > room:
            tight = _tight(self.view, verdict, style, width - 2, room)
            lines = tight if len(tight) == room else [*lines[: room - 1], _last(lines[room - 1 :], width - 2)]
        if not boxed:
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        return _boxed(lines, width, style)


def wanted(view: View, width: int) -> int:
    """How many lines the verdict would fill."""
    verdict = view.verdict
    return len(_waiting(view, width - 2) if verdict is None else _lines(view, verdict, "", width - 2))


def boxed(view: View, width: int) -> int:
    """How many lines it would fill in a box; 0: it is not worth one."""
    verdict = view.verdict
    return len(_lines(view, verdict, "", width - 4)) if verdict is not None and is_loud(verdict) else 0


def is_loud(verdict: Verdict) -> bool:
    """Whether it is worth a box: work is refused, or would be."""
    return verdict.state in (State.BLOCKED, State.WAIT) or verdict.credits is CreditState.LOCKED


def _waiting(view: View, width: int, room: int = 99) -> list[ink.Line]:
    """What stands where a verdict will be: what keeps it away, and on lines of its own what can be done."""
    trouble = next((problem for problem in view.store.problems if problem.org is None), None)
    if trouble is None:
        return [ink.text((reading(view.note), ink.MUTED))]
    what = ink.wrapped(problems.TABLE[trouble.trouble].what, width, ink.STYLE[Severity.CRITICAL])
    lines = [*what, *ink.wrapped(problems.cure(trouble), width)]
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], ink.joined(lines[room - 1 :], " ")]


def _one_line(view: View, verdict: Verdict, style: str, width: int) -> ink.Line:
    """The verdict's line; it names the org where no tab does, and leaves out first what is needed least."""
    name = ink.text((words.name(verdict), f"bold {style}"), " " * INDENT)
    orgs = [_whose(view, most) for most in (WIDEST_NAME, WIDEST_NAME // 2, 0)]
    least = next((org for org in orgs if org.cell_length + name.cell_length <= width), orgs[-1])
    gist, *fuller = reversed(list(_shorter(_rest(view, verdict))))
    forms = [*((orgs[0], said) for said in reversed(fuller)), *((org, gist) for org in orgs)]
    forms += [(least, f"{gist[: found.start()]} …") for found in reversed([*_CLAUSE.finditer(gist)])]
    return ink.longest((ink.text(org, name, said) for org, said in [*forms, (least, gist)]), width)


def _whose(view: View, most: int) -> ink.Line:
    """The org's name in at most so many cells, for a line that stands without tabs."""
    if view.layout.tabs or view.state is None or not most:
        return ink.text(" ")
    name = ink.text(view.state.org.called).truncate(most, ellipsis=True)
    return ink.text((f" {name.plain}: ", ink.MUTED))


def _shorter(said: str) -> Iterator[str]:
    """The sentence, then without countdowns, then with less and less of what follows its first part."""
    yield said
    brief = re.sub(r" \(in [^)]*\)", "", said)
    yield brief
    first = brief.find(" · ")
    if first > 0:
        ends = [found.start() for found in _CLAUSE.finditer(brief, first + 1)]
        yield from (f"{brief[:end]} …" for end in (*reversed(ends), first))


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
    if len(broken) > room:
        broken = [*broken[: room - 1], _last(broken[room - 1 :], width)]
    return _lit(broken, len(name), f"bold {style}")


def _last(lines: list[ink.Line], width: int) -> ink.Line:
    """The lines as one, as far as there is room."""
    first, *rest = lines
    return ink.fit(ink.text(first, *(f" {line.plain.strip()}" for line in rest)), width)


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
