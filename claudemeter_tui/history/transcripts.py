"""Keep what transcripts hold: each call once, sums of older ones, and every refusal."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.history.database import HOUR_MILLIS, from_millis, intern_name, to_millis, transaction
from claudemeter_tui.model.content_hash import hash_content
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.transcripts import (
    CALLS_DAYS,
    Call,
    Login,
    TokenCounts,
    TranscriptPosition,
    TranscriptReading,
)

MAX_LOGIN_PAUSE = timedelta(days=1)
"""Longest time between two observations of one login in which it counts as unchanged."""
MAX_AHEAD = timedelta(days=1)
"""A call or refusal further in the future is damaged, or from a clock that was wrong."""
COPY_SPAN = timedelta(minutes=10)
"""Longest time from the line of a call to a copy with a later time: a call takes so long at most."""
_COUNTS = TokenCounts._fields
_SUMMED = ("rebuilt", *_COUNTS)

_UPSERT_CALL = f"""
INSERT INTO calls (key, at, login_id, project_id, model_id, variant_id, is_sidechain, cache_miss_id, rebuilt,
    {", ".join(_COUNTS)})
VALUES ({", ".join("?" * (9 + len(_COUNTS)))})
ON CONFLICT (key) DO UPDATE SET {
    ", ".join(
        f"{name} = excluded.{name}"
        for name in (
            "at",
            "login_id",
            "project_id",
            "model_id",
            "variant_id",
            "is_sidechain",
            "cache_miss_id",
            *_SUMMED,
        )
    )
}
WHERE excluded.is_sidechain < is_sidechain OR (excluded.is_sidechain = is_sidechain
    AND excluded.input + excluded.output + excluded.write_5m + excluded.write_1h + excluded.cache_read
        > input + output + write_5m + write_1h + cache_read)
"""  # noqa: S608 - our own names
ADD_HOURS = "ON CONFLICT DO UPDATE SET " + ", ".join(
    f"{name} = {name} + excluded.{name}" for name in ("count", *_SUMMED)
)
"""End of a statement that adds a row of `call_hours` to the one with the same key."""
_SUM_CALLS = f"""
INSERT INTO call_hours SELECT at - at % {HOUR_MILLIS},
    login_id, project_id, model_id, variant_id, is_sidechain, count(*),
    {", ".join(f"sum({name})" for name in _SUMMED)}
