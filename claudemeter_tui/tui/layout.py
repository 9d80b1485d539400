"""Which parts of the dashboard are shown at which size, and how many lines each has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

WIDE_FROM = 100
"""Columns from which the two panels stand side by side."""
FRAMES_FROM = 56
"""Columns from which panels have frames."""


@dataclass(frozen=True, slots=True)
class Needs:
    """How many lines each part would like."""

    orgs: int = 1
    verdict: int = 1
    """Lines of the banner's text."""
    boxed: int = 0
    """Lines of the same in a box; 0: it is not worth one."""
    windows: int = 1
    credits: int = 1
    chart: bool = False
    """Whether there is anything to plot."""
    moving: bool = False
    """Whether what is plotted has changed at all: a flat line can wait."""
    second: bool = False
    """Whether there is a second thing to plot: credits and windows."""
    second_moving: bool = False
    """The same of the second."""
    status: bool = False
    """Whether there is any problem to tell."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is shown: lines of each part without its frame; 0 is not shown."""

    wide: bool = False
    """The panels stand side by side."""
    framed: bool = False
    boxed: bool = False
    """The banner has a frame."""
    header: int = 0
    tabs: int = 0
    verdict: int = 1
    limits: int = 0
    credits: int = 0
    chart: int = 0
    second: int = 0
    """Of a chart of what the first one does not show."""
    status: int = 0
    keys: int = 0

    @property
    def frame(self) -> int:
        """Lines of a frame: two, or none."""
        return 2 if self.framed else 0

    @property
    def banner(self) -> int:
        """Lines of the banner with its frame."""
        return self.verdict + (2 if self.boxed else 0)

    @property
    def panels(self) -> int:
        """Lines of the panels with their frames."""
        parts = [lines + self.frame for lines in (self.limits, self.credits) if lines]
        return (max if self.wide else sum)(parts) if parts else 0

    @property
    def plots(self) -> tuple[int, int]:
        """Lines of both charts with their frames."""
        first, second = (lines + self.frame if lines else 0 for lines in (self.chart, self.second))
        return first, second

    @property
    def total(self) -> int:
        """Lines of everything."""
        above = self.header + self.tabs + self.banner + self.panels
        return above + sum(self.plots) + self.status + self.keys


Step = Callable[[Layout], Layout]


def arrange(width: int, height: int, needs: Needs) -> Layout:
    """The layout for a terminal of this size.

    It begins with the verdict alone and grows by one step after another, the most needed first;
    a step that does not fit is left out and the next one is tried. Room that is left goes to the
    charts.
    """
    layout = Layout(wide=width >= WIDE_FROM)
    for step in _steps(width, height, needs):
        grown = step(layout)
        if grown.total <= height:
            layout = grown
    return _filled(layout, height - layout.total, needs)


def _filled(layout: Layout, spare: int, needs: Needs) -> Layout:
    """The lines that are left given to the charts: to the one that moves, or to each its half."""
    if not layout.chart:
        return layout
    alone = not layout.second or (needs.moving and not needs.second_moving)
    second = 0 if alone else spare // 2 if needs.moving == needs.second_moving else spare
    return replace(layout, chart=layout.chart + spare - second, second=layout.second + second)


def _steps(width: int, height: int, needs: Needs) -> Iterator[Step]:
    """What is added, the most needed first."""
    frames = width >= FRAMES_FROM
    yield _put(limits=1)
    yield _put(credits=1)
    yield from (_put(limits=lines) for lines in range(2, needs.windows + 1))
    yield _put(tabs=int(needs.orgs > 1))
    yield from (_put(verdict=lines) for lines in range(2, min(3 if needs.boxed else 2, needs.verdict) + 1))
    yield _put(keys=int(height >= 7))
    yield _put(chart=4 if needs.chart and needs.moving and height >= 16 else 0)
    yield _put(tabs=int(needs.orgs > 0))
    yield _put(status=int(needs.status or height >= 20))
    yield _put(header=1)
    yield from (_put(verdict=lines) for lines in range(2, needs.verdict + 1))
    yield _put(framed=frames, credits=min(2, needs.credits))
    if frames and needs.boxed:
        yield _put(boxed=True, verdict=needs.boxed)
    yield from (_put(credits=lines) for lines in range(2, needs.credits + 1))
    yield _put(chart=6 if needs.chart else 0)
    yield _put(limits=max(1, 2 * needs.windows))
    yield _put(second=6 if needs.second and frames else 0)


def _put(**lines: int | bool) -> Step:
    """A step that gives a part its lines."""
    return lambda layout: replace(layout, **lines)  # type: ignore[arg-type]
