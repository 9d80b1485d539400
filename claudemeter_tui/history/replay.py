"""Read the archive's facts as readings again, in the order in which they were made."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from claudemeter_tui.history.bodies import BodyCompressor
from claudemeter_tui.history.database import from_millis, to_millis
from claudemeter_tui.history.schema import ACCOUNT_ROW
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Reply, Session

ParseReply = Callable[[Session, Reply, "Org | None"], "tuple[Reply | Failure, tuple[Org, ...]]"]
"""Parser of a kept reply, given without its value: returns it with its value, and the orgs that it lists.

The org is the one that the reply is about; None for the account's.
"""


MAX_DELAY = 60_000
"""Milliseconds from a failure to the end of its reading, at most: a poll ends after 20 seconds."""
MAX_SPAN = 86_400_000
"""Milliseconds before a span in which the readings of a row that continues into it are counted."""
_MILLISECOND = timedelta(milliseconds=1)
_ENDPOINTS = {str(one): one for one in Endpoint}
_ERROR_KINDS = {str(one): one for one in ErrorKind}


class _Row(NamedTuple):
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

    A reply that arrived several times is in each of these readings. All rows are read before the first
    reading is yielded, so that no reader stays open; read long spans in parts.

    Args:
        connection: an open archive.
        account_id: row of the account.
        parse: parser of the replies.
        since: start of the span, not included.
        until: end of the span.
        org_id: row of the only org to read, besides the account itself. None for all orgs.
    """
    sessions = {
        row[0]: Session(row[1], row[2])
        for row in connection.execute("SELECT id, browser, profile FROM sessions")
    }
    known_orgs = {
        row[0]: Org(row[1], row[2], row[3], bool(row[4]))
        for row in connection.execute(
            "SELECT id, uuid, name, plan_name, is_shared FROM orgs WHERE account_id = ?", (account_id,)
        )
    }
    org_ids = [ACCOUNT_ROW, *known_orgs] if org_id is None else [ACCOUNT_ROW, org_id]
    first, last = to_millis(since) + 1, to_millis(until)
    rows = [row for one in org_ids for row in _read_rows(connection, account_id, one, first, last)]
    rows.sort(key=lambda row: (row.moment, row.org_id, row.session_id))
    listed: dict[str, Org] = {}
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
        yield Reading(session, at, org_readings=(OrgReading(org, results),), is_archived=True)


def _read_rows(
    connection: sqlite3.Connection, account_id: int, org_id: int, first: int, last: int
) -> Iterator[_Row]:
    """Yield the replies and failures of an org with a reading in this span, in no particular order."""
    bodies = BodyCompressor(connection)
    # Of rows that continue into the span, only a part is in it.
    moments = [
        row[0]
        for row in connection.execute(
            "SELECT at FROM readings WHERE org_id = ?1 AND at <= ?3 AND at >= ?2 ORDER BY at",
            (org_id, first - MAX_SPAN, last),
        )
    ]
    for endpoint_id, name in connection.execute("SELECT id, name FROM names").fetchall():
        if name not in _ENDPOINTS:
            continue
        endpoint, place = _ENDPOINTS[name], (account_id, org_id, endpoint_id)
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
            text = bodies.decompress(dictionary_id, body)
            took = duration * _MILLISECOND
            for at, moment in _list_arrivals(moments, *span):
                if first <= moment <= last:
                    reply = Reply(endpoint, from_millis(at), None, text, status, took)
                    yield _Row(moment, session_id, org_id, reply)
        failures = connection.execute(
            "SELECT first_at, last_at, first_delay, last_delay, count, session_id, kind, detail FROM failures"
            " WHERE (account_id, org_id, endpoint_id) = (?1, ?2, ?3) AND first_at <= ?5 AND last_at >= ?4",
            (*place, first - MAX_DELAY, last),
        ).fetchall()
        for *span, session_id, kind, detail in failures:
            for at, moment in _list_arrivals(moments, *span):
                if first <= moment <= last and kind in _ERROR_KINDS:
                    failure = Failure(_ERROR_KINDS[kind], endpoint, from_millis(at), detail)
                    yield _Row(moment, session_id, org_id, failure)


def _list_arrivals(  # noqa: PLR0917 - the columns of a row
    moments: list[int], first_at: int, last_at: int, first_delay: int, last_delay: int, count: int
) -> list[tuple[int, int]]:
    """Return time and reading of each arrival of a row: of all, or of the first and the last.

    Between these two, the row was part of every reading if there were as many readings as arrivals.
    """
    start, end = first_at + first_delay, last_at + last_delay
    inner = moments[bisect_right(moments, start) : bisect_left(moments, end)]
    if len(inner) != count - 2:
        inner = []
    found = [(first_at, start), *((moment - first_delay, moment) for moment in inner), (last_at, end)]
    return list(dict.fromkeys(found))
