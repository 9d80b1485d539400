"""The verdict: one calm line, or the BLOCKED banner with cause and date."""

from __future__ import annotations

import re
from collections.abc import Iterator

from claudemeter_tui.formatting.past import NO_REPLIES, format_past_state
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, describe_problem_cure
from claudemeter_tui.formatting.verdict import format_verdict_banner, format_verdict_line, format_verdict_name
from claudemeter_tui.model.past import PastFigures
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
    join_pieces,
    pick_fitting,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget, indent_lines
from claudemeter_tui.tui.widgets.org_tabs import MAX_NAME_WIDTH

INDENT = 2
"""Blanks between the verdict's name and its text."""
NARROW_INDENT = 2
"""Blanks before the text if it is below the name; fewer than any name has characters."""

_CLAUSE_BREAK = re.compile(r" · |, (?!\d)")
"""Separators at which a sentence can be cut."""


class Banner(LineWidget):
    """The banner, the only part that is never hidden."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the verdict in the available lines."""
        view, verdict, boxed = self.view, self.view.verdict, self.view.layout.boxed
        if view.past_figures is not None:
            return [_build_past_line(view, view.past_figures, width)]
        if verdict is None:
            lines = _build_placeholder(view, width - 2)
            if len(lines) > height:
                lines = [*lines[: height - 1], join_pieces(lines[height - 1 :], " ")]
            return indent_lines(lines, width)
        if height == 1:
            return [_build_one_line(view, verdict, width)]
        room = height - 2 if boxed else height
        lines = _build_lines(view, verdict, width - 4 if boxed else width - 2)
        if len(lines) > room:
            tight = _build_tight_lines(view, verdict, width - 2, room)
            lines = tight if len(tight) == room else _merge_last_lines(lines, width - 2, room)
        return _draw_box(lines, width, _get_style(view, verdict)) if boxed else indent_lines(lines, width)


def count_banner_lines(view: View, width: int) -> int:
    """Return how many lines the verdict would fill."""
    if view.verdict is None:
        return len(_build_placeholder(view, width - 2))
    return len(_build_lines(view, view.verdict, width - 2))


def count_boxed_lines(view: View, width: int) -> int:
    """Return how many lines the verdict would fill in a box; 0 if it needs no box."""
    if view.verdict is None or not _needs_box(view.verdict):
        return 0
    return len(_build_lines(view, view.verdict, width - 4))


def _needs_box(verdict: Verdict) -> bool:
    """True if the verdict needs a box, because credits are blocked."""
    return verdict.state in (VerdictState.BLOCKED, VerdictState.WAIT) or verdict.is_locked


def _format_name(view: View, verdict: Verdict) -> str:
    """Return the verdict's name, after the moment if it is a past one."""
    name = format_verdict_name(verdict)
    return f"{view.past_label}: {name}" if view.past_label else name


def get_state_severity(state: VerdictState, *, is_locked: bool) -> Severity:
    """Return the severity of a stored verdict; `is_locked` if credits are locked while there is room."""
    match state:
        case VerdictState.BLOCKED:
            return Severity.FULL
        case VerdictState.WAIT:
            return Severity.CRITICAL
        case VerdictState.CAN_WORK:
            return Severity.CRITICAL if is_locked else Severity.NORMAL
    return Severity.WARNING


def _build_past_line(view: View, figures: PastFigures, width: int) -> StyledLine:
    """Return the verdict as it was stored, with its cause; details and the org's name are dropped first."""
    name, cause = format_past_state(figures)
    is_locked = figures.verdict is not None and bool(figures.verdict.cause)
    style = SEVERITY_STYLES[get_state_severity(figures.state, is_locked=is_locked)]
    head = build_line((f"{view.past_label}: {name}", f"bold {style}"))
    org = figures.owner.org.display_name if figures.owner.org is not None else ""
    prefixes = [build_line((f" {org}: ", MUTED)), build_line(" ")]
    texts = dict.fromkeys((" · ".join(filter(None, (cause, NO_REPLIES))), cause, ""))
    forms = (
        build_line(prefix, head, " " * INDENT if text else "", text) for text in texts for prefix in prefixes
    )
    return pick_fitting(forms, width)


def _get_style(view: View, verdict: Verdict) -> str:
    return SEVERITY_STYLES[verdict.compute_severity(view.now)]


