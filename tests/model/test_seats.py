"""One org through several accounts: one org on screen if the figures are of one seat, else one for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin, WindowKind
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Reading, Reply
from claudemeter_tui.model.seats import differ_by_seat, note_accounts
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.windows import Plan, Window
from tests.model.readings import (
    CHROME,
    FIREFOX,
    LAB,
    PAT,
    PERSONAL,
    SAM,
    START,
    TEAM,
    at,
    closed,
    failed,
    folded,
    listed,
    overage,
    reply,
    reported,
    stopped,
)

RESET = START + timedelta(hours=2)
PAT_TEAM, SAM_TEAM = ("a-1", "org-2"), ("a-2", "org-2")


def seat(minutes: float, percent: float | None, resets_after: float | None = 120) -> Reply:
    """Return a usage reply with a 5-hour window that resets so many minutes after the start."""
    resets_at = at(resets_after) if resets_after is not None else None
    window = Window("five_hour", "5-hour", WindowKind.SESSION, percent, resets_at, timedelta(hours=5))
    return reply(Endpoint.USAGE, minutes, Plan((window,)))


def state(*replies: Reply, org: Org = TEAM) -> OrgState:
    """Return an org with these replies."""
    return OrgState(org, PAT, CHROME, replies={one.endpoint: one for one in replies})


def both(pats: Reply, sams: Reply, *more: Reading, org: Org = TEAM) -> Store:
    """Return the store after two accounts have listed and read one org."""
    return folded(
        listed(0, org),
        listed(0, org, account=SAM, session=FIREFOX),
        reported(0, org, pats),
        closed(0),
        reported(0, org, sams, session=FIREFOX),
        closed(0, session=FIREFOX),
        *more,
    )


CAP = Money(Decimal(5000), "USD")
OWN = MeterOrigin.OWN_OVERAGE


def own(minutes: float, cents: int, cap: Money | None = CAP) -> Reply:
    """Return a member's own figures."""
    meter = Meter(OWN, Money(Decimal(cents), "USD"), cap, is_enabled=True)
    return reply(Endpoint.OWN_OVERAGE, minutes, meter)


@pytest.mark.parametrize(
    ("expected", "before", "after"),
    [
        (False, [seat(0, 41)], [seat(0, 41)]),
        (False, [seat(0, 41)], [seat(0.5, 43)]),
        (False, [seat(0, 41)], [seat(3, 55)]),
        (False, [seat(0, 41)], [seat(60, 95)]),
        (False, [seat(0, 41, 120)], [seat(0, 41, 121)]),
        (False, [seat(0, 0, None)], [seat(0, 0, None)]),
        (False, [seat(0, 0, None)], [seat(1, 1, 299)]),
        (False, [seat(0, 99, 1)], [seat(2, 0, None)]),
        (False, [seat(0, 99, 1)], [seat(2, 3, 301)]),
        (False, [], [seat(0, 41)]),
        (False, [seat(0, 41), own(0, 100)], [seat(1, 41), own(1, 150)]),
        (False, [seat(0, 41), own(0, 100)], [seat(30, 41), own(30, 4000)]),
        (True, [seat(0, 41)], [seat(0, 67)]),
        (True, [seat(0, 41)], [seat(1, 38)]),
        (True, [seat(0, 12)], [seat(5, 90)]),
        (True, [seat(0, 41, 120)], [seat(0, 41, 180)]),
        (True, [seat(0, 41, 120)], [seat(0, 0, None)]),
        (True, [seat(0, 0, None)], [seat(0, 41, 120)]),
        (True, [seat(0, 41), own(0, 200)], [seat(0, 41), own(0, 0)]),
        (True, [seat(0, 41), own(0, 0)], [seat(0, 41), own(0, 4000)]),
        (True, [seat(0, 41), own(0, 0)], [seat(0, 41), own(0, 0, Money(Decimal(100), "USD"))]),
    ],
)
def test_figures_of_one_seat_can_follow_each_other(
    before: list[Reply], after: list[Reply], *, expected: bool
) -> None:
    """Two readings are of one seat if the later one can follow the earlier one; the order says nothing."""
    one, other = state(*before), state(*after)
    assert (expected, expected) == (differ_by_seat(one, other), differ_by_seat(other, one))


