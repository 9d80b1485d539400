"""The fold's histories of windows: their growth, gaps and owners."""

from __future__ import annotations

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.windows import Plan
from tests.model.readings import FIREFOX, PERSONAL, closed, failed, folded, listed, overage, reply, reported
from tests.model.values import fable, five_hour


def only(store: Store) -> OrgState:
    """Return the only org of a store."""
    (state,) = store.orgs
    return state


def percents(state: OrgState) -> dict[str, list[float]]:
    """Return every percentage of every history; a gap is below zero."""
    return {
        label: [-1 if run.is_gap else run.percent for run in history.runs]
        for label, history in state.histories.items()
    }


def test_store_keeps_the_history_of_plan_wide_windows() -> None:
    """Each usage reply adds to the history; a failed one is a gap, an unrequested one changes nothing."""
    plan = [reply(Endpoint.USAGE, minute, Plan((five_hour(minute), fable(99)))) for minute in range(3)]
    store = folded(listed(0, PERSONAL), *(reported(minute, PERSONAL, plan[minute]) for minute in range(3)))
    assert percents(only(store)) == {"5-hour": [0, 1, 2]}
    later = folded(reported(3, PERSONAL, overage(3, 5)), store=store)
    assert only(later).histories is only(store).histories
    gone = folded(reported(3, PERSONAL, failed(Endpoint.USAGE, 3)), store=store)
    assert percents(only(gone)) == {"5-hour": [0, 1, 2, -1]}


def test_history_has_a_gap_after_a_long_pause() -> None:
    """The time between two polls that are far apart, by the session's interval, is a gap."""
    plan = {minute: reply(Endpoint.USAGE, minute, Plan((five_hour(40),))) for minute in (0, 2, 20, 30)}
    slow = closed(21, interval=10)
    store = folded(listed(0, PERSONAL), *(reported(n, PERSONAL, plan[n]) for n in (0, 2, 20)), slow)
    assert percents(only(store)) == {"5-hour": [40, -1, 40]}
    assert percents(only(folded(reported(30, PERSONAL, plan[30]), store=store))) == {"5-hour": [40, -1, 40]}


def test_history_stays_with_an_org_that_another_session_takes_over() -> None:
    """The history belongs to the org, not to the session."""
    plan = reply(Endpoint.USAGE, 0, Plan((five_hour(40),)))
    before = folded(listed(0, PERSONAL), reported(0, PERSONAL, plan))
    after = folded(listed(1, PERSONAL, session=FIREFOX), store=before)
    assert only(after).histories is only(before).histories
