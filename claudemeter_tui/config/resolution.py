"""Resolve the settings of one run: a flag overrides the environment, which overrides the file."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from claudemeter_tui.config.actions import (
    Action,
    build_flag_parser,
    check_folder,
    parse_action,
    parse_picture_path,
    parse_size,
)
from claudemeter_tui.config.cookies import CLAUDE_CODE_SOURCE, COOKIE_VARIABLE, read_cookies
from claudemeter_tui.model.sanitize import replace_unprintable
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.settings import (
    SETTINGS,
    ResolvedSetting,
    Setting,
    SettingOrigin,
    Settings,
    SettingsError,
    SettingValue,
    describe_os_error,
    is_secret,
    mask_secrets,
)

MAX_CONFIG_FILE_BYTES = 1 << 20
"""Bytes; a real file has a few hundred."""
SECRET_KEY_PATTERN = re.compile(r"cookies?|.*session_?key|.*token|.*secret|.*password", re.IGNORECASE)
"""Keys that someone may use for a secret, which does not belong in this file."""


@dataclass(frozen=True)
class Invocation(Settings):
    """The settings of one run, and the values of its other flags."""

    action: Action = Action.DASHBOARD
    demo: bool = False
    org: str | None = None
    """Number, name or UUID of the one org to print. None for all orgs, or the worst."""
    line_format: str | None = None
    """Template of `--line`. None for the default one."""
    screenshot: Path | None = None
    """File for the picture. None unless the action is SCREENSHOT."""
    size: tuple[int, int] = (120, 36)
    """Columns and lines of that picture."""
    cookies: Cookies | None = None
    """Cookies that the user provided. None if the program looks for sessions itself."""
    cookies_origin: str = ""
    """Displayed origin of those cookies. Empty without cookies."""


def load_settings(
    arguments: Sequence[str], environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Invocation:
    """Return the settings of these arguments, this environment and this config file (None for no file).

    Raises:
        SettingsError: An argument or a setting is invalid.
    """
    flags = build_flag_parser().parse_args(arguments)
    action = parse_action(flags)
    resolved = resolve_settings(flags, environment, file)
    chosen = Invocation(
        **{one.setting.field_name: one.setting.build(one, environment) for one in resolved.values()},
        resolved=resolved,
        action=action,
        demo=flags.demo,
        org=flags.org,
        line_format=flags.format,
        screenshot=parse_picture_path(flags.screenshot) if flags.screenshot is not None else None,
        size=parse_size(flags.size) if flags.size is not None else Invocation.size,
    )
    if chosen.pictures is not None and action in (Action.DASHBOARD, Action.CONFIG):
        check_folder(resolved["pictures"].place, chosen.pictures)  # scripts that print figures need none
    given = None if flags.demo or action is Action.CONFIG else read_cookies(resolved, environment)
    if given is None:
        return chosen
    source = "cookie" if chosen.source == CLAUDE_CODE_SOURCE else chosen.source
    return replace(chosen, cookies=given[0], cookies_origin=given[1], source=source, browser=())


def resolve_settings(
    flags: Namespace, environment: Mapping[str, str], file: Path | None
) -> dict[str, ResolvedSetting]:
    """Return every setting by its key. Every source is validated, even if a higher one overrides it.

    Raises:
        SettingsError: A value is invalid.
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
    """Yield the setting from every source that sets it, lowest priority first."""
    yield ResolvedSetting(setting, setting.default)
    if file is not None and setting.key in keys:
        place = f"{str(file)!r}: {setting.key}"
        found = _parse_setting(setting, keys[setting.key], SettingOrigin.FILE, place)
        yield replace(found, folder=file.parent)
    variable = setting.environment_variable
    if environment.get(variable):
        yield _parse_setting(setting, environment[variable], SettingOrigin.ENVIRONMENT, variable)
    flag = getattr(flags, setting.field_name, None)
    if flag is not None:
        yield _parse_setting(setting, flag, SettingOrigin.FLAG, setting.flag)


