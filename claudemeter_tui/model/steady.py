"""What is believed of replies that flap: a figure that vanishes must stay away before it counts as gone.

The server now and then sends a placeholder (a window of 0 % without a reset), a null in place of an
object, or a reset that is a second off. What is only doubtful is replaced by what was believed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from claudemeter_tui.model.reading import Endpoint, Reply, Value
from claudemeter_tui.model.usage import Balance, Meter, Plan, Window

HELD_FOR = 3
"""Replies in a row that must lack a figure before it counts as gone."""
EARLY = timedelta(minutes=2)
"""A reset that is seen this long before its time is on time: clocks differ."""
MOVED = timedelta(minutes=5)
"""A reset that is off by less has not moved."""
FELL = 5.0
"""Percentage points by which a window must fall to count as reset early; the server rounds."""


@dataclass(frozen=True, slots=True)
class WindowWatch:
    """One window: what is believed of it, and what was told."""

    window: Window
    doubts: int = 0
    """Replies in a row that were not believed."""
    full: bool = False
    passed: float = 0.0
    """The highest threshold that was passed in this period; 0 for none."""
    over: bool = False
    """Its reset is past, and was told."""

    @property
    def in_use(self) -> bool:
        """Whether anything would change with a reset."""
        return bool(self.window.percent) or self.window.locked_reason is not None

    def believes(self, new: Window | None, at: datetime) -> bool:
        """Whether what a reply says of the window, read at `at`, can stand; None: it says nothing."""
        return self.doubts + 1 >= HELD_FOR or not _is_doubtful(self.window, new, at)

    def filled_in(self, new: Window, at: datetime) -> Window:
        """The new figures, with the reset that is known where only that is missing."""
        known = self.window.resets_at
        if new.resets_at is None and new.percent and known is not None and known > at:
            return replace(new, resets_at=known)
        return new

    def is_reset(self, new: Window, at: datetime) -> bool:
        """Whether the new figures belong to a period that began when this one was due."""
        old = self.window.resets_at
        if self.over:
            return not new.is_due(at)
        return old is not None and at >= old - EARLY and (new.resets_at is None or _later(new, old))

    def is_early(self, new: Window, at: datetime) -> bool:
        """Whether the window has room again before it was due."""
        old = self.window
        if self.full and not new.is_full(at):
            return True
        return old.percent is not None and new.percent is not None and new.percent < old.percent - FELL

    def is_moved(self, new: Window) -> bool:
        """Whether the reset is at another time."""
        old = self.window.resets_at
        return old is not None and new.resets_at is not None and abs(new.resets_at - old) >= MOVED


def _is_doubtful(old: Window, new: Window | None, at: datetime) -> bool:
    """Whether a running window has vanished, lost its figure, or stands at 0 % without a new reset."""
    if old.is_due(at) or (not old.percent and old.locked_reason is None):
        return False
    if new is None:
        return True
    if new.locked_reason is not None:
        return False
    return new.percent is None or (new.percent == 0 and new.resets_at in (None, old.resets_at))


def _later(new: Window, old: datetime) -> bool:
    return new.resets_at is not None and new.resets_at >= old + MOVED


@dataclass(frozen=True, slots=True)
class Steady:
    """The replies that are believed, each the newest one or one shortly before it."""

    replies: Mapping[Endpoint, Reply] = field(default_factory=dict)
    doubts: Mapping[Endpoint, int] = field(default_factory=dict)
    """Replies in a row that were not believed; what is believed has none."""

    def after(self, fresh: Mapping[Endpoint, Reply], windows: tuple[Window, ...]) -> Steady:
        """What is believed after these new replies, with these windows in the usage reply."""
        replies, doubts = dict(self.replies), dict(self.doubts)
        for endpoint, reply in fresh.items():
            believed, doubtful = self._believed(endpoint, reply, windows)
            replies[endpoint] = believed
            doubts[endpoint] = doubts.get(endpoint, 0) + 1 if doubtful else 0
        return Steady(replies, {endpoint: count for endpoint, count in doubts.items() if count})

    def _believed(self, endpoint: Endpoint, new: Reply, windows: tuple[Window, ...]) -> tuple[Reply, bool]:
        """The reply to believe, and whether the new one is doubtful."""
        old = self.replies.get(endpoint)
        held = self.doubts.get(endpoint, 0) + 1 < HELD_FOR and old is not None
        if endpoint is Endpoint.USAGE:
            was = old.value if held and old is not None else None
            return _with_plan(new, was, windows)
        if held and old is not None and _is_null(new.value) and not _is_null(old.value):
            return old, True
        return new, False


def _is_null(value: Value) -> bool:
    """Whether a reply about credits says nothing."""
    match value:
        case Meter():
            return value.enabled is None and value.used is None and value.reason is None
        case Balance():
            return value.amount is None
        case None:
            return True
    return False


def _with_plan(new: Reply, was: Value, windows: tuple[Window, ...]) -> tuple[Reply, bool]:
    """The usage reply with the believed windows, and the meters that it has lost only now."""
    plan = new.value if isinstance(new.value, Plan) else Plan(reported=False)
    lost = tuple(_lost(plan, was)) if isinstance(was, Plan) else ()
    if windows == plan.windows and not lost:
        return new, False
    reported = plan.reported or bool(windows)
    return replace(
        new, value=replace(plan, windows=windows, meters=(*plan.meters, *lost), reported=reported)
    ), bool(lost)


def _lost(plan: Plan, was: Plan) -> Iterator[Meter]:
    origins = {meter.origin for meter in plan.meters}
    return (meter for meter in was.meters if meter.origin not in origins)
