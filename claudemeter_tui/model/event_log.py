"""The events since the program started: a fold beside the store, with one tracker per org and session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import compress
from operator import attrgetter, is_not

from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Credits
from claudemeter_tui.model.events import Event, EventKind, EventSink, Thresholds
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Reply, Session
from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.trackers import (
    Debounced,
    MeterTracker,
    TrancheKey,
    VerdictTracker,
    WindowTracker,
    find_next_warning,
    update_balance,
    update_warned_tranches,
)
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Plan, Severity, Window

STALE_GRACE = timedelta(seconds=30)
"""How long figures must be stale before it is told: the poll that ends it may be under way."""
_MICROSECOND = timedelta(microseconds=1)

FreshReplies = Mapping[Endpoint, Reply]
"""The replies that are new since the last look."""


@dataclass(frozen=True)
class OrgTracker:
    """What is remembered of one org."""

    last_state: OrgState
    deciding_values: tuple[object, ...] = ()
    """All that it says but amounts and caps."""
    debounced: Debounced = field(default_factory=Debounced)
    window_trackers: Mapping[str, WindowTracker] = field(default_factory=dict)
    """By the window's key."""
    meter_trackers: Mapping[MeterOrigin, MeterTracker] = field(default_factory=dict)
    verdict_tracker: VerdictTracker = field(default_factory=VerdictTracker)
    balance: Money | None = None
    """None: never read."""
    warned_tranches: frozenset[TrancheKey] = frozenset()
    """Parts of the balance whose end was told."""
    stale_since: datetime | None = None
    """When its figures were first seen to be stale. None: they are not."""
    is_stale_reported: bool = False
    """Whether that was told."""

    next_change_at: datetime | None = None
    """When a window resets, a lock ends, or a part of the balance is about to expire. None: nothing does."""

    @property
    def due_at(self) -> datetime | None:
        """When the clock alone may change something. None: it changes nothing."""
        old = self._stale_at
        if old is None or self.next_change_at is None:
            return old or self.next_change_at
        return min(old, self.next_change_at)

    @property
    def _stale_at(self) -> datetime | None:
        """When its figures are stale, or are to be told to be. None: neither comes."""
        if self.stale_since is not None:
            return None if self.is_stale_reported else self.stale_since + STALE_GRACE
        read_at = self.last_state.read_at
        return read_at + 2 * self.last_state.interval + _MICROSECOND if read_at is not None else None

    @classmethod
    def start(cls, state: OrgState, thresholds: Thresholds, now: datetime) -> OrgTracker:
        """An org that is seen for the first time: what is so already is not told."""
        nothing = OrgState(state.org, state.account, state.session)
        return cls(nothing).observe(state, thresholds, EventSink(now, state.session))

    def is_current(self, state: OrgState, now: datetime) -> bool:
        """Whether another look would find nothing."""
        return state is self.last_state and (self.due_at is None or now < self.due_at)

    def observe(self, state: OrgState, thresholds: Thresholds, sink: EventSink) -> OrgTracker:
        """The watch after one more look at the org."""
        waits = (self.due_at is None or sink.now < self.due_at) and not state.is_stale(sink.now)
        deciding = _collect_deciding_values(state)
        if waits and self._is_settled and deciding == self.deciding_values:
            return OrgTracker(
                last_state=state,
                deciding_values=deciding,
                debounced=Debounced(state.replies),
                window_trackers=self.window_trackers,
                meter_trackers=self._update_meters(state.credits, state.replies, thresholds, sink),
                verdict_tracker=self.verdict_tracker,
                balance=self.balance,
                warned_tranches=self.warned_tranches,
                is_stale_reported=self.is_stale_reported,
                next_change_at=self.next_change_at,
            )
        return replace(self._observe_change(state, thresholds, sink), deciding_values=deciding)

    @property
    def _is_settled(self) -> bool:
        """Whether nothing waits to be believed."""
        return (
            self.debounced.matches(self.last_state.replies)
            and not any(watch.doubt_count for watch in self.window_trackers.values())
            and all(watch.is_settled for watch in self.meter_trackers.values())
        )

    def _observe_change(self, state: OrgState, thresholds: Thresholds, sink: EventSink) -> OrgTracker:
        before = self.last_state.replies
        fresh = {endpoint: new for endpoint, new in state.replies.items() if new is not before.get(endpoint)}
        if state.session != self.last_state.session:
            labels = {"before": self.last_state.session.label, "after": state.session.label}
            sink.emit(EventKind.SOURCE_CHANGED, **labels)
        windows = self._update_windows(state, fresh, thresholds, sink)
        believed = self.debounced.update(fresh, _order_windows(windows, state.plan))
        steady = state if believed.matches(state.replies) else replace(state, replies=believed.replies)
        money = steady.credits
        first = Endpoint.PREPAID not in self.debounced.replies
        meters = self._update_meters(money, state.replies, thresholds, sink)
        balance = update_balance(self.balance, money.balance, sink)
        warned = update_warned_tranches(self.warned_tranches, money.balance, sink, first=first)
        stand = self.verdict_tracker.observe(judge(steady, sink.now), sink, money)
        ends = [watch.due_at for watch in windows.values()]
        ahead = [*ends, stand.lock_ends_at, find_next_warning(money.balance, sink.now)]
        return OrgTracker(
            last_state=state,
            debounced=believed,
            window_trackers=windows,
            meter_trackers=meters,
            verdict_tracker=stand,
            balance=balance,
            warned_tranches=warned,
            stale_since=(self.stale_since or sink.now) if state.is_stale(sink.now) else None,
            is_stale_reported=self.is_stale_reported,
            next_change_at=min((moment for moment in ahead if moment is not None), default=None),
        )

    def _update_windows(
        self, state: OrgState, fresh: FreshReplies, thresholds: Thresholds, sink: EventSink
    ) -> dict[str, WindowTracker]:
        """Every window after its new figures, if there are any, and after the clock."""
        known = {key: watch.tick(sink) for key, watch in self.window_trackers.items()}
        if Endpoint.USAGE not in fresh:
            return known
        named = {window.key: window for window in (state.plan or Plan()).windows}
        read = {key: watch.update(named.get(key), thresholds, sink) for key, watch in known.items()}
        came = {
            key: WindowTracker.start(window, sink.now, thresholds)
            for key, window in named.items()
            if key not in known
        }
        return {key: watch for key, watch in (read | came).items() if watch is not None}

    def _update_meters(
        self, money: Credits, replies: Mapping[Endpoint, Reply], thresholds: Thresholds, sink: EventSink
    ) -> dict[MeterOrigin, MeterTracker]:
        """The meters that lead, after their new figures, if there are any."""
        known, before = dict(self.meter_trackers), self.last_state.replies
        for meter in money.leading_meters:
            place = meter.origin.endpoint
            if place in replies and replies[place] is not before.get(place):
                watch = known.get(meter.origin)
                known[meter.origin] = (
                    watch.update(meter, thresholds, sink) if watch else MeterTracker.start(meter, thresholds)
                )
        return known


