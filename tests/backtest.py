"""Backtests over simulated weeks, which are random and the same each time: `python -m tests.backtest`.

Of `model/forecast.py`, the share of forecasts that were right. In each week a simulated user spends credits
up to a cap or the end of a balance; every 15 minutes until then the forecast is compared with the true time.

Of `model/attribution.py`, the error of the attribution. In each week two projects here and another device
use one plan; the share that each is given is compared with the true one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import compress
from statistics import fmean, median
from typing import NamedTuple

from claudemeter_tui.model.attribution import (
    Activity,
    Level,
    NoRate,
    Rise,
    attribute_rises,
    convert_rate,
    estimate_usual_rate,
    find_rises,
)
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


PARTS = (0.0, 0.2, 0.5, 0.8)
"""Parts of the list cost that the other device uses."""
FIGURES = {"5-hour": 300, "7-day": MINUTES, "credits": MINUTES}
"""Minutes from the start of each figure to its reset."""
HERE, OTHER = ("api", "web"), "elsewhere"
WEIGHT_SPREAD = 0.15
"""Standard deviation of the logarithm of a sitting's weight: what it counts for a window, per list cost."""
LINE_LAG = 40
"""Maximum seconds by which the line in the transcript is older than the server's count."""


class Sharing(NamedTuple):
    """A simulated week in which two projects here and another device use one plan."""

    rises: dict[str, list[Rise]]
    """By figure, as polled."""
    truth: dict[str, dict[str, float]]
    """True part of each project and of the other device in the rise of each figure."""
    activities: list[Activity]


def share_week(part: float, seed: int) -> Sharing:
    """Simulate a week; each window is filled to a random height, and the credits are charged at list prices.

    Args:
        part: part of the list cost that the other device uses.
        seed: number of the week.
    """
    chance = random.Random(f"shared {part} {seed}")  # noqa: S311 - a simulation
    costs: dict[str, list[float]] = {project: list(map(float, bursts(chance))) for project in HERE}
    costs[HERE[1]] = [chance.uniform(0.1, 1) * cost for cost in costs[HERE[1]]]
    here = [sum(minute) for minute in zip(*costs.values(), strict=True)]
    use = USES[chance.choice(list(USES))](chance)
    factor = part / (1 - part) * sum(here) / sum(use)
    costs[OTHER] = [factor * cost for cost in use]
    weighed = {name: _weigh(spent, chance) for name, spent in costs.items()}
    polled = [not asleep and chance.random() > 1 / 150 for asleep in _asleep(list(map(int, here)), chance)]
    rises: dict[str, list[Rise]] = {}
    truth: dict[str, dict[str, float]] = {}
    for figure, length in FIGURES.items():
        counted = costs if figure == "credits" else weighed
        total = [sum(minute) for minute in zip(*counted.values(), strict=True)]
        starts = _find_starts(total, length)
        heights = _accumulate(total, starts, length)
        scale = 1.0 if figure == "credits" else chance.uniform(50, 98) / max(heights)
        levels = [
            Level((minute + 1) * 60_000, (minute + 1) * 60_000, int(height * scale), start * 60_000)
            for minute, (height, start) in enumerate(zip(heights, starts, strict=True))
            if polled[minute]
        ]
        rises[figure] = find_rises(levels, is_rounded=figure != "credits")
        seen = _find_seen(starts, polled)
        used = {name: sum(compress(spent, seen)) for name, spent in counted.items()}
        truth[figure] = {name: amount / sum(used.values()) for name, amount in used.items()}
    activities = [
        Activity(int(60_000 * (minute + chance.random()) - 1000 * chance.uniform(0, LINE_LAG)), project, nano)
        for project in HERE
        for minute, cost in enumerate(costs[project])
        if (nano := int(cost * 10**7))
    ]
    return Sharing(rises, truth, sorted(activities))


def _weigh(spent: list[float], chance: random.Random) -> list[float]:
    """Return what counts for a window: no source says that it is the list cost, so sittings differ."""
    weighed, weight, idle = [], 1.0, 0
    for cost in spent:
        if cost and idle >= 5:
            weight = chance.lognormvariate(0, WEIGHT_SPREAD)
        idle = 0 if cost else idle + 1
        weighed.append(cost * weight)
    return weighed


