"""What the prepaid and the subscription body mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from claudemeter_tui.claude_ai.parse_credits import MoneyModel
from claudemeter_tui.claude_ai.validation import (
    Currency,
    Day,
    Exponent,
    Flag,
    Last4,
    Minor,
    ParseReport,
    PurchasedMinor,
    ReplyModel,
    Text,
    Timestamp,
    build_money,
)
from claudemeter_tui.model.account import Card, Subscription
from claudemeter_tui.model.catalogue import SUBSCRIPTION_STATUSES
from claudemeter_tui.model.credits import Balance, Tranche
from claudemeter_tui.model.money import Money

_INTERVAL_SUFFIX = re.compile(r"_(?:monthly|yearly|annual|annually)$")


class PrepaidModel(ReplyModel):
    """The prepaid body."""

    reply_object = "prepaid"

    amount: PurchasedMinor = None
    currency: Currency = None
    decimal_places: Exponent = None
    balance: Any = None
    auto_reload_settings: Any = None
    tranches: Any = None
    promo_tranches: Any = None


class BalanceModel(ReplyModel):
    """`balance` of the prepaid body: one of the two."""

    reply_object = "balance"

    money: Any = None
    credits: Any = None


class AutoReloadModel(ReplyModel):
    """`auto_reload_settings`; only null was seen, these two names are likely ones."""

    reply_object = "auto_reload"

    enabled: Flag = None
    is_enabled: Flag = None


class TrancheModel(ReplyModel):
    """A part of the balance."""

    reply_object = "tranche"

    remaining_amount_minor_units: Minor = None
    currency: Currency = None
    expires_at: Timestamp = None


class SubscriptionModel(ReplyModel):
    """The subscription body."""

    reply_object = "subscription"

    status: Text = None
    next_charge_date: Day = None
    next_charge_at: Day = None
    plan_ending_at: Day = None
    plan_ending_before: Day = None
    payment_paused_until: Timestamp = None
    payment_method: Any = None
    scheduled_downgrade: Any = None
    gift_details: Any = None


class CardModel(ReplyModel):
    """`payment_method`."""

    reply_object = "card"

    brand: Text = None
    type: Text = None
    last4: Last4 = None


class DowngradeModel(ReplyModel):
    """`scheduled_downgrade`."""

    reply_object = "downgrade"

    plan_type: Text = None
    date: Day = None


class GiftModel(ReplyModel):
    """`gift_details`."""

    reply_object = "gift"

    paid_through: Day = None


def build_balance(body: dict[str, Any], notes: ParseReport) -> Balance:
    """The balance of a prepaid body."""
    found = notes.parse_object(PrepaidModel, body) or PrepaidModel()
    return Balance(
        amount=_find_balance_amount(found, notes),
        tranches=(
            *_parse_tranches(found.tranches, found, "tranches", notes),
            *_parse_tranches(found.promo_tranches, found, "promo_tranches", notes),
        ),
        auto_reload=_parse_auto_reload(found.auto_reload_settings, notes),
    )


def build_subscription(body: dict[str, Any], notes: ParseReport) -> Subscription:
    """The subscription of its body: no charge follows where the plan ends."""
    found = notes.parse_object(SubscriptionModel, body) or SubscriptionModel()
    notes.check_known("status", found.status, SUBSCRIPTION_STATUSES)
    ends = found.plan_ending_at or found.plan_ending_before
    gift = notes.parse_object(GiftModel, found.gift_details, "gift_details")
    return Subscription(
        status=found.status,
        next_charge=None if ends else found.next_charge_date or found.next_charge_at,
        card=_parse_card(found.payment_method, notes),
        ends_on=ends,
        paid_through=gift.paid_through if gift else None,
        paused_until=found.payment_paused_until,
        scheduled_change=_parse_scheduled_change(found.scheduled_downgrade, notes),
    )


def _find_balance_amount(found: PrepaidModel, notes: ParseReport) -> Money | None:
    """`amount` is the figure; `balance` only stands in where the key is missing or wrong."""
    balance = notes.parse_object(BalanceModel, found.balance, "balance")
    parts = ((balance.money, "balance.money"), (balance.credits, "balance.credits")) if balance else ()
    inside = [part for raw, path in parts if (part := notes.parse_object(MoneyModel, raw, path))]
    if "amount" in found.model_fields_set or not inside:
        return build_money(found.amount, found.currency, found.decimal_places)
    return build_money(inside[0].amount_minor, inside[0].currency or found.currency, inside[0].exponent)


def _parse_auto_reload(raw: object, notes: ParseReport) -> bool | None:
    found = notes.parse_object(AutoReloadModel, raw, "auto_reload_settings")
    if found is None:
        return None
    return found.is_enabled if found.enabled is None else found.enabled


def _parse_tranches(raw: object, found: PrepaidModel, path: str, notes: ParseReport) -> Iterator[Tranche]:
    for _, part in notes.parse_each(TrancheModel, raw, path):
        code = part.currency or found.currency
        remaining = build_money(part.remaining_amount_minor_units, code, found.decimal_places)
        if remaining is not None:
            yield Tranche(remaining, part.expires_at, is_promotional=path == "promo_tranches")


def _parse_card(raw: object, notes: ParseReport) -> Card | None:
    found = notes.parse_object(CardModel, raw, "payment_method")
    if found is None or not (found.brand or found.type or found.last4):
        return None
    return Card(found.brand or found.type or "", found.last4 or "")


def _parse_scheduled_change(raw: object, notes: ParseReport) -> tuple[str, date | None] | None:
    found = notes.parse_object(DowngradeModel, raw, "scheduled_downgrade")
    if found is None or not (found.plan_type or found.date):
        return None
    return _format_plan_name(found.plan_type) if found.plan_type else "another plan", found.date


def _format_plan_name(plan_type: str) -> str:
    """`Max 5x` of `max_5x_monthly`."""
    words = _INTERVAL_SUFFIX.sub("", plan_type.removeprefix("claude_")).split("_")
    return " ".join(word.capitalize() for word in words if word) or plan_type
