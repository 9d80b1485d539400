"""The requests of each poll, and the values made of their replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from claudemeter_tui.claude_ai.api import MAX_CONCURRENT, ORG_PARSERS
from claudemeter_tui.model.account import Account, Subscription
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.credits import Balance, Meter
from claudemeter_tui.model.reading import Reply
from claudemeter_tui.model.windows import Plan
from tests.bodies import (
    ACCOUNT,
    PERSONAL,
    TEAM,
    account_body,
    extra_usage_body,
    org_body,
    overage_body,
    team_body,
    usage_body,
)
from tests.claude_ai.api_cases import (
    SESSION,
    START,
    Clock,
    Served,
    asked,
    parts,
    path,
    poll,
    reading,
    serve,
    serve_account,
)
from tests.responses import Answer, Held, Request
from tests.server import LoopbackServer

USAGE, OVERAGE, OWN, PREPAID, SUBSCRIPTION = (
    Endpoint.USAGE,
    Endpoint.OVERAGE,
    Endpoint.OWN_OVERAGE,
    Endpoint.PREPAID,
    Endpoint.SUBSCRIPTION,
)
PLAIN: dict[str, Served] = {"usage": usage_body(), "overage": Answer.json({}, status=404)}
"""An org that never had extra usage."""
EACH_TIME = [path(PERSONAL, name) for name in ("overage_spend_limit", "prepaid/credits", "usage")]
NOW_AND_THEN = ["/api/account", path(PERSONAL, "subscription_details")]


def test_every_endpoint_has_a_request() -> None:
    """Each endpoint is in the table of requests, except the account, which is about no org."""
    assert [endpoint for endpoint in Endpoint if endpoint not in ORG_PARSERS] == [Endpoint.ACCOUNT]


async def test_first_poll_requests_everything(server: LoopbackServer) -> None:
    """The first poll reads the account, then each org's replies, with value, text, status and time."""
    async with reading(server.url) as source:
        first, *rest = await poll(source)
    assert sorted((*NOW_AND_THEN, *EACH_TIME)) == asked(server)
    assert isinstance(first.account, Reply)
    assert Account(ACCOUNT, "pat@example.com") == first.account.value
    kinds = {USAGE: Plan, OVERAGE: Meter, PREPAID: Balance, SUBSCRIPTION: Subscription}
    found = parts(rest, PERSONAL)
    assert kinds == {name: type(part.value) for name, part in found.items() if isinstance(part, Reply)}
    assert {(SESSION, START)} == {(one.session, one.at) for one in (first, *rest)}
    usage = found[USAGE]
    assert isinstance(usage, Reply)
    assert usage.text.startswith('{"five_hour": {"utilization": 41.0')
    assert (usage.status, usage.at) == (200, START)


async def test_later_polls_request_changing_replies(server: LoopbackServer) -> None:
    """Account and subscription are read again after 15 minutes, or in a full poll."""
    clock = Clock()
    async with reading(server.url, clock) as source:
        await poll(source)
        asked(server)
        for minutes, more in ((1, []), (13, []), (1, NOW_AND_THEN), (14, []), (1, NOW_AND_THEN)):
            clock.move(minutes=minutes)
            await poll(source)
            assert sorted((*EACH_TIME, *more)) == asked(server)
        await poll(source, full=True)
        assert sorted((*EACH_TIME, *NOW_AND_THEN)) == asked(server)


async def test_clock_that_was_set_back_delays_nothing(server: LoopbackServer) -> None:
    """Replies due in 15 minutes are not delayed by a clock that was set back by a day."""
    clock = Clock()
    async with reading(server.url, clock) as source:
        await poll(source)
        asked(server)
        clock.move(days=-1)
        await poll(source)
    assert sorted((*EACH_TIME, *NOW_AND_THEN)) == asked(server)