def _parse_setting(setting: Setting, raw: object, origin: SettingOrigin, place: str) -> ResolvedSetting:
    try:
        return ResolvedSetting(setting, setting.parse(raw), origin, place)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None


def read_config_file(path: Path, known: Collection[str]) -> dict[str, object]:
    """Return the dotted keys of a file and their values; empty if there is no file.

    Raises:
        SettingsError: The file is unreadable, is not TOML, or has an unknown key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{str(path)!r}: {describe_os_error(error)}") from None
    found = dict(_flatten_keys(_parse_toml(content, path), known))
    for key in found:
        if key not in known:
            raise SettingsError(f"{str(path)!r}: {_describe_unknown_key(key, known)}")
    return found


def _parse_toml(content: bytes, path: Path) -> dict[str, object]:
    if len(content) > MAX_CONFIG_FILE_BYTES:
        raise SettingsError(f"{str(path)!r}: too large for a config file")
    import tomllib  # noqa: PLC0415 - most users have no config file

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{str(path)!r}: not valid UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{str(path)!r}: nested too deeply") from None
    except ValueError as error:
        cause = "a number has too many digits" if type(error) is ValueError else str(error)
        raise SettingsError(f"{str(path)!r}: {cause}") from None


def _flatten_keys(
    table: dict[str, object], known: Collection[str], above: str = ""
) -> Iterator[tuple[str, object]]:
    """Yield each value with its dotted key; a table that holds no setting counts as one key."""
    for key, value in table.items():
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
        dotted = above + (key if bare else repr(key))
        if isinstance(value, dict) and any(one.startswith(f"{dotted}.") for one in known):
            yield from _flatten_keys(value, known, f"{dotted}.")
        else:
            yield dotted, value


def _describe_unknown_key(key: str, known: Collection[str]) -> str:
    """Explain why a key is not accepted, and suggest a similar one."""
    if is_secret(key) or SECRET_KEY_PATTERN.fullmatch(key):
        shown = "this key" if is_secret(key) and len(key) > 20 else key
        return (
            f"{shown}: secrets don't belong in this file; save the session key in a file of its own and set"
            f" cookie_file to its path, or set {COOKIE_VARIABLE}"
        )
    if any(one.startswith(f"{key}.") for one in known):
        return f"{key}: this is a table; write [{key}] and its keys below it"
    from difflib import get_close_matches  # noqa: PLC0415 - rare and slow

    near = get_close_matches(key.replace("-", "_"), known, 1)
    meant = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
    return f"{key}: unknown setting; {meant}"


def format_settings(
    resolved: Mapping[str, ResolvedSetting], environment: Mapping[str, str], file: Path
) -> str:
    """Return the lines of `--config`: valid TOML for that file, with the origin of each value."""
    lines = [f"# {replace_unprintable(str(file))}{'' if file.exists() else ' (not found)'}"]
    if COOKIE_VARIABLE in environment:
        lines.append(f"# {COOKIE_VARIABLE} is set (value hidden)")
    origins = {SettingOrigin.DEFAULT: "default", SettingOrigin.FILE: "this file"}
    pairs = [
        (f"{key} = {_format_toml(one.value)}", origins.get(one.origin, one.place))
        for key, one in resolved.items()
    ]
    width = max(len(line) for line, _ in pairs if len(line) <= 40)
    return "\n".join((*lines, *(f"{line:<{width}}  # {origin}" for line, origin in pairs)))


def _format_toml(value: SettingValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _format_toml_string(mask_secrets(value))  # a command can hold a token
    return f"{value:g}" if isinstance(value, int | float) else f"[{', '.join(map(_format_toml, value))}]"


def _format_toml_string(text: str) -> str:
    """Return a basic TOML string; characters that are not printable are escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escape_char(ord(char)) for char in escaped) + '"'


def _escape_char(code: int) -> str:
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
