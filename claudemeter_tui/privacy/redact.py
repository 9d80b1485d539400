"""Redact a store: keep what is known to be harmless and replace the rest, so that no widget has to redact.

Every name, e-mail, uuid, card and profile gets a pseudonym that remains the same until the program exits. So
does every key, text, number and time that is not known to be harmless. Known figures, times and words stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal, NamedTuple, TypeVar, assert_never, get_args

from claudemeter_tui.model.account import Account, Card, Org, Subscription
from claudemeter_tui.model.catalogue import (
    DISABLED_REASONS,
    REFUSED_LIMITS,
    WEEK_LABEL_PREFIX,
    WINDOWS,
    Endpoint,
)
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    Event,
    EventKind,
    EventValue,
)
from claudemeter_tui.model.machine import OrgUse
from claudemeter_tui.model.reading import (
    NAME_SEPARATOR,
    Reply,
    ReplyValue,
    ScanResult,
    Session,
    strip_indexes,
)
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.resets import SavedResets
from claudemeter_tui.model.seats import add_account_notes
from claudemeter_tui.model.store import OrgKey, OrgState, SessionState, Store
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Plan, Window
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
    find_month,
    find_understood_keys,
    is_public_number,
    is_public_text,
    is_time,
)

PseudonymKind = Literal[
    "person",
    "org",
    "uuid",
    "id",
    "card",
    "profile",
    "reason",
    "model",
    "surface",
    "plan",
    "field",
    "text",
    "project",
    "time",
    "int",
    "float",
]
"""Meaning or type of a value; it determines the form of the pseudonym."""
_NUMBER_KINDS = frozenset(("int", "float"))
_ENDLESS_KINDS = _NUMBER_KINDS | {"field", "text", "time"}
"""Kinds whose values may differ in every poll."""
MAX_ENDLESS = 10_000
"""Maximum remembered values of each such kind; the one not seen for longest is forgotten."""


class Pseudonyms:
    """Pseudonyms assigned so far, numbered in order of arrival; no number is used twice."""

    def __init__(self) -> None:
        kinds: tuple[PseudonymKind, ...] = get_args(PseudonymKind)
        self._given: dict[PseudonymKind, dict[str, str]] = {kind: {} for kind in kinds}
        self._counts = dict.fromkeys(kinds, 0)

    def assign(self, kind: PseudonymKind, text: str) -> str:
        """Return the pseudonym for a text of this kind, always the same; empty for an empty text."""
        if not text:
            return ""
        assigned = self._given[kind]
        if text not in assigned:
            assigned[text] = self._create(kind)
        elif kind in _ENDLESS_KINDS:
            assigned[text] = assigned.pop(text)  # the most recent value comes last
        if kind in _ENDLESS_KINDS and len(assigned) > MAX_ENDLESS:
            del assigned[next(iter(assigned))]
        return assigned[text]

    def _create(self, kind: PseudonymKind) -> str:
        count = self._counts[kind]
        self._counts[kind] += 1
        forms = {
            "org": f"Org {_format_letters(count)}",
            "uuid": f"{count + 1:08x}-0000-4000-8000-000000000000",
            "id": f"id-{count + 1}",
            # A card shows exactly four digits, so after ten thousand cards the numbers repeat.
            "card": f"{count % 10_000:04}",
        }
        return forms.get(kind, f"{kind} {count + 1}")

    def list_assigned(self, kind: PseudonymKind) -> list[tuple[str, str]]:
        """Return the texts of a kind with their pseudonyms, longest first."""
        # Longest first, so that replacing "Work" does not destroy "Work 2".
        return sorted(self._given[kind].items(), key=lambda pair: -len(pair[0]))

    def find_assigned(self, text: str) -> str | None:
        """Return the text's pseudonym, of any kind; None if it has none yet."""
        kinds = (kind for kind, assigned in self._given.items() if text in assigned)
        return next((self.assign(kind, text) for kind in kinds if kind not in _NUMBER_KINDS), None)


