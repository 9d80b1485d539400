"""Amounts of money: units, remainders, percentages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.model.money import Money
from tests.model.values import usd

amounts = st.decimals(0, 10**15, allow_nan=False, places=3)


@pytest.mark.parametrize(
    ("expected", "amount"),
    [
        ("17.20", usd(1720)),
        ("0.004", usd("0.4")),
        ("1720", Money(Decimal(1720), "JPY", 0)),
        ("1.720", Money(Decimal(1720), "KWD", 3)),
        ("0.1720", Money(Decimal(1720), "CLF", 4)),
    ],
)
def test_money_counts_minor_units_by_its_exponent(expected: str, amount: Money) -> None:
    """Whole units are the minor units divided by ten to the power of the exponent, exactly."""
    assert Decimal(expected) == amount.major


@pytest.mark.parametrize(
    ("expected", "amount", "taken"),
    [
        (usd(280), usd(2000), usd(1720)),
        (usd(0), usd(2000), usd(2000)),
        (usd(0), usd(6000), usd(6230)),
        (usd("0.5"), usd(1), usd("0.5")),
        (None, usd(2000), Money(Decimal(1), "EUR")),
        (None, usd(2000), Money(Decimal(1), "USD", 3)),
        (None, usd(2000), Money(Decimal(1), "")),
    ],
)
def test_money_never_falls_below_zero(expected: Money | None, amount: Money, taken: Money) -> None:
    """The rest is never negative, and amounts of two units have no difference."""
    assert expected == amount.subtract(taken)


@pytest.mark.parametrize(
    ("expected", "amount", "whole"),
    [
        (34.4, usd(1720), usd(5000)),
        (0.0, usd(0), usd(5000)),
        (100.0, usd(5000), usd(5000)),
        (103.83333333333333, usd(6230), usd(6000)),
        (None, usd(1720), None),
        (None, usd(1720), usd(0)),
        (None, usd(1720), Money(Decimal(5000), "EUR")),
        (None, usd(1720), Money(Decimal(5000), "USD", 0)),
    ],
)
def test_money_is_a_percentage_of_its_own_unit_only(
    expected: float | None, amount: Money, whole: Money | None
) -> None:
    """The percentage is calculated, may exceed 100, and needs a whole above zero in the same unit."""
    assert expected == amount.percent_of(whole)


def test_money_is_not_full_before_it_is() -> None:
    """An amount just below the cap is below 100%, however large both are."""
    almost = usd("999999999999999999.9999").percent_of(usd(10**18))
    assert almost is not None
    assert almost < 100


@settings(derandomize=True, deadline=None)
@given(amounts, amounts)
def test_percentage_tells_less_from_equal_from_more(part: Decimal, whole: Decimal) -> None:
    """The percentage is 0 only for nothing, below 100 only for less than the whole, else 100 or more."""
    percent = Money(part, "USD").percent_of(Money(whole, "USD"))
    if percent is None:
        assert whole == 0
        return
    assert (part == 0) == (percent == 0)
    assert (part < whole) == (percent < 100)


@settings(derandomize=True, deadline=None)
@given(amounts, amounts)
def test_remainder_and_part_are_the_whole(whole: Decimal, part: Decimal) -> None:
    """The remainder and the part add up to the whole."""
    left = Money(whole, "USD").subtract(Money(part, "USD"))
    assert left is not None
    assert max(Decimal(0), whole - part) == left.minor
