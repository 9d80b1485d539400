"""Replies of status 200 that are not what was asked for, or hide the windows of the plan."""

from __future__ import annotations

import re

import pytest

from tests.bodies import Json, extra_usage_body, locked_body, overage_body, spend_body
from tests.responses import NOT_FOUND
from tests.sources.outputs import Replies, full_window, play, room

pytestmark = pytest.mark.slow

NO_USAGE: list[Json] = [
    {"message": "temporarily unavailable"},
    {"error": "overloaded"},
    {"detail": "Not authenticated"},
]
HIDDEN_WINDOWS: list[Json] = [
    {"five_hour_v2": {"percent": 40}, "extra_usage": extra_usage_body()},
    {"five_hour": None, "seven_day": None, "limits": {"session": {"percent": 40}}},
    {"five_hour": None, "seven_day": None, "limits": ["session", "weekly_all"]},
    {"five_hour": None, "seven_day": None, "limits": [{"kind": "monthly_all", "percent": 40}]},
]


@pytest.mark.parametrize("body", [*NO_USAGE, *HIDDEN_WINDOWS], ids=str)
def test_reply_without_readable_windows_is_no_plan_without_windows(body: Json) -> None:
    """With open credits the verdict is not known: nothing shows that all use is charged to credits."""
    shown = play(Replies(body, overage_body()))
    assert shown.json["verdict"]["state"] == "unknown"
    assert "ON CREDITS" not in shown.everything
    assert not re.search("no (?:plan )?windows", shown.everything, re.IGNORECASE)


@pytest.mark.parametrize("body", NO_USAGE, ids=str)
def test_error_in_place_of_usage_keeps_the_last_figures(body: Json) -> None:
    """The figures of the poll before stay, and so does the verdict."""
    shown = play(Replies(room(41, 31), overage_body()), Replies(body, overage_body()))
    assert shown.json["verdict"]["state"] == "can_work"
    assert "41.0% used" in shown.row("5-hour")


def test_plan_of_null_windows_is_on_credits() -> None:
    """Null windows beside an empty list of limits are a plan without windows."""
    body: Json = {"five_hour": None, "seven_day": None, "limits": [], "extra_usage": extra_usage_body()}
    shown = play(Replies(body, overage_body()))
    assert shown.json["verdict"]["state"] == "on_credits"


@pytest.mark.parametrize("body", [{}, {"message": "maintenance"}], ids=str)
def test_error_in_place_of_overage_keeps_the_lock(body: Json) -> None:
    """A lock that was read before stays, with its figures."""
    usage = full_window(extra_usage=extra_usage_body())
    shown = play(Replies(usage, locked_body()), Replies(usage, body))
    assert shown.json["verdict"]["credits"] == "locked"
    assert shown.json["verdict"]["state"] == "blocked"
    assert "$50.00 / $50.00" in shown.once


@pytest.mark.parametrize("body", [{}, {"message": "maintenance"}], ids=str)
def test_error_in_place_of_overage_never_opens_the_credits(body: Json) -> None:
    """Without an overage reply the credits are not known to be open."""
    shown = play(Replies(full_window(extra_usage=extra_usage_body()), body))
    assert shown.json["verdict"]["credits"] == "unknown"
    assert "$17.20" in shown.once


def test_cap_that_is_only_in_spend_cap_is_shown() -> None:
    """`spend.cap` holds the cap if `limit` is null, and a reached one locks the credits."""
    cap = {"credits": {"amount_minor": 5000, "exponent": 2}, "money": None}
    shown = play(Replies(full_window(spend=spend_body(5100, None) | {"cap": cap}), overage=NOT_FOUND))
    assert shown.json["verdict"]["credits"] == "locked"
    assert "$51.00 / $50.00" in shown.once
    assert (shown.new_fields, shown.odd_values) == (set(), set())


NOTHING = {"money": None, "credits": None}


@pytest.mark.parametrize(
    ("inside", "debt"), [(NOTHING, False), (NOTHING | {"money": {"amount_minor": -1592}}, True)], ids=str
)
def test_balance_of_zero_is_nothing_bought_or_a_debt(inside: Json, *, debt: bool) -> None:
    """A reply of nulls and zeros shows no balance; a debt is shown, wherever it is."""
    nulls = ("currency", "tranches", "promo_tranches", "next_expires_at", "auto_reload_settings")
    prepaid = {"amount": 0, "amount_without_scoped_credits": 0, "balance": inside} | dict.fromkeys(nulls)
    shown = play(Replies(full_window(extra_usage=extra_usage_body()), overage_body(), prepaid=prepaid))
    assert ("15.92" in shown.row("Balance")) is debt
    assert "0.00" not in shown.row("Balance")
    assert (shown.new_fields, shown.odd_values) == (set(), set())
