"""Since when a figure has only risen: what a rate can be reckoned from, known without looking back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

BRIDGED = timedelta(minutes=5)
"""A pause up to this, a poll or two that failed, starts nothing anew: `used_credits` counts through it."""


@dataclass(frozen=True, slots=True)
class Climb:
    """A time in which a figure never fell, without a long pause and without a jump of the clock."""

    first: datetime
    """When it began."""
    foot: Decimal
    """What the figure was then, minor units."""
    last: datetime
    """When it was read last."""
    top: Decimal
    """What it was then."""
    changes: int = 0
    """How often it rose."""
    fell: Climb | None = None
    """What went before, if it ended with a fall: a figure that comes back at once was a placeholder."""

    @classmethod
    def begun(cls, at: datetime, minor: Decimal) -> Climb:
        """The climb of a first value."""
        return cls(at, minor, at, minor)

    def risen(self, minor: Decimal) -> Decimal:
        """By how much the figure rises with this value; a placeholder in between is no fall, so no rise."""
        back = self.fell if self.fell is not None and minor >= self.fell.top else self
        return max(Decimal(0), minor - back.top)

    def after(self, at: datetime, minor: Decimal, most: timedelta) -> Climb:
        """The climb after one more value; a pause longer than `most` and five minutes starts anew."""
        pause = at - self.last
        jumped = pause < timedelta(0) or (not pause and minor != self.top)
        if jumped or pause > max(most, BRIDGED):
            return Climb.begun(at, minor)
        if minor < self.top:
            return replace(Climb.begun(at, minor), fell=replace(self, fell=None))
        if self.fell is not None and minor >= self.fell.top:
            return self.fell._risen(at, minor)  # noqa: SLF001 - one of our own
        return self._risen(at, minor)

    def _risen(self, at: datetime, minor: Decimal) -> Climb:
        rose = minor > self.top
        fell = None if rose else self.fell
        return Climb(self.first, self.foot, at, minor, self.changes + rose, fell)
