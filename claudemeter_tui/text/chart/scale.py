"""The scale of a chart: where an amount or a percentage stands, and what is written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from claudemeter_tui.model.money import Money
from claudemeter_tui.text import format as forms
from claudemeter_tui.text.chart.steps import Seen, Value

Labels = dict[int, str]
"""What stands left of the axis, by row; row 0 is the lowest."""
Unit = tuple[str, int]
"""Currency and exponent."""

_LEAST = 10.0  # minor units from bottom to top: three cents are a small step, not a leap
_MOST = 1e30  # what is beyond is drawn as this much: no range is too large to be divided


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a value stands: row 0 is the lowest."""

    low: float
    high: float
    """Above the low."""
    limit: float | None
    """The cap, or what is full. None: there is none, or it is too far to be drawn."""
    rows: int
    fine: int
    """Dots in the height of a cell."""

    def dot(self, value: float) -> int:
        """The dot of a value, the nearest one there is; what is below the limit never stands on its row."""
        dot = self._dot(value)
        if self.limit is None or value >= self.limit:
            return dot
        return max(0, min(dot, self._dot(self.limit) // self.fine * self.fine - 1))

    def row(self, value: float) -> int:
        """The row of a value."""
        return self.dot(value) // self.fine

    def _dot(self, value: float) -> int:
        part = (value - self.low) / (self.high - self.low)
        return round(max(0.0, min(1.0, part)) * (self.rows - 1) * self.fine)


def money_scale(seen: Seen, cap: float | None, rows: int, fine: int) -> Scale:
    """The range of amounts: from zero where that is near, up to the cap where that is.

    An amount that has not changed stands between zero and the cap, half-way up where there is none.
    """
    low, high, newest = map(_bounded, seen)
    cap = None if cap is None else _bounded(cap)
    least = max(_LEAST, abs(high) / 10**9)
    if low == high:
        top = 2 * high if cap is None else max(cap, high)
        return Scale(min(low, 0.0), max(top, low + least), cap, rows, fine)
    near = cap if cap is not None and _is_near(low, high, newest, cap) else None
    bottom = min(low, 0.0) if 3 * low <= high else low
    if near is not None:
        bottom, high = min(bottom, near), max(high, near)
    bottom = max(min(bottom, 0.0), bottom - max(0.0, least - (high - bottom)) / 2)
    return Scale(bottom, max(high, bottom + least), near, rows, fine)


def money_labels(scale: Scale, seen: Seen, unit: Unit) -> Labels:
    """The cap and the amounts that matter, as far as they have room; round ones fill what is left."""
    newest, labels = scale.row(float(seen.newest)), Labels()
    if scale.limit is not None:
        at = scale.row(scale.limit)
        labels[at] = f"cap {amount(scale.limit, unit)}" if at == newest else "cap"
    low = seen.low if scale.low and seen.low < seen.high else Decimal(0)
    for value in (seen.newest, low, seen.high):
        _put(labels, scale.row(float(value)), amount(value, unit), 1)
    for round_one in _round_amounts(scale):
        _put(labels, scale.row(round_one), amount(round_one, unit), 2 if scale.rows > 4 else 1)
    return labels


def percent_scale(seen: Seen, rows: int, fine: int) -> Scale:
    """Percentages from 0 to 100, or to what is beyond."""
    return Scale(0.0, max(100.0, _bounded(seen.high)), 100.0, rows, fine)


def percent_labels(scale: Scale) -> Labels:
    """Percentages, as many as have room."""
    labels: Labels = {}
    for value in (100.0, 0.0, scale.high, 50.0, 25.0, 75.0):
        _put(labels, scale.row(value), forms.percent(value), 2 if value % 50 else 1)
    return labels


def amount(minor: Value, unit: Unit) -> str:
    """An amount in words."""
    told = minor if isinstance(minor, Decimal) else Decimal(str(_bounded(minor)))
    return forms.money(Money(told, *unit))


def _put(labels: Labels, row: int, text: str, apart: int) -> None:
    """Add a label where none is nearer than `apart` rows and none says the same."""
    if text not in labels.values() and all(abs(row - other) >= apart for other in labels):
        labels[row] = text


def _is_near(low: float, high: float, newest: float, cap: float) -> bool:
    """Whether the cap is in the range anyway, or can be without flattening the steps."""
    if low <= cap <= high:
        return True
    return newest > 0.6 * cap and (high - low) * 4 >= max(high, cap) - min(low, cap)


def _round_amounts(scale: Scale) -> Iterator[float]:
    """Round amounts within the range, about one in two rows."""
    least = max(1.0, (scale.high - scale.low) * 2 / scale.rows)
    power = 10.0 ** math.floor(math.log10(least))
    step = next((factor * power for factor in (1, 2, 5) if factor * power >= least), 10 * power)
    first = max(0, math.ceil(scale.low / step))
    yield from (step * n for n in range(first, math.floor(scale.high / step) + 1))


def _bounded(value: Value) -> float:
    return max(-_MOST, min(_MOST, float(value)))
