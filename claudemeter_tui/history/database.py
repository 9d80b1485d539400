"""Open the archive's file: private, short transactions, numbered migrations.

Every function that touches the file can block, so none of them runs on the event loop.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claudemeter_tui.history.schema import APPLICATION_ID, MIGRATIONS, VERSION
from claudemeter_tui.storage import ensure_private_folder

ARCHIVE_NAME = "history.sqlite"
"""Name of the file in the data folder."""
BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process, whose transactions take milliseconds."""
MAX_LOG_BYTES = 1 << 21
"""Size to which the write-ahead log is cut back after a checkpoint."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class NewerArchiveError(Exception):
    """Raised if a newer version of this program wrote the archive, so that this one must not change it."""


def to_millis(moment: datetime) -> int:
    """Return the milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """Return the time in UTC of a number of milliseconds since 1970."""
    return _EPOCH + millis * _MILLISECOND


def intern_name(connection: sqlite3.Connection, name: str) -> int:
    """Return the row of a name in `names`, and add it if it is new."""
    connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
    (row,) = connection.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()
    return int(row)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the archive, create it if it does not exist, and bring it to the current version.

    Raises:
        NewerArchiveError: A newer version of this program wrote it.
        sqlite3.Error: The file is damaged, locked for too long, or cannot be written.
        OSError: The folder cannot be created.
    """
    ensure_private_folder(path.parent)
    # SQLite would create it with the modes of the umask; its log gets the modes of the file.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        _check_version(connection)
        # Has an effect only on an empty file.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing archive without changing it.

    Close it soon: the write-ahead log cannot be cut back while a reader is open.

    Raises:
        sqlite3.Error: There is no archive, or it cannot be read.
    """
    return _connect(f"{path.absolute().as_uri()}?mode=ro")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one write transaction; an exception undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has ended the transaction already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(uri: str) -> sqlite3.Connection:
    # Transactions are explicit, so that a query does not open one.
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)


def _read_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check_version(connection: sqlite3.Connection) -> None:
    if _read_version(connection) > VERSION:
        raise NewerArchiveError(f"version {_read_version(connection)} of the archive")


def _migrate(connection: sqlite3.Connection) -> None:
    """Run the missing migrations, each in a transaction of its own."""
    if _read_version(connection) == VERSION:
        return
    if _read_version(connection) == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for version in range(1, VERSION + 1):
        with transaction(connection):
            # Another process may have migrated the file meanwhile.
            if _read_version(connection) < version:
                for statement in _split_script(MIGRATIONS[version - 1]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version}")


def _split_script(script: str) -> Iterator[str]:
    """Yield the statements of a script; `executescript` would commit the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
