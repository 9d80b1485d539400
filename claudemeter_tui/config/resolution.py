"""Resolve the settings of one run: a flag wins over the environment, the environment over the file."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any

from claudemeter_tui.config import parsers
from claudemeter_tui.config.actions import (
    Action,
    build_flag_parser,
    check_folder,
    expand_home,
    parse_action,
    parse_picture_path,
    parse_size,
)
from claudemeter_tui.config.parsers import (
    COOKIE_VARIABLE,
    SettingsError,
    SettingValue,
    describe_os_error,
    is_secret,
)
from claudemeter_tui.config.schema import SETTINGS, Setting
from claudemeter_tui.model.sanitize import replace_unprintable
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, Cookies

MAX_CONFIG_FILE_BYTES = 1 << 20
"""Bytes; a real one has a few hundred."""
SECRET_KEY_PATTERN = re.compile(r"cookies?|.*session_?key|.*token|.*secret|.*password", re.IGNORECASE)
"""Keys that somebody may try for what must not stand in this file."""


def read_config_file(path: Path, known: Collection[str]) -> dict[str, object]:
    """The dotted keys of a file and their values; empty where there is no file.

    Raises:
        SettingsError: it cannot be read, is no TOML, or holds a key that is not known.
    """
    try:
        content = _read_content(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{str(path)!r}: {describe_os_error(error)}") from None
    found = dict(_flatten_keys(_parse_toml(content, path), known))
    for key in found:
        if key not in known:
            raise SettingsError(f"{str(path)!r}: {_describe_unknown_key(key, known)}")
    return found


def _read_content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_CONFIG_FILE_BYTES + 1)


def _parse_toml(content: bytes, path: Path) -> dict[str, object]:
    if len(content) > MAX_CONFIG_FILE_BYTES:
        raise SettingsError(f"{str(path)!r}: it is larger than any config file")
    import tomllib  # noqa: PLC0415 - most have no file

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{str(path)!r}: it is not a text in UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{str(path)!r}: it is nested too deep") from None
    except ValueError as error:
        said = "a number has too many digits" if type(error) is ValueError else str(error)
        raise SettingsError(f"{str(path)!r}: {said}") from None


def _flatten_keys(
    table: dict[str, object], known: Collection[str], above: str = ""
) -> Iterator[tuple[str, object]]:
    """Keys with those of their tables before them; a table that no setting is in counts as one key."""
    for key, value in table.items():
        dotted = above + _quote_key(key)
        if isinstance(value, dict) and any(one.startswith(f"{dotted}.") for one in known):
            yield from _flatten_keys(value, known, f"{dotted}.")
        else:
            yield dotted, value


def _quote_key(key: str) -> str:
    """A key as it would stand in the file; one that needs them has quotation marks."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else repr(key)


def _describe_unknown_key(key: str, known: Collection[str]) -> str:
    """What is wrong with a key, and what may have been meant."""
    if is_secret(key) or SECRET_KEY_PATTERN.fullmatch(key):
        shown = "this key" if is_secret(key) and len(key) > 20 else key
        return (
            f"{shown}: a secret is no setting; put it into a file of its own and name that as cookie_file,"
            " or set CLAUDEMETER_COOKIE"
        )
    if any(one.startswith(f"{key}.") for one in known):
        return f"{key}: it is a table: write [{key}] and its keys below"
    from difflib import get_close_matches  # noqa: PLC0415 - rare and slow

    near = get_close_matches(key.replace("-", "_"), known, 1)
    meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return f"{key}: there is no such setting; {meant}"