def _format_letters(number: int) -> str:
    """Format a number as `A` to `Z`, then `AA`."""
    head, tail = divmod(number, 26)
    return (_format_letters(head - 1) if head else "") + chr(ord("A") + tail)


_INDEX_SUFFIX = re.compile(r"\[[0-9]{1,3}\]$")
"""The index after a segment of a dotted path."""


class BodyRedactor:
    """Redact one reply with the pseudonyms of the run; the structure and the type of each value stay."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self._fields: dict[str, str] = {}

    def redact_json(self, text: str) -> str:
        """Return the redacted body; only its length if the body is not JSON."""
        if not text:
            return ""
        try:
            # Python accepts `NaN` and `Infinity`, but JSON does not; `int` raises ValueError for them.
            body = json.loads(text, parse_constant=int)
            return json.dumps(self._redact_value("", body, is_known=True))
        except (ValueError, RecursionError):
            return f"<{len(text)} characters that are not JSON>"

    def redact_note(self, note: str) -> str:
        """Redact an entry of `new_fields` or `odd_values`: a path, or a path and its value.

        Unknown segments of the path get the same pseudonyms as the keys of the body.
        """
        path, separator, value = note.partition(" = ")
        segments = path.split(".")
        keys = [_INDEX_SUFFIX.sub("", segment) for segment in segments]
        known = [key in KNOWN_KEYS | {""} for key in keys]
        if not all(known):
            first, last = known.index(False), len(known) - known[::-1].index(False)
            redacted = self._find_redacted_path(segments[first:last]) or self._pseudonymize(
                ".".join(segments[first:last]), "field"
            )
            path = ".".join((*segments[:first], redacted, *segments[last:]))
        text = self.redact_text(keys[-1], value, is_known=all(known)) if separator else ""
        return path + separator + text

    def redact_key(self, key: str) -> str:
        """Return a key that is known from replies; a pseudonym for a new key, which could be anything."""
        self._fields[key] = key if key in KNOWN_KEYS else self._pseudonymize(key, "field")
        return self._fields[key]

    def redact_text(self, key: str, text: str, *, is_known: bool) -> str:
        """Redact the string under a key; `is_known` is true if all keys around it are known."""
        if not text or is_public_text(key, text, is_known=is_known):
            return text
        if is_known and (month := find_month(key, text)) is not None:
            return month
        if key == "last4":
            return self._names.assign("card", text)
        return self._pseudonymize(text, "text")

    def _pseudonymize(self, text: str, kind: Literal["field", "text"]) -> str:
        if UUID_PATTERN.fullmatch(text):
            return self._names.assign("uuid", text)
        if EMAIL_PATTERN.fullmatch(text):
            return self._names.assign("person", text.lower())
        # A text that is known from elsewhere, such as an org's name, keeps its pseudonym.
        return self._names.find_assigned(text) or self._names.assign("time" if is_time(text) else kind, text)

    def _redact_value(self, key: str, value: Any, *, is_known: bool) -> Any:
        match value:
            case dict():
                keys = find_understood_keys(value, is_known=is_known)
                return {
                    self.redact_key(inner): self._redact_value(inner, each, is_known=inner in keys)
                    for inner, each in value.items()
                }
            case list():
                return [self._redact_value(key, each, is_known=is_known) for each in value]
            case str():
                return self.redact_text(key, value, is_known=is_known)
            case bool() | None:
                return value
            case float() if not isfinite(value):
                return None  # `1e999` is valid JSON and parses as infinity, which JSON cannot express.
            case _ if key == "last4":
                return self._names.assign("card", str(value))
            case _ if is_known and is_public_number(key):
                return value
            case _:
                return self._names.assign("float" if isinstance(value, float) else "int", str(value))

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


_NUMBER_SUFFIX = re.compile(r" \([0-9]{1,3}\)$")
_LIMITS_KEY = re.compile(r"limits\[[0-9]{1,3}\]")
"""Key of a `limits[]` entry that is identified only by its position."""
_PROFILES_PREFIX = "available: "
"""Start of the list of a browser's profiles in a scan's detail."""
_ONLY_PROFILE = "unnamed"
"""Placeholder in that list for a profile without a name."""
_PROFILE_PATTERN = re.compile(rf"\b({'|'.join(BROWSER_NAMES)}), (.+?): ")
_REDIRECT_PATTERN = re.compile(
    r"^(status [0-9]{3} to )(?!no address$|the same host$|(?:[\w-]+\.)*claude\.ai$).*$"
)
# `/login` is a command of Claude Code that a detail may recommend, not a path.
_LOGIN_PATH = r"/login[.,:;]?(?!\S)"
_ERROR_CODE_PATTERN = re.compile(r"^[a-z_]+_error\b")
"""Code of an error reply at the beginning of a failure's detail."""
# A path may contain blanks, so everything after its beginning is removed.
_TRAILING_PATH_PATTERN = re.compile(
    rf"(?<!\S)[\"'(]*(?!{_LOGIN_PATH})(?:~|/|\.{{1,2}}[\\/]|[A-Za-z]:[\\/]|\\\\).*", re.DOTALL
)
_PATH_PATTERN = re.compile(rf"(?<!\S)(?!{_LOGIN_PATH}|claude\.ai/)\S*[\\/]\S*")
_HOST_PATTERN = re.compile(
    r"\b(?!(?:[\w-]+\.)*claude\.ai\b)(?:(?:[\w-]+\.)+[A-Za-z]{2,}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\b"
    r"(?!\.\w|:[0-9]+ \w)"
)
_PUBLIC_RESTRICTIONS = KNOWN_VALUES | {"true", "false"}
"""Values of an org's restrictions that are not personal."""


