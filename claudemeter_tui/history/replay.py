"""Read the archive's facts as readings again, in the order in which they were made."""

from __future__ import annotations

import sqlite3
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from itertools import groupby
from typing import NamedTuple

from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import MILLISECOND, from_millis, to_millis
from claudemeter_tui.history.schema import ACCOUNT_ROW
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    Schedule,
    Session,
)
from claudemeter_tui.model.store import OrgKey, Store

ParseReply = Callable[[Session, Reply, "Org | None"], "tuple[Reply | Failure, tuple[Org, ...]]"]
"""Parser of a kept reply, given without its value: returns it with its value, and the orgs that it lists.

The org is the one that the reply is about; None for the account's.
"""


_Seed = tuple[Org, dict[Endpoint, Reply | Failure], dict[Endpoint, Failure], datetime]
"""An org, its last replies, the failures since then, and the time of the last reply."""
MAX_DELAY = 60_000
"""Milliseconds from a failure to the end of its reading, at most: a poll ends after 20 seconds."""
SELECTED_SPAN, OTHERS_SPAN = timedelta(hours=6), timedelta(minutes=20)
"""Time before a moment from which every reading is applied: a 5-hour window, and what the verdict needs."""
MAX_SEED_AGE = timedelta(days=7)
"""Age of the last reading above which an org is not part of a past store."""
_ENDPOINTS = {str(one): one for one in Endpoint}
ERROR_KINDS = {str(one): one for one in ErrorKind}
"""The kinds by their stored names; a newer version may have stored others."""


class _Arrival(NamedTuple):
    """One arrival of a reply, or one failure."""

    moment: int
    """Time of the reading, milliseconds since 1970."""
    session_id: int
    org_id: int
    part: Reply | Failure


def iter_readings(
    connection: sqlite3.Connection,
    account_id: int,
    parse: ParseReply,
    *,
    since: datetime,
    until: datetime,
    org_id: int | None = None,
) -> Iterator[Reading]:
    """Yield the readings of an account with a time after `since` and until `until`, oldest first.

    A reply that arrived several times is in each of these readings. Each reading of an org has the interval
    that the polls had then. All rows are read before the first reading is yielded, so that no reader stays
    open; read long spans in parts.

    Args:
        connection: an open archive.
        account_id: row of the account.
        parse: parser of the replies.
        since: start of the span, not included.
        until: end of the span.
        org_id: row of the only org to read, besides the account itself. None for all orgs.
    """
    sessions, known_orgs = load_sessions(connection), _load_orgs(connection, account_id)
    org_ids = [ACCOUNT_ROW, *known_orgs] if org_id is None else [ACCOUNT_ROW, org_id]
    first, last = to_millis(since) + 1, to_millis(until)
    intervals = {
        (one, at): interval * MILLISECOND
        for one in org_ids
        for at, interval in connection.execute(
            "SELECT at, interval FROM readings WHERE org_id = ? AND at BETWEEN ? AND ?", (one, first, last)
        )
    }
    rows = [row for one in org_ids for row in _read_rows(connection, account_id, one, first, last)]
    rows.sort(key=lambda row: (row.moment, row.org_id, row.session_id))
    last_account = find_account_reading(connection, account_id, parse, since)
    listed = {org.uuid: org for org in (last_account.orgs or () if last_account is not None else ())}
    for (moment, row_org_id, session_id), group in groupby(rows, lambda row: (row[0], row[2], row[1])):
        at, session = from_millis(moment), sessions[session_id]
        parts = [row.part for row in group]
        if row_org_id == ACCOUNT_ROW:
            for part in parts:
                parsed, orgs = parse(session, part, None) if isinstance(part, Reply) else (part, ())
                listed.update((org.uuid, org) for org in orgs)
                yield Reading(session, at, parsed, orgs or None, is_archived=True)
            continue
        org = listed.get(known_orgs[row_org_id].uuid, known_orgs[row_org_id])
        results = {
            part.endpoint: parse(session, part, org)[0] if isinstance(part, Reply) else part for part in parts
        }
        interval = intervals.get((row_org_id, moment))
        schedule = Schedule(at + interval, interval) if interval is not None else None
        report = OrgReading(org, results)
        yield Reading(session, at, org_readings=(report,), schedule=schedule, is_archived=True)


