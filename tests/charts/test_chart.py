"""The chart of the credits: exact size, steps, gaps, the cap, both axes, the first minutes."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import nan
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.charts.axes import MIN_CHART_HEIGHT, MIN_CHART_WIDTH, ChartFrame
from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import (
    build_credits_chart,
    build_windows_chart,
    draw_credits_sparkline,
    draw_window_sparkline,
)
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.events import EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import (
    MAX_VALUE_RUNS,
    CreditSeries,
    PercentHistory,
    PercentRun,
    ValueRun,
)
from tests.charts.chart_cases import (
    BLOCKS,
    CAP,
    DAY,
    MINUTE,
    TIME,
    amounts,
    canvas,
    columns,
    event,
    frame,
    heights,
    history,
    labels,
    lines,
    predict_height,
    series,
)
from tests.model.readings import START, at

RISING = series([4660] * 10 + [4800] * 10 + [5000] * 11)
MARKED = [event(EventKind.BLOCKED, at(10))]
"""An event, so that the axis has a line above the times, which then all have room."""


def test_chart_draws_an_area_up_to_the_cap() -> None:
    """Values hold until they rise, the cap is a dashed line with its amount, and the scale is the rise."""
    assert lines(build_credits_chart(RISING, frame(at(30), 48, 5), cap=CAP)) == [
        "+$4 ┤                                           ",
        "+$3 ┤┄┄ +$3.40 = cap $50.00 ┄┄┄┄┄▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇",
        "+$2 ┤                            ███████████████",
        "+$1 ┤▁▁▁▁▁▁▁▁▁▁▁▁▁▁▇▇▇▇▇▇▇▇▇▇▇▇▇▇███████████████",
        "+$0 ┘     14:05  14:10  14:15  14:20  14:25     ",
    ]


def test_chart_with_marks_has_a_line_for_them() -> None:
    """From six lines on the area begins on the axis, at the height of its lowest label, with the marks."""
    assert lines(build_credits_chart(RISING, frame(at(30), 48, 7), cap=CAP, events=MARKED)) == [
        "    │                                           ",
        "+$4 ┤                                           ",
        "    │┄┄ +$3.40 = cap $50.00 ┄┄┄┄┄▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇",
        "+$2 ┤                            ███████████████",
        "    │              ▇▇▇▇▇▇▇▇▇▇▇▇▇▇███████████████",
        "+$0 ┴━━━━━━━━━━━━━━B▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀",
        "   14:00  14:05  14:10  14:15  14:20  14:25     ",
    ]


def test_full_cells_of_an_area_have_a_background() -> None:
    """A full block may leave a seam, so full cells have a background, too; the upper edge has none."""
    drawn = build_credits_chart(RISING, frame(at(30), 48, 5), cap=CAP)
    assert drawn is not None
    assert drawn.lines[1][-1] == ("▇" * 15, ChartStyle.EDGE)
    assert drawn.lines[2][-1] == ("█" * 15, ChartStyle.AREA)
    assert drawn.lines[3][1:] == (("▁" * 14 + "▇" * 14, ChartStyle.EDGE), ("█" * 15, ChartStyle.AREA))


def test_area_in_ascii_has_no_background() -> None:
    """In ASCII a full cell has the style of a partial one, because a background would hide its sign."""
    drawn = build_credits_chart(RISING, frame(at(30), 48, 5)._replace(ascii_only=True), cap=CAP)
    assert drawn is not None
    assert drawn.lines[2][-1] == ("#" * 15, ChartStyle.EDGE)
    assert ChartStyle.AREA not in {style for line in drawn.lines for _, style in line}


def test_chart_draws_the_same_in_ascii() -> None:
    """In ASCII the chart is the same with other characters."""
    plain = frame(at(30), 48, 7)._replace(ascii_only=True)
    assert lines(build_credits_chart(RISING, plain, cap=CAP, events=MARKED)) == [
        "    |                                           ",
        "+$4 +                                           ",
        "    |-- +$3.40 = cap $50.00 -----###############",
        "+$2 +                            ###############",
        "    |              #############################",
        "+$0 +==============B============================",
        "   14:00  14:05  14:10  14:15  14:20  14:25     ",
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


def test_lone_sample_is_at_the_right_edge() -> None:
    """The first sample of a run is drawn in the last column, with a note that more will come."""
    drawn = build_credits_chart(series([1720]), frame(at(0)))
    assert [0] * (len(heights(drawn)) - 1) == heights(drawn)[:-1]
    assert heights(drawn)[-1] > 8
    assert "collecting since 14:00" in "\n".join(lines(drawn))


@pytest.mark.parametrize("minutes", [1, 3, 4])
def test_young_run_grows_from_the_right(minutes: int) -> None:
    """The newest value of a run of less than five minutes is at the right edge, too."""
    chart = build_credits_chart(series([100] * minutes + [200]), frame(at(minutes), 68, 4))
    assert chart is not None
    drawn, blank = columns(chart), chart.edges.find_column(START.timestamp())
    assert abs(blank - len(drawn) * (5 - minutes) / 5) <= 1
    assert not any(drawn[:blank])
    assert all(drawn[blank + 1 :])


@pytest.mark.parametrize("span", [None, 15 * MINUTE, DAY, 7 * DAY])
def test_time_axis_has_the_length_of_its_period(span: timedelta | None) -> None:
    """A period is drawn whole, with a blank left part; without one, the axis begins with the first sample."""
    drawn = build_credits_chart(
        series([1720] * 10), frame(at(9), 94, span=span), events=[event(EventKind.BLOCKED, at(9))]
    )
    assert drawn is not None
    if span is None:
        assert START.timestamp() == drawn.edges.start
        assert TIME.findall(lines(drawn)[-1])[0] == "14:00"
    else:
        assert drawn.edges.length == pytest.approx(span.total_seconds())
    assert not any(columns(drawn)[: drawn.edges.find_column(START.timestamp())])


@pytest.mark.parametrize("height", [3, 6, 9, 14])
@pytest.mark.parametrize(
    ("cents", "cap"), [(1720, 5000), (1720, None), (0, 5000), (0, None), (5000, 5000), (6230, 6000)]
)
def test_flat_series_is_drawn_from_zero(cents: int, cap: int | None, height: int) -> None:
    """A constant value is an area from zero, and the cap is in the same chart."""
    limit = None if cap is None else Money(Decimal(cap), "USD")
    drawn = build_credits_chart(series([cents] * 30), frame(at(29), 60, height), cap=limit)
    assert amounts(drawn)[-1] == 0
    assert abs(heights(drawn)[0] - predict_height(drawn, cents / 100)) <= 4 * (cents == cap) + 1
    if height == 3 and cap == 6000:
        return  # the cap is in the row of the lowest label, and the area covers its line
    assert (cap is not None) == any(f"cap ${limit.minor / 100:.2f}" in row for row in canvas(drawn) if limit)
    assert len({*heights(drawn)[20:]}) == 1


@pytest.mark.parametrize("height", [3, 5, 6, 8, 9, 14, 30])
@pytest.mark.parametrize(
    ("cents", "base"),
    [
        ([0, 120, 233], 0),
        ([4660, 4800, 5000], 4660),
        ([3800, 3900], 3800),
        ([10, 4000], 0),
        ([999, 10**7], 0),
    ],
)
def test_area_has_the_height_of_its_labels(cents: list[int], base: int, height: int) -> None:
    """Every value is as high as the labels say: they are equidistant, each in the middle of its row."""
    drawn = build_credits_chart(series(cents), frame(at(len(cents) - 1), 60, height))
    assert abs(heights(drawn)[-1] - predict_height(drawn, (cents[-1] - base) / 100)) <= 1
    assert ("+" in labels(drawn)[0]) == bool(base)
    steps = {round(upper - lower, 6) for upper, lower in pairwise(amounts(drawn))}
    assert len(steps) == 1


@pytest.mark.parametrize(
    ("expected", "cents", "minutes", "span"),
    [
        ("collecting since 14:00", [1720] * 3, 2, None),
        ("no change since 14:00", [1720] * 30, 29, None),
        ("no change since 14:00", [1720] * 30, 29, DAY),
        ("no change in this period", [1720] * 30, 29, 15 * MINUTE),
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


def test_note_is_written_into_an_area_without_a_blank_row() -> None:
    """If the area fills the canvas, the note is on the background of the area."""
    drawn = build_credits_chart(series([2400] * 30), frame(at(29), 60, 5))
    assert drawn is not None
    assert ("no change since 14:00", ChartStyle.NOTE) in {piece for line in drawn.lines for piece in line}


def test_low_chart_has_no_note() -> None:
    """A chart of three lines has no room for a note."""
    assert "change" not in "\n".join(lines(build_credits_chart(series([1720] * 30), frame(at(29), 60, 3))))


# Steps and gaps.


def test_gap_is_hatched_and_labelled() -> None:
    """The cells between the last figure before a gap and the first one after it are hatched to the top."""
    chart = build_credits_chart(series([100] * 10 + [None] * 10 + [200] * 11), frame(at(30), 107, 5))
    drawn = columns(chart)
    assert len(drawn) == 100
    assert all(drawn[:30])
    assert not any(drawn[30:66])
    assert all(drawn[67:])
    assert [row[30:66] for row in canvas(chart)] == [
        "░" * 36,
        "░" * 36,
        "░░░░░░░░ no data 14:09-14:20 ░░░░░░░",
        "░" * 36,
    ]


@pytest.mark.parametrize(("expected", "width"), [("no data 14:09-14:20", 107), ("no data", 60), ("", 24)])
def test_label_of_a_gap_is_as_long_as_fits(expected: str, width: int) -> None:
    """A narrow gap has a shorter label, or none; no label is cut."""
    chart = build_credits_chart(series([100] * 10 + [None] * 10 + [200] * 11), frame(at(30), width, 8))
    words = [row.replace("░", " ").replace("█", " ").strip(BLOCKS) for row in canvas(chart)]
    assert [word for word in words if word] == ([expected] if expected else [])


@pytest.mark.parametrize("minutes", [0.2, 0.6, 1, 3, 20])
def test_nothing_before_the_first_figure_is_no_gap(minutes: float) -> None:
    """The first figure has nothing before it, wherever in its column it was read."""
    runs = (ValueRun(Decimal(200), at(0), at(minutes)),)
    for width in range(60, 76):
        chart = build_credits_chart(
            CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(minutes), width, 8)
        )
        assert not any("░" in row for row in canvas(chart)), lines(chart)


def test_label_of_a_gap_until_now_has_its_start() -> None:
    """A gap that has not ended has no end."""
    chart = build_credits_chart(series([100] * 6), frame(at(60), 90, 8))
    assert any("no data since 14:05" in row for row in canvas(chart))


@pytest.mark.parametrize("begins", [-600, -90, 0])
def test_gap_at_the_left_edge_is_hatched_and_labelled(begins: int) -> None:
    """A span that begins without a reading shows a gap if there was one before, however long ago."""
    runs = ValueRun(None, at(begins), at(40)), ValueRun(Decimal(200), at(40), at(60))
    gap = CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs)
    before = replace(gap, runs=(ValueRun(Decimal(100), at(begins - 1), at(begins)), *runs))
    percents = PercentHistory.from_runs(
        PercentRun(run.first.timestamp(), run.last.timestamp(), nan if run.minor is None else 20.0)
        for run in runs
    )
    hour = frame(at(60), 107, 5, timedelta(hours=1))
    label = f"no data {at(begins):%H:%M}-14:40"
    for chart in (
        build_credits_chart(gap, hour),
        build_credits_chart(before, hour),
        build_windows_chart({"5-hour": percents}, hour),
    ):
        assert any(label in row[:66].strip("░ ") for row in canvas(chart)), lines(chart)
        assert all(row[0] == "░" for row in canvas(chart))
        assert not any("░" in row[68:] for row in canvas(chart))


def test_nothing_is_missing_before_the_first_figure_of_all() -> None:
    """The time before the very first figure is no gap."""
    chart = build_credits_chart(series([100] * 20), frame(at(19), 107, 5, timedelta(hours=1)))
    assert not any("░" in row for row in canvas(chart))


@pytest.mark.parametrize("seconds", range(0, 60, 4))
def test_gap_of_a_column_is_visible(seconds: int) -> None:
    """A gap of one column is visible at any place."""
    begin, end = at(10 + seconds / 60), at(10 + (seconds + 30) / 60)
    runs = (
        ValueRun(Decimal(100), START, begin),
        ValueRun(None, begin, end),
        ValueRun(Decimal(100), end, at(30)),
    )
    drawn = columns(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(30), 67, 4))
    )
    assert [column for column in drawn if not column] == [""]


def test_value_between_two_gaps_is_drawn() -> None:
    """A single figure in an hour of failures has a column at any place."""
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
        drawn = heights(
            build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(60), 67, 5))
        )
        assert len([height for height in drawn if height]) == 3


def test_cap_is_not_drawn_through_a_gap() -> None:
    """In a gap nothing was read, not even the cap."""
    drawn = build_credits_chart(
        series([4800] * 10 + [None] * 10 + [4900] * 11), frame(at(30), 68, 5), cap=CAP
    )
    (row,) = (row for row in canvas(drawn) if "cap" in row)
    assert {*row[22:40]} == {"░"}
    assert {*row[-15:]} == {"┄"}


@pytest.mark.parametrize(("minutes", "blank"), [(2, 0), (5, 30), (15, 45)])
def test_time_after_a_stale_sample_is_blank(minutes: int, blank: int) -> None:
    """The newest value is drawn until now while it is fresh, and up to its sample if it is stale."""
    drawn = columns(build_credits_chart(series([100] * 6), frame(at(5 + minutes), 67, 4)))
    assert blank == next(place for place, column in enumerate(reversed(drawn)) if column)


@pytest.mark.parametrize("width", [24, 31, 60, 94])
@pytest.mark.parametrize("minute", [1, 7, 13, 22, 29])
def test_rise_is_never_drawn_before_its_moment(minute: int, width: int) -> None:
    """Left of a rise's column only the old value is drawn, from it on only the new one."""
    drawn = heights(
        build_credits_chart(series([1000] * minute + [4400] * (31 - minute)), frame(at(30), width, 5))
    )
    rise = minute * len(drawn) // 30
    assert [drawn[0]] * rise + [drawn[-1]] * (len(drawn) - rise) == drawn
    assert not rise or drawn[0] < drawn[-1]


