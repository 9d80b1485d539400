"""A past moment, as the archive knows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from claudemeter_tui.model.archive_rows import FigureRow, Owner
from claudemeter_tui.model.catalogue import WINDOWS, CreditState, WindowKind
from claudemeter_tui.model.events import SUBJECT_PLAN, Event, EventKind
from claudemeter_tui.model.history import CREDITS_FIGURE, VERDICT_FIGURE, WINDOW_PREFIX
from claudemeter_tui.model.store import UNKNOWN_AFTER, OrgKey, Store
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import FULL_FROM, UNKNOWN_RESET

EVENTS_SPAN = timedelta(days=1)
"""Time before a past moment whose events are shown."""


class PastFigures(NamedTuple):
    """The last figures of one org at a past moment, without the replies that they are from."""

    at: datetime
    key: OrgKey
    owner: Owner
    rows: tuple[FigureRow, ...]
    """The last value of each figure, read at the moment or before it; never empty.

    A state that only the time has changed since its last reading begins after that reading.
    """

    @property
    def verdict(self) -> FigureRow | None:
        """The verdict as it was stored. None if it was not confirmed within the 15 minutes before."""
        found = (row for row in self.rows if row.figure == VERDICT_FIGURE)
        return next((row for row in found if self.at - row.confirmed_at <= UNKNOWN_AFTER), None)

    def is_due(self, row: FigureRow) -> bool:
        """Return True if the row is a window whose reset has passed; its percentage is then out of date."""
        return row.resets_at is not None and row.resets_at <= self.at

    @property
    def state(self) -> VerdictState:
        """The state of the verdict; UNKNOWN if nothing was read then."""
        known = {each.value: each for each in VerdictState}
        return (
            known.get(str(self.verdict.value), VerdictState.UNKNOWN) if self.verdict else VerdictState.UNKNOWN
        )


def apply_time(figures: PastFigures, events: Sequence[Event]) -> PastFigures:
    """Return the figures with the states that only the time has changed since they were read.

    As on the dashboard of that time, a window whose reset has passed stops nothing. The date at which a lock
    of the credits ends is not kept, but the event at its end is.

    Args:
        figures: the figures as they were read.
        events: the events of the org until the moment, oldest first.
    """
    verdict = figures.verdict
    if verdict is None:
        return figures
    changed = _find_lift(figures, verdict, events)
    verdict = changed.get(VERDICT_FIGURE, verdict)
    stopping = _list_stopping_windows(figures, verdict)
    if stopping and all(map(figures.is_due, stopping)):
        dates = [row.resets_at for row in stopping if row.resets_at is not None]
        cause = verdict.cause if verdict.value == VerdictState.BLOCKED else ""  # the lock stays
        began_at = max(verdict.first_at, *dates)
        verdict = verdict._replace(value=VerdictState.CAN_WORK.value, first_at=began_at, cause=cause)
        changed[VERDICT_FIGURE] = verdict
    return figures._replace(rows=tuple(changed.get(row.figure, row) for row in figures.rows))


def _find_lift(figures: PastFigures, verdict: FigureRow, events: Sequence[Event]) -> dict[str, FigureRow]:
    """Return verdict and credits after the last block that ended without a reading. Empty if none did."""
    lifts = (one for one in reversed(events) if one.kind is EventKind.LIFTED)
    lift = next((one for one in lifts if one.at > verdict.confirmed_at), None)
    if lift is None or lift.after not in [*VerdictState]:
        return {}
    changed = verdict._replace(value=str(lift.after), first_at=lift.at, cause="")
    if lift.subject == SUBJECT_PLAN:
        return {VERDICT_FIGURE: changed._replace(cause=verdict.cause)}
    state = CreditState.UNKNOWN
    if lift.after == VerdictState.ON_CREDITS:
        state = CreditState.OPEN
        full = [row for row in _list_full_windows(figures) if not figures.is_due(row)]
        last = max(full, key=lambda row: row.resets_at or UNKNOWN_RESET, default=None)
        changed = changed._replace(cause=last.figure.removeprefix(WINDOW_PREFIX) if last is not None else "")
    credits_ = (row for row in figures.rows if row.figure == CREDITS_FIGURE)
    unlocked = (row._replace(value=state.value, first_at=lift.at, cause="") for row in credits_)
    return {row.figure: row for row in (changed, *unlocked)}


def _list_stopping_windows(figures: PastFigures, verdict: FigureRow) -> list[FigureRow]:
    """Return the windows without which the plan would have room; empty if none is known."""
    if verdict.value == VerdictState.BLOCKED:
        return _list_full_windows(figures)
    if verdict.value in (VerdictState.WAIT, VerdictState.ON_CREDITS):  # the cause is the last one to reset
        return [row for row in figures.rows if row.figure == f"{WINDOW_PREFIX}{verdict.cause}"]
    return []


def _list_full_windows(figures: PastFigures) -> list[FigureRow]:
    """Return the full windows that stop the whole plan."""
    names = {f"{WINDOW_PREFIX}{key}" for key, fact in WINDOWS.items() if fact.kind is not WindowKind.SCOPED}
    return [
        row
        for row in figures.rows
        if row.figure in names and isinstance(row.value, float) and row.value >= FULL_FROM
    ]


class PastMoment(NamedTuple):
    """Everything known at a past moment."""

    at: datetime
    key: OrgKey
    """The org of which every reading of some hours is known; of the others, only the last minutes."""
    store: Store
    """Without the org if the replies about it are no longer kept."""
    events: tuple[Event, ...] = ()
    """Events of the day before the moment, oldest first."""
    figures: PastFigures | None = None
    """Figures of the org, only if its replies of that time are no longer kept."""
    lacks_events: bool = False
    """True if it is the earliest event, although a search went further back."""
