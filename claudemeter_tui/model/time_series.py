"""Figures over time: runs of an unchanged value in little memory, with gaps where nothing was read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from math import floor, inf, isnan, nan
from operator import attrgetter
from struct import Struct
from typing import Any, NamedTuple

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.windows import Plan

MAX_BRIDGED_PAUSE = timedelta(minutes=5)
"""Longest pause (a failed poll or two) that does not end a rise: `used_credits` keeps rising meanwhile."""


MAX_FALLS = 8
"""Maximum falls in a row that can turn out to be placeholders; one or two were seen."""


class MonotonicRise(NamedTuple):
    """A span in which a figure never fell, without a long pause or a jump of the clock."""

    first: datetime
    """Time of the first value."""
    first_minor: Decimal
    """First value, minor units."""
    last: datetime
    """Time of the last value."""
    last_minor: Decimal
    """Last value, minor units."""
    rise_count: int = 0
    """Number of rises."""
    before_fall: MonotonicRise | None = None
    """The previous rise, if it ended with a fall that may turn out to be a placeholder. None otherwise."""

    @property
    def fall_count(self) -> int:
        """Number of falls in a row that ended with this value."""
        return 0 if self.before_fall is None else 1 + self.before_fall.fall_count

    @classmethod
    def start(cls, at: datetime, minor: Decimal) -> MonotonicRise:
        """Start a rise with its first value."""
        return cls(at, minor, at, minor)

    def compute_rise(self, minor: Decimal) -> Decimal:
        """Return the increase by this value in minor units, 0 or more; 0 after a mere placeholder."""
        return max(Decimal(0), minor - self._find_base(minor).last_minor)

    def append(self, at: datetime, minor: Decimal, max_pause: timedelta) -> MonotonicRise:
        """Return the rise after one more value.

        A pause longer than both `max_pause` and five minutes starts a new rise.
        """
        # An equal or earlier time means that the clock was set back.
        pause = at - self.last
        has_jumped = pause < timedelta(0) or (not pause and minor != self.last_minor)
        if has_jumped or pause > max(max_pause, MAX_BRIDGED_PAUSE):
            return MonotonicRise.start(at, minor)
        if minor < self.last_minor:
            # Limit the chain, which a figure that keeps falling would extend without end.
            kept = self if self.fall_count < MAX_FALLS else self._replace(before_fall=None)
            return MonotonicRise.start(at, minor)._replace(before_fall=kept)
        base = self._find_base(minor)
        has_risen = minor > base.last_minor
        before_fall = None if has_risen else base.before_fall
        return MonotonicRise(
            base.first, base.first_minor, at, minor, base.rise_count + has_risen, before_fall
        )

    def _find_base(self, minor: Decimal) -> MonotonicRise:
        """Return the rise that the value belongs to.

        Values that fall and return at once were placeholders, so the old rise is kept until the next rise.
        """
        base = self
        while (before := base.before_fall) is not None and minor >= before.last_minor:
            base = before
        return base


MAX_VALUE_RUNS = 500
"""Maximum number of runs, including gaps: the dots of a very wide chart. Beyond it, the older half is
thinned.
"""


class ValueRun(NamedTuple):
    """A span in which every poll read the same value, or every poll failed."""

    minor: Decimal | None
    """Minor units. None for a gap: nothing was read."""
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class CreditSeries:
    """Samples of one figure, all from one source and in one unit."""

    origin: MeterOrigin | None = None
    """The source of the figure. None if nothing was sampled yet."""
    unit: tuple[str, int] = ("", 2)
    """Currency and exponent."""
    runs: tuple[ValueRun, ...] = ()
    """Runs, oldest first, without overlap."""
    total_rise: Decimal = Decimal(0)
    """Sum of all rises since the series began, minor units; a monthly reset does not lower it."""
    last_rise_at: datetime | None = field(default=None, compare=False)
    """Time of the latest rise. None if there was none."""
    monotonic_rise: MonotonicRise | None = field(default=None, compare=False)
    """The current rise. None if nothing was sampled yet."""
    start_rise: Decimal = Decimal(0)
    """Part of `total_rise` before the first run, such as before the program was started again."""

    @property
    def since(self) -> datetime | None:
        """Time of the first figure. None if there is none."""
        return next((run.first for run in self.runs if run.minor is not None), None)

    @property
    def spent(self) -> Money:
        """Amount spent since the first run."""
        return Money(self.total_rise - self.start_rise, *self.unit)

    def keep_last_run(self) -> CreditSeries:
        """Return the series with its last run only."""
        return replace(self, runs=self.runs[-1:], start_rise=self.total_rise)

    def compute_spent_since(self, moment: datetime) -> Money:
        """Return the amount spent since a moment, as far as the series reaches."""
        start = bisect_right(self.runs, moment, key=attrgetter("first")) - 1
        if start < 0:
            return self.spent
        while start and self.runs[start].minor is None:
            start -= 1
        minors = [run.minor for run in self.runs[start:] if run.minor is not None]
        return Money(sum((max(Decimal(0), b - a) for a, b in pairwise(minors)), Decimal(0)), *self.unit)

    def begin_at(self, moment: datetime) -> CreditSeries:
        """Return the series from a moment on; the run that holds then begins there."""
        start = bisect_right(self.runs, moment, key=attrgetter("first")) - 1
        if start < 0:
            return self
        kept = self.runs[start:]
        if kept[0].minor is None:
            kept = kept[1:]
        else:
            kept = (kept[0]._replace(first=moment, last=max(moment, kept[0].last)), *kept[1:])
        end = len(self.runs) - len(kept) + 1
        before = replace(self, runs=self.runs[:end]).compute_spent_since(self.runs[0].first)
        return replace(self, runs=kept, start_rise=self.start_rise + before.minor)

    def append(self, at: datetime, origin: MeterOrigin, used: Money, max_pause: timedelta) -> CreditSeries:
        """Return the series with one more sample, read at `at`.

        Another source or another unit starts a new series, because the difference is not spending. A pause
        longer than `max_pause` leaves a gap. If the clock went back, the repeated time is removed from the
        runs, but the amount spent in it still counts.
        """
        if self.origin is not origin or self.unit != used.unit:
            return CreditSeries(origin, used.unit).append(at, origin, used, max_pause)
        runs = self.runs
        if runs and at < runs[-1].last:
            runs = tuple(run._replace(last=min(run.last, at)) for run in runs if run.first < at)
        if runs and (runs[-1].minor is None or at - runs[-1].last > max_pause):
            runs = _append_gap(runs, at)
        if runs and runs[-1].minor == used.minor:
            runs = (*runs[:-1], runs[-1]._replace(last=at))
        else:
            runs = (*runs, ValueRun(used.minor, at, at))
        current = self.monotonic_rise or MonotonicRise.start(at, used.minor)
        rise = current.compute_rise(used.minor)
        return CreditSeries(
            origin,
            self.unit,
            _thin_value_runs(runs),
            self.total_rise + rise,
            at if rise else self.last_rise_at,
            current.append(at, used.minor, max_pause),
            self.start_rise,
        )

    def append_gap(self, at: datetime) -> CreditSeries:
        """Return the series after a poll that read nothing; a series without samples gets no gap."""
        if not self.runs or at <= self.runs[-1].last:
            return self
        return replace(self, runs=_thin_value_runs(_append_gap(self.runs, at)))


def _append_gap(runs: tuple[ValueRun, ...], at: datetime) -> tuple[ValueRun, ...]:
    """Return the runs with a gap up to `at` at the end; two gaps in a row become one."""
    last = runs[-1]
    if last.minor is None:
        return (*runs[:-1], last._replace(last=at))
    return (*runs, ValueRun(None, last.last, at))


def _thin_value_runs(runs: tuple[ValueRun, ...]) -> tuple[ValueRun, ...]:
    """Return at most `MAX_VALUE_RUNS` runs: the older half is thinned; its gaps remain or grow.

    First, remove every second value that follows another value, and extend the value before it over that
    time. If no value follows another one, remove every second value between two gaps, and join it and both
    gaps into one gap.
    """
    # One pass may remove only one run, and a pause adds two, so several passes may be needed.
    while len(runs) > MAX_VALUE_RUNS:
        half = len(runs) // 2
        older = _drop_every_second(runs[:half], after_gap=False)
        if len(older) == half:
            older = _drop_every_second(runs[:half], after_gap=True)
        if older[-1].minor is None and runs[half].minor is None:
            older, half = (*older[:-1], older[-1]._replace(last=runs[half].last)), half + 1
        runs = (*older, *runs[half:])
    return runs


def _drop_every_second(runs: tuple[ValueRun, ...], *, after_gap: bool) -> tuple[ValueRun, ...]:
    """Return the runs without every second value that follows a gap, or that follows another value."""
    kept = [runs[0]]
    drops_next = True
    for run in runs[1:]:
        follows_gap = kept[-1].minor is None
        is_candidate = run.minor is not None and follows_gap is after_gap
        if (is_candidate and drops_next) or (run.minor is None and follows_gap):
            kept[-1] = ValueRun(kept[-1].minor, kept[-1].first, run.last)
        else:
            kept.append(run)
        drops_next = drops_next is not is_candidate
    return tuple(kept)


MAX_PERCENT_RUNS = 300
"""Maximum number of runs, including gaps; beyond it, the older half is thinned."""
MAX_HISTORIES = 4
"""Maximum number of windows with a history. No known plan has more plan-wide windows."""

_RUN_STRUCT = Struct("3d")
"""Packed form of a run; as objects, the histories of a hundred orgs would need ten times the memory."""


class PercentRun(NamedTuple):
    """A span in which every poll read the same percentage, or every poll failed."""

    first: float
    """Start of the span, seconds since the epoch."""
    last: float
    """End of the span, seconds since the epoch."""
    percent: float
    """Utilization, 0 or more, may exceed 100. NaN for a gap: nothing was read."""

    @property
    def is_gap(self) -> bool:
        """True if nothing was read."""
        return isnan(self.percent)


@dataclass(frozen=True, slots=True)
class PercentHistory:
    """Utilization of one window over time; a reset is an ordinary drop."""

    packed: bytes = field(repr=False)
    """All runs, oldest first, without overlap; at least one."""

    @classmethod
    def start(cls, at: float, percent: float) -> PercentHistory:
        """Start a history with its first figure."""
        return cls(_RUN_STRUCT.pack(at, at, percent))

    @classmethod
    def from_runs(cls, runs: Iterable[PercentRun]) -> PercentHistory:
        """Return the history of these runs, at least one, oldest first, without overlap."""
        return cls(_pack_runs(runs))

    @property
    def runs(self) -> list[PercentRun]:
        """All runs, oldest first."""
        return [PercentRun(*run) for run in _RUN_STRUCT.iter_unpack(self.packed)]

    @property
    def since(self) -> float:
        """Time of the first figure, seconds since the epoch; infinite if there are only gaps."""
        runs = (PercentRun(*run) for run in _RUN_STRUCT.iter_unpack(self.packed))
        return next((run.first for run in runs if not run.is_gap), inf)

    @property
    def has_changed(self) -> bool:
        """True if any percentage differs from the first one."""
        known = (it for *_, it in _RUN_STRUCT.iter_unpack(self.packed) if not isnan(it))
        first = next(known, nan)
        return any(percent != first for percent in known)

    def append(self, at: float, percent: float, max_pause: float) -> PercentHistory:
        """Return the history with one more figure, read at `at`; a pause above `max_pause` leaves a gap.

        If the clock went back, the repeated time is removed from the history.
        """
        kept = self.packed
        if at < _unpack_last(kept).last:
            kept = _pack_runs(run._replace(last=min(run.last, at)) for run in self.runs if run.first < at)
            if not kept:
                return PercentHistory.start(at, percent)
        last, new = _unpack_last(kept), PercentRun(at, at, percent)
        if last.is_gap:
            return _replace_last_run(kept, last._replace(last=at), new)
        if at > last.last + max_pause:
            return _replace_last_run(kept, last, PercentRun(last.last, at, nan), new)
        if last.percent == percent:
            return PercentHistory(kept[: -_RUN_STRUCT.size] + _RUN_STRUCT.pack(last.first, at, percent))
        return _replace_last_run(kept, last, new)

    def extend_back(self, earlier: PercentHistory, max_pause: float) -> PercentHistory:
        """Return the history with the earlier runs before it, and never over it.

        A pause of more than `max_pause` seconds between both is a gap.
        """
        start = PercentRun(*_RUN_STRUCT.unpack_from(self.packed)).first
        firsts = memoryview(earlier.packed).cast("d")[::3]
        size = bisect_left(firsts, start) * _RUN_STRUCT.size
        if not size:
            return self
        last = _unpack_last(earlier.packed[:size])
        last = last._replace(last=start if last.is_gap else min(last.last, start))
        pause = [PercentRun(last.last, start, nan)] if start - last.last > max_pause else []
        kept = earlier.packed[: size - _RUN_STRUCT.size]
        return PercentHistory(kept + _pack_runs([last, *pause]) + self.packed)

    def append_gap(self, at: float) -> PercentHistory:
        """Return the history after a poll that read nothing."""
        last = _unpack_last(self.packed)
        if at <= last.last:
            return self
        if last.is_gap:
            return _replace_last_run(self.packed, last._replace(last=at))
        return _replace_last_run(self.packed, last, PercentRun(last.last, at, nan))


Histories = Mapping[str, PercentHistory]
"""Histories by the label of the window."""


def append_to_histories(
    before: Histories, part: Reply | Failure | None, at: datetime, max_pause: timedelta
) -> Histories:
    """Return the histories of the plan-wide windows after one more poll.

    Args:
        before: The previous histories.
        part: The usage reply or its failure. None if it was not requested.
        at: Time of the poll.
        max_pause: A longer pause is a gap.
    """
    if part is None:
        return before
    at, plan = (part.at, part.value) if isinstance(part, Reply) else (at, None)
    moment, pause_seconds = at.timestamp(), max_pause.total_seconds()
    after: dict[str, PercentHistory] = {}
    for window in plan.windows if isinstance(plan, Plan) else ():
        if window.percent is not None and window.is_plan_wide and len(after) < MAX_HISTORIES:
            history = before.get(window.label) or PercentHistory.start(moment, window.percent)
            after[window.label] = history.append(moment, window.percent, pause_seconds)
    # A window that the reply lacks gets a gap, not a zero.
    if before.keys() <= after.keys():
        return after
    return {label: history.append_gap(moment) for label, history in before.items()} | after


def _unpack_last(packed: bytes) -> PercentRun:
    # Nearly every poll only extends the last run, so only that run is unpacked.
    return PercentRun(*_RUN_STRUCT.unpack_from(packed, len(packed) - _RUN_STRUCT.size))


def _pack_runs(runs: Iterable[tuple[float, ...]]) -> bytes:
    return b"".join(_RUN_STRUCT.pack(*run) for run in runs)


def _replace_last_run(packed: bytes, *runs: PercentRun) -> PercentHistory:
    """Return the history with the last run replaced by these."""
    return PercentHistory(_thin_percent_runs(packed[: -_RUN_STRUCT.size] + _pack_runs(runs)))


def _thin_percent_runs(packed: bytes) -> bytes:
    """Return at most `MAX_PERCENT_RUNS` runs: in the older half, every second step is removed.

    A step lies between a lower and a higher percentage; peaks, resets and gaps are not steps. The run before
    a removed step is extended over its time. If there are no steps, every two runs become one: a gap if
    either is a gap, else the higher percentage.
    """
    end = MAX_PERCENT_RUNS // 2 * _RUN_STRUCT.size
    # One pass may remove only one run, and a pause adds two, so several passes may be needed.
    while len(packed) > MAX_PERCENT_RUNS * _RUN_STRUCT.size:
        older = list(_RUN_STRUCT.iter_unpack(packed[:end]))
        kept = _drop_steps(older)
        if len(kept) == len(older):
            # The pairs are complete, because half of MAX_PERCENT_RUNS is an even number.
            kept = [
                (first, last, nan if isnan(one) or isnan(two) else max(one, two))
                for (first, _, one), (_, last, two) in zip(older[::2], older[1::2], strict=True)
            ]
        packed = _pack_runs(kept) + packed[end:]
    return packed


def _drop_steps(runs: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Return the runs without every second step."""
    kept, drops_next = runs[:1], True
    for run, after in pairwise(runs[1:]):
        first, _, before = kept[-1]
        percent = run[2]
        drops_next = drops_next and (before < percent < after[2] or before > percent > after[2])
        if drops_next:
            kept[-1] = (first, run[1], before)
        else:
            kept.append(run)
        drops_next = not drops_next
    return [*kept, runs[-1]]


