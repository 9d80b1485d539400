"""Parse the figures of usage credits: `extra_usage`, `spend`, the overage body and the prepaid body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from claudemeter_tui.claude_ai.validation import (
    NEVER_BOUGHT,
    Currency,
    Each,
    Exponent,
    Flag,
    Identifier,
    Lenient,
    LockEnd,
    MalformedError,
    Minor,
    ParsedBody,
    ParseReport,
    PurchasedMinor,
    ReplyModel,
    Text,
    TextSet,
    Timestamp,
    build_money,
    is_number,
    note_unknown,
)
from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    LIMIT_TYPES,
    MEMBER_LIMIT_TYPES,
    OVERAGE_SIGN_KEYS,
    MeterOrigin,
)
from claudemeter_tui.model.credits import Balance, Meter, Tranche
from claudemeter_tui.model.money import Money

DisabledReason = Annotated[Text, note_unknown(DISABLED_REASONS)]


LOCK_KEYS = (
    "is_enabled",
    "out_of_credits",
    "spend_limit_reached",
    "disabled_reason",
    "disabled_until",
    "used_credits",
)
"""Keys of `extra_usage` and of the overage body that decide about a lock, beside the cap."""


class LockModel(ReplyModel, reply_object="overage"):
    """The fields that `extra_usage` and the overage body share: use, unit and locks."""

    is_enabled: Flag = None
    used_credits: Minor = None
    currency: Currency = None
    decimal_places: Exponent = None
    out_of_credits: Flag = None
    spend_limit_reached: Flag = None
    disabled_reason: DisabledReason = None
    disabled_until: LockEnd = None

    def build_meter(
        self, origin: MeterOrigin, cap: Decimal | None, code: str | None, cap_key: str, *more_keys: str
    ) -> Meter:
        """Return the personal meter of this object.

        Args:
            origin: Source of the figures.
            cap: The cap in minor units. None if there is none, or it is not reported.
            code: Currency of use and cap. None if no part of the reply names one.
            cap_key: Key of the cap; null there means that there is no cap.
            more_keys: Further keys that decide about a lock.
        """
        return Meter(
            origin=origin,
            used=build_money(self.used_credits, code, self.decimal_places),
            cap=build_money(cap, code, self.decimal_places),
            is_uncapped=bool(self.is_enabled) and cap is None and self.is_null(cap_key),
            is_enabled=self.is_enabled,
            reason=self.disabled_reason,
            until=self.disabled_until,
            out_of_credits=self.out_of_credits or False,
            cap_reached=self.spend_limit_reached or False,
            unreadable_keys=self.find_unreadable(*LOCK_KEYS, cap_key, *more_keys),
        )


class ExtraUsageModel(LockModel, reply_object="extra_usage"):
    """`extra_usage` of the usage body."""

    monthly_limit: Minor = None
    user_disabled: Flag = None


class MoneyModel(ReplyModel, reply_object="money"):
    """An amount with its unit."""

    amount_minor: Minor = None
    currency: Currency = None
    exponent: Exponent = None


class CapModel(ReplyModel, reply_object="cap"):
    """`cap` of `spend`: one of the two."""

    money: Lenient[MoneyModel] = None
    credits: Lenient[MoneyModel] = None

    @property
    def stated(self) -> MoneyModel | None:
        """The one with an amount. None if neither has one."""
        parts = (self.money, self.credits)
        return next((part for part in parts if part is not None and part.amount_minor is not None), None)


class SpendModel(ReplyModel, reply_object="spend"):
    """`spend` of the usage body."""

    enabled: Flag = None
    disabled_reason: DisabledReason = None
    used: Lenient[MoneyModel] = None
    limit: Lenient[MoneyModel] = None
    cap: Lenient[CapModel] = None

    @property
    def stated_limit(self) -> MoneyModel | None:
        """`limit`; if it is null or absent, the same amount in `cap`. None if neither has it."""
        is_sent = self.sent.get("limit") is not None
        return self.limit if is_sent or self.cap is None else self.cap.stated


class OverageModel(LockModel, reply_object="overage"):
    """The overage body, with the names of its keys before 2026."""

    monthly_credit_limit: Minor = None
    spend_limit_amount_cents: Minor = None
    spend_limit_currency: Currency = None
    limit_type: Text = None
    type: Text = None
    account_uuid: Identifier = None


class BalanceMoneyModel(MoneyModel):
    """An amount that can be a debt."""

    amount_minor: PurchasedMinor = None


class BalanceModel(CapModel, reply_object="balance"):
    """`balance` of the prepaid body: one of the two."""

    money: Lenient[BalanceMoneyModel] = None
    credits: Lenient[BalanceMoneyModel] = None


class TrancheScopeModel(ReplyModel, reply_object="tranche_scope"):
    """The surfaces that can use a part of the balance."""

    kind: Text = None
    applies_to: TextSet = None


class TrancheModel(ReplyModel, reply_object="tranche"):
    """A part of the balance."""

    remaining_amount_minor_units: Minor = None
    currency: Currency = None
    expires_at: Timestamp = None
    scope: Lenient[TrancheScopeModel] = None


class AutoReloadModel(ReplyModel, reply_object="auto_reload"):
    """`auto_reload_settings`; only null was seen, `is_enabled` is a guess."""

    enabled: Flag = None
    is_enabled: Flag = None


class PrepaidModel(ReplyModel, reply_object="prepaid"):
    """The prepaid body."""

    amount: PurchasedMinor = None
    amount_without_scoped_credits: Minor = None
    currency: Currency = None
    decimal_places: Exponent = None
    balance: Lenient[BalanceModel] = None
    tranches: Lenient[Each[TrancheModel]] = None
    promo_tranches: Lenient[Each[TrancheModel]] = None
    auto_reload_settings: Lenient[AutoReloadModel] = None
    auto_reload_disabled_reason: Text = None
    auto_reload_stripe_error_code: Text = None


def build_usage_meters(extra: ExtraUsageModel | None, spend: SpendModel | None) -> Iterator[Meter]:
    """Yield the meters that the usage body holds beside its windows, `extra_usage` first."""
    used, limit = (spend.used, spend.stated_limit) if spend else (None, None)
    if extra is not None and any(value is not None for value in extra.sent.values()):
        code, keys = _find_currency(extra, used, limit), ("monthly_limit", "user_disabled")
        meter = extra.build_meter(MeterOrigin.EXTRA_USAGE, extra.monthly_limit, code, *keys)
        yield meter._replace(is_enabled=False) if extra.user_disabled else meter
    if spend is not None:
        found = Meter(
            origin=MeterOrigin.SPEND,
            used=_build_amount(used, limit, extra),
            cap=_build_amount(limit, used, extra),
            is_uncapped=bool(spend.enabled) and spend.is_null("limit") and spend.sent.get("cap") is None,
            is_enabled=spend.enabled,
            reason=spend.disabled_reason,
            unreadable_keys=_find_unreadable_spend(spend),
        )
        has_figures = found.cap or (found.used and found.used.minor)
        # Zeros that are off add nothing to the same statement in `extra_usage`, but can contradict others.
        adds_state = found.is_enabled or (
            spend.enabled is False and (not extra or extra.is_enabled is not False)
        )
        if has_figures or adds_state or found.reason or found.unreadable_keys:
            yield found


def _build_amount(part: MoneyModel | None, *beside: MoneyModel | ExtraUsageModel | None) -> Money | None:
    """Return the amount, in the currency of the parts beside it if it names none."""
    return build_money(part.amount_minor, _find_currency(part, *beside), part.exponent) if part else None


def _find_currency(*parts: MoneyModel | ExtraUsageModel | None) -> str | None:
    return next((part.currency for part in parts if part is not None and part.currency), None)


def parse_overage(body: object, origin: MeterOrigin, *, shared: bool) -> ParsedBody[Meter | None]:
    """Return the meter of an overage body. None if the body is null: the org has no usage credits.

    `origin` is one of the two overage requests; `shared` is True if the org is Team or Enterprise.

    Raises:
        MalformedError: the body is neither null nor an object, or has no key of an overage body.
    """
    if body is None:
        return ParsedBody(None)
    notes = ParseReport()
    found = notes.parse_body(OverageModel, body)
    if not found.sent.keys() & OVERAGE_SIGN_KEYS and found.type not in LIMIT_TYPES:
        raise MalformedError("an overage body was expected")
    limit_type = found.limit_type or found.type
    notes.check_known("limit_type", limit_type, LIMIT_TYPES)
    pooled = shared and limit_type in (None, "organization") and found.account_uuid is None
    code = found.currency or found.spend_limit_currency
    cap = found.spend_limit_amount_cents if found.monthly_credit_limit is None else found.monthly_credit_limit
    meter = found.build_meter(origin, cap, code, "monthly_credit_limit", "spend_limit_amount_cents")._replace(
        is_personal=origin is MeterOrigin.OWN_OVERAGE or not pooled,
        is_set_by_admin=limit_type in MEMBER_LIMIT_TYPES,
    )
    return notes.build_parsed_body(meter)


def _find_unreadable_spend(found: SpendModel) -> tuple[str, ...]:
    amounts = ("used", found.used), ("limit", found.limit)
    inside = (key for key, part in amounts if part is not None and part.find_unreadable("amount_minor"))
    cap = found.sent.get("cap")
    is_empty = cap is None or (isinstance(cap, dict) and all(part is None for part in cap.values()))
    is_cap_lost = found.sent.get("limit") is None and found.stated_limit is None and not is_empty
    lost = ("cap",) if is_cap_lost else ()
    return (*found.find_unreadable("enabled", "disabled_reason", "used", "limit"), *inside, *lost)


def parse_prepaid(body: object) -> ParsedBody[Balance | None]:
    """Return the prepaid balance. None if the body is null.

    Raises:
        MalformedError: the body is neither null nor an object.
    """
    if body is None:
        return ParsedBody(None)
    notes = ParseReport()
    found = notes.parse_body(PrepaidModel, body)
    reload = found.auto_reload_settings or AutoReloadModel.build_empty()
    is_reload_on = reload.is_enabled if reload.enabled is None else reload.enabled
    amount = _find_balance_amount(found)
    balance = Balance(
        amount=amount,
        is_unknown=amount is None and found.amount is None and not _is_never_bought(found),
        tranches=(
            *_build_tranches(found, found.tranches, is_promotional=False),
            *_build_tranches(found, found.promo_tranches, is_promotional=True),
        ),
        # Auto-reload is stopped even if the code cannot be read.
        auto_reload=None if is_reload_on and found.find_unreadable(*RELOAD_STOP_KEYS) else is_reload_on,
        reload_stop_codes=tuple(
            dict.fromkeys(code for key in RELOAD_STOP_KEYS if (code := getattr(found, key)))
        ),
    )
    return notes.build_parsed_body(balance._replace(unscoped=_find_unscoped(found, balance)))


RELOAD_STOP_KEYS = ("auto_reload_disabled_reason", "auto_reload_stripe_error_code")
"""Keys that are null while the auto-reload works."""


def _find_balance_amount(found: PrepaidModel) -> Money | None:
    """Return `amount`, or the amount in `balance` if that key has no figure. None if nothing was bought.

    A debt is in `balance` beside an amount of 0 too. Zero in `balance` is no figure beside an amount of null.
    """
    inside = found.balance.stated if found.balance else None
    minor = inside.amount_minor if inside is not None else None
    if minor == NEVER_BOUGHT or (found.is_null("amount") and not minor):
        minor = None
    is_needed = found.amount is None or (found.amount == 0 and minor is not None and minor < 0)
    if inside is not None and is_needed:
        return build_money(minor, inside.currency or found.currency, inside.exponent)
    is_none_bought = found.amount == NEVER_BOUGHT or (found.amount == 0 and _is_nothing_stated(found))
    amount = None if is_none_bought else found.amount
    return build_money(amount, found.currency, found.decimal_places)


def _is_never_bought(found: PrepaidModel) -> bool:
    """Return True if `amount` is null, or the amount in `balance` says that nothing was bought."""
    inside = found.balance.stated if found.balance else None
    return found.is_null("amount") or (inside is not None and inside.amount_minor == NEVER_BOUGHT)


def _is_nothing_stated(found: PrepaidModel) -> bool:
    """Return True if everything but `amount` is null, zero or empty."""
    return all(_is_nothing(value) for key, value in found.sent.items() if key != "amount")


def _is_nothing(value: object) -> bool:
    """Return True for null, a zero, an empty list, and an object with nothing else."""
    if isinstance(value, dict):
        return all(_is_nothing(inner) for inner in value.values())
    return value is None or value == [] or (is_number(value) and value == 0)


def _find_unscoped(found: PrepaidModel, balance: Balance) -> Money | None:
    """Return the part of the balance for every surface. None if that is all of it, or nothing was bought."""
    amount = balance.amount
    if amount is None or amount.minor <= 0:
        return None
    unscoped = build_money(found.amount_without_scoped_credits, amount.currency, amount.exponent)
    if unscoped is None:
        scoped = [part.remaining for part in balance.tranches if part.is_scoped]
        same_unit = [money.minor for money in scoped if money.unit == amount.unit]
        unscoped = replace(amount, minor=max(Decimal(0), amount.minor - sum(same_unit)))
    return unscoped if unscoped.minor < amount.minor else None


def _build_tranches(
    found: PrepaidModel, parts: list[TrancheModel] | None, *, is_promotional: bool
) -> Iterator[Tranche]:
    for part in parts or ():
        code = part.currency or found.currency
        remaining = build_money(part.remaining_amount_minor_units, code, found.decimal_places)
        scope = part.scope or TrancheScopeModel.build_empty()
        if remaining is not None:
            yield Tranche(
                remaining,
                part.expires_at,
                is_promotional=is_promotional,
                is_scoped=bool(scope.applies_to) or scope.kind == "scoped",
                surfaces=tuple(sorted(scope.applies_to or ())),
            )
