"""The dashboard: one org, everything about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from claudemeter_tui.model.store import Store
from claudemeter_tui.tui.keys import FOOTER, ORGS
from claudemeter_tui.tui.layout import Needs, arrange
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing, give
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.waiting import Waiting

if TYPE_CHECKING:  # its parts are many, and there is nothing for them to show in the first frame
    from claudemeter_tui.tui.widgets.body import Body

HEADER_EVERY = 5
"""Seconds between two looks of the header at the clock: one line a second costs as much as an empty app."""
EMPTY = Store()
"""Nothing has been read."""


class Dashboard(Viewer):
    """A header, a footer, and between them one calm line until something has been read."""

    # Tab belongs to the orgs here, not to the focus: nothing on this screen takes any.
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in ORGS]

    _body: Body | None = None
    """None: there is nothing to show yet."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Header()
        yield Waiting()
        yield KeyHints(FOOTER)

    def on_resize(self) -> None:
        """Lay out anew."""
        self._draw()

    def watch_view(self, before: View, view: View) -> None:
        """Draw what can have changed: the header's seconds every few seconds, all else more rarely."""
        if self._body is None and view.store != EMPTY:
            from claudemeter_tui.tui.widgets.body import Body  # noqa: PLC0415 - as above

            self._body = Body()
            self.call_next(self._furnish, self._body)
        elif not view.is_as(before):
            self._draw()
        elif self.is_mounted and int(view.now.timestamp()) % HEADER_EVERY == 0:
            self.query_exactly_one(Header).view = view

    async def _furnish(self, body: Body) -> None:
        """Put the parts in the place of the line."""
        async with self.batch():
            await self.query_exactly_one(Waiting).remove()
            await self.mount(body, after=self.query_exactly_one(Header))
            self._draw()

    def _draw(self) -> None:
        """Give every part its lines, then the view."""
        if not self.is_mounted:
            return
        view = self._laid_out()
        give(self.query_exactly_one(Header), view.layout.header)
        give(self.query_exactly_one(KeyHints), view.layout.keys)
        for part in self.query_children(Drawing):
            part.view = view
        if self._body is not None:
            self._body.view = view

    def _laid_out(self) -> View:
        width, height = self.app.size
        needs = Needs(windows=0, credits=0) if self._body is None else self._body.needs(self.view, width)
        return replace(self.view, layout=arrange(width, height, needs))
