"""Format, sort and search the rows of the overview."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from claudemeter_tui.formatting.credits import CREDIT_STATE_NAMES, describe_figures_age, describe_missing_cap
from claudemeter_tui.formatting.search import has_words
from claudemeter_tui.formatting.values import (
    format_age,
    format_dated_day,
    format_moment,
    format_money,
    format_percent,
    to_local,
)
from claudemeter_tui.formatting.verdict import (
    NO_LIMITS_SHORT,
    VERDICT_NAMES,
    find_leading_window,
    format_verdict_name,
    format_verdict_note,
    lacks_limits,
)
from claudemeter_tui.model.catalogue import SESSION_LABEL, WEEK_LABEL_PREFIX, CreditState, WindowKind
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.day import DayUse
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.verdict import Verdict, VerdictState, rank_verdict
from claudemeter_tui.model.windows import Window

NO_VALUE = "–"
"""Placeholder for a missing figure."""
SPENT_TITLES = ("spent today", "spent")
"""Forms of the header of the spent credits."""
NARROW_VERDICT_TITLES = ("verdict · used", "verdict")
"""Forms of the header of the verdict if it has the percentage of the fullest window."""
CREDITS_OFF = "credits off"
"""Note beside an org that can work: work stops when a window is full."""
NARROW_DAY_TITLE = "5h today"
"""Shortest header of the sparklines of the 5-hour window, in as many cells as the narrowest of them."""
CAN_WORK = "can work"
"""Name of the calm verdict; the others are in capitals, because they need attention."""
COUNT_NAMES = {VerdictState.ON_CREDITS: "on credits", VerdictState.UNKNOWN: "unknown"}
"""Names in the header of verdicts that are no alarm."""


class OverviewColumn(StrEnum):
    """The columns of the table, by their headers."""

    ORG = "org"
    VERDICT = "verdict"
    SESSION_WINDOW = SESSION_LABEL
    WEEK_WINDOW = WEEK_LABEL_PREFIX.rstrip()
    FULLEST = "used"
    """The percentage of the limiting or fullest window, where there is no room for both windows."""
    CREDITS = "credits"
    SPENT = "spent"
    """Credits spent since midnight, as far as they were read."""
    TODAY = "today"
    """Sparkline of the 5-hour window since midnight."""


@dataclass(frozen=True, slots=True, eq=False)
class OverviewRow:
    """One org, with the values that hold for a minute."""

    state: OrgState
    verdict: Verdict

    @property
    def key(self) -> OrgKey:
        """The key of the org."""
        return self.state.key

    @property
    def name(self) -> str:
        """The org's name; the beginning of its uuid if it has none."""
        return self.state.org.display_name

    @property
    def meter(self) -> Meter | None:
        """The leading meter. None if the org has no credit figures."""
        return self.state.credits.lead_meter

    @property
    def used(self) -> Money | None:
        """The leading credit figure. None if none is reported."""
        return self.meter.used if self.meter is not None else None

    def find_window(self, column: OverviewColumn) -> Window | None:
        """Return the window of a column. None if the plan does not have it, or was not read."""
        if column is OverviewColumn.FULLEST:
            return find_leading_window(self.verdict)
        kind = WindowKind.SESSION if column is OverviewColumn.SESSION_WINDOW else WindowKind.WEEKLY
        windows = self.state.plan.windows if self.state.plan is not None else ()
        return next((window for window in windows if window.kind is kind), None)


def list_verdict_forms(row: OverviewRow, now: datetime, zone: tzinfo | None = None) -> list[tuple[str, str]]:
    """Return the verdict with its end, and a note: `BLOCKED → May 1`, `can work` and `credits off`.

    The longest form is first; the last one is the name alone. An age is never left out.
    """
    verdict = row.verdict
    name = _format_verdict_label(row)
    age = f"{format_age(now - verdict.read_at)}" if verdict.read_at is not None else "never read"
    if verdict.state is VerdictState.UNKNOWN:
        return [(name, age), (name, "")]
    ends = verdict.ends_at
    until = f"{name} → {_format_end(ends, now, zone)}" if ends is not None and ends > now else name
    forms = [(until, "")]
    if verdict.is_stale:
        forms = [(until, age), (name, age)]
    elif verdict.state is VerdictState.CAN_WORK and verdict.credits is CreditState.OFF:
        forms = [(until, CREDITS_OFF), *forms]
    return [*forms, (name, "")] if until != name else forms


