"""The fold of readings into a store: changes, lasting data, removals, and problems."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import CreditState, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Reading, Reply, ScanResult, Session
from claudemeter_tui.model.store import DEFAULT_INTERVAL, OrgState, SessionState, Store, same_account
from claudemeter_tui.model.windows import Plan
from tests.model.readings import (
    CHROME,
    FIREFOX,
    LAB,
    PAT,
    PERSONAL,
    SAM,
    TEAM,
    at,
    closed,
    failed,
    folded,
    keys,
    listed,
    overage,
    reply,
    reported,
    stopped,
    usage,
)

OURS = listed(0, PERSONAL, TEAM)


def only(store: Store) -> OrgState:
    """Return the only org of a store."""
    (state,) = store.orgs
    return state


def grown(*parts: tuple[float, tuple[Reply, ...]]) -> OrgState:
    """Return one org after reports at these minutes; without a reply the poll failed."""
    store = folded(listed(0, PERSONAL))
    for minutes, replies in parts:
        found = replies or (failed(Endpoint.OVERAGE, minutes),)
        store = folded(reported(minutes, PERSONAL, *found), store=store)
    return only(store)


# Last good replies.


def test_empty_store_knows_nothing() -> None:
    """The empty store has no org and no problem, and a fresh state for any session."""
    store = Store()
    assert (store.orgs, store.problems) == ((), ())
    assert store.find_org_state(None) is None
    assert store.find_org_state(("a-1", "org-1")) is None
    assert SessionState(CHROME) == store.find_session_state(CHROME)


def test_fold_changes_nothing_in_place() -> None:
    """The store before a reading stays unchanged."""
    before = folded(OURS)
    copy = replace(before)
    folded(reported(1, PERSONAL, usage(1)), listed(2, LAB), store=before)
    assert copy == before


def test_failure_keeps_the_last_good_reply_with_its_age() -> None:
    """After a failure a reply keeps its value and its time."""
    good = usage(0)
    state = only(
        folded(
            listed(0, PERSONAL),
            reported(0, PERSONAL, good, overage(0, 500)),
            reported(1, PERSONAL, failed(Endpoint.USAGE, 1), overage(1, 510)),
        )
    )
    assert good is state.replies[Endpoint.USAGE]
    assert good.value is state.plan
    assert at(0) == state.read_at
    assert at(1) == state.replies[Endpoint.OVERAGE].at


def test_unrequested_reply_stays() -> None:
    """A report without an endpoint leaves its reply unchanged."""
    paid = reply(Endpoint.SUBSCRIPTION, 0, Subscription("active"))
    state = only(
        folded(
            listed(0, PERSONAL),
            reported(0, PERSONAL, paid, failed(Endpoint.PREPAID, 0)),
            reported(1, PERSONAL, usage(1)),
        )
    )
    assert Subscription("active") == state.subscription
    assert list(state.failures) == [Endpoint.PREPAID]


def test_failure_keeps_its_first_time_while_it_goes_on() -> None:
    """A repeated problem keeps its first time and takes the newest detail."""
    state = only(
        folded(
            listed(0, PERSONAL),
            reported(1, PERSONAL, failed(Endpoint.USAGE, 1, ErrorKind.SERVER_ERROR, "status 502")),
            reported(2, PERSONAL, failed(Endpoint.USAGE, 2, ErrorKind.SERVER_ERROR, "status 503")),
        )
    )
    assert failed(Endpoint.USAGE, 1, ErrorKind.SERVER_ERROR, "status 503") == state.failures[Endpoint.USAGE]


def test_another_trouble_is_another_failure() -> None:
    """A different problem of the same reply has its own time."""
    state = only(
        folded(
            listed(0, PERSONAL),
            reported(1, PERSONAL, failed(Endpoint.USAGE, 1, ErrorKind.TIMEOUT)),
            reported(2, PERSONAL, failed(Endpoint.USAGE, 2, ErrorKind.SERVER_ERROR)),
        )
    )
    assert failed(Endpoint.USAGE, 2, ErrorKind.SERVER_ERROR) == state.failures[Endpoint.USAGE]


def test_failure_ends_with_a_good_reply() -> None:
    """A good reply ends a failure; the next failure starts with its own time."""
    bad = [reported(minute, PERSONAL, failed(Endpoint.USAGE, minute)) for minute in (1, 3)]
    mended = folded(listed(0, PERSONAL), bad[0], reported(2, PERSONAL, usage(2)))
    assert (mended.problems, only(mended).failures) == ((), {})
    assert at(3) == only(folded(bad[1], store=mended)).failures[Endpoint.USAGE].at


def test_reply_of_none_replaces_a_figure() -> None:
    """A reply that there is nothing replaces the old figure."""
    gone = reply(Endpoint.OVERAGE, 1, None)
    state = grown((0, (overage(0, 500),)), (1, (gone,)))
    assert state.credits.is_absent
    assert state.credits.meters == ()


def test_reports_of_one_reading_reach_their_own_orgs() -> None:
    """Several orgs in one reading each get their report, an unlisted one included."""
    reports = tuple(
        report
        for org in (TEAM, LAB, PERSONAL)
        for report in reported(1, org, usage(1, len(org.name))).org_readings
    )
    store = folded(OURS, Reading(CHROME, at(1), org_readings=reports))
    percents = {state.org.name: state.plan.windows[0].percent for state in store.orgs if state.plan}
    assert percents == {"Personal": 8, "Acme Team": 9}


def test_equal_org_stays_the_same_object() -> None:
    """Hundreds of events keep their org, and share it as long as nothing of it changes."""
    first = folded(listed(0, PERSONAL), reported(0, PERSONAL, usage(0)))
    again = folded(listed(1, replace(PERSONAL)), reported(1, replace(PERSONAL), usage(1)), store=first)
    assert only(first).org is only(again).org
    renamed = replace(PERSONAL, alias="Mine")
    assert only(folded(reported(2, renamed, usage(2)), store=again)).org.alias == "Mine"


def test_report_renews_the_org() -> None:
    """Name, plan and gates are those of the newest report."""
    renamed = replace(PERSONAL, name="Mine", paused_until=at(99))
    state = only(folded(listed(0, PERSONAL), reported(1, renamed, usage(1))))
    assert renamed == state.org
    assert at(99) == state.credits.paused_until


# Ages.


@pytest.mark.parametrize(
    ("expected", "parts"),
    [
        (None, ()),
        (2, (usage(2),)),
        (2, (usage(2), overage(3, 1))),
        (3, (overage(3, 1),)),
        (None, (reply(Endpoint.PREPAID, 3, Balance(None)),)),
    ],
)
def test_org_has_the_age_of_its_windows(expected: float | None, parts: tuple[Reply, ...]) -> None:
    """An org's age is that of the usage reply, else of the overage reply, else unknown."""
    state = only(folded(listed(0, PERSONAL), reported(9, PERSONAL, *parts)))
    assert (None if expected is None else at(expected)) == state.read_at


