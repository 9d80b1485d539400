"""A page over the dashboard: the verdict on its first line, text below, Escape closes it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.headline import Headline
from claudemeter_tui.tui.widgets.key_hints import KeyHints

HINTS = (
    Key("", "Esc", "close", "close", ""),
    Key("", "↑↓", "", "scroll", ""),
    Key("", "q", "quit", "quit", ""),
)
TITLE_FROM = 12
"""Lines of the terminal from which a page has a title."""


class Page(Viewer):
    """Scrolling text that follows the store, with the verdict always in sight."""

    OVER = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "page_scroll(1)", show=False),
        Binding("k", "page_scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Verdict, title, text, hints."""
        yield Banner()
        yield Headline()
        with VerticalScroll():
            yield Static(markup=False)
        yield KeyHints(HINTS)

    def title_of(self, view: View) -> tuple[str, str]:
        """What the page is called, and what stands at the end of that line."""
        raise NotImplementedError

    def content(self, view: View, width: int) -> Content:
        """The page's text in lines of at most `width` cells."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw at once, and take the keys for scrolling."""
        self.query(VerticalScroll).focus()  # there is none if the app closes meanwhile
        self._draw()

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._draw()

    def action_page_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_exactly_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def watch_view(self, before: View, view: View) -> None:
        """Draw what can have changed."""
        if not view.is_as(before):
            self._draw()

    def _draw(self) -> None:
        if not self.can_draw:
            return
        view, size = replace(self.view, layout=Layout()), self.app.size
        for part in self.query(Drawing):
            part.view = view
        self._entitle(view, size)
        text = self.content(view, size.width - 5)
        text = ink.plain(text) if view.ascii else text
        page = self.query_exactly_one(Static)
        if not isinstance(page.content, Content) or not text.is_same(page.content):
            page.update(text)

    def _entitle(self, view: View, size: Size) -> None:
        """Put the title above the text, where there is room for one."""
        name, note = self.title_of(view)
        line = ink.spread(ink.text((f" {name}", ink.TITLE)), ink.text((note, ink.MUTED)), size.width - 1)
        head = self.query_exactly_one(Headline)
        head.show([ink.plain(line) if view.ascii else line])
        head.display = size.height >= TITLE_FROM