def find_account_reading(
    connection: sqlite3.Connection, account_id: int, parse: ParseReply, until: datetime
) -> Reading | None:
    """Return the reading of an account's last list of orgs until this time. None if there is none."""
    last = to_millis(until)
    row = connection.execute(
        "SELECT first_at, confirmed_at, first_delay, session_id, status, dictionary_id, body FROM replies"
        " JOIN names ON names.id = endpoint_id"
        " WHERE account_id = ? AND org_id = ? AND name = ? AND first_at <= ? ORDER BY first_at DESC LIMIT 1",
        (account_id, ACCOUNT_ROW, Endpoint.ACCOUNT, last),
    ).fetchone()
    if row is None:
        return None
    first_at, confirmed_at, delay, session_id, status, *packed = row
    at, session = confirmed_at if confirmed_at <= last else first_at, load_sessions(connection)[session_id]
    text = BodyCompressor(connection).decompress(*packed)
    reply = Reply(Endpoint.ACCOUNT, from_millis(at), None, text, status)
    parsed, orgs = parse(session, reply, None)
    return Reading(session, from_millis(at + delay), parsed, orgs or None, is_archived=True)


def load_store_at(
    connection: sqlite3.Connection, origin: str, moment: datetime, parse: ParseReply, selected: OrgKey | None
) -> Store:
    """Return the store as it was at a moment, from the replies that are kept; empty if there are none.

    Figures, failures and verdicts are those of the moment. Of the selected org, every reading of
    `SELECTED_SPAN` is applied, of the others only of `OTHERS_SPAN`; the table `runs` has the figures before
    that. An org without a reading in the week before the moment is left out.
    """
    store = Store()
    accounts = connection.execute("SELECT id, key FROM accounts WHERE origin = ? ORDER BY id", (origin,))
    for account_id, account_key in accounts.fetchall():
        uuid = selected[1] if selected is not None and selected[0] == account_key else None
        for reading in _list_seeds(connection, account_id, moment, parse, selected_uuid=uuid):
            store = store.apply_safely(reading)
        start, orgs = moment - OTHERS_SPAN, _load_orgs(connection, account_id)
        early = ((moment - SELECTED_SPAN, start, org_id) for org_id, org in orgs.items() if org.uuid == uuid)
        for since, until, org_id in (*early, (start, moment, None)):
            found = iter_readings(connection, account_id, parse, since=since, until=until, org_id=org_id)
            store = reduce(Store.apply_safely, found, store)
    return store


def _list_seeds(
    connection: sqlite3.Connection,
    account_id: int,
    moment: datetime,
    parse: ParseReply,
    *,
    selected_uuid: str | None,
) -> list[Reading]:
    """Return readings with a list of the orgs of each session, and the latest parts about each of them.

    They are the replies at the start of the span of each org, and the failures that lasted then.
    """
    orgs, sessions = _load_orgs(connection, account_id), load_sessions(connection)
    key, email = connection.execute("SELECT key, email FROM accounts WHERE id = ?", (account_id,)).fetchone()
    account = Account.from_key(key, email)
    latest: dict[Session, list[_Seed]] = {}
    for org_id, org in orgs.items():
        row = connection.execute(
            "SELECT max(at) FROM readings WHERE org_id = ? AND at <= ?",
            (org_id, to_millis(moment)),
        ).fetchone()
        if row[0] is None or from_millis(row[0]) < moment - MAX_SEED_AGE:
            continue
        parts: dict[Endpoint, Reply | Failure] = {}
        failed: dict[Endpoint, Failure] = {}
        session = None
        start = moment - (SELECTED_SPAN if org.uuid == selected_uuid else OTHERS_SPAN)
        for reply, session_id in _read_latest(connection, (account_id, org_id), start):
            session = session or sessions[session_id]
            parts[reply.endpoint] = parse(session, reply, org)[0]
        for failure, session_id in _read_active_failures(connection, (account_id, org_id), start):
            session = session or sessions[session_id]
            before = failed.get(failure.endpoint)
            if before is None or before.error_kind is not failure.error_kind:
                failed[failure.endpoint] = failure
        if session is None:  # its first reading is within the span
            session = sessions.get(_find_last_session(connection, account_id, org_id), Session(""))
        at = max((part.at for part in parts.values()), default=start)
        latest.setdefault(session, []).append((org, parts, failed, at))
    seeds: list[Reading] = []
    for session, found in latest.items():
        at = min(at for *_, at in found)
        named = Reply(Endpoint.ACCOUNT, at, account)
        seeds.append(Reading(session, at, named, tuple(org for org, *_ in found), is_archived=True))
        seeds += [
            Reading(session, at, org_readings=(OrgReading(org, parts),), is_archived=True)
            for org, replies, failed, at in found
            for parts in (replies, {**replies, **failed} if failed else {})  # a failure follows its reply
            if parts
        ]
    return seeds


