"""The application: one message changes the store, and the screens draw it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen

from claudemeter_tui.model.reading import Offered, Reading
from claudemeter_tui.model.store import OrgKey, Store
from claudemeter_tui.text import format as form
from claudemeter_tui.tui.ink import SEVERITY_OF_TOAST
from claudemeter_tui.tui.keys import BOUND
from claudemeter_tui.tui.options import Options
from claudemeter_tui.tui.screens.dashboard import Dashboard
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.terminal import Notice, Outlet, driver_class
from claudemeter_tui.tui.themes import DARK, OWN, missing
from claudemeter_tui.tui.view import View

if TYPE_CHECKING:  # the first frame does not wait for them
    from claudemeter_tui.model.events import Event
    from claudemeter_tui.model.journal import Journal
    from claudemeter_tui.text.redact import Redaction
    from claudemeter_tui.tui.attention import Attention
    from claudemeter_tui.tui.screens.connect import Connect
    from claudemeter_tui.tui.screens.details import Details
    from claudemeter_tui.tui.screens.overview import Overview
    from claudemeter_tui.tui.widgets.key_hints import KeyHints
    from claudemeter_tui.tui.widgets.org_tabs import OrgTabs

DEMO = "demo"
"""What the dashboard returns when the demo is wanted instead."""
LATER = (
    "model.journal",
    "tui.attention",
    "tui.widgets.body",
    *(f"tui.screens.{name}" for name in ("connect", "overview", "details", "help", "happenings", "confirm")),
)
"""Modules that the first frame does not wait for."""
USAGE_PAGE = "https://claude.ai/settings/usage"


class Feed(Protocol):
    """Where readings come from: asks by itself, and at once when poked."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""

    async def round(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""

    def poke(self) -> None:
        """Poll now."""


class Door(Protocol):
    """A feed that takes one more session."""

    async def offer(self, text: str) -> Offered:
        """Take a Cookie header or a `sessionKey`, if the server accepts it."""


class Claudemeter(App[str]):
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
    selected: var[OrgKey | None] = var[OrgKey | None](None, init=False)
    """The org on screen; only a key or a click moves it once it is set."""
    span: var[timedelta | None] = var[timedelta | None](None, init=False)
    """How far back the chart looks. None: the whole run."""
    private: var[bool] = var(False, init=False)
    """Everything personal is hidden."""

    def __init__(self, feed: Feed, *, now: Callable[[], datetime], options: Options | None = None) -> None:
        """Show what `feed` reads, by the clock `now`."""
        self.options = options or Options()
        notice = None if self.options.desktop == "auto" else Notice(self.options.desktop)
        self._outlet = Outlet.of(os.environ, notice)
        super().__init__()
        self._feed = feed
        self._clock = now
        self._journal: Journal | None = None
        self._showing = False
        for theme in OWN:
            self.register_theme(theme)
        known = self.options.theme in self.available_themes
        self.theme = self.options.theme if known else DARK.name
        self.set_reactive(Claudemeter.now, now())
        self.set_reactive(Claudemeter.private, self.options.privacy)

    @cached_property
    def _redaction(self) -> Redaction:
        """The pseudonyms of this run."""
        from claudemeter_tui.text.redact import Redaction  # noqa: PLC0415 - not before it is needed

        return Redaction()

    @cached_property
    def _attention(self) -> Attention:
        """What is told past the screen."""
        from claudemeter_tui.tui.attention import Attention  # noqa: PLC0415 - not before it is needed

        return Attention(self.options, self._outlet, self._say)

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver, with the way past it for title, bell and notifications."""
        return driver_class(super().get_driver_class(), self._outlet)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours in terms of a theme that is not ours."""
        return missing(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        """The dashboard is all there is until something is opened over it."""
        return Dashboard()

    def _fatal_error(self) -> None:
        """Textual's own crash screen, without the values of local variables: one could be a secret."""
        from rich.segment import Segments  # noqa: PLC0415 - only for a crash
        from rich.traceback import Traceback  # noqa: PLC0415 - the same

        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    def on_ready(self) -> None:
        """The first frame is painted: now start to read."""
        gc.enable()
        self._show()
        self.set_interval(1, self._tick)
        self.run_worker(asyncio.to_thread(_preload))
        self.run_worker(self._feed.run(self._post), exit_on_error=True)
        if self._may_alert and self._attention.command is not None:
            self.run_worker(self._attention.command.run())
        if sys.platform != "win32" and not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def on_unmount(self) -> None:
        """Keep what was chosen for the next run."""
        self.options.remember(self.theme, self.selected)

    def on_claudemeter_read(self, message: Read) -> None:
        """Fold the reading in."""
        self.now = self._clock()
        self.store = self.store.folded(message.reading)
        self._follow()

    def watch_store(self) -> None:
        """Select the first org there is, and show the news."""
        if self.selected is None or (self.store.org(self.selected) is None and self.store.orgs):
            wished = self.store.org(self.selected or self.options.org)
            first = wished or next(iter(self.store.orgs), None)
            self.selected = first.key if first else None
        self._greet()
        self._show()

    def watch_selected(self) -> None:
        """Show another org."""
        self._show()

    def watch_span(self) -> None:
        """Show more or less of the past."""
        self._show()

    def watch_private(self) -> None:
        """Show names, or pseudonyms."""
        self._show()

    def watch_now(self) -> None:
        """Count down."""
        self._show()

    def on_screen_resume(self) -> None:
        """Show the present moment on a screen that comes to the front."""
        self._show()

    def on_org_tabs_selected(self, message: OrgTabs.Selected) -> None:
        """A tab was clicked."""
        self.selected = self._original(message.key)

    def on_overview_chosen(self, message: Overview.Chosen) -> None:
        """Go to an org of the overview."""
        self.selected = self._original(message.key)
        self.action_close()

    def on_details_copied(self, message: Details.Copied) -> None:
        """Put a figure, a row or a reply on the clipboard."""
        self.copy_to_clipboard(message.text)
        self._say(f"Copied the {message.what}.")

    async def on_key_hints_chosen(self, message: KeyHints.Chosen) -> None:
        """A hint of the footer was clicked."""
        await self.run_action(message.action)

    def on_connect_pasted(self, message: Connect.Pasted) -> None:
        """A session was pasted: try it, and say what became of it."""
        self.run_worker(self._offer(message))

    def on_connect_demo(self, message: Connect.Demo) -> None:
        """Leave for the demo."""
        message.stop()
        self.exit(DEMO)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """The actions of the keys, by name."""
        for key in BOUND:
            if key.palette:
                yield SystemCommand(key.palette, key.purpose, partial(self._later, key.action))

    def action_neighbour(self, step: int) -> None:
        """Go to an org so many tabs further."""
        key = self._view().neighbour(step)
        self.selected = self._original(key) if key else None

    def action_pick(self, number: int) -> None:
        """Go to the org of that number; without one nothing happens."""
        if number <= len(self.store.orgs):
            self.selected = self.store.orgs[number - 1].key

    def action_span(self, step: int) -> None:
        """Let the chart look further back, or less far."""
        from claudemeter_tui.tui.widgets.chart_panel import wider  # noqa: PLC0415 - not before it is needed

        self.span = wider(self.span, step)

    def action_refresh(self) -> None:
        """Poll now, or say until when the server wants no more questions."""
        session = self._view().session
        schedule = session.schedule if session else None
        if schedule is not None and schedule.held and schedule.next_at > self._clock():
            until = form.until(schedule.next_at, self._clock(), self.options.zone)
            self._say(f"The server wants no questions before {until}; it is asked by itself then.")
        else:
            self._feed.poke()

    def action_usage_page(self) -> None:
        """Open claude.ai's own page."""
        self.open_url(USAGE_PAGE)
        self._say(f"Opened {USAGE_PAGE}")

    def action_privacy(self) -> None:
        """Hide everything personal, or show it again."""
        self.private = not self.private

    def action_save_picture(self) -> None:
        """Save a picture for a bug report and the report beside it, both without anything personal."""
        from claudemeter_tui.tui import pictures  # noqa: PLC0415 - not before it is needed

        self._save(pictures.svg(self, self._redaction), self._report())

    def action_save_seen(self) -> None:
        """Save what is seen, after asking."""
        from claudemeter_tui.tui import pictures  # noqa: PLC0415 - not before it is needed
        from claudemeter_tui.tui.screens.confirm import Confirm  # noqa: PLC0415 - the same

        picture = pictures.svg(self)
        self.push_screen(Confirm(), lambda yes: self._save(picture) if yes else None)

    def action_help(self) -> None:
        """Explain everything."""
        self._open("help")

    def action_happenings(self) -> None:
        """Tell every problem and every event in words."""
        self._open("happenings")

    def action_overview(self) -> None:
        """Show all orgs at once."""
        self._open("overview")

    def action_details(self) -> None:
        """Show every figure of the org, and the replies."""
        self._open("details")

    def action_close(self) -> None:
        """Close what is open over the dashboard."""
        if isinstance(self.screen, Viewer) and self.screen.OVER:
            self.pop_screen()

    @property
    def _may_alert(self) -> bool:
        return self.options.alerts and not self.is_headless

    def _greet(self) -> None:
        """Where there is no session show what can be done; go back as soon as there is one."""
        from claudemeter_tui.tui.screens.connect import Connect, is_wanted  # noqa: PLC0415 - as the journal

        wanted = is_wanted(self.store)
        if wanted and isinstance(self.screen, Dashboard):
            self.push_screen(Connect(self._view()))
        elif not wanted and isinstance(self.screen, Connect):
            self.pop_screen()

    async def _offer(self, message: Connect.Pasted) -> None:
        from claudemeter_tui.tui.screens import connect  # noqa: PLC0415 - loaded long ago

        offered = await cast("Door", self._feed).offer(message.take())
        if isinstance(self.screen, connect.Connect):
            self.screen.tell(offered)

    def _follow(self) -> None:
        """Tell what has happened since the last look."""
        from claudemeter_tui.model.journal import Journal  # noqa: PLC0415 - not before anything has been read

        journal = self._journal or Journal(self.options.thresholds)
        self._journal = journal.after(self.store, self.now)
        if not self._journal.fresh:
            return
        if self._may_alert:
            for alert in self._attention.call(self._journal.fresh, self._name_of):
                loud = SEVERITY_OF_TOAST[alert.severity]
                self.notify(alert.text, title=alert.head, severity=loud, markup=False)
        self._show()

    def _name_of(self, event: Event) -> str:
        """How the org or the session of an event is called on this screen."""
        if self.private:
            self._redaction.store(self.store)
            (event,) = self._redaction.events((event,))
        return event.whose

    def _original(self, key: OrgKey) -> OrgKey:
        """The key of an org that a screen names by its key, which privacy replaces."""
        return self._redaction.original(key) if self.private else key

    def _open(self, name: str) -> None:
        """Put a screen over the dashboard, instead of another one; again closes it."""
        module = import_module(f"claudemeter_tui.tui.screens.{name}")
        page: type[Viewer] = getattr(module, name.capitalize())
        shown = type(self.screen)
        self.action_close()
        if shown is not page:
            self.push_screen(page(self._view()))

    def _tick(self) -> None:
        self.now = self._clock()
        self._follow()

    def _post(self, reading: Reading) -> None:
        self.post_message(self.Read(reading))

    def _view(self) -> View:
        view = View(
            self.store,
            self.now,
            self.selected,
            self.options.zone,
            span=self.span,
            events=self._journal.events if self._journal else (),
            ascii=self.options.ascii,
            note=self.options.note,
        )
        if not self.private:
            return view
        from claudemeter_tui.tui.pictures import private_view  # noqa: PLC0415 - not before it is needed

        return private_view(view, self._redaction)

    def _show(self) -> None:
        """Draw the present state once all that has come by now is known."""
        if not self._showing and self.is_running:
            self._showing = True
            self.call_later(self._draw)

    def _draw(self) -> None:
        self._showing = False
        if not (self.is_running and self.screen_stack):
            return
        view = self._view()
        if isinstance(self.screen, Viewer):
            self.screen.view = view
        if view.state is not None and view.verdict is not None:
            from claudemeter_tui.text import verdict as words  # noqa: PLC0415 - not before there is one

            self._outlet.show_title(f"{view.state.org.called}: {words.name(view.verdict)}")

    def _say(self, text: str) -> None:
        """A toast, where there is room for one."""
        if self.size.width >= 60 and self.size.height >= 20:
            self.notify(text, markup=False)

    def _save(self, picture: str, report: str = "") -> None:
        from claudemeter_tui.tui import pictures  # noqa: PLC0415 - not before it is needed

        try:
            path = pictures.save(self.options.pictures, self.now, picture, report, self.options.zone)
        except pictures.PictureError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.copy_to_clipboard(str(path))
        shown = path.name if self.private else str(path)
        self._say(f"Saved {shown}; its path is on the clipboard.")

    def _report(self) -> str:
        from claudemeter_tui.text import bug_report  # noqa: PLC0415 - not before it is needed

        return bug_report.document(
            self.store,
            self.now,
            self._redaction,
            size=(self.size.width, self.size.height),
            terminal=os.environ,
            settings=self.options.settings,
            versions=bug_report.versions(),
        )

    def _later(self, action: str) -> None:
        """Run an action once the palette has closed."""
        self.call_later(self.run_action, action)


def _preload() -> None:
    """Load what the first frame did not wait for, so that no key does."""
    for name in LATER:
        import_module(f"claudemeter_tui.{name}")
