"""Who is signed in, and the organizations of that account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from claudemeter_tui.claude_ai.validation import (
    Identifier,
    ParseReport,
    ReplyModel,
    Text,
    TextSet,
    Timestamp,
    join_path,
)
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import RESTRICTIONS, SHARED_PLANS
from claudemeter_tui.model.sanitize import sanitize_text

MAX_RESTRICTION_LENGTH = 120
"""Characters kept of what a gate says."""
API_ONLY_CAPABILITIES = frozenset({"api"})
_MAX_PLAN_SIZE = re.compile(r"max_([0-9]{1,3}x)")


class AccountModel(ReplyModel):
    """The account body."""

    reply_object = "account"

    uuid: Identifier = None
    email_address: Text = None
    email: Text = None
    memberships: Any = None


class MembershipModel(ReplyModel):
    """An element of `memberships`."""

    reply_object = "membership"

    organization: Any = None


class OrgModel(ReplyModel):
    """An organization, as the account body and the list of organizations have it."""

    reply_object = "organization"

    uuid: Identifier = None
    name: Text = None
    capabilities: TextSet = None
    rate_limit_tier: Text = None
    raven_type: Text = None
    billing_type: Text = None
    analytics_subscription_plan: Text = None
    organization_type: Text = None
    billable_usage_paused_until: Timestamp = None
    billing_issue: Any = None
    access_block: Any = None
    subscription_pause: Any = None
    api_disabled_reason: Any = None
    api_disabled_until: Any = None

    @property
    def plan_markers(self) -> str:
        """Everything that speaks of a paid plan, in one string to search."""
        parts = (self.rate_limit_tier, self.analytics_subscription_plan, self.organization_type)
        return " ".join((*sorted(self.capabilities or ()), *(part for part in parts if part)))

    @property
    def shared_plan(self) -> str:
        """Team or Enterprise; empty where one person has it alone."""
        if self.raven_type is not None and self.raven_type in SHARED_PLANS:
            return SHARED_PLANS[self.raven_type]
        if "enterprise" in self.plan_markers or "default_claude_zero" in self.plan_markers:
            return "Enterprise"
        return (
            "Team"
            if self.raven_type or "raven" in self.plan_markers or "claude_team" in self.plan_markers
            else ""
        )

    @property
    def own_plan(self) -> str:
        """The plan of one person; empty where it cannot be told."""
        if sized := _MAX_PLAN_SIZE.search(self.plan_markers):
            return f"Max {sized[1]}"
        if "claude_max" in self.plan_markers:
            return "Max"
        if "claude_pro" in self.plan_markers:
            return "Pro"
        if "claude_free" in self.plan_markers:
            return "Free"
        return self._find_plan_by_billing()

    def _find_plan_by_billing(self) -> str:
        """Free and Pro share a tier: only who is billed for it has Pro."""
        if self.rate_limit_tier != "default_claude_ai":
            return ""
        if self.billing_type and "subscription" in self.billing_type:
            return "Pro"
        return "Free" if self.is_null("billing_type") else ""


def build_account(body: dict[str, Any], notes: ParseReport) -> tuple[Account, tuple[Org, ...]]:
    """Who is signed in, and the orgs of the account in the server's order."""
    found = notes.parse_object(AccountModel, body) or AccountModel()
    members = notes.parse_each(MembershipModel, found.memberships, "memberships")
    listed = ((join_path(path, "organization"), member.organization) for path, member in members)
    return Account(found.uuid, found.email_address or found.email), parse_orgs(listed, notes)


def parse_orgs(listed: Iterable[tuple[str, object]], notes: ParseReport) -> tuple[Org, ...]:
    """The orgs among objects with their paths, each once, those for the API console left out."""
    found: dict[str, Org] = {}
    for path, raw in listed:
        for org in _parse_org(raw, path, notes):
            found.setdefault(org.uuid, org)
    return tuple(found.values())


def _parse_org(raw: object, path: str, notes: ParseReport) -> Iterator[Org]:
    found = notes.parse_object(OrgModel, raw, path)
    if found is None or found.uuid is None:
        notes.add_odd_value(path if found is None else join_path(path, "uuid"))
    elif found.capabilities != API_ONLY_CAPABILITIES:
        notes.check_known(join_path(path, "raven_type"), found.raven_type, SHARED_PLANS)
        yield Org(
            uuid=found.uuid,
            name=found.name or "",
            plan_name=found.shared_plan or found.own_plan,
            is_shared=bool(found.shared_plan),
            restrictions=tuple(_find_restrictions(raw)),
            paused_until=found.billable_usage_paused_until,
        )


def _find_restrictions(raw: object) -> Iterator[tuple[str, str]]:
    """The gates that are not null; false and the empty string shut nothing either."""
    for known in RESTRICTIONS:
        value = raw.get(known.key) if isinstance(raw, dict) else None
        if value not in (None, False, "") and (text := _format_restriction(value)):
            yield known.key, text


def _format_restriction(value: object) -> str:
    text = sanitize_text(value if isinstance(value, str) else _dump_compact_json(value))
    return text if len(text) <= MAX_RESTRICTION_LENGTH else f"{text[: MAX_RESTRICTION_LENGTH - 1]}…"


def _dump_compact_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "{…}"
