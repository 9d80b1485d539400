"""The orgs as tabs, each with its short verdict."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from textual import events
from textual.message import Message

from claudemeter_tui.formatting.verdict import format_short_verdict
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    select_visible_tabs,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

MAX_NAME_WIDTH = 24
"""Maximum cells of an org's name in a tab."""


class OrgTabs(LineWidget):
    """The tabs that fit, always including the selected one."""

    ALLOW_SELECT = False

    @dataclass
    class Selected(Message):
        """A tab was clicked."""

        key: OrgKey

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw the tabs around the selected one, with an arrow if more are hidden."""
        view, orgs = self.view, self.view.store.orgs
        first, tabs = 0, list[StyledLine]()
        if orgs:
            first, tabs = select_visible_tabs(
                lambda place: _build_tab(view, place, width - 2), len(orgs), view.index, width
            )
        ends = list(accumulate((tab.cell_length for tab in tabs), initial=1))
        self._tab_columns = [
            (start, end, state.key) for (start, end), state in zip(pairwise(ends), orgs[first:], strict=False)
        ]
        line = build_line(("‹" if first > 0 else " ", MUTED), *tabs)
        if first + len(tabs) == len(orgs):
            return [line]
        return [spread_line(line, build_line(("›", MUTED)), width)]

    def on_click(self, event: events.Click) -> None:
        """Select the org whose tab is under the pointer."""
        for start, end, key in self._tab_columns:
            if start <= event.x < end:
                self.post_message(self.Selected(key))


def _build_tab(view: View, place: int, room: int) -> StyledLine:
    """Return a tab with number, name and short verdict; the name is shortened to fit `room` cells."""
    state = view.store.orgs[place]
    verdict = view.get_figures(state).verdict
    style = SEVERITY_STYLES[verdict.compute_severity(view.now)]
    number = f"{place + 1} " if place < 9 else ""
    short = format_short_verdict(verdict, view.now, view.zone)
    most = max(len(number) + 3, min(MAX_NAME_WIDTH, room - len(short) - 3))
    name = build_line(number + state.org.display_name).truncate(most, ellipsis=True).plain
    if state.key == view.key:
        return build_line(
            ("▐", "$selected"), (f"{name} ", HEADING), (short, f"bold {style}"), ("▌", "$selected")
        )
    return build_line((f" {name} ", MUTED), (f"{short} ", style))
