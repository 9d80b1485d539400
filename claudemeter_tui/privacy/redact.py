"""Redact a store: the same figures without anything personal, so that whatever draws it needs no care.

Every name, e-mail, uuid, card and profile has a pseudonym that stays the same as long as the program runs.
Figures, times and the server's own words stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from claudemeter_tui.model.account import Account, Card, Org, Subscription
from claudemeter_tui.model.catalogue import DISABLED_REASONS, Endpoint
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    Event,
    EventKind,
    EventValue,
)
from claudemeter_tui.model.reading import Failure, Reply, ReplyValue, ScanResult, Session
from claudemeter_tui.model.spending import OverPlanPeriod
from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Plan, SurfaceShare, Window
from claudemeter_tui.privacy import pseudonyms
from claudemeter_tui.privacy.allowlist import (
    BROWSER_NAMES,
    EMAIL_PATTERN,
    KNOWN_KEYS,
    KNOWN_SURFACES,
    KNOWN_VALUES,
    MODEL_PATTERN,
    PLAN_PATTERN,
    UUID_PATTERN,
    WINDOW_LABELS,
    is_field_name,
    is_public_number,
    is_public_text,
    is_time,
)
from claudemeter_tui.privacy.pseudonyms import PseudonymKind, Pseudonyms

_INDEX_SUFFIX = re.compile(r"\[[0-9]{1,3}\]$")
"""The index behind a segment of a dotted path."""


def redact_body(text: str, names: Pseudonyms | None = None) -> str:
    """A body as ASCII JSON in which every string of unknown meaning has a pseudonym.

    Keys and words of the server, currencies, times and figures stay. `names` are the pseudonyms that
    are in use already.
    """
    return BodyRedactor(names or Pseudonyms()).redact_json(text)


class BodyRedactor:
    """Pseudonyms for one reply.

    E-mails and uuids go by the run's own, other texts are numbered anew in each body: server texts
    that differ with every poll would otherwise be kept for ever.
    """

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._own = Pseudonyms()
        self._fields: dict[str, str] = {}

    def redact_json(self, text: str) -> str:
        """The body; where it is not JSON only its length is told."""
        if not text:
            return ""
        try:
            return json.dumps(self._redact_value("", json.loads(text, parse_constant=_reject_constant)))
        except (ValueError, RecursionError):
            return f"<{len(text)} characters that are not JSON>"

    def redact_note(self, told: str) -> str:
        """One of the reply's `new_fields` or `odd_values`: a path, or a path and its value."""
        path, mark, value = told.partition(" = ")
        return self._redact_path(path) + mark + (self.redact_text("", value) if mark else "")

    def redact_key(self, key: str) -> str:
        """A key; one that could name somebody gets a pseudonym."""
        self._fields[key] = key if is_field_name(key) else self._pseudonymize(key, PseudonymKind.FIELD)
        return self._fields[key]

    def redact_text(self, key: str, text: str) -> str:
        """The string under a key."""
        if not text or is_public_text(key, text):
            return text
        if key == "last4":
            return self._names.get_or_assign(PseudonymKind.CARD, text)
        return self._pseudonymize(text, PseudonymKind.TEXT)

    def _pseudonymize(self, text: str, kind: PseudonymKind) -> str:
        if UUID_PATTERN.fullmatch(text):
            return self._names.get_or_assign(PseudonymKind.UUID, text)
        if EMAIL_PATTERN.fullmatch(text):
            return self._names.get_or_assign(PseudonymKind.PERSON, text.lower())
        return self._names.find_assigned(text) or self._own.get_or_assign(kind, text)

    def _redact_value(self, key: str, value: Any) -> Any:
        match value:
            case dict():
                return {
                    self.redact_key(inner): self._redact_value(inner, each) for inner, each in value.items()
                }
            case list():
                return [self._redact_value(key, each) for each in value]
            case str():
                return self.redact_text(key, value)
            case bool() | None:
                return value
            case _:
                return self._redact_number(key, value)

    def _redact_number(self, key: str, value: float) -> float | str | None:
        if isinstance(value, float) and not isfinite(value):
            return None
        if key == "last4":
            return self._names.get_or_assign(PseudonymKind.CARD, str(value))
        return (
            value if is_public_number(key, value) else self._own.get_or_assign(PseudonymKind.ID, str(value))
        )

    def _redact_path(self, path: str) -> str:
        """The path; what is no known key in it goes by the names that this body's keys have."""
        segments = path.split(".")
        strange = [
            place
            for place, segment in enumerate(segments)
            if _INDEX_SUFFIX.sub("", segment) not in KNOWN_KEYS | {""}
        ]
        if not strange:
            return path
        first, last = strange[0], strange[-1] + 1
        run = self._find_redacted_path(segments[first:last]) or self._pseudonymize(
            ".".join(segments[first:last]), PseudonymKind.FIELD
        )
        return ".".join((*segments[:first], run, *segments[last:]))

    def _find_redacted_path(self, segments: list[str]) -> str:
        """The keys that these segments are: a key may hold dots itself. Empty: they are none of this body."""
        for length in range(len(segments), 0, -1):
            head = self._fields.get(".".join(segments[:length]))
            if head is not None and length == len(segments):
                return head
            if head is not None and (tail := self._find_redacted_path(segments[length:])):
                return f"{head}.{tail}"
        return ""


