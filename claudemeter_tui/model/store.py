"""Everything known about every org, and the fold that brings in one more reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance, Credits, Meter
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.spending import OrgSnapshot, OverPlanPeriod, update_over_plan_period
from claudemeter_tui.model.time_series import CreditSeries, Histories, append_to_histories
from claudemeter_tui.model.windows import Plan

V = TypeVar("V", Account, Plan, Meter, Balance, Subscription)

DEFAULT_INTERVAL = timedelta(seconds=60)
"""Assumed until the first schedule of a session arrives."""
UNKNOWN_AFTER = timedelta(minutes=15)
"""Older figures than this decide nothing."""
SESSION_EXPIRY_WARNING = timedelta(days=3)
"""A session that ends within this time is worth a word."""

OrgKey = tuple[str, str]
"""Account key and org uuid: one org can be reached through two accounts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be, as long as it is so."""

    error_kind: ErrorKind
    endpoint: Endpoint
    at: datetime
    """Since when."""
    session: Session
    org: Org | None = None
    """None: it concerns the whole session."""
    detail: str = ""
    ends_at: datetime | None = None
    """When the session ends. None: that is not the problem."""


@dataclass(frozen=True)
class OrgState:
    """What is known about one org, each reply the last good one."""

    org: Org
    account: Account
    session: Session
    """The session that serves it: the one of its account that listed it last."""
    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    failures: Mapping[Endpoint, Failure] = field(default_factory=dict)
    """What went wrong at the last try; a good reply takes it away."""
    interval: timedelta = DEFAULT_INTERVAL
    series: CreditSeries = field(default_factory=CreditSeries)
    over_plan_period: OverPlanPeriod | None = None
    """Since when the plan has nothing left. None: it has, or that was never read."""
    histories: Histories = field(default_factory=dict)
    """What each plan-wide window's utilization was, by its label."""
    reply_sources: Mapping[Endpoint, Session] = field(default_factory=dict)
    """The session that read each reply; it may be another one than serves the org now."""

    @cached_property
    def key(self) -> OrgKey:
        """Return the name of this org among all orgs of all accounts."""
        return self.account.key, self.org.uuid

    @cached_property
    def plan(self) -> Plan | None:
        """The windows and what stands beside them. None: never read."""
        return self._find_value(Endpoint.USAGE, Plan)

    @cached_property
    def subscription(self) -> Subscription | None:
        """None: never read, or the org has none."""
        return self._find_value(Endpoint.SUBSCRIPTION, Subscription)

    @cached_property
    def credits(self) -> Credits:
        """The credits, with the overage replies in the lead."""
        overage = self._find_value(Endpoint.OVERAGE, Meter)
        own = self._find_value(Endpoint.OWN_OVERAGE, Meter)
        beside = self.plan.meters if self.plan else ()
        answered = self.replies.get(Endpoint.OVERAGE)
        return Credits(
            meters=tuple(meter for meter in (own, overage, *beside) if meter is not None),
            balance=self._find_value(Endpoint.PREPAID, Balance),
            is_absent=answered is not None and answered.value is None,
            is_overage_unrequested=answered is None and Endpoint.OVERAGE not in self.failures,
            paused_until=self.org.paused_until,
        )

    @cached_property
    def read_at(self) -> datetime | None:
        """When the reply with the windows came, else the one with the credits. None: never."""
        leading = (self.replies.get(endpoint) for endpoint in (Endpoint.USAGE, Endpoint.OVERAGE))
        return next((reply.at for reply in leading if reply is not None), None)

    def is_stale(self, now: datetime) -> bool:
        """Whether its figures are older than two intervals."""
        return self.read_at is not None and now - self.read_at > 2 * self.interval

    def is_unknown(self, now: datetime) -> bool:
        """Whether nothing good was read for so long, or ever, that its figures decide nothing."""
        return self.read_at is None or now - self.read_at > UNKNOWN_AFTER

    def iter_problems(self) -> Iterator[Problem]:
        """What is wrong with it, failures first."""
        for failure in self.failures.values():
            yield _build_problem(failure, self.session, self.org)
        for reply in self.replies.values():
            yield from _find_reply_problems(reply, self.session, self.org)

    def apply(self, report: OrgReading, at: datetime, interval: timedelta) -> OrgState:
        """The state after one more report; what failed keeps its last good reply."""
        replies, failures = _merge_parts(self.replies, self.failures, report.parts)
        most = 2.5 * interval
        state = OrgState(
            org=report.org,
            account=self.account,
            session=self.session,
            replies=replies,
            failures=failures,
            interval=interval,
            series=self.series,
            histories=append_to_histories(self.histories, report.parts.get(Endpoint.USAGE), at, most),
            reply_sources=self._update_reply_sources(report),
        )
        series = state._append_sample(report, at, most)
        began = update_over_plan_period(
            self.over_plan_period, self._make_snapshot(self.series), state._make_snapshot(series), most
        )
        vars(state).update(
            series=series, over_plan_period=began
        )  # nobody has it yet; a copy would reckon it all anew
        return state

    def _make_snapshot(self, series: CreditSeries) -> OrgSnapshot | None:
        read = self.replies.get(Endpoint.USAGE)
        return OrgSnapshot(read.at, self.plan, series) if read is not None and self.plan is not None else None

    def _update_reply_sources(self, report: OrgReading) -> Mapping[Endpoint, Session]:
        good = [endpoint for endpoint, part in report.parts.items() if isinstance(part, Reply)]
        if all(self.reply_sources.get(endpoint) == self.session for endpoint in good):
            return self.reply_sources
        return {**self.reply_sources, **dict.fromkeys(good, self.session)}

    def _append_sample(self, report: OrgReading, at: datetime, most: timedelta) -> CreditSeries:
        lead = self.credits.lead_meter
        if lead is None or lead.used is None:
            return self.series.append_gap(at)
        fresh = report.parts.get(lead.origin.endpoint)
        if not isinstance(fresh, Reply):
            return self.series.append_gap(at)
        return self.series.append(fresh.at, lead.origin, lead.used, most)

    def _find_value(self, endpoint: Endpoint, kind: type[V]) -> V | None:
        reply = self.replies.get(endpoint)
        return reply.value if reply is not None and isinstance(reply.value, kind) else None


