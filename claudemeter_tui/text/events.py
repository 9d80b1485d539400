"""What has happened, in one line for people and one line of JSON for scripts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo

from claudemeter_tui.model.events import EXTRA_USAGE, PLAN, POOL, Event, Fact, Kind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.verdict import State
from claudemeter_tui.text import format as forms
from claudemeter_tui.text import problems, reasons
from claudemeter_tui.text import verdict as verdicts

MOST_PATHS = 3
"""New fields named in a line; the rest is counted."""


def line(event: Event, now: datetime, zone: tzinfo | None = None, name: str = "") -> str:
    """`14:31 BLOCKED: your own monthly limit is reached`; before that the org's name, where one is given."""
    told = f"{name} · {words(event, zone)}" if name else words(event, zone)
    return f"{forms.when(event.at, now, zone)} {told}"


def words(event: Event, zone: tzinfo | None = None) -> str:
    """What happened, without time and org: `5-hour window full, resets 16:00`."""
    match event.kind:
        case Kind.WINDOW_FILLED | Kind.WINDOW_RESET | Kind.WINDOW_RESET_EARLY | Kind.WINDOW_MOVED:
            return _window(event, zone)
        case Kind.THRESHOLD:
            return _threshold(event)
        case Kind.BLOCKED | Kind.CREDITS_BLOCKED | Kind.STILL_BLOCKED | Kind.LIFTED:
            return _lock(event)
        case Kind.ON_CREDITS | Kind.BACK_IN_PLAN | Kind.WAIT:
            return _work(event, zone)
        case Kind.FIRST_READ:
            return _first(event, zone)
        case Kind.CAP_CHANGED | Kind.BALANCE_REFILLED | Kind.TRANCHE_EXPIRING:
            return _money(event, zone)
        case _:
            return _surroundings(event, zone)


def as_json(event: Event) -> str:
    """The event as one line of JSON in ASCII; times in UTC, money in minor units."""
    org, shut = event.org, event.shut
    return json.dumps(
        {
            "at": _utc(event.at),
            "kind": event.kind,
            "severity": event.severity.name.lower(),
            "org_uuid": org.uuid if org else None,
            "org_name": org.name if org else None,
            "session": event.session.label,
            "subject": event.subject or None,
            "before": _plain(event.before),
            "after": _plain(event.after),
            "threshold": event.threshold,
            "cause": shut.cause if shut else None,
            "reason": shut.reason if shut else None,
            "until": _plain(event.until),
            "replies": list(event.replies),
            "text": words(event, UTC),
        }
    )


def _window(event: Event, zone: tzinfo | None) -> str:
    window = _named(event)
    was = f", it was at {_percent(event.before)}" if event.before is not None else ""
    match event.kind:
        case Kind.WINDOW_FILLED:
            return f"{window} full{_clause('resets', event, zone)}"
        case Kind.WINDOW_RESET:
            return f"{window} reset{was}"
        case Kind.WINDOW_RESET_EARLY:
            return f"{window} reset early{was}{_clause('due', event, zone)}"
    return f"{window} resets at another time, {_time(event.after, event, zone)}"


def _threshold(event: Event) -> str:
    """`5-hour window at 79 %, past 75 %`, `extra usage at 91 % of the cap, past 90 %`."""
    percent, mark = _percent(event.after), forms.percent(event.threshold)
    past = f", past {mark}" if percent != mark else ""
    if event.subject in (EXTRA_USAGE, POOL):
        return f"{event.subject} at {percent} of the cap{past}"
    return f"{_named(event)} at {percent}{past}"


def _named(event: Event) -> str:
    """`5-hour window`; `Cloud sessions` is no window by its name."""
    return f"{event.subject} window" if event.subject[:1].isdigit() else event.subject


def _lock(event: Event) -> str:
    why = reasons.shut_words(event.shut) if event.shut is not None else "not reported"
    match event.kind:
        case Kind.BLOCKED:
            return f"BLOCKED: {why}"
        case Kind.CREDITS_BLOCKED:
            return f"credits BLOCKED: {why}"
        case Kind.STILL_BLOCKED:
            return f"still BLOCKED, now {why}"
    if event.subject == PLAN:
        return f"lifted: {_state(event.after)} in the plan, credits stay BLOCKED: {why}"
    return f"lifted: {_state(event.after)}, it was: {why}"


