"""Fair polls: refusals, slowness and many orgs, with the requests counted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from claudemeter_tui.claude_ai import api as poll_module
from claudemeter_tui.claude_ai.api import MAX_CONCURRENT, ClaudeAiSource
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Reply
from claudemeter_tui.model.store import Store
from tests.bodies import PERSONAL, TEAM, org_body
from tests.claude_ai.api_cases import (
    Clock,
    account_troubles,
    asked,
    parts,
    path,
    poll,
    reading,
    serve,
    serve_account,
    troubles,
)
from tests.responses import Answer, Held, Late
from tests.server import LoopbackServer

USAGE, SUBSCRIPTION = Endpoint.USAGE, Endpoint.SUBSCRIPTION
CHALLENGE = Answer(403, {"CF-Mitigated": "challenge", "Content-Type": "text/html"}, b"<p>")
THROTTLED = Answer.json({"error": {"type": "rate_limit_error"}}, status=429)
LATER = Answer.json({"error": {"type": "rate_limit_error"}}, status=429, retry_after="1600")
REFUSALS = pytest.mark.parametrize(
    ("trouble", "answer"), [(ErrorKind.THROTTLED, LATER), (ErrorKind.CHALLENGE, CHALLENGE)]
)
ORGS = [org_body(f"org-{number}") for number in range(13)]
UUIDS = [str(org["uuid"]) for org in ORGS]


@pytest.fixture
def server(server: LoopbackServer) -> LoopbackServer:
    """A server with thirteen orgs."""
    serve_account(server, *ORGS)
    return server


def read_orgs(readings: list[Reading]) -> set[str]:
    """Return the orgs whose usage a poll has read."""
    return {
        report.org.uuid
        for one in readings
        for report in one.org_readings
        if isinstance(report.parts.get(USAGE), Reply)
    }


async def count_minutes(
    source: ClaudeAiSource, clock: Clock, server: LoopbackServer, minutes: int
) -> list[Counter[str]]:
    """Poll every minute; return the number of requests for each path in each poll."""
    counts = []
    for _ in range(minutes):
        asked(server)
        await poll(source)
        counts.append(Counter(asked(server)))
        clock.move(minutes=1)
    return counts


# Refusals.


@REFUSALS
@pytest.mark.parametrize("endpoint", ["usage", "overage", "prepaid", "subscription"])
async def test_refusal_of_one_reply_starves_no_other(
    server: LoopbackServer, trouble: ErrorKind, answer: Answer, endpoint: str
) -> None:
    """One refused reply is a failure of its own; its org's other replies and all other orgs are read."""
    serve(server, "org-0", **{endpoint: answer})
    async with reading(server.url) as source:
        readings = await poll(source)
    assert {Endpoint(endpoint): trouble} == troubles(readings, "org-0")
    assert len(parts(readings, "org-0")) == 4
    assert all(troubles(readings, uuid) == {} for uuid in UUIDS[1:])
    assert account_troubles(readings) == []
    assert read_orgs(readings) >= set(UUIDS[1:])


@REFUSALS
async def test_refusal_of_one_endpoint_starves_no_org(
    server: LoopbackServer, trouble: ErrorKind, answer: Answer
) -> None:
    """An endpoint that is refused for every org leaves all other replies."""
    for uuid in UUIDS:
        serve(server, uuid, subscription=answer)
    async with reading(server.url) as source:
        readings = await poll(source)
    assert read_orgs(readings) == set(UUIDS)
    assert all(troubles(readings, uuid) == {SUBSCRIPTION: trouble} for uuid in UUIDS)
    assert account_troubles(readings) == []


@REFUSALS
async def test_refusal_of_one_org_starves_no_other(
    server: LoopbackServer, trouble: ErrorKind, answer: Answer
) -> None:
    """An org whose replies are all refused leaves all other orgs."""
    serve(server, "org-3", **dict.fromkeys(("usage", "overage", "prepaid", "subscription"), answer))
    async with reading(server.url) as source:
        readings = await poll(source)
    assert read_orgs(readings) == {*UUIDS} - {"org-3"}
    assert set(troubles(readings, "org-3").values()) == {trouble}
    assert account_troubles(readings) == []


