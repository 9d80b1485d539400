"""Requests that the server refused, as Claude Code wrote them into its transcripts on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.model.catalogue import FIVE_HOURS, REFUSED_LIMITS, RefusedLimit


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
