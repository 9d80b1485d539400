"""Read and write what `--line` and `--check` print: the last polls, and the finished texts of each org.

A status bar reads it every few seconds, so this module loads little: nothing of the model.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui import __version__
from claudemeter_tui.history.database import transaction

if TYPE_CHECKING:
    from claudemeter_tui.model.org_names import OrgName

CLOCK_TOLERANCE = 60_000
"""Milliseconds; a row from further in the future shows that the clock was set back."""
MAX_ROW_AGE = 7 * 86_400_000
"""Milliseconds after which the row of settings that no one uses any more is removed."""
MAX_SERVED_INTERVALS = 2
"""Number of intervals after which a poll of another process can no longer be expected."""
NETWORK_VARIABLES = ("SSL_CERT_", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""Beginnings, in upper case, of the variables that decide how the server is reached."""
READ_ERRORS = (sqlite3.Error, ValueError, TypeError)
"""Errors of reading a row from an archive that is damaged, missing or of another form."""


def hash_text(text: str) -> str:
    """Return a hash of 16 characters, for what may hold a secret and only has to be compared."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def hash_network_variables() -> str:
    """Return a hash of the variables for proxies and certificates; a proxy's address can hold a password."""
    return hash_text(repr(select_variables(NETWORK_VARIABLES)))