@pytest.mark.parametrize(("expected", "org"), [(True, TEAM), (False, PERSONAL)])
def test_failing_seat_of_a_shared_org_is_not_hidden(org: Org, *, expected: bool) -> None:
    """It may be blocked where the other account can work; a personal plan has one seat only."""
    unread = replace(state(org=org), failures={Endpoint.USAGE: failed(Endpoint.USAGE, 0)})
    assert expected == differ_by_seat(state(seat(0, 41), org=org), unread)


def test_same_figures_of_two_accounts_are_one_org() -> None:
    """Tabs, problems and events have it once, and the other account is named."""
    store = both(seat(0, 41), seat(0.1, 41))
    (shown,) = store.orgs
    assert (shown.key, shown.org.display_name) == (PAT_TEAM, "Acme Team")
    assert [one.account for one in store.list_also_via(shown)] == [SAM]
    assert store.find_org_state(SAM_TEAM) is shown
    faulty = folded(
        reported(1, TEAM, failed(Endpoint.USAGE, 1)),
        reported(1, TEAM, failed(Endpoint.USAGE, 1), session=FIREFOX),
        store=store,
    )
    assert len(faulty.problems) == 1


def test_different_figures_of_two_accounts_are_two_orgs() -> None:
    """Each seat is an org, named by its account, and neither is reached through the other."""
    store = both(seat(0, 41), seat(0.1, 67))
    assert [one.key for one in store.orgs] == [PAT_TEAM, SAM_TEAM]
    assert [one.org.display_name for one in store.orgs] == ["Acme Team (pat)", "Acme Team (sam)"]
    assert [store.list_also_via(one) for one in store.orgs] == [(), ()]


def test_seats_that_differed_once_stay_apart() -> None:
    """At the weekend both are unused, and no tab disappears."""
    store = both(seat(0, 41), seat(0.1, 67))
    idle = folded(
        reported(600, TEAM, seat(600, 0, None)),
        reported(600, TEAM, seat(600, 0, None), session=FIREFOX),
        store=store,
    )
    assert len(idle.orgs) == 2
    assert [one.org.display_name for one in idle.orgs] == ["Acme Team (pat)", "Acme Team (sam)"]


def test_listed_account_is_hidden_until_it_is_read() -> None:
    """A second tab without figures would say nothing."""
    store = folded(
        listed(0, TEAM), listed(0, TEAM, account=SAM, session=FIREFOX), reported(0, TEAM, seat(0, 41))
    )
    (shown,) = store.orgs
    assert (shown.key, store.list_also_via(shown)) == (PAT_TEAM, ())


def test_account_that_works_shows_the_org() -> None:
    """If the first account's session fails, the other one serves the org: only its source has changed."""
    store = both(seat(0, 41), seat(0.1, 41))
    log = EventLog().observe(store, at(0.5))
    store = folded(stopped(1), closed(1), reported(1, TEAM, seat(1, 42), session=FIREFOX), store=store)
    log = log.observe(store, at(1))
    (shown,) = store.orgs
    assert (shown.key, store.find_org_state(PAT_TEAM)) == (SAM_TEAM, shown)
    org_events = [one.kind for one in log.events if one.org is not None]
    assert org_events == [EventKind.SOURCE_CHANGED]


def test_one_fact_of_two_accounts_is_one_event() -> None:
    """The window of one seat fills once; seats that turn out to differ are not reported as new."""
    store = both(seat(0, 41), seat(0.1, 41))
    log = EventLog().observe(store, at(0.5))
    store = folded(
        reported(1, TEAM, seat(1, 43)),
        closed(1),
        reported(1.5, TEAM, seat(1.5, 100), session=FIREFOX),
        closed(1.5, session=FIREFOX),
        store=store,
    )
    log = log.observe(store, at(2))
    assert len(store.orgs) == 2
    assert [one.kind for one in log.events] == []
    same = both(seat(0, 98), seat(0.1, 98))
    log = EventLog().observe(same, at(0.5))
    for minutes, session in ((1.0, CHROME), (1.5, FIREFOX), (2.0, CHROME), (2.5, FIREFOX)):
        same = folded(reported(minutes, TEAM, seat(minutes, 100), session=session), store=same)
        log = log.observe(same, at(minutes))
    assert [one.kind for one in log.events].count(EventKind.WINDOW_FILLED) == 1


