"""Answer questions about the use of Claude Code on this machine."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from claudemeter_tui.history.archive import find_org_id
from claudemeter_tui.history.cycles import find_month
from claudemeter_tui.history.database import HOUR_MILLIS, from_millis, to_millis
from claudemeter_tui.history.figures import USED, name_window, parse_unit
from claudemeter_tui.history.queries import query_archive
from claudemeter_tui.history.transcripts import load_refusals, to_span
from claudemeter_tui.model.attribution import (
    LAG,
    Activity,
    Level,
    NoRate,
    Rise,
    attribute_rises,
    convert_rate,
    estimate_usual_rate,
    find_rises,
)
from claudemeter_tui.model.catalogue import SCOPED_WINDOW, SESSION_WINDOW_KEY, WEEK_WINDOW_KEY, WINDOWS
from claudemeter_tui.model.history import WINDOW_PREFIX
from claudemeter_tui.model.machine import (
    REFUSAL_DAYS,
    FigureRises,
    MachineRequest,
    MachineSpan,
    MachineUsage,
    OrgUse,
    RebuildDay,
    SpanKind,
    SpanUsage,
    UsageRow,
    find_cycle_start,
)
from claudemeter_tui.model.prices import Price, find_price
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.transcripts import Login, TokenCounts

_SESSION, _WEEK = name_window(SESSION_WINDOW_KEY), name_window(WEEK_WINDOW_KEY)
_ATTRIBUTED = frozenset((USED, _SESSION, _WEEK))
"""Figures that every call counts for; a window of one model has its own calls."""
_BASE_SPAN = timedelta(days=1)
"""Time before a span in which the value before the first rise is looked for."""
_MAX_OVERLAP = timedelta(minutes=5)
"""Longest time before a span in which a rise of the span can have been used."""
_COUNTS = ", ".join(f"sum({name})" for name in TokenCounts._fields)
_NAMES = (
    " LEFT JOIN projects ON projects.id = project_id LEFT JOIN names AS model ON model.id = model_id"
    " LEFT JOIN names AS variant ON variant.id = variant_id"
)
_KEYS = "project_id, model_id, variant_id, is_sidechain"
_USAGE = f"""
SELECT coalesce(projects.path, ''), coalesce(model.name, ''), coalesce(variant.name, ''), is_sidechain,
    sum(count), sum(rebuilt), {_COUNTS}