@pytest.mark.parametrize(
    ("metered", "bodies"),
    [
        (False, PLAIN),
        (False, PLAIN | {"overage": Answer.json(None)}),
        (False, PLAIN | {"usage": usage_body(extra_usage=extra_usage_body(0.0, None, is_enabled=False))}),
        (False, PLAIN | {"overage": overage_body(0, None, enabled=False, reason="overage_not_provisioned")}),
        (True, PLAIN | {"usage": usage_body(extra_usage=extra_usage_body(0.0, None))}),
        (True, PLAIN | {"usage": usage_body(extra_usage=extra_usage_body(5.0, None, is_enabled=False))}),
        (True, PLAIN | {"overage": overage_body(0, 2000, enabled=False)}),
        (True, PLAIN | {"overage": overage_body(0, None, enabled=False, out_of_credits=True)}),
    ],
)
async def test_balance_is_read_if_extra_usage_is_or_was_on(
    server: LoopbackServer,
    metered: bool,  # noqa: FBT001 - a table
    bodies: dict[str, Served],
) -> None:
    """The balance is read if extra usage is on or has a cap, a use or an empty balance."""
    serve(server, PERSONAL, **bodies)
    async with reading(server.url) as source:
        readings = await poll(source)
    assert metered is (PREPAID in parts(readings, PERSONAL))
    assert metered is (path(PERSONAL, "prepaid/credits") in server.paths())


async def test_balance_is_read_in_every_poll_after_the_first_sign(server: LoopbackServer) -> None:
    """From the second poll on the balance is read with the others, also after the signs are gone."""
    async with reading(server.url) as source:
        await poll(source)
        serve(server, PERSONAL, **PLAIN)
        asked(server)
        await poll(source)
    assert path(PERSONAL, "prepaid/credits") in asked(server)


async def test_team_org_is_read_with_the_personal_figure(server: LoopbackServer) -> None:
    """A Team org has a request with the account's uuid beside the pool's; a personal org has none."""
    serve_account(server)
    own = f"{path(TEAM, 'overage_spend_limit')}?account_uuid={ACCOUNT}"
    server.routes[own] = Answer.json(overage_body(26, 5000, limit_type="member", account_uuid=ACCOUNT))
    async with reading(server.url) as source:
        readings = await poll(source)
    assert server.paths().count(own) == 1
    assert OWN not in parts(readings, PERSONAL)
    meters = [parts(readings, TEAM)[it] for it in (OVERAGE, OWN)]
    values = [it.value for it in meters if isinstance(it, Reply) and isinstance(it.value, Meter)]
    assert [(it.is_personal, it.used and int(it.used.minor)) for it in values] == [(False, 1720), (True, 26)]


async def test_personal_figure_needs_the_accounts_uuid(server: LoopbackServer) -> None:
    """Without the account's uuid the personal figure is not requested."""
    serve_account(server, team_body())
    server.routes["/api/account"] = Answer.json(account_body(team_body(), uuid=None))
    async with reading(server.url) as source:
        readings = await poll(source)
    assert OWN not in parts(readings, TEAM)
    assert not any("account_uuid" in one for one in server.paths())


@pytest.mark.parametrize("uuid", ["../../api/logout", "a?b=c#d", "%2e%2e", "a b", "..", "a/b", ""])
async def test_uuid_of_another_form_makes_no_path(server: LoopbackServer, uuid: str) -> None:
    """No server text leads to a path other than the known ones."""
    server.routes["/api/account"] = Answer.json(account_body(team_body(uuid), team_body(), uuid=uuid))
    serve(server, TEAM)
    async with reading(server.url) as source:
        await poll(source)
    names = ("usage", "overage_spend_limit", "prepaid/credits", "subscription_details")
    assert {"/api/account", *(path(TEAM, name) for name in names)} == set(server.paths())


@pytest.mark.parametrize(
    "answer", [Answer.json({}, status=404), Answer.json({"error": {}}, status=403), Answer.json(None)]
)
async def test_org_without_metered_billing_has_a_reply_without_a_value(
    server: LoopbackServer, answer: Answer
) -> None:
    """A 404, a 403 and null are replies without a value, not failures."""
    serve(server, PERSONAL, usage=usage_body(), overage=answer, subscription=answer)
    async with reading(server.url) as source:
        found = parts(await poll(source), PERSONAL)
    for endpoint in (OVERAGE, SUBSCRIPTION):
        part = found[endpoint]
        assert isinstance(part, Reply)
        assert (None, answer.status) == (part.value, part.status)


async def test_requests_are_eight_at_most_at_a_time(server: LoopbackServer) -> None:
    """Many orgs are read by at most eight requests at a time, each org once."""
    orgs = [org_body(f"org-{number}") for number in range(40)]
    serve_account(server, *orgs)
    async with reading(server.url) as source:
        readings = await poll(source)
    counts = Counter(report.org.uuid for one in readings for report in one.org_readings)
    assert {org["uuid"]: 1 for org in orgs} == counts
    assert server.peak <= MAX_CONCURRENT
    assert server.connections <= MAX_CONCURRENT


