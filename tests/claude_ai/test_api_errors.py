"""What one poll makes of failures: what it tells, what it spares the server, and when it is over."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing
from datetime import timedelta

import pytest

from claudemeter_tui.claude_ai import api as poll_module
from claudemeter_tui.claude_ai import parse
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
CHALLENGE = Answer(403, {"CF-Mitigated": "challenge", "Content-Type": "text/html"}, b"<p>")
THROTTLED = Answer.json({"error": {"type": "rate_limit_error"}}, status=429, retry_after="1600")
FAULT = Answer.json({}, status=500)


@pytest.fixture
def server(server: LoopbackServer) -> LoopbackServer:
    """A server with a personal org and a Team org."""
    serve_account(server)
    return server


@pytest.fixture
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll of four seconds instead of twenty, a reply of more than a quarter of it."""
    monkeypatch.setattr(poll_module, "POLL_TIMEOUT", 4.0)
    monkeypatch.setattr(poll_module, "REPLY_TIMEOUT", 1.2)


@pytest.mark.parametrize("endpoint", ["usage", "overage", "prepaid", "subscription"])
async def test_failure_of_one_reply_hides_no_other(server: LoopbackServer, endpoint: str) -> None:
    """It costs itself, in its org; everything else of this org and the others is there."""
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
    """Every org has a usage reply: that there is none is no answer, unlike for the others."""
    serve(server, PERSONAL, usage=body)
    async with reading(server.url) as source:
        assert {USAGE: trouble} == troubles(await poll(source), PERSONAL)


@pytest.mark.parametrize(
    "answer", [Answer(403, {"Content-Type": "text/html"}, b"<p>"), Answer(404, {}, b"<p>")]
)
async def test_page_is_no_word_on_metered_billing(server: LoopbackServer, answer: Answer) -> None:
    """Only the server itself can say that an org has none; what stands in between cannot."""
    serve(server, PERSONAL, overage=answer)
    async with reading(server.url) as source:
        assert list(troubles(await poll(source), PERSONAL)) == [OVERAGE]


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [(ErrorKind.EXPIRED, EXPIRED), (ErrorKind.CHALLENGE, CHALLENGE), (ErrorKind.THROTTLED, THROTTLED)],
)
async def test_trouble_of_the_whole_session_stops_the_poll(
    server: LoopbackServer, trouble: ErrorKind, answer: Answer
) -> None:
    """Nobody else is asked, not even for the list of orgs; it is the account's failure, and no org's."""
    server.routes["/api/account"] = answer
    async with reading(server.url) as source:
        readings = await poll(source)
    assert server.paths() == ["/api/account"]
    assert {trouble} == set(account_troubles(readings))
    assert all(one.orgs is None and not one.org_readings for one in readings)


@pytest.mark.parametrize("answer", [EXPIRED, CHALLENGE, THROTTLED])
async def test_trouble_of_the_whole_session_stops_what_is_left(
    server: LoopbackServer, answer: Answer
) -> None:
    """Met at one org, it spares the server the requests that have not begun; what was read stays."""
    orgs = [org_body(f"org-{number}") for number in range(50)]
    serve_account(server, *orgs)
    serve(server, "org-9", usage=answer)
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


async def test_throttling_carries_the_wait(server: LoopbackServer) -> None:
    """What the server asks for reaches the poller."""
    serve(server, PERSONAL, usage=THROTTLED)
    async with reading(server.url) as source:
        *_, last = await poll(source)
    assert isinstance(last.account, Failure)
    assert (ErrorKind.THROTTLED, timedelta(seconds=1600)) == (
        last.account.error_kind,
        last.account.retry_after,
    )


async def test_server_that_is_not_there_is_the_accounts_failure() -> None:
    """One request is enough to know."""
    async with reading(REFUSED) as source:
        readings = await poll(source)
    assert {ErrorKind.CONNECTION_REFUSED} == set(account_troubles(readings))


