"""The verdict in words: a name, one line, a banner, a tab.

No form names a moment that has passed, even if the verdict was reached some time before `now`: a window whose
reset is over then reads "reset due".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from claudemeter_tui.formatting import credits
from claudemeter_tui.formatting import values as forms
from claudemeter_tui.model.catalogue import Cause, CreditState
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
    """Every form of a moment, as seen from another one."""

    now: datetime
    zone: tzinfo | None
    """None: the system's own."""

    def filter_future(self, moment: datetime | None) -> datetime | None:
        """The moment, if it is to come."""
        return moment if moment is not None and moment > self.now else None

    def format_with_countdown(self, moment: datetime) -> str:
        """`16:00 (in 1h 12m)`."""
        return forms.format_with_countdown(moment, self.now, self.zone)

    def format_moment(self, moment: datetime) -> str:
        """`16:00`, `Tue 14:00`."""
        return forms.format_moment(moment, self.now, self.zone)

    def format_until(self, moment: datetime) -> str:
        """`until Fri May 1 00:00 (in 5d 9h)`: locks last for days, so their date is spelled out."""
        here, there = forms.to_local(self.now, self.zone), forms.to_local(moment, self.zone)
        day = "" if here.date() == there.date() else f"{forms.format_day(there.date(), here.date())} "
        return f"until {day}{there:%H:%M} (in {forms.format_countdown(moment - self.now)})"

    def format_at(self, moment: datetime) -> str:
        """`at 16:00`, but `Tue 14:00`."""
        said = self.format_moment(moment)
        return f"at {said}" if said[:1].isdigit() else said

    def format_age(self, moment: datetime | None) -> str:
        """`18s ago`; empty for None."""
        return forms.format_age(self.now - moment) if moment is not None else ""


