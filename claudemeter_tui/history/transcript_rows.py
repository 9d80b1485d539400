"""Read what transcripts hold for an export: sums of hours, and refusals, in pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterator

from claudemeter_tui.history.database import HOUR_MILLIS, from_millis
from claudemeter_tui.history.transcripts import load_refusals
from claudemeter_tui.model.archive_rows import Owner, RefusalRow, TokenRow
from claudemeter_tui.model.machine import UsageRow
from claudemeter_tui.model.transcripts import Login, TokenCounts

_PAGE = 7 * 24 * HOUR_MILLIS
"""Milliseconds whose rows one query reads."""
_KEYS = "login_id, project_id, model_id, variant_id, is_sidechain"
_NAMES = ", ".join(("rebuilt", *TokenCounts._fields))
_SUMS = ", ".join(f"sum({name})" for name in ("count", "rebuilt", *TokenCounts._fields))
_TOKENS = f"""
SELECT start_at, coalesce(logins.org, ''), coalesce(logins.account, ''), coalesce(path, ''),
    coalesce(model.name, ''), coalesce(variant.name, ''), is_sidechain, {_SUMS}
FROM (
    SELECT at - at % {HOUR_MILLIS} AS start_at, {_KEYS}, 1 AS count, {_NAMES} FROM calls
        WHERE at >= ? AND at < ?
    UNION ALL
    SELECT start_at, {_KEYS}, count, {_NAMES} FROM call_hours WHERE start_at >= ? AND start_at < ?
)
LEFT JOIN logins ON logins.id = login_id LEFT JOIN projects ON projects.id = project_id
LEFT JOIN names AS model ON model.id = model_id LEFT JOIN names AS variant ON variant.id = variant_id
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 - our own names
_FIRST_TOKENS = """
SELECT min(at) FROM (SELECT min(at) AS at FROM calls WHERE at >= ?
    UNION ALL SELECT min(start_at) FROM call_hours WHERE start_at >= ?)
"""
_FIRST_REFUSAL = "SELECT min(at) FROM refusals WHERE at >= ?"

FindOwner = Callable[[Login], Owner]
"""Returns the account and the org of a login."""
Report = Callable[[float], object]


def iterate_tokens(  # noqa: PLR0917 - a span of some orgs
    connection: sqlite3.Connection,
    find_owner: FindOwner,
    owners: Container[Owner] | None,
    first: int,
    last: int,
    end: int,
    report: Report,
) -> Iterator[TokenRow]:
    """Yield the sums of the hours that begin in a span, oldest first.

    An hour that becomes a sum meanwhile is in it once.

    Args:
        connection: an open archive.
        find_owner: returns the owner of a known login.
        owners: those of the logins that are included. None for every login, known or not.
        first: start of the span in milliseconds since 1970.
        last: its end, not included.
        end: time behind the newest row, so that a later one is not included.
        report: called with the finished part.
    """
    first, last = -(-first // HOUR_MILLIS) * HOUR_MILLIS, min(-(-last // HOUR_MILLIS) * HOUR_MILLIS, end)
    for start, stop in _iterate_pages(connection, _FIRST_TOKENS, first, last, report):
        for row in connection.execute(_TOKENS, (start, stop, start, stop)).fetchall():
            at, org, account, project, model, variant, is_sidechain, calls, rebuilt, *counts = row
            owner = find_owner(Login(org, account)) if org else None
            if owners is None or (owner is not None and owner in owners):
                sums = TokenCounts(*counts)
                usage = UsageRow(project, model, variant, bool(is_sidechain), calls, sums, rebuilt)
                yield TokenRow(owner, from_millis(at), usage)


def iterate_refusals(  # noqa: PLR0917
    connection: sqlite3.Connection,
    find_owner: FindOwner,
    owners: Container[Owner] | None,
    first: int,
    last: int,
    end: int,
    report: Report,
) -> Iterator[RefusalRow]:
    """Yield the refusals of a span, oldest first; the arguments are those of `iterate_tokens`."""
    logins = {
        row: find_owner(Login(org, account))
        for row, org, account in connection.execute(
            "SELECT id, org, account FROM logins WHERE org != ''"
        ).fetchall()
    }
    for start, stop in _iterate_pages(connection, _FIRST_REFUSAL, first, min(last, end), report):
        rows = connection.execute(
            "SELECT key, login_id FROM refusals WHERE at >= ? AND at < ?", (start, stop)
        ).fetchall()
        owner_of = {key: logins.get(login) for key, login in rows}
        for refusal in load_refusals(connection, from_millis(start - 1), from_millis(stop - 1)):
            owner = owner_of.get(refusal.key)
            if owners is None or (owner is not None and owner in owners):
                yield RefusalRow(owner, refusal)


def _iterate_pages(
    connection: sqlite3.Connection, query: str, first: int, last: int, report: Report
) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of a span that has rows; full hours, but for the end of the span."""
    marks = query.count("?")
    begin: int | None = None
    while first < last:
        (at,) = connection.execute(query, (first,) * marks).fetchone()
        if at is None or at >= last:
            break
        start = max(first, at - at % HOUR_MILLIS)
        begin = start if begin is None else begin
        first = min(start + _PAGE, last)
        yield start, first
        report((first - begin) / (last - begin))
    report(1.0)


def find_ends(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the times behind the newest call and behind the newest refusal, in milliseconds."""
    (call,) = connection.execute(
        "SELECT coalesce(max(at) + 1, 0) FROM (SELECT max(at) AS at FROM calls"
        " UNION ALL SELECT max(start_at) FROM call_hours)"
    ).fetchone()
    (refusal,) = connection.execute("SELECT coalesce(max(at) + 1, 0) FROM refusals").fetchone()
    return call, refusal
