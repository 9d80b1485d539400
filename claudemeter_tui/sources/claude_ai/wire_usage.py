"""What a usage body means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from claudemeter_tui.model.usage import Grant, Plan, Share
from claudemeter_tui.sources.claude_ai.fields import Count, Flag, Moment, SharePercent, Text
from claudemeter_tui.sources.claude_ai.lenient import Notes, Shape
from claudemeter_tui.sources.claude_ai.wire_credits import meters_beside
from claudemeter_tui.sources.claude_ai.wire_windows import windows

NO_WINDOWS = frozenset(
    {"limits", "extra_usage", "spend", "cedar_ember", "seven_day_breakdown", "member_dashboard_available"}
)
"""The keys of the body that are no windows."""


class GrantsShape(Shape):
    """`cedar_ember`: grants of an early limit reset."""

    spare = frozenset({"eligible"})

    grants: Any = None


class GrantShape(Shape):
    """One grant."""

    spare = frozenset({"starts_at"})

    resets_left: Count = None
    ends_at: Moment = None
    usable_now: Flag = None


class BreakdownShape(Shape):
    """`seven_day_breakdown`: which surface used the week."""

    rows: Any = None


class RowShape(Shape):
    """One surface's part of the week."""

    key: Text = None
    display_name: Text = None
    percent: SharePercent = None


def plan(body: dict[str, Any], notes: Notes) -> Plan:
    """Windows, meters, grants and shares of the body."""
    return Plan(
        windows=windows(body, NO_WINDOWS, notes),
        meters=tuple(meters_beside(body, notes)),
        grants=tuple(_grants(body, notes)),
        shares=tuple(_shares(body, notes)),
        reported=bool(body),
    )


def _grants(body: dict[str, Any], notes: Notes) -> Iterator[Grant]:
    found = notes.read(GrantsShape, body.get("cedar_ember"), "cedar_ember")
    for _, grant in notes.read_each(GrantShape, found and found.grants, "cedar_ember.grants"):
        yield Grant(grant.resets_left, grant.usable_now or False, grant.ends_at)


def _shares(body: dict[str, Any], notes: Notes) -> Iterator[Share]:
    found = notes.read(BreakdownShape, body.get("seven_day_breakdown"), "seven_day_breakdown")
    for _, row in notes.read_each(RowShape, found and found.rows, "seven_day_breakdown.rows"):
        if row.percent is not None:
            yield Share(row.display_name or row.key or "", row.percent)
