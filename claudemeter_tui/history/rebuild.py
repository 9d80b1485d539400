"""Build the derived rows of orgs again from the kept replies: after a change of their rules, or after a bug.

Only the span that the replies cover is written again; everything older stays. A run that began before the
span keeps its start. A cycle that began before it stays as it is, because a part of its sums is older.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.history.cycles import Cycle
from claudemeter_tui.history.database import from_millis, intern_name, to_millis, transaction
from claudemeter_tui.history.derivation import (
    PUT_ENDED_CYCLE,
    PUT_OPEN_CYCLE,
    QUARTER,
    Deriver,
)
from claudemeter_tui.history.figures import MONTH, USED, Run
from claudemeter_tui.history.replay import ParseReply, iter_readings
from claudemeter_tui.history.schema import DERIVED_VERSION, MIGRATIONS
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.history import CycleSource
from claudemeter_tui.model.reading import Reading, Reply, Session
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.trackers import Thresholds

PART = timedelta(hours=1)
"""Span of the replies that are read at once."""
KEPT_KINDS = frozenset(
    {
        *(EventKind.STALE, EventKind.RECOVERED, EventKind.SOURCE_CHANGED),
        *(EventKind.ORG_APPEARED, EventKind.ORG_LEFT),
    }
)
"""Events that do not follow from the replies of an org, but from the time or from a list of orgs."""
_NO_TIME = -(1 << 62)
"""A time before every other one."""


def iter_rebuild(
    connection: sqlite3.Connection, parse: ParseReply, thresholds: Thresholds
) -> Generator[None, None, None]:
    """Build the derived rows of outdated orgs again, and yield after each part, so that others can run.

    An org is outdated if its rows are of an older `DERIVED_VERSION`, or if some are missing. The new rows are
    built in memory. Those of one org replace the old ones in one transaction, so stopping early leaves each
    org either as it was or complete. After each part, call `Deriver.forget_new` on a deriver that uses the
    same connection. Events that the replies of the org do not show are kept.

    Args:
        connection: the archive, open for writing.
        parse: parser of the replies.
        thresholds: percentages that cause an event.
    """
    orgs = connection.execute(
        "SELECT orgs.id, account_id, uuid, origin, key, email FROM orgs"
        " JOIN accounts ON accounts.id = account_id WHERE derived_version < ?",
        (DERIVED_VERSION,),
    ).fetchall()
    for org_id, account_id, uuid, origin, key, email in orgs:
        account = Account.from_key(key, email)
        org = _Org(org_id, account_id, uuid, origin, account)
        is_done = False
        while not is_done:
            is_done = yield from _rebuild_org(connection, org, parse, thresholds)


class _Org(NamedTuple):
    """One org of the archive."""

    row: int
    account_row: int
    uuid: str
    origin: str
    account: Account


def _rebuild_org(
    connection: sqlite3.Connection, org: _Org, parse: ParseReply, thresholds: Thresholds
) -> Generator[None, None, bool]:
    """Rebuild one org; return False if old replies were removed meanwhile, so that it must be repeated."""
    first, last = _read_span(connection, org.row)
    if not _is_outdated(connection, org.row):  # another process has rebuilt it
        return True
    if first is None or last is None:
        _mark_current(connection, org.row)
        return True
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        for script in MIGRATIONS:
            scratch.executescript(script)
        seed = _Seed.read(connection, org.row, first)
        seed.write(scratch, org.row)
        replay = _Replay(connection, scratch, org, parse, thresholds)
        moment, end = from_millis(first - 1), from_millis(last)
        while moment + PART < end:
            replay.run(moment, moment + PART)
            moment += PART
            yield
        with transaction(connection):
            known_first, last = _read_span(connection, org.row)
            if known_first != first or last is None:
                return False
            replay.run(moment, from_millis(last))
            _replace_rows(connection, scratch, org, seed, replay.events)
            _mark_current(connection, org.row)
    yield
    return True


def _is_outdated(connection: sqlite3.Connection, org_row: int) -> bool:
    row = connection.execute(
        "SELECT 1 FROM orgs WHERE id = ? AND derived_version < ?", (org_row, DERIVED_VERSION)
    ).fetchone()
    return row is not None


def _mark_current(connection: sqlite3.Connection, org_row: int) -> None:
    connection.execute("UPDATE orgs SET derived_version = ? WHERE id = ?", (DERIVED_VERSION, org_row))


def _read_span(connection: sqlite3.Connection, org_row: int) -> tuple[int | None, int | None]:
    """Return the times of the first and the last reading; None if there is none."""
    first, last = connection.execute(
        "SELECT min(at), max(at) FROM readings WHERE org_id = ?", (org_row,)
    ).fetchone()
    return first, last


class _Seed(NamedTuple):
    """The last rows of an org before the span, by the name of the figure."""

    first: int
    """Start of the span, milliseconds since 1970."""
    runs: dict[str, Run]
    cycles: dict[str, Cycle]
    """Only those of figures with a run before the span; any other cycle began in it."""

    @classmethod
    def read(cls, connection: sqlite3.Connection, org_row: int, first: int) -> _Seed:
        """Read the rows from the archive."""
        runs = {
            name: Run(*run)
            for name, _, *run in connection.execute(
                "SELECT name, max(first_at), first_at, confirmed_at, value, unit, detail FROM all_runs"
                " JOIN names ON id = figure_id WHERE org_id = ? AND first_at < ? GROUP BY name",
                (org_row, first),
            )
        }
        cycles = {
            name: Cycle(*cycle)
            for name, _, _, _, *cycle in connection.execute(
                "SELECT name, max(start_at), cycles.* FROM cycles"
                " JOIN names ON id = figure_id WHERE org_id = ? AND start_at < ? GROUP BY name",
                (org_row, first),
            )
            if (USED if name == MONTH else name) in runs  # the figure whose values the cycle follows
        }
        return cls(first, runs, cycles)

    def write(self, scratch: sqlite3.Connection, org_row: int) -> None:
        """Write the rows as they were at the start of the span."""
        for name, run in self.runs.items():
            row = run._replace(confirmed_at=min(run.confirmed_at, self.first - 1))
            scratch.execute(
                "INSERT INTO open_runs VALUES (?, ?, ?, ?, ?, ?, ?)",
                (org_row, intern_name(scratch, name), *row),
            )
        for name, known in self.cycles.items():
            cycle = self._reopen(name, known) if known.last_at >= self.first else known
            scratch.execute(PUT_OPEN_CYCLE, (org_row, intern_name(scratch, name), *cycle))

    def _reopen(self, name: str, cycle: Cycle) -> Cycle:
        """Return the cycle as it was before its end was known."""
        if name == MONTH:
            source, end_at = CycleSource.CALENDAR, cycle.end_at
        else:
            reset = self.runs[name].detail
            source, end_at = (CycleSource.REPORTED, int(reset)) if reset else (CycleSource.UNKNOWN, None)
        return cycle._replace(end_at=end_at, end_source=source, last_at=self.first - 1, is_full=0)


class _Replay:
    """Readings of one org, applied to a store and to derived tables in memory."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        scratch: sqlite3.Connection,
        org: _Org,
        parse: ParseReply,
        thresholds: Thresholds,
    ) -> None:
        self._connection, self._org, self._parse = connection, org, parse
        self._deriver = Deriver(scratch)
        self._store, self._log = Store(), EventLog(thresholds=thresholds)
        self.events: list[Event] = []
        """Events of the org, in the order in which they were detected."""

    def run(self, since: datetime, until: datetime) -> None:
        """Apply the readings after `since` and until `until`."""
        org = self._org
        for reading in iter_readings(
            self._connection, org.account_row, self._parse, since=since, until=until, org_id=org.row
        ):
            for report in reading.org_readings:
                if self._find_state(reading.session) is None:
                    # The account reply with this org is older than the span.
                    self._apply(self._build_list(reading, report.org))
            before = self._find_state(reading.session)
            self._apply(reading)
            after = self._find_state(reading.session)
            if reading.org_readings and after is not None:
                self._deriver.observe(org.row, before, after, reading.at)

    def _apply(self, reading: Reading) -> None:
        self._store = self._store.apply(reading)
        self._log = self._log.observe(self._store, reading.at)
        self.events += [
            event
            for event in self._log.new_events
            if event.org is not None and event.org.uuid == self._org.uuid and event.kind not in KEPT_KINDS
        ]

    def _find_state(self, session: Session) -> OrgState | None:
        """Return the state of the org if this session serves it."""
        found = (state for state in self._store.all_orgs if state.org.uuid == self._org.uuid)
        return next((state for state in found if state.session == session), None)

    def _build_list(self, reading: Reading, org: Org) -> Reading:
        """Return an account reply with this org and those that the session serves already."""
        known = (state.org for state in self._store.all_orgs if state.session == reading.session)
        account = Reply(Endpoint.ACCOUNT, reading.at, self._org.account)
        return Reading(reading.session, reading.at, account, (*known, org), is_archived=True)


