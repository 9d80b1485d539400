"""The credit gauge: used, cap, balance, pool, and what is charged next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claudemeter_tui.model.forecast import Gate
from claudemeter_tui.model.usage import (
    Balance,
    Card,
    Credits,
    CreditState,
    Meter,
    Origin,
    Severity,
    Subscription,
)
from claudemeter_tui.text import format as form
from claudemeter_tui.text import reasons
from claudemeter_tui.text.figure import endpoint_of
from claudemeter_tui.text.forecast import credits_lines
from claudemeter_tui.text.via import NOT_KNOWN, UNSEEN, lock, via
from claudemeter_tui.tui import ink
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.drawing import Drawing

LABEL = 9
"""Cells of a row's label."""


class CreditsPanel(Drawing):
    """Both gates of the metered credits, each with what is left of it."""

    def draw(self, width: int, height: int) -> list[ink.Line]:
        """The gauge and below it the rows that fit, the most needed first."""
        framed = self.view.layout.framed
        inner, room = (width - 4, height - 2) if framed else (width - 2, height)
        if not framed:
            lines = [brief(self.view, inner)] if room == 1 else _lines(self.view, inner)[:room]
            return [ink.fit(ink.text(" ", line), width) for line in lines]
        lines = _lines(self.view, inner)[:room]
        lines += [ink.text("")] * (room - len(lines))
        return ink.framed(ink.text(("Extra usage", ink.TITLE)), _state(self.view), lines, width)


def wanted(view: View) -> int:
    """How many lines the panel would fill."""
    return max(1, len(_lines(view, 40)))


def _state(view: View) -> ink.Line:
    """Whether the credits are open, beside the title."""
    if view.state is None or view.state.read_at is None:
        return ink.text("")
    state = view.state.credits.state(view.now)
    style = {CreditState.LOCKED: ink.STYLE[Severity.FULL], CreditState.OPEN: ink.STYLE[Severity.NORMAL]}
    named = {CreditState.ABSENT: "none", CreditState.UNKNOWN: "not known"}.get(state, str(state))
    lead = view.state.credits.lead
    by = via(view.state, endpoint_of(lead)) if lead is not None else ""
    return ink.joined([ink.text((by, ink.MUTED)), ink.text((named, style.get(state, ink.MUTED)))][not by :])


def _lines(view: View, width: int) -> list[ink.Line]:
    state = view.state
    if state is None or state.read_at is None:
        return [ink.text(("Not read yet", ink.MUTED))]
    credits, lead = state.credits, state.credits.lead
    lines = [*_gauge(lead, width)] if lead and lead.used else [ink.text((_nothing(credits, view), ink.MUTED))]
    lines += [_row(label, forms, width) for label, *forms in _rows(credits, view)]
    forecast = credits_lines(state, view.now, view.zone)
    lines += [_row(label, [said], width) for label, said in zip(("rate", ""), forecast, strict=False)]
    lines += [_row("next", forms, width) for forms in _charge(state.subscription)]
    return lines


def brief(view: View, width: int) -> ink.Line:
    """Everything in one line: the gauge in words."""
    credits = view.state.credits if view.state else Credits()
    lead = credits.lead
    if view.state is None or view.state.read_at is None:
        return ink.text(("extra usage not read yet", ink.MUTED))
    if lead is None or lead.used is None:
        return ink.text((f"extra usage: {_nothing(credits, view)}", ink.MUTED))
    style, mark = _severity(lead, view)
    whose = "extra " if lead.personal else "pool "
    beside = list(_beside(credits, view))
    used = [ink.text(whose, (f"{form} {mark}".rstrip(), style)) for form in _amounts(lead)]
    parts = [ink.joined([used[0], *beside[:end]]) for end in range(len(beside), -1, -1)]
    return ink.longest([*parts, *used[1:]], width)


def _beside(credits: Credits, view: View) -> Iterator[ink.Line]:
    """Whether they are shut, and the balance."""
    match credits.state(view.now):
        case CreditState.LOCKED as shut:
            yield ink.text((str(shut), ink.STYLE[Severity.FULL]))
        case CreditState.OFF as shut:
            yield ink.text((str(shut), ink.MUTED))
    if view.state is not None and (seen := lock(view.state, view.now, view.zone)):
        yield ink.text((f"lock {'?' if seen == NOT_KNOWN else seen}", ink.MUTED))
    if credits.balance and credits.balance.amount:
        yield ink.text((f"balance {form.money(credits.balance.amount)}", ink.MUTED))


def _severity(meter: Meter, view: View) -> tuple[str, str]:
    severity = Severity.of(meter.percent)
    if meter.state(view.now) is CreditState.LOCKED:
        severity = Severity.FULL
    return ink.STYLE[severity], ink.MARK[severity]


def _amounts(meter: Meter) -> list[str]:
    """`$17.20 of $50.00  34 %`, or with what stands in for a cap; then the same in fewer words."""
    used = form.money(meter.used) if meter.used else "?"
    if meter.cap is None:
        return [f"{used} used, " + ("no cap" if meter.uncapped else "cap not reported"), f"{used} used", used]
    whole = f"{used} of {form.money(meter.cap)}"
    if meter.percent is None:
        return [whole, used]
    share = form.percent(meter.percent)
    return [f"{whole}  {share}", f"{used}  {share}", share]


