"""Results of a poll: replies, failures, and the orgs they belong to; and the places that were searched."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.refusals import TranscriptNews
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


class Session(NamedTuple):
    """A signed-in browser profile, a cookie file, a pasted cookie or the login of Claude Code."""

    browser: str
    """Name on screen: "Chrome", "Firefox", "cookie file"."""
    profile: str = ""
    """Name of the profile on screen; empty if there is none."""

    @property
    def label(self) -> str:
        """Browser and profile: "Chrome, Default"."""
        return f"{self.browser}, {self.profile}" if self.profile else self.browser


EXTENSION_PROFILE = "extension"
"""Name in place of the profile's for a session that is read through the extension."""


def name_session(browser: str, number: int) -> Session:
    """Return the name of a browser's session; `number` counts the profiles with the extension from 1."""
    return Session(browser, EXTENSION_PROFILE if number == 1 else f"{EXTENSION_PROFILE} {number}")


def is_extension_session(session: Session) -> bool:
    """Return True if the session is read through the extension."""
    return session.profile.partition(" ")[0] == EXTENSION_PROFILE


NO_SESSION = Session("")
"""Session of a reading that belongs to none: what a scan found, or the states from the archive."""
PASTED_COOKIE = "pasted cookie"
"""Name in place of the browser's for a session that was pasted while the program runs."""
CLAUDE_CODE_LOGIN = Session("Claude Code")
"""The login of Claude Code, used in place of a browser session."""


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


class OrgReading(NamedTuple):
    """Results of one poll for one org."""

    org: Org
    parts: Mapping[Endpoint, Reply | Failure]
    """Results of the endpoints requested in this poll; a missing endpoint keeps its earlier result."""


MIN_BACKOFF, MAX_BACKOFF = timedelta(seconds=60), timedelta(minutes=15)


def compute_backoff(earlier_failures: int) -> timedelta:
    """Return the wait after a failed poll; it doubles with each earlier failure in a row."""
    return min(MAX_BACKOFF, MIN_BACKOFF * (1 << min(earlier_failures, 10)))


class Schedule(NamedTuple):
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


class ScanResult(NamedTuple):
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


class Reading(NamedTuple):
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
