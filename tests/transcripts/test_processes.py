"""The process that reads transcripts: real processes, real files, one archive."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.history.database import UNUSABLE_ERRORS, open_for_reading, open_for_update
from claudemeter_tui.history.repair import mark_damaged, open_or_repair, remove_history
from claudemeter_tui.history.transcripts import load_positions, load_refusals, sum_calls_before
from claudemeter_tui.model.transcripts import READ_ONCE, TranscriptPosition
from claudemeter_tui.transcript_process import LOCK_NAME, TranscriptKeeper
from tests.bodies import ACCOUNT, PERSONAL, TEAM
from tests.transcripts.lines import call_line, encode, refusal_line
from tests.transcripts.processes import Home, ReadingProcess

MOST_SECONDS = 5.0
"""Seconds from a new line to the archive at most, on a machine that is not busy."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home folder."""
    return Home(tmp_path)


def read(home: Home, keeper: TranscriptKeeper | None = None) -> TranscriptKeeper:
    """Read everything that is new in this process; return what has read it."""
    keeper = keeper or TranscriptKeeper(home.archive, home.folder, {})
    deque(keeper.read_changes(threading.Event(), everything=True), 0)
    return keeper


def test_a_new_line_is_kept_within_seconds(home: Home) -> None:
    """Without a look at all files; in one of three attempts, because other programs may be busy."""
    home.write_calls(0)
    with ReadingProcess(home) as reader:
        reader.wait_for_calls(1)
        seconds = []
        for number in (1, 2, 3):
            home.write_calls(number)
            seconds.append(reader.wait_for_calls(number + 1))
        assert min(seconds) <= MOST_SECONDS
        assert stat.S_IMODE(home.archive.with_name(LOCK_NAME).stat().st_mode) == 0o600


def has_reported(home: Home, reader: ReadingProcess, other: ReadingProcess, number: int) -> bool:
    """Write one more call, wait for the reader, and return True if the other process has reported any."""
    home.write_calls(number)
    reader.wait_for_calls(number + 1)
    return other.has_report()


def test_another_process_takes_over(home: Home) -> None:
    """One reads and the other reports; after a kill the other reads, and each call is there once."""
    home.write_calls(*range(5))
    with ReadingProcess(home) as reader:
        reader.wait_for_calls(5)
        with ReadingProcess(home) as other:
            # It compares a counter with the one that it finds first, and it may start late.
            number = next(one for one in range(5, 60) if has_reported(home, reader, other, one))
            reader.kill()
            home.write_calls(*range(number + 5))
            other.wait_for_calls(number + 5)
            assert other.close_input() == 0
    assert home.query("SELECT count(*) FROM calls") == [(number + 5,)]


@pytest.mark.parametrize("waits", [False, True], ids=["reader", "follower"])
def test_the_process_ends_with_the_dashboard(home: Home, waits: bool) -> None:  # noqa: FBT001
    """The end of its standard input ends it, whether it reads or waits for another one."""
    home.write_calls(0)
    with ReadingProcess(home) as first:
        first.wait_for_calls(1)
        with ReadingProcess(home) as second:
            assert (second if waits else first).close_input() == 0


def test_a_process_that_reads_once_ends_by_itself(home: Home) -> None:
    """It ends after everything was read, and at once if another one reads."""
    home.write_calls(0)
    with ReadingProcess(home, READ_ONCE) as once:
        assert once.process.wait(60) == 0
        assert home.count_calls() == 1
    with ReadingProcess(home) as reader:
        home.write_calls(1)
        reader.wait_for_calls(2)
        with ReadingProcess(home, READ_ONCE) as once:
            assert once.process.wait(60) == 0


@contextmanager
def full_disk(home: Home) -> Iterator[None]:
    """Let no file of this process grow, as on a full disk."""
    del home
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_archive(home: Home) -> Iterator[None]:
    """Move the archive away."""
    moved = home.archive.with_name("moved")
    home.archive.rename(moved)
    yield
    moved.rename(home.archive)


@contextmanager
def read_only(home: Home) -> Iterator[None]:
    """Let SQLite refuse every write."""
    with closing(sqlite3.connect(home.archive)) as connection:
        for table in ("calls", "transcript_files"):
            for verb in ("INSERT", "UPDATE"):
                connection.execute(
                    f"CREATE TRIGGER no_{verb}_{table} BEFORE {verb} ON {table}"
                    " BEGIN SELECT RAISE(ABORT, 'read-only'); END"
                )
    yield
    with closing(sqlite3.connect(home.archive)) as connection:
        for table in ("calls", "transcript_files"):
            for verb in ("INSERT", "UPDATE"):
                connection.execute(f"DROP TRIGGER no_{verb}_{table}")


@pytest.mark.parametrize("trouble", [full_disk, no_archive, read_only])
def test_what_cannot_be_kept_is_read_again(
    home: Home, trouble: Callable[[Home], AbstractContextManager[None]]
) -> None:
    """A full disk or an archive that cannot be written loses nothing: the next pass has it."""
    home.write_calls(0)
    keeper = read(home)
    home.write_calls(*range(1, 2000))
    home.write_calls(*range(2000, 2100), name="other/session.jsonl")
    with trouble(home), pytest.raises(UNUSABLE_ERRORS):
        read(home, keeper)
    assert home.count_calls() == 1
    read(home, keeper)
    assert home.count_calls() == 2100


