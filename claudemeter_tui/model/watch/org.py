"""One org as it was last told about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from claudemeter_tui.model.events import Kind, Telling, Thresholds
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Endpoint, Reply
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.usage import Credits, Origin, Plan, Window
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.watch.purse import (
    MeterWatch,
    TrancheKey,
    balance_after,
    endpoint_of,
    next_warning,
    warned_after,
)
from claudemeter_tui.model.watch.replies import Believed
from claudemeter_tui.model.watch.stand import Stand
from claudemeter_tui.model.watch.window import WindowWatch

STALE_FOR = timedelta(seconds=30)
"""How long figures must be stale before it is told: the poll that ends it may be under way."""
_MOMENT = timedelta(microseconds=1)

Fresh = Mapping[Endpoint, Reply]
"""The replies that are new since the last look."""


@dataclass(frozen=True)
class OrgWatch:
    """What is remembered of one org."""

    seen: OrgState
    deciding: tuple[object, ...] = ()
    """All that it says but amounts and caps."""
    believed: Believed = field(default_factory=Believed)
    windows: Mapping[str, WindowWatch] = field(default_factory=dict)
    """By the window's key."""
    meters: Mapping[Origin, MeterWatch] = field(default_factory=dict)
    stand: Stand = field(default_factory=Stand)
    balance: Money | None = None
    """None: never read."""
    warned: frozenset[TrancheKey] = frozenset()
    """Parts of the balance whose end was told."""
    stale_since: datetime | None = None
    """When its figures were first seen to be stale. None: they are not."""
    stale: bool = False
    """Whether that was told."""

    ahead: datetime | None = None
    """When a window resets, a lock ends, or a part of the balance is about to expire. None: nothing does."""

    @property
    def due(self) -> datetime | None:
        """When the clock alone may change something. None: it changes nothing."""
        old = self._old_from
        if old is None or self.ahead is None:
            return old or self.ahead
        return min(old, self.ahead)

    @property
    def _old_from(self) -> datetime | None:
        """When its figures are stale, or are to be told to be. None: neither comes."""
        if self.stale_since is not None:
            return None if self.stale else self.stale_since + STALE_FOR
        read_at = self.seen.read_at
        return read_at + 2 * self.seen.interval + _MOMENT if read_at is not None else None

    @classmethod
    def first(cls, state: OrgState, thresholds: Thresholds, now: datetime) -> OrgWatch:
        """An org that is seen for the first time: what is so already is not told."""
        nothing = OrgState(state.org, state.account, state.session)
        return cls(nothing).after(state, thresholds, Telling(now, state.session))

    def is_current(self, state: OrgState, now: datetime) -> bool:
        """Whether another look would find nothing."""
        return state is self.seen and (self.due is None or now < self.due)

    def after(self, state: OrgState, thresholds: Thresholds, tell: Telling) -> OrgWatch:
        """The watch after one more look at the org."""
        waits = (self.due is None or tell.now < self.due) and not state.is_stale(tell.now)
        deciding = _deciding(state)
        if waits and self._is_settled and deciding == self.deciding:
            return OrgWatch(
                seen=state,
                deciding=deciding,
                believed=Believed(state.replies),
                windows=self.windows,
                meters=self._meters(state.credits, state.replies, thresholds, tell),
                stand=self.stand,
                balance=self.balance,
                warned=self.warned,
                stale=self.stale,
                ahead=self.ahead,
            )
        return replace(self._looked(state, thresholds, tell), deciding=deciding)

    @property
    def _is_settled(self) -> bool:
        """Whether nothing waits to be believed."""
        return (
            self.believed.is_all_of(self.seen.replies)
            and not any(watch.doubts for watch in self.windows.values())
            and all(watch.is_settled for watch in self.meters.values())
        )

    def _looked(self, state: OrgState, thresholds: Thresholds, tell: Telling) -> OrgWatch:
        before = self.seen.replies
        fresh = {endpoint: new for endpoint, new in state.replies.items() if new is not before.get(endpoint)}
        if state.session != self.seen.session:
            labels = {"before": self.seen.session.label, "after": state.session.label}
            tell(Kind.SOURCE_CHANGED, **labels)
        windows = self._windows(state, fresh, thresholds, tell)
        believed = self.believed.after(fresh, _in_order(windows, state.plan))
        steady = state if believed.is_all_of(state.replies) else replace(state, replies=believed.replies)
        money = steady.credits
        first = Endpoint.PREPAID not in self.believed.replies
        meters = self._meters(money, state.replies, thresholds, tell)
        balance = balance_after(self.balance, money.balance, tell)
        warned = warned_after(self.warned, money.balance, tell, first=first)
        stand = self.stand.after(judge(steady, tell.now), tell, money)
        ends = [watch.ends for watch in windows.values()]
        ahead = [*ends, stand.due, next_warning(money.balance, tell.now)]
        return OrgWatch(
            seen=state,
            believed=believed,
            windows=windows,
            meters=meters,
            stand=stand,
            balance=balance,
            warned=warned,
            stale_since=(self.stale_since or tell.now) if state.is_stale(tell.now) else None,
            stale=self.stale,
            ahead=min((moment for moment in ahead if moment is not None), default=None),
        )

    def _windows(
        self, state: OrgState, fresh: Fresh, thresholds: Thresholds, tell: Telling
    ) -> dict[str, WindowWatch]:
        """Every window after its new figures, if there are any, and after the clock."""
        known = {key: watch.ticked(tell) for key, watch in self.windows.items()}
        if Endpoint.USAGE not in fresh:
            return known
        named = {window.key: window for window in (state.plan or Plan()).windows}
        read = {key: watch.read(named.get(key), thresholds, tell) for key, watch in known.items()}
        came = {
            key: WindowWatch.first(window, tell.now, thresholds)
            for key, window in named.items()
            if key not in known
        }
        return {key: watch for key, watch in (read | came).items() if watch is not None}

    def _meters(
        self, money: Credits, replies: Mapping[Endpoint, Reply], thresholds: Thresholds, tell: Telling
    ) -> dict[Origin, MeterWatch]:
        """The meters that lead, after their new figures, if there are any."""
        known, before = dict(self.meters), self.seen.replies
        for meter in money.gates:
            place = endpoint_of(meter)
            if place in replies and replies[place] is not before.get(place):
                watch = known.get(meter.origin)
                known[meter.origin] = (
                    watch.read(meter, thresholds, tell) if watch else MeterWatch.first(meter, thresholds)
                )
        return known


def _deciding(state: OrgState) -> tuple[object, ...]:
    """All that events are told of but amounts and caps; where it is the same only these need a look."""
    money, plan = state.credits, state.plan or Plan(reported=False)
    windows = [(it.key, it.label, it.percent, it.resets_at, it.locked_reason) for it in plan.windows]
    gates = [meter.gate for meter in money.meters]
    known = state.org, state.session, Endpoint.USAGE in state.replies, plan.reported
    return *known, windows, gates, money.absent, money.unasked, money.balance


def _in_order(watches: Mapping[str, WindowWatch], plan: Plan | None) -> tuple[Window, ...]:
    """The believed windows as the reply has them, those that it lacks behind."""
    keys = dict.fromkeys(window.key for window in plan.windows) if plan is not None else {}
    return tuple(watches[key].window for key in keys | dict.fromkeys(watches))
