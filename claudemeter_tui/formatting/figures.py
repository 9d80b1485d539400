"""List every figure of one org in words, by section, each with its reply and its age.

Nothing is merged: if two replies report the same figure, both are listed, and so are contradictions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from functools import partial
from typing import NamedTuple

from claudemeter_tui.formatting.credits import (
    CREDIT_STATE_NAMES,
    LOCK_NOT_VISIBLE,
    NOT_KNOWN,
    NOT_REPORTED,
    describe_figures_age,
    describe_lock_visibility,
    describe_missing_cap,
    describe_reload_cure,
    describe_scope,
    describe_scoped_balance,
    format_cap,
    format_card,
    format_gate_forecast,
    format_time_before_reset,
)
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS, describe_source, format_error
from claudemeter_tui.formatting.resets import describe_obstacle
from claudemeter_tui.formatting.values import (
    format_age,
    format_dated_day,
    format_moment,
    format_money,
    format_no_reset,
    format_percent,
    format_reset_verb,
    format_with_countdown,
    to_local,
)
from claudemeter_tui.formatting.verdict import (
    PAYMENT,
    VerdictWriter,
    format_verdict_name,
    list_verdict_facts,
)
from claudemeter_tui.model.account import Subscription
from claudemeter_tui.model.catalogue import PAYMENT_RESTRICTIONS, CreditState, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.forecast import (
    SpendLimit,
    compute_pace,
    compute_spend_rate,
    find_tighter_limit,
    forecast_limit,
    forecast_percent_at_reset,
    forecast_window_full,
)
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.verdict import VerdictState, get_state_severity, judge
from claudemeter_tui.model.windows import Plan, Severity, Window

CREDIT_STATE_TEXTS = {
    **CREDIT_STATE_NAMES,
    CreditState.OPEN: "open: work can continue on credits",
    CreditState.ABSENT: "not enabled for this org",
}
VERDICT_ENDPOINTS = (Endpoint.USAGE, Endpoint.OWN_OVERAGE, Endpoint.OVERAGE)
"""The replies that decide the verdict."""
NOT_READ_SINCE = "not read since"
RUNS_OUT_FIRST = ", runs out first"
"""Note beside the limit with the smaller amount left."""
NONE_OR_NOT_REPORTED = f"none, or {NOT_REPORTED}"
SWITCH_TEXTS = {True: "on", False: "off", None: NOT_REPORTED}


class Figure(NamedTuple):
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
    calculated_from: tuple[Endpoint, ...] = ()
    """The replies from which it was calculated, the most important first. Empty if it was not calculated."""
    state: VerdictState | None = None
    """The verdict that the value names, whose mark comes first. None for any other figure."""

    def format_line(self, now: datetime) -> str:
        """Return the figure in one line, for the clipboard."""
        return f"{self.label}: {self.value} ({self.describe_origin(now)})"

    def describe_origin(self, now: datetime) -> str:
        """Return `usage via Chrome, Default · 18s ago`."""
        age = f" · {format_age(now - self.read_at)}" if self.read_at is not None else ""
        return self.provenance + age

    @property
    def provenance(self) -> str:
        """Return `usage via Chrome, Default`."""
        return f"{self.source} via {self.session_labels}" if self.session_labels else self.source


class Section(NamedTuple):
    """Figures under one heading."""

    title: str
    figures: tuple[Figure, ...]


def describe_calculation(source: str) -> str:
    """Return the source of a figure that is calculated from others of this source."""
    return f"from {source} (calculated)"


def build_sections(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> list[Section]:
    """Return everything known about an org, the verdict first, without empty sections."""
    session, also_via = store.find_session_state(state.session), store.list_also_via(state)
    builder = FigureBuilder(state, session, now, zone, also_via)
    parts = [
        ("Verdict", builder.build_verdict()),
        ("Not read", builder.build_failures()),
        *((f"{window.label} window", builder.build_window(window)) for window in builder.plan.windows),
        ("Credits left", builder.build_credits_left()),
        ("Credits: conflicting replies", builder.build_disagreements()),
        *(
            (f"Credits in {format_origin(meter.origin)}", builder.build_meter(meter))
            for meter in state.credits.meters
        ),
        ("Spending", builder.build_spending()),
        ("Prepaid balance", builder.build_balance()),
        ("Saved resets", builder.build_saved_resets()),
        ("Session reset", builder.build_session_reset()),
        ("7-day by surface", builder.build_shares()),
        ("Subscription", builder.build_subscription()),
        ("Org", builder.build_org()),
    ]
    sections = [Section(title, tuple(figures)) for title, figures in parts]
    return [section for section in sections if section.figures]


def format_origin(origin: Endpoint | MeterOrigin) -> str:
    """Return the source of a figure: `overage`, `usage: extra_usage`."""
    if isinstance(origin, MeterOrigin) and origin.endpoint is not Endpoint.USAGE:
        return str(origin.endpoint)
    return str(origin)


class FigureBuilder(NamedTuple):
    """Build the figures of one org at one moment, a method for each section."""

    state: OrgState
    session: SessionState
    """The session that serves the org; its account reply lists the org."""
    now: datetime
    zone: tzinfo | None
    also_via: tuple[OrgState, ...] = ()
    """The other accounts that read the same figures of the org."""

    @property
    def plan(self) -> Plan:
        """The plan of the org; an empty one if it was not read."""
        return self.state.plan or Plan()

    def build(
        self,
        origin: Endpoint | MeterOrigin,
        label: str,
        value: str,
        key: str = "",
        severity: Severity = Severity.NORMAL,
        *,
        read_at: datetime | None = None,
        aged: Balance | Subscription | None = None,
    ) -> Figure:
        """Build a figure from a reply, or from one of its meters; `read_at` if not from the last reply.

        If `aged`, the content of the reply, is out of date, the value ends with its time.
        """
        if aged is not None and (age := describe_figures_age(aged, self.now, self.zone)):
            value = f"{value}, {age}, {NOT_READ_SINCE}"
        endpoint = origin.endpoint if isinstance(origin, MeterOrigin) else origin
        at, by = read_at or self.find_read_time(endpoint), self.join_session_labels(endpoint)
        return Figure(label, value, format_origin(origin), at, severity, endpoint, key, by)

    def build_derived(
        self, label: str, value: str, *endpoints: Endpoint, severity: Severity = Severity.NORMAL
    ) -> Figure:
        """Build a figure that is calculated from these replies, as old as the oldest of them."""
        reads = {endpoint: at for endpoint in endpoints if (at := self.find_read_time(endpoint)) is not None}
        source = describe_calculation(", ".join(reads)) if reads else "calculated"
        at, by = min(reads.values(), default=None), self.join_session_labels(*reads)
        return Figure(label, value, source, at, severity, session_labels=by, calculated_from=tuple(reads))

    def find_read_time(self, endpoint: Endpoint) -> datetime | None:
        """Return the time of the last good reply. None if there is none."""
        # The account reply belongs to the session, because it lists all its orgs.
        replies = self.session.replies if endpoint is Endpoint.ACCOUNT else self.state.replies
        reply = replies.get(endpoint)
        return reply.at if reply is not None else None

    def join_session_labels(self, *endpoints: Endpoint) -> str:
        """Return the sessions that read these replies, each once; empty if none did."""
        sources = {**self.state.reply_sources, Endpoint.ACCOUNT: self.session.session}
        sessions = dict.fromkeys(sources.get(endpoint) for endpoint in endpoints)
        return "; ".join(session.label for session in sessions if session is not None)

    def format_moment(self, moment: datetime) -> str:
        """Return a moment with its countdown, or a note that it has passed."""
        if moment <= self.now:
            return f"{format_moment(moment, self.now, self.zone)} (passed)"
        return format_with_countdown(moment, self.now, self.zone)

    def format_date(self, day: date | None) -> str:
        """Return `Dec 18`, with the year if it differs; empty if there is no day."""
        return format_dated_day(day, self.now, self.zone) if day is not None else ""

    def format_charge(self, day: date | None) -> str:
        """Return the day of a charge, with a note if it has passed."""
        passed = " (passed)" if day is not None and day < to_local(self.now, self.zone).date() else ""
        return self.format_date(day) + passed or NONE_OR_NOT_REPORTED

    def build_verdict(self) -> Iterator[Figure]:
        """Yield the verdict, each of its facts, and the payment problems."""
        verdict = judge(self.state, self.now)
        severity = get_state_severity(verdict.state, is_locked=verdict.is_locked)
        if verdict.state is VerdictState.UNKNOWN:
            severity = Severity.NORMAL  # the mark of 75% would say more than is known
        elif verdict.plan_spending is not None:
            severity = max(severity, Severity.WARNING)
        name = format_verdict_name(verdict)
        lead = self.build_derived("verdict", name, *VERDICT_ENDPOINTS, severity=severity)
        yield lead._replace(state=verdict.state)
        for label, value in list_verdict_facts(verdict, self.now, self.zone):
            yield self.build_derived(label, value, *VERDICT_ENDPOINTS)
        for payment in verdict.payment_problems:
            words, cure = VerdictWriter(verdict, self.now, self.zone).describe_payment(payment)
            value = f"{words}; {cure}" if cure else words
            endpoint = Endpoint.ACCOUNT if payment.key in PAYMENT_RESTRICTIONS else Endpoint.SUBSCRIPTION
            yield self.build(endpoint, PAYMENT, value, payment.key, Severity.CRITICAL)

    def build_failures(self) -> Iterator[Figure]:
        """Yield the replies that were not read."""
        by = self.state.session.label
        for failure in (*self.session.failures.values(), *self.state.failures.values()):
            error = format_error(failure.error_kind, failure.detail)
            value = f"{error}: {PROBLEM_TEXTS[failure.error_kind].summary}"
            label, endpoint, severity = str(failure.endpoint), failure.endpoint, Severity.WARNING
            yield Figure(label, value, "failed", failure.at, severity, endpoint, session_labels=by)

    def build_window(self, window: Window) -> Iterator[Figure]:
        """Yield everything about one window."""
        # `weekly_scoped:Fable` is an entry of `limits[]`: search the reply for the name of the model.
        key = window.key.partition(":")[2] or window.key
        build = partial(self.build, Endpoint.USAGE, key=key)
        percent = format_percent(window.percent) if window.percent is not None else NOT_REPORTED
        due = (" (expired)" if window.is_allowance else " (reset due)") if window.is_due(self.now) else ""
        yield build("used", percent + due, severity=window.compute_severity(self.now))
        reset = format_no_reset(window, NOT_REPORTED)
        if window.resets_at is not None:
            reset = self.format_moment(window.resets_at)
        yield build(format_reset_verb(window), reset)
        if window.limit is not None or window.used is not None:
            used, limit = (format_money(amount, NOT_REPORTED) for amount in (window.used, window.limit))
            yield build("allowance", f"{used} of {limit}")
        if window.locked_reason is not None:
            yield build("locked", f'the server says "{window.locked_reason}"', severity=Severity.FULL)
        if window.server_severity is not Severity.NORMAL:
            yield build("severity", f"{window.server_severity.name.lower()} (per server)")
        if window.is_active:
            yield build("active limit", "yes (per server)")
        yield from self.build_pace(window)
        yield build("applies to", _describe_scope(window))
        yield build("key", window.key)

    def build_pace(self, window: Window) -> Iterator[Figure]:
        """Yield the elapsed part of the window, and when it is full or how full it resets at this pace."""
        elapsed, ahead = window.compute_elapsed(self.now), compute_pace(window, self.now)
        if elapsed is None:
            return
        how = "" if ahead is None else f", {ahead:.1f}x the even pace"
        yield self.build_derived("elapsed", f"{format_percent(100 * elapsed)}{how}", Endpoint.USAGE)
        full = forecast_window_full(window, self.now, self.find_read_time(Endpoint.USAGE))
        if full is not None and window.resets_at is not None:
            early = format_time_before_reset(window.resets_at - full)
            value = f"{format_with_countdown(full, self.now, self.zone)}, {early}"
            yield self.build_derived("full at", value, Endpoint.USAGE)
        percent = forecast_percent_at_reset(window, self.state, self.now)
        if percent is not None:
            value = f"about {format_percent(percent)} at this pace"
            yield self.build_derived("at the reset", value, Endpoint.USAGE)

    def build_credits_left(self) -> Iterator[Figure]:
        """Yield the state of the credits, and what is left under the cap, in the balance and in the pool."""
        credits = self.state.credits
        if credits.lead_meter is not None or credits.balance is not None or credits.is_absent:
            state = credits.compute_state(self.now)
            severity = Severity.FULL if state is CreditState.LOCKED else Severity.NORMAL
            replies = (Endpoint.OWN_OVERAGE, Endpoint.OVERAGE, Endpoint.USAGE)
            yield self.build_derived("state", CREDIT_STATE_TEXTS[state], *replies, severity=severity)
        if visibility := describe_lock_visibility(self.state, self.now, self.zone):
            endpoint = Endpoint.OVERAGE if Endpoint.OVERAGE in self.state.replies else Endpoint.USAGE
            yield self.build(endpoint, "lock", f"{visibility}: {LOCK_NOT_VISIBLE}")
        lead, pool, tighter = credits.lead_meter, credits.pool_meter, find_tighter_limit(credits)
        if lead is not None:
            left = self.format_left(lead) + (RUNS_OUT_FIRST if tighter is SpendLimit.CAP else "")
            yield self.build(lead.origin, "cap left", left, lead.origin.cap_key, read_at=lead.figures_at)
        if credits.balance is not None:
            left = format_money(credits.usable_balance, NONE_OR_NOT_REPORTED)
            left += RUNS_OUT_FIRST if tighter is SpendLimit.BALANCE else ""
            left = ", ".join(filter(None, (left, describe_figures_age(credits.balance, self.now, self.zone))))
            yield self.build(Endpoint.PREPAID, "balance left", left, "amount")
        if pool is not None and pool is not lead:
            left, key = self.format_left(pool), pool.origin.cap_key
            yield self.build(pool.origin, "pool left", left, key, read_at=pool.figures_at)

    def format_left(self, meter: Meter) -> str:
        """Return the amount left under a cap: `$32.80 of $50.00`, with its age if it is not current."""
        if meter.remaining is None:
            return describe_missing_cap(meter)
        left = f"{format_money(meter.remaining)} of {format_money(meter.cap)}"
        return ", ".join(filter(None, (left, describe_figures_age(meter, self.now, self.zone))))

    def build_disagreements(self) -> Iterator[Figure]:
        """Yield every value that two replies report differently."""
        credits = self.state.credits
        for other in credits.meters:
            lead = credits.own_meter if other.is_personal else credits.pool_meter
            if lead is None or lead is other:
                continue
            origins = (lead.origin, other.origin)
            reads = [self.find_read_time(origin.endpoint) for origin in origins]
            at = min((read for read in reads if read is not None), default=None)
            by = self.join_session_labels(*(origin.endpoint for origin in origins))
            leading, contrary = map(format_origin, origins)
            owner = "own" if other.is_personal else "pool"
            pairs = (
                ("used", format_money(lead.used, ""), format_money(other.used, "")),
                ("cap", format_cap(lead, ""), format_cap(other, "")),
                ("switch", SWITCH_TEXTS[lead.is_enabled], SWITCH_TEXTS[other.is_enabled]),
                ("reason", lead.reason, other.reason),
            )
            # Compare the texts on screen, and only if both replies report the value.
            for label, mine, theirs in pairs:
                if mine and theirs and mine != theirs and NOT_REPORTED not in (mine, theirs):
                    text = f"{mine} ({leading}), {theirs} ({contrary})"
                    source, severity = f"{leading}, {contrary}", Severity.WARNING
                    yield Figure(f"{label}, {owner}", text, source, at, severity, session_labels=by)

    def build_meter(self, meter: Meter) -> Iterator[Figure]:
        """Yield everything one reply reports about the credits."""
        state = meter.compute_state(self.now)
        locked = Severity.FULL if state is CreditState.LOCKED else Severity.NORMAL
        used, cap = format_money(meter.used, NOT_REPORTED), format_cap(meter)
        if meter.percent is not None:
            used += f", {format_percent(meter.percent)} of the cap"
        if age := describe_figures_age(meter, self.now, self.zone):
            since = "withdrawn since" if self.state.credits.has_withdrawn_figures else NOT_READ_SINCE
            used, cap = (f"{text}, {age}, {since}" for text in (used, cap))
        rows = (
            ("owner", "your own" if meter.is_personal else "the organization's pool", "limit_type"),
            ("state", CREDIT_STATE_TEXTS[state], "is_enabled", locked),
            ("used", used, "used_credits", Severity.from_percent(meter.percent)),
            ("cap", cap, meter.origin.cap_key),
            ("switch", SWITCH_TEXTS[meter.is_enabled], "is_enabled"),
            ("reason", meter.reason, "disabled_reason", locked),
            ("until", self.format_moment(meter.until) if meter.until else "", "disabled_until", locked),
            ("flag", "out of credits" if meter.out_of_credits else "", "out_of_credits", locked),
            ("cap reached", "yes" if meter.cap_reached else "", "spend_limit_reached", locked),
        )
        for row in rows:
            if row[1]:
                at = meter.figures_at if row[0] in ("used", "cap") else None
                yield self.build(meter.origin, *row, read_at=at)

    def build_spending(self) -> Iterator[Figure]:
        """Yield the amount spent in this run, the rates, and the forecast."""
        series, now = self.state.series, self.now
        if series.origin is None or not series.runs:
            return
        figure = partial(
            Figure,
            source=describe_calculation(format_origin(series.origin)),
            session_labels=self.join_session_labels(series.origin.endpoint),
        )
        since = format_moment(series.runs[0].first, now, self.zone)
        yield figure("this run", f"{format_money(series.spent)} since {since}", read_at=series.runs[-1].last)
        rate = compute_spend_rate(series, now)
        if rate is None:
            return
        if rate.recent_rate is not None:
            yield figure("rate, 30 min", f"{format_money(rate.recent_rate)}/h", read_at=rate.at)
        begin = format_moment(rate.since, now, self.zone)
        yield figure("rate, this run", f"{format_money(rate.overall_rate)}/h since {begin}", read_at=rate.at)
        ahead = forecast_limit(self.state.credits, rate, now)
        if ahead is not None:
            yield figure("forecast", format_gate_forecast(ahead, now, self.zone), read_at=rate.at)

    def build_balance(self) -> Iterator[Figure]:
        """Yield the balance, each part of it, and the auto-reload."""
        balance = self.state.credits.balance
        if balance is None:
            return
        build = partial(self.build, Endpoint.PREPAID, aged=balance)
        amount = format_money(balance.amount, NONE_OR_NOT_REPORTED)
        yield build("balance", ", ".join(filter(None, (amount, describe_scoped_balance(balance)))), "amount")
        for tranche in balance.tranches:
            kind, key = (
                ("promotional", "promo_tranches") if tranche.is_promotional else ("bought", "tranches")
            )
            ends = "no end date"
            if tranche.expires_at is not None:
                verb = "expired" if tranche.expires_at <= self.now else "expires"
                ends = f"{verb} {self.format_moment(tranche.expires_at)}"
            scope = f", {describe_scope(tranche.surfaces)}" if tranche.is_scoped else ""
            yield build(f"{kind} part", f"{format_money(tranche.remaining)}, {ends}{scope}", key)
        if balance.is_reload_stopped:
            codes, cure = (
                ", ".join(balance.reload_stop_codes),
                describe_reload_cure(balance.reload_stop_codes),
            )
            value = f"stopped ({codes}); {cure}"
            yield build("auto-reload", value, "auto_reload_disabled_reason", Severity.WARNING)
        elif balance.auto_reload is not None:
            yield build("auto-reload", "on" if balance.auto_reload else "off", "auto_reload_settings")

    def build_saved_resets(self) -> Iterator[Figure]:
        """Yield the saved resets, each with its expiry, and the reason if it cannot be used now."""
        resets, full = self.state.saved_resets, self.plan.find_full_windows(self.now)
        for grant in resets.grants:
            left = "number not reported" if grant.resets_left is None else f"{grant.resets_left} left"
            obstacle = next(resets.find_obstacles(grant, full, self.now), None)
            usable = "usable now" if obstacle is None else "not usable now"
            words = describe_obstacle(obstacle, self.now, self.zone) if obstacle is not None else ""
            ends = ""
            if grant.ends_at is not None:
                verb = "expired" if grant.is_lost(self.now) else "expires"
                ends = f", {verb} {self.format_moment(grant.ends_at)}"
            value = f"{left}, {usable}" + (f": {words}" if words else "") + ends
            yield self.build(Endpoint.USAGE, "saved reset", value, "cedar_ember")

    def build_session_reset(self) -> Iterator[Figure]:
        """Yield the weekly session reset, unless the account cannot have one."""
        reset = self.plan.session_reset
        if reset is None or not reset.is_eligible or reset.is_control:
            return
        value = "used, or not offered now"
        if reset.is_usable:
            value = "available: clears the 5-hour window, counts against the week"
        elif reset.next_at is not None and reset.next_at > self.now:
            value = f"next {self.format_moment(reset.next_at)}"
        yield self.build(Endpoint.USAGE, "session reset", value, "juniper_tide")

    def build_shares(self) -> Iterator[Figure]:
        """Yield the share of each surface in the week."""
        for share in self.plan.shares:
            percent = format_percent(share.percent)
            yield self.build(Endpoint.USAGE, share.label, percent, "seven_day_breakdown")

    def build_subscription(self) -> Iterator[Figure]:
        """Yield the state of the subscription and its dates."""
        paid = self.state.subscription
        if paid is None:
            if Endpoint.SUBSCRIPTION in self.state.replies:
                yield self.build(Endpoint.SUBSCRIPTION, "subscription", "none")
            return
        build = partial(self.build, Endpoint.SUBSCRIPTION, aged=paid)
        plan, day = paid.scheduled_change or ("", None)
        rows = (
            ("status", paid.status or NOT_REPORTED, "status"),
            ("next charge", self.format_charge(paid.next_charge), "next_charge_date"),
            ("ends", self.format_date(paid.ends_on), "plan_ending_at"),
            ("paid through", self.format_date(paid.paid_through), "gift_details"),
            (
                "paused until",
                paid.paused_until and self.format_moment(paid.paused_until),
                "payment_paused_until",
            ),
            ("card", format_card(paid.card), "payment_method"),
            ("changes to", f"{plan} on {self.format_date(day)}" if day else plan, "scheduled_downgrade"),
        )
        yield from (build(label, value, key) for label, value, key in rows if value)

    def build_org(self) -> Iterator[Figure]:
        """Yield the org, its account, and what restricts it."""
        org, account = self.state.org, self.state.account
        build = partial(self.build, Endpoint.ACCOUNT)
        rows = (
            ("name", org.name or "none", "name"),
            ("alias", org.alias, "name"),
            ("plan", org.plan_name or NOT_KNOWN, "rate_limit_tier"),
            ("kind", "Team or Enterprise (credits have a pool)" if org.is_shared else "", "raven_type"),
            # Search for the value, because the reply has a key `uuid` for every org.
            ("org id", org.uuid, org.uuid),
            ("account", account.email or NOT_REPORTED, "email_address"),
            ("account id", account.uuid or NOT_REPORTED, "uuid"),
        )
        yield from (build(label, value, key) for label, value, key in rows if value)
        for key, value in org.restrictions:
            yield build(key, f'"{value}"', key, Severity.WARNING)
        if org.paused_until is not None:
            until = self.format_moment(org.paused_until)
            yield build("billing paused", f"until {until}", "billable_usage_paused_until")
        yield Figure("session", self.state.session.label, "this machine")
        for other in self.also_via:
            yield Figure("also via", describe_source(other), "this machine")


def _describe_scope(window: Window) -> str:
    """Return what a full window stops."""
    if window.is_plan_wide:
        return "the whole plan"
    if window.is_allowance:
        return "this allowance only"
    return f"this {window.scope or 'model or surface'} only"
