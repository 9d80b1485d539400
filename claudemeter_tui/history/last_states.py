"""The last state of each org, with which the next start begins.

This module loads less than the rest of the archive, so that the last figures are on screen early.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui import __version__
from claudemeter_tui.history.codec import DECODE_ERRORS, decode_value, encode_value
from claudemeter_tui.history.database import open_for_reading, to_millis
from claudemeter_tui.model.store import OrgState

MAX_RESTORED_AGE = timedelta(days=7)
"""Age above which the last state of an org is not shown any more at the start."""


def read_last_states(path: Path, origin: str, now: datetime) -> tuple[OrgState, ...]:
    """Return the last states from a file that no one has opened yet; see `Archive.load_states`.

    There are none if the file cannot be read: the recorder repairs it, and reports the problem.
    """
    with suppress(sqlite3.Error, OSError), closing(open_for_reading(path)) as reader:
        return load_states(reader, origin, now)
    return ()


def load_states(
    connection: sqlite3.Connection, origin: str, now: datetime, account_key: str | None = None
) -> tuple[OrgState, ...]:
    """Return the last states of the orgs of an account, or of all accounts; see `Archive.load_states`."""
    rows = connection.execute(
        "SELECT state FROM org_states JOIN orgs ON orgs.id = org_id"
        " JOIN accounts ON accounts.id = account_id"
        " WHERE origin = ? AND at >= ? AND version = ? AND key = coalesce(?, key) ORDER BY place",
        (origin, to_millis(now - MAX_RESTORED_AGE), __version__, account_key),
    ).fetchall()
    return tuple(state for (packed,) in rows if (state := unpack_state(packed)) is not None)


def pack_state(state: OrgState) -> bytes:
    """Return the state as compressed JSON, without its charts, of which only the last amount is needed."""
    kept = replace(
        state,
        failures={endpoint: replace(failure, trace="") for endpoint, failure in state.failures.items()},
        series=state.series.keep_last_run(),
        histories={},
    )
    return zlib.compress(json.dumps(encode_value(kept), separators=(",", ":")).encode(), 1)


def unpack_state(packed: bytes) -> OrgState | None:
    """Return the state that `pack_state` packed. None if it is damaged or does not match the types."""
    try:
        state = decode_value(OrgState, json.loads(zlib.decompress(packed)))
    except (zlib.error, RecursionError, *DECODE_ERRORS):
        return None
    return state if isinstance(state, OrgState) else None
