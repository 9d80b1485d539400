"""The orgs as tabs, each with its short verdict."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from textual import events
from textual.message import Message

from claudemeter_tui.formatting.verdict import format_short_verdict
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

MAX_NAME_WIDTH = 24
"""Most cells of an org's name in a tab."""


class OrgTabs(LineWidget):
    """The tabs that fit, the selected one always among them."""

    ALLOW_SELECT = False

    @dataclass
    class Selected(Message):
        """A tab was clicked."""

        key: OrgKey

    def draw(self, width: int, height: int) -> list[styled_text.StyledLine]:  # noqa: ARG002
        """Draw the tabs around the selected one, with an arrow if more are hidden."""
        orgs = self.view.store.orgs
        selected = self.view.index

        def build_tab(place: int) -> styled_text.StyledLine:
            return (
                _build_tab(self.view, place, width - 2) if place == selected else _build_tab(self.view, place)
            )

        first, tabs = 0, list[styled_text.StyledLine]()
        if orgs:
            first, tabs = styled_text.select_visible_tabs(build_tab, len(orgs), selected, width)
        ends = list(accumulate((tab.cell_length for tab in tabs), initial=1))
        self._tab_columns = [
            (start, end, state.key) for (start, end), state in zip(pairwise(ends), orgs[first:], strict=False)
        ]
        line = styled_text.build_line(("‹" if first > 0 else " ", styled_text.MUTED), *tabs)
        if first + len(tabs) == len(orgs):
            return [line]
        return [styled_text.spread_line(line, styled_text.build_line(("›", styled_text.MUTED)), width)]

    def on_click(self, event: events.Click) -> None:
        """Select the org whose tab is under the pointer."""
        for start, end, key in self._tab_columns:
            if start <= event.x < end:
                self.post_message(self.Selected(key))


def _build_tab(view: View, place: int, room: int = 1_000) -> styled_text.StyledLine:
    """Return a tab with number, name and short verdict; only the name is shortened."""
    state = view.store.orgs[place]
    verdict = view.get_figures(state).verdict
    style = styled_text.SEVERITY_STYLES[styled_text.get_verdict_severity(verdict, view.now)]
    number = f"{place + 1} " if place < 9 else ""
    short = format_short_verdict(verdict, view.now, view.zone)
    most = max(len(number) + 3, min(MAX_NAME_WIDTH, room - len(short) - 3))
    name = styled_text.build_line(number + state.org.display_name).truncate(most, ellipsis=True).plain
    if state.key == view.key:
        return styled_text.build_line(
            ("▐", "$selected"),
            (f"{name} ", styled_text.HEADING),
            (short, f"bold {style}"),
            ("▌", "$selected"),
        )
    return styled_text.build_line((f" {name} ", styled_text.MUTED), (f"{short} ", style))
