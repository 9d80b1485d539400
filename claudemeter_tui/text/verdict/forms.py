"""The four forms of a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from claudemeter_tui.model.store import UNKNOWN_AFTER
from claudemeter_tui.model.usage import CreditState
from claudemeter_tui.model.verdict import Cause, Payment, State, Verdict
from claudemeter_tui.text import format as forms
from claudemeter_tui.text import reasons
from claudemeter_tui.text.verdict import credits as money
from claudemeter_tui.text.verdict import windows
from claudemeter_tui.text.verdict.clock import Clock

NAMES = {
    State.BLOCKED: "BLOCKED",
    State.WAIT: "WAIT",
    State.ON_CREDITS: "ON CREDITS",
    State.UNKNOWN: "UNKNOWN",
    State.CAN_WORK: "CAN WORK",
}
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
    clock = Clock(now, zone)
    return f"{name(verdict)}  {_in_line(verdict, clock)}"


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
            clock = Clock(now, zone)
            lifts = clock.ahead(verdict.lifts)
            return f"WAIT {clock.when(lifts)}" if lifts else "WAIT"
    if verdict.locked:
        return "credits BLOCKED"
    return forms.percent(verdict.fullest.percent) if verdict.fullest else "reset due"


def banner(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> tuple[str, ...]:
    """What is so, then what lifts it and what cures it, a line each; one calm line where work goes on free.

    The name stands beside the banner, not in it.
    """
    clock = Clock(now, zone)
    full = " · ".join((*windows.all_full(verdict, clock), *windows.early_reset(verdict)))
    match verdict.state:
        case State.BLOCKED:
            too = (*windows.full_too(verdict, clock), *windows.early_reset(verdict))
            lines = money.refused(verdict, clock, *too)
        case State.WAIT:
            lines = iter((_capital(full), money.not_open(verdict)))
        case State.ON_CREDITS:
            free = f"Work goes on metered credits: {full or 'no plan window here'}"
            lines = iter((free, money.spent(verdict, clock)))
        case State.UNKNOWN:
            lines = _unknown(verdict, clock)
        case State.CAN_WORK if verdict.locked:
            stops = " · ".join((windows.work_stops(verdict), *windows.dues(verdict)))
            lines = money.refused(verdict, clock, stops)
        case _:
            return (_in_line(verdict, clock),)
    return (*lines, *_beside(verdict, clock))


def _in_line(verdict: Verdict, clock: Clock) -> str:
    return " · ".join((*_gist(verdict, clock), *_beside(verdict, clock)))


def _gist(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """The fragments of the one line, most important first."""
    full = (*windows.all_full(verdict, clock), *windows.early_reset(verdict))
    match verdict.state:
        case State.BLOCKED:
            yield from (money.locks(verdict, clock), *full, *windows.first_of_two(verdict, clock))
        case State.WAIT:
            yield from (*full, money.WHY_WAIT[verdict.credits])
        case State.ON_CREDITS:
            yield from (*(full or ("no plan window, all work is metered",)), money.spent(verdict, clock))
        case State.UNKNOWN:
            yield _why_unknown(verdict, clock)
            if verdict.was is not None:
                yield f"{name(verdict.was)} {clock.ago(verdict.read_at)}"
            if verdict.locked:
                yield f"credits BLOCKED: {money.locks(verdict, clock)}"
        case State.CAN_WORK if verdict.locked:
            yield from (money.locks(verdict, clock), windows.work_stops(verdict), *windows.dues(verdict))
        case State.CAN_WORK:
            yield from (*windows.standing(verdict, clock), *windows.dues(verdict))


def _beside(verdict: Verdict, clock: Clock) -> Iterator[str]:
    """What is said beside any verdict: other windows, payment, age."""
    yield from windows.beside(verdict, clock)
    yield from (_payment(payment, clock) for payment in verdict.payment)
    if verdict.stale and verdict.state is not State.UNKNOWN:
        yield f"read {clock.ago(verdict.read_at)}"


def _unknown(verdict: Verdict, clock: Clock) -> Iterator[str]:
    yield _capital(_why_unknown(verdict, clock))
    if verdict.was is not None:
        facts = " · ".join(_gist(verdict.was, clock))
        yield f"it was {name(verdict.was)} {clock.ago(verdict.read_at)}: {facts}"
    if verdict.locked:
        yield from money.refused(verdict, clock)


def _why_unknown(verdict: Verdict, clock: Clock) -> str:
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
        return f"no figure is reported for {windows.labels(verdict.unreported)}"
    return "the server reported no usage for this org"


def _payment(payment: Payment, clock: Clock) -> str:
    until, cure = clock.ahead(payment.until), reasons.payment_cure(payment)
    dated = reasons.payment_words(payment) + (f" {clock.by(until)}" if until else "")
    return f"{dated} · {cure}" if cure else dated


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
