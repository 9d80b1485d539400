"""ccusage, another reader of transcripts: the yardstick for what ours counts and how fast it reads.

It is a package of npm. `.ci/run` installs it and sets `CCUSAGE`; otherwise it is installed into a temporary
folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from claudemeter_tui.model.transcripts import TokenCounts

VERSION = "20.0.24"
VARIABLE = "CCUSAGE"
"""Environment variable with the path of the program."""
INSTALL_SECONDS = 120.0
"""Time for the download of 2 MB."""


class MissingError(Exception):
    """Raised if npm is missing or its registry cannot be reached."""


def find_ccusage(folder: Path) -> Path:
    """Return the program that the environment names, or install it into a folder.

    Raises:
        MissingError: There is no npm, or no registry.
    """
    if given := os.environ.get(VARIABLE):
        return Path(given)
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError("npm is missing")
    program = folder / "node_modules" / ".bin" / "ccusage"
    if not program.exists():
        options = ("--silent", "--fetch-retries=1", "--prefix", str(folder))
        command = [npm, "install", *options, f"ccusage@{VERSION}"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise MissingError(f"npm cannot install ccusage: {type(error).__name__}") from None
    return program


def run_ccusage(program: Path, config_folder: Path, zone: str = "UTC") -> str:
    """Return its report of the tokens by day and model, as JSON.

    Args:
        program: its path.
        config_folder: the folder with the transcripts.
        zone: name of the time zone.
    """
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(config_folder),
        "CLAUDE_CONFIG_DIR": str(config_folder),
        "TZ": zone,
    }
    command = [str(program), "claude", "daily", "--offline", "--json"]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=variables).stdout


def parse_report(report: str) -> dict[tuple[str, str], TokenCounts]:
    """Return the counts by day and model; all cache writes are ones of 5 minutes, because it sums them."""
    return {
        (day["date"], model["modelName"]): TokenCounts(
            model["inputTokens"],
            model["outputTokens"],
            model["cacheCreationTokens"],
            0,
            model["cacheReadTokens"],
        )
        for day in json.loads(report)["daily"]
        for model in day["modelBreakdowns"]
    }
