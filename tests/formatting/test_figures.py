"""Every figure of an org, each with its reply and age."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claudemeter_tui.formatting.credits import LOCK_NOT_VISIBLE
from claudemeter_tui.formatting.figures import Figure, build_sections
from claudemeter_tui.history.last_states import pack_state, unpack_state
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Failure, OrgReading, Reading, Reply
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Plan, Severity
from tests import golden_bodies
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


def collect_figures(store: Store, now: datetime = NOW) -> dict[str, dict[str, Figure]]:
    """Return the figures of the first org, by section and label."""
    found = build_sections(store, store.orgs[0], now, UTC)
    return {section.title: {figure.label: figure for figure in section.figures} for section in found}


def figures(bodies: OrgBodies, now: datetime = NOW) -> dict[str, dict[str, Figure]]:
    """Return the figures of an org with these bodies."""
    return collect_figures(scene(bodies), now)


@pytest.mark.parametrize("bodies", SCENES)
def test_every_figure_names_its_reply_and_age(bodies: OrgBodies) -> None:
    """Each figure has a reply, a session and an age; only the session's own figures have no reply."""
    for title, section in figures(bodies).items():
        for label, figure in section.items():
            if (title, label) != ("Org", "session"):
                assert figure.read_at == READ, (title, label)
                assert figure.describe_origin(NOW).endswith(" via Chrome, Default · 18s ago")
                is_derived = figure.source.endswith("(calculated)") or figure.source.startswith(
                    ("usage", "o")
                )
                assert figure.endpoint is not None or is_derived


@pytest.mark.parametrize(
    ("title", "label", "value", "source"),
    [
        ("Verdict", "verdict", "BLOCKED", "from usage, own overage, overage (calculated)"),
        ("5-hour window", "used", "100%", "usage"),
        ("5-hour window", "resets", "16:00 (in 1h 12m)", "usage"),
        ("5-hour window", "severity", "critical (per server)", "usage"),
        ("7-day all window", "applies to", "the whole plan", "usage"),
        ("7-day Fable window", "applies to", "this model only", "usage"),
        ("7-day Fable window", "key", "weekly_scoped:Fable", "usage"),
        ("Credits left", "cap left", "$0.00 of $50.00, runs out first", "own overage"),
        ("Credits left", "balance left", "$244.35", "prepaid"),
        ("Credits left", "pool left", "$738.82 of $1,000.00", "overage"),
        ("Credits in own overage", "owner", "your own", "own overage"),
        ("Credits in own overage", "until", "Fri 00:00 (in 5d 9h)", "own overage"),
        ("Credits in overage", "owner", "the organization's pool", "overage"),
        ("Credits in overage", "used", "$261.18, 26% of the cap", "overage"),
        ("Credits in usage: extra_usage", "used", "$50.00, 100% of the cap", "usage: extra_usage"),
        ("Spending", "this run", "$3.40 since 14:02", "from own overage (calculated)"),
        ("Prepaid balance", "promotional part", "$100.00, expires Sat Sep 19 00:00 (in 146d 9h)", "prepaid"),
        ("Subscription", "card", "visa ••0000", "subscription"),
        ("Org", "name", "Acme Team", "account"),
        ("Org", "account", "pat@example.com", "account"),
    ],
)
def test_figures_of_a_blocked_member(title: str, label: str, value: str, source: str) -> None:
    """Cap, balance and pool are separate figures, each with its reply."""
    now = NOW.replace(second=0)
    figure = figures(TEAM, now)[title][label]
    assert (value, source) == (figure.value, figure.source)


def test_reason_of_a_reply_is_its_raw_code() -> None:
    """The details have the raw reason of each reply, and interpret none: the verdict has the cause."""
    reason = figures(TEAM)["Credits in own overage"]["reason"]
    assert reason.value == "self_selected_spend_limit_reached"
    assert reason.severity is Severity.FULL
    assert reason.key == "disabled_reason"


@pytest.mark.parametrize(
    ("used", "amount", "tighter"),
    [(1000, 4001, "cap left"), (1000, 3999, "balance left"), (1000, None, None)],
)
def test_gate_with_less_left_is_marked(used: int, amount: int | None, tighter: str | None) -> None:
    """Of cap and balance the one with less left is marked, and neither if one is not known."""
    gates = figures(OrgBodies(overage=overage_body(used), prepaid=prepaid_body(amount)))["Credits left"]
    marked = [name for name, one in gates.items() if one.value.endswith(", runs out first")]
    assert ([tighter] if tighter else []) == marked


