"""The dashboard's keys, readings, ticks and sizes."""

from __future__ import annotations

import importlib
import pkgutil
import re
import webbrowser
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandList
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.pilot import Pilot

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Schedule
from claudemeter_tui.tui import screens, web_browser
from claudemeter_tui.tui.app import Claudemeter, compute_tick_delay
from claudemeter_tui.tui.keys import FOOTER_KEYS, KEY_GROUPS
from claudemeter_tui.tui.layout import WIDE_FROM, compute_panel_shares
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.screens.connect import ConnectScreen
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.events import EventsScreen
from claudemeter_tui.tui.screens.help import (
    OTHER_KEY_GROUPS,
    SCREEN_KEY_GROUPS,
    HelpScreen,
    list_key_groups,
)
from claudemeter_tui.tui.screens.lists import ListScreen, MomentListScreen, PageScreen
from claudemeter_tui.tui.screens.pages import PagesScreen
from tests.bodies import TEAM as TEAM_UUID
from tests.bodies import usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    INTERVAL,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    SERVER_LOCK,
    SESSION,
    TEAM,
    WAITING,
    OrgBodies,
    org_of,
    readings,
)
from tests.tui.app_harness import Stage, app, finish_workers, press_each, screen, stage, text

TRIO = (PERSONAL, TEAM, LABORATORY)
SHOWN_NAMES = {"right": "→", "left": "←", "tab": "Tab", "shift+tab": "Shift+Tab"}
"""Names on screen of the keys that share a line of the help."""


def selected(pilot: Pilot[Any]) -> str:
    """Return the name of the org on screen."""
    assert isinstance(pilot.app, Claudemeter)
    state = pilot.app.store.find_org_state(pilot.app.selected)
    return state.org.name if state else ""


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ([], "Personal"),
        (["2"], "Acme Team"),
        (["3"], "Lab"),
        (["9"], "Personal"),
        (["right"], "Acme Team"),
        (["tab", "tab"], "Lab"),
        (["tab", "tab", "tab"], "Personal"),
        (["left"], "Lab"),
        (["shift+tab"], "Lab"),
        (["3", "left"], "Acme Team"),
    ],
)
async def test_keys_switch_orgs(keys: list[str], name: str) -> None:
    """Numbers pick an org, arrows and Tab go round, a number without an org does nothing."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        assert name == selected(pilot)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (
            (160, 45),
            [
                (
                    "▌ BLOCKED until 16:00 (in 1h 11m)  Your monthly cap is reached"
                    " · credits locked until Fri May 1 00:00 (in 5d 9h)"
                ),
                (
                    "▌         Ask an administrator to raise it"
                    " · the 5-hour window frees up first  self_selected_spend_limit_reached"
                ),
            ],
        ),
        (
            (110, 45),
            [
                (
                    "▌ BLOCKED until 16:00 (in 1h 11m)  Your monthly cap is reached"
                    " · credits locked until Fri May 1 00:00"
                ),
                "▌         Ask an administrator to raise it · the 5-hour window frees up first",
            ],
        ),
        (
            (80, 24),
            [
                "▌ BLOCKED until 16:00 (in 1h 11m)  Your monthly cap is reached",
                "▌ Locked until Fri May 1 00:00 · ask an administrator to raise it   +1 more (d)",
            ],
        ),
        (
            (60, 20),
            [
                "▌BLOCKED until 16:00 (in 1h 11m)",
                "▌Your monthly cap is reached · locked until Fri May 1 00:00",
                "▌Ask an administrator to raise it · 5-hour frees up first",
            ],
        ),
        (
            (40, 8),
            [
                "▌BLOCKED until 16:00 (in 1h 11m)",
                "▌Your monthly cap is reached",
                "▌Credits locked until Fri May 1 00:00",
            ],
        ),
        (
            (30, 8),
            [
                "▌BLOCKED until 16:00",
                "▌Your monthly cap is reached",
                "▌Locked until Fri May 1 00:00",
            ],
        ),
    ],
)
async def test_banner_has_cause_end_and_cure(size: tuple[int, int], expected: list[str]) -> None:
    """The earliest end comes first; there are two lines from 80 columns on, else three, and a code last."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("2")
        await pilot.pause()
        shown = [re.sub("   +(?=self)", "  ", line) for line in screen(pilot) if line.startswith("▌")]
        assert expected == shown


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        (PERSONAL, ["▌ CAN WORK  5-hour 67%, resets 16:00 (in 1h 11m)"]),
        (
            LABORATORY,
            [
                "▌ ON CREDITS  5-hour full until 16:00 (in 1h 11m)",
                "▌             Spent $5.12 since 14:02 ($6.67/h), last increase 9m ago",
            ],
        ),
        (
            WAITING,
            [
                "▌ WAIT  5-hour full until 16:00 (in 1h 11m)",
                "▌       Usage credits are off · turn them on at claude.ai/settings/usage",
            ],
        ),
        (
            CREDITS_BLOCKED,
            [
                "▌ CAN WORK · credits BLOCKED  The prepaid balance is empty",
                (
                    "▌ Add credits on claude.ai/settings/usage"
                    " · work stops when a plan window is full (5-hour 41%, 7-day all 67%)"
                ),
            ],
        ),
        (
            OrgBodies(usage={}, subscription=None),
            ["▌ UNKNOWN  claude.ai reports no usage for this org", "▌" + " " * 10 + "Press r to retry"],
        ),
    ],
)
async def test_banner_of_every_verdict(bodies: OrgBodies, expected: list[str]) -> None:
    """A calm verdict has one line; any other one has its cure or outlook in a second line."""
    async with app(stage(bodies)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert expected == [line for line in screen(pilot) if line.startswith("▌")]


async def test_facts_without_room_are_counted() -> None:
    """The banner says how many facts the details have beside those that fit."""
    async with app(stage(SERVER_LOCK)).run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        (line,) = (line for line in screen(pilot) if "more" in line)
        assert line == "▌Credits locked until Fri May 1 00:00           +2 more (d)"


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (80, 24), (60, 20), (40, 8), (80, 3), (40, 1)])
@pytest.mark.parametrize("keys", ["", "d", "e", "o"])
async def test_end_of_a_block_is_on_every_screen(size: tuple[int, int], keys: str) -> None:
    """Every screen shows the same time at which work is possible again, at every size."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await press_each(pilot, "2", *(keys if size[1] > 1 else ""))  # no screen opens in one line
        assert re.search("BLOCKED (until|→) 16:00", text(pilot))


async def test_countdown_goes_down_by_itself() -> None:
    """A minute later every countdown has a minute less, without a reading."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "  16:00      1h 11m " in text(pilot)
        await scene.at(pilot, NOW + timedelta(minutes=1))
        assert "  16:00      1h 10m " in text(pilot)
        assert "updated 1m ago" in text(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20), (40, 8)])
