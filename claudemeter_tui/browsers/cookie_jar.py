"""Which cookies are claude.ai's, and the order in which those of one name count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from claudemeter_tui.model.secrets import SESSION_KEY, Cookies

CLAUDE_DOMAIN = "claude.ai"
_MIN_MILLISECONDS = 10**11
"""As seconds this would be the year 5138, as milliseconds it is 1973."""


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """One cookie of claude.ai or of a host below it."""

    host: str
    name: str
    value: str = field(repr=False)
    expires: datetime | None
    """None: it ends with the browser, or it is not known."""

    @property
    def is_usable(self) -> bool:
        """Whether the value is one that a cookie can have: a failed decryption leaves none, or noise."""
        return bool(self.value) and all("!" <= char <= "~" or char == " " for char in self.value)


def is_claude_host(host: str) -> bool:
    """Whether a cookie's host is claude.ai or below it."""
    return f".{host.lower()}".endswith(f".{CLAUDE_DOMAIN}")


def merge_cookies(found: Iterable[BrowserCookie]) -> Cookies:
    """The usable ones. Of one name the last counts: claude.ai's own, and the one that lives longest."""
    usable = (cookie for cookie in found if cookie.is_usable)
    return Cookies((cookie.name, cookie.value) for cookie in sorted(usable, key=_compute_precedence))


def find_expiry(found: Iterable[BrowserCookie]) -> datetime | None:
    """When the session key expires; None where that is not known."""
    keys = (cookie for cookie in found if cookie.name == SESSION_KEY and cookie.is_usable)
    last = max(keys, key=_compute_precedence, default=None)
    return last.expires if last else None


def parse_timestamp(seconds: float | None) -> datetime | None:
    """Seconds since 1970, or milliseconds (Firefox 142 and later), as a time; None for what is none."""
    if not seconds or seconds < 0:
        return None
    try:
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _MIN_MILLISECONDS else seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _compute_precedence(cookie: BrowserCookie) -> tuple[bool, float]:
    return cookie.host.lstrip(
        "."
    ).lower() == CLAUDE_DOMAIN, cookie.expires.timestamp() if cookie.expires else 0.0
