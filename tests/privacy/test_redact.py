"""Personal data are removed, and all other data stay."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.browsers.folders import BROWSERS
from claudemeter_tui.formatting import events
from claudemeter_tui.formatting import verdict as words
from claudemeter_tui.formatting.problems import describe_scan_result
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import WINDOWS, Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.credits import Balance, Meter, Tranche
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Failure, Reply, ReplyValue, ScanResult, Session
from claudemeter_tui.model.store import OrgState, SessionState, Store
from claudemeter_tui.model.time_series import CreditSeries, PercentHistory
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.model.windows import Plan, Window
from claudemeter_tui.privacy import allowlist
from claudemeter_tui.privacy.redact import MAX_ENDLESS, BodyRedactor, Pseudonyms, Redactor
from tests import golden_bodies, pii_fixtures, scenes
from tests.scenes import LABORATORY, NOW, PERSONAL, READ, TEAM
from tests.value_fields import list_fields

TRIO = scenes.store(PERSONAL, TEAM, LABORATORY)


def org(name: str, uuid: str = pii_fixtures.UUID, email: str = "pat@example.com") -> OrgState:
    """Return an org without replies."""
    return OrgState(Org(uuid, name), Account(None, email), Session("Chrome", "Default"))


def redact_body(text: str) -> str:
    """Return a redacted body, with pseudonyms of its own."""
    return BodyRedactor(Pseudonyms()).redact_json(text)


# Redaction of a store.


def test_pseudonyms_are_numbered_in_order() -> None:
    """Orgs, people and profiles are numbered in order of appearance; browsers keep their names."""
    private = Redactor().redact_store(TRIO)
    assert [state.org.name for state in private.orgs] == ["Org A", "Org B", "Org C"]
    assert {state.account.email for state in private.orgs} == {"person 1"}
    assert {state.session for state in private.orgs} == {Session("Chrome", "profile 1")}
    assert [state.session for state in private.sessions] == [Session("Chrome", "profile 1")]


def test_the_27th_org_has_two_letters() -> None:
    """Org AA follows Org Z, as in a spreadsheet."""
    orgs = tuple(org(f"Customer {number}", f"id{number}") for number in range(28))
    names = [state.org.name for state in Redactor().redact_store(Store(orgs)).orgs]
    assert names[24:] == ["Org Y", "Org Z", "Org AA", "Org AB"]


def test_pseudonyms_stay_for_the_run() -> None:
    """A pseudonym stays the same however orgs come, leave or move."""
    redaction = Redactor()
    redaction.redact_store(TRIO)
    moved = Store((org("New", "new"), *reversed(TRIO.orgs)), TRIO.sessions)
    names = [state.org.name for state in redaction.redact_store(moved).orgs]
    assert names == ["Org D", "Org C", "Org B", "Org A"]


def test_uuids_keep_their_form_and_stay_distinct() -> None:
    """Each uuid gets another one with a distinct beginning, which identifies nameless orgs."""
    private = Redactor().redact_store(
        Store((org("", pii_fixtures.UUID), org("", pii_fixtures.OTHER_UUID), org("", "some-id")))
    )
    uuids = [state.org.uuid for state in private.orgs]
    assert uuids == [
        "00000001-0000-4000-8000-000000000000",
        "00000002-0000-4000-8000-000000000000",
        "id-1",
    ]
    assert [state.org.name for state in private.orgs] == ["", "", ""]


def test_figures_and_verdicts_stay() -> None:
    """Verdicts, windows, credits, samples and times are unchanged."""
    private = Redactor().redact_store(TRIO)
    for state, made in zip(TRIO.orgs, private.orgs, strict=True):
        said = words.list_verdict_facts(judge(state, NOW), NOW, UTC)
        assert words.list_verdict_facts(judge(made, NOW), NOW, UTC) == said
        assert made.plan == state.plan
        assert made.credits == state.credits
        assert made.series is state.series
        assert made.subscription == state.subscription
        assert made.read_at == state.read_at
    assert [state.schedule for state in private.sessions] == [state.schedule for state in TRIO.sessions]


def test_keys_map_both_ways() -> None:
    """The key of a redacted org is the redacted key, and a click on it finds the real org."""
    redaction = Redactor()
    for store in (TRIO, Store((org("No uuid", email=pii_fixtures.EMAIL), org("Odd", email="pat")))):
        private = redaction.redact_store(store)
        for state, made in zip(store.orgs, private.orgs, strict=True):
            assert made.key == redaction.redact_key(state.key)
            assert redaction.find_original_key(made.key) == state.key
    assert redaction.find_original_key(("missing", "none")) == ("missing", "none")


def test_unchanged_parts_are_made_once() -> None:
    """A tick redacts nothing again, and a reading redacts only its org."""
    redaction = Redactor()
    first = redaction.redact_store(TRIO)
    assert redaction.redact_store(TRIO) is first
    assert redaction.redact_store(first) is first
    assert Redactor().redact_store(first) is first
    changed = replace(TRIO.orgs[1], interval=2 * TRIO.orgs[1].interval)
    second = redaction.redact_store(Store((TRIO.orgs[0], changed, TRIO.orgs[2]), TRIO.sessions))
    assert second.orgs[0] is first.orgs[0]
    assert second.orgs[1] is not first.orgs[1]
    assert second.orgs[1].replies[Endpoint.USAGE] is first.orgs[1].replies[Endpoint.USAGE]
    assert second.sessions[0] is first.sessions[0]


def test_cache_holds_only_the_present_store() -> None:
    """A value that left the store leaves the cache, too, because the program runs for weeks."""
    redaction = Redactor()
    redaction.redact_store(TRIO)
    redaction.redact_store(Store(TRIO.orgs[:1]))
    assert len(redaction._memory.orgs) == 1
    assert len(redaction._memory.sessions) == 0
    assert len(redaction._memory.replies) == len(TRIO.orgs[0].replies)


OWN_WORDS = frozenset(
    (
        (Session, "browser"),
        (ScanResult, "outcome"),
        (ScanResult, "detail"),
        (Failure, "detail"),
        (Failure, "trace"),
        (Meter, "unreadable_keys"),
        (Money, "currency"),
        (CreditSeries, "unit"),
    )
)
"""Texts that this program writes, checks or redacts by their form; everything else may hold any text."""
UNSHOWN = frozenset(((OrgState, "histories"), (OrgState, "last_figures"), (PercentHistory, "packed")))
"""Keyed by what the reply says, or packed numbers: no output shows these keys."""


class Planter:
    """Builds values of any type of the store, with a different secret in every text."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self._open: list[type] = []

    def build(self, hint: Any, owner: tuple[type, str]) -> Any:
        """Return a value of the annotated type; of an optional type, the fullest one."""
        origin, parts = get_origin(hint), get_args(hint)
        if owner in UNSHOWN or hint is type(None):
            return {} if owner in UNSHOWN else None
        if origin in (types.UnionType, typing.Union):
            return self.build(next(part for part in parts if part is not type(None)), owner)
        if origin is tuple:
            kinds = parts[:1] if Ellipsis in parts else parts
            return tuple(self.build(kind, owner) for kind in kinds)
        if origin is frozenset:
            return frozenset({self.build(parts[0], owner)})
        if origin in (Mapping, dict):
            return {key: self.build(parts[1], owner) for key in parts[0]}
        if isinstance(hint, type) and (names := list_fields(hint)):
            if hint in self._open:
                return None  # a value of its own type, which is optional
            self._open.append(hint)
            hints = get_type_hints(hint)
            built = hint(**{name: self.build(hints[name], (hint, name)) for name in names})
            self._open.pop()
            return built
        return self.build_plain(hint, owner)

    def build_plain(self, hint: Any, owner: tuple[type, str]) -> Any:
        """Return a value of a type without fields."""
        if hint is str and owner not in OWN_WORDS:
            self.secrets.append(f"{owner[0].__name__}.{owner[1]} of zq{len(self.secrets):04}")
            return self.secrets[-1]
        if isinstance(hint, type) and issubclass(hint, Enum):
            return next(iter(hint))
        plain = {
            str: "",
            bool: True,
            int: 1,
            float: 1.0,
            Decimal: Decimal(1),
            datetime: NOW,
            date: NOW.date(),
            timedelta: timedelta(1),
        }
        return plain[hint]


