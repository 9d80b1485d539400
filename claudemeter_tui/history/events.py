"""Read the events that the archive keeps."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter

from claudemeter_tui.history.codec import DECODE_ERRORS, decode_value
from claudemeter_tui.history.database import from_millis, to_millis
from claudemeter_tui.history.transcripts import load_refusals
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.events import Event, build_refusal_event
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN
from claudemeter_tui.model.refusals import select_stops


def load_events(
    connection: sqlite3.Connection,
    origin: str,
    since: datetime,
    until: datetime,
    limit: int | None = None,
) -> tuple[Event, ...]:
    """Return the events of a server after `since` and until `until`, oldest first, with the refusals.

    Events in the form of another version of this program are left out. With a `limit`, only so many of the
    newest ones are read.
    """
    rows = connection.execute(
        "SELECT event FROM events JOIN names ON names.id = origin_id"
        " WHERE name = ? AND at > ? AND at <= ? ORDER BY at DESC, events.id DESC LIMIT ?",
        (origin, to_millis(since), to_millis(until), -1 if limit is None else limit),
    ).fetchall()
    found = (decode_event(content) for (content,) in reversed(rows))
    events = [event for event in found if event is not None]
    events += _load_refusal_events(connection, origin, since, until)
    events.sort(key=attrgetter("at"))
    return tuple(events if limit is None else events[-limit:])


def _load_refusal_events(
    connection: sqlite3.Connection, origin: str, since: datetime, until: datetime
) -> Iterator[Event]:
    """Yield an event for each stop in the transcripts; the org is given if the server is its own."""
    for refusal in select_stops(load_refusals(connection, since, until)):
        row = connection.execute(
            "SELECT key, uuid, name, plan_name, is_shared FROM orgs"
            " JOIN accounts ON accounts.id = account_id WHERE origin = ? AND lower(uuid) = ? LIMIT 1",
            (origin, refusal.org),
        ).fetchone()
        if row is None:
            yield build_refusal_event(refusal, CLAUDE_CODE_LOGIN, None, None)
            continue
        account_key, uuid, name, plan, is_shared = row
        org = Org(uuid, name, plan, bool(is_shared))
        yield build_refusal_event(refusal, CLAUDE_CODE_LOGIN, org, (account_key, uuid))


def find_event_times(
    connection: sqlite3.Connection, org_id: int, moment: datetime, step: int, until: datetime
) -> list[datetime]:
    """Return the different times of an org's next events after a moment, or before it, the nearest first.

    Args:
        connection: an open archive.
        org_id: row of the org.
        moment: the moment.
        step: maximum number of times; negative for those before the moment.
        until: time from which events are left out: the clock was wrong then.
    """
    query = (
        "SELECT DISTINCT at FROM events WHERE org_id = ? AND at < ? AND at <= ? ORDER BY at DESC LIMIT ?"
        if step < 0
        else "SELECT DISTINCT at FROM events WHERE org_id = ? AND at > ? AND at <= ? ORDER BY at LIMIT ?"
    )
    rows = connection.execute(query, (org_id, to_millis(moment), to_millis(until), abs(step)))
    return [from_millis(at) for (at,) in rows]


_LATER_FIELDS: Mapping[str, object] = {"windows": []}
"""Values of the fields that events of earlier versions lack."""


def decode_event(content: str) -> Event | None:
    """Return the event of a row. None if it has the form of another version of this program."""
    try:
        event = decode_value(Event, {**_LATER_FIELDS, **json.loads(content)})
    except (RecursionError, *DECODE_ERRORS):
        return None
    return event if isinstance(event, Event) else None
