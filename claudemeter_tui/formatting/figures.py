"""Word every figure of one org, section by section, each with its reply and its age.

Nothing is merged: if two replies report the same figure, both are listed, and so is a disagreement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import partial

from claudemeter_tui.formatting.amounts import NOT_REPORTED, describe_missing_cap, format_cap, format_card
from claudemeter_tui.formatting.credits import (
    LOCK_NOT_VISIBLE,
    NOT_KNOWN,
    describe_lock_visibility,
    describe_payment,
    describe_payment_cure,
    describe_reason,
    describe_reason_cure,
    format_gate_forecast,
)
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, format_error
from claudemeter_tui.formatting.values import (
    format_age,
    format_countdown,
    format_moment,
    format_money,
    format_no_reset,
    format_percent,
    format_reset_verb,
    format_short_day,
    format_with_countdown,
    to_local,
)
from claudemeter_tui.formatting.verdict import format_verdict_banner, format_verdict_name
from claudemeter_tui.model.account import Subscription
from claudemeter_tui.model.catalogue import PAYMENT_RESTRICTION_KEYS, CreditState, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.forecast import (
    SpendLimit,
    compute_pace,
    find_tighter_limit,
    forecast_limit,
    forecast_window_full,
)
from claudemeter_tui.model.spending import compute_spend_rate
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.verdict import VerdictState, judge
from claudemeter_tui.model.windows import Severity, Window


@dataclass(frozen=True, slots=True)
class Figure:
    """One value with its source and age."""

    label: str
    value: str
    source: str
    """The reply it came from, or a note that it was calculated."""
    read_at: datetime | None = None
    """The time of that reply. None if it was never read, or if there is none."""
    severity: Severity = Severity.NORMAL
    endpoint: Endpoint | None = None
    """The reply to open. None if there is no single one."""
    key: str = ""
    """The key to find in that reply; empty if there is no single one."""
    session_labels: str = ""
    """The sessions that read it, separated by semicolons. Empty if it was not read."""

    def format_line(self, now: datetime) -> str:
        """Return the figure in one line, for the clipboard."""
        return f"{self.label}: {self.value} ({self.describe_origin(now)})"

    def describe_origin(self, now: datetime) -> str:
        """Return `usage via Chrome, Default · 18s ago`."""
        return (
            f"{self.provenance} · {format_age(now - self.read_at)}"
            if self.read_at is not None
            else self.provenance
        )

    @property
    def provenance(self) -> str:
        """Return `usage via Chrome, Default`."""
        return f"{self.source} via {self.session_labels}" if self.session_labels else self.source


@dataclass(frozen=True, slots=True)
class Section:
    """Figures under one heading."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class FigureBuilder:
    """Build the figures of one org at one moment."""

    state: OrgState
    session: SessionState
    """The session that serves the org; its account reply lists the org."""
    now: datetime
    zone: tzinfo | None = None

    def build_from_reply(
        self,
        endpoint: Endpoint,
        label: str,
        value: str,
        *,
        key: str = "",
        severity: Severity = Severity.NORMAL,
    ) -> Figure:
        """Build a figure from a reply."""
        at, by = self.find_read_time(endpoint), self.join_session_labels(endpoint)
        return Figure(label, value, str(endpoint), at, severity, endpoint, key, by)

    def build_from_meter(
        self, meter: Meter, label: str, value: str, *, key: str = "", severity: Severity = Severity.NORMAL
    ) -> Figure:
        """Build a figure from a meter."""
        endpoint = meter.origin.endpoint
        at, by = self.find_read_time(endpoint), self.join_session_labels(endpoint)
        return Figure(label, value, format_origin(meter.origin), at, severity, endpoint, key, by)

    def build_derived(
        self, label: str, value: str, *endpoints: Endpoint, severity: Severity = Severity.NORMAL
    ) -> Figure:
        """Build a figure that is calculated from these replies, as old as the oldest of them."""
        reads = {endpoint: at for endpoint in endpoints if (at := self.find_read_time(endpoint)) is not None}
        source = f"from {', '.join(reads)} (calculated)" if reads else "calculated"
        return Figure(
            label,
            value,
            source,
            min(reads.values(), default=None),
            severity,
            session_labels=self.join_session_labels(*reads),
        )

    def find_read_time(self, endpoint: Endpoint) -> datetime | None:
        """Return the time of the last good reply. None if there is none."""
        replies = self.session.replies if endpoint is Endpoint.ACCOUNT else self.state.replies
        reply = replies.get(endpoint)
        return reply.at if reply is not None else None

    def join_session_labels(self, *endpoints: Endpoint) -> str:
        """Return the sessions that read these replies, each once; empty if none did."""
        sessions = {
            self.session.session
            if endpoint is Endpoint.ACCOUNT
            else self.state.reply_sources.get(endpoint): None
            for endpoint in endpoints
        }
        return "; ".join(session.label for session in sessions if session is not None)

    def format_moment(self, moment: datetime) -> str:
        """Return a moment with its countdown, or a note that it has passed."""
        if moment <= self.now:
            return f"{format_moment(moment, self.now, self.zone)} (passed)"
        return format_with_countdown(moment, self.now, self.zone)


