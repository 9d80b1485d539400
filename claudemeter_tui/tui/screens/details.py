"""One org up close: every figure with the reply it came from, and the replies themselves."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from claudemeter_tui.model.reading import Endpoint, Failure, Reply
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text.figures import sections
from claudemeter_tui.text.pretty import Line, pretty
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.screens.listing import MOVING, Listing
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import reply_tabs
from claudemeter_tui.tui.widgets.figure_page import FigurePage
from claudemeter_tui.tui.widgets.headline import Headline
from claudemeter_tui.tui.widgets.reply_page import ReplyPage

DETAILS_KEYS = (
    Key("right,tab", "→ Tab", "screen.turn(1)", "next", "the next reply"),
    Key(
        "left,shift+tab",
        "← Shift+Tab",
        "screen.turn(-1)",
        "previous",
        "the reply before; first come the figures",
    ),
    Key("enter", "Enter", "screen.enter", "reply", "from a figure to its place in the reply it came from"),
    Key("slash", "/", "screen.find", "search", "search the figures and every reply"),
    Key("n", "n", "screen.hit(1)", "next hit", "the next place found"),
    Key("N", "N", "screen.hit(-1)", "hit before", "the place found before"),
    Key("y", "y", "screen.copy", "copy", "copy the figure, or the line of the reply, under the cursor"),
    Key(
        "Y",
        "Y",
        "screen.copy_all",
        "copy all",
        "copy the figure with its label and source, or the whole reply",
    ),
    *MOVING,
    Key("escape", "Esc", "screen.back", "close", "end the search, or close the details"),
)
"""Every key of the details."""
FIGURES = "figures"
"""The name of the first tab; the others are called as their replies."""
Page = FigurePage | ReplyPage


class Details(Listing):
    """Tabs: the figures first, then one for each reply."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in DETAILS_KEYS]
    HINTS = (
        DETAILS_KEYS[-1],
        replace(DETAILS_KEYS[0], shown="←→", label="reply"),
        DETAILS_KEYS[3],
        DETAILS_KEYS[6],
        DETAILS_KEYS[7],
        replace(DETAILS_KEYS[2], label="its reply"),
        Key("", "1-9", "", "org", ""),
    )
    FROM = (4, 12)

    @dataclass
    class Copied(Message):
        """Something is to go to the clipboard."""

        text: str
        what: str
        """For people: "figure", "row", "line", "reply"."""

    def __init__(self, view: View) -> None:
        """Show the selected org of this view, its figures first."""
        super().__init__(view)
        self._tab: str = FIGURES
        self._at: dict[str, Hashable] = {}
        self._page: Page = FigurePage((), 1, view.now)
        self._pretty: dict[str, tuple[Reply, list[Line]]] = {}
        self._wrapped: dict[str, tuple[list[Line], int, ReplyPage]] = {}
        self._first = 0

    def redraw(self) -> None:
        """The tab of this moment."""
        tabs = self._tabs()
        if self._tab not in tabs:
            self._tab = FIGURES
        self._page = self._page_of(self._tab)
        sheet = self._page.sheet()
        at = self._page.place(self._at.get(self._tab))
        if at is None:
            at = sheet.nearest(0, 1)
        self.lines.show(sheet, at or 0)
        self._at[self._tab] = self._page.key(self.lines.cursor)
        width = self.app.size.width
        self._first, shown = reply_tabs.window(
            [self._named(tab) for tab in tabs], tabs.index(self._tab), width
        )
        self.above(shown, [ink.fit(ink.text(" ", self._about()), width)])
        self.tell(self.view)

    def sought(self) -> None:
        """Go to the first place from here on in which it is found."""
        self.watch_view()
        self._go(0)

    def entered(self) -> None:
        """From the search into the list; from a figure to its reply."""
        if isinstance(self.focused, Input):
            self.lines.focus()
            return
        figure = self._page.figure(self.lines.cursor) if isinstance(self._page, FigurePage) else None
        if figure is not None and figure.endpoint is not None and figure.endpoint in self._tabs():
            self._show(figure.endpoint)
            page = self._page
            line = page.line_with(figure.key) if isinstance(page, ReplyPage) and figure.key else None
            if line is not None:
                self.lines.go(line)
        elif figure is not None:
            self.notify(f"It has no place in one reply: {figure.whence}.", markup=False)

    def on_lines_moved(self) -> None:
        """The cursor stands elsewhere."""
        self._at[self._tab] = self._page.key(self.lines.cursor)

    def on_headline_chosen(self, message: Headline.Chosen) -> None:
        """A tab was clicked."""
        tabs = self._tabs()
        place = message.place - 1 + self._first
        if message.headline.id == "first" and 0 <= place < len(tabs):
            self._show(tabs[place])

    def action_turn(self, step: int) -> None:
        """Another tab."""
        tabs = self._tabs()
        self._show(tabs[(tabs.index(self._tab) + step) % len(tabs)])

    def action_hit(self, step: int) -> None:
        """To another place that was found."""
        self._go(step)

    def action_copy(self) -> None:
        """Copy what is under the cursor."""
        self._copy(*self._page.piece(self.lines.cursor))

    def action_copy_all(self) -> None:
        """Copy what that belongs to."""
        self._copy(*self._page.whole(self.lines.cursor))

    def _copy(self, text: str, what: str) -> None:
        if text:
            self.post_message(self.Copied(text, what))

    def _show(self, tab: str) -> None:
        self._tab = tab
        self.watch_view()

    def _go(self, step: int) -> None:
        """So many hits further, through all tabs and round the end; 0: the nearest from here on."""
        sought, tabs = self._pattern(), self._tabs()
        if sought is None:
            self.find.say("")
            return
        hits = [(tab, item) for tab in tabs for item in self._page_of(tab).hits(sought)]
        if not hits:
            self.find.say("nothing found")
            return
        here = (tabs.index(self._tab), self.lines.cursor)
        further = [place for place, (tab, item) in enumerate(hits) if (tabs.index(tab), item) >= here]
        place = further[0] if further else 0 if step >= 0 else len(hits)
        if step and not (step > 0 and hits[place] != (self._tab, self.lines.cursor)):
            place += step
        place %= len(hits)
        tab, item = hits[place]
        self._show(tab)
        self.lines.go(item)
        self.find.say(f"{place + 1} of {len(hits)} · n N")

    def _pattern(self) -> re.Pattern[str] | None:
        wanted = self.find.wanted
        return re.compile(re.escape(wanted), re.IGNORECASE) if wanted else None

    def _replies(self) -> Mapping[Endpoint, Reply]:
        """Every reply that has to do with the org."""
        session = self.view.session
        own = self.view.state.replies if self.view.state else {}
        return {**(session.replies if session else {}), **own}

    def _failures(self) -> Mapping[Endpoint, Failure]:
        session = self.view.session
        own = self.view.state.failures if self.view.state else {}
        return {**(session.failures if session else {}), **own}

    def _tabs(self) -> list[str]:
        """Figures, then each reply that came or failed, in the order of asking."""
        known = {**self._replies(), **self._failures()}
        return [FIGURES, *(endpoint for endpoint in Endpoint if endpoint in known)]

    def _page_of(self, tab: str) -> Page:
        width = self.lines.columns
        if tab == FIGURES:
            view = self.view
            told = sections(view.store, view.state, view.now, view.zone) if view.state else []
            return FigurePage(told, width, view.now, self._pattern())
        reply = self._replies().get(Endpoint(tab))
        lines = self._lines_of(tab, reply)
        known = self._wrapped.get(tab)
        if known is None or known[0] is not lines or known[1] != width:
            known = self._wrapped[tab] = lines, width, ReplyPage(lines, width)
        known[2].sought = self._pattern()
        return known[2]

    def _lines_of(self, tab: str, reply: Reply | None) -> list[Line]:
        """The body in lines; the same ones as long as the server says the same."""
        if reply is None:
            return _NONE
        known = self._pretty.get(tab)
        if known is None or (known[0] is not reply and _differs(known[0], reply)):
            lines = pretty(reply.text, reply.new_fields, reply.odd_values) if reply.text else _EMPTY
            known = self._pretty[tab] = reply, lines
        return known[1]

    def _named(self, tab: str) -> ink.Line:
        """A tab: its name, and whether it failed or holds something new."""
        name = f" {tab} "
        if tab == FIGURES:
            return reply_tabs.tab(name, "", "", selected=self._tab == tab)
        reply, failed = self._replies().get(Endpoint(tab)), Endpoint(tab) in self._failures()
        if failed:
            return reply_tabs.tab(name, "! ", ink.STYLE[Severity.WARNING], selected=self._tab == tab)
        new = len(reply.new_fields) + len(reply.odd_values) if reply else 0
        return reply_tabs.tab(name, f"+{new} " if new else "", "$accent", selected=self._tab == tab)

    def _about(self) -> ink.Line:
        """What is to say of the tab: whose figures, or how the reply came."""
        view = self.view
        if view.state is None:
            return ink.text(("no org is known yet", ink.MUTED))
        if self._tab == FIGURES:
            who = (
                view.state.org.name or view.state.org.uuid,
                view.state.org.plan,
                view.state.account.email or "",
            )
            return ink.joined([ink.text((part, ink.MUTED)) for part in who if part])
        endpoint = Endpoint(self._tab)
        failure, reply = self._failures().get(endpoint), self._replies().get(endpoint)
        parts = [] if failure is None else [reply_tabs.failed(failure, view)]
        if reply is not None:
            read, status, *more = reply_tabs.came(reply, view)
            parts += [ink.text((part, ink.MUTED)) for part in (read, status, *self._by(endpoint), *more)]
        return ink.fitting(parts, self.app.size.width - 2)

    def _by(self, endpoint: Endpoint) -> list[str]:
        """Through which session a reply came."""
        view = self.view
        served = view.session.session if view.session is not None else None
        came_by = view.state.came_by.get(endpoint) if view.state is not None else None
        session = served if endpoint is Endpoint.ACCOUNT else came_by
        return [f"via {session.label}"] if session is not None else []


_NONE = [Line("There was no good answer yet.")]
_EMPTY = [Line("The body was empty, or is not kept.")]


def _differs(old: Reply, new: Reply) -> bool:
    return (old.text, old.new_fields, old.odd_values) != (new.text, new.new_fields, new.odd_values)
