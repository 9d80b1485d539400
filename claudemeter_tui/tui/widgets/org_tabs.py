"""The orgs as tabs, each with its short verdict, and the number of problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

from rich.cells import cell_len
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


NOT_READ = "not read"
"""State of an org that had no reply yet at a past moment; now, it is about to be read."""
MIN_TAB = 6
"""Minimum cells of a tab with a name."""


class TabForm(NamedTuple):
    """A form of the tabs that are not selected."""

    least: Severity | None
    """Least severity of a verdict whose state is shown. None for no state: the mark shows it."""
    name: int
    """Maximum cells of number and name; 0 for the number alone."""
    is_compact: bool = False
    """True without the blanks around mark and number: `▲2 Acme`. Then `name` does not count the number."""
    is_selected_whole: bool = True
    """False if the selected tab has no state either: the banner below it names it."""


NUMBERS = TabForm(None, 0), TabForm(None, 0, is_selected_whole=False)
"""Only mark and number: not if there are more orgs than keys."""
TAB_FORMS = (
    TabForm(Severity.NORMAL, MAX_NAME_WIDTH),
    TabForm(Severity.WARNING, MAX_NAME_WIDTH),
    *(TabForm(Severity.CRITICAL, cells) for cells in (MAX_NAME_WIDTH, 18, 14)),
    *(TabForm(Severity.CRITICAL, cells, is_compact=True) for cells in (12, 10)),
    *(TabForm(None, cells) for cells in (MAX_NAME_WIDTH, 18, 14)),
    *(TabForm(None, cells, is_compact=True) for cells in (12, 10, 9, 8, 7, 6, 5, 4)),
    *NUMBERS,
)
"""All forms, the longest first: first calm states go, then names become shorter."""
LONG_FORMS = tuple(form for form in TAB_FORMS if form.name and not form.is_compact)
"""The forms for orgs without a number."""
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
        """Draw all tabs in the longest form that fits whichever is selected, and the number of problems.

        If they fit in no form, draw those around the selected one, with arrows, its position and the mark of
        the worst hidden org.
        """
        view, orgs = self.view, self.view.store.orgs
        *counts, none = _iterate_problem_counts(view)
        has_keys = len(orgs) <= MAX_NUMBER
        if has_keys or len(orgs) * MIN_TAB <= width:
            every = [_Tab.describe(view, place) for place in range(len(orgs))]
            for form in TAB_FORMS if has_keys else LONG_FORMS:
                lead, cells = int(form in LONG_FORMS), _measure_tabs(every, form)
                for count in counts or [none]:
                    if cells <= width - lead - count.cell_length:
                        self._first = 0
                        whole = [tab.build(width, form) for tab in every]
                        return [self._build_line(whole, count, width - lead, count.cell_length, " " * lead)]
        position = f"{view.index + 1}/{len(orgs)} "
        for count in [*counts[-1:], none]:
            gap = "  " if count.cell_length else ""
            right = build_line(count, gap, (f"{position}  ›", MUTED))
            room = width - right.cell_length
            tabs = self._choose_tabs(room, self._choose_numbers(room - 2) if has_keys else SCROLLED)
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

    def _choose_numbers(self, room: int) -> TabForm:
        """Return the form of numbers that leaves the name of the selected org whole in `room` cells."""
        selected = _Tab.describe(self.view, self.view.index)
        return next((form for form in NUMBERS if selected.measure_selected(form) <= room), NUMBERS[-1])

    def _choose_tabs(self, room: int, form: TabForm) -> list[StyledLine]:
        """Return the tabs around the selected one that fit in `room` cells."""
        view, orgs = self.view, self.view.store.orgs
        if not orgs:
            return []
        self._first, tabs = select_visible_tabs(
            lambda place: _Tab.describe(view, place).build(room - 2, form),
            len(orgs),
            view.index,
            room,
            self._first,
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


def _measure_tabs(tabs: Sequence[_Tab], form: TabForm) -> int:
    """Return the cells of all tabs in a form if the one that is then widest is selected.

    So names and states do not change when another org is selected. Numbers alone have none, so only the
    selected tab counts.
    """
    cells = [tab.measure(form) for tab in tabs]
    more = [tab.measure_selected(form) - own for tab, own in zip(tabs, cells, strict=True)]
    if form.name == 0:
        more = [one for one, tab in zip(more, tabs, strict=True) if tab.is_selected]
    return sum(cells) + max(more, default=0)


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


class _Tab(NamedTuple):
    """The texts of a tab, formatted once for all forms."""

    number: str
    """Number of the org, also without a key."""
    name: str
    """Its name, behind the number if that has a key."""
    name_cells: int
    """Cells of that, at most `MAX_NAME_WIDTH`."""
    bare_name: str
    """Its name alone."""
    bare_cells: int
    """Cells of its name alone."""
    short: str
    """Short form of its verdict."""
    state_cells: int
    """Cells of that, with a blank before it."""
    severity: Severity
    mark: str
    style: str
    is_selected: bool

    @classmethod
    def describe(cls, view: View, place: int) -> _Tab:
        """Return the texts of the org at a place."""
        state = view.store.orgs[place]
        verdict = view.get_figures(state).verdict
        severity = verdict.compute_severity(view.now)
        mark, style = get_verdict_mark(verdict.state, severity), get_verdict_style(verdict.state, severity)
        is_unread = bool(view.past_label) and not state.replies
        short = NOT_READ if is_unread else format_short_verdict(verdict, view.now, view.zone)
        short = short.rjust(PERCENT_WIDTH if short.endswith("%") else 0)
        number, bare_name = f"{place + 1}", state.org.display_name
        name = f"{number} {bare_name}" if place < MAX_NUMBER else bare_name
        return cls(
            number,
            name,
            min(cell_len(name), MAX_NAME_WIDTH),
            bare_name,
            cell_len(bare_name),
            short,
            len(short) + 1,
            severity,
            mark,
            style,
            state.key == view.key,
        )

    def choose_short(self, form: TabForm) -> str:
        """Return the state in a form; empty if the form does not show it."""
        if self.is_selected:
            return self.short if form.is_selected_whole else ""
        return "" if form.least is None or self.severity < form.least else self.short

    def measure(self, form: TabForm) -> int:
        """Return the cells of the tab in a form, at most, if it is not selected.

        A shortened name can have one cell less.
        """
        if form.name == 0:
            return len(self.mark) + len(self.number) + 1
        state = self.state_cells if form.least is not None and self.severity >= form.least else 0
        if form.is_compact:
            return min(self.bare_cells, form.name) + len(self.mark) + len(self.number) + 2 + state
        return min(self.name_cells, form.name) + len(self.mark) + 3 + state

    def measure_selected(self, form: TabForm) -> int:
        """Return the cells of the tab in a form if it is selected."""
        return self.name_cells + len(self.mark) + 3 + (self.state_cells if form.is_selected_whole else 0)

    def build(self, room: int, form: TabForm) -> StyledLine:
        """Return the tab with mark, number, name and short verdict, in at most `room` cells.

        The selected tab is whole in nearly every form, except that its name is shortened to fit.
        """
        if form.name == 0 and not self.is_selected:
            return build_line((f" {self.mark}", self.style), (self.number, MUTED))
        short = self.choose_short(form)
        if form.is_compact and not self.is_selected:
            name = shorten_name(self.bare_name, form.name)
            words = f"{self.number} {name}" + (" " if short else "")
            return build_line((f" {self.mark}", self.style), (words, MUTED), (short, self.style))
        widest = MAX_NAME_WIDTH if self.is_selected else form.name
        name = shorten_name(self.name, max(5, min(widest, room - len(short) - 5)))
        if self.is_selected:
            return draw_selected((f"{self.mark} {name} {short}".rstrip(), self.style))
        tail = f"{short} " if short else ""
        return build_line((f" {self.mark} ", self.style), (f"{name} ", MUTED), (tail, self.style))
