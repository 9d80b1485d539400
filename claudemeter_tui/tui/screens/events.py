"""Problems by cause, and the events as a table that can be filtered and searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from claudemeter_tui.formatting.events import EventCategory, categorize_event, describe_event
from claudemeter_tui.formatting.past import EVENTS_TITLE, NO_REPLIES
from claudemeter_tui.formatting.problems import format_group_title, format_problem_title
from claudemeter_tui.formatting.search import has_words
from claudemeter_tui.formatting.values import format_count, format_day_title, to_local
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.problems import ProblemCause, ProblemGroup
from claudemeter_tui.tui.keys import HELP_KEY, Key
from claudemeter_tui.tui.screens.lists import CURSOR_KEYS, PAGE_HINTS, TITLE_FROM, MomentListScreen, Place
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    StyledLine,
    build_line,
    iterate_shorter,
    join_pieces,
    spread_line,
    wrap_text,
)
from claudemeter_tui.tui.view import HistoryState, View
from claudemeter_tui.tui.widgets.event_panel import READING_EARLIER
from claudemeter_tui.tui.widgets.event_table import ONE_LINE_BELOW, EventTable
from claudemeter_tui.tui.widgets.list_view import (
    BLANK_ROW,
    MARK_WIDTH,
    ClickableLine,
    ListPage,
    ListRow,
    fix_row,
)
from claudemeter_tui.tui.widgets.problem_list import DISMISSED, build_problem_rows

ORG_KEY = Key("f", "f", "screen.filter_org", "org", "show the events of this org only, or of all")
CATEGORY_KEY = Key("c", "c", "screen.filter_category", "kind", "show one kind of events only, or all")
DISMISS_KEY = Key("x", "x", "screen.dismiss_problem", "dismiss", "hide a problem until it occurs again")
SEARCH_KEY = Key("slash", "/", "screen.find", "search", "show only rows that match these words")
EVENTS_KEYS = (
    Key("enter", "Enter", "screen.enter", "open", "show the org at this event, or a problem's replies"),
    ORG_KEY,
    CATEGORY_KEY,
    SEARCH_KEY,
    DISMISS_KEY,
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "end the search or close the events"),
)
"""All keys of the events."""
FILTERED_TITLE_FROM = 6
"""Lines of the terminal from which the title is shown while a filter hides events."""
NO_MATCH = "No problem and no event matches all of these words."
NO_PROBLEMS = "no problems"
NO_FILTERED = "No events match this filter."
LAST_DAYS = "These are the events of the last 7 days."


class EventsScreen(MomentListScreen):
    """Open problems by cause, those with missing figures on top; then the events, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in EVENTS_KEYS]
    LIST_NAME = "the events"
    HINTS = (
        PAGE_HINTS[0],
        HELP_KEY,
        EVENTS_KEYS[0],
        ORG_KEY,
        CATEGORY_KEY,
        SEARCH_KEY,
        DISMISS_KEY,
        *PAGE_HINTS[1:],
    )
    MIN_HEIGHTS = (TITLE_FROM, 16)

    @dataclass
    class ProblemDismissed(Message):
        """The user dismissed a problem, or wants to see the dismissed ones again."""

        cause: ProblemCause | None
        """Its cause, as on screen. None to show all again."""

    def __init__(self, view: View) -> None:
        """Start with all events, and with every problem closed."""
        super().__init__(view)
        self._is_one_org = False
        self._category: EventCategory | None = None
        self._has_no_match = False
        """True if a search finds neither a problem nor an event."""
        self._opened: set[ProblemCause | str] = set()
        self._joined: tuple[tuple[Event, ...], tuple[Event, ...], tuple[Event, ...]] = ((), (), ())
        """Events of this run and of earlier ones, and all of them."""
        self._table_rows: tuple[object, list[ListRow]] = (None, [])
        """The basis of the rows of the events, and these rows."""

    def get_place(self) -> Place:
        """Return the row, the filters and the open problems."""
        return super().get_place(), self._is_one_org, self._category, self._opened

    def set_place(self, place: Place) -> None:
        """Start at a place of another list of events."""
        row, self._is_one_org, self._category, self._opened = place
        super().set_place(row)

    def list_hints(self) -> Sequence[Key]:
        """Return the keys that do something: without a problem, there is none to dismiss."""
        return (
            self.HINTS
            if self.view.problem_groups
            else tuple(key for key in self.HINTS if key is not DISMISS_KEY)
        )

    def redraw(self) -> None:
        """Draw a row for each problem, and a table of the events."""
        view, width = self.view, self.item_list.line_width
        words = self.search_bar.search_text.strip()
        every, groups = self._join_events(), view.problem_groups
        filtered = [event for event in every if self._is_shown(event)]
        events = [event for event in filtered if self._matches_event(event, words)]
        problems = [group for group in groups if self._matches_problem(group, words)]
        rows = self._build_problems(problems, width, is_search=bool(words))
        rows += [BLANK_ROW] if rows else []
        self._has_no_match = bool(words) and not events and not problems
        if self._has_no_match:
            reason = self._describe_filter_miss() or NO_MATCH
            rows = [fix_row(line) for line in wrap_text(reason, width - MARK_WIDTH, MUTED)]
        elif events or not words:
            rows += self._build_events(events, width, has_problems=bool(rows))
        key = self.get_cursor_key()
        self.show_page(ListPage(rows, width), key)
        self.set_header_lines([self._build_title(len(every), len(every) - len(filtered))], [Content("")])
        if self._is_filtered:
            is_away = self.app.size.height < FILTERED_TITLE_FROM
            self.query_one("#first", ClickableLine).set_class(is_away, "-away")
        self.search_bar.show_result(f"{len(events) + len(problems)} of {len(every) + len(groups)}")
        self.show_view(view)

    @property
    def _is_filtered(self) -> bool:
        return self._is_one_org or self._category is not None

    def _describe_filter_miss(self) -> str:
        """Return which filter can hide a match, with the keys that clear it. Empty without a filter."""
        state = self.view.state
        by_org = f"{state.org.display_name} ({ORG_KEY.display})" if self._is_one_org and state else ""
        by_category = f"{self._category} ({CATEGORY_KEY.display})" if self._category else ""
        chosen = " · ".join(filter(None, (by_org, by_category)))
        return f"No match. Filter: only {chosen}. Press Esc, then the key, to clear it." if chosen else ""

    def _join_events(self) -> tuple[Event, ...]:
        """Return the events of earlier runs and of this one, oldest first; the same tuple for the same."""
        own, earlier = self.view.events, self.view.earlier_events
        if self._joined[0] is not own or self._joined[1] is not earlier:
            self._joined = own, earlier, self.view.join_events()
        return self._joined[2]

    def _is_shown(self, event: Event) -> bool:
        """True if the filter shows the event; an event of a session concerns all its orgs."""
        if self._category is not None and categorize_event(event) is not self._category:
            return False
        state = self.view.state
        if not self._is_one_org or state is None:
            return True
        return event.org_key == state.key or (event.org_key is None and event.session == state.session)

    def _matches_event(self, event: Event, words: str) -> bool:
        if not words:
            return True
        day, today = (to_local(one, self.view.zone).date() for one in (event.at, self.view.present))
        about = event.owner_name, describe_event(event, self.view.zone), format_day_title(day, today)
        return has_words("\n".join((*about, *event.endpoints)), words)

    def _matches_problem(self, group: ProblemGroup, words: str) -> bool:
        if not words:
            return True
        titles = (format_problem_title(problem, self.view.zone) for problem in group.problems)
        return has_words("\n".join((format_group_title(group, self.view.zone), *titles)), words)

    def _build_title(self, count: int, hidden: int) -> StyledLine:
        """Return the title with the filter and the number of problems, notes and events."""
        view, width = self.view, self.app.size.width
        title = build_line((" Events", HEADING))
        if self._is_filtered:
            org = view.state.org.display_name if self._is_one_org and view.state is not None else ""
            chosen = [one for one in (org, self._category) if one]
            note = build_line((f"{hidden} hidden", MUTED))
            options = [
                join_pieces([title, *(build_line(f"only {one}") for one in chosen), note]),
                build_line(" ", join_pieces([*(build_line(one) for one in chosen), note])),
                join_pieces([title, note]),
            ]
            title = next((one for one in options if one.cell_length < width), options[-1])
        counts = ((len(view.open_problems), "problem"), (len(view.open_notes), "note"), (count, "event"))
        words = [format_count(number, noun) for number, noun in counts if number]
        is_known = view.past_figures is None and not view.is_empty
        calm = [NO_PROBLEMS] if is_known and not view.problem_groups else []
        pieces = [build_line((text, MUTED)) for text in (*calm, *words)]
        room = width - 3 - title.cell_length
        shorter = iterate_shorter(pieces)
        total = next((one for one in shorter if one.cell_length <= room), build_line())
        return spread_line(title, total, width - 1)

    def _build_problems(
        self, groups: Sequence[ProblemGroup], width: int, *, is_search: bool
    ) -> list[ListRow]:
        """Return the rows of the open problems and notes."""
        view = self.view
        if is_search and not groups:
            return []
        if view.past_figures is not None:
            return [fix_row(build_line((f"Problems not known: {NO_REPLIES}.", MUTED)))]
        if view.is_empty:
            return [fix_row(build_line(("Nothing read yet.", HEADING)))]
        return [*build_problem_rows(groups, view, self._opened, width - MARK_WIDTH)]

    def _build_events(self, events: Sequence[Event], width: int, *, has_problems: bool) -> list[ListRow]:
        """Return the rows of the events, newest first, and what the list covers.

        Below problems they have a title.
        """
        view = self.view
        is_past, is_reading = bool(view.past_label), view.events_state is HistoryState.READING
        reading = [fix_row(line) for line in wrap_text(READING_EARLIER, width - MARK_WIDTH, MUTED)]
        if not events and is_reading:  # an earlier run may have some
            return reading
        if not events:
            text = "No events in the 24 hours before." if is_past else "No events in this run yet."
            if self._is_filtered and self._join_events():
                text = NO_FILTERED
            elif view.events_state is HistoryState.READ:
                text = "No events in the last 7 days."
            rows = [fix_row(build_line((text, MUTED)))]
        else:
            rows = self._build_table(
                events, width, EVENTS_TITLE if is_past else "", has_problems=has_problems
            )
        if is_reading:
            return [*rows, BLANK_ROW, *reading]
        if view.events_state is HistoryState.READ and events:
            return [*rows, BLANK_ROW, *map(fix_row, wrap_text(LAST_DAYS, width - MARK_WIDTH, MUTED))]
        return rows

    def _build_table(
        self, events: Sequence[Event], width: int, title: str, *, has_problems: bool
    ) -> list[ListRow]:
        view = self.view
        today, count = to_local(view.present, view.zone).date(), len(view.store.orgs)
        has_short_rows = self.app.size.height < ONE_LINE_BELOW
        basis = (tuple(events), width, title, has_problems, has_short_rows, view.zone, today, count)
        if self._table_rows[0] != basis:
            # With a single org, its name in every row would say nothing.
            has_owner = len(view.store.orgs) != 1
            table = EventTable(
                events, view.present, view.zone, width, has_owner=has_owner, has_short_rows=has_short_rows
            )
            title = title or ("Events" if has_problems and not table.has_columns else "")
            rows = [fix_row(build_line((title, HEADING)))] if title else []
            rows += [fix_row(table.build_head())] if table.has_columns else []
            self._table_rows = basis, [*rows, *table.build_rows()]
        return self._table_rows[1]

    def on_input_changed(self) -> None:
        """While the user types, show only the rows that match."""
        self._draw()

    def action_filter_org(self) -> None:
        """Show the events of the selected org only, or of all."""
        self._is_one_org = not self._is_one_org
        self._draw()

    def action_filter_category(self) -> None:
        """Show the next category of events only; after the last one, all."""
        choices = (None, *EventCategory)
        self._category = choices[(choices.index(self._category) + 1) % len(choices)]
        self._draw()

    def action_dismiss_problem(self) -> None:
        """Dismiss the problem under the cursor; on the dismissed ones, show them again."""
        key = self.get_cursor_key()
        if isinstance(key, ProblemCause):
            self.post_message(self.ProblemDismissed(key))
        elif key == DISMISSED:
            self.post_message(self.ProblemDismissed(None))
        else:
            self.notify("Only a problem can be dismissed.", markup=False)

    def handle_enter(self) -> None:
        """Open or close a problem, or show the dashboard as of an event."""
        key = self.get_cursor_key()
        if self._has_no_match:
            self.action_back()
        elif isinstance(key, ProblemCause) or key == DISMISSED:
            self._opened ^= {key if isinstance(key, ProblemCause) else DISMISSED}
            self._draw()
        else:
            super().handle_enter()
