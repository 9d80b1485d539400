"""Where an org stands by its verdict: on credits, blocked, lifted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from claudemeter_tui.model.events import EXTRA_USAGE, PLAN, Kind, Telling
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.usage import Credits, CreditState, Severity
from claudemeter_tui.model.verdict import Shut, State, Verdict
from claudemeter_tui.model.watch.purse import endpoint_of

WORKING = (State.CAN_WORK, State.ON_CREDITS)


@dataclass(frozen=True, slots=True)
class Stand:
    """The last verdict that was certain."""

    state: State | None = None
    """Never UNKNOWN. None: nothing was certain yet."""
    locked: bool | None = None
    """Whether the credits are locked. None: that was never certain."""
    shut: Shut | None = None
    """What locks them first. None: they are not locked."""
    due: datetime | None = None
    """When a lock ends by its date. None: none does."""

    def after(self, verdict: Verdict, tell: Telling, credits_: Credits) -> Stand:
        """Where the org stands by one more verdict, on these credits; what is not certain changes nothing."""
        certain = verdict.credits is not CreditState.UNKNOWN
        unsure = verdict.state is State.UNKNOWN or (verdict.state is State.WAIT and not certain)
        due = min((shut.until for shut in verdict.shuts if shut.until is not None), default=None)
        new = Stand(
            state=self.state if unsure else verdict.state,
            locked=verdict.locked if certain else self.locked,
            shut=(verdict.shuts[0] if verdict.locked else None) if certain else self.shut,
            due=due,
        )
        if self.state is not None and new.state is not self.state:
            self._moved(new, verdict, _read(credits_, tell.now), tell)
        if self.locked is not None and (new.locked, new.shut) != (self.locked, self.shut):
            self._relocked(new, verdict, _read(credits_, tell.now), tell)
        return new

    def _moved(self, new: Stand, verdict: Verdict, replies: tuple[Endpoint, ...], tell: Telling) -> None:
        """Tell how another state was reached."""
        states = {"before": self.state, "after": new.state, "replies": replies}
        if new.state is State.BLOCKED:
            lock = {"shut": new.shut, "until": verdict.lifts, "severity": Severity.FULL}
            tell(Kind.BLOCKED, **states, **lock)
        if self.state is State.BLOCKED and new.state in WORKING:
            tell(Kind.LIFTED, subject=PLAN if new.locked else EXTRA_USAGE, shut=self.shut, **states)
        if new.state is State.ON_CREDITS:
            full = next(iter(verdict.full), None)
            window = {"after": full.label if full else None, "until": full.resets_at if full else None}
            tell(Kind.ON_CREDITS, severity=Severity.CRITICAL, **(states | window))
        elif new.state is State.WAIT and self.state is not State.CAN_WORK:
            tell(Kind.WAIT, until=verdict.lifts, severity=Severity.FULL, **states)
        elif self.state is State.ON_CREDITS and new.state is State.CAN_WORK:
            tell(Kind.BACK_IN_PLAN, **states)

    def _relocked(self, new: Stand, verdict: Verdict, replies: tuple[Endpoint, ...], tell: Telling) -> None:
        """Tell of a lock beside room in the plan, of its end, and of another lock in its place."""
        lock = {"shut": new.shut, "until": verdict.opens, "replies": replies}
        if new.locked and not self.locked and new.state is not State.BLOCKED:
            tell(Kind.CREDITS_BLOCKED, severity=Severity.CRITICAL, **lock)
        elif self.locked and not new.locked and self.state is not State.BLOCKED:
            states = {"before": self.state, "after": new.state, "replies": replies}
            tell(Kind.LIFTED, subject=EXTRA_USAGE, shut=self.shut, **states)
        elif self.locked and new.locked and new.state is self.state and _name(self.shut) != _name(new.shut):
            codes = {"before": _name(self.shut), "after": _name(new.shut)}
            tell(Kind.STILL_BLOCKED, severity=Severity.CRITICAL, **lock, **codes)


def _name(shut: Shut | None) -> str | None:
    """What tells two locks apart."""
    return (shut.reason or shut.cause) if shut is not None else None


def _read(credits_: Credits, now: datetime) -> tuple[Endpoint, ...]:
    """The replies that a verdict rests on."""
    meter = credits_.shut(now) or credits_.lead
    return tuple(dict.fromkeys((Endpoint.USAGE, *([endpoint_of(meter)] if meter else ()))))
