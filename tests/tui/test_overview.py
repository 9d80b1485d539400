"""The overview: order, search, cursor, sizes, hostile names, many orgs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from textual.message import Message
from textual.pilot import Pilot

from claudemeter_tui.formatting.overview import OverviewColumn, format_cell
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import OrgReading, Reading, Reply
from claudemeter_tui.model.windows import Plan
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.screens.overview import OVERVIEW_KEYS, OverviewScreen
from tests.bodies import ACCOUNT, usage_body
from tests.scenes import (
    CREDITS_BLOCKED,
    ENTERPRISE,
    LAB,
    LABORATORY,
    NOW,
    PERSONAL,
    READ,
    SESSION,
    TEAM,
    WAITING,
    OrgBodies,
    org_of,
    readings,
)
from tests.tui.app_harness import Stage, app, screen, stage, text

SIZES = [(160, 45), (120, 36), (100, 30), (80, 24), (60, 20), (40, 8), (120, 1), (80, 3), (30, 6)]
HOSTILE = (
    "東京研究所",
    "Lab 🚀 rocket",
    "[/nope] [b]x",
    "A very long name of an organization that goes on",
    "é" * 60,
)
KINDS = (PERSONAL, TEAM, LABORATORY, WAITING, CREDITS_BLOCKED, ENTERPRISE)


def many(count: int) -> Iterator[OrgBodies]:
    """Return so many orgs of all kinds, with hostile names."""
    for place in range(count):
        kind, name = KINDS[place % len(KINDS)], f"{HOSTILE[place % len(HOSTILE)][:50]} {place}"
        uuid = f"bbbbbbbb-0000-4000-8000-{place:012}"
        yield replace(kind, org=kind.org | {"uuid": uuid, "name": name}, spent=())


@asynccontextmanager
async def overview(
    *orgs: OrgBodies, size: tuple[int, int] = (120, 36), heard: list[Message] | None = None
) -> AsyncIterator[tuple[Pilot[Any], OverviewScreen, Stage]]:
    """Return the overview over these orgs."""
    scene = stage(*orgs)
    hook = heard.append if heard is not None else None
    async with app(scene).run_test(size=size, message_hook=hook) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        # The choice is recorded, and the overview stays.
        setattr(pilot.app, "action_close", lambda: None)  # noqa: B010 - a method, for the type checker
        shown = OverviewScreen(pilot.app._build_view())
        await pilot.app.push_screen(shown)
        await pilot.pause()
        yield pilot, shown, scene


def under_cursor(pilot: Pilot[Any]) -> str:
    """Return the line under the cursor."""
    return next((line for line in screen(pilot) if line.startswith("▌")), "")


def table(pilot: Pilot[Any], *names: str) -> list[str]:
    """Return the names in the order of the table."""
    lines = [line[2:] for line in screen(pilot)[2:]]
    return [name for line in lines for name in names if line.startswith(name)]


async def test_table_is_worst_first_and_enter_selects() -> None:
    """The cursor begins on the selected org; Enter and a double click select the org under the cursor."""
    heard: list[Message] = []
    async with overview(PERSONAL, TEAM, LABORATORY, heard=heard) as (pilot, shown, _):
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Acme Team", "Lab", "Personal"]
        assert "Personal" in under_cursor(pilot)
        assert "3 orgs   1 BLOCKED   1 ON CREDITS   1 CAN WORK" in text(pilot)
        await pilot.press("up", "enter")
        assert "Lab" in under_cursor(pilot)
        assert screen(pilot)[0].startswith(" Lab: ON CREDITS")
        await pilot.press("home")
        await pilot.click(shown.item_list, offset=(5, 12), times=2)
        await pilot.pause()
        chosen = [message.key[1] for message in heard if isinstance(message, OverviewScreen.OrgChosen)]
        assert chosen == [org_of(LABORATORY.org).uuid, org_of(PERSONAL.org).uuid]


async def test_search_filters_the_table() -> None:
    """`/` filters while typing, Enter goes to a hit, and Escape ends the search, then closes."""
    heard: list[Message] = []
    async with overview(PERSONAL, TEAM, LABORATORY, heard=heard) as (pilot, shown, _):
        await pilot.press("slash", *"blocked")
        await pilot.pause()
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Acme Team"]
        assert "1 of 3" in screen(pilot)[-1]
        await pilot.press("q")
        assert "0 of 3" in text(pilot)
        assert "No org matches all of these words." in text(pilot)
        await pilot.press("down", "up", "enter")
        assert not [message for message in heard if isinstance(message, OverviewScreen.OrgChosen)]
        await pilot.press("backspace", "enter")
        chosen = [message.key[1] for message in heard if isinstance(message, OverviewScreen.OrgChosen)]
        assert chosen == [org_of(TEAM.org).uuid]
        await pilot.press("escape")
        assert len(table(pilot, "Personal", "Acme Team", "Lab")) == 3
        assert "Personal" in under_cursor(pilot)
        await pilot.press("escape")
        assert pilot.app.screen is not shown


async def test_cursor_follows_the_org() -> None:
    """The cursor stays on its org, not on its row, after any change of the table."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, scene):
        await pilot.press("left", "left")
        assert "org ▾" in text(pilot)
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Acme Team", "Lab", "Personal"]
        assert "Personal" in under_cursor(pilot)
        await pilot.press("v")
        assert "org ▴" in text(pilot)
        assert table(pilot, "Personal", "Acme Team", "Lab") == ["Personal", "Lab", "Acme Team"]
        assert "Personal" in under_cursor(pilot)
        await pilot.click(shown.query_one("#second"), offset=(20, 0))
        full = replace(PERSONAL, usage=usage_body(100.0, 100.0), spent=())
        news = [*readings(full, at=NOW)][1:]
        await scene.post(pilot, *news)
        shown.view = replace(shown.view, store=pilot.app.store)  # type: ignore[attr-defined]
        await pilot.pause()
        assert "Personal" in under_cursor(pilot)
        roster = (org_of(PERSONAL.org), org_of(LABORATORY.org))
        await scene.post(pilot, Reading(SESSION, READ, orgs=roster))
        shown.view = replace(shown.view, store=pilot.app.store)  # type: ignore[attr-defined]
        await pilot.pause()
        assert "Acme Team" not in text(pilot)
        assert "Personal" in under_cursor(pilot)