def _collect_deciding_values(state: OrgState) -> tuple[object, ...]:
    """All that events are told of but amounts and caps; where it is the same only these need a look."""
    money, plan = state.credits, state.plan or Plan(is_reported=False)
    windows = [(it.key, it.label, it.percent, it.resets_at, it.locked_reason) for it in plan.windows]
    gates = [meter.state_key for meter in money.meters]
    known = state.org, state.session, Endpoint.USAGE in state.replies, plan.is_reported
    return *known, windows, gates, money.is_absent, money.is_overage_unrequested, money.balance


def _order_windows(watches: Mapping[str, WindowTracker], plan: Plan | None) -> tuple[Window, ...]:
    """The believed windows as the reply has them, those that it lacks behind."""
    keys = dict.fromkeys(window.key for window in plan.windows) if plan is not None else {}
    return tuple(watches[key].window for key in keys | dict.fromkeys(watches))


LOGIN_ERRORS = frozenset({ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID})
"""Troubles that end a session; others say nothing about it."""


@dataclass(frozen=True, slots=True)
class SessionTracker:
    """What is remembered of one session."""

    last_state: SessionState
    has_polled: bool = False
    """Whether its first poll is over: what came before was so already."""
    is_expired: bool = False
    is_stale: bool = False
    """Whether it is known, of all of its orgs at once, that no figures come."""
    is_stale_muted: bool = False
    """Whether that was not told: the session had expired, which says it."""
    is_ending_soon: bool = False
    """Whether it was told that it ends soon."""

    def observe(self, state: SessionState, sink: EventSink) -> SessionTracker:
        """The watch after one more look at the session."""
        lost = any(failure.error_kind in LOGIN_ERRORS for failure in state.failures.values())
        expired = lost or (self.is_expired and bool(state.failures))
        account = {"endpoints": (Endpoint.ACCOUNT,), "subject": state.session.label}
        if self.has_polled and expired and not self.is_expired:
            sink.emit(EventKind.SESSION_EXPIRED, severity=Severity.CRITICAL, **account)
        if self.is_expired and not expired:
            sink.emit(EventKind.RECOVERED, **account)
        works = bool(state.replies) and not state.failures
        ending = state.expires_soon_since is not None and (self.is_ending_soon or works)
        if ending and not self.is_ending_soon:
            subject = state.session.label
            sink.emit(
                EventKind.SESSION_ENDS, subject=subject, until=state.expires_at, severity=Severity.WARNING
            )
        is_open = state.schedule is not None
        return SessionTracker(state, is_open, expired, self.is_stale, self.is_stale_muted, ending)


