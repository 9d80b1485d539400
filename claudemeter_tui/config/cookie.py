"""The session given by hand: from a file, or from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from claudemeter_tui.config.errors import SettingsError, why
from claudemeter_tui.sources.cookies import BadCookieError, Cookies
from claudemeter_tui.sources.origin import CLAUDE_AI

COOKIE_VARIABLE = "CLAUDEMETER_COOKIE"
"""Holds the secret itself, and so is no setting."""
LARGEST_COOKIE_FILE = 1 << 20
"""Bytes; real ones have a few thousand."""


def from_environment(environment: Mapping[str, str]) -> Cookies:
    """The cookies that the variable holds.

    Raises:
        SettingsError: it holds none; what it holds is not quoted.
    """
    try:
        return Cookies.parse(environment[COOKIE_VARIABLE])
    except BadCookieError as error:
        raise SettingsError(f"{COOKIE_VARIABLE}: {error}") from None


def from_file(path: Path, base_url: str, place: str) -> Cookies:
    """The cookies that a file holds, a header, a key, or Netscape's format.

    Args:
        path: The file.
        base_url: Of a file in Netscape's format, cookies of this origin count beside those of claude.ai.
        place: Where the file was named, for messages.

    Raises:
        SettingsError: it cannot be read or holds no session.
    """
    hosts = [urlsplit(url).hostname or "" for url in (CLAUDE_AI, base_url)]
    try:
        text = _text(path)
        if text.lstrip().startswith("#") or "\t" in text:
            return Cookies.from_netscape(path, hosts)
        return Cookies.parse(text)
    except OSError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {why(error)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place}: {str(path)!r} is not a text file") from None
    except BadCookieError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {error}") from None


def _text(path: Path) -> str:
    """A file's text, as far as it can be a cookie file."""
    with path.open("rb") as file:
        content = file.read(LARGEST_COOKIE_FILE + 1)
    if len(content) > LARGEST_COOKIE_FILE:
        raise BadCookieError("it is larger than any cookie file")
    return content.decode()
