"""What the program is asked to do, and the command line that asks for it."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from claudemeter_tui import __version__
from claudemeter_tui.config.parsers import (
    COOKIE_VARIABLE,
    SettingsError,
    describe_os_error,
    is_secret,
    quote_value,
)
from claudemeter_tui.config.schema import SETTINGS, Setting

MIN_PICTURE_SIZE, MAX_PICTURE_SIZE = (40, 1), (500, 200)
"""Columns and lines of a picture."""


class Action(StrEnum):
    """What is to be done, by the flag that asks for it."""

    DASHBOARD = "the dashboard"
    ONCE = "--once"
    JSON = "--json"
    WATCH = "--watch"
    CHECK = "--check"
    LINE = "--line"
    SCREENSHOT = "--screenshot"
    SESSIONS = "--sessions"
    CONFIG = "--config"


ORG_ACTIONS = frozenset({Action.ONCE, Action.JSON, Action.WATCH, Action.CHECK, Action.LINE})
"""What `--org` can narrow."""


def parse_action(flags: Namespace) -> Action:
    """What these flags ask for.

    Raises:
        SettingsError: they say nothing together.
    """
    found = [action for action in Action if getattr(flags, action.lstrip("-"), None) not in (None, False)]
    if Action.JSON in found and Action.ONCE in found:
        found.remove(Action.ONCE)
    if Action.WATCH in found:
        if Action.JSON not in found:
            raise SettingsError("--watch: what happens is told as JSON only; give --json too")
        found.remove(Action.JSON)
    if len(found) > 1:
        raise SettingsError(f"{found[1]}: it cannot be had together with {found[0]}")
    action = found[0] if found else Action.DASHBOARD
    if flags.demo and action is Action.SESSIONS:
        raise SettingsError("--sessions: it cannot be had together with --demo")
    if flags.org is not None and action not in ORG_ACTIONS:
        raise SettingsError(
            f"--org: it chooses what {', '.join(_LISTED_ORG_ACTIONS)} print; give one of them too"
        )
    if flags.format is not None and action is not Action.LINE:
        raise SettingsError("--format: it is the form of --line; give that too")
    if flags.size is not None and action is not Action.SCREENSHOT:
        raise SettingsError("--size: it is that of --screenshot's picture; give that too")
    return action


_LISTED_ORG_ACTIONS = [action for action in Action if action in ORG_ACTIONS and action is not Action.WATCH]


def parse_size(text: str) -> tuple[int, int]:
    """Columns and lines, `120x36`.

    Raises:
        SettingsError: it is of another form, or out of range.
    """
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    if match is None:
        raise SettingsError(f"--size: {quote_value(text)} is not of the form 120x36")
    columns, lines = int(match[1]), int(match[2])
    if not (
        MIN_PICTURE_SIZE[0] <= columns <= MAX_PICTURE_SIZE[0]
        and MIN_PICTURE_SIZE[1] <= lines <= MAX_PICTURE_SIZE[1]
    ):
        raise SettingsError(f"--size: {text} is out of range; 40x1 to 500x200 are possible")
    return columns, lines


def parse_picture_path(text: str) -> Path:
    """The file for a picture, in a folder that is there.

    Raises:
        SettingsError: no picture can be saved there.
    """
    path = expand_home("--screenshot", text)
    if path.suffix.lower() not in (".svg", ".png"):
        raise SettingsError(f"--screenshot: {quote_value(text)} must end in .svg or .png")
    check_folder("--screenshot", path.parent)
    return path


def check_folder(place: str, path: Path) -> Path:
    """The folder for pictures, which has to be there.

    Raises:
        SettingsError: there is none, or it is a file.
    """
    try:
        if path.is_dir():
            return path
    except OSError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {describe_os_error(error)}") from None
    raise SettingsError(f"{place}: there is no folder {str(path)!r}")


def expand_home(place: str, text: str) -> Path:
    """The path with `~` replaced.

    Raises:
        SettingsError: it is the home folder of nobody.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise SettingsError(f"{place}: {quote_value(text)}: there is no such home folder") from None


ACTION_FLAGS = (
    ("--once", "", "print every org's figures"),
    ("--json", "", "print them and the replies as JSON"),
    ("--watch", "", "with --json: print how things stand, then what happens, a line of JSON each"),
    ("--check", "", "print the verdict on the worst org; the exit status says it, too"),
    ("--line", "", "print one short line, for tmux and Starship"),
    ("--format", "TEXT", "what that line says: a text with placeholders such as {org}"),
    ("--org", "ORG", "print only this one: its number, name or uuid"),
    ("--screenshot", "FILE.svg", "save one picture, without a terminal"),
    ("--size", "COLSxLINES", "of the picture (120x36)"),
    ("--sessions", "", "show what every browser profile gave, and why"),
    ("--config", "", "show every setting and where it comes from"),
)
"""Flag, what it takes (empty: nothing), and what it does."""
CHECK_EXIT_HELP = (
    "0 can work, 5 can work but credits are blocked, 10 on credits, 20 wait, 30 blocked,"
    " 3 no session, 4 unknown"
)
"""What `--check` ends with."""


class _FlagParser(argparse.ArgumentParser):
    """Tells what is wrong in one line, like every other bad setting."""

    def error(self, message: str) -> NoReturn:
        said = "what looks like a session key is no argument" if is_secret(message) else message
        raise SettingsError(f"{said}; --help tells what there is")


def build_flag_parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = _FlagParser(
        prog="claudemeter-tui",
        description="Can I go on working with Claude, am I paying for it, and when does the limit lift?",
        epilog="Each setting is also a key of the config file and an environment variable, such as"
        f" CLAUDEMETER_INTERVAL. The session comes from --cookie-file, {COOKIE_VARIABLE}, or the browsers."
        f" Exit status of --check: {CHECK_EXIT_HELP}."
        " --line, --once and --json end with 0, 3 or 4. What cannot be used ends everything with 2.",
        allow_abbrev=False,
    )
    flags.add_argument("--version", action="version", version=f"claudemeter-tui {__version__}")
    flags.add_argument("--demo", action="store_true", help="a simulated day; no account, no network")
    actions = flags.add_argument_group("instead of the dashboard")
    for flag, takes, does in ACTION_FLAGS:
        how: dict[str, Any] = {"metavar": takes} if takes else {"action": "store_true"}
        actions.add_argument(flag, help=does, **how)
    settings = flags.add_argument_group("settings")
    for setting in SETTINGS:
        if setting.has_flag:
            settings.add_argument(
                setting.flag, help=setting.help + _format_default(setting), **_build_flag_options(setting)
            )
    return flags


def _format_default(setting: Setting) -> str:
    """The default in brackets, where it says something."""
    listed = isinstance(setting.default, list)
    shown = ",".join(map(str, setting.default)) if isinstance(setting.default, list) else setting.default
    return f" ({shown})" if shown and (setting.metavar or listed) else ""


def _build_flag_options(setting: Setting) -> dict[str, Any]:
    if not setting.metavar:
        return {"nargs": "?", "const": "yes", "metavar": "yes|no"}
    return {"metavar": setting.metavar} | ({"action": "append"} if setting.is_repeatable else {})
