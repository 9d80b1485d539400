"""Every sentence of the wording modules that no ordinary scene reaches: tables row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from claudemeter_tui.charts.event_marks import EVENT_MARKS
from claudemeter_tui.formatting import credits, problems
from claudemeter_tui.formatting import values as forms
from claudemeter_tui.formatting.credits import LOCK_NOT_VISIBLE
from claudemeter_tui.formatting.events import describe_event, format_event_json
from claudemeter_tui.formatting.json_view import JsonLine, format_json_lines
from claudemeter_tui.formatting.problems import PROBLEM_TEXTS
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import (
    CLAUDE_CODE_LOGIN,
    PASTED_COOKIE,
    ErrorKind,
    Failure,
    Reply,
    ScanResult,
    Session,
)
from claudemeter_tui.model.session_search import PasteResult, ScanOutcome
from claudemeter_tui.model.store import Problem, Store
from claudemeter_tui.model.verdict import PaymentProblem
from claudemeter_tui.privacy.redact import BodyRedactor, Pseudonyms
from claudemeter_tui.tui.keys import KEY_GROUPS
from claudemeter_tui.tui.screens.help import OTHER_KEY_GROUPS
from tests import golden_bodies
from tests.event_lines import format_event_line
from tests.formatting.test_events import NOW as EVENTS_NOW
from tests.formatting.test_events import WORDS
from tests.scenes import NOW, READ, parts
from tests.scenes import OrgBodies as Bodies

CHROME = Session("Chrome", "Default")
SESSIONS = (CHROME, Session("Safari"), Session("cookie file"), Session("CLAUDEMETER_COOKIE"))
BY_HAND = (Session(PASTED_COOKIE), CLAUDE_CODE_LOGIN, Session(""))
HOSTILE = '{"a\\u001b": "\x7f\u202e", "b": [1.50, 1e2, true, null, {}, []], "c": {"d": "x"}}'


def of_problems() -> Iterator[tuple[str, str]]:
    """Yield every problem at every endpoint, of an org and of a session, and its cure with each session."""
    for trouble in ErrorKind:
        found = [Problem(trouble, endpoint, NOW, CHROME, Org("org-1", "Personal")) for endpoint in Endpoint]
        found += [Problem(trouble, Endpoint.ACCOUNT, NOW, session, None, "detail") for session in SESSIONS]
        found += [Problem(trouble, Endpoint.ACCOUNT, NOW, session) for session in BY_HAND]
        lines = [
            f"{problems.format_problem_title(one, UTC)} | {problems.describe_problem_cure(one)}"
            for one in found
        ]
        ends = Problem(trouble, Endpoint.ACCOUNT, NOW, CHROME, ends_at=NOW + timedelta(days=2))
        kind = "remark" if problems.is_informational(ends) else "problem"
        said = [
            PROBLEM_TEXTS[trouble].summary,
            PROBLEM_TEXTS[trouble].cure.format(),
            kind,
            problems.format_problem_title(ends, UTC),
        ]
        said += [problems.describe_fallback_figures(found[0], Store(), NOW, UTC)]
        offered = problems.describe_offered_session(PasteResult(error_kind=trouble, detail="it is empty"))
        yield trouble, "\n".join((*said, offered, *lines))
    accepted = (PasteResult(Account("a", "pat@example.com"), 2), PasteResult(Account("a"), 1), PasteResult())
    yield "a session that is accepted", "\n".join(map(problems.describe_offered_session, accepted))
    looked = [ScanResult(CHROME, outcome, f"detail of {outcome}") for outcome in ScanOutcome]
    yield "what looking gave", problems.format_session_table(looked)
    yield "nothing was looked at", f"{problems.format_session_table([])}\n{problems.NO_SESSION.cure}"
    yield "beside Claude Code's figures", LOCK_NOT_VISIBLE


def of_events() -> Iterator[tuple[str, str]]:
    """Yield every event in words, in a line and as JSON."""
    for event, _ in WORDS:
        later = format_event_line(event, EVENTS_NOW + timedelta(days=1), UTC, event.owner_name)
        yield event.kind, "\n".join((describe_event(event, UTC), later, format_event_json(event)))
    yield "marks of the chart", "\n".join(f"{one.letter} {one.word}: {one.meaning}" for one in EVENT_MARKS)


def of_reasons() -> Iterator[tuple[str, str]]:
    """Yield words and cure of each `disabled_reason`, of every lock without one, and of the payment."""
    codes = (*credits.REASON_TEXTS, "capacity_protection", "foo_bar")
    yield (
        "reasons",
        "\n".join(
            f"{code}: {credits.describe_reason(code)} | {credits.describe_lock_cure(lock)}"
            for code in codes
            for lock in [CreditLock(CreditState.LOCKED, Cause.SERVER, code)]
        ),
    )
    shuts = [
        CreditLock(state, cause, None, is_personal=personal)
        for state in CreditState
        for cause in Cause
        for personal in (True, False)
    ]
    sentences = (
        f"{one.state} {one.cause} {'own' if one.is_personal else 'pool'}: {credits.describe_lock(one)}"
        f" | {credits.describe_lock_cure(one)}"
        for one in shuts
    )
    yield "locks without a reason", "\n".join(sentences)
    keys = ("status", "payment_paused_until", "subscription_pause", "billing_issue", "access_block")
    payments = [PaymentProblem(key, value) for key in keys for value in ("past_due", "paused", "other")]
    paid = (
        f"{one.key}={one.value}: {' | '.join(map(str, credits.describe_payment(one)))}" for one in payments
    )
    yield "payment", "\n".join(paid)


def of_forms() -> Iterator[tuple[str, str]]:
    """Yield the format of every kind of figure."""
    amounts = (("0", 2), ("5", 2), ("1720", 2), ("123456789", 2), ("-5", 2), ("12.5", 2), ("1234567", 0))
    currencies = ("USD", "EUR", "CAD", "JPY", "")
    money = [
        f"{minor} {code} {digits}: {forms.format_money(Money(Decimal(minor), code, digits))}"
        for minor, digits in amounts
        for code in currencies
    ]
    yield "money", "\n".join(money)
    percents = (None, 0.0, 0.01, 0.5, 1.0, 41.5, 67.0, 99.4, 99.96, 100.0, 250.0)
    yield "percent", "\n".join(f"{one}: {forms.format_percent(one)}" for one in percents)
    seconds = (0, 0.4, 1, 59, 60, 61, 3599, 3600, 7260, 86_399, 86_400, 90_061, 700_000, -5)
    spans = [timedelta(seconds=one) for one in seconds]
    yield (
        "spans",
        "\n".join(f"{one}: {forms.format_countdown(one)} | {forms.format_age(one)}" for one in spans),
    )
    hours = (-400, -30, -20, -1, 0, 1, 9, 10, 30, 100, 200, 1000, 8000)
    moments = [NOW + timedelta(hours=one) for one in hours]
    yield "moments", "\n".join(map(_moment, moments))


def _moment(at: datetime) -> str:
    said = (
        f"{forms.to_local(at, UTC):%H:%M}",
        forms.format_moment(at, NOW, UTC),
        forms.format_with_countdown(at, NOW, UTC),
    )
    return f"{at:%Y-%m-%d %H:%M}: {' | '.join(said)} | {forms.format_day(at.date(), NOW.date())}"


def of_replies() -> Iterator[tuple[str, str]]:
    """Yield every complete body as the details show it."""
    bodies = Bodies(
        golden_bodies.org(),
        golden_bodies.usage(new_key={"deep": [1]}, five_hour={"utilization": "many", "resets_at": 5}),
        golden_bodies.overage(),
        golden_bodies.overage(),
        golden_bodies.prepaid(),
        golden_bodies.subscription(),
    )
    for endpoint, part in parts(bodies, READ).items():
        match part:
            case Reply():
                yield endpoint, _pretty(part.text, part.new_fields, part.odd_values)
            case Failure():
                yield endpoint, part.error_kind
    for name, text in (("hostile", HOSTILE), ("no JSON", "<html>\n\x1b[31m"), ("empty", "")):
        yield name, f"{_pretty(text)}\nwithout names: {BodyRedactor(Pseudonyms()).redact_json(text)}"


def _pretty(text: str, new: tuple[str, ...] = (), odd: tuple[str, ...] = ()) -> str:
    return "\n".join(_marked(one) for one in format_json_lines(text, new, odd))


def _marked(shown: JsonLine) -> str:
    """Return a line of a reply, the kind of each piece of it, and its explanation."""
    pieces = (f"{part}={shown.text[begin:end]!r}" for begin, end, part in shown.parts)
    return " | ".join((shown.text, *pieces, *([f"remark {shown.remark}"] if shown.remark else [])))


def of_keys() -> Iterator[tuple[str, str]]:
    """Yield every key with its names, by purpose."""
    for purpose, group in (*KEY_GROUPS, *OTHER_KEY_GROUPS):
        yield purpose, "\n".join(f"{key.display} | {key.keys} | {key.purpose}" for key in group)
    named = (f"{key.label} | {key.palette_title}" for _, group in KEY_GROUPS for key in group)
    yield "footer and palette", "\n".join(named)
