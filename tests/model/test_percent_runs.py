"""Histories of windows: runs of a percentage, gaps, clocks set back, and the bound."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.model.catalogue import Endpoint, WindowKind
from claudemeter_tui.model.reading import Failure, Reply
from claudemeter_tui.model.time_series import (
    MAX_HISTORIES,
    MAX_PERCENT_RUNS,
    Histories,
    PercentHistory,
    append_to_histories,
)
from claudemeter_tui.model.windows import Plan, Window
from tests.model.readings import START, at, failed, reply
from tests.model.values import fable, five_hour, weekly

MOST = timedelta(minutes=2.5)

Sample = tuple[float, float | None]
"""Minutes after the start, and the percentage; None is a poll that read nothing."""


def grown(*samples: Sample) -> PercentHistory:
    """Return the history after some polls, the first of which read something."""
    (minutes, percent), *others = samples
    history = PercentHistory.start(at(minutes).timestamp(), percent or 0.0)
    for minutes, percent in others:
        moment = at(minutes).timestamp()
        if percent is None:
            history = history.append_gap(moment)
        else:
            history = history.append(moment, percent, MOST.total_seconds())
    return history


def spelled(history: PercentHistory) -> list[tuple[float | None, float, float]]:
    """Return every run as its percentage and its two times in minutes."""
    zero = START.timestamp()
    return [
        (None if run.is_gap else run.percent, (run.first - zero) / 60, (run.last - zero) / 60)
        for run in history.runs
    ]


@pytest.mark.parametrize(
    ("expected", "samples"),
    [
        ([(5, 0, 0)], [(0, 5)]),
        ([(5, 0, 2)], [(0, 5), (1, 5), (2, 5)]),
        ([(5, 0, 1), (7.5, 2, 3)], [(0, 5), (1, 5), (2, 7.5), (3, 7.5)]),
        ([(80, 0, 0), (0, 1, 1)], [(0, 80), (1, 0)]),
        ([(5, 0, 2.5)], [(0, 5), (2.5, 5)]),
        ([(5, 0, 0), (None, 0, 2.6), (5, 2.6, 2.6)], [(0, 5), (2.6, 5)]),
        ([(5, 0, 0), (None, 0, 9), (7, 9, 10)], [(0, 5), (9, 7), (10, 7)]),
        ([(5, 0, 0), (None, 0, 3)], [(0, 5), (1, None), (2, None), (3, None)]),
        ([(5, 0, 0), (None, 0, 2), (5, 2, 2)], [(0, 5), (1, None), (2, 5)]),
        ([(5, 0, 1)], [(0, 5), (1, 5), (1, None)]),
        ([(5, 0, 1)], [(0, 5), (1, 5), (0.5, None)]),
    ],
)
def test_runs_join_what_is_equal_and_keep_gaps(
    expected: list[tuple[float | None, float, float]], samples: list[Sample]
) -> None:
    """Equal percentages are one run; a pause or a poll without a figure is a gap up to the next figure."""
    assert expected == spelled(grown(*samples))


@pytest.mark.parametrize(
    ("expected", "back"),
    [
        ([(5, 0, 1), (7, 2, 3.5), (8, 3.5, 3.5)], (3.5, 8)),
        ([(5, 0, 1), (7, 2, 3.5)], (3.5, 7)),
        ([(5, 0, 1), (8, 1.5, 1.5)], (1.5, 8)),
        ([(5, 0, 0.5)], (0.5, 5)),
        ([(8, 0, 0)], (0, 8)),
        ([(8, -60, -60)], (-60, 8)),
    ],
)
def test_clock_set_back_removes_the_repeated_time(
    expected: list[tuple[float | None, float, float]], back: Sample
) -> None:
    """After a clock was set back no run is later than the newest figure, and none overlaps another."""
    assert expected == spelled(grown((0, 5), (1, 5), (2, 7), (4, 7), back))


@pytest.mark.parametrize(
    ("expected", "samples"),
    [
        (False, [(0, 5)]),
        (False, [(0, 5), (1, 5), (2, None), (3, 5)]),
        (True, [(0, 5), (1, 6)]),
        (True, [(0, 5), (1, None), (2, 6), (3, 5)]),
    ],
)
def test_history_knows_whether_it_ever_changed(*, expected: bool, samples: list[Sample]) -> None:
    """A gap is no change, and a return to the first figure does not undo one."""
    assert expected is grown(*samples).has_changed


def test_history_begins_with_its_first_figure() -> None:
    """A history begins with its first figure, however long it is."""
    assert grown((3, 5), (4, 6), (5, None)).since == at(3).timestamp()


def test_week_of_use_keeps_its_peaks_and_resets() -> None:
    """Thinning removes steps of a rise, never a peak or a reset."""
    polls = [(minute, min(100.0, float(minute % 300))) for minute in range(7 * 24 * 60)]
    runs = grown(*polls).runs
    assert len(runs) <= MAX_PERCENT_RUNS
    peaks = [one for one, two in pairwise(runs) if two.percent < one.percent]
    assert {run.percent for run in peaks} == {100}
    assert len(peaks) == 7 * 24 * 60 // 300
    assert [START.timestamp(), at(polls[-1][0]).timestamp()] == [runs[0].first, runs[-1].last]


def test_history_of_gaps_and_lone_figures_stays_bounded() -> None:
    """If every other poll fails, old gaps grow and the history stays bounded."""
    runs = grown(*((n, None if n % 2 else float(n % 7)) for n in range(3000))).runs
    assert len(runs) <= MAX_PERCENT_RUNS
    assert all(one.last <= two.first for one, two in pairwise(runs))


def test_pause_in_a_full_history_stays_within_the_bound() -> None:
    """A pause adds two runs, even if the older half has only one step that thinning removes."""
    percents = (5.0, 10.0, *(20.0 if n % 2 == 0 else 0.0 for n in range(2, MAX_PERCENT_RUNS)))
    full = grown(*enumerate(percents))
    assert len(full.runs) == MAX_PERCENT_RUNS
    after = full.append(at(MAX_PERCENT_RUNS + 60).timestamp(), 50.0, MOST.total_seconds())
    assert len(after.runs) <= MAX_PERCENT_RUNS
    assert after.runs[-1].percent == 50.0
    assert after.since == full.since


def test_history_is_small() -> None:
    """A hundred orgs with two windows each take less than two mebibytes after any time."""
    zigzag = grown(*((n, float(n % 2)) for n in range(5000)))
    assert len(zigzag.packed) * 200 < 2 << 20


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(-5, 10), st.one_of(st.none(), st.floats(0, 200))), min_size=1, max_size=60)
)
def test_runs_never_overlap(polls: list[Sample]) -> None:
    """With any clock, runs are in order without an overlap, and the newest figure is kept."""
    minutes = 0.0
    samples: list[Sample] = [(0.0, 1.0)]
    for pause, percent in polls:
        minutes += pause
        samples.append((minutes, percent))
    runs = grown(*samples).runs
    assert all(one.first <= one.last <= two.first for one, two in pairwise(runs))
    if (newest := samples[-1][1]) is not None:
        assert runs[-1].percent == newest


# Changes of an org's histories by a poll.


def after(before: Histories, part: Reply | Failure | None, minutes: float) -> Histories:
    """Return the histories after a poll at that minute."""
    return append_to_histories(before, part, at(minutes), MOST)


def read(minutes: float, *windows: Window) -> Reply:
    """Return a usage reply with these windows."""
    return reply(Endpoint.USAGE, minutes, Plan(windows))


def test_plan_wide_windows_have_histories() -> None:
    """Each plan-wide window with a figure has a history by its label; other windows have none."""
    found = after({}, read(0, five_hour(41), weekly(None), fable(12)), 0)
    assert {label: spelled(history) for label, history in found.items()} == {"5-hour": [(41, 0, 0)]}


def test_histories_grow_with_every_reply() -> None:
    """Each window's history grows by itself, at the time of its reply."""
    found = after({}, read(0, five_hour(41), weekly(71)), 0)
    found = after(found, read(1, five_hour(42), weekly(71)), 1.2)
    assert spelled(found["5-hour"]) == [(41, 0, 0), (42, 1, 1)]
    assert spelled(found["7-day all"]) == [(71, 0, 1)]


