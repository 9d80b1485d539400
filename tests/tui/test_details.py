"""The details: figures, replies, search, copying, sizes, hostile bodies."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from claudemeter_tui.formatting.json_view import format_json_lines
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.screens.details import DETAILS_KEYS, DetailsScreen
from claudemeter_tui.tui.widgets.details_pages import ReplyPage
from tests.scenes import CREDITS_BLOCKED, LABORATORY, NOW, PERSONAL, SESSION, TEAM, WAITING, OrgBodies, org_of
from tests.tui.app_harness import app, screen, stage, text

SIZES = [(160, 45), (80, 24), (60, 20), (40, 8), (120, 1), (80, 3), (30, 6)]

WHOLE = ("$50.00", "$244.35", "own overage", "prepaid", "subscription", "18s ago", "visa ••0000")
"""Figures and replies that can be reached at every size."""


@asynccontextmanager
async def details(
    bodies: OrgBodies | None = TEAM, size: tuple[int, int] = (109, 36)
) -> AsyncIterator[tuple[Pilot[Any], DetailsScreen]]:
    """Return the details of an org; the default size is the widest without a reply beside the figures."""
    async with app(stage(*([bodies] if bodies else []))).run_test(size=size) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        shown = DetailsScreen(pilot.app._build_view())
        await pilot.app.push_screen(shown)
        await pilot.pause()
        yield pilot, shown


def under_cursor(pilot: Pilot[Any]) -> str:
    """Return the line under the cursor."""
    return next((line for line in screen(pilot) if line.startswith("▌")), "")


def with_body(store: Store, body: str, **more: Any) -> Store:
    """Return the store with another body in its first org's usage reply."""
    state = store.orgs[0]
    reply = replace(state.replies[Endpoint.USAGE], text=body, **more)
    return replace(store, all_orgs=(replace(state, replies={**state.replies, Endpoint.USAGE: reply}),))


async def test_figure_leads_to_its_reply_and_both_are_copied() -> None:
    """Enter leads from a figure to its reply and back, and the two copy keys copy the part or the whole."""
    async with details() as (pilot, _):
        copied: list[str] = []
        setattr(pilot.app, "copy_to_clipboard", copied.append)  # noqa: B010 - a method, for the type checker
        await pilot.press(*["down"] * 8, "y", "Y")
        assert "resets" in under_cursor(pilot)
        assert "  16:00 (in 1h 11m)  " in under_cursor(pilot)
        assert "─ usage via Chrome, Default · 18s ago" in text(pilot)
        await pilot.press("enter", "y", "Y")
        await pilot.pause()
        assert '"five_hour": {' in under_cursor(pilot)
        assert "read 14:48:00, 18s ago · status 200 · via Chrome, Default" in text(pilot)
        assert copied[:3] == [
            "16:00 (in 1h 11m)",
            "resets: 16:00 (in 1h 11m) (usage via Chrome, Default · 18s ago)",
            '"five_hour": {',
        ]
        toasts = [toast.message for toast in pilot.app._notifications]
        assert toasts == [f"Copied the {part}." for part in ("row", "line", "reply")], (
            "the oldest is replaced"
        )
        assert json.loads(copied[3])["five_hour"]["utilization"] == 100.0
        await pilot.press("left", "left")
        assert "resets" in under_cursor(pilot)


@pytest.mark.parametrize(
    ("expected", "bodies", "hours"),
    [
        ("● CAN WORK", PERSONAL, 0),
        ("? UNKNOWN", PERSONAL, 3),
        ("■ BLOCKED", TEAM, 0),
        ("▲ ON CREDITS", LABORATORY, 0),
        ("◆ WAIT", WAITING, 0),
        ("◆ CAN WORK · credits BLOCKED", CREDITS_BLOCKED, 0),
    ],
)
async def test_mark_of_the_verdict_comes_first(expected: str, bodies: OrgBodies, hours: int) -> None:
    """The verdict has the mark of its tab, on the same side."""
    scene = stage(bodies)
    async with app(scene).run_test(size=(109, 36)) as pilot:
        await pilot.press("d")
        await scene.at(pilot, NOW + timedelta(hours=hours))
        assert re.split(r"  +", under_cursor(pilot))[1:] == [expected]