def test_contradicting_replies_are_both_shown() -> None:
    """Two replies about one thing give two figures with their sources, and a section that says so."""
    bodies = OrgBodies(
        usage=usage_body(extra_usage=extra_usage_body(0.0, 1450), spend=spend_body(6230, 6000)),
        overage=overage_body(6230, 6000),
    )
    found = figures(bodies)
    disagree = found["Credits: conflicting replies"]["used, own"]
    assert disagree.value == "$62.30 (overage), $0.00 (usage: extra_usage)"
    assert disagree.source == "overage, usage: extra_usage"
    assert disagree.severity is Severity.WARNING
    assert found["Credits in overage"]["used"].value.startswith("$62.30")
    assert found["Credits in usage: extra_usage"]["used"].value.startswith("$0.00")


@pytest.mark.parametrize("bodies", [TEAM, PERSONAL])
def test_pool_and_personal_share_do_not_contradict(bodies: OrgBodies) -> None:
    """A member's figure and the organization's pool are two figures, no contradiction."""
    assert "Credits: conflicting replies" not in figures(bodies)


def test_disabled_credits_with_real_use_show_the_use() -> None:
    """Credits that are off still show the used amount."""
    meter = figures(WAITING)["Credits in overage"]
    assert meter["used"].value == "$4.26, 7% of the cap"
    assert meter["switch"].value == "off"


def test_every_tranche_is_shown_with_its_end() -> None:
    """The balance is listed with all its parts: bought, promotional, with and without an end, expired."""
    prepaid = prepaid_body(
        24435,
        tranches=[tranche_body(14435, None)],
        promo=[tranche_body(10_000, "2026-04-01T00:00:00Z")],
        auto_reload={"enabled": True},
    )
    found = figures(OrgBodies(prepaid=prepaid))["Prepaid balance"]
    assert found["bought part"].value == "$144.35, no end date"
    assert found["promotional part"].value == "$100.00, expired Wed Apr 1 00:00 (passed)"


def test_window_shows_lock_dollars_and_missing_figures() -> None:
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


def test_due_reset_keeps_the_earlier_percentage_as_such() -> None:
    """After a due reset the percentage is labelled as the earlier one."""
    used = figures(PERSONAL, NOW + timedelta(hours=2))["5-hour window"]["used"]
    assert used.value == "67% (reset due)"
    assert used.severity is Severity.NORMAL


def test_failure_is_shown_beside_the_last_good_figures() -> None:
    """A failed reply has its problem and start time, and its last figures keep their age."""
    failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, NOW, "status 502")
    org = org_of(PERSONAL.org)
    store = scene(PERSONAL).apply(
        Reading(SESSION, NOW, org_readings=(OrgReading(org, {Endpoint.USAGE: failure}),))
    )
    found = collect_figures(store, NOW + timedelta(minutes=1))
    assert found["Not read"]["usage"].value.startswith("server error (status 502): ")
    used = found["5-hour window"]["used"]
    assert used.describe_origin(NOW + timedelta(minutes=1)) == "usage via Chrome, Default · 1m ago"


def test_missing_subscription_is_shown() -> None:
    """A reply that there is no subscription is a figure, too."""
    assert figures(ENTERPRISE)["Subscription"]["subscription"].value.startswith("none")


@pytest.mark.parametrize(
    ("body", "label", "value"),
    [
        (subscription_body("past_due"), "status", "past_due"),
        (subscription_body(next_charge=None, card=None), "next charge", "none, or not reported"),
        (subscription_body(ends_at="2026-06-01T00:00:00Z"), "ends", "Jun 1"),
    ],
)
def test_subscription_in_figures(body: dict[str, object], label: str, value: str) -> None:
    """Status, charge and end are shown as reported."""
    assert value == figures(OrgBodies(subscription=body))["Subscription"][label].value


def test_gates_of_the_org_are_quoted() -> None:
    """A gate that is not null is shown under its own key."""
    org = org_body(billing_issue="card_declined", billable_usage_paused_until="2026-05-01T00:00:00Z")
    found = figures(OrgBodies(org=org))["Org"]
    assert found["billing_issue"].value == '"card_declined"'
    assert found["billing paused"].value.startswith("until Fri")


