"""The verdict in words: names, lines, banners, tabs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.formatting.verdict import (
    VerdictWriter,
    format_short_verdict,
    format_verdict_line,
    format_verdict_name,
    list_verdict_facts,
)
from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    CreditState,
    Endpoint,
    MeterOrigin,
    WindowKind,
    WindowScope,
)
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Failure, Reply, ReplyValue, Session
from claudemeter_tui.model.resets import SavedReset, SavedResets, SessionReset
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.time_series import CreditSeries
from claudemeter_tui.model.verdict import OverPlanSpending, Verdict, VerdictState, judge
from claudemeter_tui.model.windows import Plan, Window
from tests.model.readings import org, spend
from tests.model.values import (
    LOCKED,
    MAY,
    NOW,
    OFF,
    OPEN,
    PAST,
    build_saved_resets,
    fable,
    five_hour,
    later,
    meter,
    one_time,
    usd,
    weekly,
)
from tests.value_fields import build_values

CAPPED = meter(5000, 5000, reason="self_selected_spend_limit_reached", until=MAY)
OWN_LIMIT = "your monthly cap is reached"
TO_MAY = "until Fri May 1 00:00 (in 5d 9h)"
CAP_CURE = "raise the cap on claude.ai/settings/usage"


@pytest.mark.parametrize(
    ("title", "tab", "state"),
    [
        ("CAN WORK", "67%", org(five_hour(67), credits_=OPEN)),
        ("CAN WORK", "99%", org(five_hour(99.7))),
        ("CAN WORK", "<1%", org(five_hour(0.4))),
        ("CAN WORK", "reset due", org(five_hour(100, PAST))),
        ("CAN WORK · credits BLOCKED", "credits BLOCKED", org(five_hour(), credits_=LOCKED)),
        ("ON CREDITS", "on credits", org(five_hour(100), credits_=OPEN)),
        ("WAIT", "WAIT 16:00", org(five_hour(100))),
        ("WAIT", "WAIT Tue 14:48", org(five_hour(100), weekly(100))),
        ("WAIT", "WAIT", org(five_hour(100, None))),
        ("BLOCKED", "BLOCKED", org(five_hour(100), credits_=LOCKED)),
        ("UNKNOWN", "?", org(five_hour(None), credits_=OFF)),
        ("NO LIMITS REPORTED", "no limits", org()),
        ("NO LIMITS REPORTED", "no limits", org(credits_=OFF)),
        ("CAN WORK · spending", "spending", spend(org(five_hour(), credits_=OPEN))),
        ("CAN WORK · credits BLOCKED", "credits BLOCKED", spend(org(five_hour(), credits_=LOCKED))),
    ],
)
def test_name_and_tab_of_every_state(title: str, tab: str, state: OrgState) -> None:
    """Each state has one name and one short form."""
    verdict = judge(state, NOW)
    assert (title, tab) == (format_verdict_name(verdict), format_short_verdict(verdict, NOW, UTC))


@pytest.mark.parametrize(
    ("expected", "state"),
    [
        ("CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m)", org(five_hour(), weekly(12))),
        ("CAN WORK  5-hour 0%, not started", org(five_hour(0, None))),
        (
            (
                "CAN WORK · spending  5-hour 97%, resets 16:00 (in 1h 12m)"
                " · spent $0.40 since 14:47 although no window is full (likely cause: 5-hour at 97%)"
            ),
            spend(org(five_hour(97), credits_=OPEN)),
        ),
        (
            (
                "CAN WORK · spending  5-hour 41%, resets 16:00 (in 1h 12m)"
                " · spent $0.40 since 14:43 although no window is full (likely cause not known)"
            ),
            spend(org(five_hour(), credits_=OPEN), 4),
        ),
        (
            (
                "CAN WORK · spending  5-hour 95%, resets 16:00 (in 1h 12m)"
                " · spent $0.40 since 14:47 although no plan-wide window is full"
                " (likely cause: Fable is full or 5-hour at 95%)"
                " · Fable is full until Tue 14:48 and continues on credits, other models work"
            ),
            spend(org(five_hour(95), fable(), credits_=OPEN)),
        ),
        ("CAN WORK  5-hour 3%, no reset reported", org(five_hour(3, None))),
        (
            "CAN WORK  7-day all 71%, resets Tue 14:48 (in 3d) · 5-hour reset due",
            org(five_hour(100, PAST), weekly()),
        ),
        (
            "CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m) · 7-day all not reported",
            org(five_hour(), weekly(None)),
        ),
        (
            (
                "CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m) · Fable is full until Tue 14:48"
                " and is refused, other models work"
            ),
            org(five_hour(), fable(), credits_=OFF),
        ),
        (
            (
                "CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m) · Fable is full until Tue 14:48"
                " and continues on credits, other models work"
            ),
            org(five_hour(), fable(), credits_=OPEN),
        ),
        (
            "CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m) · Cowork is full, everything else works",
            org(
                five_hour(),
                Window("seven_day_cowork", "7-day Cowork", percent=100, scope=WindowScope.SURFACE),
            ),
        ),
        (
            "CAN WORK  5-hour 41%, resets 16:00 (in 1h 12m) · One-time credit used up",
            org(five_hour(), one_time()),
        ),
        (
            (
                f"CAN WORK · credits BLOCKED  {OWN_LIMIT}, {TO_MAY}"
                " · work stops when a plan window is full (5-hour 41%, 7-day all 12%)"
            ),
            org(five_hour(), weekly(12), credits_=CAPPED),
        ),
        (
            "ON CREDITS  5-hour full until 16:00 (in 1h 12m) · spending not reported",
            org(five_hour(100), credits_=OPEN),
        ),
        (
            "ON CREDITS  no plan windows, all work uses credits · spending not reported",
            org(credits_=OPEN),
        ),
        ("WAIT  5-hour full until 16:00 (in 1h 12m) · credits are off", org(five_hour(100), credits_=OFF)),
        ("WAIT  5-hour full, no reset reported · no usage credits on this org", org(five_hour(100, None))),
        (
            "WAIT  5-hour full until 16:00 (in 1h 12m) · credits may cover it (lock not known)",
            org(five_hour(100), credits_=meter(reason="unknown")),
        ),
        (
            (
                "WAIT  7-day all full until Tue 14:48 (in 3d), limiting"
                " · 5-hour full until 16:00 (in 1h 12m), frees up first"
                " · credits are off · Fable is full until Tue 14:48 and is refused"
            ),
            org(five_hour(100), weekly(100), fable(), credits_=OFF),
        ),
        (
            'WAIT  5-hour locked ("odd") until 16:00 (in 1h 12m) · credits are off',
            org(five_hour(3, locked_reason="odd"), credits_=OFF),
        ),
        (
            (
                f"BLOCKED  {OWN_LIMIT}, {TO_MAY}"
                " · 5-hour full until 16:00 (in 1h 12m) · 5-hour window frees up first"
            ),
            org(five_hour(100), credits_=CAPPED),
        ),
        (
            (
                "BLOCKED  no cause given, until 14:53 (in 5m)"
                " · 7-day all full until Tue 14:48 (in 3d), limiting · 5-hour full until 16:00 (in 1h 12m)"
                " · credits free up first"
            ),
            org(five_hour(100), weekly(100), credits_=meter(until=later(minutes=5))),
        ),
        (
            f"BLOCKED  your monthly cap is reached, {TO_MAY} and the prepaid balance is empty",
            org(credits_=meter(5000, 5000, out_of_credits=True, until=MAY), prepaid=Balance(usd(0))),
        ),
        ('BLOCKED  the server says "foo_bar"', org(credits_=meter(reason="foo_bar"))),
        ("NO LIMITS REPORTED  no windows and no credits on this plan", org()),
        ("NO LIMITS REPORTED  no windows on this plan, and credits are off", org(credits_=OFF)),
        ("UNKNOWN  5-hour and 7-day all not reported", org(five_hour(None), weekly(None))),
        ("UNKNOWN  claude.ai reports no usage for this org", org(plan=Plan(is_reported=False))),
        (
            f"UNKNOWN  windows not read · credits BLOCKED: {OWN_LIMIT}, {TO_MAY}",
            org(usage=None, credits_=CAPPED),
        ),
        ("UNKNOWN  no reading yet", OrgState(Org("u", "Acme"), Account("a"), Session("Chrome"))),
    ],
)
def test_line_has_state_cause_and_end(expected: str, state: OrgState) -> None:
    """The line has the state, its cause, its end, and the facts beside it."""
    assert expected == format_verdict_line(judge(state, NOW), NOW, UTC)


def _failed(state: OrgState) -> OrgState:
    failures = {Endpoint.USAGE: Failure(ErrorKind.EXPIRED, Endpoint.USAGE, NOW)}
    return OrgState(state.org, state.account, state.session, state.replies, failures)


@pytest.mark.parametrize(
    ("expected", "minutes", "state"),
    [
        ("CAN WORK  5-hour 41%, resets 16:00 (in 1h 7m) · read 5m ago", 5, _failed(org(five_hour()))),
        ("UNKNOWN  no successful read for 41m · last known: CAN WORK 41m ago", 41, org(five_hour())),
        (
            "UNKNOWN  no successful read for 41m: session expired · last known: BLOCKED 41m ago",
            41,
            _failed(org(five_hour(100), credits_=CAPPED)),
        ),
        (
            "UNKNOWN  no successful read for 2h · last known: CAN WORK · credits BLOCKED 2h ago",
            120,
            org(five_hour(), credits_=CAPPED),
        ),
    ],
)
def test_line_has_the_age_of_its_figures(expected: str, minutes: int, state: OrgState) -> None:
    """Stale figures have an age; old ones have the last verdict and the cause."""
    now = later(minutes=minutes)
    assert expected == format_verdict_line(judge(state, now), now, UTC)


@pytest.mark.parametrize(
    ("expected", "state"),
    [
        (
            (
                ("cause", f"usage credits are locked: {OWN_LIMIT}"),
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m), 5-hour window frees up first"),
                ("locked until", TO_MAY.removeprefix("until ")),
                ("cure", CAP_CURE),
                ("reason", "self_selected_spend_limit_reached"),
            ),
            org(five_hour(100), weekly(), credits_=CAPPED),
        ),
        (
            (
                ("cause", f"usage credits are locked: {OWN_LIMIT}"),
                ("locked until", TO_MAY.removeprefix("until ")),
                ("cure", CAP_CURE),
                ("reason", "self_selected_spend_limit_reached"),
                ("work stops", "when a plan window is full (5-hour 41%, 7-day all 12%)"),
            ),
            org(five_hour(), weekly(12), credits_=CAPPED),
        ),
        (
            (
                ("cause", 'usage credits are locked: the server says "capacity_protection"'),
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("cure", "no end date given – nothing to do but wait"),
            ),
            org(five_hour(100), credits_=meter(reason="capacity_protection")),
        ),
        (
            (
                ("cause", "usage credits are locked: no cause given"),
                ("cause", "7-day all full until Tue 14:48, limiting"),
                ("cause", "5-hour full until 16:00"),
                ("until", "14:53 (in 5m), credits free up first"),
            ),
            org(five_hour(100), weekly(100), credits_=meter(until=later(minutes=5))),
        ),
        (
            (
                ("cause", "usage credits are locked: your monthly cap is reached"),
                ("cure", CAP_CURE),
                ("reason", "out_of_credits"),
            ),
            org(credits_=meter(5000, 5000, reason="out_of_credits")),
        ),
        (
            (
                (
                    "cause",
                    "usage credits are locked: your organization's monthly cap is reached ($17.20 of $50.00)",
                ),
                ("cure", "ask an administrator to raise it"),
                ("reason", "org_spend_cap_reached"),
            ),
            org(credits_=meter(reason="org_spend_cap_reached", is_personal=False)),
        ),
        (
            (
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("credits", "credits are off: usage credits were never set up"),
                ("cure", "set them up on claude.ai/settings/usage"),
                ("reason", "overage_not_provisioned"),
            ),
            org(five_hour(100), credits_=meter(is_enabled=False, reason="overage_not_provisioned")),
        ),
        (
            (
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("credits", "no usage credits on this org"),
            ),
            org(five_hour(100)),
        ),
        (
            (
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("credits", "usage credits are off"),
                ("cure", "turn them on at claude.ai/settings/usage"),
            ),
            org(five_hour(100), credits_=OFF),
        ),
        (
            (
                ("cause", "usage credits are locked: your monthly cap is reached"),
                ("also", "the prepaid balance is empty"),
                ("cause", "7-day all full until Tue 14:48, limiting"),
                ("cause", "5-hour full until 16:00, frees up first"),
                ("until", "Tue Apr 28 14:48 (in 3d)"),
                ("locked until", TO_MAY.removeprefix("until ")),
                ("cure", CAP_CURE),
                ("cure", "add credits on claude.ai/settings/usage"),
            ),
            org(
                five_hour(100),
                weekly(100),
                credits_=meter(5000, 5000, out_of_credits=True, until=MAY),
                prepaid=Balance(usd(0)),
            ),
        ),
        (
            (
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("credits", 'credits may cover it (lock not known): the server says "fetch_error"'),
            ),
            org(five_hour(100), credits_=meter(reason="fetch_error")),
        ),
        (
            (
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("spending", "spending not reported"),
            ),
            org(five_hour(100), credits_=OPEN),
        ),
        (
            (
                ("cause", "no plan windows, all work uses credits"),
                ("spending", "spending not reported"),
            ),
            org(credits_=OPEN),
        ),
        ((("window", "5-hour 41%, resets 16:00 (in 1h 12m)"),), org(five_hour(), credits_=OPEN)),
        (
            (
                ("cause", "5-hour full until 16:00"),
                ("until", "16:00 (in 1h 12m)"),
                ("credits", "no usage credits on this org"),
                ("reset", "saved reset available (2 left)"),
            ),
            org(plan=Plan((five_hour(100),), saved_resets=build_saved_resets())),
        ),
        (
            (("window", "5-hour 41%, resets 16:00 (in 1h 12m)"),),
            org(five_hour(), subscription=Subscription("past_due")),
        ),
    ],
)
def test_each_fact_of_a_verdict_has_its_label(expected: tuple[tuple[str, str], ...], state: OrgState) -> None:
    """Cause, end, cure and raw code have a row each; what is beside the verdict follows."""
    assert expected == list_verdict_facts(judge(state, NOW), NOW, UTC)


@pytest.mark.parametrize(
    ("expected", "paid"),
    [
        (
            (
                "the last payment failed (past_due)",
                "update the payment method on claude.ai/settings/billing",
            ),
            Subscription("past_due"),
        ),
        (
            (f"the subscription is paused {TO_MAY}", "resume it on claude.ai/settings/billing"),
            Subscription(paused_until=MAY),
        ),
    ],
)
def test_payment_problem_has_its_end_and_its_cure(expected: tuple[str, str], paid: Subscription) -> None:
    """A problem with the payment has a sentence with its end, and a cure."""
    verdict = judge(org(five_hour(), subscription=paid), NOW)
    assert [expected] == [
        VerdictWriter(verdict, NOW, UTC).describe_payment(one) for one in verdict.payment_problems
    ]


@pytest.mark.parametrize("reason", [*sorted(DISABLED_REASONS), "foo_bar"])
def test_facts_have_the_raw_code_once(reason: str) -> None:
    """With any words the facts have the server's own code once, for a bug report."""
    facts = list_verdict_facts(judge(org(five_hour(100), credits_=meter(reason=reason)), NOW), NOW, UTC)
    codes = re.findall(rf"\b{reason}\b", " ".join(value for _, value in facts))
    assert [reason] == codes


