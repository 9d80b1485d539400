"""What is to be done, and where a picture goes: said by flags alone, so no settings."""

from __future__ import annotations

import re
from argparse import Namespace
from enum import StrEnum
from pathlib import Path

from claudemeter_tui.config.errors import SettingsError, quoted, why

SMALLEST, LARGEST = (40, 1), (500, 200)
"""Columns and lines of a picture."""


class Action(StrEnum):
    """What is to be done, by the flag that asks for it."""

    DASHBOARD = "the dashboard"
    ONCE = "--once"
    JSON = "--json"
    WATCH = "--watch"
    CHECK = "--check"
    LINE = "--line"
    PICTURE = "--screenshot"
    SESSIONS = "--sessions"
    CONFIG = "--config"


PRINTING = frozenset({Action.ONCE, Action.JSON, Action.WATCH, Action.CHECK, Action.LINE})
"""What `--org` can narrow."""


def asked(flags: Namespace) -> Action:
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
    if flags.org is not None and action not in PRINTING:
        raise SettingsError(f"--org: it chooses what {', '.join(_PRINTING)} print; give one of them too")
    if flags.format is not None and action is not Action.LINE:
        raise SettingsError("--format: it is the form of --line; give that too")
    if flags.size is not None and action is not Action.PICTURE:
        raise SettingsError("--size: it is that of --screenshot's picture; give that too")
    return action


_PRINTING = [action for action in Action if action in PRINTING and action is not Action.WATCH]


def size(text: str) -> tuple[int, int]:
    """Columns and lines, `120x36`.

    Raises:
        SettingsError: it is of another form, or out of range.
    """
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    if match is None:
        raise SettingsError(f"--size: {quoted(text)} is not of the form 120x36")
    columns, lines = int(match[1]), int(match[2])
    if not (SMALLEST[0] <= columns <= LARGEST[0] and SMALLEST[1] <= lines <= LARGEST[1]):
        raise SettingsError(f"--size: {text} is out of range; 40x1 to 500x200 are possible")
    return columns, lines


def picture(text: str) -> Path:
    """The file for a picture, in a folder that is there.

    Raises:
        SettingsError: no picture can be saved there.
    """
    path = home("--screenshot", text)
    if path.suffix.lower() not in (".svg", ".png"):
        raise SettingsError(f"--screenshot: {quoted(text)} must end in .svg or .png")
    folder("--screenshot", path.parent)
    return path


def folder(place: str, path: Path) -> Path:
    """The folder for pictures, which has to be there.

    Raises:
        SettingsError: there is none, or it is a file.
    """
    try:
        if path.is_dir():
            return path
    except OSError as error:
        raise SettingsError(f"{place}: {str(path)!r}: {why(error)}") from None
    raise SettingsError(f"{place}: there is no folder {str(path)!r}")


def home(place: str, text: str) -> Path:
    """The path with `~` replaced.

    Raises:
        SettingsError: it is the home folder of nobody.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise SettingsError(f"{place}: {quoted(text)}: there is no such home folder") from None
