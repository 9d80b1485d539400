"""The scale of a chart: round, equidistant labels, each in the middle of a row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from claudemeter_tui.formatting.values import format_money, format_percent
from claudemeter_tui.model.money import Money

EIGHTHS = 8
"""Levels of a row: an area can end at each eighth of its height."""

ScaleLabels = dict[int, str]
"""Labels left of the axis, by row; row 0 is the lowest, and -1 is the time axis."""
MoneyUnit = tuple[str, int]
"""Currency and exponent."""
ChartValue = Decimal | float
"""Minor units, or percent."""


class ValueRange(NamedTuple):
    """Lowest, highest, first and newest of the visible values."""

    low: ChartValue
    high: ChartValue
    first: ChartValue
    newest: ChartValue


MIN_MONEY_RANGE = 100.0
"""Minimum range of a scale in minor units; without it, a rise of three cents would fill the chart."""
_MAX_VALUE = 1e30  # larger values are drawn as this one, to prevent an overflow
_MAX_LABELS = 7
_FEW_LABELS_COST, _UNEVEN_CAP_COST = 1.5, 1.5
"""Factors of unused height that a scale with less than two labels above its base may save, or one with the
cap between two rows.
"""
_ROUND_FACTORS = {1: 1.0, 2: 1.0, 2.5: 1.0, 4: 1.1, 5: 1.0, 6: 1.1}
"""Factors of a power of ten that are round steps, with the factor of their cost."""
_QUARTERS_FROM = 1_000.0
"""Power of ten from which 2.5 times it is round: $25, but not $2.50."""
_TOLERANCE = 1 + 1e-9  # despite rounding, the highest label is reached by its own value


@dataclass(frozen=True)
class Scale:
    """Maps values to rows: row 0 is the lowest, and a label belongs to the middle of its row."""

    rows: int
    base: float
    """Value of the base line."""
    base_row: int
    """Row of the base line: -1 for the time axis below an area, 0 for lines."""
    step: float
    """Difference of two labels."""
    step_rows: int
    """Rows from one label to the next."""
    limit: float | None = None
    """The cap, or 100%. None if there is none or it is too far away."""
    top: float = math.inf
    """Highest value that may have a label."""
    is_rise: bool = False
    """True if the base line is the first value in sight, so that the labels are the rise since then."""

    @cached_property
    def limit_row(self) -> int | None:
        """Row of the limit. None for no limit."""
        return None if self.limit is None else max(0, math.floor(self._find_place(self.limit) + 0.5))

    def find_row(self, value: float) -> int:
        """Return the nearest row of a value; a value below the limit is never drawn in the limit's row."""
        row = min(self.rows - 1, max(0, round(self._find_place(value))))
        if self.limit is None or self.limit_row is None or value >= self.limit:
            return row
        return max(0, min(row, self.limit_row - 1))

    def find_level(self, value: float, least: int = 1) -> int:
        """Return the height of an area in eighths of a row, above the half row at its base.

        At least `least`; for a value below the limit, below the row of the limit.
        """
        level = round((self._find_place(value) + 0.5) * EIGHTHS)
        if self.limit is not None and self.limit_row is not None:
            edge = EIGHTHS * self.limit_row
            level = min(level, edge) if value < self.limit else max(level, edge + 1)
        return max(least, min(self.rows * EIGHTHS, level))

    def iterate_ticks(self) -> Iterator[tuple[int, float]]:
        """Yield the rows that have a label, and their distance from the base line, from the lowest up."""
        for number in range((self.rows - 1 - self.base_row) // self.step_rows + 1):
            if number * self.step <= self.top:
                yield self.base_row + number * self.step_rows, number * self.step

    def _find_place(self, value: float) -> float:
        """Return the distance of a value from the middle of row 0, in rows."""
        return self.base_row + (_clamp(value) - self.base) / self.step * self.step_rows


def build_money_scale(
    seen: ValueRange, cap: float | None, rows: int, *, min_range: float = MIN_MONEY_RANGE
) -> Scale:
    """Return the scale of an area of used credits.

    From zero, or as the rise since the first value in sight: an area from zero to amounts that all are
    far from it would hide the rise, and one that begins in between would exaggerate it. The range reaches up
    to the cap if the cap is near. An unchanged amount is drawn from zero to the cap.
    """
    low, high, first, newest = map(_clamp, seen)
    cap = None if cap is None else _clamp(cap)
    is_rise = first == low < high < 2 * low
    base = first if is_rise else min(low, 0.0)
    if cap is not None and low < high and not low <= cap <= high:
        would_flatten = (high - base) * 4 < cap - base
        if newest <= 0.6 * cap or would_flatten or cap < base:
            cap = None
    top = high if cap is None else max(high, cap)
    top = max(top, base + max(min_range, (high - low) / 1e9))
    step, step_rows, start = _choose_step(
        0.0 if is_rise else base, top - base * is_rise, rows, None if cap is None else cap - base * is_rise
    )
    return Scale(rows, base if is_rise else start, -1, step, step_rows, cap, is_rise=is_rise)


def build_percent_scale(seen: ValueRange, rows: int, *, is_area: bool = False) -> Scale:
    """Return a scale of lines or of an area from 0 to 100 percent, or to a higher value."""
    base_row = -1 if is_area else 0
    high, spaces = max(100.0, _clamp(seen.high)), max(1, rows - 1 - base_row)
    least = max(100.0, high / spaces)
    steps = [25.0, 50.0] if high == 100 else [50.0, *(step for step, _ in _iterate_round_steps(least))]
    _, step, step_rows = min(
        (step / step_rows * (1 if 2 * step_rows <= spaces else _FEW_LABELS_COST), step, step_rows)
        for step in (*steps, 100.0)
        for step_rows in range(2 if step == 25 else 1, spaces + 1)
        if high * step_rows <= step * spaces * _TOLERANCE
    )
    top = math.inf if high > 100 else high
    return Scale(rows, 0.0, base_row, step, step_rows, 100.0, top)


def build_money_labels(scale: Scale, unit: MoneyUnit) -> ScaleLabels:
    """Return the amounts of a scale, without minor units if all of them are whole."""
    base = 0.0 if scale.is_rise else scale.base
    amounts = [(row, base + distance) for row, distance in scale.iterate_ticks()]
    whole = all(amount % 10 ** unit[1] == 0 for _, amount in amounts)
    return {
        row: ("+" if scale.is_rise else "") + _format_round_amount(amount, unit, whole=whole)
        for row, amount in amounts
    }


def build_percent_labels(scale: Scale) -> ScaleLabels:
    """Return the percentages of a scale."""
    return {row: format_percent(percent) for row, percent in scale.iterate_ticks()}


def format_minor_units(minor: ChartValue, unit: MoneyUnit) -> str:
    """Return an amount of minor units as text."""
    exact = minor if isinstance(minor, Decimal) else Decimal(str(_clamp(minor)))
    return format_money(Money(exact, *unit))


def measure_labels(labels: Iterable[str]) -> int:
    """Return the cells of labels, of the blank after them and of the axis."""
    return max(map(len, labels)) + 2


def _format_round_amount(amount: float, unit: MoneyUnit, *, whole: bool) -> str:
    text = format_minor_units(round(amount), unit)
    return text.rpartition(".")[0] if whole and unit[1] else text


def _choose_step(low: float, high: float, rows: int, cap: float | None) -> tuple[float, int, float]:
    """Return the step of the labels, its rows, and the round base line at or below `low`.

    Of all with a label at or above `high`, the one that fills the rows best; rather one with several labels,
    and with the cap in the middle of a row.
    """
    found = []
    for step, step_cost in _iterate_round_steps((high - low) / rows):
        start = math.floor(low / step) * step
        steps = math.ceil((high - start) / step / _TOLERANCE)
        for step_rows in range(max(1, math.ceil(rows / _MAX_LABELS), 2 if rows > 4 else 1), rows + 1):
            if steps * step_rows <= rows:
                size = step / step_rows
                is_even = cap is None or abs((cap - start) / size % 1 - 0.5) > 0.49
                cost = size * step_cost * (1 if is_even else _UNEVEN_CAP_COST)
                cost *= 1 if 2 * step_rows <= rows else _FEW_LABELS_COST
                found.append((cost, step_rows, step, start))
    _, step_rows, step, start = min(found)
    return step, step_rows, start


def _iterate_round_steps(least: float) -> Iterator[tuple[float, float]]:
    """Yield the round amounts from about `least` on, at least one minor unit or percent, and their costs."""
    first = max(0, math.floor(math.log10(max(1.0, least))))
    for exponent in range(first, first + 4):
        power = 10.0**exponent
        for factor, cost in _ROUND_FACTORS.items():
            if factor != 2.5 or power >= _QUARTERS_FROM:
                yield factor * power, cost


def _clamp(value: ChartValue) -> float:
    return max(-_MAX_VALUE, min(_MAX_VALUE, float(value)))
