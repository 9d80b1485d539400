"""Bodies as claude.ai sends them, modelled on an ordinary account; arguments make the variations.

Each function returns a fresh JSON value: a test may change it further before it is sent.
Amounts are minor units (cents), times are ISO strings in the server's form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000001"
PERSONAL = "bbbbbbbb-0000-4000-8000-000000000001"
TEAM = "bbbbbbbb-0000-4000-8000-000000000002"

RESETS = "2026-04-25T16:00:00.483912+00:00"
"""Default reset of the 5-hour window in `usage_body`."""
WEEK_RESETS = "2026-04-28T14:00:00.483940+00:00"
"""Default reset of the 7-day window in `usage_body`."""
NEXT_MONTH = "2026-05-01T00:00:00Z"


def org_body(
    uuid: str = PERSONAL,
    name: str = "Personal",
    *,
    capabilities: Iterable[str] = ("claude_max", "chat"),
    tier: str = "default_claude_max_5x",
    **more: Any,
) -> Json:
    """Return one organization of `/api/organizations` and `/api/account`; `more` adds or replaces keys."""
    return {
        "id": 4711,
        "uuid": uuid,
        "name": name,
        "capabilities": list(capabilities),
        "rate_limit_tier": tier,
        "billing_type": "stripe_subscription",
        "raven_type": None,
        "billable_usage_paused_until": None,
        "billing_issue": None,
        "access_block": None,
        "created_at": "2025-02-11T08:15:30.123456Z",
    } | more


def team_body(uuid: str = TEAM, name: str = "Acme Team", **more: Any) -> Json:
    """Return a Team organization."""
    tier = "default_claude_ai"
    return org_body(uuid, name, capabilities=("chat", "raven"), tier=tier, raven_type="team") | more


def account_body(*orgs: Json, email: str | None = "pat@example.com", uuid: str | None = ACCOUNT) -> Json:
    """Return `/api/account` with these organizations, by default one personal one; None leaves a key out."""
    members = [{"role": "admin", "organization": org} for org in orgs or (org_body(),)]
    who = {"uuid": uuid, "email_address": email}
    return {key: value for key, value in who.items() if value is not None} | {"memberships": members}


def window_body(utilization: Any, resets_at: Any = RESETS, **more: Any) -> Json:
    """Return one window; `more` adds keys such as `locked_reason` or `limit_dollars`."""
    return {"utilization": utilization, "resets_at": resets_at} | more


def limit_body(
    kind: str, percent: int, resets_at: Any = WEEK_RESETS, *, model: str = "", **more: Any
) -> Json:
    """Return one entry of `limits[]`; `model` gives it a scope."""
    severity = "critical" if percent >= 90 else "warning" if percent >= 75 else "normal"
    return {
        "kind": kind,
        "group": "session" if kind == "session" else "weekly",
        "percent": percent,
        "severity": severity,
        "resets_at": resets_at,
        "scope": {"model": {"id": None, "display_name": model}, "surface": None} if model else None,
        "is_active": False,
    } | more


def extra_usage_body(used: float | None = 1720.0, cap: int | None = 5000, **more: Any) -> Json:
    """Return `extra_usage`, enabled; a cap of None means no cap."""
    return {
        "is_enabled": True,
        "monthly_limit": cap,
        "used_credits": used,
        "utilization": 100 * used / cap if used is not None and cap else None,
        "currency": "USD",
        "decimal_places": 2,
        "disabled_reason": None,
    } | more


def spend_body(used: int = 1720, cap: int | None = 5000, currency: str = "USD", exponent: int = 2) -> Json:
    """Return `spend`, enabled; a cap of None means no cap."""
    unit = {"currency": currency, "exponent": exponent}
    return {
        "used": {"amount_minor": used, **unit},
        "limit": {"amount_minor": cap, **unit} if cap is not None else None,
        "percent": 100 * used // cap if cap else 0,
        "severity": "normal",
        "enabled": True,
        "disabled_reason": None,
        "balance": None,
    }


def usage_body(
    five_hour: float | None = 41.0,
    seven_day: float | None = 67.0,
    *,
    resets_at: Any = RESETS,
    week_resets_at: Any = WEEK_RESETS,
    extra_usage: Json | None = None,
    limits: Iterable[Json] | None = None,
    **more: Any,
) -> Json:
    """Return `/usage` with the two plan-wide windows and further keys; a window of None is null.

    Without `limits` the key is absent, as before July 2026. `more` adds or replaces keys:
    `seven_day_opus=window_body(12.0)`, `spend=spend_body()`.
    """
    body = {
        "five_hour": None if five_hour is None else window_body(five_hour, resets_at),
        "seven_day": None if seven_day is None else window_body(seven_day, week_resets_at),
        "seven_day_opus": None,
        "seven_day_sonnet": None,
        "seven_day_oauth_apps": None,
        "tangelo": None,
        "extra_usage": extra_usage,
    }
    listed = {} if limits is None else {"limits": list(limits)}
    return body | listed | more


def overage_body(
    used: int | None = 1720,
    cap: int | None = 5000,
    *,
    enabled: bool = True,
    reason: str | None = None,
    until: str | None = None,
    out_of_credits: bool = False,
    limit_type: str = "organization",
    currency: str = "USD",
    **more: Any,
) -> Json:
    """Return `/overage_spend_limit`, open; a cap of None while enabled means no cap."""
    return {
        "organization_uuid": PERSONAL,
        "limit_type": limit_type,
        "account_uuid": None,
        "is_enabled": enabled,
        "monthly_credit_limit": cap,
        "currency": currency,
        "used_credits": used,
        "disabled_reason": reason,
        "disabled_until": until,
        "out_of_credits": out_of_credits,
        "discount_percent": None,
        "period": "monthly",
    } | more


def locked_body(**more: Any) -> Json:
    """Return `/overage_spend_limit` with a reached monthly cap, locked until the first of the next month."""
    reached = {"reason": "self_selected_spend_limit_reached", "until": NEXT_MONTH}
    return overage_body(**({"used": 5000, "cap": 5000} | reached | more))


def tranche_body(
    remaining: int, expires_at: str | None = "2026-09-19T00:00:00Z", currency: str = "USD"
) -> Json:
    """Return a part of the balance."""
    return {"remaining_amount_minor_units": remaining, "currency": currency, "expires_at": expires_at}


def prepaid_body(
    amount: int | None = 24435,
    *,
    tranches: Iterable[Json] = (),
    promo: Iterable[Json] = (),
    auto_reload: Json | None = None,
    currency: str = "USD",
    **more: Any,
) -> Json:
    """Return `/prepaid/credits`; an amount of -1 or None means that nothing was ever bought."""
    expiring = [tranche["expires_at"] for tranche in (*tranches, *promo) if tranche["expires_at"]]
    return {
        "amount": amount,
        "currency": currency,
        "balance_credits": amount // 100 if amount is not None and amount >= 0 else None,
        "tranches": list(tranches),
        "promo_tranches": list(promo),
        "next_expires_at": min(expiring, default=None),
        "auto_reload_settings": auto_reload,
    } | more


def subscription_body(
    status: str = "active",
    *,
    next_charge: str | None = "2026-05-14",
    ends_at: str | None = None,
    card: tuple[str, str] | None = ("visa", "0000"),
    **more: Any,
) -> Json:
    """Return `/subscription_details` with the card's last four digits; `ends_at` cancels the plan."""
    payment = {"brand": card[0], "last4": card[1], "country": "US", "type": "card"} if card else None
    return {
        "status": status,
        "next_charge_date": next_charge,
        "next_charge_at": f"{next_charge}T14:15:04Z" if next_charge else None,
        "plan_ending_at": ends_at,
        "plan_ending_before": None,
        "billing_interval": "monthly",
        "payment_method": payment,
        "scheduled_downgrade": None,
        "currency": "USD",
    } | more
