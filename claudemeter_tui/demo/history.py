"""The past of the demo's orgs: a year of working days that never happened, up to the start of the demo.

The days are random, and the same in every run that starts at the same time. The last hours follow the script
of the day, so that the past ends with the figures with which the dashboard begins.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, DEMO_EMAIL, DEMO_SESSION
from claudemeter_tui.demo.timeline import (
    START_MINUTE,
    DemoLockCause,
    DemoOrg,
    find_first_day,
    interpolate,
)
from claudemeter_tui.history.cycles import Cycle
from claudemeter_tui.history.database import MILLISECOND, from_millis, to_millis
from claudemeter_tui.history.derivation import QUARTER
from claudemeter_tui.history.figures import PERCENT_UNIT
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import (
    FIVE_HOURS,
    SESSION_WINDOW_KEY,
    SEVEN_DAYS,
    WEEK_WINDOW_KEY,
    WINDOWS,
    Cause,
    CreditState,
    MeterOrigin,
)
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    Event,
    EventKind,
    merge_events,
)
from claudemeter_tui.model.history import (
    CAP_FIGURE,
    CREDITS_FIGURE,
    MONTH_FIGURE,
    USED_FIGURE,
    VERDICT_FIGURE,
    WINDOW_PREFIX,
    CycleSource,
)
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.trackers import WORKING_STATES, EventSink, find_unseen_end
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity

PAST_DAYS = 400
"""Days of the simulated past, enough for the longest span and the month in which it begins."""
CHART_DAYS = 366
"""Last days of it in which every figure is kept, enough for the longest chart (365 days)."""
EVENT_DAYS = 7
"""Last days of it with events."""
EMPTY_FOR = timedelta(days=2)
"""Time before the demo since which the balance of an org is empty if the script begins with that."""
_DAY = timedelta(days=1)
_MINUTE = 60_000
_SESSION, _WEEK = FIVE_HOURS // MILLISECOND, SEVEN_DAYS // MILLISECOND
"""Lengths in milliseconds."""
_ACTIVITY = (*[0.0] * 8, 0.3, *[0.8] * 3, 0.3, *[0.75] * 5, 0.4, *[0.2] * 4, 0.1)
"""Probability of work in a quarter of an hour, by local hour."""
_LARGE_AMOUNT = 30_000
"""Minor units spent in a month by one person; an org that starts with more has larger charges."""


_STATE_NAMES = {state: state.value for state in (*VerdictState, *CreditState)}
_ORIGIN_NAMES = {origin: origin.value for origin in MeterOrigin}
"""Looked up for each step: the attribute of an enumeration takes much longer."""
_RunValue = tuple[object, str, str]
"""Value, unit and detail."""


@dataclass
class SimulatedPast:
    """Rows of the derived tables, and events; times are milliseconds."""

    runs: list[tuple[str, int, int, object, str, str]] = field(default_factory=list)
    """Figure, first and last reading, value, unit, detail."""
    open_runs: list[tuple[str, int, int, object, str, str]] = field(default_factory=list)
    quarters: list[tuple[str, int, str, object]] = field(default_factory=list)
    undated: list[tuple[str, int, int, str, object]] = field(default_factory=list)
    """Figure, start, unit, rise."""
    cycles: list[tuple[object, ...]] = field(default_factory=list)
    """Figure, then the columns of `cycles` from `start_at` on."""
    open_cycles: list[tuple[object, ...]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def simulate_past(org: DemoOrg, start: datetime, zone: tzinfo | None) -> SimulatedPast:
    """Return the past of an org, up to the start of the demo."""
    plan = _Plan(org, start, zone)
    simulated = _Simulation(org, plan)
    for step in plan.steps:
        simulated.take(step)
    return simulated.finish()


def fill_archive(connection: sqlite3.Connection, org_row: int, past: SimulatedPast) -> None:
    """Insert the derived rows of an org."""
    names = {
        row[0]
        for rows in (
            past.runs,
            past.open_runs,
            past.quarters,
            past.undated,
            past.cycles,
            past.open_cycles,
        )
        for row in rows
    }
    connection.executemany("INSERT OR IGNORE INTO names (name) VALUES (?)", ((name,) for name in names))
    ids = dict(connection.execute("SELECT name, id FROM names"))

    def insert(table: str, rows: Iterable[tuple[object, ...]]) -> None:
        found = [(org_row, ids[name], *rest) for name, *rest in rows]
        if found:
            marks = ", ".join("?" * len(found[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", found)  # noqa: S608 - our names

    insert("runs", past.runs)
    insert("open_runs", past.open_runs)
    insert("quarters", ((name, start, unit, rise) for name, start, unit, rise in past.quarters))
    insert("undated_rises", past.undated)
    insert("ended_cycles", past.cycles)
    insert("open_cycles", past.open_cycles)


class _Step(NamedTuple):
    """A time in which the computer runs, and what is used in it."""

    at: int
    """Start, milliseconds since 1970."""
    length: int
    """Milliseconds."""
    session: int = 0
    """Percentage points by which the 5-hour window rises."""
    week: int = 0
    """Percentage points by which the 7-day window rises."""
    cents: int = 0
    """Credits that are spent, minor units."""
    session_start: int | None = None
    """Start of the 5-hour window according to the script. None if the first rise starts it."""


class _Plan:
    """All steps of an org, oldest first: random ones, then those of the script of the day.

    The amounts of the current week and month are scaled, so that both end as the demo begins.
    """

    def __init__(self, org: DemoOrg, start: datetime, zone: tzinfo | None) -> None:
        self._org = org
        first_day = find_first_day(start)
        self.start = to_millis(start)
        """Start of the demo."""
        self._day = to_millis(first_day)
        begins_at = org.windows[0][0][0] if org.windows else 0
        self.scripted = self._day + begins_at * _MINUTE
        """Start of the first window of the script; from here on the past follows it."""
        ended = first_day + timedelta(minutes=START_MINUTE - 1)
        month = datetime(ended.year, ended.month, 1, tzinfo=UTC)
        self.month_start = to_millis(month)
        """Start of the month in which the demo begins."""
        weeks = (
            to_millis(first_day + timedelta(minutes=org.week.reset_minute) - SEVEN_DAYS) if org.week else 0
        )
        self.week_start = weeks
        """Start of the 7-day window in which the demo begins; all others follow from it."""
        locks = org.own_credits.locks if org.own_credits is not None else ()
        is_empty = any(lock.first == 0 and lock.cause is DemoLockCause.EMPTY for lock in locks)
        earliest = to_millis(month + timedelta(hours=6))
        self.empty_at = min(self.scripted, max(earliest, to_millis(start - EMPTY_FOR))) if is_empty else None
        """Time from which the balance is empty. None if it is not."""
        self.steps = [*self._iterate_random_steps(start, zone), *self._iterate_script(begins_at)]
        self._scale_steps()

    def is_empty(self, at: int) -> bool:
        """Return True if the balance is empty at a time."""
        return self.empty_at is not None and at >= self.empty_at

    def _iterate_random_steps(self, start: datetime, zone: tzinfo | None) -> Iterator[_Step]:
        """Yield the working quarters of an hour before the script."""
        days = _RandomDays(self._org, self)
        last = start.astimezone(zone).date()
        for number in range(PAST_DAYS, -1, -1):
            for moment in _iterate_quarters(self._org, last - number * _DAY, zone):
                if to_millis(moment) + QUARTER > self.scripted:
                    return
                yield days.build_step(moment, _ACTIVITY[moment.astimezone(zone).hour])

    def _iterate_script(self, begins_at: int) -> Iterator[_Step]:
        """Yield the minutes of the script before the demo begins."""
        org, own, week = self._org, self._org.own_credits, self._org.week
        percent, reset = 0, None
        for minute in range(begins_at, START_MINUTE):
            if org.find_fault(minute) is not None:
                continue
            window = org.find_window(minute)
            if window is None or window[1] != reset:
                percent, reset = 0, window[1] if window is not None else None
            rise = window[0] - percent if window is not None else 0
            percent += rise
            begins = None if reset is None else self._day + reset * _MINUTE - _SESSION
            yield _Step(
                self._day + minute * _MINUTE,
                _MINUTE,
                rise,
                interpolate(week.points, minute) - interpolate(week.points, minute - 1) if week else 0,
                own.compute_used(minute) - own.compute_used(minute - 1) if own is not None else 0,
                begins,
            )

    def _scale_steps(self) -> None:
        """Scale the random steps, so that month and week end as the demo begins."""
        org, own, last = self._org, self._org.own_credits, START_MINUTE - 1
        if own is not None:
            end = self.scripted if self.empty_at is None else self.empty_at
            self._scale("cents", self.month_start, end, own.compute_used(last))
        if org.week is not None:
            self._scale("week", self.week_start, self.scripted, interpolate(org.week.points, last))

    def _scale(self, name: str, first: int, last: int, total: int) -> None:
        """Scale an amount of the random steps in a span; the total includes the script after `first`."""
        steps = self.steps
        total -= sum(getattr(step, name) for step in steps if step.at >= max(first, self.scripted))
        places = [place for place, step in enumerate(steps) if first <= step.at < last]
        raw = sum(getattr(steps[place], name) for place in places)
        if not raw:  # nothing was used in the span, so its last step gets everything
            later = (place for place, step in enumerate(steps) if step.at >= first)
            place = places[-1] if places else next(later, len(steps) - 1)
            known = getattr(steps[place], name)
            steps[place] = steps[place]._replace(**{name: known + total})
            return
        known = reached = 0
        for place in places:
            known += getattr(steps[place], name)
            amount = total * known // raw - reached
            reached += amount
            steps[place] = steps[place]._replace(**{name: amount})


class _RandomDays:
    """The use of one org while its random days are simulated."""

    def __init__(self, org: DemoOrg, plan: _Plan) -> None:
        self._org, self._plan = org, plan
        self._chance = random.Random(org.uuid)  # noqa: S311 - the same each time
        own = org.own_credits
        self._cap = own.find_cap(0) if own is not None else None
        self._scale = max(1, own.start_amount // _LARGE_AMOUNT) if own is not None else 1
        self._percent = self._week_percent = self._used = 0
        self._session_end = self._week = self._month = 0

    def build_step(self, moment: datetime, activity: float) -> _Step:
        """Return the use in a quarter of an hour, given the probability of work."""
        at = to_millis(moment)
        week = (at - self._plan.week_start) // _WEEK
        if moment.month != self._month:
            self._month, self._used = moment.month, 0
        if at >= self._session_end:
            self._percent = 0
        if week != self._week:
            self._week, self._week_percent = week, 0
        if self._chance.random() >= activity:
            return _Step(at, QUARTER)
        if self._org.windows and self._percent < 100 and self._week_percent < 100:
            return self._use_plan(at)
        return _Step(at, QUARTER, cents=self._spend(at))

    def _use_plan(self, at: int) -> _Step:
        if not self._percent:
            if at > self._plan.scripted - _SESSION:  # the script begins with a new window
                return _Step(at, QUARTER)
            self._session_end = at + _SESSION
        session = min(100 - self._percent, self._chance.choice((4, 6, 8, 10, 13)))
        week = self._chance.choice((0, 0, 1, 1)) if self._org.week else 0
        self._percent += session
        if at < self._plan.week_start:  # the current week is scaled
            self._week_percent += week
        return _Step(at, QUARTER, session, week)

    def _spend(self, at: int) -> int:
        """Return the cost of a quarter of an hour, minor units."""
        is_open = self._org.own_credits is not None and not self._plan.is_empty(at)
        if not is_open or self._chance.random() < 0.3:
            return 0
        cents = self._scale * self._chance.randrange(20, 240)
        if self._cap is not None and at < self._plan.month_start:  # the current month is scaled
            cents = min(cents, self._cap - self._used)
        self._used += cents
        return cents


def _iterate_quarters(org: DemoOrg, day: date, zone: tzinfo | None) -> Iterator[datetime]:
    """Yield the start of each quarter of an hour in which the computer runs on a local day."""
    chance = random.Random(f"{org.uuid} {day}")  # noqa: S311 - the same each time
    if day.toordinal() % 180 < 8 or chance.random() > (0.95 if day.weekday() < 5 else 0.35):
        return
    first, last = chance.randint(30, 37), chance.choice((72, 76, 80, 88, 92))
    midnight = datetime.combine(day, time.min)
    start = (midnight if zone is None else midnight.replace(tzinfo=zone)).astimezone(UTC)
    for number in range(first, last):
        yield start + number * QUARTER * MILLISECOND


class _Window:
    """One window that fills and resets."""

    def __init__(self, key: str, length: timedelta, unit: str, past: SimulatedPast) -> None:
        self.key, self.label = key, WINDOWS[key].label
        self.figure = f"{WINDOW_PREFIX}{key}"
        self.length = length // MILLISECOND
        self._unit, self._past = unit, past
        self.percent = 0
        self.start: int | None = None
        """Start of the cycle, milliseconds since 1970. None if it has not begun."""
        self.full_at: int | None = None
        self._peak_at = self._last = 0
        self._spent = 0

    @property
    def end(self) -> int | None:
        """Reset, milliseconds since 1970. None if the window has not started."""
        return self.start + self.length if self.start is not None else None

    @property
    def reset(self) -> str:
        """The reset as text, as in a run. Empty if the window has not started."""
        return str(self.start + self.length) if self.start is not None else ""

    def rise(self, at: int, percent: int) -> None:
        """Use a part of the allowance."""
        self.percent += percent
        self._peak_at = at
        self._past.quarters.append((self.figure, at, PERCENT_UNIT, percent))
        if self.percent >= 100 and self.full_at is None:
            self.full_at = at

    def see(self, until: int) -> None:
        """Keep the time of the last reading."""
        self._last = until

    def spend(self, cents: int) -> None:
        """Count credits that were spent in the cycle."""
        self._spent += cents

    def build_cycle(self, source: str) -> tuple[object, ...]:
        """Return the row of the cycle, which must have begun."""
        start, end = self.start or 0, self.end or 0
        last = min(end, self._last)
        full_ms = max(0, last - self.full_at) if self.full_at is not None else 0
        return (
            self.figure,
            *Cycle(
                start,
                CycleSource.OBSERVED,
                end,
                source,
                self.percent,
                PERCENT_UNIT,
                self._peak_at or start,
                self.full_at,
                full_ms,
                str(self._spent),
                self._unit if self._spent else "",
                last,
                int(self.full_at is not None),
            ),
        )

    def close(self, source: str) -> None:
        """End the cycle, if there is one."""
        if self.start is not None:
            self._past.cycles.append(self.build_cycle(source))
        self.percent, self.start, self.full_at, self._spent, self._peak_at = 0, None, None, 0, 0


class _Simulation:
    """The state of one org while its past is simulated."""

    def __init__(self, org: DemoOrg, plan: _Plan) -> None:
        self._past, self._plan = SimulatedPast(), plan
        own = org.own_credits
        self._unit = f"{own.currency}:2" if own is not None else ""
        self._cap = own.caps[0][1] if own is not None and own.caps else None
        self._origin = MeterOrigin.OVERAGE if org.pool is None else MeterOrigin.OWN_OVERAGE
        lengths = {SESSION_WINDOW_KEY: FIVE_HOURS} if org.windows else {}
        lengths |= {WEEK_WINDOW_KEY: SEVEN_DAYS} if org.week else {}
        self._windows = [_Window(key, length, self._unit, self._past) for key, length in lengths.items()]
        self._used = 0
        self._spent_at = 0
        self._month: tuple[int, int] | None = None
        """Start and end of the month."""
        self._capped_at: int | None = None
        self._runs: dict[str, tuple[int, _RunValue]] = {}
        """For each figure the first reading of its value, and the value."""
        self._read_at = 0
        """Last reading, of all figures."""
        account, owner = (
            Account(DEMO_ACCOUNT_UUID, DEMO_EMAIL),
            Org(org.uuid, org.name, is_shared=org.pool is not None),
        )
        self._owner = OrgState(owner, account, DEMO_SESSION)
        self._charts_from = plan.start - CHART_DAYS * _DAY // MILLISECOND
        self._events_from = plan.start - EVENT_DAYS * _DAY // MILLISECOND
        self._step_events: list[Event] = []
        self._state: VerdictState | None = None
        self._is_locked: bool | None = None
        self._ends_at: datetime | None = None
        """End of the state. None if it has none."""

    def take(self, step: _Step) -> None:
        """Simulate the time of one step."""
        at, until = step.at, step.at + step.length
        if self._month is None or at >= self._month[1]:
            self._begin_month(at)
        for window in self._windows:
            self._reset_if_due(window, at)
        self._begin_cycles(step)
        for window, rise in zip(self._windows, (step.session, step.week), strict=False):
            if rise:
                window.rise(at, rise)
                if window.full_at == at:
                    figures = {"before": float(window.percent - rise), "after": 100.0}
                    self._emit(
                        at,
                        EventKind.WINDOW_FILLED,
                        subject=window.label,
                        severity=Severity.FULL,
                        until=from_millis(window.end or 0),
                        **figures,
                    )
        if step.cents:
            self._used += step.cents
            self._spent_at = at
            self._past.quarters.append((USED_FIGURE, at, self._unit, step.cents))
            for window in self._windows:
                window.spend(step.cents)
            if self._is_capped and self._capped_at is None:
                self._capped_at = at
        for window in self._windows:
            window.see(until)
        self._judge(at, until)
        self._keep_events()

    def _keep_events(self) -> None:
        """Keep the events of a step: as in a run, one change is one event."""
        self._step_events.sort(key=attrgetter("at"))
        for _, events in groupby(self._step_events, attrgetter("at")):
            self._past.events += merge_events([*events])
        self._step_events.clear()

    def finish(self) -> SimulatedPast:
        """Return all rows."""
        past = self._past
        past.open_runs.extend(
            (figure, first, self._read_at, *value) for figure, (first, value) in self._runs.items()
        )
        past.open_cycles.extend(
            window.build_cycle(CycleSource.REPORTED) for window in self._windows if window.start is not None
        )
        if self._month is not None and self._unit:
            past.open_cycles.append(self._build_month(self._plan.start, CycleSource.CALENDAR))
        past.quarters = _sum_quarters(past.quarters)
        # A window can reset while the computer is off, and is seen later.
        past.events.sort(key=attrgetter("at"))
        return past

    @property
    def _is_capped(self) -> bool:
        return self._cap is not None and self._used >= self._cap

    def _reset_if_due(self, window: _Window, at: int) -> None:
        end = window.end
        if end is None or at < end:
            return
        figures = {"before": float(window.percent), "is_freed": window.full_at is not None}
        if window.percent:
            self._emit(end, EventKind.WINDOW_RESET, subject=window.label, **figures)
        window.close(CycleSource.OBSERVED if at - end < QUARTER else CycleSource.REPORTED)

    def _begin_cycles(self, step: _Step) -> None:
        """Start the windows: the 5-hour one with its first use, the other one at fixed times."""
        for window in self._windows:
            if window.start is not None:
                continue
            if window.key == WEEK_WINDOW_KEY:
                window.start = step.at - (step.at - self._plan.week_start) % window.length
            elif step.session_start is not None:
                window.start = step.session_start
            elif step.session:
                window.start = step.at

    def _judge(self, at: int, until: int) -> None:
        """Extend the runs of all figures, and emit the events of a new verdict or lock."""
        full = [window for window in self._windows if window.percent >= 100]
        lock = Cause.EMPTY_BALANCE if self._plan.is_empty(at) else Cause.CAP if self._is_capped else None
        credits = (
            CreditState.LOCKED if lock is not None else CreditState.OPEN if self._unit else CreditState.OFF
        )
        if self._windows and not full:
            state, cause = VerdictState.CAN_WORK, str(lock or "")
        elif lock is not None:
            state, cause = VerdictState.BLOCKED, lock
        else:
            cause = full[-1].key if full else Cause.NO_WINDOWS
            state = VerdictState.ON_CREDITS if self._unit else VerdictState.WAIT
        figures: dict[str, _RunValue] = {VERDICT_FIGURE: (_STATE_NAMES[state], "", str(cause))}
        if at >= self._charts_from:
            off = Cause.OFF if credits is CreditState.OFF else ""
            figures[CREDITS_FIGURE] = _STATE_NAMES[credits], "", str(lock or off)
            for window in self._windows:
                figures[window.figure] = window.percent, PERCENT_UNIT, window.reset
            if self._unit:
                figures[USED_FIGURE] = self._used, self._unit, _ORIGIN_NAMES[self._origin]
            if self._cap is not None:
                figures[CAP_FIGURE] = self._cap, self._unit, _ORIGIN_NAMES[self._origin]
        self._extend(at, max(at, until - _MINUTE), figures)  # the last reading of this time
        if at >= self._events_from:
            self._emit_changes(at, state, lock, full)

    def _emit_changes(
        self, at: int, state: VerdictState, cause: Cause | None, full: Sequence[_Window]
    ) -> None:
        """Emit the events of a new state, and of a lock that begins while the plan has room."""
        before, was_locked = self._state, self._is_locked
        ended_at = find_unseen_end(self._ends_at, from_millis(at))
        self._state, self._is_locked = state, cause is not None
        lock = None
        if cause is not None:
            end = from_millis(self._month[1]) if cause is Cause.CAP and self._month is not None else None
            lock = CreditLock(CreditState.LOCKED, cause, until=end)
        ends_at = min((window.end or 0 for window in full), default=None)
        until = self._ends_at = from_millis(ends_at) if ends_at is not None else None
        if before is None:
            return
        states = {"before": before, "after": state}
        if state is before:
            if lock is not None and not was_locked:
                self._emit(
                    at,
                    EventKind.CREDITS_BLOCKED,
                    severity=Severity.CRITICAL,
                    credit_lock=lock,
                    until=lock.until,
                )
            return
        if state is VerdictState.BLOCKED:
            self._emit(at, EventKind.BLOCKED, severity=Severity.FULL, credit_lock=lock, until=until, **states)
        elif before is VerdictState.BLOCKED and state in WORKING_STATES:
            subject = SUBJECT_PLAN if lock is not None else SUBJECT_EXTRA_USAGE
            self._emit(at, EventKind.LIFTED, subject=subject, credit_lock=lock, until=ended_at, **states)
        elif state is VerdictState.ON_CREDITS:
            window = {"after": full[-1].label, "until": until} if full else {"after": None}
            self._emit(at, EventKind.ON_CREDITS, severity=Severity.WARNING, **states | window)
        elif state is VerdictState.WAIT:
            self._emit(at, EventKind.WAIT, severity=Severity.CRITICAL, until=until, **states)
        elif before is VerdictState.ON_CREDITS and state is VerdictState.CAN_WORK:
            self._emit(at, EventKind.BACK_IN_PLAN, until=ended_at, **states)

    def _emit(self, at: int, kind: EventKind, **fields: object) -> None:
        if at >= self._events_from:
            EventSink(from_millis(at), (), self._owner, self._step_events).emit(kind, **fields)

    def _extend(self, at: int, last: int, figures: dict[str, _RunValue]) -> None:
        """Extend the runs of all figures, or begin others: after a gap, and for each other value."""
        if at - self._read_at > 2 * _MINUTE:
            for figure in self._runs:
                self._end_run(figure)
            self._runs.clear()
        for figure, value in figures.items():
            run = self._runs.get(figure)
            if run is None:
                self._runs[figure] = at, value
            elif run[1] != value:
                self._end_run(figure)
                self._runs[figure] = at, value
        self._read_at = last

    def _end_run(self, figure: str) -> None:
        first, value = self._runs[figure]
        self._past.runs.append((figure, first, self._read_at, *value))

    def _begin_month(self, at: int) -> None:
        if self._month is not None and self._unit:
            self._past.cycles.append(self._build_month(at, CycleSource.OBSERVED))
        moment = from_millis(at)
        start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
        self._month = to_millis(start), to_millis((start + 31 * _DAY).replace(day=1))
        self._used, self._capped_at, self._spent_at = 0, None, 0

    def _build_month(self, at: int, source: str) -> tuple[object, ...]:
        assert self._month is not None  # noqa: S101 - for the type checker
        start, end = self._month
        last = min(at, end)
        is_full = self._capped_at is not None
        return (
            MONTH_FIGURE,
            *Cycle(
                start,
                CycleSource.OBSERVED,
                end,
                source,
                self._used,
                self._unit,
                self._spent_at or start,
                self._capped_at,
                last - self._capped_at if self._capped_at is not None else 0,
                str(self._used),
                self._unit,
                last,
                int(is_full),
            ),
        )


def _sum_quarters(rises: Iterable[tuple[str, int, str, object]]) -> list[tuple[str, int, str, object]]:
    """Return one row for each figure and quarter of an hour."""
    sums: dict[tuple[str, int, str], int] = {}
    for figure, at, unit, rise in rises:
        key = figure, at - at % QUARTER, unit
        sums[key] = sums.get(key, 0) + int(str(rise))
    return [(*key, rise) for key, rise in sums.items()]