async def test_cursor_stays_on_the_second_of_two_rows_of_one_label() -> None:
    """A redraw moves the cursor to no other row, even if one has the same label and source."""
    scene = stage(TEAM)
    async with app(scene).run_test(size=(109, 36)) as pilot:
        await pilot.press("d")
        await pilot.pause()
        await pilot.press("down", "down")
        for minutes in (1, 2):
            assert under_cursor(pilot).split("  ")[0] == "▌ cause"
            assert under_cursor(pilot).endswith("5-hour full until 16:00")
            await scene.at(pilot, NOW + timedelta(minutes=minutes))
        await pilot.press("down")
        assert under_cursor(pilot).startswith("▌ until")


def read_preview(pilot: Pilot[Any]) -> list[str]:
    """Return the lines of the frame beside the figures, from its title to its lower edge."""
    framed = [match[0] for line in screen(pilot) if (match := re.search("[╭│╰].*[╮│╯]$", line))]
    assert not framed or (framed[0][0], framed[-1][0]) == ("╭", "╰")
    return framed


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (110, 24)])
async def test_wide_pane_has_the_reply_of_the_figure_beside_it(size: tuple[int, int]) -> None:
    """It follows the cursor, marks the line of the figure, and gives its room to the reply of a tab."""
    async with details(size=size) as (pilot, shown):
        assert read_preview(pilot)[0].startswith("╭ usage ─"), "the verdict is calculated from it first"
        assert not any("▌" in line for line in read_preview(pilot))
        await pilot.press(*["down"] * 7)
        await pilot.pause()
        (marked,) = (line for line in read_preview(pilot) if "▌" in line)
        assert marked.startswith('│ ▌   "five_hour": {')
        for _ in range(60):
            await pilot.press("down")
            await pilot.pause()
            row = under_cursor(pilot)
            if row.startswith("▌ promotional part"):
                break
        assert read_preview(pilot)[0].startswith("╭ prepaid ─")
        assert {len(line) for line in screen(pilot) if re.search("[╮│╯]$", line)} == {size[0]}
        await pilot.press("end")
        await pilot.pause()
        assert "No reply has this figure." in read_preview(pilot)[1]
        await pilot.press("right")
        await pilot.pause()
        assert not read_preview(pilot)
        assert shown.item_list.region.width == size[0]


async def test_reply_beside_the_figures_follows_the_size() -> None:
    """It comes and goes with the width, and no figure is cut meanwhile."""
    async with details(size=(160, 45)) as (pilot, _):
        for width, is_shown in ((109, False), (110, True), (60, False), (120, True), (40, False)):
            await pilot.resize_terminal(width, 36)
            await pilot.pause()
            assert bool(read_preview(pilot)) is is_shown, width
            assert "100% ■" in text(pilot)
            assert all(cell_len(line) <= width for line in screen(pilot))


async def test_reply_beside_the_figures_is_ascii_on_request() -> None:
    """Its frame and its mark have no other character."""
    async with app(stage(TEAM), ascii=True).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("d", *["down"] * 7)
        await pilot.pause()
        assert text(pilot).isascii()
        assert '| >   "five_hour": {' in text(pilot)


async def test_search_is_ascii_on_request() -> None:
    """The number of matches has no other character."""
    async with app(stage(TEAM), ascii=True).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("d", "slash", *"cap", "enter")
        await pilot.pause()
        assert re.search(r"1 of \d+   n N", screen(pilot)[-1])
        assert text(pilot).isascii()


