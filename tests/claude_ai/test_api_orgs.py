"""The orgs of an account, and the removal of those that leave."""

from __future__ import annotations

import pytest

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Reading, Reply
from claudemeter_tui.model.store import Store
from tests.bodies import ACCOUNT, PERSONAL, TEAM, Json, account_body, org_body, team_body
from tests.claude_ai.api_cases import account_troubles, asked, parts, path, poll, reading, serve_account
from tests.responses import Answer, in_turn
from tests.server import LoopbackServer

USAGE = Endpoint.USAGE
EACH_TIME = [path(PERSONAL, name) for name in ("overage_spend_limit", "prepaid/credits", "usage")]


def roster(readings: list[Reading]) -> list[str] | None:
    """Return the orgs that a poll listed. None if it listed none."""
    lists = [one.orgs for one in readings if one.orgs is not None]
    return [org.uuid for org in lists[-1]] if lists else None


async def test_orgs_for_the_api_are_left_out(server: LoopbackServer) -> None:
    """Orgs for the API have no usage and are not read."""
    serve_account(server, org_body("api-org", capabilities=["api"]), org_body())
    async with reading(server.url) as source:
        assert roster(await poll(source)) == [PERSONAL]
    assert not any("api-org" in one for one in server.paths())


@pytest.mark.parametrize("account", [Answer.json({}, status=500), Answer(body=b"{"), Answer.json([])])
async def test_list_of_orgs_replaces_a_failing_account(server: LoopbackServer, account: Answer) -> None:
    """The orgs are still read, and the account is requested in each poll until it works."""
    server.routes["/api/account"] = in_turn(account, account, Answer.json(account_body()))
    async with reading(server.url) as source:
        polls = [await poll(source) for _ in range(3)]
        asked(server)
        await poll(source)
    assert [roster(one) for one in polls] == [[PERSONAL]] * 3
    assert [len(account_troubles(one)) for one in polls] == [1, 1, 0]
    assert all(isinstance(parts(one, PERSONAL)[USAGE], Reply) for one in polls)
    assert asked(server) == EACH_TIME


async def test_list_of_orgs_replaces_an_account_without_orgs(server: LoopbackServer) -> None:
    """The account's reply is good, and only its orgs come from the list."""
    server.routes["/api/account"] = Answer.json({"uuid": ACCOUNT})
    async with reading(server.url) as source:
        readings = await poll(source)
    assert (roster(readings), account_troubles(readings)) == ([PERSONAL], [])


async def test_orgs_come_and_leave(server: LoopbackServer) -> None:
    """An unlisted org is no longer read, and a returning one is read in full."""
    serve_account(server)
    async with reading(server.url) as source:
        assert roster(await poll(source)) == [PERSONAL, TEAM]
        server.routes["/api/account"] = Answer.json(account_body(org_body()))
        assert roster(await poll(source, full=True)) == [PERSONAL]
        asked(server)
        await poll(source)
        assert asked(server) == EACH_TIME
        server.routes["/api/account"] = Answer.json(account_body(team_body(), org_body()))
        assert roster(await poll(source, full=True)) == [TEAM, PERSONAL]
        assert path(TEAM, "subscription_details") in asked(server)


@pytest.mark.parametrize("lost", [None, {}, {"organization": {"uuid": 5}}, {"organization": "text"}])
async def test_unreadable_org_is_kept(server: LoopbackServer, lost: Json | None) -> None:
    """If part of the list is unreadable, the missing orgs are kept."""
    serve_account(server)
    async with reading(server.url) as source:
        await poll(source)
        body = account_body(org_body())
        body["memberships"].append(lost)
        server.routes["/api/account"] = Answer.json(body)
        readings = await poll(source, full=True)
    assert roster(readings) == [PERSONAL, TEAM]
    assert isinstance(parts(readings, TEAM)[USAGE], Reply)


@pytest.mark.parametrize("account", [{}, {"memberships": []}, {"memberships": None}])
async def test_orgs_are_removed_only_if_both_lists_are_empty(server: LoopbackServer, account: Json) -> None:
    """All orgs are removed only if the list of orgs is empty, too."""
    async with reading(server.url) as source:
        await poll(source)
        server.routes["/api/account"] = Answer.json(account)
        server.routes["/api/organizations"] = Answer.json({}, status=500)
        readings = await poll(source, full=True)
    assert roster(readings) is None
    assert account_troubles(readings) == ["server error"]
    assert isinstance(parts(readings, PERSONAL)[USAGE], Reply)


async def test_account_without_any_org_is_read_in_each_poll(server: LoopbackServer) -> None:
    """An account without orgs is read in each poll, because an org may come at any time."""
    server.routes["/api/account"] = Answer.json({"uuid": ACCOUNT, "memberships": []})
    server.routes["/api/organizations"] = Answer.json([org_body(capabilities=["api"])])
    async with reading(server.url) as source:
        for _ in range(2):
            readings = await poll(source)
            assert roster(readings) == []
            assert account_troubles(readings) == ["no orgs"]
            assert asked(server) == ["/api/account", "/api/organizations"]


async def test_account_keeps_names_that_a_later_reply_lacks(server: LoopbackServer) -> None:
    """One odd reply does not make another account, and the personal figure is still read."""
    serve_account(server, team_body())
    store = Store()
    async with reading(server.url) as source:
        for uuid in (ACCOUNT, None):
            server.routes["/api/account"] = Answer.json(account_body(team_body(), uuid=uuid))
            for one in await poll(source, full=True):
                store = store.apply(one)
    assert [state.key for state in store.orgs] == [(ACCOUNT, TEAM)]
    assert sum("account_uuid" in one for one in server.paths()) == 2
