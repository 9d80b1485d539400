"""The command that asks the keychain, with real processes."""

from __future__ import annotations

import sys

import pytest

from claudemeter_tui.claude_code import credentials


def test_run_gives_what_the_command_wrote() -> None:
    """Its output, without its complaints."""
    script = "import sys; print('out'); print('err', file=sys.stderr)"
    done = credentials.run_command([sys.executable, "-c", script])
    assert (done.status, done.output.reveal().strip()) == (0, "out")


def test_run_gives_the_exit_status() -> None:
    """A command that fails gives nothing else."""
    done = credentials.run_command([sys.executable, "-c", "print('half'); raise SystemExit(44)"])
    assert (done.status, done.output.reveal()) == (44, "")


def test_run_gives_no_input() -> None:
    """A tool that would ask for a password in the terminal meets the end of it."""
    done = credentials.run_command([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"])
    assert done.output.reveal().strip() == "''"


def test_run_ends_a_command_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog that nobody answers holds nothing up."""
    monkeypatch.setattr(credentials, "KEYCHAIN_TIMEOUT", 0.05)
    with pytest.raises(TimeoutError):
        credentials.run_command([sys.executable, "-c", "import threading; threading.Event().wait()"])


def test_run_of_a_command_that_is_not_there(tmp_path: object) -> None:
    """Only macOS has the tool."""
    with pytest.raises(FileNotFoundError):
        credentials.run_command([f"{tmp_path}/none"])