def _read_latest(
    connection: sqlite3.Connection, subject: tuple[int, int], moment: datetime
) -> Iterator[tuple[Reply, int]]:
    """Yield the latest reply of each endpoint about an org at a moment, with the row of its session."""
    bodies, at = BodyCompressor(connection), to_millis(moment)
    for endpoint_id, endpoint in _load_endpoints(connection).items():
        row = connection.execute(
            "SELECT first_at, confirmed_at, session_id, status, duration, dictionary_id, body FROM replies"
            " WHERE (account_id, org_id, endpoint_id) = (?, ?, ?) AND first_at <= ?"
            " ORDER BY first_at DESC LIMIT 1",
            (*subject, endpoint_id, at),
        ).fetchone()
        if row is None:
            continue
        first_at, confirmed_at, session_id, status, duration, dictionary_id, body = row
        arrival = confirmed_at
        if confirmed_at > at:  # one of the readings between its first and its last arrival
            (before,) = connection.execute(
                "SELECT max(at) FROM readings WHERE org_id = ? AND at <= ?", (subject[1], at)
            ).fetchone()
            arrival = max(first_at, before or first_at)
        text = bodies.decompress(dictionary_id, body)
        took = duration * MILLISECOND
        yield Reply(endpoint, from_millis(arrival), None, text, status, took), session_id


def _read_active_failures(
    connection: sqlite3.Connection, subject: tuple[int, int], moment: datetime
) -> Iterator[tuple[Failure, int]]:
    """Yield the failures since an org's last replies at a moment, oldest first, with the row of the session.

    A failure that continues with other details has several rows; the first one has its time.
    """
    rows = connection.execute(
        "SELECT name, kind, detail, first_at, session_id FROM failures JOIN names ON id = endpoint_id"
        " WHERE (account_id, org_id) = (?1, ?2) AND first_at <= ?3 AND NOT EXISTS"
        " (SELECT 1 FROM replies WHERE (account_id, org_id, endpoint_id)"
        " = (?1, ?2, failures.endpoint_id) AND replies.first_at BETWEEN failures.first_at AND ?3)"
        " ORDER BY first_at",
        (*subject, to_millis(moment)),
    ).fetchall()
    for name, kind, detail, first_at, session_id in rows:
        if name in _ENDPOINTS and kind in ERROR_KINDS:
            yield Failure(ERROR_KINDS[kind], _ENDPOINTS[name], from_millis(first_at), detail), session_id


def _find_last_session(connection: sqlite3.Connection, account_id: int, org_id: int) -> int:
    """Return the row of the session that read the last reply about an org; 0 if there is no reply."""
    row = connection.execute(
        "SELECT session_id FROM replies WHERE account_id = ? AND org_id = ? ORDER BY first_at DESC LIMIT 1",
        (account_id, org_id),
    ).fetchone()
    return int(row[0]) if row is not None else 0


def load_sessions(connection: sqlite3.Connection) -> dict[int, Session]:
    """Return every session in the archive, by its row."""
    rows = connection.execute("SELECT id, browser, profile FROM sessions").fetchall()
    return {row[0]: Session(row[1], row[2]) for row in rows}


def _load_endpoints(connection: sqlite3.Connection) -> dict[int, Endpoint]:
    rows = connection.execute("SELECT id, name FROM names").fetchall()
    return {row_id: _ENDPOINTS[name] for row_id, name in rows if name in _ENDPOINTS}


