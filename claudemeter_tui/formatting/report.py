"""What is known about an org, for scripts: a block of plain lines, or an object of a JSON array.

The lines have the format of the claude-meter command, which people's scripts parse already; a verdict
and an org line stand above them, and the balance among them. In the JSON the replies are as the server
sent them, escaped to ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from claudemeter_tui.formatting.amounts import TOPS_UP, describe_missing_cap, describe_next_charge
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
"""Cells of a line's label; one blank follows."""
BODY_ENDPOINTS = (Endpoint.USAGE, Endpoint.OVERAGE, Endpoint.SUBSCRIPTION, Endpoint.PREPAID)
"""The replies that the JSON holds whole, in its order; the name of each is its key."""

_NOT_ASCII = re.compile(r"[^\x00-\x7e]")
"""In a JSON text such a character stands inside of a string, never elsewhere."""


def format_report(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> str:
    """The lines of one org of the store, without a line break at the end."""
    return "\n".join(_format_lines(store, state, now, zone))


def format_json_array(
    store: Store, states: Iterable[OrgState], now: datetime, zone: tzinfo | None = None
) -> str:
    """A JSON array in ASCII with an object for each of these orgs of the store."""
    objects = (_format_object(_build_members(store, state, now, zone)) for state in states)
    return _NOT_ASCII.sub(lambda match: escape_char(match[0]), "[" + ", ".join(objects) + "]")


def list_errors(store: Store, state: OrgState) -> tuple[Problem, ...]:
    """What is wrong with an org or the session that serves it; what is only new is no error."""
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
        reload = f", {TOPS_UP}" if balance.auto_reload else ""
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
    """`41.0% used    -> resets Thu Apr 30 16:00 (in 1h 12m)`, and why it is locked if it is."""
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
    """`$17.20 / $50.00 (34%)`, then what shuts it: two blanks and BLOCKED say `out_of_credits`.

    Without credits to tell of `off` where they are, else nothing.
    """
    if not _has_credit_facts(meter):
        return "off" if meter.compute_state(now) is CreditState.OFF else ""
    blocked = "  BLOCKED" if meter.out_of_credits else ""
    until = f" until {_format_local_day(meter.until, now, zone)}" if meter.until else ""
    reason = f" [{meter.reason}]" if meter.reason else ""
    return f"{_format_amounts(meter)}{blocked}{until}{reason}"


def _has_credit_facts(meter: Meter) -> bool:
    """Whether it reports credits, and not only that there are none."""
    return bool(meter.used or meter.cap or meter.out_of_credits or meter.until or meter.reason)


def _format_amounts(meter: Meter) -> str:
    used = _format_ungrouped_money(meter.used)
    if meter.cap is None:
        return f"{used} used ({describe_missing_cap(meter, 'cap not reported')})"
    share = f" ({_format_decimal_percent(meter.percent, 0)}%)" if meter.percent is not None else ""
    return f"{used} / {_format_ungrouped_money(meter.cap)}{share}"


def _format_ungrouped_money(amount: Money | None) -> str:
    """The usual form, but nothing stands between thousands: `$1234.56`."""
    return format_money(amount).replace(",", "")


def _format_decimal_percent(value: float, digits: int) -> str:
    """So many decimal digits, and never 0 or 100 before it is so: 0.04 gives 0.1, and 99.96 gives 99.9."""
    least = 10.0**-digits
    shown = round(value, digits)
    if value > 0:
        shown = max(shown, least)
    if value < 100:
        shown = min(shown, 100 - least)
    return f"{shown:.{digits}f}"


def _format_local_day(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """`Thu Apr 30`, with the year where it is another."""
    return format_day(to_local(moment, zone).date(), to_local(now, zone).date())


def _format_fetch_line(state: OrgState, zone: tzinfo | None) -> str:
    read = state.read_at
    at = "never" if read is None else f"{to_local(read, zone):%Y-%m-%d %H:%M:%S %Z}"
    who = state.account.email or "?"
    return f"fetched {at}   {who} via {state.session.label}   org {state.org.uuid}"


def _build_members(
    store: Store, state: OrgState, now: datetime, zone: tzinfo | None
) -> Iterator[tuple[str, str]]:
    """The keys of an org's object with their values, each a JSON text."""
    yield "org_uuid", json.dumps(state.org.uuid)
    yield "org_name", json.dumps(state.org.name)
    yield "browser", json.dumps(state.session.browser)
    yield "account_email", json.dumps(state.account.email)
    yield "fetched_at", json.dumps(format_utc(state.read_at) if state.read_at else None)
    yield "verdict", json.dumps(_build_verdict_object(judge(state, now), now, zone))
    for endpoint in BODY_ENDPOINTS:
        yield endpoint, _find_body_json(state, endpoint)
    yield "errors", json.dumps([_build_error_object(problem) for problem in list_errors(store, state)])
    yield "stale", json.dumps(state.is_stale(now))


def _format_object(members: Iterable[tuple[str, str]]) -> str:
    inner = ",\n".join(f'  "{key}": {value}' for key, value in members)
    return f"{{\n{inner}\n}}"


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
    """The reply as the server sent it; null where it was not read, or says that there is no such thing."""
    reply = state.replies.get(endpoint)
    return reply.text if reply is not None and reply.status == 200 and reply.text else "null"


def _build_error_object(problem: Problem) -> dict[str, str | None]:
    return {
        "endpoint": problem.endpoint,
        "trouble": problem.error_kind,
        "detail": problem.detail,
        "at": format_utc(problem.at),
    }
