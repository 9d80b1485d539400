"""Layout of the dashboard: the parts shown at each size, and their lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

WIDE_FROM = 100
"""Columns from which the two panels are side by side."""
MIN_CREDITS_WIDTH = 48
"""Minimum cells of the credits panel beside the limits: a balance in dollars with the part that expires."""
FRAMES_FROM = 56
"""Columns from which panels have frames."""
MIN_CHART_LINES = 3
"""Lines below which a chart is only a line of blocks, without a frame."""
CHART_LINES = 6
"""Lines that a chart gets before less important parts, without its frame."""
BANNER_GAP_FROM = 36
"""Lines from which blank lines separate the banner from tabs and panels, if the charts keep their lines."""
LOW_CHART_FROM = 80
"""Columns from which a chart gives two of its lines to its frame, so that all orgs have frames at 80x24."""


def compute_panel_shares(width: int) -> tuple[int, int]:
    """Return the cells of limits and credits side by side.

    The limits get four of seven parts, for their bars, but no cells that the figures of the credits need.
    """
    left = min((width - 1) * 4 // 7, width - 1 - MIN_CREDITS_WIDTH)
    return left, width - 1 - left


def compute_panel_widths(width: int) -> tuple[int, int]:
    """Return the cells inside the two panels in a terminal of this width."""
    left, right = compute_panel_shares(width) if width >= WIDE_FROM else (width, width)
    margin = 4 if width >= FRAMES_FROM else 2
    return left - margin, right - margin


class LayoutNeeds(NamedTuple):
    """Lines that each part would fill."""

    orgs: int = 1
    verdict: int = 1
    windows: int = 1
    limits: int = 1
    """Lines of the limits panel: the windows, and the forecasts for which their lines have no room."""
    has_source: bool = False
    """True if the limits panel names the session of its figures, which takes a line without a frame."""
    credits: int = 1
    has_chart: bool = False
    """True if there is anything to plot."""
    is_chart_moving: bool = False
    """True if the plotted values have changed."""
    has_second_chart: bool = False
    """True if there is a second chart: credits and windows."""
    is_second_chart_moving: bool = False
    """True if the values of the second chart have changed."""
    has_status: bool = False
    """True if there is a problem or an event to show."""


class Layout(NamedTuple):
    """Lines of each part without its frame; 0 if it is hidden."""

    wide: bool = False
    """True if the panels are side by side."""
    framed: bool = False
    header: int = 0
    tabs: int = 0
    verdict: int = 1
    banner_gap: int = 0
    """Blank lines above and below the verdict."""
    limits: int = 0
    credits: int = 0
    chart: int = 0
    second_chart: int = 0
    """Lines of the second chart, which shows the other data."""
    status: int = 0
    keys: int = 0

    @property
    def heights(self) -> dict[str, int]:
        """Lines of each part of the dashboard with its frame, by selector; 0 if it is hidden."""
        # A list, not a generator, whose values would each be a call: layouts are tried in dozens for a key.
        limits, credits, chart, second = [
            lines + (2 if self.framed and lines >= least else 0) if lines else 0
            for lines, least in (
                (self.limits, 1),
                (self.credits, 1),
                (self.chart, MIN_CHART_LINES),
                (self.second_chart, 1),
            )
        ]
        if self.wide and limits and credits:
            limits = credits = max(limits, credits)
        return {
            "Header": self.header,
            "OrgTabs": self.tabs,
            "Banner": self.verdict,
            "LimitsPanel": limits,
            "CreditsPanel": credits,
            "#chart": chart,
            "#second": second,
            "StatusLine": self.status,
            "KeyHints": self.keys,
        }

    @property
    def total(self) -> int:
        """Lines of all parts; panels side by side share their lines."""
        heights = self.heights
        shared = min(heights["LimitsPanel"], heights["CreditsPanel"]) if self.wide else 0
        return sum(heights.values()) + 2 * self.banner_gap - shared


def compute_layout(width: int, height: int, needs: LayoutNeeds) -> Layout:
    """Return the layout for a terminal of this size.

    Start with the verdict only and add parts in order of importance. Skip a step that does not fit and
    try the next one. The only chart with changed values gets the remaining lines; otherwise both charts share
    them. The second chart gets an odd number of lines. If there is no room for a chart, it is low, or a line
    of blocks.
    """
    layout = Layout(wide=width >= WIDE_FROM)
    for lines in _iterate_steps(width, height, needs):
        grown = layout._replace(**lines)
        if grown.total <= height:
            layout = grown
    if not layout.chart and needs.has_chart:
        low = (layout._replace(chart=lines) for lines in (MIN_CHART_LINES, 1))
        layout = next((it for it in low if it.total <= height), layout)
    with_source = layout._replace(limits=needs.limits + 1)
    if needs.has_source and not layout.framed and with_source.total <= height:
        layout = with_source
    if not layout.chart or (layout.framed and layout.chart < MIN_CHART_LINES):
        return layout
    spare = height - layout.total
    alone = not layout.second_chart or (needs.is_chart_moving and not needs.is_second_chart_moving)
    second = 0 if alone else spare // 2 if needs.is_chart_moving == needs.is_second_chart_moving else spare
    if spare and layout.second_chart and (layout.second_chart + second) % 2 == 0:
        # With an odd number of lines, 50% is halfway between 0% and 100%, and no line above them is blank.
        second += 1 if second < spare else -1
    return layout._replace(chart=layout.chart + spare - second, second_chart=layout.second_chart + second)


def _iterate_steps(width: int, height: int, needs: LayoutNeeds) -> Iterator[dict[str, Any]]:
    """Yield the lines of the parts to add, most important first."""
    frames = width >= FRAMES_FROM
    yield {"limits": 1}
    yield {"credits": 1}
    yield from ({"limits": lines} for lines in range(2, needs.windows + 1))
    yield {"tabs": int(needs.orgs > 1)}
    yield from ({"verdict": lines} for lines in range(2, needs.verdict + 1))
    yield {"keys": int(height >= 7)}  # with fewer lines, the figures need all of them
    yield {"tabs": int(needs.orgs > 0)}
    yield {"status": int(needs.has_status or height >= 20)}
    yield {"header": 1}
    yield {"chart": CHART_LINES if needs.has_chart else 0}
    framed = {"framed": frames, "credits": min(2, needs.credits)}
    if needs.has_chart and frames:
        yield framed | {"chart": CHART_LINES - 2 if width >= LOW_CHART_FROM else CHART_LINES}
    yield framed
    yield {"chart": CHART_LINES - 1 if needs.has_chart else 0}
    yield from ({"credits": lines} for lines in range(2, min(3, needs.credits) + 1))
    yield {"chart": CHART_LINES if needs.has_chart else 0}
    yield from ({"credits": lines} for lines in range(2, needs.credits + 1))
    yield from ({"limits": lines} for lines in range(needs.windows + 1, needs.limits + 1))
    yield {"second_chart": CHART_LINES if needs.has_second_chart and frames else 0}
    yield {"banner_gap": int(height >= BANNER_GAP_FROM)}
