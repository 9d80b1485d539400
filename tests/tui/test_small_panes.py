"""Messages in a pane that is too small for a toast, and temporary overlays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.screens.dashboard import ChartScreen, DashboardScreen
from claudemeter_tui.tui.screens.details import DetailsScreen
from claudemeter_tui.tui.screens.events import EventsScreen
from claudemeter_tui.tui.screens.help import HelpScreen
from claudemeter_tui.tui.screens.lists import ListScreen, PageScreen
from claudemeter_tui.tui.screens.overview import OverviewScreen
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.status_line import InlineToast
from tests.bodies import usage_body
from tests.scenes import INTERVAL, LABORATORY, PERSONAL, READ, TEAM, OrgBodies, readings
from tests.tui.app_harness import app, finish_workers, screen, stage, text

TRIO = (PERSONAL, TEAM, LABORATORY)


@pytest.mark.parametrize(
    ("keys", "size", "expected"),
    [
        (["s"], (40, 8), " Saved, path copied"),
        (["s"], (80, 3), " Saved, path copied"),
        (["9"], (40, 8), " There is no org 9; there are 3."),
        (["o", "d", "9"], (59, 19), " There is no org 9; there are 3."),
        (["u"], (40, 8), " Opening claude.ai/settings/usage"),
    ],
)
async def test_small_pane_shows_messages_in_its_last_line(
    keys: list[str], size: tuple[int, int], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below 60 x 20 there are no toasts: the last line shows the message, and the verdict stays."""
    dashboard = app(stage(*TRIO), pictures=tmp_path)
    monkeypatch.setattr("claudemeter_tui.tui.web_browser.open_in_browser", lambda _: True)
    async with dashboard.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await finish_workers(pilot.app)
        await pilot.pause()
        assert screen(pilot)[-1].startswith(expected)
        assert "CAN WORK" in text(pilot)
        assert not dashboard._notifications


async def test_toasts_are_removed_if_a_pane_becomes_too_small() -> None:
    """Toasts would cover the figures."""
    async with app(stage(*TRIO)).run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("9")
        await pilot.pause()
        assert "There is no org 9" in text(pilot)
        await pilot.resize_terminal(40, 8)
        await pilot.pause()
        assert "There is no org" not in text(pilot)


async def test_message_expires_or_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the line below the message is shown again."""
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


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("9", "There is no org 9; there are 3."),
        ("s", "Saved, path copied: claudemeter-"),
        *((key, "Not in a pane with one line.") for key in ("S", "o", "d", "e", "w", "t", "question_mark")),
        ("ctrl+p", "Not in a pane with one line."),
    ],
)
async def test_one_line_pane_shows_a_message_beside_the_verdict(
    key: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line no screen covers the verdict; a message takes the place of the facts and expires."""
    monkeypatch.setattr(InlineToast, "SECONDS", 0.2)
    async with app(stage(*TRIO), pictures=tmp_path).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        before = screen(pilot)
        await pilot.press(key)
        await pilot.pause()
        (line,) = screen(pilot)
        assert line.startswith(f" Personal: CAN WORK  {message}")
        while screen(pilot) != before:
            await pilot.pause()


