"""The journal: each transition once, flapping replies none, and what only the clock tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter, Tranche
from claudemeter_tui.model.event_log import MAX_EVENTS, EventLog
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    Event,
    EventKind,
    EventValue,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Reading, Reply, ReplyValue
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Plan, Severity, Window
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
    listed,
    reply,
    reported,
    stopped,
)
from tests.model.values import OFF, REACHED, five_hour, meter, usd, weekly

RESET, LATER = at(120), at(420)


def plan(*windows: Window, **more: Any) -> Plan:
    """A usage reply with these windows."""
    return Plan(windows, **more)


def locked(**more: Any) -> Meter:
    """An overage reply that says the cap is reached."""
    return meter(5000, 5000, reason=REACHED, **more)


class Run:
    """A run of polls of one org, a minute apart, and what the journal tells of them."""

    def __init__(
        self,
        *first: ReplyValue,
        account: Account = PAT,
        thresholds: tuple[float, ...] = (75, 90, 100),
        ages: bool = False,
    ) -> None:
        """Begin with a poll that found these; with `ages`, stale figures count as told."""
        self.minute, self.ages = 0.0, ages
        self.store, self.journal = Store(), EventLog(thresholds)
        self.told: list[Event] = []
        self.read(listed(0, PERSONAL, account=account))
        self.poll(*first)
        assert self.told == []

    def read(self, *readings: Reading) -> list[Event]:
        """Readings as they come; gives what they told."""
        before = len(self.told)
        for reading in readings:
            self.store = self.store.apply(reading)
            self._look(reading.at)
        return self.told[before:]

    def poll(self, *values: ReplyValue) -> list[Event]:
        """One poll a minute after the last one; a usage and other replies, by what they mean."""
        self.minute += 1
        parts = [reply(endpoint_of(value, i), self.minute, value) for i, value in enumerate(values)]
        return self.read(reported(self.minute, PERSONAL, *parts), closed(self.minute))

    def fail(self, *endpoints: Endpoint) -> list[Event]:
        """One poll in which these failed."""
        self.minute += 1
        parts = [failed(endpoint, self.minute) for endpoint in endpoints or (Endpoint.USAGE,)]
        return self.read(reported(self.minute, PERSONAL, *parts), closed(self.minute))

    def tick(self, minutes: float) -> list[Event]:
        """The clock, so many minutes after the start; gives what it told."""
        before = len(self.told)
        self._look(at(minutes))
        return self.told[before:]

    def _look(self, now: datetime) -> None:
        self.journal = self.journal.observe(self.store, now)
        ages = (EventKind.STALE, EventKind.RECOVERED)
        self.told += (event for event in self.journal.new_events if self.ages or event.kind not in ages)


def endpoint_of(value: ReplyValue, place: int) -> Endpoint:
    """Where a value stands; None is an overage reply, or in the first place a usage reply."""
    if isinstance(value, Meter) and value.origin is MeterOrigin.OWN_OVERAGE:
        return Endpoint.OWN_OVERAGE
    kinds = {Plan: Endpoint.USAGE, Meter: Endpoint.OVERAGE, Balance: Endpoint.PREPAID}
    return kinds.get(type(value), Endpoint.OVERAGE if place else Endpoint.USAGE)


def kinds(events: Iterable[Event]) -> list[EventKind]:
    """What happened, in order."""
    return [event.kind for event in events]


def only(events: list[Event]) -> Event:
    """The one event there is."""
    (event,) = events
    return event


# Windows.


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(five_hour(98), five_hour(100), (EventKind.WINDOW_FILLED, 98, 100), id="filled"),
        pytest.param(
            five_hour(60), five_hour(130), (EventKind.WINDOW_FILLED, 60, 130), id="over full at once"
        ),
        pytest.param(
            five_hour(41),
            five_hour(41, locked_reason="abuse"),
            (EventKind.WINDOW_FILLED, 41, 41),
            id="locked",
        ),
        pytest.param(five_hour(74.9), five_hour(75), (EventKind.THRESHOLD, 74.9, 75), id="at a threshold"),
        pytest.param(
            five_hour(60), five_hour(95), (EventKind.THRESHOLD, 60, 95), id="past two at once, told once"
        ),
        pytest.param(
            five_hour(67), five_hour(2, LATER), (EventKind.WINDOW_RESET_EARLY, 67, 2), id="reset early"
        ),
        pytest.param(five_hour(100), five_hour(97), (EventKind.WINDOW_RESET_EARLY, 100, 97), id="room again"),
        pytest.param(
            five_hour(41), five_hour(42, at(180)), (EventKind.WINDOW_MOVED, RESET, at(180)), id="moved"
        ),
        pytest.param(
            five_hour(41), five_hour(41, at(90)), (EventKind.WINDOW_MOVED, RESET, at(90)), id="moved nearer"
        ),
        pytest.param(
            five_hour(0, None), five_hour(80), (EventKind.THRESHOLD, 0, 80), id="begun and past a threshold"
        ),
    ],
)
def test_window_tells_what_its_new_figures_mean(
    before: Window, after: Window, expected: tuple[EventKind, EventValue, EventValue]
) -> None:
    """One event with the figures before and after, read from the usage reply; and only once."""
    run = Run(plan(before, weekly()))
    event = only(run.poll(plan(after, weekly())))
    assert expected == (event.kind, event.before, event.after)
    assert ("5-hour", (Endpoint.USAGE,), PERSONAL, at(2)) == (
        event.subject,
        event.endpoints,
        event.org,
        event.at,
    )
    assert run.poll(plan(after, weekly())) == []


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([plan(five_hour(0, None), weekly())] * 2, id="placeholder window"),
        pytest.param([plan(five_hour(0), weekly())] * 2, id="zero with the same reset"),
        pytest.param([plan(five_hour(None), weekly())] * 2, id="null figure"),
        pytest.param([plan(weekly())] * 2, id="null window"),
        pytest.param([plan()] * 2, id="all windows null"),
        pytest.param([plan(is_reported=False)] * 2, id="empty reply"),
        pytest.param([None] * 2, id="no such thing"),
        pytest.param([plan(five_hour(100, None), weekly())], id="reset missing"),
        pytest.param(
            [plan(five_hour(100, RESET + timedelta(minutes=m)), weekly()) for m in (1, 0, 1)],
            id="reset jitters",
        ),
    ],
)
def test_flapping_window_tells_nothing(replies: list[Plan | None]) -> None:
    """A full window on credits that vanishes for two replies has neither reset nor left the credits."""
    full = plan(five_hour(100), weekly())
    run = Run(full, meter())
    for value in replies:
        assert run.poll(value, meter()) == []
    assert run.poll(full, meter()) == []
    assert (EventKind.WINDOW_RESET, at(120)) == (run.tick(120)[0].kind, run.told[0].at)


@pytest.mark.parametrize(
    ("lasting", "expected"),
    [
        (plan(five_hour(0, None), weekly()), [EventKind.WINDOW_RESET_EARLY, EventKind.BACK_IN_PLAN]),
        (plan(weekly()), [EventKind.BACK_IN_PLAN]),
    ],
)
def test_window_that_stays_away_is_believed(lasting: Plan, expected: list[EventKind]) -> None:
    """What looks like a placeholder three times in a row is none."""
    run = Run(plan(five_hour(100), weekly()), meter())
    for _ in range(2):
        assert run.poll(lasting, meter()) == []
    assert expected == kinds(run.poll(lasting, meter()))
    assert run.poll(lasting, meter()) == []


def test_threshold_is_told_once_in_a_period() -> None:
    """A figure that wavers around a threshold passes it once, and again after the reset."""
    run = Run(plan(five_hour(70), weekly()))
    told = [run.poll(plan(five_hour(percent), weekly())) for percent in (76, 74, 76, 71, 91)]
    assert [event.threshold for events in told for event in events] == [75, 90]
    assert kinds(run.tick(120)) == [EventKind.WINDOW_RESET]
    run.minute = 120
    assert [event.threshold for event in run.poll(plan(five_hour(80, LATER), weekly()))] == [75]


def test_thresholds_can_be_chosen() -> None:
    """Other percentages are told instead, and a full window is told all the same."""
    run = Run(plan(five_hour(10), weekly()), thresholds=(50,))
    assert [event.threshold for event in run.poll(plan(five_hour(80), weekly()))] == [50]
    assert kinds(run.poll(plan(five_hour(100), weekly()))) == [EventKind.WINDOW_FILLED]


def test_reset_is_told_by_the_clock_and_not_again_by_the_reply() -> None:
    """A reset needs no network: it is told when it is due, and the reply that shows it is no news."""
    run = Run(plan(five_hour(100), weekly()))
    assert run.tick(119.9) == []
    event = only(run.tick(120.5))
    assert (
        event.kind,
        event.at,
        event.before,
        event.is_freed,
        event.endpoints,
    ) == (EventKind.WINDOW_RESET, RESET, 100, True, ())
    run.minute = 121
    assert run.poll(plan(five_hour(100), weekly())) == []
    assert run.poll(plan(five_hour(0, None), weekly())) == []
    assert run.poll(plan(five_hour(3, LATER), weekly())) == []
    assert kinds(run.poll(plan(five_hour(100, LATER), weekly()))) == [EventKind.WINDOW_FILLED]


def test_reset_is_told_by_the_clock_after_polls_that_brought_amounts_alone() -> None:
    """What was known to come is not forgotten when only the spending goes on."""
    run = Run(plan(five_hour(100), weekly()), meter(1000))
    for minute in (118, 118.5):
        run.minute = minute
        assert run.poll(plan(five_hour(100), weekly()), meter(10 * minute)) == []
    assert kinds(run.tick(120)) == [EventKind.WINDOW_RESET, EventKind.BACK_IN_PLAN]


def test_reset_that_the_server_shows_first_is_on_time() -> None:
    """Clocks differ: a reset a minute before its time is no early one, and is not told again when due."""
    run = Run(plan(five_hour(60), weekly()))
    run.minute = 118
    event = only(run.poll(plan(five_hour(1, LATER), weekly())))
    assert (event.kind, event.before, event.after) == (EventKind.WINDOW_RESET, 60, 1)
    assert run.tick(120.5) == []


def test_window_without_use_resets_silently() -> None:
    """Nothing changes with the reset of an empty window."""
    run = Run(plan(five_hour(0), weekly()))
    assert run.tick(121) == []


# Credits.


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(meter(), meter(cap=8000), (SUBJECT_EXTRA_USAGE, usd(5000), usd(8000)), id="raised"),
        pytest.param(meter(cap=None), meter(), (SUBJECT_EXTRA_USAGE, None, usd(5000)), id="came"),
        pytest.param(
            meter(is_personal=False),
            meter(cap=1, is_personal=False),
            (SUBJECT_POOL, usd(5000), usd(1)),
            id="pool's",
        ),
    ],
)
def test_cap_that_changes_is_told(
    before: Meter, after: Meter, expected: tuple[str, Money | None, Money]
) -> None:
    """Another cap is told with both amounts and whose it is."""
    run = Run(plan(weekly()), before)
    event = run.poll(plan(weekly()), after)[0]
    assert (EventKind.CAP_CHANGED, *expected) == (event.kind, event.subject, event.before, event.after)
    assert event.endpoints == (Endpoint.OVERAGE,)
    assert run.poll(plan(weekly()), after) == []


def test_cap_that_goes_is_told_when_it_stays_away() -> None:
    """A null cap counts as no cap from the third reply on."""
    run = Run(plan(weekly()), meter())
    told = [kinds(run.poll(plan(weekly()), meter(cap=None))) for _ in range(4)]
    assert told == [[], [], [EventKind.CAP_CHANGED], []]


@pytest.mark.parametrize(
    "flap",
    [
        pytest.param(None, id="null reply"),
        pytest.param(Meter(MeterOrigin.OVERAGE), id="null fields"),
        pytest.param(meter(None), id="null use"),
        pytest.param(meter(0), id="no use"),
        pytest.param(meter(4600, None), id="null cap"),
    ],
)
def test_flapping_credits_tell_nothing(flap: Meter | None) -> None:
    """Two replies without the figures change neither cap nor verdict, and no threshold is passed twice."""
    good = meter(4600)
    run = Run(plan(five_hour(100), weekly()), good)
    for value in (flap, flap, good, good):
        assert run.poll(plan(five_hour(100), weekly()), value) == []


def test_credits_tell_their_thresholds_and_again_after_a_new_month() -> None:
    """A threshold is passed once; a fall that lasts arms it again."""
    run = Run(plan(weekly()), meter(3700))
    event = only(run.poll(plan(weekly()), meter(3800)))
    assert (
        event.kind,
        event.threshold,
        event.subject,
        event.before,
        event.after,
    ) == (EventKind.THRESHOLD, 75, SUBJECT_EXTRA_USAGE, 74, 76)
    for used in (3800, 0, 0, 0, 40):
        assert run.poll(plan(weekly()), meter(used)) == []
    assert [event.threshold for event in run.poll(plan(weekly()), meter(3800))] == [75]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((100, 5100), [EventKind.BALANCE_REFILLED]),
        ((100, None, 100), []),
        ((100, 150, 120), []),
        ((None, 5000), []),
        ((500, 300, 300, 900), [EventKind.BALANCE_REFILLED]),
    ],
)
def test_balance_that_rises_is_told(amounts: tuple[int | None, ...], expected: list[EventKind]) -> None:
    """A rise by a unit of the currency is a refill; a null is nothing, and so is the first sight."""
    first, *more = (Balance(None if cents is None else usd(cents)) for cents in amounts)
    run = Run(plan(weekly()), meter(), first)
    for balance in more:
        run.poll(plan(weekly()), meter(), balance)
    assert expected == kinds(run.told)


def test_tranche_is_told_three_days_before_its_end() -> None:
    """By the clock, once; what expires soon at first sight is not told."""
    soon, later = at(60 * 24), at(60 * 24 * 3 + 90)
    parts = (Tranche(usd(100), soon, is_promotional=True), Tranche(usd(900), later, is_promotional=False))
    balance = Balance(usd(1000), parts)
    run = Run(plan(weekly()), meter(), balance)
    event = next(event for event in run.tick(91) if event.kind is EventKind.TRANCHE_EXPIRING)
    assert (usd(900), later) == (event.before, event.until)
    run.minute = 92
    run.poll(plan(weekly()), meter(), Balance(usd(1000)))
    run.poll(plan(weekly()), meter(), balance)
    assert kinds(run.told).count(EventKind.TRANCHE_EXPIRING) == 1


# The verdict.

FULL, ROOM = plan(five_hour(100), weekly()), plan(five_hour(41), weekly())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param((ROOM, meter()), (FULL, meter()), [EventKind.ON_CREDITS], id="onto credits"),
        pytest.param((FULL, OFF), (FULL, meter()), [EventKind.ON_CREDITS], id="from waiting onto credits"),
        pytest.param((FULL, meter()), (ROOM, meter()), [EventKind.BACK_IN_PLAN], id="back in the plan"),
        pytest.param((FULL, meter()), (FULL, OFF), [EventKind.WAIT], id="credits switched off"),
        pytest.param((ROOM, OFF), (FULL, OFF), [], id="the full window says it"),
        pytest.param((FULL, OFF), (ROOM, OFF), [], id="the reset says it"),
        pytest.param((FULL, meter()), (FULL, locked()), [EventKind.BLOCKED], id="blocked on credits"),
        pytest.param((ROOM, meter()), (FULL, locked()), [EventKind.BLOCKED], id="blocked at once"),
        pytest.param((ROOM, locked()), (FULL, locked()), [EventKind.BLOCKED], id="blocked as foretold"),
        pytest.param((ROOM, meter()), (ROOM, locked()), [EventKind.CREDITS_BLOCKED], id="locked beside room"),
        pytest.param(
            (FULL, locked()), (FULL, meter()), [EventKind.LIFTED, EventKind.ON_CREDITS], id="lifted"
        ),
        pytest.param((FULL, locked()), (ROOM, meter()), [EventKind.LIFTED], id="lifted on both sides"),
        pytest.param((FULL, locked()), (ROOM, locked()), [EventKind.LIFTED], id="lifted by the plan"),
        pytest.param((ROOM, locked()), (ROOM, meter()), [EventKind.LIFTED], id="credits open again"),
        pytest.param((FULL, locked()), (FULL, OFF), [EventKind.WAIT], id="from blocked to switched off"),
        pytest.param(
            (FULL, locked()),
            (FULL, meter(out_of_credits=True)),
            [EventKind.STILL_BLOCKED],
            id="another lock",
        ),
    ],
)
def test_verdict_tells_its_transitions(
    before: tuple[Plan, Meter], after: tuple[Plan, Meter], expected: list[EventKind]
) -> None:
    """Each change of the answer is told once, beside what the windows and the cap tell."""
    figures = {
        EventKind.WINDOW_FILLED,
        EventKind.WINDOW_RESET_EARLY,
        EventKind.THRESHOLD,
        EventKind.CAP_CHANGED,
    }
    run = Run(*before)
    told = [kind for kind in kinds(run.poll(*after)) if kind not in figures]
    assert expected == told
    assert run.poll(*after) == []


def test_blocked_names_its_lock_and_its_end() -> None:
    """The reason, the first end and the replies are in the event."""
    run = Run(FULL, meter())
    event = run.poll(FULL, locked(until=at(9000)))[-1]
    assert event.credit_lock is not None
    assert (
        event.credit_lock.reason,
        event.until,
        event.before,
        event.severity,
    ) == (REACHED, RESET, VerdictState.ON_CREDITS, Severity.FULL)
    assert event.endpoints == (Endpoint.USAGE, Endpoint.OVERAGE)


def test_lift_by_the_plan_says_that_credits_stay_locked() -> None:
    """The window's reset ends BLOCKED; the lock on credits goes on, and its own end is told too."""
    run = Run(FULL, locked())
    run.minute = 118
    run.poll(FULL, locked())
    event = run.tick(120)[-1]
    assert (event.kind, event.subject, event.after) == (EventKind.LIFTED, SUBJECT_PLAN, VerdictState.CAN_WORK)
    run.minute = 121
    again = run.poll(plan(five_hour(1, LATER), weekly()), meter())
    assert [event.kind for event in again if event.subject == SUBJECT_EXTRA_USAGE and event.credit_lock] == [
        EventKind.LIFTED
    ]


