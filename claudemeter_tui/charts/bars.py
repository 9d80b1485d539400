"""Draw amounts per day, week or month as bars with plotext; only this module knows plotext's quirks.

The whole process shares one plotext figure: draw from one thread only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import floor
from types import ModuleType

from claudemeter_tui.charts.axes import MIN_AXIS_HEIGHT, place_time_labels
from claudemeter_tui.charts.canvas import Canvas, ChartLine, ChartStyle
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
MIN_CANVAS_ROWS = 2
RUNNING_SIGN = ":"
"""ASCII sign of the bar of a running period."""

ColumnDots = tuple[tuple[int, int, str], ...]
"""The dots of one column of cells: x and y in it, and the ASCII sign of each."""
MAX_CACHED_COLUMNS = 512
"""Maximum columns in the cache, more than the bars of a large screen have; a full cache is cleared."""
_column_cache: dict[tuple[int, bool, ColumnDots], str] = {}
"""A column from top to bottom, by the height of its canvas, True for ASCII, and its dots."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The amount of one period."""

    label: str
    """Its date. Empty if it has none below the axis."""
    minor: Decimal
    """Minor units, 0 or more."""
    is_read: bool
    """False if nothing was read in the period, so that its amount is not known."""
    is_running: bool = False
    """True if the period is not over, so that its amount can still grow."""


@dataclass(frozen=True, slots=True)
class BarLimit:
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

    The axis is dotted under a bar whose amount is not known; the bar of a running period is darker, and in
    ASCII it has a sign of its own. Empty if there is no room.

    Args:
        bars: at least one.
        unit: currency and exponent of all amounts.
        width: cells, including the scale.
        height: lines, including the axis and the dates.
        limits: drawn as lines, the highest first.
        plain: True to draw with ASCII only.
    """
    has_axis, fine = height >= MIN_AXIS_HEIGHT, 1 if plain else 2
    rows = height - (2 if has_axis else 1)
    if rows < MIN_CANVAS_ROWS:
        return ()
    highest = max(bar.minor for bar in bars)
    cap = float(limits[0].minor) if limits else None
    top = float(highest) if cap is None else max(cap, float(highest))
    scale = build_money_scale(ValueRange(0.0, top, 0.0, top), cap, rows, min_range=1.0)
    labels = build_money_labels(scale, unit)
    margin = measure_labels(labels.values())
    cells = (width - margin) // len(bars)
    if cells < 1:
        return ()
    limit_rows = [_find_row(limit, scale) for limit in limits]
    columns = []
    for bar in bars:
        dots = range(_count_dots(bar, scale, fine, [*zip(limits, limit_rows, strict=True)]))
        sign = RUNNING_SIGN if bar.is_running else "#"
        for column in range(cells):
            filled = range(min(fine, max(0, _count_filled(cells, fine) - column * fine)))
            columns.append(tuple((x, y, sign) for x in filled for y in dots))
    canvas = Canvas(len(columns), rows, plain=plain)
    canvas.cells = [[*line] for line in reversed(draw_columns(columns, rows, plain=plain))]
    _set_styles(canvas, [bar for bar in bars for _ in range(cells)])
    for limit, row in zip(limits, limit_rows, strict=True):
        canvas.draw_limit(row, limit.label, shorter=limit.shorter, first=limit.first * cells)
    left = [("|" if plain else "│").rjust(margin)] * rows
    for row, text in labels.items():
        if row >= 0:
            left[-1 - row] = f"{text.rjust(margin - 2)} {'+' if plain else '┤'}"
    lines = [((text, ChartStyle.SCALE), *line) for text, line in zip(left, canvas.build_lines(), strict=True)]
    base = labels[-1].rjust(margin - 2)
    times, dates = _place_dates(bars, cells, margin, width, "" if has_axis else base)
    if has_axis:
        axis = base + _draw_axis(bars, cells, margin, times, plain=plain)[margin - 2 :]
        lines.append(((axis, ChartStyle.SCALE),))
    lines.append(((dates, ChartStyle.SCALE),))
    return tuple(lines)


def _find_row(limit: BarLimit, scale: Scale) -> int:
    """Return the row of the line of a limit."""
    if scale.limit_row is not None and scale.limit == float(limit.minor):
        return scale.limit_row
    return min(scale.rows - 1, scale.find_level(float(limit.minor)) // EIGHTHS)


def _count_dots(bar: Bar, scale: Scale, fine: int, limits: Sequence[tuple[BarLimit, int]]) -> int:
    """Return the height of a bar in dots, at least one for an amount above zero.

    A bar reaches the row of a limit only with the amount of the limit.
    """
    if not bar.minor:
        return 0
    level = scale.find_level(float(bar.minor))
    for limit, row in limits:
        edge = EIGHTHS * row
        level = min(level, edge) if bar.minor < limit.minor else max(level, edge + 1)
    return max(1, floor(level * fine / EIGHTHS + 0.5))


def _set_styles(canvas: Canvas, columns: Sequence[Bar]) -> None:
    """Give each cell the style of the bar in its column."""
    for cells, styles in zip(canvas.cells, canvas.styles, strict=True):
        for place, bar in enumerate(columns):
            if cells[place] == "█":
                styles[place] = ChartStyle.AREA if bar.is_running else ChartStyle.BAR
            elif bar.is_running:
                styles[place] = ChartStyle.EDGE


def _count_filled(cells: int, fine: int) -> int:
    """Return the dots of a bar's width that are filled; the rest is the gap to the next bar."""
    gap = fine if cells > 2 else 1 if cells * fine > 1 else 0
    return cells * fine - gap


