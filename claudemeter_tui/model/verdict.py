"""The verdict on one org: can I work, am I paying, when does it end.

The decision rules beyond the plain table (a full window or none; credits open, locked or neither):

- A window whose reset has passed since the reading is *due*: neither full nor empty. It stops nothing, as
  far as is known, so an org with nothing but due windows can work.
- A plan-wide window without a figure is *unreported*. If another one has a figure, that one decides and the
  unreported one is named; if none has, the verdict is UNKNOWN.
- A full window beside credits that are off, absent or not known is WAIT: only open credits let work continue,
  and only locked ones are a refusal.
- A plan without plan-wide windows is ON CREDITS or BLOCKED as its credits are; if these are off, absent or
  not known, nothing is known to allow work or to stop it: UNKNOWN.
- Without the usage reply the windows are not known: UNKNOWN, whatever the credits are. An empty reply (`{}`)
  is the same.
- Overage replies older than 15 minutes open and lock nothing: the usage reply's own figures decide. If these
  are open and the old ones were not, the credits are not known.
- A failed payment and a paused subscription are named, and decide nothing: what they stop is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from claudemeter_tui.model.catalogue import (
    PAYMENT_PROBLEM_STATUSES,
    PAYMENT_RESTRICTION_KEYS,
    Cause,
    CreditState,
    Endpoint,
    WindowKind,
    find_disabled_reason,
)
from claudemeter_tui.model.credits import NOT_OPEN_STATES, Credits, Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.spending import compute_rate_since
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgState
from claudemeter_tui.model.windows import FULL_FROM, Plan, SavedReset, Window


@dataclass(frozen=True, slots=True)
class CreditLock:
    """One thing that keeps the credits from being open."""

    state: CreditState
    """LOCKED, OFF or UNKNOWN."""
    cause: Cause
    reason: str | None = None
    """`disabled_reason`, the raw code. None: the cause follows from a flag, a date or the figures."""
    until: datetime | None = None
    """When the server says it ends, after the verdict's moment. None: no date, or one that has passed."""
    is_personal: bool = True
    """One's own gate; False: the organization's."""


def find_credit_locks(money: Credits, state: CreditState, now: datetime) -> Iterator[CreditLock]:
    """Everything that keeps credits of this state from being open, locks first, one's own before the pool."""
    if money.paused_until is not None and money.paused_until > now:
        yield CreditLock(CreditState.LOCKED, Cause.PAUSED, until=money.paused_until, is_personal=False)
    found = [shut for meter in money.leading_meters for shut in _find_meter_locks(meter, now)]
    for which in NOT_OPEN_STATES:
        yield from (shut for shut in found if shut.state is which)
    if state is CreditState.UNKNOWN and not found:
        yield CreditLock(CreditState.UNKNOWN, Cause.NOT_READ)


def _find_meter_locks(meter: Meter, now: datetime) -> list[CreditLock]:
    """The gates that one meter shows shut; cap and balance are two, and both can be."""
    state = meter.compute_state(now)
    if state is CreditState.OPEN:
        return []
    until = meter.until if meter.until is not None and meter.until > now else None
    plain = {CreditState.LOCKED: Cause.SERVER, CreditState.OFF: Cause.OFF}.get(state, Cause.NOT_REPORTED)
    causes = list(_find_causes(meter, state)) or [(plain, None)]
    return [CreditLock(state, cause, reason, until, meter.is_personal) for cause, reason in causes]


def _find_causes(meter: Meter, state: CreditState) -> Iterator[tuple[Cause, str | None]]:
    named = find_disabled_reason(meter.reason).cause if meter.reason is not None else None
    if named is not None:
        yield named, meter.reason
    if meter.out_of_credits and named is not Cause.EMPTY_BALANCE:
        yield Cause.EMPTY_BALANCE, None
    at_cap = meter.cap_reached or meter.is_at_cap
    if at_cap and state is CreditState.LOCKED and named not in (Cause.CAP, Cause.ADMIN):
        yield Cause.CAP, None


