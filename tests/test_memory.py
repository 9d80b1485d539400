"""What is remembered from run to run: lost or broken, it loses nothing else."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from claudemeter_tui.memory import FILE, Memory, load, save


@pytest.mark.parametrize(
    "memory",
    [Memory(), Memory("nord"), Memory(org=("a-1", "b-1")), Memory("nord", ("", "b-1"))],
)
def test_memory_comes_back_as_it_was_saved(memory: Memory, tmp_path: Path) -> None:
    """The theme, the org, both, or nothing; an account can be nameless."""
    save(tmp_path / "state", memory)
    assert load(tmp_path / "state") == memory


def test_nothing_saved_is_nothing_remembered(tmp_path: Path) -> None:
    """A folder that is not there is no error, and loading makes none."""
    assert load(tmp_path / "none") == Memory()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (Memory(), b""),
        (Memory(), b"\xff\xfe"),
        (Memory(), b'{"theme": "nord"'),
        (Memory(), b"[]"),
        (Memory(), b"[" * 10_000),
        (Memory(), b'{"theme": "' + b"x" * 20_000 + b'"}'),
        (Memory("nord"), b'{"theme": "nord"}'),
        (Memory("nord"), b'{"theme": "nord", "org": "b-1", "more": 1}'),
        (Memory("nord"), b'{"theme": "nord", "org": ["a-1"]}'),
        (Memory("nord"), b'{"theme": "nord", "org": ["a-1", 5]}'),
        (Memory("nord"), b'{"theme": "nord", "org": ["a-1", "\\u001b[31m"]}'),
        (Memory(org=("a-1", "b-1")), b'{"theme": 5, "org": ["a-1", "b-1"]}'),
        (Memory(), b'{"theme": "\\u001b]0;x"}'),
    ],
)
def test_broken_part_is_as_if_it_never_was(expected: Memory, content: bytes, tmp_path: Path) -> None:
    """What is whole beside it is used."""
    (tmp_path / FILE).write_bytes(content)
    assert load(tmp_path) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_memory_is_for_this_person_alone(tmp_path: Path) -> None:
    """New folders 0700, the file 0600, and nothing else is left."""
    save(tmp_path / "state" / "claudemeter", Memory("nord"))
    folder = tmp_path / "state" / "claudemeter"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "state", folder)] == [0o700, 0o700]
    assert [(one.name, stat.S_IMODE(one.stat().st_mode)) for one in folder.iterdir()] == [(FILE, 0o600)]


def test_memory_that_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "state").touch()
    save(tmp_path / "state", Memory("nord"))
    assert load(tmp_path / "state") == Memory()


def test_full_disk_keeps_what_was_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced whole or not at all."""
    save(tmp_path, Memory("nord"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    save(tmp_path, Memory("dracula"))
    assert load(tmp_path) == Memory("nord")
    assert [one.name for one in tmp_path.iterdir()] == [FILE]


def test_memory_holds_nothing_else(tmp_path: Path) -> None:
    """Two keys, plain JSON."""
    save(tmp_path, Memory("nord", ("a-1", "b-1")))
    assert json.loads((tmp_path / FILE).read_text()) == {"theme": "nord", "org": ["a-1", "b-1"]}
