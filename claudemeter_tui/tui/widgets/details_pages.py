"""The pages of the details screen: figures with their replies, and the replies themselves."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate, islice, zip_longest

from rich.cells import get_character_cell_size

from claudemeter_tui.formatting.figures import Figure, Section, describe_calculation
from claudemeter_tui.formatting.json_view import JsonLine, JsonPart, KeyRemark
from claudemeter_tui.formatting.problems import format_error
from claudemeter_tui.formatting.values import format_age, format_count, format_moment, to_local
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    FRAME,
    HEADING,
    MUTED,
    SELECTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_selected,
    fit_line,
    get_verdict_mark,
    get_verdict_style,
    spread_line,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.list_view import ListModel, add_cursor_mark, highlight_matches
from claudemeter_tui.tui.widgets.tables import COLUMN_GAP

LABEL_WIDTH = 18
"""Cells of a label; longer labels and values wrap between words."""
AGE_WIDTH = len(" · 59m ago")
"""Cells of most ages; the layout of a heading does not change with the age."""
CALCULATED = "calculated"
"""Note on a figure that is calculated from the reply in its heading."""


class FigurePage:
    """Figures under headings, in lines of at most `width` cells."""

    def __init__(
        self,
        sections: Sequence[Section],
        width: int,
        now: datetime,
        sought: re.Pattern[str] | None = None,
        *,
        has_space: bool = False,
    ) -> None:
        """Show the figures; `has_space` adds a blank line above the first heading.

        A section without figures is a sentence.
        """
        self._now = now
        self._width = width
        self._pattern = sought
        self._has_space = has_space
        self._items: list[tuple[str, Figure | None]] = []
        self._keys: list[Hashable] = []
        """Key of each item; figures of one label differ by their number."""
        self._leads: dict[str, Figure] = {}
        for section in sections:
            self._items.append((section.title, None))
            self._items += [(section.title, figure) for figure in section.figures]
            if section.figures:
                self._leads[section.title] = _find_lead(section)
        counts: Counter[Hashable] = Counter()
        for title, figure in self._items:
            name = (title, figure.label, figure.source) if figure is not None else None
            self._keys.append(name and (*name, counts[name]))
            counts[name] += 1

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
        return self._keys[item] if 0 <= item < len(self._keys) else None

    def find_item(self, key: Hashable) -> int | None:
        """Return the item of that figure. None if it is gone."""
        return self._keys.index(key) if key is not None and key in self._keys else None

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
        line = self._build_lines(item)[part]
        is_marked = selected and self.get_figure(item) is not None
        return add_cursor_mark(highlight_matches(line, self._pattern), self._width, selected=is_marked)

    def _build_lines(self, item: int) -> Sequence[StyledLine]:
        title, figure = self._items[item]
        lead = self._leads.get(title)
        if figure is not None and lead is not None:
            return _build_figure_rows(figure, self._describe_exception(figure, lead), self._width)
        room = self._width - 3
        above = [build_line()] if item or self._has_space else []
        if lead is None:  # a sentence instead of figures
            return [*above, *wrap_text(title, room, HEADING)]
        head = build_line((title, HEADING))
        without_session = lead._replace(session_labels="")
        for shown in (lead, without_session):  # the tab of a reply has the session, too
            source = shown.describe_origin(self._now)
            rule = room - head.cell_length - len(source) - 2
            if rule > max(0, AGE_WIDTH - len(source) + len(shown.provenance)):
                return [*above, build_line(head, (f" {'─' * rule} ", FRAME), (source, MUTED))]
        return [*above, head, *wrap_text(without_session.describe_origin(self._now), room, MUTED)]

    def _describe_exception(self, figure: Figure, lead: Figure) -> str:
        """Return the source and the age of a figure as far as its heading does not say them."""
        if (figure.provenance, figure.read_at) == (lead.provenance, lead.read_at):
            return ""
        has_same_session = figure.session_labels == lead.session_labels
        if has_same_session and figure.read_at == lead.read_at:
            from_lead = describe_calculation(lead.source)
            return CALCULATED if figure.source == from_lead else figure.source
        shown = figure._replace(session_labels="") if has_same_session else figure
        return shown.describe_origin(self._now)


def _find_lead(section: Section) -> Figure:
    """Return the figure whose source and age most figures of a section have."""
    counts = Counter((figure.provenance, figure.read_at) for figure in section.figures)
    return max(section.figures, key=lambda figure: counts[figure.provenance, figure.read_at])


@lru_cache(maxsize=1024)
def _build_figure_rows(figure: Figure, note: str, width: int) -> tuple[StyledLine, ...]:
    """Return label and value side by side, then a note, at the right end of the last line if it has room."""
    cells, blank = min(LABEL_WIDTH, width // 3), build_line()
    room = width - cells - 3
    labels, values = wrap_text(figure.label, cells, MUTED), _wrap_value(figure, room)
    if note and values[-1].cell_length + COLUMN_GAP + len(note) < room:
        values[-1] = spread_line(values[-1], build_line((note, MUTED)), room - 1)
    elif note:
        values += wrap_text(note, room, MUTED)
    pairs = zip_longest(labels, values, fillvalue=blank)
    return tuple(build_line(fit_line(label, cells), " ", value) for label, value in pairs)


def _wrap_value(figure: Figure, width: int) -> list[StyledLine]:
    """Return the value in lines; its mark is at the end, that of a verdict at the beginning."""
    if figure.state is not None:
        style = get_verdict_style(figure.state, figure.severity)
        return wrap_text(f"{get_verdict_mark(figure.state, figure.severity)} {figure.value}", width, style)
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
