"""What the verdict says of credits: why they are shut and what opens them, or what is being spent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.usage import CreditState
from claudemeter_tui.model.verdict import Cause, Shut, Spending, Verdict
from claudemeter_tui.text import format as forms
from claudemeter_tui.text import reasons
from claudemeter_tui.text.verdict.clock import Clock

WHY_WAIT = {
    CreditState.OFF: "credits are off",
    CreditState.ABSENT: "no metered credits here",
    CreditState.UNKNOWN: "whether credits would cover it is not known",
}
"""Why a full window means waiting, by the state of the credits."""


def refused(verdict: Verdict, clock: Clock, *more: str) -> Iterator[str]:
    """The lock that leads, its end and its cure, what else is so with the raw code, then the other locks."""
    lead, *others = _locked(verdict)
    said = reasons.shut_words(lead)
    *lines, last = _remedy(lead, clock), *more
    yield from (f"Metered credits are refused: {said}", *lines, _coded(last, lead, said))
    for shut in others:
        cure = reasons.shut_cure(shut) if shut.until == lead.until else None
        text = f"also: {reasons.shut_words(shut)} · {cure or _remedy(shut, clock)}"
        yield _coded(text, shut, text)


def locks(verdict: Verdict, clock: Clock) -> str:
    """The reasons with their dates; a date that they share is said once, behind the last."""
    found = _locked(verdict)
    ends = [clock.ahead(shut.until) for shut in found]
    if len(set(ends)) == 1:
        ends = [*(None for _ in ends[1:]), ends[-1]]
    pairs = zip(found, ends, strict=True)
    return " and ".join(
        reasons.shut_words(shut) + (f", {clock.by(end)}" if end else "") for shut, end in pairs
    )


def not_open(verdict: Verdict) -> str:
    """Why credits do not cover a full window, and what would open them."""
    why, shut = WHY_WAIT[verdict.credits], next(iter(verdict.shuts), None)
    if shut is None:
        return why
    words, cure = reasons.shut_words(shut), reasons.shut_cure(shut)
    said = words if shut.reason is None and shut.cause is Cause.OFF else f"{why}: {words}"
    return _coded(f"{said} · {cure}" if cure else said, shut, said)


def spent(verdict: Verdict, clock: Clock) -> str:
    """What was seen of spending since the window filled, or since the first reading that saw it full."""
    seen = verdict.spending
    if seen is None or seen.spent is None:
        return "what is spent is not reported"
    since = f"since {_filled(verdict, seen, clock)}"
    if not seen.spent.minor:
        return f"no spending seen {since}"
    under = "under " if seen.spent.minor < 1 else ""
    shown = Money(max(Decimal(1), seen.spent.minor), *seen.spent.unit)
    who = "the organization's pool rose" if seen.pooled else "spent"
    fast = f" ({forms.money(seen.rate)}/h)" if seen.rate is not None else ""
    last = f", last rise {clock.ago(seen.rose_at)}" if seen.rose_at is not None else ""
    return f"{who} {under}{forms.money(shown)} {since}{fast}{last}"


def _filled(verdict: Verdict, seen: Spending, clock: Clock) -> str:
    """`it filled at 14:02`, `the 5-hour window filled at 14:02`; `14:02` where that was not seen."""
    if seen.filled is None:
        return clock.when(seen.since)
    alone = [window.label for window in verdict.full] == [seen.filled]
    return f"{'it' if alone else f'the {seen.filled} window'} filled {clock.at(seen.since)}"


def _remedy(shut: Shut, clock: Clock) -> str:
    until, cure = clock.ahead(shut.until), reasons.shut_cure(shut)
    if until is None:
        return cure or "no date is given, only time lifts it"
    return clock.by(until) + (f" · or {cure}" if cure else "")


def _coded(text: str, shut: Shut, said: str) -> str:
    """The text with the raw code behind it, unless the words quote it already."""
    known = shut.reason is None or f'"{shut.reason}"' in said
    return text if known else f"{text} · {shut.reason}"


def _locked(verdict: Verdict) -> list[Shut]:
    """The locks on the credits, each reason once."""
    found = [shut for shut in verdict.shuts if shut.state is CreditState.LOCKED]
    return list({reasons.shut_words(shut): shut for shut in reversed(found)}.values())[::-1]
