"""Can I go on working, am I paying for it, and when does the limit lift.

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

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Endpoint, Trouble
from claudemeter_tui.model.samples import Series
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgState
from claudemeter_tui.model.usage import (
    FULL_FROM,
    Credits,
    CreditState,
    Grant,
    Meter,
    Plan,
    Window,
    WindowKind,
)


class State(StrEnum):
    """The answer to "can I go on working?", worst first."""

    BLOCKED = "blocked"
    WAIT = "wait"
    ON_CREDITS = "on_credits"
    UNKNOWN = "unknown"
    CAN_WORK = "can_work"


class Cause(StrEnum):
    """What stands behind a state or behind shut credits; each has a cure of its own."""

    WINDOW_SESSION = "window_session"
    WINDOW_WEEKLY = "window_weekly"
    NO_WINDOWS = "no_windows"
    """The plan has no plan-wide window: everything goes on credits."""
    CAP = "cap"
    EMPTY_BALANCE = "empty_balance"
    ADMIN = "admin"
    """A switch or a limit of the organization, the seat tier, the member or the service: someone to ask."""
    OFF = "off"
    """Never set up, or switched off."""
    PAUSED = "paused"
    """`billable_usage_paused_until`."""
    SERVER = "server"
    """Opaque or not known: to be quoted, not interpreted."""
    NOT_READ = "not_read"
    """No good reply, or none that is young enough."""
    NOT_REPORTED = "not_reported"
    """A good reply without the figure."""


class Lift(StrEnum):
    """The side on which work can go on."""

    WINDOW = "window"
    CREDITS = "credits"


CAUSES: Mapping[str, Cause] = {
    "out_of_credits": Cause.EMPTY_BALANCE,
    "org_spend_cap_reached": Cause.CAP,
    "self_selected_spend_limit_reached": Cause.CAP,
    "overage_not_provisioned": Cause.OFF,
    "user_disabled": Cause.OFF,
    "no_limits_configured": Cause.OFF,
    "org_level_disabled": Cause.ADMIN,
    "org_level_disabled_until": Cause.ADMIN,
    "seat_tier_level_disabled": Cause.ADMIN,
    "member_level_disabled": Cause.ADMIN,
    "org_service_level_disabled": Cause.ADMIN,
    "seat_tier_zero_credit_limit": Cause.ADMIN,
    "group_zero_credit_limit": Cause.ADMIN,
    "member_zero_credit_limit": Cause.ADMIN,
    "org_service_zero_credit_limit": Cause.ADMIN,
}
"""The cause of each `disabled_reason`; every other one is `Cause.SERVER`."""


NEVER = datetime.max.replace(tzinfo=UTC)
"""Stands in for a reset that nobody knows, which comes last."""


@dataclass(frozen=True, slots=True)
class Shut:
    """One thing that keeps the credits from being open."""

    state: CreditState
    """LOCKED, OFF or UNKNOWN."""
    cause: Cause
    reason: str | None = None
    """`disabled_reason`, the raw code. None: the cause follows from a flag, a date or the figures."""
    until: datetime | None = None
    """When the server says it ends, after `now`. None: no date, or one that has passed."""
    personal: bool = True
    """One's own gate; False: the organization's."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Something wrong with how the plan is paid."""

    key: str
    """As the server names it: `status`, `payment_paused_until`, `billing_issue`, …"""
    value: str
    """As the server says it; empty where `until` says it all."""
    until: datetime | None = None
    """After `now`. None: no date."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one org at one moment, with all that its words need."""

    state: State
    credits: CreditState = CreditState.UNKNOWN
    cause: Cause | None = None
    """Of the state; for CAN WORK, of the lock on credits. None: nothing is in the way."""
    full: tuple[Window, ...] = ()
    """Plan-wide windows that are full; the one that binds (resets last, or nobody knows when) first."""
    scoped: tuple[Window, ...] = ()
    """Full windows that stop only their own model or surface."""
    fullest: Window | None = None
    """The plan-wide window with the highest percent, due ones left out. None: none has a figure."""
    due: tuple[Window, ...] = ()
    """Plan-wide windows whose reset has passed since they were read."""
    unreported: tuple[Window, ...] = ()
    """Plan-wide windows without a figure."""
    shuts: tuple[Shut, ...] = ()
    """What keeps the credits from being open, locks first; empty where they are open or absent."""
    lifts: datetime | None = None
    """When this ends at the earliest, after `now`.

    WAIT, ON CREDITS: the binding window's reset. BLOCKED: the first of that and of the credits. None: not
    known, or there is nothing to lift.
    """
    first: Lift | None = None
    """The side that `lifts` belongs to."""
    opens: datetime | None = None
    """When the credits open by themselves: the last date of `shuts`. None: one of them has none."""
    grant: Grant | None = None
    """An early reset that can be used now; only where a plan-wide window is full."""
    payment: tuple[Payment, ...] = ()
    spent: Money | None = None
    """The sum of the rises of used credits in this run. None: no such figure was read."""
    rose_at: datetime | None = None
    """When the last rise was seen. None: none yet."""
    pooled: bool = False
    """Whether `spent` is the organization's pool, not one's own share."""
    read_at: datetime | None = None
    """When the figures were read. None: never."""
    stale: bool = False
    """Older than two intervals."""
    trouble: Trouble | None = None
    """What keeps the figures from being read now. None: nothing that this org knows of."""
    was: Verdict | None = None
    """What it was when last read, where only age makes it UNKNOWN."""

    @property
    def reason(self) -> str | None:
        """The raw code of what shuts the credits first. None: there is none."""
        return self.shuts[0].reason if self.shuts else None

    @property
    def until(self) -> datetime | None:
        """The date of what shuts the credits first. None: there is none."""
        return self.shuts[0].until if self.shuts else None

    @property
    def locked(self) -> bool:
        """Whether the credits are locked."""
        return self.credits is CreditState.LOCKED