REPLY_VALUES = [kind for kind in get_args(ReplyValue) if kind is not type(None)]


@pytest.mark.parametrize("kind", REPLY_VALUES, ids=lambda kind: kind.__name__)
def test_no_text_of_any_field_survives(kind: type) -> None:
    """Every text in every field of the store's types is replaced, unless its field is listed above."""
    planter = Planter()
    state = planter.build(OrgState, (Store, "orgs"))
    session = planter.build(SessionState, (Store, "sessions"))
    found = planter.build(ScanResult, (Store, "scan_results"))
    before = len(planter.secrets)
    value = planter.build(kind, (Reply, "value"))
    replies = {one: replace(reply, value=value) for one, reply in state.replies.items()}
    store = Store((replace(state, replies=replies),), (session,), (found,))
    planted = repr(dataclasses.asdict(store))
    assert all(secret in planted for secret in planter.secrets[before:])
    left = repr(dataclasses.asdict(Redactor().redact_store(store)))
    assert not [secret for secret in planter.secrets if secret in left]


def test_value_of_an_unknown_type_is_refused() -> None:
    """A new type of reply fails loudly until it is decided what is private in it."""
    reply = Reply(Endpoint.USAGE, NOW, "someone@example.com")  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        Redactor().redact_reply(reply)


