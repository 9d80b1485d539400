"""What overview and details have in common: the verdict, a list with a cursor, and a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Input

from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.find import Find
from claudemeter_tui.tui.widgets.headline import Headline
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.lines import Lines

TITLE_FROM, HEAD_FROM, HINTS_FROM = 12, 5, 7
"""Lines of the terminal from which the title, the head and the hints are there."""

MOVING = (
    Key("up,k", "↑ k", "screen.cursor(-1)", "up", "the line above"),
    Key("down,j", "↓ j", "screen.cursor(1)", "down", "the line below"),
    Key("pageup", "PgUp", "screen.page(-1)", "page up", "a page up"),
    Key("pagedown", "PgDn", "screen.page(1)", "page down", "a page down"),
    Key("home,g", "Home g", "screen.end(-1)", "first", "the first line"),
    Key("end,G", "End G", "screen.end(1)", "last", "the last line"),
)
"""How the cursor of a list moves."""


class Listing(Screen[None]):
    """A list over the dashboard that follows the store; the verdict is its first line."""

    DEFAULT_CSS = """
    Listing {
        background: $background;
        layout: vertical;
        overflow: hidden;
    }
    Listing Banner {
        height: 1;
    }
    Listing .-away {
        display: none;
    }
    """
    AUTO_FOCUS = "Lines"
    HINTS: ClassVar[Sequence[Key]] = ()
    """For the footer."""

    view: var[View] = var(View(), init=False)
    """What is shown."""

    def __init__(self, view: View) -> None:
        """Show this view first."""
        super().__init__()
        self.set_reactive(Listing.view, view)

    def compose(self) -> ComposeResult:
        """Verdict, title, head, list, search, hints."""
        yield Banner()
        yield Headline(id="title")
        yield Headline(id="head")
        yield Lines()
        yield Find()
        yield KeyHints(self.HINTS)

    @property
    def lines(self) -> Lines:
        """The list."""
        return self.query_exactly_one(Lines)

    @property
    def find(self) -> Find:
        """The search."""
        return self.query_exactly_one(Find)

    def redraw(self) -> None:
        """Give every part what it shows."""
        raise NotImplementedError

    def sought(self) -> None:
        """Another text is looked for: it is in `find.wanted`."""
        raise NotImplementedError

    def entered(self) -> None:
        """Enter, in the list or in the search."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw at once."""
        self.watch_view()

    def on_resize(self) -> None:
        """Draw for the new size, once the parts have it."""
        self.watch_view()
        self.call_after_refresh(self.watch_view)

    def watch_view(self) -> None:
        """Draw what has changed."""
        if self.is_mounted and self.lines.is_mounted and self.lines.container_size.width:
            height = self.app.size.height
            self.query_one("#title").set_class(height < TITLE_FROM, "-away")
            self.query_one("#head").set_class(height < HEAD_FROM, "-away")
            self.query_exactly_one(KeyHints).set_class(height < HINTS_FROM or self.find.is_open, "-away")
            self.redraw()

    def tell(self, view: View) -> None:
        """The verdict, in one line that names the org."""
        self.query_exactly_one(Banner).view = replace(view, layout=Layout())

    def on_input_changed(self) -> None:
        """Look at once, while it is typed."""
        self.sought()

    def on_input_submitted(self) -> None:
        """Enter in the search."""
        self.entered()

    def on_lines_opened(self) -> None:
        """A double click is an Enter."""
        self.entered()

    def action_enter(self) -> None:
        """Enter in the list."""
        self.entered()

    def action_cursor(self, step: int) -> None:
        """Up or down."""
        self.lines.move(step)

    def action_page(self, step: int) -> None:
        """A page up or down."""
        self.lines.page(step)

    def action_end(self, step: int) -> None:
        """To the first or to the last line."""
        self.lines.end(step)

    def action_find(self) -> None:
        """Open the search."""
        self.find.open()
        self.watch_view()

    def action_back(self) -> None:
        """Give up the search; without one, close."""
        if not self.find.is_open:
            self.dismiss()
            return
        self.find.close()
        self.lines.focus()
        self.watch_view()
