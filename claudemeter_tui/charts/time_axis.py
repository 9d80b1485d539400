"""The time axis of a chart: span, round local times, and letters for events."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from claudemeter_tui.formatting.values import format_short_day, to_local
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.windows import Severity

MIN_CHART_WIDTH, MIN_CHART_HEIGHT = 24, 3
"""Least columns and lines of a chart."""
MIN_AXIS_HEIGHT = 6
"""Least lines for a time axis above the times."""
MIN_SPAN_SECONDS = 300.0
"""Least seconds between the edges; a younger run fills only the left part."""
MAX_FRESH_AGE = timedelta(seconds=150)
"""Greatest age at which the newest figure still holds; an older one is followed by a gap."""

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
"""The first and last time of the calendar: clamping to earlier ones would reverse the order of times."""


@dataclass(frozen=True, slots=True)
class ChartFrame:
    """The size and span of a chart."""

    now: datetime
    width: int
    """Cells, with the scale."""
    height: int
    """Lines, with the time axis."""
    span: timedelta | None = None
    """Longest time to look back, a minute or more. None for all since the first figure."""
    zone: tzinfo | None = None
    """Zone of the times. None for the system's own."""
    ascii_only: bool = False
    """ASCII only."""
    max_fresh_age: timedelta = MAX_FRESH_AGE
    """Greatest age at which the newest figure still holds."""
    margin: int = 0
    """Least cells of the scale, so that two stacked charts are aligned."""

    @property
    def has_room(self) -> bool:
        """True if there is room for a chart."""
        return self.width >= MIN_CHART_WIDTH and self.height >= MIN_CHART_HEIGHT

    @property
    def has_axis(self) -> bool:
        """True if the time axis has a line of its own."""
        return self.height >= MIN_AXIS_HEIGHT

    @property
    def rows(self) -> int:
        """Lines of the canvas."""
        return self.height - (2 if self.has_axis else 1)

    @property
    def dots_per_cell(self) -> int:
        """Dots in the width and in the height of a cell."""
        return 1 if self.ascii_only else 2

    def find_start(self, since: float) -> float:
        """Return the left edge in epoch seconds, never before the first figure."""
        if self.span is None:
            return since
        return max(since, self.now.timestamp() - self.span.total_seconds())

    def compute_edges(self, since: float, columns: int) -> TimeEdges:
        """Return the edges of a canvas; with a fixed span they move by whole dots."""
        now, dots = max(since, self.now.timestamp()), columns * self.dots_per_cell
        if self.span is not None:
            whole = self.span.total_seconds()
            end = math.ceil(now * dots / whole) * whole / dots
            if end - whole > since:
                return TimeEdges(end - whole, end, now, columns, self.dots_per_cell)
        return TimeEdges(since, max(now, since + MIN_SPAN_SECONDS), now, columns, self.dots_per_cell)


@dataclass(frozen=True, slots=True)
class TimeEdges:
    """Maps time to columns; all times are epoch seconds."""

    start: float
    end: float
    """After the start; may be in the future."""
    now: float
    columns: int
    dots_per_cell: int
    """Dots in the width of a cell."""

    @property
    def dots(self) -> int:
        """Dots from edge to edge."""
        return self.columns * self.dots_per_cell

    @property
    def length(self) -> float:
        """Seconds from edge to edge."""
        return self.end - self.start

    @property
    def next_dot_at(self) -> float:
        """The moment at which the current dot ends."""
        return self.start + math.ceil(self.compute_dot(self.now)) * self.length / self.dots

    def compute_dot(self, moment: float) -> float:
        """Return the distance of a moment from the left edge in dots."""
        return (moment - self.start) / self.length * self.dots

    def find_column(self, moment: float) -> int:
        """Return the column of a moment between the edges."""
        return max(0, min(self.columns - 1, math.floor(self.compute_dot(moment) / self.dots_per_cell)))

    def find_right_edge(self, column: int) -> float:
        """Return the moment at the right edge of a column, at most now."""
        return min(self.now, self.start + self.length * (column + 1) / self.columns)


