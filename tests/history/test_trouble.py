"""Whatever happens to the file: one problem, nothing acknowledged is lost, nothing is written twice."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from queue import Queue
from threading import Event
from typing import Any

import pytest

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import (
    ARCHIVE_NAME,
    is_damage,
    list_tables,
    open_for_reading,
    open_for_writing,
    read_file_state,
    to_millis,
)
from claudemeter_tui.history.derivation import Deriver
from claudemeter_tui.history.network_folders import is_network_folder
from claudemeter_tui.history.rebuild import iter_rebuild
from claudemeter_tui.history.recorder import (
    ARCHIVE_SESSION,
    HANG_LIMIT,
    MAX_QUEUED_READINGS,
    OpenedArchive,
    Recorder,
)
from claudemeter_tui.history.repair import PARENTS, mark_damaged, open_or_repair
from claudemeter_tui.history.schema import DERIVED_VERSION, VERSION
from claudemeter_tui.model.reading import Failure, Reading
from claudemeter_tui.model.store import OrgState, Store
from tests.history.recording import (
    PATIENCE,
    Recording,
    archive_path,
    list_amounts,
    list_minutes,
    read_amounts,
    respecting_modes,
)
from tests.history.test_archive import build, poll, put
from tests.scenes import READ

NOT_KEPT = "history not kept"
DAMAGED = "history was damaged"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the program's archive, in a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return archive_path(tmp_path)


def put_in_place(make: Callable[[Path], object]) -> Callable[[Path], Callable[[], None]]:
    """Return a trouble: something else is in the file's place, and is removed later."""

    def trouble(path: Path) -> Callable[[], None]:
        path.parent.mkdir(exist_ok=True)
        make(path)
        return path.rmdir if path.is_dir() else path.unlink

    return trouble


def link_elsewhere(path: Path) -> None:
    """Put a link to another file in the place."""
    other = path.parent / "other"
    other.write_bytes(b"untouched")
    path.symlink_to(other)


def forbid(*, folder: bool) -> Callable[[Path], Callable[[], None]]:
    """Return a trouble: the folder or the file is read-only."""

    def trouble(path: Path) -> Callable[[], None]:
        if not path.parent.exists():
            open_for_writing(path).close() if not folder else path.parent.mkdir()
        path.parent.chmod(0o500) if folder else path.chmod(0o400)

        def allow() -> None:
            path.parent.chmod(0o700)
            if path.exists():
                path.chmod(0o600)

        return allow

    return trouble


def block_folder(path: Path) -> Callable[[], None]:
    """Put a file in the place of the folder."""
    path.parent.write_text("")
    return path.parent.unlink


