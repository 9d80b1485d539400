"""The dashboard as accepted pictures: every verdict, and every size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from claudemeter_tui.tui.app import Claudemeter
from tests.scenes import (
    CREDITS_BLOCKED,
    ENTERPRISE,
    LABORATORY,
    PERSONAL,
    SERVER_LOCK,
    TEAM,
    WAITING,
    OrgBodies,
)
from tests.tui.app_harness import app, second, settle, stage

Compare = Callable[..., bool]
SIZES = [(160, 45), (120, 36), (100, 30), (80, 24), (60, 20), (40, 8), (120, 1), (80, 3)]


def trio() -> Claudemeter:
    """Return three orgs: room, blocked, on credits."""
    return app(stage(PERSONAL, TEAM, LABORATORY))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_blocked_org_at_every_size(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The verdict is on screen at every size, then the most important parts."""
    assert snap_compare(trio(), terminal_size=size, run_before=second)


@pytest.mark.parametrize(
    ("name", "bodies"),
    [
        ("can_work", PERSONAL),
        ("on_credits", LABORATORY),
        ("wait", WAITING),
        ("credits_blocked", CREDITS_BLOCKED),
        ("enterprise", ENTERPRISE),
        ("server_lock", SERVER_LOCK),
        ("unknown", OrgBodies(usage={}, subscription=None)),
    ],
)
@pytest.mark.parametrize("size", [(120, 36), (60, 20)], ids=["wide", "narrow"])
def test_every_verdict_wide_and_narrow(
    snap_compare: Compare, name: str, bodies: OrgBodies, size: tuple[int, int]
) -> None:
    """Each verdict has its own picture."""
    assert name
    assert snap_compare(app(stage(bodies)), terminal_size=size, run_before=settle)


def test_first_frame_before_any_reading(snap_compare: Compare) -> None:
    """Before the first reply the screen says that it is reading, and shows no figure."""
    assert snap_compare(app(stage()), terminal_size=(120, 36), run_before=settle)
