"""What part of the past a chart shows, and how large: its edges in time and in cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

NARROWEST, LOWEST = 24, 3
"""Columns and lines below which there is no chart."""
AXIS_FROM = 6
"""Lines from which the time axis has a line of its own above the times."""
SHORTEST = 300.0
"""Seconds: a younger run is drawn as if it were so long already, and grows in from the left."""
FRESH = timedelta(seconds=150)
"""How old the newest figure may be and still hold until now; what follows an older one is blank."""

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""Times that there are in every zone; what is beyond them is told as if it was then."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is wanted of a chart."""

    now: datetime
    width: int
    """Cells, the scale included."""
    height: int
    """Lines, those of the time axis included."""
    span: timedelta | None = None
    """How far back to look at most, a minute or more. None: to the first figure."""
    zone: tzinfo | None = None
    """Of the times. None: the system's own."""
    plain: bool = False
    """ASCII only."""
    fresh: timedelta = FRESH
    """How old the newest figure may be and still hold until now."""
    margin: int = 0
    """Cells that the scale has at least: two charts below each other have their times below each other."""

    @property
    def has_room(self) -> bool:
        """Whether anything can be drawn at all."""
        return self.width >= NARROWEST and self.height >= LOWEST

    @property
    def has_axis(self) -> bool:
        """Whether the time axis has a line of its own."""
        return self.height >= AXIS_FROM

    @property
    def rows(self) -> int:
        """Lines of the canvas."""
        return self.height - (2 if self.has_axis else 1)

    @property
    def fine(self) -> int:
        """Dots in the width of a cell, and in its height."""
        return 1 if self.plain else 2

    def start(self, since: float) -> float:
        """The left edge, epoch seconds: never before the first figure."""
        if self.span is None:
            return since
        return max(since, self.now.timestamp() - self.span.total_seconds())

    def edges(self, since: float, columns: int) -> Edges:
        """The edges of a canvas of so many columns; with a fixed span they move on by whole dots."""
        now, dots = max(since, self.now.timestamp()), columns * self.fine
        if self.span is not None:
            whole = self.span.total_seconds()
            end = math.ceil(now * dots / whole) * whole / dots
            if end - whole > since:
                return Edges(end - whole, end, now, columns, self.fine)
        return Edges(since, max(now, since + SHORTEST), now, columns, self.fine)


@dataclass(frozen=True, slots=True)
class Edges:
    """Where time stands on a canvas; all times are epoch seconds."""

    start: float
    end: float
    """After the start; it may be ahead of now."""
    now: float
    columns: int
    fine: int
    """Dots in the width of a cell."""

    @property
    def dots(self) -> int:
        """Dots from edge to edge."""
        return self.columns * self.fine

    @property
    def length(self) -> float:
        """Seconds from edge to edge."""
        return self.end - self.start

    @property
    def next_dot(self) -> float:
        """The moment at which the dot of now is over."""
        return self.start + math.ceil(self.place(self.now)) * self.length / self.dots

    def place(self, moment: float) -> float:
        """How many dots right of the left edge a moment is."""
        return (moment - self.start) / self.length * self.dots

    def column(self, moment: float) -> int:
        """The column of a moment between the edges."""
        return max(0, min(self.columns - 1, math.floor(self.place(moment) / self.fine)))

    def right_of(self, column: int) -> float:
        """The moment at the right edge of a column, now at most."""
        return min(self.now, self.start + self.length * (column + 1) / self.columns)


def moment(seconds: float) -> datetime:
    """The time of epoch seconds."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        return EARLIEST if seconds < 0 else LATEST