def _find_starts(total: list[float], length: int) -> list[int]:
    """Return for each minute the start of its window, which begins with the first use; 0 before that."""
    starts, start = [], -length
    for minute, cost in enumerate(total):
        if cost and minute >= start + length:
            start = minute
        starts.append(max(start, 0))
    return starts


def _accumulate(total: list[float], starts: list[int], length: int) -> list[float]:
    """Return for each minute what was used since the start of its window; 0 after its end."""
    heights: list[float] = []
    for minute, (cost, start) in enumerate(zip(total, starts, strict=True)):
        before = heights[-1] if minute > start else 0.0
        heights.append(before + cost if minute < start + length else 0.0)
    return heights


def _find_seen(starts: list[int], polled: list[bool]) -> list[bool]:
    """Return the minutes whose use was read: a poll in the same window followed."""
    seen, last = [False] * len(starts), -1
    for minute in reversed(range(len(starts))):
        if polled[minute]:
            last = starts[minute]
        seen[minute] = starts[minute] == last
    return seen


@dataclass(frozen=True, slots=True)
class SharingScore:
    """The errors of many attributions, in percentage points of all that was used."""

    attributed: int
    """Number of weeks with an attribution."""
    few: int
    """Number of weeks without one, because of too little data."""
    uneven: int
    """The same, because the rates differ too much."""
    middle: float
    """Median error of a project's share, or of that of the other device."""
    ninth: float
    """Error that nine of ten shares do not exceed."""


def score_sharing(figure: str, weeks: Iterable[Sharing]) -> SharingScore:
    """Attribute the rises of a figure in each week, and compare the shares with the truth."""
    errors: list[float] = []
    reasons: list[NoRate | None] = []
    for shared in weeks:
        rises = shared.rises[figure]
        source = rises if figure == "credits" else shared.rises["5-hour"]
        rate = estimate_usual_rate(source, shared.activities)
        if figure == "7-day":
            rate = convert_rate(rate, source, rises)
        result = attribute_rises(rises, shared.activities, rate)
        reasons.append(result.reason)
        if result.reason is None:
            given = {**result.shares, OTHER: result.elsewhere}
            for name, true in shared.truth[figure].items():
                errors.append(100 * abs(given.get(name, 0.0) / result.total - true))
    errors.sort()
    return SharingScore(
        attributed=reasons.count(None),
        few=reasons.count(NoRate.FEW),
        uneven=reasons.count(NoRate.UNEVEN),
        middle=median(errors or [0.0]),
        ninth=errors[int(0.9 * len(errors))] if errors else 0.0,
    )


def backtest_sharing(weeks: int) -> dict[tuple[str, float], SharingScore]:
    """Return the score of each figure and part of the other device over so many weeks."""
    scores = {}
    for part in PARTS:
        shared = [share_week(part, seed) for seed in range(weeks)]
        for figure in FIGURES:
            scores[figure, part] = score_sharing(figure, shared)
    return scores


def print_forecasts(weeks: int) -> None:
    """Print how often the forecast was right."""
    print(f"{weeks} weeks of each use      (width, lead: median hours)\n")
    print("use       ranges    held  sooner   later   width    lead   bounds    held")
    for use, it in backtest(weeks).items():
        wrong = f"{it.sooner:6.0f}%{it.later:6.0f}%"
        times = f"{it.width:6.1f} h{it.lead:6.1f} h"
        print(f"{use:8}{it.ranges:8.0f}{it.held:6.0f}%{wrong}{times}{it.bounds:9.0f}{it.bounds_held:6.0f}%")


def print_sharing(weeks: int) -> None:
    """Print the errors of the attribution."""
    print(f"\n{weeks} weeks of two projects here and a device elsewhere      (errors: percentage points)\n")
    print("figure   elsewhere   weeks     few  uneven  median 9 of 10")
    for (figure, part), it in sorted(backtest_sharing(weeks).items()):
        counts = f"{it.attributed:8}{it.few:8}{it.uneven:8}"
        print(f"{figure:10}{100 * part:9.0f}%{counts}{it.middle:8.1f}{it.ninth:8.1f}")


def main(weeks: int = 25) -> None:
    """Print the tables."""
    print_forecasts(weeks)
    print_sharing(weeks)


if __name__ == "__main__":
    main()
