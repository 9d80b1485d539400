"""The verdict on one org: whether work can continue, on plan or credits, and when that ends.

The decision rules beyond the basic table (a full window or none; credits open, locked or neither):

- A window whose reset has passed since the reading is *due*: it counts as neither full nor empty. It is not
  known to stop work, so an org with only due windows can work.
- A plan-wide window without a figure is *unreported*. If another window has a figure, that one decides, and
  the verdict names the unreported one; if no window has a figure, the verdict is UNKNOWN.
- A full window with credits that are off, absent or not known is WAIT: only open credits let work continue,
  and only locked ones make it BLOCKED.
- A plan without plan-wide windows is ON CREDITS if its credits are open and BLOCKED if they are locked. If
  they are off, absent or not known, nothing is known to allow or to stop work: UNKNOWN.
- Without the usage reply the windows are not known: UNKNOWN, whatever the credits are. The same applies to
  an empty reply (`{}`).
- Credits are open only while the replies that report locks (usage and overage) count: for 15 minutes, or
  for two intervals if later requests failed. A lock that they showed remains, with its age.
- A dollar allowance stops nothing but itself, and neither does a full window of one model or surface.
- A reset that the person can use does not change the verdict: it is only shown.
- A failed payment and a paused subscription are shown but decide nothing: their effect is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from claudemeter_tui.model.catalogue import (
    PAYMENT_PROBLEM_STATUSES,
    PAYMENT_RESTRICTIONS,
    Cause,
    CreditState,
    Endpoint,
    MeterOrigin,
    WindowKind,
)
from claudemeter_tui.model.credit_locks import CreditLock, find_credit_locks
from claudemeter_tui.model.forecast import compute_rate_since
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.resets import SavedResetSummary
from claudemeter_tui.model.store import SPENDING_SPAN, OrgState
from claudemeter_tui.model.windows import FULL_FROM, Plan, Severity, Window


class PaymentProblem(NamedTuple):
    """A problem with the payment of the plan."""

    key: str
    """Name from the server: `status`, `payment_paused_until`, `billing_issue`, …"""
    value: str
    """Value from the server; empty if `until` is the value."""
    until: datetime | None = None
    """End of the problem, always in the future. None if there is no date."""
    read_at: datetime | None = None
    """Time of the reply that shows it, if that reply is out of date. None if it is current."""


def find_payment_problems(state: OrgState, now: datetime) -> Iterator[PaymentProblem]:
    """Yield the current problems with the payment."""
    paid = state.subscription
    if paid is not None and paid.status in PAYMENT_PROBLEM_STATUSES:
        yield PaymentProblem("status", paid.status, read_at=paid.figures_at)
    if paid is not None and paid.paused_until is not None and paid.paused_until > now:
        yield PaymentProblem("payment_paused_until", "", paid.paused_until, paid.figures_at)
    yield from (
        PaymentProblem(key, value) for key, value in state.org.restrictions if key in PAYMENT_RESTRICTIONS
    )


class VerdictState(StrEnum):
    """The verdicts, worst first."""

    BLOCKED = "blocked"
    WAIT = "wait"
    ON_CREDITS = "on_credits"
    UNKNOWN = "unknown"
    CAN_WORK = "can_work"


STATE_SEVERITIES = {
    VerdictState.BLOCKED: Severity.FULL,
    VerdictState.WAIT: Severity.CRITICAL,
    VerdictState.ON_CREDITS: Severity.WARNING,
    VerdictState.UNKNOWN: Severity.WARNING,
    VerdictState.CAN_WORK: Severity.NORMAL,
}
"""Severity of each state and of the event that begins it, without locked credits."""


def get_state_severity(state: VerdictState, *, is_locked: bool) -> Severity:
    """Return the severity of a state; `is_locked` if the credits are locked, which counts beside CAN WORK."""
    is_half_locked = is_locked and state is VerdictState.CAN_WORK
    return Severity.CRITICAL if is_half_locked else STATE_SEVERITIES[state]


class EndSource(StrEnum):
    """Source of the end: the window resets, or the credits reopen."""

    WINDOW = "window"
    CREDITS = "credits"


class OverPlanSpending(NamedTuple):
    """Observed spending since the plan has had nothing left."""

    spent: Money | None
    """Sum of the rises of used credits. None if these are not reported."""
    since: datetime
    """Start of the period."""
    filled_label: str | None = None
    """Label of the window that was seen to fill at `since`. None if `since` is only the first reading."""
    last_rise_at: datetime | None = None
    """Time of the last rise. None if there was none yet."""
    is_pooled: bool = False
    """True if the figures are those of the organization's pool, not the user's own."""
    rate: Money | None = None
    """Rate since then, in money per hour. None if nothing was spent lately, or there are too few data."""


LAGS_FROM = 95.0
"""Percent from which credits can already be charged, because the figure lags near the limit (seen: 95 to 99).
"""


class PlanSpending(NamedTuple):
    """Spending within the last 15 minutes although no plan-wide window is full."""

    spent: Money
    """Sum of the rises of used credits; above zero."""
    since: datetime
    """Time of the last usage reply before the first rise."""
    likely_windows: tuple[Window, ...] = ()
    """Windows that are likely causes, the likeliest first: full windows of one model or surface, then windows
    at 95% or more. Empty if there is no likely window.
    """


class Verdict(NamedTuple):
    """The verdict on one org at one moment, with everything needed to word it."""

    state: VerdictState
    credits: CreditState = CreditState.UNKNOWN
    cause: Cause | None = None
    """Cause of the state; for CAN WORK, cause of the lock on the credits. None if nothing stops work."""
    full_windows: tuple[Window, ...] = ()
    """Full plan-wide windows, the limiting one first: the latest reset; an unknown reset counts as latest."""
    full_scoped_windows: tuple[Window, ...] = ()
    """Full windows that stop only one model or surface."""
    running_windows: tuple[Window, ...] = ()
    """Plan-wide windows with a figure, except due ones."""
    fullest_window: Window | None = None
    """The plan-wide window with the highest percentage, except due ones. None if none has a figure."""
    due_windows: tuple[Window, ...] = ()
    """Plan-wide windows whose reset has passed since the reading."""
    unreported_windows: tuple[Window, ...] = ()
    """Plan-wide windows without a figure."""
    credit_locks: tuple[CreditLock, ...] = ()
    """Causes that keep the credits from being open, locks first. Empty if they are open or absent."""
    contradictions: tuple[tuple[MeterOrigin, CreditState], ...] = ()
    """The state of the credits by each reply, if two of them contradict each other. Empty if none do."""
    ends_at: datetime | None = None
    """Earliest end of the state, always in the future.

    For WAIT and ON CREDITS, the reset of the limiting window. For BLOCKED, that reset or the reopening of the
    credits, whichever is earlier. None if not known, or if there is nothing to wait for.
    """
    end_source: EndSource | None = None
    """Source of `ends_at`. None if `ends_at` is None."""
    credits_reopen_at: datetime | None = None
    """Time at which the credits reopen by themselves: the last date in `credit_locks`. None if a lock has no
    date, or there is no lock.
    """
    saved_resets: SavedResetSummary | None = None
    """The saved resets, usable or not. None if there are none, or no plan-wide window is full."""
    has_session_reset: bool = False
    """True if the weekly session reset can be used now, and lets work continue."""
    last_refusal: Refusal | None = None
    """Last refused request of Claude Code on this machine whose limit has not reset since. None if none is
    known, which proves nothing."""
    is_shared: bool = False
    """True if the org is an organization's, with other members."""
    payment_problems: tuple[PaymentProblem, ...] = ()
    spending: OverPlanSpending | None = None
    """Spending while ON CREDITS. None for every other state, or if not known."""
    plan_spending: PlanSpending | None = None
    """Spending beside CAN WORK. None for every other state, or if none was seen lately."""
    read_at: datetime | None = None
    """Time of the reading. None if there was none yet."""
    is_stale: bool = False
    """True if the reading is older than two intervals."""
    error_kind: ErrorKind | None = None
    """Problem that prevents a new reading of this org. None if none is known."""
    last_known: Verdict | None = None
    """Last known verdict if this one is UNKNOWN only because the data are old."""

    @property
    def has_low_priority(self) -> bool:
        """True if the last refusal offered to continue at lower priority, and a plan-wide window is full."""
        is_offered = self.last_refusal is not None and self.last_refusal.offers_low_priority
        return is_offered and bool(self.full_windows)

    @property
    def lock_until(self) -> datetime | None:
        """End of the first lock on the credits. None if there is none."""
        return self.credit_locks[0].until if self.credit_locks else None

    @property
    def is_locked(self) -> bool:
        """True if the credits are locked."""
        return self.credits is CreditState.LOCKED

    def compute_severity(self, now: datetime) -> Severity:
        """Return the severity of the verdict; beside CAN WORK, that of the credits or the fullest window."""
        if self.state is not VerdictState.CAN_WORK or self.is_locked:
            return get_state_severity(self.state, is_locked=self.is_locked)
        severity = self.fullest_window.compute_severity(now) if self.fullest_window else Severity.NORMAL
        return max(severity, Severity.WARNING) if self.plan_spending is not None else severity


