"""Build the clock, the session providers and the feed.

This is the one place that connects the packages. Heavy libraries are imported where they are used, in
threads, so that the first frame does not wait for them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol, TypeVar
from urllib.parse import urlsplit

from claudemeter_tui.clock import Clock, WallClock, use_daemon_threads
from claudemeter_tui.config.actions import Action
from claudemeter_tui.config.resolution import CLAUDE_CODE_SOURCE, Invocation, build_org_rules
from claudemeter_tui.feed import AcceptsSession, Feed
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, Cookies, is_loopback
from claudemeter_tui.settings import remove_own_variables
from claudemeter_tui.storage import is_folder, locate_extension_folder, locate_state_folder, remove_old_files

if TYPE_CHECKING:  # slow to load, so the first frame does not wait for them
    import sqlite3

    from claudemeter_tui.browsers.profiles import BrowserFilter
    from claudemeter_tui.claude_ai.responses import Client
    from claudemeter_tui.demo.archive import DemoArchive
    from claudemeter_tui.extension.install import Installation
    from claudemeter_tui.history.recorder import Recorder
    from claudemeter_tui.history.status import NoOrgStatus, OrgStatus
    from claudemeter_tui.history.status_builder import Outcome
    from claudemeter_tui.model.account import Account, Org
    from claudemeter_tui.model.events import Event
    from claudemeter_tui.model.extension import HostRecord
    from claudemeter_tui.model.history import HistoryAnswer, HistoryRequest
    from claudemeter_tui.model.machine import MachineRequest, MachineUsage, OrgUse
    from claudemeter_tui.model.org_rules import OrgRules
    from claudemeter_tui.model.past import PastMoment
    from claudemeter_tui.model.reading import Failure, Reading, Reply, Session
    from claudemeter_tui.model.session_search import LoginResult, PasteResult
    from claudemeter_tui.model.store import OrgKey, OrgState
    from claudemeter_tui.model.time_series import ArchivedSeries
    from claudemeter_tui.sessions.leases import AccountLeases
    from claudemeter_tui.sessions.poller import SessionSource
    from claudemeter_tui.sessions.renewable import (
        BrowserProvider,
        ClaudeCodeProvider,
        SessionConnection,
        SessionProviders,
    )


Answer = TypeVar("Answer")
DRAWING_PAUSE = 0.1
"""Seconds in which the dashboard draws the figures of the last run before anything else is loaded."""
READ_TIMEOUT = 1.0
"""Seconds for which the rest of the program waits for these figures."""


class TranscriptReadings(Protocol):
    """Readings of this machine's transcripts; see `sessions.transcripts`."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""

    async def poll_once(self, post: Callable[[Reading], object], polled: asyncio.Event) -> None:
        """Post everything once; do not wait for long once `polled` is set."""


