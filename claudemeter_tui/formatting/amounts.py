"""Words for used credits, cap, balance, card and next charge."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import NamedTuple

from claudemeter_tui.formatting.values import format_money, format_percent, format_short_day, to_local
from claudemeter_tui.model.account import Card, Subscription
from claudemeter_tui.model.credits import Balance, Meter

NOT_REPORTED = "not reported"
AUTO_RELOAD = "auto-reload on"
"""Note beside a balance."""


def describe_missing_cap(meter: Meter, missing: str = NOT_REPORTED) -> str:
    """Return `no cap`, or `missing` if the reply does not say so."""
    return "no cap" if meter.is_uncapped else missing


def format_cap(meter: Meter, missing: str = NOT_REPORTED) -> str:
    """Return the cap, `no cap`, or `missing` if it is not reported."""
    return format_money(meter.cap, describe_missing_cap(meter, missing))


def list_use_forms(meter: Meter) -> list[str]:
    """Return `$17.20 of $50.00  34%` or `$17.20 used, no cap`, then shorter forms of the same."""
    used = format_money(meter.used)
    if meter.cap is None:
        return [f"{used} used, {describe_missing_cap(meter, 'cap not reported')}", f"{used} used", used]
    both = f"{used} of {format_money(meter.cap)}"
    if meter.percent is None:
        return [both, used]
    percent = format_percent(meter.percent)
    return [f"{both}  {percent}", f"{used}  {percent}", percent]


def list_balance_forms(balance: Balance, now: datetime, zone: tzinfo | None = None) -> list[str]:
    """Return `$244.35 ($100.00 expires Apr 25), auto-reload on`, then shorter forms of the same."""
    if balance.amount is None:
        return ["none"]
    parts = [format_money(balance.amount)]
    expiring = [
        (part.expires_at, part.remaining)
        for part in balance.tranches
        if part.expires_at and part.expires_at > now
    ]
    if expiring:
        expires_at, remaining = min(expiring, key=lambda pair: pair[0])
        day = format_short_day(to_local(expires_at, zone))
        parts.append(f" ({format_money(remaining)} expires {day})")
    if balance.auto_reload:
        parts.append(f", {AUTO_RELOAD}")
    return ["".join(parts[:end]) for end in range(len(parts), 0, -1)]


def format_card(card: Card | None) -> str:
    """Return `Visa ••4242`, the brand alone, or nothing if no card is reported."""
    if card is None:
        return ""
    return f"{card.brand} ••{card.last4}" if card.last4 else card.brand


class NextCharge(NamedTuple):
    """The next charge of a subscription, or the day on which it ends."""

    label: str
    """For a line of its own: `Next charge`, `Plan ends`, `Paid through`."""
    text: str
    """Beside the label "next": `charge Dec 18`, `none, ends Dec 18`."""
    day: str
    """As `2026-12-18`."""
    card: str | None = None
    """The card that pays; empty if none is reported. None if nothing is charged."""


def describe_next_charge(subscription: Subscription) -> NextCharge | None:
    """Return the next charge, or the day on which the plan or the gift ends. None if neither is known."""
    if subscription.ends_on is not None:
        day = subscription.ends_on
        return NextCharge("Plan ends", f"none, ends {format_short_day(day)}", day.isoformat())
    if subscription.next_charge is not None:
        day, card = subscription.next_charge, format_card(subscription.card)
        return NextCharge("Next charge", f"charge {format_short_day(day)}", day.isoformat(), card)
    if subscription.paid_through is not None:
        day = subscription.paid_through
        return NextCharge("Paid through", f"none, gift until {format_short_day(day)}", day.isoformat())
    return None