@pytest.mark.parametrize(
    "part",
    [failed(Endpoint.USAGE, 1), reply(Endpoint.USAGE, 1, None), read(1), read(1, five_hour(None))],
    ids=["failure", "no such thing", "no windows", "no figure"],
)
def test_poll_without_a_figure_is_a_gap(part: Reply | Failure) -> None:
    """A failed reply, one without windows and a window without a percentage are gaps, not zeros."""
    found = after(after({}, read(0, five_hour(41)), 0), part, 1)
    assert spelled(found["5-hour"]) == [(41, 0, 0), (None, 0, 1)]


def test_missing_window_is_a_gap_beside_others() -> None:
    """The histories of the other windows continue."""
    found = after({}, read(0, five_hour(41), weekly(71)), 0)
    found = after(found, read(1, weekly(72)), 1)
    assert spelled(found["5-hour"])[-1] == (None, 0, 1)
    assert spelled(found["7-day all"])[-1] == (72, 1, 1)


def test_unrequested_reply_changes_nothing() -> None:
    """A poll without a usage request changes no history."""
    found = after({}, read(0, five_hour(41)), 0)
    assert after(found, None, 9) is found


def test_histories_of_an_odd_reply_stay_few() -> None:
    """A reply with any number of plan-wide windows makes only a few histories."""
    odd = (Window(f"session {n}", f"session {n}", WindowKind.SESSION, float(n)) for n in range(50))
    assert len(after({}, read(0, *odd), 0)) == MAX_HISTORIES


def test_gap_is_no_number() -> None:
    """A gap in a history differs from every percentage."""
    gap = grown((0, 5), (1, None)).runs[-1]
    assert isnan(gap.percent)
    assert gap.is_gap
