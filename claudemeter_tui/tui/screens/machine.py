"""Use of Claude Code on this machine: tokens, cost, projects, models, cache rebuilds and refusals."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from claudemeter_tui.formatting.history import UNREADABLE_HISTORY
from claudemeter_tui.formatting.machine import (
    NEEDS_HISTORY,
    READING_FIRST,
    TRANSCRIPTS_OFF,
    describe_first_call,
    describe_login,
    describe_no_transcripts,
    format_since,
)
from claudemeter_tui.model.machine import MachineUsage, SpanKind
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.keys import HELP_KEY, PERIOD_HINT, Key
from claudemeter_tui.tui.screens.base import AS_OF_KEY, CURSOR_KEYS, SPACED_FROM, MomentListScreen
from claudemeter_tui.tui.styled_text import HEADING, MUTED, build_line, fit_pieces, select_visible_tabs
from claudemeter_tui.tui.view import MachineState, View
from claudemeter_tui.tui.widgets import machine_pages
from claudemeter_tui.tui.widgets.details_pages import build_reply_tab
from claudemeter_tui.tui.widgets.list_view import ClickableLine, ListPage
from claudemeter_tui.tui.widgets.tables import build_reading_page, build_text_page

MACHINE_KEYS = (
    replace(AS_OF_KEY, purpose="show the dashboard as of this refusal"),
    Key("tab", "Tab", "screen.turn(1)", "page", "next page"),
    Key("shift+tab", "Shift+Tab", "screen.turn(-1)", "previous", "previous page"),
    Key("plus,equals_sign", "+", "screen.span(1)", "longer", "longer period of projects and models"),
    Key("minus", "-", "screen.span(-1)", "shorter", "shorter period"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "close this machine"),
)
"""All keys of the screen."""
PAGES = ("overview", "projects", "models", "rebuilds", "refusals")
"""Names of the pages, in the order of their tabs."""
SPAN_PAGES = ("projects", "models")
"""Pages that show one span."""


class MachineScreen(MomentListScreen):
    """Pages under one row of tabs; the org can be changed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in MACHINE_KEYS]
    HINTS = (
        MACHINE_KEYS[-1],
        HELP_KEY,
        MACHINE_KEYS[1],
        PERIOD_HINT,
        AS_OF_KEY,
        Key("", "1-9 ←→", "", "org", ""),
        Key("", "q", "quit", "quit", ""),
    )
    MIN_HEIGHTS = (4, 8)
    SHOWS_MACHINE = True

    def __init__(self, view: View) -> None:
        """Show the overview."""
        super().__init__(view)
        self._tab = 0
        self._span = list(SpanKind).index(SpanKind.TODAY)
        self._cursor_keys: dict[str, Hashable] = {}
        self._built_from: tuple[object, ...] = ()
        self._first_tab = 0

    def redraw(self) -> None:
        """Draw the current page; build it only if anything has changed."""
        name, view, size = PAGES[self._tab], self.view, self.item_list.container_size
        inputs = (
            *(view.machine, view.machine_state, view.transcript_folders, view.key),
            *(view.state and view.state.org, view.store.orgs, name, self._span, size, view.ascii),
        )
        if inputs != self._built_from:
            self._built_from = inputs
            page, has_space = self._build_page(name), self.item_list.size.height >= SPACED_FROM
            self.show_page(page.add_line_above() if has_space else page, self._cursor_keys.get(name))
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
        self.show_view(view)

    def on_virtual_list_cursor_moved(self) -> None:
        """Remember the new position of the cursor."""
        self._cursor_keys[PAGES[self._tab]] = self.get_cursor_key()

    def on_clickable_line_piece_clicked(self, message: ClickableLine.PieceClicked) -> None:
        """Show the clicked page."""
        place = message.index - 1 + self._first_tab
        if message.line.id == "first" and 0 <= place < len(PAGES):
            self._show_page(place)

    def handle_enter(self) -> None:
        """Show the dashboard as of a refusal; other rows have no moment."""
        if PAGES[self._tab] == "refusals":
            super().handle_enter()

    def action_turn(self, step: int) -> None:
        """Show the page that is `step` tabs away."""
        self._show_page((self._tab + step) % len(PAGES))

    def action_span(self, step: int) -> None:
        """Show a longer or a shorter span; from a page with all of them, open the projects."""
        if PAGES[self._tab] not in SPAN_PAGES:
            self._show_page(PAGES.index("projects"))
            return
        place = self._span + step
        if 0 <= place < len(SpanKind):
            self._span = place
            self._draw()
        else:
            self.notify(f"This is the {'longest' if step > 0 else 'shortest'} period.", markup=False)

    def _show_page(self, place: int) -> None:
        self._tab = place
        self._draw()

    def _build_page(self, name: str) -> ListPage:
        usage, context = self.view.machine, self._build_context()
        if usage is None or usage.is_empty:
            if self.view.machine_state is MachineState.READING:
                return build_reading_page(context.width)
            return build_text_page(self._explain_no_usage(usage), context.width)
        match name:
            case "projects":
                return machine_pages.build_projects_page(usage, self._span, context)
            case "models":
                return machine_pages.build_models_page(usage, self._span, context)
            case "rebuilds":
                return machine_pages.build_rebuilds_page(usage, context)
            case "refusals":
                return machine_pages.build_refusals_page(usage, context)
        return machine_pages.build_overview_page(usage, context)

    def _build_context(self) -> machine_pages.PageContext:
        view, usage = self.view, self.view.machine
        org = view.state.org if view.state is not None else None
        states = {state.org.uuid.lower(): state for state in view.store.orgs}
        names = {uuid: state.org.display_name for uuid, state in states.items()}
        login = usage.login.org if usage is not None and usage.login is not None else None

        def find_org(uuid: str) -> OrgKey | None:
            return states[uuid].key if uuid in states else None

        plan = view.state.plan if view.state is not None else None
        return machine_pages.PageContext(
            view.zone,
            self.item_list.line_width,
            org is not None,
            {window.key: window.label for window in plan.windows} if plan is not None else {},
            describe_login(login, org.uuid if org is not None else None, names),
            find_org,
        )

    def _explain_no_usage(self, usage: MachineUsage | None) -> tuple[str, ...]:
        match self.view.machine_state:
            case MachineState.HISTORY_OFF:
                return NEEDS_HISTORY
            case MachineState.OFF:
                return TRANSCRIPTS_OFF
        if usage is None:
            return UNREADABLE_HISTORY
        if usage.read_at is None:
            return READING_FIRST
        return describe_no_transcripts(self.view.transcript_folders)

    def _describe_page(self, width: int) -> Content:
        """Return the span, and the time of the first known call, as far as they fit."""
        view, usage = self.view, self.view.machine
        if usage is None or usage.is_empty:
            return build_line()
        texts = ["Claude Code on this machine", describe_first_call(usage, view.zone)]
        if PAGES[self._tab] in SPAN_PAGES:
            span = usage.spans[self._span].span
            texts = [span.kind.value, format_since(span, usage.at, view.zone)]
        texts.append(view.note)
        pieces = [
            build_line((text, HEADING if not place else MUTED)) for place, text in enumerate(texts) if text
        ]
        return build_line(" ", fit_pieces(pieces, width - 1))
