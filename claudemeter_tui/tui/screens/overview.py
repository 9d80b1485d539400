"""Overview: a line for each org, worst first, that can be sorted and searched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import is_
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message

from claudemeter_tui.formatting.overview import (
    SORTABLE_COLUMNS,
    OverviewColumn,
    OverviewRow,
    group_by_verdict,
    list_day_titles,
    list_unseen_matches,
    matches_search,
    sort_rows,
)
from claudemeter_tui.formatting.search import compile_words
from claudemeter_tui.formatting.values import format_age, format_count, format_moment, format_money
from claudemeter_tui.model.day import DayUse, find_midnight, measure_day, sum_spending
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.time_series import ArchivedSeries
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import HELP_KEY, READING_KEYS, Key
from claudemeter_tui.tui.layout import WIDE_FROM, Layout, compute_panel_shares
from claudemeter_tui.tui.screens.lists import CURSOR_KEYS, HINTS_FROM, ListScreen, describe_no_org
from claudemeter_tui.tui.styled_text import (
    FRAME,
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    get_verdict_style,
    iterate_shorter,
    join_pieces,
    pick_fitting,
    shorten_name,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import org_table
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel, has_both_charts, switch_chart
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel, count_credits_lines
from claudemeter_tui.tui.widgets.event_panel import EventPanel, count_event_lines
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel, count_limits_lines, count_windows
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.list_view import (
    ClickableLine,
    ListModel,
    SearchBar,
    VirtualList,
    add_cursor_mark,
    underline_matches,
)
from claudemeter_tui.tui.widgets.panels import Panels

OVERVIEW_KEYS = (
    Key("enter", "Enter", "screen.enter", "open", "open the org under the cursor"),
    Key("slash", "/", "screen.find", "search", "show only orgs that match these words"),
    Key("right", "→", "screen.sort(1)", "sort", "sort by the next column"),
    Key("left", "←", "screen.sort(-1)", "sort", "sort by the previous column"),
    Key("v", "v", "screen.turn", "reverse", "reverse order"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "end the search or close the overview"),
)
"""All keys of the overview."""
NO_MATCH = "No org matches all of these words."
MIN_SPAN = timedelta(minutes=10)
"""Shortest time that a sparkline shows."""
PANE_FROM = (60, 20)
"""Columns and lines of the terminal from which the org under the cursor is shown below the table."""
BANNER_LINES, NARROW_BANNER_LINES, NARROW = 2, 3, 80
"""Lines of the banner below the table, and in fewer columns than `NARROW`."""
EXTRA_CHART, LAST_CHART = "extra-chart", "last-chart"
"""Ids of the charts: the first one, below the limits or above the other, shows what the last one does not."""
FRAME_LINES = 2
"""Lines of the frame of a panel."""
MAX_PANEL_LINES = 6
"""Maximum lines in a panel below the table."""
MIN_CHART_LINES = 8
"""Minimum lines of the charts below the panels, with their frame."""
MAX_EVENT_LINES = 12
"""Maximum lines of events below the charts."""


class PaneNeeds(NamedTuple):
    """Lines that the parts below the table would fill, for every org under the cursor."""

    windows: int = 0
    """Lines of the windows alone, without the notes below them."""
    limits: int = 1
    credits: int = 1
    events: int = 0


class Pane(NamedTuple):
    """Lines of the parts below the table, with their frames; all 0 if there is no room."""

    banner: int = 0
    limits: int = 0
    credits: int = 0
    """Lines of the credits; beside the limits in a wide terminal."""
    chart: int = 0
    """Lines of the charts: side by side in a wide terminal, else stacked if there is room for both."""
    events: int = 0
    is_wide: bool = False

    @property
    def lines(self) -> int:
        """Lines of all parts below the rule."""
        panels = max(self.limits, self.credits) if self.is_wide else self.limits + self.credits
        return self.banner + panels + self.chart + self.events


class OrgRule(LineWidget):
    """A line with the name of the org that is shown below it, its plan and its session."""

    ALLOW_SELECT = False

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw the name and as much else as fits."""
        state = self.view.state
        if state is None:
            return []
        name = shorten_name(state.org.display_name, width - 8)
        others = (state.org.plan_name, state.account.email, state.session.label)
        parts = [build_line((name, HEADING)), *(build_line((text, MUTED)) for text in others if text)]
        text = pick_fitting(iterate_shorter(parts), width - 8).rstrip()
        rule = build_line(("── ", FRAME), text, " ")
        return [build_line(rule, ("─" * (width - rule.cell_length), FRAME))]


