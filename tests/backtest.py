"""Backtest of `model/forecast.py`: the share of forecasts that were right, over simulated weeks.

`python -m tests.backtest` prints the table. In each week a simulated user spends credits up to a cap
or the end of a balance; every 15 minutes until then the forecast is compared with the true time.
The weeks are random, and the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import fmean, median

from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.credits import Balance, Credits, Meter
from claudemeter_tui.model.forecast import LimitForecast, compute_spend_rate, forecast_limit
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.time_series import CreditSeries

MONDAY = datetime(2026, 4, 6, tzinfo=UTC)
MINUTES = 7 * 24 * 60
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MOST = 2.5 * MINUTE
"""A longer pause between two samples is a gap."""
ASKED_EVERY = 15
"""Minutes from one forecast to the next."""

Spending = list[int]
"""Cents of each minute of the week."""


def bursts(chance: random.Random, begin: int = 9, end: int = 18, days: int = 5) -> Spending:
    """Simulate sittings of about 40 minutes with breaks between them, in office hours."""
    spent = [0] * MINUTES
    for day in range(days):
        minute = day * 1440 + begin * 60 + chance.randrange(60)
        while minute < day * 1440 + end * 60:
            length = 5 + int(chance.expovariate(1 / 40))
            cost = chance.lognormvariate(2.3, 0.5)
            for busy in range(minute, min(minute + length, MINUTES)):
                if chance.random() < 0.4:
                    spent[busy] += 1 + int(cost * chance.lognormvariate(0, 0.8))
            minute += length + 5 + int(chance.expovariate(1 / 45))
    return spent


def nights(chance: random.Random) -> Spending:
    """Simulate the same from eight in the evening to two at night, every day."""
    return bursts(chance, 20, 26, 7)


def agents(chance: random.Random) -> Spending:
    """Simulate agents that work around the clock, with a pause now and then."""
    spent = [0] * MINUTES
    minute = chance.randrange(600)
    while minute < MINUTES:
        length = int(chance.expovariate(1 / 600))
        cost = chance.lognormvariate(1.8, 0.4)
        for busy in range(minute, min(minute + length, MINUTES)):
            if chance.random() < 0.8:
                spent[busy] += 1 + int(cost * chance.uniform(0.3, 1.7))
        minute += length + 10 + int(chance.expovariate(1 / 60))
    return spent


def mixed(chance: random.Random) -> Spending:
    """Simulate a day's work by hand, and agents in every third night."""
    spent = bursts(chance)
    for minute, cost in enumerate(agents(chance)):
        if minute // 1440 % 3 == 1 and not 7 <= minute // 60 % 24 < 20:
            spent[minute] += cost
    return spent


