"""What is remembered from run to run: lost or broken, it loses nothing else."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from claudemeter_tui.storage import UI_STATE_FILE, UiState, load_ui_state, save_ui_state


@pytest.mark.parametrize(
    "memory",
    [UiState(), UiState("nord"), UiState(org=("a-1", "b-1")), UiState("nord", ("", "b-1"))],
)
def test_memory_comes_back_as_it_was_saved(memory: UiState, tmp_path: Path) -> None:
    """The theme, the org, both, or nothing; an account can be nameless."""
    save_ui_state(tmp_path / "state", memory)
    assert load_ui_state(tmp_path / "state") == memory


def test_nothing_saved_is_nothing_remembered(tmp_path: Path) -> None:
    """A folder that is not there is no error, and loading makes none."""
    assert load_ui_state(tmp_path / "none") == UiState()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (UiState(), b""),
        (UiState(), b"\xff\xfe"),
        (UiState(), b'{"theme": "nord"'),
        (UiState(), b"[]"),
        (UiState(), b"[" * 10_000),
        (UiState(), b'{"theme": "' + b"x" * 20_000 + b'"}'),
        (UiState("nord"), b'{"theme": "nord"}'),
        (UiState("nord"), b'{"theme": "nord", "org": "b-1", "more": 1}'),
        (UiState("nord"), b'{"theme": "nord", "org": ["a-1"]}'),
        (UiState("nord"), b'{"theme": "nord", "org": ["a-1", 5]}'),
        (UiState("nord"), b'{"theme": "nord", "org": ["a-1", "\\u001b[31m"]}'),
        (UiState(org=("a-1", "b-1")), b'{"theme": 5, "org": ["a-1", "b-1"]}'),
        (UiState(), b'{"theme": "\\u001b]0;x"}'),
    ],
)
def test_broken_part_is_as_if_it_never_was(expected: UiState, content: bytes, tmp_path: Path) -> None:
    """What is whole beside it is used."""
    (tmp_path / UI_STATE_FILE).write_bytes(content)
    assert load_ui_state(tmp_path) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_memory_is_for_this_person_alone(tmp_path: Path) -> None:
    """New folders 0700, the file 0600, and nothing else is left."""
    save_ui_state(tmp_path / "state" / "claudemeter", UiState("nord"))
    folder = tmp_path / "state" / "claudemeter"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "state", folder)] == [0o700, 0o700]
    assert [(one.name, stat.S_IMODE(one.stat().st_mode)) for one in folder.iterdir()] == [
        (UI_STATE_FILE, 0o600)
    ]


def test_memory_that_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "state").touch()
    save_ui_state(tmp_path / "state", UiState("nord"))
    assert load_ui_state(tmp_path / "state") == UiState()


def test_full_disk_keeps_what_was_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced whole or not at all."""
    save_ui_state(tmp_path, UiState("nord"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    save_ui_state(tmp_path, UiState("dracula"))
    assert load_ui_state(tmp_path) == UiState("nord")
    assert [one.name for one in tmp_path.iterdir()] == [UI_STATE_FILE]


def test_memory_holds_nothing_else(tmp_path: Path) -> None:
    """Two keys, plain JSON."""
    save_ui_state(tmp_path, UiState("nord", ("a-1", "b-1")))
    assert json.loads((tmp_path / UI_STATE_FILE).read_text()) == {"theme": "nord", "org": ["a-1", "b-1"]}
