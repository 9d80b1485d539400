"""Every body at every size: no figure, word or border is cut, and no line is too long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from functools import cache, reduce
from operator import or_

import pytest
from rich.cells import cell_len
from textual.geometry import Size

from claudemeter_tui.formatting import verdict as words
from claudemeter_tui.formatting.figures import build_sections
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.keys import FOOTER_KEYS
from claudemeter_tui.tui.layout import compute_panel_shares
from claudemeter_tui.tui.screens.dashboard import lay_out_view
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.chart_panel import FIRST_CHART, SECOND_CHART, ChartPanel, switch_chart
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.details_pages import FigurePage
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.list_view import VirtualList
from claudemeter_tui.tui.widgets.org_tabs import OrgTabs
from claudemeter_tui.tui.widgets.status_line import StatusLine
from tests.scenes import PERSONAL, readings
from tests.tui.app_harness import Stage, app
from tests.tui.every_body import CAPTURES, OURS, Seen, captured, seen
from tests.tui.figure_checks import (
    FIGURE,
    Whole,
    allowed,
    chart_defects,
    frame_defects,
    text_of,
    width_defects,
)

SIZES = (
    *((160, 45), (120, 36), (100, 30), (80, 24), (60, 20), (40, 8), (80, 3), (120, 1)),
    *((200, 12), (99, 50), (57, 13), (43, 30), (24, 5)),
)
AT_EVERY_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@dataclass(frozen=True)
class Scene:
    """An org beside another one at a moment, and the texts that its screen may show."""

    name: str
    verdict: str
    view: View
    whole: Whole


@cache
def scenes() -> tuple[Scene, ...]:
    """Return all orgs, each after its run."""
    return tuple(scene_of(one) for one in seen())


def scene_of(one: Seen) -> Scene:
    """Return the org, and the personal one with room in its plan beside it."""
    known, journal = Store(), EventLog()
    for reading in _run(one):
        known = known.apply(reading)
        journal = journal.observe(known, one.now)
    state, other = known.orgs
    view = View(known, one.now, state.key, UTC, events=journal.events)
    polls = [session.schedule for session in known.sessions if session.schedule]
    whole = allowed(state, one.now, journal.events, polls) | allowed(other, one.now)
    return Scene(one.name, words.format_verdict_name(judge(state, one.now)), view, whole)


def _run(one: Seen) -> Iterable[Reading]:
    uuid = "bbbbbbbb-0000-4000-8000-00000000000f"
    beside = replace(PERSONAL, org=PERSONAL.org | {"uuid": uuid}, spent=())
    return readings(one.bodies, beside, at=one.read_at)


def drawn(part: LineWidget, view: View, width: int, height: int) -> list[str]:
    """Return the lines of a part of the dashboard in so many cells; a line that is too long stays so."""
    part.set_reactive(type(part).view, view)
    lines = part.draw(width, height)[:height] if height else []
    texts = [(styled_text.convert_to_ascii(line) if view.ascii else line).plain for line in lines]
    texts += [""] * (height - len(texts))
    return [line + " " * (width - cell_len(line)) for line in texts]


def stacked(scene: Scene, size: tuple[int, int], *, ascii_only: bool = False) -> dict[str, list[str]]:
    """Return the dashboard's parts from top to bottom, by their selectors; panels side by side are one."""
    width, height = size
    view = lay_out_view(replace(scene.view, ascii=ascii_only), Size(width, height))
    layout, parts = view.layout, view.layout.heights
    cells = width
    if layout.wide and parts["LimitsPanel"] and parts["CreditsPanel"]:
        cells = compute_panel_shares(width)[0]
    made = {
        "LimitsPanel": LimitsPanel(),
        "CreditsPanel": CreditsPanel(),
        "#chart": ChartPanel(id=FIRST_CHART),
    }
    made |= {"Header": Header(), "OrgTabs": OrgTabs(), "Banner": Banner(), "StatusLine": StatusLine()}
    made |= {"#second": ChartPanel(id=SECOND_CHART), "KeyHints": KeyHints(FOOTER_KEYS)}
    room = {"LimitsPanel": cells, "CreditsPanel": width - cells - 1 if cells < width else width}
    seen = {"#second": switch_chart(view)}
    found = {
        name: drawn(made[name], seen.get(name, view), room.get(name, width), lines)
        for name, lines in parts.items()
    }
    credits = found.pop("CreditsPanel")
    if cells < width:
        pairs = zip(found["LimitsPanel"], credits, strict=True)
        found["LimitsPanel"] = [f"{left} {right}" for left, right in pairs]
    else:
        found["LimitsPanel"] += credits
    return found


