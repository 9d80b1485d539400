"""Archives with a known past, for tests of the history and for the benchmark."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import cache

from claudemeter_tui.demo.history import SimulatedPast, fill_archive, simulate_past
from claudemeter_tui.demo.scenario import ACME, FLAKY, LAB, PERSONAL
from claudemeter_tui.history.queries import query_history
from claudemeter_tui.history.schema import MIGRATIONS
from claudemeter_tui.model.history import HistoryAnswer, HistoryRequest
from claudemeter_tui.model.store import OrgKey

ORG_ROW = 1
ORGS = (LAB, PERSONAL, ACME, FLAKY)
"""Orgs of the demo whose past the orgs of a test have."""


def build_archive(past: SimulatedPast) -> sqlite3.Connection:
    """Return an archive in memory with the past of one org."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.executescript("".join(MIGRATIONS))
    connection.execute("INSERT INTO accounts VALUES (1, 'https://claude.ai', 'pat', NULL)")
    connection.execute("INSERT INTO orgs VALUES (?, 1, 'org', '', '', 0, 1)", (ORG_ROW,))
    fill_archive(connection, ORG_ROW, past)
    return connection


def answer(past: SimulatedPast, request: HistoryRequest) -> HistoryAnswer:
    """Return the history of an org with this past."""
    connection = build_archive(past)
    found = query_history(connection, ORG_ROW, request)
    connection.close()
    return found


def build_loader(
    until: datetime, zone: tzinfo | None
) -> Callable[[OrgKey, HistoryRequest], HistoryAnswer | None]:
    """Return the source of histories for a dashboard; each org has the past of one of the demo's."""
    places: dict[OrgKey, int] = {}

    def load(key: OrgKey, request: HistoryRequest) -> HistoryAnswer:
        place = places.setdefault(key, len(places)) % len(ORGS)
        return query_history(_build_org_archive(place, until, zone), ORG_ROW, request)

    return load


@cache
def _build_org_archive(place: int, until: datetime, zone: tzinfo | None) -> sqlite3.Connection:
    return build_archive(simulate_past(ORGS[place], until, zone))
