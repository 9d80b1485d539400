"""Everything in transcripts is read, counted once, and nothing else."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claudemeter_tui.history.database import open_for_reading
from claudemeter_tui.history.transcripts import load_refusals
from claudemeter_tui.model.refusals import Refusal
from tests.kept_transcripts import build_keeper, count_skipped, create_archive, keep_changes, load_calls
from tests.transcript_files import PLANTED, Transcripts, TrueCall, write_transcripts

SEEDS = range(4)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return the file of an empty archive."""
    return create_archive(tmp_path / "archive" / "history.sqlite")


def list_true_calls(written: Transcripts) -> list[TrueCall]:
    """Return the true calls as the archive returns its own."""
    return sorted(call._replace(oddity=None) for call in written.calls.values())


def load_all_refusals(archive: Path) -> list[Refusal]:
    """Return every kept refusal, oldest first, with a key of 0."""
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    with closing(open_for_reading(archive)) as connection:
        return [one._replace(key=0) for one in load_refusals(connection, begin, end)]


@pytest.mark.parametrize("seed", SEEDS)
def test_calls_and_refusals_are_kept_once(tmp_path: Path, archive: Path, seed: int) -> None:
    """Each call and each refusal is kept once with all of its values, however often it was written."""
    written = write_transcripts(tmp_path / "claude", seed=seed)
    keep_changes(build_keeper(archive, written.config_folder))
    assert sorted(load_calls(archive)) == list_true_calls(written)
    assert load_all_refusals(archive) == written.refusals
    assert count_skipped(archive) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_unfinished_lines_wait(tmp_path: Path, archive: Path, seed: int) -> None:
    """A line that is still being written is read once it is complete, by the same process or the next one."""
    written = write_transcripts(tmp_path / "claude", seed=seed, files=60)
    assert written.unfinished
    keeper = build_keeper(archive, written.config_folder)
    keep_changes(keeper)
    written.finish()
    for reader in (build_keeper(archive, written.config_folder), keeper):
        keep_changes(reader)
        assert sorted(load_calls(archive)) == list_true_calls(written)


def test_nothing_is_read_twice(tmp_path: Path, archive: Path) -> None:
    """A second pass keeps nothing, in the same process and in the next one."""
    written = write_transcripts(tmp_path / "claude")
    keeper = build_keeper(archive, written.config_folder)
    assert keep_changes(keeper) > 0
    written.finish()
    keep_changes(keeper)
    assert [keep_changes(one) for one in (keeper, build_keeper(archive, written.config_folder))] == [0, 0]


def test_no_prompt_is_kept(tmp_path: Path, archive: Path) -> None:
    """No text of prompts, replies and tools is in any file beside the archive."""
    written = write_transcripts(tmp_path / "claude")
    assert all(PLANTED.encode() in path.read_bytes() for path in written.files)
    keep_changes(build_keeper(archive, written.config_folder))
    kept = b"".join(path.read_bytes() for path in archive.parent.iterdir())
    assert PLANTED.encode() not in kept


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    """The same arguments write the same bytes; another seed writes others."""
    first, second, other = (
        {path.relative_to(folder): path.read_bytes() for path in write_transcripts(folder, seed=seed).files}
        for folder, seed in ((tmp_path / "a", 1), (tmp_path / "b", 1), (tmp_path / "c", 2))
    )
    assert first == second != other


def test_files_have_sizes_of_real_ones(tmp_path: Path) -> None:
    """Most lines have 1 to 5 KB, some more than 100 KB, and nine of ten have no tokens."""
    written = write_transcripts(tmp_path / "claude", files=100, size=20 << 20)
    lines = [line for path in written.files for line in path.read_bytes().splitlines()]
    assert written.size == pytest.approx(20 << 20, rel=0.1)
    assert len(written.files) == 100
    assert sum(1000 <= len(line) <= 6000 for line in lines) > len(lines) / 2
    assert sum(len(line) > 100_000 for line in lines) > 10
    assert sum(b'"usage":{"input_tokens"' in line for line in lines) == pytest.approx(
        len(lines) / 10, rel=0.3
    )
