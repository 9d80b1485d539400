"""Format an event as one line of text for people or one line of JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from claudemeter_tui.formatting import SCHEMA_VERSION
from claudemeter_tui.formatting.credits import NOT_REPORTED, describe_lock, describe_reload_cure
from claudemeter_tui.formatting.problems import describe_session_renewal
from claudemeter_tui.formatting.transcripts import describe_refusal_causes, shorten_project
from claudemeter_tui.formatting.values import (
    build_money_object,
    format_count,
    format_moment,
    format_money,
    format_percent,
    format_utc,
)
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
from claudemeter_tui.model.reading import NAME_SEPARATOR
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import FULL_FROM

BY_DATE = "by date, not read"
"""Words for a state that follows from a date alone."""
MAX_PATHS = 3
"""Maximum number of new fields that a line names; the others are only counted."""


def describe_event(event: Event, zone: tzinfo | None = None) -> str:
    """Return the event without time and org: `5-hour window full, resets 16:00`."""
    return "".join(_split_event(event, zone))


def describe_event_cause(event: Event, zone: tzinfo | None = None) -> tuple[str, str]:
    """Return the two parts of `describe_event` for a table: what changed; and the cause, the end, or more."""
    what, more = _split_event(event, zone)
    if event.kind is EventKind.THRESHOLD and not more:  # a sentence would say it twice
        more = f"reached {format_percent(event.threshold)}"
    more = more.removeprefix(":").removeprefix(",").strip()
    is_enclosed = more.startswith("(") and more.endswith(")") and more.count("(") == 1
    return what, more[1:-1] if is_enclosed else more


def _split_event(event: Event, zone: tzinfo | None) -> tuple[str, str]:  # noqa: C901, PLR0912, PLR0915 - one case a kind
    """Return what changed, and the rest of the sentence with the punctuation before it."""
    subject = event.subject
    # A label that does not begin with a length is a full name: `Cloud sessions`.
    window = f"{subject} window" if subject[:1].isdigit() else subject
    before, after, end = (
        _format_value(value, event, zone) for value in (event.before, event.after, event.until)
    )
    was = f" (was {before})" if event.before is not None else ""
    until = f", until {end}" if event.until is not None else ""
    why = describe_lock(event.credit_lock) if event.credit_lock is not None else NOT_REPORTED
    causes = f" · {_join_windows(event.windows)}" if event.windows else ""
    cure = describe_session_renewal(event.session)
    cure = cure[0].lower() + cure[1:]
    match event.kind:
        case EventKind.WINDOW_FILLED:
            return f"{window} full", f", resets {end}" if event.until is not None else ""
        case EventKind.WINDOW_RESET:
            return f"{window} reset", was
        case EventKind.WINDOW_RESET_EARLY:
            due = f", not due until {end}" if event.until is not None else ""
            return f"{window} reset early", f"{was}{due}"
        case EventKind.ALLOWANCE_USED_UP:
            return f"{window} used up", f", expires {end}" if event.until is not None else ""
        case EventKind.ALLOWANCE_EXPIRED:
            return f"{window} expired", was
        case EventKind.WINDOW_MOVED:
            return f"{subject} reset moved to {after}", ""
        case EventKind.THRESHOLD:
            mark = format_percent(event.threshold)
            past = f", past {mark}" if after != mark else ""
            owners = {SUBJECT_EXTRA_USAGE: "credits", SUBJECT_POOL: "pool"}
            if subject in owners:
                return f"{owners[subject]} at {after} of the cap", past
            return f"{window} at {after}", past
        case EventKind.BLOCKED:
            return "BLOCKED", f": {why}" + (f"{causes} full" if causes else "")
        case EventKind.CREDITS_BLOCKED:
            return CREDITS_BLOCKED, f": {why}"
        case EventKind.STILL_BLOCKED:
            return "still blocked", f": {why}"
        case EventKind.LIFTED:
            return _split_lift(event, after, why, _describe_unseen_end(end) if event.until else "")
        case EventKind.ON_CREDITS if event.after is None:
            return "ON CREDITS", ": all work uses credits"
        case EventKind.ON_CREDITS:
            labels = dict.fromkeys((str(event.after), *event.windows))
            return "ON CREDITS", f": {_join_windows(tuple(labels))} full{until}"
        case EventKind.BACK_IN_PLAN:
            since = f", {_describe_unseen_end(end)}" if event.until is not None else ""
            reset = f", {_join_windows(event.windows)} reset" if causes else ""
            return f"back in the plan: {after}", f"{since}{reset}"
        case EventKind.WAIT if event.before == VerdictState.CAN_WORK:
            full = f"{_join_windows(event.windows)} full" if causes else "a plan-wide window is full"
            return "WAIT", f": {full}{until}"
        case EventKind.WAIT:
            return "WAIT", f": credits no longer available{until}" + (f"{causes} full" if causes else "")
        case EventKind.FIRST_READ if event.credit_lock is None:
            return f"first read: {after}", until
        case EventKind.FIRST_READ:
            note = f" · {CREDITS_BLOCKED}" if event.after == VerdictState.CAN_WORK else ""
            return f"first read: {after}{note}", f": {why}{until}"
        case EventKind.CAP_CHANGED:
            owner = "pool cap" if subject == SUBJECT_POOL else "cap"
            return f"{owner} changed", f": {before} → {after}"
        case EventKind.BALANCE_REFILLED:
            return "balance refilled", f": {before} → {after}"
        case EventKind.BALANCE_FELL:
            fall = format_money(event.amount)
            what = f"balance fell by {fall} without spending"
            return what, f" (expired or withdrawn): {before} → {after}"
        case EventKind.AUTO_RELOAD_STOPPED:
            codes = str(event.after)
            return f"auto-reload stopped ({codes})", f": {describe_reload_cure(codes.split(', '))}"
        case EventKind.SPENDING:
            is_full = bool(subject) and not (isinstance(event.before, float) and event.before < FULL_FROM)
            share = "full" if event.before is None else f"at {before}"
            likely = f"likely cause: {subject} {share}" if subject else "likely cause not known"
            kind = "plan-wide window" if is_full else "window"
            return f"credits are being spent although no {kind} is full", f": {after} so far, {likely}"
        case EventKind.TRANCHE_EXPIRING:
            return f"{before} of the balance expires {end}", ""
        case EventKind.SAVED_RESET_EXPIRING:
            number = int(event.before) if isinstance(event.before, float) else 1
            verb = "expires" if number == 1 else "expire"
            return f"{format_count(number, 'saved reset')} {verb} {end} if not used", ""
        case EventKind.ORG_APPEARED:
            return "new org", ""
        case EventKind.ORG_LEFT:
            return "org removed", ""
        case EventKind.SOURCE_CHANGED:
            return "source changed", f": {event.before} → {event.after}"
        case EventKind.SESSION_ENDS:
            return f"session expires {end}", f": {cure} before then"
        case EventKind.SESSION_EXPIRED:
            return "session expired", f": {cure}"
        case EventKind.REFUSED:
            is_personal = event.org is not None and not event.org.is_shared
            limit, reason = (str(value or "") for value in (event.after, event.before))
            return (
                f"refused in {shorten_project(subject)}",
                f": {describe_refusal_causes(limit, reason, is_personal=is_personal)}",
            )
        case EventKind.NEW_FIELD:
            paths = str(event.after).split(NAME_SEPARATOR)
            more = f" and {len(paths) - MAX_PATHS} more" if len(paths) > MAX_PATHS else ""
            return f"new field in {subject}", f": {NAME_SEPARATOR.join(paths[:MAX_PATHS])}{more}"
        case EventKind.STALE:
            return ("no update since " + before, "") if event.before else ("no update", "")
        case EventKind.RECOVERED:
            return (f"signed in again in {subject}" if subject else "figures are up to date again"), ""


def _describe_unseen_end(end: str) -> str:
    """Return since when a state is over of which nothing was read at its end."""
    return f"since {end} {BY_DATE}"


def _split_lift(event: Event, state: str, why: str, since: str) -> tuple[str, str]:
    """Return the parts of the end of a block: work is possible again, or the credits are open."""
    reset = f"{_join_windows(event.windows)} reset" if event.windows else ""
    reset = " · ".join(filter(None, (since, reset)))
    # Where the plan had room all the time, only the credits were blocked.
    was_working = event.before in (VerdictState.CAN_WORK, VerdictState.ON_CREDITS)
    after = None if was_working else event.after
    what = _LIFTED_NAMES.get(after, f"unblocked, now {state}")
    if event.subject == SUBJECT_PLAN:
        return what, f": {' · '.join(filter(None, (reset, 'credits still BLOCKED')))}"
    return what, f" (was: {why})" + (f" · {reset}" if reset else "")


_LIFTED_NAMES: Mapping[EventValue, str] = {
    None: "credits unblocked",
    VerdictState.CAN_WORK: "can work again",
    VerdictState.ON_CREDITS: "can work again, on credits",
}
"""Names of the end of a block, by the state after it."""


def _join_windows(labels: Sequence[str]) -> str:
    """Return `5-hour window`, or `5-hour and 7-day all windows`."""
    return f"{' and '.join(labels)} window{'' if len(labels) == 1 else 's'}"


class EventCategory(StrEnum):
    """Subject of an event, by which a list can be filtered."""

    BLOCKED = "blocked"
    CREDITS = "credits"
    WINDOWS = "windows"
    SESSIONS = "sessions"


_CATEGORIES = {
    **dict.fromkeys(
        (
            *(EventKind.BLOCKED, EventKind.CREDITS_BLOCKED, EventKind.STILL_BLOCKED),
            *(EventKind.LIFTED, EventKind.WAIT, EventKind.FIRST_READ, EventKind.REFUSED),
        ),
        EventCategory.BLOCKED,
    ),
    **dict.fromkeys(
        (
            *(EventKind.ON_CREDITS, EventKind.BACK_IN_PLAN, EventKind.CAP_CHANGED, EventKind.SPENDING),
            *(EventKind.BALANCE_REFILLED, EventKind.BALANCE_FELL),
            *(EventKind.AUTO_RELOAD_STOPPED, EventKind.TRANCHE_EXPIRING),
        ),
        EventCategory.CREDITS,
    ),
    **dict.fromkeys(
        (
            *(EventKind.WINDOW_FILLED, EventKind.WINDOW_RESET, EventKind.WINDOW_RESET_EARLY),
            *(EventKind.WINDOW_MOVED, EventKind.ALLOWANCE_USED_UP, EventKind.ALLOWANCE_EXPIRED),
            *(EventKind.THRESHOLD, EventKind.SAVED_RESET_EXPIRING),
        ),
        EventCategory.WINDOWS,
    ),
}
"""Category of each kind of event; all others concern sessions, orgs and replies."""


def categorize_event(event: Event) -> EventCategory:
    """Return the category of an event."""
    if event.kind is EventKind.THRESHOLD and event.subject in (SUBJECT_EXTRA_USAGE, SUBJECT_POOL):
        return EventCategory.CREDITS
    return _CATEGORIES.get(event.kind, EventCategory.SESSIONS)


def format_event_json(event: Event) -> str:
    """Return the event as one line of ASCII JSON; times in UTC, money in minor units."""
    org, lock = event.org, event.credit_lock
    return json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "at": format_utc(event.at),
            "kind": event.kind,
            "severity": event.severity.name.lower(),
            "org_uuid": org.uuid if org else None,
            "org_name": org.name if org else None,
            "org_label": org.display_name if org else None,
            "session": event.session.label,
            "subject": event.subject or None,
            "before": _to_json_value(event.before),
            "after": _to_json_value(event.after),
            "amount": _to_json_value(event.amount),
            "threshold": event.threshold,
            "cause": lock.cause if lock else None,
            "reason": lock.reason if lock else None,
            "until": _to_json_value(event.until),
            "replies": list(event.endpoints),
            "text": describe_event(event, UTC),
        }
    )


def _format_value(value: EventValue, event: Event, zone: tzinfo | None) -> str:
    """Return a value of an event in words; a label or a code is unchanged."""
    match value:
        case datetime():
            return format_moment(value, event.at, zone)
        case Money():
            return format_money(value)
        case str():
            return VERDICT_NAMES.get(value, value)
        case None:
            return "no cap" if event.kind is EventKind.CAP_CHANGED else NOT_REPORTED
    return format_percent(value)


def _to_json_value(fact: EventValue) -> object:
    """Convert a value of an event to JSON types."""
    match fact:
        case datetime():
            return format_utc(fact)
        case Money():
            return build_money_object(fact)
    return fact