def _build_placeholder(view: View, width: int) -> list[StyledLine]:
    """Return a placeholder before the first verdict: why it is missing, then what to do."""
    trouble = next((problem for problem in view.store.problems if problem.org is None), None)
    if trouble is None:
        return [build_line((describe_activity(view.note), MUTED))]
    what = wrap_text(PROBLEM_TEXTS[trouble.error_kind].summary, width, SEVERITY_STYLES[Severity.CRITICAL])
    return [*what, *wrap_text(describe_problem_cure(trouble), width)]


def _build_one_line(view: View, verdict: Verdict, width: int) -> StyledLine:
    """Return the verdict in one line, with the org's name if no tab shows it; details are dropped first."""
    name = build_line((_format_name(view, verdict), f"bold {_get_style(view, verdict)}"), " " * INDENT)
    orgs = [_build_org_prefix(view, most) for most in (MAX_NAME_WIDTH, MAX_NAME_WIDTH // 2, 0)]
    least = next((org for org in orgs if org.cell_length + name.cell_length <= width), orgs[-1])
    *fuller, gist = _iterate_shorter(_format_details(view, verdict))
    forms = [*((orgs[0], text) for text in fuller), *((org, gist) for org in orgs)]
    forms += [(least, f"{gist[: match.start()]} …") for match in reversed([*_CLAUSE_BREAK.finditer(gist)])]
    return pick_fitting((build_line(org, name, text) for org, text in [*forms, (least, gist)]), width)


def _build_org_prefix(view: View, most: int) -> StyledLine:
    """Return the org's name in at most `room` cells, for a line without tabs."""
    if view.layout.tabs or view.state is None or not most:
        return build_line(" ")
    name = build_line(view.state.org.display_name).truncate(most, ellipsis=True)
    return build_line((f" {name.plain}: ", MUTED))


def _iterate_shorter(text: str) -> Iterator[str]:
    """Yield the sentence, then without countdowns, then without more and more of its last parts."""
    yield text
    brief = re.sub(r" \(in [^)]*\)", "", text)
    yield brief
    first = brief.find(" · ")
    if first > 0:
        ends = [match.start() for match in _CLAUSE_BREAK.finditer(brief, first + 1)]
        yield from (f"{brief[:end]} …" for end in (*reversed(ends), first))


def _format_details(view: View, verdict: Verdict) -> str:
    """Return the verdict's line without its name."""
    line = format_verdict_line(verdict, view.now, view.zone)
    return line.removeprefix(format_verdict_name(verdict)).strip()


def _build_lines(view: View, verdict: Verdict, width: int) -> list[StyledLine]:
    """Return the name with the sentences beside it, or below it in a narrow pane, wrapped between words."""
    name = _format_name(view, verdict)
    head = (name, f"bold {_get_style(view, verdict)}")
    if _needs_box(verdict):
        sentences = format_verdict_banner(verdict, view.now, view.zone)
    else:
        sentences = (_format_details(view, verdict),)
    indent = len(name) + INDENT
    is_narrow = indent > width // 3
    if is_narrow:
        indent = NARROW_INDENT
    body = [line for sentence in sentences for line in break_text(sentence, width - indent)]
    lines = [build_line(" " * indent, line) for line in body]
    if is_narrow:
        return [build_line(head), *lines]
    return [build_line(head, " " * INDENT, *body[:1]), *lines[1:]]


def _build_tight_lines(view: View, verdict: Verdict, width: int, room: int) -> list[StyledLine]:
    """Return the verdict's line wrapped over the available lines, without an indent."""
    name, style = _format_name(view, verdict), f"bold {_get_style(view, verdict)}"
    lines = _merge_last_lines(wrap_text(f"{name}  {_format_details(view, verdict)}", width), width, room)
    # A very narrow pane can break the name at its blank, so a line end counts as a blank here.
    left = len(name)
    for place, line in enumerate(lines):
        lines[place] = line.stylize(style, 0, max(0, left))
        left -= len(line.plain) + 1
    return lines


def _merge_last_lines(lines: list[StyledLine], width: int, room: int) -> list[StyledLine]:
    """Return at most `room` lines; further lines are joined to the last one, as far as they fit."""
    if len(lines) <= room:
        return lines
    last, *rest = lines[room - 1 :]
    merged = build_line(last, *(f" {line.plain.strip()}" for line in rest))
    return [*lines[: room - 1], fit_line(merged, width)]


def _draw_box(lines: list[StyledLine], width: int, style: str) -> list[StyledLine]:
    return [
        build_line(("┏" + "━" * (width - 2) + "┓", style)),
        *(build_line(("┃ ", style), fit_line(line, width - 4), (" ┃", style)) for line in lines),
        build_line(("┗" + "━" * (width - 2) + "┛", style)),
    ]
