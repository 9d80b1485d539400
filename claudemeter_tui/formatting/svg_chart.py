"""Draw amounts over a span of time as an SVG, with bounded memory however many amounts there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape

from claudemeter_tui.formatting.values import format_money
from claudemeter_tui.model.catalogue import SLOW_INTERVAL
from claudemeter_tui.model.money import Money

WIDTH, HEIGHT = 940, 240
"""Size of a picture in pixels."""
LEFT, RIGHT, TOP, BOTTOM = 90, 10, 12, 30
"""Margins in pixels, with room for the labels."""
TIME_TICKS = 5
MIN_GAP = SLOW_INTERVAL
"""Time without a reading from which the line has a gap."""
MAX_POINTS_PER_PIXEL = 8
"""Points in one column of pixels; beyond it, only the first, lowest, highest and last one stay."""


class _Steps:
    """Amounts that each hold for a time, as points of a step line."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start = start
        self._length = max(end - start, timedelta(seconds=1))
        self._ended_at: datetime | None = None
        self._column = -1
        self._column_start = 0
        self.points: list[tuple[int, Decimal, bool]] = []
        """Column, amount in minor units, and True for the first point after a gap."""

    def add(self, first_at: datetime, confirmed_at: datetime, minor: Decimal) -> None:
        """Add an amount that is later than all others."""
        is_first = self._ended_at is None or first_at - self._ended_at > MIN_GAP
        self._append(first_at, minor, is_first=is_first)
        self._append(confirmed_at, minor, is_first=False)
        self._ended_at = confirmed_at

    def _append(self, at: datetime, minor: Decimal, *, is_first: bool) -> None:
        part = (at - self._start) / self._length
        column = round(LEFT + min(1.0, max(0.0, part)) * (WIDTH - LEFT - RIGHT))
        if column != self._column:
            self._column, self._column_start = column, len(self.points)
        self.points.append((column, minor, is_first))
        inside = self.points[self._column_start :]
        if len(inside) > MAX_POINTS_PER_PIXEL:
            by_amount = sorted(inside[1:-1], key=lambda point: point[1])
            self.points[self._column_start :] = [inside[0], by_amount[0], by_amount[-1], inside[-1]]


class MoneyChart:
    """Chart of used credits and their cap, in one currency."""

    def __init__(self, start: datetime, end: datetime, unit: tuple[str, int]) -> None:
        """Draw amounts of this currency and exponent from `start` to `end`."""
        self._span = start, end
        self._unit = unit
        self._used = _Steps(start, end)
        self._cap = _Steps(start, end)

    def add_used(self, first_at: datetime, confirmed_at: datetime, amount: Money) -> None:
        """Add used credits, in the order of time."""
        self._used.add(first_at, confirmed_at, amount.minor)

    def add_cap(self, first_at: datetime, confirmed_at: datetime, amount: Money) -> None:
        """Add a cap, in the order of time."""
        self._cap.add(first_at, confirmed_at, amount.minor)

    def format_svg(self, title: str) -> str:
        """Return the picture as an SVG element without styles and scripts."""
        highest = max((point[1] for point in (*self._used.points, *self._cap.points)), default=Decimal(0))
        top = highest * Decimal("1.05") if highest > 0 else Decimal(1)
        size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *self._format_grid(highest, top),
        ]
        if self._cap.points:
            cap = _format_path(self._cap, top)
            lines.append(
                f'<path d="{cap}" fill="none" stroke="#b3261e" stroke-width="1.5" stroke-dasharray="6 4"/>'
            )
        used = _format_path(self._used, top)
        lines.append(f'<path d="{used}" fill="none" stroke="#1f5fbf" stroke-width="2"/>')
        return "\n".join((*lines, "</svg>"))

    def _format_grid(self, highest: Decimal, top: Decimal) -> list[str]:
        lines = []
        for amount in dict.fromkeys((Decimal(0), highest / 2, highest)):
            y = _to_y(amount, top)
            label = escape(format_money(Money(amount, *self._unit)))
            lines += [
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#dddddd"/>',
                f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#444444">{label}</text>',
            ]
        start, end = self._span
        pattern = "%b %d %H:%M:%S"
        for shortest, shorter in (
            (timedelta(minutes=TIME_TICKS), "%b %d %H:%M"),
            (timedelta(days=TIME_TICKS), "%b %d"),
        ):
            pattern = shorter if end - start >= shortest else pattern
        for tick in range(TIME_TICKS + 1):
            x = round(LEFT + tick / TIME_TICKS * (WIDTH - LEFT - RIGHT))
            label = f"{(start + tick / TIME_TICKS * (end - start)).astimezone(UTC):{pattern}}"
            anchor = "middle" if tick < TIME_TICKS else "end"
            bottom = HEIGHT - BOTTOM
            lines += [
                f'<line x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}" stroke="#888888"/>',
                f'<text x="{x}" y="{HEIGHT - 10}" text-anchor="{anchor}" fill="#444444">{label}</text>',
            ]
        return lines


def _format_path(steps: _Steps, top: Decimal) -> str:
    """Return the path of a step line; a point between two gaps is a short line."""
    commands = []
    for column, minor, is_first in steps.points:
        y = _to_y(minor, top)
        commands.append(f"M{column} {y}h1" if is_first else f"H{column}V{y}")
    return "".join(commands)


def _to_y(minor: Decimal, top: Decimal) -> float:
    return round(HEIGHT - BOTTOM - float(max(Decimal(0), minor) / top) * (HEIGHT - BOTTOM - TOP), 1)