def test_grants_and_shares_are_shown() -> None:
    """Saved resets have their number left, and the week has the share of each surface."""
    usage = usage_body(
        cedar_ember=golden_bodies.GRANTS,
        seven_day_breakdown={"rows": [{"key": "chat", "display_name": "Chat", "percent": 80}]},
    )
    found = figures(OrgBodies(usage=usage))
    expected = "2 left, not usable now: no window is full, expires Wed May 20 00:00 (in 24d 9h)"
    assert expected == found["Saved resets"]["saved reset"].value
    assert found["7-day by surface"]["Chat"].value == "80%"


def test_org_that_was_never_read_has_no_invented_figures() -> None:
    """Before the first reply only the verdict, the org and the session are known."""
    store = scene(PERSONAL)
    state = replace(store.orgs[0], replies={}, series=replace(store.orgs[0].series, origin=None))
    assert [section.title for section in build_sections(store, state, NOW, UTC)] == ["Verdict", "Org"]


def test_copied_row_is_complete() -> None:
    """A copied row has the label, the figure, and its source."""
    used = figures(PERSONAL)["5-hour window"]["used"]
    assert used.format_line(NOW) == "used: 67% (usage via Chrome, Default · 18s ago)"


def test_figures_of_two_sessions_name_theirs() -> None:
    """If Claude Code's login serves the org, each figure names its session, a missing one is not known."""
    org = org_of(PERSONAL.org)
    usage = replace(scene(PERSONAL).orgs[0].replies[Endpoint.USAGE], at=NOW)
    store = folded(
        Reading(CLAUDE_CODE_LOGIN, NOW, Reply(Endpoint.ACCOUNT, NOW, Account(ACCOUNT)), (org,)),
        Reading(CLAUDE_CODE_LOGIN, NOW, org_readings=(OrgReading(org, {Endpoint.USAGE: usage}),)),
        store=scene(PERSONAL),
    )
    found = collect_figures(store)
    assert found["5-hour window"]["used"].provenance == "usage via Claude Code"
    assert found["Prepaid balance"]["balance"].provenance == "prepaid via Chrome, Default"
    assert found["Verdict"]["verdict"].session_labels == "Claude Code; Chrome, Default"
    assert found["Org"]["name"].session_labels == "Claude Code"
    lock = found["Credits left"]["lock"]
    assert (lock.value, lock.provenance) == (
        f"as of 14:48: {LOCK_NOT_VISIBLE}",
        "overage via Chrome, Default",
    )


def test_unseen_lock_is_shown_as_not_known() -> None:
    """With Claude Code's login only, the lock of the credits is a figure that is not known."""
    org = org_of(PERSONAL.org)
    usage = Reply(Endpoint.USAGE, NOW, Plan())
    store = folded(
        Reading(CLAUDE_CODE_LOGIN, NOW, Reply(Endpoint.ACCOUNT, NOW, Account(ACCOUNT)), (org,)),
        Reading(CLAUDE_CODE_LOGIN, NOW, org_readings=(OrgReading(org, {Endpoint.USAGE: usage}),)),
    )
    lock = collect_figures(store)["Credits left"]["lock"]
    assert (lock.value, lock.provenance) == (f"not known: {LOCK_NOT_VISIBLE}", "usage via Claude Code")


def test_spending_of_this_run_leaves_out_earlier_runs() -> None:
    """After a restart the amount begins where the program continued, and its time says so."""
    before = scene(LABORATORY)
    state = unpack_state(pack_state(before.orgs[0]))
    assert state is not None
    (run,) = state.series.runs
    shown = collect_figures(replace(before, all_orgs=(state,)))["Spending"]["this run"].value
    assert shown == f"$0.00 since {run.first:%H:%M}"


def test_steady_spending_has_rates_and_a_forecast() -> None:
    """Both rates and the time of reaching the nearest gate are calculated from the sampled reply."""
    spent = tuple((minutes, 3000 + 40 * (60 - minutes)) for minutes in range(60, 0, -2))
    found = figures(OrgBodies(overage=overage_body(5440, 6000), spent=spent))["Spending"]
    assert {"this run", "rate, 30 min", "rate, this run", "forecast"} == set(found)
    assert found["forecast"].value.startswith("cap ")
    assert {"from overage (calculated)"} == {figure.source for figure in found.values()}
