"""Report an org for scripts: as a block of plain lines, or as an object of a JSON array.

The lines have the format of the claude-meter command, which existing scripts parse, with a verdict line, an
org line and the balance added. The JSON contains the replies as the server sent them, escaped to ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

from claudemeter_tui.formatting.credits import AUTO_RELOAD, describe_missing_cap, describe_next_charge
from claudemeter_tui.formatting.json_view import escape_char
from claudemeter_tui.formatting.problems import format_error, is_informational
from claudemeter_tui.formatting.values import (
    format_countdown,
    format_day,
    format_money,
    format_reset_due,
    format_reset_verb,
    format_utc,
    to_local,
)
from claudemeter_tui.formatting.verdict import format_verdict_line
from claudemeter_tui.model.catalogue import CreditState, Endpoint
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.store import OrgState, Problem, Store
from claudemeter_tui.model.verdict import Verdict, judge
from claudemeter_tui.model.windows import Plan, Window

LABEL_WIDTH = 16
"""Cells of a line's label; a blank follows."""
BODY_ENDPOINTS = (Endpoint.USAGE, Endpoint.OVERAGE, Endpoint.SUBSCRIPTION, Endpoint.PREPAID)
"""The replies in the JSON, in its order; the name of each is its key."""

NO_YEAR_WITHIN = timedelta(days=300)
"""Scripts parse the end of a lock as `until Fri May 1`: within this time it never has a year."""
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")
"""Outside ASCII, or DEL: such a character is always inside a string of a JSON text."""