@pytest.mark.slow
@REFUSALS
async def test_refused_account_is_replaced_by_the_list(
    server: LoopbackServer, trouble: ErrorKind, answer: Answer
) -> None:
    """A refused account is a failure of its own, and paused by itself."""
    server.routes["/api/account"] = answer
    clock = Clock()
    async with reading(server.url, clock) as source:
        readings = await poll(source)
        assert account_troubles(readings) == [trouble]
        assert read_orgs(readings) == set(UUIDS)
        counts = await count_minutes(source, clock, server, 20)
    assert sum(one["/api/account"] for one in counts) < 5
    assert all(one[path("org-0", "usage")] == 1 for one in counts)


@pytest.mark.slow
async def test_refused_reply_keeps_the_servers_wait(server: LoopbackServer) -> None:
    """It is not requested before its Retry-After, whoever asks, and the others are in each poll."""
    serve(server, "org-0", usage=LATER)
    clock = Clock()
    async with reading(server.url, clock) as source:
        counts = await count_minutes(source, clock, server, 26)
        await poll(source, full=True)
        assert path("org-0", "usage") not in asked(server)
        clock.move(minutes=1)
        serve(server, "org-0")
        readings = await poll(source)
    assert [one[path("org-0", "usage")] for one in counts] == [1] + [0] * 25
    assert all(one[path("org-0", "overage_spend_limit")] == 1 for one in counts)
    assert all(one[path("org-12", "usage")] == 1 for one in counts)
    assert isinstance(parts(readings, "org-0")[USAGE], Reply)


@pytest.mark.slow
async def test_refused_reply_without_a_wait_is_requested_less_and_less(server: LoopbackServer) -> None:
    """The pause doubles from a minute to a quarter of an hour, and a good reply ends it."""
    serve(server, "org-0", usage=THROTTLED)
    clock = Clock()
    async with reading(server.url, clock) as source:
        counts = await count_minutes(source, clock, server, 60)
        minutes = [minute for minute, one in enumerate(counts) if one[path("org-0", "usage")]]
        assert minutes == [0, 1, 3, 7, 15, 30, 45]
        serve(server, "org-0")
        counts = await count_minutes(source, clock, server, 3)
    assert [one[path("org-0", "usage")] for one in counts] == [1, 1, 1]


async def test_clock_that_was_set_back_ends_a_pause(server: LoopbackServer) -> None:
    """A pause of minutes does not become one of days."""
    serve(server, "org-0", usage=CHALLENGE)
    clock = Clock()
    async with reading(server.url, clock) as source:
        await poll(source)
        clock.move(days=-3)
        asked(server)
        await poll(source)
        assert path("org-0", "usage") in asked(server)


@REFUSALS
@pytest.mark.parametrize("endpoints", [("usage",), ("usage", "overage", "prepaid", "subscription")])
async def test_widespread_refusals_stop_the_poll(
    server: LoopbackServer, trouble: ErrorKind, answer: Answer, endpoints: tuple[str, ...]
) -> None:
    """If usage is refused for several orgs, few more requests are sent, and the session has to wait."""
    for uuid in UUIDS:
        serve(server, uuid, **dict.fromkeys(endpoints, answer))
    async with reading(server.url) as source:
        readings = await poll(source)
    (failure,) = [one.account for one in readings if isinstance(one.account, Failure)]
    assert (trouble, True) == (failure.error_kind, failure.is_session_wide)
    assert failure.retry_after == (timedelta(seconds=1600) if trouble is ErrorKind.THROTTLED else None)
    assert len(server.requests) < 2 + 3 * MAX_CONCURRENT
    assert all(troubles(readings, uuid) == {} for uuid in UUIDS)


async def test_refusals_of_the_only_org_are_the_sessions(server: LoopbackServer) -> None:
    """If every reply about orgs is refused, it is one failure of the session with the longest wait."""
    serve_account(server, org_body())
    serve(server, PERSONAL, usage=THROTTLED, overage=LATER, subscription=THROTTLED)
    async with reading(server.url) as source:
        readings = await poll(source)
    (failure,) = [one.account for one in readings if isinstance(one.account, Failure)]
    assert (True, timedelta(seconds=1600)) == (failure.is_widespread, failure.retry_after)
    assert troubles(readings, PERSONAL) == {}


@pytest.mark.slow
async def test_few_orgs_that_are_always_refused_do_not_stop_the_others(server: LoopbackServer) -> None:
    """After a poll that they have stopped, the others come first and are read every minute."""
    for uuid in UUIDS[:4]:
        serve(server, uuid, **dict.fromkeys(("usage", "overage", "prepaid", "subscription"), THROTTLED))
    clock = Clock()
    async with reading(server.url, clock) as source:
        await poll(source)
        for _ in range(30):
            clock.move(minutes=1)
            readings = await poll(source)
            assert read_orgs(readings) == set(UUIDS[4:])
            assert not any(isinstance(one.account, Failure) for one in readings)


