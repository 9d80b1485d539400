"""How the verdict is reached.

What decides, beyond the plain table (full window or none, credits open, locked or neither):

- A window whose reset has passed since the reading is *due*: neither full nor empty. It stops nothing, as
  far as is known, so an org with nothing but due windows can work.
- A plan-wide window without a figure is *unreported*. Where another one has a figure, that one decides and
  the unreported one is named; where none has, the verdict is UNKNOWN.
- A full window beside credits that are off, absent or not known is WAIT: only open credits let work go on,
  and only locked ones are a refusal.
- A plan without plan-wide windows is ON CREDITS or BLOCKED as its credits are; where these are off, absent
  or not known, nothing is known to allow work or to stop it: UNKNOWN.
- Without the usage reply the windows are not known: UNKNOWN, whatever the credits are. An empty reply (`{}`)
  is the same.
- Overage replies older than 15 minutes open and lock nothing: the usage reply's own figures decide. Where
  these are open and the old ones were not, the credits are not known.
- A failed payment and a paused subscription are named, and decide nothing: what they stop is not known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.rate import rate_since
from claudemeter_tui.model.reading import Endpoint, Trouble
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgState
from claudemeter_tui.model.usage import FULL_FROM, Credits, CreditState, Grant, Plan, Window, WindowKind
from claudemeter_tui.model.verdict.answer import Lift, Spending, State, Verdict
from claudemeter_tui.model.verdict.payment import payments
from claudemeter_tui.model.verdict.shut import Cause, Shut, shuts

BY_CREDITS = {CreditState.OPEN: State.ON_CREDITS, CreditState.LOCKED: State.BLOCKED}
"""The state where the plan has nothing left, by that of the credits; other credits do not decide it."""
WORST_FIRST = (State.BLOCKED, State.WAIT, State.ON_CREDITS, State.UNKNOWN)
"""Before CAN WORK, with credits locked and without."""
OVERAGES = (Endpoint.OVERAGE, Endpoint.OWN_OVERAGE)


def judge(state: OrgState, now: datetime) -> Verdict:
    """The verdict on one org; figures older than 15 minutes decide nothing."""
    if not state.is_unknown(now):
        return _judged(state, now)
    was = _judged(state, state.read_at) if state.read_at is not None else None
    return Verdict(
        State.UNKNOWN,
        cause=Cause.NOT_READ,
        payment=tuple(payments(state, now)),
        read_at=state.read_at,
        stale=state.is_stale(now),
        trouble=_trouble(state),
        was=was if was is not None and was.state is not State.UNKNOWN else None,
    )


def rank(verdict: Verdict) -> tuple[int, float]:
    """What to sort by, worst first: the state, then the highest percent."""
    worse = verdict.state in WORST_FIRST
    place = WORST_FIRST.index(verdict.state) if worse else len(WORST_FIRST) + (not verdict.locked)
    percents = [window.percent for window in (verdict.fullest, *verdict.full) if window is not None]
    known = [percent for percent in percents if percent is not None]
    return place, -max((*known, FULL_FROM if verdict.full else 0.0))


def _judged(state: OrgState, now: datetime) -> Verdict:
    plan, (money, credits_) = state.plan or Plan(reported=False), _credits(state, now)
    full, due = plan.full(now), tuple(window for window in plan.wide if window.is_due(now))
    running = [window for window in plan.wide if window.percent is not None and window not in due]
    shut = () if credits_ is CreditState.OPEN else tuple(shuts(money, credits_, now))
    answer = _state(plan, full, credits_)
    opens = _opens(shut)
    lifts, first = _lift(answer, full, opens)
    return Verdict(
        answer,
        credits=credits_,
        cause=_cause(answer, state.plan, full, shut),
        full=full,
        scoped=tuple(window for window in plan.windows if not window.plan_wide and window.is_full(now)),
        fullest=max(running, key=_percent, default=None),
        due=due,
        unreported=tuple(window for window in plan.wide if not window.reported),
        shuts=shut,
        lifts=lifts,
        first=first,
        opens=opens,
        grant=_grant(plan, now) if full else None,
        payment=tuple(payments(state, now)),
        spending=_spending(state, money, now) if answer is State.ON_CREDITS else None,
        read_at=state.read_at,
        stale=state.is_stale(now),
        trouble=_trouble(state),
    )


def _percent(window: Window) -> float:
    return window.percent or 0.0


def _state(plan: Plan, full: tuple[Window, ...], credits_: CreditState) -> State:
    if full:
        return BY_CREDITS.get(credits_, State.WAIT)
    if not plan.reported:
        return State.UNKNOWN
    if not plan.wide:
        return BY_CREDITS.get(credits_, State.UNKNOWN)
    return State.CAN_WORK if any(window.reported for window in plan.wide) else State.UNKNOWN


def _cause(state: State, plan: Plan | None, full: tuple[Window, ...], shut: tuple[Shut, ...]) -> Cause | None:
    if state is State.BLOCKED:
        return shut[0].cause
    if state is State.CAN_WORK:
        return shut[0].cause if shut and shut[0].state is CreditState.LOCKED else None
    if full:
        return Cause.WINDOW_SESSION if full[0].kind is WindowKind.SESSION else Cause.WINDOW_WEEKLY
    if plan is None:
        return Cause.NOT_READ
    return Cause.NO_WINDOWS if plan.reported and not plan.wide else Cause.NOT_REPORTED


def _lift(
    state: State, full: tuple[Window, ...], opens: datetime | None
) -> tuple[datetime | None, Lift | None]:
    """The earliest end and its side; a tie goes to the window, which costs nothing."""
    ends = [(full[0].resets_at, Lift.WINDOW)] if full else []
    if state is State.BLOCKED:
        ends.append((opens, Lift.CREDITS))
    known = [(end, side) for end, side in ends if end is not None]
    return min(known, key=lambda pair: pair[0], default=(None, None))


def _opens(shut: tuple[Shut, ...]) -> datetime | None:
    dates = [one.until for one in shut if one.until is not None]
    return max(dates) if dates and len(dates) == len(shut) else None


def _credits(state: OrgState, now: datetime) -> tuple[Credits, CreditState]:
    """The credits by replies that are young enough, and whether they are open."""
    replies = state.replies
    old = [one for one in OVERAGES if one in replies and now - replies[one].at > UNKNOWN_AFTER]
    if not old:
        return state.credits, state.credits.state(now)
    young = {endpoint: reply for endpoint, reply in replies.items() if endpoint not in old}
    fresh = replace(replace(state, replies=young).credits, unasked=state.credits.unasked)
    answer = fresh.state(now)
    doubted = answer is CreditState.OPEN and state.credits.state(now) is not CreditState.OPEN
    return fresh, CreditState.UNKNOWN if doubted else answer


def _grant(plan: Plan, now: datetime) -> Grant | None:
    usable = (grant for grant in plan.grants if grant.usable_now and grant.resets_left != 0)
    return next((grant for grant in usable if grant.ends_at is None or grant.ends_at > now), None)


def _trouble(state: OrgState) -> Trouble | None:
    failures = state.failures
    failure = failures.get(Endpoint.USAGE) or next(iter(failures.values()), None)
    return failure.trouble if failure is not None else None


def _spending(state: OrgState, money: Credits, now: datetime) -> Spending | None:
    """What was seen of spending since the plan has nothing left; None where that is not known."""
    beyond, series = state.beyond, state.series
    if beyond is None:
        return None
    spent = Money(series.rise - beyond.rise, *series.unit) if series.origin is not None else None
    pooled = money.lead is not None and not money.lead.personal
    if spent is None or not spent.minor:
        return Spending(spent, beyond.since, beyond.filled, pooled=pooled)
    fast = rate_since(series, beyond.since, now)
    return Spending(spent, beyond.since, beyond.filled, series.rose_at, pooled, fast)
