"""Parse the prepaid and the subscription body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated

from claudemeter_tui.claude_ai.parse_credits import MoneyModel
from claudemeter_tui.claude_ai.validation import (
    NEVER_BOUGHT,
    Currency,
    Day,
    Each,
    Exponent,
    Flag,
    Last4,
    Lenient,
    Minor,
    ParsedBody,
    ParseReport,
    PurchasedMinor,
    ReplyModel,
    Text,
    Timestamp,
    build_money,
    note_unknown,
)
from claudemeter_tui.model.account import Card, Subscription
from claudemeter_tui.model.catalogue import SUBSCRIPTION_STATUSES
from claudemeter_tui.model.credits import Balance, Tranche
from claudemeter_tui.model.money import Money

_INTERVAL_SUFFIX = re.compile(r"_(?:monthly|yearly|annual|annually)$")


class BalanceModel(ReplyModel):
    """`balance` of the prepaid body: one of the two."""

    reply_object = "balance"

    money: Lenient[MoneyModel] = None
    credits: Lenient[MoneyModel] = None


class TrancheModel(ReplyModel):
    """A part of the balance."""

    reply_object = "tranche"

    remaining_amount_minor_units: Minor = None
    currency: Currency = None
    expires_at: Timestamp = None


class AutoReloadModel(ReplyModel):
    """`auto_reload_settings`; only null was seen, these two names are likely ones."""

    reply_object = "auto_reload"

    enabled: Flag = None
    is_enabled: Flag = None


class PrepaidModel(ReplyModel):
    """The prepaid body."""

    reply_object = "prepaid"

    amount: PurchasedMinor = None
    currency: Currency = None
    decimal_places: Exponent = None
    balance: Lenient[BalanceModel] = None
    tranches: Lenient[Each[TrancheModel]] = None
    promo_tranches: Lenient[Each[TrancheModel]] = None
    auto_reload_settings: Lenient[AutoReloadModel] = None


class GiftModel(ReplyModel):
    """`gift_details`."""

    reply_object = "gift"

    paid_through: Day = None


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


class SubscriptionModel(ReplyModel):
    """The subscription body."""

    reply_object = "subscription"

    status: Annotated[Text, note_unknown(SUBSCRIPTION_STATUSES)] = None
    next_charge_date: Day = None
    next_charge_at: Day = None
    plan_ending_at: Day = None
    plan_ending_before: Day = None
    payment_paused_until: Timestamp = None
    gift_details: Lenient[GiftModel] = None
    payment_method: Lenient[CardModel] = None
    scheduled_downgrade: Lenient[DowngradeModel] = None


def parse_prepaid(body: object) -> ParsedBody[Balance | None]:
    """Return the prepaid balance. None if the body is null.

    Raises:
        MalformedError: the body is neither null nor an object.
    """
    if body is None:
        return ParsedBody(None)
    notes = ParseReport()
    found = notes.parse_body(PrepaidModel, body)
    reload = found.auto_reload_settings or AutoReloadModel()
    balance = Balance(
        amount=_find_balance_amount(found),
        tranches=(
            *_build_tranches(found, found.tranches, is_promotional=False),
            *_build_tranches(found, found.promo_tranches, is_promotional=True),
        ),
        auto_reload=reload.is_enabled if reload.enabled is None else reload.enabled,
    )
    return notes.build_parsed_body(balance)


def parse_subscription(body: object) -> ParsedBody[Subscription | None]:
    """Return the subscription; it has no next charge if the plan ends. None if the body is null.

    Raises:
        MalformedError: the body is neither null nor an object.
    """
    if body is None:
        return ParsedBody(None)
    notes = ParseReport()
    found = notes.parse_body(SubscriptionModel, body)
    ends = found.plan_ending_at or found.plan_ending_before
    subscription = Subscription(
        status=found.status,
        next_charge=None if ends else found.next_charge_date or found.next_charge_at,
        card=_build_card(found.payment_method or CardModel()),
        ends_on=ends,
        paid_through=found.gift_details.paid_through if found.gift_details else None,
        paused_until=found.payment_paused_until,
        scheduled_change=_build_scheduled_change(found.scheduled_downgrade or DowngradeModel()),
    )
    return notes.build_parsed_body(subscription)


def _find_balance_amount(found: PrepaidModel) -> Money | None:
    """Return `amount`, or the amount in `balance` if that key is missing or wrong."""
    parts = (found.balance.money, found.balance.credits) if found.balance else ()
    inside = next((part for part in parts if part), None)
    if found.amount is None and not found.is_null("amount") and inside is not None:
        return build_money(inside.amount_minor, inside.currency or found.currency, inside.exponent)
    amount = None if found.amount == NEVER_BOUGHT else found.amount
    return build_money(amount, found.currency, found.decimal_places)


def _build_tranches(
    found: PrepaidModel, parts: list[TrancheModel] | None, *, is_promotional: bool
) -> Iterator[Tranche]:
    for part in parts or ():
        code = part.currency or found.currency
        remaining = build_money(part.remaining_amount_minor_units, code, found.decimal_places)
        if remaining is not None:
            yield Tranche(remaining, part.expires_at, is_promotional=is_promotional)


def _build_card(found: CardModel) -> Card | None:
    if not (found.brand or found.type or found.last4):
        return None
    return Card(found.brand or found.type or "", found.last4 or "")


def _build_scheduled_change(found: DowngradeModel) -> tuple[str, date | None] | None:
    if not (found.plan_type or found.date):
        return None
    return _format_plan_name(found.plan_type) if found.plan_type else "another plan", found.date


def _format_plan_name(plan_type: str) -> str:
    """Return `Max 5x` for `max_5x_monthly`."""
    words = _INTERVAL_SUFFIX.sub("", plan_type.removeprefix("claude_")).split("_")
    return " ".join(word.capitalize() for word in words if word) or plan_type
