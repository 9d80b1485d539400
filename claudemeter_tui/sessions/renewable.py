"""The providers of sessions, and the cookies of a session that the browser may renew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.reading import ErrorKind, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.session_search import LoginResult, ProfileScan
from claudemeter_tui.sessions.poller import SessionSource


@dataclass(frozen=True, slots=True)
class BrowserProvider:
    """Browsers that can be scanned for sessions."""

    scan: Callable[[Collection[str], Callable[[ProfileScan], None]], Awaitable[tuple[ProfileScan, ...]]]
    """Scan the browsers or profiles of these names (none means all); emit each result once it is known."""
    names: tuple[str, ...]
    """All browsers that can be scanned, in the order in which their results are shown."""
    guarded: frozenset[str] = frozenset()
    """Browsers whose scan may open a password dialog: scanned only if the user asks."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """The values of `--browser`, each with the name of its browser. Empty means all browsers."""
    searched_places: str = ""
    """Text for the user: the browsers and folders that are searched."""
    ignored: tuple[Session, ...] = ()
    """Browsers and profiles that the settings ignore; the profile is empty for a whole browser."""


class SessionConnection(NamedTuple):
    """Connection of one session to the server. Its `repr` shows no cookie."""

    source: SessionSource
    set_cookies: Callable[[Cookies], None]
    """Send these cookies from now on, and no others."""
    get_cookies: Callable[[], Cookies]
    """Return the cookies that are sent now, with the changes that the server made."""
    ignore_key: Callable[[Cookies], None]
    """Never accept this session key from the server again."""


class ClaudeCodeProvider(NamedTuple):
    """Access to the login of Claude Code."""

    find_login: Callable[[], LoginResult]
    """Look for the login (slow)."""
    connect: Callable[[], SessionSource]
    """Build a source that reads with the login (slow)."""


class SessionProviders(NamedTuple):
    """Access to everything that can provide sessions."""

    connect: Callable[[Session, Cookies, str | None], SessionConnection]
    """Connect with a session's cookies and the User-Agent of its browser (slow)."""
    browsers: BrowserProvider | None = None
    """The browsers. None if no browser is scanned."""
    claude_code: ClaudeCodeProvider | None = None
    """The login of Claude Code. None if it is not used."""
    given_session: tuple[Session, Cookies] | None = None
    """Session that the user provided; it is then the only one. None if there is none."""
    given_source: SessionSource | None = None
    """Source without cookies that is then the only one: that of the browser extension's host."""
    find_hosts: Callable[[], Sequence[HostRecord]] | None = None
    """Return the hosts of the browser extension (blocks). None if none of them can be followed."""


RESCAN_INTERVAL = timedelta(minutes=1)
"""Time between two scans of a browser whose session has expired."""
RETRY_INTERVAL = timedelta(minutes=14)
"""Time after which a refused key is sent again; with the wait for the next scan, a quarter of an hour at
most.
"""


class RenewableSession:
    """Cookies of one session, which the browser may renew.

    If the server reports an expired session, the browser is scanned again. If it still holds the same keys,
    all other keys are tried: the browser's own key if the server has rotated it, the second key of a browser
    that holds two, and each key without the other cookies. After that the server gets no request until the
    browser holds another key, the user asks for a poll, or `RETRY_INTERVAL` is over.
    """

    def __init__(
        self,
        cookies: Cookies,
        connection: SessionConnection,
        scan_profile: Callable[[], Awaitable[Cookies | None]],
        now: Callable[[], datetime],
    ) -> None:
        """Send `cookies` through `connection`; `scan_profile` returns what the browser holds now."""
        self._browser_cookies = self._applied_cookies = cookies
        self._connection = connection
        self._scan_profile = scan_profile
        self._now = now
        self._sends_key_only = False
        self._untried: list[Cookies] | None = None
        """Cookies to try after those that were just refused. None before the first refusal of a poll."""
        self._refused_key: Cookies | None = None
        self._retry_span: tuple[datetime, datetime] | None = None
        """Time of the refusal, and time from which the key is sent again. None if the user asked for it."""

    @property
    def is_refused(self) -> bool:
        """True if the server refused the browser's key and it is too early to send it again."""
        if self._refused_key is None or self._retry_span is None:
            return False
        # A time before the refusal means that the clock was set back.
        refused_at, retry_at = self._retry_span
        return self.has_same_key(self._refused_key) and refused_at <= self._now() < retry_at

    def has_same_key(self, cookies: Cookies) -> bool:
        """Return True if the browser held the same session key at its last scan."""
        return cookies.select_session_key() == self._browser_cookies.select_session_key()

    def renew(self, cookies: Cookies) -> bool:
        """Use the browser's `cookies` from the next poll on; return True if their key is new."""
        is_other = not self.has_same_key(cookies)
        self._browser_cookies = cookies
        return is_other

    def allow_retry(self) -> None:
        """Let the next poll send requests again, even with a refused key."""
        self._retry_span = None

    async def prepare(self, error_kind: ErrorKind | None) -> None:
        """Apply the browser's cookies before a poll.

        After an error that the user fixes in the browser (a login, Cloudflare's check), scan it first. A
        refused key is sent as it was at first: with all cookies of the browser and none from the server.
        """
        self._untried = None
        self._apply_cookies()
        if error_kind in (ErrorKind.EXPIRED, ErrorKind.CHALLENGE):
            await self._rescan()
        if self._refused_key is not None and not self.is_refused:
            self._refused_key = None
            self._send(self._browser_cookies)

    async def try_other_cookies(self) -> bool:
        """Switch to other cookies of the session; return False if the server refused all of them."""
        if self._untried is None:
            if await self._rescan():
                return True
            self._untried = self._list_untried()
            sent_key = self._connection.get_cookies().select_session_key()
            if not self.has_same_key(sent_key):
                self._connection.ignore_key(sent_key)
        if not self._untried:
            now = self._now()
            self._refused_key = self._browser_cookies.select_session_key()
            self._retry_span = now, now + RETRY_INTERVAL
            return False
        self._send(self._untried.pop(0))
        return True

    def _list_untried(self) -> list[Cookies]:
        """Return the cookies to try: each key with the browser's other cookies, then each key alone."""
        sent_key = self._connection.get_cookies().select_session_key()
        keys = list(dict.fromkeys((sent_key, *self._browser_cookies.list_session_keys())))
        whole = [self._browser_cookies.replace_session_key(key) for key in keys]
        sent = sent_key if self._sends_key_only else whole[0]
        return [cookies for cookies in dict.fromkeys((*whole, *keys)) if cookies != sent]

    def _send(self, cookies: Cookies) -> None:
        self._sends_key_only = cookies == cookies.select_session_key()
        self._connection.set_cookies(cookies)

    async def _rescan(self) -> bool:
        """Scan the browser and apply its cookies; return True if it holds another session."""
        cookies = await self._scan_profile()
        is_other = cookies is not None and self.renew(cookies)
        self._apply_cookies()
        return is_other

    def _apply_cookies(self) -> None:
        """Send the browser's cookies if they have changed; never called during a poll's requests.

        If the session is the same, keep the key as the server has rotated it. Take all other cookies from the
        browser, because they may contain a new clearance from Cloudflare.
        """
        before, self._applied_cookies = self._applied_cookies, self._browser_cookies
        if not self.has_same_key(before):
            self._send(self._browser_cookies)
        elif before != self._browser_cookies and not self._sends_key_only:
            key = self._connection.get_cookies().select_session_key()
            self._connection.set_cookies(self._browser_cookies.replace_session_key(key))
