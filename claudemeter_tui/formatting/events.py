"""Word an event as one line for people or one line of JSON for scripts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo

from claudemeter_tui.formatting.credits import describe_lock
from claudemeter_tui.formatting.problems import describe_session_renewal
from claudemeter_tui.formatting.values import format_moment, format_money, format_percent, format_utc
from claudemeter_tui.formatting.verdict import CREDITS_BLOCKED, VERDICT_NAMES
from claudemeter_tui.model.events import (
    SUBJECT_EXTRA_USAGE,
    SUBJECT_PLAN,
    SUBJECT_POOL,
    Event,
    EventKind,
    EventValue,
)
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.verdict import VerdictState

MAX_PATHS = 3
"""Most new fields that a line names; the others are counted."""


def format_event_line(event: Event, now: datetime, zone: tzinfo | None = None, name: str = "") -> str:
    """Return `14:31 BLOCKED: your monthly cap is reached`; the org's name after the time, if given."""
    text = f"{name} · {describe_event(event, zone)}" if name else describe_event(event, zone)
    return f"{format_moment(event.at, now, zone)} {text}"


def describe_event(event: Event, zone: tzinfo | None = None) -> str:
    """Return the event without time and org: `5-hour window full, resets 16:00`."""
    match event.kind:
        case (
            EventKind.WINDOW_FILLED
            | EventKind.WINDOW_RESET
            | EventKind.WINDOW_RESET_EARLY
            | EventKind.WINDOW_MOVED
        ):
            return _describe_window_event(event, zone)
        case EventKind.THRESHOLD:
            return _describe_threshold(event)
        case EventKind.BLOCKED | EventKind.CREDITS_BLOCKED | EventKind.STILL_BLOCKED | EventKind.LIFTED:
            return _describe_lock_event(event)
        case EventKind.ON_CREDITS | EventKind.BACK_IN_PLAN | EventKind.WAIT:
            return _describe_work_event(event, zone)
        case EventKind.FIRST_READ:
            return _describe_first_read(event, zone)
        case EventKind.CAP_CHANGED | EventKind.BALANCE_REFILLED | EventKind.TRANCHE_EXPIRING:
            return _describe_money_event(event, zone)
        case _:
            return _describe_other_event(event, zone)


def format_event_json(event: Event) -> str:
    """Return the event as one line of ASCII JSON; times in UTC, money in minor units."""
    org, lock = event.org, event.credit_lock
    return json.dumps(
        {
            "at": format_utc(event.at),
            "kind": event.kind,
            "severity": event.severity.name.lower(),
            "org_uuid": org.uuid if org else None,
            "org_name": org.name if org else None,
            "session": event.session.label,
            "subject": event.subject or None,
            "before": _to_json_value(event.before),
            "after": _to_json_value(event.after),
            "threshold": event.threshold,
            "cause": lock.cause if lock else None,
            "reason": lock.reason if lock else None,
            "until": _to_json_value(event.until),
            "replies": list(event.endpoints),
            "text": describe_event(event, UTC),
        }
    )


def _describe_window_event(event: Event, zone: tzinfo | None) -> str:
    window = _format_window_name(event)
    was = f" (was {_format_percent_fact(event.before)})" if event.before is not None else ""
    match event.kind:
        case EventKind.WINDOW_FILLED:
            return f"{window} full{_format_time_clause('resets', event, zone)}"
        case EventKind.WINDOW_RESET:
            return f"{window} reset{was}"
        case EventKind.WINDOW_RESET_EARLY:
            return f"{window} reset early{was}{_format_time_clause('not due until', event, zone)}"
    return f"{event.subject} reset moved to {_format_time_fact(event.after, event, zone)}"


def _describe_threshold(event: Event) -> str:
    """Return `5-hour window at 79%, past 75%`, `credits at 91% of the cap, past 90%`."""
    percent, mark = _format_percent_fact(event.after), format_percent(event.threshold)
    past = f", past {mark}" if percent != mark else ""
    if event.subject in (SUBJECT_EXTRA_USAGE, SUBJECT_POOL):
        owner = "credits" if event.subject == SUBJECT_EXTRA_USAGE else "pool"
        return f"{owner} at {percent} of the cap{past}"
    return f"{_format_window_name(event)} at {percent}{past}"


def _format_window_name(event: Event) -> str:
    """Return `5-hour window`; a name without a length stays as it is: `Cloud sessions`."""
    return f"{event.subject} window" if event.subject[:1].isdigit() else event.subject