def to_datetime(seconds: float) -> datetime:
    """Convert epoch seconds to a time."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        return EARLIEST if seconds < 0 else LATEST


_MAX_LABELS = 7
_DAY = timedelta(days=1)
_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320)
_LABEL_STEPS = (
    *(timedelta(minutes=each) for each in _MINUTES),
    *(7 * _DAY * 2**power for power in range(20)),  # up to the whole calendar
)
_MAX_CLOCK_SHIFT = timedelta(hours=2)  # the most that clocks are set back or forward
_MAX_STEADY_SPAN = timedelta(days=14)
"""The longest axis on which clocks that agree at both ends have not been set forward and back in between."""
_SAFE_YEARS = range(2, 9999)  # in which there are days before and after

TimeLabels = dict[int, str]
"""The label of a time, by its column."""


def build_time_labels(edges: TimeEdges, zone: tzinfo | None) -> TimeLabels:
    """Return the round local times between the edges, oldest first."""
    start, end, span = to_datetime(edges.start), to_datetime(edges.end), timedelta(seconds=edges.length)
    if not (start.year in _SAFE_YEARS and end.year in _SAFE_YEARS):
        return {}
    step = next(step for step in _LABEL_STEPS if _has_room_for_labels(step, span, edges.columns))
    zero = datetime.min  # noqa: DTZ901 - a Monday, on the wall
    here = to_local(start, zone)
    is_shifted = span > _MAX_STEADY_SPAN or here.utcoffset() != to_local(end, zone).utcoffset()
    slack = _MAX_CLOCK_SHIFT if is_shifted else timedelta(0)
    wall = here.replace(tzinfo=None) - slack
    wall = zero + math.ceil((wall - zero) / step) * step
    found: dict[float, str] = {}
    for index in range(math.ceil((span + 2 * slack) / step) + 1):
        moment = wall + index * step
        for seconds in _find_instants(moment, zone, exact=step < _DAY):
            if edges.start <= seconds < edges.end:
                found.setdefault(seconds, _format_time_label(moment, span))
    return {edges.find_column(seconds): found[seconds] for seconds in sorted(found)}


def place_time_labels(times: TimeLabels, margin: int, width: int) -> tuple[TimeLabels, str]:
    """Return the labels that have room, and a line with each centred under its column."""
    kept, line = {}, ""
    for column, text in times.items():
        begin = margin + column - len(text) // 2
        if (not line or begin >= len(line) + 2) and begin + len(text) <= width:
            line = line.ljust(begin) + text
            kept[column] = text
    return kept, line.ljust(width)


def _has_room_for_labels(step: timedelta, span: timedelta, columns: int) -> bool:
    """True if labels at each of these steps fit side by side."""
    name = 5 if step < _DAY else 3 if span <= 7 * _DAY else 6
    return span <= step * _MAX_LABELS and span * (name + 2) <= step * columns


def _format_time_label(wall: datetime, span: timedelta) -> str:
    """Return `14:10`, `Sat` for a midnight if over a day is shown, `Apr 25` if over a week is."""
    if span <= _DAY or wall.hour or wall.minute:
        return f"{wall:%H:%M}"
    return f"{wall:%a}" if span <= 7 * _DAY else format_short_day(wall)


def _find_instants(wall: datetime, zone: tzinfo | None, *, exact: bool) -> Iterator[float]:
    """Yield the epoch seconds at which clocks show a local time: two if set back, none if skipped.

    Without `exact`, a day whose midnight is skipped begins at its first moment.
    """
    for fold in (0, 1):
        here = wall.replace(fold=fold)
        found = (here.astimezone() if zone is None else here.replace(tzinfo=zone)).astimezone(UTC)
        if not exact or to_local(found, zone).replace(tzinfo=None) == wall:
            yield found.timestamp()


@dataclass(frozen=True, slots=True)
class EventMark:
    """An ASCII letter for some kinds of events, the same in every terminal."""

    letter: str
    word: str
    """Word in the legend."""
    meaning: str
    """Meaning in the help."""
    kinds: tuple[EventKind, ...]


EVENT_MARKS = (
    EventMark(
        "B",
        "blocked",
        "work or credits blocked",
        (EventKind.BLOCKED, EventKind.CREDITS_BLOCKED, EventKind.STILL_BLOCKED),
    ),
    EventMark("W", "wait", "WAIT begins", (EventKind.WAIT,)),
    EventMark("C", "on credits", "ON CREDITS begins", (EventKind.ON_CREDITS,)),
    EventMark("F", "full", "a window is full", (EventKind.WINDOW_FILLED,)),
    EventMark("U", "unblocked", "work or credits unblocked", (EventKind.LIFTED,)),
    EventMark("R", "reset", "a window reset", (EventKind.WINDOW_RESET, EventKind.WINDOW_RESET_EARLY)),
    EventMark("P", "in the plan", "work is back in the plan", (EventKind.BACK_IN_PLAN,)),
    EventMark(
        "$", "money", "cap changed or balance refilled", (EventKind.CAP_CHANGED, EventKind.BALANCE_REFILLED)
    ),
)
"""The most important first: it is drawn if several share a column."""
_MARK_RANKS = {kind: weight for weight, mark in enumerate(EVENT_MARKS) for kind in mark.kinds}

MarkedEvents = Mapping[int, tuple[Event, ...]]
"""The events of each column that has any, the most important first."""
MarkLetters = Mapping[int, tuple[str, Severity]]
"""Letter and severity of each column that has a mark."""


def group_marked_events(events: Iterable[Event], edges: TimeEdges) -> MarkedEvents:
    """Group the events between the edges that have a mark by column."""
    found: dict[int, list[Event]] = {}
    for event in events:
        at = event.at.timestamp()
        if event.kind in _MARK_RANKS and edges.start <= at <= edges.now:
            found.setdefault(edges.find_column(at), []).append(event)
    return {
        column: tuple(sorted(each, key=lambda event: _MARK_RANKS[event.kind]))
        for column, each in found.items()
    }


def find_mark(event: Event) -> EventMark:
    """Return the mark of an event that has one."""
    return EVENT_MARKS[_MARK_RANKS[event.kind]]
