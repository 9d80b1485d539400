"""What can happen to an org or a session, told once for each transition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.store import OrgKey, OrgState
from claudemeter_tui.model.verdict import CreditLock
from claudemeter_tui.model.windows import Severity


class EventKind(StrEnum):
    """What happened; `subject`, `before` and `after` of the event mean what is said here."""

    WINDOW_FILLED = "window_filled"
    """The window became full, or was locked: percent before and after, `until` its reset."""
    WINDOW_RESET = "window_reset"
    """The window's reset is over by the clock, or was seen: percent before; after is not read yet."""
    WINDOW_RESET_EARLY = "window_reset_early"
    """The window has room again before its reset: percent before and after, `until` the reset it had."""
    WINDOW_MOVED = "window_moved"
    """The reset of a running window is at another time: the times before and after."""
    THRESHOLD = "threshold_passed"
    """A window or the credits passed a percentage, `threshold`: percent before and after."""
    ON_CREDITS = "on_credits"
    """Work costs credits now: the state before, the label of the full window after (None: no windows)."""
    BACK_IN_PLAN = "back_in_plan"
    """Work costs no credits any more: the states before and after."""
    WAIT = "wait"
    """Work went on credits, or was blocked, and now has to wait: the states before and after."""
    BLOCKED = "blocked"
    """Work is refused: the state before, `credit_lock` says why, `until` when it lifts."""
    CREDITS_BLOCKED = "credits_blocked"
    """Credits are locked beside room in the plan: `credit_lock` says why, `until` when it ends."""
    STILL_BLOCKED = "still_blocked"
    """Another lock leads now: the raw reasons before and after, `credit_lock` is the new one."""
    LIFTED = "lifted"
    """Work goes on again, or credits open: the states before and after, `credit_lock` is what it was.

    With `PLAN` as its subject it is the plan that has room; the credits stay locked.
    """
    CAP_CHANGED = "cap_changed"
    """Another monthly cap: money before and after; None is no cap."""
    BALANCE_REFILLED = "balance_refilled"
    """The prepaid balance rose: money before and after."""
    TRANCHE_EXPIRING = "tranche_expiring"
    """A part of the balance is about to expire: the money before, `until` its end."""
    FIRST_READ = "first_read"
    """For scripts alone: the state `after` in which the org was first read, its `credit_lock` and `until`."""
    ORG_APPEARED = "org_appeared"
    ORG_LEFT = "org_left"
    SOURCE_CHANGED = "source_changed"
    """Another session serves the org: the labels before and after."""
    SESSION_ENDS = "session_ends"
    """The session of a `subject` label ends within three days, `until`, by the browser's record."""
    SESSION_EXPIRED = "session_expired"
    NEW_FIELD = "new_field"
    """A reply, `subject`, holds what this program does not know: the paths after, with commas."""
    STALE = "stale"
    """No new figures for a while: the time of the last ones before. Without an org: of a whole session."""
    RECOVERED = "recovered"
    """Figures come again, or with a `subject` the session of that label is signed in again."""


EventValue = float | str | Money | datetime | None
"""A percent, a name or a code, an amount, a moment. None: not known, or nothing."""

SUBJECT_EXTRA_USAGE, SUBJECT_POOL, SUBJECT_PLAN = "extra usage", "pool", "plan"
"""Subjects: one's own credits, those of the organization, and what is paid for already."""


@dataclass(frozen=True, slots=True)
class Event:
    """One transition of one org or session."""

    kind: EventKind
    at: datetime
    """When it was seen; of a window's reset, when it was due."""
    session: Session
    """The session that serves, or served, the org."""
    org: Org | None = None
    """None: it concerns the whole session."""
    org_key: OrgKey | None = None
    """The org's key in the store. None: it concerns the whole session."""
    subject: str = ""
    """A window's label, `EXTRA_USAGE`, `POOL`, the name of a reply; empty where the kind says it all."""
    before: EventValue = None
    after: EventValue = None
    threshold: float | None = None
    """The percentage that was passed. None: of every other kind."""
    credit_lock: CreditLock | None = None
    """The lock that an event of blocking and lifting is about. None: of every other kind."""
    until: datetime | None = None
    """When it ends: a reset, a date, an expiry. None: not known."""
    endpoints: tuple[Endpoint, ...] = ()
    """Where it was read. Empty: nowhere, the clock tells it."""
    severity: Severity = Severity.NORMAL
    is_freed: bool = False
    """A window that was full has room again."""

    @property
    def owner_name(self) -> str:
        """Whose it is, for people: the org's name, else the session's."""
        return self.org.display_name if self.org else self.session.label


class EventSink:
    """What one look finds, in the order in which it is found."""

    def __init__(
        self,
        now: datetime,
        session: Session,
        state: OrgState | None = None,
        events: list[Event] | None = None,
    ) -> None:
        """Tell of this org, or of the session, at this moment; `events` is where they go."""
        self.now = now
        self.events: list[Event] = [] if events is None else events
        self._session = session
        self._state = state

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Tell one event with these fields; `at` is now unless it is among them."""
        org, key = (self._state.org, self._state.key) if self._state else (None, None)
        self.events.append(Event(kind, fields.pop("at", self.now), self._session, org, key, **fields))

    def narrow_to_org(self, state: OrgState) -> EventSink:
        """To the same place, of one org."""
        return EventSink(self.now, state.session, state, self.events)


Thresholds = tuple[float, ...]
"""Percentages, each above 0."""


def find_passed_threshold(percent: float | None, thresholds: Thresholds) -> float:
    """The highest threshold at or below a percentage; 0 for none."""
    return max([mark for mark in thresholds if mark <= percent], default=0.0) if percent else 0.0
