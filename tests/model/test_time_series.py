"""Samples: rises, gaps, new series, clocks set back, and the bound."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import MAX_VALUE_RUNS, CreditSeries, ValueRun
from tests.model.readings import START, at
from tests.model.values import usd

MINUTE = timedelta(minutes=1)
MOST = 2.5 * MINUTE

Sample = tuple[float, int | None]
"""Minutes after the start, and the cents; None is a poll that read nothing."""


def grown(series: CreditSeries, *samples: Sample) -> CreditSeries:
    """Return the series after some more polls."""
    for minutes, cents in samples:
        series = (
            series.append_gap(at(minutes))
            if cents is None
            else series.append(at(minutes), MeterOrigin.OWN_OVERAGE, usd(cents), MOST)
        )
    return series


def spelled(series: CreditSeries) -> list[tuple[int | None, float, float]]:
    """Return every run as its cents and its two times in minutes."""
    return [
        (
            None if run.minor is None else int(run.minor),
            (run.first - START) / MINUTE,
            (run.last - START) / MINUTE,
        )
        for run in series.runs
    ]


@pytest.mark.parametrize(
    ("expected", "samples"),
    [
        ([], []),
        ([(5, 0, 0)], [(0, 5)]),
        ([(5, 0, 2)], [(0, 5), (1, 5), (2, 5)]),
        ([(5, 0, 1), (7, 2, 3)], [(0, 5), (1, 5), (2, 7), (3, 7)]),
        ([(5, 0, 0), (3, 1, 1)], [(0, 5), (1, 3)]),
        ([(5, 0, 2.5)], [(0, 5), (2.5, 5)]),
        ([(5, 0, 0), (None, 0, 2.6), (5, 2.6, 2.6)], [(0, 5), (2.6, 5)]),
        ([(5, 0, 0), (None, 0, 9), (7, 9, 10)], [(0, 5), (9, 7), (10, 7)]),
        ([(5, 0, 0), (None, 0, 1)], [(0, 5), (1, None)]),
        ([(5, 0, 0), (None, 0, 3)], [(0, 5), (1, None), (2, None), (3, None)]),
        ([(5, 0, 0), (None, 0, 2), (5, 2, 2)], [(0, 5), (1, None), (2, 5)]),
        ([(5, 0, 0), (None, 0, 9), (5, 9, 9)], [(0, 5), (1, None), (9, 5)]),
        ([], [(0, None)]),
        ([(5, 1, 1)], [(0, None), (1, 5)]),
        ([(5, 0, 1)], [(0, 5), (1, 5), (1, None)]),
        ([(5, 0, 1)], [(0, 5), (1, 5), (0, None)]),
        ([(5, 0, 1)], [(0, 5), (1, 5), (1, 5)]),
    ],
)
def test_runs_join_what_is_equal_and_keep_gaps(
    expected: list[tuple[int | None, float, float]], samples: list[Sample]
) -> None:
    """Equal values are one run, and a pause or a poll without a figure is a gap up to the next figure."""
    assert expected == spelled(grown(CreditSeries(), *samples))


@pytest.mark.parametrize(
    ("expected", "samples"),
    [
        (0, [(0, 500)]),
        (0, [(0, 500), (1, 500)]),
        (7, [(0, 500), (1, 502), (2, 507)]),
        (3, [(0, 500), (1, 0), (2, 3)]),
        (9, [(0, 500), (1, 506), (2, 500), (3, 503)]),
        (10, [(0, 500), (1, 506), (2, 0), (3, 0), (4, 510)]),
        (518, [(0, 500), (1, 506), (2, 0), (3, 2), (4, 512)]),
        (4, [(0, 500), (1, None), (2, 504)]),
        (4, [(0, 500), (60, 504)]),
        (4, [(5, 500), (1, 504)]),
        (4, [(5, 500), (6, 500), (5, 500), (7, 504)]),
    ],
)
def test_rise_sums_the_rises_only(expected: int, samples: list[Sample]) -> None:
    """A rise counts across gaps and clock changes; a month's end or a placeholder adds nothing."""
    assert usd(expected) == grown(CreditSeries(), *samples).spent


