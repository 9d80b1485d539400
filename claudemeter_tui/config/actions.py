"""The command line: every flag, and the action that the flags ask for."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from claudemeter_tui import __version__
from claudemeter_tui.settings import (
    SETTINGS,
    Setting,
    SettingsError,
    describe_choices,
    describe_os_error,
    expand_home,
    find_similar,
    is_secret,
    quote_value,
)


class Action(StrEnum):
    """Action of one run, named by the flag that selects it."""

    DASHBOARD = "the dashboard"
    ONCE = "--once"
    JSON = "--json"
    WATCH = "--watch"
    CHECK = "--check"
    LINE = "--line"
    STATUSLINE = "--statusline"
    SCREENSHOT = "--screenshot"
    SESSIONS = "--sessions"
    FORGET = "--forget"
    CONFIG = "--config"
    HISTORY = "--history"
    EXPORT = "--export"
    METRICS = "--metrics"
    JSON_SCHEMA = "--json-schema"
    COMPLETION = "--completion"
    EXTENSION = "--extension"


class Flag(NamedTuple):
    """A flag that is not a setting."""

    name: str
    metavar: str
    """Name of its value, FILE for a path. Empty for a switch."""
    help: str
    """One line in lower case, for `--help`, the manual and the README."""
    choices: tuple[str, ...] = ()
    """Every accepted value. Empty if others are accepted, too."""


EXPORT_ROWS = ("figures", "cycles", "events", "replies", "tokens", "refusals")
"""Values of `--what`, the default first."""
COLORS = ("tmux", "ansi")
"""Values of `--color`."""
SHELLS = ("bash", "zsh", "fish")
"""Values of `--completion`."""
EXTENSION_STEPS = ("install", "status", "remove")
"""Values of `--extension`."""
FLAG_GROUPS: tuple[tuple[str, tuple[Flag, ...]], ...] = (
    (
        "dashboard",
        (
            Flag("--demo", "", "show a simulated day (no account, no network)"),
            Flag("--screenshot", "FILE.svg", "save a picture of the dashboard (needs no terminal)"),
            Flag("--size", "COLSxLINES", "picture size (default 120x36)"),
        ),
    ),
    (
        "figures for scripts",
        (
            Flag("--once", "", "print every org's figures"),
            Flag("--json", "", "print every org's figures and replies as JSON"),
            Flag("--watch", "", "with --json: stream events, one JSON object per line (current state first)"),
            Flag("--check", "", "print the worst org's verdict and exit with a matching status"),
            Flag("--org", "ORG", "only this org, in the dashboard the first one (number, name or UUID)"),
        ),
    ),
    (
        "status bars",
        (
            Flag("--line", "", "print one short line for a status bar (with --json as an object for Waybar)"),
            Flag(
                "--statusline",
                "",
                "print one line for Claude Code's status line (without its input: the settings)",
            ),
            Flag("--format", "TEXT", "template for --line, e.g. '{alarm} {windows} {org}'"),
            Flag(
                "--color",
                "KIND",
                "colour --line by severity: tmux (its styles) or ansi",
                COLORS,
            ),
        ),
    ),
    (
        "monitoring",
        (
            Flag(
                "--metrics",
                "HOST:PORT|FILE.prom",
                "serve metrics for Prometheus (:PORT: on this machine only), or write them once to a file",
            ),
        ),
    ),
    (
        "history",
        (
            Flag("--history", "", "print cycles and sums of the kept history (with --json as JSON)"),
            Flag(
                "--export",
                "FILE",
                "write the kept history to a .csv, .json or .ndjson file, or to an evidence bundle (.zip)",
            ),
            Flag(
                "--what",
                "ROWS",
                "rows of --export: figures (default), cycles, events, replies, tokens or refusals",
                EXPORT_ROWS,
            ),
            Flag(
                "--since",
                "TIME",
                "start for --export and --history: 2026-04-25, '2026-04-25 14:30', 30d or 12h",
            ),
            Flag("--until", "TIME", "end for --export and --history; a date includes that day"),
            Flag("--forget", "ORG|all", "remove an org's history (name or UUID), or everything"),
            Flag("--yes", "", "with --forget: do not ask"),
        ),
    ),
    (
        "set-up",
        (
            Flag("--sessions", "", "list browser profiles and whether each is signed in"),
            Flag(
                "--extension",
                "STEP",
                "read through a browser extension instead of cookies: install, status or remove",
                EXTENSION_STEPS,
            ),
            Flag("--config", "", "print every setting and its origin"),
            Flag("--completion", "SHELL", "print a completion script for bash, zsh or fish", SHELLS),
            Flag("--json-schema", "", "print the JSON Schema of all JSON that is printed or exported"),
        ),
    ),
)
"""Every flag that is not a setting, by purpose."""
PROGRAM_FLAGS = (("--version", "print the version"), ("-h, --help", "print this help"))
"""The flags about the program itself, the last ones of the last group, with their help."""
ACTION_FLAGS = tuple(flag for _, group in FLAG_GROUPS for flag in group)
EXAMPLES = (
    ("claudemeter-tui --demo", "try the dashboard without an account"),
    ('claudemeter-tui --once --org "Acme Team"', "print the figures of one org"),
    ("claudemeter-tui --check", "ask in a script whether work can go on"),
    ("claudemeter-tui --line --color tmux", "print a line for the status bar of tmux"),
    ("claudemeter-tui --json --watch", "follow the events of all orgs"),
    ("claudemeter-tui --metrics :19190", "serve the figures to Prometheus"),
    ("claudemeter-tui --export april.csv --since 2026-04-01", "write the figures since a date"),
)
"""Commands for `--help` and the manual, with their purposes."""
HISTORY_ACTIONS = (Action.EXPORT, Action.HISTORY)
"""Actions that read the archive, and that `--since` and `--until` can narrow."""
_SETUP_ACTIONS = (Action.CONFIG, Action.FORGET, Action.JSON_SCHEMA, Action.COMPLETION, Action.EXTENSION)
OFFLINE_ACTIONS = (*_SETUP_ACTIONS, *HISTORY_ACTIONS)
"""Actions that need no session."""
NO_ORG_ACTIONS = (Action.SESSIONS, Action.METRICS, *_SETUP_ACTIONS)
"""Actions that `--org` cannot narrow."""
_NEEDS = {
    "--format": Action.LINE,
    "--color": Action.LINE,
    "--size": Action.SCREENSHOT,
    "--what": Action.EXPORT,
    "--yes": Action.FORGET,
}
"""Flags that only one action uses."""
EXPORT_SUFFIXES = (".csv", ".json", ".ndjson", ".zip")
METRICS_SUFFIX = ".prom"
"""End of the name of a file for the textfile collector, which reads no other files."""
CHECK_EXIT_HELP = (
    "0 can work, 5 can work but credits are blocked, 10 on credits, 20 wait, 30 blocked,"
    " 3 no session, 4 unknown"
)
"""The exit statuses of `--check`."""


def parse_action(flags: Namespace) -> Action:
    """Return the action that these flags select.

    Raises:
        SettingsError: The flags cannot be combined.
    """
    found = [action for action in Action if _is_given(flags, action)]
    if Action.JSON in found and Action.ONCE in found:
        found.remove(Action.ONCE)
    if Action.WATCH in found:
        if Action.JSON not in found:
            raise SettingsError("--watch requires --json")
        found.remove(Action.JSON)
    if Action.JSON in found and not {Action.HISTORY, Action.LINE}.isdisjoint(found):
        found.remove(Action.JSON)
    if len(found) > 1:
        raise SettingsError(f"{found[1]} and {found[0]} can't be combined")
    action = found[0] if found else Action.DASHBOARD
    if (
        flags.demo
        and action in (Action.STATUSLINE, Action.SESSIONS, *OFFLINE_ACTIONS)
        and action is not Action.CONFIG
    ):
        raise SettingsError(f"{action} and --demo can't be combined")
    _check_companions(flags, action)
    return action


def _is_given(flags: Namespace, flag: str) -> bool:
    return getattr(flags, flag.lstrip("-").replace("-", "_"), None) not in (None, False)


def _check_companions(flags: Namespace, action: Action) -> None:
    """Check that every flag that only changes an action is given with that action.

    Raises:
        SettingsError: It is given with another action.
    """
    if flags.org is not None and action in NO_ORG_ACTIONS:
        raise SettingsError(f"{action} and --org can't be combined")
    for flag, needed in _NEEDS.items():
        if _is_given(flags, flag) and action is not needed:
            raise SettingsError(f"{flag} only works with {needed}")
    for flag in ("--since", "--until"):
        if _is_given(flags, flag) and action not in HISTORY_ACTIONS:
            raise SettingsError(f"{flag} only works with --export or --history")


def parse_size(text: str) -> tuple[int, int]:
    """Return columns and lines of a text such as `120x36`.

    Raises:
        SettingsError: The text has another form, or the size is out of range.
    """
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    if match is None:
        raise SettingsError(f"--size: {quote_value(text)} is not a size such as 120x36")
    columns, lines = int(match[1]), int(match[2])
    if not (40 <= columns <= 500 and 1 <= lines <= 200):
        raise SettingsError(f"--size: {text} is out of range (40x1 to 500x200)")
    return columns, lines


def parse_picture_path(text: str) -> Path:
    """Return the file for a picture; its folder must exist.

    Raises:
        SettingsError: No picture can be saved at that path.
    """
    path = expand_home("--screenshot", text)
    if path.suffix.lower() not in (".svg", ".png"):
        raise SettingsError(f"--screenshot: {quote_value(text)} must end in .svg or .png")
    check_folder("--screenshot", path.parent)
    return path


def parse_export_path(text: str) -> Path:
    """Return the file for an export; its folder must exist.

    Raises:
        SettingsError: No export can be saved at that path.
    """
    path = expand_home("--export", text)
    if path.suffix.lower() not in EXPORT_SUFFIXES:
        *others, last = EXPORT_SUFFIXES
        raise SettingsError(f"--export: {quote_value(text)} must end in {', '.join(others)} or {last}")
    check_folder("--export", path.parent)
    if path.is_dir():
        raise SettingsError(f"--export: {str(path)!r} is a folder")
    return path


LOOPBACK = "127.0.0.1"
"""Address of `:PORT` and of `PORT`."""


class ListenAddress(NamedTuple):
    """The address of a server."""

    host: str
    """Host name or IP address, in lower case; an IPv6 address without brackets."""
    port: int


_LISTEN_ADDRESS = r"(?i)(?:(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]*):)?(?P<port>[0-9]{1,5})"


def parse_metrics_target(text: str) -> ListenAddress | Path:
    """Return the address or the file of `--metrics`; the folder of a file must exist.

    Raises:
        SettingsError: The text is neither.
    """
    if text.endswith(METRICS_SUFFIX):
        path = expand_home("--metrics", text)
        check_folder("--metrics", path.parent)
        if path.is_dir():
            raise SettingsError(f"--metrics: {str(path)!r} is a folder")
        return path
    match = re.fullmatch(_LISTEN_ADDRESS, text)
    if match is None:
        raise SettingsError(
            f"--metrics: {quote_value(text)} is neither HOST:PORT, such as :19190, nor a file that ends in"
            f" {METRICS_SUFFIX}"
        )
    port = int(match["port"])
    if not 1 <= port <= 65_535:
        raise SettingsError(f"--metrics: the port {port} is out of range (1 to 65535)")
    return ListenAddress((match["host"] or LOOPBACK).strip("[]").lower(), port)


def parse_export_rows(text: str | None, path: Path) -> str:
    """Return the rows of `--what`; the default ones for None.

    Raises:
        SettingsError: There are no such rows, or the file has all of them.
    """
    if text is None:
        return EXPORT_ROWS[0]
    _check_choice("--what", "rows", text, EXPORT_ROWS)
    if path.suffix.lower() == ".zip":
        raise SettingsError("--what does not work with a .zip file, which has all rows")
    return text


def parse_style(color: str | None, *, as_json: bool) -> str:
    """Return the style of `--line`: the value of `--color`, `json`, or empty for plain text.

    Raises:
        SettingsError: There are no such colours, or JSON cannot have them.
    """
    if color is None:
        return "json" if as_json else ""
    _check_choice("--color", "kind", color, COLORS)
    if as_json:
        raise SettingsError("--color and --json can't be combined")
    return color


def parse_shell(text: str) -> str:
    """Return the shell of `--completion`.

    Raises:
        SettingsError: There is no script for that shell.
    """
    _check_choice("--completion", "shell", text, SHELLS)
    return text


def parse_extension_step(text: str) -> str:
    """Return the value of `--extension`.

    Raises:
        SettingsError: There is no such step.
    """
    _check_choice("--extension", "step", text, EXTENSION_STEPS)
    return text


def _check_choice(flag: str, noun: str, text: str, choices: tuple[str, ...]) -> None:
    """Check that the value of a flag is one of its choices.

    Raises:
        SettingsError: It is another text; the message names the nearest choice, or all of them.
    """
    if text not in choices:
        raise SettingsError(f"{flag}: unknown {noun} {quote_value(text)}; {describe_choices(text, choices)}")


_AGE = r"([0-9]{1,4})([dh])"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
_MOMENT = f"{_DATE}[T ]{_CLOCK_TIME}"


def parse_moment(flag: str, text: str | None, now: datetime) -> datetime | None:
    """Return the time of `--since` or `--until` in UTC; None for None.

    A date or a time without a zone is local. A date is its beginning, or for `--until` its end.

    Raises:
        SettingsError: The text is neither a date, nor a time, nor an age.
    """
    if text is None:
        return None
    try:
        if age := re.fullmatch(_AGE, text):
            return now - int(age[1]) * (timedelta(days=1) if age[2] == "d" else timedelta(hours=1))
        if re.fullmatch(_DATE, text):
            day = datetime.fromisoformat(text)
            return (day + timedelta(days=flag == "--until")).astimezone(UTC)
        if re.fullmatch(_MOMENT, text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # such as the 31st of April
        pass
    raise SettingsError(
        f"{flag}: {quote_value(text)} is not a time such as 2026-04-25, '2026-04-25 14:30', 30d or 12h"
    )


def check_span(since: datetime | None, until: datetime | None) -> None:
    """Check that a span is not empty.

    Raises:
        SettingsError: It ends before it begins.
    """
    if since is not None and until is not None and since >= until:
        raise SettingsError("--until must be later than --since")


def check_folder(place: str, path: Path) -> None:
    """Check that a folder for pictures exists.

    Raises:
        SettingsError: The path does not exist, or is a file.
    """
    try:
        if path.is_dir():
            return
    except OSError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {describe_os_error(error)}") from None
    raise SettingsError(f"{place}: {str(path)!r} is not an existing folder")


class _FlagParser(argparse.ArgumentParser):
    """Argument parser that reports an error in one line, like any other invalid setting."""

    def error(self, message: str) -> NoReturn:
        shown = "a session key is not a valid argument" if is_secret(message) else message
        meant = self._guess_flag(shown)
        raise SettingsError(f"{shown}; {f'did you mean {meant}?' if meant else 'see --help'}")

    def _guess_flag(self, message: str) -> str | None:
        """Return the flag that the first unknown argument resembles. None if there is none."""
        _, is_unknown, arguments = message.partition("unrecognized arguments: ")
        if not is_unknown:
            return None
        word = arguments.split(" ")[0].partition("=")[0]
        flags = tuple(self._option_string_actions)
        if not word.startswith("-"):  # a name such as picture.svg resembles --pictures by chance
            return f"--{word}" if f"--{word}" in flags else None
        return find_similar(f"--{word.lstrip('-')}", flags)


class _HelpFormatter(argparse.HelpFormatter):
    """Formatter that wraps each paragraph of a text, and keeps lines that are indented."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = text.split("\n")
        return "\n".join(
            line if line.startswith(" ") else super(_HelpFormatter, self)._fill_text(line, width, indent)
            for line in lines
        )


