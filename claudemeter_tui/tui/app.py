"""The application: one message changes the store, and the screens draw it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.reactive import var
from textual.screen import Screen
from textual.theme import ThemeProvider

from claudemeter_tui.feed import Door, Feed
from claudemeter_tui.tui.keys import BOUND
from claudemeter_tui.tui.options import Options
from claudemeter_tui.tui.screens.starting import Starting
from claudemeter_tui.tui.terminal import Notice, Outlet, driver_class
from claudemeter_tui.tui.themes import DARK, missing, own

if TYPE_CHECKING:  # the first frame does not wait for them
    from claudemeter_tui.model.reading import Reading
    from claudemeter_tui.model.store import OrgKey, Store
    from claudemeter_tui.tui.run import Run
    from claudemeter_tui.tui.screens.connect import Connect
    from claudemeter_tui.tui.screens.details import Details
    from claudemeter_tui.tui.screens.overview import Overview
    from claudemeter_tui.tui.screens.viewer import Viewer
    from claudemeter_tui.tui.view import View
    from claudemeter_tui.tui.widgets.key_hints import KeyHints
    from claudemeter_tui.tui.widgets.org_tabs import OrgTabs

DEMO = "demo"
"""What the dashboard returns when the demo is wanted instead."""
LATER = (
    "model.journal",
    "tui.attention",
    *(f"tui.screens.{name}" for name in ("connect", "overview", "details", "help", "happenings", "chart")),
    "tui.saving",
)
"""Modules that the first frame does not wait for."""
GARBAGE = 1_000, 3, 2
"""When Python looks for garbage: so often that memory stays level, for little is left to look through."""
USAGE_PAGE = "https://claude.ai/settings/usage"


class Claudemeter(App[str]):
    """The dashboard."""

    CSS_PATH = "app.tcss"
    TITLE = "claudemeter"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in BOUND]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012 - Textual's own type

    @dataclass
    class Read(Message):
        """A reading has come: the one message that changes the store."""

        reading: Reading

    store: var[Store] = var(cast("Store", None), init=False)
    """Everything known; written by the handler of `Read` alone. It is there from the first frame on."""
    now: var[datetime] = var(datetime(1970, 1, 1, tzinfo=UTC), init=False)
    """The moment on screen; ticks once a second."""
    selected: var[OrgKey | None] = var["OrgKey | None"](None, init=False)
    """The org on screen; only a key or a click moves it once it is set."""
    span: var[timedelta | None] = var[timedelta | None](None, init=False)
    """How far back the chart looks. None: the whole run."""
    windows: var[bool] = var(False, init=False)
    """The chart shows the windows, also where there are credits."""
    private: var[bool] = var(False, init=False)
    """Everything personal is hidden."""

    def __init__(self, feed: Feed, *, now: Callable[[], datetime], options: Options | None = None) -> None:
        """Show what `feed` reads, by the clock `now`."""
        self.options = options or Options()
        notice = None if self.options.desktop == "auto" else Notice(self.options.desktop)
        self._outlet = Outlet.of(os.environ, notice)
        super().__init__()
        self.set_class(self.options.ascii, "-ascii")
        self._feed = feed
        self._clock = now
        self._begun = False
        """The first frame is painted."""
        self._showing = True
        """A draw is due; none is before the first frame."""
        for theme in own(self.console.color_system):
            self.register_theme(theme)
        known = self.options.theme in self.available_themes
        self.theme = self.options.theme if known else DARK.name
        self.set_reactive(Claudemeter.now, now())
        self.set_reactive(Claudemeter.private, self.options.privacy)

    @cached_property
    def _run(self) -> Run:
        """What has happened in this run."""
        from claudemeter_tui.tui.run import Run

        return Run(self.options, self._outlet, self.say)

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver, with the way past it for title, bell and notifications."""
        return driver_class(super().get_driver_class(), self._outlet, self._await_signals)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours in terms of a theme that is not ours."""
        return missing(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        """The first frame; the dashboard takes its place."""
        return Starting(self.options)

    def _fatal_error(self) -> None:
        """Textual's own crash screen, without the values of local variables: one could be a secret."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    def on_ready(self) -> None:
        """The first frame is painted: now start to read."""
        from claudemeter_tui.model.store import Store
        from claudemeter_tui.tui.plain import use_bars

        gc.enable()
        self.set_reactive(Claudemeter.store, Store())
        self._begun, self._showing = True, False
        use_bars(plain=self.options.ascii)
        self._show()
        self.set_interval(1, self._tick)
        self.run_worker(asyncio.to_thread(_preload))
        self.run_worker(self._feed.run(self._post), exit_on_error=True)
        if self._may_alert and self._run.attention.command is not None:
            self.run_worker(self._run.attention.command.run())

    def _await_signals(self) -> None:
        """Leave by a signal as by a key, from before the first frame on."""
        if sys.platform != "win32":
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self._end)

    def _end(self) -> None:
        """Leave the terminal as it was, where there still is one."""
        self._outlet.is_gone = not os.isatty(sys.__stderr__.fileno()) if sys.__stderr__ else True
        self.exit()

    def on_resize(self, event: events.Resize) -> None:
        """A pane that has become too small for toasts has none."""
        if not _fits_toasts(event.size):
            self.clear_notifications()

    def on_unmount(self) -> None:
        """Keep what was chosen for the next run."""
        gc.unfreeze()
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

    def watch_windows(self) -> None:
        """Show the windows, or the credits."""
        self._show()

    def watch_private(self) -> None:
        """Show names, or pseudonyms."""
        self._show()

    def watch_now(self) -> None:
        """Count down."""
        self._show()

    def on_viewer_uncovered(self) -> None:
        """Show the present moment on a screen that comes to the front again."""
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
        self.say(f"Copied the {message.what}.")

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether a key may be used: before the first frame there is nothing to do but to leave."""
        return self._begun or action == "quit"

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
        """Go to the org of that number, or say that there is none."""
        count = len(self.store.orgs)
        if number <= count:
            self.selected = self.store.orgs[number - 1].key
        else:
            others = {0: "none was read yet", 1: "there is 1"}.get(count, f"there are {count}")
            self.say(f"There is no org {number}; {others}.")

    def action_span(self, step: int) -> None:
        """Let the chart look further back, or less far."""
        from claudemeter_tui.tui.widgets.chart_panel import wider

        span = wider(self.span, step)
        if span == self.span:
            self.say(f"The chart cannot look {'further' if step > 0 else 'less far'} back.")
        self.span = span

    def action_windows(self) -> None:
        """Let the chart show the windows or the credits; where no chart is on screen open one."""
        from claudemeter_tui.tui.screens.dashboard import Dashboard
        from claudemeter_tui.tui.widgets.chart_panel import ChartPanel, is_wanted, refusal, shows_windows

        if not self._has_room:
            return
        view, charts = self._view(), self.screen.query(ChartPanel)
        is_seen = any(chart.display for chart in charts)
        if isinstance(self.screen, Dashboard) and is_wanted(view) and not is_seen:
            self.windows = True
            self._open("chart")
        elif charts and (why := refusal(view)):
            self.say(why)
        elif charts:
            self.windows = not shows_windows(view)

    def action_refresh(self) -> None:
        """Poll now, or say until when the server wants no more questions."""
        from claudemeter_tui.model.reading import CLAUDE_CODE
        from claudemeter_tui.text import format as form

        session = self._view().session
        schedule = session.schedule if session else None
        if schedule is not None and schedule.held and schedule.next_at > self._clock():
            until = form.until(schedule.next_at, self._clock(), self.options.zone)
            self.say(f"The server wants no questions before {until}; it is asked by itself then.")
            return
        self._feed.poke()
        if schedule is not None and session is not None and session.session == CLAUDE_CODE:
            until = form.until(schedule.next_at, self._clock(), self.options.zone)
            self.say(f"Claude Code's login may be asked every few minutes only, next at {until}.")

    def action_usage_page(self) -> None:
        """Open claude.ai's own page."""
        self.open_url(USAGE_PAGE)
        self.say(f"Opened {USAGE_PAGE}")

    def action_privacy(self) -> None:
        """Hide everything personal, or show it again."""
        self.private = not self.private

    def action_save_picture(self) -> None:
        """Save a picture for a bug report and the report beside it, both without anything personal."""
        from claudemeter_tui.tui import saving

        saving.save_private(self, self._run.redaction)

    def action_save_seen(self) -> None:
        """Save what is seen, after asking."""
        from claudemeter_tui.tui import saving

        if self._has_room:
            saving.save_seen(self)

    def action_command_palette(self) -> None:
        """Find an action by its name."""
        if self._has_room and not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Type a few letters of an action"))

    def search_themes(self) -> None:
        """Choose the colours."""
        if self._has_room:
            self.push_screen(CommandPalette([ThemeProvider], placeholder="Type a few letters of a theme"))

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
        from claudemeter_tui.tui.screens.viewer import Viewer

        if isinstance(self.screen, Viewer) and self.screen.OVER:
            self.pop_screen()
            self._show()

    @property
    def has_toasts(self) -> bool:
        """Whether there is room for toasts."""
        return _fits_toasts(self.size)

    @property
    def _has_room(self) -> bool:
        """Whether anything else can be shown: in a single line there is the verdict alone."""
        return self.size.height > 1

    @property
    def _may_alert(self) -> bool:
        return self.options.alerts and not self.is_headless

    def _greet(self) -> None:
        """Where there is no session show what can be done; go back as soon as there is one."""
        from claudemeter_tui.tui.screens.connect import Connect, is_wanted
        from claudemeter_tui.tui.screens.dashboard import Dashboard

        wanted = is_wanted(self.store)
        if wanted and isinstance(self.screen, Starting | Dashboard):
            self.push_screen(Connect(self._view()))
        elif not wanted and isinstance(self.screen, Connect):
            self.pop_screen()

    async def _offer(self, message: Connect.Pasted) -> None:
        from claudemeter_tui.tui.screens import connect

        offered = await cast("Door", self._feed).offer(message.take())
        if isinstance(self.screen, connect.Connect):
            self.screen.tell(offered)

    def _follow(self) -> None:
        """Tell what has happened since the last look."""
        fresh = self._run.follow(self.store, self.now)
        if not fresh:
            return
        if self._may_alert:
            for alert in self._run.call(fresh, self.store, private=self.private):
                self.notify(alert.text, title=alert.head, severity=alert.loudness, markup=False)
        self._show()

    def _original(self, key: OrgKey) -> OrgKey:
        """The key of an org that a screen names by its key, which privacy replaces."""
        return self._run.redaction.original(key) if self.private else key

    def _open(self, name: str) -> None:
        """Put a screen over the dashboard, instead of another one; again closes it."""
        module = import_module(f"claudemeter_tui.tui.screens.{name}")
        page: type[Viewer] = getattr(module, name.capitalize())
        shown = type(self.screen)
        self.action_close()
        if shown is not page and self._has_room:
            self.push_screen(page(self._view()))

    def _tick(self) -> None:
        self.now = self._clock()
        self._follow()

    def _post(self, reading: Reading) -> None:
        self.post_message(self.Read(reading))

    def _view(self) -> View:
        view = self._run.view(self.store, self.now, self.selected, self.span, private=self.private)
        return replace(view, windows=self.windows)

    def _show(self) -> None:
        """Draw the present state once all that has come by now is known."""
        if not self._showing and self.is_running:
            self._showing = True
            self.call_later(self._draw)

    def _draw(self) -> None:
        from claudemeter_tui.text import verdict as words
        from claudemeter_tui.tui.screens.dashboard import Dashboard
        from claudemeter_tui.tui.screens.viewer import Viewer

        self._showing = False
        if not (self.is_running and self.screen_stack):
            return
        view = self._view()
        if isinstance(self.screen, Starting):
            if not view.is_empty:
                self.push_screen(Dashboard(view))
        elif isinstance(self.screen, Viewer):
            self.screen.view = view
        if view.state is not None and view.verdict is not None:
            self._outlet.show_title(f"{view.state.org.called}: {words.name(view.verdict)}")

    def say(self, text: str) -> None:
        """Tell what came of a key."""
        self.notify(text, markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """A toast; in a pane that is too small for one a line at its foot, in a single line nothing."""
        if self.has_toasts:
            message, title = map(_ascii, (message, title)) if self.options.ascii else (message, title)
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
        elif self.size.height > 1:
            from claudemeter_tui.tui.widgets.remark import Remark, say

            told = f"{title}: {message}" if title else message
            say(self.screen, Remark(told, error=severity == "error", ascii_only=self.options.ascii))

    def _later(self, action: str) -> None:
        """Run an action once the palette has closed."""
        self.call_later(self.run_action, action)


def _fits_toasts(size: Size) -> bool:
    return size.width >= 60 and size.height >= 20


def _ascii(text: str) -> str:
    from claudemeter_tui.tui import ink

    return ink.plain(ink.text(text)).plain


def _preload() -> None:
    """Load what the first frame did not wait for, so that no key does."""
    for name in LATER:
        import_module(f"claudemeter_tui.{name}")
    gc.collect()
    gc.freeze()  # what is loaded stays: a look through it would hold up a key for a tenth of a second
    gc.set_threshold(*GARBAGE)