def test_rise_and_fall_within_a_column_is_visible() -> None:
    """A peak of one minute is still visible in a chart of a week."""
    peak = [ValueRun(Decimal(100), START, at(5000)), ValueRun(Decimal(900), at(5000), at(5001))]
    runs = *peak, ValueRun(Decimal(100), at(5001), at(10_000))
    drawn = heights(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(10_000), 94, 8))
    )
    assert len([height for height in drawn if height > 3 * drawn[0]]) == 1


def test_newest_value_is_at_the_right_edge() -> None:
    """If the amount has just fallen, the last column has the new one, not its own peak."""
    runs = ValueRun(Decimal(4000), START, at(9998)), ValueRun(Decimal(100), at(9999), at(10_000))
    drawn = heights(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(10_000), 94, 8))
    )
    assert drawn[-1] == 4
    assert drawn[-2] > 8


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
    assert shown == any(f"cap ${cap / 100:.2f}" in row for row in canvas(drawn))


@pytest.mark.parametrize(
    ("expected", "cents", "width"),
    [
        ("┄ +$20.09 = cap $50.00 ┄", [2991] * 10 + [4000] * 11 + [5000] * 10, 60),
        ("┄ cap $50.00 ┄", [2991] * 20 + [5000] * 11, 32),
        (" +$20.09 = cap $50.00 ", [2991] + [5000] * 30, 40),
        (" cap $50.00 ", [2991] + [5000] * 30, 26),
        ("┄ cap $50.00 ┄", [1000] * 10 + [4999] * 21, 60),
    ],
)
def test_cap_has_its_rise_on_a_scale_of_rises(expected: str, cents: list[int], width: int) -> None:
    """On a scale of rises the label of the cap begins with its rise, where there is room."""
    drawn = canvas(build_credits_chart(series(cents), frame(at(30), width, 8), cap=CAP))
    (row,) = (row for row in drawn if "cap" in row)
    assert expected in row
    assert ("+$" in row) == ("+$" in expected)


