"""The chart alone, for a pane that has no room for it beside everything else."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult

from claudemeter_tui.tui.keys import Key
from claudemeter_tui.tui.layout import Layout
from claudemeter_tui.tui.screens.viewer import Viewer
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.banner import Banner
from claudemeter_tui.tui.widgets.chart_panel import ChartPanel
from claudemeter_tui.tui.widgets.drawing import Drawing
from claudemeter_tui.tui.widgets.key_hints import KeyHints

HINTS = (
    Key("", "Esc", "close", "close", ""),
    Key("", "w", "windows", "switch", ""),
    Key("", "+", "span(1)", "longer", ""),
    Key("", "-", "span(-1)", "shorter", ""),
    Key("", "q", "quit", "quit", ""),
)


class Chart(Viewer):
    """The verdict, and below it nothing but the chart."""

    OVER = True

    def compose(self) -> ComposeResult:
        """Verdict, chart, hints."""
        yield Banner()
        yield ChartPanel()
        yield KeyHints(HINTS)

    def on_resize(self) -> None:
        """Draw at once, and anew for another size."""
        self._draw()

    def watch_view(self, before: View, view: View) -> None:
        """Draw what can have changed."""
        if not view.is_as(before):
            self._draw()

    def _draw(self) -> None:
        if self.is_mounted:
            for part in self.query(Drawing):
                part.view = replace(self.view, layout=Layout())
