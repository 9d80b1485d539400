"""Repeated output of a moment ago, as long as nothing can have changed."""

from __future__ import annotations

import errno
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands import answer_cache
from claudemeter_tui.commands.answer_cache import replay_answer, save_answer

LINE = ("--line",)
TEXT = "41% 67% · Personal"
MOMENT = 1_780_000_000.9996
"""Seconds since 1970, just before a whole one; the time of every test here."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set an empty home, so that no file of the user is read or written."""
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock."""
    monkeypatch.setattr(time, "time", lambda: MOMENT)


def soon() -> datetime:
    """Return the time in five minutes."""
    return datetime.fromtimestamp(MOMENT, UTC) + timedelta(minutes=5)


def test_output_is_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """The same command prints the same line with the same exit status."""
    save_answer(LINE, TEXT, 10, soon())
    assert replay_answer(LINE) == 10
    assert capsys.readouterr() == (f"{TEXT}\n", "")


@pytest.mark.parametrize("fraction", [0.0, 0.0004, 0.0005, 0.0009996, 0.9999996])
def test_output_is_repeated_within_the_same_instant(
    fraction: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stored time is never after the current one, whatever the fraction of a second."""
    moment = int(MOMENT) + fraction
    monkeypatch.setattr(time, "time", lambda: moment)
    save_answer(LINE, TEXT, 10, datetime.fromtimestamp(moment, UTC) + timedelta(minutes=1))
    assert replay_answer(LINE) == 10
    assert capsys.readouterr().out == f"{TEXT}\n"


@pytest.mark.parametrize("arguments", [("--check",), ("--line", "--org", "2"), ("--once",), ()])
def test_other_arguments_have_their_own_output(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Other arguments have their own output, and commands that are not for bars have none."""
    save_answer(LINE, TEXT, 0, soon())
    assert replay_answer(arguments) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLAUDEMETER_COOKIE", "another"),
        ("CLAUDEMETER_INTERVAL", "90"),
        ("TZ", "Asia/Tokyo"),
        ("LC_ALL", "C"),
    ],
)
def test_other_environment_has_its_own_output(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the environment prevents the repetition."""
    save_answer(LINE, TEXT, 0, soon())
    monkeypatch.setenv(name, value)
    assert replay_answer(LINE) is None


def test_changed_config_file_prevents_the_repetition(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A change of the config file counts from the first run on."""
    file = tmp_path / "config.toml"
    monkeypatch.setattr(answer_cache, "locate_config_file", lambda: file)
    save_answer(LINE, TEXT, 0, soon())
    assert replay_answer(LINE) == 0
    file.write_text("interval = 90\n")
    assert replay_answer(LINE) is None


@pytest.mark.parametrize("later", [-3600.0, 301.0])
def test_expired_output_is_not_repeated(later: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that has expired, or comes from the future after a clock change, is not repeated."""
    save_answer(LINE, TEXT, 0, soon())
    monkeypatch.setattr(time, "time", lambda: MOMENT + later)
    assert replay_answer(LINE) is None


@pytest.mark.parametrize("text", ["WAIT (in 42s)", "41% 18s ago"])
def test_output_with_seconds_is_not_repeated(text: str) -> None:
    """Seconds would be false a second later."""
    save_answer(LINE, text, 0, soon())
    assert replay_answer(LINE) is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"1 2", b"0 99999999999 zero\nx", b"nan nan 0\nx"])
def test_broken_output_is_ignored(content: bytes, home: Path) -> None:
    """Broken stored output is replaced by a new run."""
    save_answer(LINE, TEXT, 0, soon())
    (file,) = home.rglob("kept-*.txt")
    file.write_bytes(content)
    assert replay_answer(LINE) is None


def test_failed_save_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in place of the folder is no error."""
    (home / "file").touch()
    monkeypatch.setattr(answer_cache, "locate_state_folder", lambda: home / "file")
    save_answer(LINE, TEXT, 0, soon())
    assert replay_answer(LINE) is None


def test_write_error_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A cached answer that cannot be printed ends with a sentence and status 2, not in silence."""

    def fail(_text: str) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    save_answer(LINE, TEXT, 0, soon())
    monkeypatch.setattr(answer_cache, "print_line", fail)
    assert replay_answer(LINE) == 2
    assert capsys.readouterr().err == "claudemeter-tui: standard output: No space left on device\n"
