"""Mutated sets of all replies of one org: the program never says "open" where the notes forbid it.

Each set goes through the real client, parsers, store and verdict; only the socket is replaced. The state of
the credits is compared with `tests.soak.credits_oracle`, which shares no code with the program.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.reading import ErrorKind, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import Verdict, VerdictState, judge
from tests.bodies import (
    ACCOUNT,
    Json,
    account_body,
    extra_usage_body,
    org_body,
    overage_body,
    prepaid_body,
    spend_body,
    team_body,
    usage_body,
)
from tests.soak.bodies import mutated
from tests.soak.credits_oracle import (
    NOT_FOUND,
    OFF_REASONS,
    UNCLEAR_REASONS,
    RawOrg,
    RawReply,
    State,
    allowed_states,
    is_shared,
)
from tests.soak.parts import Part

NOW = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
"""Time at which every set is read and judged."""
_COOKIES = Cookies([("sessionKey", "sk-ant-sid01-MARKER")])
_SESSION = Session("Chrome", "Default")
_STATES: dict[CreditState, State] = {
    CreditState.OPEN: "open",
    CreditState.LOCKED: "locked",
    CreditState.OFF: "off",
    CreditState.ABSENT: "off",
    CreditState.UNKNOWN: "not known",
}
_CHALLENGE = "<!DOCTYPE html><title>Just a moment...</title>"
_CAP_REASONS = ("org_level_disabled_until", "org_spend_cap_reached")
"""Reasons of a withdrawn meter."""

Path = tuple[str, ...]

COUNTS: Counter[str] = Counter()
"""Tries by what the program said beside the oracle; a fault of caution fails no try."""


def read_store(org: RawOrg) -> Store:
    """Return the store after one poll of these replies at NOW."""
    return asyncio.run(_poll(org))


def judge_org(org: RawOrg) -> Verdict | None:
    """Return the program's verdict on these replies at NOW. None if it lists no org."""
    states = read_store(org).orgs
    return judge(states[0], NOW) if states else None


async def _poll(org: RawOrg) -> Store:
    transport = httpx.MockTransport(lambda request: _answer(org, request))
    client = CookieClient(_COOKIES, base_url="http://127.0.0.1:1", now=lambda: NOW, transport=transport)
    source = ClaudeAiSource(_SESSION, client, lambda: NOW)
    store = Store()
    try:
        async for reading in source.read(full=True):
            store = store.apply_safely(reading)
    finally:
        await source.aclose()
    return store


def _answer(org: RawOrg, request: httpx.Request) -> httpx.Response:
    """Return the reply of a path, whatever org it names: the entry's uuid may have been changed."""
    path = request.url.path
    listed = org.organization
    if path == "/api/account":
        return _respond(replace(listed, body=account_body(listed.body)))
    if path == "/api/organizations":
        return _respond(replace(listed, body=[listed.body]))
    if path.endswith("/overage_spend_limit"):
        return _respond(org.own if "account_uuid" in request.url.params else org.overage)
    if path.endswith("/prepaid/credits"):
        return _respond(org.prepaid)
    return _respond(org.usage if path.endswith("/usage") else NOT_FOUND)


def _respond(reply: RawReply) -> httpx.Response:
    is_json = reply.text is None
    text = json.dumps(reply.body) if is_json else reply.text
    headers = {"content-type": "application/json" if is_json else "text/html"}
    # A stream, because the client reads the raw bytes of the response.
    stream = httpx.ByteStream((text or "").encode())
    return httpx.Response(reply.status, headers=headers, stream=stream)


def personal_org() -> RawOrg:
    """Return a personal plan with a full 5-hour window and open credits, which every reply reports."""
    usage = usage_body(100.0, 41.0, extra_usage=_meter(), spend=spend_body())
    return RawOrg(
        RawReply(org_body()),
        RawReply(usage),
        RawReply(overage_body()),
        prepaid=RawReply(prepaid_body()),
    )


def shared_org() -> RawOrg:
    """Return a member of a Team plan with open credits, whose pool is open as well."""
    own = overage_body(limit_type="member", account_uuid=ACCOUNT)
    return replace(
        personal_org(),
        organization=RawReply(team_body()),
        overage=RawReply(overage_body(26_118, 100_000)),
        own=RawReply(own),
    )


def member_org() -> RawOrg:
    """Return a member of a Team plan whose `overage_spend_limit` gives the member's limit on both paths."""
    own = RawReply(overage_body(limit_type="member"))
    return replace(shared_org(), overage=own)


def _meter(used: float | None = 1720.0, cap: int | None = 5000, **more: Any) -> Json:
    newer = {"user_disabled": False, "spend_limit_reached": False, "credits_ever_enabled": True}
    return extra_usage_body(used, cap, **(newer | more))