MAX_ARCHIVED_SLOTS = 1_000
"""Number of parts in which a span of the archive is thinned, at least the dots of a wide chart."""


class ArchivedSeries(NamedTuple):
    """The figures of one org over a span, from the archive."""

    since: datetime
    """Start of the span; the first figure may be later, and a gap that the span begins in is earlier."""
    until: datetime
    """End of the span, when the archive was read."""
    credits: CreditSeries
    """Used credits, with the source and unit that are in use at the end. Without runs if there are none."""
    histories: Histories
    """Utilization of each plan-wide window over time, by its label. Empty if there is none."""

    def thin(self, slots: int = MAX_ARCHIVED_SLOTS) -> ArchivedSeries:
        """Return the series with at most `4 * slots` runs each, however long the span is.

        The span is divided into slots. Of each, the first, the last, the lowest and the highest run remain,
        so that neither a peak nor a gap of at least a slot is lost.
        """
        start, end = self.since.timestamp(), self.until.timestamp()
        if end <= start:
            return self
        width, runs = (end - start) / slots, self.credits.runs
        firsts = [run.first.timestamp() for run in runs]
        kept = _select_runs(firsts, [run.minor for run in runs], start, width)
        histories = {}
        for label, history in self.histories.items():
            packed = history.runs
            values = [None if run.is_gap else run.percent for run in packed]
            places = _select_runs([run.first for run in packed], values, start, width)
            histories[label] = PercentHistory.from_runs(packed[place] for place in places)
        return self._replace(
            credits=replace(self.credits, runs=tuple(runs[place] for place in kept)),
            histories=histories,
        )

    def extend_credits(self, live: CreditSeries, max_pause: timedelta) -> CreditSeries:
        """Return a series of this run with the archived runs before it, and never over it.

        The archived runs are left out if they have another source or another unit, because the difference is
        not spending. A pause longer than `max_pause` between both is a gap.
        """
        archived = self.credits
        if not archived.runs:
            return live
        if not live.runs:
            return replace(archived, total_rise=archived.compute_spent_since(archived.runs[0].first).minor)
        if (archived.origin, archived.unit) != (live.origin, live.unit):
            return live
        start = live.runs[0].first
        kept = archived.runs[: bisect_left(archived.runs, start, key=attrgetter("first"))]
        if not kept:
            return live
        last = kept[-1]._replace(last=min(kept[-1].last, start))
        kept = (*kept[:-1], last)
        if last.minor is None or start - last.last > max_pause:
            kept = _append_gap(kept, start)
        before = CreditSeries(archived.origin, archived.unit, (*kept, live.runs[0]))
        rise = before.compute_spent_since(kept[0].first).minor
        return replace(live, runs=(*kept, *live.runs), total_rise=live.total_rise + rise)

    def extend_histories(self, live: Histories, max_pause: timedelta) -> Histories:
        """Return the histories of this run with the archived runs before them, and never over them.

        A pause longer than `max_pause` between both is a gap. Windows that only the archive has come last.
        """
        pause_seconds = max_pause.total_seconds()
        extended = {
            label: history.extend_back(self.histories[label], pause_seconds)
            if label in self.histories
            else history
            for label, history in live.items()
        }
        others = {
            label: history
            for label, history in self.histories.items()
            if label not in live and history.since < inf
        }
        room = max(0, MAX_HISTORIES - len(extended))
        return extended | dict(islice(others.items(), room))


def _select_runs(firsts: Sequence[float], values: Sequence[Any], start: float, width: float) -> Iterator[int]:
    """Yield the numbers of the first, lowest, highest and last run of each slot, in order.

    Args:
        firsts: Start of each run, epoch seconds, oldest first.
        values: Value of each run; None for a gap.
        start: Start of the first slot, epoch seconds; earlier runs belong to slots before it.
        width: Seconds of a slot.
    """
    begin = 0
    while begin < len(firsts):
        slot_end = start + (floor((firsts[begin] - start) / width) + 1) * width
        end = max(begin + 1, bisect_left(firsts, slot_end, begin))
        known = [place for place in range(begin, end) if values[place] is not None]
        extremes = (
            {min(known, key=values.__getitem__), max(known, key=values.__getitem__)} if known else set()
        )
        yield from sorted({begin, end - 1} | extremes)
        begin = end
