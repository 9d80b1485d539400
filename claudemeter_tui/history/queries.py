"""Answer questions about the past from the derived tables, without changing them.

Every function blocks, so none of them runs on the event loop. A reader is open for one answer only.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from claudemeter_tui.history.archive import find_org_id
from claudemeter_tui.history.cycles import CYCLE_COLUMNS, Cycle, build_cycle
from claudemeter_tui.history.database import (
    MILLISECOND,
    NewerArchiveError,
    check_not_newer,
    from_millis,
    is_damage,
    open_for_reading,
    to_millis,
)
from claudemeter_tui.history.derivation import QUARTER
from claudemeter_tui.history.events import load_events
from claudemeter_tui.history.figures import (
    CAP,
    CREDITS,
    MONTH,
    USED,
    VERDICT,
    format_unit,
    read_money,
)
from claudemeter_tui.history.repair import mark_damaged
from claudemeter_tui.history.series import is_gap
from claudemeter_tui.history.transcripts import MAX_AHEAD, load_change_count, load_refusals
from claudemeter_tui.model.catalogue import SEVEN_DAYS, WINDOWS, Cause, CreditState
from claudemeter_tui.model.event_log import MAX_EVENTS
from claudemeter_tui.model.events import Event, merge_events
from claudemeter_tui.model.history import (
    WINDOW_PREFIX,
    Amount,
    HistoryAnswer,
    HistoryCycle,
    HistoryPeriod,
    HistoryRequest,
    HourCalendar,
    PeriodKind,
    Stop,
    find_first_day,
)
from claudemeter_tui.model.machine import count_stops
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.refusals import Refusal, TranscriptNews, select_stops
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.verdict import WORST_FIRST, VerdictState

Answer = TypeVar("Answer")
HOURS, DAYS = 24, 7
NEWS_SPAN = timedelta(days=1)
"""Time before the last reading of transcripts whose refusals the store has."""
_DAY_QUARTERS = 4 * HOURS
_DAY = timedelta(days=1)
_STOPS = (VerdictState.BLOCKED, VerdictState.WAIT, VerdictState.ON_CREDITS)


def read_news(path: Path, now: datetime) -> TranscriptNews | None:
    """Return the refusals of the day before `now`. None if the archive cannot be read."""

    def query(connection: sqlite3.Connection) -> TranscriptNews:
        return TranscriptNews(now, load_refusals(connection, now - NEWS_SPAN, now + MAX_AHEAD))

    return query_archive(path, query, unknown=TranscriptNews(now))


def has_read_transcripts(path: Path) -> bool:
    """True if transcripts of this machine were ever read into the archive."""

    def query(connection: sqlite3.Connection) -> bool:
        return load_change_count(connection) > 0

    return bool(query_archive(path, query))


def query_org(
    path: Path,
    origin: str,
    key: OrgKey,
    query: Callable[[sqlite3.Connection, int], Answer | None],
    *,
    unknown: Answer | None = None,
) -> Answer | None:
    """Answer a question about an org in one transaction.

    Args:
        path: file of the archive.
        origin: origin of the server.
        key: the org.
        query: reads the answer, given the row of the org.
        unknown: the answer if the archive does not exist or does not have the org.

    Returns:
        None if the archive cannot be read; see `query_archive`.
    """

    def query_row(connection: sqlite3.Connection) -> Answer | None:
        org_id = find_org_id(connection, origin, key)
        return query(connection, org_id) if org_id is not None else unknown

    return query_archive(path, query_row, unknown=unknown)


def query_archive(
    path: Path, query: Callable[[sqlite3.Connection], Answer | None], *, unknown: Answer | None = None
) -> Answer | None:
    """Answer a question about the archive in one transaction.

    Args:
        path: file of the archive.
        query: reads the answer.
        unknown: the answer if the archive does not exist.

    Returns:
        None if the archive cannot be read, or if a newer version of this program wrote it. The recorder
        reports a problem of the file.
    """
    if not path.exists():
        return unknown
    with (
        suppress(sqlite3.Error, OSError, NewerArchiveError),
        closing(open_for_reading(path)) as connection,
    ):
        try:
            connection.execute("BEGIN")
            check_not_newer(connection)
            return query(connection)
        except sqlite3.Error as error:
            if is_damage(error):
                mark_damaged(connection)
    return None


def read_events(path: Path, origin: str, since: datetime, until: datetime) -> tuple[Event, ...] | None:
    """Return the newest events of a server between two moments; see `query_events`.

    None if the archive cannot be read, or if a newer version of this program wrote it.
    """
    nothing: tuple[Event, ...] = ()
    return query_archive(
        path, lambda connection: query_events(connection, origin, since, until), unknown=nothing
    )


def query_events(
    connection: sqlite3.Connection, origin: str, since: datetime, until: datetime
) -> tuple[Event, ...]:
    """Return the newest events of a server after `since` and until `until`, oldest first, each fact once."""
    found = load_events(connection, origin, since, until, MAX_EVENTS)
    # Earlier versions kept several events of one fact.
    moments = groupby(found, key=attrgetter("at"))
    return tuple(event for _, same in moments for event in merge_events(tuple(same)))


def read_history(path: Path, origin: str, key: OrgKey, request: HistoryRequest) -> HistoryAnswer | None:
    """Return the history of an org; it is empty if the archive does not exist or does not have the org.

    None if the archive cannot be read, or if a newer version of this program wrote it.
    """

    def query(connection: sqlite3.Connection, org_id: int) -> HistoryAnswer:
        return query_history(connection, org_id, request)

    return query_org(path, origin, key, query, unknown=_answer_nothing(request))


def query_history(connection: sqlite3.Connection, org_id: int, request: HistoryRequest) -> HistoryAnswer:
    """Return the history of the org with this row."""
    days = _LocalDays(request)
    since = connection.execute(
        "SELECT min(first_at) FROM all_runs JOIN names ON id = figure_id WHERE org_id = ? AND name = ?",
        (org_id, VERDICT),
    ).fetchone()[0]
    if since is None:
        return _answer_nothing(request)
    cycle_rows = _load_cycles(connection, org_id, days)
    earliest = min([days.midnights[0], *(row.start_at for _, row in cycle_rows)])
    spells = _Spells(connection, org_id, earliest, request.max_pause // MILLISECOND)
    quarters = _load_quarters(connection, org_id, days.midnights[0])
    summed = _PeriodSums(days, spells, quarters, _load_undated(connection, org_id, days.midnights[0]))
    used = _load_current(connection, org_id, USED)
    known_credits = _load_known_credits(connection, org_id, days.since)
    first = days.first_number
    first_day, mondays = days.dates[first], tuple(days.list_weeks())
    weeks = tuple(summed.sum_days(PeriodKind.WEEK, day, day + 7 * _DAY) for day in mondays)
    first_week = summed.sum_days(PeriodKind.WEEK, first_day, mondays[0] + 7 * _DAY)
    refused = _load_refused(connection, org_id, days)
    return HistoryAnswer(
        request,
        from_millis(since),
        summed.sum_days(PeriodKind.SPAN, first_day, days.last + _DAY),
        calendars=tuple(_build_calendars(quarters, days, spells, known_credits, used)),
        cycles=tuple(spells.measure_stopped(figure, row) for figure, row in cycle_rows),
        days=tuple(summed.sum_days(PeriodKind.DAY, day, day + _DAY) for day in days.dates[first:]),
        weeks=weeks,
        span_weeks=(first_week, *weeks[1:]),
        months=tuple(summed.sum_days(PeriodKind.MONTH, *month) for month in days.list_months()),
        billing_cycles=tuple(
            summed.sum_cycle(row) for figure, row in reversed(cycle_rows) if figure == MONTH
        ),
        cap=_load_current(connection, org_id, CAP),
        refused=count_stops(refused),
        last_refused_at=refused[-1].at if refused else None,
    )


def _load_refused(connection: sqlite3.Connection, org_id: int, days: _LocalDays) -> tuple[Refusal, ...]:
    """Return the first refusal of each stop while Claude Code was logged in to an org, oldest first."""
    (uuid,) = connection.execute("SELECT lower(uuid) FROM orgs WHERE id = ?", (org_id,)).fetchone()
    found = load_refusals(connection, from_millis(days.since), from_millis(days.now))
    return select_stops(refusal for refusal in found if refusal.org == uuid)


def _answer_nothing(request: HistoryRequest) -> HistoryAnswer:
    days = _LocalDays(request)
    start = from_millis(days.since)
    return HistoryAnswer(
        request,
        None,
        HistoryPeriod(PeriodKind.SPAN, start, None, (), timedelta(0), request.now - start, ()),
    )


class _LocalDays:
    """The local days of the span, and those before it from the start of its first week or month on."""

    def __init__(self, request: HistoryRequest) -> None:
        self.now = to_millis(request.now)
        self._zone = request.zone
        self.last = request.now.astimezone(request.zone).date()
        first = self.last - (DAYS * request.weeks - 1) * _DAY
        self._first_week = find_first_day(first, PeriodKind.WEEK)
        self._first_month = find_first_day(first, PeriodKind.MONTH)
        start = min(self._first_week, self._first_month)
        self.dates = [start + number * _DAY for number in range((self.last - start).days + 1)]
        self.midnights = [self.find_midnight(day) for day in (*self.dates, self.last + _DAY)]
        self.first_number = (first - start).days
        self.since = self.midnights[self.first_number]
        """Milliseconds of the start of the span."""

    def find_midnight(self, day: date) -> int:
        """Return the milliseconds at which a local day begins, even if clocks skip its midnight."""
        midnight = datetime.combine(day, time.min, self._zone)
        return to_millis(midnight.astimezone(UTC))

    def list_weeks(self) -> Iterator[date]:
        """Yield the Monday of each week that overlaps the span."""
        day = self._first_week
        while day <= self.last:
            yield day
            day += 7 * _DAY

    def list_months(self) -> Iterator[tuple[date, date]]:
        """Yield the first day of each month that overlaps the span, and of the next one."""
        day = self._first_month
        while day <= self.last:
            following = find_first_day(day + 31 * _DAY, PeriodKind.MONTH)
            yield day, following
            day = following

    def build_slots(self) -> bytes:
        """Return the weekday and hour, as one number below 168, of each quarter of an hour of the span."""
        slots = bytearray()
        number = self.first_number
        for day, begin, end in zip(
            self.dates[number:], self.midnights[number:], self.midnights[number + 1 :], strict=False
        ):
            first = day.weekday() * HOURS
            if end - begin == _DAY_QUARTERS * QUARTER:
                slots += bytes(first + quarter // 4 for quarter in range(_DAY_QUARTERS))
                continue
            for at in range(begin, end, QUARTER):  # the clocks change on this day
                slots.append(first + from_millis(at).astimezone(self._zone).hour)
        return bytes(slots)


class _Spell(NamedTuple):
    """Time in which readings show one verdict without a gap, in milliseconds."""

    first: int
    last: int
    state: str
    cause: str
    stop: int
    """Start of the stop; spells of one stop share it."""


class _Spells:
    """The spells of an org, oldest first, without overlap."""

    def __init__(self, connection: sqlite3.Connection, org_id: int, since: int, max_pause: int) -> None:
        rows = connection.execute(
            "SELECT first_at, confirmed_at, value, detail FROM all_runs JOIN names ON id = figure_id"
            " WHERE org_id = ? AND name = ? AND confirmed_at >= ? ORDER BY first_at",
            (org_id, VERDICT, since),
        ).fetchall()
        self.all = list(
            _join_runs(rows, lambda first, last: is_gap(connection, org_id, first, last, max_pause))
        )
        self._undecided = [
            row[:2] for row in rows if row[2] == VerdictState.UNKNOWN and row[3] != Cause.NOT_READ
        ]
        """Time in which replies were read that allow no verdict."""
        self._starts = [spell.first for spell in self.all]
        self._ends = [spell.last for spell in self.all]
        covered = accumulate((spell.last - spell.first for spell in self.all), initial=0)
        refused = accumulate(
            (spell.last - spell.first if spell.state in _REFUSED else 0 for spell in self.all), initial=0
        )
        self._covered, self._refused = list(covered), list(refused)

    def overlap(self, start: int, end: int) -> Sequence[_Spell]:
        """Return the spells that overlap a period."""
        return self.all[bisect_right(self._ends, start) : bisect_left(self._starts, end)]

    def find_first_reading(self, start: int, end: int) -> int | None:
        """Return the first moment of a period that readings show. None if there is none."""
        place = bisect_left(self._ends, start)  # a reading at the start itself counts
        firsts = [spell.first for spell in self.all[place : place + 1] if spell.first < end]
        firsts += [first for first, last in self._undecided if last >= start and first < end]
        return max(start, min(firsts)) if firsts else None

    def find_last_shown(self, start: int, end: int) -> int:
        """Return the last moment before the end of a period that readings show; the last one without any."""
        spells = self.overlap(start, end)
        return min(end - 1, spells[-1].last) if spells else end - 1

    def measure_covered(self, start: int, end: int) -> int:
        """Return the milliseconds of a period in which readings show the verdict."""
        return self._measure(self._covered, start, end, None)

    def measure_stopped(self, figure: str, row: Cycle) -> HistoryCycle:
        """Return a cycle with the time in which the verdict was WAIT or BLOCKED."""
        until = row.end_at if row.end_at is not None else row.last_at
        stopped = self._measure(self._refused, row.start_at, until, _REFUSED)
        return build_cycle(figure, row)._replace(stopped=stopped * MILLISECOND)

    def _measure(self, sums: Sequence[int], start: int, end: int, states: Iterable[str] | None) -> int:
        first, stop = bisect_right(self._ends, start), bisect_left(self._starts, end)
        if first >= stop:
            return 0
        total = sums[stop] - sums[first]
        for spell, excess in (
            (self.all[first], start - self.all[first].first),
            (self.all[stop - 1], self.all[stop - 1].last - end),
        ):
            if excess > 0 and (states is None or spell.state in states):
                total -= excess
        return total


_REFUSED = frozenset({VerdictState.WAIT.value, VerdictState.BLOCKED.value})


def _join_runs(
    rows: Sequence[tuple[int, int, str, str]], is_pause: Callable[[int, int], bool]
) -> Iterator[_Spell]:
    """Yield a spell for each run with a known verdict; it lasts until the next one if no reading is missing.

    A verdict that a pause interrupts is one stop if nothing else was read in between, and if the window that
    causes it cannot have reset meanwhile.
    """
    begun_at, before = 0, ("", "", 0)
    for place, (first, confirmed, state, cause) in enumerate(rows):
        if state == VerdictState.UNKNOWN:
            continue
        last = confirmed
        if place + 1 < len(rows) and not is_pause(confirmed, rows[place + 1][0]):
            last = rows[place + 1][0]
        is_same = before[:2] == (state, cause) and first - before[2] <= _find_length(cause)
        begun_at = begun_at if is_same else first
        before = state, cause, last
        yield _Spell(first, last, state, cause, begun_at)


def _find_length(cause: str) -> int:
    """Return the length of the window with this key in milliseconds; a week for any other cause."""
    fact = WINDOWS.get(cause)
    return (fact.length if fact is not None and fact.length is not None else SEVEN_DAYS) // MILLISECOND


QuarterRows = Mapping[tuple[str, str], Sequence[tuple[int, object]]]
"""Start and rise of each quarter with a rise, by figure and unit."""


def _load_quarters(connection: sqlite3.Connection, org_id: int, since: int) -> QuarterRows:
    """Return the rises since a moment; credits first, then windows by key."""
    figures = connection.execute(
        "SELECT name, id FROM names WHERE (name = ?1 OR name LIKE ?2 || '%')"
        " AND EXISTS (SELECT 1 FROM quarters WHERE org_id = ?3 AND figure_id = names.id)"
        " ORDER BY name = ?1 DESC, name",
        (USED, WINDOW_PREFIX, org_id),
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[int, object]]] = {}
    for name, figure_id in figures:
        rows = connection.execute(
            "SELECT unit, start_at, rise FROM quarters WHERE org_id = ? AND figure_id = ? AND start_at >= ?",
            (org_id, figure_id, since - QUARTER),
        )
        for unit, start, rise in rows:
            found.setdefault((name, unit), []).append((start, rise))
    return found


UndatedRows = Sequence[tuple[int, int, str, object]]
"""Last reading before a time in which credits were spent, the first one after it, unit and rise."""


def _load_undated(connection: sqlite3.Connection, org_id: int, since: int) -> UndatedRows:
    """Return the credits that were spent while nothing was read, as far as that time ends after a moment."""
    return connection.execute(
        "SELECT since_at, seen_at, unit, rise FROM undated_rises JOIN names ON id = figure_id"
        " WHERE org_id = ? AND name = ? AND seen_at > ? ORDER BY seen_at, unit",
        (org_id, USED, since),
    ).fetchall()


def _sum_by_day(quarters: QuarterRows, days: _LocalDays) -> Mapping[str, Sequence[Decimal]]:
    """Return the credits spent on each day, by unit."""
    sums = {}
    for (name, unit), rows in quarters.items():
        if name == USED:
            sums[unit] = [Decimal(0)] * len(days.dates)
            for start, rise in rows:
                place = bisect_right(days.midnights, start) - 1
                if 0 <= place < len(days.dates):
                    sums[unit][place] += _to_decimal(rise)
    return sums


def _find_busiest(quarters: QuarterRows, days: _LocalDays) -> list[tuple[Decimal, Decimal, int]]:
    """Return the largest rise of each day: of the credits, of the windows, and its quarter; 0 without one."""
    totals: defaultdict[int, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for (name, _), rows in quarters.items():
        for start, rise in rows:
            both, place = totals[start], 0 if name == USED else 1
            both[place] = max(both[place], _to_decimal(rise))
    busiest = [(Decimal(0), Decimal(0), 0)] * len(days.dates)
    for start, (spent, risen) in totals.items():
        place = bisect_right(days.midnights, start) - 1
        if 0 <= place < len(busiest):
            busiest[place] = max(busiest[place], (spent, risen, start))
    return busiest


class _PeriodSums:
    """Sums up periods of one org."""

    def __init__(
        self, days: _LocalDays, spells: _Spells, quarters: QuarterRows, undated: UndatedRows
    ) -> None:
        self._days, self._spells, self._undated = days, spells, undated
        self._credits, self._busiest = _sum_by_day(quarters, days), _find_busiest(quarters, days)

    def sum_days(self, kind: PeriodKind, first: date, end: date) -> HistoryPeriod:
        """Return the sums from a day on to another one, exclusive."""
        days = self._days
        begin, stop = ((day - days.dates[0]).days for day in (first, end))
        midnights = days.midnights
        span = midnights[begin], midnights[stop] if stop < len(midnights) else days.find_midnight(end)
        spent = defaultdict(
            Decimal, {unit: sum(each[begin:stop], Decimal(0)) for unit, each in self._credits.items()}
        )
        undated: defaultdict[str, Decimal] = defaultdict(Decimal)
        for since_at, seen_at, unit, rise in self._undated:
            if span[0] <= since_at and seen_at <= span[1]:
                spent[unit] += _to_decimal(rise)
            elif since_at < span[1] and seen_at > span[0]:
                undated[unit] += _to_decimal(rise)
        *_, quarter = max(self._busiest[begin:stop])
        at = self._spells.find_last_shown(quarter, quarter + QUARTER) if quarter else None
        return self._sum(kind, span, _list_amounts(spent), at)._replace(undated=_list_amounts(undated))

    def sum_cycle(self, row: Cycle) -> HistoryPeriod:
        """Return the sums of a billing cycle."""
        spent = read_money(row.spent, row.spent_unit)
        credits = (spent,) if spent is not None else ()
        at = row.full_at if row.full_at is not None else row.peak_at
        return self._sum(PeriodKind.CYCLE, (row.start_at, row.end_at), credits, at, row.last_at)

    def _sum(
        self,
        kind: PeriodKind,
        span: tuple[int, int | None],
        credits: tuple[Money, ...],
        busiest_at: int | None,
        last: int = 0,
    ) -> HistoryPeriod:
        """Return the sums of a period; `last` is its last reading, used if its end is not known."""
        start, end = span
        until = min(self._days.now, end if end is not None else last)
        at = busiest_at if busiest_at is not None else self._spells.find_first_reading(start, until)
        return HistoryPeriod(
            kind,
            from_millis(start),
            from_millis(end) if end is not None else None,
            credits,
            self._spells.measure_covered(start, until) * MILLISECOND,
            max(0, until - start) * MILLISECOND,
            tuple(_sum_stops(self._spells.overlap(start, until), start, until)),
            from_millis(at) if at is not None else None,
        )


def _list_amounts(sums: Mapping[str, Decimal]) -> tuple[Money, ...]:
    """Return the amounts above 0 of sums by unit."""
    amounts = (read_money(total, unit) for unit, total in sums.items())
    return tuple(amount for amount in amounts if amount is not None and amount.minor)


def _sum_stops(spells: Iterable[_Spell], start: int, end: int) -> list[Stop]:
    """Return the stops in a period by state and cause, worst and longest first."""
    starts: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    lengths: defaultdict[tuple[str, str], int] = defaultdict(int)
    for spell in spells:
        if spell.state in _STOPS:
            starts[spell.state, spell.cause].add(spell.stop)
            lengths[spell.state, spell.cause] += min(spell.last, end) - max(spell.first, start)
    stops = [
        Stop(
            VerdictState(state),
            cause,
            len(begun),
            lengths[state, cause] * MILLISECOND,
            from_millis(max(begun)),
        )
        for (state, cause), begun in starts.items()
    ]
    return sorted(stops, key=lambda stop: (WORST_FIRST.index(stop.state), -stop.length, stop.cause))


def _build_calendars(
    quarters: QuarterRows,
    days: _LocalDays,
    spells: _Spells,
    known_credits: Sequence[tuple[int, int]],
    used: Money | None,
) -> Iterator[HourCalendar]:
    """Yield the calendar of each figure; one of zeros for credits that were read and never rose."""
    slots = days.build_slots()
    read = _find_read_slots(((spell.first, spell.last) for spell in spells.all), slots, days)
    figures = list(quarters)
    if used is not None and not any(name == USED for name, _ in figures):
        figures.insert(0, (USED, format_unit(used)))
    for name, unit in figures:
        is_money = name == USED
        sums: dict[int, Decimal] = defaultdict(Decimal)
        busiest = [(Decimal(0), 0)] * DAYS
        for start, stored in quarters.get((name, unit), ()):
            place = (start - days.since) // QUARTER
            if 0 <= place < len(slots):
                rise, slot = _to_decimal(stored), slots[place]
                sums[slot] += rise
                busiest[slot // HOURS] = max(busiest[slot // HOURS], (rise, start))
        known = _find_read_slots(known_credits, slots, days) if is_money else read
        amounts: list[Amount | None] = [None] * (DAYS * HOURS)
        for slot in known | sums.keys():
            amounts[slot] = read_money(sums[slot], unit) if is_money else float(sums[slot])
        moments = (
            from_millis(spells.find_last_shown(start, start + QUARTER)) if rise else None
            for rise, start in busiest
        )
        yield HourCalendar(name, tuple(amounts), tuple(moments))


def _find_read_slots(periods: Iterable[tuple[int, int]], slots: bytes, days: _LocalDays) -> set[int]:
    """Return the hours of the week in which anything was read."""
    found: set[int] = set()
    for first, last in periods:
        if last >= days.since:
            found.update(slots[max(0, first - days.since) // QUARTER : (last - days.since) // QUARTER + 1])
    return found


def _load_known_credits(connection: sqlite3.Connection, org_id: int, since: int) -> list[tuple[int, int]]:
    """Return the periods in which readings show the state of the credits."""
    return connection.execute(
        "SELECT first_at, confirmed_at FROM all_runs JOIN names ON id = figure_id"
        " WHERE org_id = ? AND name = ? AND confirmed_at >= ? AND value != ?",
        (org_id, CREDITS, since, CreditState.UNKNOWN.value),
    ).fetchall()


def _load_current(connection: sqlite3.Connection, org_id: int, figure: str) -> Money | None:
    """Return the current amount of a figure of the lead meter. None if there is none."""
    row = connection.execute(
        "SELECT value, unit FROM open_runs JOIN names ON id = figure_id WHERE org_id = ? AND name = ?",
        (org_id, figure),
    ).fetchone()
    return read_money(*row) if row is not None else None


def _load_cycles(connection: sqlite3.Connection, org_id: int, days: _LocalDays) -> list[tuple[str, Cycle]]:
    """Return the cycles that overlap the span: months, weeks, 5-hour windows, each newest first."""
    rows = connection.execute(
        f"SELECT name, {CYCLE_COLUMNS} FROM cycles JOIN names ON id = figure_id"  # noqa: S608 - our own names
        " WHERE org_id = ? AND start_at <= ? AND max(coalesce(end_at, last_at), last_at) >= ?"
        " ORDER BY start_at DESC",
        (org_id, days.now, days.since),
    )

    def rank(found: tuple[str, Cycle]) -> tuple[bool, int, str]:
        figure, _ = found
        return figure != MONTH, -_find_length(figure.removeprefix(WINDOW_PREFIX)), figure

    return sorted(((name, Cycle(*row)) for name, *row in rows), key=rank)


def _to_decimal(value: object) -> Decimal:
    """Return the exact value of a column that holds whole numbers as such and others as text or floats."""
    return Decimal(value) if isinstance(value, int) else Decimal(str(value))
