"""Draw areas of eighth blocks, lines of thin steps and the time axis as characters with their styles.

Not with plotext: its import would delay the first frame, it has no corners of steps and no events, and each
step between its dots would be a straight line. It draws the bars (`charts/bars.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from math import ceil
from typing import NamedTuple

from claudemeter_tui.charts.axes import (
    ChartFrame,
    ChartStep,
    MarkLetters,
    TimeEdges,
    build_time_labels,
    place_time_labels,
)
from claudemeter_tui.charts.scale import EIGHTHS, Scale
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.windows import Severity

MIN_NOTE_ROWS = 3
"""Minimum rows for a note between the curves."""


ChartSteps = Sequence[ChartStep | None]
ForecastValues = Mapping[int, float]
"""The forecast of a curve, by column; only columns later than now."""


class ChartStyle(StrEnum):
    """Style of a piece of a chart; a mark has the severity of its event instead."""

    SCALE = "scale"
    """Axes, labels and notes."""
    LIMIT = "limit"
    """The line of the cap, or of 100%."""
    GAP = "gap"
    """Hatching where nothing was read."""
    NOW = "now"
    """The label of the current time."""
    CURVE = "curve"
    AREA = "area"
    """The full cells of an area, not in ASCII."""
    EDGE = "edge"
    """The cells that an area fills in part, and all its cells in ASCII."""
    NOTE = "note"
    """A text in an area."""
    BAR = "bar"
    """The full cells of a bar."""
    SECOND = "second"
    """Any curve but the first."""
    SECOND_OVER_AREA = "second over area"
    SECOND_BESIDE_AREA = "second beside area"
    """A curve in front of an area where there is none: the colour of `SECOND` has no contrast on the area."""
    FORECAST = "forecast"
    """The expected course of the first curve."""
    SECOND_FORECAST = "second forecast"
    """The expected course of any other curve."""


CellStyles = list[ChartStyle | Severity]
ChartLine = tuple[tuple[str, ChartStyle | Severity], ...]
"""A line in its styled pieces."""

_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
"""The sides at which the line of a cell continues; their sum is the place of its character."""


class LineSigns(NamedTuple):
    """Characters of one curve."""

    joints: str
    """The character of each sum of sides."""
    forecast: str

    @property
    def sample(self) -> str:
        """The character of a flat line, for the legend."""
        return self.joints[_LEFT | _RIGHT]


_SIGNS = {
    False: (LineSigns(" ───│╯╰┴│╮╭┬│┤├┼", "┄"), LineSigns(" ═══║╝╚╩║╗╔╦║╣╠╬", "┈")),
    True: (LineSigns(" ---|+++|+++|+++", "."), LineSigns(" ===:+++:+++:+++", ":")),
}
"""Characters of the first and of any other curve; the key is True for ASCII."""


def find_line_signs(number: int, *, plain: bool) -> LineSigns:
    """Return the characters of a curve; all but the first one have the same."""
    return _SIGNS[plain][min(number, 1)]


class Gap(NamedTuple):
    """Neighbouring columns in which nothing was read."""

    begin: int
    end: int
    """The column after the last one."""
    labels: tuple[str, ...]
    """Texts for its middle, from the longest to the shortest."""
    is_hatched: bool = True
    """False for a thin line at the base, in a chart of days in which no one is at work at night."""


class Canvas:
    """Characters and their styles, in rows from bottom to top, and the row of the time axis below them."""

    def __init__(self, columns: int, rows: int, *, plain: bool, has_axis: bool = False) -> None:
        """Create a blank canvas; `plain` is True to draw with ASCII only.

        With `has_axis`, an area begins on the axis, in the middle of its row.
        """
        self.columns, self.rows, self.plain = columns, rows, plain
        self._hatch, self._block = "/#" if plain else "░█"
        first, other = (find_line_signs(number, plain=plain) for number in (0, 1))
        self._shared = {first.sample: other.sample, first.forecast: other.forecast}
        self.cells = [[" "] * columns for _ in range(rows)]
        self.styles = [CellStyles([ChartStyle.CURVE]) * columns for _ in range(rows)]
        self.has_axis = has_axis
        self.axis = ["-" if plain else "─"] * columns
        self.axis_styles = CellStyles([ChartStyle.SCALE]) * columns

    def draw_area(self, steps: ChartSteps, scale: Scale) -> None:
        """Fill the cells from the base line to the highest value of each column, the last to its newest."""
        values = [None if step is None else step.high for step in steps]
        newest = next((place for place in reversed(range(len(steps))) if steps[place] is not None), None)
        if newest is not None and (step := steps[newest]) is not None:
            values[newest] = step.newest
        least = 0 if self.has_axis else 1
        levels = {value: scale.find_level(value, least) for value in {*values} if value is not None}
        if self.has_axis:
            self._draw_base(values, scale)
        blocks = " ..:::###" if self.plain else " ▁▂▃▄▅▆▇█"
        full = ChartStyle.EDGE if self.plain else ChartStyle.AREA  # a background would hide the `#`
        for row in range(self.rows):
            done = row * EIGHTHS
            signs = {value: blocks[max(0, min(EIGHTHS, level - done))] for value, level in levels.items()}
            cells = zip(self.cells[row], values, strict=True)
            self.cells[row] = [cell if value is None else signs[value] for cell, value in cells]
            areas: dict[float | None, ChartStyle | Severity] = {
                value: full if level >= done + EIGHTHS else ChartStyle.EDGE
                for value, level in levels.items()
                if level > done
            }
            if areas:
                styles = zip(self.styles[row], values, strict=True)
                self.styles[row] = [areas.get(value, style) for style, value in styles]

    def _draw_base(self, values: Sequence[float | None], scale: Scale) -> None:
        """Draw the lowest half row of an area above its base line; an area without height is a thick line."""
        flat, high = "==" if self.plain else "━▀"
        for column, value in enumerate(values):
            if value is not None:
                self.axis[column] = high if value > scale.base else flat
                self.axis_styles[column] = ChartStyle.EDGE

    def draw_steps(self, curves: Sequence[ChartSteps], scale: Scale, *, begin: int = 0) -> None:
        """Draw each curve as a line with corners, from the curve `begin` on; the first is in front.

        Those before `begin` are areas.
        Where it is flat on another flat line, each has every other cell, so that neither seems to have a gap.
        """
        for number, steps in reversed([*enumerate(curves)][begin:]):
            signs = find_line_signs(number, plain=self.plain)
            beside = ChartStyle.SECOND_BESIDE_AREA if begin else ChartStyle.SECOND
            style = beside if number else ChartStyle.CURVE
            for (column, row), sides in _trace_line(steps, scale).items():
                if number == 0 and self._shares_flat_line(row, column, signs.joints[sides]):
                    continue
                is_over = self.styles[row][column] is ChartStyle.AREA
                self.cells[row][column] = signs.joints[sides]
                self.styles[row][column] = ChartStyle.SECOND_OVER_AREA if is_over else style

    def draw_forecasts(self, forecasts: Sequence[ForecastValues], scale: Scale) -> None:
        """Draw the expected course of each curve as a dashed line with corners; the first is in front."""
        for number, values in reversed([*enumerate(forecasts)]):
            signs = find_line_signs(number, plain=self.plain)
            style = ChartStyle.SECOND_FORECAST if number else ChartStyle.FORECAST
            before = None
            for column, value in values.items():  # not with `_trace_line`, which would need many calls more
                newest = scale.find_row(value)
                if before is None or newest == before:
                    if number == 0 and self._shares_flat_line(newest, column, signs.forecast):
                        before = newest
                        continue
                    self.cells[newest][column], self.styles[newest][column] = signs.forecast, style
                else:
                    up, down = (_UP, _DOWN) if newest > before else (_DOWN, _UP)
                    for row in range(before, newest, 1 if newest > before else -1):
                        sides = up | (_LEFT if row == before else down)
                        self.cells[row][column], self.styles[row][column] = signs.joints[sides], style
                    sign = signs.joints[down | _RIGHT]
                    self.cells[newest][column], self.styles[newest][column] = sign, style
                before = newest

    def draw_values(self, texts: Sequence[str], rows: Sequence[int], begin: int) -> None:
        """Write the value of each curve behind the end of its line, from the column `begin` on.

        Of two lines in one row, the second value is behind the first. A value without room is left out.
        """
        ends: dict[int, int] = {}
        for number, (text, row) in enumerate(zip(texts, rows, strict=True)):
            column = ends.get(row, begin)
            end = column + len(text) + 2
            if not text or end > self.columns:
                continue
            style = ChartStyle.SECOND if number else ChartStyle.CURVE
            self.cells[row][column:end] = f" {text} "
            self.styles[row][column:end] = [style] * (end - column)
            ends[row] = end - 1

    def draw_gaps(self, gaps: Sequence[Gap]) -> None:
        """Hatch the gaps, or draw a thin line at the base, with a label where it fits."""
        for gap in gaps:
            sign = self._hatch if gap.is_hatched else "_" if self.plain else "┈"
            rows = [*zip(self.cells, self.styles, strict=True)]
            if not gap.is_hatched:
                rows = [(self.axis, self.axis_styles)] if self.has_axis else rows[:1]
            for cells, styles in rows:
                cells[gap.begin : gap.end] = sign * (gap.end - gap.begin)
                styles[gap.begin : gap.end] = [ChartStyle.GAP] * (gap.end - gap.begin)
            room = gap.end - gap.begin - 2
            text = next((text for text in gap.labels if len(text) + 2 <= room), "")
            if text and self.rows > 1:
                self.write_text(f" {text} ", (self.rows - 1) // 2, gap.begin + (room - len(text)) // 2)

    def draw_limit(
        self,
        row: int,
        label: str,
        *,
        shorter: str = "",
        first: int = 0,
        needs_label: bool = False,
        dashes: str = "",
    ) -> None:
        """Draw a line through the blank cells of a row from a column on, with a label that fits.

        The line repeats the dashes, if they are given. With `needs_label`, a label without enough blank
        cells interrupts the area.
        """
        cells, styles = self.cells[row], self.styles[row]
        line = (dashes or ("-" if self.plain else "┄")) * self.columns
        free = [column >= first and cell == " " for column, cell in enumerate(cells)]
        for column in (column for column, is_free in enumerate(free) if is_free):
            cells[column], styles[column] = line[column], ChartStyle.LIMIT
        for text in (f" {each} " for each in (label, shorter) if each):
            begin = 0
            for is_free, run in groupby(free):
                size = len(list(run))
                if is_free and size >= len(text) + 4:
                    self.write_text(text, row, begin + 2)
                    return
                begin += size
        texts = [text for each in (label, shorter) if each and len(text := f" {each} ") + 4 <= self.columns]
        if needs_label and row and texts:
            self.write_text(texts[0], row, 2)

    def write_note(self, text: str) -> None:
        """Write a note in the middle of the blank rows, beside a gap; if no row is blank, into the area."""
        known = [{*cells} - {self._hatch} for cells in self.cells]
        rows = [row for row, cells in enumerate(known) if cells <= {" "}]
        rows = rows or [row for row, cells in enumerate(known) if cells <= {" ", self._block}]
        if not rows or self.rows < MIN_NOTE_ROWS:
            return
        row = rows[len(rows) // 2]
        begin, end = max(self._iterate_even_parts(row), key=lambda part: part[1] - part[0], default=(0, 0))
        if end - begin >= len(text) + 4:
            self.write_text(text, row, begin + (end - begin - len(text)) // 2)

    def build_lines(self) -> list[ChartLine]:
        """Return the rows from top to bottom."""
        rows = zip(reversed(self.cells), reversed(self.styles), strict=True)
        return [build_line("".join(cells), styles) for cells, styles in rows]

    def _shares_flat_line(self, row: int, column: int, sign: str) -> bool:
        """True if this flat piece of the first curve leaves its cell to a flat piece of another one."""
        return column % 2 == 1 and self.cells[row][column] == self._shared.get(sign)

    def write_text(self, text: str, row: int, column: int) -> None:
        """Write a text into the cells of a row from a column on."""
        end = column + len(text)
        self.cells[row][column:end] = text
        self.styles[row][column:end] = [
            ChartStyle.NOTE if style is ChartStyle.AREA else ChartStyle.SCALE
            for style in self.styles[row][column:end]
        ]

    def _iterate_even_parts(self, row: int) -> Iterator[tuple[int, int]]:
        """Yield the first and the last column, exclusive, of each blank or full part of a row."""
        end = 0
        for cell, run in groupby(self.cells[row]):
            begin, end = end, end + len(list(run))
            if cell in (" ", self._block):
                yield begin, end


def draw_sparkline(
    values: Sequence[float | None], low: float, high: float, *, plain: bool, touches_above: bool = True
) -> str:
    """Return a line with a block for each value, as high as its part of the range; blank for None.

    Only the ends of the range have the lowest and the highest block. Without `touches_above`, no block is
    full: full blocks of adjacent lines would melt into one area.
    """
    blocks = "_.:-=+#" if plain else "▁▂▃▄▅▆▇█" if touches_above else "▁▂▃▄▅▆▇"
    last = len(blocks) - 1

    def choose_block(share: float) -> str:
        return blocks[last if share >= 1 else max(0, min(last - 1, ceil(share * (last - 1))))]

    return "".join(" " if value is None else choose_block((value - low) / (high - low)) for value in values)


def _trace_line(steps: ChartSteps, scale: Scale) -> dict[tuple[int, int], int]:
    """Return the sides at which the line continues, by column and row; a gap has no line."""
    rows = {value: scale.find_row(value) for step in {*steps} if step is not None for value in step}
    found: dict[tuple[int, int], int] = {}
    before = None
    for column, step in enumerate(steps):
        if step is None:
            before = None
            continue
        newest, low, high = rows[step.newest], rows[step.low], rows[step.high]
        if before is None:
            before = newest
        if low == high == before:
            found[column, newest] = _LEFT | _RIGHT
            continue
        low, high = min(low, before), max(high, before)
        for row in range(low, high + 1):
            found[column, row] = (_UP if row < high else 0) | (_DOWN if row > low else 0)
        found[column, before] |= _LEFT
        found[column, newest] |= _RIGHT
        before = newest
    return found


def build_line(cells: str, inks: CellStyles) -> ChartLine:
    """Join neighbouring cells of one style into pieces."""
    pieces, start = [], 0
    for ink, run in groupby(inks):
        end = start + len(list(run))
        pieces.append((cells[start:end], ink))
        start = end
    return tuple(pieces)


def draw_time_axis(
    frame: ChartFrame,
    edges: TimeEdges,
    canvas: Canvas,
    letters: MarkLetters,
    base_label: str = "",
    *,
    margin: int,
) -> tuple[ChartLine, ...]:
    """Return the axis with its marks and the line of times; only the times if there is less room.

    Args:
        frame: Size, zone and the reset at the right edge.
        edges: Edges of the canvas.
        canvas: The axis as far as it is drawn; the base of an area has no ticks.
        letters: Marks on the axis.
        base_label: Label of the base line of an area. Empty for a chart of lines.
        margin: Cells left of the canvas.
    """
    corner = "+" if frame.ascii_only else "┴" if frame.has_axis else "┘"
    base = f"{base_label} {corner}".rjust(margin) if base_label else ""
    line = ("" if frame.has_axis else base).ljust(frame.width)
    now = [edges.find_column(edges.now)] if frame.resets_at is not None else []
    now_width = len(frame.now_label)
    if frame.resets_at is not None:
        begin = min(frame.width - now_width, margin + now[0] - now_width // 2)
        line = line[:begin] + frame.now_label + line[begin + now_width :]
        reset = f"reset {format_moment(frame.resets_at, frame.now, frame.zone)}"
        if line[-len(reset) - 2 :].isspace():
            line = line[: -len(reset)] + reset
    ticks, times = place_time_labels(build_time_labels(edges, frame.zone), margin, frame.width, line=line)
    inks = CellStyles([ChartStyle.SCALE]) * frame.width
    if now:
        inks[begin : begin + now_width] = [ChartStyle.NOW] * now_width
    below = build_line(times, inks)
    if not frame.has_axis:
        return (below,)
    rule, tick, corner = "-++" if frame.ascii_only else "─┬└"
    cells = [*(base or corner.rjust(margin)), *canvas.axis]
    for column in (*ticks, *now):
        if cells[margin + column] == rule:
            cells[margin + column] = tick
    inks = [*CellStyles([ChartStyle.SCALE]) * margin, *canvas.axis_styles]
    for column in now:
        inks[margin + column] = ChartStyle.NOW
    for column, (letter, severity) in letters.items():
        cells[margin + column], inks[margin + column] = letter, severity
    return build_line("".join(cells), inks), below
