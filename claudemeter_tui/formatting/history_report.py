"""Format the cycles and sums of the archive, for `--history`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.export import (
    OWNER_COLUMNS,
    build_columns,
    build_owner_columns,
    format_decimal,
    format_exact_utc,
    format_optional_utc,
)
from claudemeter_tui.formatting.history import format_credit_range, format_cycle_name, list_cycle_cells
from claudemeter_tui.formatting.json_view import escape_invisible
from claudemeter_tui.formatting.values import to_local
from claudemeter_tui.model.archive_rows import CycleRow, Owner, SpendingRow
from claudemeter_tui.model.history import CreditSums, PeriodKind

NO_ROWS = "no cycles and no spent credits in this span"
_HEAD = ("from", "to", "peak", "full at", "time full", "credits")
_KINDS = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)


@dataclass
class OrgHistory:
    """Cycles and sums of one org."""

    owner: Owner
    cycles: list[CycleRow] = field(default_factory=list)
    sums: CreditSums = field(default_factory=CreditSums)

    def add_spending(self, row: SpendingRow, zone: tzinfo | None = None) -> None:
        """Add spent credits to the sums of their local day."""
        since = to_local(row.since, zone).date() if row.since is not None else None
        self.sums.add(to_local(row.start_at, zone).date(), row.amount, since=since)


def format_history_text(histories: Iterable[OrgHistory], zone: tzinfo | None = None) -> str:
    """Return a block of tables for each org, with local times."""
    return "\n\n".join(_format_org(history, zone) for history in histories)


def format_history_json(
    histories: Iterable[OrgHistory], now: datetime, since: datetime | None, until: datetime | None
) -> str:
    """Return one JSON object: times in UTC, amounts as decimal texts, sums by local days."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "made_at": format_exact_utc(now),
        "since": format_optional_utc(since),
        "until": format_optional_utc(until),
        "orgs": [
            {
                **build_owner_columns(history.owner),
                "cycles": [
                    {name: value for name, value in build_columns(row).items() if name not in OWNER_COLUMNS}
                    for row in history.cycles
                ],
                "spent": {
                    kind: [
                        {
                            "from": str(day),
                            "amount": format_decimal(amount),
                            "at_most": format_decimal(at_most),
                            "currency": amount.currency,
                        }
                        for day, amount, at_most in history.sums.list_sums(kind)
                    ]
                    for kind in _KINDS
                },
            }
            for history in histories
        ],
    }
    return json.dumps(document, indent=1)


def _format_org(history: OrgHistory, zone: tzinfo | None) -> str:
    owner = history.owner
    names = (
        owner.org.display_name if owner.org else "",
        owner.org.plan_name if owner.org else "",
        owner.account.email or owner.account.uuid or "",
    )
    blocks = [escape_invisible(" · ".join(name for name in names if name))]
    by_figure: dict[str, list[tuple[str, ...]]] = {}
    for row in history.cycles:
        start, end, source, *others = list_cycle_cells(row.cycle, zone)
        shown_end = end if row.cycle.is_observed or row.cycle.ends_at is None else f"{end} ({source})"
        by_figure.setdefault(row.cycle.figure, []).append((start, shown_end, *others))
    for figure, rows in by_figure.items():
        blocks.append(
            _format_table(escape_invisible(format_cycle_name(figure, names_unknown=True)), _HEAD, rows)
        )
    for kind in _KINDS:
        lines = [(str(day), format_credit_range(*sums)) for day, *sums in history.sums.list_sums(kind)]
        if lines:
            blocks.append(_format_table(f"Credits per {kind}", ("from", "credits"), lines))
    return "\n\n".join(blocks if len(blocks) > 1 else (*blocks, f"  {NO_ROWS}"))


def _format_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, *rows)
    widths: Mapping[int, int] = {
        column: max(len(line[column]) for line in lines) for column in range(len(head))
    }
    shown = ("  ".join(f"{cell:<{widths[column]}}" for column, cell in enumerate(line)) for line in lines)
    return "\n".join((f"  {title}", *(f"  {line}".rstrip() for line in shown)))
