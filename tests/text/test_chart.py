"""The chart: exact size, steps, gaps, the cap, both axes, and what stands under a pointer."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import MOST_RUNS, Run, Series
from claudemeter_tui.model.usage import Origin
from claudemeter_tui.text.chart import LOWEST, NARROWEST, chart, column_at

START = datetime(2026, 4, 25, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CAP = Money(Decimal(5000), "USD")
TIME = re.compile(r"\d\d:\d\d|Mon|Tue|Wed|Thu|Fri|Sat|Sun|[A-Z][a-z]{2} \d{1,2}")


def at(minutes: float) -> datetime:
    """A moment, in minutes after the start."""
    return START + minutes * MINUTE


def series(
    cents: Sequence[int | None], step: timedelta = MINUTE, unit: tuple[str, int] = ("USD", 2)
) -> Series:
    """One sample a step; None: nothing was read then."""
    grown = Series()
    for index, value in enumerate(cents):
        moment = START + index * step
        if value is None:
            grown = grown.gap(moment)
        else:
            grown = grown.after(moment, Origin.OWN, Money(Decimal(value), *unit), 2.5 * step)
    return grown


def canvas(lines: Sequence[str]) -> list[str]:
    """What stands right of the axis, without the line of times."""
    return [re.split("[┤│+|]", line, maxsplit=1)[1] for line in lines[:-1]]


def amounts(lines: Sequence[str]) -> list[float]:
    """The labels of the money axis as figures, from top to bottom; the cap has none."""
    labels = [re.split("[┤│+|]", line, maxsplit=1)[0].strip() for line in lines[:-1]]
    figures = (re.sub(r"[^\d.]", "", label) for label in labels if label and not label.startswith("cap"))
    return [float(figure) for figure in figures]


def test_chart_draws_steps_up_to_the_cap() -> None:
    """Values hold until they rise, the cap is a dashed line, and the last line tells the time."""
    drawn = chart(series([4660] * 10 + [4800] * 10 + [5000] * 11), at(30), 44, 5, cap=CAP, zone=UTC)
    assert drawn == (
        "   cap ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▄▄▄▄▄▄▄▄▄▄▄▄",
        "       │                        ▌           ",
        "$48.00 ┤            ▄▄▄▄▄▄▄▄▄▄▄▄▌           ",
        "$46.60 ┤▄▄▄▄▄▄▄▄▄▄▄▄▌                       ",
        "      14:00       14:10       14:20         ",
    )


def test_chart_draws_the_same_in_ascii() -> None:
    """Where only ASCII will do, the picture is the same with other marks."""
    drawn = chart(
        series([4660] * 10 + [4800] * 10 + [5000] * 11), at(30), 44, 5, cap=CAP, zone=UTC, plain=True
    )
    assert drawn == (
        "   cap +........................+-----------",
        "       |                        |           ",
        "$48.00 +            +-----------+           ",
        "$46.60 +------------+                       ",
        "      14:00       14:10       14:20         ",
    )


@pytest.mark.parametrize("plain", [False, True])
def test_ascii_is_ascii(*, plain: bool) -> None:
    """Blocks and dashes appear only where they are allowed."""
    drawn = chart(series([4660, 4800, None, 5000]), at(3), 60, 8, cap=CAP, zone=UTC, plain=plain)
    assert plain == "".join(drawn).isascii()


@pytest.mark.parametrize("height", [3, 4, 6, 8, 14, 40])
@pytest.mark.parametrize("width", [24, 25, 30, 60, 94, 150, 246])
def test_chart_has_exactly_its_size(width: int, height: int) -> None:
    """So many lines of so many cells, beyond the 80 x 24 of a terminal that is not there too."""
    drawn = chart(series([4660, 4700, None, 4800, 5000]), at(4), width, height, cap=CAP, zone=UTC)
    assert [width] * height == [len(line) for line in drawn]


@pytest.mark.parametrize(
    ("cents", "width", "height"),
    [
        ([], 60, 8),
        ([None, None], 60, 8),
        ([1720], NARROWEST - 1, 8),
        ([1720], 60, LOWEST - 1),
        ([1720], 0, 0),
        ([10**14], 24, 8),
    ],
)
def test_chart_is_nothing_without_samples_or_room(cents: list[int | None], width: int, height: int) -> None:
    """No sample, a pane that is too small, or figures that leave no room for a curve: no line at all."""
    assert chart(series(cents), at(1), width, height, zone=UTC) == ()


def test_chart_is_nothing_where_only_a_gap_is_in_sight() -> None:
    """A span in which nothing was read has nothing to show."""
    assert chart(series([1720, 1730]), at(120), 60, 8, span=15 * MINUTE, zone=UTC) == ()


def test_lone_sample_is_a_short_line_at_the_right() -> None:
    """The first sample of a run stands at the right edge, and nothing left of it."""
    drawn = canvas(chart(series([1720]), at(0), 60, 8, zone=UTC))
    marked = [
        (row, column) for row, text in enumerate(drawn) for column, char in enumerate(text) if char > " "
    ]
    assert marked == [(3, len(drawn[0]) - 1)]


@pytest.mark.parametrize("cents", [0, 3, 1720, 10**9])
@pytest.mark.parametrize("height", [3, 6, 9, 14])
def test_flat_series_is_one_line_in_the_middle(cents: int, height: int) -> None:
    """A value that never changed is one line with its amount, never a block."""
    drawn = chart(series([cents] * 30), at(29), 60, height, zone=UTC)
    inked = [row for row, text in enumerate(canvas(drawn)) if text.strip()]
    assert len(inked) == 1
    assert abs(inked[0] - (height - 2) / 2) <= 1
    assert [cents / 100] == amounts(drawn)
    assert set(canvas(drawn)[inked[0]]) in ({"▄"}, {"▀"})


def test_gap_is_blank() -> None:
    """Between the last figure before a gap and the first one after it no cell is inked."""
    drawn = canvas(chart(series([100] * 10 + [None] * 10 + [200] * 11), at(30), 67, 6, zone=UTC))
    columns = ["".join(column).strip() for column in zip(*drawn, strict=True)]
    assert len(columns) == 60
    assert all(columns[:18])
    assert not any(columns[18:40])
    assert all(columns[40:])
    assert {len(columns[17]), len(columns[40])} == {1}


@pytest.mark.parametrize("seconds", range(0, 30, 2))
def test_gap_of_one_dot_is_seen(seconds: int) -> None:
    """A gap as long as half a column is a hole, wherever it falls."""
    begin, end = at(10 + seconds / 60), at(10 + (seconds + 15) / 60)
    runs = Run(Decimal(100), START, begin), Run(None, begin, end), Run(Decimal(100), end, at(30))
    drawn = canvas(chart(Series(Origin.OWN, ("USD", 2), runs), at(30), 67, 4, zone=UTC))
    assert "▄" * 60 not in drawn
    assert len("".join(drawn).strip()) == 60


def test_gap_shows_where_value_and_row_are_the_same() -> None:
    """A gap in a flat line is a hole in it."""
    drawn = canvas(chart(series([100] * 10 + [None] * 10 + [100] * 11), at(30), 67, 4, zone=UTC))
    assert "▄" * 18 + " " * 22 + "▄" * 20 in drawn


def test_cap_is_drawn_through_a_gap() -> None:
    """The cap holds whether or not anything is read."""
    drawn = canvas(chart(series([4800] * 10 + [None] * 10 + [4900] * 11), at(30), 68, 6, cap=CAP, zone=UTC))
    assert drawn[0] == "╌" * 60


@pytest.mark.parametrize(("minutes", "blank"), [(2, 0), (3, 9), (15, 45)])
def test_time_after_a_stale_sample_is_blank(minutes: int, blank: int) -> None:
    """The newest value holds until now while it is fresh, and ends at its sample when it is not."""
    drawn = canvas(chart(series([100] * 6), at(5 + minutes), 68, 4, span=20 * MINUTE, zone=UTC))
    inked = next(text for text in drawn if text.strip())
    assert blank == len(inked) - len(inked.rstrip())


@pytest.mark.parametrize("width", [24, 31, 60, 94])
@pytest.mark.parametrize("minute", [1, 7, 13, 22, 29])
def test_rise_is_never_drawn_before_its_moment(minute: int, width: int) -> None:
    """Left of the column of a rise stands the old value alone, right of it the new one alone."""
    drawn = canvas(chart(series([4000] * minute + [4400] * (31 - minute)), at(30), width, 6, zone=UTC))
    rise = minute * len(drawn[0]) // 30
    assert [" " * rise, "▄" * (len(drawn[0]) - rise - 1)] == [drawn[0][:rise], drawn[0][rise + 1 :]]
    assert ["▄" * rise, " " * (len(drawn[0]) - rise - 1)] == [drawn[-1][:rise], drawn[-1][rise + 1 :]]
    assert all(line[rise] in "▌▐▛▙▟▗▖▄▘" for line in drawn)


@pytest.mark.parametrize(
    ("shown", "cents", "cap"),
    [
        (True, [4660, 4700, 4900], 5000),
        (True, [3100, 3100], 5000),
        (True, [5000, 5000], 5000),
        (True, [6230, 6230], 6000),
        (True, [4000, 5200], 5000),
        (True, [0, 4000], 5000),
        (True, [0, 0], 0),
        (False, [1720, 1900], 5000),
        (False, [3000, 3000], 5000),
        (False, [4000, 4010], 5000),
        (False, [0, 100], 5000),
    ],
)
def test_cap_is_drawn_only_where_it_is_near(*, shown: bool, cents: list[int], cap: int) -> None:
    """It is drawn within the range, or beyond 60 % of it where the steps do not get flat."""
    now = at(len(cents) - 1)
    drawn = chart(series(cents), now, 60, 8, cap=Money(Decimal(cap), "USD"), zone=UTC)
    assert shown == any(line.lstrip().startswith("cap") for line in drawn)


def test_cap_of_another_currency_is_not_drawn() -> None:
    """Amounts of two currencies never share an axis."""
    drawn = chart(series([4660, 4900]), at(1), 60, 8, cap=Money(Decimal(5000), "EUR"), zone=UTC)
    assert "cap" not in "".join(drawn)


@pytest.mark.parametrize("height", [3, 4, 6, 8, 14])
def test_what_is_below_the_cap_never_stands_on_it(height: int) -> None:
    """One cent below the cap is drawn below the cap's line, so that reaching it can be seen."""
    drawn = canvas(chart(series([4000] * 10 + [4999] * 21), at(30), 60, height, cap=CAP, zone=UTC))
    assert set(drawn[0]) == {"╌"}