def test_facts_of_unknown_repeat_the_last_verdict_without_past_times() -> None:
    """Old figures are marked as such, and a reset in the past is due."""
    now = later(hours=2)
    expected = (
        ("cause", "no successful read for 2h"),
        ("last known", "WAIT 2h ago"),
        ("last known", "5-hour full, reset due"),
        ("last known", "no usage credits on this org"),
    )
    assert expected == list_verdict_facts(judge(org(five_hour(100)), now), now, UTC)


def spending(
    cents: float | None,
    filled: str | None = "5-hour",
    *,
    hours: float = 0,
    pooled: bool = False,
    rate: float | None = None,
) -> OverPlanSpending:
    """Return spending since 14:02, or so many hours before, the last of it twelve minutes ago."""
    since = NOW.replace(minute=2) - timedelta(hours=hours)
    rose_at = NOW - timedelta(minutes=12) if cents else None
    amount, fast = (None if value is None else usd(value) for value in (cents, rate))
    return OverPlanSpending(amount, since, filled, rose_at, pooled, fast)


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ("no spending seen since 14:02", spending(0, filled=None)),
        ("no spending seen since the window filled at 14:02", spending(0)),
        ("spent $3.40 since 14:02, last increase 12m ago", spending(340, filled=None)),
        ("spent $3.40 since the window filled at 14:02, last increase 12m ago", spending(340)),
        ("spent under $0.01 since the window filled at 14:02, last increase 12m ago", spending(0.4)),
        (
            "the organization's pool rose by $3.40 since the window filled at 14:02, last increase 12m ago",
            spending(340, pooled=True),
        ),
        ("spent $3.40 since Fri Apr 24 20:02, last increase 12m ago", spending(340, filled=None, hours=18)),
        (
            "spent $3.40 since the window filled Fri Apr 24 20:02, last increase 12m ago",
            spending(340, hours=18),
        ),
        ("no spending seen since the 7-day all window filled at 14:02", spending(0, filled="7-day all")),
        (
            "spent $3.40 since the window filled at 14:02 ($6.40/h), last increase 12m ago",
            spending(340, rate=640),
        ),
        ("spending not reported", spending(None)),
        ("spending not reported", None),
    ],
)
def test_on_credits_shows_the_spending(expected: str, seen: OverPlanSpending | None) -> None:
    """The words have amount, start, owner, rate and last rise, or say that no spending was seen."""
    verdict = Verdict(
        VerdictState.ON_CREDITS, CreditState.OPEN, full_windows=(five_hour(100),), spending=seen
    )
    assert ("spending", expected) == list_verdict_facts(verdict, NOW, UTC)[1]