def test_cap_of_another_currency_is_not_drawn() -> None:
    """Amounts of two currencies never share an axis."""
    drawn = build_credits_chart(series([4660, 4900]), frame(at(1)), cap=Money(Decimal(5000), "EUR"))
    assert "cap" not in "".join(lines(drawn))


@pytest.mark.parametrize("height", [3, 4, 6, 8, 14])
@pytest.mark.parametrize("first", [1000, 4000])
def test_value_below_the_cap_is_drawn_below_its_line(first: int, height: int) -> None:
    """One cent below the cap is drawn below the cap's line, so that reaching it is visible."""
    values = series([first] * 10 + [4999] * 21)
    drawn = build_credits_chart(values, frame(at(30), 60, height), cap=CAP)
    (row,) = (row for row in canvas(drawn) if "cap" in row)
    assert {*re.sub(r" (\+\$10\.00 = )?cap \$50\.00 ", "", row)} == {"┄"}
    reached = series([first] * 10 + [5000] * 21)
    drawn = build_credits_chart(reached, frame(at(30), 60, height), cap=CAP)
    (row,) = (row for row in canvas(drawn) if "cap" in row)
    assert row[-1] in BLOCKS[1:]


@pytest.mark.parametrize(
    ("expected", "cents", "unit"),
    [
        (["+$1.00", "+$0.50", "+$0.00"], [1720, 1723, 1726, 1729], ("USD", 2)),
        (["$3", "$2", "$1", "$0"], [1, 120, 233], ("USD", 2)),
        (["+$4", "+$2", "+$0"], [3800, 4140], ("USD", 2)),
        (["+JPY 1500", "+JPY 1000", "+JPY 500", "+JPY 0"], [9800, 10500, 11200], ("JPY", 0)),
        (["+CAD 1.00", "+CAD 0.50", "+CAD 0.00"], [1700, 1800], ("CAD", 2)),
        (["+0.100", "+0.050", "+0.000"], [170, 180], ("", 3)),
        (["$50", "$25", "$0"], [4800, 0, 0], ("USD", 2)),
        (["-$2", "-$3", "-$4", "-$5"], [-500, -200], ("USD", 2)),
    ],
)
def test_money_axis_has_round_labels(expected: list[str], cents: list[int], unit: tuple[str, int]) -> None:
    """The labels are round and equidistant, in the org's currency: from zero, or the rise since the start."""
    assert expected == labels(build_credits_chart(series(cents, unit=unit), frame(at(len(cents) - 1))))


