"""Builders of readings and stores with short names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import (
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    ReplyValue,
    Schedule,
    Session,
)
from claudemeter_tui.model.store import InPlanPeriod, InPlanSpending, OrgState, Store
from claudemeter_tui.model.time_series import CreditSeries
from claudemeter_tui.model.windows import Plan, Window
from tests.model.values import NOW

START = datetime(2026, 4, 25, 14, 0, tzinfo=UTC)
CHROME, FIREFOX = Session("Chrome", "Default"), Session("Firefox", "work")
PAT, SAM = Account("a-1", "pat@example.com"), Account("a-2", "sam@example.com")
PERSONAL, TEAM, LAB = Org("org-1", "Personal"), Org("org-2", "Acme Team", is_shared=True), Org("org-3", "Lab")


def at(minutes: float) -> datetime:
    """Return a moment so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def reply(endpoint: Endpoint, minutes: float, value: ReplyValue, **remarks: tuple[str, ...]) -> Reply:
    """Return a good reply."""
    return Reply(endpoint, at(minutes), value, **remarks)  # type: ignore[arg-type]


def usage(minutes: float, percent: float = 41) -> Reply:
    """Return a usage reply with one window."""
    return reply(Endpoint.USAGE, minutes, Plan((Window("five_hour", "5-hour", percent=percent),)))


def overage(
    minutes: float, cents: int | None, origin: MeterOrigin = MeterOrigin.OVERAGE, currency: str = "USD"
) -> Reply:
    """Return an overage reply; with cents of None it reports no used credits."""
    used = None if cents is None else Money(Decimal(cents), currency)
    endpoint = Endpoint.OWN_OVERAGE if origin is MeterOrigin.OWN_OVERAGE else Endpoint.OVERAGE
    return reply(endpoint, minutes, Meter(origin, used, is_enabled=True))


def failed(
    endpoint: Endpoint, minutes: float, trouble: ErrorKind = ErrorKind.TIMEOUT, detail: str = ""
) -> Failure:
    """Return a failure."""
    return Failure(trouble, endpoint, at(minutes), detail)


def listed(minutes: float, *orgs: Org, account: Account = PAT, session: Session = CHROME) -> Reading:
    """Return the account's reply with these orgs."""
    return Reading(session, at(minutes), reply(Endpoint.ACCOUNT, minutes, account), orgs)


def stopped(minutes: float, trouble: ErrorKind = ErrorKind.EXPIRED, session: Session = CHROME) -> Reading:
    """Return a reading of a poll that failed as a whole."""
    return Reading(session, at(minutes), failed(Endpoint.ACCOUNT, minutes, trouble))


def reported(minutes: float, org: Org, *parts: Reply | Failure, session: Session = CHROME) -> Reading:
    """Return one poll's report about one org."""
    report = OrgReading(org, {part.endpoint: part for part in parts})
    return Reading(session, at(minutes), org_readings=(report,))


def closed(minutes: float, interval: float = 1, session: Session = CHROME) -> Reading:
    """Return the end of a poll, with the interval in minutes."""
    wait = timedelta(minutes=interval)
    return Reading(session, at(minutes), schedule=Schedule(at(minutes) + wait, wait))


def folded(*readings: Reading, store: Store | None = None) -> Store:
    """Return a store, by default the empty one, after these readings."""
    store = store or Store()
    for reading in readings:
        store = store.apply(reading)
    return store


def org(
    *windows: Window,
    credits_: Meter | None = None,
    about: Org | None = None,
    plan: Plan | None = None,
    **parts: ReplyValue,
) -> OrgState:
    """Return an org read at NOW; `credits_` is the overage reply, `parts` are further replies by endpoint."""
    values: dict[Endpoint, ReplyValue] = {Endpoint.USAGE: plan or Plan(windows), Endpoint.OVERAGE: credits_}
    values |= {Endpoint[name.upper()]: value for name, value in parts.items()}
    replies = {endpoint: Reply(endpoint, NOW, value) for endpoint, value in values.items()}
    return OrgState(about or Org("u", "Acme"), Account("a"), Session("Chrome"), replies)


def spend(state: OrgState, minutes: float = 0) -> OrgState:
    """Return the org after spending 40 cents in the plan, so many minutes ago."""
    last = NOW - timedelta(minutes=minutes)
    spending = InPlanSpending(last - timedelta(minutes=1), Decimal(0), last)
    series = CreditSeries(MeterOrigin.OVERAGE, ("USD", 2), total_rise=Decimal(40))
    return replace(state, series=series, in_plan_period=InPlanPeriod(last, Decimal(40), spending))


def keys(store: Store) -> list[tuple[str, str]]:
    """Return the key of every org of every account, in order."""
    return [state.key for state in store.all_orgs]
