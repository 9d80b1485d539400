"""Parse the figures of usage credits: `extra_usage`, `spend` and the overage body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from claudemeter_tui.claude_ai.validation import (
    Currency,
    Exponent,
    Flag,
    Identifier,
    Lenient,
    Minor,
    ParsedBody,
    ParseReport,
    ReplyModel,
    Text,
    Timestamp,
    build_money,
)
from claudemeter_tui.model.catalogue import DISABLED_REASONS, LIMIT_TYPES, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money


class ExtraUsageModel(ReplyModel):
    """`extra_usage` of the usage body."""

    reply_object = "extra_usage"

    is_enabled: Flag = None
    monthly_limit: Minor = None
    used_credits: Minor = None
    currency: Currency = None
    decimal_places: Exponent = None
    disabled_reason: Text = None
    disabled_until: Timestamp = None
    out_of_credits: Flag = None
    spend_limit_reached: Flag = None


class MoneyModel(ReplyModel):
    """An amount with its unit."""

    reply_object = "money"

    amount_minor: Minor = None
    currency: Currency = None
    exponent: Exponent = None


class SpendModel(ReplyModel):
    """`spend` of the usage body."""

    reply_object = "spend"

    enabled: Flag = None
    disabled_reason: Text = None
    used: Lenient[MoneyModel] = None
    limit: Lenient[MoneyModel] = None


class OverageModel(ReplyModel):
    """The overage body, with the names of its keys before 2026."""

    reply_object = "overage"

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
    disabled_until: Timestamp = None
    limit_type: Text = None
    type: Text = None
    account_uuid: Identifier = None


def parse_usage_meters(body: Mapping[str, object], notes: ParseReport) -> Iterator[Meter]:
    """Yield the meters that the usage body holds beside its windows, `extra_usage` first."""
    extra = notes.parse_object(ExtraUsageModel, body.get("extra_usage"), "extra_usage")
    spend = notes.parse_object(SpendModel, body.get("spend"), "spend")
    used, limit = (spend.used, spend.limit) if spend else (None, None)
    if extra is not None and extra.has_values:
        yield _build_extra_usage_meter(extra, _find_currency(extra, used, limit), notes)
    if spend is not None:
        found = _build_spend_meter(
            spend, _build_amount(used, limit, extra), _build_amount(limit, used, extra), notes
        )
        if found.cap or found.is_enabled or found.reason or (found.used and found.used.minor):
            yield found


def parse_overage(body: object, origin: MeterOrigin, *, shared: bool) -> ParsedBody[Meter | None]:
    """Return the meter of an overage body. None if the body is null: the org has no usage credits.

    `origin` is one of the two overage requests; `shared` is True if the org is Team or Enterprise.

    Raises:
        MalformedError: the body is neither null nor an object.
    """
    if body is None:
        return ParsedBody(None)
    notes = ParseReport()
    found = notes.parse_body(OverageModel, body)
    limit_type = found.limit_type or found.type
    pooled = shared and limit_type in (None, "organization") and found.account_uuid is None
    notes.check_known("disabled_reason", found.disabled_reason, DISABLED_REASONS)
    notes.check_known("limit_type", limit_type, LIMIT_TYPES)
    code = found.currency or found.spend_limit_currency
    cap = found.spend_limit_amount_cents if found.monthly_credit_limit is None else found.monthly_credit_limit
    meter = Meter(
        origin=origin,
        used=build_money(found.used_credits, code, found.decimal_places),
        cap=build_money(cap, code, found.decimal_places),
        is_uncapped=bool(found.is_enabled) and cap is None and found.is_null("monthly_credit_limit"),
        is_enabled=found.is_enabled,
        reason=found.disabled_reason,
        until=found.disabled_until,
        out_of_credits=found.out_of_credits or False,
        cap_reached=found.spend_limit_reached or False,
        is_personal=origin is MeterOrigin.OWN_OVERAGE or not pooled,
    )
    return notes.build_parsed_body(meter)


def _build_extra_usage_meter(found: ExtraUsageModel, code: str | None, notes: ParseReport) -> Meter:
    notes.check_known("extra_usage.disabled_reason", found.disabled_reason, DISABLED_REASONS)
    return Meter(
        origin=MeterOrigin.EXTRA_USAGE,
        used=build_money(found.used_credits, code, found.decimal_places),
        cap=build_money(found.monthly_limit, code, found.decimal_places),
        is_uncapped=bool(found.is_enabled) and found.is_null("monthly_limit"),
        is_enabled=found.is_enabled,
        reason=found.disabled_reason,
        until=found.disabled_until,
        out_of_credits=found.out_of_credits or False,
        cap_reached=found.spend_limit_reached or False,
    )


def _build_spend_meter(
    found: SpendModel, used: Money | None, limit: Money | None, notes: ParseReport
) -> Meter:
    notes.check_known("spend.disabled_reason", found.disabled_reason, DISABLED_REASONS)
    return Meter(
        origin=MeterOrigin.SPEND,
        used=used,
        cap=limit,
        is_uncapped=bool(found.enabled) and found.is_null("limit") and found.get_sent("cap") is None,
        is_enabled=found.enabled,
        reason=found.disabled_reason,
    )


def _build_amount(part: MoneyModel | None, *beside: MoneyModel | ExtraUsageModel | None) -> Money | None:
    """Return the amount, in the currency of the parts beside it if it names none."""
    return build_money(part.amount_minor, _find_currency(part, *beside), part.exponent) if part else None


def _find_currency(*parts: MoneyModel | ExtraUsageModel | None) -> str | None:
    return next((part.currency for part in parts if part is not None and part.currency), None)