def list_narrow_verdict_forms(
    row: OverviewRow, now: datetime, zone: tzinfo | None = None
) -> list[tuple[str, str]]:
    """Return the verdict with its end, else with the fullest window: `BLOCKED → May 1`, `can work 67%`.

    They are for a pane without a column for the windows. The longest form is first; an age is never left out.
    A full plan-wide window has no percentage, because the verdict says that it is full.
    """
    forms = [form for form in list_verdict_forms(row, now, zone) if form[1] != CREDITS_OFF]
    window = find_leading_window(row.verdict) if row.verdict.state is VerdictState.CAN_WORK else None
    if window is None or window.percent is None or window.is_due(now):
        return forms
    name, age = forms[0]
    return [(f"{name} {format_percent(window.percent)}", age), *forms]


def format_window(window: Window | None, now: datetime) -> str:
    """Return `67%`, or `due` for a window whose reset has passed; `–` without a window."""
    if window is None:
        return NO_VALUE
    return "due" if window.is_due(now) else format_percent(window.percent)


class CreditForm(NamedTuple):
    """The parts of a cell of the credits; an empty one is left out."""

    amount: str
    """`$50.00`, or a word instead of it."""
    cap: str = ""
    """`of 50`, or `no cap`."""
    state: str = ""
    """`locked`, `off`. Empty for credits that are open, or not known."""
    age: str = ""
    """`pool`, and `as of 14:02` for figures that are not current."""

    @property
    def text(self) -> str:
        """All parts: `$50.00 of 50 locked`."""
        return " ".join(filter(None, self))


def list_credit_forms(row: OverviewRow, now: datetime, zone: tzinfo | None = None) -> list[CreditForm]:
    """Return `$50.00 of 50 locked`, `$8.12 no cap`, `off`, or `–` without credits; then without the cap.

    Every form of figures that are not current shows their time.
    """
    state, meter = row.state.credits.compute_state(now), row.meter
    names = {CreditState.OPEN: "", CreditState.UNKNOWN: ""}
    name = names.get(state, CREDIT_STATE_NAMES[state])
    if meter is None or meter.used is None:
        missing = {CreditState.ABSENT: NO_VALUE, CreditState.UNKNOWN: NO_VALUE if meter is None else "?"}
        return [CreditForm(missing.get(state, name) or NO_VALUE)]
    age = " ".join(
        filter(None, ("" if meter.is_personal else "pool", describe_figures_age(meter, now, zone)))
    )
    used = format_money(meter.used)
    short = CreditForm(used, "" if name else describe_missing_cap(meter, ""), name, age)
    if meter.cap is None:
        return [short]
    return [CreditForm(used, f"of {_format_cap(meter)}", name, age), short._replace(cap="")]


def shorten_credits(row: OverviewRow, form: CreditForm) -> CreditForm:
    """Return the form without a cap, and without the word `locked` where the verdict says BLOCKED."""
    return form._replace(cap="", state="" if row.verdict.is_locked else form.state)


def format_spent(use: DayUse | None) -> str:
    """Return the credits spent today: `$3.40`; `–` if none were, or if no amount was read."""
    return format_money(use.spent) if use is not None and use.has_spending else NO_VALUE


def list_day_titles(since: datetime, now: datetime, zone: tzinfo | None) -> list[str]:
    """Return the header of the sparklines of the 5-hour window: `5-hour today`, then `5h today`.

    The shortest one is never the title of another column. If the first reading came after midnight, a longer
    form names the time: `5-hour since 14:02`.
    """
    start, forms = to_local(since, zone), [f"{SESSION_LABEL} today", NARROW_DAY_TITLE]
    if start.time() == time.min and start.date() == to_local(now, zone).date():
        return forms
    begun = f"since {start:%H:%M}"
    return [f"{SESSION_LABEL} {begun}", begun, *forms]


