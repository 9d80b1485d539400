"""Answer questions about the use of Claude Code on this machine."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from claudemeter_tui.history.database import from_millis, to_millis
from claudemeter_tui.history.figures import USED, parse_unit
from claudemeter_tui.history.transcripts import load_refusals, to_span
from claudemeter_tui.model.history import WINDOW_PREFIX
from claudemeter_tui.model.machine import (
    REFUSAL_DAYS,
    FigureRises,
    MachineRequest,
    MachineSpan,
    MachineUsage,
    RebuildDay,
    ServerRise,
    SpanUsage,
    UsageRow,
)
from claudemeter_tui.model.transcripts import Login, TokenCounts

_BASE_SPAN = timedelta(days=1)
"""Time before a span in which the value before the first rise is looked for."""
_COUNTS = ", ".join(f"sum({name})" for name in TokenCounts._fields)
_NAMES = (
    " LEFT JOIN projects ON projects.id = project_id LEFT JOIN names AS model ON model.id = model_id"
    " LEFT JOIN names AS variant ON variant.id = variant_id"
)


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
    since = request.now - timedelta(days=REFUSAL_DAYS)
    return MachineUsage(
        request.now,
        from_millis(state[0]) if state is not None and state[0] else None,
        from_millis(first) if first is not None else None,
        tuple(_load_span(connection, org_id, span, request.now) for span in request.spans),
        _load_rebuilds(connection, since, request),
        load_refusals(connection, since, request.now),
        skipped,
        load_login(connection),
    )


def load_login(connection: sqlite3.Connection) -> Login | None:
    """Return the login that was observed last. None if none was, or it was not known."""
    row = connection.execute(
        "SELECT org, account FROM logins ORDER BY last_at DESC, id DESC LIMIT 1"
    ).fetchone()
    return Login(*row) if row is not None and row[0] else None


def load_usage(
    connection: sqlite3.Connection, since: datetime, until: datetime, org: str | None = None
) -> tuple[UsageRow, ...]:
    """Return the calls of a span by project, model, variant and chain, as far as each call is kept.

    Args:
        connection: an open archive.
        since: start of the span.
        until: end of the span, included.
        org: UUID of the org that Claude Code was logged in to. None for all calls, known login or not.
    """
    rows = connection.execute(
        "SELECT coalesce(projects.path, ''), coalesce(model.name, ''), coalesce(variant.name, ''),"  # noqa: S608 - our own names
        f" is_sidechain, count(*), sum(rebuilt), {_COUNTS} FROM calls {_NAMES}"
        " LEFT JOIN logins ON logins.id = login_id WHERE at >= ? AND at <= ? AND (? IS NULL OR org = ?)"
        " GROUP BY project_id, model_id, variant_id, is_sidechain",
        (to_millis(since), to_millis(until), org, org),
    )
    return tuple(
        UsageRow(project, model, variant, bool(is_sidechain), calls, TokenCounts(*counts), rebuilt)
        for project, model, variant, is_sidechain, calls, rebuilt, *counts in rows
    )


def _load_span(
    connection: sqlite3.Connection, org_id: int | None, span: MachineSpan, now: datetime
) -> SpanUsage:
    figures = load_rises(connection, org_id, span.since, now) if org_id is not None else ()
    return SpanUsage(span, load_usage(connection, span.since, now), figures)


def load_rises(
    connection: sqlite3.Connection, org_id: int, since: datetime, until: datetime
) -> tuple[FigureRises, ...]:
    """Return the windows and the used credits of an org with their rises after `since`.

    A value that fell is the start of a new window if the reset has come, else a correction.
    """
    first = to_millis(since)
    rows = connection.execute(
        "SELECT name, unit, first_at, confirmed_at, value, detail FROM all_runs JOIN names ON id = figure_id"
        " WHERE org_id = ? AND (name = ? OR name LIKE ?) AND confirmed_at >= ? AND first_at <= ?"
        " ORDER BY name, unit, first_at",
        (org_id, USED, f"{WINDOW_PREFIX}%", first - to_span(_BASE_SPAN), to_millis(until)),
    ).fetchall()
    found = []
    for (figure, unit), group in groupby(rows, itemgetter(0, 1)):
        runs = [_Run(*row[2:]) for row in group]
        rises = tuple(
            ServerRise(from_millis(since_at), from_millis(after.first_at), amount)
            for before, after in pairwise(runs)
            if after.first_at > first
            for since_at, amount in (_measure_rise(before, after, figure),)
            if amount > 0
        )
        if runs[-1].confirmed_at >= first:
            found.append(FigureRises(figure, rises, parse_unit(unit)))
    return tuple(found)


class _Run(NamedTuple):
    first_at: int
    confirmed_at: int
    value: float
    detail: str


def _measure_rise(before: _Run, after: _Run, figure: str) -> tuple[int, float]:
    """Return the start of a rise in milliseconds, and its amount; 0 for a fall that is no reset."""
    rise = float(after.value) - float(before.value)
    if rise < 0 and figure != USED and before.detail and int(before.detail) <= after.first_at:
        return max(before.confirmed_at, int(before.detail)), float(after.value)
    return before.confirmed_at, rise


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
