"""Secrets that are never printed, and the one origin that receives the cookies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn, SupportsIndex
from urllib.parse import urlsplit


class Secret:
    """A token, or a text that contains one. Only `reveal` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep the text."""
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one place that sends or parses it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret()"


CLAUDE_AI_ORIGIN = "https://claude.ai"
# Require a letter: digits and dots alone would be an address in a form that `ip_address` rejects.
_HOST_NAME = r"(?=.*[a-z])([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?"


class BadOriginError(ValueError):
    """Raised for an address that must not receive cookies. The text has the reason."""


def parse_origin(url: str) -> str:
    """Return the origin of `--base-url`: https to any host, http only to this machine.

    Raises:
        BadOriginError: the URL is neither, or contains more than scheme, host and port.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        # Do not chain the exception: its text quotes the address, which may contain a password.
        raise BadOriginError("it is not a web address") from None
    if parts.scheme not in ("http", "https") or not _is_host(host) or port == 0:
        raise BadOriginError("it must look like https://host or http://127.0.0.1:PORT")
    if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadOriginError("it must have only scheme, host and port")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadOriginError("plain http would expose the session cookie; use https")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def _is_host(host: str) -> bool:
    """True if the host is an ASCII name or an address; False for a zone or another script.

    Names in other scripts can imitate `claude.ai`.
    """
    try:
        ip_address(host)
    except ValueError:
        return re.fullmatch(_HOST_NAME, host) is not None
    return "%" not in host


def is_loopback(host: str) -> bool:
    """True if the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SESSION_KEY = "sessionKey"
"""The cookie that is the credential; the others only accompany it."""
KEY_PREFIX = "sk-ant-sid"
"""Beginning of every session key. A value after `sessionKey=` is accepted without it, in case it changes."""
_OTHER_KEYS = "sk-ant-"
"""Beginning of every key and token of Anthropic."""
EXPECTED = "expected a Cookie header with a sessionKey, or its value alone, which begins with sk-ant"
"""The form of a text with a session, for an error."""
LAST_ORG = "lastActiveOrg"
"""The cookie that names an org; replies contain the same value."""


def matches_host(domain: str, host: str) -> bool:
    """True if the cookie's domain is the host or one of its subdomains."""
    return domain.lstrip(".") == host or domain.endswith(f".{host}")


class BadCookieError(ValueError):
    """Raised if a text is neither a Cookie header nor a session key. The message quotes no part of it."""


_HEADER_PREFIX = r"(?i)^cookie:\s*"
# Netscape files mark an HttpOnly cookie with a prefix that looks like a comment.
_COMMENT = r"\s*[#$](?!HttpOnly_)"


