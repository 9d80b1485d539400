"""The verdict: one calm line, or the BLOCKED banner with cause and date."""

from __future__ import annotations

import re
from collections.abc import Iterator

from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, describe_problem_cure
from claudemeter_tui.formatting.verdict import format_verdict_banner, format_verdict_line, format_verdict_name
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.verdict import Verdict, VerdictState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.screens.starting import describe_activity
from claudemeter_tui.tui.styled_text import (
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    break_text,
    build_line,
    fit_line,
    get_verdict_severity,
    join_pieces,
    pick_fitting,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.org_tabs import MAX_NAME_WIDTH

INDENT = 2
"""Blanks between the verdict's name and its text."""
NARROW_INDENT = 2
"""Blanks before the text if it is below the name; every name is longer."""

_CLAUSE_BREAK = re.compile(r" · |, (?!\d)")
"""Separators at which a sentence can be cut."""


class Banner(LineWidget):
    """The banner, the only part that is never hidden."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the verdict in the available lines."""
        verdict, boxed = self.view.verdict, self.view.layout.boxed
        if verdict is None:
            return [
                fit_line(build_line(" ", line), width)
                for line in _build_placeholder(self.view, width - 2, height)
            ]
        style = SEVERITY_STYLES[get_verdict_severity(verdict, self.view.now)]
        if height == 1:
            return [_build_one_line(self.view, verdict, style, width)]
        room = height - 2 if boxed else height
        lines = _build_lines(self.view, verdict, style, width - 4 if boxed else width - 2)
        if len(lines) > room:
            tight = _build_tight_lines(self.view, verdict, style, width - 2, room)
            lines = (
                tight
                if len(tight) == room
                else [*lines[: room - 1], _merge_lines(lines[room - 1 :], width - 2)]
            )
        if not boxed:
            return [fit_line(build_line(" ", line), width) for line in lines]
        return _draw_box(lines, width, style)


def count_banner_lines(view: View, width: int) -> int:
    """Return how many lines the verdict would fill."""
    verdict = view.verdict
    if verdict is None:
        return len(_build_placeholder(view, width - 2))
    return _count_lines(view, verdict, width - 2)


def count_boxed_lines(view: View, width: int) -> int:
    """Return how many lines the verdict would fill in a box; 0 if it needs no box."""
    verdict = view.verdict
    return _count_lines(view, verdict, width - 4) if verdict is not None and needs_box(verdict) else 0


def _count_lines(view: View, verdict: Verdict, width: int) -> int:
    """Return how many lines `_build_lines` returns."""
    indent, body = _break_sentences(view, verdict, format_verdict_name(verdict), width)
    return len(body) + 1 if indent == NARROW_INDENT else max(1, len(body))


def needs_box(verdict: Verdict) -> bool:
    """True if the verdict needs a box, because credits are blocked."""
    return verdict.state in (VerdictState.BLOCKED, VerdictState.WAIT) or verdict.credits is CreditState.LOCKED


def _build_placeholder(view: View, width: int, room: int = 99) -> list[StyledLine]:
    """Return a placeholder before the first verdict: why it is missing, then what to do."""
    trouble = next((problem for problem in view.store.problems if problem.org is None), None)
    if trouble is None:
        return [build_line((describe_activity(view.note), MUTED))]
    what = wrap_text(PROBLEM_TEXTS[trouble.error_kind].summary, width, SEVERITY_STYLES[Severity.CRITICAL])
    lines = [*what, *wrap_text(describe_problem_cure(trouble), width)]
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], join_pieces(lines[room - 1 :], " ")]