class DeferredFeed:
    """A feed that builds the real one in a thread when it is first run, and keeps its readings."""

    def __init__(
        self,
        build: Callable[[], Feed],
        build_recorder: Callable[[], Recorder] | None = None,
        read_last: Callable[[], Reading | None] | None = None,
        rules: OrgRules | None = None,
        *,
        reader: HistoryReader | None = None,
        build_transcripts: Callable[[], TranscriptReadings] | None = None,
    ) -> None:
        """Store the functions, which may be slow; they are called in a thread.

        Args:
            build: returns the real feed.
            build_recorder: returns the recorder. None to keep nothing.
            read_last: returns the last figures of earlier runs, or None if there are none. The recorder has
                them, too, but later.
            rules: the settings about orgs, applied to every reading. None for none.
            reader: answers from what is kept. None if nothing is.
            build_transcripts: returns the feed of this machine's transcripts. None if they are not read.
        """
        self.reader = reader
        self._apply_rules: Callable[[Reading], Reading] = (
            rules.apply if rules is not None else lambda one: one
        )
        self._build = build
        self._build_recorder = build_recorder
        self._read_last = read_last
        self._build_transcripts = build_transcripts
        self._feed: Feed | None = None
        self.recorder: Recorder | None = None
        """Recorder of this run. None before it is built, or if nothing is kept."""
        self.restored_orgs: tuple[OrgState, ...] = ()
        """States from the archive that were posted before the feed is built."""
        self.runs_once = False
        """True if the feed ends after its first poll."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post the last figures of earlier runs, then readings until cancelled."""
        use_daemon_threads()
        await self._post_last(post)
        async with self._record(post, restores=True) as record_and_post:
            self._feed = await asyncio.to_thread(self._build)
            async with self._read_transcripts(record_and_post):
                await self._feed.run(record_and_post)

    @asynccontextmanager
    async def _read_transcripts(
        self, post: Callable[[Reading], object], polled: asyncio.Event | None = None
    ) -> AsyncIterator[Awaitable[None]]:
        """Read this machine's transcripts during the block, which gets the task; with `polled`, only once."""

        async def read() -> None:
            if self._build_transcripts is not None:
                transcripts = await asyncio.to_thread(self._build_transcripts)
                await (transcripts.run(post) if polled is None else transcripts.poll_once(post, polled))

        reading = asyncio.ensure_future(read())
        try:
            yield reading
        finally:
            reading.cancel()
            await asyncio.wait((reading,))

    async def _post_last(self, post: Callable[[Reading], object]) -> None:
        """Post the last figures of earlier runs, and give the dashboard time to draw them."""
        if self._read_last is None:
            return
        with suppress(TimeoutError):  # the disk hangs
            # Unlike `wait_for` before Python 3.12, this never swallows a cancellation.
            async with asyncio.timeout(READ_TIMEOUT):
                read = await asyncio.to_thread(self._read_last)
            if read is not None:
                reading = self._apply_rules(read)
                self.restored_orgs = reading.restored_orgs
                post(reading)
                # The imports in the next thread would delay the drawing.
                await asyncio.sleep(DRAWING_PAUSE)

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""
        use_daemon_threads()
        self.runs_once = True
        async with self._record(post, restores=False) as record_and_post:
            polled = asyncio.Event()
            # The process that reads transcripts starts while the libraries for the polls are loaded.
            async with self._read_transcripts(record_and_post, polled) as reading:
                self._feed = await asyncio.to_thread(self._build)
                await self._feed.poll_once(record_and_post)
                polled.set()
                await reading

    @asynccontextmanager
    async def _record(
        self, post: Callable[[Reading], object], *, restores: bool
    ) -> AsyncIterator[Callable[[Reading], object]]:
        """Yield a function that keeps a reading and posts it; at the end, write what still waits."""
        if self._build_recorder is None:
            yield lambda reading: post(self._apply_rules(reading))
            return
        recorder = self.recorder = await asyncio.to_thread(self._build_recorder)
        loop = asyncio.get_running_loop()

        def post_from_thread(reading: Reading) -> None:
            self.restored_orgs = reading.restored_orgs or self.restored_orgs
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(post, reading)

        recorder.start(post_from_thread, restores=restores, restored=self.restored_orgs)
        await asyncio.to_thread(recorder.wait_until_restored)

        def record_and_post(read: Reading) -> None:
            reading = self._apply_rules(read)
            recorder.record(reading)
            post(reading)

        try:
            yield record_and_post
        finally:
            # In a thread: at the end of the dashboard, the terminal is restored meanwhile.
            closing = loop.run_in_executor(None, recorder.close)
            while not closing.done():
                with suppress(asyncio.CancelledError):  # the end of the loop cancels this task once more
                    await asyncio.wait((closing,))

    def poll_now(self) -> None:
        """Poll now; without a feed the first poll is about to begin anyway."""
        if self._feed is not None:
            self._feed.poll_now()

    async def offer_session(self, text: str) -> PasteResult:
        """Add a session from a Cookie header or a `sessionKey` if the server accepts it."""
        from claudemeter_tui.model.reading import ErrorKind
        from claudemeter_tui.model.session_search import PasteResult

        if isinstance(self._feed, AcceptsSession):
            return await self._feed.offer_session(text)
        return PasteResult(error_kind=ErrorKind.NO_SESSION, detail="the program is still starting")


class Machine(NamedTuple):
    """The user's machine, or one built for a test."""

    home: Path | None = None
    """Home folder to search. None for the user's own."""
    state_folder: Path | None = None
    """Folder with the request budget of Claude Code's login. None if the login is not used."""
    system: str = sys.platform
    """Operating system as in `sys.platform`."""


def build_machine_providers(
    machine: Machine,
    now: Callable[[], datetime],
    *,
    base_url: str = CLAUDE_AI_ORIGIN,
    source: str = "auto",
    wanted: Collection[str] = (),
    given: tuple[Session, Cookies] | None = None,
    ignored: Collection[str] = (),
    ignores_org: Callable[[Org], bool] = lambda _: False,
    find_hosts: Callable[[], Sequence[HostRecord]] | None = None,
) -> SessionProviders:
    """Return the providers that the settings allow.

    Args:
        machine: the machine to search.
        now: the clock.
        base_url: origin used for claude.ai; on this machine, for Anthropic's API too.
        source: `auto`, `cookie` or `claude-code`.
        wanted: browsers and profiles, as in `--browser`; empty means all.
        given: a session that the user provided, which is then the only one.
        ignored: browsers and profiles that are not read, as in `--browser`.
        ignores_org: returns True for an org that no request is sent for.
        find_hosts: returns the hosts of the browser extension. None if they cannot be followed.
    """
    from claudemeter_tui.sessions.renewable import SessionConnection, SessionProviders

    def connect(session: Session, cookies: Cookies, agent: str | None) -> SessionConnection:
        """Build a client for one session. Slow: it loads the libraries and builds the TLS context."""
        from claudemeter_tui.claude_ai.api import ClaudeAiSource
        from claudemeter_tui.claude_ai.client import CookieClient

        client = CookieClient(cookies, base_url=base_url, user_agent=agent, now=now)
        reader = ClaudeAiSource(session, client, now, ignores_org)
        return SessionConnection(reader, client.use_cookies, lambda: client.cookies, client.ignore_key)

    scans = source != "claude-code" and not given
    return SessionProviders(
        connect,
        browsers=_build_browser_provider(machine, wanted, ignored) if scans else None,
        claude_code=_build_claude_code(machine, base_url, now) if source != "cookie" and not given else None,
        given_session=given,
        find_hosts=find_hosts if scans else None,
    )