def _load_orgs(connection: sqlite3.Connection, account_id: int) -> dict[int, Org]:
    rows = connection.execute(
        "SELECT id, uuid, name, plan_name, is_shared FROM orgs WHERE account_id = ?", (account_id,)
    ).fetchall()
    return {row[0]: Org(row[1], row[2], row[3], bool(row[4])) for row in rows}


def _read_rows(
    connection: sqlite3.Connection, account_id: int, org_id: int, first: int, last: int
) -> Iterator[_Arrival]:
    """Yield the replies and failures of an org with a reading in this span, in no particular order."""
    bodies = BodyCompressor(connection)
    moments = _Moments(connection, org_id, first, last)
    for endpoint_id, endpoint in _load_endpoints(connection).items():
        place = account_id, org_id, endpoint_id
        # The last reply before the span may have been confirmed in it.
        replies = connection.execute(
            "SELECT first_at, confirmed_at, first_delay, confirmed_delay, count, session_id, status,"
            " duration, dictionary_id, body FROM replies"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND first_at <= ?5"
            " AND first_at >= coalesce((SELECT max(first_at) FROM replies"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND first_at < ?4), ?4)",
            (*place, first, last),
        ).fetchall()
        for *span, session_id, status, duration, dictionary_id, body in replies:
            try:
                text = bodies.decompress(dictionary_id, body)
            except (zlib.error, UnicodeDecodeError):  # a damaged page is a gap
                continue
            took = duration * MILLISECOND
            for at, moment in moments.list_arrivals(*span):
                if first <= moment <= last:
                    reply = Reply(endpoint, from_millis(at), None, text, status, took)
                    yield _Arrival(moment, session_id, org_id, reply)
        failures = connection.execute(
            "SELECT first_at, last_at, first_delay, last_delay, count, session_id, kind, detail FROM failures"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND first_at <= ?5 AND last_at >= ?4",
            (*place, first - MAX_DELAY, last),
        ).fetchall()
        for *span, session_id, kind, detail in failures:
            for at, moment in moments.list_arrivals(*span):
                if first <= moment <= last and kind in ERROR_KINDS:
                    failure = Failure(ERROR_KINDS[kind], endpoint, from_millis(at), detail)
                    yield _Arrival(moment, session_id, org_id, failure)


class _Moments:
    """Times of the readings of an org in a span."""

    def __init__(self, connection: sqlite3.Connection, org_id: int, first: int, last: int) -> None:
        """Read the times from `first` to `last`, milliseconds since 1970."""
        self._connection, self._org_id, self._first = connection, org_id, first
        self._moments = [
            row[0]
            for row in connection.execute(
                "SELECT at FROM readings WHERE org_id = ? AND at BETWEEN ? AND ? ORDER BY at",
                (org_id, first, last),
            )
        ]

    def list_arrivals(
        self, first_at: int, last_at: int, first_delay: int, last_delay: int, count: int
    ) -> list[tuple[int, int]]:
        """Return time and reading of the arrivals of a row in the span.

        Between the first and the last arrival, the row was part of every reading if there were as many
        readings as arrivals; otherwise, as for replies that rarely change, of evenly spread ones.
        """
        start, end = first_at + first_delay, last_at + last_delay
        between: list[int] = []
        if count > 2:
            before, total = (
                self._connection.execute(_COUNT_BETWEEN, (self._org_id, start, until)).fetchone()[0]
                for until in (self._first, end)
            )
            wanted = {total * place // (count - 1) for place in range(1, count - 1)}
            if total == count - 2:
                wanted = set(range(total))
            inner = self._moments[bisect_right(self._moments, start) : bisect_left(self._moments, end)]
            between = [moment for place, moment in enumerate(inner, max(0, before)) if place in wanted]
        found = [(first_at, start), *((moment - first_delay, moment) for moment in between), (last_at, end)]
        return list(dict.fromkeys(found))


_COUNT_BETWEEN = "SELECT count(*) FROM readings WHERE org_id = ? AND at > ? AND at < ?"