def format_origin(origin: MeterOrigin) -> str:
    """Return the source of a credit figure: `overage`, `usage: extra_usage`."""
    return str(origin if origin.endpoint is Endpoint.USAGE else origin.endpoint)


CREDIT_STATE_TEXTS = {
    CreditState.OPEN: "open: work can continue on credits",
    CreditState.LOCKED: "locked",
    CreditState.OFF: "off",
    CreditState.UNKNOWN: NOT_KNOWN,
    CreditState.ABSENT: "not enabled for this org",
}
RUNS_OUT_FIRST = ", runs out first"
"""Note beside the limit that leaves less."""


NO_BALANCE = f"none, or {NOT_REPORTED}"


def build_gate_figures(builder: FigureBuilder) -> Iterator[Figure]:
    """Yield the state of the credits and the amount left under the cap, in the balance and in the pool."""
    credits = builder.state.credits
    if credits.lead_meter is not None or credits.balance is not None or credits.is_absent:
        state = credits.compute_state(builder.now)
        replies = (Endpoint.OWN_OVERAGE, Endpoint.OVERAGE, Endpoint.USAGE)
        yield builder.build_derived(
            "state", CREDIT_STATE_TEXTS[state], *replies, severity=_find_state_severity(state)
        )
    if visibility := describe_lock_visibility(builder.state, builder.now, builder.zone):
        endpoint = Endpoint.OVERAGE if Endpoint.OVERAGE in builder.state.replies else Endpoint.USAGE
        yield builder.build_from_reply(endpoint, "lock", f"{visibility}: {LOCK_NOT_VISIBLE}")
    lead, pool, tighter = credits.lead_meter, credits.pool_meter, find_tighter_limit(credits)
    if lead is not None:
        left = _format_left(lead) + (RUNS_OUT_FIRST if tighter is SpendLimit.CAP else "")
        yield builder.build_from_meter(lead, "cap left", left, key=lead.origin.cap_key)
    if credits.balance is not None:
        left = format_money(credits.balance_amount, NO_BALANCE)
        left += RUNS_OUT_FIRST if tighter is SpendLimit.BALANCE else ""
        yield builder.build_from_reply(Endpoint.PREPAID, "balance left", left, key="amount")
    if pool is not None and pool is not lead:
        left = _format_left(pool)
        yield builder.build_from_meter(pool, "pool left", left, key=pool.origin.cap_key)


def _format_left(meter: Meter) -> str:
    """Return the amount left under a cap: `$32.80 of $50.00`."""
    if meter.remaining is None:
        return describe_missing_cap(meter)
    return f"{format_money(meter.remaining)} of {format_money(meter.cap)}"


def _find_state_severity(state: CreditState) -> Severity:
    return Severity.FULL if state is CreditState.LOCKED else Severity.NORMAL


def build_meter_figures(builder: FigureBuilder, meter: Meter) -> Iterator[Figure]:
    """Yield everything one reply reports about the credits."""
    state = meter.compute_state(builder.now)
    share = f", {format_percent(meter.percent)} of the cap" if meter.percent is not None else ""
    lock_severity, reason = _find_state_severity(state), ""
    if meter.reason is not None:
        words, cure = describe_reason(meter.reason), describe_reason_cure(meter.reason)
        reason = (
            words + ("" if meter.reason in words else f" ({meter.reason})") + (f"; {cure}" if cure else "")
        )
    until = builder.format_moment(meter.until) if meter.until else ""
    used = format_money(meter.used, NOT_REPORTED) + share
    rows = (
        ("owner", describe_owner(meter), "limit_type", Severity.NORMAL),
        ("state", CREDIT_STATE_TEXTS[state], "is_enabled", lock_severity),
        ("used", used, "used_credits", Severity.from_percent(meter.percent)),
        ("cap", format_cap(meter), meter.origin.cap_key, Severity.NORMAL),
        ("switch", _SWITCH_TEXTS[meter.is_enabled], "is_enabled", Severity.NORMAL),
        ("reason", reason, "disabled_reason", lock_severity),
        ("until", until, "disabled_until", lock_severity),
        ("balance", "empty" if meter.out_of_credits else "", "out_of_credits", lock_severity),
        ("cap reached", "yes" if meter.cap_reached else "", "spend_limit_reached", lock_severity),
    )
    for label, value, key, severity in rows:
        if value:
            yield builder.build_from_meter(meter, label, value, key=key, severity=severity)


