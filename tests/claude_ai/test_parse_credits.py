"""The credits in a usage and in an overage reply: used amount, cap and gates."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from claudemeter_tui.claude_ai.parse_credits import parse_overage
from claudemeter_tui.claude_ai.parse_usage import parse_usage
from claudemeter_tui.claude_ai.validation import MalformedError, ParsedBody
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import CreditState, Endpoint, MeterOrigin
from claudemeter_tui.model.credits import Meter
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import Reply, Session
from claudemeter_tui.model.resets import SavedReset, SavedResets
from claudemeter_tui.model.store import OrgState
from claudemeter_tui.model.windows import Plan
from tests import golden_bodies
from tests.model.values import NOW

USD, CAD = "USD", "CAD"
SPEND: dict[str, Any] = {"used": None, "limit": None, "enabled": False, "disabled_reason": None}


def money(minor: object, currency: str = USD, exponent: int = 2) -> Money:
    """Return an amount in minor units."""
    return Money(Decimal(str(minor)), currency, exponent)


def parse(body: dict[str, Any]) -> ParsedBody[Plan]:
    """Return the parsed usage body, on a plan without windows."""
    return parse_usage({"five_hour": None} | body)


def meter(body: object, **more: bool) -> Meter:
    """Return the meter of an overage body."""
    found = parse_overage(body, MeterOrigin.OVERAGE, shared=more.get("shared", False)).value
    assert found is not None
    return found


def extra(**fields: Any) -> Meter:
    """Return the meter of an `extra_usage` object."""
    return parse({"extra_usage": fields}).value.meters[0]


def test_extra_usage_of_a_complete_body() -> None:
    """Used amount, cap and gates come from the object; the server's percent is ignored."""
    expected = Meter(MeterOrigin.EXTRA_USAGE, money("1720.0"), money(5000), is_enabled=True)
    found = parse_usage(golden_bodies.usage()).value.meters[0]
    assert expected == found
    assert pytest.approx(34.4) == found.percent


@pytest.mark.parametrize(
    ("fields", "uncapped"),
    [
        ({"is_enabled": True, "monthly_limit": None}, True),
        ({"is_enabled": True, "monthly_limit": 0}, False),
        ({"is_enabled": True}, False),
        ({"is_enabled": True, "monthly_limit": "none"}, False),
        ({"is_enabled": True, "monthly_limit": -1}, False),
        ({"is_enabled": False, "monthly_limit": None}, False),
        ({"is_enabled": None, "monthly_limit": None, "used_credits": 5}, False),
    ],
)
def test_no_cap_needs_a_null_while_enabled(fields: dict[str, Any], *, uncapped: bool) -> None:
    """Only a cap of null while enabled means no cap; an absent, wrong or disabled one is unknown."""
    assert uncapped == extra(**fields).is_uncapped
    renamed = {("monthly_credit_limit" if key == "monthly_limit" else key): fields[key] for key in fields}
    assert uncapped == meter(renamed).is_uncapped
    spend = {("limit" if key == "monthly_limit" else "enabled"): fields[key] for key in fields}
    found = parse({"spend": {**spend, "used": {"amount_minor": 5}}}).value.meters[0]
    assert (uncapped and "used_credits" not in fields) == found.is_uncapped


@pytest.mark.parametrize("value", [None, {}, {"is_enabled": None, "used_credits": None, "daily": None}])
def test_extra_usage_that_reports_nothing_is_no_meter(value: object) -> None:
    """Null, and an object of nulls, mean that the credits are not reported."""
    assert parse({"extra_usage": value}).value.meters == ()


@pytest.mark.parametrize("more", [{}, {"user_disabled": True}, {"used_credits": None, "currency": None}])
def test_disabled_extra_usage_is_off(more: dict[str, Any]) -> None:
    """`is_enabled: false` alone means off."""
    assert Meter(MeterOrigin.EXTRA_USAGE, is_enabled=False) == extra(is_enabled=False, **more)


def test_disabled_extra_usage_keeps_use_and_reason() -> None:
    """Disabled credits keep the used amount and the reason."""
    found = extra(
        is_enabled=False,
        used_credits=426.5,
        monthly_limit=6000,
        disabled_reason="out_of_credits",
        currency="eur",
    )
    assert (money("426.5", "EUR"), money(6000, "EUR"), "out_of_credits") == (
        found.used,
        found.cap,
        found.reason,
    )


