"""Redact a store: keep the figures and replace everything personal, so that no widget has to care.

Every name, e-mail, uuid, card and profile gets a pseudonym that remains the same until the program exits.
Figures, times and the server's own words stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from claudemeter_tui.model.account import Account, Card, Org, Subscription
from claudemeter_tui.model.catalogue import DISABLED_REASONS, WEEK_LABEL_PREFIX, Endpoint
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
    """Return a body as ASCII JSON with a pseudonym for every string of unknown meaning.

    The server's keys and words, currencies, times and figures stay. `names` holds the pseudonyms already in
    use; None for an empty set.
    """
    return BodyRedactor(names or Pseudonyms()).redact_json(text)


class BodyRedactor:
    """Redact one reply.

    E-mails and uuids share the run's pseudonyms. Other texts are numbered separately in each body: texts that
    differ in every poll would otherwise accumulate for ever.
    """

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._own = Pseudonyms()
        self._fields: dict[str, str] = {}

    def redact_json(self, text: str) -> str:
        """Return the redacted body; only its length if the body is not JSON."""
        if not text:
            return ""
        try:
            return json.dumps(self._redact_value("", json.loads(text, parse_constant=_reject_constant)))
        except (ValueError, RecursionError):
            return f"<{len(text)} characters that are not JSON>"

    def redact_note(self, note: str) -> str:
        """Redact an entry of `new_fields` or `odd_values`: a path, or a path and its value."""
        path, separator, value = note.partition(" = ")
        return self._redact_path(path) + separator + (self.redact_text("", value) if separator else "")

    def redact_key(self, key: str) -> str:
        """Return the key, or a pseudonym if the key could be a name."""
        self._fields[key] = key if is_field_name(key) else self._pseudonymize(key, PseudonymKind.FIELD)
        return self._fields[key]

    def redact_text(self, key: str, text: str) -> str:
        """Redact the string under a key."""
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
        # A text that is known from elsewhere, such as an org's name, keeps its pseudonym.
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
        # `1e999` is valid JSON and parses as infinity, which JSON cannot express.
        if isinstance(value, float) and not isfinite(value):
            return None
        if key == "last4":
            return self._names.get_or_assign(PseudonymKind.CARD, str(value))
        return (
            value if is_public_number(key, value) else self._own.get_or_assign(PseudonymKind.ID, str(value))
        )

    def _redact_path(self, path: str) -> str:
        """Redact a path: unknown segments get the names that this body's keys have."""
        segments = path.split(".")
        unknown = [
            index
            for index, segment in enumerate(segments)
            if _INDEX_SUFFIX.sub("", segment) not in KNOWN_KEYS | {""}
        ]
        if not unknown:
            return path
        first, last = unknown[0], unknown[-1] + 1
        redacted = self._find_redacted_path(segments[first:last]) or self._pseudonymize(
            ".".join(segments[first:last]), PseudonymKind.FIELD
        )
        return ".".join((*segments[:first], redacted, *segments[last:]))

    def _find_redacted_path(self, segments: list[str]) -> str:
        """Return the redacted keys for these segments; empty if they are not in this body.

        A key may contain dots itself, so the longest match is tried first.
        """
        for length in range(len(segments), 0, -1):
            head = self._fields.get(".".join(segments[:length]))
            if head is not None and length == len(segments):
                return head
            if head is not None and (tail := self._find_redacted_path(segments[length:])):
                return f"{head}.{tail}"
        return ""


def _reject_constant(name: str) -> NoReturn:
    """Reject `NaN` and `Infinity`: Python accepts them, JSON does not."""
    raise ValueError(name)