def _build_one_line(view: View, verdict: Verdict, style: str, width: int) -> StyledLine:
    """Return the verdict in one line, with the org's name if no tab shows it; drop details first."""
    name = build_line((format_verdict_name(verdict), f"bold {style}"), " " * INDENT)
    orgs = [_build_org_prefix(view, most) for most in (MAX_NAME_WIDTH, MAX_NAME_WIDTH // 2, 0)]
    least = next((org for org in orgs if org.cell_length + name.cell_length <= width), orgs[-1])
    gist, *fuller = reversed(list(_iterate_shorter(_format_details(view, verdict))))
    forms = [*((orgs[0], text) for text in reversed(fuller)), *((org, gist) for org in orgs)]
    forms += [(least, f"{gist[: match.start()]} …") for match in reversed([*_CLAUSE_BREAK.finditer(gist)])]
    return pick_fitting((build_line(org, name, text) for org, text in [*forms, (least, gist)]), width)


def _build_org_prefix(view: View, most: int) -> StyledLine:
    """Return the org's name in at most so many cells, for a line without tabs."""
    if view.layout.tabs or view.state is None or not most:
        return build_line(" ")
    name = build_line(view.state.org.display_name).truncate(most, ellipsis=True)
    return build_line((f" {name.plain}: ", MUTED))


def _iterate_shorter(text: str) -> Iterator[str]:
    """Yield the sentence, then without countdowns, then with fewer and fewer of its later parts."""
    yield text
    brief = re.sub(r" \(in [^)]*\)", "", text)
    yield brief
    first = brief.find(" · ")
    if first > 0:
        ends = [match.start() for match in _CLAUSE_BREAK.finditer(brief, first + 1)]
        yield from (f"{brief[:end]} …" for end in (*reversed(ends), first))


def _format_details(view: View, verdict: Verdict) -> str:
    """Return the verdict's line without its name."""
    return (
        format_verdict_line(verdict, view.now, view.zone).removeprefix(format_verdict_name(verdict)).strip()
    )


def _build_lines(view: View, verdict: Verdict, style: str, width: int) -> list[StyledLine]:
    """Return the name with the sentences beside or below it, wrapped between words."""
    name = format_verdict_name(verdict)
    indent, body = _break_sentences(view, verdict, name, width)
    head = (name, f"bold {style}")
    if indent == NARROW_INDENT:
        return [build_line(head), *(build_line(" " * indent, line) for line in body)]
    first = build_line(head, " " * INDENT, body[0] if body else "")
    return [first, *(build_line(" " * indent, line) for line in body[1:])]


def _break_sentences(view: View, verdict: Verdict, name: str, width: int) -> tuple[int, list[str]]:
    """Return the blanks before the sentences and their lines; in a narrow pane they are below the name."""
    sentences = (
        format_verdict_banner(verdict, view.now, view.zone)
        if needs_box(verdict)
        else (_format_details(view, verdict),)
    )
    indent = len(name) + INDENT
    if indent > width // 3:
        indent = NARROW_INDENT
    body = [line for sentence in sentences for line in break_text(sentence, width - indent)]
    return indent, body


def _build_tight_lines(view: View, verdict: Verdict, style: str, width: int, room: int) -> list[StyledLine]:
    """Return the verdict's line wrapped over the available lines, without an indent."""
    name = format_verdict_name(verdict)
    broken = wrap_text(f"{name}  {_format_details(view, verdict)}", width)
    if len(broken) > room:
        broken = [*broken[: room - 1], _merge_lines(broken[room - 1 :], width)]
    return _style_start(broken, len(name), f"bold {style}")


def _merge_lines(lines: list[StyledLine], width: int) -> StyledLine:
    """Merge the lines into one, as far as there is room."""
    first, *rest = lines
    return fit_line(build_line(first, *(f" {line.plain.strip()}" for line in rest)), width)


def _style_start(lines: list[StyledLine], length: int, style: str) -> list[StyledLine]:
    """Style the first `count` characters of the lines; the end of a line counts as a blank."""
    lit = []
    for line in lines:
        lit.append(line.stylize(style, 0, length) if length > 0 else line)
        length -= len(line.plain) + 1
    return lit


def _draw_box(lines: list[StyledLine], width: int, style: str) -> list[StyledLine]:
    rows = [build_line(("┃ ", style), fit_line(line, width - 4), (" ┃", style)) for line in lines]
    return [
        build_line(("┏" + "━" * (width - 2) + "┓", style)),
        *rows,
        build_line(("┗" + "━" * (width - 2) + "┛", style)),
    ]
