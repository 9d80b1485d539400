"""What keeps the credits from being open: the gates that are shut, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from claudemeter_tui.model.usage import NOT_OPEN, Credits, CreditState, Meter


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


@dataclass(frozen=True, slots=True)
class Shut:
    """One thing that keeps the credits from being open."""

    state: CreditState
    """LOCKED, OFF or UNKNOWN."""
    cause: Cause
    reason: str | None = None
    """`disabled_reason`, the raw code. None: the cause follows from a flag, a date or the figures."""
    until: datetime | None = None
    """When the server says it ends, after the verdict's moment. None: no date, or one that has passed."""
    personal: bool = True
    """One's own gate; False: the organization's."""


def shuts(money: Credits, state: CreditState, now: datetime) -> Iterator[Shut]:
    """Everything that keeps credits of this state from being open, locks first, one's own before the pool."""
    if money.paused_until is not None and money.paused_until > now:
        yield Shut(CreditState.LOCKED, Cause.PAUSED, until=money.paused_until, personal=False)
    found = [shut for meter in money.gates for shut in _gates(meter, now)]
    for which in NOT_OPEN:
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
