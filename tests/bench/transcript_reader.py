"""Read transcripts into an archive once; print the seconds and the peak of the memory in bytes.

    python -m tests.bench.transcript_reader ARCHIVE CONFIG_FOLDER

The module imports no more than the program's own process does, because its imports count.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from pathlib import Path

from claudemeter_tui.claude_code.config_folder import CONFIG_FOLDER_VARIABLE
from claudemeter_tui.transcript_process import TranscriptKeeper


def read_once(archive: Path, config_folder: str) -> float:
    """Return the seconds of one look at all files, with everything that a new process has to load."""
    began = time.perf_counter()
    keeper = TranscriptKeeper(archive, archive.parent, {CONFIG_FOLDER_VARIABLE: config_folder})
    deque(keeper.read_changes(threading.Event(), everything=True), maxlen=0)
    return time.perf_counter() - began


def measure_peak() -> int:
    """Return the most bytes that this process has had in memory; Linux only."""
    # getrusage() would name the parent's, from before this program was loaded.
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


if __name__ == "__main__":
    print(read_once(Path(sys.argv[1]), sys.argv[2]), measure_peak())