def test_line_on_the_cap_still_has_its_amount() -> None:
    """Where the cap's is the only label it names the amount as well."""
    drawn = chart(series([5000] * 5), at(4), 60, 4, cap=CAP, zone=UTC)
    assert [line[:12] for line in drawn if "cap" in line] == ["cap $50.00 ┤"]


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
def test_money_axis_names_its_ends(expected: list[str], cents: list[int], unit: tuple[str, int]) -> None:
    """The highest amount and the lowest, or zero where that is near, in the org's own currency."""
    lines = chart(series(cents, unit=unit), at(len(cents) - 1), 60, 7, zone=UTC)
    labels = [line.split("┤")[0].strip() for line in lines[:-1] if "┤" in line]
    assert expected == [labels[0], labels[-1]]


def test_money_axis_says_nothing_twice() -> None:
    """Amounts that differ by a fraction of a cent share one label."""
    runs = Run(Decimal("1720.2"), START, at(9)), Run(Decimal("1720.8"), at(10), at(20))
    labels = amounts(chart(Series(Origin.OWN, ("USD", 2), runs), at(20), 60, 40, zone=UTC))
    assert 17.2 in labels
    assert len(labels) == len(set(labels))


def test_amount_beyond_all_measure_is_drawn() -> None:
    """No figure is so large that its range is nothing."""
    assert len(chart(series([10**40]), at(0), 246, 8, zone=UTC)) == 8


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
def test_time_axis_names_round_local_times(expected: list[str], minutes: int, width: int) -> None:
    """Clock times within a day, weekdays within a week, then dates; as many as have room."""
    values = series([100, 200], step=minutes * MINUTE / 2)
    drawn = chart(values, at(minutes), width, 4, span=minutes * MINUTE, zone=UTC)
    assert expected == TIME.findall(drawn[-1])


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"])
def test_time_axis_is_round_in_the_zone(zone: str) -> None:
    """Zones that are off by a part of an hour have round times of their own."""
    drawn = chart(series([100] * 240), at(240), 94, 4, zone=ZoneInfo(zone))
    assert {time[-3:] for time in TIME.findall(drawn[-1])} <= {":00", ":30"}


