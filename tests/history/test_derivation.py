"""Runs, sums and cycles of a simulated quarter are those of its script."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.database import ARCHIVE_NAME, from_millis, open_for_writing, to_millis
from claudemeter_tui.history.rebuild import iter_rebuild
from claudemeter_tui.history.retention import remove_old_replies
from claudemeter_tui.history.schema import DERIVED_TABLES
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.wiring import parse_kept_reply
from tests.history.simulation import HOUR, MINUTE, Cycle, Quarter
from tests.history.test_archive import build

THRESHOLDS = (75.0, 90.0, 100.0)
REBUILT_TABLES = tuple(table for table in DERIVED_TABLES if table != "events")
Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an open archive."""
    opened = open_for_writing(tmp_path / ARCHIVE_NAME)
    yield opened
    opened.close()


class Program:
    """A program that keeps readings, and can be started again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._archive: Archive = build(connection)
        self._store, self._log = Store(), EventLog(thresholds=THRESHOLDS)

    def restart(self, now: datetime, *, flush: bool = True) -> None:
        """Start again with the last states of the archive; without `flush`, as if it had been killed."""
        if flush:
            self._archive.flush()
        self._archive = build(self._connection)
        states = self._archive.load_states(now)
        self._store = Store().apply(Reading(self._store.orgs[0].session, now, restored_orgs=states))
        self._log = EventLog(thresholds=THRESHOLDS).observe(self._store, now)

    def record(self, readings: list[Reading]) -> None:
        """Append the readings in one transaction."""
        steps = []
        for reading in readings:
            before, self._store = self._store, self._store.apply(reading)
            self._log = self._log.observe(self._store, reading.at)
            steps.append(Step(reading, before, self._store, tuple(self._log.new_events)))
        self._archive.append(steps)


def read_rows(connection: sqlite3.Connection) -> Rows:
    """Return every derived row, with names instead of their rows."""
    names = dict(connection.execute("SELECT id, name FROM names"))
    found: Rows = {}
    for table in DERIVED_TABLES:
        if table == "events":
            rows = connection.execute("SELECT org_id, at, kind_id, version, event FROM events").fetchall()
            found[table] = [(row[0], row[1], names[row[2]], *row[3:]) for row in rows]
        else:
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            found[table] = [(row[0], names[row[1]], *row[2:]) for row in rows]
        found[table].sort(key=repr)
    return found


def rebuild(connection: sqlite3.Connection) -> int:
    """Rebuild everything; return the number of parts."""
    connection.execute("UPDATE orgs SET derived_version = 0")
    return sum(1 for _ in iter_rebuild(connection, parse_kept_reply, THRESHOLDS))


def read_cycles(connection: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
    """Return start, end, source of the end, peak, time full and spent cents of each cycle, oldest first."""
    return connection.execute(
        "SELECT start_at, end_at, end_source, peak, full_at, full_ms, CAST(spent AS INTEGER) FROM cycles"
        " JOIN names ON id = figure_id WHERE name = ? ORDER BY start_at",
        (name,),
    ).fetchall()


def expect_cycle(cycle: Cycle, now: datetime) -> tuple[object, ...]:
    """Return the row that the script expects for a cycle of a window."""
    is_observed = cycle.end <= now and cycle.is_end_seen
    return (
        to_millis(cycle.start),
        to_millis(cycle.end),
        "observed" if is_observed else "reported",
        cycle.peak,
        to_millis(cycle.full_at) if cycle.full_at is not None else None,
        cycle.full // timedelta(milliseconds=1),
        cycle.spent,
    )


def check(connection: sqlite3.Connection, script: Quarter, now: datetime) -> None:
    """Compare cycles and sums with the script."""
    seen = [cycle for cycle in script.sessions if cycle.last is not None]
    assert len(seen) > script.days // 2
    assert read_cycles(connection, "window:five_hour") == [expect_cycle(cycle, now) for cycle in seen]
    weeks = [expect_cycle(cycle, now) for cycle in script.weeks if cycle.last is not None]
    assert read_cycles(connection, "window:seven_day") == weeks
    months = [(row[0], row[1], row[6]) for row in read_cycles(connection, "month")]
    assert months == [(to_millis(one.start), to_millis(one.end), one.spent) for one in script.months]
    rises = connection.execute(
        "SELECT start_at, rise FROM quarters JOIN names ON id = figure_id WHERE name = 'used'"
    ).fetchall()
    for zone in (ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney")):
        expected, found = Counter[object](), Counter[object]()
        for at, cents in script.spending:
            expected[at.astimezone(zone).date()] += cents
        for at, cents in rises:
            found[from_millis(at).astimezone(zone).date()] += cents
        assert found == expected
    ((total,),) = connection.execute(
        "SELECT sum(rise) FROM quarters JOIN names ON id = figure_id WHERE name = 'window:five_hour'"
    )
    assert total == sum(cycle.peak for cycle in seen)


def simulate(connection: sqlite3.Connection, script: Quarter, *, restarts: bool = False) -> datetime:
    """Keep the polls of the script, each day in one transaction; return the time of the last one."""
    program, batch, day = Program(connection), list[Reading](), None
    now = script.start
    for now, posted in script.run():
        if now.date() != day:
            program.record(batch)
            batch = []
            if restarts and day is not None:
                program.restart(now)
        day = now.date()
        batch += posted
    program.record(batch)
    return now


def at(day: datetime, hours: float) -> datetime:
    """Return the hour of a day."""
    return day + hours * HOUR


MARCH = datetime(2026, 3, 23, 0, 3, 20, tzinfo=UTC)
"""A Monday in the week before Europe's day of 23 hours; Sydney's day of 25 hours is a week later."""


def write_script(start: datetime, days: int, step: timedelta) -> Quarter:
    """Return a script with the program off for three days, failures, and a withdrawn meter."""
    return Quarter(
        start,
        days,
        step,
        off=((at(start, 34), at(start, 107)), (at(start, 10), at(start, 10.2))),
        failing=((at(start, 9), at(start, 9.5)), (at(start, 130), at(start, 134))),
        withdrawn=((at(start, 7 * 24 + 10), at(start, 7 * 24 + 13)),),
    )


@pytest.mark.slow
def test_two_weeks_are_those_of_the_script(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Cycles and sums are exact, over days of 23 and 25 hours; rebuilt rows are equal."""
    script = write_script(MARCH, 16, 10 * MINUTE)
    now = simulate(connection, script)
    check(connection, script, now)
    before = read_rows(connection)
    assert all(before.values())
    for table in REBUILT_TABLES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    assert rebuild(connection) >= script.days
    assert read_rows(connection) == before
    # Rows that are older than the kept replies stay, and the others continue them.
    assert list(remove_old_replies(connection, tmp_path / ARCHIVE_NAME, days=6, max_mb=500, now=now))
    (first,) = connection.execute("SELECT min(at) FROM readings").fetchone()
    connection.execute("DELETE FROM runs WHERE first_at >= ?", (first,))
    connection.execute("DELETE FROM quarters WHERE start_at >= ?", (first,))
    connection.execute("DELETE FROM ended_cycles WHERE start_at >= ?", (first,))
    rebuild(connection)
    assert read_rows(connection) == before
    # A value that other rules gave for the old part stays there.
    balance = "org_id = 1 AND figure_id = (SELECT id FROM names WHERE name = 'balance')"
    connection.execute(f"UPDATE open_runs SET value = 1 WHERE {balance}")  # noqa: S608
    rebuild(connection)
    spans = connection.execute(
        f"SELECT first_at, confirmed_at, value FROM all_runs WHERE {balance} ORDER BY first_at"  # noqa: S608
    ).fetchall()
    assert [span[1:] for span in spans[-2:]] == [(first - 1, 1), (to_millis(now), 24_435)]
    assert spans[-1][0] == first


