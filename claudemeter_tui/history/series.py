"""The figures of one org over a span, for the charts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, pairwise
from math import nan
from typing import NamedTuple

from claudemeter_tui.history.database import MILLISECOND, from_millis, to_millis
from claudemeter_tui.history.figures import USED, Value, name_window, parse_unit
from claudemeter_tui.model.catalogue import WINDOWS, MeterOrigin, WindowKind
from claudemeter_tui.model.store import MAX_PAUSE_INTERVALS
from claudemeter_tui.model.time_series import (
    ArchivedSeries,
    CreditSeries,
    PercentHistory,
    PercentRun,
    ValueRun,
)
from claudemeter_tui.model.windows import FULL_FROM, Window

MIN_GAP = timedelta(minutes=5)
"""Time between two runs that is never a gap; with a long interval, longer ones are none either."""


class _SeriesRun(NamedTuple):
    """A run in the archive; times in milliseconds since 1970."""

    first_at: int
    confirmed_at: int
    value: Value | None
    """The value. None for a gap."""
    unit: str
    detail: str


def load_series(
    connection: sqlite3.Connection, org_id: int, since: datetime, until: datetime
) -> ArchivedSeries:
    """Return the used credits and the utilization of the plan-wide windows between two times.

    The credits are those with the source and the unit that were in use at the end, because another source or
    another currency is not spending. A gap that the span begins in is the first run, from the reading before.
    """
    used = _load_span(connection, org_id, USED, since, until)
    credits = CreditSeries()
    money = parse_unit(used[-1].unit) if used else None
    if money is not None:
        unit, detail = used[-1].unit, used[-1].detail
        same = [row for row in used if (row.unit, row.detail) == (unit, detail)]
        runs = tuple(
            ValueRun(
                None if row.value is None else Decimal(row.value),
                from_millis(row.first_at),
                from_millis(row.confirmed_at),
            )
            for row in _insert_gaps(connection, org_id, same)
        )
        credits = CreditSeries(MeterOrigin(detail), money, runs)
    histories = {}
    for key, fact in WINDOWS.items():
        if fact.kind is not WindowKind.SCOPED and (
            rows := _load_span(connection, org_id, name_window(key), since, until)
        ):
            histories[fact.label] = PercentHistory.from_runs(
                PercentRun(
                    row.first_at / 1000,
                    row.confirmed_at / 1000,
                    nan if row.value is None else float(row.value),
                )
                for row in _insert_gaps(connection, org_id, rows)
            )
    return ArchivedSeries(since, until, credits, histories)


def _load_runs(
    connection: sqlite3.Connection, org_id: int, figure: str, since: datetime, until: datetime
) -> list[_SeriesRun]:
    """Return the runs of a figure that overlap the span, oldest first, cut to the span."""
    first, last = to_millis(since), to_millis(until)
    rows = connection.execute(
        "SELECT max(first_at, ?3), min(confirmed_at, ?4), value, unit, detail FROM all_runs"
        " WHERE org_id = ?1 AND figure_id = (SELECT id FROM names WHERE name = ?2)"
        " AND first_at <= ?4 AND confirmed_at >= ?3 ORDER BY first_at",
        (org_id, figure, first, last),
    )
    return [_SeriesRun(*row) for row in rows]


def _load_span(
    connection: sqlite3.Connection, org_id: int, figure: str, since: datetime, until: datetime
) -> list[_SeriesRun]:
    """Return the same runs; if nothing was read at the start of the span, but before, a gap comes first."""
    rows = _load_runs(connection, org_id, figure, since, until)
    first, begins_at = to_millis(since), rows[0].first_at if rows else to_millis(until)
    if begins_at == first:
        return rows
    before = connection.execute(
        "SELECT confirmed_at, unit, detail FROM all_runs"
        " WHERE org_id = ?1 AND figure_id = (SELECT id FROM names WHERE name = ?2)"
        " AND first_at < ?3 ORDER BY first_at DESC LIMIT 1",
        (org_id, figure, first),
    ).fetchone()
    if before is None or not is_gap(connection, org_id, before[0], begins_at, MIN_GAP // MILLISECOND):
        return rows
    read_at, unit, detail = before
    return [_SeriesRun(read_at, begins_at, None, unit, detail), *rows]


def _insert_gaps(connection: sqlite3.Connection, org_id: int, rows: list[_SeriesRun]) -> Iterator[_SeriesRun]:
    """Yield the runs, and a gap wherever nothing was read for too long; see `MIN_GAP`."""
    for row, following in chain(pairwise(rows), [(rows[-1], None)]):
        yield row
        if following is not None and is_gap(
            connection, org_id, row.confirmed_at, following.first_at, MIN_GAP // MILLISECOND
        ):
            yield _SeriesRun(row.confirmed_at, following.first_at, None, row.unit, row.detail)


def is_gap(connection: sqlite3.Connection, org_id: int, first: int, last: int, allowed: int) -> bool:
    """Return True if two successive readings of an org are so far apart that polls are missing.

    Args:
        connection: an open archive.
        org_id: row of the org.
        first: time of the earlier reading, milliseconds since 1970.
        last: time of the later one.
        allowed: milliseconds that are no gap, whatever the interval of the two readings was.
    """
    if last - first <= allowed:
        return False
    (interval,) = connection.execute(
        "SELECT max(interval) FROM readings WHERE org_id = ? AND at IN (?, ?)", (org_id, first, last)
    ).fetchone()
    return interval is None or last - first > MAX_PAUSE_INTERVALS * int(interval)


class Filling(NamedTuple):
    """The time at which a window became full."""

    filled_at: datetime
    """First reading in which it was full."""
    room_at: datetime | None
    """Last reading before, in which it had room. None if there was a pause in between."""


def find_filling(
    connection: sqlite3.Connection, org_id: int, window: Window, until: datetime
) -> Filling | None:
    """Return when a full window filled. None if the archive does not have it as full at that time.

    Args:
        connection: an open archive.
        org_id: row of the org.
        window: the window, which is full until its reset.
        until: a time at which it was full.
    """
    if window.length is None or window.resets_at is None:
        return None
    start = window.resets_at - window.length
    filled: int | None = None
    for row in reversed(_load_runs(connection, org_id, name_window(window.key), start, until)):
        if float(row.value or 0) >= FULL_FROM:
            filled = row.first_at
        elif filled is None:
            return None
        else:
            has_pause = is_gap(connection, org_id, row.confirmed_at, filled, MIN_GAP // MILLISECOND)
            return Filling(from_millis(filled), None if has_pause else from_millis(row.confirmed_at))
    return Filling(from_millis(filled), None) if filled is not None else None
