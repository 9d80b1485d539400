"""Find Claude Code's login where Claude Code keeps it. Only Claude Code itself writes and renews it.

The folder is `CLAUDE_CONFIG_DIR`, else `~/.claude`. On macOS the login is a keychain item; if the variable is
set, newer versions append a part of the hash of its exact text to the item's name
(https://github.com/robinebers/openusage/pull/424).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.claude_code.config_folder import CONFIG_FOLDER_VARIABLE, find_config_folder
from claudemeter_tui.model.sanitize import sanitize_text
from claudemeter_tui.model.secrets import Secret
from claudemeter_tui.model.session_search import Login, LoginError, LoginResult, NoLogin

KEYCHAIN_TOOL = "/usr/bin/security"
"""Full path, so that no other program of the same name can run."""
KEYCHAIN_TIMEOUT = 8.0
"""Seconds for the tool, which may wait for the user to answer a dialog."""
ITEM_NOT_FOUND = 44
"""Exit status if there is no such item."""
_KEYCHAIN_ERRORS = {
    36: "the keychain is locked: run security unlock-keychain",
    51: "the keychain did not accept the password",
    128: "access to the keychain was declined",
}
"""Names of other exit statuses, each the low byte of the system's error number."""
_HEX_PATTERN = re.compile(r"(?:[0-9a-fA-F]{2})+")


class CommandResult(NamedTuple):
    """Result of a command."""

    status: int
    output: Secret


CommandRunner = Callable[[Sequence[str]], CommandResult]
"""Function that runs a command. It may raise OSError, and TimeoutError if it takes too long."""


def run_command(command: Sequence[str]) -> CommandResult:
    """Run a command to its end, without input and without its error output."""
    try:
        # No local variable may hold the output, because a crash screen prints local variables.
        output = Secret(
            subprocess.check_output(  # noqa: S603 - the keychain's tool, by its whole path
                command,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=KEYCHAIN_TIMEOUT,
                encoding="utf-8",
                errors="replace",
            )
        )
    except subprocess.CalledProcessError as error:
        return CommandResult(error.returncode, Secret(""))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return CommandResult(0, output)


