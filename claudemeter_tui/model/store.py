"""The state of every org, and the function that applies a reading to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple, TypeVar

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import SLOW_INTERVAL, Endpoint
from claudemeter_tui.model.credits import (
    MAX_CLOCK_STEP,
    Balance,
    Credits,
    LastFigures,
    Meter,
    combine_meters,
    reports_withdrawal,
)
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    NAME_SEPARATOR,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.refusals import Refusal, TranscriptNews
from claudemeter_tui.model.resets import SavedResets
from claudemeter_tui.model.seats import (
    add_account_notes,
    find_separate_orgs,
    has_shared_orgs,
    list_also_via,
    select_shown_orgs,
)
from claudemeter_tui.model.time_series import (
    MAX_BRIDGED_PAUSE,
    CreditSeries,
    Histories,
    append_to_histories,
)
from claudemeter_tui.model.windows import Plan, Window

V = TypeVar("V", Account, Plan, Meter, Balance, Subscription)

DEFAULT_INTERVAL = timedelta(seconds=60)
"""Interval assumed until the first schedule of a session arrives."""
UNKNOWN_AFTER = timedelta(minutes=15)
"""Age above which figures give no verdict."""
MAX_PAUSE_INTERVALS = 2.5
"""Intervals between two polls above which the figures have a gap."""
SPENDING_SPAN = timedelta(minutes=15)
"""Time after a rise of the used credits in which spending counts as under way."""
SESSION_EXPIRY_WARNING = timedelta(days=3)
"""Time before the expiry of a session in which it is reported as a problem."""

OrgKey = tuple[str, str]
"""Account key and org uuid: one org can be reached through two accounts."""


class Problem(NamedTuple):
    """A current problem of an org or a session."""

    error_kind: ErrorKind
    endpoint: Endpoint
    at: datetime
    """Start of the problem."""
    session: Session
    org: Org | None = None
    """The org concerned. None if the problem concerns the whole session."""
    detail: str = ""
    ends_at: datetime | None = None
    """Expiry of the session. None for every other problem."""


class OverPlanPeriod(NamedTuple):
    """A period in which the plan has nothing left: a plan-wide window is full, or the plan has none."""

    since: datetime
    """Time of the first reading in this state."""
    filled_label: str | None
    """Label of the window that filled at `since`. None if no window was seen to fill, as in the first
    reading.
    """
    start_rise: Decimal
    """Total rise of the series at that time, minor units."""
    full_window: Window | None = None
    """The full window that resets last. None if the plan has no plan-wide window."""


class InPlanSpending(NamedTuple):
    """Spending seen while the plan had room, without a pause of 15 minutes."""

    since: datetime
    """Time of the last usage reply before the first rise."""
    start_rise: Decimal
    """Total rise of the series at that time, minor units."""
    last_rise_at: datetime
    """Time of the last usage reply with a rise."""


class InPlanPeriod(NamedTuple):
    """A period of usage replies in which the plan has room."""

    at: datetime
    """Time of the last usage reply of the period."""
    total_rise: Decimal
    """Total rise of the series at that time, minor units."""
    spending: InPlanSpending | None = None
    """The last spending in this period. None if there was none."""


# Without slots, because cached_property needs a `__dict__`.
@dataclass(frozen=True)
class OrgState:
    """State of one org, with the last good reply of each endpoint."""

    org: Org
    account: Account
    session: Session
    """The session that serves the org: the one that listed it last, among those of its account."""
    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    failures: Mapping[Endpoint, Failure] = field(default_factory=dict)
    """Failures of the last attempts; a good reply removes them."""
    interval: timedelta = DEFAULT_INTERVAL
    series: CreditSeries = field(default_factory=CreditSeries)
    over_plan_period: OverPlanPeriod | None = None
    """The current period beyond the plan. None if the plan has room, or that was never read."""
    in_plan_period: InPlanPeriod | None = None
    """The current period within the plan. None if the plan has no room, or that was never read."""
    histories: Histories = field(default_factory=dict)
    """Utilization of each plan-wide window over time, by its label."""
    reply_sources: Mapping[Endpoint, Session] = field(default_factory=dict)
    """The session that read each reply, which may differ from the one that serves the org now."""
    last_figures: LastFigures = field(default_factory=dict)
    """The last credit figures of each source, which the server may have withdrawn since."""
    is_restored: bool = field(default=False, compare=False)
    """True if the figures are those of an earlier run, until the org is read."""
    last_refusal: Refusal | None = None
    """Last request of Claude Code on this machine that was refused for this org. None if none is known."""
    session_error: ErrorKind | None = None
    """Problem that stops every request of the session that serves the org. None if none is known."""

    @cached_property
    def key(self) -> OrgKey:
        """Identifier of the org in the store."""
        return self.account.key, self.org.uuid

    @cached_property
    def plan(self) -> Plan | None:
        """The usage reply: windows and meters. None if never read."""
        return self._find_value(Endpoint.USAGE, Plan)

    @cached_property
    def subscription(self) -> Subscription | None:
        """The subscription. None if never read, or the org has none."""
        paid = self._find_value(Endpoint.SUBSCRIPTION, Subscription)
        at = self._find_outdated_time(Endpoint.SUBSCRIPTION)
        return paid._replace(figures_at=at) if paid is not None and at is not None else paid

    @cached_property
    def saved_resets(self) -> SavedResets:
        """The saved resets, which expire with the plan; empty if the usage reply was never read."""
        plan_ends_at = self.subscription.ends_at if self.subscription is not None else None
        return self.plan.saved_resets.end_with_plan(plan_ends_at) if self.plan else SavedResets()

    @cached_property
    def credits(self) -> Credits:
        """The credits, with the overage replies first."""
        overage_reply = self.replies.get(Endpoint.OVERAGE)
        balance = self._find_value(Endpoint.PREPAID, Balance)
        balance_at = self._find_outdated_time(Endpoint.PREPAID)
        return Credits(
            meters=tuple(map(self._date_meter, combine_meters(self._iter_meters(), self.last_figures))),
            balance=balance._replace(figures_at=balance_at) if balance and balance_at else balance,
            is_absent=overage_reply is not None and overage_reply.value is None,
            overage_read_at=overage_reply.at if overage_reply is not None else None,
            valid_until=self._find_end_of_validity(),
            paused_until=self.org.paused_until,
            is_pause_unreadable=self.org.is_pause_unreadable,
            is_shared=self.org.is_shared,
        )

    def _iter_meters(self) -> Iterator[Meter]:
        """Yield the meters of all replies as they were read, the leading one first."""
        for endpoint in (Endpoint.OWN_OVERAGE, Endpoint.OVERAGE):
            meter = self._find_value(endpoint, Meter)
            if meter is not None and not (endpoint is Endpoint.OWN_OVERAGE and self._is_own_abandoned):
                yield meter
        yield from self.plan.meters if self.plan else ()

    def _date_meter(self, meter: Meter) -> Meter:
        """Return the meter with the time of its figures if later requests of its reply failed."""
        at = self._find_outdated_time(meter.origin.endpoint) if meter.figures_at is None else None
        return meter._replace(figures_at=at) if at is not None else meter

    def _find_outdated_time(self, endpoint: Endpoint) -> datetime | None:
        """Return the time of a reply that is older than it should be beside the others. None if it is not.

        A failed reply should be at most two intervals older than the last reading. If it is requested rarely,
        its failure should be that short instead. Without a failure, as after a change of the session, the
        limit is twice the time between two rare requests.
        """
        reply, failure = self.replies.get(endpoint), self.failures.get(endpoint)
        if reply is None or self.read_at is None:
            return None
        is_outdated = self.read_at - reply.at > max(2 * SLOW_INTERVAL, self.stale_after)
        if failure is not None:
            since = failure.at if endpoint.facts.is_slow else reply.at
            is_outdated = is_outdated or self.read_at - since > self.stale_after
        return reply.at if is_outdated else None

    @property
    def _is_own_abandoned(self) -> bool:
        """True if the plan is no longer shared, so that the member's own reply is not requested any more."""
        own, pool = self.replies.get(Endpoint.OWN_OVERAGE), self.replies.get(Endpoint.OVERAGE)
        return bool(not self.org.is_shared and own and pool and pool.at - own.at > self.stale_after)

    def _find_end_of_validity(self) -> datetime | None:
        """Return the time until which the replies that report locks count. None if one was never read."""
        # A member's own reply is requested on shared plans, as soon as the account is known.
        has_own = self.org.is_shared and bool(self.account.uuid)
        reporting = {Endpoint.USAGE, Endpoint.OVERAGE, *([Endpoint.OWN_OVERAGE] if has_own else [])}
        if not reporting <= self.replies.keys():
            return None
        return min(
            self.replies[endpoint].at + (self.stale_after if endpoint in self.failures else UNKNOWN_AFTER)
            for endpoint in reporting
        )

    @cached_property
    def read_at(self) -> datetime | None:
        """Time of the usage reply, else of the overage reply. None if neither was ever read."""
        leading = (self.replies.get(endpoint) for endpoint in (Endpoint.USAGE, Endpoint.OVERAGE))
        return next((reply.at for reply in leading if reply is not None), None)

    @property
    def stale_after(self) -> timedelta:
        """Age above which figures are stale: two intervals."""
        return 2 * self.interval

    @property
    def max_pause(self) -> timedelta:
        """Longest pause between two polls that is not a gap."""
        return MAX_PAUSE_INTERVALS * self.interval

    def find_current_refusal(self, now: datetime) -> Refusal | None:
        """Return the last refusal if its limit has not reset since. None if it has, or none is known."""
        known = self.last_refusal
        return known if known is not None and known.is_current(now) else None

    def is_stale(self, now: datetime) -> bool:
        """True if the figures are older than two intervals."""
        return self.read_at is not None and not self._is_within(self.stale_after, now)

    def is_unknown(self, now: datetime) -> bool:
        """True if the figures give no verdict: no successful read for 15 minutes, or ever."""
        return not self._is_within(UNKNOWN_AFTER, now)

    def _is_within(self, span: timedelta, now: datetime) -> bool:
        """Return True if there are figures of at most this age; the age of future ones is not known."""
        return self.read_at is not None and -MAX_CLOCK_STEP <= now - self.read_at <= span

    def iter_problems(self) -> Iterator[Problem]:
        """Yield the org's problems, failures first."""
        yield from _iterate_problems(self, self.org)

    def apply(self, report: OrgReading, at: datetime, interval: timedelta) -> OrgState:
        """Return the state after one more reading; if a reply failed, its last good version is kept."""
        replies, failures = _merge_parts(self.replies, self.failures, report.parts)
        # Only a pause longer than two missed polls and some delay is a gap in the series.
        max_pause = MAX_PAUSE_INTERVALS * interval
        good = [endpoint for endpoint, part in report.parts.items() if isinstance(part, Reply)]
        reply_sources = self.reply_sources
        # Usually the same session has read all of them before, and no copy is needed.
        if any(reply_sources.get(endpoint) != self.session for endpoint in good):
            reply_sources = {**reply_sources, **dict.fromkeys(good, self.session)}
        state = replace(
            self,
            org=_keep_known_org(report.org, self.org),
            replies=replies,
            failures=failures,
            interval=interval,
            histories=append_to_histories(self.histories, report.parts.get(Endpoint.USAGE), at, max_pause),
            reply_sources=reply_sources,
            is_restored=self.is_restored and not good,
        )
        # Set this before `credits` is computed and cached, because `credits` needs it.
        vars(state).update(last_figures=state.collect_figures())
        meter = state.credits.lead_meter
        part = report.parts.get(meter.origin.endpoint) if meter else None
        if meter and meter.used and meter.figures_at is None and isinstance(part, Reply):
            series = self.series.append(part.at, meter.origin, meter.used, max_pause)
        else:
            series = self.series.append_gap(at)
        # The state is not shared yet, so it may be completed; `replace` would lose its cached properties.
        vars(state).update(series=series)
        vars(state).update(over_plan_period=_update_over_plan_period(self, state, max_pause))
        is_usage_read = isinstance(report.parts.get(Endpoint.USAGE), Reply)
        period = _update_in_plan_period(self, state, max_pause) if is_usage_read else self.in_plan_period
        vars(state).update(in_plan_period=period)
        return state

    def collect_figures(self) -> LastFigures:
        """Return the last figures of each source, updated from the current replies."""
        meters = tuple(self._iter_meters())
        # Without a cap, a zero is a real figure only if the reply says that there is no cap.
        can_be_zero = not reports_withdrawal(meters)
        found = {
            meter.origin: (meter.used, meter.cap, self.replies[meter.origin.endpoint].at)
            for meter in meters
            if meter.used is not None and (not meter.is_withdrawn or (can_be_zero and meter.is_uncapped))
        }
        return {**self.last_figures, **found} if found else self.last_figures

    def _find_value(self, endpoint: Endpoint, kind: type[V]) -> V | None:
        reply = self.replies.get(endpoint)
        return reply.value if reply is not None and isinstance(reply.value, kind) else None


