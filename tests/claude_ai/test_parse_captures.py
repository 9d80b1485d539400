"""The captured bodies, if they are beside the checkout: every file, right windows, right money."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.claude_ai.parse_account import parse_account, parse_organizations, parse_subscription
from claudemeter_tui.claude_ai.parse_credits import parse_overage, parse_prepaid
from claudemeter_tui.claude_ai.parse_usage import parse_usage
from claudemeter_tui.claude_ai.validation import MalformedError
from claudemeter_tui.model.account import Account, Card, Org, Subscription
from claudemeter_tui.model.catalogue import MeterOrigin
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.windows import Plan, Severity

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "wire"
if not (CAPTURES / "manifest.json").is_file():
    pytest.skip("the captured bodies are not here", allow_module_level=True)

FILES = [entry["file"] for entry in json.loads((CAPTURES / "manifest.json").read_text(encoding="utf-8"))]
ORG = "11111111-1111-4111-8111-111111111111"
OTHER_ORG = "44444444-4444-4444-8444-444444444444"
ACCOUNT = "22222222-2222-4222-8222-222222222222"
PERSONS_ORG = "person@example.com's Organization"
NO_DATA = {name for name in FILES if name.startswith(("25", "82", "9"))}
"""Replies without data, the list of another call, and a file of the machine: no bodies of these calls."""
OFF = Meter(MeterOrigin.EXTRA_USAGE, is_enabled=False)


def body(name: str, *keys: str) -> Any:
    """Return a captured body, or a part of it."""
    found = json.loads((CAPTURES / name).read_text(encoding="utf-8"))
    for key in keys:
        found = found[key]
    return found


def money(minor: str, currency: str = "USD") -> Money:
    """Return an amount in cents."""
    return Money(Decimal(minor), currency)


def meter(origin: MeterOrigin, used: str, cap: str | None, currency: str = "USD", **more: Any) -> Meter:
    """Return a meter, enabled by default."""
    enabled = more.pop("is_enabled", True)
    limit = None if cap is None else money(cap, currency)
    return Meter(origin, money(used, currency), limit, is_enabled=enabled, **more)


@dataclass(frozen=True)
class Expected:
    """The expected values of a usage capture."""

    windows: tuple[tuple[str, float | None, str | None], ...]
    """Label, percent, reset as `MM-DD HH:MM` in UTC."""
    meters: tuple[Meter, ...] = ()
    keys: tuple[str, ...] = ()
    """Path of the body in the file."""


USAGE = {
    "02-web-usage-har-2026-05-18.json": Expected(
        (
            ("5-hour", 41.0, "05-18 16:00"),
            ("7-day all", 35.0, "05-19 14:00"),
            ("7-day Sonnet", 2.0, "05-19 14:00"),
            ("7-day Design", 50.0, "05-19 14:00"),
        ),
        (OFF,),
    ),
    "03-web-usage-usage4claude-2025-12-15.json": Expected((("5-hour", 58.0, "12-15 13:00"),)),
    "05-web-usage-spend-enabled-2026-08-01.json": Expected(
        (("5-hour", 1.0, "08-01 23:10"), ("7-day all", 21.0, "08-08 05:00")),
        (meter(MeterOrigin.EXTRA_USAGE, "64", "5000"), meter(MeterOrigin.SPEND, "64", "5000")),
    ),
    "10-oauth-usage-live-2026-08-05.json": Expected(
        (
            ("5-hour", 60.0, "08-05 09:50"),
            ("7-day all", 12.0, "08-05 21:00"),
            ("7-day Fable", 23.0, "08-05 21:00"),
        ),
        (OFF,),
    ),
    "11-oauth-usage-unlimited-2026-07-18.json": Expected(
        (
            ("5-hour", 15.0, "07-19 03:40"),
            ("7-day all", 48.0, "07-23 15:00"),
            ("7-day Fable", 81.0, "07-23 15:00"),
        ),
        (
            meter(MeterOrigin.EXTRA_USAGE, "40843", None, is_uncapped=True),
            meter(MeterOrigin.SPEND, "40843", None, is_uncapped=True),
        ),
    ),
    "14-oauth-usage-enterprise-2026-08.json": Expected(
        (("One-time credit", 100.0, "09-22 18:56"),),
        (meter(MeterOrigin.EXTRA_USAGE, "211926", "500000"), meter(MeterOrigin.SPEND, "211926", "500000")),
    ),
    "17-oauth-usage-2026-01-02.json": Expected(
        (
            ("5-hour", 24.0, "01-02 20:00"),
            ("7-day all", 36.0, "01-08 07:00"),
            ("7-day Sonnet", 1.0, "01-08 15:00"),
        ),
        (OFF,),
    ),
    "19-oauth-usage-2025-11-25.json": Expected(
        (
            ("5-hour", 19.0, "11-25 22:00"),
            ("7-day all", 7.0, "12-01 21:00"),
            ("7-day OAuth apps", 0.0, None),
        ),
        (OFF,),
    ),
    "57-web-bundle-july-2026.json": Expected(
        (("5-hour", 81.0, "07-25 21:30"), ("7-day all", 41.0, "07-28 01:00")),
        (meter(MeterOrigin.EXTRA_USAGE, "5566", "15000"),),
        ("usage",),
    ),
    "60-oauth-usage-before-2025-11.json": Expected((("5-hour", 78.0, "11-13 04:00"),)),
    "63-oauth-usage-eur-out-of-credits-2026-08-15.json": Expected(
        (
            ("5-hour", 34.0, "08-15 05:30"),
            ("7-day all", 81.0, "08-15 03:00"),
            ("7-day Fable", 21.0, "08-15 03:00"),
        ),
        (
            meter(MeterOrigin.EXTRA_USAGE, "0", "1000", "EUR", is_enabled=False, reason="out_of_credits"),
            meter(MeterOrigin.SPEND, "0", "1000", "EUR", is_enabled=False),
        ),
    ),
    "67-oauth-usage-limits-2026-07-08.json": Expected(
        (
            ("5-hour", 16.0, "07-09 03:10"),
            ("7-day all", 49.0, "07-10 04:00"),
            ("7-day Fable", 45.0, "07-10 04:00"),
        )
    ),
    "70-oauth-usage-cad-2026-10-10.json": Expected(
        # The file has one part of a body, which does not show that the plan has no windows.
        (("5-hour", None, None), ("7-day all", None, None)),
        (meter(MeterOrigin.EXTRA_USAGE, "1234", "70000", "CAD"),),
    ),
    "74-claude-json-cached-utilization-2026-10-03.json": Expected(
        (
            ("5-hour", 36.0, "10-03 20:00"),
            ("7-day all", 58.0, "10-10 08:00"),
            ("7-day Fable", 0.0, "10-10 08:00"),
        ),
        (OFF,),
        ("cachedUsageUtilization", "utilization"),
    ),
    "s1-synthetic-oauth-usage-fraction.json": Expected(
        (
            ("5-hour", 60.0, "08-05 09:50"),
            ("7-day all", 12.0, "08-05 21:00"),
            ("7-day Opus", 100.0, "08-05 21:00"),
        ),
        (meter(MeterOrigin.EXTRA_USAGE, "25", "100"),),
    ),
}
OVERAGE: dict[str, tuple[tuple[str, ...], Meter, tuple[str, ...]]] = {
    "20-web-overage-cad-over-limit-2026-04.json": (
        (),
        meter(
            MeterOrigin.OVERAGE,
            "6230",
            "6000",
            "CAD",
            reason="self_selected_spend_limit_reached",
            until=datetime(2026, 5, 1, tzinfo=UTC),
        ),
        (),
    ),
    "21-web-overage-disabled-har-2026-05-18.json": (
        (),
        meter(MeterOrigin.OVERAGE, "426", "6000", is_enabled=False),
        (),
    ),
    "22-web-overage-out-of-credits-2025-12-15.json": (
        (),
        meter(MeterOrigin.OVERAGE, "0", "2000", out_of_credits=True),
        (),
    ),
    "57-web-bundle-july-2026.json": (("overage",), meter(MeterOrigin.OVERAGE, "5566", "15000"), ()),
    "s4-synthetic-overage-legacy-fields.json": ((), Meter(MeterOrigin.OVERAGE, cap=money("2500")), ()),
}
PREPAID = {
    "50-web-prepaid-2026-08-01.json": ((), "6036", [("6034", "2026-09-19", True)]),
    "52-web-prepaid-credits-balance-2026.json": (
        (),
        "8871",
        [("590", "2027-03-27", False), ("8279", "2026-09-19", True)],
    ),
    "57-web-bundle-july-2026.json": (
        ("prepaid",),
        "24435",
        [("14433", "2026-08-09", True), ("10000", "2026-09-19", True)],
    ),
}
SUBSCRIPTION = {
    "30-web-subscription-scheduled-downgrade-2026-05-18.json": Subscription(
        "active", date(2026, 6, 1), Card("mastercard", "0000"), scheduled_change=("Max 5x", date(2026, 6, 1))
    ),
    "31-web-subscription-active-2026.json": Subscription("active", date(2026, 11, 5)),
    "34-web-subscription-gift.json": Subscription("active", paid_through=date(2026, 10, 3)),
}
ACCOUNTS: dict[str, tuple[Account, tuple[Org, ...]]] = {
    "45-web-account-two-memberships.json": (
        Account(None, "person@example.com"),
        (Org(OTHER_ORG, "First Org", "Enterprise", is_shared=True), Org(ORG, "Second Org", "Pro")),
    ),
    "48-web-bootstrap-account-free-2026-09-17.json": (
        Account(ACCOUNT, "person@example.com"),
        (Org(ORG, PERSONS_ORG, "Free"),),
    ),
}
ORGS: dict[str, tuple[Callable[[Any], Any], Org]] = {
    "40-web-organizations-list-2026-05-12.json": (lambda found: found, Org(ORG, "Example Org", "Max 5x")),
    "42-web-organization-free-2026-09-24.json": (lambda found: [found], Org(ORG, PERSONS_ORG, "Free")),
    "80-oauth-profile-max5x-2026-03.json": (
        lambda found: [found["organization"]],
        Org(ORG, PERSONS_ORG, "Max 5x"),
    ),
}


def test_captures_are_all_expected() -> None:
    """Every captured file has a row in this test."""
    assert set(FILES) == {*USAGE, *OVERAGE, *PREPAID, *SUBSCRIPTION, *ACCOUNTS, *ORGS, *NO_DATA}


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
def test_capture_raises_nothing_but_malformed(name: str) -> None:
    """A body taken for that of any call is read or refused as malformed."""
    calls: list[Callable[[Any], object]] = [
        parse_account,
        parse_organizations,
        parse_usage,
        parse_prepaid,
        parse_subscription,
        lambda found: parse_overage(found, MeterOrigin.OVERAGE, shared=True),
    ]
    read = 0
    for call in calls:
        try:
            call(body(name))
        except MalformedError:
            continue
        read += 1
    assert read


@pytest.mark.parametrize("name", USAGE)
def test_capture_of_usage(name: str) -> None:
    """Windows, resets and money are right, and nothing is noted as new."""
    expected = USAGE[name]
    parsed = parse_usage(body(name, *expected.keys))
    assert expected.windows == _shown(parsed.value)
    assert expected.meters == parsed.value.meters
    assert (parsed.new_fields, parsed.odd_values) == ((), ())


def _shown(plan: Plan) -> tuple[tuple[str, float | None, str | None], ...]:
    return tuple(
        (window.label, window.percent, f"{window.resets_at:%m-%d %H:%M}" if window.resets_at else None)
        for window in plan.windows
    )


def test_capture_with_a_warning() -> None:
    """The server's severity and active limit are read from `limits[]`."""
    windows = parse_usage(body("11-oauth-usage-unlimited-2026-07-18.json")).value.windows
    assert [(window.label, window.server_severity) for window in windows if window.is_active] == [
        ("7-day Fable", Severity.WARNING)
    ]