@pytest.mark.parametrize(
    ("rises", "cents"),
    [
        (True, [3800, 3900]),
        (True, [3800, 7000]),
        (False, [3800, 7600]),
        (False, [3800, 3700, 4000]),
        (False, [3800, 3800]),
        (False, [0, 10]),
    ],
)
def test_scale_is_the_rise_only_far_from_zero(*, rises: bool, cents: list[int]) -> None:
    """The rise is shown if the amount less than doubles and never falls; otherwise the area is from zero.

    Every label has a plus or none has: `$0` below `+$2` would be an amount on an axis of rises.
    """
    found = labels(build_credits_chart(series(cents), frame(at(len(cents) - 1))))
    assert {label.startswith("+") for label in found} == {rises}


def test_money_axis_repeats_no_label() -> None:
    """Amounts that differ by a fraction of a cent share one label."""
    runs = ValueRun(Decimal("1720.2"), START, at(9)), ValueRun(Decimal("1720.8"), at(10), at(20))
    found = amounts(
        build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(20), 60, 40))
    )
    assert len(found) == len(set(found)) > 2


def test_small_rise_does_not_fill_the_chart() -> None:
    """A rise of three cents, three hundredths of a dollar, is no more than the half row at the base."""
    drawn = build_credits_chart(series([3800, 3803] * 5), frame(at(9), 60, 12))
    assert {*heights(drawn)} == {0, 4}


