"""Read sessions of the Chromium family: query the database first, then decrypt with browser_cookie3.

The query needs no key, so a profile without a session opens no keyring and no password dialog. It also yields
what the library hides: which encryption was used, and why a decrypted value is empty.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from claudemeter_tui.browsers import cookie_jar, sqlite_image
from claudemeter_tui.browsers.profiles import BrowserProfile, build_scan, build_signed_out_scan
from claudemeter_tui.model.secrets import SESSION_KEY
from claudemeter_tui.model.session_search import ProfileScan, ScanOutcome

APP_BOUND_PREFIX = b"v20"
"""Encryption of Chrome 127 and later on Windows (app-bound): no other program can decrypt it."""
KEYRING_PREFIX = b"v11"
"""Encryption with a key from the system keyring, on Linux."""
_BUS_VARIABLE = "DBUS_SESSION_BUS_ADDRESS"
_UNREACHABLE_BUS = "tcp:host=127.0.0.1,port=1"
"""An unsupported address: the library's D-Bus client then continues without an error and without a
keyring."""
# The first three bytes name the encryption. CAST: SQLite columns may hold any type, whatever the schema says.
_QUERY = """SELECT CAST(name AS TEXT), substr(CAST(encrypted_value AS BLOB), 1, 3) FROM cookies
    WHERE host_key = ? OR host_key LIKE ?"""
_environment_lock = threading.Lock()


def scan_chromium_profile(profile: BrowserProfile) -> list[ProfileScan]:
    """Return the scan of a profile, which holds at most one session.

    Raises:
        OSError: the database cannot be read.
        UnreadableDatabaseError: the file is not a cookie database.
    """
    # An unencrypted value has an empty prefix.
    stored = sqlite_image.query_database(
        profile.file, _QUERY, lambda name, prefix: (name, prefix or b""), *cookie_jar.HOST_PATTERNS
    )
    prefixes = {prefix for name, prefix in stored if name == SESSION_KEY}
    if not prefixes:
        return [build_signed_out_scan(profile, visited=bool(stored))]
    # browser_cookie3 returns an empty value for these, without an error; it does not mean "signed out".
    if prefixes == {APP_BOUND_PREFIX}:
        cure = "use the browser extension or Firefox"
        words = f"only the browser itself can decrypt its cookies (app-bound): {cure}"
        return [build_scan(profile, ScanOutcome.UNSUPPORTED, words)]
    try:
        claude_cookies = cookie_jar.select_claude_cookies(_open_reader(profile).load())
        cookies, expires = cookie_jar.merge_cookies(claude_cookies)
    except Exception as error:  # noqa: BLE001 - browser_cookie3 raises anything, with anything in it
        return [build_scan(profile, *_classify_error(error, prefixes))]
    if not cookies.has_session_key:
        return [build_scan(profile, ScanOutcome.UNDECRYPTABLE, _describe_undecryptable(prefixes))]
    return [build_scan(profile, ScanOutcome.FOUND, cookies=cookies, expires=expires)]


def _open_reader(profile: BrowserProfile) -> Any:
    """Return the library's reader with its key already fetched.

    The library asks the session bus for a key even if none is needed, and fails if there is no bus.
    """
    import browser_cookie3  # noqa: PLC0415 - 75 ms, and only a reader's thread needs it

    def build() -> Any:
        return getattr(browser_cookie3, profile.browser.reader_class)(
            cookie_file=str(profile.file.absolute()),
            domain_name=cookie_jar.CLAUDE_DOMAIN,
            key_file=str(profile.key_file.absolute()),
        )

    if sys.platform in ("darwin", "win32"):
        # macOS and Windows keep the key elsewhere, so the bus does not matter there.
        return build()
    if _read_bus_address():
        with suppress(Exception):  # any exception, if no service answers at the address
            return build()
    # Without a keyring the library uses Chromium's fixed key, which decrypts `v10` values.
    with _hide_bus():
        return build()


def _read_bus_address() -> str | None:
    """Return the address of the session bus; None if the environment names none."""
    with _environment_lock:
        return os.environ.get(_BUS_VARIABLE)


@contextmanager
def _hide_bus() -> Iterator[None]:
    """Pretend that there is no keyring.

    The environment belongs to the whole process, so only one thread at a time may change it.
    """
    with _environment_lock:
        before = os.environ.get(_BUS_VARIABLE)
        os.environ[_BUS_VARIABLE] = _UNREACHABLE_BUS
        try:
            yield
        finally:
            if before is None:
                del os.environ[_BUS_VARIABLE]
            else:
                os.environ[_BUS_VARIABLE] = before


def _classify_error(error: Exception, prefixes: set[bytes]) -> tuple[ScanOutcome, str]:
    """Return the outcome and the message for an error of the library, whose text may quote a secret."""
    kind = type(error).__name__
    # The library wraps some of SQLite's errors in its own type with this text.
    if isinstance(error, sqlite3.OperationalError) or "read database file" in str(error):
        return ScanOutcome.LOCKED, "cookie database in use: retry in a moment"
    # A wrong key gives random bytes, which the library reports in one of these ways.
    if kind in ("BrowserCookieError", "UnicodeDecodeError", "AssertionError"):
        return ScanOutcome.UNDECRYPTABLE, _describe_undecryptable(prefixes)
    return ScanOutcome.UNREADABLE, f"browser_cookie3 failed ({kind})"


def _describe_undecryptable(prefixes: set[bytes]) -> str:
    if KEYRING_PREFIX in prefixes and not _read_bus_address():
        return "the key is in the keyring, but there is no D-Bus session: start claudemeter from the desktop"
    if KEYRING_PREFIX in prefixes:
        return "no matching key in the keyring: unlock it and retry"
    if sys.platform == "darwin":
        return "no matching key in the keychain: allow access and retry"
    return "the cookies cannot be decrypted on this machine"
