"""How full the plan-wide windows were over the run: runs of an unchanged percentage, packed small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, pairwise
from math import isnan, nan
from struct import Struct
from typing import NamedTuple

from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.usage import Plan

MOST_RUNS = 300
"""Longest history kept, gaps included; beyond it the older half is thinned."""
MOST_WINDOWS = 4
"""No plan has more plan-wide windows; of what is beyond them no history is kept."""

_RUN = Struct("3d")
"""A run as it is kept: as objects, those of a hundred orgs would take ten times the room."""


class Level(NamedTuple):
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
class History:
    """What the utilization of one window was; its reset is a drop like any other."""

    packed: bytes = field(repr=False)
    """Every run, oldest first, without overlap; at least one."""

    @classmethod
    def begun(cls, at: float, percent: float) -> History:
        """The history of a first figure."""
        return cls(_RUN.pack(at, at, percent))

    @property
    def runs(self) -> list[Level]:
        """The runs, oldest first."""
        return [Level(*run) for run in _RUN.iter_unpack(self.packed)]

    @property
    def since(self) -> float:
        """When the first figure was read, epoch seconds."""
        return _first(self.packed).first

    @property
    def has_changed(self) -> bool:
        """Whether it was ever another percentage than at first."""
        first = _first(self.packed).percent
        return any(percent != first and not isnan(percent) for *_, percent in _RUN.iter_unpack(self.packed))

    def after(self, at: float, percent: float, most: float) -> History:
        """The history with one more figure, read at `at`; a pause longer than `most` seconds is a gap.

        A clock that went back takes the time it repeats out of the history.
        """
        first, last, known = _RUN.unpack_from(self.packed, len(self.packed) - _RUN.size)
        if not last <= at <= last + most or isnan(known):
            return self._resumed(at, percent, most)
        if known == percent:
            return History(self.packed[: -_RUN.size] + _RUN.pack(first, at, percent))
        return History(_thin(self.packed + _RUN.pack(at, at, percent)))

    def gap(self, at: float) -> History:
        """The history after a poll that read nothing."""
        last = _last(self.packed)
        if at <= last.last:
            return self
        if last.is_gap:
            return _ending(self.packed, last._replace(last=at))
        return _ending(self.packed, last, Level(last.last, at, nan))

    def _resumed(self, at: float, percent: float, most: float) -> History:
        """The history with a figure that comes after a gap, late, or by a clock that went back."""
        new, known = Level(at, at, percent), self._until(at)
        if not known:
            return History.begun(at, percent)
        last = _last(known)
        if last.is_gap:
            return _ending(known, last._replace(last=at), new)
        if at - last.last > most:
            return _ending(known, last, Level(last.last, at, nan), new)
        if last.percent == percent:
            return _ending(known, last._replace(last=at))
        return _ending(known, last, new)

    def _until(self, at: float) -> bytes:
        """What came before a moment: nothing is later than the newest figure."""
        if _last(self.packed).last <= at:
            return self.packed
        kept = [run for run in self.runs if run.first < at]
        return _packed([*kept[:-1], kept[-1]._replace(last=min(kept[-1].last, at))]) if kept else b""


Histories = Mapping[str, History]
"""By the label of the window."""


def histories_after(
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
    after: dict[str, History] = {}
    for window in plan.windows if isinstance(plan, Plan) else ():
        if window.percent is not None and window.plan_wide and len(after) < MOST_WINDOWS:
            past = before.get(window.label)
            after[window.label] = (
                past.after(moment, window.percent, pause) if past else History.begun(moment, window.percent)
            )
    if before.keys() <= after.keys():
        return after
    return {label: past.gap(moment) for label, past in before.items()} | after


def _first(packed: bytes) -> Level:
    return Level(*_RUN.unpack_from(packed))


def _last(packed: bytes) -> Level:
    return Level(*_RUN.unpack_from(packed, len(packed) - _RUN.size))


def _packed(runs: list[Level]) -> bytes:
    return b"".join(_RUN.pack(*run) for run in runs)


def _ending(packed: bytes, *runs: Level) -> History:
    """The history with these in the place of its last run."""
    return History(_thin(packed[: -_RUN.size] + _packed([*runs])))


def _thin(packed: bytes) -> bytes:
    """At most `MOST_RUNS` runs: in the older half every second stair goes, its time to the run before.

    A stair leads from one percentage to another; peaks, resets and gaps are none. Where there are no
    stairs two runs become one: a gap if either is one, else the higher percentage.
    """
    if len(packed) <= MOST_RUNS * _RUN.size:
        return packed
    half = MOST_RUNS // 2
    older = list(_RUN.iter_unpack(packed[: half * _RUN.size]))
    kept = _without_stairs(older)
    if len(kept) == half:
        kept = _in_pairs(older)
    return Struct(f"{3 * len(kept)}d").pack(*chain.from_iterable(kept)) + packed[half * _RUN.size :]


_Runs = list[tuple[float, ...]]


def _without_stairs(runs: _Runs) -> _Runs:
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


def _in_pairs(runs: _Runs) -> _Runs:
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return [(one[0], two[1], _higher(one[2], two[2])) for one, two in pairs]


def _higher(one: float, two: float) -> float:
    return nan if isnan(one) or isnan(two) else max(one, two)
