"""The pages of the details screen: figures with their replies, and the replies themselves."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate, islice, zip_longest

from rich.cells import get_character_cell_size

from claudemeter_tui.formatting.figures import Figure, Section
from claudemeter_tui.formatting.json_view import JsonLine, JsonPart, KeyRemark
from claudemeter_tui.formatting.problems import format_error
from claudemeter_tui.formatting.values import format_age, format_count, format_moment, to_local
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SELECTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_selected,
    fit_line,
    join_pieces,
    spread_line,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.list_view import ListModel, add_cursor_mark, highlight_matches

LABEL_WIDTH = 18
"""Cells of a label; longer labels and values wrap between words."""
SOURCE_WIDTH, AGE_WIDTH = 24, 12
"""Cells of the columns of replies and ages."""
BESIDE_FROM = 90
"""Columns from which the replies have their own column; in narrower panes they have their own lines."""


class FigurePage:
    """Figures under headings, in lines of at most `width` cells."""

    def __init__(
        self, sections: Sequence[Section], width: int, now: datetime, sought: re.Pattern[str] | None = None
    ) -> None:
        self._now = now
        self._width = width
        self._pattern = sought
        self._has_source_column = width >= BESIDE_FROM
        self._items: list[tuple[str, Figure | None]] = []
        self._readers: dict[str, str] = {}
        for section in sections:
            self._items.append((section.title, None))
            self._items += [(section.title, figure) for figure in section.figures]
            readers = {figure.session_labels for figure in section.figures} - {""}
            self._readers[section.title] = readers.pop() if len(readers) == 1 else ""

    def build_list(self) -> ListModel:
        """Return all figures as a list to draw."""
        heights = [len(self._build_lines(item)) for item in range(len(self._items))]
        return ListModel(
            [0, *accumulate(heights)], self._draw_line, lambda item: self.get_figure(item) is not None
        )

    def get_figure(self, item: int) -> Figure | None:
        """Return the figure of an item. None for a heading or an empty page."""
        return self._items[item][1] if 0 <= item < len(self._items) else None

    def get_key(self, item: int) -> Hashable:
        """Return the key that identifies a figure after an update."""
        figure = self.get_figure(item)
        return (self._items[item][0], figure.label, figure.source) if figure else None

    def find_item(self, key: Hashable) -> int | None:
        """Return the item of that figure. None if it is gone."""
        return next((item for item in range(len(self._items)) if key and self.get_key(item) == key), None)

    def find_hits(self, sought: re.Pattern[str]) -> list[int]:
        """Return the items whose visible text matches the search."""
        return [
            item
            for item, (_, figure) in enumerate(self._items)
            if figure is not None and sought.search(f"{figure.label}\n{figure.value}\n{figure.provenance}")
        ]

    def get_item_text(self, item: int) -> tuple[str, str]:
        """Return the figure and its name for the message."""
        figure = self.get_figure(item)
        return (figure.value, "figure") if figure else ("", "")

    def get_full_text(self, item: int) -> tuple[str, str]:
        """Return the row with label and source, and its name for the message."""
        figure = self.get_figure(item)
        return (figure.format_line(self._now), "row") if figure else ("", "")

    def _draw_line(self, item: int, part: int, selected: bool) -> StyledLine:  # noqa: FBT001 - a `LineDrawer`
        line, figure = self._build_lines(item)[part], self.get_figure(item)
        if figure is None:
            return add_cursor_mark(line, self._width, selected=selected)
        age_part = 0 if self._has_source_column else len(self._build_source_lines(item, figure)) - 1
        if part == age_part and figure.read_at is not None:
            age = format_age(self._now - figure.read_at)
            gap = max(1, self._width - 3 - len(age) - line.cell_length)
            line = build_line(line, " " * gap if self._has_source_column else " · ", (age, MUTED))
        return add_cursor_mark(highlight_matches(line, self._pattern), self._width, selected=selected)

    def _build_lines(self, item: int) -> Sequence[StyledLine]:
        title, figure = self._items[item]
        if figure is None:
            reader = build_line((self._readers[title], MUTED))
            head = spread_line(build_line((title, HEADING)), reader, self._width - 3)
            return (build_line(), head) if item else (head,)
        rows = _build_figure_rows(figure, self._get_origin(item, figure), self._width)
        return (*self._build_source_lines(item, figure), *rows)

    def _build_source_lines(self, item: int, figure: Figure) -> Sequence[StyledLine]:
        """Return the source, with room for the age, if the figure above has another source or time."""
        before = self.get_figure(item - 1)
        if self._has_source_column or (
            before is not None and (before.provenance, before.read_at) == (figure.provenance, figure.read_at)
        ):
            return ()
        room = max(8, self._width - AGE_WIDTH - 5)
        return wrap_text(self._get_origin(item, figure), room, f"italic {MUTED}")

    def _get_origin(self, item: int, figure: Figure) -> str:
        """Return the source; without the session if the heading names it for all figures."""
        return figure.source if self._readers[self._items[item][0]] else figure.provenance


@lru_cache(maxsize=1024)
def _build_figure_rows(figure: Figure, origin: str, width: int) -> tuple[StyledLine, ...]:
    """Return label, value and, in a wide pane, source side by side, with room for the age."""
    blank = build_line()
    if width < BESIDE_FROM:
        cells = min(LABEL_WIDTH, width // 3)
        labels, values = wrap_text(figure.label, cells, MUTED), _wrap_value(figure, width - cells - 3)
        pairs = zip_longest(labels, values, fillvalue=blank)
        return tuple(build_line(fit_line(label, cells), " ", value) for label, value in pairs)
    widths = (LABEL_WIDTH, width - LABEL_WIDTH - SOURCE_WIDTH - AGE_WIDTH - 8, SOURCE_WIDTH)
    columns = (
        wrap_text(figure.label, LABEL_WIDTH, MUTED),
        _wrap_value(figure, widths[1]),
        wrap_text(origin, SOURCE_WIDTH, MUTED),
    )
    rows = zip_longest(*columns, fillvalue=blank)
    return tuple(join_pieces(list(map(fit_line, row, widths)), "  ") for row in rows)


def _wrap_value(figure: Figure, width: int) -> list[StyledLine]:
    style = SEVERITY_STYLES[figure.severity] if figure.severity else "$foreground"
    lines = wrap_text(figure.value, max(8, width - 2), style)
    if figure.severity:
        lines[-1] = build_line(
            lines[-1], (f" {SEVERITY_MARKS[figure.severity]}", SEVERITY_STYLES[figure.severity])
        )
    return lines


def build_reply_tab(name: str, aside: str, style: str, *, selected: bool) -> StyledLine:
    """Return a tab with the mark of its reply."""
    if selected:
        return draw_selected((name, SELECTED), (aside, style or SELECTED))
    return build_line(" ", (name, MUTED), (aside, style), " ")


def describe_failure(failure: Failure, view: View) -> StyledLine:
    """Return the start and the cause of a reply's failure."""
    since = format_moment(failure.at, view.now, view.zone)
    return build_line(
        (
            f"not read since {since}: {format_error(failure.error_kind, failure.detail)}",
            SEVERITY_STYLES[Severity.WARNING],
        )
    )


