"""Resolve the settings of one run: a flag overrides the environment, which overrides the file."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from claudemeter_tui.config.actions import (
    OFFLINE_ACTIONS,
    Action,
    ListenAddress,
    build_flag_parser,
    check_folder,
    check_span,
    parse_action,
    parse_export_path,
    parse_export_rows,
    parse_extension_step,
    parse_metrics_target,
    parse_moment,
    parse_picture_path,
    parse_shell,
    parse_size,
    parse_style,
)
from claudemeter_tui.model.sanitize import replace_unprintable
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, BadCookieError, Cookies
from claudemeter_tui.settings import (
    SETTINGS,
    ResolvedSetting,
    Setting,
    SettingOrigin,
    Settings,
    SettingsError,
    SettingValue,
    describe_choices,
    describe_os_error,
    is_secret,
    mask_secrets,
)
from claudemeter_tui.storage import read_start

if TYPE_CHECKING:
    from claudemeter_tui.model.org_rules import OrgRules

MAX_CONFIG_FILE_BYTES = 1 << 20
"""Maximum bytes; a real file has a few hundred."""
SECRET_KEY_PATTERN = r"(?i)cookies?|.*session_?key|.*token|.*secret|.*password"  # noqa: S105 - a pattern
"""Keys that people may use for a secret, which does not belong in this file."""
COOKIE_VARIABLE = "CLAUDEMETER_COOKIE"
"""Environment variable that holds the secret itself; it is not a setting, so `--config` does not show it."""
MAX_COOKIE_FILE_BYTES = 1 << 20
"""Maximum bytes; real files have a few thousand."""
CLAUDE_CODE_SOURCE = "claude-code"
"""The source that uses neither a cookie nor a browser."""


@dataclass(frozen=True)
class Invocation(Settings):
    """The settings of one run, and the values of its other flags."""

    action: Action = Action.DASHBOARD
    demo: bool = False
    org: str | None = None
    """Number, name or UUID of the one org to print. None for all orgs, or the worst."""
    forget: str | None = None
    """Number, name or UUID of the org whose history is removed, or "all". None for other actions."""
    yes: bool = False
    """True to remove it without asking."""
    line_format: str | None = None
    """Template of `--line`. None for the default one."""
    line_style: str = ""
    """Style of `--line`: `json`, a kind of colours, or empty for plain text and for other actions."""
    screenshot: Path | None = None
    """File for the picture. None unless the action is SCREENSHOT."""
    size: tuple[int, int] = (120, 36)
    """Columns and lines of that picture."""
    as_json: bool = False
    """True if `--json` is given."""
    export: Path | None = None
    """File for an export. None unless the action is EXPORT."""
    export_rows: str = ""
    """Rows of the export, as in `--what`. Empty unless the action is EXPORT."""
    metrics: ListenAddress | Path | None = None
    """Address to serve metrics at, or file to write them to. None unless the action is METRICS."""
    since: datetime | None = None
    """Start of an export or of the printed history, in UTC. None for no limit."""
    until: datetime | None = None
    """End of the same, not included. None for no limit."""
    shell: str = ""
    """Shell of the completion script. Empty unless the action is COMPLETION."""
    extension_step: str = ""
    """Value of `--extension`: install, status or remove. Empty unless the action is EXTENSION."""
    cookies: Cookies | None = None
    """Cookies that the user provided. None if the program looks for sessions itself."""
    cookies_origin: str = ""
    """Displayed origin of those cookies. Empty without cookies."""

    @property
    def has_privacy_flag(self) -> bool:
        """True if `--privacy` is given: unlike the saved setting, it applies to exports, too."""
        return self.privacy and self.resolved["privacy"].origin is SettingOrigin.FLAG

    @property
    def has_org_rules(self) -> bool:
        """True if there are settings about orgs."""
        return bool(self.ignore or self.orgs_aliases or self.orgs_order)

    @property
    def sources_key(self) -> str:
        """Hash of the settings that decide what is read."""
        from hashlib import sha256  # noqa: PLC0415 - slow, and the dashboard's first frame does not need it

        cookies = () if self.cookies is None else self.cookies.select_session_key().reveal()
        read_with: tuple[object, ...] = self.base_url, self.source, self.browser, self.cookies_origin, cookies
        if self.has_org_rules:  # the texts of the status have the aliases
            read_with = (*read_with, self.ignore, self.orgs_aliases, self.orgs_order)
        return sha256(repr(read_with).encode()).hexdigest()[:16]


def build_org_rules(chosen: Settings) -> OrgRules:
    """Return the settings about orgs; a name of `ignore` that is also a browser's counts as both."""
    from claudemeter_tui.model.org_rules import OrgRules  # noqa: PLC0415 - most users have none

    return OrgRules(chosen.ignore, chosen.orgs_aliases, chosen.orgs_order)


