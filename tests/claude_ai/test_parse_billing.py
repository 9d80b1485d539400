"""The prepaid and the subscription reply: balance, next charge, card, and what is scheduled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from claudemeter_tui.claude_ai.parse_account import parse_subscription
from claudemeter_tui.claude_ai.parse_credits import parse_prepaid
from claudemeter_tui.claude_ai.validation import MalformedError
from claudemeter_tui.model.account import Card, Subscription
from claudemeter_tui.model.credits import Balance, Tranche
from claudemeter_tui.model.money import Money
from tests import golden_bodies

NOTHING_BOUGHT: dict[str, object] = {
    "amount": 0,
    "currency": None,
    "balance": {"money": None, "credits": None},
    "tranches": None,
    "promo_tranches": None,
    "next_expires_at": None,
    "auto_reload_settings": None,
    "amount_without_scoped_credits": 0,
}
"""The reply about an org that never bought credits."""


def euros(minor: int) -> Money:
    """Return an amount in euro cents."""
    return Money(Decimal(minor), "EUR")


def subscription(**fields: Any) -> Subscription:
    """Return the subscription of a body."""
    found = parse_subscription(fields).value
    assert found is not None
    return found


def test_balance_of_a_complete_body() -> None:
    """The figure is the amount; tranches keep their kind and end, and take the currency of the balance."""
    expected = Balance(
        amount=euros(24435),
        tranches=(
            Tranche(euros(14433), None, is_promotional=False),
            Tranche(euros(10001), datetime(2026, 9, 19, tzinfo=UTC), is_promotional=True),
        ),
    )
    assert (expected, (), ()) == parse_prepaid(golden_bodies.prepaid())


@pytest.mark.parametrize("amount", [-1, -1.0, None])
def test_balance_of_nothing_bought_is_none(amount: object) -> None:
    """-1 and null mean that nothing was ever bought, and are not odd."""
    parsed = parse_prepaid({"amount": amount, "currency": "USD", "tranches": None})
    assert (Balance(None), ()) == (parsed.value, parsed.odd_values)


@pytest.mark.parametrize("amount", ["6036", True, [], 1e14, float("nan")])
def test_odd_balance_is_unknown(amount: object) -> None:
    """Anything but a figure is noted."""
    parsed = parse_prepaid({"amount": amount, "currency": "USD"})
    assert (Balance(None, is_unknown=True), ("amount",)) == (parsed.value, parsed.odd_values)


@pytest.mark.parametrize("amount", [-2, -1592, -0.5, -1e13])
def test_balance_below_zero_is_a_debt(amount: float) -> None:
    """Any negative figure but -1 is a debt."""
    parsed = parse_prepaid({"amount": amount, "currency": "USD"})
    assert Balance(Money(Decimal(str(amount)), "USD")) == parsed.value
    assert parsed.odd_values == ()


@pytest.mark.parametrize(
    ("bought", "sent"),
    [
        (False, {"amount": 0}),
        (False, {"amount": 0, "currency": None, "tranches": [], "auto_reload_settings": None}),
        (True, {"amount": 0, "currency": "USD"}),
        (True, {"amount": 0, "currency": None, "tranches": [{"expires_at": None}]}),
        (True, {"amount": 0, "currency": None, "balance_credits": 5}),
        (True, {"amount": 0, "currency": None, "auto_reload_settings": {"enabled": False}}),
        (True, {"amount": 0, "balance": {"money": {"amount_minor": 0, "currency": "USD"}}}),
        (False, {"amount": 0, "currency": None, "balance_credits": 0}),
        (False, {"amount": 0, "balance": {"money": None, "credits": None}}),
        (False, NOTHING_BOUGHT),
        (True, {"amount": 1, "currency": None}),
    ],
    ids=str,
)
def test_zero_without_anything_else_is_nothing_bought(*, bought: bool, sent: dict[str, object]) -> None:
    """A zero is an amount if the reply says anything else."""
    found = parse_prepaid(sent).value
    assert found is not None
    assert (found.amount is not None) is bought


@pytest.mark.parametrize(
    ("usable", "sent"),
    [
        (1000, {"amount_without_scoped_credits": 1000}),
        (5000, {"amount_without_scoped_credits": 5000}),
        (5000, {"amount_without_scoped_credits": None}),
        (5000, {"amount_without_scoped_credits": 6000}),
        (0, {"amount_without_scoped_credits": 0}),
        (1000, {"tranches": [{"remaining_amount_minor_units": 4000, "scope": {"applies_to": ["api"]}}]}),
        (1000, {"promo_tranches": [{"remaining_amount_minor_units": 4000, "scope": {"kind": "scoped"}}]}),
        (5000, {"tranches": [{"remaining_amount_minor_units": 4000, "scope": {"kind": "all"}}]}),
        (5000, {"tranches": [{"remaining_amount_minor_units": 4000, "scope": None}]}),
        (0, {"tranches": [{"remaining_amount_minor_units": 5001, "scope": {"applies_to": ["api"]}}]}),
    ],
    ids=str,
)
def test_only_the_money_for_every_surface_is_usable(usable: int, sent: dict[str, object]) -> None:
    """The server's own figure counts; without one, the scoped parts are subtracted."""
    parsed = parse_prepaid({"amount": 5000, "currency": "USD"} | sent)
    assert parsed.value is not None
    assert Money(Decimal(usable), "USD") == parsed.value.usable
    assert Money(Decimal(5000), "USD") == parsed.value.amount
    assert (parsed.new_fields, parsed.odd_values) == ((), ())


