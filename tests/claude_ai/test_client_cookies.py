"""The client's cookies: their recipient, and their renewal by the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from claudemeter_tui.claude_ai.responses import RequestFailedError
from claudemeter_tui.model.secrets import Cookies
from tests.claude_ai.api_cases import COOKIES, KEY, asking, sent
from tests.responses import Answer
from tests.server import LoopbackServer


async def test_cookies_are_sent_to_localhost(server: LoopbackServer) -> None:
    """`localhost` has no dot, and the standard library's jar files it under another name."""
    async with asking(server.url.replace("127.0.0.1", "localhost")) as client:
        await client.get("/")
    assert dict(COOKIES.reveal()) == sent(server.requests[0])


class Body(httpx.AsyncByteStream):
    """A body that can be streamed."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """One chunk."""
        yield b"{}"


class Recorder:
    """A transport's handler: each reply sets the next of these cookies."""

    def __init__(self, *renewals: list[str]) -> None:
        self.cookies: list[dict[str, str]] = []
        """Cookies of every request so far."""
        self.headers: list[str] = []
        """Cookie header of every request so far."""
        self._renewals = iter(renewals)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Record the request and reply."""
        self.headers.append(request.headers.get("cookie", ""))
        self.cookies.append(dict(pair.split("=", 1) for pair in self.headers[-1].split("; ") if pair))
        renewals = [("Set-Cookie", text) for text in next(self._renewals, [])]
        return httpx.Response(200, headers=renewals, stream=Body())


async def cookies_after(*renewals: str, base: str = "https://claude.ai") -> Recorder:
    """Return the cookies sent before and after a reply that sets these cookies."""
    recorder = Recorder(list(renewals))
    async with asking(base, transport=httpx.MockTransport(recorder)) as client:
        for path in ("/api/organizations/o/usage", "/api/account", "/"):
            await client.get(path)
    return recorder


@pytest.mark.parametrize(
    "base", ["http://localhost:8", "http://127.0.0.1:8", "http://[::1]:8", "http://[::1]", "https://gateway"]
)
@pytest.mark.parametrize("more", ["", "; Path=/elsewhere", "; Secure; HttpOnly; SameSite=Lax"])
async def test_cookies_are_sent_to_hosts_of_every_form(base: str, more: str) -> None:
    """Cookies are sent by name and address, with and without a port, before and after a renewal."""
    recorder = await cookies_after(f"sessionKey=new{more}", base=base)
    assert [cookies["sessionKey"] for cookies in recorder.cookies] == [KEY, "new", "new"]


@pytest.mark.parametrize(
    ("changed", "renewals"),
    [
        ({"sessionKey": "new"}, ["sessionKey=new"]),
        ({"sessionKey": "new"}, ["sessionKey=new; Domain=claude.ai; Path=/; Secure; HttpOnly"]),
        ({"sessionKey": "new"}, ["sessionKey=new; Domain=.claude.ai; Max-Age=2419200"]),
        ({"sessionKey": "new"}, ["sessionKey=new; Path=/api/organizations"]),
        ({"sessionKey": "new"}, ["sessionKey=new; Path=/other; Expires=Fri, 01 Jan 2100 00:00:00 GMT"]),
        ({"sessionKey": "b"}, ["sessionKey=a; Domain=claude.ai", "sessionKey=b; Domain=claude.ai"]),
        ({}, [f"sessionKey={KEY}; Domain=claude.ai"]),
        ({"__cf_bm": "x.y=="}, ["__cf_bm=x.y==; Domain=.claude.ai; Secure"]),
        ({}, ["sessionKey=evil; Domain=evil.example"]),
        ({}, ["sessionKey="]),
        ({}, ['sessionKey=""; Path=/']),
        ({"__cf_bm": "x"}, ["sessionKey=; Secure", "__cf_bm=x"]),
        ({}, ["sessionKey=; Max-Age=0"]),
        ({}, ["sessionKey=old; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]),
        ({}, ["", ";;;", "=x", "\x00"]),
    ],
)
async def test_renewed_cookie_replaces_the_old_one(changed: dict[str, str], renewals: list[str]) -> None:
    """A renewed cookie is sent once for every path from the next request on; an unset one stays as it was."""
    recorder = await cookies_after(*renewals)
    expected = dict(COOKIES.reveal()) | changed
    assert [dict(COOKIES.reveal()), expected, expected] == recorder.cookies
    assert [header.count("sessionKey=") for header in recorder.headers] == [1, 1, 1]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"Set-Cookie": "sessionKey=new"}),
        Answer(302, {"Set-Cookie": "sessionKey=new; Domain=127.0.0.1", "Location": "/"}),
        Answer(200, {"Set-Cookie": "sessionKey=new", "Content-Length": "9"}, b"{", close=True),
        Answer(200, {"Set-Cookie": "sessionKey=new", "Content-Encoding": "br"}, b"{"),
    ],
)
async def test_cookie_is_renewed_by_a_failed_reply(server: LoopbackServer, answer: Answer) -> None:
    """A cookie is renewed whatever the body is, because the old one may be invalid already."""
    server.routes["/bad"] = answer
    async with asking(server.url) as client:
        with suppress(RequestFailedError):
            await client.get("/bad")
        await client.get("/")
    assert sent(server.requests[1])["sessionKey"] == "new"


async def test_cookies_can_be_replaced(server: LoopbackServer) -> None:
    """The cookies of a browser with a new sign-in replace all others."""
    server.routes["/"] = Answer(200, {"Set-Cookie": "__cf_bm=x"}, b"{}")
    async with asking(server.url) as client:
        await client.get("/")
        client.use_cookies(Cookies([("sessionKey", "other")]))
        await client.get("/")
    assert sent(server.requests[1]) == {"sessionKey": "other"}


async def test_cookies_are_sent_to_no_other_origin() -> None:
    """A complete address in place of a path gets no cookies."""
    recorder = Recorder()
    async with asking("https://claude.ai", transport=httpx.MockTransport(recorder)) as client:
        for elsewhere in (
            "https://evil.example/",
            "https://claude.ai.evil.example/",
            "https://notclaude.ai/",
        ):
            await client.get(elsewhere)
        await client.get("//evil.example/")
    assert recorder.headers[:3] == ["", "", ""]
    assert recorder.cookies[3]["sessionKey"] == KEY
