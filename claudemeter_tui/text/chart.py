"""Samples of the used credits as lines of plain text: steps, gaps as gaps, the cap as a line when near.

plotext makes blocks of points, and its quirks end here. Its figure is one for the whole process: draw
from one thread only. What is drawn is a grid of dots, two by two in a cell, one in a cell where only
ASCII will do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import zip_longest

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.samples import Run, Series
from claudemeter_tui.text.format import local, money

NARROWEST, LOWEST = 24, 3
"""Columns and lines below which there is no chart."""
SHORTEST = timedelta(minutes=5)
"""The whole run is drawn as no shorter than this, so that it grows in from the right."""
FRESH = timedelta(seconds=150)
"""How old the newest sample may be and still hold until now; what follows an older one is blank."""

_LEAST_CANVAS = 8
_LEAST_RANGE = Decimal(10)  # minor units from bottom to top: three cents are a small step, not a leap
_MOST_TIMES = 7
_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320)
_DAY = timedelta(days=1)


def chart(
    series: Series,
    now: datetime,
    width: int,
    height: int,
    *,
    span: timedelta | None = None,
    cap: Money | None = None,
    zone: tzinfo | None = None,
    plain: bool = False,
    fresh: timedelta = FRESH,
) -> tuple[str, ...]:
    """The series as `height` lines of `width` cells; no line where there is no room, or nothing to see.

    In every line but the last the axis is the first `┤` or `│`, in ASCII the first `+` or `|`.

    Args:
        series: What to draw.
        now: The right edge.
        width: Cells, the money axis included.
        height: Lines, the line of times included.
        span: How far back the left edge is, a minute or more. None: the first sample is the left edge.
        cap: Drawn as a dashed line where it is near. None: there is none.
        zone: The zone of the times. None: the system's own.
        plain: ASCII only.
        fresh: How old the newest sample may be and still hold until now.
    """
    picture = _picture(series, _Frame(now, width, height, span, cap, plain, fresh))
    if picture is None:
        return ()
    return (*picture.rows(_canvas(picture)), _times(picture, width, zone))


def column_at(
    series: Series,
    now: datetime,
    width: int,
    height: int,
    x: int,
    *,
    span: timedelta | None = None,
    cap: Money | None = None,
    plain: bool = False,
    fresh: timedelta = FRESH,
) -> tuple[datetime, Money | None] | None:
    """What the chart of the same arguments shows in its column `x`: a time, and the amount held then.

    The time is the column's right edge. Nothing off the canvas; no amount where the column is blank.
    """
    picture = _picture(series, _Frame(now, width, height, span, cap, plain, fresh))
    if picture is None or not 0 <= x - picture.margin < picture.columns:
        return None
    column = x - picture.margin + 1
    dots = picture.levels()[(column - 1) * picture.fine : column * picture.fine]
    level = next((dot for dot in reversed(dots) if dot is not None), None)
    moment = picture.start + (picture.now - picture.start) * (column / picture.columns)
    return moment, None if level is None else Money(level, *series.unit)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What part of a series is drawn, and how large: the arguments of `chart`."""

    now: datetime
    width: int
    height: int
    span: timedelta | None
    cap: Money | None
    plain: bool
    fresh: timedelta


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time for which one value held."""

    minor: Decimal
    begin: datetime
    end: datetime
    joined: bool
    """Whether another value held right before it."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where an amount stands: row 0 is the lowest."""

    low: Decimal
    high: Decimal
    cap: Decimal | None
    """None: there is none, or it is too far to be drawn."""
    rows: int
    fine: int
    """Dots in the height of a cell."""

    def dot(self, minor: Decimal) -> int:
        """The dot of an amount; what is below the cap never stands on the cap's row."""
        dot = self._dot(minor)
        if self.cap is None or minor >= self.cap:
            return dot
        return max(0, min(dot, self._dot(self.cap) // self.fine * self.fine - 1))

    def row(self, minor: Decimal) -> int:
        """The row of an amount."""
        return self.dot(minor) // self.fine

    def _dot(self, minor: Decimal) -> int:
        return round((minor - self.low) / (self.high - self.low) * (self.rows - 1) * self.fine)


@dataclass(frozen=True, slots=True)
class _Picture:
    """Everything that is decided before anything is drawn."""

    stretches: tuple[_Stretch, ...]
    start: datetime
    now: datetime
    scale: _Scale
    labels: dict[int, str]
    """What stands left of the axis, by row."""
    columns: int
    """Cells right of the axis."""
    plain: bool

    @property
    def fine(self) -> int:
        """Dots in the width of a cell, and in its height."""
        return self.scale.fine

    @property
    def margin(self) -> int:
        """Cells up to the canvas: labels, a blank, the axis."""
        return max(map(len, self.labels.values())) + 2

    def place(self, moment: datetime) -> float:
        """How many dots right of the left edge a moment is."""
        return (moment - self.start) / (self.now - self.start) * self.columns * self.fine

    def levels(self) -> list[Decimal | None]:
        """The newest value of every dot from left to right. None: nothing was read.

        A rise is in the dot of its moment; the edges of a gap are rounded to a dot, and a lone sample is one.
        """
        count = self.columns * self.fine
        levels: list[Decimal | None] = [None] * count
        for stretch in self.stretches:
            place = self.place(stretch.begin)
            begin = max(0, min(math.floor(place if stretch.joined else place + 0.5), count - 1))
            end = max(begin + 1, min(math.floor(self.place(stretch.end) + 0.5), count))
            levels[begin:end] = [stretch.minor] * (end - begin)
        return levels

    def rows(self, canvas: Sequence[str]) -> Iterator[str]:
        """The canvas with its axis and the cap, from top to bottom."""
        tick, line, dash = "+|." if self.plain else "┤│╌"
        at_cap = None if self.scale.cap is None else self.scale.row(self.scale.cap)
        for row, text in zip(reversed(range(self.scale.rows)), canvas, strict=True):
            label = self.labels.get(row, "").rjust(self.margin - 2)
            axis = tick if row in self.labels else line
            yield f"{label} {axis}{text.replace(' ', dash) if row == at_cap else text}"


def _picture(series: Series, frame: _Frame) -> _Picture | None:
    """What to draw; None where there is no room, or nothing to see."""
    if frame.width < NARROWEST or frame.height < LOWEST or not series.runs:
        return None
    now, cap = frame.now, frame.cap
    start = now - frame.span if frame.span else min(series.runs[0].first, now - SHORTEST)
    stretches = tuple(_stretches(series.runs, start, now, frame.fresh))
    if not stretches:
        return None
    limit = cap.minor if cap is not None and cap.unit == series.unit else None
    values = [stretch.minor for stretch in stretches]
    scale = _scale(values, limit, frame.height - 1, 1 if frame.plain else 2)
    labels = _labels(scale, values, series.unit)
    columns = frame.width - max(map(len, labels.values())) - 2
    if columns < _LEAST_CANVAS:
        return None
    return _Picture(stretches, start, now, scale, labels, columns, frame.plain)


def _stretches(runs: Sequence[Run], start: datetime, now: datetime, fresh: timedelta) -> Iterator[_Stretch]:
    """The values that held between the edges; one holds until the next begins, or until a gap."""
    joined = False
    for run, after in zip_longest(runs, runs[1:]):
        held = now if now - run.last <= fresh else run.last
        end = held if after is None else after.first
        if run.minor is not None and end >= start and run.first <= now:
            yield _Stretch(run.minor, run.first, end, joined)
        joined = run.minor is not None


def _scale(values: Sequence[Decimal], cap: Decimal | None, rows: int, fine: int) -> _Scale:
    """The range of the money axis: from zero where that is near, up to the cap where that is."""
    low, high = min(values), max(values)
    near = cap if cap is not None and _is_near(low, high, values[-1], cap) else None
    least = max(_LEAST_RANGE, high / 10**9)
    if low == high:
        half = max(least / 2, Decimal(0) if near is None else abs(near - low))
        return _Scale(low - half, low + half, near, rows, fine)
    bottom = Decimal(0) if 3 * low <= high else low
    if near is not None:
        bottom, high = min(bottom, near), max(high, near)
    missing = max(Decimal(0), least - (high - bottom))
    bottom = max(Decimal(0), bottom - missing / 2)
    return _Scale(bottom, max(high, bottom + least), near, rows, fine)


def _is_near(low: Decimal, high: Decimal, newest: Decimal, cap: Decimal) -> bool:
    """Whether the cap is in the range anyway, or can be without flattening the steps."""
    if low <= cap <= high:
        return True
    steps, whole = high - low, max(high, cap) - min(low, cap)
    return newest * 10 > cap * 6 and (not steps or steps * 4 >= whole)


def _labels(scale: _Scale, values: Sequence[Decimal], unit: tuple[str, int]) -> dict[int, str]:
    """The cap and the amounts that matter, as far as they have room; round ones fill what is left."""
    low, high = min(values), max(values)
    labels = {} if scale.cap is None else {scale.row(scale.cap): "cap"}
    for minor in (values[-1], low if scale.low else Decimal(0), high):
        _put(labels, scale.row(minor), money(Money(minor, *unit)), 1)
    for minor in _round_amounts(scale) if low < high else ():
        _put(labels, scale.row(minor), money(Money(minor, *unit)), 2 if scale.rows > 4 else 1)
    if scale.cap is not None and len(labels) == 1:
        return dict.fromkeys(labels, f"cap {money(Money(scale.cap, *unit))}")
    return labels


def _put(labels: dict[int, str], row: int, text: str, apart: int) -> None:
    """Add a label where none is nearer than `apart` rows and none says the same."""
    if text not in labels.values() and all(abs(row - other) >= apart for other in labels):
        labels[row] = text


def _round_amounts(scale: _Scale) -> Iterator[Decimal]:
    """Round amounts within the range, about one in two rows."""
    least = max(Decimal(1), (scale.high - scale.low) * 2 / scale.rows)
    power = Decimal(10) ** least.adjusted()
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    first = max(0, math.ceil(scale.low / step))
    yield from (step * n for n in range(first, math.floor(scale.high / step) + 1))


def _points(picture: _Picture) -> Iterator[tuple[int, int, str]]:
    """Every dot of the line: column, row and ASCII mark; a step has its riser, a gap has nothing."""
    before: int | None = None
    for column, level in enumerate(picture.levels()):
        if level is None:
            before = None
            continue
        dot = picture.scale.dot(level)
        ends = (dot, dot if before is None else before)
        for between in range(min(ends), max(ends) + 1):
            yield column, between, "-" if ends[0] == ends[1] else "+" if between in ends else "|"
        before = dot


def _canvas(picture: _Picture) -> Sequence[str]:
    """The line as block characters, each row as wide as the canvas."""
    import plotext  # noqa: PLC0415 - the first frame does not wait for it

    columns, rows, fine = picture.columns, picture.scale.rows, picture.fine
    x, y, marks = zip(*_points(picture), strict=True)
    plotext.clear_figure()
    plotext.limit_size(False, False)  # after every clear, else the size is cut to the terminal's
    plotext.plot_size(columns, rows)
    plotext.theme("clear")
    plotext.xaxes(False, False)
    plotext.yaxes(False, False)
    plotext.xfrequency(0)
    plotext.yfrequency(0)
    plotext.xlim(0, columns * fine - 1)
    plotext.ylim(0, rows * fine - 1)
    plotext.scatter(x, y, marker=list(marks) if picture.plain else "hd")
    drawn = str(plotext.uncolorize(plotext.build())).splitlines()
    return [line.ljust(columns) for line in drawn[:rows]]


def _times(picture: _Picture, width: int, zone: tzinfo | None) -> str:
    """The last line: local times, each centred under its column, none of them cut."""
    line = ""
    for moment, text in _ticks(picture, zone):
        column = picture.margin + math.floor(picture.place(moment) / picture.fine)
        begin = column - len(text) // 2
        if (not line or begin >= len(line) + 2) and begin + len(text) <= width:
            line = line.ljust(begin) + text
    return line.ljust(width)


def _ticks(picture: _Picture, zone: tzinfo | None) -> Iterable[tuple[datetime, str]]:
    """Round local times between the edges, and what each is called, oldest first."""
    span = picture.now - picture.start
    step = _step(span, picture.columns)
    zero = datetime.min  # noqa: DTZ901 - a Monday, on the wall
    set_back = timedelta(hours=2)  # the most that clocks are set back or forward
    wall = local(picture.start, zone).replace(tzinfo=None) - set_back
    wall = zero + math.ceil((wall - zero) / step) * step
    ticks: dict[datetime, str] = {}
    for index in range(math.ceil((span + 2 * set_back) / step) + 1):
        text = _name(wall + index * step, span)
        for moment in _instants(wall + index * step, zone, exact=step < _DAY):
            if picture.start <= moment < picture.now:
                ticks.setdefault(moment, text)
    return sorted(ticks.items())


def _step(span: timedelta, columns: int) -> timedelta:
    """The shortest round step whose names have room, and are few enough to be calm."""
    for step in (timedelta(minutes=each) for each in _MINUTES):
        if _is_calm(step, span, columns):
            return step
    step = 7 * _DAY
    while not _is_calm(step, span, columns):
        step *= 2
    return step


def _is_calm(step: timedelta, span: timedelta, columns: int) -> bool:
    name = 5 if step < _DAY else 3 if span <= 7 * _DAY else 6
    return span <= step * _MOST_TIMES and span * (name + 2) <= step * columns


def _name(wall: datetime, span: timedelta) -> str:
    """`14:10`; over more than a day a midnight is `Sat`, over more than a week `Apr 25`."""
    if span <= _DAY or wall.hour or wall.minute:
        return f"{wall:%H:%M}"
    return f"{wall:%a}" if span <= 7 * _DAY else f"{wall:%b} {wall.day}"


def _instants(wall: datetime, zone: tzinfo | None, *, exact: bool) -> Iterator[datetime]:
    """The moments at which clocks show a local time: two where they are set back, none where forward.

    Not `exact`: a day whose midnight is skipped begins at its first moment.
    """
    for fold in (0, 1):
        here = wall.replace(fold=fold)
        moment = (here.astimezone() if zone is None else here.replace(tzinfo=zone)).astimezone(UTC)
        if not exact or local(moment, zone).replace(tzinfo=None) == wall:
            yield moment