async def test_due_window_has_no_figure(size: tuple[int, int]) -> None:
    """A window whose reset has passed shows neither its old percentage nor 0%, and says so once."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=size) as pilot:
        await pilot.pause()
        await scene.at(pilot, NOW + timedelta(hours=2))
        line = next(line for line in screen(pilot) if re.match(r"│? ?5-hour +····", line))
        assert line.split().count("due") == line.count("due") == 1
        assert "since 16:00" in line or size[0] < 120
        assert "%" not in line.removeprefix("│").split("│")[0].partition("was ")[0]


async def test_poll_never_moves_the_selection() -> None:
    """The selected org stays on screen after a reading, a new org and a removed one."""
    scene = stage(*TRIO)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2")
        fresh = {"uuid": "bbbbbbbb-0000-4000-8000-000000000009", "name": "New"}
        newcomer = OrgBodies(org=PERSONAL.org | fresh)
        await scene.post(pilot, *readings(newcomer, *TRIO, at=READ + INTERVAL))
        assert selected(pilot) == "Acme Team"
        await scene.post(pilot, *readings(TEAM, at=READ + 2 * INTERVAL))
        assert selected(pilot) == "Acme Team"


async def test_removed_selected_org_is_replaced_by_the_first() -> None:
    """If the selected org is removed, the first one is shown."""
    scene = stage(*TRIO)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2")
        await scene.post(pilot, *readings(PERSONAL, LABORATORY, at=READ + INTERVAL))
        assert selected(pilot) == "Personal"


async def test_failed_poll_keeps_figures_and_names_the_problem() -> None:
    """After a failure the last good figures stay, with their age, and the problem is shown."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.USAGE, NOW, "status 502")
        report = OrgReading(org_of(PERSONAL.org), {Endpoint.USAGE: failure})
        await scene.post(pilot, Reading(SESSION, NOW, org_readings=(report,)))
        assert "67%" in text(pilot)
        assert "Personal · usage: server error (status 502)" in text(pilot)
        assert "1 problem" in text(pilot)
        await pilot.press("e")
        assert isinstance(pilot.app.screen, EventsScreen)
        assert "▲ Personal · usage: server error (status 502) since 14:48" in text(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "The figures from 14:48 stay on screen." in text(pilot)
        await scene.post(pilot, *readings(PERSONAL, at=NOW + INTERVAL))
        assert "no problems" in text(pilot)


async def test_events_before_the_first_reading_say_so() -> None:
    """Before the first reading the events are empty, and it is on screen when they are closed."""
    scene = stage()
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.press("e")
        assert "Nothing read yet." in text(pilot)
        assert "no problems" not in text(pilot)
        await scene.post(pilot, *readings(PERSONAL))
        assert "no problems" in text(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "67%" in text(pilot)


async def test_stale_figures_say_their_age() -> None:
    """Figures older than two intervals are marked stale, and stay."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await scene.at(pilot, NOW + timedelta(minutes=3))
        assert "stale: read 3m ago" in text(pilot)
        assert "67%" in text(pilot)
        await scene.at(pilot, NOW + timedelta(minutes=20))
        assert "UNKNOWN" in text(pilot)


async def test_refresh_polls() -> None:
    """`r` polls now."""
    scene = stage(PERSONAL)
    async with app(scene).run_test() as pilot:
        await pilot.pause()
        await pilot.press("r")
        assert scene.pokes == 1


async def test_refresh_during_a_back_off_shows_its_end() -> None:
    """During a back-off `r` sends no request, and shows the time of the next one."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        held = Schedule(NOW + timedelta(minutes=12), INTERVAL, is_backing_off=True)
        await scene.post(pilot, Reading(SESSION, NOW, schedule=held))
        assert "retry at 15:00" in text(pilot)
        await pilot.press("r")
        await pilot.pause()
        assert scene.pokes == 0
        assert "15:00 (in 12m)" in text(pilot)


async def test_refresh_that_has_to_wait_a_moment_is_answered_once() -> None:
    """Holding `r` just after a poll passes each press on, and shows one message."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        free_at = NOW + timedelta(seconds=4)
        schedule = Schedule(NOW + INTERVAL, INTERVAL, free_at=free_at)
        await scene.post(pilot, Reading(SESSION, NOW, schedule=schedule))
        await pilot.press(*["r"] * 20)
        await pilot.pause()
        assert scene.pokes == 20
        assert text(pilot).count("reading again in a few seconds") == 1
        await scene.at(pilot, free_at)
        await pilot.press("r")
        assert scene.pokes == 21
        assert len(pilot.app._notifications) == 1


async def test_refresh_during_a_poll_is_answered() -> None:
    """While a poll is under way, `r` says so."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        await scene.post(pilot, Reading(SESSION, NOW))
        await pilot.press("r", "r")
        await pilot.pause()
        assert text(pilot).count("Already reading.") == 1


@pytest.mark.parametrize(
    ("expected", "browser", "result"),
    [
        ("Opening claude.ai/settings/usage", "firefox", True),
        ("No browser opened. Address copied: https://claude.ai/settings/usage", "firefox", False),
        ("No browser opened. Address copied: https://claude.ai/settings/usage", "w3m", True),
        ("No browser opened. Address copied: https://claude.ai/settings/usage", None, True),
    ],
)
async def test_usage_page_opens_in_the_browser(
    monkeypatch: pytest.MonkeyPatch,
    expected: str,
    browser: str | None,
    result: bool,  # noqa: FBT001 - a table
) -> None:
    """`u` opens claude.ai's usage page, and the message shows if that worked."""

    class Browser(webbrowser.GenericBrowser):
        """A browser that starts or does not."""

        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002
            """Start nothing."""
            opened.append(url)
            return result

    def get() -> Browser:
        if browser is None:
            raise webbrowser.Error("could not locate runnable browser")
        return Browser(browser)

    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "get", get)
    async with app(stage(PERSONAL)).run_test(notifications=True) as pilot:
        await pilot.press("u")
        await finish_workers(pilot.app)
        assert [one.message for one in pilot.app._notifications] == [expected]
        assert opened == (["https://claude.ai/settings/usage"] if browser == "firefox" else [])
        is_copied = pilot.app.clipboard == "https://claude.ai/settings/usage"
        assert is_copied is expected.startswith("No browser opened")


@pytest.mark.parametrize(
    ("expected", "script"),
    [
        ("Opening claude.ai/settings/usage", 'test "$1" = https://claude.ai/settings/usage'),
        ("Opening claude.ai/settings/usage", "exec sleep 1"),
        (
            "No browser opened. Address copied: https://claude.ai/settings/usage",
            "echo no method available >&2; exit 3",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
async def test_usage_page_shows_whether_the_program_for_it_worked(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    expected: str,
    script: str,
) -> None:
    """A program such as `xdg-open` that starts and fails leaves the address to copy, and writes nothing."""
    opener = tmp_path / "xdg-open"
    opener.write_text(f"#!/bin/sh\n{script}\n")
    opener.chmod(0o700)
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser(str(opener)))
    monkeypatch.setattr(web_browser, "OPEN_TIMEOUT", 0.3 if "sleep" in script else 10.0)
    async with app(stage(PERSONAL)).run_test(notifications=True) as pilot:
        await pilot.press("u")
        await finish_workers(pilot.app)
        assert [one.message for one in pilot.app._notifications] == [expected]
    assert "no method" not in "".join(capfd.readouterr())


async def test_help_opens_over_the_dashboard_and_closes() -> None:
    """`?` opens the help, the verdict stays on its first line, Escape and `?` close it."""
    async with app(stage(*TRIO)).run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        await pilot.press("2", "question_mark")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        assert "BLOCKED" in screen(pilot)[0]
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, DashboardScreen)
        await pilot.press("question_mark", "e")
        assert isinstance(pilot.app.screen, EventsScreen)
        await pilot.press("e")
        assert isinstance(pilot.app.screen, DashboardScreen)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        *(("Overview", "o"), ("Details", "d"), ("History", "h"), ("This machine", "l")),
        *(("Events", "e"), ("Themes", "t")),
    ],
)
async def test_help_begins_with_the_keys_of_the_screen_it_was_opened_on(title: str, key: str) -> None:
    """The screen's own keys come first, and each key below `Everywhere` does what the help says there."""
    async with app(stage(*TRIO)).run_test(size=(80, 60)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        actions = {name: one.binding.action for name, one in pilot.app.screen.active_bindings.items()}
        (_, own), (_, everywhere) = list_key_groups(type(pilot.app.screen))[0]
        names = {name for one in everywhere for name in one.display.split()}
        assert {"1-9", "→", "r", "q"} <= names | {name for one in own for name in one.display.split()}
        assert actions["1"] == "pick(1)"
        for one in everywhere:
            shown = [
                name
                for name in one.keys.split(",")
                if name and SHOWN_NAMES.get(name, one.display) in one.display.split()
            ]
            copies = (
                {"screen.copy_text"} if one.display == "Ctrl+C" else set()
            )  # it quits without a selection
            assert {actions[name] for name in shown} <= {one.action} | copies
        await pilot.press("question_mark")
        await pilot.pause()
        headings = [line.strip() for line in screen(pilot)[2:] if line.startswith("  ") and line[2:3].strip()]
        assert headings[:2] == [f"{title} (here)", "Everywhere"]


def test_help_names_no_key_twice_for_two_purposes() -> None:
    """The keys of a screen replace those of the program, also without a session, where `d` opens the demo."""
    for screen_type, (_, own) in SCREEN_KEY_GROUPS.items():
        here, everywhere = list_key_groups(screen_type)[0]
        names = [name for _, group in (here, everywhere) for key in group for name in key.display.split()]
        assert here[1] == own
        assert len(names) == len(set(names))
    assert not {"p", "d"} & {key.display for key in list_key_groups(ConnectScreen)[0][1][1]}


BASE_SCREENS = (ViewScreen, PageScreen, ListScreen, MomentListScreen, PagesScreen)
"""Base classes of screens, which are never opened."""


def test_help_knows_the_keys_of_every_screen() -> None:
    """Each screen but the dashboard and the help has a section, with every key that is bound there."""
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    found = {*list_subclasses(ViewScreen)} - {*BASE_SCREENS, DashboardScreen, HelpScreen}
    assert len(found) >= len(SCREEN_KEY_GROUPS)
    for one in found:
        title, own = list_key_groups(one)[0][0]
        assert title.endswith(" (here)"), one
        assert list_bound(one) - list_bound(ViewScreen) - {"escape"} <= {
            name for key in own for name in key.keys.split(",")
        }, one


def list_bound(screen_type: type[ViewScreen]) -> set[str]:
    """Return the names of all keys that a class binds."""
    bindings = [one for one in screen_type.BINDINGS if isinstance(one, Binding)]
    return {name for one in bindings for name in one.key.split(",")}


def list_subclasses(base: type[ViewScreen]) -> Iterator[type[ViewScreen]]:
    """Yield all subclasses."""
    for one in base.__subclasses__():
        yield one
        yield from list_subclasses(one)


async def test_help_of_the_dashboard_begins_with_its_groups() -> None:
    """The dashboard has no keys of its own, and every key of the program is listed once there."""
    async with app(stage(*TRIO)).run_test(size=(80, 60)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert list_key_groups(DashboardScreen) == (KEY_GROUPS, OTHER_KEY_GROUPS)
        assert screen(pilot)[3].strip() == KEY_GROUPS[0][0]


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20)])
async def test_help_keeps_a_blank_before_the_scroll_bar(size: tuple[int, int]) -> None:
    """No text touches the scroll bar."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        bar = pilot.app.screen.query_exactly_one(VerticalScroll).vertical_scrollbar.region
        assert bar.width == 1
        lines = [line.ljust(bar.x) for line in screen(pilot)[bar.y : bar.bottom]]
        assert {line[bar.x - 1] for line in lines} == {" "}


async def test_help_shows_each_verdict_with_its_mark() -> None:
    """Every verdict follows the mark that its tab has."""
    async with app(stage(PERSONAL)).run_test(size=(120, 60)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        for mark in (
            "● CAN WORK",
            "▲ ON CREDITS",
            "◆ WAIT",
            "■ BLOCKED",
            "? UNKNOWN",
            "? NO LIMITS REPORTED",
        ):
            assert f" {mark}" in text(pilot)


async def test_unknown_has_a_mark_of_its_own() -> None:
    """An org without figures has a question mark in its tab, not the mark of 75%."""
    async with app(stage(OrgBodies(usage={}, subscription=None))).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        tab = screen(pilot)[1]
        assert "? 1 " in tab
        assert "▲" not in tab
        assert "no figures  claude.ai sent no usage" in text(pilot)
        assert "NO LIMITS REPORTED" not in text(pilot)


async def test_click_on_a_tab_selects_its_org() -> None:
    """A click on a tab selects its org like its number."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        column = screen(pilot)[1].index("Lab")
        await pilot.click(offset=(column, 1))
        assert selected(pilot) == "Lab"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, ["q", "?", "r", "1-9"]),
        (60, ["q", "?", "r", "1-9", "o", "d"]),
        (80, ["q", "?", "r", "1-9", "o", "d", "e", "h"]),
        (120, ["q", "?", "r", "1-9", "o", "d", "e", "h", "l", "s", "p"]),
        (160, ["q", "?", "r", "1-9", "o", "d", "e", "h", "l", "s", "p", "+ -", "u"]),
    ],
)
async def test_footer_keeps_the_most_important_keys(width: int, expected: list[str]) -> None:
    """A narrower pane loses the hints from the right end, and keeps those of the screens longest."""
    async with app(stage(PERSONAL)).run_test(size=(width, 20)) as pilot:
        await pilot.pause()
        shown = screen(pilot)[-1]
        hints = [f"{key.display} {key.label}" for key in FOOTER_KEYS if key.display in expected]
        assert " " + "  ".join(hints) == shown
        assert [key.display for key in FOOTER_KEYS if f" {key.display} {key.label}" in shown] == expected


