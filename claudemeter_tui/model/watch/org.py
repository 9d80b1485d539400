"""One org as it was last told about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

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
    at: datetime
    """When it was last looked at."""
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

    @cached_property
    def due(self) -> datetime | None:
        """When the clock alone may change something. None: it changes nothing."""
        return min(_moments(self), default=None)

    @classmethod
    def first(cls, state: OrgState, thresholds: Thresholds, now: datetime) -> OrgWatch:
        """An org that is seen for the first time: what is so already is not told."""
        nothing = OrgState(state.org, state.account, state.session)
        return cls(nothing, now).after(state, thresholds, Telling(now, state.session))

    def is_current(self, state: OrgState, now: datetime) -> bool:
        """Whether another look would find nothing."""
        return state is self.seen and (self.due is None or now < self.due)

    def after(self, state: OrgState, thresholds: Thresholds, tell: Telling) -> OrgWatch:
        """The watch after one more look at the org."""
        waits = self.due is None or tell.now < self.due
        before = self.seen.replies
        fresh = {endpoint: new for endpoint, new in state.replies.items() if new is not before.get(endpoint)}
        if waits and self._is_same(state, fresh) and not state.is_stale(tell.now):
            believed = Believed(state.replies)
            return replace(self, seen=state, at=tell.now, believed=believed, stale_since=None)
        return self._looked(state, fresh, thresholds, tell)

    def _is_same(self, state: OrgState, fresh: Fresh) -> bool:
        """Whether every new reply says what the one before said, and nothing waits to be believed."""
        before, seen = self.seen.replies, self.seen
        return (
            (state.org, state.session) == (seen.org, seen.session)
            and all(one in before and before[one].value == new.value for one, new in fresh.items())
            and self.believed.is_all_of(before)
            and not any(watch.doubts for watch in self.windows.values())
            and all(watch.is_settled for watch in self.meters.values())
        )

    def _looked(self, state: OrgState, fresh: Fresh, thresholds: Thresholds, tell: Telling) -> OrgWatch:
        if state.session != self.seen.session:
            labels = {"before": self.seen.session.label, "after": state.session.label}
            tell(Kind.SOURCE_CHANGED, **labels)
        windows = self._windows(state, fresh, thresholds, tell)
        believed = self.believed.after(fresh, _in_order(windows, state.plan))
        steady = state if believed.is_all_of(state.replies) else replace(state, replies=believed.replies)
        money = steady.credits
        first = Endpoint.PREPAID not in self.believed.replies
        return OrgWatch(
            seen=state,
            at=tell.now,
            believed=believed,
            windows=windows,
            meters=self._meters(money, fresh, thresholds, tell),
            balance=balance_after(self.balance, money.balance, tell),
            warned=warned_after(self.warned, money.balance, tell, first=first),
            stand=self.stand.after(judge(steady, tell.now), tell, money),
            stale_since=(self.stale_since or tell.now) if state.is_stale(tell.now) else None,
            stale=self.stale,
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
        self, money: Credits, fresh: Fresh, thresholds: Thresholds, tell: Telling
    ) -> dict[Origin, MeterWatch]:
        """The meters that lead, after their new figures, if there are any."""
        known = dict(self.meters)
        for meter in (money.own, money.pool):
            if meter is not None and endpoint_of(meter) in fresh:
                watch = known.get(meter.origin)
                known[meter.origin] = (
                    watch.read(meter, thresholds, tell) if watch else MeterWatch.first(meter, thresholds)
                )
        return known


def _in_order(watches: Mapping[str, WindowWatch], plan: Plan | None) -> tuple[Window, ...]:
    """The believed windows as the reply has them, those that it lacks behind."""
    keys = dict.fromkeys(window.key for window in plan.windows) if plan is not None else {}
    return tuple(watches[key].window for key in keys | dict.fromkeys(watches))


def _moments(watch: OrgWatch) -> Iterator[datetime]:
    """When the clock alone changes something."""
    for window in watch.windows.values():
        if window.window.resets_at is not None and not window.over:
            yield window.window.resets_at
    if watch.stand.due is not None:
        yield watch.stand.due
    prepaid = watch.believed.replies.get(Endpoint.PREPAID)
    warning = next_warning(prepaid.value, watch.at) if prepaid is not None else None
    if warning is not None:
        yield warning
    if watch.stale_since is None and watch.seen.read_at is not None:
        yield watch.seen.read_at + 2 * watch.seen.interval + _MOMENT
    if watch.stale_since is not None and not watch.stale:
        yield watch.stale_since + STALE_FOR
