"""Report an org for scripts: as a block of plain lines, or as an object of a JSON array.

The lines have the format of the claude-meter command, which existing scripts parse, with a verdict line, an
org line and the balance added. The JSON contains the replies as the server sent them, escaped to ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.credits import (
    EMPTY_BALANCE,
    describe_auto_reload,
    describe_figures_age,
    describe_missing_cap,
    describe_next_charge,
    describe_reload_cure,
    describe_scoped_balance,
)
from claudemeter_tui.formatting.json_view import escape_char
from claudemeter_tui.formatting.problems import describe_source, format_error, is_informational
from claudemeter_tui.formatting.transcripts import TOKEN_KEYS
from claudemeter_tui.formatting.values import (
    build_money_object,
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
from claudemeter_tui.model.forecast import forecast_percent_at_reset, forecast_window_full
from claudemeter_tui.model.identifiers import identify_orgs
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.refusals import Refusal
from claudemeter_tui.model.store import OrgKey, OrgState, Problem, Store
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Window

if TYPE_CHECKING:
    from claudemeter_tui.model.machine import OrgUse

LABEL_WIDTH = 16
"""Cells of a line's label, without the blank after it."""
BODY_ENDPOINTS = (Endpoint.USAGE, Endpoint.OVERAGE, Endpoint.SUBSCRIPTION, Endpoint.PREPAID)
"""The replies in the JSON, in its order; the name of each is its key."""

NO_YEAR_WITHIN = timedelta(days=300)
"""Within this time the end of a lock has no year, because scripts parse it as `until Fri May 1`."""
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")
"""Non-ASCII characters and DEL, which can occur only inside the strings of a JSON text."""


def format_report(store: Store, state: OrgState, now: datetime, zone: tzinfo | None = None) -> str:
    """Return the lines of one org, without a line break at the end."""
    rows = _list_rows(store, state, now, zone)
    read = state.read_at
    at = "never" if read is None else f"{to_local(read, zone):%Y-%m-%d %H:%M:%S %Z}"
    who = f"{state.account.email or '?'} via {state.session.label}"
    who += "".join(f", also via {describe_source(one)}" for one in store.list_also_via(state))
    lines = [f"{label:<{LABEL_WIDTH}} {text}".rstrip() for label, text in rows]
    return "\n".join((*lines, f"fetched {at}   {who}   org {state.org.uuid}"))


def format_json_array(
    store: Store,
    states: Iterable[OrgState],
    now: datetime,
    zone: tzinfo | None = None,
    uses: Mapping[OrgKey, OrgUse] = MappingProxyType({}),
) -> str:
    """Return an ASCII JSON array with an object for each of these orgs.

    Args:
        store: everything that was read.
        states: the orgs.
        now: the time.
        zone: zone of the sentences. None for the system's.
        uses: use of this machine by org. An org that is not in it has no known use.
    """
    from claudemeter_tui.model.machine import OrgUse, find_cycle_start  # noqa: PLC0415 - not in the text

    unknown = OrgUse(find_cycle_start(now))
    identifiers = identify_orgs(store.orgs)
    objects = (
        _format_object(
            store, state, now, zone, use=uses.get(state.key, unknown), identifier=identifiers[state.key]
        )
        for state in states
    )
    return _NOT_ASCII.sub(lambda match: escape_char(match[0]), "[" + ", ".join(objects) + "]")


def list_errors(store: Store, state: OrgState) -> tuple[Problem, ...]:
    """Return the problems of an org and its session, without those that are only informational."""
    problems = (*store.find_session_state(state.session).iter_problems(), *state.iter_problems())
    return tuple(problem for problem in problems if not is_informational(problem))


