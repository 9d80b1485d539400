"""The settings: a table, and at the same time the class that holds a value for each of its rows.

`Settings` is the table. A setting is one field of that class; its flag, environment variable, key in the
file, line in `--help`, line in `--config` and line in the README follow from the field. The module is
outside `config` because the dashboard and the commands read settings but must not parse them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

MASKED_SECRET = "[hidden session key]"  # noqa: S105 - the text shown instead of one
_SECRET_MARKS = ("sessionkey", "sk-ant-")
_QUOTED_OR_WORD = r"""(?ix) (['"])((?!\1).)*(sk-ant-|sessionkey=)((?!\1).)*\1 | \S*(sk-ant-|sessionkey=)\S*"""
"""Pattern as text: `re` compiles it at its first use, because the first frame needs none."""


def is_secret(text: str) -> bool:
    """Return True if the text holds something that looks like a session key or a token."""
    return any(mark in text.lower() for mark in _SECRET_MARKS)


def mask_secrets(text: str) -> str:
    """Replace every quoted text and every word that holds a session key or a token."""
    return re.sub(_QUOTED_OR_WORD, MASKED_SECRET, text)


def quote_value(value: object) -> str:
    """Quote a value for an error message: at most 200 characters, entirely hidden if it holds a secret."""
    shown = repr(value)
    if is_secret(shown):
        return MASKED_SECRET
    return shown if len(shown) <= 200 else f"{shown[:200]}…"


OWN_VARIABLE_PREFIX = "CLAUDEMETER_"
"""Prefix of this program's environment variables."""


def remove_own_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for another process: without our variables, one of which can hold the cookie."""
    return {name: value for name, value in environment.items() if not name.startswith(OWN_VARIABLE_PREFIX)}


class SettingsError(ValueError):
    """Raised for an invalid setting. The text names the setting and the fault, never a secret."""

    def __init__(self, text: str) -> None:
        """Mask secrets here, so that no message can contain one."""
        super().__init__(mask_secrets(text))


def find_similar(word: str, choices: Sequence[str]) -> str | None:
    """Return the choice that a misspelled word resembles. None if none is similar enough."""
    from difflib import get_close_matches  # noqa: PLC0415 - rare and slow

    # More than the default of 0.6, at which --bogus resembles --browser.
    return next(iter(get_close_matches(word.lower(), choices, 1, 0.7)), None)


def describe_choices(word: str, choices: Sequence[str]) -> str:
    """Return `did you mean nord?` if the word resembles a choice, else all choices."""
    near = find_similar(word, choices)
    return f"did you mean {near}?" if near else f"choose from {', '.join(choices)}"


def describe_os_error(error: OSError) -> str:
    """Return the system's text for an error."""
    return error.strerror or "cannot be read"


SettingValue = str | float | bool | Sequence[str] | Sequence[float] | Mapping[str, str]
"""A value of a type that TOML has."""
SettingParser = Callable[[object], SettingValue]
"""Convert text from a flag or a variable, or a value of a TOML file, to a `SettingValue`.

Raises ValueError with a text that follows the name of the setting and a colon.
"""


class SettingOrigin(IntEnum):
    """Origin of a value; a higher one overrides a lower one."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


class ResolvedSetting(NamedTuple):
    """The value of one setting and its origin."""

    setting: Setting
    value: Any
    """The parsed value."""
    origin: SettingOrigin = SettingOrigin.DEFAULT
    place: str = ""
    """Start of an error message: `--interval`, `CLAUDEMETER_INTERVAL`, `'/…/config.toml': interval`."""
    folder: Path | None = None
    """Folder of the config file that holds the value. None if the value is not from a file."""

    @property
    def name(self) -> str:
        """The flag, the variable or the key."""
        return self.setting.key if self.origin is SettingOrigin.FILE else self.place

    def resolve_path(self) -> Path:
        """Expand `~`; a path in the config file is relative to that file.

        Raises:
            SettingsError: The user named after `~` does not exist.
        """
        path = expand_home(self.place, self.value)
        return self.folder / path if self.folder is not None else path


def _keep(resolved: ResolvedSetting, _: Mapping[str, str]) -> Any:
    return tuple(resolved.value) if isinstance(resolved.value, list) else resolved.value


class Setting(NamedTuple):
    """One row of the table."""

    key: str
    """Key in the config file. A dot stands for a table: `alerts.bell` is `bell` under `[alerts]`."""
    parse: SettingParser
    default: SettingValue
    help: str
    """One line in lower case, for `--help` and the README."""
    metavar: str = ""
    """Name of the flag's value, FILE or FOLDER for a path. Empty for a switch, which needs no value."""
    choices: tuple[str, ...] = ()
    """Every accepted value. Empty if others are accepted, too."""
    has_flag: bool = True
    """False for settings that are set once, in the file or the environment."""
    is_repeatable: bool = False
    """True if the flag may be repeated; each one adds to the list."""
    build: Callable[[ResolvedSetting, Mapping[str, str]], Any] = _keep
    """Build the field of `Settings` from a resolved value and the environment."""

    @property
    def field_name(self) -> str:
        """Name of the field of `Settings`, and of the parsed flag."""
        return self.key.replace(".", "_")

    @property
    def flag(self) -> str:
        """The flag, such as `--base-url`. Empty if the setting has none."""
        return f"--{self.key.replace('_', '-')}" if self.has_flag else ""

    @property
    def environment_variable(self) -> str:
        """The variable, such as `CLAUDEMETER_BASE_URL`; an empty variable counts as not set."""
        return f"CLAUDEMETER_{self.field_name.upper()}"


def expand_home(place: str, text: str) -> Path:
    """Return the path with `~` expanded.

    Raises:
        SettingsError: The user named after `~` does not exist.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise SettingsError(f"{place}: {quote_value(text)}: home folder not found") from None


MIN_INTERVAL, MAX_INTERVAL = 30, 86_400
"""Seconds between two polls. A shorter one would overload the server, a longer one show stale figures."""
YES_WORDS, NO_WORDS = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
"""Accepted values of a switch; case does not matter."""
THEME_NAMES = (
    *("claudemeter-dark", "claudemeter-light"),
    # Textual's themes. A test compares them with Textual, which is too slow to load here.
    *("textual-dark", "textual-light", "nord", "gruvbox", "catppuccin-mocha", "dracula", "tokyo-night"),
    *("monokai", "flexoki", "catppuccin-latte", "catppuccin-frappe", "catppuccin-macchiato"),
    *("solarized-light", "solarized-dark", "rose-pine", "rose-pine-moon", "rose-pine-dawn"),
    *("atom-one-dark", "atom-one-light", "ansi-dark", "ansi-light"),
)
"""All themes in the order in which a message lists them."""


def _parse_interval(raw: object) -> float:
    value = _parse_number(raw)
    if value is None:
        raise ValueError(f"{quote_value(raw)} is not a number of seconds")
    if not MIN_INTERVAL <= value <= MAX_INTERVAL:
        shown = str(raw).strip()
        raise ValueError(f"{shown} is out of range ({MIN_INTERVAL} to {MAX_INTERVAL} seconds)")
    return value


def _make_number_parser(lowest: int, highest: int, unit: str) -> SettingParser:
    """Make a parser of whole numbers from `lowest` to `highest`."""

    def parse_number(raw: object) -> int:
        value = _parse_number(raw)
        if value is None or value != int(value):
            raise ValueError(f"{quote_value(raw)} is not a whole number of {unit}")
        if not lowest <= value <= highest:
            raise ValueError(f"{int(value)} is out of range ({lowest} to {highest} {unit})")
        return int(value)

    return parse_number


def _parse_base_url(raw: object) -> str:
    from claudemeter_tui.model.secrets import parse_origin  # noqa: PLC0415 - the default needs no check

    origin = parse_origin(_parse_text(raw))
    if is_secret(origin):  # otherwise the name would be looked up on the network
        raise ValueError("a session key is not a host name")
    return origin


def _parse_path(raw: object) -> str:
    """Return a path, which need not exist; empty for none."""
    text = _parse_text(raw)
    if is_secret(text):
        raise ValueError("this is a session key; save it in a file and give the path of that file")
    if "\0" in text:
        raise ValueError("not a valid file name")
    return text


def _parse_theme(raw: object) -> str:
    word = _parse_text(raw).strip()
    if word and word not in THEME_NAMES:
        raise ValueError(f"unknown theme {quote_value(word)}; {describe_choices(word, THEME_NAMES)}")
    return word


def _parse_switch(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word not in YES_WORDS + NO_WORDS:
        raise ValueError(f"{quote_value(raw)} is not yes or no")
    return word in YES_WORDS


def _make_choice_parser(*names: str) -> SettingParser:
    """Make a parser of these names; a boolean means `yes` or `no` if those are among the names."""

    def parse_choice(raw: object) -> str:
        word = ("yes" if raw else "no") if isinstance(raw, bool) and "yes" in names else raw
        if not isinstance(word, str) or word.strip().lower() not in names:
            near = find_similar(word, names) if isinstance(word, str) else None
            meant = f"; did you mean {near}?" if near else ""
            raise ValueError(f"{quote_value(raw)} is not one of {', '.join(names)}{meant}")
        return word.strip().lower()

    return parse_choice


def _parse_browsers(raw: object) -> list[str]:
    names = _parse_list(raw)
    if names:
        from claudemeter_tui.browsers.profiles import BrowserFilter  # noqa: PLC0415 - loads every browser

        for name in names:
            if is_secret(BrowserFilter.parse(name).profile):  # otherwise --sessions would print the name
                raise ValueError("a session key is not a profile name")
    return names


def _parse_names(raw: object) -> list[str]:
    """Return names of browsers, profiles or orgs, each once, without control characters."""
    names = list(dict.fromkeys(_clean_name(name) for name in _parse_list(raw)))
    return [name for name in names if name]


def _parse_aliases(raw: object) -> dict[str, str]:
    """Return aliases by the names or UUIDs of orgs; in text, `name=alias` with commas between them."""
    if isinstance(raw, str):
        pairs = [part.rpartition("=")[::2] for part in raw.split(",") if part.strip()]
    elif isinstance(raw, dict) and all(isinstance(alias, str) for alias in raw.values()):
        pairs = list(raw.items())
    else:
        raise ValueError(f"{quote_value(raw)} is not a table of quoted names")
    found = {_clean_name(name): _clean_name(alias) for name, alias in pairs}
    if not all(found) or not all(found.values()):
        raise ValueError(f"{quote_value(raw)} has an org without a name or an alias")
    return found


def _clean_name(text: str) -> str:
    """Return a name as it is on screen; refuse a secret, because names are printed."""
    from claudemeter_tui.model.sanitize import sanitize_text  # noqa: PLC0415 - most users name nothing

    if is_secret(text):
        raise ValueError("a session key is not a name")
    return sanitize_text(text).strip()


def _parse_percentages(raw: object) -> list[float]:
    """Return the distinct percentages, lowest first; text has commas between them."""
    parts = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
    found = [_parse_number(part) for part in parts if part != ""]
    values = {value for value in found if value is not None and 0 < value <= 100}
    if None in found or len(values) < len(set(found)):
        raise ValueError(f"{quote_value(raw)} is not a list of percentages (above 0, up to 100)")
    return sorted(values)


def _parse_command(raw: object) -> list[str]:
    """Return a program and its arguments; text is split as a shell would, but no shell runs it."""
    if isinstance(raw, str):
        from shlex import split  # noqa: PLC0415 - rare

        try:
            return split(raw)
        except ValueError:
            raise ValueError("unclosed quotation mark") from None
    return _parse_list(raw)


def _parse_number(raw: object) -> float | None:
    """Return a finite number, an int if it is whole. None if the value is not a number."""
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
        raise ValueError(f"{quote_value(raw)} is not a quoted string")  # noqa: TRY004 - one error for all
    return raw


def _parse_list(raw: object) -> list[str]:
    """Return a list of strings; a single string is split at its commas."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{quote_value(raw)} is not a list of quoted strings")
    return [part.strip() for part in parts if part.strip()]


def _build_ascii(resolved: ResolvedSetting, environment: Mapping[str, str]) -> bool:
    """Return True if the screen is drawn with ASCII only; `auto` means ASCII if the locale is not UTF-8."""
    if resolved.value != "auto":
        return bool(resolved.value == "yes")
    everything, kind, lang = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    # If LANG is C, Python itself sets LC_CTYPE (PEP 538), which says nothing about the terminal.
    own = lang in ("C", "POSIX") and kind in ("C.UTF-8", "C.utf8", "UTF-8")
    locale = next(filter(None, (everything, None if own else kind, lang)), "UTF-8").lower()
    return "utf-8" not in locale and "utf8" not in locale


def _setting(parse: SettingParser, default: SettingValue, help: str, **more: Any) -> Any:  # noqa: A002 - the column's name
    """Return a dataclass field that carries its row of the table. Its default is built from the row's."""
    row = {"key": "", "parse": parse, "default": default, "help": help, **more}
    setting = Setting(**row)
    default_value = setting.build(ResolvedSetting(setting, default), {})
    return field(default=default_value, metadata={"setting": setting})


def _choice(names: tuple[str, ...], help: str, **more: Any) -> Any:  # noqa: A002 - the column's name
    """Return the field of a setting with these values, the default first."""
    return _setting(_make_choice_parser(*names), names[0], help, choices=names, **more)


def _switch(default: bool, help: str, **more: Any) -> Any:  # noqa: A002, FBT001 - the columns' names
    """Return the field of a setting that is on or off."""
    return _setting(_parse_switch, default, help, choices=(YES_WORDS[0], NO_WORDS[0]), **more)


@dataclass(frozen=True)
class Settings:
    """The values of one run. The fields are the rows of the table, in display order."""

    interval: timedelta = _setting(
        _parse_interval,
        60,
        "seconds between polls, at least 30",
        metavar="SECONDS",
        build=lambda resolved, _: timedelta(seconds=resolved.value),
    )
    source: str = _choice(
        ("auto", "cookie", "claude-code"),
        "what to read: cookie (browser sessions), claude-code (Claude Code's login), or auto for both",
        metavar="SOURCE",
    )
    browser: tuple[str, ...] = _setting(
        _parse_browsers,
        [],
        "read only this browser or profile (repeatable; default: all)",
        metavar="NAME[:PROFILE]",
        is_repeatable=True,
    )
    ignore: tuple[str, ...] = _setting(
        _parse_names,
        [],
        "never read or show these browsers, profiles (Chrome:Work) or orgs (name or UUID)",
        has_flag=False,
    )
    cookie_file: str = _setting(
        _parse_path,
        "",
        "read the session from this file instead of a browser (Cookie header, sessionKey or Netscape format)",
        metavar="FILE",
    )
    base_url: str = _setting(
        _parse_base_url,
        "https://claude.ai",
        "server to read from: https, or http on this machine only",
        metavar="URL",
    )
    theme: str = _setting(
        _parse_theme,
        "",
        "colour theme (default: the last one used, initially claudemeter-dark)",
        metavar="NAME",
        choices=THEME_NAMES,
    )
    ascii: bool = _choice(
        ("auto", "yes", "no"),
        "draw the screen with ASCII only (auto: if the locale is not UTF-8)",
        build=_build_ascii,
    )
    screen: str = _choice(
        ("dashboard", "overview"),
        "first screen: dashboard (one org) or overview (all orgs)",
        metavar="SCREEN",
    )
    privacy: bool = _switch(
        False,
        "hide names on screen and in pictures; as a flag, also in --export, --history, --metrics and --json"
        " (projects)",
    )
    pictures: Path | None = _setting(
        _parse_path,
        "",
        "folder for pictures (default: your pictures folder, else your home folder)",
        metavar="FOLDER",
        build=lambda resolved, _: resolved.resolve_path() if resolved.value else None,
    )
    thresholds: tuple[float, ...] = _setting(
        _parse_percentages, [75, 90, 100], "alert when usage passes these percentages", metavar="LIST"
    )
    alerts_toast: bool = _switch(True, "show alerts on the screen", key="alerts.toast", has_flag=False)
    alerts_bell: bool = _switch(True, "ring the terminal bell for alerts", key="alerts.bell", has_flag=False)
    alerts_desktop: str = _choice(
        ("auto", "osc9", "osc777", "off"),
        "desktop notifications: which escape sequence to use",
        key="alerts.desktop",
        has_flag=False,
    )
    orgs_order: tuple[str, ...] = _setting(
        _parse_names,
        [],
        "orgs to list first, in this order (name, UUID or alias)",
        key="orgs.order",
        has_flag=False,
    )
    orgs_aliases: tuple[tuple[str, str], ...] = _setting(
        _parse_aliases,
        {},
        "names to show instead of the orgs' own: a table of name or UUID and alias",
        key="orgs.aliases",
        has_flag=False,
        build=lambda resolved, _: tuple(resolved.value.items()),
    )
    history_enabled: bool = _switch(
        True,
        "keep every reply in a file (no: only the latest figures of each org)",
        key="history.enabled",
        has_flag=False,
    )
    history_replies_days: int = _setting(
        _make_number_parser(1, 3_660, "days"),
        90,
        "days to keep replies; figures, cycles and events stay",
        key="history.replies_days",
        has_flag=False,
    )
    history_max_mb: int = _setting(
        _make_number_parser(10, 100_000, "MB"),
        500,
        "maximum size of the history file in MB; the oldest replies are removed first",
        key="history.max_mb",
        has_flag=False,
    )
    transcripts: bool = _switch(
        True,
        "read Claude Code's transcripts on this machine: refusals, and tokens of each project",
        key="transcripts",
        has_flag=False,
    )
    metrics_token_file: Path | None = _setting(
        _parse_path,
        "",
        "with --metrics HOST:PORT: require the token in this file, and show names to whoever has it",
        metavar="FILE",
        build=lambda resolved, _: resolved.resolve_path() if resolved.value else None,
    )
    on_event: tuple[str, ...] = _setting(
        _parse_command, [], "run this command on every event (event as JSON on stdin)", has_flag=False
    )
    resolved: Mapping[str, ResolvedSetting] = field(default_factory=dict, compare=False, repr=False)
    """Every setting by its key, with its origin. Empty if the settings were not loaded."""


SETTINGS = tuple(
    setting._replace(key=setting.key or one.name)
    for one in fields(Settings)
    if (setting := one.metadata.get("setting"))
)
"""The rows of the table."""
