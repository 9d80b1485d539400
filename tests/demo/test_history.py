"""The demo's past: the same in every run, plausible, and different for each org."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.demo.history import load_demo_history, simulate_past
from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, DEMO_ORGS, GLOBEX, LAB, SIDE_PROJECT
from claudemeter_tui.demo.timeline import DemoOrg
from claudemeter_tui.model.history import HistoryAnswer, HistoryRequest
from claudemeter_tui.model.verdict import VerdictState
from claudemeter_tui.wiring import build_archive_options
from tests.histories import answer

START = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
YEAR = HistoryRequest(START, 52, ZoneInfo("Europe/Berlin"))


def load(org: DemoOrg) -> HistoryAnswer:
    """Return a year of an org."""
    return load_demo_history(START, (DEMO_ACCOUNT_UUID, org.uuid), YEAR)


@pytest.mark.parametrize("org", DEMO_ORGS, ids=lambda org: org.name)
def test_every_org_has_a_past(org: DemoOrg) -> None:
    """Each page has something to show, and no reading is later than the start of the demo."""
    found = load(org)
    assert 0.2 < found.span.covered_share < 0.6
    assert found.span.stops
    assert found.calendars
    assert found.days[-1].covered <= timedelta(hours=15)
    if org.own_credits is not None:
        assert found.span.credits
        assert {amount.currency for amount in found.span.credits} == {org.own_credits.currency}
    assert {cycle.figure for cycle in found.cycles} >= ({"window:five_hour"} if org.windows else {"month"})


def test_months_and_billing_cycles_agree() -> None:
    """The sums of the quarters of an hour are those of the cycles, in UTC."""
    found = load_demo_history(START, (DEMO_ACCOUNT_UUID, LAB.uuid), HistoryRequest(START, 52, UTC))
    months = {month.starts_at: month for month in found.months}
    cycles = {cycle.starts_at: cycle for cycle in found.billing_cycles}
    assert len(months.keys() & cycles.keys()) >= 12
    for start in months.keys() & cycles.keys():
        assert (months[start].credits, months[start].stops) == (cycles[start].credits, cycles[start].stops)


def test_past_is_the_same_in_every_run() -> None:
    """Nothing depends on the time at which it is simulated, except its end."""
    first, second = (simulate_past(LAB, START, UTC) for _ in range(2))
    assert first == second
    assert answer(first, YEAR) == answer(second, YEAR)


def test_orgs_stop_for_their_own_causes() -> None:
    """Without credits an org waits; without windows it works on credits; a cap blocks."""
    assert {stop.state for stop in load(SIDE_PROJECT).span.stops} == {VerdictState.WAIT}
    assert {stop.cause for stop in load(GLOBEX).span.stops} == {"no_windows"}
    assert {stop.cause for stop in load(LAB).span.stops} >= {"cap", "five_hour"}


def test_loader_of_the_demo_knows_its_orgs_only() -> None:
    """The demo reads no archive; an unknown org is empty."""
    loader = build_archive_options(load_settings(["--demo"], {}))["load_history"]
    known = loader((DEMO_ACCOUNT_UUID, LAB.uuid), HistoryRequest(datetime.now(UTC)))
    unknown = loader(("x", "y"), HistoryRequest(datetime.now(UTC)))
    assert known is not None
    assert unknown is not None
    assert (known.is_empty, unknown.is_empty) == (False, True)


def test_loader_reads_the_archive_only_if_it_is_kept() -> None:
    """With `history.enabled` off there is none; without a file the history is empty."""
    assert not build_archive_options(load_settings([], {"CLAUDEMETER_HISTORY_ENABLED": "false"}))
    found = build_archive_options(load_settings([], {}))["load_history"](("x", "y"), YEAR)
    assert found is not None
    assert found.is_empty
