"""One window: filled, past a threshold, reset, moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from claudemeter_tui.model.events import Kind, Telling, Thresholds, reached
from claudemeter_tui.model.reading import Endpoint
from claudemeter_tui.model.usage import FULL_FROM, Severity, Window
from claudemeter_tui.model.watch import HELD_FOR

EARLY = timedelta(minutes=2)
"""A reset that is seen this long before its time is on time: clocks differ."""
MOVED = timedelta(minutes=5)
"""A reset that is off by less has not moved."""
FELL = 5.0
"""Percentage points by which a window must fall to count as reset early; the server rounds."""
USAGE = (Endpoint.USAGE,)


@dataclass(frozen=True, slots=True)
class WindowWatch:
    """What is believed of a window, and what was told."""

    window: Window
    doubts: int = 0
    """Replies in a row that were not believed."""
    full: bool = False
    passed: float = 0.0
    """The highest threshold that was passed in this period; 0 for none."""
    over: bool = False
    """Its reset is past, and was told."""

    @classmethod
    def first(cls, window: Window, now: datetime, thresholds: Thresholds) -> WindowWatch:
        """A window that is seen for the first time: what is so already is not told."""
        passed = reached(window.percent, thresholds)
        return cls(window, full=window.is_full(now), passed=passed, over=window.is_due(now))

    @property
    def ends(self) -> datetime | None:
        """When its reset is to be told by the clock. None: it is not known, or was told."""
        return None if self.over else self.window.resets_at

    def read(self, new: Window | None, thresholds: Thresholds, tell: Telling) -> WindowWatch | None:
        """The watch after one more reply; None: the reply has no such window, or it is gone."""
        if self.doubts + 1 < HELD_FOR and self._doubts(new, tell.now):
            return replace(self, doubts=self.doubts + 1)
        if new is None:
            return None
        if new == self.window and not self.doubts:
            return self
        new = self._completed(new, tell.now)
        return self._turned(new, thresholds, tell).risen(new, thresholds, tell)

    def ticked(self, tell: Telling) -> WindowWatch:
        """The watch after the clock: a reset that has come is told even where nothing can be read."""
        old = self.window
        if self.over or not old.is_due(tell.now):
            return self
        if self._in_use:
            figures = {"before": old.percent, "freed": self.full}
            tell(Kind.WINDOW_RESET, at=old.resets_at, subject=old.label, **figures)
        return replace(self, over=True, full=False, passed=0.0)

    @property
    def _in_use(self) -> bool:
        """Whether a reset would change anything."""
        return bool(self.window.percent) or self.window.locked_reason is not None

    def _doubts(self, new: Window | None, now: datetime) -> bool:
        """Whether a running window has vanished, lost its figure, or stands at 0 % without a new reset."""
        old = self.window
        if old.is_due(now) or not self._in_use:
            return False
        return new is None or new.is_placeholder_of(old)

    def _completed(self, new: Window, now: datetime) -> Window:
        """The new figures, with the reset that is known where only that is missing."""
        known = self.window.resets_at
        if new.resets_at is None and new.percent and known is not None and known > now:
            return replace(new, resets_at=known)
        return new

    def _turned(self, new: Window, thresholds: Thresholds, tell: Telling) -> WindowWatch:
        """The watch for the period that the new figures belong to."""
        old, freed = self.window, self.full and not new.is_full(tell.now)
        if self._is_reset(new, tell.now):
            if self._in_use and not self.over:
                percents = {"before": old.percent, "after": new.percent}
                tell(Kind.WINDOW_RESET, subject=old.label, replies=USAGE, freed=freed, **percents)
            return WindowWatch(replace(new, percent=None))
        if self._is_early(new, tell.now):
            figures = {"before": old.percent, "after": new.percent, "freed": freed}
            tell(Kind.WINDOW_RESET_EARLY, subject=old.label, replies=USAGE, until=old.resets_at, **figures)
            return WindowWatch(new, passed=reached(new.percent, thresholds))
        if self._is_moved(new):
            times = {"before": old.resets_at, "after": new.resets_at, "until": new.resets_at}
            tell(Kind.WINDOW_MOVED, subject=old.label, replies=USAGE, **times)
        return replace(self, doubts=0) if self.doubts else self

    def _is_reset(self, new: Window, now: datetime) -> bool:
        """Whether the new figures belong to a period that began when this one was due."""
        old = self.window.resets_at
        if self.over:
            return not new.is_due(now)
        later = new.resets_at is None or (old is not None and new.resets_at >= old + MOVED)
        return old is not None and now >= old - EARLY and later

    def _is_early(self, new: Window, now: datetime) -> bool:
        """Whether the window has room again before it was due."""
        if self.full and not new.is_full(now):
            return True
        if self.over or self.window.percent is None or new.percent is None:
            return False
        return min(new.percent, FULL_FROM) < min(self.window.percent, FULL_FROM) - FELL

    def _is_moved(self, new: Window) -> bool:
        old, now = self.window.resets_at, new.resets_at
        return old is not None and now is not None and not self.over and abs(now - old) >= MOVED

    def risen(self, new: Window, thresholds: Thresholds, tell: Telling) -> WindowWatch:
        """The watch with the new figures, after telling what they have reached."""
        full = new.is_full(tell.now)
        passed = self.passed if self.over else max(self.passed, reached(new.percent, thresholds))
        figures = {"before": self.window.percent, "after": new.percent, "until": new.resets_at}
        if full and not self.full:
            severity = Severity.FULL if new.plan_wide else Severity.CRITICAL
            tell(Kind.WINDOW_FILLED, subject=new.label, severity=severity, replies=USAGE, **figures)
        elif passed > self.passed and not full:
            more = {"threshold": passed, "severity": Severity.of(new.percent), **figures}
            tell(Kind.THRESHOLD, subject=new.label, replies=USAGE, **more)
        return WindowWatch(new, 0, full, passed, self.over)
