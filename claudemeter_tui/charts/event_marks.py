"""The letters of events on the time axis of a chart, loaded with the first event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from claudemeter_tui.charts.axes import TimeEdges
from claudemeter_tui.model.events import Event, EventKind


class EventMark(NamedTuple):
    """An ASCII letter for some kinds of events, the same in every terminal."""

    letter: str
    word: str
    """Word in the legend."""
    meaning: str
    """Meaning in the help."""
    kinds: tuple[EventKind, ...]


EVENT_MARKS = (
    EventMark(
        "B",
        "blocked",
        "work or credits blocked",
        (EventKind.BLOCKED, EventKind.CREDITS_BLOCKED, EventKind.STILL_BLOCKED),
    ),
    EventMark("X", "refused", "Claude Code was refused", (EventKind.REFUSED,)),
    EventMark("W", "wait", "WAIT begins", (EventKind.WAIT,)),
    EventMark("C", "on credits", "ON CREDITS begins", (EventKind.ON_CREDITS,)),
    EventMark("F", "full", "a window is full", (EventKind.WINDOW_FILLED, EventKind.ALLOWANCE_USED_UP)),
    EventMark("U", "unblocked", "work or credits unblocked", (EventKind.LIFTED,)),
    EventMark("R", "reset", "a window reset", (EventKind.WINDOW_RESET, EventKind.WINDOW_RESET_EARLY)),
    EventMark("P", "in the plan", "work is back in the plan", (EventKind.BACK_IN_PLAN,)),
    EventMark(
        "$",
        "money",
        "cap or balance changed, spending",
        (
            EventKind.SPENDING,
            EventKind.BALANCE_FELL,
            EventKind.AUTO_RELOAD_STOPPED,
            EventKind.CAP_CHANGED,
            EventKind.BALANCE_REFILLED,
        ),
    ),
)
"""Most important first; if several share a column, the first one is drawn, and a refusal beside it."""
_MARK_RANKS = {kind: weight for weight, mark in enumerate(EVENT_MARKS) for kind in mark.kinds}

MarkedEvents = Mapping[int, tuple[Event, ...]]
"""The events of each column that has any, the most important first."""


def group_marked_events(events: Iterable[Event], edges: TimeEdges) -> MarkedEvents:
    """Group the events between the edges that have a mark by column.

    A refusal often follows a block within seconds. It is moved into the column beside it, so that both are
    drawn; between two other marks, the refusal is drawn.
    """
    found: dict[int, list[Event]] = {}
    for event in events:
        at = event.at.timestamp()
        if event.kind in _MARK_RANKS and edges.start <= at <= edges.now:
            found.setdefault(edges.find_column(at), []).append(event)
    for column in sorted(found):
        refused = [event for event in found[column] if event.kind is EventKind.REFUSED]
        others = [event for event in found[column] if event.kind is not EventKind.REFUSED]
        others.sort(key=lambda event: _MARK_RANKS[event.kind])
        found[column] = [*refused, *others]
        if not refused or not others or _MARK_RANKS[others[0].kind] > _MARK_RANKS[EventKind.REFUSED]:
            continue
        if column < edges.find_column(edges.now) and column + 1 not in found:
            found[column], found[column + 1] = others, refused
        elif column and column - 1 not in found:
            found[column - 1], found[column] = others, refused
    return {column: tuple(each) for column, each in found.items()}


def list_shown_marks(marks: MarkedEvents) -> tuple[EventMark, ...]:
    """Return the marks that are drawn, and those whose place a refusal has taken, most important first."""
    ranks = {
        _MARK_RANKS[event.kind]
        for events in marks.values()
        for event in events
        if _MARK_RANKS[event.kind] <= _MARK_RANKS[events[0].kind]
    }
    return tuple(EVENT_MARKS[rank] for rank in sorted(ranks))


def find_mark(event: Event) -> EventMark:
    """Return the mark of an event that has one."""
    return EVENT_MARKS[_MARK_RANKS[event.kind]]
