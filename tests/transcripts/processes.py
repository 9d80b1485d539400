"""Processes that read transcripts, with a home folder, a login and transcripts of their own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_reading, open_for_writing
from claudemeter_tui.transcript_process import CHANGED
from tests.bodies import ACCOUNT, PERSONAL
from tests.transcripts.lines import call_line, encode

PATIENCE = 60.0
"""Seconds to wait for a process at most."""


class Home:
    """A home folder with Claude Code's login and transcripts, and an archive."""

    def __init__(self, folder: Path) -> None:
        """Create the archive, the login and an empty folder of projects."""
        self.folder = folder
        self.archive = folder / "data" / ARCHIVE_NAME
        self.projects = folder / ".claude" / "projects"
        self.projects.mkdir(parents=True)
        open_for_writing(self.archive).close()
        self.log_in(PERSONAL)

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a process with this home."""
        return {"HOME": str(self.folder), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}

    def log_in(self, org: str) -> None:
        """Write the login of Claude Code."""
        login = {"organizationUuid": org, "accountUuid": ACCOUNT}
        (self.folder / ".claude.json").write_text(json.dumps({"oauthAccount": login}))

    def write(self, *lines: dict[str, Any], name: str = "lab/session.jsonl") -> None:
        """Append lines to a transcript."""
        path = self.projects / name
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(encode(*lines))

    def write_calls(self, *ids: object, name: str = "lab/session.jsonl") -> None:
        """Append a call of now for each of these ids."""
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        self.write(*(call_line(f"msg_{one}", f"req_{one}", timestamp=at) for one in ids), name=name)

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of the archive."""
        with closing(open_for_reading(self.archive)) as connection:
            return connection.execute(query).fetchall()

    def count_calls(self) -> int:
        """Return the number of calls in the archive."""
        return int(self.query("SELECT count(*) FROM calls")[0][0])


class ReadingProcess:
    """A process that reads transcripts; it is killed at the end of the block."""

    def __init__(self, home: Home, *arguments: str) -> None:
        """Start it."""
        self._home = home
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "claudemeter_tui.transcript_process", str(home.archive), *arguments],
            env=home.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def kill(self) -> None:
        """Kill it at once."""
        self.process.kill()
        self.process.wait()

    def close_input(self) -> int:
        """End its standard input, as the end of a dashboard does; return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def wait_for_calls(self, count: int) -> float:
        """Wait for reports until the archive has so many calls; return the seconds.

        Raises:
            AssertionError: It has ended, or it reports nothing for too long.
        """
        assert self.process.stdout is not None
        begin = time.monotonic()
        while self._home.count_calls() < count:
            left = begin + PATIENCE - time.monotonic()
            assert select.select([self.process.stdout], [], [], max(0, left))[0], "no report in time"
            assert os.read(self.process.stdout.fileno(), len(CHANGED) + 1), "it has ended"
        return time.monotonic() - begin

    def has_report(self) -> bool:
        """Return True if it has reported something that was not read yet."""
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], 0)[0])