def _list_rows(
    store: Store, state: OrgState, now: datetime, zone: tzinfo | None
) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line."""
    yield "Verdict", format_verdict_line(judge(state, now), now, zone)
    yield "Org", "   ".join(filter(None, (state.org.display_name, state.org.plan_name)))
    for window in state.plan.windows if state.plan else ():
        yield window.label, _format_window(window, now, zone)
    for meter in state.credits.leading_meters:
        if text := _format_meter(meter, now, zone):
            yield "Extra usage" if meter.is_personal else "Extra usage pool", text
    balance = state.credits.balance
    if balance is not None and balance.amount is not None:
        empty = EMPTY_BALANCE if balance.amount.minor < 0 else ""
        age = describe_figures_age(balance, now, zone)
        notes = empty, describe_scoped_balance(balance), describe_auto_reload(balance), age
        cure = f"; {describe_reload_cure(balance.reload_stop_codes)}" if balance.is_reload_stopped else ""
        yield "Balance", ", ".join(filter(None, (_format_ungrouped_money(balance.amount), *notes))) + cure
    today = to_local(now, zone).date()
    if state.subscription is not None and (charge := describe_next_charge(state.subscription, today)):
        card = "" if charge.card is None else f"   {charge.card or '-'}"
        age = describe_figures_age(state.subscription, now, zone)
        yield charge.label, charge.day + card + (f"   {age}" if age else "")
    for problem in list_errors(store, state):
        yield "error", f"{problem.endpoint}: {format_error(problem.error_kind, problem.detail)}"


def _format_window(window: Window, now: datetime, zone: tzinfo | None) -> str:
    """Return `41.0% used    -> resets Thu Apr 30 16:00 (in 1h 12m)`, then the reason of a lock."""
    if window.is_due(now):
        return format_reset_due(window)
    figure = "?" if window.percent is None else _format_decimal_percent(window.percent, 1)
    locked = f" [{window.locked_reason}]" if window.locked_reason else ""
    if window.resets_at is None:
        return f"{figure:>5}% used{locked}"
    resets = f"{_format_local_day(window.resets_at, now, zone)} {to_local(window.resets_at, zone):%H:%M}"
    left = format_countdown(window.resets_at - now)
    return f"{figure:>5}% used    -> {format_reset_verb(window)} {resets} (in {left}){locked}"


def _format_meter(meter: Meter, now: datetime, zone: tzinfo | None) -> str:
    """Return `$17.20 / $50.00 (34%)`, then the lock: two blanks and BLOCKED mean `out_of_credits`.

    Without any figure, return `off` if the credits are off, else an empty text.
    """
    if not (meter.used or meter.cap or meter.out_of_credits or meter.until or meter.reason):
        return "off" if meter.compute_state(now) is CreditState.OFF else ""
    text = _format_ungrouped_money(meter.used)
    if meter.cap is None:
        text += f" used ({describe_missing_cap(meter, 'cap not reported')})"
    else:
        text += f" / {_format_ungrouped_money(meter.cap)}"
        text += f" ({_format_decimal_percent(meter.percent, 0)}%)" if meter.percent is not None else ""
    if age := describe_figures_age(meter, now, zone):
        text += f", {age}"
    if meter.compute_state(now) is CreditState.OFF:
        text += "  off"
    elif meter.out_of_credits:
        text += "  BLOCKED"
    # An end in the past belongs to an earlier lock and means nothing.
    if meter.until is not None and meter.until > now:
        no_year = meter.until - now <= NO_YEAR_WITHIN
        text += f" until {_format_local_day(meter.until, meter.until if no_year else now, zone)}"
    return text + (f" [{meter.reason}]" if meter.reason else "")


def _format_ungrouped_money(amount: Money | None) -> str:
    """Return the amount without thousands separators: `$1234.56`."""
    return format_money(amount).replace(",", "")


def _format_decimal_percent(value: float, digits: int) -> str:
    """Round to this number of digits, but never to 0 or 100: 0.04 gives 0.1, and 99.96 gives 99.9."""
    least = 10.0**-digits
    shown = round(value, digits)
    if value > 0:
        shown = max(shown, least)
    if value < 100:
        shown = min(shown, 100 - least)
    return f"{shown:.{digits}f}"


def _format_local_day(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return `Thu Apr 30`, with the year if it differs."""
    return format_day(to_local(moment, zone).date(), to_local(now, zone).date())


