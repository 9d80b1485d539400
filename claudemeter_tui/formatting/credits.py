"""Put money into words: credits, locks and cures, rates and forecasts, balance, payment and next charge.

A code that is not in the table is quoted, never interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from claudemeter_tui.formatting.values import (
    format_countdown,
    format_dated_day,
    format_moment,
    format_money,
    format_percent,
    format_short_day,
    to_local,
)
from claudemeter_tui.model.account import Card, Subscription
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint, MeterOrigin
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.forecast import (
    RECENT_SPAN,
    LimitForecast,
    SpendRate,
    forecast_percent_at_reset,
    forecast_window_full,
)
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.verdict import PaymentProblem
from claudemeter_tui.model.windows import Window

NOT_KNOWN = "not known"
NOT_REPORTED = "not reported"
MAX_SURFACES = 3
"""Maximum number of surfaces that are named beside a part of the balance."""
EMPTY_BALANCE = "empty"
"""Note beside a balance that is a debt."""
CREDIT_STATE_NAMES = {
    CreditState.OPEN: "open",
    CreditState.LOCKED: "locked",
    CreditState.OFF: "off",
    CreditState.UNKNOWN: NOT_KNOWN,
    CreditState.ABSENT: "none",
}
ORIGIN_LABELS = {
    MeterOrigin.OVERAGE: "overage",
    MeterOrigin.OWN_OVERAGE: "own",
    MeterOrigin.EXTRA_USAGE: "usage",
    MeterOrigin.SPEND: "spend",
}
"""Short names of the places in the replies that have amounts."""
_NEAR_RESET = timedelta(minutes=5)
"""Time before a reset in which an estimate has no figure: the next reading may move it past the reset."""
LOCK_NOT_VISIBLE = "Claude Code's login can't see it"

USAGE_PAGE = "claude.ai/settings/usage"
BILLING_PAGE = "claude.ai/settings/billing"
ADD_CREDITS = f"add credits on {USAGE_PAGE}"
RAISE_CAP = f"raise the cap on {USAGE_PAGE}"
TURN_ON = f"turn them on at {USAGE_PAGE}"
CHECK_PAGE = f"check {USAGE_PAGE}"
UPDATE_PAYMENT = f"update the payment method on {BILLING_PAGE}"
ASK_ADD = "ask an administrator to add credits"
ASK_TURN_ON = "ask an administrator to turn them on"
ASK_RAISE = "ask an administrator to raise it"

REASON_TEXTS: Mapping[str, tuple[str, str | None]] = {
    "out_of_credits": ("out of credits", None),
    "self_selected_spend_limit_reached": ("your monthly cap is reached", None),
    "org_spend_cap_reached": ("your organization's monthly cap is reached", None),
    "org_level_disabled_until": (
        "your organization has paused usage credits",
        "ask an administrator",
    ),
    "overage_not_provisioned": ("usage credits were never set up", f"set them up on {USAGE_PAGE}"),
    "user_disabled": ("you have turned off usage credits", TURN_ON),
    "no_limits_configured": ("no cap is set for usage credits", f"set one on {USAGE_PAGE}"),
    "org_level_disabled": ("your organization has turned off usage credits", ASK_TURN_ON),
    "seat_tier_level_disabled": ("usage credits are turned off for your seat tier", ASK_TURN_ON),
    "member_level_disabled": ("usage credits are turned off for you as a member", ASK_TURN_ON),
    "org_service_level_disabled": (
        "your organization has turned off usage credits for this service",
        ASK_TURN_ON,
    ),
    "seat_tier_zero_credit_limit": ("the cap of your seat tier is zero", ASK_RAISE),
    "group_zero_credit_limit": ("the cap of your group is zero", ASK_RAISE),
    "member_zero_credit_limit": ("your cap as a member is zero", ASK_RAISE),
    "org_service_zero_credit_limit": ("your organization's cap for this service is zero", ASK_RAISE),
}
"""Words and cure of each `disabled_reason` with a self-explanatory name.

