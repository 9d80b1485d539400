"""Find sessions, and notice when they are renewed, renamed or removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from claudemeter_tui.clock import run_in_daemon_thread
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    IGNORED_PLACE,
    ErrorKind,
    Reading,
    ScanResult,
    Session,
)
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session_search import (
    Login,
    LoginError,
    LoginResult,
    NoLogin,
    ProfileScan,
    ScanOutcome,
)
from claudemeter_tui.sessions.poller import PacedSource
from claudemeter_tui.sessions.renewable import BrowserProvider, RenewableSession, SessionProviders
from claudemeter_tui.sessions.scheduler import HOST_CHECK_SECONDS, PollScheduler, SessionSlot

_INCONCLUSIVE = (ScanOutcome.TIMED_OUT, ScanOutcome.LOCKED, ScanOutcome.UNREADABLE, ScanOutcome.UNDECRYPTABLE)
"""Outcomes that do not show whether there is a session."""
_MAY_SHOW_DIALOG = (ScanOutcome.TIMED_OUT, ScanOutcome.UNDECRYPTABLE)
"""Outcomes that a password dialog may have caused: such a browser is scanned only if the user asks."""


class BrowserScanner:
    """Scans browsers, one scan at a time, and keeps the last results of each browser."""

    def __init__(self, browsers: BrowserProvider | None) -> None:
        """Scan with `browsers`; None if there is nothing to scan."""
        self._browsers = browsers
        self._names = browsers.names if browsers is not None else ()
        self._last: dict[str, tuple[ProfileScan, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def scans(self) -> list[ProfileScan]:
        """Results of the last scan of each browser."""
        return [scan for name in self._names for scan in self._last.get(name, ())]

    async def scan_all(self, emit: Callable[[ProfileScan], None], *, asked: bool) -> None:
        """Scan every browser and emit each result as soon as it is available.

        Unless the user `asked` for it, skip the browsers that may open a password dialog.
        """
        guarded = self._browsers.guarded if self._browsers is not None and not asked else frozenset[str]()
        skipped = {name for name in self._names if not asked and self._has_shown_dialog(name)} | guarded
        await self._scan_named([name for name in self._names if name not in skipped], emit)

    def covers_session(self, session: Session) -> bool:
        """Return True if the session belongs to a browser that is scanned."""
        return session.browser in self._names

    async def scan_session(self, session: Session) -> ProfileScan | None:
        """Return a new scan of a session's profile. None if it is not found or a dialog might open."""
        if not self.covers_session(session) or self._has_shown_dialog(session.browser):
            return None
        await self._scan_named([session.browser], lambda _: None)
        return next((scan for scan in self._last.get(session.browser, ()) if scan.session == session), None)

    def has_lost_session(self, session: Session) -> bool:
        """Return True if the last scan of the browser no longer found the session's profile."""
        for scan in self._last.get(session.browser, ()):
            scanned, profile = scan.session.profile, session.profile
            # A result can be for the profile itself, for one of its containers, or for the whole browser.
            if scanned == profile or profile.startswith(f"{scanned}, "):
                return False
            if not scanned and scan.outcome in _INCONCLUSIVE:
                return False
        return True

    async def _scan_named(self, names: list[str], emit: Callable[[ProfileScan], None]) -> None:
        if self._browsers is None:
            return
        filters = self._browsers.filters
        wanted = [text for text, name in filters.items() if name in names] if filters else names
        if not wanted:
            return
        scans_all = not filters and len(names) == len(self._names)
        async with self._one_at_a_time:
            scans = await self._browsers.scan(() if scans_all else wanted, emit)
        for name in names:
            self._last[name] = tuple(
                scan
                for scan in scans
                if scan.session.browser == name
                # List a browser that is not installed only if the user named it.
                and (filters or scan.outcome is not ScanOutcome.NO_BROWSER)
            )

    def _has_shown_dialog(self, name: str) -> bool:
        return any(scan.outcome in _MAY_SHOW_DIALOG for scan in self._last.get(name, ()))


ALL_BROWSERS = Session("Browsers")
"""Session shown for the result that no browser was found."""


def build_no_browser_result(providers: SessionProviders) -> list[ScanResult]:
    """Return the result that no browser was found, and the places searched; empty without a browser scan."""
    if providers.browsers is None:
        return []
    return [ScanResult(ALL_BROWSERS, "none found", f"searched for {providers.browsers.searched_places}")]


def build_ignored_results(providers: SessionProviders) -> list[ScanResult]:
    """Return a line for each browser and profile that the settings ignore."""
    ignored = providers.browsers.ignored if providers.browsers is not None else ()
    return [ScanResult(session, IGNORED_PLACE, "by the setting `ignore`") for session in ignored]


def build_scan_result(scan: ProfileScan) -> ScanResult:
    """Return the line for a scanned profile."""
    return ScanResult(scan.session, scan.outcome.value, scan.detail, is_working=scan.cookies is not None)