async def test_every_size_has_the_verdict_and_complete_figures() -> None:
    """The verdict is the first line at every size; a column is shown as a whole or not at all."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, _):
        rates = {format_cell(one, OverviewColumn.RATE, NOW, UTC) for one in shown._all_rows}
        whole = {"$17.20", "$50.00", "$8.12", "$244.35", "$3.40"} | rates
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            lines = screen(pilot)
            assert len(lines) == height
            assert lines[0].lstrip().removeprefix("Personal: ").startswith("CAN WORK"), (width, height)
            assert all(cell_len(line) <= width for line in lines)
            assert set(re.findall(r"\$\S+", "\n".join(lines))) <= whole, (width, height)
            if height >= 6:
                assert "Personal" in under_cursor(pilot), (width, height)
                assert "▌" in text(pilot)
                assert "BLOCKED" in text(pilot)


async def test_two_hundred_hostile_orgs_stay_in_columns() -> None:
    """Wide characters, markup and long names move no column, and the keys reach every org."""
    async with overview(*many(200)) as (pilot, shown, _):
        await pilot.press("home")
        lines = screen(pilot)
        place = cell_len(lines[2][: lines[2].index("verdict")])
        found = [re.search(r"BLOCKED|WAIT|ON CREDITS", line) for line in lines[3:-1]]
        assert {cell_len(match.string[: match.start()]) for match in found if match} == {place}
        assert len(found) == 32
        assert all(found)
        assert all(any(name[:9] in line for line in lines) for name in HOSTILE)
        await pilot.press("end")
        assert shown.item_list.cursor == 199
        last = under_cursor(pilot)
        assert last
        await pilot.press("pageup", "pagedown")
        assert under_cursor(pilot) == last
        await pilot.press("home", *["pagedown"] * 8)
        assert shown.item_list.cursor == 199


async def test_tick_repaints_only_changed_lines() -> None:
    """A second later only the ages are redrawn, and the row stays selected."""
    async with overview(PERSONAL, TEAM, LABORATORY) as (pilot, shown, scene):
        scene.now = NOW + timedelta(seconds=1)
        shown.view = replace(shown.view, now=scene.now)
        await pilot.pause()
        assert "19s" in text(pilot)
        before = dict(shown.item_list._strip_cache)
        assert before
        shown.watch_view()
        assert before == shown.item_list._strip_cache


async def test_overview_of_one_org_and_of_none() -> None:
    """With one org its windows are below it; with none the screen says so and every key is harmless."""
    async with overview(PERSONAL) as (pilot, _, _):
        assert "1 org " in text(pilot)
        assert re.search(r"7-day all +[━╸─│]+ +41% +Tue 14:00  2d 23h", text(pilot))
        assert "credits $17.20 of $50.00  34% · balance $244.35" in text(pilot)
    async with overview() as (pilot, _, _):
        keys = [name for key in OVERVIEW_KEYS for name in key.keys.split(",") if name != "escape"]
        await pilot.press(*keys)
        assert "0 orgs" in text(pilot)


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (20, r"    7-day all +━+│━+╸?─+ +71% +Tue 14:00  2d 23h  full ~Mon 06:20"),
        (19, "    5-hour 100% · 7-day all 71% · 7-day Fable 12% · balance \\$244.35"),
        (9, "  Acme Team .*"),
    ],
)
async def test_rows_have_details_if_all_fit(height: int, expected: str) -> None:
    """Each row has every window as a bar and the credits, else one line of figures, else nothing."""
    async with overview(PERSONAL, TEAM, LABORATORY, size=(120, height)) as (pilot, shown, _):
        assert [line for line in screen(pilot) if re.fullmatch(expected, line)]
        assert shown.item_list.virtual_size.height <= shown.item_list.size.height


async def test_ascii_terminal_gets_ascii_only() -> None:
    """Wide names, marks and the cursor are drawn column by column in ASCII."""
    async with overview(*many(6)) as (pilot, shown, _):
        shown.view = replace(shown.view, ascii=True)
        await pilot.pause()
        lines = screen(pilot)
        assert all(line.isascii() for line in lines)
        found = [re.search(r"BLOCKED|WAIT|ON CREDITS", line) for line in lines[3:6]]
        assert len({match.start() for match in found if match}) == 1
        assert any(line.startswith("> ") for line in lines)


WAITING_LAB = replace(WAITING, org=LABORATORY.org, spent=())


def resetting(report: OrgReading, moment: datetime) -> OrgReading:
    """Return the reading of an org with every reset at this moment."""
    usage = report.parts[Endpoint.USAGE]
    assert isinstance(usage, Reply)
    assert isinstance(usage.value, Plan)
    plan = Plan(tuple(replace(window, resets_at=moment) for window in usage.value.windows))
    return replace(report, parts={**report.parts, Endpoint.USAGE: replace(usage, value=plan)})


async def test_row_and_tab_change_with_a_reset_within_the_minute() -> None:
    """A verdict that ends within a minute ends in the tabs and in the table, whatever is selected."""
    moment = NOW.replace(second=30)
    first, *others = readings(PERSONAL, WAITING_LAB)
    *orgs, waiting, last = others
    (report,) = waiting.org_readings
    scene = Stage((first, *orgs, replace(waiting, org_readings=(resetting(report, moment),)), last))
    async with app(scene).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "Lab WAIT" in screen(pilot)[1]
        await scene.at(pilot, moment)
        assert "Lab WAIT" not in screen(pilot)[1]
        await scene.at(pilot, NOW)
        await pilot.press("o")
        await pilot.pause()
        assert "1 WAIT" in text(pilot)
        await scene.at(pilot, moment)
        assert "WAIT" not in text(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20), (40, 8)])
async def test_slash_on_the_dashboard_jumps_to_an_org_by_name(size: tuple[int, int]) -> None:
    """Each letter narrows the orgs, Enter selects the one under the cursor, Escape returns."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("slash", "l", "a", "b")
        await pilot.pause()
        assert isinstance(pilot.app.screen, OverviewScreen)
        assert "1 of 3" in text(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert isinstance(pilot.app, Claudemeter)
        assert pilot.app.selected == (ACCOUNT, LAB)
        await pilot.press("slash", *"acme", "escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert pilot.app.selected == (ACCOUNT, LAB)


async def test_slash_without_a_match_says_so() -> None:
    """Enter then selects nothing, and the next letter can still be deleted."""
    async with app(stage(PERSONAL, TEAM, LABORATORY)).run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        await pilot.press("slash", *"labx")
        await pilot.pause()
        assert "No org matches" in text(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, OverviewScreen)
        await pilot.press("backspace", "enter")
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        assert pilot.app.selected == (ACCOUNT, LAB)


async def test_slash_needs_a_dashboard_with_orgs() -> None:
    """In one line, over another screen and before the first org it does nothing."""
    async with app(stage()).run_test(size=(120, 36)) as pilot:
        await pilot.press("slash")
        assert not isinstance(pilot.app.screen, OverviewScreen)
    async with app(stage(PERSONAL)).run_test(size=(120, 1)) as pilot:
        await pilot.pause()
        await pilot.press("slash")
        assert isinstance(pilot.app.screen, DashboardScreen)