def _reject_constant(name: str) -> NoReturn:
    """`NaN` and `Infinity` are Python's, not JSON's."""
    raise ValueError(name)


_NUMBER_SUFFIX = re.compile(r" \([0-9]{1,3}\)$")
_LIMITS_KEY = re.compile(r"limits\[[0-9]{1,3}\]")
"""The key of a window that has nothing but its place."""
_WEEK_PREFIX = "7-day "
_PROFILES_PREFIX = "there are: "
"""Begins the list of a browser's profiles."""
_ONLY_PROFILE = "its only one"
"""Stands in that list for a profile without a name."""
_PROFILE_PATTERN = re.compile(rf"\b({'|'.join(BROWSER_NAMES)}), (.+?): ")
_REDIRECT_PATTERN = re.compile(
    r"^(status [0-9]{3} to )(?!no address$|the same host$|(?:[\w-]+\.)*claude\.ai$).*$"
)
_LOGIN_PATH = r"/login[.,:;]?(?!\S)"
_TRAILING_PATH_PATTERN = re.compile(
    rf"(?<!\S)[\"'(]*(?!{_LOGIN_PATH})(?:~|/|\.{{1,2}}[\\/]|[A-Za-z]:[\\/]|\\\\).*", re.DOTALL
)
_PATH_PATTERN = re.compile(rf"(?<!\S)(?!{_LOGIN_PATH}|claude\.ai/)\S*[\\/]\S*")
_HOST_PATTERN = re.compile(
    r"\b(?!(?:[\w-]+\.)*claude\.ai\b)(?:(?:[\w-]+\.)+[A-Za-z]{2,}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\b"
    r"(?!\.\w|:[0-9]+ \w)"
)


