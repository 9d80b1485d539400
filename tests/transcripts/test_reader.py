"""Reading of files: what is new, replaced files, long lines, and tokens that were cached again."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.model.transcripts import Call, TranscriptPosition, TranscriptReading
from claudemeter_tui.transcripts import reader
from claudemeter_tui.transcripts.files import TranscriptFinder
from claudemeter_tui.transcripts.reader import read_transcript
from tests.transcripts.lines import PROJECT, call_line, encode, refusal_line


def read(path: Path, position: TranscriptPosition | None = None) -> TranscriptReading:
    """Return everything behind a position, by default everything."""
    found = read_transcript(str(path), position or TranscriptPosition())
    assert found is not None
    return found


def append(path: Path, content: bytes) -> None:
    """Append to a file."""
    with path.open("ab") as file:
        file.write(content)


def test_only_new_complete_lines_are_read(tmp_path: Path) -> None:
    """The second reading has what was added, and an unfinished line waits for its end."""
    path, line = tmp_path / "a.jsonl", encode(call_line("msg_2"))
    path.write_bytes(encode(call_line(), refusal_line()) + line[:100])
    first = read(path)
    assert (len(first.calls), len(first.refusals), first.skipped) == (1, 1, 0)
    assert first.position.folder == PROJECT
    assert read(path, first.position).calls == []
    append(path, line[100:])
    second = read(path, first.position)
    assert len(second.calls) == 1
    assert second.position.offset == path.stat().st_size


def replace_file(path: Path) -> None:
    """Put another file in the place."""
    other = path.with_name("other")
    other.write_bytes(encode(call_line("msg_3"), call_line("msg_4"), call_line("msg_5")))
    other.replace(path)


def shorten_file(path: Path) -> None:
    """Write less into the same file."""
    path.write_bytes(encode(call_line("msg_3")))


def rewrite_file(path: Path) -> None:
    """Write more into the same file, with lines of other lengths."""
    path.write_bytes(
        encode(call_line("message_3", cwd="/x" * 90), *[call_line(f"msg_{n}") for n in range(9)])
    )


def rewrite_same_length(path: Path) -> None:
    """Write other lines of the same length into the same file."""
    path.write_bytes(encode(call_line("msg_7"), call_line("msg_8")))


def rewrite_start(path: Path) -> None:
    """Replace the first line by two, and keep the end."""
    path.write_bytes(encode(call_line("msg_7"), call_line("msg_8"), call_line("msg_2")))


def rewrite_and_append(path: Path) -> None:
    """Replace the last line by one of the same length, and append another one."""
    path.write_bytes(encode(call_line(), call_line("msg_8"), call_line("msg_9")))


CHANGES = [
    (replace_file, 3),
    (shorten_file, 1),
    (rewrite_file, 10),
    (rewrite_same_length, 2),
    (rewrite_start, 3),
    (rewrite_and_append, 3),
]


@pytest.mark.parametrize(("change", "count"), CHANGES)
def test_changed_file_is_read_again(change: Any, count: int, tmp_path: Path) -> None:
    """A file that was replaced, became shorter or was rewritten is read from its start."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(encode(call_line(), call_line("msg_2")))
    position = read(path).position
    change(path)
    assert len(read(path, position).calls) == count


def test_damaged_lines_are_counted(tmp_path: Path) -> None:
    """A line that cannot be read costs only itself."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        encode(call_line()) + b'{"assistant"\n\xff\xfe"assistant"\n' + encode(call_line("msg_2"))
    )
    found = read(path)
    assert (len(found.calls), found.skipped) == (2, 2)


def test_line_that_is_too_long_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted once and never kept in memory, and the lines around it are read."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(reader, "MAX_LINE_BYTES", 5_000)
    path = tmp_path / "a.jsonl"
    long = encode(call_line("long", message={"content": "x" * 20_000}))
    path.write_bytes(encode(call_line()) + long + encode(call_line("msg_2")))
    found = read(path)
    assert (len(found.calls), found.skipped) == (2, 1)
    assert found.position.offset == path.stat().st_size
    path.write_bytes(encode(call_line()) + long[:-1])
    unfinished = read(path)
    assert (len(unfinished.calls), unfinished.skipped) == (1, 0)
    append(path, b"\n" + encode(call_line("msg_2")))
    finished = read(path, unfinished.position)
    assert (len(finished.calls), finished.skipped) == (1, 1)


@pytest.mark.parametrize("size", [1, 4_096])
def test_a_mark_of_utf_8_costs_no_line(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte order mark before the first line, as some editors write it, is no part of that line."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", size)
    path = tmp_path / "a.jsonl"
    path.write_bytes(BOM_UTF8 + encode(call_line(), call_line("msg_2")))
    found = read(path)
    assert (len(found.calls), found.skipped) == (2, 0)
    assert found.position.offset == path.stat().st_size


@pytest.mark.parametrize("size", [1, 7, 100, 4_096])
def test_blocks_of_any_size_give_the_same(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The borders of the blocks change nothing."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(encode(*(call_line(f"msg_{n}", counts={"output_tokens": n + 1}) for n in range(5))))
    expected = read(path)
    monkeypatch.setattr(reader, "BLOCK_BYTES", size)
    assert expected == read(path)


def cached(number: int, read_tokens: int, written: int, **more: Any) -> dict[str, Any]:
    """Return the line of a call with these cached tokens and nothing else."""
    counts = {
        "input_tokens": 0,
        "cache_read_input_tokens": read_tokens,
        "cache_creation_input_tokens": written,
        "cache_creation": None,
    }
    return call_line(f"msg_{number}", f"req_{number}", counts=counts, **more)


REBUILDS = [
    ([(0, 1000), (1000, 50)], [0, 0]),
    ([(0, 1000), (1000, 50), (0, 1100)], [0, 0, 1050]),
    ([(0, 1000), (400, 700)], [0, 600]),
    # Compacted: the context became smaller, and its tokens are new.
    ([(0, 1000), (200, 300)], [0, 0]),
]


@pytest.mark.parametrize(("calls", "expected"), REBUILDS)
def test_tokens_cached_again_are_counted(
    calls: list[tuple[int, int]], expected: list[int], tmp_path: Path
) -> None:
    """Tokens are rebuilt if the call before had cached them and the context did not become smaller."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(encode(*[cached(n, *call)] * 2) for n, call in enumerate(calls)))
    assert [call.rebuilt for call in read(path).calls[::2]] == expected
    assert [call.rebuilt for call in read(path).calls[1::2]] == expected
    # The same in two readings.
    position, found = TranscriptPosition(), []
    path.write_bytes(b"")
    for number, call in enumerate(calls):
        append(path, encode(cached(number, *call)))
        part = read(path, position)
        position = part.position
        found += [one.rebuilt for one in part.calls]
    assert found == expected


