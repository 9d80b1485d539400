"""Spending beyond the plan: its start, and the amount that was seen."""

from __future__ import annotations

import pytest

from claudemeter_tui.history.last_states import pack_state, unpack_state
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import NO_SESSION, Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import OverPlanSpending, judge
from claudemeter_tui.model.windows import Plan
from tests.model.readings import PERSONAL, START, at, closed, folded, listed, reply, reported
from tests.model.values import five_hour, meter, usd, weekly

RESET, SECOND = at(120), at(420)
ROOM = Plan((five_hour(98, RESET), weekly(71)))
FULL = Plan((five_hour(100, RESET), weekly(71)))
BOTH = Plan((five_hour(100, RESET), weekly(100)))
WEEK = Plan((five_hour(3, SECOND), weekly(100)))
AGAIN = Plan((five_hour(100, SECOND), weekly(71)))
LOCKED = Plan((five_hour(12, RESET, locked_reason="odd"),))
ALL_METERED, NOTHING = Plan(), Plan(is_reported=False)

Poll = tuple[float, Plan, float]
"""Minutes after the start, the usage reply, and the cents used."""
Said = tuple[bool, float, float, float | None]
"""True if the window was seen to fill, then minute of the start, cents spent, minute of the last rise."""


def spending(*polls: tuple[float, Plan, Meter], now: float | None = None) -> OverPlanSpending | None:
    """Return the verdict's spending after these polls, with an interval of a minute."""
    store = folded(listed(polls[0][0], PERSONAL))
    for minute, plan, credits_ in polls:
        parts = reply(Endpoint.USAGE, minute, plan), reply(Endpoint.OVERAGE, minute, credits_)
        store = folded(reported(minute, PERSONAL, *parts), closed(minute), store=store)
    return judge(store.orgs[0], at(polls[-1][0] if now is None else now)).spending


def minutes(found: OverPlanSpending) -> Said:
    """Return the same in minutes and cents."""
    assert found.spent is not None
    rose = None if found.last_rise_at is None else (found.last_rise_at - START).total_seconds() / 60
    return (
        found.filled_label is not None,
        (found.since - START).total_seconds() / 60,
        float(found.spent.minor),
        rose,
    )


@pytest.mark.parametrize("pause", [1, 60])
def test_restart_continues_the_spending(pause: float) -> None:
    """After a restart the spending is that since the window filled, with what was spent in the pause."""
    store = _poll(folded(listed(0, PERSONAL)), (0, ROOM, 500), (1, FULL, 540), (2, FULL, 600))
    kept = unpack_state(pack_state(store.orgs[0]))
    assert kept is not None
    begins = 2 + pause
    restored = Store().apply(Reading(NO_SESSION, at(begins), restored_orgs=(kept,), is_archived=True))
    store = folded(listed(begins, PERSONAL), store=restored)
    store = _poll(store, (begins, FULL, 650), (begins + 1, FULL, 700))
    found = judge(store.orgs[0], at(begins + 1)).spending
    assert found is not None
    assert minutes(found) == (True, 1, 200, begins + 1)


def _poll(store: Store, *polls: Poll) -> Store:
    """Return the store after these polls."""
    for minute, plan, cents in polls:
        parts = reply(Endpoint.USAGE, minute, plan), reply(Endpoint.OVERAGE, minute, meter(cents))
        store = folded(reported(minute, PERSONAL, *parts), closed(minute), store=store)
    return store