def fill_disk(path: Path) -> Callable[[], None]:
    """Let no file of this process grow any more, as on a full disk."""
    path.parent.mkdir(exist_ok=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


TROUBLES: dict[str, Callable[[Path], Callable[[], None]]] = {
    "folder": put_in_place(Path.mkdir),
    "FIFO": put_in_place(os.mkfifo),
    "link": put_in_place(link_elsewhere),
    "dangling link": put_in_place(lambda path: path.symlink_to("nowhere")),
    "read-only folder": forbid(folder=True),
    "read-only file": forbid(folder=False),
    "file as folder": block_folder,
    "full disk": fill_disk,
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_recording_resumes_when_the_trouble_is_over(
    path: Path, trouble: Callable[[Path], Callable[[], None]]
) -> None:
    """One problem while it lasts, none afterwards, and every reading is in the file once."""
    with respecting_modes():
        end = trouble(path)
        try:
            recording = Recording()
            kind, detail = recording.next_problem() or ("", "")
            recording.poll(1)
            recording.poll(2)
        finally:
            end()
        recording.poll(3)
        assert recording.next_problem() is None
        assert recording.close() == []
    assert kind == NOT_KEPT
    assert detail
    assert str(path.parent) not in detail
    assert list_minutes(path) == [1, 2, 3]
    assert list_amounts(path) == [1, 2, 3]


@pytest.mark.parametrize("trouble", ["read-only folder", "full disk"])
def test_a_trouble_in_the_middle_loses_and_doubles_nothing(path: Path, trouble: str) -> None:
    """Earlier readings stay; those that could not be written are written later."""
    with respecting_modes():
        first = Recording()
        first.poll(0)
        first.close()
        end = TROUBLES[trouble](path)
        try:
            recording = Recording()
            recording.poll(1)
            assert (recording.next_problem() or ("",))[0] == NOT_KEPT
        finally:
            end()
        recording.poll(2)
        assert recording.next_problem() is None
        recording.close()
    assert list_minutes(path) == [0, 1, 2]


def test_a_folder_that_vanishes_is_made_again(path: Path) -> None:
    """Later readings are kept, without a problem: nothing is written into a deleted file."""
    recording = Recording()
    recording.recorder.wait_until_restored()
    assert path.exists()
    shutil.rmtree(path.parent)
    recording.poll(1)
    assert recording.close() == []
    assert list_minutes(path) == [1]


def test_an_odd_umask_changes_nothing(path: Path) -> None:
    """The file can be written and read by its owner, and by no one else."""
    before = os.umask(0o777)
    try:
        with respecting_modes():
            for minute in (1, 2):
                recording = Recording()
                recording.poll(minute)
                assert recording.close() == []
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list_minutes(path) == [1, 2]


MOUNTS = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:40 / /home rw shared:7 - {kind} server:/export rw
31 30 254:1 / /home/with\\040blank rw - ext4 /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("expected", "kind", "folder"),
    [
        (True, "nfs4", "/home/pat"),
        (True, "cifs", "/home"),
        (True, "fuse.sshfs", "/home/pat"),
        (False, "fuse.gocryptfs", "/home/pat"),
        (False, "btrfs", "/home/pat"),
        (False, "nfs", "/homes/pat"),
        (False, "nfs", "/home/with blank/pat"),
        (False, "nfs", "/var"),
    ],
)
def test_network_file_systems_are_detected(tmp_path: Path, *, expected: bool, kind: str, folder: str) -> None:
    """The innermost mount of the folder decides."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(kind=kind))
    assert is_network_folder(Path(folder), mounts) is expected


def test_state_of_the_files_shows_every_change(tmp_path: Path) -> None:
    """A file that was written a moment ago has no state, because its time may not show the next change."""
    path, log, long_ago = tmp_path / ARCHIVE_NAME, tmp_path / f"{ARCHIVE_NAME}-wal", (10**18, 10**18)
    assert read_file_state(path) is None

    def write(file: Path, text: str) -> None:
        file.write_text(text)
        assert read_file_state(path) is None
        os.utime(file, ns=long_ago)

    write(path, "first")
    states = [read_file_state(path)]
    assert states == [read_file_state(path)]
    for file, text in ((log, ""), (log, "rows"), (path, "second")):
        write(file, text)
        states.append(read_file_state(path))
    log.unlink()
    states.append(read_file_state(path))
    path.rename(tmp_path / "kept")
    write(path, "second")
    states.append(read_file_state(path))
    assert None not in states
    assert len(set(states)) == len(states) == 6


def test_a_network_folder_gets_no_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shared memory would not be shared; a file that had a log loses it."""
    recording = Recording()
    recording.poll(1)
    recording.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    monkeypatch.setattr("claudemeter_tui.history.network_folders.is_network_folder", lambda _: True)
    recording = Recording()
    recording.poll(2)
    recording.recorder.wait_until_restored()
    assert not path.with_name(f"{ARCHIVE_NAME}-wal").exists()
    recording.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert list_minutes(path) == [1, 2]


def overwrite_all(path: Path) -> None:
    """Put something else than a database into the file."""
    path.write_bytes(b"no database at all" * 1000)


FIRST_PAGES = 27
"""Pages of a new file: the schema and the roots of the tables."""


def cut_end(path: Path) -> None:
    """Remove the second half of what follows the first pages."""
    pages = path.stat().st_size // 4096
    os.truncate(path, (pages + FIRST_PAGES) // 2 * 4096)


def overwrite_middle(path: Path) -> None:
    """Overwrite four pages of rows with random bytes; one of them at least is of `replies`."""
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek((pages + FIRST_PAGES) // 2 * 4096)
        file.write(os.urandom(4 * 4096))


def drop_table(path: Path) -> None:
    """Remove a table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE org_states")


def replace_by_foreign(path: Path) -> None:
    """Put another program's database in the place."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


POLLS = 1500
DAMAGES: dict[str, tuple[Callable[[Path], None], int]] = {
    "not a database": (overwrite_all, 0),
    "truncated": (cut_end, POLLS // 5),
    "without a table": (drop_table, POLLS),
    "of another program": (replace_by_foreign, 0),
}
"""Each damage, and the number of polls that can be read at least."""


@pytest.fixture(scope="module")
def long_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with many polls."""
    path = tmp_path_factory.mktemp("long") / ARCHIVE_NAME
    connection, store = open_for_writing(path), Store()
    archive = build(connection)
    for minute in range(POLLS):
        store = put(archive, poll(minute, minute), store)
    connection.close()
    return path


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "truncated")) for name in DAMAGES]
)
def test_readable_rows_of_a_damaged_file_are_taken_over(path: Path, long_archive: Path, name: str) -> None:
    """The file is moved aside under a dated name; one problem names it, and new readings are kept."""
    damage, expected = DAMAGES[name]
    path.parent.mkdir()
    shutil.copy(long_archive, path)
    damage(path)
    recording = Recording()
    recording.poll(POLLS)
    problems = [recording.next_problem()]
    recording.poll(POLLS + 1)
    problems += [
        (one.account.error_kind, one.account.detail)
        for one in recording.close()
        if isinstance(one.account, Failure)
    ]
    (moved,) = [
        file.name for file in path.parent.iterdir() if ".damaged-" in file.name and file.suffix != ".lock"
    ]
    assert problems == [(DAMAGED, moved)]
    amounts = list_amounts(path)
    assert amounts[-2:] == [POLLS, POLLS + 1]
    assert len(amounts) - 2 >= expected
    assert set(amounts) <= set(range(POLLS + 2))
    assert amounts == sorted(set(amounts))
    second = Recording()
    second.poll(POLLS + 2)
    assert second.close() == []
    assert {file.name for file in path.parent.iterdir()} == {ARCHIVE_NAME, "history.lock", moved}


def test_rows_that_are_taken_over_have_all_their_parents(tmp_path: Path) -> None:
    """Every column that refers to another table is checked when the rows of a damaged file are copied."""
    with closing(open_for_writing(tmp_path / ARCHIVE_NAME)) as connection:
        references = {
            (column, parent)
            for table in list_tables(connection)
            for _, _, parent, column, *_ in connection.execute(f"PRAGMA foreign_key_list({table})")
        }
    assert references <= PARENTS.items()


def read_all(reader: sqlite3.Connection) -> None:
    """Read every row of every table."""
    for table in list_tables(reader):
        reader.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


@pytest.mark.slow
def test_damage_that_a_reader_finds_is_repaired_by_the_recorder(path: Path, long_archive: Path) -> None:
    """Pages in the middle are read seldom; only their rows are lost."""
    path.parent.mkdir()
    shutil.copy(long_archive, path)
    recording = Recording()
    recording.recorder.wait_until_restored()
    overwrite_middle(path)
    reader = open_for_reading(path)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        read_all(reader)
    assert is_damage(caught.value)
    mark_damaged(reader)
    recording.poll(POLLS)
    assert (recording.next_problem() or ("",))[0] == DAMAGED
    recording.close()
    amounts = list_amounts(path)
    assert amounts == sorted(set(amounts))
    assert amounts[-1] == POLLS
    assert len(amounts) >= POLLS * 2 // 3


CUT_OFF = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = DELETE")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE replies SET body = randomblob(2000)")
os.kill(os.getpid(), signal.SIGKILL)
"""
"""Program that is killed in the middle of a transaction without a write-ahead log."""


def test_a_reader_undoes_what_a_killed_process_began(path: Path, long_archive: Path) -> None:
    """An unfinished transaction needs a connection that may write; readers see the state before it."""
    path.parent.mkdir()
    shutil.copy(long_archive, path)
    before = list_amounts(path)
    subprocess.run([sys.executable, "-c", CUT_OFF, str(path)], check=False)
    assert path.with_name(f"{path.name}-journal").stat().st_size
    with closing(open_for_reading(path)) as reader:
        assert reader.execute("SELECT count(*) FROM replies").fetchone() != (0,)
        with pytest.raises(sqlite3.OperationalError):
            reader.execute("DELETE FROM replies")
    assert list_amounts(path) == before


def test_damage_while_running_is_repaired_too(path: Path, long_archive: Path) -> None:
    """Damage that is found at a later reading is handled like damage at the start, by every process."""
    path.parent.mkdir()
    shutil.copy(long_archive, path)
    first, second = Recording(), Recording()
    for one in (first, second):
        one.recorder.wait_until_restored()
    with path.open("r+b") as file:  # every page but the first
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    first.poll(POLLS)
    kind, moved = first.next_problem() or ("", "")
    assert kind == DAMAGED
    second.poll(POLLS + 1)
    assert second.close() == []
    assert first.close() == []
    assert (path.parent / moved).exists()
    assert list_amounts(path)[-2:] == [POLLS, POLLS + 1]


@pytest.mark.parametrize("target_name", [ARCHIVE_NAME, "the name of the damaged file"])
def test_a_killed_repair_is_finished_by_the_next_start(
    path: Path, long_archive: Path, target_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reading is lost if the program is killed while it repairs the file."""
    path.parent.mkdir()
    shutil.copy(long_archive, path)
    drop_table(path)
    replace_file = Path.replace

    def stop(file: Path, target: Path) -> Path:
        if target.name == target_name or target.name.startswith(f"{ARCHIVE_NAME}.damaged-"):
            raise KeyboardInterrupt
        return replace_file(file, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            open_or_repair(path, READ)
    connection, moved = open_or_repair(path, READ)
    assert moved is not None
    assert read_amounts(connection) == list(range(POLLS))
    connection.close()


def test_only_the_last_damaged_files_stay(path: Path) -> None:
    """A disk that damages the file again and again is not filled with copies."""
    for minute in range(4):
        path.parent.mkdir(exist_ok=True)
        overwrite_all(path)
        open_or_repair(path, READ + timedelta(minutes=minute))[0].close()
    names = sorted(file.name for file in path.parent.iterdir() if ".damaged" in file.name)
    assert names == [
        f"{ARCHIVE_NAME}.damaged-2026-04-25-{READ + timedelta(minutes=n):%H%M%S}" for n in (2, 3)
    ]


def test_a_newer_file_is_reported_and_not_changed(path: Path) -> None:
    """The problem stays while the program runs, and every reading is shown all the same."""
    path.parent.mkdir()
    connection = open_for_writing(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    recording = Recording()
    recording.poll(1)
    assert recording.next_problem() == (
        "history of a newer version",
        f"version {VERSION + 1} of the archive",
    )
    recording.poll(2)
    assert recording.close() == []
    assert path.read_bytes() == before


def test_a_file_that_becomes_newer_is_left_alone_from_then_on(path: Path) -> None:
    """A running program reports it at its next poll, and writes nothing more."""
    earlier = Recording()
    earlier.poll(1)
    assert earlier.close() == []
    recording = Recording(restores=True)
    recording.recorder.wait_until_restored()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    recording.poll(2)
    assert recording.next_problem() == ("history of a newer version", "version 99 of the archive")
    recording.poll(3)
    assert recording.close() == []
    assert list_minutes(path) == [1]


CLOCKS = {
    "an hour back": [0, 1, -59, -58],
    "a year back": [0, 1, -525_600, -525_599, 2],
    "forward and back": [0, 1, 525_600, 525_601, 2, 3],
    "the same minute again": [0, 1, 0, 1],
}


@pytest.mark.parametrize("minutes", CLOCKS.values(), ids=CLOCKS)
def test_a_jumping_clock_loses_nothing(path: Path, minutes: list[int]) -> None:
    """Each reply is kept whatever the clock says, also two of the same millisecond."""
    recording = Recording()
    for amount, minute in enumerate(minutes):
        recording.clock.time = READ + timedelta(minutes=minute)
        for reading in poll(minute, amount):
            recording.recorder.record(reading)
    assert recording.close() == []
    assert sorted(list_amounts(path)) == list(range(len(minutes)))


def test_a_bug_in_one_reading_loses_only_that_reading(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of the batch are kept, and the bug is reported."""
    write_step = Archive._append_step

    def fail(archive: Archive, step: Step) -> None:
        write_step(archive, step)
        if step.reading.at == READ + timedelta(minutes=2) and step.reading.org_readings:
            raise LookupError(path)

    monkeypatch.setattr(Archive, "_append_step", fail)
    recording = Recording()
    # One batch, because no poll ends in it.
    for minute in (1, 2, 3):
        for reading in poll(minute, minute):
            recording.recorder.record(reading._replace(schedule=None))
    kind, detail = recording.next_problem() or ("", "")
    assert kind == "claudemeter bug"
    assert detail.startswith("LookupError at test_trouble.py:")
    recording.poll(4)
    assert recording.next_problem() is None
    recording.close()
    assert list_minutes(path) == [1, 3, 4]


def test_a_state_that_cannot_be_written_stops_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replies are kept, and the next readings, too."""

    def fail(_: object) -> bytes:
        raise LookupError

    recording = Recording()
    with monkeypatch.context() as patched:
        patched.setattr("claudemeter_tui.history.archive.pack_state", fail)
        recording.poll(1)
        assert (recording.next_problem() or ("",))[0] == "claudemeter bug"
    recording.poll(2)
    assert recording.next_problem() is None
    recording.close()
    assert 2 in list_minutes(path)


DERIVED = ("runs", "open_runs", "quarters", "ended_cycles", "open_cycles")


def read_derived(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the derived rows of the file, without the events."""
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in DERIVED}  # noqa: S608


def test_a_bug_in_the_derived_part_keeps_the_facts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported once, until the derived rows are built again, which an hour later is done."""
    observe, failing, hours = Deriver.observe, {2, 4}, Queue[None]()

    def begin_hour(*_: object, **__: object) -> Iterator[None]:
        hours.put(None)
        return iter(())

    def fail(deriver: Deriver, org_id: int, before: OrgState | None, after: OrgState, at: datetime) -> None:
        observe(deriver, org_id, before, after, at)
        if (at - READ) // timedelta(minutes=1) in failing:
            raise LookupError(path)

    monkeypatch.setattr(Deriver, "observe", fail)
    monkeypatch.setattr("claudemeter_tui.history.retention.remove_old_replies", begin_hour)
    recording = Recording(restores=True)
    recording.poll(1)
    hours.get(timeout=PATIENCE)  # a rebuild after the first bug would have it, too
    recording.poll(2)
    kind, detail = recording.next_problem() or ("", "")
    assert kind == "claudemeter bug"
    assert detail.startswith("LookupError at test_trouble.py:")
    for minute in (3, 4, 5):
        recording.poll(minute)
    failing.clear()
    recording.poll(65)
    assert recording.next_problem() is None
    assert recording.close() == []
    assert list_minutes(path) == list_amounts(path) == [1, 2, 3, 4, 5, 65]
    found = read_derived(path)
    path.unlink()
    recording = Recording()
    for minute in (1, 2, 3, 4, 5, 65):
        recording.poll(minute)
    recording.close()
    assert found == read_derived(path)


def test_a_rebuild_that_fails_is_not_repeated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first problem stays, and every reading is kept."""
    attempts, hours = [], Queue[None]()

    def begin_hour(*_: object, **__: object) -> Iterator[None]:
        hours.put(None)
        return iter(())

    def fail(*_: object) -> None:
        raise LookupError

    def rebuild(*_: object) -> Iterator[None]:
        attempts.append(1)
        raise LookupError

    monkeypatch.setattr(Deriver, "observe", fail)
    monkeypatch.setattr("claudemeter_tui.history.rebuild.iter_rebuild", rebuild)
    monkeypatch.setattr("claudemeter_tui.history.retention.remove_old_replies", begin_hour)
    recording = Recording(restores=True)
    for minute in (1, 62, 123, 184):
        recording.poll(minute)
        hours.get(timeout=PATIENCE)
    assert (recording.next_problem() or ("",))[0] == "claudemeter bug"
    assert recording.close() == []
    assert list_minutes(path) == [1, 62, 123, 184]
    assert len(attempts) == 1


def test_an_older_derived_part_is_built_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of `DERIVED_VERSION` replaces the derived rows between two readings, once."""
    monkeypatch.setattr("claudemeter_tui.history.recorder.CLOSE_TIMEOUT", PATIENCE)
    recording = Recording()
    for minute in range(1, 150):
        recording.poll(minute)
    recording.close()
    expected = read_derived(path)
    with closing(sqlite3.connect(path)) as connection:
        for table in DERIVED:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        connection.commit()
    for module in ("rebuild", "archive"):
        monkeypatch.setattr(f"claudemeter_tui.history.{module}.DERIVED_VERSION", DERIVED_VERSION + 1)
    rebuilt, parts = Event(), list[int]()

    def watch(*arguments: Any) -> Iterator[None]:
        for _ in iter_rebuild(*arguments):
            parts.append(1)
            yield
        rebuilt.set()

    monkeypatch.setattr("claudemeter_tui.history.rebuild.iter_rebuild", watch)
    for count in (3, 3):  # the second start has nothing to do
        rebuilt.clear()
        recording = Recording(restores=True)
        recording.clock.time = READ + timedelta(minutes=149)
        recording.recorder.record(Reading(ARCHIVE_SESSION, recording.clock.time))
        assert rebuilt.wait(PATIENCE)
        assert recording.close() == []
        assert read_derived(path) == expected
        assert len(parts) == count
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT derived_version FROM orgs").fetchall() == [(DERIVED_VERSION + 1,)]


@pytest.mark.parametrize("is_long", [False, True], ids=["some seconds", "long"])
def test_another_process_may_use_the_file_for_some_seconds(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    """`--forget` locks a big file while it copies; only a long wait is reported, and nothing is lost."""
    monkeypatch.setattr("claudemeter_tui.history.database.BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr("claudemeter_tui.history.recorder.RETRY_PAUSE", 0.01)
    monkeypatch.setattr("claudemeter_tui.history.recorder.IN_USE_LIMIT", 0.0 if is_long else PATIENCE)
    recording = Recording()
    recording.recorder.wait_until_restored()
    has_tried, left = Event(), iter(range(3))
    note_failure = Recorder._note_failure

    def note(recorder: Recorder, **more: bool) -> None:
        note_failure(recorder, **more)
        if next(left, None) is None:
            has_tried.set()

    monkeypatch.setattr(Recorder, "_note_failure", note)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        recording.poll(1)
        assert has_tried.wait(PATIENCE)
        if is_long:
            assert recording.next_problem() == (NOT_KEPT, "database is locked")
        other.execute("ROLLBACK")
    recording.poll(2)
    if is_long:
        assert recording.next_problem() is None
    assert recording.close() == []
    assert list_minutes(path) == [1, 2]


def test_many_recorders_leave_no_thread_and_no_file(path: Path) -> None:
    """Each end closes every file and ends its thread."""
    counts = []
    for minute in range(200):
        recording = Recording(restores=bool(minute % 2))
        recording.poll(minute)
        recording.close()
        if minute in (10, 199):
            counts.append((threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))))
    assert counts[0] == counts[1]
    assert len(list_minutes(path)) == 200


def test_a_hanging_disk_delays_nothing_and_fills_no_memory() -> None:
    """Readings are dropped beyond a limit, the problem is reported, and the end does not wait for ever."""
    disk, opening, seconds, posted = Event(), Event(), [0.0], list[Reading]()

    def hang() -> OpenedArchive:
        opening.set()
        disk.wait()
        raise OSError("late")

    recorder = Recorder(hang, lambda: READ, monotonic=lambda: seconds[0])
    recorder.start(posted.append)
    opening.wait()
    seconds[0] = HANG_LIMIT + 1
    (reading, *_) = poll()
    for _ in range(3 * MAX_QUEUED_READINGS):
        recorder.record(reading)
    assert recorder._queue.qsize() == MAX_QUEUED_READINGS
    assert [one.account.detail for one in posted if isinstance(one.account, Failure)] == [
        "the disk does not respond"
    ]
    disk.set()
    recorder.close()


def test_without_history_earlier_history_is_left_alone(path: Path) -> None:
    """`history.enabled = false`: no new reply, and no old one is removed, however old."""
    recording = Recording()
    recording.poll(0)
    recording.close()
    before = list_minutes(path)
    recording = Recording(history_enabled=False, history_replies_days=1)
    recording.poll(60 * 24 * 50)
    recording.poll(60 * 24 * 50 + 1)
    assert recording.close() == []
    assert list_minutes(path) == before == [0]
    with closing(sqlite3.connect(path)) as connection:
        (at,) = connection.execute("SELECT at FROM org_states").fetchone()
    assert at == to_millis(READ + timedelta(days=50, minutes=1))
