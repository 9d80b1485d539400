"""The chart of the credits: exact size, steps, gaps, the cap, both axes, the first minutes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import plotext
import pytest

from claudemeter_tui.charts import canvas as canvas_module
from claudemeter_tui.charts.axes import MIN_CHART_HEIGHT, MIN_CHART_WIDTH, ChartFrame
from claudemeter_tui.charts.chart import build_credits_chart
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import MAX_VALUE_RUNS, CreditSeries, ValueRun
from tests.charts.chart_cases import (
    CAP,
    DAY,
    MINUTE,
    TIME,
    amounts,
    canvas,
    columns,
    frame,
    labels,
    lines,
    series,
)
from tests.model.readings import START, at

RISING = series([4660] * 10 + [4800] * 10 + [5000] * 11)


def test_chart_draws_steps_up_to_the_cap() -> None:
    """Values hold until they rise, the cap is a dashed line, and the last line shows the times."""
    assert lines(build_credits_chart(RISING, frame(at(30), 48, 5), cap=CAP)) == [
        "cap $50.00 ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▄▄▄▄▄▄▄▄▄▄▄▄",
        "           │                        ▌           ",
        "    $48.00 ┤            ▄▄▄▄▄▄▄▄▄▄▄▄▌           ",
        "    $46.60 ┤▄▄▄▄▄▄▄▄▄▄▄▄▌                       ",
        "          14:00       14:10       14:20         ",
    ]


def test_chart_with_more_room_has_a_time_axis() -> None:
    """From six lines on the times have their own line with a tick over each."""
    assert lines(build_credits_chart(RISING, frame(at(30), 48, 7), cap=CAP)) == [
        "cap $50.00 ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▄▄▄▄▄▄▄▄▄▄▄▄",
        "           │                        ▌           ",
        "           │                        ▌           ",
        "           │            ▛▀▀▀▀▀▀▀▀▀▀▀▘           ",
        "    $46.60 ┤▄▄▄▄▄▄▄▄▄▄▄▄▌                       ",
        "           └┬───────────┬───────────┬───────────",
        "          14:00       14:10       14:20         ",
    ]


def test_chart_draws_the_same_in_ascii() -> None:
    """In ASCII the chart is the same with other characters."""
    plain = replace(frame(at(30), 48, 7), ascii_only=True)
    assert lines(build_credits_chart(RISING, plain, cap=CAP)) == [
        "cap $50.00 +........................+-----------",
        "           |                        |           ",
        "    $48.00 +            +-----------+           ",
        "           |            |                       ",
        "    $46.60 +------------+                       ",
        "           ++-----------+-----------+-----------",
        "          14:00       14:10       14:20         ",
    ]


@pytest.mark.parametrize("height", [3, 4, 6, 8, 14, 40])
@pytest.mark.parametrize("width", [24, 25, 30, 60, 94, 150, 246])
def test_chart_has_exactly_its_size(width: int, height: int) -> None:
    """A chart has exactly the requested lines and cells, independent of the terminal's size."""
    drawn = build_credits_chart(series([4660, 4700, None, 4800, 5000]), frame(at(4), width, height), cap=CAP)
    assert [width] * height == [len(line) for line in lines(drawn)]


@pytest.mark.parametrize(
    ("cents", "width", "height"),
    [
        ([], 60, 8),
        ([None, None], 60, 8),
        ([1720], MIN_CHART_WIDTH - 1, 8),
        ([1720], 60, MIN_CHART_HEIGHT - 1),
        ([1720], 0, 0),
        ([10**14], 24, 8),
    ],
)
def test_chart_is_empty_without_samples_or_room(cents: list[int | None], width: int, height: int) -> None:
    """There is no chart without a sample, or without room for a curve beside the figures."""
    assert build_credits_chart(series(cents), frame(at(1), width, height)) is None


def test_chart_is_empty_if_only_a_gap_is_in_sight() -> None:
    """There is no chart of a span in which no reply was read."""
    assert build_credits_chart(series([1720, 1730]), frame(at(120), span=15 * MINUTE)) is None


# The first minutes, and figures that do not change.