@pytest.mark.parametrize(
    ("stopped", "reloading", "codes"),
    [
        (False, True, {}),
        (True, False, {"auto_reload_disabled_reason": "payment_failed"}),
        (True, False, {"auto_reload_stripe_error_code": "card_declined"}),
        (False, False, {"auto_reload_disabled_reason": 7}),
        (False, False, {"auto_reload_settings": {"enabled": False}, "auto_reload_disabled_reason": "off"}),
        (True, False, {"auto_reload_settings": None, "auto_reload_disabled_reason": "payment_failed"}),
    ],
    ids=str,
)
def test_auto_reload_with_a_code_does_not_reload(
    *, stopped: bool, reloading: bool, codes: dict[str, object]
) -> None:
    """Any code stops an auto-reload that is on; one that cannot be read leaves it not known."""
    parsed = parse_prepaid({"amount": 5, "auto_reload_settings": {"enabled": True}} | codes)
    assert parsed.value is not None
    assert (stopped, reloading) == (parsed.value.is_reload_stopped, parsed.value.is_reloading)
    assert parsed.new_fields == ()


@pytest.mark.parametrize("place", ["money", "credits"])
def test_balance_replaces_a_missing_amount(place: str) -> None:
    """The newer `balance` counts only without `amount`."""
    newer = {"balance": {place: {"amount_minor": 8871, "exponent": 2}}, "currency": "EUR"}
    assert Balance(euros(8871)) == parse_prepaid(newer).value
    assert Balance(euros(5)) == parse_prepaid({**newer, "amount": 5}).value
    assert Balance(None) == parse_prepaid({**newer, "amount": -1}).value


@pytest.mark.parametrize("place", ["money", "credits"])
@pytest.mark.parametrize("beside", [{}, {"amount": None}, {"amount": 0}, NOTHING_BOUGHT], ids=str)
def test_debt_that_is_only_in_the_balance_is_read(place: str, beside: dict[str, object]) -> None:
    """A debt in `balance` is a debt, whatever `amount` lacks; the server's "never bought" is none."""
    parts = {"money": None, "credits": None}
    unit = {"currency": "EUR", "exponent": 2}
    parsed = parse_prepaid({**beside, "balance": {**parts, place: {"amount_minor": -1592, **unit}}})
    assert (Balance(euros(-1592)), (), ()) == parsed
    never = parse_prepaid({**beside, "amount": None, "balance": {place: {"amount_minor": -1, **unit}}})
    assert (Balance(None), (), ()) == never


@pytest.mark.parametrize("amount", [0, None])
def test_zero_in_the_balance_beside_null_is_nothing_bought(amount: object) -> None:
    """An amount of null stays nothing, and one without the key is read."""
    balance = {"balance": {"money": {"amount_minor": 0, "currency": "EUR"}}}
    expected = Balance(None if amount is None else Money(Decimal(0), ""))
    assert expected == parse_prepaid({"amount": amount, **balance}).value
    assert Balance(euros(0)) == parse_prepaid(balance).value


def test_tranche_without_an_amount_is_left_out() -> None:
    """A tranche without an amount is no zero."""
    body = golden_bodies.prepaid(tranches=[{"expires_at": None}, 5, {"remaining_amount_minor_units": "x"}])
    parsed = parse_prepaid(body)
    assert [tranche.is_promotional for tranche in (parsed.value or Balance(None)).tranches] == [True]
    assert parsed.odd_values == ("tranches[1]", "tranches[2].remaining_amount_minor_units")


