"""Decide from the raw replies of one org if its usage credits are open, without the program's code.

The rules are those of the project's notes on claude.ai; the names of its sections are quoted below. If the
notes leave a doubt, every answer that they allow is returned, so that a disagreement is always a fault.

"Are the credits open?":

- Open only if a reply says `is_enabled: true`, and no sign in any reply says otherwise.
- Each of these locks: `out_of_credits: true`; `spend_limit_reached: true`; `used_credits` at or above the
  cap; a future `disabled_until`; a locking `disabled_reason` in `overage_spend_limit`, `extra_usage` or
  `spend`; a future `billable_usage_paused_until`.
- Not known if the overage reply should have been read and was not, if a lock field has the wrong type, or
  if the reason is `fetch_error` or `unknown`.
- The table of `disabled_reason`: off, not known, or locked for any other string. A `disabled_until` in the
  past means nothing, but the reason beside it does.

"/overage_spend_limit": null, 404 or 403 says that the org has no credits. "Answers that are not data":
which 403 is a refusal instead, and that a 200 with an error, a web page, a list or a string is unread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Literal, TypeGuard

State = Literal["open", "locked", "off", "not known"]
States = frozenset[State]
_OPEN: States = frozenset({"open"})
_OFF: States = frozenset({"off"})
_NOT_KNOWN: States = frozenset({"not known"})

OFF_REASONS = {
    "overage_not_provisioned",
    "user_disabled",
    "no_limits_configured",
    "org_level_disabled",
    "seat_tier_level_disabled",
    "member_level_disabled",
    "org_service_level_disabled",
}
"""Reasons for credits that are off, besides every `*_zero_credit_limit`."""
UNCLEAR_REASONS = {"fetch_error", "unknown"}
_REFUSALS = ("Invalid authorization", "unable to serve", "not allowed", "scope requirement")
"""Words of a 403 that refuses the request and reports nothing about the org."""
_DATE_TOLERANCE = timedelta(minutes=1)
"""Distance from now within which a date may be taken for past or future."""


@dataclass(frozen=True)
class RawReply:
    """One reply as it was sent."""

    body: Any = None
    """Decoded JSON; ignored if there is a text."""
    status: int = 200
    text: str | None = None
    """Body that is no JSON. None if the body is JSON."""


NOT_FOUND = RawReply({"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}, 404)


@dataclass(frozen=True)
class RawOrg:
    """All replies about one org that concern its credits."""

    organization: RawReply
    """The org's own entry in the list of organizations."""
    usage: RawReply
    overage: RawReply
    own: RawReply = NOT_FOUND
    """`overage_spend_limit` of one member; only a shared plan has one."""
    prepaid: RawReply = NOT_FOUND


class Reception(Enum):
    """Kinds of a reply by what it says about its subject."""

    READ = "an object"
    ABSENT = "no such thing for this org"
    UNREAD = "no data"
    DOUBTFUL = "absent or no data"


@dataclass
class _Findings:
    """Signs of one org so far."""

    enabled: set[bool] = field(default_factory=set)
    """Values of every `is_enabled`."""
    signs: set[State] = field(default_factory=set)
    """States that rule out "open"."""
    doubts: set[State] = field(default_factory=set)
    """States that the notes allow as well."""


def allowed_states(org: RawOrg, now: datetime) -> States:
    """Return the states that the notes allow for these replies; one state unless they leave a doubt."""
    match is_shared(org.organization.body):
        case True:
            return _states(org, now, with_own=True)
        case False:
            return _states(org, now, with_own=False)
        case None:
            return _states(org, now, with_own=True) | _states(org, now, with_own=False)


def is_shared(organization: Any) -> bool | None:
    """Return True for a Team or Enterprise plan ("Organizations"). None if the entry leaves a doubt."""
    if not isinstance(organization, dict):
        return None
    capabilities, kind = organization.get("capabilities"), organization.get("raven_type")
    tier = organization.get("rate_limit_tier")
    if not isinstance(capabilities, list) or not all(isinstance(one, str) for one in capabilities):
        return None
    by_capability = any(one.startswith("raven") for one in capabilities)
    by_others = kind is not None or tier in ("default_raven", "default_claude_zero")
    return by_capability if by_capability or not by_others else None


