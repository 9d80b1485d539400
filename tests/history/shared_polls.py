"""Programs that share one archive, each in a process of its own, and the server that counts their requests.

Run as a script it is such a program: the real feed with a short interval. It prints a line of JSON for each
change of its store, and polls for each line on standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from claudemeter_tui import wiring
from claudemeter_tui.clock import WallClock
from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.history import archive, follower, lease
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import Store
from tests.bodies import account_body, org_body, usage_body
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made
from tests.responses import NOT_FOUND, Answer, Request, Sends
from tests.server import LoopbackServer

INTERVAL = timedelta(seconds=2)
"""Interval of the programs."""
SPAN = 1.5
"""Seconds after which the lease of a program without a sign of life is free."""
PAT, SAM = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
SAMS = "bbbbbbbb-0000-4000-8000-000000000004"
KEY, OTHER_KEY, SAMS_KEY = (f"sk-ant-sid01-planted-{number}" for number in range(3))
"""Two keys of one account, and one of another."""
EXPIRED = Answer.json(
    {"error": {"message": "Invalid session", "details": {"error_code": "account_session_invalid"}}},
    status=403,
)


@dataclass(frozen=True)
class Shown:
    """Figures, problems and events on the screen of a program."""

    figures: dict[str, float]
    """Percent of the 5-hour window, by the name of the org."""
    problems: list[str]
    events: list[str]
    next_at: str
    """Time of the next poll; empty while a poll is under way."""


class CountingServer(LoopbackServer):
    """A claude.ai with an account for each key; the 5-hour window rises with each usage request."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = {
            **dict.fromkeys((KEY, OTHER_KEY), account_body(org_body(), uuid=PAT)),
            SAMS_KEY: account_body(org_body(SAMS, "Sam's"), email="sam@example.com", uuid=SAM),
        }
        self.refused: set[str] = set()
        """Names of the replies that fail."""
        self.base = 0
        """Percent that the 5-hour window has besides the rise."""
        self.keys: list[str] = []
        """Key of each request."""
        self._resets_at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()

    def _answer(self, request: Request) -> Sends:
        key = request.headers.get("cookie", "").partition("sessionKey=")[2].partition(";")[0]
        self.keys.append(key)
        path = request.path.partition("?")[0].removeprefix("/api/")
        org, _, name = path.removeprefix("organizations/").partition("/")
        if key not in self.accounts:
            return EXPIRED
        if path in self.refused or name in self.refused:
            return Answer.json({}, status=502)
        if path == "account":
            return Answer.json(self.accounts[key])
        if name == "usage":
            percent = float(self.base + self.count(f"{org}/usage"))
            return Answer.json(usage_body(percent, resets_at=self._resets_at, week_resets_at=self._resets_at))
        return NOT_FOUND

    def wait_for_polls(self, number: int, seconds: float = 30) -> None:
        """Wait until this many usage requests have arrived."""
        self.wait_for(lambda _: self.count() >= number, seconds)

    def count(self, end: str = "/usage") -> int:
        """Return the number of requests with this end of the path."""
        return sum(path.partition("?")[0].endswith(end) for path in self.paths())


