"""Cache the last figures between runs of `--check` and `--line`, so that many runs share one poll.

The cache holds only the input of verdict and line: figures, dates, names of orgs and sessions, problems.
It holds no reply, no e-mail, no card and no secret. Values are converted to JSON and back by their types; a
file that does not match the types is ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui import __version__
from claudemeter_tui.commands.answer_cache import NETWORK_VARIABLES
from claudemeter_tui.history.codec import DECODE_ERRORS, decode_value, encode_value
from claudemeter_tui.model.account import Account, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance
from claudemeter_tui.model.reading import (
    MIN_BACKOFF,
    REFUSAL_ERRORS,
    SESSION_WIDE_ERRORS,
    UNREACHED_ERRORS,
    ErrorKind,
    Failure,
    Reply,
    compute_backoff,
)
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Plan
from claudemeter_tui.storage import read_start

MAX_SNAPSHOT_BYTES = 1 << 22
"""Maximum bytes; a hundred orgs have a few hundred thousand."""
MAX_SNAPSHOT_AGE = timedelta(days=7)
"""Older figures from other settings are removed."""
_CLOCK_TOLERANCE = timedelta(minutes=1)
"""Figures from further in the future show that the clock was set back."""


def hash_network_variables() -> str:
    """Return a hash of the variables for proxies and certificates; a proxy's address can hold a password."""
    found = sorted(pair for pair in os.environ.items() if pair[0].upper().startswith(NETWORK_VARIABLES))
    return hashlib.sha256(repr(found).encode(errors="surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True)
class CachedSnapshot:
    """The known figures after the last poll."""

    began_at: datetime
    """Start of that poll."""
    next_at: datetime
    """Time of the next poll: after an interval, after the next reset, or at the end of a back-off."""
    failure_count: int
    """Number of polls in a row that read nothing."""
    error_kind: ErrorKind | None
    """The first session-wide error if the last poll read nothing. None if it read something, or no error is
    session-wide."""
    store: Store
    network: str = field(default_factory=hash_network_variables)
    """Hash of the variables with which the last poll reached the server, or did not."""
    version: str = __version__
    """Version of the program that wrote the cache; another version polls again."""

    def compute_due_at(self, interval: timedelta) -> datetime:
        """Return the time of the next poll; never within a back-off, whatever the interval."""
        return self.next_at if self.failure_count else min(self.next_at, self.began_at + interval)

    def is_due(self, now: datetime, interval: timedelta) -> bool:
        """Return True if a poll is due, the clock was set back, or other variables may reach the server."""
        is_other_network = self.error_kind in UNREACHED_ERRORS and self.network != hash_network_variables()
        is_over = now >= self.compute_due_at(interval) or now < self.began_at - _CLOCK_TOLERANCE
        return is_over or is_other_network


def build_snapshot(
    before: CachedSnapshot | None, store: Store, poll: Store, began: datetime, now: datetime
) -> CachedSnapshot:
    """Build the snapshot to cache after a poll.

    Args:
        before: The snapshot before the poll.
        store: The known store with the poll applied.
        poll: The store of the poll alone.
        began: Start of the poll.
        now: End of the poll.
    """
    dates = [one.schedule.next_at for one in poll.sessions if one.schedule is not None]
    next_at = min(dates, default=now + MIN_BACKOFF)
    kept = _strip_store(_select_polled(store, poll))
    if any(state.replies for state in poll.orgs):
        return CachedSnapshot(began, next_at, 0, None, kept)
    failures_before = before.failure_count if before is not None else 0
    causes = SESSION_WIDE_ERRORS | REFUSAL_ERRORS
    wide = [problem.error_kind for problem in poll.problems if problem.error_kind in causes]
    # The back-off protects the server, so none is needed if the server was not reached.
    if not set(wide) <= UNREACHED_ERRORS:
        next_at = max(next_at, now + compute_backoff(failures_before))
    return CachedSnapshot(began, next_at, failures_before + 1, next(iter(wide), None), kept)


def load_snapshot(path: Path) -> CachedSnapshot | None:
    """Read a snapshot. None if there is no usable one."""
    try:
        snapshot = decode_value(CachedSnapshot, json.loads(read_start(path, MAX_SNAPSHOT_BYTES)))
    except (OSError, RecursionError, *DECODE_ERRORS):
        return None
    is_usable = isinstance(snapshot, CachedSnapshot) and snapshot.version == __version__
    return snapshot if is_usable else None


def save_snapshot(path: Path, snapshot: CachedSnapshot) -> None:
    """Write a snapshot as a private file, and remove old ones of other settings.

    Raises:
        OSError: The file cannot be written; the old content is still there.
    """
    from claudemeter_tui.storage import write_private_file  # noqa: PLC0415 - most runs only read

    write_private_file(path, json.dumps(encode_value(snapshot), separators=(",", ":")))
    oldest = (snapshot.began_at - MAX_SNAPSHOT_AGE).timestamp()
    for other in path.parent.glob("kept-*"):
        with contextlib.suppress(OSError):
            if other.stat().st_mtime < oldest:
                other.unlink()


def _select_polled(store: Store, poll: Store) -> Store:
    """Drop the sessions that are not in the poll; keep all if it has none."""
    named = {one.session for one in poll.sessions if one.session.browser}
    if not named:
        return store
    return Store(
        tuple(state for state in store.orgs if state.session in named),
        tuple(state for state in store.sessions if state.session in named),
    )


def _strip_store(store: Store) -> Store:
    """Remove everything that neither verdict nor line needs."""
    orgs = (
        replace(
            state,
            account=_strip_account(state.account),
            replies={endpoint: _strip_reply(reply) for endpoint, reply in state.replies.items()},
            failures=_strip_failures(state.failures),
            # The sums and the newest sample are enough to detect further spending.
            series=replace(state.series, runs=state.series.runs[-1:]),
            histories={},
            reply_sources={},
        )
        for state in store.orgs
    )
    sessions = (
        replace(
            state,
            account=_strip_account(state.account),
            replies={},
            failures=_strip_failures(state.failures),
        )
        for state in store.sessions
    )
    return Store(tuple(orgs), tuple(sessions))


def _strip_account(account: Account) -> Account:
    """Remove the e-mail, unless it is the only identifier of the account."""
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
