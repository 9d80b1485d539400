"""Format one org as a short line for a status bar: `41% 67% $17.20/50 · Personal`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from claudemeter_tui.formatting.values import (
    format_age,
    format_countdown,
    format_moment,
    format_money,
    format_percent_number,
)
from claudemeter_tui.formatting.verdict import (
    find_leading_window,
    format_short_verdict,
    format_verdict_line,
    format_verdict_name,
)
from claudemeter_tui.model.catalogue import WindowKind
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.sanitize import replace_unprintable
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import Verdict, VerdictState
from claudemeter_tui.model.windows import Window

DEFAULT_TEMPLATE = "{alarm} {windows} {credits} · {org} {age}"
"""The template if none is given."""
SEPARATOR = " · "
"""Separator, left out if one of its sides is empty."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class StatusContext:
    """The org of a line, at one moment."""

    state: OrgState
    verdict: Verdict
    now: datetime
    zone: tzinfo | None = None

    @property
    def lead(self) -> Meter | None:
        """The personal meter, else the pool. None if no reply has one."""
        return self.state.credits.lead_meter

    @property
    def window(self) -> Window | None:
        """The window that decides, else the fullest; of the last known verdict if it is UNKNOWN."""
        return find_leading_window(self.verdict)

    @property
    def next_reset(self) -> datetime | None:
        """The next reset of that window. None if it is not reported, or has passed."""
        reset = self.window.resets_at if self.window is not None else None
        return reset if reset is not None and reset > self.now else None

    def list_windows(self, *kinds: WindowKind) -> list[Window]:
        """Return the plan's windows of these kinds."""
        plan = self.state.plan
        return [window for window in (plan.windows if plan else ()) if window.kind in kinds]


def check_template(template: str) -> None:
    """Check that every placeholder is known.

    Raises:
        ValueError: a placeholder is unknown; the text lists the known ones.
    """
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder {{{name}}}; known: {', '.join(PLACEHOLDERS)}")


def format_status_line(context: StatusContext, template: str = DEFAULT_TEMPLATE) -> str:
    """Fill in the template; an empty placeholder disappears with the blanks around it."""
    parts = (_fill_part(part, context) for part in template.split(SEPARATOR))
    return SEPARATOR.join(filter(None, parts))


def _fill_part(part: str, context: StatusContext) -> str:
    filled = _PLACEHOLDER.sub(lambda placeholder: PLACEHOLDERS[placeholder[1]][1](context), part)
    return " ".join(replace_unprintable(filled).split())


def _format_alarm(context: StatusContext) -> str:
    calm = context.verdict.state is VerdictState.CAN_WORK and not context.verdict.is_locked
    return "" if calm else format_short_verdict(context.verdict, context.now, context.zone)


def _format_used(window: Window | None, now: datetime) -> str:
    """Return `41%`, `due` if the reset has passed, `?` if no figure is reported."""
    if window is None:
        return ""
    if window.is_due(now):
        return "due"
    if window.locked_reason is not None:
        return "locked"
    return "?" if window.percent is None else f"{format_percent_number(window.percent)}%"


def _format_all_used(context: StatusContext, *kinds: WindowKind) -> str:
    return " ".join(_format_used(window, context.now) for window in context.list_windows(*kinds))


def _format_credits(context: StatusContext) -> str:
    """Return `$17.20/50`, `$17.20` without a cap, `$17.20/CAD 50.00`, or `pool $261.18/1,000`."""
    lead = context.lead
    if lead is None or lead.used is None:
        return ""
    used = f"{'' if lead.is_personal else 'pool '}{format_money(lead.used)}"
    if lead.cap is None:
        return used
    if lead.cap.unit != lead.used.unit:
        return f"{used}/{format_money(lead.cap)}"
    bare = format_money(Money(lead.cap.minor, "", lead.cap.exponent))
    return f"{used}/{bare.removesuffix('.' + '0' * lead.cap.exponent)}"


def _format_future_moment(moment: datetime | None, context: StatusContext) -> str:
    return (
        format_moment(moment, context.now, context.zone)
        if moment is not None and moment > context.now
        else ""
    )


_PLAN_WIDE_KINDS = (WindowKind.SESSION, WindowKind.WEEKLY)
PLACEHOLDERS: Mapping[str, tuple[str, Callable[[StatusContext], str]]] = {
    "alarm": (
        "BLOCKED, WAIT 16:00, on credits, credits BLOCKED or ?; empty if nothing is wrong",
        _format_alarm,
    ),
    "verdict": (
        "name of the verdict: CAN WORK, ON CREDITS, WAIT, BLOCKED",
        lambda context: format_verdict_name(context.verdict),
    ),
    "text": (
        "the verdict in one line, with cause and reset",
        lambda context: format_verdict_line(context.verdict, context.now, context.zone),
    ),
    "windows": (
        "the plan-wide windows: 41% 67%",
        lambda context: _format_all_used(context, *_PLAN_WIDE_KINDS),
    ),
    "session": ("the 5-hour window: 41%", lambda context: _format_all_used(context, WindowKind.SESSION)),
    "weekly": ("the 7-day window: 67%", lambda context: _format_all_used(context, WindowKind.WEEKLY)),
    "fullest": (
        "the limiting window, else the fullest one: 67%",
        lambda context: _format_used(context.window, context.now),
    ),
    "window": ("name of that window: 5-hour", lambda context: context.window.label if context.window else ""),
    "resets": (
        "reset of that window: 16:00",
        lambda context: _format_future_moment(context.next_reset, context),
    ),
    "in": (
        "time until that reset: 1h 12m",
        lambda context: format_countdown(context.next_reset - context.now) if context.next_reset else "",
    ),
    "lifts": (
        "when work can continue: Tue 14:00",
        lambda context: _format_future_moment(context.verdict.ends_at, context),
    ),
    "credits": ("used credits and cap: $17.20/50", _format_credits),
    "used": (
        "used credits: $17.20",
        lambda context: format_money(context.lead.used if context.lead else None, ""),
    ),
    "cap": (
        "the monthly cap: $50.00",
        lambda context: format_money(context.lead.cap if context.lead else None, ""),
    ),
    "left": (
        "amount left under the cap: $32.80",
        lambda context: format_money(context.lead.remaining if context.lead else None, ""),
    ),
    "balance": (
        "the prepaid balance: $244.35",
        lambda context: format_money(context.state.credits.balance_amount, ""),
    ),
    "org": ("name of the org", lambda context: context.state.org.display_name),
    "plan": ("plan of the org: Max 5x", lambda context: context.state.org.plan_name),
    "age": (
        "age of the figures if stale: 3m ago",
        lambda context: (
            format_age(context.now - context.state.read_at)
            if context.verdict.is_stale and context.state.read_at
            else ""
        ),
    ),
}
"""Meaning and function of each placeholder."""
