"""Which cookies the client sends, to whom, and how the server renews them."""

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


async def test_cookies_go_to_this_machine_by_its_name(server: LoopbackServer) -> None:
    """`localhost` has no dot, which the standard library's jar files under another name."""
    async with asking(server.url.replace("127.0.0.1", "localhost")) as client:
        await client.get("/")
    assert dict(COOKIES.reveal()) == sent(server.requests[0])


class Body(httpx.AsyncByteStream):
    """A body that can be read as it comes."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """One chunk."""
        yield b"{}"


class Recorder:
    """A transport's handler: each answer sets the next of these cookies."""

    def __init__(self, *renewals: list[str]) -> None:
        self.cookies: list[dict[str, str]] = []
        """Those of every request so far."""
        self.headers: list[str] = []
        """The Cookie header of every request so far."""
        self._renewals = iter(renewals)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Note what was sent, and answer."""
        self.headers.append(request.headers.get("cookie", ""))
        self.cookies.append(dict(pair.split("=", 1) for pair in self.headers[-1].split("; ") if pair))
        renewals = [("Set-Cookie", text) for text in next(self._renewals, [])]
        return httpx.Response(200, headers=renewals, stream=Body())


async def cookies_after(*renewals: str, base: str = "https://claude.ai") -> Recorder:
    """What is sent before and after an answer that sets these cookies."""
    recorder = Recorder(list(renewals))
    async with asking(base, transport=httpx.MockTransport(recorder)) as client:
        for path in ("/api/organizations/o/usage", "/api/account", "/"):
            await client.get(path)
    return recorder


@pytest.mark.parametrize(
    "base", ["http://localhost:8", "http://127.0.0.1:8", "http://[::1]:8", "http://[::1]", "https://gateway"]
)
@pytest.mark.parametrize("more", ["", "; Path=/elsewhere", "; Secure; HttpOnly; SameSite=Lax"])
async def test_cookies_go_to_hosts_of_every_form(base: str, more: str) -> None:
    """By name and by address, with a port and without, before and after the server renews one."""
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
        ({}, ["sessionKey=; Max-Age=0"]),
        ({}, ["sessionKey=old; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]),
        ({}, ["", ";;;", "=x", "\x00"]),
    ],
)
async def test_cookie_that_the_server_renews_replaces_its_elder(
    changed: dict[str, str], renewals: list[str]
) -> None:
    """It is used from the next request on, for every path, once; one that is unset only stays as it was."""
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
async def test_cookie_is_renewed_by_an_answer_that_is_no_data(server: LoopbackServer, answer: Answer) -> None:
    """The old one may be void already, whatever became of the body."""
    server.routes["/bad"] = answer
    async with asking(server.url) as client:
        with suppress(RequestFailedError):
            await client.get("/bad")
        await client.get("/")
    assert sent(server.requests[1])["sessionKey"] == "new"


async def test_cookies_can_be_exchanged(server: LoopbackServer) -> None:
    """Those of a browser that has signed in again take the place of all others."""
    server.routes["/"] = Answer(200, {"Set-Cookie": "__cf_bm=x"}, b"{}")
    async with asking(server.url) as client:
        await client.get("/")
        client.use_cookies(Cookies([("sessionKey", "other")]))
        await client.get("/")
    assert sent(server.requests[1]) == {"sessionKey": "other"}


async def test_cookies_go_to_no_other_origin() -> None:
    """Even where a whole address is asked for by mistake."""
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
