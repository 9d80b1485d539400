"""The newest events in a frame."""

from __future__ import annotations

from collections.abc import Sequence

from claudemeter_tui.formatting.values import to_local
from claudemeter_tui.tui.styled_text import HEADING, MUTED, StyledLine, build_line
from claudemeter_tui.tui.view import HistoryState, View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

READING_EARLIER = "Reading the events of earlier runs …"
"""Shown while no event is known and the archive is read."""


class EventPanel(LineWidget):
    """The newest events of all orgs, as many as fit; the frame names the day of the first one."""

    ALLOW_SELECT = False

    _known: tuple[object, Sequence[StyledLine]] = (None, ())
    """The values that the lines depend on, and the lines."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the events, newest first."""
        view, (inner, room) = self.view, self.compute_inner_size(width, height)
        count, today = len(view.store.orgs), to_local(view.present, view.zone).date()
        basis = view.events, view.earlier_events, count, today, view.zone, inner, room
        if self._known[0] != basis:  # a step of the cursor does not build them again
            self._known = basis, list_event_lines(view, inner, room)
        is_reading = view.events_state is HistoryState.READING
        blank = [build_line(), build_line((READING_EARLIER, MUTED))] if is_reading else [build_line()]
        day, *lines = self._known[1] or blank
        owner = " of all orgs" if count > 1 else ""
        head = build_line(("Events", HEADING), (owner, MUTED))
        return self.draw_panel((head, day), lines, width, height)


def list_event_lines(view: View, width: int, most: int) -> list[StyledLine]:
    """Return the day of the newest event, then at most so many lines of whole events, newest first.

    Events of an earlier day are below the name of their day. Empty if there is no event.
    """
    events = view.join_events()[-most:] if most > 0 else ()
    if not events:
        return []
    from claudemeter_tui.tui.widgets.event_table import EventTable  # noqa: PLC0415 - not for the first figures
    from claudemeter_tui.tui.widgets.list_view import BLANK_ROW, MARK_WIDTH  # noqa: PLC0415

    room, has_owner = width + MARK_WIDTH, len(view.store.orgs) != 1
    table = EventTable(events, view.present, view.zone, room, has_owner=has_owner, has_replies=False)
    lines: list[StyledLine] = []
    whole = 0
    for row in table.build_rows():
        if row is BLANK_ROW:
            continue
        if len(lines) + row.height > most + 1:
            break
        lines += [row.draw(part) for part in range(row.height)]
        whole = len(lines) if row.is_selectable else whole
    return lines[:whole]


def count_event_lines(view: View, width: int, most: int) -> int:
    """Return the lines that the newest events need, at most so many; all while earlier ones are read."""
    if view.events_state is HistoryState.READING:
        return most
    return max(0, len(list_event_lines(view, width, most)) - 1)