def test_lone_sample_is_a_short_line_at_the_left() -> None:
    """The first sample of a run is drawn at the left edge, with a note that more will come."""
    drawn = build_credits_chart(series([1720]), frame(at(0)))
    assert columns(drawn)[0] in ("▖", "▘")
    assert "".join(columns(drawn)[1:]).isalnum() is False
    assert "collecting since 14:00" in "\n".join(lines(drawn))


@pytest.mark.parametrize("minutes", [1, 3, 4])
def test_young_run_grows_in_from_the_left(minutes: int) -> None:
    """A run of less than five minutes is drawn from the left; the time to come stays blank."""
    drawn = columns(build_credits_chart(series([100] * minutes + [200]), frame(at(minutes), 67, 4)))
    assert [True] * (12 * minutes + 1) + [False] * (12 * (5 - minutes) - 1) == [
        bool(column) for column in drawn
    ]


@pytest.mark.parametrize("span", [None, 15 * MINUTE, DAY, 7 * DAY])
def test_time_axis_never_begins_before_the_first_sample(span: timedelta | None) -> None:
    """The left edge of a chart is never before the first sample, however far back the chart looks."""
    drawn = build_credits_chart(series([1720] * 10), frame(at(9), 94, span=span))
    assert drawn is not None
    assert START.timestamp() == drawn.edges.start
    assert TIME.findall(lines(drawn)[-1])[0] == "14:00"


@pytest.mark.parametrize("height", [3, 6, 9, 14])
@pytest.mark.parametrize(
    ("expected", "cents", "cap"),
    [(0.34, 1720, 5000), (0.5, 1720, None), (0, 0, 5000), (0, 0, None), (1, 5000, 5000), (1, 6230, 6000)],
)
def test_flat_series_is_drawn_between_zero_and_the_cap(
    expected: float, cents: int, cap: int | None, height: int
) -> None:
    """A constant value is drawn at its share of the cap; without a cap it is half-way up."""
    limit = None if cap is None else Money(Decimal(cap), "USD")
    drawn = build_credits_chart(series([cents] * 30), frame(at(29), 60, height), cap=limit)
    rows = [place for place, row in enumerate(canvas(drawn)) if {"▄", "▀"} & set(row)]
    assert len(rows) == 1
    above = len(canvas(drawn)) - 1 - rows[0]
    assert abs(above - expected * (len(canvas(drawn)) - 1)) <= 1
    assert cents / 100 in amounts(drawn) or cents >= (cap or cents + 1)
    assert (cap is not None) == any(label.startswith("cap") for label in labels(drawn))


@pytest.mark.parametrize(
    ("expected", "cents", "minutes", "span"),
    [
        ("collecting since 14:00", [1720] * 3, 2, None),
        ("no change since 14:00", [1720] * 30, 29, None),
        ("no change since 14:00", [1720] * 30, 29, DAY),
        ("no change in this span", [1720] * 30, 29, 15 * MINUTE),
        ("", [1720] * 10 + [1721] * 10, 19, None),
        ("", [1720] * 10 + [None] * 5 + [1721] * 5, 19, None),
        ("no change since 14:00", [1720] * 10 + [None] * 5 + [1720] * 5, 19, None),
    ],
)
def test_flat_series_is_labelled_unchanged(
    expected: str, cents: list[int | None], minutes: int, span: timedelta | None
) -> None:
    """A flat chart says that the value has not changed; a chart with a change says nothing."""
    words = "\n".join(lines(build_credits_chart(series(cents), frame(at(minutes), span=span))))
    assert expected in words
    assert ("change" in words or "collecting" in words) is bool(expected)


def test_low_chart_has_no_note() -> None:
    """A chart of three lines has no room for a note."""
    assert "change" not in "\n".join(lines(build_credits_chart(series([1720] * 30), frame(at(29), 60, 4))))


# Steps and gaps.


def test_gap_is_blank() -> None:
    """No cell is inked between the last figure before a gap and the first one after it."""
    drawn = columns(build_credits_chart(series([100] * 10 + [None] * 10 + [200] * 11), frame(at(30), 67, 5)))
    assert len(drawn) == 60
    assert all(drawn[:18])
    assert not any(drawn[18:40])
    assert all(drawn[40:])
    assert {len(drawn[17]), len(drawn[40])} == {1}


