"""Results of a search for sessions, and of a poll: replies, failures, and the orgs they belong to."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.secrets import Cookies, Secret
from claudemeter_tui.model.transcripts import TranscriptNews
from claudemeter_tui.model.windows import Plan

if TYPE_CHECKING:  # the store imports this module
    from claudemeter_tui.model.store import OrgState


class ErrorKind(StrEnum):
    """Kinds of problems with a reply; `formatting/problems.py` has their words."""

    NO_ROUTE = "no route"
    DNS = "name not found"
    CONNECTION_REFUSED = "refused"
    TLS = "TLS failed"
    PROXY = "proxy failed"
    TIMEOUT = "timed out"
    CUT_OFF = "cut off"
    FETCH_FAILED = "request failed"
    BROWSER_CLOSED = "browser closed"
    EXTENSION_OLD = "old extension"
    NO_SESSION = "no session"
    EXPIRED = "session expired"
    FORBIDDEN = "not allowed"
    WRONG_ORG = "wrong account"
    CHALLENGE = "Cloudflare challenge"
    DENIED = "access denied"
    REGION = "not available here"
    REDIRECT = "redirected"
    TOKEN_INVALID = "token invalid"  # noqa: S105 - a name, no secret
    TOKEN_SCOPE = "wrong kind of token"  # noqa: S105 - a name, no secret
    NOT_FOUND = "not found"
    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    UNEXPECTED = "unexpected reply"
    LOGIN_PAGE = "a web page"
    MALFORMED = "not readable"
    TOO_LARGE = "too large"
    NO_ORGS = "no orgs"
    ALL_IGNORED = "all orgs ignored"
    UNREAD = "not read yet"
    BUG = "claudemeter bug"
    EXPIRES_SOON = "session expires soon"
    NEW_FIELD = "new field"
    ODD_VALUE = "odd value"
    ARCHIVE_FAILED = "history not kept"
    ARCHIVE_NEWER = "history of a newer version"
    ARCHIVE_DAMAGED = "history was damaged"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser profile, a cookie file, a pasted cookie or the login of Claude Code."""

    browser: str
    """Name on screen: "Chrome", "Firefox", "cookie file"."""
    profile: str = ""
    """Name of the profile on screen; empty if there is none."""

    @property
    def label(self) -> str:
        """Browser and profile: "Chrome, Default"."""
        return f"{self.browser}, {self.profile}" if self.profile else self.browser


NO_SESSION = Session("")
"""Session of a reading that belongs to none: what a scan found, or the states from the archive."""
PASTED_COOKIE = "pasted cookie"
"""Name in place of the browser's for a session that was pasted while the program runs."""
CLAUDE_CODE_LOGIN = Session("Claude Code")
"""The login of Claude Code, used in place of a browser session."""


class ScanOutcome(StrEnum):
    """Outcome of scanning a browser profile, as shown on screen."""

    FOUND = "session found"
    NO_COOKIE = "not signed in"
    UNDECRYPTABLE = "could not decrypt"
    UNSUPPORTED = "not supported"
    LOCKED = "locked"
    UNREADABLE = "not readable"
    TIMED_OUT = "timed out"
    NO_PROFILE = "no such profile"
    NO_BROWSER = "not installed"


@dataclass(frozen=True, slots=True)
class ProfileScan:
    """Result of scanning one browser profile. Its `repr` shows no cookie."""

    session: Session
    """Browser and profile; the profile is empty if the result concerns the whole browser."""
    outcome: ScanOutcome
    detail: str = ""
    """Sentence for people: what happened and what helps. Never contains a cookie or a path."""
    cookies: Cookies | None = None
    """All claude.ai cookies of the profile, with a session key. None if there is no session."""
    expires: datetime | None = None
    """Expiry of the session key by the browser's record. None if not known."""
    user_agent: str | None = None
    """User-Agent of the browser. None if not known."""


class LoginError(StrEnum):
    """Reason for the lack of a usable Claude Code login, as shown on screen."""

    NO_LOGIN = "not signed in"
    UNREADABLE = "not readable"
    NOT_JSON = "not JSON"
    NO_TOKEN = "no token"  # noqa: S105 - words, no secret
    EXPIRED = "expired"
    NO_SCOPE = "may not read usage"