def judge(state: OrgState, now: datetime) -> Verdict:
    """The verdict on one org; figures older than 15 minutes decide nothing."""
    if not state.is_unknown(now):
        return _judged(state, now)
    was = _judged(state, state.read_at) if state.read_at is not None else None
    return Verdict(
        State.UNKNOWN,
        cause=Cause.NOT_READ,
        payment=tuple(_payments(state, now)),
        read_at=state.read_at,
        stale=state.is_stale(now),
        trouble=_trouble(state),
        was=was if was is not None and was.state is not State.UNKNOWN else None,
    )


def rank(verdict: Verdict) -> tuple[int, float]:
    """What to sort by, worst first: the state, then the highest percent."""
    order = (State.BLOCKED, State.WAIT, State.ON_CREDITS, State.UNKNOWN)
    place = order.index(verdict.state) if verdict.state in order else len(order) + (not verdict.locked)
    percents = [window.percent for window in (verdict.fullest, *verdict.full) if window is not None]
    known = [percent for percent in percents if percent is not None]
    return place, -max((*known, FULL_FROM if verdict.full else 0.0))


def _judged(state: OrgState, now: datetime) -> Verdict:
    plan, money, credits_ = state.plan, *_credits(state, now)
    windows = plan.windows if plan is not None else ()
    wide = [window for window in windows if window.plan_wide]
    due = tuple(window for window in wide if window.is_due(now))
    full = _binding_first(window for window in wide if window.is_full(now))
    running = [window for window in wide if window.percent is not None and window not in due]
    shuts = () if credits_ is CreditState.OPEN else tuple(_shuts(money, credits_, now))
    answer = _state(plan, full, credits_)
    opens = _opens(shuts)
    lifts, first = _lift(answer, full, opens)
    return Verdict(
        answer,
        credits=credits_,
        cause=_cause(answer, plan, full, shuts),
        full=full,
        scoped=tuple(window for window in windows if not window.plan_wide and window.is_full(now)),
        fullest=max(running, key=lambda window: window.percent or 0.0, default=None),
        due=due,
        unreported=tuple(window for window in wide if not _is_reported(window)),
        shuts=shuts,
        lifts=lifts,
        first=first,
        opens=opens,
        grant=_grant(plan, now) if full else None,
        payment=tuple(_payments(state, now)),
        spent=state.series.risen if state.series.origin is not None else None,
        rose_at=_rose_at(state.series),
        pooled=money.lead is not None and not money.lead.personal,
        read_at=state.read_at,
        stale=state.is_stale(now),
        trouble=_trouble(state),
    )


def _state(plan: Plan | None, full: tuple[Window, ...], credits_: CreditState) -> State:
    by_credits = {CreditState.OPEN: State.ON_CREDITS, CreditState.LOCKED: State.BLOCKED}
    if full:
        return by_credits.get(credits_, State.WAIT)
    if plan is None or not plan.reported:
        return State.UNKNOWN
    wide = [window for window in plan.windows if window.plan_wide]
    if not wide:
        return by_credits.get(credits_, State.UNKNOWN)
    return State.CAN_WORK if any(map(_is_reported, wide)) else State.UNKNOWN


def _is_reported(window: Window) -> bool:
    return window.percent is not None or window.locked_reason is not None


def _cause(
    state: State, plan: Plan | None, full: tuple[Window, ...], shuts: tuple[Shut, ...]
) -> Cause | None:
    if state is State.BLOCKED:
        return shuts[0].cause
    if state is State.CAN_WORK:
        return shuts[0].cause if shuts and shuts[0].state is CreditState.LOCKED else None
    if full:
        return Cause.WINDOW_SESSION if full[0].kind is WindowKind.SESSION else Cause.WINDOW_WEEKLY
    if plan is None:
        return Cause.NOT_READ
    wide = any(window.plan_wide for window in plan.windows)
    return Cause.NO_WINDOWS if plan.reported and not wide else Cause.NOT_REPORTED


