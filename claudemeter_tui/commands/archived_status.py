"""Print `--check` and `--line` from the archive, without loading the model or resolving the settings.

A status bar runs the same command every few seconds. A run that resolves its arguments and environment
stores the result under a hash of both, so the next run only looks it up. This module therefore loads little.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from claudemeter_tui import __version__
from claudemeter_tui.commands.stdout import EXIT_NO_SESSION, EXIT_NOTHING_READ, EXIT_USAGE, print_line
from claudemeter_tui.formatting.bar import BarState, list_tooltip, style_line
from claudemeter_tui.formatting.template import fill_template
from claudemeter_tui.history import status as stored
from claudemeter_tui.history.database import (
    DamagedArchiveError,
    NewerArchiveError,
    ReplacedArchiveError,
    locate_archive,
    open_for_reading,
    open_for_update,
)
from claudemeter_tui.storage import locate_config_file

if TYPE_CHECKING:  # slow to load
    from claudemeter_tui.config.resolution import Invocation

ARCHIVE_ERRORS = (OSError, NewerArchiveError, DamagedArchiveError, ReplacedArchiveError, *stored.READ_ERRORS)
"""Errors of opening, reading or writing the archive."""
STARTED_AT = time.time_ns()
"""Start of the program. A file that is changed later may have been read before."""
TIMESTAMP_ERROR = 2_000_000_000
"""Nanoseconds by which the time of a file's change may be too early."""
_VARIABLE_PREFIXES = ("CLAUDE", "XDG_", "LC_", "LANG", "HOME", "LOCALAPPDATA", "USERPROFILE")
"""Environment variables that may change the settings; their values are only hashed."""
_SECONDS_PATTERN = re.compile(r"\b\d+s\b")
"""Seconds in a countdown or an age."""


def print_archived(arguments: Sequence[str]) -> int | None:
    """Print the stored answer to these arguments and return its exit status.

    None if the settings must be resolved, a poll is due, or the texts have changed since.
    """
    try:
        answer = _find_answer(arguments)
    except ARCHIVE_ERRORS:
        return None
    if answer is None:
        return None
    text, status = answer
    return print_answer(text, status)


def print_answer(text: str, status: int) -> int:
    """Print the answer and return its exit status, or that of an output that fails."""
    try:
        print_line(text)
    except OSError as error:
        # Do not compute the answer again: that run could not print it either, and would report success.
        print(f"claudemeter-tui: standard output: {error.strerror}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    return status


def _find_answer(arguments: Sequence[str]) -> tuple[str, int] | None:
    found = find_status(arguments, int(time.time() * 1000))
    if found is None:
        return None
    request, orgs = found
    answer = format_answer(choose_worst(orgs), request.template, request.style)
    return None if has_seconds(answer[0]) else answer


def find_status(
    arguments: Sequence[str], now: int, *, may_poll: bool = True
) -> tuple[stored.ResolvedRequest, Sequence[stored.OrgStatus]] | None:
    """Return what these arguments ask for, and the orgs that they select with texts of now.

    None if the settings must be resolved, if the texts have changed since, or if a poll is due. `may_poll` is
    False for a command that never polls.

    Raises:
        One of `ARCHIVE_ERRORS`: The archive cannot be read.
    """
    with closing(open_for_reading(locate_archive(or_temporary=True))) as connection:
        request = stored.load_request(connection, _hash_surroundings(arguments))
        if request is None or _describe_file(request.cookie_file) != request.cookie_file_state:
            return None
        status = stored.load_status(connection, request.key)
        if status is None:
            return None
        if may_poll and not stored.is_current(connection, status, now, request.interval, request.origin):
            return None
    if not status.orgs or not status.are_texts_valid(now):
        return None
    if request.org is None:
        return request, status.orgs
    from claudemeter_tui.model.org_names import match_orgs  # noqa: PLC0415 - most runs choose none

    places = match_orgs([org.names for org in status.orgs], request.org)
    return (request, [status.orgs[places[0]]]) if len(places) == 1 else None


def has_seconds(text: str) -> bool:
    """Return True if the text has a countdown or an age in seconds, which is wrong a second later."""
    return _SECONDS_PATTERN.search(text) is not None


def choose_worst(orgs: Sequence[stored.OrgStatus]) -> stored.OrgStatus:
    """Return the org with the worst verdict."""
    return min(orgs, key=lambda org: org.rank)


def format_answer(org: stored.OrgStatus, template: str | None, style: str = "") -> tuple[str, int]:
    """Return the line about an org in a style and the exit status; without a template, its verdict."""
    if template is None:
        return f"{org.texts['text']} · {fill_template('{org}', org.texts)}", org.exit_status
    tooltip, is_stale = list_tooltip(org.texts), bool(org.texts["age"])
    state = BarState(org.state, org.severity, org.percent, tooltip, is_stale)
    line = style_line(fill_template(template, org.texts), state, style)
    return line, org.exit_status if is_unknown(org) else 0


def is_unknown(org: stored.OrgStatus) -> bool:
    """Return True if the verdict is UNKNOWN."""
    return org.exit_status in (EXIT_NO_SESSION, EXIT_NOTHING_READ)


def remember_request(arguments: Sequence[str], chosen: Invocation, template: str | None, style: str) -> None:
    """Store what these arguments ask for in this environment; do nothing if the archive is not writable.

    `template` is that of the line, None for the verdict instead of a line; `style` is empty for plain text.
    """
    now = int(time.time() * 1000)
    with (
        suppress(*ARCHIVE_ERRORS),
        closing(open_for_update(locate_archive(or_temporary=True))) as connection,
    ):
        resolved = chosen.resolved["cookie_file"]
        cookie_file = str(resolved.resolve_path()) if resolved.value else ""
        files = (str(locate_config_file()), cookie_file)
        if any(max(_describe_file(file)[:2], default=0) > STARTED_AT - TIMESTAMP_ERROR for file in files):
            return
        request = stored.ResolvedRequest(
            chosen.sources_key,
            chosen.base_url,
            int(chosen.interval.total_seconds() * 1000),
            chosen.org,
            template,
            style,
            cookie_file,
            _describe_file(cookie_file),
        )
        stored.save_request(connection, _hash_surroundings(arguments), request, now)


def _describe_file(file: str) -> list[int]:
    """Return numbers that change if the file is changed or replaced; empty if there is none."""
    with suppress(OSError):
        if file:
            found = Path(file).stat()
            return [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]
    return []


def _hash_surroundings(arguments: Sequence[str]) -> str:
    """Return a hash of everything that decides what the arguments mean, except the file with the session."""
    config = _describe_file(str(locate_config_file()))
    variables = stored.select_variables(_VARIABLE_PREFIXES)
    return stored.hash_text(repr((__version__, tuple(arguments), str(Path.cwd()), variables, config)))
