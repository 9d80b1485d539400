"""All orgs at once: what the table says of each, how it is sorted, and what a search finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from claudemeter_tui.formatting import values as form
from claudemeter_tui.formatting import verdict as words
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.spending import SpendRate
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.verdict import Verdict, VerdictState, rank_verdict
from claudemeter_tui.model.windows import UNKNOWN_RESET, Window

NO_VALUE = "–"
"""Stands where there is no figure."""
NEVER_READ = datetime.min.replace(tzinfo=UTC)
"""Stands in for a time at which nothing was read."""


class OverviewColumn(StrEnum):
    """What the table has, by the words of its header."""

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
    """One org, as far as it is the same for a minute."""

    state: OrgState
    verdict: Verdict
    rate: SpendRate | None
    """None: nothing can be said, or nothing is being spent."""

    @property
    def key(self) -> OrgKey:
        """What tells two orgs apart."""
        return self.state.key

    @property
    def name(self) -> str:
        """The org's name; the beginning of its uuid where it has none."""
        return self.state.org.display_name

    @property
    def window(self) -> Window | None:
        """The window that binds, else the fullest one; of what was, where nothing is known now."""
        told = self.verdict.last_known or self.verdict
        return next(iter(told.full_windows), told.fullest_window)

    @property
    def used(self) -> Money | None:
        """The leading credit figure. None: none is reported."""
        lead = self.state.credits.lead_meter
        return lead.used if lead is not None else None

    @property
    def hourly_rate(self) -> Money | None:
        """How fast credits are spent: lately if that can be told, else over the run."""
        return (self.rate.recent_rate or self.rate.overall_rate) if self.rate is not None else None


def format_cell(one: OverviewRow, column: OverviewColumn, now: datetime, zone: tzinfo | None = None) -> str:
    """What stands in one place of the table; never empty where a figure is missing."""
    return _CELL_FORMATTERS[column](one, now, zone) or NO_VALUE


def list_details(one: OverviewRow, now: datetime) -> Iterator[str]:
    """What a second line has room for: every window, then the balance, then what is wrong."""
    for window in one.state.plan.windows if one.state.plan else ():
        due = form.format_reset_due(window) if window.is_due(now) else form.format_percent(window.percent)
        yield f"{window.label} {due}"
    balance = one.state.credits.balance
    if balance is not None and balance.amount is not None:
        yield f"balance {form.format_money(balance.amount)}"
    failures = len(one.state.failures)
    if failures:
        yield f"{failures} repl{'y' if failures == 1 else 'ies'} not read"


def group_by_verdict(rows: Iterable[OverviewRow]) -> Mapping[str, Sequence[OverviewRow]]:
    """The orgs of each verdict, worst first: `credits BLOCKED` is one of its own."""
    found: dict[str, list[OverviewRow]] = {}
    for one in sorted(rows, key=lambda one: rank_verdict(one.verdict)):
        found.setdefault(_format_verdict_label(one), []).append(one)
    return found


def matches_search(one: OverviewRow, wanted: str) -> bool:
    """Whether each of the words is somewhere in what people know the org by."""
    about = (
        one.state.org.name,
        one.state.org.uuid,
        one.state.org.plan_name,
        words.format_verdict_name(one.verdict),
        one.state.account.email or "",
        one.state.session.label,
    )
    return all(word in "\n".join(about).casefold() for word in wanted.casefold().split())


def sort_rows(
    rows: Iterable[OverviewRow], column: OverviewColumn, *, backwards: bool = False
) -> list[OverviewRow]:
    """The rows by a column that can be sorted by; among equals the worst first, then as the tabs are."""
    worst_first = sorted(rows, key=lambda one: rank_verdict(one.verdict))
    return sorted(worst_first, key=_SORT_KEYS[column], reverse=backwards)


def _format_verdict_label(one: OverviewRow) -> str:
    """As the tabs say it, but CAN WORK in words."""
    if one.verdict.state is VerdictState.CAN_WORK and one.verdict.is_locked:
        return "credits BLOCKED"
    return words.VERDICT_NAMES[one.verdict.state]


