"""Select claude.ai's cookies, and order those that share a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import Cookie

from claudemeter_tui.model.secrets import SESSION_KEY, Cookies

CLAUDE_DOMAIN = "claude.ai"
HOST_PATTERNS = (CLAUDE_DOMAIN, f"%.{CLAUDE_DOMAIN}")
"""Parameters of a query for `= ? OR LIKE ?`: the host itself, and its subdomains or a leading dot."""
_MIN_MILLISECONDS = 10**11
"""The smallest number read as milliseconds: as seconds it is the year 5138, as milliseconds 1973."""


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """A cookie of claude.ai or of one of its subdomains."""

    host: str
    name: str
    value: str = field(repr=False)
    expires: datetime | None
    """Expiry of the cookie. None if it ends with the browser, or is not known."""

    @property
    def is_usable(self) -> bool:
        """True if a cookie can have this value; a failed decryption gives an empty value or random bytes."""
        return bool(self.value) and all("!" <= char <= "~" or char == " " for char in self.value)

    @property
    def precedence(self) -> tuple[bool, float]:
        """Rank among cookies of one name; the highest wins: claude.ai's own, then the longest-lived one."""
        is_own = self.host.lstrip(".").lower() == CLAUDE_DOMAIN
        return is_own, self.expires.timestamp() if self.expires else 0.0


def is_claude_host(host: str) -> bool:
    """True if a cookie's host is claude.ai or one of its subdomains."""
    return f".{host.lower()}".endswith(f".{CLAUDE_DOMAIN}")


def select_claude_cookies(cookies: Iterable[Cookie]) -> tuple[BrowserCookie, ...]:
    """Return those of browser_cookie3's cookies that belong to claude.ai.

    Cookies of other sites are dropped: the library filters by substring and returns `notclaude.ai` too.
    """
    return tuple(
        BrowserCookie(cookie.domain, cookie.name, cookie.value or "", parse_timestamp(cookie.expires))
        for cookie in cookies
        if is_claude_host(cookie.domain)
    )


def merge_cookies(cookies: Iterable[BrowserCookie]) -> tuple[Cookies, datetime | None]:
    """Return the usable cookies, one of each name, and the expiry of the session key; None if not known."""
    # `sessionKey` can exist twice, for `claude.ai` and `.claude.ai`. The last one is tried first.
    usable = sorted((entry for entry in cookies if entry.is_usable), key=lambda entry: entry.precedence)
    expiries = [entry.expires for entry in usable if entry.name == SESSION_KEY]
    merged = Cookies.from_jar((entry.name, entry.value) for entry in usable)
    return merged, expiries[-1] if expiries else None


def parse_timestamp(seconds: float | None) -> datetime | None:
    """Return the time for seconds or milliseconds (Firefox 142 and later) since 1970; None if invalid."""
    if not seconds or seconds < 0:
        return None
    try:
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _MIN_MILLISECONDS else seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
