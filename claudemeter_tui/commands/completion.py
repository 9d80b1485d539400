"""`--completion`: print a script that lets a shell complete the flags and their values."""

from __future__ import annotations

import re

from claudemeter_tui.config.actions import ACTION_FLAGS, build_flag_parser
from claudemeter_tui.settings import SETTINGS


def format_completion(shell: str) -> str:
    """Return the script for bash, zsh or fish: flags with their help, choices, files and folders.

    Without shtab's comments on where to save it, which are not the folders of the README.
    """
    import shtab  # noqa: PLC0415 - for this command only

    paths = {"FILE": shtab.FILE, "FOLDER": shtab.DIRECTORY}
    choices = {flag.name: flag.choices for flag in ACTION_FLAGS} | {row.flag: row.choices for row in SETTINGS}
    parser = build_flag_parser()
    for flag in parser._actions:  # noqa: SLF001 - shtab reads them, too
        # The parser itself has no choices: a setting's own error is better than argparse's.
        flag.choices = choices.get(flag.option_strings[-1]) or None
        kind = str(flag.metavar).partition(".")[0]
        if kind in paths:
            flag.complete = paths[kind]  # type: ignore[attr-defined]
    script = shtab.complete(parser, shell).rstrip("\n")
    return re.sub(r"^# Usage:\n(?:# .*\n)+", "", script, count=1, flags=re.MULTILINE)