def _replace_rows(
    connection: sqlite3.Connection,
    scratch: sqlite3.Connection,
    org: _Org,
    seed: _Seed,
    events: Iterable[Event],
) -> None:
    """Replace the rows of an org from the start of the span on by those of `scratch`."""
    row, first = org.row, seed.first
    names: dict[int, int] = {
        scratch_id: intern_name(connection, name)
        for scratch_id, name in scratch.execute("SELECT id, name FROM names").fetchall()
    }
    # A run that continues into the span is written again with its new end.
    connection.executemany(
        "DELETE FROM runs WHERE (org_id, figure_id, first_at) = (?, ?, ?)",
        [(row, intern_name(connection, name), run.first_at) for name, run in seed.runs.items()],
    )
    connection.execute("DELETE FROM runs WHERE org_id = ? AND first_at >= ?", (row, first))
    connection.execute("DELETE FROM open_runs WHERE org_id = ?", (row,))
    for read, write in (
        ("SELECT * FROM runs", "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)"),
        ("SELECT * FROM open_runs", "INSERT INTO open_runs VALUES (?, ?, ?, ?, ?, ?, ?)"),
    ):
        rows = scratch.execute(read)
        connection.executemany(write, [(row, names[figure_id], *run) for _, figure_id, *run in rows])
    # A quarter that also has older readings stays.
    quarter = -(-first // QUARTER) * QUARTER if seed.runs else first // QUARTER * QUARTER
    connection.execute("DELETE FROM quarters WHERE org_id = ? AND start_at >= ?", (row, quarter))
    rows = scratch.execute(
        "SELECT figure_id, start_at, unit, rise FROM quarters WHERE start_at >= ?", (quarter,)
    )
    connection.executemany(
        "INSERT INTO quarters VALUES (?, ?, ?, ?, ?)",
        [(row, names[figure_id], *rest) for figure_id, *rest in rows],
    )
    connection.execute("DELETE FROM undated_rises WHERE org_id = ? AND seen_at >= ?", (row, first))
    rows = scratch.execute(
        "SELECT figure_id, seen_at, since_at, unit, rise FROM undated_rises WHERE seen_at >= ?", (first,)
    )
    connection.executemany(
        "INSERT INTO undated_rises VALUES (?, ?, ?, ?, ?, ?)",
        [(row, names[figure_id], *rest) for figure_id, *rest in rows],
    )
    _replace_cycles(connection, scratch, row, seed, names)
    kept_ids = {intern_name(connection, kind) for kind in KEPT_KINDS}
    old = connection.execute("SELECT id, kind_id FROM events WHERE org_id = ? AND at >= ?", (row, first))
    replaced = [(event_id,) for event_id, kind_id in old.fetchall() if kind_id not in kept_ids]
    connection.executemany("DELETE FROM events WHERE id = ?", replaced)
    deriver = Deriver(connection)
    for event in events:
        if to_millis(event.at) >= first:
            deriver.append_event(row, org.origin, event)


def _replace_cycles(
    connection: sqlite3.Connection,
    scratch: sqlite3.Connection,
    org_row: int,
    seed: _Seed,
    names: Mapping[int, int],
) -> None:
    """Replace the cycles that began in the span; the last one of each figure is the open one."""
    kept = {intern_name(connection, name): cycle for name, cycle in seed.cycles.items()}
    found = {figure_id: [cycle] for figure_id, cycle in kept.items()}
    for _, figure_id, *columns in scratch.execute("SELECT * FROM cycles ORDER BY start_at"):
        cycles, cycle = found.setdefault(names[figure_id], []), Cycle(*columns)
        if not cycles or cycle.start_at > cycles[-1].start_at:
            cycles.append(cycle)
    for figure_id in found:
        # Every cycle of a figure that was never read before the span began in it.
        start = kept[figure_id].start_at if figure_id in kept else _NO_TIME
        place = org_row, figure_id, start
        connection.execute(
            "DELETE FROM ended_cycles WHERE (org_id, figure_id) = (?, ?) AND start_at >= ?", place
        )
        connection.execute("DELETE FROM open_cycles WHERE (org_id, figure_id) = (?, ?)", place[:2])
    connection.executemany(
        PUT_ENDED_CYCLE,
        [(org_row, figure_id, *cycle) for figure_id, cycles in found.items() for cycle in cycles[:-1]],
    )
    connection.executemany(
        PUT_OPEN_CYCLE, [(org_row, figure_id, *cycles[-1]) for figure_id, cycles in found.items()]
    )
