"""Format, sort and search the rows of the overview."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from claudemeter_tui.formatting.credits import (
    CREDIT_STATE_NAMES,
    describe_figures_age,
    format_balance,
    format_cap,
)
from claudemeter_tui.formatting.values import (
    format_age,
    format_countdown,
    format_moment,
    format_money,
    format_percent,
    format_reset_due,
)
from claudemeter_tui.formatting.verdict import (
    VERDICT_NAMES,
    find_leading_window,
    format_verdict_name,
    format_verdict_note,
)
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.forecast import SpendRate
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.verdict import Verdict, rank_verdict
from claudemeter_tui.model.windows import UNKNOWN_RESET, Window

NO_VALUE = "–"
"""Placeholder for a missing figure."""


class OverviewColumn(StrEnum):
    """The columns of the table, by their headers."""

    ORG = "org"
    PLAN = "plan"
    VERDICT = "verdict"
    PERCENT = "used"
    WINDOW = "window"
    RESETS = "resets"
    RESETS_AT = "at"
    CREDITS = "credits"
    CAP = "cap"
    RATE = "rate"
    AGE = "age"
    SESSION = "session"


@dataclass(frozen=True, slots=True, eq=False)
class OverviewRow:
    """One org, with the values that hold for a minute."""

    state: OrgState
    verdict: Verdict
    rate: SpendRate | None
    """The rate of spending. None if it is not known, or nothing is being spent."""

    @property
    def key(self) -> OrgKey:
        """The key of the org."""
        return self.state.key

    @property
    def name(self) -> str:
        """The org's name; the beginning of its uuid if it has none."""
        return self.state.org.display_name

    @property
    def window(self) -> Window | None:
        """The limiting window, else the fullest one; for UNKNOWN, that of the last known verdict."""
        return find_leading_window(self.verdict)

    @property
    def resets_at(self) -> datetime | None:
        """The reset of that window. None if it is not reported."""
        return self.window.resets_at if self.window is not None else None

    @property
    def used(self) -> Money | None:
        """The leading credit figure. None if none is reported."""
        lead = self.state.credits.lead_meter
        return lead.used if lead is not None else None

    @property
    def hourly_rate(self) -> Money | None:
        """The recent spend rate, else the rate of the run. None if nothing is being spent."""
        return (self.rate.recent_rate or self.rate.overall_rate) if self.rate is not None else None


