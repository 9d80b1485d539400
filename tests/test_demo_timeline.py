"""A whole simulated day with the installed program in a real terminal: every state comes and goes.

The program is the installed one, with its real poller, client and screen; only its clock is set by
the test, and the key `r` makes it poll.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import itemgetter
from pathlib import Path

import pytest

from tests.demo_timeline import Moment, story
from tests.server import LoopbackServer
from tests.terminal import Terminal

pytestmark = pytest.mark.pty

PROGRAM = str(Path(sys.executable).parent / "claudemeter-tui")
CLOCK = """
import asyncio
import os
from datetime import datetime
from pathlib import Path

from claudemeter_tui.clock import WallClock

WallClock.now = lambda self: datetime.fromisoformat(Path(os.environ["A_DAY_CLOCK"]).read_text())
WallClock.sleep = lambda self, seconds: asyncio.Event().wait()
"""
"""Code that the interpreter runs before the program: the time comes from a file and does not pass.

A sleep on the real clock would end at some moment of a slow machine and poll in between.
"""
OSC_777 = re.compile(rb"\x1b\]777;notify;([^;\x07]*);([^;\x07]*)\x07")
OSC_9 = re.compile(rb"\x1b\]9;claudemeter \xc2\xb7 ([^:\x07]*): ([^\x07]*)\x07")
THROUGH_TMUX = re.compile(rb"\x1bPtmux;\x1b\x1b\]777;notify;([^;\x07]*);([^;\x07]*)\x07\x1b\\")
NOTIFICATION = re.compile(rb"\x1b(?:Ptmux;\x1b\x1b)?\](?:9|777);")
STRING = re.compile(rb"\x1b(?:P[^\x1b]*(?:\x1b\x1b[^\x1b]*)*\x1b\\|\][^\x07\x1b]*\x07)")
"""A sequence that carries text to the terminal, and may end with the bell's byte."""


class Day:
    """The program in a terminal, and its server."""

    def __init__(self, folder: Path, server: LoopbackServer, terminal: Terminal) -> None:
        self._clock = folder / "clock"
        self._server = server
        self.terminal = terminal

    def poll(self, moment: Moment) -> None:
        """Set the clock to that moment, poll, and wait until its figures are on the screen."""
        asked = len(self._server.requests)
        self._server.routes = {**moment.routes}
        set_clock(self._clock, moment)
        self.terminal.send("r")
        self._server.wait_for(lambda server: len(server.requests) > asked)
        self.terminal.wait_for(lambda terminal: is_read(terminal, moment))


def is_read(terminal: Terminal, moment: Moment) -> bool:
    """Return True if the poll of that moment is over, and drawn."""
    head, title = terminal.lines[0], f"Personal: {moment.state}"
    if "next in" not in head or "next in 0s" in head or terminal.title != title:
        return False
    text = " ".join(terminal.text.split())  # a long sentence takes two lines
    return (moment.claude.signed_out or moment.email in head) and moment.says in text


def set_clock(clock: Path, moment: Moment) -> None:
    """Write the time to the file atomically."""
    new = clock.with_suffix(".new")
    new.write_text(moment.now.isoformat())
    new.replace(clock)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start claude.ai on loopback."""
    with LoopbackServer() as server:
        yield server


@contextmanager
def lived(folder: Path, server: LoopbackServer, day: Sequence[Moment], **environment: str) -> Iterator[Day]:
    """Return the program after each moment of the day."""
    (folder / "sitecustomize.py").write_text(CLOCK)
    set_clock(folder / "clock", day[0])
    server.routes = {**day[0].routes}
    surroundings = {
        "CLAUDEMETER_COOKIE": "sessionKey=sk-ant-sid01-planted",
        "PYTHONPATH": str(folder),
        "A_DAY_CLOCK": str(folder / "clock"),
        "TZ": "UTC",
    }
    command = [PROGRAM, "--base-url", server.url]
    with Terminal(command, columns=100, rows=16, env=surroundings | environment) as terminal:
        terminal.wait_for(lambda shown: is_read(shown, day[0]))
        here = Day(folder, server, terminal)
        for moment in day[1:]:
            here.poll(moment)
        yield here
        terminal.send("q")
        assert terminal.wait() == 0


def export_events(server: LoopbackServer, folder: Path) -> list[str]:
    """Return time and text of each event in the archive, oldest first."""
    file = folder / "events.ndjson"
    command = [PROGRAM, "--base-url", server.url, "--export", str(file), "--what", "events"]
    subprocess.run(command, env=os.environ | {"HOME": str(folder), "TZ": "UTC"}, check=True)
    events = [json.loads(line) for line in file.read_text().splitlines()]
    moments = [(datetime.fromisoformat(event["at"]), event["text"]) for event in events]
    return [f"{at:%H:%M} {text}" for at, text in sorted(moments, key=itemgetter(0))]


def test_day_follows_its_story(server: LoopbackServer, tmp_path: Path) -> None:
    """Each state is shown, each event listed once and in order, each alert sent once."""
    day = story()
    with lived(tmp_path, server, day, CLAUDEMETER_ALERTS_TOAST="no", HOME=str(tmp_path)) as here:
        here.terminal.send("e")
        here.terminal.wait_for("signed in again")
    assert export_events(server, tmp_path) == [event for moment in day for event in moment.events]
    raw = here.terminal.raw
    alerts = [("Personal", moment.alert) for moment in day if moment.alert is not None]
    assert [(head.decode(), text.decode()) for head, text in OSC_777.findall(raw)] == alerts
    assert STRING.sub(b"", raw).count(b"\x07") == len(alerts)
    titles = [title.decode() for title in re.findall(rb"\x1b\]2;Personal: ([^\x07]*)\x07", raw)]
    assert {moment.state for moment in day} == set(titles)
    assert raw.count(b"\x1b[22;2t") == raw.count(b"\x1b[23;2t") == 1
    assert raw.rindex(b"\x1b[23;2t") > raw.rindex(b"\x1b]2;")


@pytest.mark.parametrize(
    ("form", "environment"),
    [
        pytest.param(OSC_9, {"TERM_PROGRAM": "iTerm.app"}, id="osc 9"),
        pytest.param(THROUGH_TMUX, {"TMUX": "tmux,1,0", "TERM": "tmux-256color"}, id="through tmux"),
        pytest.param(None, {"CLAUDEMETER_ALERTS_DESKTOP": "off"}, id="off"),
    ],
)
def test_notifications_use_the_terminals_protocol(
    server: LoopbackServer, tmp_path: Path, form: re.Pattern[bytes] | None, environment: dict[str, str]
) -> None:
    """A notification is sent as the terminal and tmux understand it, or not at all; the bell always rings."""
    day = [moment for moment in story() if moment.time in ("08:00", "08:30", "09:39", "09:40")]
    alerts = [moment.alert for moment in day if moment.alert is not None]
    with lived(tmp_path, server, day, **environment) as here:
        here.terminal.wait_for("ON CREDITS  5-hour full")
    raw = here.terminal.raw
    found = form.findall(raw) if form is not None else []
    assert [text.decode() for _, text in found] == (alerts if form is not None else [])
    assert len(NOTIFICATION.findall(raw)) == len(found)
    assert STRING.sub(b"", raw).count(b"\x07") == len(alerts)
