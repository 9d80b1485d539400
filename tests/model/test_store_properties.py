"""Folds of any readings: no exception, and the last good replies stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.reading import (
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    ReplyValue,
    Schedule,
    Session,
)
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.time_series import MAX_VALUE_RUNS
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Plan, Window
from tests.model.readings import CHROME, FIREFOX, PAT, PERSONAL, SAM, TEAM, at, overage
from tests.value_fields import build_values

FOLDS = settings(max_examples=60, deadline=None, derandomize=True)
ORGS = (PERSONAL, TEAM, Org("org-1", "Renamed", is_shared=True), Org("", ""))
ACCOUNTS = (PAT, SAM, Account(), Account(None, "pat@example.com"))
ORG_ENDPOINTS = [endpoint for endpoint in Endpoint if endpoint is not Endpoint.ACCOUNT]

minutes = st.one_of(
    st.integers(-3, 10),
    st.sampled_from([-500_000, 500_000, 0.01]),
)
"""Movement of the clock between two readings, in both directions."""
moments = st.one_of(st.none(), st.sampled_from([-9e8, -1, 0, 1, 300, 4e9]).map(at))


def meters(origin: MeterOrigin) -> st.SearchStrategy[Meter]:
    """Return meters, mostly with a figure."""
    cents, currency = st.sampled_from([0, 1, 500, 510, None]), st.sampled_from(["USD", "EUR"])
    used = st.builds(lambda amount, unit: overage(0, amount, origin, unit).value, cents, currency)
    return st.builds(_with, used, moments, st.sampled_from([True, False, None]))


def _with(meter: ReplyValue, until: object, personal: object) -> Meter:
    assert isinstance(meter, Meter)
    return Meter(
        meter.origin,
        meter.used,
        is_enabled=True,
        until=until,  # type: ignore[arg-type]
        is_personal=personal is not False,
    )


windows = build_values(
    Window,
    key=st.sampled_from(["five_hour", "x"]),
    label=st.just("window"),
    percent=st.one_of(st.none(), st.floats(0, 250)),
    resets_at=moments,
)
values: dict[Endpoint, st.SearchStrategy[ReplyValue]] = {
    Endpoint.USAGE: st.builds(
        Plan,
        st.lists(windows, max_size=2).map(tuple),
        st.lists(meters(MeterOrigin.EXTRA_USAGE), max_size=1).map(tuple),
    ),
    Endpoint.OVERAGE: st.one_of(st.none(), meters(MeterOrigin.OVERAGE)),
    Endpoint.OWN_OVERAGE: st.one_of(st.none(), meters(MeterOrigin.OWN_OVERAGE)),
    Endpoint.PREPAID: st.one_of(st.none(), st.just(Balance(None))),
    Endpoint.SUBSCRIPTION: st.one_of(st.none(), st.just(Subscription("active"))),
}


@st.composite
def parts(draw: st.DrawFn, endpoint: Endpoint, now: float) -> Reply | Failure:
    """Return replies and failures; their time may differ from the reading's."""
    moment = at(now + draw(st.sampled_from([0, 0, -0.2, 3])))
    if draw(st.booleans()):
        return Reply(endpoint, moment, draw(values[endpoint]))
    return Failure(draw(st.sampled_from(ErrorKind)), endpoint, moment)


@st.composite
def reports(draw: st.DrawFn, now: float) -> OrgReading:
    """Return reports with any of the replies."""
    asked = draw(st.lists(st.sampled_from(ORG_ENDPOINTS), unique=True))
    return OrgReading(draw(st.sampled_from(ORGS)), {one: draw(parts(one, now)) for one in asked})


@st.composite
def readings(draw: st.DrawFn, now: float) -> Reading:
    """Return readings of any kind, of one of three sessions."""
    session = draw(st.sampled_from([CHROME, CHROME, FIREFOX, Session("")]))
    account: Reply | Failure | None = None
    if draw(st.booleans()):
        good = Reply(Endpoint.ACCOUNT, at(now), draw(st.sampled_from(ACCOUNTS)))
        bad = Failure(draw(st.sampled_from(ErrorKind)), Endpoint.ACCOUNT, at(now))
        account = good if draw(st.booleans()) else bad
    roster = draw(st.one_of(st.none(), st.lists(st.sampled_from(ORGS), max_size=4).map(tuple)))
    found = tuple(draw(st.lists(reports(now), max_size=3)))
    wait = timedelta(minutes=draw(st.sampled_from([0.5, 1, 60])))
    schedule = draw(st.sampled_from([None, Schedule(at(now) + wait, wait)]))
    gone = draw(st.sampled_from([False, False, False, True]))
    expires = draw(moments)
    return Reading(session, at(now), account, roster, found, schedule, expires, gone)


