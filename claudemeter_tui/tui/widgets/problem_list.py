"""The problems as rows, one for each cause, that open to a list of the replies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from claudemeter_tui.formatting.problems import (
    describe_fallback_figures,
    describe_group,
    format_group_title,
    format_problem_title,
)
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.problems import ProblemCause, ProblemGroup
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    hang_text,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.list_view import ListRow, build_row, fix_row

INDENT = 2
"""Cells before the lines below a title."""
NOTE_MARK = "·"
"""Mark of a note, which has no severity."""
DISMISSED = "dismissed"
"""Key of the row of dismissed problems."""


def build_problem_rows(
    groups: Sequence[ProblemGroup], view: View, opened: AbstractSet[ProblemCause | str], width: int
) -> Iterator[ListRow]:
    """Yield a row for each cause, then one for the dismissed problems, in lines of at most `width` cells.

    Args:
        groups: the problems to show.
        view: the view with the dismissed causes.
        opened: keys of the rows that show their replies.
        width: cells of a line.
    """
    shown = [group for group in groups if group.cause not in view.dismissed]
    dismissed = [group for group in groups if group.cause in view.dismissed]
    if not shown and not dismissed:
        return
    yield fix_row(build_line(("Problems", HEADING)))
    for group in shown:
        lines = _build_lines(group, view, width, is_open=group.cause in opened)
        yield build_row(group.cause, lines)
    if dismissed:
        lines = [build_line((f"{len(dismissed)} dismissed", MUTED))]
        if DISMISSED in opened:
            for group in dismissed:
                lines += hang_text(build_line("  "), _build_title(group, view), width, MUTED)
        yield build_row(DISMISSED, lines)


def _build_lines(group: ProblemGroup, view: View, width: int, *, is_open: bool) -> list[StyledLine]:
    """Return title, cause and cure of a group; if it is open, also the replies and the remaining figures."""
    now, zone = view.now, view.zone
    style = MUTED if group.is_informational else SEVERITY_STYLES[Severity.WARNING]
    mark = NOTE_MARK if group.is_informational else SEVERITY_MARKS[Severity.WARNING]
    lines = [*hang_text(build_line((f"{mark} ", style)), _build_title(group, view), width, style)]
    summary, cure = describe_group(group)
    indent = build_line(" " * INDENT)
    if not group.is_informational or is_open:
        lines += hang_text(indent, f"{summary} {cure}", width)
    if not is_open:
        return lines
    kept = [describe_fallback_figures(problem, view.store, now, zone) for problem in group.problems]
    for text in dict.fromkeys(kept) if len(set(kept)) == 1 else ():
        lines += hang_text(indent, text, width)
    for problem, text in zip(group.problems, kept, strict=True) if len(group.problems) > 1 else ():
        title = f"{format_moment(problem.at, now, zone)}  {format_problem_title(problem, zone)}"
        lines += hang_text(indent, title, width, MUTED)
        if len(set(kept)) > 1:
            lines += (build_line(" " * 9, line) for line in wrap_text(text, width - 9, MUTED))
    return lines


def _build_title(group: ProblemGroup, view: View) -> str:
    since = f" since {format_moment(group.since, view.now, view.zone)}"
    return format_group_title(group, view.zone, since)
