"""The orgs as tabs, each with its short verdict, and the number of problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

from textual import events
from textual.message import Message

from claudemeter_tui.formatting.values import format_count
from claudemeter_tui.formatting.verdict import format_short_verdict
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.verdict import rank_verdict
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.keys import NUMBER_KEYS
from claudemeter_tui.tui.styled_text import (
    CALM_MARK,
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
MAX_NUMBER = len(NUMBER_KEYS)
"""Number of the last org that a key selects."""


class TabForm(NamedTuple):
    """A form of the tabs that are not selected."""

    least: Severity | None
    """Least severity of a verdict whose state is shown. None for no state: the mark shows it."""
    name: int
    """Maximum cells of number and name; 0 for the number alone."""
    is_selected_whole: bool = True
    """False if the selected tab has no state either: the banner below it names it."""


NUMBERS = TabForm(None, 0), TabForm(None, 0, is_selected_whole=False)
"""Only mark and number: not if there are more orgs than keys."""
TAB_FORMS = (
    TabForm(Severity.NORMAL, MAX_NAME_WIDTH),
    TabForm(Severity.WARNING, MAX_NAME_WIDTH),
    *(TabForm(Severity.CRITICAL, cells) for cells in (MAX_NAME_WIDTH, 18, 14)),
    *(TabForm(None, cells) for cells in (18, 14, 12, 10, 8)),
    *NUMBERS,
)
"""All forms, the longest first: first calm states go, then names become shorter."""
SCROLLED = TabForm(None, 14)
"""Form of the tabs if not all orgs have one, and there are too many for numbers."""


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
        """Draw all tabs in the longest form that fits, and the number of problems.

        If they fit in no form, draw those around the selected one, with arrows, its position and the mark of
        the worst hidden org.
        """
        view, orgs = self.view, self.view.store.orgs
        *counts, none = _iterate_problem_counts(view)
        has_keys = len(orgs) <= MAX_NUMBER
        forms = TAB_FORMS if has_keys else TAB_FORMS[: -len(NUMBERS)]
        for form in forms:
            lead = int(form not in NUMBERS)
            for count in counts or [none]:
                room = width - lead - count.cell_length
                if (whole := _build_all_tabs(view, room, form)) is not None:
                    self._first = 0
                    return [self._build_line(whole, count, width - lead, count.cell_length, " " * lead)]
        position = f"{view.index + 1}/{len(orgs)} "
        for count in [*counts[-1:], none]:
            gap = "  " if count.cell_length else ""
            right = build_line(count, gap, (f"{position}  ›", MUTED))
            room = width - right.cell_length
            tabs = self._choose_tabs(room, NUMBERS[0] if has_keys else SCROLLED)
            if sum(tab.cell_length for tab in tabs) < room:
                break
        end = self._first + len(tabs)
        hidden = _build_worst_mark(view, [*orgs[: self._first], *orgs[end:]])
        right = build_line(count, gap, (position, MUTED), hidden, (" " if end == len(orgs) else "›", MUTED))
        arrow = "‹" if self._first > 0 else " "
        return [self._build_line(tabs, right, width, count.cell_length, arrow)]

    def on_click(self, event: events.Click) -> None:
        """Select the org whose tab or arrow is under the pointer, or open the problems."""
        for start, end, build_message in self._targets:
            if start <= event.x < end:
                self.post_message(build_message())

    def _choose_tabs(self, room: int, form: TabForm) -> list[StyledLine]:
        """Return the tabs around the selected one that fit in `room` cells."""
        view, orgs = self.view, self.view.store.orgs
        if not orgs:
            return []
        self._first, tabs = select_visible_tabs(
            lambda place: _build_tab(view, place, room - 2, form), len(orgs), view.index, room, self._first
        )
        return tabs

    def _build_line(
        self, tabs: list[StyledLine], right: StyledLine, width: int, count: int, arrow: str
    ) -> StyledLine:
        """Return the line, and remember its clickable pieces; `count` has the cells of the problems."""
        first, orgs = self._first, self.view.store.orgs
        ends = list(accumulate((tab.cell_length for tab in tabs), initial=len(arrow)))
        places = enumerate(pairwise(ends), first)
        targets = [(start, end, partial(self.Selected, orgs[place].key)) for place, (start, end) in places]
        if first > 0:
            targets.append((0, 1, partial(self.Selected, orgs[first - 1].key)))
        if first + len(tabs) < len(orgs):
            targets.append((width - 2, width, partial(self.Selected, orgs[first + len(tabs)].key)))
        start = width - right.cell_length
        problems = (start, start + count, partial(KeyHints.HintClicked, "open('events')"))
        self._targets = (*targets, problems)
        left = build_line((arrow, MUTED), *tabs)
        return spread_line(left, right, width) if right.cell_length else left


def _build_all_tabs(view: View, room: int, form: TabForm) -> list[StyledLine] | None:
    """Return the tabs of all orgs. None if they do not fit in `room` cells."""
    tabs: list[StyledLine] = []
    left = room
    for place in range(len(view.store.orgs)):
        tab = _build_tab(view, place, room, form)
        left -= tab.cell_length
        if left < 0:
            return None
        tabs.append(tab)
    return tabs


def _build_worst_mark(view: View, hidden: Iterable[OrgState]) -> StyledLine:
    """Return the mark of the worst of the hidden orgs; a blank if all of them are calm."""
    verdicts = [view.get_figures(state).verdict for state in hidden]
    worst = min(verdicts, key=rank_verdict, default=None)
    if worst is None or get_verdict_mark(worst.state, worst.compute_severity(view.now)) == CALM_MARK:
        return build_line(" ")
    severity = worst.compute_severity(view.now)
    return build_line((get_verdict_mark(worst.state, severity), get_verdict_style(worst.state, severity)))


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


def _build_tab(view: View, place: int, room: int, form: TabForm) -> StyledLine:
    """Return a tab with mark, number, name and short verdict, in at most `room` cells.

    The selected tab is whole in nearly every form, except that its name is shortened to fit.
    """
    state = view.store.orgs[place]
    verdict = view.get_figures(state).verdict
    severity = verdict.compute_severity(view.now)
    mark = get_verdict_mark(verdict.state, severity)
    style = get_verdict_style(verdict.state, severity)
    is_selected = state.key == view.key
    if form in NUMBERS and not is_selected:
        return build_line((f" {mark}", style), (f"{place + 1}", MUTED))
    number = f"{place + 1} " if place < MAX_NUMBER else ""
    short = format_short_verdict(verdict, view.now, view.zone)
    short = short.rjust(PERCENT_WIDTH if short.endswith("%") else 0)
    if is_selected:
        short = short if form.is_selected_whole else ""
    elif form.least is None or severity < form.least:
        short = ""
    widest = MAX_NAME_WIDTH if is_selected else form.name
    most = max(len(number) + 3, min(widest, room - len(short) - 5))
    name = shorten_name(number + state.org.display_name, most)
    if is_selected:
        return draw_selected((f"{mark} {name} {short}".rstrip(), style))
    return build_line((f" {mark} ", style), (f"{name} ", MUTED), (f"{short} " if short else "", style))
