"""Find sessions: new ones, renewed ones, renamed ones, and those that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import timedelta

from claudemeter_tui.clock import Clock, run_in_daemon_thread
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, ScanResult, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session import Login, LoginError, LoginResult, NoLogin, ProfileScan, ScanOutcome
from claudemeter_tui.sessions.renewable import (
    BrowserProvider,
    RenewableSession,
    SessionConnection,
    SessionProviders,
)
from claudemeter_tui.sessions.scheduler import PollScheduler, SessionSlot

_INCONCLUSIVE = (ScanOutcome.TIMED_OUT, ScanOutcome.LOCKED, ScanOutcome.UNREADABLE, ScanOutcome.UNDECRYPTABLE)
"""Outcomes of a look that do not tell whether there is a session."""
_MAY_SHOW_DIALOG = (ScanOutcome.TIMED_OUT, ScanOutcome.UNDECRYPTABLE)
"""Outcomes behind which a password dialog may stand: such a browser is looked at only when a person asks."""


class BrowserScanner:
    """Scans browsers, one scan at a time, and keeps the last results of each browser."""

    def __init__(self, browsers: BrowserProvider | None) -> None:
        """Scan by `browsers`; with None there is nothing to scan."""
        self._browsers = browsers
        self._names = browsers.names if browsers is not None else ()
        self._last: dict[str, tuple[ProfileScan, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def scans(self) -> list[ProfileScan]:
        """Results of the last scan of each browser, browser by browser."""
        return [scan for name in self._names for scan in self._last.get(name, ())]

    async def scan_all(self, emit: Callable[[ProfileScan], None], *, asked: bool) -> None:
        """Scan every browser and emit each result as soon as it is there.

        Unless the user `asked` for it, skip the browsers that may open a password dialog.
        """
        guarded = self._browsers.guarded if self._browsers is not None and not asked else frozenset[str]()
        skipped = {name for name in self._names if not asked and self._has_shown_dialog(name)} | guarded
        await self._scan_named([name for name in self._names if name not in skipped], emit)

    def covers_session(self, session: Session) -> bool:
        """Return True if the session is that of a browser that is scanned."""
        return session.browser in self._names

    async def scan_session(self, session: Session) -> ProfileScan | None:
        """Scan the browser of a session; None if its profile is not found or a dialog might open."""
        if not self.covers_session(session) or self._has_shown_dialog(session.browser):
            return None
        await self._scan_named([session.browser], lambda _: None)
        return next((scan for scan in self._last.get(session.browser, ()) if scan.session == session), None)

    def has_lost_session(self, session: Session) -> bool:
        """Return True if the last scan of the browser no longer found the session's profile."""
        return not any(_concerns_session(scan, session) for scan in self._last.get(session.browser, ()))

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
                # A browser that is not installed is worth a line only if the user named it.
                and (filters or scan.outcome is not ScanOutcome.NO_BROWSER)
            )

    def _has_shown_dialog(self, name: str) -> bool:
        return any(scan.outcome in _MAY_SHOW_DIALOG for scan in self._last.get(name, ()))


def _concerns_session(scan: ProfileScan, session: Session) -> bool:
    """Return True if a scan concerns the session's profile: by its name, as its container or as a whole."""
    scanned, profile = scan.session.profile, session.profile
    if scan.session.browser != session.browser:
        return False
    return (
        scanned == profile
        or profile.startswith(f"{scanned}, ")
        or (not scanned and scan.outcome in _INCONCLUSIVE)
    )


ALL_BROWSERS = Session("Browsers")
"""Stands for all browsers where none was found."""


def build_scan_results(
    ways: SessionProviders,
    looks: Collection[ProfileScan],
    login: LoginResult | None,
    seats: Iterable[SessionSlot],
) -> list[ScanResult]:
    """A line for each profile that was looked at, for Claude Code's login, and for what was given by hand."""
    seated = {seat.session: seat for seat in seats}
    places = {
        place.session: place
        for place in (map(build_scan_result, looks) if looks else build_no_browser_result(ways))
    }
    if login is not None:
        places[CLAUDE_CODE_LOGIN] = build_login_result(login)
    by_hand = {session: ScanResult(session, "session given", is_working=True) for session in seated}
    return [_add_slot_state(place, seated.get(place.session)) for place in (by_hand | places).values()]