@pytest.mark.parametrize(
    ("stale", "unknown", "minutes"),
    [
        (False, False, 0),
        (False, False, 2),
        (True, False, 2.01),
        (True, False, 15),
        (True, True, 15.01),
        (True, True, -60),
    ],
)
def test_figures_grow_stale_and_then_unknown(stale: bool, unknown: bool, minutes: float) -> None:  # noqa: FBT001 - a table
    """Figures are stale from two intervals and unknown from 15 minutes on, neither if the clock went back."""
    state = only(folded(listed(0, PERSONAL), reported(0, PERSONAL, usage(0)), closed(0)))
    assert (stale, unknown) == (state.is_stale(at(minutes)), state.is_unknown(at(minutes)))


def test_org_without_figures_is_unknown_and_not_stale() -> None:
    """An org that was never read is unknown, not stale."""
    state = only(folded(listed(0, PERSONAL)))
    assert (state.is_stale(at(99)), state.is_unknown(at(0))) == (False, True)


def test_interval_applies_from_the_first_schedule_on() -> None:
    """The figures of the first poll become stale by the poller's interval, not by the usual one."""
    read = folded(listed(0, PERSONAL), reported(0, PERSONAL, usage(0)))
    assert only(read).interval == DEFAULT_INTERVAL
    state = only(folded(closed(0, interval=5), store=read))
    assert timedelta(minutes=5) == state.interval
    assert not state.is_stale(at(10))
    assert state.is_stale(at(10.01))


def test_interval_is_that_of_the_own_session() -> None:
    """Another session's schedule changes no org's interval."""
    other = listed(0, LAB, account=SAM, session=FIREFOX)
    store = folded(listed(0, PERSONAL), other, closed(0, interval=5, session=FIREFOX))
    assert [DEFAULT_INTERVAL, timedelta(minutes=5)] == [state.interval for state in store.orgs]


