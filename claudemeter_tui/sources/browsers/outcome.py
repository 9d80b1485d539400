"""What looking at one browser profile gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from claudemeter_tui.model.reading import Session
from claudemeter_tui.sources.cookies import Cookies


class Outcome(StrEnum):
    """Every way in which a look can end, in words for people."""

    FOUND = "session found"
    NO_COOKIE = "not signed in"
    UNDECRYPTABLE = "could not decrypt"
    UNSUPPORTED = "not supported"
    LOCKED = "locked"
    UNREADABLE = "not readable"
    TIMED_OUT = "no answer"
    NO_PROFILE = "no such profile"
    NO_BROWSER = "not installed"


@dataclass(frozen=True, slots=True)
class Look:
    """What was looked at, and what it gave. It prints no cookie."""

    session: Session
    """The browser and the profile; no profile where the browser gave none."""
    outcome: Outcome
    detail: str = ""
    """A sentence for people: what happened and what helps; never a cookie, never a path."""
    cookies: Cookies | None = None
    """The profile's whole claude.ai jar, with a session key. None: no session was found."""
    expires: datetime | None = None
    """When the session key expires by the browser's record. None: not known."""
    user_agent: str | None = None
    """What this browser calls itself. None: it cannot be told."""
