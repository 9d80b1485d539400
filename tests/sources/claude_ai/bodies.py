"""Bodies modelled on what claude.ai answers, one of each kind with everything in it."""

from __future__ import annotations

import copy
from typing import Any

SESSION_RESET = "2026-04-25T16:00:00.046361+00:00"
WEEKLY_RESET = "2026-04-28T13:59:59.571131+00:00"

_ENTRY = {"severity": "normal", "scope": None, "is_active": False}

_USAGE: dict[str, Any] = {
    "five_hour": {"utilization": 41.0, "resets_at": SESSION_RESET, "limit_dollars": None},
    "seven_day": {"utilization": 67.5, "resets_at": WEEKLY_RESET},
    "seven_day_opus": {"utilization": 9.0, "resets_at": WEEKLY_RESET},
    "seven_day_sonnet": None,
    "tangelo": None,
    "cinder_cove": {
        "utilization": 25.0,
        "resets_at": "2026-09-22T18:55:57Z",
        "limit_dollars": 1000,
        "used_dollars": 250.5,
        "remaining_dollars": 749.5,
    },
    "limits": [
        {**_ENTRY, "kind": "session", "group": "session", "percent": 41, "resets_at": SESSION_RESET},
        {**_ENTRY, "kind": "weekly_all", "group": "weekly", "percent": 67, "resets_at": WEEKLY_RESET},
        {
            **_ENTRY,
            "kind": "weekly_scoped",
            "group": "weekly",
            "percent": 83,
            "severity": "warning",
            "resets_at": WEEKLY_RESET,
            "scope": {"model": {"id": None, "display_name": "Fable"}, "surface": None},
            "is_active": True,
        },
    ],
    "extra_usage": {
        "is_enabled": True,
        "monthly_limit": 5000,
        "used_credits": 1720.0,
        "utilization": 34.4,
        "currency": "USD",
        "decimal_places": 2,
        "disabled_reason": None,
        "user_disabled": False,
        "spend_limit_reached": False,
        "credits_ever_enabled": True,
        "daily": None,
        "weekly": None,
    },
    "spend": {
        "used": {"amount_minor": 1721, "currency": "USD", "exponent": 2},
        "limit": {"amount_minor": 5001, "currency": "USD", "exponent": 2},
        "percent": 34,
        "severity": "normal",
        "enabled": True,
        "disabled_reason": None,
        "cap": None,
        "balance": None,
        "can_toggle": False,
    },
    "cedar_ember": {
        "eligible": True,
        "grants": [
            {
                "resets_left": 2,
                "starts_at": "2026-04-20T00:00:00Z",
                "ends_at": "2026-05-20T00:00:00Z",
                "usable_now": True,
            }
        ],
    },
    "seven_day_breakdown": {"rows": [{"key": "chat", "display_name": "Chat", "percent": 38.5}]},
    "member_dashboard_available": False,
}
_OVERAGE: dict[str, Any] = {
    "organization_uuid": "00000000-0000-4000-8000-000000000001",
    "limit_type": "organization",
    "account_uuid": None,
    "is_enabled": True,
    "monthly_credit_limit": 7000,
    "used_credits": 6230,
    "currency": "CAD",
    "out_of_credits": True,
    "disabled_reason": "self_selected_spend_limit_reached",
    "disabled_until": "2026-05-01T00:00:00Z",
    "period": "monthly",
    "created_at": "2026-01-15T14:22:31.641203Z",
}
_PREPAID: dict[str, Any] = {
    "amount": 24435,
    "currency": "EUR",
    "balance": {"money": None, "credits": None},
    "balance_credits": 244,
    "tranches": [{"remaining_amount_minor_units": 14433, "currency": "EUR", "expires_at": None}],
    "promo_tranches": [{"remaining_amount_minor_units": 10001, "expires_at": "2026-09-19T00:00:00Z"}],
    "next_expires_at": "2026-09-19T00:00:00Z",
    "auto_reload_settings": None,
}
_SUBSCRIPTION: dict[str, Any] = {
    "status": "active",
    "next_charge_date": "2026-05-14",
    "plan_ending_at": None,
    "plan_ending_before": None,
    "billing_interval": "monthly",
    "payment_method": {"brand": "visa", "last4": "0042", "country": "US", "type": "card"},
    "payment_paused_until": "2026-06-01T00:00:00Z",
    "scheduled_downgrade": {"plan_type": "max_5x_monthly", "date": "2026-06-01T15:22:44"},
    "gift_details": {"paid_through": "2026-10-03"},
    "currency": "USD",
}
_ORG: dict[str, Any] = {
    "id": 1,
    "uuid": "00000000-0000-4000-8000-000000000001",
    "name": "Acme",
    "settings": {},
    "capabilities": ["chat", "raven"],
    "rate_limit_tier": "default_claude_ai",
    "raven_type": "team",
    "billing_type": "stripe_subscription",
    "billing_issue": None,
    "billable_usage_paused_until": "2026-05-01T00:00:00Z",
}
_ACCOUNT: dict[str, Any] = {
    "uuid": "00000000-0000-4000-8000-0000000000aa",
    "email_address": "pat@example.com",
    "full_name": "Pat",
    "memberships": [
        {"organization": _ORG, "role": "admin"},
        {"organization": {"uuid": "00000000-0000-4000-8000-000000000002", "name": "Lab"}, "role": "user"},
    ],
}


def usage(**changes: Any) -> dict[str, Any]:
    """A usage body with windows, limits, both meters, a grant and a share."""
    return _changed(_USAGE, changes)


def overage(**changes: Any) -> dict[str, Any]:
    """An overage body, locked in two ways."""
    return _changed(_OVERAGE, changes)


def prepaid(**changes: Any) -> dict[str, Any]:
    """A prepaid body with a tranche of each kind."""
    return _changed(_PREPAID, changes)


def subscription(**changes: Any) -> dict[str, Any]:
    """A subscription body with everything that can be scheduled."""
    return _changed(_SUBSCRIPTION, changes)


def org(**changes: Any) -> dict[str, Any]:
    """A Team organization with a pause."""
    return _changed(_ORG, changes)


def account(**changes: Any) -> dict[str, Any]:
    """An account with two organizations."""
    return _changed(_ACCOUNT, changes)


def _changed(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(body), **changes}
