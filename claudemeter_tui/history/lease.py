"""The lease of an account: the right of one process to poll it.

A lease ends if its process releases it, ends, or gives no sign of life for `LEASE_SPAN`. Nothing here loads
the model, so that a status bar can ask `is_held`.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

HEARTBEAT = 8.0
"""Seconds between two signs of life of a holder."""
LEASE_SPAN = 24_000
"""Milliseconds without a sign of life after which a lease is free: three heartbeats, and less than the
shortest interval."""


class Process(NamedTuple):
    """A process that can hold a lease."""

    holder: str
    """Random identifier, different in each run."""
    machine: str
    """Identifier of the machine since its start. Processes with the same one share clock and process ids."""
    pid: int
    started: str
    """Start time as the system counts it; a later process with the same id has another one. Empty if
    the system does not report it."""


class Lease(NamedTuple):
    """Row of `leases`; times in milliseconds since 1970, by the clock of the holder."""

    account_id: int
    holder: str
    machine: str
    pid: int
    started: str
    renewed_at: int
    """Last sign of life."""
    changes: int
    """Number of times that the holder appended to the archive."""
    requests: int
    """Number of polls that other processes asked for."""
    polled_at: int | None
    """End of the last poll. None before the first one; the schedule is then not known either."""
    next_at: int | None
    interval: int | None
    is_backing_off: int | None
    free_at: int | None


@cache
def describe_process() -> Process:
    """Return the identity of this process."""
    return Process(os.urandom(8).hex(), _describe_machine(), os.getpid(), _read_start(os.getpid()) or "")


def has_ended(lease: Lease, process: Process) -> bool:
    """Return True if the holder is known to have ended; only a process of the same machine can know."""
    if lease.machine != process.machine or sys.platform == "win32":  # there, `kill` would end the process
        return False
    try:
        os.kill(lease.pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's process
        pass
    return _read_start(lease.pid) not in {lease.started, None}


def is_recent(lease: Lease, now: int) -> bool:
    """Return True if the last sign of life is recent; one in the future shows that the clock was set back."""
    return abs(now - lease.renewed_at) <= LEASE_SPAN


def is_held(connection: sqlite3.Connection, origin: str) -> bool:
    """Return True if a living process holds the lease of an account of this server.

    Raises:
        sqlite3.Error: the archive cannot be read, or has no leases.
    """
    rows = connection.execute(
        "SELECT leases.* FROM leases JOIN accounts ON accounts.id = account_id WHERE origin = ?", (origin,)
    )
    now, process = int(time.time() * 1000), describe_process()
    return any(is_recent(lease, now) and not has_ended(lease, process) for lease in map(Lease._make, rows))


def read_lease(connection: sqlite3.Connection, origin: str, key: str) -> Lease | None:
    """Return the lease of an account. None if no process has it."""
    row = connection.execute(
        "SELECT leases.* FROM leases JOIN accounts ON accounts.id = account_id WHERE (origin, key) = (?, ?)",
        (origin, key),
    ).fetchone()
    return Lease(*row) if row is not None else None


def claim_lease(
    connection: sqlite3.Connection,
    account_id: int,
    process: Process,
    now: int,
    is_live: Callable[[Lease], bool],
) -> Lease | None:
    """Take or renew the lease of an account, within a transaction; None if a living process has it."""
    row = connection.execute("SELECT * FROM leases WHERE account_id = ?", (account_id,)).fetchone()
    before = Lease(*row) if row is not None else None
    if before is not None and before.holder == process.holder:
        connection.execute("UPDATE leases SET renewed_at = ? WHERE account_id = ?", (now, account_id))
        return before._replace(renewed_at=now)
    if before is not None and is_live(before):
        return None
    lease = Lease(account_id, *process, now, 0, 0, None, None, None, None, None)
    connection.execute(f"INSERT OR REPLACE INTO leases VALUES ({', '.join('?' * len(lease))})", lease)  # noqa: S608 - only question marks
    return lease


def renew_lease(connection: sqlite3.Connection, account_id: int, process: Process, now: int) -> bool:
    """Give a sign of life; return False if the process does not hold the lease any more."""
    renewed = connection.execute(
        "UPDATE leases SET renewed_at = ? WHERE (account_id, holder) = (?, ?)",
        (now, account_id, process.holder),
    )
    return renewed.rowcount > 0


def release_lease(connection: sqlite3.Connection, account_id: int, process: Process) -> None:
    """End the lease of an account if this process holds it."""
    connection.execute("DELETE FROM leases WHERE (account_id, holder) = (?, ?)", (account_id, process.holder))


def _describe_machine() -> str:
    """Return a text that is equal for all processes that see each other's process ids, and for no others."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 - fast to import
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115
    except OSError:
        return socket.gethostname()


def _read_start(pid: int) -> str | None:
    """Return the start time of a process in ticks since the start of the machine; empty if not reported.

    None if the process has ended meanwhile.
    """
    if not sys.platform.startswith("linux"):
        return ""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            # The name of the program in parentheses can contain anything.
            return file.read().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None
    except (OSError, IndexError):
        return ""