def describe_reply(reply: Reply, view: View) -> list[str]:
    """Return time, status, notes, duration and size, most important first."""
    at = to_local(reply.at, view.zone)
    counts = ((len(reply.new_fields), "new field"), (len(reply.odd_values), "odd value"))
    return [
        f"read {at:%H:%M:%S}, {format_age(view.now - reply.at)}",
        f"status {reply.status}",
        *(format_count(count, noun) for count, noun in counts if count),
        f"took {reply.duration // timedelta(milliseconds=1)} ms",
        f"{len(reply.text):,} characters",
    ]


PART_STYLES = {
    JsonPart.KEY: "$primary",
    JsonPart.STRING: "$success",
    JsonPart.NUMBER: "$accent",
    JsonPart.LITERAL: "$secondary",
    JsonPart.PUNCTUATION: MUTED,
    JsonPart.NOTE: f"italic {MUTED}",
}
REMARK_STYLES = {KeyRemark.NEW: "bold $accent", KeyRemark.ODD: f"bold {SEVERITY_STYLES[Severity.WARNING]}"}
GUTTER = 4
"""Cells before each line if any line has a note."""
MAX_HITS = 10_000
"""Maximum number of matches of a search."""


class ReplyPage:
    """A body in lines of at most `width` cells."""

    def __init__(self, lines: Sequence[JsonLine], width: int) -> None:
        self.pattern: re.Pattern[str] | None = None
        """Pattern of the search, whose matches are highlighted. None without a search."""
        self._lines = lines
        self._width = width
        self._gutter = GUTTER if any(line.remark for line in lines) else 0
        room = max(8, width - 2 - self._gutter)
        self._rows = [
            (number, *cut) for number, line in enumerate(lines) for cut in _split_line(line.text, room)
        ]

    def build_list(self) -> ListModel:
        """Return the body as a list to draw: each line on screen is an item."""
        return ListModel(range(len(self._rows) + 1), self._draw_line)

    def get_key(self, item: int) -> Hashable:
        """Return the key that identifies an item after the width has changed."""
        return self._rows[item][:2] if 0 <= item < len(self._rows) else None

    def find_item(self, key: Hashable) -> int | None:
        """Return the item of that place. None if it is gone."""
        if not isinstance(key, tuple) or len(key) != 2 or not self._rows:
            return None
        return max(0, bisect_right(self._rows, (*key, 1 << 40)) - 1)

    def find_key(self, key: str) -> int | None:
        """Return the first item with this key or string. None if there is none."""
        wanted = f'"{key}"'
        number = next((place for place, line in enumerate(self._lines) if wanted in line.text), None)
        return None if number is None else self.find_item((number, 0))

    def find_hits(self, sought: re.Pattern[str]) -> list[int]:
        """Return the items in which a match begins, at most `MAX_HITS`."""
        reach = len(sought.pattern)
        hits = (
            item
            for item, (number, start, end) in enumerate(self._rows)
            if (match := sought.search(self._lines[number].text, start, end + reach)) and match.start() < end
        )
        return list(islice(hits, MAX_HITS))

    def get_item_text(self, item: int) -> tuple[str, str]:
        """Return the line of the body and its name for the message."""
        if not self._rows:
            return "", ""
        return self._lines[self._rows[item][0]].text.strip().removesuffix(","), "line"

    def get_full_text(self, item: int) -> tuple[str, str]:  # noqa: ARG002 - the same for every item
        """Return the body as shown on screen, and its name for the message."""
        return "\n".join(line.text for line in self._lines), "reply"

    def _draw_line(self, item: int, part: int, selected: bool) -> StyledLine:  # noqa: ARG002, FBT001 - a `LineDrawer`
        number, start, end = self._rows[item]
        line = self._lines[number]
        parts = [(begin, stop, kind) for begin, stop, kind in line.parts if begin < end and stop > start]
        shown = build_line(line.text[start:end])
        for begin, stop, kind in parts:
            shown = shown.stylize(PART_STYLES[kind], max(0, begin - start), min(end, stop) - start)
        shown = highlight_matches(shown, self.pattern)
        if start:
            shown = build_line(" " * _compute_indent(line.text, self._width - 2 - self._gutter), shown)
        gutter = build_line(" " * self._gutter)
        if line.remark is not None and not start:
            gutter = build_line((line.remark.ljust(self._gutter), REMARK_STYLES[line.remark]))
        return add_cursor_mark(build_line(gutter, shown), self._width, selected=selected)


def _compute_indent(text: str, room: int) -> int:
    """Return the blanks before the second and each further part of a long line."""
    blanks = len(text) - len(text.lstrip())
    return min(blanks + 2, room // 2)


def _split_line(text: str, room: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of a line, each part as wide as fits."""
    if len(text) <= room and text.isascii():
        yield 0, len(text)
        return
    start, rest = 0, room - _compute_indent(text, room)
    while start < len(text) or start == 0:
        end = _find_cut(text, start, rest if start else room)
        yield start, end
        start = end


def _find_cut(text: str, start: int, room: int) -> int:
    """Return the end of a part, at least one character after its start."""
    part = text[start : start + room]
    if part.isascii():
        return start + max(1, len(part))
    cells = 0
    for place, char in enumerate(part):
        cells += get_character_cell_size(char)
        if cells > room - 1 and place:
            return start + place
    return start + max(1, len(part))
