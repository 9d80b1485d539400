"""Events of this run and open problems."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from claudemeter_tui.formatting.events import format_event_line
from claudemeter_tui.formatting.past import EVENTS_TITLE, NO_REPLIES
from claudemeter_tui.formatting.problems import (
    PROBLEM_TEXTS,
    describe_fallback_figures,
    describe_problem_cure,
    format_problem_title,
    is_informational,
)
from claudemeter_tui.formatting.values import format_count, format_moment
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.screens.base import AS_OF_KEY, CURSOR_KEYS, PAGE_HINTS, MomentListScreen
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    spread_line,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.list_view import (
    BLANK_ROW,
    MARK_WIDTH,
    ListPage,
    ListRow,
    build_row,
    fix_row,
)

EVENTS_KEYS = (
    AS_OF_KEY,
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "close the events"),
)
"""All keys of the events."""


class EventsScreen(MomentListScreen):
    """Open problems first, those with missing figures on top; then the events, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in EVENTS_KEYS]
    HINTS = (PAGE_HINTS[0], AS_OF_KEY, *PAGE_HINTS[1:])
    MIN_HEIGHTS = (12, 16)

    def redraw(self) -> None:
        """Draw a paragraph for each problem, and lines for each note and event."""
        view, width = self.view, self.item_list.line_width
        rows = [*_build_problems(view, width - MARK_WIDTH), BLANK_ROW, *_build_events(view, width)]
        self.show_page(ListPage(rows, width), self.get_cursor_key())
        self.set_header_lines([self._build_title()], [Content("")])
        self.show_view(view)

    def _build_title(self) -> StyledLine:
        """Return the title with the number of problems, notes and events."""
        problems = self.view.store.problems
        real = sum(not is_informational(problem) for problem in problems)
        counts = ((real, "problem"), (len(problems) - real, "note"), (len(self.view.events), "event"))
        note = " · ".join(format_count(count, noun) for count, noun in counts)
        return spread_line(
            build_line((" Events", HEADING)), build_line((note, MUTED)), self.app.size.width - 1
        )


def _build_events(view: View, width: int) -> list[ListRow]:
    """Return the rows of the events, newest first."""
    is_past = bool(view.past_label)
    if not view.events:
        text = "No events in the 24 hours before." if is_past else "No events in this run yet."
        return [fix_row(build_line((text, MUTED)))]
    title = EVENTS_TITLE if is_past else "Events"
    rows = [build_event_row(place, event, view, width) for place, event in enumerate(view.events)]
    return [fix_row(build_line((title, HEADING))), BLANK_ROW, *reversed(rows)]


def build_event_row(place: int, event: Event, view: View, width: int, *, has_owner: bool = True) -> ListRow:
    """Return the row of an event, in as many lines as it needs; with the name of its org or session.

    `place` is its number, so that the row is found again if its names are hidden.
    """
    style = SEVERITY_STYLES[event.severity] if event.severity else ""
    replies = f"  ({', '.join(event.endpoints)})" if event.endpoints else ""
    name = event.owner_name if has_owner else ""
    text = format_event_line(event, view.now, view.zone, name) + replies
    first, *rest = wrap_text(text, width - MARK_WIDTH - 2, style)
    key = event.at, event.kind, place
    return build_row(key, [first, *(build_line("  ", line) for line in rest)], event.at, event.org_key)


def _build_problems(view: View, width: int) -> list[ListRow]:
    """Return the rows of the open problems and notes, in lines of at most `width` cells."""
    if view.past_figures is not None:
        return [fix_row(build_line((f"Problems not known: {NO_REPLIES}.", MUTED)))]
    if view.is_empty:
        return [fix_row(build_line(("Nothing read yet.", HEADING)))]
    if not view.store.problems:
        return [fix_row(build_line(("No problems.", HEADING)))]
    rows = [fix_row(build_line(("Problems", HEADING))), BLANK_ROW]
    for place, problem in enumerate(sorted(view.store.problems, key=is_informational)):
        style = MUTED if is_informational(problem) else SEVERITY_STYLES[Severity.WARNING]
        since = format_moment(problem.at, view.now, view.zone)
        lines = wrap_text(f"{since}  {format_problem_title(problem, view.zone)}", width, style)
        if not is_informational(problem):
            summary, cure = PROBLEM_TEXTS[problem.error_kind].summary, describe_problem_cure(problem)
            kept = describe_fallback_figures(problem, view.store, view.now, view.zone)
            body = [line for text in (summary, cure, kept) for line in wrap_text(text, width - 2)]
            lines += [build_line("  ", line) for line in body]
        rows.append(build_row((problem.at, problem.error_kind, place), lines, problem.at))
        rows += [] if is_informational(problem) else [BLANK_ROW]
    return rows