@pytest.mark.parametrize(
    ("origin", "used"),
    [
        (MeterOrigin.OVERAGE, usd(900)),
        (MeterOrigin.OWN_OVERAGE, Money(Decimal(900), "EUR")),
        (MeterOrigin.OWN_OVERAGE, Money(Decimal(900), "USD", 3)),
    ],
)
def test_series_restarts_for_another_reply_or_unit(origin: MeterOrigin, used: Money) -> None:
    """The difference between two replies, currencies or exponents is no spending."""
    before = grown(CreditSeries(), (0, 500), (1, 510))
    expected = CreditSeries(origin, used.unit, (ValueRun(used.minor, at(2), at(2)),), Decimal(0))
    assert expected == before.append(at(2), origin, used, MOST)


@pytest.mark.parametrize(
    ("expected", "back"),
    [
        ([(5, 0, 1), (7, 2, 3.5), (8, 3.5, 3.5)], (3.5, 8)),
        ([(5, 0, 1), (7, 2, 3.5)], (3.5, 7)),
        ([(5, 0, 1), (8, 1.5, 1.5)], (1.5, 8)),
        ([(5, 0, 1), (8, 2, 2)], (2, 8)),
        ([(5, 0, 0.5)], (0.5, 5)),
        ([(8, 0, 0)], (0, 8)),
        ([(8, -60, -60)], (-60, 8)),
    ],
)
def test_clock_set_back_removes_the_repeated_time(
    expected: list[tuple[int | None, float, float]], back: Sample
) -> None:
    """After a clock was set back no run is later than the newest sample, and none overlaps another."""
    before = grown(CreditSeries(), (0, 5), (1, 5), (2, 7), (4, 7))
    assert expected == spelled(grown(before, back))


def test_clock_set_back_into_a_gap_ends_it_there() -> None:
    """A gap that the clock repeats in part ends at the new sample."""
    before = grown(CreditSeries(), (0, 5), (1, None), (6, 7))
    expected = [(5, 0, 0), (None, 0, 3), (7, 3, 3)]
    assert expected == spelled(grown(before, (3, 7)))


@pytest.mark.parametrize(
    ("expected", "minutes"),
    [(12, -5), (12, 0), (12, 0.5), (7, 1), (7, 1.5), (4, 2), (4, 5), (4, 6.9), (0, 7), (0, 99)],
)
def test_rise_from_a_moment_ignores_earlier_rises(expected: int, minutes: float) -> None:
    """A rise counts from the moment at which it was seen, also across a gap; a fall never subtracts."""
    series = grown(CreditSeries(), (0, 500), (1, 505), (2, 508), (3, 400), (4, None), (6, None), (7, 404))
    assert usd(expected) == series.compute_spent_since(at(minutes))


@pytest.mark.parametrize(
    ("runs", "spent", "minutes"),
    [
        ([(5, 0, 1), (7, 2, 2), (None, 2, 4), (9, 4, 4)], 4, -1),
        ([(5, 1, 1), (7, 2, 2), (None, 2, 4), (9, 4, 4)], 4, 1),
        ([(5, 1.5, 1.5), (7, 2, 2), (None, 2, 4), (9, 4, 4)], 4, 1.5),
        ([(9, 4, 4)], 0, 3),
        ([(9, 5, 5)], 0, 5),
    ],
)
def test_series_from_a_moment_has_no_earlier_rise(
    runs: list[tuple[int | None, float, float]], spent: int, minutes: float
) -> None:
    """The run that holds at the moment begins there, a gap is left out, and only later rises count."""
    whole = grown(CreditSeries(), (0, 5), (1, 5), (2, 7), (3, None), (4, 9))
    cut = whole.begin_at(at(minutes))
    assert runs == spelled(cut)
    assert spent == cut.spent.minor


