"""Express the figures as metrics for Prometheus: one table of metrics, and their samples at one moment.

Times are seconds since 1970, percentages are ratios from 0 to 1, and amounts are whole units of a currency. A
figure that is not known, withdrawn by the server or older than 15 minutes has no sample, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import isfinite
from typing import Generic, NamedTuple, TypeVar

from claudemeter_tui import __version__
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credits import MAX_CLOCK_STEP, Meter
from claudemeter_tui.model.forecast import (
    compute_spend_rate,
    forecast_limit,
    forecast_percent_at_reset,
    forecast_window_full,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.problems import INFORMATIONAL_ERRORS
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgState, SessionState, Store
from claudemeter_tui.model.verdict import Verdict, VerdictState, judge
from claudemeter_tui.model.windows import Window

METRIC_PREFIX = "claudemeter_"
"""Beginning of the name of every metric."""
INFO_SUFFIX = "_info"
"""End of the name of a metric whose value is always 1, and whose labels are the information."""
OTHER_CURRENCY = "other"
"""Label of a currency that is no ISO code."""

Sample = tuple[tuple[str, ...], float]
"""The values of a metric's labels, in its order, and the value."""


class SourceLabels(NamedTuple):
    """The label values of a source. A name is empty if it is not known, or hidden and without a pseudonym."""

    source: str
    """Identifier, the same in every run."""
    browser: str = ""
    profile: str = ""
    account: str = ""


class OrgLabels(NamedTuple):
    """The label values of an org. A name is empty if it is not known."""

    org: str
    """Identifier, the same in every run."""
    name: str = ""
    account: str = ""
    plan: str = ""
    source: str = ""
    """Identifier of the source that reads it."""


class SourceFigures(NamedTuple):
    """One source: a session that is read."""

    labels: SourceLabels
    state: SessionState
    orgs: tuple[OrgState, ...]
    """The orgs that it reads."""

    @property
    def is_up(self) -> bool:
        """True if its last poll read the limits of an org, or there is no org to read."""
        is_read = not self.orgs or any(Endpoint.USAGE not in org.failures for org in self.orgs)
        return is_read and not self.state.failures

    def list_reply_times(self) -> Iterator[datetime]:
        """Yield the time of each last good reply that this source has read."""
        yield from (reply.at for reply in self.state.replies.values())
        for org in self.orgs:
            for endpoint, reply in org.replies.items():
                if org.reply_sources.get(endpoint) == self.state.session:
                    yield reply.at


