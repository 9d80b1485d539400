"""Reads of a database while it is being written."""

from __future__ import annotations

import random
import sqlite3
import struct
import threading
from contextlib import closing
from pathlib import Path

import pytest

from claudemeter_tui.browsers import sqlite_image
from claudemeter_tui.browsers.sqlite_image import DatabaseImage, UnreadableDatabaseError, query_database

QUERY = "SELECT id, text FROM things ORDER BY id"


def pair(number: int, text: str) -> tuple[int, str]:
    """Return the row as it is."""
    return number, text


def opened(path: Path, page_size: int = 4096) -> sqlite3.Connection:
    """Open a database as Firefox does, without automatic checkpoints."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {page_size}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)")
    return connection


def step(connection: sqlite3.Connection, dice: random.Random) -> None:
    """Make one change that a browser may make: add, drop, undo, shrink, or checkpoint the log."""
    match dice.randrange(8):
        case 0:
            connection.execute(f"PRAGMA wal_checkpoint({dice.choice(['PASSIVE', 'RESTART', 'TRUNCATE'])})")
        case 1:
            connection.execute("DELETE FROM things WHERE id % 3 = ?", (dice.randrange(3),))
        case 2:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO things (text) VALUES (?)", ("undone" * 3000,))
            connection.execute("ROLLBACK")
        case 3:
            connection.execute("VACUUM")
        case _:
            connection.execute("INSERT INTO things (text) VALUES (?)", ("x" * dice.randrange(9000),))


@pytest.mark.parametrize(
    ("page_size", "seed"), [(512, 1), (512, 2), (4096, 3), (4096, 4), (4096, 5), (65536, 6)]
)
def test_rows_are_those_that_sqlite_itself_sees(tmp_path: Path, seed: int, page_size: int) -> None:
    """Replaying the log gives the rows that the writer's own connection sees, in any state of the log."""
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    with closing(opened(tmp_path / "db", page_size)) as connection:
        for _ in range(25):
            step(connection, dice)
            assert list(connection.execute(QUERY)) == query_database(tmp_path / "db", QUERY, pair)


def test_rows_hold_nothing_uncommitted(tmp_path: Path) -> None:
    """Pages that a transaction spilled into the log before its commit do not count."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("INSERT INTO things (text) VALUES ('kept')")
        before = (tmp_path / "db-wal").stat().st_size
        connection.execute("BEGIN")
        for _ in range(40):
            connection.execute("INSERT INTO things (text) VALUES (?)", ("x" * 4000,))
        assert (tmp_path / "db-wal").stat().st_size > before
        assert query_database(tmp_path / "db", QUERY, pair) == [(1, "kept")]
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("place", [0, 8, 16, 24 + 100], ids=["number", "salt", "checksum", "content"])
def test_rows_end_where_the_log_is_damaged(tmp_path: Path, place: int) -> None:
    """A frame with one wrong bit, and all frames after it, count as not committed."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("INSERT INTO things (text) VALUES ('first')")
        good = (tmp_path / "db-wal").stat().st_size
        connection.execute("INSERT INTO things (text) VALUES ('second')")
        log = bytearray((tmp_path / "db-wal").read_bytes())
        log[good + place] ^= 1
        assert DatabaseImage((tmp_path / "db").read_bytes(), bytes(log)).query_rows(QUERY, pair) == [
            (1, "first")
        ]


