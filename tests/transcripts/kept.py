"""Calls and refusals in an archive, as if transcripts had been read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from claudemeter_tui.history.database import to_millis
from claudemeter_tui.history.transcripts import FileToKeep, keep_transcripts, observe_logins
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.transcripts import Call, Login, TokenCounts, TranscriptPosition, TranscriptReading
from tests.bodies import ACCOUNT, PERSONAL
from tests.scenes import READ

FOLDER = "/home/pat/.claude"
PROJECT = "/home/pat/src/lab"
COUNTS = TokenCounts(5, 40, 300, 20, 2000, 1)


def build_call(key: int, at: datetime, **more: Any) -> Call:
    """Return a call."""
    fields: dict[str, Any] = {
        "model": "claude-opus-5",
        "variant": "",
        "counts": COUNTS,
        "is_sidechain": False,
    }
    return Call(key, to_millis(at), **fields | more)


def build_refusal(key: int, at: datetime, **more: Any) -> Refusal:
    """Return a refusal."""
    fields: dict[str, Any] = {
        "project": PROJECT,
        "limit": "five_hour",
        "resets_at": at + timedelta(hours=1),
        "credits_status": "rejected",
        "credits_reason": "org_spend_cap_reached",
        "offers_low_priority": True,
    }
    return Refusal(key, at, **fields | more)


def log_in(
    connection: sqlite3.Connection,
    since: datetime,
    until: datetime,
    org: str | None = PERSONAL,
    folder: str = FOLDER,
) -> None:
    """Observe a login at least once a day; None if it is not known."""
    login = Login(org.lower(), ACCOUNT) if org is not None else None
    at = since
    while at < until:
        observe_logins(connection, {folder: login}, at)
        at += timedelta(hours=20)
    observe_logins(connection, {folder: login}, until)


def keep(
    connection: sqlite3.Connection,
    *calls: Call,
    refusals: Sequence[Refusal] = (),
    project: str = PROJECT,
    now: datetime = READ,
    folder: str = FOLDER,
) -> None:
    """Keep calls and refusals of one transcript."""
    position = TranscriptPosition("1:2", 1000, project)
    path = f"{folder}/projects/{project.replace('/', '-')}/session.jsonl"
    reading = TranscriptReading(path, position, list(calls), list(refusals))
    keep_transcripts(connection, [FileToKeep(reading, folder)], now)


def sum_everything(connection: sqlite3.Connection) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Return the sums of all calls, kept or summed, by hour, login, project, model and chain."""
    names = ", ".join(("rebuilt", *TokenCounts._fields))
    keys = "login_id, project_id, model_id, variant_id, is_sidechain"
    sums = ", ".join(f"sum({name})" for name in ("count", "rebuilt", *TokenCounts._fields))
    rows = connection.execute(
        f"SELECT start_at, {keys}, {sums} FROM ("  # noqa: S608 - our own names
        f"SELECT at - at % 3600000 AS start_at, {keys}, 1 AS count, {names} FROM calls UNION ALL"
        f" SELECT start_at, {keys}, count, {names} FROM call_hours) GROUP BY 1, 2, 3, 4, 5, 6"
    )
    return {tuple(row[:6]): tuple(row[6:]) for row in rows}
