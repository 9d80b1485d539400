"""Replace the archive's file: a damaged one by its readable rows, any by one without what the user removes.

A new file is complete before it gets the archive's name. Every step can be continued after a kill: the old
file is renamed first, and its new name says what remains to do. Other processes that have the old file open
notice it at their next transaction (`ReplacedArchiveError`) and open the new one.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import (
    DAMAGED_SUFFIX,
    HOUR_MILLIS,
    LOG_SUFFIXES,
    ArchiveConnection,
    DamagedArchiveError,
    check_version,
    from_millis,
    identify_file,
    is_damage,
    list_tables,
    open_existing,
    open_for_writing,
    to_millis,
)
from claudemeter_tui.history.schema import ACCOUNT_ROW
from claudemeter_tui.history.transcripts import ADD_HOURS, ignore_removed_calls
from claudemeter_tui.storage import ensure_private_folder, hold_lock

_NEW_SUFFIX = ".new"
"""End of the name of a file that is not complete yet."""
_REMOVED_SUFFIX = ".removed"
"""End of the name of a file that the user has removed; the new one is complete."""
MAX_MOVED_FILES = 2
"""Number of damaged files that are kept; older ones are removed."""

Row = tuple[Any, ...]
PARENTS = {
    "endpoint_id": "names",
    "origin_id": "names",
    "figure_id": "names",
    "kind_id": "names",
    "account_id": "accounts",
    "org_id": "orgs",
    "session_id": "sessions",
    "dictionary_id": "dictionaries",
    "model_id": "names",
    "variant_id": "names",
    "cache_miss_id": "names",
    "project_id": "projects",
    "login_id": "logins",
}
"""The table that each column refers to. Zero and NULL refer to no row."""
_UNKNOWN_ALLOWED = ("model_id", "variant_id", "cache_miss_id", "project_id", "login_id")
"""Columns that become 0 (not known) if the row that they refer to was lost: the tokens count all the same."""
_RESTORE_COUNTED = f"""
INSERT INTO transcript_state SELECT 1, max(start_at) + {HOUR_MILLIS}, 0, 0, 0 FROM call_hours WHERE true
    HAVING max(start_at) IS NOT NULL ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 - our own names
"""Statement that ignores copies of calls that are in sums, if the row that says so was damaged."""
_TYPES: dict[str, type] = {"INTEGER": int, "TEXT": str, "BLOB": bytes}


class OpenedFile(NamedTuple):
    """An archive that is open for writing."""

    connection: ArchiveConnection
    moved_name: str | None
    """Name of the damaged file that was moved aside just now. None if the file was not damaged."""


class KeptOrg(NamedTuple):
    """An org in the archive."""

    id: int
    account_id: int
    account_key: str
    uuid: str
    name: str
    reply_count: int


class Removal(NamedTuple):
    """Rows and files that were removed."""

    reply_count: int
    file_names: tuple[str, ...]
    """Names of the damaged files that were removed, too."""


def open_or_repair(path: Path, now: datetime) -> OpenedFile:
    """Open the archive for writing; if it is damaged, move it aside and copy its readable rows.

    Raises:
        NewerArchiveError: A newer version of this program wrote it.
        sqlite3.Error: It is locked for too long, or cannot be written.
        OSError: The folder cannot be written, or another process is replacing the file.
    """
    ensure_private_folder(path.parent)
    with hold_lock(path):
        moved_name = _finish_replacement(path, now)
        try:
            return OpenedFile(open_for_writing(path), moved_name)
        except (sqlite3.Error, DamagedArchiveError) as error:
            if not is_damage(error):
                raise
        path.replace(_name_beside(path, DAMAGED_SUFFIX))
        moved_name = _finish_replacement(path, now)
        return OpenedFile(open_for_writing(path), moved_name)


def mark_damaged(connection: ArchiveConnection) -> None:
    """Close the archive and rename its file, so that the next `open_or_repair` replaces it.

    Do nothing else if another process has replaced it already. A reader that finds damage may call it, too:
    the recorder notices at its next transaction.

    Raises:
        OSError: The folder cannot be written, or another process is replacing the file.
    """
    path, identity = connection.path, connection.identity
    with suppress(sqlite3.Error):
        connection.close()
    if path is None:
        return
    with hold_lock(path):
        if identity is not None and identify_file(path) == identity:
            path.replace(_name_beside(path, DAMAGED_SUFFIX))


def load_last_removal(connection: sqlite3.Connection) -> datetime | None:
    """Return the time at which the user last removed history; None if never."""
    row = connection.execute("SELECT at FROM removals ORDER BY id DESC LIMIT 1").fetchone()
    return from_millis(row[0]) if row is not None else None


