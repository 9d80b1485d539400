"""Base class of all screens: a view, and when to draw it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual.content import Content
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Static

from claudemeter_tui.tui.closing import ClosesOnlyItself
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.styled_text import convert_to_ascii
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget


class ViewScreen(ClosesOnlyItself, Screen[None]):
    """Base class of all screens: draws the view that the app sets."""

    IS_OVERLAY: ClassVar[bool] = False
    """True if the screen opens over the dashboard and Escape closes it."""
    SHOWS_PAST: ClassVar[bool] = False
    """True if the screen needs `View.past_figures`."""
    SHOWS_NOW: ClassVar[bool] = False
    """True if the screen shows figures of now, also over a past moment."""
    SHOWS_HISTORY: ClassVar[bool] = False
    """True if the screen needs `View.history`."""
    SHOWS_MACHINE: ClassVar[bool] = False
    """True if the screen needs `View.machine`."""

    view: var[View] = var(View(), init=False)
    """The view on screen."""
    opened_from: type[Screen[Any]] | None = None
    """The screen on which the key was pressed that opened this one. None if no key opened it."""
    _drawn_view: View | None = None
    """The last view drawn. None if nothing was drawn yet."""

    def __init__(self, view: View) -> None:
        """Start with this view."""
        super().__init__()
        self.set_reactive(ViewScreen.view, view)

    @property
    def is_outdated(self) -> bool:
        """True if the view looks different from what was drawn.

        Compare with the view last drawn, because a view that arrives before the screen can draw is skipped.
        """
        return self._drawn_view is None or not self.view.looks_like(self._drawn_view)

    @property
    def can_draw(self) -> bool:
        """True if all parts are mounted, and neither the screen nor the app is closing.

        A closing screen loses its parts before its last messages arrive, such as a resize; Textual then
        reports it as not displayed. A screen opened while the app closes gets some parts or none; Textual
        then reports it as not attached.
        """
        return self.is_mounted and self.display and self.is_attached and self.app.is_running

    def draw_view(self) -> None:
        """Draw the view; called only while `can_draw` is true."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the view before the first layout, so that the first frame has the verdict.

        Textual calls this after a subclass's method of this name, which may have drawn all parts already.
        """
        if self._drawn_view is None and self.is_attached and self.app.is_running:
            ViewScreen.show_view(self, self.view)  # that of a subclass may need the sizes of its parts

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw()

    def watch_view(self) -> None:
        """Draw the view if it looks different from what was drawn."""
        if self.is_outdated:
            self._draw()

    def _draw(self) -> None:
        if self.can_draw:
            self._drawn_view = self.view
            self.draw_view()

    def show_view(self, view: View) -> None:
        """Show a view in all widgets; only the dashboard has a layout."""
        for part in self.query(LineWidget):
            part.view = replace(view, layout=Layout())

    def convert_text(self, text: Content) -> Content:
        """Return the text, in ASCII if the view asks for that."""
        return convert_to_ascii(text) if self.view.ascii else text

    def update_text(self, part: Static, text: Content) -> None:
        """Show a text in a part, unless that part already shows the same."""
        text = self.convert_text(text)
        if not isinstance(part.content, Content) or not text.is_same(part.content):
            part.update(text)
