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
    boxed: bool = False
    """Whether the banner is worth a box."""
    windows: int = 1
    credits: int = 1
    chart: bool = False
    """Whether there is anything to plot."""
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
    def plot(self) -> int:
        """Lines of the chart with its frame."""
        return self.chart + self.frame if self.chart else 0

    @property
    def total(self) -> int:
        """Lines of everything."""
        return self.header + self.tabs + self.banner + self.panels + self.plot + self.status + self.keys


Step = Callable[[Layout], Layout]


def arrange(width: int, height: int, needs: Needs) -> Layout:
    """The layout for a terminal of this size.

    It begins with the verdict alone and grows by one step after another, the most needed first;
    a step that does not fit is left out and the next one is tried. Room that is left goes to the
    chart.
    """
    layout = Layout(wide=width >= WIDE_FROM)
    for step in _steps(width, height, needs):
        grown = step(layout)
        if grown.total <= height:
            layout = grown
    if layout.chart:
        layout = replace(layout, chart=layout.chart + height - layout.total)
    return layout


def _steps(width: int, height: int, needs: Needs) -> Iterator[Step]:
    """What is added, the most needed first."""
    frames = width >= FRAMES_FROM
    yield _put(limits=1)
    yield _put(credits=1)
    yield from (_put(limits=lines) for lines in range(2, needs.windows + 1))
    yield _put(tabs=int(needs.orgs > 1))
    yield from (_put(verdict=lines) for lines in range(2, min(3 if needs.boxed else 2, needs.verdict) + 1))
    yield _put(keys=int(height >= 7))
    yield _put(chart=4 if needs.chart and height >= 16 else 0)
    yield _put(tabs=1)
    yield _put(status=int(needs.status or height >= 20))
    yield _put(header=1)
    yield from (_put(verdict=lines) for lines in range(2, needs.verdict + 1))
    yield _put(framed=frames)
    yield _put(boxed=frames and needs.boxed)
    yield from (_put(credits=lines) for lines in range(2, needs.credits + 1))
    yield _put(chart=6 if needs.chart else 0)
    yield _put(limits=2 * needs.windows)


def _put(**lines: int | bool) -> Step:
    """A step that gives a part its lines."""
    return lambda layout: replace(layout, **lines)  # type: ignore[arg-type]
