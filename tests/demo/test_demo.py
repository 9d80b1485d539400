"""The simulated claude.ai: its story is true, its bodies are well formed, its day repeats."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from claudemeter_tui import demo
from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.demo import server as demo_server
from claudemeter_tui.demo.scenario import DEMO_ACCOUNT_UUID, DEMO_ORGS
from claudemeter_tui.demo.timeline import START_MINUTE, DemoChargeSpan, DemoClock, SkippingClock
from claudemeter_tui.model.reading import Reply, Session
from claudemeter_tui.model.secrets import Cookies

START = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
UUIDS = {org.name: org.uuid for org in DEMO_ORGS}
ENDPOINTS = {
    "usage": "/usage",
    "overage": "/overage_spend_limit",
    "own": f"/overage_spend_limit?account_uuid={DEMO_ACCOUNT_UUID}",
    "prepaid": "/prepaid/credits",
    "subscription": "/subscription_details",
}

Said = dict[str, object]

SESSION = "usage limits 0 percent"
ON_CREDITS: Said = {SESSION: 100, "overage out_of_credits": False, "overage disabled_until": None}
RESET: Said = {SESSION: 0, "usage five_hour utilization": 0.0, "usage five_hour resets_at": None}
LOCKED: Said = {
    "overage disabled_reason": "self_selected_spend_limit_reached",
    "overage disabled_until": "2026-04-25T21:18:00Z",
    "usage extra_usage spend_limit_reached": True,
}
EMPTY: Said = {"overage out_of_credits": True, "overage disabled_reason": None, "prepaid amount": 0}
STORY: list[tuple[str, str, Said]] = [
    (
        "00:00",
        "Personal",
        {
            SESSION: 67,
            "usage five_hour utilization": 67.0,
            "usage limits 2 scope model display_name": "Fable",
            "usage limits 2 percent": 84,
            "usage limits 2 severity": "warning",
            "usage extra_usage used_credits": 1720.0,
            "usage spend used amount_minor": 1720,
            "overage used_credits": 1720,
            "overage monthly_credit_limit": 5000,
            "overage disabled_reason": None,
            "prepaid amount": 24435,
            "prepaid promo_tranches 0 remaining_amount_minor_units": 10000,
            "prepaid promo_tranches 0 expires_at": "2026-09-19T00:00:00Z",
            "subscription next_charge_date": "2026-05-14",
        },
    ),
    (
        "00:00",
        "Acme Team",
        {
            SESSION: 93,
            "usage limits 0 severity": "critical",
            "usage extra_usage used_credits": 640.0,
            "usage extra_usage monthly_limit": 5000,
            "overage used_credits": 26118,
            "overage monthly_credit_limit": 100000,
            "overage limit_type": "organization",
            "own used_credits": 640,
            "own monthly_credit_limit": 5000,
            "own limit_type": "member",
            "own account_uuid": DEMO_ACCOUNT_UUID,
        },
    ),
    ("00:00", "Lab", {SESSION: 41, "usage extra_usage disabled_reason": "out_of_credits", **EMPTY}),
    (
        "00:00",
        "Side project",
        {
            SESSION: 100,
            "usage seven_day": None,
            "usage extra_usage is_enabled": False,
            "usage extra_usage used_credits": None,
            "overage status": 404,
            "overage error type": "not_found_error",
            "prepaid status": 404,
            "subscription status": 404,
        },
    ),
    (
        "00:00",
        "Globex Enterprise",
        {
            "usage five_hour": None,
            "usage seven_day": None,
            "usage limits": [],
            "usage cinder_cove limit_dollars": 1000,
            "usage cinder_cove used_dollars": 612.4,
            "usage cinder_cove utilization": 61.24,
            "usage extra_usage used_credits": 211926.0,
            "own used_credits": 211926,
            "own monthly_credit_limit": 500000,
            "overage limit_type": "organization",
            "overage monthly_credit_limit": 2500000,
        },
    ),
    (
        "00:00",
        "Flaky Labs",
        {
            SESSION: 34,
            "usage extra_usage currency": "CAD",
            "usage extra_usage monthly_limit": None,
            "usage extra_usage utilization": None,
            "usage extra_usage is_enabled": True,
            "overage used_credits": 1234,
            "overage monthly_credit_limit": None,
        },
    ),
    ("00:08", "Acme Team", {**ON_CREDITS, "own is_enabled": True}),
    ("00:21", "Side project", RESET),
    ("00:24", "Flaky Labs", {"usage status": 500, "usage error type": "api_error", "overage status": 200}),
    ("00:28", "Flaky Labs", {"usage status": 200}),
    ("00:38", "Personal", {**ON_CREDITS, "overage used_credits": 1720}),
    (
        "01:40",
        "Personal",
        {**LOCKED, SESSION: 100, "overage used_credits": 5000, "overage monthly_credit_limit": 5000},
    ),
    (
        "02:01",
        "Flaky Labs",
        {"usage status": 429, "usage retry-after": "180", "usage error type": "rate_limit_error"},
    ),
    ("02:04", "Flaky Labs", {"usage status": 200}),
    ("02:10", "Acme Team", {**RESET, "own used_credits": 2530}),
    ("02:30", "Personal", {**RESET, **LOCKED}),
    ("04:20", "Side project", {SESSION: 100, "overage status": 404}),
    ("05:30", "Personal", {**LOCKED, SESSION: 100}),
    ("05:33", "Side project", RESET),
    (
        "06:30",
        "Personal",
        {
            **ON_CREDITS,
            "overage disabled_reason": None,
            "overage used_credits": 5000,
            "overage monthly_credit_limit": 8000,
            "usage extra_usage monthly_limit": 8000,
        },
    ),
    ("07:11", "Flaky Labs", {"usage status": 502, "usage type": "text/html"}),
    ("07:16", "Flaky Labs", {"usage type": "application/json", SESSION: 49}),
    ("07:20", "Lab", {SESSION: 100, **EMPTY}),
    ("07:36", "Personal", {**RESET, "overage used_credits": 6465, "overage monthly_credit_limit": 8000}),
    ("08:05", "Lab", {**RESET, **EMPTY}),
    ("08:30", "Lab", {"overage out_of_credits": False, "prepaid amount": 5000}),
    ("10:10", "Personal", {"usage limits 2 percent": 100}),
    ("10:55", "Acme Team", ON_CREDITS),
    ("11:50", "Flaky Labs", ON_CREDITS),
    ("12:30", "Acme Team", {**RESET, "own used_credits": 3460}),
    ("12:40", "Lab", {**ON_CREDITS, "overage used_credits": 1175}),
    ("13:32", "Flaky Labs", {"usage status": 500}),
    ("13:39", "Flaky Labs", {"usage status": 200}),
    ("13:40", "Lab", {**RESET, "overage used_credits": 2160, "prepaid amount": 4015}),
    ("14:40", "Flaky Labs", {**RESET, "overage used_credits": 2694}),
    ("18:25", "Flaky Labs", {"usage status": 429, "usage retry-after": "180"}),
    ("18:28", "Flaky Labs", {"usage status": 200}),
    ("23:48", "Side project", {SESSION: 100}),
]
"""Time, org, and expected part of its replies: endpoint and path into the body, a header, or the status."""


class Server:
    """The demo's server at any moment, behind a plain client."""

    def __init__(self, start: datetime = START) -> None:
        self.now = START
        transport = demo_server.build_transport(lambda: self.now, start)
        self.client = httpx.AsyncClient(transport=transport, base_url="https://claude.ai")

    async def get(self, path: str, minute: float = 0) -> httpx.Response:
        """Return the reply so many minutes after the start."""
        self.now = START + timedelta(minutes=minute)
        return await self.client.get(path)

    async def ask(self, org: str, endpoint: str, minute: float = 0) -> httpx.Response:
        """Return the reply of one org's endpoint."""
        return await self.get(f"/api/organizations/{UUIDS[org]}{ENDPOINTS[endpoint]}", minute)

    async def figure(self, org: str, where: str, minute: float) -> object:
        """Return the value at a place of a reply, or a sentence if there is none."""
        endpoint, *path = where.split()
        answer = await self.ask(org, endpoint, minute)
        match path:
            case ["status"]:
                return answer.status_code
            case ["type"]:
                return answer.headers["content-type"].partition(";")[0]
            case ["retry-after"]:
                return answer.headers.get("retry-after")
            case _:
                return dig(answer, path)


