"""The work that a key makes, and the figures that all parts of the screen share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.tui.view import View
from tests.bench.calls import MAX_CALLS, press_through_orgs
from tests.scenes import NOW, TEAM, store


def test_arrow_key_makes_few_calls() -> None:
    """A press of → stays within its bound at each of six orgs, and no org is judged twice in a minute."""
    presses = press_through_orgs(rounds=2)
    assert [calls.total() for calls in presses if calls.total() > MAX_CALLS] == []
    assert sum(calls["judge"] for calls in presses) <= len(presses) / 2
    assert all(calls["LineWidget.watch_view"] + calls["LineWidget.redraw"] > 0 for calls in presses)


def test_figures_are_kept_for_a_minute() -> None:
    """All views of one minute give the same figures; a new minute, reply or store gives new ones."""
    known = store(TEAM)
    view = View(known, NOW, known.orgs[0].key, UTC)
    first = view.figures
    assert replace(view, now=NOW + timedelta(seconds=41)).figures is first
    assert replace(view, now=NOW + timedelta(seconds=42)).figures is not first
    assert view.get_figures(replace(known.orgs[0])) is not first


def test_figures_change_with_a_reset_within_the_minute() -> None:
    """A window that resets in the middle of a minute changes the verdict at that second."""
    state = store(TEAM).orgs[0]
    assert state.plan is not None
    window = state.plan.find_full_windows(NOW)[0]
    resets_at = datetime(2026, 4, 25, 14, 48, 30, tzinfo=UTC)
    windows = tuple(one._replace(resets_at=resets_at) if one is window else one for one in state.plan.windows)
    vars(state)["plan"] = replace(state.plan, windows=windows)
    view = View()
    before, after = (
        replace(view, now=resets_at + timedelta(seconds=step)).get_figures(state) for step in (-1, 0)
    )
    assert (before.verdict.state, after.verdict.state) == (VerdictState.BLOCKED, VerdictState.CAN_WORK)
    assert replace(view, now=resets_at + timedelta(seconds=1)).get_figures(state) is after
