"""What every widget of ours is: a picture of a view."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.reactive import var
from textual.widget import Widget

from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View


class Drawing(Widget):
    """Draws a view as text, and repaints only when the text has changed."""

    ALLOW_SELECT = True

    view: var[View] = var(View(), init=False)
    """What is drawn."""

    _drawn: Content | None = None
    """What is on screen."""
    _ready: tuple[Size, Content] | None = None
    """What was drawn to see whether it has changed, for the paint that follows."""

    def draw(self, width: int, height: int) -> list[Content]:
        """The lines of the picture, at most `height` of them, none wider than `width` cells."""
        raise NotImplementedError

    def render(self) -> Content:
        """The picture at the present size."""
        ready, self._ready = self._ready, None
        fits = ready is not None and ready[0] == self.content_size
        self._drawn = ready[1] if ready is not None and fits else self._content()
        return self._drawn

    def watch_view(self) -> None:
        """Repaint if anything looks different now."""
        self._ready = None
        if self._drawn is None:
            self.refresh()
            return
        picture = self._content()
        if not picture.is_same(self._drawn):
            self._ready = self.content_size, picture
            self.refresh()

    def redraw(self) -> None:
        """Draw anew what depends on more than the view."""
        self._ready = None
        self.refresh()

    def _content(self) -> Content:
        width, height = self.content_size
        if width < 1 or height < 1:
            return Content("")
        picture = Content("\n").join(self.draw(width, height)[:height])
        return ink.plain(picture) if self.view.ascii else picture
