"""The time of a balance and a subscription that are out of date, in every output."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from claudemeter_tui.formatting.credits import describe_lock, list_balance_forms
from claudemeter_tui.formatting.figures import build_sections
from claudemeter_tui.formatting.report import format_json_array, format_report
from claudemeter_tui.formatting.status_line import StatusContext, format_values
from claudemeter_tui.formatting.template import fill_template
from claudemeter_tui.formatting.verdict import format_verdict_line
from claudemeter_tui.model.catalogue import Cause, CreditState, Endpoint
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.credits import Balance, Tranche
from claudemeter_tui.model.money import Money
from claudemeter_tui.model.reading import ErrorKind, Failure, OrgReading, Reading, Reply
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.tui.view import View
from claudemeter_tui.tui.widgets.credits_panel import build_credits_line
from tests import scenes
from tests.scenes import NOW, PERSONAL, READ, SESSION
from tests.tui.app_harness import app, stage, text

LATER = NOW + timedelta(hours=3)
OUTDATED = (Endpoint.PREPAID, Endpoint.SUBSCRIPTION)
AGED = "as of 14:48"


def list_later_readings() -> list[Reading]:
    """Return the readings of three hours in which balance and subscription fail."""
    return [
        Reading(
            SESSION,
            READ + timedelta(minutes=minutes),
            org_readings=(_fail_slow_parts(scenes.store(PERSONAL).orgs[0], minutes),),
        )
        for minutes in (1, 179, 180)
    ]


def _fail_slow_parts(state: OrgState, minutes: int) -> OrgReading:
    at = READ + timedelta(minutes=minutes)
    parts: dict[Endpoint, Reply | Failure] = {
        endpoint: replace(reply, at=at)
        for endpoint, reply in state.replies.items()
        if endpoint not in OUTDATED
    }
    parts |= {endpoint: Failure(ErrorKind.SERVER_ERROR, endpoint, at, "status 502") for endpoint in OUTDATED}
    return OrgReading(state.org, parts)


@pytest.fixture(name="store")
def build_store() -> Store:
    """Return the store after three hours in which balance and subscription fail."""
    store = scenes.store(PERSONAL)
    for reading in list_later_readings():
        store = store.apply(reading)
    return store


def test_once_has_the_time_of_balance_and_charge(store: Store) -> None:
    """`--once` adds the time to both lines, after what scripts parse."""
    lines = format_report(store, store.orgs[0], LATER, UTC).split("\n")
    dated = [line for line in lines if AGED in line]
    assert (dated) == [
        "Balance          $244.35, as of 14:48",
        "Next charge      2026-05-14   visa ••0000   as of 14:48",
    ]


def test_json_has_the_time_of_every_body(store: Store) -> None:
    """`read_at` of `--json` has a time for each of the four bodies, null for one that was never read."""
    (found,) = json.loads(format_json_array(store, store.orgs, LATER, UTC))
    fresh, old = "2026-04-25T17:48:00Z", "2026-04-25T14:48:00Z"
    assert {"usage": fresh, "overage": fresh, "subscription": old, "prepaid": old} == found["read_at"]
    never = Store((replace(store.orgs[0], replies={}),), store.sessions)
    (found,) = json.loads(format_json_array(never, never.orgs, LATER, UTC))
    assert {None} == set(found["read_at"].values())


def test_line_has_the_time_of_the_balance(store: Store) -> None:
    """`{balance}` of `--line` shows the time of an old balance, as `{used}` does."""
    state = store.orgs[0]
    context = StatusContext(state, judge(state, LATER), LATER, UTC)
    assert f"$244.35 {AGED}" == fill_template("{balance}", format_values(context))


def test_details_have_the_time_at_every_figure(store: Store) -> None:
    """Every figure of the two replies ends with their time."""
    sections = build_sections(store, store.orgs[0], LATER, UTC)
    figures = [
        figure
        for section in sections
        if section.title != "Not read"
        for figure in section.figures
        if figure.endpoint in OUTDATED
    ]
    assert {"balance left", "balance", "next charge", "card"} <= {figure.label for figure in figures}
    assert all(AGED in figure.value for figure in figures)


def test_balance_that_expires_next_year_has_the_year() -> None:
    """Without it, the day would be read as one of this year."""
    later = datetime(2027, 4, 26, tzinfo=UTC)
    amount = Money(Decimal(10_000), "USD")
    balance = Balance(amount, (Tranche(amount, later, is_promotional=True),))
    assert list_balance_forms(balance, LATER, UTC)[0] == "$100.00 ($100.00 expires Apr 26 2027)"
    assert list_balance_forms(balance, later - timedelta(days=1), UTC)[0] == (
        "$100.00 ($100.00 expires Apr 26)"
    )


@pytest.mark.parametrize(
    ("size", "balance"), [((120, 36), "$244.35"), ((160, 45), "$244.35 ($100.00 expires Sep 19)")]
)
async def test_panel_has_the_time_of_balance_and_charge(size: tuple[int, int], balance: str) -> None:
    """The panel of the credits shows it in both rows, before the part that expires."""
    scene = stage(PERSONAL)
    async with app(scene).run_test(size=size) as pilot:
        await scene.post(pilot, *list_later_readings())
        await scene.at(pilot, LATER)
        shown = text(pilot)
        assert f"balance {balance} {AGED}" in shown
        assert f"next charge May 14 (visa ••0000) {AGED}" in shown
        assert shown.count(AGED) == 2


def test_line_of_a_small_pane_has_the_time_of_the_balance(store: Store) -> None:
    """The one line of the credits shows it, too."""
    view = View(store, LATER, store.orgs[0].key, UTC)
    line = build_credits_line(view, 100).plain.rstrip()
    assert f"credits $17.20 of $50.00  34% · balance $244.35 {AGED}" == line


def test_payment_problem_has_the_age_of_its_reply(store: Store) -> None:
    """A failed payment that was read hours ago shows its age in the verdict line."""
    state = store.orgs[0]
    paid = state.replies[Endpoint.SUBSCRIPTION]
    assert state.subscription is not None
    late = replace(paid, value=state.subscription._replace(status="past_due", figures_at=None))
    state = replace(state, replies={**state.replies, Endpoint.SUBSCRIPTION: late})
    line = format_verdict_line(judge(state, LATER), LATER, UTC)
    assert "the last payment failed (past_due) (read 3h ago) · update the payment method" in line


def test_lock_beside_an_outdated_balance_is_not_called_empty() -> None:
    """The words quote the server and show no amount."""
    lock = CreditLock(CreditState.LOCKED, Cause.OUT_OF_CREDITS, "out_of_credits")
    assert describe_lock(lock) == 'the server says "out of credits"; the balance is out of date'