def _place_dates(
    bars: Sequence[Bar], cells: int, margin: int, width: int, line: str
) -> tuple[dict[int, str], str]:
    """Return the dates that have room, by the column of their bar, and their line with what is in it.

    The date of the running period comes first.
    """
    centre = (cells - 1) // 2
    running = {
        place * cells + centre: bar.label for place, bar in enumerate(bars) if bar.is_running and bar.label
    }
    for column, text in running.items():  # the last bar is too near to the edge for a centred label
        end = min(width, margin + column + (len(text) + 1) // 2)
        if end >= len(text) and line[max(0, end - len(text) - 2) :].strip() == "":
            line = line.ljust(end - len(text)) + text
    marked = [place for place, bar in enumerate(bars) if bar.label and not bar.is_running]
    apart = cells * (marked[1] - marked[0] if len(marked) > 1 else 1)
    times = {place * cells + centre: bars[place].label for place in marked[:: -(-MIN_LABEL_GAP // apart)]}
    kept, line = place_time_labels(times, margin, width, line=line)
    return kept | running, line


def _draw_axis(bars: Sequence[Bar], cells: int, margin: int, times: dict[int, str], *, plain: bool) -> str:
    corner, rule, tick, unread = "+-+." if plain else "└─┬·"
    line = [*corner.rjust(margin)]
    for bar in bars:
        line += (rule if bar.is_read else unread) * cells
    for column in times:
        line[margin + column] = tick
    return "".join(line)


def draw_columns(columns: Sequence[ColumnDots], rows: int, *, plain: bool) -> list[str]:
    """Return the columns as lines of characters, from top to bottom.

    A cell has two by two dots; in ASCII, one. Most columns are also in the previous drawing and come from
    the cache.
    """
    keys = [(rows, plain, dots) for dots in columns]
    different = dict.fromkeys(keys)
    if len(_column_cache) + len(different) > MAX_CACHED_COLUMNS:
        _column_cache.clear()
    if new := [key for key in different if key not in _column_cache]:
        drawn = _plot_columns([dots for _, _, dots in new], rows, plain=plain)
        _column_cache.update(zip(new, drawn, strict=True))
    return ["".join(line) for line in zip(*map(_column_cache.__getitem__, keys), strict=True)]


def _plot_columns(columns: Sequence[ColumnDots], rows: int, *, plain: bool) -> list[str]:
    """Plot each column, from top to bottom."""
    figure, fine = _load(), 1 if plain else 2
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
