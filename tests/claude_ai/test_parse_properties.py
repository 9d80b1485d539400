"""Any body: a reading, unaffected figures right, and no invented ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudemeter_tui.claude_ai import validation
from claudemeter_tui.claude_ai.parse_account import parse_account, parse_organizations, parse_subscription
from claudemeter_tui.claude_ai.parse_credits import parse_overage, parse_prepaid
from claudemeter_tui.claude_ai.parse_usage import parse_usage
from claudemeter_tui.claude_ai.validation import MalformedError, ParsedBody
from claudemeter_tui.model.catalogue import OVERAGE_SIGN_KEYS, USAGE_SIGN_KEYS, MeterOrigin
from claudemeter_tui.model.credits import Balance
from claudemeter_tui.model.money import Money
from tests import golden_bodies
from tests.golden_bodies import Place, at_place, places, put
from tests.value_fields import list_fields

Call = Callable[[Any], ParsedBody[Any]]


def _pool(body: object) -> ParsedBody[Any]:
    return parse_overage(body, MeterOrigin.OVERAGE, shared=True)


CALLS: dict[str, tuple[Call, Callable[[], Any]]] = {
    "account": (parse_account, golden_bodies.account),
    "organizations": (parse_organizations, lambda: [golden_bodies.org()]),
    "usage": (parse_usage, golden_bodies.usage),
    "overage": (_pool, golden_bodies.overage),
    "prepaid": (parse_prepaid, golden_bodies.prepaid),
    "subscription": (parse_subscription, golden_bodies.subscription),
}
TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates too
EDGES: list[Any] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    0.5,
    100,
    1e308,
    10**400,
    -(10**400),
    "",
    "0",
    [],
    {},
    [None],
]
SCALARS = st.one_of(
    st.sampled_from(EDGES), st.integers(), st.floats(), TEXTS, st.datetimes().map(lambda at: at.isoformat())
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
SIGN_KEYS = {"usage": USAGE_SIGN_KEYS, "overage": OVERAGE_SIGN_KEYS}
"""Keys without which a body is foreign, for the calls that have any."""
hostile = settings(max_examples=60, deadline=None, derandomize=True, database=None)
calls = pytest.mark.parametrize("name", CALLS)


def within(body: Any) -> st.SearchStrategy[Place]:
    """Return every place inside the body."""
    return st.sampled_from([place for place in places(body) if place])


def another(value: Any) -> Any:
    """Return an equally valid value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return value.replace("2026-0", "2025-0") if value.startswith("2026-0") else f"7{value[1:]}"