def _update_over_plan_period(old: OrgState, new: OrgState, max_pause: timedelta) -> OverPlanPeriod | None:
    """Return the period beyond the plan after one more reading; None if the plan has room, or may have room.

    If more than `max_pause` is between two usage replies, the window may have filled and reset unseen.
    """
    reply, plan, period = new.replies.get(Endpoint.USAGE), new.plan, old.over_plan_period
    if reply is None or plan is None:
        return None
    is_new_series = (old.series.origin, old.series.unit) != (new.series.origin, new.series.unit)
    if period is not None and is_new_series:
        # The total of another reply or currency cannot be compared with the old one.
        period = period._replace(since=reply.at, filled_label=None, start_rise=new.series.total_rise)
    if period is not None and period.full_window is not None and period.full_window.is_due(reply.at):
        period = None
    full = next(iter(plan.find_full_windows(reply.at)), None)
    if full is None and (plan.wide_windows or not plan.is_reported):
        before = period.full_window if period is not None else None
        if before is None:
            return None
        window = next((window for window in plan.windows if window.key == before.key), None)
        # A reply without the full window continues the period, because it may be a placeholder.
        return period if window is None or window.is_placeholder_of(before) else None
    if period is not None:
        return period if full == period.full_window else period._replace(full_window=full)
    if full is not None and old.plan is not None and not is_new_series:
        old_at = old.replies[Endpoint.USAGE].at
        was_reported = any(window.is_reported for window in old.plan.wide_windows)
        if was_reported and not old.plan.find_full_windows(old_at) and reply.at - old_at <= max_pause:
            # Count charges between the two readings, because they may already be beyond the plan.
            return OverPlanPeriod(reply.at, full.label, old.series.total_rise, full)
    return OverPlanPeriod(reply.at, None, new.series.total_rise, full)


