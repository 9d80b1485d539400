"""How a reply's body is drawn: indented lines in colour, long ones wrapped, nothing left out."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice, takewhile

from rich.cells import get_character_cell_size

from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text.pretty import Line, Part, Remark
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.widgets.lines import Sheet, lit, under_cursor

STYLE = {
    Part.KEY: "$primary",
    Part.STRING: "$success",
    Part.NUMBER: "$accent",
    Part.WORD: "$secondary",
    Part.SIGN: ink.MUTED,
    Part.NOTE: f"italic {ink.MUTED}",
}
REMARKS = {Remark.NEW: "bold $accent", Remark.ODD: f"bold {ink.STYLE[Severity.WARNING]}"}
GUTTER = 4
"""Cells before each line where any has a remark."""
MOST_HITS = 10_000
"""More than that nobody goes through."""


class ReplyPage:
    """A body in lines of at most `width` cells."""

    def __init__(self, lines: Sequence[Line], width: int) -> None:
        self.sought: re.Pattern[str] | None = None
        """What is looked for, and lit."""
        self._lines = lines
        self._width = width
        self._gutter = GUTTER if any(line.remark for line in lines) else 0
        room = max(8, width - 2 - self._gutter)
        self._rows = [(number, *cut) for number, line in enumerate(lines) for cut in _cuts(line.text, room)]

    def sheet(self) -> Sheet:
        """All of it, ready to be drawn: each line of the screen is an item."""
        return Sheet(range(len(self._rows) + 1), self._draw)

    def key(self, item: int) -> Hashable:
        """By what a place is found again when the width has changed."""
        return self._rows[item][:2] if 0 <= item < len(self._rows) else None

    def place(self, key: Hashable) -> int | None:
        """Where that is now. None: nowhere."""
        if not isinstance(key, tuple) or len(key) != 2 or not self._rows:
            return None
        return max(0, bisect_right(self._rows, (*key, 1 << 40)) - 1)

    def line_with(self, key: str) -> int | None:
        """The first item that has this key, or this string. None: there is none."""
        wanted = f'"{key}"'
        number = next((place for place, line in enumerate(self._lines) if wanted in line.text), None)
        return None if number is None else self.place((number, 0))

    def hits(self, sought: re.Pattern[str]) -> list[int]:
        """The items in which something begins that is looked for, at most `MOST_HITS` of them."""
        reach = len(sought.pattern)
        found = (
            item
            for item, (number, start, end) in enumerate(self._rows)
            if (match := sought.search(self._lines[number].text, start, end + reach)) and match.start() < end
        )
        return list(islice(found, MOST_HITS))

    def piece(self, item: int) -> tuple[str, str]:
        """The line of the body, and what it is called."""
        if not self._rows:
            return "", ""
        return self._lines[self._rows[item][0]].text.strip().removesuffix(","), "line"

    def whole(self, item: int) -> tuple[str, str]:  # noqa: ARG002 - the same from everywhere
        """The body as it is on screen, and what it is called."""
        return "\n".join(line.text for line in self._lines), "reply"

    def _draw(self, item: int, part: int, selected: bool) -> ink.Line:  # noqa: ARG002, FBT001 - as a sheet draws
        number, start, end = self._rows[item]
        line = self._lines[number]
        parts = [(begin, stop, kind) for begin, stop, kind in line.parts if begin < end and stop > start]
        shown = ink.text(line.text[start:end])
        for begin, stop, kind in parts:
            shown = shown.stylize(STYLE[kind], max(0, begin - start), min(end, stop) - start)
        shown = lit(shown, self.sought)
        if start:
            shown = ink.text(" " * _hang(line.text, self._width - 2 - self._gutter), shown)
        return under_cursor(ink.text(self._remark(line, start), shown), self._width, selected=selected)

    def _remark(self, line: Line, start: int) -> ink.Line:
        if line.remark is None or start:
            return ink.text(" " * self._gutter)
        return ink.text((line.remark.ljust(self._gutter), REMARKS[line.remark]))


def _hang(text: str, room: int) -> int:
    """Blanks before the second part of a line that is too long, and before all further ones."""
    blanks = sum(1 for _ in takewhile(str.isspace, text[:room]))
    return min(blanks + 2, room // 2)


def _cuts(text: str, room: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each part of a line that fits."""
    if len(text) <= room and text.isascii():
        yield 0, len(text)
        return
    start, rest = 0, room - _hang(text, room)
    while start < len(text) or start == 0:
        end = _end(text, start, rest if start else room)
        yield start, end
        start = end


def _end(text: str, start: int, room: int) -> int:
    """Where a part ends that begins there; at least one character further."""
    part = text[start : start + room]
    if part.isascii():
        return start + max(1, len(part))
    cells = 0
    for place, char in enumerate(part):
        cells += get_character_cell_size(char)
        if cells > room - 1 and place:
            return start + place
    return start + max(1, len(part))
