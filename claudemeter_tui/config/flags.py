"""The flags: one for each setting that has one, and those that say what is to be done."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from claudemeter_tui import __version__
from claudemeter_tui.config.cookie import COOKIE_VARIABLE
from claudemeter_tui.config.errors import SettingsError, is_secret
from claudemeter_tui.config.table import SETTINGS, Setting

ACTIONS = (
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
EXITS = (
    "0 can work, 5 can work but credits are blocked, 10 on credits, 20 wait, 30 blocked,"
    " 3 no session, 4 unknown"
)
"""What `--check` ends with."""


class _Flags(argparse.ArgumentParser):
    """Tells what is wrong in one line, like every other bad setting."""

    def error(self, message: str) -> NoReturn:
        said = "what looks like a session key is no argument" if is_secret(message) else message
        raise SettingsError(f"{said}; --help tells what there is")


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = _Flags(
        prog="claudemeter-tui",
        description="Can I go on working with Claude, am I paying for it, and when does the limit lift?",
        epilog="Each setting is also a key of the config file and an environment variable, such as"
        f" CLAUDEMETER_INTERVAL. The session comes from --cookie-file, {COOKIE_VARIABLE}, or the browsers."
        f" Exit status of --check: {EXITS}. --line, --once and --json end with 0, 3 or 4. What cannot be"
        " used ends everything with 2.",
        allow_abbrev=False,
    )
    flags.add_argument("--version", action="version", version=f"claudemeter-tui {__version__}")
    flags.add_argument("--demo", action="store_true", help="a simulated day; no account, no network")
    actions = flags.add_argument_group("instead of the dashboard")
    for flag, takes, does in ACTIONS:
        how: dict[str, Any] = {"metavar": takes} if takes else {"action": "store_true"}
        actions.add_argument(flag, help=does, **how)
    settings = flags.add_argument_group("settings")
    for setting in SETTINGS:
        if setting.has_flag:
            settings.add_argument(setting.flag, help=setting.help + _usual(setting), **_how(setting))
    return flags


def _usual(setting: Setting) -> str:
    """The default in brackets, where it says something."""
    listed = isinstance(setting.default, list)
    shown = ",".join(map(str, setting.default)) if isinstance(setting.default, list) else setting.default
    return f" ({shown})" if shown and (setting.metavar or listed) else ""


def _how(setting: Setting) -> dict[str, Any]:
    if not setting.metavar:
        return {"nargs": "?", "const": "yes", "metavar": "yes|no"}
    return {"metavar": setting.metavar} | ({"action": "append"} if setting.repeats else {})
