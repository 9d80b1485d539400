"""Every body as an org on screen: the captured ones if they are beside the checkout, and ours.

The captured ones are combined, one of each call, until each is in an org; further cases (wide names,
long reasons, other currencies, many windows) are modelled here and always present.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from claudemeter_tui.model.store import OrgState
from tests import scenes
from tests.bodies import (
    ACCOUNT,
    Json,
    extra_usage_body,
    limit_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    spend_body,
    subscription_body,
    team_body,
    tranche_body,
    usage_body,
    window_body,
)
from tests.scenes import NOW, OrgBodies

CAPTURES = Path(os.environ.get("CAPTURED_BODIES", "captures")).resolve()
"""Captured bodies, never in the repository: a folder with a `manifest.json`."""
CALLS = {
    "usage": "usage",
    "overage": "overage_spend_limit",
    "prepaid": "prepaid/credits",
    "subscription": "subscription_details",
}
"""Calls about one org, by the end of their address."""


@dataclass(frozen=True)
class Seen:
    """An org, and the moment at which it is shown."""

    name: str
    bodies: OrgBodies
    now: datetime = NOW

    @property
    def read_at(self) -> datetime:
        """Return the end of its last poll."""
        return self.now - timedelta(seconds=18)


LONG = "The Extraordinarily Long Name of a Research Organization That Goes On and On"
WIDE = "東京研究所の長い名前を持つ組織 🚀 Ünïcödé"
OURS = (
    Seen("personal", scenes.PERSONAL),
    Seen("team", scenes.TEAM),
    Seen("laboratory", scenes.LABORATORY),
    Seen("waiting", scenes.WAITING),
    Seen("credits_blocked", scenes.CREDITS_BLOCKED),
    Seen("enterprise", scenes.ENTERPRISE),
    Seen("server_lock", scenes.SERVER_LOCK),
    Seen("nothing", OrgBodies(usage={}, subscription=None)),
    Seen(
        "wide",
        OrgBodies(
            org=team_body(name=WIDE),
            usage=usage_body(
                99.6,
                100.0,
                limits=[
                    limit_body("session", 99, "2026-04-25T16:00:00Z"),
                    limit_body("weekly_all", 100),
                    limit_body("weekly_scoped", 100, model="ファブル 日本語版"),
                    limit_body("weekly_scoped", 3, model="🧪 Experimental Model of Great Length"),
                ],
                extra_usage=extra_usage_body(123_456_789.0, 999_999_999, currency="JPY", decimal_places=0),
            ),
            overage=overage_body(1_234_567_890, 9_999_999_999, currency="JPY"),
            own=locked_body(
                used=123_456_789, cap=123_456_789, currency="JPY", limit_type="member", account_uuid=ACCOUNT
            ),
            prepaid=prepaid_body(
                987_654_321, promo=[tranche_body(123_456_789, currency="JPY")], currency="JPY"
            ),
            spent=((50, 1_000), (40, 50_000_000), (20, 123_456_789)),
        ),
    ),
    Seen(
        "long",
        OrgBodies(
            org=org_body(name=LONG, billing_issue="invoice_overdue_since_last_quarter"),
            usage=usage_body(
                250.0,
                100.0,
                seven_day_sonnet=window_body(12.0, locked_reason="capacity_protection_of_the_region"),
                seven_day_opus=window_body(88.0),
                iguana_necktie=window_body(93.2, limit_dollars=12_500, used_dollars=11_650.45),
                cinder_cove=window_body(100.0, "2027-01-01T00:00:00Z", limit_dollars=100, used_dollars=100),
                a_code_name_that_nobody_ever_explained=window_body(0.0, None),
                extra_usage=extra_usage_body(1_234_567.0, 2_000_000, currency="CAD"),
                spend=spend_body(1_234_560, 2_000_000, "CAD"),
            ),
            overage=overage_body(
                1_234_567,
                2_000_000,
                currency="CAD",
                reason="a_reason_with_a_name_that_is_longer_than_a_narrow_pane",
                until="2027-02-28T23:59:00Z",
            ),
            prepaid=prepaid_body(9_876_543_210, promo=[tranche_body(1_234_567)], auto_reload={"on": True}),
            subscription=subscription_body("past_due", ends_at="2026-12-31T00:00:00Z"),
            spent=((46, 1_000_000), (30, 1_200_000), (24, -1), (20, 1_230_000), (9, 1_234_567)),
        ),
    ),
    Seen(
        "gone by",
        OrgBodies(
            usage=usage_body(41.0, 67.0, resets_at="2026-04-25T14:40:00Z", week_resets_at=None),
            overage=overage_body(-0, 5000, enabled=False, reason="org_service_zero_credit_limit"),
        ),
    ),
)
"""Bodies of this repository: every verdict, and everything that is difficult to draw."""


def seen() -> tuple[Seen, ...]:
    """Return every org."""
    return (*OURS, *_captured())


def state(one: Seen) -> OrgState:
    """Return the state of that org after its run."""
    return scenes.store(one.bodies, at=one.read_at).orgs[0]


def _captured() -> Iterator[Seen]:
    """Return orgs of the captured bodies, one of each call, until each is in one."""
    found = {call: captured(ending) for call, ending in CALLS.items()}
    if not found["usage"]:
        return
    others = {call: cycle([*bodies.values(), None]) for call, bodies in found.items() if call != "usage"}
    orgs = cycle(_orgs())
    for place, (name, usage) in enumerate(found["usage"].items()):
        org = next(orgs) | {"uuid": f"dddddddd-0000-4000-8000-{place:012}"}
        overage, prepaid, subscription = (
            next(others[call]) for call in ("overage", "prepaid", "subscription")
        )
        body = OrgBodies(org, usage, overage, prepaid=prepaid, subscription=subscription)
        yield Seen(name[:2], _spending(body), _moment(usage))


def captured(ending: str) -> dict[str, Json]:
    """Return the captured bodies of a call, by their files; empty if there are none."""
    manifest = CAPTURES / "manifest.json"
    if not manifest.is_file():
        return {}
    entries = json.loads(manifest.read_text(encoding="utf-8"))
    found = {entry["file"]: _body(entry["file"], ending) for entry in entries if _is_of(entry, ending)}
    return {name: body for name, body in found.items() if isinstance(body, dict)}


def _is_of(entry: Json, ending: str) -> bool:
    if entry["file"].startswith("57-"):
        return ending != "subscription_details"
    if entry["file"].startswith("74-"):
        return ending == "usage"
    address: str = entry["endpoint"]
    return bool(entry["status"] == 200 and address.partition("?")[0].rstrip().endswith(ending))


def _body(name: str, ending: str) -> Any:
    found = json.loads((CAPTURES / name).read_text(encoding="utf-8"))
    if name.startswith("57-"):
        return found[next(call for call, end in CALLS.items() if end == ending)]
    if name.startswith("74-"):
        return found["cachedUsageUtilization"]["utilization"]
    return found


def _orgs() -> list[Json]:
    """Return the captured organizations, and one of each kind of ours."""
    listed = json.loads((CAPTURES / "40-web-organizations-list-2026-05-12.json").read_text(encoding="utf-8"))
    return [*listed, org_body(), team_body(name=WIDE), org_body(name=LONG)]


def _spending(bodies: OrgBodies) -> OrgBodies:
    """Return the same with a run in which the credits rose, if the figure is known."""
    used = (bodies.overage or {}).get("used_credits")
    if not isinstance(used, int):
        return bodies
    return replace(bodies, spent=((15, used // 2), (11, used * 2 // 3), (8, -1), (6, used - used // 9)))


def _moment(usage: Json) -> datetime:
    """Return an hour before the first reset in the body."""
    windows = [part for part in usage.values() if isinstance(part, dict)]
    resets = [part["resets_at"] for part in windows if isinstance(part.get("resets_at"), str)]
    moments = [datetime.fromisoformat(text) for text in resets]
    return min(moments, default=NOW + timedelta(hours=1)).astimezone(UTC).replace(
        second=18, microsecond=0
    ) - timedelta(hours=1)
