"""What `used_credits` was over the run, as runs of an unchanged value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.usage import Origin

MOST_RUNS = 2_000
"""Longest series kept; beyond it the older half is thinned."""


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

    @property
    def risen(self) -> Money:
        """How much was spent since the series began."""
        return Money(self.rise, *self.unit)

    def after(self, at: datetime, origin: Origin, used: Money, most: timedelta) -> Series:
        """The series with one more sample.

        Another reply or another unit starts a new series: its difference is no spending. A pause
        longer than `most`, and a clock that went back, leave a gap.
        """
        if self.origin is not origin or self.unit != used.unit:
            return Series(origin, used.unit, (Run(used.minor, at, at),))
        if not self.runs:
            return replace(self, runs=(Run(used.minor, at, at),))
        last = self.runs[-1]
        if at < last.last:
            return replace(self, runs=_thin((*_until(self.runs, at), Run(used.minor, at, at))))
        if last.minor is None:
            return self._grown((*self.runs[:-1], replace(last, last=at)), at, used)
        if at - last.last > most:
            return self._grown((*self.runs, Run(None, last.last, at)), at, used)
        if last.minor == used.minor:
            return replace(self, runs=(*self.runs[:-1], replace(last, last=at)))
        return self._grown(self.runs, at, used)

    def gap(self, at: datetime) -> Series:
        """The series after a poll that read nothing."""
        if not self.runs or at < self.runs[-1].last:
            return self
        last = self.runs[-1]
        if last.minor is None:
            return replace(self, runs=(*self.runs[:-1], replace(last, last=at)))
        return replace(self, runs=_thin((*self.runs, Run(None, last.last, at))))

    def _grown(self, runs: tuple[Run, ...], at: datetime, used: Money) -> Series:
        known = next((run.minor for run in reversed(self.runs) if run.minor is not None), used.minor)
        rise = self.rise + max(Decimal(0), used.minor - known)
        return replace(self, runs=_thin((*runs, Run(used.minor, at, at))), rise=rise)


def _until(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    """What came before a moment: a clock set back takes the time it repeats out of the series."""
    kept = tuple(run for run in runs if run.first < at)
    return (*kept[:-1], replace(kept[-1], last=min(kept[-1].last, at))) if kept else ()


def _thin(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Every second run of the older half goes, gaps stay; its time goes to the run before it."""
    if len(runs) <= MOST_RUNS:
        return runs
    half = len(runs) // 2
    kept: list[Run] = []
    for index, run in enumerate(runs[:half]):
        spare = index % 2 == 1 and run.minor is not None and kept and kept[-1].minor is not None
        if spare:
            kept[-1] = replace(kept[-1], last=run.last)
        else:
            kept.append(run)
    return (*kept, *runs[half:])