_NUMBER_SUFFIX = re.compile(r" \([0-9]{1,3}\)$")
_LIMITS_KEY = re.compile(r"limits\[[0-9]{1,3}\]")
"""The key of a `limits[]` entry that has only its position for a name."""
_PROFILES_PREFIX = "available: "
"""Beginning of the list of a browser's profiles in a scan's detail."""
_ONLY_PROFILE = "unnamed"
"""Placeholder in that list for a profile without a name."""
_PROFILE_PATTERN = re.compile(rf"\b({'|'.join(BROWSER_NAMES)}), (.+?): ")
_REDIRECT_PATTERN = re.compile(
    r"^(status [0-9]{3} to )(?!no address$|the same host$|(?:[\w-]+\.)*claude\.ai$).*$"
)
# `/login` is a command of Claude Code that a detail may recommend, not a path.
_LOGIN_PATH = r"/login[.,:;]?(?!\S)"
# A path may contain blanks, so everything after its beginning is removed.
_TRAILING_PATH_PATTERN = re.compile(
    rf"(?<!\S)[\"'(]*(?!{_LOGIN_PATH})(?:~|/|\.{{1,2}}[\\/]|[A-Za-z]:[\\/]|\\\\).*", re.DOTALL
)
_PATH_PATTERN = re.compile(rf"(?<!\S)(?!{_LOGIN_PATH}|claude\.ai/)\S*[\\/]\S*")
_HOST_PATTERN = re.compile(
    r"\b(?!(?:[\w-]+\.)*claude\.ai\b)(?:(?:[\w-]+\.)+[A-Za-z]{2,}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\b"
    r"(?!\.\w|:[0-9]+ \w)"
)


