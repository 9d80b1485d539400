"""The credits panel: used, cap, balance, pool and the next charge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from claudemeter_tui.formatting.credits import (
    CREDIT_STATE_NAMES,
    LOCK_NOT_VISIBLE,
    NOT_KNOWN,
    ORIGIN_LABELS,
    describe_auto_reload,
    describe_figures_age,
    describe_lock,
    describe_lock_visibility,
    describe_missing_cap,
    describe_next_charge,
    describe_off,
    describe_provenance,
    describe_reload_cure,
    describe_scoped_balance,
    format_balance,
    format_credits_forecast,
    list_balance_forms,
    list_use_forms,
)
from claudemeter_tui.formatting.values import format_money, format_percent, to_local
from claudemeter_tui.model.account import Subscription
from claudemeter_tui.model.catalogue import CreditState
from claudemeter_tui.model.credit_locks import find_credit_locks
from claudemeter_tui.model.credits import Credits, Meter
from claudemeter_tui.model.forecast import SpendLimit, find_tighter_limit
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.tui.layout import compute_panel_widths
from claudemeter_tui.tui.styled_text import (
    HEADING,
    MUTED,
    SEVERITY_MARKS,
    SEVERITY_STYLES,
    StyledLine,
    build_line,
    draw_bar,
    iterate_shorter,
    join_pieces,
    pick_fitting,
    spread_line,
)
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.line_widget import LineWidget

GAUGE_LINE_FROM = 64
"""Cells of the panel from which amount, bar and percentage share a line."""
MAX_LINES = 6
"""Maximum lines of the panel without its frame."""
MIN_GAUGE = 12
"""Minimum cells of a bar that shares a line."""

CreditsFact = Sequence[StyledLine]
"""One fact below the gauge, then in shorter forms."""


class CreditsPanel(LineWidget):
    """Cap and balance of the usage credits, each with the amount left."""

    def draw(self, width: int, height: int) -> list[StyledLine]:
        """Draw the gauge and the facts that fit, most important first."""
        inner, room = self.compute_inner_size(width, height)
        if room == 1 and not self.view.layout.framed:
            lines = [build_credits_line(self.view, inner)]
        else:
            lines = _build_lines(self.view, inner, room)
        head = build_line(("Usage credits", HEADING)), _build_state(self.view)
        return self.draw_panel(head, lines, width, height)


def count_credits_lines(view: View, width: int) -> int:
    """Return the number of lines that the panel needs in a terminal of this width."""
    return len(_build_lines(view, compute_panel_widths(width)[1], MAX_LINES))


def _build_state(view: View) -> StyledLine:
    """Return the state of the credits, for the right end of the title."""
    if view.state is None or view.state.read_at is None:
        return build_line()
    state, lead = view.state.credits.compute_state(view.now), view.state.credits.lead_meter
    style = SEVERITY_STYLES[Severity.NORMAL] if state is CreditState.OPEN else MUTED
    name = build_line((CREDIT_STATE_NAMES[state], style))
    if state is CreditState.LOCKED:
        name = _build_locked(view.state, view)
    elif state is CreditState.OFF and (lead is None or lead.used is None):
        name = build_line()  # the panel says so instead of an amount
    by = describe_provenance(view.state, lead.origin.endpoint) if lead is not None else ""
    return join_pieces([build_line((by, MUTED)), name]) if by else name


def _build_lines(view: View, width: int, room: int) -> list[StyledLine]:
    state = view.state
    if state is None or state.read_at is None:
        return [build_line(("Not read yet", MUTED))]
    lead = state.credits.lead_meter
    if lead is not None and lead.used is not None:
        age = describe_figures_age(lead, view.now, view.zone)
        lines = _build_gauge(lead, age, view, width, room)
    else:
        lines = [build_line((_explain_missing(state, view), MUTED))]
    return [*lines, *_flow_facts(list(_iterate_facts(state, view)), width, room - len(lines))]


def _flow_facts(facts: Sequence[CreditsFact], width: int, room: int) -> list[StyledLine]:
    """Return the facts beside each other in at most `room` lines; only the last line has shorter forms."""
    lines: list[StyledLine] = []
    for forms in facts:
        is_last = len(lines) == room
        joined = (join_pieces([lines[-1], form]) for form in (forms if is_last else forms[:1]) if lines)
        line = next((line for line in joined if line.cell_length <= width), None)
        if line is not None:
            lines[-1] = line
        elif not is_last:
            lines.append(pick_fitting(forms, width).rstrip())
    return lines


def build_credits_line(view: View, width: int) -> StyledLine:
    """Return the credits in one line of text."""
    state = view.state
    if state is None or state.read_at is None:
        return build_line(("credits not read yet", MUTED))
    lead = state.credits.lead_meter
    if lead is None or lead.used is None:
        return build_line((f"credits: {_explain_missing(state, view)}", MUTED))
    severity = Severity.from_percent(lead.percent)
    mark, style = SEVERITY_MARKS[severity], SEVERITY_STYLES[severity]
    whose = "credits " if lead.is_personal else "pool "
    forms = list_use_forms(lead, view.now, view.zone)
    used, *shorter = [build_line(whose, (f"{form} {mark}".rstrip(), style)) for form in forms]
    return pick_fitting([*iterate_shorter([used, *_iterate_notes(state, view)]), *shorter], width)


def build_credits_facts(view: View) -> list[tuple[str, ...]]:
    """Return the use of the credits in forms for a line with other facts; empty if it is not known."""
    lead = view.state.credits.lead_meter if view.state is not None else None
    if lead is None or lead.used is None:
        return []
    whose = "credits" if lead.is_personal else "pool"
    forms = list_use_forms(lead, view.now, view.zone)
    return [tuple(f"{whose} {form}".replace("  ", " ") for form in forms)]


def _add_state(amount: StyledLine, view: View) -> StyledLine:
    """Append the state of credits that are locked or off, unless the frame's title shows it."""
    if view.layout.framed or view.state is None:
        return amount
    return join_pieces([amount, *_iterate_state_notes(view.state, view)])