def select_variables(prefixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the environment variables whose names begin so, in upper case, and their values."""
    return sorted(pair for pair in os.environ.items() if pair[0].upper().startswith(prefixes))


def read_zone() -> str:
    """Return the variable with the time zone, in which texts show times. Empty if it is not set."""
    return os.environ.get("TZ", "")


class WindowFigure(NamedTuple):
    """The figure of one plan-wide window, for comparison with what Claude Code has seen of it."""

    kind: str
    """Value of `WindowKind`."""
    label: str
    """Label on screen."""
    text: str
    """The percentage as text, or why there is none."""
    is_full: bool
    """True if the window stops work."""
    percent: float | None
    """Percent used, 0 or more. None if not reported."""
    resets_at: int | None
    """Milliseconds since 1970. None if not reported, or if the window has not started."""
    length: int | None
    """Milliseconds from start to reset. None if not known."""


class OrgStatus(NamedTuple):
    """The texts about one org. Times are milliseconds since 1970."""

    account: str
    """The account's uuid; its e-mail only if it has no uuid."""
    uuid: str
    name: str
    alias: str
    """Name that the user gave the org; empty for none."""
    account_note: str
    """Part of the account that distinguishes it from another org of the same name; empty if there is none."""
    rank: int
    """Place among the orgs of the row, worst first, from 0."""
    exit_status: int
    """Exit status of `--check`."""
    read_at: int | None
    """Time of the figures. None if none were ever read."""
    error_kind: str | None
    """Error that kept the session from being read in the last poll. None if there was none."""
    valid_from: int
    valid_until: int
    """Moment from which a text may be wrong, apart from seconds in it."""
    texts: dict[str, str]
    """Text of each placeholder."""
    state: str
    """The verdict; for CAN WORK with such a note, `credits_blocked` or `spending`."""
    severity: str
    """Severity of the verdict, in lower case."""
    percent: int | None
    """Percent of the limiting window, else of the fullest one. None if it is not known now."""
    windows: list[WindowFigure]
    """The plan-wide windows."""

    @property
    def names(self) -> OrgName:
        """The names by which a person can choose the org."""
        from claudemeter_tui.model.org_names import OrgName  # noqa: PLC0415 - most runs choose none

        return OrgName(self.uuid, self.name, self.alias, self.account_note)


class NoOrgStatus(NamedTuple):
    """The texts if no org is known."""

    line: str
    verdict: str
    exit_status: int
    reasons: list[str]
    """Sentences that say why, for standard error."""


class Status(NamedTuple):
    """Result of the last polls with certain settings. Times are milliseconds since 1970."""

    key: str
    """Hash of the settings that decide what is read."""
    polled_at: int
    """End of the last polls; of several sessions, the earliest."""
    next_at: int
    """Time of the next poll: after an interval, after the next reset, or at the end of a back-off."""
    failure_count: int
    """Number of polls in a row that read nothing."""
    error_kind: str | None
    """The first session-wide error if the last poll read nothing. None if it read something, or no error is
    session-wide."""
    network: str
    """Hash of the variables with which the server was not reached. Empty if it was reached."""
    zone: str
    """The `TZ` of the texts."""
    version: str
    """Version of the program that wrote it."""
    orgs: tuple[OrgStatus, ...]
    """In the order of their numbers, from 1."""
    no_org: NoOrgStatus | None
    """None if there are orgs."""

    def compute_due_at(self, interval: int) -> int:
        """Return the time of the next poll; never within a back-off, whatever the interval."""
        return self.next_at if self.failure_count else min(self.next_at, self.polled_at + interval)

    def is_due(self, now: int, interval: int) -> bool:
        """Return True if a poll is due, the clock was set back, or other variables may reach the server."""
        is_over = now >= self.compute_due_at(interval) or now < self.polled_at - CLOCK_TOLERANCE
        return is_over or self.network not in ("", hash_network_variables())

    def are_texts_valid(self, now: int) -> bool:
        """Return True if no text has changed since, apart from seconds."""
        is_valid = all(org.valid_from <= now < org.valid_until for org in self.orgs)
        return is_valid and self.zone == read_zone()


class ResolvedRequest(NamedTuple):
    """Request of a run, so that the next run with the same arguments and environment need not resolve it."""

    key: str
    """Key of the status."""
    origin: str
    """Origin of the server."""
    interval: int
    """Milliseconds."""
    org: str | None
    """Number, name or UUID of the org. None for the worst org."""
    template: str | None
    """Template of `--line`. None for `--check`."""
    style: str
    """Style of that line; empty for plain text."""
    cookie_file: str
    """File with the session. Empty if it is from elsewhere."""
    cookie_file_state: list[int]
    """Numbers that change with it. Empty without a file."""


def is_current(connection: sqlite3.Connection, status: Status, now: int, interval: int, origin: str) -> bool:
    """Return True if no poll is needed: none is due, or another process is about to poll."""
    if not status.is_due(now, interval):
        return True
    from claudemeter_tui.history.lease import is_held  # noqa: PLC0415 - most runs need no lease

    latest = status.compute_due_at(interval) + MAX_SERVED_INTERVALS * interval
    return now < latest and is_held(connection, origin)


def load_status(connection: sqlite3.Connection, key: str) -> Status | None:
    """Return the status of these settings. None if there is none of this version.

    Raises:
        One of `READ_ERRORS`: The archive cannot be read.
    """
    row = connection.execute(
        "SELECT polled_at, next_at, failure_count, error_kind, network, zone, version, content"
        " FROM statuses WHERE key = ? AND version = ?",
        (key, __version__),
    ).fetchone()
    if row is None:
        return None
    *columns, content = row
    orgs, no_org = json.loads(content)
    described = (
        tuple(OrgStatus._make((*org, [WindowFigure(*one) for one in windows])) for *org, windows in orgs),
        NoOrgStatus(*no_org) if no_org is not None else None,
    )
    return Status._make((key, *columns, *described))


def save_status(connection: sqlite3.Connection, status: Status, now: int) -> None:
    """Write the status, unless there is one of a later poll; remove those that no one uses any more.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    *columns, orgs, no_org = status
    content = json.dumps((orgs, no_org), separators=(",", ":"))
    with transaction(connection):
        connection.execute(
            "INSERT INTO statuses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET"
            " (polled_at, next_at, failure_count, error_kind, network, zone, version, content)"
            " = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            " WHERE polled_at <= ?2 OR polled_at > ?10 OR version != ?8",
            (*columns, content, now),
        )
        connection.execute("DELETE FROM statuses WHERE polled_at < ?", (now - MAX_ROW_AGE,))
        connection.execute("DELETE FROM status_requests WHERE resolved_at < ?", (now - MAX_ROW_AGE,))


def load_request(connection: sqlite3.Connection, digest: str) -> ResolvedRequest | None:
    """Return what this hash of arguments and environment asks for. None if no run resolved it.

    Raises:
        One of `READ_ERRORS`: The archive cannot be read.
    """
    row = connection.execute("SELECT request FROM status_requests WHERE digest = ?", (digest,)).fetchone()
    return ResolvedRequest(*json.loads(row[0])) if row is not None else None


def save_request(connection: sqlite3.Connection, digest: str, request: ResolvedRequest, now: int) -> None:
    """Write what this hash of arguments and environment asks for.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    connection.execute(
        "INSERT OR REPLACE INTO status_requests VALUES (?, ?, ?)", (digest, now, json.dumps(request))
    )
