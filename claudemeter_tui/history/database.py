"""Open the archive's file: private, short transactions, numbered migrations.

Every function that touches the file can block, so none of them runs on the event loop.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.history.schema import APPLICATION_ID, MIGRATIONS, VERSION
from claudemeter_tui.storage import ensure_private_folder, locate_data_folder

ARCHIVE_NAME = "history.sqlite"
"""Name of the file in the data folder."""
LOG_SUFFIXES = ("-wal", "-shm", "-journal")
"""Ends of the names of the files that SQLite keeps beside a database."""
DAMAGED_SUFFIX = ".damaged"
"""End of the name of a damaged file while its rows are copied."""
BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process, whose transactions take milliseconds."""
MAX_LOG_BYTES = 1 << 21
"""Size to which the write-ahead log is cut back after a checkpoint."""
_BUGS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError, sqlite3.ProgrammingError)
"""Errors of SQLite that are the fault of what is written."""
MAX_CACHE_KIBIBYTES = 512
"""Memory for pages of a connection that writes and stays open; SQLite's own limit is four times that."""
_TIME_STEP = 100_000_000
"""Nanoseconds in which a second change may not change the file's time; steps of 4 or 10 ms are usual."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
"""Unit of the stored times and spans."""
HOUR_MILLIS = 3_600_000
"""An hour in this unit."""


class NewerArchiveError(Exception):
    """Raised if a newer version of this program wrote the archive, so that this one must not change it."""


class DamagedArchiveError(Exception):
    """Raised if the file is no archive, or if its tables are incomplete."""


class ReplacedArchiveError(Exception):
    """Raised if the open file is no longer the one in its folder: it was moved, removed or replaced."""


UNUSABLE_ERRORS = (sqlite3.Error, OSError, NewerArchiveError, DamagedArchiveError, ReplacedArchiveError)
"""Every error of an archive that cannot be read or written now."""


class ArchiveConnection(sqlite3.Connection):
    """Connection that knows which file it has opened."""

    path: Path | None = None
    """Path of the file. None before it is known."""
    identity: tuple[int, int] | None = None
    """Device and inode of the file when it was opened."""

    def check_identity(self) -> None:
        """Check that the open file is the one in its folder: what is written into another one is lost.

        Raises:
            ReplacedArchiveError: It is another one, or there is none.
        """
        if self.path is not None and identify_file(self.path) != self.identity:
            raise ReplacedArchiveError(f"{self.path.name} was replaced")


def locate_archive(*, or_temporary: bool = False) -> Path:
    """Return the file of this user's archive; see `storage.locate_data_folder`."""
    return locate_data_folder(or_temporary=or_temporary) / ARCHIVE_NAME


def to_millis(moment: datetime) -> int:
    """Return the milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // MILLISECOND


def from_millis(millis: int) -> datetime:
    """Return the time in UTC of a number of milliseconds since 1970."""
    return _EPOCH + millis * MILLISECOND


def intern_name(connection: sqlite3.Connection, name: str) -> int:
    """Return the row of a name in `names`, and add it if it is new."""
    connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
    (row,) = connection.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()
    return int(row)


def open_for_writing(path: Path) -> ArchiveConnection:
    """Open the archive, create it if it does not exist, and bring it to the current version.

    Hold the lock of `path` (`storage.hold_lock`), so that no other process replaces the file meanwhile.

    Raises:
        NewerArchiveError: A newer version of this program wrote it.
        DamagedArchiveError: It is another program's database, or its tables are incomplete.
        sqlite3.Error: The file is damaged, locked for too long, or cannot be written.
        OSError: The file or its folder cannot be created, or something else is in its place.
    """
    ensure_private_folder(path.parent)
    _create_private(path)
    connection = open_existing(path)
    try:
        check_version(connection)
        # Has an effect only on an empty file.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        from claudemeter_tui.history.network_folders import is_network_folder  # noqa: PLC0415 - not for readers

        # The index of a write-ahead log is shared memory, which machines in a network do not share.
        on_network = is_network_folder(path.parent)
        connection.execute(f"PRAGMA journal_mode = {'DELETE' if on_network else 'WAL'}")
        connection.execute(f"PRAGMA synchronous = {'FULL' if on_network else 'NORMAL'}")
        connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")
        _protect_rows(connection)
        connection.execute(f"PRAGMA cache_size = -{MAX_CACHE_KIBIBYTES}")
        _migrate(connection)
        _check_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_update(path: Path) -> ArchiveConnection:
    """Open an existing archive for a short write that may be left out.

    No lock is needed, because the file is neither created nor brought to the current version; a transaction
    notices if another process has replaced it.

    Raises:
        NewerArchiveError: A newer version of this program wrote it.
        DamagedArchiveError: It is another program's database.
        sqlite3.Error: There is no file, or it is damaged or locked for too long.
    """
    connection = open_existing(path)
    try:
        check_version(connection)
        _protect_rows(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_existing(path: Path) -> ArchiveConnection:
    """Open an existing file for writing, whatever its version and its state.

    Raises:
        sqlite3.Error: There is no file.
    """
    return _connect(path, "rw")


def open_for_reading(path: Path) -> ArchiveConnection:
    """Open an existing archive without changing it.

    Close it soon: the write-ahead log cannot be cut back while a reader is open.

    Raises:
        sqlite3.Error: There is no archive, or it cannot be read.
    """
    connection = _connect(path, "ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            connection.close()
            raise
    else:
        return connection
    # A killed process has left an unfinished transaction, which only a connection that writes can undo.
    connection.close()
    connection = open_existing(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def is_damage(error: Exception) -> bool:
    """True if the file itself is at fault, so that another try would fail, too."""
    if isinstance(error, DamagedArchiveError):
        return True
    # The lower byte is the kind of the error, the upper ones its details.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_bug(error: Exception) -> bool:
    """True if what was written is at fault, not the file or the disk."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return isinstance(error, _BUGS) or code == sqlite3.SQLITE_ERROR
    environment = (OSError, NewerArchiveError, ReplacedArchiveError, DamagedArchiveError)
    return not isinstance(error, environment)