def test_capture_with_dollars() -> None:
    """The one-time credit is in whole dollars beside credits in cents."""
    credit = parse_usage(body("14-oauth-usage-enterprise-2026-08.json")).value.windows[-1]
    assert (money("100000"), money("100000")) == (credit.used, credit.limit)


@pytest.mark.parametrize("name", OVERAGE)
def test_capture_of_overage(name: str) -> None:
    """Money and gates are right, and no field is new."""
    keys, expected, news = OVERAGE[name]
    assert (expected, news, ()) == parse_overage(body(name, *keys), MeterOrigin.OVERAGE, shared=False)


@pytest.mark.parametrize("name", PREPAID)
def test_capture_of_prepaid(name: str) -> None:
    """The figure is the amount, beside the tranches."""
    keys, amount, tranches = PREPAID[name]
    parsed = parse_prepaid(body(name, *keys))
    found = parsed.value or Balance(None)
    assert money(amount) == found.amount
    assert [(money(part), day, promotional) for part, day, promotional in tranches] == [
        (tranche.remaining, f"{tranche.expires_at:%Y-%m-%d}", tranche.is_promotional)
        for tranche in found.tranches
    ]
    assert (parsed.new_fields, parsed.odd_values) == ((), ())


@pytest.mark.parametrize("name", SUBSCRIPTION)
def test_capture_of_subscription(name: str) -> None:
    """Next charge, card, gift and scheduled change are read."""
    assert (SUBSCRIPTION[name], (), ()) == parse_subscription(body(name))


@pytest.mark.parametrize("name", ACCOUNTS)
def test_capture_of_account(name: str) -> None:
    """The person and the orgs with their plans are read."""
    assert (ACCOUNTS[name], (), ()) == parse_account(body(name))


@pytest.mark.parametrize("name", ORGS)
def test_capture_of_organizations(name: str) -> None:
    """An organization object is read the same in either reply."""
    listed, expected = ORGS[name]
    assert ((expected,), (), ()) == parse_organizations(listed(body(name)))