def classify_reply(reply: RawReply) -> Reception:
    """Return the kind of an overage reply ("Answers that are not data", "/overage_spend_limit")."""
    body = reply.body
    if reply.text is not None:
        return Reception.DOUBTFUL if reply.status == 404 else Reception.UNREAD
    match reply.status:
        case 200 if body is None:
            return Reception.ABSENT
        case 200 if isinstance(body, dict):
            return Reception.UNREAD if body.get("type") == "error" else Reception.READ
        case 403 if isinstance(body, dict):
            return Reception.UNREAD if _is_refusal(body) else Reception.ABSENT
        case 404 if isinstance(body, dict):
            return Reception.ABSENT
        case 403 | 404:
            return Reception.DOUBTFUL
        case _:
            return Reception.UNREAD


def _is_refusal(body: Mapping[str, Any]) -> bool:
    text = str(body)
    return "account_session_invalid" in text or any(words in text for words in _REFUSALS)


def _states(org: RawOrg, now: datetime, *, with_own: bool) -> States:
    found = _Findings()
    reception = classify_reply(org.overage)
    match reception:
        case Reception.READ:
            _look_at_meter(found, org.overage.body, "monthly_credit_limit", now)
        case Reception.UNREAD:
            found.signs.add("not known")
        case Reception.ABSENT:
            found.doubts |= {"off", "not known"}
        case Reception.DOUBTFUL:
            found.doubts |= {"off", "not known"}
    if with_own:
        _look_at_own(found, org.own, now)
    _look_at_usage(found, org.usage, now)
    if isinstance(org.organization.body, dict) and org.organization.status == 200:
        _look_at_date(found, org.organization.body.get("billable_usage_paused_until"), now)
    else:
        found.doubts.add("not known")
    _look_at_balance(found, org.prepaid)
    return _combine(found)


def _combine(found: _Findings) -> States:
    """Return the allowed states: signs win over `is_enabled: true`, which wins over nothing."""
    if found.signs:
        # A contradiction may be called not known; a lock beside `is_enabled: false` may be called off.
        allowed = found.signs | found.doubts
        if True in found.enabled or len(found.signs) > 1:
            allowed.add("not known")
        if False in found.enabled:
            allowed.add("off")
        return frozenset(allowed - _OPEN)
    if found.enabled == {True, False}:
        return _OPEN | _OFF | _NOT_KNOWN | found.doubts
    if True in found.enabled:
        return _OPEN | found.doubts
    return (_OFF if False in found.enabled else _NOT_KNOWN) | found.doubts


def _look_at_own(found: _Findings, reply: RawReply, now: datetime) -> None:
    """Add the signs of a member's own figures; the notes do not say if they have to be read."""
    if classify_reply(reply) is Reception.READ:
        _look_at_meter(found, reply.body, "monthly_credit_limit", now)
    else:
        found.doubts.add("not known")


def _look_at_usage(found: _Findings, reply: RawReply, now: datetime) -> None:
    """Add the signs in `extra_usage` and `spend`; an unread usage reply is no sign by itself."""
    if classify_reply(reply) is not Reception.READ:
        found.doubts.add("not known")
        return
    meter, spend = reply.body.get("extra_usage"), reply.body.get("spend")
    if isinstance(meter, dict):
        _look_at_meter(found, meter, "monthly_limit", now)
    elif meter is not None:
        found.doubts.add("not known")
    if isinstance(spend, dict):
        _look_at_spend(found, spend)
    elif spend is not None:
        found.doubts.add("not known")
    _compare_across(found, reply.body)


def _look_at_meter(found: _Findings, body: Mapping[str, Any], cap: str, now: datetime) -> None:
    """Add the signs of an overage reply or of `extra_usage`."""
    enabled = body.get("is_enabled")
    if isinstance(enabled, bool):
        found.enabled.add(enabled)
    else:
        found.doubts.add("not known")
    is_overage = cap == "monthly_credit_limit"
    for key in ("out_of_credits", "spend_limit_reached"):
        if is_overage is (key == "out_of_credits"):
            _look_at_flag(found, body.get(key))
        elif body.get(key) not in (None, False):
            found.doubts |= {"locked", "not known"}  # This key belongs to the other reply.
    if is_overage:
        _look_at_date(found, body.get("disabled_until"), now)
    elif body.get("disabled_until") is not None:
        found.doubts |= {"locked", "not known"}
    if body.get("user_disabled"):
        found.doubts |= {"off", "not known"}
    _look_at_reason(found, body.get("disabled_reason"))
    _look_at_amounts(found, body.get("used_credits"), body.get(cap))