DESCRIPTION = (
    "Can I keep working with Claude? Am I paying extra for it?"
    " Will the next prompt be refused, why, and until when?"
)
"""The purpose, as at the top of the README."""
SETTINGS_NOTE = (
    "Each setting is also a key of the config file and an environment variable, such as CLAUDEMETER_INTERVAL."
    " The session comes from --cookie-file, CLAUDEMETER_COOKIE or your browsers."
)
STATUS_NOTE = (
    f"Exit status of --check: {CHECK_EXIT_HELP}. --line, --once, --json and --metrics FILE.prom exit with"
    " 0, 3 or 4."
    " Invalid arguments or settings exit with status 2."
    " --statusline prints any error and exits with 0, because Claude Code hides failed commands."
)


def build_flag_parser() -> argparse.ArgumentParser:
    """Build the parser of all flags."""
    examples = "".join(f"\n  {command}\n      {purpose}" for command, purpose in EXAMPLES)
    flags = _FlagParser(
        prog="claudemeter-tui",
        usage="%(prog)s [flags]",
        description=f"{DESCRIPTION} Without flags, it opens the dashboard.",
        epilog=f"examples:{examples}\n\n{SETTINGS_NOTE}\n\n{STATUS_NOTE}",
        formatter_class=_HelpFormatter,
        add_help=False,
        allow_abbrev=False,  # a new flag must not make an abbreviation in someone's script ambiguous
    )
    for title, group in FLAG_GROUPS:
        section = flags.add_argument_group(title)
        for flag in group:
            how: dict[str, Any] = (
                {"metavar": flag.metavar, "type": _refuse_secret}
                if flag.metavar
                else {"action": "store_true"}
            )
            section.add_argument(flag.name, help=flag.help, **how)
    (version, version_help), (names, help_help) = PROGRAM_FLAGS
    section.add_argument(
        version, action="version", version=f"claudemeter-tui {__version__}", help=version_help
    )
    section.add_argument(*names.split(", "), action="help", help=help_help)
    settings = flags.add_argument_group("settings")
    for setting in SETTINGS:
        if not setting.has_flag:
            continue
        if not setting.metavar:
            # `--privacy` alone means yes; `--privacy no` overrides the config file.
            how = {"nargs": "?", "const": "yes", "metavar": "yes|no"}
        else:
            how = {"metavar": setting.metavar, "action": "append" if setting.is_repeatable else "store"}
        settings.add_argument(
            setting.flag, dest=setting.field_name, help=f"{setting.help}{_format_default(setting)}", **how
        )
    return flags


def _format_default(setting: Setting) -> str:
    """Return ` (default 60)`; empty for a switch, whose default is obvious, and for an empty default."""
    default = setting.default
    shown = ",".join(map(str, default)) if isinstance(default, list) else default
    return f" (default {shown})" if shown and (setting.metavar or isinstance(default, list)) else ""


def _refuse_secret(text: str) -> str:
    """Return the text. Refuse a secret even if no error quotes it: --line would print and store it."""
    if is_secret(text):
        raise argparse.ArgumentTypeError("a session key is not a valid value")
    return text
