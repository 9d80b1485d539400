"""The lease of an account: the right of one process to poll it.

A lease ends if its process releases it, ends, is stopped, or gives no sign of life when one is due. Each poll
is a sign of life; between two polls there are others only for a process that cannot see the holder's. Nothing
here loads the model, so that a status bar can ask `is_held`.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import NamedTuple

HEARTBEAT = 8.0
"""Seconds between two signs of life during a poll, and for a process that cannot see the holder."""
LEASE_SPAN = 24_000
"""Milliseconds by which a sign of life can be late: three heartbeats, and less than the shortest interval."""


class ProcessState(Enum):
    """State of a holder's process, as far as another process can know it."""

    ENDED = "ended"
    STOPPED = "stopped"
    """Waits for SIGCONT, as after Ctrl+Z, so it does not poll."""
    RUNNING = "running"
    HIDDEN = "hidden"
    """Not known: it is on another machine, or the system does not report it."""


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
    is_hidden: int
    """1 if a process that follows cannot see the holder's process, and so needs a heartbeat; else 0."""
    polled_at: int | None
    """End of the last poll. None before the first one; the schedule is then not known either."""
    next_at: int | None
    interval: int | None
    is_backing_off: int | None
    free_at: int | None


@cache
def describe_process() -> Process:
    """Return the identity of this process."""
    return Process(os.urandom(8).hex(), _describe_machine(), os.getpid(), _read_process(os.getpid())[1] or "")


def find_state(lease: Lease, process: Process) -> ProcessState:
    """Return the state of the holder's process; only a process of the same machine can know it."""
    return find_process_state(Process(lease.holder, lease.machine, lease.pid, lease.started), process)


def find_process_state(other: Process, process: Process) -> ProcessState:
    """Return the state of another process; only a process of the same machine can know it."""
    if other.machine != process.machine or sys.platform == "win32":  # there, `kill` would end the process
        return ProcessState.HIDDEN
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return ProcessState.ENDED
    except (OSError, OverflowError):  # another user's process
        pass
    state, started = _read_process(other.pid)
    if state == "Z" or started not in {other.started, None}:
        return ProcessState.ENDED
    if not state:
        return ProcessState.HIDDEN
    return ProcessState.STOPPED if state in "Tt" else ProcessState.RUNNING


def compute_span(lease: Lease, state: ProcessState) -> int:
    """Return the milliseconds from the last sign of life after which the lease is free.

    A process that can be seen gives the next sign at its next poll, and so does one that no one has asked
    for more.
    """
    is_quiet = state is ProcessState.RUNNING or (state is ProcessState.HIDDEN and not lease.is_hidden)
    if not is_quiet or lease.next_at is None:
        return LEASE_SPAN
    return LEASE_SPAN + max(0, lease.next_at - lease.renewed_at)


def needs_heartbeat(lease: Lease, now: int) -> bool:
    """Return True if signs of life are due: during a poll, or to a process that cannot see the holder."""
    return bool(lease.is_hidden) or lease.next_at is None or lease.next_at <= now


def is_held(connection: sqlite3.Connection, origin: str) -> bool:
    """Return True if a living process holds the lease of an account of this server.

    Raises:
        sqlite3.Error: the archive cannot be read, or has no leases.
    """
    rows = connection.execute(
        "SELECT leases.* FROM leases JOIN accounts ON accounts.id = account_id WHERE origin = ?", (origin,)
    )
    now = int(time.time() * 1000)
    return any(is_live(lease, now) for lease in map(Lease._make, rows))


def is_live(lease: Lease, now: int) -> bool:
    """Return True if the holder lives, by the clock; a sign in the future means that it was set back."""
    state = find_state(lease, describe_process())
    age = abs(now - lease.renewed_at)
    return state is not ProcessState.ENDED and age <= compute_span(lease, state)


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
        renew_lease(connection, account_id, process, now)
        return before._replace(renewed_at=now)
    if before is not None and is_live(before):
        return None
    lease = Lease(account_id, *process, now, 0, 0, 0, None, None, None, None, None)
    connection.execute(f"INSERT OR REPLACE INTO leases VALUES ({', '.join('?' * len(lease))})", lease)  # noqa: S608 - only question marks
    return lease


def renew_lease(connection: sqlite3.Connection, account_id: int, process: Process, now: int) -> None:
    """Give a sign of life if this process holds the lease of an account."""
    connection.execute(
        "UPDATE leases SET renewed_at = ? WHERE (account_id, holder) = (?, ?)",
        (now, account_id, process.holder),
    )


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


def _read_process(pid: int) -> tuple[str, str | None]:
    """Return the letter of a process's state, and its start time in ticks since the start of the machine.

    Both are empty if the system does not report them. The time is None if the process has ended meanwhile.
    """
    if not sys.platform.startswith("linux"):
        return "", ""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            # The name of the program in parentheses can contain anything.
            fields = file.read().rpartition(")")[2].split()
            return fields[0], fields[19]
    except (FileNotFoundError, ProcessLookupError):
        return "", None
    except (OSError, IndexError):
        return "", ""
