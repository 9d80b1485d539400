"""The credits panel: used, cap, balance, pool and the next charge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claudemeter_tui.formatting.credits import (
    CREDIT_STATE_NAMES,
    LOCK_NOT_VISIBLE,
    NOT_KNOWN,
    describe_lock_visibility,
    describe_missing_cap,
    describe_next_charge,
    describe_off,
    describe_provenance,
    format_credits_forecast,
    list_balance_forms,
    list_use_forms,
)
from claudemeter_tui.formatting.values import format_money, format_percent
from claudemeter_tui.model.account import Subscription
from claudemeter_tui.model.catalogue import CreditState, MeterOrigin
from claudemeter_tui.model.credits import Credits, Meter
from claudemeter_tui.model.forecast import SpendLimit, find_tighter_limit
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_bar,
    build_line,
    fit_line,
    frame_lines,
    join_pieces,
    pick_fitting,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

LABEL_WIDTH = 9
"""Cells of a row's label."""


class CreditsPanel(LineWidget):
    """Cap and balance of the usage credits, each with the amount left."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the gauge and the rows that fit, most important first."""
        framed = self.view.layout.framed
        inner, room = (width - 4, height - 2) if framed else (width - 2, height)
        if not framed:
            lines = (
                [build_credits_line(self.view, inner)] if room == 1 else _build_lines(self.view, inner)[:room]
            )
            return [fit_line(build_line(" ", line), width) for line in lines]
        lines = _build_lines(self.view, inner)[:room]
        lines += [build_line("")] * (room - len(lines))
        return frame_lines(build_line(("Usage credits", HEADING)), _build_state(self.view), lines, width)


def count_credits_lines(view: View) -> int:
    """Return how many lines `_build_lines` returns."""
    state = view.state
    if state is None or state.read_at is None:
        return 1
    lead = state.credits.lead_meter
    gauge = 2 if lead is not None and lead.used is not None and lead.cap is not None else 1
    return gauge + len(_list_rows(view, state))


def _build_state(view: View) -> StyledLine:
    """Return the state of the credits, for the right end of the title."""
    if view.state is None or view.state.read_at is None:
        return build_line("")
    state = view.state.credits.compute_state(view.now)
    style = {
        CreditState.LOCKED: SEVERITY_STYLES[Severity.FULL],
        CreditState.OPEN: SEVERITY_STYLES[Severity.NORMAL],
    }
    lead = view.state.credits.lead_meter
    by = describe_provenance(view.state, lead.origin.endpoint) if lead is not None else ""
    return join_pieces(
        [build_line((by, MUTED)), build_line((CREDIT_STATE_NAMES[state], style.get(state, MUTED)))][not by :]
    )


def _build_lines(view: View, width: int) -> list[StyledLine]:
    state = view.state
    if state is None or state.read_at is None:
        return [build_line(("Not read yet", MUTED))]
    credits, lead = state.credits, state.credits.lead_meter
    lines = (
        [*_build_gauge(lead, width)]
        if lead and lead.used
        else [build_line((_explain_missing(credits, view), MUTED))]
    )
    return [*lines, *(_build_row(label, forms, width) for label, *forms in _list_rows(view, state))]


def _list_rows(view: View, state: OrgState) -> list[tuple[str, ...]]:
    """Return the rows below the gauge: a label, then the value in fewer and fewer words."""
    figures = view.get_figures(state)
    forecast = format_credits_forecast(figures.rate, figures.forecast, view.now, view.zone)
    return [
        *_iterate_rows(state.credits, view),
        *zip(("rate", ""), forecast, strict=False),
        *(("next", *forms) for forms in _format_charge(state.subscription)),
    ]


def build_credits_line(view: View, width: int) -> StyledLine:
    """Return the credits in one line of text."""
    credits = view.state.credits if view.state else Credits()
    lead = credits.lead_meter
    if view.state is None or view.state.read_at is None:
        return build_line(("credits not read yet", MUTED))
    if lead is None or lead.used is None:
        return build_line((f"credits: {_explain_missing(credits, view)}", MUTED))
    style, mark = _get_style(lead, view)
    whose = "credits " if lead.is_personal else "pool "
    beside = list(_build_notes(credits, view))
    used = [build_line(whose, (f"{form} {mark}".rstrip(), style)) for form in list_use_forms(lead)]
    parts = [join_pieces([used[0], *beside[:end]]) for end in range(len(beside), -1, -1)]
    return pick_fitting([*parts, *used[1:]], width)


def _build_notes(credits: Credits, view: View) -> Iterator[StyledLine]:
    """Yield the state if the credits are not open, the visibility of a lock, and the balance."""
    match credits.compute_state(view.now):
        case CreditState.LOCKED as state:
            yield build_line((str(state), SEVERITY_STYLES[Severity.FULL]))
        case CreditState.OFF as state:
            yield build_line((str(state), MUTED))
    if view.state is not None and (visibility := describe_lock_visibility(view.state, view.now, view.zone)):
        yield build_line((f"lock {'?' if visibility == NOT_KNOWN else visibility}", MUTED))
    if credits.balance_amount:
        yield build_line((f"balance {format_money(credits.balance_amount)}", MUTED))


