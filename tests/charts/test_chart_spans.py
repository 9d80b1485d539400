"""Charts of 30 and 365 days: round times, gaps, peaks, and figures of both the archive and the run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.charts.axes import ChartFrame, TimeEdges, build_time_labels
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
        (MONTHS[1:], 365, 60),
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
    """A sixth of the span in which nothing was read is hatched, and everything else is drawn."""
    begin, end = NOW - days * DAY / 2, NOW - days * DAY / 3
    archived = simulate_archive(NOW, days, off=[(begin, end)]).thin()
    there = frame(days, width, ascii_only=ascii_only)
    for chart in (
        build_credits_chart(archived.credits, there),
        build_windows_chart(archived.histories, there),
    ):
        assert chart is not None
        blank = [place for place, column in enumerate(columns(chart)) if not column]
        hatched = {place for place, char in enumerate(canvas(chart)[0]) if char in "░/"}
        assert hatched == {*blank}
        edges = chart.edges
        first, last = edges.find_column(begin.timestamp()), edges.find_column(end.timestamp())
        assert set(range(first + 1, last)) <= set(blank) <= set(range(first, last + 1))


def test_peak_of_a_minute_is_seen_in_a_year() -> None:
    """A window that was full for a minute reaches the top of its column."""
    peak = NOW - 200 * DAY
    history = archive_percents(
        (10, NOW - 365 * DAY, peak), (100, peak, peak + DAY / 1440), (10, peak + DAY / 1440, NOW)
    )
    chart = build_windows_chart({"5-hour": history}, frame(365))
    assert chart is not None
    top = canvas(chart)[0]
    column = chart.edges.find_column(peak.timestamp())
    # The rise is drawn at the beginning of the column, and the fall at the beginning of the next one.
    assert top[column : column + 2] == "╭╮"
    assert not top.replace("╭╮", "").strip()
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
    [(True, 365, 180), (True, 365, 60), (True, 30, 24), (True, 30, 120), (False, 30, 180), (False, 7, 60)],
)
def test_columns_of_five_hours_show_peaks(expected: bool, days: int, width: int) -> None:  # noqa: FBT001
    """From five hours a column on, a window is a line of its peaks: its resets would fill the chart."""
    histories = simulate_archive(NOW, 365).thin().histories
    chart = build_windows_chart(histories, frame(days, width))
    assert chart is not None
    assert chart.shows_peaks is expected
    _, steps = chart.curves[0]
    assert all(step is None or step.low == step.newest == step.high for step in steps) is expected
    inks = {style for line in chart.lines for _, style in line}
    assert ChartStyle.SECOND in inks
    money = build_credits_chart(simulate_archive(NOW, 365).credits, frame(365, width))
    assert money is not None
    assert not money.shows_peaks