def build_no_browser_result(ways: SessionProviders) -> list[ScanResult]:
    """A line that says where none was found, if any was looked for."""
    return (
        []
        if ways.browsers is None
        else [ScanResult(ALL_BROWSERS, "none found", f"looked for {ways.browsers.searched_places}")]
    )


def build_scan_result(look: ProfileScan) -> ScanResult:
    """What a look at a profile gave."""
    return ScanResult(look.session, look.outcome.value, look.detail, is_working=look.cookies is not None)


def build_login_result(login: LoginResult) -> ScanResult:
    """What looking for Claude Code's login gave."""
    if isinstance(login, Login):
        said = ", ".join(part for part in (login.place, login.plan) if part)
        return ScanResult(CLAUDE_CODE_LOGIN, "login found", said, is_working=True)
    return ScanResult(CLAUDE_CODE_LOGIN, login.error.value, login.detail)


def build_error_result(session: Session, trouble: ErrorKind) -> ScanResult:
    """A session that was found, and that the server does not accept."""
    return ScanResult(session, trouble.value, error_kind=trouble)


def _add_slot_state(place: ScanResult, seat: SessionSlot | None) -> ScanResult:
    """The line with what the server said of the session, if it was asked."""
    if seat is None or not place.is_working:
        return place
    if seat.error_kind is not None:
        return build_error_result(place.session, seat.error_kind)
    email = seat.account.email if seat.account is not None else None
    return ScanResult(place.session, place.outcome, email or place.detail, is_working=True)


LOGIN_TIMEOUT = 20.0
"""Seconds for finding Claude Code's login: a keychain may ask somebody, twice."""


