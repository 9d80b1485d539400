"""The installed program and the signals: it always ends, and leaves the terminal as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudemeter_tui import interruption
from claudemeter_tui.commands.stdout import has_reader
from tests.bodies import PERSONAL, account_body
from tests.commands.test_once import org_routes
from tests.responses import Answer, Held
from tests.server import LoopbackServer
from tests.soak.programs import COMMANDS, MARKER, PROGRAM, _has_ended, _left_on
from tests.terminal import Terminal

INTERRUPTED_IMPORT = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "{name}":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""
"""Code that the interpreter runs before the program: Ctrl+C arrives while it imports this module."""


@pytest.fixture(autouse=True)
def _own_handler() -> Iterator[None]:
    """Let programs that a test starts have SIGINT, which a shell's background job ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a program with its own home."""
    folders = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "CLAUDEMETER_COOKIE": MARKER, **folders}


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start claude.ai with one org."""
    with LoopbackServer() as started:
        started.routes |= {"/api/account": Answer.json(account_body()), **org_routes(PERSONAL)}
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("command", [one for one in COMMANDS if "--demo" not in one and one != ("--config",)])
def test_ctrl_c_ends_a_command_while_the_server_is_silent(
    command: tuple[str, ...], environment: dict[str, str], server: LoopbackServer, tmp_path: Path
) -> None:
    """One Ctrl+C is enough, nothing is printed, and the exit status is that of a shell."""
    server.routes = {"/api/account": Held()}
    with subprocess.Popen(
        [PROGRAM, "--base-url", server.url, *command],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        server.wait_for(lambda it: it.under_way == 1)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == interruption.EXIT_INTERRUPTED


@pytest.mark.parametrize(
    ("module", "status"),
    [
        ("claudemeter_tui.interruption", -signal.SIGINT),  # 130 in a shell, too
        ("claudemeter_tui.commands", 130),
        ("claudemeter_tui.cli", 130),
        ("httpx", 130),
    ],
)
def test_ctrl_c_ends_an_import(module: str, status: int, environment: dict[str, str], tmp_path: Path) -> None:
    """The program ends before the command line is read, and in the import of a thread."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_IMPORT.format(name=module))
    done = subprocess.run(
        [PROGRAM, "--demo", "--once"],
        env=environment | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")


def test_ctrl_c_waits_for_a_file_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that must not be cut ends first; the second Ctrl+C does not wait."""
    exits: list[int] = []
    monkeypatch.setattr("os._exit", exits.append)
    monkeypatch.setattr(interruption, "_was_interrupted", False)
    interruption.exit_on_interrupt()
    with interruption.InterruptDelay():
        signal.raise_signal(signal.SIGINT)
        assert exits == []
    assert exits == [130]
    with interruption.InterruptDelay():
        signal.raise_signal(signal.SIGINT)
        assert exits == [130, 130]


def test_ignored_ctrl_c_stays_ignored() -> None:
    """A shell's background job does not end at Ctrl+C for the foreground."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption.exit_on_interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize("redirection", [">&-", "| true"])
def test_watch_without_a_reader_ends(
    redirection: str, environment: dict[str, str], server: LoopbackServer
) -> None:
    """A closed standard output ends the stream, even if no event is ever written."""
    server.routes = {"/api/account": Held()}
    command = f"'{PROGRAM}' --base-url {server.url} --json --watch {redirection}"
    done = subprocess.run(  # the command is the test's
        ["/bin/sh", "-c", command], env=environment, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_output_in_a_file_or_a_buffer_has_a_reader(capfd: pytest.CaptureFixture[str]) -> None:
    """Only a closed standard output has none."""
    assert has_reader()
    del capfd
    assert has_reader()


@pytest.mark.pty
@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGCONT,),
        (signal.SIGCONT, signal.SIGCONT),
        (signal.SIGSTOP, signal.SIGCONT),
        (signal.SIGTSTP, signal.SIGCONT),
        (signal.SIGTSTP, signal.SIGTSTP, signal.SIGCONT, signal.SIGCONT, signal.SIGWINCH),
    ],
)
def test_q_quits_after_any_signals(
    signals: tuple[signal.Signals, ...], environment: dict[str, str], server: LoopbackServer
) -> None:
    """A signal that does not end the program leaves its keys alone."""
    with Terminal([PROGRAM, "--base-url", server.url], env=environment) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        for number in signals:
            terminal.send_signal(number)
        while not _has_ended(terminal, 1):
            terminal.send("q")
        assert (terminal.wait(), _left_on(terminal)) == (0, [])


@pytest.mark.pty
@pytest.mark.slow
def test_signal_ends_the_program_although_the_terminal_takes_no_output(
    environment: dict[str, str], server: LoopbackServer
) -> None:
    """A terminal that hangs, as with a broken connection, cannot keep the program."""
    with Terminal([PROGRAM, "--base-url", server.url], columns=300, rows=90, env=environment) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal._stop_reading()
        terminal.resize(299, 89)  # more to draw than the terminal's buffer holds
        terminal.send_signal(signal.SIGTERM)
        assert terminal._process.wait(60) == 128 + signal.SIGTERM