@pytest.mark.parametrize(
    ("settings", "reloads"),
    [(None, None), ({"enabled": True}, True), ({"is_enabled": False}, False), ({}, None)],
)
def test_auto_reload_is_a_flag_or_unknown(settings: object, reloads: object) -> None:
    """Only a boolean decides if the balance reloads itself."""
    found = parse_prepaid({"auto_reload_settings": settings}).value
    assert reloads is (found.auto_reload if found else "absent")


def test_null_bodies_are_replies() -> None:
    """`null` means that the org has no such thing."""
    assert (parse_prepaid(None).value, parse_subscription(None).value) == (None, None)


@pytest.mark.parametrize("read", [parse_prepaid, parse_subscription])
def test_lists_are_malformed(read: Any) -> None:
    """A list in place of an object is malformed."""
    with pytest.raises(MalformedError, match="an object was expected"):
        read([])


def test_subscription_of_a_complete_body() -> None:
    """Every field of the reply is read."""
    expected = Subscription(
        status="active",
        next_charge=date(2026, 5, 14),
        card=Card("visa", "0042"),
        paid_through=date(2026, 10, 3),
        paused_until=datetime(2026, 6, 1, tzinfo=UTC),
        scheduled_change=("Max 5x", date(2026, 6, 1)),
    )
    assert (expected, (), ()) == parse_subscription(golden_bodies.subscription())


@pytest.mark.parametrize("key", ["plan_ending_at", "plan_ending_before"])
def test_subscription_that_ends_has_no_next_charge(key: str) -> None:
    """A cancelled plan has a charge date, but its end means that no charge follows."""
    found = subscription(**golden_bodies.subscription(**{key: "2026-05-14T10:00:00Z"}))
    assert (None, date(2026, 5, 14)) == (found.next_charge, found.ends_on)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"next_charge_date": "2026-05-14"}, date(2026, 5, 14)),
        ({"next_charge_at": "2026-05-14T23:59:59Z"}, date(2026, 5, 14)),
        ({"next_charge_date": None, "next_charge_at": "2026-05-14T00:00:00Z"}, date(2026, 5, 14)),
        ({"next_charge_date": "never", "next_charge_at": "2026-05-14T00:00:00Z"}, date(2026, 5, 14)),
        ({}, None),
    ],
)
def test_next_charge_of_either_key(fields: dict[str, Any], expected: date | None) -> None:
    """The plain date counts first, then the newer time."""
    assert expected == subscription(**fields).next_charge


def test_new_subscription_status_is_kept_and_noted() -> None:
    """An unknown status is shown unchanged, and noted as new."""
    parsed = parse_subscription({"status": "hibernating"})
    assert (Subscription("hibernating"), ("status = hibernating",), ()) == parsed


@pytest.mark.parametrize(
    ("plan_type", "words"),
    [
        ("max_5x_monthly", "Max 5x"),
        ("max_20x_yearly", "Max 20x"),
        ("claude_pro", "Pro"),
        ("pro_annual", "Pro"),
        ("team_standard_monthly", "Team Standard"),
        ("_", "_"),
        (None, "another plan"),
    ],
)
def test_change_of_plan_in_words(plan_type: str | None, words: str) -> None:
    """A plan's code becomes its name; without a code the words are "another plan"."""
    found = subscription(scheduled_downgrade={"plan_type": plan_type, "date": "2026-06-01T15:22:44"})
    assert (words, date(2026, 6, 1)) == found.scheduled_change


@pytest.mark.parametrize("value", [None, {}, {"plan_type": None, "date": None}])
def test_empty_change_is_none(value: object) -> None:
    """An empty schedule is no change."""
    assert subscription(scheduled_downgrade=value).scheduled_change is None


@pytest.mark.parametrize(
    ("method", "card", "odd"),
    [
        (None, None, ()),
        ({}, None, ()),
        ({"type": "link"}, Card("link", ""), ()),
        ({"brand": "visa", "last4": "0000"}, Card("visa", "0000"), ()),
        ({"brand": "visa", "last4": 4242}, Card("visa", ""), ("payment_method.last4",)),
        ({"brand": "visa", "last4": "12ab"}, Card("visa", ""), ("payment_method.last4",)),
        ({"brand": "visa", "last4": "4111111111111111"}, Card("visa", ""), ("payment_method.last4",)),
        ({"brand": 5, "last4": "0042"}, Card("", "0042"), ("payment_method.brand",)),
        ("visa", None, ("payment_method",)),
    ],
)
def test_card_is_its_brand_and_last_digits(method: object, card: Card | None, odd: tuple[str, ...]) -> None:
    """At most four digits of a card number are kept."""
    parsed = parse_subscription({"payment_method": method})
    assert (card, odd) == (parsed.value.card if parsed.value else "none", parsed.odd_values)
