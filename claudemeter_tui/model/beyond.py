"""Since when work goes beyond the plan: the moment from which spending is counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from claudemeter_tui.model.samples import Series
from claudemeter_tui.model.usage import Plan, Window


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at an org knows that matters here."""

    at: datetime
    """When its usage was read."""
    plan: Plan
    series: Series


@dataclass(frozen=True, slots=True)
class Beyond:
    """A time in which the plan has nothing left: a plan-wide window is full, or there is none at all."""

    since: datetime
    """When it was first read so."""
    filled: str | None
    """The label of the window that was seen to fill then. None: nothing was, it is the first reading."""
    rise: Decimal
    """How much the series had risen by then, minor units."""
    window: Window | None = None
    """The full window that resets last. None: the plan has no plan-wide window."""

    def holds(self, plan: Plan) -> bool:
        """Whether it goes on by a reply in which no window is full: it may be a placeholder."""
        if self.window is None:
            return False
        found = next((one for one in plan.windows if one.key == self.window.key), None)
        return found is None or found.is_placeholder_of(self.window)


def beyond_after(known: Beyond | None, old: Seen | None, new: Seen | None, most: timedelta) -> Beyond | None:
    """Since when the plan has nothing left, after one more look. None: it has, or that is not known.

    Args:
        known: The answer before.
        old: What was known before. None: nothing.
        new: What is known now. None: nothing.
        most: A longer pause between the two is a gap: what happened in it was not seen.
    """
    if new is None:
        return None
    if old is not None and (old.series.origin, old.series.unit) != (new.series.origin, new.series.unit):
        known, old = known and replace(known, since=new.at, filled=None, rise=new.series.rise), None
    if known is not None and known.window is not None and known.window.is_due(new.at):
        known = None
    full = next(iter(new.plan.full(new.at)), None)
    if full is None and (new.plan.wide or not new.plan.reported):
        return known if known is not None and known.holds(new.plan) else None
    if known is not None:
        return known if full == known.window else replace(known, window=full)
    if full is not None and old is not None and new.at - old.at <= most and _has_room(old):
        return Beyond(new.at, full.label, old.series.rise, full)
    return Beyond(new.at, None, new.series.rise, full)


def _has_room(seen: Seen) -> bool:
    return any(window.reported for window in seen.plan.wide) and not seen.plan.full(seen.at)