def test_huge_amount_is_drawn() -> None:
    """A figure of any size is drawn with a range above zero."""
    assert len(lines(build_credits_chart(series([10**40]), frame(at(0), 246)))) == 8


def test_chart_of_a_span_has_the_range_of_that_span() -> None:
    """Spending before the left edge does not change the range of the chart."""
    drawn = build_credits_chart(series([0] * 60 + [4000, 4100] * 15), frame(at(89), span=15 * MINUTE))
    assert labels(drawn) == ["+$1.00", "+$0.50", "+$0.00"]


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
    marked = [event(EventKind.BLOCKED, at(minutes))]
    drawn = build_credits_chart(values, frame(at(minutes), width, 6), events=marked)
    assert expected == TIME.findall(lines(drawn)[-1])


def test_chart_of_a_span_moves_by_whole_columns() -> None:
    """A minute later a chart of a week looks the same, without shifts by part of a column."""
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
    there = frame(at(240), 94, 6)._replace(zone=ZoneInfo(zone))
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
    there = frame(hour + 4 * 60 * MINUTE, 48, 6)._replace(zone=ZoneInfo("Europe/Berlin"))
    drawn = lines(build_credits_chart(values, there))
    assert expected == TIME.findall(drawn[-1])
    starts = [match.start() for match in TIME.finditer(drawn[-1])]
    assert {b - a for a, b in pairwise(starts)} <= {9, 10, 11}