def test_lock_that_ends_by_its_date_is_lifted_by_the_clock() -> None:
    """A lock that is only a date needs no reply to end."""
    run = Run(ROOM, meter(until=at(10)))
    assert run.tick(9) == []
    assert kinds(run.tick(10)) == [EventKind.LIFTED]


def test_unknown_credits_change_nothing() -> None:
    """A server that does not know whether credits are open has neither lifted nor blocked anything."""
    run = Run(FULL, locked())
    for _ in range(5):
        assert run.poll(FULL, meter(5000, reason="fetch_error")) == []
    assert run.poll(FULL, locked()) == []


def test_plan_without_windows_is_told_without_a_window() -> None:
    """Where all work is metered, no window is named."""
    run = Run(plan(), locked())
    told = run.poll(plan(), meter())
    assert kinds(told) == [EventKind.LIFTED, EventKind.ON_CREDITS]
    assert told[-1].after is None


# Polls that fail.


def test_one_failed_poll_tells_nothing() -> None:
    """The last good figures stand, and the next poll comes before they are called stale."""
    run = Run(FULL, locked(), ages=True)
    assert run.fail(Endpoint.USAGE, Endpoint.OVERAGE) == []
    assert run.tick(3.2) == []
    run.minute = 2.3
    assert run.poll(FULL, locked()) == []
    assert run.tick(4) == []


