"""What a pane too small for a toast says, and what lies over a screen for a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.base import ListScreen, PageScreen, ViewScreen
from claudemeter_tui.tui.screens.dashboard import ChartScreen, DashboardScreen
from claudemeter_tui.tui.screens.details import DetailsScreen
from claudemeter_tui.tui.screens.events import EventsScreen
from claudemeter_tui.tui.screens.help import HelpScreen
from claudemeter_tui.tui.screens.overview import OverviewScreen
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.status_line import InlineToast
from tests.bodies import usage_body
from tests.scenes import INTERVAL, LABORATORY, PERSONAL, READ, TEAM, OrgBodies, readings
from tests.tui.app_harness import app, screen, stage, text

TRIO = (PERSONAL, TEAM, LABORATORY)


@pytest.mark.parametrize(
    ("keys", "size", "expected"),
    [
        (["s"], (40, 8), " Saved; the path is on the clipboard"),
        (["s"], (80, 3), " Saved; the path is on the clipboard"),
        (["9"], (40, 8), " There is no org 9; there are 3."),
        (["o", "d", "9"], (59, 19), " There is no org 9; there are 3."),
        (["u"], (40, 8), " Opened https://claude.ai/settings/usage"),
    ],
)
async def test_small_pane_says_it_at_its_foot(
    keys: list[str], size: tuple[int, int], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below 60 x 20 there are no toasts: the last line says what came of a key, the verdict stays."""
    dashboard = app(stage(*TRIO), pictures=tmp_path)
    monkeypatch.setattr(dashboard, "open_url", lambda _: None)
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert screen(pilot)[-1].startswith(expected)
        assert "CAN WORK" in text(pilot)
        assert not dashboard._notifications


async def test_toasts_go_where_a_pane_becomes_too_small_for_them() -> None:
    """They would lie over the figures."""
    async with app(stage(*TRIO)).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("9")
        await pilot.pause()
        assert "There is no org 9" in text(pilot)
        await pilot.resize_terminal(40, 8)
        await pilot.pause()
        assert "There is no org" not in text(pilot)


async def test_remark_goes_by_itself_and_makes_room_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line below it is seen again after a while."""
    async with app(stage(*TRIO)).run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        before = screen(pilot)
        await pilot.press("8")
        monkeypatch.setattr(InlineToast, "SECONDS", 0.01)
        await pilot.press("9")
        await pilot.pause()
        assert len(pilot.app.screen.query(InlineToast)) <= 1
        while pilot.app.screen.query(InlineToast):
            await pilot.pause()
        assert before == screen(pilot)


@pytest.mark.parametrize("key", ["9", "s", "S", "o", "d", "e", "w", "t", "ctrl+p", "question_mark"])
async def test_a_single_line_is_the_verdict_alone(key: str, tmp_path: Path) -> None:
    """Where there is one line nothing lies over it, and nothing that opens is seen."""
    async with app(stage(*TRIO), pictures=tmp_path).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        before = screen(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert "CAN WORK" in before[0]
        assert before == screen(pilot)


async def test_what_a_key_opens_waits_for_room() -> None:
    """In a single line nothing opens: what is typed next would go to a screen that nobody sees."""
    async with app(stage(*TRIO)).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        await pilot.press("o", "S", "t", "ctrl+p")
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert type(pilot.app.screen) is DashboardScreen


async def test_what_is_open_can_be_closed_in_a_single_line() -> None:
    """By its own key, as elsewhere; and what a key would show there is not chosen for later."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("o")
        await pilot.resize_terminal(120, 1)
        await pilot.press("o", "w")
        await pilot.resize_terminal(120, 20)
        await pilot.pause()
        assert type(pilot.app.screen) is DashboardScreen
        assert "Used credits" in text(pilot)


@pytest.mark.parametrize(
    ("orgs", "key", "expected"), [((), "", "Reading claude.ai"), (TRIO, "S", "S save it  Esc do not save")]
)
async def test_what_shrinks_to_a_single_line_shows_what_matters(
    orgs: tuple[OrgBodies, ...], key: str, expected: str
) -> None:
    """On the first frame what is done, in a question its answers."""
    async with app(stage(*orgs)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*key)
        await pilot.resize_terminal(120, 1)
        await pilot.pause()
        assert expected in screen(pilot)[0]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (120, "updated 18s ago · next in 42s"),
        (60, "updated 18s ago"),
        (45, " claudemeter  demo: a minute a second"),
    ],
)
async def test_header_keeps_the_age_before_the_next_poll(width: int, expected: str) -> None:
    """What does not fit beside the program's name goes, the least needed first."""
    async with app(stage(*TRIO), note="demo: a minute a second").run_test(size=(width, 36)) as pilot:
        await pilot.pause()
        assert screen(pilot)[0].endswith(expected)


@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 8)])
async def test_ascii_terminal_gets_ascii_on_every_screen(size: tuple[int, int], tmp_path: Path) -> None:
    """Also what Textual draws itself: scroll bars, toasts and the palettes."""
    async with app(stage(*TRIO), ascii=True, pictures=tmp_path).run_test(
        size=size, notifications=True
    ) as pilot:
        pilot.app.notify("said · at last", title="▲")
        for key in ("o", "d", "e", "question_mark", "9", "S", "escape", "ctrl+p", "down", "escape", "t"):
            await pilot.press(key)
            await pilot.pause()
            assert [line for line in screen(pilot) if not line.isascii()] == []