def test_extra_usage_has_the_flag_of_a_reached_limit() -> None:
    """`spend_limit_reached` is kept as a gate."""
    assert extra(is_enabled=True, spend_limit_reached=True).cap_reached


@pytest.mark.parametrize("place", ["used", "limit"])
def test_extra_usage_borrows_a_missing_currency(place: str) -> None:
    """Without its own currency the object takes that of `spend`."""
    body = {
        "extra_usage": {"is_enabled": True, "used_credits": 25},
        "spend": {place: {"amount_minor": 25, "currency": "JPY"}},
    }
    assert money(25, "JPY", 0) == parse(body).value.meters[0].used


@pytest.mark.parametrize(
    ("currency", "digits", "unit"),
    [
        ("usd", None, ("USD", 2)),
        ("JPY", None, ("JPY", 0)),
        ("KWD", None, ("KWD", 3)),
        ("JPY", 2, ("JPY", 2)),
        ("USD", 0, ("USD", 0)),
        ("XYZ", None, ("XYZ", 2)),
        (None, None, ("", 2)),
        ("BRL", 4, ("BRL", 4)),
    ],
)
def test_money_unit(currency: str | None, digits: int | None, unit: tuple[str, int]) -> None:
    """The exponent is the reply's, else the currency's; the code is in upper case."""
    used = extra(is_enabled=True, used_credits=5, currency=currency, decimal_places=digits).used
    assert unit == (used.unit if used else None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "dollars"),
        ("currency", ""),
        ("currency", 840),
        ("currency", "€€€"),
        ("decimal_places", 5),
        ("decimal_places", -1),
        ("decimal_places", 1.5),
        ("decimal_places", "2"),
        ("decimal_places", True),
    ],
)
def test_odd_money_unit_costs_only_itself(field: str, value: object) -> None:
    """A wrong currency or exponent is noted, and the amount stays."""
    parsed = parse({"extra_usage": {"is_enabled": True, "used_credits": 1720, field: value}})
    used = parsed.value.meters[0].used
    assert money(1720, "") == used
    assert (f"extra_usage.{field}",) == parsed.odd_values


@pytest.mark.parametrize(
    ("value", "minor"),
    [(0, "0"), (0.0, "0"), (-0.0, "0"), (1720, "1720"), (40843.25, "40843.25"), (0.1, "0.1"), (1e13, "1E13")],
)
def test_money_is_exact(value: float, minor: str) -> None:
    """Minor units are read exactly, fractions too."""
    used = extra(is_enabled=True, used_credits=value).used
    assert Decimal(minor) == (used.minor if used else None)


@pytest.mark.parametrize(
    "value", [-1, -0.01, 1e14, 10**400, 1e-300, "1720", True, [], float("nan"), float("inf")]
)
def test_odd_money_is_unknown(value: object) -> None:
    """A negative or absurd amount, or one of another type, is noted and left out."""
    parsed = parse_overage(golden_bodies.overage(used_credits=value), MeterOrigin.OVERAGE, shared=False)
    assert parsed.value is not None
    assert (None, money(7000, CAD)) == (parsed.value.used, parsed.value.cap)
    assert parsed.odd_values == ("used_credits",)


@pytest.mark.parametrize(
    ("fields", "adds"),
    [
        ({}, False),
        ({"used": {"amount_minor": 0, "currency": "USD"}}, False),
        ({"used": {"amount_minor": 3, "currency": "USD"}}, True),
        ({"limit": {"amount_minor": 0, "currency": "USD"}}, True),
        ({"enabled": True}, True),
        ({"disabled_reason": "out_of_credits"}, True),
    ],
)
def test_spend_is_a_meter_only_if_it_adds_something(fields: dict[str, Any], *, adds: bool) -> None:
    """Zero used, no limit and off, as in every reply, is no meter beside an `extra_usage` that is off."""
    off = {"is_enabled": False}
    meters = parse({"extra_usage": off, "spend": {**SPEND, **fields}}).value.meters
    assert [MeterOrigin.EXTRA_USAGE, *[MeterOrigin.SPEND] * adds] == [found.origin for found in meters]


OFF_WITH_ZEROS = {"enabled": False, "used": {"amount_minor": 0, "currency": "USD", "exponent": 2}}
"""`spend` of an org without usage credits (captured in August 2026)."""
ON = {"is_enabled": True, "used_credits": 0, "monthly_limit": 5000, "currency": "USD"}