async def test_slow_org_delays_no_other(server: LoopbackServer) -> None:
    """Each org's reading is posted when it completes, before a slow one."""
    orgs = [org_body(f"org-{number}") for number in range(12)]
    serve_account(server, *orgs)
    held = Held(Answer.json(usage_body()))
    serve(server, "org-0", usage=held, overage=held, subscription=held)
    found: list[str] = []
    async with reading(server.url) as source:
        async for one in source.read():
            found += [report.org.uuid for report in one.org_readings]
            if len(found) == 11:
                held.release()
    assert found[-1] == "org-0"
    assert len(set(found)) == 12


@pytest.mark.parametrize("status", [400, 404, 422, 500, 503])
async def test_usage_is_requested_without_its_query_after_a_refusal(
    server: LoopbackServer, status: int
) -> None:
    """A server that refuses the query for saved resets is asked again without it."""
    refused = path(PERSONAL, "usage")
    server.routes[refused.partition("?")[0]] = Answer.json(usage_body(five_hour=12.0))
    server.routes[refused] = Answer.json({}, status=status)
    async with reading(server.url) as source:
        found = parts(await poll(source), PERSONAL)[USAGE]
    assert isinstance(found, Reply)
    assert isinstance(found.value, Plan)
    assert found.value.windows[0].percent == 12.0
    assert [refused, refused.partition("?")[0]] == [one for one in server.paths() if "/usage" in one]


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_usage_is_requested_once_if_the_query_is_not_the_cause(
    server: LoopbackServer, status: int
) -> None:
    """Another refusal would meet the second request, too."""
    serve(server, PERSONAL, usage=Answer.json({}, status=status))
    async with reading(server.url) as source:
        await poll(source)
    assert [path(PERSONAL, "usage")] == [one for one in server.paths() if "/usage" in one]


def refuse_query(status: int, plain: Answer) -> Callable[[Request], Answer]:
    """Return a route that answers with the status if the query is sent, else with the plain reply."""
    return lambda request: Answer.json({}, status=status) if "?" in request.path else plain


@pytest.mark.parametrize("status", [400, 404, 422, 500])
async def test_refused_query_is_left_out_for_an_hour(server: LoopbackServer, status: int) -> None:
    """Once the usage arrives without its optional query, the query is sent again only after an hour."""
    clock = Clock()
    plain, full = path(PERSONAL, "usage").partition("?")[0], path(PERSONAL, "usage")
    serve(server, PERSONAL, usage=refuse_query(status, Answer.json(usage_body())))
    async with reading(server.url, clock) as source:
        for expected, minutes in (([full, plain], 1), ([plain], 58), ([plain], 1), ([full, plain], 1)):
            found = parts(await poll(source), PERSONAL)
            assert isinstance(found[USAGE], Reply)
            requested = asked(server)
            assert sorted(expected) == [one for one in requested if "/usage" in one]
            clock.move(minutes=minutes)


async def test_query_refused_with_the_usage_itself_is_not_repeated(server: LoopbackServer) -> None:
    """If the usage is refused with and without the query, each poll requests it once."""
    clock = Clock()
    plain = path(PERSONAL, "usage").partition("?")[0]
    serve(server, PERSONAL, usage=refuse_query(400, Answer.json({}, status=400)))
    async with reading(server.url, clock) as source:
        await poll(source)
        asked(server)
        clock.move(minutes=1)
        await poll(source)
        assert [plain] == [one for one in asked(server) if "/usage" in one]


async def test_fault_of_the_server_does_not_drop_the_query(server: LoopbackServer) -> None:
    """After an outage in which both requests failed, the next one has the query at once."""
    clock = Clock()
    serve(server, PERSONAL, usage=refuse_query(502, Answer.json({}, status=502)))
    async with reading(server.url, clock) as source:
        await poll(source)
        asked(server)
        serve(server, PERSONAL)
        clock.move(minutes=1)
        await poll(source)
        assert [path(PERSONAL, "usage")] == [one for one in asked(server) if "/usage" in one]


async def test_refused_query_is_sent_again_after_the_clock_was_set_back(server: LoopbackServer) -> None:
    """A refusal in the future does not keep the query back."""
    clock = Clock()
    serve(server, PERSONAL, usage=refuse_query(400, Answer.json(usage_body())))
    async with reading(server.url, clock) as source:
        await poll(source)
        asked(server)
        clock.move(hours=-2)
        await poll(source)
        assert path(PERSONAL, "usage") in asked(server)
