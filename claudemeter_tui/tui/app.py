"""The application: one message changes the store, and the screens draw it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property, partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, cast

from rich.cells import cached_cell_len
from textual import events as textual_events
from textual import on, work
from textual._styles_cache import StylesCache
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.command import CommandList, CommandPalette
from textual.content import Content
from textual.driver import Driver
from textual.events import Resize
from textual.filter import ANSIToTruecolor
from textual.geometry import Size
from textual.message import Message
from textual.notifications import Notify, SeverityLevel
from textual.reactive import var
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import OptionList

from claudemeter_tui import gc_control
from claudemeter_tui.feed import AcceptsSession, Feed
from claudemeter_tui.settings import Settings
from claudemeter_tui.tui.closing import ClosesOnlyItself
from claudemeter_tui.tui.first_selection import FirstSelection
from claudemeter_tui.tui.key_queue import KeyQueue
from claudemeter_tui.tui.keys import BOUND_KEYS
from claudemeter_tui.tui.past_requests import MAX_RETURNS, ListReturn, PastRequest, PastRequests
from claudemeter_tui.tui.screens.starting import StartingScreen
from claudemeter_tui.tui.terminal import (
    ExitSignals,
    NotificationProtocol,
    TerminalWriter,
    build_driver_class,
)
from claudemeter_tui.tui.theme import (
    DARK_THEME,
    derive_missing_colours,
    select_themes,
    set_scroll_bar_renderer,
)

if TYPE_CHECKING:  # the first frame does not wait for them
    from claudemeter_tui.formatting.org_choice import OrgChoiceError
    from claudemeter_tui.model.day import Today
    from claudemeter_tui.model.events import Event
    from claudemeter_tui.model.history import HistoryAnswer, HistoryRequest
    from claudemeter_tui.model.machine import MachineRequest, MachineUsage
    from claudemeter_tui.model.past import PastMoment
    from claudemeter_tui.model.problems import ProblemCause
    from claudemeter_tui.model.reading import Reading
    from claudemeter_tui.model.store import OrgKey, OrgState, Store
    from claudemeter_tui.model.time_series import ArchivedSeries
    from claudemeter_tui.tui.alerts import DashboardRun
    from claudemeter_tui.tui.screens.base import ViewScreen
    from claudemeter_tui.tui.screens.connect import ConnectScreen
    from claudemeter_tui.tui.screens.events import EventsScreen
    from claudemeter_tui.tui.screens.history import HistoryScreen
    from claudemeter_tui.tui.screens.lists import MomentChosen
    from claudemeter_tui.tui.screens.overview import OverviewScreen
    from claudemeter_tui.tui.view import HistoryState, OrgFigures, View
    from claudemeter_tui.tui.widgets.key_hints import KeyHints
    from claudemeter_tui.tui.widgets.org_tabs import OrgTabs


HEADER_INTERVAL = 5
"""Seconds of the clock between two ticks, which update the header.

A tick each second would double the use of the processor when idle.
"""
FORGET_INTERVAL = timedelta(minutes=10)
"""Time after which the widths and styles of all texts are forgotten.

Rich would keep 4,096 widths, a MiB of old ages, and Textual 1,024 styles, each with a position on screen.
"""
RELOAD_INTERVAL = timedelta(minutes=5)
"""Time after which the archived figures of a long period, or an open history, are read again."""
MACHINE_INTERVAL = timedelta(minutes=1)
"""Time after which the use of this machine is read again, although the transcripts had nothing new."""
MIN_MACHINE_INTERVAL = timedelta(seconds=2)
"""Minimum time between two readings of it."""
MACHINE_PAUSE_FACTOR = 10
"""Minimum time between two readings, as a multiple of the last: 100,000 calls take a second."""
RELOAD_FROM = timedelta(days=1)
"""Periods from this length on are read again; shorter ones are soon filled by the run."""
QUIT_KEYS = {"ctrl+q", *(name for key in BOUND_KEYS if key.action == "quit" for name in key.keys.split(","))}
"""Keys that end the program, even before the first frame."""
SEARCH_KEY = "slash"
"""Key that opens a search."""
DEMO = "demo"
"""Exit value of the dashboard if the demo was requested."""
ARCHIVE_WORKERS = "archive"
"""Group of the workers that read what the first screen shows."""
NEED_REPLIES = ("details", "overview")
"""Screens with nothing to show where replies are no longer kept."""
OF_ONE_ORG = ("details", "history")
"""Screens about the selected org: whoever opens one has chosen the org."""
NO_PAST = "There is no history: it is switched off (history.enabled)."
MAX_TOASTS = 3
"""Maximum number of toasts on screen."""
USAGE_PAGE_URL = "https://claude.ai/settings/usage"


@dataclass(frozen=True, eq=False, repr=False)
class Options(Settings):
    """The settings, with the theme and the folder for screenshots resolved, and the values of one run."""

    pictures: Path = field(default_factory=Path.cwd)
    """The folder for screenshots."""
    zone: tzinfo | None = None
    """Time zone of the screen. None for the system's."""
    note: str = ""
    """Text beside the program's name, such as "demo". Empty with real figures."""
    speed: float = 1.0
    """Seconds of the clock per real second; more in the demo."""
    org: OrgKey | None = None
    """The org of the last run. None, or an unknown org, to select the worst one first."""
    wanted_org: str | None = None
    """Value of `--org`: number, name or UUID of the org to select first. None if it is not given."""
    alerts: bool = False
    """True to send alerts; false in a demo and without a terminal."""
    save_state: Callable[[str, OrgKey | None], None] = field(default=lambda *_: None)
    """Saves the theme and the selected org for the next run."""
    load_series: Callable[[OrgKey, datetime, datetime | None], ArchivedSeries | None] | None = None
    """Returns an org's figures between two moments from the archive; called in a thread. None without one.

    The second moment is None for now. It returns None if it has no figures of that org, and raises no
    exception for a broken archive.
    """
    load_history: Callable[[OrgKey, HistoryRequest], HistoryAnswer | None] | None = None
    """Returns an org's history from the archive; called in a thread. None without an archive.

    It returns None if the archive cannot be read, and raises no exception for a broken one.
    """
    load_events: Callable[[datetime, datetime], tuple[Event, ...] | None] | None = None
    """Returns the newest events between two moments, oldest first, in a thread. None without an archive.

    It returns None if the archive cannot be read.
    """
    load_machine: Callable[[OrgKey | None, MachineRequest], MachineUsage | None] | None = None
    """Returns the use of this machine, and the rises of an org (None: of no org); called in a thread.

    It returns None if the archive cannot be read. None without an archive, and if no transcripts are read.
    """
    transcript_folders: tuple[str, ...] = ()
    """Folders that are searched for transcripts, as the user reads them."""
    load_past: Callable[[OrgKey, datetime, int], PastMoment | None] | None = None
    """Returns the moment so many events of an org after a time, before it if negative, or of it itself (0).

    It is called in a thread, and returns None if there is no such event, or if nothing was known of the org
    then; with fewer events before, the moment of the earliest. None without an archive.
    """

    list_extension_browsers: Callable[[], Collection[str]] = field(default=tuple)
    """Returns the names of the browsers that can load the extension; none if it cannot be installed.

    Called when no session works.
    """
    install_extension: Callable[[], str] | None = None
    """Installs the browser extension and returns what the user has to do; called in a thread.

    None if it cannot be installed, as in the demo.
    """

    @classmethod
    def build(cls, settings: Settings, **run: Any) -> Self:
        """Return all settings, extended and overridden by the values of the run."""
        values = {one.name: getattr(settings, one.name) for one in fields(Settings)}
        return cls(**{**values, **run})


