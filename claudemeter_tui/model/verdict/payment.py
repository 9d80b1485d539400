"""What is wrong with how the plan is paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from claudemeter_tui.model.store import OrgState

BAD_STATUS = frozenset({"past_due", "paused"})
"""Values of the subscription's `status` that somebody has to act on."""
GATES = frozenset({"billing_issue", "access_block", "subscription_pause"})
"""The organization's own gates that are named beside the verdict; the others concern the API."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Something wrong with how the plan is paid."""

    key: str
    """As the server names it: `status`, `payment_paused_until`, `billing_issue`, …"""
    value: str
    """As the server says it; empty where `until` says it all."""
    until: datetime | None = None
    """After the verdict's moment. None: no date."""


def payments(state: OrgState, now: datetime) -> Iterator[Payment]:
    """What is wrong with the payment now."""
    paid = state.subscription
    if paid is not None and paid.status in BAD_STATUS:
        yield Payment("status", paid.status)
    if paid is not None and paid.paused_until is not None and paid.paused_until > now:
        yield Payment("payment_paused_until", "", paid.paused_until)
    yield from (Payment(key, value) for key, value in state.org.gates if key in GATES)