_SWITCH_TEXTS = {True: "on", False: "off", None: NOT_REPORTED}


def describe_owner(meter: Meter) -> str:
    """Return the owner of a meter's figures."""
    return "your own" if meter.is_personal else "the organization's pool"


def build_disagreement_figures(builder: FigureBuilder) -> Iterator[Figure]:
    """Yield every value that two replies report differently."""
    credits = builder.state.credits
    for other in credits.meters:
        lead = credits.own_meter if other.is_personal else credits.pool_meter
        if lead is None or lead is other:
            continue
        reads = [builder.find_read_time(meter.origin.endpoint) for meter in (lead, other)]
        at = min((read for read in reads if read is not None), default=None)
        by = builder.join_session_labels(*(meter.origin.endpoint for meter in (lead, other)))
        source = f"{format_origin(lead.origin)}, {format_origin(other.origin)}"
        for label, mine, theirs in _find_differences(lead, other):
            value = f"{mine} ({format_origin(lead.origin)}), {theirs} ({format_origin(other.origin)})"
            yield Figure(
                f"{label}, {_OWNER_LABELS[other.is_personal]}",
                value,
                source,
                at,
                Severity.WARNING,
                session_labels=by,
            )


_OWNER_LABELS = {True: "own", False: "pool"}


def _find_differences(lead: Meter, other: Meter) -> Iterator[tuple[str, str, str]]:
    """Yield label and both values of each difference, as shown; only values that both replies report."""
    pairs = (
        ("used", format_money(lead.used, ""), format_money(other.used, "")),
        ("cap", format_cap(lead, ""), format_cap(other, "")),
        ("switch", _SWITCH_TEXTS[lead.is_enabled], _SWITCH_TEXTS[other.is_enabled]),
        ("reason", lead.reason, other.reason),
    )
    for label, mine, theirs in pairs:
        if mine and theirs and mine != theirs and NOT_REPORTED not in (mine, theirs):
            yield label, mine, theirs


def build_spending_figures(builder: FigureBuilder) -> Iterator[Figure]:
    """Yield the amount spent in this run, the rates, and the forecast."""
    series, now = builder.state.series, builder.now
    if series.origin is None or not series.runs:
        return
    figure = partial(
        Figure,
        source=f"from {format_origin(series.origin)} (calculated)",
        session_labels=builder.join_session_labels(series.origin.endpoint),
    )
    since = format_moment(series.runs[0].first, now, builder.zone)
    yield figure("this run", f"{format_money(series.spent)} since {since}", read_at=series.runs[-1].last)
    rate = compute_spend_rate(series, now)
    if rate is None:
        return
    if rate.recent_rate is not None:
        yield figure("rate, 30 min", f"{format_money(rate.recent_rate)}/h", read_at=rate.at)
    begin = format_moment(rate.since, now, builder.zone)
    value = f"{format_money(rate.overall_rate)}/h since {begin}"
    yield figure("rate, this run", value, read_at=rate.at)
    ahead = forecast_limit(builder.state.credits, rate, now)
    if ahead is not None:
        value = format_gate_forecast(ahead, now, builder.zone)
        yield figure("forecast", value, read_at=rate.at)


def build_balance_figures(builder: FigureBuilder) -> Iterator[Figure]:
    """Yield the balance, each part of it, and the auto-reload."""
    balance = builder.state.credits.balance
    if balance is None:
        return
    yield builder.build_from_reply(
        Endpoint.PREPAID, "balance", format_money(balance.amount, NO_BALANCE), key="amount"
    )
    for tranche in balance.tranches:
        kind = "promotional" if tranche.is_promotional else "bought"
        ends = "no end date"
        if tranche.expires_at is not None:
            gone = tranche.expires_at <= builder.now
            ends = f"{'expired' if gone else 'expires'} {builder.format_moment(tranche.expires_at)}"
        key = "promo_tranches" if tranche.is_promotional else "tranches"
        value = f"{format_money(tranche.remaining)}, {ends}"
        yield builder.build_from_reply(Endpoint.PREPAID, f"{kind} part", value, key=key)
    if balance.auto_reload is not None:
        value = "on" if balance.auto_reload else "off"
        yield builder.build_from_reply(Endpoint.PREPAID, "auto-reload", value, key="auto_reload_settings")


