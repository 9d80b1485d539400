"""Marks of events on the time axis: their column, their order and their text for the pointer."""

from __future__ import annotations

import string

import pytest

from claudemeter_tui.charts.chart import RenderedChart, build_credits_chart
from claudemeter_tui.charts.event_marks import EVENT_MARKS
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.windows import Severity
from tests.charts.chart_cases import DAY, MINUTE, event, frame, lines, series
from tests.model.readings import at

FLAT = series([100] * 10 + [200] * 21)


def drawn(*events: Event, height: int = 8) -> RenderedChart:
    """Draw half an hour with these events; its sixty columns begin at column 7."""
    chart = build_credits_chart(FLAT, frame(at(30), 67, height)._replace(margin=7), events=events)
    assert chart is not None
    return chart


def test_mark_is_drawn_in_the_column_of_its_moment() -> None:
    """A mark is a letter on the axis in the colour of its event, and there is an axis without one, too."""
    with_mark = drawn(event(EventKind.BLOCKED, at(13), Severity.FULL))
    assert lines(with_mark)[-2] == "   $0 ┴" + "▀" * 26 + "B" + "▀" * 33
    assert ("B", Severity.FULL) in with_mark.lines[-2]
    assert lines(drawn())[-2] == "   $0 ┴" + "▀" * 60


def test_mark_has_the_time_below_it() -> None:
    """If an event and a round time share a column, both are drawn."""
    axis, times = lines(drawn(event(EventKind.LIFTED, at(10))))[-2:]
    assert axis[times.index("14:10") + 2] == "U"


@pytest.mark.parametrize("minutes", [-1, 31, 60])
def test_event_out_of_sight_has_no_mark(minutes: float) -> None:
    """An event before the left edge or after now has no mark."""
    assert drawn(event(EventKind.BLOCKED, at(minutes))).letters == {}


@pytest.mark.parametrize("minutes", [0, 30])
def test_event_at_an_edge_has_its_mark(minutes: float) -> None:
    """The first and the last moment of a chart can have a mark."""
    assert list(drawn(event(EventKind.BLOCKED, at(minutes))).letters) in ([0], [59])


def test_weightiest_event_of_a_column_is_drawn() -> None:
    """Each column has one letter: a reset that unblocks no one yields to a block in the same minute."""
    both = drawn(event(EventKind.WINDOW_FILLED, at(10)), event(EventKind.BLOCKED, at(10.1)))
    assert [letter for letter, _ in both.letters.values()] == ["B"]
    assert [mark.letter for mark in both.legend] == ["B"]


@pytest.mark.parametrize(
    ("expected", "minutes"),
    [
        ({20: "B", 21: "X"}, [("B", 10), ("X", 10.1)]),
        ({20: "B", 21: "X"}, [("X", 10), ("B", 10.1)]),
        ({20: "B", 21: "X"}, [("B", 10), ("X", 10.1), ("X", 10.2), ("F", 10.3)]),
        ({19: "B", 20: "X", 21: "W"}, [("B", 10), ("X", 10.1), ("W", 10.6)]),
        ({58: "B", 59: "X"}, [("B", 30), ("X", 30)]),
        ({0: "B", 1: "X"}, [("B", 0), ("X", 0)]),
        ({19: "W", 20: "X", 21: "W"}, [("W", 9.6), ("B", 10), ("X", 10.1), ("W", 10.6)]),
        ({20: "X"}, [("X", 10), ("W", 10.1), ("F", 10.2)]),
    ],
)
def test_refusal_is_drawn_beside_a_block(expected: dict[int, str], minutes: list[tuple[str, float]]) -> None:
    """Both are on the axis; with marks on both sides the refusal is, and the legend explains both."""
    kinds = {
        "B": EventKind.BLOCKED,
        "X": EventKind.REFUSED,
        "W": EventKind.WAIT,
        "F": EventKind.WINDOW_FILLED,
    }
    chart = drawn(*(event(kinds[letter], at(minute)) for letter, minute in minutes))
    assert {column: letter for column, (letter, _) in chart.letters.items()} == expected
    wanted = {*expected.values(), *("B" for letter, _ in minutes if letter == "B")}
    assert {mark.letter for mark in chart.legend} == wanted
    found = [chart.find_point(7 + column) for column in chart.letters]
    assert sum(len(point.events) for point in found if point is not None) == len(minutes)


