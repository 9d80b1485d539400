"""Secrets that nothing prints, and the one origin that cookies are sent to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn, SupportsIndex
from urllib.parse import urlsplit


class Secret:
    """A token, or a text that holds one. Nothing but `reveal` shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep the text."""
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends or parses it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret()"


CLAUDE_AI_ORIGIN = "https://claude.ai"
_HOST_NAME = re.compile(r"(?=.*[a-z])([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")


class BadOriginError(ValueError):
    """An address that cookies must not be sent to. Its text says why."""


def parse_origin(url: str) -> str:
    """The origin of `--base-url`: https anywhere, http only to this machine.

    Raises:
        BadOriginError: it is neither, or holds more than scheme, host and port.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadOriginError("it is not a web address") from None
    if parts.scheme not in ("http", "https") or not _is_host(host) or port == 0:
        raise BadOriginError("it must look like https://host or http://127.0.0.1:PORT")
    if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadOriginError("it must be scheme, host and port only")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadOriginError("plain http would show the session cookie to the network; use https")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def _is_host(host: str) -> bool:
    """Whether it is a name of ASCII letters, or an address; a zone or another script is none."""
    try:
        ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return "%" not in host


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SESSION_KEY = "sessionKey"
"""The cookie that is the credential; the others only travel with it."""


def matches_host(domain: str, host: str) -> bool:
    """Whether a cookie of this domain is the host's own, or of a host below it."""
    return domain.lstrip(".") == host or domain.endswith(f".{host}")


class BadCookieError(ValueError):
    """What was given is no Cookie header and no session key. Its text names no part of it."""


_HEADER_PREFIX = re.compile(r"^cookie:\s*", re.IGNORECASE)
_COMMENT = re.compile(r"\s*[#$](?!HttpOnly_)")


class Cookies:
    """Names and values as the browser holds them. Nothing but `reveal` shows a value."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Keep the pairs that a header can hold; of two with one name the last one counts."""
        self._pairs = tuple(dict(pair for pair in pairs if _fits_header(*pair)).items())

    @classmethod
    def parse(cls, text: str) -> Cookies:
        """Read a whole Cookie header, with or without its name, or a bare `sessionKey` value.

        Raises:
            BadCookieError: it is empty, holds a character that no cookie can, or has no session key.
        """
        header = _HEADER_PREFIX.sub("", text.removeprefix("\ufeff").strip())
        if not header:
            raise BadCookieError("it is empty")
        if not all("!" <= char <= "~" or char == " " for char in header):
            raise BadCookieError("it holds a line break or a character that no cookie can hold")
        if "=" not in header and ";" not in header:
            return cls([(SESSION_KEY, header)])
        parts = (part.strip().partition("=") for part in header.split(";"))
        cookies = cls((name.strip(), value.strip()) for name, _, value in parts)
        if not cookies.has_session_key:
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
        rows = [_parse_netscape_row(line) for line in lines if line.strip() and not _COMMENT.match(line)]
        cookies = cls(
            (name, value)
            for domain, name, value in rows
            if value and any(matches_host(domain, host) for host in wanted)
        )
        if not cookies.has_session_key:
            raise BadCookieError(f"it has no sessionKey for {wanted[0]}")
        return cookies

    @property
    def has_session_key(self) -> bool:
        """Whether there is a session key with a value."""
        return any(name == SESSION_KEY and value for name, value in self._pairs)

    def select_session_key(self) -> Cookies:
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


def _fits_header(name: str, value: str) -> bool:
    """Whether a Cookie header can hold it: browsers' files can hold more."""
    apart = not any(mark in name for mark in "=; ") and ";" not in value
    return bool(name) and apart and name.isprintable() and value.isprintable()


def _parse_netscape_row(line: str) -> tuple[str, str, str]:
    """Domain, name and value of a line of a Netscape file; read here because the library quotes a bad one."""
    fields = line.rstrip("\r").removeprefix("#HttpOnly_").split("\t")
    if len(fields) not in (6, 7):  # An editor may have cut off the last tab and the empty value after it.
        raise BadCookieError("it is neither a Cookie header nor a Netscape cookie file")
    return fields[0].lower(), fields[5], (*fields, "")[6]
