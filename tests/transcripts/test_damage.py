"""Nothing in a transcript or its folder raises, is lost without a count, or reveals a prompt."""

from __future__ import annotations

import os
import random
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui import transcript_process
from claudemeter_tui.model.transcripts import TranscriptPosition, TranscriptReading
from claudemeter_tui.transcripts.lines import MARK, decode_line
from claudemeter_tui.transcripts.reader import read_transcript
from tests.kept_transcripts import build_keeper, count_skipped, create_archive, keep_changes, load_calls
from tests.transcript_files import PLANTED, Transcripts, write_transcripts
from tests.transcripts.lines import call_line, encode, refusal_line

LINES = (
    call_line(message={"content": [{"type": "text", "text": f'{PLANTED} "assistant" {PLANTED}'}]}),
    refusal_line(toolUseResult={"stdout": PLANTED, "usage": None}, content=PLANTED),
)
HOSTILE = ("\x1b]0;evil\x07", "a\nb", "\u202egnp", "\ud800", "x" * 100_000, "9" * 400, "<synthetic>")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BYTES = st.binary(max_size=3) | st.sampled_from([b"\\", b'"', b"null", b"1e999", b"\xff", b"{", b"}"])
DEEP = b'{"message":' * 100_000
MAX_TEXT = 1000


def list_places(line: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the keys that lead to each value of a line."""
    for key, value in line.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in list_places(value))


def replace_value(line: dict[str, Any], place: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return the line with another value in one place."""
    key, *rest = place
    return line | {key: replace_value(line[key], tuple(rest), value) if rest else value}


def check_line(line: bytes) -> bool:
    """Check everything that a line gives; return True if it can be read."""
    problem, found = "", None
    try:
        found = decode_line(line)
    except ValueError as error:
        problem = str(error)
    if problem:
        # One word names no content.
        assert problem.isidentifier()
        return False
    if found is not None and found.call is not None:
        assert all(0 <= figure <= 2 * 10**12 for figure in found.call.counts)
        check_texts(found.folder, found.call.model, found.call.variant, found.call.cache_miss)
    if found is not None and found.refusal is not None:
        check_texts(*(text for text in found.refusal if isinstance(text, str)))
    return True


def check_texts(*texts: str) -> None:
    """Check that texts are short, and have neither a prompt nor control characters."""
    for text in texts:
        assert len(text) <= MAX_TEXT
        assert PLANTED not in text
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in text)


def test_every_null_is_accepted() -> None:
    """Null in any place of a line is read: the line has less, or nothing."""
    assert all(
        check_line(encode(replace_value(line, place, None))) for line in LINES for place in list_places(line)
    )


@given(line=st.sampled_from(LINES), data=st.data())
def test_any_value_in_any_place(line: dict[str, Any], data: st.DataObject) -> None:
    """A value of any type in any place is ignored, or the line is refused."""
    for _ in range(data.draw(st.integers(1, 3))):
        line = replace_value(line, data.draw(st.sampled_from(list(list_places(line)))), data.draw(VALUES))
    check_line(encode(line))


@given(line=st.sampled_from(LINES), data=st.data())
def test_any_bytes_in_any_place(line: dict[str, Any], data: st.DataObject) -> None:
    """A line with other bytes, or without its end, is ignored, read or refused."""
    content = bytearray(encode(line))
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3)
            | st.sampled_from([b"\\", b'"', b"null", b"1e999", b"\x00", b"\xff", b"{", b"}"])
        )
    check_line(bytes(content[: data.draw(st.integers(0, len(content)))]))
    check_line(bytes(content))


@pytest.mark.parametrize("place", ["message", "toolUseResult", "error"])
def test_deep_line_is_refused(place: str) -> None:
    """A line of a hundred thousand levels is refused, wherever they are."""
    assert not check_line(encode(call_line()).rstrip()[:-1] + f',"{place}":'.encode() + DEEP)


def read_in_parts(path: Path, content: bytes, chance: random.Random) -> TranscriptReading:
    """Return everything that the readings of a growing file find together."""
    path.write_bytes(b"")
    whole = TranscriptReading(str(path), TranscriptPosition())
    while content:
        size = chance.randrange(1, 20_000)
        with path.open("ab") as file:
            file.write(content[:size])
        content = content[size:]
        found = read_transcript(str(path), whole.position)
        assert found is not None
        whole.position = found.position
        whole.calls += found.calls
        whole.refusals += found.refusals
        whole.skipped += found.skipped
    return whole


