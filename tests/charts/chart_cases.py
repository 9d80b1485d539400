"""Charts for tests: samples that grow, and a picture taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.charts.chart import RenderedChart
from claudemeter_tui.charts.time_axis import ChartFrame
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries, PercentHistory
from claudemeter_tui.model.windows import Severity
from tests.model.readings import CHROME, START

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CAP = Money(Decimal(5000), "USD")
TIME = re.compile(r"\d\d:\d\d|Mon|Tue|Wed|Thu|Fri|Sat|Sun|[A-Z][a-z]{2} \d{1,2}")
EDGE = re.compile("[┤│+|]")
"""The axis of a scale."""


def series(
    cents: Sequence[int | None], step: timedelta = MINUTE, unit: tuple[str, int] = ("USD", 2)
) -> CreditSeries:
    """One sample a step; None: nothing was read then."""
    grown = CreditSeries()
    for index, value in enumerate(cents):
        moment = START + index * step
        if value is None:
            grown = grown.append_gap(moment)
        else:
            grown = grown.append(moment, MeterOrigin.OWN_OVERAGE, Money(Decimal(value), *unit), 2.5 * step)
    return grown


def history(percents: Sequence[float | None], step: timedelta = MINUTE) -> PercentHistory:
    """One figure a step, the first of them known; None: nothing was read then."""
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
    """Something that happened."""
    return Event(kind, at, CHROME, severity=severity)


def frame(now: datetime, width: int = 60, height: int = 8, span: timedelta | None = None) -> ChartFrame:
    """What a chart is drawn in; the times are in UTC."""
    return ChartFrame(now, width, height, span, UTC)


def lines(chart: RenderedChart | None) -> list[str]:
    """The picture as text, from top to bottom; nothing of no chart."""
    return ["".join(text for text, _ in line) for line in chart.lines] if chart else []


def canvas(chart: RenderedChart | None) -> list[str]:
    """What stands right of the scale, without the time axis."""
    below = 2 if chart is not None and chart.has_axis else 1
    return [EDGE.split(line, maxsplit=1)[1] for line in lines(chart)[:-below]]


def labels(chart: RenderedChart | None) -> list[str]:
    """What stands left of the axis, from top to bottom, as far as there is anything."""
    below = 2 if chart is not None and chart.has_axis else 1
    words = (EDGE.split(line, maxsplit=1)[0].strip() for line in lines(chart)[:-below])
    return [word for word in words if word]


def amounts(chart: RenderedChart | None) -> list[float]:
    """The labels as figures; the cap has none."""
    return [float(re.sub(r"[^\d.]", "", label)) for label in labels(chart) if not label.startswith("cap")]


def columns(chart: RenderedChart | None) -> list[str]:
    """The canvas turned: what stands in each column of it, without blanks and the limit's dashes."""
    return [re.sub("[ ╌.]", "", "".join(column)) for column in zip(*canvas(chart), strict=True)]
