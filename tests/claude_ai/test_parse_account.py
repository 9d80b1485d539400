"""The account reply and the list of organizations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from claudemeter_tui.claude_ai.parse_account import parse_account, parse_organizations
from claudemeter_tui.claude_ai.validation import MalformedError
from claudemeter_tui.model.account import Account, Org
from tests import golden_bodies
from tests.bodies import ACCOUNT, PERSONAL, TEAM


def org(**fields: Any) -> Org:
    """Return the org of one object."""
    (found,) = parse_organizations([{"uuid": PERSONAL, **fields}]).value
    return found


def test_account_of_a_complete_body() -> None:
    """The account has the person, and the orgs in the server's order."""
    paused = datetime(2026, 5, 1, tzinfo=UTC)
    gate = ("billable_usage_paused_until", "2026-05-01T00:00:00Z")
    expected = (
        Account(ACCOUNT, "pat@example.com"),
        (
            Org(PERSONAL, "Acme", "Team", is_shared=True, restrictions=(gate,), paused_until=paused),
            Org(TEAM, "Lab"),
        ),
    )
    assert (expected, (), ()) == parse_account(golden_bodies.account())


@pytest.mark.parametrize(
    ("body", "account"),
    [
        ({}, Account()),
        ({"email_address": "a@b.c"}, Account(None, "a@b.c")),
        ({"email": "a@b.c"}, Account(None, "a@b.c")),
        ({"uuid": "u-1", "email_address": None}, Account("u-1", None)),
        ({"uuid": 7, "email_address": []}, Account()),
        ({"uuid": "../../evil"}, Account()),
    ],
)
def test_account_may_lack_its_names(body: object, account: Account) -> None:
    """Uuid and e-mail may be missing; a uuid that cannot be part of a URL counts as missing."""
    assert (account, ()) == parse_account(body).value


@pytest.mark.parametrize("memberships", [5, {}, "x"])
def test_account_without_a_list_has_no_orgs(memberships: object) -> None:
    """Memberships of a wrong type cost the orgs, not the account."""
    parsed = parse_account(golden_bodies.account(memberships=memberships))
    assert (parsed.value[0].email, parsed.value[1]) == ("pat@example.com", ())
    assert parsed.odd_values == ("memberships",)


@pytest.mark.parametrize(
    "member", [None, 5, {}, {"organization": None}, {"organization": {"uuid": None}}, {"organization": []}]
)
def test_odd_membership_costs_only_itself(member: object) -> None:
    """A bad membership is noted, and the other orgs are read."""
    parsed = parse_account(golden_bodies.account(memberships=[member, {"organization": golden_bodies.org()}]))
    assert [found.uuid for found in parsed.value[1]] == [PERSONAL]
    assert len(parsed.odd_values) == 1
    assert parsed.odd_values[0].startswith("memberships[0]")


@pytest.mark.parametrize("uuid", [None, 5, "", "a/b", "a b", "x" * 65, "é", ["u"], "..", "a?b", "a\n"])
def test_org_without_a_usable_uuid_is_left_out(uuid: object) -> None:
    """An org whose uuid cannot be part of a URL is noted as odd."""
    parsed = parse_organizations([{"uuid": uuid, "name": "Bad"}, golden_bodies.org()])
    assert [found.uuid for found in parsed.value] == [PERSONAL]
    assert parsed.odd_values == ("[0].uuid",)


def test_repeated_org_is_listed_once() -> None:
    """The first mention of an org counts."""
    found = parse_organizations([golden_bodies.org(), golden_bodies.org(name="Again")]).value
    assert [one.name for one in found] == ["Acme"]


@pytest.mark.parametrize(
    ("capabilities", "listed"),
    [
        (["api"], False),
        (["api", "chat"], True),
        (["chat"], True),
        (["claude_max"], True),
        ([], True),
        (None, True),
    ],
)
def test_org_for_the_console_is_left_out(capabilities: object, *, listed: bool) -> None:
    """An org for the API has no usage, and is neither shown nor odd."""
    parsed = parse_organizations([golden_bodies.org(capabilities=capabilities)])
    assert (listed, ()) == (bool(parsed.value), parsed.odd_values)


