"""Draw steps as characters with plotext, each piece with its style; only this module knows plotext's quirks.

The whole process shares one plotext figure: draw from one thread only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from itertools import groupby
from types import ModuleType

from claudemeter_tui.charts.axes import (
    ChartFrame,
    ChartStep,
    MarkLetters,
    Scale,
    TimeEdges,
    build_time_labels,
    place_time_labels,
)
from claudemeter_tui.model.windows import Severity

ColumnDots = tuple[tuple[int, int, str], ...]
"""The dots of one column of cells: x and y in it, and the ASCII sign of each."""


MAX_CACHED_COLUMNS = 512
"""Maximum columns in the cache, more than two charts on a large screen have; a full cache is cleared."""
_column_cache: dict[tuple[int, bool, ColumnDots], str] = {}
"""A column from top to bottom, by the height of its canvas, True for ASCII, and its dots."""


def draw_columns(columns: Sequence[ColumnDots], rows: int, *, plain: bool) -> list[str]:
    """Return the columns as lines of characters, from top to bottom.

    A cell has two by two dots; in ASCII, one. Most columns are also in the previous chart and come from the
    cache.
    """
    keys = [(rows, plain, dots) for dots in columns]
    different = dict.fromkeys(keys)
    if len(_column_cache) + len(different) > MAX_CACHED_COLUMNS:
        _column_cache.clear()
    if new := [key for key in different if key not in _column_cache]:
        drawn = _plot_columns([dots for _, _, dots in new], rows, plain=plain)
        _column_cache.update(zip(new, drawn, strict=True))
    return ["".join(line) for line in zip(*map(_column_cache.__getitem__, keys), strict=True)]


def is_ready() -> bool:
    """True if plotext is loaded, so that drawing does not wait for it."""
    return "plotext" in sys.modules


def _plot_columns(columns: Sequence[ColumnDots], rows: int, *, plain: bool) -> list[str]:
    """Plot each column, from top to bottom."""
    figure, fine = load(), 1 if plain else 2
    width = len(columns) + 1  # plotext divides by the width minus one
    dots = [(place * fine + x, y, sign) for place, column in enumerate(columns) for x, y, sign in column]
    figure.clear_data()
    figure.plot_size(width, rows)
    figure.xlim(0, width * fine - 1)
    figure.ylim(0, rows * fine - 1)
    x, y, signs = zip(*dots, strict=True) if dots else ((), (), ())
    figure.scatter(x, y, marker=list(signs) if plain else "hd")
    drawn = str(figure.uncolorize(figure.build())).splitlines()
    lines = (line.ljust(width) for line in drawn[:rows])
    return ["".join(column) for column in zip(*lines, strict=True)][: len(columns)]


@cache
def load() -> ModuleType:
    """Load plotext, and return it with its only figure set up, without axes and colours."""
    import plotext  # noqa: PLC0415 - the first frame does not wait for it

    plotext.clear_figure()
    plotext.limit_size(
        False, False
    )  # after every clear_figure(), because otherwise the size is limited to the terminal's
    plotext.theme("clear")
    plotext.xaxes(False, False)
    plotext.yaxes(False, False)
    plotext.xfrequency(0)
    plotext.yfrequency(0)
    return plotext  # type: ignore[no-any-return]


MIN_NOTE_ROWS = 4
"""Minimum rows for a note between the curves."""

ChartSteps = Sequence[ChartStep | None]
CanvasDot = tuple[int, int, str]
"""x, y and ASCII sign of a dot."""


class ChartStyle(StrEnum):
    """Style of a piece of a chart; a mark has the severity of its event instead."""

    SCALE = "scale"
    """Axes, labels and the note."""
    LIMIT = "limit"
    """The line of the cap, or of 100%."""
    CURVE = "curve"
    SECOND = "second"
    """Any curve but the first."""
    BOTH = "both"
    """A cell with the first curve in one half and another curve in the other half."""


CellStyles = list[ChartStyle | Severity]
ChartLine = tuple[tuple[str, ChartStyle | Severity], ...]
"""A line in its styled pieces."""


def draw_curves(curves: Sequence[ChartSteps], scale: Scale, note: str) -> list[ChartLine]:
    """Return the curves as lines as wide as the canvas, from top to bottom, with the limit and a note.

    The first curve is in front. The others are dotted, or use other signs in ASCII, which has one dot per
    cell. If the first curve fills half of a cell, the other half can show another curve.
    """
    dots = [list(_list_curve_dots(steps, scale, number)) for number, steps in enumerate(curves)]
    columns, fine = len(curves[0]) // scale.dots_per_cell, scale.dots_per_cell
    inks: list[CellStyles] = [[ChartStyle.CURVE] * columns for _ in range(scale.rows)]
    front = dots[0] if len(dots) == 1 else _stack_curves(dots, inks, fine)
    cells: list[list[CanvasDot]] = [[] for _ in range(columns)]
    for x, y, sign in front:
        cells[x // fine].append((x % fine, y, sign))
    rows = draw_columns([tuple(dots) for dots in cells], scale.rows, plain=fine == 1)
    if scale.limit is not None:
        place = -1 - scale.find_row(scale.limit)
        blank = [column for column, cell in enumerate(rows[place]) if cell == " "]
        for column in blank:
            inks[place][column] = ChartStyle.LIMIT
        rows[place] = rows[place].replace(" ", "." if fine == 1 else "╌")
    if note:
        _write_note(rows, inks, note)
    return [build_line(row, ink) for row, ink in zip(rows, inks, strict=True)]


def build_line(cells: str, inks: CellStyles) -> ChartLine:
    """Join neighbouring cells of one style into pieces."""
    pieces, start = [], 0
    for ink, run in groupby(inks):
        end = start + len(list(run))
        pieces.append((cells[start:end], ink))
        start = end
    return tuple(pieces)


def _list_curve_dots(steps: ChartSteps, scale: Scale, number: int) -> Iterator[CanvasDot]:
    """Yield every dot of a curve from left to right; a step has its riser, a gap has none."""
    flat, riser = ("-", "|") if number == 0 else ("=", ":")
    dotted = number > 0 and scale.dots_per_cell > 1
    dot, before = cache(scale.find_dot), None
    for x, step in enumerate(steps):
        if step is None:
            before = None
            continue
        newest, low, high = map(dot, step)
        begins = before is None
        before = newest if before is None else before
        low, high = min(low, before), max(high, before)
        for y in range(low, high + 1):
            sign = flat if low == high else "+" if y in (low, high) else riser
            if begins or not dotted or (x if sign == flat else y) % 2 == 0:
                yield x, y, sign
        before = newest


def _stack_curves(
    curves: Sequence[Sequence[CanvasDot]], inks: list[CellStyles], fine: int
) -> list[CanvasDot]:
    """Return the visible dots of all curves, and set the styles of their cells."""
    first, *others = curves
    heights: dict[tuple[int, int], list[int]] = {}
    for x, y, _ in first:
        heights.setdefault((x // fine, y // fine), []).append(y)
    seen, taken = list(first), set(heights)
    for dots in others:
        for x, y, sign in dots:
            column, row = cell = x // fine, y // fine
            if cell not in taken:
                seen.append((x, y, sign))
                inks[-1 - row][column] = ChartStyle.SECOND
            elif len(mine := heights.get(cell, [])) == 2 and mine[0] == mine[1] != y:
                inks[-1 - row][column] = ChartStyle.BOTH  # the first curve fills one half, this one the other
        taken.update((x // fine, y // fine) for x, y, _ in dots)
    return seen


def _write_note(rows: list[str], inks: list[CellStyles], note: str) -> None:
    """Write a note in the middle of the blank line that is farthest from all curves."""
    drawn = [place for place, row in enumerate(rows) if row.strip()]
    apart = [min(abs(place - other) for other in drawn) for place in range(len(rows))]
    place, begin = apart.index(max(apart)), (len(rows[0]) - len(note)) // 2
    if len(rows) < MIN_NOTE_ROWS or not apart[place] or begin < 2:
        return
    end = begin + len(note)
    rows[place] = rows[place][:begin] + note + rows[place][end:]
    inks[place][begin:end] = [ChartStyle.SCALE] * len(note)


def draw_time_axis(
    frame: ChartFrame, edges: TimeEdges, margin: int, letters: MarkLetters
) -> tuple[ChartLine, ...]:
    """Return the axis with its marks and the line of times; only the times if there is less room."""
    ticks, times = place_time_labels(build_time_labels(edges, frame.zone), margin, frame.width)
    if not frame.has_axis:
        return (((times, ChartStyle.SCALE),),)
    corner, rule, tick = "+-+" if frame.ascii_only else "└─┬"
    cells = [*corner.rjust(margin), *rule * edges.columns]
    for column in ticks:
        cells[margin + column] = tick
    inks = CellStyles([ChartStyle.SCALE]) * frame.width
    for column, (letter, severity) in letters.items():
        cells[margin + column], inks[margin + column] = letter, severity
    return build_line("".join(cells), inks), ((times, ChartStyle.SCALE),)
