"""Every figure of an org, each with the reply it came from and its age."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claudemeter_tui.formatting.credits import LOCK_NOT_VISIBLE
from claudemeter_tui.formatting.figures import Figure, build_sections
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Failure, OrgReading, Reading, Reply
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Plan, Severity
from tests.bodies import (
    ACCOUNT,
    extra_usage_body,
    limit_body,
    org_body,
    overage_body,
    prepaid_body,
    spend_body,
    subscription_body,
    tranche_body,
    usage_body,
    window_body,
)
from tests.model.readings import folded
from tests.scenes import (
    CREDITS_BLOCKED,
    ENTERPRISE,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    SERVER_LOCK,
    SESSION,
    TEAM,
    WAITING,
    OrgBodies,
    org_of,
)
from tests.scenes import (
    store as scene,
)

SCENES = (PERSONAL, TEAM, LABORATORY, WAITING, CREDITS_BLOCKED, ENTERPRISE, SERVER_LOCK)


def told(store: Store, now: datetime = NOW) -> dict[str, dict[str, Figure]]:
    """The figures of the first org, by section and label."""
    found = build_sections(store, store.orgs[0], now, UTC)
    return {section.title: {figure.label: figure for figure in section.figures} for section in found}


def figures(bodies: OrgBodies, now: datetime = NOW) -> dict[str, dict[str, Figure]]:
    """The figures of an org with these bodies."""
    return told(scene(bodies), now)


@pytest.mark.parametrize("bodies", SCENES)
def test_every_figure_names_its_reply_and_age(bodies: OrgBodies) -> None:
    """No figure stands without reply, session and age; the session alone is of no reply."""
    for title, section in figures(bodies).items():
        for label, figure in section.items():
            if (title, label) != ("Org", "session"):
                assert figure.read_at == READ, (title, label)
                assert figure.describe_origin(NOW).endswith(" via Chrome, Default · 18s ago")
                assert figure.endpoint is not None or figure.source.startswith(("worked out", "usage", "o"))


@pytest.mark.parametrize(
    ("title", "label", "value", "source"),
    [
        ("Verdict", "verdict", "BLOCKED", "worked out from usage, own overage, overage"),
        ("5-hour window", "used", "100 %", "usage"),
        ("5-hour window", "resets", "16:00 (in 1h 12m)", "usage"),
        ("5-hour window", "severity", "the server says critical", "usage"),
        ("7-day all window", "stops", "the whole plan", "usage"),
        ("7-day Fable window", "stops", "only its own model or surface", "usage"),
        ("7-day Fable window", "key", "weekly_scoped:Fable", "usage"),
        ("Credits: both gates", "left of the cap", "$0.00 of $50.00, the tighter gate", "own overage"),
        ("Credits: both gates", "left prepaid", "$244.35", "prepaid"),
        ("Credits: both gates", "left of the pool", "$738.82 of $1,000.00", "overage"),
        ("Credits: what own overage says", "whose", "your own", "own overage"),
        ("Credits: what own overage says", "until", "Fri 00:00 (in 5d 9h)", "own overage"),
        ("Credits: what overage says", "whose", "the organization's pool", "overage"),
        ("Credits: what overage says", "used", "$261.18, 26 % of the cap", "overage"),
        ("Credits: what usage: extra_usage says", "used", "$50.00, 100 % of the cap", "usage: extra_usage"),
        ("Spending", "in this run", "$3.40 since 14:02", "worked out from own overage"),
        ("Prepaid balance", "promotional part", "$100.00, expires Sat Sep 19 00:00 (in 146d 9h)", "prepaid"),
        ("Subscription", "card", "visa ••0000", "subscription"),
        ("Org", "name", "Acme Team", "account"),
        ("Org", "account", "pat@example.com", "account"),
    ],
)
def test_figures_of_a_blocked_member(title: str, label: str, value: str, source: str) -> None:
    """Cap, balance and pool stand apart, each with the reply it was read from."""
    now = NOW.replace(second=0)
    figure = figures(TEAM, now)[title][label]
    assert (value, source) == (figure.value, figure.source)


def test_reason_is_told_in_words_as_code_and_with_its_cure() -> None:
    """What shuts the credits is whole in the details, however long."""
    reason = figures(TEAM)["Credits: what own overage says"]["reason"]
    assert (
        "your own monthly limit is reached (self_selected_spend_limit_reached); raise the cap" in reason.value
    )
    assert reason.severity is Severity.FULL
    assert reason.key == "disabled_reason"


@pytest.mark.parametrize(
    ("used", "amount", "tighter"),
    [(1000, 4001, "left of the cap"), (1000, 3999, "left prepaid"), (1000, None, None)],
)
def test_tighter_gate_is_marked(used: int, amount: int | None, tighter: str | None) -> None:
    """Of cap and balance the one with less left is marked, and neither where one is not known."""
    gates = figures(OrgBodies(overage=overage_body(used), prepaid=prepaid_body(amount)))[
        "Credits: both gates"
    ]
    marked = [name for name, one in gates.items() if "tighter" in one.value]
    assert ([tighter] if tighter else []) == marked


def test_replies_that_disagree_are_both_there() -> None:
    """Two replies about one thing: both figures, both sources, and a section that says so."""
    bodies = OrgBodies(
        usage=usage_body(extra_usage=extra_usage_body(0.0, 1450), spend=spend_body(6230, 6000)),
        overage=overage_body(6230, 6000),
    )
    found = figures(bodies)
    disagree = found["Credits: replies that disagree"]["used, own"]
    assert disagree.value == "$62.30 says overage, $0.00 says usage: extra_usage"
    assert disagree.source == "overage, usage: extra_usage"
    assert disagree.severity is Severity.WARNING
    assert found["Credits: what overage says"]["used"].value.startswith("$62.30")
    assert found["Credits: what usage: extra_usage says"]["used"].value.startswith("$0.00")


@pytest.mark.parametrize("bodies", [TEAM, PERSONAL])
def test_pool_and_own_share_do_not_disagree(bodies: OrgBodies) -> None:
    """A member's figure beside the organization's pool is two figures, no contradiction."""
    assert "Credits: replies that disagree" not in figures(bodies)


def test_disabled_credits_with_real_use_show_the_use() -> None:
    """Switched off does not mean unimportant."""
    meter = figures(WAITING)["Credits: what overage says"]
    assert meter["used"].value == "$4.26, 7 % of the cap"
    assert meter["switched"].value == "off"


def test_every_tranche_is_told_with_its_end() -> None:
    """The balance with all its parts: bought and promotional, with and without an end, expired ones too."""
    prepaid = prepaid_body(
        24435,
        tranches=[tranche_body(14435, None)],
        promo=[tranche_body(10_000, "2026-04-01T00:00:00Z")],
        auto_reload={"enabled": True},
    )
    found = figures(OrgBodies(prepaid=prepaid))["Prepaid balance"]
    assert found["bought part"].value == "$144.35, no end, or not reported"
    assert found["promotional part"].value == "$100.00, expired Wed Apr 1 00:00, which has passed"


def test_window_tells_lock_dollars_and_what_is_missing() -> None:
    """A lock is quoted, an allowance has its dollars, a missing figure is called not reported."""
    usage = usage_body(
        100.0,
        None,
        iguana_necktie=window_body(30.0, limit_dollars=1000, used_dollars=300, locked_reason="odd_lock"),
        limits=[limit_body("weekly_all", 12, None)],
    )
    found = figures(OrgBodies(usage=usage))
    cloud = found["Cloud sessions window"]
    assert cloud["allowance"].value == "$300.00 of $1,000.00"
    assert cloud["locked"].value == 'the server says "odd_lock"'
    assert found["7-day all window"]["resets"].value == "not reported"


def test_due_reset_is_no_false_figure() -> None:
    """Once the reset has passed the percentage is called what it was before."""
    used = figures(PERSONAL, NOW + timedelta(hours=2))["5-hour window"]["used"]
    assert used.value == "67 %, before the reset that is due"
    assert used.severity is Severity.NORMAL


def test_failure_stands_beside_the_last_good_figures() -> None:
    """A reply that failed is told with its trouble and since when; what it said before keeps its age."""
    failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, NOW, "status 502")
    org = org_of(PERSONAL.org)
    store = scene(PERSONAL).apply(
        Reading(SESSION, NOW, org_readings=(OrgReading(org, {Endpoint.USAGE: failure}),))
    )
    found = told(store, NOW + timedelta(minutes=1))
    assert found["Not read"]["usage"].value.startswith("server error (status 502): ")
    used = found["5-hour window"]["used"]
    assert used.describe_origin(NOW + timedelta(minutes=1)) == "usage via Chrome, Default · 1m ago"


def test_subscription_that_does_not_exist_is_told() -> None:
    """An answer that there is no such thing is a figure too."""
    assert figures(ENTERPRISE)["Subscription"]["subscription"].value.startswith("none")


@pytest.mark.parametrize(
    ("body", "label", "value"),
    [
        (subscription_body("past_due"), "status", "past_due"),
        (subscription_body(next_charge=None, card=None), "next charge", "none, or not reported"),
        (subscription_body(ends_at="2026-06-01T00:00:00Z"), "ends", "2026-06-01"),
    ],
)
def test_subscription_in_figures(body: dict[str, object], label: str, value: str) -> None:
    """Status, charge and end as they are reported."""
    assert value == figures(OrgBodies(subscription=body))["Subscription"][label].value


def test_gates_of_the_org_are_quoted() -> None:
    """A gate that is not null is shown under its own key."""
    org = org_body(billing_issue="card_declined", billable_usage_paused_until="2026-05-01T00:00:00Z")
    found = figures(OrgBodies(org=org))["Org"]
    assert found["billing_issue"].value == '"card_declined"'
    assert found["billing paused"].value.startswith("until Fri")


def test_grants_and_shares_are_told() -> None:
    """Early resets with how many are left, and which surface used the week."""
    usage = usage_body(
        cedar_ember={"eligible": True, "grants": [{"resets_left": 1, "usable_now": True, "ends_at": None}]},
        seven_day_breakdown={"rows": [{"key": "chat", "display_name": "Chat", "percent": 80}]},
    )
    found = figures(OrgBodies(usage=usage))
    assert found["Early resets"]["early reset"].value == "1 left, usable now"
    assert found["The week by surface"]["Chat"].value == "80 %"


def test_org_that_was_never_read_has_no_invented_figures() -> None:
    """Before the first answer only the verdict, the org and the session are known."""
    store = scene(PERSONAL)
    state = replace(store.orgs[0], replies={}, series=replace(store.orgs[0].series, origin=None))
    assert [section.title for section in build_sections(store, state, NOW, UTC)] == ["Verdict", "Org"]


def test_row_for_the_clipboard_holds_everything() -> None:
    """A copied row says what it is, the figure, and where it came from."""
    used = figures(PERSONAL)["5-hour window"]["used"]
    assert used.format_line(NOW) == "used: 67 % (usage via Chrome, Default · 18s ago)"


def test_figures_of_two_sessions_name_theirs() -> None:
    """Where Claude Code's login stands in: what it read, what the browser had read, and what is not known."""
    org = org_of(PERSONAL.org)
    usage = replace(scene(PERSONAL).orgs[0].replies[Endpoint.USAGE], at=NOW)
    store = folded(
        Reading(CLAUDE_CODE_LOGIN, NOW, Reply(Endpoint.ACCOUNT, NOW, Account(ACCOUNT)), (org,)),
        Reading(CLAUDE_CODE_LOGIN, NOW, org_readings=(OrgReading(org, {Endpoint.USAGE: usage}),)),
        store=scene(PERSONAL),
    )
    found = told(store)
    assert found["5-hour window"]["used"].provenance == "usage via Claude Code"
    assert found["Prepaid balance"]["balance"].provenance == "prepaid via Chrome, Default"
    assert found["Verdict"]["verdict"].session_labels == "Claude Code; Chrome, Default"
    assert found["Org"]["name"].session_labels == "Claude Code"
    lock = found["Credits: both gates"]["lock"]
    assert (lock.value, lock.provenance) == (
        f"as of 14:48: {LOCK_NOT_VISIBLE}",
        "overage via Chrome, Default",
    )


