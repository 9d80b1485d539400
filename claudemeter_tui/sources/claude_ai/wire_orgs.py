"""Who is signed in, and the organizations of that account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from claudemeter_tui.model.usage import Account, Org
from claudemeter_tui.sources.claude_ai.fields import Identifier, Moment, Text, Texts
from claudemeter_tui.sources.claude_ai.lenient import Notes, Shape, under
from claudemeter_tui.sources.plain import plain

GATES = (
    "billing_issue",
    "access_block",
    "subscription_pause",
    "api_disabled_reason",
    "api_disabled_until",
    "billable_usage_paused_until",
)
"""The organization's own gates, in the order they are shown."""
MOST_OF_A_GATE = 120
"""Characters kept of what a gate says."""
API_ONLY = frozenset({"api"})
SHARED_TYPES = {"team": "Team", "enterprise": "Enterprise"}
_MAX = re.compile(r"max_([0-9]{1,3}x)")


class AccountShape(Shape):
    """The account body."""

    spare = frozenset(
        {
            "created_at",
            "display_name",
            "full_name",
            "has_claude_max",
            "has_claude_pro",
            "settings",
            "tagged_id",
            "updated_at",
        }
    )

    uuid: Identifier = None
    email_address: Text = None
    email: Text = None
    memberships: Any = None


class MembershipShape(Shape):
    """An element of `memberships`."""

    spare = frozenset({"role", "seat_tier", "created_at", "updated_at"})

    organization: Any = None


class OrgShape(Shape):
    """An organization, as the account body and the list of organizations have it."""

    spare = frozenset(
        {
            "active_flags",
            "claude_ai_bootstrap_models_config",
            "created_at",
            "data_retention",
            "data_retention_min_duration_days",
            "data_retention_periods",
            "external_mapping",
            "free_credits_status",
            "has_extra_usage_enabled",
            "has_icon",
            "home_stripe_account_region",
            "id",
            "is_internal_org",
            "is_workbench_cmek_blocked",
            "member_file_deletion_blocked_by_retention",
            "merchant_of_record",
            "monitoring_notice",
            "parent_organization_uuid",
            "rate_limit_upsell",
            "raven_configuration",
            "settings",
            "subscription_created_at",
            "subscription_management",
            "subscription_status",
            "updated_at",
            "visibility_status",
        }
    )

    uuid: Identifier = None
    name: Text = None
    capabilities: Texts = None
    rate_limit_tier: Text = None
    raven_type: Text = None
    billing_type: Text = None
    analytics_subscription_plan: Text = None
    organization_type: Text = None
    billable_usage_paused_until: Moment = None
    billing_issue: Any = None
    access_block: Any = None
    subscription_pause: Any = None
    api_disabled_reason: Any = None
    api_disabled_until: Any = None

    @property
    def marks(self) -> str:
        """Everything that speaks of a paid plan, in one string to search."""
        parts = (self.rate_limit_tier, self.analytics_subscription_plan, self.organization_type)
        return " ".join((*sorted(self.capabilities or ()), *(part for part in parts if part)))

    @property
    def shared_plan(self) -> str:
        """Team or Enterprise; empty where one person has it alone."""
        if self.raven_type in SHARED_TYPES:
            return SHARED_TYPES[self.raven_type]
        if "enterprise" in self.marks or "default_claude_zero" in self.marks:
            return "Enterprise"
        return "Team" if self.raven_type or "raven" in self.marks or "claude_team" in self.marks else ""

    @property
    def own_plan(self) -> str:
        """The plan of one person; empty where it cannot be told."""
        if sized := _MAX.search(self.marks):
            return f"Max {sized[1]}"
        if "claude_max" in self.marks:
            return "Max"
        if "claude_pro" in self.marks:
            return "Pro"
        if "claude_free" in self.marks:
            return "Free"
        return self._plan_by_billing()

    def _plan_by_billing(self) -> str:
        """Free and Pro share a tier: only who is billed for it has Pro."""
        if self.rate_limit_tier != "default_claude_ai":
            return ""
        if self.billing_type and "subscription" in self.billing_type:
            return "Pro"
        return "Free" if self.is_null("billing_type") else ""


def account(body: dict[str, Any], notes: Notes) -> tuple[Account, tuple[Org, ...]]:
    """Who is signed in, and the orgs of the account in the server's order."""
    found = notes.read(AccountShape, body) or AccountShape()
    members = notes.read_each(MembershipShape, found.memberships, "memberships")
    listed = ((under(path, "organization"), member.organization) for path, member in members)
    return Account(found.uuid, found.email_address or found.email), orgs(listed, notes)


def orgs(listed: Iterable[tuple[str, object]], notes: Notes) -> tuple[Org, ...]:
    """The orgs among objects with their paths, each once, those for the API console left out."""
    found: dict[str, Org] = {}
    for path, raw in listed:
        for org in _org(raw, path, notes):
            found.setdefault(org.uuid, org)
    return tuple(found.values())


def _org(raw: object, path: str, notes: Notes) -> Iterator[Org]:
    found = notes.read(OrgShape, raw, path)
    if found is None or found.uuid is None:
        notes.odd(path if found is None else under(path, "uuid"))
    elif found.capabilities != API_ONLY:
        notes.unless_known(under(path, "raven_type"), found.raven_type, frozenset(SHARED_TYPES))
        yield Org(
            uuid=found.uuid,
            name=found.name or "",
            plan=found.shared_plan or found.own_plan,
            shared=bool(found.shared_plan),
            gates=tuple(_gates(raw)),
            paused_until=found.billable_usage_paused_until,
        )


def _gates(raw: object) -> Iterator[tuple[str, str]]:
    """The gates that are not null; false and the empty string shut nothing either."""
    for key in GATES:
        value = raw.get(key) if isinstance(raw, dict) else None
        if value not in (None, False, "") and (text := _gate_text(value)):
            yield key, text


def _gate_text(value: object) -> str:
    text = plain(value if isinstance(value, str) else _compact(value))
    return text if len(text) <= MOST_OF_A_GATE else f"{text[: MOST_OF_A_GATE - 1]}…"


def _compact(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "{…}"
