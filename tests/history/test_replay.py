"""The facts come back as the readings that they were made from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from pathlib import Path

import pytest

from claudemeter_tui.history.archive import Step
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.derivation import Deriver
from claudemeter_tui.history.events import find_event_times
from claudemeter_tui.history.past import load_past_moment
from claudemeter_tui.history.replay import iter_readings, load_store_at
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.forecast import compute_spend_rate
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import NO_SESSION, ErrorKind, Failure, OrgReading, Reading, Reply
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import OverPlanSpending, VerdictState, judge
from claudemeter_tui.wiring import parse_kept_reply
from tests.bodies import RESETS, org_body, overage_body, usage_body
from tests.history.test_archive import CLAUDE_AI, MINUTE, build, poll, put
from tests.scenes import READ, SESSION, OrgBodies, readings


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return an open archive."""
    opened = open_for_writing(tmp_path / ARCHIVE_NAME)
    yield opened
    opened.close()


def strip(state: OrgState) -> OrgState:
    """Return the state without the durations, which are kept in milliseconds."""
    return replace(
        state,
        replies={endpoint: replace(one, duration=timedelta(0)) for endpoint, one in state.replies.items()},
    )


def test_replayed_readings_give_the_same_store(connection: sqlite3.Connection) -> None:
    """Figures, failures, series and periods are those of the first run."""
    archive, store = build(connection), Store()
    for minute in range(12):
        posted = list(poll(minute, 1720 + 10 * (minute // 3)))
        if minute in (4, 5):
            at = READ + minute * MINUTE
            bad = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, at, "status 502")
            failed = OrgReading(store.orgs[0].org, {Endpoint.USAGE: bad})
            posted = [Reading(SESSION, at, org_readings=(failed,))]
        store = put(archive, posted, store)
    replayed = iter_readings(
        connection, 1, parse_kept_reply, since=READ - MINUTE, until=READ + timedelta(hours=1)
    )
    again = reduce(Store.apply, replayed, Store())
    assert list(map(strip, again.orgs)) == list(map(strip, store.orgs))


def test_a_span_has_only_its_own_readings(connection: sqlite3.Connection) -> None:
    """The start is not included, the end is; a reply confirmed in the span counts."""
    archive, store = build(connection), Store()
    for minute in range(6):
        store = put(archive, poll(minute), store)
    found = list(
        iter_readings(connection, 1, parse_kept_reply, since=READ + 4 * MINUTE, until=READ + 5 * MINUTE)
    )
    parts = [part for one in found for report in one.org_readings for part in report.parts.values()]
    assert {part.at for part in parts} == {READ + 5 * MINUTE}
    assert {part.endpoint for part in parts if isinstance(part, Reply)} >= {Endpoint.USAGE, Endpoint.OVERAGE}
    assert all(one.is_archived for one in found)


def test_a_past_store_shows_what_was_known(connection: sqlite3.Connection) -> None:
    """Figures, failures, times and verdict are those that the dashboard showed at the moment."""
    archive, store, stores = build(connection), Store(), {}
    for minute in range(60):
        posted = list(poll(minute, 1720 + 10 * (minute // 7)))
        at = READ + minute * MINUTE
        if minute in {33, 34, 35}:
            bad = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, at, "status 502")
            posted = [
                one._replace(
                    org_readings=tuple(
                        report._replace(parts={**report.parts, Endpoint.USAGE: bad})
                        for report in one.org_readings
                    ),
                )
                for one in posted
            ]
        store = stores[minute] = put(archive, posted, store)
    for minute in (5, 25, 34, 41, 59):
        moment = READ + minute * MINUTE + timedelta(seconds=20)
        (past,) = load_store_at(connection, CLAUDE_AI, moment, parse_kept_reply, store.orgs[0].key).orgs
        (shown,) = stores[minute].orgs
        assert {one: (part.at, part.value) for one, part in past.replies.items()} == {
            one: (part.at, part.value) for one, part in shown.replies.items()
        }
        assert past.failures == shown.failures
        assert (past.account, past.session, past.org) == (shown.account, shown.session, shown.org)
        assert judge(past, moment) == judge(shown, moment)
        assert compute_spend_rate(past.series, moment) == compute_spend_rate(shown.series, moment)


def test_a_past_store_is_empty_before_the_first_reply(connection: sqlite3.Connection) -> None:
    """Nothing was known then, and nothing is shown of a week without readings."""
    put(build(connection), poll())
    for moment in (READ - MINUTE, READ + timedelta(days=8)):
        assert load_store_at(connection, CLAUDE_AI, moment, parse_kept_reply, None) == Store()
    assert load_store_at(connection, "https://elsewhere.example", READ, parse_kept_reply, None) == Store()


def test_a_past_failure_has_lasted_since_it_began(connection: sqlite3.Connection) -> None:
    """A failure that began before the readings which are applied keeps its first time, as on the screen."""
    archive, store = build(connection), Store()
    for minute in range(60):
        posted = list(poll(minute))
        if minute >= 10:
            detail = "status 502" if minute < 15 else "status 503"
            bad = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, READ + minute * MINUTE, detail)
            posted = [
                one._replace(
                    org_readings=tuple(
                        report._replace(parts={**report.parts, Endpoint.USAGE: bad})
                        for report in one.org_readings
                    ),
                )
                for one in posted
            ]
        store = put(archive, posted, store)
    moment = READ + 59 * MINUTE + timedelta(seconds=20)
    (past,) = load_store_at(connection, CLAUDE_AI, moment, parse_kept_reply, None).orgs
    (shown,) = store.orgs
    assert past.failures == shown.failures
    assert past.failures[Endpoint.USAGE].at == READ + 10 * MINUTE
    assert judge(past, moment) == judge(shown, moment)


@pytest.mark.parametrize("pause", [range(0), range(18, 25)], ids=["watched", "after a pause"])
def test_past_spending_began_before_the_first_reading(connection: sqlite3.Connection, pause: range) -> None:
    """The spending since a window filled is that of the screen, also without the replies of that time."""
    archive, store = build(connection), Store()
    for minute in sorted(set(range(60)) - {*pause}):
        percents = (100.0 if minute >= 20 else 90.0), (68.0 if minute >= 40 else 67.0)
        bodies = OrgBodies(org_body(), usage_body(*percents), overage_body(used=1720 + 10 * (minute // 7)))
        store = put(archive, readings(bodies, at=READ + minute * MINUTE), store)
    start, moment = to_millis(READ + 40 * MINUTE), READ + 59 * MINUTE + timedelta(seconds=20)
    for table, column in (("replies", "first_at"), ("readings", "at")):
        connection.execute(f"DELETE FROM {table} WHERE org_id != 0 AND {column} < ?", (start,))  # noqa: S608
    (shown,) = store.orgs
    past = load_past_moment(connection, CLAUDE_AI, (1, shown.key), moment, parse_kept_reply)
    assert past is not None
    (known,) = past.store.orgs
    assert known.series.runs[0].first >= READ + 40 * MINUTE
    spending = [judge(one, moment).spending for one in (shown, known)]
    assert [one._replace(rate=None) for one in spending if one is not None] == [
        OverPlanSpending(
            Money(Decimal(50 if pause else 60), "USD", 2),
            READ + (25 if pause else 20) * MINUTE,
            None if pause else "5-hour",
            is_pooled=False,
            last_rise_at=READ + 56 * MINUTE,
        )
    ] * 2


def test_event_of_a_past_moment_is_not_after_it(connection: sqlite3.Connection) -> None:
    """The archive has milliseconds, an event microseconds; a chart marks no event after its end."""
    (state,) = put(build(connection), poll()).orgs
    at = READ + timedelta(milliseconds=1, microseconds=500)
    blocked = Event(EventKind.BLOCKED, at, SESSION, state.org, state.key)
    Deriver(connection).append_event(1, CLAUDE_AI, blocked)
    (moment,) = find_event_times(connection, 1, READ + MINUTE, -1, READ + MINUTE)
    assert moment == READ + timedelta(milliseconds=1)
    past = load_past_moment(connection, CLAUDE_AI, (1, state.key), moment, parse_kept_reply)
    assert past is not None
    assert past.events == (blocked._replace(at=moment),)


RESET = datetime.fromisoformat(RESETS)
"""Reset of the 5-hour window."""
LATER = "2026-04-25T18:00:00+00:00"
CAPPED = overage_body(5000, 5000, reason="self_selected_spend_limit_reached")


@pytest.mark.parametrize("has_replies", [True, False], ids=["replies", "figures"])
@pytest.mark.parametrize(
    ("bodies", "before", "after", "credits_after"),
    [
        (
            OrgBodies(org_body(), usage_body(100.0, 20.0), overage_body()),
            VerdictState.ON_CREDITS,
            VerdictState.CAN_WORK,
            "open",
        ),
        (
            OrgBodies(org_body(), usage_body(100.0, 20.0), overage_body(426, 6000, enabled=False)),
            VerdictState.WAIT,
            VerdictState.CAN_WORK,
            "off",
        ),
        (
            OrgBodies(org_body(), usage_body(100.0, 20.0), CAPPED),
            VerdictState.BLOCKED,
            VerdictState.CAN_WORK,
            "locked",
        ),
        (
            OrgBodies(org_body(), usage_body(100.0, 100.0), CAPPED),
            VerdictState.BLOCKED,
            VerdictState.BLOCKED,
            "locked",
        ),
        (
            OrgBodies(
                org_body(billable_usage_paused_until=RESETS),
                usage_body(100.0, 20.0, resets_at=LATER),
                overage_body(),
            ),
            VerdictState.BLOCKED,
            VerdictState.ON_CREDITS,
            "open",
        ),
    ],
    ids=["on credits", "wait", "blocked", "another window", "pause"],
)
def test_end_of_a_block_between_two_readings(  # noqa: PLR0917 - a table
    connection: sqlite3.Connection,
    bodies: OrgBodies,
    before: VerdictState,
    after: VerdictState,
    credits_after: str,
    has_replies: bool,  # noqa: FBT001
) -> None:
    """At the event that only the clock causes, the state is the new one, also without the replies."""
    archive, store, log, steps = build(connection), Store(), EventLog(), list[Step]()
    for reading in (one for minute in (69, 70, 71) for one in readings(bodies, at=READ + minute * MINUTE)):
        old, store = store, store.apply(reading)
        log = log.observe(store, reading.at)
        steps.append(Step(reading, old, store, log.new_events))
    at = RESET + timedelta(milliseconds=20)
    log = log.observe(store, at)
    archive.append([*steps, Step(Reading(NO_SESSION, at), store, store, log.new_events)])
    if not has_replies:
        for table in ("replies", "failures", "readings"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
    (state,) = store.orgs

    def find_states(moment: datetime) -> tuple[VerdictState, str, str]:
        past = load_past_moment(connection, CLAUDE_AI, (1, state.key), moment, parse_kept_reply)
        assert past is not None
        if past.figures is None:
            verdict = judge(past.store.orgs[0], moment)
            return verdict.state, verdict.cause or "", verdict.credits
        rows = {row.figure: row for row in past.figures.rows}
        return past.figures.state, rows["verdict"].cause, str(rows["credits"].value)

    live = judge(state, at)
    assert find_states(READ + 71 * MINUTE)[0] is before
    assert live.state is after
    # The archive has the key of the window instead of its kind.
    cause = "five_hour" if after is VerdictState.ON_CREDITS and not has_replies else live.cause or ""
    assert find_states(at) == (after, cause, credits_after)