def test_stale_figures_are_told_once_and_so_is_their_end() -> None:
    """Without figures for two intervals and a while; with the time of the last ones."""
    run = Run(ROOM, meter(), ages=True)
    assert run.tick(3.1) == []
    event = only(run.tick(3.7))
    assert (EventKind.STALE, at(1), PERSONAL) == (event.kind, event.before, event.org)
    assert run.tick(10) == []
    run.minute = 30
    assert kinds(run.poll(ROOM, meter())) == [EventKind.RECOVERED]


def test_news_after_an_outage_is_told() -> None:
    """Figures that were unknown for hours are compared with the last certain ones."""
    run = Run(ROOM, meter())
    run.tick(60)
    run.tick(61)
    run.minute = 100
    told = kinds(run.poll(FULL, locked()))
    assert EventKind.BLOCKED in told
    assert EventKind.WINDOW_FILLED in told


def two_orgs() -> Run:
    """A run in which a session serves two orgs."""
    run = Run(ROOM, ages=True)
    run.read(listed(1, PERSONAL, TEAM), reported(1, TEAM, reply(Endpoint.USAGE, 1, ROOM)))
    run.told.clear()
    return run


def test_outage_of_a_whole_session_is_told_once() -> None:
    """A hundred stale orgs of one session are one event, and one more when figures come again."""
    run = two_orgs()
    run.tick(3.1)
    event = only(run.tick(3.7))
    assert (event.kind, event.org, event.session) == (EventKind.STALE, None, CHROME)
    run.minute = 20
    assert kinds(run.poll(ROOM)) == [EventKind.RECOVERED]
    assert run.read(reported(21, TEAM, reply(Endpoint.USAGE, 21, ROOM))) == []
    assert run.tick(21.5) == []