@pytest.mark.parametrize(
    ("expected", "hour"),
    [
        (["00:00", "01:00", "03:00", "04:00"], datetime(2026, 3, 28, 22, 30, tzinfo=UTC)),
        (["01:00", "02:00", "02:00", "03:00"], datetime(2026, 10, 24, 22, 30, tzinfo=UTC)),
    ],
)
def test_time_axis_follows_the_clocks(expected: list[str], hour: datetime) -> None:
    """The hour that is skipped in spring has no label, the one that comes twice in autumn has two."""
    values = Series(Origin.OWN, ("USD", 2), (Run(Decimal(1), hour, hour + 4 * 60 * MINUTE),))
    drawn = chart(values, hour + 4 * 60 * MINUTE, 48, 4, zone=ZoneInfo("Europe/Berlin"))
    assert expected == TIME.findall(drawn[-1])
    starts = [match.start() for match in TIME.finditer(drawn[-1])]
    assert {b - a for a, b in pairwise(starts)} <= {9, 10, 11}


@pytest.mark.parametrize("width", [24, 60, 94])
def test_no_time_is_cut_at_any_minute(width: int) -> None:
    """A label that would not fit beside the edge is left out."""
    for minute in range(120):
        drawn = chart(series([100]), at(minute), width, 4, zone=UTC)
        assert (width, "") == (len(drawn[-1]), TIME.sub("", drawn[-1]).strip())