FROM calls WHERE at < ? GROUP BY 1, 2, 3, 4, 5, 6
{ADD_HOURS}
"""  # noqa: S608 - our own names


class FileToKeep(NamedTuple):
    """New lines of one transcript, with the config folder that it is in."""

    reading: TranscriptReading
    config_folder: str


def hash_path(path: str) -> int:
    """Return the number of a file in `transcript_files`, 63 bits."""
    return hash_content(path.encode(errors="surrogateescape"))


def load_positions(connection: sqlite3.Connection) -> dict[int, TranscriptPosition]:
    """Return how far each transcript was read, by the hash of its path."""
    rows = connection.execute(
        "SELECT transcript_files.id, identity, offset, coalesce(projects.path, ''), last_key, cached,"
        " rebuilt, changed_at, checksum FROM transcript_files LEFT JOIN projects ON projects.id = project_id"
    )
    return {row: TranscriptPosition(*values) for row, *values in rows}


def load_change_count(connection: sqlite3.Connection) -> int:
    """Return a number that grows with everything that is kept; 0 if nothing was."""
    row = connection.execute("SELECT changes FROM transcript_state").fetchone()
    return int(row[0]) if row is not None else 0


def observe_logins(connection: sqlite3.Connection, logins: Mapping[str, Login | None], now: datetime) -> None:
    """Keep who is logged in to each config folder now; None if it is not known.

    Raises:
        sqlite3.Error: The archive cannot be written.
    """
    at = to_millis(now)
    with transaction(connection):
        for folder, login in logins.items():
            org, account = login or Login("", "")
            last = connection.execute(
                "SELECT id, org, account, last_at FROM logins WHERE config_folder = ?"
                " ORDER BY id DESC LIMIT 1",
                (folder,),
            ).fetchone()
            # A clock that was ahead wrote times that have not come yet.
            connection.execute(
                "UPDATE logins SET last_at = ? WHERE config_folder = ? AND last_at > ?", (at, folder, at)
            )
            is_same = last is not None and (last[1], last[2]) == (org, account)
            if is_same and 0 <= at - last[3] <= to_span(MAX_LOGIN_PAUSE):
                connection.execute("UPDATE logins SET last_at = ? WHERE id = ?", (at, last[0]))
            else:
                connection.execute(
                    "INSERT INTO logins (config_folder, org, account, first_at, last_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (folder, org, account, at, at),
                )


def to_span(span: timedelta) -> int:
    """Return the milliseconds of a span."""
    return round(span.total_seconds() * 1000)


def keep_transcripts(connection: sqlite3.Connection, files: Iterable[FileToKeep], now: datetime) -> int:
    """Keep what is new in transcripts, and how far they were read, in one transaction.

    Returns:
        The number of refusals that were not known before.

    Raises:
        sqlite3.Error: The archive cannot be written; nothing was kept then.
    """
    with transaction(connection):
        writer = _TranscriptWriter(connection, now)
        for file in files:
            writer.add(file)
        writer.finish()
    return writer.new_refusals


def remove_positions(connection: sqlite3.Connection, hashes: Iterable[int]) -> None:
    """Forget how far the files with these hashes were read: they no longer exist."""
    with transaction(connection):
        connection.executemany("DELETE FROM transcript_files WHERE id = ?", [(row,) for row in hashes])


def ignore_removed_calls(connection: sqlite3.Connection, now: datetime, *, everything: bool) -> None:
    """Never keep calls and refusals again that the user has just removed.

    Args:
        connection: the archive without them, in a transaction.
        now: the time of the removal.
        everything: True if everything was removed; False for one org, whose calls have no known login from
            now on. If no transcript was read before, nothing of it was removed.
    """
    if everything:
        connection.execute(
            "INSERT OR REPLACE INTO transcript_state VALUES (1, ?, 0, 0, 0)", (to_millis(now),)
        )
    else:
        connection.execute("UPDATE transcript_state SET known_until = ?", (to_millis(now),))


def sum_old_calls(connection: sqlite3.Connection, now: datetime) -> None:
    """Replace the calls of more than `CALLS_DAYS` before the newest one by sums per hour.

    Nothing is summed if no call is from an earlier day within the limit: the clock may have been set forward
    by mistake when the newest call was made, and everything else would seem to be old.
    """
    day = to_span(timedelta(days=1))
    (newest,) = connection.execute(
        "SELECT max(at) FROM calls WHERE at <= ?", (to_millis(now + MAX_AHEAD),)
    ).fetchone()
    if newest is None:
        return
    limit = newest - to_span(timedelta(days=CALLS_DAYS))
    is_plausible = connection.execute(
        "SELECT 1 FROM calls WHERE at BETWEEN ? AND ? LIMIT 1", (limit, newest - day)
    ).fetchone()
    if is_plausible is not None:
        sum_calls_before(connection, limit)


def sum_calls_before(connection: sqlite3.Connection, limit: int) -> None:
    """Replace the calls before a time by sums per hour, in one transaction; round down to a full hour.

    Copies of these calls that appear later are ignored.

    Args:
        connection: the archive, open for writing.
        limit: milliseconds since 1970.

    Raises:
        sqlite3.Error: The archive cannot be written; nothing has changed then.
    """
    limit -= limit % HOUR_MILLIS
    with transaction(connection):
        (last,) = connection.execute("SELECT max(at) FROM calls WHERE at < ?", (limit,)).fetchone()
        if last is None:
            return
        connection.execute(_SUM_CALLS, (limit,))
        connection.execute("DELETE FROM calls WHERE at < ?", (limit,))
        # Not the limit: after a wrong clock, it may be far behind the calls that follow.
        connection.execute(
            "UPDATE transcript_state SET counted_until = max(counted_until, ?)",
            (min(limit, last + to_span(COPY_SPAN)),),
        )


class _TranscriptWriter:
    """Writes rows within one transaction."""

    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = to_millis(now)
        self._latest = to_millis(now + MAX_AHEAD)
        self._names: dict[str, int] = {"": 0}
        self._projects: dict[str, int] = {"": 0}
        self._spans: dict[str, list[tuple[int, int, int]]] = {}
        self._calls: dict[int, tuple[int, ...]] = {}
        self.new_refusals = 0
        connection.execute("INSERT OR IGNORE INTO transcript_state VALUES (1, 0, 0, 0, 0)")
        limits = connection.execute("SELECT counted_until, known_until FROM transcript_state").fetchone()
        self._counted_until, self._known_until = map(int, limits)

    def add(self, file: FileToKeep) -> None:
        reading, position = file.reading, file.reading.position
        for call in reading.calls:
            login_id = self._find_login(file.config_folder, call.at)
            if self._is_wanted(call.at, login_id):
                self._add_call(call, self._find_project(position.folder), login_id)
        for refusal in reading.refusals:
            at = to_millis(refusal.at)
            login_id = self._find_login(file.config_folder, at)
            if self._is_wanted(at, login_id):
                self._add_refusal(refusal, at, login_id)
        self._connection.execute(
            "INSERT INTO transcript_files"
            " (id, identity, offset, project_id, last_key, cached, rebuilt, changed_at, checksum, skipped)"
            " VALUES (?, ?, ?, coalesce((SELECT id FROM projects WHERE path = ?), 0), ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET identity = excluded.identity,"
            " offset = excluded.offset, project_id = excluded.project_id, last_key = excluded.last_key,"
            " cached = excluded.cached, rebuilt = excluded.rebuilt, changed_at = excluded.changed_at,"
            " checksum = excluded.checksum, skipped = skipped + excluded.skipped",
            (hash_path(reading.path), *position, reading.skipped),
        )

    def _is_wanted(self, at: int, login_id: int) -> bool:
        """True if a call or a refusal is neither counted already nor removed, and its time is possible."""
        first = self._counted_until if login_id else max(self._counted_until, self._known_until)
        return first <= at <= self._latest

    def finish(self) -> None:
        self._connection.executemany(_UPSERT_CALL, self._calls.values())
        self._connection.execute(
            "UPDATE transcript_state SET read_at = ?, changes = changes + 1", (self._now,)
        )

    def _add_call(self, call: Call, project_id: int, login_id: int) -> None:
        row = (
            call.key,
            call.at,
            login_id,
            project_id,
            self._intern(call.model),
            self._intern(call.variant),
            int(call.is_sidechain),
            self._intern(call.cache_miss),
            call.rebuilt,
            *call.counts,
        )
        known = self._calls.get(call.key)
        # Copies follow each other closely, so most of them never reach the database.
        if known is None or (known[6], -_sum_tokens(known)) > (row[6], -_sum_tokens(row)):
            self._calls[call.key] = row

    def _add_refusal(self, refusal: Refusal, at: int, login_id: int) -> None:
        added = self._connection.execute(
            "INSERT OR IGNORE INTO refusals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                refusal.key,
                at,
                login_id,
                self._find_project(refusal.project),
                refusal.limit,
                to_millis(refusal.resets_at) if refusal.resets_at else None,
                refusal.credits_status,
                refusal.credits_reason,
                to_millis(refusal.credits_until) if refusal.credits_until else None,
                int(refusal.used_credits),
                int(refusal.offers_low_priority),
            ),
        )
        self.new_refusals += added.rowcount

    def _intern(self, name: str) -> int:
        row = self._names.get(name)
        if row is None:
            row = self._names[name] = intern_name(self._connection, name)
        return row

    def _find_project(self, path: str) -> int:
        row = self._projects.get(path)
        if row is None:
            self._connection.execute("INSERT OR IGNORE INTO projects (path) VALUES (?)", (path,))
            (row,) = self._connection.execute("SELECT id FROM projects WHERE path = ?", (path,)).fetchone()
            self._projects[path] = row
        return int(row)

    def _find_login(self, folder: str, at: int) -> int:
        """Return the row of the login at a time; 0 if it was not observed before and after that time."""
        spans = self._spans.get(folder)
        if spans is None:
            spans = self._spans[folder] = self._connection.execute(
                "SELECT first_at, last_at, id FROM logins WHERE config_folder = ? AND org != ''"
                " ORDER BY id DESC",
                (folder,),
            ).fetchall()
        return next((row for first, last, row in spans if first <= at <= last), 0)


def _sum_tokens(row: tuple[int, ...]) -> int:
    return sum(row[9:14])


def load_refusals(
    connection: sqlite3.Connection,
    since: datetime,
    until: datetime,
    logins: Collection[int] | None = None,
) -> tuple[Refusal, ...]:
    """Return the refusals after `since` and until `until`, oldest first; with `logins`, only theirs."""
    wanted = "" if logins is None else f" AND login_id IN ({', '.join('?' * len(logins))})"
    rows = connection.execute(
        "SELECT key, at, coalesce(projects.path, ''), limit_name, resets_at, credits_status, credits_reason,"  # noqa: S608 - marks
        " credits_until, used_credits, offers_low_priority, nullif(logins.org, '') FROM refusals"
        " LEFT JOIN projects ON projects.id = project_id LEFT JOIN logins ON logins.id = login_id"
        f" WHERE at > ? AND at <= ?{wanted} ORDER BY at, key",
        (to_millis(since), to_millis(until), *(logins or ())),
    )
    return tuple(
        Refusal(
            key,
            from_millis(at),
            project,
            limit,
            from_millis(resets_at) if resets_at is not None else None,
            status,
            reason,
            from_millis(credits_until) if credits_until is not None else None,
            bool(used),
            bool(low_priority),
            org,
        )
        for key, at, project, limit, resets_at, status, reason, credits_until, used, low_priority, org in rows
    )