@pytest.mark.parametrize(
    ("expected", "owners"),
    [
        (["", ""], [(PERSONAL, PAT, "Chrome"), (LAB, SAM, "Firefox")]),
        (["pat", "sam"], [(Org("u-1", "Twin"), PAT, "Chrome"), (Org("u-2", "twin"), SAM, "Firefox")]),
        (
            ["pat@a.example", "pat@b.example"],
            [
                (Org("u-1", "Twin"), Account("a", "pat@a.example"), "Chrome"),
                (Org("u-2", "Twin"), Account("b", "pat@b.example"), "Firefox"),
            ],
        ),
        (
            ["1111", "2222"],
            [(Org("11111111-a", "Twin"), PAT, "Chrome"), (Org("22222222-b", "Twin"), PAT, "Chrome")],
        ),
        (
            ["0001", "0002"],
            [(Org("aaaa-1111-0001", "Twin"), PAT, ""), (Org("aaaa-1111-0002", "Twin"), PAT, "")],
        ),
        (
            ["aaaa-1", "aaaa-2"],
            [(Org("aaaa-111-0001", "Twin"), PAT, ""), (Org("aaaa-222-0001", "Twin"), PAT, "")],
        ),
        (
            ["aaaa", "bbbb"],
            [
                (Org("u", "Twin"), Account("aaaa-1"), "Chrome"),
                (Org("u", "Twin"), Account("bbbb-1"), "Chrome"),
            ],
        ),
        (["1", "2"], [(Org("u", "Twin"), Account(), "Chrome"), (Org("u", "Twin"), Account(), "Chrome")]),
        (
            ["", "pat@example.com", "sam@example.com"],
            [(Org("t", "Twin (pat)"), PAT, ""), (Org("u", "Twin"), PAT, ""), (Org("v", "twin"), SAM, "")],
        ),
        (
            ["Chrome", "sam@example.com"],
            [(Org("u-1", "Twin"), Account(), "Chrome"), (Org("u-2", "Twin"), SAM, "Firefox")],
        ),
        (["", "pat", "sam"], [(LAB, PAT, ""), (Org("u", "A", alias="x"), PAT, ""), (Org("v", "x"), SAM, "")]),
    ],
)
def test_account_distinguishes_orgs_of_one_name(
    expected: list[str], owners: list[tuple[Org, Account, str]]
) -> None:
    """The shortest part that differs is shown; case does not make a difference, an alias does."""
    found = note_accounts(owners)
    assert expected == found
    orgs = [org for org, *_ in owners]
    labels = {org.names._replace(account_note=note).label for org, note in zip(orgs, found, strict=True)}
    assert len(labels) == len(owners)


def test_note_survives_readings_and_ends_with_the_other_org() -> None:
    """An org keeps its state object if nothing changes, and its plain name returns with the other's end."""
    twin = Org("org-9", "Acme Team")
    first = folded(listed(0, TEAM), listed(0, twin, account=SAM, session=FIREFOX))
    assert [one.org.display_name for one in first.orgs] == ["Acme Team (pat)", "Acme Team (sam)"]
    again = folded(listed(1, TEAM), reported(1, TEAM, overage(1, 100)), store=first)
    assert again.orgs[1] is first.orgs[1]
    assert [one.org.display_name for one in again.orgs] == ["Acme Team (pat)", "Acme Team (sam)"]
    last = folded(Reading(FIREFOX, at(2), session_removed=True), store=again)
    assert [one.org.display_name for one in last.orgs] == ["Acme Team"]


def test_users_order_comes_first() -> None:
    """Orgs with a place come first, in their order, then the others as before."""
    orgs = (replace(PERSONAL, place=1), TEAM, replace(LAB, place=0))
    assert [one.org.name for one in folded(listed(0, *orgs)).orgs] == ["Lab", "Personal", "Acme Team"]


def test_expired_session_is_an_error_kind() -> None:
    """The stopped session of the helper is one that the ranking sees."""
    assert folded(listed(0, TEAM), stopped(1)).orgs[0].session_error is ErrorKind.EXPIRED
