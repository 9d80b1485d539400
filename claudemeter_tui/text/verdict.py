"""The verdict in words: a name, one line, a banner, a tab.

No form names a moment that has passed, even where the verdict was reached some time before `now`: a
window whose reset is over then reads "reset due".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import UNKNOWN_AFTER
from claudemeter_tui.model.usage import CreditState, Window
from claudemeter_tui.model.verdict import Cause, Lift, Payment, Shut, State, Verdict
from claudemeter_tui.text import format as forms
from claudemeter_tui.text import reasons

NAMES = {
    State.BLOCKED: "BLOCKED",
    State.WAIT: "WAIT",
    State.ON_CREDITS: "ON CREDITS",
    State.UNKNOWN: "UNKNOWN",
    State.CAN_WORK: "CAN WORK",
}
WHY_WAIT = {
    CreditState.OFF: "credits are off",
    CreditState.ABSENT: "no metered credits here",
    CreditState.UNKNOWN: "whether credits would cover it is not known",
}
"""Why a full window means waiting, by the state of the credits."""
WITHOUT_WINDOWS = {
    CreditState.OFF: "no windows on this plan, and credits are off",
    CreditState.ABSENT: "no windows and no credits reported on this plan",
    CreditState.UNKNOWN: "no windows on this plan, and whether credits are open is not known",
}
"""Why a plan without windows is UNKNOWN, by the state of the credits."""


def name(verdict: Verdict) -> str:
    """`CAN WORK`, `CAN WORK · credits BLOCKED`, `ON CREDITS`, `WAIT`, `BLOCKED`, `UNKNOWN`."""
    aside = " · credits BLOCKED" if verdict.state is State.CAN_WORK and verdict.locked else ""
    return NAMES[verdict.state] + aside


def line(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """The whole answer in one line: `CAN WORK  5-hour 41 %, resets 16:00 (in 1h 12m)`."""
    clock = _Clock(now, zone)
    return f"{name(verdict)}  {' · '.join((*_gist(verdict, clock), *_beside(verdict, clock)))}"


def short(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """As much as a tab holds: `67 %`, `BLOCKED`, `on credits`, `WAIT 16:00`, `credits BLOCKED`, `?`."""
    match verdict.state:
        case State.BLOCKED:
            return "BLOCKED"
        case State.ON_CREDITS:
            return "on credits"
        case State.UNKNOWN:
            return "?"
        case State.WAIT:
            clock = _Clock(now, zone)
            lifts = clock.ahead(verdict.lifts)
            return f"WAIT {clock.when(lifts)}" if lifts else "WAIT"
    if verdict.locked:
        return "credits BLOCKED"
    return forms.percent(verdict.fullest.percent) if verdict.fullest else "reset due"


def banner(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> tuple[str, ...]:
    """What is so, then what lifts it and what cures it, a line each; one calm line where work goes on free.

    The name stands beside the banner, not in it.
    """
    clock = _Clock(now, zone)
    match verdict.state:
        case State.BLOCKED:
            lines = _refused(verdict, clock, *_full_too(verdict, clock))
        case State.WAIT:
            lines = _waiting(verdict, clock)
        case State.ON_CREDITS:
            lines = _on_credits(verdict, clock)
        case State.UNKNOWN:
            lines = _unknown(verdict, clock)
        case State.CAN_WORK if verdict.locked:
            lines = _refused(verdict, clock, " · ".join((_work_stops(verdict), *_dues(verdict))))
        case _:
            return (" · ".join((*_gist(verdict, clock), *_beside(verdict, clock))),)
    return (*lines, *_beside(verdict, clock))


@dataclass(frozen=True, slots=True)
class _Clock:
    """The moment and the place that the words are for."""

    now: datetime
    zone: tzinfo | None

    def ahead(self, moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment > self.now else None

    def until(self, moment: datetime) -> str:
        return forms.until(moment, self.now, self.zone)

    def when(self, moment: datetime) -> str:
        return forms.when(moment, self.now, self.zone)

    def by(self, moment: datetime) -> str:
        """`until Fri May 1 00:00 (in 5d 9h)`: locks last for days, so their date is spelled out."""
        here, there = forms.local(self.now, self.zone), forms.local(moment, self.zone)
        day = "" if here.date() == there.date() else f"{forms.day(there.date(), here.date())} "
        return f"until {day}{there:%H:%M} (in {forms.countdown(moment - self.now)})"

    def at(self, moment: datetime) -> str:
        """`at 16:00`, but `Tue 14:00`."""
        said = self.when(moment)
        return f"at {said}" if said[:1].isdigit() else said

    def ago(self, moment: datetime | None) -> str:
        return forms.age(self.now - moment) if moment is not None else ""


def _gist(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    """The fragments of the one line, most important first."""
    match verdict.state:
        case State.BLOCKED:
            yield from (_locks(verdict, clock), *_all_full(verdict, clock), *_first_of_two(verdict, clock))
        case State.WAIT:
            yield from (*_all_full(verdict, clock), WHY_WAIT[verdict.credits])
        case State.ON_CREDITS:
            full = tuple(_all_full(verdict, clock)) or ("no plan window, all work is metered",)
            yield from (*full, _spent(verdict, clock))
        case State.UNKNOWN:
            yield _why_unknown(verdict, clock)
            if verdict.was is not None:
                yield f"{name(verdict.was)} {clock.ago(verdict.read_at)}"
            if verdict.locked:
                yield f"credits BLOCKED: {_locks(verdict, clock)}"
        case State.CAN_WORK if verdict.locked:
            yield from (_locks(verdict, clock), _work_stops(verdict), *_dues(verdict))
        case State.CAN_WORK:
            standing = (_standing(verdict.fullest, clock),) if verdict.fullest else ()
            yield from (*standing, *_dues(verdict))


def _beside(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    """What is said beside any verdict: other windows, cures, payment, age."""
    if verdict.unreported and verdict.state is not State.UNKNOWN:
        yield f"{_labels(verdict.unreported)} not reported"
    if verdict.scoped:
        yield _scoped(verdict, clock)
    if verdict.grant is not None:
        left = verdict.grant.resets_left
        yield "an early reset can be used now" + (f" ({left} left)" if left is not None else "")
    yield from (_payment(payment, clock) for payment in verdict.payment)
    if verdict.stale and verdict.state is not State.UNKNOWN:
        yield f"read {clock.ago(verdict.read_at)}"


# Lines of the banner.


def _refused(verdict: Verdict, clock: _Clock, *more: str) -> Iterator[str]:
    """The lock that leads, its end and its cure, what else is so with the raw code, then the other locks."""
    lead, *others = _locked(verdict)
    said = reasons.shut_words(lead)
    *lines, last = _remedy(lead, clock), *more
    yield from (f"Metered credits are refused: {said}", *lines, _coded(last, lead, said))
    for shut in others:
        text = f"also: {reasons.shut_words(shut)} · {_remedy(shut, clock)}"
        yield _coded(text, shut, text)


def _remedy(shut: Shut, clock: _Clock) -> str:
    until, cure = clock.ahead(shut.until), reasons.shut_cure(shut)
    if until is None:
        return cure or "no date is given, only time lifts it"
    return clock.by(until) + (f" · or {cure}" if cure else "")


def _coded(text: str, shut: Shut, said: str) -> str:
    """The text with the raw code behind it, unless the words quote it already."""
    known = shut.reason is None or f'"{shut.reason}"' in said
    return text if known else f"{text} · {shut.reason}"


def _full_too(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    both = any(_first_of_two(verdict, clock))
    order = (", first" if verdict.first is Lift.WINDOW else ", after the credits") if both else ""
    for window in verdict.full:
        reset = clock.ahead(window.resets_at)
        told = f"it resets {clock.at(reset)}{order}" if reset else _no_reset(window)
        yield f"the {window.label} window is {_fullness(window)} too: {told}"
        order = ""


def _waiting(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    yield _capital(" · ".join(_all_full(verdict, clock)))
    why, shut = WHY_WAIT[verdict.credits], next(iter(verdict.shuts), None)
    if shut is None:
        yield why
        return
    said = f"{why}: {reasons.shut_words(shut)}"
    cure = reasons.shut_cure(shut)
    yield _coded(f"{said} · {cure}" if cure else said, shut, said)


def _on_credits(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    full = " · ".join(_all_full(verdict, clock)) or "no plan window here"
    yield f"Work goes on metered credits: {full}"
    yield _spent(verdict, clock)


def _unknown(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    yield _capital(_why_unknown(verdict, clock))
    if verdict.was is not None:
        facts = " · ".join(_gist(verdict.was, clock))
        yield f"it was {name(verdict.was)} {clock.ago(verdict.read_at)}: {facts}"
    if verdict.locked:
        yield from _refused(verdict, clock)


# Fragments.


def _locked(verdict: Verdict) -> list[Shut]:
    """The locks on the credits, each reason once."""
    locks = [shut for shut in verdict.shuts if shut.state is CreditState.LOCKED]
    return list({reasons.shut_words(shut): shut for shut in reversed(locks)}.values())[::-1]


def _locks(verdict: Verdict, clock: _Clock) -> str:
    """The reasons with their dates; a date that they share is said once, behind the last."""
    locks = _locked(verdict)
    ends = [clock.ahead(shut.until) for shut in locks]
    if len(set(ends)) == 1:
        ends = [*(None for _ in ends[1:]), ends[-1]]
    pairs = zip(locks, ends, strict=True)
    return " and ".join(
        reasons.shut_words(shut) + (f", {clock.by(end)}" if end else "") for shut, end in pairs
    )


def _first_of_two(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    window = clock.ahead(verdict.full[0].resets_at) if verdict.full else None
    if window is not None and clock.ahead(verdict.opens) is not None:
        yield "the window lifts first" if verdict.first is Lift.WINDOW else "the credits lift first"


def _work_stops(verdict: Verdict) -> str:
    if verdict.fullest is None:
        return "work stops when a plan window is full"
    room = forms.percent(verdict.fullest.percent)
    return f"work stops when the {verdict.fullest.label} window is full ({room})"


def _dues(verdict: Verdict) -> Iterator[str]:
    return (f"{window.label} reset due" for window in verdict.due)


def _all_full(verdict: Verdict, clock: _Clock) -> Iterator[str]:
    """Every full window; of several with known, different resets also which binds and which lifts first."""
    resets = [clock.ahead(window.resets_at) for window in verdict.full]
    marks = [""] * len(resets)
    if None not in resets and len(set(resets)) > 1:
        marks[0], marks[-1] = ", binds", "" if any(_first_of_two(verdict, clock)) else ", lifts first"
    for window, reset, mark in zip(verdict.full, resets, marks, strict=True):
        fact = f"until {clock.until(reset)}" if reset else _no_reset(window)
        yield f"{window.label} {_fullness(window)} {fact}{mark}"


def _fullness(window: Window) -> str:
    """`full`; quoted where the server locked the window for a reason."""
    return "full" if window.locked_reason is None else f'locked ("{window.locked_reason}")'


def _no_reset(window: Window) -> str:
    return "but its reset is due" if window.resets_at is not None else "and no reset is reported"


def _standing(window: Window, clock: _Clock) -> str:
    """How full a window is and when it resets."""
    reset, said = clock.ahead(window.resets_at), f"{window.label} {forms.percent(window.percent)}"
    if reset is not None:
        return f"{said}, resets {clock.until(reset)}"
    if window.resets_at is not None:
        return f"{window.label} reset due"
    return f"{said}, {'no reset is reported' if window.percent else 'not started'}"


def _scoped(verdict: Verdict, clock: _Clock) -> str:
    said = ", ".join(_own_stop(window, clock) for window in verdict.scoped)
    works = verdict.state in (State.CAN_WORK, State.ON_CREDITS)
    if not works or all(window.limit is not None for window in verdict.scoped):
        return said
    models = all(_is_model(window) for window in verdict.scoped)
    return f"{said}, {'other models work' if models else 'the rest works'}"


def _own_stop(window: Window, clock: _Clock) -> str:
    label, reset = window.label.removeprefix("7-day "), clock.ahead(window.resets_at)
    if window.limit is not None:
        return f"{label} used up"
    lock = f' locked ("{window.locked_reason}")' if window.locked_reason is not None else ""
    if reset is not None:
        return f"{label}{lock} until {clock.when(reset)}"
    return f"{label}{lock or ' full'}" if window.resets_at is None else f"{label} reset due"


def _is_model(window: Window) -> bool:
    return window.key in ("seven_day_opus", "seven_day_sonnet") or window.key.startswith("weekly_scoped:")


def _spent(verdict: Verdict, clock: _Clock) -> str:
    """What was seen of spending: the sum of the rises of this run, never more than that."""
    if verdict.spent is None:
        return "what is spent is not reported"
    if not verdict.spent.minor:
        return "no spending seen yet in this run"
    under = "under " if verdict.spent.minor < 1 else ""
    shown = Money(max(Decimal(1), verdict.spent.minor), *verdict.spent.unit)
    who = "the organization's pool rose" if verdict.pooled else "spent"
    last = f", last rise {clock.ago(verdict.rose_at)}" if verdict.rose_at is not None else ""
    return f"{who} {under}{forms.money(shown)} in this run{last}"


def _payment(payment: Payment, clock: _Clock) -> str:
    until, cure = clock.ahead(payment.until), reasons.payment_cure(payment)
    dated = reasons.payment_words(payment) + (f" {clock.by(until)}" if until else "")
    return f"{dated} · {cure}" if cure else dated


def _why_unknown(verdict: Verdict, clock: _Clock) -> str:
    why = f": {verdict.trouble}" if verdict.trouble is not None else ""
    if verdict.read_at is None:
        return f"nothing was read yet{why}"
    past = clock.now - verdict.read_at
    if past > UNKNOWN_AFTER:
        return f"nothing good was read for {forms.countdown(past)}{why}"
    if verdict.cause is Cause.NOT_READ:
        return f"the windows were not read{why}"
    if verdict.cause is Cause.NO_WINDOWS:
        return WITHOUT_WINDOWS[verdict.credits]
    if verdict.unreported:
        return f"no figure is reported for {_labels(verdict.unreported)}"
    return "the server reported no usage for this org"


def _labels(windows: tuple[Window, ...]) -> str:
    return " and ".join(window.label for window in windows)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