class SessionDiscovery:
    """Looks for sessions, and seats what it finds."""

    def __init__(
        self, ways: SessionProviders, seating: PollScheduler, *, interval: timedelta, clock: Clock
    ) -> None:
        """Find by `ways` and seat in `seating`."""
        self._providers = ways
        self._scheduler = seating
        self._interval = interval
        self._clock = clock
        self._scanner = BrowserScanner(ways.browsers)
        self._login: LoginResult | None = None
        self.is_scanning = True
        """Whether the looking is not over; so it is before it begins."""
        self._tasks: asyncio.TaskGroup | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Connect in `tasks`; what was given by hand is seated at once."""
        self._tasks = tasks
        if self._providers.given_session is not None:
            session, cookies = self._providers.given_session
            self._start_task(session, self._add_session_slot(session, cookies, None))

    @property
    def has_sessions(self) -> bool:
        """Whether there is a session, or will be one in a moment."""
        return bool(self._scheduler.slots or self._scheduler.pending_sessions)

    def list_scan_results(self) -> tuple[ScanResult, ...]:
        """What was looked at, and what came of it."""
        return tuple(
            build_scan_results(self._providers, self._scanner.scans, self._login, self._scheduler.slots)
        )

    async def scan(self, *, asked: bool) -> None:
        """Look at every browser and for Claude Code's login; `asked` by a person or by the clock."""
        self.is_scanning = True
        try:
            if self._providers.given_session is None:
                await self._scan_everything(asked=asked)
        finally:
            self.is_scanning = False

    async def _scan_everything(self, *, asked: bool) -> None:
        await self._scanner.scan_all(self._handle_scan, asked=asked)
        self._update_slots()
        if self._providers.claude_code is not None:
            try:
                self._login = await run_in_daemon_thread(
                    self._providers.claude_code.find_login, LOGIN_TIMEOUT
                )
            except TimeoutError:
                self._login = NoLogin(LoginError.UNREADABLE, "looking for the login took too long")
            self._update_login_slot(self._login)

    async def connect_slot(
        self, session: Session, cookies: Cookies, look: ProfileScan | None = None
    ) -> SessionSlot:
        """A seat for a session, with a connection of its own; not yet among the others."""
        agent = look.user_agent if look is not None else None
        connection = await asyncio.to_thread(self._providers.connect, session, cookies, agent)
        return self._build_slot(connection, cookies)

    def _handle_scan(self, look: ProfileScan) -> None:
        """A profile has been looked at: seat a new session at once, renew a known one."""
        if look.cookies is None:
            return
        known = self._find_slot(look.session)
        if known is not None:
            self._renew_slot(known, look)
        elif not any(_has_scanned_key(seat, look) for seat in self._list_browser_slots()):
            self._start_scanned(look)

    def _update_slots(self) -> None:
        """What only the whole tells: which session goes by a new name, which is a copy, which is gone."""
        looks = [look for look in self._scanner.scans if look.cookies is not None]
        names = {look.session for look in looks}
        for look in looks:
            if self._find_slot(look.session) is not None:
                continue
            nameless = (seat for seat in self._list_browser_slots() if seat.session not in names)
            renamed = next((seat for seat in nameless if _has_scanned_key(seat, look)), None)
            if renamed is not None:
                self._scheduler.rename(renamed, look.session)
            else:
                self._start_scanned(look)
        for seat in self._list_browser_slots():
            if self._scanner.has_lost_session(seat.session):
                self._scheduler.remove(seat)

    def _update_login_slot(self, login: LoginResult) -> None:
        """Claude Code's login came or went; one that is only out of date keeps its seat."""
        seat = self._find_slot(CLAUDE_CODE_LOGIN)
        if isinstance(login, Login) and seat is None:
            self._start_task(CLAUDE_CODE_LOGIN, self._add_login_slot())
        if isinstance(login, NoLogin) and login.error is LoginError.NO_LOGIN and seat is not None:
            self._scheduler.remove(seat)

    def _start_scanned(self, look: ProfileScan) -> None:
        if look.cookies is not None:
            self._start_task(look.session, self._add_session_slot(look.session, look.cookies, look))

    def _start_task(self, session: Session, work: Coroutine[None, None, None]) -> None:
        """Seat a session in a task of its own, once."""
        if session in self._scheduler.pending_sessions:
            work.close()
            return
        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._scheduler.pending_sessions.add(session)
        self._tasks.create_task(work)

    async def _add_session_slot(self, session: Session, cookies: Cookies, look: ProfileScan | None) -> None:
        seat = await self.connect_slot(session, cookies, look)
        seat.expires = look.expires if look is not None else None
        self._scheduler.add(seat)

    async def _add_login_slot(self) -> None:
        assert self._providers.claude_code is not None  # noqa: S101 - for the type checker
        source = await asyncio.to_thread(self._providers.claude_code.connect)
        interval = getattr(source, "interval", self._interval)
        self._scheduler.add(
            SessionSlot(source, self._scheduler.election, interval=interval, is_last_resort=True)
        )

    def _build_slot(self, connection: SessionConnection, cookies: Cookies) -> SessionSlot:
        async def look_again() -> Cookies | None:
            look = await self._scanner.scan_session(seat.session)
            seat.expires = look.expires if look is not None else seat.expires
            return look.cookies if look is not None else None

        lasting = RenewableSession(cookies, connection, look_again, self._clock.now)
        seat = SessionSlot(lasting, self._scheduler.election, interval=self._interval)
        return seat

    def _renew_slot(self, seat: SessionSlot, look: ProfileScan) -> None:
        seat.expires = look.expires
        lasting = seat.source
        if look.cookies is not None and isinstance(lasting, RenewableSession) and lasting.renew(look.cookies):
            self._scheduler.relearn_account(seat)

    def _find_slot(self, session: Session) -> SessionSlot | None:
        return next((seat for seat in self._scheduler.slots if seat.session == session), None)

    def _list_browser_slots(self) -> list[SessionSlot]:
        """The seats of sessions that browsers hold."""
        return [seat for seat in self._scheduler.slots if self._scanner.covers_session(seat.session)]


def _has_scanned_key(seat: SessionSlot, look: ProfileScan) -> bool:
    """Whether a seat reads with the session that a look found."""
    source = seat.source
    return (
        look.cookies is not None
        and isinstance(source, RenewableSession)
        and source.has_same_key(look.cookies)
    )