FROM (
    SELECT {_KEYS}, 1 AS count, rebuilt, {", ".join(TokenCounts._fields)} FROM calls
        WHERE at >= ? AND at <= ?
    UNION ALL
    SELECT {_KEYS}, count, rebuilt, {", ".join(TokenCounts._fields)} FROM call_hours
        WHERE start_at >= ? AND start_at <= ?
) {_NAMES} GROUP BY {_KEYS}
"""  # noqa: S608 - our own names


def read_machine(path: Path, origin: str, key: OrgKey | None, request: MachineRequest) -> MachineUsage | None:
    """Return the use of this machine, and the rises of an org; see `query_machine`.

    None if the archive cannot be read, or if a newer version of this program wrote it.
    """
    query = partial(query_org_machine, origin, key, request)
    return query_archive(path, query, unknown=MachineUsage(request.now))


def query_org_machine(
    origin: str, key: OrgKey | None, request: MachineRequest, connection: sqlite3.Connection
) -> MachineUsage:
    """Return the use of this machine, and the rises of the org with a key; see `query_machine`."""
    org_id = find_org_id(connection, origin, key) if key is not None else None
    return query_machine(connection, org_id, request)


def query_machine(
    connection: sqlite3.Connection, org_id: int | None, request: MachineRequest
) -> MachineUsage:
    """Return the use of this machine, and the rises of an org in the same spans.

    Args:
        connection: an open archive.
        org_id: row of the org whose figures are beside it. None for no org.
        request: the spans.
    """
    state = connection.execute("SELECT read_at FROM transcript_state").fetchone()
    (first,) = connection.execute(
        "SELECT min(at) FROM (SELECT min(at) AS at FROM calls UNION ALL SELECT min(start_at) FROM call_hours)"
    ).fetchone()
    (skipped,) = connection.execute("SELECT coalesce(sum(skipped), 0) FROM transcript_files").fetchone()
    now, login = request.now, load_login(connection)
    since = now - timedelta(days=REFUSAL_DAYS)
    figures: list[_Figure] = []
    if org_id is not None:
        earliest = min((since, *(span.since for span in request.spans)))
        figures = _load_figures(connection, org_id, earliest, now)
        if login is not None and _load_uuid(connection, org_id) == login.org:
            _estimate_rates(figures, _load_activities(connection, login.org, earliest, now))
    return MachineUsage(
        now,
        from_millis(state[0]) if state is not None and state[0] else None,
        from_millis(first) if first is not None else None,
        tuple(
            SpanUsage(
                span,
                rows,
                tuple(figure.select(span) for figure in figures if figure.is_read_since(span)),
                is_whole,
            )
            for span in request.spans
            for rows, is_whole in (load_usage(connection, span.since, now),)
        ),
        _load_rebuilds(connection, since, request),
        load_refusals(connection, since, now),
        skipped,
        login,
    )


def load_login(connection: sqlite3.Connection) -> Login | None:
    """Return the login that was observed last. None if none was, or it was not known."""
    row = connection.execute(
        "SELECT org, account FROM logins ORDER BY last_at DESC, id DESC LIMIT 1"
    ).fetchone()
    return Login(*row) if row is not None and row[0] else None


def load_usage(
    connection: sqlite3.Connection, since: datetime, until: datetime
) -> tuple[tuple[UsageRow, ...], bool]:
    """Return the calls of a span by project, model, variant and chain.

    Calls of which only sums per hour are kept are included if their hour begins in the span.

    Args:
        connection: an open archive.
        since: start of the span.
        until: end of the span, included.

    Returns:
        The rows, and True if the span has no other calls: False if an hour with sums has begun before it.
    """
    first, last = to_millis(since), to_millis(until)
    rows = connection.execute(_USAGE, (first, last, first, last))
    found = tuple(
        UsageRow(project, model, variant, bool(is_sidechain), calls, TokenCounts(*counts), rebuilt)
        for project, model, variant, is_sidechain, calls, rebuilt, *counts in rows
    )
    is_cut = connection.execute(
        "SELECT 1 FROM call_hours WHERE start_at > ? AND start_at < ? LIMIT 1",
        (first - HOUR_MILLIS, first),
    ).fetchone()
    return found, is_cut is None


def load_uses(
    keys: Sequence[OrgKey], now: datetime, connection: sqlite3.Connection
) -> Mapping[OrgKey, OrgUse]:
    """Return the use of this machine since the start of the billing cycle, for each of these orgs.

    Only calls and refusals whose login is known to be the org's count for it. Empty if no transcript was
    ever read.
    """
    if connection.execute("SELECT 1 FROM transcript_state").fetchone() is None:
        return {}
    return {key: _load_use(connection, key, now) for key in keys}


def _load_use(connection: sqlite3.Connection, key: OrgKey, now: datetime) -> OrgUse:
    account, org = key
    since = find_cycle_start(now)  # a full hour, so that sums of hours are in it or not
    logins = {
        row: person
        for row, person in connection.execute(
            "SELECT id, account FROM logins WHERE org = ?", (org.lower(),)
        ).fetchall()
        # The key of an account without a UUID is its e-mail address.
        if not person or person == account.lower() or "@" in account or not account
    }
    current = connection.execute("SELECT max(id) FROM logins GROUP BY config_folder").fetchall()
    marks = ", ".join("?" * len(logins))
    first, last = to_millis(since), to_millis(now)
    calls, *counts = connection.execute(
        f"SELECT count(*), {_COUNTS} FROM calls WHERE at >= ? AND at <= ? AND login_id IN ({marks})",  # noqa: S608 - our own names
        (first, last, *logins),
    ).fetchone()
    summed, *sums = connection.execute(
        f"SELECT coalesce(sum(count), 0), {_COUNTS} FROM call_hours"  # noqa: S608
        f" WHERE start_at >= ? AND start_at <= ? AND login_id IN ({marks})",
        (first, last, *logins),
    ).fetchone()
    total = TokenCounts(*(one or 0 for one in counts)).add(TokenCounts(*(one or 0 for one in sums)))
    refusals = load_refusals(connection, since, now, logins)
    return OrgUse(
        since,
        next((logins[row] or None for (row,) in current if row in logins), None),
        calls + summed,
        total if calls + summed else None,
        refusals,
    )


def load_rises(
    connection: sqlite3.Connection, org_id: int, since: datetime, until: datetime
) -> tuple[FigureRises, ...]:
    """Return the rises after `since` and until `until` of each figure that was read in this time."""
    span = MachineSpan(SpanKind.CYCLE, since)
    figures = _load_figures(connection, org_id, since, until)
    return tuple(figure.select(span) for figure in figures if figure.is_read_since(span))


class _Run(NamedTuple):
    first_at: int
    confirmed_at: int
    value: float
    detail: str


@dataclass
class _Figure:
    """A figure of an org in the longest span, with what its rises are split by."""

    name: str
    unit: tuple[str, int] | None
    first_at: int
    """First reading, or the start of its cycle, when the figure was 0; milliseconds since 1970."""
    last_at: int
    rises: list[Rise]
    seen: Mapping[int, int]
    """Last reading before each rise, by the time of the rise."""
    activities: Sequence[Activity] = ()
    rate: float | NoRate | None = None
    """Usual rate. None if it is not estimated."""

    def is_read_since(self, span: MachineSpan) -> bool:
        """True if the figure was read in a span."""
        return self.last_at >= to_millis(span.since)

    def select(self, span: MachineSpan) -> FigureRises:
        """Return the rises of a span, without one that can have been before it."""
        start = to_millis(span.since)
        found = [rise for rise in self.rises if rise.at > start]
        rises = tuple(
            rise for rise in found if max(rise.since, self.seen[rise.at]) >= start - to_span(_MAX_OVERLAP)
        )
        is_whole = self.first_at - to_span(_MAX_OVERLAP) <= start and len(rises) == len(found)
        attribution = attribute_rises(rises, self.activities, self.rate) if self.rate is not None else None
        return FigureRises(self.name, rises, self.unit, is_whole, attribution)


def _load_figures(
    connection: sqlite3.Connection, org_id: int, since: datetime, until: datetime
) -> list[_Figure]:
    """Return used credits and windows with all rises since a moment."""
    rows = connection.execute(
        "SELECT name, unit, first_at, confirmed_at, value, detail FROM all_runs JOIN names ON id = figure_id"
        " WHERE org_id = ? AND (name = ? OR name LIKE ?) AND confirmed_at >= ? AND first_at <= ?"
        " ORDER BY name, unit, first_at",
        (org_id, USED, f"{WINDOW_PREFIX}%", to_millis(since) - to_span(_BASE_SPAN), to_millis(until)),
    ).fetchall()
    figures = []
    for (name, unit), group in groupby(rows, itemgetter(0, 1)):
        runs = [_Run(*row[2:]) for row in group]
        first = _find_cycle_start(name, runs[0])
        runs = [_Run(first, first, 0.0, runs[0].detail), *runs] if first < runs[0].first_at else runs
        rises = find_rises(_iterate_levels(name, runs), is_rounded=name != USED)
        seen = {after.first_at: before.confirmed_at for before, after in pairwise(runs)}
        figures.append(_Figure(name, parse_unit(unit), first, runs[-1].confirmed_at, rises, seen))
    return figures


def _find_cycle_start(figure: str, run: _Run) -> int:
    """Return the time at which a figure was 0 before its first reading; that reading if it is not known."""
    if figure == USED:
        return find_month(run.first_at)
    length = WINDOWS.get(figure.removeprefix(WINDOW_PREFIX), SCOPED_WINDOW).length
    if not run.detail or length is None:
        return run.first_at
    return min(run.first_at, int(run.detail) - to_span(length))


def _iterate_levels(figure: str, runs: Iterable[_Run]) -> Iterator[Level]:
    """Yield the runs with the start of their cycle: a month in UTC, or the reset that came before.

    A reset that is moved before it has come starts no cycle, so nothing is counted twice.
    """
    cycle, reset = 0, ""
    for run in runs:
        if figure == USED:
            cycle = find_month(run.first_at)
        elif reset and int(reset) <= run.first_at:
            cycle = int(reset)
        yield Level(run.first_at, run.confirmed_at, float(run.value), cycle)
        reset = run.detail


def _estimate_rates(figures: Iterable[_Figure], activities: Sequence[Activity]) -> None:
    """Set the usual rates of the figures for which every call here counts."""
    known = {figure.name: figure for figure in figures if figure.name in _ATTRIBUTED}
    session, week = known.get(_SESSION), known.get(_WEEK)
    for figure in known.values():
        figure.activities = activities
        figure.rate = estimate_usual_rate(figure.rises, activities)
    if session is not None and week is not None and session.rate is not None:
        week.rate = convert_rate(session.rate, session.rises, week.rises)


def _load_uuid(connection: sqlite3.Connection, org_id: int) -> str:
    (uuid,) = connection.execute("SELECT lower(uuid) FROM orgs WHERE id = ?", (org_id,)).fetchone()
    return str(uuid)


def _load_activities(
    connection: sqlite3.Connection, org: str, since: datetime, until: datetime
) -> list[Activity]:
    """Return the calls of an org by minute and project; those before the login was observed count, too.

    An hour of which only sums are kept has activities without a cost.

    Claude Code is logged in to this org now, and every share is marked as estimated.
    """
    rows = connection.execute(
        "SELECT max(at), coalesce(projects.path, ''), coalesce(model.name, ''), coalesce(variant.name, ''),"  # noqa: S608 - our own names
        f" {_COUNTS} FROM calls {_NAMES} LEFT JOIN logins ON logins.id = login_id"
        " WHERE at >= ? AND at <= ? AND (login_id = 0 OR org = ?)"
        " GROUP BY at / 60000, project_id, model_id, variant_id ORDER BY 1",
        (to_millis(since), to_millis(until), org),
    )
    prices: dict[tuple[str, str], Price | None] = {}
    found = []
    for at, project, model, variant, *counts in rows:
        if (model, variant) not in prices:
            prices[model, variant] = find_price(model, variant)
        price = prices[model, variant]
        cost = price.compute_cost(TokenCounts(*counts)) if price is not None else None
        found.append(Activity(at, project, cost))
    hours = connection.execute(
        "SELECT DISTINCT start_at FROM call_hours LEFT JOIN logins ON logins.id = login_id"
        " WHERE start_at > ? AND start_at <= ? AND (login_id = 0 OR org = ?)",
        (to_millis(since) - HOUR_MILLIS, to_millis(until), org),
    )
    for (start,) in hours:
        # The minutes of these calls are not known: each rise of the hour can be theirs.
        found += (Activity(at, "", None) for at in range(start, start + HOUR_MILLIS, LAG))
    return sorted(found, key=lambda activity: activity.at)


def _load_rebuilds(
    connection: sqlite3.Connection, since: datetime, request: MachineRequest
) -> tuple[RebuildDay, ...]:
    """Return the tokens that were written to the cache again, by local day and model, newest first."""
    rows = connection.execute(
        "SELECT at, coalesce(model.name, ''), coalesce(variant.name, ''), coalesce(miss.name, ''), rebuilt,"  # noqa: S608 - our own names
        f" {', '.join(TokenCounts._fields)}"
        f" FROM calls {_NAMES} LEFT JOIN names AS miss ON miss.id = cache_miss_id"
        " WHERE at >= ? AND at <= ? AND rebuilt > 0",
        (to_millis(since), to_millis(request.now)),
    )
    days: dict[tuple[date, str, str], _Rebuilds] = {}
    for at, model, variant, reason, rebuilt, *counts in rows:
        day = from_millis(at).astimezone(request.zone).date()
        sums = days.setdefault((day, model, variant), _Rebuilds())
        sums.calls += 1
        sums.rebuilt += rebuilt
        sums.counts = sums.counts.add(TokenCounts(*counts))
        sums.reasons[reason] += 1
    return tuple(
        RebuildDay(*key, one.calls, one.counts, one.rebuilt, _rank_reasons(one.reasons))
        for key, one in sorted(days.items(), key=lambda pair: (-pair[0][0].toordinal(), pair[0][1:]))
    )


@dataclass
class _Rebuilds:
    calls: int = 0
    rebuilt: int = 0
    counts: TokenCounts = TokenCounts()  # noqa: RUF009 - a tuple
    reasons: Counter[str] = field(default_factory=Counter)


def _rank_reasons(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple((reason, count) for reason, count in reasons.most_common() if reason)
