"""Usage credits: the meters of the replies, the prepaid balance, and the state of the credits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from claudemeter_tui.model.catalogue import CreditState, MeterOrigin, find_disabled_reason
from claudemeter_tui.model.money import Money

NOT_OPEN_STATES = (CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN)
"""States in which credits are not open, in order of precedence."""


@dataclass(frozen=True, slots=True)
class Meter:
    """The credits as one reply describes them: use, cap and locks."""

    origin: MeterOrigin
    used: Money | None = None
    """`used_credits` of the current month. None if not reported."""
    cap: Money | None = None
    """Monthly cap. None if there is none (see `is_uncapped`), or it is not reported."""
    is_uncapped: bool = False
    """True if the reply reports no cap: credits are enabled and the cap is null."""
    is_enabled: bool | None = None
    """`is_enabled`; can be false although credits were used. None if not reported."""
    reason: str | None = None
    """`disabled_reason`, the raw code. None if the reply has none."""
    until: datetime | None = None
    """`disabled_until`. None if the reply has none."""
    out_of_credits: bool = False
    cap_reached: bool = False
    """`spend_limit_reached`."""
    is_personal: bool = True
    """True for one person's figures; false for the pool of a Team or Enterprise organization."""

    @property
    def percent(self) -> float | None:
        """Used credits in percent of the cap; may exceed 100. None without a cap above zero."""
        return self.used.percent_of(self.cap) if self.used else None

    @property
    def remaining(self) -> Money | None:
        """Money left until the cap, never below zero. None if use or cap is not known."""
        return self.cap.subtract(self.used) if self.cap and self.used else None

    @property
    def is_at_cap(self) -> bool:
        """True if the used credits have reached the cap, both in the same unit."""
        if self.used is None or self.cap is None or self.used.minor < self.cap.minor:
            return False
        return self.used.unit == self.cap.unit

    @property
    def state_key(self) -> tuple[object, ...]:
        """Everything that the state depends on: no amounts, only whether they have reached the cap."""
        flags = self.is_enabled, self.out_of_credits, self.cap_reached, self.is_at_cap
        return self.origin, self.reason, self.until, *flags

    def compute_state(self, now: datetime) -> CreditState:
        """Return the state according to this reply.

        Lock flags and date decide first, then the reason, then `is_enabled`, then the figures.
        """
        if self.out_of_credits or self.cap_reached or (self.until is not None and self.until > now):
            return CreditState.LOCKED
        if self.reason is not None:
            return find_disabled_reason(self.reason).state
        if not self.is_enabled:
            return CreditState.UNKNOWN if self.is_enabled is None else CreditState.OFF
        return CreditState.LOCKED if self.is_at_cap else CreditState.OPEN


@dataclass(frozen=True, slots=True)
class Tranche:
    """Part of the balance with its own expiry."""

    remaining: Money
    expires_at: datetime | None
    """Time at which the money expires. None if it does not, or that is not reported."""
    is_promotional: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """Prepaid money."""

    amount: Money | None
    """Money left. None if nothing was ever bought, or it is not reported."""
    tranches: tuple[Tranche, ...] = ()
    """Parts of the balance. Their sum can differ from `amount` by a unit or two; `amount` counts."""
    auto_reload: bool | None = None
    """True if the balance is reloaded automatically. None if not reported."""


@dataclass(frozen=True)
class Credits:
    """All that the replies of one org report about its usage credits."""

    meters: tuple[Meter, ...] = ()
    """One meter per source that reports credits, the leading one first."""
    balance: Balance | None = None
    """Prepaid balance. None if not reported."""
    is_absent: bool = False
    """True if the overage reply reports that the org has no usage credits."""
    is_overage_unrequested: bool = False
    """True if the overage reply, which reports locks, is never requested: UNKNOWN then replaces OPEN."""
    paused_until: datetime | None = None
    """`billable_usage_paused_until` of the organization. None if usage is not paused."""

    @cached_property
    def own_meter(self) -> Meter | None:
        """The leading personal meter. None if no reply has one."""
        return next((meter for meter in self.meters if meter.is_personal), None)

    @cached_property
    def pool_meter(self) -> Meter | None:
        """The meter of the pool on Team and Enterprise. None on other plans."""
        return next((meter for meter in self.meters if not meter.is_personal), None)

    @property
    def lead_meter(self) -> Meter | None:
        """The meter to show and to record: the personal one, else the pool. None if there is neither."""
        return self.own_meter or self.pool_meter

    @property
    def leading_meters(self) -> list[Meter]:
        """The meters that can lock the credits or turn them off, the personal one first."""
        return [meter for meter in (self.own_meter, self.pool_meter) if meter is not None]

    @property
    def balance_amount(self) -> Money | None:
        """Prepaid money left. None if nothing was ever bought, or it is not reported."""
        return self.balance.amount if self.balance is not None else None

    def find_deciding_meter(self, now: datetime) -> Meter | None:
        """Return the meter that keeps the credits from being open, the personal one first, or None."""
        states = [(meter.compute_state(now), meter) for meter in self.leading_meters]
        return next((meter for wanted in NOT_OPEN_STATES for state, meter in states if state is wanted), None)

    def compute_state(self, now: datetime) -> CreditState:
        """Return the worst state of the personal meter, the pool and the organization's pause."""
        if self.paused_until is not None and self.paused_until > now:
            return CreditState.LOCKED
        states = [meter.compute_state(now) for meter in self.leading_meters]
        if not states:
            return CreditState.ABSENT if self.is_absent else CreditState.UNKNOWN
        if states == [CreditState.OPEN] * len(states):
            return CreditState.UNKNOWN if self.is_overage_unrequested else CreditState.OPEN
        return next(state for state in NOT_OPEN_STATES if state in states)
