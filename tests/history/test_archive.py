"""The archive keeps what the server sent, and gives the next run the last figures."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import (
    ARCHIVE_NAME,
    NewerArchiveError,
    from_millis,
    open_for_reading,
    open_for_update,
    open_for_writing,
    to_millis,
)
from claudemeter_tui.history.last_states import read_last_states
from claudemeter_tui.history.schema import APPLICATION_ID, MIGRATIONS, VERSION
from claudemeter_tui.history.transcripts import load_positions
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.transcripts import TranscriptPosition
from tests.bodies import org_body, overage_body, usage_body
from tests.scenes import READ, SESSION, OrgBodies, readings

MINUTE = timedelta(minutes=1)
TABLES = ("replies", "failures", "org_states")
CLAUDE_AI, ELSEWHERE = "https://claude.ai", "http://127.0.0.1:8080"


def put(archive: Archive, posted: Iterable[Reading], store: Store | None = None) -> Store:
    """Append the readings in one transaction; return the store after them."""
    steps, after = [], store or Store()
    for reading in posted:
        before, after = after, after.apply(reading)
        steps.append(Step(reading, before, after))
    archive.append(steps)
    return after


def poll(minute: int = 0, used: int = 1720) -> Iterable[Reading]:
    """Return the readings of one poll of one org."""
    bodies = OrgBodies(org_body(), usage_body(), overage_body(used=used))
    return readings(bodies, at=READ + minute * MINUTE)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an open archive."""
    opened = open_for_writing(tmp_path / "data" / ARCHIVE_NAME)
    yield opened
    opened.close()


def build(
    connection: sqlite3.Connection, origin: str = CLAUDE_AI, *, keeps_replies: bool = True, holder: str = ""
) -> Archive:
    """Return an archive on this connection."""
    return Archive(connection, origin, keeps_replies=keeps_replies, holder=holder)


def bodies_of(connection: sqlite3.Connection, endpoint: Endpoint) -> list[tuple[str, int, int]]:
    """Return body, first time and last time of each kept reply, oldest first."""
    compressor = BodyCompressor(connection)
    rows = connection.execute(
        "SELECT dictionary_id, body, first_at, confirmed_at FROM replies JOIN names ON id = endpoint_id"
        " WHERE name = ? ORDER BY first_at",
        (endpoint,),
    )
    return [(compressor.decompress(row[0], row[1]), row[2], row[3]) for row in rows]


def test_times_survive_to_the_millisecond() -> None:
    """A time is a whole number of milliseconds, also before 1970."""
    moment = READ.replace(microsecond=123_000)
    assert from_millis(to_millis(moment)) == moment
    assert from_millis(to_millis(READ.replace(year=1960))) == READ.replace(year=1960)


def test_the_file_is_private(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Only the user can read the file, its log and its folder."""
    put(build(connection), poll())
    files = list((tmp_path / "data").iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


_OPEN_AND_CLOSE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM names").fetchall()
connection.close()
"""
"""Program that reads the archive as another process."""


@pytest.mark.parametrize("first", [open_for_writing, open_for_update], ids=["writer", "follower"])
def test_a_second_connection_leaves_the_locks_of_the_first(
    tmp_path: Path, first: Callable[[Path], sqlite3.Connection]
) -> None:
    """Another process that opens and closes the file does not take itself for its last user.

    It would remove the log, and what the first connection writes afterwards would damage the file.
    """
    path = tmp_path / ARCHIVE_NAME
    open_for_writing(path).close()
    with closing(first(path)) as opened:
        opened.execute("INSERT INTO names (name) VALUES ('before')")
        open_for_writing(path).close()
        subprocess.run([sys.executable, "-c", _OPEN_AND_CLOSE, path], check=True)
        assert path.with_name(f"{path.name}-wal").exists()


def test_every_reply_is_kept_as_it_was_sent(connection: sqlite3.Connection) -> None:
    """Bodies come back byte for byte; an equal one only moves the time of its confirmation."""
    archive, store, sent = build(connection), Store(), []
    for minute, used in enumerate((1720, 1720, 1731)):
        posted = list(poll(minute, used))
        store = put(archive, posted, store)
        parts = [one.parts[Endpoint.OVERAGE] for reading in posted for one in reading.org_readings]
        sent += [part.text for part in parts if not isinstance(part, Failure)]
    start = to_millis(READ)
    assert bodies_of(connection, Endpoint.OVERAGE) == [
        (sent[0], start, start + 60_000),
        (sent[2], start + 120_000, start + 120_000),
    ]


def test_a_confirmed_reply_ends_at_a_pause_and_at_a_failure(connection: sqlite3.Connection) -> None:
    """No request was made, or the request failed: an equal reply after it is a row of its own."""
    archive = build(connection)
    store = put(archive, poll())
    failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.OVERAGE, READ + MINUTE, "status 502")
    org = store.orgs[0].org
    for minute in (1, 2):
        at = READ + minute * MINUTE
        failed = OrgReading(
            org, {Endpoint.OVERAGE: Failure(failure.error_kind, failure.endpoint, at, "status 502")}
        )
        store = put(archive, [Reading(SESSION, at, org_readings=(failed,))], store)
    store = put(archive, poll(3), store)
    put(archive, poll(60), store)
    spans = [(first, last) for _, first, last in bodies_of(connection, Endpoint.OVERAGE)]
    start = to_millis(READ)
    assert spans == [(start + ms, start + ms) for ms in (0, 180_000, 3_600_000)]
    rows = connection.execute("SELECT first_at, last_at, count, kind, detail FROM failures").fetchall()
    assert rows == [(start + 60_000, start + 120_000, 2, "server error", "status 502")]