def _update_in_plan_period(old: OrgState, new: OrgState, max_pause: timedelta) -> InPlanPeriod | None:
    """Return the period within the plan after one more usage reply; None if the plan may have no room.

    Only a rise between two replies with room is spending within the plan. After a pause of more than
    `max_pause` or five minutes, the window may have filled and reset unseen.
    """
    plan, before, total = new.plan, old.in_plan_period, new.series.total_rise
    if plan is None or new.over_plan_period is not None:
        return None
    if not any(window.is_reported for window in plan.wide_windows):
        return before
    at = new.replies[Endpoint.USAGE].at
    is_new_series = (old.series.origin, old.series.unit) != (new.series.origin, new.series.unit)
    if before is None or is_new_series or at - before.at > max(max_pause, MAX_BRIDGED_PAUSE):
        return InPlanPeriod(at, total)
    spending = before.spending
    if total > before.total_rise:
        if spending is None or at - spending.last_rise_at > SPENDING_SPAN:
            spending = InPlanSpending(before.at, before.total_rise, at)
        spending = spending._replace(last_rise_at=at)
    return InPlanPeriod(at, total, spending)


@dataclass(frozen=True)
class SessionState:
    """State of one session."""

    session: Session
    account: Account = field(default_factory=Account)
    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    """The last good account reply."""
    failures: Mapping[Endpoint, Failure] = field(default_factory=dict)
    """Failures that prevent listing the account's orgs."""
    ignored_orgs: frozenset[str] = frozenset()
    """Uuids of the account's orgs that the settings ignore, as listed last."""
    schedule: Schedule | None = None
    """Schedule of the next poll. None until the first poll is complete."""
    is_polling: bool = True
    """True while a poll is under way."""
    expires_at: datetime | None = None
    """Expiry by the browser's record. None if not known."""
    expires_soon_since: datetime | None = None
    """Time from which the expiry was less than three days ahead. None if it is not, or the record is out of
    date.
    """

    def iter_problems(self) -> Iterator[Problem]:
        """Yield the problems of the session itself."""
        # A failure of the session is more urgent than its expiry.
        if self.expires_at is not None and self.expires_soon_since is not None and not self.failures:
            since = self.expires_soon_since
            yield Problem(
                ErrorKind.EXPIRES_SOON, Endpoint.ACCOUNT, since, self.session, ends_at=self.expires_at
            )
        yield from _iterate_problems(self, None)

    def apply(self, reading: Reading) -> SessionState:
        """Return the state after one more reading."""
        if self.is_polling and not (reading.account or reading.schedule or reading.expires_at):
            return self  # this part of a poll concerns only an org
        replies, failures, account = self.replies, self.failures, self.account
        if reading.account is not None:
            replies, failures = _merge_parts(replies, failures, {Endpoint.ACCOUNT: reading.account})
            if isinstance(reading.account, Reply) and isinstance(reading.account.value, Account):
                account = reading.account.value.fill_from(account)
        # The server renews a key in use, so an expiry in the past means only that the record is old.
        expires_at = reading.expires_at or self.expires_at
        expires_soon = (
            expires_at is not None and timedelta(0) < expires_at - reading.at <= SESSION_EXPIRY_WARNING
        )
        return replace(
            self,
            account=account,
            replies=replies,
            failures=failures,
            ignored_orgs=self.ignored_orgs if reading.orgs is None else reading.ignored_orgs,
            schedule=reading.schedule or self.schedule,
            is_polling=reading.schedule is None,
            expires_at=expires_at,
            expires_soon_since=(self.expires_soon_since or reading.at) if expires_soon else None,
        )


