"""The bodies of the simulated claude.ai but for usage, in the newest forms of the real one's."""

from __future__ import annotations

from claudemeter_tui.sources.demo.clock import Moment
from claudemeter_tui.sources.demo.day import ACCOUNT_UUID, EMAIL, ORGS
from claudemeter_tui.sources.demo.script import DemoOrg, Lock, Purse

Body = dict[str, object]

_CREATED = "2025-03-04T18:02:13.149911Z"


def account() -> Body:
    """`/api/account`."""
    return {
        "tagged_id": "user_01DEMOdemoDEMOdemoDEMOde",
        "uuid": ACCOUNT_UUID,
        "email_address": EMAIL,
        "full_name": "Pat Example",
        "display_name": "Pat",
        "memberships": [_membership(listed) for listed in organizations()],
    }


def _membership(organization: Body) -> Body:
    times = {"created_at": _CREATED, "updated_at": _CREATED}
    return {"organization": organization, "role": "admin", "seat_tier": None, **times}


def organizations() -> list[Body]:
    """`/api/organizations`."""
    return [_listed(number, org) for number, org in enumerate(ORGS, start=1)]


def _listed(number: int, org: DemoOrg) -> Body:
    common: Body = {
        "id": 1_000_000 + number,
        "uuid": org.uuid,
        "name": org.name,
        "settings": {},
        "parent_organization_uuid": None,
        "rate_limit_upsell": None,
        "billing_type": None,
        "raven_type": None,
        "data_retention": "default",
        "api_disabled_reason": None,
        "api_disabled_until": None,
        "billable_usage_paused_until": None,
        "subscription_pause": None,
        "billing_issue": None,
        "access_block": None,
        "created_at": _CREATED,
    }
    return {**common, **org.listing}


def overage(org: DemoOrg, purse: Purse, moment: Moment) -> Body:
    """`/overage_spend_limit`, for the whole organization or, with its own purse, for one member."""
    member = org.pool is not None and purse is org.own
    locked = purse.locked(moment.minute)
    capped = locked is not None and locked.lock is Lock.CAP
    return {
        "organization_uuid": org.uuid,
        "limit_type": "member" if member else "organization",
        "seat_tier": None,
        "account_uuid": ACCOUNT_UUID if member else None,
        "account_email": EMAIL if member else None,
        "account_name": None,
        "org_service_name": None,
        "is_enabled": True,
        "monthly_credit_limit": purse.cap(moment.minute),
        "period": "monthly",
        "currency": purse.currency,
        "used_credits": purse.used(moment.minute),
        "used_credits_basis": None,
        "disabled_reason": Lock.CAP.value if capped else None,
        "disabled_until": moment.whole(locked.last) if locked and capped else None,
        "out_of_credits": locked is not None and locked.lock is Lock.EMPTY,
        "discount_percent": None,
        "created_at": _CREATED,
        "updated_at": _CREATED,
    }


def prepaid(org: DemoOrg, moment: Moment) -> Body:
    """`/prepaid/credits`."""
    currency = org.own.currency if org.own else "USD"
    amount, promotional = org.balance(moment.minute)
    tranches = _tranches(amount - promotional, currency, moment.date(320))
    promotions = _tranches(promotional, currency, moment.date(147))
    return {
        "amount": None if org.bought is None else amount,
        "currency": currency,
        "balance_credits": amount // 100,
        "auto_reload_settings": None,
        "expiry_policy_months": None,
        "last_paid_purchase_cents": None,
        "next_expires_at": next((tranche["expires_at"] for tranche in (*promotions, *tranches)), None),
        "pending_invoice_amount_cents": None,
        "promo_tranches": promotions,
        "tranches": tranches,
    }


def _tranches(remaining: int, currency: str, day: str) -> list[Body]:
    if not remaining:
        return []
    expires_at = f"{day}T00:00:00Z"
    return [{"remaining_amount_minor_units": remaining, "currency": currency, "expires_at": expires_at}]


def subscription(org: DemoOrg, moment: Moment) -> Body:
    """`/subscription_details`."""
    known = org.charge_in is not None
    card = {"brand": "visa", "country": "US", "last4": "4242", "type": "card"}
    ends = None if org.ends_in is None else f"{moment.date(org.ends_in)}T14:15:04Z"
    charge = None if org.charge_in is None else moment.date(org.charge_in)
    return {
        "status": "active",
        "next_charge_date": charge,
        "next_charge_at": f"{charge}T14:15:04Z" if charge else None,
        "plan_ending_at": ends,
        "plan_ending_before": None,
        "billing_interval": "monthly",
        "payment_method": card if known else None,
        "payment_paused_until": None,
        "scheduled_downgrade": None,
        "gift_details": None,
        "currency": org.own.currency if org.own else "USD",
    }


def error(kind: str, message: str) -> Body:
    """The body of an answer that is no data."""
    details: Body = {"error_visibility": "user_facing"}
    told: Body = {"type": kind, "message": message, "details": details}
    return {"type": "error", "error": told, "request_id": "req_011CDemoDemoDemoDemoDemo"}