def test_balance_keeps_known_codes_and_surfaces() -> None:
    """Known surfaces stay in a redacted balance; unknown surfaces and codes become pseudonyms."""
    money = Money(Decimal(100), "USD")
    part = Tranche(money, None, is_promotional=False, is_scoped=True, surfaces=("api", "cowork", "pat's lab"))
    balance = Balance(money, (part,), reload_stop_codes=("card of pat", "none"))
    made = Redactor().redact_reply(Reply(Endpoint.PREPAID, NOW, balance)).value
    assert isinstance(made, Balance)
    assert made.reload_stop_codes == ("text 1", "none")
    assert made.tranches[0].surfaces == ("api", "cowork", "surface 1")


@pytest.mark.parametrize(
    ("key", "label", "private"),
    [
        ("five_hour", "5-hour", ("five_hour", "5-hour")),
        ("seven_day_opus", "7-day Opus", ("seven_day_opus", "7-day Opus")),
        ("weekly_scoped:Fable", "7-day Fable", ("weekly_scoped:Fable", "7-day Fable")),
        ("weekly_scoped:Fable (2)", "7-day Fable (2)", ("weekly_scoped:Fable (2)", "7-day Fable (2)")),
        ("weekly_scoped:Opus 4.5, cowork", "7-day Opus 4.5, cowork", None),
        ("weekly_scoped:Pat", "7-day Pat", ("weekly_scoped:model 1", "7-day model 1")),
        (
            "weekly_scoped:Fable, Pat",
            "7-day Fable, Pat",
            ("weekly_scoped:Fable, model 1", "7-day Fable, model 1"),
        ),
        ("weekly_scoped:Pat (2)", "7-day Pat (2)", ("weekly_scoped:model 1 (2)", "7-day model 1 (2)")),
        ("nimbus_quill", "nimbus_quill", ("nimbus_quill", "nimbus_quill")),
        ("monthly_all", "monthly_all", ("field 1", "field 1")),
        ("monthly_all:Fable", "monthly_all Fable", ("field 1:Fable", "field 1 Fable")),
        ("limits[2]:Pat", "limits[2] Pat", ("limits[2]:model 1", "limits[2] model 1")),
        ("Pat's own", "Pat's own", ("field 1", "field 1")),
        ("pat@example.com", "pat@example.com", ("person 1", "person 1")),
        ("five_hour", "Pat's hours", ("five_hour", "model 1")),
    ],
)
def test_window_names_stay_if_known(key: str, label: str, private: tuple[str, str] | None) -> None:
    """Known windows and models keep their names; others get a number."""
    reply, _ = pii_fixtures.reply(Endpoint.USAGE, {})
    reply = replace(reply, value=Plan((Window(key, label),)))
    state = replace(org("Acme"), replies={Endpoint.USAGE: reply})
    plan = Redactor().redact_store(Store((state,))).orgs[0].plan
    assert plan is not None
    assert (plan.windows[0].key, plan.windows[0].label) == (private or (key, label))


