"""The orgs as tabs, each with its short verdict, and the number of problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise

from textual import events
from textual.message import Message

from claudemeter_tui.formatting.values import format_count
from claudemeter_tui.formatting.verdict import format_short_verdict
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_selected,
    get_verdict_mark,
    get_verdict_style,
    select_visible_tabs,
    shorten_name,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.key_hints import KeyHints
from claudemeter_tui.tui.widgets.line_widget import LineWidget

MAX_NAME_WIDTH = 24
"""Maximum cells of an org's name in a tab."""
PERCENT_WIDTH = 3
"""Minimum cells of a percentage, so that it does not change the width of its tab."""


class OrgTabs(LineWidget):
    """The tabs that fit, always including the selected one."""

    ALLOW_SELECT = False

    _first = 0
    """Place of the first tab on screen; it moves only as far as the selected one requires."""
    _targets: tuple[tuple[int, int, Callable[[], Message]], ...] = ()
    """First column and end of each clickable piece, and what builds its message."""

    @dataclass
    class Selected(Message):
        """A tab or an arrow was clicked."""

        key: OrgKey

    def draw(self, width: int, height: int) -> list[StyledLine]:  # noqa: ARG002
        """Draw all tabs, or those around the selected one with arrows and its position; then the problems."""
        view, orgs = self.view, self.view.store.orgs
        for count in (counts := [*_iterate_problem_counts(view)]):
            tabs = self._choose_tabs(width - count.cell_length, width)
            if len(tabs) == len(orgs):
                return [self._build_line(tabs, count, width - 1, count.cell_length)]
        position = f"{view.index + 1}/{len(orgs)}"
        for count in counts[-2:]:
            gap = "  " if count.cell_length else ""
            right = build_line(count, gap, (f"{position}  ", MUTED))
            room = width - right.cell_length
            tabs = self._choose_tabs(room, room)
            if sum(tab.cell_length for tab in tabs) < room:
                break
        is_last = self._first + len(tabs) == len(orgs)
        right = build_line(count, gap, (f"{position} {' ' if is_last else '›'}", MUTED))
        return [self._build_line(tabs, right, width, count.cell_length)]

    def on_click(self, event: events.Click) -> None:
        """Select the org whose tab or arrow is under the pointer, or open the problems."""
        for start, end, build_message in self._targets:
            if start <= event.x < end:
                self.post_message(build_message())

    def _choose_tabs(self, room: int, most: int) -> list[StyledLine]:
        """Return the tabs that fit in `room` cells, each of at most `most` cells."""
        view, orgs = self.view, self.view.store.orgs
        if not orgs:
            return []
        self._first, tabs = select_visible_tabs(
            lambda place: _build_tab(view, place, most - 2), len(orgs), view.index, room, self._first
        )
        return tabs

    def _build_line(self, tabs: list[StyledLine], right: StyledLine, width: int, count: int) -> StyledLine:
        """Return the line, and remember its clickable pieces; `count` has the cells of the problems."""
        first, orgs = self._first, self.view.store.orgs
        ends = list(accumulate((tab.cell_length for tab in tabs), initial=1))
        places = enumerate(pairwise(ends), first)
        targets = [(start, end, partial(self.Selected, orgs[place].key)) for place, (start, end) in places]
        if first > 0:
            targets.append((0, 1, partial(self.Selected, orgs[first - 1].key)))
        if first + len(tabs) < len(orgs):
            targets.append((width - 2, width, partial(self.Selected, orgs[first + len(tabs)].key)))
        start = width - right.cell_length
        problems = (start, start + count, partial(KeyHints.HintClicked, "open('events')"))
        self._targets = (*targets, problems)
        return spread_line(build_line(("‹" if first > 0 else " ", MUTED), *tabs), right, width)


def _iterate_problem_counts(view: View) -> Iterator[StyledLine]:
    """Yield `1 problem`, then `▲ 1`, then nothing; new fields and the like count only if nothing failed."""
    real, notes = len(view.open_problems), len(view.open_notes)
    if real:
        style = SEVERITY_STYLES[Severity.WARNING]
        yield build_line((format_count(real, "problem"), style))
        yield build_line((f"{SEVERITY_MARKS[Severity.WARNING]} {real}", style))
    elif notes:
        yield build_line((format_count(notes, "note"), MUTED))
    yield build_line()


def _build_tab(view: View, place: int, room: int) -> StyledLine:
    """Return a tab with mark, number, name and short verdict; the name is shortened to fit `room` cells."""
    state = view.store.orgs[place]
    verdict = view.get_figures(state).verdict
    severity = verdict.compute_severity(view.now)
    mark = get_verdict_mark(verdict.state, severity)
    style = get_verdict_style(verdict.state, severity)
    number = f"{place + 1} " if place < 9 else ""
    short = format_short_verdict(verdict, view.now, view.zone)
    short = short.rjust(PERCENT_WIDTH if short.endswith("%") else 0)
    most = max(len(number) + 3, min(MAX_NAME_WIDTH, room - len(short) - 5))
    name = shorten_name(number + state.org.display_name, most)
    if state.key == view.key:
        return draw_selected((f"{mark} {name} {short}", style))
    return build_line((f" {mark} ", style), (f"{name} ", MUTED), (f"{short} ", style))