def dig(answer: httpx.Response, path: list[str]) -> object:
    """Return the value at a path of the body."""
    if answer.headers["content-type"] != "application/json":
        return "no JSON"
    value: Any = answer.json()
    for key in path:
        if isinstance(value, dict) and key not in value:
            return f"no {key}"
        value = value[int(key) if isinstance(value, list) else key]
    return value


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Start a server whose first day begins at START."""
    server = Server()
    async with server.client:
        yield server


def minutes(time: str) -> int:
    """Return the minutes of `01:40`."""
    hours, rest = time.split(":")
    return 60 * int(hours) + int(rest)


STORY_IDS = [f"{time} {org}" for time, org, _ in STORY]


@pytest.mark.parametrize(("time", "org", "said"), STORY, ids=STORY_IDS)
async def test_day_follows_its_story(server: Server, time: str, org: str, said: Said) -> None:
    """At each moment of the story the replies have the values of its row."""
    found = {where: await server.figure(org, where, minutes(time)) for where in said}
    assert said == found


@pytest.mark.parametrize(
    ("time", "org", "said"), [row for row in STORY if row[0] != "00:00"], ids=lambda value: str(value)[:20]
)
async def test_day_changes_at_the_moments_of_its_story(
    server: Server, time: str, org: str, said: Said
) -> None:
    """A second before a moment of the story its values have not changed yet."""
    before = minutes(time) - 1 / 60
    assert said != {where: await server.figure(org, where, before) for where in said}


def test_story_in_the_docstring_is_the_story_tested() -> None:
    """Each line of the table in the package's docstring has a row here, in its order."""
    rows = re.findall(r"^    (\d\d:\d\d)  (\S+(?: \S+)*)  ", demo.__doc__ or "", re.MULTILINE)
    assert [(time, org) for time, org, _ in STORY] == rows


