"""Metered credits: the meters of the replies, the prepaid balance, and whether work may go on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from claudemeter_tui.model.catalogue import CreditState, MeterOrigin, find_disabled_reason
from claudemeter_tui.model.money import Money

NOT_OPEN_STATES = (CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN)
"""States of a meter that keeps the credits from being open, the one that decides first."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One reply's account of the credits: what was used, the cap, whether they are shut."""

    origin: MeterOrigin
    used: Money | None = None
    """`used_credits` of the current month. None: not reported."""
    cap: Money | None = None
    """The monthly cap. None: there is none (`uncapped`), or it is not reported."""
    is_uncapped: bool = False
    """The reply says that there is no cap: enabled, and the cap null."""
    is_enabled: bool | None = None
    """`is_enabled`; it can be false beside real use. None: not reported."""
    reason: str | None = None
    """`disabled_reason`, the raw code. None: the reply gives none."""
    until: datetime | None = None
    """`disabled_until`. None: the reply gives none."""
    out_of_credits: bool = False
    cap_reached: bool = False
    """`spend_limit_reached`."""
    is_personal: bool = True
    """One person's figure; False: the pool of a Team or Enterprise organization."""

    @property
    def percent(self) -> float | None:
        """Used credits as percent of the cap, may exceed 100; None without a cap above zero."""
        return self.used.percent_of(self.cap) if self.used else None

    @property
    def remaining(self) -> Money | None:
        """What is left under the cap, never below zero; None without a known cap."""
        return self.cap.subtract(self.used) if self.cap and self.used else None

    @property
    def is_at_cap(self) -> bool:
        """Whether the figures themselves have reached the cap."""
        if self.used is None or self.cap is None or self.used.minor < self.cap.minor:
            return False
        return self.used.unit == self.cap.unit

    @property
    def state_key(self) -> tuple[object, ...]:
        """All that decides on its state: not the amounts, but whether they have reached the cap."""
        flags = self.is_enabled, self.out_of_credits, self.cap_reached, self.is_at_cap
        return self.origin, self.reason, self.until, *flags

    def compute_state(self, now: datetime) -> CreditState:
        """Return the state by this reply: flags and date decide first, then the reason, then the figures."""
        if self.out_of_credits or self.cap_reached or (self.until is not None and self.until > now):
            return CreditState.LOCKED
        if self.reason is not None:
            return find_disabled_reason(self.reason).state
        if not self.is_enabled:
            return CreditState.UNKNOWN if self.is_enabled is None else CreditState.OFF
        return CreditState.LOCKED if self.is_at_cap else CreditState.OPEN


@dataclass(frozen=True, slots=True)
class Tranche:
    """A part of the balance with a life of its own."""

    remaining: Money
    expires_at: datetime | None
    """None: it does not expire, or that is not reported."""
    is_promotional: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """Prepaid money."""

    amount: Money | None
    """What is left. None: nothing was ever bought, or it is not reported."""
    tranches: tuple[Tranche, ...] = ()
    """Their sum can differ from `amount` by a unit or two; `amount` is the figure."""
    auto_reload: bool | None = None
    """Whether the balance tops itself up. None: not reported."""


@dataclass(frozen=True)
class Credits:
    """Everything the replies of one org say about its extra usage."""

    meters: tuple[Meter, ...] = ()
    """One for each reply that reports credits, the leading one first."""
    balance: Balance | None = None
    """None: not reported."""
    is_absent: bool = False
    """The overage reply says that there is no metered billing."""
    is_overage_unrequested: bool = False
    """The reply that would tell of a lock is never asked for: nothing says that the credits are open."""
    paused_until: datetime | None = None
    """The organization's own pause of billable usage. None: no pause."""

    @cached_property
    def _leading_pair(self) -> tuple[Meter | None, Meter | None]:
        own = next((meter for meter in self.meters if meter.is_personal), None)
        return own, next((meter for meter in self.meters if not meter.is_personal), None)

    @property
    def own_meter(self) -> Meter | None:
        """The leading personal meter; None where no reply has one."""
        return self._leading_pair[0]

    @property
    def pool_meter(self) -> Meter | None:
        """The organization's meter on Team and Enterprise; None elsewhere."""
        return self._leading_pair[1]

    @property
    def lead_meter(self) -> Meter | None:
        """The meter to show and to sample: one's own, else the pool."""
        own, pool = self._leading_pair
        return own or pool

    @property
    def leading_meters(self) -> list[Meter]:
        """The meters that can keep the credits from being open, one's own first."""
        return [meter for meter in self._leading_pair if meter is not None]

    @property
    def balance_amount(self) -> Money | None:
        """The prepaid money that is left. None if nothing was ever bought, or it is not reported."""
        return self.balance.amount if self.balance is not None else None

    def find_deciding_meter(self, now: datetime) -> Meter | None:
        """The meter that keeps the credits from being open, one's own first; None where none does."""
        states = [(meter.compute_state(now), meter) for meter in self.leading_meters]
        return next((meter for wanted in NOT_OPEN_STATES for state, meter in states if state is wanted), None)

    def compute_state(self, now: datetime) -> CreditState:
        """Whether work may go on credits: the worst of one's own gate, the pool's and the pause."""
        if self.paused_until is not None and self.paused_until > now:
            return CreditState.LOCKED
        states = [meter.compute_state(now) for meter in self.leading_meters]
        if not states:
            return CreditState.ABSENT if self.is_absent else CreditState.UNKNOWN
        if states == [CreditState.OPEN] * len(states):
            return CreditState.UNKNOWN if self.is_overage_unrequested else CreditState.OPEN
        return next(state for state in NOT_OPEN_STATES if state in states)
