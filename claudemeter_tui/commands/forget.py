"""Run `--forget`: remove an org, or everything, from the history and from the remembered values."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from claudemeter_tui.commands.once import write_line
from claudemeter_tui.history.database import (
    DamagedArchiveError,
    NewerArchiveError,
    is_damage,
)
from claudemeter_tui.history.repair import KeptOrg, Removal, list_kept_orgs, remove_history
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.org_names import match_names
from claudemeter_tui.model.org_rules import OrgRules
from claudemeter_tui.settings import SettingsError, describe_os_error
from claudemeter_tui.storage import load_ui_state, remove_old_files, save_ui_state

EVERYTHING = "all"
"""The value of `--forget` for every org of every server."""


@dataclass(frozen=True)
class ForgetRequest:
    """The history to remove."""

    wanted: str
    """Name or UUID of an org, or "all"."""
    origin: str
    """Origin of the server whose orgs are meant."""
    is_confirmed: bool
    """True to remove it without asking."""
    rules: OrgRules = field(default_factory=OrgRules)
    """The settings about orgs, whose aliases name them, too."""


def forget(asked: ForgetRequest, path: Path, state_folder: Path, now: datetime) -> int:
    """Remove what was asked for, and print what it was; return the exit status.

    Raises:
        SettingsError: No org matches, there is no terminal to ask on, or the history cannot be changed.
    """
    try:
        org = _choose_org(path, asked)
        whose = f"the history of {org.name or org.uuid}" if org is not None else "all history"
        if not asked.is_confirmed and not _ask(f"Remove {whose} from {path}? [y/N] "):
            write_line("Nothing was removed.")
            return 0
        removed = remove_history(path, org, now)
    except NewerArchiveError:
        raise SettingsError(
            "--forget: a newer version of claudemeter wrote the history; use that one"
        ) from None
    except DamagedArchiveError as error:
        raise SettingsError(f"--forget: {path}: {error}; --forget all removes the file") from None
    except sqlite3.Error as error:
        cure = "; --forget all removes the file" if is_damage(error) else ""
        raise SettingsError(f"--forget: {path}: {error}{cure}") from None
    except OSError as error:
        raise SettingsError(f"--forget: {path}: {describe_os_error(error)}") from None
    _forget_remembered(state_folder, org)
    write_line(_describe_removal(whose, removed))
    return 0


def _choose_org(path: Path, asked: ForgetRequest) -> KeptOrg | None:
    """Return the org to remove; None for everything.

    A number selects none, because a removal changes the numbers of the orgs after it.

    Raises:
        SettingsError: No org or several orgs match; the text lists those that are kept.
    """
    if asked.wanted.casefold() == EVERYTHING:
        return None
    orgs = list_kept_orgs(path, asked.origin)
    if not orgs:
        raise SettingsError(f"--forget: there is no history of {asked.origin}")
    named = [asked.rules.name_org(Org(org.uuid, org.name)) for org in orgs]
    matches = match_names([org.names for org in named], asked.wanted)
    if len(matches) == 1:
        return orgs[matches[0]]
    fault = f"several orgs match {asked.wanted!r}" if matches else f"unknown org {asked.wanted!r}"
    if not matches and asked.wanted.isdecimal():
        fault = "the number of an org can change, so use its name or UUID"
    choices = ", ".join(f"{org.name} ({org.uuid})" for org in orgs)
    raise SettingsError(f"--forget: {fault}; choose from {choices}")


def _ask(question: str) -> bool:
    """Return True if the answer on the terminal is yes.

    Raises:
        SettingsError: There is no terminal.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise SettingsError("--forget: without a terminal, add --yes to confirm")
    try:
        return input(question).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _forget_remembered(folder: Path, org: KeptOrg | None) -> None:
    """Remove the figures that version 0.1.0 cached, and the org that was on screen last."""
    remove_old_files(folder)
    state = load_ui_state(folder)
    if state.org is not None and (org is None or state.org[1] == org.uuid):
        save_ui_state(folder, state._replace(org=None))


def _describe_removal(whose: str, removed: Removal) -> str:
    """Return `Removed the history of Acme Team: 1,234 replies.`, with the files that were removed, too."""
    noun = "reply" if removed.reply_count == 1 else "replies"
    files = f", and {', '.join(removed.file_names)}" if removed.file_names else ""
    return f"Removed {whose}: {removed.reply_count:,} {noun}{files}."