def _build_browser_provider(
    machine: Machine, wanted: Collection[str], ignored: Collection[str]
) -> BrowserProvider:
    from claudemeter_tui.browsers.folders import BROWSERS, describe_searched_places, list_guarded_browsers
    from claudemeter_tui.browsers.profiles import BrowserFilter
    from claudemeter_tui.browsers.scan import scan_browsers
    from claudemeter_tui.model.reading import Session
    from claudemeter_tui.sessions.renewable import BrowserProvider

    return BrowserProvider(
        lambda wanted, emit: scan_browsers(
            wanted, ignored=ignored, home=machine.home, system=machine.system, emit=emit
        ),
        tuple(browser.name for browser in BROWSERS),
        list_guarded_browsers(machine.system),
        {text: BrowserFilter.parse(text).browser.name for text in wanted},
        describe_searched_places(machine.system, os.environ if machine.home is None else {}),
        tuple(Session(it.browser.name, it.profile) for it in map(BrowserFilter.parse, ignored)),
    )


def _build_claude_code(
    machine: Machine, base_url: str, now: Callable[[], datetime]
) -> ClaudeCodeProvider | None:
    state = machine.state_folder
    if state is None:
        return None
    from claudemeter_tui.claude_code import credentials
    from claudemeter_tui.sessions.renewable import ClaudeCodeProvider

    environment = os.environ if machine.home is None else {}

    def find() -> LoginResult:
        home = machine.home or Path.home()
        return credentials.find_login(home=home, now=now(), system=machine.system, environment=environment)

    def connect() -> SessionSource:
        from claudemeter_tui.claude_code.rate_limit import RequestBudget
        from claudemeter_tui.claude_code.source import ANTHROPIC_ORIGIN, BearerClient, ClaudeCodeSource

        # The login's token goes to Anthropic only, or to a server on this machine.
        here = is_loopback(urlsplit(base_url).hostname or "")
        client = BearerClient(base_url=base_url if here else ANTHROPIC_ORIGIN, now=now)
        return ClaudeCodeSource(find, client, RequestBudget(state, now), now)

    return ClaudeCodeProvider(find, connect)


def build_clock(chosen: Invocation, *, skipping: bool = False) -> Clock:
    """Return the clock; the demo's clock is fast, and with `skipping` it does not wait at all.

    The demo's metrics have times that Prometheus compares with its own clock, so that they need a real one.
    """
    if not chosen.demo:
        return WallClock()
    from claudemeter_tui.demo import DEMO_SPEED
    from claudemeter_tui.demo.timeline import DemoClock, SkippingClock

    start = datetime.now(UTC)
    speed = 1.0 if chosen.action is Action.METRICS else DEMO_SPEED
    return SkippingClock(start) if skipping else DemoClock(start, speed)


def build_feed(chosen: Invocation, clock: Clock) -> DeferredFeed:
    """Return the feed: the demo's one session, or every session that is found."""
    if chosen.demo:
        start = clock.now()
        past = DemoReader(clock, start)
        # Only an open dashboard asks for what was read.
        is_kept = chosen.action is Action.DASHBOARD
        return DeferredFeed(
            partial(_build_demo_feed, clock, start),
            partial(past.build_recorder, chosen) if is_kept else None,
            partial(_read_demo_past, start) if is_kept else None,
            reader=past,
            build_transcripts=past.build_transcripts if is_kept else None,
        )
    return _build_sessions_feed(chosen, clock, lambda: build_session_providers(chosen, clock))


def build_extension_feed(chosen: Invocation, clock: Clock, session: Session, client: Client) -> DeferredFeed:
    """Return the feed of the browser extension's host: one session, whose requests `client` sends."""

    def build_providers() -> SessionProviders:
        from claudemeter_tui.claude_ai.api import ClaudeAiSource
        from claudemeter_tui.sessions.renewable import SessionProviders

        source = ClaudeAiSource(session, client, clock.now, build_org_rules(chosen).ignores)
        return SessionProviders(_refuse_cookies, given_source=source)

    return _build_sessions_feed(replace(chosen, transcripts=False), clock, build_providers)