STATE_BY_CREDITS = {CreditState.OPEN: VerdictState.ON_CREDITS, CreditState.LOCKED: VerdictState.BLOCKED}
"""Verdict if the plan has nothing left, by the state of the credits; for other states it depends on the
windows.
"""
WORST_FIRST = (VerdictState.BLOCKED, VerdictState.WAIT, VerdictState.ON_CREDITS, VerdictState.UNKNOWN)
"""Sort order of the verdicts; CAN WORK follows: first with locked credits, then with spending, then the
others.
"""


def judge(state: OrgState, now: datetime) -> Verdict:
    """Return the verdict on one org; it is UNKNOWN if the figures are older than 15 minutes."""
    if not state.is_unknown(now):
        return _build_verdict(state, now)
    was = _build_verdict(state, state.read_at) if state.read_at is not None else None
    return Verdict(
        VerdictState.UNKNOWN,
        cause=Cause.NOT_READ,
        last_refusal=state.find_current_refusal(now),
        is_shared=state.org.is_shared,
        payment_problems=tuple(find_payment_problems(state, now)),
        read_at=state.read_at,
        is_stale=state.is_stale(now),
        error_kind=_find_error_kind(state),
        last_known=was if was is not None and was.state is not VerdictState.UNKNOWN else None,
    )


