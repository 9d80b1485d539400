"""Word the verdict: as a name, in one line, as a banner and for a tab.

No form names a time that has passed, even if the verdict is older than `now`: a window whose reset has passed
reads "reset due".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from claudemeter_tui.formatting.credits import (
    describe_lock,
    describe_lock_cure,
    describe_payment,
    describe_payment_cure,
)
from claudemeter_tui.formatting.values import (
    format_age,
    format_countdown,
    format_day,
    format_moment,
    format_money,
    format_no_reset,
    format_percent,
    format_with_countdown,
    to_local,
)
from claudemeter_tui.model.catalogue import WEEK_LABEL_PREFIX, Cause, CreditState, is_model_window
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import UNKNOWN_AFTER
from claudemeter_tui.model.verdict import (
    CreditLock,
    EndSource,
    OverPlanSpending,
    PaymentProblem,
    Verdict,
    VerdictState,
)
from claudemeter_tui.model.windows import Window


@dataclass(frozen=True, slots=True)
class MomentFormatter:
    """Format times as seen from now."""

    now: datetime
    zone: tzinfo | None
    """Zone of the output. None for the system's own."""

    def filter_future(self, moment: datetime | None) -> datetime | None:
        """Return the moment. None if it has passed."""
        return moment if moment is not None and moment > self.now else None

    def format_with_countdown(self, moment: datetime) -> str:
        """Return `16:00 (in 1h 12m)`."""
        return format_with_countdown(moment, self.now, self.zone)

    def format_moment(self, moment: datetime) -> str:
        """Return `16:00`, `Tue 14:00`."""
        return format_moment(moment, self.now, self.zone)

    def format_until(self, moment: datetime) -> str:
        """Return `until Fri May 1 00:00 (in 5d 9h)`, with the date, because locks last for days."""
        here, there = to_local(self.now, self.zone), to_local(moment, self.zone)
        day = "" if here.date() == there.date() else f"{format_day(there.date(), here.date())} "
        return f"until {day}{there:%H:%M} (in {format_countdown(moment - self.now)})"

    def format_at(self, moment: datetime) -> str:
        """Return `at 16:00`, but `Tue 14:00`."""
        text = self.format_moment(moment)
        return f"at {text}" if text[:1].isdigit() else text

    def format_age(self, moment: datetime | None) -> str:
        """Return `18s ago`; empty for None."""
        return format_age(self.now - moment) if moment is not None else ""