def test_on_credits_names_the_window_that_filled_first() -> None:
    """Of two full windows the one that started the spending is named."""
    verdict = Verdict(
        VerdictState.ON_CREDITS, full_windows=(weekly(100), five_hour(100)), spending=spending(0)
    )
    expected = "no spending seen since the 5-hour window filled at 14:02"
    assert ("spending", expected) == list_verdict_facts(verdict, NOW, UTC)[2]


# Arbitrary values: moments to come have the minute 42, past ones the minute 13.

_past = st.integers(0, 4_000).map(lambda hours: NOW.replace(minute=13) - timedelta(hours=hours))
_ahead = st.integers(1, 4_000).map(lambda hours: NOW.replace(minute=42) + timedelta(hours=hours))
_moments = st.none() | _past | _ahead
_percents = st.none() | st.floats(0, 200) | st.sampled_from([0.0, 99.9, 100.0])
_codes = st.none() | st.sampled_from([*sorted(DISABLED_REASONS), "foo_bar"])
_windows = build_values(
    Window,
    key=st.sampled_from(["five_hour", "seven_day_opus", "odd"]),
    label=st.sampled_from(["5-hour", "7-day Opus", ""]),
    kind=st.sampled_from(WindowKind),
    percent=_percents,
    resets_at=_moments,
    locked_reason=st.none() | st.just("odd"),
    limit=st.none() | st.just(Money(Decimal(100), "USD")),
)
_money = st.none() | st.builds(
    Money, st.decimals(0, 9_000, places=1), st.sampled_from(["USD", "JPY", ""]), st.sampled_from([0, 2])
)
_meters = build_values(
    Meter,
    origin=st.sampled_from(MeterOrigin),
    used=_money,
    cap=_money,
    is_enabled=st.none() | st.booleans(),
    reason=_codes,
    until=_moments,
    out_of_credits=st.booleans(),
    cap_reached=st.booleans(),
    is_personal=st.booleans(),
)
_plans = st.builds(
    Plan,
    windows=st.lists(_windows, max_size=4).map(tuple),
    meters=st.lists(_meters, max_size=2).map(tuple),
    saved_resets=build_values(
        SavedResets,
        st.lists(
            build_values(
                SavedReset, st.none() | st.integers(0, 2), _moments, _moments, st.booleans(), st.booleans()
            ),
            max_size=2,
        ).map(tuple),
        is_eligible=st.booleans(),
        is_at_limit=st.booleans(),
        cooldown_until=_moments,
    ),
    session_reset=st.none() | st.builds(SessionReset, st.booleans(), st.booleans()),
    is_reported=st.booleans(),
)
_subscriptions = build_values(
    Subscription, status=st.sampled_from([None, "active", "past_due", "paused"]), paused_until=_moments
)
_values: dict[Endpoint, st.SearchStrategy[ReplyValue]] = {
    Endpoint.USAGE: st.none() | _plans,
    Endpoint.OVERAGE: st.none() | _meters,
    Endpoint.OWN_OVERAGE: st.none() | _meters,
    Endpoint.SUBSCRIPTION: st.none() | _subscriptions,
}
_ages = st.sampled_from([0, 1, 5, 16, 5_000]).map(lambda minutes: NOW - timedelta(minutes=minutes))
_replies = st.fixed_dictionaries(
    {},
    optional={key: st.builds(Reply, st.just(key), _ages, value) for key, value in _values.items()},
)
_orgs = st.builds(
    Org,
    uuid=st.just("u"),
    name=st.just("Acme"),
    restrictions=st.just(()) | st.just((("billing_issue", "card"),)),
    paused_until=_moments,
)


