"""One body of each call with every known key, and the paths to all places of a body.

Each function returns a fresh JSON value; keywords replace keys of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from claudemeter_tui.model.catalogue import Endpoint
from tests.bodies import (
    NEXT_MONTH,
    PERSONAL,
    TEAM,
    Json,
    account_body,
    extra_usage_body,
    limit_body,
    overage_body,
    prepaid_body,
    spend_body,
    subscription_body,
    team_body,
    tranche_body,
    usage_body,
    window_body,
)

WEEKLY_RESET = "2026-04-28T13:59:59.571131+00:00"
"""Reset with the server's jitter: it means 14:00."""
GRANT = {
    "id": "default",
    "label": None,
    "resets_total": 3,
    "resets_left": 2,
    "starts_at": "2026-04-20T00:00:00Z",
    "ends_at": "2026-05-20T00:00:00Z",
    "clears": ["five_hour", "seven_day"],
    "blocking": [],
    "paused": False,
    "usable_now": True,
    "use_requires_limit": True,
    "percent_used": None,
}
GRANTS = {
    "eligible": True,
    "in_experiment": True,
    "ineligible_reason": None,
    "next_grant_id": GRANT["id"],
    "at_limit": True,
    "exhausted": ["five_hour"],
    "cooldown_until": None,
    "weekly_resets_at": WEEKLY_RESET,
    "grants": [GRANT],
}
"""Saved resets that can be used while a window is full."""
Place = tuple[str | int, ...]


def usage(**changes: Any) -> Json:
    """Return a usage body with windows, limits, both meters, a grant and a share."""
    seen = {"user_disabled": False, "spend_limit_reached": False, "credits_ever_enabled": True}
    dollars = {"limit_dollars": 1000, "used_dollars": 250.5, "remaining_dollars": 749.5}
    body = usage_body(
        41.0,
        67.5,
        week_resets_at=WEEKLY_RESET,
        limits=[
            limit_body("session", 41, "2026-04-25T16:00:00Z"),
            limit_body("weekly_all", 67, WEEKLY_RESET),
            limit_body("weekly_scoped", 83, WEEKLY_RESET, model="Fable", is_active=True),
        ],
        extra_usage=extra_usage_body(**seen, daily=None, weekly=None),
        spend=spend_body(1721, 5001) | {"cap": None, "can_toggle": False},
        seven_day_opus=window_body(9.0, WEEKLY_RESET),
        cinder_cove=window_body(25.0, "2026-09-22T18:55:57Z", **dollars),
        cedar_ember=copy.deepcopy(GRANTS),
        seven_day_breakdown={"rows": [{"key": "chat", "display_name": "Chat", "percent": 38.5}]},
        member_dashboard_available=False,
    )
    return body | changes


def overage(**changes: Any) -> Json:
    """Return an overage body, locked in two ways."""
    reached = "self_selected_spend_limit_reached"
    body = overage_body(6230, 7000, reason=reached, until=NEXT_MONTH, out_of_credits=True, currency="CAD")
    return body | changes


def prepaid(**changes: Any) -> Json:
    """Return a prepaid body with a tranche of each kind; the promotional one has no currency of its own."""
    bought, given = tranche_body(14_433, None, "EUR"), tranche_body(10_001)
    del given["currency"]
    body = prepaid_body(tranches=[bought], promo=[given], currency="EUR")
    return body | {"balance": {"money": None, "credits": None}} | changes


def subscription(**changes: Any) -> Json:
    """Return a subscription body with everything that can be scheduled."""
    body = subscription_body(
        card=("visa", "0042"),
        payment_paused_until="2026-06-01T00:00:00Z",
        scheduled_downgrade={"plan_type": "max_5x_monthly", "date": "2026-06-01T15:22:44"},
        gift_details={"paid_through": "2026-10-03"},
    )
    return body | changes


def org(**changes: Any) -> Json:
    """Return a Team organization with a pause."""
    return team_body(PERSONAL, "Acme", billable_usage_paused_until=NEXT_MONTH, settings={}) | changes


def account(**changes: Any) -> Json:
    """Return an account with two organizations."""
    body = account_body(org(), {"uuid": TEAM, "name": "Lab"}) | {"full_name": "Pat"}
    return body | changes


def by_endpoint() -> dict[Endpoint, Json]:
    """Return the complete body of each call about an org, and of the account's."""
    return {
        Endpoint.ACCOUNT: account(),
        Endpoint.USAGE: usage(),
        Endpoint.OVERAGE: overage(),
        Endpoint.OWN_OVERAGE: overage(),
        Endpoint.PREPAID: prepaid(),
        Endpoint.SUBSCRIPTION: subscription(),
    }


def places(body: object, of: type = object) -> Iterator[Place]:
    """Return the path to every value of that type, the body itself included."""
    if isinstance(body, of):
        yield ()
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, value in inner:
        yield from ((step, *place) for place in places(value, of))


def at_place(body: Any, place: Place) -> Any:
    """Return the value at a place."""
    for step in place:
        body = body[step]
    return body


def put(body: Any, place: Place, value: object) -> Any:
    """Return a copy of the body with another value at one place, or with one more key there."""
    if not place:
        return value
    changed = copy.deepcopy(body)
    at_place(changed, place[:-1])[place[-1]] = value
    return changed