# Orgs, accounts, sessions.


def test_orgs_are_in_the_order_of_the_list() -> None:
    """The orgs are in the server's order, whatever the order of the reports."""
    store = folded(OURS, reported(1, TEAM, usage(1)), reported(2, PERSONAL, usage(2)))
    assert keys(store) == [("a-1", "org-1"), ("a-1", "org-2")]


def test_orgs_come_and_leave_by_the_list() -> None:
    """A new org is added in its place, an unlisted one is removed, the others keep their data."""
    store = folded(OURS, reported(1, TEAM, usage(1)), listed(2, LAB, TEAM))
    assert keys(store) == [("a-1", "org-3"), ("a-1", "org-2")]
    assert [None, at(1)] == [state.read_at for state in store.orgs]


@pytest.mark.parametrize("reading", [stopped(2), reported(2, TEAM, usage(2)), closed(2)])
def test_reading_without_a_list_removes_no_org(reading: Reading) -> None:
    """A reading without a list keeps all orgs in place."""
    before = folded(OURS)
    assert keys(before) == keys(folded(reading, store=before))


def test_empty_list_empties_the_account() -> None:
    """An account whose list is empty has no orgs."""
    assert keys(folded(OURS, Reading(CHROME, at(1), orgs=()))) == []


def test_list_that_names_an_org_twice_shows_it_once() -> None:
    """An org that the list names twice appears once, because two tabs of one key are ambiguous."""
    renamed = replace(PERSONAL, name="Again")
    store = folded(listed(0, PERSONAL, TEAM, renamed))
    assert [renamed, TEAM] == [state.org for state in store.orgs]


@pytest.mark.parametrize("order", list(itertools.permutations((CHROME, FIREFOX, CLAUDE_CODE_LOGIN))))
def test_accounts_have_a_stable_order(order: tuple[Session, ...]) -> None:
    """Accounts are in the order of the sessions' names, Claude Code's login last, in any order of replies."""
    lists = {
        CHROME: listed(0, TEAM, PERSONAL, account=PAT),
        FIREFOX: listed(0, LAB, PERSONAL, account=SAM, session=FIREFOX),
        CLAUDE_CODE_LOGIN: listed(
            0, TEAM, account=Account("a-0", "ann@example.com"), session=CLAUDE_CODE_LOGIN
        ),
    }
    store = folded(*(lists[session] for session in order))
    assert [(state.session, state.org) for state in store.all_orgs] == [
        (CHROME, TEAM),
        (CHROME, PERSONAL),
        (FIREFOX, LAB),
        (FIREFOX, PERSONAL),
        (CLAUDE_CODE_LOGIN, TEAM),
    ]


def test_sessions_keep_their_places() -> None:
    """A session's orgs stay together, in their place, when its list changes."""
    second = listed(1, LAB, account=SAM, session=FIREFOX)
    store = folded(OURS, second, listed(2, TEAM, LAB))
    assert keys(store) == [("a-1", "org-2"), ("a-1", "org-3"), ("a-2", "org-3")]
    assert [state.session for state in store.sessions] == [CHROME, FIREFOX]


def test_one_org_of_two_accounts_stays_two() -> None:
    """One org uuid in two accounts is two tabs with their own figures."""
    store = folded(
        listed(0, TEAM),
        listed(0, TEAM, account=SAM, session=FIREFOX),
        reported(1, TEAM, usage(1, 10)),
        reported(2, TEAM, usage(2, 20), session=FIREFOX),
    )
    assert keys(store) == [("a-1", "org-2"), ("a-2", "org-2")]
    assert [state.plan.windows[0].percent for state in store.orgs if state.plan] == [10, 20]


def test_change_of_account_removes_the_old_orgs() -> None:
    """After a change of account the old account's figures are not shown for the new one."""
    store = folded(OURS, reported(1, TEAM, usage(1)), listed(2, TEAM, LAB, account=SAM))
    assert keys(store) == [("a-2", "org-2"), ("a-2", "org-3")]
    assert [state.read_at for state in store.orgs] == [None, None]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (PAT, Account(), PAT),
        (PAT, Account("a-1"), PAT),
        (PAT, Account(None, "pat@example.com"), PAT),
        (PAT, Account("a-1", "new@example.com"), Account("a-1", "new@example.com")),
        (Account(), PAT, PAT),
        (Account(None, "pat@example.com"), PAT, PAT),
    ],
)
def test_partly_named_account_is_the_same(first: Account, second: Account, expected: Account) -> None:
    """A missing name or a new e-mail keeps the account and its figures."""
    store = folded(
        listed(0, PERSONAL, account=first),
        reported(1, PERSONAL, usage(1)),
        listed(2, PERSONAL, account=second),
    )
    assert expected == only(store).account
    assert expected == store.find_session_state(CHROME).account
    assert at(1) == only(store).read_at


