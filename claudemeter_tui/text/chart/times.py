"""The time axis: round local times, each under its column, none of them cut."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from claudemeter_tui.text.chart.frame import Edges, moment
from claudemeter_tui.text.format import local

_MOST = 7
_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320)
_DAY = timedelta(days=1)
_SET_BACK = timedelta(hours=2)  # the most that clocks are set back or forward
_YEARS = range(2, 9999)  # in which there are days before and after

Named = dict[int, str]
"""What a time is called, by its column."""


def named_times(edges: Edges, zone: tzinfo | None) -> Named:
    """Round local times between the edges, oldest first."""
    start, span = moment(edges.start), timedelta(seconds=edges.length)
    if not (start.year in _YEARS and moment(edges.end).year in _YEARS):
        return {}
    step = _step(span, edges.columns)
    zero = datetime.min  # noqa: DTZ901 - a Monday, on the wall
    wall = local(start, zone).replace(tzinfo=None) - _SET_BACK
    wall = zero + math.ceil((wall - zero) / step) * step
    found: dict[float, str] = {}
    for index in range(math.ceil((span + 2 * _SET_BACK) / step) + 1):
        text = _name(wall + index * step, span)
        for seconds in _instants(wall + index * step, zone, exact=step < _DAY):
            if edges.start <= seconds < edges.end:
                found.setdefault(seconds, text)
    return {edges.column(seconds): found[seconds] for seconds in sorted(found)}


def placed(times: Named, margin: int, width: int) -> tuple[Named, str]:
    """The times that have room, and a line of so many cells with each centred under its column."""
    kept, line = {}, ""
    for column, text in times.items():
        begin = margin + column - len(text) // 2
        if (not line or begin >= len(line) + 2) and begin + len(text) <= width:
            line = line.ljust(begin) + text
            kept[column] = text
    return kept, line.ljust(width)


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
    return span <= step * _MOST and span * (name + 2) <= step * columns


def _name(wall: datetime, span: timedelta) -> str:
    """`14:10`; over more than a day a midnight is `Sat`, over more than a week `Apr 25`."""
    if span <= _DAY or wall.hour or wall.minute:
        return f"{wall:%H:%M}"
    return f"{wall:%a}" if span <= 7 * _DAY else f"{wall:%b} {wall.day}"


def _instants(wall: datetime, zone: tzinfo | None, *, exact: bool) -> Iterator[float]:
    """When clocks show a local time, epoch seconds: twice where they are set back, never where forward.

    Not `exact`: a day whose midnight is skipped begins at its first moment.
    """
    for fold in (0, 1):
        here = wall.replace(fold=fold)
        found = (here.astimezone() if zone is None else here.replace(tzinfo=zone)).astimezone(UTC)
        if not exact or local(found, zone).replace(tzinfo=None) == wall:
            yield found.timestamp()