@pytest.mark.parametrize("width", [24, 60, 94])
def test_no_time_is_cut_at_any_minute(width: int) -> None:
    """A label that would not fit beside the edge is left out."""
    for minute in range(120):
        marked = [event(EventKind.BLOCKED, at(minute))]
        drawn = lines(build_credits_chart(series([100]), frame(at(minute), width, 6), events=marked))
        assert (width, "") == (len(drawn[-1]), TIME.sub("", drawn[-1]).strip())


def test_skipped_midnight_still_labels_its_day() -> None:
    """If clocks go forward at midnight, the day begins at 01:00 and is labelled there."""
    start = datetime(2026, 4, 22, 12, 0, tzinfo=UTC)
    values = CreditSeries(
        MeterOrigin.OWN_OVERAGE, ("USD", 2), (ValueRun(Decimal(1), start, start + 5 * DAY),)
    )
    there = frame(start + 5 * DAY, 94, 6)._replace(zone=ZoneInfo("Africa/Cairo"))
    assert TIME.findall(lines(build_credits_chart(values, there))[-1]) == ["Thu", "Fri", "Sat", "Sun", "Mon"]


def test_times_are_centred_under_their_columns() -> None:
    """The middle of a label is under the column in which that time begins, and under a mark of that time."""
    chart = build_credits_chart(series([100] * 10 + [200] * 11), frame(at(20), 68, 7), events=MARKED)
    assert chart is not None
    drawn = lines(chart)
    place = drawn[-1].index("14:10") + 2
    assert drawn[-2][place] == "B"
    low, high = heights(chart)[place - chart.margin - 1 : place - chart.margin + 1]
    assert low < high


# The whole chart.


def test_scale_is_as_wide_as_is_asked_for() -> None:
    """A chart can reserve a wider scale to align its times with another chart, but never a narrower one."""
    drawn = build_credits_chart(series([100, 200]), frame(at(1))._replace(margin=12))
    assert drawn is not None
    assert (drawn.margin, len(lines(drawn)[0])) == (12, 60)
    assert {line[11] for line in lines(drawn)[:-1]} <= {"┤", "│", "┴"}
    least = build_credits_chart(series([100, 200]), frame(at(1))._replace(margin=3))
    assert least is not None
    assert least.margin == 4


