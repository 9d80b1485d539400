"""What the replies say about metered credits: `extra_usage`, `spend` and the overage body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.usage import OFF_REASONS, UNKNOWN_REASONS, Meter, Origin
from claudemeter_tui.sources.claude_ai.fields import (
    Currency,
    Exponent,
    Flag,
    Identifier,
    Minor,
    Moment,
    Text,
    money,
)
from claudemeter_tui.sources.claude_ai.lenient import Notes, Shape

LOCKED_REASONS = frozenset(
    {
        "out_of_credits",
        "org_spend_cap_reached",
        "self_selected_spend_limit_reached",
        "org_level_disabled_until",
        "capacity_protection",
    }
)
REASONS = OFF_REASONS | UNKNOWN_REASONS | LOCKED_REASONS
"""Every `disabled_reason` that was ever heard of."""
LIMIT_TYPES = frozenset({"organization", "member", "seat_tier"})


class ExtraUsageShape(Shape):
    """`extra_usage` of the usage body."""

    # Its utilization is the server's own percent: it is computed here instead.
    spare = frozenset({"utilization", "daily", "weekly", "user_disabled", "credits_ever_enabled"})

    is_enabled: Flag = None
    monthly_limit: Minor = None
    used_credits: Minor = None
    currency: Currency = None
    decimal_places: Exponent = None
    disabled_reason: Text = None
    disabled_until: Moment = None
    out_of_credits: Flag = None
    spend_limit_reached: Flag = None


class SpendShape(Shape):
    """`spend` of the usage body."""

    spare = frozenset(
        {"percent", "severity", "balance", "auto_reload", "disclaimer", "can_purchase_credits", "can_toggle"}
    )

    used: Any = None
    limit: Any = None
    cap: Any = None
    enabled: Flag = None
    disabled_reason: Text = None


class MoneyShape(Shape):
    """An amount with its unit."""

    amount_minor: Minor = None
    currency: Currency = None
    exponent: Exponent = None


class OverageShape(Shape):
    """The overage body, with the names that it had before 2026."""

    spare = frozenset(
        {
            "account_email",
            "account_name",
            "balance_cents",
            "created_at",
            "discount_ends_at",
            "discount_percent",
            "group_deleted",
            "group_name",
            "group_uuid",
            "org_service_name",
            "organization_uuid",
            "period",
            "resolved_group_limit",
            "seat_tier",
            "settings",
            "updated_at",
            "used_credits_basis",
        }
    )

    is_enabled: Flag = None
    monthly_credit_limit: Minor = None
    spend_limit_amount_cents: Minor = None
    used_credits: Minor = None
    currency: Currency = None
    spend_limit_currency: Currency = None
    decimal_places: Exponent = None
    out_of_credits: Flag = None
    spend_limit_reached: Flag = None
    disabled_reason: Text = None
    disabled_until: Moment = None
    limit_type: Text = None
    type: Text = None
    account_uuid: Identifier = None


def meters_beside(body: dict[str, Any], notes: Notes) -> Iterator[Meter]:
    """The meters that the usage body holds beside its windows, `extra_usage` first."""
    extra = notes.read(ExtraUsageShape, body.get("extra_usage"), "extra_usage")
    spend = notes.read(SpendShape, body.get("spend"), "spend")
    used = notes.read(MoneyShape, spend and spend.used, "spend.used")
    limit = notes.read(MoneyShape, spend and spend.limit, "spend.limit")
    if extra is not None and any(value is not None for value in body["extra_usage"].values()):
        yield _extra_usage(extra, _code(extra, used, limit), notes)
    if spend is not None:
        found = _spend(spend, _amount(used, limit, extra), _amount(limit, used, extra), notes)
        if found.cap or found.enabled or found.reason or (found.used and found.used.minor):
            yield found


def overage(body: dict[str, Any], origin: Origin, notes: Notes, *, shared: bool) -> Meter:
    """The meter of an overage body."""
    found = notes.read(OverageShape, body) or OverageShape()
    limit_type = found.limit_type or found.type
    pooled = shared and limit_type in (None, "organization") and found.account_uuid is None
    notes.unless_known("disabled_reason", found.disabled_reason, REASONS)
    notes.unless_known("limit_type", limit_type, LIMIT_TYPES)
    code = found.currency or found.spend_limit_currency
    cap = found.spend_limit_amount_cents if found.monthly_credit_limit is None else found.monthly_credit_limit
    return Meter(
        origin=origin,
        used=money(found.used_credits, code, found.decimal_places),
        cap=money(cap, code, found.decimal_places),
        uncapped=bool(found.is_enabled) and cap is None and found.is_null("monthly_credit_limit"),
        enabled=found.is_enabled,
        reason=found.disabled_reason,
        until=found.disabled_until,
        out_of_credits=found.out_of_credits or False,
        cap_reached=found.spend_limit_reached or False,
        personal=origin is Origin.OWN or not pooled,
    )


def _extra_usage(found: ExtraUsageShape, code: str | None, notes: Notes) -> Meter:
    notes.unless_known("extra_usage.disabled_reason", found.disabled_reason, REASONS)
    return Meter(
        origin=Origin.EXTRA_USAGE,
        used=money(found.used_credits, code, found.decimal_places),
        cap=money(found.monthly_limit, code, found.decimal_places),
        uncapped=bool(found.is_enabled) and found.is_null("monthly_limit"),
        enabled=found.is_enabled,
        reason=found.disabled_reason,
        until=found.disabled_until,
        out_of_credits=found.out_of_credits or False,
        cap_reached=found.spend_limit_reached or False,
    )


def _spend(found: SpendShape, used: Money | None, limit: Money | None, notes: Notes) -> Meter:
    notes.unless_known("spend.disabled_reason", found.disabled_reason, REASONS)
    return Meter(
        origin=Origin.SPEND,
        used=used,
        cap=limit,
        uncapped=bool(found.enabled) and found.is_null("limit") and found.cap is None,
        enabled=found.enabled,
        reason=found.disabled_reason,
    )


def _amount(part: MoneyShape | None, *beside: MoneyShape | ExtraUsageShape | None) -> Money | None:
    """The amount, in the currency that stands beside it where it names none itself."""
    return money(part.amount_minor, _code(part, *beside), part.exponent) if part else None


def _code(*parts: MoneyShape | ExtraUsageShape | None) -> str | None:
    return next((part.currency for part in parts if part is not None and part.currency), None)
