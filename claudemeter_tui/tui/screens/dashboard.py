"""The dashboard: one org, everything about it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.css.scalar import Scalar
from textual.geometry import Size
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Static

from claudemeter_tui.tui.keys import FOOTER, ORGS
from claudemeter_tui.tui.layout import Layout, Needs, arrange
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import banner, chart_panel, credits_panel, limits_panel
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
from claudemeter_tui.tui.widgets.org_tabs import OrgTabs
from claudemeter_tui.tui.widgets.status_line import StatusLine

HEADER_EVERY = 5
"""Seconds between two looks of the header at the clock: one line a second costs as much as an empty app."""


class Dashboard(Screen[None]):
    """Lays the parts out for the size at hand and hands each the view."""

    # Tab belongs to the orgs here, not to the focus: nothing on this screen takes any.
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in ORGS]

    view: var[View] = var(View(), init=False)
    """What is shown."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Header()
        yield OrgTabs()
        yield Banner()
        with Container(id="panels"):
            yield LimitsPanel()
            yield CreditsPanel()
        yield ChartPanel()
        yield Static(id="spacer")
        yield StatusLine()
        yield KeyHints(FOOTER)

    def on_resize(self) -> None:
        """Lay out anew."""
        self._draw()

    def watch_view(self, before: View, view: View) -> None:
        """Draw what can have changed: the header's seconds every few seconds, all else more rarely."""
        if not view.is_as(before):
            self._draw()
        elif self.is_mounted and int(view.now.timestamp()) % HEADER_EVERY == 0:
            self.query_exactly_one(Header).view = view

    def _draw(self) -> None:
        """Give every part its lines, then the view."""
        if not self.is_mounted:
            return
        view = _laid_out(self.view, self.app.size)
        _apply(self, view.layout)
        for part in self.query(Drawing):
            part.view = view


def _laid_out(view: View, size: Size) -> View:
    needs = Needs(
        orgs=len(view.store.orgs),
        verdict=banner.wanted(view, size.width),
        boxed=banner.is_boxed(view),
        windows=limits_panel.wanted(view),
        credits=credits_panel.wanted(view),
        chart=chart_panel.is_wanted(view),
        status=bool(view.store.problems),
    )
    return replace(view, layout=arrange(size.width, size.height, needs))


def _apply(screen: Dashboard, layout: Layout) -> None:
    """Heights of all parts; a part without lines is not there."""
    frame = layout.frame
    limits = layout.limits + frame if layout.limits else 0
    credits = layout.credits + frame if layout.credits else 0
    if layout.wide and limits and credits:
        limits = credits = max(limits, credits)
    heights: dict[type[Drawing], int] = {
        Header: layout.header,
        OrgTabs: layout.tabs,
        Banner: layout.banner,
        LimitsPanel: limits,
        CreditsPanel: credits,
        ChartPanel: layout.plot,
        StatusLine: layout.status,
        KeyHints: layout.keys,
    }
    for kind, lines in heights.items():
        part = screen.query_exactly_one(kind)
        part.set_class(lines == 0, "-hidden")
        if lines and part.styles.height != Scalar.from_number(lines):
            part.styles.height = lines
    screen.query_exactly_one("#panels").set_class(layout.wide, "-wide")
    screen.query_exactly_one("#spacer").set_class(layout.total >= screen.app.size.height, "-hidden")
