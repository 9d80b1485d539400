"""The layout at each size."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from claudemeter_tui import tui
from claudemeter_tui.tui.layout import Layout, LayoutNeeds, compute_layout
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from tests.scenes import PERSONAL
from tests.tui.app_harness import app, stage

PACKAGE, WIDGETS = Path(tui.__file__).parent, f"{tui.__name__}.widgets."
BUSY = LayoutNeeds(
    orgs=3, verdict=3, windows=3, limits=4, credits=4, has_chart=True, is_chart_moving=True, has_status=True
)
CALM = LayoutNeeds(orgs=1, verdict=1, windows=2, limits=3, credits=4)
WIDTHS = (40, 60, 80, 100, 120, 250)


@pytest.mark.parametrize("needs", [BUSY, CALM], ids=["busy", "calm"])
@pytest.mark.parametrize("width", WIDTHS)
def test_layout_fits_every_height(needs: LayoutNeeds, width: int) -> None:
    """No part is below the last line, and the verdict is always shown."""
    for height in range(1, 71):
        layout = compute_layout(width, height, needs)
        assert layout.total <= height
        assert layout.verdict >= 1


@pytest.mark.parametrize("needs", [BUSY, CALM], ids=["busy", "calm"])
@pytest.mark.parametrize("width", WIDTHS)
def test_layout_shows_no_fewer_parts_in_a_taller_terminal(needs: LayoutNeeds, width: int) -> None:
    """A part stays when the terminal grows."""
    for height in range(1, 70):
        small, tall = compute_layout(width, height, needs), compute_layout(width, height + 1, needs)
        for part in ("verdict", "limits", "credits"):
            assert bool(getattr(tall, part)) >= bool(getattr(small, part))


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (1, Layout()),
        (2, Layout(limits=1)),
        (3, Layout(limits=1, credits=1)),
        (5, Layout(limits=3, credits=1)),
        (6, Layout(limits=3, credits=1, tabs=1)),
        (8, Layout(limits=3, credits=1, tabs=1, verdict=3)),
        (9, Layout(limits=3, credits=1, tabs=1, verdict=3, keys=1)),
    ],
)
def test_order_of_parts_in_a_narrow_pane(height: int, expected: Layout) -> None:
    """The order is the verdict, the tightest window, the credit line, the other windows, then the rest."""
    assert expected == compute_layout(40, height, BUSY)


async def test_every_part_of_the_dashboard_has_lines() -> None:
    """A part without a row in the layout would keep its own height and push others off the screen."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app.screen, DashboardScreen)
        parts = pilot.app.screen.query(LineWidget)
        selectors = {f"#{part.id}" if part.id else type(part).__name__ for part in parts}
    assert selectors == set(Layout().heights), "heights in tui/layout.py lacks a part, or has one too many"


def test_every_part_is_on_a_screen() -> None:
    """A part that no screen creates is never seen."""
    sources = "".join(path.read_text() for path in (PACKAGE / "screens").glob("*.py"))
    parts = {
        part.__name__ for part in LineWidget.__subclasses__() if part.__module__.startswith(tui.__name__)
    }
    assert [name for name in sorted(parts) if f"{name}(" not in sources] == []


def test_every_need_is_measured() -> None:
    """A field of LayoutNeeds that is not filled keeps its default, and its part stays hidden."""
    source = (PACKAGE / "screens" / "dashboard.py").read_text()
    assert [field.name for field in fields(LayoutNeeds) if f"{field.name}=" not in source] == []


def test_remaining_room_is_the_charts() -> None:
    """A tall terminal is filled to its last line."""
    assert compute_layout(120, 60, BUSY).total == 60
    assert compute_layout(120, 60, BUSY).chart > compute_layout(120, 40, BUSY).chart


@pytest.mark.parametrize(
    ("moving", "second_moving", "expected"),
    [(False, False, (17, 16)), (True, True, (17, 16)), (True, False, (27, 6)), (False, True, (6, 27))],
)
def test_tall_terminal_has_both_charts(moving: bool, second_moving: bool, expected: tuple[int, int]) -> None:  # noqa: FBT001
    """Credits and windows have their charts one below the other; a flat line gets only the lines it needs."""
    needs = replace(BUSY, is_chart_moving=moving, has_second_chart=True, is_second_chart_moving=second_moving)
    layout = compute_layout(120, 50, needs)
    assert expected == (layout.chart, layout.second_chart)
    assert layout.total == 50
    assert compute_layout(120, 24, needs).second_chart == 0


def test_flat_chart_has_its_lines_too() -> None:
    """A chart whose values have not changed is as high as any other one, so no start is without a chart."""
    flat, moving = (
        compute_layout(60, 20, replace(CALM, has_chart=True, is_chart_moving=it)) for it in (False, True)
    )
    assert flat == moving
    assert flat.chart >= 4


def test_chart_without_room_is_a_line() -> None:
    """A free line shows the chart as a line of blocks, without a frame."""
    needs = replace(CALM, limits=2, credits=1, has_chart=True)
    heights = {height: compute_layout(60, height, needs) for height in range(5, 16)}
    lines = {height for height, layout in heights.items() if layout.chart == 1}
    assert lines
    assert all(heights[height].heights["#chart"] == 1 for height in lines)


@pytest.mark.parametrize("moving", [False, True], ids=["flat", "moving"])
@pytest.mark.parametrize("needs", [BUSY, CALM], ids=["busy", "calm"])
def test_common_terminal_has_a_chart_below_whole_panels(needs: LayoutNeeds, moving: bool) -> None:  # noqa: FBT001
    """At 80x24, frames and panels leave at least six lines for a chart, even for a flat one."""
    layout = compute_layout(80, 24, replace(needs, has_chart=True, is_chart_moving=moving))
    assert layout.framed
    assert layout.heights["#chart"] >= 6
    assert needs.verdict == layout.verdict
    assert layout.limits >= needs.limits - 1
    assert layout.credits >= 2


@pytest.mark.parametrize(("size", "windows"), [((60, 20), 3), ((80, 24), 8)])
def test_small_terminal_gives_up_frames_before_the_chart(size: tuple[int, int], windows: int) -> None:
    """Many windows cost the frames first, because their lines say the same."""
    layout = compute_layout(*size, replace(BUSY, windows=windows, limits=windows, has_chart=True))
    assert (windows, True, False) == (layout.limits, layout.chart >= 6, layout.framed)


def test_panels_are_side_by_side_only_if_they_fit() -> None:
    """From 100 columns on the panels share their lines."""
    assert not compute_layout(99, 40, BUSY).wide
    wide = compute_layout(100, 40, BUSY)
    assert wide.wide
    assert wide.heights["LimitsPanel"] == wide.heights["CreditsPanel"] == max(wide.limits, wide.credits) + 2