OrgTrackers = dict[OrgKey, OrgTracker]
SessionTrackers = dict[Session, SessionTracker]
USAGE_ENDPOINTS = (Endpoint.USAGE,)


def update_staleness(
    session: SessionTracker, orgs: OrgTrackers, sink: EventSink
) -> tuple[SessionTracker, OrgTrackers]:
    """One session and its orgs, after telling which figures have become stale, or come again.

    Where all orgs are stale it is told once, of the session; where the session has expired that says it.
    """
    fresh = [key for key, watch in orgs.items() if watch.is_stale_reported and watch.stale_since is None]
    if fresh and session.is_stale:
        if not session.is_stale_muted:
            sink.emit(EventKind.RECOVERED)
        session = replace(session, is_stale=False, is_stale_muted=False)
        return session, {key: _restart_staleness(watch, sink.now) for key, watch in orgs.items()}
    for key in fresh:
        sink.narrow_to_org(orgs[key].last_state).emit(EventKind.RECOVERED, endpoints=USAGE_ENDPOINTS)
    orgs = orgs | {key: replace(orgs[key], is_stale_reported=False) for key in fresh}
    late = [key for key, watch in orgs.items() if _is_stale_due(watch, sink.now)]
    if not late:
        return session, orgs
    if session.is_expired or (len(orgs) > 1 and all(watch.stale_since for watch in orgs.values())):
        if not session.is_expired:
            sink.emit(EventKind.STALE, before=_find_newest_read(orgs.values()), severity=Severity.WARNING)
        late = [key for key, watch in orgs.items() if watch.stale_since is not None]
        session = replace(session, is_stale=True, is_stale_muted=session.is_expired)
    else:
        for key in late:
            seen = orgs[key].last_state
            sink.narrow_to_org(seen).emit(EventKind.STALE, before=seen.read_at, severity=Severity.WARNING)
    return session, orgs | {key: replace(orgs[key], is_stale_reported=True) for key in late}


def _is_stale_due(watch: OrgTracker, now: datetime) -> bool:
    since = watch.stale_since
    return since is not None and not watch.is_stale_reported and now >= since + STALE_GRACE


