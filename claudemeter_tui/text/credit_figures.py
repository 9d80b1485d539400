"""The figures of the metered credits: each reply's own, both gates, and where replies disagree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from claudemeter_tui.model.forecast import reach
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.rate import spend_rate
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.usage import Balance, Credits, CreditState, Meter, Severity
from claudemeter_tui.text import forecast, reasons
from claudemeter_tui.text import format as form
from claudemeter_tui.text.figure import ENDPOINTS, NOT_REPORTED, Figure, Teller, endpoint_of, place
from claudemeter_tui.text.via import UNSEEN, lock

STATES = {
    CreditState.OPEN: "open: work may go on credits",
    CreditState.LOCKED: "locked",
    CreditState.OFF: "off",
    CreditState.UNKNOWN: "not known",
    CreditState.ABSENT: "none: no metered billing here",
}
TIGHTER = ", the tighter gate"
"""Marks what is left before the gate that shuts first."""


def amount(money: Money | None) -> str:
    """An amount, or that it is not reported."""
    return form.money(money) if money is not None else NOT_REPORTED


def gates(told: Teller) -> Iterator[Figure]:
    """Whether the credits are open, and what is left before the cap, the pool's cap and the balance."""
    extra = told.state.credits
    if extra.lead is not None or extra.balance is not None or extra.absent:
        state = extra.state(told.now)
        replies = (Endpoint.OWN_OVERAGE, Endpoint.OVERAGE, Endpoint.USAGE)
        yield told.derived("state", STATES[state], *replies, severity=_loud(state))
    if seen := lock(told.state, told.now, told.zone):
        looked = Endpoint.OVERAGE if Endpoint.OVERAGE in told.state.replies else Endpoint.USAGE
        yield told.read(looked, "lock", f"{seen}: {UNSEEN}")
    yield from _left_of(told, extra)


def _left_of(told: Teller, extra: Credits) -> Iterator[Figure]:
    """What is left before each gate."""
    lead, pool, balance_ = extra.lead, extra.pool, extra.balance
    under, purse = (lead.left if lead else None), (balance_.amount if balance_ else None)
    tight = _tighter(under, purse)
    if lead is not None:
        mark = TIGHTER if tight is not None and tight is under else ""
        yield told.metered(lead, "left of the cap", _left(lead) + mark, key=_CAP[endpoint_of(lead)])
    if balance_ is not None:
        mark = TIGHTER if tight is not None and tight is purse else ""
        yield told.read(Endpoint.PREPAID, "left prepaid", _bought(balance_) + mark, key="amount")
    if pool is not None and pool is not lead:
        yield told.metered(pool, "left of the pool", _left(pool), key=_CAP[endpoint_of(pool)])


_CAP = {
    Endpoint.OVERAGE: "monthly_credit_limit",
    Endpoint.OWN_OVERAGE: "monthly_credit_limit",
    Endpoint.USAGE: "monthly_limit",
}
"""What each reply calls the cap."""


def _left(meter: Meter) -> str:
    """What is left under a cap."""
    if meter.left is None:
        return "no cap" if meter.uncapped else NOT_REPORTED
    return f"{form.money(meter.left)} of {amount(meter.cap)}"


def _bought(balance: Balance) -> str:
    return form.money(balance.amount) if balance.amount is not None else "nothing bought, or not reported"


def _tighter(under: Money | None, purse: Money | None) -> Money | None:
    """The smaller of two amounts; None where they cannot be compared."""
    if under is None or purse is None or under.unit != purse.unit:
        return None
    return under if under.minor < purse.minor else purse


def _loud(state: CreditState) -> Severity:
    return Severity.FULL if state is CreditState.LOCKED else Severity.NORMAL


def meter(told: Teller, one: Meter) -> Iterator[Figure]:
    """What one reply says of the credits."""
    state = one.state(told.now)
    cap = "no cap" if one.uncapped and one.cap is None else amount(one.cap)
    share = f", {form.percent(one.percent)} of the cap" if one.percent is not None else ""
    rows = (
        ("whose", whose(one), "limit_type", Severity.NORMAL),
        ("state", STATES[state], "is_enabled", _loud(state)),
        ("used", amount(one.used) + share, "used_credits", Severity.of(one.percent)),
        ("cap", cap, _CAP[endpoint_of(one)], Severity.NORMAL),
        ("switched", _SWITCH[one.enabled], "is_enabled", Severity.NORMAL),
        ("reason", _reason(one), "disabled_reason", _loud(state)),
        ("until", told.when(one.until) if one.until else "", "disabled_until", _loud(state)),
        ("balance", "empty" if one.out_of_credits else "", "out_of_credits", _loud(state)),
        ("cap reached", "yes" if one.cap_reached else "", "spend_limit_reached", _loud(state)),
    )
    for label, value, key, severity in rows:
        if value:
            yield told.metered(one, label, value, key=key, severity=severity)