@pytest.mark.parametrize("key", ["", "o", "d", "e", "h", "l"])
async def test_help_is_in_every_footer(key: str) -> None:
    """The hint of the help follows the one that leaves the screen, and is clickable."""
    async with app(stage(PERSONAL)).run_test(size=(40, 20)) as pilot:
        await pilot.pause()
        if key:
            await pilot.press(key)
            await pilot.pause()
        hints = screen(pilot)[-1]
        assert hints.startswith(" Esc close  ? help" if key else " q quit  ? help")
        await pilot.click(offset=(hints.index("help"), 19))
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_click_on_a_hint_presses_its_key() -> None:
    """A click on a hint of the footer works like its key."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        column = screen(pilot)[-1].index("help")
        await pilot.click(offset=(column, 35))
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_failing_fold_is_a_problem_on_screen() -> None:
    """An exception while a reading is applied becomes a problem; the screen stays."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        broken = Reading(SESSION, NOW, orgs=(replace(org_of(TEAM.org), uuid=TEAM_UUID), 17))  # type: ignore[arg-type]
        await scene.post(pilot, broken)
        assert "claudemeter bug" in text(pilot)
        assert "67%" in text(pilot)


@pytest.mark.parametrize("size", [(40, 8), (60, 20), (80, 24), (100, 30), (160, 45), (250, 70)])
async def test_resize_keeps_selection_and_fills_the_screen(size: tuple[int, int]) -> None:
    """After a resize the same org is on screen, in the layout of the new size, without an overflow."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2")
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert selected(pilot) == "Acme Team"
        lines = screen(pilot)
        assert len(lines) == size[1]
        assert "BLOCKED" in "\n".join(lines[:4])
        bottom = max(part.region.bottom for part in pilot.app.screen.query("LineWidget") if part.display)
        assert bottom <= size[1]


async def test_hostile_names_are_text() -> None:
    """Markup, escape sequences and overlong names of orgs are shown as text within the layout."""
    org = PERSONAL.org | {"name": "[bold red]x[/nope] \x1b]0;owned\x07\u202e" + "W" * 300}
    async with app(stage(OrgBodies(org=org), TEAM)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "[bold red]x[/nope]" in text(pilot)
        assert "\x1b" not in text(pilot)
        assert all(len(line) <= 80 for line in screen(pilot))


async def test_quit_keys_end_the_program() -> None:
    """`q` quits; Ctrl+C quits if no text is selected."""
    for key in ("q", "ctrl+c"):
        scene: Stage = stage(PERSONAL)
        dashboard = app(scene)
        async with dashboard.run_test() as pilot:
            await pilot.press(key)
            await pilot.pause()
        assert dashboard.return_code == 0


async def test_ctrl_c_copies_the_selection() -> None:
    """With a selection Ctrl+C copies it and does not quit."""
    dashboard = app(stage(PERSONAL))
    async with dashboard.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        row = next(place for place, line in enumerate(screen(pilot)) if "of $50.00" in line)
        column = screen(pilot)[row].index("$17.20")
        await pilot.mouse_down(offset=(column, row))
        await pilot.hover(offset=(column + 15, row))
        await pilot.mouse_up(offset=(column + 15, row))
        await pilot.press("ctrl+c")
        assert "$17.20 of $50.00" in dashboard.clipboard
        assert dashboard.is_running


async def test_chart_changes_its_span_and_follows_the_pointer() -> None:
    """`+` and `-` change the time span of the chart, and the pointer shows time and value."""
    async with app(stage(LABORATORY)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "Used credits  - 1h ▐run▌ 24h" in text(pilot)
        await pilot.press("minus")
        await pilot.pause()
        assert "Used credits  - ▐1h▌ run 24h" in text(pilot)
        await pilot.hover(offset=(117, 20))
        await pilot.pause()
        assert "14:48  $8.12" in text(pilot)
        await pilot.hover(offset=(5, 0))
        await pilot.press("plus", "plus", "plus")
        await pilot.pause()
        assert "Used credits  - 1h run 24h ▐7d▌ 30d" in text(pilot)


async def test_palette_has_the_same_actions() -> None:
    """Every action with a name is in the command palette."""
    dashboard = app(stage(PERSONAL))
    async with dashboard.run_test() as pilot:
        titles = {command.title for command in dashboard.get_system_commands(pilot.app.screen)}
        assert {"Refresh", "Events", "Help", "Open usage page", "Next org", "Quit"} <= titles


@pytest.mark.parametrize("key", ["pagedown", "pageup"])
async def test_page_keys_before_the_palette_is_laid_out(key: str) -> None:
    """Page Up and Page Down do nothing while the hits have no lines, and then move the highlight."""
    page, back = ("page_down", "first") if key == "pagedown" else ("page_up", "last")
    async with app(stage(PERSONAL)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+p")
        palette = pilot.app.screen
        hits = palette.query_one(CommandList)
        while not hits.option_count:
            await pilot.pause()
        found = [*hits.options]
        hits.clear_options()
        await pilot.pause()
        hits.add_options(found).action_first()
        await palette.run_action(f"command_list('{page}')")  # no layout since the hits came
        assert hits.highlighted == 0
        await pilot.pause()
        await palette.run_action(f"command_list('{back}')")
        before = hits.highlighted
        await pilot.press(key)
        assert hits.highlighted != before


@pytest.mark.parametrize("size", [(120, 36), (50, 12)])
async def test_privacy_removes_the_messages_on_screen(size: tuple[int, int]) -> None:
    """A toast that was worded before `p` is not left on the private screen."""
    async with app(stage(*TRIO)).run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        pilot.app.notify("work is blocked", title="Acme Team", markup=False)
        await pilot.pause()
        assert "work is blocked" in text(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert "work is blocked" not in text(pilot)
        assert "Acme" not in text(pilot)


@pytest.mark.parametrize(
    ("seconds", "speed", "expected"),
    [(0, 1, 5), (1.5, 1, 3.5), (4.5, 1, 1), (3599, 1, 1), (0, 60, 1), (0, 2, 2.5)],
)
def test_ticks_come_when_the_header_can_change(seconds: float, speed: float, expected: float) -> None:
    """They come at each multiple of five seconds of the clock, and never more than once a second."""
    assert compute_tick_delay(NOW.replace(minute=0, second=0) + timedelta(seconds=seconds), speed) == expected


async def test_lost_resize_is_repaired_with_the_next_tick() -> None:
    """A size that differs from the terminal's is corrected, and the same size sends nothing."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        program = pilot.app
        assert isinstance(program, Claudemeter)
        program.check_size(Size(90, 30))
        await pilot.pause()
        await pilot.pause(0.05)
        assert (program.size, program.screen.outer_size) == (Size(90, 30), Size(90, 30))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((160, 45), ["1h 11m  ~88% at the reset", "2d 23h  ~71% at the reset", "2d 23h  ~21% at the reset"]),
        ((120, 36), ["1h 11m", "2d 23h", "2d 23h", ""]),
        ((100, 24), ["1h 11m", "2d 23h", "2d 23h", ""]),
        ((80, 24), ["1h 11m  ~88% at the reset", "2d 23h  ~71% at the reset", "2d 23h  ~21% at the reset"]),
        ((60, 20), ["1h 11m", "2d 23h", "2d 23h"]),
        ((40, 8), ["16:00", "Tue 14:00", "Tue 14:00"]),
    ],
)
async def test_window_is_one_line_with_its_forecast(size: tuple[int, int], expected: list[str]) -> None:
    """The forecast is on the window's line if its bar stays long, else left out."""
    async with app(stage(PERSONAL)).run_test(size=size) as pilot:
        await pilot.pause()
        end = compute_panel_shares(size[0])[0] if size[0] >= WIDE_FROM else size[0]
        lines = [line[:end] for line in screen(pilot)]
        first = next(place for place, line in enumerate(lines) if "━" in line)
        shown = [line.strip("│ ") for line in lines[first : first + len(expected)]]
        assert [line.endswith(end) for line, end in zip(shown, expected, strict=True)] == [True] * len(
            expected
        )
        assert all("67%" in line or place for place, line in enumerate(shown))
        assert ("at this pace" in text(pilot)) is False