class Program:
    """A program in a process of its own."""

    def __init__(self, home: Path, server: LoopbackServer, *options: str) -> None:
        """Start it with `with`; `options` are those of the command line, "once" (for `--once`) and "unable".

        An "unable" program can write to the archive, but not append to it.
        """
        self.options = options
        self.shown: list[Shown] = []
        self._home = home
        self._server = server
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.history.shared_polls", self._server.url, *self.options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ
            | {"HOME": str(self._home), "XDG_DATA_HOME": str(self._home / "data"), "PYTHONPATH": str(root)},
            cwd=root,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill(signal.SIGCONT)
        self.end()

    def wait(self) -> None:
        """Wait until it has ended by itself."""
        assert self._process.wait(30) == 0

    def end(self) -> None:
        """End it as Ctrl+C does, and wait until it has ended."""
        self.kill(signal.SIGINT)
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._reader.join()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()

    def kill(self, number: int) -> None:
        """Send it a signal."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def poll_now(self) -> None:
        """Ask for a poll, as `r` does."""
        assert self._process.stdin is not None
        self._process.stdin.write("r\n")
        self._process.stdin.flush()

    def wait_for(self, rule: Callable[[Shown], bool], seconds: float = 30) -> Shown:
        """Return the last thing that it shows as soon as the rule holds for it.

        Raises:
            AssertionError: the rule does not hold in time.
        """
        with self._changed:
            held = self._changed.wait_for(lambda: bool(self.shown) and rule(self.shown[-1]), seconds)
            assert held, f"not within {seconds} s; shown last: {self.shown[-3:]}"
            return self.shown[-1]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                break  # killed while it wrote this
            with self._changed:
                self.shown.append(Shown(**json.loads(line)))
                self._changed.notify_all()


def write_profiles(home: Path, **keys: str) -> None:
    """Write Firefox profiles, each with this session key."""
    root = home / ".mozilla/firefox"
    fake_profiles.listed(root, {f"x.{name}": name for name in keys})
    for name, key in keys.items():
        for file in (root / f"x.{name}").glob("cookies.sqlite*"):
            file.unlink()
        fake_profiles.firefox(root / f"x.{name}", [Made(key)])


def has_figure(percent: float, org: str = "Personal") -> Callable[[Shown], bool]:
    """Return the rule that an org shows at least this percentage, and the next poll is planned."""
    return lambda shown: shown.figures.get(org, -1) >= percent and bool(shown.next_at)


class _Screen:
    """Prints what the readings give."""

    def __init__(self) -> None:
        self._store = Store()
        self._log = EventLog(thresholds=(75.0,))
        self._events: list[str] = []
        self._last = ""

    def post(self, reading: Reading) -> None:
        self._store = self._store.apply(reading)
        self._log = self._log.observe(self._store, datetime.now(UTC))
        self._events += [str(event.kind) for event in self._log.new_events]
        figures = {
            state.org.name: window.percent
            for state in self._store.orgs
            for window in (state.plan.windows if state.plan is not None else ())
            if window.key == "five_hour"
        }
        schedules = [one.schedule for one in self._store.sessions if not one.is_polling]
        text = json.dumps(
            {
                "figures": figures,
                "problems": [f"{one.endpoint}: {one.error_kind}" for one in self._store.problems],
                "events": self._events,
                "next_at": max(
                    (one.next_at.isoformat(timespec="seconds") for one in schedules if one is not None),
                    default="",
                ),
            }
        )
        if text != self._last:
            print(text, flush=True)
        self._last = text


def _fail_to_append(*_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


async def _run(url: str, *options: str) -> None:
    # Short times, or a test would take minutes.
    set_module: Any = follower
    set_module.TICK, set_module.HEARTBEAT, set_module.LEASE_SPAN = 0.2, SPAN / 3, SPAN * 1000
    lease_module: Any = lease
    lease_module.LEASE_SPAN = SPAN * 1000
    once = "once" in options
    if "unable" in options:
        archive_module: Any = archive.Archive
        archive_module.append = _fail_to_append
    words = (one for one in options if one not in ("once", "unable"))
    arguments = ["--base-url", url, "--source", "cookie", *words]
    chosen = replace(load_settings(arguments, {}), interval=INTERVAL)
    clock = WallClock()
    feed = wiring.build_feed(chosen, clock)
    screen = _Screen()
    loop = asyncio.get_running_loop()

    def read_line() -> None:
        if sys.stdin.readline():
            feed.poll_now()

    loop.add_reader(sys.stdin, read_line)
    await (feed.poll_once(screen.post) if once else feed.run(screen.post))


if __name__ == "__main__":
    try:
        asyncio.run(_run(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