def _state(about: Org, replies: Mapping[Endpoint, Reply]) -> OrgState:
    return OrgState(about, Account("a"), Session("Chrome"), replies, series=CreditSeries())


@settings(derandomize=True, deadline=None)
@given(about=_orgs, replies=_replies)
def test_any_org_has_words_and_no_lift_in_the_past(about: Org, replies: Mapping[Endpoint, Reply]) -> None:
    """Any org has a verdict in words, and every named moment is in the future."""
    verdict = judge(_state(about, replies), NOW)
    dates = [
        verdict.ends_at,
        verdict.lock_until,
        verdict.credits_reopen_at,
        *(shut.until for shut in verdict.credit_locks),
    ]
    text = " ".join(
        (
            format_verdict_line(verdict, NOW, UTC),
            format_short_verdict(verdict, NOW, UTC),
            *(value for _, value in list_verdict_facts(verdict, NOW, UTC)),
        )
    )
    assert all(date > NOW for date in dates if date is not None)
    assert not re.search(r"\d\d:13|in 0s", text)


@settings(derandomize=True, deadline=None)
@given(about=_orgs, replies=_replies)
def test_words_of_an_old_verdict_name_no_moment(about: Org, replies: Mapping[Endpoint, Reply]) -> None:
    """A verdict that is shown long after it was reached names no moment, because all have passed."""
    verdict, now = judge(_state(about, replies), NOW), datetime(2031, 1, 1, tzinfo=UTC)
    text = " ".join(
        (
            format_verdict_line(verdict, now, UTC),
            format_short_verdict(verdict, now, UTC),
            *(value for _, value in list_verdict_facts(verdict, now, UTC)),
        )
    )
    assert not re.search(r"\d\d:\d\d|\(in ", text)