def build_login_result(login: LoginResult) -> ScanResult:
    """Return the line for Claude Code's login."""
    if isinstance(login, Login):
        detail = ", ".join(part for part in (login.place, login.plan) if part)
        return ScanResult(CLAUDE_CODE_LOGIN, "login found", detail, is_working=True)
    return ScanResult(CLAUDE_CODE_LOGIN, login.error.value, login.detail)


def build_host_result(host: HostRecord) -> ScanResult:
    """Return the line for a session that is read through the browser extension."""
    if not host.is_running:
        return ScanResult(host.session, "browser closed")
    if host.error_kind is not None:
        return build_error_result(host.session, host.error_kind)
    email = host.account.email if host.account is not None else None
    return ScanResult(host.session, "extension running", email or "", is_working=host.account is not None)


def build_error_result(session: Session, error_kind: ErrorKind) -> ScanResult:
    """Return the line for a session that the server rejected."""
    return ScanResult(session, error_kind.value, error_kind=error_kind)


class _HostSource:
    """Source of a session that only the browser extension's host can poll."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Yield nothing."""
        del full
        nothing: tuple[Reading, ...] = ()
        for reading in nothing:
            yield reading

    async def aclose(self) -> None:
        """Do nothing."""


LOGIN_TIMEOUT = 20.0
"""Seconds to wait for Claude Code's login: the keychain may open two dialogs."""