def list_kept_orgs(path: Path, origin: str) -> tuple[KeptOrg, ...]:
    """Return the orgs of a server, in the order of the screen; empty if there is no archive.

    Raises:
        NewerArchiveError: A newer version of this program wrote it.
        DamagedArchiveError: It is another program's database.
        sqlite3.Error: It cannot be read.
    """
    if not path.exists():
        return ()
    with closing(open_existing(path)) as connection:
        check_version(connection)
        rows = connection.execute(
            "SELECT orgs.id, account_id, key, uuid, name,"
            " (SELECT count(*) FROM replies WHERE org_id = orgs.id)"
            " FROM orgs JOIN accounts ON accounts.id = account_id LEFT JOIN org_states ON org_id = orgs.id"
            " WHERE origin = ? ORDER BY place IS NULL, place, orgs.id",
            (origin,),
        ).fetchall()
    return tuple(KeptOrg(*row) for row in rows)


def remove_history(path: Path, org: KeptOrg | None, now: datetime) -> Removal:
    """Remove one org, or everything if `org` is None, from the archive and every file beside it.

    The replies of the org's account are removed, too, because each lists the org. So are damaged files,
    because no part of them can be removed. Calls and refusals of Claude Code are removed if its login was the
    org's; how far transcripts were read stays, so they do not come back.

    Raises:
        NewerArchiveError: A newer version of this program wrote it.
        sqlite3.Error: It is locked for too long, or cannot be written.
        OSError: The folder cannot be written, or another process is replacing the file.
    """
    if not path.parent.is_dir():
        return Removal(0, ())
    with hold_lock(path):
        _finish_replacement(path, now)
        removed = _replace_without(path, org, now) if path.exists() else 0
        moved = _list_moved(path)
        for file in moved:
            _wipe(file)
    return Removal(removed, tuple(file.name for file in moved if not file.name.endswith(LOG_SUFFIXES)))


def _replace_without(path: Path, org: KeptOrg | None, now: datetime) -> int:
    """Replace the archive by one without an org, or by an empty one; return the number of removed replies."""
    new = _name_beside(path, _NEW_SUFFIX)
    with closing(open_existing(path)) as source:
        try:
            check_version(source)
            source.execute("BEGIN IMMEDIATE")  # others wait until the new file is in place
        except (sqlite3.DatabaseError, DamagedArchiveError) as error:
            if org is not None or not is_damage(error):
                raise
        before = _count_replies(source)
        with closing(_create(new)) as target:
            if org is not None:
                _copy_rows(source, target, _Filter(source, org).keeps, recompresses=True)
            ignore_removed_calls(target, now, everything=org is None)
            target.execute("INSERT INTO removals (at) VALUES (?)", (to_millis(now),))
            after = _count_replies(target)
        _sync(new)
        path.replace(_name_beside(path, _REMOVED_SUFFIX))
        _finish_replacement(path, now, wipes=False)
    _finish_replacement(path, now)
    return before - after


def _finish_replacement(path: Path, now: datetime, *, wipes: bool = True) -> str | None:
    """Finish a replacement that was begun by this process or a killed one; the caller holds the lock.

    Returns:
        The name of a damaged file that was moved aside; None if there was none.
    """
    new = _name_beside(path, _NEW_SUFFIX)
    removed, damaged = _name_beside(path, _REMOVED_SUFFIX), _name_beside(path, DAMAGED_SUFFIX)
    if removed.exists():
        if not path.exists():
            _move_logs(path, removed)
            new.replace(path)
        if wipes:
            for file in (removed, *_list_logs(removed)):
                _wipe(file)
        return None
    for file in (new, *_list_logs(new)):
        file.unlink(missing_ok=True)
    if not damaged.exists():
        return None
    if not path.exists():
        _move_logs(path, damaged)
        _take_over(damaged, new)
        new.replace(path)
    moved = _name_beside(path, f"{DAMAGED_SUFFIX}-{now:%Y-%m-%d-%H%M%S}")
    _move_logs(damaged, moved)
    damaged.replace(moved)
    files = [file for file in _list_moved(path) if not file.name.endswith(LOG_SUFFIXES)]
    for old in sorted(files, key=lambda file: file.name)[:-MAX_MOVED_FILES]:
        for file in (*_list_logs(old), old):
            file.unlink(missing_ok=True)
    return moved.name


