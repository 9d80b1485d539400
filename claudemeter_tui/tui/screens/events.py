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
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.screens.base import PageScreen
from claudemeter_tui.tui.styled_text import HEADING, MUTED, SEVERITY_STYLES, build_line, wrap_text
from claudemeter_tui.tui.view import View


class EventsScreen(PageScreen):
    """Open problems first, those with missing figures on top; then the events, newest first."""

    def build_title(self) -> tuple[str, str]:
        """Return the title with the number of problems, notes and events."""
        problems = self.view.store.problems
        real = sum(not is_informational(problem) for problem in problems)
        counts = ((real, "problem"), (len(problems) - real, "note"), (len(self.view.events), "event"))
        return "Events", " · ".join(format_count(count, noun) for count, noun in counts)

    def build_content(self, width: int) -> Content:
        """Return a paragraph for each problem and a line for each note and event."""
        view = self.view
        lines = [*_build_problems(view, width), Content("")]
        if view.events:
            lines += [Content.styled("Events", HEADING), Content("")]
        else:
            lines.append(Content.styled("No events in this run yet.", MUTED))
        for event in reversed(view.events):
            style = SEVERITY_STYLES[event.severity] if event.severity else ""
            replies = f"  ({', '.join(event.endpoints)})" if event.endpoints else ""
            text = format_event_line(event, view.now, view.zone, event.owner_name) + replies
            first, *rest = wrap_text(text, width - 2, style)
            lines += [first, *(build_line("  ", line) for line in rest)]
        return Content("\n").join(lines)


def _build_problems(view: View, width: int) -> list[Content]:
    if view.is_empty:
        return [Content.styled("Nothing read yet.", HEADING)]
    if not view.store.problems:
        return [Content.styled("No problems.", HEADING)]
    lines = [Content.styled("Problems", HEADING), Content("")]
    for problem in sorted(view.store.problems, key=is_informational):
        style = MUTED if is_informational(problem) else SEVERITY_STYLES[Severity.WARNING]
        since = format_moment(problem.at, view.now, view.zone)
        lines += wrap_text(f"{since}  {format_problem_title(problem, view.zone)}", width, style)
        if not is_informational(problem):
            summary, cure = PROBLEM_TEXTS[problem.error_kind].summary, describe_problem_cure(problem)
            kept = describe_fallback_figures(problem, view.store, view.now, view.zone)
            body = [line for text in (summary, cure, kept) for line in wrap_text(text, width - 2)]
            lines += [*(build_line("  ", line) for line in body), Content("")]
    return lines
