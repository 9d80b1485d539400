"""Read the rows of the archive for an export, as they are at one moment.

Rows that can still change (the last one of each figure, cycle and reply) are read in one short transaction.
All others are read in pages, so that no reader stays open: the write-ahead log could not be cut back.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.cycles import CYCLE_COLUMNS, Cycle, build_cycle
from claudemeter_tui.history.database import (
    MILLISECOND,
    check_not_newer,
    from_millis,
    open_for_reading,
    read_version,
    to_millis,
)
from claudemeter_tui.history.events import decode_event
from claudemeter_tui.history.figures import (
    BALANCE,
    CAP,
    CREDITS,
    MONTH,
    USED,
    VERDICT,
    Run,
    read_money,
    read_value,
)
from claudemeter_tui.history.replay import MAX_DELAY, load_sessions
from claudemeter_tui.history.schema import ACCOUNT_ROW
from claudemeter_tui.history.transcript_rows import find_ends, iterate_refusals, iterate_tokens
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.archive_rows import (
    CycleRow,
    EventRow,
    FailureRow,
    FigureRow,
    Owner,
    RefusalRow,
    ReplyRow,
    ReplySource,
    SpendingRow,
    TokenRow,
)
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.history import WINDOW_PREFIX
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.transcripts import Login

PAGE_ROWS = 500
"""Maximum rows of one query."""
PAGE_BYTES = 1 << 20
"""Bytes of compressed bodies after which a page ends."""
EARLIEST, LATEST = -(1 << 62), 1 << 62
"""Times in milliseconds before and after every other."""

_SOURCE_COLUMNS = "first_at, confirmed_at, count, session_id, status"
_REPLY_COLUMNS = f"{_SOURCE_COLUMNS}, duration, dictionary_id, body"
_FAILURE_COLUMNS = "first_at, last_at, count, kind, detail"

Report = Callable[[float], object]
"""Called with the finished part of an iteration, 0 to 1."""


class _Spending(NamedTuple):
    """Credits that an org has spent, as they are at the moment of the snapshot."""

    owner: Owner
    key: tuple[int, ...]
    """Rows of the org and of the name of the figure."""
    tail: list[tuple[int, str, Any]]
    """Start, unit and rise of the last quarter of an hour, which may change later; all others are final."""
    undated: list[tuple[int, int, str, Any]]
    """Last reading before a time in which credits were spent, first one after it, unit and rise."""


class _Group(NamedTuple):
    """Rows with one key besides their time, as they are at the moment of the snapshot."""

    owner: Owner
    key: tuple[int, ...]
    """Values of the key's other columns."""
    name: str
    """Figure or endpoint."""
    last: tuple[Any, ...] | None
    """The last row, which may change later. None if all rows are final."""
    end: int
    """Time below which all rows are final."""


class _Groups(NamedTuple):
    """A table whose rows are grouped by the first columns of its key and sorted by the last one."""

    name: str
    key: str
    time: str
    columns: str


_RUNS = _Groups("runs", "org_id, figure_id", "first_at", ", ".join(Run._fields))
_CYCLES = _Groups("ended_cycles", "org_id, figure_id", "start_at", CYCLE_COLUMNS)
_REPLIES = _Groups("replies", "account_id, org_id, endpoint_id", "first_at", _REPLY_COLUMNS)
_FAILURES = _Groups("failures", "account_id, org_id, endpoint_id, session_id", "first_at", _FAILURE_COLUMNS)