@pytest.mark.parametrize(
    ("detail", "private"),
    [
        ("", ""),
        ("status 502", "status 502"),
        ("status 302 to claude.ai", "status 302 to claude.ai"),
        ("status 302 to the same host", "status 302 to the same host"),
        ("status 302 to login.example.com", "status 302 to <host>"),
        ("status 302 to intranet", "status 302 to <host>"),
        ("KeyError at parse_usage.py:48 build_plan", "KeyError at parse_usage.py:48 build_plan"),
        ("ConnectTimeout", "ConnectTimeout"),
        ("not UTF-8", "not UTF-8"),
        ("over 1 MiB", "over 1 MiB"),
        ("run claude and sign in with /login", "run claude and sign in with /login"),
        ("see claude.ai/settings/usage", "see claude.ai/settings/usage"),
        ("no such file: /home/pat/My Files/x.sqlite", "no such file: <path>"),
        (r"cannot read 'C:\Users\Pat Smith\x'", "cannot read <path>"),
        ("it is in ~/pat/x", "it is in <path>"),
        ("it is in profiles/pat.default", "it is in <path>"),
        ("proxy 10.1.2.3 and proxy.example.com.", "proxy <host> and <host>."),
        ("pat@example.com has none", "person 1 has none"),
        (
            f"org {pii_fixtures.UUID} is not theirs",
            "org 00000001-0000-4000-8000-000000000000 is not theirs",
        ),
        (
            "Chrome, Work: not signed in; Firefox, default, Bank: locked; Safari: not readable",
            "Chrome, profile 1: not signed in; Firefox, profile 2: locked; Safari: not readable",
        ),
        ("Chrome Beta, Work: timed out", "Chrome Beta, profile 1: timed out"),
    ],
)
def test_details_lose_profiles_paths_and_hosts(detail: str, private: str) -> None:
    """The program's own words about a failure stay, except for its quotes."""
    assert Redactor().redact_detail(detail) == private


EVENTS: tuple[tuple[EventKind, dict[str, Any], str], ...] = (
    (EventKind.WINDOW_FILLED, {"subject": "5-hour", "before": 97.0, "after": 100.0}, "5-hour window full"),
    (EventKind.WINDOW_FILLED, {"subject": f"7-day {pii_fixtures.NAME}"}, "7-day model 1 window full"),
    (EventKind.WINDOW_FILLED, {"subject": "7-day Zaphod who left"}, "7-day model 2 window full"),
    (
        EventKind.THRESHOLD,
        {"subject": "extra usage", "after": 91.0, "threshold": 90.0},
        "credits at 91% of the cap",
    ),
    (
        EventKind.ON_CREDITS,
        {"before": "can_work", "after": f"7-day {pii_fixtures.NAME}"},
        "ON CREDITS: 7-day model 1 window",
    ),
    (
        EventKind.BLOCKED,
        {"before": "wait", "credit_lock": pii_fixtures.CODE},
        'BLOCKED: the server says "reason 1"',
    ),
    (
        EventKind.STILL_BLOCKED,
        {"before": pii_fixtures.CODE, "after": pii_fixtures.NAME, "credit_lock": pii_fixtures.CODE},
        "still blocked",
    ),
    (
        EventKind.LIFTED,
        {"before": "blocked", "after": "can_work", "credit_lock": "out_of_credits"},
        "can work again",
    ),
    (
        EventKind.SOURCE_CHANGED,
        {"before": "Chrome, Zaphod", "after": "Safari"},
        "source changed: Chrome, pr",
    ),
    (
        EventKind.SESSION_EXPIRED,
        {"subject": "Firefox, Zaphod, Work"},
        "sign in to claude.ai in Chrome (profile 1)",
    ),
    (
        EventKind.SESSION_ENDS,
        {"subject": "Firefox, Zaphod, Work", "until": NOW},
        "sign in to claude.ai in Chrome (profile 1) before",
    ),
    (EventKind.RECOVERED, {"subject": "Claude Code"}, "signed in again in Claude Code"),
    (
        EventKind.NEW_FIELD,
        {"subject": "usage", "after": f"amber_lamp, {pii_fixtures.EMAIL}"},
        "new field in usage: field 1, person",
    ),
    (EventKind.NEW_FIELD, {"subject": "usage", "after": "zaphod_field"}, "new field in usage: a field"),
    (EventKind.ORG_LEFT, {}, "org removed"),
)


