"""Read the events that the archive keeps."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from claudemeter_tui.history.codec import DECODE_ERRORS, decode_value
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.model.events import Event


def load_events(
    connection: sqlite3.Connection, origin: str, since: datetime, until: datetime
) -> tuple[Event, ...]:
    """Return the events of a server after `since` and until `until`, oldest first.

    Events in the form of another version of this program are left out.
    """
    rows = connection.execute(
        "SELECT event FROM events JOIN names ON names.id = origin_id"
        " WHERE name = ? AND at > ? AND at <= ? ORDER BY at, events.id",
        (origin, to_millis(since), to_millis(until)),
    ).fetchall()
    found = (_decode_event(content) for (content,) in rows)
    return tuple(event for event in found if event is not None)


def _decode_event(content: str) -> Event | None:
    try:
        event = decode_value(Event, json.loads(content))
    except (RecursionError, *DECODE_ERRORS):
        return None
    return event if isinstance(event, Event) else None
