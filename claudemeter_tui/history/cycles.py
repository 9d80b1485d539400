"""Follow the cycles of a window, and the months of the used credits, from reading to reading.

Everything here is pure; `derivation.py` keeps the cycles in the archive. The rules for resets are those of
the events: see `WindowTracker`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from claudemeter_tui.history.database import MILLISECOND, from_millis, to_millis
from claudemeter_tui.history.figures import (
    PERCENT_UNIT,
    Run,
    Value,
    format_unit,
    read_money,
    read_value,
    store_number,
)
from claudemeter_tui.model.history import CycleSource, HistoryCycle
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.trackers import MIN_RESET_MOVE, RESET_TOLERANCE, WindowTracker
from claudemeter_tui.model.windows import Window

_MIN_MOVE = MIN_RESET_MOVE // MILLISECOND
RESET_LEAD = RESET_TOLERANCE // MILLISECOND
"""Milliseconds by which a reset can be seen before its time, because clocks differ."""
MAX_RESET_LAG = 3_600_000
"""Milliseconds after the first of a month in which the used credits may still be those of the old month."""
MAX_WAIT = 24 * 3_600_000
"""Milliseconds after it from which used credits that did not fall belong to the same cycle as before."""


class Cycle(NamedTuple):
    """One 5-hour window, week or month; times are milliseconds since 1970."""

    start_at: int
    start_source: str
    end_at: int | None
    """End, or the expected end of a cycle that continues. None if not known."""
    end_source: str
    peak: Value
    unit: str
    peak_at: int
    """Time of the first reading with the peak."""
    full_at: int | None
    """Time of the first reading of a window at 100% or with a lock, of a month at its cap. None if there was
    none.
    """
    full_ms: int
    """Time in which it was full, as far as it was seen."""
    spent: str
    """Sum of the rises of the used credits in it, minor units."""
    spent_unit: str
    """Unit of that sum; rises in another currency are not part of it. Empty if nothing was spent."""
    last_at: int
    """Time of the last reading of the cycle."""
    is_full: int
    """1 if it was full then."""

    @property
    def is_over(self) -> bool:
        """True if its end is certain; a date from the server can still move."""
        return self.end_source == CycleSource.OBSERVED or (
            self.end_source == CycleSource.UNKNOWN and self.end_at is not None
        )

    @property
    def expected_end(self) -> int | None:
        """End according to the server or the calendar. None if it names none, or another end was seen."""
        return self.end_at if self.end_source in (CycleSource.REPORTED, CycleSource.CALENDAR) else None

    def is_seen(self, at: int, max_pause: int) -> bool:
        """Return True if there was no gap between the last reading and this one."""
        return 0 <= at - self.last_at <= max_pause

    def measure_full(self, at: int, max_pause: int) -> int:
        """Return the time in which it was full, up to this reading or its end."""
        if not self.is_full or not self.is_seen(at, max_pause):
            return self.full_ms
        end = at if self.expected_end is None else min(at, self.expected_end)
        return self.full_ms + max(0, end - self.last_at)

    def extend(self, at: int, max_pause: int, *, is_full: bool) -> Cycle:
        """Return the cycle after one more reading, without its figure."""
        return self._replace(
            full_at=at if is_full and self.full_at is None else self.full_at,
            full_ms=self.measure_full(at, max_pause),
            last_at=max(self.last_at, at),
            is_full=int(is_full),
        )

    def raise_peak(self, value: Decimal, at: int) -> Cycle:
        """Return the cycle with a figure that may be its highest."""
        if value <= Decimal(str(self.peak)):
            return self
        return self._replace(peak=store_number(value, self.unit), peak_at=at)

    def add_spending(self, spent: Money) -> Cycle:
        """Return the cycle with one more rise of the used credits; another currency changes nothing."""
        if self.spent_unit not in ("", format_unit(spent)):
            return self
        unit = format_unit(spent)
        total = store_number(Decimal(self.spent) + spent.minor, unit)
        return self._replace(spent=str(total), spent_unit=unit)


CYCLE_COLUMNS = ", ".join(Cycle._fields)
"""Columns of a cycle's row, besides those of its org and its figure."""


def build_cycle(figure: str, row: Cycle) -> HistoryCycle:
    """Return the cycle of a figure as it is shown."""
    return HistoryCycle(
        figure,
        from_millis(row.start_at),
        row.start_source,
        from_millis(row.end_at) if row.end_at is not None else None,
        row.end_source,
        read_value(row.peak, row.unit),
        from_millis(row.peak_at),
        from_millis(row.full_at) if row.full_at is not None else None,
        row.full_ms * MILLISECOND,
        read_money(row.spent, row.spent_unit),
        from_millis(row.last_at),
    )


