"""The application: one message changes the store, and the screens draw it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import ClassVar, Protocol

from rich.segment import Segments
from rich.traceback import Traceback
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen

from claudemeter_tui.model.reading import Endpoint, Failure, Reading
from claudemeter_tui.model.store import OrgKey, Store
from claudemeter_tui.text import format as form
from claudemeter_tui.tui.keys import BOUND
from claudemeter_tui.tui.screens.dashboard import Dashboard
from claudemeter_tui.tui.screens.details import Details
from claudemeter_tui.tui.screens.happenings import Happenings
from claudemeter_tui.tui.screens.help import Help
from claudemeter_tui.tui.screens.listing import Listing
from claudemeter_tui.tui.screens.overview import Overview
from claudemeter_tui.tui.screens.page import Page
from claudemeter_tui.tui.themes import DARK, OWN, missing
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.chart_panel import wider
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.org_tabs import OrgTabs

USAGE_PAGE = "https://claude.ai/settings/usage"


class Feed(Protocol):
    """Where readings come from: asks by itself, and at once when poked."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""

    def poke(self) -> None:
        """Poll now."""


class Claudemeter(App[None]):
    """The dashboard."""

    CSS_PATH = "app.tcss"
    TITLE = "claudemeter"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in BOUND]

    @dataclass
    class Read(Message):
        """A reading has come: the one message that changes the store."""

        reading: Reading

    store: var[Store] = var(Store(), init=False)
    """Everything known; written by the handler of `Read` alone."""
    now: var[datetime] = var(datetime(1970, 1, 1, tzinfo=UTC), init=False)
    """The moment on screen; ticks once a second."""
    span: var[timedelta | None] = var[timedelta | None](None, init=False)
    """How far back the chart looks. None: the whole run."""
    selected: var[OrgKey | None] = var[OrgKey | None](None, init=False)
    """The org on screen; only a key or a click moves it once it is set."""

    def __init__(
        self,
        feed: Feed,
        *,
        now: Callable[[], datetime],
        zone: tzinfo | None = None,
        note: str = "",
        ascii_only: bool = False,
    ) -> None:
        """Show what `feed` reads, by the clock `now`, in the time zone `zone` (None: the system's)."""
        super().__init__()
        self._feed = feed
        self._clock = now
        self._zone = zone
        self._note = note
        self._ascii = ascii_only
        for theme in OWN:
            self.register_theme(theme)
        self.theme = DARK.name
        self.set_reactive(Claudemeter.now, now())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours in terms of a theme that is not ours."""
        return missing(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        """The dashboard is all there is until something is opened over it."""
        return Dashboard()

    def _fatal_error(self) -> None:
        """Textual's own crash screen, without the values of local variables: one could be a secret."""
        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    def on_ready(self) -> None:
        """The first frame is painted: now start to read."""
        self._show()
        self.set_interval(1, self._tick)
        self.run_worker(self._feed.run(self._post), exit_on_error=True)
        if sys.platform != "win32" and not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def on_claudemeter_read(self, message: Read) -> None:
        """Fold the reading in; what nobody foresaw becomes a problem on screen, not a crash."""
        reading = message.reading
        self.now = self._clock()
        try:
            self.store = self.store.after(reading)
        except Exception as error:  # noqa: BLE001 - the boundary for what nobody foresaw
            bug = Failure.bug(error, Endpoint.ACCOUNT, reading.at)
            self.store = self.store.after(Reading(reading.session, reading.at, account=bug))

    def watch_store(self) -> None:
        """Select the first org there is, and show the news."""
        if self.selected is None or (self.store.org(self.selected) is None and self.store.orgs):
            self.selected = self.store.orgs[0].key if self.store.orgs else None
        self._show()

    def watch_selected(self) -> None:
        """Show another org."""
        self._show()

    def watch_span(self) -> None:
        """Show more or less of the past."""
        self._show()

    def watch_now(self) -> None:
        """Count down."""
        self._show()

    def on_screen_resume(self) -> None:
        """Show the present moment on a screen that comes to the front."""
        self._show()

    def on_org_tabs_selected(self, message: OrgTabs.Selected) -> None:
        """A tab was clicked."""
        self.selected = message.key

    async def on_key_hints_chosen(self, message: KeyHints.Chosen) -> None:
        """A hint of the footer was clicked."""
        await self.run_action(message.action)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """The actions of the keys, by name."""
        for key in BOUND:
            if key.palette:
                yield SystemCommand(key.palette, key.purpose, self._command(key.action))

    def action_neighbour(self, step: int) -> None:
        """Go to an org so many tabs further."""
        self.selected = self._view().neighbour(step)

    def action_pick(self, number: int) -> None:
        """Go to the org of that number; without one nothing happens."""
        if number <= len(self.store.orgs):
            self.selected = self.store.orgs[number - 1].key

    def action_span(self, step: int) -> None:
        """Let the chart look further back, or less far."""
        self.span = wider(self.span, step)

    def action_refresh(self) -> None:
        """Poll now, or say until when the server wants no more questions."""
        session = self._view().session
        schedule = session.schedule if session else None
        if schedule is not None and schedule.held and schedule.next_at > self._clock():
            until = form.until(schedule.next_at, self._clock(), self._zone)
            self._say(f"claude.ai wants no questions before {until}; it is asked by itself then.")
        else:
            self._feed.poke()

    def action_usage_page(self) -> None:
        """Open claude.ai's own page."""
        self.open_url(USAGE_PAGE)
        self._say(f"Opened {USAGE_PAGE}")

    def action_help(self) -> None:
        """Explain everything."""
        self._open(Help)

    def action_happenings(self) -> None:
        """Tell every problem and every event in words."""
        self._open(Happenings)

    def action_overview(self) -> None:
        """Show all orgs at once."""
        self._open(Overview)

    def action_details(self) -> None:
        """Show every figure of the org, and the replies."""
        self._open(Details)

    def on_overview_chosen(self, message: Overview.Chosen) -> None:
        """Go to an org of the overview."""
        self.selected = message.key
        self.action_close()

    def on_details_copied(self, message: Details.Copied) -> None:
        """Put a figure, a row or a reply on the clipboard."""
        self.copy_to_clipboard(message.text)
        self._say(f"Copied the {message.what}.")

    def action_close(self) -> None:
        """Close what is open over the dashboard."""
        if isinstance(self.screen, Page | Listing):
            self.pop_screen()

    def _open(self, page: type[Page | Listing]) -> None:
        """Put a page over the dashboard, instead of another one; again closes it."""
        shown = type(self.screen)
        self.action_close()
        if shown is not page:
            self.push_screen(page(self._view()))

    def _tick(self) -> None:
        self.now = self._clock()

    def _post(self, reading: Reading) -> None:
        self.post_message(self.Read(reading))

    def _view(self) -> View:
        return View(
            self.store,
            self.now,
            self.selected,
            self._zone,
            span=self.span,
            ascii=self._ascii,
            note=self._note,
        )

    def _show(self) -> None:
        if self.is_running and self.screen_stack and isinstance(self.screen, Dashboard | Page | Listing):
            self.screen.view = self._view()

    def _say(self, text: str) -> None:
        """A toast, where there is room for one."""
        if self.size.width >= 60 and self.size.height >= 20:
            self.notify(text, markup=False)

    def _command(self, action: str) -> Callable[[], object]:
        return lambda: self.call_later(self.run_action, action)
