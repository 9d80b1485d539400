"""Runs, sums and cycles after odd polls: gaps, placeholders, jumps of the clock, restarts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.history.codec import encode_value
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.derivation import QUARTER
from claudemeter_tui.history.events import find_event_times, load_events
from claudemeter_tui.history.queries import read_events
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Severity
from tests.bodies import WEEK_RESETS, extra_usage_body, locked_body, org_body, overage_body, usage_body
from tests.golden.scenes import scenes
from tests.history.test_archive import CLAUDE_AI, ELSEWHERE, MINUTE, build, put
from tests.history.test_derivation import Program, read_cycles, read_rows
from tests.scenes import NOW, READ, SESSION, OrgBodies, readings

HOUR = timedelta(hours=1)
RESET = datetime.fromisoformat("2026-04-25T16:00:00+00:00")
Runs = list[tuple[Any, ...]]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an open archive."""
    opened = open_for_writing(tmp_path / ARCHIVE_NAME)
    yield opened
    opened.close()


@pytest.fixture
def program(connection: sqlite3.Connection) -> Program:
    """Return a program with an empty archive."""
    return Program(connection)


def record(program: Program, at: datetime, usage: Any = None, overage: Any = None) -> None:
    """Record one poll of one org."""
    bodies = OrgBodies(org_body(), usage or usage_body(), overage or overage_body())
    program.record(list(readings(bodies, at=at)))


def spend(program: Program, at: datetime, cents: int, currency: str = "USD") -> None:
    """Record one poll with these used credits in both replies."""
    record(
        program,
        at,
        usage_body(extra_usage=extra_usage_body(float(cents), currency=currency)),
        overage_body(cents, currency=currency),
    )


def read_runs(connection: sqlite3.Connection, name: str) -> Runs:
    """Return start, confirmation, value, unit and detail of each run, oldest first."""
    return connection.execute(
        "SELECT first_at, confirmed_at, value, unit, detail FROM all_runs JOIN names ON id = figure_id"
        " WHERE name = ? ORDER BY first_at",
        (name,),
    ).fetchall()


def read_values(connection: sqlite3.Connection, name: str) -> list[Any]:
    """Return the value of each run, oldest first."""
    return [run[2] for run in read_runs(connection, name)]


