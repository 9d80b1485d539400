"""Events of orgs and sessions: one for each transition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.store import OrgKey
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import FULL_FROM, Severity


class EventKind(StrEnum):
    """Kind of an event; each member says what `subject`, `before` and `after` contain."""

    WINDOW_FILLED = "window_filled"
    """The window became full or locked: percent before and after, `until` is its reset.

    None if work is blocked, waits or moves to credits because of it: that event names the window."""
    WINDOW_RESET = "window_reset"
    """The window has reset, by the clock or by a reply: percent before; after is None if not read yet.

    None if the reset of a full window ends a block or the use of credits: that event names the window."""
    WINDOW_RESET_EARLY = "window_reset_early"
    """The window has room before its reset: percent before and after, `until` is the old reset."""
    ALLOWANCE_USED_UP = "allowance_used_up"
    """A dollar allowance is used up or locked: percent before and after, `until` is its expiry."""
    ALLOWANCE_EXPIRED = "allowance_expired"
    """The dollar allowance has expired: percent before."""
    WINDOW_MOVED = "window_moved"
    """The reset of a running window moved: times before and after."""
    THRESHOLD = "threshold_passed"
    """A window or the credits passed the percentage `threshold`: percent before and after."""
    ON_CREDITS = "on_credits"
    """Work now costs credits: the state before, the label of the full window after (None if no windows)."""
    BACK_IN_PLAN = "back_in_plan"
    """Work no longer costs credits: the states before and after; `until` is as in LIFTED."""
    WAIT = "wait"
    """Work now has to wait: the states before and after, `until` is the end."""
    BLOCKED = "blocked"
    """Work is refused: the state before; `credit_lock` is the cause, `until` its end."""
    CREDITS_BLOCKED = "credits_blocked"
    """Credits are locked while the plan has room: `credit_lock` is the cause, `until` its end."""
    STILL_BLOCKED = "still_blocked"
    """The main lock has changed: the raw reasons before and after; `credit_lock` is the new one."""
    LIFTED = "lifted"
    """Work or the credits are unblocked: the states before and after, `credit_lock` is the old lock.

    `until` is the end that the block had, if it passed while nothing was read; None otherwise.
    With the subject `SUBJECT_PLAN` the plan has room again and the credits remain locked."""
    CAP_CHANGED = "cap_changed"
    """The monthly cap changed: money before and after; None for no cap."""
    BALANCE_REFILLED = "balance_refilled"
    """The prepaid balance rose: money before and after."""
    BALANCE_FELL = "balance_fell"
    """The prepaid balance fell without spending: money before and after, `amount` is the part not spent."""
    AUTO_RELOAD_STOPPED = "auto_reload_stopped"
    """Auto-reload is on but no longer works: after is the server's codes, separated by commas."""
    SPENDING = "spending"
    """Credits are spent although no plan-wide window is full: after is the amount so far; `subject` is the
    window that is the likely cause, and before is its percent."""
    TRANCHE_EXPIRING = "tranche_expiring"
    """A part of the balance expires soon: before is its amount, `until` its expiry."""
    SAVED_RESET_EXPIRING = "saved_reset_expiring"
    """Unused saved resets expire soon: before is their number, `until` their expiry."""
    FIRST_READ = "first_read"
    """Only for scripts: `after` is the state at the first reading, with `credit_lock` and `until`."""
    ORG_APPEARED = "org_appeared"
    ORG_LEFT = "org_left"
    SOURCE_CHANGED = "source_changed"
    """Another session now serves the org: the labels before and after."""
    SESSION_ENDS = "session_ends"
    """The session with the label `subject` expires within three days: `until` is its expiry in the browser.
    """
    SESSION_EXPIRED = "session_expired"
    REFUSED = "refused"
    """The server refused a request of Claude Code on this machine: `subject` is the project's folder, before
    the server's code for the lock of the credits (None if none), after the limit, `until` its reset."""
    NEW_FIELD = "new_field"
    """The reply `subject` has unknown fields: after is their paths, separated by commas."""
    STALE = "stale"
    """No update for a while: before is the time of the last figures. Without an org, the session is stale."""
    RECOVERED = "recovered"
    """Figures are up to date again; with a `subject`, the session with that label is signed in again."""


EventValue = float | str | Money | datetime | None
"""A percentage, a name or code, an amount, or a time. None if not known, or not used."""

SUBJECT_EXTRA_USAGE, SUBJECT_POOL, SUBJECT_PLAN = "extra usage", "pool", "plan"
"""Subjects of events: the person's own credits, the organization's pool, and the plan."""


