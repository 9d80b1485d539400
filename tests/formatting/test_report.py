"""The block of `--once` and the array of `--json`, which scripts parse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.formatting import report
from claudemeter_tui.model.account import Account, Card, Org, Subscription
from claudemeter_tui.model.catalogue import Endpoint, MeterOrigin, WindowKind
from claudemeter_tui.model.credits import Balance, Meter, Tranche
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Reply, ReplyValue, Session
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.windows import Plan, Window
from tests.model.values import meter, usd

NOW = datetime(2026, 4, 30, 14, 48, tzinfo=UTC)
RESETS = datetime(2026, 4, 30, 16, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
UUID = "bbbbbbbb-0000-4000-8000-000000000001"
ORG = Org(UUID, "Personal", "Max 5x")
SESSION = Session("Chrome", "Default")
WEST = timezone(timedelta(hours=-7), "PDT")


def window(percent: float | None = 41.0, resets_at: datetime | None = RESETS, **more: Any) -> Window:
    """Return the 5-hour window by default."""
    given = {"key": "five_hour", "label": "5-hour", "kind": WindowKind.SESSION} | more
    return Window(percent=percent, resets_at=resets_at, **given)


def store_of(values: Mapping[Endpoint, ReplyValue], *failures: Failure, **texts: str) -> Store:
    """Return a store with one org of these values, whose bodies were these texts."""
    parts: dict[Endpoint, Reply | Failure] = {
        endpoint: Reply(endpoint, NOW, value, text=texts.get(endpoint.name.lower(), "{}"))
        for endpoint, value in values.items()
    }
    parts |= {failure.endpoint: failure for failure in failures}
    account = Reply(Endpoint.ACCOUNT, NOW, Account("aaaa", "pat@example.com"))
    return (
        Store()
        .apply(Reading(SESSION, NOW, account, orgs=(ORG,)))
        .apply(Reading(SESSION, NOW, org_readings=(OrgReading(ORG, parts),)))
    )


def lines(store: Store, zone: timezone = UTC, now: datetime = NOW) -> list[str]:
    """Return the block of the store's one org."""
    return report.format_report(store, store.orgs[0], now, zone).split("\n")


def line(label: str, store: Store) -> str | None:
    """Return the only line of that label."""
    found = [one for one in lines(store) if one.startswith(f"{label:<16} ")]
    assert len(found) < 2
    return found[0] if found else None


def objects(store: Store) -> list[dict[str, Any]]:
    """Return the parsed array."""
    read = json.loads(report.format_json_array(store, store.orgs, NOW, UTC))
    assert isinstance(read, list)
    return read


def test_block_of_an_ordinary_org_keeps_its_format() -> None:
    """Verdict and org come first, then the lines of the established format, the fetch line last."""
    week = window(67.0, datetime(2026, 5, 5, 14, tzinfo=UTC), label="7-day all", kind=WindowKind.WEEKLY)
    fable = window(12.0, None, label="7-day Fable", kind=WindowKind.SCOPED)
    paid = Subscription(next_charge=date(2026, 6, 1), card=Card("visa", "0000"))
    store = store_of(
        {
            Endpoint.USAGE: Plan((window(), week, fable)),
            Endpoint.OVERAGE: meter(is_enabled=True),
            Endpoint.SUBSCRIPTION: paid,
        }
    )
    assert lines(store) == [
        "Verdict          CAN WORK  7-day all 67%, resets Tue 14:00 (in 4d 23h)",
        "Org              Personal   Max 5x",
        "5-hour            41.0% used    -> resets Thu Apr 30 16:00 (in 1h 12m)",
        "7-day all         67.0% used    -> resets Tue May 5 14:00 (in 4d 23h)",
        "7-day Fable       12.0% used",
        "Extra usage      $17.20 / $50.00 (34%)",
        "Next charge      2026-06-01   visa ••0000",
        f"fetched 2026-04-30 14:48:00 UTC   pat@example.com via Chrome, Default   org {UUID}",
    ]


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ("5-hour             0.0% used", window(0.0, None)),
        ("5-hour             0.1% used", window(0.04, None)),
        ("5-hour            99.9% used", window(99.96, None)),
        ("5-hour           100.0% used", window(100.0, None)),
        ("5-hour           102.3% used", window(102.3, None)),
        ("5-hour               ?% used", window(None, None)),
        ("5-hour            41.5% used    -> resets Thu Apr 30 16:00 (in 1h 12m)", window(41.5)),
        ("5-hour               ?% used    -> resets Thu Apr 30 16:00 (in 1h 12m)", window(None)),
        (
            "5-hour            41.0% used    -> resets Fri Jan 1 2027 00:00 (in 245d 9h)",
            window(41.0, datetime(2027, 1, 1, tzinfo=UTC)),
        ),
        ("5-hour           reset due", window(100.0, NOW)),
        ("5-hour           reset due", window(100.0, NOW - timedelta(days=400))),
        ("5-hour            12.0% used [odd_lock]", window(12.0, None, locked_reason="odd_lock")),
        ("tangelo           12.0% used", window(12.0, None, key="tangelo", label="tangelo")),
        ("a_key_beyond_sixteen   1.0% used", window(1.0, None, label="a_key_beyond_sixteen")),
    ],
)
def test_window_line_has_one_decimal_and_its_reset(expected: str, shown: Window) -> None:
    """A window has a percent with one decimal, never a false 0.0 or 100.0, then the reset if there is one."""
    assert expected == lines(store_of({Endpoint.USAGE: Plan((shown,))}))[2]


