"""All orgs at once: what the table says of each, how it is sorted, and what a search finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.rate import Rate, spend_rate
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.usage import NEVER, CreditState, Window
from claudemeter_tui.model.verdict import State, Verdict, judge, rank
from claudemeter_tui.text import format as form
from claudemeter_tui.text import verdict as words

NOTHING = "–"
"""Stands where there is no figure."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Stands in for a time at which nothing was read."""


class Column(StrEnum):
    """What the table has, by the words of its header."""

    ORG = "org"
    PLAN = "plan"
    VERDICT = "verdict"
    PERCENT = "used"
    WINDOW = "window"
    RESETS = "resets"
    AT = "at"
    CREDITS = "credits"
    CAP = "cap"
    RATE = "rate"
    AGE = "age"
    SESSION = "session"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One org, as far as it is the same for a minute."""

    state: OrgState
    verdict: Verdict
    rate: Rate | None
    """None: nothing can be said, or nothing is being spent."""

    @property
    def key(self) -> OrgKey:
        """What tells two orgs apart."""
        return self.state.key

    @property
    def name(self) -> str:
        """The org's name; the beginning of its uuid where it has none."""
        return self.state.org.called

    @property
    def window(self) -> Window | None:
        """The window that binds, else the fullest one; of what was, where nothing is known now."""
        told = self.verdict.was or self.verdict
        return next(iter(told.full), told.fullest)

    @property
    def used(self) -> Money | None:
        """The leading credit figure. None: none is reported."""
        lead = self.state.credits.lead
        return lead.used if lead is not None else None

    @property
    def per_hour(self) -> Money | None:
        """How fast credits are spent: lately if that can be told, else over the run."""
        return (self.rate.recent or self.rate.run) if self.rate is not None else None


def row(state: OrgState, now: datetime) -> Row:
    """What is known of one org at a moment."""
    return Row(state, judge(state, now), spend_rate(state.series, now))


def cell(one: Row, column: Column, now: datetime, zone: tzinfo | None = None) -> str:
    """What stands in one place of the table; never empty where a figure is missing."""
    return _CELLS[column](one, now, zone) or NOTHING


def beside(one: Row, now: datetime) -> Iterator[str]:
    """What a second line has room for: every window, then the balance, then what is wrong."""
    for window in one.state.plan.windows if one.state.plan else ():
        yield f"{window.label} {form.due(window) if window.is_due(now) else form.percent(window.percent)}"
    balance = one.state.credits.balance
    if balance is not None and balance.amount is not None:
        yield f"balance {form.money(balance.amount)}"
    failures = len(one.state.failures)
    if failures:
        yield f"{failures} repl{'y' if failures == 1 else 'ies'} not read"


def tally(rows: Iterable[Row]) -> Mapping[str, Sequence[Row]]:
    """The orgs of each verdict, worst first: `credits BLOCKED` is one of its own."""
    found: dict[str, list[Row]] = {}
    for one in sorted(rows, key=lambda one: rank(one.verdict)):
        found.setdefault(_verdict(one), []).append(one)
    return found


def matches(one: Row, wanted: str) -> bool:
    """Whether each of the words is somewhere in what people know the org by."""
    about = (
        one.state.org.name,
        one.state.org.uuid,
        one.state.org.plan,
        words.name(one.verdict),
        one.state.account.email or "",
        one.state.session.label,
    )
    return all(word in "\n".join(about).casefold() for word in wanted.casefold().split())


def ordered(rows: Iterable[Row], column: Column, *, backwards: bool = False) -> list[Row]:
    """The rows by a column that can be sorted by; among equals the worst first, then as the tabs are."""
    worst_first = sorted(rows, key=lambda one: rank(one.verdict))
    return sorted(worst_first, key=_ORDER[column], reverse=backwards)


def _verdict(one: Row) -> str:
    """As the tabs say it, but CAN WORK in words."""
    if one.verdict.state is State.CAN_WORK and one.verdict.locked:
        return "credits BLOCKED"
    return words.NAMES[one.verdict.state]


def _percent(one: Row, now: datetime) -> str:
    window = one.window
    if window is None:
        return ""
    return "due" if window.is_due(now) else form.percent(window.percent)


def _resets(one: Row, now: datetime) -> str:
    ends = one.window.resets_at if one.window is not None else None
    return form.countdown(ends - now) if ends is not None and ends > now else ""


def _at(one: Row, now: datetime, zone: tzinfo | None) -> str:
    ends = one.window.resets_at if one.window is not None else None
    return form.when(ends, now, zone) if ends is not None else ""


_WORDS = {CreditState.LOCKED: "locked", CreditState.OFF: "off", CreditState.ABSENT: "none"}


def _credits(one: Row, now: datetime) -> str:
    """The amount; where there is none, what is known instead of it."""
    return form.money(one.used) if one.used is not None else _WORDS.get(one.state.credits.state(now), "")


def _cap(one: Row) -> str:
    lead = one.state.credits.lead
    if lead is None:
        return ""
    return form.money(lead.cap) if lead.cap is not None else "no cap" if lead.uncapped else ""


def _age(one: Row, now: datetime) -> str:
    read = one.state.read_at
    return "never" if read is None else form.age(now - read).removesuffix(" ago").replace("just now", "now")


_CELLS: Mapping[Column, Callable[[Row, datetime, tzinfo | None], str]] = {
    Column.ORG: lambda one, *_: one.name,
    Column.PLAN: lambda one, *_: one.state.org.plan,
    Column.VERDICT: lambda one, *_: _verdict(one),
    Column.PERCENT: lambda one, now, _: _percent(one, now),
    Column.WINDOW: lambda one, *_: one.window.label if one.window else "",
    Column.RESETS: lambda one, now, _: _resets(one, now),
    Column.AT: _at,
    Column.CREDITS: lambda one, now, _: _credits(one, now),
    Column.CAP: lambda one, *_: _cap(one),
    Column.RATE: lambda one, *_: f"{form.money(one.per_hour)}/h" if one.per_hour else "",
    Column.AGE: lambda one, now, _: _age(one, now),
    Column.SESSION: lambda one, *_: one.state.session.label,
}


def _less(amount: Money | None) -> Decimal:
    """For the largest first; what is not known comes last."""
    return -amount.major if amount is not None else Decimal(1)


def _fullness(one: Row) -> float:
    percent = one.window.percent if one.window is not None else None
    return -percent if percent is not None else 1.0


_ORDER: Mapping[Column, Callable[[Row], Any]] = {
    Column.VERDICT: lambda one: rank(one.verdict),
    Column.ORG: lambda one: one.name.casefold(),
    Column.PLAN: lambda one: one.state.org.plan.casefold(),
    Column.PERCENT: _fullness,
    Column.RESETS: lambda one: (one.window.resets_at if one.window else None) or NEVER,
    Column.CREDITS: lambda one: _less(one.used),
    Column.RATE: lambda one: _less(one.per_hour),
    Column.AGE: lambda one: one.state.read_at or LONG_AGO,
    Column.SESSION: lambda one: one.state.session.label.casefold(),
}
SORTABLE = frozenset(_ORDER)
"""The columns that the table can be sorted by."""