class Cookies:
    """Names and values of cookies as the browser stores them. Only `reveal` returns a value."""

    __slots__ = ("_pairs", "_spare_keys")

    def __init__(self, pairs: Iterable[tuple[str, str]], spare_keys: Iterable[str] = ()) -> None:
        """Keep the pairs that are valid in a header; of several with one name, the last wins.

        `spare_keys` are other session keys, to try if the server refuses the one in the pairs.
        """
        self._pairs = tuple(dict(pair for pair in pairs if _fits_header(*pair)).items())
        self._spare_keys = tuple(spare_keys)

    @classmethod
    def from_jar(cls, pairs: Iterable[tuple[str, str]]) -> Cookies:
        """Keep the cookies of a jar, which can have two session keys: for the host and for its domain.

        The last key with a value is used, and the others are spare.
        """
        fitting = [pair for pair in pairs if _fits_header(*pair)]
        keys = dict.fromkeys(value for name, value in reversed(fitting) if name == SESSION_KEY and value)
        used = fitting + [(SESSION_KEY, key) for key in list(keys)[:1]]
        return cls(used, list(keys)[1:])

    @classmethod
    def parse(cls, text: str) -> Cookies:
        """Parse a whole Cookie header, with or without its name, or a bare `sessionKey` value.

        Raises:
            BadCookieError: the text is empty, has a character that no cookie can have, or has no session key.
        """
        # Windows editors put a byte order mark in front of a saved text.
        header = re.sub(_HEADER_PREFIX, "", text.removeprefix("\ufeff").strip())
        if not header:
            raise BadCookieError("it is empty")
        # A line break would start a new header.
        if not all("!" <= char <= "~" or char == " " for char in header):
            raise BadCookieError("it has a line break or a character that is not allowed in a cookie")
        if "=" not in header and ";" not in header:
            is_key = header.startswith(KEY_PREFIX)
            if not is_key or " " in header:
                is_other = header.startswith(_OTHER_KEYS) and not is_key
                kind = "an API key or another token, " if is_other else ""
                raise BadCookieError(f"it is {kind}not a session key; {EXPECTED}")
            return cls([(SESSION_KEY, header)])
        parts = (part.strip().partition("=") for part in header.split(";"))
        cookies = cls.from_jar((name.strip(), value.strip()) for name, _, value in parts)
        if not cookies.has_session_key:
            raise BadCookieError(f"it has no sessionKey; {EXPECTED}")
        return cookies

    @classmethod
    def from_netscape(cls, path: Path, hosts: Iterable[str]) -> Cookies:
        """Read the cookies of these hosts and their subdomains from a file in Netscape's format.

        Raises:
            BadCookieError: the file is not in that format, or has no session key for these hosts.
        """
        wanted = tuple(hosts)
        # Not splitlines: it also splits at control characters, which a damaged value may contain.
        lines = path.read_text("utf-8-sig").split("\n")
        rows = [_parse_netscape_row(line) for line in lines if line.strip() and not re.match(_COMMENT, line)]
        cookies = cls.from_jar(
            (name, value)
            for domain, name, value in rows
            if value and any(matches_host(domain, host) for host in wanted)
        )
        if not cookies.has_session_key:
            raise BadCookieError(f"it has no sessionKey for {wanted[0]}")
        return cookies

    @property
    def has_session_key(self) -> bool:
        """True if there is a session key with a value."""
        return any(name == SESSION_KEY and value for name, value in self._pairs)

    def select_session_key(self) -> Cookies:
        """Return the session key without the rest of the jar."""
        return Cookies((name, value) for name, value in self._pairs if name == SESSION_KEY)

    def drop_session_key(self) -> Cookies:
        """Return the jar without its session key."""
        return Cookies((name, value) for name, value in self._pairs if name != SESSION_KEY)

    def list_session_keys(self) -> tuple[Cookies, ...]:
        """Return every session key without the rest of the jar, the one in use first."""
        spare = (Cookies([(SESSION_KEY, key)]) for key in self._spare_keys)
        return (self.select_session_key(), *spare)

    def replace_session_key(self, key: Cookies) -> Cookies:
        """Return these cookies with the session key of the jar `key`, and without spare keys."""
        return Cookies((*self._pairs, *key.select_session_key().reveal()))

    def reveal(self) -> tuple[tuple[str, str], ...]:
        """Return the plain pairs, for the one place that puts them into the client's jar."""
        return self._pairs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cookies) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[object, ...]:
        return self._pairs, self._spare_keys

    # A pickle would contain the values.
    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("Cookies are kept in memory only")

    def __repr__(self) -> str:
        return f"Cookies({len(self._pairs)})"


def _fits_header(name: str, value: str) -> bool:
    """True if a Cookie header can contain the pair; a browser's file can contain more."""
    has_no_separator = not any(mark in name for mark in "=; ") and ";" not in value
    return bool(name) and has_no_separator and name.isprintable() and value.isprintable()


def _parse_netscape_row(line: str) -> tuple[str, str, str]:
    """Return domain, name and value of a line of a Netscape file.

    MozillaCookieJar is not used: its error messages quote the bad line, and so a value.
    """
    fields = line.rstrip("\r").removeprefix("#HttpOnly_").split("\t")
    if len(fields) not in (6, 7):  # An editor may have removed the trailing tab of an empty value.
        raise BadCookieError("it is neither a Cookie header nor a Netscape cookie file")
    return fields[0].lower(), fields[5], (*fields, "")[6]