def test_chart_is_the_same_for_the_same_input() -> None:
    """An earlier chart changes nothing in the next one."""
    values = series([100, 200, None, 300, 250])
    first = lines(build_credits_chart(values, frame(at(4))))
    build_credits_chart(series([4800] * 9), frame(at(8), 150, 20)._replace(ascii_only=True), cap=CAP)
    assert first == lines(build_credits_chart(values, frame(at(4))))


def test_longest_series_over_a_week_is_drawn() -> None:
    """All runs of the longest series become one value a column, with the newest value on top."""
    runs = tuple(ValueRun(Decimal(n), at(20 * n), at(20 * n + 19)) for n in range(MAX_VALUE_RUNS))
    week = frame(at(20 * MAX_VALUE_RUNS), 94, 8, 7 * DAY)
    drawn = build_credits_chart(CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), week)
    assert amounts(drawn)[-1] == 0.0
    assert heights(drawn) == sorted(heights(drawn))
    assert heights(drawn)[-1] == round(predict_height(drawn, 4.99))


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
    drawn = build_credits_chart(
        series([100] * 10 + [None] * 10 + [200] * 11), frame(at(30), 67, 6)._replace(margin=7)
    )
    assert drawn is not None
    found = drawn.find_point(x)
    assert expected == (found and (found.ends_at, found.values))


@pytest.mark.parametrize(("expected", "x"), [("$1.00", 26), ("$2.00", 27), ("$2.00", 28)])
def test_column_of_a_rise_has_the_new_amount(expected: str, x: int) -> None:
    """The amount of a column is its newest one, and its time is its right edge."""
    runs = ValueRun(Decimal(100), START, at(10)), ValueRun(Decimal(200), at(10.3), at(30))
    drawn = build_credits_chart(
        CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs), frame(at(30), 67, 6)._replace(margin=7)
    )
    assert drawn is not None
    found = drawn.find_point(x)
    assert found is not None
    assert found.values == (expected,)


def test_column_before_the_run_has_no_values() -> None:
    """Columns before the first figure of a young run have no values; the last column has the current time."""
    drawn = build_credits_chart(series([100]), frame(at(1), 67, 6))
    assert drawn is not None
    found = [drawn.find_point(x) for x in (40, 60, 66, 67)]
    assert [each and each.values for each in found] == [(), ("$1.00",), ("$1.00",), None]
    assert found[2] is not None
    assert found[2].ends_at == at(1)


@pytest.mark.parametrize(
    ("expected", "cents", "plain"),
    [
        ("▁▁▁▁▅▅▅▅████", [1000, 1500, 1999], False),
        ("▄▄▄▄▆▆▆▆████", [999, 1500, 2000], False),
        ("▁▁▁▁    ████", [4000, None, 4200], False),
        ("____----####", [1000, 1500, 1999], True),
        ("▁▁▁▁▂▂▂▂▂▂▂▂", [1000, 1003, 1004], False),
    ],
)
def test_sparkline_has_a_block_a_column(expected: str, cents: list[int | None], *, plain: bool) -> None:
    """From zero or as the rise, like the chart; blank where nothing was read."""
    values = series([cent for cent in cents for _ in range(10)])
    there = frame(at(29.999), 12, 1)._replace(ascii_only=plain)
    assert expected == draw_credits_sparkline(values, there)


def test_sparkline_of_a_window_is_from_0_to_100() -> None:
    """Half of a window is half of the height."""
    window = history([0] * 10 + [50] * 10 + [100] * 11)
    assert draw_window_sparkline(window, frame(at(29.999), 12, 1)) == "▁▁▁▁▄▄▄▄████"


def test_charts_load_no_drawing_library() -> None:
    """The first frame has its charts, so they do not wait for plotext, which only draws bars."""
    code = (
        "import sys; from tests.charts.test_chart import *;"
        "assert build_credits_chart(RISING, frame(at(30)), cap=CAP); sys.exit('plotext' in sys.modules)"
    )
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