class SettingOrigin(IntEnum):
    """Where a value was given; the higher one wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class ResolvedSetting:
    """The value of one setting."""

    setting: Setting
    value: Any
    """As its kind gives it."""
    origin: SettingOrigin
    place: str = ""
    """As a message begins: `--interval`, `CLAUDEMETER_INTERVAL`, `'/…/config.toml': interval`."""

    folder: Path | None = None
    """Of the file that it was given in. None: it was given elsewhere."""

    @property
    def name(self) -> str:
        """The place in a word: the flag, the variable or the key."""
        return self.setting.key if self.origin is SettingOrigin.FILE else self.place

    def build_error(self, why: str) -> SettingsError:
        """What is to be raised if the value turns out to be of no use."""
        return SettingsError(f"{self.place}: {why}")


def resolve_settings(
    flags: Namespace, environment: Mapping[str, str], file: Path | None
) -> dict[str, ResolvedSetting]:
    """Every setting by its key; each place is looked at whole, also where a stronger one wins.

    Raises:
        SettingsError: something that was given cannot be used.
    """
    keys = read_config_file(file, [setting.key for setting in SETTINGS]) if file is not None else {}
    return {
        setting.key: list(_find_values(setting, flags, environment, keys, file))[-1] for setting in SETTINGS
    }


def _find_values(
    setting: Setting,
    flags: Namespace,
    environment: Mapping[str, str],
    keys: Mapping[str, object],
    file: Path | None,
) -> Iterator[ResolvedSetting]:
    """The setting in every place in which it was given, the weakest first."""
    yield ResolvedSetting(setting, setting.default, SettingOrigin.DEFAULT)
    if file is not None and setting.key in keys:
        place = f"{str(file)!r}: {setting.key}"
        yield replace(
            _parse_setting(setting, keys[setting.key], SettingOrigin.FILE, place), folder=file.parent
        )
    if environment.get(setting.environment_variable):
        yield _parse_setting(
            setting,
            environment[setting.environment_variable],
            SettingOrigin.ENVIRONMENT,
            setting.environment_variable,
        )
    flag = getattr(flags, setting.key, None)
    if flag is not None:
        yield _parse_setting(setting, flag, SettingOrigin.FLAG, setting.flag)


def _parse_setting(setting: Setting, raw: object, rank: SettingOrigin, place: str) -> ResolvedSetting:
    try:
        return ResolvedSetting(setting, setting.parse(raw), rank, place)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None


def format_settings(given: Mapping[str, ResolvedSetting], environment: Mapping[str, str], file: Path) -> str:
    """The lines of `--config`, TOML that could stand in that file; without a secret."""
    return "\n".join(_format_lines(given, environment, file))


def _format_lines(
    given: Mapping[str, ResolvedSetting], environment: Mapping[str, str], file: Path
) -> Iterator[str]:
    yield f"# {replace_unprintable(str(file))}{'' if file.exists() else ' (there is none)'}"
    if COOKIE_VARIABLE in environment:
        yield f"# {COOKIE_VARIABLE} is set; it is no setting, and never shown."
    pairs = [(f"{key} = {_format_toml(one.value)}", _format_origin(one)) for key, one in given.items()]
    width = max(len(line) for line, _ in pairs if len(line) <= 40)
    yield from (f"{line:<{width}}  # {source}" for line, source in pairs)


def _format_origin(one: ResolvedSetting) -> str:
    return {SettingOrigin.DEFAULT: "default", SettingOrigin.FILE: "this file"}.get(one.origin, one.place)


def _format_toml(value: SettingValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _format_toml_string(value)
    return f"{value:g}" if isinstance(value, int | float) else f"[{', '.join(map(_format_toml, value))}]"


def _format_toml_string(text: str) -> str:
    """A basic string of TOML, in which nothing is left that a terminal would obey."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escape_char(ord(char)) for char in escaped) + '"'


def _escape_char(code: int) -> str:
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


CLAUDE_CODE_SOURCE = "claude-code"
"""The source that no cookie and no browser has a part in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person asked for."""

    action: Action = Action.DASHBOARD
    demo: bool = False
    interval: timedelta = timedelta(seconds=60)
    """Between two polls, 30 s or more."""
    base_url: str = CLAUDE_AI_ORIGIN
    """An origin: scheme, host and port."""
    source: str = "auto"
    """`auto`, `cookie` or `claude-code`."""
    browsers: tuple[str, ...] = ()
    """`NAME` or `NAME:PROFILE`, known ones. Empty: all."""
    cookies: Cookies | None = None
    """Given by hand. None: look for a browser's session."""
    cookies_origin: str = ""
    """Where they were given, for people; empty without them."""
    theme: str = ""
    """A theme's name. Empty: the one remembered."""
    ascii: bool = False
    """Draw with ASCII only."""
    privacy: bool = False
    """Show pseudonyms."""
    pictures: Path | None = None
    """The folder for pictures, there when a dashboard begins. None: where `folders.pictures_folder` says."""
    thresholds: tuple[float, ...] = (75, 90, 100)
    """Percentages above 0, at most 100, lowest first."""
    toast: bool = True
    """Alert by a note on the screen."""
    bell: bool = True
    """Alert by the terminal's bell."""
    desktop: str = "auto"
    """Alert by `osc9` or `osc777`, by the one that fits (`auto`), or not (`off`)."""
    on_event: tuple[str, ...] = ()
    """A program and its arguments, run at each event. Empty: none."""
    screenshot: Path | None = None
    """Where the picture goes; only for `Action.PICTURE`."""
    size: tuple[int, int] = (120, 36)
    """Columns and lines of the picture."""
    org: str | None = None
    """The one org to print: its number, name or uuid. None: all of them, or the worst."""
    line_format: str | None = None
    """The placeholders of `--line`. None: the usual ones."""
    resolved: Mapping[str, ResolvedSetting] = field(default_factory=dict, compare=False, repr=False)
    """Each setting by its key, with the place it comes from."""