async def test_session_that_recovers_is_read_in_full(server: LoopbackServer) -> None:
    """After a stop the account comes first again, whenever it was last asked."""
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
async def test_reply_that_does_not_end_is_given_up(server: LoopbackServer, slow: Sends) -> None:
    """Hanging or dripping, it has its time and no more; the others are there."""
    serve(server, PERSONAL, usage=slow)
    async with reading(server.url) as source:
        readings = await poll(source)
        assert troubles(readings, PERSONAL) == {USAGE: ErrorKind.TIMEOUT}
        assert troubles(readings, TEAM) == {}
        await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 0)


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
async def test_poll_is_over_in_time(server: LoopbackServer) -> None:
    """However many orgs hang, every one is told of, and the poll ends."""
    orgs = [org_body(f"org-{number}") for number in range(40)]
    serve_account(server, *orgs)
    for org in orgs:
        serve(server, org["uuid"], **dict.fromkeys(("usage", "overage", "subscription"), Held()))
    began = asyncio.get_running_loop().time()
    async with reading(server.url) as source:
        readings = await poll(source)
    assert asyncio.get_running_loop().time() - began < 9
    for org in orgs:
        assert dict.fromkeys((USAGE, OVERAGE, SUBSCRIPTION), ErrorKind.TIMEOUT) == troubles(
            readings, org["uuid"]
        )


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
async def test_account_that_hangs_leaves_time_for_the_orgs(server: LoopbackServer) -> None:
    """Known orgs are read although the account has used up its time; the list is not waited for, too."""
    async with reading(server.url) as source:
        await poll(source)
        server.routes["/api/account"] = server.routes["/api/organizations"] = Held()
        readings = await poll(source, full=True)
    assert account_troubles(readings) == [ErrorKind.TIMEOUT]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)
    assert isinstance(parts(readings, TEAM)[USAGE], Reply)


@pytest.mark.slow
@pytest.mark.usefixtures("_hurry")
async def test_account_that_hangs_at_first_is_stood_in_for(server: LoopbackServer) -> None:
    """Without any org there is nothing else to do than to wait for the list."""
    server.routes["/api/account"] = Held()
    async with reading(server.url) as source:
        readings = await poll(source)
    assert account_troubles(readings) == [ErrorKind.TIMEOUT]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)


@pytest.mark.parametrize("error", [KeyError, RecursionError, ZeroDivisionError])
async def test_bug_of_ours_costs_one_reply_and_shows_no_value(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """What nobody foresaw is told by its kind and place; neither message nor values are kept."""

    def meaning(body: object) -> ParsedBody[None]:
        secret = f"MARKER {body}"
        raise error(secret)

    monkeypatch.setattr(parse, "parse_usage", meaning)
    async with reading(server.url) as source:
        readings = await poll(source)
    failure = parts(readings, PERSONAL)[USAGE]
    assert isinstance(failure, Failure)
    assert ErrorKind.BUG is failure.error_kind
    assert f"{error.__name__} at test_api_errors.py" in failure.detail
    assert "meaning" in failure.trace
    assert "MARKER" not in repr(failure) + failure.detail + failure.trace
    assert isinstance(parts(readings, PERSONAL)[OVERAGE], Reply)


async def test_bug_of_ours_in_the_account_is_stood_in_for(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of orgs is read by other code."""

    def meaning(_body: object) -> ParsedBody[None]:
        raise KeyError

    monkeypatch.setattr(parse, "parse_account", meaning)
    async with reading(server.url) as source:
        readings = await poll(source)
    assert account_troubles(readings) == [ErrorKind.BUG]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)


async def test_reading_that_is_closed_early_leaves_nothing(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests under way are given up at once; no task and no connection stays behind."""
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


async def test_reading_that_is_cancelled_leaves_nothing(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A cancelled poll ends as such, whatever hangs, and the source can be read again."""
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


async def test_account_that_fails_is_told_beside_the_orgs(server: LoopbackServer) -> None:
    """Its failure keeps its own name; the roster comes from the list."""
    server.routes["/api/account"] = Answer.json(account_body()["memberships"])
    async with reading(server.url) as source:
        readings = await poll(source)
    assert account_troubles(readings) == [ErrorKind.MALFORMED]
    assert [org.uuid for org in readings[0].orgs or ()] == [PERSONAL, TEAM]