class ValueRedactor:
    """Makes private values of real ones, with the pseudonyms of one run."""

    def __init__(self, names: Pseudonyms) -> None:
        """Use and fill these pseudonyms."""
        self._names = names

    def redact_detail(self, text: str) -> str:
        """What narrows a failure down, without profiles, e-mails, uuids, paths and foreign hosts."""
        text = self._redact_profiles(text)
        text = UUID_PATTERN.sub(lambda met: self.redact_identity(met[0]), text)
        text = EMAIL_PATTERN.sub(lambda met: self.redact_identity(met[0]), text)
        text = _REDIRECT_PATTERN.sub(r"\1<host>", text)
        return _HOST_PATTERN.sub(
            "<host>", _PATH_PATTERN.sub("<path>", _TRAILING_PATH_PATTERN.sub("<path>", text))
        )

    def _redact_profiles(self, text: str) -> str:
        if text.startswith(_PROFILES_PREFIX):
            return _PROFILES_PREFIX + "; ".join(
                map(self._redact_profile, text.removeprefix(_PROFILES_PREFIX).split("; "))
            )
        text = _PROFILE_PATTERN.sub(lambda met: f"{met[1]}, {self._redact_profile(met[2])}: ", text)
        for profile, given in self._names.list_assigned(PseudonymKind.PROFILE):
            text = text.replace(f", {profile}", f", {given}")
        return text

    def _redact_profile(self, name: str) -> str:
        return name if name == _ONLY_PROFILE else self._names.get_or_assign(PseudonymKind.PROFILE, name)

    def redact_session(self, session: Session) -> Session:
        """The browser stays, its profile goes by a number."""
        return replace(session, profile=self._redact_profile(session.profile))

    def redact_session_label(self, label: str) -> str:
        """The same of a session's label."""
        return self.redact_session(Session(*label.split(", ", 1))).label

    def redact_scan_result(self, looked: ScanResult) -> ScanResult:
        """A place that was looked at; what was found there stays."""
        return replace(
            looked, session=self.redact_session(looked.session), detail=self.redact_detail(looked.detail)
        )

    def redact_failure(self, failure: Failure) -> Failure:
        """A failure, its trace as it is: there are no values in it."""
        return replace(failure, detail=self.redact_detail(failure.detail))

    def redact_reply(self, reply: Reply) -> Reply:
        """A reply: what it means, its body, and what is remarked on it, with one another's pseudonyms."""
        body = BodyRedactor(self._names)
        value = self._redact_value(reply.value, body)
        text = body.redact_json(reply.text)  # before the remarks: they quote its keys
        return replace(
            reply,
            value=value,
            text=text,
            new_fields=tuple(map(body.redact_note, reply.new_fields)),
            odd_values=tuple(map(body.redact_note, reply.odd_values)),
        )

    def _redact_value(self, value: ReplyValue, body: BodyRedactor) -> ReplyValue:
        match value:
            case Account():
                return self.redact_account(value)
            case Plan():
                return self._redact_plan(value, body)
            case Meter():
                return self._redact_meter(value)
            case Subscription():
                return self._redact_subscription(value)
            case _:
                return value

    def redact_account(self, account: Account) -> Account:
        """Somebody."""
        uuid, email = account.uuid, account.email
        return Account(uuid and self.redact_identity(uuid), email and self.redact_identity(email))

    def redact_identity(self, text: str) -> str:
        """The pseudonym of whatever tells two accounts apart."""
        if UUID_PATTERN.fullmatch(text):
            return self._names.get_or_assign(PseudonymKind.UUID, text)
        return self._names.get_or_assign(PseudonymKind.PERSON, text.lower())

    def redact_org_id(self, text: str) -> str:
        """Another uuid, or what stands in for one."""
        return self._names.get_or_assign(
            PseudonymKind.UUID if UUID_PATTERN.fullmatch(text) else PseudonymKind.ID, text
        )

    def redact_org(self, org: Org) -> Org:
        """An org, its plan in words as it is."""
        return replace(
            org,
            uuid=self.redact_org_id(org.uuid),
            name=self._names.get_or_assign(PseudonymKind.ORG, org.name),
            plan_name=self._redact_plan_name(org.plan_name),
            restrictions=tuple((key, self._redact_gate(text)) for key, text in org.restrictions),
        )

    def _redact_gate(self, text: str) -> str:
        public = text in KNOWN_VALUES or text in ("true", "false") or is_time(text)
        return text if public else self._names.get_or_assign(PseudonymKind.TEXT, text)

    def _redact_plan_name(self, text: str) -> str:
        return text if PLAN_PATTERN.fullmatch(text) else self._names.get_or_assign(PseudonymKind.PLAN, text)

    def redact_reason(self, code: str | None) -> str | None:
        """A reason of the server's; one that nobody knows goes by a number."""
        return (
            code
            if code is None or code in DISABLED_REASONS
            else self._names.get_or_assign(PseudonymKind.REASON, code)
        )

    def _redact_plan(self, plan: Plan, body: BodyRedactor) -> Plan:
        return replace(
            plan,
            windows=tuple(self._redact_window(window, body) for window in plan.windows),
            meters=tuple(map(self._redact_meter, plan.meters)),
            shares=tuple(
                SurfaceShare(self._redact_surface(share.label), share.percent) for share in plan.shares
            ),
        )

    def _redact_meter(self, meter: Meter) -> Meter:
        return replace(meter, reason=self.redact_reason(meter.reason))

    def _redact_subscription(self, paid: Subscription) -> Subscription:
        status, card, change = paid.status, paid.card, paid.scheduled_change
        if status is not None and status not in KNOWN_VALUES:
            status = self._names.get_or_assign(PseudonymKind.TEXT, status)
        if card is not None:
            brand = (
                card.brand
                if card.brand in KNOWN_VALUES
                else self._names.get_or_assign(PseudonymKind.TEXT, card.brand)
            )
            card = Card(brand, self._names.get_or_assign(PseudonymKind.CARD, card.last4))
        if change is not None:
            change = self._redact_plan_name(change[0]), change[1]
        return replace(paid, status=status, card=card, scheduled_change=change)

    def _redact_window(self, window: Window, body: BodyRedactor) -> Window:
        base, turn = _split_number_suffix(window.key)
        kind, mark, name = base.partition(":")
        kind = kind if _LIMITS_KEY.fullmatch(kind) else body.redact_key(kind)
        key = f"{kind}{mark}{self._redact_models(name)}"
        return replace(
            window,
            key=key + turn,
            label=self._redact_window_label(window, key),
            locked_reason=self.redact_reason(window.locked_reason),
        )

    def _redact_window_label(self, window: Window, key: str) -> str:
        """What the window is called; where it goes by its key, by the new one."""
        label, turn = _split_number_suffix(window.label)
        if label in (before := _split_number_suffix(window.key)[0], before.replace(":", " ")):
            return key.replace(":", " ") + turn
        return self.redact_label(window.label)

    def redact_label(self, text: str) -> str:
        """What a window is called: the week of a model, one that has a name, or a number."""
        label, turn = _split_number_suffix(text)
        if label in WINDOW_LABELS:
            return text
        if label.startswith(_WEEK_PREFIX):
            return _WEEK_PREFIX + self._redact_models(label.removeprefix(_WEEK_PREFIX)) + turn
        return self._names.get_or_assign(PseudonymKind.MODEL, text)

    def _redact_models(self, names: str) -> str:
        """The models and surfaces that a window is limited to."""
        return ", ".join(map(self._redact_model, names.split(", ")))

    def _redact_model(self, name: str) -> str:
        public = MODEL_PATTERN.fullmatch(name) or name.lower() in KNOWN_SURFACES
        return name if public else self._names.get_or_assign(PseudonymKind.MODEL, name)

    def _redact_surface(self, name: str) -> str:
        return (
            name if name.lower() in KNOWN_SURFACES else self._names.get_or_assign(PseudonymKind.SURFACE, name)
        )


