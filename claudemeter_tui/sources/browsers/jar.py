"""Which cookies are claude.ai's, and in which order those of one name count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from claudemeter_tui.sources.cookies import SESSION_KEY, Cookies

DOMAIN = "claude.ai"
_MILLISECONDS_FROM = 10**11
"""As seconds this would be the year 5138, as milliseconds it is 1973."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie of claude.ai or of a host below it."""

    host: str
    name: str
    value: str = field(repr=False)
    expires: datetime | None
    """None: it ends with the browser, or it is not known."""

    @property
    def usable(self) -> bool:
        """Whether the value is one that a cookie can have: a failed decryption leaves none, or noise."""
        return bool(self.value) and all("!" <= char <= "~" or char == " " for char in self.value)


def ours(host: str) -> bool:
    """Whether a cookie's host is claude.ai or below it."""
    return f".{host.lower()}".endswith(f".{DOMAIN}")


def cookies(found: Iterable[Cookie]) -> Cookies:
    """The usable ones. Of one name the last counts: claude.ai's own, and the one that lives longest."""
    usable = (cookie for cookie in found if cookie.usable)
    return Cookies((cookie.name, cookie.value) for cookie in sorted(usable, key=_weight))


def expiry(found: Iterable[Cookie]) -> datetime | None:
    """When the session key expires; None where that is not known."""
    keys = (cookie for cookie in found if cookie.name == SESSION_KEY and cookie.usable)
    last = max(keys, key=_weight, default=None)
    return last.expires if last else None


def moment(seconds: float | None) -> datetime | None:
    """Seconds since 1970, or milliseconds (Firefox 142 and later), as a time; None for what is none."""
    if not seconds or seconds < 0:
        return None
    try:
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _weight(cookie: Cookie) -> tuple[bool, float]:
    return cookie.host.lstrip(".").lower() == DOMAIN, cookie.expires.timestamp() if cookie.expires else 0.0
