"""Storms of requests, orgs beside throttled replies, and times without a network, with requests counted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from claudemeter_tui.claude_ai.api import MAX_CONCURRENT, ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.model.reading import Reading, Reply, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.sessions.poller import Poller
from tests.bodies import PERSONAL, org_body
from tests.claude_ai.api_cases import serve_account
from tests.responses import Answer
from tests.server import LoopbackServer
from tests.sessions.manager_cases import OF_PAT, PAT, Here, Home, Person, build_reply, opened, shorten_path
from tests.sessions.manager_cases import ClaudeAi as Server
from tests.sessions.poller_cases import FakeClock, settle

USAGE = f"{PERSONAL}/usage"
UUIDS = [f"cccccccc-0000-4000-8000-{number:012}" for number in range(13)]
THROTTLED = Answer.json({"error": {"type": "rate_limit_error"}}, status=429)


def pat(home: Home, server: Server) -> None:
    """Sign Pat in in one profile."""
    home.profile("one", "k1")
    server.people["k1"] = OF_PAT


def thirteen(home: Home, server: Server) -> None:
    """Sign in a person with thirteen orgs in one profile."""
    home.profile("one", "k1")
    server.people["k1"] = Person(PAT, "pat@example.com", tuple(org_body(uuid, uuid[-2:]) for uuid in UUIDS))


def refuse(here: Here, rule: Callable[[str], bool]) -> None:
    """Throttle the requests whose path the rule accepts; all others are answered as usual."""
    person = here.server.people["k1"]
    here.server.instead["k1"] = lambda request: (
        THROTTLED if rule(request.path) else build_reply(person, shorten_path(request))
    )


async def test_holding_refresh_is_no_storm(tmp_path: Path) -> None:
    """300 presses of `r` in 9 seconds make two polls more, and as few scans."""
    async with opened(tmp_path, pat) as here:
        per_poll, scans = len(here.server.asked), list[bool]()
        scan = here.door._discovery.scan

        async def count_scan(*, asked: bool) -> None:
            scans.append(asked)
            await scan(asked=asked)

        here.door._discovery.scan = count_scan  # type: ignore[method-assign]
        for _ in range(300):
            here.door.poll_now()
            await here.clock.advance(0.03)
            await here.quiet()
        assert [round(at) for at in here.server.times("k1", USAGE)] == [0, 5]
        for _ in range(5):
            await here.advance(1)
        assert [round(at) for at in here.server.times("k1", USAGE)] == [0, 5, 10]
        assert len(here.server.asked) == 3 * per_poll
        assert scans == [True, True]
        for _ in range(60):
            await here.advance(1)
        assert [round(at) for at in here.server.times("k1", USAGE)] == [0, 5, 10, 70]


@pytest.mark.slow
async def test_throttled_replies_starve_no_org(tmp_path: Path) -> None:
    """Beside one throttled endpoint and one throttled org, the twelve others are read every minute."""
    async with opened(tmp_path, thirteen) as here:
        refuse(here, lambda path: path.endswith("subscription_details") or UUIDS[0] in path)
        here.server.asked.clear()
        await here.advance(1200)
        counts = Counter(one.what for one in here.server.asked)
        assert [counts[f"{uuid}/usage"] for uuid in UUIDS[1:]] == [20] * 12
        assert counts[f"{UUIDS[0]}/usage"] <= 6
        assert counts[f"{UUIDS[1]}/subscription_details"] <= 6
        unread = [state.org.uuid for state in here.store.orgs if state.is_stale(here.clock.now())]
        assert unread == [UUIDS[0]]
        assert all(problem.org for problem in here.store.problems)


@pytest.mark.slow
async def test_throttled_session_backs_off_as_a_whole(tmp_path: Path) -> None:
    """If everything is throttled for an hour, few requests are sent, and the session recovers by itself."""
    async with opened(tmp_path, thirteen) as here:
        refuse(here, lambda _: True)
        here.server.asked.clear()
        await here.advance(3600)
        per_poll = Counter(one.at for one in here.server.asked)
        assert list(per_poll) == [60, 120, 240, 480, 960, 1860, 2760]
        assert max(per_poll.values()) <= 2 * MAX_CONCURRENT
        assert here.troubles == ["Firefox, one: throttled"]
        del here.server.instead["k1"]
        await here.advance(900)
        assert not any(state.is_stale(here.clock.now()) for state in here.store.orgs)
        assert here.troubles == []


@contextlib.asynccontextmanager
async def polling(url: Callable[[], str], clock: FakeClock) -> AsyncIterator[tuple[Poller, list[Reading]]]:
    """Run a poller over a real client of the address that is right at each opening."""
    posted = list[Reading]()

    async def open_source() -> ClaudeAiSource:
        client = CookieClient(Cookies([("sessionKey", "k1")]), base_url=url(), now=clock.now)
        return ClaudeAiSource(Session("Firefox", "one"), client, clock.now)

    poller = Poller(open_source, clock=clock, jitter=lambda: 1.0)
    task = asyncio.create_task(poller.run(posted.append))
    try:
        yield poller, posted
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def advance(clock: FakeClock, poller: Poller, seconds: float) -> None:
    """Let so many seconds pass, with each poll done before the next second."""
    for _ in range(round(seconds)):
        await clock.advance(1)
        while poller.is_polling:
            await asyncio.sleep(0.001)
            await settle()


@pytest.mark.parametrize("is_known", [False, True])
async def test_figures_are_fresh_within_a_minute_of_the_networks_return(is_known: bool) -> None:  # noqa: FBT001 - a table
    """After 20 minutes of refused connections, one request a minute, the next poll reads every org."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    clock = FakeClock()
    async with polling(lambda: f"http://127.0.0.1:{port}", clock) as (poller, posted):
        if is_known:
            with LoopbackServer(port) as server:
                serve_account(server)
                await advance(clock, poller, 61)
            posted.clear()
        await advance(clock, poller, 1200)
        offline = [one for one in posted if one.schedule is not None]
        assert 19 <= len(offline) <= 21
        assert not any(isinstance(one.account, Reply) or one.org_readings for one in posted if not is_known)
        with LoopbackServer(port) as server:
            serve_account(server)
            returned = clock.now()
            await advance(clock, poller, 60)
        read = {report.org.name: one.at for one in posted for report in one.org_readings if report.parts}
        assert read.keys() == {"Personal", "Acme Team"}
        assert all(timedelta(0) <= at - returned <= timedelta(minutes=1) for at in read.values())


@pytest.mark.parametrize("address", ["https://224.0.0.1", "https://" + ("x" * 60 + ".") * 5 + "invalid"])
async def test_polls_without_a_route_or_a_name_keep_their_pace(address: str) -> None:
    """Connections that fail in the network or in the name are tried once a minute."""
    clock = FakeClock()
    async with polling(lambda: address, clock) as (poller, posted):
        await advance(clock, poller, 1200)
        ends = [one.at for one in posted if one.schedule is not None]
        assert len(ends) == 21
        assert all(later - one <= timedelta(seconds=61) for one, later in pairwise(ends))


async def test_clock_set_back_by_days_delays_no_poll(tmp_path: Path) -> None:
    """After the clock was set back by three days, every account is polled within an interval."""
    async with opened(tmp_path, pat) as here:
        await here.advance(130)
        here.clock.jump(-3 * 86_400)
        here.server.asked.clear()
        await here.advance(60)
        assert len([one for one in here.server.asked if one.what == USAGE]) == 1
        await here.advance(120)
        assert len([one for one in here.server.asked if one.what == USAGE]) == 3