YEN = Money(Decimal(1_234_567), "JPY", 0)
CAPPED = "Extra usage      $17.20 / $50.00 (34%)"


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        (CAPPED, meter()),
        (f"{CAPPED}  BLOCKED", meter(out_of_credits=True)),
        (f"{CAPPED}  BLOCKED until Fri May 1", meter(out_of_credits=True, until=MAY)),
        (
            f"{CAPPED}  BLOCKED until Fri May 1 [out_of_credits]",
            meter(out_of_credits=True, until=MAY, reason="out_of_credits"),
        ),
        (f"{CAPPED}  BLOCKED [what_is_this]", meter(out_of_credits=True, reason="what_is_this")),
        (f"{CAPPED} until Fri May 1 [org_cap]", meter(until=MAY, reason="org_cap")),
        (f"{CAPPED} until Fri Jan 1", meter(until=datetime(2027, 1, 1, tzinfo=UTC))),
        (f"{CAPPED} until Wed Feb 24", meter(until=NOW + timedelta(days=300))),
        (f"{CAPPED} until Wed Feb 24 2027", meter(until=NOW + timedelta(days=300, seconds=1))),
        (f"{CAPPED}  off [user_disabled]", meter(is_enabled=False, reason="user_disabled")),
        ("Extra usage      $17.20 used (no cap)", meter(cap=None)),
        ("Extra usage      $17.20 used (cap not reported)", meter(cap=None, is_uncapped=False)),
        (
            "Extra usage      CAD 408.43 used (no cap)",
            meter(cap=None, used=Money(Decimal(40843), "CAD")),
        ),
        ("Extra usage      $1234.56 / $100000.00 (1%)", meter(123456, 10_000_000)),
        ("Extra usage      JPY 1234567 used (no cap)", meter(cap=None, used=YEN)),
        ("Extra usage      $0.00 / $50.00 (0%)", meter(0)),
        ("Extra usage      $0.01 / $50.00 (1%)", meter(1)),
        ("Extra usage      $49.99 / $50.00 (99%)", meter(4999)),
        ("Extra usage      $62.30 / $60.00 (104%)", meter(6230, 6000)),
        ("Extra usage      $0.00 / $0.00", meter(0, 0)),
        ("Extra usage      ? / $50.00", meter(None)),
        (
            "Extra usage      ? used (cap not reported)  BLOCKED",
            meter(None, None, is_uncapped=False, out_of_credits=True),
        ),
        ("Extra usage      off", meter(None, None, is_uncapped=False, is_enabled=False)),
        (None, meter(None, None, is_uncapped=False, is_enabled=None)),
    ],
)
def test_extra_usage_line_is_blocked_for_out_of_credits_only(expected: str | None, shown: Meter) -> None:
    """Amounts have no grouping, the percent is calculated, and each part of the ending has its own field."""
    assert expected == line("Extra usage", store_of({Endpoint.OVERAGE: shown}))


