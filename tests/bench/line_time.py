"""Duration of `--line` and `--statusline` from the archive, as a status bar and Claude Code run them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.orgs import bodies
from tests.bench.pane import ROOT, environment
from tests.bench.poll_time import server
from tests.bench.table import PAIRS, Line, compared, in_turn, milliseconds

PROGRAM = ("-c", "from claudemeter_tui.__main__ import main\nraise SystemExit(main())")
PROJECTS = {f"/home/pat/project-{number}": {"history": ["x" * 500]} for number in range(100)}
"""Other content of Claude Code's state file, which makes it as large as a usual one."""


def line(pairs: int = PAIRS) -> Line:
    """Measure `--line` for one org in the archive, against an interpreter that does nothing."""
    return _measure("--line", pairs)


def statusline(pairs: int = PAIRS) -> Line:
    """Measure `--statusline` with an input and a login, against the same interpreter."""
    return _measure("--statusline", pairs)


def _measure(flag: str, pairs: int) -> Line:
    with TemporaryDirectory() as folder, server() as url:
        variables = environment() | {
            "HOME": folder,
            "CLAUDEMETER_BASE_URL": url,
            "CLAUDEMETER_COOKIE": "sessionKey=none",
            "CLAUDEMETER_INTERVAL": "3600",
        }
        org = bodies(0)
        state = {"projects": PROJECTS, "oauthAccount": {"organizationUuid": org.org["uuid"]}}
        Path(folder, ".claude.json").write_text(json.dumps(state), "utf-8")
        limits = {"five_hour": {"used_percentage": 99, "resets_at": time.time() + 3600}}
        content = json.dumps({"session_id": "x", "cwd": "/home/pat", "rate_limits": limits})

        def measure(*arguments: str) -> float:
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, *arguments],
                check=True,
                capture_output=True,
                input=content,
                text=True,
                cwd=ROOT,
                env=variables,
            )
            return time.perf_counter() - began

        measure(*PROGRAM, "--line")  # polls
        for _ in range(2):  # The first run resolves the settings, and the second one compiles what it needs.
            measure(*PROGRAM, flag)
        found = in_turn(lambda: measure(*PROGRAM, flag), lambda: measure("-c", "pass"), pairs)
    return compared(f"{flag} from the archive, one org", found, 5, milliseconds)
