"""Readings for the screen: an ordinary Saturday of three orgs, and one scene for every verdict.

Every scene is made of bodies in the server's form, parsed by the real code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from claudemeter_tui.claude_ai.api import ORG_PARSERS
from claudemeter_tui.claude_ai.parse_account import parse_account, parse_organizations
from claudemeter_tui.claude_ai.validation import ParsedBody
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Reply, Schedule, Session
from claudemeter_tui.model.store import Store
from tests.bodies import (
    ACCOUNT,
    NEXT_MONTH,
    Json,
    account_body,
    extra_usage_body,
    limit_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    tranche_body,
    usage_body,
    window_body,
)
from tests.model.readings import folded

NOW = datetime(2026, 4, 25, 14, 48, 18, tzinfo=UTC)
"""Time at which the scenes are shown, a Saturday."""
READ = NOW - timedelta(seconds=18)
"""End of the last poll of a scene."""
INTERVAL = timedelta(seconds=60)
SESSION = Session("Chrome", "Default")
LAB = "bbbbbbbb-0000-4000-8000-000000000003"


@dataclass(frozen=True)
class OrgBodies:
    """The bodies of one org; None instead of a body is a 404."""

    org: Json = field(default_factory=org_body)
    usage: Json = field(default_factory=usage_body)
    overage: Json | None = None
    own: Json | None = None
    prepaid: Json | None = None
    subscription: Json | None = field(default_factory=subscription_body)
    spent: tuple[tuple[int, int], ...] = ()
    """Earlier polls: minutes ago, and `used_credits` from then on; -1 is a failure."""


@lru_cache(1000)
def understood(endpoint: Endpoint, text: str, *, shared: bool) -> ParsedBody[Any]:
    """Return the parsed body, cached because the scenes share a few bodies."""
    body = json.loads(text)
    if endpoint is Endpoint.ACCOUNT:
        return parse_account(body)
    return ORG_PARSERS[endpoint](body, Org(LAB, "", is_shared=shared))


def reply(endpoint: Endpoint, body: object, at: datetime, *, shared: bool) -> Reply:
    """Return one body about an org, parsed."""
    text = json.dumps(body)
    parsed = understood(endpoint, text, shared=shared)
    new, odd = parsed.new_fields, parsed.odd_values
    return Reply(endpoint, at, parsed.value, text, new_fields=new, odd_values=odd)


def org_of(body: Json) -> Org:
    """Return the org that a body describes."""
    return _org_of(json.dumps(body))


@lru_cache(1000)
def _org_of(text: str) -> Org:
    (org,) = parse_organizations([json.loads(text)]).value
    assert isinstance(org, Org)
    return org


def parts(bodies: OrgBodies, at: datetime) -> dict[Endpoint, Reply | Failure]:
    """Return every reply about one org."""
    sent = {
        Endpoint.USAGE: bodies.usage,
        Endpoint.OVERAGE: bodies.overage,
        Endpoint.OWN_OVERAGE: bodies.own,
        Endpoint.PREPAID: bodies.prepaid,
        Endpoint.SUBSCRIPTION: bodies.subscription,
    }
    shared = org_of(bodies.org).is_shared
    return {endpoint: reply(endpoint, body, at, shared=shared) for endpoint, body in sent.items()}


def readings(*orgs: OrgBodies, at: datetime = READ, session: Session = SESSION) -> Iterable[Reading]:
    """Return the readings of a run that ends with a poll at `at`."""
    account = Account(ACCOUNT, "pat@example.com")
    roster = tuple(org_of(bodies.org) for bodies in orgs)
    who = Reply(Endpoint.ACCOUNT, at, account, json.dumps(account_body(*(bodies.org for bodies in orgs))))
    yield Reading(session, at, account=who, orgs=roster)
    for bodies in orgs:
        yield from _earlier(bodies, at, session)
        yield Reading(session, at, org_readings=(OrgReading(org_of(bodies.org), parts(bodies, at)),))
    yield Reading(session, at, schedule=Schedule(at + INTERVAL, INTERVAL))


def _earlier(bodies: OrgBodies, at: datetime, session: Session) -> Iterable[Reading]:
    """Yield earlier polls: every other minute, and on both sides of each change."""
    which = "own" if bodies.own is not None else "overage"
    amounts = dict(bodies.spent)
    used = 0
    for minutes in range(max(amounts, default=0), 0, -1):
        used = amounts.get(minutes, used)
        if minutes % 2 and not {minutes, minutes - 1} & amounts.keys():
            continue
        then = at - timedelta(minutes=minutes)
        body: Any = getattr(bodies, which)
        past = OrgBodies(**{**vars(bodies), which: body | {"used_credits": max(0, used)}})
        found = parts(past, then)
        if used < 0:
            found = {endpoint: Failure(ErrorKind.SERVER_ERROR, endpoint, then) for endpoint in found}
        yield Reading(session, then, org_readings=(OrgReading(org_of(bodies.org), found),))


def store(*orgs: OrgBodies, at: datetime = READ) -> Store:
    """Return the store after a run over these orgs."""
    return folded(*readings(*orgs, at=at))


def _limits(session: int, weekly: int) -> list[Json]:
    """Return `limits[]` with room in one model's week."""
    return [
        limit_body("session", session, "2026-04-25T16:00:00Z"),
        limit_body("weekly_all", weekly),
        limit_body("weekly_scoped", 12, model="Fable"),
    ]