def _uncapped_org() -> RawOrg:
    usage = usage_body(100.0, 41.0, extra_usage=_meter(cap=None), spend=spend_body(cap=None))
    return replace(personal_org(), usage=RawReply(usage), overage=RawReply(overage_body(cap=None)))


def _org_without_overage() -> RawOrg:
    return replace(personal_org(), overage=NOT_FOUND, prepaid=NOT_FOUND)


def _older_org() -> RawOrg:
    """Return a personal plan as before July 2026: without `spend` and the newer keys."""
    return replace(personal_org(), usage=RawReply(usage_body(100.0, 41.0, extra_usage=extra_usage_body())))


def _switched_off_org() -> RawOrg:
    usage = usage_body(100.0, 41.0, extra_usage=_meter(is_enabled=False, user_disabled=True))
    off = overage_body(enabled=False, reason="user_disabled")
    return replace(personal_org(), usage=RawReply(usage), overage=RawReply(off))


_BASES: tuple[Callable[[], RawOrg], ...] = (
    personal_org,
    personal_org,
    shared_org,
    member_org,
    _uncapped_org,
    _older_org,
    _org_without_overage,
    _switched_off_org,
)

_FIELDS: dict[str, tuple[Path, ...]] = {
    "organization": (
        ("billable_usage_paused_until",),
        ("capabilities",),
        ("raven_type",),
        ("rate_limit_tier",),
    ),
    "usage": (
        ("extra_usage",),
        *(
            ("extra_usage", key)
            for key in (
                "is_enabled",
                "monthly_limit",
                "used_credits",
                "utilization",
                "decimal_places",
                "disabled_reason",
                "user_disabled",
                "spend_limit_reached",
            )
        ),
        ("spend",),
        *(("spend", key) for key in ("used", "limit", "cap", "enabled", "disabled_reason", "percent")),
        ("spend", "used", "amount_minor"),
        ("spend", "limit", "amount_minor"),
    ),
    "prepaid": (("amount",), ("currency",), ("balance_credits",)),
}
_OVERAGE_FIELDS: tuple[Path, ...] = tuple(
    (key,)
    for key in (
        "is_enabled",
        "monthly_credit_limit",
        "used_credits",
        "out_of_credits",
        "disabled_reason",
        "disabled_until",
        "limit_type",
        "currency",
    )
)
_FIELDS |= {"overage": _OVERAGE_FIELDS, "own": _OVERAGE_FIELDS}
"""Places of each reply that decide about the credits."""

_NUMBERS = (0, 0.0, 1, -1, 99.5, 1719, 1720, 4999, 5000, 5000.0, 5001, 6230, 10**6, 10**12, 10**18, 10**30)
_HUGE = (1e308, 10**400, -(10**400), -1e308, float("inf"), float("nan"), 10**15 + 0.5)
_REASONS = (
    *sorted(OFF_REASONS),
    *sorted(UNCLEAR_REASONS),
    *_CAP_REASONS,
    "seat_tier_zero_credit_limit",
    "member_zero_credit_limit",
    "out_of_credits",
    "self_selected_spend_limit_reached",
    "capacity_protection",
    "a_new_reason",
    "OUT_OF_CREDITS",
    "unknown ",
    "[/b]",
    "\x1b[2J",
    "\u202e",
    "",
)
_WRONG: tuple[Any, ...] = (
    [],
    {},
    [1],
    ["out_of_credits"],
    {"code": "out_of_credits"},
    {"amount_minor": 9999},
    "x",
    7,
    -1,
    True,
)


def _date(chance: random.Random) -> Any:
    """Return a date, past or future, in a form that was seen or could be."""
    days = chance.choice((-400, -20, -1, 1, 6, 20, 400))
    moment = NOW + timedelta(days=days, hours=chance.randrange(24))
    forms: list[Callable[[], Any]] = [
        lambda: f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        lambda: f"{moment:%Y-%m-%dT%H:%M:%S.%f+00:00}",
        lambda: f"{moment:%Y-%m-%dT%H:%M:%S+02:00}",
        lambda: f"{moment:%Y-%m-%dT%H:%M:%S}",
        lambda: f"{moment:%Y-%m-%d}",
        moment.timestamp,
        lambda: int(moment.timestamp()),
        lambda: chance.choice(("9999-12-31T23:59:59Z", "0001-01-01", "next month", "2026-13-01", "", "0")),
    ]
    return chance.choice(forms)()


