"""A balance or subscription whose own reply fails while usage arrives: it is dated and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from claudemeter_tui.model.account import Subscription
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Balance, Credits, Meter
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import EventKind
from claudemeter_tui.model.forecast import SpendRate, find_tighter_limit, forecast_limit
from claudemeter_tui.model.reading import Reading, Reply
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import PaymentProblem, judge
from claudemeter_tui.model.windows import Plan
from tests.model.readings import (
    PERSONAL,
    START,
    at,
    closed,
    failed,
    folded,
    listed,
    reply,
    reported,
)
from tests.model.values import five_hour, meter, usd, weekly

MONEY, EMPTY = Balance(usd(24_435)), Balance(usd(0))


def usage(minutes: float) -> Reply:
    """Return a usage reply with room in the plan."""
    return reply(Endpoint.USAGE, minutes, Plan((five_hour(), weekly())))


def poll(minutes: float, *parts: object, overage: Meter | None = None) -> Reading:
    """Return one poll in which usage and overage arrive, beside these parts."""
    known = (usage(minutes), reply(Endpoint.OVERAGE, minutes, overage or meter()))
    return reported(minutes, PERSONAL, *known, *parts)  # type: ignore[arg-type]


def state_after(*polls: Reading) -> OrgState:
    """Return the org after these polls."""
    return folded(listed(0, PERSONAL), *polls, closed(0)).orgs[0]


def prepaid(minutes: float, balance: Balance = MONEY) -> Reply:
    """Return a prepaid reply."""
    return reply(Endpoint.PREPAID, minutes, balance)


def fail_each_minute(endpoint: Endpoint, first: int, last: int) -> Iterable[Reading]:
    """Return a poll a minute in which only this reply fails."""
    return [poll(minute, failed(endpoint, minute)) for minute in range(first, last + 1)]


@pytest.mark.parametrize(
    ("dated", "polls"),
    [
        (False, [poll(0, prepaid(0))]),
        (False, [poll(0, prepaid(0)), *fail_each_minute(Endpoint.PREPAID, 1, 2)]),
        (True, [poll(0, prepaid(0)), *fail_each_minute(Endpoint.PREPAID, 1, 3)]),
        (True, [poll(0, prepaid(0)), *fail_each_minute(Endpoint.PREPAID, 1, 3), poll(180)]),
        (False, [poll(0, prepaid(0)), *fail_each_minute(Endpoint.PREPAID, 1, 3), poll(4, prepaid(4))]),
        (False, [poll(0, prepaid(0)), poll(30)]),
        (True, [poll(0, prepaid(0)), poll(31)]),
    ],
)
def test_balance_is_dated_if_its_own_reply_is_out_of_date(dated: bool, polls: list[Reading]) -> None:  # noqa: FBT001 - a table
    """It is dated if it failed for over two intervals, or was not requested for twice 15 minutes."""
    balance = state_after(*polls).credits.balance
    assert balance == MONEY._replace(figures_at=START if dated else None)


@pytest.mark.parametrize(
    ("dated", "polls"),
    [
        (False, [poll(14)]),
        (False, fail_each_minute(Endpoint.SUBSCRIPTION, 15, 17)),
        (True, fail_each_minute(Endpoint.SUBSCRIPTION, 15, 18)),
        (True, [poll(31)]),
    ],
)
def test_subscription_is_dated_if_it_fails_for_over_two_intervals(
    dated: bool,  # noqa: FBT001 - a table
    polls: list[Reading],
) -> None:
    """It is requested every 15 minutes, so one failure does not make it out of date."""
    paid = Subscription("past_due", next_charge=date(2026, 5, 14))
    state = state_after(poll(0, reply(Endpoint.SUBSCRIPTION, 0, paid)), *polls)
    moment = START if dated else None
    assert paid._replace(figures_at=moment) == state.subscription
    assert (PaymentProblem("status", "past_due", read_at=moment),) == judge(state, at(18)).payment_problems


def test_figures_of_a_slow_interval_are_current() -> None:
    """With a poll every hour, a balance of the last poll is current."""
    hourly = closed(0, interval=60)
    store = folded(listed(0, PERSONAL), poll(0, prepaid(0)), hourly, poll(60, failed(Endpoint.PREPAID, 60)))
    assert store.orgs[0].credits.balance == MONEY


@pytest.mark.parametrize("old", [MONEY, EMPTY, Balance(usd(-1592))], ids=str)
def test_outdated_balance_decides_no_cause(old: Balance) -> None:
    """Only a current prepaid reply shows that the balance is empty, or that it is not."""
    flag = meter(out_of_credits=True)
    failing = [poll(minute, failed(Endpoint.PREPAID, minute), overage=flag) for minute in (1, 2, 3)]
    state = state_after(poll(0, prepaid(0, old), overage=flag), *failing)
    (lock,) = judge(state, at(3)).credit_locks
    assert (lock.cause, lock.balance, lock.is_balance_outdated) == (Cause.OUT_OF_CREDITS, None, True)
    renewed = folded(poll(4, prepaid(4, old), overage=flag), store=Store((state,))).orgs[0]
    (lock,) = judge(renewed, at(4)).credit_locks
    assert (Cause.OUT_OF_CREDITS if old is MONEY else Cause.EMPTY_BALANCE) is lock.cause


def test_outdated_empty_balance_is_no_second_lock_beside_the_cap() -> None:
    """With a reached cap, only a current prepaid reply adds the balance as a cause."""
    flags = meter(used=5000, out_of_credits=True)
    failing = [poll(minute, failed(Endpoint.PREPAID, minute), overage=flags) for minute in (1, 2, 3)]
    state = state_after(poll(0, prepaid(0, EMPTY), overage=flags), *failing)
    assert [lock.cause for lock in judge(state, at(3)).credit_locks] == [Cause.CAP]


def test_age_of_the_balance_is_no_event() -> None:
    """A lock whose balance becomes out of date, and current again, causes no event."""
    flag, log, store = meter(out_of_credits=True), EventLog(), Store()
    for minute in range(12):
        part = failed(Endpoint.PREPAID, minute) if 2 < minute < 8 else prepaid(minute, EMPTY)
        store = folded(listed(minute, PERSONAL), poll(minute, part, overage=flag), store=store)
        log = log.observe(store, at(minute))
    assert EventKind.STILL_BLOCKED not in [event.kind for event in log.events]


def test_outdated_balance_gives_no_forecast() -> None:
    """Spending continues while the balance is not read, so any forecast could be too late."""
    uncapped = Meter(MeterOrigin.OVERAGE, usd(1720), is_uncapped=True, is_enabled=True)
    rate = SpendRate(START - timedelta(hours=20), START, usd(2000), usd(2000))
    current = Credits((uncapped,), MONEY, overage_read_at=START, valid_until=START + timedelta(minutes=15))
    assert CreditState.OPEN is current.compute_state(START)
    assert forecast_limit(current, rate, START) is not None
    for capped in (uncapped, meter(used=1720, cap=5000)):
        old = replace(current, meters=(capped,), balance=MONEY._replace(figures_at=START))
        assert forecast_limit(old, rate, START) is None
        assert find_tighter_limit(old) is None