def format_report(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the lines of one org, without a line break at the end."""
    return "\n".join(_format_lines(store, state, now, zone))


def format_json_array(
    store: Store, states: Iterable[OrgState], now: datetime, zone: tzinfo | None = None
) -> str:
    """Return an ASCII JSON array with an object for each of these orgs."""
    objects = (_format_object(store, state, now, zone) for state in states)
    return _NOT_ASCII.sub(lambda match: escape_char(match[0]), "[" + ", ".join(objects) + "]")


def list_errors(store: Store, state: OrgState) -> tuple[Problem, ...]:
    """Return the problems of an org and its session, without those that are only informational."""
    problems = (*store.find_session_state(state.session).iter_problems(), *state.iter_problems())
    return tuple(problem for problem in problems if not is_informational(problem))


def _format_lines(store: Store, state: OrgState, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    plan = state.plan or Plan()
    yield _format_row("Verdict", format_verdict_line(judge(state, now), now, zone))
    yield _format_row("Org", "   ".join(filter(None, (state.org.name, state.org.plan_name))))
    for window in plan.windows:
        yield _format_row(window.label, _format_window(window, now, zone))
    for meter in state.credits.leading_meters:
        if text := _format_meter(meter, now, zone):
            yield _format_row("Extra usage" if meter.is_personal else "Extra usage pool", text)
    balance = state.credits.balance
    if balance is not None and balance.amount is not None:
        reload = f", {AUTO_RELOAD}" if balance.auto_reload else ""
        yield _format_row("Balance", f"{_format_ungrouped_money(balance.amount)}{reload}")
    if state.subscription is not None and (charge := describe_next_charge(state.subscription)):
        card = "" if charge.card is None else f"   {charge.card or '-'}"
        yield _format_row(charge.label, charge.day + card)
    for problem in list_errors(store, state):
        yield _format_row("error", f"{problem.endpoint}: {format_error(problem.error_kind, problem.detail)}")
    yield _format_fetch_line(state, zone)


def _format_row(label: str, text: str) -> str:
    return f"{label:<{LABEL_WIDTH}} {text}".rstrip()


def _format_window(window: Window, now: datetime, zone: tzinfo | None) -> str:
    """Return `41.0% used    -> resets Thu Apr 30 16:00 (in 1h 12m)`, then the reason of a lock."""
    if window.is_due(now):
        return format_reset_due(window)
    figure = "?" if window.percent is None else _format_decimal_percent(window.percent, 1)
    locked = f" [{window.locked_reason}]" if window.locked_reason else ""
    if window.resets_at is None:
        return f"{figure:>5}% used{locked}"
    there = to_local(window.resets_at, zone)
    resets = f"{_format_local_day(window.resets_at, now, zone)} {there:%H:%M}"
    left = format_countdown(window.resets_at - now)
    return f"{figure:>5}% used    -> {format_reset_verb(window)} {resets} (in {left}){locked}"


def _format_meter(meter: Meter, now: datetime, zone: tzinfo | None) -> str:
    """Return `$17.20 / $50.00 (34%)`, then the lock: two blanks and BLOCKED mean `out_of_credits`.

    Without any figure, return `off` if the credits are off, else an empty text.
    """
    if not _has_credit_facts(meter):
        return "off" if meter.compute_state(now) is CreditState.OFF else ""
    blocked = "  BLOCKED" if meter.out_of_credits else ""
    until = f" until {_format_lock_day(meter.until, now, zone)}" if meter.until else ""
    reason = f" [{meter.reason}]" if meter.reason else ""
    return f"{_format_amounts(meter)}{blocked}{until}{reason}"


def _has_credit_facts(meter: Meter) -> bool:
    """True if the meter reports credits, rather than that there are none."""
    return bool(meter.used or meter.cap or meter.out_of_credits or meter.until or meter.reason)


def _format_amounts(meter: Meter) -> str:
    used = _format_ungrouped_money(meter.used)
    if meter.cap is None:
        return f"{used} used ({describe_missing_cap(meter, 'cap not reported')})"
    share = f" ({_format_decimal_percent(meter.percent, 0)}%)" if meter.percent is not None else ""
    return f"{used} / {_format_ungrouped_money(meter.cap)}{share}"


def _format_ungrouped_money(amount: Money | None) -> str:
    """Return the amount without thousands separators: `$1234.56`."""
    return format_money(amount).replace(",", "")


def _format_decimal_percent(value: float, digits: int) -> str:
    """Round to so many digits, but never to 0 or 100: 0.04 gives 0.1, and 99.96 gives 99.9."""
    least = 10.0**-digits
    shown = round(value, digits)
    if value > 0:
        shown = max(shown, least)
    if value < 100:
        shown = min(shown, 100 - least)
    return f"{shown:.{digits}f}"


def _format_lock_day(until: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return `Fri May 1` for the end of a lock, with a year only if it could be mistaken for another one."""
    if timedelta(0) <= until - now <= NO_YEAR_WITHIN:
        there = to_local(until, zone)
        return f"{there:%a %b} {there.day}"
    return _format_local_day(until, now, zone)


def _format_local_day(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return `Thu Apr 30`, with the year if it differs."""
    return format_day(to_local(moment, zone).date(), to_local(now, zone).date())


def _format_fetch_line(state: OrgState, zone: tzinfo | None) -> str:
    read = state.read_at
    at = "never" if read is None else f"{to_local(read, zone):%Y-%m-%d %H:%M:%S %Z}"
    who = state.account.email or "?"
    return f"fetched {at}   {who} via {state.session.label}   org {state.org.uuid}"


def _format_object(store: Store, state: OrgState, now: datetime, zone: tzinfo | None) -> str:
    """Return the JSON object of an org, its replies exactly as the server sent them."""
    errors = [
        {
            "endpoint": problem.endpoint,
            "trouble": problem.error_kind,
            "detail": problem.detail,
            "at": format_utc(problem.at),
        }
        for problem in list_errors(store, state)
    ]
    members = {
        "org_uuid": json.dumps(state.org.uuid),
        "org_name": json.dumps(state.org.name),
        "browser": json.dumps(state.session.browser),
        "account_email": json.dumps(state.account.email),
        "fetched_at": json.dumps(format_utc(state.read_at) if state.read_at else None),
        "verdict": json.dumps(_build_verdict_object(judge(state, now), now, zone)),
        **{str(endpoint): _find_body_json(state, endpoint) for endpoint in BODY_ENDPOINTS},
        "errors": json.dumps(errors),
        "stale": json.dumps(state.is_stale(now)),
    }
    return "{\n" + ",\n".join(f'  "{key}": {value}' for key, value in members.items()) + "\n}"


def _build_verdict_object(verdict: Verdict, now: datetime, zone: tzinfo | None) -> dict[str, str | None]:
    return {
        "state": verdict.state,
        "credits": verdict.credits,
        "cause": verdict.cause,
        "until": format_utc(verdict.lock_until) if verdict.lock_until else None,
        "lifts": format_utc(verdict.ends_at) if verdict.ends_at else None,
        "text": format_verdict_line(verdict, now, zone),
    }


def _find_body_json(state: OrgState, endpoint: Endpoint) -> str:
    """Return the reply as the server sent it; null if it was not read, or was an error."""
    reply = state.replies.get(endpoint)
    return reply.text if reply is not None and reply.status == 200 and reply.text else "null"