def _value(chance: random.Random, old: Any) -> Any:
    """Return another value for a field: null, of a wrong type, or of the right one."""
    kinds: list[Callable[[], Any]] = [
        lambda: None,
        lambda: chance.choice(_WRONG),
        lambda: str(old),
        lambda: chance.choice(("true", "false", "True", "null", 0, 1, 0.0, True, False)),
        lambda: str(chance.choice(_NUMBERS)),
        lambda: chance.choice(_NUMBERS),
        lambda: chance.choice(_HUGE),
        lambda: chance.choice(_REASONS),
        lambda: _date(chance),
    ]
    return chance.choice(kinds)()


def _likely_value(chance: random.Random, path: Path, old: Any) -> Any:
    """Return a value of the field's own kind."""
    name = path[-1]
    if name == "disabled_reason":
        return chance.choice(_REASONS)
    if name.endswith("_until"):
        return _date(chance)
    if name == "limit_type":
        return chance.choice(("organization", "member", "seat_tier", "a_new_type"))
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float) or name in {"monthly_limit", "monthly_credit_limit", "used_credits"}:
        return chance.choice(_NUMBERS)
    return _value(chance, old)


def set_field(body: Any, path: Path, change: Callable[[Any], Any], *, drop: bool = False) -> Any:
    """Return a copy of the body with that field changed; the same body if an object is missing on the way."""
    if not isinstance(body, dict):
        return body
    key, *rest = path
    if rest:
        return body | {key: set_field(body.get(key), tuple(rest), change, drop=drop)}
    if drop:
        return {name: value for name, value in body.items() if name != key}
    return body | {key: change(body.get(key))}


def with_body(org: RawOrg, kind: str, body: Any) -> RawOrg:
    """Return the org with another body of that reply; status and text stay."""
    return replace(org, **{kind: replace(getattr(org, kind), body=body)})


def with_field(org: RawOrg, kind: str, path: Path, *, value: Any) -> RawOrg:
    """Return the org with another value at one place of that reply."""
    return with_body(org, kind, set_field(getattr(org, kind).body, path, lambda _: value))


def _change_field(chance: random.Random, org: RawOrg) -> RawOrg:
    kind = chance.choice(("usage", "usage", "overage", "overage", "own", "organization", "prepaid"))
    path = chance.choice(_FIELDS[kind])
    body = getattr(org, kind).body
    if chance.random() < 0.15:
        return with_body(org, kind, set_field(body, path, lambda old: old, drop=True))
    if chance.random() < 0.5:
        return with_body(org, kind, set_field(body, path, lambda old: _likely_value(chance, path, old)))
    return with_body(org, kind, set_field(body, path, lambda old: _value(chance, old)))


def _change_anything(chance: random.Random, org: RawOrg) -> RawOrg:
    """Change a random place of a random reply, as the part "bodies" does."""
    kind = chance.choice(list(_FIELDS))
    return with_body(org, kind, mutated(chance, getattr(org, kind).body))


def _replace_reply(chance: random.Random, org: RawOrg) -> RawOrg:
    """Replace a whole reply by one that is no data, or not the expected kind."""
    kind = chance.choice(("usage", "overage", "overage", "overage", "own", "prepaid", "organization"))
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    denied = {"type": "error", "error": {"type": "permission_error", "message": "Extra usage is off"}}
    unserved = {"type": "error", "error": {"type": "forbidden", "message": "Request not allowed"}}
    wrong_org = {"type": "error", "error": {"type": "x", "message": "Invalid authorization for organization"}}
    expired = {"type": "error", "error": {"details": {"error_code": "account_session_invalid"}}}
    limited = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}
    replies = (
        NOT_FOUND,
        RawReply(None),
        RawReply({}),
        RawReply([]),
        RawReply([{"is_enabled": True}]),
        RawReply("ok"),
        RawReply(12),
        RawReply(True),
        RawReply(error),
        RawReply(error, 529),
        RawReply(text="<html>Sign in</html>"),
        RawReply(text=""),
        RawReply(text='{"is_enabled": tr'),
        RawReply(text="oops", status=500),
        RawReply({}, 502),
        RawReply(text="<html>Bad gateway</html>", status=503),
        RawReply(denied, 403),
        RawReply(unserved, 403),
        RawReply(wrong_org, 403),
        RawReply(expired, 403),
        RawReply(text=_CHALLENGE, status=403),
        RawReply(text="<html>Denied</html>", status=403),
        RawReply(text="<html>Not here</html>", status=404),
        RawReply(limited, 429),
        RawReply({}, 401),
        RawReply({}, 400),
        RawReply(text="", status=302),
        RawReply(text="", status=204),
    )
    return replace(org, **{kind: chance.choice(replies)})


