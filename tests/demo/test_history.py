"""The demo's past: the same in every run, plausible, different for each org, and one with its day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.demo.archive import DemoArchive
from claudemeter_tui.demo.history import CHART_DAYS, simulate_past
from claudemeter_tui.demo.scenario import (
    DEMO_ACCOUNT_UUID,
    DEMO_ORGS,
    DEMO_SESSION,
    GLOBEX,
    LAB,
    PERSONAL,
    SIDE_PROJECT,
)
from claudemeter_tui.demo.server import build_transport
from claudemeter_tui.demo.timeline import START_MINUTE, DemoOrg, SkippingClock, find_first_day
from claudemeter_tui.history.archive import Step
from claudemeter_tui.history.database import to_millis
from claudemeter_tui.history.queries import query_history
from claudemeter_tui.model.events import Event, EventKind, merge_events
from claudemeter_tui.model.history import MONTH_FIGURE, WINDOW_PREFIX, HistoryAnswer, HistoryRequest
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.model.verdict import VerdictState, judge
from claudemeter_tui.tui.screenshots import LimitedFeed
from claudemeter_tui.tui.widgets.chart_panel import CHART_SPANS
from claudemeter_tui.wiring import _read_demo_past, build_archive_options, build_feed
from tests.histories import answer

START = datetime(2026, 4, 25, 14, 48, 20, tzinfo=UTC)
STARTS = (
    START,
    datetime(2026, 5, 1, 0, 0, 30, tzinfo=UTC),
    datetime(2026, 5, 1, 0, 40, tzinfo=UTC),
    datetime(2026, 5, 1, 9, 0, tzinfo=UTC),
    datetime(2026, 5, 4, 3, 15, tzinfo=UTC),
)
"""An afternoon, the first minutes and hours of a month, and the night to a Monday."""
BERLIN = ZoneInfo("Europe/Berlin")
YEAR = HistoryRequest(START, 52, BERLIN)
MINUTE = timedelta(minutes=1)


def load(org: DemoOrg, zone: tzinfo = BERLIN) -> HistoryAnswer:
    """Return a year of an org."""
    request = HistoryRequest(START, 52, zone)
    found = DemoArchive(START, zone).query(
        (DEMO_ACCOUNT_UUID, org.uuid),
        lambda connection, org_id: query_history(connection, org_id, request),
    )
    assert found is not None
    return found


async def read_orgs(start: datetime, now: datetime) -> dict[str, OrgState]:
    """Return the orgs as the demo that starts at `start` reads them at `now`, by name."""
    transport = build_transport(lambda: now, find_first_day(start))
    client = CookieClient(Cookies([]), now=lambda: now, transport=transport)
    source, store = ClaudeAiSource(DEMO_SESSION, client, lambda: now), Store()
    async for reading in source.read(full=True):
        store = store.apply(reading)
    await source.aclose()
    return {state.org.name: state for state in store.orgs}


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


@pytest.mark.parametrize("start", STARTS, ids=str)
async def test_past_ends_where_the_day_begins(start: datetime) -> None:
    """The last figures of the past are those that the dashboard would have read in the minute before."""
    last_minute = find_first_day(start) + (START_MINUTE - 1) * MINUTE
    orgs = await read_orgs(start, last_minute)
    assert {org.name for org in DEMO_ORGS} == orgs.keys()
    for org in DEMO_ORGS:
        state = orgs[org.name]
        runs = {
            figure: (value, detail)
            for figure, *_, value, _, detail in simulate_past(org, start, UTC).open_runs
        }
        verdict = judge(state, last_minute)
        assert (verdict.state.value, verdict.credits.value) == (runs["verdict"][0], runs["credits"][0])
        for window in state.plan.windows if state.plan is not None else ():
            if window.is_plan_wide and window.resets_at is not None:
                value, detail = runs[f"{WINDOW_PREFIX}{window.key}"]
                assert (window.percent, True) == (
                    value,
                    abs(to_millis(window.resets_at) - int(str(detail))) < 1000,
                )
        meter = state.credits.lead_meter
        if meter is not None and meter.used is not None:
            assert (meter.used.minor, meter.origin.value) == runs["used"]


async def test_credits_that_lack_a_balance_are_not_full() -> None:
    """A billing cycle is full at its cap, in the simulated past and in what the demo reads from then on."""
    archive, store = DemoArchive(START, UTC), Store()
    recorder = archive.open().archive
    last = find_first_day(START) + START_MINUTE * MINUTE
    for minute in range(3):
        now = last + minute * MINUTE
        transport = build_transport(lambda: now, find_first_day(START))  # noqa: B023 - read before the next
        client = CookieClient(Cookies([]), now=lambda: now, transport=transport)  # noqa: B023
        source, steps = ClaudeAiSource(DEMO_SESSION, client, lambda: now), list[Step]()  # noqa: B023
        async for reading in source.read(full=True):
            before, store = store, store.apply(reading)
            steps.append(Step(reading, before, store))
        await source.aclose()
        assert recorder.append(steps) is None
    request = HistoryRequest(now, 1, UTC)
    found = archive.query(
        (DEMO_ACCOUNT_UUID, LAB.uuid), lambda connection, org_id: query_history(connection, org_id, request)
    )
    assert found is not None
    month = next(cycle for cycle in found.cycles if cycle.figure == MONTH_FIGURE)
    assert month.last_at >= last
    assert (month.full_at, month.full_for) == (None, timedelta(0))


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_rises_add_up_to_the_figures(start: datetime) -> None:
    """The rises of the current month, in the quarters and in its cycle, are what the org has used."""
    for org in DEMO_ORGS:
        past = simulate_past(org, start, UTC)
        used = {figure: value for figure, *_, value, _, _ in past.open_runs}.get("used")
        if used is None:
            continue
        (month,) = (row for row in past.open_cycles if row[0] == "month")
        begin, end = month[1], month[3]
        assert isinstance(begin, int)
        assert isinstance(end, int)
        rises = [
            int(str(rise)) for figure, at, _, rise in past.quarters if figure == "used" and begin <= at < end
        ]
        assert (used, used) == (sum(rises), month[5])


def test_months_and_billing_cycles_agree() -> None:
    """The sums of the quarters of an hour are those of the cycles, in UTC."""
    found = load(LAB, UTC)
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
    """Without credits an org waits; without windows it works on credits; a cap or an empty balance blocks."""
    assert {stop.state for stop in load(SIDE_PROJECT).span.stops} == {VerdictState.WAIT}
    assert {stop.cause for stop in load(GLOBEX).span.stops} <= {"no_windows", "cap"}
    assert {stop.cause for stop in load(LAB).span.stops} >= {"cap", "five_hour", "empty_balance"}


def test_past_has_events_of_each_kind_of_stop() -> None:
    """The last week has waits, resets, work on credits and a block, oldest first, before the start."""
    orgs = (PERSONAL, LAB, SIDE_PROJECT)
    events = [event for org in orgs for event in simulate_past(org, START, UTC).events]
    assert {event.kind for event in events} >= {
        EventKind.WAIT,
        EventKind.WINDOW_RESET,
        EventKind.ON_CREDITS,
        EventKind.BACK_IN_PLAN,
        EventKind.CREDITS_BLOCKED,
        EventKind.BLOCKED,
        EventKind.LIFTED,
    }
    for org in (PERSONAL, LAB):
        times = [event.at for event in simulate_past(org, START, UTC).events]
        assert times == sorted(times)
        assert START - timedelta(days=8) < times[0] < times[-1] < START


def test_one_change_of_the_past_is_one_event() -> None:
    """As in a run, what moves work to credits or blocks it names the window that filled."""
    events = [event for org in DEMO_ORGS for event in simulate_past(org, START, UTC).events]
    for at, group in groupby(sorted(events, key=_get_place), _get_place):
        found = [*group]
        assert merge_events(found) == found, at
    on_credits = [event for event in events if event.kind is EventKind.ON_CREDITS]
    assert on_credits
    assert all(event.windows for event in on_credits if event.after is not None)


def _get_place(event: Event) -> tuple[datetime, OrgKey | None]:
    return event.at, event.org_key


def test_past_reaches_back_as_far_as_a_chart() -> None:
    """A year of figures: the longest period of a chart is not empty for the most part."""
    assert max(span for span, _ in CHART_SPANS if span is not None) < timedelta(days=CHART_DAYS)


async def test_demo_has_a_past_of_its_own_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Charts, events, history and past moments of the simulated past and of the run; all from memory."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    clock, key = SkippingClock(START), (DEMO_ACCOUNT_UUID, PERSONAL.uuid)
    feed = build_feed(load_settings(["--demo"], {}), clock)
    readings: list[Reading] = []
    await LimitedFeed(feed, 30).run(readings.append)
    assert feed.recorder is not None
    feed.recorder._thread.join(60)  # 30 minutes took no time, so much is still to be written
    now, options = clock.now(), build_archive_options(feed)
    series = options["load_series"](key, START - timedelta(days=CHART_DAYS - 1))
    first, last = series.credits.runs[0], series.credits.runs[-1]
    assert first.first < START - timedelta(days=CHART_DAYS - 5)
    assert START + 25 * MINUTE <= last.last <= now
    assert last.minor == 5000
    assert all(run.minor is not None for run in series.credits.runs if run.first > START - 30 * MINUTE)
    live = options["load_past"](key, now, -1)
    assert live.store.find_org_state(key) is not None
    assert judge(live.store.find_org_state(key), live.at).state is VerdictState.BLOCKED
    earlier = options["load_past"](key, START, -1)
    assert (earlier.at < START, earlier.figures.state) == (True, VerdictState.ON_CREDITS)
    events = options["load_events"](START - timedelta(days=7), now)
    assert {event.org.name for event in events if event.org is not None and event.at < START} >= {
        "Personal",
        "Acme Team",
        "Lab",
        "Side project",
        "Flaky Labs",
    }
    history = options["load_history"](key, HistoryRequest(now, 4))
    assert history.cap is not None
    assert history.billing_cycles[-1].credits[0].minor == 5000
    assert options["load_series"](("x", "y"), START) is None
    assert list(tmp_path.iterdir()) == []


async def test_demo_ignores_settings_of_the_user() -> None:
    """Interval, server and history of the user are for the real claude.ai."""
    settings = ["--demo", "--interval", "600", "--base-url", "https://example.com"]
    feed = build_feed(load_settings(settings, {"CLAUDEMETER_HISTORY_ENABLED": "false"}), SkippingClock(START))
    readings: list[Reading] = []
    await LimitedFeed(feed, 1).run(readings.append)
    assert {org.name for org in DEMO_ORGS} == {
        one.org.name for reading in readings for one in reading.org_readings
    }
    (schedule,) = (reading.schedule for reading in readings if reading.schedule is not None)
    assert schedule.interval == MINUTE
    assert set(build_archive_options(feed)) == {
        *("load_series", "load_past", "load_history", "load_events"),
        "load_machine",
    }


def test_reader_is_there_only_if_the_history_is_kept() -> None:
    """With `history.enabled` off there is none; without a file the history is empty."""
    clock = SkippingClock(START)
    assert not build_archive_options(
        build_feed(load_settings([], {"CLAUDEMETER_HISTORY_ENABLED": "false"}), clock)
    )
    options = build_archive_options(build_feed(load_settings([], {}), clock))
    found = options["load_history"](("x", "y"), YEAR)
    assert found is not None
    assert found.is_empty
    assert options["load_events"](START - MINUTE, START) == ()
    assert "load_machine" in options
    settings = {"CLAUDEMETER_TRANSCRIPTS": "false"}
    assert "load_machine" not in build_archive_options(build_feed(load_settings([], settings), clock))


def test_demo_begins_with_the_spending_since_the_window_filled() -> None:
    """The demo knows when each window filled, as after a restart, and what was spent since then."""
    start = datetime(2026, 4, 25, 9, 15, tzinfo=UTC)
    reading = _read_demo_past(start)
    found = {state.org.name: judge(state, start).spending for state in reading.restored_orgs}
    assert len(found) == len(DEMO_ORGS)
    for name, minute in (("Personal", 38), ("Acme Team", 8)):
        spending = found[name]
        assert spending is not None
        assert spending.filled_label == "5-hour"
        assert spending.since == find_first_day(start) + timedelta(minutes=minute)
        assert spending.spent is not None
        assert spending.spent.minor > 100
