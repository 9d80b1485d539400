"""The command that asks the keychain, with real processes."""

from __future__ import annotations

import sys

import pytest

from claudemeter_tui.claude_code import credentials


def test_run_returns_the_commands_output() -> None:
    """The result has the command's standard output without its standard error."""
    script = "import sys; print('out'); print('err', file=sys.stderr)"
    done = credentials.run_command([sys.executable, "-c", script])
    assert (done.status, done.output.reveal().strip()) == (0, "out")


def test_run_returns_the_exit_status() -> None:
    """A command that fails returns its exit status and no output."""
    done = credentials.run_command([sys.executable, "-c", "print('half'); raise SystemExit(44)"])
    assert (done.status, done.output.reveal()) == (44, "")


def test_run_gives_no_input() -> None:
    """A tool that reads a password from the terminal gets end of file."""
    done = credentials.run_command([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"])
    assert done.output.reveal().strip() == "''"


def test_run_ends_a_slow_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog that stays open blocks nothing, because the command has a time limit."""
    monkeypatch.setattr(credentials, "KEYCHAIN_TIMEOUT", 0.05)
    with pytest.raises(TimeoutError):
        credentials.run_command([sys.executable, "-c", "import threading; threading.Event().wait()"])


def test_run_of_a_missing_command_is_a_failure(tmp_path: object) -> None:
    """A missing tool is reported, because only macOS has it."""
    with pytest.raises(FileNotFoundError):
        credentials.run_command([f"{tmp_path}/none"])