def _refuse_cookies(session: Session, cookies: Cookies, agent: str | None) -> NoReturn:
    """Raise an error: the browser extension's host never has cookies."""
    del session, cookies, agent
    raise AssertionError


def build_record_keeper(chosen: Invocation) -> Callable[[HostRecord], object]:
    """Return the function that keeps the entry of the browser extension's host. Slow: it loads SQLite."""
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.hosts import keep_host
    from claudemeter_tui.history.lease import describe_process

    path, process = locate_archive(), describe_process()
    return lambda record: keep_host(path, chosen.base_url, record, process)


def _build_sessions_feed(
    chosen: Invocation, clock: Clock, build_providers: Callable[[], SessionProviders]
) -> DeferredFeed:
    """Return the feed of the sessions that these providers find."""

    def build() -> Feed:
        from claudemeter_tui.sessions.manager import SessionManager

        return SessionManager(
            build_providers(),
            interval=chosen.interval,
            clock=clock,
            leases=_build_leases(chosen, clock, feed) if chosen.history_enabled else None,
        )

    rules = build_org_rules(chosen) if chosen.has_org_rules else None
    # What transcripts hold is kept in the archive only, and is in no metric.
    reads_transcripts = chosen.transcripts and chosen.history_enabled and chosen.action is not Action.METRICS
    reader = ArchiveReader(chosen.base_url, rules, reads_transcripts=reads_transcripts)
    feed = DeferredFeed(
        build,
        partial(build_recorder, chosen, clock),
        partial(_read_last, chosen, clock),
        rules,
        reader=reader if chosen.history_enabled else None,
        build_transcripts=partial(_build_transcripts, chosen, clock) if reads_transcripts else None,
    )
    return feed


def _build_transcripts(chosen: Invocation, clock: Clock) -> TranscriptReadings:
    """Return the feed of this machine's transcripts. Slow: it loads SQLite.

    A status bar only shows what is kept already.
    """
    from claudemeter_tui.claude_code.config_folder import list_config_folders
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.queries import has_read_transcripts, read_news
    from claudemeter_tui.sessions.transcripts import TranscriptFeed

    # Not the current folder: a module there must not replace one of the program.
    folders = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    path = locate_archive()
    argv = (sys.executable, "-P", "-m", "claudemeter_tui.transcript_process", str(path))
    is_open = chosen.action in (Action.DASHBOARD, Action.WATCH)  # transcripts may appear later
    has_some = is_open or any(
        (folder / "projects").is_dir() for folder in list_config_folders(Path.home(), os.environ)
    )
    return TranscriptFeed(
        argv if has_some and chosen.action not in (Action.CHECK, Action.LINE) else (),
        {**remove_own_variables(os.environ), "PYTHONPATH": os.pathsep.join(filter(None, folders))},
        lambda: read_news(path, clock.now()),
        lambda: has_read_transcripts(path),
    )


def list_transcript_folders() -> tuple[str, ...]:
    """Return the folders that are searched for transcripts; the user's home folder is `~`."""
    from claudemeter_tui.claude_code.config_folder import list_config_folders

    home = Path.home()
    folders = (folder / "projects" for folder in list_config_folders(home, os.environ))
    return tuple(
        f"~{os.sep}{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
        for folder in folders
    )


def _read_last(chosen: Invocation, clock: Clock) -> Reading | None:
    """Return the last figures of earlier runs. None if there are none. Slow: it loads SQLite."""
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.last_states import read_last_states
    from claudemeter_tui.model.reading import NO_SESSION, Reading

    now = clock.now()
    states = read_last_states(locate_archive(), chosen.base_url, now)
    return Reading(NO_SESSION, now, restored_orgs=states, is_archived=True) if states else None


def _build_leases(chosen: Invocation, clock: Clock, feed: DeferredFeed) -> AccountLeases:
    """Return the leases in this user's archive. Slow: it loads SQLite."""
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.follower import ArchiveLeases

    def can_record() -> bool:
        recorder = feed.recorder
        return recorder is None or recorder.count_stalled_seconds() <= chosen.interval.total_seconds()

    return ArchiveLeases(
        locate_archive(),
        chosen.base_url,
        clock.now,
        parse_kept_reply,
        restored=feed.restored_orgs,
        max_age=chosen.interval if feed.runs_once else None,
        can_record=can_record,
    )