USES: dict[str, Callable[[random.Random], Spending]] = {
    "bursts": bursts,
    "nights": nights,
    "agents": agents,
    "mixed": mixed,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One forecast and the true time."""

    said: LimitForecast
    asked: datetime
    truth: datetime
    """Time at which the cap or the balance was really reached."""

    @property
    def early(self) -> bool:
        """True if the credits ended before the range."""
        return self.truth < self.said.earliest

    @property
    def late(self) -> bool:
        """True if the credits ended after the range."""
        return self.said.latest is not None and self.truth > self.said.latest

    @property
    def held(self) -> bool:
        """True if the credits ended within the range."""
        return not self.early and not self.late


def week(use: str, seed: int) -> Iterator[Judged]:
    """Return the forecasts of one simulated week up to the end of the credits."""
    chance = random.Random(f"{use} {seed}")  # noqa: S311 - a simulation
    spent = USES[use](chance)
    limit = int(sum(spent) * chance.uniform(0.15, 0.95))
    asleep = _asleep(spent, chance)
    offset, by_balance = chance.randrange(ASKED_EVERY), chance.random() < 0.3
    truth = _reached(spent, limit)
    series, used = CreditSeries(), 0
    for minute in range(truth):
        used += spent[minute]
        now = MONDAY + (minute + 1) * MINUTE
        if asleep[minute]:
            continue
        series = _polled(series, now, used, chance)
        if minute % ASKED_EVERY == offset and (
            said := _forecast(series, used, limit, now, by_balance=by_balance)
        ):
            yield Judged(said, now, MONDAY + (truth + 1) * MINUTE)


def _reached(spent: Spending, limit: int) -> int:
    total = 0
    for minute, cost in enumerate(spent):
        total += cost
        if total >= limit:
            return minute
    return len(spent)


def _asleep(spent: Spending, chance: random.Random) -> list[bool]:
    """Return the minutes of sleep: in half of the weeks whenever nothing is spent for two hours."""
    asleep, idle = [False] * len(spent), 0
    if chance.random() < 0.5:
        for minute, cost in enumerate(spent):
            idle = 0 if cost else idle + 1
            asleep[minute] = idle > 120
    return asleep


def _polled(series: CreditSeries, now: datetime, used: int, chance: random.Random) -> CreditSeries:
    """Return the polled values; one poll in 150 fails."""
    if chance.random() < 1 / 150:
        return series.append_gap(now)
    return series.append(now, MeterOrigin.OVERAGE, _money(used), MOST)


def _forecast(
    series: CreditSeries, used: int, limit: int, now: datetime, *, by_balance: bool
) -> LimitForecast | None:
    cap = None if by_balance else _money(limit)
    meter = Meter(MeterOrigin.OVERAGE, used=_money(used), cap=cap, is_uncapped=by_balance, is_enabled=True)
    balance = Balance(_money(limit - used)) if by_balance else None
    credits_ = Credits((meter,), balance, valid_until=now)
    return forecast_limit(credits_, compute_spend_rate(series, now), now)


def _money(cents: int) -> Money:
    return Money(Decimal(cents), "USD")


def share(judged: Iterable[bool]) -> float:
    """Return the percentage of true values; 0 for an empty list."""
    values = list(judged)
    return 100 * sum(values) / len(values) if values else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """The results of many forecasts: counts, percents, hours."""

    ranges: float
    """Forecasts with two bounds."""
    held: float
    """Share of them that held the true time."""
    sooner: float
    """Share of them with an earlier true time."""
    later: float
    """Share of them with a later true time."""
    bounds: float
    """Forecasts with an earliest time only."""
    bounds_held: float
    """Share of them that the true time did not precede."""
    width: float
    """Median hours from earliest to latest."""
    lead: float
    """Median hours from a forecast with two bounds to the true time."""


def score(judged: list[Judged]) -> Score:
    """Sum up the forecasts."""
    ranges = [it for it in judged if it.said.latest is not None]
    bounds = [it for it in judged if it.said.latest is None]
    widths = [(it.said.latest - it.said.earliest) / HOUR for it in ranges if it.said.latest]
    return Score(
        ranges=len(ranges),
        held=share(it.held for it in ranges),
        sooner=share(it.early for it in ranges),
        later=share(it.late for it in ranges),
        bounds=len(bounds),
        bounds_held=share(it.held for it in bounds),
        width=median(widths or [0.0]),
        lead=median([(it.truth - it.asked) / HOUR for it in ranges] or [0.0]),
    )


def backtest(weeks: int) -> dict[str, Score]:
    """Return the score of each kind of use over so many weeks, and their mean with equal weights."""
    scores = {use: score([it for seed in range(weeks) for it in week(use, seed)]) for use in USES}
    columns = zip(*map(astuple, scores.values()), strict=True)
    return scores | {"mean": Score(*map(fmean, columns))}


def main(weeks: int = 25) -> None:
    """Print the table."""
    print(f"{weeks} weeks of each use      (width, lead: median hours)\n")
    print("use       ranges    held  sooner   later   width    lead   bounds    held")
    for use, it in backtest(weeks).items():
        wrong = f"{it.sooner:6.0f}%{it.later:6.0f}%"
        times = f"{it.width:6.1f} h{it.lead:6.1f} h"
        print(f"{use:8}{it.ranges:8.0f}{it.held:6.0f}%{wrong}{times}{it.bounds:9.0f}{it.bounds_held:6.0f}%")


if __name__ == "__main__":
    main()
