"""Resident memory after an hour and after a month of polls, the dashboard running without a terminal."""

from __future__ import annotations

import subprocess
import sys
from tempfile import TemporaryDirectory

from tests.bench.pane import ROOT, environment
from tests.bench.table import PAIRS, Line, compared, in_turn

HOUR, MONTH = 60, 30 * 24 * 60
"""Number of polls, one a minute."""
MEBIBYTE = 1 << 20
MOST_GROWTH = 2.0
"""Allowed growth from the hour to the month, in mebibytes."""


def memory(pairs: int = PAIRS, polls: int = HOUR) -> Line:
    """Measure after an hour of simulated polls, against the empty app."""
    found = in_turn(lambda: _resident(polls)[-1], lambda: _resident(0)[-1], pairs)
    return compared("memory after an hour of polls", found, 1.6, _mebibytes)


def month(polls: tuple[int, int] = (HOUR, MONTH)) -> Line:
    """Measure after a simulated month, against the hour in the same process; it takes half an hour."""
    after_hour, after_month = _resident(*polls)
    grown = (after_month - after_hour) / MEBIBYTE
    return Line(
        "memory after a month of polls",
        _mebibytes(after_month),
        f"within {MOST_GROWTH:g} MiB of the hour's",
        grown <= MOST_GROWTH,
        _mebibytes(after_hour),
        after_month / after_hour,
    )


def _resident(*polls: int) -> list[float]:
    """Return the bytes after each of these numbers of polls; 0 means the empty app."""
    command = [sys.executable, "-m", "tests.bench.resident", *map(str, polls)]
    with TemporaryDirectory() as folder:
        variables = environment() | {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder}
        out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=variables)
    return [float(line) for line in out.stdout.split()]


def _mebibytes(size: float) -> str:
    return f"{size / MEBIBYTE:.1f} MiB"