@pytest.mark.parametrize(
    ("expected", "polls"),
    [
        pytest.param((False, 0, 0, None), [(0, FULL, 500)], id="one reading"),
        pytest.param(
            (False, 0, 340, 2), [(0, FULL, 500), (1, FULL, 500), (2, FULL, 840)], id="full from the start"
        ),
        pytest.param((True, 1, 0, None), [(0, ROOM, 500), (1, FULL, 500)], id="just filled"),
        pytest.param((True, 2, 0, None), [(0, ROOM, 1), (1, ROOM, 500), (2, FULL, 500)], id="spent before"),
        pytest.param(
            (True, 1, 40, 1), [(0, ROOM, 500), (1, FULL, 540)], id="filled and spent between two polls"
        ),
        pytest.param(
            (True, 1, 60, 3), [(0, ROOM, 1), (1, FULL, 1), (2, FULL, 31), (3, FULL, 61)], id="spending"
        ),
        pytest.param((False, 9, 0, None), [(0, ROOM, 500), (9, FULL, 900)], id="filled in a gap"),
        pytest.param(
            (True, 2, 7, 3), [(0, ROOM, 1), (1, ROOM, 1), (2, LOCKED, 1), (3, LOCKED, 8)], id="locked"
        ),
        pytest.param(
            (True, 1, 9, 2), [(0, ROOM, 1), (1, FULL, 1), (2, BOTH, 10)], id="the second window fills"
        ),
        pytest.param(
            (True, 1, 9, 2),
            [(0, ROOM, 1), (1, FULL, 1), (2, BOTH, 10), (121, WEEK, 10)],
            id="the first one resets",
        ),
        pytest.param((True, 2, 5, 2), [(0, FULL, 1), (1, ROOM, 1), (2, FULL, 6)], id="room in between"),
        pytest.param(
            (False, 130, 0, None), [(0, ROOM, 1), (1, FULL, 5), (130, AGAIN, 9)], id="the next period"
        ),
        pytest.param((False, 121, 0, None), [(119, FULL, 1), (121, AGAIN, 9)], id="full across a reset"),
        pytest.param((False, 0, 9, 1), [(0, ALL_METERED, 1), (1, ALL_METERED, 10)], id="no windows"),
    ],
)
def test_spending_is_counted_since_the_window_filled(expected: Said, polls: list[Poll]) -> None:
    """Rises count since a window was seen to fill, else since the first reading with the full window."""
    found = spending(*((minute, plan, meter(cents)) for minute, plan, cents in polls))
    assert found is not None
    assert minutes(found) == expected


@pytest.mark.parametrize(
    "placeholder",
    [
        Plan((five_hour(0, None), weekly(71))),
        Plan((five_hour(0, RESET), weekly(71))),
        Plan((five_hour(None, RESET), weekly(71))),
        Plan((weekly(71),)),
        ALL_METERED,
        NOTHING,
    ],
)
def test_spending_continues_through_a_placeholder(placeholder: Plan) -> None:
    """A reply without the full window's figure does not end the count."""
    polls = [(0, ROOM, 1), (1, FULL, 1), (2, FULL, 31), (3, placeholder, 31), (4, FULL, 61)]
    found = spending(*((minute, plan, meter(cents)) for minute, plan, cents in polls))
    assert found is not None
    assert minutes(found) == (True, 1, 60, 4)


@pytest.mark.parametrize(
    "ends",
    [
        Plan((five_hour(60, RESET), weekly(71))),
        Plan((five_hour(0, SECOND), weekly(71))),
    ],
)
def test_spending_ends_with_room_in_the_plan(ends: Plan) -> None:
    """With room again no spending is reported, and the next full window starts a new count."""
    polls = [(0, ROOM, 1), (1, FULL, 1), (2, FULL, 31), (3, ends, 31)]
    assert spending(*((minute, plan, meter(cents)) for minute, plan, cents in polls)) is None
    found = spending(*((minute, plan, meter(cents)) for minute, plan, cents in [*polls, (4, FULL, 35)]))
    assert found is not None
    assert minutes(found) == (True, 4, 4, 4)


def test_spending_restarts_with_another_figure() -> None:
    """A change of the reply or currency is no spending; the count starts there."""
    euros = Meter(MeterOrigin.OVERAGE, Money(usd(900).minor, "EUR"), is_uncapped=True, is_enabled=True)
    dollars = [(0, ROOM, meter(1)), (1, FULL, meter(31))]
    found = spending(*dollars, (2, FULL, euros))
    assert found == OverPlanSpending(Money(usd(0).minor, "EUR"), at(2))


def test_spending_is_not_reported_without_a_figure() -> None:
    """Without a reported amount the spending is not known, although credits are open."""
    found = spending((0, ROOM, meter(None)), (1, FULL, meter(None)))
    assert found == OverPlanSpending(None, at(1), "5-hour")


def test_spending_of_the_pool_is_marked() -> None:
    """The organization's figure is never reported as personal spending."""
    found = spending((0, FULL, meter(1, is_personal=False)))
    assert found is not None
    assert found.is_pooled


def test_spending_is_reported_on_credits_only() -> None:
    """In WAIT and BLOCKED no spending is reported."""
    assert spending((0, ROOM, meter(1)), (1, FULL, meter(1, is_enabled=False))) is None


def test_window_without_an_earlier_figure_was_not_seen_to_fill() -> None:
    """A window whose last reading had no figure was not seen to fill."""
    unread = Plan((five_hour(None, None),))
    found = spending((0, unread, meter(1)), (1, FULL, meter(1)))
    assert found is not None
    assert found.filled_label is None