@pytest.mark.parametrize("seconds", range(0, 30, 2))
def test_gap_of_one_dot_is_visible(seconds: int) -> None:
    """A gap of half a column is visible at any place."""
    begin, end = at(10 + seconds / 60), at(10 + (seconds + 15) / 60)
    runs = (
        ValueRun(Decimal(100), START, begin),
        ValueRun(None, begin, end),
        ValueRun(Decimal(100), end, at(30)),
    )
    drawn = canvas(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(30), 67, 4))
    )
    assert "▄" * 60 not in drawn
    assert len("".join(drawn).strip()) == 60


def test_value_between_two_gaps_is_drawn() -> None:
    """A single figure in an hour of failures is drawn as a dot at any place."""
    for second in range(0, 240, 7):
        alone = at(30 + second / 60)
        ends = ValueRun(Decimal(100), START, START), ValueRun(Decimal(300), at(60), at(60))
        runs = (
            ends[0],
            ValueRun(None, START, alone),
            ValueRun(Decimal(200), alone, alone),
            ValueRun(None, alone, at(60)),
            ends[1],
        )
        drawn = columns(
            build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(60), 67, 5))
        )
        assert [len(column) for column in drawn if column] == [1, 1, 1]


def test_cap_is_drawn_through_a_gap() -> None:
    """The line of the cap continues through a gap."""
    drawn = build_credits_chart(
        series([4800] * 10 + [None] * 10 + [4900] * 11), frame(at(30), 68, 5), cap=CAP
    )
    assert canvas(drawn)[0] == "╌" * 60


@pytest.mark.parametrize(("minutes", "blank"), [(2, 0), (5, 30), (15, 45)])
def test_time_after_a_stale_sample_is_blank(minutes: int, blank: int) -> None:
    """The newest value is drawn until now while it is fresh, and up to its sample if it is stale."""
    drawn = columns(build_credits_chart(series([100] * 6), frame(at(5 + minutes), 67, 4)))
    assert blank == next(place for place, column in enumerate(reversed(drawn)) if column)


@pytest.mark.parametrize("width", [24, 31, 60, 94])
@pytest.mark.parametrize("minute", [1, 7, 13, 22, 29])
def test_rise_is_never_drawn_before_its_moment(minute: int, width: int) -> None:
    """Left of a rise's column only the old value is drawn, right of it only the new one."""
    drawn = canvas(
        build_credits_chart(series([4000] * minute + [4400] * (31 - minute)), frame(at(30), width, 5))
    )
    rise = minute * len(drawn[0]) // 30
    assert [" " * rise, "▄" * (len(drawn[0]) - rise - 1)] == [drawn[0][:rise], drawn[0][rise + 1 :]]
    assert ["▄" * rise, " " * (len(drawn[0]) - rise - 1)] == [drawn[-1][:rise], drawn[-1][rise + 1 :]]
    assert all(line[rise] in "▌▐▛▙▟▗▖▄▘" for line in drawn)


def test_rise_and_fall_within_a_dot_is_visible() -> None:
    """A peak of one minute is still visible in a chart of a week."""
    peak = [ValueRun(Decimal(100), START, at(5000)), ValueRun(Decimal(900), at(5000), at(5001))]
    runs = *peak, ValueRun(Decimal(100), at(5001), at(10_000))
    drawn = columns(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(10_000), 94, 8))
    )
    assert [len(column) for column in drawn if len(column) > 1] == [6]


# The cap and the money axis.


@pytest.mark.parametrize(
    ("shown", "cents", "cap"),
    [
        (True, [4660, 4700, 4900], 5000),
        (True, [5000, 5000], 5000),
        (True, [6230, 6230], 6000),
        (True, [4000, 5200], 5000),
        (True, [0, 4000], 5000),
        (True, [0, 0], 0),
        (True, [300, 300], 5000),
        (False, [1720, 1900], 5000),
        (False, [4000, 4010], 5000),
        (False, [0, 100], 5000),
    ],
)
def test_cap_is_drawn_only_if_near(*, shown: bool, cents: list[int], cap: int) -> None:
    """The cap is drawn within the range, beside a flat line, or beyond 60% of it if no step becomes flat."""
    now = at(len(cents) - 1)
    drawn = build_credits_chart(series(cents), frame(now), cap=Money(Decimal(cap), "USD"))
    assert shown == any(label.startswith("cap") for label in labels(drawn))