@pytest.mark.parametrize(("kind", "fields", "said"), EVENTS)
def test_events_hold_no_name(kind: EventKind, fields: dict[str, Any], said: str) -> None:
    """Events have the pseudonyms of a private screen: orgs, windows, reasons and profiles."""
    entry = {"kind": "weekly_scoped", "scope": {"model": {"display_name": pii_fixtures.NAME}}}
    usage = golden_bodies.usage(limits=[entry], amber_lamp=1, **{pii_fixtures.EMAIL: 1})
    store = pii_fixtures.store({Endpoint.USAGE: usage})
    redaction = Redactor()
    private = redaction.redact_store(store)
    fields = dict(fields)
    if reason := fields.pop("credit_lock", None):
        fields["credit_lock"] = CreditLock(CreditState.LOCKED, Cause.SERVER, reason)
    event = Event(kind, NOW, pii_fixtures.SESSION, store.orgs[0].org, store.orgs[0].key, **fields)
    happened = (event,)
    (made,) = redaction.redact_events(happened)
    assert said in events.describe_event(made, UTC)
    assert pii_fixtures.found(repr(made)) == []
    assert (made.org, made.org_key, made.session) == (
        private.orgs[0].org,
        private.orgs[0].key,
        private.orgs[0].session,
    )
    assert redaction.redact_events(happened) is redaction.redact_events(happened)
    other = redaction.redact_events((event._replace(at=READ),))
    assert other[0].at == READ
    assert redaction.redact_events((event, event)) == (made, made)
    assert redaction.redact_events((event, event))[0] is made


def test_scan_results_hold_no_profile_name() -> None:
    """The list of browsers has each result; profiles have their numbers."""
    looked = Redactor().redact_store(pii_fixtures.store()).scan_results
    assert looked is not None
    assert [(one.session.label, one.outcome, one.detail) for one in looked] == [
        ("Chrome, profile 1", "session found", ""),
        ("Firefox, profile 2", "no such profile", "available: profile 2; unnamed; profile 3"),
        ("Edge", "not readable", "it lies in <path>"),
    ]


def test_cure_of_a_rejected_session_names_no_profile() -> None:
    """The cure is worded from the session with its pseudonym, so the profile's name is not in it."""
    rejected = ScanResult(Session("Firefox", "Pat"), "session expired", error_kind=ErrorKind.EXPIRED)
    (private,) = Redactor().redact_store(Store(scan_results=(rejected,))).scan_results or ()
    assert describe_scan_result(private) == "Sign in to claude.ai in Firefox (profile 1)."


# Redaction of a body.