def format_cell(row: OverviewRow, column: OverviewColumn, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the text of a cell; `–` if there is no figure."""
    return _CELL_FORMATTERS[column](row, now, zone) or NO_VALUE


def list_details(row: OverviewRow, now: datetime, zone: tzinfo | None = None) -> Iterator[str]:
    """Yield the facts for a second line: every window, the balance and the number of failures."""
    for window in row.state.plan.windows if row.state.plan else ():
        due = format_reset_due(window) if window.is_due(now) else format_percent(window.percent)
        yield f"{window.label} {due}"
    if balance := format_balance(row.state.credits.balance, now, zone):
        yield f"balance {balance}"
    if failures := len(row.state.failures):
        yield f"{failures} repl{'y' if failures == 1 else 'ies'} not read"


def group_by_verdict(rows: Iterable[OverviewRow]) -> Mapping[str, Sequence[OverviewRow]]:
    """Group the orgs by verdict, worst first; `credits BLOCKED` is a group of its own."""
    groups: dict[str, list[OverviewRow]] = {}
    for row in sorted(rows, key=lambda row: rank_verdict(row.verdict)):
        groups.setdefault(_format_verdict_label(row), []).append(row)
    return groups


def matches_search(row: OverviewRow, wanted: str) -> bool:
    """True if each word occurs in a name, id, plan, verdict, account or session of the org."""
    about = (
        row.name,
        row.state.org.name,
        row.state.org.uuid,
        row.state.org.plan_name,
        format_verdict_name(row.verdict),
        row.state.account.email or "",
        row.state.session.label,
    )
    return all(word in "\n".join(about).casefold() for word in wanted.casefold().split())


def sort_rows(
    rows: Iterable[OverviewRow], column: OverviewColumn, *, backwards: bool = False
) -> list[OverviewRow]:
    """Sort the rows by a column; equal rows by verdict, worst first, then in the order of the tabs."""
    # Sorting is stable even in reverse, so rows that are equal in the column keep this order.
    worst_first = sorted(rows, key=lambda row: rank_verdict(row.verdict))
    return sorted(worst_first, key=_SORT_KEYS[column], reverse=backwards)


def _format_verdict_label(row: OverviewRow) -> str:
    """Return the name of the verdict, or the note beside CAN WORK."""
    return format_verdict_note(row.verdict) or VERDICT_NAMES[row.verdict.state]


def _format_used_percent(window: Window, now: datetime) -> str:
    return "due" if window.is_due(now) else format_percent(window.percent)


def _format_credits(row: OverviewRow, now: datetime, zone: tzinfo | None) -> str:
    """Return the used amount, with its time if it is not current; without one, the state of the credits."""
    state, lead = row.state.credits.compute_state(now), row.state.credits.lead_meter
    is_named = state not in (CreditState.OPEN, CreditState.UNKNOWN)
    used = format_money(row.used, CREDIT_STATE_NAMES[state] if is_named else "")
    return f"{used} {describe_figures_age(lead, now, zone) if lead else ''}".rstrip()


def _format_reading_age(row: OverviewRow, now: datetime) -> str:
    read = row.state.read_at
    return "never" if read is None else format_age(now - read).removesuffix(" ago").replace("just now", "now")


_CELL_FORMATTERS: Mapping[OverviewColumn, Callable[[OverviewRow, datetime, tzinfo | None], str]] = {
    OverviewColumn.ORG: lambda row, *_: row.name,
    OverviewColumn.PLAN: lambda row, *_: row.state.org.plan_name,
    OverviewColumn.VERDICT: lambda row, *_: _format_verdict_label(row),
    OverviewColumn.PERCENT: lambda row, now, _: _format_used_percent(row.window, now) if row.window else "",
    OverviewColumn.WINDOW: lambda row, *_: row.window.label if row.window else "",
    OverviewColumn.RESETS: lambda row, now, _: (
        format_countdown(row.resets_at - now) if row.resets_at and row.resets_at > now else ""
    ),
    OverviewColumn.RESETS_AT: lambda row, now, zone: (
        format_moment(row.resets_at, now, zone) if row.resets_at else ""
    ),
    OverviewColumn.CREDITS: _format_credits,
    OverviewColumn.CAP: lambda row, *_: (
        format_cap(lead, "") if (lead := row.state.credits.lead_meter) else ""
    ),
    OverviewColumn.RATE: lambda row, *_: f"{format_money(row.hourly_rate)}/h" if row.hourly_rate else "",
    OverviewColumn.AGE: lambda row, now, _: _format_reading_age(row, now),
    OverviewColumn.SESSION: lambda row, *_: row.state.session.label,
}


def _negate_amount(amount: Money | None) -> Decimal:
    """Return the sort key for the largest amount first and unknown ones last."""
    return -amount.major if amount is not None else Decimal(1)


_SORT_KEYS: Mapping[OverviewColumn, Callable[[OverviewRow], Any]] = {
    OverviewColumn.VERDICT: lambda row: rank_verdict(row.verdict),
    OverviewColumn.ORG: lambda row: row.name.casefold(),
    OverviewColumn.PLAN: lambda row: row.state.org.plan_name.casefold(),
    # An unknown percentage sorts last.
    OverviewColumn.PERCENT: lambda row: (
        -row.window.percent if row.window and row.window.percent is not None else 1.0
    ),
    OverviewColumn.RESETS: lambda row: row.resets_at or UNKNOWN_RESET,
    OverviewColumn.CREDITS: lambda row: _negate_amount(row.used),
    OverviewColumn.RATE: lambda row: _negate_amount(row.hourly_rate),
    OverviewColumn.AGE: lambda row: row.state.read_at or datetime.min.replace(tzinfo=UTC),
    OverviewColumn.SESSION: lambda row: row.state.session.label.casefold(),
}
SORTABLE_COLUMNS = frozenset(_SORT_KEYS)
"""The columns that the table can be sorted by."""
