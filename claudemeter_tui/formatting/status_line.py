"""Format one org for a short line in a status bar, such as `41% 67% $17.20/50 · Personal`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

from claudemeter_tui.formatting.credits import describe_figures_age, format_balance
from claudemeter_tui.formatting.transcripts import list_refusal_forms
from claudemeter_tui.formatting.values import (
    format_age,
    format_countdown,
    format_moment,
    format_money,
    format_percent,
)
from claudemeter_tui.formatting.verdict import (
    VerdictWriter,
    find_leading_window,
    format_short_verdict,
    format_verdict_line,
    format_verdict_name,
    format_verdict_note,
)
from claudemeter_tui.model.catalogue import WEEK_LABEL_PREFIX, CreditState, WindowKind, WindowScope
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import EndSource, Verdict, VerdictState
from claudemeter_tui.model.windows import Window


class StatusContext(NamedTuple):
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
        """The limiting window, else the fullest one; for UNKNOWN, that of the last known verdict."""
        return find_leading_window(self.verdict)

    @property
    def next_reset(self) -> datetime | None:
        """The next reset of that window. None if it is not reported, or has passed."""
        reset = self.window.resets_at if self.window is not None else None
        return reset if reset is not None and reset > self.now else None

    def format_figure(self, amount: Money | None) -> str:
        """Return a figure of the lead meter, with its age if it is not current; empty for None."""
        if self.lead is None or amount is None:
            return ""
        return f"{format_money(amount)} {describe_figures_age(self.lead, self.now, self.zone)}".rstrip()

    def format_future(self, moment: datetime | None) -> str:
        """Return `16:00`; empty for a moment that has passed, or for None."""
        if moment is None or moment <= self.now:
            return ""
        return format_moment(moment, self.now, self.zone)

    def format_used(self, *kinds: WindowKind) -> str:
        """Return `41% 67%` for the plan's windows of these kinds."""
        windows = self.state.plan.windows if self.state.plan else ()
        return " ".join(format_used(window, self.now) for window in windows if window.kind in kinds)

    def format_state(self) -> str:
        """Return the verdict with its end, and the lock on the credits; for UNKNOWN, the cause."""
        verdict, writer = self.verdict, VerdictWriter(self.verdict, self.now, self.zone)
        if verdict.state is VerdictState.UNKNOWN:
            return " · ".join((format_verdict_name(verdict), *writer.list_key_facts()))
        # The date of a lock is beside its cause.
        is_dated = verdict.end_source is EndSource.CREDITS
        until = "" if is_dated else self.format_future(verdict.ends_at)
        name = format_verdict_name(verdict) + (f" until {until}" if until else "")
        return f"{name} · {writer.describe_dated_locks()}" if verdict.is_locked else name

    def format_refusal(self) -> str:
        """Return `refused 14:22`; empty without a refusal, or after the reset of its limit."""
        refusal = self.verdict.last_refusal
        return list_refusal_forms(refusal, self.now, self.zone)[-1] if refusal is not None else ""

    def format_models(self) -> str:
        """Return `Fable 12%` for every window of one model; its end and effect if it is full."""
        writer = VerdictWriter(self.verdict, self.now, self.zone)
        windows = self.state.plan.windows if self.state.plan else ()
        return ", ".join(
            writer.describe_scoped_window(window)
            if window.is_full(self.now)
            else f"{window.label.removeprefix(WEEK_LABEL_PREFIX)} {format_used(window, self.now)}"
            for window in windows
            if window.scope is WindowScope.MODEL and window.is_reported
        )


def format_values(context: StatusContext) -> dict[str, str]:
    """Return the text of every placeholder."""
    return {name: format_value(context) for name, (_, format_value) in PLACEHOLDERS.items()}


def format_used(window: Window, now: datetime) -> str:
    """Return `41%`, `due` if the reset has passed, `locked`, or `?` if no figure is reported."""
    if window.is_due(now):
        return "due"
    if window.locked_reason is not None:
        return "locked"
    return "?" if window.percent is None else format_percent(window.percent)


