"""Rates and forecasts in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claudemeter_tui.formatting import credits as words
from claudemeter_tui.model.forecast import LimitForecast, SpendLimit, SpendRate, compute_spend_rate
from claudemeter_tui.model.money import Money
from tests.bodies import usage_body
from tests.model.values import usd
from tests.scenes import LABORATORY, NOW, PERSONAL, OrgBodies, store

EARLY, LATE = datetime(2026, 4, 25, 17, 10, tzinfo=UTC), datetime(2026, 4, 25, 19, 40, tzinfo=UTC)
SINCE = datetime(2026, 4, 25, 14, 2, tzinfo=UTC)
FULL = (
    "full 15:00 at this pace, 1h before the reset",
    "full ~15:00, 1h before the reset",
    "full ~15:00",
)


@pytest.mark.parametrize(
    ("expected", "recent", "since"),
    [
        ("$3.10/h since 14:02", None, SINCE),
        ("$6.40/h over 30 min, $3.10/h since 14:02", usd(640), SINCE),
        ("$3.10/h since 14:30", usd(310), NOW - timedelta(minutes=18)),
    ],
)
def test_rate_names_its_period(expected: str, recent: Money | None, since: datetime) -> None:
    """The run's rate names its start; a different recent rate comes first."""
    rate = SpendRate(since, NOW, recent, usd(310))
    assert words.format_credits_forecast(rate, None, NOW, UTC) == (expected,)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("cap reached 17:10 to 19:40 at this rate", LimitForecast(SpendLimit.CAP, EARLY, LATE)),
        ("balance reached 17:10 at this rate", LimitForecast(SpendLimit.BALANCE, EARLY, EARLY)),
        ("cap not reached before 17:10 at this rate", LimitForecast(SpendLimit.CAP, EARLY, None)),
    ],
)
def test_forecast_of_a_gate_is_a_conditional_range(expected: str, found: LimitForecast) -> None:
    """The words give both bounds, or one if they are equal, and the condition."""
    assert expected == words.format_gate_forecast(found, NOW, UTC)


def test_steady_credits_have_no_rate() -> None:
    """Without spending there is no rate, and with it there is one."""
    steady, spending = (compute_spend_rate(store(org).orgs[0].series, NOW) for org in (PERSONAL, LABORATORY))
    assert words.format_credits_forecast(steady, None, NOW, UTC) == ()
    assert words.format_credits_forecast(spending, None, NOW, UTC) == ("$6.67/h since 14:02",)


@pytest.mark.parametrize(
    ("expected", "left"),
    [
        ("50m before the reset", timedelta(minutes=50)),
        ("5m before the reset", timedelta(minutes=5)),
        ("just before the reset", timedelta(minutes=4, seconds=59)),
        ("just before the reset", timedelta(seconds=23)),
    ],
)
def test_forecast_is_no_more_precise_than_its_data(expected: str, left: timedelta) -> None:
    """Seconds before a reset would be false precision: the next reading may move the estimate past it."""
    assert expected == words.format_time_before_reset(left)


AT_RESET = ("at this pace 88% at the reset", "~88% at the reset", "~88% at reset")


@pytest.mark.parametrize(
    ("expected", "percent"),
    [(FULL, 95.0), (AT_RESET, 67.0), ((), 4.0), ((), 100.0), ((), None)],
)
def test_window_has_a_forecast_of_its_fill_or_of_its_reset(
    expected: tuple[str, ...], percent: float | None
) -> None:
    """A window that will fill has the time, another one its percentage at the reset, in three forms."""
    state = store(OrgBodies(usage=usage_body(percent, 41.0, limits=[]), subscription=None)).orgs[0]
    assert state.plan is not None
    window = next((it for it in state.plan.windows if it.label == "5-hour"), None)
    assert (words.format_window_forecasts(window, state, NOW, UTC) if window else ()) == expected
