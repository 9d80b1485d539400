"""History of one org: hours, cycles, sums, stops and credits per day, from the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from claudemeter_tui.formatting.history import (
    EMPTY_HISTORY,
    HISTORY_OFF,
    UNREADABLE_HISTORY,
    describe_calendar,
    describe_coverage,
    format_span,
)
from claudemeter_tui.model.history import HISTORY_SPANS, HistoryAnswer, HourCalendar
from claudemeter_tui.tui.keys import HELP_KEY, PERIOD_HINT, Key
from claudemeter_tui.tui.screens.lists import AS_OF_KEY, CURSOR_KEYS, Place, describe_no_org
from claudemeter_tui.tui.screens.pages import PagesScreen
from claudemeter_tui.tui.view import HistoryState, View
from claudemeter_tui.tui.widgets import history_calendar, history_pages
from claudemeter_tui.tui.widgets.list_view import ListPage
from claudemeter_tui.tui.widgets.tables import build_reading_page, build_text_page

HISTORY_KEYS = (
    AS_OF_KEY,
    Key("tab", "Tab", "screen.turn(1)", "page", "next page"),
    Key("shift+tab", "Shift+Tab", "screen.turn(-1)", "previous", "previous page"),
    Key("plus,equals_sign", "+", "screen.span(1)", "longer", "show a longer period (up to 52 weeks)"),
    Key("minus", "-", "screen.span(-1)", "shorter", "show a shorter period"),
    Key("w", "w", "screen.switch", "figure", "switch the calendar: credits / windows"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "close the history"),
)
"""All keys of the history."""


class HistoryScreen(PagesScreen):
    """Pages under one row of tabs; the org can be changed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in HISTORY_KEYS]
    NAME, LIST_NAME = "History", "the history"
    PAGES = ("calendar", "cycles", "sums", "stops", "days")
    MIN_HEIGHTS = (4, 8)
    NEEDS_ORG = True
    SHOWS_HISTORY = True

    @dataclass
    class SpanChosen(Message):
        """The user chose another span."""

        weeks: int

    def __init__(self, view: View) -> None:
        """Show the calendar of the view's selected org."""
        super().__init__(view)
        self._calendar = 0
        """Number of the calendar among those of the answer."""

    def get_place(self) -> Place:
        """Return page, cursors and calendar."""
        return super().get_place(), self._calendar

    def set_place(self, place: Place) -> None:
        """Start at a place of another history."""
        pages, self._calendar = place
        super().set_place(pages)

    def list_hints(self) -> Sequence[Key]:
        """Return the keys that do something on the page: a bar is no moment."""
        answer, name = self.view.history, self.page_name
        calendars = answer.calendars if answer is not None else ()
        has_moments = answer is not None and not answer.is_empty and name != "days"
        return (
            *(HISTORY_KEYS[-1], HELP_KEY),
            *([AS_OF_KEY] if has_moments else []),
            *(HISTORY_KEYS[1], PERIOD_HINT),
            *([HISTORY_KEYS[5]] if name == "calendar" and len(calendars) > 1 else []),
            Key("", "1-9 ←→", "", "org", ""),
            Key("", "q", "quit", "quit", ""),
        )

    def list_inputs(self) -> tuple[object, ...]:
        """Return the history on screen, and which calendar."""
        view = self.view
        return view.history, view.history_state, view.state is not None, self._calendar

    def action_span(self, step: int) -> None:
        """Show a longer or a shorter span."""
        place = self.choose_place(HISTORY_SPANS.index(self.view.history_weeks) + step, len(HISTORY_SPANS))
        if place is not None:
            self.post_message(self.SpanChosen(HISTORY_SPANS[place]))

    def action_switch(self) -> None:
        """Show the next figure in the calendar."""
        answer = self.view.history
        count = len(answer.calendars) if answer is not None else 0
        if self.page_name != "calendar":
            self.open_page("calendar")
        elif count < 2:
            self.notify("There is no other figure.", markup=False)
        else:
            self._calendar = (min(self._calendar, count - 1) + 1) % count
            self._draw()

    def _find_calendar(self) -> HourCalendar | None:
        """Return the calendar to show. None if the answer has none."""
        calendars = self.view.history.calendars if self.view.history is not None else ()
        return calendars[min(self._calendar, len(calendars) - 1)] if calendars else None

    def list_asides(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return the credits per day, which are beside sums and stops, and the stops."""
        answer = self.view.history
        if answer is None or answer.is_empty:
            return {}
        span = format_span(answer)[0]
        days = ("days", f"Credits · {span}")
        return {"sums": (days, ("stops", f"What stopped you · {span}")), "stops": (days,)}

    def build_page(self, name: str, width: int, height: int, *, is_aside: bool = False) -> ListPage:  # noqa: ARG002
        """Return a page of the history, or why there is none."""
        answer = self.view.history
        if answer is None or answer.is_empty:
            return self._build_empty_page(answer, width)
        match name:
            case "cycles":
                return history_pages.build_cycles_page(answer, width)
            case "sums":
                return history_pages.build_sums_page(answer, width)
            case "stops":
                return history_pages.build_stops_page(answer, width)
            case "days":
                return history_calendar.build_days_page(answer, width, height, plain=self.view.ascii)
        calendar = self._find_calendar()
        if calendar is None:
            return build_text_page(EMPTY_HISTORY[1:], width)
        plain = self.view.ascii
        return history_calendar.build_calendar_page(answer, calendar, width, height, plain=plain)

    def _build_empty_page(self, answer: HistoryAnswer | None, width: int) -> ListPage:
        if self.view.state is None and self.view.past_figures is None:
            return build_text_page((describe_no_org(self.view),), width)
        match self.view.history_state:
            case HistoryState.OFF:
                return build_text_page(HISTORY_OFF, width)
            case HistoryState.READING:
                return build_reading_page(width)
        return build_text_page(UNREADABLE_HISTORY if answer is None else EMPTY_HISTORY, width)

    def list_titles(self) -> Sequence[str]:
        """Return the figure of the calendar, the span and its coverage."""
        view, answer, calendar = self.view, self.view.history, self._find_calendar()
        if answer is None:
            return ()
        figure = describe_calendar(calendar) if self.page_name == "calendar" and calendar is not None else ""
        coverage = describe_coverage(answer.span) if answer.since else ""
        return figure, *format_span(answer), coverage, view.note