def _take_over(damaged: Path, new: Path) -> None:
    """Write every readable row of the damaged file into a new one."""
    with closing(_create(new)) as target, closing(open_existing(damaged)) as source:
        # Without it, SQLite refuses a file that was cut off.
        source.execute("PRAGMA writable_schema = ON")
        with suppress(sqlite3.DatabaseError):
            source.execute("BEGIN IMMEDIATE")  # another process may still write
        # Damaged text is text all the same; what is not allowed in a name would raise an error.
        source.text_factory = lambda found: found.decode(errors="replace")
        # Without the positions, transcripts are read again; calls that are kept do not count twice.
        _copy_rows(source, target, lambda table, _: table != "transcript_files")
        target.execute(_RESTORE_COUNTED)
    _sync(new)


def _create(new: Path) -> ArchiveConnection:
    """Return a new empty archive; what is written is safe after `_sync` only."""
    for file in (new, *_list_logs(new)):
        file.unlink(missing_ok=True)
    connection = open_for_writing(new)
    for pragma in ("foreign_keys = OFF", "journal_mode = OFF", "synchronous = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Filter:
    """Selects the rows that stay if an org is removed."""

    def __init__(self, source: sqlite3.Connection, org: KeptOrg) -> None:
        self._org = org
        (others,) = source.execute(
            "SELECT count(*) FROM orgs WHERE account_id = ? AND id != ?", (org.account_id, org.id)
        ).fetchone()
        self._is_last = others == 0
        logins = source.execute("SELECT id FROM logins WHERE org = ?", (org.uuid.lower(),)).fetchall()
        self._login_ids = {row for (row,) in logins}
        marks = ", ".join("?" * len(self._login_ids))
        # A project that only the org's login worked in goes, too.
        self._project_ids = {
            row
            for table in ("calls", "call_hours", "refusals")
            for (row,) in source.execute(
                f"SELECT DISTINCT project_id FROM {table} WHERE login_id NOT IN ({marks})",  # noqa: S608
                tuple(self._login_ids),
            ).fetchall()
        }

    def keeps(self, table: str, row: dict[str, Any]) -> bool:
        """True if the row has nothing to do with the org."""
        org, account_id = self._org, row.get("account_id")
        if row.get("login_id") in self._login_ids or (table == "logins" and row["id"] in self._login_ids):
            return False
        if table == "projects":
            return row["id"] in self._project_ids
        if table in ("statuses", "status_requests"):  # they name orgs, and the next poll brings them back
            return False
        if table == "dictionaries" or row.get("org_id") == org.id:  # every dictionary has parts of bodies
            return False
        if (table, row.get("id")) == ("orgs", org.id):
            return False
        if account_id == org.account_id and (self._is_last or row.get("org_id") == ACCOUNT_ROW):
            return False
        if self._is_last and (table, row.get("id")) == ("accounts", org.account_id):
            return False
        if table == "org_states":
            with suppress(zlib.error):
                return org.uuid.encode() not in zlib.decompress(row["state"])
        return not any(isinstance(value, str) and org.uuid in value for value in row.values())


def _copy_rows(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    keeps: Callable[[str, dict[str, Any]], bool],
    *,
    recompresses: bool = False,
) -> None:
    """Copy every readable row whose parents were copied, too.

    Args:
        source: the file to read, perhaps damaged.
        target: a new file.
        keeps: given a table and a row, returns True if it stays.
        recompresses: True to write new dictionaries instead of copying them.
    """
    known: dict[str, set[int]] = {parent: set() for parent in PARENTS.values()}
    old_bodies, new_bodies = BodyCompressor(source), BodyCompressor(target)
    target.execute("BEGIN")
    for table in list_tables(target):
        columns = _describe_columns(target, table)
        checked = [column for column in PARENTS if column in columns]
        if recompresses and "dictionary_id" in checked:
            checked.remove("dictionary_id")
        insert = f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names
        add = f"{insert.replace(' OR IGNORE', '')} {ADD_HOURS}"
        for values in _iter_readable_rows(source, table, tuple(columns)):
            row = dict(zip(columns, values, strict=True))
            if not all(_has_type(row[column], kind) for column, kind in columns.items()):
                continue
            lost = [column for column in checked if row[column] and row[column] not in known[PARENTS[column]]]
            if any(column not in _UNKNOWN_ALLOWED for column in lost):
                continue
            if not keeps(table, row):
                continue
            row |= dict.fromkeys(lost, 0)
            if recompresses and table == "replies":
                with suppress(zlib.error, UnicodeDecodeError):
                    text = old_bodies.decompress(row["dictionary_id"], row["body"])
                    packed = new_bodies.compress(row["endpoint_id"], text, from_millis(row["first_at"]))
                    row["dictionary_id"], row["body"] = packed
                    if keeps(table, {**row, "body": text}):
                        target.execute(insert, tuple(row.values()))
                continue
            # Other sums of an hour may be equal in everything else now.
            is_sum = bool(lost) and table == "call_hours"
            target.execute(add if is_sum else insert, tuple(row.values()))
            if table in known:
                known[table].add(row["id"])
    target.execute("COMMIT")


def _describe_columns(connection: sqlite3.Connection, table: str) -> dict[str, tuple[str, bool]]:
    """Return the declared type of each column of a table, and if it can be NULL."""
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return {name: (kind, not not_null and not key) for _, name, kind, not_null, _, key in rows}


def _has_type(value: object, column: tuple[str, bool]) -> bool:
    """True if a value has the declared type; a damaged page has anything."""
    kind, can_be_null = column
    if value is None:
        return can_be_null
    return kind not in _TYPES or isinstance(value, _TYPES[kind])


_SMALLEST = -(2**62)
"""A number below every key."""
_STEPS = tuple(4**power for power in range(22))
"""Distances from a damaged page to the next attempt; of milliseconds, up to more than a century."""
_READ_ERRORS = (sqlite3.DatabaseError, OverflowError)


def _iter_readable_rows(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...]
) -> Iterator[Row]:
    """Yield the rows of a table; behind a damaged page, continue with the next readable one."""
    try:
        known = connection.execute(f"PRAGMA table_info({table})").fetchall()
    except sqlite3.DatabaseError:
        return
    if not {*columns} <= {name for _, name, *_ in known}:
        return
    by_place = sorted(known, key=lambda one: one[-1])
    keys = [name for _, name, kind, *_, place in by_place if place and kind == "INTEGER"] or ["rowid"]
    order, last = ", ".join(keys), [_SMALLEST] * len(keys)
    selected = f"SELECT {order}, {', '.join(columns)} FROM {table} WHERE"  # noqa: S608 - our own names
    marks = f"({', '.join('?' * len(keys))})"
    first_readable = f"{selected} ({order}) >= {marks} ORDER BY {order} LIMIT 1"
    backwards = ", ".join(f"{key} DESC" for key in keys)
    between = f"{selected} ({order}) > {marks} AND ({order}) < {marks} ORDER BY {backwards}"
    start = last
    while start:
        try:
            for row in connection.execute(f"{selected} ({order}) >= {marks} ORDER BY {order}", start):
                last = list(row[: len(keys)])
                yield row[len(keys) :]
        except _READ_ERRORS:
            if not all(isinstance(one, int) for one in last):
                return
        else:
            return
        before = max(last, start)
        found = (key for key in _iter_later_keys(before) if _is_readable(connection, first_readable, key))
        start = next(found, [])
        if start:
            with suppress(*_READ_ERRORS):
                for row in connection.execute(between, (*before, *start)):
                    yield row[len(keys) :]