def _gauge(meter: Meter, width: int) -> Iterator[ink.Line]:
    severity = Severity.of(meter.percent)
    style = ink.STYLE[severity]
    used = form.money(meter.used) if meter.used else "?"
    if meter.cap is None:
        yield ink.text((used, ink.TITLE), " used", "" if meter.personal else " by the pool")
        return
    percent = form.percent(meter.percent) if meter.percent is not None else ""
    amount = ink.text((used, ink.TITLE), f" of {form.money(meter.cap)}", "" if meter.personal else " (pool)")
    yield ink.spread(amount, ink.text((f"{percent} {ink.MARK[severity]}", style)), width)
    yield ink.bar(meter.percent, width, style)


def _nothing(credits: Credits, view: View) -> str:
    """Why there is no figure."""
    match credits.state(view.now):
        case CreditState.ABSENT:
            return "none: no metered billing on this org"
        case CreditState.OFF:
            shut = credits.shut(view.now)
            return f"off: {reasons.words(shut.reason)}" if shut and shut.reason else "off"
        case CreditState.LOCKED:
            return "locked; the amount is not reported"
        case _:
            return "not reported"


def _rows(credits: Credits, view: View) -> Iterator[tuple[str, ...]]:
    """Label and value of each row; behind a value the same in fewer words, for a narrow place."""
    lead = credits.lead
    tighter = tighter_gate(credits)
    if lead is not None:
        if lead.left is not None:
            yield "cap", *_tagged([f"{form.money(lead.left)} left"], tighter is Gate.CAP)
        elif lead.used is not None:
            yield "cap", "no cap" if lead.uncapped else "not reported"
        if lead.enabled is False and lead.used is not None and credits.state(view.now) is CreditState.OFF:
            yield "state", "off" + (f": {reasons.words(lead.reason)}" if lead.reason else "")
    if view.state is not None and (seen := lock(view.state, view.now, view.zone)):
        yield "lock", f"{seen}: {UNSEEN}", f"{seen}, unseen by Claude Code", seen
    if credits.balance is not None:
        yield "balance", *_tagged(_balance(credits.balance, view), tighter is Gate.BALANCE)
    if credits.pool is not None and credits.pool is not lead:
        yield "pool", *_amounts(credits.pool)
    for other in credits.meters:
        if lead is not None and other not in (lead, credits.pool) and _disagrees(other, lead):
            yield _ORIGIN[other.origin], *(f"says {form}" for form in _amounts(other))


def _tagged(forms: list[str], tighter: bool) -> list[str]:  # noqa: FBT001 - the gate with less left, or not
    return [*(f"{form} · tighter" for form in forms if tighter), *forms]


_ORIGIN = {Origin.OVERAGE: "overage", Origin.OWN: "own", Origin.EXTRA_USAGE: "usage", Origin.SPEND: "spend"}


def tighter_gate(credits: Credits) -> Gate | None:
    """The gate with less left, of a cap and a balance that can be compared; None where there are not both."""
    left = credits.lead.left if credits.lead else None
    balance = credits.balance.amount if credits.balance else None
    if left is None or balance is None or left.unit != balance.unit or left.minor == balance.minor:
        return None
    return Gate.CAP if left.minor < balance.minor else Gate.BALANCE


def _disagrees(other: Meter, lead: Meter) -> bool:
    """Whether two replies give different figures for the same thing."""
    both = ((other.used, lead.used), (other.cap, lead.cap))
    return any(a is not None and b is not None and (a.unit, a.minor) != (b.unit, b.minor) for a, b in both)


def _balance(balance: Balance, view: View) -> list[str]:
    """The amount with what is known of it, and then with less and less."""
    if balance.amount is None:
        return ["nothing bought"]
    parts = [form.money(balance.amount)]
    dated = [one for one in balance.tranches if one.expires_at and one.expires_at > view.now]
    if dated:
        first = min(dated, key=lambda one: one.expires_at or view.now)
        ends = form.local(first.expires_at or view.now, view.zone).date()
        parts.append(f"{form.money(first.remaining)} of it to {ends:%b} {ends.day}")
    if balance.auto_reload:
        parts.append("tops itself up")
    return [", ".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _charge(subscription: Subscription | None) -> Iterator[list[str]]:
    """What is charged next and what changes, each in fewer and fewer words."""
    if subscription is None:
        return
    if subscription.ends is not None:
        yield [f"none: ends {subscription.ends.isoformat()}"]
    elif subscription.next_charge is not None:
        charge = f"charge {subscription.next_charge.isoformat()}"
        yield [*(f"{charge} · {paid}" for paid in _paid(subscription.card)), charge]
    elif subscription.paid_through is not None:
        yield [f"none: a gift, paid to {subscription.paid_through.isoformat()}"]
    if subscription.change is not None:
        plan, day = subscription.change
        yield [*([f"plan {plan} from {day.isoformat()}"] if day else []), f"plan {plan}"]
    if subscription.status not in (None, "active", "trialing"):
        yield [f"payment: {subscription.status}"]


def _paid(card: Card | None) -> Iterator[str]:
    if card is not None:
        yield f"{card.brand} ••{card.last4}" if card.last4 else card.brand


def _row(label: str, forms: Sequence[str], width: int) -> ink.Line:
    """A label, and the fullest of the forms that fits."""
    head = ink.text((label.ljust(LABEL), ink.MUTED))
    return ink.longest((ink.text(head, form) for form in forms), width)
