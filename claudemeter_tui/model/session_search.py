"""Results of a search for sessions: in a browser's profile, in Claude Code's login, and in a pasted text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import ErrorKind, Session
from claudemeter_tui.model.secrets import Cookies, Secret


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


HIDDEN_COOKIE_OUTCOMES = frozenset(
    {ScanOutcome.UNDECRYPTABLE, ScanOutcome.UNSUPPORTED, ScanOutcome.LOCKED, ScanOutcome.UNREADABLE}
)
"""Outcomes of a profile that may have a session, but whose cookies cannot be read."""


class ProfileScan(NamedTuple):
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


class Login(NamedTuple):
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


class NoLogin(NamedTuple):
    """Reason why there is no usable login."""

    error: LoginError
    detail: str
    """Sentence for people: what happened and what helps. Never contains a token or a user's path."""


LoginResult = Login | NoLogin


class PasteResult(NamedTuple):
    """Result of pasting a session while the program runs."""

    account: Account | None = None
    """Account of the session. None if it was rejected, or the server named no account."""
    org_count: int = 0
    """Number of orgs that it can read; 0 if it was rejected."""
    error_kind: ErrorKind | None = None
    """Problem that led to the rejection. None if it was accepted."""
    detail: str = ""
    """Detail for diagnosis; never a part of the pasted text."""