def _get_style(meter: Meter, view: View) -> tuple[str, str]:
    severity = Severity.from_percent(meter.percent)
    if meter.compute_state(view.now) is CreditState.LOCKED:
        severity = Severity.FULL
    return SEVERITY_STYLES[severity], SEVERITY_MARKS[severity]


def _build_gauge(meter: Meter, width: int) -> Iterator[StyledLine]:
    severity = Severity.from_percent(meter.percent)
    style = SEVERITY_STYLES[severity]
    used = format_money(meter.used)
    if meter.cap is None:
        yield build_line((used, HEADING), " used", "" if meter.is_personal else " (pool)")
        return
    percent = format_percent(meter.percent) if meter.percent is not None else ""
    amount = build_line(
        (used, HEADING), f" of {format_money(meter.cap)}", "" if meter.is_personal else " (pool)"
    )
    yield spread_line(amount, build_line((f"{percent} {SEVERITY_MARKS[severity]}", style)), width)
    yield build_bar(meter.percent, width, style)


def _explain_missing(credits: Credits, view: View) -> str:
    """Return the reason that there is no figure."""
    match credits.compute_state(view.now):
        case CreditState.ABSENT:
            return "not enabled for this org"
        case CreditState.OFF:
            return describe_off(credits.find_deciding_meter(view.now))
        case CreditState.LOCKED:
            return "locked; amount not reported"
        case _:
            return "not reported"


def _iterate_rows(credits: Credits, view: View) -> Iterator[tuple[str, ...]]:
    """Yield each row as a label and its value, followed by shorter forms for a narrow pane."""
    lead = credits.lead_meter
    tighter = find_tighter_limit(credits)
    if lead is not None:
        if lead.remaining is not None:
            yield ("cap", *_tag_tighter([f"{format_money(lead.remaining)} left"], tighter is SpendLimit.CAP))
        elif lead.used is not None:
            yield "cap", describe_missing_cap(lead)
        if (
            lead.is_enabled is False
            and lead.used is not None
            and credits.compute_state(view.now) is CreditState.OFF
        ):
            yield "state", describe_off(lead)
    if view.state is not None and (visibility := describe_lock_visibility(view.state, view.now, view.zone)):
        yield "lock", f"{visibility}: {LOCK_NOT_VISIBLE}", f"{visibility}, unseen by Claude Code", visibility
    if credits.balance is not None:
        yield (
            "balance",
            *_tag_tighter(
                list_balance_forms(credits.balance, view.now, view.zone), tighter is SpendLimit.BALANCE
            ),
        )
    if credits.pool_meter is not None and credits.pool_meter is not lead:
        yield "pool", *list_use_forms(credits.pool_meter)
    for other in credits.meters:
        if lead is not None and other not in (lead, credits.pool_meter) and _has_other_figures(other, lead):
            yield _ORIGIN_LABELS[other.origin], *(f"says {form}" for form in list_use_forms(other))


def _tag_tighter(forms: list[str], tighter: bool) -> list[str]:  # noqa: FBT001 - True for the limit that runs out first
    return [*(f"{form} · runs out first" for form in forms if tighter), *forms]


_ORIGIN_LABELS = {
    MeterOrigin.OVERAGE: "overage",
    MeterOrigin.OWN_OVERAGE: "own",
    MeterOrigin.EXTRA_USAGE: "usage",
    MeterOrigin.SPEND: "spend",
}


def _has_other_figures(other: Meter, lead: Meter) -> bool:
    """True if two replies report different amounts."""
    both = ((other.used, lead.used), (other.cap, lead.cap))
    return any(a is not None and b is not None and (a.unit, a.minor) != (b.unit, b.minor) for a, b in both)


def _format_charge(subscription: Subscription | None) -> Iterator[list[str]]:
    """Yield the next charge, a change of plan and a payment problem, each with shorter forms."""
    if subscription is None:
        return
    if charge := describe_next_charge(subscription):
        yield [*([f"{charge.text} · {charge.card}"] if charge.card else []), charge.text]
    if subscription.scheduled_change is not None:
        plan, day = subscription.scheduled_change
        yield [*([f"plan {plan} from {day.isoformat()}"] if day else []), f"plan {plan}"]
    if subscription.status not in (None, "active", "trialing"):
        yield [f"payment: {subscription.status}"]


def _build_row(label: str, forms: Sequence[str], width: int) -> StyledLine:
    """Return a label with the longest form that fits."""
    head = build_line((label.ljust(LABEL_WIDTH), MUTED))
    return pick_fitting((build_line(head, form) for form in forms), width)