def rank_verdict(verdict: Verdict) -> tuple[int, float]:
    """Return the sort key, worst first: the state, then the highest percentage."""
    worse = verdict.state in WORST_FIRST
    calm = 0 if verdict.is_locked else 1 if verdict.plan_spending is not None else 2
    place = WORST_FIRST.index(verdict.state) if worse else len(WORST_FIRST) + calm
    windows = (verdict.fullest_window, *verdict.full_windows)
    percents = [window.percent for window in windows if window is not None and window.percent is not None]
    return place, -max((*percents, FULL_FROM if verdict.full_windows else 0.0))


def _build_verdict(state: OrgState, now: datetime) -> Verdict:
    plan, money = state.plan or Plan(is_reported=False), state.credits
    credits_ = money.compute_state(now)
    full = plan.find_full_windows(now)
    due = tuple(window for window in plan.wide_windows if window.is_due(now))
    running = [window for window in plan.wide_windows if window.percent is not None and window not in due]
    locks = find_credit_locks(money, credits_, now)
    verdict = _decide_state(plan, full, credits_)
    dates = [lock.until for lock in locks if lock.until is not None]
    # The credits reopen when the last lock ends; a lock without a date may never end.
    reopen_at = max(dates) if dates and len(dates) == len(locks) else None
    ends = [(full[0].resets_at, EndSource.WINDOW)] if full else []
    if verdict is VerdictState.BLOCKED:
        ends.append((reopen_at, EndSource.CREDITS))
    known_ends = [(end, source) for end, source in ends if end is not None]
    # If both end at the same time, show the window, because work in the plan costs nothing.
    ends_at, end_source = min(known_ends, key=lambda pair: pair[0], default=(None, None))
    return Verdict(
        verdict,
        credits=credits_,
        cause=_decide_cause(verdict, state.plan, full, locks),
        full_windows=full,
        full_scoped_windows=tuple(
            window for window in plan.windows if not window.is_plan_wide and window.is_full(now)
        ),
        running_windows=tuple(running),
        fullest_window=max(running, key=lambda window: window.percent or 0.0, default=None),
        due_windows=due,
        unreported_windows=tuple(window for window in plan.wide_windows if not window.is_reported),
        credit_locks=locks,
        contradictions=money.find_contradictions(now),
        ends_at=ends_at,
        end_source=end_source,
        credits_reopen_at=reopen_at,
        saved_resets=state.saved_resets.summarize(full, now) if full else None,
        has_session_reset=plan.session_reset is not None and plan.session_reset.is_cure(full),
        last_refusal=state.find_current_refusal(now),
        is_shared=state.org.is_shared,
        payment_problems=tuple(find_payment_problems(state, now)),
        spending=_measure_spending(state, now) if verdict is VerdictState.ON_CREDITS else None,
        plan_spending=_measure_plan_spending(state, now) if verdict is VerdictState.CAN_WORK else None,
        read_at=state.read_at,
        is_stale=state.is_stale(now),
        error_kind=_find_error_kind(state),
    )