def test_extra_usage_line_is_absent_without_credits() -> None:
    """Without credits in both endpoints there is no such line."""
    store = store_of({Endpoint.USAGE: Plan((window(),)), Endpoint.OVERAGE: None})
    assert not [one for one in lines(store) if one.startswith("Extra")]


def scoped(*surfaces: str) -> Tranche:
    """Return a part of the balance for these surfaces only."""
    return Tranche(usd(4000), None, is_promotional=False, is_scoped=True, surfaces=surfaces)


@pytest.mark.parametrize(
    ("expected", "left"),
    [
        (["Balance          $244.35"], Balance(usd(24435))),
        (["Balance          $244.35"], Balance(usd(24435), auto_reload=False)),
        (["Balance          $1244.35, auto-reload on"], Balance(usd(124_435), auto_reload=True)),
        (["Balance          $0.00"], Balance(usd(0))),
        (["Balance          -$1592.00, empty"], Balance(usd(-159_200))),
        (
            ["Balance          $50.00, $40.00 of it for some surfaces only"],
            Balance(usd(5000), unscoped=usd(1000)),
        ),
        (
            ["Balance          $50.00, $40.00 of it for some surfaces only"],
            Balance(usd(5000), (scoped(*"abcd"),), unscoped=usd(1000)),
        ),
        (
            ["Balance          $50.00, $40.00 of it for a and b only"],
            Balance(usd(5000), (scoped("a", "b"),), unscoped=usd(1000)),
        ),
        (
            [
                (
                    "Balance          $3.50, auto-reload stopped (odd_code, declined);"
                    " check claude.ai/settings/usage"
                )
            ],
            Balance(usd(350), auto_reload=True, reload_stop_codes=("odd_code", "declined")),
        ),
        (
            [
                (
                    "Balance          $3.50, auto-reload stopped (card_declined);"
                    " update the payment method on claude.ai/settings/billing"
                )
            ],
            Balance(usd(350), reload_stop_codes=("card_declined",)),
        ),
        ([], Balance(None, auto_reload=True)),
        ([], None),
    ],
)
def test_balance_line_follows_extra_usage(expected: list[str], left: Balance | None) -> None:
    """The balance follows extra usage, unless nothing was bought or read."""
    paid = Subscription(next_charge=date(2026, 6, 1))
    store = store_of({Endpoint.OVERAGE: meter(), Endpoint.PREPAID: left, Endpoint.SUBSCRIPTION: paid})
    assert [CAPPED, *expected, "Next charge      2026-06-01   -"] == lines(store)[2:-1]


def test_balance_line_is_printed_without_extra_usage() -> None:
    """A balance is printed even if extra usage is absent."""
    store = store_of({Endpoint.OVERAGE: None, Endpoint.PREPAID: Balance(usd(24435))})
    assert lines(store)[2:-1] == ["Balance          $244.35"]


def test_team_has_a_line_for_the_personal_figure_and_one_for_the_pool() -> None:
    """Neither figure replaces the other; a pool alone has its own label, too."""
    pool = meter(26118, 100_000, is_personal=False, out_of_credits=True)
    own = meter(640, origin=MeterOrigin.OWN_OVERAGE)
    both = store_of({Endpoint.OVERAGE: pool, Endpoint.OWN_OVERAGE: own})
    pool_line = "Extra usage pool $261.18 / $1000.00 (26%)  BLOCKED"
    assert ["Extra usage      $6.40 / $50.00 (13%)", pool_line] == lines(both)[2:4]
    assert pool_line == lines(store_of({Endpoint.OVERAGE: pool}))[2]


