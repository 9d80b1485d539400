"""Collect the events since the program started, with one tracker for each org and session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import compress
from operator import attrgetter, is_not
from typing import NamedTuple

from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Credits
from claudemeter_tui.model.events import (
    Event,
    EventKind,
    build_refusal_event,
    find_earliest,
    merge_events,
)
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, NAME_SEPARATOR, ErrorKind, Reply, Session
from claudemeter_tui.model.refusals import select_stops
from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.trackers import (
    USAGE_ENDPOINTS,
    BalanceTracker,
    Debounced,
    EventSink,
    MeterTracker,
    Thresholds,
    TrancheKey,
    VerdictTracker,
    WindowTracker,
    find_next_warning,
    update_warned_resets,
    update_warned_tranches,
)
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Plan, Severity

STALE_GRACE = timedelta(seconds=30)
"""Delay before stale figures become an event, because a poll under way may bring new ones."""
MAX_STALE_DELAY = timedelta(minutes=2)
"""Time after which an event of stale figures is no longer news: the program slept meanwhile, and a poll is
due.
"""
MAX_REFUSAL_AGE = timedelta(minutes=10)
"""Age above which a refusal is no longer news: a transcript was copied, or the clock was wrong."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class OrgTracker:
    """Remembered state of one org."""

    last_state: OrgState
    deciding_values: tuple[object, ...] = ()
    """Everything that can cause an event, except amounts and caps."""
    debounced: Debounced = field(default_factory=Debounced)
    window_trackers: Mapping[str, WindowTracker] = field(default_factory=dict)
    """Trackers by the window's key."""
    meter_trackers: Mapping[MeterOrigin, MeterTracker] = field(default_factory=dict)
    verdict_tracker: VerdictTracker = field(default_factory=VerdictTracker)
    balance_tracker: BalanceTracker = field(default_factory=BalanceTracker)
    warned_tranches: frozenset[TrancheKey] = frozenset()
    """Parts of the balance whose expiry already caused an event."""
    warned_resets: frozenset[datetime] = frozenset()
    """Times of expiry of saved resets that already caused an event."""
    stale_since: datetime | None = None
    """Time at which the figures were first seen to be stale. None if they are current."""
    is_stale_reported: bool = False
    """True if a STALE event was emitted."""
    next_change_at: datetime | None = None
    """Time of the next reset, end of a lock or expiry warning. None if there is none."""

    @property
    def due_at(self) -> datetime | None:
        """Time at which an event is due without a new reply. None if no event is.

        None for an org of an earlier run, too: what has changed since then is known with the next reading.
        """
        if self.last_state.is_restored:
            return None
        stale_at, read_at = None, self.last_state.read_at
        if self.stale_since is not None:
            # The figures are stale already, so only the STALE event can be due.
            stale_at = None if self.is_stale_reported else self.stale_since + STALE_GRACE
        elif read_at is not None:
            # `OrgState.is_stale` compares with `>`, so the figures become stale a microsecond later.
            stale_at = read_at + 2 * self.last_state.interval + _MICROSECOND
        return find_earliest((stale_at, self.next_change_at))

    @classmethod
    def start(cls, state: OrgState, sink: EventSink) -> OrgTracker:
        """Start tracking an org; conditions that already hold emit no event.

        The state of an earlier run is observed as of its reading, so that the first new reading emits what
        has changed since.
        """
        # An empty state has nothing to compare with, so the first observation emits nothing.
        nothing = OrgState(state.org, state.account, state.session)
        now = (state.read_at if state.is_restored else None) or sink.now
        return cls(nothing).observe(state, replace(sink, events=[], now=now))

    @property
    def is_failing(self) -> bool:
        """True if the last poll did not read the org."""
        return self.last_state.session_error is not None or Endpoint.USAGE in self.last_state.failures

    def is_due(self, now: datetime) -> bool:
        """True if the time alone may cause an event."""
        return self.due_at is not None and now >= self.due_at

    def observe(self, state: OrgState, sink: EventSink) -> OrgTracker:
        """Return the tracker after one more observation of the org."""
        if state.is_restored and self.last_state.is_restored:
            return replace(self, last_state=state)
        is_early = not self.is_due(sink.now) and not state.is_stale(sink.now)
        deciding_values = _collect_deciding_values(state)
        # Nearly every poll changes only amounts; this path skips the expensive verdict.
        if is_early and self._is_settled and deciding_values == self.deciding_values:
            return replace(
                self,
                last_state=state,
                debounced=Debounced(state.replies),
                meter_trackers=self._update_meters(state.credits, state.replies, sink),
                stale_since=None,
            )
        return replace(self._observe_change(state, sink), deciding_values=deciding_values)

    @property
    def _is_settled(self) -> bool:
        """True if no figure awaits confirmation."""
        return (
            self.debounced.matches(self.last_state.replies)
            and not any(tracker.doubt_count for tracker in self.window_trackers.values())
            and all(tracker.is_settled for tracker in self.meter_trackers.values())
            and self.balance_tracker.is_settled
        )

    def _observe_change(self, state: OrgState, sink: EventSink) -> OrgTracker:
        old = self.last_state
        new_replies = {
            endpoint: new for endpoint, new in state.replies.items() if new is not old.replies.get(endpoint)
        }
        if state.session != old.session:
            sink.emit(EventKind.SOURCE_CHANGED, before=old.session.label, after=state.session.label)
        windows = self._update_windows(state, new_replies, sink)
        # Keep the order of the reply; confirmed windows that the reply lacks come last.
        keys = [window.key for window in state.plan.windows] if state.plan else []
        confirmed = tuple(windows[key].window for key in dict.fromkeys((*keys, *windows)))
        debounced = self.debounced.update(new_replies, confirmed)
        steady_state = (
            state if debounced.matches(state.replies) else replace(state, replies=debounced.replies)
        )
        credits_, is_first = steady_state.credits, Endpoint.PREPAID not in self.debounced.replies
        meters = self._update_meters(credits_, state.replies, sink)
        balance_tracker = self.balance_tracker.update(credits_.balance, old, state, sink)
        warned_tranches = update_warned_tranches(self.warned_tranches, credits_.balance, sink, first=is_first)
        resets, is_first_usage = state.saved_resets, Endpoint.USAGE not in self.debounced.replies
        warned_resets = update_warned_resets(self.warned_resets, resets, sink, first=is_first_usage)
        verdict_tracker = self.verdict_tracker.observe(judge(steady_state, sink.now), sink, credits_)
        due_times = (verdict_tracker.lock_ends_at, find_next_warning(credits_.balance, resets, sink.now))
        return OrgTracker(
            last_state=state,
            debounced=debounced,
            window_trackers=windows,
            meter_trackers=meters,
            verdict_tracker=verdict_tracker,
            balance_tracker=balance_tracker,
            warned_tranches=warned_tranches,
            warned_resets=warned_resets,
            stale_since=(self.stale_since or sink.now) if state.is_stale(sink.now) else None,
            is_stale_reported=self.is_stale_reported,
            next_change_at=find_earliest((*(tracker.due_at for tracker in windows.values()), *due_times)),
        )

    def _update_windows(
        self, state: OrgState, new_replies: Mapping[Endpoint, Reply], sink: EventSink
    ) -> dict[str, WindowTracker]:
        """Return the window trackers for the current time, and after new figures if there are any."""
        tracked = {key: tracker.tick(sink) for key, tracker in self.window_trackers.items()}
        if Endpoint.USAGE not in new_replies:
            return tracked
        windows = {window.key: window for window in (state.plan or Plan()).windows}
        for key, window in windows.items():
            tracked.setdefault(key, WindowTracker.start(window, sink))
        updated = {key: tracker.update(windows.get(key), sink) for key, tracker in tracked.items()}
        return {key: tracker for key, tracker in updated.items() if tracker is not None}

    def _update_meters(
        self, credits_: Credits, replies: Mapping[Endpoint, Reply], sink: EventSink
    ) -> dict[MeterOrigin, MeterTracker]:
        """Return the trackers of the leading meters after new figures, if there are any."""
        tracked, before = dict(self.meter_trackers), self.last_state.replies
        for meter in credits_.leading_meters:
            endpoint = meter.origin.endpoint
            if endpoint in replies and replies[endpoint] is not before.get(endpoint):
                tracker = tracked.get(meter.origin) or MeterTracker.start(meter, sink)
                tracked[meter.origin] = tracker.update(meter, sink)
        return tracked


