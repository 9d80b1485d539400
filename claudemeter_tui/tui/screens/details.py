"""Details of one org: every figure with its reply, and the replies themselves."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input

from claudemeter_tui.formatting.figures import Section, build_sections
from claudemeter_tui.formatting.json_view import JsonLine, format_json_lines
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import HELP_KEY, Key
from claudemeter_tui.tui.screens.lists import CURSOR_KEYS, SPACED_FROM, ListScreen, describe_no_org
from claudemeter_tui.tui.styled_text import (
    MUTED,
    SEVERITY_STYLES,
    build_line,
    fit_line,
    fit_pieces,
    join_pieces,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import details_pages
from claudemeter_tui.tui.widgets.details_pages import FigurePage, ReplyPage
from claudemeter_tui.tui.widgets.list_view import ClickableLine, VirtualList
from claudemeter_tui.tui.widgets.reply_preview import FRAME_WIDTH, ReplyPreview

DETAILS_KEYS = (
    Key("right,tab", "→ Tab", "screen.turn(1)", "next", "next tab"),
    Key(
        "left,shift+tab",
        "← Shift+Tab",
        "screen.turn(-1)",
        "previous",
        "previous tab (the figures come first)",
    ),
    Key("enter", "Enter", "screen.enter", "reply", "jump from a figure to its line in the reply"),
    Key("slash", "/", "screen.find", "search", "search figures and replies"),
    Key("n", "n", "screen.hit(1)", "next match", "next match"),
    Key("N", "N", "screen.hit(-1)", "previous match", "previous match"),
    Key("y", "y", "screen.copy", "copy", "copy the figure or the line under the cursor"),
    Key("Y", "Y", "screen.copy_all", "copy all", "copy the figure with label and source, or the whole reply"),
    *CURSOR_KEYS,
    Key("escape", "Esc", "screen.back", "close", "end the search or close the details"),
)
"""All keys of the details."""
FIGURES_TAB = "figures"
"""Name of the first tab; the other tabs have the names of their replies."""
PREVIEW_FROM, PREVIEW_SHARE = 110, 0.42
"""Columns of the terminal from which the reply of a figure is beside the figures, and its share of them."""
DetailsPage = FigurePage | ReplyPage


class DetailsScreen(ListScreen):
    """Tabs with the figures first, then one for each reply.

    In a wide pane, the reply of the figure under the cursor is beside the figures.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in DETAILS_KEYS]
    NAME = "Details"
    SEARCH_HINTS = "Enter keep  Esc clear"
    HINTS = (
        DETAILS_KEYS[-1],
        HELP_KEY,
        DETAILS_KEYS[0]._replace(display="←→", label="reply"),
        DETAILS_KEYS[3],
        DETAILS_KEYS[6],
        DETAILS_KEYS[7],
        DETAILS_KEYS[2]._replace(label="its reply"),
        Key("", "1-9", "", "org", ""),
    )
    NEEDS_ORG = True
    MIN_HEIGHTS = (4, 12)

    def __init__(self, view: View) -> None:
        """Show the figures of the view's selected org."""
        super().__init__(view)
        self._tab: str = FIGURES_TAB
        self._cursor_keys: dict[str, Hashable] = {}
        self._page: DetailsPage = FigurePage((), 1, view.now)
        self._reply_pages: dict[str, tuple[object, ReplyPage]] = {}
        """Page of each reply, with the width and the contents that it was built from."""
        self._previewed: tuple[object, ReplyPage] | None = None
        """Page of the reply beside the figures, with what it was built from. None before the first one."""
        self._first_tab = 0
        self._result_key: OrgKey | None = None
        """The org whose number of matches is shown. None if none is."""

    def compose_list(self) -> ComposeResult:
        """Create the list, and a reply beside it."""
        yield Horizontal(VirtualList(), ReplyPreview(), id="lists")

    def redraw(self) -> None:
        """Draw the current tab."""
        tabs = self._list_tabs()
        if self._tab not in tabs:
            self._tab = FIGURES_TAB
        self._page = self._build_page(self._tab)
        sheet = self._page.build_list()
        at = self._page.find_item(self._cursor_keys.get(self._tab))
        if at is None:
            at = sheet.find_selectable(0, 1)
        self.item_list.show(sheet, at or 0)
        self._cursor_keys[self._tab] = self._page.get_key(self.item_list.cursor)
        self._draw_preview()
        self._update_result()
        width = self.app.size.width
        self._first_tab = self.show_tabs(
            lambda place: self._build_tab(tabs[place]),
            len(tabs),
            tabs.index(self._tab),
            fit_line(build_line(" ", self._describe_tab()), width),
        )
        self.show_view(self.view)

    def on_input_changed(self) -> None:
        """While the user types, go to the first match at or after the cursor."""
        self.watch_view()
        self.action_hit(0)

    def handle_enter(self) -> None:
        """Move from the search to the list, or from a figure to its reply."""
        if isinstance(self.focused, Input):
            self.item_list.focus()
            return
        figure = self._page.get_figure(self.item_list.cursor) if isinstance(self._page, FigurePage) else None
        if figure is not None and figure.endpoint is not None and figure.endpoint in self._list_tabs():
            self._show_tab(figure.endpoint)
            page = self._page
            line = page.find_key(figure.key) if isinstance(page, ReplyPage) and figure.key else None
            if line is not None:
                self.item_list.go_to(line)
        elif figure is not None:
            self.notify("This figure is calculated; no single source line.", markup=False)

    def on_virtual_list_cursor_moved(self) -> None:
        """Remember the new position of the cursor, and show the reply of its figure."""
        self._cursor_keys[self._tab] = self._page.get_key(self.item_list.cursor)
        self._draw_preview()

    def on_clickable_line_piece_clicked(self, message: ClickableLine.PieceClicked) -> None:
        """Show the clicked tab."""
        tabs = self._list_tabs()
        place = message.index - 1 + self._first_tab
        if message.line.id == "first" and 0 <= place < len(tabs):
            self._show_tab(tabs[place])

    def action_turn(self, step: int) -> None:
        """Show the tab that is `step` tabs away."""
        tabs = self._list_tabs()
        self._show_tab(tabs[(tabs.index(self._tab) + step) % len(tabs)])

    def action_copy(self) -> None:
        """Copy the figure or line under the cursor."""
        self._copy(*self._page.get_item_text(self.item_list.cursor))

    def action_copy_all(self) -> None:
        """Copy the whole row or reply."""
        self._copy(*self._page.get_full_text(self.item_list.cursor))

    def _copy(self, text: str, what: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"Copied the {what}.", markup=False)

    def _show_tab(self, tab: str) -> None:
        self._tab = tab
        self.watch_view()

    def action_hit(self, step: int) -> None:
        """Go forward by `step` matches through all tabs, wrapping at the end; 0 for the nearest match."""
        sought, tabs = self._compile_pattern(), self._list_tabs()
        if sought is None:
            self.search_bar.show_result("")
            return
        hits = [(tab, item) for tab in tabs for item in self._build_page(tab).find_hits(sought)]
        if not hits:
            self.search_bar.show_result("no match")
            return
        here = (tabs.index(self._tab), self.item_list.cursor)
        further = [place for place, (tab, item) in enumerate(hits) if (tabs.index(tab), item) >= here]
        place = further[0] if further else 0 if step >= 0 else len(hits)
        if step and not (step > 0 and hits[place] != (self._tab, self.item_list.cursor)):
            place += step
        place %= len(hits)
        tab, item = hits[place]
        self._show_tab(tab)
        self.item_list.go_to(item)
        self._result_key = self.view.key
        self.search_bar.show_result(f"{place + 1} of {len(hits)}   n N")

    def _update_result(self) -> None:
        """Remove the number of matches if it is that of another org."""
        if self._result_key is not None and self._result_key != self.view.key:
            self._result_key = None
            self.search_bar.show_result("n N" if self._compile_pattern() is not None else "")

    def _compile_pattern(self) -> re.Pattern[str] | None:
        wanted = self.search_bar.search_text
        return re.compile(re.escape(wanted), re.IGNORECASE) if wanted else None

    def _collect_replies(self) -> Mapping[Endpoint, Reply]:
        """Return all replies that concern the org."""
        session = self.view.session
        own = self.view.state.replies if self.view.state else {}
        return {**(session.replies if session else {}), **own}

    def _collect_failures(self) -> Mapping[Endpoint, Failure]:
        session = self.view.session
        own = self.view.state.failures if self.view.state else {}
        return {**(session.failures if session else {}), **own}

    def _list_tabs(self) -> list[str]:
        """Return the figures tab, then each reply that arrived or failed, in the order of requests."""
        known = {**self._collect_replies(), **self._collect_failures()}
        return [FIGURES_TAB, *(endpoint for endpoint in Endpoint if endpoint in known)]

    @property
    def _preview_width(self) -> int:
        """Cells of the reply beside the figures; 0 without one."""
        width = self.app.size.width
        is_shown = self._tab == FIGURES_TAB and self.view.state is not None and width >= PREVIEW_FROM
        return int(width * PREVIEW_SHARE) if is_shown else 0

    def _draw_preview(self) -> None:
        """Show the reply of the figure under the cursor, at its line."""
        preview, width = self.query_exactly_one(ReplyPreview), self._preview_width
        preview.set_class(bool(width), "-shown")
        figure = self._page.get_figure(self.item_list.cursor) if isinstance(self._page, FigurePage) else None
        if not width or figure is None:
            return
        preview.styles.width = width
        names = (figure.endpoint, *figure.calculated_from)
        name = next((one for one in names if one is not None), None)
        reply = self._collect_replies().get(name) if name is not None else None
        made_from = width, name, reply and (reply.text, reply.new_fields, reply.odd_values)
        if self._previewed is None or self._previewed[0] != made_from:
            lines = _format_body(reply) if name is not None else [JsonLine("No reply has this figure.")]
            self._previewed = made_from, ReplyPage(lines, width - FRAME_WIDTH)
        page = self._previewed[1]
        page.pattern = self._compile_pattern()
        line = page.find_key(figure.key) if figure.key else None
        has_space = self.item_list.size.height >= SPACED_FROM
        preview.show_reply(name or figure.source, page, line, has_space=has_space)

    def _build_page(self, tab: str) -> DetailsPage:
        if tab == FIGURES_TAB:
            width = self.app.size.width - self._preview_width - 1
            view = self.view
            sections = [Section(describe_no_org(view), ())]
            if view.state is not None:
                sections = build_sections(view.store, view.state, view.now, view.zone)
            has_space = self.item_list.size.height >= SPACED_FROM
            return FigurePage(sections, width, view.now, self._compile_pattern(), has_space=has_space)
        width = self.app.size.width - 1
        reply = self._collect_replies().get(Endpoint(tab))
        # A search builds all pages. The comparison is cheap: the texts are the same objects until the next
        # poll.
        made_from = width, reply and (reply.text, reply.new_fields, reply.odd_values)
        known = self._reply_pages.get(tab)
        if known is None or known[0] != made_from:
            known = self._reply_pages[tab] = made_from, ReplyPage(_format_body(reply), width)
        known[1].pattern = self._compile_pattern()
        return known[1]

    def _build_tab(self, tab: str) -> Content:
        """Return a tab with its name and a mark if the reply failed or has new fields."""
        mark = style = ""
        if tab != FIGURES_TAB:
            reply = self._collect_replies().get(Endpoint(tab))
            new = len(reply.new_fields) + len(reply.odd_values) if reply else 0
            if Endpoint(tab) in self._collect_failures():
                mark, style = "! ", SEVERITY_STYLES[Severity.WARNING]
            elif new:
                mark, style = f"+{new} ", "$accent"
        return details_pages.build_reply_tab(f" {tab} ", mark, style, selected=self._tab == tab)

    def _describe_tab(self) -> Content:
        """Return the line below the tabs: the org of the figures, or the state of the reply."""
        view = self.view
        if view.state is None:  # the page says so
            return build_line()
        if self._tab == FIGURES_TAB:
            org = view.state.org
            who = org.display_name, org.plan_name, view.state.account.email or ""
            return join_pieces([Content.styled(part, MUTED) for part in who if part])
        endpoint = Endpoint(self._tab)
        failure, reply = self._collect_failures().get(endpoint), self._collect_replies().get(endpoint)
        parts = [] if failure is None else [details_pages.describe_failure(failure, view)]
        if reply is not None:
            served = view.session.session if view.session is not None else None
            source = served if endpoint is Endpoint.ACCOUNT else view.state.reply_sources.get(endpoint)
            via = [f"via {source.label}"] if source is not None else []
            read, status, *more = details_pages.describe_reply(reply, view)
            parts += [Content.styled(part, MUTED) for part in (read, status, *via, *more)]
        return fit_pieces(parts, self.app.size.width - 2)


def _format_body(reply: Reply | None) -> list[JsonLine]:
    """Return the body in lines, or the reason why there is none."""
    if reply is None:
        return [JsonLine("No valid reply yet.")]
    if not reply.text:
        return [JsonLine("The body was empty or was not kept.")]
    return format_json_lines(reply.text, reply.new_fields, reply.odd_values)