class Advance(NamedTuple):
    """The cycles of a figure after one more reading."""

    ended: Cycle | None
    """The cycle that ended with it. None if none did."""
    current: Cycle | None
    """The cycle that the reading belongs to. None if the window has not started."""
    rise: Decimal = Decimal(0)
    """Percentage points by which the window has risen, 0 or more. For a month that has just begun: all
    that it has used, in minor units."""


def advance_window(cycle: Cycle | None, run: Run | None, window: Window, at: int, max_pause: int) -> Advance:
    """Return the cycles of a window after one more reading.

    Args:
        cycle: its last cycle. None if there was none.
        run: the last run of its figure, before this reading.
        window: its figures now, not a mere placeholder.
        at: time of the reading, milliseconds since 1970.
        max_pause: longest time without a gap between two readings, in milliseconds.
    """
    now, share = from_millis(at), Decimal(str(window.percent or 0))
    risen = max(Decimal(0), share - Decimal(str(run.value))) if run is not None else Decimal(0)
    if cycle is None or cycle.is_over:
        return Advance(None, _begin_window(window, at, cycle), risen)
    resets_at = from_millis(cycle.expected_end) if cycle.expected_end is not None else None
    last = float(run.value) if run is not None else None
    known = Window(window.key, window.label, window.kind, last, resets_at)
    is_over = known.is_due(now)
    tracker = WindowTracker(known, is_full=bool(cycle.is_full) and not is_over, is_reset_over=is_over)
    is_seen, full_ms = cycle.is_seen(at, max_pause), cycle.measure_full(at, max_pause)
    if tracker.is_reset(window, now):
        ended = cycle
        if is_seen and cycle.end_at is not None:
            end_at = max(cycle.start_at, min(cycle.end_at, at))
            ended = cycle._replace(end_at=end_at, end_source=CycleSource.OBSERVED, full_ms=full_ms, is_full=0)
        return Advance(ended, _begin_window(window, at, ended), share)
    if tracker.is_freed(window, now) or tracker.has_fallen(window):
        source = CycleSource.OBSERVED if is_seen else CycleSource.UNKNOWN
        end_at = max(at, cycle.last_at, cycle.start_at)
        ended = cycle._replace(end_at=end_at, end_source=source, full_ms=full_ms, is_full=0)
        return Advance(ended, _begin_window(window, at, ended, start_source=source))
    current = cycle.extend(at, max_pause, is_full=window.is_full(now)).raise_peak(share, at)
    if window.resets_at is not None and to_millis(window.resets_at) > cycle.start_at:
        current = current._replace(end_at=to_millis(window.resets_at), end_source=CycleSource.REPORTED)
    return Advance(None, current, risen)


def is_before(cycle: Cycle, window: Window, at: int) -> bool:
    """Return True if a reading is of a time before the cycle, because the clock was set back.

    A clock that is slow shows an earlier time, too, but the reset is that of the cycle then.
    """
    if window.resets_at is None or window.length is None or at + RESET_LEAD >= cycle.start_at:
        return False
    return to_millis(window.resets_at - window.length) <= cycle.start_at - _MIN_MOVE


def _begin_window(
    window: Window, at: int, ended: Cycle | None, start_source: CycleSource | None = None
) -> Cycle | None:
    """Return a new cycle after `ended`; None if the window has not started.

    With a `start_source`, it starts where the other ended; otherwise its length before its reset.
    """
    now, resets_at = from_millis(at), window.resets_at
    is_waiting = resets_at is None or window.is_due(now)
    if is_waiting and not window.percent and window.locked_reason is None:
        return None
    start, source = at, start_source or CycleSource.UNKNOWN
    if start_source is None and resets_at is not None and window.length is not None:
        start, source = to_millis(resets_at) - window.length // MILLISECOND, CycleSource.REPORTED
    if ended is not None and ended.end_at is not None:
        if ended.end_source == CycleSource.OBSERVED and abs(start - ended.end_at) < _MIN_MOVE:
            start, source = ended.end_at, CycleSource.OBSERVED
        # An end in the future is none that the new cycle could wait for.
        start = max(start, min(ended.end_at, at), ended.start_at + 1)
    is_full = window.is_full(now)
    return Cycle(
        start_at=start,
        start_source=source,
        end_at=to_millis(resets_at) if resets_at is not None else None,
        end_source=CycleSource.REPORTED if resets_at is not None else CycleSource.UNKNOWN,
        peak=store_number(window.percent or 0, PERCENT_UNIT),
        unit=PERCENT_UNIT,
        peak_at=at,
        full_at=at if is_full else None,
        full_ms=0,
        spent="0",
        spent_unit="",
        last_at=at,
        is_full=int(is_full),
    )


