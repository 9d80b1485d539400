"""The words of the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from claudemeter_tui.formatting.history import (
    STOP_CAUSES,
    describe_calendar,
    describe_coverage,
    describe_refused,
    describe_reset,
    describe_stop_cause,
    explain_resets,
    format_credits,
    format_cycle_name,
    format_cycle_time,
    format_hour,
    format_length,
    format_period,
    format_span,
    is_running,
)
from claudemeter_tui.model.catalogue import WINDOWS, Cause
from claudemeter_tui.model.history import (
    HistoryAnswer,
    HistoryCycle,
    HistoryPeriod,
    HistoryRequest,
    HourCalendar,
    PeriodKind,
)
from claudemeter_tui.model.money import Money

NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CYCLE = HistoryCycle(
    "window:five_hour",
    datetime(2026, 4, 25, 9, 15, tzinfo=UTC),
    "observed",
    datetime(2026, 4, 25, 14, 15, tzinfo=UTC),
    "observed",
    100.0,
    datetime(2026, 4, 25, 13, 2, tzinfo=UTC),
    datetime(2026, 4, 25, 13, 2, tzinfo=UTC),
    HOUR,
    None,
    datetime(2026, 4, 25, 14, 2, tzinfo=UTC),
)


def period(
    kind: PeriodKind,
    first: datetime,
    end: datetime | None,
    *,
    covered: float | None = 0,
    elapsed: timedelta = DAY,
) -> HistoryPeriod:
    """Return a period, covered in part; None without any reading."""
    moment = None if covered is None else first
    return HistoryPeriod(kind, first, end, (), (covered or 0) * elapsed, elapsed, (), moment)


@pytest.mark.parametrize(
    ("expected", "counts"),
    [
        ("", {}),
        ("Claude Code was stopped once (Sat Apr 25 14:02).", {"5-hour": 1}),
        (
            "Claude Code was stopped 3 times (last Sat Apr 25 14:02), by limit: 5-hour 2, other limit 1.",
            {"5-hour": 2, "unknown": 1},
        ),
    ],
)
def test_stops_of_claude_code_have_the_time_of_the_last_one(expected: str, counts: dict[str, int]) -> None:
    """The page of the stops names the span, and the table the cause of a single stop."""
    span = period(PeriodKind.SPAN, NOW - 28 * DAY, None)
    at = CYCLE.last_at if counts else None
    found = HistoryAnswer(HistoryRequest(NOW, 4, UTC), None, span, refused=counts, last_refused_at=at)
    assert describe_refused(found) == expected


def day(month: int, number: int, year: int = 2026) -> datetime:
    """Return a midnight."""
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "kind", "first", "end"),
    [
        ("Sat Apr 25", PeriodKind.DAY, day(4, 25), day(4, 26)),
        ("Thu Dec 25 2025", PeriodKind.DAY, day(12, 25, 2025), day(12, 26, 2025)),
        ("Apr 20 – 26", PeriodKind.WEEK, day(4, 20), day(4, 27)),
        ("Mar 30 – Apr 5", PeriodKind.WEEK, day(3, 30), day(4, 6)),
        ("Apr 5", PeriodKind.WEEK, day(4, 5), day(4, 6)),
        ("Apr 2026", PeriodKind.MONTH, day(4, 1), day(5, 1)),
        ("Apr 1 – 30", PeriodKind.CYCLE, day(4, 1), day(5, 1)),
        ("Apr 14 – May 14", PeriodKind.CYCLE, day(4, 14), day(5, 14) + HOUR),
        ("from Apr 1", PeriodKind.CYCLE, day(4, 1), None),
    ],
)
def test_periods_have_inclusive_days(
    expected: str, kind: PeriodKind, first: datetime, end: datetime | None
) -> None:
    """The last day is the one in which the period ends, not the one that begins then."""
    assert format_period(period(kind, first, end), NOW, UTC) == expected


@pytest.mark.parametrize(
    ("expected", "covered"),
    [
        ("not read", None),
        ("covered less than 1% of the time", 0),
        ("covered less than 1% of the time", 0.001),
        ("covered 87% of the time", 0.87),
        ("covered 99% of the time", 0.9999),
        ("covered 100% of the time", 1),
    ],
)
def test_coverage_is_never_rounded_to_all(expected: str, covered: float | None) -> None:
    """Only complete coverage is 100%."""
    assert describe_coverage(period(PeriodKind.DAY, NOW, None, covered=covered)) == expected


@pytest.mark.parametrize(
    ("expected", "more"),
    [
        ("seen", {}),
        ("by date", {"end_source": "reported"}),
        ("by date", {"end_source": "calendar"}),
        ("expected", {"ends_at": NOW + HOUR, "end_source": "reported"}),
        ("expected", {"ends_at": day(5, 1), "end_source": "calendar"}),
        ("not known", {"ends_at": None, "end_source": "unknown"}),
    ],
)
def test_reset_of_a_cycle_is_seen_known_by_its_date_or_expected(
    expected: str, more: dict[str, object]
) -> None:
    """A reset in the future has not been seen; a word that needs one has a meaning."""
    cycle = CYCLE._replace(**more)  # type: ignore[arg-type]
    assert describe_reset(cycle, NOW) == expected
    assert is_running(cycle, NOW) == (expected == "expected")
    assert (f"{expected}: " in explain_resets([expected])) == (expected != "not known")


def test_times_of_a_cycle_have_one_form() -> None:
    """The day is always there, because columns of mixed forms are hard to compare."""
    assert format_cycle_time(CYCLE.full_at, NOW, UTC) == "Sat Apr 25 13:02"
    assert format_cycle_time(day(4, 26), NOW, UTC) == "Sun Apr 26 00:00"
    assert format_cycle_time(None, NOW, UTC) == "–"


def test_every_cause_has_words() -> None:
    """Each cause of a lock and each plan-wide window; a key that is not known is never shown."""
    windows = {Cause.WINDOW_SESSION, Cause.WINDOW_WEEKLY}
    assert STOP_CAUSES.keys() == set(Cause) - windows
    assert describe_stop_cause("five_hour") == "5-hour window full"
    assert describe_stop_cause("cap") == "monthly cap reached"
    assert describe_stop_cause("<b>odd") == describe_stop_cause("tangelo") == "other cause"
    assert all(describe_stop_cause(key) for key in WINDOWS)


def test_credits_of_several_currencies_stand_side_by_side() -> None:
    """Nothing spent differs from nothing read."""
    usd, cad = Money(Decimal(340), "USD"), Money(Decimal(700), "CAD")
    read, unread = (period(PeriodKind.DAY, day(4, 1), day(4, 2), covered=covered) for covered in (1, None))
    for expected, credits, undated in (
        ("$3.40 + CAD 7.00", (usd, cad), ()),
        ("$3.40 to $6.80", (usd,), (usd,)),
        ("$3.40 + CAD 0.00 to CAD 7.00", (usd,), (cad,)),
        ("none", (), ()),
    ):
        assert format_credits(read._replace(credits=credits, undated=undated)) == expected
    assert format_credits(unread) == "–"


def test_figures_have_their_names() -> None:
    """Windows are named as on every screen."""
    assert format_cycle_name("month") == "Billing cycles"
    assert format_cycle_name("window:seven_day") == "7-day all"
    assert describe_calendar(HourCalendar("used", ())) == "credits spent"
    assert describe_calendar(HourCalendar("window:five_hour", ())) == "rise of the 5-hour window"
    assert describe_calendar(HourCalendar("window:<b>", ())) == "rise of the other window"


def test_hours_and_lengths() -> None:
    """An hour of the week has its weekday; no time is a dash."""
    assert (format_hour(0), format_hour(38), format_hour(167)) == (
        "Mon 0:00-1:00",
        "Tue 14:00-15:00",
        "Sun 23:00-24:00",
    )
    assert (format_length(timedelta(0)), format_length(72 * HOUR / 60)) == ("–", "1h 12m")


@pytest.mark.parametrize(
    ("expected", "weeks", "first"),
    [
        (("1 week", "Apr 19 – Apr 25"), 1, day(4, 19)),
        (("52 weeks", "Apr 27 2025 – Apr 25"), 52, day(4, 27, 2025)),
    ],
)
def test_span_has_its_days(expected: tuple[str, str], weeks: int, first: datetime) -> None:
    """The first day has its year if it is another one."""
    span = period(PeriodKind.SPAN, first, None)
    assert format_span(HistoryAnswer(HistoryRequest(NOW, weeks, UTC), None, span)) == expected
