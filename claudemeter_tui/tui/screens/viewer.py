"""What every screen of ours is: a place where a view is drawn."""

from __future__ import annotations

from typing import ClassVar

from textual.message import Message
from textual.reactive import var
from textual.screen import Screen

from claudemeter_tui.tui.view import View


class Viewer(Screen[None]):
    """Draws the view that the app hands it."""

    class Uncovered(Message):
        """What lay over the screen has been closed: its view may be out of date."""

    OVER: ClassVar[bool] = False
    """Whether it lies over the dashboard, and Escape closes it."""

    view: var[View] = var(View(), init=False)
    """What is shown."""
    _covered = False
    """Whether something lies over it."""

    def __init__(self, view: View | None = None) -> None:
        """Show this view first; None: the app hands one over as soon as there is anything to show."""
        super().__init__()
        if view is not None:
            self.set_reactive(Viewer.view, view)

    def on_screen_suspend(self) -> None:
        """Something lies over it."""
        self._covered = True

    def on_screen_resume(self) -> None:
        """Ask for the present moment, unless it has just been handed over."""
        if self._covered:
            self._covered = False
            self.post_message(self.Uncovered())

    @property
    def can_draw(self) -> bool:
        """True if all parts are there: not before they are mounted, not once the screen or the app closes.

        A closing screen loses its parts before its last messages come, such as a resize; Textual calls
        it not displayed then. A screen that is opened while the app closes gets no parts, or only some;
        Textual calls it not attached then.
        """
        return self.is_mounted and self.display and self.is_attached and self.app.is_running