def inside(value: object) -> Iterator[object]:
    """Yield every value in a result, itself first."""
    yield value
    if names := list_fields(value):
        for name in names:
            yield from inside(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from inside(item)


def numbers(value: object) -> Iterator[float]:
    """Yield every number of a JSON value that can be a percentage."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100_000:
        yield float(value)


def unreported(body: object, plan: Any) -> list[float]:
    """Return the percents of a plan that the body does not hold, as numbers, as fractions or in dollars."""
    reported = set(numbers(body))
    reported |= {float(100 * Decimal(str(value))) for value in reported}
    return [
        window.percent
        for window in plan.windows
        if window.percent is not None
        and window.percent not in reported
        and window.percent != (window.used.percent_of(window.limit) if window.used else None)
    ]


def check(parsed: ParsedBody[Any]) -> None:
    """Check everything that holds for any reading: only a balance can be below zero."""
    parts = list(inside(parsed))
    debts = [id(part.amount) for part in parts if isinstance(part, Balance)]
    for part in parts:
        if isinstance(part, Money):
            assert (-(10**13) if id(part) in debts else 0) <= part.minor <= 10**13
            assert math.isfinite(float(part.major))
        elif isinstance(part, float):
            assert 0 <= part <= 100_000
        elif isinstance(part, str) and not isinstance(part, Enum):
            assert part.isprintable()
            assert len(part) <= 1_100
    for path in (*parsed.new_fields, *parsed.odd_values):
        assert len(path) <= 80
    assert max(len(parsed.new_fields), len(parsed.odd_values)) <= 50


@calls
@given(body=JSON)
@hostile
def test_any_body_is_a_reading_or_malformed(name: str, body: object) -> None:
    """Any body gives a value, or the one named error."""
    read, _ = CALLS[name]
    try:
        parsed = read(body)
    except MalformedError:
        is_foreign = isinstance(body, dict) and not body.keys() & SIGN_KEYS.get(name, body.keys())
        assert is_foreign or not isinstance(body, list if name == "organizations" else dict)
    else:
        check(parsed)


@calls
@given(data=st.data())
@hostile
def test_any_value_at_any_place_is_a_reading(name: str, data: st.DataObject) -> None:
    """One wrong value anywhere inside a body never costs the reply."""
    read, make = CALLS[name]
    body = make()
    at = data.draw(within(body), label="place")
    check(read(put(body, at, data.draw(JSON, label="value"))))


@calls
@given(data=st.data())
@settings(hostile, max_examples=25)
def test_many_values_at_many_places_are_a_reading(name: str, data: st.DataObject) -> None:
    """Many wrong values never cost the reply."""
    read, body = CALLS[name][0], CALLS[name][1]()
    for _ in range(data.draw(st.integers(2, 6))):
        at = data.draw(within(body))
        body = put(body, at, data.draw(JSON))
        if not body:
            break
    check(read(body))


def _by_key(key: str, name: str) -> Callable[[Any], object]:
    return lambda plan: [getattr(window, name) for window in plan.windows if window.key == key]


def _percents(plan: Any) -> bool:
    return 83.0 in [window.percent for window in plan.windows]


def _meter(origin: MeterOrigin, name: str) -> Callable[[Any], object]:
    def amount(plan: Any) -> object:
        found = [getattr(meter, name) for meter in plan.meters if meter.origin is origin]
        return [value.minor if isinstance(value, Money) else value for value in found]

    return amount


def _resets_left(plan: Any) -> object:
    return plan.saved_resets.grants[0].resets_left


def _minor(name: str) -> Callable[[Any], object]:
    return lambda value: getattr(value, name) and getattr(value, name).minor


def _plain(name: str) -> Callable[[Any], object]:
    return lambda value: getattr(value, name)


FIGURES: list[tuple[str, Place, Callable[[Any], object]]] = [
    ("usage", ("five_hour", "utilization"), _by_key("five_hour", "percent")),
    ("usage", ("five_hour", "resets_at"), _by_key("five_hour", "resets_at")),
    ("usage", ("seven_day", "utilization"), _by_key("seven_day", "percent")),
    ("usage", ("seven_day_opus", "utilization"), _by_key("seven_day_opus", "percent")),
    ("usage", ("cinder_cove", "utilization"), _by_key("cinder_cove", "percent")),
    ("usage", ("cinder_cove", "used_dollars"), _by_key("cinder_cove", "used")),
    ("usage", ("cinder_cove", "limit_dollars"), _by_key("cinder_cove", "limit")),
    ("usage", ("limits", 2, "percent"), _percents),
    ("usage", ("extra_usage", "used_credits"), _meter(MeterOrigin.EXTRA_USAGE, "used")),
    ("usage", ("extra_usage", "monthly_limit"), _meter(MeterOrigin.EXTRA_USAGE, "cap")),
    ("usage", ("extra_usage", "is_enabled"), _meter(MeterOrigin.EXTRA_USAGE, "is_enabled")),
    ("usage", ("spend", "used", "amount_minor"), _meter(MeterOrigin.SPEND, "used")),
    ("usage", ("spend", "limit", "amount_minor"), _meter(MeterOrigin.SPEND, "cap")),
    ("usage", ("cedar_ember", "grants", 0, "resets_left"), _resets_left),
    ("usage", ("seven_day_breakdown", "rows", 0, "percent"), lambda plan: plan.shares[0].percent),
    ("overage", ("used_credits",), _minor("used")),
    ("overage", ("monthly_credit_limit",), _minor("cap")),
    ("overage", ("is_enabled",), _plain("is_enabled")),
    ("overage", ("disabled_reason",), _plain("reason")),
    ("overage", ("disabled_until",), _plain("until")),
    ("overage", ("out_of_credits",), _plain("out_of_credits")),
    ("prepaid", ("amount",), _minor("amount")),
    (
        "prepaid",
        ("promo_tranches", 0, "remaining_amount_minor_units"),
        lambda found: found.tranches[-1].remaining.minor,
    ),
    ("subscription", ("status",), _plain("status")),
    ("subscription", ("payment_method", "last4"), lambda found: found.card.last4),
    ("subscription", ("payment_paused_until",), _plain("paused_until")),
    ("subscription", ("gift_details", "paid_through"), _plain("paid_through")),
    ("subscription", ("scheduled_downgrade", "date"), lambda found: found.scheduled_change[1]),
    ("account", ("email_address",), lambda found: found[0].email),
    ("account", ("uuid",), lambda found: found[0].uuid),
    ("account", ("memberships", 0, "organization", "uuid"), lambda found: found[1][0].uuid),
    ("account", ("memberships", 0, "organization", "name"), lambda found: found[1][0].name),
]
"""Call, place of the figure, and its getter in the reading."""


def touches(at: Place, own: Place) -> bool:
    """Return True if a change at one place may change the figure of another."""
    if own[:3] == ("memberships", 0, "organization") and at[3:4] in (("uuid",), ("capabilities",)):
        return True  # An org without its uuid, and one for the console, are rightly left out.
    return at == own[: len(at)]


@calls
@given(data=st.data())
@hostile
def test_right_figure_stays_right(name: str, data: st.DataObject) -> None:
    """A change at any unrelated place does not change a figure."""
    read, make = CALLS[name]
    body = make()
    at = data.draw(within(body), label="place")
    before, after = read(body).value, read(put(body, at, data.draw(JSON, label="value"))).value
    for call, own, figure in FIGURES:
        if call == name and not touches(at, own):
            assert figure(before) == figure(after), own


@pytest.mark.parametrize(("name", "own", "figure"), FIGURES)
def test_right_figure_follows_its_place(name: str, own: Place, figure: Callable[[Any], object]) -> None:
    """Each figure of the table is read from its place, and another value shows."""
    read, make = CALLS[name]
    body = make()
    changed = put(body, own, another(at_place(body, own)))
    assert figure(read(body).value) != figure(read(changed).value)


@given(data=st.data())
@hostile
def test_no_percent_that_was_not_reported(data: st.DataObject) -> None:
    """Each percent is a number of the body, a hundred times one, or calculated from its dollars."""
    body = golden_bodies.usage()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(within(body))
        body = put(body, at, data.draw(JSON))
        if not body:
            return
    assert unreported(body, parse_usage(body).value) == []


@pytest.mark.parametrize("wrong", [None, "", "100", True, [], {}, -1, math.nan, math.inf])
def test_no_false_zero_and_no_false_full(wrong: object) -> None:
    """A window whose figures are all wrong has no percent at all."""
    body = golden_bodies.usage(limits=wrong)
    for key in ("five_hour", "seven_day", "seven_day_opus"):
        body[key] = {"utilization": wrong, "resets_at": wrong}
    body["cinder_cove"] = {"utilization": wrong, "limit_dollars": 10, "used_dollars": wrong}
    assert [window.percent for window in parse_usage(body).value.windows] == [None] * 4


OPAQUE = {"settings"}
OBJECTS = [
    (name, place)
    for name, (_, make) in CALLS.items()
    for place in places(make())
    if isinstance(at_place(make(), place), dict) and not OPAQUE & set(place)
]


@given(where=st.sampled_from(OBJECTS), key=st.from_regex(r"\Anew_[a-z]{1,12}\Z"), value=JSON)
@hostile
def test_new_key_is_always_listed(where: tuple[str, Place], key: str, value: object) -> None:
    """An unknown key in any object, with any value, is noted."""
    name, at = where
    read, make = CALLS[name]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in (*at, key)).lstrip(".")
    assert path in read(put(make(), (*at, key), value)).new_fields


@calls
@given(key=TEXTS.filter(lambda text: not text.isascii()))
@hostile
def test_new_key_of_any_text_is_listed(name: str, key: str) -> None:
    """A key without printable characters is noted, without control characters."""
    read, make = CALLS[name]
    body = make()
    (body[0] if isinstance(body, list) else body)[key] = None
    parsed = read(body)
    check(parsed)
    assert len(parsed.new_fields) == 1


@given(value=JSON)
@hostile
def test_moment_is_aware_and_in_range(value: object) -> None:
    """Any accepted time is in UTC, between 2000 and 2200."""
    try:
        found = validation.parse_moment(value)
    except ValueError:
        return
    assert ((found.utcoffset() and 1) or 0, 1999 <= found.year <= 2200) == (0, True)