def _split_number_suffix(name: str) -> tuple[str, str]:
    """A window's key or label, and the number that tells it from others of that name."""
    turn = _NUMBER_SUFFIX.search(name)
    return (name[: turn.start()], turn[0]) if turn else (name, "")


_AnyState = OrgState | SessionState

_MAX_EVENTS = 1_000
"""Remembered beyond those that are asked for."""
_SESSION_EVENT_KINDS = (
    EventKind.SESSION_ENDS,
    EventKind.SESSION_EXPIRED,
    EventKind.RECOVERED,
    EventKind.SOURCE_CHANGED,
)
"""Events whose texts are labels of sessions."""
_PUBLIC_TEXTS = frozenset(
    (SUBJECT_EXTRA_USAGE, SUBJECT_POOL, SUBJECT_PLAN, *Endpoint, *VerdictState, *WINDOW_LABELS)
)
"""Texts of events that are this program's own."""


@dataclass(frozen=True)
class RedactedStore(Store):
    """A store without anything personal."""


class _RedactedParts(NamedTuple):
    """A store and what was made of it, part by part, so that only what has changed is made again."""

    store: Store
    redacted: RedactedStore
    orgs: Mapping[int, tuple[OrgState, OrgState]]
    sessions: Mapping[int, tuple[SessionState, SessionState]]
    replies: Mapping[int, tuple[Reply, Reply]]


