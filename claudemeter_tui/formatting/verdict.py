"""Put the verdict into words: as a name, in one line, as a banner and for a tab.

No form shows a time in the past, even if the verdict is older than `now`: a window whose reset has passed is
shown as "reset due".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple

from claudemeter_tui.formatting.credits import (
    describe_contradiction,
    describe_lock,
    describe_lock_cure,
    describe_payment,
)
from claudemeter_tui.formatting.resets import SESSION_RESET_CURE, describe_saved_resets
from claudemeter_tui.formatting.transcripts import LOW_PRIORITY_FORMS, list_refusal_forms
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
from claudemeter_tui.model.catalogue import WEEK_LABEL_PREFIX, Cause, CreditState, WindowScope
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.credits import MAX_CLOCK_STEP
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import UNKNOWN_AFTER
from claudemeter_tui.model.verdict import EndSource, PaymentProblem, PlanSpending, Verdict, VerdictState
from claudemeter_tui.model.windows import Window

CREDITS_BLOCKED = "credits BLOCKED"
"""Shown beside CAN WORK while the credits are locked."""
SPENDING = "spending"
"""Shown beside CAN WORK while credits are spent."""
NO_LIMITS = "NO LIMITS REPORTED"
"""Name of UNKNOWN on a plan that has neither windows nor credits, such as some Enterprise plans."""
NO_LIMITS_SHORT = "no limits"
VERDICT_NAMES: Mapping[str, str] = {state: state.name.replace("_", " ") for state in VerdictState}
UNKNOWN_CURES = {False: "Press r to retry", True: "Press e to see the problem and its cure"}
"""The cure of UNKNOWN, by whether a problem prevents new figures."""
WAIT_CAUSES = {
    CreditState.OFF: "credits are off",
    CreditState.ABSENT: "no usage credits on this org",
    CreditState.UNKNOWN: "credits may cover it (lock not known)",
}
"""The cause of WAIT, by the state of the credits."""
REFUSALS = {
    CreditState.OPEN: "continues on credits",
    CreditState.LOCKED: "is refused",
    CreditState.OFF: "is refused",
    CreditState.ABSENT: "is refused",
    CreditState.UNKNOWN: "may continue on credits (lock not known)",
}
"""Outcome for a model whose window is full and that can continue on credits, by the state of the credits."""
NO_WINDOWS_CAUSES = {
    CreditState.OFF: "no windows on this plan, and credits are off",
    CreditState.ABSENT: "no windows and no credits on this plan",
    CreditState.UNKNOWN: "no windows on this plan, and the credit state is not known",
}
"""The cause of UNKNOWN on a plan without windows, by the state of the credits."""

NO_PLAN_WINDOWS = "no plan windows, all work uses credits"
"""The cause of ON CREDITS on a plan without windows."""
PAYMENT = "payment"
"""Label of a payment problem."""


def find_leading_window(verdict: Verdict) -> Window | None:
    """Return the limiting window, else the fullest one; for UNKNOWN, that of the last known verdict."""
    known = verdict.last_known or verdict
    return next(iter(known.full_windows), known.fullest_window)


def format_verdict_name(verdict: Verdict) -> str:
    """Return `CAN WORK · credits BLOCKED`, or the name of another verdict; see `format_state_name`."""
    return " · ".join(filter(None, (format_state_name(verdict), format_verdict_note(verdict))))


def format_state_name(verdict: Verdict) -> str:
    """Return `CAN WORK`, `ON CREDITS`, `WAIT`, `BLOCKED`, `UNKNOWN` or `NO LIMITS REPORTED`."""
    return NO_LIMITS if lacks_limits(verdict) else VERDICT_NAMES[verdict.state]


def lacks_limits(verdict: Verdict) -> bool:
    """True if claude.ai says that the plan has no windows, and that there are no credits or they are off."""
    is_without = verdict.state is VerdictState.UNKNOWN and verdict.cause is Cause.NO_WINDOWS
    return is_without and verdict.credits in (CreditState.ABSENT, CreditState.OFF)


def format_verdict_note(verdict: Verdict) -> str:
    """Return the note beside CAN WORK: `credits BLOCKED`, else `spending`; empty if there is none."""
    if verdict.state is not VerdictState.CAN_WORK:
        return ""
    if verdict.is_locked:
        return CREDITS_BLOCKED
    return SPENDING if verdict.plan_spending is not None else ""


def format_verdict_line(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the verdict in one line: `CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m)`."""
    return f"{format_verdict_name(verdict)}  {VerdictWriter(verdict, now, zone).join_facts()}"


