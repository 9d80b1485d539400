"""Build the columns of exported rows, for CSV and for JSON: times in UTC, money as decimal amounts."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from claudemeter_tui.formatting.events import describe_event
from claudemeter_tui.formatting.json_view import escape_invisible
from claudemeter_tui.formatting.transcripts import TOKEN_KEYS
from claudemeter_tui.model.archive_rows import (
    ArchiveRow,
    CycleRow,
    EventRow,
    FailureRow,
    FigureRow,
    Owner,
    RefusalRow,
    ReplyRow,
    ReplySource,
    TokenRow,
)
from claudemeter_tui.model.events import EventValue
from claudemeter_tui.model.history import RowValue
from claudemeter_tui.model.money import Money

DAMAGED = "damaged in the archive"
"""Note of a reply whose body cannot be read."""


class ExportKind(StrEnum):
    """Kind of exported rows, as in `--what`."""

    FIGURES = "figures"
    CYCLES = "cycles"
    EVENTS = "events"
    REPLIES = "replies"
    TOKENS = "tokens"
    REFUSALS = "refusals"


TRANSCRIPT_KINDS = frozenset((ExportKind.TOKENS, ExportKind.REFUSALS))
"""Kinds of rows from this machine's transcripts, which do not depend on what the server answered."""
JsonScalar = str | float | bool | list[str] | None
"""Value of a column."""
Columns = dict[str, JsonScalar]

OWNER_COLUMNS = ("account", "org", "org_uuid")
_SOURCE = ("endpoint", "status", "session", "reply_first_at", "reply_confirmed_at")
COLUMNS: Mapping[ExportKind, tuple[str, ...]] = {
    ExportKind.FIGURES: (
        *OWNER_COLUMNS,
        *("figure", "value", "unit", "first_at", "confirmed_at", "resets_at", "cause"),
        *_SOURCE,
    ),
    ExportKind.CYCLES: (
        *OWNER_COLUMNS,
        *("cycle", "start_at", "start_source", "end_at", "end_source", "peak", "unit", "peak_at"),
        *("full_at", "full_seconds", "spent", "spent_currency", "confirmed_at"),
        *_SOURCE,
    ),
    ExportKind.EVENTS: (
        *OWNER_COLUMNS,
        *("at", "kind", "text", "subject", "before", "before_unit", "after", "after_unit", "until"),
        *_SOURCE,
    ),
    ExportKind.REPLIES: (
        *OWNER_COLUMNS,
        *("endpoint", "status", "session", "first_at", "confirmed_at", "count", "duration_ms"),
        *("failure", "failure_detail", "bytes", "sha256", "body"),
    ),
    ExportKind.TOKENS: (
        *OWNER_COLUMNS,
        *("hour_at", "project", "model", "variant", "subagent", "calls"),
        *TOKEN_KEYS.values(),
        "cache_rebuilt",
    ),
    ExportKind.REFUSALS: (
        *OWNER_COLUMNS,
        *("at", "project", "limit", "resets_at", "credits_status", "credits_reason", "credits_until"),
        *("used_credits", "low_priority_offered"),
    ),
}
"""The columns of each kind of rows, in their order."""


def build_columns(row: ArchiveRow) -> Columns:
    """Return the columns of a row by their names."""
    match row:
        case FigureRow():
            value, unit = _split_value(row.value)
            return {
                **build_owner_columns(row.owner),
                "figure": row.figure,
                "value": value,
                "unit": unit or ("%" if isinstance(row.value, float) else ""),
                "first_at": format_exact_utc(row.first_at),
                "confirmed_at": format_exact_utc(row.confirmed_at),
                "resets_at": format_optional_utc(row.resets_at),
                "cause": row.cause,
                **_build_source(row.source),
            }
        case CycleRow():
            cycle = row.cycle
            peak, unit = _split_value(cycle.peak)
            spent, currency = _split_value(cycle.spent)
            return {
                **build_owner_columns(row.owner),
                "cycle": cycle.figure,
                "start_at": format_exact_utc(cycle.starts_at),
                "start_source": cycle.start_source,
                "end_at": format_optional_utc(cycle.ends_at),
                "end_source": cycle.end_source,
                "peak": peak,
                "unit": unit or "%",
                "peak_at": format_exact_utc(cycle.peak_at),
                "full_at": format_optional_utc(cycle.full_at),
                "full_seconds": cycle.full_for.total_seconds(),
                "spent": spent,
                "spent_currency": currency,
                "confirmed_at": format_exact_utc(cycle.last_at),
                **_build_source(row.source),
            }
        case EventRow():
            return _build_event(row)
        case ReplyRow():
            source, body = row.source, None if row.text is None else encode_body(row.text)
            return {
                **build_owner_columns(row.owner),
                "endpoint": source.endpoint,
                "status": source.status,
                "session": source.session.label,
                "first_at": format_exact_utc(source.first_at),
                "confirmed_at": format_exact_utc(source.confirmed_at),
                "count": row.count,
                "duration_ms": round(row.duration.total_seconds() * 1000),
                "failure": DAMAGED if body is None else None,
                "failure_detail": None,
                "bytes": len(body) if body is not None else None,
                "sha256": hashlib.sha256(body).hexdigest() if body is not None else None,
                "body": row.text,
            }
        case FailureRow():
            return {
                **build_owner_columns(row.owner),
                "endpoint": row.endpoint,
                "status": None,
                "session": row.session.label,
                "first_at": format_exact_utc(row.first_at),
                "confirmed_at": format_exact_utc(row.last_at),
                "count": row.count,
                "duration_ms": None,
                "failure": row.kind,
                "failure_detail": row.detail,
                "bytes": None,
                "sha256": None,
                "body": None,
            }
        case TokenRow():
            usage = row.usage
            return {
                **build_owner_columns(row.owner),
                "hour_at": format_exact_utc(row.start_at),
                "project": usage.project or None,
                "model": usage.model or None,
                "variant": usage.variant,
                "subagent": usage.is_sidechain,
                "calls": usage.calls,
                **{key: getattr(usage.counts, name) for name, key in TOKEN_KEYS.items()},
                "cache_rebuilt": usage.rebuilt,
            }
        case RefusalRow():
            refusal = row.refusal
            return {
                **build_owner_columns(row.owner),
                "at": format_exact_utc(refusal.at),
                "project": refusal.project or None,
                "limit": refusal.limit or None,
                "resets_at": format_optional_utc(refusal.resets_at),
                "credits_status": refusal.credits_status or None,
                "credits_reason": refusal.credits_reason or None,
                "credits_until": format_optional_utc(refusal.credits_until),
                "used_credits": refusal.used_credits,
                "low_priority_offered": refusal.offers_low_priority,
            }


