"""Two processes that write one archive, killed at random moments."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from claudemeter_tui.history.database import ARCHIVE_NAME
from claudemeter_tui.history.repair import open_or_repair
from claudemeter_tui.history.replay import iter_readings
from claudemeter_tui.history.retention import remove_old_replies
from claudemeter_tui.model.reading import Reading, Session
from claudemeter_tui.model.store import Store
from claudemeter_tui.wiring import parse_kept_reply
from tests.bodies import org_body, overage_body, usage_body
from tests.history.test_archive import build, put
from tests.scenes import READ, OrgBodies, readings
from tests.soak.parts import Part

WRITERS = 2
MAX_SECONDS = 30
"""Seconds in which a writer has to start."""


def list_readings(writer: int, number: int) -> list[Reading]:
    """Return the poll of that number; each writer has an org and a clock of its own."""
    uuid = f"bbbbbbbb-0000-4000-8000-00000000000{writer}"
    bodies = OrgBodies(org_body(uuid, f"Org {writer}"), usage_body(), overage_body(used=number))
    at = READ + timedelta(minutes=number, milliseconds=7 * writer)
    return list(readings(bodies, at=at, session=Session("Chrome", f"Profile {writer}")))


def write_for_ever(path: Path, writer: int, first: int) -> None:
    """Append one poll after the other, and print the number of each that was acknowledged."""
    connection, _ = open_or_repair(path, READ)
    archive, store, number = build(connection), Store(), first
    while True:
        store = put(archive, list_readings(writer, number), store)
        print(number, flush=True)
        number += 1
        if number % 20 == 0:
            now = READ.replace(year=READ.year + 1)
            for _ in remove_old_replies(connection, path, days=1, max_mb=500, now=now):
                pass  # nothing is removed, but pages are freed and the log is cut back


class Writer:
    """A process that writes, and the numbers that it has acknowledged."""

    def __init__(self, path: Path, writer: int, first: int) -> None:
        """Start it; its polls begin with this number."""
        self.writer, self.first = writer, first
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(path), str(writer), str(first)], stdout=subprocess.PIPE
        )
        self._printed = b""

    def read_until(self, seconds: float, enough: int) -> None:
        """Read what it acknowledges, for some seconds or until it is enough."""
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while self._printed.count(b"\n") < enough:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return
            more = os.read(self.process.stdout.fileno(), 65_536)
            assert more, f"the writer has ended with {self.process.wait()}"
            self._printed += more

    def kill(self) -> int:
        """Kill it; return the number after the last one that it acknowledged."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.stdout is not None
        self._printed += self.process.stdout.read()
        assert self.process.wait() == -signal.SIGKILL
        self.process.stdout.close()
        numbers = self._printed.split(b"\n")[:-1]
        return int(numbers[-1]) + 1 if numbers else self.first


COUNTS: Counter[str] = Counter()


def kill_writers(chance: random.Random) -> None:
    """Kill one of two writers, then the other one; everything acknowledged is in the file, as it was sent."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ARCHIVE_NAME)
        writers = [Writer(path, writer, 0) for writer in range(WRITERS)]
        chance.shuffle(writers)
        # At the start the file is made; later the log is cut back now and then.
        enough = chance.choice([0, 1, 1, 5, 30])
        ended = []
        try:
            for writer in writers:
                writer.read_until(MAX_SECONDS, enough)
                writer.read_until(chance.uniform(0, 0.4 if enough == 0 else 0.02), 10**9)
                ended.append((writer.writer, writer.kill()))
        finally:
            for writer in writers:
                writer.process.kill()
        COUNTS["acknowledged"] += sum(count for _, count in ended)
        check_file(path, ended)


def check_file(path: Path, ended: list[tuple[int, int]]) -> None:
    """Check that the file is sound and has every poll before these numbers."""
    connection, moved_name = open_or_repair(path, READ)
    with closing(connection):
        assert moved_name is None
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        accounts = [row[0] for row in connection.execute("SELECT id FROM accounts")]
        start, end = READ - timedelta(days=1), READ + timedelta(days=300)
        kept = {
            (report.org.uuid, reading.at, part.endpoint, getattr(part, "text", None))
            for account_id in accounts
            for reading in iter_readings(connection, account_id, parse_kept_reply, since=start, until=end)
            for report in reading.org_readings
            for part in report.parts.values()
        }
        for writer, count in ended:
            sent = {
                (report.org.uuid, reading.at, part.endpoint, getattr(part, "text", None))
                for number in range(count)
                for reading in list_readings(writer, number)
                for report in reading.org_readings
                for part in report.parts.values()
            }
            assert not sent - kept, f"{len(sent - kept)} of {len(sent)} replies are lost"
        (doubled,) = connection.execute(
            "SELECT count(*) - count(DISTINCT org_id || ' ' || at) FROM readings"
        ).fetchone()
        assert doubled == 0


PARTS = {"archive": Part(kill_writers, 200, COUNTS)}

if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
