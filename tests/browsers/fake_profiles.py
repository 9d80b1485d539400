"""Browser profiles made for a test, laid out as the browsers do it."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path

from Cryptodome.Cipher import AES
from Cryptodome.Util.Padding import pad

LATER = 1_790_000_000
"""An expiry in seconds since 1970: 2026-09-21 14:13:20 UTC."""
BUILT_IN_KEY = "peanuts"
"""Password of `v10` on Linux, the same in every Chromium."""


@dataclass(frozen=True)
class Made:
    """One cookie to write into a profile."""

    value: str
    name: str = "sessionKey"
    host: str = ".claude.ai"
    expires: int = LATER
    prefix: bytes = b"v10"
    """Chromium: the kind of encryption; empty for a plain value."""
    password: str = BUILT_IN_KEY
    attributes: str = ""
    """Firefox: `originAttributes`."""


def chromium(root: Path, folder: str, cookies: Iterable[Made], *, name: str = "", version: int = 24) -> Path:
    """Write a profile of a Chromium browser and return its database file."""
    file = root / folder / "Cookies"
    file.parent.mkdir(parents=True, exist_ok=True)
    if name:
        _name(root / "Local State", folder, name)
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        made.execute("INSERT INTO meta VALUES ('version', ?)", (str(version),))
        made.execute(
            "CREATE TABLE cookies (host_key TEXT, path TEXT, is_secure INTEGER, expires_utc INTEGER,"
            " name TEXT, value TEXT, encrypted_value BLOB, is_httponly INTEGER)"
        )
        for each in cookies:
            made.execute(
                "INSERT INTO cookies VALUES (?, '/', 1, ?, ?, ?, ?, 1)",
                (
                    each.host,
                    (each.expires + 11_644_473_600) * 1_000_000 if each.expires else 0,
                    each.name,
                    "" if each.prefix else each.value,
                    encrypted(each, version) if each.prefix else b"",
                ),
            )
    return file


def encrypted(made: Made, version: int) -> bytes:
    """Encrypt a value as Chromium on Linux does."""
    key = pbkdf2_hmac("sha1", made.password.encode(), b"saltysalt", 1, 16)
    bound = sha256(made.host.encode()).digest() if version >= 24 else b""
    cipher = AES.new(key, AES.MODE_CBC, b" " * 16)
    return made.prefix + cipher.encrypt(pad(bound + made.value.encode(), 16))


def _name(local_state: Path, folder: str, name: str) -> None:
    state = json.loads(local_state.read_text()) if local_state.exists() else {"profile": {"info_cache": {}}}
    state["profile"]["info_cache"][folder] = {
        "name": name,
        "is_using_default_name": name.startswith("Person"),
    }
    local_state.write_text(json.dumps(state))


def firefox(folder: Path, cookies: Iterable[Made], *, milliseconds: bool = True) -> Path:
    """Write a profile of a closed Firefox and return its database file."""
    with open_firefox(folder, cookies, milliseconds=milliseconds):
        pass
    return folder / "cookies.sqlite"


@contextmanager
def open_firefox(
    folder: Path, cookies: Iterable[Made], *, milliseconds: bool = True
) -> Iterator[sqlite3.Connection]:
    """Write a profile of an open Firefox: the cookies are in the write-ahead log only."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "cookies.sqlite", check_same_thread=False)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA wal_autocheckpoint = 0")
        with made:
            made.execute(
                "CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, host TEXT, name TEXT, value TEXT,"
                " expiry INTEGER, originAttributes TEXT NOT NULL DEFAULT '')"
            )
            made.execute(f"PRAGMA user_version = {17 if milliseconds else 12}")
        made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for each in cookies:
            put(made, each, milliseconds=milliseconds)
        yield made


def put(made: sqlite3.Connection, cookie: Made, *, milliseconds: bool = True) -> None:
    """Add a cookie to a Firefox profile."""
    expiry = cookie.expires * (1000 if milliseconds else 1)
    row = (cookie.host, cookie.name, cookie.value, expiry, cookie.attributes)
    with made:
        made.execute(
            "INSERT INTO moz_cookies (host, name, value, expiry, originAttributes) VALUES (?, ?, ?, ?, ?)",
            row,
        )


def listed(root: Path, names: dict[str, str]) -> None:
    """Write Firefox's `profiles.ini` from a mapping of folder to name."""
    root.mkdir(parents=True, exist_ok=True)
    sections = [
        f"[Profile{number}]\nName={name}\nIsRelative=1\nPath={folder}\n"
        for number, (folder, name) in enumerate(names.items())
    ]
    (root / "profiles.ini").write_text("[General]\nVersion=2\n\n" + "\n".join(sections))


def safari(file: Path, cookies: Iterable[Made]) -> Path:
    """Write a cookie file of Safari with one page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    records = [_record(each) for each in cookies]
    offsets, at = [], 12 + 4 * len(records)
    for record in records:
        offsets.append(at)
        at += len(record)
    head = b"\0\0\1\0" + struct.pack(f"<I{len(offsets)}I", len(offsets), *offsets) + bytes(4)
    page = head + b"".join(records)
    file.write_bytes(b"cook" + struct.pack(">II", 1, len(page)) + page + bytes(8))
    return file


def _record(made: Made) -> bytes:
    texts = [text.encode() + b"\0" for text in (made.host, made.name, "/", made.value)]
    starts = [56 + sum(map(len, texts[:count])) for count in range(4)]
    since_2001 = float(made.expires - 978_307_200)
    size = 56 + sum(map(len, texts))
    head = struct.pack("<IIII4III2d", size, 0, 5, 0, *starts, 0, 0, since_2001, since_2001)
    return head + b"".join(texts)
