"""Resident memory after an hour and after a week of polls, the dashboard running without a terminal."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.pane import ROOT, environment
from tests.bench.table import PAIRS, Line, compared, in_turn

HOUR, WEEK = 60, 7 * 24 * 60
"""Number of polls, one a minute."""
MEBIBYTE = 1 << 20
MOST_GROWTH = 3.0
"""Allowed growth from the hour to the week, in mebibytes."""


def memory(pairs: int = PAIRS, polls: int = HOUR) -> Line:
    """Measure after an hour of simulated polls, against the empty app."""
    found = in_turn(lambda: _resident(polls)[-1], lambda: _resident(0)[-1], pairs)
    return compared("memory after an hour of polls", found, 2.2, _mebibytes)


def week(polls: tuple[int, int] = (HOUR, WEEK)) -> Line:
    """Measure after a simulated week, against the hour in the same process; one run takes minutes."""
    after_hour, after_week = _resident(*polls)
    grown = (after_week - after_hour) / MEBIBYTE
    return Line(
        "memory after a week of polls",
        _mebibytes(after_week),
        f"within {MOST_GROWTH:g} MiB of the hour's",
        grown <= MOST_GROWTH,
        _mebibytes(after_hour),
        after_week / after_hour,
    )


def _resident(*polls: int) -> list[float]:
    """Return the bytes after each of these numbers of polls; 0 means the empty app."""
    command = [sys.executable, "-m", "tests.bench.resident", *map(str, polls)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment())
    return [float(line) for line in out.stdout.split()]


def _mebibytes(size: float) -> str:
    return f"{size / MEBIBYTE:.1f} MiB"