def _format_object(
    store: Store, state: OrgState, now: datetime, zone: tzinfo | None, *, use: OrgUse, identifier: str
) -> str:
    """Return the JSON object of an org, its replies exactly as the server sent them."""
    verdict = judge(state, now)
    # Keep the server's own text: parsing and printing would change long numbers and repeated keys.
    good = {
        endpoint: reply.text
        for endpoint, reply in state.replies.items()
        if reply.status == 200 and reply.text
    }
    members = {
        "schema_version": json.dumps(SCHEMA_VERSION),
        "org_uuid": json.dumps(state.org.uuid),
        "org_name": json.dumps(state.org.name),
        "browser": json.dumps(state.session.browser),
        "account_email": json.dumps(state.account.email),
        "fetched_at": json.dumps(_format_time(state.read_at)),
        "verdict": json.dumps(
            {
                "state": verdict.state,
                "credits": verdict.credits,
                "cause": verdict.cause,
                "until": _format_time(verdict.lock_until),
                "lifts": _format_time(verdict.ends_at),
                "spending": build_money_object(
                    verdict.plan_spending.spent if verdict.plan_spending else None
                ),
                "text": format_verdict_line(verdict, now, zone),
            }
        ),
        "credits": json.dumps(_build_credits_object(state)),
        "pace": json.dumps(_list_pace_objects(state, now)),
        **{str(endpoint): good.get(endpoint, "null") for endpoint in BODY_ENDPOINTS},
        "read_at": json.dumps(
            {
                endpoint: _format_time(state.replies[endpoint].at if endpoint in good else None)
                for endpoint in BODY_ENDPOINTS
            }
        ),
        "errors": json.dumps(
            [
                {
                    "endpoint": problem.endpoint,
                    "trouble": problem.error_kind,
                    "detail": problem.detail,
                    "at": format_utc(problem.at),
                }
                for problem in list_errors(store, state)
            ]
        ),
        "stale": json.dumps(state.is_stale(now)),
        "alias": json.dumps(state.org.alias or None),
        "label": json.dumps(state.org.display_name),
        "also_via": json.dumps(
            [
                {"account_email": one.account.email, "browser": one.session.browser}
                for one in store.list_also_via(state)
            ]
        ),
        "this_machine": json.dumps(_build_use_object(use)),
        "metrics_org": json.dumps(identifier),
    }
    return "{\n" + ",\n".join(f'  "{key}": {value}' for key, value in members.items()) + "\n}"


def _build_credits_object(state: OrgState) -> dict[str, object] | None:
    """Return the leading figures of the credits. None if no reply has any.

    The replies themselves are not enough: they show a false zero for a withdrawn meter.
    """
    lead = state.credits.lead_meter
    if lead is None:
        return None
    reply = state.replies.get(lead.origin.endpoint)
    return {
        "used": build_money_object(lead.used),
        "cap": build_money_object(lead.cap),
        "is_personal": lead.is_personal,
        "is_withdrawn": lead.figures_at is not None and state.credits.has_withdrawn_figures,
        "at": _format_time(lead.figures_at or (reply.at if reply is not None else None)),
    }


def _build_use_object(use: OrgUse) -> dict[str, object]:
    """Return what this machine's transcripts have of an org; each count is None if no call is known."""
    counts = use.counts
    tokens = (
        dict.fromkeys((*TOKEN_KEYS.values(), "calls"))
        if counts is None
        else {key: getattr(counts, name) for name, key in TOKEN_KEYS.items()} | {"calls": use.calls}
    )
    return {
        "account": use.account,
        "since": format_utc(use.since),
        "tokens": tokens,
        "refusals": None if use.refusals is None else [_build_refusal_object(one) for one in use.refusals],
    }


def _build_refusal_object(refusal: Refusal) -> dict[str, object]:
    return {
        "at": format_utc(refusal.at),
        "project": refusal.project or None,
        "limit": refusal.limit or None,
        "resets_at": _format_time(refusal.resets_at),
        "credits_reason": refusal.credits_reason or None,
        "low_priority_offered": refusal.offers_low_priority,
    }


def _list_pace_objects(state: OrgState, now: datetime) -> list[dict[str, object]]:
    """Return an estimate for each window that has one: when it is full, or its percentage at the reset."""
    found: list[dict[str, object]] = []
    for window in state.plan.windows if state.plan else ():
        full = forecast_window_full(window, now, state.read_at)
        percent = forecast_percent_at_reset(window, state, now)
        if full is not None or percent is not None:
            estimate = {
                "full_at": _format_time(full),
                "percent_at_reset": None if percent is None else float(_format_decimal_percent(percent, 1)),
            }
            found.append({"window": window.key, **estimate})
    return found


def _format_time(moment: datetime | None) -> str | None:
    return format_utc(moment) if moment is not None else None