@pytest.mark.parametrize(("note", "expected"), [("", "Reading claude.ai …"), ("demo", "Reading …")])
async def test_demo_does_not_claim_to_read_claude_ai(note: str, expected: str) -> None:
    """Neither on the first frame, nor on what is opened over it."""
    async with app(stage(), note=note).run_test(size=(120, 36)) as pilot:
        assert screen(pilot)[0].endswith(f" {expected}")
        await pilot.press("e")
        assert screen(pilot)[0].strip() == expected


async def test_low_pane_says_that_it_has_no_room_for_a_chart() -> None:
    """That is not the same as figures that were not read."""
    async with app(stage(*TRIO)).run_test(size=(80, 3)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert "No room for a chart" in text(pilot)


@pytest.mark.parametrize(
    ("orgs", "expected"),
    [
        (TRIO, "There is no org 9; there are 3."),
        ([PERSONAL], "There is no org 9; there is 1."),
        ([], "There is no org 9; none was read yet."),
    ],
)
async def test_number_without_an_org_is_answered(orgs: list[OrgBodies], expected: str) -> None:
    """It stays with the org, and says how many there are."""
    async with app(stage(*orgs)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("9")
        await pilot.pause()
        assert [expected] == [notification.message for notification in pilot.app._notifications]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["plus", "plus", "plus"], "The chart cannot look further back."),
        (["minus", "minus", "minus"], "The chart cannot look less far back."),
        (["d", "enter"], "It has no place in one reply: worked out from usage, "),
    ],
)
async def test_key_that_leads_nowhere_is_answered(keys: list[str], expected: str) -> None:
    """It says why nothing has changed."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        (said,) = (notification.message for notification in pilot.app._notifications)
        assert said.startswith(expected)


@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 8), (80, 3)])
async def test_question_is_whole_under_a_toast(size: tuple[int, int]) -> None:
    """What is asked before a picture is saved lies above all else; a toast waits until it is answered."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("S")
        pilot.app.notify("said meanwhile " * 20)
        await pilot.pause()
        shown = text(pilot)
        assert "Save the picture as it is seen?" in shown
        assert "S save it  Esc do not save" in shown
        assert "said meanwhile" not in shown


@pytest.mark.parametrize(("keys", "expected"), [("S", "names, e-mails"), ("pS", "pseudonyms")])
async def test_question_says_what_the_picture_shows(keys: str, expected: str) -> None:
    """With privacy on these are no names."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert expected in text(pilot)


async def test_question_is_answered_by_a_click() -> None:
    """The answers can be clicked like any hint."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        before = pilot.app.screen
        await pilot.press("S")
        await pilot.pause()
        row = next(place for place, line in enumerate(screen(pilot)) if "do not save" in line)
        await pilot.click(offset=(screen(pilot)[row].index("Esc"), row))
        await pilot.pause()
        assert pilot.app.screen is before


@pytest.mark.parametrize(("size", "least"), [((120, 36), 10), ((60, 20), 10), ((40, 8), 5), ((80, 3), 1)])
async def test_themes_can_be_chosen_in_a_small_pane(size: tuple[int, int], least: int) -> None:
    """Below the field some themes are seen, and the verdict above it where there are few lines."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("t")
        await listed(pilot)
        lines = screen(pilot)
        assert least <= sum(line.strip(" ▁▂▃▄▅▆▇█") in pilot.app.available_themes for line in lines)
        assert any("letters of a theme" in line for line in lines)


async def listed(pilot: Pilot[Any]) -> None:
    """Wait until the palette shows what it has found."""
    while "claudemeter" not in text(pilot) and "ansi" not in text(pilot):
        await pilot.pause()


async def test_screen_that_comes_back_shows_what_has_been_read_meanwhile() -> None:
    """A dashboard that was covered is up to date at once, not with the next second."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        fuller = OrgBodies(**{**vars(PERSONAL), "usage": usage_body(93.0), "spent": ()})
        await scene.post(pilot, *readings(fuller, at=READ + INTERVAL))
        await pilot.press("escape")
        await pilot.pause()
        assert "93 %" in text(pilot)


@pytest.mark.parametrize("key", ["o", "d", "e", "question_mark"])
async def test_closed_screen_survives_what_comes_late(key: str) -> None:
    """A resize, or a view, that reaches a screen after its parts have gone draws nothing."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        closed = pilot.app.screen
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(closed, ListScreen | PageScreen)
        assert not closed.children
        closed.on_resize()
        closed.view = View()
        if isinstance(closed, ListScreen):
            closed._finish_resize()
        assert isinstance(pilot.app.screen, DashboardScreen)


@pytest.mark.parametrize("screen", [OverviewScreen, DetailsScreen, EventsScreen, HelpScreen, ChartScreen])
async def test_app_ends_while_a_screen_opens(screen: type[ViewScreen]) -> None:
    """The screen gets no parts then, and misses none."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        pilot.app._toggle_screen(screen)
        opened = pilot.app.screen
        pilot.app.exit()
        await pilot.pause()
        assert isinstance(opened, ViewScreen)
        assert not opened.children
    assert pilot.app.return_code == 0