PERSONAL = OrgBodies(
    usage=usage_body(
        67.0,
        41.0,
        limits=_limits(67, 41),
        extra_usage=extra_usage_body(),
    ),
    overage=overage_body(),
    prepaid=prepaid_body(promo=[tranche_body(10_000)]),
    spent=((46, 1720), (30, 1720)),
)
"""Room in the plan, room under the cap."""

TEAM = OrgBodies(
    org=team_body(),
    usage=usage_body(
        100.0,
        71.0,
        limits=_limits(100, 71),
        extra_usage=extra_usage_body(5000.0),
    ),
    overage=overage_body(26_118, 100_000),
    own=locked_body(limit_type="member", account_uuid=ACCOUNT),
    prepaid=prepaid_body(promo=[tranche_body(10_000)]),
    spent=((46, 4660), (38, 4720), (36, 4790), (30, 4860), (24, -1), (20, 4860), (17, 5000)),
)
"""The 5-hour window full, one's own cap reached: BLOCKED."""

LABORATORY = OrgBodies(
    org=org_body(LAB, "Lab"),
    usage=usage_body(100.0, 58.0, extra_usage=extra_usage_body(812.0, None)),
    overage=overage_body(812, None),
    spent=((46, 300), (41, 420), (33, 505), (20, 640), (9, 812)),
)
"""The 5-hour window full, no cap: ON CREDITS."""

WAITING = OrgBodies(usage=usage_body(100.0, 82.0), overage=overage_body(426, 6000, enabled=False))
"""The 5-hour window full, credits off: WAIT."""

CREDITS_BLOCKED = OrgBodies(
    usage=usage_body(41.0, 67.0, extra_usage=extra_usage_body(0.0, 2000)),
    overage=overage_body(0, 2000, out_of_credits=True),
    prepaid=prepaid_body(0),
)
"""Room in the plan, credits locked: other tools show green bars only."""

ENTERPRISE = OrgBodies(
    org=org_body(name="Globex", capabilities=("chat", "raven"), tier="default_claude_zero"),
    usage=usage_body(
        None,
        None,
        limits=[],
        extra_usage=extra_usage_body(211_926.0, 500_000),
        cinder_cove=window_body(100.0, "2026-09-22T18:55:57Z", limit_dollars=1000, used_dollars=1000.0),
    ),
    overage=overage_body(1_200_000, 5_000_000),
    subscription=None,
)
"""No plan-wide windows, a one-time credit that is used up."""

SERVER_LOCK = OrgBodies(
    usage=usage_body(100.0, 100.0),
    overage=overage_body(1200, 5000, reason="capacity_protection", until=NEXT_MONTH),
)
"""Both windows full, and a reason without an explanation."""