def test_skipped_midnight_still_names_its_day() -> None:
    """Where clocks go forward at midnight, the day begins at 01:00 and is named there."""
    start = datetime(2026, 4, 22, 12, 0, tzinfo=UTC)
    values = Series(Origin.OWN, ("USD", 2), (Run(Decimal(1), start, start + 5 * DAY),))
    drawn = chart(values, start + 5 * DAY, 94, 4, zone=ZoneInfo("Africa/Cairo"))
    assert TIME.findall(drawn[-1]) == ["Thu", "Fri", "Sat", "Sun", "Mon"]


def test_times_stand_under_their_columns() -> None:
    """The middle of a label is under the column in which that time begins."""
    lines = chart(series([100] * 10 + [200] * 11), at(20), 68, 6, zone=UTC)
    place = lines[-1].index("14:10") + 2
    assert lines[0][place] in "▗▐▛"
    assert lines[0][place - 1] == " "


def test_chart_is_the_same_for_the_same_input() -> None:
    """What was drawn before leaves no trace in what is drawn next."""
    values = series([100, 200, None, 300, 250])
    first = chart(values, at(4), 60, 8, zone=UTC)
    chart(series([4800] * 9), at(8), 150, 20, cap=CAP, zone=UTC, plain=True)
    assert first == chart(values, at(4), 60, 8, zone=UTC)


def test_longest_series_over_a_week_is_drawn() -> None:
    """Two thousand runs become one dot a column at most, with the newest value on top."""
    runs = tuple(Run(Decimal(n), at(5 * n), at(5 * n + 4)) for n in range(MOST_RUNS))
    drawn = chart(Series(Origin.OWN, ("USD", 2), runs), at(5 * MOST_RUNS), 94, 8, span=7 * DAY, zone=UTC)
    assert (amounts(drawn)[0], amounts(drawn)[-1]) == (19.99, 0.0)
    assert all(any(char > " " for char in column) for column in zip(*canvas(drawn), strict=True))