PLAN_END = datetime(2026, 6, 9, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "paid"),
    [
        ("Next charge      2026-06-01   -", Subscription(next_charge=date(2026, 6, 1))),
        (
            "Next charge      2026-06-01   link",
            Subscription(next_charge=date(2026, 6, 1), card=Card("link", "")),
        ),
        ("Plan ends        2026-06-09", Subscription(next_charge=date(2026, 6, 1), ends_at=PLAN_END)),
        ("Paid through     2026-07-01", Subscription(paid_through=date(2026, 7, 1))),
        (None, Subscription(status="active")),
    ],
)
def test_next_charge_line_is_absent_for_a_cancelled_plan(expected: str | None, paid: Subscription) -> None:
    """A cancelled plan has no next charge, whatever its date is."""
    assert ([expected] if expected else []) == lines(store_of({Endpoint.SUBSCRIPTION: paid}))[2:-1]


def test_error_lines_name_endpoint_and_problem() -> None:
    """Each failure has a line, the session's first; a new field is no error."""
    failure = Failure(ErrorKind.SERVER_ERROR, Endpoint.OVERAGE, NOW, "status 502")
    store = store_of({Endpoint.USAGE: Plan((window(),))}, failure)
    stopped = Failure(ErrorKind.THROTTLED, Endpoint.ACCOUNT, NOW)
    fresh = Reply(Endpoint.USAGE, NOW, Plan((window(),)), new_fields=("tangelo",), odd_values=("seven_day",))
    store = store.apply(
        Reading(SESSION, NOW, stopped, org_readings=(OrgReading(ORG, {Endpoint.USAGE: fresh}),))
    )
    assert [one for one in lines(store) if one.startswith("error")] == [
        "error            account: throttled",
        "error            overage: server error (status 502)",
        "error            usage: odd value (seven_day)",
    ]
    assert [error["endpoint"] for error in objects(store)[0]["errors"]] == ["account", "overage", "usage"]


def test_block_is_in_local_time() -> None:
    """Resets, dates and the fetch time are in the local zone."""
    store = store_of({Endpoint.USAGE: Plan((window(),)), Endpoint.OVERAGE: meter(until=MAY)})
    shown = lines(store, WEST)
    assert shown[2] == "5-hour            41.0% used    -> resets Thu Apr 30 09:00 (in 1h 12m)"
    assert f"{CAPPED} until Thu Apr 30" == shown[3]
    assert shown[-1].startswith("fetched 2026-04-30 07:48:00 PDT   ")


def test_block_of_an_org_that_was_never_read_says_so() -> None:
    """An org that was never read has no invented figure."""
    store = store_of({}, Failure(ErrorKind.TIMEOUT, Endpoint.USAGE, NOW))
    verdict, *rest = lines(store)
    assert verdict.startswith("Verdict          UNKNOWN  ")
    assert [
        "Org              Personal   Max 5x",
        "error            usage: timed out",
        f"fetched never   pat@example.com via Chrome, Default   org {UUID}",
    ] == rest


KEYS = [
    "schema_version",
    "org_uuid",
    "org_name",
    "browser",
    "account_email",
    "fetched_at",
    "verdict",
    "credits",
    "pace",
    "usage",
    "overage",
    "subscription",
    "prepaid",
    "read_at",
    "errors",
    "stale",
    "alias",
    "label",
    "also_via",
    "this_machine",
    "metrics_org",
]


def test_array_has_every_key_for_every_org() -> None:
    """Each org has identity, time, verdict, the four bodies and the failures; unread bodies are null."""
    store = store_of(
        {Endpoint.USAGE: Plan((window(100.0),)), Endpoint.OVERAGE: meter(until=MAY, reason="org_cap")},
        Failure(ErrorKind.TIMEOUT, Endpoint.SUBSCRIPTION, NOW),
    )
    (one,) = objects(store)
    assert list(one) == KEYS
    assert tuple(one[key] for key in KEYS[:5]) == (1, UUID, "Personal", "Chrome", "pat@example.com")
    assert one["fetched_at"] == "2026-04-30T14:48:00Z"
    assert one["verdict"].pop("text").startswith("BLOCKED  ")
    assert one["verdict"] == {
        "state": "blocked",
        "credits": "locked",
        "cause": "server",
        "until": "2026-05-01T00:00:00Z",
        "lifts": "2026-04-30T16:00:00Z",
        "spending": None,
    }
    assert one["credits"] == {
        "used": {"minor": 1720, "currency": "USD", "exponent": 2},
        "cap": {"minor": 5000, "currency": "USD", "exponent": 2},
        "is_personal": True,
        "is_withdrawn": False,
        "at": one["fetched_at"],
    }
    assert [
        {"endpoint": "subscription", "trouble": "timed out", "detail": "", "at": one["fetched_at"]}
    ] == one["errors"]
    assert tuple(one[key] for key in (*KEYS[9:13], "stale")) == ({}, {}, None, None, False)