@pytest.mark.parametrize(
    ("expected", "width", "keys"),
    [
        (" Acme Team: BLOCKED  There is no org 9; there are 3.", 53, "29"),
        (" BLOCKED  There is no org 9; there are 3.", 52, "29"),
        (" BLOCKED  There is no org 9; there …", 40, "29"),
        (" BLOCKED  There is no …", 24, "29"),
        (" BLOCKED", 20, "29"),
    ],
)
async def test_message_beside_the_verdict_never_cuts_it(expected: str, width: int, keys: str) -> None:
    """The name of the org makes room first, then the message ends early; too little room leaves it out."""
    async with app(stage(*TRIO)).run_test(size=(width, 1)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert [expected] == [line.rstrip() for line in screen(pilot)]


async def test_message_of_one_line_ends_with_a_larger_pane() -> None:
    """A pane with more lines shows the facts, and again one line shows them too."""
    async with app(stage(*TRIO)).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        before = screen(pilot)
        await pilot.press("9")
        for height in (36, 1):
            await pilot.resize_terminal(120, height)
            await pilot.pause()
            assert "no org 9" not in text(pilot)
        assert before == screen(pilot)


@pytest.mark.parametrize(("width", "height"), [(120, 36), (80, 24), (60, 20), (40, 20)])
async def test_second_line_names_the_screen(width: int, height: int) -> None:
    """Each screen says its name at the same column; a narrow pane leaves it out if that would hide a tab."""
    names = {"h": "History", "l": "This machine", "d": "Details", "e": "Events", "question_mark": "Help"}
    async with app(stage(*TRIO)).run_test(size=(width, height)) as pilot:
        await pilot.pause()
        for key, name in names.items():
            await pilot.press(key)
            await pilot.pause()
            await pilot.pause()
            line = screen(pilot)[1]
            assert line.startswith(f" {name} ") == (width >= 60 or key in ("e", "question_mark"))
            await pilot.press("escape")


async def test_opening_waits_for_room() -> None:
    """In one line no screen opens, because the next keys would go to an invisible screen."""
    async with app(stage(*TRIO)).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        await pilot.press("o", "S", "t", "ctrl+p")
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert type(pilot.app.screen) is DashboardScreen


async def test_open_screen_can_be_closed_in_one_line() -> None:
    """Its key closes it, and other keys choose nothing for later."""
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
    ("orgs", "key", "expected"), [((), "", "Reading claude.ai"), (TRIO, "S", "S save  Esc cancel")]
)
async def test_shrinking_to_one_line_shows_the_essentials(
    orgs: tuple[OrgBodies, ...], key: str, expected: str
) -> None:
    """In one line the first frame shows the progress, and a question its answers."""
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
        (45, " claudemeter  demo · 60x speed"),
    ],
)
async def test_header_keeps_the_age_before_the_next_poll(width: int, expected: str) -> None:
    """If the header is too narrow, its least needed parts are left out first."""
    async with app(stage(*TRIO), note="demo · 60x speed").run_test(size=(width, 36)) as pilot:
        await pilot.pause()
        assert screen(pilot)[0].endswith(expected)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 8)])
async def test_ascii_terminal_gets_ascii_on_every_screen(size: tuple[int, int], tmp_path: Path) -> None:
    """Scroll bars, toasts and the palettes, which Textual draws, are ASCII, too."""
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
    """Neither the first frame nor a screen over it claims that."""
    async with app(stage(), note=note).run_test(size=(120, 36)) as pilot:
        assert screen(pilot)[0].endswith(f" {expected}")
        await pilot.press("e")
        assert screen(pilot)[0].strip() == expected


async def test_low_pane_has_a_line_of_blocks() -> None:
    """A line without room for a chart shows the window as blocks with its percentage."""
    async with app(stage(*TRIO)).run_test(size=(80, 3)) as pilot:
        await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        assert screen(pilot)[1].startswith(" 5-hour ▆▆")
        assert screen(pilot)[1].rstrip().endswith("67%")


@pytest.mark.parametrize(
    ("orgs", "expected"),
    [
        (TRIO, "There is no org 9; there are 3."),
        ([PERSONAL], "There is no org 9; there is 1."),
        ([], "There is no org 9; none has been read yet."),
    ],
)
async def test_number_without_an_org_is_explained(orgs: list[OrgBodies], expected: str) -> None:
    """The selected org stays, and the message has the number of orgs."""
    async with app(stage(*orgs)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("9")
        await pilot.pause()
        assert [expected] == [notification.message for notification in pilot.app._notifications]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["plus"] * 5, "This is the longest period."),
        (["minus"] * 2, "This is the shortest period."),
        (["d", "enter"], "This figure is calculated; no single source line."),
    ],
)
async def test_key_without_effect_is_explained(keys: list[str], expected: str) -> None:
    """The message says why nothing has changed."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        (said,) = (notification.message for notification in pilot.app._notifications)
        assert said.startswith(expected)


@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 8), (80, 3)])
async def test_question_is_above_a_toast(size: tuple[int, int]) -> None:
    """The question before a picture is above all else; a toast waits until it is answered."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("S")
        pilot.app.notify("said meanwhile " * 20)
        await pilot.pause()
        shown = text(pilot)
        assert "Save the screen as shown?" in shown
        assert "S save  Esc cancel" in shown
        assert "said meanwhile" not in shown


