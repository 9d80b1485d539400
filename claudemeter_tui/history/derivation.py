"""Write what follows from the readings: the runs of every figure, sums, cycles and events."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from claudemeter_tui import __version__
from claudemeter_tui.history.codec import encode_value
from claudemeter_tui.history.cycles import (
    RESET_LEAD,
    Advance,
    Cycle,
    MonthReading,
    advance_month,
    advance_window,
    is_before,
)
from claudemeter_tui.history.database import MILLISECOND, from_millis, intern_name, to_millis
from claudemeter_tui.history.figures import (
    MONTH,
    PERCENT_UNIT,
    USED,
    FigureReading,
    Run,
    extend_run,
    find_current_meter,
    format_unit,
    is_cap_reached,
    is_doubtful,
    list_figures,
    list_new,
    measure_spending,
    name_window,
    store_number,
)
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Window

PUT_OPEN_CYCLE = "INSERT OR REPLACE INTO open_cycles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PUT_ENDED_CYCLE = "INSERT OR REPLACE INTO ended_cycles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
QUARTER = 15 * 60_000
"""Milliseconds of a quarter of an hour."""


@dataclass(slots=True)
class _OrgRows:
    """The last rows of an org, by the name of the figure."""

    runs: dict[str, Run] = field(default_factory=dict)
    cycles: dict[str, Cycle] = field(default_factory=dict)
    later: dict[str, int] = field(default_factory=dict)
    """Last time of runs that are later than the open one, because the clock was set back."""


class Deriver:
    """Writes the derived tables of one archive, within the transactions of `Archive.append`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through this connection."""
        self._connection = connection
        self._names: dict[str, int] = {}
        self._orgs: dict[int, _OrgRows] = {}
        self._data_version = 0

    def observe(self, org_id: int, before: OrgState | None, after: OrgState, at: datetime) -> None:
        """Update the derived tables after one more reading of an org."""
        self._forget_if_changed()
        moment, rows = to_millis(at), self._find_rows(org_id)
        now = from_millis(moment)
        max_pause = after.max_pause // MILLISECOND
        new, verdict = list_new(before, after), judge(after, now)
        plan = after.plan if Endpoint.USAGE in new else None
        windows = [
            window
            for window in (plan.windows if plan is not None else ())
            if not is_doubtful(rows.runs.get(name_window(window.key)), window, moment, max_pause)
        ]
        meter = find_current_meter(after, new)
        running = self._advance_windows(org_id, rows, windows, moment, max_pause)
        is_full = (meter is not None and meter.is_at_cap) or is_cap_reached(after, verdict)
        reading = MonthReading(meter.used, is_full, meter.until) if meter else MonthReading(None, is_full)
        first = self._advance_month(org_id, rows, reading, moment, max_pause)
        if meter is not None:
            spent = first or measure_spending(before, after, rows.runs.get(USED))
            self._add_spending(org_id, rows, running, spent, moment, max_pause)
        self._connection.executemany(
            PUT_OPEN_CYCLE,
            [(org_id, self._intern(name), *cycle) for name, cycle in rows.cycles.items()],
        )
        self._write_runs(org_id, rows, list_figures(after, windows, new, verdict), moment, max_pause)

    def append_event(self, org_id: int | None, origin: str, event: Event) -> None:
        """Add an event; `org_id` is None if it concerns a whole session of this server."""
        content = json.dumps(encode_value(event), separators=(",", ":"))
        self._connection.execute(
            "INSERT INTO events (origin_id, org_id, at, kind_id, version, event) VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._intern(origin),
                org_id,
                to_millis(event.at),
                self._intern(event.kind),
                __version__,
                content,
            ),
        )

    def forget_new(self) -> None:
        """Forget everything that was remembered from a transaction which was undone."""
        self._names.clear()
        self._orgs.clear()

    def _forget_if_changed(self) -> None:
        """Forget all rows if another connection has changed the file since the last reading."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            self._data_version = version
            self.forget_new()

    def _find_rows(self, org_id: int) -> _OrgRows:
        if org_id not in self._orgs:
            found = _OrgRows()
            for name, *run in self._connection.execute(
                "SELECT name, first_at, confirmed_at, value, unit, detail FROM open_runs"
                " JOIN names ON id = figure_id WHERE org_id = ?",
                (org_id,),
            ):
                found.runs[name] = Run(*run)
            for name, _, _, *cycle in self._connection.execute(
                "SELECT name, open_cycles.* FROM open_cycles JOIN names ON id = figure_id WHERE org_id = ?",
                (org_id,),
            ):
                found.cycles[name] = Cycle(*cycle)
            found.later.update(
                self._connection.execute(
                    "SELECT name, max(runs.confirmed_at) FROM open_runs"
                    " JOIN runs USING (org_id, figure_id) JOIN names ON id = figure_id"
                    " WHERE org_id = ? AND runs.first_at > open_runs.first_at GROUP BY name",
                    (org_id,),
                )
            )
            self._orgs[org_id] = found
        return self._orgs[org_id]

    def _write_runs(
        self, org_id: int, rows: _OrgRows, figures: Iterable[FigureReading], at: int, max_pause: int
    ) -> None:
        confirmed = []
        for figure in figures:
            figure_id, old = self._intern(figure.name), rows.runs.get(figure.name)
            run = rows.runs[figure.name] = extend_run(old, figure, at, max_pause)
            if old is not None and run.first_at == old.first_at:
                confirmed.append((run.confirmed_at, org_id, figure_id))
            else:
                self._begin_run(org_id, figure_id, old, run)
                if old is not None and old.confirmed_at >= at:
                    rows.later[figure.name] = max(rows.later.get(figure.name, 0), old.confirmed_at)
            if figure.name in rows.later:
                self._clear_span(org_id, figure_id, run.first_at, at)
                if rows.later[figure.name] <= at:
                    del rows.later[figure.name]
        self._connection.executemany(
            "UPDATE open_runs SET confirmed_at = ? WHERE org_id = ? AND figure_id = ?", confirmed
        )

    def _begin_run(self, org_id: int, figure_id: int, old: Run | None, run: Run) -> None:
        if old is not None:
            self._connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", (org_id, figure_id, *old)
            )
        self._connection.execute(
            "INSERT OR REPLACE INTO open_runs VALUES (?, ?, ?, ?, ?, ?, ?)", (org_id, figure_id, *run)
        )

    def _clear_span(self, org_id: int, figure_id: int, first: int, last: int) -> None:
        """Cut the time from `first` to `last` out of the ended runs of a figure.

        It was read again after the clock was set back, and the later reading counts; runs outside it stay.
        """
        place = org_id, figure_id
        overlapping = self._connection.execute(
            "SELECT first_at, confirmed_at, value, unit, detail FROM runs"
            " WHERE (org_id, figure_id) = (?, ?) AND first_at <= ? AND confirmed_at >= ?",
            (*place, last, first),
        ).fetchall()
        self._connection.executemany(
            "DELETE FROM runs WHERE (org_id, figure_id, first_at) = (?, ?, ?)",
            [(*place, row[0]) for row in overlapping],
        )
        for first_at, confirmed_at, *content in overlapping:
            for part in ((first_at, min(first - 1, confirmed_at)), (max(last + 1, first_at), confirmed_at)):
                if part[0] <= part[1]:
                    self._connection.execute(
                        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, *part, *content)
                    )

    def _advance_windows(
        self, org_id: int, rows: _OrgRows, windows: Iterable[Window], at: int, max_pause: int
    ) -> list[str]:
        """Update the cycles of the plan-wide windows, and return the names of those that are running."""
        running = []
        for window in windows:
            if not window.is_plan_wide or window.length is None or not window.is_reported:
                continue
            name = name_window(window.key)
            known, run = rows.cycles.get(name), rows.runs.get(name)
            advance = advance_window(known, run, window, at, max_pause)
            is_back = known is not None and is_before(known, window, at)
            if self._reopen_cycle(org_id, rows, name, advance, at, is_back=is_back):
                # The last run is that of another cycle.
                advance = advance_window(rows.cycles.get(name), None, window, at, max_pause)
            if advance.rise > 0:
                self._add_rise(org_id, name, at, PERCENT_UNIT, advance.rise)
            self._keep_cycle(org_id, rows, name, advance)
            if advance.current is not None:
                running.append(name)
        return running

    def _advance_month(
        self, org_id: int, rows: _OrgRows, reading: MonthReading, at: int, max_pause: int
    ) -> Money | None:
        """Update the months; return the amount with which a month begins, or None if none does."""
        known, run = rows.cycles.get(MONTH), rows.runs.get(USED)
        advance = advance_month(known, run, reading, at, max_pause)
        is_back = known is not None and at + RESET_LEAD < known.start_at
        if self._reopen_cycle(org_id, rows, MONTH, advance, at, is_back=is_back):
            advance = advance_month(rows.cycles.get(MONTH), run, reading, at, max_pause)
        self._keep_cycle(org_id, rows, MONTH, advance)
        used = reading.used
        return replace(used, minor=advance.rise) if used is not None and advance.rise > 0 else None

    def _has_cycle(self, org_id: int, name: str, at: int) -> bool:
        """Return True if a cycle at this time is among the ended ones."""
        row = self._connection.execute(
            "SELECT 1 FROM ended_cycles WHERE (org_id, figure_id) = (?, ?) AND start_at <= ? AND end_at > ?",
            (org_id, self._intern(name), at, at),
        ).fetchone()
        return row is not None

    def _keep_cycle(self, org_id: int, rows: _OrgRows, name: str, advance: Advance) -> None:
        """Remember the last cycle, which is written at the end of the reading, and write the one before."""
        last, known = advance.current or advance.ended, rows.cycles.get(name)
        if last is None:
            return
        if known is not None and known.start_at != last.start_at:
            place = org_id, self._intern(name)
            self._connection.execute(PUT_ENDED_CYCLE, (*place, *(advance.ended or known)))
        rows.cycles[name] = last

    def _reopen_cycle(
        self, org_id: int, rows: _OrgRows, name: str, advance: Advance, at: int, *, is_back: bool
    ) -> bool:
        """Continue the cycle of this time if the clock was set back, or is right again after that.

        The open cycle is put among the ended ones. Return False, without a change, if the clock was not set.
        """
        known, current = rows.cycles.get(name), advance.current
        if known is None:
            return False
        begins = current is not None and current.start_at != known.start_at
        early = at + RESET_LEAD
        if not is_back and not (begins and self._has_cycle(org_id, name, early)):
            return False
        place = org_id, self._intern(name)
        self._connection.execute(PUT_ENDED_CYCLE, (*place, *(known if is_back else advance.ended or known)))
        self._connection.execute("DELETE FROM open_cycles WHERE (org_id, figure_id) = (?, ?)", place)
        del rows.cycles[name]
        row = self._connection.execute(
            "SELECT * FROM ended_cycles WHERE (org_id, figure_id) = (?, ?) AND start_at <= ?"
            " ORDER BY start_at DESC LIMIT 1",
            (*place, at if is_back else early),
        ).fetchone()
        if row is not None:
            cycle = Cycle(*row[2:])
            self._connection.execute(
                "DELETE FROM ended_cycles WHERE (org_id, figure_id, start_at) = (?, ?, ?)",
                (*place, cycle.start_at),
            )
            rows.cycles[name] = cycle._replace(last_at=min(cycle.last_at, at))
        return True

    def _add_spending(  # noqa: PLR0917 - private
        self,
        org_id: int,
        rows: _OrgRows,
        windows: Iterable[str],
        spent: Money | None,
        at: int,
        max_pause: int,
    ) -> None:
        """Add a rise of the used credits to the month, and to the windows and the quarter that it was in.

        After a pause, these are only the ones that had begun when the used credits were last read. If that
        leaves no quarter, the rise is kept with the span of the pause.
        """
        if spent is None:
            return
        run = rows.runs.get(USED)
        is_paused = run is not None and at - run.confirmed_at > max_pause
        latest = run.confirmed_at if run is not None and is_paused else None
        for name in (*windows, MONTH):
            cycle = rows.cycles.get(name)
            if cycle is not None and (name == MONTH or latest is None or cycle.start_at <= latest):
                rows.cycles[name] = cycle.add_spending(spent)
        unit = format_unit(spent)
        if latest is None or at - at % QUARTER <= latest:
            self._add_rise(org_id, USED, at, unit, spent.minor)
        else:
            self._connection.execute(
                "INSERT OR REPLACE INTO undated_rises VALUES (?, ?, ?, ?, ?, ?)",
                (org_id, self._intern(USED), at, latest, unit, store_number(spent.minor, unit)),
            )

    def _add_rise(self, org_id: int, name: str, at: int, unit: str, rise: Decimal) -> None:
        """Add a rise to the quarter of an hour in which it was seen."""
        place = org_id, self._intern(name), at - at % QUARTER, unit
        known = self._connection.execute(
            "SELECT rise FROM quarters WHERE (org_id, figure_id, start_at, unit) = (?, ?, ?, ?)", place
        ).fetchone()
        total = rise + (Decimal(str(known[0])) if known is not None else 0)
        self._connection.execute(
            "INSERT OR REPLACE INTO quarters VALUES (?, ?, ?, ?, ?)", (*place, store_number(total, unit))
        )

    def _intern(self, name: str) -> int:
        """Return the row of a name, and add it if it is new."""
        if name not in self._names:
            self._names[name] = intern_name(self._connection, name)
        return self._names[name]