VERDICT_ENDPOINTS = (Endpoint.USAGE, Endpoint.OWN_OVERAGE, Endpoint.OVERAGE)
"""The replies that decide the verdict."""
VERDICT_SEVERITIES = {
    VerdictState.BLOCKED: Severity.FULL,
    VerdictState.WAIT: Severity.CRITICAL,
    VerdictState.ON_CREDITS: Severity.WARNING,
    VerdictState.UNKNOWN: Severity.WARNING,
    VerdictState.CAN_WORK: Severity.NORMAL,
}
"""The severity of each state, without locked credits."""


def build_sections(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> list[Section]:
    """Return everything known about an org, the verdict first; sections without a figure are left out."""
    builder = FigureBuilder(state, store.find_session_state(state.session), now, zone)
    windows = state.plan.windows if state.plan else ()
    parts = [
        ("Verdict", _build_verdict_figures(builder)),
        ("Not read", _build_failure_figures(builder)),
        *((f"{window.label} window", _build_window_figures(builder, window)) for window in windows),
        ("Credits left", build_gate_figures(builder)),
        ("Credits: conflicting replies", build_disagreement_figures(builder)),
        *(
            (f"Credits in {format_origin(meter.origin)}", build_meter_figures(builder, meter))
            for meter in state.credits.meters
        ),
        ("Spending", build_spending_figures(builder)),
        ("Prepaid balance", build_balance_figures(builder)),
        ("Saved resets", _build_grant_figures(builder)),
        ("7-day by surface", _build_share_figures(builder)),
        ("Subscription", _build_subscription_figures(builder)),
        ("Org", _build_org_figures(builder)),
    ]
    sections = [Section(title, tuple(figures)) for title, figures in parts]
    return [section for section in sections if section.figures]


def _build_verdict_figures(builder: FigureBuilder) -> Iterator[Figure]:
    verdict = judge(builder.state, builder.now)
    severity = max(
        VERDICT_SEVERITIES[verdict.state], Severity.CRITICAL if verdict.is_locked else Severity.NORMAL
    )
    yield builder.build_derived(
        "verdict", format_verdict_name(verdict), *VERDICT_ENDPOINTS, severity=severity
    )
    yield builder.build_derived(
        "summary", " · ".join(format_verdict_banner(verdict, builder.now, builder.zone)), *VERDICT_ENDPOINTS
    )
    for payment in verdict.payment_problems:
        cure = describe_payment_cure(payment)
        value = describe_payment(payment) + (f"; {cure}" if cure else "")
        endpoint = Endpoint.ACCOUNT if payment.key in PAYMENT_RESTRICTION_KEYS else Endpoint.SUBSCRIPTION
        yield builder.build_from_reply(
            endpoint, "payment", value, key=payment.key, severity=Severity.CRITICAL
        )


def _build_failure_figures(builder: FigureBuilder) -> Iterator[Figure]:
    for failure in (*builder.session.failures.values(), *builder.state.failures.values()):
        error = format_error(failure.error_kind, failure.detail)
        value = f"{error}: {PROBLEM_TEXTS[failure.error_kind].summary}"
        at, severity = failure.at, Severity.WARNING
        by = builder.state.session.label
        yield Figure(
            str(failure.endpoint), value, "failed", at, severity, failure.endpoint, session_labels=by
        )


def _build_window_figures(builder: FigureBuilder, window: Window) -> Iterator[Figure]:
    key = window.key.partition(":")[2] or window.key

    def build(label: str, value: str, severity: Severity = Severity.NORMAL) -> Figure:
        return builder.build_from_reply(Endpoint.USAGE, label, value, key=key, severity=severity)

    due = ""
    if window.is_due(builder.now):
        due = " (expired)" if window.is_one_time else " (reset due)"
    percent = format_percent(window.percent) if window.percent is not None else NOT_REPORTED
    yield build("used", f"{percent}{due}", window.compute_severity(builder.now))
    if window.resets_at is None:
        reset = format_no_reset(window, NOT_REPORTED)
    else:
        reset = builder.format_moment(window.resets_at)
    yield build(format_reset_verb(window), reset)
    if window.limit is not None or window.used is not None:
        yield build(
            "allowance",
            f"{format_money(window.used, NOT_REPORTED)} of {format_money(window.limit, NOT_REPORTED)}",
        )
    if window.locked_reason is not None:
        yield build("locked", f'the server says "{window.locked_reason}"', Severity.FULL)
    if window.server_severity is not Severity.NORMAL:
        yield build("severity", f"{window.server_severity.name.lower()} (per server)")
    if window.is_active:
        yield build("active limit", "yes (per server)")
    yield from _build_pace_figures(builder, window)
    yield build("applies to", "the whole plan" if window.is_plan_wide else "this model or surface only")
    yield build("key", window.key)


def _build_pace_figures(builder: FigureBuilder, window: Window) -> Iterator[Figure]:
    elapsed, ahead = window.compute_elapsed(builder.now), compute_pace(window, builder.now)
    if elapsed is None:
        return
    how = "" if ahead is None else f", {ahead:.1f}x the even pace"
    yield builder.build_derived("elapsed", f"{format_percent(100 * elapsed)}{how}", Endpoint.USAGE)
    full = forecast_window_full(window, builder.now, builder.find_read_time(Endpoint.USAGE))
    if full is not None and window.resets_at is not None:
        before = format_countdown(window.resets_at - full)
        value = f"{format_with_countdown(full, builder.now, builder.zone)}, {before} before the reset"
        yield builder.build_derived("full at", value, Endpoint.USAGE)


def _build_grant_figures(builder: FigureBuilder) -> Iterator[Figure]:
    for grant in builder.state.plan.saved_resets if builder.state.plan else ():
        left = "number not reported" if grant.resets_left is None else f"{grant.resets_left} left"
        usable = "usable now" if grant.usable_now else "not usable now"
        ends = f", until {builder.format_moment(grant.ends_at)}" if grant.ends_at is not None else ""
        yield builder.build_from_reply(
            Endpoint.USAGE, "saved reset", f"{left}, {usable}{ends}", key="cedar_ember"
        )


def _build_share_figures(builder: FigureBuilder) -> Iterator[Figure]:
    for share in builder.state.plan.shares if builder.state.plan else ():
        value = format_percent(share.percent)
        yield builder.build_from_reply(Endpoint.USAGE, share.label, value, key="seven_day_breakdown")


def _build_subscription_figures(builder: FigureBuilder) -> Iterator[Figure]:
    subscription = builder.state.subscription
    if subscription is not None:
        for label, value, key in _list_subscription_rows(builder, subscription):
            if value:
                yield builder.build_from_reply(Endpoint.SUBSCRIPTION, label, value, key=key)
    elif Endpoint.SUBSCRIPTION in builder.state.replies:
        yield builder.build_from_reply(Endpoint.SUBSCRIPTION, "subscription", "none")


def _list_subscription_rows(
    builder: FigureBuilder, subscription: Subscription
) -> Iterator[tuple[str, str, str]]:
    yield "status", subscription.status or NOT_REPORTED, "status"
    today = to_local(builder.now, builder.zone).date()
    charge = _format_date(subscription.next_charge, today) or "none, or not reported"
    yield "next charge", charge, "next_charge_date"
    yield "ends", _format_date(subscription.ends_on, today), "plan_ending_at"
    yield "paid through", _format_date(subscription.paid_through, today), "gift_details"
    yield (
        "paused until",
        builder.format_moment(subscription.paused_until) if subscription.paused_until else "",
        "payment_paused_until",
    )
    yield "card", format_card(subscription.card), "payment_method"
    if subscription.scheduled_change is not None:
        plan, day = subscription.scheduled_change
        yield "changes to", f"{plan} on {_format_date(day, today)}" if day else plan, "scheduled_downgrade"


def _format_date(day: date | None, today: date) -> str:
    """Return `Dec 18`, with the year if it differs; empty if there is no day."""
    if day is None:
        return ""
    return format_short_day(day) + ("" if day.year == today.year else f" {day.year}")


def _build_org_figures(builder: FigureBuilder) -> Iterator[Figure]:
    org, account = builder.state.org, builder.state.account
    rows = (
        ("name", org.name or "none", "name"),
        ("plan", org.plan_name or NOT_KNOWN, "rate_limit_tier"),
        ("kind", "Team or Enterprise (credits have a pool)" if org.is_shared else "", "raven_type"),
        ("org id", org.uuid, org.uuid),
        ("account", account.email or NOT_REPORTED, "email_address"),
        ("account id", account.uuid or NOT_REPORTED, "uuid"),
    )
    for label, value, key in rows:
        if value:
            yield builder.build_from_reply(Endpoint.ACCOUNT, label, value, key=key)
    for key, value in org.restrictions:
        yield builder.build_from_reply(
            Endpoint.ACCOUNT, key, f'"{value}"', key=key, severity=Severity.WARNING
        )
    if org.paused_until is not None:
        key = "billable_usage_paused_until"
        yield builder.build_from_reply(
            Endpoint.ACCOUNT, "billing paused", f"until {builder.format_moment(org.paused_until)}", key=key
        )
    yield Figure("session", builder.state.session.label, "this machine")
