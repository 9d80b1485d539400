"""The dashboard of one org, and the screen with only the chart for small panes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.scalar import Scalar
from textual.dom import DOMNode
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from claudemeter_tui.tui.keys import CHART_KEYS, FOOTER_KEYS, HELP_KEY, ORG_KEYS, PERIOD_HINT, Key
from claudemeter_tui.tui.layout import Layout, LayoutNeeds, compute_layout, compute_panel_shares
from claudemeter_tui.tui.screens.base import ViewScreen
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import banner, chart_panel, credits_panel, limits_panel
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.header import Header
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
from claudemeter_tui.tui.widgets.line_widget import LineWidget
from claudemeter_tui.tui.widgets.org_tabs import OrgTabs
from claudemeter_tui.tui.widgets.panels import Panels
from claudemeter_tui.tui.widgets.status_line import StatusLine

SPACER = "spacer"
"""The part of a dashboard that fills the room that no other needs."""


class DashboardScreen(ViewScreen):
    """The dashboard: lays out its parts for the terminal's size and passes the view to each."""

    # Nothing on this screen takes the focus, because Tab selects orgs here.
    BINDINGS: ClassVar[list[BindingType]] = [key.build_binding() for key in ORG_KEYS]

    def compose(self) -> ComposeResult:
        """Create the parts from top to bottom, laid out already: to change mounted parts takes longer."""
        parts = (*build_parts(), KeyHints(FOOTER_KEYS))
        size = self.app.size
        _apply_layout(parts, lay_out_view(self.view, size).layout, size)
        yield from parts

    def on_mount(self) -> None:
        """Draw before the first layout, so that the first frame has all figures in their places."""
        # A screen opened while the app closes has no parts.
        if self.is_attached and self.app.is_running and self.query(KeyHints):
            self._drawn_view = self.view
            self.draw_view()

    def watch_view(self) -> None:
        """Redraw the parts that may have changed: the header at each tick, all others less often."""
        if self.is_outdated:
            self._draw()
        elif self.can_draw:
            self.query_exactly_one(Header).view = self.view

    def draw_view(self) -> None:
        """Draw the parts for the size of the terminal."""
        draw_parts(self, self.view, self.app.size)


def build_parts() -> tuple[Widget, ...]:
    """Return the parts of a dashboard from top to bottom, without the hints."""
    return (
        Header(),
        OrgTabs(),
        Banner(),
        Panels(LimitsPanel(), CreditsPanel()),
        ChartPanel(id=chart_panel.FIRST_CHART),
        ChartPanel(id=chart_panel.SECOND_CHART),
        Static(id=SPACER),
        StatusLine(),
    )


def draw_parts(parent: DOMNode, view: View, size: Size) -> None:
    """Set the lines of every part of a dashboard of this size, then its view."""
    view = lay_out_view(view, size)
    is_resized = _apply_layout(parent.query(Widget), view.layout, size)
    for part in parent.query(LineWidget):
        shown = chart_panel.switch_chart(view) if part.id == chart_panel.SECOND_CHART else view
        if is_resized:
            part.show_after_resize(shown)
        else:
            part.view = shown


def lay_out_view(view: View, size: Size) -> View:
    """Return the view with the layout for a terminal of this size."""
    needs = LayoutNeeds(
        orgs=len(view.store.orgs),
        verdict=banner.count_banner_lines(view, size.width),
        windows=limits_panel.count_windows(view),
        limits=limits_panel.count_limits_lines(view, size.width),
        has_source=limits_panel.has_other_source(view),
        credits=credits_panel.count_credits_lines(view, size.width),
        has_chart=chart_panel.has_chart_data(view),
        is_chart_moving=chart_panel.has_chart_changed(view),
        has_second_chart=chart_panel.has_both_charts(view),
        is_second_chart_moving=chart_panel.has_chart_changed(chart_panel.switch_chart(view)),
        has_status=bool(view.store.problems),
    )
    return replace(view, layout=compute_layout(size.width, size.height, needs))


def _apply_layout(parts: Iterable[Widget], layout: Layout, size: Size) -> bool:
    """Set the heights of parts and hide those without lines; return True if any position has changed."""
    is_changed = False
    heights = layout.heights
    for part in parts:
        if (name := f"#{part.id}" if part.id else type(part).__name__) in heights:
            lines = heights[name]
            height = Scalar.from_number(lines) if lines else part.styles.height
            is_changed |= _set_class(part, "-hidden", is_set=lines == 0) or part.styles.height != height
            part.styles.height = height
        if isinstance(part, Banner):
            is_changed |= _set_class(part, "-apart", is_set=bool(layout.banner_gap))
        elif isinstance(part, LimitsPanel):
            part.styles.width = compute_panel_shares(size.width)[0] if layout.wide else None
        elif isinstance(part, Panels):
            is_changed |= _set_class(part, "-wide", is_set=layout.wide)
        elif part.id == SPACER:
            _set_class(part, "-hidden", is_set=layout.total >= size.height)
    return is_changed


def _set_class(part: Widget, name: str, *, is_set: bool) -> bool:
    """Add or remove a class; return True if that was a change."""
    is_changed = part.has_class(name) != is_set
    # A part that is not mounted yet gets its style when it is.
    part.set_class(is_set, name, update=part.is_attached)
    return is_changed


CHART_SCREEN_KEYS = (*CHART_KEYS, Key("", "Esc", "close", "close", "close the chart"))
"""All keys of the screen with only the chart."""
CHART_HINTS = (
    CHART_SCREEN_KEYS[-1],
    HELP_KEY,
    Key("", "w", "windows", "switch", ""),
    PERIOD_HINT,
    Key("", "q", "quit", "quit", ""),
)


class ChartScreen(ViewScreen):
    """Screen with the verdict and only the chart below it."""

    DEFAULT_CSS = """
    ChartScreen ChartPanel { height: 1fr; }
    """
    IS_OVERLAY = True

    def compose(self) -> ComposeResult:
        """Create verdict, chart and hints."""
        yield Banner()
        yield ChartPanel(id=chart_panel.FIRST_CHART)
        yield KeyHints(CHART_HINTS)

    def draw_view(self) -> None:
        """Draw verdict and chart."""
        self.show_view(self.view)
