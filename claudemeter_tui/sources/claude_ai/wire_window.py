"""One window of a usage body: its shapes, its name, and the scale of its utilization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

from claudemeter_tui.model.usage import Severity, Window, WindowKind
from claudemeter_tui.sources.claude_ai.fields import MOST_PERCENT, Dollars, Flag, Minute, Percent, Text
from claudemeter_tui.sources.claude_ai.lenient import Shape

NEAR = 5
"""Percent points within which a `limits[]` entry vouches for a utilization of 1 or more as a fraction."""
HOURS_5, DAYS_7 = timedelta(hours=5), timedelta(days=7)
SEVERITIES = {"normal": Severity.NORMAL, "warning": Severity.WARNING, "critical": Severity.CRITICAL}


class Rank(IntEnum):
    """The order in which windows are shown."""

    SESSION = 0
    WEEKLY = 1
    WEEKLY_SCOPED = 2
    OTHER = 3
    DOLLARS = 4


class WindowShape(Shape):
    """A window beside others in the body, as it was before `limits[]`."""

    utilization: Percent = None
    resets_at: Minute = None
    limit_dollars: Dollars = None
    used_dollars: Dollars = None
    remaining_dollars: Dollars = None
    locked_reason: Text = None

    @property
    def in_dollars(self) -> bool:
        """Whether it is an allowance in dollars."""
        return self.limit_dollars is not None or self.used_dollars is not None


class EntryShape(Shape):
    """An element of `limits[]`."""

    kind: Text = None
    group: Text = None
    percent: Percent = None
    severity: Text = None
    scope: Any = None
    resets_at: Minute = None
    is_active: Flag = None
    locked_reason: Text = None


NO_BODY, NO_ENTRY = WindowShape(), EntryShape()
"""What stands for a place in the body that names no such window."""


@dataclass(frozen=True, slots=True)
class Found:
    """A window as it was met, its scale not yet known."""

    key: str
    label: str
    rank: Rank = Rank.OTHER
    length: timedelta | None = None
    body: WindowShape = NO_BODY
    entry: EntryShape = NO_ENTRY
    once: bool = False
    """It expires where others reset."""

    @property
    def kind(self) -> WindowKind:
        """What a full one stops."""
        plan_wide = {Rank.SESSION: WindowKind.SESSION, Rank.WEEKLY: WindowKind.WEEKLY}
        return plan_wide.get(self.rank, WindowKind.SCOPED)

    @property
    def is_fraction(self) -> bool:
        """Whether its utilization counts from 0 to 1; for exactly 1 only `limits[]` can tell."""
        value, beside = self.body.utilization, self.entry.percent
        if value is None:
            return False
        if beside is None:
            return 0 < value < 1 and not self.body.in_dollars
        nearer = abs(100 * value - beside) < abs(value - beside)
        return nearer and (value < 1 or abs(100 * value - beside) <= NEAR)

    @property
    def is_one(self) -> bool:
        """Whether its utilization can be read both ways, and only the other windows can tell."""
        return self.body.utilization == 1 and self.entry.percent is None and not self.body.in_dollars


LEGACY: dict[str, Found] = {
    found.key: found
    for found in (
        Found("five_hour", "5-hour", Rank.SESSION, HOURS_5),
        Found("seven_day", "7-day all", Rank.WEEKLY, DAYS_7),
        Found("seven_day_sonnet", "7-day Sonnet", Rank.WEEKLY_SCOPED, DAYS_7),
        Found("seven_day_opus", "7-day Opus", Rank.WEEKLY_SCOPED, DAYS_7),
        Found("seven_day_oauth_apps", "7-day OAuth apps", Rank.WEEKLY_SCOPED, DAYS_7),
        Found("seven_day_omelette", "7-day Design", Rank.WEEKLY_SCOPED, DAYS_7),
        Found("seven_day_cowork", "7-day Cowork", Rank.WEEKLY_SCOPED, DAYS_7),
        Found("iguana_necktie", "Cloud sessions"),
        Found("cinder_cove", "One-time credit", once=True),
    )
}
"""The windows that have a name for people."""


def window(found: Found, *, fractions: bool) -> Window:
    """The window; `fractions` tells whether any of the body counts its utilization from 0 to 1."""
    body, entry = found.body, found.entry
    return Window(
        key=found.key,
        label=found.label,
        kind=found.kind,
        percent=_percent(found, fractions=fractions),
        resets_at=body.resets_at or entry.resets_at,
        length=found.length,
        server_severity=SEVERITIES.get(entry.severity or "", Severity.NORMAL),
        active=entry.is_active or False,
        locked_reason=body.locked_reason or entry.locked_reason,
        used=body.used_dollars,
        limit=body.limit_dollars,
        once=found.once,
    )


def _percent(found: Found, *, fractions: bool) -> float | None:
    """The utilization as percent: the window's own, else the entry's, else what the dollars give."""
    value = found.body.utilization
    if value is None:
        return _dollar_percent(found.body) if found.entry.percent is None else found.entry.percent
    if found.is_fraction or (found.is_one and fractions):
        return float(100 * Decimal(str(value)))
    return value


def _dollar_percent(body: WindowShape) -> float | None:
    found = body.used_dollars.percent_of(body.limit_dollars) if body.used_dollars else None
    return found if found is None or found <= MOST_PERCENT else None
