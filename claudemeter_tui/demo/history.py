"""The past of the demo's orgs: a year of working days that never happened, in an archive in memory.

The days are random, and the same in every run that starts on the same day.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, DEMO_ORGS
from claudemeter_tui.demo.timeline import DemoOrg
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.history.queries import query_history
from claudemeter_tui.history.schema import MIGRATIONS
from claudemeter_tui.model.catalogue import FIVE_HOURS, SEVEN_DAYS, Cause, CreditState
from claudemeter_tui.model.history import (
    CAP_FIGURE,
    MONTH_FIGURE,
    USED_FIGURE,
    WINDOW_PREFIX,
    HistoryAnswer,
    HistoryRequest,
)
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.verdict import VerdictState

PAST_DAYS = 400
"""Days of the simulated past, enough for the longest span and the month in which it begins."""
SESSION_KEY, WEEK_KEY = "five_hour", "seven_day"
_DAY, _QUARTER = timedelta(days=1), timedelta(minutes=15)
_ACTIVITY = (*[0.0] * 8, 0.3, *[0.8] * 3, 0.3, *[0.75] * 5, 0.4, *[0.2] * 4, 0.1)
"""Probability of work in a quarter of an hour, by local hour."""
_ORG_ROW, _ACCOUNT_ROW = 1, 1


@dataclass
class SimulatedPast:
    """Rows of the derived tables; times are milliseconds."""

    runs: list[tuple[str, int, int, object, str, str]] = field(default_factory=list)
    """Figure, first and last reading, value, unit, detail."""
    open_runs: list[tuple[str, int, int, object, str, str]] = field(default_factory=list)
    quarters: list[tuple[str, int, str, object]] = field(default_factory=list)
    undated: list[tuple[str, int, int, str, object]] = field(default_factory=list)
    """Figure, start, unit, rise."""
    cycles: list[tuple[object, ...]] = field(default_factory=list)
    """Figure, then the columns of `cycles` from `start_at` on."""


def simulate_past(org: DemoOrg, until: datetime, zone: tzinfo | None) -> SimulatedPast:
    """Return the past of an org, up to a moment."""
    simulated = _Simulation(org)
    last = until.astimezone(zone).date()
    for number in range(PAST_DAYS, -1, -1):
        day = last - number * _DAY
        for at in _iterate_quarters(org, day, zone):
            if at < until:
                simulated.step(at, _ACTIVITY[at.astimezone(zone).hour])
    return simulated.finish(until)


def fill_archive(connection: sqlite3.Connection, org_row: int, past: SimulatedPast) -> None:
    """Insert the rows of an org."""
    names = {
        row[0]
        for rows in (past.runs, past.open_runs, past.quarters, past.undated, past.cycles)
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


def load_demo_history(start: datetime, key: OrgKey, request: HistoryRequest) -> HistoryAnswer:
    """Return the history of an org of the demo before `start`. It takes a fifth of a second."""
    orgs = {(DEMO_ACCOUNT_UUID, org.uuid): org for org in DEMO_ORGS}
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(MIGRATIONS))
        connection.execute("INSERT INTO accounts VALUES (?, '', '', NULL)", (_ACCOUNT_ROW,))
        connection.execute("INSERT INTO orgs VALUES (?, ?, '', '', '', 0, 1)", (_ORG_ROW, _ACCOUNT_ROW))
        if key in orgs:
            fill_archive(connection, _ORG_ROW, simulate_past(orgs[key], start, request.zone))
        return query_history(connection, _ORG_ROW, request)


def _iterate_quarters(org: DemoOrg, day: date, zone: tzinfo | None) -> Iterator[datetime]:
    """Yield the start of each quarter of an hour in which the computer runs on a local day."""
    chance = random.Random(f"{org.uuid} {day}")  # noqa: S311 - the same each time
    if day.toordinal() % 180 < 8 or chance.random() > (0.95 if day.weekday() < 5 else 0.35):
        return
    first, last = chance.randint(30, 37), chance.choice((72, 76, 80, 88, 92))
    midnight = datetime.combine(day, time.min)
    start = (midnight if zone is None else midnight.replace(tzinfo=zone)).astimezone(UTC)
    for number in range(first, last):
        yield start + number * _QUARTER


class _Window:
    """One window that fills and resets."""

    def __init__(self, key: str, length: timedelta, unit: str, past: SimulatedPast) -> None:
        self.key, self._length, self._unit, self._past = key, length, unit, past
        self.percent = 0
        self._start: datetime | None = None
        self._last: datetime | None = None
        self._full_at: datetime | None = None
        self._spent = 0

    def move(self, at: datetime) -> None:
        """Reset the window if its time is over."""
        if self._start is not None and at >= self._start + self._length:
            self.close("observed" if at - self._start - self._length < _QUARTER else "reported")
        self._last = at

    def rise(self, at: datetime, percent: int) -> None:
        """Use a part of the allowance."""
        self._start = self._start or at
        risen = min(percent, 100 - self.percent)
        self.percent += risen
        if risen:
            self._past.quarters.append((f"{WINDOW_PREFIX}{self.key}", to_millis(at), "%", risen))
        if self.percent == 100:
            self._full_at = self._full_at or at

    def spend(self, cents: int) -> None:
        """Count credits that were spent in the cycle."""
        self._spent += cents

    def close(self, source: str) -> None:
        """End the cycle, if there is one."""
        if self._start is None or self._last is None:
            return
        end, full_at = self._start + self._length, self._full_at
        full_ms = to_millis(min(end, self._last)) - to_millis(full_at) if full_at else 0
        self._past.cycles.append(
            (
                *(f"{WINDOW_PREFIX}{self.key}", to_millis(self._start), "observed", to_millis(end), source),
                *(self.percent, "%", to_millis(full_at or self._last), full_at and to_millis(full_at)),
                *(max(0, full_ms), str(self._spent), self._unit, to_millis(min(end, self._last)), 0),
            )
        )
        self.percent, self._start, self._full_at, self._spent = 0, None, None, 0


class _Simulation:
    """The state of one org while its past is simulated."""

    def __init__(self, org: DemoOrg) -> None:
        self._past = SimulatedPast()
        self._chance = random.Random(org.uuid)  # noqa: S311 - the same each time
        lengths = {SESSION_KEY: FIVE_HOURS} if org.windows else {}
        lengths |= {WEEK_KEY: SEVEN_DAYS} if org.week else {}
        own = org.own_credits
        self._unit = f"{own.currency}:2" if own is not None else ""
        self._windows = [_Window(key, length, self._unit, self._past) for key, length in lengths.items()]
        self._cap = own.caps[0][1] if own is not None and own.caps else None
        self._used = 0
        self._month_start: datetime | None = None
        self._capped_at: datetime | None = None
        self._states: dict[str, tuple[datetime, datetime, str, str]] = {}

    def step(self, at: datetime, activity: float) -> None:
        """Simulate a quarter of an hour."""
        if self._month_start is None or (at.year, at.month) != (
            self._month_start.year,
            self._month_start.month,
        ):
            self._close_month(at, "observed")
            self._month_start = datetime(at.year, at.month, 1, tzinfo=UTC)
        for window in self._windows:
            window.move(at)
        if self._chance.random() < activity:
            self._work(at)
        state, cause = self._judge()
        self._extend("verdict", at, state, cause)
        credits = CreditState.ABSENT if not self._unit else CreditState.OPEN
        self._extend("credits", at, CreditState.LOCKED if self._is_capped else credits, "")

    def finish(self, until: datetime) -> SimulatedPast:
        """Return all rows."""
        for window in self._windows:
            window.close("reported")
        past, used = self._past, self._used
        self._close_month(until, "reported")
        for figure, run in self._states.items():
            past.open_runs.append(self._build_run(figure, run))
        last = to_millis(until)
        if self._unit:
            past.open_runs.append((USED_FIGURE, last, last, used, self._unit, ""))
        if self._cap is not None:
            past.open_runs.append((CAP_FIGURE, last, last, self._cap, self._unit, ""))
        return past

    @property
    def _is_capped(self) -> bool:
        return self._cap is not None and self._used >= self._cap

    def _work(self, at: datetime) -> None:
        if self._windows and all(window.percent < 100 for window in self._windows):
            session, *week = self._windows
            session.rise(at, self._chance.choice((4, 6, 8, 10, 13)))
            for window in week:
                window.rise(at, self._chance.choice((0, 0, 1, 1)))
            return
        if not self._unit or self._is_capped or self._chance.random() < 0.3:
            return
        cents = self._chance.randrange(20, 240)
        cents = min(cents, self._cap - self._used) if self._cap is not None else cents
        self._used += cents
        self._capped_at = at if self._is_capped else None
        self._past.quarters.append((USED_FIGURE, to_millis(at), self._unit, cents))
        for window in self._windows:
            window.spend(cents)

    def _judge(self) -> tuple[VerdictState, str]:
        full = [window.key for window in self._windows if window.percent >= 100]
        if self._windows and not full:
            return VerdictState.CAN_WORK, ""
        if self._is_capped:
            return VerdictState.BLOCKED, Cause.CAP
        cause = full[-1] if full else Cause.NO_WINDOWS
        return (VerdictState.ON_CREDITS if self._unit else VerdictState.WAIT), cause

    def _extend(self, figure: str, at: datetime, value: str, detail: str) -> None:
        run = self._states.get(figure)
        end = at + _QUARTER - timedelta(minutes=1)  # the readings of this quarter
        if run is not None and (value, detail) == run[2:] and at - run[1] <= timedelta(minutes=2):
            self._states[figure] = run[0], end, value, detail
            return
        if run is not None:
            self._past.runs.append(self._build_run(figure, run))
        self._states[figure] = at, end, value, detail

    def _build_run(
        self, figure: str, run: tuple[datetime, datetime, str, str]
    ) -> tuple[str, int, int, object, str, str]:
        first, last, value, detail = run
        return figure, to_millis(first), to_millis(last), str(value), "", str(detail)

    def _close_month(self, at: datetime, source: str) -> None:
        if self._month_start is not None and self._unit:
            end = (self._month_start + 31 * _DAY).replace(day=1)
            last = to_millis(min(at, end))
            self._past.cycles.append(
                (
                    *(MONTH_FIGURE, to_millis(self._month_start), "observed", to_millis(end), source),
                    *(self._used, self._unit, last, self._capped_at and to_millis(self._capped_at), 0),
                    *(str(self._used), self._unit, last, 0),
                )
            )
        self._used, self._capped_at = 0, None
