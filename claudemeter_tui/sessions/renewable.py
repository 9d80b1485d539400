"""The providers of sessions, and the cookies of a session that the browser may renew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from claudemeter_tui.model.reading import ErrorKind, LoginResult, ProfileScan, Session
from claudemeter_tui.model.secrets import SESSION_KEY, Cookies
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
    """The texts of `--browser`, each with the name of its browser. Empty means all browsers."""
    searched_places: str = ""
    """Text for the user: which browsers are searched for, and where."""


@dataclass(frozen=True, slots=True)
class SessionConnection:
    """Connection of one session to the server. Its `repr` shows no cookie."""

    source: SessionSource
    set_cookies: Callable[[Cookies], None]
    """Send these cookies from now on, and no others."""
    get_cookies: Callable[[], Cookies]
    """Return the cookies that are sent now, with the changes that the server made."""


@dataclass(frozen=True, slots=True)
class ClaudeCodeProvider:
    """Access to the login of Claude Code."""

    find_login: Callable[[], LoginResult]
    """Look for the login; slow."""
    connect: Callable[[], SessionSource]
    """Build a source that reads with the login; slow."""


@dataclass(frozen=True, slots=True)
class SessionProviders:
    """Access to everything that can provide sessions."""

    connect: Callable[[Session, Cookies, str | None], SessionConnection]
    """Connect with a session's cookies and the User-Agent of its browser; slow."""
    browsers: BrowserProvider | None = None
    """None if no browser is scanned."""
    claude_code: ClaudeCodeProvider | None = None
    """None if the login of Claude Code is not used."""
    given_session: tuple[Session, Cookies] | None = None
    """Session that the user provided, which is then the only one. None if there is none."""


RESCAN_INTERVAL = timedelta(minutes=1)
"""Time between two scans of a browser whose session has expired."""


class RenewableSession:
    """Cookies of one session, which the browser may renew.

    If the server reports an expired session, the browser is scanned again. If the browser still holds the
    same key, that key is sent once more without the other cookies. After that the server gets no request
    until the browser holds another key or the user asks for one.
    """

    def __init__(
        self,
        cookies: Cookies,
        connection: SessionConnection,
        scan_profile: Callable[[], Awaitable[Cookies | None]],
    ) -> None:
        """Send `cookies` through `connection`; `scan_profile` returns what the browser holds now."""
        self._browser_cookies = self._applied_cookies = cookies
        self._connection = connection
        self._scan_profile = scan_profile
        self._sends_key_only = False
        self._refused_key: Cookies | None = None

    @property
    def is_refused(self) -> bool:
        """True if the server refused the browser's key and no one has asked to try it again."""
        return self._refused_key is not None and self.has_same_key(self._refused_key)

    def has_same_key(self, cookies: Cookies) -> bool:
        """Return True if the browser held the same session key at its last scan."""
        return cookies.select_session_key() == self._browser_cookies.select_session_key()

    def renew(self, cookies: Cookies) -> bool:
        """Use the browser's `cookies` from the next poll on; return True if their key is a new one."""
        is_other = not self.has_same_key(cookies)
        self._browser_cookies = cookies
        return is_other

    def allow_retry(self) -> None:
        """Let the next poll send requests again, even with a refused key."""
        self._refused_key = None

    async def prepare(self, error_kind: ErrorKind | None) -> None:
        """Apply the browser's cookies before a poll.

        After an error that the user fixes in the browser (a login, Cloudflare's check), scan it first.
        """
        self._apply_cookies()
        if error_kind in (ErrorKind.EXPIRED, ErrorKind.CHALLENGE):
            await self._rescan()

    async def try_other_cookies(self) -> bool:
        """Switch to another key or to the key alone; return False if the server refused everything."""
        if await self._rescan():
            return True
        present = self._connection.get_cookies()
        if self._sends_key_only or all(name == SESSION_KEY for name, _ in present.reveal()):
            self._refused_key = self._browser_cookies.select_session_key()
            return False
        self._sends_key_only = True
        self._connection.set_cookies(present.select_session_key())
        return True

    async def _rescan(self) -> bool:
        """Scan the browser and apply its cookies; return True if it holds another session."""
        cookies = await self._scan_profile()
        is_other = cookies is not None and self.renew(cookies)
        self._apply_cookies()
        return is_other

    def _apply_cookies(self) -> None:
        """Send the browser's cookies if they have changed; never called within a poll's requests.

        The key of the same session stays as the server has rotated it. The other cookies are the
        browser's: they may contain a new clearance from Cloudflare.
        """
        before, self._applied_cookies = self._applied_cookies, self._browser_cookies
        if not self.has_same_key(before):
            self._sends_key_only = False
            self._connection.set_cookies(self._browser_cookies)
        elif before != self._browser_cookies and not self._sends_key_only:
            key = self._connection.get_cookies().select_session_key()
            self._connection.set_cookies(Cookies((*self._browser_cookies.reveal(), *key.reveal())))
