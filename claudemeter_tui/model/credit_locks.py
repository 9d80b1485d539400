"""Find every cause that keeps the usage credits from being open, once each, with its end and owner.

The cause of a locked meter is decided from its figures, in this order:

1. The cap, if it is reached or the reason says so. With a reached cap, the reason for the organization's own
   pause (`org_level_disabled_until`) also means the cap, because personal plans then report that reason.
2. The balance, if the server says `out_of_credits`. It counts as empty only if the prepaid reply agrees or
   reports nothing. With a reached cap it is a cause only if the prepaid reply shows that it is empty. A
   prepaid reply that is out of date shows neither: the cause is then what the server says.
3. Anything else: the reason, which is quoted if its meaning is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint, MeterOrigin, find_disabled_reason
from claudemeter_tui.model.credits import NOT_OPEN_STATES, Credits, Meter
from claudemeter_tui.model.money import Money


class CreditLock(NamedTuple):
    """One cause that keeps the credits from being open."""

    state: CreditState
    """LOCKED, OFF or UNKNOWN."""
    cause: Cause
    reason: str | None = None
    """`disabled_reason`, the raw code. None if the cause follows from a flag, a date or the figures."""
    until: datetime | None = None
    """End of the lock according to the server. None if there is no date, or the date has passed."""
    is_personal: bool = True
    """True for the user's own lock; false for the organization's."""
    needs_admin: bool = False
    """True if only an administrator of the organization can lift it."""
    origin: MeterOrigin | None = None
    """Reply that shows the lock. None if no single reply does."""
    unreadable_key: str | None = None
    """Key whose value cannot be read. None for any cause other than UNREADABLE."""
    meter: Meter | None = None
    """The meter of the pool whose cap is reached. None for every other lock."""
    balance: Money | None = None
    """Balance that contradicts the lock. None for any cause other than OUT_OF_CREDITS, and if the balance is
    out of date.
    """
    read_at: datetime | None = None
    """Time of the reply that shows the lock, if newer ones could not be read. None if it is current."""

    @property
    def is_balance_outdated(self) -> bool:
        """True if the server says `out_of_credits`, and the balance is too old to agree or to contradict."""
        return self.cause is Cause.OUT_OF_CREDITS and self.balance is None


def find_credit_locks(money: Credits, state: CreditState, now: datetime) -> tuple[CreditLock, ...]:
    """Return every cause that keeps the credits from being open; empty if they are open or absent.

    `state` is that of the credits at `now`. The pause comes first, then the other locks, then other states;
    the personal meter before the pool.
    """
    if state in (CreditState.OPEN, CreditState.ABSENT):
        return ()
    meters = (meter for meter in money.deciding_meters if not _repeats_pool(meter, money.pool_meter))
    found = [lock for meter in meters for lock in _find_meter_locks(money, meter, now)]
    if state is CreditState.UNKNOWN and money.is_pause_unreadable:
        found.append(
            CreditLock(
                state, Cause.UNREADABLE, unreadable_key="billable_usage_paused_until", is_personal=False
            )
        )
    elif state is CreditState.UNKNOWN and money.find_contradictions(now):
        found = [CreditLock(state, Cause.CONTRADICTION)]
    elif state is CreditState.UNKNOWN and not found:
        is_read = money.is_current(now)
        found = [CreditLock(state, Cause.NOT_REPORTED if is_read else Cause.NOT_READ)]
    if money.is_paused(now):
        pause = CreditLock(
            CreditState.LOCKED, Cause.PAUSED, until=money.paused_until, is_personal=not money.is_shared
        )
        found.insert(0, pause)
    return _merge_locks(sorted(found, key=lambda lock: NOT_OPEN_STATES.index(lock.state)))


def _repeats_pool(meter: Meter, pool: Meter | None) -> bool:
    """Return True if a member's reply repeats the pool's figures, so that its lock is the pool's."""
    if pool is None or pool.used is None or pool is meter or meter.origin is not MeterOrigin.OWN_OVERAGE:
        return False
    return meter._replace(origin=pool.origin, is_personal=False) == pool


def _merge_locks(locks: Iterable[CreditLock]) -> tuple[CreditLock, ...]:
    """Return each cause of each owner once, with the first date and code that a reply gives for it."""
    merged: dict[tuple[CreditState, Cause, bool, str | None], CreditLock] = {}
    for lock in locks:
        quoted = lock.reason if lock.cause is Cause.SERVER else lock.unreadable_key
        key = lock.state, lock.cause, lock.is_personal, quoted
        known = merged.setdefault(key, lock)
        merged[key] = known._replace(until=known.until or lock.until, reason=known.reason or lock.reason)
    return tuple(merged.values())


def _find_meter_locks(money: Credits, meter: Meter, now: datetime) -> Iterator[CreditLock]:
    """Yield the locks of one meter; only the first has the date, and at most one has a quoted reason."""
    state = meter.compute_state(now)
    if state is CreditState.OPEN:
        return
    reason = find_disabled_reason(meter.reason) if meter.reason is not None else None
    is_outdated = meter.origin.endpoint is not Endpoint.USAGE and not money.is_current(now)
    lock = CreditLock(
        state,
        Cause.SERVER,
        reason=meter.reason,
        is_personal=meter.is_personal and not (money.is_shared and reason and reason.concerns_org),
        needs_admin=money.is_shared or meter.is_set_by_admin or not meter.is_personal,
        origin=meter.origin,
        read_at=money.overage_read_at if is_outdated else None,
    )
    until = meter.until if meter.until is not None and meter.until > now else None
    if state is not CreditState.LOCKED:
        plain = Cause.OFF if state is CreditState.OFF else Cause.NOT_REPORTED
        if reason is None and meter.unreadable_keys:
            lock = lock._replace(unreadable_key=meter.unreadable_keys[0])
            plain = Cause.UNREADABLE
        yield lock._replace(cause=reason.cause if reason else plain, until=until)
        return
    causes = list(_find_causes(money, meter))
    is_quoted = reason is not None and reason.cause is Cause.SERVER
    if not causes or is_quoted:
        causes.append(reason.cause if reason else Cause.SERVER)
    for cause in causes:
        yield lock._replace(
            cause=cause,
            reason=meter.reason if cause is Cause.SERVER or not is_quoted else None,
            until=until,
            meter=meter if cause is Cause.CAP and not meter.is_personal else None,
            balance=None
            if cause is not Cause.OUT_OF_CREDITS or money.is_balance_outdated
            else money.usable_balance,
        )
        until = None


def _find_causes(money: Credits, meter: Meter) -> Iterator[Cause]:
    """Yield the cap and the balance, each only if it locks this meter."""
    reason = find_disabled_reason(meter.reason).cause if meter.reason is not None else None
    is_cap_reached = meter.cap_reached or meter.is_at_cap or reason is Cause.CAP
    if is_cap_reached:
        yield Cause.CAP
    if meter.out_of_credits or reason is Cause.EMPTY_BALANCE:
        balance = money.usable_balance
        if balance is not None and money.is_balance_outdated:
            if not is_cap_reached:
                yield Cause.OUT_OF_CREDITS
        elif balance is None or balance.minor <= 0:
            if balance is not None or not is_cap_reached:
                yield Cause.EMPTY_BALANCE
        elif not is_cap_reached:
            yield Cause.OUT_OF_CREDITS
