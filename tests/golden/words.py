"""Every sentence of the wording modules that no ordinary scene reaches: tables gone through row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import (
    CLAUDE_CODE,
    PASTED,
    Endpoint,
    Failure,
    Looked,
    Offered,
    Reply,
    Session,
    Trouble,
)
from claudemeter_tui.model.store import Problem, Store
from claudemeter_tui.model.usage import Account, CreditState, Org
from claudemeter_tui.model.verdict import Cause, Payment, Shut
from claudemeter_tui.sources.browsers.outcome import Outcome
from claudemeter_tui.text import format as forms
from claudemeter_tui.text import problems, reasons, sessions
from claudemeter_tui.text.chart import MARKS
from claudemeter_tui.text.events import as_json, line, words
from claudemeter_tui.text.pretty import Line, pretty
from claudemeter_tui.text.problems import TABLE
from claudemeter_tui.text.redact_body import redact_body
from claudemeter_tui.text.via import UNSEEN
from claudemeter_tui.tui.keys import GROUPS
from claudemeter_tui.tui.screens.help import every_key
from tests import whole_bodies
from tests.scenes import NOW, READ, parts
from tests.scenes import OrgBodies as Bodies
from tests.text.test_events_words import NOW as EVENTS_NOW
from tests.text.test_events_words import WORDS

CHROME = Session("Chrome", "Default")
SESSIONS = (CHROME, Session("Safari"), Session("cookie file"), Session("CLAUDEMETER_COOKIE"))
BY_HAND = (Session(PASTED), CLAUDE_CODE, Session(""))
HOSTILE = '{"a\\u001b": "\x7f\u202e", "b": [1.50, 1e2, true, null, {}, []], "c": {"d": "x"}}'


def of_problems() -> Iterator[tuple[str, str]]:
    """Yield every trouble at every endpoint, of an org and of a session, and its cure with each session."""
    for trouble in Trouble:
        found = [Problem(trouble, endpoint, NOW, CHROME, Org("org-1", "Personal")) for endpoint in Endpoint]
        found += [Problem(trouble, Endpoint.ACCOUNT, NOW, session, None, "detail") for session in SESSIONS]
        found += [Problem(trouble, Endpoint.ACCOUNT, NOW, session) for session in BY_HAND]
        lines = [f"{problems.title(one, UTC)} | {problems.cure(one)}" for one in found]
        ends = Problem(trouble, Endpoint.ACCOUNT, NOW, CHROME, ends=NOW + timedelta(days=2))
        kind = "remark" if problems.is_remark(ends) else "problem"
        said = [TABLE[trouble].what, TABLE[trouble].cure, kind, problems.title(ends, UTC)]
        said += [problems.meanwhile(found[0], Store(), NOW, UTC)]
        offered = sessions.answer(Offered(trouble=trouble, detail="it is empty"))
        yield trouble, "\n".join((*said, offered, *lines))
    accepted = (Offered(Account("a", "pat@example.com"), 2), Offered(Account("a"), 1), Offered())
    yield "a session that is accepted", "\n".join(map(sessions.answer, accepted))
    looked = [Looked(CHROME, outcome, f"detail of {outcome}") for outcome in Outcome]
    yield "what looking gave", sessions.table(looked)
    yield "nothing was looked at", f"{sessions.table([])}\n{sessions.NONE_WORKS}"
    yield "beside Claude Code's figures", UNSEEN


def of_events() -> Iterator[tuple[str, str]]:
    """Yield every event in words, in a line and as JSON."""
    for event, _ in WORDS:
        later = line(event, EVENTS_NOW + timedelta(days=1), UTC, event.whose)
        yield event.kind, "\n".join((words(event, UTC), later, as_json(event)))
    yield "marks of the chart", "\n".join(f"{one.letter} {one.word}: {one.meaning}" for one in MARKS)


def of_reasons() -> Iterator[tuple[str, str]]:
    """Yield words and cure of each `disabled_reason`, of every lock without one, and of the payment."""
    codes = (*reasons.REASONS, "capacity_protection", "foo_bar")
    yield "reasons", "\n".join(f"{code}: {reasons.words(code)} | {reasons.cure(code)}" for code in codes)
    shuts = [
        Shut(state, cause, None, personal=personal)
        for state in CreditState
        for cause in Cause
        for personal in (True, False)
    ]
    told = (
        f"{one.state} {one.cause} {'own' if one.personal else 'pool'}: {reasons.shut_words(one)}"
        f" | {reasons.shut_cure(one)}"
        for one in shuts
    )
    yield "locks without a reason", "\n".join(told)
    keys = ("status", "payment_paused_until", "subscription_pause", "billing_issue", "access_block")
    payments = [Payment(key, value) for key in keys for value in ("past_due", "paused", "other")]
    paid = (
        f"{one.key}={one.value}: {reasons.payment_words(one)} | {reasons.payment_cure(one)}"
        for one in payments
    )
    yield "payment", "\n".join(paid)


def of_forms() -> Iterator[tuple[str, str]]:
    """Yield the form of every kind of figure."""
    amounts = (("0", 2), ("5", 2), ("1720", 2), ("123456789", 2), ("-5", 2), ("12.5", 2), ("1234567", 0))
    currencies = ("USD", "EUR", "CAD", "JPY", "")
    money = [
        f"{minor} {code} {digits}: {forms.money(Money(Decimal(minor), code, digits))}"
        for minor, digits in amounts
        for code in currencies
    ]
    yield "money", "\n".join(money)
    percents = (None, 0.0, 0.01, 0.5, 1.0, 41.5, 67.0, 99.4, 99.96, 100.0, 250.0)
    yield "percent", "\n".join(f"{one}: {forms.percent(one)}" for one in percents)
    seconds = (0, 0.4, 1, 59, 60, 61, 3599, 3600, 7260, 86_399, 86_400, 90_061, 700_000, -5)
    spans = [timedelta(seconds=one) for one in seconds]
    yield "spans", "\n".join(f"{one}: {forms.countdown(one)} | {forms.age(one)}" for one in spans)
    hours = (-400, -30, -20, -1, 0, 1, 9, 10, 30, 100, 200, 1000, 8000)
    moments = [NOW + timedelta(hours=one) for one in hours]
    yield "moments", "\n".join(map(_moment, moments))


def _moment(at: datetime) -> str:
    said = (forms.clock(at, UTC), forms.when(at, NOW, UTC), forms.until(at, NOW, UTC))
    return f"{at:%Y-%m-%d %H:%M}: {' | '.join(said)} | {forms.day(at.date(), NOW.date())}"


def of_replies() -> Iterator[tuple[str, str]]:
    """Yield every whole body as the details show it."""
    bodies = Bodies(
        whole_bodies.org(),
        whole_bodies.usage(new_key={"deep": [1]}, five_hour={"utilization": "many", "resets_at": 5}),
        whole_bodies.overage(),
        whole_bodies.overage(),
        whole_bodies.prepaid(),
        whole_bodies.subscription(),
    )
    for endpoint, part in parts(bodies, READ).items():
        match part:
            case Reply():
                yield endpoint, _pretty(part.text, part.new_fields, part.odd_values)
            case Failure():
                yield endpoint, part.trouble
    for name, text in (("hostile", HOSTILE), ("no JSON", "<html>\n\x1b[31m"), ("empty", "")):
        yield name, f"{_pretty(text)}\nwithout names: {redact_body(text)}"


def _pretty(text: str, new: tuple[str, ...] = (), odd: tuple[str, ...] = ()) -> str:
    return "\n".join(_marked(one) for one in pretty(text, new, odd))


def _marked(shown: Line) -> str:
    """A line of a reply, then the kind of each piece of it, then what is said of it."""
    pieces = (f"{part}={shown.text[begin:end]!r}" for begin, end, part in shown.parts)
    return " | ".join((shown.text, *pieces, *([f"remark {shown.remark}"] if shown.remark else [])))


def of_keys() -> Iterator[tuple[str, str]]:
    """Yield every key with its names, by purpose."""
    for purpose, group in every_key():
        yield purpose, "\n".join(f"{key.shown} | {key.keys} | {key.purpose}" for key in group)
    named = (f"{key.label} | {key.palette}" for _, group in GROUPS for key in group)
    yield "footer and palette", "\n".join(named)