@pytest.mark.parametrize("other", [SAM, Account("a-2"), Account(None, "sam@example.com")])
def test_account_with_another_name_is_another_one(other: Account) -> None:
    """Different uuids mean different accounts, and so do e-mails if one account has no uuid."""
    store = folded(listed(0, PERSONAL), reported(1, PERSONAL, usage(1)), listed(2, PERSONAL, account=other))
    assert other == only(store).account
    assert only(store).read_at is None


def test_list_without_an_account_keeps_the_account() -> None:
    """If only the list of orgs was read, its orgs belong to the known account."""
    fallback = Reading(CHROME, at(1), failed(Endpoint.ACCOUNT, 1), (PERSONAL, LAB))
    store = folded(OURS, reported(0, PERSONAL, usage(0)), fallback)
    assert keys(store) == [("a-1", "org-1"), ("a-1", "org-3")]
    assert at(0) == store.orgs[0].read_at


# Several sessions of one account.


def taken_over(*orgs: Org) -> Store:
    """Return a store of Pat's three orgs through Chrome, some of them then listed through Firefox, too."""
    return folded(
        listed(0, PERSONAL, TEAM, LAB),
        listed(0, PERSONAL, account=SAM, session=Session("Edge")),
        *(reported(1, org, usage(1)) for org in (PERSONAL, TEAM, LAB)),
        listed(2, *orgs, session=FIREFOX),
    )


@pytest.mark.parametrize("orgs", [(PERSONAL,), (TEAM,), (TEAM, LAB), (PERSONAL, TEAM, LAB)])
def test_org_belongs_to_the_session_that_listed_it_last(orgs: tuple[Org, ...]) -> None:
    """An org appears once, in its place, with all its data; the others stay with the first session."""
    store = taken_over(*orgs)
    assert keys(store) == [("a-1", "org-1"), ("a-1", "org-2"), ("a-1", "org-3"), ("a-2", "org-1")]
    assert {state.org for state in store.all_orgs if state.session == FIREFOX} == set(orgs)
    assert [state.read_at for state in store.all_orgs] == [at(1), at(1), at(1), None]


def test_takeover_drops_the_failures_of_an_org() -> None:
    """The failures belong to the other session; lasting ones appear again at the next poll."""
    store = folded(OURS, reported(1, TEAM, failed(Endpoint.USAGE, 1)), listed(2, TEAM, session=FIREFOX))
    assert store.problems == ()


def test_takeover_keeps_the_session_of_each_reply() -> None:
    """Each reply keeps its session, because the new one may read less than the one before."""
    first = reported(1, PERSONAL, usage(1), overage(1, 500))
    store = folded(listed(0, PERSONAL), first, listed(2, PERSONAL, session=FIREFOX))
    store = folded(reported(3, PERSONAL, usage(3), session=FIREFOX), store=store)
    assert only(store).reply_sources == {Endpoint.USAGE: FIREFOX, Endpoint.OVERAGE: CHROME}


def test_list_of_a_session_removes_only_its_own_orgs() -> None:
    """An org that the account's other session serves stays."""
    store = folded(listed(3, PERSONAL), store=taken_over(TEAM))
    assert keys(store) == [("a-1", "org-1"), ("a-1", "org-2"), ("a-2", "org-1")]
    assert [state.session for state in store.all_orgs] == [CHROME, FIREFOX, Session("Edge")]


def test_report_of_a_replaced_session_changes_nothing() -> None:
    """A report of a session that no longer serves the org is ignored."""
    store = taken_over(PERSONAL)
    assert folded(reported(3, PERSONAL, usage(3)), store=store).orgs == store.orgs