def _work(event: Event, zone: tzinfo | None) -> str:
    match event.kind:
        case Kind.ON_CREDITS if event.after is None:
            return "ON CREDITS: all work is metered"
        case Kind.ON_CREDITS:
            return f"ON CREDITS: {event.after} window full{_clause('until', event, zone)}"
        case Kind.BACK_IN_PLAN:
            return f"back in the plan: {_state(event.after)}"
    return f"WAIT: credits are not open any more{_clause('until', event, zone)}"


def _first(event: Event, zone: tzinfo | None) -> str:
    """`first read: BLOCKED: your own monthly limit is reached, until 16:00`."""
    name, why = _state(event.after), ""
    if event.shut is not None:
        name += " · credits BLOCKED" if event.after == State.CAN_WORK else ""
        why = f": {reasons.shut_words(event.shut)}"
    return f"first read: {name}{why}{_clause('until', event, zone)}"


def _money(event: Event, zone: tzinfo | None) -> str:
    before, after = _amount(event.before), _amount(event.after)
    match event.kind:
        case Kind.TRANCHE_EXPIRING:
            return f"{before} of the balance expires {_time(event.until, event, zone)}"
        case Kind.BALANCE_REFILLED:
            return f"balance refilled: {before} → {after}"
    what = "cap of the pool" if event.subject == POOL else "cap"
    return f"{what} changed: {before} → {after}"


def _surroundings(event: Event, zone: tzinfo | None) -> str:
    """What happened around the figures: to the org, its session, its replies."""
    match event.kind:
        case Kind.ORG_APPEARED:
            return "a new org"
        case Kind.ORG_LEFT:
            return "the org has left the account"
        case Kind.SOURCE_CHANGED:
            return f"read through {event.after}, before through {event.before}"
        case Kind.SESSION_ENDS:
            return f"session ends {_time(event.until, event, zone)}: {_renewal(event)} again before it does"
        case Kind.SESSION_EXPIRED:
            return f"session expired: {_renewal(event)}"
        case Kind.NEW_FIELD:
            return f"new field in {event.subject}: {_listed(str(event.after))}"
        case Kind.STALE:
            last = f"; the last ones are of {_time(event.before, event, zone)}" if event.before else ""
            return f"no new figures{last}"
    return f"signed in again in {event.subject}" if event.subject else "figures are fresh again"


def _renewal(event: Event) -> str:
    cure = problems.renewal(event.session)
    return cure[0].lower() + cure[1:]


def _clause(word: str, event: Event, zone: tzinfo | None) -> str:
    return f", {word} {_time(event.until, event, zone)}" if event.until is not None else ""


def _time(moment: Fact, event: Event, zone: tzinfo | None) -> str:
    return forms.when(moment, event.at, zone) if isinstance(moment, datetime) else "?"


def _percent(value: Fact) -> str:
    return forms.percent(value if isinstance(value, int | float) else None)


def _amount(value: Fact) -> str:
    return forms.money(value) if isinstance(value, Money) else "no cap"


def _state(state: Fact) -> str:
    return verdicts.NAMES[State(state)] if isinstance(state, str) else "credits not BLOCKED"


def _listed(paths: str) -> str:
    named = paths.split(", ")
    more = len(named) - MOST_PATHS
    return ", ".join(named[:MOST_PATHS]) + (f" and {more} more" if more > 0 else "")


def _plain(fact: Fact) -> object:
    """A fact as JSON has it."""
    match fact:
        case datetime():
            return _utc(fact)
        case Money():
            whole = fact.minor == fact.minor.to_integral_value()
            minor = int(fact.minor) if whole else float(fact.minor)
            return {"minor": minor, "currency": fact.currency, "exponent": fact.exponent}
    return fact


def _utc(moment: datetime) -> str:
    """`2026-04-25T14:48:05Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None):%Y-%m-%dT%H:%M:%S}Z"
