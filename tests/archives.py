"""Archived figures for tests: a working life of any length, in the form that the archive returns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import nan

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.time_series import (
    ArchivedSeries,
    CreditSeries,
    PercentHistory,
    PercentRun,
    ValueRun,
)

FIVE_HOURS, STEP = timedelta(hours=5), timedelta(minutes=10)


def archive_credits(
    *runs: tuple[int | None, datetime, datetime],
    origin: MeterOrigin = MeterOrigin.OVERAGE,
    unit: tuple[str, int] = ("USD", 2),
) -> CreditSeries:
    """Return a series of these runs, in cents; None is a gap."""
    values = ((None if cents is None else Decimal(cents), first, last) for cents, first, last in runs)
    return CreditSeries(origin, unit, tuple(ValueRun(*value) for value in values))


def archive_percents(*runs: tuple[float | None, datetime, datetime]) -> PercentHistory:
    """Return a history of these runs; None is a gap."""
    return PercentHistory.from_runs(
        PercentRun(first.timestamp(), last.timestamp(), nan if percent is None else percent)
        for percent, first, last in runs
    )


def simulate_archive(
    until: datetime, days: float, *, off: Sequence[tuple[datetime, datetime]] = ()
) -> ArchivedSeries:
    """Return working days of ten hours: both windows with resets, credits by month, and gaps `off`.

    The days are random, and the same each time.
    """
    chance = random.Random(5)  # noqa: S311 - the same each time
    since = until - timedelta(days=days)
    session = week = cents = 0
    begun, month = since, since.month
    rows: list[tuple[datetime, tuple[int | None, int | None, int | None]]] = []
    for number in range(int((until - since) / STEP)):
        at = since + number * STEP
        if at - begun >= FIVE_HOURS:
            session, begun = 0, at
        if at.weekday() == 1 and at.hour == 14 and at.minute < 10:
            week = 0
        if at.month != month:
            cents, month = 0, at.month
        if at.weekday() < 5 and 9 <= at.hour < 19 and chance.random() < 0.7:
            session = min(100, session + chance.choice((0, 4, 9)))
            week = min(100, week + chance.choice((0, 0, 1)))
            cents = min(5000, cents + (chance.randrange(5, 40) if session == 100 else 0))
        known = not any(begin <= at < end for begin, end in off)
        rows.append((at, (cents, session, week) if known else (None, None, None)))
    credits, *percents = (_join(rows, column) for column in range(3))
    labels = ("5-hour", "7-day all")
    histories = {label: archive_percents(*runs) for label, runs in zip(labels, percents, strict=True)}
    return ArchivedSeries(since, until, archive_credits(*credits), histories)


def _join(
    rows: Sequence[tuple[datetime, tuple[int | None, ...]]], column: int
) -> list[tuple[int | None, datetime, datetime]]:
    """Return the runs of a column."""
    runs: list[tuple[int | None, datetime, datetime]] = []
    for at, values in rows:
        value = values[column]
        if runs and runs[-1][0] == value:
            runs[-1] = (value, runs[-1][1], at + STEP)
        else:
            runs.append((value, at, at + STEP))
    return runs
