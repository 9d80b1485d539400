"""Every figure of one org, with the reply it came from and when that was read.

Nothing is merged here: where two replies say something about the same thing, both are told, and
where they disagree that is told too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from claudemeter_tui.model.forecast import Gate, Range, pace, reach, spend_rate, window_full
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.usage import (
    Balance,
    Credits,
    CreditState,
    Meter,
    Origin,
    Severity,
    Subscription,
    Window,
)
from claudemeter_tui.model.verdict import GATES, Verdict, judge
from claudemeter_tui.text import format as form
from claudemeter_tui.text import problems, reasons
from claudemeter_tui.text import verdict as words

NOT_REPORTED = "not reported"
ENDPOINTS = {Origin.OVERAGE: Endpoint.OVERAGE, Origin.OWN: Endpoint.OWN_OVERAGE}
"""The reply of each origin; every other origin stands in the usage reply."""
PLACES = {Origin.EXTRA_USAGE: "usage: extra_usage", Origin.SPEND: "usage: spend"}
"""Origins that are a part of a reply only."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is known."""

    label: str
    value: str
    source: str
    """The reply it came from, or that it was worked out."""
    at: datetime | None = None
    """When that was read. None: never."""
    severity: Severity = Severity.NORMAL
    endpoint: Endpoint | None = None
    """The reply to look into. None: there is no single one."""
    key: str = ""
    """What to look for in it; empty where there is no single key."""

    def told(self, now: datetime) -> str:
        """All of it in one line, for the clipboard."""
        return f"{self.label}: {self.value} ({self.origin(now)})"

    def origin(self, now: datetime) -> str:
        """`usage · 18s ago`."""
        return f"{self.source} · {form.age(now - self.at)}" if self.at is not None else self.source


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: tuple[Figure, ...]


