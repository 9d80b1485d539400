"""The orgs as tabs, each with its worst figure."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.message import Message

from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.text import verdict as words
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

WIDEST_NAME = 24
"""Cells of an org's name in a tab."""


class OrgTabs(Drawing):
    """As many tabs as fit, the selected one always among them."""

    ALLOW_SELECT = False

    @dataclass
    class Selected(Message):
        """A tab was clicked."""

        key: OrgKey

    def draw(self, width: int, height: int) -> list[ink.Line]:  # noqa: ARG002
        """The tabs around the selected one, with an arrow where more are hidden."""
        first, shown, places = _window(self.view, width)
        self._places = places
        before = "‹" if first > 0 else " "
        after = "›" if first + len(shown) < len(self.view.store.orgs) else ""
        line = ink.text((before, ink.MUTED), *shown)
        return [ink.spread(line, ink.text((after, ink.MUTED)), width) if after else line]

    def on_click(self, event: events.Click) -> None:
        """Select the org whose tab is under the pointer."""
        for start, end, key in self._places:
            if start <= event.x < end:
                self.post_message(self.Selected(key))


def _window(view: View, width: int) -> tuple[int, list[ink.Line], list[tuple[int, int, OrgKey]]]:
    """The first tab shown, the tabs, and the columns of each."""
    orgs = view.store.orgs
    first = last = view.index
    tabs = {first: _tab(view, first, width - 2)} if orgs else {}
    room = width - 2 - sum(tab.cell_length for tab in tabs.values())
    while tabs:
        further = ((place, _tab(view, place)) for place in (last + 1, first - 1) if 0 <= place < len(orgs))
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


def _tab(view: View, place: int, room: int = 1_000) -> ink.Line:
    """The org's number, name and figure; only the name gets shorter where there is little room."""
    state = view.store.orgs[place]
    verdict = judge(state, view.now)
    style = ink.STYLE[ink.severity(verdict, view.now)]
    number = f"{place + 1} " if place < 9 else ""
    short = words.short(verdict, view.now, view.zone)
    most = max(len(number) + 3, min(WIDEST_NAME, room - len(short) - 3))
    name = ink.text(number + state.org.called).truncate(most, ellipsis=True).plain
    if state.key == view.key:
        return ink.text(
            ("▐", "$selected"), (f"{name} ", ink.TITLE), (short, f"bold {style}"), ("▌", "$selected")
        )
    return ink.text((f" {name} ", ink.MUTED), (f"{short} ", style))