@pytest.mark.parametrize(
    ("expected", "x"),
    [
        (None, -1),
        (None, 6),
        ((at(0.5), 100), 7),
        ((at(9), 100), 24),
        ((at(15), None), 36),
        ((at(20.5), 200), 47),
        ((at(30), 200), 66),
        (None, 67),
    ],
)
def test_column_tells_time_and_amount(expected: tuple[datetime, int | None] | None, x: int) -> None:
    """On the canvas a column has a time, and an amount unless it is blank; off it there is nothing."""
    values = series([100] * 10 + [None] * 10 + [200] * 11)
    found = column_at(values, at(30), 67, 6, x)
    told = found and (found[0], None if found[1] is None else found[1].minor)
    assert expected == told


@pytest.mark.parametrize(("expected", "x"), [(100, 26), (200, 27), (200, 28)])
def test_column_of_a_rise_tells_what_it_rose_to(expected: int, x: int) -> None:
    """The amount of a column is the newest one in it, as its time is its right edge."""
    runs = Run(Decimal(100), START, at(10)), Run(Decimal(200), at(10.3), at(30))
    found = column_at(Series(Origin.OWN, ("USD", 2), runs), at(30), 67, 6, x)
    assert found is not None
    assert found[1] == Money(Decimal(expected), "USD")


def test_drawing_library_is_loaded_by_the_first_drawing() -> None:
    """Importing the module loads no plotext: the first frame does not wait for it."""
    code = "import sys, claudemeter_tui.text.chart; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


RUNS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 10_000), st.decimals(0, 10**12, places=2)),
        st.floats(0, 400),
        st.floats(0, 60),
    ),
    max_size=30,
)
"""Each run's value, its length in minutes, and how long after it the next one begins."""


def laid(runs: Sequence[tuple[int | Decimal | None, float, float]], unit: tuple[str, int]) -> Series:
    """Runs one after the other."""
    minutes, made = 0.0, []
    for value, length, pause in runs:
        minor = None if value is None else Decimal(value)
        made.append(Run(minor, at(minutes), at(minutes + length)))
        minutes += length + pause
    return Series(Origin.OWN, unit, tuple(made))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    runs=RUNS,
    unit=st.sampled_from([("USD", 2), ("JPY", 0), ("CAD", 2), ("", 4)]),
    width=st.integers(20, 120),
    height=st.integers(2, 16),
    age=st.floats(-100, 20_000),
    span=st.sampled_from([None, 15 * MINUTE, DAY, 7 * DAY]),
    cap=st.one_of(st.none(), st.integers(0, 12_000)),
    zone=st.sampled_from([UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]),
    plain=st.booleans(),
)
def test_any_series_is_drawn_whole(
    *,
    runs: list[tuple[int | Decimal | None, float, float]],
    unit: tuple[str, int],
    width: int,
    height: int,
    age: float,
    span: timedelta | None,
    cap: int | None,
    zone: ZoneInfo,
    plain: bool,
) -> None:
    """Whatever was sampled: exact size, amounts in falling order, no label cut, blank where nothing was."""
    values, now = laid(runs, unit), at(age)
    limit = None if cap is None else Money(Decimal(cap), *unit)
    drawn = chart(values, now, width, height, span=span, cap=limit, zone=zone, plain=plain)
    if not drawn:
        assert column_at(values, now, width, height, width - 1, span=span, cap=limit, plain=plain) is None
        return
    assert [width] * height == [len(line) for line in drawn]
    assert amounts(drawn) == sorted(set(amounts(drawn)), reverse=True)
    assert not TIME.sub("", drawn[-1]).strip()
    columns = list(zip(*canvas(drawn), strict=True))
    for x, column in enumerate(columns, width - len(columns)):
        told = column_at(values, now, width, height, x, span=span, cap=limit, plain=plain)
        assert told is not None
        assert (told[1] is not None) == any(char not in " ╌." for char in column)