def test_array_without_orgs_is_empty() -> None:
    """Without orgs the output is an empty array."""
    assert report.format_json_array(Store(), (), NOW, UTC) == "[]"


def test_array_estimates_windows_at_their_reset() -> None:
    """A window has an estimate of when it fills or of its percentage at the reset, or it is not listed."""
    length, fast = timedelta(hours=5), window(90.0, length=timedelta(hours=5), key="fast")
    windows = (window(60.0, length=length), fast, window(3.0, length=length), window(60.0))
    assert objects(store_of({Endpoint.USAGE: Plan(windows)}))[0]["pace"] == [
        {"window": "five_hour", "full_at": None, "percent_at_reset": 78.9},
        {"window": "fast", "full_at": "2026-04-30T15:13:20Z", "percent_at_reset": None},
    ]
    assert objects(store_of({}))[0]["pace"] == []


def test_array_calls_old_figures_stale() -> None:
    """Figures older than two intervals are stale."""
    store = store_of({Endpoint.USAGE: Plan((window(),))})
    late = json.loads(report.format_json_array(store, store.orgs, NOW + timedelta(minutes=3), UTC))
    assert late[0]["stale"] is True


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ('{"a": 1, "a": 1e999, "b": 1.0}', '{"a": 1, "a": 1e999, "b": 1.0}'),
        ('{"n": 12345678901234567890.10}', '{"n": 12345678901234567890.10}'),
        (r'{"\u00e9": "\u2022 \ud83d\ude00"}', '{"é": "• 😀"}'),
        (r'{"s": "\u202e\ufeff\u0085\u007f"}', '{"s": "\u202e\ufeff\x85\x7f"}'),
        (r'{"s": "\u001b[31m \ud800"}', r'{"s": "\u001b[31m \ud800"}'),
        (r'"\udbff\udfff\ud800\udc00"', '"\U0010ffff\U00010000"'),
        (" null\n", " null\n"),
    ],
)
def test_bodies_are_printed_unchanged(expected: str, text: str) -> None:
    """Digits, order, repeated and unknown keys stay; only non-ASCII is escaped."""
    store = store_of({Endpoint.USAGE: Plan()}, usage=text)
    assert f'"usage": {expected},\n' in report.format_json_array(store, store.orgs, NOW, UTC)


def test_body_of_a_404_is_null() -> None:
    """The words of a 404 are no data."""
    gone = Reply(Endpoint.OVERAGE, NOW, None, text='{"error": {}}', status=404)
    store = store_of({}).apply(
        Reading(SESSION, NOW, org_readings=(OrgReading(ORG, {Endpoint.OVERAGE: gone}),))
    )
    assert objects(store)[0]["overage"] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(body=JSON, name=st.text())
def test_array_is_ascii_and_reads_back_as_it_was_sent(body: object, name: str) -> None:
    """No control character is printed, and no body or name loses anything."""
    text = json.dumps(body, ensure_ascii=False)
    if any("\ud800" <= char <= "\udfff" for char in text + name):
        return
    store = store_of({Endpoint.PREPAID: None}, prepaid=text)
    named = OrgState(replace(ORG, name=name), store.orgs[0].account, SESSION, store.orgs[0].replies)
    shown = report.format_json_array(store, (named,), NOW, UTC)
    assert all(" " <= char <= "~" or char == "\n" for char in shown)
    read = json.loads(shown)[0]
    assert (body, name) == (read["prepaid"], read["org_name"])
