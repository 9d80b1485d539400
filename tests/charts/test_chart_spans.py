"""Charts of 30 and 365 days: round times, gaps, peaks, and figures of both the archive and the run."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.charts.axes import ChartFrame, TimeEdges, find_peak_periods
from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import RenderedChart, build_credits_chart, build_windows_chart
from tests.archives import archive_percents, simulate_archive
from tests.charts.chart_cases import DAY, TIME, canvas, lines

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
    assert inks & {ChartStyle.SECOND, ChartStyle.SECOND_OVER_AREA}
    assert (ChartStyle.AREA in inks) is bool(expected)
    drawn = {style for line in chart.lines for text, style in line if text.strip()}
    assert (ChartStyle.CURVE in drawn) is (not expected)
    money = build_credits_chart(simulate_archive(NOW, 365).credits, frame(365, width))
    assert money is not None
    assert money.peak_periods is None


def test_peak_of_a_day_is_that_of_the_local_day() -> None:
    """Each column has the highest value of its own day, a day without use a low block, and a gap is a gap."""
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
    assert [canvas(chart)[0][gap], canvas(chart)[-1][gap]] == ["░", "░"]
    idle = chart.edges.find_column((midnight - 18 * DAY + DAY / 2).timestamp())
    assert [row[idle] for row in canvas(chart)][-1] == "▁"
    full = chart.edges.find_column((midnight - 19 * DAY + DAY / 2).timestamp())
    assert "".join(row[full] for row in canvas(chart)).strip() == "▄███████"


def test_peaks_over_a_change_of_clocks_are_those_of_local_days() -> None:
    """A day of 23 or 25 hours is one period, from midnight to midnight."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 4, 10, 12, tzinfo=zone)
    edges = TimeEdges((now - 30 * DAY).timestamp(), now.timestamp(), now.timestamp(), 120)
    bounds = find_peak_periods(edges, zone).bounds
    assert all(datetime.fromtimestamp(bound, zone).hour == 0 for bound in bounds)
    assert {round((b - a) / 3600) for a, b in pairwise(bounds)} == {23, 24}
    assert bounds[0] <= edges.start < edges.end < bounds[-1]