def test_removed_session_removes_its_orgs() -> None:
    """Orgs that another session of the account has listed since stay."""
    gone = Reading(CHROME, at(3), session_removed=True)
    store = folded(gone, store=taken_over(TEAM))
    assert keys(store) == [("a-1", "org-2"), ("a-2", "org-1")]
    assert CHROME not in [state.session for state in store.sessions]
    assert folded(gone, store=store) == store


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (True, PAT, PAT),
        (True, PAT, Account("a-1")),
        (True, PAT, Account("a-1", "new@example.com")),
        (True, PAT, Account(None, "pat@example.com")),
        (False, PAT, SAM),
        (False, PAT, Account("a-2", "pat@example.com")),
        (False, PAT, Account()),
        (False, Account("a-1"), Account(None, "pat@example.com")),
        (False, Account(), Account()),
    ],
)
def test_accounts_are_equal_if_their_names_are(
    expected: bool,  # noqa: FBT001 - a table
    one: Account,
    other: Account,
) -> None:
    """Accounts of one e-mail are different if their uuids differ; an unnamed account equals none."""
    assert expected is same_account(one, other)
    assert expected is same_account(other, one)


@pytest.mark.parametrize(("days", "soon"), [(4, False), (3, True), (1, True), (0, False), (-1, False)])
def test_session_that_ends_soon_is_a_note(days: float, soon: bool) -> None:  # noqa: FBT001 - a table
    """A session that ends within three days has a note with its day, until its end moves."""
    ends = at(days * 1440)
    first = Reading(CHROME, at(0), expires_at=ends)
    store = folded(first, Reading(CHROME, at(5)))
    problems = [(one.error_kind, one.at) for one in store.problems]
    assert problems == ([(ErrorKind.EXPIRES_SOON, at(0))] if soon else [])
    assert folded(Reading(CHROME, at(6), expires_at=at(28 * 1440)), store=store).problems == ()


def test_expired_session_has_no_note_that_it_ends_soon() -> None:
    """An expired session has no note that it ends soon."""
    store = folded(Reading(CHROME, at(0), expires_at=at(10)), stopped(1))
    assert [one.error_kind for one in store.problems] == [ErrorKind.EXPIRED]


def test_scan_results_stay_until_the_next_scan() -> None:
    """Scan results belong to no session and are independent of all."""
    place = ScanResult(CHROME, "not signed in")
    store = folded(Reading(Session(""), at(0), scan_results=(place,)))
    assert store.scan_results == (place,)
    store = folded(OURS, Reading(Session(""), at(1), scan_results=()), store=store)
    assert [state.session for state in store.sessions] == [CHROME]
    assert store.scan_results == ()


def test_nameless_session_is_replaced_by_a_found_one() -> None:
    """A failure from before the first session ends once a session is found."""
    no_session = Session("")
    waiting = folded(stopped(0, ErrorKind.NO_SESSION, no_session), closed(0, session=no_session))
    assert [problem.error_kind for problem in waiting.problems] == [ErrorKind.NO_SESSION]
    found = folded(Reading(CHROME, at(1)), store=waiting)
    assert [state.session for state in found.sessions] == [CHROME]
    assert found.problems == ()


def test_nameless_session_keeps_its_failure() -> None:
    """Repeated scans without a session are one failure with its first time."""
    no_session = Session("")
    store = folded(*(stopped(minute, ErrorKind.NO_SESSION, no_session) for minute in (0, 1, 2)))
    assert [at(0)] == [problem.at for problem in store.problems]


def test_poll_lasts_until_its_schedule() -> None:
    """The schedule closes a poll, and is kept during the next one."""
    session = folded(OURS, closed(1)).find_session_state(CHROME)
    assert (False, at(2)) == (session.is_polling, session.schedule and session.schedule.next_at)
    again = folded(OURS, closed(1), Reading(CHROME, at(2))).find_session_state(CHROME)
    assert (True, session.schedule) == (again.is_polling, again.schedule)


# Credits and their samples.


def test_credits_put_the_overage_replies_first() -> None:
    """The personal overage reply comes first, then the org's, then the figure in the usage reply."""
    beside = Meter(MeterOrigin.EXTRA_USAGE, is_enabled=True)
    state = grown(
        (
            0,
            (
                reply(Endpoint.USAGE, 0, Plan((), (beside,))),
                overage(0, 5),
                overage(0, 7, MeterOrigin.OWN_OVERAGE),
            ),
        )
    )
    assert [meter.origin for meter in state.credits.meters] == [
        MeterOrigin.OWN_OVERAGE,
        MeterOrigin.OVERAGE,
        MeterOrigin.EXTRA_USAGE,
    ]