@dataclass(frozen=True)
class SessionState:
    """What is known about one session."""

    session: Session
    account: Account = field(default_factory=Account)
    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    """The account reply, the last good one."""
    failures: Mapping[Endpoint, Failure] = field(default_factory=dict)
    """What keeps the orgs of this account from being listed."""
    schedule: Schedule | None = None
    """None: the first poll is not over."""
    is_polling: bool = True
    """Whether a poll goes on right now."""
    expires_at: datetime | None = None
    """When it ends by the browser's record. None: not known."""
    expires_soon_since: datetime | None = None
    """Since when that is less than three days ahead. None: it is not, or the record is out of date."""

    def iter_problems(self) -> Iterator[Problem]:
        """What is wrong with the session itself."""
        for failure in self.failures.values():
            yield _build_problem(failure, self.session, None)
        if self.expires_at is not None and self.expires_soon_since is not None and not self.failures:
            at = self.expires_soon_since
            yield Problem(ErrorKind.EXPIRES_SOON, Endpoint.ACCOUNT, at, self.session, ends_at=self.expires_at)
        for reply in self.replies.values():
            yield from _find_reply_problems(reply, self.session, None)

    def apply(self, reading: Reading) -> SessionState:
        """The state after one more reading."""
        if (
            self.is_polling
            and reading.account is None
            and reading.schedule is None
            and reading.expires_at is None
        ):
            return self  # The part of a poll that is about an org.
        replies, failures, account = self.replies, self.failures, self.account
        if reading.account is not None:
            replies, failures = _merge_parts(replies, failures, {Endpoint.ACCOUNT: reading.account})
            if isinstance(reading.account, Reply) and isinstance(reading.account.value, Account):
                account = reading.account.value.fill_from(account)
        expires = reading.expires_at or self.expires_at
        soon = expires is not None and timedelta(0) < expires - reading.at <= SESSION_EXPIRY_WARNING
        return SessionState(
            session=self.session,
            account=account,
            replies=replies,
            failures=failures,
            schedule=reading.schedule or self.schedule,
            is_polling=reading.schedule is None,
            expires_at=expires,
            expires_soon_since=(self.expires_soon_since or reading.at) if soon else None,
        )


