"""A client and a source for tests, and the replies of a server with an ordinary account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.responses import RequestFailedError
from claudemeter_tui.model.catalogue import SAVED_RESETS_QUERY, Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Reply, Session
from claudemeter_tui.model.secrets import Cookies
from tests.bodies import (
    PERSONAL,
    Json,
    account_body,
    extra_usage_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    usage_body,
)
from tests.responses import Answer, Request, Sends
from tests.server import LoopbackServer

Served = Sends | Callable[[Request], Sends] | Json | None
"""A reply of the server: a scripted one, a callable that returns one, or a body."""
KEY = "sk-ant-sid01-MARKER"
COOKIES = Cookies([("sessionKey", KEY), ("lastActiveOrg", PERSONAL)])
SESSION = Session("Chrome", "Default")
START = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
REFUSED = "http://127.0.0.1:1"
"""An origin without a server: the port is reserved."""


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.now

    def move(self, **by: float) -> None:
        """Move the clock by so many minutes, hours, ..., or back."""
        self.now += timedelta(**by)


@asynccontextmanager
async def asking(url: str, cookies: Cookies = COOKIES, **options: Any) -> AsyncIterator[CookieClient]:
    """Open a client of that origin until the end of the block."""
    client = CookieClient(cookies, base_url=url, now=options.pop("now", lambda: START), **options)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def reading(
    url: str, clock: Callable[[], datetime] | None = None, **options: Any
) -> AsyncIterator[ClaudeAiSource]:
    """Open a source of that origin until the end of the block."""
    clock = clock or Clock()
    source = ClaudeAiSource(SESSION, CookieClient(COOKIES, base_url=url, now=clock, **options), clock)
    try:
        yield source
    finally:
        await source.aclose()


@asynccontextmanager
async def saying(data: bytes, *, scheme: str = "http") -> AsyncIterator[str]:
    """Start a server that sends the same bytes to every client, HTTP or not, and disconnects."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(data)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def poll(source: ClaudeAiSource, *, full: bool = False) -> list[Reading]:
    """Return all readings of one poll."""
    return [one async for one in source.read(full=full)]


async def refusal(url: str, path: str = "/", **options: Any) -> RequestFailedError:
    """Return the kind of the error that a request raises."""
    async with asking(url, **options) as client:
        with pytest.raises(RequestFailedError) as caught:
            await client.get(path)
    return caught.value


def parts(readings: list[Reading], org: str) -> dict[Endpoint, Reply | Failure]:
    """Return the replies of a poll about one org."""
    return {
        endpoint: part
        for one in readings
        for report in one.org_readings
        if report.org.uuid == org
        for endpoint, part in report.parts.items()
    }


def troubles(readings: list[Reading], org: str) -> dict[Endpoint, ErrorKind]:
    """Return the failures of one org, by endpoint."""
    found = parts(readings, org).items()
    return {endpoint: part.error_kind for endpoint, part in found if isinstance(part, Failure)}


def account_troubles(readings: list[Reading]) -> list[ErrorKind]:
    """Return the failures of the account, in order."""
    return [one.account.error_kind for one in readings if isinstance(one.account, Failure)]


def asked(server: LoopbackServer) -> list[str]:
    """Return the paths requested since the last call, in alphabetical order."""
    paths = sorted(server.paths())
    server.requests.clear()
    return paths


def sent(request: Request) -> dict[str, str]:
    """Return the cookies of a request."""
    return dict(pair.split("=", 1) for pair in request.headers.get("cookie", "").split("; ") if pair)


def path(org: str, what: str) -> str:
    """Return the path of a reply of one org, as it is requested first."""
    query = SAVED_RESETS_QUERY if what == "usage" else ""
    return f"/api/organizations/{org}/{what}{query}"


def serve(server: LoopbackServer, org: str, **bodies: Served) -> None:
    """Serve an org's four replies, each by default an ordinary one: `overage=`, `usage=`, ..."""
    usual: dict[str, Served] = {
        "usage": usage_body(extra_usage=extra_usage_body()),
        "overage": overage_body(),
        "prepaid": prepaid_body(),
        "subscription": subscription_body(),
    }
    for what, body in (usual | bodies).items():
        name = {"overage": "overage_spend_limit", "prepaid": "prepaid/credits"}.get(what, what)
        name = {"subscription": "subscription_details"}.get(name, name)
        # The server uses the route of a path without its query for all queries.
        server.routes[path(org, name).partition("?")[0]] = _sent(body)


def serve_account(server: LoopbackServer, *orgs: Json) -> None:
    """Serve the account and its orgs, by default a personal and a Team one, with all their replies."""
    listed = list(orgs) or [org_body(), team_body()]
    server.routes["/api/account"] = Answer.json(account_body(*listed))
    server.routes["/api/organizations"] = Answer.json(listed)
    for org in listed:
        serve(server, org["uuid"])


def _sent(body: Served) -> Sends | Callable[[Request], Sends]:
    return Answer.json(body) if body is None or isinstance(body, dict) else body
