"""All that the dashboard says of an org: tabs, verdict, panels, chart, problems."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.reactive import var
from textual.widgets import Static

from claudemeter_tui.tui.layout import Layout, Needs
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets import banner, chart_panel, credits_panel, limits_panel
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.tui.widgets.credits_panel import CreditsPanel
from claudemeter_tui.tui.widgets.drawing import Drawing, give
from claudemeter_tui.tui.widgets.limits_panel import LimitsPanel
from claudemeter_tui.tui.widgets.org_tabs import OrgTabs
from claudemeter_tui.tui.widgets.status_line import StatusLine


class Body(Container):
    """Hands each part the view, and as many lines as the layout has for it."""

    view: var[View] = var(View(), init=False)
    """What is shown, laid out."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield OrgTabs()
        yield Banner()
        with Container(id="panels"):
            yield LimitsPanel()
            yield CreditsPanel()
        yield ChartPanel()
        yield Static(id="spacer")
        yield StatusLine()

    @staticmethod
    def needs(view: View, width: int) -> Needs:
        """How many lines each part would like for this view."""
        return Needs(
            orgs=len(view.store.orgs),
            verdict=banner.wanted(view, width),
            boxed=banner.is_boxed(view),
            windows=limits_panel.wanted(view),
            credits=credits_panel.wanted(view),
            chart=chart_panel.is_wanted(view),
            status=bool(view.store.problems),
        )

    def on_mount(self) -> None:
        """Draw what was handed over before there were any parts."""
        self._draw()

    def watch_view(self) -> None:
        """Draw."""
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        layout = self.view.layout
        for kind, lines in heights(layout).items():
            give(self.query_exactly_one(kind), lines)
        self.query_exactly_one("#panels").set_class(layout.wide, "-wide")
        self.query_exactly_one("#spacer").set_class(layout.total >= self.app.size.height, "-hidden")
        for part in self.query(Drawing):
            part.view = self.view


def heights(layout: Layout) -> dict[type[Drawing], int]:
    """Lines of each part with its frame, from top to bottom; 0: it is not there."""
    frame = layout.frame
    limits = layout.limits + frame if layout.limits else 0
    credits = layout.credits + frame if layout.credits else 0
    if layout.wide and limits and credits:
        limits = credits = max(limits, credits)
    return {
        OrgTabs: layout.tabs,
        Banner: layout.banner,
        LimitsPanel: limits,
        CreditsPanel: credits,
        ChartPanel: layout.plot,
        StatusLine: layout.status,
    }