def _restart_staleness(watch: OrgTracker, now: datetime) -> OrgTracker:
    """An org of a session that has recovered: if it is still stale, its time begins anew."""
    return replace(watch, is_stale_reported=False, stale_since=watch.stale_since and now)


def _find_newest_read(watches: Iterable[OrgTracker]) -> datetime | None:
    reads = [watch.last_state.read_at for watch in watches if watch.last_state.read_at is not None]
    return max(reads, default=None)


MAX_EVENTS = 500
"""Kept; older ones are dropped."""
MAX_FIELDS = 1_000
"""New fields remembered; beyond them nothing is news."""

ACCOUNT_ENDPOINTS = (Endpoint.ACCOUNT,)

FieldPath = tuple[Endpoint, str]
"""A reply and a path in it."""


@dataclass(frozen=True)
class EventLog:
    """The events of the run, and what must be remembered to tell each of them once.

    What is already so when an org is first seen is no event.
    """

    thresholds: Thresholds = (75.0, 90.0, 100.0)
    """Percentages that are told when a window or the credits pass them."""
    events: tuple[Event, ...] = ()
    """Oldest first, `MOST_EVENTS` at most."""
    new_events: tuple[Event, ...] = ()
    """Those of the last step, also among `events`."""
    store: Store = field(default_factory=Store)
    """The store that was looked at last."""
    due_at: datetime | None = None
    """Before that the clock alone tells nothing: no reset, no stale figures. None: it never does."""
    org_trackers: Mapping[OrgKey, OrgTracker] = field(default_factory=dict)
    session_trackers: Mapping[Session, SessionTracker] = field(default_factory=dict)
    known_fields: frozenset[FieldPath] = frozenset()
    """What this program does not know, and was told."""

    def observe(self, store: Store, now: datetime) -> EventLog:
        """The journal after a look at the store: call it after each reading, and as the clock ticks.

        It costs next to nothing where the store is the same and nothing is due.
        """
        if store is self.store and (self.due_at is None or now < self.due_at):
            return replace(self, new_events=()) if self.new_events else self
        look = _Observation(self, store, now)
        look.run()
        told = tuple(sorted(look.events, key=attrgetter("at")))
        return EventLog(
            self.thresholds,
            events=(*self.events, *told)[-MAX_EVENTS:] if told else self.events,
            new_events=told,
            store=store,
            due_at=look.due_at,
            org_trackers=look.org_trackers,
            session_trackers=look.session_trackers,
            known_fields=look.known_fields,
        )


