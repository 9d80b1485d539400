"""The cookies of one session: the key to someone's account, hidden from everything that prints."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SESSION_KEY = "sessionKey"
"""The cookie that is the credential; the others only travel with it."""


def belongs(domain: str, host: str) -> bool:
    """Whether a cookie of this domain is the host's own, or of a host below it."""
    return domain.lstrip(".") == host or domain.endswith(f".{host}")


class BadCookieError(ValueError):
    """What was given is no Cookie header and no session key. Its text names no part of it."""


class Cookies:
    """Names and values as the browser holds them. Nothing but `reveal` shows a value."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Keep the pairs; of two with one name the last one counts."""
        self._pairs = tuple(dict(pairs).items())

    @classmethod
    def parse(cls, text: str) -> Cookies:
        """Read a whole Cookie header, with or without its name, or a bare `sessionKey` value.

        Raises:
            BadCookieError: it is empty, holds a character that no cookie can, or has no session key.
        """
        header = text.strip().removeprefix("Cookie:").removeprefix("cookie:").strip()
        if not header:
            raise BadCookieError("it is empty")
        if not all("!" <= char <= "~" or char == " " for char in header):
            raise BadCookieError("it holds a line break or a character that no cookie can hold")
        if "=" not in header and ";" not in header:
            return cls([(SESSION_KEY, header)])
        parts = (part.strip().partition("=") for part in header.split(";"))
        cookies = cls((name.strip(), value.strip()) for name, _, value in parts if name.strip())
        if not cookies.has_key:
            raise BadCookieError(
                "it has no sessionKey; copy the whole Cookie header, or the key's value alone"
            )
        return cookies

    @classmethod
    def from_netscape(cls, path: Path, hosts: Iterable[str]) -> Cookies:
        """Read a cookie file in Netscape's format: what it holds for these hosts and their subdomains.

        Raises:
            BadCookieError: it is not in that format, or has no session key for them.
        """
        from http.cookiejar import LoadError, MozillaCookieJar  # noqa: PLC0415 - slow, and rarely needed

        jar, wanted = MozillaCookieJar(path), tuple(hosts)
        try:
            jar.load(ignore_discard=True, ignore_expires=True)
        except LoadError:
            raise BadCookieError("it is neither a Cookie header nor a Netscape cookie file") from None
        mine = [cookie for cookie in jar if any(belongs(cookie.domain, host) for host in wanted)]
        cookies = cls((cookie.name, cookie.value) for cookie in mine if cookie.value)
        if not cookies.has_key:
            raise BadCookieError(f"it has no sessionKey for {wanted[0]}")
        return cookies

    @property
    def has_key(self) -> bool:
        """Whether there is a session key with a value."""
        return any(name == SESSION_KEY and value for name, value in self._pairs)

    def key_only(self) -> Cookies:
        """The session key without the rest of the jar."""
        return Cookies((name, value) for name, value in self._pairs if name == SESSION_KEY)

    def reveal(self) -> tuple[tuple[str, str], ...]:
        """The plain pairs, for the one place that puts them into the client's jar."""
        return self._pairs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cookies) and self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"Cookies({len(self._pairs)})"