def test_cap_of_another_currency_is_not_drawn() -> None:
    """Amounts of two currencies never share an axis."""
    drawn = build_credits_chart(series([4660, 4900]), frame(at(1)), cap=Money(Decimal(5000), "EUR"))
    assert "cap" not in "".join(lines(drawn))


@pytest.mark.parametrize("height", [3, 4, 6, 8, 14])
def test_value_below_the_cap_is_drawn_below_its_line(height: int) -> None:
    """One cent below the cap is drawn below the cap's line, so that reaching it is visible."""
    values = series([4000] * 10 + [4999] * 21)
    assert set(canvas(build_credits_chart(values, frame(at(30), 60, height), cap=CAP))[0]) == {"╌"}


@pytest.mark.parametrize(
    ("expected", "cents", "unit"),
    [
        (["$17.29", "$17.20"], [1720, 1723, 1726, 1729], ("USD", 2)),
        (["$2.33", "$0.00"], [1, 120, 233], ("USD", 2)),
        (["$3.00", "$1.50"], [150, 300], ("USD", 2)),
        (["JPY 11,200", "JPY 9800"], [9800, 10500, 11200], ("JPY", 0)),
        (["CAD 18.00", "CAD 17.00"], [1700, 1800], ("CAD", 2)),
        (["0.180", "0.170"], [170, 180], ("", 3)),
        (["$48.00", "$0.00"], [4800, 0, 0], ("USD", 2)),
    ],
)
def test_money_axis_labels_its_ends(expected: list[str], cents: list[int], unit: tuple[str, int]) -> None:
    """The axis shows the highest and the lowest amount, or zero if near, in the org's currency."""
    found = labels(build_credits_chart(series(cents, unit=unit), frame(at(len(cents) - 1))))
    assert expected == [found[0], found[-1]]


def test_money_axis_repeats_no_label() -> None:
    """Amounts that differ by a fraction of a cent share one label."""
    runs = ValueRun(Decimal("1720.2"), START, at(9)), ValueRun(Decimal("1720.8"), at(10), at(20))
    found = amounts(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(20), 60, 40))
    )
    assert 17.2 in found
    assert len(found) == len(set(found))


def test_huge_amount_is_drawn() -> None:
    """A figure of any size is drawn with a range above zero."""
    assert len(lines(build_credits_chart(series([10**40]), frame(at(0), 246)))) == 8


def test_chart_of_a_span_has_the_range_of_that_span() -> None:
    """Spending before the left edge does not change the range of the chart."""
    drawn = build_credits_chart(series([0] * 60 + [4000, 4100] * 15), frame(at(89), span=15 * MINUTE))
    assert [amounts(drawn)[0], amounts(drawn)[-1]] == [41.0, 40.0]


# The time axis.


@pytest.mark.parametrize(
    ("expected", "minutes", "width"),
    [
        (["14:00", "14:05", "14:10", "14:15", "14:20", "14:25"], 30, 94),
        (["14:00", "14:10", "14:20"], 29, 30),
        (["14:00", "14:10", "14:20", "14:30", "14:40"], 50, 60),
        (["14:00", "15:00", "16:00", "17:00", "18:00", "19:00"], 330, 94),
        (["16:00", "20:00", "00:00", "04:00", "08:00", "12:00"], 1440, 94),
        (["16:00", "Sun", "08:00", "16:00", "Mon", "08:00"], 2880, 60),
        (["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"], 7 * 1440, 94),
        (["Mon", "Wed", "Fri"], 7 * 1440, 30),
        (["Apr 27", "May 4", "May 11", "May 18"], 28 * 1440, 94),
    ],
)
def test_time_axis_shows_round_local_times(expected: list[str], minutes: int, width: int) -> None:
    """The axis shows clock times within a day, weekdays within a week, then dates; as many as fit."""
    values = series([100, 200], step=minutes * MINUTE / 2)
    drawn = build_credits_chart(values, frame(at(minutes), width, 4))
    assert expected == TIME.findall(lines(drawn)[-1])


