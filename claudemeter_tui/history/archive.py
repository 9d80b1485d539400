"""Append readings to the archive, and load the states that it last kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui import __version__
from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import (
    MILLISECOND,
    intern_name,
    is_bug,
    to_millis,
    transaction,
)
from claudemeter_tui.history.derivation import Deriver
from claudemeter_tui.history.last_states import load_states, pack_state
from claudemeter_tui.history.schema import ACCOUNT_ROW, DERIVED_VERSION, UNKNOWN_ACCOUNT
from claudemeter_tui.history.status import Status, load_status, save_status
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import SLOW_INTERVAL, Endpoint
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.reading import Failure, Reading, Reply, Schedule, Session
from claudemeter_tui.model.store import MAX_PAUSE_INTERVALS, OrgKey, OrgState, Store

MAX_STATES_PER_APPEND = 25
"""Number of states that are written in one transaction; encoding one takes a third of a millisecond."""


class Step(NamedTuple):
    """One reading, and the known state before and after it."""

    reading: Reading
    before: Store
    after: Store
    events: tuple[Event, ...] = ()
    """Events that the reading caused."""


class Archive:
    """The archive of one server's replies, on one connection.

    Use it in one thread at a time. Every method raises `sqlite3.Error` if the file is damaged, locked for too
    long or not writable; the transaction is then undone.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        origin: str,
        *,
        keeps_replies: bool = True,
        holder: str = "",
    ) -> None:
        """Use an open connection.

        Args:
            connection: from `open_for_writing`.
            origin: origin of the server, such as `https://claude.ai`.
            keeps_replies: False to keep only the latest state of each org.
            holder: identifier of this process as the holder of leases.
        """
        self._connection = connection
        self._holder = holder
        self._origin = origin
        self._deriver = Deriver(connection)
        self._keeps_replies = keeps_replies
        self._bodies = BodyCompressor(connection)
        self._names: dict[str, int] = {}
        self._accounts: dict[str, int] = {}
        self._orgs: dict[tuple[int, str], tuple[int, Org]] = {}
        self._sessions: dict[tuple[Session, int], int] = {}
        self._changed_accounts: set[int] = set()
        self._bug: Failure | None = None
        """The last bug in the derived part of this transaction. None if there was none."""
        self._unwritten: dict[int, tuple[int, OrgState]] = {}
        """States that the archive does not have yet, with their place on screen, by the row of the org."""

    def append(self, steps: Iterable[Step]) -> Failure | None:
        """Append readings in one transaction; each is given with the states of its orgs.

        Returns:
            The bug that kept derived rows from being written. The facts are kept, and the org's derived rows
            have to be built again. None if there was no bug.
        """
        with self._transaction():
            self._bug = None
            self._changed_accounts.clear()
            for step in steps:
                self._append_step(step)
            for account_id in self._changed_accounts:
                self._connection.execute(
                    "UPDATE leases SET changes = changes + 1 WHERE (account_id, holder) = (?, ?)",
                    (account_id, self._holder),
                )
            for org_id in list(self._unwritten)[:MAX_STATES_PER_APPEND]:
                self._write_state(org_id, *self._unwritten.pop(org_id))
        return self._bug

    def flush(self) -> None:
        """Write every state that still waits."""
        with self._transaction():
            for org_id in list(self._unwritten):
                self._write_state(org_id, *self._unwritten.pop(org_id))

    def load_states(self, now: datetime) -> tuple[OrgState, ...]:
        """Return the last state of each org, in the order of the screen, without old and unreadable ones.

        Their charts are empty: `runs` has the figures.
        """
        return load_states(self._connection, self._origin, now)

    def load_status(self, key: str) -> Status | None:
        """Return what `--line` and `--check` print with these settings. None if nothing was stored yet."""
        with suppress(ValueError, TypeError):
            return load_status(self._connection, key)
        return None

    def save_status(self, status: Status, now: datetime) -> None:
        """Store what `--line` and `--check` print."""
        save_status(self._connection, status, to_millis(now))

    def intern(self, name: str) -> int:
        """Return the row of a name, and add it if it is new."""
        if name not in self._names:
            self._names[name] = intern_name(self._connection, name)
        return self._names[name]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        unwritten = dict(self._unwritten)
        try:
            with transaction(self._connection):
                yield
        except BaseException as error:
            # A state that cannot be written must not prevent all later transactions.
            tried = unwritten.keys() - self._unwritten.keys() if not isinstance(error, sqlite3.Error) else ()
            self._unwritten = {key: state for key, state in unwritten.items() if key not in tried}
            # The rows that these refer to may have been undone.
            for known in (self._names, self._accounts, self._orgs, self._sessions):
                known.clear()
            self._bodies.forget_new()
            self._deriver.forget_new()
            raise

    def _append_step(self, step: Step) -> None:
        reading, session = step.reading, step.reading.session
        for report in reading.org_readings:
            served = (
                (place, state)
                for place, state in enumerate(step.after.all_orgs)
                if state.org.uuid == report.org.uuid and state.session == session
            )
            place, state = next(served, (0, None))
            if state is None:  # removed by a later reading of the same poll
                continue
            org_id, account_id = self._find_org(state)
            self._changed_accounts.add(account_id)
            for part in report.parts.values():
                self._append_part(part, reading, account_id, org_id, state.interval)
            if self._keeps_replies:
                self._connection.execute(
                    "INSERT OR IGNORE INTO readings VALUES (?, ?, ?)",
                    (org_id, to_millis(reading.at), state.interval // MILLISECOND),
                )
                before = step.before.find_org_state(state.key)
                with self._derived_part(org_id, reading.at):
                    self._deriver.observe(org_id, before, state, reading.at)
            self._unwritten[org_id] = place, state
        if reading.account is not None and session.browser:
            account = step.after.find_session_state(session).account
            account_id = self._find_account(account) if account.key else UNKNOWN_ACCOUNT
            self._changed_accounts.add(account_id)
            self._append_part(reading.account, reading, account_id, ACCOUNT_ROW, SLOW_INTERVAL)
        if reading.schedule is not None and session.browser:
            self._write_schedule(step.after.find_session_state(session).account, reading.at, reading.schedule)
        for event in step.events if self._keeps_replies else ():
            key = event.org_key
            event_org = find_org_id(self._connection, self._origin, key) if key is not None else None
            with self._derived_part(event_org, reading.at):
                self._deriver.append_event(event_org, self._origin, event)

    def forget_derived(self) -> None:
        """Forget what was remembered of the derived rows, because a rebuild has written them again."""
        self._deriver.forget_new()

    @contextmanager
    def _derived_part(self, org_id: int | None, at: datetime) -> Iterator[None]:
        """Undo the block, and nothing else, if it has a bug; the org is then to be derived again."""
        self._connection.execute("SAVEPOINT derived_part")
        try:
            yield
        except Exception as error:
            if not is_bug(error):
                raise
            self._connection.execute("ROLLBACK TO derived_part")
            self._deriver.forget_new()
            self._bug = Failure.from_exception(error, Endpoint.ACCOUNT, at)
            if org_id is not None:
                self._connection.execute("UPDATE orgs SET derived_version = 0 WHERE id = ?", (org_id,))
        self._connection.execute("RELEASE derived_part")

    def _write_schedule(self, account: Account, at: datetime, schedule: Schedule) -> None:
        """Show those who follow this process when it polls next, after the poll that ended at `at`."""
        if account.key:
            account_id = self._find_account(account)
            self._changed_accounts.add(account_id)
            self._connection.execute(
                "UPDATE leases SET polled_at = ?, next_at = ?, interval = ?, is_backing_off = ?, free_at = ?"
                " WHERE (account_id, holder) = (?, ?)",
                (
                    to_millis(at),
                    to_millis(schedule.next_at),
                    schedule.interval // MILLISECOND,
                    schedule.is_backing_off,
                    to_millis(schedule.free_at) if schedule.free_at is not None else None,
                    account_id,
                    self._holder,
                ),
            )

    def _append_part(
        self, part: Reply | Failure, reading: Reading, account_id: int, org_id: int, interval: timedelta
    ) -> None:
        if not self._keeps_replies:
            return
        place = account_id, org_id, self.intern(part.endpoint)
        session_id = self._find_session(reading.session, account_id)
        at = to_millis(part.at)
        times = at, to_millis(reading.at) - at
        if isinstance(part, Failure):
            self._append_failure(part, (*place, session_id), *times)
            return
        slow = SLOW_INTERVAL if part.endpoint.facts.is_slow else interval
        self._append_reply(
            part, (*place, *times, session_id), MAX_PAUSE_INTERVALS * max(interval, slow) // MILLISECOND
        )

    def _append_reply(self, reply: Reply, row: tuple[int, ...], max_pause: float) -> None:
        """Insert a reply, or confirm the last one if it is equal and nothing else happened between them.

        Args:
            reply: the reply.
            row: rows of account, org and endpoint; time and delay in milliseconds; row of the session.
            max_pause: longest time between two confirmations, in milliseconds.
        """
        account_id, org_id, endpoint_id, at, delay, session_id = row
        dictionary_id, body = self._bodies.compress(endpoint_id, reply.text, reply.at)
        content = session_id, reply.status, dictionary_id, body
        confirmed = self._connection.execute(
            "UPDATE replies SET confirmed_at = ?4, confirmed_delay = ?5, count = count + 1"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3)"
            # Later ones exist if the clock was set back.
            " AND first_at = (SELECT max(first_at) FROM replies"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND first_at <= ?4)"
            " AND confirmed_at BETWEEN ?4 - ?6 AND ?4"
            " AND session_id = ?7 AND status = ?8 AND dictionary_id IS ?9 AND body = ?10"
            " AND NOT EXISTS (SELECT 1 FROM failures"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND last_at > confirmed_at)",
            (account_id, org_id, endpoint_id, at, delay, max_pause, *content),
        )
        values = session_id, reply.status, reply.duration // MILLISECOND, dictionary_id, body
        is_new = confirmed.rowcount == 0
        while is_new:
            inserted = self._connection.execute(
                "INSERT INTO replies VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5, 1, ?6, ?7, ?8, ?9, ?10)"
                " ON CONFLICT DO NOTHING",
                (account_id, org_id, endpoint_id, at, delay, *values),
            )
            # After the clock was set back, another reply may have arrived at the same millisecond.
            is_new = inserted.rowcount == 0
            at, delay = at + 1, delay - 1

    def _append_failure(
        self, failure: Failure, place: tuple[int, int, int, int], at: int, delay: int
    ) -> None:
        """Insert a failure, or extend the last one if it is the same and no reply arrived between them."""
        extended = self._connection.execute(
            "UPDATE failures SET last_at = ?5, last_delay = ?6, count = count + 1"
            " WHERE (account_id, org_id, endpoint_id, session_id) = (?1, ?2, ?3, ?4)"
            " AND first_at = (SELECT max(first_at) FROM failures"
            " WHERE (account_id, org_id, endpoint_id, session_id) = (?1, ?2, ?3, ?4) AND first_at <= ?5)"
            " AND last_at <= ?5 AND kind = ?7 AND detail = ?8"
            " AND NOT EXISTS (SELECT 1 FROM replies"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND replies.confirmed_at > last_at)",
            (*place, at, delay, failure.error_kind, failure.detail),
        )
        if extended.rowcount == 0:
            self._connection.execute(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
                (*place, at, at, delay, delay, failure.error_kind, failure.detail),
            )

    def _write_state(self, org_id: int, place: int, state: OrgState) -> None:
        if not state.replies:
            return
        at = max(reply.at for reply in state.replies.values())
        self._connection.execute(
            "INSERT OR REPLACE INTO org_states VALUES (?, ?, ?, ?, ?)",
            (org_id, to_millis(at), place, __version__, pack_state(state)),
        )

    def _find_account(self, account: Account) -> int:
        if account.key not in self._accounts:
            self._accounts[account.key] = insert_account(self._connection, self._origin, account)
        return self._accounts[account.key]

    def _find_org(self, state: OrgState) -> tuple[int, int]:
        """Return the rows of an org and of its account, and keep its name up to date."""
        account_id, org = self._find_account(state.account), state.org
        known = self._orgs.get((account_id, org.uuid))
        if known is not None and known[1] == org:
            return known[0], account_id
        self._connection.execute(
            "INSERT INTO orgs (account_id, uuid, name, plan_name, is_shared, derived_version)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET name = excluded.name, plan_name = excluded.plan_name,"
            " is_shared = excluded.is_shared",
            (account_id, org.uuid, org.name, org.plan_name, org.is_shared, DERIVED_VERSION),
        )
        (org_id,) = self._connection.execute(
            "SELECT id FROM orgs WHERE account_id = ? AND uuid = ?", (account_id, org.uuid)
        ).fetchone()
        self._orgs[account_id, org.uuid] = org_id, org
        return org_id, account_id

    def _find_session(self, session: Session, account_id: int) -> int:
        """Return the row of a session, with the account that it reads now."""
        if (session, account_id) not in self._sessions:
            self._connection.execute(
                "INSERT INTO sessions (origin, browser, profile, account_id) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET account_id = coalesce(excluded.account_id, account_id)",
                (self._origin, session.browser, session.profile, account_id or None),
            )
            (self._sessions[session, account_id],) = self._connection.execute(
                "SELECT id FROM sessions WHERE (origin, browser, profile) = (?, ?, ?)",
                (self._origin, session.browser, session.profile),
            ).fetchone()
        return self._sessions[session, account_id]


def insert_account(connection: sqlite3.Connection, origin: str, account: Account) -> int:
    """Return the row of an account; add it if it is new, and keep its e-mail up to date."""
    connection.execute(
        "INSERT INTO accounts (origin, key, email) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET email = coalesce(excluded.email, email)",
        (origin, account.key, account.email),
    )
    (account_id,) = connection.execute(
        "SELECT id FROM accounts WHERE (origin, key) = (?, ?)", (origin, account.key)
    ).fetchone()
    return int(account_id)


def find_org_id(connection: sqlite3.Connection, origin: str, key: OrgKey) -> int | None:
    """Return the row of an org. None if the archive does not have it."""
    row = connection.execute(
        "SELECT orgs.id FROM orgs JOIN accounts ON accounts.id = account_id"
        " WHERE origin = ? AND key = ? AND uuid = ?",
        (origin, *key),
    ).fetchone()
    return row[0] if row is not None else None
