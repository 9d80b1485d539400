"""What the usage reply means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from claudemeter_tui.model.usage.credits import Meter
from claudemeter_tui.model.usage.window import Window

NEVER = datetime.max.replace(tzinfo=UTC)
"""Stands in for a reset that nobody knows, which comes last."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant of an early limit reset (`cedar_ember`)."""

    resets_left: int | None
    """None: not reported."""
    usable_now: bool
    ends_at: datetime | None
    """None: not reported."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the week one surface used (`seven_day_breakdown`)."""

    label: str
    percent: float
    """Percent of the week's use, 0 to 100."""


@dataclass(frozen=True)
class Plan:
    """What the usage reply means."""

    windows: tuple[Window, ...] = ()
    """In the order they are shown. Empty: no windows on this plan."""
    meters: tuple[Meter, ...] = ()
    """`extra_usage` and `spend`, where they report anything."""
    grants: tuple[Grant, ...] = ()
    shares: tuple[Share, ...] = ()
    reported: bool = True
    """False: the reply was empty (`{}`)."""

    @cached_property
    def wide(self) -> tuple[Window, ...]:
        """The windows that stop the whole plan."""
        return tuple(window for window in self.windows if window.plan_wide)

    def full(self, now: datetime) -> tuple[Window, ...]:
        """Plan-wide windows that are full; the one that binds (resets last, or nobody knows when) first."""
        found = [window for window in self.wide if window.is_full(now)]
        return tuple(sorted(found, key=_reset, reverse=True))


def _reset(window: Window) -> datetime:
    return window.resets_at or NEVER
