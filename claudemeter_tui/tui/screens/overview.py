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
from claudemeter_tui.tui.keys import HELP_KEY, Key
from claudemeter_tui.tui.layout import WIDE_FROM, Layout
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
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
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
MIN_PANEL_LINES, MAX_PANEL_LINES = 5, 8
"""Lines of the panels below the table, with their frames."""
MIN_CHART_LINES = 8
"""Minimum lines of the chart below the panels, with its frame; it gets all that are left."""


class Pane(NamedTuple):
    """Lines of the parts below the table; all 0 if there is no room."""

    banner: int = 0
    limits: int = 0
    credits: int = 0
    """Lines of the credits; beside the limits in a wide terminal."""
    chart: int = 0
    is_wide: bool = False

    @property
    def lines(self) -> int:
        """Lines of all parts below the rule."""
        panels = max(self.limits, self.credits) if self.is_wide else self.limits + self.credits
        return self.banner + panels + self.chart


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
        self._day_start = self._panel_time = view.now

    def compose(self) -> ComposeResult:
        """Create the header, the table, the org under the cursor, the search and the hints."""
        yield Banner(id="verdict")
        yield ClickableLine(id="first")
        yield Container(id="gap")
        yield ClickableLine(id="second")
        yield VirtualList()
        with Container(id="pane"):
            yield OrgRule()
            yield Banner(id="banner")
            with Panels(id="panels"):
                yield LimitsPanel()
                yield CreditsPanel()
            yield ChartPanel()
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
        self.query_exactly_one("#second").set_class(not self._has_titles(), "-away")
        found = [row for row in self._all_rows if matches_search(row, self.search_bar.search_text)]
        self._rows = sort_rows(found, self._sort_column, backwards=self._is_reversed)
        self.item_list.show(self._build_list(width), self._find_cursor())
        self._show_header()
        self.search_bar.show_result(self._describe_result(len(found)))
        self._show_cursor_org()

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
        view = replace(view, span=None, archived=self._find_archived(view))
        for part in self.query(LineWidget):
            # The first line names the org; the rule above the banner of the pane does, whose panels and row
            # have the figures.
            banner = (
                Layout()
                if part.id == "verdict"
                else layout._replace(tabs=1, limits=1, credits=self._pane.credits)
            )
            part.view = replace(view, layout=banner if isinstance(part, Banner) else layout)

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
        """Set the lines of the parts around the table."""
        width, height = self.app.size
        counts = [len(row.state.plan.windows) for row in self._all_rows if row.state.plan is not None]
        # Header, blank, columns, blank, the rule and the hints.
        free = height - len(self._all_rows) - 6
        has_room = width >= PANE_FROM[0] and height >= PANE_FROM[1] and bool(self._all_rows)
        self._pane = _choose_pane(width, free, max(counts, default=0)) if has_room else Pane()
        pane, parts = self._pane, self.query_exactly_one("#pane")
        parts.set_class(not pane.lines, "-away")
        self.query_exactly_one("#panels").set_class(pane.is_wide, "-wide")
        self.query_exactly_one("#verdict").set_class(bool(pane.lines), "-away")
        is_apart = bool(pane.lines) or (not self._all_rows and height >= self.MIN_HEIGHTS[0])
        self.query_exactly_one("#gap").set_class(not is_apart, "-away")
        self.query_exactly_one("#first").set_class(height < self.MIN_HEIGHTS[0], "-away")
        heights = {
            "#banner": pane.banner,
            "LimitsPanel": pane.limits,
            "CreditsPanel": pane.credits,
            "ChartPanel": pane.chart,
        }
        for selector, lines in heights.items():
            part = self.query_exactly_one(selector)
            part.set_class(not lines, "-away")
            part.styles.height = lines or 1

    def _build_list(self, width: int) -> ListModel:
        """Build the list: a line for each org."""
        if not self._rows:
            text = build_line(" " * org_table.MARK_WIDTH, (NO_MATCH, MUTED))
            if not self._all_rows:
                text = build_line((describe_no_org(self.view.store), HEADING))
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


def _choose_pane(width: int, free: int, windows: int) -> Pane:
    """Return the parts that fit into these lines."""
    banner = BANNER_LINES if width >= NARROW else NARROW_BANNER_LINES
    panels = range(MAX_PANEL_LINES, max(MIN_PANEL_LINES, min(MAX_PANEL_LINES, windows + 2)) - 1, -1)
    if width >= WIDE_FROM:
        options = [Pane(banner, lines, lines, is_wide=True) for lines in panels]
    else:
        options = [Pane(banner, lines, lines) for lines in panels]
        options += [Pane(banner, lines) for lines in panels]
    pane = next((pane for pane in [*options, Pane(banner)] if pane.lines <= free), Pane())
    spare = free - pane.lines
    return pane._replace(chart=spare) if spare >= MIN_CHART_LINES else pane
