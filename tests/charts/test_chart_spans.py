"""Charts of 30 and 365 days: round times, gaps, peaks, and figures of both the archive and the run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.charts.axes import ChartFrame, TimeEdges, build_time_labels, find_peak_periods
from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import RenderedChart, build_credits_chart, build_windows_chart
from tests.archives import archive_percents, simulate_archive
from tests.charts.chart_cases import DAY, TIME, canvas, columns, lines

NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)


def frame(days: int, width: int = 100, height: int = 9, *, ascii_only: bool = False) -> ChartFrame:
    """Return the frame of so many days."""
    return ChartFrame(NOW, width, height, days * DAY, UTC, ascii_only)


def read_times(chart: RenderedChart | None) -> list[str]:
    """Return the labels of the time axis."""
    return TIME.findall(lines(chart)[-1])


MONTHS = ["May 1", "Jul 1", "Sep 1", "Nov 1", "2026", "Mar 1"]


@pytest.mark.parametrize(
    ("expected", "days", "width"),
    [
        (["Mar 30", "Apr 6", "Apr 13", "Apr 20"], 30, 180),
        (["Mar 30", "Apr 6", "Apr 13", "Apr 20"], 30, 60),
        (["Mar 30", "Apr 13"], 30, 34),
        (["Mar 30", "Apr 13"], 30, 24),
        (MONTHS, 365, 180),
        (MONTHS, 365, 100),
        (MONTHS[1:], 365, 60),  # the first one would be left of the first column
        (["Jul 1", "2026"], 365, 30),
        (["Jul 1", "2026"], 365, 24),
    ],
)
def test_long_axes_show_mondays_and_months(expected: list[str], days: int, width: int) -> None:
    """A month has its Mondays, and a year every second month, or fewer if the chart is narrow."""
    chart = build_windows_chart(simulate_archive(NOW, 400).thin().histories, frame(days, width))
    assert read_times(chart) == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"])
@pytest.mark.parametrize("days", [7, 14, 30, 90, 365])
def test_labels_of_long_axes_are_local_midnights(days: int, zone: str) -> None:
    """Each label is at a local midnight, also after a day of 23 or 25 hours, and at equal steps."""
    for month in range(1, 13):
        check_labels(datetime(2026, month, 4, 9, 30, tzinfo=UTC), days, ZoneInfo(zone))


def check_labels(end: datetime, days: int, there: ZoneInfo) -> None:
    """Check the labels of the days before a moment."""
    edges = TimeEdges((end - days * DAY).timestamp(), end.timestamp(), end.timestamp(), 20 * days)
    found = build_time_labels(edges, there)
    midnights = [
        datetime.fromtimestamp(edges.start, there).date() + timedelta(days=n) for n in range(days + 1)
    ]
    columns = {
        edges.find_column(datetime(day.year, day.month, day.day, tzinfo=there).timestamp()): day
        for day in midnights
    }
    assert found.keys() <= columns.keys()
    labelled = [columns[column] for column in found]
    texts = {f"{day:%a}" if days == 7 else f"{day:%b} {day.day}" for day in labelled}
    assert set(found.values()) <= texts | {str(day.year) for day in labelled if days > 180}
    steps = {(later - earlier).days for earlier, later in pairwise(labelled)}
    assert steps <= {7: {1}, 14: {2}, 30: {7}, 90: {14}, 365: {59, 60, 61, 62}}[days]
    assert len(labelled) >= 4


@pytest.mark.parametrize("days", [30, 365])
@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_gap_of_a_long_chart_stays_a_gap(days: int, width: int, *, ascii_only: bool) -> None:
    """A sixth of the span in which nothing was read is a thin line, and everything else is drawn."""
    begin, end = NOW - days * DAY / 2, NOW - days * DAY / 3
    archived = simulate_archive(NOW, days, off=[(begin, end)]).thin()
    there = frame(days, width, ascii_only=ascii_only)
    for chart in (
        build_credits_chart(archived.credits, there),
        build_windows_chart(archived.histories, there),
    ):
        assert chart is not None
        shown = canvas(chart)
        axis = lines(chart)[-2][chart.margin :]
        thin = {place for place, char in enumerate(axis) if char in "┈_"}
        assert not {char for row in shown for char in row} & {*"░/"}
        between = chart.peak_periods.find_ends(chart.edges) - thin if chart.peak_periods else set()
        blank = [place for place, column in enumerate(columns(chart)) if not column and place not in between]
        assert thin == {*blank}
        edges = chart.edges
        first, last = edges.find_column(begin.timestamp()), edges.find_column(end.timestamp())
        assert set(range(first + 1, last)) <= set(blank) <= set(range(first, last + 1))


def test_peak_of_a_minute_is_seen_in_a_year() -> None:
    """A window that was full for a minute reaches the top of its week, and of no other one."""
    peak = NOW - 200 * DAY
    history = archive_percents(
        (10, NOW - 365 * DAY, peak), (100, peak, peak + DAY / 1440), (10, peak + DAY / 1440, NOW)
    )
    chart = build_windows_chart({"5-hour": history}, frame(365))
    assert chart is not None
    column = chart.edges.find_column(peak.timestamp())
    stacks = columns(chart)
    week = [place for place, stack in enumerate(stacks) if stack == "▄█████▀"]
    assert column in week
    assert week in ([column], [column - 1, column], [column, column + 1])
    assert all(stack == "▁▀" for place, stack in enumerate(stacks) if place not in week)
    point = chart.find_point(chart.margin + column)
    assert point is not None
    assert point.values == ("5-hour 100%",)


def test_newest_figure_is_at_the_right_end() -> None:
    """The last column of a long chart has the current figure."""
    archived = simulate_archive(NOW, 30).thin()
    chart = build_windows_chart(archived.histories, frame(30))
    assert chart is not None
    point = chart.find_point(99)
    assert point is not None
    newest = round(archived.histories["5-hour"].runs[-1].percent)
    assert point.values[0] == f"5-hour {newest}%"
    assert point.ends_at == NOW


@pytest.mark.parametrize(
    ("expected", "days", "width"),
    [
        ("4 weeks", 365, 60),
        ("week", 365, 120),
        ("week", 365, 180),
        ("day", 30, 60),
        ("day", 30, 120),
        ("day", 30, 180),
        ("6 hours", 7, 60),
        ("6 hours", 7, 180),
        (None, 1, 120),
    ],
)
def test_windows_of_long_spans_are_peaks(expected: str | None, days: int, width: int) -> None:
    """Over two days and more, a window is an area of its peaks: its resets would fill the chart."""
    histories = simulate_archive(NOW, 365).thin().histories
    chart = build_windows_chart(histories, frame(days, width))
    assert chart is not None
    periods = chart.peak_periods
    assert expected == (periods.name if periods is not None else None)
    _, steps = chart.curves[0]
    assert all(step is None or step.low == step.newest == step.high for step in steps) is bool(expected)
    inks = {style for line in chart.lines for _, style in line}
    assert (ChartStyle.SECOND in inks) is (not expected)
    assert bool(inks & {ChartStyle.SECOND_BESIDE_AREA, ChartStyle.SECOND_OVER_AREA}) is bool(expected)
    assert (ChartStyle.AREA in inks) is bool(expected)
    drawn = {style for line in chart.lines for text, style in line if text.strip()}
    assert (ChartStyle.CURVE in drawn) is (not expected)
    money = build_credits_chart(simulate_archive(NOW, 365).credits, frame(365, width))
    assert money is not None
    assert money.peak_periods is None


def test_peak_of_a_day_is_that_of_the_local_day() -> None:
    """Each column has the highest value of its own day, a day without use a thick line, a gap a thin one."""
    midnight = NOW.replace(hour=0, minute=0)
    peaks = {20: 30, 19: 100, 18: 0, 17: 60}
    runs: list[tuple[float | None, datetime, datetime]] = []
    for days, percent in peaks.items():
        begin = midnight - days * DAY
        runs += [(0, begin, begin + DAY / 2), (percent, begin + DAY / 2, begin + DAY / 2 + DAY / 24)]
        runs += [(0, begin + DAY / 2 + DAY / 24, begin + DAY)]
    until = midnight - 16 * DAY
    runs += [(None, until, midnight - 10 * DAY), (80, midnight - 10 * DAY, NOW)]
    chart = build_windows_chart({"5-hour": archive_percents(*runs)}, frame(30, 126))
    assert chart is not None
    for days, percent in peaks.items():
        for hour in (4, 12, 20):
            column = chart.edges.find_column((midnight - days * DAY + hour / 24 * DAY).timestamp())
            point = chart.find_point(chart.margin + column)
            assert point is not None
            assert point.values == (f"5-hour {percent}%",)
    gap = chart.edges.find_column((midnight - 13 * DAY).timestamp())
    axis = lines(chart)[-2][chart.margin :]
    assert [canvas(chart)[0][gap], canvas(chart)[-1][gap], axis[gap]] == [" ", " ", "┈"]
    idle = chart.edges.find_column((midnight - 18 * DAY + DAY / 2).timestamp())
    assert [canvas(chart)[-1][idle], axis[idle]] == [" ", "━"]
    full = chart.edges.find_column((midnight - 19 * DAY + DAY / 2).timestamp())
    assert "".join(row[full] for row in canvas(chart)).strip() == "▄█████"


def test_peaks_over_a_change_of_clocks_are_those_of_local_days() -> None:
    """A day of 23 or 25 hours is one period, from midnight to midnight."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 4, 10, 12, tzinfo=zone)
    edges = TimeEdges((now - 30 * DAY).timestamp(), now.timestamp(), now.timestamp(), 120)
    bounds = find_peak_periods(edges, zone).bounds
    assert all(datetime.fromtimestamp(bound, zone).hour == 0 for bound in bounds)
    assert {round((b - a) / 3600) for a, b in pairwise(bounds)} == {23, 24}
    assert bounds[0] <= edges.start < edges.end < bounds[-1]
