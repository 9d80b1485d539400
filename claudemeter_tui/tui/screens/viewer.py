"""What every screen of ours is: a place where a view is drawn."""

from __future__ import annotations

from typing import ClassVar

from textual.reactive import var
from textual.screen import Screen

from claudemeter_tui.tui.view import View


class Viewer(Screen[None]):
    """Draws the view that the app hands it."""

    OVER: ClassVar[bool] = False
    """Whether it lies over the dashboard, and Escape closes it."""

    view: var[View] = var(View(), init=False)
    """What is shown."""

    def __init__(self, view: View | None = None) -> None:
        """Show this view first; None: the app hands one over as soon as there is anything to show."""
        super().__init__()
        if view is not None:
            self.set_reactive(Viewer.view, view)