def _iterate_notes(state: OrgState, view: View) -> Iterator[StyledLine]:
    """Yield the state if the credits are not open, the visibility of a lock, and the balance."""
    yield from _iterate_state_notes(state, view)
    if visibility := describe_lock_visibility(state, view.now, view.zone):
        yield build_line((f"lock {'?' if visibility == NOT_KNOWN else visibility}", MUTED))
    if state.credits.balance_amount:
        balance = format_balance(state.credits.balance, view.now, view.zone)
        yield build_line((f"balance {balance}", MUTED))


def _iterate_state_notes(state: OrgState, view: View) -> Iterator[StyledLine]:
    """Yield the state of the credits if they are locked or off."""
    match state.credits.compute_state(view.now):
        case CreditState.LOCKED:
            yield _build_locked(state, view)
        case CreditState.OFF as off:
            yield build_line((str(off), MUTED))


def _build_locked(state: OrgState, view: View) -> StyledLine:
    """Return `locked` with mark and style of the verdict, so that one state has one severity everywhere."""
    severity = max(view.get_figures(state).verdict.compute_severity(view.now), Severity.CRITICAL)
    return build_line(
        (f"{SEVERITY_MARKS[severity]} {CREDIT_STATE_NAMES[CreditState.LOCKED]}", SEVERITY_STYLES[severity])
    )


def _build_gauge(meter: Meter, age: str, view: View, width: int, room: int) -> list[StyledLine]:
    """Return the used amount with its age if it is not current, and its share as a bar if there is a cap.

    Both share a line if it is wide, or if there is no other.
    """
    used, whose = (format_money(meter.used), HEADING), "" if meter.is_personal else " (pool)"
    at = (f" {age}" if age else "", MUTED)
    if meter.cap is None:
        return [_add_state(build_line(used, (" used", MUTED), whose, at), view)]
    severity = Severity.from_percent(meter.percent)
    style = SEVERITY_STYLES[severity]
    percent = format_percent(meter.percent) if meter.percent is not None else ""
    amount = _add_state(build_line(used, (f" of {format_money(meter.cap)}{whose}", MUTED), at), view)
    share = build_line((f"{percent} {SEVERITY_MARKS[severity]}", style))
    beside = width - amount.cell_length - share.cell_length - 4
    if beside >= MIN_GAUGE and (width >= GAUGE_LINE_FROM or room == 1):
        return [build_line(amount, "  ", draw_bar(meter.percent, beside, style), "  ", share)]
    return [spread_line(amount, share, width), draw_bar(meter.percent, width, style)]


def _explain_missing(state: OrgState, view: View) -> str:
    """Return the reason that there is no figure."""
    match state.credits.compute_state(view.now):
        case CreditState.ABSENT:
            return "not enabled for this org"
        case CreditState.OFF:
            return describe_off(state.credits.find_deciding_meter(view.now))
        case CreditState.LOCKED:
            return "locked; amount not reported"
        case _:
            return "not reported"


