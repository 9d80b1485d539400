"""Values read from Claude Code's transcripts on this machine.

Transcripts hold two things that no reply of claude.ai has: the tokens of each call, and the requests that
the server refused. They contain prompts, which never reach these values.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import NamedTuple

from claudemeter_tui.model.refusals import Refusal

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