def _look_at_spend(found: _Findings, spend: Mapping[str, Any]) -> None:
    """Add the signs of `spend`: its reason, and its amounts if they are of one unit."""
    _look_at_reason(found, spend.get("disabled_reason"))
    if spend.get("enabled") is True:
        found.doubts.add("open")
    elif "enabled" in spend:
        found.doubts |= {"off", "not known"}
    used, limit = spend.get("used"), spend.get("limit")
    if limit is None or used is None:
        return
    if not isinstance(used, dict) or not isinstance(limit, dict) or not _same_unit(used, limit):
        found.doubts |= {"locked", "not known"}
        return
    amount, cap = used.get("amount_minor"), limit.get("amount_minor")
    if _is_number(amount) and _is_number(cap):
        _look_at_amounts(found, amount, cap)
    elif amount is not None and cap is not None:
        found.doubts |= {"locked", "not known"}


def _same_unit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("currency", "exponent"))


def _look_at_flag(found: _Findings, flag: Any) -> None:
    if flag is True:
        found.signs.add("locked")
    elif flag is not None and flag is not False:
        found.signs.add("not known")
        found.doubts.add("locked")


def _look_at_reason(found: _Findings, reason: Any) -> None:
    """Add the state of a `disabled_reason` by the table; an empty text is left open to doubt."""
    if reason is None:
        return
    if not isinstance(reason, str) or reason in UNCLEAR_REASONS:
        found.signs.add("not known")
    elif not reason.strip():
        found.doubts |= {"locked", "not known"}
    elif reason in OFF_REASONS or reason.endswith("_zero_credit_limit"):
        found.signs.add("off")
    else:
        found.signs.add("locked")


def _look_at_date(found: _Findings, value: Any, now: datetime) -> None:
    """Add the state of a date that locks until then: locked if future, nothing if past."""
    if value is None:
        return
    if _is_number(value):
        # A number is a wrong type, but might be read as epoch seconds.
        if value > now.timestamp():
            found.signs.add("not known")
            found.doubts.add("locked")
        else:
            found.doubts.add("not known")
        return
    moment = _parse_date(value)
    if moment is None:
        found.signs.add("not known")
        found.doubts.add("locked")
    elif abs(moment - now) <= _DATE_TOLERANCE:
        found.doubts |= {"locked", "not known"}
    elif moment > now:
        found.signs.add("locked")


def _parse_date(value: Any) -> datetime | None:
    """Return the moment of an ISO text, without a zone in UTC. None if it cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _look_at_amounts(found: _Findings, used: Any, cap: Any) -> None:
    """Add the state of an amount and its cap, both in the same unit; a cap of null is no cap."""
    if used is None or cap is None:
        if (used is not None and not _is_number(used)) or (cap is not None and not _is_number(cap)):
            found.doubts.add("not known")
        elif cap is not None:
            found.doubts |= {"locked", "not known"}
        return
    if not _is_number(used) or not _is_number(cap):
        found.signs.add("not known")
        found.doubts.add("locked")
    elif used < 0 or cap < 0:
        found.doubts |= {"locked", "not known"}
    elif used >= cap:
        found.signs.add("locked")
        if cap == 0:
            found.doubts.add("off")


def _compare_across(found: _Findings, usage: Mapping[str, Any]) -> None:
    """Allow a lock if the server's own percentage is at 100 although no sign says so."""
    for meter, key in ((usage.get("extra_usage"), "utilization"), (usage.get("spend"), "percent")):
        percent = meter.get(key) if isinstance(meter, dict) else None
        if _is_number(percent) and percent >= 100:
            found.doubts |= {"locked", "not known"}


def _look_at_balance(found: _Findings, reply: RawReply) -> None:
    """Allow a lock if the balance is empty or a debt: the balance is a gate, but no sign in the list."""
    amount = reply.body.get("amount") if reply.status == 200 and isinstance(reply.body, dict) else None
    if amount is not None and not (_is_number(amount) and amount > 0):
        found.doubts |= {"locked", "not known"}


def _is_number(value: Any) -> TypeGuard[int | float]:
    """Return True for a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)
