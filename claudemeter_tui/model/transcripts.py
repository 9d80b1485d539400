"""Values read from Claude Code's transcripts on this machine.

Transcripts hold two things that no reply of claude.ai has: the tokens of each call, and the requests that
the server refused. They contain prompts, which never reach these values.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.model.catalogue import FIVE_HOURS, REFUSED_LIMITS, RefusedLimit

CALLS_DAYS = 60
"""Days for which the archive keeps each call; a copy of an older one could not be recognized."""
READ_ONCE = "--once"
"""Argument of the process that reads transcripts, if it ends when everything was read."""
SYNTHETIC_MODEL = "<synthetic>"
"""`message.model` of a line that Claude Code wrote itself, such as a refusal."""


class TokenCounts(NamedTuple):
    """Tokens and web searches of one or more calls, each 0 or more."""

    input: int = 0
    """Input tokens that were neither written to the cache nor read from it."""
    output: int = 0
    write_5m: int = 0
    """Tokens written to the cache for 5 minutes."""
    write_1h: int = 0
    """Tokens written to the cache for an hour."""
    cache_read: int = 0
    """Tokens read from the cache."""
    web_searches: int = 0
    """Number of web searches."""

    def add(self, other: TokenCounts) -> TokenCounts:
        """Return the sum of both."""
        return TokenCounts(*map(operator.add, self, other))

    @property
    def written(self) -> int:
        """Tokens written to the cache."""
        return self.write_5m + self.write_1h

    @property
    def context(self) -> int:
        """Tokens that the model got: those in the cache, and the rest of the input."""
        return self.input + self.written + self.cache_read

    @property
    def total(self) -> int:
        """All tokens, without the web searches."""
        return self.context + self.output


class Call(NamedTuple):
    """One call of the server by Claude Code. A transcript repeats it on many lines."""

    key: int
    """Hash of message and request, 63 bits: equal in every copy of the call."""
    at: int
    """Time of the line, in milliseconds since 1970 in UTC."""
    model: str
    """Name as in the transcript; `[1m]` behind it is removed. Empty if not reported."""
    variant: str
    """Kind of service with its own price, such as `fast`; several with blanks between. Empty if usual."""
    counts: TokenCounts
    is_sidechain: bool
    """True for a call of a subagent."""
    rebuilt: int = 0
    """Tokens written to the cache again that the call before in the same conversation had cached."""
    cache_miss: str = ""
    """`cache_miss_reason.type`: the server's reason for a cache that could not be read. Empty if none."""


class Refusal(NamedTuple):
    """A request that the server refused, as Claude Code wrote it into a transcript."""

    key: int
    """Hash of the line's message, 63 bits: equal in every copy."""
    at: datetime
    project: str
    """Folder in which Claude Code was started, as a path. Empty if not known."""
    limit: str
    """`rateLimitType`, such as `five_hour` or `overage`. Empty if not reported."""
    resets_at: datetime | None = None
    """Reset of that limit. None if not reported."""
    credits_status: str = ""
    """`overageStatus`: `rejected` if credits did not pay either. Empty if not reported."""
    credits_reason: str = ""
    """`overageDisabledReason`: the server's code for the lock of the credits. Empty if not reported."""
    credits_until: datetime | None = None
    """`overageResetsAt`. None if not reported."""
    used_credits: bool = False
    """True if the request was already paid with credits (`isUsingOverage`)."""
    offers_low_priority: bool = False
    """True if the server offered to continue at lower priority."""
    org: str | None = None
    """UUID of the org that Claude Code was logged in to, in lower case. None if not known."""

    @property
    def group(self) -> RefusedLimit:
        """The group of the limit."""
        return REFUSED_LIMITS.get(self.limit, RefusedLimit.UNKNOWN)

    @property
    def stop(self) -> tuple[object, ...]:
        """Identifier of the stop: a request that is tried again until the reset is refused again.

        Without a reset, the refusals of one hour are one stop.
        """
        hour = self.at.replace(minute=0, second=0, microsecond=0)
        return self.limit, self.org, self.resets_at or hour

    def is_current(self, now: datetime) -> bool:
        """True if the limit has not reset since, and the refusal is at most 5 hours old."""
        has_reset = self.resets_at is not None and self.resets_at <= now
        return not has_reset and timedelta(0) <= now - self.at <= FIVE_HOURS


def select_stops(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Return the first refusal of each stop, in the given order."""
    first: dict[tuple[object, ...], Refusal] = {}
    for refusal in refusals:
        first.setdefault(refusal.stop, refusal)
    return tuple(first.values())


class TranscriptNews(NamedTuple):
    """News from the transcripts of this machine."""

    read_at: datetime
    """Time at which they were read."""
    refusals: tuple[Refusal, ...] = ()
    """Refusals of the last day, oldest first."""


class TranscriptPosition(NamedTuple):
    """Position up to which a transcript was read, and what the next line needs to know of those before."""

    identity: str = ""
    """Device and inode of the file. A file that was replaced has another one."""
    offset: int = 0
    """Bytes up to the end of the last complete line."""
    folder: str = ""
    """`cwd` of its first line that has one: the project. Empty before."""
    last_key: int = 0
    """Key of the last call of its conversation. 0 before the first one."""
    cached: int = 0
    """Tokens that this call wrote to the cache or read from it."""
    rebuilt: int = 0
    """Tokens that this call wrote to the cache again."""
    changed_at: float = 0.0
    """Time of the file's last change before it was read, in seconds since 1970."""
    checksum: int = 0
    """Hash of the file's first bytes and of those before `offset`, 63 bits: it shows a rewritten file."""


@dataclass
class TranscriptReading:
    """Everything that is new in one transcript."""

    path: str
    position: TranscriptPosition
    """Start of the next reading."""
    calls: list[Call] = field(default_factory=list)
    """With copies, in the order of the lines."""
    refusals: list[Refusal] = field(default_factory=list)
    skipped: int = 0
    """Number of lines that could not be read."""
    is_complete: bool = True
    """False if the file has more complete lines."""


class Login(NamedTuple):
    """The account that Claude Code is logged in to."""

    org: str
    """UUID in lower case."""
    account: str
    """UUID in lower case. Empty if not reported."""
