"""Bodies with personal data in every place, and a store of them, for tests of privacy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from claudemeter_tui.claude_ai.validation import MalformedError
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import (
    ErrorKind,
    Failure,
    OrgReading,
    Reading,
    Reply,
    ScanResult,
    Schedule,
    Session,
)
from claudemeter_tui.model.store import OrgState, SessionState, Store
from tests import golden_bodies, scenes
from tests.scenes import INTERVAL, READ

NEEDLES = ("zaph", "quux", "deadbeef", "7319", "plantedhost")
"""Parts of the planted texts; no other text holds one."""
NAME = "Zaphod Quux"
EMAIL = "zaphod.quux@plantedhost.example"
UUID = "deadbeef-1234-4abc-8def-0123456789ab"
OTHER_UUID = "deadbeef-1234-4abc-8def-0123456789ac"
CODE = "zaphod_quux_reached"
PATH = "/home/zaphod/Quux Files/cookies.sqlite"
DIGITS = "7319"
NUMBER = 731_946_207
TEXTS = (NAME, EMAIL, UUID, CODE, PATH, "7319-4620", "[b]Zaphod[/b] 1985-03-11", "\x1b]0;quux\x07\u202ezaph")
KEYS = (
    *(NAME, EMAIL, UUID, "Zaphod", "user_7319462", "zaphod.quux", "name.zaphodQuux", "zaphod = quux", PATH),
    *("zaphod", "zaphod_quux", "quux_birthday", "zipcode_7319"),
)
"""Keys that could identify a person: a new key can be anything."""
UNKNOWN_VALUES: tuple[object, ...] = (
    *(7319, -7319, 7319.5, 0.7319, NUMBER, "7319-04-20", "7319-04-20T12:00:00Z", "7319"),
    *([7319, [7319.25]], {"date": "7319-04-20", "amount": 7319, "resets_at": 7319, "last4": 7319}),
    *({"percent": 7319, "used": {"amount_minor": 7319}}, {"utilization": 3, "percent": 7319, "quux": 7319}),
)
"""Values that could identify a person below a key that is not known."""

SESSION = Session("Chrome", f"{NAME}, Work: 2")
LOOKED = (
    ScanResult(SESSION, "session found", is_working=True),
    ScanResult(Session("Firefox", NAME), "no such profile", f"available: {NAME}; unnamed; quux"),
    ScanResult(Session("Edge"), "not readable", f"it lies in {PATH}, beside Chrome, {SESSION.profile}"),
)


def found(text: str) -> list[str]:
    """Return the planted texts in it."""
    return [needle for needle in NEEDLES if needle in text.casefold()]


def reply(endpoint: Endpoint, body: object) -> tuple[Reply, tuple[Org, ...]]:
    """Return the body as a reply, and the orgs in it."""
    try:
        found = scenes.reply(endpoint, body, READ, shared=True)
    except MalformedError:
        return Reply(endpoint, READ, None, json.dumps(body)), ()
    if endpoint is not Endpoint.ACCOUNT:
        return found, ()
    account, orgs = scenes.understood(endpoint, found.text, shared=True).value
    return replace(found, value=account), orgs


def store(changed: Mapping[Endpoint, Any] | None = None, *failures: Failure) -> Store:
    """Return the store after one poll of a server with these bodies; failures hit the second org."""
    sent = {**golden_bodies.by_endpoint(), **(changed or {})}
    account, orgs = reply(Endpoint.ACCOUNT, sent[Endpoint.ACCOUNT])
    parts: dict[Endpoint, Reply | Failure] = {
        it: reply(it, body)[0] for it, body in sent.items() if it is not Endpoint.ACCOUNT
    }
    known = Store().apply(Reading(SESSION, READ, account=account, orgs=orgs, scan_results=LOOKED))
    for org in orgs[:1]:
        known = known.apply(Reading(SESSION, READ, org_readings=(OrgReading(org, parts),)))
    for org in orgs[1:]:
        failed = {failure.endpoint: failure for failure in failures}
        known = known.apply(Reading(SESSION, READ, org_readings=(OrgReading(org, failed),)))
    return known.apply(Reading(SESSION, READ, schedule=Schedule(READ + INTERVAL, timedelta(minutes=1))))


def happened(store: Store) -> tuple[Event, ...]:
    """Return events with personal data in every field."""
    state, shut = store.orgs[0], CreditLock(CreditState.LOCKED, Cause.SERVER, CODE)
    event = Event(EventKind.BLOCKED, READ, SESSION, state.org, state.key, credit_lock=shut)
    changed = event._replace(
        kind=EventKind.SOURCE_CHANGED, credit_lock=None, before=SESSION.label, after=f"Edge, {NAME}"
    )
    field = event._replace(
        kind=EventKind.NEW_FIELD, credit_lock=None, subject="usage", after=f"{EMAIL}, {NAME}"
    )
    window = event._replace(kind=EventKind.WINDOW_FILLED, credit_lock=None, subject=f"7-day {NAME}, {EMAIL}")
    return changed, field, window, event


def everything(store: Store) -> str:
    """Return all texts of a store, including the bodies of its replies and the traces of its failures."""
    states: tuple[OrgState | SessionState, ...] = (*store.orgs, *store.sessions)
    texts = [reply.text for state in states for reply in state.replies.values()]
    traces = [failure.trace for state in states for failure in state.failures.values()]
    return "\n".join((repr(store), repr(store.problems), *texts, *traces))


FAILURES = (
    Failure(ErrorKind.REDIRECT, Endpoint.USAGE, READ, "status 302 to plantedhost"),
    Failure(ErrorKind.MALFORMED, Endpoint.OVERAGE, READ, f"could not read {PATH}"),
    Failure(ErrorKind.NO_SESSION, Endpoint.PREPAID, READ, f"Chrome, {NAME}: not signed in; Firefox: locked"),
)


def planted_store() -> Store:
    """Return a store with planted data in everything that a screen shows, and in much that none shows."""
    org = {"uuid": UUID, "name": NAME, "billing_issue": {"who": EMAIL}, "access_block": CODE, "id": NUMBER}
    other = {
        "organization": golden_bodies.org(uuid=OTHER_UUID, name=f"{NAME} 名前", zaphodKey=1),
        "role": NAME,
    }
    account = golden_bodies.account(uuid=UUID, email_address=EMAIL, full_name=NAME)
    account["memberships"] = [{"organization": golden_bodies.org(**org)}, other]
    entry = {"percent": 97, "group": "weekly", "resets_at": golden_bodies.WEEKLY_RESET}
    usage = golden_bodies.usage(
        **{EMAIL: {"utilization": 12}, CODE.title(): {"utilization": 5, "used_dollars": 3}}
    )
    usage["five_hour"] |= {"locked_reason": CODE}
    usage["limits"] += [
        entry | {"kind": "weekly_scoped", "scope": {"model": {"display_name": NAME}, "surface": EMAIL}},
        entry | {"kind": NAME, "scope": {"surface": {"display_name": NAME}}},
    ]
    usage["seven_day_breakdown"]["rows"] += [{"key": EMAIL, "display_name": NAME, "percent": 50}]
    card = {"brand": NAME, "last4": DIGITS, "country": "Zaphodia"}
    change = {"plan_type": CODE, "date": "2026-06-01"}
    changed = {
        Endpoint.ACCOUNT: account,
        Endpoint.USAGE: usage,
        Endpoint.OVERAGE: golden_bodies.overage(disabled_reason=CODE, limit_type=NAME, account_email=EMAIL),
        Endpoint.OWN_OVERAGE: golden_bodies.overage(disabled_reason=NAME, account_uuid=UUID),
        Endpoint.PREPAID: golden_bodies.prepaid(currency=NAME, **{UUID: NAME}),
        Endpoint.SUBSCRIPTION: golden_bodies.subscription(
            status=CODE, payment_method=card, scheduled_downgrade=change
        ),
    }
    return store(changed, *FAILURES)