def _format_used_percent(one: OverviewRow, now: datetime) -> str:
    window = one.window
    if window is None:
        return ""
    return "due" if window.is_due(now) else form.format_percent(window.percent)


def _format_reset_countdown(one: OverviewRow, now: datetime) -> str:
    ends = one.window.resets_at if one.window is not None else None
    return form.format_countdown(ends - now) if ends is not None and ends > now else ""


def _format_reset_moment(one: OverviewRow, now: datetime, zone: tzinfo | None) -> str:
    ends = one.window.resets_at if one.window is not None else None
    return form.format_moment(ends, now, zone) if ends is not None else ""


_CREDIT_STATE_LABELS = {CreditState.LOCKED: "locked", CreditState.OFF: "off", CreditState.ABSENT: "none"}


def _format_credits(one: OverviewRow, now: datetime) -> str:
    """The amount; where there is none, what is known instead of it."""
    return (
        form.format_money(one.used)
        if one.used is not None
        else _CREDIT_STATE_LABELS.get(one.state.credits.compute_state(now), "")
    )


def _format_cap(one: OverviewRow) -> str:
    lead = one.state.credits.lead_meter
    if lead is None:
        return ""
    return form.format_money(lead.cap) if lead.cap is not None else "no cap" if lead.is_uncapped else ""


def _format_reading_age(one: OverviewRow, now: datetime) -> str:
    read = one.state.read_at
    return (
        "never"
        if read is None
        else form.format_age(now - read).removesuffix(" ago").replace("just now", "now")
    )


_CELL_FORMATTERS: Mapping[OverviewColumn, Callable[[OverviewRow, datetime, tzinfo | None], str]] = {
    OverviewColumn.ORG: lambda one, *_: one.name,
    OverviewColumn.PLAN: lambda one, *_: one.state.org.plan_name,
    OverviewColumn.VERDICT: lambda one, *_: _format_verdict_label(one),
    OverviewColumn.PERCENT: lambda one, now, _: _format_used_percent(one, now),
    OverviewColumn.WINDOW: lambda one, *_: one.window.label if one.window else "",
    OverviewColumn.RESETS: lambda one, now, _: _format_reset_countdown(one, now),
    OverviewColumn.RESETS_AT: _format_reset_moment,
    OverviewColumn.CREDITS: lambda one, now, _: _format_credits(one, now),
    OverviewColumn.CAP: lambda one, *_: _format_cap(one),
    OverviewColumn.RATE: lambda one, *_: f"{form.format_money(one.hourly_rate)}/h" if one.hourly_rate else "",
    OverviewColumn.AGE: lambda one, now, _: _format_reading_age(one, now),
    OverviewColumn.SESSION: lambda one, *_: one.state.session.label,
}


def _negate_amount(amount: Money | None) -> Decimal:
    """For the largest first; what is not known comes last."""
    return -amount.major if amount is not None else Decimal(1)


def _negate_percent(one: OverviewRow) -> float:
    percent = one.window.percent if one.window is not None else None
    return -percent if percent is not None else 1.0


_SORT_KEYS: Mapping[OverviewColumn, Callable[[OverviewRow], Any]] = {
    OverviewColumn.VERDICT: lambda one: rank_verdict(one.verdict),
    OverviewColumn.ORG: lambda one: one.name.casefold(),
    OverviewColumn.PLAN: lambda one: one.state.org.plan_name.casefold(),
    OverviewColumn.PERCENT: _negate_percent,
    OverviewColumn.RESETS: lambda one: (one.window.resets_at if one.window else None) or UNKNOWN_RESET,
    OverviewColumn.CREDITS: lambda one: _negate_amount(one.used),
    OverviewColumn.RATE: lambda one: _negate_amount(one.hourly_rate),
    OverviewColumn.AGE: lambda one: one.state.read_at or NEVER_READ,
    OverviewColumn.SESSION: lambda one: one.state.session.label.casefold(),
}
SORTABLE_COLUMNS = frozenset(_SORT_KEYS)
"""The columns that the table can be sorted by."""
