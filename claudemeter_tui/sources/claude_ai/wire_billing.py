"""What the prepaid and the subscription body mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.usage import Balance, Card, Subscription, Tranche
from claudemeter_tui.sources.claude_ai.fields import (
    Currency,
    Day,
    Exponent,
    Flag,
    Last4,
    Minor,
    Moment,
    Purchased,
    Text,
    money,
)
from claudemeter_tui.sources.claude_ai.lenient import Notes, Shape
from claudemeter_tui.sources.claude_ai.wire_credits import MoneyShape

STATUSES = frozenset({"active", "trialing", "past_due", "canceled", "paused"})
_INTERVAL = re.compile(r"_(?:monthly|yearly|annual|annually)$")


class PrepaidShape(Shape):
    """The prepaid body."""

    spare = frozenset(
        {
            "balance_credits",
            "expiry_policy_months",
            "last_paid_purchase_cents",
            "next_expires_at",
            "pending_invoice_amount_cents",
        }
    )

    amount: Purchased = None
    currency: Currency = None
    decimal_places: Exponent = None
    balance: Any = None
    auto_reload_settings: Any = None
    tranches: Any = None
    promo_tranches: Any = None


class BalanceShape(Shape):
    """`balance` of the prepaid body: one of the two."""

    money: Any = None
    credits: Any = None


class ReloadShape(Shape):
    """`auto_reload_settings`; only null was seen, these two names are likely ones."""

    enabled: Flag = None
    is_enabled: Flag = None


class TrancheShape(Shape):
    """A part of the balance."""

    remaining_amount_minor_units: Minor = None
    currency: Currency = None
    expires_at: Moment = None


class SubscriptionShape(Shape):
    """The subscription body."""

    spare = frozenset(
        {
            "billing_interval",
            "currency",
            "eligible_for_past_due_cycle_reset",
            "has_discounts",
            "has_schedule",
            "manual_pause_scheduled_at",
            "seat_tier_quantities",
            "subscription_details_url",
            "subscription_payment_type",
            "team_promo_ends_at",
            "test_clock_frozen_time",
            "trial_end_ts",
        }
    )

    status: Text = None
    next_charge_date: Day = None
    next_charge_at: Day = None
    plan_ending_at: Day = None
    plan_ending_before: Day = None
    payment_paused_until: Moment = None
    payment_method: Any = None
    scheduled_downgrade: Any = None
    gift_details: Any = None


class CardShape(Shape):
    """`payment_method`."""

    spare = frozenset({"country"})

    brand: Text = None
    type: Text = None
    last4: Last4 = None


class ChangeShape(Shape):
    """`scheduled_downgrade`."""

    spare = frozenset({"billing_interval", "base_price_in_minor_units", "currency"})

    plan_type: Text = None
    date: Day = None


class GiftShape(Shape):
    """`gift_details`."""

    paid_through: Day = None


def prepaid(body: dict[str, Any], notes: Notes) -> Balance:
    """The balance of a prepaid body."""
    found = notes.read(PrepaidShape, body) or PrepaidShape()
    return Balance(
        amount=_amount(found, notes),
        tranches=(
            *_tranches(found.tranches, found, "tranches", notes),
            *_tranches(found.promo_tranches, found, "promo_tranches", notes),
        ),
        auto_reload=_auto_reload(found.auto_reload_settings, notes),
    )


def subscription(body: dict[str, Any], notes: Notes) -> Subscription:
    """The subscription of its body: no charge follows where the plan ends."""
    found = notes.read(SubscriptionShape, body) or SubscriptionShape()
    notes.unless_known("status", found.status, STATUSES)
    ends = found.plan_ending_at or found.plan_ending_before
    gift = notes.read(GiftShape, found.gift_details, "gift_details")
    return Subscription(
        status=found.status,
        next_charge=None if ends else found.next_charge_date or found.next_charge_at,
        card=_card(found.payment_method, notes),
        ends=ends,
        paid_through=gift.paid_through if gift else None,
        paused_until=found.payment_paused_until,
        change=_change(found.scheduled_downgrade, notes),
    )


def _amount(found: PrepaidShape, notes: Notes) -> Money | None:
    """`amount` is the figure; `balance` only stands in where the key is missing or wrong."""
    balance = notes.read(BalanceShape, found.balance, "balance")
    parts = ((balance.money, "balance.money"), (balance.credits, "balance.credits")) if balance else ()
    inside = [part for raw, path in parts if (part := notes.read(MoneyShape, raw, path))]
    if "amount" in found.model_fields_set or not inside:
        return money(found.amount, found.currency, found.decimal_places)
    return money(inside[0].amount_minor, inside[0].currency or found.currency, inside[0].exponent)


def _auto_reload(raw: object, notes: Notes) -> bool | None:
    found = notes.read(ReloadShape, raw, "auto_reload_settings")
    if found is None:
        return None
    return found.is_enabled if found.enabled is None else found.enabled


def _tranches(raw: object, found: PrepaidShape, path: str, notes: Notes) -> Iterator[Tranche]:
    for _, part in notes.read_each(TrancheShape, raw, path):
        code = part.currency or found.currency
        remaining = money(part.remaining_amount_minor_units, code, found.decimal_places)
        if remaining is not None:
            yield Tranche(remaining, part.expires_at, promotional=path == "promo_tranches")


def _card(raw: object, notes: Notes) -> Card | None:
    found = notes.read(CardShape, raw, "payment_method")
    if found is None or not (found.brand or found.type or found.last4):
        return None
    return Card(found.brand or found.type or "", found.last4 or "")


def _change(raw: object, notes: Notes) -> tuple[str, date | None] | None:
    found = notes.read(ChangeShape, raw, "scheduled_downgrade")
    if found is None or not (found.plan_type or found.date):
        return None
    return _plan_words(found.plan_type) if found.plan_type else "another plan", found.date


def _plan_words(plan_type: str) -> str:
    """`Max 5x` of `max_5x_monthly`."""
    words = _INTERVAL.sub("", plan_type.removeprefix("claude_")).split("_")
    return " ".join(word.capitalize() for word in words if word) or plan_type