def sections(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> list[Section]:
    """Everything known about an org, the verdict first; sections without a figure are left out."""
    told = _Telling(store.session(state.session), state, now, zone)
    parts = [
        ("Verdict", told.verdict()),
        ("Org", told.org()),
        *((window.label, told.window(window)) for window in (state.plan.windows if state.plan else ())),
        ("Credits: the two gates", told.gates()),
        *((f"Credits, says {place(meter.origin)}", told.meter(meter)) for meter in state.credits.meters),
        ("Credits: replies that disagree", told.disagreements()),
        ("Spending", told.spending()),
        ("Prepaid balance", told.balance()),
        ("Subscription", told.subscription()),
        ("Early resets", told.grants()),
        ("The week by surface", told.shares()),
        ("Not read", told.failures()),
    ]
    found = [Section(title, tuple(figures)) for title, figures in parts]
    return [section for section in found if section.figures]


def place(origin: Origin) -> str:
    """Where a credit figure stands, for people: `overage`, `usage: extra_usage`."""
    return PLACES.get(origin) or str(ENDPOINTS[origin])


def names(org: Meter) -> str:
    """Whose figure it is."""
    return "one's own" if org.personal else "the organization's pool"


@dataclass(frozen=True, slots=True)
class _Telling:
    """One org at one moment."""

    session: SessionState
    state: OrgState
    now: datetime
    zone: tzinfo | None

    def verdict(self) -> Iterator[Figure]:
        verdict = judge(self.state, self.now)
        yield self._derived("verdict", words.name(verdict))
        for number, line in enumerate(words.banner(verdict, self.now, self.zone)):
            yield self._derived("" if number else "because", line)
        yield from self._payments(verdict)

    def _payments(self, verdict: Verdict) -> Iterator[Figure]:
        for payment in verdict.payment:
            cure = reasons.payment_cure(payment)
            told = reasons.payment_words(payment) + (f"; {cure}" if cure else "")
            endpoint = Endpoint.ACCOUNT if payment.key in GATES else Endpoint.SUBSCRIPTION
            yield self._from(endpoint, "payment", told, key=payment.key, severity=Severity.CRITICAL)

    def org(self) -> Iterator[Figure]:
        org, account = self.state.org, self.state.account
        pairs = (
            ("name", org.name or "none", "name"),
            ("plan", org.plan or "cannot be told", "rate_limit_tier"),
            ("kind", "Team or Enterprise: shared" if org.shared else "", "raven_type"),
            ("org id", org.uuid, "uuid"),
            ("account", account.email or NOT_REPORTED, "email_address"),
            ("account id", account.uuid or NOT_REPORTED, "uuid"),
        )
        for label, value, key in pairs:
            if value:
                yield self._from(Endpoint.ACCOUNT, label, value, key=key)
        for key, value in org.gates:
            yield self._from(Endpoint.ACCOUNT, key, f'"{value}"', key=key, severity=Severity.WARNING)
        if org.paused_until is not None:
            until = self._when(org.paused_until)
            yield self._from(Endpoint.ACCOUNT, "billing paused", until, key="billable_usage_paused_until")
        yield Figure("session", self.state.session.label, "this machine")

    def window(self, window: Window) -> Iterator[Figure]:
        severity = window.severity(self.now)
        key = window.key.partition(":")[2] or window.key

        def said(label: str, value: str, level: Severity = Severity.NORMAL) -> Figure:
            return self._from(Endpoint.USAGE, label, value, key=key, severity=level)

        due = ", before the reset that is due" if window.is_due(self.now) else ""
        percent = form.percent(window.percent) if window.percent is not None else NOT_REPORTED
        yield said("used", f"{percent}{due}", severity)
        yield said("resets", _reset(window, self._when))
        if window.limit is not None or window.used is not None:
            yield said("allowance", f"{_money(window.used)} of {_money(window.limit)}")
        if window.locked_reason is not None:
            yield said("locked", f'the server says "{window.locked_reason}"', Severity.FULL)
        if window.server_severity is not Severity.NORMAL:
            yield said("server says", window.server_severity.name.lower(), window.server_severity)
        if window.active:
            yield said("counts now", "the server calls it the limit that is active")
        yield said("stops", "the whole plan" if window.plan_wide else "its own model or surface only")
        yield from self._pace(window)
        yield said("key", window.key)

    def _pace(self, window: Window) -> Iterator[Figure]:
        elapsed, ahead = window.elapsed(self.now), pace(window, self.now)
        if elapsed is None:
            return
        how = "" if ahead is None else f"; used {ahead:.1f} times as fast as an even pace"
        yield self._derived("time passed", f"{form.percent(100 * elapsed)}{how}")
        full = window_full(window, self.now, self._at(Endpoint.USAGE))
        if full is not None and window.resets_at is not None:
            before = form.countdown(window.resets_at - full)
            told = f"{form.until(full, self.now, self.zone)}, {before} before it resets"
            yield self._derived("full at", told, severity=Severity.WARNING)

    def gates(self) -> Iterator[Figure]:
        extra = self.state.credits
        state = extra.state(self.now)
        if extra.lead is None and extra.balance is None and not extra.absent:
            return
        locked = Severity.FULL if state is CreditState.LOCKED else Severity.NORMAL
        yield self._derived("state", _STATES[state], severity=locked)
        yield from self._left(extra)
        if extra.pool is not None and extra.pool is not extra.lead:
            yield self._metered(extra.pool, "left in the pool", _left_of(extra.pool))

    def _left(self, extra: Credits) -> Iterator[Figure]:
        """What is left before either gate, the tighter one marked."""
        lead, balance = extra.lead, extra.balance
        under = lead.left if lead else None
        purse = balance.amount if balance else None
        tight = _tighter(under, purse)
        if lead is not None:
            yield self._metered(lead, "left of the cap", _left_of(lead) + _TIGHT * (tight is under))
        if balance is not None:
            amount = form.money(purse) if purse is not None else "nothing was ever bought"
            yield self._from(
                Endpoint.PREPAID, "left prepaid", amount + _TIGHT * (tight is purse), key="amount"
            )

    def meter(self, meter: Meter) -> Iterator[Figure]:
        def said(label: str, value: str, key: str, severity: Severity = Severity.NORMAL) -> Figure:
            return self._metered(meter, label, value, key=key, severity=severity)

        shut = meter.state(self.now)
        yield said("whose", names(meter), "limit_type")
        yield said("state", _STATES[shut], "is_enabled", _loud(shut is CreditState.LOCKED))
        used = _money(meter.used) + (f", {form.percent(meter.percent)}" if meter.percent is not None else "")
        yield said("used", used, "used_credits", Severity.of(meter.percent))
        cap = "no cap" if meter.uncapped and meter.cap is None else _money(meter.cap)
        yield said("cap", cap, "monthly_limit")
        if meter.enabled is not None:
            yield said("switched", "on" if meter.enabled else "off", "is_enabled")
        if meter.reason is not None:
            yield from self._reason(meter, meter.reason)
        if meter.until is not None:
            yield said("until", self._when(meter.until), "disabled_until")
        if meter.out_of_credits:
            yield said("out of credits", "yes: the prepaid balance is empty", "out_of_credits", Severity.FULL)
        if meter.cap_reached:
            yield said("cap reached", "yes", "spend_limit_reached", Severity.FULL)

    def _reason(self, meter: Meter, reason: str) -> Iterator[Figure]:
        cure = reasons.cure(reason)
        told = f"{reasons.words(reason)} ({reason})" + (f"; {cure}" if cure else "")
        loud = _loud(meter.state(self.now) is CreditState.LOCKED)
        yield self._metered(meter, "reason", told, key="disabled_reason", severity=loud)

    def disagreements(self) -> Iterator[Figure]:
        extra = self.state.credits
        for other in extra.meters:
            lead = extra.own if other.personal else extra.pool
            if lead is None or lead is other:
                continue
            for label, mine, theirs in _different(lead, other):
                told = f"{place(lead.origin)} says {mine}, {place(other.origin)} says {theirs}"
                both = f"{_endpoint(lead)}, {_endpoint(other)}"
                reads = [self._at(_endpoint(lead)), self._at(_endpoint(other))]
                oldest = min((at for at in reads if at is not None), default=None)
                yield Figure(f"{label}, {names(other)}", told, both, oldest, Severity.WARNING)

    def spending(self) -> Iterator[Figure]:
        series = self.state.series
        if series.origin is None or not series.runs:
            return
        at = series.runs[-1].last
        source = f"worked out from {place(series.origin)}"
        since = form.when(series.runs[0].first, self.now, self.zone)
        yield Figure("in this run", f"{form.money(series.risen)} since {since}", source, at)
        rate = spend_rate(series, self.now)
        if rate is None:
            return
        if rate.recent is not None:
            yield Figure("rate, 30 minutes", f"{form.money(rate.recent)} an hour", source, rate.at)
        run = f"{form.money(rate.run)} an hour since {form.when(rate.since, self.now, self.zone)}"
        yield Figure("rate, this run", run, source, rate.at)
        ahead = reach(self.state.credits, rate, self.now)
        if ahead is not None:
            yield Figure(_GATES[ahead.gate], self._range(ahead), source, rate.at, Severity.WARNING)

    def _range(self, ahead: Range) -> str:
        """Two bounds, or one."""
        first = form.when(ahead.earliest, self.now, self.zone)
        if ahead.latest is None:
            return f"{first} at the earliest, if it goes on like this"
        last = form.when(ahead.latest, self.now, self.zone)
        return f"between {first} and {last}, if it goes on like this"

    def balance(self) -> Iterator[Figure]:
        balance = self.state.credits.balance
        if balance is None:
            return
        amount = form.money(balance.amount) if balance.amount is not None else "nothing was ever bought"
        yield self._from(Endpoint.PREPAID, "balance", amount, key="amount")
        yield from self._tranches(balance)
        if balance.auto_reload is not None:
            told = "on: it tops itself up" if balance.auto_reload else "off"
            yield self._from(Endpoint.PREPAID, "auto-reload", told, key="auto_reload_settings")

    def _tranches(self, balance: Balance) -> Iterator[Figure]:
        for tranche in balance.tranches:
            kind = "promotional" if tranche.promotional else "bought"
            ends = "does not expire, or not reported"
            if tranche.expires_at is not None:
                gone = tranche.expires_at <= self.now
                ends = f"{'expired' if gone else 'expires'} {self._when(tranche.expires_at)}"
            value = f"{form.money(tranche.remaining)}, {ends}"
            key = "promo_tranches" if tranche.promotional else "tranches"
            yield self._from(Endpoint.PREPAID, f"{kind} part", value, key=key)

    def subscription(self) -> Iterator[Figure]:
        paid = self.state.subscription
        answered = self.state.replies.get(Endpoint.SUBSCRIPTION)
        if paid is None:
            if answered is not None:
                yield self._from(Endpoint.SUBSCRIPTION, "subscription", "the server says that there is none")
            return
        yield from (
            self._from(Endpoint.SUBSCRIPTION, label, value, key=key)
            for label, value, key in _subscribed(paid, self)
        )

    def grants(self) -> Iterator[Figure]:
        for grant in self.state.plan.grants if self.state.plan else ():
            left = "not reported how many" if grant.resets_left is None else f"{grant.resets_left} left"
            usable = "usable now" if grant.usable_now else "not usable now"
            ends = f", until {self._when(grant.ends_at)}" if grant.ends_at is not None else ""
            yield self._from(Endpoint.USAGE, "early reset", f"{left}, {usable}{ends}", key="cedar_ember")

    def shares(self) -> Iterator[Figure]:
        for share in self.state.plan.shares if self.state.plan else ():
            yield self._from(
                Endpoint.USAGE, share.label, form.percent(share.percent), key="seven_day_breakdown"
            )

    def failures(self) -> Iterator[Figure]:
        for failure in (*self.session.failures.values(), *self.state.failures.values()):
            detail = f" ({failure.detail})" if failure.detail else ""
            told = f"{failure.trouble}{detail}: {problems.TABLE[failure.trouble].what}"
            source = f"{failure.endpoint}, not read since"
            yield Figure(
                str(failure.endpoint), told, source, failure.at, Severity.WARNING, failure.endpoint
            )

    def _derived(self, label: str, value: str, severity: Severity = Severity.NORMAL) -> Figure:
        """What this program has worked out from the leading replies."""
        return Figure(label, value, "worked out", self.state.read_at, severity)

    def _metered(
        self, meter: Meter, label: str, value: str, *, key: str = "", severity: Severity = Severity.NORMAL
    ) -> Figure:
        endpoint = _endpoint(meter)
        return Figure(label, value, place(meter.origin), self._at(endpoint), severity, endpoint, key)

    def _from(
        self,
        endpoint: Endpoint,
        label: str,
        value: str,
        *,
        key: str = "",
        severity: Severity = Severity.NORMAL,
    ) -> Figure:
        return Figure(label, value, str(endpoint), self._at(endpoint), severity, endpoint, key)

    def _at(self, endpoint: Endpoint) -> datetime | None:
        replies = self.session.replies if endpoint is Endpoint.ACCOUNT else self.state.replies
        reply = replies.get(endpoint)
        return reply.at if reply is not None else None

    def _when(self, moment: datetime) -> str:
        if moment <= self.now:
            return f"{form.when(moment, self.now, self.zone)}, which has passed"
        return form.until(moment, self.now, self.zone)