def test_series_samples_the_leading_figure() -> None:
    """Each poll adds a sample at the time of its reply."""
    series = grown((0, (overage(0, 500),)), (1, (overage(1, 510),)), (2, (overage(2, 510),))).series
    assert [(Decimal(500), at(0), at(0)), (Decimal(510), at(1), at(2))] == [
        (run.minor, run.first, run.last) for run in series.runs
    ]
    assert MeterOrigin.OVERAGE is series.origin


def test_series_has_a_gap_where_the_figure_failed() -> None:
    """A failed reply is a gap, not a zero, although the last good figure is still shown."""
    state = grown((0, (overage(0, 500),)), (1, ()), (2, (overage(2, 500),)))
    assert [run.minor for run in state.series.runs] == [500, None, 500]


def test_series_has_a_gap_where_the_figure_is_missing() -> None:
    """A good reply without a figure is a gap."""
    state = grown((0, (overage(0, 500),)), (1, (overage(1, None),)))
    assert [run.minor for run in state.series.runs] == [500, None]


def test_series_has_a_gap_after_a_long_pause() -> None:
    """A pause, as of a machine that slept, is a gap of that time."""
    state = grown((0, (overage(0, 500),)), (90, (overage(90, 500),)))
    assert [(None, at(0), at(90))] == [
        (run.minor, run.first, run.last) for run in state.series.runs if run.minor is None
    ]


def test_series_restarts_with_another_leading_reply() -> None:
    """A personal figure after the pool's is no spending."""
    state = grown(
        (0, (overage(0, 26_118),)), (1, (overage(1, 26_118), overage(1, 5, MeterOrigin.OWN_OVERAGE)))
    )
    assert (state.series.origin, state.series.total_rise) == (MeterOrigin.OWN_OVERAGE, Decimal(0))
    assert [run.minor for run in state.series.runs] == [5]


def test_series_samples_the_usage_reply_where_it_leads() -> None:
    """Without an overage reply the figure in the usage reply is sampled."""

    def beside(minutes: float, cents: int) -> Reply:
        meter = overage(minutes, cents, MeterOrigin.EXTRA_USAGE).value
        assert isinstance(meter, Meter)
        return reply(Endpoint.USAGE, minutes, Plan((), (meter,)))

    state = grown((0, (beside(0, 500),)), (1, (beside(1, 520),)))
    assert [run.minor for run in state.series.runs] == [500, 520]


# Problems.


def test_problems_come_sessions_first_then_org_by_org() -> None:
    """A session's failure precedes the orgs', and an org's failures precede its notes."""
    odd = replace(usage(1), new_fields=("a.b", "c"), odd_values=("d",))
    store = folded(
        OURS,
        listed(0, LAB, account=SAM, session=FIREFOX),
        reported(1, TEAM, odd, failed(Endpoint.PREPAID, 1)),
        reported(1, PERSONAL, failed(Endpoint.USAGE, 1)),
        stopped(2, ErrorKind.CHALLENGE, FIREFOX),
    )
    assert [(problem.error_kind, problem.org, problem.detail) for problem in store.problems] == [
        (ErrorKind.CHALLENGE, None, ""),
        (ErrorKind.TIMEOUT, PERSONAL, ""),
        (ErrorKind.TIMEOUT, TEAM, ""),
        (ErrorKind.ODD_VALUE, TEAM, "d"),
        (ErrorKind.NEW_FIELD, TEAM, "a.b, c"),
    ]


def test_new_fields_are_grouped_by_reply_and_named_once() -> None:
    """The fields of a reply are one note; one that another org or list element has too is not repeated."""
    fields = ("limits[0].burst", "a.b", "limits[1].burst", "limits[1].kind = odd")
    store = folded(
        OURS,
        reported(1, PERSONAL, reply(Endpoint.USAGE, 1, None, new_fields=fields)),
        reported(1, TEAM, reply(Endpoint.USAGE, 1, None, new_fields=("a.b", "limits[7].burst"))),
        reported(1, TEAM, reply(Endpoint.PREPAID, 1, None, new_fields=("a.b", "c"))),
    )
    assert [(one.org, one.endpoint, one.detail) for one in store.problems] == [
        (PERSONAL, Endpoint.USAGE, "limits[].burst, a.b, limits[].kind = odd"),
        (TEAM, Endpoint.PREPAID, "a.b, c"),
    ]
    assert [one.detail for one in store.orgs[1].iter_problems()] == ["a.b, limits[].burst", "a.b, c"]


