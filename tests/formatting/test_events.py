"""Events in words and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claudemeter_tui.formatting.events import (
    describe_event,
    describe_event_cause,
    format_event_json,
)
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.events import SUBJECT_EXTRA_USAGE, SUBJECT_PLAN, SUBJECT_POOL, Event, EventKind
from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.model.windows import Severity
from tests.model.values import usd

NOW = datetime(2026, 4, 25, 14, 31, tzinfo=UTC)
SESSION = Session("Chrome", "Default")
TEAM = Org("org-2", "Acme Team")
RESET, TUESDAY = datetime(2026, 4, 25, 16, tzinfo=UTC), datetime(2026, 4, 28, 14, tzinfo=UTC)
CAP = CreditLock(CreditState.LOCKED, Cause.CAP, "self_selected_spend_limit_reached")
EMPTY = CreditLock(CreditState.LOCKED, Cause.EMPTY_BALANCE)


def event(kind: EventKind, **more: Any) -> Event:
    """Return an event of the team, at 14:31."""
    return Event(kind, NOW, SESSION, TEAM, ("a-1", "org-2"), **more)


FIVE = {"subject": "5-hour"}
SPENT_BESIDE_FABLE = (
    "credits are being spent although no plan-wide window is full: $0.25 so far, likely cause: 7-day Fable"
)
WORDS = [
    (
        event(EventKind.REFUSED, subject="/home/pat/x", after="five_hour", until=RESET),
        "refused in x: 5-hour window",
    ),
    (
        event(EventKind.REFUSED, subject="C:\\src\\lab", before="org_spend_cap_reached", after="overage"),
        "refused in lab: usage credits; credits locked: your monthly cap is reached",
    ),
    (
        event(EventKind.REFUSED, after="seven_day_overage_included"),
        'refused in unknown project: the server says "seven_day_overage_included"',
    ),
    (
        event(EventKind.WINDOW_FILLED, **FIVE, before=98.0, after=100.0, until=RESET),
        "5-hour window full, resets 16:00",
    ),
    (event(EventKind.WINDOW_FILLED, subject="Cloud sessions", after=100.0), "Cloud sessions full"),
    (
        event(EventKind.ALLOWANCE_USED_UP, subject="Cloud sessions", after=100.0, until=TUESDAY),
        "Cloud sessions used up, expires Tue 14:00",
    ),
    (event(EventKind.ALLOWANCE_USED_UP, subject="Cloud sessions", after=100.0), "Cloud sessions used up"),
    (
        event(EventKind.ALLOWANCE_EXPIRED, subject="One-time credit", before=23.0),
        "One-time credit expired (was 23%)",
    ),
    (
        event(EventKind.SAVED_RESET_EXPIRING, before=1.0, until=TUESDAY),
        "1 saved reset expires Tue 14:00 if not used",
    ),
    (
        event(EventKind.SAVED_RESET_EXPIRING, before=3.0, until=TUESDAY),
        "3 saved resets expire Tue 14:00 if not used",
    ),
    (event(EventKind.WINDOW_RESET, **FIVE, before=99.7), "5-hour window reset (was 99%)"),
    (event(EventKind.WINDOW_RESET, **FIVE), "5-hour window reset"),
    (
        event(EventKind.WINDOW_RESET_EARLY, **FIVE, before=100.0, after=3.0, until=RESET),
        "5-hour window reset early (was 100%), not due until 16:00",
    ),
    (
        event(EventKind.WINDOW_MOVED, subject="7-day all", before=RESET, after=TUESDAY),
        "7-day all reset moved to Tue 14:00",
    ),
    (event(EventKind.THRESHOLD, **FIVE, after=79.4, threshold=75), "5-hour window at 79%, past 75%"),
    (event(EventKind.THRESHOLD, **FIVE, after=75.2, threshold=75), "5-hour window at 75%"),
    (
        event(EventKind.THRESHOLD, subject=SUBJECT_EXTRA_USAGE, after=91.0, threshold=90.0),
        "credits at 91% of the cap, past 90%",
    ),
    (
        event(EventKind.THRESHOLD, subject=SUBJECT_POOL, after=76.0, threshold=75.0),
        "pool at 76% of the cap, past 75%",
    ),
    (event(EventKind.ON_CREDITS, after="5-hour", until=RESET), "ON CREDITS: 5-hour window full, until 16:00"),
    (
        event(EventKind.ON_CREDITS, after="5-hour", windows=("5-hour", "7-day all")),
        "ON CREDITS: 5-hour and 7-day all windows full",
    ),
    (event(EventKind.ON_CREDITS), "ON CREDITS: all work uses credits"),
    (event(EventKind.BACK_IN_PLAN, after=VerdictState.CAN_WORK), "back in the plan: CAN WORK"),
    (
        event(EventKind.BACK_IN_PLAN, after=VerdictState.CAN_WORK, windows=("5-hour",)),
        "back in the plan: CAN WORK, 5-hour window reset",
    ),
    (
        event(EventKind.WAIT, until=RESET, windows=("7-day all",)),
        "WAIT: credits no longer available, until 16:00 · 7-day all window full",
    ),
    (event(EventKind.WAIT, until=RESET), "WAIT: credits no longer available, until 16:00"),
    (
        event(EventKind.WAIT, before=VerdictState.CAN_WORK, until=RESET, windows=("5-hour",)),
        "WAIT: 5-hour window full, until 16:00",
    ),
    (event(EventKind.WAIT, before=VerdictState.CAN_WORK), "WAIT: a plan-wide window is full"),
    (event(EventKind.BLOCKED, credit_lock=CAP), "BLOCKED: your monthly cap is reached"),
    (
        event(EventKind.BLOCKED, credit_lock=CAP, windows=("5-hour",)),
        "BLOCKED: your monthly cap is reached · 5-hour window full",
    ),
    (event(EventKind.CREDITS_BLOCKED, credit_lock=EMPTY), "credits BLOCKED: the prepaid balance is empty"),
    (
        event(
            EventKind.STILL_BLOCKED,
            credit_lock=CreditLock(CreditState.LOCKED, Cause.SERVER, "capacity_protection"),
        ),
        'still blocked: the server says "capacity_protection"',
    ),
    (
        event(EventKind.LIFTED, subject=SUBJECT_EXTRA_USAGE, credit_lock=CAP, after=VerdictState.ON_CREDITS),
        "can work again, on credits (was: your monthly cap is reached)",
    ),
    (
        event(EventKind.LIFTED, subject=SUBJECT_PLAN, credit_lock=CAP, after=VerdictState.CAN_WORK),
        "can work again: credits still BLOCKED",
    ),
    (
        event(
            EventKind.LIFTED,
            subject=SUBJECT_PLAN,
            credit_lock=CAP,
            after=VerdictState.CAN_WORK,
            windows=("5-hour",),
        ),
        "can work again: 5-hour window reset · credits still BLOCKED",
    ),
    (
        event(
            EventKind.LIFTED,
            subject=SUBJECT_EXTRA_USAGE,
            credit_lock=EMPTY,
            before=VerdictState.CAN_WORK,
            after=VerdictState.CAN_WORK,
        ),
        "credits unblocked (was: the prepaid balance is empty)",
    ),
    (
        event(EventKind.LIFTED, subject=SUBJECT_EXTRA_USAGE, credit_lock=EMPTY),
        "credits unblocked (was: the prepaid balance is empty)",
    ),
    (
        event(EventKind.CAP_CHANGED, subject=SUBJECT_EXTRA_USAGE, before=usd("5000"), after=usd("8000")),
        "cap changed: $50.00 → $80.00",
    ),
    (
        event(EventKind.CAP_CHANGED, subject=SUBJECT_POOL, before=usd("100000")),
        "pool cap changed: $1,000.00 → no cap",
    ),
    (
        event(EventKind.BALANCE_REFILLED, before=usd("12.5"), after=usd("5012")),
        "balance refilled: $0.12 → $50.12",
    ),
    (
        event(EventKind.BALANCE_FELL, before=usd("32655"), after=usd("1655"), amount=usd("31000")),
        "balance fell by $310.00 without spending (expired or withdrawn): $326.55 → $16.55",
    ),
    (
        event(EventKind.AUTO_RELOAD_STOPPED, after="payment_failed, card_declined"),
        (
            "auto-reload stopped (payment_failed, card_declined): "
            "update the payment method on claude.ai/settings/billing"
        ),
    ),
    (
        event(EventKind.SPENDING, **FIVE, before=97.0, after=usd("25")),
        "credits are being spent although no window is full: $0.25 so far, likely cause: 5-hour at 97%",
    ),
    (
        event(EventKind.SPENDING, subject="7-day Fable", before=100.0, after=usd("25")),
        f"{SPENT_BESIDE_FABLE} at 100%",
    ),
    (
        event(EventKind.SPENDING, subject="7-day Fable", after=usd("25")),
        f"{SPENT_BESIDE_FABLE} full",
    ),
    (
        event(EventKind.SPENDING, after=usd("25")),
        "credits are being spent although no window is full: $0.25 so far, likely cause not known",
    ),
    (
        event(EventKind.TRANCHE_EXPIRING, before=usd("10000"), until=TUESDAY),
        "$100.00 of the balance expires Tue 14:00",
    ),
    (event(EventKind.FIRST_READ, after=VerdictState.CAN_WORK), "first read: CAN WORK"),
    (
        event(EventKind.FIRST_READ, after=VerdictState.CAN_WORK, credit_lock=CAP, until=TUESDAY),
        "first read: CAN WORK · credits BLOCKED: your monthly cap is reached, until Tue 14:00",
    ),
    (
        event(EventKind.FIRST_READ, after=VerdictState.BLOCKED, credit_lock=EMPTY),
        "first read: BLOCKED: the prepaid balance is empty",
    ),
    (event(EventKind.ORG_APPEARED), "new org"),
    (event(EventKind.ORG_LEFT), "org removed"),
    (
        event(EventKind.SOURCE_CHANGED, before="Chrome, Default", after="Firefox, work"),
        "source changed: Chrome, Default → Firefox, work",
    ),
    (
        event(EventKind.SESSION_EXPIRED, subject="Chrome, Default"),
        "session expired: sign in to claude.ai in Chrome (Default)",
    ),
    (
        event(EventKind.SESSION_ENDS, subject="Chrome, Default", until=TUESDAY),
        "session expires Tue 14:00: sign in to claude.ai in Chrome (Default) before then",
    ),
    (
        event(EventKind.NEW_FIELD, subject="usage", after="a, b, c, d, e"),
        "new field in usage: a, b, c and 2 more",
    ),
    (event(EventKind.STALE, before=NOW - timedelta(minutes=3)), "no update since 14:28"),
    (event(EventKind.STALE), "no update"),
    (event(EventKind.RECOVERED), "figures are up to date again"),
    (event(EventKind.RECOVERED, subject="Chrome, Default"), "signed in again in Chrome, Default"),
]


@pytest.mark.parametrize(("one", "expected"), WORDS, ids=[expected for _, expected in WORDS])
def test_event_is_worded_in_one_line(one: Event, expected: str) -> None:
    """An event is one line with the figures in their usual formats."""
    assert expected == describe_event(one, UTC)


@pytest.mark.parametrize(
    ("what", "cause", "one"),
    [
        (
            "BLOCKED",
            "your monthly cap is reached · 5-hour window full",
            event(EventKind.BLOCKED, credit_lock=CAP, windows=("5-hour",)),
        ),
        ("5-hour window full", "resets 16:00", event(EventKind.WINDOW_FILLED, **FIVE, until=RESET)),
        ("5-hour window reset", "was 41%", event(EventKind.WINDOW_RESET, **FIVE, before=41.0)),
        (
            "5-hour window reset early",
            "(was 41%), not due until 16:00",
            event(EventKind.WINDOW_RESET_EARLY, **FIVE, before=41.0, until=RESET),
        ),
        (
            "can work again, on credits",
            "was: your monthly cap is reached",
            event(EventKind.LIFTED, credit_lock=CAP, after=VerdictState.ON_CREDITS),
        ),
        (
            "can work again",
            "5-hour window reset · credits still BLOCKED",
            event(EventKind.LIFTED, subject=SUBJECT_PLAN, after=VerdictState.CAN_WORK, windows=("5-hour",)),
        ),
        (
            "can work again",
            "since 16:00 by date, not read · credits still BLOCKED",
            event(EventKind.LIFTED, subject=SUBJECT_PLAN, after=VerdictState.CAN_WORK, until=RESET),
        ),
        (
            "can work again",
            "(was: your monthly cap is reached) · since 16:00 by date, not read",
            event(EventKind.LIFTED, credit_lock=CAP, after=VerdictState.CAN_WORK, until=RESET),
        ),
        (
            "back in the plan: CAN WORK",
            "since 16:00 by date, not read, 5-hour window reset",
            event(EventKind.BACK_IN_PLAN, after=VerdictState.CAN_WORK, until=RESET, windows=("5-hour",)),
        ),
        (
            "5-hour window at 75%",
            "reached 75%",
            event(EventKind.THRESHOLD, **FIVE, after=75.0, threshold=75.0),
        ),
        ("new org", "", event(EventKind.ORG_APPEARED)),
    ],
)
def test_event_has_two_parts_in_a_table(what: str, cause: str, one: Event) -> None:
    """The change and its cause are two texts, without the punctuation between them."""
    assert (what, cause) == describe_event_cause(one, UTC)


def test_every_kind_has_words() -> None:
    """The table above has every kind of event."""
    assert set(EventKind) == {one.kind for one, _ in WORDS}


def test_json_is_one_line_of_ascii_with_every_fact() -> None:
    """Times are UTC, money is in minor units, percents are numbers, and missing facts are null."""
    one = event(
        EventKind.BLOCKED,
        before=VerdictState.ON_CREDITS,
        after=VerdictState.BLOCKED,
        credit_lock=CAP,
        until=RESET,
        endpoints=(Endpoint.USAGE, Endpoint.OWN_OVERAGE),
        severity=Severity.FULL,
    )
    assert json.loads(format_event_json(one)) == {
        "schema_version": 1,
        "at": "2026-04-25T14:31:00Z",
        "kind": "blocked",
        "severity": "full",
        "org_uuid": "org-2",
        "org_name": "Acme Team",
        "org_label": "Acme Team",
        "session": "Chrome, Default",
        "subject": None,
        "before": "on_credits",
        "after": "blocked",
        "amount": None,
        "threshold": None,
        "cause": "cap",
        "reason": "self_selected_spend_limit_reached",
        "until": "2026-04-25T16:00:00Z",
        "replies": ["usage", "own overage"],
        "text": "BLOCKED: your monthly cap is reached",
    }


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (41.5, 41.5),
        (None, None),
        (RESET, "2026-04-25T16:00:00Z"),
        (usd("5000"), {"minor": 5000, "currency": "USD", "exponent": 2}),
        (usd("12.5"), {"minor": 12.5, "currency": "USD", "exponent": 2}),
    ],
)
def test_json_keeps_the_type_of_a_fact(fact: Any, expected: object) -> None:
    """A number stays a number, and an amount has its unit."""
    assert expected == json.loads(format_event_json(event(EventKind.CAP_CHANGED, before=fact)))["before"]


def test_json_escapes_what_is_not_ascii() -> None:
    """No name breaks the line or reaches a terminal unescaped."""
    one = Event(EventKind.ORG_LEFT, NOW, SESSION, Org("o", "Ä\n\x1b]0;x\x07\u202e"))
    text = format_event_json(one)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["org_name"] == "Ä\n\x1b]0;x\x07\u202e"
    assert json.loads(format_event_json(Event(EventKind.STALE, NOW, SESSION)))["org_uuid"] is None
