"""Archived figures: put before those of the run, never over them, and thinned."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import (
    MAX_ARCHIVED_SLOTS,
    ArchivedSeries,
    CreditSeries,
    Histories,
    PercentHistory,
)
from tests.archives import archive_credits, archive_percents, simulate_archive
from tests.model.poll_sequences import STEADY
from tests.model.readings import START, at
from tests.model.values import usd

MOST = timedelta(minutes=2.5)
LIVE = CreditSeries().append(START, MeterOrigin.OVERAGE, usd(500), MOST)
LIVE = LIVE.append(at(1), MeterOrigin.OVERAGE, usd(520), MOST)
"""A run of two polls: $5.00 at the start, $5.20 a minute later."""
LIVE_HISTORY = PercentHistory.start(START.timestamp(), 20).append(at(1).timestamp(), 22, 150)

Minutes = list[tuple[int | None, float, float]]
"""Runs: a value, None for a gap, and both times in minutes after the start."""


def archive(*runs: tuple[int | None, float, float], **series: object) -> ArchivedSeries:
    """Return archived credits and percentages of these runs."""
    timed = [(value, at(first), at(last)) for value, first, last in runs]
    credits = archive_credits(*timed, **series)  # type: ignore[arg-type]
    return ArchivedSeries(at(-100), at(0), credits, {"5-hour": archive_percents(*timed)} if timed else {})


def spell_credits(series: CreditSeries) -> Minutes:
    """Return the runs of credits with times in minutes."""
    minute = timedelta(minutes=1)
    return [
        (
            None if run.minor is None else int(run.minor),
            (run.first - START) / minute,
            (run.last - START) / minute,
        )
        for run in series.runs
    ]


def spell_percents(history: PercentHistory) -> Minutes:
    """Return the runs of percentages with times in minutes."""
    start = START.timestamp()
    return [
        (None if run.is_gap else int(run.percent), (run.first - start) / 60, (run.last - start) / 60)
        for run in history.runs
    ]


CASES: list[tuple[Minutes, Minutes]] = [
    # An archive that ends just before the run, or a restart of two minutes.
    ([(7, -60, -30), (9, -30, 0)], [(7, -60, -30), (9, -30, 0)]),
    ([(7, -60, -2)], [(7, -60, -2)]),
    # A longer pause.
    ([(7, -60, -3), (None, -3, 0)], [(7, -60, -3)]),
    # A gap at the end, and gaps before it.
    ([(7, -60, -30), (None, -30, 0)], [(7, -60, -30), (None, -30, -5)]),
    ([(7, -60, -30), (None, -30, -9), (8, -9, -1)], [(7, -60, -30), (None, -30, -9), (8, -9, -1)]),
    # Archived figures of the run's own time, also of a moment before its start.
    ([(7, -60, 0)], [(7, -60, 1)]),
    ([(7, -60, 0)], [(7, -60, 0), (9, 0, 1), (8, 1, 2)]),
    # Only a gap, which begins before the span of the archive.
    ([(None, -900, 0)], [(None, -900, -1)]),
    ([], [(9, 0, 1)]),
    ([], []),
]
"""Archived runs that are drawn before those of the run, and all archived runs."""


@pytest.mark.parametrize(("expected", "archived"), CASES)
def test_archived_credits_come_before_the_run(expected: Minutes, archived: Minutes) -> None:
    """Only what is before the run is taken; the run itself stays, and a longer pause is a gap."""
    extended = archive(*archived).extend_credits(LIVE, MOST)
    assert spell_credits(extended) == [*expected, *spell_credits(LIVE)]
    assert extended.monotonic_rise == LIVE.monotonic_rise


@pytest.mark.parametrize(("expected", "archived"), CASES)
def test_archived_percentages_come_before_the_run(expected: Minutes, archived: Minutes) -> None:
    """The same rules hold for the windows."""
    extended = archive(*archived).extend_histories({"5-hour": LIVE_HISTORY}, MOST)
    assert spell_percents(extended["5-hour"]) == [*expected, *spell_percents(LIVE_HISTORY)]


@pytest.mark.parametrize(
    "archived",
    [
        archive((7, -60, -1), unit=("EUR", 2)),
        archive((7, -60, -1), unit=("USD", 3)),
        archive((7, -60, -1), origin=MeterOrigin.OWN_OVERAGE),
    ],
)
def test_other_money_is_not_mixed_in(archived: ArchivedSeries) -> None:
    """Credits in another currency or of another source are left out; the windows are still extended."""
    assert archived.extend_credits(LIVE, MOST) is LIVE
    assert len(archived.extend_histories({"5-hour": LIVE_HISTORY}, MOST)["5-hour"].runs) == 3


def test_archive_alone_is_shown_before_the_first_figure() -> None:
    """Before the run has figures, those of the archive are used, with the amount spent in them."""
    archived = archive((5, -60, -30), (9, -30, -20), (2, -20, -10), (4, -10, -1))
    extended = archived.extend_credits(CreditSeries(), MOST)
    assert spell_credits(extended) == spell_credits(archived.credits)
    assert extended.spent == usd(6)
    assert archived.extend_histories({}, MOST) == archived.histories


def test_window_that_only_has_a_gap_is_left_out() -> None:
    """A window of which neither the run nor the span has a figure is not drawn."""
    archived = archive((None, -900, -1))
    assert archived.extend_histories({}, MOST) == {}
    assert not archived.histories["5-hour"].has_changed
    assert not archive((None, -900, -60), (5, -60, -1)).histories["5-hour"].has_changed


def test_spent_amount_counts_rises_across_the_start_of_the_run() -> None:
    """Rises in the archive, between it and the run, and in the run are added up; a reset is not."""
    archived = archive((300, -60, -40), (450, -40, -20), (None, -20, -10), (30, -10, -9))
    extended = archived.extend_credits(LIVE, MOST)
    assert extended.spent == usd(150 + 470 + 20)
    assert extended.compute_spent_since(at(-1000)) == extended.spent
    assert extended.compute_spent_since(at(-15)) == usd(470 + 20)


def test_windows_of_the_archive_follow_those_of_the_run() -> None:
    """A window that the plan no longer has is still drawn, after the others, and never more than four."""
    old: Histories = {
        name: archive_percents((7, at(-60), at(-30))) for name in ("a", "5-hour", "b", "c", "d")
    }
    archived = ArchivedSeries(at(-100), at(0), CreditSeries(), old)
    assert list(archived.extend_histories({"5-hour": LIVE_HISTORY}, MOST)) == ["5-hour", "a", "b", "c"]


def test_thinned_archive_is_small_and_keeps_its_ends() -> None:
    """A year of readings is at most four runs a slot, with the first and the last one."""
    whole = simulate_archive(START, 365, off=[(at(-90_000), at(-70_000))])
    thinned = whole.thin()
    pairs = [(whole.credits.runs, thinned.credits.runs)]
    pairs += [(whole.histories[it].runs, thinned.histories[it].runs) for it in whole.histories]  # type: ignore[misc]
    assert len(whole.histories["5-hour"].runs) > 4 * MAX_ARCHIVED_SLOTS
    for before, after in pairs:
        assert len(after) <= 4 * MAX_ARCHIVED_SLOTS
        assert repr((before[0], before[-1])) == repr((after[0], after[-1]))
    assert {run.first for run in thinned.credits.runs if run.minor is None} == {
        run.first for run in whole.credits.runs if run.minor is None
    }
    first, last = whole.credits.runs[0].first, whole.credits.runs[-1].last
    assert (thinned.since, thinned.until) == (first, last)


def test_thinned_archive_keeps_the_spent_amount() -> None:
    """A monthly reset within a slot hides no spending."""
    whole = simulate_archive(START, 365).credits
    thinned = simulate_archive(START, 365).thin().credits
    spent = whole.compute_spent_since(whole.runs[0].first)
    assert spent.minor > 5_000
    assert thinned.compute_spent_since(thinned.runs[0].first) == spent


@STEADY
@given(
    st.lists(st.tuples(st.integers(1, 5000), st.one_of(st.none(), st.integers(0, 100))), min_size=1),
    st.integers(1, 20),
)
def test_thinning_keeps_every_extreme(steps: list[tuple[int, int | None]], scale: int) -> None:
    """Each slot keeps its highest and lowest value; long gaps stay; nothing new appears."""
    runs, minute = [], 0
    for length, value in steps:
        runs.append((value, at(minute), at(minute + length)))
        minute += length
    until = at(minute * scale)
    archived = ArchivedSeries(START, until, archive_credits(*runs), {"5-hour": archive_percents(*runs)})
    thinned = archived.thin()
    width = (until - START) / MAX_ARCHIVED_SLOTS
    before, after = archived.credits.runs, thinned.credits.runs
    assert set(after) <= set(before)
    assert all(one.first < two.first for one, two in pairwise(after))
    slots = {int((run.first - START) / width) for run in before}
    for slot in slots:
        inside = [run.minor for run in before if int((run.first - START) / width) == slot]
        kept = [run.minor for run in after if int((run.first - START) / width) == slot]
        known, left = ([it for it in values if it is not None] for values in (inside, kept))
        assert (min(known), max(known)) == (min(left), max(left)) if known else not left
        assert len(kept) <= 4
    gaps = {run for run in before if run.minor is None and run.last - run.first > width}
    assert gaps <= set(after)
    credits = [(None if run.minor is None else float(run.minor)) for run in thinned.credits.runs]
    percents = [None if run.is_gap else run.percent for run in thinned.histories["5-hour"].runs]
    assert credits == percents


def test_archive_of_no_time_is_not_thinned() -> None:
    """A span that ends before it starts, after a jump of the clock, is left as it is."""
    archived = ArchivedSeries(at(5), at(0), archive_credits((7, at(0), at(1))), {})
    assert archived.thin() is archived
    assert archived.credits.spent == Money(Decimal(0), "USD")
