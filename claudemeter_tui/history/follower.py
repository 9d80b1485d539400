"""Hold the leases of the accounts that this process polls, and follow the archive for all others.

The database is used in threads, by one of them at a time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from claudemeter_tui.history.archive import insert_account
from claudemeter_tui.history.database import (
    MILLISECOND,
    UNUSABLE_ERRORS,
    ArchiveConnection,
    FileState,
    check_version,
    from_millis,
    identify_file,
    is_damage,
    open_existing,
    read_file_state,
    to_millis,
    transaction,
)
from claudemeter_tui.history.last_states import load_states
from claudemeter_tui.history.lease import (
    HEARTBEAT,
    Lease,
    Process,
    ProcessState,
    claim_lease,
    compute_span,
    describe_process,
    find_state,
    needs_heartbeat,
    read_lease,
    release_lease,
    renew_lease,
)
from claudemeter_tui.history.network_folders import is_network_folder
from claudemeter_tui.history.repair import mark_damaged
from claudemeter_tui.history.replay import ParseReply, find_account_reading, iter_readings
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Reading, Reply, Schedule, Session
from claudemeter_tui.model.store import OrgState

TICK = 1.0
"""Seconds between two checks of the lease: by a follower for new readings, by a holder for requests."""
MAX_POLL = timedelta(seconds=30)
"""Longest time from a holder's last sign of life before a poll to the poll's last reading."""
MAX_SEEN = 4096
"""Number of readings that are remembered, so that none is posted twice after the clock was set back."""
FIRST_SPAN = timedelta(minutes=10)
"""Time before the first check in which there can be readings that are newer than the kept states."""
FAR_FUTURE = timedelta(days=1)
"""Added to the current time for the end of a span, because clocks of two machines differ."""

T = TypeVar("T")


@dataclass
class _View:
    """The part of an account that a follower has posted."""

    session: Session
    account: Account
    read_times: dict[str, datetime]
    """Time of the last reply that is known, by the uuid of the org; empty for the account's."""
    changes: int | None = None
    """Number of the holder's changes when they were last read. None before the first check."""
    holder: str = ""
    until: datetime | None = None
    """Time of the last reading. None before the first check."""
    seen: dict[tuple[str, datetime], None] = field(default_factory=dict)
    lease: Lease | None = None
    """Lease of the holder when it was last read. None before the first check."""
    files: FileState | None = None
    """State of the archive's files before `lease` was read. None if the archive has to be read again."""


class _Update(NamedTuple):
    """Result of one check of the archive."""

    is_free: bool = False
    """True if no other process polls the account."""
    is_other_account: bool = False
    """True if the session now reads another account."""
    readings: tuple[Reading, ...] = ()


