"""A hundred orgs after a week: the largest state that the program has to carry."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from claudemeter_tui.formatting import values as form
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.time_series import (
    MAX_PERCENT_RUNS,
    CreditSeries,
    Histories,
    PercentHistory,
    ValueRun,
)
from tests.bodies import extra_usage_body, limit_body, org_body, overage_body, prepaid_body, usage_body
from tests.scenes import READ, OrgBodies, readings

WEEK = 7 * 24 * 60
"""Number of polls, one a minute."""
MINUTE = timedelta(minutes=1)
CAP = 1_000_000
"""Cap in cents."""


@cache
def week() -> CreditSeries:
    """Return a week of polls in which every fourth sees a rise, and one in 150 fails."""
    chance = random.Random(7)  # noqa: S311 - a simulation
    series, cents = CreditSeries(), 100_00
    for minute in range(WEEK):
        at = READ - (WEEK - 1 - minute) * MINUTE
        cents += chance.randrange(1, 60) if chance.random() < 0.25 else 0
        failed = chance.random() < 1 / 150 and minute < WEEK - 1
        used = Money(Decimal(cents), "USD")
        series = (
            series.append_gap(at) if failed else series.append(at, MeterOrigin.OVERAGE, used, 2.5 * MINUTE)
        )
    return series


def series(org: int) -> CreditSeries:
    """Return the week of one org: each has its own amounts and start."""
    shape = week()
    mine = shape.runs[3 * org :]
    runs = (ValueRun(None if run.minor is None else run.minor + org, run.first, run.last) for run in mine)
    climb = shape.monotonic_rise and shape.monotonic_rise._replace(
        first_minor=shape.monotonic_rise.first_minor + org,
        last_minor=shape.monotonic_rise.last_minor + org,
    )
    return replace(shape, runs=tuple(runs), total_rise=shape.total_rise + org, monotonic_rise=climb)


def histories(org: int) -> Histories:
    """Return the week of its windows at nearly full length: the 5-hour one fills and resets repeatedly."""
    runs = MAX_PERCENT_RUNS - 10
    pause = WEEK * MINUTE / runs
    five_hour, weekly = (PercentHistory.start((READ - runs * pause).timestamp(), 0) for _ in range(2))
    for run in range(1, runs + 1):
        at = (READ - (runs - run) * pause).timestamp()
        five_hour = five_hour.append(at, 12 * (run % (8 + org % 5)), math.inf)
        weekly = weekly.append(at, 100 * run // runs, math.inf)
    return {"5-hour": five_hour, "7-day all": weekly}


def cents(org: int) -> int:
    """Return the cents used at the end of the week."""
    last = week().runs[-1].minor
    assert last is not None
    return int(last) + org


def used(org: int) -> str:
    """Return the used credits as shown."""
    return form.format_money(Money(Decimal(cents(org)), "USD"))


def bodies(org: int, more: int = 0) -> OrgBodies:
    """Return the bodies of one org at the end of the week, plus so many cents; some windows are full."""
    spent = cents(org) + more
    five_hour = 100 if org % 3 == 0 else 30 + org % 60
    limits = [
        limit_body("session", five_hour, "2026-04-25T16:00:00Z"),
        limit_body("weekly_all", 30 + org % 50),
        limit_body("weekly_scoped", org % 90, model="Fable"),
    ]
    extra = extra_usage_body(float(spent), CAP)
    return OrgBodies(
        org=org_body(f"bbbbbbbb-0000-4000-8000-{org:012}", f"Org {org}"),
        usage=usage_body(five_hour, 30 + org % 50, limits=limits, extra_usage=extra),
        overage=overage_body(spent, CAP),
        prepaid=prepaid_body(),
    )


def one_poll(orgs: int, at: datetime, more: int = 0) -> Sequence[Reading]:
    """Return the readings of one poll: the list of orgs, a report for each, the schedule."""
    return tuple(readings(*(bodies(org, more) for org in range(orgs)), at=at))


def after_a_week(orgs: int) -> Store:
    """Return the store at the end of the week."""
    store = Store()
    for reading in one_poll(orgs, READ):
        store = store.apply(reading)
    states = (
        replace(state, series=series(org), histories=histories(org)) for org, state in enumerate(store.orgs)
    )
    return replace(store, all_orgs=tuple(states))
