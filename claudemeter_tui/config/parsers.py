"""Parse the values of settings: each function returns the value or says what is wrong, never a secret.

A flag and an environment variable give text; a file gives what TOML has. The values are plain ones that TOML
can hold: numbers, strings, booleans, lists.

Raises:
    ValueError: from every parser, with the rest of the sentence that begins with the setting's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, BadCookieError, Cookies

SECRET_MARKS = ("sessionkey", "sk-ant-")
"""What a text holds that is, or contains, the key to an account; compared in lower case."""


class SettingsError(ValueError):
    """A setting that cannot be used. Its text names it and says what to do."""


def is_secret(text: str) -> bool:
    """Whether it looks like a cookie or a token: no such text is ever quoted."""
    return any(mark in text.lower() for mark in SECRET_MARKS)


def quote_value(value: object) -> str:
    """The value as it was given, for a message."""
    shown = repr(value)
    if is_secret(shown):
        return "what looks like a session key"
    return shown if len(shown) <= 200 else f"{shown[:200]}…"


def describe_os_error(error: OSError) -> str:
    """What the system says."""
    return error.strerror or "it cannot be read"


OWN_THEMES = ("claudemeter-dark", "claudemeter-light")
TEXTUAL_THEMES = (
    "textual-dark",
    "textual-light",
    "nord",
    "gruvbox",
    "catppuccin-mocha",
    "dracula",
    "tokyo-night",
    "monokai",
    "flexoki",
    "catppuccin-latte",
    "catppuccin-frappe",
    "catppuccin-macchiato",
    "solarized-light",
    "solarized-dark",
    "rose-pine",
    "rose-pine-moon",
    "rose-pine-dawn",
    "atom-one-dark",
    "atom-one-light",
    "ansi-dark",
    "ansi-light",
)
THEME_NAMES = (*OWN_THEMES, *TEXTUAL_THEMES)
"""In the order in which they are named, ours first."""


SettingValue = str | float | bool | Sequence[str] | Sequence[float]
SettingParser = Callable[[object], SettingValue]

MIN_INTERVAL, MAX_INTERVAL = 30, 86_400
"""Seconds between two polls: less would hammer the server, more is no dashboard."""
YES_WORDS, NO_WORDS = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
"""Words for a switch, in any case."""


def parse_interval(raw: object) -> float:
    """The time between two polls."""
    value = _parse_number(raw)
    if value is None:
        raise ValueError(f"{quote_value(raw)} is not a number of seconds")
    if not MIN_INTERVAL <= value <= MAX_INTERVAL:
        shown = str(raw).strip()
        raise ValueError(f"{shown} is out of range; {MIN_INTERVAL} to {MAX_INTERVAL} seconds are possible")
    return value


def parse_base_url(raw: object) -> str:
    """An origin that cookies may be sent to."""
    from claudemeter_tui.model.secrets import parse_origin  # noqa: PLC0415 - the usual one needs no look

    return parse_origin(_parse_text(raw))


def parse_path(raw: object) -> str:
    """A file or a folder, not looked up yet; empty for none."""
    text = _parse_text(raw)
    if is_secret(text):
        raise ValueError("it must name a file; the session key itself stands in that file")
    if "\0" in text:
        raise ValueError("no file can have such a name")
    return text


def parse_theme(raw: object) -> str:
    """A theme's name; empty for the one chosen last."""
    word = _parse_text(raw).strip()
    if word and word not in THEME_NAMES:
        raise ValueError(f"there is no theme {quote_value(word)}; there are {', '.join(THEME_NAMES)}")
    return word


def parse_switch(raw: object) -> bool:
    """On or off."""
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word not in YES_WORDS + NO_WORDS:
        raise ValueError(f"{quote_value(raw)} is not yes or no")
    return word in YES_WORDS


def make_choice_parser(*names: str) -> SettingParser:
    """One of these names; a boolean stands for `yes` or `no` where these are among them."""

    def chosen(raw: object) -> str:
        word = ("yes" if raw else "no") if isinstance(raw, bool) and "yes" in names else raw
        if not isinstance(word, str) or word.strip().lower() not in names:
            raise ValueError(f"{quote_value(raw)} is not one of {', '.join(names)}")
        return word.strip().lower()

    return chosen


def parse_browsers(raw: object) -> list[str]:
    """Browsers and profiles, each `NAME` or `NAME:PROFILE`; a text has commas between them."""
    asked = _parse_list(raw)
    if asked:
        from claudemeter_tui.browsers.profiles import BrowserFilter  # noqa: PLC0415 - loads every browser

        for one in asked:
            BrowserFilter.parse(one)
    return asked


def parse_percentages(raw: object) -> list[float]:
    """Whole or broken percentages, lowest first; a text has commas between them."""
    parts = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
    found = [_parse_number(part) for part in parts if part != ""]
    values = {value for value in found if value is not None and 0 < value <= 100}
    if None in found or len(values) < len(set(found)):
        raise ValueError(f"{quote_value(raw)} are not percentages above 0, at most 100")
    return sorted(values)


def parse_command(raw: object) -> list[str]:
    """A program and its arguments; a text is split as a shell would, but no shell runs it."""
    if isinstance(raw, str):
        from shlex import split  # noqa: PLC0415 - rare

        try:
            return split(raw)
        except ValueError:
            raise ValueError("a quotation mark in it is never closed") from None
    return _parse_list(raw)


def _parse_number(raw: object) -> float | None:
    """A finite number, whole ones as such. None: it is none."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def _parse_text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{quote_value(raw)} is not a text in quotation marks")  # noqa: TRY004 - one error for all
    return raw


def _parse_list(raw: object) -> list[str]:
    """Texts; a single one has commas between them."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{quote_value(raw)} is not a list of texts in quotation marks")
    return [part.strip() for part in parts if part.strip()]


COOKIE_VARIABLE = "CLAUDEMETER_COOKIE"
"""Holds the secret itself, and so is no setting."""
MAX_COOKIE_FILE_BYTES = 1 << 20
"""Bytes; real ones have a few thousand."""


def read_cookie_variable(environment: Mapping[str, str]) -> Cookies:
    """The cookies that the variable holds.

    Raises:
        SettingsError: it holds none; what it holds is not quoted.
    """
    try:
        return Cookies.parse(environment[COOKIE_VARIABLE])
    except BadCookieError as error:
        raise SettingsError(f"{COOKIE_VARIABLE}: {error}") from None


def read_cookie_file(path: Path, base_url: str, place: str) -> Cookies:
    """The cookies that a file holds, a header, a key, or Netscape's format.

    Args:
        path: The file.
        base_url: Of a file in Netscape's format, cookies of this origin count beside those of claude.ai.
        place: Where the file was named, for messages.

    Raises:
        SettingsError: it cannot be read or holds no session.
    """
    hosts = [urlsplit(url).hostname or "" for url in (CLAUDE_AI_ORIGIN, base_url)]
    try:
        text = _read_text(path)
        if text.lstrip().startswith("#") or "\t" in text:
            return Cookies.from_netscape(path, hosts)
        return Cookies.parse(text)
    except OSError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {describe_os_error(error)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place}: {str(path)!r} is not a text file") from None
    except BadCookieError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {error}") from None


def _read_text(path: Path) -> str:
    """A file's text, as far as it can be a cookie file."""
    with path.open("rb") as file:
        content = file.read(MAX_COOKIE_FILE_BYTES + 1)
    if len(content) > MAX_COOKIE_FILE_BYTES:
        raise BadCookieError("it is larger than any cookie file")
    return content.decode()