@st.composite
def stories(draw: st.DrawFn) -> list[Reading]:
    """Return sequences of readings by a clock that jumps in both directions."""
    now, sequence = 0.0, []
    for step in draw(st.lists(minutes, max_size=12)):
        now += step
        sequence.append(draw(readings(now)))
    return sequence


@dataclass
class Expected:
    """The expected replies of one session's orgs, calculated in the simplest way."""

    replies: dict[str, dict[Endpoint, Reply]] = field(default_factory=dict)

    def take(self, reading: Reading) -> None:
        """Record the good replies about the listed orgs."""
        for uuid, report in {report.org.uuid: report for report in reading.org_readings}.items():
            if uuid in self.replies:
                good = {one: part for one, part in report.parts.items() if isinstance(part, Reply)}
                self.replies[uuid] |= good


@FOLDS
@given(stories())
def test_fold_never_raises_and_everything_can_be_asked(sequence: list[Reading]) -> None:
    """After any reading the store can compute everything that a screen shows."""
    store = Store()
    for reading in sequence:
        store = store.apply(reading)
        assert isinstance(store.problems, tuple)
        for state in store.orgs:
            asked(state, reading)
        assert len({(state.session, state.key) for state in store.orgs}) == len(store.orgs)
        named = [state.key for state in store.orgs if state.account.uuid]
        assert len(set(named)) == len(named)


def asked(state: OrgState, reading: Reading) -> None:
    """Compute everything that is derived from one org's state."""
    _ = state.plan, state.subscription, state.credits.lead_meter, state.read_at
    _ = state.credits.compute_state(reading.at), state.is_stale(reading.at), state.is_unknown(reading.at)
    assert judge(state, reading.at)


@FOLDS
@given(stories())
def test_fold_keeps_the_last_good_reply_of_each_endpoint(sequence: list[Reading]) -> None:
    """The store has exactly the last good reply of each endpoint of each listed org."""
    store, expected = Store().apply(Reading(CHROME, at(0), None, ORGS[:2])), Expected()
    expected.replies = {org.uuid: {} for org in ORGS[:2]}
    for reading in sequence:
        only_reports = Reading(
            CHROME, reading.at, org_readings=reading.org_readings, schedule=reading.schedule
        )
        store = store.apply(only_reports)
        expected.take(only_reports)
        assert expected.replies == {state.org.uuid: dict(state.replies) for state in store.orgs}


@FOLDS
@given(stories())
def test_fold_keeps_a_failure_only_while_it_goes_on(sequence: list[Reading]) -> None:
    """An endpoint has a failure exactly if its last reply was one."""
    store, last = Store().apply(Reading(CHROME, at(0), None, ORGS[:1])), dict[Endpoint, bool]()
    for reading in sequence:
        store = store.apply(Reading(CHROME, reading.at, org_readings=reading.org_readings))
        mine = {report.org.uuid: report for report in reading.org_readings}.get(PERSONAL.uuid)
        last |= {one: isinstance(part, Failure) for one, part in mine.parts.items()} if mine else {}
        assert {one for one, bad in last.items() if bad} == set(store.orgs[0].failures)


@FOLDS
@given(stories())
def test_fold_keeps_series_in_order_and_bounded(sequence: list[Reading]) -> None:
    """Runs follow one another, none overlaps another, and the rise is never negative."""
    store = Store().apply(Reading(CHROME, at(0), None, ORGS[:2]))
    for reading in sequence:
        store = store.apply(Reading(CHROME, reading.at, org_readings=reading.org_readings))
        for state in store.orgs:
            runs = state.series.runs
            assert all(run.first <= run.last for run in runs)
            assert all(one.last <= following.first for one, following in pairwise(runs))
            assert len(runs) <= MAX_VALUE_RUNS
            assert state.series.total_rise >= 0