def test_a_restart_every_day_changes_nothing(connection: sqlite3.Connection) -> None:
    """The rows of a program that was started again and again are those of one that ran all the time."""
    script = write_script(MARCH, 9, 15 * MINUTE)
    now = simulate(connection, script, restarts=True)
    check(connection, script, now)
    before = read_rows(connection)
    rebuild(connection)
    after = read_rows(connection)
    assert after == before


def test_a_rebuild_that_is_stopped_changes_nothing(connection: sqlite3.Connection) -> None:
    """Until all of an org is derived again, its old rows stay."""
    simulate(connection, write_script(MARCH, 6, 30 * MINUTE))
    connection.execute("DELETE FROM quarters")
    connection.execute("UPDATE orgs SET derived_version = 0")
    before = read_rows(connection)
    parts = iter_rebuild(connection, parse_kept_reply, THRESHOLDS)
    next(parts)
    next(parts)
    parts.close()
    assert read_rows(connection) == before
    rebuild(connection)
    assert read_rows(connection)["quarters"]


@pytest.mark.slow
def test_a_quarter_is_that_of_the_script(connection: sqlite3.Connection) -> None:
    """The same over 90 days with a poll every 5 minutes."""
    script = write_script(datetime(2026, 3, 2, 0, 1, 20, tzinfo=UTC), 90, 5 * MINUTE)
    now = simulate(connection, script)
    check(connection, script, now)
    before = read_rows(connection)
    rebuild(connection)
    assert read_rows(connection) == before