@pytest.mark.parametrize(
    ("body", "private"),
    [
        ({"name": "monthly"}, {"name": "text 1"}),
        (
            {"a": "Pat", "b": "Sam", "c": "Pat"},
            {"field 1": "text 1", "field 2": "text 2", "field 3": "text 1"},
        ),
        (
            {"currency": "usd", "spend_limit_currency": "CAD"},
            {"currency": "usd", "spend_limit_currency": "CAD"},
        ),
        ({"initials": "PAT", "home_currency": "PAT"}, {"field 1": "text 1", "field 2": "text 1"}),
        ({"date": "2026-06-01T15:22:44"}, {"date": "2026-06-01T15:22:44"}),
        (
            {"resets_at": "2026-04-25T16:00:00.046361+00:00"},
            {"resets_at": "2026-04-25T16:00:00.046361+00:00"},
        ),
        ({"resets_at": "born 2026-04-25"}, {"resets_at": "text 1"}),
        ({"at": "2026-04-25", "country": "2026-04-25"}, {"field 1": "time 1", "country": "time 1"}),
        ({"born": {"date": "1985-03-11"}}, {"field 1": {"date": "time 1"}}),
        ({"email": "Pat@Example.com", "by": "pat@example.com"}, {"email": "person 1", "field 1": "person 1"}),
        (
            {"pat@example.com": 1, "Sam": 2, "new_field": 1.0},
            {"person 1": "int 1", "field 1": "int 2", "field 2": "float 1"},
        ),
        (
            {"id": 4711, "user_id": 4711, "name": "4711", "country": 4711},
            {"id": "int 1", "field 1": "int 1", "name": "text 1", "country": "int 1"},
        ),
        ({"last4": "4242", "last4_": [7]}, {"last4": "0000", "field 1": ["int 1"]}),
        ({"last4": 4242}, {"last4": "0000"}),
        ({"amount": 12_345_678, "tally": 12_345_678}, {"amount": 12_345_678, "field 1": "int 1"}),
        (
            {"percent": 41.5, "on": True, "off": None, "none": ""},
            {"percent": 41.5, "field 1": True, "field 2": None, "field 3": ""},
        ),
        (
            {"birthday": "1985-03-11", "zipcode": 10115, "card_digits": 9371, "geo": [52.52, 13.4]},
            {"field 1": "time 1", "field 2": "int 1", "field 3": "int 2", "field 4": ["float 1", "float 2"]},
        ),
        (
            {"salary": {"amount": 9371, "currency": "EUR", "used": {"amount_minor": 9371}, "type": "visa"}},
            {
                "field 1": {
                    "amount": "int 1",
                    "currency": "text 1",
                    "used": {"amount_minor": "int 1"},
                    "type": "visa",
                }
            },
        ),
        (
            {"oak": {"utilization": 12, "resets_at": "2026-05-01"}, "elm": {"utilization": 12, "amount": 41}},
            {
                "field 1": {"utilization": 12, "resets_at": "2026-05-01"},
                "field 2": {"utilization": 12, "amount": "int 1"},
            },
        ),
        ({"Zaphod": {"key": "Zaphod"}}, {"field 1": {"key": "field 1"}}),
        (
            {"display_name": "max", "rate_limit_tier": "max"},
            {"display_name": "text 1", "rate_limit_tier": "max"},
        ),
        (["max_5x_monthly", "default_claude_max_20x", "Fable", "Claude Code"], None),
        ("Pat", "text 1"),
        (None, None),
    ],
)
def test_body_loses_what_is_not_the_servers_own(body: Any, private: Any) -> None:
    """Known keys, values, currencies, times and figures stay; unknown ones only show their type."""
    assert json.loads(redact_body(json.dumps(body))) == (body if private is None else private)


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("", ""),
        ("<html>Pat</html>", "<16 characters that are not JSON>"),
        ('{"name": "Pat"', "<14 characters that are not JSON>"),
        ("[" * 100_000, "<100000 characters that are not JSON>"),
        ('{"amount": NaN}', "<15 characters that are not JSON>"),
        ('{"amount": 1e999}', '{"amount": null}'),
        ('{"n": ' + "9" * 400 + "}", '{"field 1": "int 1"}'),
        ('{"name": "\\ud800", "\\udc00": 1}', '{"name": "text 1", "field 1": "int 1"}'),
    ],
)
def test_odd_body_is_redacted(text: str, private: str) -> None:
    """An unreadable body is replaced by its length; numbers beyond a float raise no exception."""
    assert redact_body(text) == private


@pytest.mark.parametrize(
    "body",
    [
        golden_bodies.usage(),
        golden_bodies.prepaid(),
        scenes.PERSONAL.usage,
        scenes.ENTERPRISE.usage,
        scenes.TEAM.usage,
    ],
)
def test_body_without_personal_data_is_unchanged(body: Any) -> None:
    """A reply with only figures and known words stays unchanged."""
    assert json.loads(redact_body(json.dumps(body))) == body


def test_body_has_the_pseudonyms_of_the_screen() -> None:
    """The same org, person and reason have the same pseudonym in the tabs and in the replies."""
    redaction = Redactor()
    private = redaction.redact_store(pii_fixtures.planted_store())
    account = json.loads(private.sessions[0].replies[Endpoint.ACCOUNT].text)
    assert account["email_address"] == private.orgs[0].account.email == "person 1"
    assert account["memberships"][0]["organization"]["name"] == private.orgs[0].org.name == "Org A"
    assert account["memberships"][0]["organization"]["uuid"] == private.orgs[0].org.uuid
    overage = private.orgs[0].replies[Endpoint.OVERAGE]
    assert json.loads(overage.text)["disabled_reason"] == "reason 1"
    assert "disabled_reason = reason 1" in overage.new_fields
    assert private.orgs[0].credits.meters[1].reason == "reason 1"