def group_by_verdict(rows: Iterable[OverviewRow]) -> Mapping[str, Sequence[OverviewRow]]:
    """Group the orgs by verdict, worst first; `credits BLOCKED` is a group of its own."""
    groups: dict[str, list[OverviewRow]] = {}
    for row in sorted(rows, key=lambda row: rank_verdict(row.verdict)):
        known = None if lacks_limits(row.verdict) else COUNT_NAMES.get(row.verdict.state)
        label = known or _format_verdict_label(row)
        groups.setdefault(label, []).append(row)
    return groups


def matches_search(row: OverviewRow, wanted: str) -> bool:
    """True if each word occurs in a name, id, plan, verdict, account or session of the org."""
    return has_words("\n".join(_list_fields(row).values()), wanted)


def list_unseen_matches(row: OverviewRow, wanted: str) -> list[str]:
    """Return the names of the fields that hold the words that neither name nor verdict has."""
    fields = _list_fields(row)
    seen = row.name + "\n" + fields["verdict"]
    unseen = [word for word in wanted.split() if not has_words(seen, word)]
    return [name for name, text in fields.items() if any(has_words(text, word) for word in unseen)]


def _list_fields(row: OverviewRow) -> Mapping[str, str]:
    """Return everything that is searched, by its name on screen."""
    return {
        "name": row.name,
        "verdict": format_verdict_name(row.verdict),
        "full name": row.state.org.name,
        "plan": row.state.org.plan_name,
        "account": row.state.account.email or "",
        "session": row.state.session.label,
        "UUID": row.state.org.uuid,
    }


def sort_rows(
    rows: Iterable[OverviewRow], column: OverviewColumn, *, backwards: bool = False
) -> list[OverviewRow]:
    """Sort the rows by a column; equal rows by verdict, worst first, then in the order of the tabs."""
    # Sorting is stable even in reverse, so rows that are equal in the column keep this order.
    worst_first = sorted(rows, key=lambda row: rank_verdict(row.verdict))
    return sorted(worst_first, key=_SORT_KEYS[column], reverse=backwards)


def _format_verdict_label(row: OverviewRow) -> str:
    """Return the name of the verdict, or the note beside CAN WORK."""
    note = format_verdict_note(row.verdict)
    if note or row.verdict.state is not VerdictState.CAN_WORK:
        return note or (NO_LIMITS_SHORT if lacks_limits(row.verdict) else VERDICT_NAMES[row.verdict.state])
    return CAN_WORK


def _format_end(end: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return `16:00`, `Tue 14:00`, or for a later end only the day: `May 1`."""
    day, today = to_local(end, zone).date(), to_local(now, zone).date()
    return format_moment(end, now, zone) if (day - today).days <= 6 else format_dated_day(day, now, zone)


def _format_cap(meter: Meter) -> str:
    """Return a cap in the currency of the used amount as a bare figure: `50`, `1,250.50`."""
    if meter.cap is None or meter.is_incomparable:
        return format_money(meter.cap)
    text = format_money(Money(meter.cap.minor, "", meter.cap.exponent))
    whole, _, fraction = text.partition(".")
    return text if fraction.strip("0") else whole


def _negate_amount(amount: Money | None) -> Decimal:
    """Return the sort key for the largest amount first and unknown ones last."""
    return -amount.major if amount is not None else Decimal(1)


def _negate_percent(column: OverviewColumn) -> Callable[[OverviewRow], float]:
    """Return the sort key for the fullest window first and unknown ones last."""

    def key(row: OverviewRow) -> float:
        window = row.find_window(column)
        return -window.percent if window is not None and window.percent is not None else 1.0

    return key


_SORT_KEYS: Mapping[OverviewColumn, Callable[[OverviewRow], Any]] = {
    OverviewColumn.VERDICT: lambda row: rank_verdict(row.verdict),
    OverviewColumn.ORG: lambda row: row.name.casefold(),
    OverviewColumn.SESSION_WINDOW: _negate_percent(OverviewColumn.SESSION_WINDOW),
    OverviewColumn.WEEK_WINDOW: _negate_percent(OverviewColumn.WEEK_WINDOW),
    OverviewColumn.FULLEST: _negate_percent(OverviewColumn.FULLEST),
    OverviewColumn.CREDITS: lambda row: _negate_amount(row.used),
}
SORTABLE_COLUMNS = frozenset(_SORT_KEYS)
"""The columns that the table can be sorted by."""
