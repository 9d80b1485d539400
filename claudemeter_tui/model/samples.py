"""What `used_credits` was over the run, as runs of an unchanged value."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter

from claudemeter_tui.model.climb import Climb
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.usage import Origin

MOST_RUNS = 500
"""Longest series kept, gaps included, the dots of a very wide chart; beyond it the older half is thinned."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of time in which one value was read again and again, or none was."""

    minor: Decimal | None
    """Minor units. None: a gap, nothing was read."""
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one figure: one reply, one currency, one exponent."""

    origin: Origin | None = None
    """The reply that the figure is read from. None: nothing was sampled yet."""
    unit: tuple[str, int] = ("", 2)
    """Currency and exponent."""
    runs: tuple[Run, ...] = ()
    """Oldest first, without overlap."""
    rise: Decimal = Decimal(0)
    """The sum of the rises since the series began, minor units: a monthly reset never subtracts."""
    rose_at: datetime | None = field(default=None, compare=False)
    """When the newest rise was seen. None: none was."""
    climb: Climb | None = field(default=None, compare=False)
    """Since when the values have only risen. None: nothing was sampled yet."""

    @property
    def risen(self) -> Money:
        """How much was spent since the series began."""
        return Money(self.rise, *self.unit)

    def risen_from(self, moment: datetime) -> Money:
        """How much was spent since a moment, as far as it was seen."""
        begin = bisect_right(self.runs, moment, key=attrgetter("first")) - 1
        if begin < 0:
            return self.risen
        while begin and self.runs[begin].minor is None:
            begin -= 1
        known = [run.minor for run in self.runs[begin:] if run.minor is not None]
        return Money(sum((max(Decimal(0), b - a) for a, b in pairwise(known)), Decimal(0)), *self.unit)

    def after(self, at: datetime, origin: Origin, used: Money, most: timedelta) -> Series:
        """The series with one more sample, read at `at`.

        Another reply or another unit starts a new series: its difference is no spending. A pause
        longer than `most` leaves a gap. A clock that went back takes the time it repeats out of the
        series; what was spent meanwhile counts all the same.
        """
        if self.origin is not origin or self.unit != used.unit:
            return Series(origin, used.unit, (Run(used.minor, at, at),), climb=Climb.begun(at, used.minor))
        before = self.climb or Climb.begun(at, used.minor)
        rise, runs = before.risen(used.minor), _thin(_joined(_until(self.runs, at), at, used.minor, most))
        climb, rose_at = before.after(at, used.minor, most), at if rise else self.rose_at
        return Series(origin, self.unit, runs, self.rise + rise, rose_at, climb)

    def gap(self, at: datetime) -> Series:
        """The series after a poll that read nothing; a series without a sample has no gap either."""
        if not self.runs or at <= self.runs[-1].last:
            return self
        return replace(self, runs=_thin(_open(self.runs, at)))


def _joined(runs: tuple[Run, ...], at: datetime, minor: Decimal, most: timedelta) -> tuple[Run, ...]:
    """The runs with one more sample, none of them later than `at`."""
    if runs and (runs[-1].minor is None or at - runs[-1].last > most):
        runs = _open(runs, at)
    elif runs and runs[-1].minor == minor:
        return (*runs[:-1], replace(runs[-1], last=at))
    return (*runs, Run(minor, at, at))


def _open(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    """The runs with a gap up to `at` as the last one: two gaps in a row are one."""
    last = runs[-1]
    if last.minor is None:
        return (*runs[:-1], replace(last, last=at))
    return (*runs, Run(None, last.last, at))


def _until(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    """What came before a moment: nothing is later than the newest sample."""
    if not runs or runs[-1].last <= at:
        return runs
    kept = tuple(run for run in runs if run.first < at)
    return (*kept[:-1], replace(kept[-1], last=min(kept[-1].last, at))) if kept else ()


def _thin(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """At most `MOST_RUNS` runs: the older half is thinned, its gaps stay or grow.

    Every second value that follows another value goes first, its time to the value before it. Where
    gaps leave none of these, every second value between two gaps goes, and the three are one gap.
    """
    if len(runs) <= MOST_RUNS:
        return runs
    half = len(runs) // 2
    older = _every_second(runs[:half], after_gap=False)
    if len(older) == half:
        older = _every_second(runs[:half], after_gap=True)
    return (*older, *runs[half:])


def _every_second(runs: tuple[Run, ...], *, after_gap: bool) -> tuple[Run, ...]:
    """The runs without every second value that follows a gap, or that follows another value."""
    kept = [runs[0]]
    spare = True
    for run in runs[1:]:
        follows_gap = kept[-1].minor is None
        candidate = run.minor is not None and follows_gap is after_gap
        if (candidate and spare) or (run.minor is None and follows_gap):
            kept[-1] = Run(kept[-1].minor, kept[-1].first, run.last)
        else:
            kept.append(run)
        spare = spare is not candidate
    return tuple(kept)