class _Observation:
    """One look at a store, and what it finds: a journal in the making."""

    def __init__(self, before: EventLog, store: Store, now: datetime) -> None:
        self.previous, self.store, self.now = before, store, now
        self.events: list[Event] = []
        self.org_trackers: OrgTrackers = dict(before.org_trackers)
        self.session_trackers: SessionTrackers = dict(before.session_trackers)
        self.known_fields = before.known_fields
        self.due_at: datetime | None = None

    def run(self) -> None:
        """Look at the sessions, at the list of orgs, and at each org where there is something to see."""
        self._observe_sessions()
        changed, due = self._find_changed_orgs(), self.previous.due_at
        if changed is None:
            self._update_org_list()
        if changed is None or (due is not None and self.now >= due):
            self._observe_all_orgs()
        else:
            dues = [self._observe_org(state).due_at for state in changed]
            self.due_at = min((it for it in (due, *dues) if it is not None), default=None)

    def _observe_sessions(self) -> None:
        for state in self.store.sessions:
            known = self.session_trackers.get(state.session)
            if known is None or known.last_state is not state:
                sink, watch = (
                    EventSink(self.now, state.session, events=self.events),
                    known or SessionTracker(state),
                )
                self.session_trackers[state.session] = watch.observe(state, sink)
                self._emit_new_fields(watch.last_state.replies, state.replies, sink)

    def _find_changed_orgs(self) -> list[OrgState] | None:
        """The orgs that are not as they were; None: they are not the same orgs, each once and in order."""
        old, new = self.previous.store.orgs, self.store.orgs
        if not len(old) == len(new) == len(self.org_trackers):
            return None
        changed = list(compress(range(len(new)), map(is_not, old, new)))
        same = all(old[place].key == new[place].key for place in changed)
        return [new[place] for place in changed] if same else None

    def _update_org_list(self) -> None:
        """Take in the orgs that came, drop those that left, and tell both."""
        named = {state.key: state for state in reversed(self.store.orgs)}
        left = {key: self.org_trackers.pop(key) for key in self.previous.org_trackers if key not in named}
        for key in [key for key in reversed(named) if key not in self.org_trackers]:
            renamed = next(
                (old for old in left if _is_account_renamed(left[old].last_state, named[key])), None
            )
            self.org_trackers[key] = left.pop(renamed) if renamed is not None else self._start_org(named[key])
        for watch in left.values():
            self._make_sink(watch.last_state).emit(EventKind.ORG_LEFT, endpoints=ACCOUNT_ENDPOINTS)

    def _start_org(self, state: OrgState) -> OrgTracker:
        """An org that is new; it is none where its account was never listed before."""
        session = self.previous.session_trackers.get(state.session)
        if session is not None and session.has_polled and session.last_state.replies:
            self._make_sink(state).emit(EventKind.ORG_APPEARED, endpoints=ACCOUNT_ENDPOINTS)
        return OrgTracker.start(state, self.previous.thresholds, self.now)

    def _observe_all_orgs(self) -> None:
        for key, state in {state.key: state for state in reversed(self.store.orgs)}.items():
            if not self.org_trackers[key].is_current(state, self.now):
                self._observe_org(state)
        self.due_at = min(
            (it.due_at for it in self.org_trackers.values() if it.due_at is not None), default=None
        )

    def _observe_org(self, state: OrgState) -> OrgTracker:
        key, sink = state.key, self._make_sink(state)
        old = self.org_trackers[key]
        new = self.org_trackers[key] = old.observe(state, self.previous.thresholds, sink)
        self._emit_new_fields(old.last_state.replies, state.replies, sink)
        if old.stale_since or new.stale_since:
            self._update_staleness(state.session)
            return self.org_trackers[key]
        return new

    def _update_staleness(self, session: Session) -> None:
        mine = {key: watch for key, watch in self.org_trackers.items() if watch.last_state.session == session}
        watch = self.session_trackers.get(session, SessionTracker(self.store.find_session_state(session)))
        sink = EventSink(self.now, session, events=self.events)
        self.session_trackers[session], mine = update_staleness(watch, mine, sink)
        self.org_trackers |= mine

    def _emit_new_fields(
        self, before: Mapping[Endpoint, Reply], after: Mapping[Endpoint, Reply], sink: EventSink
    ) -> None:
        """Tell what no reply of this run had; what an org's first replies have is no news."""
        for endpoint, reply in after.items():
            if not reply.new_fields or reply is before.get(endpoint):
                continue
            new = {(endpoint, path) for path in reply.new_fields} - self.known_fields
            if new and endpoint in before and len(self.known_fields) < MAX_FIELDS:
                paths = ", ".join(path for path in reply.new_fields if (endpoint, path) in new)
                sink.emit(EventKind.NEW_FIELD, subject=endpoint.value, after=paths, endpoints=(endpoint,))
            if new:
                self.known_fields |= new

    def _make_sink(self, state: OrgState) -> EventSink:
        return EventSink(self.now, state.session, state, self.events)


def _is_account_renamed(old: OrgState, new: OrgState) -> bool:
    """Whether it is one org whose account has shown another name: its uuid came, or its e-mail changed."""
    same = (old.org.uuid, old.session) == (new.org.uuid, new.session)
    return same and new.account.may_be_same(old.account)