@pytest.mark.parametrize("days", [1, 30, 365])
def test_long_chart_shows_blocks_and_refusals(days: int) -> None:
    """However many events share its last column, both letters are on the axis."""
    span, kinds = days * DAY, (EventKind.BLOCKED, EventKind.REFUSED)
    now = at(0) + span
    events = [event(kind, now - minute * MINUTE) for minute in range(20) for kind in kinds]
    chart = build_credits_chart(series([100, 200], step=span), frame(now, 67, 8, span), events=events)
    assert chart is not None
    assert {letter for letter, _ in chart.letters.values()} == {"B", "X"}


def test_pointer_lists_every_event_of_the_column() -> None:
    """The pointer lists all events of a column, drawn or not, the weightiest first."""
    filled, blocked = event(EventKind.WINDOW_FILLED, at(10)), event(EventKind.BLOCKED, at(10.1))
    chart = drawn(filled, blocked)
    (column,) = chart.letters
    found, beside = chart.find_point(7 + column), chart.find_point(8 + column)
    assert found is not None
    assert beside is not None
    assert (found.events, beside.events) == ((blocked, filled), ())


@pytest.mark.parametrize("height", [3, 4, 5])
def test_low_chart_leaves_its_marks_to_its_frame(height: int) -> None:
    """A chart without a line for the axis draws no marks among the times, but returns them on request."""
    chart = drawn(event(EventKind.BLOCKED, at(13)), height=height)
    assert lines(drawn(height=height)) == lines(chart)
    assert ("B", Severity.NORMAL) in chart.letters.values()


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        ("B", EventKind.BLOCKED),
        ("B", EventKind.CREDITS_BLOCKED),
        ("W", EventKind.WAIT),
        ("C", EventKind.ON_CREDITS),
        ("F", EventKind.WINDOW_FILLED),
        ("U", EventKind.LIFTED),
        ("R", EventKind.WINDOW_RESET),
        ("R", EventKind.WINDOW_RESET_EARLY),
        ("P", EventKind.BACK_IN_PLAN),
        ("$", EventKind.CAP_CHANGED),
        ("$", EventKind.BALANCE_REFILLED),
        ("", EventKind.THRESHOLD),
        ("", EventKind.NEW_FIELD),
        ("", EventKind.STALE),
        ("", EventKind.SOURCE_CHANGED),
    ],
)
def test_changes_of_limits_and_money_have_letters(expected: str, kind: EventKind) -> None:
    """Only events that change the verdict or the costs have a letter."""
    letters = drawn(event(kind, at(10))).letters.values()
    assert expected == "".join(letter for letter, _ in letters)


def test_marks_are_distinct_ascii_letters() -> None:
    """Each mark is a distinct ASCII character with a word and a meaning, so that no colour is needed."""
    letters = [mark.letter for mark in EVENT_MARKS]
    assert len(letters) == len(set(letters))
    assert all(letter in string.ascii_uppercase + "$" for letter in letters)
    assert all(mark.word and mark.meaning for mark in EVENT_MARKS)


def test_marks_are_the_same_in_ascii() -> None:
    """In ASCII the axis has other characters, and the marks stay where they are."""
    events = [event(EventKind.BLOCKED, at(13)), event(EventKind.LIFTED, at(20))]
    plain = build_credits_chart(FLAT, frame(at(30), 67)._replace(margin=7, ascii_only=True), events=events)
    assert plain is not None
    assert drawn(*events).letters == plain.letters
    assert "".join(lines(plain)).isascii()
    assert lines(plain)[-2].count("B") == 1


def test_marks_of_a_span_are_those_within_it() -> None:
    """An event before the left edge of a span is not moved into its first column."""
    events = [event(EventKind.BLOCKED, at(5)), event(EventKind.LIFTED, at(25))]
    chart = build_credits_chart(FLAT, frame(at(30), 67, 8, 15 * MINUTE), events=events)
    assert chart is not None
    assert [letter for letter, _ in chart.letters.values()] == ["U"]
