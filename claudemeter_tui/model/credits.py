"""Usage credits: the meters of the replies, the prepaid balance, and the state of the credits.

Credits are open only if a reply says so and no reply shows a sign of a lock, because a false "open" costs
money. Each of these signs locks them: `out_of_credits`, `spend_limit_reached`, used credits at or above the
cap, a future `disabled_until`, a `disabled_reason` that locks, a future `billable_usage_paused_until`. The
state is not known if a field that decides about a lock cannot be read, or the overage reply was not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from claudemeter_tui.model.catalogue import (
    CreditState,
    Endpoint,
    MeterOrigin,
    find_disabled_reason,
)
from claudemeter_tui.model.money import Money

MAX_CLOCK_STEP = timedelta(minutes=15)
"""A reply that is further in the future was read before the clock was set back."""
NOT_OPEN_STATES = (CreditState.LOCKED, CreditState.OFF, CreditState.UNKNOWN)
"""States in which credits are not open, in order of precedence."""


class Meter(NamedTuple):
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
    is_set_by_admin: bool = False
    """True if `limit_type` shows that an administrator set the cap for a member or a seat tier."""
    unreadable_keys: tuple[str, ...] = ()
    """Keys that decide about a lock and have a value that cannot be read."""
    figures_at: datetime | None = None
    """Time of the reply with `used` and `cap`, if the server has withdrawn them since, or newer requests
    failed. None if they are from the current reply.
    """

    @property
    def is_withdrawn(self) -> bool:
        """True if the meter looks withdrawn: no cap, and no use or a use of zero.

        When an organization reaches its own ceiling, the server reports one of two reasons, a use of 0 and no
        cap (seen in October 2026: EUR 273.15 of 300.00, a minute later 0.00 without a cap).
        """
        return self.cap is None and not (self.used and self.used.minor)

    @property
    def is_silent(self) -> bool:
        """True if this is `spend` without anything about the state; the other objects always report it."""
        if self.origin is not MeterOrigin.SPEND or self.is_enabled is not None:
            return False
        return not (self.reason is not None or self.unreadable_keys or self.is_at_cap)

    @property
    def is_unused(self) -> bool:
        """True if this is `spend` with `enabled: false` and zeros, which orgs without usage credits have too.

        Its figures are not shown, but it contradicts another reply that says that the credits are on.
        """
        is_bare = self.is_enabled is False and self.reason is None and not self.unreadable_keys
        return self.origin is MeterOrigin.SPEND and is_bare and self.is_withdrawn

    @property
    def percent(self) -> float | None:
        """Used credits in percent of the cap; may exceed 100. None without a cap above zero."""
        return self.used.percent_of(self.cap) if self.used else None

    @property
    def remaining(self) -> Money | None:
        """Money left under the cap, never below zero. None if use or cap is not known."""
        return self.cap.subtract(self.used) if self.cap and self.used else None

    @property
    def is_at_cap(self) -> bool:
        """True if the used credits have reached the cap, both in the same unit."""
        if self.used is None or self.cap is None or self.is_incomparable:
            return False
        return self.used.major >= self.cap.major

    @property
    def is_incomparable(self) -> bool:
        """True if use and cap are in different currencies, so that the cap may be reached."""
        return self.used is not None and self.cap is not None and self.used.currency != self.cap.currency

    @property
    def state_key(self) -> tuple[object, ...]:
        """Everything that the state depends on; of the amounts, only whether they have reached the cap."""
        flags = self.is_enabled, self.out_of_credits, self.cap_reached, self.is_at_cap
        return self.origin, self.reason, self.until, self.unreadable_keys, *flags

    def compute_state(self, now: datetime) -> CreditState:
        """Return the state according to this reply; UNKNOWN if it does not show one.

        The lock flags and the date come first, then the reason, then the figures, then `is_enabled`.
        """
        if self.out_of_credits or self.cap_reached or (self.until is not None and self.until > now):
            return CreditState.LOCKED
        if self.reason is not None:
            state = find_disabled_reason(self.reason).state
            # The server does not know the state (`fetch_error`), but the figures show it.
            return CreditState.LOCKED if state is CreditState.UNKNOWN and self.is_at_cap else state
        if self.is_at_cap:
            return CreditState.LOCKED
        if self.is_enabled is False:
            return CreditState.OFF
        is_doubtful = self.unreadable_keys or self.is_incomparable
        return CreditState.OPEN if self.is_enabled and not is_doubtful else CreditState.UNKNOWN


class Tranche(NamedTuple):
    """Part of the balance with its own expiry."""

    remaining: Money
    expires_at: datetime | None
    """Time at which the money expires. None if it does not expire, or its expiry is not reported."""
    is_promotional: bool
    is_scoped: bool = False
    """True if only some surfaces can use this part."""
    surfaces: tuple[str, ...] = ()
    """Names of these surfaces, as the server writes them. Empty if all can use it, or if none is named."""


class Balance(NamedTuple):
    """Prepaid money."""

    amount: Money | None
    """Money left; below zero it is a debt. None if nothing was ever bought, or it is not known."""
    tranches: tuple[Tranche, ...] = ()
    """Parts of the balance. Their sum can differ from `amount` by a minor unit or two; `amount` is right."""
    auto_reload: bool | None = None
    """True if auto-reload is switched on; see `is_reload_stopped`. None if not reported."""
    reload_stop_codes: tuple[str, ...] = ()
    """The server's codes for an auto-reload that does not work. Empty if it works, or if none is set up."""
    unscoped: Money | None = None
    """Part of `amount` that every surface can use. None if that is all of it."""
    figures_at: datetime | None = None
    """Time of the reply, if it is out of date because newer requests failed or stopped. None if it is
    current; an old balance decides nothing.
    """
    is_unknown: bool = False
    """True if the amount is missing or cannot be read, so that a balance of None is not "none"."""

    @property
    def usable(self) -> Money | None:
        """Money that every surface can use; below zero it is a debt. None if there is no amount."""
        return self.amount if self.unscoped is None else self.unscoped

    @property
    def scoped(self) -> Money | None:
        """Money for some surfaces only. None if there is none."""
        return self.amount.subtract(self.unscoped) if self.amount and self.unscoped else None

    @property
    def scoped_surfaces(self) -> tuple[str, ...]:
        """Names of the surfaces that can use the scoped money. Empty if none is named."""
        parts = (part for part in self.tranches if part.is_scoped and part.remaining.minor > 0)
        return tuple(dict.fromkeys(name for part in parts for name in part.surfaces))

    @property
    def is_reload_stopped(self) -> bool:
        """True if auto-reload is on and does not work."""
        return bool(self.reload_stop_codes) and self.auto_reload is not False

    @property
    def is_reloading(self) -> bool:
        """True if auto-reload is on and works."""
        return self.auto_reload is True and not self.reload_stop_codes