class ArchiveSnapshot:
    """The archive of one server's replies at one moment.

    Every method raises `sqlite3.Error` if the file is damaged or locked for too long. Rows that are removed
    meanwhile, such as old replies, are left out.
    """

    def __init__(self, path: Path, origin: str) -> None:
        """Open the archive of this server and read everything that can still change.

        Raises:
            NewerArchiveError: A newer version of this program wrote the archive.
            FileNotFoundError: There is no archive.
            sqlite3.Error: The archive cannot be read.
        """
        if not path.exists():
            raise FileNotFoundError(path)
        self._connection = open_for_reading(path)
        try:
            self._connection.execute("BEGIN")
            self._load(origin)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.close()
            raise
        self._bodies = BodyCompressor(self._connection)

    def close(self) -> None:
        """Close the archive."""
        self._connection.close()

    def list_owners(self) -> tuple[Owner, ...]:
        """Return every org, in the order of the screen."""
        return tuple(self._owners.values())

    def find_used_span(self) -> tuple[datetime, datetime] | None:
        """Return the first and the last time of used credits; None if there are none."""
        groups = [group for group in self._runs if group.name == USED and group.last is not None]
        if not groups:
            return None
        starts = [
            self._connection.execute(
                "SELECT coalesce(min(first_at), ?) FROM runs WHERE (org_id, figure_id) = (?, ?)",
                (group.end, *group.key),
            ).fetchone()[0]
            for group in groups
        ]
        ends = [group.last[1] for group in groups if group.last is not None]
        return from_millis(min(starts)), from_millis(max(ends))

    def iterate_figures(
        self, owners: Sequence[Owner], since: datetime | None, until: datetime | None, report: Report
    ) -> Iterator[FigureRow]:
        """Yield the figures of these orgs in a span (None: without a limit), by org, figure and time."""
        first, last = _to_span(since, until)
        for group, row in self._iterate(_RUNS, self._runs, owners, first, last, report):
            first_at, confirmed_at, value, unit, detail = row
            if confirmed_at >= first:
                is_window = group.name.startswith(WINDOW_PREFIX)
                yield FigureRow(
                    group.owner,
                    group.name,
                    read_value(value, unit),
                    from_millis(first_at),
                    from_millis(confirmed_at),
                    parse_millis(detail) if is_window else None,
                    str(detail) if group.name in (CREDITS, VERDICT) else "",
                    self._find_source(group, first_at, str(detail)),
                )

    def iterate_cycles(
        self, owners: Sequence[Owner], since: datetime | None, until: datetime | None, report: Report
    ) -> Iterator[CycleRow]:
        """Yield the cycles of these orgs in a span, by org, kind and time."""
        first, last = _to_span(since, until)
        for group, row in self._iterate(_CYCLES, self._cycles, owners, first, last, report):
            cycle = Cycle(*row)
            if max(cycle.last_at, cycle.end_at or cycle.last_at) >= first:
                is_month = group.name == MONTH
                source_group = group._replace(name=USED) if is_month else group
                origin = self._find_used_origin(group.key[0], cycle.peak_at) if is_month else ""
                yield CycleRow(
                    group.owner,
                    build_cycle(group.name, cycle),
                    self._find_source(source_group, cycle.peak_at, origin),
                )

    def iterate_spending(
        self, owners: Sequence[Owner], since: datetime | None, until: datetime | None
    ) -> Iterator[SpendingRow]:
        """Yield the credits spent in each quarter of an hour, and in times without readings, by org."""
        first, last = _to_span(since, until)
        for owner, key, tail, undated in self._spending:
            if owner not in owners:
                continue
            place, end = (first, ""), min(tail[0][0], last) if tail else first
            while rows := self._connection.execute(
                "SELECT start_at, unit, rise FROM quarters WHERE (org_id, figure_id) = (?, ?)"
                " AND (start_at, unit) >= (?, ?) AND start_at < ? ORDER BY start_at, unit LIMIT ?",
                (*key, *place, end, PAGE_ROWS),
            ).fetchall():
                yield from _build_spending(owner, rows)
                place = rows[-1][0], f"{rows[-1][1]}\0"  # the next text in the order of SQLite
            if tail and first <= tail[0][0] < last:
                yield from _build_spending(owner, tail)
            for since_at, seen_at, unit, rise in undated:
                amount = read_money(rise, unit)
                if amount is not None and seen_at >= first and since_at < last:
                    yield SpendingRow(owner, from_millis(seen_at), amount, from_millis(since_at))

    def iterate_replies(
        self, owners: Sequence[Owner], since: datetime | None, until: datetime | None, report: Report
    ) -> Iterator[ReplyRow]:
        """Yield the replies of a span, by org, endpoint and time.

        Replies about an account list all its orgs, so they are included only if all orgs are asked for.
        """
        first, last = _to_span(since, until)
        for group, row in self._iterate(_REPLIES, self._replies, owners, first, last, report):
            _, confirmed_at, count, _, _, duration, dictionary_id, body = row
            if confirmed_at < first:
                continue
            text = None
            with suppress(zlib.error, UnicodeDecodeError, TypeError):  # damaged: the row says so
                text = self._bodies.decompress(dictionary_id, body)
            source = self._build_source(group.name, row)
            yield ReplyRow(group.owner, source, count, duration * MILLISECOND, text)

    def iterate_failures(
        self, owners: Sequence[Owner], since: datetime | None, until: datetime | None, report: Report
    ) -> Iterator[FailureRow]:
        """Yield the failed requests of a span, by org, endpoint, session and time."""
        first, last = _to_span(since, until)
        for group, row in self._iterate(_FAILURES, self._failures, owners, first, last, report):
            first_at, last_at, count, kind, detail = row
            if last_at >= first:
                yield FailureRow(
                    group.owner,
                    group.name,
                    self._sessions.get(group.key[-1], Session("")),
                    from_millis(first_at),
                    from_millis(last_at),
                    count,
                    kind,
                    detail,
                )

    def iterate_events(
        self, owners: Sequence[Owner], since: datetime | None, until: datetime | None, report: Report
    ) -> Iterator[EventRow]:
        """Yield the events of a span by time.

        Events of a whole session are included only if all orgs are asked for.
        """
        first, last = _to_span(since, until)
        wanted = {org_id: owner for org_id, owner in self._owners.items() if owner in owners}
        has_all = len(wanted) == len(self._owners)
        place = first - 1, LATEST
        span = max(1, self._last_event_at - self._first_event_at)
        while rows := self._connection.execute(
            "SELECT at, id, org_id, kind_id, event FROM events"
            " WHERE origin_id = ? AND (at, id) > (?, ?) AND at < ? AND id <= ? ORDER BY at, id LIMIT ?",
            (self._name_ids.get(self._origin), *place, last, self._last_event_id, PAGE_ROWS),
        ).fetchall():
            for at, _, org_id, kind_id, text in rows:
                if org_id in wanted or (org_id is None and has_all):
                    yield self._build_event(wanted.get(org_id), org_id, at, kind_id, text)
            place = rows[-1][:2]
            report(min(1.0, (place[0] - self._first_event_at) / span))

    def iterate_tokens(
        self,
        owners: Sequence[Owner] | None,
        since: datetime | None,
        until: datetime | None,
        report: Report,
    ) -> Iterator[TokenRow]:
        """Yield the tokens of Claude Code on this machine by hour; see `transcript_rows.iterate_tokens`."""
        span = (*_to_span(since, until), self._call_end)
        return iterate_tokens(self._connection, self._find_login_owner, owners, *span, report)

    def iterate_refusals(
        self,
        owners: Sequence[Owner] | None,
        since: datetime | None,
        until: datetime | None,
        report: Report,
    ) -> Iterator[RefusalRow]:
        """Yield the refusals of Claude Code on this machine; see `transcript_rows.iterate_refusals`."""
        span = (*_to_span(since, until), self._refusal_end)
        return iterate_refusals(self._connection, self._find_login_owner, owners, *span, report)

    def _find_login_owner(self, login: Login) -> Owner:
        """Return the org of a login as the archive has it; only its UUIDs if it does not."""
        orgs = [one for one in self._owners.values() if one.org is not None]
        same = [one for one in orgs if one.org is not None and one.org.uuid.lower() == login.org]
        account = Account(login.account or None)
        found = [one for one in same if account.may_be_same(one.account)]
        return found[0] if found else Owner(account, Org(login.org, ""))

    def _load(self, origin: str) -> None:
        """Read what is needed for every page, and the rows that can change."""
        connection, self._origin = self._connection, origin
        if read_version(connection) == 0:  # another process is just creating it
            raise FileNotFoundError
        check_not_newer(connection)
        self._names = dict(connection.execute("SELECT id, name FROM names").fetchall())
        self._name_ids = {name: row_id for row_id, name in self._names.items()}
        self._sessions = load_sessions(connection)
        accounts = {
            row_id: Account.from_key(key, email)
            for row_id, key, email in connection.execute(
                "SELECT id, key, email FROM accounts WHERE origin = ?", (origin,)
            ).fetchall()
        }
        rows = connection.execute(
            "SELECT orgs.id, account_id, uuid, name, plan_name, is_shared FROM orgs"
            " JOIN accounts ON accounts.id = account_id LEFT JOIN org_states ON org_id = orgs.id"
            " WHERE origin = ? ORDER BY place IS NULL, place, orgs.id",
            (origin,),
        ).fetchall()
        self._owners = {
            org_id: Owner(accounts[account_id], Org(uuid, name, plan_name, bool(is_shared)), number)
            for number, (org_id, account_id, uuid, name, plan_name, is_shared) in enumerate(rows, 1)
        }
        self._account_ids = {org_id: account_id for org_id, account_id, *_ in rows}
        accounts_of_replies = [
            *((self._owners[org_id], account_id, org_id) for org_id, account_id, *_ in rows),
            *((Owner(account, None), account_id, ACCOUNT_ROW) for account_id, account in accounts.items()),
        ]
        self._runs = tuple(self._load_continued_groups(_RUNS, "open_runs"))
        self._cycles = tuple(self._load_continued_groups(_CYCLES, "open_cycles"))
        self._spending = tuple(self._load_spending())
        # Other versions may know other endpoints, whose replies have a dictionary, too.
        kept = {row[0] for row in connection.execute("SELECT endpoint_id FROM dictionaries").fetchall()}
        endpoints = [(row, name) for row, name in self._names.items() if row in kept or name in {*Endpoint}]
        reply_places = [
            (owner, (account_id, org_id, name_id), name)
            for owner, account_id, org_id in accounts_of_replies
            for name_id, name in endpoints
        ]
        self._replies = tuple(self._load_groups(_REPLIES, reply_places))
        self._reply_groups = {group.key: group for group in self._replies}
        failure_places = [
            (owner, (*key, session_id), name)
            for owner, key, name in reply_places
            for session_id in self._sessions
        ]
        self._failures = tuple(self._load_groups(_FAILURES, failure_places))
        self._call_end, self._refusal_end = find_ends(connection)
        self._first_event_at, self._last_event_at, self._last_event_id = connection.execute(
            "SELECT coalesce(min(at), 0), coalesce(max(at), 0), coalesce(max(id), 0) FROM events"
        ).fetchone()

    def _list_org_places(self) -> list[tuple[Owner, tuple[int, ...], str]]:
        return [
            (owner, (org_id, name_id), name)
            for org_id, owner in self._owners.items()
            for name_id, name in sorted(self._names.items(), key=lambda pair: pair[1])
        ]

    def _load_spending(self) -> Iterator[_Spending]:
        """Yield the spent credits of each org that has some."""
        for owner, key, name in self._list_org_places():
            tail = self._connection.execute(
                "SELECT start_at, unit, rise FROM quarters WHERE (org_id, figure_id) = (?1, ?2)"
                " AND start_at = (SELECT max(start_at) FROM quarters WHERE (org_id, figure_id) = (?1, ?2))",
                key,
            ).fetchall()
            undated = self._connection.execute(
                "SELECT since_at, seen_at, unit, rise FROM undated_rises WHERE (org_id, figure_id) = (?, ?)"
                " ORDER BY seen_at, unit",
                key,
            ).fetchall()
            if name == USED and (tail or undated):
                yield _Spending(owner, key, tail, undated)

    def _load_groups(
        self, table: _Groups, places: Sequence[tuple[Owner, tuple[int, ...], str]]
    ) -> Iterator[_Group]:
        """Yield the groups of a table that have rows, each with its last row."""
        marks = ", ".join("?" * len(table.key.split(",")))
        query = (
            f"SELECT {table.columns} FROM {table.name} WHERE ({table.key}) = ({marks})"  # noqa: S608 - our names
            f" ORDER BY {table.time} DESC LIMIT 1"
        )
        for owner, key, name in places:
            last = self._connection.execute(query, key).fetchone()
            if last is not None:
                yield _Group(owner, key, name, last, last[0])

    def _load_continued_groups(self, table: _Groups, open_table: str) -> Iterator[_Group]:
        """Yield the groups of a table whose last rows are in a table of their own as long as they change."""
        ended = {group.key: group for group in self._load_groups(table, self._list_org_places())}
        rows = self._connection.execute(f"SELECT {table.key}, {table.columns} FROM {open_table}").fetchall()  # noqa: S608
        current = {row[:2]: row[2:] for row in rows}
        for owner, key, name in self._list_org_places():
            if key in current:
                yield _Group(owner, key, name, current[key], current[key][0])
            elif key in ended:
                yield ended[key]

    def _iterate(  # noqa: PLR0917 - a span of a table's groups
        self,
        table: _Groups,
        groups: Sequence[_Group],
        owners: Sequence[Owner],
        first: int,
        last: int,
        report: Report,
    ) -> Iterator[tuple[_Group, tuple[Any, ...]]]:
        """Yield the rows of these owners with a time before `last`, from the last one before `first` on."""
        has_all = len(owners) == len(self._owners)
        wanted = [
            group for group in groups if (has_all if group.owner.org is None else group.owner in owners)
        ]
        for turn, group in enumerate(wanted):
            for row in self._iterate_group(table, group, first, last):
                yield group, row
            report((turn + 1) / len(wanted))

    def _iterate_group(
        self, table: _Groups, group: _Group, first: int, last: int
    ) -> Iterator[tuple[Any, ...]]:
        marks = ", ".join("?" * len(group.key))
        place = f"FROM {table.name} WHERE ({table.key}) = ({marks})"
        # The last row before the span may continue into it.
        (start,) = self._connection.execute(
            f"SELECT max({table.time}) {place} AND {table.time} < ?",
            (*group.key, first),
        ).fetchone()
        start, end = first if start is None else start, min(group.end, last)
        query = (
            f"SELECT {table.columns} {place} AND {table.time} >= ? AND {table.time} < ?"
            f" ORDER BY {table.time} LIMIT ?"
        )
        while rows := _fetch_page(self._connection.execute(query, (*group.key, start, end, PAGE_ROWS))):
            yield from rows
            start = rows[-1][0] + 1
        if group.last is not None and group.end < last:
            yield group.last

    def _find_source(self, group: _Group, at: int, detail: str) -> ReplySource | None:
        """Return the reply with a figure at this time; None if it follows from several replies."""
        kind, _, rest = group.name.partition(":")
        endpoints = {"window": Endpoint.USAGE, BALANCE: Endpoint.PREPAID}
        endpoint = endpoints.get(kind)
        if kind in (USED, CAP):  # without an origin in its name, that of the leading meter is the detail
            origin = rest or detail
            endpoint = MeterOrigin(origin).endpoint if origin in {*MeterOrigin} else None
        return self._find_reply(group.key[0], endpoint, at) if endpoint is not None else None

    def _find_used_origin(self, org_id: int, at: int) -> str:
        """Return the origin of the leading meter at this time; empty if it is not known."""
        row = self._connection.execute(
            "SELECT detail FROM all_runs WHERE org_id = ? AND figure_id = ? AND first_at <= ?"
            " ORDER BY first_at DESC LIMIT 1",
            (org_id, self._name_ids.get(USED), at),
        ).fetchone()
        return str(row[0]) if row is not None else ""

    def _find_reply(self, org_id: int, endpoint: Endpoint, at: int) -> ReplySource | None:
        """Return the newest reply of an endpoint in the reading of this time."""
        group = self._reply_groups.get((self._account_ids[org_id], org_id, self._name_ids.get(endpoint, -1)))
        if group is None or group.last is None:
            return None
        if group.end <= at:
            row = group.last
        else:
            row = self._connection.execute(
                f"SELECT {_SOURCE_COLUMNS} FROM replies WHERE (account_id, org_id, endpoint_id) = (?, ?, ?)"  # noqa: S608
                " AND first_at <= ? ORDER BY first_at DESC LIMIT 1",
                (*group.key, at),
            ).fetchone()
        if row is None or row[1] + MAX_DELAY < at:
            return None
        return self._build_source(endpoint, row)

    def _build_source(self, endpoint: str, row: tuple[Any, ...]) -> ReplySource:
        first_at, confirmed_at, _, session_id, status, *_ = row
        session = self._sessions.get(session_id, Session(""))
        return ReplySource(endpoint, session, status, from_millis(first_at), from_millis(confirmed_at))

    def _build_event(
        self, owner: Owner | None, org_id: int | None, at: int, kind_id: int, text: str
    ) -> EventRow:
        event, source = decode_event(text), None
        if event is not None and event.endpoints and org_id is not None:
            source = self._find_reply(org_id, event.endpoints[0], at)
        return EventRow(owner, from_millis(at), self._names.get(kind_id, ""), event, source)


def _fetch_page(cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    """Return the next rows, until their bodies are `PAGE_BYTES`, and end the query."""
    rows, size = [], 0
    for row in cursor:
        rows.append(row)
        size += len(row[-1]) if isinstance(row[-1], bytes) else 0
        if size > PAGE_BYTES:
            break
    cursor.close()
    return rows


def _build_spending(owner: Owner, rows: Sequence[tuple[int, str, Any]]) -> Iterator[SpendingRow]:
    for start, unit, rise in rows:
        amount = read_money(rise, unit)
        if amount is not None:
            yield SpendingRow(owner, from_millis(start), amount)


def _to_span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    return EARLIEST if since is None else to_millis(since), LATEST if until is None else to_millis(until)


def parse_millis(text: object) -> datetime | None:
    """Return the time of a text of milliseconds; None if it is empty or damaged."""
    with suppress(ValueError, OverflowError):
        return from_millis(int(str(text)))
    return None