def test_org_that_alone_fails_is_told_alone() -> None:
    """The figures of the session's other orgs come: only this one is stale."""
    run = two_orgs()
    run.minute = 1
    for _ in range(4):
        run.poll(ROOM)
    event = only(run.told)
    assert (event.kind, event.org) == (EventKind.STALE, TEAM)


def test_expired_session_is_told_once_and_its_stale_orgs_not() -> None:
    """That the session is over says why no figures come."""
    run = two_orgs()
    assert kinds(run.read(stopped(2), closed(2))) == [EventKind.SESSION_EXPIRED]
    assert run.read(stopped(3), closed(3)) == []
    for minutes in (3.1, 3.7, 9, 10):
        assert run.tick(minutes) == []
    back = run.read(listed(20, PERSONAL, TEAM))
    assert [(event.kind, event.subject) for event in back] == [(EventKind.RECOVERED, "Chrome, Default")]
    run.minute = 20
    assert run.poll(ROOM) == []
    assert run.read(reported(21, TEAM, reply(Endpoint.USAGE, 21, ROOM)), closed(21)) == []


def test_session_that_ends_soon_is_told_once() -> None:
    """At first sight too, if it works; once more after the browser has got another that ends as soon."""
    run = Run(ROOM, ages=True)
    ends, fresh = at(2 * 1440), at(28 * 1440)
    event = only(run.read(replace(listed(1, PERSONAL), expires_at=ends)))
    assert (event.kind, event.subject, event.until) == (EventKind.SESSION_ENDS, CHROME.label, ends)
    assert run.read(Reading(CHROME, at(2), expires_at=ends), closed(2), Reading(CHROME, at(3))) == []
    assert run.read(Reading(CHROME, at(4), expires_at=fresh)) == []
    assert EventKind.SESSION_ENDS in kinds(run.read(Reading(CHROME, at(27 * 1440), expires_at=fresh)))