async def test_work_is_blocked_within_half_a_minute(server: Server) -> None:
    """The first org is on credits when the demo begins, and blocked before 30 real seconds are over."""
    soon = START_MINUTE + 30 * demo.DEMO_SPEED / 60
    for minute, reason in ((START_MINUTE, None), (soon, "self_selected_spend_limit_reached")):
        assert await server.figure("Personal", SESSION, minute) == 100
        assert await server.figure("Personal", "overage disabled_reason", minute) == reason


async def test_account_lists_the_orgs_in_order(server: Server) -> None:
    """The account and the list name the same six orgs, and the account is Pat's."""
    account = (await server.get("/api/account")).json()
    listed = (await server.get("/api/organizations")).json()
    assert list(UUIDS) == [org["name"] for org in listed]
    assert listed == [membership["organization"] for membership in account["memberships"]]
    assert (account["email_address"], account["uuid"]) == ("pat@example.com", DEMO_ACCOUNT_UUID)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/bootstrap",
        "/api/organizations/00000000-0000-4000-8000-000000000000/usage",
        f"/api/organizations/{UUIDS['Personal']}/nothing",
        f"/api/organizations/{UUIDS['Acme Team']}/overage_spend_limit?account_uuid=another",
    ],
)
async def test_unknown_path_is_not_found(server: Server, path: str) -> None:
    """An unknown path is a 404 with the server's own error body."""
    answer = await server.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["error"]["type"] == "not_found_error"


async def test_body_can_be_streamed(server: Server) -> None:
    """A client that streams gets as many raw bytes as announced."""
    async with server.client.stream("GET", "/api/account") as answer:
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert len(body) == int(answer.headers["content-length"])
    assert json.loads(body)["email_address"] == "pat@example.com"


async def test_answers_are_the_same_for_the_same_moment(server: Server) -> None:
    """Two servers with the same start give the same bytes, whatever they were asked before."""
    other = Server(START + timedelta(seconds=59, microseconds=7))
    async with other.client:
        for minute in (1000.5, 0, 26, 99.9, 122.5, 460):
            for org in UUIDS:
                mine, its = await server.ask(org, "usage", minute), await other.ask(org, "usage", minute)
                assert (mine.status_code, mine.content) == (its.status_code, its.content)


@pytest.mark.parametrize("minute", [0, 38, 100.25, 700])
async def test_day_repeats_after_24_hours(server: Server, minute: float) -> None:
    """A day later the figures are the same, and the times are those of the next day."""
    tomorrow = Server(START + timedelta(days=1))
    async with tomorrow.client:
        for org in UUIDS:
            for endpoint in ENDPOINTS:
                again = await server.ask(org, endpoint, minute + 1440)
                assert (await tomorrow.ask(org, endpoint, minute + 1440)).content == again.content
            assert await server.figure(org, "usage limits", minute) != [] or org == "Globex Enterprise"
            for where in ("usage extra_usage", "overage used_credits", "prepaid amount"):
                now, then = [await server.figure(org, where, at) for at in (minute, minute + 1440)]
                assert now == then


