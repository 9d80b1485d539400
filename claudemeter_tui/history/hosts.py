"""The table `extension_hosts`: an entry of each host of the browser extension."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.history.archive import insert_account
from claudemeter_tui.history.database import (
    UNUSABLE_ERRORS,
    FileState,
    from_millis,
    open_for_reading,
    open_for_update,
    read_file_state,
    to_millis,
    transaction,
)
from claudemeter_tui.history.lease import (
    Process,
    ProcessState,
    describe_process,
    find_process_state,
    is_live,
    read_lease,
)
from claudemeter_tui.history.network_folders import is_network_folder
from claudemeter_tui.history.replay import ERROR_KINDS
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.reading import Session

MAX_AGE_WITHOUT_LEASE = timedelta(minutes=5)
"""Age of an entry from which polls are missing if no process holds the lease of the account.

A host takes a free lease within a moment, if it can write.
"""


class _Row(NamedTuple):
    """Row of `extension_hosts`, with the account's key and e-mail in place of its row."""

    browser: str
    profile: str
    key: str | None
    email: str | None
    host_version: str
    extension_version: str
    machine: str
    pid: int
    started: str
    seen_at: int
    replied_at: int | None
    error: str


def keep_host(path: Path, origin: str, host: HostRecord, process: Process) -> bool:
    """Keep a host's entry; return False if the archive cannot be written. Blocks.

    Args:
        path: file of the archive.
        origin: origin of the server.
        host: the entry.
        process: process of the host.
    """
    assert host.seen_at is not None  # noqa: S101 - for the type checker
    try:
        with closing(open_for_update(path)) as connection, transaction(connection):
            account_id = (
                insert_account(connection, origin, host.account) if host.account is not None else None
            )
            connection.execute(
                "INSERT OR REPLACE INTO extension_hosts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    origin,
                    host.session.browser,
                    host.session.profile,
                    account_id,
                    host.host_version,
                    host.extension_version,
                    process.machine,
                    process.pid if host.is_running else 0,
                    process.started,
                    to_millis(host.seen_at),
                    to_millis(host.replied_at) if host.replied_at is not None else None,
                    host.error_kind or "",
                ),
            )
    except UNUSABLE_ERRORS:
        return False
    return True


def read_hosts(path: Path, origin: str) -> tuple[HostRecord, ...]:
    """Return the entries of all hosts, sorted by name; none if the archive cannot be read. Blocks."""
    return _build_records(_read_rows(path, origin))


def add_missing_polls(
    path: Path, origin: str, hosts: Iterable[HostRecord], now: datetime
) -> list[HostRecord]:
    """Return the entries with the time since which the history lacks the polls of a host that runs. Blocks.

    On a full disk the entry of the last poll that was kept stays, as if nothing had failed. The lease of its
    account, whoever holds it, says when the next poll was due.
    """
    with suppress(*UNUSABLE_ERRORS), closing(open_for_reading(path)) as connection:
        return [_add_missing_poll(connection, origin, host, now) for host in hosts]
    return [*hosts]


def _add_missing_poll(
    connection: sqlite3.Connection, origin: str, host: HostRecord, now: datetime
) -> HostRecord:
    if not host.is_running or host.seen_at is None or host.account is None:
        return host
    lease = read_lease(connection, origin, host.account.key)
    if lease is None:
        is_missing = now - host.seen_at > MAX_AGE_WITHOUT_LEASE
    else:
        is_missing = not is_live(lease, to_millis(now))
    return host._replace(unkept_since=host.seen_at) if is_missing else host


def _read_rows(path: Path, origin: str) -> tuple[_Row, ...]:
    with suppress(*UNUSABLE_ERRORS), closing(open_for_reading(path)) as connection:
        rows = connection.execute(
            "SELECT browser, profile, key, email, host_version, extension_version, machine, pid, started,"
            " seen_at, replied_at, error FROM extension_hosts"
            " LEFT JOIN accounts ON accounts.id = account_id WHERE extension_hosts.origin = ?"
            " ORDER BY browser, profile",
            (origin,),
        ).fetchall()
        return tuple(map(_Row._make, rows))
    return ()


def remove_hosts(path: Path) -> None:
    """Remove the entries of all hosts, if the archive can be written. Blocks."""
    with suppress(*UNUSABLE_ERRORS), closing(open_for_update(path)) as connection, transaction(connection):
        connection.execute("DELETE FROM extension_hosts")


class HostWatch:
    """Reads the entries of all hosts again when the archive has changed."""

    def __init__(self, path: Path, origin: str) -> None:
        """Read the archive in this file, about this server."""
        self._path, self._origin = path, origin
        self._shows_changes = not is_network_folder(path.parent)
        self._files: FileState | None = None
        self._rows: tuple[_Row, ...] = ()

    def read(self) -> tuple[HostRecord, ...]:
        """Return the entries of all hosts. Blocks."""
        files = read_file_state(self._path) if self._shows_changes else None
        if files is None or files != self._files:
            self._files, self._rows = files, _read_rows(self._path, self._origin)
        return _build_records(self._rows)  # a host that was killed changes no file


def _build_records(rows: Iterable[_Row]) -> tuple[HostRecord, ...]:
    own = describe_process()
    return tuple(_build_record(row, own) for row in rows)


def _build_record(row: _Row, own: Process) -> HostRecord:
    host = Process("", row.machine, row.pid, row.started)
    is_running = bool(row.pid) and find_process_state(host, own) is not ProcessState.ENDED
    return HostRecord(
        Session(row.browser, row.profile),
        Account.from_key(row.key, row.email) if row.key is not None else None,
        row.host_version,
        row.extension_version,
        from_millis(row.seen_at),
        from_millis(row.replied_at) if row.replied_at is not None else None,
        ERROR_KINDS.get(row.error),
        is_running,
    )