def _withdraw_meter(chance: random.Random, org: RawOrg) -> RawOrg:
    """Take the figures out of some replies, as the server does when an organization reaches its ceiling."""
    reason = chance.choice((*_CAP_REASONS, None))
    body = org.usage.body
    if chance.random() < 0.7 and isinstance(body, dict):
        enabled, where = chance.random() < 0.3, chance.choice(("extra_usage", "spend", "both"))
        meter = _meter(
            0.0,
            None,
            is_enabled=enabled,
            disabled_reason=reason if where != "spend" else None,
            utilization=0.0,
        )
        spend = spend_body(0, None) | {"enabled": enabled, "disabled_reason": reason}
        spend["disabled_reason"] = reason if where != "extra_usage" else None
        org = with_body(org, "usage", body | {"extra_usage": meter, "spend": spend})
    if chance.random() < 0.5:
        org = with_body(org, "overage", overage_body(0, None, enabled=chance.random() < 0.3, reason=reason))
    return org


def _change_plan(chance: random.Random, org: RawOrg) -> RawOrg:
    """Turn a personal plan into a shared one or back; the other replies stay."""
    own = RawReply(overage_body(limit_type="member", account_uuid=ACCOUNT))
    entries = (
        org_body(),
        org_body(capabilities=["chat"], tier="default_claude_ai"),
        team_body(),
        org_body(capabilities=["raven_enterprise", "raven", "chat"], tier="default_claude_zero"),
    )
    return replace(
        org,
        organization=RawReply(chance.choice(entries)),
        own=own if org.own is NOT_FOUND else org.own,
    )


_CHANGES: tuple[tuple[Callable[[random.Random, RawOrg], RawOrg], int], ...] = (
    (_change_field, 12),
    (_change_anything, 3),
    (_replace_reply, 3),
    (_withdraw_meter, 1),
    (_change_plan, 1),
)
"""Changes, and how often each is made."""


def mutate_org(chance: random.Random) -> RawOrg:
    """Return a set of replies with one to five changes; half of the sets have a single one."""
    org = chance.choice(_BASES)()
    makers, weights = zip(*_CHANGES, strict=True)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        (change,) = chance.choices(makers, weights)
        org = change(chance, org)
    return org


def name_state(verdict: Verdict | None) -> State | None:
    """Return the program's state in the oracle's words. None if it says nothing about the org."""
    return None if verdict is None else _STATES[verdict.credits]


def check_mutated_org(chance: random.Random) -> None:
    """Judge a mutated set, and fail if "open" is said without a reply that allows it."""
    org = mutate_org(chance)
    store = read_store(org)
    allowed = allowed_states(org, NOW)
    bugs = [problem for problem in store.problems if problem.error_kind is ErrorKind.BUG]
    assert bugs == [], (bugs, describe_org(org))
    verdict = judge(store.orgs[0], NOW) if store.orgs else None
    said = name_state(verdict)
    COUNTS[_compare(said, allowed)] += 1
    works = verdict is not None and verdict.state is VerdictState.ON_CREDITS
    assert "open" in allowed or not (said == "open" or works), (
        f"the program says open, allowed: {sorted(allowed)}; {describe_org(org)}"
    )


def _compare(said: State | None, allowed: frozenset[State]) -> str:
    """Return the name under which a try is counted."""
    if said is None:
        return "no org"
    if said in allowed:
        return "agreed"
    if said == "open":
        return "wrongly open"
    return "open, but the program says otherwise" if allowed == {"open"} else "another state"


def describe_org(org: RawOrg) -> str:
    """Return what differs from the open org of the same plan: each reply's status or text, and its fields."""
    usual = shared_org() if is_shared(org.organization.body) else personal_org()
    return "; ".join(
        difference
        for kind, reply in vars(org).items()
        for difference in _differences(kind, reply, getattr(usual, kind))
    )


def _differences(kind: str, reply: RawReply, usual: RawReply) -> Iterator[str]:
    if reply.text is not None:
        yield f"{kind}: {reply.status} {reply.text!r}"
    elif reply.status != usual.status:
        yield f"{kind}: {reply.status} {reply.body!r:.200}"
    else:
        yield from _different_fields(kind, reply.body, usual.body)


def _different_fields(place: str, body: Any, usual: Any) -> Iterator[str]:
    if isinstance(body, dict) and isinstance(usual, dict):
        yield from (f"{place}.{key} absent" for key in usual if key not in body)
        for key, value in body.items():
            yield from _different_fields(f"{place}.{key}", value, usual.get(key))
    elif body != usual or type(body) is not type(usual):
        yield f"{place}: {body!r:.200}"


PARTS = {"credits": Part(check_mutated_org, 20_000, COUNTS)}
