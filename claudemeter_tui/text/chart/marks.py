"""Events as letters on the time axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from claudemeter_tui.model.events import Event, Kind
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text.chart.frame import Edges


@dataclass(frozen=True, slots=True)
class Mark:
    """A letter for some kinds of events; it is ASCII, so it is the same in every terminal."""

    letter: str
    word: str
    """In a legend, behind the letter."""
    meaning: str
    """In the help."""
    kinds: frozenset[Kind]


def _mark(letter: str, word: str, meaning: str, *kinds: Kind) -> Mark:
    return Mark(letter, word, meaning, frozenset(kinds))


_BLOCKS = Kind.BLOCKED, Kind.CREDITS_BLOCKED, Kind.STILL_BLOCKED
MARKS = (
    _mark("B", "blocked", "work or credits are BLOCKED from then on", *_BLOCKS),
    _mark("W", "wait", "WAIT from then on", Kind.WAIT),
    _mark("C", "on credits", "ON CREDITS from then on", Kind.ON_CREDITS),
    _mark("F", "full", "a window is full", Kind.WINDOW_FILLED),
    _mark("L", "lifted", "what blocked was lifted", Kind.LIFTED),
    _mark("R", "reset", "a window was reset", Kind.WINDOW_RESET, Kind.WINDOW_RESET_EARLY),
    _mark("P", "in the plan", "work is in the plan again", Kind.BACK_IN_PLAN),
    _mark("$", "money", "another cap, or a refilled balance", Kind.CAP_CHANGED, Kind.BALANCE_REFILLED),
)
"""The weightiest first: of several in one column it is the one that is drawn."""
_WEIGHT = {kind: weight for weight, mark in enumerate(MARKS) for kind in mark.kinds}

Marked = Mapping[int, tuple[Event, ...]]
"""The events of each column that has any, the weightiest first."""
Letters = Mapping[int, tuple[str, Severity]]
"""The letter in each column that has one, and how loud it is."""


def marked(events: Iterable[Event], edges: Edges) -> Marked:
    """The events between the edges that have a mark, by column."""
    found: dict[int, list[Event]] = {}
    for event in events:
        at = event.at.timestamp()
        if event.kind in _WEIGHT and edges.start <= at <= edges.now:
            found.setdefault(edges.column(at), []).append(event)
    return {column: tuple(sorted(each, key=_weight)) for column, each in found.items()}


def mark_of(event: Event) -> Mark:
    """The mark of an event that has one."""
    return MARKS[_weight(event)]


def _weight(event: Event) -> int:
    return _WEIGHT[event.kind]
