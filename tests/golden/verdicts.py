"""Every verdict in words: many kinds of windows beside many kinds of credits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

from claudemeter_tui.formatting import verdict as words
from claudemeter_tui.formatting.figures import build_sections
from claudemeter_tui.model.verdict import judge
from tests.bodies import (
    ACCOUNT,
    NEXT_MONTH,
    Json,
    extra_usage_body,
    limit_body,
    locked_body,
    overage_body,
    team_body,
    usage_body,
    window_body,
)
from tests.scenes import NOW, OrgBodies, store

SOON, LATE = "2026-04-25T16:00:00Z", "2026-04-28T14:00:00Z"
LATER = NOW + timedelta(minutes=20)
"""Time after which the figures are too old for a verdict."""
USAGES: dict[str, Json] = {
    "free": usage_body(41.0, 67.0),
    "not started": usage_body(0.0, 0.0, resets_at=None),
    "5-hour full": usage_body(100.0, 67.0),
    "both full": usage_body(100.0, 100.0),
    "both full, same reset": usage_body(100.0, 100.0, resets_at=LATE, week_resets_at=LATE),
    "full, no reset reported": usage_body(100.0, 67.0, resets_at=None),
    "full, reset due": usage_body(100.0, 67.0, resets_at="2026-04-25T14:40:00Z"),
    "5-hour unreported": usage_body(41.0, 67.0) | {"five_hour": window_body(None)},
    "nothing reported": usage_body(None, None)
    | {"five_hour": window_body(None), "seven_day": window_body(None)},
    "no windows": usage_body(None, None, limits=[]),
    "empty": {},
    "one model full": usage_body(limits=[limit_body("weekly_scoped", 100, model="Fable")]),
    "a model and a surface full": usage_body(
        seven_day_opus=window_body(100.0, LATE),
        seven_day_oauth_apps=window_body(100.0, None),
        seven_day_cowork=window_body(100.0, LATE, locked_reason="maintenance"),
        iguana_necktie=window_body(100.0, LATE),
    ),
    "locked": usage_body(41.0, 67.0) | {"five_hour": window_body(41.0, SOON, locked_reason="maintenance")},
}
OVERAGES: dict[str, OrgBodies] = {
    "no credits": OrgBodies(),
    "open": OrgBodies(overage=overage_body()),
    "open, no cap": OrgBodies(overage=overage_body(812, None), spent=((6, 300), (3, 640))),
    "off": OrgBodies(overage=overage_body(enabled=False)),
    "cap reached, dated": OrgBodies(overage=locked_body()),
    "cap reached, opens first": OrgBodies(overage=locked_body(until="2026-04-25T15:30:00Z")),
    "empty balance": OrgBodies(overage=overage_body(0, 2000, out_of_credits=True)),
    "opaque reason": OrgBodies(overage=overage_body(reason="capacity_protection")),
    "pool locked": OrgBodies(
        team_body(),
        overage=overage_body(100_000, 100_000, reason="org_spend_cap_reached", until=NEXT_MONTH),
        own=overage_body(limit_type="member", account_uuid=ACCOUNT),
    ),
    "pool open": OrgBodies(team_body(), overage=overage_body(26_118, 100_000), spent=((6, 20_000),)),
    "not understood": OrgBodies(overage={"is_enabled": None}),
}


def of_verdicts() -> Iterator[tuple[str, str]]:
    """Yield all forms of the verdict for every kind of windows beside every kind of credits."""
    for name, usage in USAGES.items():
        yield name, "\n".join(_said(name, kind, usage, bodies) for kind, bodies in OVERAGES.items())


def _said(name: str, kind: str, usage: Json, bodies: OrgBodies) -> str:
    extra = extra_usage_body() if kind.startswith("open") else None
    sent = usage | {"extra_usage": extra} if extra and usage else usage
    known = store(OrgBodies(bodies.org, sent, bodies.overage, bodies.own, spent=bodies.spent))
    (state,) = known.orgs
    lines = [f"{name}, {kind}:"]
    for moment in (NOW, LATER):
        verdict = judge(state, moment)
        said = (
            words.format_verdict_name(verdict),
            words.format_short_verdict(verdict, moment, UTC),
            words.format_verdict_line(verdict, moment, UTC),
        )
        facts = (f"{label}: {value}" for label, value in words.list_verdict_facts(verdict, moment, UTC))
        lines.append(f"  {' | '.join((*said, *facts))}")
    figures = (figure for section in build_sections(known, state, NOW, UTC) for figure in section.figures)
    lines += [
        f"  {one.label}: {one.value}" for one in figures if one.label in ("state", "cap", "balance", "used")
    ]
    return "\n".join(lines)
