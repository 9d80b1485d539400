"""What `--check` and `--line` said a moment ago, for those who ask again and again.

A status bar runs the same command every few seconds, and its answer changes once a minute. Within that
minute the answer is given again without loading what it was made with; so this loads next to nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from claudemeter_tui import __version__
from claudemeter_tui.commands.stdout import print_line
from claudemeter_tui.storage import locate_config_file, locate_state_folder

CACHED_FLAGS = frozenset({"--check", "--line"})
"""Flags of what can be said again."""
_VARIABLE_PREFIXES = ("CLAUDE", "XDG_", "LC_", "LANG", "TZ", "HOME", "LOCALAPPDATA", "USERPROFILE")
"""Environment variables that decide what is said; what they hold is only compared."""
_SECONDS_PATTERN = re.compile(r"\b\d+s\b")
"""As a countdown or an age writes them."""
_MAX_ANSWER_BYTES = 65_536
"""Bytes."""


def replay_answer(arguments: Sequence[str]) -> int | None:
    """Say again what was said to these arguments, if it is still true; gives the exit status.

    None: it has to be found out.
    """
    if not CACHED_FLAGS.intersection(arguments):
        return None
    try:
        with _build_answer_path(arguments).open("rb") as file:
            head, _, text = file.read(_MAX_ANSWER_BYTES).decode().partition("\n")
        since, until, status = head.split(" ")
        if not float(since) <= time.time() < float(until):
            return None
        print_line(text)
        return int(status)
    except (OSError, ValueError):
        return None


def save_answer(arguments: Sequence[str], text: str, status: int, until: datetime) -> None:
    """Say it again until that moment; not where it counts seconds, nor where it cannot be kept."""
    from claudemeter_tui.storage import write_private_file  # noqa: PLC0415 - slow, and saying again needs none

    if _SECONDS_PATTERN.search(text) is None:
        with suppress(OSError):
            # Unrounded: the nearest millisecond may lie ahead, and an answer from ahead is never given.
            write_private_file(
                _build_answer_path(arguments), f"{time.time()!r} {until.timestamp()!r} {status}\n{text}"
            )


def _build_answer_path(arguments: Sequence[str]) -> Path:
    """Where the answer to these arguments in these surroundings is kept."""
    surroundings = sorted(pair for pair in os.environ.items() if pair[0].startswith(_VARIABLE_PREFIXES))
    asked = (
        __version__,
        tuple(arguments),
        str(Path.cwd()),
        surroundings,
        _read_modified_time(locate_config_file()),
    )
    digest = hashlib.sha256(repr(asked).encode(errors="surrogateescape")).hexdigest()[:16]
    return locate_state_folder() / f"kept-{digest}.txt"


def _read_modified_time(path: Path) -> int:
    """When a file was last changed; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
