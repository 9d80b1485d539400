"""Rates and forecasts, and the cases without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin, WindowKind
from claudemeter_tui.model.credits import Balance, Credits, Meter, Tranche
from claudemeter_tui.model.forecast import (
    LimitForecast,
    SpendLimit,
    SpendRate,
    compute_pace,
    compute_spend_rate,
    find_tighter_limit,
    forecast_course,
    forecast_limit,
    forecast_percent_at_reset,
    forecast_window_full,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Reply
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.time_series import PercentHistory
from claudemeter_tui.model.windows import Plan, Window
from tests.backtest import backtest
from tests.model import values
from tests.model.poll_sequences import NOON, POLLS, STEADY, STEPS, followed, minutes, summed
from tests.model.readings import CHROME, LAB, PAT
from tests.model.values import read_credits, usd

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def rate(recent: float | None = 600, run: float = 300, hours: float = 100, spread: float = 0) -> SpendRate:
    """Return a rate in cents per hour, read at noon."""
    return SpendRate(
        NOON - timedelta(hours=hours), NOON, None if recent is None else usd(recent), usd(run), spread
    )


def meter(used: float | None = 4400, cap: float | None = 5000, **more: object) -> Meter:
    """Return an open meter."""
    return values.meter(used, cap, **more)


def at(hours: float) -> datetime:
    """Return the time so many hours after noon."""
    return NOON + timedelta(hours=hours)


Hours = tuple[float, float | None] | None
POOL = meter(0, 900, is_personal=False)


@pytest.mark.parametrize(
    ("expected", "credits"),
    [
        (LimitForecast(SpendLimit.CAP, at(1), at(2)), read_credits((meter(),))),
        (LimitForecast(SpendLimit.CAP, at(1), at(2)), read_credits((meter(),), Balance(usd(601)))),
        (LimitForecast(SpendLimit.BALANCE, at(0.5), at(1)), read_credits((meter(),), Balance(usd(300)))),
        (
            LimitForecast(SpendLimit.BALANCE, at(0.5), at(1)),
            read_credits((meter(cap=None),), Balance(usd(300))),
        ),
        (
            LimitForecast(SpendLimit.CAP, at(1), at(2)),
            read_credits((meter(),), Balance(usd(300), auto_reload=True)),
        ),
        (
            LimitForecast(SpendLimit.BALANCE, at(0.5), at(1)),
            read_credits((meter(),), Balance(usd(300), auto_reload=True, reload_stop_codes=("declined",))),
        ),
        (
            LimitForecast(SpendLimit.BALANCE, at(0.5), at(1)),
            read_credits((meter(),), Balance(usd(5000), unscoped=usd(300))),
        ),
        (LimitForecast(SpendLimit.CAP, at(1), at(2)), read_credits((meter(),), Balance(usd(0)))),
        (LimitForecast(SpendLimit.CAP, at(1), at(2)), read_credits((meter(),), Balance(usd(-300)))),
        (LimitForecast(SpendLimit.CAP, at(1), at(2)), read_credits((meter(),), Balance(None))),
        (LimitForecast(SpendLimit.CAP, at(1), at(2)), read_credits((meter(), POOL))),
        (
            LimitForecast(SpendLimit.CAP, at(1), at(2)),
            read_credits((meter(is_personal=False),), Balance(usd(800))),
        ),
        (
            LimitForecast(SpendLimit.BALANCE, at(0.5), at(1)),
            read_credits((meter(is_personal=False),), Balance(usd(300))),
        ),
        (None, read_credits((meter(), POOL._replace(used=usd(400))))),
        (None, read_credits((meter(), POOL), Balance(usd(300)))),
        (None, read_credits((meter(cap=None),))),
        (None, read_credits((meter(cap=None, is_uncapped=False),), Balance(usd(300)))),
        (None, read_credits((meter(None),), Balance(usd(300)))),
        (None, read_credits((meter(),), Balance(Money(Decimal(300), "EUR")))),
        (None, read_credits((meter(cap=None),), Balance(usd(300), auto_reload=True))),
        (None, read_credits((meter(5000),))),
        (None, read_credits((meter(is_enabled=False),))),
        (None, read_credits((meter(reason="org_spend_cap_reached"),))),
        (None, read_credits((meter(out_of_credits=True),))),
        (None, read_credits((meter(reason="fetch_error"),))),
        (None, read_credits((meter(),), paused_until=MAY)),
        (None, read_credits(is_absent=True)),
        (None, read_credits()),
    ],
)
def test_reach_names_the_limit_that_comes_first(expected: LimitForecast | None, credits: Credits) -> None:
    """The forecast is for the cap or the balance, whichever has less left; none if unknown or not open."""
    assert forecast_limit(credits, rate(), NOON) == expected


@pytest.mark.parametrize(
    ("expected", "rate"),
    [
        ((1, 2), rate(600, 300)),
        ((1, 2), rate(300, 600)),
        ((1, 1), rate(600, 600)),
        ((0.5, 2), rate(600, 600, spread=1)),
        ((1, None), rate(600, 300, hours=2)),
        ((1, 2), rate(600, 300, hours=2.1)),
        (None, rate(600, 300, hours=1)),
        (None, rate(None, 300)),
        (None, None),
    ],
)
def test_reach_is_a_range_from_two_rates(expected: Hours, rate: SpendRate | None) -> None:
    """The range is that of both rates, widened by their uncertainty, up to as long as the data reach back."""
    said = forecast_limit(read_credits((meter(),)), rate, NOON)
    wanted = expected and (at(expected[0]), None if expected[1] is None else at(expected[1]))
    assert (said and (said.earliest, said.latest)) == wanted


@pytest.mark.parametrize(
    ("expected", "now"),
    [
        ((NOON + minutes(60), NOON + minutes(120)), NOON + minutes(14)),
        ((NOON + minutes(80), NOON + minutes(120)), NOON + minutes(80)),
        (None, NOON + minutes(120)),
    ],
)
def test_reach_is_never_in_the_past(expected: object, now: datetime) -> None:
    """The forecast counts from the reading, and is dropped once its time has passed."""
    said = forecast_limit(read_credits((meter(),)), rate(), now)
    assert (said and (said.earliest, said.latest)) == expected


@pytest.mark.parametrize(
    ("expected", "left"),
    [((MAY - minutes(30), MAY - minutes(10)), 30), ((MAY - minutes(1), None), 59), (None, 60)],
)
def test_reach_of_the_cap_ends_with_the_month(expected: object, left: float) -> None:
    """No forecast of the cap goes beyond the first of the next month (UTC), when the cap resets."""
    now = MAY - minutes(60)
    speed = SpendRate(now - timedelta(days=9), now, usd(60), usd(36))
    said = forecast_limit(read_credits((meter(5000 - left),)), speed, now)
    assert (said and (said.earliest, said.latest)) == expected


def test_reach_of_the_cap_ignores_last_month() -> None:
    """Figures of last month give no forecast until the first poll of the month."""
    speed = SpendRate(MAY - timedelta(days=9), MAY - minutes(2), usd(600), usd(300))
    assert forecast_limit(read_credits((meter(4990),)), speed, MAY - minutes(1.5)) is not None
    assert forecast_limit(read_credits((meter(4990),)), speed, MAY + minutes(1)) is None


def test_reach_of_the_balance_continues_over_the_month() -> None:
    """A balance does not reset with the month, but a part that expires ends the forecast."""
    now = MAY - minutes(60)
    speed = SpendRate(now - timedelta(days=9), now, usd(60), usd(30))
    balance = Balance(usd(120))
    said = forecast_limit(read_credits((meter(cap=None),), balance), speed, now)
    assert said == LimitForecast(SpendLimit.BALANCE, now + minutes(120), now + minutes(240))
    part = Tranche(usd(20), now + minutes(200), is_promotional=True)
    gone = (
        Tranche(usd(20), now, is_promotional=True),
        Tranche(usd(0), now + minutes(9), is_promotional=True),
    )
    cut = forecast_limit(
        read_credits((meter(cap=None),), balance._replace(tranches=(*gone, part))), speed, now
    )
    assert cut == LimitForecast(SpendLimit.BALANCE, now + minutes(120), None)


FIVE_HOURS = timedelta(hours=5)


def window(percent: float | None = 60, elapsed: float = 120, **more: object) -> Window:
    """Return a 5-hour window that began so many minutes before noon."""
    resets_at = NOON - minutes(elapsed) + FIVE_HOURS
    usual = Window("five_hour", "5-hour", percent=percent, length=FIVE_HOURS, resets_at=resets_at)
    return usual._replace(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expected", "window"),
    [
        (1.5, window()),
        (1.0, window(40)),
        (0.0, window(0)),
        (3.0, window(10, 10)),
        (None, window(10, 9)),
        (None, window(10, -20)),
        (None, window(None)),
        (None, window(length=None)),
        (None, window(resets_at=None)),
        (None, window(60, 300)),
        (None, window(float("nan"))),
    ],
)
def test_pace_is_use_beside_time(expected: float | None, window: Window) -> None:
    """Pace is percent used per percent elapsed, from ten minutes on, while the window runs."""
    assert compute_pace(window, NOON) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("expected", "window"),
    [
        (80, window()),
        (40, window(75)),
        (90, window(10, 10)),
        (None, window(40)),
        (None, window(39)),
        (None, window(0)),
        (None, window(100)),
        (None, window(130)),
        (None, window(60, locked_reason="quota")),
        (None, window(50, 9)),
        (None, window(None)),
        (None, window(length=None)),
        (None, window(resets_at=None)),
        (None, window(99, 300)),
    ],
)
def test_window_full_is_forecast_before_the_reset_only(expected: float | None, window: Window) -> None:
    """The current pace gives the moment at which the window fills; none if it resets first or is full."""
    assert forecast_window_full(window, NOON) == (None if expected is None else NOON + minutes(expected))


def test_window_full_is_stable_between_polls() -> None:
    """The moment is calculated from the reading, does not move with the clock, and is dropped once past."""
    assert {forecast_window_full(window(), NOON + minutes(after), NOON) for after in range(15)} == {
        NOON + minutes(80)
    }
    assert forecast_window_full(window(), NOON + minutes(80), NOON) is None


def read_window(window: Window, history: PercentHistory | None = None) -> OrgState:
    """Return an org whose usage reply of noon has only this window."""
    replies = {Endpoint.USAGE: Reply(Endpoint.USAGE, NOON, Plan((window,)))}
    histories = {window.label: history} if history is not None else {}
    return OrgState(LAB, PAT, CHROME, replies=replies, histories=histories)


def record(*figures: tuple[float, float]) -> PercentHistory:
    """Return a history of these percentages, each with its minutes before noon; oldest first."""
    (first, percent), *others = [((NOON - minutes(before)).timestamp(), value) for before, value in figures]
    history = PercentHistory.start(first, percent)
    for at, value in others:
        history = history.append(at, value, 36_000)
    return history


@pytest.mark.parametrize(
    ("expected", "window"),
    [
        (97.5, window(39)),
        (25, window(10)),
        (12.5, window(5)),
        (5 * 300 / 43, window(5, 43)),
        (70, window(40, 4 * 1440, length=timedelta(days=7), resets_at=NOON + timedelta(days=3))),
        (None, window(40)),
        (None, window(60)),
        (None, window(100)),
        (None, window(130)),
        (None, window(4.9)),
        (None, window(0)),
        (None, window(5, 42)),
        (None, window(None)),
        (None, window(float("nan"))),
        (None, window(39, 300)),
        (None, window(39, locked_reason="quota")),
        (None, window(39, is_one_time=True)),
        (None, window(39, limit=usd(1000))),
        (None, window(39, length=None)),
        (None, window(39, resets_at=None)),
    ],
)
def test_percent_at_reset_is_forecast_for_windows_that_will_not_fill(
    expected: float | None, window: Window
) -> None:
    """From 5% and a seventh of the time on; none for a window that fills, is full, locked, due or expires."""
    at_reset = forecast_percent_at_reset(window, read_window(window), NOON)
    assert at_reset == (None if expected is None else pytest.approx(expected))


RESETS_AT = window().resets_at


@pytest.mark.parametrize(
    ("expected", "window"),
    [
        ([(0, 60), (80, 100), (180, 100)], window(60)),
        ([(0, 39), (180, 97.5)], window(39)),
        ([(0, 100), (180, 100)], window(100)),
        ([(0, 130), (180, 130)], window(130)),
        ([(0, 60), (180, 60)], window(60, locked_reason="quota")),
        ([], window(4)),
        ([], window(None)),
        ([], window(float("nan"))),
        ([], window(39, 300)),
        ([], window(39, length=None)),
        ([], window(39, resets_at=None)),
    ],
)
def test_course_ends_at_the_reset(expected: list[tuple[float, float]], window: Window) -> None:
    """The course follows the pace so far, at most to 100%, and a full window stays full."""
    course = forecast_course(window, read_window(window), NOON)
    assert [NOON + minutes(after) for after, _ in expected] == [at for at, _ in course]
    assert [percent for _, percent in expected] == pytest.approx([percent for _, percent in course])


def test_no_window_rises_while_another_one_is_full() -> None:
    """Until the reset of the full window nothing changes, and what follows is not known."""
    full = window(100, kind=WindowKind.SESSION)
    other = window(60, label="7-day all", kind=WindowKind.WEEKLY, resets_at=NOON + timedelta(days=3))
    replies = {Endpoint.USAGE: Reply(Endpoint.USAGE, NOON, Plan((full, other)))}
    state = OrgState(LAB, PAT, CHROME, replies=replies)
    assert forecast_course(other, state, NOON) == ((NOON, 60), (RESETS_AT, 60))


def test_stale_figures_have_no_course() -> None:
    """Older than two intervals, a figure says nothing about what follows."""
    state = read_window(window(60))
    assert forecast_course(window(60), state, NOON + minutes(2)) != ()
    assert forecast_course(window(60), state, NOON + minutes(2.1)) == ()


@pytest.mark.parametrize(
    ("expected", "history"),
    [
        (97.5, record((100, 10), (50, 30), (0, 39))),
        (97.5, record((130, 90), (110, 3), (0, 39))),
        (97.5, record((100, 39.9), (0, 39))),
        (None, record((100, 60), (50, 2), (0, 39))),
    ],
)
def test_percent_at_reset_needs_a_rise_since_the_start(
    expected: float | None, history: PercentHistory
) -> None:
    """A higher figure of the last window or a rounded one changes nothing; one of this window was reset."""
    at_reset = forecast_percent_at_reset(window(39), read_window(window(39), history), NOON)
    assert at_reset == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("expected", "other"),
    [
        (97.5, window(100, 250, kind=WindowKind.WEEKLY)),
        (97.5, window(100, 60)),
        (None, window(100, 60, kind=WindowKind.WEEKLY)),
        (None, window(100, resets_at=None, kind=WindowKind.WEEKLY)),
    ],
)
def test_percent_at_reset_needs_a_plan_with_room(expected: float | None, other: Window) -> None:
    """While the whole plan is full until after the reset, this window cannot rise."""
    plan = Reply(Endpoint.USAGE, NOON, Plan((window(39), other)))
    state = replace(read_window(window(39)), replies={Endpoint.USAGE: plan})
    at_reset = forecast_percent_at_reset(window(39), state, NOON)
    assert at_reset == (None if expected is None else pytest.approx(expected))


def test_percent_at_reset_is_stable_until_it_is_stale() -> None:
    """The estimate belongs to the reading; it ends after two intervals, or once the reset is due."""
    state = read_window(window(39))
    for later in (0, 1, 2):
        assert forecast_percent_at_reset(window(39), state, NOON + minutes(later)) == pytest.approx(97.5)
    assert forecast_percent_at_reset(window(39), state, NOON + minutes(2.1)) is None
    slow = replace(state, interval=minutes(120))
    assert forecast_percent_at_reset(window(39), slow, NOON + minutes(179)) == pytest.approx(97.5)
    assert forecast_percent_at_reset(window(39), slow, NOON + minutes(180)) is None


@STEADY
@given(
    st.one_of(st.integers(0, 110).map(float), st.floats(0, 120), st.floats(), st.none()),
    st.integers(-10, 310),
    st.integers(-100, 900),
)
def test_percent_at_reset_is_between_the_figure_and_full(
    percent: float | None, elapsed: int, later: int
) -> None:
    """Any estimate is at least the figure that was read, below 100, and beside no time at which it fills."""
    it, now = window(percent, elapsed), NOON + timedelta(seconds=later)
    at_reset = forecast_percent_at_reset(it, read_window(it), now)
    if at_reset is not None:
        assert percent is not None
        assert percent <= at_reset < 100
        assert forecast_window_full(it, now, NOON) is None


AMOUNTS = st.one_of(st.none(), st.builds(usd, st.integers(0, 10**7)))


EXTRAS = st.builds(
    lambda used, cap, uncapped, balance, reload: read_credits(
        (Meter(MeterOrigin.OVERAGE, used=used, cap=cap, is_uncapped=uncapped, is_enabled=True),),
        Balance(balance, (), reload),
    ),
    AMOUNTS,
    AMOUNTS,
    st.booleans(),
    AMOUNTS,
    st.booleans(),
)  # fmt: skip
NEAR_GATES = st.builds(
    lambda left, balance: read_credits((meter(1000, 1000 + left),), Balance(usd(balance))),
    st.integers(1, 300),
    st.integers(0, 300),
)


@STEADY
@given(st.one_of(POLLS, STEPS.map(summed)), st.integers(-120, 960), st.one_of(EXTRAS, NEAR_GATES))
def test_forecast_of_credits_is_never_wrong_in_form(
    polls: list[tuple[int, Decimal | int | None]], later: int, extra: Credits
) -> None:
    """No samples cause an exception, a rate of zero or less, or a moment in the past."""
    series, last = followed(polls)
    now = last + timedelta(seconds=later)
    speed = compute_spend_rate(series, now)
    for money in (speed.recent_rate, speed.overall_rate) if speed else ():
        assert money is None or money.minor > 0
    said = forecast_limit(extra, speed, now)
    assert said is None or now <= said.earliest <= (said.latest or said.earliest)


@STEADY
@given(
    st.one_of(st.integers(20, 110).map(float), st.floats(0, 120), st.floats(), st.none()),
    st.one_of(st.integers(10, 120), st.integers(-10, 310)),
    st.sampled_from([FIVE_HOURS, FIVE_HOURS, timedelta(days=7), None, timedelta(0), minutes(1)]),
    st.integers(-100, 900),
)
def test_window_full_is_never_wrong_in_form(
    percent: float | None, elapsed: int, length: timedelta | None, later: int
) -> None:
    """No window causes an exception, and any forecast is in the future and before the reset."""
    it = window(percent, elapsed, length=length)
    assert it.resets_at is not None
    now = NOON + timedelta(seconds=later)
    full = forecast_window_full(it, now, NOON)
    assert full is None or now < full < it.resets_at
    assert compute_pace(it, now) is None or percent is not None


@pytest.mark.parametrize(
    ("expected", "cap", "balance"),
    [
        (SpendLimit.CAP, 1500, usd(501)),
        (SpendLimit.BALANCE, 1500, usd(499)),
        (None, 1500, usd(500)),
        (None, None, usd(500)),
        (None, 1500, None),
        (None, 1500, Money(Decimal(499), "CAD")),
    ],
)
def test_tighter_limit_is_the_one_with_less_left(
    expected: SpendLimit | None, cap: int | None, balance: Money | None
) -> None:
    """Neither is tighter if both leave the same, or if they cannot be compared."""
    assert find_tighter_limit(read_credits((meter(1000, cap),), Balance(balance))) is expected


@pytest.mark.parametrize(
    ("expected", "lead", "balance"),
    [
        (SpendLimit.BALANCE, meter(1000, 1500), Balance(usd(5000), unscoped=usd(499))),
        (SpendLimit.CAP, meter(1000, 1500), Balance(usd(5000), unscoped=usd(501))),
        (None, meter(1000, 1500), Balance(usd(-499))),
        (None, meter(1000, 1500)._replace(figures_at=NOON), Balance(usd(100))),
    ],
)
def test_tighter_limit_compares_only_usable_money(
    expected: SpendLimit | None, lead: Meter, balance: Balance
) -> None:
    """Money for some surfaces does not count; a debt and withdrawn figures leave nothing to compare."""
    assert find_tighter_limit(read_credits((lead,), balance)) is expected


def test_backtest_scores_a_small_sample() -> None:
    """The backtest runs, and in these few weeks at least every third range holds the true time."""
    scores = backtest(weeks=1)
    assert set(scores) == {"bursts", "nights", "agents", "mixed", "mean"}
    for it in scores.values():
        assert it.held + it.sooner + it.later == pytest.approx(100 if it.ranges else 0)
    assert scores["mean"].held > 33
    assert scores["mean"].bounds_held > 80
