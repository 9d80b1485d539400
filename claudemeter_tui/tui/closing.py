"""Closing of screens by themselves."""

from __future__ import annotations

from typing import Any, cast

from textual.await_complete import AwaitComplete
from textual.screen import Screen


class ClosesOnlyItself:
    """Mixin of screens that close themselves.

    Textual 8.2.8 closes whatever screen is on top: a second click that arrives before a screen is gone would
    close the screen below, and the next ones end the program.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close the screen with this result, unless it is closed already."""
        screen = cast("Screen[Any]", self)
        return Screen.dismiss(screen, result) if screen.is_active else AwaitComplete()
