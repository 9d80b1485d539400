"""Draw steps as characters with plotext, each piece with its style; only this module knows plotext's quirks.

The whole process shares one plotext figure: draw from one thread only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from types import ModuleType

from claudemeter_tui.charts.scale import ChartStep, Scale
from claudemeter_tui.charts.time_axis import (
    ChartFrame,
    MarkLetters,
    TimeEdges,
    build_time_labels,
    place_time_labels,
)
from claudemeter_tui.model.windows import Severity

ColumnDots = tuple[tuple[int, int, str], ...]
"""The dots of one column of cells: x and y in it, and the ASCII sign of each."""


MAX_CACHED_COLUMNS = 512
"""Most columns in the cache, more than two charts on a large screen have; then it is cleared."""
_column_cache: dict[tuple[int, int | str], str] = {}
"""A column from top to bottom, by the height of its canvas and its dots."""


def draw_columns(columns: Sequence[ColumnDots], rows: int, *, plain: bool) -> list[str]:
    """Return the columns as lines of characters, from top to bottom.

    A cell has two by two dots, in ASCII one. Most columns are in the previous chart too and come from the
    cache.
    """
    keys = [(rows, packed) for packed in _pack_columns(columns, plain=plain)]
    unlike = dict(zip(keys, columns, strict=True))
    if len(_column_cache) + len(unlike) > MAX_CACHED_COLUMNS:
        _column_cache.clear()
    new = {key: dots for key, dots in unlike.items() if key not in _column_cache}
    _column_cache.update(zip(new, _plot_columns(tuple(new.values()), rows, plain=plain), strict=True))
    return ["".join(line) for line in zip(*map(_column_cache.__getitem__, keys), strict=True)]


def _pack_columns(columns: Sequence[ColumnDots], *, plain: bool) -> list[int | str]:
    """Return the dots of each column in little room: in ASCII with their signs, else a bit each."""
    packed: list[int | str] = []
    for dots in columns:
        bits, signs = 0, ""
        for x, y, sign in dots:
            if plain:
                signs += f"{y}{sign}"
            else:
                bits |= 1 << (2 * y + x)
        packed.append(signs if plain else bits)
    return packed


def _plot_columns(columns: Sequence[ColumnDots], rows: int, *, plain: bool) -> list[str]:
    """Plot each column, from top to bottom."""
    if not columns:
        return []
    figure, fine = _load_plotext(), 1 if plain else 2
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
def _load_plotext() -> ModuleType:
    """Return plotext with its one figure set up, without axes and colours."""
    import plotext  # noqa: PLC0415 - the first frame does not wait for it

    plotext.clear_figure()
    plotext.limit_size(False, False)  # after every clear_figure(), else the size is limited to the terminal's
    plotext.theme("clear")
    plotext.xaxes(False, False)
    plotext.yaxes(False, False)
    plotext.xfrequency(0)
    plotext.yfrequency(0)
    return plotext  # type: ignore[no-any-return]


MIN_NOTE_ROWS = 4
"""Least rows for a note between the curves."""

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
    """The first curve in one half of a cell, another one in the other."""


CellStyles = list[ChartStyle | Severity]
ChartLine = tuple[tuple[str, ChartStyle | Severity], ...]
"""A line in its styled pieces."""


def draw_curves(curves: Sequence[ChartSteps], scale: Scale, note: str) -> list[ChartLine]:
    """Return the curves as lines as wide as the canvas, from top to bottom, with the limit and a note.

    The first curve is in front. The others are dotted, or use other signs in ASCII, which has one dot per
    cell. A cell that the first curve fills half shows one other curve in its other half.
    """
    dots = [list(_list_curve_dots(steps, scale, number)) for number, steps in enumerate(curves)]
    columns, fine = len(curves[0]) // scale.dots_per_cell, scale.dots_per_cell
    inks: list[CellStyles] = [[ChartStyle.CURVE] * columns for _ in range(scale.rows)]
    front = dots[0] if len(dots) == 1 else _stack_curves(dots, inks, fine)
    rows = draw_columns(_group_by_column(front, columns, fine), scale.rows, plain=fine == 1)
    if scale.limit is not None:
        _draw_limit(rows, inks, scale)
    if note:
        _write_note(rows, inks, note)
    return [build_line(row, ink) for row, ink in zip(rows, inks, strict=True)]


def build_line(cells: str, inks: CellStyles) -> ChartLine:
    """Join neighbouring cells of one style to pieces."""
    pieces, start = [], 0
    for end in range(1, len(inks) + 1):
        if end == len(inks) or inks[end] != inks[start]:
            pieces.append((cells[start:end], inks[start]))
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
    seen, taken = list(first), {(x // fine, y // fine) for x, y, _ in first}
    met: dict[tuple[int, int], set[int]] = {}
    for dots in others:
        mine = [(dot, (dot[0] // fine, dot[1] // fine)) for dot in dots]
        for dot, cell in mine:
            if cell in taken:
                met.setdefault(cell, set()).add(dot[1])
            else:
                seen.append(dot)
                inks[-1 - cell[1]][cell[0]] = ChartStyle.SECOND
        taken.update(cell for _, cell in mine)
    _style_shared_cells(first, met, inks, fine)
    return seen


def _style_shared_cells(
    first: Sequence[CanvasDot], met: dict[tuple[int, int], set[int]], inks: list[CellStyles], fine: int
) -> None:
    """Style cells in which the first curve fills one half and another curve the other."""
    there: dict[tuple[int, int], list[int]] = {}
    for x, y, _ in first if fine > 1 and met else ():
        if (cell := (x // fine, y // fine)) in met:
            there.setdefault(cell, []).append(y)
    for (column, row), rows in there.items():
        if len(rows) == 2 and rows[0] == rows[1] and met[column, row] - {rows[0]}:
            inks[-1 - row][column] = ChartStyle.BOTH


def _group_by_column(dots: Sequence[CanvasDot], columns: int, fine: int) -> list[ColumnDots]:
    """Group the dots by column of cells."""
    found: list[list[CanvasDot]] = [[] for _ in range(columns)]
    for x, y, sign in dots:
        found[x // fine].append((x % fine, y, sign))
    return [tuple(column) for column in found]


def _draw_limit(rows: list[str], inks: list[CellStyles], scale: Scale) -> None:
    """Draw the limit into blank cells."""
    place = -1 - scale.find_row(scale.limit or 0.0)
    inks[place] = [
        ChartStyle.LIMIT if cell == " " else ink for cell, ink in zip(rows[place], inks[place], strict=True)
    ]
    rows[place] = rows[place].replace(" ", "." if scale.dots_per_cell == 1 else "╌")


def _write_note(rows: list[str], inks: list[CellStyles], note: str) -> None:
    """Write a note into the middle of the blank line that is farthest from all curves."""
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