def test_session_that_does_not_work_is_not_told_to_end_soon() -> None:
    """One that has expired before its time is told to have expired, and nothing else."""
    run = Run(ROOM, ages=True)
    ends = at(1440)
    assert kinds(run.read(replace(stopped(2), expires_at=ends))) == [EventKind.SESSION_EXPIRED]
    back = run.read(replace(listed(3, PERSONAL), expires_at=ends))
    assert kinds(back) == [EventKind.RECOVERED, EventKind.SESSION_ENDS]


def test_trouble_that_is_no_expiry_does_not_end_the_session() -> None:
    """A challenge says nothing about the session; and an expired one is not mended by an outage."""
    run = Run(ROOM, ages=True)
    assert run.read(stopped(2, ErrorKind.CHALLENGE), closed(2)) == []
    assert kinds(run.read(stopped(3), closed(3))) == [EventKind.SESSION_EXPIRED]
    assert run.read(stopped(4, ErrorKind.NO_ROUTE), closed(4)) == []


# Orgs and sessions.


def test_start_tells_nothing() -> None:
    """What is already so when it is first seen is no event, a second session's orgs included."""
    run = Run(FULL, locked(), Balance(usd(1), (Tranche(usd(1), at(60), is_promotional=True),)))
    run.read(listed(1, LAB, account=SAM, session=FIREFOX))
    full = reply(Endpoint.USAGE, 1, FULL, new_fields=("tangelo",))
    run.read(reported(1, LAB, full, session=FIREFOX), closed(1, session=FIREFOX))
    assert run.told == []