def test_new_fields_are_named_as_in_the_body() -> None:
    """A new field has the pseudonym of the body's key, at its position; known keys around it stay."""
    usage = golden_bodies.usage(
        amber_lamp={"utilization": 1}, **{"zaphod.quux": {"utilization": 2, "who": 3}}
    )
    usage["extra_usage"]["Zaphod"] = 1
    private = (
        Redactor().redact_store(pii_fixtures.store({Endpoint.USAGE: usage})).orgs[0].replies[Endpoint.USAGE]
    )
    assert set(private.new_fields) == {"field 1", "field 2", "extra_usage.field 3", "field 2.field 4"}
    body = json.loads(private.text)
    assert list(body)[-2:] == ["field 1", "field 2"]
    assert (body["extra_usage"]["field 3"], body["field 2"]["field 4"]) == ("int 1", "int 2")


# Removal of planted data.


def test_planted_data_is_in_the_real_store() -> None:
    """The real store holds the planted data that the other tests search for."""
    assert pii_fixtures.found(pii_fixtures.everything(pii_fixtures.planted_store())) == list(
        pii_fixtures.NEEDLES
    )


def test_nothing_planted_survives_in_a_store() -> None:
    """With everything planted at once the redacted store holds none of it."""
    assert (
        pii_fixtures.found(pii_fixtures.everything(Redactor().redact_store(pii_fixtures.planted_store())))
        == []
    )


@pytest.mark.parametrize("endpoint", golden_bodies.by_endpoint())
def test_no_text_survives_at_any_place(endpoint: Endpoint) -> None:
    """No kind of text at the place of any value of any body survives."""
    body = golden_bodies.by_endpoint()[endpoint]
    for turn, place in enumerate(golden_bodies.places(body)):
        for text in pii_fixtures.TEXTS[turn % 4 :: 4]:
            store = pii_fixtures.store({endpoint: golden_bodies.put(body, place, text)})
            private = pii_fixtures.everything(Redactor().redact_store(store))
            assert pii_fixtures.found(private) == [], (place, text)


@pytest.mark.parametrize("endpoint", golden_bodies.by_endpoint())
def test_no_key_survives_at_any_place(endpoint: Endpoint) -> None:
    """No key that could identify a person, in any object of any body, survives."""
    body = golden_bodies.by_endpoint()[endpoint]
    for place in golden_bodies.places(body, dict):
        for key in pii_fixtures.KEYS:
            more = {"utilization": 3, "locked_reason": pii_fixtures.CODE, "name": pii_fixtures.NAME}
            store = pii_fixtures.store({endpoint: golden_bodies.put(body, (*place, key), more)})
            private = pii_fixtures.everything(Redactor().redact_store(store))
            assert pii_fixtures.found(private) == [], (place, key)


@pytest.mark.parametrize("endpoint", golden_bodies.by_endpoint())
def test_no_number_and_no_time_survives_below_an_unknown_key(endpoint: Endpoint) -> None:
    """No figure, digit or date below a new key, in any object of any body, survives."""
    body = golden_bodies.by_endpoint()[endpoint]
    for place in golden_bodies.places(body, dict):
        for value in pii_fixtures.UNKNOWN_VALUES:
            put = golden_bodies.put(body, (*place, "oak"), value)
            private = pii_fixtures.everything(Redactor().redact_store(pii_fixtures.store({endpoint: put})))
            assert "oak" not in private
            assert pii_fixtures.found(private) == [], (place, value)


@pytest.mark.parametrize(
    "key", ["name", "email", "id", "tagged_id", "request_id", "display_name", "country", "role", "last4"]
)
def test_no_number_survives_under_the_key_of_a_text(key: str) -> None:
    """A number where a name or an id is expected could be one."""
    assert pii_fixtures.found(redact_body(json.dumps({key: [7319, 7319.5, {"x": 7319}]}))) == []