def test_cooldown_that_has_ended_since_the_verdict_is_not_named() -> None:
    """A verdict that is older than now names no end of a cooldown that has passed."""
    resets = build_saved_resets(cooldown_until=later(minutes=54))
    verdict = judge(org(plan=Plan((five_hour(100),), saved_resets=resets)), NOW)
    named = ("reset", "saved reset not usable now: cooldown until 15:42")
    assert named in list_verdict_facts(verdict, NOW, UTC)
    assert "reset" not in dict(list_verdict_facts(verdict, later(hours=1), UTC))


@settings(derandomize=True, deadline=None)
@given(about=_orgs, replies=_replies)
def test_state_agrees_with_what_it_names(about: Org, replies: Mapping[Endpoint, Reply]) -> None:
    """BLOCKED has locked credits, ON CREDITS open ones, WAIT a full window, and CAN WORK no full window."""
    verdict = judge(_state(about, replies), NOW)
    rules = {
        VerdictState.BLOCKED: verdict.is_locked and bool(verdict.credit_locks),
        VerdictState.ON_CREDITS: verdict.credits is CreditState.OPEN and not verdict.credit_locks,
        VerdictState.WAIT: bool(verdict.full_windows)
        and verdict.credits not in (CreditState.OPEN, CreditState.LOCKED),
        VerdictState.CAN_WORK: not verdict.full_windows,
        VerdictState.UNKNOWN: not verdict.full_windows,
    }
    assert rules[verdict.state]