def load_settings(
    arguments: Sequence[str], environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Settings:
    """The settings of these arguments, this environment, and this config file (None: without one).

    Raises:
        SettingsError: one of them cannot be used.
    """
    flags = build_flag_parser().parse_args(arguments)
    action = parse_action(flags)
    given = resolve_settings(flags, environment, file)
    value = {key: one.value for key, one in given.items()}
    cookies, place = _read_cookies(flags, action, environment, given)
    return Settings(
        action=action,
        demo=flags.demo,
        interval=timedelta(seconds=value["interval"]),
        base_url=value["base_url"],
        source="cookie" if cookies is not None and value["source"] == CLAUDE_CODE_SOURCE else value["source"],
        browsers=() if cookies is not None else tuple(value["browser"]),
        cookies=cookies,
        cookies_origin=place,
        theme=value["theme"],
        ascii=_needs_ascii(value["ascii"], environment),
        privacy=value["privacy"],
        pictures=_resolve_pictures_folder(action, given["pictures"]) if value["pictures"] else None,
        thresholds=tuple(value["thresholds"]),
        toast=value["alerts.toast"],
        bell=value["alerts.bell"],
        desktop=value["alerts.desktop"],
        on_event=tuple(value["on_event"]),
        screenshot=parse_picture_path(flags.screenshot) if flags.screenshot is not None else None,
        size=parse_size(flags.size) if flags.size is not None else Settings().size,
        org=flags.org,
        line_format=flags.format,
        resolved=given,
    )


def _resolve_pictures_folder(action: Action, given: ResolvedSetting) -> Path:
    """The folder for pictures: for what reads figures alone it need not be there."""
    path = _resolve_path(given)
    return check_folder(given.place, path) if action in (Action.DASHBOARD, Action.CONFIG) else path


def _needs_ascii(choice: str, environment: Mapping[str, str]) -> bool:
    """Whether to draw with ASCII only: a locale that is set and names no UTF-8 cannot show more.

    Where LANG is C, Python itself sets LC_CTYPE (PEP 538): that says nothing of the terminal.
    """
    if choice != "auto":
        return choice == "yes"
    everything, kind, lang = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    own = lang in ("C", "POSIX") and kind in ("C.UTF-8", "C.utf8", "UTF-8")
    locale = next(filter(None, (everything, None if own else kind, lang)), "UTF-8").lower()
    return "utf-8" not in locale and "utf8" not in locale


def _resolve_path(one: ResolvedSetting) -> Path:
    """A path that is a setting's value; in the file it is meant from the file's own folder."""
    path = expand_home(one.place, one.value)
    return one.folder / path if one.folder is not None else path


def _read_cookies(
    flags: Namespace, action: Action, environment: Mapping[str, str], given: Mapping[str, ResolvedSetting]
) -> tuple[Cookies | None, str]:
    """The cookies given by hand and where; none where a stronger place names a browser or another source."""
    named, source = given["cookie_file"], given["source"]
    other = source if source.value == CLAUDE_CODE_SOURCE else given["browser"]
    rank, place = (named.origin, named.name) if named.value else (SettingOrigin.DEFAULT, "")
    by_variable = COOKIE_VARIABLE in environment and rank < SettingOrigin.FLAG
    if by_variable:
        rank, place = SettingOrigin.ENVIRONMENT, COOKIE_VARIABLE
    strongest = other.origin if other.value else SettingOrigin.DEFAULT
    if flags.demo or action is Action.CONFIG or rank == SettingOrigin.DEFAULT or rank < strongest:
        return None, ""
    if rank == strongest:
        raise other.build_error(f"it cannot stand beside {place}; give one of the two")
    if by_variable:
        return parsers.read_cookie_variable(environment), COOKIE_VARIABLE
    return parsers.read_cookie_file(_resolve_path(named), given["base_url"].value, named.place), "cookie file"
