"""Charts for tests: samples that grow, and a picture taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.model.events import Event, Kind
from claudemeter_tui.model.history import History
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Series
from claudemeter_tui.model.usage import Origin, Severity
from claudemeter_tui.text.chart import Chart, Frame
from tests.model.readings import CHROME, START

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CAP = Money(Decimal(5000), "USD")
TIME = re.compile(r"\d\d:\d\d|Mon|Tue|Wed|Thu|Fri|Sat|Sun|[A-Z][a-z]{2} \d{1,2}")
EDGE = re.compile("[┤│+|]")
"""The axis of a scale."""


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


def history(percents: Sequence[float | None], step: timedelta = MINUTE) -> History:
    """One figure a step, the first of them known; None: nothing was read then."""
    grown = History.begun(START.timestamp(), percents[0] or 0.0)
    for index, value in enumerate(percents[1:], start=1):
        moment = (START + index * step).timestamp()
        grown = grown.gap(moment) if value is None else grown.after(moment, value, 2.5 * step.total_seconds())
    return grown


def event(kind: Kind, at: datetime, severity: Severity = Severity.NORMAL) -> Event:
    """Something that happened."""
    return Event(kind, at, CHROME, severity=severity)


def frame(now: datetime, width: int = 60, height: int = 8, span: timedelta | None = None) -> Frame:
    """What a chart is drawn in; the times are in UTC."""
    return Frame(now, width, height, span, UTC)


def lines(chart: Chart | None) -> list[str]:
    """The picture as text, from top to bottom; nothing of no chart."""
    return ["".join(text for text, _ in line) for line in chart.lines] if chart else []


def canvas(chart: Chart | None) -> list[str]:
    """What stands right of the scale, without the time axis."""
    below = 2 if chart is not None and chart.has_axis else 1
    return [EDGE.split(line, maxsplit=1)[1] for line in lines(chart)[:-below]]


def labels(chart: Chart | None) -> list[str]:
    """What stands left of the axis, from top to bottom, as far as there is anything."""
    below = 2 if chart is not None and chart.has_axis else 1
    words = (EDGE.split(line, maxsplit=1)[0].strip() for line in lines(chart)[:-below])
    return [word for word in words if word]


def amounts(chart: Chart | None) -> list[float]:
    """The labels as figures; the cap has none."""
    return [float(re.sub(r"[^\d.]", "", label)) for label in labels(chart) if not label.startswith("cap")]


def columns(chart: Chart | None) -> list[str]:
    """The canvas turned: what stands in each column of it, without blanks and the limit's dashes."""
    return [re.sub("[ ╌.]", "", "".join(column)) for column in zip(*canvas(chart), strict=True)]
