"""Spending rates, and the cases without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.forecast import compute_rate_since, compute_spend_rate
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import MAX_FALLS, ValueRun
from tests.model.poll_sequences import (
    MOST,
    NOON,
    POLLS,
    STEADY,
    STEPS,
    Polls,
    followed,
    minutes,
    polled,
    rising,
    summed,
)
from tests.model.values import usd


@pytest.mark.parametrize(
    ("cents", "ago", "values"),
    [
        (600, 30, rising(61)),
        (1200, 30, [*rising(31), *rising(30, 20, 320)]),
        (1200, 12, [*rising(31), *rising(30, 20, 320)]),
        (None, 9, rising(61)),
        (None, 12, [*rising(40), *[390] * 20, 391]),
        (None, 40, [*rising(31), *[None] * 7, *rising(31, 10, 400)]),
        (None, 45, [*rising(20), *[190] * 41]),
    ],
    ids=[
        "even",
        "faster since",
        "faster for long",
        "too short",
        "too few changes",
        "a gap since",
        "steady now",
    ],
)
def test_rate_since_a_moment_ignores_earlier_spending(
    cents: int | None, ago: float, values: list[int | None]
) -> None:
    """Spending before the moment does not count, and too little data give no rate."""
    found = compute_rate_since(polled(*values), NOON - minutes(ago), NOON)
    assert found == (usd(cents) if cents is not None else None)


@pytest.mark.parametrize(("early", "cents"), [(0.08, 600), (59, 600), (61, None)])
def test_rate_since_another_reply_of_the_first_poll(early: float, cents: int | None) -> None:
    """A moment from the usage reply matches the credits reply that came just after it in the same poll."""
    first = NOON - minutes(60) - timedelta(seconds=early)
    assert compute_rate_since(polled(*rising(61)), first, NOON) == (usd(cents) if cents is not None else None)


@pytest.mark.parametrize(
    ("recent", "run", "values"),
    [
        (600, 600, rising(31)),
        (600, 600, rising(61)),
        (600, 600, rising(11)),
        (1200, 800, [*rising(61), *rising(30, 20, 620)]),
        (None, 46, [*rising(5), *[40] * 37, 45, *[46] * 18]),
        (600, 600, [999, *rising(21)]),
        (600, 600, [*rising(12, 10, 500), *rising(21)]),
        (600, 600, [*rising(20), None, *rising(20, 10, 210)]),
        (600, 600, [*rising(12, 70), *[None] * 7, *rising(21, 10, 5000)]),
        (600, 600, [*rising(20), 0, *rising(20, 10, 210)]),
        (60, 60, [*[0] * 10, *[10] * 10, *[20] * 10, 30]),
        (600, 600, [*rising(20), None, None, None, *rising(20, 10, 230)]),
        (1800, 1800, [*[600] * 12, *rising(25, 30)]),
        (None, 51, [*rising(5), *[40] * 32, 0, *[40] * 5, *[45] * 6, *[46] * 6]),
    ],
    ids=[
        "half an hour",
        "an hour",
        "ten minutes",
        "faster of late",
        "too few changes of late",
        "a reset before",
        "a reset on the way",
        "one poll failed",
        "a long gap",
        "a placeholder",
        "rare changes",
        "three polls failed",
        "a reset that is made up for",
        "too few changes beside a placeholder",
    ],
)
def test_spend_rate_is_per_hour(recent: int | None, run: int, values: list[int | None]) -> None:
    """The rate is per hour, over the last 30 minutes and since the figure started."""
    rate = compute_spend_rate(polled(*values), NOON)
    assert rate is not None
    assert (rate.recent_rate and round(rate.recent_rate.minor)) == recent
    assert round(rate.overall_rate.minor) == run


@pytest.mark.parametrize(
    ("values", "every"),
    [
        ([], 1),
        ([100], 1),
        ([None, None], 1),
        ([5] * 60, 1),
        (rising(10), 1),
        ([0, *[10] * 10, *[20] * 10], 1),
        ([*rising(60), *[590] * 31], 1),
        ([*rising(60), *[590] * 20, None, *[590] * 15], 1),
        ([*[10] * 6, 0, *[10] * 6, *[20] * 3, *[30] * 3], 1),
        ([*rising(60), 0], 1),
        ([*rising(60), *[None] * 7], 1),
        ([*rising(60), *[None] * 7, *rising(10, 10, 600)], 1),
        (rising(60), 6),
        ([*rising(60), *[None] * 20], 1),
    ],
    ids=[
        "nothing",
        "one value",
        "gaps only",
        "steady",
        "under ten minutes",
        "two changes",
        "steady for half an hour",
        "steady beside a failed poll",
        "two changes and a placeholder",
        "just reset",
        "in a gap",
        "just after a gap",
        "every poll after a gap",
        "long out of date",
    ],
)
def test_spend_rate_needs_enough_data(values: list[int | None], every: float) -> None:
    """There is no rate from under ten minutes or three changes, or just after a fresh start."""
    assert compute_spend_rate(polled(*values, every=every), NOON) is None


@pytest.mark.parametrize(
    ("expected", "off"), [(True, 0), (True, 15), (False, 15.1), (True, -0.5), (False, -2), (False, -90)]
)
def test_spend_rate_needs_current_figures(expected: bool, off: float) -> None:  # noqa: FBT001
    """Old figures, and future ones after a clock change, give no rate."""
    assert (compute_spend_rate(polled(*rising(40)), NOON + minutes(off)) is not None) is expected


def test_spend_rate_ends_half_an_hour_after_the_last_rise() -> None:
    """A last rise of half an hour ago gives no rate, even without a later poll."""
    series = polled(*rising(40), *[390] * 20)
    assert compute_spend_rate(series, NOON + minutes(9)) is not None
    assert compute_spend_rate(series, NOON + minutes(11)) is None


def test_monotonic_rise_stays_small() -> None:
    """The memory of a rise does not grow with the number of falls."""
    climb = polled(*range(100, 0, -1)).monotonic_rise
    assert climb is not None
    assert climb.fall_count <= MAX_FALLS


def test_two_placeholders_in_a_row_are_no_spending() -> None:
    """A figure that falls twice and returns has not risen."""
    climb = polled(5000, 10, 0, 5000).monotonic_rise
    assert climb is not None
    assert (climb.first_minor, climb.rise_count) == (Decimal(5000), 0)


def test_spend_rate_restarts_after_a_clock_set_back() -> None:
    """Spending before the clock was set back has no known duration, and does not count."""
    back = NOON - minutes(30)
    series = polled(*rising(60, 500), *[29_500] * 40)
    for index in range(21):
        series = series.append(back + minutes(index), MeterOrigin.OVERAGE, usd(35_000 + 10 * index), MOST)
    rate = compute_spend_rate(series, back + minutes(20))
    assert rate is not None
    assert (rate.since, rate.recent_rate) == (back, usd(600))


def test_spend_rate_is_in_the_unit_of_the_series() -> None:
    """Currency and exponent of the rate are those of the samples."""
    series = replace(polled(*rising(31)), unit=("JPY", 0))
    rate = compute_spend_rate(series, NOON)
    assert rate is not None
    assert rate.recent_rate == Money(Decimal(600), "JPY", 0)


@pytest.mark.parametrize(
    ("spread", "values"), [(0.5, rising(5)), (0.1, rising(101)), (0.82, [0, 1, 2, 92, 112])]
)
def test_spend_rate_has_its_uncertainty(spread: float, values: list[int]) -> None:
    """The uncertainty is one over the root of the changes if they are equal, more if one is larger."""
    rate = compute_spend_rate(polled(*values, every=2.5 if len(values) < 10 else 0.2), NOON)
    assert rate is not None
    assert round(rate.relative_error, 2) == spread


@STEADY
@given(STEPS, st.integers(0, 900))
def test_spend_rate_needs_its_least(steps: list[tuple[int, int]], later: int) -> None:
    """A rate needs at least three changes in ten minutes, and never exceeds the spending."""
    series, last = followed(summed(steps))
    speed = compute_spend_rate(series, last + timedelta(seconds=later))
    if speed is not None:
        values = [run.minor for run in series.runs if run.minor is not None]
        hours = Decimal((speed.at - speed.since) / timedelta(hours=1))
        assert len(values) > 3
        assert speed.at - speed.since >= minutes(10)
        assert round(speed.overall_rate.minor * hours, 3) <= values[-1]


@STEADY
@given(st.one_of(POLLS, STEPS.map(summed)))
def test_climb_is_what_a_walk_back_finds(polls: Polls) -> None:
    """The rise that is updated step by step equals the one from a scan of every poll."""
    series, _ = followed(polls)
    read = [(at, value) for at, value in timed(polls) if value is not None]
    climb = series.monotonic_rise
    assert (None if climb is None else (climb.first, climb.first_minor, climb.rise_count)) == walked(read)


def timed(polls: Polls) -> list[tuple[datetime, Decimal | int | None]]:
    """Return each poll with its time."""
    pauses = [timedelta(seconds=pause) for pause, _ in polls]
    return [(NOON + sum(pauses[: n + 1], timedelta()), value) for n, (_, value) in enumerate(polls)]


def walked(read: list[tuple[datetime, Decimal | int]]) -> tuple[datetime, Decimal | int, int] | None:
    """Return the start of the newest rise and its number of rises, from the newest poll back."""
    if not read:
        return None
    kept = [read[-1]]
    for at, value in reversed(read[:-1]):
        later, low = kept[-1]
        if not timedelta(0) <= later - at <= minutes(5) or (later == at and value != low):
            break
        if value > low:  # A fall, unless the figure returned with the next different value.
            back = next((one for _, one in reversed(kept) if one != low), None)
            if back is None or back < value:
                break
            while kept[-1][1] == low:
                kept.pop()
        kept.append((at, value))
    changes = sum(newer > older for (_, newer), (_, older) in pairwise(kept))
    return (*kept[-1], changes)


def test_spend_rate_reads_the_last_half_hour_only() -> None:
    """After a month the rate costs as much as after an hour, because older samples are not read."""
    series = polled(*rising(1500))
    untouchable = [cast("ValueRun", None)] * 1460
    assert compute_spend_rate(replace(series, runs=(*untouchable, *series.runs[-40:])), NOON) is not None
