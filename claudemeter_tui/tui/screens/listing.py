"""What overview and details have in common: the verdict, a list with a cursor, and a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from claudemeter_tui.tui import ink
from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.find import Find
from claudemeter_tui.tui.widgets.headline import Headline
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.lines import Lines

HINTS_FROM = 7
"""Lines of the terminal from which the hints are there."""

MOVING = (
    Key("up,k", "↑ k", "screen.cursor(-1)", "up", "the line above"),
    Key("down,j", "↓ j", "screen.cursor(1)", "down", "the line below"),
    Key("pageup", "PgUp", "screen.page(-1)", "page up", "a page up"),
    Key("pagedown", "PgDn", "screen.page(1)", "page down", "a page down"),
    Key("home,g", "Home g", "screen.end(-1)", "first", "the first line"),
    Key("end,G", "End G", "screen.end(1)", "last", "the last line"),
)
"""How the cursor of a list moves."""


class Listing(Viewer):
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
    OVER = True
    AUTO_FOCUS = "Lines"
    HINTS: ClassVar[Sequence[Key]] = ()
    """For the footer."""
    FROM: ClassVar[tuple[int, int]] = (12, 5)
    """Lines of the terminal from which the two lines above the list are there."""

    def compose(self) -> ComposeResult:
        """Verdict, two lines above the list, the list, search, hints."""
        yield Banner()
        yield Headline(id="first")
        yield Headline(id="second")
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

    def above(self, first: Sequence[Content], second: Sequence[Content]) -> None:
        """What stands in the two lines above the list."""
        for line, pieces in zip(self.query(Headline), (first, second), strict=True):
            line.show([ink.plain(piece) for piece in pieces] if self.view.ascii else pieces)

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
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self.watch_view()
        if self.can_draw:
            self.lines.reveal()

    def watch_view(self) -> None:
        """Draw what has changed."""
        if self.can_draw and self.lines.is_mounted and self.lines.container_size.width:
            self.lines.ascii = self.view.ascii
            height = self.app.size.height
            for line, least in zip(self.query(Headline), self.FROM, strict=True):
                line.set_class(height < least, "-away")
            self.query_exactly_one(KeyHints).set_class(height < HINTS_FROM or self.find.is_open, "-away")
            self.redraw()

    def tell(self, view: View) -> None:
        """The verdict, in one line that names the org."""
        for part in self.query(Drawing):
            part.view = replace(view, layout=Layout())

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