def damage_lines(content: bytes, chance: random.Random) -> bytes:
    """Return the file with a change in about every second line."""
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines):
        start = chance.randrange(len(line))
        lines[number] = chance.choice(
            (
                line,
                line,
                line,
                line[: len(line) // 2] + b"\n",
                line[:start] + chance.randbytes(2).replace(b"\n", b"") + line[start + 2 :],
                line[:start] + line[start + 1 :].rstrip() + b"\n\n",
                line.replace(b"_tokens", b'_tokens":null,"x', 1),
            )
        )
    return b"".join(lines)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_lines_cost_only_themselves(tmp_path: Path, seed: int) -> None:
    """All readings of a damaged file that grows find what each line has, and count those that are refused."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    written = write_transcripts(tmp_path / "claude", seed=seed, files=4, size=1 << 20)
    for source in written.files:
        content = damage_lines(source.read_bytes(), chance)
        found = read_in_parts(tmp_path / source.name, content, chance)
        marked = [line for line in content.split(b"\n")[:-1] if MARK in line]
        readable = [line for line in marked if check_line(line)]
        expected = [one for line in readable if (one := decode_line(line)) is not None]
        assert found.skipped == len(marked) - len(readable)
        assert [call._replace(rebuilt=0) for call in found.calls] == [
            one.call for one in expected if one.call
        ]
        assert len(found.refusals) == sum(one.refusal is not None for one in expected)
        assert PLANTED not in repr(found)
        at_once = read_transcript(str(tmp_path / source.name), TranscriptPosition())
        assert at_once == found


def test_odd_files_hide_no_other(tmp_path: Path) -> None:
    """Pipes, loops of links, folders with a transcript's name and names that are no text are left out."""
    written = write_transcripts(tmp_path / "claude")
    archive = create_archive(tmp_path / "archive" / "history.sqlite")
    project = written.files[0].parent
    os.mkfifo(project / "pipe.jsonl")
    (project / "itself.jsonl").symlink_to("itself.jsonl")
    (project / "ring").symlink_to(project.parent)
    (project / "folder.jsonl").mkdir()
    (project / "folder.jsonl" / "empty.jsonl").touch()
    (project / "line\nfeed.jsonl").write_bytes(b"\n\n")
    (project / "null.jsonl").symlink_to("/dev/zero")
    Path(os.fsdecode(os.fsencode(project) + b"/\xff.jsonl")).write_bytes(encode(call_line("not_text")))
    keeper = build_keeper(archive, written.config_folder)
    keep_changes(keeper)
    check_calls(archive, written)
    assert count_skipped(archive) == 0
    assert keep_changes(keeper) == 0


def test_config_folder_that_is_no_text_hides_no_other(tmp_path: Path) -> None:
    """A config folder whose name the archive cannot keep is left out."""
    written = write_transcripts(tmp_path / "claude")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    write_transcripts(odd, seed=1)
    archive = create_archive(tmp_path / "archive" / "history.sqlite")
    keep_changes(build_keeper(archive, odd, written.config_folder))
    check_calls(archive, written)


def check_calls(archive: Path, written: Transcripts) -> None:
    """Check that exactly the true calls are kept."""
    assert sorted(load_calls(archive)) == sorted(
        call._replace(oddity=None) for call in written.calls.values()
    )


def replace_file(path: Path) -> None:
    """Put a file with the same content into its place, as an editor does."""
    copy = path.with_suffix(".new")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


def replace_by_pipe(path: Path) -> None:
    """Put a pipe into the place of a file."""
    path.unlink()
    os.mkfifo(path)


def replace_by_folder(path: Path) -> None:
    """Put a folder into the place of a file."""
    path.unlink()
    path.mkdir()


def replace_by_loop(path: Path) -> None:
    """Put a link to itself into the place of a file."""
    path.unlink()
    path.symlink_to(path)


CHANGES: tuple[Callable[[Path], None], ...] = (
    Path.unlink,
    replace_file,
    replace_by_pipe,
    replace_by_folder,
    replace_by_loop,
    lambda path: os.truncate(path, 0),
    lambda path: os.truncate(path, path.stat().st_size // 2),
)
"""Changes of a file after it was looked at."""


@pytest.mark.parametrize("change", CHANGES)
def test_file_changes_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    """A file that changes between the look and the reading costs no other file, and is read later."""
    written = write_transcripts(tmp_path / "claude", seed=3)
    archive = create_archive(tmp_path / "archive" / "history.sqlite")
    contents = {path: path.read_bytes() for path in written.files}
    chosen = {str(path): path for path in written.files[::2]}

    def change_then_read(path: str, *where: Any) -> TranscriptReading | None:
        if path in chosen:
            change(chosen.pop(path))
        return read_transcript(path, *where)

    monkeypatch.setattr(transcript_process, "read_transcript", change_then_read)
    keeper = build_keeper(archive, written.config_folder)
    keep_changes(keeper)
    assert not chosen
    assert {call.at for call in load_calls(archive)} <= {call.at for call in written.calls.values()}
    assert count_skipped(archive) == 0
    for path in written.files:
        if path.is_symlink() or path.is_fifo():
            path.unlink()
        elif path.is_dir():
            path.rmdir()
        path.write_bytes(contents[path])
    keep_changes(keeper)
    check_calls(archive, written)
