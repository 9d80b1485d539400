"""Events on the time axis: where they stand, which one is drawn, what the pointer tells of them."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest

from claudemeter_tui.model.events import Event, Kind
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.text.chart import MARKS, Chart, credits_chart
from tests.model.readings import at
from tests.text.charting import MINUTE, event, frame, lines, series

FLAT = series([100] * 10 + [200] * 21)


def drawn(*events: Event, height: int = 8) -> Chart:
    """Half an hour with these events; sixty columns from column 7 on."""
    chart = credits_chart(FLAT, frame(at(30), 67, height), events=events)
    assert chart is not None
    return chart


def test_mark_stands_in_the_column_of_its_moment() -> None:
    """A letter on the axis, as loud as its event; the times below are not touched."""
    bare = drawn()
    with_mark = drawn(event(Kind.BLOCKED, at(13), Severity.FULL))
    assert lines(bare)[-1] == lines(with_mark)[-1]
    assert lines(bare)[-2][:33] + "B" + lines(bare)[-2][34:] == lines(with_mark)[-2]
    assert ("B", Severity.FULL) in with_mark.lines[-2]


def test_mark_takes_the_place_of_a_tick() -> None:
    """Where an event and a round time fall together, the event is seen; the time still has its name."""
    axis, times = lines(drawn(event(Kind.LIFTED, at(10))))[-2:]
    assert axis[times.index("14:10") + 2] == "L"


@pytest.mark.parametrize("minutes", [-1, 31, 60])
def test_event_out_of_sight_has_no_mark(minutes: float) -> None:
    """What was before the left edge or is said to be after now is not drawn."""
    assert drawn(event(Kind.BLOCKED, at(minutes))).letters == {}


@pytest.mark.parametrize("minutes", [0, 30])
def test_event_at_an_edge_has_its_mark(minutes: float) -> None:
    """The first and the last moment are part of the picture."""
    assert list(drawn(event(Kind.BLOCKED, at(minutes))).letters) in ([0], [59])


def test_weightiest_event_of_a_column_is_drawn() -> None:
    """One letter a column: a reset that blocks nobody any more yields to the block in the same minute."""
    both = drawn(event(Kind.WINDOW_FILLED, at(10)), event(Kind.BLOCKED, at(10.1)))
    assert [letter for letter, _ in both.letters.values()] == ["B"]
    assert [mark.letter for mark in both.legend] == ["B"]


def test_pointer_tells_every_event_of_the_column() -> None:
    """Also those whose letters are not drawn, the weightiest first."""
    filled, blocked = event(Kind.WINDOW_FILLED, at(10)), event(Kind.BLOCKED, at(10.1))
    chart = drawn(filled, blocked)
    (column,) = chart.letters
    found, beside = chart.under(7 + column), chart.under(8 + column)
    assert found is not None
    assert beside is not None
    assert (found.events, beside.events) == ((blocked, filled), ())


@pytest.mark.parametrize("height", [3, 4, 5])
def test_low_chart_leaves_its_marks_to_its_frame(height: int) -> None:
    """Without a line for the axis nothing is written among the times, and the marks can be asked for."""
    chart = drawn(event(Kind.BLOCKED, at(13)), height=height)
    assert lines(drawn(height=height)) == lines(chart)
    assert ("B", Severity.NORMAL) in chart.letters.values()


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        ("B", Kind.BLOCKED),
        ("B", Kind.CREDITS_BLOCKED),
        ("W", Kind.WAIT),
        ("C", Kind.ON_CREDITS),
        ("F", Kind.WINDOW_FILLED),
        ("L", Kind.LIFTED),
        ("R", Kind.WINDOW_RESET),
        ("R", Kind.WINDOW_RESET_EARLY),
        ("P", Kind.BACK_IN_PLAN),
        ("$", Kind.CAP_CHANGED),
        ("$", Kind.BALANCE_REFILLED),
        ("", Kind.THRESHOLD),
        ("", Kind.NEW_FIELD),
        ("", Kind.STALE),
        ("", Kind.SOURCE_CHANGED),
    ],
)
def test_turns_of_limits_and_money_have_letters(expected: str, kind: Kind) -> None:
    """What changes whether one can work, or pays, is marked; everything else would be clutter."""
    letters = drawn(event(kind, at(10))).letters.values()
    assert expected == "".join(letter for letter, _ in letters)


def test_marks_are_plain_and_tell_themselves_apart() -> None:
    """Each is one ASCII character of its own, with a word and a meaning, so no colour is needed."""
    letters = [mark.letter for mark in MARKS]
    assert len(letters) == len(set(letters))
    assert all(letter in string.ascii_uppercase + "$" for letter in letters)
    assert all(mark.word and mark.meaning for mark in MARKS)


def test_marks_are_the_same_in_ascii() -> None:
    """The axis is drawn with other signs, the letters stay where they are."""
    events = [event(Kind.BLOCKED, at(13)), event(Kind.LIFTED, at(20))]
    plain = credits_chart(FLAT, replace(frame(at(30), 67), plain=True), events=events)
    assert plain is not None
    assert drawn(*events).letters == plain.letters
    assert "".join(lines(plain)).isascii()
    assert lines(plain)[-2].count("B") == 1


def test_marks_of_a_span_are_those_within_it() -> None:
    """What happened before the left edge of a shorter time is not squeezed into its first column."""
    events = [event(Kind.BLOCKED, at(5)), event(Kind.LIFTED, at(25))]
    chart = credits_chart(FLAT, frame(at(30), 67, 8, 15 * MINUTE), events=events)
    assert chart is not None
    assert [letter for letter, _ in chart.letters.values()] == ["L"]