The cure is None if the reason names a cap or a balance, because it then depends on the owner.
"""

FIGURE_CAUSES = frozenset({Cause.CAP, Cause.EMPTY_BALANCE, Cause.OUT_OF_CREDITS})
"""Causes that follow from the figures. The reason in the same reply can differ, so it is not shown in words.
"""

CAUSE_TEXTS: Mapping[tuple[Cause, bool], str] = {
    (Cause.EMPTY_BALANCE, True): "the prepaid balance is empty",
    (Cause.EMPTY_BALANCE, False): "your organization's prepaid balance is empty",
    (Cause.CAP, True): "your monthly cap is reached",
    (Cause.CAP, False): "your organization's monthly cap is reached",
    (Cause.OFF, True): "usage credits are off",
    (Cause.OFF, False): "usage credits are off for your organization",
    (Cause.PAUSED, True): "billable usage is paused",
    (Cause.PAUSED, False): "billable usage is paused for your organization",
    (Cause.NOT_READ, True): "their state could not be read",
    (Cause.NOT_REPORTED, True): "their state is not reported",
    (Cause.NOT_REPORTED, False): "the pool's state is not reported",
    (Cause.CONTRADICTION, True): "the replies disagree",
}
"""Words for each cause, by owner (True: personal); other causes use the words of their reason."""

CAUSE_CURES: Mapping[tuple[Cause, bool], str] = {
    (Cause.EMPTY_BALANCE, False): ADD_CREDITS,
    (Cause.EMPTY_BALANCE, True): ASK_ADD,
    (Cause.CAP, False): RAISE_CAP,
    (Cause.CAP, True): ASK_RAISE,
    (Cause.OUT_OF_CREDITS, False): CHECK_PAGE,
    (Cause.OUT_OF_CREDITS, True): CHECK_PAGE,
    (Cause.OFF, False): TURN_ON,
    (Cause.OFF, True): ASK_TURN_ON,
}
"""Cure of each cause; the second part of the key is True if only an administrator can apply it."""


def describe_reason(code: str) -> str:
    """Return the words for a `disabled_reason`; a code that is not in the table is quoted."""
    return REASON_TEXTS[code][0] if code in REASON_TEXTS else f'the server says "{code}"'


def describe_off(meter: Meter | None) -> str:
    """Return `off`, with the reason if the reply gives one."""
    return f"off: {describe_reason(meter.reason)}" if meter and meter.reason else "off"


def describe_lock(lock: CreditLock) -> str:
    """Return the words for a lock, even if its cause is not known."""
    if lock.is_balance_outdated:
        return 'the server says "out of credits"; the balance is out of date'
    if lock.cause is Cause.OUT_OF_CREDITS:
        return f'the server says "out of credits", but the balance is {format_money(lock.balance)}'
    if lock.cause is Cause.UNREADABLE:
        return f"{lock.unreadable_key} of {lock.origin.endpoint if lock.origin else 'the org'} cannot be read"
    known = CAUSE_TEXTS.get((lock.cause, lock.is_personal))
    if known and lock.meter is not None and lock.meter.cap is not None:
        return f"{known} ({format_money(lock.meter.used)} of {format_money(lock.meter.cap)})"
    if lock.reason is not None and lock.cause not in FIGURE_CAUSES:
        return describe_reason(lock.reason)
    bare = {CreditState.LOCKED: "no cause given", CreditState.OFF: "usage credits are off"}
    return known or bare.get(lock.state, "not reported")


def describe_lock_cure(lock: CreditLock) -> str | None:
    """Return the cure for a lock. None if waiting is the only one."""
    if lock.reason is not None and lock.cause not in FIGURE_CAUSES:
        return REASON_TEXTS.get(lock.reason, ("", None))[1]
    return CAUSE_CURES.get((lock.cause, lock.needs_admin))


def describe_contradiction(said: Sequence[tuple[MeterOrigin, CreditState]]) -> str:
    """Return `replies disagree: overage says open, usage says locked`."""
    names = {MeterOrigin.SPEND: "spend in usage"}
    words = (
        f"{names.get(origin, origin.endpoint)} says {CREDIT_STATE_NAMES[state]}" for origin, state in said
    )
    return f"replies disagree: {', '.join(words)}"


def describe_payment(payment: PaymentProblem) -> tuple[str, str | None]:
    """Return the words for a payment problem and its cure; None if no cure is known.

    A problem that is not in the table is quoted under its key.
    """
    resume = f"resume it on {BILLING_PAGE}"
    match payment.key, payment.value:
        case "status", "past_due":
            return "the last payment failed (past_due)", UPDATE_PAYMENT
        case ("status", "paused") | ("payment_paused_until", _):
            return "the subscription is paused", resume
        case key, value:
            cures = {"subscription_pause": resume, "billing_issue": f"see {BILLING_PAGE}"}
            return f'{key}: "{value}"', cures.get(key)


def describe_missing_cap(meter: Meter, missing: str = NOT_REPORTED) -> str:
    """Return `no cap`, or `missing` if the reply does not say so."""
    return "no cap" if meter.is_uncapped else missing


def format_cap(meter: Meter, missing: str = NOT_REPORTED) -> str:
    """Return the cap, `no cap`, or `missing` if it is not reported."""
    return format_money(meter.cap, describe_missing_cap(meter, missing))


def describe_figures_age(
    figures: Meter | Balance | Subscription, now: datetime, zone: tzinfo | None = None
) -> str:
    """Return `as of 14:02` for figures that were withdrawn, or not read, since; empty for current ones."""
    return f"as of {format_moment(figures.figures_at, now, zone)}" if figures.figures_at is not None else ""


def list_use_forms(meter: Meter, now: datetime, zone: tzinfo | None = None) -> list[str]:
    """Return `$17.20 of $50.00  34%` or `$17.20 used, no cap`, then shorter forms.

    Every form of figures that are not current shows their time: `$17.20 of $50.00  34% as of 14:02`.
    """
    age = describe_figures_age(meter, now, zone)
    return [f"{form} {age}".rstrip() for form in _list_undated_use_forms(meter)]


def _list_undated_use_forms(meter: Meter) -> list[str]:
    used = format_money(meter.used)
    if meter.cap is None:
        return [f"{used} used, {describe_missing_cap(meter, 'cap not reported')}", f"{used} used", used]
    both = f"{used} of {format_money(meter.cap)}"
    if meter.percent is None:
        return [both, used]
    percent = format_percent(meter.percent)
    return [f"{both}  {percent}", f"{used}  {percent}", percent]


def format_balance(balance: Balance | None, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `$244.35`, with its time if it is out of date; empty if nothing was bought or reported."""
    if balance is None or balance.amount is None:
        return ""
    return f"{format_money(balance.amount)} {describe_figures_age(balance, now, zone)}".rstrip()