class ValueRedactor:
    """Redacts single values with the pseudonyms of one run."""

    def __init__(self, names: Pseudonyms) -> None:
        """Use and extend these pseudonyms."""
        self._names = names

    def redact_detail(self, text: str) -> str:
        """Redact a failure's detail: profiles, e-mails, uuids, paths and foreign hosts."""
        if text.startswith(_PROFILES_PREFIX):
            profiles = text.removeprefix(_PROFILES_PREFIX).split("; ")
            text = _PROFILES_PREFIX + "; ".join(map(self._redact_profile, profiles))
        else:
            text = _PROFILE_PATTERN.sub(lambda match: f"{match[1]}, {self._redact_profile(match[2])}: ", text)
            # A profile that was seen before may appear in any sentence.
            for profile, pseudonym in self._names.list_assigned("profile"):
                text = text.replace(f", {profile}", f", {pseudonym}")
        # E-mails before hosts: the host pattern would match the part after the @ and leave the name.
        for pattern in (UUID_PATTERN, EMAIL_PATTERN):
            text = pattern.sub(lambda match: self.redact_identity(match[0]), text)
        text = _ERROR_CODE_PATTERN.sub(lambda match: self._redact_word(match[0]), text)
        text = _REDIRECT_PATTERN.sub(r"\1<host>", text)
        text = _PATH_PATTERN.sub("<path>", _TRAILING_PATH_PATTERN.sub("<path>", text))
        return _HOST_PATTERN.sub("<host>", text)

    def _redact_profile(self, name: str) -> str:
        return name if name == _ONLY_PROFILE else self._names.assign("profile", name)

    def redact_session(self, session: Session) -> Session:
        """Redact a session; the browser stays, the profile gets a number."""
        return session._replace(profile=self._redact_profile(session.profile))

    def redact_scan_result(self, result: ScanResult) -> ScanResult:
        """Redact a scan result; its outcome stays."""
        return result._replace(
            session=self.redact_session(result.session), detail=self.redact_detail(result.detail)
        )

    def redact_reply(self, reply: Reply) -> Reply:
        """Redact a reply: value, body and notes, with the same pseudonyms in all three."""
        body = BodyRedactor(self._names)
        value = self._redact_value(reply.value, body)
        text = body.redact_json(reply.text)  # before the notes, which quote keys of the body
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
                return replace(
                    value,
                    windows=tuple(self._redact_window(window, body) for window in value.windows),
                    meters=tuple(map(self._redact_meter, value.meters)),
                    saved_resets=self._redact_saved_resets(value.saved_resets),
                    shares=tuple(
                        share
                        if share.label.lower() in KNOWN_SURFACES
                        else share._replace(label=self._names.assign("surface", share.label))
                        for share in value.shares
                    ),
                )
            case Meter():
                return self._redact_meter(value)
            case Subscription():
                return self._redact_subscription(value)
            case Balance():
                return self._redact_balance(value)
            case None:
                return None
            case _:  # a value of a new type may hold anything
                assert_never(value)

    def _redact_balance(self, balance: Balance) -> Balance:
        """Redact the surfaces of each part, and the codes for a stopped auto-reload."""
        parts = (
            part._replace(surfaces=tuple(map(self._redact_surface, part.surfaces)))
            for part in balance.tranches
        )
        codes = tuple(map(self._redact_word, balance.reload_stop_codes))
        return balance._replace(tranches=tuple(parts), reload_stop_codes=codes)

    def _redact_surface(self, name: str) -> str:
        is_known = name in KNOWN_VALUES or name.lower() in KNOWN_SURFACES
        return name if is_known else self._names.assign("surface", name)

    def _redact_saved_resets(self, resets: SavedResets) -> SavedResets:
        """Redact the server's reasons, and drop the keys of unknown windows."""
        grants = (
            grant._replace(
                blocking=tuple(map(self._redact_word, grant.blocking)),
                clears=tuple(key for key in grant.clears if key in WINDOWS),
            )
            for grant in resets.grants
        )
        reason = resets.ineligible_reason
        return resets._replace(grants=tuple(grants), ineligible_reason=reason and self._redact_word(reason))

    def redact_account(self, account: Account) -> Account:
        """Redact an account."""
        uuid, email = account.uuid, account.email
        return Account(uuid and self.redact_identity(uuid), email and self.redact_identity(email))

    def redact_identity(self, text: str) -> str:
        """Return the pseudonym of an account's uuid or e-mail."""
        if UUID_PATTERN.fullmatch(text):
            return self._names.assign("uuid", text)
        return self._names.assign("person", text.lower())

    def redact_org_id(self, text: str) -> str:
        """Return the pseudonym of an org's id, which is usually a uuid."""
        return self._names.assign("uuid" if UUID_PATTERN.fullmatch(text) else "id", text)

    def redact_org(self, org: Org) -> Org:
        """Redact an org; a known plan name stays."""
        return replace(
            org,
            uuid=self.redact_org_id(org.uuid),
            name=self._names.assign("org", org.name),
            alias="",
            account_note="",
            plan_name=self._redact_plan_name(org.plan_name),
            restrictions=tuple(
                (
                    self._redact_word(key, KNOWN_KEYS),
                    text if is_time(text) else self._redact_word(text, _PUBLIC_RESTRICTIONS),
                )
                for key, text in org.restrictions
            ),
        )

    def _redact_word(self, text: str, public: frozenset[str] = KNOWN_VALUES) -> str:
        return text if text in public else self._names.assign("text", text)

    def _redact_plan_name(self, text: str) -> str:
        return text if PLAN_PATTERN.fullmatch(text) else self._names.assign("plan", text)

    def redact_reason(self, code: str | None) -> str | None:
        """Return the server's reason code, or a pseudonym for an unknown one; None for None."""
        if code is None or code in DISABLED_REASONS:
            return code
        return self._names.assign("reason", code)

    def redact_project(self, folder: str) -> str:
        """Return the pseudonym of a project's folder; empty for an empty text."""
        return self._names.assign("project", folder)

    def redact_limit(self, limit: str) -> str:
        """Return the limit of a refusal, or a pseudonym for an unknown one."""
        return limit if limit in REFUSED_LIMITS else self._names.assign("reason", limit)

    def hide_projects(self, uses: Mapping[OrgKey, OrgUse]) -> dict[OrgKey, OrgUse]:
        """Return the uses with pseudonyms for the projects."""
        return {
            key: use._replace(
                refusals=use.refusals
                and tuple(one._replace(project=self.redact_project(one.project)) for one in use.refusals),
            )
            for key, use in uses.items()
        }

    def redact_refusal(self, refusal: Refusal) -> Refusal:
        """Return the refusal with pseudonyms."""
        return refusal._replace(
            project=self.redact_project(refusal.project),
            limit=self.redact_limit(refusal.limit),
            credits_status="",
            credits_reason=self.redact_reason(refusal.credits_reason or None) or "",
            org=refusal.org and self.redact_org_id(refusal.org),
        )

    def _redact_meter(self, meter: Meter) -> Meter:
        return meter._replace(reason=self.redact_reason(meter.reason))

    def _redact_subscription(self, paid: Subscription) -> Subscription:
        status, card, change = paid.status, paid.card, paid.scheduled_change
        return paid._replace(
            status=status and self._redact_word(status),
            card=card and Card(self._redact_word(card.brand), self._names.assign("card", card.last4)),
            scheduled_change=change and (self._redact_plan_name(change[0]), change[1]),
        )

    def redact_body(self, text: str) -> str:
        """Redact the body of a reply."""
        return BodyRedactor(self._names).redact_json(text)

    def redact_window_key(self, key: str) -> str:
        """Redact the key of a window."""
        return "".join(self._redact_window_key(key, BodyRedactor(self._names)))

    def _redact_window_key(self, key: str, body: BodyRedactor) -> tuple[str, str]:
        """Return the redacted key without its number, and the number."""
        base, suffix = _split_number_suffix(key)
        kind, colon, name = base.partition(":")
        # The body contains the key, or the kind of a limit, too, and both must get the same pseudonym.
        if kind not in KNOWN_VALUES and not _LIMITS_KEY.fullmatch(kind):
            kind = body.redact_key(kind)
        return f"{kind}{colon}{self._redact_models(name)}", suffix

    def _redact_window(self, window: Window, body: BodyRedactor) -> Window:
        base, _ = _split_number_suffix(window.key)
        key, suffix = self._redact_window_key(window.key, body)
        label, label_suffix = _split_number_suffix(window.label)
        # A label that repeats the key follows the redacted key.
        if label in (base, base.replace(":", " ")):
            label = key.replace(":", " ") + label_suffix
        else:
            label = self.redact_label(window.label)
        reason = self.redact_reason(window.locked_reason)
        return window._replace(key=key + suffix, label=label, locked_reason=reason)

    def redact_label(self, text: str) -> str:
        """Redact a window's label: a model's week, a known name, or a pseudonym."""
        label, suffix = _split_number_suffix(text)
        if label in WINDOW_LABELS:
            return text
        if label.startswith(WEEK_LABEL_PREFIX):
            return WEEK_LABEL_PREFIX + self._redact_models(label.removeprefix(WEEK_LABEL_PREFIX)) + suffix
        return self._names.assign("model", text)

    def _redact_models(self, names: str) -> str:
        """Redact the models and surfaces that a window is limited to."""
        return ", ".join(
            name
            if MODEL_PATTERN.fullmatch(name) or name.lower() in KNOWN_SURFACES
            else self._names.assign("model", name)
            for name in names.split(", ")
        )


