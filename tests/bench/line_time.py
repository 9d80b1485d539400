"""Duration of `--line` from the archive, as a status bar runs it."""

from __future__ import annotations

import subprocess
import sys
import time
from tempfile import TemporaryDirectory

from tests.bench.pane import ROOT, environment
from tests.bench.poll_time import server
from tests.bench.table import PAIRS, Line, compared, in_turn, milliseconds

PROGRAM = ("-c", "from claudemeter_tui.__main__ import main\nraise SystemExit(main())", "--line")


def line(pairs: int = PAIRS) -> Line:
    """Measure `--line` for one org in the archive, against an interpreter that does nothing."""
    with TemporaryDirectory() as folder, server() as url:
        variables = environment() | {
            "HOME": folder,
            "CLAUDEMETER_BASE_URL": url,
            "CLAUDEMETER_COOKIE": "sessionKey=none",
            "CLAUDEMETER_INTERVAL": "3600",
        }

        def measure(*arguments: str) -> float:
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT, env=variables
            )
            return time.perf_counter() - began

        for _ in range(2):  # The first run polls, and the second one compiles what only it needs.
            measure(*PROGRAM)
        found = in_turn(lambda: measure(*PROGRAM), lambda: measure("-c", "pass"), pairs)
    return compared("--line from the archive, one org", found, 5, milliseconds)