def _decide_state(plan: Plan, full: tuple[Window, ...], credits_: CreditState) -> VerdictState:
    """Return the verdict; the module's docstring has the rules."""
    if full:
        return STATE_BY_CREDITS.get(credits_, VerdictState.WAIT)
    if plan.is_reported and not plan.wide_windows:
        return STATE_BY_CREDITS.get(credits_, VerdictState.UNKNOWN)
    is_known = plan.is_reported and any(window.is_reported for window in plan.wide_windows)
    return VerdictState.CAN_WORK if is_known else VerdictState.UNKNOWN


def _decide_cause(
    state: VerdictState, plan: Plan | None, full: tuple[Window, ...], locks: tuple[CreditLock, ...]
) -> Cause | None:
    """Return the cause of a verdict; None if nothing stops work."""
    if state is VerdictState.BLOCKED:
        return locks[0].cause
    if state is VerdictState.CAN_WORK:
        return locks[0].cause if locks and locks[0].state is CreditState.LOCKED else None
    if full:
        return Cause.WINDOW_SESSION if full[0].kind is WindowKind.SESSION else Cause.WINDOW_WEEKLY
    if plan is None:
        return Cause.NOT_READ
    return Cause.NO_WINDOWS if plan.is_reported and not plan.wide_windows else Cause.NOT_REPORTED


def _find_error_kind(state: OrgState) -> ErrorKind | None:
    """Return the problem of the session, else that of a reply, usage first. None if none is known."""
    failures = state.failures
    failure = failures.get(Endpoint.USAGE) or next(iter(failures.values()), None)
    return state.session_error or (failure.error_kind if failure is not None else None)


def _measure_plan_spending(state: OrgState, now: datetime) -> PlanSpending | None:
    """Return the spending while the plan has room. None if there was none within 15 minutes.

    A rise of only the organization's pool is not reported, because other members also spend from it.
    """
    spending = state.in_plan_period.spending if state.in_plan_period is not None else None
    if spending is None or now - spending.last_rise_at > SPENDING_SPAN or state.credits.own_meter is None:
        return None
    running = [window for window in state.plan.windows if window.limit is None] if state.plan else []
    full = [window for window in running if window.is_full(now)]
    lagging = [
        window
        for window in running
        if window not in full and not window.is_due(now) and (window.percent or 0.0) >= LAGS_FROM
    ]
    spent = Money(state.series.total_rise - spending.start_rise, *state.series.unit)
    return PlanSpending(spent, spending.since, (*full, *lagging))


def _measure_spending(state: OrgState, now: datetime) -> OverPlanSpending | None:
    """Return the spending since the plan has had nothing left. None if that moment is not known."""
    period, series = state.over_plan_period, state.series
    if period is None:
        return None
    lead = state.credits.lead_meter
    spending = OverPlanSpending(
        Money(series.total_rise - period.start_rise, *series.unit) if series.origin is not None else None,
        period.since,
        period.filled_label,
        is_pooled=lead is not None and not lead.is_personal,
    )
    if spending.spent is None or not spending.spent.minor:
        return spending
    rate = compute_rate_since(series, period.since, now)
    return spending._replace(last_rise_at=series.last_rise_at, rate=rate)