def _split_number_suffix(name: str) -> tuple[str, str]:
    """Separate a window's key or label from the number that makes it unique."""
    suffix = _NUMBER_SUFFIX.search(name)
    return (name[: suffix.start()], suffix[0]) if suffix else (name, "")


_MAX_RECENT = 5
"""Maximum number of values of `redact_once`: two tuples of events, the day, this machine, a past moment."""
_MAX_EVENTS = 2_000
"""Maximum number of remembered events, in addition to those of the current call."""
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

    def distinguish_orgs(self) -> RedactedStore:
        """Return the store with the accounts of orgs that share a pseudonym."""
        return replace(self, all_orgs=add_account_notes(self.all_orgs, self.orgs))


class _RedactedParts(NamedTuple):
    """A store and its redacted parts, so that only changed parts are redacted again.

    The mappings are keyed by `id()`; each value holds the original too, so that the id cannot be reused.
    """

    store: Store
    redacted: RedactedStore
    orgs: Mapping[int, tuple[OrgState, OrgState]]
    sessions: Mapping[int, tuple[SessionState, SessionState]]
    replies: Mapping[int, tuple[Reply, Reply]]


_State = TypeVar("_State", OrgState, SessionState)
_Value = TypeVar("_Value")


class Redactor(ValueRedactor):
    """Redacts whole stores and events with the pseudonyms of one run."""

    def __init__(self) -> None:
        """Start without pseudonyms."""
        super().__init__(Pseudonyms())
        self._memory = _RedactedParts(Store(), RedactedStore(), {}, {}, {})
        self._originals: dict[OrgKey, OrgKey] = {}
        self._recent: dict[int, tuple[object, Any]] = {}
        """The last values of `redact_once` and their redaction, keyed like the parts of a store."""
        self._event_pairs: dict[int, tuple[Event, Event]] = {}
        """Events and their redacted copies, keyed like the parts of a store."""

    def redact_store(self, store: Store) -> Store:
        """Return the redacted store; the same object for the same store, and a redacted store unchanged."""
        before = self._memory
        if isinstance(store, RedactedStore):
            return store
        if store is before.store:
            return before.redacted
        # Redact the orgs first, so that their letters follow the order of the tabs, whatever the replies
        # contain.
        for state in (*store.orgs, *store.all_orgs):
            self._names.assign("org", state.org.name)
        orgs = {
            id(state): before.orgs.get(id(state)) or (state, self._redact_org_state(state))
            for state in store.all_orgs
        }
        sessions = {
            id(session): before.sessions.get(id(session)) or (session, self._redact_session_state(session))
            for session in store.sessions
        }
        redacted_store = RedactedStore(
            all_orgs=tuple(state for _, state in orgs.values()),
            sessions=tuple(state for _, state in sessions.values()),
            scan_results=store.scan_results and tuple(map(self.redact_scan_result, store.scan_results)),
            has_everyone_answered=store.has_everyone_answered,
            separate_orgs=frozenset(map(self.redact_org_id, store.separate_orgs)),
            refusals=store.refusals and tuple(map(self.redact_refusal, store.refusals)),
            transcripts_read_at=store.transcripts_read_at,
        ).distinguish_orgs()
        pairs: Iterable[tuple[OrgState | SessionState, OrgState | SessionState]]
        pairs = (*orgs.values(), *sessions.values())
        replies = {
            id(reply): (reply, redacted.replies[endpoint])
            for state, redacted in pairs
            for endpoint, reply in state.replies.items()
        }
        self._memory = _RedactedParts(store, redacted_store, orgs, sessions, replies)
        return redacted_store

    def redact_key(self, key: OrgKey) -> OrgKey:
        """Return the key of an org in the redacted store."""
        # The dashboard selects orgs by their redacted keys and has to find the real keys again.
        redacted_key = self.redact_identity(key[0]), self.redact_org_id(key[1])
        self._originals[redacted_key] = key
        return redacted_key

    def find_original_key(self, key: OrgKey) -> OrgKey:
        """Return the original key for a redacted one; the key itself if it is unknown."""
        return self._originals.get(key, key)

    def redact_once(self, original: _Value, redact: Callable[[_Value], _Value]) -> _Value:
        """Return the redacted value; the same object for each of the last few values.

        The dashboard compares these parts of a view by identity, and draws again if one is new.
        """
        _, redacted = self._recent.pop(id(original), None) or (original, redact(original))
        self._recent[id(original)] = original, redacted
        if len(self._recent) > _MAX_RECENT:
            del self._recent[next(iter(self._recent))]
        return redacted

    def redact_events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Redact events of the store that was redacted last; the same tuple for the same events."""
        return self.redact_once(events, self._redact_events)

    def _redact_events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        known = self._event_pairs
        pairs = {id(event): known.get(id(event)) or (event, self._redact_event(event)) for event in events}
        # The event log is short, so dropping all older pairs at once costs little.
        self._event_pairs = {**known, **pairs} if len(known) < _MAX_EVENTS else pairs
        return tuple(pairs[id(event)][1] for event in events)

    def _redact_session_state(self, state: SessionState) -> SessionState:
        ignored = frozenset(map(self.redact_org_id, state.ignored_orgs))
        return replace(self._redact_state(state), ignored_orgs=ignored)

    def _redact_state(self, state: _State) -> _State:
        known = self._memory.replies
        return replace(
            state,
            account=self.redact_account(state.account),
            session=self.redact_session(state.session),
            replies={
                endpoint: known[id(reply)][1] if id(reply) in known else self.redact_reply(reply)
                for endpoint, reply in state.replies.items()
            },
            # A trace stays, because it has no values.
            failures={
                endpoint: replace(failure, detail=self.redact_detail(failure.detail))
                for endpoint, failure in state.failures.items()
            },
        )

    def _redact_org_state(self, state: OrgState) -> OrgState:
        self.redact_key(state.key)
        # Before the replies, which may name more plans, so that the org's own plan has the first number.
        org, period = self.redact_org(state.org), state.over_plan_period
        redacted = self._redact_state(state)
        if period is not None:
            # Of the period, the screen shows only the label.
            label = period.filled_label and self.redact_label(period.filled_label)
            period = period._replace(full_window=None, filled_label=label)
        sources = {endpoint: self.redact_session(by) for endpoint, by in state.reply_sources.items()}
        refusal = state.last_refusal and self.redact_refusal(state.last_refusal)
        return replace(
            redacted, org=org, over_plan_period=period, reply_sources=sources, last_refusal=refusal
        )

    def _redact_event(self, event: Event) -> Event:
        event = event._replace(
            session=self.redact_session(event.session),
            org=event.org and self.redact_org(event.org),
            org_key=event.org_key and self.redact_key(event.org_key),
        )
        if event.kind is EventKind.REFUSED:
            return self.hide_project(event)
        lock = event.credit_lock
        return event._replace(
            subject=self._redact_event_text(event.kind, event.subject),
            before=self._redact_fact(event.kind, event.before),
            after=self._redact_fact(event.kind, event.after),
            windows=tuple(self._redact_event_text(event.kind, label) for label in event.windows),
            credit_lock=lock and lock._replace(reason=self.redact_reason(lock.reason)),
        )

    def hide_project(self, event: Event) -> Event:
        """Return the event of a refusal without its project and unknown codes; any other event unchanged."""
        if event.kind is not EventKind.REFUSED:
            return event
        reason, limit = (value if isinstance(value, str) else None for value in (event.before, event.after))
        return event._replace(
            subject=self.redact_project(event.subject),
            before=self.redact_reason(reason),
            after=self.redact_limit(limit or "") or None,
        )

    def _redact_fact(self, kind: EventKind, fact: EventValue) -> EventValue:
        return self._redact_event_text(kind, fact) if isinstance(fact, str) else fact

    def _redact_event_text(self, kind: EventKind, text: str) -> str:
        """Redact a text of an event; its meaning depends on the kind."""
        if not text or text in _PUBLIC_TEXTS:
            return text
        if kind in _SESSION_EVENT_KINDS:
            return self.redact_session(Session(*text.split(", ", 1))).label
        if kind is EventKind.STILL_BLOCKED:
            return self.redact_reason(text) or ""
        if kind is EventKind.NEW_FIELD:
            # Use the same pseudonyms as in the body of the reply.
            pairs = [
                (strip_indexes(path), strip_indexes(redacted))
                for reply, redacted_reply in self._memory.replies.values()
                for path, redacted in zip(reply.new_fields, redacted_reply.new_fields, strict=True)
            ]
            names = dict(reversed(pairs))  # the first of several replies with the same path decides
            shown = (names.get(path, "a field") for path in text.split(NAME_SEPARATOR))
            return NAME_SEPARATOR.join(shown)
        # Use the same pseudonym for a window's label as in the store.
        for state, redacted_state in self._memory.orgs.values():
            if state.plan is not None and redacted_state.plan is not None:
                windows = zip(state.plan.windows, redacted_state.plan.windows, strict=True)
                for window, redacted in windows:
                    if window.label == text:
                        return redacted.label
        return self.redact_label(text)
