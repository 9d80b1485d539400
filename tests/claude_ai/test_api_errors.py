"""Failures in a poll: their names, the requests that they prevent, and the end of the poll."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing

import pytest

from claudemeter_tui.claude_ai import api as poll_module
from claudemeter_tui.claude_ai.validation import ParsedBody
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reply
from tests.bodies import PERSONAL, TEAM, account_body, org_body, usage_body
from tests.claude_ai.api_cases import (
    REFUSED,
    account_troubles,
    parts,
    path,
    poll,
    reading,
    serve,
    serve_account,
    troubles,
)
from tests.responses import Answer, Drip, Held, Sends, in_turn
from tests.server import LoopbackServer

USAGE, OVERAGE, SUBSCRIPTION = Endpoint.USAGE, Endpoint.OVERAGE, Endpoint.SUBSCRIPTION
EXPIRED = Answer.json({"error": {"details": {"error_code": "account_session_invalid"}}}, status=403)
FAULT = Answer.json({}, status=500)


@pytest.fixture
def server(server: LoopbackServer) -> LoopbackServer:
    """A server with a personal org and a Team org."""
    serve_account(server)
    return server


@pytest.fixture
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit a poll to four seconds instead of twenty, a reply to more than a quarter of that."""
    monkeypatch.setattr(poll_module, "POLL_TIMEOUT", 4.0)
    monkeypatch.setattr(poll_module, "REPLY_TIMEOUT", 1.2)


@pytest.mark.parametrize("endpoint", ["usage", "overage", "prepaid", "subscription"])
async def test_failure_of_one_reply_hides_no_other(server: LoopbackServer, endpoint: str) -> None:
    """A failed reply affects no other reply of its org or of other orgs."""
    serve(server, PERSONAL, **{endpoint: FAULT})
    async with reading(server.url) as source:
        readings = await poll(source)
    assert {Endpoint(endpoint): ErrorKind.SERVER_ERROR} == troubles(readings, PERSONAL)
    assert troubles(readings, TEAM) == {}
    assert (account_troubles(readings), len(parts(readings, PERSONAL))) == ([], 4)


@pytest.mark.parametrize(
    ("trouble", "body"),
    [
        (ErrorKind.MALFORMED, Answer.json([])),
        (ErrorKind.MALFORMED, Answer.json("usage")),
        (ErrorKind.MALFORMED, Answer.json(41)),
        (ErrorKind.MALFORMED, Answer.json(None)),
        (ErrorKind.NOT_FOUND, Answer.json({}, status=404)),
        (ErrorKind.FORBIDDEN, Answer.json({}, status=403)),
        (
            ErrorKind.WRONG_ORG,
            Answer.json({"error": {"message": "Invalid authorization for organization"}}, 403),
        ),
    ],
)
async def test_usage_that_is_no_object_is_a_failure(
    server: LoopbackServer, trouble: ErrorKind, body: Answer
) -> None:
    """A usage reply that is no object is a failure, because every org has one."""
    serve(server, PERSONAL, usage=body)
    async with reading(server.url) as source:
        assert {USAGE: trouble} == troubles(await poll(source), PERSONAL)


@pytest.mark.parametrize(
    "answer", [Answer(403, {"Content-Type": "text/html"}, b"<p>"), Answer(404, {}, b"<p>")]
)
async def test_page_does_not_mean_no_metered_billing(server: LoopbackServer, answer: Answer) -> None:
    """A web page from a proxy is a failure, because only the server itself can deny metered billing."""
    serve(server, PERSONAL, overage=answer)
    async with reading(server.url) as source:
        assert list(troubles(await poll(source), PERSONAL)) == [OVERAGE]


async def test_session_wide_failure_stops_the_poll(server: LoopbackServer) -> None:
    """After such a failure no org and no list is read; it is the account's failure, not an org's."""
    server.routes["/api/account"] = EXPIRED
    async with reading(server.url) as source:
        readings = await poll(source)
    assert server.paths() == ["/api/account"]
    assert {ErrorKind.EXPIRED} == set(account_troubles(readings))
    assert all(one.orgs is None and not one.org_readings for one in readings)


async def test_session_wide_failure_prevents_the_remaining_requests(server: LoopbackServer) -> None:
    """At one org it prevents the requests that have not begun; earlier replies stay."""
    orgs = [org_body(f"org-{number}") for number in range(50)]
    serve_account(server, *orgs)
    serve(server, "org-9", usage=EXPIRED)
    async with reading(server.url) as source:
        readings = await poll(source)
        asked = len(server.requests)
        server.requests.clear()
        await poll(source)
    assert asked < 60
    assert isinstance(parts(readings, "org-0")[USAGE], Reply)
    assert all(not troubles(readings, org["uuid"]) for org in orgs)
    assert len(account_troubles(readings)) == 1
    assert server.paths()[0] == "/api/account"


async def test_missing_server_is_the_accounts_failure() -> None:
    """One failed request is enough."""
    async with reading(REFUSED) as source:
        readings = await poll(source)
    assert {ErrorKind.CONNECTION_REFUSED} == set(account_troubles(readings))