def read_rises(connection: sqlite3.Connection, name: str = "used") -> dict[tuple[int, str], Any]:
    """Return the rises by the start of the quarter and the unit."""
    rows = connection.execute(
        "SELECT start_at, unit, rise FROM quarters JOIN names ON id = figure_id WHERE name = ?", (name,)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def read_undated(connection: sqlite3.Connection) -> list[tuple[int, int, str, Any]]:
    """Return since when and until when nothing was read, unit and rise of the credits spent meanwhile."""
    return connection.execute("SELECT since_at, seen_at, unit, rise FROM undated_rises").fetchall()


def find_quarter(moment: datetime) -> int:
    """Return the start of the quarter of an hour of a time."""
    return to_millis(moment) // QUARTER * QUARTER


def count_overlaps(connection: sqlite3.Connection) -> int:
    """Return the number of runs that begin before the one before them has ended."""
    names = [row[0] for row in connection.execute("SELECT name FROM names")]
    return sum(
        later[0] <= earlier[1] for name in names for earlier, later in pairwise(read_runs(connection, name))
    )


def test_a_run_ends_at_another_value_and_at_a_gap(connection: sqlite3.Connection, program: Program) -> None:
    """Two missed polls are no gap, three are; each run knows its last confirmation."""
    for minute, cents in ((0, 100), (1, 100), (2, 120), (4, 120), (7, 120)):
        spend(program, READ + minute * MINUTE, cents)
    start = to_millis(READ)
    spans = [(start + 60_000 * first, start + 60_000 * last) for first, last in ((0, 1), (2, 4), (7, 7))]
    expected = [
        (*span, value, "USD:2", "overage_spend_limit")
        for span, value in zip(spans, (100, 120, 120), strict=True)
    ]
    assert read_runs(connection, "used") == expected
    assert [run[:3] for run in read_runs(connection, "used:usage: extra_usage")] == [
        run[:3] for run in expected
    ]
    assert read_rises(connection) == {(find_quarter(READ + 2 * MINUTE), "USD:2"): 20}


def test_every_figure_has_its_run(connection: sqlite3.Connection, program: Program) -> None:
    """Names, values, units and details are those of the contract."""
    bodies = OrgBodies(
        org_body(),
        usage_body(100.0, 71.5, extra_usage=extra_usage_body(5000.0)),
        locked_body(),
        prepaid={"amount": 24_435, "currency": "USD"},
    )
    program.record(list(readings(bodies, at=READ)))
    week = to_millis(datetime.fromisoformat(WEEK_RESETS).replace(microsecond=0))
    rows = connection.execute("SELECT name, value, unit, detail FROM all_runs JOIN names ON id = figure_id")
    assert set(rows) == {
        ("window:five_hour", 100, "%", str(to_millis(RESET))),
        ("window:seven_day", 71.5, "%", str(week)),
        ("used:overage_spend_limit", 5000, "USD:2", ""),
        ("used:usage: extra_usage", 5000, "USD:2", ""),
        ("used", 5000, "USD:2", "overage_spend_limit"),
        ("cap:overage_spend_limit", 5000, "USD:2", ""),
        ("cap:usage: extra_usage", 5000, "USD:2", ""),
        ("cap", 5000, "USD:2", "overage_spend_limit"),
        ("balance", 24_435, "USD:2", ""),
        ("credits", "locked", "", "cap"),
        ("verdict", "blocked", "", "cap"),
    }


def test_a_wait_names_its_window(connection: sqlite3.Connection, program: Program) -> None:
    """The detail of WAIT and ON CREDITS is the key of the limiting window."""
    record(program, READ, usage_body(100.0, 41.0), overage_body(enabled=False))
    record(program, READ + MINUTE, usage_body(100.0, 100.0), overage_body())
    assert [run[2:] for run in read_runs(connection, "verdict")] == [
        ("wait", "", "five_hour"),
        ("on_credits", "", "seven_day"),
    ]


def test_amounts_and_shares_stay_exact(connection: sqlite3.Connection, program: Program) -> None:
    """A fraction of a cent is decimal text, a fraction of a percent a number."""
    for minute, (share, cents) in enumerate(((20.5, 100.25), (21.75, 100.5), (22.0, 1e12))):
        extra = extra_usage_body(cents, None)
        record(program, READ + minute * MINUTE, usage_body(share, extra_usage=extra), overage_body(None))
    assert read_values(connection, "window:five_hour") == [20.5, 21.75, 22]
    assert read_values(connection, "used:usage: extra_usage") == ["100.25", "100.5", 10**12]
    assert read_rises(connection, "window:five_hour") == {(find_quarter(READ), "%"): 1.5}
    assert [row[3] for row in read_cycles(connection, "window:five_hour")] == [22]


def test_a_withdrawn_figure_is_not_a_zero(connection: sqlite3.Connection, program: Program) -> None:
    """While the server withdraws the meter, nothing is recorded; afterwards only the real rise counts."""
    spend(program, READ, 27_315)
    for minute in range(1, 6):
        gone = overage_body(0, None, reason="org_level_disabled_until")
        record(program, READ + minute * MINUTE, overage=gone)
    spend(program, READ + 6 * MINUTE, 27_400)
    start, end = to_millis(READ), to_millis(READ + 6 * MINUTE)
    assert [run[:3] for run in read_runs(connection, "used")] == [
        (start, start, 27_315),
        (end, end, 27_400),
    ]
    assert read_values(connection, "used:overage_spend_limit") == [27_315, 27_400]
    assert read_rises(connection) == {(find_quarter(READ), "USD:2"): 85}
    assert [row[3] for row in read_cycles(connection, "month")] == [27_400]


def test_a_placeholder_is_no_run(connection: sqlite3.Connection, program: Program) -> None:
    """A window of 0% without a reset for a poll or two changes nothing; from the third poll on it counts."""
    shares = (60, 60, 0, 0, 60, 61, 0, 0, 0)
    for minute, share in enumerate(shares):
        usage = usage_body(float(share), resets_at=WEEK_RESETS if share else None)
        record(program, READ + minute * MINUTE, usage)
    assert read_values(connection, "window:five_hour") == [60, 60, 61, 0]
    assert read_rises(connection, "window:five_hour") == {(find_quarter(READ), "%"): 1}
    assert [row[3] for row in read_cycles(connection, "window:five_hour")] == [61]


@pytest.mark.parametrize("step", [timedelta(seconds=2), HOUR, timedelta(days=400), timedelta(days=20_000)])
def test_a_clock_that_was_set_back_leaves_no_overlap(
    connection: sqlite3.Connection, program: Program, step: timedelta
) -> None:
    """Only the time that was read twice is replaced; every rise counts, whatever the clock shows."""
    cents = 100
    for start in (READ, READ - step, READ + HOUR):
        for minute in range(12):
            cents += 10 * (minute % 2)
            spend(program, start + minute * MINUTE, cents)
    program.restart(READ + HOUR + 12 * MINUTE)
    spend(program, READ + 72 * MINUTE, cents)
    assert count_overlaps(connection) == 0
    assert sum(read_rises(connection).values()) == cents - 100
    assert sum(row[6] for row in read_cycles(connection, "month")) == cents - 100
    months = {(moment.year, moment.month) for moment in (READ, READ - step)}
    assert [row[0] for row in read_cycles(connection, "month")] == sorted(
        to_millis(READ.replace(year=year, month=month, day=1, hour=0, minute=0, second=0))
        for year, month in months
    )
    firsts = {run[0] for run in read_runs(connection, "used")}
    assert to_millis(READ) in firsts or step < HOUR
    assert {to_millis(READ - step), to_millis(READ + HOUR + 11 * MINUTE)} <= firsts


def test_currencies_are_never_added(connection: sqlite3.Connection, program: Program) -> None:
    """Another currency begins new runs, and a month of its own; each has its own sums."""
    for minute, (cents, currency) in enumerate(
        ((100, "USD"), (150, "USD"), (900, "EUR"), (930, "EUR"), (960, "EUR"))
    ):
        spend(program, READ + minute * MINUTE, cents, currency)
    quarter = find_quarter(READ)
    assert read_rises(connection) == {(quarter, "USD:2"): 50, (quarter, "EUR:2"): 60}
    months = connection.execute(
        "SELECT unit, peak, spent, spent_unit, end_source FROM cycles JOIN names ON id = figure_id"
        " WHERE name = 'month' ORDER BY start_at"
    ).fetchall()
    assert months == [("USD:2", 150, "50", "USD:2", "unknown"), ("EUR:2", 960, "60", "EUR:2", "calendar")]


@pytest.mark.parametrize("is_killed", [True, False])
def test_no_rise_counts_twice_after_a_restart(
    connection: sqlite3.Connection, program: Program, *, is_killed: bool
) -> None:
    """Killed before the last states were written, or started by another version without any state."""
    spend(program, READ, 100)
    if is_killed:
        connection.execute("CREATE TEMP TABLE old AS SELECT * FROM org_states")
    for minute in range(1, 5):
        spend(program, READ + minute * MINUTE, 100 + 10 * minute)
    connection.execute("DELETE FROM org_states")
    if is_killed:
        connection.execute("INSERT INTO org_states SELECT * FROM old")
    program.restart(READ + 5 * MINUTE, flush=False)
    spend(program, READ + 5 * MINUTE, 150)
    assert sum(read_rises(connection).values()) == 50
    assert [(row[3], row[6]) for row in read_cycles(connection, "month")] == [(150, 50)]


def test_another_process_may_have_written_meanwhile(tmp_path: Path) -> None:
    """Two processes that poll in turn, as after a takeover of the lease, continue each other's runs."""
    connections = [open_for_writing(tmp_path / ARCHIVE_NAME) for _ in range(2)]
    archives = [build(connection) for connection in connections]
    store = Store()
    for minute in range(6):
        bodies = OrgBodies(org_body(), usage_body(), overage_body(100 + 10 * (minute // 3)))
        store = put(archives[minute % 2], readings(bodies, at=READ + minute * MINUTE), store)
    assert read_values(connections[0], "used") == [100, 110]
    assert len(read_cycles(connections[0], "window:five_hour")) == 1
    for connection in connections:
        connection.close()


def test_an_undone_transaction_derives_nothing(connection: sqlite3.Connection, program: Program) -> None:
    """The same reading is derived once more, as if it were new."""
    spend(program, READ, 100)
    before = read_rows(connection)
    connection.execute("CREATE TRIGGER stop BEFORE INSERT ON readings BEGIN SELECT raise(ABORT, 'stop'); END")
    archive, store = build(connection), Store()
    bodies = OrgBodies(org_body(), usage_body(), overage_body(200))
    with pytest.raises(sqlite3.IntegrityError):
        put(archive, readings(bodies, at=READ + MINUTE), store)
    assert read_rows(connection) == before
    connection.execute("DROP TRIGGER stop")
    put(archive, readings(bodies, at=READ + MINUTE), store)
    assert read_values(connection, "used") == [100, 200]


def test_a_reset_that_no_one_saw_is_reported(connection: sqlite3.Connection, program: Program) -> None:
    """The cycle ends at the reported reset; the next one starts its length before its own reset."""
    record(program, READ, usage_body(90.0))
    later = RESET + timedelta(days=3)
    record(program, later, usage_body(20.0, resets_at=(later + HOUR).isoformat()))
    found = connection.execute(
        "SELECT start_at, start_source, end_at, end_source, peak FROM cycles JOIN names ON id = figure_id"
        " WHERE name = 'window:five_hour' ORDER BY start_at"
    ).fetchall()
    length = 5 * HOUR
    assert found == [
        (to_millis(RESET - length), "reported", to_millis(RESET), "reported", 90),
        (to_millis(later + HOUR - length), "reported", to_millis(later + HOUR), "reported", 20),
    ]
    assert read_rises(connection, "window:five_hour") == {(find_quarter(later), "%"): 20}


def test_an_early_reset_ends_the_cycle_where_it_was_seen(
    connection: sqlite3.Connection, program: Program
) -> None:
    """A saved reset clears a full window; the time full ends with the poll that saw it."""
    shares = (95, 100, 100, 4, 6)
    for minute, share in enumerate(shares):
        resets_at = RESET if share > 90 else RESET + HOUR
        record(program, READ + minute * MINUTE, usage_body(float(share), resets_at=resets_at.isoformat()))
    start, end = to_millis(READ), to_millis(READ + 3 * MINUTE)
    first, second = read_cycles(connection, "window:five_hour")
    assert first[1:6] == (end, "observed", 100, start + 60_000, 120_000)
    assert (second[0], second[3]) == (end, 6)
    assert read_rises(connection, "window:five_hour") == {(find_quarter(READ), "%"): 7}


def test_a_lock_counts_as_full(connection: sqlite3.Connection, program: Program) -> None:
    """A locked window is full at any percentage, also over a restart; an outage is not time full."""
    for minute in (0, 1, 2, 10, 11):
        if minute == 2:
            program.restart(READ + minute * MINUTE)
        usage = usage_body(40.0)
        usage["five_hour"]["locked_reason"] = "abuse"
        record(program, READ + minute * MINUTE, usage)
    ((*_, full_at, full_ms, _),) = read_cycles(connection, "window:five_hour")
    assert (full_at, full_ms) == (to_millis(READ), 180_000)


@pytest.mark.parametrize(
    ("overages", "expected"),
    [
        ([overage_body(), overage_body(reason="out_of_credits", out_of_credits=True)] * 2, (None, 0)),
        ([overage_body(), overage_body(reason="capacity_protection")] * 2, (None, 0)),
        ([overage_body(), *[overage_body(5000)] * 3], (1, 120_000)),
        (
            [overage_body(), *[overage_body(4999, reason="self_selected_spend_limit_reached")] * 3],
            (1, 120_000),
        ),
        ([overage_body(), *[overage_body(0, None, reason="org_spend_cap_reached")] * 3], (1, 120_000)),
    ],
    ids=["empty balance", "server", "cap", "cap by its reason", "withdrawn figures"],
)
def test_a_month_is_full_at_its_cap_only(
    connection: sqlite3.Connection, program: Program, overages: list[Any], expected: tuple[int | None, int]
) -> None:
    """Another lock of the credits has to do with money or the server, not with the amount of the month."""
    for minute, overage in enumerate(overages):
        record(program, READ + minute * MINUTE, overage=overage)
    ((*_, full_at, full_ms, _),) = read_cycles(connection, "month")
    assert (full_at and round((full_at - to_millis(READ)) / 60_000), full_ms) == expected


MAY = datetime.fromisoformat("2026-05-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        ([(-2, 400), (-1, 400), (0, 0), (1, 10)], [(0, "observed", 400), (None, "calendar", 10)]),
        ([(-1, 400), (0, 400), (3, 400), (4, 5)], [(0, "observed", 400), (None, "calendar", 5)]),
        ([(-1, 0), (0, 0), (1, 0)], [(0, "calendar", 0), (None, "calendar", 0)]),
        ([(-1, 400), (5000, 700)], [(0, "calendar", 400), (None, "calendar", 700)]),
        ([(-30, 400), (-29, 380), (-28, 380)], [(0, "calendar", 400)]),
    ],
    ids=["seen", "late", "nothing used", "off", "correction"],
)
def test_a_month_ends_on_the_first(
    connection: sqlite3.Connection,
    program: Program,
    polls: list[tuple[int, int]],
    expected: list[tuple[int | None, str, int]],
) -> None:
    """The reset may be late or unseen, and the old month's figure never becomes the new month's peak."""
    for minute, cents in polls:
        spend(program, MAY + minute * MINUTE, cents)
    ends = [to_millis(MAY), to_millis(MAY + timedelta(days=31))]
    found = [(row[1], row[2], row[3]) for row in read_cycles(connection, "month")]
    assert found == [(ends[0] if end == 0 else ends[1], source, peak) for end, source, peak in expected]


def test_events_come_back_exactly(connection: sqlite3.Connection) -> None:
    """Every event of every scene: texts, times, numbers and amounts keep their type."""
    archive, expected = build(connection), list[Event]()
    for scene in scenes():
        store, log = Store(), EventLog()
        for reading in scene.readings:
            store = store.apply(reading)
            log = log.observe(store, reading.at)
            expected += log.new_events
    put(archive, readings(OrgBodies(), at=READ))
    for event in expected:
        archive._deriver.append_event(None, CLAUDE_AI, event)
    archive._deriver.append_event(None, ELSEWHERE, Event(EventKind.SESSION_EXPIRED, NOW, SESSION))
    span = datetime.min.replace(tzinfo=NOW.tzinfo), datetime.max.replace(tzinfo=NOW.tzinfo)
    found = load_events(connection, CLAUDE_AI, *span)
    assert len({event.kind for event in found}) > 15
    assert found == tuple(sorted(expected, key=lambda event: to_millis(event.at)))
    assert {type(event.before) for event in found} >= {float, str, datetime, type(None)}


def test_an_event_of_another_form_is_left_out(connection: sqlite3.Connection) -> None:
    """Another version may have written it; nothing is guessed."""
    deriver = build(connection)._deriver
    event = Event(EventKind.STALE, NOW, SESSION, before=NOW)
    deriver.append_event(None, CLAUDE_AI, event)
    deriver.append_event(None, CLAUDE_AI, event)
    raw = json.dumps(encode_value(event) | {"mood": "good"})
    connection.execute("UPDATE events SET event = ? WHERE id = 1", (raw,))
    assert load_events(connection, CLAUDE_AI, NOW - HOUR, NOW) == (event,)
    assert load_events(connection, CLAUDE_AI, NOW, NOW + HOUR) == ()


def test_an_event_of_an_earlier_version_is_kept(connection: sqlite3.Connection) -> None:
    """Events that were written before they named windows are shown, too."""
    deriver = build(connection)._deriver
    event = Event(EventKind.STALE, NOW, SESSION, before=NOW)
    deriver.append_event(None, CLAUDE_AI, event)
    raw = encode_value(event)
    del raw["windows"]
    connection.execute("UPDATE events SET event = ?", (json.dumps(raw),))
    assert load_events(connection, CLAUDE_AI, NOW - HOUR, NOW) == (event,)


def test_events_are_read_from_the_newest_on(connection: sqlite3.Connection) -> None:
    """A limit leaves out the oldest events; the order stays."""
    deriver = build(connection)._deriver
    events = [Event(EventKind.STALE, NOW + minute * MINUTE, SESSION) for minute in range(5)]
    for event in events:
        deriver.append_event(None, CLAUDE_AI, event)
    assert load_events(connection, CLAUDE_AI, NOW - HOUR, NOW + HOUR, 2) == tuple(events[3:])


def test_events_of_one_fact_are_read_as_one(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Earlier versions kept a full window beside the block that it caused."""
    deriver = build(connection)._deriver
    key = "a-1", "org-2"
    filled = Event(
        EventKind.WINDOW_FILLED, NOW, SESSION, org_key=key, subject="5-hour", severity=Severity.FULL
    )
    blocked = Event(EventKind.BLOCKED, NOW, SESSION, org_key=key)
    for event in (filled, blocked):
        deriver.append_event(None, CLAUDE_AI, event)
    found = read_events(tmp_path / ARCHIVE_NAME, CLAUDE_AI, NOW - HOUR, NOW)
    assert found == (blocked._replace(windows=("5-hour",)),)
    assert read_events(tmp_path / "none", CLAUDE_AI, NOW - HOUR, NOW) == ()


@pytest.mark.parametrize(
    "resets_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"]
)
def test_a_reset_of_another_age_does_no_harm(
    connection: sqlite3.Connection, program: Program, resets_at: str
) -> None:
    """A hostile date is kept as it was sent, and the polls after it are kept too."""
    for minute, (share, reset) in enumerate(
        ((10.0, resets_at), (20.0, resets_at), (30.0, RESET.isoformat()))
    ):
        record(program, READ + minute * MINUTE, usage_body(share, resets_at=reset))
    program.restart(READ + 3 * MINUTE)
    record(program, READ + 3 * MINUTE, usage_body(40.0))
    assert read_values(connection, "window:five_hour") == [10, 20, 30, 40]


@pytest.mark.parametrize("hours", [3, 30 * 24, 400 * 24, -3, -400 * 24])
def test_one_poll_with_a_wrong_clock_spoils_no_later_cycle(
    connection: sqlite3.Connection, program: Program, hours: int
) -> None:
    """The cycle of this time continues, and each later one starts and ends as without that poll."""

    def poll(moment: datetime) -> None:
        first = READ.replace(hour=0, minute=0, second=0, microsecond=0)
        reset = first + ((moment - first) // (5 * HOUR) + 1) * 5 * HOUR
        share = 90 - (reset - moment) / (5 * HOUR) * 80 if hours != -3 else 50.0
        record(program, moment, usage_body(share, resets_at=reset.isoformat()))

    start = READ.replace(hour=6, minute=0, second=0, microsecond=0)
    for minute in range(0, 60, 5):
        poll(start + minute * MINUTE)
    wrong = start + HOUR + hours * HOUR
    poll(wrong)
    for minute in range(65, 24 * 60, 5):
        poll(start + minute * MINUTE)
    rows = read_cycles(connection, "window:five_hour")
    assert all(row[0] < row[1] for row in rows)
    now = to_millis(start + 24 * HOUR)
    starts = [row[0] for row in rows if to_millis(start - 2 * HOUR) < row[0] < now]
    assert starts == [to_millis(start - HOUR + 5 * count * HOUR) for count in range(5)]
    assert len(rows) == 5 + (abs(hours) > 3 or hours < 0)


@pytest.mark.parametrize(
    ("polls", "months", "rises", "undated"),
    [
        (
            [(-2 * 1440, 900), (-2 * 1440 + 1, 1000), (3 * 1440, 3000), (3 * 1440 + 1, 3100)],
            (100, 3100),
            200,
            3000,
        ),
        (
            [(-2 * 1440, 900), (-2 * 1440 + 1, 1000), (3 * 1440, 500), (3 * 1440 + 1, 600)],
            (100, 600),
            200,
            500,
        ),
        ([(-2, 1100), (-1, 1110), (0, 5), (1, 10)], (10, 10), 20, 0),
        ([(-600, 1100), (20, 1110), (21, 5), (22, 10)], (0, 15), 5, 10),
    ],
    ids=["off, more", "off, less", "seen", "late after a pause"],
)
def test_a_month_begins_with_what_it_has_used(
    connection: sqlite3.Connection,
    program: Program,
    *,
    polls: list[tuple[int, int]],
    months: tuple[int, int],
    rises: int,
    undated: int,
) -> None:
    """The figure after a reset is all of the new month; over a pause it is in no quarter of an hour."""
    for minute, cents in polls:
        spend(program, MAY + minute * MINUTE, cents)
    assert tuple(row[6] for row in read_cycles(connection, "month")) == months
    assert sum(read_rises(connection).values()) == rises
    assert sum(row[-1] for row in read_undated(connection)) == undated


def test_a_rise_over_a_pause_is_in_no_later_window(connection: sqlite3.Connection, program: Program) -> None:
    """It belongs to the month and to a week that holds the whole pause, not to what began in the pause."""
    spend(program, READ, 1000)
    later = READ + 15 * HOUR
    program.restart(later)
    for minute, cents in ((0, 3000), (1, 3010)):
        extra, reset = extra_usage_body(float(cents)), (later + 4 * HOUR).isoformat()
        usage = usage_body(2.0, resets_at=reset, extra_usage=extra)
        record(program, later + minute * MINUTE, usage, overage_body(cents))
    assert [row[6] for row in read_cycles(connection, "window:five_hour")] == [0, 10]
    assert [row[6] for row in read_cycles(connection, "window:seven_day")] == [2010]
    assert [row[6] for row in read_cycles(connection, "month")] == [2010]
    assert read_rises(connection) == {(find_quarter(later), "USD:2"): 10}
    assert read_undated(connection) == [(to_millis(READ), to_millis(later), "USD:2", 2000)]


def test_steps_lead_from_one_event_time_to_the_next(connection: sqlite3.Connection) -> None:
    """Several events of one moment are one step, and fewer events than steps are all of them."""
    archive = build(connection)
    put(archive, readings(OrgBodies(), at=READ))
    connection.execute("DELETE FROM events")
    times = [NOW + minutes * MINUTE for minutes in (0, 0, 1, 2, 2, 3)]
    for at in times:
        archive._deriver.append_event(1, CLAUDE_AI, Event(EventKind.STALE, at, SESSION))
    end = NOW + HOUR
    assert find_event_times(connection, 1, end, -3, end) == [NOW + it * MINUTE for it in (3, 2, 1)]
    assert find_event_times(connection, 1, end, -9, end) == [NOW + it * MINUTE for it in (3, 2, 1, 0)]
    assert find_event_times(connection, 1, NOW, 2, end) == [NOW + it * MINUTE for it in (1, 2)]


def test_no_step_leads_to_an_event_of_the_future(connection: sqlite3.Connection) -> None:
    """An event of a clock that was set forward is not found until its time has come."""
    archive = build(connection)
    put(archive, readings(OrgBodies(), at=READ))
    for moment in (NOW, NOW + 400 * 24 * HOUR):
        archive._deriver.append_event(1, CLAUDE_AI, Event(EventKind.STALE, moment, SESSION))
    found = [
        find_event_times(connection, 1, NOW + shift, step, NOW)
        for shift, step in ((-MINUTE, 1), (MINUTE, 1), (1000 * 24 * HOUR, -1))
    ]
    assert found == [[NOW], [], [NOW]]
    assert find_event_times(connection, 1, NOW, 1, NOW + 500 * 24 * HOUR) == [NOW + 400 * 24 * HOUR]
