"""Format the cycles and sums of the archive, for `--history`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from claudemeter_tui.formatting.evidence import format_cycle_kind, format_row_value
from claudemeter_tui.formatting.export import (
    EXPORT_SCHEMA_VERSION,
    build_columns,
    format_amount,
    format_exact_utc,
)
from claudemeter_tui.formatting.json_view import escape_invisible
from claudemeter_tui.formatting.values import format_countdown, format_money, to_local
from claudemeter_tui.model.archive_rows import CycleRow, Owner, SpendingRow
from claudemeter_tui.model.money import Money

NO_ROWS = "no cycles and no spent credits in this span"
_HEAD = ("from", "to", "peak", "full at", "time full", "credits")
_SPANS = ("day", "week", "month")


@dataclass
class OrgHistory:
    """Cycles and sums of one org."""

    owner: Owner
    cycles: list[CycleRow] = field(default_factory=list)
    sums: dict[str, dict[tuple[date, tuple[str, int]], Money]] = field(
        default_factory=lambda: {span: {} for span in _SPANS}
    )
    """Credits spent, by span; the key is its first day and the currency."""

    def add_spending(self, row: SpendingRow, zone: tzinfo | None = None) -> None:
        """Add spent credits to the sums of their local day, week (from Monday) and month."""
        day = to_local(row.start_at, zone).date()
        starts = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
        for span, start in starts.items():
            key = start, row.amount.unit
            before = self.sums[span].get(key)
            minor = row.amount.minor + (before.minor if before is not None else 0)
            self.sums[span][key] = Money(minor, *row.amount.unit)


def format_history_text(histories: Iterable[OrgHistory], zone: tzinfo | None = None) -> str:
    """Return a block of tables for each org, with local times."""
    return "\n\n".join(_format_org(history, zone) for history in histories)


def format_history_json(
    histories: Iterable[OrgHistory], now: datetime, since: datetime | None, until: datetime | None
) -> str:
    """Return one JSON object: times in UTC, amounts as decimal texts, sums by local days."""
    document = {
        "schema_version": EXPORT_SCHEMA_VERSION,
        "made_at": format_exact_utc(now),
        "since": format_exact_utc(since) if since is not None else None,
        "until": format_exact_utc(until) if until is not None else None,
        "orgs": [
            {
                "account": history.owner.account.email or history.owner.account.uuid,
                "org": history.owner.org.name if history.owner.org else None,
                "org_uuid": history.owner.org.uuid if history.owner.org else None,
                "cycles": [
                    {name: value for name, value in build_columns(row).items() if name not in _OWNER_NAMES}
                    for row in history.cycles
                ],
                "spent": {
                    span: [
                        {"from": str(start), "amount": format_amount(amount), "currency": amount.currency}
                        for (start, _), amount in sums.items()
                    ]
                    for span, sums in history.sums.items()
                },
            }
            for history in histories
        ],
    }
    return json.dumps(document, indent=1)


_OWNER_NAMES = ("account", "org", "org_uuid")


def _format_org(history: OrgHistory, zone: tzinfo | None) -> str:
    owner = history.owner
    names = (
        owner.org.display_name if owner.org else "",
        owner.org.plan_name if owner.org else "",
        owner.account.email or owner.account.uuid or "",
    )
    blocks = [escape_invisible(" · ".join(name for name in names if name))]
    by_kind: dict[str, list[CycleRow]] = {}
    for cycle in history.cycles:
        by_kind.setdefault(cycle.figure, []).append(cycle)
    for figure, cycles in by_kind.items():
        rows = [_format_cycle(cycle, zone) for cycle in cycles]
        blocks.append(_format_table(escape_invisible(format_cycle_kind(figure)), _HEAD, rows))
    for span, sums in history.sums.items():
        if sums:
            lines = [(str(start), format_money(amount)) for (start, _), amount in sums.items()]
            blocks.append(_format_table(f"Credits per {span}", ("from", "credits"), lines))
    return "\n\n".join(blocks if len(blocks) > 1 else (*blocks, f"  {NO_ROWS}"))


def _format_cycle(row: CycleRow, zone: tzinfo | None) -> tuple[str, ...]:
    end = _format_local(row.end_at, zone) if row.end_at is not None else "not known"
    return (
        _format_local(row.start_at, zone),
        end if row.end_source == "observed" or row.end_at is None else f"{end} ({row.end_source})",
        format_row_value(row.peak),
        _format_local(row.full_at, zone) if row.full_at is not None else "",
        format_countdown(row.full_time) if row.full_time > timedelta(0) else "",
        format_money(row.spent) if row.spent is not None else "",
    )


def _format_local(moment: datetime, zone: tzinfo | None) -> str:
    return f"{to_local(moment, zone):%Y-%m-%d %H:%M}"


def _format_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, *rows)
    widths: Mapping[int, int] = {
        column: max(len(line[column]) for line in lines) for column in range(len(head))
    }
    shown = ("  ".join(f"{cell:<{widths[column]}}" for column, cell in enumerate(line)) for line in lines)
    return "\n".join((f"  {title}", *(f"  {line}".rstrip() for line in shown)))