def _iterate_facts(state: OrgState, view: View) -> Iterator[CreditsFact]:
    """Yield each fact below the gauge, most important first, with shorter forms for a narrow pane."""
    credits, lead = state.credits, state.credits.lead_meter
    if lead is not None:
        yield from _iterate_lead_facts(credits, lead, view)
    if visibility := describe_lock_visibility(state, view.now, view.zone):
        lock = f"{visibility}: {LOCK_NOT_VISIBLE}", f"{visibility}, unseen by Claude Code", visibility
        yield _label_forms("lock", lock)
    if credits.balance is not None:
        forms = list_balance_forms(credits.balance, view.now, view.zone)
        yield _label_forms("balance", _tag_tighter(SpendLimit.BALANCE, credits, forms))
        if scoped := describe_scoped_balance(credits.balance):
            yield _label_forms("", [scoped])
        if credits.balance.is_reload_stopped:
            codes = credits.balance.reload_stop_codes
            stopped, cure = describe_auto_reload(credits.balance), describe_reload_cure(codes)
            yield _label_forms("", [stopped, f"auto-reload stopped ({codes[0]})", "auto-reload stopped"])
            yield _label_forms("", [cure, f"see {cure.split()[-1]}"])
    if credits.pool_meter is not None and credits.pool_meter is not lead:
        forms = list_use_forms(credits.pool_meter, view.now, view.zone)
        yield _label_forms("pool", [form.replace("  ", " ") for form in forms])
    for other in credits.meters:
        if lead is not None and other not in (lead, credits.pool_meter) and _has_other_figures(other, lead):
            forms = [f"says {form}" for form in list_use_forms(other, view.now, view.zone)]
            yield _label_forms(ORIGIN_LABELS[other.origin], forms)
    figures = view.get_figures(state)
    # Locked credits are not spent, so their rate would only take the place of other facts.
    is_locked = figures.verdict.credits is CreditState.LOCKED
    for fact in format_credits_forecast(
        None if is_locked else figures.rate, figures.forecast, view.now, view.zone
    ):
        yield _label_forms("", [fact, *(fact[place + 2 :] for place in [fact.find(", ")] if place > 0)])
    yield from _iterate_charges(state.subscription, view)


def _label_forms(label: str, forms: Iterable[str]) -> CreditsFact:
    """Return a fact with its label, in each of its forms."""
    return [build_line((f"{label} " if label else "", MUTED), form) for form in forms]


def _iterate_lead_facts(credits: Credits, lead: Meter, view: View) -> Iterator[CreditsFact]:
    """Yield the money left of the leading meter, and why it is off, not known or out of date."""
    if age := describe_figures_age(lead, view.now, view.zone):
        since = "withdrawn by the server since" if credits.has_withdrawn_figures else "not read since"
        yield _label_forms("figures", [f"{age}, {since}", age])
    elif lead.remaining is not None:
        forms = [f"{format_money(lead.remaining)} left"]
        if lead.remaining.minor > 0:
            forms = _tag_tighter(SpendLimit.CAP, credits, forms)
        style = SEVERITY_STYLES[Severity.FULL] if lead.remaining.minor <= 0 else ""
        yield [build_line(("cap ", style or MUTED), (form, style)) for form in forms]
    elif lead.used is not None:
        yield _label_forms("", [describe_missing_cap(lead, "cap not reported")])
    state = credits.compute_state(view.now)
    # The title says "off" already.
    if state is CreditState.OFF and lead.used is not None and lead.reason is not None:
        yield _label_forms("", [describe_off(lead)])
    elif state is CreditState.UNKNOWN and lead.used is not None:
        causes = [describe_lock(lock) for lock in find_credit_locks(credits, state, view.now)]
        yield _label_forms("state", [*(f"{NOT_KNOWN}: {cause}" for cause in causes[:1]), NOT_KNOWN])


def _tag_tighter(limit: SpendLimit, credits: Credits, forms: list[str]) -> list[str]:
    """If this limit runs out first, return the forms with a note before the given ones."""
    is_tighter = find_tighter_limit(credits) is limit
    return [*(f"{form}, runs out first" for form in forms if is_tighter), *forms]


def _has_other_figures(other: Meter, lead: Meter) -> bool:
    """True if two replies report different amounts."""
    both = ((other.used, lead.used), (other.cap, lead.cap))
    return any(a is not None and b is not None and a != b for a, b in both)


def _iterate_charges(subscription: Subscription | None, view: View) -> Iterator[CreditsFact]:
    """Yield the next charge, a change of plan and a payment problem, with their time if out of date."""
    if subscription is None:
        return
    age = describe_figures_age(subscription, view.now, view.zone)
    for label, *forms in _iterate_charge_forms(subscription, view):
        yield _label_forms(label, [f"{form} {age}".rstrip() for form in forms])


def _iterate_charge_forms(subscription: Subscription, view: View) -> Iterator[Sequence[str]]:
    """Yield a label and the forms of its text for each fact."""
    if charge := describe_next_charge(subscription, to_local(view.now, view.zone).date()):
        with_card = [f"{charge.text} ({charge.card})"] if charge.card else []
        yield [charge.label.lower(), *with_card, charge.text]
    if subscription.scheduled_change is not None:
        plan, day = subscription.scheduled_change
        yield ["next plan", *([f"{plan} from {day.isoformat()}"] if day else []), plan]
    if subscription.status not in (None, "active", "trialing"):
        yield ["payment", str(subscription.status)]
