"""Events of this run and open problems."""

from __future__ import annotations

from textual.content import Content

from claudemeter_tui.formatting.events import format_event_line
from claudemeter_tui.formatting.problems import (
    PROBLEM_TEXTS,
    describe_fallback_figures,
    describe_problem_cure,
    format_problem_title,
    is_informational,
)
from claudemeter_tui.formatting.values import format_count, format_moment
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.store import Problem
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.screens.base import PageScreen
from claudemeter_tui.tui.view import View


class EventsScreen(PageScreen):
    """Open problems first, those with missing figures on top; then the events, newest first."""

    def build_title(self, view: View) -> tuple[str, str]:
        """Return the title with the number of problems, notes and events."""
        real = sum(not is_informational(problem) for problem in view.store.problems)
        counts = ((real, "problem"), (len(view.store.problems) - real, "note"), (len(view.events), "event"))
        return "Events", " · ".join(format_count(count, noun) for count, noun in counts)

    def build_content(self, view: View, width: int) -> Content:
        """Return a paragraph for each problem and a line for each note and event."""
        lines = [*_build_problems(view, width), styled_text.build_line(""), *_build_events(view, width)]
        return Content("\n").join(lines)


def _build_problems(view: View, width: int) -> list[styled_text.StyledLine]:
    open_ones = sorted(view.store.problems, key=is_informational)
    if view.is_empty:
        return [styled_text.build_line(("Nothing read yet.", styled_text.HEADING))]
    if not open_ones:
        return [styled_text.build_line(("No problems.", styled_text.HEADING))]
    lines = [styled_text.build_line(("Problems", styled_text.HEADING)), styled_text.build_line("")]
    return lines + [line for problem in open_ones for line in _build_problem(problem, view, width)]


def _build_problem(problem: Problem, view: View, width: int) -> list[styled_text.StyledLine]:
    style = styled_text.MUTED if is_informational(problem) else styled_text.SEVERITY_STYLES[Severity.WARNING]
    since = format_moment(problem.at, view.now, view.zone)
    head = styled_text.wrap_text(f"{since}  {format_problem_title(problem, view.zone)}", width, style)
    if is_informational(problem):
        return head
    said = PROBLEM_TEXTS[problem.error_kind]
    kept = describe_fallback_figures(problem, view.store, view.now, view.zone)
    cure = describe_problem_cure(problem)
    body = [line for text in (said.summary, cure, kept) for line in styled_text.wrap_text(text, width - 2)]
    return [*head, *(styled_text.build_line("  ", line) for line in body), styled_text.build_line("")]


def _build_events(view: View, width: int) -> list[styled_text.StyledLine]:
    if not view.events:
        return [styled_text.build_line(("No events in this run yet.", styled_text.MUTED))]
    lines = [
        styled_text.build_line(("Events", styled_text.HEADING)),
        styled_text.build_line(""),
    ]
    return lines + [line for event in reversed(view.events) for line in _build_event(event, view, width)]


def _build_event(event: Event, view: View, width: int) -> list[styled_text.StyledLine]:
    style = styled_text.SEVERITY_STYLES[event.severity] if event.severity else ""
    replies = f"  ({', '.join(event.endpoints)})" if event.endpoints else ""
    lines = styled_text.wrap_text(
        format_event_line(event, view.now, view.zone, event.owner_name) + replies, width - 2
    )
    return [
        styled_text.build_line(("" if place == 0 else "  "), (line.plain, style))
        for place, line in enumerate(lines)
    ]