@pytest.mark.parametrize(
    ("expected", "extra", "overage", "limit"),
    [
        (CreditState.OFF, None, "unread", None),
        (CreditState.OFF, {"is_enabled": False}, "unread", None),
        (CreditState.ABSENT, None, None, None),
        (CreditState.OFF, None, {"is_enabled": False}, None),
        (CreditState.UNKNOWN, ON, "unread", None),
        (CreditState.UNKNOWN, ON, {"is_enabled": True}, None),
        (CreditState.UNKNOWN, None, {"is_enabled": True}, None),
        (CreditState.LOCKED, None, {"is_enabled": True}, 0),
        (CreditState.LOCKED, ON | {"used_credits": 5000}, {"is_enabled": True}, None),
    ],
)
def test_spend_that_is_off_with_zeros_is_never_open(
    expected: CreditState, extra: dict[str, Any] | None, overage: object, limit: int | None
) -> None:
    """It means off, contradicts a reply that is on, and adds nothing to a lock or to an absence.

    A limit of zero is a reached cap, because the used credits are at the cap.
    """
    spend: dict[str, Any] = dict(OFF_WITH_ZEROS)
    if limit is not None:
        spend["limit"] = {"amount_minor": limit, "currency": "USD", "exponent": 2}
    usage = parse({"extra_usage": extra, "spend": spend}).value
    replies = {Endpoint.USAGE: Reply(Endpoint.USAGE, NOW, usage)}
    if overage != "unread":
        found = parse_overage(overage, MeterOrigin.OVERAGE, shared=False).value
        replies[Endpoint.OVERAGE] = Reply(Endpoint.OVERAGE, NOW, found)
    state = OrgState(Org("u", "Acme"), Account("a"), Session("Chrome"), replies)
    assert expected is state.credits.compute_state(NOW)
    if expected is CreditState.UNKNOWN:
        assert state.credits.find_contradictions(NOW)
    lead = state.credits.lead_meter
    assert lead is None or lead.origin is not MeterOrigin.SPEND or limit is not None


def test_spend_keeps_its_own_figures() -> None:
    """If it differs from `extra_usage`, both are kept."""
    found = parse_usage(golden_bodies.usage()).value.meters
    assert [money("1720.0"), money(1721)] == [one.used for one in found]
    assert [money(5000), money(5001)] == [one.cap for one in found]


CREDITS_CAP = {"credits": {"amount_minor": 5000, "exponent": 2}, "money": None}


@pytest.mark.parametrize("cap", [CREDITS_CAP, {"money": {"amount_minor": 5000, "currency": "USD"}}], ids=str)
@pytest.mark.parametrize("limit", [{}, {"limit": None}], ids=str)
def test_cap_of_spend_replaces_a_limit_of_null(cap: dict[str, Any], limit: dict[str, Any]) -> None:
    """`cap` has the cap if `limit` does not, in the currency of what was used."""
    spend = {"enabled": True, "used": {"amount_minor": 5000, "currency": "USD"}, "cap": cap, **limit}
    parsed = parse({"spend": spend})
    (found,) = parsed.value.meters
    assert (money(5000), money(5000), False) == (found.used, found.cap, found.is_uncapped)
    assert found.compute_state(datetime(2026, 4, 25, tzinfo=UTC)) is CreditState.LOCKED
    assert (parsed.new_fields, parsed.odd_values) == ((), ())


def test_limit_of_spend_comes_before_its_cap() -> None:
    """A limit that was sent is the cap, even if it cannot be read."""
    (found,) = parse(
        {"spend": {"enabled": True, "limit": {"amount_minor": 7000}, "cap": CREDITS_CAP}}
    ).value.meters
    assert money(7000, "") == found.cap
    (found,) = parse({"spend": {"enabled": True, "limit": "x", "cap": CREDITS_CAP}}).value.meters
    assert (found.cap, found.unreadable_keys) == (None, ("limit",))


@pytest.mark.parametrize(
    "cap", [5000, "none", [], {"credits": {"amount_minor": "x"}}, {"credits": 5}], ids=str
)
def test_cap_of_spend_that_cannot_be_read_leaves_the_credits_unknown(cap: object) -> None:
    """Without a limit, an unreadable cap may be reached."""
    (found,) = parse({"spend": {"enabled": True, "limit": None, "cap": cap}}).value.meters
    assert (found.cap, found.is_uncapped, found.unreadable_keys) == (None, False, ("cap",))


