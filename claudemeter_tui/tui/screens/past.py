"""Figures and events of a past moment whose replies are no longer kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from claudemeter_tui.formatting.past import (
    EVENTS_TITLE,
    FIGURES_AND_EVENTS,
    FIGURES_ONLY,
    NO_REPLIES,
    describe_figure_detail,
    format_figure_name,
    format_figure_value,
    sort_figures,
)
from claudemeter_tui.formatting.values import format_moment
from claudemeter_tui.model.archive_rows import FigureRow
from claudemeter_tui.model.history import VERDICT_FIGURE
from claudemeter_tui.model.past import PastFigures
from claudemeter_tui.model.verdict import get_state_severity
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import HELP_KEY, ORG_KEYS, PAST_KEYS, SCREEN_KEYS, SHARING_KEYS, Key
from claudemeter_tui.tui.screens.lists import AS_OF_KEY, CURSOR_KEYS, MomentListScreen
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    fit_pieces,
    get_verdict_mark,
    get_verdict_style,
    wrap_text,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.event_table import ONE_LINE_BELOW, EventTable
from claudemeter_tui.tui.widgets.list_view import BLANK_ROW, MARK_WIDTH, ListPage, ListRow, build_row, fix_row
from claudemeter_tui.tui.widgets.tables import Cell, Table

PAST_SCREEN_KEYS = (
    AS_OF_KEY,
    *ORG_KEYS[:2],
    *CURSOR_KEYS,
    Key("", "Esc", "close", "back", "return to the list or the moment before, or to now"),
)
"""All keys of the screen."""
TITLES = ("", "value", "", "since", "confirmed")


class PastScreen(MomentListScreen):
    """The last value of each figure at the moment, then the events before it; it replaces the dashboard."""

    IS_OVERLAY = False
    SHOWS_PAST = True
    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in PAST_SCREEN_KEYS if key.keys]
    HINTS = (
        PAST_SCREEN_KEYS[-1],
        HELP_KEY,
        AS_OF_KEY,
        PAST_KEYS[0]._replace(display="[ ]", label="event", action=""),
        SCREEN_KEYS[2],
        Key("", "1-9 ←→", "", "org", ""),
        SHARING_KEYS[1],
        Key("", "q", "quit", "quit", ""),
    )
    MIN_HEIGHTS = (4, 16)

    def redraw(self) -> None:
        """Draw the figures and the events."""
        view, figures, width = self.view, self.view.past_figures, self.item_list.line_width
        if figures is None:  # the app is about to close the screen
            return
        events = [event for event in view.events if event.org_key in (None, figures.key)]
        rows = _build_figure_rows(figures, view, width)
        if events:
            is_short = self.app.size.height < ONE_LINE_BELOW
            table = EventTable(
                events, view.present, view.zone, width, has_owner=False, has_short_rows=is_short
            )
            rows += [BLANK_ROW, fix_row(build_line((EVENTS_TITLE, HEADING))), *table.build_rows()]
        self.show_page(ListPage(rows, width), self.get_cursor_key())
        shown = FIGURES_AND_EVENTS if events else FIGURES_ONLY
        pieces = build_line((NO_REPLIES.capitalize(), HEADING)), build_line((shown, MUTED))
        head = build_line(" ", fit_pieces(pieces, self.app.size.width - 2))
        self.set_header_lines([head], [Content("")])
        self.show_view(view)


def _build_figure_rows(figures: PastFigures, view: View, width: int) -> list[ListRow]:
    """Return a line for each figure, or two lines in a narrow pane."""
    found = sort_figures(figures)
    cells = [_list_cells(row, figures, view) for row in found]
    table = Table(TITLES, cells, ("Figures",))
    is_wide = table.width <= width - MARK_WIDTH
    rows = [fix_row(table.draw_head("Figures") if is_wide else build_line(("Figures", HEADING)))]
    for place, row in enumerate(found):
        lines = [table.draw_row(place, 0)] if is_wide else _wrap_cells(cells[place], width - MARK_WIDTH)
        rows.append(build_row(place, lines, row.first_at))
    return rows


def _list_cells(row: FigureRow, figures: PastFigures, view: View) -> list[Cell]:
    now, zone = view.now, view.zone
    value = format_figure_value(row, figures)
    if row.figure == VERDICT_FIGURE:
        severity = get_state_severity(figures.state, is_locked=bool(row.cause))
        style = get_verdict_style(figures.state, severity)
        value = f"{get_verdict_mark(figures.state, severity)} {value}"
    elif figures.is_due(row):
        style = MUTED
    else:
        severity = Severity.from_percent(row.value) if isinstance(row.value, float) else Severity.NORMAL
        style = SEVERITY_STYLES[severity]
    return [
        (format_figure_name(row.figure), ""),
        (value, style),
        (describe_figure_detail(row, figures, zone), MUTED),
        (format_moment(row.first_at, now, zone), MUTED),
        (format_moment(row.confirmed_at, now, zone), MUTED),
    ]


def _wrap_cells(cells: Sequence[Cell], width: int) -> list[StyledLine]:
    """Return name and value, then what else is known, in as many lines as it needs."""
    (name, _), value, (detail, _), (since, _), (confirmed, _) = cells
    more = " · ".join(filter(None, (detail, f"since {since}", f"confirmed {confirmed}")))
    return [
        build_line(f"{name}  ", value),
        *(build_line("  ", line) for line in wrap_text(more, width - 2, MUTED)),
    ]