class MonthReading(NamedTuple):
    """The figures and the state of one reading that decide about the month of the used credits."""

    used: Money | None
    """The leading meter's use. None if it was not read, or is withdrawn."""
    is_full: bool
    """True if the cap is reached; no other lock of the credits has to do with the amount."""
    until: datetime | None = None
    """`disabled_until`. None if the reply has none."""


def advance_month(
    cycle: Cycle | None, run: Run | None, reading: MonthReading, at: int, max_pause: int
) -> Advance:
    """Return the months of the used credits after one more reading; the arguments are as for windows.

    A month ends if the used credits fall at the first of the next one, in UTC. It also ends there if no one
    watched, or if there is nothing that could fall. Any other fall is a correction.
    """
    used = reading.used
    if used is None:
        is_running = cycle is not None and cycle.end_at is not None and at < cycle.end_at
        current = cycle.extend(at, max_pause, is_full=reading.is_full) if cycle and is_running else cycle
        return Advance(None, current)
    if cycle is None or cycle.end_at is None:
        return Advance(None, _begin_month(reading, used, at, find_month(at), CycleSource.CALENDAR))
    if cycle.unit != format_unit(used):
        ended = cycle._replace(end_at=max(at, cycle.last_at), end_source=CycleSource.UNKNOWN, is_full=0)
        start = max(at, cycle.start_at + 1)
        return Advance(ended, _begin_month(reading, used, at, start, CycleSource.UNKNOWN))
    has_fallen = run is not None and run.unit == cycle.unit and used.minor < run.amount
    pause, end_at = at - cycle.last_at, cycle.end_at
    if has_fallen and at >= end_at - RESET_LEAD:
        ended = cycle._replace(full_ms=cycle.measure_full(at, max_pause), is_full=0)
        if cycle.is_seen(at, max_pause):
            ended = ended._replace(end_at=min(end_at, at), end_source=CycleSource.OBSERVED)
        return Advance(ended, _begin_next_month(reading, used, at, ended), used.minor)
    can_fall = run is None or run.amount > 0
    if at >= end_at and (pause > MAX_RESET_LAG or not can_fall):
        ended = cycle._replace(full_ms=cycle.measure_full(at, max_pause), is_full=0)
        # Soon after the first, an amount that did not fall may still be that of the old month.
        is_own = not can_fall or at > end_at + MAX_RESET_LAG
        rise = used.minor if is_own else Decimal(0)
        return Advance(ended, _begin_next_month(reading, used, at, ended), rise)
    current = cycle.extend(at, max_pause, is_full=reading.is_full).raise_peak(used.minor, at)
    if at >= end_at + MAX_WAIT:
        current = current._replace(end_at=find_month(at, 1), end_source=CycleSource.CALENDAR)
    if reading.until is not None and to_millis(reading.until) == current.end_at:
        current = current._replace(end_source=CycleSource.REPORTED)
    return Advance(None, current)


def _begin_next_month(reading: MonthReading, used: Money, at: int, ended: Cycle) -> Cycle:
    """Return the month after `ended`, or a later one if no one watched for so long."""
    month, end_at = find_month(at + RESET_LEAD), ended.end_at if ended.end_at is not None else at
    if month - end_at > RESET_LEAD:
        return _begin_month(reading, used, at, month, CycleSource.CALENDAR)
    start, source = max(end_at, ended.start_at + 1), CycleSource(ended.end_source)
    return _begin_month(reading, used, at, start, source, month)


def _begin_month(  # noqa: PLR0917 - private
    reading: MonthReading, used: Money, at: int, start: int, source: CycleSource, month: int | None = None
) -> Cycle:
    """Return a new cycle of a month, by default that of `start`."""
    end_at = find_month(month if month is not None else start, 1)
    is_reported = reading.until is not None and to_millis(reading.until) == end_at
    return Cycle(
        start_at=start,
        start_source=source,
        end_at=end_at,
        end_source=CycleSource.REPORTED if is_reported else CycleSource.CALENDAR,
        peak=store_number(used.minor, format_unit(used)),
        unit=format_unit(used),
        peak_at=at,
        full_at=at if reading.is_full else None,
        full_ms=0,
        spent="0",
        spent_unit="",
        last_at=at,
        is_full=int(reading.is_full),
    )


def find_month(at: int, months: int = 0) -> int:
    """Return the first of the month of a time, or of a later month, in UTC."""
    moment = from_millis(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months):
        moment = (moment + timedelta(days=32)).replace(day=1)
    return to_millis(moment)