@pytest.mark.parametrize("org", [name for name in UUIDS if name != "Globex Enterprise"])
async def test_five_hour_window_continues_past_midnight(server: Server, org: str) -> None:
    """The evening's window continues into the morning with the same reset and no fall."""
    before, after = [(await server.ask(org, "usage", at)).json()["five_hour"] for at in (1440 - 1 / 60, 1440)]
    assert rounded(before["resets_at"]) == rounded(after["resets_at"])
    assert before["utilization"] <= after["utilization"] <= before["utilization"] + 1


def rounded(time: str) -> datetime:
    """Round to the nearest full minute."""
    return (datetime.fromisoformat(time) + timedelta(seconds=30)).replace(second=0, microsecond=0)


def mishap(org: str, minute: float) -> bool:
    """Return True if the org's usage reply fails at that time."""
    return next(each for each in DEMO_ORGS if each.name == org).find_fault(minute) is not None


EVERY = [17.3 * i for i in range(84)]
"""Moments of a whole day, most of them between two full minutes."""


@pytest.mark.parametrize("org", UUIDS)
async def test_bodies_are_json_all_day(server: Server, org: str) -> None:
    """Every reply is a strict JSON object with its content type; only the usage of the flaky org fails."""
    for minute in EVERY:
        for endpoint in ENDPOINTS:
            if endpoint == "usage" and mishap(org, minute):
                continue
            answer = await server.ask(org, endpoint, minute)
            assert answer.headers["content-type"] == "application/json"
            assert isinstance(json.loads(answer.content, parse_constant=pytest.fail), dict)
            expected = 404 if org == "Side project" and endpoint != "usage" else 200
            assert expected == answer.status_code


@pytest.mark.parametrize("org", [name for name in UUIDS if name != "Side project"])
async def test_money_is_in_minor_units_and_agrees(server: Server, org: str) -> None:
    """Overage, spend and prepaid hold whole minor units, extra usage a float of the same figure."""
    for minute in EVERY:
        if mishap(org, minute):
            continue
        usage = (await server.ask(org, "usage", minute)).json()
        own = (await server.ask(org, "own", minute)).json()
        amount = await server.figure(org, "prepaid amount", minute)
        extra, spend = usage["extra_usage"], usage["spend"]
        assert (int, float) == (type(own["used_credits"]), type(extra["used_credits"]))
        assert own["used_credits"] == extra["used_credits"] == spend["used"]["amount_minor"]
        assert own["monthly_credit_limit"] == extra["monthly_limit"]
        assert amount is None or (isinstance(amount, int) and amount >= 0)
        assert own["monthly_credit_limit"] is None or own["used_credits"] <= own["monthly_credit_limit"]


@pytest.mark.parametrize("org", [name for name in UUIDS if name != "Side project"])
@pytest.mark.parametrize("endpoint", ["own", "overage"])
async def test_used_credits_never_fall_within_a_day(server: Server, org: str, endpoint: str) -> None:
    """Used credits only rise, and return to the first figure at the end of the day."""
    used = [await server.figure(org, f"{endpoint} used_credits", minute) for minute in (*EVERY, 1439.9)]
    first = await server.figure(org, f"{endpoint} used_credits", 1440)
    assert sorted(used, key=number) == used
    assert used[0] == first != used[-1]


def number(value: object) -> int:
    """Return the figure, which a body may hold in any form."""
    assert isinstance(value, int)
    return value


async def test_charges_come_in_uneven_steps(server: Server) -> None:
    """On credits, charges of a cent to a few dollars alternate with minutes without a charge."""
    used = [number(await server.figure("Personal", "overage used_credits", at)) for at in range(38, 101)]
    steps = [after - before for before, after in itertools.pairwise(used)]
    charges = [step for step in steps if step]
    assert steps.count(0) >= 20
    assert len(set(charges)) >= 10
    assert 1 <= min(charges) < 50
    assert 200 < max(charges) < 500