def format_short_verdict(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the form for a tab: `67%`, `BLOCKED`, `on credits`, `WAIT 16:00`, `no limits`, `?`."""
    match verdict.state:
        case VerdictState.BLOCKED:
            return "BLOCKED"
        case VerdictState.ON_CREDITS:
            return "on credits"
        case VerdictState.UNKNOWN:
            return NO_LIMITS_SHORT if lacks_limits(verdict) else "?"
        case VerdictState.WAIT:
            ends = verdict.ends_at
            return f"WAIT {format_moment(ends, now, zone)}" if ends is not None and ends > now else "WAIT"
    if note := format_verdict_note(verdict):
        return note
    return format_percent(verdict.fullest_window.percent) if verdict.fullest_window else "reset due"


def list_verdict_facts(
    verdict: Verdict, now: datetime, zone: tzinfo | None = None
) -> tuple[tuple[str, str], ...]:
    """Return each fact of the verdict with its label: cause, end and cure, then what is beside the verdict.

    The name and the payment problems are not included: the details have rows of their own for them.
    """
    return tuple(VerdictWriter(verdict, now, zone).list_labelled_facts())


Forms = tuple[str, ...]
"""One fact in words, then in shorter and shorter forms."""


class BannerText(NamedTuple):
    """The facts of the dashboard's banner, without the verdict's name."""

    state: tuple[Forms, ...]
    """Cause and end of the verdict; the fullest window if work continues in the plan."""
    end: Forms = ()
    """Earliest end of the verdict: `until 12:03 (in 25m)`, then without the countdown. Empty if not known."""
    outlook: tuple[Forms, ...] = ()
    """Cure, what frees up first, and the facts beside the verdict, most important first."""
    code: str = ""
    """Raw code of the first lock. Empty if there is none, or if a fact quotes it."""


def build_banner_text(verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> BannerText:
    """Return the facts of the dashboard's banner in forms of several lengths."""
    return VerdictWriter(verdict, now, zone).build_banner_text()


class VerdictWriter(NamedTuple):
    """Put the facts of one verdict into words, with times relative to now."""

    verdict: Verdict
    now: datetime
    zone: tzinfo | None
    """Zone of the output. None for the system's own."""

    def join_facts(self) -> str:
        """Return all facts in one line."""
        return " · ".join((*self.list_key_facts(), *self.list_side_facts()))

    def list_labelled_facts(self) -> Iterator[tuple[str, str]]:
        """Yield each fact with its label, most important first."""
        verdict = self.verdict
        match verdict.state:
            case VerdictState.BLOCKED:
                yield from self.label_lock_causes()
                yield from self.label_full_windows()
                yield from self.label_end()
                yield from self.label_lock_cures()
            case VerdictState.CAN_WORK:
                yield from self.label_room()
            case VerdictState.WAIT:
                yield from self.label_full_windows()
                yield from self.label_end()
                yield from self.label_unavailable_credits()
            case VerdictState.ON_CREDITS:
                yield from self.label_full_windows()
                yield from self.label_end()
                yield "spending", self.describe_spending()
            case VerdictState.UNKNOWN:
                yield from self.label_unknown()
        yield from (("reset", fact) for fact in self.describe_resets())
        yield from ((label, forms[0]) for label, forms in self._label_side_forms() if label != PAYMENT)

    def label_room(self) -> Iterator[tuple[str, str]]:
        """Yield the locks on the credits and when work stops; without a lock, the fullest window."""
        if not self.verdict.is_locked:
            yield from (("window", fact) for fact in self.describe_fullest_window())
            return
        yield from self.label_lock_causes()
        yield from self.label_lock_cures()
        stop, *due = self.describe_work_stop()
        yield "work stops", stop.removeprefix("work stops ")
        yield from (("window", fact) for fact in due)

    def label_unavailable_credits(self) -> Iterator[tuple[str, str]]:
        """Yield why credits do not cover a full window, the cure and the reason."""
        words = self.describe_unavailable_credits()
        yield "credits", words
        for lock in self.verdict.credit_locks[:1]:
            if cure := describe_lock_cure(lock):
                yield "cure", cure
            yield from _label_reason(lock, words)

    def label_unknown(self) -> Iterator[tuple[str, str]]:
        """Yield why the verdict is UNKNOWN, the last known one with its facts, and what locks the credits."""
        last = self.verdict.last_known
        yield "cause", self.describe_unknown_cause()
        if last is not None:
            yield "last known", self.describe_last_known(last).removeprefix("last known: ")
            facts = self._replace(verdict=last).list_key_facts()
            yield from (("last known", fact) for fact in facts)
        if self.verdict.is_locked:
            yield from self.label_lock_causes()
            yield from self.label_lock_cures()

    def label_full_windows(self) -> Iterator[tuple[str, str]]:
        """Yield every full window with its reset, whose countdown is that of the end."""
        windows = self.describe_full_windows(has_resets=False)
        yield from (("cause", _shorten(fact)[-1]) for fact in windows)
        if not self.verdict.full_windows and self.verdict.state is VerdictState.ON_CREDITS:
            yield "cause", NO_PLAN_WINDOWS

    def label_end(self) -> Iterator[tuple[str, str]]:
        """Yield the earliest end of the state, and which of windows and credits frees up first."""
        end = self.filter_future(self.verdict.ends_at)
        if end is not None:
            until = self.format_until(end).removeprefix("until ")
            yield "until", ", ".join((until, *self.describe_first_lift()))

    def label_lock_causes(self) -> Iterator[tuple[str, str]]:
        """Yield what locks the credits."""
        lead, *others = self.list_locks()
        yield "cause", f"usage credits are locked: {self.describe_aged_lock(lead)}"
        yield from (("also", self.describe_aged_lock(lock)) for lock in others)

    def label_lock_cures(self) -> Iterator[tuple[str, str]]:
        """Yield the end, the cure and the reason of each lock; each end once."""
        ends = {self.verdict.ends_at}
        for lock in self.list_locks():
            until, cure = self.filter_future(lock.until), describe_lock_cure(lock)
            if until is not None and until not in ends:
                ends.add(until)
                yield "locked until", self.format_until(until).removeprefix("until ")
            if cure or until is None:
                yield "cure", cure or "no end date given – nothing to do but wait"
            yield from _label_reason(lock, self.describe_aged_lock(lock))

    def build_banner_text(self) -> BannerText:
        """Return the facts of the banner in forms of several lengths."""
        state, outlook = self._list_state_facts(), [*self._list_outlook(), *self._list_side_forms()]
        words = " ".join(forms[0] for forms in (*state, *outlook))
        lock = next(iter(self.verdict.credit_locks), None) if self._shows_lock else None
        code = lock.reason or "" if lock is not None else ""
        end = self.filter_future(self.verdict.ends_at)
        until = _shorten(self.format_until(end)) if end is not None else ()
        return BannerText(tuple(state), until, tuple(outlook), "" if code in words else code)

    @property
    def _shows_lock(self) -> bool:
        """True if the banner names what keeps the credits from being open."""
        return self.verdict.is_locked or self.verdict.state is VerdictState.WAIT

    def _list_state_facts(self) -> list[Forms]:
        verdict = self.verdict
        match verdict.state:
            case VerdictState.BLOCKED:
                return self._list_lock_facts()
            case VerdictState.CAN_WORK if verdict.is_locked:
                return self._list_lock_facts()
            case VerdictState.CAN_WORK:
                return [_shorten(fact) for fact in self.describe_fullest_window()]
            case VerdictState.UNKNOWN:
                return [(self.describe_unknown_cause(),)]
        full = [_shorten(fact) for fact in self.describe_full_windows()]
        return full or [(NO_PLAN_WINDOWS,)]

    def _list_lock_facts(self) -> list[Forms]:
        """Return the first lock and its end, unless that is the end of the verdict."""
        lead = self.list_locks()[0]
        facts, until = [_shorten(self.describe_aged_lock(lead), r" \([^()]* of [^()]*\)")], lead.until
        if self.filter_future(until) is not None and until is not None and until != self.verdict.ends_at:
            named = _shorten(f"credits locked {self.format_until(until)}")
            facts.append((*named, named[-1].removeprefix("credits ")))
        return facts

    def _list_outlook(self) -> Iterator[Forms]:
        """Yield the cures and what frees up first."""
        verdict = self.verdict
        match verdict.state:
            case VerdictState.BLOCKED:
                yield from self._list_lock_cures()
                yield from self._list_window_ends()
                yield from (
                    LOW_PRIORITY_FORMS if fact == LOW_PRIORITY_FORMS[0] else (fact,)
                    for fact in self.describe_resets()
                )
                yield from self._list_other_locks()
            case VerdictState.CAN_WORK if verdict.is_locked:
                yield from self._list_lock_cures()
                yield from (_shorten(fact, r" \([^()]*\)") for fact in self.describe_work_stop())
                yield from self._list_other_locks()
            case VerdictState.WAIT:
                yield (self.describe_unavailable_credits(),)
                for lock in verdict.credit_locks[:1]:
                    if cure := describe_lock_cure(lock):
                        yield _shorten(cure, _PAGE)
            case VerdictState.ON_CREDITS:
                forms = _shorten(self.describe_spending(), ", last increase .*")
                yield (*forms, forms[-1].partition(" since ")[0])
            case VerdictState.UNKNOWN:
                yield from self._list_unknown_outlook()

    def _list_unknown_outlook(self) -> Iterator[Forms]:
        """Yield what was known last, then what helps."""
        verdict = self.verdict
        if verdict.last_known is not None:
            yield (self.describe_last_known(verdict.last_known),)
            facts = self._replace(verdict=verdict.last_known).list_key_facts()
            yield from (_shorten(fact) for fact in facts)
        if verdict.is_locked:
            yield (f"{CREDITS_BLOCKED}: {self.describe_dated_locks()}",)
            yield from self._list_lock_cures()
        if not lacks_limits(verdict):
            yield (UNKNOWN_CURES[verdict.error_kind is not None],)

    def _list_lock_cures(self) -> Iterator[Forms]:
        lead = self.list_locks()[0]
        if cure := describe_lock_cure(lead):
            yield _shorten(cure, _PAGE)
        elif self.filter_future(lead.until) is None:
            yield "no end date given – nothing to do but wait", "no end date given"

    def _list_window_ends(self) -> Iterator[Forms]:
        """Yield the end of each full window, or which frees up first if the banner's end is its reset."""
        is_dated, source = any(self.describe_first_lift()), self.verdict.end_source
        for place, window in enumerate(self.verdict.full_windows):
            reset = self.filter_future(window.resets_at)
            if reset is not None and not place and source is EndSource.WINDOW:
                yield f"the {window.label} window frees up first", f"{window.label} frees up first"
                continue
            until = format_with_countdown(reset, self.now, self.zone) if reset else ""
            yield _shorten(f"{window.label} window {_format_full_until(window, until)}")
        if is_dated and source is EndSource.CREDITS:
            yield ("credits free up first",)

    def _list_other_locks(self) -> Iterator[Forms]:
        lead, *others = self.list_locks()
        for lock in others:
            words, until = f"also: {self.describe_aged_lock(lock)}", self.filter_future(lock.until)
            is_other = until is not None and lock.until != lead.until
            yield (f"{words}, {self.format_until(until)}", words) if until and is_other else (words,)

    def list_key_facts(self) -> Iterator[str]:
        """Yield the parts of the one-line form, most important first."""
        verdict = self.verdict
        match verdict.state:
            case VerdictState.BLOCKED:
                yield self.describe_dated_locks()
                yield from self.describe_full_windows()
                yield from self.describe_first_lift()
            case VerdictState.WAIT:
                yield from (*self.describe_full_windows(), WAIT_CAUSES[verdict.credits])
            case VerdictState.ON_CREDITS:
                full = tuple(self.describe_full_windows())
                yield from full or (NO_PLAN_WINDOWS,)
                yield self.describe_spending()
            case VerdictState.UNKNOWN:
                yield self.describe_unknown_cause()
                if verdict.last_known is not None:
                    yield self.describe_last_known(verdict.last_known)
                if verdict.is_locked:
                    yield f"{CREDITS_BLOCKED}: {self.describe_dated_locks()}"
            case VerdictState.CAN_WORK if verdict.is_locked:
                yield from (self.describe_dated_locks(), *self.describe_work_stop())
            case VerdictState.CAN_WORK:
                yield from self.describe_fullest_window()

    def list_side_facts(self) -> Iterator[str]:
        """Yield the facts beside any verdict: spending, contradictions, other windows, payment, age."""
        return (forms[0] for forms in self._list_side_forms())

    def _list_side_forms(self) -> Iterator[Forms]:
        """Yield the same facts, then without a likely cause and without a cure."""
        return (forms for _, forms in self._label_side_forms())

    def _label_side_forms(self) -> Iterator[tuple[str, Forms]]:
        """Yield the same forms with the label of each fact."""
        verdict = self.verdict
        if verdict.plan_spending is not None:
            yield (
                "spending",
                _shorten(self.describe_plan_spending(verdict.plan_spending), r" \(likely[^()]*\)"),
            )
        if verdict.contradictions:
            yield "conflict", (describe_contradiction(verdict.contradictions),)
        is_unknown = verdict.state is VerdictState.UNKNOWN
        if verdict.unreported_windows and not is_unknown:
            yield "window", (f"{_join_labels(verdict.unreported_windows)} not reported",)
        if verdict.full_scoped_windows:
            yield "other windows", (self.describe_scoped_windows(),)
        if verdict.last_refusal is not None:
            refusal, is_personal = verdict.last_refusal, not verdict.is_shared
            yield "refused", list_refusal_forms(refusal, self.now, self.zone, is_personal=is_personal)
        for payment in verdict.payment_problems:
            fact, cure = self.describe_payment(payment)
            yield PAYMENT, (f"{fact} · {cure}", fact) if cure else (fact,)
        if verdict.is_stale and not is_unknown:
            yield "age", (f"read {self.format_age(verdict.read_at)}",)

    def describe_payment(self, payment: PaymentProblem) -> tuple[str, str]:
        """Return a payment problem with its end and age, and its cure; the cure is empty if none is known."""
        words, cure = describe_payment(payment)
        until = self.filter_future(payment.until)
        age = f" (read {self.format_age(payment.read_at)})" if payment.read_at is not None else ""
        end = f" {self.format_until(until)}" if until else ""
        return f"{words}{end}{age}", cure or ""

    def filter_future(self, moment: datetime | None) -> datetime | None:
        """Return the moment. None if it has passed."""
        return moment if moment is not None and moment > self.now else None

    def format_moment(self, moment: datetime) -> str:
        """Return `16:00`, `Tue 14:00`."""
        return format_moment(moment, self.now, self.zone)

    def format_until(self, moment: datetime) -> str:
        """Return `until Fri May 1 00:00 (in 5d 9h)`, with the date, because locks last for days."""
        here, there = to_local(self.now, self.zone), to_local(moment, self.zone)
        day = "" if here.date() == there.date() else f"{format_day(there.date(), here.date())} "
        return f"until {day}{there:%H:%M} (in {format_countdown(moment - self.now)})"

    def format_age(self, moment: datetime | None) -> str:
        """Return `18s ago`; empty for None."""
        return format_age(self.now - moment) if moment is not None else ""

    def describe_full_windows(self, *, has_resets: bool = True) -> Iterator[str]:
        """Yield every full window, then the resets that the person can use, if they are wanted.

        If several have known, different resets, mark the limiting one and the one that frees up first.
        """
        windows = self.verdict.full_windows
        resets = [self.filter_future(window.resets_at) for window in windows]
        # The windows are sorted by reset, the latest first.
        marks = [""] * len(resets)
        if None not in resets and len(set(resets)) > 1:
            marks[0] = ", limiting"
            marks[-1] = "" if any(self.describe_first_lift()) else ", frees up first"
        for window, reset, mark in zip(windows, resets, marks, strict=True):
            until = format_with_countdown(reset, self.now, self.zone) if reset else ""
            yield f"{window.label} {_format_full_until(window, until)}{mark}"
        if has_resets:
            yield from self.describe_resets()

    def describe_first_lift(self) -> Iterator[str]:
        """Yield the window or the credits, whichever frees up first, if both have a date."""
        windows, reopen_at = self.verdict.full_windows, self.filter_future(self.verdict.credits_reopen_at)
        if windows and self.filter_future(windows[0].resets_at) and reopen_at:
            is_window = self.verdict.end_source is EndSource.WINDOW
            yield f"{windows[0].label} window frees up first" if is_window else "credits free up first"

    def describe_resets(self) -> Iterator[str]:
        """Yield the resets that are cures, or the known reason why a saved reset cannot be used."""
        if self.verdict.saved_resets is not None:
            yield from describe_saved_resets(self.verdict.saved_resets, self.now, self.zone)
        if self.verdict.has_session_reset:
            yield SESSION_RESET_CURE
        if self.verdict.has_low_priority:
            yield LOW_PRIORITY_FORMS[0]

    def describe_work_stop(self) -> Iterator[str]:
        """Yield the condition under which work stops, with all windows; then due windows."""
        windows = self.verdict.running_windows
        rooms = ", ".join(f"{window.label} {format_percent(window.percent)}" for window in windows)
        yield "work stops when a plan window is full" + (f" ({rooms})" if rooms else "")
        yield from self.describe_due_windows()

    def describe_fullest_window(self) -> Iterator[str]:
        """Yield the percent of the fullest window and its reset; then due windows."""
        window = self.verdict.fullest_window
        if window is not None:
            reset = self.filter_future(window.resets_at)
            fullness = f"{window.label} {format_percent(window.percent)}"
            if reset is not None:
                yield f"{fullness}, resets {format_with_countdown(reset, self.now, self.zone)}"
            elif window.resets_at is not None:
                yield f"{window.label} reset due"
            else:
                yield f"{fullness}, {format_no_reset(window, 'no reset reported')}"
        yield from self.describe_due_windows()

    def describe_due_windows(self) -> Iterator[str]:
        """Yield the windows whose reset has passed."""
        return (f"{window.label} reset due" for window in self.verdict.due_windows)

    def describe_scoped_windows(self) -> str:
        """Return the full windows of one model or surface, and a note that other work can continue."""
        windows = self.verdict.full_scoped_windows
        facts = [self.describe_scoped_window(window) for window in windows]
        works = self.verdict.state in (VerdictState.CAN_WORK, VerdictState.ON_CREDITS)
        scopes = {window.scope for window in windows if not window.is_allowance}
        if works and scopes:
            facts.append("other models work" if scopes == {WindowScope.MODEL} else "everything else works")
        return ", ".join(facts)

    def describe_scoped_window(self, window: Window) -> str:
        """Return `Fable is full until Tue 14:00 and continues on credits`."""
        label, reset = window.label.removeprefix(WEEK_LABEL_PREFIX), self.filter_future(window.resets_at)
        if window.is_allowance:
            return f"{label} used up"
        if reset is None and window.resets_at is not None:
            return f"{label} reset due"
        until = f" until {self.format_moment(reset)}" if reset is not None else ""
        then = f" and {REFUSALS[self.verdict.credits]}" if window.continues_on_credits else ""
        return f"{label} is {_format_fullness(window)}{until}{then}"

    def describe_aged_lock(self, lock: CreditLock) -> str:
        """Return the words for a lock, with its age if newer replies could not be read."""
        age = f" (read {self.format_age(lock.read_at)})" if lock.read_at is not None else ""
        return describe_lock(lock) + age

    def describe_dated_locks(self) -> str:
        """Return the causes with their dates; a shared date appears only once, after the last cause."""
        locks = self.list_locks()
        ends = [self.filter_future(lock.until) for lock in locks]
        if len(set(ends)) == 1:
            ends = [*(None for _ in ends[1:]), ends[-1]]
        pairs = zip(locks, ends, strict=True)
        return " and ".join(
            self.describe_aged_lock(lock) + (f", {self.format_until(end)}" if end else "")
            for lock, end in pairs
        )

    def list_locks(self) -> list[CreditLock]:
        """Return the locks on the credits, without other states."""
        return [lock for lock in self.verdict.credit_locks if lock.state is CreditState.LOCKED]

    def describe_unavailable_credits(self) -> str:
        """Return why credits do not cover a full window."""
        why, lock = WAIT_CAUSES[self.verdict.credits], next(iter(self.verdict.credit_locks), None)
        if lock is None:
            return why
        words = describe_lock(lock)
        return words if lock.reason is None and lock.cause is Cause.OFF else f"{why}: {words}"

    def describe_spending(self) -> str:
        """Return the spending since the window filled, or since the first reading in which it was full."""
        spending = self.verdict.spending
        if spending is None or spending.spent is None:
            return "spending not reported"
        since = f"since {self.format_moment(spending.since)}"
        if spending.filled_label is not None:
            labels = [window.label for window in self.verdict.full_windows]
            subject = "" if labels == [spending.filled_label] else f"{spending.filled_label} "
            moment = self.format_moment(spending.since)
            # "filled at 16:00", but "filled Tue 14:00".
            at = "at " if moment[:1].isdigit() else ""
            since = f"since the {subject}window filled {at}{moment}"
        if not spending.spent.minor:
            return f"no spending seen {since}"
        who = "the organization's pool rose by" if spending.is_pooled else "spent"
        fast = f" ({format_money(spending.rate)}/h)" if spending.rate is not None else ""
        last = f", last increase {self.format_age(spending.last_rise_at)}" if spending.last_rise_at else ""
        return f"{who} {_format_rise(spending.spent)} {since}{fast}{last}"

    def describe_plan_spending(self, spending: PlanSpending) -> str:
        """Return the spending although the plan has room, and the likely cause."""
        facts = [
            f"{window.label.removeprefix(WEEK_LABEL_PREFIX)} is {_format_fullness(window)}"
            if window.is_full(self.now)
            else f"{window.label} at {format_percent(window.percent)}"
            for window in spending.likely_windows
        ]
        likely = f"likely cause: {' or '.join(facts)}" if facts else "likely cause not known"
        is_full = any(window.is_full(self.now) for window in spending.likely_windows)
        kind = "plan-wide window" if is_full else "window"
        since = f"since {self.format_moment(spending.since)}"
        return f"spent {_format_rise(spending.spent)} {since} although no {kind} is full ({likely})"

    def describe_last_known(self, last_known: Verdict) -> str:
        """Return the name and the age of the verdict before this one."""
        return f"last known: {format_verdict_name(last_known)} {self.format_age(self.verdict.read_at)}"

    def describe_unknown_cause(self) -> str:
        """Return why the verdict is UNKNOWN."""
        verdict = self.verdict
        why = f": {verdict.error_kind}" if verdict.error_kind is not None else ""
        if verdict.read_at is None:
            return f"no reading yet{why}"
        past = self.now - verdict.read_at
        if past < -MAX_CLOCK_STEP:
            return f"the clock was set back after the last read{why}"
        if past > UNKNOWN_AFTER:
            return f"no successful read for {format_countdown(past)}{why}"
        if verdict.cause is Cause.NOT_READ:
            return f"windows not read{why}"
        if verdict.cause is Cause.NO_WINDOWS:
            return NO_WINDOWS_CAUSES[verdict.credits]
        if verdict.unreported_windows:
            return f"{_join_labels(verdict.unreported_windows)} not reported"
        return "claude.ai reports no usage for this org"


def _join_labels(windows: tuple[Window, ...]) -> str:
    """Return `5-hour and 7-day all`."""
    return " and ".join(window.label for window in windows)


def _format_fullness(window: Window) -> str:
    """Return `full`, or `locked` with the server's code if the server locked the window."""
    return "full" if window.locked_reason is None else f'locked ("{window.locked_reason}")'


def _format_full_until(window: Window, until: str) -> str:
    """Return `full until 16:00`; without an end, `full, reset due` or `full, no reset reported`."""
    missing = ", no reset reported" if window.resets_at is None else ", reset due"
    return _format_fullness(window) + (f" until {until}" if until else missing)


def _format_rise(spent: Money) -> str:
    """Return an amount that was spent; `under $0.01` for less, because `$0.00` would look free."""
    under = "under " if spent.minor < 1 else ""
    return under + format_money(Money(max(Decimal(1), spent.minor), *spent.unit))


def _label_reason(lock: CreditLock, words: str) -> Iterator[tuple[str, str]]:
    """Yield the server's code of a lock, unless the words already quote it."""
    if lock.reason is not None and f'"{lock.reason}"' not in words:
        yield "reason", lock.reason


def capitalize(text: str) -> str:
    """Return the text with a capital at its beginning, unless it begins with an address."""
    return text if text.startswith("claude.ai") else text[:1].upper() + text[1:]


_PAGE = r" (?:on|at) claude\.ai/\S+"
"""Pattern of the page in a cure, which the key u opens."""


def _shorten(fact: str, detail: str = r" \(in [^()]*\)") -> Forms:
    """Return the fact, then without the detail that the pattern finds, by default its countdown."""
    brief = re.sub(detail, "", fact)
    return (fact,) if brief == fact else (fact, brief)