@dataclass(frozen=True)
class Store:
    """Everything known at one moment."""

    all_orgs: tuple[OrgState, ...] = ()
    """Every org of every account, grouped by account, in the order of the server's list."""
    sessions: tuple[SessionState, ...] = ()
    """Sessions being read, in the order in which they first appeared."""
    scan_results: tuple[ScanResult, ...] | None = None
    """Result for each place searched for a session. None if the search is not complete."""
    has_everyone_answered: bool = False
    """True once every session of the first search has been polled; it stays true."""
    separate_orgs: frozenset[str] = frozenset()
    """Uuids of the orgs whose accounts had figures of their own at least once."""
    refusals: tuple[Refusal, ...] | None = None
    """Refusals of the last day in this machine's transcripts, oldest first. None if they were not read."""
    transcripts_read_at: datetime | None = None
    """Last time at which the transcripts had something new. None if they were not read."""

    @cached_property
    def orgs(self) -> tuple[OrgState, ...]:
        """The orgs on screen: one that several accounts reach is here once if their figures are the same."""
        return select_shown_orgs(self.all_orgs, self.separate_orgs)

    def find_org_state(self, key: OrgKey | None) -> OrgState | None:
        """Return the org on screen with this key; None if it was removed or never existed.

        For an org that is on screen through another account, this is the one on screen.
        """
        found = next((state for state in self.orgs if state.key == key), None)
        if found is None and key is not None and any(state.key == key for state in self.all_orgs):
            return next((state for state in self.orgs if state.org.uuid == key[1]), None)
        return found

    def find_session_of_org(self, key: OrgKey | None) -> SessionState | None:
        """Return the session of an org on screen, else the first session; None before the first poll."""
        org = self.find_org_state(key)
        return self.find_session_state(org.session) if org is not None else next(iter(self.sessions), None)

    def list_also_via(self, shown: OrgState) -> tuple[OrgState, ...]:
        """Return the states of the other accounts that have read the same figures as an org on screen."""
        return list_also_via(self.all_orgs, shown, self.separate_orgs)

    def distinguish_orgs(self) -> Store:
        """Return the store with separate seats, and with the accounts of orgs that share a name."""
        separate = find_separate_orgs(self.all_orgs, self.separate_orgs)
        store = self if separate == self.separate_orgs else replace(self, separate_orgs=separate)
        all_orgs = add_account_notes(store.all_orgs, store.orgs)
        return store if all_orgs is store.all_orgs else replace(store, all_orgs=all_orgs)

    def find_session_state(self, session: Session) -> SessionState:
        """Return the state of a session; an empty state if nothing is known."""
        return next((state for state in self.sessions if state.session == session), SessionState(session))

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All current problems: sessions first, then each org; a new field only for the first org with it."""
        owners: tuple[SessionState | OrgState, ...] = (*self.sessions, *self.orgs)
        found = tuple(_name_fields_once(problem for owner in owners for problem in owner.iter_problems()))
        return (*found, *self._list_ignoring_sessions())

    @property
    def ignored_org_count(self) -> int:
        """Number of the orgs that the settings ignore if no other org is known, else 0."""
        return 0 if self.orgs else len({uuid for state in self.sessions for uuid in state.ignored_orgs})

    def _list_ignoring_sessions(self) -> Iterator[Problem]:
        """Yield a problem for each session of which the settings ignore every org, if no org is known."""
        for state in self.sessions if self.ignored_org_count else ():
            reply = state.replies.get(Endpoint.ACCOUNT)
            if state.ignored_orgs and reply is not None:
                yield Problem(ErrorKind.ALL_IGNORED, Endpoint.ACCOUNT, reply.at, state.session)

    def apply_safely(self, reading: Reading) -> Store:
        """Return the store after one more reading; an unexpected exception becomes a problem in the store."""
        try:
            return self.apply(reading)
        except Exception as error:  # noqa: BLE001 - the boundary for the unexpected
            # Reported as a failure of the account reply, which every session has.
            bug = Failure.from_exception(error, Endpoint.ACCOUNT, reading.at)
            return self.apply(Reading(reading.session, reading.at, account=bug, schedule=reading.schedule))

    def apply(self, reading: Reading) -> Store:
        """Return the store after one more reading; nothing else changes the store.

        Last good replies survive a failure. Orgs missing from the account's list are removed and new ones
        added; without a list, none is removed. An org belongs to the session that listed it last. With a
        removed session, only the orgs that no other session of its account has listed are removed. Orgs from
        the archive are added unless they are known, and removed if no session for them is found.
        """
        store = self._apply(reading)
        is_same_list = reading.orgs is None and len(store.all_orgs) == len(self.all_orgs)
        # Nearly every reading has only figures of one org that one account reaches.
        return store if is_same_list and not has_shared_orgs(store.all_orgs) else store.distinguish_orgs()

    def _apply(self, reading: Reading) -> Store:
        if reading.restored_orgs:
            known = {state.key for state in self.all_orgs}
            new = (state for state in reading.restored_orgs if state.key not in known)
            restored = (replace(state, is_restored=True) for state in new)
            return replace(self, all_orgs=(*self.all_orgs, *restored))
        if reading.transcripts is not None:
            return self._apply_transcripts(reading.transcripts)
        scan_results = self.scan_results if reading.scan_results is None else reading.scan_results
        if reading.session_removed:
            return replace(
                self,
                all_orgs=tuple(state for state in self.all_orgs if state.session != reading.session),
                sessions=tuple(state for state in self.sessions if state.session != reading.session),
                scan_results=scan_results,
            )
        session = self.find_session_state(reading.session).apply(reading)
        sessions = _put_session(self.sessions, session)
        orgs = self.all_orgs
        if reading.orgs is not None:
            orgs = _apply_org_list(orgs, session, reading.orgs)
        if reading.org_readings or reading.schedule is not None:
            orgs = _apply_org_readings(orgs, session, reading)
        if scan_results is not None and all(state.schedule is not None for state in sessions):
            orgs = _remove_unserved(orgs, sessions, scan_results)
        return replace(
            self,
            all_orgs=note_refusals(
                tuple(_note_session_error(state, session) for state in orgs), self.refusals or ()
            ),
            sessions=sessions,
            scan_results=scan_results,
            has_everyone_answered=self.has_everyone_answered or reading.has_everyone_answered,
        )

    def _apply_transcripts(self, news: TranscriptNews) -> Store:
        orgs = note_refusals(self.all_orgs, news.refusals)
        return replace(self, all_orgs=orgs, refusals=news.refusals, transcripts_read_at=news.read_at)


def _note_session_error(state: OrgState, session: SessionState) -> OrgState:
    """Return the org with the problem of its session; unchanged if another session serves it."""
    error = next((fault.error_kind for fault in session.failures.values() if fault.is_session_wide), None)
    is_known = state.session != session.session or state.session_error is error
    return state if is_known else replace(state, session_error=error)


def note_refusals(orgs: tuple[OrgState, ...], refusals: Iterable[Refusal]) -> tuple[OrgState, ...]:
    """Return the orgs, each with the last refusal of Claude Code that is known to be its own."""
    last = {refusal.org: refusal for refusal in refusals if refusal.org is not None}
    if not last:
        return orgs
    new = ((state, last.get(state.org.uuid.lower(), state.last_refusal)) for state in orgs)
    return tuple(
        state if refusal == state.last_refusal else replace(state, last_refusal=refusal)
        for state, refusal in new
    )


def same_account(one: Account, other: Account) -> bool:
    """True if both are certainly the same account: the uuid or the e-mail is equal, and neither differs."""
    have_shared_key = (one.uuid and one.uuid == other.uuid) or (one.email and one.email == other.email)
    return bool(have_shared_key) and one.may_be_same(other)


def _remove_unserved(
    orgs: tuple[OrgState, ...], sessions: tuple[SessionState, ...], results: tuple[ScanResult, ...]
) -> tuple[OrgState, ...]:
    """Return the orgs of the sessions that are read or were found; all others were in the archive only."""
    found = {state.session for state in sessions} | {one.session for one in results if one.is_working}
    served = tuple(state for state in orgs if state.session in found)
    return orgs if len(served) == len(orgs) else served


def _put_session(sessions: tuple[SessionState, ...], new: SessionState) -> tuple[SessionState, ...]:
    """Return the sessions with one replaced; the first real session replaces the nameless placeholder."""
    named = tuple(state for state in sessions if state.session.browser)
    if not new.session.browser:
        return named or (new,)
    if all(state.session != new.session for state in named):
        return (*named, new)
    return tuple(new if state.session == new.session else state for state in named)


def _apply_org_list(
    orgs: tuple[OrgState, ...], session: SessionState, listed_orgs: tuple[Org, ...]
) -> tuple[OrgState, ...]:
    """Return the orgs after a session has listed its orgs; known orgs keep their state.

    The list takes the positions of the session's own orgs and of those that it takes over from another
    session of the account. The session's own orgs that are no longer listed are removed.
    """
    listed = {org.uuid: org for org in listed_orgs}
    covered = [place for place, state in enumerate(orgs) if _is_covered_by_list(state, session, listed)]
    known_states = {orgs[place].org.uuid: orgs[place] for place in covered}
    new_states = [_update_listed_org(org, known_states.get(org.uuid), session) for org in listed.values()]
    slots = [None if state.session == session.session else state for state in orgs]
    for index, place in enumerate(covered):
        slots[place] = new_states[index] if index < len(new_states) else None
    # New orgs follow the last known one of the session, so that the others keep their numbers.
    end = covered[-1] + 1 if covered else _find_place(orgs, session)
    slots[end:end] = new_states[len(covered) :]
    return tuple(state for state in slots if state is not None)


def _is_covered_by_list(state: OrgState, session: SessionState, listed: Mapping[str, Org]) -> bool:
    """True if the session's list decides whether this org stays."""
    if state.session == session.session:
        return session.account.may_be_same(state.account)
    return state.org.uuid in listed and same_account(session.account, state.account)


