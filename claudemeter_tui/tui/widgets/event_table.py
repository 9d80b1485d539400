"""The events as a table with day headers, in columns that fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from functools import partial
from itertools import groupby, zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from claudemeter_tui.formatting.events import describe_event, describe_event_cause
from claudemeter_tui.formatting.values import format_day_title, to_local
from claudemeter_tui.model.events import Event
from claudemeter_tui.tui.styled_text import (
    CALM_MARK,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    fit_line,
    shorten_name,
    wrap_text,
)
from claudemeter_tui.tui.widgets.list_view import BLANK_ROW, MARK_WIDTH, ListRow, build_row, fix_row

GAP = 2
"""Blanks between two columns."""
TIME_WIDTH = 5
"""Cells of a time of day."""
TEXT_START = TIME_WIDTH + GAP + 2
"""Cells before the first column of text: the time, and the mark of the severity."""
MAX_OWNER_WIDTH = 24
"""Maximum cells of a name; a longer one is shortened."""
MAX_WHAT_WIDTH = 34
"""Maximum cells of the column that says what changed; a longer text is wrapped."""
MIN_TEXT_WIDTH = 30
"""Minimum cells of a column of text; without them, a column is dropped."""
ONE_LINE_BELOW = 24
"""Lines of the terminal below which each row has one line, unless the cursor is on it."""
MAX_SHORT_OWNER = 8
"""Maximum cells of a name in a row of one line that has no column of names."""


class _Cells(NamedTuple):
    """The texts of one event."""

    time: str
    owner: str
    what: str
    cause: str
    text: str
    """`what` and `cause` as one sentence."""
    replies: str
    """Names of the replies that showed the event; empty if only the clock did."""


class EventTable:
    """Events in rows, newest first, below the titles of their days."""

    def __init__(
        self,
        events: Sequence[Event],
        present: datetime,
        zone: tzinfo | None,
        width: int,
        *,
        has_owner: bool = True,
        has_replies: bool = True,
        has_short_rows: bool = False,
    ) -> None:
        """Choose the columns that fit.

        Args:
            events: the events, oldest first.
            present: the time now, also while a past moment is on screen.
            zone: the time zone. None for the system's.
            width: cells of a line.
            has_owner: True to show the names of orgs and sessions.
            has_replies: True to name the replies that showed an event.
            has_short_rows: True if each row has one line, unless the cursor is on it.
        """
        self._events = events
        self._has_short_rows = has_short_rows
        self._today = to_local(present, zone).date()
        self._zone = zone
        self._cells = [
            self._describe(event, has_owner=has_owner, has_replies=has_replies) for event in events
        ]
        self._choose_columns(width - MARK_WIDTH)

    def _describe(self, event: Event, *, has_owner: bool, has_replies: bool) -> _Cells:
        what, cause = describe_event_cause(event, self._zone)
        return _Cells(
            f"{to_local(event.at, self._zone):%H:%M}",
            event.owner_name if has_owner else "",
            what,
            cause,
            describe_event(event, self._zone),
            ", ".join(event.endpoints) if has_replies else "",
        )

    def _choose_columns(self, width: int) -> None:
        """Set the widths of the columns; 0 for a column that is dropped."""
        gap = GAP if width - TEXT_START >= MIN_TEXT_WIDTH or not self._has_short_rows else 1
        self._gap = " " * gap
        room, cells = width - TEXT_START + GAP - gap, self._cells
        self._owner_width = self._what_width = self._replies_width = 0
        owner = min(MAX_OWNER_WIDTH, _measure(one.owner for one in cells))
        if owner and room - owner - GAP >= MIN_TEXT_WIDTH:
            self._owner_width = owner
            room -= owner + GAP
        what = min(MAX_WHAT_WIDTH, _measure(one.what for one in cells))
        if room - what - GAP >= MIN_TEXT_WIDTH:
            self._what_width = what
            room -= what + GAP
            cause = max(MIN_TEXT_WIDTH, _measure(one.cause for one in cells))
            replies = _measure(one.replies for one in cells)
            if replies and room - cause - GAP >= replies:
                self._replies_width = replies
                room = cause
        self._text_width = max(1, room)
        is_joined = self._has_short_rows and not self._owner_width
        self._short_owner_width = min(owner, MAX_SHORT_OWNER, self._text_width // 2) if is_joined else 0

    @property
    def has_columns(self) -> bool:
        """True if what changed has a column of its own."""
        return self._what_width > 0

    def build_head(self) -> StyledLine:
        """Return the titles of the columns."""
        pieces = [build_line(fit_line(_mute("time"), TEXT_START))]
        if self._owner_width:
            pieces.append(self._fit("org", self._owner_width))
        pieces.append(self._fit("what", self._what_width))
        pieces.append(self._fit("cause", self._text_width) if self._replies_width else _mute("cause"))
        if self._replies_width:
            pieces.append(_mute("replies"))
        return build_line(*pieces)

    def _fit(self, text: str, width: int) -> StyledLine:
        return build_line(fit_line(_mute(text), width), " " * GAP)

    def build_rows(self) -> Iterator[ListRow]:
        """Yield the rows, with a title above each day and a blank line between two days."""
        seen: Counter[tuple[datetime, str]] = Counter()
        keys = []
        for event in self._events:
            seen[event.at, event.kind] += 1
            keys.append((event.at, event.kind, seen[event.at, event.kind]))
        newest_first = range(len(self._events) - 1, -1, -1)
        days = groupby(newest_first, lambda at: to_local(self._events[at].at, self._zone).date())
        for number, (day, places) in enumerate(days):
            if number:
                yield BLANK_ROW
            yield fix_row(_mute(format_day_title(day, self._today)))
            for place in places:
                event, cells = self._events[place], self._cells[place]
                is_short = self._is_short(cells)
                if is_short or self._has_short_rows:
                    # Most rows are never on screen, so each is drawn only when it is.
                    draw = partial(self._draw_line, event, cells)
                    draw_open = None if is_short else partial(self._wrap, event, cells)
                    yield ListRow(
                        keys[place], draw, draw_open=draw_open, moment=event.at, org_key=event.org_key
                    )
                else:
                    yield build_row(keys[place], self._wrap(event, cells), event.at, event.org_key)

    def _is_short(self, cells: _Cells) -> bool:
        """True if the row certainly fits in one line."""
        if self._what_width:
            return cell_len(cells.what) <= self._what_width and cell_len(cells.cause) <= self._text_width
        owner = self._short_owner_width
        if owner:
            return cell_len(cells.owner) <= owner and cell_len(cells.text) < self._text_width - owner
        return cell_len(self._join_owner(cells)) <= self._text_width

    def _join_owner(self, cells: _Cells) -> str:
        """Return the sentence, after the name if that has no column."""
        return f"{cells.owner} · {cells.text}" if cells.owner and not self._owner_width else cells.text

    def _draw_line(self, event: Event, cells: _Cells, _: int) -> StyledLine:
        """Return the only line of a row; the end of a text that does not fit is left out."""
        style, owner = _get_style(event), self._short_owner_width
        if not self._has_short_rows or (self._what_width and self._is_short(cells)):
            return self._wrap(event, cells)[0]
        pieces = [self._draw_head(event, cells)]
        if self._what_width:
            pieces += [fit_line(build_line((cells.what, style)), self._what_width), build_line(" " * GAP)]
            pieces.append(fit_line(_mute(cells.cause), self._text_width))
            return build_line(*pieces)
        if owner:
            name = build_line(shorten_name(cells.owner, owner))
            pieces += [name.truncate(owner, pad=True), build_line(" ")]
        room = self._text_width - (owner + 1 if owner else 0)
        return build_line(*pieces, _cut_text(cells, room, style))

    def _draw_head(self, event: Event, cells: _Cells) -> StyledLine:
        """Return what is before the text of a row: time, mark, and the name if that has a column."""
        is_recovery = event.is_recovery and not event.severity
        mark = (CALM_MARK if is_recovery else SEVERITY_MARKS[event.severity], SEVERITY_STYLES[event.severity])
        head = build_line((cells.time, MUTED), self._gap, mark, " ")
        if self._owner_width:
            owner = build_line(shorten_name(cells.owner, self._owner_width))
            head = build_line(head, owner.truncate(self._owner_width, pad=True), " " * GAP)
        return head

    def _wrap(self, event: Event, cells: _Cells) -> list[StyledLine]:
        """Return the lines of a row; no text but a long name is cut."""
        style, head = _get_style(event), self._draw_head(event, cells)
        blank = build_line(" " * head.cell_length)
        if not self._what_width:
            lines = wrap_text(self._join_owner(cells), self._text_width, style)
            return [build_line(blank if place else head, line) for place, line in enumerate(lines)]
        columns = zip_longest(
            wrap_text(cells.what, self._what_width, style),
            wrap_text(cells.cause, self._text_width, MUTED),
            [_mute(cells.replies)] if self._replies_width else [],
            fillvalue=build_line(),
        )
        lines = []
        for place, (what, cause, replies) in enumerate(columns):
            line = build_line(blank if place else head, fit_line(what, self._what_width), " " * GAP)
            if replies.plain:
                cause = build_line(fit_line(cause, self._text_width), " " * GAP)  # noqa: PLW2901
            lines.append(build_line(line, cause, replies))
        return lines


def _get_style(event: Event) -> str:
    """Return the style of the text that says what changed."""
    return SEVERITY_STYLES[event.severity] if event.severity else ""


def _cut_text(cells: _Cells, width: int, style: str) -> StyledLine:
    """Return as many words of the sentence as fit, but rather no cause than a part of what changed."""
    line = fit_line(build_line((cells.text, style)), width)
    what = f"{cells.what}…"
    has_what = line.plain.startswith(cells.what)
    return line if has_what or cell_len(what) > width else build_line((what, style))


def _mute(text: str) -> StyledLine:
    return build_line((text, MUTED))


def _measure(texts: Iterator[str]) -> int:
    """Return the cells of the widest text."""
    return max(map(cell_len, texts), default=0)
