"""The rolling windows of a plan and the other content of the usage reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from claudemeter_tui.model.catalogue import WindowKind, WindowScope
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.resets import SavedResets, SessionReset

WARNING_FROM, CRITICAL_FROM, FULL_FROM = 75.0, 90.0, 100.0
"""Percentages from which a figure counts as a warning, as critical, as full."""


class Severity(IntEnum):
    """Severity of a percentage used."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2
    FULL = 3

    @classmethod
    def from_percent(cls, percent: float | None) -> Severity:
        """Return the severity of a percentage; NORMAL if it is None."""
        if percent is None:
            return cls.NORMAL
        return cls(sum(percent >= limit for limit in (WARNING_FROM, CRITICAL_FROM, FULL_FROM)))


class Window(NamedTuple):
    """A rolling limit."""

    key: str
    """Name from the server: `five_hour`, `seven_day_opus`, `weekly_scoped:Fable`."""
    label: str
    """Label on screen: "5-hour", "7-day Fable"; the key if no label is known."""
    kind: WindowKind = WindowKind.SCOPED
    percent: float | None = None
    """Utilization in percent, 0 or more; may exceed 100. None if not reported."""
    resets_at: datetime | None = None
    """Reset, rounded to the minute because the server's time jitters by a second. None if the window has not
    started, or the reset is not reported.
    """
    length: timedelta | None = None
    """Time from start to reset, 5 hours or 7 days. None if not known; the bar then has no pace mark."""
    server_severity: Severity = Severity.NORMAL
    """Severity from the server; it can raise the computed severity, never lower it."""
    is_active: bool = False
    """True if the server calls this limit active; several windows can be active."""
    locked_reason: str | None = None
    """Raw code of a lock; the window then counts as full, whatever its percentage. None if not locked."""
    used: Money | None = None
    """Used part of a dollar allowance. None for other windows, or if not reported."""
    limit: Money | None = None
    """Size of a dollar allowance. None for other windows, or if not reported."""
    is_one_time: bool = False
    """True if the key shows that it is granted once and expires at `resets_at`, whatever its figures."""
    scope: WindowScope | None = None
    """The part of all use that a full window stops. None if it is the whole plan, or not known."""
    continues_on_credits: bool = False
    """True if the window's model continues on open usage credits while the window is full."""

    @property
    def is_plan_wide(self) -> bool:
        """True if a full window of this kind stops the whole plan; a dollar allowance never does."""
        return self.kind is not WindowKind.SCOPED and not self.is_allowance

    @property
    def is_allowance(self) -> bool:
        """True if it expires at `resets_at` and does not start again, like every dollar allowance."""
        return self.is_one_time or self.limit is not None

    @property
    def is_reported(self) -> bool:
        """True if the reply has a percentage or a lock for this window."""
        return self.percent is not None or self.locked_reason is not None

    def is_due(self, now: datetime) -> bool:
        """Return True if the reset has passed since the reading; the percentage is then out of date."""
        return self.resets_at is not None and self.resets_at <= now

    def is_full(self, now: datetime) -> bool:
        """Return True if the window stops work now; False for a due window, whose state is not known."""
        if self.is_due(now):
            return False
        return self.locked_reason is not None or (self.percent is not None and self.percent >= FULL_FROM)

    def is_placeholder_of(self, old: Window) -> bool:
        """Return True if this has less than an earlier window: no figure, or 0% without a new reset."""
        if self.locked_reason is not None:
            return False
        return self.percent is None or (self.percent == 0 and self.resets_at in (None, old.resets_at))

    def compute_severity(self, now: datetime) -> Severity:
        """Return the worse of the percentage's severity and the server's; NORMAL if due, FULL if locked."""
        if self.is_due(now):
            return Severity.NORMAL
        if self.locked_reason is not None:
            return Severity.FULL
        return max(Severity.from_percent(self.percent), self.server_severity)

    def compute_elapsed(self, now: datetime) -> float | None:
        """Return the elapsed part of the window, 0 to 1. None if due, or if reset or length is unknown."""
        if self.resets_at is None or self.length is None or self.is_due(now):
            return None
        return min(1.0, max(0.0, 1 - (self.resets_at - now) / self.length))


UNKNOWN_RESET = datetime.max.replace(tzinfo=UTC)
"""Sort key of an unknown reset, which counts as the latest."""


class SurfaceShare(NamedTuple):
    """Share of one surface in the week's use (`seven_day_breakdown`)."""

    label: str
    percent: float
    """Share in percent, 0 to 100."""


@dataclass(frozen=True)
class Plan:
    """The parsed usage reply."""

    windows: tuple[Window, ...] = ()
    """Windows in display order. Empty if the plan has none."""
    meters: tuple[Meter, ...] = ()
    """Meters of `extra_usage` and `spend`; one that reports nothing is left out."""
    saved_resets: SavedResets = field(default_factory=SavedResets)
    session_reset: SessionReset | None = None
    """The weekly session reset. None if the reply has none."""
    shares: tuple[SurfaceShare, ...] = ()
    is_reported: bool = True
    """False if the reply was empty (`{}`)."""

    @cached_property
    def wide_windows(self) -> tuple[Window, ...]:
        """The windows that stop the whole plan."""
        return tuple(window for window in self.windows if window.is_plan_wide)

    def find_full_windows(self, now: datetime) -> tuple[Window, ...]:
        """Return the full plan-wide windows, the latest reset first; an unknown reset counts as latest."""
        found = [window for window in self.wide_windows if window.is_full(now)]
        return tuple(sorted(found, key=lambda window: window.resets_at or UNKNOWN_RESET, reverse=True))