def is_in_use(error: Exception) -> bool:
    """True if another process uses the file, so that another try will succeed."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, TimeoutError) or code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def list_tables(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of all tables, in the order in which they were created."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    )
    return tuple(name for (name,) in rows)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one write transaction; an exception undoes it.

    Raises:
        ReplacedArchiveError: The open file is no longer the one in its folder.
        NewerArchiveError: A newer version of this program has changed it since it was opened.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Checked here, because a process that replaces the file waits for the end of the transaction.
        if isinstance(connection, ArchiveConnection):
            connection.check_identity()
        check_not_newer(connection)
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has ended the transaction already
            connection.execute("ROLLBACK")
        raise
    try:
        connection.execute("COMMIT")
    except sqlite3.Error:  # another process reads, and there is no write-ahead log
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _connect(path: Path, mode: str) -> ArchiveConnection:
    if path.exists() and not path.is_file():  # opening a pipe would block
        raise sqlite3.OperationalError(f"{path.name} is not a regular file")
    # Transactions are explicit, so that a query does not open one.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
        factory=ArchiveConnection,
    )
    connection.path, connection.identity = path, identify_file(path)
    return connection


def _protect_rows(connection: sqlite3.Connection) -> None:
    """Check the references of rows, and overwrite removed ones."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")


def _create_private(path: Path) -> None:
    """Create the file with mode 0600 if it does not exist; SQLite would use the modes of the umask.

    An existing file is not opened here: closing it again would drop the locks that other connections of this
    process hold on it, and another process could then remove their log.

    Raises:
        OSError: It cannot be created or written, or something else is in its place.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, f"{path.name} is not a regular file") from None
        has_effective = os.access in os.supports_effective_ids
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=has_effective):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
        return
    try:
        if sys.platform != "win32":
            os.fchmod(handle, 0o600)  # the umask may forbid a new file even to its owner
    finally:
        os.close(handle)


def identify_file(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class FileState(NamedTuple):
    """Identity, size and time of the archive's file and its log. After a change, at least one differs."""

    file: tuple[int, int, int, int]
    """Device, inode, size in bytes, and time of the last change in nanoseconds since 1970."""
    log: tuple[int, int, int, int] | None
    """The same of the write-ahead log. None if there is none."""


def read_file_state(path: Path) -> FileState | None:
    """Return the state of the archive's files. None if it does not show every change, or there is no file.

    A file system stores times in steps of some milliseconds, so the second of two quick changes may not be
    visible: a file that has just been written has no state. On a network folder, times can be a minute old;
    on Windows they change only when a file is closed.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        file = _stat_file(path)
    except OSError:
        return None
    try:
        log = _stat_file(f"{path}{LOG_SUFFIXES[0]}")
    except OSError:
        log = None
    changed_at = max(file[-1], log[-1] if log is not None else 0)
    return FileState(file, log) if abs(time.time_ns() - changed_at) > _TIME_STEP else None


def _stat_file(path: Path | str) -> tuple[int, int, int, int]:
    found = os.stat(path)  # noqa: PTH116 - called every second
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def read_version(connection: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 if they do not exist yet."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def check_version(connection: sqlite3.Connection) -> None:
    """Check that this version of the program may write the file.

    Raises:
        NewerArchiveError: A newer version wrote it.
        DamagedArchiveError: It is another program's database.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID and list_tables(connection):
        raise DamagedArchiveError("not a history file")
    check_not_newer(connection)


def check_not_newer(connection: sqlite3.Connection) -> None:
    """Check that this version of the program knows the tables of the file.

    Raises:
        NewerArchiveError: A newer version wrote it.
    """
    version = read_version(connection)
    if version > VERSION:
        raise NewerArchiveError(f"version {version} of the archive")


def _check_tables(connection: sqlite3.Connection) -> None:
    """Check that no table is missing.

    Raises:
        DamagedArchiveError: One is missing.
    """
    existing = set(list_tables(connection))
    missing = [
        name for name in re.findall(r"CREATE TABLE (\w+)", "".join(MIGRATIONS)) if name not in existing
    ]
    if missing:
        raise DamagedArchiveError(f"no table {missing[0]}")


def _migrate(connection: sqlite3.Connection) -> None:
    """Run the missing migrations, each in a transaction of its own."""
    if read_version(connection) == VERSION:
        return
    if read_version(connection) == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for version in range(1, VERSION + 1):
        with transaction(connection):
            # Another process may have migrated the file meanwhile.
            if read_version(connection) < version:
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
