"""Claude Code's login, found where Claude Code keeps it. It is only read: its owner renews it.

The folder is `CLAUDE_CONFIG_DIR`, else `~/.claude`. On macOS the login is a keychain item; where the
variable is set, newer versions append a part of the hash of its exact text to the item's name
(https://github.com/robinebers/openusage/pull/424).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from claudemeter_tui.sources.claude_code import keychain
from claudemeter_tui.sources.claude_code.keychain import KeychainError, Runner
from claudemeter_tui.sources.claude_code.secret import Secret
from claudemeter_tui.sources.plain import plain

FOLDER_VARIABLE = "CLAUDE_CONFIG_DIR"
FILE = ".credentials.json"
ITEM = "Claude Code-credentials"
"""The keychain item's name, before any suffix."""
SCOPE = "user:profile"
"""What a token must be allowed before it may read usage."""
LARGEST_FILE = 1 << 20
"""Bytes; a real one has about a thousand."""
LONGEST_TOKEN = 8_192
"""Characters; a real one has about a hundred."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Lack(StrEnum):
    """Every way in which there is no login to use, in words for people."""

    NO_LOGIN = "not signed in"
    UNREADABLE = "not readable"
    NOT_JSON = "not JSON"
    NO_TOKEN = "no token"  # noqa: S105 - words, no secret
    EXPIRED = "expired"
    NO_SCOPE = "may not read usage"


@dataclass(frozen=True, slots=True)
class Login:
    """A login that can be used now. It prints no token."""

    token: Secret
    place: str
    """Where it was found, for people: "login file", "keychain"."""
    expires_at: datetime | None = None
    """When its owner has to renew it. None: not said."""
    scopes: frozenset[str] | None = None
    """What it is allowed. None: not said."""
    plan: str = ""
    """For people, as the login names it: "Max", "Pro"; empty where it does not."""


@dataclass(frozen=True, slots=True)
class NoLogin:
    """Why there is none."""

    lack: Lack
    detail: str
    """What happened and what helps, for people; never a token, never anybody's path."""


Found = Login | NoLogin
_Content = Secret | NoLogin


def find(
    *,
    home: Path,
    now: datetime,
    system: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    run: Runner = keychain.run,
) -> Found:
    """The first login that can be used now, else why the first that is there cannot be. Slow: reads files.

    Args:
        home: the person's home folder.
        now: what an expiry is compared with.
        system: where to look, named as `sys.platform` does.
        environment: where `CLAUDE_CONFIG_DIR` may stand.
        run: runs the keychain's tool on macOS.
    """
    none = NoLogin(
        Lack.NO_LOGIN, f"no login in {_searched(system, environment)}: run claude and sign in with /login"
    )
    for place, content in _places(home, system, environment, run):
        found = content if isinstance(content, NoLogin) else _read(content, place, now)
        if isinstance(found, Login):
            return found
        if none.lack is Lack.NO_LOGIN:
            none = found
    return none


def _searched(system: str, environment: Mapping[str, str]) -> str:
    """Where it is looked for, for people."""
    folder = f"${FOLDER_VARIABLE}" if environment.get(FOLDER_VARIABLE) else "the home folder's .claude"
    return f"the keychain or {folder}" if system == "darwin" else folder


def _places(
    home: Path, system: str, environment: Mapping[str, str], run: Runner
) -> Iterator[tuple[str, _Content]]:
    """What each place holds, those of the folder in use first; places that hold nothing are left out."""
    given = environment.get(FOLDER_VARIABLE, "")
    folder = unicodedata.normalize("NFC", given or str(home / ".claude"))
    hashed = f"{ITEM}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
    first, last = (hashed, ITEM) if given else (ITEM, hashed)
    if system == "darwin":
        yield from (("keychain", content) for content in _item(first, run))
    yield from (("login file", content) for content in _file(Path(folder) / FILE))
    if system == "darwin":
        yield from (("keychain", content) for content in _item(last, run))


def _item(name: str, run: Runner) -> Iterator[_Content]:
    try:
        content = keychain.item(name, run)
    except KeychainError as error:
        yield NoLogin(Lack.UNREADABLE, str(error))
        return
    if content is not None:
        yield content


def _file(path: Path) -> Iterator[_Content]:
    try:
        with path.open("rb") as file:
            yield Secret(file.read(LARGEST_FILE).decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        yield NoLogin(Lack.UNREADABLE, f"the login file cannot be read: {reason}")
    except UnicodeDecodeError:
        yield NoLogin(Lack.NOT_JSON, "the login file is no text")


class _Fields:
    """The login's own object in the JSON. It prints nothing of it."""

    __slots__ = ("_values",)

    def __init__(self, whole: object) -> None:
        inner = whole.get("claudeAiOauth") if isinstance(whole, dict) else None
        self._values = inner if isinstance(inner, dict) else {}

    def token(self) -> Secret | None:
        """The token, if it is one that a header can hold."""
        return Secret(self._values["accessToken"]) if _is_token(self._values.get("accessToken")) else None

    def expires_at(self) -> datetime | None:
        """Epoch milliseconds, as the login counts; None where they are not said or no time."""
        stamp = self._values.get("expiresAt")
        if isinstance(stamp, bool) or not isinstance(stamp, int | float):
            return None
        try:
            return _EPOCH + timedelta(milliseconds=stamp)
        except (OverflowError, ValueError):
            return None

    def scopes(self) -> frozenset[str] | None:
        """What the login is allowed."""
        scopes = self._values.get("scopes")
        if not isinstance(scopes, list):
            return None
        return frozenset(plain(scope) for scope in scopes if isinstance(scope, str))

    def plan(self) -> str:
        """The plan's name, capitalized; empty where the login has none."""
        name = self._values.get("subscriptionType")
        return plain(name)[:40].capitalize() if isinstance(name, str) else ""


def _read(content: Secret, place: str, now: datetime) -> Found:
    """The login that a text holds, or why it is none that can be used."""
    try:
        fields = _Fields(json.loads(content.reveal()))
    except (ValueError, RecursionError):
        return NoLogin(Lack.NOT_JSON, f"what the {place} holds is not JSON")
    token, expires_at, scopes = fields.token(), fields.expires_at(), fields.scopes()
    if token is None:
        return NoLogin(Lack.NO_TOKEN, f"the {place} holds no token: run claude and sign in with /login")
    if scopes is not None and SCOPE not in scopes:
        return NoLogin(Lack.NO_SCOPE, f"its token lacks {SCOPE}: run claude and sign in with /login")
    if expires_at is not None and expires_at <= now:
        return NoLogin(Lack.EXPIRED, "its token has expired: Claude Code renews it when it is next used")
    return Login(token, place, expires_at, scopes, fields.plan())


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN and all("!" <= c <= "~" for c in value)