def test_chart_of_a_span_moves_by_whole_dots() -> None:
    """A minute later a chart of a week looks the same, without shifts by half a dot."""
    values = series([100 * n for n in range(1000)], step=20 * MINUTE)
    now = at(20 * 999)
    drawn = {
        tuple(lines(build_credits_chart(values, frame(now + n * MINUTE / 2, 94, 12, 7 * DAY))))
        for n in range(4)
    }
    assert len(drawn) == 1


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"])
def test_time_axis_is_round_in_the_zone(zone: str) -> None:
    """Zones with an offset of part of an hour have their own round times."""
    there = replace(frame(at(240), 94, 4), zone=ZoneInfo(zone))
    drawn = lines(build_credits_chart(series([100] * 240), there))
    assert {time[-3:] for time in TIME.findall(drawn[-1])} <= {":00", ":30"}


@pytest.mark.parametrize(
    ("expected", "hour"),
    [
        (["00:00", "01:00", "03:00", "04:00"], datetime(2026, 3, 28, 22, 30, tzinfo=UTC)),
        (["01:00", "02:00", "02:00", "03:00"], datetime(2026, 10, 24, 22, 30, tzinfo=UTC)),
    ],
)
def test_time_axis_follows_daylight_saving(expected: list[str], hour: datetime) -> None:
    """The hour that is skipped in spring has no label, the one that comes twice in autumn has two."""
    values = CreditSeries(
        MeterOrigin.OWN_OVERAGE, ("USD", 2), (ValueRun(Decimal(1), hour, hour + 4 * 60 * MINUTE),)
    )
    there = replace(frame(hour + 4 * 60 * MINUTE, 48, 4), zone=ZoneInfo("Europe/Berlin"))
    drawn = lines(build_credits_chart(values, there))
    assert expected == TIME.findall(drawn[-1])
    starts = [match.start() for match in TIME.finditer(drawn[-1])]
    assert {b - a for a, b in pairwise(starts)} <= {9, 10, 11}


@pytest.mark.parametrize("width", [24, 60, 94])
def test_no_time_is_cut_at_any_minute(width: int) -> None:
    """A label that would not fit beside the edge is left out."""
    for minute in range(120):
        drawn = lines(build_credits_chart(series([100]), frame(at(minute), width, 4)))
        assert (width, "") == (len(drawn[-1]), TIME.sub("", drawn[-1]).strip())


def test_skipped_midnight_still_labels_its_day() -> None:
    """If clocks go forward at midnight, the day begins at 01:00 and is labelled there."""
    start = datetime(2026, 4, 22, 12, 0, tzinfo=UTC)
    values = CreditSeries(
        MeterOrigin.OWN_OVERAGE, ("USD", 2), (ValueRun(Decimal(1), start, start + 5 * DAY),)
    )
    there = replace(frame(start + 5 * DAY, 94, 4), zone=ZoneInfo("Africa/Cairo"))
    assert TIME.findall(lines(build_credits_chart(values, there))[-1]) == ["Thu", "Fri", "Sat", "Sun", "Mon"]


def test_times_are_centred_under_their_columns() -> None:
    """The middle of a label is under the column in which that time begins, and under its tick."""
    drawn = lines(build_credits_chart(series([100] * 10 + [200] * 11), frame(at(20), 68, 7)))
    place = drawn[-1].index("14:10") + 2
    assert drawn[-2][place] == "┬"
    assert drawn[0][place] in "▗▐▛▄▌"
    assert drawn[0][place - 1] == " "


# The whole chart.


def test_scale_is_as_wide_as_is_asked_for() -> None:
    """A chart can reserve a wider scale to align its times with another chart, but never a narrower one."""
    drawn = build_credits_chart(series([100, 200]), replace(frame(at(1)), margin=12))
    assert drawn is not None
    assert (drawn.margin, len(lines(drawn)[0])) == (12, 60)
    assert {line[11] for line in lines(drawn)[:-1]} <= {"┤", "│", "└"}
    least = build_credits_chart(series([100, 200]), replace(frame(at(1)), margin=3))
    assert least is not None
    assert least.margin == 7


