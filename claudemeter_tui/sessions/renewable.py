"""The providers of sessions, and a session that expires, is looked for again and continues."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Session
from claudemeter_tui.model.secrets import SESSION_KEY, Cookies
from claudemeter_tui.model.session import LoginResult, ProfileScan
from claudemeter_tui.sessions.poller import SessionSource

ScanBrowsers = Callable[[Collection[str], Callable[[ProfileScan], None]], Awaitable[tuple[ProfileScan, ...]]]
"""Scan the browsers or profiles of these names (none means all); emit each result as soon as it is there."""


@dataclass(frozen=True, slots=True)
class BrowserProvider:
    """Browsers that can be scanned for sessions."""

    scan: ScanBrowsers
    names: tuple[str, ...]
    """All browsers that can be scanned, in the order in which their results are shown."""
    guarded: frozenset[str] = frozenset()
    """Browsers whose scan may open a password dialog: scanned only if the user asks."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """The texts of `--browser`, each with the name of its browser. Empty means all browsers."""
    searched_places: str = ""
    """Words for people: which browsers are looked for, and where."""


@dataclass(frozen=True, slots=True)
class SessionConnection:
    """One session's way to the server. It prints no cookie."""

    source: SessionSource
    set_cookies: Callable[[Cookies], None]
    """Send these cookies from now on, and no others."""
    get_cookies: Callable[[], Cookies]
    """What is sent now, with everything that the server has set anew since."""


@dataclass(frozen=True, slots=True)
class ClaudeCodeProvider:
    """Claude Code's login, found and read."""

    find_login: Callable[[], LoginResult]
    """Look for it; slow."""
    connect: Callable[[], SessionSource]
    """A source that reads with it; slow."""


@dataclass(frozen=True, slots=True)
class SessionProviders:
    """Where sessions come from."""

    connect: Callable[[Session, Cookies, str | None], SessionConnection]
    """Reach the server with a session's cookies, under the name of its browser; slow."""
    browsers: BrowserProvider | None = None
    """None if no browser is scanned."""
    claude_code: ClaudeCodeProvider | None = None
    """None: it is not used."""
    given_session: tuple[Session, Cookies] | None = None
    """A session given by hand, which then is the only one. None if none was given."""


RESCAN_INTERVAL = timedelta(minutes=1)
"""Between two looks at a browser whose session has expired."""


class RenewableSession:
    """A source that outlives the cookies it began with.

    When the server says that the session has expired, the browser is looked at again; where it
    still holds the same key, that key is tried without the rest of the jar, once. After that the
    server is left alone until the browser holds another key.
    """

    def __init__(
        self,
        cookies: Cookies,
        connection: SessionConnection,
        look_again: Callable[[], Awaitable[Cookies | None]],
        now: Callable[[], datetime],
    ) -> None:
        """Read through `connection`; `look_again` gives what the browser holds now, None for no session."""
        self.next_at: datetime | None = None
        """When to be polled next. None: as usual."""
        self._browser_cookies = cookies
        self._connection = connection
        self._source = connection.source
        self._rescan = look_again
        self._now = now
        self._has_newer_cookies = self._has_new_key = False
        self._sends_key_only = False
        self._expired = False
        self._challenged = False
        self._ignores_expiry = False

    @property
    def session(self) -> Session:
        """The browser and the profile."""
        return self._source.session

    @session.setter
    def session(self, session: Session) -> None:
        self._source.session = session

    def has_same_key(self, cookies: Cookies) -> bool:
        """Whether the browser had the same key when it was last looked at."""
        return cookies.select_session_key() == self._browser_cookies.select_session_key()

    def renew(self, cookies: Cookies) -> bool:
        """Use what the browser holds now, from the next poll on; gives whether that is another session."""
        another = not self.has_same_key(cookies)
        self._has_newer_cookies = self._has_newer_cookies or cookies != self._browser_cookies
        self._has_new_key = self._has_new_key or another
        self._browser_cookies = cookies
        return another

    def ignore_expiry_once(self) -> None:
        """Ask the server at the next poll, even where the key is known to have expired."""
        self._ignores_expiry = True

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once; while the session has expired, look at the browser instead."""
        self.next_at = None
        anyway, self._ignores_expiry = self._ignores_expiry, False
        self._apply_cookies()
        back = (self._expired or self._challenged) and await self._rescan_browser()
        if self._expired and not back and not anyway:
            self.next_at = self._now() + RESCAN_INTERVAL
            yield self._build_expired_reading()
            return
        async with aclosing(self._poll_with_retries(full=full or back)) as readings:
            async for reading in readings:
                yield reading

    async def aclose(self) -> None:
        """Close the connections."""
        await self._source.aclose()

    async def _poll_with_retries(self, *, full: bool) -> AsyncGenerator[Reading, None]:
        """A poll, and another one for each other way there is; what an expired one found is told last."""
        self._expired = self._challenged = False
        all_lost: list[Reading] = []
        while True:
            lost: list[Reading] = []
            async with aclosing(self._poll_source(lost, full=full)) as readings:
                async for reading in readings:
                    yield reading
            all_lost += lost
            if not any(map(_is_expired, lost)):
                all_lost = lost
                break
            if not await self._try_other_cookies():
                self._expired, self.next_at = True, self._now() + RESCAN_INTERVAL
                break
            full = True
        for reading in all_lost:
            yield reading

    async def _poll_source(self, lost: list[Reading], *, full: bool) -> AsyncGenerator[Reading, None]:
        """One poll of the source, without what an expired session made worthless: that is put aside."""
        async with aclosing(self._source.read(full=full)) as readings:
            async for reading in readings:
                if _is_expired(reading) or _is_empty(reading):
                    lost.append(reading)
                    continue
                if isinstance(reading.account, Failure):
                    self._challenged = reading.account.error_kind is ErrorKind.CHALLENGE
                    for before in lost:
                        yield before
                    lost.clear()
                yield reading

    async def _try_other_cookies(self) -> bool:
        """Whether there is anything left to try: another key, or the same one alone."""
        if await self._rescan_browser():
            return True
        present = self._connection.get_cookies()
        if self._sends_key_only or all(name == SESSION_KEY for name, _ in present.reveal()):
            return False
        self._sends_key_only = True
        self._connection.set_cookies(present.select_session_key())
        return True

    async def _rescan_browser(self) -> bool:
        """Whether the browser holds another session by now, which is used from here on."""
        cookies = await self._rescan()
        another = cookies is not None and self.renew(cookies)
        self._apply_cookies()
        return another

    def _apply_cookies(self) -> None:
        """Send what the browser holds, where that has changed: never in the middle of a poll.

        The key of the same session stays as the server has set it last; the rest of the jar is
        the browser's, with the pass that it may have got from Cloudflare.
        """
        stale, another = self._has_newer_cookies, self._has_new_key
        self._has_newer_cookies = self._has_new_key = False
        if another:
            self._sends_key_only = self._expired = False
            self._connection.set_cookies(self._browser_cookies)
        elif stale and not self._sends_key_only:
            key = self._connection.get_cookies().select_session_key()
            self._connection.set_cookies(Cookies((*self._browser_cookies.reveal(), *key.reveal())))

    def _build_expired_reading(self) -> Reading:
        now = self._now()
        return Reading(self.session, now, Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, now))


def _is_expired(reading: Reading) -> bool:
    return isinstance(reading.account, Failure) and reading.account.error_kind is ErrorKind.EXPIRED


def _is_empty(reading: Reading) -> bool:
    """Whether it tells of orgs that could not be asked any more."""
    return bool(reading.org_readings) and not any(report.parts for report in reading.org_readings)
