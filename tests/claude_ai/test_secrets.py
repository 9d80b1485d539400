"""The session's cookie is in no repr, failure, log or traceback, after any crash."""

from __future__ import annotations

import gc
import io
import logging
import traceback
from collections.abc import Iterator

import httpcore
import httpx
import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from claudemeter_tui.claude_ai import api
from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.claude_ai.responses import RequestFailedError
from claudemeter_tui.claude_ai.validation import ParsedBody
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading
from tests.bodies import PERSONAL
from tests.claude_ai.api_cases import (
    COOKIES,
    KEY,
    REFUSED,
    SESSION,
    START,
    asking,
    path,
    poll,
    reading,
    serve_account,
)
from tests.responses import Answer, Held, Reset, cut_off, redirect
from tests.server import LoopbackServer

RENEWED = f"{KEY}-renewed"
RENEWS = {"Set-Cookie": f"sessionKey={RENEWED}; Domain=127.0.0.1; Path=/; HttpOnly"}


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a server with two orgs that renews the session key in its first reply."""
    with LoopbackServer() as one:
        serve_account(one)
        account = one.routes["/api/account"]
        assert isinstance(account, Answer)
        one.routes["/api/account"] = Answer(200, RENEWS, account.body)
        yield one


def crash_screen(error: BaseException) -> str:
    """Return Textual's crash screen: every frame with its local variables."""
    shown = Traceback.from_exception(
        type(error), error, error.__traceback__, show_locals=True, width=500, locals_max_string=10_000
    )
    console = Console(file=io.StringIO(), width=500)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_objects_show_no_cookie(server: LoopbackServer) -> None:
    """No object prints the cookie, also not when pretty-printed with all its content."""
    async with reading(server.url) as source:
        readings = await poll(source)
        things: list[object] = [COOKIES, source._client, source, vars(source), vars(source._client), readings]
        shown = "".join(f"{thing!r}{thing!s}{pretty_repr(thing)}" for thing in things)
    assert "Cookies(2)" in shown
    assert KEY not in shown


async def test_logs_show_no_cookie(server: LoopbackServer, caplog: pytest.LogCaptureFixture) -> None:
    """Httpcore logs every received header, the renewed key included, but not here."""
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "http.cookiejar"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with reading(server.url) as source:
        await poll(source)
    assert RENEWED in server.requests[-1].headers["cookie"]
    assert "connect_tcp.complete" in caplog.text
    assert KEY not in caplog.text


async def test_log_of_a_header_that_cannot_be_sent_quotes_none(
    server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The library quotes such a header in its error, which is reported without it."""
    caplog.set_level(logging.DEBUG, logger="httpcore.http11")
    async with asking(server.url) as client:
        client._http.cookies.set("bad", f"{KEY}\x00", domain="127.0.0.1")
        with pytest.raises(RequestFailedError) as caught:
            await client.get("/")
    assert KEY not in f"{caplog.text}{caught.value!r}{crash_screen(caught.value)}"
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "answer",
    [
        Reset(),
        cut_off(),
        redirect("https://elsewhere.invalid/"),
        Answer(200, {"Content-Encoding": "br"}, b"x"),
    ],
)
async def test_failures_show_no_cookie(server: LoopbackServer, answer: Answer) -> None:
    """No failure holds the cookie, for reports too."""
    server.routes["/api/account"] = server.routes["/api/organizations"] = answer
    async with reading(server.url) as source:
        readings = await poll(source)
    assert KEY not in everything(readings)


async def test_refusal_shows_no_cookie() -> None:
    """The error of a failed request has neither its request nor its headers."""
    async with asking(REFUSED) as client:
        with pytest.raises(RequestFailedError) as caught:
            await client.get("/")
    assert KEY not in crash_screen(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_crash_in_the_transport_shows_no_cookie() -> None:
    """No local variable between our code and the network shows the cookie on the crash screen."""

    def crash(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError(request.url)

    async with asking("https://claude.ai", transport=httpx.MockTransport(crash)) as client:
        with pytest.raises(ZeroDivisionError) as caught:
            await client.get("/")
    screen = crash_screen(caught.value)
    assert "locals" in screen
    assert KEY not in screen


async def test_crash_in_the_network_library_is_a_bug_without_values(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's frames, which hold the headers, are recorded by names and lines only."""

    async def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError(KEY)

    monkeypatch.setattr(httpcore._async.http11.AsyncHTTP11Connection, "_send_event", crash)
    async with reading(server.url) as source:
        readings = await poll(source)
    failures = [one.account for one in readings if isinstance(one.account, Failure)]
    assert [failure.error_kind for failure in failures] == [ErrorKind.BUG]
    assert "http11.py" in failures[0].trace
    assert KEY not in everything(readings)
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, ZeroDivisionError)]


async def test_crash_while_a_reply_is_read_shows_no_cookie(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the failure nor the crash screen shows the cookie."""
    caught: list[Exception] = []
    original = Failure.from_exception

    def meaning(_body: object) -> ParsedBody[None]:
        raise ZeroDivisionError

    def bug(error: Exception, *more: object) -> Failure:
        caught.append(error)
        return original(error, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "parse_usage", meaning)
    monkeypatch.setattr(Failure, "from_exception", bug)
    async with reading(server.url) as source:
        readings = await poll(source)
    assert len(caught) == 2
    assert KEY not in everything(readings) + "".join(map(crash_screen, caught))


async def test_crash_of_a_cancelled_poll_shows_no_cookie(server: LoopbackServer) -> None:
    """A poll cancelled during a request, with headers in its frames, shows no cookie."""
    server.routes[path(PERSONAL, "usage")] = Held()
    client = CookieClient(COOKIES, base_url=server.url, now=lambda: START)
    source = ClaudeAiSource(SESSION, client, lambda: START)

    async def crash() -> None:
        async for one in source.read():
            if one.org_readings:
                raise ZeroDivisionError(len(one.org_readings))

    with pytest.raises(ZeroDivisionError) as caught:
        await crash()
    await source.aclose()
    assert KEY not in crash_screen(caught.value)


def everything(readings: list[Reading]) -> str:
    """Return all text of a poll's readings, traces included."""
    failures = [one.account for one in readings if isinstance(one.account, Failure)]
    failures += [
        part
        for one in readings
        for report in one.org_readings
        for part in report.parts.values()
        if isinstance(part, Failure)
    ]
    return repr(readings) + "".join(f"{failure.detail} {failure.trace}" for failure in failures)
