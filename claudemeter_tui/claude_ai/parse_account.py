"""Parse the account body, the list of organizations and the subscription body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import ConfigDict, TypeAdapter, ValidationInfo, model_validator

from claudemeter_tui.claude_ai.validation import (
    Day,
    Each,
    Identifier,
    Last4,
    Lenient,
    LockEnd,
    MalformedError,
    ParsedBody,
    ParseReport,
    ReplyModel,
    Text,
    TextSet,
    Timestamp,
    get_report,
    join_path,
    note_unknown,
)
from claudemeter_tui.model.account import Account, Card, Org, Subscription
from claudemeter_tui.model.catalogue import RESTRICTIONS, SHARED_PLANS, SUBSCRIPTION_STATUSES
from claudemeter_tui.model.sanitize import sanitize_text

MAX_RESTRICTION_LENGTH = 120
"""Characters kept of the value of a restriction."""
CONSOLE_CAPABILITY = "api"
"""Beginning of the capabilities of an org of the API console: `api`, `api_individual`."""
CHAT_CAPABILITY, PLAN_CAPABILITIES = "chat", ("claude_", "raven")
"""A capability of every plan, and the beginnings of those of paid plans."""
_MAX_PLAN_SIZE = re.compile(r"max_([0-9]{1,3}x)")
_INTERVAL_SUFFIX = re.compile(r"_(?:monthly|yearly|annual|annually)$")


class OrgModel(ReplyModel, reply_object="organization"):
    """An organization, in the account body and in the list of organizations.

    The values of its restrictions are of any type, so they are read as the server sent them.
    """

    uuid: Identifier = None
    name: Text = None
    capabilities: TextSet = None
    rate_limit_tier: Text = None
    raven_type: Text = None
    billing_type: Text = None
    analytics_subscription_plan: Text = None
    organization_type: Text = None
    billable_usage_paused_until: LockEnd = None

    @model_validator(mode="after")
    def note_doubts(self, info: ValidationInfo) -> Self:
        """Note a missing uuid, and an unknown type of any org but an API console."""
        report = get_report(info)
        if self.uuid is None:
            report.add_odd_value(join_path(report.path, "uuid"))
        elif not self.is_api_only:
            report.check_known(join_path(report.path, "raven_type"), self.raven_type, SHARED_PLANS)
        return self

    @property
    def is_api_only(self) -> bool:
        """True for an org of the API console, which has no plan and no usage."""
        found = self.capabilities or ()
        has_plan = any(name == CHAT_CAPABILITY or name.startswith(PLAN_CAPABILITIES) for name in found)
        return not has_plan and any(name.startswith(CONSOLE_CAPABILITY) for name in found)

    @property
    def plan_markers(self) -> str:
        """Every value that can name a paid plan, joined into one string for a search."""
        parts = (self.rate_limit_tier, self.analytics_subscription_plan, self.organization_type)
        return " ".join((*sorted(self.capabilities or ()), *(part for part in parts if part)))

    @property
    def shared_plan(self) -> str:
        """Team or Enterprise; empty if it is the plan of one person."""
        if plan := SHARED_PLANS.get(self.raven_type or ""):
            return plan
        markers = self.plan_markers
        if "enterprise" in markers or "default_claude_zero" in markers:
            return "Enterprise"
        return "Team" if self.raven_type or "raven" in markers or "claude_team" in markers else ""

    @property
    def own_plan(self) -> str:
        """Plan of one person; empty if it is not known."""
        if sized := _MAX_PLAN_SIZE.search(self.plan_markers):
            return f"Max {sized[1]}"
        for name in ("Max", "Pro", "Free"):
            if f"claude_{name.lower()}" in self.plan_markers:
                return name
        if self.rate_limit_tier != "default_claude_ai":
            return ""
        # Free and Pro share this tier and differ in `billing_type`.
        if self.billing_type and "subscription" in self.billing_type:
            return "Pro"
        is_empty = not self.billing_type and isinstance(self.sent.get("billing_type"), str)
        return "Free" if is_empty or self.is_null("billing_type") else ""


class MembershipModel(ReplyModel, reply_object="membership"):
    """An element of `memberships`."""

    organization: Lenient[OrgModel] = None

    @model_validator(mode="after")
    def note_missing_org(self, info: ValidationInfo) -> Self:
        """Note a membership without an org."""
        report = get_report(info)
        if self.organization is None:
            report.add_odd_value(join_path(report.path, "organization"))
        return self


class PersonModel(ReplyModel, reply_object="account"):
    """A person, in the account body and in the profile of a Claude Code login."""

    uuid: Identifier = None
    email_address: Text = None
    email: Text = None


class AccountModel(PersonModel):
    """The account body."""

    memberships: Lenient[Each[MembershipModel]] = None


# Without the configuration, all models of the list would be built when this module is loaded.
_ORGANIZATIONS = TypeAdapter(Each[OrgModel], config=ConfigDict(defer_build=True))


class GiftModel(ReplyModel, reply_object="gift"):
    """`gift_details`."""

    paid_through: Day = None


class CardModel(ReplyModel, reply_object="card"):
    """`payment_method`."""

    brand: Text = None
    type: Text = None
    last4: Last4 = None


class DowngradeModel(ReplyModel, reply_object="downgrade"):
    """`scheduled_downgrade`."""

    plan_type: Text = None
    date: Day = None


class SubscriptionModel(ReplyModel, reply_object="subscription"):
    """The subscription body."""

    status: Annotated[Text, note_unknown(SUBSCRIPTION_STATUSES)] = None
    next_charge_date: Day = None
    next_charge_at: Day = None
    plan_ending_at: Timestamp = None
    plan_ending_before: Timestamp = None
    payment_paused_until: Timestamp = None
    gift_details: Lenient[GiftModel] = None
    payment_method: Lenient[CardModel] = None
    scheduled_downgrade: Lenient[DowngradeModel] = None


def parse_account(body: object) -> ParsedBody[tuple[Account, tuple[Org, ...]]]:
    """Return the signed-in account and its orgs in the server's order, each once.

    Raises:
        MalformedError: the body is not an object.
    """
    notes = ParseReport()
    found = notes.parse_body(AccountModel, body)
    orgs = build_orgs(member.organization for member in found.memberships or ())
    return notes.build_parsed_body((Account(found.uuid, found.email_address or found.email), orgs))


def parse_organizations(body: object) -> ParsedBody[tuple[Org, ...]]:
    """Return the orgs of the list in its order, each once.

    Raises:
        MalformedError: the body is not a list.
    """
    notes = ParseReport()
    if not isinstance(body, list):
        raise MalformedError("a list was expected")
    return notes.build_parsed_body(build_orgs(_ORGANIZATIONS.validate_python(body, context=notes)))


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
                restrictions=_list_restrictions(found),
                paused_until=found.billable_usage_paused_until,
                is_pause_unreadable=bool(found.find_unreadable("billable_usage_paused_until")),
            )
            orgs.setdefault(org.uuid, org)
    return tuple(orgs.values())


def _list_restrictions(found: OrgModel) -> tuple[tuple[str, str], ...]:
    """Return the restrictions that are in force; null, false and the empty string restrict nothing."""
    sent = ((key, found.sent.get(key)) for key in RESTRICTIONS)
    texts = ((key, _format_restriction(value)) for key, value in sent if value not in (None, False, ""))
    return tuple((key, text) for key, text in texts if text)


def _format_restriction(value: object) -> str:
    """Return the value as text; any value but a string becomes compact JSON."""
    try:
        text = (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )
    except RecursionError:
        text = "{…}"
    text = sanitize_text(text)
    return text if len(text) <= MAX_RESTRICTION_LENGTH else f"{text[: MAX_RESTRICTION_LENGTH - 1]}…"


def parse_subscription(body: object) -> ParsedBody[Subscription | None]:
    """Return the subscription; it has no next charge if the plan ends. None if the body is null.

    Raises:
        MalformedError: the body is neither null nor an object.
    """
    if body is None:
        return ParsedBody(None)
    notes = ParseReport()
    found = notes.parse_body(SubscriptionModel, body)
    card, change = (
        found.payment_method or CardModel.build_empty(),
        found.scheduled_downgrade or DowngradeModel.build_empty(),
    )
    brand, last4 = card.brand or card.type or "", card.last4 or ""
    ends = found.plan_ending_at or found.plan_ending_before
    subscription = Subscription(
        status=found.status,
        next_charge=None if ends else found.next_charge_date or found.next_charge_at,
        card=Card(brand, last4) if brand or last4 else None,
        ends_at=ends,
        paid_through=found.gift_details.paid_through if found.gift_details else None,
        paused_until=found.payment_paused_until,
        scheduled_change=(
            (_format_plan_name(change.plan_type), change.date) if change.plan_type or change.date else None
        ),
    )
    return notes.build_parsed_body(subscription)


def _format_plan_name(plan_type: str | None) -> str:
    """Return `Max 5x` for `max_5x_monthly`."""
    if not plan_type:
        return "another plan"
    words = _INTERVAL_SUFFIX.sub("", plan_type.removeprefix("claude_")).split("_")
    return " ".join(word.capitalize() for word in words if word) or plan_type
