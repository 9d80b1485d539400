"""Steps as lines of characters, each piece with what it is, so that it can be given a colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from itertools import groupby

from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text.chart.canvas import Dots, canvas
from claudemeter_tui.text.chart.scale import Scale
from claudemeter_tui.text.chart.steps import Step

NOTE_FROM = 4
"""Rows from which there is room for a note between the curves."""

Steps = Sequence[Step | None]
Dot = tuple[int, int, str]
"""How far right and how far up, and the sign of it in ASCII."""


class Ink(StrEnum):
    """What a piece of a picture is; a mark is as loud as its event instead."""

    SCALE = "scale"
    """Axes, labels, a note."""
    LIMIT = "limit"
    """The line of the cap, or of what is full."""
    CURVE = "curve"
    SECOND = "second"
    """Any curve but the first one."""
    BOTH = "both"
    """The first curve in one half of the cells, and another one in the other."""


Inks = list[Ink | Severity]
Line = tuple[tuple[str, Ink | Severity], ...]
"""A line in its pieces."""


def plotted(curves: Sequence[Steps], scale: Scale, note: str) -> list[Line]:
    """The curves as lines as wide as the canvas, from top to bottom, with the limit and a note.

    The first curve is in front. The others are dotted, or have signs of their own where there is one dot a
    cell; behind the middle of a cell there is room for one of them.
    """
    dots = [list(_dots(steps, scale, number)) for number, steps in enumerate(curves)]
    columns, fine = len(curves[0]) // scale.fine, scale.fine
    inks: list[Inks] = [[Ink.CURVE] * columns for _ in range(scale.rows)]
    front = dots[0] if len(dots) == 1 else _in_front(dots, inks, fine)
    rows = canvas(_by_column(front, columns, fine), scale.rows, plain=fine == 1)
    if scale.limit is not None:
        _underlay(rows, inks, scale)
    if note:
        _overlay(rows, inks, note)
    return [inked(row, ink) for row, ink in zip(rows, inks, strict=True)]


def inked(cells: str, inks: Inks) -> Line:
    """Cells and their inks as a line: neighbours of one ink are one piece."""
    if inks.count(inks[0]) == len(inks):
        return ((cells, inks[0]),)
    groups = groupby(zip(cells, inks, strict=True), key=lambda pair: pair[1])
    return tuple(("".join(cell for cell, _ in group), ink) for ink, group in groups)


def _dots(steps: Steps, scale: Scale, number: int) -> Iterator[Dot]:
    """Every dot of a curve from left to right; a step has its riser, a gap has nothing."""
    flat, riser = ("-", "|") if number == 0 else ("=", ":")
    dotted = number > 0 and scale.fine > 1
    dot, before = cache(scale.dot), None
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


def _in_front(curves: Sequence[Sequence[Dot]], inks: list[Inks], fine: int) -> list[Dot]:
    """The dots that are seen where curves meet; the inks become those of the cells."""
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
                inks[-1 - cell[1]][cell[0]] = Ink.SECOND
        taken.update(cell for _, cell in mine)
    _fill_up(first, met, inks, fine)
    return seen


def _fill_up(first: Sequence[Dot], met: dict[tuple[int, int], set[int]], inks: list[Inks], fine: int) -> None:
    """Give the other half to a curve behind the first one, where that has but half of the cell."""
    there: dict[tuple[int, int], list[int]] = {}
    for x, y, _ in first if fine > 1 and met else ():
        if (cell := (x // fine, y // fine)) in met:
            there.setdefault(cell, []).append(y)
    for (column, row), rows in there.items():
        if len(rows) == 2 and rows[0] == rows[1] and met[column, row] - {rows[0]}:
            inks[-1 - row][column] = Ink.BOTH


def _by_column(dots: Sequence[Dot], columns: int, fine: int) -> list[Dots]:
    """The dots of each column of cells."""
    found: list[list[Dot]] = [[] for _ in range(columns)]
    for x, y, sign in dots:
        found[x // fine].append((x % fine, y, sign))
    return [tuple(column) for column in found]


def _underlay(rows: list[str], inks: list[Inks], scale: Scale) -> None:
    """Draw the limit where nothing else is."""
    place = -1 - scale.row(scale.limit or 0.0)
    inks[place] = [
        Ink.LIMIT if cell == " " else ink for cell, ink in zip(rows[place], inks[place], strict=True)
    ]
    rows[place] = rows[place].replace(" ", "." if scale.fine == 1 else "╌")


def _overlay(rows: list[str], inks: list[Inks], note: str) -> None:
    """Write a note into the middle of the blank line that is farthest from everything that is drawn."""
    drawn = [place for place, row in enumerate(rows) if row.strip()]
    apart = [min(abs(place - other) for other in drawn) for place in range(len(rows))]
    place, begin = apart.index(max(apart)), (len(rows[0]) - len(note)) // 2
    if len(rows) < NOTE_FROM or not apart[place] or begin < 2:
        return
    end = begin + len(note)
    rows[place] = rows[place][:begin] + note + rows[place][end:]
    inks[place][begin:end] = [Ink.SCALE] * len(note)
