"""Every figure of one org, section by section.

Nothing is merged here: where two replies say something about the same thing, both are told, and
where they disagree that is told too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo

from claudemeter_tui.model.forecast import pace, window_full
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.usage import Severity, Subscription, Window
from claudemeter_tui.model.verdict import GATES, State, judge
from claudemeter_tui.text import credit_figures as credit
from claudemeter_tui.text import format as form
from claudemeter_tui.text import problems, reasons
from claudemeter_tui.text import verdict as words
from claudemeter_tui.text.figure import NOT_REPORTED, Figure, Section, Teller, place

DECIDE = (Endpoint.USAGE, Endpoint.OWN_OVERAGE, Endpoint.OVERAGE)
"""The replies that decide the verdict."""
LOUD = {
    State.BLOCKED: Severity.FULL,
    State.WAIT: Severity.CRITICAL,
    State.ON_CREDITS: Severity.WARNING,
    State.UNKNOWN: Severity.WARNING,
    State.CAN_WORK: Severity.NORMAL,
}
"""How loud a verdict is, as far as its state says."""


def sections(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> list[Section]:
    """Everything known about an org, the verdict first; sections without a figure are left out."""
    told = Teller(state, store.session(state.session), now, zone)
    windows = state.plan.windows if state.plan else ()
    parts = [
        ("Verdict", _verdict(told)),
        ("Not read", _failures(told)),
        *((f"{window.label} window", _window(told, window)) for window in windows),
        ("Credits: both gates", credit.gates(told)),
        ("Credits: replies that disagree", credit.disagreements(told)),
        *(
            (f"Credits: what {place(meter.origin)} says", credit.meter(told, meter))
            for meter in state.credits.meters
        ),
        ("Spending", credit.spending(told)),
        ("Prepaid balance", credit.balance(told)),
        ("Early resets", _grants(told)),
        ("The week by surface", _shares(told)),
        ("Subscription", _subscription(told)),
        ("Org", _org(told)),
    ]
    found = [Section(title, tuple(figures)) for title, figures in parts]
    return [section for section in found if section.figures]


def _verdict(told: Teller) -> Iterator[Figure]:
    verdict = judge(told.state, told.now)
    severity = max(LOUD[verdict.state], Severity.CRITICAL if verdict.locked else Severity.NORMAL)
    yield told.derived("verdict", words.name(verdict), *DECIDE, severity=severity)
    yield told.derived("says", " · ".join(words.banner(verdict, told.now, told.zone)), *DECIDE)
    for payment in verdict.payment:
        cure = reasons.payment_cure(payment)
        value = reasons.payment_words(payment) + (f"; {cure}" if cure else "")
        endpoint = Endpoint.ACCOUNT if payment.key in GATES else Endpoint.SUBSCRIPTION
        yield told.read(endpoint, "payment", value, key=payment.key, severity=Severity.CRITICAL)


def _failures(told: Teller) -> Iterator[Figure]:
    for failure in (*told.session.failures.values(), *told.state.failures.values()):
        detail = f" ({failure.detail})" if failure.detail else ""
        value = f"{failure.trouble}{detail}: {problems.TABLE[failure.trouble].what}"
        at, severity = failure.at, Severity.WARNING
        by = told.state.session.label
        yield Figure(str(failure.endpoint), value, "not read since", at, severity, failure.endpoint, by=by)


def _window(told: Teller, window: Window) -> Iterator[Figure]:
    key = window.key.partition(":")[2] or window.key

    def said(label: str, value: str, severity: Severity = Severity.NORMAL) -> Figure:
        return told.read(Endpoint.USAGE, label, value, key=key, severity=severity)

    due = ""
    if window.is_due(told.now):
        due = " when it expired" if window.once else ", before the reset that is due"
    percent = form.percent(window.percent) if window.percent is not None else NOT_REPORTED
    yield said("used", f"{percent}{due}", window.severity(told.now))
    yield said(form.ends(window), _reset(told, window))
    if window.limit is not None or window.used is not None:
        yield said("allowance", f"{credit.amount(window.used)} of {credit.amount(window.limit)}")
    if window.locked_reason is not None:
        yield said("locked", f'the server says "{window.locked_reason}"', Severity.FULL)
    if window.server_severity is not Severity.NORMAL:
        yield said("severity", f"the server says {window.server_severity.name.lower()}")
    if window.active:
        yield said("counts now", "the server calls this limit the active one")
    yield from _pace(told, window)
    yield said("stops", "the whole plan" if window.plan_wide else "only its own model or surface")
    yield said("key", window.key)


def _reset(told: Teller, window: Window) -> str:
    if window.resets_at is None:
        return "not started" if window.percent == 0 else NOT_REPORTED
    return told.when(window.resets_at)


def _pace(told: Teller, window: Window) -> Iterator[Figure]:
    elapsed, ahead = window.elapsed(told.now), pace(window, told.now)
    if elapsed is None:
        return
    how = "" if ahead is None else f", used at {ahead:.1f} times an even pace"
    yield told.derived("time passed", f"{form.percent(100 * elapsed)}{how}", Endpoint.USAGE)
    full = window_full(window, told.now, told.at(Endpoint.USAGE))
    if full is not None and window.resets_at is not None:
        before = form.countdown(window.resets_at - full)
        value = f"{form.until(full, told.now, told.zone)}, {before} before it resets"
        yield told.derived("full at", value, Endpoint.USAGE)


def _grants(told: Teller) -> Iterator[Figure]:
    for grant in told.state.plan.grants if told.state.plan else ():
        left = "how many is not reported" if grant.resets_left is None else f"{grant.resets_left} left"
        usable = "usable now" if grant.usable_now else "not usable now"
        ends = f", until {told.when(grant.ends_at)}" if grant.ends_at is not None else ""
        yield told.read(Endpoint.USAGE, "early reset", f"{left}, {usable}{ends}", key="cedar_ember")


def _shares(told: Teller) -> Iterator[Figure]:
    for share in told.state.plan.shares if told.state.plan else ():
        value = form.percent(share.percent)
        yield told.read(Endpoint.USAGE, share.label, value, key="seven_day_breakdown")


def _subscription(told: Teller) -> Iterator[Figure]:
    paid = told.state.subscription
    if paid is not None:
        for label, value, key in _paid(told, paid):
            if value:
                yield told.read(Endpoint.SUBSCRIPTION, label, value, key=key)
    elif Endpoint.SUBSCRIPTION in told.state.replies:
        yield told.read(Endpoint.SUBSCRIPTION, "subscription", "none: the server knows of no such thing")


def _paid(told: Teller, paid: Subscription) -> Iterator[tuple[str, str, str]]:
    card = paid.card
    yield "status", paid.status or NOT_REPORTED, "status"
    yield "next charge", _day(paid.next_charge) or "none, or not reported", "next_charge_date"
    yield "ends", _day(paid.ends), "plan_ending_at"
    yield "paid through", _day(paid.paid_through), "gift_details"
    yield "paused until", told.when(paid.paused_until) if paid.paused_until else "", "payment_paused_until"
    yield "card", f"{card.brand} ••{card.last4}".removesuffix(" ••") if card else "", "payment_method"
    if paid.change is not None:
        plan, day = paid.change
        yield "changes to", f"{plan} on {_day(day)}" if day else plan, "scheduled_downgrade"


def _day(that: date | None) -> str:
    return that.isoformat() if that is not None else ""


def _org(told: Teller) -> Iterator[Figure]:
    org, account = told.state.org, told.state.account
    rows = (
        ("name", org.name or "none", "name"),
        ("plan", org.plan or "cannot be told", "rate_limit_tier"),
        ("kind", "Team or Enterprise: its credits have a pool" if org.shared else "", "raven_type"),
        ("org id", org.uuid, org.uuid),
        ("account", account.email or NOT_REPORTED, "email_address"),
        ("account id", account.uuid or NOT_REPORTED, "uuid"),
    )
    for label, value, key in rows:
        if value:
            yield told.read(Endpoint.ACCOUNT, label, value, key=key)
    for key, value in org.gates:
        yield told.read(Endpoint.ACCOUNT, key, f'"{value}"', key=key, severity=Severity.WARNING)
    if org.paused_until is not None:
        key = "billable_usage_paused_until"
        yield told.read(Endpoint.ACCOUNT, "billing paused", f"until {told.when(org.paused_until)}", key=key)
    yield Figure("session", told.state.session.label, "this machine")