def _collect_deciding_values(state: OrgState) -> tuple[object, ...]:
    """Return everything that can cause an event, except amounts and caps.

    If the result has not changed, only amounts and caps have to be compared.
    """
    credits_, plan = state.credits, state.plan or Plan(is_reported=False)
    return (
        (state.org, state.session, Endpoint.USAGE in state.replies, plan.is_reported),
        [(one.key, one.label, one.percent, one.resets_at, one.locked_reason) for one in plan.windows],
        [meter.state_key for meter in credits_.meters],
        (credits_.is_absent, credits_.overage_read_at is None, credits_.balance, state.saved_resets),
        state.in_plan_period and state.in_plan_period.spending and state.in_plan_period.spending.since,
    )


ACCOUNT_ENDPOINTS = (Endpoint.ACCOUNT,)
LOGIN_ERRORS = frozenset({ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID})
"""Errors that end a session; other errors do not show whether it still works."""


class SessionTracker(NamedTuple):
    """Remembered state of one session."""

    last_state: SessionState
    has_polled: bool = False
    """True if the first poll is complete; conditions that hold before then emit no event."""
    is_expired: bool = False
    is_stale: bool = False
    """True if all orgs of the session were reported stale together."""
    is_stale_muted: bool = False
    """True if the end of that is not reported: the session had expired, or is signed in again."""
    is_ending_soon: bool = False
    """True if SESSION_ENDS was emitted."""

    def observe(self, state: SessionState, sink: EventSink) -> SessionTracker:
        """Return the tracker after one more observation of the session."""
        is_rejected = any(failure.error_kind in LOGIN_ERRORS for failure in state.failures.values())
        # A different failure after an expiry, such as a timeout, does not mean that the session works again.
        is_expired = is_rejected or (self.is_expired and bool(state.failures))
        emit = partial(sink.emit, subject=state.session.label)
        if self.has_polled and is_expired and not self.is_expired:
            emit(EventKind.SESSION_EXPIRED, severity=Severity.CRITICAL, endpoints=ACCOUNT_ENDPOINTS)
        is_signed_in = self.is_expired and not is_expired
        if is_signed_in:
            emit(EventKind.RECOVERED, endpoints=ACCOUNT_ENDPOINTS)
        is_working = bool(state.replies) and not state.failures
        is_ending_soon = state.expires_soon_since is not None and (self.is_ending_soon or is_working)
        if is_ending_soon and not self.is_ending_soon:
            emit(EventKind.SESSION_ENDS, until=state.expires_at, severity=Severity.WARNING)
        return self._replace(
            last_state=state,
            has_polled=state.schedule is not None,
            is_expired=is_expired,
            # The event above also means that new figures arrive.
            is_stale_muted=self.is_stale_muted or is_signed_in,
            is_ending_soon=is_ending_soon,
        )


