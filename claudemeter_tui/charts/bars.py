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
MIN_CUT_ROWS = 4
"""Minimum rows of bars of which some are cut."""
MIN_CUT_FACTOR = 4
"""A bar can be cut if it is at least as many times as high as the highest one that is not."""
MAX_CUT_SHARE, MIN_WHOLE = 8, 3
"""At most one of so many bars is cut, and at least so many others have an amount."""
BLOCKS = " ▁▂▃▄▅▆▇█"
"""Signs of a cell by its filled eighths."""
RULE = "▔"
"""A piece of the axis, and a tick of the scale: a line at the upper edge of its row. Dates have no tick."""
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

    The axis and the ticks are at the upper edges of their rows, where bars begin and end, so that the scale
    fits the bars and the heights of two bars have the ratio of their amounts. A bar above `find_top` is cut,
    with its amount above it. A limit is drawn only where there is no bar. The axis has a gap under a bar
    whose amount is not known, in ASCII dots; the bar of a running period is darker, and in ASCII it has a
    sign of its own. Empty if there is no room.

    Args:
        bars: at least one.
        unit: currency and exponent of all amounts.
        width: cells, including the scale.
        height: lines, including the axis and the dates.
        limits: drawn as lines, the highest first.
        plain: True to draw with ASCII only.
    """
    has_axis = height >= MIN_AXIS_HEIGHT
    rows = height - (2 if has_axis else 1)
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
    canvas = Canvas(len(columns), rows, plain=plain)
    canvas.cells = [[*line] for line in reversed(draw_columns(columns, rows))]
    widths = [end - start for start, end in pairwise(starts)]
    _set_styles(canvas, [bar for bar, cells in zip(bars, widths, strict=True) for _ in range(cells)])
    for limit in limits:
        row, rest = divmod(scale.find_height(float(limit.minor)) - 1, EIGHTHS)
        dashes = f"{RULE} " if rest >= EIGHTHS - 2 and not plain else ""
        canvas.draw_limit(row, limit.label, shorter=limit.shorter, first=starts[limit.first], dashes=dashes)
    for column, note in (notes or {}).items():
        canvas.write_text(note, rows - 1, column)
    left = [("|" if plain else " ").rjust(margin)] * rows
    for row, text in labels.items():
        if row >= 0:
            left[-1 - row] = f"{text.rjust(margin - 2)} {'+' if plain else RULE}"
    lines = [((text, ChartStyle.SCALE), *line) for text, line in zip(left, canvas.build_lines(), strict=True)]
    base = labels[-1].rjust(margin - 2)
    times, dates = _place_dates(bars, starts, margin, width, "" if has_axis else base)
    if has_axis:
        axis = base + _draw_axis(bars, widths, margin, times, plain=plain)[margin - 2 :]
        lines.append(((axis, ChartStyle.SCALE),))
    lines.append(((dates, ChartStyle.SCALE),))
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
        signs = _build_column(scale.find_height(float(bar.minor)) if bar.minor else 0, blocks)
        columns += [signs] * filled + [()] * (cells - filled)
    return columns


def _build_column(height: int, blocks: str) -> ColumnSigns:
    """Return the signs of a column whose height is in eighths of a row."""
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


def _place_dates(
    bars: Sequence[Bar], starts: Sequence[int], margin: int, width: int, line: str
) -> tuple[dict[int, str], str]:
    """Return the dates that have room, by the column of their bar, and their line with what is in it.

    The date of the running period comes first.
    """
    cells = starts[1]
    centre = (cells - 1) // 2
    running = {
        starts[place] + centre: bar.label for place, bar in enumerate(bars) if bar.is_running and bar.label
    }
    for column, text in running.items():  # the last bar is too near to the edge for a centred label
        end = min(width, margin + column + (len(text) + 1) // 2)
        if end >= len(text) and line[max(0, end - len(text) - 2) :].strip() == "":
            line = line.ljust(end - len(text)) + text
    marked = [place for place, bar in enumerate(bars) if bar.label and not bar.is_running]
    apart = cells * (marked[1] - marked[0] if len(marked) > 1 else 1)
    times = {starts[place] + centre: bars[place].label for place in marked[:: -(-MIN_LABEL_GAP // apart)]}
    kept, line = place_time_labels(times, margin, width, line=line)
    return kept | running, line


def _draw_axis(
    bars: Sequence[Bar], widths: Sequence[int], margin: int, times: dict[int, str], *, plain: bool
) -> str:
    corner, rule, tick, unread = "+-+." if plain else (RULE, RULE, "", " ")
    line = [*corner.rjust(margin)]
    for bar, cells in zip(bars, widths, strict=True):
        line += (rule if bar.is_read else unread) * cells
    for column in times if tick else ():
        line[margin + column] = tick
    return "".join(line)


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
    figure.plot_size(width, rows)
    figure.xlim(0, width - 1)
    figure.ylim(0, rows - 1)
    x, y, signs = zip(*points, strict=True) if points else ((), (), ())
    figure.scatter(x, y, marker=list(signs))
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