async def test_number_of_matches_is_never_that_of_another_org() -> None:
    """After a change of the org it is gone until the next match is sought."""
    async with app(stage(TEAM, PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("1", "d", "slash", *"used", "enter")
        await pilot.pause()
        first = re.search(r"1 of (\d+)   n N", screen(pilot)[-1])
        assert first is not None
        await pilot.press("2")
        await pilot.pause()
        assert " of " not in screen(pilot)[-1]
        await pilot.press("n")
        await pilot.pause()
        assert re.search(r"\d of \d+   n N", screen(pilot)[-1])


@pytest.mark.slow
async def test_search_covers_figures_and_replies() -> None:
    """Hits continue from tab to tab and round the end, and back; Escape ends the search, then closes."""
    async with details() as (pilot, shown):
        await pilot.press("slash", *"F_SEL", "enter")
        await pilot.pause()
        assert "1 of 3" in screen(pilot)[-1]
        assert "reason" in under_cursor(pilot)
        await pilot.press("n", "n")
        assert "3 of 3" in screen(pilot)[-1]
        await pilot.press("N", "N", "N", "N")
        assert "2 of 3" in screen(pilot)[-1]
        assert "reason" in under_cursor(pilot)
        assert "▐ figures" in screen(pilot)[1]
        await pilot.press("n")
        assert '"disabled_reason": "self_selected_spend_limit_reached"' in under_cursor(pilot)
        assert "▐ own overage" in screen(pilot)[1]
        await pilot.press("slash", "z", "z")
        assert "no match" in screen(pilot)[-1]
        await pilot.press("escape")
        assert "Esc close" in screen(pilot)[-1]
        await pilot.press("escape")
        assert pilot.app.screen is not shown


@pytest.mark.slow
async def test_every_size_shows_verdict_and_reaches_everything() -> None:
    """The verdict is the first line at every size, and each figure has its reply and age at any width."""
    async with details() as (pilot, shown):
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            lines = screen(pilot)
            assert len(lines) == height
            # In a narrow pane, end and cause say more than the name of the only org.
            assert "BLOCKED until 16:00"[: max(7, width - 12)] in lines[0], (width, height)
            assert lines[0].startswith(" Acme Team: BLOCKED until 16:00") or width < 80
            assert all(cell_len(line) <= width for line in lines)
            if (width, height) not in ((60, 20), (40, 8)):
                continue
            await pilot.press("home")
            seen = set(screen(pilot))
            for _ in range(60):
                await pilot.press("pagedown")
                seen |= set(screen(pilot))
                if shown.item_list.cursor == shown.item_list._model.item_count - 1:
                    break
            whole = "\n".join(seen)
            for words in WHOLE:
                assert words in whole, (width, height, words)


async def test_failure_and_new_fields_are_marked() -> None:
    """A failed reply says so above its last good body; a new key is marked there and in the tab."""
    async with details(PERSONAL) as (pilot, shown):
        store: Store = pilot.app.store  # type: ignore[attr-defined]
        store = with_body(store, '{"five_hour": {}, "amber_ladder": 1}', new_fields=("amber_ladder",))
        failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.PREPAID, NOW, "status 502")
        report = OrgReading(org_of(PERSONAL.org), {Endpoint.PREPAID: failure})
        store = store.apply(Reading(SESSION, NOW, org_readings=(report,)))
        shown.view = replace(shown.view, store=store)
        await pilot.pause()
        assert "usage +1" in screen(pilot)[1]
        assert "prepaid !" in screen(pilot)[1]
        assert "server error (status 502): claude.ai reported an" in text(pilot)
        await pilot.press("right", "right")
        assert '  new   "amber_ladder": 1' in screen(pilot)
        assert "1 new field" in text(pilot)
        await pilot.press("right", "right", "right")
        assert "▐ prepaid" in screen(pilot)[1]
        assert "not read since 14:48: server error (status 502) · read 14:48:00" in text(pilot)
        assert '"amount": 24435' in text(pilot)


@pytest.mark.parametrize("size", [(109, 36), (60, 36), (40, 36)])
async def test_heading_has_the_source_and_rows_only_what_differs(size: tuple[int, int]) -> None:
    """The source and the age are once above the figures, and a fact comes before a note about it."""
    async with details(size=size) as (pilot, _):
        lines = screen(pilot)
        start = next(place for place, line in enumerate(lines) if line.startswith("  5-hour window"))
        end = lines.index("", start)
        section = lines[start:end]
        assert sum("18s ago" in line for line in section) == 1
        (elapsed,) = (place for place, line in enumerate(section) if line.startswith("  elapsed"))
        assert sum(line.endswith(" calculated") for line in section) == 1
        assert "".join(section[elapsed : elapsed + 3]).index("%") < "".join(section).index("calculated")
        assert lines[3] == "", "a blank line is below the title"


async def test_time_and_polls_keep_the_cursor() -> None:
    """New ages and polls keep the cursor on its figure, another org on the same figure."""
    async with details() as (pilot, shown):
        await pilot.press(*["down"] * 7)
        shown.view = replace(shown.view, now=NOW + timedelta(seconds=41))
        await pilot.pause()
        assert re.search(r"used +100% ■", under_cursor(pilot))
        assert "─ usage via Chrome, Default · 59s ago" in text(pilot)
        store: Store = pilot.app.store  # type: ignore[attr-defined]
        failure = Failure(ErrorKind.TIMEOUT, Endpoint.PREPAID, NOW)
        report = OrgReading(org_of(TEAM.org), {Endpoint.PREPAID: failure})
        shown.view = replace(shown.view, store=store.apply(Reading(SESSION, NOW, org_readings=(report,))))
        await pilot.pause()
        assert "used" in under_cursor(pilot)


async def test_keys_without_an_org_do_nothing() -> None:
    """Before the first reply every key is harmless."""
    async with details(None) as (pilot, _):
        keys = [name for key in DETAILS_KEYS for name in key.keys.split(",") if name != "escape"]
        await pilot.press(*keys)
        assert "No org yet" in text(pilot)


HOSTILE = {
    "long lines": json.dumps(["y" * 90] * 10_000),
    "one line": json.dumps({"a": "x" * 1_000_000}),
    "wide": json.dumps({"a": "漢" * 50_000}, ensure_ascii=False),
    "small parts": "[" + "0," * 100_000 + "0]",
    "no JSON": "<html>\x1b]0;pwned\x07\x9b2J" * 40_000,
}


async def test_hostile_bodies_stay_quick_and_harmless() -> None:
    """A MiB of any content is bounded, only visible lines are drawn, and no control character is printed."""
    async with details(PERSONAL, size=(80, 24)) as (pilot, shown):
        store: Store = pilot.app.store  # type: ignore[attr-defined]
        await pilot.press("right", "right")
        for name, body in HOSTILE.items():
            shown.view = replace(shown.view, store=with_body(store, body))
            await pilot.press("end", "pageup")
            assert 1 < shown.item_list._model.item_count < 60_000, name
            assert len(shown.item_list._content_cache) <= 24, name
            assert text(pilot).replace("\n", "").isprintable(), name


WIDE = json.dumps({"漢" * 40: ["é" * 300, "x" * 300, {"k": "🚀" * 99}]})


@pytest.mark.parametrize("width", [20, 41, 118])
@pytest.mark.parametrize("body", [WIDE, "[]", "plain\ntext", ""])
def test_wrapped_lines_fit_and_are_complete(body: str, width: int) -> None:
    """At any width no line is wider than the screen, and together they are the complete body."""
    lines = format_json_lines(body)
    page = ReplyPage(lines, width)
    sheet = page.build_list()
    drawn = [sheet.draw(item, 0, False).plain for item in range(sheet.item_count)]
    assert all(cell_len(line) <= width for line in drawn)
    whole = "".join(line.text for line in lines)
    assert re.sub(r"\s", "", whole) == re.sub(r"\s", "", "".join(drawn))
    assert page.find_item(page.get_key(sheet.item_count - 1)) == sheet.item_count - 1


def test_hit_is_found_once_and_across_a_break() -> None:
    """A hit is found at its start, also across a line break."""
    page = ReplyPage(format_json_lines(json.dumps({"a": "x" * 50 + "needle" + "x" * 50})), 56)
    for item in page.find_hits(re.compile("needle")):
        assert "nee" in page.build_list().draw(item, 0, False).plain
    assert len(page.find_hits(re.compile("needle"))) == 1
    assert page.find_hits(re.compile("absent")) == []