@dataclass(frozen=True, slots=True)
class PaymentProblem:
    """Something wrong with how the plan is paid."""

    key: str
    """As the server names it: `status`, `payment_paused_until`, `billing_issue`, …"""
    value: str
    """As the server says it; empty where `until` says it all."""
    until: datetime | None = None
    """After the verdict's moment. None: no date."""


def find_payment_problems(state: OrgState, now: datetime) -> Iterator[PaymentProblem]:
    """What is wrong with the payment now."""
    paid = state.subscription
    if paid is not None and paid.status in PAYMENT_PROBLEM_STATUSES:
        yield PaymentProblem("status", paid.status)
    if paid is not None and paid.paused_until is not None and paid.paused_until > now:
        yield PaymentProblem("payment_paused_until", "", paid.paused_until)
    yield from (
        PaymentProblem(key, value) for key, value in state.org.restrictions if key in PAYMENT_RESTRICTION_KEYS
    )


class VerdictState(StrEnum):
    """The answer to "can I go on working?", worst first."""

    BLOCKED = "blocked"
    WAIT = "wait"
    ON_CREDITS = "on_credits"
    UNKNOWN = "unknown"
    CAN_WORK = "can_work"


class EndSource(StrEnum):
    """The side on which work can go on."""

    WINDOW = "window"
    CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class OverPlanSpending:
    """What was seen of spending since work goes beyond the plan."""

    spent: Money | None
    """The sum of the rises of used credits. None: they are not reported."""
    since: datetime
    """From when on."""
    filled_label: str | None = None
    """The label of the window that was seen to fill then. None: it is when it was first read."""
    last_rise_at: datetime | None = None
    """When the last rise was seen. None: none yet."""
    is_pooled: bool = False
    """Whether it is the organization's pool, not one's own share."""
    rate: Money | None = None
    """How fast since then, in money per hour. None: steady, or too little to say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one org at one moment, with all that its words need."""

    state: VerdictState
    credits: CreditState = CreditState.UNKNOWN
    cause: Cause | None = None
    """Of the state; for CAN WORK, of the lock on credits. None: nothing is in the way."""
    full_windows: tuple[Window, ...] = ()
    """Plan-wide windows that are full; the one that binds (resets last, or nobody knows when) first."""
    full_scoped_windows: tuple[Window, ...] = ()
    """Full windows that stop only their own model or surface."""
    fullest_window: Window | None = None
    """The plan-wide window with the highest percent, due ones left out. None: none has a figure."""
    due_windows: tuple[Window, ...] = ()
    """Plan-wide windows whose reset has passed since they were read."""
    unreported_windows: tuple[Window, ...] = ()
    """Plan-wide windows without a figure."""
    credit_locks: tuple[CreditLock, ...] = ()
    """What keeps the credits from being open, locks first; empty where they are open or absent."""
    ends_at: datetime | None = None
    """When this ends at the earliest, after the verdict's moment.

    WAIT, ON CREDITS: the binding window's reset. BLOCKED: the first of that and of the credits. None: not
    known, or there is nothing to lift.
    """
    end_source: EndSource | None = None
    """The side that `lifts` belongs to."""
    credits_reopen_at: datetime | None = None
    """When the credits open by themselves: the last date of `shuts`. None: one of them has none."""
    saved_reset: SavedReset | None = None
    """An early reset that can be used now; only where a plan-wide window is full."""
    payment_problems: tuple[PaymentProblem, ...] = ()
    spending: OverPlanSpending | None = None
    """Only of ON CREDITS."""
    read_at: datetime | None = None
    """When the figures were read. None: never."""
    is_stale: bool = False
    """Older than two intervals."""
    error_kind: ErrorKind | None = None
    """What keeps the figures from being read now. None: nothing that this org knows of."""
    last_known: Verdict | None = None
    """What it was when last read, where only age makes it UNKNOWN."""

    @property
    def lock_reason(self) -> str | None:
        """The raw code of what shuts the credits first. None: there is none."""
        return self.credit_locks[0].reason if self.credit_locks else None

    @property
    def lock_until(self) -> datetime | None:
        """The date of what shuts the credits first. None: there is none."""
        return self.credit_locks[0].until if self.credit_locks else None

    @property
    def is_locked(self) -> bool:
        """Whether the credits are locked."""
        return self.credits is CreditState.LOCKED