class Palette(ClosesOnlyItself, CommandPalette):
    """Textual's palette, without crashes: on Page Up while its list has no size, and on quick clicks."""

    SCOPED_CSS = False  # the app has the class -ascii
    DEFAULT_CSS = """
    CommandPalette.-low > Vertical { margin-top: 1; }
    CommandPalette.-low #--input,
    CommandPalette.-low CommandInput,
    CommandPalette.-low CommandInput:focus,
    CommandPalette.-low CommandList,
    .-ascii CommandPalette #--input,
    .-ascii CommandPalette CommandInput,
    .-ascii CommandPalette CommandInput:focus,
    .-ascii CommandPalette CommandList { border: none; }
    CommandPalette.-low SearchIcon { margin-top: 0; }
    CommandPalette.-low CommandInput { height: 1; }
    .-ascii CommandPalette SearchIcon,
    CommandPalette.-low LoadingIndicator,
    .-ascii CommandPalette LoadingIndicator { display: none; }
    """

    def _action_command_list(self, action: str) -> None:
        # The list has hits before it has a size; Textual then moves by page through lines that do not exist.
        if self.query_one(CommandList).scrollable_content_region or not action.startswith("page_"):
            super()._action_command_list(action)

    # Of several quick clicks, the first one closes the palette; Textual would handle the others, too.
    @on(textual_events.Click)
    @on(OptionList.OptionSelected)
    def _skip_late_click(self, event: Message) -> None:
        if not self.is_active:
            event.stop().prevent_default()


class SeriesRequest(NamedTuple):
    """The figures that the charts on screen need."""

    key: OrgKey
    span: timedelta | None
    """Period of the chart. None for the whole run."""
    until: datetime | None
    """The past moment on screen. None for now."""


