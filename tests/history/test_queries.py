"""The history of an org: hours and days of the local zone, cycles and stops, from rows of the archive."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.demo.history import SimulatedPast, fill_archive
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_writing, to_millis
from claudemeter_tui.history.queries import read_history
from claudemeter_tui.history.schema import VERSION
from claudemeter_tui.model.history import (
    HISTORY_SPANS,
    HistoryAnswer,
    HistoryPeriod,
    HistoryRequest,
    HourCalendar,
    PeriodKind,
    Stop,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Schedule
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import VerdictState
from tests.bodies import org_body, overage_body, usage_body
from tests.histories import ORG_ROW, answer
from tests.history.test_archive import build, put
from tests.scenes import READ, TEAM, OrgBodies, readings

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
CLAUDE_AI, KEY = "https://claude.ai", ("pat", "org")
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
"""A Saturday."""
MONDAY = datetime(2026, 4, 20, tzinfo=UTC)


def usd(cents: int) -> Money:
    """Return an amount of dollars."""
    return Money(Decimal(cents), "USD", 2)


def run(
    figure: str, first: datetime, last: datetime, value: object, detail: str = "", *, unit: str = ""
) -> tuple[str, int, int, object, str, str]:
    """Return a row of `runs`."""
    return figure, to_millis(first), to_millis(last), value, unit, detail


def judge(
    *runs: tuple[datetime, datetime, str] | tuple[datetime, datetime, str, str],
) -> list[tuple[str, int, int, object, str, str]]:
    """Return runs of the verdict, each with its cause."""
    return [run("verdict", *rest) for rest in runs]


def spend(*rises: tuple[datetime, object], unit: str = "USD:2") -> list[tuple[str, int, str, object]]:
    """Return rows of `quarters` of the used credits."""
    return [("used", to_millis(at), unit, rise) for at, rise in rises]


def watch(first: datetime, last: datetime) -> list[tuple[str, int, int, object, str, str]]:
    """Return runs of readings that show an org which can work, with open credits."""
    return [*judge((first, last, "can_work")), run("credits", first, last, "open")]


def get_amount(calendar: HourCalendar, day: int, hour: int) -> object:
    """Return the amount of an hour, weekdays counted from Monday."""
    return calendar.amounts[24 * day + hour]


def get_cents(periods: Iterable[HistoryPeriod]) -> list[int]:
    """Return the cents of each period."""
    return [int(sum(amount.minor for amount in period.credits)) for period in periods]


# A night of 23 hours (March 29, 2026) and one of 25 hours (October 25): both are Sundays.
@pytest.mark.parametrize(
    ("changed", "hours"),
    [(datetime(2026, 3, 29, tzinfo=BERLIN), 23), (datetime(2026, 10, 25, tzinfo=BERLIN), 25)],
)
def test_days_of_23_and_25_hours_have_local_hours(changed: datetime, hours: int) -> None:
    """Every hour of such a day counts in its local hour, and the day ends at the local midnight."""
    start = changed.astimezone(UTC)
    end = (changed + DAY).astimezone(UTC)
    assert end - start == hours * HOUR
    quarters = [(start - HOUR, 1), *((start + n * HOUR, 10) for n in range(hours)), (end, 1000)]
    past = SimulatedPast(runs=watch(start - DAY, end + DAY), quarters=spend(*quarters))
    found = answer(past, HistoryRequest(end + 2 * HOUR, 1, BERLIN))
    (calendar, *_) = found.calendars
    sunday = [get_amount(calendar, 6, hour) for hour in range(24)]
    assert sunday[1] == sunday[3] == sunday[23] == usd(10)
    assert sunday[2] == (usd(20) if hours == 25 else None)
    assert get_amount(calendar, 5, 23) == usd(1)
    assert get_amount(calendar, 0, 0) == usd(1000)
    assert get_cents(found.days[-3:]) == [1, 10 * hours, 1000]
    assert found.days[-2].elapsed == found.days[-2].covered == hours * HOUR


def test_zones_with_quarters_of_an_hour_have_their_own_hours() -> None:
    """In Kathmandu (UTC+5:45), 18:15 UTC is midnight."""
    at = datetime(2026, 4, 21, 18, 15, tzinfo=UTC)
    past = SimulatedPast(runs=watch(at - HOUR, at + HOUR), quarters=spend((at - 15 * MINUTE, 1), (at, 20)))
    found = answer(past, HistoryRequest(NOW, 1, KATHMANDU))
    assert get_amount(found.calendars[0], 1, 23) == usd(1)
    assert get_amount(found.calendars[0], 2, 0) == usd(20)
    assert [period.credits for period in found.days if period.credits] == [(usd(1),), (usd(20),)]


def test_hour_without_reading_differs_from_one_without_spending() -> None:
    """Readings from 9:30 to 11:00 on Monday: 9 and 10 are zero, 8 and 12 are not known."""
    past = SimulatedPast(
        runs=watch(MONDAY + 9.5 * HOUR, MONDAY + 10.9 * HOUR), quarters=spend((MONDAY + 14 * HOUR, 5))
    )
    (calendar,) = answer(past, HistoryRequest(NOW, 1, UTC)).calendars
    assert [get_amount(calendar, 0, hour) for hour in (8, 9, 10, 11)] == [None, usd(0), usd(0), None]
    assert get_amount(calendar, 0, 14) == usd(5)


def test_credits_that_never_rose_have_a_calendar_of_zeros() -> None:
    """Known credits without spending are zero; without any credits there is no calendar."""
    runs = watch(MONDAY, MONDAY + HOUR)
    used = run("used", MONDAY, MONDAY + HOUR, 1720, "usage: spend", unit="USD:2")
    with_credits = answer(SimulatedPast(runs=runs, open_runs=[used]), HistoryRequest(NOW, 1, UTC))
    assert [get_amount(calendar, 0, 0) for calendar in with_credits.calendars] == [usd(0)]
    assert answer(SimulatedPast(runs=runs), HistoryRequest(NOW, 1, UTC)).calendars == ()


def test_credits_that_were_not_known_are_no_zero() -> None:
    """A verdict alone shows nothing about the credits."""
    runs = [*watch(MONDAY, MONDAY + HOUR), *judge((MONDAY + 2 * HOUR, MONDAY + 3 * HOUR, "can_work"))]
    past = SimulatedPast(runs=runs, quarters=spend((MONDAY, 5)))
    past.quarters.append(("window:five_hour", to_millis(MONDAY), "%", 12))
    credits, window = answer(past, HistoryRequest(NOW, 1, UTC)).calendars
    assert [get_amount(credits, 0, hour) for hour in (0, 2)] == [usd(5), None]
    assert [get_amount(window, 0, hour) for hour in (0, 2)] == [12.0, 0.0]


def test_currencies_are_never_added() -> None:
    """A change of currency gives two calendars and two sums, and amounts keep their fractions."""
    quarters = spend((MONDAY, 500), (MONDAY, "0.25")) + spend((MONDAY, 700), unit="CAD:2")
    past = SimulatedPast(runs=watch(MONDAY, MONDAY + HOUR), quarters=quarters[1:])
    found = answer(past, HistoryRequest(NOW, 1, UTC))
    both = {Money(Decimal("0.25"), "USD", 2), Money(Decimal(700), "CAD", 2)}
    assert {get_amount(calendar, 0, 0) for calendar in found.calendars} == both
    assert set(found.weeks[-1].credits) == set(found.months[-1].credits) == both


def test_credits_of_a_pause_are_in_each_period_that_holds_it() -> None:
    """A period that the pause reaches over can have all of them, a part or nothing."""
    sunday, tuesday = MONDAY - 6 * HOUR, MONDAY + DAY + 9 * HOUR
    past = SimulatedPast(
        runs=[*watch(MONDAY - DAY, sunday), *watch(tuesday, tuesday + HOUR)],
        quarters=spend((sunday - HOUR, 100), (tuesday, 10)),
        undated=[
            ("used", to_millis(end), to_millis(begin), "USD:2", cents)
            for begin, end, cents in (
                (MONDAY - 20 * HOUR, MONDAY - 8 * HOUR, 5),
                (sunday, tuesday, 340),
                (tuesday - 30 * DAY, tuesday - 28 * DAY, 9),
            )
        ],
    )
    found = answer(past, HistoryRequest(MONDAY + 1.5 * DAY, 1, UTC))
    periods = (*found.days[-3:], *found.weeks[-2:], found.months[-1], found.span)
    expected = [(105, 340), (0, 340), (10, 340), (105, 340), (10, 340), (455, 0), (455, 0)]
    maybe = [int(sum(amount.minor for amount in period.undated)) for period in periods]
    assert list(zip(get_cents(periods), maybe, strict=True)) == expected


@pytest.mark.parametrize("weeks", HISTORY_SPANS)
def test_sums_cover_whole_days_weeks_and_months(weeks: int) -> None:
    """A cent an hour for 500 days: each period has as many cents as hours up to now."""
    start = NOW.replace(minute=0) - 500 * DAY
    hours = int((NOW - start) / HOUR) + 1
    rises = [(start + n * HOUR, 1) for n in range(hours)]
    past = SimulatedPast(runs=watch(start, NOW), quarters=spend(*rises))
    found = answer(past, HistoryRequest(NOW, weeks, UTC))
    assert len(found.days) == 7 * weeks
    assert get_cents(found.days) == [24] * (7 * weeks - 1) + [15]
    assert get_cents(found.weeks) == [168] * (len(found.weeks) - 1) + [5 * 24 + 15]
    assert found.weeks[0].starts_at <= found.span.starts_at < found.weeks[0].starts_at + 7 * DAY
    assert found.months[-1].starts_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert found.months[-1].ends_at == datetime(2026, 5, 1, tzinfo=UTC)
    assert get_cents(found.months[-1:]) == [24 * 24 + 15]
    assert get_cents([found.span]) == [sum(get_cents(found.days))]
    assert {found.span.kind, found.days[0].kind} == {PeriodKind.SPAN, PeriodKind.DAY}
    (calendar,) = found.calendars
    assert {get_amount(calendar, 6, hour) for hour in range(24)} == {usd(weeks)}


def find_stops(*runs: tuple[datetime, datetime, str] | tuple[datetime, datetime, str, str]) -> HistoryAnswer:
    """Return the history of a week with these verdicts."""
    return answer(SimulatedPast(runs=judge(*runs)), HistoryRequest(NOW, 1, UTC))


def test_stop_lasts_until_the_next_reading() -> None:
    """A run ends with its last reading; the stop lasts until the next one a minute later."""
    found = find_stops(
        (MONDAY, MONDAY + HOUR, "can_work"),
        (MONDAY + 61 * MINUTE, MONDAY + 119 * MINUTE, "wait", "five_hour"),
        (MONDAY + 120 * MINUTE, MONDAY + 3 * HOUR, "can_work"),
    )
    assert found.span.stops == (Stop(VerdictState.WAIT, "five_hour", 1, 59 * MINUTE, MONDAY + 61 * MINUTE),)
    assert found.span.covered == 3 * HOUR
    assert found.since == MONDAY
    assert found.weeks[-1].stopped == 59 * MINUTE


@pytest.mark.parametrize(
    ("count", "cause", "pause"),
    [
        (1, "five_hour", 4 * HOUR),
        (2, "five_hour", 6 * HOUR),
        (1, "seven_day", 40 * HOUR),
        (1, "cap", 40 * HOUR),
    ],
)
def test_pause_divides_a_stop_only_if_its_window_can_have_reset(
    count: int, cause: str, pause: timedelta
) -> None:
    """The computer sleeps during a stop: the pause is not counted, nor is the stop counted again."""
    again = MONDAY + HOUR + pause
    found = find_stops((MONDAY, MONDAY + HOUR, "wait", cause), (again, again + HOUR, "wait", cause))
    begun_at = MONDAY if count == 1 else again
    assert found.span.stops == (Stop(VerdictState.WAIT, cause, count, 2 * HOUR, begun_at),)
    assert found.span.covered == 2 * HOUR


def test_stop_that_was_not_read_for_a_while_is_one() -> None:
    """UNKNOWN in between is no end of a stop, and time that is not known."""
    found = find_stops(
        (MONDAY, MONDAY + HOUR, "wait", "five_hour"),
        (MONDAY + 61 * MINUTE, MONDAY + 119 * MINUTE, "unknown"),
        (MONDAY + 120 * MINUTE, MONDAY + 180 * MINUTE, "wait", "five_hour"),
    )
    assert [(stop.count, stop.length) for stop in found.span.stops] == [(1, 121 * MINUTE)]
    assert found.span.covered == 121 * MINUTE


def test_stops_are_sorted_and_divided_between_periods() -> None:
    """Each week has its part of a stop; BLOCKED comes first; a stop with another cause is another one."""
    found = find_stops(
        (MONDAY - 2 * HOUR, MONDAY + HOUR, "wait", "seven_day"),
        (MONDAY + 61 * MINUTE, MONDAY + 70 * MINUTE, "wait", "five_hour"),
        (MONDAY + 71 * MINUTE, MONDAY + 80 * MINUTE, "blocked", "cap"),
        (MONDAY + 81 * MINUTE, MONDAY + 90 * MINUTE, "on_credits", "five_hour"),
    )
    before, week = found.weeks
    assert [(stop.state.value, stop.cause) for stop in week.stops] == [
        ("blocked", "cap"),
        ("wait", "seven_day"),
        ("wait", "five_hour"),
        ("on_credits", "five_hour"),
    ]
    assert before.stops == (Stop(VerdictState.WAIT, "seven_day", 1, 2 * HOUR, MONDAY - 2 * HOUR),)
    assert week.stops[1] == Stop(VerdictState.WAIT, "seven_day", 1, 61 * MINUTE, MONDAY - 2 * HOUR)
    assert week.stopped == 81 * MINUTE
    assert week.covered == 90 * MINUTE


def test_stops_of_the_weeks_add_up_to_those_of_the_span() -> None:
    """A span begins within a week: what was before it is in the whole week, but not in its part."""
    sunday = MONDAY - DAY
    found = find_stops(
        (sunday - 2 * DAY, sunday - 2 * DAY + HOUR, "wait", "five_hour"),
        (sunday + HOUR, sunday + 3 * HOUR, "wait", "five_hour"),
        (MONDAY + HOUR, MONDAY + 2 * HOUR, "wait", "five_hour"),
    )
    assert found.span.starts_at == found.span_weeks[0].starts_at == sunday
    assert [stop.count for week in found.weeks for stop in week.stops] == [2, 1]
    parts = [(stop.count, stop.length) for week in found.span_weeks for stop in week.stops]
    assert parts == [(1, 2 * HOUR), (1, HOUR)]
    assert [(stop.count, stop.length) for stop in found.span.stops] == [(2, 3 * HOUR)]


def test_single_reading_is_read() -> None:
    """It covers no time yet; a verdict that is not known was read too, unless nothing could be read."""
    for verdict, is_read in (
        ((MONDAY, MONDAY, "can_work"), True),
        ((MONDAY, MONDAY, "unknown", "no_windows"), True),
        ((MONDAY, MONDAY, "unknown", "not_read"), False),
    ):
        found = find_stops(verdict)
        assert found.span.covered == timedelta(0)
        assert (found.span.is_read, found.weeks[-1].is_read) == (is_read, is_read)
        assert found.weeks[0].is_read is False


def test_period_is_remembered_for_its_busiest_quarter() -> None:
    """The largest rise of the credits, else of the windows, else the first reading; as far as readings go."""
    later = MONDAY + DAY
    past = SimulatedPast(
        runs=[*watch(MONDAY, MONDAY + 10 * HOUR), *watch(later + HOUR, later + 2 * HOUR + MINUTE)],
        quarters=[
            *spend((MONDAY + 2 * HOUR, 5), (MONDAY + 3 * HOUR, 900), (MONDAY + 4 * HOUR, 20)),
            ("window:five_hour", to_millis(MONDAY + 5 * HOUR), "%", 80),
            ("window:five_hour", to_millis(later + 2 * HOUR), "%", 3),
        ],
    )
    found = answer(past, HistoryRequest(NOW, 1, UTC))
    end = MONDAY + 3 * HOUR + 15 * MINUTE - timedelta(milliseconds=1)
    moments = {day.starts_at: day.moment for day in found.days}
    assert moments[MONDAY] == end
    assert moments[later] == later + 2 * HOUR + MINUTE
    assert moments[later + DAY] is None
    assert found.span.moment == found.weeks[-1].moment == end
    credits, window = found.calendars
    assert credits.busiest_at == (end, *[None] * 6)
    assert window.busiest_at[:3] == (end + 2 * HOUR, later + 2 * HOUR + MINUTE, None)


def test_longer_interval_has_longer_pauses() -> None:
    """Readings every ten minutes have no gap if the interval says so."""
    past = SimulatedPast(
        runs=judge((MONDAY, MONDAY, "can_work"), (MONDAY + 10 * MINUTE, MONDAY + 10 * MINUTE, "wait"))
    )
    short = answer(past, HistoryRequest(NOW, 1, UTC))
    long = answer(past, HistoryRequest(NOW, 1, UTC, max_pause=25 * MINUTE))
    assert (short.span.covered, long.span.covered) == (timedelta(0), 10 * MINUTE)


def cycle(figure: str, start: datetime, **more: object) -> tuple[object, ...]:
    """Return a row of `cycles`: a full 5-hour window whose reset was seen."""
    row = {
        "start_source": "observed",
        "end_at": to_millis(start + 5 * HOUR),
        "end_source": "observed",
        "peak": 100,
        "unit": "%",
        "peak_at": to_millis(start + 3 * HOUR),
        "full_at": to_millis(start + 3 * HOUR),
        "full_ms": 2 * HOUR // timedelta(milliseconds=1),
        "spent": "250",
        "spent_unit": "USD:2",
        "last_at": to_millis(start + 5 * HOUR),
        "is_full": 0,
    } | more
    return figure, to_millis(start), *row.values()


def test_cycles_have_their_sources_stops_and_credits() -> None:
    """Months, weeks, then 5-hour windows, newest first, each with the time in which work was stopped."""
    month = datetime(2026, 4, 1, tzinfo=UTC)
    past = SimulatedPast(
        runs=judge((MONDAY + 3 * HOUR, MONDAY + 4 * HOUR, "blocked", "cap")),
        cycles=[
            cycle("window:five_hour", MONDAY),
            cycle(
                "window:five_hour", MONDAY + DAY, end_at=None, end_source="unknown", full_at=None, peak="12.5"
            ),
            cycle(
                "window:seven_day",
                MONDAY - 3 * DAY,
                end_at=to_millis(MONDAY + 4 * DAY),
                end_source="reported",
            ),
            cycle("window:five_hour", MONDAY - 90 * DAY),
            cycle(
                "month",
                month,
                end_at=to_millis(month + 30 * DAY),
                end_source="reported",
                peak=900,
                unit="USD:2",
            ),
        ],
    )
    found = answer(past, HistoryRequest(NOW, 1, UTC))
    assert [(one.figure, one.starts_at) for one in found.cycles] == [
        ("month", month),
        ("window:seven_day", MONDAY - 3 * DAY),
        ("window:five_hour", MONDAY + DAY),
        ("window:five_hour", MONDAY),
    ]
    whole_month, week, open_one, full = found.cycles
    assert (whole_month.peak, whole_month.spent, whole_month.stopped) == (usd(900), usd(250), HOUR)
    assert (week.end_source, week.is_observed, week.stopped) == ("reported", False, HOUR)
    assert (open_one.ends_at, open_one.full_at, open_one.peak, open_one.stopped) == (
        None,
        None,
        12.5,
        timedelta(0),
    )
    assert (full.ends_at, full.full_at) == (MONDAY + 5 * HOUR, MONDAY + 3 * HOUR)
    assert (full.full_for, full.stopped, full.is_observed) == (2 * HOUR, HOUR, True)
    (billing,) = found.billing_cycles
    assert (billing.credits, billing.starts_at, billing.ends_at) == ((usd(250),), month, month + 30 * DAY)
    assert (billing.elapsed, billing.covered) == (NOW - month, HOUR)


def test_cap_is_the_current_one() -> None:
    """A cap that has ended is none."""
    runs = watch(MONDAY, NOW)
    cap = run("cap", MONDAY, NOW, 5000, unit="USD:2")
    assert answer(SimulatedPast(runs, [cap]), HistoryRequest(NOW, 1, UTC)).cap == usd(5000)
    assert answer(SimulatedPast([*runs, cap]), HistoryRequest(NOW, 1, UTC)).cap is None


def test_midnights_of_the_system_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a zone, days are those of the system."""
    import time  # noqa: PLC0415 - only here

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    found = answer(SimulatedPast(runs=watch(MONDAY, NOW)), HistoryRequest(NOW, 1))
    assert found.days[-1].starts_at == datetime(2026, 4, 25, 4, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return the file of an archive with one org that was read for an hour."""
    path = tmp_path / ARCHIVE_NAME
    with closing(open_for_writing(path)) as connection:
        connection.execute("INSERT INTO accounts VALUES (1, ?, ?, NULL)", (CLAUDE_AI, KEY[0]))
        connection.execute("INSERT INTO orgs VALUES (?, 1, ?, '', '', 0, 1)", (ORG_ROW, KEY[1]))
        fill_archive(connection, ORG_ROW, SimulatedPast(runs=watch(MONDAY, MONDAY + HOUR)))
    return path


@pytest.mark.parametrize(
    ("covered", "origin", "key"),
    [
        (HOUR, CLAUDE_AI, KEY),
        (timedelta(0), "http://127.0.0.1:8080", KEY),
        (timedelta(0), CLAUDE_AI, ("pat", "other")),
    ],
)
def test_file_answers_for_its_own_orgs(
    covered: timedelta, origin: str, key: tuple[str, str], archive: Path
) -> None:
    """Another server and another org have an empty history."""
    found = read_history(archive, origin, key, HistoryRequest(NOW, 1, UTC))
    assert found is not None
    assert (found.span.covered, found.is_empty) == (covered, not covered)


def test_missing_file_is_an_empty_history(tmp_path: Path) -> None:
    """Before the first reading there is no file, and reading creates none."""
    found = read_history(tmp_path / ARCHIVE_NAME, CLAUDE_AI, KEY, HistoryRequest(NOW, 1, UTC))
    assert found is not None
    assert found.is_empty
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["text", "newer", "tables"])
def test_archive_that_cannot_be_read_is_none(damage: str, archive: Path) -> None:
    """A damaged file, one of a newer version, and one without a table give None, and no exception."""
    if damage == "text":
        archive.write_bytes(b"no database " * 1000)
    else:
        script = f"PRAGMA user_version = {VERSION + 1}" if damage == "newer" else "DROP TABLE ended_cycles"
        with closing(sqlite3.connect(archive)) as connection:
            connection.execute(script)
            connection.commit()
    assert read_history(archive, CLAUDE_AI, KEY, HistoryRequest(NOW, 1, UTC)) is None


def test_reader_blocks_no_writer_and_stays_not_open(archive: Path) -> None:
    """While a writer is in a transaction the history is read, and afterwards the log can be cut back."""
    with closing(open_for_writing(archive)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM runs")
        found = read_history(archive, CLAUDE_AI, KEY, HistoryRequest(NOW, 1, UTC))
        assert found is not None
        assert found.span.covered == HOUR
        writer.execute("COMMIT")
        assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_readings_are_answered_as_they_were_read(tmp_path: Path) -> None:
    """The afternoon of a team that is BLOCKED by its cap: $3.40 spent, with a failed poll in between."""
    path = tmp_path / ARCHIVE_NAME
    with closing(open_for_writing(path)) as connection:
        archive, store = build(connection), Store()
        for reading in readings(TEAM):
            store = put(archive, [reading], store)
    found = read_history(path, CLAUDE_AI, store.orgs[0].key, HistoryRequest(NOW, 1, UTC))
    assert found is not None
    assert found.since == READ - 46 * MINUTE
    assert (found.span.credits, found.cap) == ((usd(340),), usd(5000))
    credits, *windows = found.calendars
    assert (get_amount(credits, 5, 13), get_amount(credits, 5, 14)) == (None, usd(340))
    assert [calendar.figure for calendar in windows] == []
    assert [(stop.state.value, stop.cause, stop.count) for stop in found.span.stops] == [
        ("blocked", "cap", 1)
    ]
    assert timedelta(0) < found.span.covered <= 46 * MINUTE
    assert {cycle.figure for cycle in found.cycles} == {"month", "window:five_hour", "window:seven_day"}


def test_stored_intervals_decide_about_gaps(tmp_path: Path) -> None:
    """Readings every ten minutes cover the time between them, whatever the interval is now."""
    path, interval = tmp_path / ARCHIVE_NAME, 10 * MINUTE
    with closing(open_for_writing(path)) as connection:
        archive, store = build(connection), Store()
        for minute, percent in ((0, 90), (10, 100), (20, 90), (50, 100)):
            at = READ + minute * MINUTE
            read = readings(OrgBodies(org_body(), usage_body(percent), overage_body()), at=at)
            posted = [one._replace(schedule=Schedule(at + interval, interval)) for one in read]
            store = put(archive, posted, store)
    found = read_history(path, CLAUDE_AI, store.orgs[0].key, HistoryRequest(NOW + HOUR, 1, UTC))
    assert found is not None
    assert found.span.covered == 20 * MINUTE


def test_zone_of_the_request_decides_about_the_span() -> None:
    """In Auckland it is Sunday already."""
    zone: tzinfo = ZoneInfo("Pacific/Auckland")
    found = answer(SimulatedPast(runs=watch(MONDAY, NOW)), HistoryRequest(NOW, 1, zone))
    assert found.days[-1].starts_at == datetime(2026, 4, 25, 12, tzinfo=UTC)
    assert found.span.starts_at == datetime(2026, 4, 19, 12, tzinfo=UTC)
