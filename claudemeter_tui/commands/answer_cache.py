"""Cache the printed answers of `--check` and `--line`.

A status bar runs the same command every few seconds, and the answer changes once a minute. Within that
minute the cached answer is printed without loading the modules that computed it, so this module imports
little.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from claudemeter_tui import __version__
from claudemeter_tui.commands.stdout import EXIT_USAGE, print_line
from claudemeter_tui.storage import locate_config_file, locate_state_folder, read_start

CACHED_FLAGS = frozenset({"--check", "--line"})
"""Flags of the commands whose answer is cached."""
NETWORK_VARIABLES = ("SSL_CERT_", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""Beginnings, in upper case, of the variables that decide how the server is reached."""
_VARIABLE_PREFIXES = (
    *NETWORK_VARIABLES,
    "CLAUDE",
    "XDG_",
    "LC_",
    "LANG",
    "TZ",
    "HOME",
    "LOCALAPPDATA",
    "USERPROFILE",
)
"""Environment variables that may change the answer; their values are only hashed."""
_SECONDS_PATTERN = re.compile(r"\b\d+s\b")
"""Seconds in a countdown or an age."""
_MAX_ANSWER_BYTES = 65_536
"""Maximum bytes; an answer is one line."""


def replay_answer(arguments: Sequence[str]) -> int | None:
    """Print the cached answer to these arguments and return its exit status. None if there is none."""
    if not CACHED_FLAGS.intersection(arguments):
        return None
    try:
        content = read_start(_build_answer_path(arguments), _MAX_ANSWER_BYTES)
        head, _, text = content.decode().partition("\n")
        since, until, status = head.split(" ")
        if not float(since) <= time.time() < float(until):
            return None
        exit_status = int(status)
    except (OSError, ValueError):
        return None
    try:
        print_line(text)
    except OSError as error:
        # Do not compute the answer again: that run could not print it either, and would report success.
        print(f"claudemeter-tui: standard output: {error.strerror}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    return exit_status


def save_answer(arguments: Sequence[str], text: str, status: int, until: datetime) -> None:
    """Cache an answer until that moment, unless it shows seconds or the folder is not writable."""
    from claudemeter_tui.storage import write_private_file  # noqa: PLC0415 - slow, and not needed to repeat an answer

    if _SECONDS_PATTERN.search(text) is None:
        with suppress(OSError):
            # Do not round: a time rounded up would be in the future, and the answer would not be repeated
            # yet.
            write_private_file(
                _build_answer_path(arguments), f"{time.time()!r} {until.timestamp()!r} {status}\n{text}"
            )


def _build_answer_path(arguments: Sequence[str]) -> Path:
    """Return the file for the answer to these arguments in this environment."""
    surroundings = sorted(
        pair for pair in os.environ.items() if pair[0].upper().startswith(_VARIABLE_PREFIXES)
    )
    try:
        modified = locate_config_file().stat().st_mtime_ns
    except OSError:
        modified = 0
    asked = (__version__, tuple(arguments), str(Path.cwd()), surroundings, modified)
    digest = hashlib.sha256(repr(asked).encode(errors="surrogateescape")).hexdigest()[:16]
    return locate_state_folder() / f"kept-{digest}.txt"
