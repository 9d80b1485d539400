"""Run `--statusline`: one line for Claude Code, from the archive and from what Claude Code has seen itself.

Claude Code runs it after each reply, cancels a run when the next one is due, and shows nothing of a command
that fails. So it loads little, never polls, and exits with 0. The figures are those of the last poll of a
dashboard, a status bar or another command; old figures show their age.

Claude Code's input names neither a time nor an account. A figure in it is therefore only used

- for the org that Claude Code's config folder is logged in to,
- if its reset is the archived one or a later one, and still to come,
- within a window only if it is higher than the archived one,

and it is shown as a minimum: `5-hour at least 43%`.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from claudemeter_tui.claude_code.config_folder import locate_settings_file, read_login_org
from claudemeter_tui.claude_code.status_input import MAX_INPUT_BYTES, SeenLimit, parse_seen_limits
from claudemeter_tui.commands.archived_status import (
    ARCHIVE_ERRORS,
    choose_worst,
    find_status,
    has_seconds,
    is_unknown,
    print_answer,
)
from claudemeter_tui.formatting.template import fill_template
from claudemeter_tui.history.status import OrgStatus, WindowFigure
from claudemeter_tui.model.sanitize import replace_unprintable

TEMPLATE = "{state} · {refused} · {windows} · {models} · {credits} · {org} {note} {age}"
"""Template of the line: placeholders of `--format`, but `windows` with labels, and a note about the org."""
NO_FIGURES = "claudemeter-tui: no figures yet; start claudemeter-tui in another terminal"
OTHER_ORG_NOTE = "(not Claude Code's org)"
"""Follows the org if Claude Code is logged in to an org without figures."""
INPUT_TIMEOUT = 0.5
"""Seconds for the input, which Claude Code writes at once."""
FULL_FROM = 100
"""Percentage from which a window is full."""
_MINUTE = 60_000
"""Milliseconds; a length or a reset can be wrong by as much."""


def print_statusline(arguments: Sequence[str]) -> int | None:
    """Print the line of these arguments and return the exit status.

    None if there is no input, if the settings must be resolved, or if the stored texts have changed since.
    """
    content = read_input()
    if content is None:
        return None
    now = int(time.time() * 1000)
    try:
        found = find_status(arguments, now, may_poll=False)
    except ARCHIVE_ERRORS:
        return None
    if found is None:
        return None
    request, orgs = found
    line = format_line(orgs, request.org, content, now)
    return None if has_seconds(line) else print_answer(line, 0)


@cache
def read_input() -> bytes | None:
    """Return Claude Code's input; None without one: a terminal, or an empty input.

    It is read once, because both ways to a line need it. It ends early if it is too large or takes too long.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    content, deadline = bytearray(), time.monotonic() + INPUT_TIMEOUT
    with suppress(OSError):
        descriptor = sys.stdin.fileno()
        while len(content) <= MAX_INPUT_BYTES:
            # Windows cannot wait for a pipe.
            left = max(0.0, deadline - time.monotonic())
            if sys.platform != "win32" and not select.select([descriptor], [], [], left)[0]:
                return bytes(content)
            part = os.read(descriptor, 1 << 16)
            if not part:
                return bytes(content) if content.strip() else None
            content += part
    return bytes(content)


def format_line(orgs: Sequence[OrgStatus], wanted: str | None, content: bytes, now: int) -> str:
    """Return the line about one of these orgs.

    Args:
        orgs: The orgs that the arguments select, with texts of now; at least one.
        wanted: Number, name or UUID in the arguments. None if they name no org.
        content: Claude Code's input, which can be anything.
        now: Milliseconds since 1970.
    """
    login = read_login_org(_locate_home(), os.environ)
    own = [org for org in orgs if org.uuid.lower() == login]
    org = choose_worst(own or orgs)
    seen = parse_seen_limits(content) if own else {}
    note = OTHER_ORG_NOTE if login is not None and wanted is None and not own else ""
    pairs = [(window, find_minimum(window, seen.get(window.kind), now)) for window in org.windows]
    change = None if is_unknown(org) else _describe_change(pairs)
    state = org.texts["state"] if change is None else f"UNKNOWN · {change} · last known: {org.texts['state']}"
    windows = ", ".join(
        f"{window.label} {window.text if minimum is None else f'at least {minimum}%'}"
        for window, minimum in pairs
    )
    return fill_template(TEMPLATE, org.texts | {"state": state, "windows": windows, "note": note})


def find_minimum(window: WindowFigure, seen: SeenLimit | None, now: int) -> int | None:
    """Return the whole percent that are used at least. None if the archived figure is as good or better."""
    if seen is None or window.resets_at is None or window.length is None:
        return None
    if not max(now + 1, window.resets_at) <= seen.resets_at <= now + window.length + _MINUTE:
        return None
    if seen.resets_at > window.resets_at:
        return seen.percent
    return seen.percent if not window.is_full and seen.percent > (window.percent or 0) else None


def _describe_change(pairs: Sequence[tuple[WindowFigure, int | None]]) -> str | None:
    """Return the reason if the minimums show that the verdict is out of date. None if they do not."""
    now_full = {
        window: window.is_full if minimum is None else minimum >= FULL_FROM for window, minimum in pairs
    }
    if any(now_full.values()) is any(window.is_full for window in now_full):
        return None
    label, is_full = next((one.label, full) for one, full in now_full.items() if full is not one.is_full)
    return f"{label} {'full' if is_full else 'reset'} since the last poll"


def _locate_home() -> Path:
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - `Path.home` fails without a home folder


def describe_setup(arguments: Sequence[str]) -> str:
    """Return the lines for Claude Code's settings file, and where that file is."""
    import json  # noqa: PLC0415 - only without input
    import shlex  # noqa: PLC0415
    import shutil  # noqa: PLC0415

    name = "claudemeter-tui"
    program = Path(sys.argv[0])
    # Claude Code's shell may not find a command in a virtual environment.
    command = str(program.absolute()) if program.stem == name and shutil.which(name) is None else name
    words = json.dumps(shlex.join((command, *arguments)))
    file = replace_unprintable(str(locate_settings_file(_locate_home(), os.environ)))
    return "\n".join(
        (
            f"Claude Code's status line: add these two lines to {file}",
            '"statusLine": {"type": "command",',
            f'               "command": {words}}}',
        )
    )