_KEYS = tuple(setting.key for setting in SETTINGS)
"""The known keys of the config file."""


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
    now = datetime.now(UTC)
    export = parse_export_path(flags.export) if flags.export is not None else None
    since, until = parse_moment("--since", flags.since, now), parse_moment("--until", flags.until, now)
    check_span(since, until)
    chosen = Invocation(
        **{one.setting.field_name: one.setting.build(one, environment) for one in resolved.values()},
        resolved=resolved,
        action=action,
        demo=flags.demo,
        org=flags.org,
        forget=flags.forget,
        yes=flags.yes,
        line_format=flags.format,
        line_style=parse_style(flags.color, as_json=flags.json) if action is Action.LINE else "",
        screenshot=parse_picture_path(flags.screenshot) if flags.screenshot is not None else None,
        as_json=flags.json,
        export=export,
        export_rows=parse_export_rows(flags.what, export) if export is not None else "",
        metrics=parse_metrics_target(flags.metrics) if flags.metrics is not None else None,
        shell=parse_shell(flags.completion) if flags.completion is not None else "",
        extension_step=parse_extension_step(flags.extension) if flags.extension is not None else "",
        since=since,
        until=until,
        size=parse_size(flags.size) if flags.size is not None else Invocation.size,
    )
    if chosen.pictures is not None and action in (Action.DASHBOARD, Action.CONFIG):
        check_folder(resolved["pictures"].place, chosen.pictures)  # scripts that print figures need none
    needs_no_session = flags.demo or action in OFFLINE_ACTIONS
    given = None if needs_no_session else read_cookies(resolved, environment)
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
    keys = read_config_file(file) if file is not None else {}
    resolved = {setting.key: ResolvedSetting(setting, setting.default) for setting in SETTINGS}
    for setting in SETTINGS:
        key, variable = setting.key, setting.environment_variable
        flag = getattr(flags, setting.field_name, None)
        if file is not None and key in keys:
            in_file = _parse_setting(setting, keys[key], SettingOrigin.FILE, f"{str(file)!r}: {key}")
            resolved[key] = in_file._replace(folder=file.parent)
        if environment.get(variable):
            resolved[key] = _parse_setting(
                setting, environment[variable], SettingOrigin.ENVIRONMENT, variable
            )
        if flag is not None:
            resolved[key] = _parse_setting(setting, flag, SettingOrigin.FLAG, setting.flag)
    return resolved


def _parse_setting(setting: Setting, raw: object, origin: SettingOrigin, place: str) -> ResolvedSetting:
    try:
        return ResolvedSetting(setting, setting.parse(raw), origin, place)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None


def read_config_file(path: Path) -> dict[str, object]:
    """Return the dotted keys of a file and their values; empty if there is no file.

    Raises:
        SettingsError: The file is unreadable, is not TOML, or has an unknown key.
    """
    try:
        content = read_start(path, MAX_CONFIG_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{str(path)!r}: {describe_os_error(error)}") from None
    if len(content) > MAX_CONFIG_FILE_BYTES:
        raise SettingsError(f"{str(path)!r}: too large for a config file")
    import tomllib  # noqa: PLC0415 - most users have no config file

    try:
        table = tomllib.loads(content.decode("utf-8-sig"))  # Windows editors may add a byte order mark
    except UnicodeDecodeError:
        raise SettingsError(f"{str(path)!r}: not valid UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{str(path)!r}: nested too deeply") from None
    except ValueError as error:
        # A TOML error is a subclass; the int constructor raises a plain ValueError.
        cause = "a number has too many digits" if type(error) is ValueError else str(error)
        raise SettingsError(f"{str(path)!r}: {cause}") from None
    found = dict(_flatten_keys(table))
    for key in found:
        if key not in _KEYS:
            raise SettingsError(f"{str(path)!r}: {_describe_unknown_key(key)}")
    return found


def _flatten_keys(table: dict[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value with its dotted key; a table that holds no setting counts as one key."""
    for key, value in table.items():
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
        dotted = above + (key if bare else repr(key))
        if isinstance(value, dict) and any(one.startswith(f"{dotted}.") for one in _KEYS):
            yield from _flatten_keys(value, f"{dotted}.")
        else:
            yield dotted, value


def _describe_unknown_key(key: str) -> str:
    """Explain why a key is not accepted, and suggest a similar one."""
    if is_secret(key) or re.fullmatch(SECRET_KEY_PATTERN, key):
        shown = "this key" if is_secret(key) and len(key) > 20 else key
        return (
            f"{shown}: secrets don't belong in this file; save the session key in a file of its own and set"
            f" cookie_file to its path, or set {COOKIE_VARIABLE}"
        )
    if any(one.startswith(f"{key}.") for one in _KEYS):
        return f"{key}: this is a table; write [{key}] and its keys below it"
    return f"{key}: unknown setting; {describe_choices(key.replace('-', '_'), _KEYS)}"


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
        escaped = mask_secrets(value).replace("\\", "\\\\").replace('"', '\\"')  # a command can hold a token
        return f'"{"".join(map(_escape_char, escaped))}"'
    if isinstance(value, Mapping):
        pairs = (f"{_format_toml(name)} = {_format_toml(alias)}" for name, alias in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"{value:g}" if isinstance(value, int | float) else f"[{', '.join(map(_format_toml, value))}]"


def _escape_char(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08X}"


def read_cookies(
    resolved: Mapping[str, ResolvedSetting], environment: Mapping[str, str]
) -> tuple[Cookies, str] | None:
    """Return the cookies that the user provided and a name for their origin.

    None if there are no cookies, or if a setting of higher priority selects a browser or another source.

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
    """Read a file with a Cookie header, a bare key, or cookies in Netscape's format.

    In Netscape's format, cookies of `base_url` are used along with those of claude.ai.
    """
    hosts = [urlsplit(url).hostname or "" for url in (CLAUDE_AI_ORIGIN, base_url)]
    place = f"{place}: {str(path)!r}"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_COOKIE_FILE_BYTES + 1)
        if len(content) > MAX_COOKIE_FILE_BYTES:
            raise SettingsError(f"{place}: too large for a cookie file")
        text = content.decode()
        if text.lstrip().startswith("#") or "\t" in text:
            return Cookies.from_netscape(path, hosts)
        return Cookies.parse(text)
    except OSError as error:
        raise SettingsError(f"{place}: {describe_os_error(error)}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place} is not a text file") from None
    except BadCookieError as error:
        raise SettingsError(f"{place}: {error}") from None