def test_equal_values_have_equal_pseudonyms_in_all_replies() -> None:
    """A key, a text and a number are numbered for the whole report, not for each reply."""
    planted = {"oak": ["Pat", 9371, 1.5, "1985-03-11"]}
    other = {"elm": ["1985-03-11", 1.5, 9371, "Pat", "Sam"], "oak": "Pat"}
    store = pii_fixtures.store(
        {
            Endpoint.PREPAID: golden_bodies.prepaid(**planted),
            Endpoint.SUBSCRIPTION: golden_bodies.subscription(**other),
        }
    )
    replies = Redactor().redact_store(store).orgs[0].replies
    first, second = (json.loads(replies[it].text) for it in (Endpoint.PREPAID, Endpoint.SUBSCRIPTION))
    (oak,) = first.keys() - golden_bodies.prepaid().keys()
    (elm,) = second.keys() - golden_bodies.subscription().keys() - {oak}
    assert second[elm][:4] == first[oak][::-1]
    assert second[oak] == first[oak][0]
    assert len({oak, elm, *second[elm]}) == 7


def test_pseudonyms_of_endless_values_are_bounded() -> None:
    """A number that differs in every poll takes no memory for ever, and no pseudonym is used twice."""
    names = Pseudonyms()
    first = names.assign("int", "4711")
    seen = {first}
    for number in range(3 * MAX_ENDLESS):
        seen.add(names.assign("int", str(number - 10**9)))
        assert names.assign("int", "4711") == first
    assert len(seen) == 3 * MAX_ENDLESS + 1
    assert len(names.list_assigned("int")) == MAX_ENDLESS


PLANTED = st.builds(
    "{}{}{}".format, st.text(max_size=8), st.sampled_from(pii_fixtures.TEXTS), st.text(max_size=8)
)
PLANTED_KEYS = st.builds("{}{}".format, st.sampled_from(pii_fixtures.KEYS), st.text(max_size=8))
PUBLIC_KEYS = st.sampled_from(sorted(allowlist.KNOWN_KEYS))
LEAVES = st.one_of(PLANTED, st.none(), st.booleans(), st.integers(0, 99), st.floats(0, 99))
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(PLANTED_KEYS | PUBLIC_KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(tree=TREES)
def test_no_string_survives_in_any_json(tree: Any) -> None:
    """No text and no personal key in JSON of any form survives."""
    assert pii_fixtures.found(redact_body(json.dumps(tree))) == []


@given(
    endpoint=st.sampled_from(sorted(set(Endpoint) - {Endpoint.ACCOUNT})),
    key=PUBLIC_KEYS | PLANTED_KEYS,
    tree=TREES,
)
def test_no_string_survives_in_any_reply(endpoint: Endpoint, key: str, tree: Any) -> None:
    """No text in the parsed replies survives: windows, reasons, cards, remarks."""
    body = golden_bodies.by_endpoint()[endpoint] | {key: tree}
    private = Redactor().redact_store(pii_fixtures.store({endpoint: body}))
    assert pii_fixtures.found(pii_fixtures.everything(private)) == []


def test_every_window_of_the_catalogue_keeps_its_label_and_key() -> None:
    """A window that the program knows says nothing about a person."""
    body = {key: {"utilization": 41, "resets_at": None} for key in WINDOWS}
    private = Redactor().redact_store(pii_fixtures.store({Endpoint.USAGE: body})).orgs[0]
    assert private.plan is not None
    found = {window.key: window.label for window in private.plan.windows}
    assert found == {key: fact.label or key for key, fact in WINDOWS.items()}
    assert json.loads(private.replies[Endpoint.USAGE].text) == body


def test_allowlist_has_every_browser() -> None:
    """A browser that is read is no stranger to privacy."""
    assert {browser.name for browser in BROWSERS} == set(allowlist.BROWSER_NAMES)


def test_times_stay_in_a_store() -> None:
    """The times of replies stay, because a report needs them."""
    private = Redactor().redact_store(TRIO)
    assert {reply.at for state in private.orgs for reply in state.replies.values()} == {READ}


def test_seats_and_accounts_stay_distinguished() -> None:
    """Seats with different figures stay two orgs, and pseudonyms of accounts distinguish them."""
    pat, sam = (org("Acme", email=email) for email in ("pat@example.com", "sam@example.com"))
    for separate, count in ((frozenset({pat.org.uuid}), 2), (frozenset[str](), 1)):
        store = Store((pat, sam), separate_orgs=separate).distinguish_orgs()
        names = [state.org.display_name for state in Redactor().redact_store(store).orgs]
        assert len(set(names)) == count
        assert not [name for name in names if "pat" in name or "sam" in name or "Acme" in name]