class OverviewScreen(ListScreen):
    """A row for each org; the cursor follows the org, not the row."""

    DEFAULT_CSS = """
    OverviewScreen #gap { height: 1; }
    OverviewScreen #pane { height: auto; width: 1fr; }
    OverviewScreen #charts.-wide #extra-chart { margin-right: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in OVERVIEW_KEYS]
    HINTS = (
        OVERVIEW_KEYS[-1],
        HELP_KEY,
        OVERVIEW_KEYS[0],
        OVERVIEW_KEYS[1],
        OVERVIEW_KEYS[2]._replace(display="←→"),
        OVERVIEW_KEYS[4],
        Key("", "q", "quit", "quit", ""),
        READING_KEYS[1],
    )
    NEEDS_ORG = True
    SHOWS_TODAY: ClassVar[bool] = True
    """True if the screen needs `View.today`."""

    @dataclass
    class OrgChosen(Message):
        """The user chose an org."""

        key: OrgKey

    def __init__(self, view: View) -> None:
        """Show this view, worst org first, with the cursor on the selected org."""
        super().__init__(view)
        self._sort_column, self._is_reversed = OverviewColumn.VERDICT, False
        self._cursor_key: OrgKey | None = view.key
        self._pane = Pane()
        self._pane_basis: tuple[object, ...] = ()
        """Everything that the lines of the parts depend on, and whether there are two charts."""
        self._shown: tuple[object, ...] = ()
        """Everything that the texts of the rows depend on besides the orgs."""
        self._all_rows: list[OverviewRow] = []
        self._rows: list[OverviewRow] = []
        """The rows in the table: those that match the search, sorted."""
        self._rows_by_verdict: Mapping[str, Sequence[OverviewRow]] = {}
        self._uses: dict[OrgKey, tuple[tuple[object, ...], DayUse]] = {}
        self._texts: dict[OverviewRow, org_table.RowTexts] = {}
        self._lines: dict[tuple[OverviewRow, bool], Content] = {}
        self._table = org_table.TableLayout()
        self._needs: tuple[object, dict[OverviewRow, PaneNeeds]] = (None, {})
        """The values that the lines of all panels depend on, and the lines that each org needs."""
        self._event_lines: tuple[object, int] = (None, 0)
        """The values that the lines of the events depend on, and the number of these lines."""
        self._day_start = self._panel_time = view.now

    def compose(self) -> ComposeResult:
        """Create header, table, the org under the cursor, the newest events, search and hints."""
        yield Banner(id="verdict")
        yield ClickableLine(id="first")
        yield Container(id="gap")
        yield ClickableLine(id="second")
        yield VirtualList()
        with Container(id="pane"):
            yield OrgRule()
            yield Banner(id="banner")
            with Panels():
                yield LimitsPanel()
                yield CreditsPanel()
            with Panels(id="charts"):
                yield ChartPanel(id=EXTRA_CHART)
                yield ChartPanel(id=LAST_CHART)
            yield EventPanel()
        yield SearchBar(self.SEARCH_HINTS)
        yield KeyHints(self.HINTS)

    def on_mount(self) -> None:
        """Draw before the first layout, so that the first frame has all parts in their places."""
        # A screen opened while the app closes has no parts.
        if self.is_attached and self.app.is_running and self.query(KeyHints):
            self._drawn_view = self.view
            self.draw_parts()

    def watch_view(self) -> None:
        """Draw what has changed: the age in the header at each tick, all else less often."""
        if self.is_outdated:
            self._draw()
        elif self.can_draw:
            self._show_header()
            # The countdown of its last minute, which only the selected org's view takes into account.
            if self._build_cursor_view().panel_time != self._panel_time:
                self._show_cursor_org()

    def redraw(self) -> None:
        """Draw the current table."""
        self._update_rows()
        self._lay_out_pane()
        width = self.item_list.line_width
        self._update_texts(width)
        first, second = self.query(ClickableLine)
        first.set_class(self.app.size.height < self.MIN_HEIGHTS[0], "-away")
        second.set_class(not self._has_titles(), "-away")
        found = [row for row in self._all_rows if matches_search(row, self.search_bar.search_text)]
        self._rows = sort_rows(found, self._sort_column, backwards=self._is_reversed)
        self.item_list.show(self._build_list(width), self._find_cursor())
        self._show_header()
        self.search_bar.show_result(self._describe_result(len(found)))
        self._show_cursor_org()

    def show_header_lines(self) -> None:
        """Leave this to `redraw`, because the titles depend on the columns."""

    def _has_titles(self) -> bool:
        """True if the columns have titles: not if an org would be out of sight in a low and narrow pane."""
        height = self.app.size.height
        free = height - 2 - (height >= HINTS_FROM)
        is_low = height < self.MIN_HEIGHTS[0] and self._table.is_plain and len(self._all_rows) > free
        return height >= self.MIN_HEIGHTS[1] and not is_low

    def _describe_result(self, count: int) -> str:
        """Return the number of matches, and the fields of the org under the cursor that are not on screen."""
        wanted = self.search_bar.search_text
        fields = list_unseen_matches(self._rows[self.item_list.cursor], wanted) if self._rows else []
        by = f" · by {', '.join(fields)}" if fields and self.app.size.width >= NARROW else ""
        return f"{count} of {len(self._all_rows)}{by}"

    def on_input_changed(self) -> None:
        """While the user types, show only the orgs that match, and go to the first one."""
        self._draw()

    def handle_enter(self) -> None:
        """Open the org under the cursor."""
        if self._rows:
            self.post_message(self.OrgChosen(self._rows[self.item_list.cursor].key))

    def on_virtual_list_cursor_moved(self) -> None:
        """Remember the org under the cursor."""
        self._cursor_key = self._rows[self.item_list.cursor].key
        self._show_cursor_org()

    def on_clickable_line_piece_clicked(self, message: ClickableLine.PieceClicked) -> None:
        """Sort by the clicked column; a second click reverses the order."""
        if message.line.id == "second":
            column = tuple(self._table.widths)[message.index]
            self._sort_by(column, backwards=column is self._sort_column and not self._is_reversed)

    def action_sort(self, step: int) -> None:
        """Sort by the next or previous visible column that can be sorted."""
        columns = [column for column in self._table.widths if column in SORTABLE_COLUMNS]
        if not columns:
            return
        place = columns.index(self._sort_column) if self._sort_column in columns else -min(step, 0)
        self._sort_by(columns[(place + step) % len(columns)], backwards=False)

    def action_turn(self) -> None:
        """Reverse the sort order."""
        self._sort_by(self._sort_column, backwards=not self._is_reversed)

    def action_find(self) -> None:
        """Open the search."""
        self.search_bar.open()
        self._draw()

    def action_back(self) -> None:
        """Close the search, or the screen if no search is open."""
        super().action_back()
        self._draw()

    def _sort_by(self, column: OverviewColumn, *, backwards: bool) -> None:
        if column in SORTABLE_COLUMNS:
            self._sort_column, self._is_reversed = column, backwards
            self._draw()

    def _update_rows(self) -> None:
        """Update the row of each org with new figures: its state, the minute or the verdict has changed."""
        known, rows = {row.key: row for row in self._all_rows}, []
        for state in self.view.store.orgs:
            row, figures = known.get(state.key), self.view.get_figures(state)
            # If figures may have changed, they are computed again, which gives a new verdict object.
            if row is None or row.state is not state or row.verdict is not figures.verdict:
                row = OverviewRow(state, figures.verdict)
            rows.append(row)
        if rows != self._all_rows:
            self._all_rows, self._rows_by_verdict = rows, group_by_verdict(rows)

    def _update_texts(self, width: int) -> None:
        """Format what has changed, and choose the columns that fit."""
        view = self.view
        minute = view.now.replace(second=0, microsecond=0)
        midnight = find_midnight(view.now, view.zone)
        before = {key: made for key, (made, _) in self._uses.items()}
        self._uses = {row.key: self._measure_use(row, midnight) for row in self._all_rows}
        firsts = [use.since for _, use in self._uses.values() if use.since is not None]
        first = min(firsts, default=view.now).replace(second=0, microsecond=0)
        self._day_start = max(midnight, min(first, view.now - MIN_SPAN))
        shown = width, minute, self._day_start, view.ascii, view.zone, view.past_label
        is_new = shown != self._shown
        self._shown = shown
        texts = {}
        for row in self._all_rows:
            is_known = not is_new and row in self._texts and before.get(row.key) == self._uses[row.key][0]
            if is_known:
                texts[row] = self._texts[row]
            else:
                use = self._get_use(row)
                texts[row] = org_table.build_row_texts(row, view.now, view.zone, use)
        if is_new or texts != self._texts:
            self._texts, self._lines = texts, {}
            self._table = org_table.build_table_layout(texts.values(), width - org_table.CURSOR_WIDTH)

    def _measure_use(self, row: OverviewRow, midnight: datetime) -> tuple[tuple[object, ...], DayUse]:
        """Return the use of the day, and what it was measured from; measured once for each reading."""
        today, known = self.view.today, self._uses.get(row.key)
        archived = today.series.get(row.key) if today is not None and today.start == midnight else None
        source = row.state.series, row.state.histories, archived
        if known is not None and known[0][0] == midnight and all(map(is_, known[0][1:], source)):
            return known
        return (midnight, *source), measure_day(row.state, archived, midnight)

    def _get_use(self, row: OverviewRow) -> DayUse | None:
        """Return the use of the day. None in the past, where it would be that of another day."""
        return None if self.view.past_label else self._uses[row.key][1]

    def _find_cursor(self) -> int:
        """Return the row of the org under the cursor; if it is gone, the first match or the same row."""
        places = {row.key: place for place, row in enumerate(self._rows)}
        at = self._cursor_key or self.view.key
        if at in places:
            return places[at]
        return 0 if self.search_bar.search_text else min(self.item_list.cursor, len(self._rows) - 1)

    def _build_cursor_view(self) -> View:
        """Return the view of the org under the cursor."""
        at = self._rows[self.item_list.cursor].key if self._rows else self.view.key
        return replace(self.view, key=at)

    def _show_cursor_org(self) -> None:
        """Show the org under the cursor, below the table or in the first line."""
        view = self._build_cursor_view()
        self._panel_time = view.panel_time
        self.show_view(view)

    def show_view(self, view: View) -> None:
        """Show a view in the parts for the org under the cursor."""
        layout = Layout(framed=True, wide=self._pane.is_wide, verdict=self._pane.banner)
        # The first line names the org; the rule above the banner of the pane does, whose panels and row have
        # the figures. Stacked charts have their scales below each other.
        layouts = {
            "verdict": Layout(),
            "banner": layout._replace(tabs=1, limits=1, credits=self._pane.credits),
            EXTRA_CHART: layout._replace(second_chart=int(not self._pane.is_wide)),
        }
        layouts[LAST_CHART] = layouts[EXTRA_CHART]
        view = replace(view, span=None, archived=self._find_archived(view))
        is_resized = self._apply_pane(has_both=has_both_charts(view))
        for part in self.query(LineWidget):
            shown = switch_chart(view) if part.id == EXTRA_CHART and part.display else view
            shown = replace(shown, layout=layouts.get(part.id or "", layout))
            if is_resized:
                part.show_after_resize(shown)
            else:
                part.view = shown

    def _find_archived(self, view: View) -> ArchivedSeries | None:
        """Return the archived figures before the run of the org under the cursor, as in the dashboard.

        Those of the dashboard if it shows the run of this org, else those of the day, which are thinned.
        """
        mine, today = self.view, view.today
        if view.key == mine.key and mine.span is None and mine.archived is not None:
            return mine.archived
        if today is None or view.key is None or view.past_label:
            return None
        return today.series.get(view.key)

    def _lay_out_pane(self) -> None:
        """Choose the parts below the table, and their lines."""
        width, height = self.app.size
        # Header, blank, columns, blank, the rule and the hints.
        free = height - len(self._all_rows) - 6
        has_room = width >= PANE_FROM[0] and height >= PANE_FROM[1] and free > 0 and bool(self._all_rows)
        self._pane = _choose_pane(width, free, self._measure_needs(width)) if has_room else Pane()

    def _apply_pane(self, *, has_both: bool) -> bool:
        """Set the lines of the parts around the table; return True if any has changed.

        The last chart has all lines if the org has only one chart, or if there is no room for both.
        """
        pane, size = self._pane, self.app.size
        is_alone = not (has_both and pane.chart > (0 if pane.is_wide else 2 * MIN_CHART_LINES))
        basis = pane, size, bool(self._all_rows), is_alone
        if basis == self._pane_basis:
            return False
        self._pane_basis = basis
        self.query_exactly_one("#pane").set_class(not pane.lines, "-away")
        self.query_exactly_one("#verdict").set_class(bool(pane.lines), "-away")
        is_apart = bool(pane.lines) or (not self._all_rows and size.height >= self.MIN_HEIGHTS[0])
        self.query_exactly_one("#gap").set_class(not is_apart, "-away")
        if not pane.lines:
            return True
        self.query(Panels).set_class(pane.is_wide, "-wide")
        left = compute_panel_shares(size.width)[0] if pane.is_wide else None
        extra = pane.chart if pane.is_wide else pane.chart // 2 | 1  # 50% is in the middle of an odd number
        last = pane.chart if is_alone or pane.is_wide else pane.chart - extra
        for selector, lines, width in (
            ("#banner", pane.banner, None),
            ("LimitsPanel", pane.limits, left),
            ("CreditsPanel", pane.credits, None),
            ("#charts", pane.chart, None),
            (f"#{EXTRA_CHART}", 0 if is_alone else extra, left),
            (f"#{LAST_CHART}", last, None),
            ("EventPanel", pane.events, None),
        ):
            part = self.query_exactly_one(selector)
            part.set_class(not lines, "-away")
            part.styles.height, part.styles.width = lines or 1, width
        return True

    def _measure_needs(self, width: int) -> PaneNeeds:
        """Return the lines that are enough for every org, so that the cursor moves no part."""
        known = width, self.view.zone, self.view.past_label
        if self._needs[0] != known:
            self._needs = known, {}
        before, found = self._needs[1], {}
        for row in self._all_rows:
            view = replace(self.view, key=row.key)
            found[row] = before.get(row) or PaneNeeds(
                windows=count_windows(view),
                limits=count_limits_lines(view, width),
                credits=count_credits_lines(view, width),
            )
        self._needs = known, found
        windows, limits, credits = (
            max(getattr(need, part) for need in found.values()) for part in ("windows", "limits", "credits")
        )
        return PaneNeeds(
            max(1, windows),
            min(limits, max(windows, MAX_PANEL_LINES)),
            min(credits, MAX_PANEL_LINES),
            self._count_event_lines(width),
        )

    def _count_event_lines(self, width: int) -> int:
        """Return the lines that the newest events need, counted once for the same events."""
        view = self.view
        basis = view.events, view.earlier_events, view.events_state, len(view.store.orgs), width, view.zone
        if self._event_lines[0] != basis:
            self._event_lines = basis, count_event_lines(view, width - 4, MAX_EVENT_LINES)
        return self._event_lines[1]

    def _build_list(self, width: int) -> ListModel:
        """Build the list: a line for each org."""
        if not self._rows:
            text = build_line(" " * org_table.MARK_WIDTH, (NO_MATCH, MUTED))
            if not self._all_rows:
                text = build_line((describe_no_org(self.view), HEADING))
            no_match = add_cursor_mark(text, width, selected=False)
            return ListModel((0, 1), lambda *_: no_match, is_selectable=lambda _: False)
        return ListModel(range(len(self._rows) + 1), self._draw_line)

    def _draw_line(self, item: int, part: int, selected: bool) -> Content:  # noqa: ARG002, FBT001 - a `LineDrawer`
        row, view = self._rows[item], self.view
        line = self._lines.get((row, selected))
        if line is None:
            use, spark = self._get_use(row), self._table.widths.get(OverviewColumn.TODAY, 0)
            shares = use.sample(self._day_start, view.now, spark) if use is not None and spark else []
            day = org_table.build_day(shares, ascii_only=view.ascii)
            drawn = org_table.build_table_line(row, self._texts[row], self._table, view.now, day)
            line = add_cursor_mark(drawn, self.item_list.line_width, selected=selected)
            self._lines[row, selected] = line
        widths = [self._table.widths.get(each, 0) for each in (OverviewColumn.ORG, OverviewColumn.VERDICT)]
        end = org_table.CURSOR_WIDTH + org_table.MARK_WIDTH + sum(widths) + org_table.COLUMN_GAP
        return underline_matches(line, compile_words(self.search_bar.search_text), end)

    def _show_header(self) -> None:
        """Show the two lines above the table."""
        uses = [use for row in self._all_rows if (use := self._get_use(row)) is not None]
        titles = list_day_titles(self._day_start, self.view.now, self.view.zone)
        columns = org_table.build_table_head(
            self._table, self._sort_column, titles, self.item_list.line_width, backwards=self._is_reversed
        )
        self.set_header_lines([self._build_title(uses)], columns if self._all_rows else ())

    def _build_title(self, uses: Sequence[DayUse]) -> Content:
        """Return the number of orgs per verdict, and at the end the money and the age of the figures."""
        width, note = self.app.size.width, self.view.note
        name = build_line((" claudemeter", HEADING), (f"  {note}" if note else "", "$accent"))
        number = len(self._all_rows)
        count = build_line((format_count(number, "org") if number else "", MUTED))
        verdicts = []
        for text, rows in self._rows_by_verdict.items():
            severity = org_table.get_row_severity(rows[0].verdict, self.view.now)
            style = get_verdict_style(rows[0].verdict.state, severity)
            verdicts.append(Content.styled(f"{len(rows)} {text}", style))
        counts = build_line(count, (" · ", MUTED) if verdicts else "", build_line("  ").join(verdicts))
        sort = self._sort_column
        if sort not in self._table.widths and sort is not OverviewColumn.VERDICT:
            counts = build_line(counts, (f"  by {sort}", MUTED))
        notes = [build_line((text, style)) for text, style in self._list_notes(uses)]
        heads = (build_line(name, "   "), build_line(" ", (note, "$accent"), "   " if note else ""))
        # The name of the program is dropped before the money, and the age of the figures last.
        for end in [join_pieces(notes[place:]) for place in range(len(notes))] or [build_line()]:
            for left in (build_line(head, counts) for head in heads):
                if left.cell_length + end.cell_length + 3 <= width:
                    return spread_line(left, end, width - 1)
        wholes = [build_line(heads[1], counts), build_line(" ", counts)]
        if self.view.past_label:
            wholes, verdicts = [], [notes[0], *verdicts]
        shorter = (build_line(" ", line) for line in iterate_shorter(verdicts, "  "))
        return next((line for line in (*wholes, *shorter) if line.cell_length <= width), build_line())

    def _list_notes(self, uses: Sequence[DayUse]) -> Iterator[tuple[str, str]]:
        """Yield the money spent today in each currency, then the age of the newest figures."""
        view = self.view
        if view.past_label:
            yield view.past_label, f"bold {SEVERITY_STYLES[Severity.WARNING]}"
            return
        yield from self._list_sums(uses)
        read = [row.state.read_at for row in self._all_rows if row.state.read_at is not None]
        if read:
            yield f"updated {format_age(view.now - max(read))}", MUTED

    def _list_sums(self, uses: Sequence[DayUse]) -> Iterator[tuple[str, str]]:
        view = self.view
        sums = sum_spending(uses)
        if not sums:
            return
        midnight = find_midnight(view.now, view.zone)
        today = view.today
        is_whole = (
            today is not None
            and today.start == midnight
            and all(row.key in today.series for row in self._all_rows)
        )
        when = "today" if is_whole else f"since {format_moment(self._find_first(uses), view.now, view.zone)}"
        yield f"{' '.join(map(format_money, sums))} {when}", "$foreground"

    def _find_first(self, uses: Sequence[DayUse]) -> datetime:
        return min(use.spent_since for use in uses if use.spent_since is not None)


class JumpScreen(OverviewScreen):
    """The overview with an open search, to jump to an org by name."""

    AUTO_FOCUS = "Input"
    SEARCH_HINTS = "Enter open  Esc back"

    def on_mount(self) -> None:
        """Open the search."""
        if self.query(SearchBar):  # a screen opened while the app closes has no parts
            self.search_bar.open()

    def action_back(self) -> None:
        """Return to the dashboard at once."""
        self.dismiss()


def _choose_pane(width: int, free: int, needs: PaneNeeds) -> Pane:
    """Return the parts that fit into these lines: what the panels need, then charts and events.

    If there is less room, first the credits have only two lines, then the limits only their windows. The
    windows come before the last line of the banner, and before the events.
    """
    banner = BANNER_LINES if width >= NARROW else NARROW_BANNER_LINES
    is_wide = width >= WIDE_FROM
    limits, windows, credits = needs.limits, needs.windows, needs.credits
    if is_wide:
        options = [(lines, lines) for lines in range(max(limits, credits), windows - 1, -1)]
    else:
        options = [(limits, lines) for lines in range(credits, 1, -1)]
        options += [(lines, min(2, credits)) for lines in range(limits - 1, windows - 1, -1)]
        options += [(lines, 1) for lines in range(limits, windows - 1, -1)]
        options += [(lines, 0) for lines in range(limits, windows - 1, -1)]
    panes = (
        Pane(banner, limits + FRAME_LINES, credits + FRAME_LINES if credits else 0, is_wide=is_wide)
        for limits, credits in options
    )
    lowest = Pane(BANNER_LINES, windows + FRAME_LINES), Pane(banner)
    pane = next((pane for pane in (*panes, *lowest) if pane.lines <= free), Pane())
    if not pane.lines:
        return pane
    spare, events = free - pane.lines, needs.events + FRAME_LINES if needs.events else 0
    chart = max(MIN_CHART_LINES, spare - events, (spare + 1) // 2) if spare >= MIN_CHART_LINES else 0
    if chart % 2 == 0 and spare - chart > FRAME_LINES + 1:
        chart += bool(chart)  # with an odd number of lines, 50% is halfway and no line above 100% is blank
    events = min(events, spare - chart)
    if events <= FRAME_LINES:
        return pane._replace(chart=spare if chart else 0)
    return pane._replace(chart=chart, events=events)