async def test_window_that_will_fill_says_when() -> None:
    """A window that will be full before its reset has a line of its own where forecasts have no column."""
    async with app(stage(TEAM)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "7-day all full Mon 06:20 at this pace" in text(pilot)
        assert "7-day Fable at this pace" not in text(pilot)
        await pilot.resize_terminal(60, 23)
        await pilot.pause()
        assert "7-day all full Mon 06:20 at this pace" in text(pilot)


@pytest.mark.parametrize(("size", "beside"), [((120, 36), False), ((80, 24), True)])
async def test_banner_has_the_next_full_window_while_work_continues(
    size: tuple[int, int], *, beside: bool
) -> None:
    """The second line of CAN WORK says which window will be full first, which the panel does not repeat."""
    fast = replace(PERSONAL, usage=usage_body(85.0, 70.0))
    async with app(stage(fast)).run_test(size=size) as pilot:
        await pilot.pause()
        (line,) = (line for line in screen(pilot) if "5-hour full" in line)
        assert line.strip("▌ ") == "5-hour full 15:28 at this pace, 31m before the reset"
        assert ("full ~15:28" in text(pilot)) is beside


async def test_estimate_is_dropped_from_stale_figures() -> None:
    """Once the figures are older than two intervals, no window has an estimate."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "~88% at the reset" in text(pilot)
        await scene.at(pilot, NOW + timedelta(minutes=3))
        assert "~" not in text(pilot)
        assert "at this pace" not in text(pilot)