def _describe_lock_event(event: Event) -> str:
    why = describe_lock(event.credit_lock) if event.credit_lock is not None else "not reported"
    match event.kind:
        case EventKind.BLOCKED:
            return f"BLOCKED: {why}"
        case EventKind.CREDITS_BLOCKED:
            return f"{CREDITS_BLOCKED}: {why}"
        case EventKind.STILL_BLOCKED:
            return f"still blocked: {why}"
    if event.subject == SUBJECT_PLAN:
        return f"unblocked, now {_format_state_fact(event.after)} in the plan (credits still BLOCKED: {why})"
    return f"unblocked, now {_format_state_fact(event.after)} (was: {why})"


def _describe_work_event(event: Event, zone: tzinfo | None) -> str:
    match event.kind:
        case EventKind.ON_CREDITS if event.after is None:
            return "ON CREDITS: all work uses credits"
        case EventKind.ON_CREDITS:
            return f"ON CREDITS: {event.after} window full{_format_time_clause('until', event, zone)}"
        case EventKind.BACK_IN_PLAN:
            return f"back in the plan: {_format_state_fact(event.after)}"
    return f"WAIT: credits no longer available{_format_time_clause('until', event, zone)}"


def _describe_first_read(event: Event, zone: tzinfo | None) -> str:
    """Return `first read: BLOCKED: your monthly cap is reached, until 16:00`."""
    name, why = _format_state_fact(event.after), ""
    if event.credit_lock is not None:
        name += f" · {CREDITS_BLOCKED}" if event.after == VerdictState.CAN_WORK else ""
        why = f": {describe_lock(event.credit_lock)}"
    return f"first read: {name}{why}{_format_time_clause('until', event, zone)}"


def _describe_money_event(event: Event, zone: tzinfo | None) -> str:
    before, after = _format_money_fact(event.before), _format_money_fact(event.after)
    match event.kind:
        case EventKind.TRANCHE_EXPIRING:
            return f"{before} of the balance expires {_format_time_fact(event.until, event, zone)}"
        case EventKind.BALANCE_REFILLED:
            return f"balance refilled: {before} → {after}"
    what = "pool cap" if event.subject == SUBJECT_POOL else "cap"
    return f"{what} changed: {before} → {after}"


def _describe_other_event(event: Event, zone: tzinfo | None) -> str:
    """Word an event of the org, its session or its replies."""
    match event.kind:
        case EventKind.ORG_APPEARED:
            return "new org"
        case EventKind.ORG_LEFT:
            return "org removed"
        case EventKind.SOURCE_CHANGED:
            return f"source changed: {event.before} → {event.after}"
        case EventKind.SESSION_ENDS:
            ends = _format_time_fact(event.until, event, zone)
            return f"session expires {ends}: {_describe_renewal(event)} before then"
        case EventKind.SESSION_EXPIRED:
            return f"session expired: {_describe_renewal(event)}"
        case EventKind.NEW_FIELD:
            paths = str(event.after).split(", ")
            more = f" and {len(paths) - MAX_PATHS} more" if len(paths) > MAX_PATHS else ""
            return f"new field in {event.subject}: {', '.join(paths[:MAX_PATHS])}{more}"
        case EventKind.STALE:
            if not event.before:
                return "no update"
            return f"no update since {_format_time_fact(event.before, event, zone)}"
    return f"signed in again in {event.subject}" if event.subject else "figures are up to date again"


def _describe_renewal(event: Event) -> str:
    cure = describe_session_renewal(event.session)
    return cure[0].lower() + cure[1:]


def _format_time_clause(word: str, event: Event, zone: tzinfo | None) -> str:
    return f", {word} {_format_time_fact(event.until, event, zone)}" if event.until is not None else ""


def _format_time_fact(moment: EventValue, event: Event, zone: tzinfo | None) -> str:
    return format_moment(moment, event.at, zone) if isinstance(moment, datetime) else "?"


def _format_percent_fact(value: EventValue) -> str:
    return format_percent(value if isinstance(value, int | float) else None)


def _format_money_fact(value: EventValue) -> str:
    return format_money(value) if isinstance(value, Money) else "no cap"


def _format_state_fact(state: EventValue) -> str:
    return VERDICT_NAMES[VerdictState(state)] if isinstance(state, str) else "credits not BLOCKED"


def _to_json_value(fact: EventValue) -> object:
    """Convert a value of an event to JSON types."""
    match fact:
        case datetime():
            return format_utc(fact)
        case Money():
            whole = fact.minor == fact.minor.to_integral_value()
            minor = int(fact.minor) if whole else float(fact.minor)
            return {"minor": minor, "currency": fact.currency, "exponent": fact.exponent}
    return fact
