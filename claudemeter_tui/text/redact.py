"""Privacy: the same store without anything personal, so that whatever draws it obeys without knowing.

Every name, e-mail, uuid, card and profile has a pseudonym that stays the same as long as the program runs.
Figures, times and the server's own words stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from claudemeter_tui.model.beyond import Beyond
from claudemeter_tui.model.events import EXTRA_USAGE, PLAN, POOL, Event, Fact, Kind
from claudemeter_tui.model.reading import Endpoint, Failure, Looked, Reply
from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.verdict import State
from claudemeter_tui.text import pseudonyms
from claudemeter_tui.text.masks import Masks
from claudemeter_tui.text.pseudonyms import Pseudonyms
from claudemeter_tui.text.vocabulary import WINDOWS

_State = OrgState | SessionState

_MOST_EVENTS = 1_000
"""Remembered beyond those that are asked for."""
_OF_SESSIONS = (Kind.SESSION_ENDS, Kind.SESSION_EXPIRED, Kind.RECOVERED, Kind.SOURCE_CHANGED)
"""Events whose texts are labels of sessions."""
_PUBLIC = frozenset((EXTRA_USAGE, POOL, PLAN, *Endpoint, *State, *WINDOWS))
"""Texts of events that are this program's own."""


@dataclass(frozen=True)
class Private(Store):
    """A store without anything personal."""


class _Memory(NamedTuple):
    """A store and what was made of it, part by part, so that only what has changed is made again."""

    store: Store
    private: Private
    orgs: Mapping[int, tuple[OrgState, OrgState]]
    sessions: Mapping[int, tuple[SessionState, SessionState]]
    replies: Mapping[int, tuple[Reply, Reply]]


class _Events(NamedTuple):
    """Events and what was made of them."""

    events: tuple[Event, ...]
    private: tuple[Event, ...]
    each: Mapping[int, tuple[Event, Event]]


class Redaction:
    """The pseudonyms of one run, and what they make of a store."""

    def __init__(self) -> None:
        """Begin without any."""
        self._names = Pseudonyms()
        self._masks = Masks(self._names)
        self._memory = _Memory(Store(), Private(), {}, {}, {})
        self._originals: dict[OrgKey, OrgKey] = {}
        self._events = _Events((), (), {})

    def store(self, store: Store) -> Store:
        """The store with pseudonyms; the same one for the same store, and itself for a private one."""
        if isinstance(store, Private):
            return store
        if store is not self._memory.store:
            self._memory = self._made(store)
        return self._memory.private

    def key(self, key: OrgKey) -> OrgKey:
        """The key that an org has in the redacted store."""
        private = self._masks.who(key[0]), self._masks.org_id(key[1])
        self._originals[private] = key
        return private

    def original(self, key: OrgKey) -> OrgKey:
        """The key of the org that has this one in the redacted store; itself where there is none."""
        return self._originals.get(key, key)

    def detail(self, text: str) -> str:
        """What narrows a failure down, without profiles, e-mails, uuids, paths and foreign hosts."""
        return self._masks.detail(text)

    def events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Events with pseudonyms, those of the store that was redacted last; the same for the same ones."""
        if events is not self._events.events:
            known = self._events.each
            each = {id(it): known.get(id(it)) or (it, self._event(it)) for it in events}
            private = tuple(each[id(it)][1] for it in events)
            kept = {**known, **each} if len(known) < _MOST_EVENTS else each
            self._events = _Events(events, private, kept)
        return self._events.private

    def _made(self, store: Store) -> _Memory:
        before = self._memory
        for state in store.orgs:  # the tabs are named in their own order, whatever the replies hold
            self._names.of(pseudonyms.Kind.ORG, state.org.name)
        orgs = {id(it): before.orgs.get(id(it)) or (it, self._state(it)) for it in store.orgs}
        sessions = {
            id(it): before.sessions.get(id(it)) or (it, self._session_state(it)) for it in store.sessions
        }
        private = Private(
            orgs=tuple(it for _, it in orgs.values()),
            sessions=tuple(it for _, it in sessions.values()),
            looked=self._looked(store.looked),
        )
        pairs: Iterable[tuple[_State, _State]] = (*orgs.values(), *sessions.values())
        replies = {
            id(reply): (reply, made.replies[endpoint])
            for state, made in pairs
            for endpoint, reply in state.replies.items()
        }
        return _Memory(store, private, orgs, sessions, replies)

    def _state(self, state: OrgState) -> OrgState:
        masks = self._masks
        self.key(state.key)
        return replace(
            state,
            org=masks.org(state.org),
            account=masks.account(state.account),
            session=masks.session(state.session),
            replies=self._replies(state.replies),
            failures=self._failures(state.failures),
            beyond=state.beyond and self._beyond(state.beyond),
            came_by={endpoint: masks.session(session) for endpoint, session in state.came_by.items()},
        )

    def _beyond(self, beyond: Beyond) -> Beyond:
        """Without the window, of which nothing is told but its label."""
        return replace(beyond, window=None, filled=beyond.filled and self._masks.label(beyond.filled))

    def _session_state(self, state: SessionState) -> SessionState:
        masks = self._masks
        return replace(
            state,
            session=masks.session(state.session),
            account=masks.account(state.account),
            replies=self._replies(state.replies),
            failures=self._failures(state.failures),
        )

    def _replies(self, replies: Mapping[Endpoint, Reply]) -> Mapping[Endpoint, Reply]:
        known = self._memory.replies
        return {
            endpoint: known[id(reply)][1] if id(reply) in known else self._masks.reply(reply)
            for endpoint, reply in replies.items()
        }

    def _failures(self, failures: Mapping[Endpoint, Failure]) -> Mapping[Endpoint, Failure]:
        return {endpoint: self._masks.failure(failure) for endpoint, failure in failures.items()}

    def _looked(self, looked: tuple[Looked, ...] | None) -> tuple[Looked, ...] | None:
        return None if looked is None else tuple(map(self._masks.looked, looked))

    def _event(self, event: Event) -> Event:
        masks, shut = self._masks, event.shut
        return replace(
            event,
            session=masks.session(event.session),
            org=event.org and masks.org(event.org),
            key=event.key and self.key(event.key),
            subject=self._told(event.kind, event.subject),
            before=self._fact(event.kind, event.before),
            after=self._fact(event.kind, event.after),
            shut=shut and replace(shut, reason=masks.reason(shut.reason)),
        )

    def _fact(self, kind: Kind, fact: Fact) -> Fact:
        return self._told(kind, fact) if isinstance(fact, str) else fact

    def _told(self, kind: Kind, text: str) -> str:
        """A text of an event: what it is depends on what happened."""
        if not text or text in _PUBLIC:
            return text
        if kind in _OF_SESSIONS:
            return self._masks.session_label(text)
        if kind is Kind.STILL_BLOCKED:
            return self._masks.reason(text) or ""
        if kind is Kind.NEW_FIELD:
            return ", ".join(map(self._remark, text.split(", ")))
        return self._label(text)

    def _remark(self, told: str) -> str:
        """A new field as the replies of the store have it; one that none has any more goes unnamed."""
        for reply, private in self._memory.replies.values():
            if told in reply.new_fields:
                return private.new_fields[reply.new_fields.index(told)]
        return "a field"

    def _label(self, label: str) -> str:
        """A window's label as the store has it."""
        for state, private in self._memory.orgs.values():
            if state.plan is not None and private.plan is not None:
                pairs = zip(state.plan.windows, private.plan.windows, strict=True)
                for window, made in pairs:
                    if window.label == label:
                        return made.label
        return self._masks.label(label)