def _update_listed_org(org: Org, known: OrgState | None, session: SessionState) -> OrgState:
    """Return the state of a listed org; failures of another session are dropped."""
    if known is None:
        return OrgState(org, session.account, session.session)
    account = session.account.fill_from(known.account)
    if (org, account, session.session) == (known.org, known.account, known.session):
        return known
    failures = known.failures if known.session == session.session else {}
    org = _keep_known_org(org, known.org)
    return replace(known, org=org, account=account, session=session.session, failures=failures)


def _keep_known_org(org: Org, known: Org) -> Org:
    """Return a reported org with the account note that it had on screen; the known one if nothing changed.

    Each event keeps its org: hundreds of equal ones would take a fifth of a MiB.
    """
    if org == known and (org.alias, org.place) == (known.alias, known.place):
        return known
    return replace(org, account_note=known.account_note)


def _find_place(orgs: tuple[OrgState, ...], session: SessionState) -> int:
    """Return the position for the orgs of a session that does not serve an org of its account yet.

    They follow the account's other orgs, or else take the session's old position. Otherwise accounts are
    ordered by the names of their sessions, Claude Code's login last, so that an org has the same number in
    every run, whichever session is read first.
    """
    places = [place for place, state in enumerate(orgs) if same_account(session.account, state.account)]
    if places:
        return places[-1] + 1
    for place, state in enumerate(orgs):
        if state.session == session.session:
            return place
    for place, state in enumerate(orgs):
        # At position 0, index -1 is the last org, but position 0 always begins an account.
        before = orgs[place - 1]
        continues = before.session == state.session or same_account(before.account, state.account)
        is_later = _get_session_sort_key(state.session) > _get_session_sort_key(session.session)
        if is_later and not (place and continues):
            return place
    return len(orgs)


