"""Draw amounts per day, week or month as bars with plotext; only this module knows plotext's quirks.

The whole process shares one plotext figure: draw from one thread only.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

from claudemeter_tui.charts.axes import place_time_labels
from claudemeter_tui.charts.canvas import Canvas, CellStyles, ChartLine, ChartStyle, build_line
from claudemeter_tui.charts.scale import (
    EIGHTHS,
    MoneyUnit,
    Scale,
    ValueRange,
    build_money_labels,
    build_money_scale,
    format_minor_units,
    measure_labels,
)

MIN_LABEL_GAP = 9
"""Minimum cells from one date below the axis to the next."""
AXIS_HEIGHT, MIN_CANVAS_ROWS = 2, 1
"""Lines of the axis and the dates, and minimum rows of the bars above them."""
MIN_CUT_ROWS = 4
"""Minimum rows of bars of which some are cut."""
MIN_CUT_FACTOR = 4
"""A bar can be cut if it is at least as many times as high as the highest one that is not."""
MAX_CUT_SHARE, MIN_WHOLE = 8, 3
"""At most one of so many bars is cut, and at least so many others have an amount."""
BLOCKS = " ▁▂▃▄▅▆▇█"
"""Signs of a cell by its filled eighths."""
HALF_ROW = EIGHTHS // 2
"""Eighths of a row from the axis, which is in the middle of its row, to the upper edge of that row."""
EDGE_DASHES = "▔ "
"""The line of a limit that is nearer to the upper edge of a row than to its middle."""
ASCII_BLOCKS, RUNNING_BLOCKS = " ....####", " ....::::"
"""ASCII signs of a cell by its filled eighths, and those of the bar of a running period."""

ColumnSigns = tuple[tuple[int, str], ...]
"""The signs of one column of cells, each after its row."""
MAX_CACHED_COLUMNS = 512
"""Maximum columns in the cache, more than the bars of a large screen have; a full cache is cleared."""
_column_cache: dict[tuple[int, ColumnSigns], str] = {}
"""A column from top to bottom, by the height of its canvas and its signs."""


class Bar(NamedTuple):
    """The amount of one period."""

    label: str
    """Its date. Empty if it has none below the axis."""
    minor: Decimal
    """Minor units, 0 or more."""
    is_read: bool
    """False if nothing was read in the period, so that its amount is not known."""
    is_running: bool = False
    """True if the period is not over, so that its amount can still grow."""


class BarLimit(NamedTuple):
    """An amount that is drawn as a line."""

    minor: Decimal
    label: str
    shorter: str = ""
    """The label where there is less room. Empty for none."""
    first: int = 0
    """Number of the first bar to which it applies; the line ends with the last one."""


def count_columns(width: int, highest: Decimal, unit: MoneyUnit) -> int:
    """Return the cells for bars of at most this amount beside their scale."""
    return width - measure_labels([format_minor_units(highest, unit)])


def find_top(amounts: Sequence[Decimal]) -> Decimal:
    """Return the highest amount that is drawn in full: a few much higher ones would flatten all others."""
    ordered = sorted(amounts, reverse=True)
    for place in range(len(ordered) // MAX_CUT_SHARE, 0, -1):
        others = ordered[place : place + MIN_WHOLE]
        if len(others) == MIN_WHOLE and all(others) and ordered[place - 1] >= MIN_CUT_FACTOR * others[0]:
            return others[0]
    return ordered[0]


def draw_bars(
    bars: Sequence[Bar],
    unit: MoneyUnit,
    *,
    width: int,
    height: int,
    limits: Sequence[BarLimit] = (),
    plain: bool = False,
) -> tuple[ChartLine, ...]:
    """Return the bars from left to right as lines, with a scale on the left and dates below.

    Bars begin on the axis, in the middle of its row, and a bar of a labelled amount ends in the middle of the
    row of the label, as in the other charts. The heights of two bars have the ratio of their amounts; below
    the upper edge of the row of the axis, a bar has only two of them. A bar above `find_top` is cut, with its
    amount above it. A limit is drawn only where there is no bar. The axis has a gap under a bar whose amount
    is not known, in ASCII dots; the bar of a running period is darker, and in ASCII it has a sign of its own.
    Empty if there is no room.

    Args:
        bars: at least one.
        unit: currency and exponent of all amounts.
        width: cells, including the scale.
        height: lines, including the axis and the dates.
        limits: drawn as lines, the highest first.
        plain: True to draw with ASCII only.
    """
    rows = height - AXIS_HEIGHT
    if rows < MIN_CANVAS_ROWS:
        return ()
    amounts = [bar.minor for bar in bars]
    cut_at, highest = find_top(amounts) if rows >= MIN_CUT_ROWS else max(amounts), max(amounts)
    for bars_top in (cut_at, highest):
        is_cut = bars_top < highest
        top = float(max([bars_top, *(limit.minor for limit in limits)]))
        scale = build_money_scale(ValueRange(0.0, top, 0.0, top), None, rows - is_cut, min_range=1.0)
        labels = build_money_labels(scale, unit)
        margin = measure_labels(labels.values())
        starts = _spread_bars(len(bars), width - margin)
        if not starts:
            return ()
        notes = _place_cut_amounts(bars, bars_top, unit, starts, arrow="^" if plain else "↑")
        if notes is not None:
            break
    columns = _build_columns(bars, scale, starts, plain=plain)
    canvas = Canvas(len(columns), rows, plain=plain, has_axis=True)
    canvas.cells = [[*line] for line in reversed(draw_columns(columns, rows))]
    widths = [end - start for start, end in pairwise(starts)]
    _set_styles(canvas, [bar for bar, cells in zip(bars, widths, strict=True) for _ in range(cells)])
    _draw_axis(canvas, bars, widths, scale)
    for limit in limits:
        level = scale.find_level(float(limit.minor), least=0)
        edge, rest = divmod(level + 1, EIGHTHS)  # an eighth from the edge at most: 7, 0 or 1
        is_edge = rest <= 2 and edge > 0 and not plain
        row = min(rows - 1, edge - 1 if is_edge else level // EIGHTHS)
        dashes = EDGE_DASHES if is_edge else ""
        canvas.draw_limit(row, limit.label, shorter=limit.shorter, first=starts[limit.first], dashes=dashes)
    for column, note in (notes or {}).items():
        canvas.write_text(note, rows - 1, column)
    rule, tick, corner = "|++" if plain else "│┤┴"
    left = [rule.rjust(margin)] * rows
    for row, text in labels.items():
        if row >= 0:
            left[-1 - row] = f"{text.rjust(margin - 2)} {tick}"
    lines = [((text, ChartStyle.SCALE), *line) for text, line in zip(left, canvas.build_lines(), strict=True)]
    base = f"{labels[-1].rjust(margin - 2)} {corner}"
    lines.append(((base, ChartStyle.SCALE), *build_line("".join(canvas.axis), canvas.axis_styles)))
    lines.append(((_draw_dates(bars, starts, margin, width), ChartStyle.SCALE),))
    return tuple(lines)


def _place_cut_amounts(
    bars: Sequence[Bar], top: Decimal, unit: MoneyUnit, starts: Sequence[int], *, arrow: str
) -> dict[int, str] | None:
    """Return the amounts above the bars that are higher than `top`, by column. None if they have no room."""
    notes: dict[int, str] = {}
    end = 0
    for place, bar in enumerate(bars):
        if bar.minor > top:
            text = f"{arrow}{format_minor_units(bar.minor, unit)}"
            column = max(0, min(starts[place], starts[-1] - len(text)))
            if column < end or len(text) > starts[-1]:
                return None
            notes[column], end = text, column + len(text) + 1
    return notes


def _spread_bars(count: int, width: int) -> list[int]:
    """Return the first column of each bar and the end of the last one. Empty if there is no room.

    The bars have the whole width, so that a gap can have a cell more than another one. Bars without gaps have
    one cell each.
    """
    if width < 2 * count:
        return [*range(count + 1)] if width >= count else []
    return [place * width // count for place in range(count + 1)]


def _build_columns(
    bars: Sequence[Bar], scale: Scale, starts: Sequence[int], *, plain: bool
) -> list[ColumnSigns]:
    """Return the columns of all bars, which have one width, each with a gap behind it."""
    widths = [end - start for start, end in pairwise(starts)]
    filled = max(1, min(widths) - 1)
    columns: list[ColumnSigns] = []
    for bar, cells in zip(bars, widths, strict=True):
        blocks = BLOCKS if not plain else RUNNING_BLOCKS if bar.is_running else ASCII_BLOCKS
        signs = _build_column(scale.find_level(float(bar.minor), least=0) if bar.minor else 0, blocks)
        columns += [signs] * filled + [()] * (cells - filled)
    return columns


def _build_column(height: int, blocks: str) -> ColumnSigns:
    """Return the signs of a column, without the row of the axis; its height there is in eighths of a row."""
    full, rest = divmod(height, EIGHTHS)
    column = [(row, blocks[EIGHTHS]) for row in range(full)]
    return (*column, (full, blocks[rest])) if rest else tuple(column)


def _set_styles(canvas: Canvas, columns: Sequence[Bar]) -> None:
    """Give each cell the style of the bar in its column."""
    for cells, styles in zip(canvas.cells, canvas.styles, strict=True):
        for place, bar in enumerate(columns):
            if cells[place] == "█":
                styles[place] = ChartStyle.AREA if bar.is_running else ChartStyle.BAR
            elif cells[place] == " ":
                styles[place] = ChartStyle.SCALE  # a picture places each piece, but not the cells in it
            elif bar.is_running:
                styles[place] = ChartStyle.EDGE


def _draw_axis(canvas: Canvas, bars: Sequence[Bar], widths: Sequence[int], scale: Scale) -> None:
    """Draw the axis with the lowest half row of each bar, and a gap where nothing was read."""
    rule, unread, flat, high = "-.==" if canvas.plain else "─ ━▀"
    cells: list[str] = []
    styles = CellStyles()
    filled = max(1, min(widths) - 1)
    for bar, width in zip(bars, widths, strict=True):
        blank = rule if bar.is_read else unread
        level = scale.find_level(float(bar.minor), least=-HALF_ROW) + HALF_ROW
        sign = blank if not bar.minor else flat if level <= HALF_ROW // 2 else high
        cells += [sign] * filled + [blank] * (width - filled)
        style = ChartStyle.SCALE if not bar.minor else ChartStyle.EDGE if bar.is_running else ChartStyle.CURVE
        styles += [style] * filled + [ChartStyle.SCALE] * (width - filled)
    canvas.axis, canvas.axis_styles = cells, styles


def _draw_dates(bars: Sequence[Bar], starts: Sequence[int], margin: int, width: int) -> str:
    """Return the line of the dates that have room, each below its bar; that of the running period first."""
    cells, line = starts[1], ""
    centre = (cells - 1) // 2
    for place, bar in enumerate(bars):
        if bar.is_running and bar.label:  # the last bar is too near to the edge for a centred label
            end = min(width, margin + starts[place] + centre + (len(bar.label) + 1) // 2)
            line = line.ljust(end - len(bar.label)) + bar.label
    marked = [place for place, bar in enumerate(bars) if bar.label and not bar.is_running]
    apart = cells * (marked[1] - marked[0] if len(marked) > 1 else 1)
    times = {starts[place] + centre: bars[place].label for place in marked[:: -(-MIN_LABEL_GAP // apart)]}
    return place_time_labels(times, margin, width, line=line)[1]


def draw_columns(columns: Sequence[ColumnSigns], rows: int) -> list[str]:
    """Return the columns as lines of characters, from top to bottom.

    Most columns are also in the previous drawing and come from the cache.
    """
    keys = [(rows, signs) for signs in columns]
    different = dict.fromkeys(keys)
    if len(_column_cache) + len(different) > MAX_CACHED_COLUMNS:
        _column_cache.clear()
    if new := [key for key in different if key not in _column_cache]:
        drawn = _plot_columns([signs for _, signs in new], rows)
        _column_cache.update(zip(new, drawn, strict=True))
    return ["".join(line) for line in zip(*map(_column_cache.__getitem__, keys), strict=True)]


def _plot_columns(columns: Sequence[ColumnSigns], rows: int) -> list[str]:
    """Plot each column, from top to bottom.

    Each cell is a point with a marker of its own: plotext's bars end at most at a third of a row.
    """
    figure = _load()
    width = len(columns) + 1  # plotext divides by the width minus one
    points = [(place, row, sign) for place, column in enumerate(columns) for row, sign in column]
    figure.clear_data()
    plotted = max(2, rows)  # of a single row, plotext divides by zero
    figure.plot_size(width, plotted)
    figure.xlim(0, width - 1)
    figure.ylim(0, plotted - 1)
    x, y, signs = zip(*points, strict=True) if points else ((), (), ())
    figure.scatter(x, y, marker=list(signs))
    drawn = str(figure.uncolorize(figure.build())).splitlines()
    lines = (line.ljust(width) for line in drawn[plotted - rows : plotted])
    return ["".join(column) for column in zip(*lines, strict=True)][: len(columns)]


@cache
def _load() -> ModuleType:
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
