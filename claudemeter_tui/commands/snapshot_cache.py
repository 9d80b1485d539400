"""The last figures, kept between two runs of `--check` and `--line`, so that many runs make one poll.

What is kept is what verdict and line need: figures, dates, the names of orgs and sessions, troubles;
no reply, no e-mail, no card, no secret.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui import __version__
from claudemeter_tui.commands.json_codec import decode_value, encode_value
from claudemeter_tui.model.account import Account, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance
from claudemeter_tui.model.reading import (
    MIN_BACKOFF,
    SESSION_WIDE_ERRORS,
    UNREACHED_ERRORS,
    ErrorKind,
    Failure,
    Reply,
    compute_backoff,
)
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.time_series import CreditSeries
from claudemeter_tui.model.windows import Plan

MAX_SNAPSHOT_BYTES = 1 << 22
"""Bytes; a hundred orgs have a few hundred thousand."""
MAX_SNAPSHOT_AGE = timedelta(days=7)
"""Figures of other settings are removed when they are older."""
_CLOCK_TOLERANCE = timedelta(minutes=1)
"""Figures from further ahead show that the clock was set back."""


@dataclass(frozen=True)
class CachedSnapshot:
    """What the last poll gave, on top of what was known before."""

    began_at: datetime
    """When that poll began."""
    next_at: datetime
    """When the next one is due: an interval on, after the next reset, or at the end of a back-off."""
    failure_count: int
    """How many polls in a row read nothing."""
    error_kind: ErrorKind | None
    """What kept the last poll from reading anything. None: it read something, or no single thing did."""
    store: Store
    version: str = __version__
    """Of the program that kept it: another one reads anew."""

    def compute_due_at(self, interval: timedelta) -> datetime:
        """When to poll again; never within a back-off, whatever the interval."""
        return self.next_at if self.failure_count else min(self.next_at, self.began_at + interval)

    def is_due(self, now: datetime, interval: timedelta) -> bool:
        """Whether to poll again, also where the clock was set back."""
        return now >= self.compute_due_at(interval) or now < self.began_at - _CLOCK_TOLERANCE


def build_snapshot(
    before: CachedSnapshot | None, store: Store, poll: Store, began: datetime, now: datetime
) -> CachedSnapshot:
    """What to keep after a poll.

    Args:
        before: What was kept until then.
        store: What is known by now, the poll included.
        poll: What the poll alone gave.
        began: When it began.
        now: When it ended.
    """
    dates = [one.schedule.next_at for one in poll.sessions if one.schedule is not None]
    next_at = min(dates, default=now + MIN_BACKOFF)
    if any(state.replies for state in poll.orgs):
        return CachedSnapshot(began, next_at, 0, None, _strip_store(_select_polled(store, poll)))
    failed = 1 + (before.failure_count if before is not None else 0)
    wide = [problem.error_kind for problem in poll.problems if problem.error_kind in SESSION_WIDE_ERRORS]
    if not set(wide) <= UNREACHED_ERRORS:
        next_at = max(next_at, now + compute_backoff(failed - 1))
    return CachedSnapshot(
        began, next_at, failed, next(iter(wide), None), _strip_store(_select_polled(store, poll))
    )


def load_snapshot(path: Path) -> CachedSnapshot | None:
    """What `save` kept there. None: nothing, or nothing that can be used."""
    try:
        with path.open("rb") as file:
            kept = decode_value(CachedSnapshot, json.loads(file.read(MAX_SNAPSHOT_BYTES)))
    except (OSError, ValueError, RecursionError):
        return None
    return kept if kept.version == __version__ else None


def save_snapshot(path: Path, kept: CachedSnapshot) -> None:
    """Keep it, for this person alone, and remove what has been forgotten beside it.

    Raises:
        OSError: it cannot be kept; what was there before is still there.
    """
    from claudemeter_tui.storage import write_private_file  # noqa: PLC0415 - most runs only read

    write_private_file(path, json.dumps(encode_value(kept), separators=(",", ":")))
    oldest = (kept.began_at - MAX_SNAPSHOT_AGE).timestamp()
    for other in path.parent.glob("kept-*"):
        with contextlib.suppress(OSError):
            if other.stat().st_mtime < oldest:
                other.unlink()


def _select_polled(store: Store, poll: Store) -> Store:
    """What is known of the sessions that the poll met, and of all where it met none: the others are over."""
    named = {one.session for one in poll.sessions if one.session.browser}
    if not named:
        return store
    return Store(
        tuple(state for state in store.orgs if state.session in named),
        tuple(state for state in store.sessions if state.session in named),
    )


def _strip_store(store: Store) -> Store:
    return Store(tuple(map(_strip_org, store.orgs)), tuple(map(_strip_session, store.sessions)))


def _strip_org(state: OrgState) -> OrgState:
    return replace(
        state,
        account=_strip_account(state.account),
        replies={endpoint: _strip_reply(reply) for endpoint, reply in state.replies.items()},
        failures=_strip_failures(state.failures),
        series=_strip_series(state.series),
        histories={},
        reply_sources={},
    )


def _strip_series(series: CreditSeries) -> CreditSeries:
    """Enough to see what more is spent: the sums, and the newest sample."""
    return replace(series, runs=series.runs[-1:])


def _strip_session(state: SessionState) -> SessionState:
    account, failures = _strip_account(state.account), _strip_failures(state.failures)
    return replace(state, account=account, replies={}, failures=failures)


def _strip_account(account: Account) -> Account:
    """Without the e-mail, unless it is all there is to tell accounts apart."""
    return Account(account.uuid) if account.uuid else account


def _strip_failures(failures: Mapping[Endpoint, Failure]) -> dict[Endpoint, Failure]:
    return {endpoint: replace(failure, trace="") for endpoint, failure in failures.items()}


def _strip_reply(reply: Reply) -> Reply:
    value = reply.value
    match value:
        case Account():
            value = _strip_account(value)
        case Plan():
            value = replace(value, shares=())
        case Balance():
            value = replace(value, tranches=())
        case Subscription():
            value = replace(value, card=None, scheduled_change=None)
    return replace(reply, text="", value=value, new_fields=(), odd_values=())