MAX_EVENTS = 500
"""Maximum number of events kept; older ones are dropped."""
MAX_FIELDS = 1_000
"""Maximum number of remembered new fields; beyond it no NEW_FIELD event follows."""

FieldPath = tuple[Endpoint, str]
"""A reply and a path in it."""


@dataclass(frozen=True)
class EventLog:
    """The events of this run, and the state needed to emit each of them once.

    A condition that already holds when an org is first seen causes no event.
    """

    thresholds: Thresholds = (75.0, 90.0, 100.0)
    """Percentages that cause an event when a window or the credits pass them."""
    events: tuple[Event, ...] = ()
    """Oldest first, at most `MAX_EVENTS`."""
    new_events: tuple[Event, ...] = ()
    """Events of the last observation, also part of `events`."""
    store: Store = field(default_factory=Store)
    """The last observed store."""
    due_at: datetime | None = None
    """Time before which no event is due without a new reply. None if none ever is."""
    org_trackers: Mapping[OrgKey, OrgTracker] = field(default_factory=dict)
    session_trackers: Mapping[Session, SessionTracker] = field(default_factory=dict)
    known_fields: frozenset[FieldPath] = frozenset()
    """Unknown fields that were already seen."""

    def observe(self, store: Store, now: datetime) -> EventLog:
        """Return the log after observing the store; call it after each reading and on each tick.

        The call is cheap if the store is the same and nothing is due.
        """
        if store is self.store and (self.due_at is None or now < self.due_at):
            return replace(self, new_events=()) if self.new_events else self
        observation = _Observation(self, store, now)
        observation.run()
        # A reset has its due time, so one observation can emit events out of order.
        new_events = tuple(sorted(merge_events(observation.events), key=attrgetter("at")))
        return EventLog(
            self.thresholds,
            events=(*self.events, *new_events)[-MAX_EVENTS:] if new_events else self.events,
            new_events=new_events,
            store=store,
            due_at=observation.due_at,
            org_trackers=observation.org_trackers,
            session_trackers=observation.session_trackers,
            known_fields=observation.known_fields,
        )