@dataclass(frozen=True)
class Store:
    """Everything known, at one moment."""

    orgs: tuple[OrgState, ...] = ()
    """Grouped by account, in the order of the server's list."""
    sessions: tuple[SessionState, ...] = ()
    """Those that are read, in the order in which they were first heard of."""
    scan_results: tuple[ScanResult, ...] | None = None
    """Every place that was looked at for a session. None: the looking is not over."""

    def find_org_state(self, key: OrgKey | None) -> OrgState | None:
        """The org of that key; None where it has left or never was."""
        return next((state for state in self.orgs if state.key == key), None)

    def find_session_state(self, session: Session) -> SessionState:
        """What is known of a session; a fresh state where nothing is."""
        return next((state for state in self.sessions if state.session == session), SessionState(session))

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong now: sessions first, then org by org."""
        sessions = (problem for session in self.sessions for problem in session.iter_problems())
        return (*sessions, *(problem for org in self.orgs for problem in org.iter_problems()))

    def apply_safely(self, reading: Reading) -> Store:
        """The store after one more reading; what nobody foresaw becomes a problem in it, not a crash."""
        try:
            return self.apply(reading)
        except Exception as error:  # noqa: BLE001 - the boundary for what nobody foresaw
            bug = Failure.from_exception(error, Endpoint.ACCOUNT, reading.at)
            return self.apply(Reading(reading.session, reading.at, account=bug, schedule=reading.schedule))

    def apply(self, reading: Reading) -> Store:
        """The store after one more reading: the only way in which it changes.

        Last good replies survive a failure. Orgs that the account's list no longer names leave,
        new ones come; without a list nothing leaves. An org belongs to the session that listed it
        last: a session that is gone takes along only what no other one of its account has listed.
        """
        looked = self.scan_results if reading.scan_results is None else reading.scan_results
        if reading.session_removed:
            return Store(
                tuple(state for state in self.orgs if state.session != reading.session),
                tuple(state for state in self.sessions if state.session != reading.session),
                looked,
            )
        session = self.find_session_state(reading.session).apply(reading)
        sessions = _put_session(self.sessions, session)
        orgs = self.orgs
        if reading.orgs is not None:
            orgs = _apply_org_list(orgs, session, reading.orgs)
        if reading.org_readings:
            orgs = _apply_org_readings(orgs, session, reading)
        if reading.schedule is not None:
            orgs = _apply_schedule(orgs, session, reading.schedule)
        return Store(orgs, sessions, looked)


def same_account(one: Account, other: Account) -> bool:
    """Whether they are surely the same account: what both name is the same, and they name something."""
    shared = (one.uuid and one.uuid == other.uuid) or (one.email and one.email == other.email)
    return bool(shared) and one.may_be_same(other)


def _put_session(sessions: tuple[SessionState, ...], new: SessionState) -> tuple[SessionState, ...]:
    """The sessions with one replaced; the nameless one only stands in until a real one is found."""
    named = tuple(state for state in sessions if state.session.browser)
    if not new.session.browser:
        return named or (new,)
    if all(state.session != new.session for state in named):
        return (*named, new)
    return tuple(new if state.session == new.session else state for state in named)


def _apply_org_list(
    orgs: tuple[OrgState, ...], session: SessionState, roster: tuple[Org, ...]
) -> tuple[OrgState, ...]:
    """The orgs after a session's list of its account's, in which known ones keep what is known of them.

    The list fills the places of the session's own orgs and of those that it takes over from another
    session of the account; its own ones that it no longer names leave.
    """
    listed = {org.uuid: org for org in roster}
    taken = [place for place, state in enumerate(orgs) if _is_covered_by_list(state, session, listed)]
    known = {orgs[place].org.uuid: orgs[place] for place in taken}
    coming = [_update_listed_org(org, known.get(org.uuid), session) for org in listed.values()]
    others = (place for place, state in enumerate(orgs) if state.session != session.session)
    stays = {place: orgs[place] for place in {*others}.difference(taken)}
    stays |= zip(taken, coming, strict=False)
    end = taken[-1] + 1 if taken else _find_place(orgs, session)
    before = [stays[place] for place in range(end) if place in stays]
    after = [stays[place] for place in range(end, len(orgs)) if place in stays]
    return (*before, *coming[len(taken) :], *after)


def _is_covered_by_list(state: OrgState, session: SessionState, listed: Mapping[str, Org]) -> bool:
    """Whether the list of a session has a say in this org's state."""
    if state.session == session.session:
        return session.account.may_be_same(state.account)
    return state.org.uuid in listed and same_account(session.account, state.account)


