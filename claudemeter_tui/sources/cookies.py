"""The cookies of one session: the key to someone's account, hidden from everything that prints."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, SupportsIndex

SESSION_KEY = "sessionKey"
"""The cookie that is the credential; the others only travel with it."""


def belongs(domain: str, host: str) -> bool:
    """Whether a cookie of this domain is the host's own, or of a host below it."""
    return domain.lstrip(".") == host or domain.endswith(f".{host}")


class BadCookieError(ValueError):
    """What was given is no Cookie header and no session key. Its text names no part of it."""


_HEADER_NAME = re.compile(r"^cookie:\s*", re.IGNORECASE)
_COMMENT = re.compile(r"\s*[#$](?!HttpOnly_)")


class Cookies:
    """Names and values as the browser holds them. Nothing but `reveal` shows a value."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Keep the pairs that a header can hold; of two with one name the last one counts."""
        self._pairs = tuple(dict(pair for pair in pairs if _fits(*pair)).items())

    @classmethod
    def parse(cls, text: str) -> Cookies:
        """Read a whole Cookie header, with or without its name, or a bare `sessionKey` value.

        Raises:
            BadCookieError: it is empty, holds a character that no cookie can, or has no session key.
        """
        header = _HEADER_NAME.sub("", text.removeprefix("\ufeff").strip())
        if not header:
            raise BadCookieError("it is empty")
        if not all("!" <= char <= "~" or char == " " for char in header):
            raise BadCookieError("it holds a line break or a character that no cookie can hold")
        if "=" not in header and ";" not in header:
            return cls([(SESSION_KEY, header)])
        parts = (part.strip().partition("=") for part in header.split(";"))
        cookies = cls((name.strip(), value.strip()) for name, _, value in parts)
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
        wanted = tuple(hosts)
        lines = path.read_text("utf-8-sig").split("\n")
        rows = [_row(line) for line in lines if line.strip() and not _COMMENT.match(line)]
        cookies = cls(
            (name, value)
            for domain, name, value in rows
            if value and any(belongs(domain, host) for host in wanted)
        )
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

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("Cookies are kept in memory only")

    def __repr__(self) -> str:
        return f"Cookies({len(self._pairs)})"


def _fits(name: str, value: str) -> bool:
    """Whether a Cookie header can hold it: browsers' files can hold more."""
    apart = not any(mark in name for mark in "=; ") and ";" not in value
    return bool(name) and apart and name.isprintable() and value.isprintable()


def _row(line: str) -> tuple[str, str, str]:
    """Domain, name and value of a line of a Netscape file; read here because the library quotes a bad one."""
    fields = line.rstrip("\r").removeprefix("#HttpOnly_").split("\t")
    if len(fields) not in (6, 7):  # An editor may have cut off the last tab and the empty value after it.
        raise BadCookieError("it is neither a Cookie header nor a Netscape cookie file")
    return fields[0].lower(), fields[5], (*fields, "")[6]