LOGIN_FILE = ".credentials.json"
KEYCHAIN_ITEM = "Claude Code-credentials"
"""Name of the keychain item, before any suffix."""
USAGE_SCOPE = "user:profile"
"""Scope that a token needs to read usage."""
MAX_LOGIN_FILE_BYTES = 1 << 20
"""Maximum bytes of a login; a real one has about a thousand."""
MAX_TOKEN_LENGTH = 8_192
"""Maximum characters of a token; a real one has about a hundred."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_LoginContent = Secret | NoLogin | None
"""Text of one place of the login, or the reason that it cannot be read. None if it is empty."""


def find_login(
    *,
    home: Path,
    now: datetime,
    system: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    run: CommandRunner = run_command,
) -> LoginResult:
    """Return the first usable login, or the fault of the first login found. Slow: reads files.

    Args:
        home: the person's home folder.
        now: the current time, to check the expiry.
        system: the operating system, named as in `sys.platform`.
        environment: the environment variables, including `CLAUDE_CONFIG_DIR`.
        run: runs the keychain's tool on macOS.
    """
    given = environment.get(CONFIG_FOLDER_VARIABLE, "")
    folder = find_config_folder(home, environment)
    places = f"${CONFIG_FOLDER_VARIABLE}" if given else "the home folder's .claude"
    readers: list[tuple[str, Callable[[], _LoginContent]]]
    readers = [("login file", partial(_read_login_file, Path(folder) / LOGIN_FILE))]
    if system == "darwin":
        places = f"the keychain or {places}"
        hashed = f"{KEYCHAIN_ITEM}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
        # Try the item of the current folder first; older versions use the plain name for every folder.
        names = (hashed, KEYCHAIN_ITEM) if given else (KEYCHAIN_ITEM, hashed)
        first, last = (("keychain", partial(_read_keychain_item, name, run)) for name in names)
        readers = [first, *readers, last]
    none = NoLogin(LoginError.NO_LOGIN, f"no login in {places}: run claude and sign in with /login")
    for place, read in readers:
        content = read()
        if content is None:
            continue
        found = content if isinstance(content, NoLogin) else _parse_login(content, place, now)
        if isinstance(found, Login):
            return found
        if none.error is LoginError.NO_LOGIN:
            none = found
    return none


def _read_keychain_item(name: str, run: CommandRunner) -> _LoginContent:
    """Return the text of an item, or the reason that it cannot be read. None if there is no such item."""
    try:
        done = run([KEYCHAIN_TOOL, "find-generic-password", "-w", "-s", name])
    except TimeoutError:
        return NoLogin(LoginError.UNREADABLE, "the keychain did not answer in time")
    except OSError as error:
        detail = f"the keychain's tool cannot be run ({type(error).__name__})"
        return NoLogin(LoginError.UNREADABLE, detail)
    if done.status == ITEM_NOT_FOUND:
        return None
    if done.status != 0:
        detail = _KEYCHAIN_ERRORS.get(done.status, f"the keychain's tool failed (status {done.status})")
        return NoLogin(LoginError.UNREADABLE, detail)
    if not _HEX_PATTERN.fullmatch(done.output.reveal().strip()):
        return done.output
    # The tool prints text with other than printable ASCII characters in hexadecimal.
    return Secret(bytes.fromhex(done.output.reveal().strip()).decode("utf-8", errors="replace"))


def _read_login_file(path: Path) -> _LoginContent:
    """Return the text of the file, or the reason that it cannot be read. None if there is no file."""
    try:
        with path.open("rb") as file:
            return Secret(file.read(MAX_LOGIN_FILE_BYTES).decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        return NoLogin(LoginError.UNREADABLE, f"the login file cannot be read: {reason}")
    except UnicodeDecodeError:
        return NoLogin(LoginError.NOT_JSON, "the login file is not a text file")


class _LoginFields:
    """The login object in the JSON. Its repr shows none of its content."""

    __slots__ = ("_values",)

    def __init__(self, whole: object) -> None:
        inner = whole.get("claudeAiOauth") if isinstance(whole, dict) else None
        self._values = inner if isinstance(inner, dict) else {}

    def read_token(self) -> Secret | None:
        """Return the token. None if it is missing or not valid in a header."""
        token = self._values.get("accessToken")
        if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_LENGTH:
            return None
        return Secret(token) if all("!" <= char <= "~" for char in token) else None

    def read_expiry(self) -> datetime | None:
        """Return the time of expiry from epoch milliseconds. None if absent or not a time."""
        stamp = self._values.get("expiresAt")
        if isinstance(stamp, bool) or not isinstance(stamp, int | float):
            return None
        try:
            return _EPOCH + timedelta(milliseconds=stamp)
        except (OverflowError, ValueError):
            return None

    def read_scopes(self) -> frozenset[str] | None:
        """Return the scopes of the login. None if it does not list them."""
        scopes = self._values.get("scopes")
        if not isinstance(scopes, list):
            return None
        return frozenset(sanitize_text(scope) for scope in scopes if isinstance(scope, str))

    def read_plan(self) -> str:
        """Return the name of the plan, capitalized; empty if the login has none."""
        name = self._values.get("subscriptionType")
        return sanitize_text(name)[:40].capitalize() if isinstance(name, str) else ""


def _parse_login(content: Secret, place: str, now: datetime) -> LoginResult:
    """Return the login in a text, or the fault that makes it unusable."""
    try:
        fields = _LoginFields(json.loads(content.reveal()))
    except (ValueError, RecursionError):
        return NoLogin(LoginError.NOT_JSON, f"what the {place} holds is not JSON")
    token, expires_at, scopes = fields.read_token(), fields.read_expiry(), fields.read_scopes()
    if token is None:
        return NoLogin(LoginError.NO_TOKEN, f"the {place} holds no token: run claude and sign in with /login")
    if scopes is not None and USAGE_SCOPE not in scopes:
        return NoLogin(
            LoginError.NO_SCOPE, f"its token lacks {USAGE_SCOPE}: run claude and sign in with /login"
        )
    if expires_at is not None and expires_at <= now:
        return NoLogin(
            LoginError.EXPIRED, "its token has expired: Claude Code renews it when it is next used"
        )
    return Login(token, place, expires_at, scopes, fields.read_plan())