def describe_scoped_balance(balance: Balance) -> str:
    """Return `$40.00 of it for api only`; empty if every surface can use the whole balance."""
    if balance.scoped is None:
        return ""
    return f"{format_money(balance.scoped)} of it {describe_scope(balance.scoped_surfaces)}"


def describe_scope(surfaces: Sequence[str]) -> str:
    """Return `for api only`, or `for some surfaces only` if the server names none, or too many."""
    is_short = 0 < len(surfaces) <= MAX_SURFACES
    return f"for {' and '.join(surfaces) if is_short else 'some surfaces'} only"


def describe_auto_reload(balance: Balance) -> str:
    """Return `auto-reload on` or `auto-reload stopped (payment_failed, card_declined)`; empty if off."""
    if balance.is_reload_stopped:
        return f"auto-reload stopped ({', '.join(balance.reload_stop_codes)})"
    return "auto-reload on" if balance.is_reloading else ""


def describe_reload_cure(codes: Sequence[str]) -> str:
    """Return the cure for an auto-reload that has stopped with these codes."""
    is_payment = any(word in code for code in codes for word in ("payment", "card"))
    return UPDATE_PAYMENT if is_payment else CHECK_PAGE


def list_balance_forms(balance: Balance, now: datetime, zone: tzinfo | None = None) -> list[str]:
    """Return `$244.35 ($100.00 expires Apr 25), auto-reload on`, then shorter forms.

    A debt reads `-$15.92, empty`. A part for some surfaces and a stopped auto-reload are not included. Every
    form of a balance that is out of date shows its time: `$244.35 as of 14:02`.
    """
    age = describe_figures_age(balance, now, zone)
    return [f"{form} {age}".rstrip() for form in _list_undated_balance_forms(balance, now, zone)]


def _list_undated_balance_forms(balance: Balance, now: datetime, zone: tzinfo | None) -> list[str]:
    if balance.amount is None:
        return ["not known" if balance.is_unknown else "none"]
    parts = [format_money(balance.amount) + (f", {EMPTY_BALANCE}" if balance.amount.minor < 0 else "")]
    expiring = [
        (part.expires_at, part.remaining)
        for part in balance.tranches
        if part.expires_at and part.expires_at > now
    ]
    if expiring:
        # Name one part only, the one that expires first.
        expires_at, remaining = min(expiring, key=lambda pair: pair[0])
        day = format_dated_day(to_local(expires_at, zone), now, zone)
        parts.append(f" ({format_money(remaining)} expires {day})")
    if balance.is_reloading:
        parts.append(f", {describe_auto_reload(balance)}")
    return ["".join(parts[:end]) for end in range(len(parts), 0, -1)]


def format_card(card: Card | None) -> str:
    """Return `Visa ••4242`, the brand alone, or nothing if no card is reported."""
    if card is None:
        return ""
    return f"{card.brand} ••{card.last4}" if card.last4 else card.brand