def _format_credits(org: StatusContext) -> str:
    """Return `$17.20/50`, `$17.20` without a cap, `$17.20/CAD 50.00`, or `pool $261.18/1,000`.

    Credits that are off, and figures that are not current, are marked: `$60.00/100 off`,
    `€273.15/300 as of 14:02`.
    """
    lead = org.lead
    if lead is None or lead.used is None:
        return ""
    is_off = org.verdict.credits is CreditState.OFF
    notes = "off" if is_off else "", describe_figures_age(lead, org.now, org.zone)
    return " ".join(filter(None, (_format_use(lead, lead.used), *notes)))


def _format_use(lead: Meter, amount: Money) -> str:
    used = f"{'' if lead.is_personal else 'pool '}{format_money(amount)}"
    if lead.cap is None:
        return used
    if lead.cap.unit != amount.unit:
        return f"{used}/{format_money(lead.cap)}"
    # To save space, name the currency once, and show a whole cap without decimals.
    bare = format_money(Money(lead.cap.minor, "", lead.cap.exponent))
    return f"{used}/{bare.removesuffix('.' + '0' * lead.cap.exponent)}"


PLACEHOLDERS: Mapping[str, tuple[str, Callable[[StatusContext], str]]] = {
    "alarm": (
        "BLOCKED, WAIT 16:00, on credits, credits BLOCKED, spending or ?; empty if nothing is wrong",
        lambda org: (
            ""
            if org.verdict.state is VerdictState.CAN_WORK and not format_verdict_note(org.verdict)
            else format_short_verdict(org.verdict, org.now, org.zone)
        ),
    ),
    "verdict": (
        "name of the verdict: CAN WORK, ON CREDITS, WAIT, BLOCKED",
        lambda org: format_verdict_name(org.verdict),
    ),
    "state": (
        "the verdict, its end and the lock on the credits: BLOCKED until 16:00 · your monthly cap is reached",
        StatusContext.format_state,
    ),
    "refused": (
        "the last request of Claude Code here that was refused, until its limit resets: refused 14:22",
        StatusContext.format_refusal,
    ),
    "text": (
        "the verdict in one line, with cause and reset",
        lambda org: format_verdict_line(org.verdict, org.now, org.zone),
    ),
    "windows": (
        "the plan-wide windows: 41% 67%",
        lambda org: org.format_used(WindowKind.SESSION, WindowKind.WEEKLY),
    ),
    "session": ("the 5-hour window: 41%", lambda org: org.format_used(WindowKind.SESSION)),
    "weekly": ("the 7-day window: 67%", lambda org: org.format_used(WindowKind.WEEKLY)),
    "fullest": (
        "the limiting window, else the fullest one: 67%",
        lambda org: format_used(org.window, org.now) if org.window else "",
    ),
    "window": ("name of that window: 5-hour", lambda org: org.window.label if org.window else ""),
    "models": ("the windows of single models: Fable 12%", StatusContext.format_models),
    "resets": (
        "reset of that window: 16:00",
        lambda org: org.format_future(org.window.resets_at if org.window else None),
    ),
    "in": (
        "time until that reset: 1h 12m",
        lambda org: format_countdown(org.next_reset - org.now) if org.next_reset else "",
    ),
    "lifts": ("when work can continue: Tue 14:00", lambda org: org.format_future(org.verdict.ends_at)),
    "credits": ("used credits and cap: $17.20/50", _format_credits),
    "used": ("used credits: $17.20", lambda org: org.format_figure(org.lead.used if org.lead else None)),
    "cap": ("the monthly cap: $50.00", lambda org: org.format_figure(org.lead.cap if org.lead else None)),
    "left": (
        "amount left under the cap: $32.80",
        lambda org: org.format_figure(org.lead.remaining if org.lead else None),
    ),
    "balance": (
        "the prepaid balance: $244.35",
        lambda org: format_balance(org.state.credits.balance, org.now, org.zone),
    ),
    "org": ("name of the org", lambda org: org.state.org.display_name),
    "plan": ("plan of the org: Max 5x", lambda org: org.state.org.plan_name),
    "age": (
        "age of the figures if stale: 3m ago",
        lambda org: (
            format_age(org.now - org.state.read_at) if org.verdict.is_stale and org.state.read_at else ""
        ),
    ),
}
"""Meaning and function of each placeholder."""
