"""The installed program killed, interrupted, resized and started many times at once, at random moments."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from claudemeter_tui.formatting.status_line import PLACEHOLDERS
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_reading
from claudemeter_tui.history.status import load_status
from claudemeter_tui.tui.terminal import POP_TITLE, PUSH_TITLE
from tests.bodies import PERSONAL, account_body
from tests.commands.test_once import org_routes
from tests.responses import Answer, Held
from tests.server import LoopbackServer
from tests.soak.parts import Part
from tests.terminal import Terminal, list_left_processes
from tests.tui.figure_checks import frame_defects

MARKER = "sk-ant-sid01-PLANTED-MARKER"
PROGRAM = str(Path(sys.executable).parent / "claudemeter-tui")
LINE = "41% 67% $17.20/50 · Personal\n"
"""Output of `--line` for the figures that the server sends."""
MOST_SECONDS = 5
"""Seconds from Ctrl+C to the end of a command, on a machine busy with other tests; 0.1 on a quiet one."""
REQUESTS = 5
"""Requests of one poll."""
CATCHABLE = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
HARMLESS = (signal.SIGCONT, signal.SIGTSTP, signal.SIGSTOP, signal.SIGWINCH, signal.SIGCONT)
"""Signals after which the program continues, once SIGCONT follows."""
MODES_ON_BEFORE = ("?25", "?7")
"""Modes that a terminal has on before a program starts: the cursor is shown, long lines wrap."""
COMMANDS = (
    ("--once",),
    ("--json",),
    ("--json", "--watch"),
    ("--check",),
    ("--line",),
    ("--sessions",),
    ("--config",),
    ("--screenshot", "picture.svg"),
    ("--demo", "--screenshot", "picture.svg"),
)
"""Every command but the dashboard."""
KEYS = ("o", "d", "e", "\x1b", "r", "p", "w", "1", "?", "\x1b[C", "\t", "+")


@dataclass(frozen=True)
class Machine:
    """A home folder and a claude.ai."""

    home: Path
    server: LoopbackServer

    @property
    def command(self) -> list[str]:
        """The installed program, reading from this server."""
        return [PROGRAM, "--base-url", self.server.url]

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the program: this home, a cookie, and nothing of the person who runs the soak."""
        home = str(self.home)
        folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), home)
        cookie = {"CLAUDEMETER_COOKIE": MARKER}
        return {"PATH": os.environ["PATH"], "TZ": "UTC", "LANG": "C.UTF-8"} | folders | cookie

    def start_line(self) -> subprocess.Popen[str]:
        """Start `--line`."""
        return subprocess.Popen(
            [*self.command, "--line"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check_files(self) -> None:
        """Check that each state file is whole and holds no cookie."""
        for path in self.home.rglob("*"):
            if path.is_file():
                assert MARKER.encode() not in path.read_bytes(), path
        for path in self.home.rglob(ARCHIVE_NAME):
            self._check_archive(path)
        for path in self.home.rglob("state.json"):
            assert isinstance(json.loads(path.read_text()), dict), path.read_text()

    @staticmethod
    def _check_archive(path: Path) -> None:
        """Check that the archive is whole, and that each line for status bars is."""
        with closing(open_for_reading(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'statuses'").fetchone():
                return  # killed before the tables were created
            for (key,) in connection.execute("SELECT key FROM statuses").fetchall():
                status = load_status(connection, key)
                assert status is not None
                assert status.failure_count or len(status.orgs) == 1, status
                for org in status.orgs:
                    assert org.valid_from < org.valid_until and org.exit_status == 0, org  # noqa: PT018
                    assert set(org.texts) == set(PLACEHOLDERS), org


@contextmanager
def _machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as folder, LoopbackServer() as server:
        server.routes |= {"/api/account": Answer.json(account_body()), **org_routes(PERSONAL)}
        yield Machine(Path(folder), server)


def _ends(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit status and output once the program has ended."""
    out, err = process.communicate(timeout=60)
    assert MARKER not in out + err
    return process.returncode, out


def _ended_by(number: signal.Signals) -> set[int]:
    """Return the exit statuses of a program that a signal has ended.

    Python itself exits with 1 on SIGINT as long as it is starting.
    """
    return {-number, 128 + number} | ({1} if number is signal.SIGINT else set())


def kill_line(chance: random.Random) -> None:
    """Kill `--line` a few times; the next run still prints the figures."""
    with _machine() as machine:
        for _ in range(3):
            number = chance.choice((*CATCHABLE, signal.SIGKILL))
            with machine.start_line() as process:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0, 0.8))
                process.send_signal(number)
                status, out = _ends(process)
            assert (status, out) == (0, LINE) or status in _ended_by(number), (number, status, out)
            machine.check_files()
        with machine.start_line() as process:
            assert _ends(process) == (0, LINE)
        machine.check_files()


def start_lines_at_once(chance: random.Random) -> None:
    """Start `--line` many times at once: one poll, or one more for each run that was killed."""
    with _machine() as machine:
        running = [machine.start_line() for _ in range(chance.randint(2, 8))]
        killed = chance.choice(running) if chance.random() < 0.5 else None
        if killed is not None:
            with suppress(subprocess.TimeoutExpired):
                killed.wait(chance.uniform(0, 1.5))
            killed.kill()
        ends = [(process, _ends(process)) for process in running]
        for process, (status, out) in ends:
            assert (status, out) == (0, LINE) or process is killed, (status, out)
        asked = len(machine.server.requests)
        assert asked == REQUESTS or (killed is not None and asked < 2 * REQUESTS), asked
        machine.check_files()


def end_dashboard(chance: random.Random) -> None:
    """Send the dashboard a signal at a random moment; one that can be caught restores the terminal."""
    number = chance.choice((*CATCHABLE, signal.SIGKILL))
    with _started_dashboard(chance) as terminal:
        terminal.send_signal(number)
        status = terminal.wait(60)
        has_begun = b"\x1b[?1049h" in terminal.raw
        ended = {-number} if number is signal.SIGKILL else set() if has_begun else _ended_by(number)
        assert status in {0, *ended}, (number, status, has_begun)
        assert status == 1 or b"Traceback" not in terminal.raw or status == -number, terminal.text
        if number is not signal.SIGKILL:
            assert _left_on(terminal) == [], (number, status)


def quit_dashboard(chance: random.Random) -> None:
    """Press q after signals that do not end the dashboard, in any order and at random moments."""
    with _started_dashboard(chance) as terminal:
        sent = chance.choices(HARMLESS, k=chance.randint(1, 5))
        for number in sent:
            terminal.send_signal(number)
            _pause(terminal, chance.choice((0, chance.uniform(0, 0.2))))
            terminal.send_signal(signal.SIGCONT)
            _pause(terminal, chance.choice((0, chance.uniform(0, 0.2))))
        terminal.wait_for(lambda it: b"\x1b[?1049h" in it.raw)
        latest = time.monotonic() + 60
        while not _has_ended(terminal, 1):  # a key is lost while the terminal is the shell's
            terminal.send("q")
            assert time.monotonic() < latest, f"q does not quit after {sent}:\n{terminal.text}"
        assert terminal.wait() == 0, sent
        assert _left_on(terminal) == [], sent


@contextmanager
def _started_dashboard(chance: random.Random) -> Iterator[Terminal]:
    """Start the dashboard, disturb it, and stop at a random moment; then check the files and processes."""
    with _machine() as machine, _dashboard(machine, 100, 30) as terminal:
        if chance.random() < 0.4:
            terminal.wait_for("$17.20 of $50.00")
            for _ in range(chance.randrange(4)):
                _bother(chance, terminal)
        elif chance.random() < 0.5:
            terminal.wait_for(lambda it: b"\x1b[?1049h" in it.raw)
        _pause(terminal, chance.uniform(0, 0.6))
        yield terminal
        assert MARKER.encode() not in terminal.raw
        assert list_left_processes(terminal.pid) == []
        machine.check_files()


def interrupt_command(chance: random.Random) -> None:
    """Press Ctrl+C once at a random moment of any command; it ends at once, whatever the server does."""
    command = chance.choice(COMMANDS)
    with _machine() as machine:
        if chance.random() < 0.6:
            machine.server.routes = {"/api/account": Held()}
        with subprocess.Popen(
            [*machine.command, *command],
            env=machine.environment,
            cwd=machine.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, chance.choice((0.3, 2.5))))
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        seconds, status = time.monotonic() - began, process.returncode
        assert MARKER not in out + err
        # Python's own start-up, before any line of the program, prints a traceback.
        assert status in (0, 130) or "claudemeter_tui/" not in err, (command, status, err)
        assert status != 130 or (err == "" and seconds < MOST_SECONDS), (command, seconds, err)
        assert list(machine.home.glob(".claudemeter-*")) == []
        machine.check_files()


def resize_dashboard(chance: random.Random) -> None:
    """Resize the dashboard many times in a row; escape leads back to a dashboard that is drawn whole."""
    with _machine() as machine, _dashboard(machine, 120, 36) as terminal:
        if chance.random() < 0.8:
            terminal.wait_for("$17.20 of $50.00")
        for _ in range(chance.randint(5, 40)):
            _bother(chance, terminal, resizes=0.8)
        terminal.resize(chance.randint(90, 160), chance.randint(28, 45))
        latest = time.monotonic() + 60
        while not _shows(terminal, 0.5):
            terminal.send("\x1b")
            assert time.monotonic() < latest, f"not whole after a minute:\n{terminal.text}"
        terminal.send_signal(signal.SIGTERM)
        assert terminal.wait() == 0
        assert _left_on(terminal) == []
        machine.check_files()


def _dashboard(machine: Machine, columns: int, rows: int) -> Terminal:
    return Terminal(machine.command, columns=columns, rows=rows, env=machine.environment)


def _bother(chance: random.Random, terminal: Terminal, resizes: float = 0.4) -> None:
    """Press a key or resize the terminal, and sometimes pause."""
    if chance.random() < resizes:
        terminal.resize(chance.randint(1, 220), chance.randint(1, 60))
    else:
        terminal.send(chance.choice(KEYS))
    if chance.random() < 0.3:
        _pause(terminal, chance.uniform(0, 0.05))


def _has_ended(terminal: Terminal, seconds: float) -> bool:
    """Return True if the program ends within so many seconds."""
    with suppress(AssertionError):
        terminal.wait(seconds)
        return True
    return False


def _pause(terminal: Terminal, seconds: float) -> None:
    """Pause for so many seconds, or until the program has ended."""
    with suppress(AssertionError):
        terminal.wait(seconds)


def _shows(terminal: Terminal, seconds: float) -> bool:
    """Wait for the dashboard in front; return False if it is not there in so many seconds."""
    try:
        terminal.wait_for(_is_whole, seconds)
    except AssertionError:
        return False
    return True


def _is_whole(terminal: Terminal) -> bool:
    """True if the dashboard is in front, with each frame closed."""
    lines = [line.ljust(terminal.columns) for line in terminal.lines]
    return "$17.20 of $50.00" in terminal.text and not list(frame_defects(lines))


def _left_on(terminal: Terminal) -> list[str]:
    """Return what the program changed about the terminal and left so."""
    raw = terminal.raw.decode("utf-8", "replace")
    switched = {mode: way == "h" for mode, way in re.findall(r"\x1b\[(\?\d+)([hl])", raw)}
    left = [mode for mode, is_on in switched.items() if is_on and mode not in MODES_ON_BEFORE]
    left += [mode for mode in MODES_ON_BEFORE if not switched.get(mode, True)]
    if len(re.findall(r"\x1b\[>\d+u", raw)) != raw.count("\x1b[<u"):
        left.append("keyboard")
    if raw.count(PUSH_TITLE) != raw.count(POP_TITLE):
        left.append("title")
    flags = termios.tcgetattr(terminal._master)[3]
    return left + [name for name in ("ICANON", "ECHO", "ISIG") if not flags & getattr(termios, name)]


PARTS = {
    "kills": Part(kill_line, 200),
    "lines": Part(start_lines_at_once, 100),
    "signals": Part(end_dashboard, 300),
    "quits": Part(quit_dashboard, 200),
    "interrupts": Part(interrupt_command, 200),
    "resizes": Part(resize_dashboard, 100),
}
