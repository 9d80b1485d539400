"""One format for each kind of figure: money, percent, countdown, age, moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.formatting.values import (
    format_age,
    format_count,
    format_countdown,
    format_day,
    format_moment,
    format_money,
    format_percent,
    format_percent_sum,
    format_utc,
    format_with_countdown,
    to_local,
)
from claudemeter_tui.model.money import Money

NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
"""A Saturday."""
BERLIN, NEW_YORK, KATHMANDU = (
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Asia/Kathmandu"),
)
FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def utc(*fields: int) -> datetime:
    """Return a moment in UTC."""
    year, month, day_, hour, minute = fields
    return datetime(year, month, day_, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "minor", "currency", "exponent"),
    [
        ("$17.20", "1720", "USD", 2),
        ("$0.00", "0", "USD", 2),
        ("$0.05", "5", "USD", 2),
        ("$1,017.20", "101720", "USD", 2),
        ("$1,234,567.89", "123456789", "USD", 2),
        ("CAD 17.20", "1720", "CAD", 2),
        ("EUR 1,017.20", "101720", "EUR", 2),
        ("JPY 1720", "1720", "JPY", 0),
        ("JPY 9999", "9999", "JPY", 0),
        ("JPY 10,000", "10000", "JPY", 0),
        ("KWD 1.720", "1720", "KWD", 3),
        ("CLF 0.0172", "172", "CLF", 4),
        ("$17", "17", "USD", 0),
        ("17.20", "1720", "", 2),
        ("1720", "1720", "", 0),
        ("$0.00", "0.9", "USD", 2),
        ("$49.99", "4999.999", "USD", 2),
        ("JPY 1719", "1719.9", "JPY", 0),
    ],
)
def test_money_has_one_form(expected: str, minor: str, currency: str, exponent: int) -> None:
    """Dollars have a sign, all others a code; the exponent gives the digits, and nothing is rounded up."""
    assert expected == format_money(Money(Decimal(minor), currency, exponent))


@pytest.mark.parametrize(
    ("expected", "minor", "currency", "exponent"),
    [
        ("-$15.92", "-1592", "USD", 2),
        ("-$1,200.50", "-120050", "USD", 2),
        ("-$0.01", "-1.9", "USD", 2),
        ("$0.00", "-0.9", "USD", 2),
        ("-EUR 0.05", "-5", "EUR", 2),
        ("-JPY 1592", "-1592", "JPY", 0),
        ("-15.92", "-1592", "", 2),
    ],
)
def test_debt_has_its_sign_in_front(expected: str, minor: str, currency: str, exponent: int) -> None:
    """A debt is written as its amount with a minus; a debt of nothing has none."""
    assert expected == format_money(Money(Decimal(minor), currency, exponent))


@settings(derandomize=True, deadline=None)
@given(st.decimals(0, 10**18, allow_nan=False, places=4), st.integers(0, 4))
def test_money_never_says_more_than_there_is(minor: Decimal, exponent: int) -> None:
    """The shown amount is at most the true one, and less than a minor unit below it."""
    amount = Money(minor, "USD", exponent)
    written = Decimal(format_money(amount).removeprefix("$").replace(",", ""))
    assert 0 <= minor - written.scaleb(exponent) < 1


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("?%", None),
        ("0%", 0.0),
        ("0%", -0.0),
        ("<1%", 0.0001),
        ("<1%", 0.99),
        ("1%", 1.0),
        ("1%", 1.49),
        ("41%", 41.3),
        ("67%", 66.6),
        ("99%", 99.49),
        ("99%", 99.5),
        ("99%", 99.999),
        ("100%", 100.0),
        ("105%", 104.7),
        ("1000%", 1000.0),
    ],
)
def test_percent_has_one_form(expected: str, value: float | None) -> None:
    """Percents are whole numbers, with a mark for nearly nothing and a question mark for unknown."""
    assert expected == format_percent(value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [("0%", 0.0), ("<1%", 0.5), ("99%", 99.9), ("999%", 999.4), ("1,000%", 1000.0), ("55,411%", 55410.6)],
)
def test_sum_of_percents_has_groups_of_digits(expected: str, value: float) -> None:
    """The rises of many windows are as readable as an amount of money."""
    assert expected == format_percent_sum(value)


@settings(derandomize=True, deadline=None)
@given(st.floats(0, 1e6))
def test_percent_says_0_and_100_only_when_it_is_so(value: float) -> None:
    """There is no false 0%, no false 100%, and no percent that differs from the figure."""
    said = format_percent(value).removesuffix("%")
    assert (said == "0") == (value == 0)
    assert (value >= 100) == (said != "<1" and int(said) >= 100)
    assert said == "<1" or abs(int(said) - value) < 1


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        ("0s", -5),
        ("0s", 0),
        ("1s", 0.2),
        ("42s", 42),
        ("59s", 59),
        ("1m", 59.1),
        ("1m", 60),
        ("1m", 119),
        ("12m", 12 * 60 + 30),
        ("59m", 3599),
        ("1h", 3600),
        ("1h 12m", 4320 + 59),
        ("23h 59m", 86_399),
        ("1d", 86_400),
        ("4d 22h", 4 * 86_400 + 22 * 3600 + 3599),
        ("365d", 365 * 86_400),
    ],
)
def test_countdown_has_two_units_and_seconds_at_the_end(expected: str, seconds: float) -> None:
    """The units are days and hours, hours and minutes, minutes, or at the end seconds, never below 0."""
    assert expected == format_countdown(timedelta(seconds=seconds))


@pytest.mark.parametrize("left", [timedelta.min, timedelta.max])
def test_countdown_survives_any_time(left: timedelta) -> None:
    """The longest possible time has a countdown."""
    assert format_countdown(left) in ("0s", "1000000000d")


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        ("just now", -3600),
        ("just now", 0),
        ("just now", 0.99),
        ("1s ago", 1),
        ("18s ago", 18.9),
        ("59s ago", 59.9),
        ("1m ago", 60),
        ("41m ago", 41 * 60 + 59),
        ("2h 5m ago", 7500),
    ],
)
def test_age_never_says_more_than_has_passed(expected: str, seconds: float) -> None:
    """An age is in complete seconds; a clock set back makes it now."""
    assert expected == format_age(timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("expected", "moment", "zone"),
    [
        ("16:00", utc(2026, 4, 25, 16, 0), UTC),
        ("00:00", utc(2026, 4, 25, 0, 0), UTC),
        ("23:59", utc(2026, 4, 25, 23, 59), UTC),
        ("Sun 00:00", utc(2026, 4, 26, 0, 0), UTC),
        ("Tue 14:00", utc(2026, 4, 28, 14, 0), UTC),
        ("Fri 00:00", utc(2026, 5, 1, 0, 0), UTC),
        ("Fri 23:59", utc(2026, 5, 1, 23, 59), UTC),
        ("Sat May 2 00:00", utc(2026, 5, 2, 0, 0), UTC),
        ("Fri Apr 24 23:59", utc(2026, 4, 24, 23, 59), UTC),
        ("Sat Apr 18 14:48", utc(2026, 4, 18, 14, 48), UTC),
        ("Fri Jan 1 2027 00:00", utc(2027, 1, 1, 0, 0), UTC),
        ("Wed Dec 31 2025 23:00", utc(2025, 12, 31, 23, 0), UTC),
        ("18:00", utc(2026, 4, 25, 16, 0), BERLIN),
        ("Sun 00:30", utc(2026, 4, 25, 22, 30), BERLIN),
        ("12:00", utc(2026, 4, 25, 16, 0), NEW_YORK),
        ("22:00", utc(2026, 4, 26, 2, 0), NEW_YORK),
        ("21:45", utc(2026, 4, 25, 16, 0), KATHMANDU),
        ("Sun 06:00", utc(2026, 4, 25, 16, 0), FAR_EAST),
    ],
)
def test_when_says_as_much_of_the_date_as_is_needed(expected: str, moment: datetime, zone: tzinfo) -> None:
    """The hour is shown today, the weekday within six days, else the date, the year only if different."""
    # In the far east it is already Sunday, and the reset is later that day.
    now = NOW if zone is not FAR_EAST else NOW - timedelta(hours=6)
    assert expected == format_moment(moment, now, zone)


def test_when_needs_no_year_just_after_new_year() -> None:
    """Within six days the weekday is enough, also across a new year."""
    assert format_moment(utc(2027, 1, 2, 9, 0), utc(2026, 12, 30, 9, 0), UTC) == "Sat 09:00"


@pytest.mark.parametrize(
    ("expected", "moment", "now"),
    [
        # Spring forward on March 29: 01:00 UTC is the hour in which 02:00 becomes 03:00.
        ("01:59 (in 1h 59m)", utc(2026, 3, 29, 0, 59), utc(2026, 3, 28, 23, 0)),
        ("03:00 (in 2h)", utc(2026, 3, 29, 1, 0), utc(2026, 3, 28, 23, 0)),
        ("Sun 12:00 (in 23h)", utc(2026, 3, 29, 10, 0), utc(2026, 3, 28, 11, 0)),
        # Back on October 25: 02:30 comes twice, an hour apart.
        ("02:30 (in 30m)", utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 0, 0)),
        ("02:30 (in 1h 30m)", utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 0, 0)),
        ("Sun 12:00 (in 1d 1h)", utc(2026, 10, 25, 11, 0), utc(2026, 10, 24, 10, 0)),
        ("Sun 23:30 (in 1d)", utc(2026, 10, 25, 22, 30), utc(2026, 10, 24, 21, 45)),
    ],
)
def test_daylight_saving_moves_the_hour_and_not_the_countdown(
    expected: str, moment: datetime, now: datetime
) -> None:
    """The hour is the local one on both sides, and the countdown is the real time."""
    assert expected == format_with_countdown(moment, now, BERLIN)


@pytest.mark.parametrize("zone", [UTC, BERLIN, FAR_EAST, FAR_WEST, None])
@pytest.mark.parametrize(("moment", "year"), [(FIRST, "1"), (LAST, "9999")])
def test_ends_of_the_calendar_are_shown_in_utc(moment: datetime, year: str, zone: tzinfo | None) -> None:
    """A moment that a zone cannot represent is shown in UTC."""
    assert f" {year} " in format_moment(moment, NOW, zone)
    assert format_with_countdown(moment, NOW, zone)
    assert format_utc(moment).startswith(year.zfill(4))
    assert format_moment(NOW, moment, zone)


@pytest.mark.parametrize("zone", [FAR_EAST, FAR_WEST])
def test_local_falls_back_to_the_moment_as_it_is(zone: tzinfo) -> None:
    """The local time is used if the zone has it, else the moment stays unchanged."""
    assert to_local(NOW, zone) == NOW
    assert zone is to_local(NOW, zone).tzinfo
    edge = LAST if zone is FAR_EAST else FIRST
    assert edge is to_local(edge, zone)


@pytest.mark.parametrize(
    ("expected", "that"),
    [
        ("Fri May 1", date(2026, 5, 1)),
        ("Thu Dec 31", date(2026, 12, 31)),
        ("Sat May 1 2027", date(2027, 5, 1)),
        ("Mon Jan 1 1", date(1, 1, 1)),
        ("Fri Dec 31 9999", date(9999, 12, 31)),
    ],
)
def test_day_has_the_year_if_different(expected: str, that: date) -> None:
    """A date is a weekday, a month and a day, and a year only if needed."""
    assert expected == format_day(that, NOW.date())


def test_utc_form_has_seconds_and_a_z() -> None:
    """Scripts read one form, whatever the zone and the microseconds of the moment."""
    moment = datetime(2026, 4, 25, 16, 48, 5, 999_999, tzinfo=BERLIN)
    assert format_utc(moment) == "2026-04-25T14:48:05Z"


def test_missing_amount_is_marked() -> None:
    """An amount that is not reported never reads like a figure."""
    assert format_money(None) == "?"
    assert format_money(None, "not reported") == "not reported"


@pytest.mark.parametrize(("expected", "number"), [("0 problems", 0), ("1 problem", 1), ("2 problems", 2)])
def test_count_has_its_plural(expected: str, number: int) -> None:
    """Only one thing is named in the singular."""
    assert format_count(number, "problem") == expected


@settings(derandomize=True, deadline=None)
@given(
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([UTC, BERLIN, NEW_YORK, FAR_EAST, FAR_WEST, None]),
)
def test_moments_are_always_said(moment: datetime, now: datetime, zone: tzinfo | None) -> None:
    """Any two moments in any zone have words."""
    assert format_with_countdown(moment, now, zone)