# Without slots, because cached_property needs a `__dict__`.
@dataclass(frozen=True)
class OrgFigures:
    """One org at one moment."""

    labels: OrgLabels
    state: OrgState
    windows: tuple[tuple[str, Window], ...]
    """The windows of its last reply, each with its label value; no two are the same."""
    now: datetime

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict on the org."""
        return judge(self.state, self.now)

    @cached_property
    def current_windows(self) -> tuple[tuple[str, Window], ...]:
        """The windows whose figures count now: read within 15 minutes, and not reset since."""
        if not self.is_current(Endpoint.USAGE):
            return ()
        return tuple((label, window) for label, window in self.windows if not window.is_due(self.now))

    @cached_property
    def current_meters(self) -> tuple[tuple[str, Meter], ...]:
        """The leading meters with current figures, each with its owner: `own` or `pool`."""
        return tuple(
            ("own" if meter.is_personal else "pool", meter)
            for meter in self.state.credits.leading_meters
            if meter.figures_at is None and self.is_current(meter.origin.endpoint)
        )

    @property
    def has_forecast(self) -> bool:
        """True if the figures are new enough for an estimate."""
        return self.state.read_at is not None and not self.state.is_stale(self.now)

    def is_current(self, endpoint: Endpoint) -> bool:
        """Return True if the last good reply of an endpoint is at most 15 minutes old."""
        reply = self.state.replies.get(endpoint)
        return reply is not None and -MAX_CLOCK_STEP <= self.now - reply.at <= UNKNOWN_AFTER


class MetricsView(NamedTuple):
    """Everything that the metrics show at one moment."""

    store: Store
    sources: tuple[SourceFigures, ...]
    orgs: tuple[OrgFigures, ...]
    now: datetime

    def find_source(self, session: Session) -> str:
        """Return the identifier of the source that reads a session; empty if there is none."""
        return next((one.labels.source for one in self.sources if one.state.session == session), "")


Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Metric(Generic[Subject]):
    """One metric: a row of the table."""

    short_name: str
    """Name without the prefix of all metrics."""
    labels: tuple[str, ...]
    help: str
    """One sentence, for Prometheus and the README. It begins in lower case and has no full stop."""
    read: Callable[[Subject], Iterable[Sample]]
    """Return the samples about one subject; none if nothing is known."""

    @property
    def name(self) -> str:
        """The name as Prometheus stores it."""
        return METRIC_PREFIX + self.short_name

    @property
    def is_info(self) -> bool:
        """True if the value is always 1."""
        return self.name.endswith(INFO_SUFFIX)


def _list_problems(view: MetricsView) -> Iterator[Sample]:
    """Yield the number of problems of each source and kind; those of no source have an empty label."""
    counts: dict[tuple[str, ...], float] = {}
    for problem in view.store.problems:
        if problem.error_kind not in INFORMATIONAL_ERRORS:
            key = view.find_source(problem.session), str(problem.error_kind)
            counts[key] = counts.get(key, 0) + 1
    yield from counts.items()


def _list_source_count(view: MetricsView) -> Iterator[Sample]:
    if view.sources or view.store.has_everyone_answered:
        yield (), len(view.sources)


PROGRAM_METRICS: tuple[Metric[MetricsView], ...] = (
    Metric("build_info", ("version",), "version of claudemeter-tui", lambda _: [((__version__,), 1)]),
    Metric("sources", (), "number of sources: sessions that are read", _list_source_count),
    Metric(
        "problems",
        ("source", "kind"),
        "number of replies that cannot be read, by kind; without a source for those of the program itself",
        _list_problems,
    ),
)
"""Metrics about the program."""


def _list_source_up(source: SourceFigures) -> Iterator[Sample]:
    if source.state.schedule is not None:
        yield (source.labels.source,), source.is_up


def _list_source_success(source: SourceFigures) -> Iterator[Sample]:
    last = max(source.list_reply_times(), default=None)
    if last is not None:
        yield (source.labels.source,), last.timestamp()


def _list_source_expiry(source: SourceFigures) -> Iterator[Sample]:
    expires_at, schedule = source.state.expires_at, source.state.schedule
    # The server renews a key in use, so an expiry in the past means only that the record is old.
    if expires_at is not None and schedule is not None and expires_at > schedule.next_at:
        yield (source.labels.source,), expires_at.timestamp()


SOURCE_METRICS: tuple[Metric[SourceFigures], ...] = (
    Metric(
        "source_info",
        SourceLabels._fields,
        "browser, profile and account of a source",
        lambda source: [(tuple(source.labels), 1)],
    ),
    Metric("source_up", ("source",), "1 if the last poll read an org, 0 if it failed", _list_source_up),
    Metric(
        "source_last_success_timestamp_seconds",
        ("source",),
        "time of the last good reply",
        _list_source_success,
    ),
    Metric(
        "source_expiry_timestamp_seconds",
        ("source",),
        "expiry of the session by the browser's record",
        _list_source_expiry,
    ),
)
"""Metrics about each source."""


def _list_org_success(org: OrgFigures) -> Iterator[Sample]:
    if org.state.read_at is not None:
        yield (org.labels.org,), org.state.read_at.timestamp()


def _list_reply_up(org: OrgFigures) -> Iterator[Sample]:
    state = org.state
    for endpoint in Endpoint:
        if endpoint in state.replies or endpoint in state.failures:
            # A source that cannot be read sends no request for a reply, so none fails.
            is_up = endpoint not in state.failures and state.session_error is None
            yield (org.labels.org, str(endpoint)), is_up


def _list_reply_success(org: OrgFigures) -> Iterator[Sample]:
    for endpoint, reply in org.state.replies.items():
        yield (org.labels.org, str(endpoint)), reply.at.timestamp()


def _list_verdict(org: OrgFigures) -> Iterator[Sample]:
    for state in VerdictState:
        yield (org.labels.org, str(state)), org.verdict.state is state


def _list_verdict_end(org: OrgFigures) -> Iterator[Sample]:
    if org.verdict.ends_at is not None:
        yield (org.labels.org,), org.verdict.ends_at.timestamp()


def _list_window_ratio(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows:
        if window.percent is not None and isfinite(window.percent):
            yield (org.labels.org, label), window.percent / 100


def _list_window_full(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows:
        if window.is_reported:
            yield (org.labels.org, label), window.is_full(org.now)


def _list_window_reset(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows:
        if window.resets_at is not None:
            yield (org.labels.org, label), window.resets_at.timestamp()


def _list_window_forecast_full(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows if org.has_forecast else ():
        full_at = forecast_window_full(window, org.now, org.state.read_at)
        if full_at is not None:
            yield (org.labels.org, label), _round_estimate(full_at)


def _list_window_forecast_ratio(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows if org.has_forecast else ():
        percent = forecast_percent_at_reset(window, org.state, org.now)
        if percent is not None:
            yield (org.labels.org, label), percent / 100


def _list_allowance_used(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows:
        yield from _list_amount(window.used, org.labels.org, label)


def _list_allowance_limit(org: OrgFigures) -> Iterator[Sample]:
    for label, window in org.current_windows:
        yield from _list_amount(window.limit, org.labels.org, label)


def _list_credit_state(org: OrgFigures) -> Iterator[Sample]:
    for state in CreditState:
        yield (org.labels.org, str(state)), org.verdict.credits is state


def _find_locks(org: OrgFigures) -> dict[Cause, datetime | None]:
    """Return the causes of the lock on the credits, each with its end; two owners can have the same cause."""
    found: dict[Cause, datetime | None] = {}
    for lock in org.verdict.credit_locks:
        if lock.state is CreditState.LOCKED:
            ends = [found[lock.cause], lock.until] if lock.cause in found else [lock.until]
            known = [end for end in ends if end is not None]
            # A lock without an end may never end.
            found[lock.cause] = max(known) if len(known) == len(ends) else None
    return found


def _list_locks(org: OrgFigures) -> Iterator[Sample]:
    for cause in _find_locks(org):
        yield (org.labels.org, str(cause)), 1


def _list_lock_ends(org: OrgFigures) -> Iterator[Sample]:
    for cause, end in _find_locks(org).items():
        if end is not None:
            yield (org.labels.org, str(cause)), end.timestamp()


def _list_used(org: OrgFigures) -> Iterator[Sample]:
    for owner, meter in org.current_meters:
        yield from _list_amount(meter.used, org.labels.org, owner)


def _list_cap(org: OrgFigures) -> Iterator[Sample]:
    for owner, meter in org.current_meters:
        yield from _list_amount(meter.cap, org.labels.org, owner)


def _list_used_ratio(org: OrgFigures) -> Iterator[Sample]:
    for owner, meter in org.current_meters:
        if meter.percent is not None:
            yield (org.labels.org, owner), meter.percent / 100


def _list_balance(org: OrgFigures) -> Iterator[Sample]:
    balance = org.state.credits.balance
    if balance is not None and balance.figures_at is None and org.is_current(Endpoint.PREPAID):
        yield from _list_amount(balance.amount, org.labels.org)


def _list_plan_spending(org: OrgFigures) -> Iterator[Sample]:
    if org.verdict.plan_spending is not None:
        yield from _list_amount(org.verdict.plan_spending.spent, org.labels.org)


def _list_limit_forecast(org: OrgFigures) -> Iterator[Sample]:
    if not org.has_forecast:
        return
    rate = compute_spend_rate(org.state.series, org.now)
    forecast = forecast_limit(org.state.credits, rate, org.now)
    if forecast is not None:
        limit = str(forecast.limit)
        yield (org.labels.org, limit, "earliest"), _round_estimate(forecast.earliest)
        if forecast.latest is not None:
            yield (org.labels.org, limit, "latest"), _round_estimate(forecast.latest)


def _round_estimate(moment: datetime) -> float:
    """Return an estimated time in whole seconds: more digits would mean nothing."""
    return round(moment.timestamp())


def _list_amount(amount: Money | None, *labels: str) -> Iterator[Sample]:
    """Yield an amount in whole units, with its currency as the last label."""
    value = float(amount.major) if amount is not None else None
    if amount is not None and value is not None and isfinite(value):
        code = amount.currency
        is_code = code.isascii() and code.isalpha() and code.isupper() and len(code) == 3
        yield (*labels, code if is_code or not code else OTHER_CURRENCY), value


ORG_METRICS: tuple[Metric[OrgFigures], ...] = (
    Metric(
        "org_info",
        OrgLabels._fields,
        "name, account, plan and source of an org",
        lambda org: [(tuple(org.labels), 1)],
    ),
    Metric(
        "org_last_success_timestamp_seconds",
        ("org",),
        "time of the figures: the last good usage reply",
        _list_org_success,
    ),
    Metric("reply_up", ("org", "reply"), "1 if the last poll could read it, else 0", _list_reply_up),
    Metric(
        "reply_last_success_timestamp_seconds",
        ("org", "reply"),
        "time of the last good reply",
        _list_reply_success,
    ),
    Metric(
        "verdict", ("org", "state"), "verdict as a state set: 1 for the current state, else 0", _list_verdict
    ),
    Metric(
        "verdict_end_timestamp_seconds",
        ("org",),
        "earliest end of a blocked, wait or on_credits verdict",
        _list_verdict_end,
    ),
    Metric(
        "window_used_ratio",
        ("org", "window"),
        "used part of a window; can be above 1",
        _list_window_ratio,
    ),
    Metric("window_full", ("org", "window"), "1 if the window is full or locked, else 0", _list_window_full),
    Metric(
        "window_reset_timestamp_seconds",
        ("org", "window"),
        "next reset of a window, or expiry of a dollar allowance",
        _list_window_reset,
    ),
    Metric(
        "window_forecast_full_timestamp_seconds",
        ("org", "window"),
        "estimated time at which a window is full, only if that is before its reset",
        _list_window_forecast_full,
    ),
    Metric(
        "window_forecast_used_ratio",
        ("org", "window"),
        "estimated used part of a window at its reset, only if it is not full before",
        _list_window_forecast_ratio,
    ),
    Metric(
        "allowance_used",
        ("org", "window", "currency"),
        "used part of a dollar allowance",
        _list_allowance_used,
    ),
    Metric(
        "allowance_limit", ("org", "window", "currency"), "size of a dollar allowance", _list_allowance_limit
    ),
    Metric(
        "credits",
        ("org", "state"),
        "usage credits as a state set: 1 for the current state, else 0",
        _list_credit_state,
    ),
    Metric("lock", ("org", "cause"), "1 for each cause that locks the usage credits", _list_locks),
    Metric(
        "lock_end_timestamp_seconds",
        ("org", "cause"),
        "end of such a lock, the later one if it has two owners; none if claude.ai reports none for an owner",
        _list_lock_ends,
    ),
    Metric(
        "credits_used",
        ("org", "owner", "currency"),
        "usage credits used this month; owner is own, or pool for the whole organization",
        _list_used,
    ),
    Metric("credits_cap", ("org", "owner", "currency"), "monthly cap, or cap of the pool", _list_cap),
    Metric("credits_used_ratio", ("org", "owner"), "used part of the cap; can be above 1", _list_used_ratio),
    Metric("credits_balance", ("org", "currency"), "prepaid balance; below 0 it is a debt", _list_balance),
    Metric(
        "credits_plan_spending",
        ("org", "currency"),
        "credits charged within 15 minutes although no plan-wide window is full",
        _list_plan_spending,
    ),
    Metric(
        "credits_forecast_limit_timestamp_seconds",
        ("org", "limit", "bound"),
        "estimated earliest and latest time at which the cap or the balance is reached",
        _list_limit_forecast,
    ),
)
"""Metrics about each org."""

AnyMetric = Metric[MetricsView] | Metric[SourceFigures] | Metric[OrgFigures]
ALL_METRICS: tuple[AnyMetric, ...] = (*PROGRAM_METRICS, *SOURCE_METRICS, *ORG_METRICS)
"""Every metric, in the order of the output."""


def list_samples(view: MetricsView) -> Iterator[tuple[AnyMetric, list[Sample]]]:
    """Yield each metric with its samples, in the order of the table."""
    for about_program in PROGRAM_METRICS:
        yield about_program, list(about_program.read(view))
    for about_source in SOURCE_METRICS:
        yield about_source, [one for source in view.sources for one in about_source.read(source)]
    for about_org in ORG_METRICS:
        yield about_org, [one for org in view.orgs for one in about_org.read(org)]