async def test_account_that_is_challenged_later_is_one_problem(server: LoopbackServer) -> None:
    """Figures of orgs that were read before stay, and no org has a problem of its own."""
    serve_account(server)
    async with reading(server.url) as source:
        await poll(source)
        for uuid in (PERSONAL, TEAM):
            serve(server, uuid, **dict.fromkeys(("usage", "overage", "prepaid", "subscription"), CHALLENGE))
        readings = await poll(source, full=True)
    assert account_troubles(readings) == [ErrorKind.CHALLENGE]
    assert troubles(readings, PERSONAL) == troubles(readings, TEAM) == {}


# Turns.


@pytest.mark.slow
async def test_hundred_slow_orgs_are_read_within_three_polls(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 100 orgs at 0.5 s a reply (here a fifth of all times), each is read within three polls.

    The orgs that a poll does not reach say so, until the next one begins with them.
    """
    monkeypatch.setattr(poll_module, "POLL_TIMEOUT", 4.0)
    orgs = [org_body(f"org-{number}") for number in range(100)]
    serve_account(server, *orgs)
    for route, answer in list(server.routes.items()):
        assert isinstance(answer, Answer)
        server.routes[route] = Late(0.1, answer)
    clock, polls = Clock(), list[list[Reading]]()
    async with reading(server.url, clock) as source:
        for number in range(5):
            asked(server)
            polls.append(await poll(source, full=not number))
            clock.move(minutes=1)
            assert len(server.requests) <= MAX_CONCURRENT * 4.0 / 0.1 + MAX_CONCURRENT
    uuids = {str(org["uuid"]) for org in orgs}
    unread = {uuid for uuid in uuids if ErrorKind.UNREAD in troubles(polls[0], uuid).values()}
    assert 0 < len(uuids - read_orgs(polls[0])) <= len(unread)
    assert read_orgs(polls[0]) | read_orgs(polls[1]) | read_orgs(polls[2]) == uuids
    assert read_orgs(polls[3]) | read_orgs(polls[4]) == uuids
    store = Store()
    for one in polls[0]:
        store = store.apply(one)
    last = next(state for state in store.orgs if state.org.uuid == "org-99")
    assert [problem.error_kind for problem in last.iter_problems()] == [ErrorKind.UNREAD]
    for one in [one for readings in polls[1:] for one in readings]:
        store = store.apply(one)
    assert store.problems == ()


@pytest.mark.slow
async def test_polls_that_are_cut_off_keep_their_connections(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty polls that end in the middle of their requests leave a session that can be read."""
    clock, routes = Clock(), dict(server.routes)
    async with reading(server.url, clock) as source:
        await poll(source)
        for route, answer in routes.items():
            assert isinstance(answer, Answer)
            server.routes[route] = Late(0.02, answer)
        for number in range(60):
            clock.move(minutes=1)
            monkeypatch.setattr(poll_module, "POLL_TIMEOUT", 0.05 + number % 10 * 0.007)
            await poll(source)
        server.routes = routes
        monkeypatch.setattr(poll_module, "POLL_TIMEOUT", 20.0)
        assert read_orgs(await poll(source)) == set(UUIDS)


@pytest.mark.slow
async def test_slow_reply_is_requested_less_often(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply that never comes is paused by itself, so that it delays the others in few polls only."""
    monkeypatch.setattr(poll_module, "REPLY_TIMEOUT", 0.3)
    serve(server, "org-0", usage=Held())
    clock = Clock()
    async with reading(server.url, clock) as source:
        counts = await count_minutes(source, clock, server, 8)
    assert [one[path("org-0", "usage")] for one in counts] == [1, 1, 0, 1, 0, 0, 0, 1]
    assert all(one[path("org-1", "usage")] == 1 for one in counts)


@pytest.mark.slow
async def test_silent_network_pauses_no_reply(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nothing arrives at all, every reply is requested again by the next poll."""
    serve_account(server)
    monkeypatch.setattr(poll_module, "REPLY_TIMEOUT", 0.3)
    clock, routes = Clock(), dict(server.routes)
    async with reading(server.url, clock) as source:
        await poll(source)
        server.routes = dict.fromkeys(routes, Held())
        for _ in range(3):
            clock.move(minutes=1)
            await poll(source)
        server.routes = routes
        clock.move(minutes=1)
        assert read_orgs(await poll(source)) == {PERSONAL, TEAM}