STATE_BY_CREDITS = {CreditState.OPEN: VerdictState.ON_CREDITS, CreditState.LOCKED: VerdictState.BLOCKED}
"""The state where the plan has nothing left, by that of the credits; other credits do not decide it."""
WORST_FIRST = (VerdictState.BLOCKED, VerdictState.WAIT, VerdictState.ON_CREDITS, VerdictState.UNKNOWN)
"""Before CAN WORK, with credits locked and without."""
OVERAGE_ENDPOINTS = (Endpoint.OVERAGE, Endpoint.OWN_OVERAGE)


def judge(state: OrgState, now: datetime) -> Verdict:
    """The verdict on one org; figures older than 15 minutes decide nothing."""
    if not state.is_unknown(now):
        return _build_verdict(state, now)
    was = _build_verdict(state, state.read_at) if state.read_at is not None else None
    return Verdict(
        VerdictState.UNKNOWN,
        cause=Cause.NOT_READ,
        payment_problems=tuple(find_payment_problems(state, now)),
        read_at=state.read_at,
        is_stale=state.is_stale(now),
        error_kind=_find_error_kind(state),
        last_known=was if was is not None and was.state is not VerdictState.UNKNOWN else None,
    )


def rank_verdict(verdict: Verdict) -> tuple[int, float]:
    """What to sort by, worst first: the state, then the highest percent."""
    worse = verdict.state in WORST_FIRST
    place = WORST_FIRST.index(verdict.state) if worse else len(WORST_FIRST) + (not verdict.is_locked)
    percents = [
        window.percent for window in (verdict.fullest_window, *verdict.full_windows) if window is not None
    ]
    known = [percent for percent in percents if percent is not None]
    return place, -max((*known, FULL_FROM if verdict.full_windows else 0.0))


def _build_verdict(state: OrgState, now: datetime) -> Verdict:
    plan, (money, credits_) = state.plan or Plan(is_reported=False), _select_credits(state, now)
    full, due = (
        plan.find_full_windows(now),
        tuple(window for window in plan.wide_windows if window.is_due(now)),
    )
    running = [window for window in plan.wide_windows if window.percent is not None and window not in due]
    shut = () if credits_ is CreditState.OPEN else tuple(find_credit_locks(money, credits_, now))
    answer = _decide_state(plan, full, credits_)
    opens = _find_credits_reopening(shut)
    lifts, first = _find_earliest_end(answer, full, opens)
    return Verdict(
        answer,
        credits=credits_,
        cause=_decide_cause(answer, state.plan, full, shut),
        full_windows=full,
        full_scoped_windows=tuple(
            window for window in plan.windows if not window.is_plan_wide and window.is_full(now)
        ),
        fullest_window=max(running, key=_get_percent, default=None),
        due_windows=due,
        unreported_windows=tuple(window for window in plan.wide_windows if not window.is_reported),
        credit_locks=shut,
        ends_at=lifts,
        end_source=first,
        credits_reopen_at=opens,
        saved_reset=_find_saved_reset(plan, now) if full else None,
        payment_problems=tuple(find_payment_problems(state, now)),
        spending=_measure_spending(state, money, now) if answer is VerdictState.ON_CREDITS else None,
        read_at=state.read_at,
        is_stale=state.is_stale(now),
        error_kind=_find_error_kind(state),
    )


def _get_percent(window: Window) -> float:
    return window.percent or 0.0