def test_overage_of_a_complete_body() -> None:
    """Every field of the reply is read."""
    expected = Meter(
        origin=MeterOrigin.OVERAGE,
        used=money(6230, CAD),
        cap=money(7000, CAD),
        is_enabled=True,
        reason="self_selected_spend_limit_reached",
        until=datetime(2026, 5, 1, tzinfo=UTC),
        out_of_credits=True,
    )
    parsed = parse_overage(golden_bodies.overage(), MeterOrigin.OVERAGE, shared=False)
    assert (expected, (), ()) == (parsed.value, parsed.new_fields, parsed.odd_values)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": "maintenance"},
        {"type": "maintenance", "settings": {}},
        {"currency": "USD", "account_uuid": "a-1"},
    ],
    ids=str,
)
def test_foreign_overage_object_is_malformed(body: dict[str, Any]) -> None:
    """An object without any figure, flag or type of the overage body is an error."""
    with pytest.raises(MalformedError, match="an overage body was expected"):
        parse_overage(body, MeterOrigin.OVERAGE, shared=False)


def test_overage_null_is_no_metered_billing() -> None:
    """The body `null` means no metered billing."""
    assert ParsedBody(None) == parse_overage(None, MeterOrigin.OVERAGE, shared=True)


@pytest.mark.parametrize(
    ("fields", "shared", "origin", "personal"),
    [
        ({"is_enabled": True}, True, MeterOrigin.OVERAGE, False),
        ({"limit_type": "organization"}, True, MeterOrigin.OVERAGE, False),
        ({"limit_type": "organization"}, False, MeterOrigin.OVERAGE, True),
        ({"limit_type": "member"}, True, MeterOrigin.OVERAGE, True),
        ({"limit_type": "organization", "account_uuid": "a-1"}, True, MeterOrigin.OVERAGE, True),
        ({"limit_type": "organization"}, True, MeterOrigin.OWN_OVERAGE, True),
        ({"type": "organization"}, True, MeterOrigin.OVERAGE, False),
    ],
)
def test_overage_is_a_pool_only_on_a_shared_plan(
    fields: dict[str, Any], origin: MeterOrigin, *, shared: bool, personal: bool
) -> None:
    """The organization's own figure is a pool on Team and Enterprise, one member's never is."""
    found = parse_overage(fields, origin, shared=shared).value
    assert personal == (found.is_personal if found else None)


def test_overage_by_its_legacy_names() -> None:
    """The names before 2026 are known, and not noted as new."""
    body = {
        "type": "organization",
        "spend_limit_currency": "usd",
        "spend_limit_amount_cents": 2500,
        "balance_cents": 750,
    }
    parsed = parse_overage(body, MeterOrigin.OVERAGE, shared=False)
    assert (Meter(MeterOrigin.OVERAGE, cap=money(2500)), (), ()) == parsed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("is_enabled", "true"),
        ("out_of_credits", "true"),
        ("out_of_credits", 1),
        ("spend_limit_reached", "yes"),
        ("disabled_reason", {"code": "out_of_credits"}),
        ("disabled_reason", ""),
        ("disabled_until", "next month"),
        ("disabled_until", 1_000_000_000_000),
        ("monthly_credit_limit", "5000"),
        ("used_credits", []),
    ],
)
def test_lock_field_that_cannot_be_read_is_named(key: str, value: object) -> None:
    """A lock field of a wrong type is kept by name, so that the credits are not called open."""
    found = parse_overage({"is_enabled": True, key: value}, MeterOrigin.OVERAGE, shared=False).value
    assert found is not None
    assert found.unreadable_keys == (key,)
    assert found.compute_state(datetime(2026, 4, 25, tzinfo=UTC)) is CreditState.UNKNOWN


@pytest.mark.parametrize(
    ("body", "origin", "keys"),
    [
        ({"extra_usage": {"is_enabled": "yes"}}, MeterOrigin.EXTRA_USAGE, ("is_enabled",)),
        ({"extra_usage": []}, MeterOrigin.EXTRA_USAGE, ("extra_usage",)),
        ({"spend": "off"}, MeterOrigin.SPEND, ("spend",)),
        ({"spend": {"enabled": True, "limit": 50}}, MeterOrigin.SPEND, ("limit",)),
        ({"spend": {"enabled": True, "used": {"amount_minor": "1"}}}, MeterOrigin.SPEND, ("used",)),
        ({"spend": {"disabled_reason": 7}}, MeterOrigin.SPEND, ("disabled_reason",)),
    ],
)
def test_lock_field_of_the_usage_reply_that_cannot_be_read_is_named(
    body: dict[str, Any], origin: MeterOrigin, keys: tuple[str, ...]
) -> None:
    """The same applies to `extra_usage` and `spend`, as a whole and inside."""
    assert [(origin, keys)] == [(one.origin, one.unreadable_keys) for one in parse(body).value.meters]


