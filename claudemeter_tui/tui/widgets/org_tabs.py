"""The orgs as tabs, each with its worst figure."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.message import Message

from claudemeter_tui.formatting.verdict import format_short_verdict
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.tui import styled_text
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

MAX_NAME_WIDTH = 24
"""Cells of an org's name in a tab."""


class OrgTabs(LineWidget):
    """As many tabs as fit, the selected one always among them."""

    ALLOW_SELECT = False

    @dataclass
    class Selected(Message):
        """A tab was clicked."""

        key: OrgKey

    def draw(self, width: int, height: int) -> list[styled_text.StyledLine]:  # noqa: ARG002
        """The tabs around the selected one, with an arrow where more are hidden."""
        first, shown, places = _build_visible_tabs(self.view, width)
        self._tab_columns = places
        before = "‹" if first > 0 else " "
        after = "›" if first + len(shown) < len(self.view.store.orgs) else ""
        line = styled_text.build_line((before, styled_text.MUTED), *shown)
        return [
            styled_text.spread_line(line, styled_text.build_line((after, styled_text.MUTED)), width)
            if after
            else line
        ]

    def on_click(self, event: events.Click) -> None:
        """Select the org whose tab is under the pointer."""
        for start, end, key in self._tab_columns:
            if start <= event.x < end:
                self.post_message(self.Selected(key))


def _build_visible_tabs(
    view: View, width: int
) -> tuple[int, list[styled_text.StyledLine], list[tuple[int, int, OrgKey]]]:
    """The first tab shown, the tabs, and the columns of each."""
    orgs = view.store.orgs
    first = last = view.index
    tabs = {first: _build_tab(view, first, width - 2)} if orgs else {}
    room = width - 2 - sum(tab.cell_length for tab in tabs.values())
    while tabs:
        further = (
            (place, _build_tab(view, place)) for place in (last + 1, first - 1) if 0 <= place < len(orgs)
        )
        fitting, tab = next(((p, tab) for p, tab in further if tab.cell_length <= room), (None, None))
        if fitting is None or tab is None:
            break
        tabs[fitting] = tab
        room -= tab.cell_length
        first, last = min(first, fitting), max(last, fitting)
    places, column = [], 1
    for place in sorted(tabs):
        places.append((column, column + tabs[place].cell_length, orgs[place].key))
        column += tabs[place].cell_length
    return first, [tabs[place] for place in sorted(tabs)], places


def _build_tab(view: View, place: int, room: int = 1_000) -> styled_text.StyledLine:
    """The org's number, name and figure; only the name gets shorter where there is little room."""
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
