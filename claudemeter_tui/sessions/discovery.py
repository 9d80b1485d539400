"""Find sessions: new ones, renewed ones, renamed ones, and those that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import timedelta

from claudemeter_tui.browsers.folders import BROWSERS, BrowserFamily
from claudemeter_tui.browsers.profiles import BrowserFilter
from claudemeter_tui.clock import Clock, run_in_daemon_thread
from claudemeter_tui.formatting import problems
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, ScanResult, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session import Login, LoginError, LoginResult, NoLogin, ProfileScan, ScanOutcome
from claudemeter_tui.sessions.renewable import (
    RenewableSession,
    ScanBrowsers,
    SessionConnection,
    SessionProviders,
)
from claudemeter_tui.sessions.scheduler import PollScheduler, SessionSlot

SCANNED_BROWSERS = tuple(browser.name for browser in BROWSERS)
_INCONCLUSIVE = (ScanOutcome.TIMED_OUT, ScanOutcome.LOCKED, ScanOutcome.UNREADABLE, ScanOutcome.UNDECRYPTABLE)
"""Outcomes of a look that do not tell whether there is a session."""
_MAY_SHOW_DIALOG = (ScanOutcome.TIMED_OUT, ScanOutcome.UNDECRYPTABLE)
"""Outcomes behind which a password dialog may stand: such a browser is looked at only when a person asks."""


class BrowserScanner:
    """Looks at browsers, one look after the other, and keeps what the last ones gave."""

    def __init__(self, look: ScanBrowsers | None, wanted: Iterable[str], system: str) -> None:
        """Look by `look` at what is `wanted`, or at all; `system` is named as `sys.platform` does."""
        self._scan_browsers = look
        self._wanted = {text: BrowserFilter.parse(text).browser.name for text in wanted}
        self._guarded = frozenset(
            browser.name
            for browser in BROWSERS
            if system == "darwin" and browser.family is BrowserFamily.CHROMIUM
        )
        self._last: dict[str, tuple[ProfileScan, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def scans(self) -> list[ProfileScan]:
        """What the last look at each browser gave, browser by browser."""
        return [look for name in SCANNED_BROWSERS for look in self._last.get(name, ())]

    async def scan_all(self, tell: Callable[[ProfileScan], None], *, asked: bool) -> None:
        """Look at every browser, telling each look as it is done.

        Unless a person `asked` for it, those are left out that may put a dialog before somebody.
        """
        await self._scan_named(
            [name for name in SCANNED_BROWSERS if asked or not self._may_show_dialog(name)], tell
        )

    def covers_session(self, session: Session) -> bool:
        """Whether it is one of a browser that is looked at."""
        return self._scan_browsers is not None and session.browser in SCANNED_BROWSERS

    async def scan_session(self, session: Session) -> ProfileScan | None:
        """What the profile of a session holds now; None where it is not found, or looking may disturb."""
        if not self.covers_session(session) or self._has_shown_dialog(session.browser):
            return None
        await self._scan_named([session.browser], lambda _: None)
        looks = self._last.get(session.browser, ())
        return next((look for look in looks if look.session == session), None)

    def has_lost_session(self, session: Session) -> bool:
        """Whether its profile is not there any more, by the last look at its browser."""
        return not any(_concerns_session(look, session) for look in self._last.get(session.browser, ()))

    async def _scan_named(self, names: list[str], tell: Callable[[ProfileScan], None]) -> None:
        texts = [text for text, name in self._wanted.items() if name in names] if self._wanted else names
        if self._scan_browsers is None or not texts:
            return
        everything = not self._wanted and len(names) == len(SCANNED_BROWSERS)
        async with self._one_at_a_time:
            looks = await self._scan_browsers(() if everything else texts, tell)
        for name in names:
            ours = (look for look in looks if look.session.browser == name)
            self._last[name] = tuple(look for look in ours if self._is_reportable(look))

    def _is_reportable(self, look: ProfileScan) -> bool:
        """A browser that is not there is, if it was asked for."""
        return bool(self._wanted) or look.outcome is not ScanOutcome.NO_BROWSER

    def _may_show_dialog(self, name: str) -> bool:
        return name in self._guarded or self._has_shown_dialog(name)

    def _has_shown_dialog(self, name: str) -> bool:
        return any(look.outcome in _MAY_SHOW_DIALOG for look in self._last.get(name, ()))


def _concerns_session(look: ProfileScan, session: Session) -> bool:
    """Whether a look concerns the profile of a session: it names it, or the whole that it is a part of."""
    theirs, ours = look.session.profile, session.profile
    if look.session.browser != session.browser:
        return False
    return theirs == ours or ours.startswith(f"{theirs}, ") or (not theirs and look.outcome in _INCONCLUSIVE)


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
        if ways.scan_browsers is None
        else [ScanResult(ALL_BROWSERS, "none found", f"looked for {ways.searched_places}")]
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
    if trouble in problems.RENEWABLE_ERRORS:
        return ScanResult(session, trouble.value, f"{problems.describe_session_renewal(session)}.")
    return ScanResult(session, trouble.value, problems.PROBLEM_TEXTS[trouble].summary)


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
        self._scanner = BrowserScanner(ways.scan_browsers, ways.browser_filters, ways.system)
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