@pytest.mark.parametrize(("keys", "expected"), [("S", "names, e-mails"), ("pS", "pseudonyms")])
async def test_question_describes_the_picture(keys: str, expected: str) -> None:
    """With privacy on the picture shows no names, and the question says so."""
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
        row = next(place for place, line in enumerate(screen(pilot)) if "S save  Esc cancel" in line)
        await pilot.click(offset=(screen(pilot)[row].index("Esc"), row))
        await pilot.pause()
        assert pilot.app.screen is before


@pytest.mark.parametrize(("size", "least"), [((120, 36), 10), ((60, 20), 10), ((40, 8), 4), ((80, 3), 1)])
async def test_themes_can_be_chosen_in_a_small_pane(size: tuple[int, int], least: int) -> None:
    """Some themes are shown below the verdict."""
    async with app(stage(*TRIO)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("t")
        await pilot.pause()
        lines = screen(pilot)
        names = [line[2:].split()[0] for line in lines if line[2:].strip()]
        assert least <= sum(name in pilot.app.available_themes for name in names)
        assert "CAN WORK" in lines[0]


async def test_uncovered_screen_is_up_to_date() -> None:
    """A dashboard that was covered shows the newest reading at once."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        fuller = OrgBodies(**{**vars(PERSONAL), "usage": usage_body(93.0), "spent": ()})
        await scene.post(pilot, *readings(fuller, at=READ + INTERVAL))
        await pilot.press("escape")
        await pilot.pause()
        assert "93%" in text(pilot)


@pytest.mark.parametrize("key", ["o", "d", "e", "question_mark"])
async def test_closed_screen_ignores_late_messages(key: str) -> None:
    """A resize or a view that reaches a screen without its parts draws nothing."""
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
    """A screen that opens during the exit gets no parts and raises no exception."""
    async with app(stage(*TRIO)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        opening = asyncio.create_task(pilot.app._toggle_screen(screen))
        await asyncio.sleep(0)
        opened = pilot.app.screen
        pilot.app.exit()
        await pilot.pause()
        assert isinstance(opened, ViewScreen)
        assert not opened.children
    opening.cancel()
    assert pilot.app.return_code == 0


@pytest.mark.parametrize("size", [(120, 36), (60, 20), (40, 8)])
@pytest.mark.parametrize("key", ["o", "d", "h"])
async def test_screens_about_orgs_look_the_same_without_one(key: str, size: tuple[int, int]) -> None:
    """One sentence begins where rows would, without a cursor; no hint names a key for rows."""
    async with app(stage(), load_history=lambda *_: None).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(key)
        await pilot.pause()
        lines = screen(pilot)
        (place,) = (at for at, line in enumerate(lines) if "No org yet" in line)
        assert lines[place] == "  No org yet."
        assert all(line == "" for line in lines[place + 1 : -1])
        assert size[1] < 12 or place == 4
        assert lines[-1].split("  ") == [" Esc close", "? help", "r refresh", "q quit"]
        (sentence,) = (
            segment
            for segment in pilot.app.screen._compositor.render_strips()[place]
            if "No org yet" in segment.text
        )
        assert sentence.style is not None
        assert sentence.style.bold


async def test_overview_is_named_without_an_org() -> None:
    """Its first line is not blank if there are no figures with an age."""
    async with app(stage()).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("o")
        await pilot.pause()
        assert screen(pilot)[1].strip() == "claudemeter"