def describe_full_windows(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield every full window.

    If several have known, different resets, mark the limiting one and the one that frees up first.
    """
    resets = [moments.filter_future(window.resets_at) for window in verdict.full_windows]
    marks = [""] * len(resets)
    if None not in resets and len(set(resets)) > 1:
        marks[0] = ", limiting"
        marks[-1] = "" if any(describe_first_lift(verdict, moments)) else ", frees up first"
    for window, reset, mark in zip(verdict.full_windows, resets, marks, strict=True):
        fact = f" until {moments.format_with_countdown(reset)}" if reset else _describe_missing_reset(window)
        yield f"{window.label} {_format_fullness(window)}{fact}{mark}"


def describe_also_full_windows(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield a line for each full window beside locked credits."""
    order = ""
    if any(describe_first_lift(verdict, moments)):
        side = "before" if verdict.end_source is EndSource.WINDOW else "after"
        order = f" (frees up {side} the credits do)"
    for window in verdict.full_windows:
        reset = moments.filter_future(window.resets_at)
        fact = f" until {moments.format_moment(reset)}{order}" if reset else _describe_missing_reset(window)
        yield f"also: {window.label} window {_format_fullness(window)}{fact}"
        order = ""


def describe_first_lift(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield the side that frees up first, if both have a date."""
    window = moments.filter_future(verdict.full_windows[0].resets_at) if verdict.full_windows else None
    if window is not None and moments.filter_future(verdict.credits_reopen_at) is not None:
        first = verdict.end_source is EndSource.WINDOW
        yield f"{verdict.full_windows[0].label} window frees up first" if first else "credits free up first"


def describe_saved_reset(verdict: Verdict) -> Iterator[str]:
    """Yield a saved reset as a cure."""
    if verdict.saved_reset is not None:
        left = verdict.saved_reset.resets_left
        yield "saved reset available" + (f" ({left} left)" if left is not None else "")


def describe_work_stop(verdict: Verdict) -> str:
    """Return when work stops while the credits are locked, with the fullest window."""
    if verdict.fullest_window is None:
        return "work stops when a plan window is full"
    room = format_percent(verdict.fullest_window.percent)
    return f"work stops when a plan window is full ({verdict.fullest_window.label} {room})"


def describe_fullest_window(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield the percent of the fullest window and its reset."""
    window = verdict.fullest_window
    if window is None:
        return
    reset = moments.filter_future(window.resets_at)
    fullness = f"{window.label} {format_percent(window.percent)}"
    if reset is not None:
        yield f"{fullness}, resets {moments.format_with_countdown(reset)}"
    elif window.resets_at is not None:
        yield f"{window.label} reset due"
    else:
        yield f"{fullness}, {format_no_reset(window, 'no reset reported')}"


def describe_due_windows(verdict: Verdict) -> Iterator[str]:
    """Return the windows whose reset has passed."""
    return (f"{window.label} reset due" for window in verdict.due_windows)


def describe_other_windows(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield the windows that decide nothing: without a figure, or of one model or surface only."""
    if verdict.unreported_windows and verdict.state is not VerdictState.UNKNOWN:
        yield f"{join_labels(verdict.unreported_windows)} not reported"
    if verdict.full_scoped_windows:
        yield _describe_scoped_windows(verdict, moments)


def join_labels(windows: tuple[Window, ...]) -> str:
    """Return `5-hour and 7-day all`."""
    return " and ".join(window.label for window in windows)


def _format_fullness(window: Window) -> str:
    """Return `full`, or `locked` with the server's own words if it locked the window."""
    return "full" if window.locked_reason is None else f'locked ("{window.locked_reason}")'


def _describe_missing_reset(window: Window) -> str:
    return ", reset due" if window.resets_at is not None else ", no reset reported"


def _describe_scoped_windows(verdict: Verdict, moments: MomentFormatter) -> str:
    text = ", ".join(_describe_scoped_window(window, moments) for window in verdict.full_scoped_windows)
    works = verdict.state in (VerdictState.CAN_WORK, VerdictState.ON_CREDITS)
    if not works or all(window.limit is not None for window in verdict.full_scoped_windows):
        return text
    models = all(is_model_window(window.key) for window in verdict.full_scoped_windows)
    return f"{text}, {'other models work' if models else 'everything else works'}"


def _describe_scoped_window(window: Window, moments: MomentFormatter) -> str:
    label, reset = window.label.removeprefix(WEEK_LABEL_PREFIX), moments.filter_future(window.resets_at)
    if window.limit is not None:
        return f"{label} used up"
    if reset is not None:
        return f"{label} {_format_fullness(window)} until {moments.format_moment(reset)}"
    return f"{label} {_format_fullness(window) if window.resets_at is None else 'reset due'}"


WAIT_CAUSES = {
    CreditState.OFF: "credits are off",
    CreditState.ABSENT: "no usage credits on this org",
    CreditState.UNKNOWN: "credits may cover it (lock not known)",
}
"""The cause of WAIT, by the state of the credits."""


def describe_refused_credits(verdict: Verdict, moments: MomentFormatter, *more: str) -> Iterator[str]:
    """Yield the first lock with its end and cure, then `more` with the raw code, then the other locks."""
    lead, *others = _list_locks(verdict)
    words = describe_lock(lead)
    *lines, last = _describe_lock_end(lead, moments), *more
    yield from (f"Usage credits are locked: {words}", *lines, _append_code(last, lead, words))
    for lock in others:
        cure = describe_lock_cure(lock) if lock.until == lead.until else None
        text = f"also: {describe_lock(lock)} · {cure or _describe_lock_end(lock, moments)}"
        yield _append_code(text, lock, text)


def describe_dated_locks(verdict: Verdict, moments: MomentFormatter) -> str:
    """Return the causes with their dates; a shared date only once, after the last one."""
    locks = _list_locks(verdict)
    ends = [moments.filter_future(lock.until) for lock in locks]
    if len(set(ends)) == 1:
        ends = [*(None for _ in ends[1:]), ends[-1]]
    pairs = zip(locks, ends, strict=True)
    return " and ".join(
        describe_lock(lock) + (f", {moments.format_until(end)}" if end else "") for lock, end in pairs
    )


def describe_unavailable_credits(verdict: Verdict) -> str:
    """Return why credits do not cover a full window, and the cure."""
    why, lock = WAIT_CAUSES[verdict.credits], next(iter(verdict.credit_locks), None)
    if lock is None:
        return why
    words, cure = describe_lock(lock), describe_lock_cure(lock)
    text = words if lock.reason is None and lock.cause is Cause.OFF else f"{why}: {words}"
    return _append_code(f"{text} · {cure}" if cure else text, lock, text)


def describe_spending(verdict: Verdict, moments: MomentFormatter) -> str:
    """Return the spending since the window filled, or since the first reading in which it was full."""
    spending = verdict.spending
    if spending is None or spending.spent is None:
        return "spending not reported"
    since = f"since {_describe_fill_time(verdict, spending, moments)}"
    if not spending.spent.minor:
        return f"no spending seen {since}"
    under = "under " if spending.spent.minor < 1 else ""
    shown = Money(max(Decimal(1), spending.spent.minor), *spending.spent.unit)
    who = "the organization's pool rose by" if spending.is_pooled else "spent"
    fast = f" ({format_money(spending.rate)}/h)" if spending.rate is not None else ""
    last = f", last increase {moments.format_age(spending.last_rise_at)}" if spending.last_rise_at else ""
    return f"{who} {under}{format_money(shown)} {since}{fast}{last}"


def _describe_fill_time(verdict: Verdict, spending: OverPlanSpending, moments: MomentFormatter) -> str:
    """Return `the window filled at 14:02`, with its label if several are full; `14:02` if it was not seen."""
    if spending.filled_label is None:
        return moments.format_moment(spending.since)
    alone = [window.label for window in verdict.full_windows] == [spending.filled_label]
    subject = "the window" if alone else f"the {spending.filled_label} window"
    return f"{subject} filled {moments.format_at(spending.since)}"


def _describe_lock_end(lock: CreditLock, moments: MomentFormatter) -> str:
    until, cure = moments.filter_future(lock.until), describe_lock_cure(lock)
    if until is None:
        return cure or "no end date given – nothing to do but wait"
    return moments.format_until(until) + (f" · or {cure}" if cure else "")


def _append_code(text: str, lock: CreditLock, words: str) -> str:
    """Append the raw code to the text, unless the words already quote it."""
    known = lock.reason is None or f'"{lock.reason}"' in words
    return text if known else f"{text} · {lock.reason}"


def _list_locks(verdict: Verdict) -> list[CreditLock]:
    """Return the locks on the credits, each cause once."""
    locks = [lock for lock in verdict.credit_locks if lock.state is CreditState.LOCKED]
    return list({describe_lock(lock): lock for lock in reversed(locks)}.values())[::-1]


CREDITS_BLOCKED = "credits BLOCKED"
"""Shown beside CAN WORK while the credits are locked."""
VERDICT_NAMES = {
    VerdictState.BLOCKED: "BLOCKED",
    VerdictState.WAIT: "WAIT",
    VerdictState.ON_CREDITS: "ON CREDITS",
    VerdictState.UNKNOWN: "UNKNOWN",
    VerdictState.CAN_WORK: "CAN WORK",
}
NO_WINDOWS_CAUSES = {
    CreditState.OFF: "no windows on this plan, and credits are off",
    CreditState.ABSENT: "no windows and no credits on this plan",
    CreditState.UNKNOWN: "no windows on this plan, and the credit state is not known",
}
"""The cause of UNKNOWN on a plan without windows, by the state of the credits."""


def find_leading_window(verdict: Verdict) -> Window | None:
    """Return the window that decides, else the fullest; of the last known verdict if it is UNKNOWN."""
    known = verdict.last_known or verdict
    return next(iter(known.full_windows), known.fullest_window)


def format_verdict_name(verdict: Verdict) -> str:
    """Return `CAN WORK`, `CAN WORK · credits BLOCKED`, `ON CREDITS`, `WAIT`, `BLOCKED` or `UNKNOWN`."""
    note = f" · {CREDITS_BLOCKED}" if verdict.state is VerdictState.CAN_WORK and verdict.is_locked else ""
    return VERDICT_NAMES[verdict.state] + note


def format_verdict_line(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the verdict in one line: `CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m)`."""
    moments = MomentFormatter(now, zone)
    return f"{format_verdict_name(verdict)}  {_format_facts_line(verdict, moments)}"


def format_short_verdict(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the form for a tab: `67%`, `BLOCKED`, `on credits`, `WAIT 16:00`, `credits BLOCKED`, `?`."""
    match verdict.state:
        case VerdictState.BLOCKED:
            return "BLOCKED"
        case VerdictState.ON_CREDITS:
            return "on credits"
        case VerdictState.UNKNOWN:
            return "?"
        case VerdictState.WAIT:
            moments = MomentFormatter(now, zone)
            lifts = moments.filter_future(verdict.ends_at)
            return f"WAIT {moments.format_moment(lifts)}" if lifts else "WAIT"
    if verdict.is_locked:
        return CREDITS_BLOCKED
    return format_percent(verdict.fullest_window.percent) if verdict.fullest_window else "reset due"


def format_verdict_banner(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> tuple[str, ...]:
    """Return cause, end and cure, a line each; a single line if work continues in the plan.

    The name is not included: the dashboard shows it beside the banner.
    """
    moments = MomentFormatter(now, zone)
    full = " · ".join((*describe_full_windows(verdict, moments), *describe_saved_reset(verdict)))
    match verdict.state:
        case VerdictState.BLOCKED:
            too = (*describe_also_full_windows(verdict, moments), *describe_saved_reset(verdict))
            lines = describe_refused_credits(verdict, moments, *too)
        case VerdictState.WAIT:
            lines = iter((_capitalize(full), describe_unavailable_credits(verdict)))
        case VerdictState.ON_CREDITS:
            text = f"Work continues on usage credits: {full or 'no plan windows'}"
            lines = iter((text, describe_spending(verdict, moments)))
        case VerdictState.UNKNOWN:
            lines = _describe_unknown(verdict, moments)
        case VerdictState.CAN_WORK if verdict.is_locked:
            stops = " · ".join((describe_work_stop(verdict), *describe_due_windows(verdict)))
            lines = describe_refused_credits(verdict, moments, stops)
        case _:
            return (_format_facts_line(verdict, moments),)
    return (*lines, *_list_side_facts(verdict, moments))


def _format_facts_line(verdict: Verdict, moments: MomentFormatter) -> str:
    return " · ".join((*_list_key_facts(verdict, moments), *_list_side_facts(verdict, moments)))


def _list_key_facts(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield the fragments of the one-line form, most important first."""
    full = (*describe_full_windows(verdict, moments), *describe_saved_reset(verdict))
    match verdict.state:
        case VerdictState.BLOCKED:
            yield from (describe_dated_locks(verdict, moments), *full, *describe_first_lift(verdict, moments))
        case VerdictState.WAIT:
            yield from (*full, WAIT_CAUSES[verdict.credits])
        case VerdictState.ON_CREDITS:
            yield from full or ("no plan windows, all work uses credits",)
            yield describe_spending(verdict, moments)
        case VerdictState.UNKNOWN:
            yield _describe_unknown_cause(verdict, moments)
            if verdict.last_known is not None:
                name, age = format_verdict_name(verdict.last_known), moments.format_age(verdict.read_at)
                yield f"last known: {name} {age}"
            if verdict.is_locked:
                yield f"{CREDITS_BLOCKED}: {describe_dated_locks(verdict, moments)}"
        case VerdictState.CAN_WORK if verdict.is_locked:
            yield from (describe_dated_locks(verdict, moments), describe_work_stop(verdict))
            yield from describe_due_windows(verdict)
        case VerdictState.CAN_WORK:
            yield from (*describe_fullest_window(verdict, moments), *describe_due_windows(verdict))


def _list_side_facts(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    """Yield the facts beside any verdict: other windows, payment, age."""
    yield from describe_other_windows(verdict, moments)
    yield from (_format_payment(payment, moments) for payment in verdict.payment_problems)
    if verdict.is_stale and verdict.state is not VerdictState.UNKNOWN:
        yield f"read {moments.format_age(verdict.read_at)}"


def _describe_unknown(verdict: Verdict, moments: MomentFormatter) -> Iterator[str]:
    yield _capitalize(_describe_unknown_cause(verdict, moments))
    if verdict.last_known is not None:
        facts = " · ".join(_list_key_facts(verdict.last_known, moments))
        name, age = format_verdict_name(verdict.last_known), moments.format_age(verdict.read_at)
        yield f"last known: {name} {age} · {facts}"
    if verdict.is_locked:
        yield from describe_refused_credits(verdict, moments)


def _describe_unknown_cause(verdict: Verdict, moments: MomentFormatter) -> str:
    why = f": {verdict.error_kind}" if verdict.error_kind is not None else ""
    if verdict.read_at is None:
        return f"no reading yet{why}"
    past = moments.now - verdict.read_at
    if past > UNKNOWN_AFTER:
        return f"no successful read for {format_countdown(past)}{why}"
    if verdict.cause is Cause.NOT_READ:
        return f"windows not read{why}"
    if verdict.cause is Cause.NO_WINDOWS:
        return NO_WINDOWS_CAUSES[verdict.credits]
    if verdict.unreported_windows:
        return f"{join_labels(verdict.unreported_windows)} not reported"
    return "claude.ai reports no usage for this org"


def _format_payment(payment: PaymentProblem, moments: MomentFormatter) -> str:
    until, cure = moments.filter_future(payment.until), describe_payment_cure(payment)
    dated = describe_payment(payment) + (f" {moments.format_until(until)}" if until else "")
    return f"{dated} · {cure}" if cure else dated


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