def test_credits_that_the_user_turned_off_are_off() -> None:
    """`user_disabled` turns the credits off, whatever `is_enabled` says."""
    [found] = parse({"extra_usage": {"is_enabled": True, "user_disabled": True}}).value.meters
    assert found.is_enabled is False


@pytest.mark.parametrize(
    "reason", ["out_of_credits", "capacity_protection", "group_zero_credit_limit", "unknown"]
)
def test_known_reason_is_not_noted(reason: str) -> None:
    """Every known reason is kept unchanged."""
    parsed = parse_overage({"disabled_reason": reason}, MeterOrigin.OVERAGE, shared=False)
    assert (reason, ()) == (parsed.value.reason if parsed.value else "", parsed.new_fields)


def test_new_reason_is_kept_and_noted() -> None:
    """An unknown reason is shown unchanged and noted as new, in each of the replies."""
    overage = parse_overage({"disabled_reason": "solar_flare"}, MeterOrigin.OVERAGE, shared=False)
    assert overage.new_fields == ("disabled_reason = solar_flare",)
    usage = parse({"extra_usage": {"disabled_reason": "solar_flare"}})
    assert usage.value.meters[0].reason == "solar_flare"
    assert usage.new_fields == ("extra_usage.disabled_reason = solar_flare",)


@pytest.mark.parametrize("reason", ["", "  ", "\x1b\u202e"])
def test_empty_reason_is_none(reason: str) -> None:
    """A reason without visible text locks nothing."""
    assert meter({"disabled_reason": reason, "is_enabled": True}).reason is None


def test_reason_is_sanitized() -> None:
    """Escape sequences and line breaks are removed."""
    assert meter({"disabled_reason": "\x1b]0;pwned\x07\n\u202ered"}).reason == "]0;pwned red"


@pytest.mark.parametrize(
    ("field", "value"), [("is_enabled", "yes"), ("out_of_credits", 1), ("disabled_until", "x")]
)
def test_overage_field_of_a_wrong_type_costs_only_itself(field: str, value: object) -> None:
    """The figures beside a wrong flag or date stay."""
    parsed = parse_overage(golden_bodies.overage(**{field: value}), MeterOrigin.OVERAGE, shared=False)
    assert parsed.value is not None
    assert (money(6230, CAD), money(7000, CAD)) == (parsed.value.used, parsed.value.cap)
    assert (field,) == parsed.odd_values


@pytest.mark.parametrize("body", [[], "x", 5, True])
def test_body_of_a_wrong_shape_is_malformed(body: object) -> None:
    """A body that is no object is malformed."""
    with pytest.raises(MalformedError, match="an object was expected"):
        parse_overage(body, MeterOrigin.OVERAGE, shared=False)
    with pytest.raises(MalformedError, match="an object was expected"):
        parse_usage(body)


def test_grants_and_shares_of_a_complete_body() -> None:
    """Grants of a saved reset, and the surfaces of the week, are read."""
    plan = parse_usage(golden_bodies.usage()).value
    (grant,) = plan.saved_resets.grants
    assert grant == SavedReset(
        resets_left=2,
        starts_at=datetime(2026, 4, 20, tzinfo=UTC),
        ends_at=datetime(2026, 5, 20, tzinfo=UTC),
        is_next=True,
        is_usable=True,
        clears=("five_hour", "seven_day"),
    )
    assert plan.saved_resets._replace(grants=()) == SavedResets(is_eligible=True, is_at_limit=True)
    assert [(share.label, share.percent) for share in plan.shares] == [("Chat", 38.5)]


def test_share_without_a_percent_is_left_out() -> None:
    """A row without a percent is no zero, and one without a display name has its key."""
    rows = [{"key": "chat", "percent": None}, {"key": "code", "percent": 5}, {"key": "x", "percent": 101}]
    parsed = parse({"seven_day_breakdown": {"rows": rows}})
    assert [(share.label, share.percent) for share in parsed.value.shares] == [("code", 5.0)]
    assert parsed.odd_values == ("seven_day_breakdown.rows[2].percent",)
