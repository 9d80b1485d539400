"""The dashboard: one org, everything about it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.css.scalar import Scalar
from textual.geometry import Size
from textual.widgets import Static

from claudemeter_tui.tui.keys import FOOTER, ORGS
from claudemeter_tui.tui.layout import Layout, Needs, arrange
from claudemeter_tui.tui.screens.viewer import Viewer
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


class Dashboard(Viewer):
    """Lays the parts out for the size at hand and hands each the view."""

    # Tab belongs to the orgs here, not to the focus: nothing on this screen takes any.
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in ORGS]

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Header()
        yield OrgTabs()
        yield Banner()
        with Container(id="panels"):
            yield LimitsPanel()
            yield CreditsPanel()
        yield ChartPanel(id="chart")
        yield ChartPanel(id="second")
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
        elif self.can_draw and int(view.now.timestamp()) % HEADER_EVERY == 0:
            self.query_exactly_one(Header).view = view

    def _draw(self) -> None:
        """Give every part its lines, then the view."""
        if not self.can_draw:
            return
        view = laid_out(self.view, self.app.size)
        _apply(self, view.layout)
        for part in self.query(Drawing):
            part.view = chart_panel.other(view) if part.id == "second" else view


def laid_out(view: View, size: Size) -> View:
    """The view with the layout for a terminal of this size."""
    needs = Needs(
        orgs=len(view.store.orgs),
        verdict=banner.wanted(view, size.width),
        boxed=banner.boxed(view, size.width),
        windows=limits_panel.wanted(view),
        credits=credits_panel.wanted(view),
        chart=chart_panel.is_wanted(view),
        moving=chart_panel.is_moving(view),
        second=chart_panel.has_both(view),
        second_moving=chart_panel.is_moving(chart_panel.other(view)),
        status=bool(view.store.problems),
    )
    return replace(view, layout=arrange(size.width, size.height, needs))


def heights(layout: Layout) -> dict[str, int]:
    """Lines of each part with its frame, by its selector; 0: it is not there."""
    frame = layout.frame
    limits = layout.limits + frame if layout.limits else 0
    credits = layout.credits + frame if layout.credits else 0
    if layout.wide and limits and credits:
        limits = credits = max(limits, credits)
    chart, second = layout.plots
    return {
        "Header": layout.header,
        "OrgTabs": layout.tabs,
        "Banner": layout.banner,
        "LimitsPanel": limits,
        "CreditsPanel": credits,
        "#chart": chart,
        "#second": second,
        "StatusLine": layout.status,
        "KeyHints": layout.keys,
    }


def _apply(screen: Dashboard, layout: Layout) -> None:
    """Give all parts their heights; a part without lines is not there."""
    for selector, lines in heights(layout).items():
        part = screen.query_exactly_one(selector)
        part.set_class(lines == 0, "-hidden")
        if lines and part.styles.height != Scalar.from_number(lines):
            part.styles.height = lines
    screen.query_exactly_one("#panels").set_class(layout.wide, "-wide")
    screen.query_exactly_one("#spacer").set_class(layout.total >= screen.app.size.height, "-hidden")