@dataclass(frozen=True)
class Credits:
    """Everything that the replies of one org report about its usage credits."""

    meters: tuple[Meter, ...] = ()
    """One meter per source that reports credits, the leading one first."""
    balance: Balance | None = None
    """Prepaid balance. None if not reported."""
    is_absent: bool = False
    """True if the overage reply reports that the org has no usage credits."""
    overage_read_at: datetime | None = None
    """Time of the last overage reply. None if it was never read."""
    valid_until: datetime | None = None
    """Time until which the last replies that report locks count. None if one of them was never read; then the
    credits are not known to be open.
    """
    paused_until: datetime | None = None
    """`billable_usage_paused_until` of the organization. None if usage is not paused."""
    is_pause_unreadable: bool = False
    """True if that field has a value that cannot be read."""
    is_shared: bool = False
    """True on Team and Enterprise, where an administrator sets every cap."""

    @cached_property
    def own_meter(self) -> Meter | None:
        """The leading personal meter. None if no reply has one."""
        return next((meter for meter in self.meters if meter.is_personal and not meter.is_unused), None)

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
        """The meters whose figures are shown, the personal one first."""
        return [meter for meter in (self.own_meter, self.pool_meter) if meter is not None]

    @property
    def balance_amount(self) -> Money | None:
        """Prepaid money left. None if nothing was ever bought, or it is not reported."""
        return self.balance.amount if self.balance is not None else None

    @property
    def usable_balance(self) -> Money | None:
        """Prepaid money that every surface can use. None if nothing was bought, or it is not reported."""
        return self.balance.usable if self.balance is not None else None

    @property
    def is_balance_outdated(self) -> bool:
        """True if there is a balance, but its reply is out of date."""
        return self.balance is not None and self.balance.figures_at is not None

    @cached_property
    def deciding_meters(self) -> tuple[Meter, ...]:
        """Every meter that reports something about the state, the personal ones first."""
        # Without usage credits, `enabled: false` says nothing more.
        reporting = (
            meter for meter in self.meters if not (meter.is_silent or (self.is_absent and meter.is_unused))
        )
        return tuple(sorted(reporting, key=lambda it: not it.is_personal))

    @cached_property
    def has_withdrawn_figures(self) -> bool:
        """True if the server withdraws figures; otherwise dated figures are only out of date."""
        return reports_withdrawal(self.meters)

    def is_paused(self, now: datetime) -> bool:
        """Return True if the organization has paused billable usage."""
        return self.paused_until is not None and self.paused_until > now

    def is_current(self, now: datetime) -> bool:
        """Return True if every reply that reports locks was read, and not too long ago.

        A reply from the future, after the clock was set back, is of an unknown age.
        """
        read_at = self.overage_read_at
        is_future = read_at is not None and read_at - now > MAX_CLOCK_STEP
        return self.valid_until is not None and now <= self.valid_until and not is_future

    def find_deciding_meter(self, now: datetime) -> Meter | None:
        """Return the meter that keeps the credits from being open, personal ones first. None if none does."""
        states = [(meter.compute_state(now), meter) for meter in self.deciding_meters]
        return next((meter for wanted in NOT_OPEN_STATES for state, meter in states if state is wanted), None)

    def find_contradictions(self, now: datetime) -> tuple[tuple[MeterOrigin, CreditState], ...]:
        """Return the state by each reply, if two replies about the same owner contradict each other.

        Empty if none do. The pool and one member's share may differ. So may a lock in the overage reply and
        an enabled `extra_usage`, because most locks are only in the overage reply.
        """
        for owner in (True, False):
            said = {
                meter.origin: meter.compute_state(now)
                for meter in self.deciding_meters
                if meter.is_personal is owner
            }
            clear = {origin: state for origin, state in said.items() if state is not CreditState.UNKNOWN}
            if self.is_absent and owner and CreditState.OPEN in clear.values():
                clear[MeterOrigin.OVERAGE] = CreditState.ABSENT
            overage = {origin for origin in clear if origin.endpoint is not Endpoint.USAGE}
            if any(clear[origin] is CreditState.LOCKED for origin in overage):
                clear = {origin: clear[origin] for origin in overage}
            if len(set(clear.values())) > 1 and CreditState.OPEN in clear.values():
                return tuple(clear.items())
        return ()

    def compute_state(self, now: datetime) -> CreditState:
        """Return the state: LOCKED if any reply shows a lock, OPEN only if nothing contradicts it."""
        states = {meter.compute_state(now) for meter in self.deciding_meters}
        if self.is_paused(now) or CreditState.LOCKED in states:
            return CreditState.LOCKED
        if not states:
            known_absent = self.is_absent and self.is_current(now)
            return CreditState.ABSENT if known_absent else CreditState.UNKNOWN
        if CreditState.OFF in states:
            # A reason is a clear sign; `is_enabled: false` is not, if another reply says true.
            has_reason = any(meter.reason is not None for meter in self.deciding_meters)
            is_clear = has_reason or not self.find_contradictions(now)
            return CreditState.OFF if is_clear else CreditState.UNKNOWN
        is_certain = not self.find_contradictions(now) and not self.is_pause_unreadable
        is_open = is_certain and states == {CreditState.OPEN} and self.is_current(now)
        return CreditState.OPEN if is_open else CreditState.UNKNOWN


LastFigures = Mapping[MeterOrigin, tuple[Money, Money | None, datetime]]
"""The last use and cap of each source, and the time of their reply; the cap is None if there was none."""


def combine_meters(meters: Iterable[Meter], last: LastFigures) -> tuple[Meter, ...]:
    """Return the meters of all replies, with the last real figures instead of withdrawn ones.

    Args:
        meters: The meters of the replies, the leading one first.
        last: The last figures of each source before the server withdrew them.
    """
    found = tuple(meters)
    if not reports_withdrawal(found):
        return found
    return tuple(_restore_figures(meter, last) if meter.is_withdrawn else meter for meter in found)


def reports_withdrawal(meters: Iterable[Meter]) -> bool:
    """Return True if any meter's reason means that the server withdraws figures, even of other meters."""
    reasons = (find_disabled_reason(meter.reason) for meter in meters if meter.reason is not None)
    return any(reason.withdraws_meter for reason in reasons)


def _restore_figures(meter: Meter, last: LastFigures) -> Meter:
    """Return the meter with its last figures before they were withdrawn; without figures if it had none."""
    used, cap, at = last.get(meter.origin, (None, None, None))
    return meter._replace(used=used, cap=cap, is_uncapped=False, figures_at=at)
