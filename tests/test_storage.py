"""Saved UI state: a lost or broken part loses nothing else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import platformdirs
import pytest

from claudemeter_tui.browsers.folders import build_base_folders
from claudemeter_tui.storage import (
    MAX_TEMPORARY_AGE,
    UI_STATE_FILE,
    UiState,
    load_ui_state,
    locate_config_file,
    locate_data_folder,
    locate_state_folder,
    read_start,
    remove_old_files,
    save_ui_state,
    write_private_file,
)


@pytest.mark.parametrize(
    "memory",
    [UiState(), UiState("nord"), UiState(org=("a-1", "b-1")), UiState("nord", ("", "b-1"))],
)
def test_state_is_loaded_as_saved(memory: UiState, tmp_path: Path) -> None:
    """Theme, org, both, or nothing are loaded as saved; an account can be nameless."""
    save_ui_state(tmp_path / "state", memory)
    assert load_ui_state(tmp_path / "state") == memory


def test_missing_state_is_empty(tmp_path: Path) -> None:
    """A missing folder is no error, and loading does not make it."""
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
def test_broken_part_is_ignored(expected: UiState, content: bytes, tmp_path: Path) -> None:
    """The intact parts beside a broken one are used."""
    (tmp_path / UI_STATE_FILE).write_bytes(content)
    assert load_ui_state(tmp_path) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_state_is_private(tmp_path: Path) -> None:
    """New folders have mode 0700, the file 0600, and no other file is left."""
    save_ui_state(tmp_path / "state" / "claudemeter", UiState("nord"))
    folder = tmp_path / "state" / "claudemeter"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "state", folder)] == [0o700, 0o700]
    assert [(one.name, stat.S_IMODE(one.stat().st_mode)) for one in folder.iterdir()] == [
        (UI_STATE_FILE, 0o600)
    ]


def test_failed_save_is_no_error(tmp_path: Path) -> None:
    """A file in place of the folder does not end the program."""
    (tmp_path / "state").touch()
    save_ui_state(tmp_path / "state", UiState("nord"))
    assert load_ui_state(tmp_path / "state") == UiState()


def test_full_disk_keeps_the_saved_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced as a whole or not at all."""
    save_ui_state(tmp_path, UiState("nord"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    save_ui_state(tmp_path, UiState("dracula"))
    assert load_ui_state(tmp_path) == UiState("nord")
    assert [one.name for one in tmp_path.iterdir()] == [UI_STATE_FILE]


def test_state_holds_two_keys(tmp_path: Path) -> None:
    """The file has two keys in plain JSON."""
    save_ui_state(tmp_path, UiState("nord", ("a-1", "b-1")))
    assert json.loads((tmp_path / UI_STATE_FILE).read_text()) == {"theme": "nord", "org": ["a-1", "b-1"]}


KILLED = """
import os, signal, sys
from pathlib import Path
from claudemeter_tui.storage import write_private_file
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_private_file(Path(sys.argv[1]), "half-written")
"""
"""Dies in the middle of a private write."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    "name", [UI_STATE_FILE, "kept-0123456789abcdef.json", "kept-1.txt", "claude-code.json"]
)
def test_unfinished_file_of_a_killed_process_is_removed_a_day_later(name: str, tmp_path: Path) -> None:
    """A younger one may still be written, and a file of another name is not ours."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name)], check=False, timeout=60)
    (left,) = tmp_path.iterdir()
    others = [tmp_path / other for other in (".notes", f".{name}", name, "x.json.abcdefgh")]
    for other in others:
        other.touch()
        os.utime(other, (0, 0))
    write_private_file(tmp_path / "new.json", "{}")
    assert left.exists()
    old = time.time() - MAX_TEMPORARY_AGE - 1
    os.utime(left, (old, old))
    write_private_file(tmp_path / "new.json", "{}")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "new.json"])


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX has umask, FIFOs and XDG folders")


@posix_only
def test_umask_keeps_no_file_from_its_owner(tmp_path: Path) -> None:
    """Folders and files are usable by their owner, and by no one else, whatever the umask is."""
    before = os.umask(0o777)
    try:
        write_private_file(tmp_path / "state" / "claudemeter" / "new.json", "{}")
    finally:
        os.umask(before)
    folder = tmp_path / "state" / "claudemeter"
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "state", folder, folder / "new.json")]
    assert modes == [0o700, 0o700, 0o600]


@posix_only
def test_fifo_in_place_of_a_file_counts_as_empty(tmp_path: Path) -> None:
    """Reading it does not wait for a writer, with one or without; writing replaces it."""
    path = tmp_path / UI_STATE_FILE
    os.mkfifo(path)
    assert (read_start(path, 9), load_ui_state(tmp_path)) == (b"", UiState())
    writer = os.open(path, os.O_RDWR)
    assert (read_start(path, 9), load_ui_state(tmp_path)) == (b"", UiState())
    os.close(writer)
    save_ui_state(tmp_path, UiState("nord"))
    assert load_ui_state(tmp_path) == UiState("nord")


@posix_only
def test_relative_xdg_folder_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification says so: the folder would move with the working directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    default = locate_config_file(), locate_state_folder(), build_base_folders(None)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, "relative")
    assert (locate_config_file(), locate_state_folder(), build_base_folders(None)) == default
    assert os.environ["XDG_STATE_HOME"] == "relative"


@pytest.mark.parametrize("variables", [{}, {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}])
def test_folders_are_those_of_the_system(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way on Linux finds the same folders as platformdirs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = locate_config_file().parent, locate_data_folder(), locate_state_folder()
    functions = platformdirs.user_config_path, platformdirs.user_data_path, platformdirs.user_state_path
    assert found == tuple(find("claudemeter-tui", appauthor=False) for find in functions)


def test_old_files_are_removed(tmp_path: Path) -> None:
    """Caches of earlier versions are removed, locks after a week without use, and nothing else."""
    names = ["kept-1.json", "kept-1.txt", "kept-1.lock", "status-old.lock", "status-new.lock", "state.json"]
    for name in names:
        (tmp_path / name).touch()
    for name in ("status-old.lock", "state.json"):
        os.utime(tmp_path / name, (1, 1))
    remove_old_files(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["state.json", "status-new.lock"]
    remove_old_files(tmp_path / "missing")


@posix_only
def test_unwritable_state_folder_has_a_substitute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The substitute belongs to this user alone, or is not used."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    substitute = tmp_path / f"claudemeter-tui-{os.getuid()}"
    assert locate_state_folder() == substitute
    save_ui_state(locate_state_folder(), UiState("nord"))
    assert load_ui_state(locate_state_folder()) == UiState("nord")
    substitute.chmod(0o755)
    assert locate_state_folder() == tmp_path / "file" / "claudemeter-tui"
