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
from claudemeter_tui.model.reading import SESSION_WIDE, UNANSWERED, Endpoint, Failure, Reply, Trouble
from claudemeter_tui.model.samples import Series
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.usage import Account, Balance, Plan, Subscription
from claudemeter_tui.scripts.codec import plain, whole

FIRST_WAIT, LAST_WAIT = timedelta(seconds=60), timedelta(minutes=15)
"""The wait after a poll that read nothing doubles from the one to the other."""
LARGEST_FILE = 1 << 22
"""Bytes; a hundred orgs have a few hundred thousand."""
FORGOTTEN_AFTER = timedelta(days=7)
"""Figures of other settings are removed when they are older."""
_SLACK = timedelta(minutes=1)
"""Figures from further ahead show that the clock was set back."""


@dataclass(frozen=True)
class Kept:
    """What the last poll gave, on top of what was known before."""

    began: datetime
    """When that poll began."""
    next_at: datetime
    """When the next one is due: an interval on, after the next reset, or at the end of a back-off."""
    failed: int
    """How many polls in a row read nothing."""
    trouble: Trouble | None
    """What kept the last poll from reading anything. None: it read something, or no single thing did."""
    store: Store
    version: str = __version__
    """Of the program that kept it: another one reads anew."""

    def due_at(self, interval: timedelta) -> datetime:
        """When to poll again; never within a back-off, whatever the interval."""
        return self.next_at if self.failed else min(self.next_at, self.began + interval)

    def is_due(self, now: datetime, interval: timedelta) -> bool:
        """Whether to poll again, also where the clock was set back."""
        return now >= self.due_at(interval) or now < self.began - _SLACK


def after(before: Kept | None, store: Store, poll: Store, began: datetime, now: datetime) -> Kept:
    """What to keep after a poll.

    Args:
        before: What was kept until then.
        store: What is known by now, the poll included.
        poll: What the poll alone gave.
        began: When it began.
        now: When it ended.
    """
    dates = [one.schedule.next_at for one in poll.sessions if one.schedule is not None]
    next_at = min(dates, default=now + FIRST_WAIT)
    if any(state.replies for state in poll.orgs):
        return Kept(began, next_at, 0, None, _lean(_met(store, poll)))
    failed = 1 + (before.failed if before is not None else 0)
    wide = [problem.trouble for problem in poll.problems if problem.trouble in SESSION_WIDE]
    if not set(wide) <= UNANSWERED:
        next_at = max(next_at, now + min(LAST_WAIT, FIRST_WAIT * (1 << min(failed - 1, 10))))
    return Kept(began, next_at, failed, next(iter(wide), None), _lean(_met(store, poll)))


def load(path: Path) -> Kept | None:
    """What `save` kept there. None: nothing, or nothing that can be used."""
    try:
        with path.open("rb") as file:
            kept = whole(Kept, json.loads(file.read(LARGEST_FILE)))
    except (OSError, ValueError, RecursionError):
        return None
    return kept if kept.version == __version__ else None


def save(path: Path, kept: Kept) -> None:
    """Keep it, for this person alone, and remove what has been forgotten beside it.

    Raises:
        OSError: it cannot be kept; what was there before is still there.
    """
    from claudemeter_tui.private import write_whole  # noqa: PLC0415 - most runs only read

    write_whole(path, json.dumps(plain(kept), separators=(",", ":")))
    oldest = (kept.began - FORGOTTEN_AFTER).timestamp()
    for other in path.parent.glob("kept-*"):
        with contextlib.suppress(OSError):
            if other.stat().st_mtime < oldest:
                other.unlink()


def _met(store: Store, poll: Store) -> Store:
    """What is known of the sessions that the poll met, and of all where it met none: the others are over."""
    named = {one.session for one in poll.sessions if one.session.browser}
    if not named:
        return store
    return Store(
        tuple(state for state in store.orgs if state.session in named),
        tuple(state for state in store.sessions if state.session in named),
    )


def _lean(store: Store) -> Store:
    return Store(tuple(map(_lean_org, store.orgs)), tuple(map(_lean_session, store.sessions)))


def _lean_org(state: OrgState) -> OrgState:
    return replace(
        state,
        account=_lean_account(state.account),
        replies={endpoint: _lean_reply(reply) for endpoint, reply in state.replies.items()},
        failures=_lean_failures(state.failures),
        series=_lean_series(state.series),
        histories={},
        came_by={},
    )


def _lean_series(series: Series) -> Series:
    """Enough to see what more is spent: the sums, and the newest sample."""
    return replace(series, runs=series.runs[-1:])


def _lean_session(state: SessionState) -> SessionState:
    account, failures = _lean_account(state.account), _lean_failures(state.failures)
    return replace(state, account=account, replies={}, failures=failures)


def _lean_account(account: Account) -> Account:
    """Without the e-mail, unless it is all there is to tell accounts apart."""
    return Account(account.uuid) if account.uuid else account


def _lean_failures(failures: Mapping[Endpoint, Failure]) -> dict[Endpoint, Failure]:
    return {endpoint: replace(failure, trace="") for endpoint, failure in failures.items()}


def _lean_reply(reply: Reply) -> Reply:
    value = reply.value
    match value:
        case Account():
            value = _lean_account(value)
        case Plan():
            value = replace(value, shares=())
        case Balance():
            value = replace(value, tranches=())
        case Subscription():
            value = replace(value, card=None, change=None)
    return replace(reply, text="", value=value, new_fields=(), odd_values=())