class ValueRedactor:
    """Redact single values, with the pseudonyms of one run."""

    def __init__(self, names: Pseudonyms) -> None:
        """Use and extend these pseudonyms."""
        self._names = names

    def redact_detail(self, text: str) -> str:
        """Redact a failure's detail: profiles, e-mails, uuids, paths and foreign hosts."""
        # E-mails before hosts: the host pattern would match the part after the @ and leave the name.
        text = self._redact_profiles(text)
        text = UUID_PATTERN.sub(lambda match: self.redact_identity(match[0]), text)
        text = EMAIL_PATTERN.sub(lambda match: self.redact_identity(match[0]), text)
        text = _REDIRECT_PATTERN.sub(r"\1<host>", text)
        return _HOST_PATTERN.sub(
            "<host>", _PATH_PATTERN.sub("<path>", _TRAILING_PATH_PATTERN.sub("<path>", text))
        )

    def _redact_profiles(self, text: str) -> str:
        if text.startswith(_PROFILES_PREFIX):
            return _PROFILES_PREFIX + "; ".join(
                map(self._redact_profile, text.removeprefix(_PROFILES_PREFIX).split("; "))
            )
        text = _PROFILE_PATTERN.sub(lambda match: f"{match[1]}, {self._redact_profile(match[2])}: ", text)
        # A profile that was seen before may appear in any sentence.
        for profile, pseudonym in self._names.list_assigned(PseudonymKind.PROFILE):
            text = text.replace(f", {profile}", f", {pseudonym}")
        return text

    def _redact_profile(self, name: str) -> str:
        return name if name == _ONLY_PROFILE else self._names.get_or_assign(PseudonymKind.PROFILE, name)

    def redact_session(self, session: Session) -> Session:
        """Redact a session: the browser stays, the profile gets a number."""
        return replace(session, profile=self._redact_profile(session.profile))

    def redact_session_label(self, label: str) -> str:
        """Redact a session's label in the same way."""
        return self.redact_session(Session(*label.split(", ", 1))).label

    def redact_scan_result(self, result: ScanResult) -> ScanResult:
        """Redact a scan result; its outcome stays."""
        return replace(
            result, session=self.redact_session(result.session), detail=self.redact_detail(result.detail)
        )

    def redact_failure(self, failure: Failure) -> Failure:
        """Redact a failure; its trace stays, because a trace holds no values."""
        return replace(failure, detail=self.redact_detail(failure.detail))

    def redact_reply(self, reply: Reply) -> Reply:
        """Redact a reply: value, body and notes, with the same pseudonyms in all three."""
        body = BodyRedactor(self._names)
        value = self._redact_value(reply.value, body)
        text = body.redact_json(reply.text)  # before the notes, which quote the body's keys
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
        """Redact an account."""
        uuid, email = account.uuid, account.email
        return Account(uuid and self.redact_identity(uuid), email and self.redact_identity(email))

    def redact_identity(self, text: str) -> str:
        """Return the pseudonym of an account's uuid or e-mail."""
        if UUID_PATTERN.fullmatch(text):
            return self._names.get_or_assign(PseudonymKind.UUID, text)
        return self._names.get_or_assign(PseudonymKind.PERSON, text.lower())

    def redact_org_id(self, text: str) -> str:
        """Return the pseudonym of an org's id, which is usually a uuid."""
        return self._names.get_or_assign(
            PseudonymKind.UUID if UUID_PATTERN.fullmatch(text) else PseudonymKind.ID, text
        )

    def redact_org(self, org: Org) -> Org:
        """Redact an org; a known plan name stays."""
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
        """Return the server's reason code, or a pseudonym for an unknown one; None for None."""
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
        base, suffix = _split_number_suffix(window.key)
        kind, colon, name = base.partition(":")
        # The body contains the key too, and both must get the same pseudonym.
        kind = kind if _LIMITS_KEY.fullmatch(kind) else body.redact_key(kind)
        key = f"{kind}{colon}{self._redact_models(name)}"
        return replace(
            window,
            key=key + suffix,
            label=self._redact_window_label(window, key),
            locked_reason=self.redact_reason(window.locked_reason),
        )

    def _redact_window_label(self, window: Window, key: str) -> str:
        """Return the window's label; a label that repeats the key follows the redacted key."""
        label, suffix = _split_number_suffix(window.label)
        if label in (old_key := _split_number_suffix(window.key)[0], old_key.replace(":", " ")):
            return key.replace(":", " ") + suffix
        return self.redact_label(window.label)

    def redact_label(self, text: str) -> str:
        """Redact a window's label: a model's week, a known name, or a pseudonym."""
        label, suffix = _split_number_suffix(text)
        if label in WINDOW_LABELS:
            return text
        if label.startswith(WEEK_LABEL_PREFIX):
            return WEEK_LABEL_PREFIX + self._redact_models(label.removeprefix(WEEK_LABEL_PREFIX)) + suffix
        return self._names.get_or_assign(PseudonymKind.MODEL, text)

    def _redact_models(self, names: str) -> str:
        """Redact the models and surfaces that a window is limited to."""
        return ", ".join(map(self._redact_model, names.split(", ")))

    def _redact_model(self, name: str) -> str:
        public = MODEL_PATTERN.fullmatch(name) or name.lower() in KNOWN_SURFACES
        return name if public else self._names.get_or_assign(PseudonymKind.MODEL, name)

    def _redact_surface(self, name: str) -> str:
        return (
            name if name.lower() in KNOWN_SURFACES else self._names.get_or_assign(PseudonymKind.SURFACE, name)
        )


def _split_number_suffix(name: str) -> tuple[str, str]:
    """Split a window's key or label from the number that makes it unique."""
    suffix = _NUMBER_SUFFIX.search(name)
    return (name[: suffix.start()], suffix[0]) if suffix else (name, "")


_AnyState = OrgState | SessionState

_MAX_EVENTS = 1_000
"""Maximum of remembered events, beyond those of the current call."""
_SESSION_EVENT_KINDS = (
    EventKind.SESSION_ENDS,
    EventKind.SESSION_EXPIRED,
    EventKind.RECOVERED,
    EventKind.SOURCE_CHANGED,
)
"""Kinds of events whose texts are session labels."""
_PUBLIC_TEXTS = frozenset(
    (SUBJECT_EXTRA_USAGE, SUBJECT_POOL, SUBJECT_PLAN, *Endpoint, *VerdictState, *WINDOW_LABELS)
)
"""Texts of events that this program wrote itself."""


