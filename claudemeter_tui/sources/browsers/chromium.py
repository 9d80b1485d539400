"""Sessions of the Chromium family: what is there is asked first, then browser_cookie3 decrypts it.

The first question needs no key, so a profile without a session wakes no keyring and no password
dialog, and tells what the library cannot: which encryption was used, and why an empty value is empty.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from claudemeter_tui.sources.browsers import database, jar
from claudemeter_tui.sources.browsers.jar import Cookie
from claudemeter_tui.sources.browsers.outcome import Look, Outcome
from claudemeter_tui.sources.browsers.profiles import Profile
from claudemeter_tui.sources.browsers.session import look_at, signed_out
from claudemeter_tui.sources.cookies import SESSION_KEY

APP_BOUND = b"v20"
"""How Chrome 127 and later encrypts on Windows: no other program can read it."""
KEYRING = b"v11"
"""Encrypted with a key in the system's keyring, on Linux."""
_BUS = "DBUS_SESSION_BUS_ADDRESS"
_NO_BUS = "tcp:host=127.0.0.1,port=1"
"""An address of a kind that the library's D-Bus client refuses in the way that makes it go on without."""
_QUERY = """SELECT CAST(name AS TEXT), substr(CAST(encrypted_value AS BLOB), 1, 3) FROM cookies
    WHERE host_key = ? OR host_key LIKE ?"""
_environment = threading.Lock()


@dataclass(frozen=True, slots=True)
class Entry:
    """A cookie as it lies in the database, without its value."""

    name: str
    prefix: bytes
    """The kind of encryption; empty for a plain value."""


def read(profile: Profile) -> list[Look]:
    """What the profile holds, at most one session.

    Raises:
        OSError: the database cannot be read.
        UnreadableError: it is none.
    """
    stored = database.rows(profile.file, _QUERY, _entry, jar.DOMAIN, f"%.{jar.DOMAIN}")
    prefixes = {entry.prefix for entry in stored if entry.name == SESSION_KEY}
    if not prefixes:
        return [signed_out(profile, visited=bool(stored))]
    if prefixes == {APP_BOUND}:
        words = "it locks its cookies to itself (app-bound encryption): use Firefox, or paste the cookie"
        return [look_at(profile, Outcome.UNSUPPORTED, words)]
    return [_decrypted(profile, prefixes)]


def _decrypted(profile: Profile, prefixes: set[bytes]) -> Look:
    try:
        found = _load(profile)
        cookies, expires = jar.cookies(found), jar.expiry(found)
    except Exception as error:  # noqa: BLE001 - browser_cookie3 raises anything, with anything in it
        return look_at(profile, *_said(error, prefixes))
    if not cookies.has_key:
        return look_at(profile, Outcome.UNDECRYPTABLE, _undecryptable(prefixes))
    return look_at(profile, Outcome.FOUND, cookies=cookies, expires=expires)


def _load(profile: Profile) -> tuple[Cookie, ...]:
    """What browser_cookie3 makes of the profile; what it returns of other sites is dropped at once."""
    reader = _reader(profile)
    return tuple(
        Cookie(cookie.domain, cookie.name, cookie.value or "", jar.moment(cookie.expires))
        for cookie in reader.load()
        if jar.ours(cookie.domain)
    )


def _reader(profile: Profile) -> Any:
    """The library's reader, its key already fetched.

    It asks the session bus for a key even where none is needed, and fails where there is no bus.
    """
    import browser_cookie3  # noqa: PLC0415 - 75 ms, and only a reader's thread needs it

    def build() -> Any:
        return getattr(browser_cookie3, profile.browser.reader)(
            cookie_file=str(profile.file.absolute()),
            domain_name=jar.DOMAIN,
            key_file=str(profile.key_file.absolute()),
        )

    if sys.platform in ("darwin", "win32"):
        return build()
    if _bus():
        with suppress(Exception):  # anything, where nobody answers at the address
            return build()
    with _without_bus():
        return build()


def _bus() -> str | None:
    """The session bus's address; None where there is none."""
    with _environment:
        return os.environ.get(_BUS)


@contextmanager
def _without_bus() -> Iterator[None]:
    """As if no keyring were there. The environment belongs to the whole process: one at a time."""
    with _environment:
        before = os.environ.get(_BUS)
        os.environ[_BUS] = _NO_BUS
        try:
            yield
        finally:
            if before is None:
                del os.environ[_BUS]
            else:
                os.environ[_BUS] = before


def _said(error: Exception, prefixes: set[bytes]) -> tuple[Outcome, str]:
    """What an error of the library means. Its text is not shown: it may quote anything."""
    kind = type(error).__name__
    if isinstance(error, sqlite3.OperationalError) or "read database file" in str(error):
        return Outcome.LOCKED, "its cookie database is in use: look again in a moment"
    if kind in ("BrowserCookieError", "UnicodeDecodeError", "AssertionError"):
        return Outcome.UNDECRYPTABLE, _undecryptable(prefixes)
    return Outcome.UNREADABLE, f"browser_cookie3 failed ({kind})"


def _undecryptable(prefixes: set[bytes]) -> str:
    if KEYRING in prefixes and not _bus():
        return "its key is in the keyring, and there is no D-Bus session here: start this from the desktop"
    if KEYRING in prefixes:
        return "the keyring gave no key that fits: unlock it and look again"
    if sys.platform == "darwin":
        return "the keychain gave no key that fits: allow the access and look again"
    return "its cookies are encrypted in a way that cannot be undone here"


def _entry(name: str, prefix: bytes | None) -> Entry:
    return Entry(name, prefix or b"")