@pytest.mark.parametrize(
    ("fields", "plan", "shared"),
    [
        (
            {"capabilities": ["claude_max", "chat"], "rate_limit_tier": "default_claude_max_5x"},
            "Max 5x",
            False,
        ),
        ({"capabilities": ["claude_max"], "rate_limit_tier": "default_claude_max_20x"}, "Max 20x", False),
        ({"capabilities": ["claude_max", "chat"]}, "Max", False),
        ({"organization_type": "claude_max", "rate_limit_tier": "default_claude_ai"}, "Max", False),
        ({"capabilities": ["claude_pro", "chat"]}, "Pro", False),
        ({"rate_limit_tier": "claude_pro"}, "Pro", False),
        ({"rate_limit_tier": "default_claude_ai", "billing_type": "stripe_subscription"}, "Pro", False),
        ({"rate_limit_tier": "default_claude_ai", "billing_type": "apple_subscription"}, "Pro", False),
        ({"rate_limit_tier": "default_claude_ai", "billing_type": None}, "Free", False),
        ({"rate_limit_tier": "default_claude_ai"}, "", False),
        ({"analytics_subscription_plan": "claude_free", "billing_type": None}, "Free", False),
        ({"capabilities": ["chat", "raven"]}, "Team", True),
        ({"raven_type": "team", "rate_limit_tier": "default_claude_max_5x"}, "Team", True),
        ({"raven_type": "enterprise"}, "Enterprise", True),
        ({"rate_limit_tier": "default_claude_zero"}, "Enterprise", True),
        ({"capabilities": ["chat", "raven"], "rate_limit_tier": "default_claude_zero"}, "Enterprise", True),
        ({"rate_limit_tier": "claude_enterprise", "billing_type": "invoice"}, "Enterprise", True),
        ({"capabilities": ["chat"]}, "", False),
        ({}, "", False),
        ({"rate_limit_tier": "something_new"}, "", False),
    ],
)
def test_org_has_the_label_of_its_plan(fields: dict[str, Any], plan: str, *, shared: bool) -> None:
    """The label comes from many keys, and is empty if none has it."""
    found = org(**fields)
    assert (plan, shared) == (found.plan_name, found.is_shared)


def test_org_of_a_new_shared_type_is_noted() -> None:
    """An unknown raven type is still shared, and is noted as new."""
    parsed = parse_organizations([{"uuid": PERSONAL, "raven_type": "guild"}])
    assert (parsed.value[0].is_shared, parsed.new_fields) == (True, ("[0].raven_type = guild",))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("card declined", "card declined"),
        ({"type": "past_due", "n": 1}, '{"type":"past_due","n":1}'),
        (True, "true"),
        ("\x1b[31mred", "[31mred"),
        (3, "3"),
    ],
)
def test_gate_that_is_not_null_is_kept(value: object, text: str) -> None:
    """A gate is kept: a string unchanged, anything else as compact JSON without control characters."""
    assert (("billing_issue", text),) == org(billing_issue=value).restrictions


@pytest.mark.parametrize("value", [None, False, "", "\u200b"])
def test_empty_gate_is_none(value: object) -> None:
    """Null, false and the empty string are no gate."""
    assert org(access_block=value).restrictions == ()


def test_gates_keep_their_order_and_length() -> None:
    """Long gates are shortened, and their order does not depend on the reply."""
    found = org(
        api_disabled_until="x", subscription_pause={"why": "y" * 10_000}, billing_issue="z"
    ).restrictions
    assert [key for key, _ in found] == ["billing_issue", "subscription_pause", "api_disabled_until"]
    assert max(len(text) for _, text in found) == 120


def test_gate_nested_without_end_is_shown_as_an_object() -> None:
    """A value too deep to print is still a gate."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"deep": deep}
    assert org(access_block=deep).restrictions == (("access_block", "{…}"),)


def test_pause_that_is_no_time_is_still_a_gate() -> None:
    """The bad date is noted, and the gate keeps the server's words."""
    parsed = parse_organizations([{"uuid": PERSONAL, "billable_usage_paused_until": "indefinitely"}])
    assert (
        parsed.value[0].paused_until,
        parsed.value[0].restrictions,
    ) == (None, (("billable_usage_paused_until", "indefinitely"),))
    assert parsed.odd_values == ("[0].billable_usage_paused_until",)


def test_settings_are_opaque() -> None:
    """No key of `settings` is noted as new."""
    assert parse_organizations([golden_bodies.org(settings={"anything": {"new": 1}})]).new_fields == ()


def test_new_key_of_an_org_is_noted() -> None:
    """An unknown key is noted with its path, sanitized and short."""
    body = golden_bodies.account(
        memberships=[{"organization": golden_bodies.org(**{"gui\x1b[2Jld": 1, "k" * 200: 2})}]
    )
    shortened = "memberships[0].organization." + "k" * 51 + "…"
    assert ("memberships[0].organization.gui[2Jld", shortened) == parse_account(body).new_fields


def test_name_is_sanitized() -> None:
    """An org's name cannot set a window title."""
    assert org(name="\x1b]0;pwned\x07").name == "]0;pwned"


@pytest.mark.parametrize("body", [None, {}, "x", 1])
def test_organizations_need_a_list(body: object) -> None:
    """A body that is no list is malformed."""
    with pytest.raises(MalformedError, match="a list was expected"):
        parse_organizations(body)


@pytest.mark.parametrize("body", [None, [], "x", 1])
def test_account_needs_an_object(body: object) -> None:
    """A body that is no object is malformed."""
    with pytest.raises(MalformedError, match="an object was expected"):
        parse_account(body)