def _update_listed_org(org: Org, known: OrgState | None, session: SessionState) -> OrgState:
    """An org of a session's list, with what is known of it; another session's failures are not its own."""
    if known is None:
        return OrgState(org, session.account, session.session)
    account = session.account.fill_from(known.account)
    if (org, account, session.session) == (known.org, known.account, known.session):
        return known
    failures = known.failures if known.session == session.session else {}
    return replace(known, org=org, account=account, session=session.session, failures=failures)


def _find_place(orgs: tuple[OrgState, ...], session: SessionState) -> int:
    """Where a session's orgs go that has none of its account yet: to the account, else to its old place.

    Otherwise accounts stand in the order of their sessions' names, Claude Code's login last: whichever
    answers first, an org has the same number in every run.
    """
    beside = [place for place, state in enumerate(orgs) if same_account(session.account, state.account)]
    own = (place for place, state in enumerate(orgs) if state.session == session.session)
    later = (
        place
        for place in _find_account_starts(orgs)
        if _get_session_sort_key(orgs[place].session) > _get_session_sort_key(session.session)
    )
    return beside[-1] + 1 if beside else next(own, next(later, len(orgs)))


def _find_account_starts(orgs: tuple[OrgState, ...]) -> Iterator[int]:
    """The places at which the orgs of another account begin."""
    for place, state in enumerate(orgs):
        before = orgs[place - 1]
        if not place or not (before.session == state.session or same_account(before.account, state.account)):
            yield place


def _get_session_sort_key(session: Session) -> tuple[bool, str]:
    return session == CLAUDE_CODE_LOGIN, session.label.casefold()


def _apply_org_readings(
    orgs: tuple[OrgState, ...], session: SessionState, reading: Reading
) -> tuple[OrgState, ...]:
    interval = session.schedule.interval if session.schedule else DEFAULT_INTERVAL
    new, reports = list(orgs), {report.org.uuid: report for report in reading.org_readings}
    for place, state in enumerate(orgs):
        if state.org.uuid in reports and state.session == session.session:
            new[place] = state.apply(reports[state.org.uuid], reading.at, interval)
    return tuple(new)


def _apply_schedule(
    orgs: tuple[OrgState, ...], session: SessionState, schedule: Schedule
) -> tuple[OrgState, ...]:
    """The orgs of one session with its interval, by which their figures are stale."""
    return tuple(
        replace(state, interval=schedule.interval)
        if state.interval != schedule.interval and state.session == session.session
        else state
        for state in orgs
    )


def _merge_parts(
    replies: Mapping[Endpoint, Reply],
    failures: Mapping[Endpoint, Failure],
    parts: Mapping[Endpoint, Reply | Failure],
) -> tuple[Mapping[Endpoint, Reply], Mapping[Endpoint, Failure]]:
    """Replies and failures after what was asked this time; a failure that goes on keeps its first time."""
    good = {endpoint: part for endpoint, part in parts.items() if isinstance(part, Reply)}
    bad = {endpoint: part for endpoint, part in parts.items() if isinstance(part, Failure)}
    for endpoint, failure in bad.items():
        before = failures.get(endpoint)
        if before is not None and before.error_kind is failure.error_kind:
            bad[endpoint] = replace(failure, at=before.at)
    still = {endpoint: failure for endpoint, failure in failures.items() if endpoint not in good}
    return {**replies, **good}, {**still, **bad}


def _build_problem(failure: Failure, session: Session, org: Org | None) -> Problem:
    return Problem(failure.error_kind, failure.endpoint, failure.at, session, org, failure.detail)


def _find_reply_problems(reply: Reply, session: Session, org: Org | None) -> Iterable[Problem]:
    for trouble, paths in ((ErrorKind.ODD_VALUE, reply.odd_values), (ErrorKind.NEW_FIELD, reply.new_fields)):
        for path in paths:
            yield Problem(trouble, reply.endpoint, reply.at, session, org, path)
