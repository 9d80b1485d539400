"""Draw amounts per day, week or month as bars with plotext."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from claudemeter_tui.charts.axes import (
    MIN_AXIS_HEIGHT,
    MoneyUnit,
    Scale,
    ScaleLabels,
    add_label,
    format_minor_units,
    list_round_amounts,
    place_time_labels,
)
from claudemeter_tui.charts.canvas import CellStyles, ChartLine, ChartStyle, build_line, draw_columns

MIN_LABEL_GAP = 9
"""Minimum cells from one date below the axis to the next."""
MIN_CANVAS_ROWS = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """The amount of one period."""

    label: str
    """Its date. Empty if it has none below the axis."""
    minor: Decimal
    """Minor units, 0 or more."""
    is_read: bool
    """False if nothing was read in the period, so that its amount is not known."""


@dataclass(frozen=True, slots=True)
class BarLimit:
    """An amount that is drawn as a line."""

    minor: Decimal
    label: str


def count_columns(width: int, highest: Decimal, unit: MoneyUnit) -> int:
    """Return the cells for bars of at most this amount beside their scale."""
    return width - _compute_margin([format_minor_units(highest, unit)])


def draw_bars(
    bars: Sequence[Bar],
    unit: MoneyUnit,
    *,
    width: int,
    height: int,
    limit: BarLimit | None = None,
    plain: bool = False,
) -> tuple[ChartLine, ...]:
    """Return the bars from left to right as lines, with a scale on the left and dates below.

    The axis is dotted under a bar whose amount is not known. Empty if there is no room.

    Args:
        bars: at least one.
        unit: currency and exponent of all amounts.
        width: cells, including the scale.
        height: lines, including the axis and the dates.
        limit: drawn as a line. None for no line.
        plain: True to draw with ASCII only.
    """
    has_axis, fine = height >= MIN_AXIS_HEIGHT, 1 if plain else 2
    rows = height - (2 if has_axis else 1)
    if rows < MIN_CANVAS_ROWS:
        return ()
    highest = max(bar.minor for bar in bars)
    top = max(highest, limit.minor if limit is not None else Decimal(0), Decimal(1))
    scale = Scale(0.0, float(top), None, rows, fine)
    labels = _build_labels(scale, highest, limit, unit)
    margin = _compute_margin(labels.values())
    cells = (width - margin) // len(bars)
    if cells < 1:
        return ()
    columns = [
        tuple(
            (x, y, "#") for x in range(fine) if column * fine + x < _count_filled(cells, fine) for y in dots
        )
        for dots in (range(scale.find_dot(float(bar.minor)) + 1 if bar.minor else 0) for bar in bars)
        for column in range(cells)
    ]
    drawn = draw_columns(columns, rows, plain=plain)
    inks: list[CellStyles] = [[ChartStyle.CURVE] * len(columns) for _ in range(rows)]
    if limit is not None:
        place = -1 - scale.find_row(float(limit.minor))
        for column, cell in enumerate(drawn[place]):
            if cell == " ":
                inks[place][column] = ChartStyle.LIMIT
        drawn[place] = drawn[place].replace(" ", "." if plain else "╌")
    left = [("|" if plain else "│").rjust(margin)] * rows
    for row, text in labels.items():
        left[-1 - row] = f"{text.rjust(margin - 2)} {'+' if plain else '┤'}"
    lines = [
        ((text, ChartStyle.SCALE), *build_line(line, ink))
        for text, line, ink in zip(left, drawn, inks, strict=True)
    ]
    times, dates = _place_dates(bars, cells, margin, width)
    if has_axis:
        lines.append(((_draw_axis(bars, cells, margin, times, plain=plain), ChartStyle.SCALE),))
    lines.append(((dates, ChartStyle.SCALE),))
    return tuple(lines)


def _compute_margin(labels: Iterable[str]) -> int:
    """Return the cells of labels, blank and axis."""
    return max(map(len, labels)) + 2


def _build_labels(scale: Scale, highest: Decimal, limit: BarLimit | None, unit: MoneyUnit) -> ScaleLabels:
    """Return the label of the limit, of the highest bar, of zero, and of round amounts in between."""
    labels = ScaleLabels()
    if limit is not None:
        labels[scale.find_row(float(limit.minor))] = limit.label
    for value in (highest, Decimal(0)):
        add_label(labels, scale.find_row(float(value)), format_minor_units(value, unit), 1)
    for amount in list_round_amounts(scale):
        add_label(labels, scale.find_row(amount), format_minor_units(amount, unit), max(2, scale.rows // 6))
    return labels


def _count_filled(cells: int, fine: int) -> int:
    """Return the dots of a bar's width that are filled; the rest is the gap to the next bar."""
    gap = fine if cells > 2 else 1 if cells * fine > 1 else 0
    return cells * fine - gap


def _place_dates(bars: Sequence[Bar], cells: int, margin: int, width: int) -> tuple[dict[int, str], str]:
    """Return the dates that have room, by the column of their bar, and their line."""
    marked = [place for place, bar in enumerate(bars) if bar.label]
    apart = cells * (marked[1] - marked[0] if len(marked) > 1 else 1)
    times = {
        place * cells + (cells - 1) // 2: bars[place].label for place in marked[:: -(-MIN_LABEL_GAP // apart)]
    }
    return place_time_labels(times, margin, width)


def _draw_axis(bars: Sequence[Bar], cells: int, margin: int, times: dict[int, str], *, plain: bool) -> str:
    corner, rule, tick, unread = "+-+." if plain else "└─┬·"
    line = [*corner.rjust(margin)]
    for bar in bars:
        line += (rule if bar.is_read else unread) * cells
    for column in times:
        line[margin + column] = tick
    return "".join(line)