def test_chart_is_the_same_for_the_same_input() -> None:
    """An earlier chart changes nothing in the next one."""
    values = series([100, 200, None, 300, 250])
    first = lines(build_credits_chart(values, frame(at(4))))
    build_credits_chart(series([4800] * 9), replace(frame(at(8), 150, 20), ascii_only=True), cap=CAP)
    canvas_module._column_cache.clear()
    assert first == lines(build_credits_chart(values, frame(at(4))))


def test_cached_columns_are_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library draws only columns that are not cached: a second later there are none."""
    built: list[int] = []
    build = plotext.build

    def counted() -> str:
        drawn = str(build())
        built.append(len(plotext.uncolorize(drawn).splitlines()[0]))
        return drawn

    monkeypatch.setattr(plotext, "build", counted)
    canvas_module._column_cache.clear()
    values = series([4321] * 50 + [4567] * 450)
    first = lines(build_credits_chart(values, frame(at(499), 110, 12)))
    assert first == lines(build_credits_chart(values, frame(at(499.01), 110, 12)))
    assert len(built) == 1
    assert built[0] < 10


def test_longest_series_over_a_week_is_drawn() -> None:
    """All runs of the longest series become two dots a column, with the newest value on top."""
    runs = tuple(ValueRun(Decimal(n), at(20 * n), at(20 * n + 19)) for n in range(MAX_VALUE_RUNS))
    week = frame(at(20 * MAX_VALUE_RUNS), 94, 8, 7 * DAY)
    drawn = build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), week)
    assert (amounts(drawn)[0], amounts(drawn)[-1]) == (4.99, 0.0)
    assert all(columns(drawn))


@pytest.mark.parametrize(
    ("expected", "x"),
    [
        (None, -1),
        (None, 6),
        ((at(0.5), ("$1.00",)), 7),
        ((at(9), ("$1.00",)), 24),
        ((at(15), ()), 36),
        ((at(20.5), ("$2.00",)), 47),
        ((at(30), ("$2.00",)), 66),
        (None, 67),
    ],
)
def test_column_has_time_and_amount(expected: tuple[datetime, tuple[str, ...]] | None, x: int) -> None:
    """A column of the canvas has a time, and an amount unless it is blank."""
    drawn = build_credits_chart(series([100] * 10 + [None] * 10 + [200] * 11), frame(at(30), 67, 6))
    assert drawn is not None
    found = drawn.find_point(x)
    assert expected == (found and (found.ends_at, found.values))


@pytest.mark.parametrize(("expected", "x"), [("$1.00", 26), ("$2.00", 27), ("$2.00", 28)])
def test_column_of_a_rise_has_the_new_amount(expected: str, x: int) -> None:
    """The amount of a column is its newest one, and its time is its right edge."""
    runs = ValueRun(Decimal(100), START, at(10)), ValueRun(Decimal(200), at(10.3), at(30))
    drawn = build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(30), 67, 6))
    assert drawn is not None
    found = drawn.find_point(x)
    assert found is not None
    assert found.values == (expected,)


def test_future_column_has_no_values() -> None:
    """Columns right of now in a young run have no values; the column of now has the current time."""
    drawn = build_credits_chart(series([100]), frame(at(1), 67, 6))
    assert drawn is not None
    found = [drawn.find_point(x) for x in (18, 19, 20, 40)]
    assert [at(1), at(1), None, None] == [each and each.ends_at for each in found]


def test_drawing_library_is_loaded_by_the_first_drawing() -> None:
    """Importing the module loads no plotext, so that the first frame does not wait for it."""
    code = "import sys, claudemeter_tui.charts.chart; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_gap_at_the_end_of_the_calendar_is_drawn() -> None:
    """At the last moment that a date can hold, a chart with a gap is drawn like any other."""
    last = datetime.max.replace(tzinfo=UTC)
    read, seen = last - timedelta(minutes=73), last - timedelta(minutes=70)
    runs = (
        ValueRun(Decimal(18), read, read),
        ValueRun(None, read, seen),
        ValueRun(Decimal(191), seen, seen),
        ValueRun(Decimal(139), seen, seen),
    )
    series = CreditSeries(MeterOrigin.OVERAGE, ("USD", 2), runs)
    chart = build_credits_chart(series, ChartFrame(last, 120, 8, zone=UTC, span=timedelta(days=1)))
    assert chart is not None
    assert len(chart.lines) == 8
