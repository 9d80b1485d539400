"""Charts for tests: growing samples, and helpers that take a drawn chart apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.charts.axes import ChartFrame
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
EDGE = re.compile("[┤│+|]")
"""Axis of a scale."""


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
    below = 2 if chart is not None and chart.has_axis else 1
    return [EDGE.split(line, maxsplit=1)[1] for line in lines(chart)[:-below]]


def labels(chart: RenderedChart | None) -> list[str]:
    """Return the labels left of the axis from top to bottom, without blank ones."""
    below = 2 if chart is not None and chart.has_axis else 1
    words = (EDGE.split(line, maxsplit=1)[0].strip() for line in lines(chart)[:-below])
    return [word for word in words if word]


def amounts(chart: RenderedChart | None) -> list[float]:
    """Return the labels as figures; the cap has none."""
    return [float(re.sub(r"[^\d.]", "", label)) for label in labels(chart) if not label.startswith("cap")]


def columns(chart: RenderedChart | None) -> list[str]:
    """Return the content of each column of the canvas, without blanks and the dashes of the limit."""
    return [re.sub("[ ╌.]", "", "".join(column)) for column in zip(*canvas(chart), strict=True)]