class Event(NamedTuple):
    """One transition of one org or session."""

    kind: EventKind
    at: datetime
    """Time at which the transition was detected; for a window's reset, the time of the reset."""
    session: Session
    """The session that serves or served the org."""
    org: Org | None = None
    """The org concerned. None if the event concerns the whole session."""
    org_key: OrgKey | None = None
    """The org's key in the store. None if the event concerns the whole session."""
    subject: str = ""
    """A window's label, a `SUBJECT_…` constant or the name of a reply; empty if the kind needs none."""
    before: EventValue = None
    after: EventValue = None
    amount: Money | None = None
    """The part of a fall in the balance that was not spent. None for every other kind."""
    threshold: float | None = None
    """The passed percentage. None for every other kind."""
    credit_lock: CreditLock | None = None
    """The lock that an event about blocking or unblocking concerns. None for every other kind."""
    until: datetime | None = None
    """End of the new state: a reset, a date or an expiry. None if not known.

    Of LIFTED and BACK_IN_PLAN it is the end of the old state; see there."""
    endpoints: tuple[Endpoint, ...] = ()
    """Replies that showed the transition. Empty if only the clock did."""
    severity: Severity = Severity.NORMAL
    is_freed: bool = False
    """True if a full window has room again."""
    windows: tuple[str, ...] = ()
    """Labels of the windows that filled or reset at the same time, and so caused this event."""

    @property
    def is_recovery(self) -> bool:
        """True if work in the plan, the credits or current figures are possible again."""
        is_paid = self.kind is EventKind.LIFTED and self.after == VerdictState.ON_CREDITS
        return (self.is_freed or self.kind in _RECOVERY_KINDS) and not is_paid

    @property
    def owner_name(self) -> str:
        """The org's name for people, else the session's label."""
        return self.org.display_name if self.org else self.session.label


_FULL_KINDS = frozenset({EventKind.BLOCKED, EventKind.ON_CREDITS, EventKind.WAIT})
"""Kinds that a plan-wide window causes when it becomes full."""
_FREE_KINDS = frozenset({EventKind.LIFTED, EventKind.BACK_IN_PLAN})
"""Kinds that a window causes when it has room again."""
_RECOVERY_KINDS = _FREE_KINDS | {EventKind.RECOVERED}
"""Kinds that are always good news, except that work costs credits."""
_LOCK_KINDS = frozenset({EventKind.BLOCKED, EventKind.CREDITS_BLOCKED})
"""Kinds that a reached cap causes."""
_RESET_KINDS = frozenset({EventKind.WINDOW_RESET, EventKind.WINDOW_RESET_EARLY})
_NEW_STATES = (
    EventKind.BLOCKED,
    EventKind.WAIT,
    EventKind.ON_CREDITS,
    EventKind.CREDITS_BLOCKED,
    EventKind.STILL_BLOCKED,
    EventKind.LIFTED,
    EventKind.BACK_IN_PLAN,
)
ENDED_BY = {
    **dict.fromkeys(_NEW_STATES, _NEW_STATES),
    EventKind.REFUSED: (EventKind.LIFTED, EventKind.BACK_IN_PLAN),
    EventKind.STALE: (EventKind.RECOVERED,),
    EventKind.SESSION_EXPIRED: (EventKind.RECOVERED,),
}
"""The kinds of later events of an org after which an event is over."""


def merge_events(events: Sequence[Event]) -> list[Event]:
    """Return the events of one observation without those that another event of the same org implies.

    Work that is blocked implies the window that filled, and the end of a block implies the reset; the
    remaining event names these windows.
    """
    kinds: dict[OrgKey | None, set[EventKind]] = {}
    for event in events:
        kinds.setdefault(event.org_key, set()).add(event.kind)
    implied = [event for event in events if _is_implied(event, kinds[event.org_key])]
    if not implied:
        return list(events)
    dropped = {id(event) for event in implied}
    return [_name_windows(event, implied) for event in events if id(event) not in dropped]


def _is_implied(event: Event, beside: set[EventKind]) -> bool:
    """True if one of these kinds implies the event."""
    match event.kind:
        # A window of one model or surface stops nothing else, so it is a fact of its own.
        case EventKind.WINDOW_FILLED:
            return event.severity is Severity.FULL and bool(beside & _FULL_KINDS)
        case EventKind.WINDOW_RESET | EventKind.WINDOW_RESET_EARLY:
            return event.is_freed and bool(beside & _FREE_KINDS)
        case EventKind.ON_CREDITS:
            return EventKind.LIFTED in beside
        case EventKind.THRESHOLD if event.subject in (SUBJECT_EXTRA_USAGE, SUBJECT_POOL):
            return event.threshold == FULL_FROM and bool(beside & _LOCK_KINDS)
    return False


def _name_windows(event: Event, implied: Sequence[Event]) -> Event:
    """Return the event with the labels of the windows that caused it."""
    causes = _RESET_KINDS if event.kind in _FREE_KINDS else ()
    if event.kind in _FULL_KINDS:
        causes = frozenset({EventKind.WINDOW_FILLED})
    labels = (one.subject for one in implied if one.org_key == event.org_key and one.kind in causes)
    windows = tuple(dict.fromkeys(labels))
    if not windows:
        return event
    return event._replace(windows=windows, is_freed=event.is_freed or event.kind in _FREE_KINDS)


def build_refusal_event(refusal: Refusal, session: Session, org: Org | None, key: OrgKey | None) -> Event:
    """Return the event of a refusal.

    Args:
        refusal: what a transcript says.
        session: the session that serves the org, or Claude Code's login.
        org: the org that Claude Code was logged in to. None if it is not known.
        key: key of the org. None if it is not known.
    """
    return Event(
        EventKind.REFUSED,
        refusal.at,
        session,
        org,
        key,
        subject=refusal.project,
        before=refusal.credits_reason or None,
        after=refusal.limit or None,
        until=refusal.resets_at,
        severity=Severity.CRITICAL,
    )


def find_earliest(times: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest known time; None if none is known."""
    return min((time for time in times if time is not None), default=None)