def test_a_repaired_archive_gets_everything_once(home: Home) -> None:
    """A running process notices another file: it reads all transcripts again, and counts nothing twice."""
    home.write_calls(*range(20))
    keeper = read(home)
    with closing(open_for_update(home.archive)) as connection:
        sum_calls_before(connection, 2**60)
        assert home.count_calls() == 0
    home.write_calls(*range(20, 25))
    read(home, keeper)
    kept = home.count_calls()
    connection, _ = open_or_repair(home.archive, datetime.now(UTC))
    mark_damaged(connection)
    open_or_repair(home.archive, datetime.now(UTC)).connection.close()
    read(home, keeper)
    assert home.count_calls() == kept
    assert home.query("SELECT sum(count) FROM call_hours") == [(20,)]
    assert home.query("SELECT count(*) FROM transcript_files") == [(1,)]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_file_rewritten_in_place_is_read_again(home: Home, restarts: bool) -> None:  # noqa: FBT001
    """Its size is the same: the time of the change shows it, also to the next run."""
    path = home.projects / "lab" / "session.jsonl"
    home.write_calls("1", "2")
    keeper = read(home)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"msg_2", b"msg_3"))
    os.utime(path, (time.time() + 1,) * 2)
    keeper = read(home, None if restarts else keeper)
    assert home.count_calls() == 3
    os.utime(path, (time.time() + 2,) * 2)
    position = next(iter(load(home).values()))
    read(home, None if restarts else keeper)
    assert next(iter(load(home).values())) == position._replace(changed_at=path.stat().st_mtime)


def load(home: Home) -> dict[int, TranscriptPosition]:
    """Return the positions in the archive."""
    with closing(open_for_reading(home.archive)) as connection:
        return load_positions(connection)


def test_a_removal_is_not_undone_by_a_running_process(home: Home) -> None:
    """It notices the new file, and keeps only what comes later."""
    home.write_calls(*range(5))
    keeper = read(home)
    remove_history(home.archive, None, datetime.now(UTC) + timedelta(milliseconds=1))
    read(home, keeper)
    assert home.count_calls() == 0
    later = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"
    home.write(call_line("later", timestamp=later))
    read(home, keeper)
    assert home.count_calls() == 1


def pass_two_milliseconds() -> None:
    """Let the clock show another time in the archive's unit, whichever way times are rounded."""
    end = datetime.now(UTC) + timedelta(milliseconds=2)
    while datetime.now(UTC) < end:
        pass


def test_a_call_between_two_logins_is_of_no_org(home: Home) -> None:
    """The login is known between two observations of the same one, and not while it changes."""
    keeper = read(home)
    pass_two_milliseconds()
    home.write_calls("first")
    pass_two_milliseconds()
    read(home, keeper)
    pass_two_milliseconds()
    home.write_calls("between")
    pass_two_milliseconds()
    home.log_in(TEAM)
    read(home, keeper)
    pass_two_milliseconds()
    home.write_calls("second")
    pass_two_milliseconds()
    read(home, keeper)
    rows = home.query("SELECT org FROM calls LEFT JOIN logins ON logins.id = login_id ORDER BY at")
    assert rows == [(PERSONAL,), (None,), (TEAM,)]


def test_only_refusals_are_kept_as_such(home: Home) -> None:
    """One that passes by itself is none; copies are one."""
    now = datetime.now(UTC)
    at = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    passing = refusal_line(timestamp=at, uuid="passing", apiErrorIsTransient=True, message={"id": "passing"})
    home.write(passing, refusal_line(timestamp=at), refusal_line(timestamp=at))
    home.write(refusal_line(timestamp=at), name="copy/session.jsonl")
    read(home)
    with closing(open_for_update(home.archive)) as connection:
        (refusal,) = load_refusals(connection, now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert refusal.limit == "five_hour"


def test_no_prompt_is_in_any_file(home: Home) -> None:
    """The archive and its logs have the tokens, but no text of the conversation."""
    home.write_calls(*range(50))
    home.write(refusal_line())
    read(home)
    files = [file for file in home.archive.parent.iterdir() if file.is_file()]
    assert home.count_calls() == 50
    assert [file.name for file in files if b"planted prompt" in file.read_bytes()] == []
    assert b"planted prompt" in (home.projects / "lab/session.jsonl").read_bytes()


@pytest.mark.parametrize("names", [("a", "a/projects-team"), ("a/projects-team", "a")])
def test_each_transcript_has_the_login_of_its_own_config_folder(
    names: tuple[str, str], home: Home, tmp_path: Path
) -> None:
    """One config folder can be beside the projects of another one, with a name that begins alike."""
    for name, org in zip(("a", "a/projects-team"), (PERSONAL, TEAM), strict=True):
        project = tmp_path / name / "projects" / "lab"
        project.mkdir(parents=True)
        login = {"oauthAccount": {"organizationUuid": org, "accountUuid": ACCOUNT}}
        (tmp_path / name / ".claude.json").write_text(json.dumps(login))
    folders = ",".join(str(tmp_path / name) for name in names)
    keeper = TranscriptKeeper(home.archive, tmp_path, {"CLAUDE_CONFIG_DIR": folders})
    deque(keeper.read_changes(threading.Event(), everything=True), 0)
    for name in names:
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        line = encode(call_line(f"msg_{name}", f"req_{name}", timestamp=at))
        (tmp_path / name / "projects" / "lab" / "s.jsonl").write_bytes(line)
    deque(keeper.read_changes(threading.Event(), everything=True), 0)
    found = home.query("SELECT org FROM calls JOIN logins ON logins.id = login_id ORDER BY org")
    assert found == [(PERSONAL,), (TEAM,)]
