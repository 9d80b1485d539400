"""The layout at each size."""

from __future__ import annotations

from pathlib import Path

import pytest

from claudemeter_tui import tui
from claudemeter_tui.tui.layout import (
    CHART_LINES,
    MIN_CREDITS_WIDTH,
    WIDE_FROM,
    Layout,
    LayoutNeeds,
    compute_layout,
    compute_panel_shares,
)
from claudemeter_tui.tui.screens.dashboard import DashboardScreen
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.org_tabs import OrgTabs
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
    assert [name for name in LayoutNeeds._fields if f"{name}=" not in source] == []


def test_remaining_room_is_the_charts() -> None:
    """A tall terminal is filled to its last line."""
    assert compute_layout(120, 60, BUSY).total == 60
    assert compute_layout(120, 60, BUSY).chart > compute_layout(120, 40, BUSY).chart


@pytest.mark.parametrize(
    ("moving", "second_moving", "expected"),
    [(False, False, (16, 15)), (True, True, (16, 15)), (True, False, (24, 7)), (False, True, (6, 25))],
)
def test_tall_terminal_has_both_charts(moving: bool, second_moving: bool, expected: tuple[int, int]) -> None:  # noqa: FBT001
    """Credits and windows have their charts one below the other; a flat line gets only the lines it needs."""
    needs = BUSY._replace(is_chart_moving=moving, has_second_chart=True, is_second_chart_moving=second_moving)
    layout = compute_layout(120, 50, needs)
    assert expected == (layout.chart, layout.second_chart)
    assert layout.total == 50
    assert compute_layout(120, 24, needs).second_chart == 0


def test_second_chart_has_an_odd_number_of_lines() -> None:
    """Then 50% is halfway between 0% and 100%; the other chart keeps the lines it needs."""
    for moving, second_moving in ((True, True), (True, False), (False, True), (False, False)):
        needs = BUSY._replace(
            is_chart_moving=moving, has_second_chart=True, is_second_chart_moving=second_moving
        )
        for height in range(30, 60):
            layout = compute_layout(120, height, needs)
            is_lowest = layout.chart == layout.second_chart == CHART_LINES
            assert layout.second_chart % 2 == 1 or not layout.second_chart or is_lowest
            assert layout.chart >= CHART_LINES


def test_flat_chart_has_its_lines_too() -> None:
    """A chart whose values have not changed is as high as any other one, so no start is without a chart."""
    flat, moving = (
        compute_layout(60, 20, CALM._replace(has_chart=True, is_chart_moving=it)) for it in (False, True)
    )
    assert flat == moving
    assert flat.chart >= 4


def test_chart_without_room_is_a_line() -> None:
    """A free line shows the chart as a line of blocks, without a frame."""
    needs = CALM._replace(limits=2, credits=1, has_chart=True)
    heights = {height: compute_layout(60, height, needs) for height in range(5, 16)}
    lines = {height for height, layout in heights.items() if layout.chart == 1}
    assert lines
    assert all(heights[height].heights["#chart"] == 1 for height in lines)


@pytest.mark.parametrize("moving", [False, True], ids=["flat", "moving"])
@pytest.mark.parametrize("needs", [BUSY, CALM], ids=["busy", "calm"])
def test_common_terminal_has_a_chart_below_whole_panels(needs: LayoutNeeds, moving: bool) -> None:  # noqa: FBT001
    """At 80x24, frames and panels leave at least six lines for a chart, even for a flat one."""
    layout = compute_layout(80, 24, needs._replace(has_chart=True, is_chart_moving=moving))
    assert layout.framed
    assert layout.heights["#chart"] >= 6
    assert needs.verdict == layout.verdict
    assert layout.limits >= needs.limits - 1
    assert layout.credits >= 2


@pytest.mark.parametrize(("size", "windows"), [((60, 20), 3), ((80, 24), 8)])
def test_small_terminal_gives_up_frames_before_the_chart(size: tuple[int, int], windows: int) -> None:
    """Many windows cost the frames first, because their lines say the same."""
    layout = compute_layout(*size, BUSY._replace(windows=windows, limits=windows, has_chart=True))
    assert (windows, True, False) == (layout.limits, layout.chart >= 6, layout.framed)


def test_tall_terminal_has_blank_lines_around_the_banner() -> None:
    """From 36 lines on the banner is apart from tabs and panels, unless a chart needs these lines."""
    needs = BUSY._replace(is_chart_moving=True, has_second_chart=True, is_second_chart_moving=True)
    gaps = {height: compute_layout(120, height, needs).banner_gap for height in range(20, 50)}
    assert {height for height, gap in gaps.items() if gap} == set(range(36, 50))
    many = [compute_layout(120, height, needs._replace(windows=14, limits=14)) for height in range(36, 60)]
    assert all(layout.chart >= CHART_LINES for layout in many)
    first = next(place for place, layout in enumerate(many) if layout.second_chart)
    assert [bool(layout.second_chart) for layout in many] == [False] * first + [True] * (len(many) - first)
    assert (many[first].banner_gap, many[-1].banner_gap) == (0, 1)


def test_limits_are_wider_than_credits() -> None:
    """Four to three, for bars and forecasts, and never at the expense of the figures of the credits."""
    for width in range(WIDE_FROM, 300):
        left, right = compute_panel_shares(width)
        assert left + 1 + right == width
        assert left > right >= MIN_CREDITS_WIDTH
    assert [compute_panel_shares(width) for width in (100, 120, 160)] == [(51, 48), (68, 51), (90, 69)]


async def test_parts_on_screen_have_the_lines_and_cells_of_the_layout() -> None:
    """The panels have their shares, and blank lines are around the banner."""
    async with app(stage(PERSONAL)).run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        screen = pilot.app.screen
        limits, credits = (screen.query_exactly_one(part) for part in (LimitsPanel, CreditsPanel))
        for width in (99, 100, 113, 120, 121, 160, 120):
            await pilot.resize_terminal(width, 36)
            await pilot.pause()
            shares = compute_panel_shares(width) if width >= WIDE_FROM else (width, width)
            assert (limits.size.width, credits.size.width) == shares
        for height, gap in ((36, 1), (35, 0), (36, 1)):
            await pilot.resize_terminal(120, height)
            await pilot.pause()
            tabs, banner = (screen.query_exactly_one(part).region for part in (OrgTabs, Banner))
            assert (banner.y - tabs.bottom, limits.region.y - banner.bottom) == (gap, gap)


def test_panels_are_side_by_side_only_if_they_fit() -> None:
    """From 100 columns on the panels share their lines."""
    assert not compute_layout(99, 40, BUSY).wide
    wide = compute_layout(100, 40, BUSY)
    assert wide.wide
    assert wide.heights["LimitsPanel"] == wide.heights["CreditsPanel"] == max(wide.limits, wide.credits) + 2
