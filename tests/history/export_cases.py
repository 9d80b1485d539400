"""An archive with three hours of two orgs, with derived rows by the contract of the tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from claudemeter_tui.history.archive import Archive, Step
from claudemeter_tui.history.codec import encode_value
from claudemeter_tui.history.database import open_for_writing, to_millis, transaction
from claudemeter_tui.history.schema import DERIVED_TABLES
from claudemeter_tui.history.transcripts import sum_calls_before
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Cause, Endpoint, MeterOrigin
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import VerdictState
from tests.bodies import org_body, overage_body, team_body, usage_body
from tests.scenes import READ, SESSION, OrgBodies, readings
from tests.transcripts.kept import build_call, build_refusal, keep, log_in

CLAUDE_AI = "https://claude.ai"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = to_millis(READ)
POLLS = 12
"""Polls of the fixture, ten minutes apart."""


@contextmanager
def written(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield an archive open for writing."""
    with closing(open_for_writing(path)) as connection:
        yield connection


def fill(path: Path, *, by_hand: bool = True) -> None:
    """Fill an archive by the real code; derived rows are replaced by known ones if `by_hand` is set."""
    with written(path) as connection:
        archive = Archive(connection, CLAUDE_AI)
        store = Store()
        for number in range(POLLS):
            personal = OrgBodies(org_body(), usage_body(), overage_body(used=1000 + 10 * number))
            team = OrgBodies(team_body(), usage_body())
            for reading in readings(personal, team, at=READ + number * 10 * MINUTE):
                before, store = store, store.apply(reading)
                archive.append([Step(reading, before, store)])
        org = store.orgs[0].org
        failed_at = READ + POLLS * 10 * MINUTE
        failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.OVERAGE, failed_at, "status 502")
        reading = Reading(SESSION, failed_at, org_readings=(OrgReading(org, {Endpoint.OVERAGE: failure}),))
        archive.append([Step(reading, store, store.apply(reading))])
        fill_transcripts(connection)
        if not by_hand:
            return
        with transaction(connection):
            for table in DERIVED_TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our names
            derive(connection, archive)


def fill_transcripts(connection: sqlite3.Connection) -> None:
    """Add calls and refusals of three hours: of the first org's login, then of none that is known."""
    log_in(connection, READ, READ + 2 * HOUR)
    calls = [build_call(number, READ + number * 30 * MINUTE) for number in range(6)]
    other = build_call(6, READ, model="claude-haiku-4-5", is_sidechain=True, rebuilt=7)
    refusals = build_refusal(1, READ + MINUTE), build_refusal(2, READ + 150 * MINUTE, limit="overage")
    keep(connection, *calls, other, refusals=refusals, now=READ + 3 * HOUR)
    sum_calls_before(connection, to_millis(READ + HOUR))


def derive(connection: sqlite3.Connection, archive: Archive) -> None:
    """Write derived rows of the first org."""
    (org_id,) = connection.execute("SELECT id FROM orgs ORDER BY id LIMIT 1").fetchone()
    step, polls = 600_000, POLLS

    def put_run(figure: str, number: int, value: object, unit: str, detail: str = "") -> None:
        table = "open_runs" if number == polls - 1 else "runs"
        row = org_id, archive.intern(figure), START + number * step, START + number * step
        connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, value, unit, detail))  # noqa: S608

    for number in range(polls):
        put_run("used", number, 1000 + 10 * number, "USD:2", MeterOrigin.OVERAGE)
        put_run("used:overage_spend_limit", number, 1000 + 10 * number, "USD:2")
        put_run("window:five_hour", number, number, "%", str(START + 4 * 3_600_000))
    connection.execute(
        "INSERT INTO open_runs VALUES (?, ?, ?, ?, 5000, 'USD:2', '')",
        (org_id, archive.intern("cap"), START, START + (polls - 1) * step),
    )
    put_run("balance", polls - 1, "-12.5", "KWD:3")
    put_run("used:usage: spend", polls - 1, 1720, "JPY:0")
    put_run("verdict", polls - 1, VerdictState.BLOCKED, "", Cause.CAP)
    quarter = START - START % 900_000
    for number in range(polls // 2):
        key = org_id, archive.intern("used"), quarter + number * 900_000
        connection.execute("INSERT INTO quarters VALUES (?, ?, ?, 'USD:2', 20)", key)
        connection.execute("INSERT INTO quarters VALUES (?, ?, ?, 'JPY:0', 7)", key)
    window, month = archive.intern("window:five_hour"), archive.intern("month")
    hour, peak, last_at = 3_600_000, 1000 + 10 * (polls - 1), START + (polls - 1) * step
    for row in (
        (window, START - 5 * hour, "observed", START, "observed", 100, "%", START - hour, START - hour, hour),
        (window, START, "observed", START + 5 * hour, "reported", polls - 1, "%", START + step, None, 0),
        (month, START - 600 * hour, "reported", None, "unknown", peak, "USD:2", last_at, None, 0),
    ):
        table = "ended_cycles" if row[3] == START else "open_cycles"
        connection.execute(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '120', 'USD:2', ?, 0)",  # noqa: S608
            (org_id, *row, last_at),
        )
    org = Org("aaaaaaaa-0000-4000-8000-000000000001", "Personal")
    first = Event(
        EventKind.CAP_CHANGED,
        READ,
        SESSION,
        org,
        ("account", org.uuid),
        before=Money(Decimal(5000), "USD"),
        after=Money(Decimal(10_000), "USD"),
        endpoints=(Endpoint.OVERAGE,),
    )
    lost = first._replace(kind=EventKind.SESSION_EXPIRED, org=None, org_key=None, before=None, after=None)
    for owner, event in ((org_id, first), (None, lost)):
        put_event(connection, archive, owner, event)


def put_event(connection: sqlite3.Connection, archive: Archive, org_id: int | None, event: Event) -> None:
    """Add an event as JSON."""
    text = json.dumps(encode_value(event))
    connection.execute(
        "INSERT INTO events (origin_id, org_id, at, kind_id, version, event) VALUES (?, ?, ?, ?, '1', ?)",
        (archive.intern(CLAUDE_AI), org_id, to_millis(event.at), archive.intern(event.kind), text),
    )
