"""Words for what the transcripts of Claude Code say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from claudemeter_tui.formatting.credits import CAUSE_TEXTS, describe_reason
from claudemeter_tui.formatting.values import format_count, format_moment
from claudemeter_tui.model.catalogue import REFUSED_LIMITS, WINDOWS, Cause, RefusedLimit, find_disabled_reason
from claudemeter_tui.model.refusals import Refusal

LOW_PRIORITY_FORMS = (
    "lower priority is offered (/low-priority in Claude Code)",
    "lower priority: /low-priority",
)
"""Cure of a full 5-hour window, if a refusal offered it, in full and short."""
NO_PROOF = "Claude Code writes a refusal only if its session continues, so there can be others."
"""Note beside refusals, because none found proves nothing."""
LIMIT_NAMES = {RefusedLimit.UNKNOWN.value: "other limit"}
"""Names of groups of limits in a sum; all others have their own value."""
TOKEN_KEYS: Mapping[str, str] = {
    "input": "input",
    "output": "output",
    "write_5m": "cache_write_5m",
    "write_1h": "cache_write_1h",
    "cache_read": "cache_read",
    "web_searches": "web_searches",
}
"""Keys and columns of printed counts by the fields of `TokenCounts`."""
_SEPARATORS = re.compile(r"[/\\]+")
MAX_PROJECT = 40
"""Characters of a project's name in a sentence; a longer one would fill a table of events."""


def format_project(folder: str) -> str:
    """Return the name of a project: the last part of its folder, or "unknown project"."""
    parts = [part for part in _SEPARATORS.split(folder) if part]
    return parts[-1] if parts else "unknown project"


def shorten_project(folder: str) -> str:
    """Return the name of a project for a sentence, at most `MAX_PROJECT` characters."""
    name = format_project(folder)
    return name if len(name) <= MAX_PROJECT else f"{name[: MAX_PROJECT - 1].rstrip()}…"


def describe_stops(counts: Mapping[str, int], days: int) -> str:
    """Return `stopped 12 times in 30 days: 5-hour 7, week 2, credits 3`.

    Args:
        counts: stops by the group of their limit, at least one.
        days: length of the span.
    """
    return f"stopped {format_count(sum(counts.values()), 'time')} in {days} days: {format_limits(counts)}"


def format_limits(counts: Mapping[str, int]) -> str:
    """Return `5-hour 7, week 2, credits 3` for stops by the group of their limit."""
    return ", ".join(f"{LIMIT_NAMES.get(name, name)} {count}" for name, count in counts.items())


def describe_limit(limit: str) -> str:
    """Return the words for a `rateLimitType`; a code that is not in the catalogue is quoted."""
    if not limit:
        return "limit not reported"
    if REFUSED_LIMITS.get(limit) is RefusedLimit.CREDITS:
        return "usage credits"
    fact = WINDOWS.get(limit)
    return f"{fact.label} window" if fact is not None and fact.label else f'the server says "{limit}"'


def describe_refusal_causes(limit: str, credits_reason: str, *, is_personal: bool = False) -> str:
    """Return `5-hour window; credits locked: your monthly cap is reached`.

    Args:
        limit: see `Refusal.limit`.
        credits_reason: see `Refusal.credits_reason`.
        is_personal: True if the org is known to be one person's, whose cap is their own.
    """
    words = describe_limit(limit)
    if not credits_reason:
        return words
    is_cap = find_disabled_reason(credits_reason).cause is Cause.CAP
    why = CAUSE_TEXTS[Cause.CAP, True] if is_cap and is_personal else describe_reason(credits_reason)
    return f"{words}; credits locked: {why}"


def list_refusal_forms(
    refusal: Refusal, now: datetime, zone: tzinfo | None = None, *, is_personal: bool = False
) -> tuple[str, ...]:
    """Return `Claude Code was refused at 14:22 in x: 5-hour window`, then shorter forms."""
    at, limit = format_moment(refusal.at, now, zone), describe_limit(refusal.limit)
    project = shorten_project(refusal.project)
    where = f"Claude Code was refused at {at} in {project}"
    causes = describe_refusal_causes(refusal.limit, refusal.credits_reason, is_personal=is_personal)
    return (
        f"{where}: {causes}",
        f"{where}: {limit}",
        f"Claude Code was refused at {at}: {limit}",
        f"refused {at} in {project}",
        f"refused {at}",
    )
