"""What one poll found: replies, failures, and the orgs they belong to."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from claudemeter_tui.model.account import Account, Org, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.windows import Plan


class ErrorKind(StrEnum):
    """Every way in which an answer is not what it should be; `text/problems.py` has the words."""

    NO_ROUTE = "no route"
    DNS = "name not found"
    CONNECTION_REFUSED = "refused"
    TLS = "TLS failed"
    PROXY = "proxy failed"
    TIMEOUT = "timed out"
    CUT_OFF = "cut off"
    NO_SESSION = "no session"
    EXPIRED = "session expired"
    FORBIDDEN = "not allowed"
    WRONG_ORG = "wrong account"
    CHALLENGE = "Cloudflare challenge"
    DENIED = "access denied"
    REGION = "not served here"
    REDIRECT = "redirected"
    TOKEN_INVALID = "token invalid"  # noqa: S105 - a name, no secret
    TOKEN_SCOPE = "token of the wrong kind"  # noqa: S105 - a name, no secret
    NOT_FOUND = "not found"
    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    UNEXPECTED = "unexpected answer"
    LOGIN_PAGE = "a web page"
    MALFORMED = "not readable"
    TOO_LARGE = "too large"
    NO_ORGS = "no orgs"
    BUG = "bug of ours"
    EXPIRES_SOON = "session expires soon"
    NEW_FIELD = "new field"
    ODD_VALUE = "odd value"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser profile, or what stands in for one."""

    browser: str
    """For people: "Chrome", "Firefox", "cookie file"."""
    profile: str = ""
    """For people; empty where there is none."""

    @property
    def label(self) -> str:
        """Browser and profile in one: "Chrome, Default"."""
        return f"{self.browser}, {self.profile}" if self.profile else self.browser


PASTED_COOKIE = "pasted cookie"
"""The name, in place of a browser's, of a session that was given while the program runs."""
CLAUDE_CODE_LOGIN = Session("Claude Code")
"""Claude Code's login, which stands in for a browser's session."""

ReplyValue = Account | Plan | Meter | Balance | Subscription | None
"""What a reply means; None: the server answered that there is no such thing for this org."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is data."""

    endpoint: Endpoint
    at: datetime
    """When it arrived."""
    value: ReplyValue
    text: str = field(default="", repr=False)
    """The body as the server sent it, hostile text included: escape it before it goes anywhere."""
    status: int = 200
    """The HTTP status."""
    duration: timedelta = timedelta(0)
    """From the request to the last byte."""
    new_fields: tuple[str, ...] = ()
    """Dotted paths of keys, or of a key and its value, that this program does not know."""
    odd_values: tuple[str, ...] = ()
    """Dotted paths of figures of the wrong type or out of range; each is left out."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no data, or none at all."""

    error_kind: ErrorKind
    endpoint: Endpoint
    at: datetime
    """When it was first met; kept while it goes on."""
    detail: str = ""
    """What narrows it down, a status or a place in the code; never a body, never a secret."""
    trace: str = field(default="", repr=False)
    """Of a bug of ours: where it came from, without the values of any variable."""
    retry_after: timedelta | None = None
    """How long the server asked to wait. None: it did not say."""

    @classmethod
    def from_exception(cls, error: Exception, endpoint: Endpoint, at: datetime) -> Failure:
        """What is left of an exception that nobody foresaw: its type and place, no message, no values."""
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
        ErrorKind.NO_SESSION,
    }
)
"""Troubles in which no server was reached: trying again at once hammers nobody."""

SESSION_WIDE_ERRORS = UNREACHED_ERRORS | {
    ErrorKind.EXPIRED,
    ErrorKind.CHALLENGE,
    ErrorKind.THROTTLED,
    ErrorKind.TOKEN_INVALID,
    ErrorKind.TOKEN_SCOPE,
    ErrorKind.NO_ORGS,
}
"""Troubles that every further request of the session would meet too."""


@dataclass(frozen=True, slots=True)
class OrgReading:
    """What one poll found about one org."""

    org: Org
    parts: Mapping[Endpoint, Reply | Failure]
    """Only what was asked this time; an endpoint that is missing keeps what it had."""


MIN_BACKOFF, MAX_BACKOFF = timedelta(seconds=60), timedelta(minutes=15)


def compute_backoff(earlier_failures: int) -> timedelta:
    """Return the wait after a failed poll: it doubles with each failure in a row before this one."""
    return min(MAX_BACKOFF, MIN_BACKOFF * (1 << min(earlier_failures, 10)))


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the poller of one session does next."""

    next_at: datetime
    """When the next poll is due."""
    interval: timedelta
    """The usual time between two polls; data older than two of them are stale."""
    is_backing_off: bool = False
    """Backing off: asking earlier would not help, so `r` does not."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """One place where a session may be, and what looking there gave. It holds no secret."""

    session: Session
    """The browser and the profile; no profile where the browser gave none."""
    outcome: str
    """For people, in a few words: "session found", "not signed in", "session expired"."""
    detail: str = ""
    """Sentence for people: what happened and what helps. Empty if there is none or `error_kind` has it."""
    error_kind: ErrorKind | None = None
    """Why the server does not accept the session. None if the server accepts it or was not asked."""
    is_working: bool = False
    """A session is there, and nothing is known against it."""


@dataclass(frozen=True, slots=True)
class PasteResult:
    """What became of a session that was given by hand while the program runs."""

    account: Account | None = None
    """Whose it is. None: it was not accepted, or the server named nobody."""
    org_count: int = 0
    """How many orgs it reads; 0 where it was not accepted."""
    error_kind: ErrorKind | None = None
    """Why it was not accepted. None: it was."""
    detail: str = ""
    """What narrows the trouble down; never a part of what was given."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one poll of one session found, or the part of it that is complete.

    It is the one type that crosses from the poller to the store.
    """

    session: Session
    at: datetime
    account: Reply | Failure | None = None
    """The account's own reply, its value an `Account`. None: not asked this time."""
    orgs: tuple[Org, ...] | None = None
    """Every org of the account, in the server's order. None: not asked, or not answered."""
    org_readings: tuple[OrgReading, ...] = ()
    schedule: Schedule | None = None
    """Closes a poll. None: the poll goes on."""
    expires_at: datetime | None = None
    """When the session ends by the browser's record. None: not known, or not said this time."""
    session_removed: bool = False
    """The session is read no more: it has left, or another one serves its account."""
    scan_results: tuple[ScanResult, ...] | None = None
    """Every place that was looked at for a session. None: not said this time."""