def test_lock_that_was_never_seen_is_told_without_any_credits() -> None:
    """Claude Code's login alone: whether credits are locked is a figure that is missing."""
    org = org_of(PERSONAL.org)
    usage = Reply(Endpoint.USAGE, NOW, Plan())
    store = folded(
        Reading(CLAUDE_CODE_LOGIN, NOW, Reply(Endpoint.ACCOUNT, NOW, Account(ACCOUNT)), (org,)),
        Reading(CLAUDE_CODE_LOGIN, NOW, org_readings=(OrgReading(org, {Endpoint.USAGE: usage}),)),
    )
    lock = told(store)["Credits: both gates"]["lock"]
    assert (lock.value, lock.provenance) == (f"not known: {LOCK_NOT_VISIBLE}", "usage via Claude Code")


def test_steady_spending_has_rates_and_a_forecast() -> None:
    """Both rates, and when the nearest gate is reached, each worked out from the sampled reply."""
    spent = tuple((minutes, 3000 + 40 * (60 - minutes)) for minutes in range(60, 0, -2))
    found = figures(OrgBodies(overage=overage_body(5440, 6000), spent=spent))["Spending"]
    assert {"in this run", "rate, 30 minutes", "rate, this run", "forecast"} == set(found)
    assert found["forecast"].value.startswith("cap ")
    assert {"worked out from overage"} == {figure.source for figure in found.values()}