def format_csv_row(cells: Iterable[JsonScalar]) -> str:
    """Return a line of a CSV file, with its line break."""
    line = io.StringIO()
    csv.writer(line).writerow([format_csv_cell(cell) for cell in cells])
    return line.getvalue()


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMULA_STARTS = tuple("=+-@＝＋－＠\t\r\n")


def format_csv_cell(cell: JsonScalar) -> str:
    """Return the text of a cell, which no spreadsheet executes and no terminal interprets.

    A text that a spreadsheet could take for a formula gets an apostrophe in front, but a negative number
    does not.
    Invisible and control characters are escaped as in JSON.
    """
    if isinstance(cell, list):
        cell = ", ".join(cell)
    if isinstance(cell, bool) or cell is None:
        return "" if cell is None else str(cell).lower()
    if isinstance(cell, int | float):
        return f"{cell:.15g}"
    is_formula = cell.lstrip().startswith(_FORMULA_STARTS) or cell.startswith(_FORMULA_STARTS)
    text = escape_invisible(cell)
    return f"'{text}" if is_formula and not _NUMBER.fullmatch(cell) else text


def encode_body(text: str) -> bytes:
    """Return the bytes of a body, whose hash is in the exports."""
    return text.encode("utf-8", "surrogatepass")


def format_decimal(amount: Money) -> str:
    """Return the amount in whole units with all digits of its currency: `50.00`, `1720` for JPY, `-0.125`."""
    major = amount.major
    if major.is_zero():
        major = Decimal(0)  # without the sign of `-0`
    digits = max(amount.exponent, -int(major.normalize().as_tuple().exponent))
    return f"{major:.{digits}f}"


def format_exact_utc(moment: datetime) -> str:
    """Return `2026-04-25T14:48:05.123Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def format_optional_utc(moment: datetime | None) -> str | None:
    """Return a time as `format_exact_utc` does. None for none."""
    return None if moment is None else format_exact_utc(moment)


def build_owner_columns(owner: Owner | None) -> Columns:
    """Return the columns that name the account and the org of a row; each is None if the row has no owner."""
    if owner is None:
        return dict.fromkeys(OWNER_COLUMNS)
    account, org = owner.account, owner.org
    return {
        "account": account.email or account.uuid,
        "org": org.name if org else None,
        "org_uuid": org.uuid if org else None,
    }


def _build_source(source: ReplySource | None) -> Columns:
    if source is None:
        return dict.fromkeys(_SOURCE)
    return {
        "endpoint": source.endpoint,
        "status": source.status,
        "session": source.session.label,
        "reply_first_at": format_exact_utc(source.first_at),
        "reply_confirmed_at": format_exact_utc(source.confirmed_at),
    }


def _build_event(row: EventRow) -> Columns:
    event = row.event
    before, before_unit = _split_value(event.before if event else None)
    after, after_unit = _split_value(event.after if event else None)
    source = _build_source(row.source)
    if event is not None and row.source is None:
        source["session"] = event.session.label
    return {
        **build_owner_columns(row.owner),
        "at": format_exact_utc(row.at),
        "kind": row.kind,
        "text": describe_event(event, UTC) if event else None,
        "subject": (event.subject or None) if event else None,
        "before": before,
        "before_unit": before_unit,
        "after": after,
        "after_unit": after_unit,
        "until": format_optional_utc(event.until) if event else None,
        **source,
    }


def _split_value(value: RowValue | EventValue) -> tuple[str | float | None, str | None]:
    """Return a value and its currency; an amount is a decimal text, and a time is in UTC."""
    match value:
        case Money():
            return format_decimal(value), value.currency
        case datetime():
            return format_exact_utc(value), None
    return value, None