def describe_full_windows(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """Every full window; of several with known, different resets also which binds and which lifts first."""
    resets = [clock.filter_future(window.resets_at) for window in verdict.full_windows]
    marks = [""] * len(resets)
    if None not in resets and len(set(resets)) > 1:
        marks[0], marks[-1] = ", binds", "" if any(describe_first_lift(verdict, clock)) else ", lifts first"
    for window, reset, mark in zip(verdict.full_windows, resets, marks, strict=True):
        fact = f"until {clock.format_with_countdown(reset)}" if reset else _describe_missing_reset(window)
        yield f"{window.label} {_format_fullness(window)} {fact}{mark}"


def describe_also_full_windows(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """Every full window in a line of its own, beside credits that are refused."""
    order = ""
    if any(describe_first_lift(verdict, clock)):
        before = ", first" if len(verdict.full_windows) == 1 else ", before the credits"
        order = before if verdict.end_source is EndSource.WINDOW else ", after the credits"
    for window in verdict.full_windows:
        reset = clock.filter_future(window.resets_at)
        told = f"it resets {clock.format_at(reset)}{order}" if reset else _describe_missing_reset(window)
        yield f"the {window.label} window is {_format_fullness(window)} too: {told}"
        order = ""


def describe_first_lift(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """Which side lifts first, where both have a date."""
    window = clock.filter_future(verdict.full_windows[0].resets_at) if verdict.full_windows else None
    if window is not None and clock.filter_future(verdict.credits_reopen_at) is not None:
        yield "the window lifts first" if verdict.end_source is EndSource.WINDOW else "the credits lift first"


def describe_saved_reset(verdict: Verdict) -> Iterator[str]:
    """The cure that a grant is."""
    if verdict.saved_reset is not None:
        left = verdict.saved_reset.resets_left
        yield "an early reset can be used now" + (f" ({left} left)" if left is not None else "")


def describe_work_stop(verdict: Verdict) -> str:
    """Where the plan has room and credits are locked: when work stops."""
    if verdict.fullest_window is None:
        return "work stops when a plan window is full"
    room = forms.format_percent(verdict.fullest_window.percent)
    return f"work stops when the {verdict.fullest_window.label} window is full ({room})"


def describe_fullest_window(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """How full the fullest window is and when it resets."""
    window = verdict.fullest_window
    if window is None:
        return
    reset, said = (
        clock.filter_future(window.resets_at),
        f"{window.label} {forms.format_percent(window.percent)}",
    )
    if reset is not None:
        yield f"{said}, resets {clock.format_with_countdown(reset)}"
    elif window.resets_at is not None:
        yield f"{window.label} reset due"
    else:
        yield f"{said}, {'no reset is reported' if window.percent else 'not started'}"


def describe_due_windows(verdict: Verdict) -> Iterator[str]:
    """Windows whose reset is over."""
    return (f"{window.label} reset due" for window in verdict.due_windows)


def describe_other_windows(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """Windows that decide nothing: without a figure, or of one model or surface only."""
    if verdict.unreported_windows and verdict.state is not VerdictState.UNKNOWN:
        yield f"{join_labels(verdict.unreported_windows)} not reported"
    if verdict.full_scoped_windows:
        yield _describe_scoped_windows(verdict, clock)


def join_labels(windows: tuple[Window, ...]) -> str:
    """`5-hour and 7-day all`."""
    return " and ".join(window.label for window in windows)


def _format_fullness(window: Window) -> str:
    """`full`; quoted where the server locked the window for a reason."""
    return "full" if window.locked_reason is None else f'locked ("{window.locked_reason}")'


def _describe_missing_reset(window: Window) -> str:
    return "but its reset is due" if window.resets_at is not None else "and no reset is reported"


def _describe_scoped_windows(verdict: Verdict, clock: MomentFormatter) -> str:
    said = ", ".join(_describe_scoped_window(window, clock) for window in verdict.full_scoped_windows)
    works = verdict.state in (VerdictState.CAN_WORK, VerdictState.ON_CREDITS)
    if not works or all(window.limit is not None for window in verdict.full_scoped_windows):
        return said
    models = all(_is_model_window(window) for window in verdict.full_scoped_windows)
    return f"{said}, {'other models work' if models else 'the rest works'}"


def _describe_scoped_window(window: Window, clock: MomentFormatter) -> str:
    label, reset = window.label.removeprefix("7-day "), clock.filter_future(window.resets_at)
    if window.limit is not None:
        return f"{label} used up"
    lock = f' locked ("{window.locked_reason}")' if window.locked_reason is not None else ""
    if reset is not None:
        return f"{label}{lock} until {clock.format_moment(reset)}"
    return f"{label}{lock or ' full'}" if window.resets_at is None else f"{label} reset due"


def _is_model_window(window: Window) -> bool:
    return window.key in ("seven_day_opus", "seven_day_sonnet") or window.key.startswith("weekly_scoped:")


WAIT_CAUSES = {
    CreditState.OFF: "credits are off",
    CreditState.ABSENT: "no metered credits here",
    CreditState.UNKNOWN: "whether credits would cover it is not known",
}
"""Why a full window means waiting, by the state of the credits."""


def describe_refused_credits(verdict: Verdict, clock: MomentFormatter, *more: str) -> Iterator[str]:
    """The lock that leads, its end and its cure, what else is so with the raw code, then the other locks."""
    lead, *others = _list_locks(verdict)
    said = credits.describe_lock(lead)
    *lines, last = _describe_lock_end(lead, clock), *more
    yield from (f"Metered credits are refused: {said}", *lines, _append_code(last, lead, said))
    for shut in others:
        cure = credits.describe_lock_cure(shut) if shut.until == lead.until else None
        text = f"also: {credits.describe_lock(shut)} · {cure or _describe_lock_end(shut, clock)}"
        yield _append_code(text, shut, text)


def describe_dated_locks(verdict: Verdict, clock: MomentFormatter) -> str:
    """The reasons with their dates; a date that they share is said once, behind the last."""
    found = _list_locks(verdict)
    ends = [clock.filter_future(shut.until) for shut in found]
    if len(set(ends)) == 1:
        ends = [*(None for _ in ends[1:]), ends[-1]]
    pairs = zip(found, ends, strict=True)
    return " and ".join(
        credits.describe_lock(shut) + (f", {clock.format_until(end)}" if end else "") for shut, end in pairs
    )


def describe_unavailable_credits(verdict: Verdict) -> str:
    """Why credits do not cover a full window, and what would open them."""
    why, shut = WAIT_CAUSES[verdict.credits], next(iter(verdict.credit_locks), None)
    if shut is None:
        return why
    words, cure = credits.describe_lock(shut), credits.describe_lock_cure(shut)
    said = words if shut.reason is None and shut.cause is Cause.OFF else f"{why}: {words}"
    return _append_code(f"{said} · {cure}" if cure else said, shut, said)


def describe_spending(verdict: Verdict, clock: MomentFormatter) -> str:
    """What was seen of spending since the window filled, or since the first reading that saw it full."""
    seen = verdict.spending
    if seen is None or seen.spent is None:
        return "what is spent is not reported"
    since = f"since {_describe_fill_time(verdict, seen, clock)}"
    if not seen.spent.minor:
        return f"no spending seen {since}"
    under = "under " if seen.spent.minor < 1 else ""
    shown = Money(max(Decimal(1), seen.spent.minor), *seen.spent.unit)
    who = "the organization's pool rose" if seen.is_pooled else "spent"
    fast = f" ({forms.format_money(seen.rate)}/h)" if seen.rate is not None else ""
    last = f", last rise {clock.format_age(seen.last_rise_at)}" if seen.last_rise_at is not None else ""
    return f"{who} {under}{forms.format_money(shown)} {since}{fast}{last}"


def _describe_fill_time(verdict: Verdict, seen: OverPlanSpending, clock: MomentFormatter) -> str:
    """`it filled at 14:02`, `the 5-hour window filled at 14:02`; `14:02` where that was not seen."""
    if seen.filled_label is None:
        return clock.format_moment(seen.since)
    alone = [window.label for window in verdict.full_windows] == [seen.filled_label]
    return f"{'it' if alone else f'the {seen.filled_label} window'} filled {clock.format_at(seen.since)}"


def _describe_lock_end(shut: CreditLock, clock: MomentFormatter) -> str:
    until, cure = clock.filter_future(shut.until), credits.describe_lock_cure(shut)
    if until is None:
        return cure or "no date is given, only time lifts it"
    return clock.format_until(until) + (f" · or {cure}" if cure else "")


def _append_code(text: str, shut: CreditLock, said: str) -> str:
    """The text with the raw code behind it, unless the words quote it already."""
    known = shut.reason is None or f'"{shut.reason}"' in said
    return text if known else f"{text} · {shut.reason}"


def _list_locks(verdict: Verdict) -> list[CreditLock]:
    """The locks on the credits, each reason once."""
    found = [shut for shut in verdict.credit_locks if shut.state is CreditState.LOCKED]
    return list({credits.describe_lock(shut): shut for shut in reversed(found)}.values())[::-1]


VERDICT_NAMES = {
    VerdictState.BLOCKED: "BLOCKED",
    VerdictState.WAIT: "WAIT",
    VerdictState.ON_CREDITS: "ON CREDITS",
    VerdictState.UNKNOWN: "UNKNOWN",
    VerdictState.CAN_WORK: "CAN WORK",
}
NO_WINDOWS_CAUSES = {
    CreditState.OFF: "no windows on this plan, and credits are off",
    CreditState.ABSENT: "no windows and no credits reported on this plan",
    CreditState.UNKNOWN: "no windows on this plan, and whether credits are open is not known",
}
"""Why a plan without windows is UNKNOWN, by the state of the credits."""


def format_verdict_name(verdict: Verdict) -> str:
    """`CAN WORK`, `CAN WORK · credits BLOCKED`, `ON CREDITS`, `WAIT`, `BLOCKED`, `UNKNOWN`."""
    aside = " · credits BLOCKED" if verdict.state is VerdictState.CAN_WORK and verdict.is_locked else ""
    return VERDICT_NAMES[verdict.state] + aside


def format_verdict_line(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """The whole answer in one line: `CAN WORK  5-hour 41 %, resets 16:00 (in 1h 12m)`."""
    clock = MomentFormatter(now, zone)
    return f"{format_verdict_name(verdict)}  {_format_facts_line(verdict, clock)}"


def format_short_verdict(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """As much as a tab holds: `67 %`, `BLOCKED`, `on credits`, `WAIT 16:00`, `credits BLOCKED`, `?`."""
    match verdict.state:
        case VerdictState.BLOCKED:
            return "BLOCKED"
        case VerdictState.ON_CREDITS:
            return "on credits"
        case VerdictState.UNKNOWN:
            return "?"
        case VerdictState.WAIT:
            clock = MomentFormatter(now, zone)
            lifts = clock.filter_future(verdict.ends_at)
            return f"WAIT {clock.format_moment(lifts)}" if lifts else "WAIT"
    if verdict.is_locked:
        return "credits BLOCKED"
    return forms.format_percent(verdict.fullest_window.percent) if verdict.fullest_window else "reset due"


def format_verdict_banner(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> tuple[str, ...]:
    """What is so, then what lifts it and what cures it, a line each; one calm line where work goes on free.

    The name stands beside the banner, not in it.
    """
    clock = MomentFormatter(now, zone)
    full = " · ".join((*describe_full_windows(verdict, clock), *describe_saved_reset(verdict)))
    match verdict.state:
        case VerdictState.BLOCKED:
            too = (*describe_also_full_windows(verdict, clock), *describe_saved_reset(verdict))
            lines = describe_refused_credits(verdict, clock, *too)
        case VerdictState.WAIT:
            lines = iter((_capitalize(full), describe_unavailable_credits(verdict)))
        case VerdictState.ON_CREDITS:
            free = f"Work goes on metered credits: {full or 'no plan window here'}"
            lines = iter((free, describe_spending(verdict, clock)))
        case VerdictState.UNKNOWN:
            lines = _describe_unknown(verdict, clock)
        case VerdictState.CAN_WORK if verdict.is_locked:
            stops = " · ".join((describe_work_stop(verdict), *describe_due_windows(verdict)))
            lines = describe_refused_credits(verdict, clock, stops)
        case _:
            return (_format_facts_line(verdict, clock),)
    return (*lines, *_list_side_facts(verdict, clock))


def _format_facts_line(verdict: Verdict, clock: MomentFormatter) -> str:
    return " · ".join((*_list_key_facts(verdict, clock), *_list_side_facts(verdict, clock)))


def _list_key_facts(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """The fragments of the one line, most important first."""
    full = (*describe_full_windows(verdict, clock), *describe_saved_reset(verdict))
    match verdict.state:
        case VerdictState.BLOCKED:
            yield from (describe_dated_locks(verdict, clock), *full, *describe_first_lift(verdict, clock))
        case VerdictState.WAIT:
            yield from (*full, WAIT_CAUSES[verdict.credits])
        case VerdictState.ON_CREDITS:
            yield from (
                *(full or ("no plan window, all work is metered",)),
                describe_spending(verdict, clock),
            )
        case VerdictState.UNKNOWN:
            yield _describe_unknown_cause(verdict, clock)
            if verdict.last_known is not None:
                yield f"{format_verdict_name(verdict.last_known)} {clock.format_age(verdict.read_at)}"
            if verdict.is_locked:
                yield f"credits BLOCKED: {describe_dated_locks(verdict, clock)}"
        case VerdictState.CAN_WORK if verdict.is_locked:
            yield from (
                describe_dated_locks(verdict, clock),
                describe_work_stop(verdict),
                *describe_due_windows(verdict),
            )
        case VerdictState.CAN_WORK:
            yield from (*describe_fullest_window(verdict, clock), *describe_due_windows(verdict))


def _list_side_facts(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    """What is said beside any verdict: other windows, payment, age."""
    yield from describe_other_windows(verdict, clock)
    yield from (_format_payment(payment, clock) for payment in verdict.payment_problems)
    if verdict.is_stale and verdict.state is not VerdictState.UNKNOWN:
        yield f"read {clock.format_age(verdict.read_at)}"


def _describe_unknown(verdict: Verdict, clock: MomentFormatter) -> Iterator[str]:
    yield _capitalize(_describe_unknown_cause(verdict, clock))
    if verdict.last_known is not None:
        facts = " · ".join(_list_key_facts(verdict.last_known, clock))
        yield f"it was {format_verdict_name(verdict.last_known)} {clock.format_age(verdict.read_at)}: {facts}"
    if verdict.is_locked:
        yield from describe_refused_credits(verdict, clock)


def _describe_unknown_cause(verdict: Verdict, clock: MomentFormatter) -> str:
    why = f": {verdict.error_kind}" if verdict.error_kind is not None else ""
    if verdict.read_at is None:
        return f"nothing was read yet{why}"
    past = clock.now - verdict.read_at
    if past > UNKNOWN_AFTER:
        return f"nothing good was read for {forms.format_countdown(past)}{why}"
    if verdict.cause is Cause.NOT_READ:
        return f"the windows were not read{why}"
    if verdict.cause is Cause.NO_WINDOWS:
        return NO_WINDOWS_CAUSES[verdict.credits]
    if verdict.unreported_windows:
        return f"no figure is reported for {join_labels(verdict.unreported_windows)}"
    return "the server reported no usage for this org"


def _format_payment(payment: PaymentProblem, clock: MomentFormatter) -> str:
    until, cure = clock.filter_future(payment.until), credits.describe_payment_cure(payment)
    dated = credits.describe_payment(payment) + (f" {clock.format_until(until)}" if until else "")
    return f"{dated} · {cure}" if cure else dated


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