class _RedactedEvents(NamedTuple):
    """Events and what was made of them."""

    events: tuple[Event, ...]
    redacted: tuple[Event, ...]
    pairs: Mapping[int, tuple[Event, Event]]


class Redactor:
    """The pseudonyms of one run, and what they make of a store."""

    def __init__(self) -> None:
        """Begin without any."""
        self._names = Pseudonyms()
        self._masks = ValueRedactor(self._names)
        self._memory = _RedactedParts(Store(), RedactedStore(), {}, {}, {})
        self._originals: dict[OrgKey, OrgKey] = {}
        self._events = _RedactedEvents((), (), {})

    def redact_store(self, store: Store) -> Store:
        """The store with pseudonyms; the same one for the same store, and itself for a private one."""
        if isinstance(store, RedactedStore):
            return store
        if store is not self._memory.store:
            self._memory = self._redact_parts(store)
        return self._memory.redacted

    def redact_key(self, key: OrgKey) -> OrgKey:
        """The key that an org has in the redacted store."""
        private = self._masks.redact_identity(key[0]), self._masks.redact_org_id(key[1])
        self._originals[private] = key
        return private

    def find_original_key(self, key: OrgKey) -> OrgKey:
        """The key of the org that has this one in the redacted store; itself where there is none."""
        return self._originals.get(key, key)

    def redact_detail(self, text: str) -> str:
        """What narrows a failure down, without profiles, e-mails, uuids, paths and foreign hosts."""
        return self._masks.redact_detail(text)

    def redact_events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Events with pseudonyms, those of the store that was redacted last; the same for the same ones."""
        if events is not self._events.events:
            known = self._events.pairs
            each = {id(it): known.get(id(it)) or (it, self._redact_event(it)) for it in events}
            private = tuple(each[id(it)][1] for it in events)
            kept = {**known, **each} if len(known) < _MAX_EVENTS else each
            self._events = _RedactedEvents(events, private, kept)
        return self._events.redacted

    def _redact_parts(self, store: Store) -> _RedactedParts:
        before = self._memory
        for state in store.orgs:  # the tabs are named in their own order, whatever the replies hold
            self._names.get_or_assign(pseudonyms.PseudonymKind.ORG, state.org.name)
        orgs = {id(it): before.orgs.get(id(it)) or (it, self._redact_org_state(it)) for it in store.orgs}
        sessions = {
            id(it): before.sessions.get(id(it)) or (it, self._redact_session_state(it))
            for it in store.sessions
        }
        private = RedactedStore(
            orgs=tuple(it for _, it in orgs.values()),
            sessions=tuple(it for _, it in sessions.values()),
            scan_results=self._redact_scan_results(store.scan_results),
        )
        pairs: Iterable[tuple[_AnyState, _AnyState]] = (*orgs.values(), *sessions.values())
        replies = {
            id(reply): (reply, made.replies[endpoint])
            for state, made in pairs
            for endpoint, reply in state.replies.items()
        }
        return _RedactedParts(store, private, orgs, sessions, replies)

    def _redact_org_state(self, state: OrgState) -> OrgState:
        masks = self._masks
        self.redact_key(state.key)
        return replace(
            state,
            org=masks.redact_org(state.org),
            account=masks.redact_account(state.account),
            session=masks.redact_session(state.session),
            replies=self._redact_replies(state.replies),
            failures=self._redact_failures(state.failures),
            over_plan_period=state.over_plan_period and self._redact_over_plan(state.over_plan_period),
            reply_sources={
                endpoint: masks.redact_session(session) for endpoint, session in state.reply_sources.items()
            },
        )

    def _redact_over_plan(self, beyond: OverPlanPeriod) -> OverPlanPeriod:
        """Without the window, of which nothing is told but its label."""
        return replace(
            beyond,
            full_window=None,
            filled_label=beyond.filled_label and self._masks.redact_label(beyond.filled_label),
        )

    def _redact_session_state(self, state: SessionState) -> SessionState:
        masks = self._masks
        return replace(
            state,
            session=masks.redact_session(state.session),
            account=masks.redact_account(state.account),
            replies=self._redact_replies(state.replies),
            failures=self._redact_failures(state.failures),
        )

    def _redact_replies(self, replies: Mapping[Endpoint, Reply]) -> Mapping[Endpoint, Reply]:
        known = self._memory.replies
        return {
            endpoint: known[id(reply)][1] if id(reply) in known else self._masks.redact_reply(reply)
            for endpoint, reply in replies.items()
        }

    def _redact_failures(self, failures: Mapping[Endpoint, Failure]) -> Mapping[Endpoint, Failure]:
        return {endpoint: self._masks.redact_failure(failure) for endpoint, failure in failures.items()}

    def _redact_scan_results(self, looked: tuple[ScanResult, ...] | None) -> tuple[ScanResult, ...] | None:
        return None if looked is None else tuple(map(self._masks.redact_scan_result, looked))

    def _redact_event(self, event: Event) -> Event:
        masks, shut = self._masks, event.credit_lock
        return replace(
            event,
            session=masks.redact_session(event.session),
            org=event.org and masks.redact_org(event.org),
            org_key=event.org_key and self.redact_key(event.org_key),
            subject=self._redact_event_text(event.kind, event.subject),
            before=self._redact_fact(event.kind, event.before),
            after=self._redact_fact(event.kind, event.after),
            credit_lock=shut and replace(shut, reason=masks.redact_reason(shut.reason)),
        )

    def _redact_fact(self, kind: EventKind, fact: EventValue) -> EventValue:
        return self._redact_event_text(kind, fact) if isinstance(fact, str) else fact

    def _redact_event_text(self, kind: EventKind, text: str) -> str:
        """A text of an event: what it is depends on what happened."""
        if not text or text in _PUBLIC_TEXTS:
            return text
        if kind in _SESSION_EVENT_KINDS:
            return self._masks.redact_session_label(text)
        if kind is EventKind.STILL_BLOCKED:
            return self._masks.redact_reason(text) or ""
        if kind is EventKind.NEW_FIELD:
            return ", ".join(map(self._redact_new_field, text.split(", ")))
        return self._redact_label(text)

    def _redact_new_field(self, told: str) -> str:
        """A new field as the replies of the store have it; one that none has any more goes unnamed."""
        for reply, private in self._memory.replies.values():
            if told in reply.new_fields:
                return private.new_fields[reply.new_fields.index(told)]
        return "a field"

    def _redact_label(self, label: str) -> str:
        """A window's label as the store has it."""
        for state, private in self._memory.orgs.values():
            if state.plan is not None and private.plan is not None:
                pairs = zip(state.plan.windows, private.plan.windows, strict=True)
                for window, made in pairs:
                    if window.label == label:
                        return made.label
        return self._masks.redact_label(label)