class Claudemeter(App[str]):
    """The dashboard."""

    CSS_PATH = "app.tcss"
    TITLE = "claudemeter"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in BOUND_KEYS]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012 - Textual's own type

    @dataclass
    class ReadingArrived(Message):
        """A new reading: the only message that changes the store."""

        reading: Reading

    @dataclass
    class SeriesLoaded(Message):
        """Archived figures: the only message that changes them."""

        request: SeriesRequest
        series: ArchivedSeries | None
        """None if the archive has no figures of this org."""

    @dataclass
    class PastLoaded(Message):
        """A past moment: the only message that shows one."""

        request: PastRequest
        key: OrgKey | None
        """The org that was looked up. None if none is known yet."""
        past: PastMoment | None
        """None if there is no event in that direction, or nothing was known at that time."""

    @dataclass
    class HistoryLoaded(Message):
        """A history was read: the only message that changes it."""

        key: OrgKey
        request: HistoryRequest
        answer: HistoryAnswer | None
        """None if the archive cannot be read."""

    @dataclass
    class MachineLoaded(Message):
        """The use of this machine was read: the only message that changes it."""

        key: OrgKey | None
        at: datetime
        """Time of the request."""
        transcripts_read_at: datetime | None
        """`Store.transcripts_read_at` at that time."""
        usage: MachineUsage | None
        """None if the archive cannot be read."""
        seconds: float
        """Real time that the reading took."""

    @dataclass
    class TodayLoaded(Message):
        """Figures since midnight were read: the only message that changes them."""

        today: Today

    @dataclass
    class EventsLoaded(Message):
        """Events of earlier runs were read: the only message that changes them."""

        events: tuple[Event, ...]

    store: var[Store] = var(cast("Store", None), init=False)
    """Everything known; only the handler of `ReadingArrived` writes it. It exists from the first frame on."""
    now: var[datetime] = var(datetime(1970, 1, 1, tzinfo=UTC), init=False)
    """The time on screen; updated once a second."""
    selected: var[OrgKey | None] = var["OrgKey | None"](None, init=False)
    """The org on screen; only a key or a click moves it once the first selection is over."""
    span: var[timedelta | None] = var[timedelta | None](None, init=False)
    """Period of the chart. None for the whole run."""
    archived: var[SeriesLoaded | None] = var["SeriesLoaded | None"](None, init=False)
    """Archived figures for the chart, written by the handler of their message only. None before the first."""
    today: var[Today | None] = var["Today | None"](None, init=False)
    """Archived figures of every org since midnight. None before the overview was first shown."""
    history: var[HistoryLoaded | None] = var["HistoryLoaded | None"](None, init=False)
    """The last history that was read, while its screen is open. None if there is none."""
    machine: var[MachineLoaded | None] = var["MachineLoaded | None"](None, init=False)
    """The last use of this machine that was read, while its screen is open. None if there is none."""
    earlier_events: var[tuple[Event, ...] | None] = var["tuple[Event, ...] | None"](None, init=False)
    """Events of the days before this run, oldest first. None until they are read."""
    dismissed: var[frozenset[ProblemCause]] = var["frozenset[ProblemCause]"](frozenset(), init=False)
    """Causes of the problems that the user has dismissed; each stays until its problems end."""
    history_weeks: var[int] = var(4, init=False)
    """Span of the history screen in weeks."""
    prefers_windows: var[bool] = var(False, init=False)
    """True if the chart shows the windows even though there are credits."""
    past: var[PastMoment | None] = var["PastMoment | None"](None, init=False)
    """The past moment on screen. None for now."""
    message: var[str] = var("", init=False)
    """Message on screen in a pane with one line, which has no room for toasts. Empty for none."""
    private: var[bool] = var(False, init=False)
    """True if personal data are hidden."""

    def __init__(self, feed: Feed, *, now: Callable[[], datetime], options: Options | None = None) -> None:
        """Show the readings of `feed`, with `now` as the clock."""
        self.options = options or Options()
        desktop = self.options.alerts_desktop
        protocol = None if desktop == "auto" else NotificationProtocol(desktop)
        # Set before App.__init__, which asks for the driver, which needs the writer.
        self._terminal_writer = TerminalWriter.from_environment(os.environ, protocol)
        self._exit_signals = ExitSignals(self._exit_on_signal, self._abandon_terminal)
        super().__init__()
        self.set_class(self.options.ascii, "-ascii")
        self._feed = feed
        self._clock = now
        self._begun_at = now()
        self._has_started = False
        """True once the first frame is painted."""
        self._is_observation_due = False
        """True if the log of events, which is loaded after the first figures, has not seen the store yet."""
        self._figure_cache: dict[OrgKey, OrgFigures] = {}
        self._key_queue = KeyQueue(self)
        self._is_draw_pending = True
        """True if a draw is scheduled, or the first frame is not painted yet."""
        self._first_selection = FirstSelection(self.options.org, self.options.wanted_org)
        self._asked_series: tuple[SeriesRequest, datetime] | None = None
        """The last request to the archive, and its time. None before the first."""
        self._forgot_at = now()
        self._is_loading_series = False
        self._is_loading_history = False
        self._is_loading_machine = False
        self._is_machine_due = False
        """True if a timer waits for the end of the pause between two readings of this machine's use."""
        self._is_loading_today = False
        self._is_overview_due = self.options.screen == "overview"
        """True until the overview was opened as the first screen."""
        self._is_loading_events = False
        self._past_requests = PastRequests()
        self._returns: deque[ListReturn] = deque(maxlen=MAX_RETURNS)
        """The lists to which Escape returns one after the other, the last one first."""
        self._message_timer: Timer | None = None
        """Removes the message of a one-line pane. None if there was none."""
        self._refresh_answer: tuple[str, datetime] | None = None
        """Last message about a poll that did not start at once, and its time. None if there was none."""
        for theme in select_themes(self.console.color_system, no_color=self.no_color):
            self.register_theme(theme)
        known = self.options.theme in self.available_themes
        self.theme = self.options.theme if known else DARK_THEME.name
        self.set_reactive(Claudemeter.now, now())
        self.set_reactive(Claudemeter.private, self.options.privacy)

    @cached_property
    def _dashboard_run(self) -> DashboardRun:
        """Return the events and pseudonyms of this run."""
        from claudemeter_tui.tui.alerts import DashboardRun

        return DashboardRun(self.options, self._terminal_writer, self.show_message)

    def get_driver_class(self) -> type[Driver]:
        """Return Textual's driver, extended by window title, bell and desktop notifications."""
        return build_driver_class(super().get_driver_class(), self._terminal_writer, self._exit_signals.catch)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Derive the program's own colours from a theme that does not define them."""
        return derive_missing_colours(self.current_theme)

    def get_default_screen(self) -> Screen[None]:
        """Return the screen of the first frame; the dashboard replaces it."""
        return StartingScreen(self.options.note, ascii_only=self.options.ascii)

    def _fatal_error(self) -> None:
        """Show Textual's crash screen without local variables, because one could be a secret."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    def on_ready(self) -> None:
        """Start reading once the first frame is painted."""
        from claudemeter_tui.model.store import Store

        self.set_reactive(Claudemeter.store, Store())
        self._has_started, self._is_draw_pending = True, False
        set_scroll_bar_renderer(plain=self.options.ascii)
        self._schedule_draw()
        self._start_tick_timer()
        self.call_later(self._key_queue.release)
        # Not earlier: a collection would delay the last figures, whose modules are loaded before.
        self.set_timer(1, gc_control.resume_collection)
        self.run_worker(self._feed.run(lambda reading: self.post_message(self.ReadingArrived(reading))))
        if self._may_alert and self.options.on_event:
            self.run_worker(self._run_event_command())

    async def _run_event_command(self) -> None:
        """Run the user's command for every event until cancelled."""
        if self._dashboard_run.command is not None:
            await self._dashboard_run.command.run()

    async def on_event(self, event: textual_events.Event) -> None:
        """Handle an event; a key waits for the last one, and for the first frame unless it quits."""
        if not isinstance(event, textual_events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_queue.is_busy or self._is_early(event):
            self._key_queue.hold(event)
        elif event.key == "escape" and self._cancel_choice():
            await self._key_queue.release()
        else:
            self._key_queue.begin(event)
            target = self.focused or self.screen
            await super().on_event(event)
            self._key_queue.follow(event, target)

    def _is_early(self, key: textual_events.Key) -> bool:
        """Return True if the key waits for the first frame; one that quits does not, unless behind `/`."""
        is_letter = key.is_printable and any(one.key == SEARCH_KEY for one in self._key_queue.waiting)
        return not self._has_started and (is_letter or key.key not in QUIT_KEYS)

    async def run_async(self, **how: Any) -> str | None:
        """Run the dashboard, and handle signals as before once the terminal is restored."""
        try:
            return await super().run_async(**how)
        finally:
            self._exit_signals.release()

    def _exit_on_signal(self) -> None:
        """Exit as after a key, even before the first frame, and restore the terminal if it still exists."""
        self._terminal_writer.is_closed = _is_terminal_closed()
        self.exit()

    def _abandon_terminal(self) -> None:
        if self._driver is not None:
            cast("Any", self._driver).abandon()

    def on_resize(self, event: textual_events.Resize) -> None:
        """Remove all toasts if the pane is now too small for them."""
        if not _has_room_for_toasts(event.size):  # the app gets its new size after this handler
            self.clear_notifications()
        if event.size.height > 1:
            self.message = ""
        if not self.is_headless:
            self.set_timer(1, self._check_terminal_size)

    def on_notify(self, event: Notify) -> None:
        """Skip a toast whose text is still on screen; otherwise remove the oldest ones of many."""
        fresh, shown = event.notification, [*self._notifications]
        if any((fresh.message, fresh.title) == (one.message, one.title) for one in shown):
            event.prevent_default()  # Textual's own handler would add it
            return
        for oldest in shown[: max(0, len(shown) + 1 - MAX_TOASTS)]:
            self._unnotify(oldest)

    def on_unmount(self) -> None:
        """Save the theme and the selected org for the next run."""
        gc_control.take_back_loaded()
        self.options.save_state(self.theme, self.selected if self._first_selection.is_over else None)

    def on_claudemeter_reading_arrived(self, message: ReadingArrived) -> None:
        """Apply the reading to the store."""
        if self._is_observation_due:  # the log has to see every state
            self._process_events()
        self.now = self._clock()
        self.store = self.store.apply_safely(message.reading)
        if self.dismissed:
            from claudemeter_tui.model.problems import group_problems

            self.dismissed &= {group.cause for group in group_problems(self.store)}
        if isinstance(self.screen, StartingScreen):
            self._is_observation_due = True  # once the first figures are painted
        else:
            self._process_events()

    def on_claudemeter_series_loaded(self, message: SeriesLoaded) -> None:
        """Show the archived figures, unless another org or period was selected meanwhile."""
        self._is_loading_series = False
        if message.request == self._series_request:
            self.archived = message
        self._load_missing_series()

    @property
    def _series_request(self) -> SeriesRequest | None:
        """The figures for the charts on screen. None if no org is selected."""
        until = self.past.at if self.past is not None else None
        return SeriesRequest(self.selected, self.span, until) if self.selected is not None else None

    def _load_missing_series(self) -> None:
        """Read the archive if the chart shows a period that was not read, or was read a while ago.

        Only one thread reads at a time; the handler of its message calls this again.
        """
        from claudemeter_tui.tui.view import RUN_SPAN

        request, now = self._series_request, self._clock()
        if self.options.load_series is None or request is None:
            return
        period = RUN_SPAN if self.span is None else self.span
        if self._asked_series is not None and self._asked_series[0] == request:
            is_young = timedelta(0) <= now - self._asked_series[1] < RELOAD_INTERVAL
            if is_young or period < RELOAD_FROM or request.until is not None:
                return
        if not self._is_loading_series:
            self._asked_series, self._is_loading_series = (request, now), True
            self._load_series(request, (request.until or now) - period)

    @work
    async def _load_series(self, request: SeriesRequest, since: datetime) -> None:
        """Read an org's figures from the archive in a thread, and thin them there."""
        load = self.options.load_series

        def load_thinned() -> ArchivedSeries | None:
            series = load(request.key, since, request.until) if load is not None else None
            return series.thin() if series is not None else None

        self.post_message(self.SeriesLoaded(request, await asyncio.to_thread(load_thinned)))

    def on_history_screen_span_chosen(self, message: HistoryScreen.SpanChosen) -> None:
        """Show the history of a longer or shorter span."""
        self.history_weeks = message.weeks
        self._load_missing_history()

    def on_claudemeter_history_loaded(self, message: HistoryLoaded) -> None:
        """Show the history that was read; if something else is on screen by now, read that."""
        self._is_loading_history = False
        self.history = message
        self._load_missing_history()

    def _load_missing_history(self) -> None:
        """Read the history on screen if it was not read yet, or a while ago; one thread at a time."""
        key, known, now = self.selected, self.history, self._clock()
        is_shown = self.screen_stack and getattr(self.screen, "SHOWS_HISTORY", False)
        if not is_shown or key is None or self.options.load_history is None:
            return
        from claudemeter_tui.model.history import HistoryRequest

        is_same = known is not None and (known.key, known.request.weeks) == (key, self.history_weeks)
        is_young = known is not None and timedelta(0) <= now - known.request.now < RELOAD_INTERVAL
        state = self.store.find_org_state(key)
        if state is not None and not self._is_loading_history and not (is_same and is_young):
            self._is_loading_history = True
            request = HistoryRequest(now, self.history_weeks, self.options.zone, state.max_pause)
            self._load_history(key, request)

    @work
    async def _load_history(self, key: OrgKey, request: HistoryRequest) -> None:
        load = self.options.load_history
        answer = await asyncio.to_thread(load, key, request) if load is not None else None
        self.post_message(self.HistoryLoaded(key, request, answer))

    def on_claudemeter_machine_loaded(self, message: MachineLoaded) -> None:
        """Show the use of this machine; if another org was selected meanwhile, read it again."""
        self._is_loading_machine = False
        self.machine = message
        self._load_missing_machine()

    def _load_missing_machine(self) -> None:
        """Read the use of this machine if it is on screen and not read yet, or not up to date."""
        load, key, known, now = self.options.load_machine, self.selected, self.machine, self._clock()
        is_shown = self.screen_stack and getattr(self.screen, "SHOWS_MACHINE", False)
        if not is_shown or load is None or self._is_loading_machine:
            return
        read_at = self.store.transcripts_read_at
        if known is not None and known.key == key:
            is_new = read_at != known.transcripts_read_at
            pause = max(MIN_MACHINE_INTERVAL, MACHINE_PAUSE_FACTOR * timedelta(seconds=known.seconds))
            left = (pause if is_new else MACHINE_INTERVAL) - (now - known.at)
            if timedelta(0) < left <= MACHINE_INTERVAL:
                if is_new and not self._is_machine_due:
                    self._is_machine_due = True
                    self.set_timer(left.total_seconds() / self.options.speed, self._end_machine_pause)
                return
        from claudemeter_tui.model.machine import MachineRequest, choose_spans

        self._is_loading_machine = True
        spans = choose_spans(self.store.find_org_state(key), now, self.options.zone)
        self._load_machine(key, MachineRequest(now, spans, self.options.zone), read_at)

    def _end_machine_pause(self) -> None:
        self._is_machine_due = False
        self._load_missing_machine()

    @work
    async def _load_machine(
        self, key: OrgKey | None, request: MachineRequest, read_at: datetime | None
    ) -> None:
        load = self.options.load_machine
        started_at = monotonic()
        usage = await asyncio.to_thread(load, key, request) if load is not None else None
        self.post_message(self.MachineLoaded(key, request.now, read_at, usage, monotonic() - started_at))

    def on_claudemeter_today_loaded(self, message: TodayLoaded) -> None:
        """Keep the figures that were read; if an org was added meanwhile, read those of it."""
        self._is_loading_today = False
        self.today = message.today
        self._load_missing_today()

    def _load_missing_today(self) -> None:
        """Read the figures since midnight that the overview lacks: of new orgs, or of a new day.

        Later figures are those of this run. One thread reads all of them.
        """
        is_shown = self.screen_stack and getattr(self.screen, "SHOWS_TODAY", False)
        if (
            not is_shown
            or self.past is not None
            or self.options.load_series is None
            or self._is_loading_today
        ):
            return
        from claudemeter_tui.model.day import Today, find_midnight

        start = find_midnight(self._clock(), self.options.zone)
        known = self.today if self.today is not None and self.today.start == start else Today(start)
        missing = [state.key for state in self.store.orgs if state.key not in known.series]
        if missing:
            self._is_loading_today = True
            self._load_today(known, missing)

    @work(group=ARCHIVE_WORKERS)
    async def _load_today(self, known: Today, missing: Sequence[OrgKey]) -> None:
        """Read the figures of these orgs in a thread, thin them there, and drop those of removed orgs."""
        from claudemeter_tui.model.day import thin_day

        load = self.options.load_series

        def load_all() -> dict[OrgKey, ArchivedSeries | None]:
            return (
                {key: thin_day(load(key, known.start, None)) for key in missing} if load is not None else {}
            )

        loaded = {**known.series, **await asyncio.to_thread(load_all)}
        present = {state.key for state in self.store.orgs}
        series = {key: one for key, one in loaded.items() if key in present}
        self.post_message(self.TodayLoaded(replace(known, series=series)))

    def _load_earlier_events(self) -> None:
        """Read the events of earlier runs once, when they are first needed."""
        if self.earlier_events is None and self.options.load_events and not self._is_loading_events:
            self._is_loading_events = True
            self._load_events()

    @work(group=ARCHIVE_WORKERS)
    async def _load_events(self) -> None:
        from claudemeter_tui.tui.view import EVENTS_SPAN

        load, until = self.options.load_events, self._begun_at
        found = await asyncio.to_thread(load, until - EVENTS_SPAN, until) if load is not None else None
        self.post_message(self.EventsLoaded(found or ()))

    def on_claudemeter_events_loaded(self, message: EventsLoaded) -> None:
        """Show the events of earlier runs."""
        self._is_loading_events = False
        self.earlier_events = message.events

    def on_events_screen_problem_dismissed(self, message: EventsScreen.ProblemDismissed) -> None:
        """Dismiss a problem until it occurs again, or show the dismissed ones again."""
        from claudemeter_tui.model.problems import group_problems

        causes = [group.cause for group in group_problems(self.store)]
        if message.cause is None:
            self.dismissed = frozenset()
        elif not self.private:
            self.dismissed |= {message.cause}
        else:
            from claudemeter_tui.tui.screenshots import redact_cause

            redaction = self._dashboard_run.redaction
            self.dismissed |= {one for one in causes if redact_cause(one, redaction) == message.cause}

    def action_past(self, step: int) -> None:
        """Show the dashboard as it was at the org's previous (-1) or next (1) event."""
        if self.selected is None:
            return
        self._select_org(self.selected)
        screen = type(self.screen)
        # A list that shows now would hide the moment, so that the first step leaves it, as a choice in it.
        is_hidden = getattr(screen, "SHOWS_NOW", False) and not self._past_requests.has_choice(screen)
        self._request_past(PastRequest(step, back=self._build_return() if is_hidden else None))

    def on_moment_chosen(self, message: MomentChosen) -> None:
        """Show the dashboard as of the moment of a row, if the archive has it."""
        key = self._restore_key(message.key) if message.key else None
        self._request_past(PastRequest(0, message.at, key, self._build_return()))

    def _build_return(self) -> ListReturn | None:
        """Return the place in the list on screen. None if another screen is on top."""
        from claudemeter_tui.tui.screens.lists import MomentListScreen

        screen = self.screen
        if not isinstance(screen, MomentListScreen):
            return None
        return ListReturn(type(screen), screen.get_place(), self.selected)

    def show_past(self, moment: datetime) -> None:
        """Show the selected org as it was at a moment."""
        self._request_past(PastRequest(0, moment))

    def _request_past(self, request: PastRequest) -> None:
        if self._past_requests.add(request):
            self._read_next_past()

    def _read_next_past(self) -> None:
        """Read the first past moment that was requested; the handler of its message reads the next one."""
        request = self._past_requests.first
        if request is not None:
            shown_at = self.past.at if self.past is not None else self._clock()
            self._load_past(request, request.key or self.selected, request.at or shown_at)

    @work
    async def _load_past(self, request: PastRequest, key: OrgKey | None, moment: datetime) -> None:
        load = self.options.load_past
        past = await asyncio.to_thread(load, key, moment, request.step) if load and key else None
        self.post_message(self.PastLoaded(request, key, past))

    def on_claudemeter_past_loaded(self, message: PastLoaded) -> None:
        """Show the moment, or say why there is none, unless the request was cancelled; read the next one."""
        if not self._past_requests.finish(message.request):
            return
        self._show_loaded_past(message)
        past = self.past
        if past is not None and self.selected not in (past.key, message.key):
            self._past_requests.add_first(PastRequest())  # another org was selected meanwhile
        elif past is not None and self.selected != past.key and not past.store.find_org_state(self.selected):
            self._show_now()  # that org was not known then
        self._read_next_past()

    def _cancel_choice(self) -> bool:
        """Forget the moment that was just chosen in the list on screen; return False if there is none."""
        before = self._past_requests.first
        is_found = self._past_requests.cancel_choice(type(self.screen))
        if self._past_requests.first is not before:
            self._read_next_past()
        return is_found

    def _show_loaded_past(self, message: PastLoaded) -> None:
        request, past = message.request, message.past
        is_complete = past is not None and not past.lacks_events
        if past is not None:
            if request.back is not None:
                self._returns.append(replace(request.back, past=self.past))
                if isinstance(self.screen, request.back.screen):
                    self._close_overlay()
            self.past = past
            is_reselected = request.back is not None and self.selected != request.back.key
            if request.key is not None and not is_reselected:
                self._select_org(request.key)
        elif self.options.load_past is None:
            self.show_message(NO_PAST)
            return
        elif request.step > 0:
            self._show_now()
        if request.step < 0 and not is_complete:
            self.show_message("No earlier event of this org is kept.")
        elif request.step == 0 and past is None:
            self.show_message("There is no history of this org at that time.")

    def _show_now(self) -> None:
        self.past = None
        self._returns.clear()

    async def _leave_past(self) -> None:
        """Return to the list in which the moment was chosen, over the moment before; without one, to now."""
        self._past_requests.clear()
        if not self._returns:
            self._show_now()
            return
        back = self._returns.pop()
        self.past = back.past
        if getattr(self.screen, "SHOWS_PAST", False):
            self.pop_screen()
        self.selected = back.key
        if self.size.height > 1:
            screen = back.screen(self._build_view(back.screen))
            screen.set_place(back.place)
            await self.push_screen(screen)
        self._load_missing_history()
        self._load_missing_machine()

    def _describe_return(self) -> str:
        """Return the name of the list, or the time of the moment, to which Escape returns; empty for now."""
        from claudemeter_tui.formatting.values import format_moment

        if not self._returns:
            return ""
        back = self._returns[-1]
        if back.past is not None and back.screen.SHOWS_PAST:
            return format_moment(back.past.at, self.now, self.options.zone)
        return back.screen.LIST_NAME

    def find_shown_past(self, screen: type[Screen[Any]] | None = None) -> PastMoment | None:
        """Return the past moment that a screen shows, by default that on top. None for now."""
        return None if getattr(screen or type(self.screen), "SHOWS_NOW", False) else self.past

    def list_events(self) -> tuple[Event, ...]:
        """Return the events up to now, oldest first."""
        from claudemeter_tui.tui.view import join_events

        return join_events(self.earlier_events or (), self._dashboard_run.event_log.events)

    @property
    def _listed_orgs(self) -> tuple[OrgState, ...]:
        """The orgs to choose from; all of now if the replies of the past moment are no longer kept."""
        past = self.find_shown_past()
        return self.store.orgs if past is None or past.figures is not None else past.store.orgs

    def watch_store(self) -> None:
        """Select an org at the start, open or close the connect screen, and redraw."""
        self._select_first()
        self._update_connect_screen()
        self._load_missing_machine()
        self._schedule_draw()

    def _update_connect_screen(self) -> None:
        """Open the connect screen if the user has to act, and close it once there is an org."""
        from claudemeter_tui.tui.screens.dashboard import DashboardScreen

        is_base = isinstance(self.screen, StartingScreen | DashboardScreen)
        if is_base and self.store.orgs:
            return
        from claudemeter_tui.tui.screens.connect import ConnectScreen, needs_connect_screen

        wants_connect_screen = needs_connect_screen(self.store)
        if wants_connect_screen and is_base:
            self.push_screen(ConnectScreen(self._build_view(), self.options.list_extension_browsers()))
        elif not wants_connect_screen and isinstance(self.screen, ConnectScreen):
            self.pop_screen()

    def _select_first(self) -> None:
        """Select an org until the user does, and another one if the selected org is gone."""
        first = self._first_selection
        was_over, self.selected = first.is_over, first.choose(self.store, self.selected, self.now)
        if first.fault is not None and not was_over:
            fault = "unknown org" if self.private else first.fault.fault
            self.notify(f"--org: {fault}. Press o to see all orgs.", severity="error", markup=False)

    def finish_first_selection(self) -> OrgChoiceError | None:
        """Select an org without waiting for more; return why that of `--org` cannot be. None if it can."""
        self._first_selection.restart()
        self.selected = self._first_selection.choose(self.store, self.selected, self.now, is_complete=True)
        return self._first_selection.fault

    def _select_org(self, key: OrgKey | None) -> None:
        """Select the org that the user chose."""
        self._first_selection.end()
        self.selected = key

    def on_org_tabs_selected(self, message: OrgTabs.Selected) -> None:
        """Select the org of the clicked tab."""
        self._select_org(self._restore_key(message.key))

    async def on_overview_screen_org_chosen(self, message: OverviewScreen.OrgChosen) -> None:
        """Select the org chosen in the overview."""
        self._select_org(self._restore_key(message.key))
        # A click too many arrives when the overview has closed; it must not leave a past moment.
        if getattr(self.screen, "SHOWS_TODAY", False):
            await self.action_close()

    async def on_key_hints_hint_clicked(self, message: KeyHints.HintClicked) -> None:
        """Run the action of the clicked hint."""
        await self.run_action(message.action)

    @work
    async def on_connect_screen_pasted(self, message: ConnectScreen.Pasted) -> None:
        """Try the pasted session and show the result."""
        from claudemeter_tui.tui.screens.connect import ConnectScreen

        # This is a worker, because the answer takes seconds and the keys have to work meanwhile.
        offered = await cast("AcceptsSession", self._feed).offer_session(message.take())
        if isinstance(self.screen, ConnectScreen):
            self.screen.show_outcome(offered)

    @work
    async def on_connect_screen_extension_wanted(self) -> None:
        """Install the browser extension, and show what the user has to do."""
        from claudemeter_tui.tui.screens.connect import ConnectScreen

        install = self.options.install_extension
        text = await asyncio.to_thread(install) if install is not None else ""
        if isinstance(self.screen, ConnectScreen):
            self.screen.show_installed(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Return True if the action is available: before the first frame, only `quit` is."""
        return self._has_started or action == "quit"

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Yield the commands of the palette."""
        for key in BOUND_KEYS:
            if key.palette_title:
                # The palette shows the purpose as a second line, unless it repeats the title.
                purpose = "" if key.purpose == key.palette_title.lower() else key.purpose
                # The action runs after the palette has closed.
                yield SystemCommand(
                    key.palette_title, purpose, partial(self.call_later, self.run_action, key.action)
                )

    def action_neighbour(self, step: int) -> None:
        """Select the org that is `step` tabs away."""
        keys = [state.key for state in self._listed_orgs]
        if self.selected in keys:
            self._select_org(keys[(keys.index(self.selected) + step) % len(keys)])
        elif keys:
            self._select_org(keys[0])

    def action_pick(self, number: int) -> None:
        """Select the org with this number, or report that there is none."""
        orgs = self._listed_orgs
        count = len(orgs)
        if number <= count:
            self._select_org(orgs[number - 1].key)
        else:
            others = {0: "none has been read yet", 1: "there is 1"}.get(count, f"there are {count}")
            self.show_message(f"There is no org {number}; {others}.")

    async def action_find_org(self) -> None:
        """Open the overview with its search; Enter selects an org, Escape returns to the dashboard.

        It ends when the search has the focus, so that the next key is the first letter.
        """
        from claudemeter_tui.tui.screens.dashboard import DashboardScreen
        from claudemeter_tui.tui.screens.overview import JumpScreen

        if getattr(self.screen, "SHOWS_PAST", False):
            self._check_replies()
        elif isinstance(self.screen, StartingScreen | DashboardScreen) and self._check_room():
            if isinstance(self.screen, StartingScreen):
                self._show_dashboard()
            await self.push_screen(JumpScreen(self._build_view()))

    def action_span(self, step: int) -> None:
        """Show a longer or a shorter period in the chart; on a screen without this chart, do nothing."""
        from claudemeter_tui.tui.screens.dashboard import ChartScreen, DashboardScreen
        from claudemeter_tui.tui.widgets.chart_panel import change_span

        if not isinstance(self.screen, DashboardScreen | ChartScreen):
            return
        span = change_span(self.span, step)
        if span == self.span:
            self.show_message(f"This is the {'longest' if step > 0 else 'shortest'} period.")
        self.span = span

    async def action_windows(self) -> None:
        """Switch the chart between limits and credits; open one if none is on screen."""
        from claudemeter_tui.tui.layout import MIN_CHART_LINES
        from claudemeter_tui.tui.screens.dashboard import ChartScreen, DashboardScreen
        from claudemeter_tui.tui.widgets import chart_panel

        if not self._check_room():
            return
        view, charts = self._build_view(), self.screen.query(chart_panel.ChartPanel)
        is_seen = any(chart.display and chart.size.height >= MIN_CHART_LINES for chart in charts)
        if isinstance(self.screen, DashboardScreen) and chart_panel.has_chart_data(view) and not is_seen:
            self.prefers_windows = True
            await self._toggle_screen(ChartScreen)
        elif charts and (why := chart_panel.explain_no_switch(view)):
            self.show_message(why)
        elif charts:
            self.prefers_windows = not chart_panel.shows_windows(view)

    def action_refresh(self) -> None:
        """Poll as soon as possible; if not at once, show why."""
        from claudemeter_tui.formatting.values import format_with_countdown
        from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN

        session = self.store.find_session_of_org(self.selected)
        schedule, now = session.schedule if session else None, self._clock()
        has_to_wait = schedule is not None and schedule.is_backing_off and schedule.next_at > now
        if not has_to_wait:
            self._feed.poll_now()
        if session is None or schedule is None:
            self._answer_refresh("Already reading.")
            return
        until = format_with_countdown(schedule.next_at, now, self.options.zone)
        if has_to_wait:
            self._answer_refresh(f"Waiting until {until} before the next request.")
        elif session.session == CLAUDE_CODE_LOGIN:
            self._answer_refresh(
                f"Claude Code's login allows one request every few minutes; next at {until}."
            )
        elif session.is_polling:
            self._answer_refresh("Already reading.")
        elif schedule.free_at is not None and schedule.free_at > now:
            self._answer_refresh("Read a moment ago; reading again in a few seconds.")

    def _answer_refresh(self, text: str) -> None:
        """Show why the program does not poll now; only once, even if the key is held."""
        now, before = self._clock(), self._refresh_answer
        pause = timedelta(seconds=self.NOTIFICATION_TIMEOUT)
        if before is None or text != before[0] or not timedelta(0) <= now - before[1] < pause:
            self._refresh_answer = text, now
            self.show_message(text)

    def action_demo(self) -> None:
        """Exit and start the demo."""
        self.exit(DEMO)

    @work
    async def action_usage_page(self) -> None:
        """Open claude.ai's usage page, or show its address if no browser opens it."""
        from claudemeter_tui.tui import web_browser

        # In a thread, because the result of some browsers has to be waited for.
        if await asyncio.to_thread(web_browser.open_in_browser, USAGE_PAGE_URL):
            self.show_message(f"Opening {USAGE_PAGE_URL.removeprefix('https://')}")
        else:
            self.copy_to_clipboard(USAGE_PAGE_URL)
            self.show_message(f"No browser opened. Address copied: {USAGE_PAGE_URL}")

    def action_privacy(self) -> None:
        """Hide or show personal data, and remove messages that may name an org."""
        from claudemeter_tui.tui.widgets.status_line import InlineToast

        self.private = not self.private
        if self.private:
            self.clear_notifications()
            self.screen.query(InlineToast).remove()
            self.message = ""

    def action_save_picture(self) -> None:
        """Save a screenshot and a report, both without personal data."""
        from claudemeter_tui.tui import screenshots

        screenshots.save_private_screenshot(self, self._dashboard_run.redaction)

    def action_save_seen(self) -> None:
        """Save the screen as shown, after a confirmation."""
        from claudemeter_tui.tui import screenshots

        if self._check_room():
            screenshots.save_visible_screenshot(self)

    async def action_command_palette(self) -> None:  # type: ignore[override] # Textual awaits any action
        """Open the command palette; it ends when the next key is the first letter."""
        if not isinstance(self.screen, CommandPalette) and self._check_room():
            await self.push_screen(Palette(placeholder="Search commands"))

    async def action_open(self, name: str) -> None:
        """Open a screen over the dashboard in place of any other, or close it if it is open."""
        from claudemeter_tui.tui.screens import details, events, help, history, machine, overview, themes  # noqa: A004

        screens: dict[str, type[ViewScreen]] = {
            "details": details.DetailsScreen,
            "events": events.EventsScreen,
            "help": help.HelpScreen,
            "history": history.HistoryScreen,
            "machine": machine.MachineScreen,
            "overview": overview.OverviewScreen,
            "themes": themes.ThemesScreen,
        }
        if name in NEED_REPLIES and not self._check_replies():
            return
        if name in OF_ONE_ORG:
            self._select_org(self.selected)
        await self._toggle_screen(screens[name])
        self._load_missing_history()
        self._load_missing_machine()
        self._load_missing_today()
        if name == "events":
            self._load_earlier_events()

    def pop_screen(self) -> AwaitComplete:
        """Close the top screen, redraw the one below, and clear the cache that still holds closed widgets.

        Textual 8.2.8 has an `lru_cache` on a method of `StylesCache`: its keys keep up to 1,024 closed
        widgets with their rendered lines. Without this, memory grew from 64 to 82 MiB in 960 openings.
        """
        closing = super().pop_screen()
        self.history = self.machine = None
        self.call_later(_forget_closed_widgets)
        self._schedule_draw()
        return closing

    async def action_close(self) -> None:
        """Close the screen over the dashboard; on the dashboard, return from the past to now.

        The message of a one-line pane ends, too.
        """
        self.message = ""
        if not self._close_overlay() and (self.past is not None or self._past_requests):
            await self._leave_past()

    def _close_overlay(self) -> bool:
        """Close the screen over the dashboard; return False if there is none."""
        from claudemeter_tui.tui.screens.base import ViewScreen

        is_open = isinstance(self.screen, ViewScreen) and self.screen.IS_OVERLAY
        if is_open:
            self.pop_screen()
        return is_open

    @property
    def has_toasts(self) -> bool:
        """True if there is room for toasts."""
        return _has_room_for_toasts(self.size)

    def _check_room(self) -> bool:
        """Return True if the pane has more than one line, so that a screen can open; if not, say so."""
        has_room = self.size.height > 1
        if not has_room:
            self.show_message("Not in a pane with one line.")
        return has_room

    def _check_replies(self) -> bool:
        """Return True if the replies of the moment on screen are kept; if not, say so."""
        from claudemeter_tui.tui.screens.lists import REPLIES_GONE

        are_kept = self.past is None or self.past.figures is None
        if not are_kept:
            self.show_message(REPLIES_GONE)
        return are_kept

    @property
    def _may_alert(self) -> bool:
        return self.options.alerts and not self.is_headless

    def _process_events(self) -> None:
        """Collect the new events and send their alerts."""
        self._is_observation_due = False
        fresh = self._dashboard_run.collect_events(self.store, self.now)
        if not fresh:
            return
        if self._may_alert:
            for alert in self._dashboard_run.send_alerts(fresh, self.store, private=self.private):
                self.notify(alert.text, title=alert.title, severity=alert.severity, markup=False)
        self._schedule_draw()

    def _restore_key(self, key: OrgKey) -> OrgKey:
        """Return the real key of an org whose key on screen may be a pseudonym."""
        return self._dashboard_run.redaction.find_original_key(key) if self.private else key

    async def _toggle_screen(self, screen: type[ViewScreen]) -> None:
        """Open a screen over the dashboard in place of any other, or close it if it is open.

        It ends when the screen can handle the next key.
        """
        shown = type(self.screen)
        self._close_overlay()
        if shown is not screen and self._check_room():
            opened = screen(self._build_view(screen))
            opened.opened_from = shown
            await self.push_screen(opened)

    def _start_tick_timer(self) -> None:
        self.now = self._clock()
        self.set_timer(compute_tick_delay(self.now, self.options.speed), self._tick)

    def _tick(self) -> None:
        self._start_tick_timer()
        self._process_events()
        self._load_missing_series()
        self._load_missing_history()
        self._load_missing_machine()
        self._load_missing_today()
        if abs(self.now - self._forgot_at) >= FORGET_INTERVAL:
            self._forgot_at = self.now
            cached_cell_len.cache_clear()
            ANSIToTruecolor.truecolor_style.cache_clear()
        self._check_terminal_size()
        # Without a controlling terminal there is no SIGHUP, and Textual reads a closed one again and again.
        if not self.is_headless and _is_terminal_closed():
            self._exit_on_signal()

    def _check_terminal_size(self) -> None:
        if not self.is_headless:
            self.check_size(Size(*shutil.get_terminal_size()))

    def check_size(self, size: Size) -> None:
        """Resize the dashboard if it does not have this size, the terminal's.

        After many quick resizes, Textual 8.2.8 loses the last one about once in fifty runs.
        """
        if size != self.size or self.size != self.screen.outer_size:
            self.post_message(Resize(size, size))

    def _build_view(self, screen: type[Screen[Any]] | None = None) -> View:
        """Build the view of a screen, with pseudonyms in private mode; by default of that on top."""
        from claudemeter_tui.tui.view import HistoryState, MachineState, View

        options, known = self.options, self.history
        past = self.find_shown_past(screen)
        if known is not None and (known.key, known.request.weeks) != (self.selected, self.history_weeks):
            known = None
        state = HistoryState.READ if known is not None else HistoryState.READING
        if options.load_history is None:
            state = HistoryState.OFF
        machine = self.machine if self.machine is not None and self.machine.key == self.selected else None
        machine_state = MachineState.READ if machine is not None else MachineState.READING
        if options.load_machine is None:
            has_history = options.load_history is not None
            machine_state = MachineState.OFF if has_history else MachineState.HISTORY_OFF
        request, wanted = self.archived.request if self.archived is not None else None, self._series_request
        # Of another period, it is shown until the figures of this one are read.
        has_series = request and wanted and (request.key, request.until) == (wanted.key, wanted.until)
        is_past, earlier = past is not None, self.earlier_events
        events_state = HistoryState.READ if earlier is not None else HistoryState.READING
        if is_past or options.load_events is None:
            events_state = HistoryState.OFF
        view = View(
            past.store if past is not None else self.store,
            past.at if past is not None else self.now,
            self.selected,
            options.zone,
            span=self.span,
            prefers_windows=self.prefers_windows,
            past_figures=past.figures if past is not None else None,
            events=past.events if past is not None else self._list_run_events(),
            earlier_events=earlier if earlier is not None and not is_past else (),
            earlier_since=self._find_first_event_time(past, events_state),
            events_state=events_state,
            dismissed=frozenset() if is_past else self.dismissed,
            seen_at=self.now if past is not None else None,
            return_title=self._describe_return(),
            ascii=options.ascii,
            note=options.note,
            message=self.message,
            archived=self.archived.series if self.archived is not None and has_series else None,
            today=self.today if past is None else None,
            history=known.answer if known is not None else None,
            history_weeks=self.history_weeks,
            history_state=state,
            machine=machine.usage if machine is not None else None,
            machine_state=machine_state,
            transcript_folders=options.transcript_folders,
            figure_cache=self._figure_cache,
        )
        if not self.private:
            return view
        from claudemeter_tui.tui.screenshots import redact_view

        return redact_view(view, self._dashboard_run.redaction)

    def _find_first_event_time(self, past: PastMoment | None, state: HistoryState) -> datetime | None:
        """Return the time from which the events are complete: those of a past moment, or of earlier runs.

        None while they are not read.
        """
        from claudemeter_tui.tui.view import EVENTS_SPAN, HistoryState

        if past is not None:
            from claudemeter_tui.model import past as past_events

            return past.at - past_events.EVENTS_SPAN
        if state is not HistoryState.READ:
            return None
        from claudemeter_tui.model.event_log import MAX_EVENTS

        found = self.earlier_events or ()
        return found[0].at if len(found) >= MAX_EVENTS else self._begun_at - EVENTS_SPAN

    def _list_run_events(self) -> tuple[Event, ...]:
        """Return the events of this run; none before the first figures are painted."""
        return () if isinstance(self.screen, StartingScreen) else self._dashboard_run.event_log.events

    def _schedule_draw(self) -> None:
        """Draw the current state after the messages that are already queued."""
        if not self._is_draw_pending and self.is_running:
            self._is_draw_pending = True
            self.call_later(self._draw_screen)

    # These values are part of the view.
    watch_prefers_windows = watch_private = _schedule_draw
    watch_archived = watch_today = watch_history = watch_machine = watch_history_weeks = _schedule_draw
    watch_earlier_events = watch_dismissed = watch_message = _schedule_draw

    def watch_now(self) -> None:
        """Select an org if the sessions were waited for long enough, and redraw."""
        if not self._first_selection.is_over and self._has_started:
            self._select_first()
        self._schedule_draw()

    def watch_selected(self) -> None:
        """Load the archived figures of the org, and all readings of it before the past moment; redraw."""
        self._load_missing_series()
        self._load_missing_history()
        self._load_missing_machine()
        if self.past is not None and self.past.key != self.selected and not self._past_requests:
            self._request_past(PastRequest())
        self._schedule_draw()

    def watch_past(self) -> None:
        """Load the archived figures before the moment, and redraw."""
        self._load_missing_series()
        self._schedule_draw()

    def watch_span(self) -> None:
        """Load the archived figures of the period, and redraw."""
        self._load_missing_series()
        self._schedule_draw()

    def _draw_screen(self) -> None:
        from claudemeter_tui.formatting.verdict import format_verdict_name
        from claudemeter_tui.tui.screens.base import ViewScreen
        from claudemeter_tui.tui.screens.dashboard import DashboardScreen

        self._is_draw_pending = False
        if not (self.is_running and self.screen_stack):
            return
        view = self._build_view()
        if isinstance(self.screen, StartingScreen):
            if not view.is_empty:
                self._show_dashboard()
        elif self._is_overview_due and isinstance(self.screen, DashboardScreen) and view.store.orgs:
            self._is_overview_due = False
            self.call_later(self.action_open, "overview")
        elif isinstance(self.screen, DashboardScreen) and view.past_figures is not None:
            from claudemeter_tui.tui.screens.past import PastScreen

            self.push_screen(PastScreen(view))
        elif isinstance(self.screen, ViewScreen):
            if self.screen.SHOWS_PAST and view.past_figures is None:
                self.pop_screen()  # which draws the dashboard
            else:
                self.screen.view = view
        if view.state is not None and view.verdict is not None:
            title = f"{view.state.org.display_name}: {format_verdict_name(view.verdict)}"
            self._terminal_writer.set_title(title)

    def _show_dashboard(self) -> None:
        """Show the dashboard in place of the screen of the first frame, and prepare what keys will need."""
        from claudemeter_tui.tui.screens.dashboard import DashboardScreen

        self.push_screen(DashboardScreen(self._build_view()))
        # Not earlier: imports in a thread delay the first figures.
        self.call_after_refresh(self.run_worker, partial(asyncio.to_thread, _preload_modules))
        self.call_after_refresh(self._load_earlier_events)
        self.call_after_refresh(self._process_events)
        self._schedule_draw()

    def show_message(self, text: str) -> None:
        """Show a message about the result of a key press."""
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
        """Show a toast, a message in the last line of a small pane, or one beside the verdict in one line."""
        if self.has_toasts:
            if self.options.ascii:
                from claudemeter_tui.tui.styled_text import convert_to_ascii

                message, title = (convert_to_ascii(Content(text)).plain for text in (message, title))
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
            return
        from claudemeter_tui.tui.widgets.status_line import InlineToast, show_inline_toast

        text = f"{title}: {message}" if title else message
        if self.size.height <= 1:
            self.message = " ".join(text.split())
            if self._message_timer is not None:
                self._message_timer.stop()
            self._message_timer = self.set_timer(InlineToast.SECONDS, partial(setattr, self, "message", ""))
        else:
            toast = InlineToast(text, error=severity == "error", ascii_only=self.options.ascii)
            show_inline_toast(self.screen, toast)


def compute_tick_delay(now: datetime, speed: float) -> float:
    """Return the seconds until the next tick: until the header can change, and at least a second.

    Args:
        now: time of the clock.
        speed: seconds of the clock per real second.
    """
    left = HEADER_INTERVAL - now.timestamp() % HEADER_INTERVAL
    return max(1.0, left / speed)


def _forget_closed_widgets() -> None:
    StylesCache.get_inner_outer.cache_clear()


def _is_terminal_closed() -> bool:
    return sys.__stderr__ is None or not os.isatty(sys.__stderr__.fileno())


def _has_room_for_toasts(size: Size) -> bool:
    return size.width >= 60 and size.height >= 20


def _preload_modules() -> None:
    """Import the modules that the first frame did not need, so that no key press has to wait for them."""
    from claudemeter_tui.tui import alerts, screenshots  # noqa: F401
    from claudemeter_tui.tui.screens import connect, details, events, help, history, machine, overview, themes  # noqa: A004, F401

    gc_control.set_aside_loaded()  # a collection would delay a key press by a tenth of a second