def _iter_later_keys(last: list[int]) -> Iterator[list[int]]:
    """Yield keys at growing distances behind one, first in its last column."""
    for place in reversed(range(len(last))):
        for step in _STEPS:
            yield [*last[:place], last[place] + step, *[_SMALLEST] * (len(last) - place - 1)]


def _is_readable(connection: sqlite3.Connection, query: str, key: list[int]) -> bool:
    try:
        connection.execute(query, key).fetchall()
    except _READ_ERRORS:
        return False
    return True


def _name_beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _list_logs(path: Path) -> list[Path]:
    return [_name_beside(path, suffix) for suffix in LOG_SUFFIXES]


def _move_logs(path: Path, to: Path) -> None:
    for old, new in zip(_list_logs(path), _list_logs(to), strict=True):
        if old.exists():
            old.replace(new)


def _list_moved(path: Path) -> list[Path]:
    """Return the damaged files beside the archive, and their logs."""
    return sorted(path.parent.glob(f"{path.name}{DAMAGED_SUFFIX}-*"))


def _wipe(file: Path) -> None:
    """Overwrite a file and remove it; do nothing if it does not exist."""
    with suppress(FileNotFoundError):
        if not file.name.endswith("-shm"):  # another process may have mapped it
            with file.open("r+b") as opened:
                left = opened.seek(0, os.SEEK_END)
                opened.seek(0)
                while left > 0:
                    left -= opened.write(bytes(min(left, 1 << 20)))
                opened.flush()
                os.fsync(opened.fileno())
        file.unlink()


def _count_replies(connection: sqlite3.Connection) -> int:
    """Return the number of replies; 0 if they cannot be counted."""
    try:
        (count,) = connection.execute("SELECT count(*) FROM replies").fetchone()
    except sqlite3.DatabaseError:
        return 0
    return int(count)
