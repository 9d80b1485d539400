"""The use of an org since midnight: sums, gaps, samples and the currencies of several orgs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.model.catalogue import SESSION_LABEL, MeterOrigin
from claudemeter_tui.model.day import (
    MAX_DAY_SLOTS,
    DayUse,
    find_midnight,
    measure_day,
    sum_spending,
    thin_day,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.time_series import ArchivedSeries, CreditSeries, PercentHistory
from tests.archives import archive_credits, archive_percents
from tests.scenes import PERSONAL, store

MIDNIGHT = datetime(2026, 4, 25, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAUSE = timedelta(seconds=150)


def build_series(amounts: Sequence[int | None], start: datetime = MIDNIGHT) -> CreditSeries:
    """Return a series with one poll a minute; None is a failed one."""
    series = CreditSeries()
    for minute, cents in enumerate(amounts):
        at = start + minute * MINUTE
        used = Money(Decimal(cents or 0), "USD")
        series = (
            series.append_gap(at) if cents is None else series.append(at, MeterOrigin.OVERAGE, used, PAUSE)
        )
    return series


def build_state(series: CreditSeries, history: PercentHistory | None = None) -> OrgState:
    """Return an org with these figures of the run."""
    state = store(PERSONAL).orgs[0]
    return replace(state, series=series, histories={SESSION_LABEL: history} if history else {})


def measure(*amounts: int | None) -> DayUse:
    """Return the use of a day with one poll a minute from midnight on."""
    return measure_day(build_state(build_series(amounts)), None, MIDNIGHT)


@pytest.mark.parametrize(
    ("cents", "amounts"),
    [
        (0, (500, 500)),
        (30, (500, 510, 530)),
        (30, (500, None, 530)),
        (30, (500, 0, 500, 530)),
        (20, (500, 0, 20)),
    ],
)
def test_spending_is_the_sum_of_all_rises(cents: int, amounts: tuple[int | None, ...]) -> None:
    """A pause ends no rise, a fall to a placeholder and back is none, and a new month begins at zero."""
    spent = measure(*amounts).spent
    assert spent == Money(Decimal(cents), "USD")


def test_spending_before_midnight_is_not_of_today() -> None:
    """Only rises after midnight count."""
    series = build_series([100, 400, 500], MIDNIGHT - 2 * MINUTE)
    use = measure_day(build_state(series), None, MIDNIGHT)
    assert use.spent == Money(Decimal(0), "USD")
    assert use.spent_since == MIDNIGHT


def test_archive_fills_the_time_before_the_run() -> None:
    """The sum includes what was spent before this run, and what was spent between both."""
    archived = ArchivedSeries(MIDNIGHT, MIDNIGHT + HOUR, build_series([100, 140]), {})
    live = build_series([150, 160], MIDNIGHT + 3 * MINUTE)
    use = measure_day(build_state(live), archived, MIDNIGHT)
    assert use.spent == Money(Decimal(60), "USD")
    assert use.spent_since == MIDNIGHT


def test_day_begins_with_its_first_reading() -> None:
    """A gap at midnight is no reading, neither of the credits nor of the window."""
    start, first = MIDNIGHT - HOUR, MIDNIGHT + 7 * HOUR
    credits = archive_credits((None, start, first), (500, first, first + HOUR))
    percents = archive_percents((None, start, first), (40, first, first + HOUR))
    archived = ArchivedSeries(MIDNIGHT, first + HOUR, credits, {SESSION_LABEL: percents})
    use = measure_day(build_state(CreditSeries()), archived, MIDNIGHT)
    assert (use.since, use.spent_since) == (first, first)


@pytest.mark.parametrize("amounts", [(500, 500), (500, 510), ()])
def test_samples_are_always_those_of_the_window(amounts: tuple[int, ...]) -> None:
    """The samples are shares of 100 percent of the 5-hour window, whether credits were spent or not."""
    history = PercentHistory.start(MIDNIGHT.timestamp(), 40.0)
    history = history.append((MIDNIGHT + MINUTE).timestamp(), 60.0, 150)
    use = measure_day(build_state(build_series(amounts), history), None, MIDNIGHT)
    assert use.sample(MIDNIGHT, MIDNIGHT + 2 * MINUTE, 2) == [0.4, 0.6]
    assert use.since == MIDNIGHT


def test_org_without_the_window_has_no_samples() -> None:
    """Credits alone have a sum, and no figure in the unit of the window is invented from them."""
    use = measure(500, 530)
    assert (use.spans, use.since) == ((), None)
    assert use.sample(MIDNIGHT, MIDNIGHT + MINUTE, 2) == [None, None]
    assert use.spent == Money(Decimal(30), "USD")


def test_gap_is_a_gap() -> None:
    """A part without any reading has no sample, before the first and after the last reading, too."""
    history = PercentHistory.start(MIDNIGHT.timestamp(), 20.0).append_gap((MIDNIGHT + MINUTE).timestamp())
    for minute, percent in ((11, 75.0), (12, 130.0)):
        history = history.append((MIDNIGHT + minute * MINUTE).timestamp(), percent, 150)
    use = measure_day(build_state(build_series([]), history), None, MIDNIGHT)
    assert use.sample(MIDNIGHT - 2 * MINUTE, MIDNIGHT + 15 * MINUTE, 17) == [
        *[None] * 2,
        *[0.2],
        *[None] * 10,
        *[0.75, 1.0],
        *[None] * 2,
    ]


def test_sums_are_per_currency_and_personal() -> None:
    """Amounts of two currencies are never added, and those of a pool are not the person's."""
    uses = [
        DayUse(spent=Money(Decimal(30), "USD")),
        DayUse(spent=Money(Decimal(12), "USD")),
        DayUse(spent=Money(Decimal(7), "EUR")),
        DayUse(spent=Money(Decimal(900), "USD"), is_personal=False),
        DayUse(spent=Money(Decimal(0), "CAD")),
        DayUse(),
    ]
    assert sum_spending(uses) == (Money(Decimal(42), "USD"), Money(Decimal(7), "EUR"))