def _binding_first(windows: Iterable[Window]) -> tuple[Window, ...]:
    return tuple(sorted(windows, key=lambda window: window.resets_at or NEVER, reverse=True))


def _lift(
    state: State, full: tuple[Window, ...], opens: datetime | None
) -> tuple[datetime | None, Lift | None]:
    """The earliest end and its side; a tie goes to the window, which costs nothing."""
    ends = [(full[0].resets_at, Lift.WINDOW)] if full else []
    if state is State.BLOCKED:
        ends.append((opens, Lift.CREDITS))
    known = [(end, side) for end, side in ends if end is not None]
    return min(known, key=lambda pair: pair[0], default=(None, None))


def _opens(shuts: tuple[Shut, ...]) -> datetime | None:
    dates = [shut.until for shut in shuts if shut.until is not None]
    return max(dates) if dates and len(dates) == len(shuts) else None


def _credits(state: OrgState, now: datetime) -> tuple[Credits, CreditState]:
    """The credits by replies that are young enough, and whether they are open."""
    old = [
        endpoint
        for endpoint in (Endpoint.OVERAGE, Endpoint.OWN_OVERAGE)
        if endpoint in state.replies and now - state.replies[endpoint].at > UNKNOWN_AFTER
    ]
    if not old:
        return state.credits, state.credits.state(now)
    young = {endpoint: reply for endpoint, reply in state.replies.items() if endpoint not in old}
    fresh = replace(replace(state, replies=young).credits, unasked=state.credits.unasked)
    answer = fresh.state(now)
    doubted = answer is CreditState.OPEN and state.credits.state(now) is not CreditState.OPEN
    return fresh, CreditState.UNKNOWN if doubted else answer


def _shuts(money: Credits, state: CreditState, now: datetime) -> Iterator[Shut]:
    """Everything that keeps credits of this state from being open, locks first, one's own before the pool."""
    if money.paused_until is not None and money.paused_until > now:
        yield Shut(CreditState.LOCKED, Cause.PAUSED, until=money.paused_until, personal=False)
    meters = [meter for meter in (money.own, money.pool) if meter is not None]
    found = [shut for meter in meters for shut in _gates(meter, now)]
    for which in (CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN):
        yield from (shut for shut in found if shut.state is which)
    if state is CreditState.UNKNOWN and not found:
        yield Shut(CreditState.UNKNOWN, Cause.NOT_READ)


def _gates(meter: Meter, now: datetime) -> list[Shut]:
    """The gates that one meter shows shut; cap and balance are two, and both can be."""
    state = meter.state(now)
    if state is CreditState.OPEN:
        return []
    until = meter.until if meter.until is not None and meter.until > now else None
    plain = {CreditState.LOCKED: Cause.SERVER, CreditState.OFF: Cause.OFF}.get(state, Cause.NOT_REPORTED)
    causes = list(_causes(meter, state)) or [(plain, None)]
    return [Shut(state, cause, reason, until, meter.personal) for cause, reason in causes]


def _causes(meter: Meter, state: CreditState) -> Iterator[tuple[Cause, str | None]]:
    named = CAUSES.get(meter.reason, Cause.SERVER) if meter.reason is not None else None
    if named is not None:
        yield named, meter.reason
    if meter.out_of_credits and named is not Cause.EMPTY_BALANCE:
        yield Cause.EMPTY_BALANCE, None
    at_cap = meter.cap_reached or meter.at_cap
    if at_cap and state is CreditState.LOCKED and named not in (Cause.CAP, Cause.ADMIN):
        yield Cause.CAP, None


def _grant(plan: Plan | None, now: datetime) -> Grant | None:
    grants = plan.grants if plan is not None else ()
    usable = (grant for grant in grants if grant.usable_now and grant.resets_left != 0)
    return next((grant for grant in usable if grant.ends_at is None or grant.ends_at > now), None)


BAD_STATUS = frozenset({"past_due", "paused"})
"""Values of the subscription's `status` that somebody has to act on."""
GATES = frozenset({"billing_issue", "access_block", "subscription_pause"})
"""The organization's own gates that are named beside the verdict; the others concern the API."""


def _trouble(state: OrgState) -> Trouble | None:
    failures = state.failures
    failure = failures.get(Endpoint.USAGE) or next(iter(failures.values()), None)
    return failure.trouble if failure is not None else None


def _payments(state: OrgState, now: datetime) -> Iterator[Payment]:
    paid = state.subscription
    if paid is not None and paid.status in BAD_STATUS:
        yield Payment("status", paid.status)
    if paid is not None and paid.paused_until is not None and paid.paused_until > now:
        yield Payment("payment_paused_until", "", paid.paused_until)
    yield from (Payment(key, value) for key, value in state.org.gates if key in GATES)


def _rose_at(series: Series) -> datetime | None:
    if not series.rise:
        return None
    known = (run for run in reversed(series.runs) if run.minor is not None)
    return next((new.first for new, old in pairwise(known) if (new.minor or 0) > (old.minor or 0)), None)