@dataclass(frozen=True, slots=True)
class Login:
    """A usable login of Claude Code. Its `repr` shows no token."""

    token: Secret
    place: str
    """Place of the login, as shown on screen: "login file", "keychain"."""
    expires_at: datetime | None = None
    """Time at which the token expires and Claude Code renews it. None if not reported."""
    scopes: frozenset[str] | None = None
    """Permissions of the token. None if not reported."""
    plan: str = ""
    """Plan as the login names it: "Max", "Pro". Empty if not reported."""


@dataclass(frozen=True, slots=True)
class NoLogin:
    """Reason why there is no usable login."""

    error: LoginError
    detail: str
    """Sentence for people: what happened and what helps. Never contains a token or a user's path."""


LoginResult = Login | NoLogin

NAME_SEPARATOR = ", "
"""Separator of several new fields in one text."""
_LIST_INDEX = re.compile(r"\[[0-9]+\]")


def strip_indexes(path: str) -> str:
    """Return `limits[].burst` for `limits[2].burst`: the same field in every element of a list."""
    return _LIST_INDEX.sub("[]", path)


ReplyValue = Account | Plan | Meter | Balance | Subscription | None
"""Parsed content of a reply. None if the server replied that the org lacks the feature."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply with data."""

    endpoint: Endpoint
    at: datetime
    """Time of arrival."""
    value: ReplyValue
    text: str = field(default="", repr=False)
    """Body as the server sent it. It may contain hostile text: escape it before any output."""
    status: int = 200
    """HTTP status."""
    duration: timedelta = timedelta(0)
    """Time from the request to the last byte."""
    new_fields: tuple[str, ...] = ()
    """Dotted paths of keys, or of a key and its value, that this program does not know."""
    odd_values: tuple[str, ...] = ()
    """Dotted paths of figures of the wrong type or out of range; these figures are ignored."""

    @property
    def new_field_names(self) -> tuple[str, ...]:
        """The new fields, each once, no matter which elements of a list have them: `limits[].burst`."""
        return tuple(dict.fromkeys(map(strip_indexes, self.new_fields)))


@dataclass(frozen=True, slots=True)
class Failure:
    """A reply without usable data, or no reply at all."""

    error_kind: ErrorKind
    endpoint: Endpoint
    at: datetime
    """Time of the first failure in a row; kept while the failure continues."""
    detail: str = ""
    """Detail for diagnosis: a status or a place in the code; never a body, never a secret."""
    trace: str = field(default="", repr=False)
    """Stack of a bug in claudemeter, without the values of any variable. Empty for other failures."""
    retry_after: timedelta | None = None
    """Wait that the server asked for. None if it asked for none."""
    is_widespread: bool = False
    """True if the server refuses many requests, so that the whole session has to wait."""

    @property
    def is_session_wide(self) -> bool:
        """True if every further request of the session would fail in the same way."""
        return self.is_widespread or self.error_kind in SESSION_WIDE_ERRORS

    @classmethod
    def from_exception(cls, error: Exception, endpoint: Endpoint, at: datetime) -> Failure:
        """Return the failure for an unexpected exception: its type and place, no message, no values."""
        steps = traceback.extract_tb(error.__traceback__)
        trace = "\n".join(f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps)
        place = trace.rpartition("\n")[2]
        return cls(ErrorKind.BUG, endpoint, at, f"{type(error).__name__} at {place}", trace)


UNREACHED_ERRORS = frozenset(
    {
        ErrorKind.NO_ROUTE,
        ErrorKind.DNS,
        ErrorKind.CONNECTION_REFUSED,
        ErrorKind.TLS,
        ErrorKind.PROXY,
        ErrorKind.FETCH_FAILED,
        ErrorKind.BROWSER_CLOSED,
        ErrorKind.NO_SESSION,
    }
)
"""Problems in which no server was reached, so that an immediate retry causes no load."""

SESSION_WIDE_ERRORS = UNREACHED_ERRORS | {
    ErrorKind.EXPIRED,
    ErrorKind.TOKEN_INVALID,
    ErrorKind.TOKEN_SCOPE,
    ErrorKind.NO_ORGS,
}
"""Problems that every further request of the session would meet too."""