def defects(scene: Scene, size: tuple[int, int], *, ascii_only: bool = False) -> Iterator[str]:
    """Return the defects of an org's dashboard at a size."""
    parts = stacked(scene, size, ascii_only=ascii_only)
    for name, lines in parts.items():
        found = [*width_defects(lines, size[0]), *frame_defects(lines)]
        rule = chart_defects if name.startswith("#") else scene.whole.defects
        found += [f"{defect} in {line!r}" for line in lines for defect in rule(line)]
        yield from (f"{scene.name}, {name}: {defect}" for defect in found)
    said = " ".join(line.strip("┃ ") for line in parts["Banner"])
    if (scene.verdict if size[0] >= 40 else scene.verdict.partition(" · ")[0]) not in said:
        yield f"{scene.name}: the verdict is not whole in {said!r}"
    if sum(map(len, parts.values())) > size[1]:
        yield f"{scene.name}: more lines than there are"


def test_captured_bodies_are_all_checked() -> None:
    """Every captured body beside the checkout is in an org, and ours always are."""
    kept = [part for one in seen() for part in (one.bodies.usage, one.bodies.overage, one.bodies.prepaid)]
    assert seen()[: len(OURS)] == OURS
    for ending in ("usage", "overage_spend_limit", "prepaid/credits"):
        assert all(body in kept for body in captured(ending).values())
    assert CAPTURES.is_dir() is bool(captured("usage"))


@AT_EVERY_SIZE
def test_every_body_is_whole(size: tuple[int, int]) -> None:
    """No figure, word or border of any captured or modelled body is cut."""
    assert [defect for scene in scenes() for defect in defects(scene, size)] == []


@AT_EVERY_SIZE
def test_every_body_is_whole_in_ascii(size: tuple[int, int]) -> None:
    """ASCII has the same text in the same columns."""
    for scene in scenes()[: len(OURS)]:
        for kind, lines in stacked(scene, size, ascii_only=True).items():
            assert list(width_defects(lines, size[0])) == [], (scene.name, kind)
            assert all(line.isascii() for line in lines), (scene.name, kind)


@pytest.mark.slow
async def test_screen_consists_of_the_checked_parts() -> None:
    """The parts checked above make up the screen, at each size and for each org."""
    by_name = {scene.name: scene for scene in scenes()}
    for name in ("team", "wide", "nothing"):
        scene, one = by_name[name], next(one for one in OURS if one.name == name)
        async with app(Stage(_run(one), one.now)).run_test(size=(50, 10)) as pilot:
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await pilot.pause()
                shown = text_of(pilot.app.screen._compositor.render_strips())
                expected = [line for lines in stacked(scene, size).values() for line in lines if line.strip()]
                assert expected == [line for line in shown if line.strip()], (name, size)
                assert [*width_defects(shown, size[0]), *frame_defects(shown)] == []


@pytest.mark.parametrize("width", [159, 119, 89, 59, 39])
def test_details_have_every_figure_whole(width: int) -> None:
    """Values are broken between words only, and no line is wider than the page."""
    for scene in scenes():
        view = scene.view
        assert view.state is not None
        page = FigurePage(build_sections(view.store, view.state, view.now, UTC), width, view.now)
        sheet = page.build_list()
        for item in range(sheet.item_count):
            height = sheet.starts[item + 1] - sheet.starts[item]
            lines = [sheet.draw(item, part, False).plain for part in range(height)]
            assert list(width_defects(lines, width)) == [], scene.name
            figure = page.get_figure(item)
            for found in FIGURE.finditer(figure.value) if figure else ():
                assert any(found[0] in line for line in lines), (scene.name, found[0], lines)


@pytest.mark.slow
async def test_overview_is_whole_at_every_size() -> None:
    """Only names are shortened in any line of the table, scrolled to or not."""
    every = [one for reading in map(_alone, enumerate(seen())) for one in reading]
    roster = tuple(org for reading in every for org in reading.orgs or ())
    run = [reading._replace(orgs=roster) if reading.orgs else reading for reading in every]
    async with app(Stage(run)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app, Claudemeter)
        states, now = pilot.app.store.orgs, pilot.app.now
        whole = reduce(or_, (allowed(state, now) for state in states))
        await pilot.press("o")
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            shown = text_of(pilot.app.screen._compositor.render_strips())
            table = pilot.app.screen.query_exactly_one(VirtualList)
            rows = [table._get_content_line(line).plain for line in range(table.virtual_size.height)]
            assert len(states) <= len(rows)
            assert [*width_defects(shown, size[0]), *width_defects(rows, table.line_width)] == []
            # A name may break off after any word; the parts below the table are those of the dashboard.
            lines = [shown[0], *(re.sub(r"^(.{4})[^…]*…  ", r"\1X  ", line) for line in rows)]
            assert [(size, line, defect) for line in lines for defect in whole.defects(line)] == []


def _alone(place_and_org: tuple[int, Seen]) -> Iterable[Reading]:
    """Return the last poll of one org among many."""
    place, one = place_and_org
    uuid = f"eeeeeeee-0000-4000-8000-{place:012}"
    return readings(replace(one.bodies, org=one.bodies.org | {"uuid": uuid}, spent=()), at=one.read_at)
