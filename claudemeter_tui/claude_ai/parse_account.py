"""Parse the account body and the list of organizations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Self

from pydantic import ValidationInfo, model_validator

from claudemeter_tui.claude_ai.validation import (
    Each,
    Identifier,
    Lenient,
    ParsedBody,
    ParseReport,
    ReplyModel,
    Text,
    TextSet,
    Timestamp,
    get_report,
    join_path,
    require_list,
)
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import RESTRICTIONS, SHARED_PLANS
from claudemeter_tui.model.sanitize import sanitize_text

MAX_RESTRICTION_LENGTH = 120
"""Characters kept of the value of a restriction."""
API_ONLY_CAPABILITIES = frozenset({"api"})
_MAX_PLAN_SIZE = re.compile(r"max_([0-9]{1,3}x)")


class OrgModel(ReplyModel):
    """An organization, in the account body and in the list of organizations.

    The values of its restrictions are of any type, so they are read as the server sent them.
    """

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

    @model_validator(mode="after")
    def note_doubts(self, info: ValidationInfo) -> Self:
        """Note a missing uuid, or an unknown type of an org that people use."""
        report = get_report(info)
        if self.uuid is None:
            report.add_odd_value(join_path(report.path, "uuid"))
        elif not self.is_api_only:
            report.check_known(join_path(report.path, "raven_type"), self.raven_type, SHARED_PLANS)
        return self

    @property
    def is_api_only(self) -> bool:
        """True for an org of the API console, which has no plan."""
        return self.capabilities == API_ONLY_CAPABILITIES

    @property
    def plan_markers(self) -> str:
        """Every value that can name a paid plan, joined to one string to search."""
        parts = (self.rate_limit_tier, self.analytics_subscription_plan, self.organization_type)
        return " ".join((*sorted(self.capabilities or ()), *(part for part in parts if part)))

    @property
    def shared_plan(self) -> str:
        """Team or Enterprise; empty if it is the plan of one person."""
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
        """Plan of one person; empty if it is not known."""
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
        """Return Free or Pro, which share a tier and differ in `billing_type`; empty if it is not known."""
        if self.rate_limit_tier != "default_claude_ai":
            return ""
        if self.billing_type and "subscription" in self.billing_type:
            return "Pro"
        is_empty = not self.billing_type and isinstance(self.get_sent("billing_type"), str)
        return "Free" if is_empty or self.is_null("billing_type") else ""


class MembershipModel(ReplyModel):
    """An element of `memberships`."""

    reply_object = "membership"

    organization: Lenient[OrgModel] = None

    @model_validator(mode="after")
    def note_missing_org(self, info: ValidationInfo) -> Self:
        """Note a membership without an org."""
        report = get_report(info)
        if self.organization is None:
            report.add_odd_value(join_path(report.path, "organization"))
        return self


class PersonModel(ReplyModel):
    """A person, in the account body and in the profile of a Claude Code login."""

    reply_object = "account"

    uuid: Identifier = None
    email_address: Text = None
    email: Text = None


class AccountModel(PersonModel):
    """The account body."""

    memberships: Lenient[Each[MembershipModel]] = None


def parse_account(body: object) -> ParsedBody[tuple[Account, tuple[Org, ...]]]:
    """Return the signed-in account and its orgs in the server's order, each once.

    Raises:
        MalformedError: the body is no object.
    """
    notes = ParseReport()
    found = notes.parse_body(AccountModel, body)
    orgs = build_orgs(member.organization for member in found.memberships or ())
    return notes.build_parsed_body((Account(found.uuid, found.email_address or found.email), orgs))


def parse_organizations(body: object) -> ParsedBody[tuple[Org, ...]]:
    """Return the orgs of the list in its order, each once.

    Raises:
        MalformedError: the body is no list.
    """
    notes = ParseReport()
    orgs = build_orgs(org for _, org in notes.parse_each(OrgModel, require_list(body), ""))
    return notes.build_parsed_body(orgs)


def build_orgs(models: Iterable[OrgModel | None]) -> tuple[Org, ...]:
    """Return the orgs that have a uuid, each once, without those of the API console."""
    orgs: dict[str, Org] = {}
    for found in models:
        if found is not None and found.uuid is not None and not found.is_api_only:
            org = Org(
                uuid=found.uuid,
                name=found.name or "",
                plan_name=found.shared_plan or found.own_plan,
                is_shared=bool(found.shared_plan),
                restrictions=tuple(_find_restrictions(found)),
                paused_until=found.billable_usage_paused_until,
            )
            orgs.setdefault(org.uuid, org)
    return tuple(orgs.values())


def _find_restrictions(found: OrgModel) -> Iterator[tuple[str, str]]:
    """Yield the restrictions that are in force; null, false and the empty string restrict nothing."""
    for key in RESTRICTIONS:
        value = found.get_sent(key)
        if value not in (None, False, "") and (text := _format_restriction(value)):
            yield key, text


def _format_restriction(value: object) -> str:
    text = sanitize_text(value if isinstance(value, str) else _dump_compact_json(value))
    return text if len(text) <= MAX_RESTRICTION_LENGTH else f"{text[: MAX_RESTRICTION_LENGTH - 1]}…"


def _dump_compact_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "{…}"
