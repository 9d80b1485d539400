"""Simulate claude.ai's API: the body of each reply at a simulated moment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpx

from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, DEMO_EMAIL, DEMO_ORGS
from claudemeter_tui.demo.timeline import (
    DAY_MINUTES,
    DemoCredits,
    DemoFault,
    DemoLockCause,
    DemoMoment,
    DemoOrg,
    DemoPoints,
    DemoWeek,
    interpolate,
)
from claudemeter_tui.model.catalogue import ORGANIZATIONS_PATH, WINDOWS, Endpoint

JsonBody = dict[str, object]

_CREATED_AT = "2025-03-04T18:02:13.149911Z"


def build_account() -> JsonBody:
    """Return the body of `/api/account`."""
    return {
        "tagged_id": "user_01DEMOdemoDEMOdemoDEMOde",
        "uuid": DEMO_ACCOUNT_UUID,
        "email_address": DEMO_EMAIL,
        "full_name": "Pat Example",
        "display_name": "Pat",
        "memberships": [
            {
                "organization": organization,
                "role": "admin",
                "seat_tier": None,
                "created_at": _CREATED_AT,
                "updated_at": _CREATED_AT,
            }
            for organization in build_organizations()
        ],
    }


def build_organizations() -> list[JsonBody]:
    """Return the body of `/api/organizations`."""
    return [
        {
            "id": number,
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
            "created_at": _CREATED_AT,
            **org.org_entry,
        }
        for number, org in enumerate(DEMO_ORGS, start=1_000_001)
    ]


def build_overage(org: DemoOrg, credits: DemoCredits, moment: DemoMoment) -> JsonBody:
    """Return the body of `/overage_spend_limit`: a member's for their own credits, else the org's."""
    member = org.pool is not None and credits is org.own_credits
    locked = credits.find_lock(moment.minute)
    capped = locked is not None and locked.cause is DemoLockCause.CAP
    return {
        "organization_uuid": org.uuid,
        "limit_type": "member" if member else "organization",
        "seat_tier": None,
        "account_uuid": DEMO_ACCOUNT_UUID if member else None,
        "account_email": DEMO_EMAIL if member else None,
        "account_name": None,
        "org_service_name": None,
        "is_enabled": True,
        "monthly_credit_limit": credits.find_cap(moment.minute),
        "period": "monthly",
        "currency": credits.currency,
        "used_credits": credits.compute_used(moment.minute),
        "used_credits_basis": None,
        "disabled_reason": DemoLockCause.CAP.value if capped else None,
        "disabled_until": moment.format_time(locked.last) if locked and capped else None,
        "out_of_credits": locked is not None and locked.cause is DemoLockCause.EMPTY,
        "discount_percent": None,
        "created_at": _CREATED_AT,
        "updated_at": _CREATED_AT,
    }


def build_prepaid(org: DemoOrg, moment: DemoMoment) -> JsonBody:
    """Return the body of `/prepaid/credits`."""
    currency = org.own_credits.currency if org.own_credits else "USD"
    amount, promotional = org.compute_balance(moment.minute)
    tranches = _build_tranches(amount - promotional, currency, moment.format_date(320))
    promotions = _build_tranches(promotional, currency, moment.format_date(147))
    return {
        "amount": None if org.purchases is None else amount,
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


def _build_tranches(remaining: int, currency: str, day: str) -> list[JsonBody]:
    if not remaining:
        return []
    expires_at = f"{day}T00:00:00Z"
    return [{"remaining_amount_minor_units": remaining, "currency": currency, "expires_at": expires_at}]


def build_subscription(org: DemoOrg, moment: DemoMoment) -> JsonBody:
    """Return the body of `/subscription_details`."""
    card = {"brand": "visa", "country": "US", "last4": "4242", "type": "card"}
    ends = None if org.ends_in_days is None else f"{moment.format_date(org.ends_in_days)}T14:15:04Z"
    charge = None if org.charge_in_days is None else moment.format_date(org.charge_in_days)
    return {
        "status": "active",
        "next_charge_date": charge,
        "next_charge_at": f"{charge}T14:15:04Z" if charge else None,
        "plan_ending_at": ends,
        "plan_ending_before": None,
        "billing_interval": "monthly",
        "payment_method": card if charge else None,
        "payment_paused_until": None,
        "scheduled_downgrade": None,
        "gift_details": None,
        "currency": org.own_credits.currency if org.own_credits else "USD",
    }


def build_error(kind: str, message: str) -> JsonBody:
    """Return the body of an error reply."""
    details: JsonBody = {"error_visibility": "user_facing"}
    error: JsonBody = {"type": kind, "message": message, "details": details}
    return {"type": "error", "error": error, "request_id": "req_011CDemoDemoDemoDemoDemo"}


_NOT_FOUND = build_error("not_found_error", "Not found")


_ONE_TIME_CREDIT = 100_000
"""Amount of the one-time credit, minor units."""
_NO_CREDITS = DemoCredits(start_amount=0, charge_spans=(), caps=None)
_BREAKDOWN = [
    {"key": "claude_code", "display_name": "Claude Code", "percent": 64},
    {"key": "chat", "display_name": "Chat", "percent": 31},
    {"key": "cowork", "display_name": "Cowork", "percent": 5},
]


def build_usage(org: DemoOrg, moment: DemoMoment) -> JsonBody:
    """Return the body of `/usage`."""
    session = _find_session_figures(org, moment)
    return {
        **dict.fromkeys(window.key for window in WINDOWS.values() if not window.is_rarely_sent),
        "five_hour": _build_window(session),
        "seven_day": _build_window(_find_week_figures(org.week, moment)),
        # The server's key of a one-time credit; below, its key of the saved resets.
        "cinder_cove": _build_one_time_window(org.one_time_credit, moment),
        "extra_usage": _build_extra_usage(org.own_credits, moment),
        "limits": _build_limits(org, moment),
        "spend": _build_spend(org.own_credits, moment),
        "cedar_ember": _build_grants(session, moment) if org.has_reset_grant else None,
        "seven_day_breakdown": {"rows": _BREAKDOWN} if org.fable is not None else None,
        "member_dashboard_available": org.pool is not None,
    }


_WindowFigures = tuple[int, str | None]
"""Percent of a window and the time of its reset."""


def _find_session_figures(org: DemoOrg, moment: DemoMoment) -> _WindowFigures | None:
    if not org.windows:
        return None
    running = org.find_window(moment.minute)
    return (running[0], moment.format_jittered(running[1])) if running else (0, None)


def _find_week_figures(week: DemoWeek | None, moment: DemoMoment) -> _WindowFigures | None:
    return (
        (interpolate(week.points, moment.minute), moment.format_jittered(week.reset_minute)) if week else None
    )


def _build_window(figures: _WindowFigures | None) -> JsonBody | None:
    if figures is None:
        return None
    dollars = dict.fromkeys(("limit_dollars", "used_dollars", "remaining_dollars", "locked_reason"))
    return {"utilization": float(figures[0]), "resets_at": figures[1], **dollars}


def _build_one_time_window(points: DemoPoints | None, moment: DemoMoment) -> JsonBody | None:
    if points is None:
        return None
    used = interpolate(points, moment.minute)
    return {
        "utilization": 100 * used / _ONE_TIME_CREDIT,
        "resets_at": moment.format_jittered(26 * DAY_MINUTES),
        "limit_dollars": _ONE_TIME_CREDIT // 100,
        "used_dollars": used / 100,
        "remaining_dollars": (_ONE_TIME_CREDIT - used) / 100,
        "locked_reason": None,
    }


def _build_limits(org: DemoOrg, moment: DemoMoment) -> list[JsonBody]:
    scope = {"model": {"id": None, "display_name": "Fable"}, "surface": None}
    rows = (
        ("session", "session", _find_session_figures(org, moment), None),
        ("weekly_all", "weekly", _find_week_figures(org.week, moment), None),
        ("weekly_scoped", "weekly", _find_week_figures(org.fable, moment), scope),
    )
    most = max((figures[0] for _, _, figures, _ in rows if figures), default=0)
    return [
        {
            "kind": kind,
            "group": group,
            "percent": figures[0],
            "severity": _find_severity(figures[0]),
            "resets_at": figures[1],
            "scope": scope,
            "is_active": figures[0] == most,
        }
        for kind, group, figures, scope in rows
        if figures
    ]


def _find_severity(percent: float) -> str:
    if percent < 75:
        return "normal"
    return "warning" if percent < 90 else "critical"


def _build_extra_usage(credits: DemoCredits | None, moment: DemoMoment) -> JsonBody:
    # Without usage credits, the server sends every figure as null.
    amounts: JsonBody = dict.fromkeys(
        ("monthly_limit", "used_credits", "utilization", "currency", "decimal_places")
    )
    cause = None
    if credits is not None:
        used, cap = credits.compute_used(moment.minute), credits.find_cap(moment.minute)
        cause = credits.find_lock_cause(moment.minute)
        amounts = {
            "monthly_limit": cap,
            "used_credits": float(used),
            "utilization": 100 * used / cap if cap else None,
            "currency": credits.currency,
            "decimal_places": 2,
        }
    return {
        "is_enabled": credits is not None and cause is not DemoLockCause.EMPTY,
        **amounts,
        "disabled_reason": cause.value if cause else None,
        "user_disabled": False,
        "spend_limit_reached": cause is DemoLockCause.CAP,
        "credits_ever_enabled": credits is not None,
        "daily": None,
        "weekly": None,
    }


def _build_spend(credits: DemoCredits | None, moment: DemoMoment) -> JsonBody:
    credits = credits or _NO_CREDITS
    used, cap = credits.compute_used(moment.minute), credits.find_cap(moment.minute)
    cause = credits.find_lock_cause(moment.minute)
    has_credits = credits is not _NO_CREDITS
    percent = int(100 * used / cap) if cap else 0
    return {
        "used": _build_amount(used, credits.currency),
        "limit": _build_amount(cap, credits.currency),
        "percent": percent,
        "severity": _find_severity(percent),
        "enabled": has_credits and cause is not DemoLockCause.EMPTY,
        "disabled_reason": cause.value if cause else None,
        "cap": {"money": None, "credits": {"amount_minor": cap, "exponent": 2}} if cap else None,
        "balance": None,
        "auto_reload": None,
        "disclaimer": "Usage credits cover you when you hit your plan limits.",
        "can_purchase_credits": has_credits,
        "can_toggle": has_credits,
    }


def _build_amount(minor: int | None, currency: str) -> JsonBody | None:
    return None if minor is None else {"amount_minor": minor, "currency": currency, "exponent": 2}


def _build_grants(session: _WindowFigures | None, moment: DemoMoment) -> JsonBody:
    is_full = session is not None and session[0] >= 100
    grant = {
        "id": "grant_1",
        "label": "Launch reset",
        "resets_total": 1,
        "resets_left": 1,
        "starts_at": moment.format_time(-3 * DAY_MINUTES),
        "ends_at": moment.format_time(4 * DAY_MINUTES),
        "clears": ["five_hour", "seven_day"],
        "blocking": [],
        "paused": False,
        "usable_now": is_full,
        "use_requires_limit": True,
    }
    return {
        "eligible": True,
        "in_experiment": True,
        "ineligible_reason": None,
        "next_grant_id": "grant_1",
        "at_limit": is_full,
        "exhausted": ["five_hour"] if is_full else [],
        "cooldown_until": None,
        "grants": [grant],
    }


def _find_route_key(url: httpx.URL) -> tuple[str, str | None]:
    """Return the path and the member asked for; other parameters do not change the reply."""
    return url.path, url.params.get("account_uuid")


_ORG_ROUTES = {
    _find_route_key(httpx.URL(endpoint.facts.path.format(org=org.uuid, account=DEMO_ACCOUNT_UUID))): (
        org,
        endpoint,
    )
    for org in DEMO_ORGS
    for endpoint in Endpoint
    if endpoint is not Endpoint.ACCOUNT
}
"""The demo's org and endpoint of each request about an org."""


