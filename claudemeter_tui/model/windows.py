"""The rolling windows of a plan, and the rest of what the usage reply means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cached_property

from claudemeter_tui.model.catalogue import WindowKind
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money

WARNING_FROM, CRITICAL_FROM, FULL_FROM = 75.0, 90.0, 100.0
"""Percent from which a figure is a warning, critical, full."""


class Severity(IntEnum):
    """How near its end an allowance is."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2
    FULL = 3

    @classmethod
    def from_percent(cls, percent: float | None) -> Severity:
        """The severity of a percentage; NORMAL where it is not known."""
        if percent is None:
            return cls.NORMAL
        return cls(sum(percent >= limit for limit in (WARNING_FROM, CRITICAL_FROM, FULL_FROM)))


@dataclass(frozen=True, slots=True)
class Window:
    """A rolling limit."""

    key: str
    """As the server names it: `five_hour`, `seven_day_opus`, `weekly_scoped:Fable`."""
    label: str
    """For people: "5-hour", "7-day Fable"; the key itself where nothing better is known."""
    kind: WindowKind = WindowKind.SCOPED
    percent: float | None = None
    """Utilization: percent of the allowance, 0 or more, may exceed 100. None: not reported."""
    resets_at: datetime | None = None
    """To the minute: the server jitters by a second. None: not started, or not reported."""
    length: timedelta | None = None
    """5 hours or 7 days. None: not known, so there is no pace mark."""
    server_severity: Severity = Severity.NORMAL
    """What the server calls it; it may raise the severity, never lower it."""
    is_active: bool = False
    """The server calls this the limit that counts now; several can be."""
    locked_reason: str | None = None
    """Set: the window counts as full, whatever its percent. Raw code."""
    used: Money | None = None
    """Of an allowance in dollars. None: the window is not one, or it is not reported."""
    limit: Money | None = None
    """Of an allowance in dollars. None: the window is not one, or it is not reported."""
    is_one_time: bool = False
    """It is given once: at `resets_at` it expires, and nothing begins anew."""

    @property
    def is_plan_wide(self) -> bool:
        """Whether the whole plan stops when this window is full."""
        return self.kind is not WindowKind.SCOPED

    @property
    def is_reported(self) -> bool:
        """Whether the reply says how much of it is used, or that it is locked."""
        return self.percent is not None or self.locked_reason is not None

    def is_due(self, now: datetime) -> bool:
        """Whether its reset has passed since it was read: its percent is then history."""
        return self.resets_at is not None and self.resets_at <= now

    def is_full(self, now: datetime) -> bool:
        """Whether it stops work now. A window whose reset has passed does not, as far as is known."""
        if self.is_due(now):
            return False
        return self.locked_reason is not None or (self.percent is not None and self.percent >= FULL_FROM)

    def is_placeholder_of(self, old: Window) -> bool:
        """Whether it says less than an earlier reply did: no figure, or 0 % without a new reset."""
        if self.locked_reason is not None:
            return False
        return self.percent is None or (self.percent == 0 and self.resets_at in (None, old.resets_at))

    def compute_severity(self, now: datetime) -> Severity:
        """The worse of the figure's severity and the server's; NORMAL once its reset is due."""
        if self.is_due(now):
            return Severity.NORMAL
        if self.locked_reason is not None:
            return Severity.FULL
        return max(Severity.from_percent(self.percent), self.server_severity)

    def compute_elapsed(self, now: datetime) -> float | None:
        """The part of the window's time that has passed, 0 to 1; None where start or length is unknown."""
        if self.resets_at is None or self.length is None or self.is_due(now):
            return None
        return min(1.0, max(0.0, 1 - (self.resets_at - now) / self.length))


UNKNOWN_RESET = datetime.max.replace(tzinfo=UTC)
"""Stands in for a reset that nobody knows, which comes last."""


@dataclass(frozen=True, slots=True)
class SavedReset:
    """A grant of an early limit reset (`cedar_ember`)."""

    resets_left: int | None
    """None: not reported."""
    usable_now: bool
    ends_at: datetime | None
    """None: not reported."""


@dataclass(frozen=True, slots=True)
class SurfaceShare:
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
    saved_resets: tuple[SavedReset, ...] = ()
    shares: tuple[SurfaceShare, ...] = ()
    is_reported: bool = True
    """False: the reply was empty (`{}`)."""

    @cached_property
    def wide_windows(self) -> tuple[Window, ...]:
        """The windows that stop the whole plan."""
        return tuple(window for window in self.windows if window.is_plan_wide)

    def find_full_windows(self, now: datetime) -> tuple[Window, ...]:
        """Plan-wide windows that are full; the one that binds (resets last, or nobody knows when) first."""
        found = [window for window in self.wide_windows if window.is_full(now)]
        return tuple(sorted(found, key=_get_reset_time, reverse=True))


def _get_reset_time(window: Window) -> datetime:
    return window.resets_at or UNKNOWN_RESET