NO_SESSION_ERRORS = frozenset({ErrorKind.NO_SESSION, ErrorKind.EXPIRED, ErrorKind.TOKEN_INVALID})
"""Problems that only signing in again solves."""

ARCHIVE_ERRORS = frozenset({ErrorKind.ARCHIVE_FAILED, ErrorKind.ARCHIVE_NEWER, ErrorKind.ARCHIVE_DAMAGED})
"""Problems of the history file, which concern no figure on screen."""

REFUSAL_ERRORS = frozenset({ErrorKind.CHALLENGE, ErrorKind.THROTTLED})
"""Problems that pause only the request concerned; they concern the session only if they are widespread."""


@dataclass(frozen=True, slots=True)
class OrgReading:
    """Results of one poll for one org."""

    org: Org
    parts: Mapping[Endpoint, Reply | Failure]
    """Results of the endpoints requested in this poll; a missing endpoint keeps its earlier result."""


MIN_BACKOFF, MAX_BACKOFF = timedelta(seconds=60), timedelta(minutes=15)


def compute_backoff(earlier_failures: int) -> timedelta:
    """Return the wait after a failed poll; it doubles with each earlier failure in a row."""
    return min(MAX_BACKOFF, MIN_BACKOFF * (1 << min(earlier_failures, 10)))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Next poll of one session."""

    next_at: datetime
    """Time of the next poll."""
    interval: timedelta
    """The usual time between two polls; data older than two of them are stale."""
    is_backing_off: bool = False
    """True while backing off: an earlier poll would not help, so `r` does not start one."""
    free_at: datetime | None = None
    """Time from which `r` polls at once; before that, `r` waits until then. None means now."""


IGNORED_PLACE = "ignored"
"""Outcome of a browser or a profile that the settings ignore."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Result of looking for a session in one place. It holds no secret."""

    session: Session
    """Browser and profile; the profile is empty if the browser has none."""
    outcome: str
    """Result in a few words: "session found", "not signed in", "session expired"."""
    detail: str = ""
    """Sentence for people: what happened and what helps. Empty if there is none, or if `error_kind` implies
    it.
    """
    error_kind: ErrorKind | None = None
    """Why the server does not accept the session. None if the server accepts it or was not asked."""
    is_working: bool = False
    """True if a session was found and nothing is known to be wrong with it."""


@dataclass(frozen=True, slots=True)
class PasteResult:
    """Result of pasting a session while the program runs."""

    account: Account | None = None
    """Account of the session. None if it was rejected, or the server named no account."""
    org_count: int = 0
    """Number of orgs that it can read; 0 if it was rejected."""
    error_kind: ErrorKind | None = None
    """Problem that led to the rejection. None if it was accepted."""
    detail: str = ""
    """Detail for diagnosis; never a part of the pasted text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Results of one poll of one session, or the part of them that is complete.

    The only type that the poller passes to the store.
    """

    session: Session
    at: datetime
    account: Reply | Failure | None = None
    """The account reply; its value is an `Account`. None if not requested in this poll."""
    orgs: tuple[Org, ...] | None = None
    """Every org of the account, in the server's order. None if not requested, or without a reply."""
    org_readings: tuple[OrgReading, ...] = ()
    schedule: Schedule | None = None
    """Schedule of the next poll, in the last part of a poll. None while the poll continues."""
    expires_at: datetime | None = None
    """Expiry of the session by the browser's record. None if not known, or not part of this reading."""
    session_removed: bool = False
    """True if the session is no longer polled: it is gone, or another one polls its account."""
    scan_results: tuple[ScanResult, ...] | None = None
    """Every place searched for a session. None if not part of this reading."""
    has_everyone_answered: bool = False
    """True if the search is complete and every session that it found has been polled once."""
    restored_orgs: tuple[OrgState, ...] = ()
    """The last states of orgs in the archive, in the order of the screen; empty in any other reading."""
    transcripts: TranscriptNews | None = None
    """News from this machine's transcripts. None if that is not part of this reading."""
    is_archived: bool = False
    """True if it was read from the archive, which must not keep it again."""
    ignored_orgs: frozenset[str] = frozenset()
    """Uuids of the account's orgs that the settings leave out of `orgs`."""