def parse_kept_reply(
    session: Session, kept: Reply, org: Org | None
) -> tuple[Reply | Failure, tuple[Org, ...]]:
    """Parse a reply from the archive as it was parsed when it arrived; see `ParseReply`."""
    from claudemeter_tui.claude_ai import api
    from claudemeter_tui.claude_ai.parse_account import parse_account
    from claudemeter_tui.claude_ai.validation import ParsedBody
    from claudemeter_tui.claude_code.source import parse_profile
    from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN

    if org is not None:
        parser = api.ORG_PARSERS[kept.endpoint]
        return api.parse_kept_reply(kept, lambda body: parser(body, org)), ()
    listed: list[Org] = []

    def read_account(body: object) -> ParsedBody[Account]:
        if session == CLAUDE_CODE_LOGIN:
            profile = parse_profile(body)
            account, own = profile.value
            listed.extend([own] if own is not None else [])
            return ParsedBody(account, profile.new_fields, profile.odd_values)
        parsed = parse_account(body)
        account, orgs = parsed.value
        listed.extend(orgs)
        return ParsedBody(account, parsed.new_fields, parsed.odd_values)

    return api.parse_kept_reply(kept, read_account), tuple(listed)


def build_recorder(chosen: Invocation, clock: Clock) -> Recorder:
    """Return the recorder of this user's archive. Slow: it loads SQLite."""
    from claudemeter_tui.history.archive import Archive
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.lease import describe_process
    from claudemeter_tui.history.recorder import OpenedArchive, Recorder
    from claudemeter_tui.history.repair import load_last_removal, mark_damaged, open_or_repair
    from claudemeter_tui.history.retention import remove_old_replies
    from claudemeter_tui.history.status_builder import StatusBuilder

    remove_old_files(locate_state_folder())
    if chosen.action is Action.DASHBOARD and is_folder(locate_extension_folder()):
        from claudemeter_tui.extension.install import renew_copy

        renew_copy()
    # Without any folder, each line of a status bar would send requests.
    path = locate_archive(or_temporary=chosen.action in (Action.CHECK, Action.LINE))
    keeps_replies = chosen.history_enabled and path == locate_archive()

    def open_archive() -> OpenedArchive:
        connection, moved_name = open_or_repair(path, clock.now())
        archive = Archive(
            connection,
            chosen.base_url,
            keeps_replies=keeps_replies,
            holder=describe_process().holder,
        )

        def remove_old(now: datetime) -> Iterator[None]:
            if not chosen.history_enabled:  # what was kept before stays
                return iter(())
            limits = {"days": chosen.history_replies_days, "max_mb": chosen.history_max_mb}
            return remove_old_replies(connection, path, now=now, **limits)

        def rebuild() -> Iterator[None]:
            from claudemeter_tui.history.rebuild import iter_rebuild

            if not keeps_replies:  # nothing is derived
                return
            for _ in iter_rebuild(connection, parse_kept_reply, chosen.thresholds):
                archive.forget_derived()
                yield

        return OpenedArchive(
            archive,
            remove_old,
            rebuild,
            connection.close,
            partial(mark_damaged, connection),
            moved_name,
            load_last_removal(connection),
        )

    def describe(outcome: Outcome, now: datetime) -> tuple[tuple[OrgStatus, ...], NoOrgStatus | None]:
        """Load the words only when they are needed, because the first figures wait for this function."""
        from claudemeter_tui.commands.status_texts import describe_outcome

        return describe_outcome(outcome, now)

    status = StatusBuilder(chosen.sources_key, describe)
    return Recorder(
        open_archive, clock.now, thresholds=chosen.thresholds, status=status, rules=build_org_rules(chosen)
    )