def test_orgs_come_and_go() -> None:
    """After the first poll of its session an org that comes is told, and one that goes."""
    run = Run(ROOM)
    assert [(e.kind, e.org) for e in run.read(listed(2, PERSONAL, TEAM))] == [(EventKind.ORG_APPEARED, TEAM)]
    team = reported(2, TEAM, reply(Endpoint.USAGE, 2, FULL))
    assert run.read(team) == []
    assert [(e.kind, e.org) for e in run.read(listed(3, TEAM))] == [(EventKind.ORG_LEFT, PERSONAL)]
    assert run.read(listed(4, TEAM)) == []
    assert list(run.journal.org_trackers) == [("a-1", "org-2")]


def test_orgs_of_a_session_that_works_at_last_are_no_news() -> None:
    """Its first polls failed: what its account's first list names was there all the time."""
    run = Run(ROOM, ages=True)
    run.read(stopped(1, session=FIREFOX), closed(1, session=FIREFOX))
    told = run.read(listed(2, LAB, TEAM, account=SAM, session=FIREFOX), closed(2, session=FIREFOX))
    assert EventKind.ORG_APPEARED not in kinds(told)
    told = run.read(listed(3, LAB, TEAM, PERSONAL, account=SAM, session=FIREFOX))
    assert kinds(told) == [EventKind.ORG_APPEARED]