class ArchiveLeases:
    """The leases of one server's accounts, kept in the archive.

    If the archive cannot be read or written, this process polls as if it were alone.
    """

    def __init__(
        self,
        path: Path,
        origin: str,
        now: Callable[[], datetime],
        parse: ParseReply,
        *,
        restored: Iterable[OrgState] = (),
        max_age: timedelta | None = None,
        can_record: Callable[[], bool] = lambda: True,
        process: Process | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use the archive in this file.

        Args:
            path: file of the archive.
            origin: origin of the server.
            now: the clock.
            parse: parser of the replies in the archive.
            restored: states that were posted at the start of this process.
            max_age: highest age of another process's last poll; above it, this process polls too. None for
                a process that can wait for the next poll.
            can_record: returns False while this process cannot append to the archive. It holds no lease then,
                because no other process could follow it.
            process: this process; another one in tests.
            sleep: waits for this many seconds.
            monotonic: seconds of a clock that is never set.
        """
        self._path = path
        self._origin = origin
        self._now = now
        self._parse = parse
        self._restored = {state.key: _find_read_time(state) for state in restored}
        self._max_age = max_age
        self._can_record = can_record
        self._process = process or describe_process()
        self._sleep = sleep
        self._monotonic = monotonic
        self._connection: ArchiveConnection | None = None
        self._one_at_a_time = threading.Lock()
        self._is_closed = False
        self._held: dict[str, tuple[Account, int]] = {}
        """Account and row of each lease that this process holds, by the account's key."""
        self._requests: dict[str, int] = {}
        """Number of requests that were passed on, by the account's key."""
        self._signs: dict[int, tuple[tuple[str, int, int], float]] = {}
        """Last sign of life of another process, and when it was given or seen, by the row of the account."""
        self._renewed_at: dict[int, float] = {}
        """Time of the last sign of life of this process, by the row of the account."""
        self._to_release: set[str] = set()
        """Keys of the accounts whose leases are about to be released."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._shows_changes = False
        """True if the archive's files show every change, so that it need not be read to find one."""

    async def identify(self, session: Session) -> Account | None:
        """Return the account of a browser's session without a request; see `AccountLeases`."""

        def read(connection: sqlite3.Connection) -> Account | None:
            row = connection.execute(
                "SELECT accounts.key, email FROM sessions JOIN accounts ON accounts.id = account_id"
                " JOIN leases USING (account_id)"
                " WHERE (sessions.origin, browser, profile) = (?, ?, ?)"
                " AND (watcher, machine) = (holder, ?)",
                (self._origin, session.browser, session.profile, self._process.machine),
            ).fetchone()
            if row is None:
                return None
            lease = read_lease(connection, self._origin, row[0])
            if lease is None or not self._is_other(lease) or not self._is_fresh(lease):
                return None
            return Account.from_key(*row)

        return await self._run(read, None)

    async def claim(self, session: Session, account: Account) -> bool:
        """Take or renew the lease of a session's account; return True if this process may poll it."""
        if not account.key:
            return True
        can_record = self._can_record()

        def write(connection: sqlite3.Connection) -> tuple[Lease | None, bool]:
            now = to_millis(self._now())
            if not can_record:
                lease = read_lease(connection, self._origin, account.key)
                if lease is not None:
                    release_lease(connection, lease.account_id, self._process)
                return None, lease is None or not self._is_other(lease) or not self._is_fresh(lease)
            with transaction(connection):
                account_id = insert_account(connection, self._origin, account)
                own = claim_lease(connection, account_id, self._process, now, self._is_live)
                connection.execute(
                    "INSERT INTO sessions (origin, browser, profile, account_id, watcher)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET account_id = excluded.account_id, watcher = excluded.watcher"
                    # The holder's own entry stays.
                    " WHERE ? OR account_id IS NOT excluded.account_id",
                    (
                        self._origin,
                        session.browser,
                        session.profile,
                        account_id,
                        self._process.holder,
                        own is not None,
                    ),
                )
            other = read_lease(connection, self._origin, account.key) if own is None else None
            return own, other is None or not self._is_fresh(other)

        self._to_release.discard(account.key)
        unusable: tuple[Lease | None, bool] = None, True
        own, may_poll = await self._run(write, unusable)
        if own is not None:
            self._held[account.key] = account, own.account_id
            self._renewed_at[own.account_id] = self._monotonic()
            self._requests.setdefault(account.key, own.requests)
        else:
            self._held.pop(account.key, None)
        return may_poll

    async def follow(
        self,
        session: Session,
        account: Account,
        read_times: Mapping[str, datetime],
        post: Callable[[Sequence[Reading]], object],
    ) -> bool:
        """Post what another process reads until it no longer polls; False if the session changed."""
        known = {uuid: at for (key, uuid), at in self._restored.items() if key == account.key}
        view = _View(session, account, {**known, **read_times})
        is_first = True
        while True:
            files = self._read_file_state()
            if files is None or files != view.files or not self._is_unchanged(view.lease):
                update = await self._run(
                    lambda connection: self._read_update(connection, view), _Update(is_free=True)
                )
                if update.is_free or update.is_other_account:
                    return not update.is_other_account
                if update.readings or is_first:
                    post(update.readings)
                is_first, view.files = False, files
            await self._sleep(TICK)

    async def request_poll(self, account: Account) -> None:
        """Ask the process that polls an account to do so now."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE leases SET requests = requests + 1 WHERE account_id ="
                " (SELECT id FROM accounts WHERE (origin, key) = (?, ?))",
                (self._origin, account.key),
            )

        await self._run(write, None)

    def keep_only(self, accounts: Collection[Account]) -> None:
        """Release the leases of all other accounts."""
        kept = {account.key for account in accounts}
        for key in self._held.keys() - kept:
            _, account_id = self._held.pop(key)
            self._requests.pop(key, None)
            self._to_release.add(key)
            task = asyncio.create_task(self._release(key, account_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def tend(
        self, on_request: Callable[[Account], object], on_loss: Callable[[Account], object]
    ) -> None:
        """Renew the leases until cancelled, and pass on requests for polls."""
        files_before: FileState | None = None
        leases: dict[str, Lease | None] = {}
        while True:
            await self._sleep(TICK)
            if self._held and not self._can_record():
                self.keep_only(())  # a process that can record takes over; until then, this one polls
            if not self._held:
                continue
            files = self._read_file_state()
            if (
                files is not None
                and files == files_before
                and not any(map(self._is_heartbeat_due, leases.values()))
            ):
                continue
            nothing: dict[str, Lease | None] = {}
            leases = await self._run(self._read_held, nothing)
            files_before = files if leases else None  # after an error, read again
            for key, lease in leases.items():
                if key not in self._held:
                    continue
                account, _ = self._held[key]
                if lease is None:
                    del self._held[key]
                    self._requests.pop(key, None)
                    on_loss(account)
                elif lease.requests != self._requests.get(key):
                    self._requests[key] = lease.requests
                    on_request(account)

    def close(self) -> None:
        """Release all leases; may block."""
        with self._one_at_a_time:
            self._is_closed = True
            with suppress(*UNUSABLE_ERRORS):
                for _, account_id in self._held.values():
                    release_lease(self._connect(), account_id, self._process)
            self._disconnect()

    async def _run(self, work: Callable[[sqlite3.Connection], T], default: T) -> T:
        """Return the result of database work in a thread; the default if the archive cannot be used."""

        def run() -> T:
            with self._one_at_a_time:
                if self._is_closed:
                    return default
                try:
                    return work(self._connect())
                except UNUSABLE_ERRORS as error:
                    if is_damage(error) and self._connection is not None:
                        with suppress(OSError):
                            mark_damaged(self._connection)
                    self._disconnect()
                    return default

        return await asyncio.to_thread(run)

    def _connect(self) -> sqlite3.Connection:
        """Return the open connection; open the file again if another one has taken its place."""
        if self._connection is not None and self._connection.identity != identify_file(self._path):
            self._disconnect()
        if self._connection is None:
            # The recorder creates it and brings it to the current version.
            self._connection = open_existing(self._path)
            self._shows_changes = not is_network_folder(self._path.parent)
        check_version(self._connection)  # a newer program may have changed it since it was opened
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    async def _release(self, key: str, account_id: int) -> None:
        """Release a lease unless it was claimed again meanwhile."""

        def write(connection: sqlite3.Connection) -> None:
            if key in self._to_release:
                release_lease(connection, account_id, self._process)
                self._to_release.discard(key)

        await self._run(write, None)

    def _read_held(self, connection: sqlite3.Connection) -> dict[str, Lease | None]:
        """Return the leases that this process should hold, renewed if it is time; None if it lost one."""
        now = to_millis(self._now())
        leases: dict[str, Lease | None] = {}
        for key, (_, account_id) in list(self._held.items()):
            lease = read_lease(connection, self._origin, key)
            is_own = lease is not None and lease.holder == self._process.holder
            leases[key] = lease if is_own else None
            if is_own and self._is_heartbeat_due(lease):
                renew_lease(connection, account_id, self._process, now)
                self._renewed_at[account_id] = self._monotonic()
        return leases

    def _is_heartbeat_due(self, lease: Lease | None) -> bool:
        """Return True if this process holds the lease and has to give a sign of life."""
        if lease is None or lease.account_id not in self._renewed_at:
            return False
        age = self._monotonic() - self._renewed_at[lease.account_id]
        return age >= HEARTBEAT and needs_heartbeat(lease, to_millis(self._now()))

    def _read_file_state(self) -> FileState | None:
        """Return the state of the archive's files; None if the archive has to be read to find changes."""
        return read_file_state(self._path) if self._shows_changes else None

    def _is_unchanged(self, lease: Lease | None) -> bool:
        """Return True if a lease that was read needs no answer as long as the archive is unchanged."""
        if lease is None or not self._is_other(lease):
            return False
        return bool(lease.is_hidden) or find_state(lease, self._process) is not ProcessState.HIDDEN

    def _is_other(self, lease: Lease) -> bool:
        """Return True if another living process holds the lease."""
        return lease.holder != self._process.holder and self._is_live(lease)

    def _is_live(self, lease: Lease) -> bool:
        """Return True if the holder lives, as far as is known.

        The age of a sign of life is measured from when it was first seen, because clocks are set, and those
        of two machines differ. Only when a holder of this machine is first seen, the time of its sign counts.
        """
        state = find_state(lease, self._process)
        if state is ProcessState.ENDED:
            return False
        # A request for a heartbeat restarts the time, because the holder has not answered it yet.
        sign, now = (lease.holder, lease.renewed_at, lease.is_hidden), self._monotonic()
        before, since = self._signs.get(lease.account_id, (("", 0, 0), now))
        if before[0] != lease.holder and lease.machine == self._process.machine:
            age = to_millis(self._now()) - lease.renewed_at
            since = now - abs(age) / 1000
        elif before != sign:
            since = now
        self._signs[lease.account_id] = sign, since
        return (now - since) * 1000 <= compute_span(lease, state)

    def _is_fresh(self, lease: Lease) -> bool:
        """Return True if the holder's last poll is recent enough for this process."""
        if self._max_age is None:
            return True
        return lease.polled_at is not None and abs(self._now() - from_millis(lease.polled_at)) < self._max_age

    def _read_update(self, connection: sqlite3.Connection, view: _View) -> _Update:
        """Return what is new since the last check."""
        lease = read_lease(connection, self._origin, view.account.key)
        if lease is None or not self._is_other(lease):
            return _Update(is_free=True)
        watched = connection.execute(
            "SELECT 1 FROM sessions WHERE (origin, browser, profile, watcher) = (?, ?, ?, ?)"
            " AND account_id != ?",
            (self._origin, view.session.browser, view.session.profile, lease.holder, lease.account_id),
        ).fetchone()
        if watched is not None:
            return _Update(is_other_account=True)
        if not lease.is_hidden and find_state(lease, self._process) is ProcessState.HIDDEN:
            connection.execute(
                "UPDATE leases SET is_hidden = 1 WHERE (account_id, holder) = (?, ?)",
                (lease.account_id, lease.holder),
            )
        view.lease = lease
        if (lease.holder, lease.changes) == (view.holder, view.changes):
            return _Update()
        # Read this before the rows, so that rows which are added meanwhile are read by the next check.
        is_first, view.holder, view.changes = view.changes is None, lease.holder, lease.changes
        found = self._read_base(connection, lease, view) if is_first else []
        renewed_at = from_millis(lease.renewed_at)
        since = min(view.until or renewed_at - FIRST_SPAN, renewed_at) - MAX_POLL
        found += self._read_new(connection, lease, view, since)
        return _Update(
            readings=(
                *(one._replace(session=view.session) for one in found),
                *_build_schedule(lease, view, self._now()),
            )
        )

    def _read_base(self, connection: sqlite3.Connection, lease: Lease, view: _View) -> list[Reading]:
        """Return the last list of orgs, and the states of the orgs that this process does not know."""
        now = self._now()
        states = load_states(connection, self._origin, now, view.account.key)
        account = find_account_reading(connection, lease.account_id, self._parse, now + FAR_FUTURE)
        if account is None and states:
            account = _list_orgs(states, view)
        new = tuple(
            replace(state, session=view.session) for state in states if state.org.uuid not in view.read_times
        )
        view.read_times.update((state.org.uuid, _find_read_time(state)) for state in new)
        restored = Reading(view.session, now, restored_orgs=new, is_archived=True)
        if account is not None and account.account is not None:
            view.read_times[""] = account.account.at
        return [*([restored] if new else []), *([account] if account is not None else [])]

    def _read_new(
        self, connection: sqlite3.Connection, lease: Lease, view: _View, since: datetime
    ) -> list[Reading]:
        """Return the readings that were not posted yet, oldest first."""
        is_first, found = view.until is None, []
        view.until = view.until or since
        for reading in iter_readings(
            connection, lease.account_id, self._parse, since=since, until=self._now() + FAR_FUTURE
        ):
            uuid = reading.org_readings[0].org.uuid if reading.org_readings else ""
            if (uuid, reading.at) in view.seen:
                continue
            view.seen[uuid, reading.at] = None
            view.until = max(view.until, reading.at)
            parts = [part for report in reading.org_readings for part in report.parts.values()]
            latest = max(part.at for part in [*parts, reading.account] if part is not None)
            # The first check overlaps with what this process knows; if that is in the future, the clock was
            # set back.
            known = view.read_times.get(uuid) if is_first else None
            if known is None or latest > known or known > self._now() + MAX_POLL:
                found.append(reading)
        for key in list(view.seen)[:-MAX_SEEN]:
            del view.seen[key]
        return found


def _list_orgs(states: Sequence[OrgState], view: _View) -> Reading:
    """Return a reading with the orgs that have a state: `--forget` removes an account's lists of orgs."""
    at = max(map(_find_read_time, states))
    account = Reply(Endpoint.ACCOUNT, at, view.account)
    return Reading(view.session, at, account, tuple(state.org for state in states), is_archived=True)


def _build_schedule(lease: Lease, view: _View, now: datetime) -> tuple[Reading, ...]:
    """Return the reading with the holder's schedule; empty before its first poll has ended."""
    if lease.next_at is None or lease.interval is None:
        return ()
    schedule = Schedule(
        from_millis(lease.next_at),
        lease.interval * MILLISECOND,
        is_backing_off=bool(lease.is_backing_off),
        free_at=from_millis(lease.free_at) if lease.free_at is not None else None,
    )
    return (Reading(view.session, now, schedule=schedule, is_archived=True),)


def _find_read_time(state: OrgState) -> datetime:
    """Return the time of the last reply of an org that is in its state."""
    return max(reply.at for reply in state.replies.values())
