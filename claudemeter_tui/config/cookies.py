"""Read a session that the user provided in a file or in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, BadCookieError, Cookies
from claudemeter_tui.settings import ResolvedSetting, SettingOrigin, SettingsError, describe_os_error

COOKIE_VARIABLE = "CLAUDEMETER_COOKIE"
"""Environment variable that holds the secret itself; it is not a setting, so that nothing shows it."""
MAX_COOKIE_FILE_BYTES = 1 << 20
"""Bytes; real files have a few thousand."""
CLAUDE_CODE_SOURCE = "claude-code"
"""The source that uses neither a cookie nor a browser."""


def read_cookies(
    resolved: Mapping[str, ResolvedSetting], environment: Mapping[str, str]
) -> tuple[Cookies, str] | None:
    """Return the cookies that the user provided and a name for their origin.

    None if there are none, or if a setting of higher priority selects a browser or another source.

    Raises:
        SettingsError: The cookies are invalid, or conflict with a setting of the same priority.
    """
    named, source = resolved["cookie_file"], resolved["source"]
    other = source if source.value == CLAUDE_CODE_SOURCE else resolved["browser"]
    origin, place = (named.origin, named.name) if named.value else (SettingOrigin.DEFAULT, "")
    by_variable = COOKIE_VARIABLE in environment and origin < SettingOrigin.FLAG
    if by_variable:
        origin, place = SettingOrigin.ENVIRONMENT, COOKIE_VARIABLE
    strongest = other.origin if other.value else SettingOrigin.DEFAULT
    if origin == SettingOrigin.DEFAULT or origin < strongest:
        return None
    if origin == strongest:
        raise SettingsError(f"{other.place} and {place} can't be combined")
    if by_variable:
        try:
            return Cookies.parse(environment[COOKIE_VARIABLE]), COOKIE_VARIABLE
        except BadCookieError as error:
            raise SettingsError(f"{COOKIE_VARIABLE}: {error}") from None
    return _read_cookie_file(named.resolve_path(), resolved["base_url"].value, named.place), "cookie file"


def _read_cookie_file(path: Path, base_url: str, place: str) -> Cookies:
    """Read a Cookie header, a bare key, or Netscape's format.

    In Netscape's format, cookies of `base_url` are used along with those of claude.ai.
    """
    hosts = [urlsplit(url).hostname or "" for url in (CLAUDE_AI_ORIGIN, base_url)]
    try:
        with path.open("rb") as file:
            content = file.read(MAX_COOKIE_FILE_BYTES + 1)
        if len(content) > MAX_COOKIE_FILE_BYTES:
            raise SettingsError(f"{place}: {str(path)!r}: too large for a cookie file")
        text = content.decode()
        if text.lstrip().startswith("#") or "\t" in text:
            return Cookies.from_netscape(path, hosts)
        return Cookies.parse(text)
    except OSError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {describe_os_error(error)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place}: {str(path)!r} is not a text file") from None
    except BadCookieError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {error}") from None