def test_problem_names_reply_time_and_session() -> None:
    """A problem has its reply, time and session."""
    store = folded(OURS, reported(1, TEAM, failed(Endpoint.PREPAID, 1, detail="status 502")))
    (problem,) = store.problems
    assert (Endpoint.PREPAID, at(1), CHROME) == (problem.endpoint, problem.at, problem.session)


def test_session_failure_ends_with_the_next_good_account_reply() -> None:
    """An expired session that works again is no problem any more, and its orgs have stayed."""
    failing = folded(OURS, stopped(1), stopped(2))
    assert [(ErrorKind.EXPIRED, at(1))] == [(one.error_kind, one.at) for one in failing.problems]
    assert keys(folded(OURS)) == keys(failing)
    assert folded(listed(3, PERSONAL, TEAM), store=failing).problems == ()


def test_notes_of_the_account_reply_are_problems_of_the_session() -> None:
    """A new field in the account's own reply is listed."""
    account = reply(Endpoint.ACCOUNT, 0, PAT, new_fields=("settings.x",))
    store = folded(Reading(CHROME, at(0), account, (PERSONAL,)))
    assert [(one.error_kind, one.org) for one in store.problems] == [(ErrorKind.NEW_FIELD, None)]


def test_failed_org_hides_no_other() -> None:
    """One org's failure leaves the figures of the others fresh."""
    store = folded(
        OURS,
        reported(1, PERSONAL, failed(Endpoint.USAGE, 1)),
        reported(1, TEAM, usage(1)),
    )
    assert [None, at(1)] == [state.read_at for state in store.orgs]


def test_unchanged_states_are_reused() -> None:
    """An org that is listed unchanged, and a session during a poll, keep their state objects."""
    store = folded(listed(0, PERSONAL, TEAM), reported(0, PERSONAL, usage(0)), closed(0))
    again = folded(listed(1, PERSONAL, TEAM), store=store)
    assert all(new is old for new, old in zip(again.orgs, store.orgs, strict=True))
    more = folded(reported(1, PERSONAL, usage(1)), store=again)
    assert more.sessions[0] is again.sessions[0]
    assert more.orgs[1] is again.orgs[1]


@pytest.mark.parametrize("org", [Org("org-1", ""), Org("", "")])
def test_org_without_a_name_is_kept(org: Org) -> None:
    """An org with any name, or none, has its place."""
    assert [("a-1", org.uuid)] == keys(folded(listed(0, org), reported(1, org, usage(1))))


def test_credits_are_not_known_without_an_overage_reply() -> None:
    """A usage reply alone shows that credits are on, but only an overage reply that they are open."""
    plan = Plan(meters=(Meter(MeterOrigin.EXTRA_USAGE, is_enabled=True),))
    usage = Reply(Endpoint.USAGE, at(0), plan)
    state = OrgState(Org("o", "Org"), Account("a"), Session("Claude Code"), {Endpoint.USAGE: usage})
    assert state.credits.compute_state(at(0)) is CreditState.UNKNOWN
    overage = Reply(Endpoint.OVERAGE, at(0), Meter(MeterOrigin.OVERAGE, is_enabled=True))
    asked = replace(state, replies={Endpoint.USAGE: usage, Endpoint.OVERAGE: overage})
    assert asked.credits.compute_state(at(0)) is CreditState.OPEN


def test_problem_of_a_session_is_known_to_its_orgs_until_it_is_over() -> None:
    """A problem that stops every request of a session is noted at the orgs that it serves, and no others."""
    store = folded(listed(0, PERSONAL), listed(0, LAB, account=SAM, session=FIREFOX))
    stopped_store = folded(stopped(1), store=store)
    assert [state.session_error for state in stopped_store.orgs] == [ErrorKind.EXPIRED, None]
    assert stopped_store.orgs[1] is store.orgs[1]
    slow = folded(stopped(1, ErrorKind.TIMEOUT), store=store)
    assert [state.session_error for state in slow.orgs] == [None, None]
    again = folded(listed(2, PERSONAL), store=stopped_store)
    assert [state.session_error for state in again.orgs] == [None, None]
    taken_over = folded(listed(2, PERSONAL, session=FIREFOX), store=stopped_store)
    assert None is taken_over.orgs[0].session_error
