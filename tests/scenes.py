"""Readings for the screen: an ordinary Saturday of three orgs, and one scene for every verdict.

Every scene is made of bodies as the server sends them, understood by the real translation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from claudemeter_tui.model.reading import (
    Endpoint,
    Failure,
    Reading,
    Reply,
    Report,
    Schedule,
    Session,
    Trouble,
)
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.usage import Account, Org, Origin
from claudemeter_tui.sources.claude_ai import wire
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

NOW = datetime(2026, 4, 25, 14, 48, 18, tzinfo=UTC)
"""A Saturday; the scenes are seen then."""
READ = NOW - timedelta(seconds=18)
"""When the last poll of a scene ended."""
INTERVAL = timedelta(seconds=60)
SESSION = Session("Chrome", "Default")
LAB = "bbbbbbbb-0000-4000-8000-000000000003"


@dataclass(frozen=True)
class OrgBodies:
    """What the server says about one org; None in place of a body: a 404."""

    org: Json = field(default_factory=org_body)
    usage: Json = field(default_factory=usage_body)
    overage: Json | None = None
    own: Json | None = None
    prepaid: Json | None = None
    subscription: Json | None = field(default_factory=subscription_body)
    spent: tuple[tuple[int, int], ...] = ()
    """Earlier polls: from so many minutes ago, `used_credits` was so much; -1 are failures."""


def reply(
    endpoint: Endpoint, meaning: Callable[[object], wire.Parsed[Any]], body: object, at: datetime
) -> Reply:
    """One body, understood."""
    parsed = meaning(body)
    new, odd = parsed.new_fields, parsed.odd_values
    return Reply(endpoint, at, parsed.value, json.dumps(body), new_fields=new, odd_values=odd)


def org_of(body: Json) -> Org:
    """The org that a body describes."""
    orgs = wire.organizations([body]).value
    assert isinstance(orgs, tuple)
    return next(org for org in orgs if isinstance(org, Org))


def parts(bodies: OrgBodies, at: datetime) -> dict[Endpoint, Reply | Failure]:
    """Every reply about one org."""
    shared = org_of(bodies.org).shared
    overage = partial(wire.overage, shared=shared)
    asked: Mapping[Endpoint, tuple[Callable[[object], wire.Parsed[Any]], Json | None]] = {
        Endpoint.USAGE: (wire.usage, bodies.usage),
        Endpoint.OVERAGE: (partial(overage, origin=Origin.OVERAGE), bodies.overage),
        Endpoint.OWN_OVERAGE: (partial(overage, origin=Origin.OWN), bodies.own),
        Endpoint.PREPAID: (wire.prepaid, bodies.prepaid),
        Endpoint.SUBSCRIPTION: (wire.subscription, bodies.subscription),
    }
    return {endpoint: reply(endpoint, meaning, body, at) for endpoint, (meaning, body) in asked.items()}


def readings(*orgs: OrgBodies, at: datetime = READ, session: Session = SESSION) -> Iterable[Reading]:
    """The readings of a run that ends with a poll at `at`."""
    account = Account(ACCOUNT, "pat@example.com")
    roster = tuple(org_of(bodies.org) for bodies in orgs)
    who = Reply(Endpoint.ACCOUNT, at, account, json.dumps(account_body(*(bodies.org for bodies in orgs))))
    yield Reading(session, at, account=who, roster=roster)
    for bodies in orgs:
        yield from _earlier(bodies, at, session)
        yield Reading(session, at, reports=(Report(org_of(bodies.org), parts(bodies, at)),))
    yield Reading(session, at, schedule=Schedule(at + INTERVAL, INTERVAL))


def _earlier(bodies: OrgBodies, at: datetime, session: Session) -> Iterable[Reading]:
    """One poll a minute, each with the amount of its time."""
    which = "own" if bodies.own is not None else "overage"
    amounts = dict(bodies.spent)
    used = 0
    for minutes in range(max(amounts, default=0), 0, -1):
        used = amounts.get(minutes, used)
        then = at - timedelta(minutes=minutes)
        body: Any = getattr(bodies, which)
        past = OrgBodies(**{**vars(bodies), which: body | {"used_credits": max(0, used)}})
        found = parts(past, then)
        if used < 0:
            found = {endpoint: Failure(Trouble.SERVER_ERROR, endpoint, then) for endpoint in found}
        yield Reading(session, then, reports=(Report(org_of(bodies.org), found),))


def store(*orgs: OrgBodies, at: datetime = READ) -> Store:
    """The store after a run over these orgs."""
    known = Store()
    for reading in readings(*orgs, at=at):
        known = known.after(reading)
    return known


PERSONAL = OrgBodies(
    usage=usage_body(
        67.0,
        41.0,
        limits=[
            limit_body("session", 67, "2026-04-25T16:00:00Z"),
            limit_body("weekly_all", 41),
            limit_body("weekly_scoped", 12, model="Fable"),
        ],
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
        limits=[
            limit_body("session", 100, "2026-04-25T16:00:00Z"),
            limit_body("weekly_all", 71),
            limit_body("weekly_scoped", 12, model="Fable"),
        ],
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
"""Room in the plan, credits locked: what every other tool shows as green bars."""

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
"""Both windows full, and a reason that nobody explains."""
