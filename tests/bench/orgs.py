"""A hundred orgs after a week: what the program has to carry at most."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from claudemeter_tui.model.history import MOST_RUNS, Histories, History
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.samples import Run, Series
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.usage import Origin
from claudemeter_tui.text import format as form
from tests.bodies import extra_usage_body, limit_body, org_body, overage_body, prepaid_body, usage_body
from tests.scenes import READ, OrgBodies, readings

WEEK = 7 * 24 * 60
"""Polls, one a minute."""
MINUTE = timedelta(minutes=1)
CAP = 1_000_000
"""Cents."""


@cache
def week() -> Series:
    """A week of polls in which every fourth one sees more spent, and one in 150 fails."""
    chance = random.Random(7)  # noqa: S311 - a simulation
    series, cents = Series(), 100_00
    for minute in range(WEEK):
        at = READ - (WEEK - 1 - minute) * MINUTE
        cents += chance.randrange(1, 60) if chance.random() < 0.25 else 0
        failed = chance.random() < 1 / 150 and minute < WEEK - 1
        used = Money(Decimal(cents), "USD")
        series = series.gap(at) if failed else series.after(at, Origin.OVERAGE, used, 2.5 * MINUTE)
    return series


def series(org: int) -> Series:
    """The week of one org: every one has amounts of its own, and begins a little later than another."""
    shape = week()
    mine = shape.runs[3 * org :]
    runs = (Run(None if run.minor is None else run.minor + org, run.first, run.last) for run in mine)
    climb = shape.climb and replace(shape.climb, foot=shape.climb.foot + org, top=shape.climb.top + org)
    return replace(shape, runs=tuple(runs), rise=shape.rise + org, climb=climb)


def histories(org: int) -> Histories:
    """The week of its windows, nearly as long as is kept: the 5-hour one fills and resets again and again."""
    runs = MOST_RUNS - 10
    pause = WEEK * MINUTE / runs
    five_hour, weekly = (History.begun((READ - runs * pause).timestamp(), 0) for _ in range(2))
    for run in range(1, runs + 1):
        at = (READ - (runs - run) * pause).timestamp()
        five_hour = five_hour.after(at, 12 * (run % (8 + org % 5)), math.inf)
        weekly = weekly.after(at, 100 * run // runs, math.inf)
    return {"5-hour": five_hour, "7-day all": weekly}


def cents(org: int) -> int:
    """What it has used at the week's end."""
    last = week().runs[-1].minor
    assert last is not None
    return int(last) + org


def used(org: int) -> str:
    """The same, as it is shown."""
    return form.money(Money(Decimal(cents(org)), "USD"))


def risen(org: int) -> str:
    """What it has spent in the week, as it is shown."""
    return form.money(Money(week().rise + org, "USD"))


def bodies(org: int, more: int = 0) -> OrgBodies:
    """What the server says of one org at the week's end, so many more cents used; some windows are full."""
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
    """The readings of one poll: the roster, a report for each org, the schedule."""
    return tuple(readings(*(bodies(org, more) for org in range(orgs)), at=at))


def after_a_week(orgs: int) -> Store:
    """The store at the week's end."""
    store = Store()
    for reading in one_poll(orgs, READ):
        store = store.after(reading)
    states = (
        replace(state, series=series(org), histories=histories(org)) for org, state in enumerate(store.orgs)
    )
    return replace(store, orgs=tuple(states))