class _Observation:
    """One observation of a store: a new `EventLog` under construction."""

    def __init__(self, before: EventLog, store: Store, now: datetime) -> None:
        self.previous, self.store, self.now = before, store, now
        self.events: list[Event] = []
        self.org_trackers = dict(before.org_trackers)
        self.session_trackers = dict(before.session_trackers)
        self.known_fields = before.known_fields
        self.due_at: datetime | None = None

    def run(self) -> None:
        """Observe the sessions, the list of orgs, and each org that may have changed."""
        for state in self.store.sessions:
            known = self.session_trackers.get(state.session)
            if known is None or known.last_state is not state:
                sink = self._make_sink(state)
                tracker = known or SessionTracker(state)
                self.session_trackers[state.session] = tracker.observe(state, sink)
                self._emit_new_fields(tracker.last_state.replies, state.replies, sink)
        self._emit_refusals()
        changed, due_at = self._find_changed_orgs(), self.previous.due_at
        if changed is not None and (due_at is None or self.now < due_at):
            self.due_at = find_earliest((due_at, *(self._observe_org(org).due_at for org in changed)))
            return
        if changed is None:
            self._update_org_list()
        for org in {org.key: org for org in reversed(self.store.orgs)}.values():
            known_org = self.org_trackers[org.key]
            if known_org.last_state is not org or known_org.is_due(self.now):
                self._observe_org(org)
        self.due_at = find_earliest(org_tracker.due_at for org_tracker in self.org_trackers.values())

    def _emit_refusals(self) -> None:
        """Emit new refusals; those that are known when transcripts are first read emit nothing."""
        before, after = self.previous.store.refusals, self.store.refusals
        if before is after or before is None or after is None:
            return
        known = {refusal.key for refusal in before}
        for refusal in select_stops(after):
            if refusal.key in known or self.now - refusal.at > MAX_REFUSAL_AGE:
                continue
            uuid = refusal.org
            state = next((one for one in self.store.orgs if one.org.uuid.lower() == uuid), None)
            session = state.session if state is not None else CLAUDE_CODE_LOGIN
            org, key = (state.org, state.key) if state is not None else (None, None)
            self.events.append(build_refusal_event(refusal, session, org, key))

    def _find_changed_orgs(self) -> list[OrgState] | None:
        """Return the changed orgs; None if the list of orgs differs, or an org is listed twice."""
        old, new = self.previous.store.orgs, self.store.orgs
        if not len(old) == len(new) == len(self.org_trackers):
            return None
        # With a hundred orgs, comparing identities in C is much faster than a Python loop.
        changed = list(compress(range(len(new)), map(is_not, old, new)))
        same = all(old[place].key == new[place].key for place in changed)
        return [new[place] for place in changed] if same else None

    def _update_org_list(self) -> None:
        """Start trackers for new orgs, drop those of removed orgs, and emit both events."""
        # Reversed, so that the first of several orgs with the same key wins.
        states = {state.key: state for state in reversed(self.store.orgs)}
        left = {key: self.org_trackers.pop(key) for key in self.previous.org_trackers if key not in states}
        present = {state.key for state in self.store.all_orgs}
        listed = {state.key for state in self.previous.store.all_orgs}
        for key, state in reversed(states.items()):
            if key in self.org_trackers:
                continue
            # The org is on screen through another account from now on.
            hidden = (one for one in left if one in present and one[1] == key[1])
            if hidden_key := next(hidden, None):
                self.org_trackers[key] = left.pop(hidden_key)
                continue
            # The key contains the account's key, which changes if the account gets a uuid or another e-mail.
            renamed = (
                old_key
                for old_key, old in ((key, tracker.last_state) for key, tracker in left.items())
                if (state.org.uuid, state.session) == (old.org.uuid, old.session)
                and state.account.may_be_same(old.account)
            )
            if old_key := next(renamed, None):
                self.org_trackers[key] = left.pop(old_key)
                continue
            sink = self._make_sink(state)
            session = self.previous.session_trackers.get(state.session)
            # An org of an account that was never listed before is not news, nor is a seat that was listed.
            is_listed = key in listed
            if session is not None and session.has_polled and session.last_state.replies and not is_listed:
                sink.emit(EventKind.ORG_APPEARED, endpoints=ACCOUNT_ENDPOINTS)
            self.org_trackers[key] = OrgTracker.start(state, sink)
        # A session that was removed, or that another program reads, shows nothing about its orgs.
        read = {one.account.key for one in self.store.sessions if one.replies and not one.failures}
        for tracker in (tracker for key, tracker in left.items() if key not in present and key[0] in read):
            self._make_sink(tracker.last_state).emit(EventKind.ORG_LEFT, endpoints=ACCOUNT_ENDPOINTS)

    def _observe_org(self, state: OrgState) -> OrgTracker:
        key, sink = state.key, self._make_sink(state)
        old = self.org_trackers[key]
        new = self.org_trackers[key] = old.observe(state, sink)
        self._emit_new_fields(old.last_state.replies, state.replies, sink)
        if old.stale_since or new.stale_since:
            self._update_staleness(state.session)
            return self.org_trackers[key]
        return new

    def _update_staleness(self, session: Session) -> None:
        """Emit STALE and RECOVERED events of a session's orgs.

        If all orgs are stale, emit one event for the session. If the session has expired, emit none, because
        SESSION_EXPIRED already explains it.
        """
        untracked = SessionTracker(self.store.find_session_state(session))
        tracker = self.session_trackers.setdefault(session, untracked)
        orgs = {key: org for key, org in self.org_trackers.items() if org.last_state.session == session}
        if self._emit_recovery(session, tracker, orgs):
            return
        orgs = {key: self.org_trackers[key] for key in orgs}
        late = [key for key, org in orgs.items() if self._is_late(key, org)]
        if not late:
            return
        # With a single org, its own event is clearer than one for the session. An org that was read a bit
        # later than the others fails for the same reason, so it needs no event of its own.
        is_outage = len(orgs) > 1 and all(org.stale_since or org.is_failing for org in orgs.values())
        if tracker.is_expired or is_outage:
            # Orgs of an outage can become stale one after the other.
            if not tracker.is_expired and not tracker.is_stale:
                read_times = [org.last_state.read_at for org in orgs.values() if org.last_state.read_at]
                newest = max(read_times, default=None)
                sink = self._make_sink(tracker.last_state)
                sink.emit(EventKind.STALE, before=newest, severity=Severity.WARNING)
            if not tracker.is_stale:
                self.session_trackers[session] = tracker._replace(
                    is_stale=True, is_stale_muted=tracker.is_expired
                )
            late = [key for key, org in orgs.items() if org.stale_since]
        else:
            for state in (orgs[key].last_state for key in late):
                sink = self._make_sink(state)
                sink.emit(EventKind.STALE, before=state.read_at, severity=Severity.WARNING)
        for key in late:
            self.org_trackers[key] = replace(orgs[key], is_stale_reported=True)

    def _emit_recovery(
        self, session: Session, tracker: SessionTracker, orgs: Mapping[OrgKey, OrgTracker]
    ) -> bool:
        """Emit the RECOVERED events of these orgs, and return True if one ends an outage of their session."""
        recovered = [key for key, org in orgs.items() if org.is_stale_reported and org.stale_since is None]
        if recovered and tracker.is_stale:
            if not tracker.is_stale_muted:
                self._make_sink(tracker.last_state).emit(EventKind.RECOVERED)
            self.session_trackers[session] = tracker._replace(is_stale=False, is_stale_muted=False)
            for key, org in orgs.items():
                # If this org is still stale, its delay starts now.
                since = org.stale_since and self.now
                self.org_trackers[key] = replace(org, is_stale_reported=False, stale_since=since)
            return True
        for key in recovered:
            self._make_sink(orgs[key].last_state).emit(EventKind.RECOVERED, endpoints=USAGE_ENDPOINTS)
            self.org_trackers[key] = replace(orgs[key], is_stale_reported=False)
        return False

    def _is_late(self, key: OrgKey, org: OrgTracker) -> bool:
        """True if a STALE event of the org is due; if it was due long ago, its delay starts again."""
        if org.stale_since is None or org.is_stale_reported or self.now < org.stale_since + STALE_GRACE:
            return False
        if self.now <= org.stale_since + STALE_GRACE + MAX_STALE_DELAY:
            return True
        self.org_trackers[key] = replace(org, stale_since=self.now)
        return False

    def _emit_new_fields(
        self, before: Mapping[Endpoint, Reply], after: Mapping[Endpoint, Reply], sink: EventSink
    ) -> None:
        """Emit NEW_FIELD for unknown fields not seen in this run; an org's first replies emit nothing."""
        for endpoint, reply in after.items():
            if not reply.new_fields or reply is before.get(endpoint):
                continue
            new = {(endpoint, name) for name in reply.new_field_names} - self.known_fields
            if new and endpoint in before and len(self.known_fields) < MAX_FIELDS:
                names = (name for name in reply.new_field_names if (endpoint, name) in new)
                paths = NAME_SEPARATOR.join(names)
                sink.emit(EventKind.NEW_FIELD, subject=endpoint.value, after=paths, endpoints=(endpoint,))
            if new:
                self.known_fields |= new

    def _make_sink(self, state: OrgState | SessionState) -> EventSink:
        return EventSink(self.now, self.previous.thresholds, state, self.events)