def test_account_that_shows_its_uuid_later_is_the_same() -> None:
    """Neither has its org left, nor is it forgotten what was told of it."""
    run = Run(ROOM, meter(), account=Account(None, PAT.email))
    run.read(listed(1, PERSONAL, account=PAT))
    assert kinds(run.poll(FULL, meter())) == [EventKind.WINDOW_FILLED, EventKind.ON_CREDITS]
    assert len(run.told) == 2


def test_org_that_another_session_serves_is_told() -> None:
    """The same org through another session: only the source has changed."""
    run = Run(ROOM)
    (state,) = run.store.orgs
    run.store = replace(run.store, orgs=(replace(state, session=FIREFOX),))
    event = only(run.tick(1.5))
    assert (
        event.kind,
        event.before,
        event.after,
    ) == (EventKind.SOURCE_CHANGED, "Chrome, Default", "Firefox, work")
    assert run.tick(1.6) == []


def test_org_that_two_sessions_list_is_one() -> None:
    """An org that stands in the store twice is looked at once."""
    run = Run(ROOM)
    (state,) = run.store.orgs
    run.store = replace(run.store, orgs=(state, replace(state, session=FIREFOX)))
    assert run.tick(1.5) == []
    assert run.tick(1.6) == []


def test_new_field_is_told_once_wherever_it_comes() -> None:
    """Many orgs have the same new field: it is one event, and what was there at first is none."""
    run = two_orgs()

    def usage(minutes: float, org: Org, *paths: str) -> list[Event]:
        found: Reply = reply(Endpoint.USAGE, minutes, ROOM, new_fields=paths)
        return run.read(reported(minutes, org, found))

    event = only(usage(2, PERSONAL, "a.b", "c"))
    assert (event.kind, event.subject, event.after) == (EventKind.NEW_FIELD, "usage", "a.b, c")
    assert usage(2.1, TEAM, "c") == []
    assert usage(2.2, PERSONAL) == []
    assert usage(2.3, PERSONAL, "a.b") == []
    assert [event.after for event in usage(2.4, TEAM, "a.b", "d")] == ["d"]


# The journal itself.


def test_journal_costs_nothing_while_nothing_is_due() -> None:
    """The same store before the next moment that counts gives the same journal."""
    run = Run(FULL, meter())
    quiet = run.journal
    assert quiet.observe(run.store, at(1.5)) is quiet
    told = quiet.observe(run.store, RESET)
    assert told.new_events
    settled = told.observe(run.store, RESET)
    assert (settled.new_events, settled.events) == ((), told.events)


def test_journal_is_frozen() -> None:
    """A step leaves the journal before it as it was."""
    run = Run(ROOM, meter())
    before = run.journal
    copy = replace(before)
    run.poll(FULL, locked())
    assert copy == before