@pytest.mark.parametrize("minutes", [-60, 2, 2.5])
def test_series_of_a_restart_has_no_earlier_rise(minutes: float) -> None:
    """Once only the last run is kept, the rises before it are in no amount, whatever the moment."""
    before = grown(CreditSeries(), (0, 500), (1, 550), (2, 560))
    series = grown(before.keep_last_run(), (3, 600))
    assert (usd(40), usd(40)) == (series.spent, series.compute_spent_since(at(minutes)))
    assert before.total_rise + 40 == series.total_rise


def test_rise_of_nothing_is_nothing() -> None:
    """A series without samples has no rise."""
    assert CreditSeries().compute_spent_since(START).minor == 0


def test_series_never_exceeds_its_bound() -> None:
    """A rise a minute for two days leaves at most the bound, with the first and the newest run."""
    series = grown(CreditSeries(), *((minute, minute) for minute in range(3000)))
    assert len(series.runs) <= MAX_VALUE_RUNS
    assert (START, at(2999)) == (series.runs[0].first, series.runs[-1].last)
    assert usd(2999) == series.spent


def test_thinning_keeps_the_newer_half() -> None:
    """One run too many removes every second run of the older half, and extends the one before it."""
    series = grown(CreditSeries(), *((minute, minute) for minute in range(MAX_VALUE_RUNS + 1)))
    older = [(n, n, n + 1) for n in range(0, MAX_VALUE_RUNS // 2, 2)]
    newer = [(n, n, n) for n in range(MAX_VALUE_RUNS // 2, MAX_VALUE_RUNS + 1)]
    assert older + newer == spelled(series)


def test_thinning_keeps_gaps() -> None:
    """Thinning removes values before gaps: each gap is kept with its times."""
    first = ValueRun(Decimal(0), START, START)
    gap = ValueRun(None, START, at(1))
    values = tuple(ValueRun(Decimal(n), at(n), at(n)) for n in range(1, MAX_VALUE_RUNS - 1))
    before = CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), (first, gap, *values))
    after = grown(before, (MAX_VALUE_RUNS - 1, 9999))
    assert (first, gap) == after.runs[:2]
    assert len(after.runs) < MAX_VALUE_RUNS


def test_pause_in_a_full_series_stays_within_the_bound() -> None:
    """A pause adds two runs, even if the older half has only one value that thinning removes."""
    half = MAX_VALUE_RUNS // 2
    runs = tuple(
        ValueRun(None if 0 < n < half and n % 2 == 0 else Decimal(n), at(n), at(n + 1))
        for n in range(MAX_VALUE_RUNS)
    )
    before = CreditSeries(MeterOrigin.OWN_OVERAGE, ("USD", 2), runs)
    after = grown(before, (MAX_VALUE_RUNS + 60, 9999))
    assert len(after.runs) <= MAX_VALUE_RUNS
    assert [START, at(MAX_VALUE_RUNS + 60)] == [after.runs[0].first, after.runs[-1].last]
    assert not any(one.minor is two.minor is None for one, two in pairwise(after.runs))


def test_series_of_gaps_and_lone_values_stays_bounded() -> None:
    """If every other poll fails, gaps merge over old values, and the series stays bounded."""
    samples = ((n, None if n % 2 else n) for n in range(5000))
    series = grown(CreditSeries(), *samples)
    kinds = [run.minor is None for run in series.runs]
    assert len(kinds) <= MAX_VALUE_RUNS
    assert not any(left and right for left, right in pairwise(kinds))
    assert [START, at(4999)] == [series.runs[0].first, series.runs[-1].last]
    assert usd(4998) == series.spent


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.floats(-5, 10), st.one_of(st.none(), st.integers(0, 20))),
        max_size=40,
    )
)
def test_runs_never_overlap(steps: list[tuple[float, int | None]]) -> None:
    """With any clock, runs are in order without an overlap, and no two gaps touch."""
    now, series = 0.0, CreditSeries()
    for minutes, cents in steps:
        now += minutes
        series = grown(series, (now, cents))
    for run, following in pairwise(series.runs):
        assert run.first <= run.last <= following.first
        assert not (run.minor is None and following.minor is None)