async def test_session_that_recovers_is_read_in_full(server: LoopbackServer) -> None:
    """After a failed session the account is read first, whenever it was last read."""
    async with reading(server.url) as source:
        await poll(source)
        serve(server, PERSONAL, usage=in_turn(EXPIRED, Answer.json(usage_body())))
        assert account_troubles(await poll(source)) == [ErrorKind.EXPIRED]
        server.requests.clear()
        assert account_troubles(await poll(source)) == []
    assert server.paths()[0] == "/api/account"


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
@pytest.mark.parametrize("slow", [Held(), Drip(0.02)])
async def test_endless_reply_is_given_up(server: LoopbackServer, slow: Sends) -> None:
    """A hanging or dripping reply is given up in time, and the others are read."""
    serve(server, PERSONAL, usage=slow)
    async with reading(server.url) as source:
        readings = await poll(source)
        assert troubles(readings, PERSONAL) == {USAGE: ErrorKind.TIMEOUT}
        assert troubles(readings, TEAM) == {}
        await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 0)


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
async def test_poll_is_over_in_time(server: LoopbackServer) -> None:
    """A poll with hanging orgs ends in time and reports every one, also those that it did not reach."""
    orgs = [org_body(f"org-{number}") for number in range(40)]
    serve_account(server, *orgs)
    for org in orgs:
        serve(server, org["uuid"], **dict.fromkeys(("usage", "overage", "subscription"), Held()))
    began = asyncio.get_running_loop().time()
    async with reading(server.url) as source:
        readings = await poll(source)
    assert asyncio.get_running_loop().time() - began < 9
    assert dict.fromkeys((USAGE, OVERAGE, SUBSCRIPTION), ErrorKind.TIMEOUT) == troubles(readings, "org-0")
    assert troubles(readings, "org-39") == {USAGE: ErrorKind.UNREAD}
    for org in orgs:
        assert set(troubles(readings, org["uuid"]).values()) <= {ErrorKind.TIMEOUT, ErrorKind.UNREAD}
        assert USAGE in troubles(readings, org["uuid"])


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
async def test_account_that_hangs_leaves_time_for_the_orgs(server: LoopbackServer) -> None:
    """Known orgs are read after the account has used up its time, without waiting for the list."""
    async with reading(server.url) as source:
        await poll(source)
        server.routes["/api/account"] = server.routes["/api/organizations"] = Held()
        readings = await poll(source, full=True)
    assert account_troubles(readings) == [ErrorKind.TIMEOUT]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)
    assert isinstance(parts(readings, TEAM)[USAGE], Reply)


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
async def test_account_that_hangs_at_first_is_replaced_by_the_list(server: LoopbackServer) -> None:
    """Without a known org the poll waits for the list."""
    server.routes["/api/account"] = Held()
    async with reading(server.url) as source:
        readings = await poll(source)
    assert account_troubles(readings) == [ErrorKind.TIMEOUT]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)


@pytest.mark.parametrize("error", [KeyError, RecursionError, ZeroDivisionError])
async def test_bug_costs_one_reply_and_shows_no_value(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """An unexpected exception is reported by type and place, without message and values."""

    def meaning(body: object) -> ParsedBody[None]:
        secret = f"MARKER {body}"
        raise error(secret)

    monkeypatch.setattr(poll_module, "parse_usage", meaning)
    async with reading(server.url) as source:
        readings = await poll(source)
    failure = parts(readings, PERSONAL)[USAGE]
    assert isinstance(failure, Failure)
    assert ErrorKind.BUG is failure.error_kind
    assert f"{error.__name__} at test_api_errors.py" in failure.detail
    assert "meaning" in failure.trace
    assert "MARKER" not in repr(failure) + failure.detail + failure.trace
    assert isinstance(parts(readings, PERSONAL)[OVERAGE], Reply)


async def test_bug_in_the_account_is_replaced_by_the_list(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of orgs is read by other code."""

    def meaning(_body: object) -> ParsedBody[None]:
        raise KeyError

    monkeypatch.setattr(poll_module, "parse_account", meaning)
    async with reading(server.url) as source:
        readings = await poll(source)
    assert account_troubles(readings) == [ErrorKind.BUG]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)


async def test_reading_closed_early_leaves_no_task(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A closed reading cancels its requests at once, and leaves no task and no connection."""
    serve(server, TEAM, usage=Held())
    async with reading(server.url) as source:
        async with aclosing(source.read()) as readings:
            async for one in readings:
                if one.org_readings:
                    break
        assert len(asyncio.all_tasks()) == 1
        await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 0)
    gc.collect()
    assert caplog.records == []


async def test_cancelled_reading_leaves_no_task(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A cancelled poll ends as cancelled, and the source can be read again."""
    serve(server, PERSONAL, usage=Held(), overage=Held())
    async with reading(server.url) as source:
        polling = asyncio.create_task(poll(source))
        held = {path(PERSONAL, "usage"), path(PERSONAL, "overage_spend_limit")}
        await asyncio.to_thread(server.wait_for, lambda it: held <= set(it.paths()))
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
        assert len(asyncio.all_tasks()) == 1
        await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 0)
        serve(server, PERSONAL)
        assert troubles(await poll(source), PERSONAL) == {}
    gc.collect()
    assert caplog.records == []


async def test_failing_account_is_reported_beside_the_orgs(server: LoopbackServer) -> None:
    """The account's failure keeps its kind, and the orgs come from the list."""
    server.routes["/api/account"] = Answer.json(account_body()["memberships"])
    async with reading(server.url) as source:
        readings = await poll(source)
    assert account_troubles(readings) == [ErrorKind.MALFORMED]
    assert [org.uuid for org in readings[0].orgs or ()] == [PERSONAL, TEAM]
