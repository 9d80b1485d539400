"""The answer for one org: can I work, am I paying, when does it lift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Trouble
from claudemeter_tui.model.usage import CreditState, Grant, Window
from claudemeter_tui.model.verdict.payment import Payment
from claudemeter_tui.model.verdict.shut import Cause, Shut


class State(StrEnum):
    """The answer to "can I go on working?", worst first."""

    BLOCKED = "blocked"
    WAIT = "wait"
    ON_CREDITS = "on_credits"
    UNKNOWN = "unknown"
    CAN_WORK = "can_work"


class Lift(StrEnum):
    """The side on which work can go on."""

    WINDOW = "window"
    CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class Spending:
    """What was seen of spending since work goes beyond the plan."""

    spent: Money | None
    """The sum of the rises of used credits. None: they are not reported."""
    since: datetime
    """From when on."""
    filled: str | None = None
    """The label of the window that was seen to fill then. None: it is when it was first read."""
    rose_at: datetime | None = None
    """When the last rise was seen. None: none yet."""
    pooled: bool = False
    """Whether it is the organization's pool, not one's own share."""
    rate: Money | None = None
    """How fast since then, in money per hour. None: steady, or too little to say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one org at one moment, with all that its words need."""

    state: State
    credits: CreditState = CreditState.UNKNOWN
    cause: Cause | None = None
    """Of the state; for CAN WORK, of the lock on credits. None: nothing is in the way."""
    full: tuple[Window, ...] = ()
    """Plan-wide windows that are full; the one that binds (resets last, or nobody knows when) first."""
    scoped: tuple[Window, ...] = ()
    """Full windows that stop only their own model or surface."""
    fullest: Window | None = None
    """The plan-wide window with the highest percent, due ones left out. None: none has a figure."""
    due: tuple[Window, ...] = ()
    """Plan-wide windows whose reset has passed since they were read."""
    unreported: tuple[Window, ...] = ()
    """Plan-wide windows without a figure."""
    shuts: tuple[Shut, ...] = ()
    """What keeps the credits from being open, locks first; empty where they are open or absent."""
    lifts: datetime | None = None
    """When this ends at the earliest, after the verdict's moment.

    WAIT, ON CREDITS: the binding window's reset. BLOCKED: the first of that and of the credits. None: not
    known, or there is nothing to lift.
    """
    first: Lift | None = None
    """The side that `lifts` belongs to."""
    opens: datetime | None = None
    """When the credits open by themselves: the last date of `shuts`. None: one of them has none."""
    grant: Grant | None = None
    """An early reset that can be used now; only where a plan-wide window is full."""
    payment: tuple[Payment, ...] = ()
    spending: Spending | None = None
    """Only of ON CREDITS."""
    read_at: datetime | None = None
    """When the figures were read. None: never."""
    stale: bool = False
    """Older than two intervals."""
    trouble: Trouble | None = None
    """What keeps the figures from being read now. None: nothing that this org knows of."""
    was: Verdict | None = None
    """What it was when last read, where only age makes it UNKNOWN."""

    @property
    def reason(self) -> str | None:
        """The raw code of what shuts the credits first. None: there is none."""
        return self.shuts[0].reason if self.shuts else None

    @property
    def until(self) -> datetime | None:
        """The date of what shuts the credits first. None: there is none."""
        return self.shuts[0].until if self.shuts else None

    @property
    def locked(self) -> bool:
        """Whether the credits are locked."""
        return self.credits is CreditState.LOCKED
