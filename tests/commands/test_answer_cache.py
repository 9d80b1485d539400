"""What was said a moment ago is said again, as long as nothing can have changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands import answer_cache
from claudemeter_tui.commands.answer_cache import replay_answer, save_answer

LINE = ("--line",)
TEXT = "41% 67% · Personal"
MOMENT = 1_780_000_000.9996
"""Seconds since 1970, just before a whole one: when everything here happens."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the person who runs the tests is read, and nothing of it written."""
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still."""
    monkeypatch.setattr(time, "time", lambda: MOMENT)


def soon() -> datetime:
    """Five minutes from now."""
    return datetime.fromtimestamp(MOMENT, UTC) + timedelta(minutes=5)


def test_answer_is_given_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The same line with the same exit status."""
    save_answer(LINE, TEXT, 10, soon())
    assert replay_answer(LINE) == 10
    assert capsys.readouterr() == (f"{TEXT}\n", "")


@pytest.mark.parametrize("fraction", [0.0, 0.0004, 0.0005, 0.0009996, 0.9999996])
def test_answer_is_given_again_within_the_same_instant(
    fraction: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the moment: the one that is stored never lies ahead of it."""
    moment = int(MOMENT) + fraction
    monkeypatch.setattr(time, "time", lambda: moment)
    save_answer(LINE, TEXT, 10, datetime.fromtimestamp(moment, UTC) + timedelta(minutes=1))
    assert replay_answer(LINE) == 10
    assert capsys.readouterr().out == f"{TEXT}\n"


@pytest.mark.parametrize("arguments", [("--check",), ("--line", "--org", "2"), ("--once",), ()])
def test_another_question_has_another_answer(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is no question of a bar has none at all."""
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
def test_other_surroundings_have_another_answer(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment decides what is said."""
    save_answer(LINE, TEXT, 0, soon())
    monkeypatch.setenv(name, value)
    assert replay_answer(LINE) is None


def test_config_file_that_was_written_since_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the first run on."""
    file = tmp_path / "config.toml"
    monkeypatch.setattr(answer_cache, "locate_config_file", lambda: file)
    save_answer(LINE, TEXT, 0, soon())
    assert replay_answer(LINE) == 0
    file.write_text("interval = 90\n")
    assert replay_answer(LINE) is None


@pytest.mark.parametrize("later", [-3600.0, 301.0])
def test_answer_that_is_over_is_not_given(later: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one from ahead, where the clock was set back."""
    save_answer(LINE, TEXT, 0, soon())
    monkeypatch.setattr(time, "time", lambda: MOMENT + later)
    assert replay_answer(LINE) is None


@pytest.mark.parametrize("text", ["WAIT (in 42s)", "41% 18s ago"])
def test_seconds_are_not_repeated(text: str) -> None:
    """They would be false a second later."""
    save_answer(LINE, text, 0, soon())
    assert replay_answer(LINE) is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"1 2", b"0 99999999999 zero\nx", b"nan nan 0\nx"])
def test_broken_answer_is_none(content: bytes, home: Path) -> None:
    """It is found out anew."""
    save_answer(LINE, TEXT, 0, soon())
    (file,) = home.rglob("kept-*.txt")
    file.write_bytes(content)
    assert replay_answer(LINE) is None


def test_answer_that_cannot_be_kept_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where the folder should be."""
    (home / "file").touch()
    monkeypatch.setattr(answer_cache, "locate_state_folder", lambda: home / "file")
    save_answer(LINE, TEXT, 0, soon())
    assert replay_answer(LINE) is None