async def test_first_hour_shows_changes(server: Server) -> None:
    """Within the first hour the Team org and the Max org both continue on credits and are charged."""
    for org in ("Personal", "Acme Team", "Globex Enterprise"):
        before, after = [number(await server.figure(org, "own used_credits", at)) for at in (0, 60)]
        assert after - before > 300


@pytest.mark.parametrize("org", [name for name in UUIDS if name != "Globex Enterprise"])
async def test_windows_hold_percent_and_a_future_reset(server: Server, org: str) -> None:
    """Percents are whole, 0 to 100, and agree; a running window resets within its length."""
    for minute in EVERY:
        if mishap(org, minute):
            continue
        usage = (await server.ask(org, "usage", minute)).json()
        for limit in usage["limits"]:
            length = timedelta(hours=5) if limit["kind"] == "session" else timedelta(days=7)
            assert type(limit["percent"]) is int
            assert 0 <= limit["percent"] <= 100
            if limit["resets_at"] is not None:
                assert server.now < rounded(limit["resets_at"]) <= server.now + length
        assert usage["five_hour"]["utilization"] == usage["limits"][0]["percent"]
        assert any(limit["is_active"] for limit in usage["limits"])


async def test_reset_times_jitter_around_the_full_minute(server: Server) -> None:
    """Between two polls a reset moves by less than a second, on both sides of one full minute."""
    times = [str(await server.figure("Personal", "usage five_hour resets_at", at)) for at in range(30)]
    full = START + timedelta(minutes=150)
    assert {full} == {rounded(time) for time in times}
    assert {True, False} == {datetime.fromisoformat(time) < full for time in times}


@pytest.mark.parametrize(("minute", "seconds"), [(121, "180"), (122.5, "90"), (123.999, "1")])
async def test_throttled_usage_says_when_to_come_back(server: Server, minute: float, seconds: str) -> None:
    """`Retry-After` leads to the end of the failure."""
    answer = await server.ask("Flaky Labs", "usage", minute)
    assert (429, seconds) == (answer.status_code, answer.headers["retry-after"])


@pytest.mark.parametrize("amount", [1, 7, 3280])
def test_stretch_charges_its_whole_amount(amount: int) -> None:
    """A stretch charges nothing before its first minute, everything from its last one on, and never falls."""
    stretch = DemoChargeSpan(39, 100, amount)
    sums = [stretch.compute_charged(minute) for minute in range(30, 110)]
    assert sums == sorted(sums)
    assert (0, amount, amount) == (
        stretch.compute_charged(38.9),
        stretch.compute_charged(100),
        stretch.compute_charged(9999),
    )
    assert stretch.compute_charged(99.9) <= amount


def test_demo_clock_runs_faster_than_the_real_one() -> None:
    """One real second is a simulated minute, and the clock begins at its start, in UTC."""
    real = iter([1000.0, 1000.0, 1001.0, 1061.5])
    clock = DemoClock(START.astimezone(timezone(timedelta(hours=2))), monotonic=lambda: next(real))
    assert [START + timedelta(minutes=passed) for passed in (0, 1, 61.5)] == [
        clock.now(),
        clock.now(),
        clock.now(),
    ]


async def test_demo_clock_sleeps_in_simulated_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated minute of sleep takes a real second."""
    slept: list[float] = []

    async def record(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", record)
    await DemoClock(START).sleep(60)
    await DemoClock(START, speed=30).sleep(60)
    assert slept == [1.0, 2.0]


async def test_skipping_clock_moves_only_by_sleeping() -> None:
    """A sleep moves the clock at once; of two sleepers the longer one counts."""
    clock = SkippingClock(START)
    assert START == clock.now() == clock.now()
    await clock.sleep(60)
    await asyncio.gather(clock.sleep(30), clock.sleep(45))
    assert START + timedelta(seconds=105) == clock.now()


async def test_demo_sends_no_unknown_field() -> None:
    """Every key of every simulated reply is known, and none holds an odd value."""
    transport = demo_server.build_transport(lambda: START, START)
    client = CookieClient(Cookies([]), now=lambda: START, transport=transport)
    source = ClaudeAiSource(Session("simulated"), client, lambda: START)
    notes = [
        (part.endpoint, part.new_fields, part.odd_values)
        async for reading in source.read(full=True)
        for report in reading.org_readings
        for part in report.parts.values()
        if isinstance(part, Reply)
    ]
    await source.aclose()
    assert notes
    assert [note for note in notes if note[1] or note[2]] == []
