"""What has happened since the program started: a fold beside the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import compress
from operator import attrgetter, is_not

from claudemeter_tui.model.events import Event, Kind, Telling, Thresholds
from claudemeter_tui.model.reading import Endpoint, Reply, Session
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.model.watch.org import OrgWatch
from claudemeter_tui.model.watch.session import Orgs, Sessions, SessionWatch, aged

MOST_EVENTS = 500
"""Kept; older ones are dropped."""
MOST_FIELDS = 1_000
"""New fields remembered; beyond them nothing is news."""

ACCOUNT = (Endpoint.ACCOUNT,)

Field = tuple[Endpoint, str]
"""A reply and a path in it."""


@dataclass(frozen=True)
class Journal:
    """The events of the run, and what must be remembered to tell each of them once.

    What is already so when an org is first seen is no event.
    """

    thresholds: Thresholds = (75.0, 90.0, 100.0)
    """Percentages that are told when a window or the credits pass them."""
    events: tuple[Event, ...] = ()
    """Oldest first, `MOST_EVENTS` at most."""
    fresh: tuple[Event, ...] = ()
    """Those of the last step, also among `events`."""
    store: Store = field(default_factory=Store)
    """The store that was looked at last."""
    due: datetime | None = None
    """Before that the clock alone tells nothing: no reset, no stale figures. None: it never does."""
    orgs: Mapping[OrgKey, OrgWatch] = field(default_factory=dict)
    sessions: Mapping[Session, SessionWatch] = field(default_factory=dict)
    fields: frozenset[Field] = frozenset()
    """What this program does not know, and was told."""

    def after(self, store: Store, now: datetime) -> Journal:
        """The journal after a look at the store: call it after each reading, and as the clock ticks.

        It costs next to nothing where the store is the same and nothing is due.
        """
        if store is self.store and (self.due is None or now < self.due):
            return replace(self, fresh=()) if self.fresh else self
        look = _Look(self, store, now)
        look.take()
        told = tuple(sorted(look.told, key=attrgetter("at")))
        return Journal(
            self.thresholds,
            events=(*self.events, *told)[-MOST_EVENTS:] if told else self.events,
            fresh=told,
            store=store,
            due=look.due,
            orgs=look.orgs,
            sessions=look.sessions,
            fields=look.fields,
        )


class _Look:
    """One look at a store, and what it finds: a journal in the making."""

    def __init__(self, before: Journal, store: Store, now: datetime) -> None:
        self.before, self.store, self.now = before, store, now
        self.told: list[Event] = []
        self.orgs: Orgs = dict(before.orgs)
        self.sessions: Sessions = dict(before.sessions)
        self.fields = before.fields
        self.due: datetime | None = None

    def take(self) -> None:
        """Look at the sessions, at the list of orgs, and at each org where there is something to see."""
        self._watch_sessions()
        changed, due = self._changed(), self.before.due
        if changed is None:
            self._enroll()
        if changed is None or (due is not None and self.now >= due):
            self._look_at_all()
        else:
            dues = [self._watch_org(state).due for state in changed]
            self.due = min((it for it in (due, *dues) if it is not None), default=None)

    def _watch_sessions(self) -> None:
        for state in self.store.sessions:
            known = self.sessions.get(state.session)
            if known is None or known.seen is not state:
                tell, watch = Telling(self.now, state.session, told=self.told), known or SessionWatch(state)
                self.sessions[state.session] = watch.after(state, tell)
                self._tell_fields(watch.seen.replies, state.replies, tell)

    def _changed(self) -> list[OrgState] | None:
        """The orgs that are not as they were; None: they are not the same orgs, each once and in order."""
        old, new = self.before.store.orgs, self.store.orgs
        if not len(old) == len(new) == len(self.orgs):
            return None
        changed = list(compress(range(len(new)), map(is_not, old, new)))
        same = all(old[place].key == new[place].key for place in changed)
        return [new[place] for place in changed] if same else None

    def _enroll(self) -> None:
        """Take in the orgs that came, drop those that left, and tell both."""
        named = {state.key: state for state in reversed(self.store.orgs)}
        left = {key: self.orgs.pop(key) for key in self.before.orgs if key not in named}
        for key in [key for key in reversed(named) if key not in self.orgs]:
            renamed = next((old for old in left if _is_renamed(left[old].seen, named[key])), None)
            self.orgs[key] = left.pop(renamed) if renamed is not None else self._first(named[key])
        for watch in left.values():
            self._about(watch.seen)(Kind.ORG_LEFT, replies=ACCOUNT)

    def _first(self, state: OrgState) -> OrgWatch:
        """An org that is new; it is none where its account was never listed before."""
        session = self.before.sessions.get(state.session)
        if session is not None and session.is_open and session.seen.replies:
            self._about(state)(Kind.ORG_APPEARED, replies=ACCOUNT)
        return OrgWatch.first(state, self.before.thresholds, self.now)

    def _look_at_all(self) -> None:
        for key, state in {state.key: state for state in reversed(self.store.orgs)}.items():
            if not self.orgs[key].is_current(state, self.now):
                self._watch_org(state)
        self.due = min((it.due for it in self.orgs.values() if it.due is not None), default=None)

    def _watch_org(self, state: OrgState) -> OrgWatch:
        key, tell = state.key, self._about(state)
        old = self.orgs[key]
        new = self.orgs[key] = old.after(state, self.before.thresholds, tell)
        self._tell_fields(old.seen.replies, state.replies, tell)
        if old.stale_since or new.stale_since:
            self._watch_age(state.session)
            return self.orgs[key]
        return new

    def _watch_age(self, session: Session) -> None:
        mine = {key: watch for key, watch in self.orgs.items() if watch.seen.session == session}
        watch = self.sessions.get(session, SessionWatch(self.store.session(session)))
        tell = Telling(self.now, session, told=self.told)
        self.sessions[session], mine = aged(watch, mine, tell)
        self.orgs |= mine

    def _tell_fields(
        self, before: Mapping[Endpoint, Reply], after: Mapping[Endpoint, Reply], tell: Telling
    ) -> None:
        """Tell what no reply of this run had; what an org's first replies have is no news."""
        for endpoint, reply in after.items():
            if not reply.new_fields or reply is before.get(endpoint):
                continue
            new = {(endpoint, path) for path in reply.new_fields} - self.fields
            if new and endpoint in before and len(self.fields) < MOST_FIELDS:
                paths = ", ".join(path for path in reply.new_fields if (endpoint, path) in new)
                tell(Kind.NEW_FIELD, subject=endpoint.value, after=paths, replies=(endpoint,))
            if new:
                self.fields |= new

    def _about(self, state: OrgState) -> Telling:
        return Telling(self.now, state.session, state, self.told)


def _is_renamed(old: OrgState, new: OrgState) -> bool:
    """Whether it is one org whose account has shown another name: its uuid came, or its e-mail changed."""
    same = (old.org.uuid, old.session) == (new.org.uuid, new.session)
    return same and new.account.may_be(old.account)
