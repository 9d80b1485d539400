"""History of one org: hours, cycles, sums, stops and credits per day, from the archive."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
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
from claudemeter_tui.tui.screens.base import (
    AS_OF_KEY,
    CURSOR_KEYS,
    SPACED_FROM,
    MomentListScreen,
    describe_no_org,
)
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    build_line,
    fit_pieces,
    select_visible_tabs,
)
from claudemeter_tui.tui.view import HistoryState, View
from claudemeter_tui.tui.widgets import history_calendar, history_pages
from claudemeter_tui.tui.widgets.details_pages import build_reply_tab
from claudemeter_tui.tui.widgets.list_view import ClickableLine, ListPage
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
PAGES = ("calendar", "cycles", "sums", "stops", "days")
"""Names of the pages, in the order of their tabs."""


class HistoryScreen(MomentListScreen):
    """Pages under one row of tabs; the org can be changed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in HISTORY_KEYS]
    HINTS = (
        HISTORY_KEYS[-1],
        HELP_KEY,
        AS_OF_KEY,
        HISTORY_KEYS[1],
        PERIOD_HINT,
        HISTORY_KEYS[5],
        Key("", "1-9 ←→", "", "org", ""),
        Key("", "q", "quit", "quit", ""),
    )
    MIN_HEIGHTS = (4, 8)
    SHOWS_HISTORY = True

    @dataclass
    class SpanChosen(Message):
        """The user chose another span."""

        weeks: int

    def __init__(self, view: View) -> None:
        """Show the calendar of the view's selected org."""
        super().__init__(view)
        self._tab = 0
        self._calendar = 0
        """Number of the calendar among those of the answer."""
        self._cursor_keys: dict[str, Hashable] = {}
        self._built_from: tuple[object, ...] = ()
        self._first_tab = 0

    def redraw(self) -> None:
        """Draw the current page; build it only if anything has changed."""
        name, size = PAGES[self._tab], self.item_list.container_size
        has_org = self.view.state is not None
        inputs = (
            *(self.view.history, self.view.history_state, has_org),
            *(name, self._calendar, size, self.view.ascii),
        )
        if inputs != self._built_from:
            self._built_from = inputs
            height = self.item_list.size.height
            page = self._build_page(name, height - 1 if height >= SPACED_FROM else height)
            self.show_page(
                page.add_line_above() if height >= SPACED_FROM else page, self._cursor_keys.get(name)
            )
        width = self.app.size.width
        self._first_tab, shown = select_visible_tabs(
            lambda place: build_reply_tab(f" {PAGES[place]} ", "", "", selected=place == self._tab),
            len(PAGES),
            self._tab,
            width,
        )
        arrows = "‹" if self._first_tab else " ", "›" if self._first_tab + len(shown) < len(PAGES) else " "
        before, after = (Content.styled(arrow, MUTED) for arrow in arrows)
        self.set_header_lines([before, *shown, after], [self._describe_page(width)])
        self.show_view(self.view)

    def on_virtual_list_cursor_moved(self) -> None:
        """Remember the new position of the cursor."""
        self._cursor_keys[PAGES[self._tab]] = self.get_cursor_key()

    def on_clickable_line_piece_clicked(self, message: ClickableLine.PieceClicked) -> None:
        """Show the clicked page."""
        place = message.index - 1 + self._first_tab
        if message.line.id == "first" and 0 <= place < len(PAGES):
            self._show_page(place)

    def action_turn(self, step: int) -> None:
        """Show the page that is `step` tabs away."""
        self._show_page((self._tab + step) % len(PAGES))

    def action_span(self, step: int) -> None:
        """Show a longer or a shorter span."""
        place = HISTORY_SPANS.index(self.view.history_weeks) + step
        if 0 <= place < len(HISTORY_SPANS):
            self.post_message(self.SpanChosen(HISTORY_SPANS[place]))
        else:
            self.notify(f"This is the {'longest' if step > 0 else 'shortest'} period.", markup=False)

    def action_switch(self) -> None:
        """Show the next figure in the calendar."""
        answer = self.view.history
        count = len(answer.calendars) if answer is not None else 0
        if PAGES[self._tab] != "calendar":
            self._show_page(PAGES.index("calendar"))
        elif count < 2:
            self.notify("There is no other figure.", markup=False)
        else:
            self._calendar = (min(self._calendar, count - 1) + 1) % count
            self._draw()

    def _show_page(self, place: int) -> None:
        self._tab = place
        self._draw()

    def _find_calendar(self) -> HourCalendar | None:
        """Return the calendar to show. None if the answer has none."""
        calendars = self.view.history.calendars if self.view.history is not None else ()
        return calendars[min(self._calendar, len(calendars) - 1)] if calendars else None

    def _build_page(self, name: str, height: int) -> ListPage:
        answer, width = self.view.history, self.item_list.line_width
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
            return build_text_page((describe_no_org(self.view.store),), width)
        match self.view.history_state:
            case HistoryState.OFF:
                return build_text_page(HISTORY_OFF, width)
            case HistoryState.READING:
                return build_reading_page(width)
        return build_text_page(UNREADABLE_HISTORY if answer is None else EMPTY_HISTORY, width)

    def _describe_page(self, width: int) -> Content:
        """Return the figure of the calendar, the span and its coverage, as far as they fit."""
        view, answer, calendar = self.view, self.view.history, self._find_calendar()
        if answer is None:
            return build_line()
        texts = [*format_span(answer), describe_coverage(answer.span) if answer.since else "", view.note]
        if PAGES[self._tab] == "calendar" and calendar is not None:
            texts.insert(0, describe_calendar(calendar))
        pieces = [
            build_line((text, HEADING if not place else MUTED)) for place, text in enumerate(texts) if text
        ]
        return build_line(" ", fit_pieces(pieces, width - 1))
