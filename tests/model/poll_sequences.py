"""Samples of `used_credits` in sequences of polls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.time_series import CreditSeries
from tests.model.values import usd

NOON = datetime(2026, 4, 25, 12, tzinfo=UTC)
MOST = timedelta(minutes=2.5)
"""A longer pause is a gap."""

STEADY = settings(deadline=None, derandomize=True, max_examples=200)
"""The same examples each time, however slow the machine."""
CENTS = st.one_of(st.none(), st.integers(0, 10**6), st.decimals(0, 10**9, places=3, allow_nan=False))
PAUSES = st.one_of(st.integers(-7200, 7200), st.sampled_from([0, 60, 60, 60]))
POLLS = st.lists(st.tuples(PAUSES, CENTS), max_size=80)
STEPS = st.lists(st.tuples(st.integers(40, 150), st.integers(0, 50)), min_size=8, max_size=60)

Polls = list[tuple[int, Decimal | int | None]]
"""Seconds since the last poll, and the value in cents; None is a poll that read nothing."""


def minutes(count: float) -> timedelta:
    """Return a time span of so many minutes."""
    return timedelta(minutes=count)


def polled(*cents: int | None, every: float = 1, end: datetime = NOON) -> CreditSeries:
    """Return the series after these polls, the last one at `end`; None is a poll that read nothing."""
    series = CreditSeries()
    for index, value in enumerate(cents):
        at = end - minutes(every) * (len(cents) - 1 - index)
        series = (
            series.append_gap(at)
            if value is None
            else series.append(at, MeterOrigin.OVERAGE, usd(value), MOST)
        )
    return series


def rising(count: int, step: int = 10, start: int = 0) -> list[int]:
    """Return values that rise by `step` each."""
    return [start + step * index for index in range(count)]


def followed(polls: Polls) -> tuple[CreditSeries, datetime]:
    """Return the series of these pauses (seconds) and values, and the time of the last."""
    series, now = CreditSeries(), NOON
    for pause, value in polls:
        now += timedelta(seconds=pause)
        series = (
            series.append_gap(now)
            if value is None
            else series.append(now, MeterOrigin.OVERAGE, usd(value), MOST)
        )
    return series, now


def summed(steps: list[tuple[int, int]]) -> Polls:
    """Return polls of a figure that only rises."""
    return [(pause, sum(rise for _, rise in steps[: index + 1])) for index, (pause, _) in enumerate(steps)]