def test_rows_do_not_depend_on_the_order_of_frames(tmp_path: Path) -> None:
    """The pages of a transaction count in any order of their frames."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("INSERT INTO things (text) VALUES (?)", ("x" * 20_000,))
        expected = list(connection.execute(QUERY))
        log = (tmp_path / "db-wal").read_bytes()
        assert DatabaseImage((tmp_path / "db").read_bytes(), turned(log)).query_rows(QUERY, pair) == expected


def turned(log: bytes) -> bytes:
    """Return the log of one transaction with its frames in reverse order."""
    frames = [log[at : at + 24 + 4096] for at in range(32, len(log), 24 + 4096)]
    result, sums = log[:32], struct.unpack_from(">2I", log, 24)
    for count, frame in enumerate(reversed(frames), start=1):
        head = frame[:4] + (frames[-1][4:8] if count == len(frames) else bytes(4))
        sums = sqlite_image._compute_checksum(head + frame[24:], "<", sums)
        result += head + frame[8:16] + struct.pack(">2I", *sums) + frame[24:]
    return result


def test_rows_are_complete_when_the_log_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that moved from the log into the database between two reads are still found."""
    real, moved = Path.read_bytes, False

    def read(path: Path) -> bytes:
        nonlocal moved
        content = real(path)
        if path.name == "db" and not moved:
            moved = True
            connection.execute("PRAGMA wal_checkpoint(RESTART)")
            connection.execute("UPDATE things SET text = 'changed' WHERE id = 300")
        return content

    with closing(opened(tmp_path / "db")) as connection:
        for _ in range(300):
            connection.execute("INSERT INTO things (text) VALUES (?)", ("x" * 1000,))
        monkeypatch.setattr(Path, "read_bytes", read)
        assert DatabaseImage.read(tmp_path / "db").query_rows(QUERY, pair) == list(connection.execute(QUERY))


@pytest.mark.parametrize("length", [0, 1, 31, 32, 40, 55, 4000])
def test_rows_ignore_a_truncated_log(tmp_path: Path, length: int) -> None:
    """A log without one complete frame adds nothing."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("INSERT INTO things (text) VALUES ('first')")
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("INSERT INTO things (text) VALUES ('second')")
        log = (tmp_path / "db-wal").read_bytes()[:length]
        assert DatabaseImage((tmp_path / "db").read_bytes(), log).query_rows(QUERY, pair) == [(1, "first")]


@pytest.mark.slow
def test_rows_are_consistent_while_a_writer_writes(tmp_path: Path) -> None:
    """Two figures that change together are always read together, and never go back."""
    done = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 3")
            for number in range(400):
                connection.execute("UPDATE things SET text = ?", (str(number) * 1500,))
        done.set()

    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("INSERT INTO things VALUES (1, '0'), (2, '0')")
        writer = threading.Thread(target=write)
        writer.start()
        seen = []
        while not done.is_set():
            first, second = query_database(tmp_path / "db", QUERY, pair)
            assert first[1] == second[1]
            seen.append(first[1])
        writer.join()
    assert seen == sorted(seen, key=lambda text: (len(text), text))


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(5000)])
def test_file_that_is_no_database_is_an_error_without_a_quote(tmp_path: Path, content: bytes) -> None:
    """An empty file, a text and zeros are each named in an error that quotes nothing."""
    (tmp_path / "db").write_bytes(content)
    with pytest.raises(
        UnreadableDatabaseError, match=r"^not a cookie database \((Operational|Database)Error\)$"
    ):
        query_database(tmp_path / "db", QUERY, pair)


def test_rows_of_a_missing_file_are_an_os_error(tmp_path: Path) -> None:
    """A missing file raises an OSError for the caller to interpret."""
    with pytest.raises(FileNotFoundError):
        query_database(tmp_path / "db", QUERY, pair)


def test_rows_with_broken_text_quote_it_in_no_error(tmp_path: Path) -> None:
    """Broken text, which SQLite would put into its message, is quoted in no error."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("INSERT INTO things VALUES (1, CAST(x'61ff62' AS TEXT))")
        assert query_database(tmp_path / "db", QUERY, pair) == [(1, "a\ufffdb")]


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """Reading leaves no lock file, no copy and no changed log in the browser's folder."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("INSERT INTO things VALUES (1, 'one')")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        query_database(tmp_path / "db", QUERY, pair)
        assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_image_prints_none_of_what_it_holds(tmp_path: Path) -> None:
    """The image of a database, which holds the cookies of every site, prints no content."""
    with closing(opened(tmp_path / "db")) as connection:
        connection.execute("INSERT INTO things VALUES (1, 'planted')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert repr(DatabaseImage.read(tmp_path / "db")) == "Image(8192 bytes)"