class HistoryReader(Protocol):
    """Answers about the past for the dashboard; see `Options`. Every method blocks."""

    reads_transcripts: bool
    """True if this machine's transcripts are read."""

    def load_series(
        self, key: OrgKey, since: datetime, until: datetime | None = None
    ) -> ArchivedSeries | None:
        """Return an org's figures for the charts."""

    def load_past(self, key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        """Return a past moment as it was."""

    def load_history(self, key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        """Return an org's history."""

    def load_events(self, since: datetime, until: datetime) -> tuple[Event, ...] | None:
        """Return the newest events of all orgs between two moments."""

    def load_machine(self, key: OrgKey | None, request: MachineRequest) -> MachineUsage | None:
        """Return the use of this machine, and the rises of an org."""

    def load_uses(self, keys: Sequence[OrgKey], now: datetime) -> Mapping[OrgKey, OrgUse]:
        """Return the use of this machine by org, since the start of the billing cycle."""


class ArchiveReader:
    """Answers of this user's archive."""

    def __init__(
        self, origin: str, rules: OrgRules | None = None, *, reads_transcripts: bool = False
    ) -> None:
        """Read what was kept of the server with this origin; `rules` name the orgs."""
        self._origin = origin
        self._rules = rules
        self.reads_transcripts = reads_transcripts

    def load_series(
        self, key: OrgKey, since: datetime, until: datetime | None = None
    ) -> ArchivedSeries | None:
        """Return an org's figures for the charts."""
        return self._query(key, partial(_query_series, since, until or datetime.now(UTC)))

    def load_past(self, key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        """Return a past moment as it was."""
        search = _PastSearch(self._origin, key, moment, step, datetime.now(UTC))
        past = self._query(key, search.query)
        return past and self._name_orgs(past)

    def _name_orgs(self, past: PastMoment) -> PastMoment:
        """Return the moment with the aliases of now."""
        if self._rules is None:
            return past
        name, figures = self._rules.name_org, past.figures
        if figures is not None and figures.owner.org is not None:
            figures = figures._replace(owner=figures.owner._replace(org=name(figures.owner.org)))
        events = tuple(one._replace(org=one.org and name(one.org)) for one in past.events)
        return past._replace(store=self._rules.apply_to_store(past.store), events=events, figures=figures)

    def load_history(self, key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        """Return an org's history."""
        from claudemeter_tui.history.database import locate_archive
        from claudemeter_tui.history.queries import read_history

        return read_history(locate_archive(), self._origin, key, request)

    def load_events(self, since: datetime, until: datetime) -> tuple[Event, ...] | None:
        """Return the newest events of all orgs between two moments."""
        from claudemeter_tui.history.database import locate_archive
        from claudemeter_tui.history.queries import read_events

        events, rules = read_events(locate_archive(), self._origin, since, until), self._rules
        if events is None or rules is None:
            return events
        kept = (event for event in events if event.org is None or not rules.ignores(event.org))
        return tuple(event._replace(org=event.org and rules.name_org(event.org)) for event in kept)

    def load_machine(self, key: OrgKey | None, request: MachineRequest) -> MachineUsage | None:
        """Return the use of this machine, and the rises of an org."""
        from claudemeter_tui.history.database import locate_archive
        from claudemeter_tui.history.machine import read_machine

        return read_machine(locate_archive(), self._origin, key, request)

    def load_uses(self, keys: Sequence[OrgKey], now: datetime) -> Mapping[OrgKey, OrgUse]:
        """Return the use of this machine by org, since the start of the billing cycle."""
        from claudemeter_tui.history.database import locate_archive
        from claudemeter_tui.history.machine import load_uses
        from claudemeter_tui.history.queries import query_archive

        return query_archive(locate_archive(), partial(load_uses, keys, now)) or {}

    def _query(self, key: OrgKey, query: Callable[[sqlite3.Connection, int], Answer | None]) -> Answer | None:
        from claudemeter_tui.history.database import locate_archive
        from claudemeter_tui.history.queries import query_org

        return query_org(locate_archive(), self._origin, key, query)


class DemoReader:
    """Answers of the demo's archive, which the first thread that needs it creates."""

    reads_transcripts = True

    def __init__(self, clock: Clock, start: datetime) -> None:
        """Let the simulated past end at the start of the demo."""
        self._clock, self._start = clock, start
        self._lock = threading.Lock()
        self._archive: DemoArchive | None = None

    def build_recorder(self, chosen: Invocation) -> Recorder:
        """Return the recorder of the demo. Slow: it loads SQLite."""
        from claudemeter_tui.history.recorder import Recorder

        return Recorder(self._open().open, self._clock.now, thresholds=chosen.thresholds)

    def load_series(
        self, key: OrgKey, since: datetime, until: datetime | None = None
    ) -> ArchivedSeries | None:
        """Return an org's figures for the charts."""
        return self._open().query(key, partial(_query_series, since, until or self._clock.now()))

    def load_past(self, key: OrgKey, moment: datetime, step: int) -> PastMoment | None:
        """Return a past moment as it was; of the simulated past only figures."""
        search = _PastSearch(CLAUDE_AI_ORIGIN, key, moment, step, self._clock.now())
        return self._open().query(key, search.query)

    def load_history(self, key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
        """Return an org's history."""
        from claudemeter_tui.history.queries import query_history

        return self._open().query(key, lambda connection, org_id: query_history(connection, org_id, request))

    def load_events(self, since: datetime, until: datetime) -> tuple[Event, ...]:
        """Return the newest events of all orgs between two moments."""
        from claudemeter_tui.history.queries import query_events

        return self._open().query_all(lambda archive: query_events(archive, CLAUDE_AI_ORIGIN, since, until))

    def load_machine(self, key: OrgKey | None, request: MachineRequest) -> MachineUsage:
        """Return the simulated use of this machine, and the rises of an org, until the first day ends."""
        from claudemeter_tui.demo.transcripts import find_last_moment
        from claudemeter_tui.history.machine import query_org_machine
        from claudemeter_tui.model.machine import MachineRequest, choose_spans

        end = find_last_moment(self._start)
        if request.now > end:
            request = MachineRequest(end, choose_spans(None, end, request.zone), request.zone)
        archive = self._open()
        archive.keep_transcripts(self._clock.now())
        if key is not None:
            archive.query(key, lambda *_: None)  # simulates its past
        return archive.query_present(partial(query_org_machine, CLAUDE_AI_ORIGIN, key, request))

    def build_transcripts(self) -> TranscriptReadings:
        """Return the feed of the simulated transcripts."""
        from claudemeter_tui.demo.transcripts import DemoTranscripts

        return DemoTranscripts(lambda: self._open().keep_transcripts(self._clock.now()))

    def load_uses(self, keys: Sequence[OrgKey], now: datetime) -> Mapping[OrgKey, OrgUse]:
        """Return the simulated use of this machine by org, since the start of the billing cycle."""
        from claudemeter_tui.history.machine import load_uses

        archive = self._open()
        archive.keep_transcripts(now)
        return archive.query_present(partial(load_uses, keys, now))

    def _open(self) -> DemoArchive:
        from claudemeter_tui.demo.archive import DemoArchive

        with self._lock:
            if self._archive is None:
                self._archive = DemoArchive(self._start)
            return self._archive


def _query_series(
    since: datetime, until: datetime, connection: sqlite3.Connection, org_id: int
) -> ArchivedSeries:
    from claudemeter_tui.history.series import load_series

    return load_series(connection, org_id, since, until)


class _PastSearch(NamedTuple):
    """A past moment to look up; see `Options.load_past`."""

    origin: str
    key: OrgKey
    moment: datetime
    step: int
    now: datetime

    def query(self, connection: sqlite3.Connection, org_id: int) -> PastMoment | None:
        from claudemeter_tui.history.events import find_event_times
        from claudemeter_tui.history.past import load_past_moment

        times = [self.moment]
        if self.step:
            times = find_event_times(connection, org_id, self.moment, self.step, self.now)
        lacks_events = len(times) < abs(self.step)
        if not times or (lacks_events and self.step > 0):
            return None
        org = org_id, self.key
        past = load_past_moment(connection, self.origin, org, times[-1], parse_kept_reply)
        return past and past._replace(lacks_events=lacks_events)


def locate_extension(chosen: Invocation) -> Installation:
    """Return the places of the browser extension; nothing is installed for ignored browsers."""
    from claudemeter_tui.extension.install import locate_installation

    return locate_installation(list_ignored_browsers(chosen))


def list_ignored_browsers(chosen: Invocation) -> frozenset[str]:
    """Return the names of the browsers that the settings ignore with all their profiles."""
    return frozenset(one.browser.name for one in _list_ignored(chosen) if not one.profile)


def _list_ignored(chosen: Invocation) -> tuple[BrowserFilter, ...]:
    """Return the browsers and profiles that the settings ignore."""
    if not chosen.ignore:
        return ()
    from claudemeter_tui.browsers.profiles import BrowserFilter

    return tuple(map(BrowserFilter.parse, filter(BrowserFilter.is_browser, chosen.ignore)))


def build_extension_options(chosen: Invocation) -> Mapping[str, Any]:
    """Return the values of `Options` about the browser extension, by their names.

    There are none if the dashboard would not show what the extension reads.
    """

    def list_browsers() -> frozenset[str]:
        from claudemeter_tui.browsers.folders import CHROMIUM_BROWSERS
        from claudemeter_tui.browsers.profiles import BrowserFilter

        wanted = {BrowserFilter.parse(text).browser for text in chosen.browser}
        return frozenset(one.name for one in CHROMIUM_BROWSERS if not wanted or one in wanted)

    def install() -> str:
        from claudemeter_tui.commands.extension import describe_installed

        return describe_installed(locate_extension(chosen))

    follows_hosts = (
        chosen.history_enabled
        and chosen.cookies is None
        and chosen.source != CLAUDE_CODE_SOURCE
        and chosen.base_url == CLAUDE_AI_ORIGIN
    )
    return {"list_extension_browsers": list_browsers, "install_extension": install} if follows_hosts else {}


def build_archive_options(feed: DeferredFeed) -> Mapping[str, Callable[..., Any]]:
    """Return the values of `Options` that read what is kept, by their names; none if nothing is."""
    reader = feed.reader
    if reader is None:
        return {}
    machine = {"load_machine": reader.load_machine} if reader.reads_transcripts else {}
    return machine | {
        "load_series": reader.load_series,
        "load_past": reader.load_past,
        "load_history": reader.load_history,
        "load_events": reader.load_events,
    }


def _read_demo_past(start: datetime) -> Reading:
    """Return the figures with which the simulated past ends, like those of an earlier run. Slow.

    There is a poll on both sides of each moment at which a window filled, so that the spending since then is
    known as it would be after a restart.
    """
    from claudemeter_tui.claude_ai.api import ClaudeAiSource
    from claudemeter_tui.claude_ai.client import CookieClient
    from claudemeter_tui.demo.scenario import DEMO_SESSION, list_filled_minutes
    from claudemeter_tui.demo.server import build_transport
    from claudemeter_tui.demo.timeline import START_MINUTE, SkippingClock, find_first_day
    from claudemeter_tui.history.last_states import pack_state, unpack_state
    from claudemeter_tui.model.reading import NO_SESSION, Reading
    from claudemeter_tui.model.store import Store

    first = find_first_day(start)
    minutes = [minute - back for minute in list_filled_minutes() for back in (1, 0)]

    async def poll() -> Store:
        clock, store = SkippingClock(first), Store()
        client = CookieClient(Cookies([]), now=clock.now, transport=build_transport(clock.now, first))
        source = ClaudeAiSource(DEMO_SESSION, client, clock.now)
        for minute in (*minutes, START_MINUTE - 1):
            await clock.sleep((first + timedelta(minutes=minute) - clock.now()).total_seconds())
            async for reading in source.read(full=True):
                store = store.apply(reading)
        await source.aclose()
        return store

    kept = (unpack_state(pack_state(state)) for state in asyncio.run(poll()).all_orgs)
    states = tuple(state for state in kept if state is not None)
    return Reading(NO_SESSION, start, restored_orgs=states, is_archived=True)


def _build_demo_feed(clock: Clock, start: datetime) -> Feed:
    """Build a feed of the simulated claude.ai, behind the real client. Slow: it loads the libraries."""
    from claudemeter_tui.claude_ai.api import ClaudeAiSource
    from claudemeter_tui.claude_ai.client import CookieClient
    from claudemeter_tui.demo.scenario import DEMO_SESSION
    from claudemeter_tui.demo.server import build_transport
    from claudemeter_tui.demo.timeline import find_first_day
    from claudemeter_tui.sessions.poller import Poller

    simulated = build_transport(clock.now, find_first_day(start))

    async def open_source() -> SessionSource:
        client = CookieClient(Cookies([]), now=clock.now, transport=simulated)
        return ClaudeAiSource(DEMO_SESSION, client, clock.now)

    return Poller(open_source, clock=clock)


def build_session_providers(chosen: Invocation, clock: Clock) -> SessionProviders:
    """Return the providers that the settings allow. Slow: it loads half of the program."""
    from claudemeter_tui.browsers.profiles import BrowserFilter
    from claudemeter_tui.model.reading import Session

    given = (Session(chosen.cookies_origin), chosen.cookies) if chosen.cookies is not None else None
    return build_machine_providers(
        Machine(state_folder=locate_state_folder()),
        clock.now,
        base_url=chosen.base_url,
        source=chosen.source,
        wanted=chosen.browser,
        given=given,
        ignored=tuple(filter(BrowserFilter.is_browser, chosen.ignore)),
        ignores_org=build_org_rules(chosen).ignores,
        find_hosts=_build_host_finder(chosen) if chosen.history_enabled else None,
    )


def _build_host_finder(chosen: Invocation) -> Callable[[], Sequence[HostRecord]]:
    """Return the function that finds the hosts of the browsers that the settings allow."""
    from claudemeter_tui.browsers.profiles import BrowserFilter
    from claudemeter_tui.history.database import locate_archive
    from claudemeter_tui.history.hosts import HostWatch

    watch = HostWatch(locate_archive(), chosen.base_url)
    wanted = tuple(map(BrowserFilter.parse, chosen.browser))
    ignored = _list_ignored(chosen)

    def is_named(one: BrowserFilter, session: Session) -> bool:
        return one.browser.name == session.browser and (not one.profile or one.is_session(session))

    def find() -> Sequence[HostRecord]:
        return [
            host
            for host in watch.read()
            if not any(is_named(one, host.session) for one in ignored)
            and (not wanted or any(is_named(one, host.session) for one in wanted))
        ]

    return find


def list_unmatched_names(chosen: Invocation, orgs: Sequence[Org]) -> list[str]:
    """Return a sentence for each name in the settings that matches nothing on this machine. Slow."""
    from claudemeter_tui.browsers.profiles import BrowserFilter
    from claudemeter_tui.browsers.scan import find_unmatched_profiles

    browsers = [name for name in chosen.ignore if BrowserFilter.is_browser(name)]
    missing = set(find_unmatched_profiles(browsers)) if browsers else set()
    fault, ignore_fault = "matches no org", "matches no browser, profile or org"
    if not orgs:  # a name may be that of an org that no session has read
        fault = "not known yet, because no org was read"
        ignore_fault = f"matches no browser or profile; as an org {fault}"
    return [
        f"{key}: {name!r} {ignore_fault if key == 'ignore' else fault}"
        for key, name in build_org_rules(chosen).list_unmatched(orgs)
        if key != "ignore" or name not in browsers or name in missing
    ]
