"""The other screens, and the blocked dashboard in other colours, as accepted pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, ScanResult, Schedule, Session
from claudemeter_tui.tui.screens.connect import SecretInput
from tests.scenes import LABORATORY, NOW, PERSONAL, TEAM
from tests.tui.app_harness import Stage, app, finish_workers, stage
from tests.tui.test_connect import can_install
from tests.tui.test_overview import many

Compare = Callable[..., bool]
WIDE, NARROW = (120, 36), (60, 20)
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press these keys once all readings are on screen."""

    async def press(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return press


@SIZES
@pytest.mark.parametrize(
    ("screen", "key"),
    [("overview", "o"), ("details", "d"), ("help", "question_mark"), ("events", "e"), ("confirm", "S")],
)
def test_screen(snap_compare: Compare, screen: str, key: str, size: tuple[int, int]) -> None:
    """The verdict is the first line of every screen over the dashboard, except for a question."""
    assert screen
    trio = app(stage(PERSONAL, TEAM, LABORATORY))
    assert snap_compare(trio, terminal_size=size, run_before=after("2", key))


@SIZES
@pytest.mark.parametrize("count", [1, 200], ids=["one", "many"])
def test_overview_of(snap_compare: Compare, count: int, size: tuple[int, int]) -> None:
    """One org has all its windows, many have only their rows."""
    assert snap_compare(app(stage(*many(count))), terminal_size=size, run_before=after("o"))


@pytest.mark.parametrize("look", ["light", "ascii", "private"])
def test_blocked_in_other_looks(snap_compare: Compare, look: str) -> None:
    """A light theme, ASCII, and pseudonyms show the same."""
    looks: dict[str, dict[str, Any]] = {
        "light": {"theme": "claudemeter-light"},
        "ascii": {"ascii": True},
        "private": {"privacy": True},
    }
    trio = app(stage(PERSONAL, TEAM, LABORATORY), **looks[look])
    assert snap_compare(trio, terminal_size=WIDE, run_before=after("2"))


def test_blocked_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR every severity is still marked."""
    monkeypatch.setenv("NO_COLOR", "1")
    trio = app(stage(PERSONAL, TEAM, LABORATORY))
    assert snap_compare(trio, terminal_size=WIDE, run_before=after("2"))


def test_blocked_in_sixteen_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """In sixteen colours the severities are distinct."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM")
    trio = app(stage(PERSONAL, TEAM, LABORATORY))
    assert snap_compare(trio, terminal_size=WIDE, run_before=after("2"))


PLACES = (
    ScanResult(
        Session("Chrome", "Default"), "not signed in", "claude.ai was visited, but no one is signed in"
    ),
    ScanResult(
        Session("Chrome", "Work"),
        "could not decrypt",
        "no matching key in the keyring: unlock it and retry",
    ),
    ScanResult(
        Session("Firefox", "default-release"),
        "session expired",
        "Sign in to claude.ai in Firefox (default-release).",
    ),
    ScanResult(
        Session("Firefox", "default-release, Work container"),
        "not signed in",
        "claude.ai was never visited",
    ),
    ScanResult(
        Session("Claude Code"),
        "not signed in",
        "no login in the home folder's .claude: run claude and sign in with /login",
    ),
)


@SIZES
@pytest.mark.parametrize("keys", [(), ("p",), ("x",)], ids=["looked", "pasting", "extension"])
def test_connect(snap_compare: Compare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    """The first run shows the actions, the scanned places, the field for a cookie, and the extension."""
    wait = timedelta(seconds=42)
    none = Failure(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, NOW)
    looked = Reading(Session(""), NOW, none, schedule=Schedule(NOW + wait, wait), scan_results=PLACES)

    async def press(pilot: Pilot[Any]) -> None:
        await after(*keys)(pilot)
        pilot.app.screen.query_exactly_one(SecretInput).cursor_blink = False
        await finish_workers(pilot.app)
        await pilot.pause()

    first_run = app(Stage([looked]), **can_install())
    assert snap_compare(first_run, terminal_size=size, run_before=press)
