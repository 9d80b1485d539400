"""What every widget of ours is: a picture of a view."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View


class Drawing(Widget):
    """Draws a view as text, and repaints only when the text has changed."""

    ALLOW_SELECT = True

    view: var[View] = var(View(), init=False)
    """What is drawn."""

    def draw(self, width: int, height: int) -> list[Content]:
        """The lines of the picture, at most `height` of them, none wider than `width` cells."""
        raise NotImplementedError

    def render(self) -> Content:
        """The picture at the present size."""
        self._drawn = self._content()
        return self._drawn

    def watch_view(self) -> None:
        """Repaint if anything looks different now."""
        drawn = getattr(self, "_drawn", None)
        if drawn is None or not self._content().is_same(drawn):
            self.refresh()

    def _content(self) -> Content:
        width, height = self.content_size
        if width < 1 or height < 1:
            return Content("")
        picture = Content("\n").join(self.draw(width, height)[:height])
        return ink.plain(picture) if self.view.ascii else picture