_SWITCH = {True: "on", False: "off", None: NOT_REPORTED}


def whose(one: Meter) -> str:
    """Whose figures they are."""
    return "your own" if one.personal else "the organization's pool"


def _reason(one: Meter) -> str:
    """In words, as the raw code, and what cures it."""
    if one.reason is None:
        return ""
    cure = reasons.cure(one.reason)
    known = reasons.words(one.reason)
    code = "" if one.reason in known else f" ({one.reason})"
    return f"{known}{code}" + (f"; {cure}" if cure else "")


def disagreements(told: Teller) -> Iterator[Figure]:
    """Where two replies give different figures for the same thing."""
    extra = told.state.credits
    for other in extra.meters:
        lead = extra.own if other.personal else extra.pool
        if lead is None or lead is other:
            continue
        reads = [told.at(endpoint_of(one)) for one in (lead, other)]
        at = min((read for read in reads if read is not None), default=None)
        by = told.by(*(endpoint_of(one) for one in (lead, other)))
        source = f"{place(lead.origin)}, {place(other.origin)}"
        for label, mine, theirs in _different(lead, other):
            value = f"{mine} says {place(lead.origin)}, {theirs} says {place(other.origin)}"
            yield Figure(f"{label}, {_SHORT[other.personal]}", value, source, at, Severity.WARNING, by=by)


_SHORT = {True: "own", False: "pool"}


def _different(lead: Meter, other: Meter) -> Iterator[tuple[str, str, str]]:
    """Label, the one and the other; only what both report, and as it is shown."""
    pairs = (
        ("used", _shown(lead.used), _shown(other.used)),
        ("cap", _cap(lead), _cap(other)),
        ("switch", _SWITCH[lead.enabled], _SWITCH[other.enabled]),
        ("reason", lead.reason, other.reason),
    )
    for label, mine, theirs in pairs:
        if mine and theirs and mine != theirs and NOT_REPORTED not in (mine, theirs):
            yield label, mine, theirs


def _shown(money: Money | None) -> str:
    return form.money(money) if money is not None else ""


def _cap(one: Meter) -> str:
    return "no cap" if one.uncapped and one.cap is None else _shown(one.cap)


def spending(told: Teller) -> Iterator[Figure]:
    """What was spent since the program started, how fast, and which gate that reaches when."""
    series, now = told.state.series, told.now
    if series.origin is None or not series.runs:
        return
    reply = ENDPOINTS.get(series.origin, Endpoint.USAGE)
    figure = partial(Figure, source=f"worked out from {place(series.origin)}", by=told.by(reply))
    since = form.when(series.runs[0].first, now, told.zone)
    yield figure("in this run", f"{form.money(series.risen)} since {since}", at=series.runs[-1].last)
    rate = spend_rate(series, now)
    if rate is None:
        return
    if rate.recent is not None:
        yield figure("rate, 30 minutes", f"{form.money(rate.recent)} an hour", at=rate.at)
    value = f"{form.money(rate.run)} an hour since {form.when(rate.since, now, told.zone)}"
    yield figure("rate, this run", value, at=rate.at)
    ahead = reach(told.state.credits, rate, now)
    if ahead is not None:
        value = forecast.gate(ahead, now, told.zone)
        yield figure("forecast", value, at=rate.at)


def balance(told: Teller) -> Iterator[Figure]:
    """The prepaid money with every part of it that has a life of its own."""
    known = told.state.credits.balance
    if known is None:
        return
    yield told.read(Endpoint.PREPAID, "balance", _bought(known), key="amount")
    for tranche in known.tranches:
        kind = "promotional" if tranche.promotional else "bought"
        ends = "no end, or not reported"
        if tranche.expires_at is not None:
            gone = tranche.expires_at <= told.now
            ends = f"{'expired' if gone else 'expires'} {told.when(tranche.expires_at)}"
        key = "promo_tranches" if tranche.promotional else "tranches"
        value = f"{form.money(tranche.remaining)}, {ends}"
        yield told.read(Endpoint.PREPAID, f"{kind} part", value, key=key)
    if known.auto_reload is not None:
        value = "on: it tops itself up" if known.auto_reload else "off"
        yield told.read(Endpoint.PREPAID, "auto-reload", value, key="auto_reload_settings")
