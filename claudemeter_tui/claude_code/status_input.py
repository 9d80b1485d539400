"""Read the JSON that Claude Code sends to its status line command.

It has neither a time nor an account, and is a snapshot of one Claude Code session, possibly an old one. A
status line reads it every second, so the module loads little.
"""

from __future__ import annotations

import json
import math
from typing import NamedTuple

MAX_INPUT_BYTES = 1 << 20
"""Maximum bytes of the JSON; a real one has about two thousand."""
MAX_PERCENT = 1000
"""Maximum percentage; a larger one is an error."""
WINDOW_KEYS = {"five_hour": "session", "seven_day": "weekly_all"}
"""Names of the windows in the JSON, with the values of `WindowKind`."""


class SeenLimit(NamedTuple):
    """Figure of a window that one Claude Code session has last seen."""

    percent: int
    """Whole percent used at that time, 0 or more. Rounded down, because it is a minimum."""
    resets_at: int
    """Milliseconds since 1970, rounded to the minute like every reset of this program."""


def parse_seen_limits(content: bytes) -> dict[str, SeenLimit]:
    """Return the usable limits by the value of `WindowKind`; empty if there are none."""
    if len(content) > MAX_INPUT_BYTES:
        return {}
    try:
        limits = _get(json.loads(content), "rate_limits")
    except (ValueError, RecursionError):
        return {}
    found = {kind: _parse_limit(_get(limits, key)) for key, kind in WINDOW_KEYS.items()}
    return {kind: limit for kind, limit in found.items() if limit is not None}


def _parse_limit(limit: object) -> SeenLimit | None:
    percent = _to_whole(_get(limit, "used_percentage"))
    seconds = _to_whole(_get(limit, "resets_at"), add=30.0)
    if percent is None or seconds is None or not 0 <= percent <= MAX_PERCENT:
        return None
    return SeenLimit(percent, seconds // 60 * 60_000)


def _get(value: object, key: str) -> object:
    """Return the value of a key. None if there is none, or if this is no object."""
    return value.get(key) if isinstance(value, dict) else None


def _to_whole(value: object, add: float = 0.0) -> int | None:
    """Return the number after the addition, rounded down. None if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return math.floor(value + add)
    except (OverflowError, ValueError):  # too large, infinite, or NaN
        return None
