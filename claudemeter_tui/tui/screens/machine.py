"""Use of Claude Code on this machine: tokens, cost, projects, models, cache rebuilds and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from textual.binding import BindingType

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
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.machine import REFUSAL_DAYS, MachineUsage, SpanKind
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.keys import HELP_KEY, PERIOD_HINT, Key
from claudemeter_tui.tui.screens.lists import AS_OF_KEY, CURSOR_KEYS, Place
from claudemeter_tui.tui.screens.pages import PagesScreen
from claudemeter_tui.tui.view import MachineState, View
from claudemeter_tui.tui.widgets import machine_pages
from claudemeter_tui.tui.widgets.list_view import ListPage
from claudemeter_tui.tui.widgets.tables import build_reading_page, build_text_page

MACHINE_KEYS = (
    AS_OF_KEY._replace(purpose="show the dashboard as of this refusal"),
    Key("tab", "Tab", "screen.turn(1)", "page", "next page"),
    Key("shift+tab", "Shift+Tab", "screen.turn(-1)", "previous", "previous page"),
    Key("plus,equals_sign", "+", "screen.span(1)", "longer", "longer period of projects and models"),
    Key("minus", "-", "screen.span(-1)", "shorter", "shorter period"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "close this machine"),
)
"""All keys of the screen."""
SPAN_PAGES = ("projects", "models")
"""Pages that show one span."""
MAX_AGE = timedelta(minutes=10)
"""Age above which figures show their time: they were not read again, or the demo's first day is over."""
DATED_PAGES = ("rebuilds", "refusals")
"""Pages that list the last `REFUSAL_DAYS` days."""
LISTED_SPAN = f"last {REFUSAL_DAYS} days"
"""Title of the days that these pages list."""


class MachineScreen(PagesScreen):
    """Pages under one row of tabs; the org can be changed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in MACHINE_KEYS]
    NAME, LIST_NAME = "This machine", "this machine"
    PAGES = ("totals", "projects", "models", "rebuilds", "refusals")
    MIN_HEIGHTS = (4, 8)
    SHOWS_MACHINE = True

    def __init__(self, view: View) -> None:
        """Show the totals."""
        super().__init__(view)
        self._span = list(SpanKind).index(SpanKind.TODAY)

    def get_place(self) -> Place:
        """Return page, cursors and span."""
        return super().get_place(), self._span

    def set_place(self, place: Place) -> None:
        """Start at a place of another screen of this kind."""
        pages, self._span = place
        super().set_place(pages)

    def list_hints(self) -> Sequence[Key]:
        """Return the keys that do something on the page: not every one has a period or moments."""
        usage, name = self.view.machine, self.page_name
        has_moments = name == "refusals" and usage is not None and bool(usage.refusals)
        return (
            *(MACHINE_KEYS[-1], HELP_KEY),
            *([AS_OF_KEY] if has_moments else []),
            MACHINE_KEYS[1],
            *([PERIOD_HINT] if name in SPAN_PAGES and usage is not None and not usage.is_empty else []),
            Key("", "1-9 ←→", "", "org", ""),
            Key("", "q", "quit", "quit", ""),
        )

    def list_inputs(self) -> tuple[object, ...]:
        """Return the use on screen, its span, and the orgs that it can name."""
        view = self.view
        usage = view.machine, view.machine_state, view.transcript_folders, view.key
        return *usage, view.state and view.state.org, view.store.orgs, self._span

    def handle_enter(self) -> None:
        """Show the dashboard as of a refusal; other rows have no moment."""
        if self.page_name == "refusals":
            super().handle_enter()

    def action_span(self, step: int) -> None:
        """Show a longer or a shorter span; from a page with all of them, open the projects."""
        if self.page_name not in SPAN_PAGES:
            self.open_page("projects")
            return
        place = self.choose_place(self._span + step, len(SpanKind))
        if place is not None:
            self._span = place
            self._draw()

    def list_asides(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return projects and models for the totals and for each other, and so rebuilds and refusals."""
        usage = self.view.machine
        if usage is None or usage.is_empty:
            return {}
        span = usage.spans[self._span].span.kind.value
        projects, models = ("projects", f"Projects · {span}"), ("models", f"Models · {span}")
        rebuilds = "rebuilds", f"Cache rebuilds · {LISTED_SPAN}"
        refusals = "refusals", f"Refusals · {LISTED_SPAN}"
        return {
            "totals": (projects, models),
            "projects": (models,),
            "models": (projects,),
            "rebuilds": (refusals,) if usage.refusals else (),
            "refusals": (rebuilds,) if usage.rebuilds else (),
        }

    def build_page(self, name: str, width: int, height: int, *, is_aside: bool = False) -> ListPage:  # noqa: ARG002 - no page fills its height
        """Return a page of the use, or why there is none."""
        usage, context = self.view.machine, self._build_context(width, is_aside=is_aside)
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
        return machine_pages.build_totals_page(usage, context)

    def _build_context(self, width: int, *, is_aside: bool) -> machine_pages.PageContext:
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
            width,
            org is not None,
            {window.key: window.label for window in plan.windows} if plan is not None else {},
            describe_login(login, org.uuid if org is not None else None, names),
            find_org,
            is_aside,
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

    def list_titles(self) -> Sequence[str]:
        """Return the span of the page, the time of old figures, and that of the first known call."""
        view, usage = self.view, self.view.machine
        if usage is None or usage.is_empty:
            return ()
        is_old = view.now - usage.at > MAX_AGE
        as_of = f"as of {format_moment(usage.at, view.now, view.zone)}" if is_old else ""
        if self.page_name in SPAN_PAGES:
            span = usage.spans[self._span].span
            return span.kind.value, format_since(span, usage.at, view.zone), as_of, view.note
        is_dated = self.page_name in DATED_PAGES
        title = LISTED_SPAN if is_dated else "Claude Code"
        return title, as_of, describe_first_call(usage, view.zone), view.note