def _get_session_sort_key(session: Session) -> tuple[bool, str]:
    return session == CLAUDE_CODE_LOGIN, session.label.casefold()


def _apply_org_readings(
    orgs: tuple[OrgState, ...], session: SessionState, reading: Reading
) -> tuple[OrgState, ...]:
    """Return the orgs after their readings, with the interval of a finished poll."""
    interval = session.schedule.interval if session.schedule else DEFAULT_INTERVAL
    new, reports = list(orgs), {report.org.uuid: report for report in reading.org_readings}
    for place, state in enumerate(orgs):
        if state.org.uuid in reports and state.session == session.session:
            new[place] = state.apply(reports[state.org.uuid], reading.at, interval)
        # The interval also determines when the figures of an org without a reading are stale.
        elif reading.schedule and state.interval != interval and state.session == session.session:
            new[place] = replace(state, interval=interval)
    return tuple(new)


def _merge_parts(
    replies: Mapping[Endpoint, Reply],
    failures: Mapping[Endpoint, Failure],
    parts: Mapping[Endpoint, Reply | Failure],
) -> tuple[Mapping[Endpoint, Reply], Mapping[Endpoint, Failure]]:
    """Merge new replies and failures; a failure that continues keeps its first time."""
    good = {endpoint: part for endpoint, part in parts.items() if isinstance(part, Reply)}
    bad = {endpoint: part for endpoint, part in parts.items() if isinstance(part, Failure)}
    for endpoint, failure in bad.items():
        before = failures.get(endpoint)
        # The same failure again is the same problem, and its age must keep growing.
        if before is not None and before.error_kind is failure.error_kind:
            bad[endpoint] = replace(failure, at=before.at)
    remaining = {endpoint: failure for endpoint, failure in failures.items() if endpoint not in good}
    return {**replies, **good}, {**remaining, **bad}


def _name_fields_once(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems; each new field of a kind of reply only once."""
    seen: set[tuple[Endpoint, str]] = set()
    for problem in problems:
        if problem.error_kind is not ErrorKind.NEW_FIELD:
            yield problem
            continue
        names = problem.detail.split(NAME_SEPARATOR)
        new = [name for name in names if (problem.endpoint, name) not in seen]
        seen |= {(problem.endpoint, name) for name in new}
        if new:
            yield problem._replace(detail=NAME_SEPARATOR.join(new))


def _iterate_problems(owner: OrgState | SessionState, org: Org | None) -> Iterator[Problem]:
    """Yield the failures, odd values and new fields of an org, or of a session without an org.

    The new fields of a reply are one problem.
    """
    for failure in owner.failures.values():
        yield Problem(failure.error_kind, failure.endpoint, failure.at, owner.session, org, failure.detail)
    for reply in owner.replies.values():
        for path in reply.odd_values:
            yield Problem(ErrorKind.ODD_VALUE, reply.endpoint, reply.at, owner.session, org, path)
        if names := reply.new_field_names:
            yield Problem(
                ErrorKind.NEW_FIELD, reply.endpoint, reply.at, owner.session, org, NAME_SEPARATOR.join(names)
            )