def test_events_of_one_step_are_in_order_and_the_oldest_go_first() -> None:
    """What was due earlier comes earlier; at most 500 are kept."""
    run = Run(plan(five_hour(50, at(30)), weekly(50, at(20))))
    assert [at(20), at(30)] == [event.at for event in run.tick(40) if event.kind is EventKind.WINDOW_RESET]
    run.minute = 50
    for i in range(MAX_EVENTS + 10):
        run.poll(plan(weekly()), meter(cap=1000 + i))
    kept = [event for event in run.journal.events if event.kind is EventKind.CAP_CHANGED]
    assert (MAX_EVENTS, usd(1000 + MAX_EVENTS + 9)) == (len(run.journal.events), kept[-1].after)


VALUES = st.sampled_from(
    [
        (FULL, meter()),
        (ROOM, meter()),
        (FULL, locked()),
        (ROOM, locked(until=at(40))),
        (plan(five_hour(0, None), weekly()), None),
        (plan(), OFF),
        (plan(five_hour(100, None), weekly(None)), Meter(MeterOrigin.OVERAGE)),
        (None, meter(cap=None)),
        (),
    ]
)


@given(st.lists(st.tuples(VALUES, st.integers(0, 90)), max_size=12))
def test_looking_twice_tells_nothing_twice(polls: list[tuple[tuple[ReplyValue, ...], int]]) -> None:
    """Whatever comes, and however the clock jumps, a second look at the same moment finds nothing."""
    run = Run(ROOM, meter())
    for values, minute in polls:
        run.minute = minute
        run.poll(*values)
        moment = at(run.minute)
        assert run.tick(run.minute) == []
        assert all(event.at <= moment for event in run.journal.new_events)


@given(st.lists(VALUES.filter(bool), min_size=1, max_size=4))
def test_blocked_and_lifted_take_turns(polls: list[tuple[ReplyValue, ...]]) -> None:
    """No block is reported twice without a lift or a wait between, and no lift without a block."""
    run = Run(ROOM, meter())
    for values in polls * 4:
        run.poll(*values)
    turns = [
        kind
        for kind in kinds(run.told)
        if kind in (EventKind.BLOCKED, EventKind.CREDITS_BLOCKED, EventKind.LIFTED, EventKind.WAIT)
    ]
    assert EventKind.LIFTED not in turns[:1]
    pairs = set(pairwise(turns))
    assert not pairs & {
        (EventKind.BLOCKED, EventKind.BLOCKED),
        (EventKind.CREDITS_BLOCKED, EventKind.CREDITS_BLOCKED),
    }


class Thorough(Run):
    """A run whose journal looks at everything, each time."""

    def _look(self, now: datetime) -> None:
        orgs = {key: replace(watch, next_change_at=now) for key, watch in self.journal.org_trackers.items()}
        self.journal = replace(self.journal, due_at=now, org_trackers=orgs)
        super()._look(now)


SPENT = st.builds(
    lambda used, percent, cents, until: (
        plan(five_hour(percent, at(9)), weekly()),
        meter(used, until=until),
        Balance(usd(cents), (Tranche(usd(100), at(72 * 60 + 30), is_promotional=True),)),
    ),
    st.integers(0, 60).map(lambda used: 100 * used),
    st.sampled_from([41.0, 41.0, 80.0, 100.0]),
    st.sampled_from([5000, 5000, 9000]),
    st.sampled_from([None, None, at(7)]),
)


@given(st.lists(st.tuples(VALUES | SPENT, st.integers(1, 12), st.booleans()), max_size=12))
def test_what_is_not_looked_at_has_nothing_to_tell(
    polls: list[tuple[tuple[ReplyValue, ...], int, bool]],
) -> None:
    """Where the journal spares itself a look, a look would have found nothing."""
    sparing, thorough = Run(ROOM, meter(), ages=True), Thorough(ROOM, meter(), ages=True)
    for values, pause, fails in polls:
        for run in (sparing, thorough):
            run.minute += pause
            _ = run.fail() if fails else run.poll(*values)
        for part in range(1, 9):
            found = [run.tick(run.minute + part / 8) for run in (sparing, thorough)]
            assert found[1] == found[0]
    assert thorough.told == sparing.told
