"""Figures over time: runs of an unchanged value, packed small, with gaps where nothing was read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, pairwise
from math import isnan, nan
from operator import attrgetter
from struct import Struct
from typing import NamedTuple

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.windows import Plan

MAX_BRIDGED_PAUSE = timedelta(minutes=5)
"""A pause up to this, a poll or two that failed, starts nothing anew: `used_credits` counts through it."""


@dataclass(frozen=True, slots=True)
class MonotonicRise:
    """A time in which a figure never fell, without a long pause and without a jump of the clock."""

    first: datetime
    """When it began."""
    first_minor: Decimal
    """What the figure was then, minor units."""
    last: datetime
    """When it was read last."""
    last_minor: Decimal
    """What it was then."""
    rise_count: int = 0
    """How often it rose."""
    before_fall: MonotonicRise | None = None
    """What went before, if it ended with a fall: a figure that comes back at once was a placeholder."""

    @classmethod
    def start(cls, at: datetime, minor: Decimal) -> MonotonicRise:
        """The climb of a first value."""
        return cls(at, minor, at, minor)

    def compute_rise(self, minor: Decimal) -> Decimal:
        """By how much the figure rises with this value; a placeholder in between is no fall, so no rise."""
        back = (
            self.before_fall
            if self.before_fall is not None and minor >= self.before_fall.last_minor
            else self
        )
        return max(Decimal(0), minor - back.last_minor)

    def append(self, at: datetime, minor: Decimal, most: timedelta) -> MonotonicRise:
        """The climb after one more value; a pause longer than `most` and five minutes starts anew."""
        pause = at - self.last
        jumped = pause < timedelta(0) or (not pause and minor != self.last_minor)
        if jumped or pause > max(most, MAX_BRIDGED_PAUSE):
            return MonotonicRise.start(at, minor)
        if minor < self.last_minor:
            return replace(MonotonicRise.start(at, minor), before_fall=replace(self, before_fall=None))
        if self.before_fall is not None and minor >= self.before_fall.last_minor:
            return self.before_fall._extend(at, minor)  # noqa: SLF001 - one of our own
        return self._extend(at, minor)

    def _extend(self, at: datetime, minor: Decimal) -> MonotonicRise:
        rose = minor > self.last_minor
        fell = None if rose else self.before_fall
        return MonotonicRise(self.first, self.first_minor, at, minor, self.rise_count + rose, fell)


MAX_VALUE_RUNS = 500
"""Longest series kept, gaps included, the dots of a very wide chart; beyond it the older half is thinned."""


@dataclass(frozen=True, slots=True)
class ValueRun:
    """A stretch of time in which one value was read again and again, or none was."""

    minor: Decimal | None
    """Minor units. None: a gap, nothing was read."""
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class CreditSeries:
    """Samples of one figure: one reply, one currency, one exponent."""

    origin: MeterOrigin | None = None
    """The reply that the figure is read from. None: nothing was sampled yet."""
    unit: tuple[str, int] = ("", 2)
    """Currency and exponent."""
    runs: tuple[ValueRun, ...] = ()
    """Oldest first, without overlap."""
    total_rise: Decimal = Decimal(0)
    """The sum of the rises since the series began, minor units: a monthly reset never subtracts."""
    last_rise_at: datetime | None = field(default=None, compare=False)
    """When the newest rise was seen. None: none was."""
    monotonic_rise: MonotonicRise | None = field(default=None, compare=False)
    """Since when the values have only risen. None: nothing was sampled yet."""

    @property
    def spent(self) -> Money:
        """How much was spent since the series began."""
        return Money(self.total_rise, *self.unit)

    def compute_spent_since(self, moment: datetime) -> Money:
        """How much was spent since a moment, as far as it was seen."""
        begin = bisect_right(self.runs, moment, key=attrgetter("first")) - 1
        if begin < 0:
            return self.spent
        while begin and self.runs[begin].minor is None:
            begin -= 1
        known = [run.minor for run in self.runs[begin:] if run.minor is not None]
        return Money(sum((max(Decimal(0), b - a) for a, b in pairwise(known)), Decimal(0)), *self.unit)

    def append(self, at: datetime, origin: MeterOrigin, used: Money, most: timedelta) -> CreditSeries:
        """The series with one more sample, read at `at`.

        Another reply or another unit starts a new series: its difference is no spending. A pause
        longer than `most` leaves a gap. A clock that went back takes the time it repeats out of the
        series; what was spent meanwhile counts all the same.
        """
        if self.origin is not origin or self.unit != used.unit:
            return CreditSeries(
                origin,
                used.unit,
                (ValueRun(used.minor, at, at),),
                monotonic_rise=MonotonicRise.start(at, used.minor),
            )
        before = self.monotonic_rise or MonotonicRise.start(at, used.minor)
        rise, runs = (
            before.compute_rise(used.minor),
            _thin_value_runs(_append_sample(_drop_runs_after(self.runs, at), at, used.minor, most)),
        )
        climb, rose_at = before.append(at, used.minor, most), at if rise else self.last_rise_at
        return CreditSeries(origin, self.unit, runs, self.total_rise + rise, rose_at, climb)

    def append_gap(self, at: datetime) -> CreditSeries:
        """The series after a poll that read nothing; a series without a sample has no gap either."""
        if not self.runs or at <= self.runs[-1].last:
            return self
        return replace(self, runs=_thin_value_runs(_append_gap(self.runs, at)))


def _append_sample(
    runs: tuple[ValueRun, ...], at: datetime, minor: Decimal, most: timedelta
) -> tuple[ValueRun, ...]:
    """The runs with one more sample, none of them later than `at`."""
    if runs and (runs[-1].minor is None or at - runs[-1].last > most):
        runs = _append_gap(runs, at)
    elif runs and runs[-1].minor == minor:
        return (*runs[:-1], replace(runs[-1], last=at))
    return (*runs, ValueRun(minor, at, at))


def _append_gap(runs: tuple[ValueRun, ...], at: datetime) -> tuple[ValueRun, ...]:
    """The runs with a gap up to `at` as the last one: two gaps in a row are one."""
    last = runs[-1]
    if last.minor is None:
        return (*runs[:-1], replace(last, last=at))
    return (*runs, ValueRun(None, last.last, at))


def _drop_runs_after(runs: tuple[ValueRun, ...], at: datetime) -> tuple[ValueRun, ...]:
    """What came before a moment: nothing is later than the newest sample."""
    if not runs or runs[-1].last <= at:
        return runs
    kept = tuple(run for run in runs if run.first < at)
    return (*kept[:-1], replace(kept[-1], last=min(kept[-1].last, at))) if kept else ()


def _thin_value_runs(runs: tuple[ValueRun, ...]) -> tuple[ValueRun, ...]:
    """At most `MOST_RUNS` runs: the older half is thinned, its gaps stay or grow.

    Every second value that follows another value goes first, its time to the value before it. Where
    gaps leave none of these, every second value between two gaps goes, and the three are one gap.
    """
    if len(runs) <= MAX_VALUE_RUNS:
        return runs
    half = len(runs) // 2
    older = _drop_every_second(runs[:half], after_gap=False)
    if len(older) == half:
        older = _drop_every_second(runs[:half], after_gap=True)
    return (*older, *runs[half:])


def _drop_every_second(runs: tuple[ValueRun, ...], *, after_gap: bool) -> tuple[ValueRun, ...]:
    """The runs without every second value that follows a gap, or that follows another value."""
    kept = [runs[0]]
    spare = True
    for run in runs[1:]:
        follows_gap = kept[-1].minor is None
        candidate = run.minor is not None and follows_gap is after_gap
        if (candidate and spare) or (run.minor is None and follows_gap):
            kept[-1] = ValueRun(kept[-1].minor, kept[-1].first, run.last)
        else:
            kept.append(run)
        spare = spare is not candidate
    return tuple(kept)


MAX_PERCENT_RUNS = 300
"""Longest history kept, gaps included; beyond it the older half is thinned."""
MAX_HISTORIES = 4
"""No plan has more plan-wide windows; of what is beyond them no history is kept."""

_RUN_STRUCT = Struct("3d")
"""A run as it is kept: as objects, those of a hundred orgs would take ten times the room."""


class PercentRun(NamedTuple):
    """A run: a stretch of time in which one percentage was read again and again, or none was."""

    first: float
    """Seconds since the epoch."""
    last: float
    """Seconds since the epoch."""
    percent: float
    """Utilization, 0 or more, may exceed 100. NaN: a gap, nothing was read."""

    @property
    def is_gap(self) -> bool:
        """Whether nothing was read."""
        return isnan(self.percent)


@dataclass(frozen=True, slots=True)
class PercentHistory:
    """What the utilization of one window was; its reset is a drop like any other."""

    packed: bytes = field(repr=False)
    """Every run, oldest first, without overlap; at least one."""

    @classmethod
    def start(cls, at: float, percent: float) -> PercentHistory:
        """The history of a first figure."""
        return cls(_RUN_STRUCT.pack(at, at, percent))

    @property
    def runs(self) -> list[PercentRun]:
        """The runs, oldest first."""
        return [PercentRun(*run) for run in _RUN_STRUCT.iter_unpack(self.packed)]

    @property
    def since(self) -> float:
        """When the first figure was read, epoch seconds."""
        return _unpack_first(self.packed).first

    @property
    def has_changed(self) -> bool:
        """Whether it was ever another percentage than at first."""
        first = _unpack_first(self.packed).percent
        return any(
            percent != first and not isnan(percent) for *_, percent in _RUN_STRUCT.iter_unpack(self.packed)
        )

    def append(self, at: float, percent: float, most: float) -> PercentHistory:
        """The history with one more figure, read at `at`; a pause longer than `most` seconds is a gap.

        A clock that went back takes the time it repeats out of the history.
        """
        first, last, known = _RUN_STRUCT.unpack_from(self.packed, len(self.packed) - _RUN_STRUCT.size)
        if not last <= at <= last + most or isnan(known):
            return self._append_after_gap(at, percent, most)
        if known == percent:
            return PercentHistory(self.packed[: -_RUN_STRUCT.size] + _RUN_STRUCT.pack(first, at, percent))
        return PercentHistory(_thin_percent_runs(self.packed + _RUN_STRUCT.pack(at, at, percent)))

    def append_gap(self, at: float) -> PercentHistory:
        """The history after a poll that read nothing."""
        last = _unpack_last(self.packed)
        if at <= last.last:
            return self
        if last.is_gap:
            return _replace_last_run(self.packed, last._replace(last=at))
        return _replace_last_run(self.packed, last, PercentRun(last.last, at, nan))

    def _append_after_gap(self, at: float, percent: float, most: float) -> PercentHistory:
        """The history with a figure that comes after a gap, late, or by a clock that went back."""
        new, known = PercentRun(at, at, percent), self._drop_after(at)
        if not known:
            return PercentHistory.start(at, percent)
        last = _unpack_last(known)
        if last.is_gap:
            return _replace_last_run(known, last._replace(last=at), new)
        if at - last.last > most:
            return _replace_last_run(known, last, PercentRun(last.last, at, nan), new)
        if last.percent == percent:
            return _replace_last_run(known, last._replace(last=at))
        return _replace_last_run(known, last, new)

    def _drop_after(self, at: float) -> bytes:
        """What came before a moment: nothing is later than the newest figure."""
        if _unpack_last(self.packed).last <= at:
            return self.packed
        kept = [run for run in self.runs if run.first < at]
        return _pack_runs([*kept[:-1], kept[-1]._replace(last=min(kept[-1].last, at))]) if kept else b""


Histories = Mapping[str, PercentHistory]
"""By the label of the window."""


def append_to_histories(
    before: Histories, part: Reply | Failure | None, at: datetime, most: timedelta
) -> Histories:
    """The histories of the plan-wide windows after one more poll.

    Args:
        before: What they were.
        part: The usage reply, or what came instead. None: it was not asked for.
        at: When the poll was made.
        most: A longer pause is a gap.
    """
    if part is None:
        return before
    at, plan = (part.at, part.value) if isinstance(part, Reply) else (at, None)
    moment, pause = at.timestamp(), most.total_seconds()
    after: dict[str, PercentHistory] = {}
    for window in plan.windows if isinstance(plan, Plan) else ():
        if window.percent is not None and window.is_plan_wide and len(after) < MAX_HISTORIES:
            past = before.get(window.label)
            after[window.label] = (
                past.append(moment, window.percent, pause)
                if past
                else PercentHistory.start(moment, window.percent)
            )
    if before.keys() <= after.keys():
        return after
    return {label: past.append_gap(moment) for label, past in before.items()} | after


def _unpack_first(packed: bytes) -> PercentRun:
    return PercentRun(*_RUN_STRUCT.unpack_from(packed))


def _unpack_last(packed: bytes) -> PercentRun:
    return PercentRun(*_RUN_STRUCT.unpack_from(packed, len(packed) - _RUN_STRUCT.size))


def _pack_runs(runs: list[PercentRun]) -> bytes:
    return b"".join(_RUN_STRUCT.pack(*run) for run in runs)


def _replace_last_run(packed: bytes, *runs: PercentRun) -> PercentHistory:
    """The history with these in the place of its last run."""
    return PercentHistory(_thin_percent_runs(packed[: -_RUN_STRUCT.size] + _pack_runs([*runs])))


def _thin_percent_runs(packed: bytes) -> bytes:
    """At most `MOST_RUNS` runs: in the older half every second stair goes, its time to the run before.

    A stair leads from one percentage to another; peaks, resets and gaps are none. Where there are no
    stairs two runs become one: a gap if either is one, else the higher percentage.
    """
    if len(packed) <= MAX_PERCENT_RUNS * _RUN_STRUCT.size:
        return packed
    half = MAX_PERCENT_RUNS // 2
    older = list(_RUN_STRUCT.iter_unpack(packed[: half * _RUN_STRUCT.size]))
    kept = _drop_intermediate(older)
    if len(kept) == half:
        kept = _merge_pairs(older)
    return Struct(f"{3 * len(kept)}d").pack(*chain.from_iterable(kept)) + packed[half * _RUN_STRUCT.size :]


_RunTuples = list[tuple[float, ...]]


def _drop_intermediate(runs: _RunTuples) -> _RunTuples:
    kept, spare = runs[:1], True
    for run, after in pairwise(runs[1:]):
        first, _, before = kept[-1]
        percent = run[2]
        spare = spare and (before < percent < after[2] or before > percent > after[2])
        if spare:
            kept[-1] = (first, run[1], before)
        else:
            kept.append(run)
        spare = not spare
    return [*kept, runs[-1]]


def _merge_pairs(runs: _RunTuples) -> _RunTuples:
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return [(one[0], two[1], _get_higher_percent(one[2], two[2])) for one, two in pairs]


def _get_higher_percent(one: float, two: float) -> float:
    return nan if isnan(one) or isnan(two) else max(one, two)