def test_day_of_an_archive_is_bounded() -> None:
    """However often a figure changed, a fixed number of runs is kept, and of the windows only one."""
    start = MIDNIGHT.timestamp()
    history = PercentHistory.from_runs(
        [run for minute in range(1400) for run in PercentHistory.start(start + 60 * minute, minute % 97).runs]
    )
    credits = replace(build_series([1]), runs=build_series(range(400)).runs)
    archived = ArchivedSeries(
        MIDNIGHT, MIDNIGHT + 24 * HOUR, credits, {SESSION_LABEL: history, "7-day all": history}
    )
    thinned = thin_day(archived)
    assert thinned is not None
    assert [*thinned.histories] == [SESSION_LABEL]
    assert len(thinned.histories[SESSION_LABEL].runs) <= 4 * MAX_DAY_SLOTS
    assert len(thinned.credits.runs) <= 4 * MAX_DAY_SLOTS
    assert thin_day(None) is None


@pytest.mark.parametrize(
    ("zone", "now", "midnight"),
    [
        ("UTC", "2026-04-25T14:48", "2026-04-25T00:00"),
        ("Asia/Kolkata", "2026-04-25T20:00", "2026-04-25T18:30"),
        ("America/New_York", "2026-03-08T20:00", "2026-03-08T05:00"),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00"),
    ],
)
def test_midnight_is_local(zone: str, now: str, midnight: str) -> None:
    """A day begins at the local midnight, also on days of 23 and 25 hours."""
    moment = datetime.fromisoformat(f"{now}+00:00")
    assert find_midnight(moment, ZoneInfo(zone)) == datetime.fromisoformat(f"{midnight}+00:00")
