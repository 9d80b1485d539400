"""Charts for tests: growing samples, and helpers that take a drawn chart apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.charts.axes import ChartFrame
from claudemeter_tui.charts.canvas import ChartStyle
from claudemeter_tui.charts.chart import RenderedChart
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries, PercentHistory
from claudemeter_tui.model.windows import Severity
from tests.model.readings import CHROME, START

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CAP = Money(Decimal(5000), "USD")
TIME = re.compile(r"\d\d:\d\d|Mon|Tue|Wed|Thu|Fri|Sat|Sun|[A-Z][a-z]{2} \d{1,2}|\d{4}")


BLOCKS = " ▁▂▃▄▅▆▇█"
BASES = {"━": 0, "▀": 4}
"""Eighths of a row of an area in the row of the axis, where it begins."""
"""Characters of an area by their height in eighths of a row."""


def series(
    cents: Sequence[int | None], step: timedelta = MINUTE, unit: tuple[str, int] = ("USD", 2)
) -> CreditSeries:
    """Return a series with one sample a step; None is a poll that read nothing."""
    grown = CreditSeries()
    for index, value in enumerate(cents):
        moment = START + index * step
        if value is None:
            grown = grown.append_gap(moment)
        else:
            grown = grown.append(moment, MeterOrigin.OWN_OVERAGE, Money(Decimal(value), *unit), 2.5 * step)
    return grown


def history(percents: Sequence[float | None], step: timedelta = MINUTE) -> PercentHistory:
    """Return a history with one figure a step, the first of them known; None is a poll that read nothing."""
    grown = PercentHistory.start(START.timestamp(), percents[0] or 0.0)
    for index, value in enumerate(percents[1:], start=1):
        moment = (START + index * step).timestamp()
        grown = (
            grown.append_gap(moment)
            if value is None
            else grown.append(moment, value, 2.5 * step.total_seconds())
        )
    return grown


def event(kind: EventKind, at: datetime, severity: Severity = Severity.NORMAL) -> Event:
    """Return an event."""
    return Event(kind, at, CHROME, severity=severity)


def frame(now: datetime, width: int = 60, height: int = 8, span: timedelta | None = None) -> ChartFrame:
    """Return the frame of a chart; the times are in UTC."""
    return ChartFrame(now, width, height, span, UTC)


def lines(chart: RenderedChart | None) -> list[str]:
    """Return the chart's lines from top to bottom; none for no chart."""
    return ["".join(text for text, _ in line) for line in chart.lines] if chart else []


def canvas(chart: RenderedChart | None) -> list[str]:
    """Return the part right of the scale, without the time axis."""
    assert chart is not None
    below = 2 if chart.has_axis else 1
    return [line[chart.margin :] for line in lines(chart)[:-below]]


def labels(chart: RenderedChart | None) -> list[str]:
    """Return the labels left of the axis from top to bottom, without blank ones."""
    assert chart is not None
    rows = lines(chart) if not chart.has_axis else lines(chart)[:-1]
    words = (line[: chart.margin - 2].strip() for line in rows)
    return [word for word in words if word]


def amounts(chart: RenderedChart | None) -> list[float]:
    """Return the labels as figures."""
    return [float(re.sub(r"[^\d.]", "", label)) for label in labels(chart)]


def columns(chart: RenderedChart | None) -> list[str]:
    """Return the curves in each column from top to bottom, with the base of an area; a note is an area."""
    assert chart is not None
    inks = set(ChartStyle) - {
        ChartStyle.SCALE,
        ChartStyle.LIMIT,
        ChartStyle.GAP,
        ChartStyle.NOW,
        ChartStyle.NOTE,
    }
    kept = [
        "".join(
            "█" * len(text) if style is ChartStyle.NOTE else text if style in inks else " " * len(text)
            for text, style in line
        )[chart.margin :]
        for line in chart.lines[:-1]
    ]
    return ["".join(column).replace(" ", "") for column in zip(*kept, strict=True)]


def heights(chart: RenderedChart | None) -> list[int]:
    """Return the height of the area in each column in eighths of a row; 0 where there is none.

    Without an axis, the half row at its base is not drawn.
    """
    assert chart is not None
    return [
        sum(BASES[char] if char in BASES else BLOCKS.index(char) for char in column)
        for column in columns(chart)
    ]


def predict_height(chart: RenderedChart | None, amount: float) -> float:
    """Return the height of an amount by the labels of the chart: each is in the middle of its row."""
    assert chart is not None
    rows = [line[: chart.margin - 2].strip() for line in lines(chart)[: -1 if chart.has_axis else None]]
    places = [place for place, word in enumerate(rows) if word]
    base, top = amounts(chart)[-1], amounts(chart)[0]
    per_row = (top - base) / (places[-1] - places[0])
    height = (amount - base) / per_row * 8
    return max(1, height - 4) if not chart.has_axis else max(4, height) if height else 0
