"""Time and memory of reading Claude Code's transcripts, against ccusage."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing
from tests.bench.memory import MEBIBYTE
from tests.bench.pane import ROOT, environment
from tests.bench.table import PAIRS, Line, Pair, in_turn, limited, milliseconds, ratio
from tests.ccusage import find_ccusage, run_ccusage
from tests.transcript_files import write_transcripts

FILES, SIZE = 3000, 1 << 30
"""Number of transcripts, and the bytes of all of them."""
MOST_TIMES, LEAST_SPEED = 4.0, 400.0
"""Allowed multiple of the time of ccusage; speed in mebibytes per second."""
MOST_MEMORY = 64.0
"""Mebibytes."""


class _Place(NamedTuple):
    folder: Path
    """Folder with `claude`, the config folder, and room for archives."""
    size: float
    """Mebibytes of all transcripts."""
    owner: TemporaryDirectory[str]
    """Removes the folder when the interpreter ends."""

    @property
    def config_folder(self) -> Path:
        return self.folder / "claude"


class _Run(NamedTuple):
    pass_seconds: float
    """Seconds of the look at all files, without the start of the process."""
    peak: float
    """Bytes of memory."""


def transcripts(pairs: int = PAIRS, files: int = FILES, size: int = SIZE) -> Line:
    """Measure a process that reads all transcripts into an empty archive, against ccusage."""
    place = _write(files, size)
    program = find_ccusage(place.folder)
    found = in_turn(lambda: _time_cold(place), lambda: _time_ccusage(program, place), pairs)
    times = ratio(found)
    ours, theirs = (place.size / median(side) for side in zip(*found, strict=True))
    return Line(
        f"all transcripts, {place.size:.0f} MiB in {files} files",
        f"{ours:.0f} MiB/s",
        f"{LEAST_SPEED:g} MiB/s, at most {MOST_TIMES:g} times",
        ours >= LEAST_SPEED and times <= MOST_TIMES,
        f"{theirs:.0f} MiB/s",
        times,
    )


def unchanged(pairs: int = PAIRS, files: int = FILES, size: int = SIZE) -> Line:
    """Measure the first look of a process that finds nothing new, against looking at the same files."""
    place = _write(files, size)
    with TemporaryDirectory() as folder:
        archive = _create_archive(folder)
        _run(archive, place)
        found = in_turn(lambda: _run(archive, place).pass_seconds, lambda: _time_stat(place), pairs)
    return limited(f"no new transcripts, {files} files", found, 0.06, milliseconds)


def reader(pairs: int = PAIRS, files: int = FILES, size: int = SIZE) -> Line:
    """Measure the peak of the memory of a process that reads all transcripts, against one that reads none."""
    place = _write(files, size)
    empty = place._replace(folder=place.folder / "empty")
    found: list[Pair] = in_turn(lambda: _measure_memory(place), lambda: _measure_memory(empty), pairs)
    return limited("memory of the process that reads them", found, MOST_MEMORY * MEBIBYTE, _mebibytes)


@cache
def _write(files: int, size: int) -> _Place:
    owner = TemporaryDirectory()
    folder = Path(owner.name)
    written = write_transcripts(folder / "claude", files=files, size=size, days=30)
    return _Place(folder, written.size / MEBIBYTE, owner)


def _create_archive(folder: str) -> Path:
    archive = Path(folder, ARCHIVE_NAME)
    open_for_writing(archive).close()
    return archive


def _run(archive: Path, place: _Place) -> _Run:
    """Run a process that reads what is new."""
    command = [sys.executable, "-m", "tests.bench.transcript_reader", str(archive), str(place.config_folder)]
    variables = environment() | {"HOME": str(archive.parent)}
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=variables)
    return _Run(*map(float, out.stdout.split()))


def _time_cold(place: _Place) -> float:
    """Return the seconds of a whole process with an empty archive."""
    with TemporaryDirectory() as folder:
        archive = _create_archive(folder)
        began = time.perf_counter()
        _run(archive, place)
        return time.perf_counter() - began


def _time_ccusage(program: Path, place: _Place) -> float:
    began = time.perf_counter()
    run_ccusage(program, place.config_folder)
    return time.perf_counter() - began


def _time_stat(place: _Place) -> float:
    began = time.perf_counter()
    for folder, _, names in os.walk(place.config_folder):
        for name in names:
            Path(folder, name).stat()
    return time.perf_counter() - began


def _measure_memory(place: _Place) -> float:
    with TemporaryDirectory() as folder:
        return _run(_create_archive(folder), place).peak


def _mebibytes(size: float) -> str:
    return f"{size / MEBIBYTE:.1f} MiB"