def build_transport(now: Callable[[], datetime], start: datetime) -> httpx.AsyncBaseTransport:
    """Return a transport that replies as claude.ai would at the simulated moment of each request.

    Args:
        now: Source of the simulated time, aware.
        start: Start of the first day, aware; rounded down to the full minute, because the real
            windows reset on full minutes.
    """
    first = start.astimezone(UTC).replace(second=0, microsecond=0)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == Endpoint.ACCOUNT.facts.path:
            return _build_response(build_account())
        if request.url.path == ORGANIZATIONS_PATH:
            return _build_response(build_organizations())
        route = _ORG_ROUTES.get(_find_route_key(request.url))
        if route is None:
            return _build_response(_NOT_FOUND, 404)
        return _answer_org_request(*route, DemoMoment.from_time(now(), first))

    return httpx.MockTransport(handle)


def _answer_org_request(org: DemoOrg, endpoint: Endpoint, moment: DemoMoment) -> httpx.Response:
    match endpoint, org.own_credits:
        case Endpoint.USAGE, _:
            return _answer_usage(org, moment)
        case _, None:
            return _build_response(_NOT_FOUND, 404)
        case Endpoint.OVERAGE, own:
            return _build_response(build_overage(org, org.pool or own, moment))
        case Endpoint.OWN_OVERAGE, own:
            return _build_response(build_overage(org, own, moment))
        case Endpoint.PREPAID, _:
            return _build_response(build_prepaid(org, moment))
        case Endpoint.SUBSCRIPTION, _:
            return _build_response(build_subscription(org, moment))
    return _build_response(_NOT_FOUND, 404)


def _answer_usage(org: DemoOrg, moment: DemoMoment) -> httpx.Response:
    match org.find_fault(moment.minute):
        case (_, DemoFault.SERVER_ERROR):
            return _build_response(build_error("api_error", "Internal server error"), 500)
        case (over, DemoFault.THROTTLED):
            seconds = max(1, math.ceil((over - moment.minute) * 60))
            body = build_error("rate_limit_error", "Rate limited. Please try again later.")
            return _build_response(body, 429, {"retry-after": str(seconds)})
        case (_, DemoFault.WEB_PAGE):
            page = "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
            return _build_response(page, 502)
    return _build_response(build_usage(org, moment))


def _build_response(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Return a reply; its body is a web page if it is text, else JSON."""
    is_page = isinstance(body, str)
    content = (str(body) if is_page else json.dumps(body)).encode()
    kind = "text/html; charset=utf-8" if is_page else "application/json"
    headers = {"content-type": kind, "content-length": str(len(content)), **(headers or {})}
    # A body given as `content` counts as already read and cannot be streamed.
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))