def test_the_next_run_starts_with_the_last_states(connection: sqlite3.Connection) -> None:
    """Every figure of the last reading comes back; only the charts are empty."""
    store = put(build(connection), [*poll(), *poll(1, 1731)])
    (state,) = build(connection).load_states(READ + 2 * MINUTE)
    assert (state.org, state.account, state.session) == (store.orgs[0].org, store.orgs[0].account, SESSION)
    assert state.replies == store.orgs[0].replies
    assert [reply.text for reply in state.replies.values()] == [
        reply.text for reply in store.orgs[0].replies.values()
    ]
    assert state.last_figures == store.orgs[0].last_figures
    assert state.credits == store.orgs[0].credits
    assert (state.histories, len(state.series.runs)) == ({}, 1)


def test_last_states_are_read_beside_the_recorder(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """The first figures on screen are those of the last run, while another connection is open."""
    put(build(connection), poll())
    path = tmp_path / "data" / ARCHIVE_NAME
    assert read_last_states(path, CLAUDE_AI, READ) == build(connection).load_states(READ)
    assert read_last_states(path, ELSEWHERE, READ) == ()


@pytest.mark.parametrize("content", [None, b"", b"no database" * 1000])
def test_no_last_states_of_an_unreadable_file(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty or damaged file is left to the recorder, unchanged."""
    path = tmp_path / ARCHIVE_NAME
    if content is not None:
        path.write_bytes(content)
    assert read_last_states(path, CLAUDE_AI, READ) == ()
    assert (path.read_bytes() if path.exists() else None) == content


def test_a_pipe_in_place_of_the_archive_blocks_nothing(tmp_path: Path) -> None:
    """Opening a pipe would wait for its writer."""
    os.mkfifo(tmp_path / ARCHIVE_NAME)
    assert read_last_states(tmp_path / ARCHIVE_NAME, CLAUDE_AI, READ) == ()
    for open_file in (open_for_reading, open_for_update, open_for_writing):
        with pytest.raises((sqlite3.Error, OSError), match="not a regular file"):
            open_file(tmp_path / ARCHIVE_NAME)


def test_servers_never_mix(connection: sqlite3.Connection) -> None:
    """The same account on another server has its own history."""
    put(build(connection), poll())
    assert build(connection, ELSEWHERE).load_states(READ) == ()
    put(build(connection, ELSEWHERE), poll(1, 1))
    assert len(bodies_of(connection, Endpoint.OVERAGE)) == 2
    (state,) = build(connection).load_states(READ)
    assert state.replies[Endpoint.OVERAGE].at == READ


def test_old_states_are_not_shown(connection: sqlite3.Connection) -> None:
    """After a week without a reading, an org is not shown at the start."""
    put(build(connection), poll())
    assert build(connection).load_states(READ + timedelta(days=7))
    assert build(connection).load_states(READ + timedelta(days=7, minutes=1)) == ()


def test_without_history_only_the_latest_state_is_kept(connection: sqlite3.Connection) -> None:
    """`history.enabled = false`: no reply and no failure is kept."""
    put(build(connection, keeps_replies=False), [*poll(), *poll(1)])
    counts = {table: len(connection.execute(f"SELECT 1 FROM {table}").fetchall()) for table in TABLES}  # noqa: S608
    assert counts == {"replies": 0, "failures": 0, "org_states": 1}


def test_a_file_of_a_newer_version_is_not_changed(tmp_path: Path) -> None:
    """It is refused for writing, and can still be read."""
    path = tmp_path / ARCHIVE_NAME
    opened = open_for_writing(path)
    opened.execute(f"PRAGMA user_version = {VERSION + 1}")
    opened.close()
    before = path.read_bytes()
    with pytest.raises(NewerArchiveError):
        open_for_writing(path)
    assert path.read_bytes() == before
    reader = open_for_reading(path)
    assert reader.execute("SELECT count(*) FROM replies").fetchone() == (0,)
    reader.close()


def test_a_file_of_the_version_before_keeps_its_rows(tmp_path: Path) -> None:
    """The position of a transcript is kept, without the columns that show a rewritten file."""
    path = tmp_path / ARCHIVE_NAME
    with closing(sqlite3.connect(path)) as before:
        before.executescript("".join(MIGRATIONS[:-1]))
        before.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        before.execute(f"PRAGMA user_version = {VERSION - 1}")
        before.execute("INSERT INTO transcript_files VALUES (7, '1:2', 100, 0, 3, 4, 5, 6)")
        before.commit()
    with closing(open_for_writing(path)) as opened:
        assert load_positions(opened) == {7: TranscriptPosition("1:2", 100, "", 3, 4, 5)}


def test_an_undone_transaction_leaves_nothing_behind(connection: sqlite3.Connection) -> None:
    """After an error, nothing refers to a row that does not exist."""
    archive = build(connection)
    connection.execute(
        "CREATE TRIGGER stop BEFORE INSERT ON org_states BEGIN SELECT raise(ABORT, 'stop'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        put(archive, poll())
    assert connection.execute("SELECT count(*) FROM names").fetchone() == (0,)
    connection.execute("DROP TRIGGER stop")
    put(archive, poll())
    assert len(bodies_of(connection, Endpoint.USAGE)) == 1
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
