"""The archive of the demo, in memory: the simulated past, and everything that is read from then on.

The program reads and writes it like the user's own archive, so every screen has a past. Nothing of it reaches
the disk.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from claudemeter_tui.demo.history import fill_archive, simulate_past
from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, DEMO_EMAIL, DEMO_ORGS
from claudemeter_tui.demo.timeline import DemoOrg
from claudemeter_tui.demo.transcripts import SIMULATED_ORG, TranscriptSimulation
from claudemeter_tui.history.archive import Archive, Step, find_org_id, insert_account
from claudemeter_tui.history.database import to_millis, transaction
from claudemeter_tui.history.derivation import Deriver
from claudemeter_tui.history.recorder import OpenedArchive
from claudemeter_tui.history.schema import DERIVED_VERSION, MIGRATIONS
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import Failure
from claudemeter_tui.model.refusals import TranscriptNews
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from claudemeter_tui.model.store import OrgKey

REPLIES_AGE = timedelta(days=1)
"""Age above which replies are removed, so that a demo that is left open needs bounded memory."""
_REPLY_TABLES = (("replies", "confirmed_at"), ("failures", "last_at"), ("readings", "at"))
"""Tables that grow with every reply, with the time by which they are removed."""

Answer = TypeVar("Answer")


class DemoArchive:
    """An archive in memory, which threads use in turn.

    The past of an org is simulated when it is first needed: by a reader, or before its first reading is
    appended. It takes about a tenth of a second.
    """

    def __init__(self, start: datetime, zone: tzinfo | None = None) -> None:
        """Create an archive whose past ends at `start`; `zone` is that of the working days."""
        self._start, self._zone = start, zone
        self._lock = threading.RLock()
        self._missing = {(DEMO_ACCOUNT_UUID, org.uuid): org for org in DEMO_ORGS}
        """Orgs whose past is not simulated yet."""
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.executescript("".join(MIGRATIONS))
        self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        self._transcripts: TranscriptSimulation | None = None

    def query(self, key: OrgKey, query: Callable[[sqlite3.Connection, int], Answer]) -> Answer | None:
        """Answer a question about an org. None if the demo does not have it."""
        with self._lock:
            self._add_past(key)
            org_id = find_org_id(self._connection, CLAUDE_AI_ORIGIN, key)
            return query(self._connection, org_id) if org_id is not None else None

    def query_present(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Answer a question about everything that is simulated or read so far."""
        with self._lock:
            return query(self._connection)

    def keep_transcripts(self, now: datetime) -> TranscriptNews | None:
        """Keep the simulated transcripts up to now; return the news, None if there are none."""
        key = DEMO_ACCOUNT_UUID, SIMULATED_ORG.uuid
        with self._lock:
            self._add_past(key)
            if self._transcripts is None:
                org_id = find_org_id(self._connection, CLAUDE_AI_ORIGIN, key) or 0
                self._transcripts = TranscriptSimulation(self._connection, org_id, self._start)
            return self._transcripts.keep(now)

    def query_all(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Answer a question about all orgs."""
        for key in list(self._missing):
            with self._lock:  # other threads take their turn between two orgs
                self._add_past(key)
        return self.query_present(query)

    def open(self) -> OpenedArchive:
        """Return the archive for the recorder."""
        return OpenedArchive(
            _LockedArchive(self._connection, CLAUDE_AI_ORIGIN, self._lock, self._add_past),
            self._remove_old,
            rebuild=lambda: iter(()),
            close=lambda: None,
            mark_damaged=lambda: None,
        )

    def _add_past(self, key: OrgKey) -> None:
        """Simulate the past of an org, unless that is done."""
        org = self._missing.pop(key, None)
        if org is not None:
            with transaction(self._connection):
                self._insert_past(org)

    def _insert_past(self, org: DemoOrg) -> None:
        connection, past = self._connection, simulate_past(org, self._start, self._zone)
        account_id = insert_account(connection, CLAUDE_AI_ORIGIN, Account(DEMO_ACCOUNT_UUID, DEMO_EMAIL))
        connection.execute(
            "INSERT INTO orgs (account_id, uuid, name, plan_name, is_shared, derived_version)"
            " VALUES (?, ?, ?, '', ?, ?)",
            (account_id, org.uuid, org.name, org.pool is not None, DERIVED_VERSION),
        )
        (org_id,) = connection.execute("SELECT max(id) FROM orgs").fetchone()
        fill_archive(connection, org_id, past)
        deriver = Deriver(connection)
        for event in past.events:
            deriver.append_event(org_id, CLAUDE_AI_ORIGIN, event)

    def _remove_old(self, now: datetime) -> Iterator[None]:
        """Remove old replies; figures, cycles and events stay."""
        with self._lock, transaction(self._connection):
            for table, column in _REPLY_TABLES:
                self._connection.execute(
                    f"DELETE FROM {table} WHERE {column} < ?",  # noqa: S608 - our own names
                    (to_millis(now - REPLIES_AGE),),
                )
        return iter(())


class _LockedArchive(Archive):
    """An archive that waits for the readers, and has the past of each org before its first reading."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        origin: str,
        lock: threading.RLock,
        add_past: Callable[[OrgKey], object],
    ) -> None:
        super().__init__(connection, origin)
        self._lock, self._add_past = lock, add_past

    def append(self, steps: Iterable[Step]) -> Failure | None:
        """Append readings in one transaction."""
        known = list(steps)
        for key in dict.fromkeys(state.key for step in known for state in step.after.all_orgs):
            with self._lock:
                self._add_past(key)
        with self._lock:
            return super().append(known)

    def flush(self) -> None:
        """Write every state that still waits."""
        with self._lock:
            super().flush()
