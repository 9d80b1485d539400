"""Saved resets and the weekly session reset: when they can be used, and when they are lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from claudemeter_tui.model.account import Subscription
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.resets import Obstacle, ObstacleKind, SavedResets, SavedResetSummary, SessionReset
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Plan, Window
from tests.model.readings import org
from tests.model.values import (
    NOW,
    OPEN,
    PAST,
    SOON,
    build_saved_resets,
    fable,
    five_hour,
    later,
    one_time,
    weekly,
)

FULL = (five_hour(100),)


def test_usable_reset_has_no_obstacle() -> None:
    """With all conditions, one reset of a grant can be used."""
    assert SavedResetSummary(2, None) == build_saved_resets().summarize(FULL, NOW)


NOT_REPORTED = Obstacle(ObstacleKind.NOT_REPORTED)
OBSTACLES: list[tuple[Obstacle, Mapping[str, Any], Mapping[str, Any]]] = [
    (Obstacle(ObstacleKind.NOT_ELIGIBLE, "odd"), {}, {"is_eligible": False, "ineligible_reason": "odd"}),
    (NOT_REPORTED, {}, {"is_eligible": False}),
    (Obstacle(ObstacleKind.PAUSED), {"is_paused": True}, {}),
    (Obstacle(ObstacleKind.NOT_STARTED, until=SOON), {"starts_at": SOON}, {}),
    (NOT_REPORTED, {"starts_at": None}, {}),
    (Obstacle(ObstacleKind.COOLDOWN, until=SOON), {}, {"cooldown_until": SOON}),
    (NOT_REPORTED, {}, {"is_cooldown_unreadable": True}),
    (Obstacle(ObstacleKind.BLOCKED, "a, b"), {"blocking": ("a", "b")}, {}),
    (Obstacle(ObstacleKind.CLEARS_OTHERS, "5-hour"), {"clears": ("seven_day",)}, {}),
    (NOT_REPORTED, {"is_next": False}, {}),
    (NOT_REPORTED, {"is_usable": False}, {}),
    (NOT_REPORTED, {"is_unreadable": True}, {}),
    (NOT_REPORTED, {}, {"is_at_limit": False}),
]


@pytest.mark.parametrize(("obstacle", "grant", "more"), OBSTACLES)
def test_one_missing_condition_is_an_obstacle(
    obstacle: Obstacle, grant: Mapping[str, Any], more: Mapping[str, Any]
) -> None:
    """Each condition is enough to make a reset unusable, and the known reason is named first."""
    assert SavedResetSummary(2, None, obstacle) == build_saved_resets(grant, **more).summarize(FULL, NOW)


@pytest.mark.parametrize(
    ("grant", "more"),
    [
        ({}, {"cooldown_until": PAST}),
        ({"needs_limit": False}, {"is_at_limit": False}),
        ({"ends_at": SOON}, {}),
        ({}, {"ineligible_reason": "odd"}),
    ],
)
def test_condition_that_is_met_is_no_obstacle(grant: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    """A past cooldown, a future end, and a limit that is not needed prevent nothing."""
    found = build_saved_resets(grant, **more).summarize(FULL, NOW)
    assert found is not None
    assert found.is_usable


@pytest.mark.parametrize("grant", [{"resets_left": 0}, {"resets_left": None}, {"ends_at": NOW}])
def test_reset_that_is_gone_is_not_named(grant: Mapping[str, Any]) -> None:
    """No grant with a reset left is no summary."""
    assert build_saved_resets(grant).summarize(FULL, NOW) is None


def test_reset_has_to_clear_every_full_window() -> None:
    """A reset that leaves another window full lets no work continue."""
    resets = build_saved_resets({"clears": ("seven_day",)})
    found = resets.summarize((weekly(100), five_hour(100)), NOW)
    assert SavedResetSummary(2, None, Obstacle(ObstacleKind.CLEARS_OTHERS, "5-hour")) == found


def test_resets_of_all_grants_are_added() -> None:
    """The sum counts every grant that is not lost; the usable one is named, wherever it is listed."""
    (usable,) = build_saved_resets({"ends_at": later(days=2)}).grants
    other, lost = usable._replace(is_next=False, resets_left=1), usable._replace(ends_at=PAST)
    for grants in ((usable, other, lost), (lost, other, usable)):
        resets = build_saved_resets()._replace(grants=grants)
        assert SavedResetSummary(3, later(days=2)) == resets.summarize(FULL, NOW)


@pytest.mark.parametrize("windows", [(five_hour(99),), (five_hour(), fable()), (five_hour(), one_time())])
def test_reset_is_no_cure_while_the_plan_has_room(windows: tuple[Window, ...]) -> None:
    """Without a full plan-wide window there is nothing to cure."""
    plan = Plan(windows, saved_resets=build_saved_resets(), session_reset=SessionReset(True, True))
    found = judge(org(plan=plan), NOW)
    assert (found.saved_resets, found.has_session_reset) == (None, False)


def test_reset_changes_no_verdict() -> None:
    """Resets are shown beside a verdict that does not depend on them."""
    plan = Plan(FULL, saved_resets=build_saved_resets(), session_reset=SessionReset(True, True))
    with_resets, without = (judge(org(plan=one, credits_=OPEN), NOW) for one in (plan, Plan(FULL)))
    assert with_resets.saved_resets is not None
    assert with_resets.has_session_reset
    assert without == with_resets._replace(saved_resets=None, has_session_reset=False)
    assert with_resets.credits is CreditState.OPEN


@pytest.mark.parametrize(
    ("is_cure", "reset", "windows"),
    [
        (True, SessionReset(True, True), FULL),
        (True, SessionReset(True, True, next_at=SOON), FULL),
        (False, SessionReset(False, True), FULL),
        (False, SessionReset(True, False), FULL),
        (False, SessionReset(True, True, is_control=True), FULL),
        (False, SessionReset(True, True), (weekly(100), five_hour(100))),
        (False, SessionReset(True, True), (weekly(100),)),
        (False, SessionReset(True, True), ()),
    ],
)
def test_session_reset_clears_the_5_hour_window_only(
    *, is_cure: bool, reset: SessionReset, windows: tuple[Window, ...]
) -> None:
    """The session reset is a cure if it is offered, and no other window is full."""
    assert is_cure is reset.is_cure(windows)


@pytest.mark.parametrize(
    ("plan_ends", "grant_ends", "lost_at"),
    [(2, 9, 2), (9, 2, 2), (None, 2, 2), (2, None, 2), (None, None, None)],
)
def test_reset_is_lost_with_its_plan(
    plan_ends: int | None, grant_ends: int | None, lost_at: int | None
) -> None:
    """An unused reset is lost at its own end or at that of the plan, whichever comes first."""
    ends = [None if days is None else later(days=days) for days in (plan_ends, grant_ends, lost_at)]
    plan = Plan(FULL, saved_resets=build_saved_resets({"ends_at": ends[1]}))
    state = org(plan=plan, subscription=Subscription("active", ends_at=ends[0]))
    found = judge(state, NOW).saved_resets
    assert found == SavedResetSummary(2, ends[2])
    assert dict.fromkeys(filter(None, ends[2:]), 2) == state.saved_resets.count_by_loss(NOW)


def test_every_change_of_a_reset_is_known_ahead() -> None:
    """The start, the end and the cooldown of a reset are moments at which it changes."""
    resets = build_saved_resets({"ends_at": SOON}, cooldown_until=NOW + timedelta(hours=1))
    assert {PAST, SOON, NOW + timedelta(hours=1)} == set(resets.iter_changes())
    assert list(SavedResets().iter_changes()) == []