class NextCharge(NamedTuple):
    """The next charge of a subscription, or the day on which it ends."""

    label: str
    """Label in a line of its own: `Next charge`, `Plan ends`, `Paid through`."""
    text: str
    """Day in words: `Dec 18`."""
    day: str
    """Date in the form `2026-12-18`."""
    card: str | None = None
    """The card to charge; empty if none is reported. None if nothing is charged."""

    @classmethod
    def build(cls, label: str, day: date, card: str | None = None) -> NextCharge:
        """Word a label and a day."""
        return cls(label, format_short_day(day), day.isoformat(), card)


def describe_next_charge(subscription: Subscription, today: date) -> NextCharge | None:
    """Return the next charge, or the day on which the plan or the gift ends. None if neither is known.

    A charge before today is left out: the reply does not say whether it was made.
    """
    if subscription.ends_on is not None:
        day = subscription.ends_on
        return NextCharge.build("Plan ends" if day >= today else "Plan ended", day)
    if subscription.next_charge is not None:
        day, card = subscription.next_charge, format_card(subscription.card)
        return NextCharge.build("Next charge", day, card) if day >= today else None
    if subscription.paid_through is not None:
        return NextCharge.build("Paid through", subscription.paid_through)
    return None


def format_gate_forecast(forecast: LimitForecast, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `cap reached 17:10 to 19:40 at this rate`, `cap not reached before 17:10 at this rate`."""
    earliest = format_moment(forecast.earliest, now, zone)
    if forecast.latest is None:
        return f"{forecast.limit} not reached before {earliest} at this rate"
    latest = format_moment(forecast.latest, now, zone)
    span = earliest if earliest == latest else f"{earliest} to {latest}"
    return f"{forecast.limit} reached {span} at this rate"


def format_credits_forecast(
    rate: SpendRate | None, forecast: LimitForecast | None, now: datetime, zone: tzinfo | None = None
) -> tuple[str, ...]:
    """Return a line for the rate of an org's credits and one for the forecast; empty without a rate.

    The rate is `$6.40/h over 30 min, $3.10/h since 14:02`, or only the second if the run is that short.
    """
    if rate is None:
        return ()
    text = f"{format_money(rate.overall_rate)}/h since {format_moment(rate.since, now, zone)}"
    # Both rates are the same in a run that is shorter than this span.
    if rate.recent_rate is not None and rate.at - rate.since > RECENT_SPAN:
        text = f"{format_money(rate.recent_rate)}/h over 30 min, {text}"
    return (text,) if forecast is None else (text, format_gate_forecast(forecast, now, zone))


def format_window_forecasts(
    window: Window, state: OrgState, now: datetime, zone: tzinfo | None = None
) -> tuple[str, ...]:
    """Return `full 14:10 at this pace, 50m before the reset`, then shorter forms down to `full ~14:10`.

    For a window that resets before it is full, return `at this pace 61% at the reset`, then shorter forms.
    Empty if there is no forecast.
    """
    full = forecast_window_full(window, now, state.read_at)
    if full is not None and window.resets_at is not None:
        at = format_moment(full, now, zone)
        early = format_time_before_reset(window.resets_at - full)
        return f"full {at} at this pace, {early}", f"full ~{at}, {early}", f"full ~{at}"
    percent = forecast_percent_at_reset(window, state, now)
    if percent is None:
        return ()
    text = format_percent(percent)
    return f"at this pace {text} at the reset", f"~{text} at the reset", f"~{text} at reset"


def format_time_before_reset(left: timedelta) -> str:
    """Return `50m before the reset` for an estimated time; below five minutes, `just before the reset`."""
    return f"{format_countdown(left) if left >= _NEAR_RESET else 'just'} before the reset"


def describe_provenance(state: OrgState, endpoint: Endpoint) -> str:
    """Return `via Claude Code`; empty for a reply that the org's own browser session read, or for none."""
    session = state.reply_sources.get(endpoint)
    if session is None or session == state.session != CLAUDE_CODE_LOGIN:
        return ""
    return f"via {session.label}"


def describe_lock_visibility(state: OrgState, now: datetime, zone: tzinfo | None = None) -> str:
    """Return `not known` or `as of 14:05` for the lock on the credits; empty if the lock is known.

    Claude Code's login reads the usage reply only. A lock in that reply is real, but most locks are
    reported only in the overage reply, which needs a browser session.
    """
    credit_state, reply = state.credits.compute_state(now), state.replies.get(Endpoint.OVERAGE)
    if state.session != CLAUDE_CODE_LOGIN or credit_state is CreditState.ABSENT:
        return ""
    if reply is not None:
        return f"as of {format_moment(reply.at, now, zone)}"
    return NOT_KNOWN if credit_state is CreditState.UNKNOWN else ""