class SessionDiscovery:
    """Finds sessions and passes them to the scheduler; detects new names, new keys and removed profiles."""

    def __init__(
        self,
        providers: SessionProviders,
        scheduler: PollScheduler,
        *,
        interval: timedelta,
        on_change: Callable[[], object],
    ) -> None:
        """Find sessions through `providers`; each is polled every `interval`.

        `on_change` is called if a host of the browser extension was found or has changed.
        """
        self._on_change = on_change
        self._providers = providers
        self._scheduler = scheduler
        self._interval = interval
        self._scanner = BrowserScanner(providers.browsers)
        self._login: LoginResult | None = None
        self._hosts: Sequence[HostRecord] = ()
        self.is_scanning = True
        """True until the first scan has ended, and during each later one."""
        self._tasks: asyncio.TaskGroup | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Use `tasks` to connect sessions, and connect the session that the user provided at once."""
        self._tasks = tasks
        if self._providers.given_session is not None:
            session, cookies = self._providers.given_session
            self._add(session, partial(self.connect_slot, session, cookies))
        source = self._providers.given_source
        if source is not None:
            self._scheduler.add(SessionSlot(source, self._scheduler.election, interval=self._interval))
        if self._providers.find_hosts is not None:
            tasks.create_task(self._watch_hosts())

    @property
    def has_sessions(self) -> bool:
        """True if there is a session, or one is being connected."""
        return bool(self._scheduler.slots or self._scheduler.pending_sessions)

    def list_scan_results(self) -> tuple[ScanResult, ...]:
        """Return a line for each scanned profile, Claude Code's login and each provided session."""
        by_session = {slot.session: slot for slot in self._scheduler.slots}
        results = {
            session: ScanResult(session, "session provided", is_working=True) for session in by_session
        }
        scanned = map(build_scan_result, self._scanner.scans)
        for result in scanned if self._scanner.scans else build_no_browser_result(self._providers):
            results[result.session] = result
        for result in build_ignored_results(self._providers):
            results.setdefault(result.session, result)
        results |= {host.session: build_host_result(host) for host in self._hosts}
        if self._login is not None:
            results[CLAUDE_CODE_LOGIN] = build_login_result(self._login)
        for session, slot in by_session.items():
            if not results[session].is_working:
                continue
            if slot.state.error_kind is not None:
                results[session] = build_error_result(session, slot.state.error_kind)
            elif slot.state.account is not None and slot.state.account.email:
                results[session] = results[session]._replace(detail=slot.state.account.email)
        return tuple(results.values())

    async def scan(self, *, asked: bool) -> None:
        """Scan every browser and look for Claude Code's login; `asked` if the user requested it."""
        self.is_scanning = True
        try:
            if self._providers.given_session is None and self._providers.given_source is None:
                await self._find_hosts()
                await self._scanner.scan_all(self._handle_scan, asked=asked)
                self._update_slots()
                await self._find_login()
        finally:
            self.is_scanning = False

    async def connect_slot(
        self, session: Session, cookies: Cookies, scan: ProfileScan | None = None
    ) -> SessionSlot:
        """Build a slot with its own connection, without adding it to the scheduler."""
        agent = scan.user_agent if scan is not None else None
        connection = await asyncio.to_thread(self._providers.connect, session, cookies, agent)
        slot = SessionSlot(connection.source, self._scheduler.election, interval=self._interval)
        slot.expires = scan.expires if scan is not None else None

        async def scan_profile() -> Cookies | None:
            found = await self._scanner.scan_session(slot.session)
            slot.expires = found.expires if found is not None else slot.expires
            return found.cookies if found is not None else None

        slot.renewal = RenewableSession(cookies, connection, scan_profile, self._scheduler.election.now)
        if scan is not None:
            slot.follow_account(await self._scheduler.election.leases.identify(session))
        return slot

    def _handle_scan(self, scan: ProfileScan) -> None:
        """Add a new session at once, or renew a known one."""
        slot = self._find_slot(scan.session)
        if slot is None:
            # A known key under a new name is a renamed or a copied profile; only the complete scan shows
            # which.
            if not any(_has_scanned_key(one, scan) for one in self._list_browser_slots()):
                self._add_scanned(scan)
        elif scan.cookies is not None and slot.renewal is not None:
            slot.expires = scan.expires
            if slot.renewal.renew(scan.cookies):
                self._scheduler.relearn_account(slot)

    def _update_slots(self) -> None:
        """Add copied profiles, rename and remove sessions: only a complete scan can distinguish them."""
        scans = [scan for scan in self._scanner.scans if scan.cookies is not None]
        names = {scan.session for scan in scans}
        for scan in scans:
            if self._find_slot(scan.session) is not None:
                continue
            nameless = (slot for slot in self._list_browser_slots() if slot.session not in names)
            renamed = next((slot for slot in nameless if _has_scanned_key(slot, scan)), None)
            if renamed is not None:
                self._scheduler.rename(renamed, scan.session)
            else:
                self._add_scanned(scan)
        for slot in self._list_browser_slots():
            if self._scanner.has_lost_session(slot.session):
                self._scheduler.remove(slot)

    async def _watch_hosts(self) -> None:
        """Notice soon that a browser was started or closed, until cancelled."""
        while True:
            await self._scheduler.sleep(HOST_CHECK_SECONDS)
            await self._find_hosts()

    async def _find_hosts(self) -> None:
        """Add, remove or replace the sessions that the hosts of the browser extension poll."""
        if self._providers.find_hosts is None:
            return
        before, self._hosts = self._hosts, await asyncio.to_thread(self._providers.find_hosts)
        wanted = {host.session: host.account for host in self._hosts if host.account is not None}
        for slot in [one for one in self._scheduler.slots if not one.state.can_poll]:
            account = wanted.pop(slot.session, None)
            if account is None or slot.state.account is None or account.key != slot.state.account.key:
                self._scheduler.remove(slot)
        found: list[SessionSlot] = []
        for session, account in wanted.items():
            source = _HostSource(session)
            slot = SessionSlot(source, self._scheduler.election, interval=self._interval, can_poll=False)
            slot.follow_account(account)
            found.append(slot)
        errors = {
            host.session: host.error_kind if host.is_running else ErrorKind.BROWSER_CLOSED
            for host in self._hosts
        }
        for slot in (*self._scheduler.slots, *found):
            slot.host_error = errors.get(slot.session)
        for slot in found:
            self._scheduler.add(slot)
        if [build_host_result(one) for one in before] != [build_host_result(one) for one in self._hosts]:
            self._on_change()

    async def _find_login(self) -> None:
        """Add or remove Claude Code's login; an expired login keeps its slot."""
        provider = self._providers.claude_code
        if provider is None:
            return

        async def connect() -> SessionSlot:
            source = await asyncio.to_thread(provider.connect)
            interval = source.interval if isinstance(source, PacedSource) else self._interval
            return SessionSlot(source, self._scheduler.election, interval=interval, is_last_resort=True)

        try:
            login = await run_in_daemon_thread(provider.find_login, LOGIN_TIMEOUT)
        except TimeoutError:
            login = NoLogin(LoginError.UNREADABLE, "timed out while looking for the login")
        self._login, slot = login, self._find_slot(CLAUDE_CODE_LOGIN)
        if isinstance(login, Login) and slot is None:
            self._add(CLAUDE_CODE_LOGIN, connect)
        if isinstance(login, NoLogin) and login.error is LoginError.NO_LOGIN and slot is not None:
            self._scheduler.remove(slot)

    def _add_scanned(self, scan: ProfileScan) -> None:
        if scan.cookies is not None:
            self._add(scan.session, partial(self.connect_slot, scan.session, scan.cookies, scan))

    def _add(self, session: Session, connect: Callable[[], Awaitable[SessionSlot]]) -> None:
        """Connect a session in a task of its own and add it, unless that is already in progress."""
        if session in self._scheduler.pending_sessions:
            return

        async def connect_and_add() -> None:
            self._scheduler.add(await connect())

        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._scheduler.pending_sessions.add(session)
        self._tasks.create_task(connect_and_add())

    def _find_slot(self, session: Session) -> SessionSlot | None:
        return next((slot for slot in self._scheduler.slots if slot.session == session), None)

    def _list_browser_slots(self) -> list[SessionSlot]:
        return [
            slot
            for slot in self._scheduler.slots
            if slot.state.can_poll and self._scanner.covers_session(slot.session)
        ]


def _has_scanned_key(slot: SessionSlot, scan: ProfileScan) -> bool:
    """Return True if a slot uses the session key that a scan found."""
    return scan.cookies is not None and slot.renewal is not None and slot.renewal.has_same_key(scan.cookies)