@dataclass(frozen=True)
class RedactedStore(Store):
    """A redacted store; the type prevents redacting it twice."""


class _RedactedParts(NamedTuple):
    """A store and its redacted parts, so that only changed parts are redacted again.

    The mappings are keyed by `id()`; each value holds the original too, so that the id cannot be reused.
    """

    store: Store
    redacted: RedactedStore
    orgs: Mapping[int, tuple[OrgState, OrgState]]
    sessions: Mapping[int, tuple[SessionState, SessionState]]
    replies: Mapping[int, tuple[Reply, Reply]]


class _RedactedEvents(NamedTuple):
    """Events and their redacted copies, keyed like the parts of a store."""

    events: tuple[Event, ...]
    redacted: tuple[Event, ...]
    pairs: Mapping[int, tuple[Event, Event]]


class Redactor:
    """Redact whole stores and events with the pseudonyms of one run."""

    def __init__(self) -> None:
        """Start without pseudonyms."""
        self._names = Pseudonyms()
        self._redactor = ValueRedactor(self._names)
        self._memory = _RedactedParts(Store(), RedactedStore(), {}, {}, {})
        self._originals: dict[OrgKey, OrgKey] = {}
        self._events = _RedactedEvents((), (), {})

    def redact_store(self, store: Store) -> Store:
        """Return the redacted store; the same object for the same store, and a redacted store unchanged."""
        if isinstance(store, RedactedStore):
            return store
        if store is not self._memory.store:
            self._memory = self._redact_parts(store)
        return self._memory.redacted

    def redact_key(self, key: OrgKey) -> OrgKey:
        """Return the key of an org in the redacted store."""
        # The dashboard selects orgs by their redacted keys and must find the real ones again.
        redacted_key = self._redactor.redact_identity(key[0]), self._redactor.redact_org_id(key[1])
        self._originals[redacted_key] = key
        return redacted_key

    def find_original_key(self, key: OrgKey) -> OrgKey:
        """Return the original key for a redacted one; the key itself if it is unknown."""
        return self._originals.get(key, key)

    def redact_detail(self, text: str) -> str:
        """Redact a failure's detail: profiles, e-mails, uuids, paths and foreign hosts."""
        return self._redactor.redact_detail(text)

    def redact_events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Redact events of the store that was redacted last; the same tuple for the same events."""
        if events is not self._events.events:
            known = self._events.pairs
            pairs = {
                id(event): known.get(id(event)) or (event, self._redact_event(event)) for event in events
            }
            redacted_events = tuple(pairs[id(event)][1] for event in events)
            # The event log is short, so dropping all older pairs at once costs little.
            kept = {**known, **pairs} if len(known) < _MAX_EVENTS else pairs
            self._events = _RedactedEvents(events, redacted_events, kept)
        return self._events.redacted

    def _redact_parts(self, store: Store) -> _RedactedParts:
        before = self._memory
        # First, so that the orgs are lettered in the order of their tabs, whatever the replies contain.
        for state in store.orgs:
            self._names.get_or_assign(pseudonyms.PseudonymKind.ORG, state.org.name)
        orgs = {
            id(state): before.orgs.get(id(state)) or (state, self._redact_org_state(state))
            for state in store.orgs
        }
        sessions = {
            id(state): before.sessions.get(id(state)) or (state, self._redact_session_state(state))
            for state in store.sessions
        }
        redacted_store = RedactedStore(
            orgs=tuple(state for _, state in orgs.values()),
            sessions=tuple(state for _, state in sessions.values()),
            scan_results=self._redact_scan_results(store.scan_results),
        )
        pairs: Iterable[tuple[_AnyState, _AnyState]] = (*orgs.values(), *sessions.values())
        replies = {
            id(reply): (reply, redacted.replies[endpoint])
            for state, redacted in pairs
            for endpoint, reply in state.replies.items()
        }
        return _RedactedParts(store, redacted_store, orgs, sessions, replies)

    def _redact_org_state(self, state: OrgState) -> OrgState:
        redactor = self._redactor
        self.redact_key(state.key)
        return replace(
            state,
            org=redactor.redact_org(state.org),
            account=redactor.redact_account(state.account),
            session=redactor.redact_session(state.session),
            replies=self._redact_replies(state.replies),
            failures=self._redact_failures(state.failures),
            over_plan_period=state.over_plan_period and self._redact_over_plan(state.over_plan_period),
            reply_sources={
                endpoint: redactor.redact_session(session)
                for endpoint, session in state.reply_sources.items()
            },
        )

    def _redact_over_plan(self, period: OverPlanPeriod) -> OverPlanPeriod:
        """Redact a period beyond the plan, without its window: only the label is shown."""
        return replace(
            period,
            full_window=None,
            filled_label=period.filled_label and self._redactor.redact_label(period.filled_label),
        )

    def _redact_session_state(self, state: SessionState) -> SessionState:
        redactor = self._redactor
        return replace(
            state,
            session=redactor.redact_session(state.session),
            account=redactor.redact_account(state.account),
            replies=self._redact_replies(state.replies),
            failures=self._redact_failures(state.failures),
        )

    def _redact_replies(self, replies: Mapping[Endpoint, Reply]) -> Mapping[Endpoint, Reply]:
        known = self._memory.replies
        return {
            endpoint: known[id(reply)][1] if id(reply) in known else self._redactor.redact_reply(reply)
            for endpoint, reply in replies.items()
        }

    def _redact_failures(self, failures: Mapping[Endpoint, Failure]) -> Mapping[Endpoint, Failure]:
        return {endpoint: self._redactor.redact_failure(failure) for endpoint, failure in failures.items()}

    def _redact_scan_results(
        self, scan_results: tuple[ScanResult, ...] | None
    ) -> tuple[ScanResult, ...] | None:
        return None if scan_results is None else tuple(map(self._redactor.redact_scan_result, scan_results))

    def _redact_event(self, event: Event) -> Event:
        redactor, lock = self._redactor, event.credit_lock
        return replace(
            event,
            session=redactor.redact_session(event.session),
            org=event.org and redactor.redact_org(event.org),
            org_key=event.org_key and self.redact_key(event.org_key),
            subject=self._redact_event_text(event.kind, event.subject),
            before=self._redact_fact(event.kind, event.before),
            after=self._redact_fact(event.kind, event.after),
            credit_lock=lock and replace(lock, reason=redactor.redact_reason(lock.reason)),
        )

    def _redact_fact(self, kind: EventKind, fact: EventValue) -> EventValue:
        return self._redact_event_text(kind, fact) if isinstance(fact, str) else fact

    def _redact_event_text(self, kind: EventKind, text: str) -> str:
        """Redact a text of an event; its meaning depends on the kind."""
        if not text or text in _PUBLIC_TEXTS:
            return text
        if kind in _SESSION_EVENT_KINDS:
            return self._redactor.redact_session_label(text)
        if kind is EventKind.STILL_BLOCKED:
            return self._redactor.redact_reason(text) or ""
        if kind is EventKind.NEW_FIELD:
            return ", ".join(map(self._redact_new_field, text.split(", ")))
        return self._redact_label(text)

    def _redact_new_field(self, path: str) -> str:
        """Return a new field's redacted path; "a field" if no reply of the store has it any more."""
        for reply, redacted_reply in self._memory.replies.values():
            if path in reply.new_fields:
                return redacted_reply.new_fields[reply.new_fields.index(path)]
        return "a field"

    def _redact_label(self, label: str) -> str:
        """Redact a window's label like the store does."""
        for state, redacted_state in self._memory.orgs.values():
            if state.plan is not None and redacted_state.plan is not None:
                windows = zip(state.plan.windows, redacted_state.plan.windows, strict=True)
                for window, redacted in windows:
                    if window.label == label:
                        return redacted.label
        return self._redactor.redact_label(label)