def _decide_state(plan: Plan, full: tuple[Window, ...], credits_: CreditState) -> VerdictState:
    if full:
        return STATE_BY_CREDITS.get(credits_, VerdictState.WAIT)
    if not plan.is_reported:
        return VerdictState.UNKNOWN
    if not plan.wide_windows:
        return STATE_BY_CREDITS.get(credits_, VerdictState.UNKNOWN)
    return (
        VerdictState.CAN_WORK
        if any(window.is_reported for window in plan.wide_windows)
        else VerdictState.UNKNOWN
    )


def _decide_cause(
    state: VerdictState, plan: Plan | None, full: tuple[Window, ...], shut: tuple[CreditLock, ...]
) -> Cause | None:
    if state is VerdictState.BLOCKED:
        return shut[0].cause
    if state is VerdictState.CAN_WORK:
        return shut[0].cause if shut and shut[0].state is CreditState.LOCKED else None
    if full:
        return Cause.WINDOW_SESSION if full[0].kind is WindowKind.SESSION else Cause.WINDOW_WEEKLY
    if plan is None:
        return Cause.NOT_READ
    return Cause.NO_WINDOWS if plan.is_reported and not plan.wide_windows else Cause.NOT_REPORTED


def _find_earliest_end(
    state: VerdictState, full: tuple[Window, ...], opens: datetime | None
) -> tuple[datetime | None, EndSource | None]:
    """The earliest end and its side; a tie goes to the window, which costs nothing."""
    ends = [(full[0].resets_at, EndSource.WINDOW)] if full else []
    if state is VerdictState.BLOCKED:
        ends.append((opens, EndSource.CREDITS))
    known = [(end, side) for end, side in ends if end is not None]
    return min(known, key=lambda pair: pair[0], default=(None, None))


def _find_credits_reopening(shut: tuple[CreditLock, ...]) -> datetime | None:
    dates = [one.until for one in shut if one.until is not None]
    return max(dates) if dates and len(dates) == len(shut) else None


def _select_credits(state: OrgState, now: datetime) -> tuple[Credits, CreditState]:
    """The credits by replies that are young enough, and whether they are open."""
    replies = state.replies
    old = [one for one in OVERAGE_ENDPOINTS if one in replies and now - replies[one].at > UNKNOWN_AFTER]
    if not old:
        return state.credits, state.credits.compute_state(now)
    young = {endpoint: reply for endpoint, reply in replies.items() if endpoint not in old}
    fresh = replace(
        replace(state, replies=young).credits, is_overage_unrequested=state.credits.is_overage_unrequested
    )
    answer = fresh.compute_state(now)
    doubted = answer is CreditState.OPEN and state.credits.compute_state(now) is not CreditState.OPEN
    return fresh, CreditState.UNKNOWN if doubted else answer


def _find_saved_reset(plan: Plan, now: datetime) -> SavedReset | None:
    usable = (grant for grant in plan.saved_resets if grant.usable_now and grant.resets_left != 0)
    return next((grant for grant in usable if grant.ends_at is None or grant.ends_at > now), None)


def _find_error_kind(state: OrgState) -> ErrorKind | None:
    failures = state.failures
    failure = failures.get(Endpoint.USAGE) or next(iter(failures.values()), None)
    return failure.error_kind if failure is not None else None


def _measure_spending(state: OrgState, money: Credits, now: datetime) -> OverPlanSpending | None:
    """What was seen of spending since the plan has nothing left; None where that is not known."""
    beyond, series = state.over_plan_period, state.series
    if beyond is None:
        return None
    spent = Money(series.total_rise - beyond.start_rise, *series.unit) if series.origin is not None else None
    pooled = money.lead_meter is not None and not money.lead_meter.is_personal
    if spent is None or not spent.minor:
        return OverPlanSpending(spent, beyond.since, beyond.filled_label, is_pooled=pooled)
    fast = compute_rate_since(series, beyond.since, now)
    return OverPlanSpending(spent, beyond.since, beyond.filled_label, series.last_rise_at, pooled, fast)