def test_sidechains_have_a_conversation_of_their_own(tmp_path: Path) -> None:
    """In a subagent's file its calls follow each other; in the main file they do not count."""
    lines = encode(cached(1, 0, 1000, isSidechain=True), cached(2, 0, 1100, isSidechain=True))
    (tmp_path / "agent-1.jsonl").write_bytes(lines)
    (tmp_path / "a.jsonl").write_bytes(lines)
    assert [call.rebuilt for call in read(tmp_path / "agent-1.jsonl").calls] == [0, 1000]
    assert [call.rebuilt for call in read(tmp_path / "a.jsonl").calls] == [0, 0]


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe, a folder and a missing file have nothing, and none of them blocks."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("pipe.jsonl", "folder.jsonl", "missing.jsonl", "nul\0.jsonl"):
        assert read_transcript(f"{tmp_path}/{name}", TranscriptPosition()) is None


def find(finder: TranscriptFinder, now: float, *, everything: bool = False) -> list[str]:
    """Return the names of the files that changed."""
    return [Path(path).name for path, _ in finder.find_changes(now, everything=everything)]


def test_finder_yields_what_changed(tmp_path: Path) -> None:
    """New and changed files are yielded once; old ones only if everything is looked at."""
    project = tmp_path / "projects" / "p"
    (project / "session" / "subagents").mkdir(parents=True)
    old, new = project / "old.jsonl", project / "session" / "subagents" / "agent-1.jsonl"
    for file in (old, new, project / "notes.txt"):
        file.write_bytes(b"x\n")
    os.utime(old, (1_000, 1_000))
    now = new.stat().st_mtime + 1
    finder = TranscriptFinder((str(tmp_path / "projects"),))
    assert find(finder, now) == ["old.jsonl", "agent-1.jsonl"]
    assert find(finder, now) == []
    for file in (old, new):
        append(file, b"y\n")
    os.utime(old, (2_000, 2_000))
    assert find(finder, now) == ["agent-1.jsonl"]
    assert find(finder, now, everything=True) == ["old.jsonl"]
    (project / "third.jsonl").write_bytes(b"x\n")
    assert find(finder, now) == ["third.jsonl"]
    new.unlink()
    assert find(finder, now, everything=True) == []
    assert {Path(path).name for path in finder.files} == {"old.jsonl", "third.jsonl"}


def test_finder_bears_loops_pipes_and_vanished_folders(tmp_path: Path) -> None:
    """A link to a folder above is not followed again, and a pipe is no transcript."""
    project = tmp_path / "projects" / "p"
    project.mkdir(parents=True)
    (project / "a.jsonl").write_bytes(b"x\n")
    (project / "loop").symlink_to(tmp_path / "projects")
    (project / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(project / "pipe.jsonl")
    finder = TranscriptFinder((str(tmp_path / "projects"), str(tmp_path / "missing")))
    assert find(finder, 0.0) == ["a.jsonl"]


def test_linked_folders_are_followed_at_the_top_only(tmp_path: Path) -> None:
    """The folder of the projects can be a link; a link within it could lead to every file of the machine."""
    real = tmp_path / "disk" / "p"
    real.mkdir(parents=True)
    (real / "a.jsonl").write_bytes(b"x\n")
    (real / "q").symlink_to(real)
    projects = tmp_path / "projects"
    projects.symlink_to(tmp_path / "disk")
    assert find(TranscriptFinder((str(projects),)), 0.0) == ["a.jsonl"]
    assert find(TranscriptFinder((str(projects), str(tmp_path / "disk"))), 0.0) == ["a.jsonl"]


def test_big_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part ends with a complete line, and the parts have what the whole has."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1_000)
    path, position = tmp_path / "a.jsonl", TranscriptPosition()
    path.write_bytes(encode(*(call_line(f"msg_{number}") for number in range(20))))
    expected, found, parts = read(path), list[Call](), 0
    while True:
        part = read_transcript(str(path), position, 2_000)
        assert part is not None
        found, position, parts = found + part.calls, part.position, parts + 1
        if part.is_complete:
            break
    assert (expected.calls, expected.position) == (found, position)
    assert parts > 3
    stopped = read_transcript(str(path), TranscriptPosition(), is_stopped=lambda: True)
    assert stopped is not None
    assert stopped.position.offset == 0
