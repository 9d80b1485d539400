"""Results of each kind of reply, and of every way in which a request fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain

import httpx

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.model.reading import Failure, Session
from claudemeter_tui.model.secrets import Cookies
from tests.bodies import account_body
from tests.scenes import NOW

HTML = {"content-type": "text/html"}


def _error(kind: str, message: str = "", **details: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message, "details": details}}


Make = Callable[[], httpx.Response]
ANSWERS: dict[str, Make] = {
    "redirect to the login": lambda: httpx.Response(302, headers={"location": "https://claude.ai/login"}),
    "redirect elsewhere": lambda: httpx.Response(307, headers={"location": "https://other.example/x"}),
    "redirect without address": lambda: httpx.Response(302),
    "redirect within": lambda: httpx.Response(302, headers={"location": "/elsewhere"}),
    "session invalid": lambda: httpx.Response(
        403, json=_error("permission_error", "Invalid", error_code="account_session_invalid")
    ),
    "wrong org": lambda: httpx.Response(
        403, json=_error("permission_error", "Invalid authorization for organization")
    ),
    "forbidden": lambda: httpx.Response(403, json=_error("permission_error", "Not for members")),
    "scope": lambda: httpx.Response(403, json=_error("permission_error", "does not meet scope requirement")),
    "challenge": lambda: httpx.Response(403, headers={"cf-mitigated": "challenge"}, text="<html>"),
    "just a moment": lambda: httpx.Response(403, headers=HTML, text="<title>Just a moment...</title>"),
    "denied": lambda: httpx.Response(403, headers=HTML, text="<title>Access denied</title>"),
    "request not allowed": lambda: httpx.Response(403, json=_error("forbidden", "Request not allowed")),
    "region": lambda: httpx.Response(403, headers=HTML, text="App unavailable in region"),
    "unavailable": lambda: httpx.Response(451, json=_error("x", "unable to serve your request")),
    "unauthorized": lambda: httpx.Response(401, json=_error("authentication_error", "Invalid bearer token")),
    "not found": lambda: httpx.Response(404, json=_error("not_found_error", "Not found")),
    "throttled": lambda: httpx.Response(429, json=_error("rate_limit_error"), headers={"retry-after": "60"}),
    "server error": lambda: httpx.Response(500, json=_error("api_error")),
    "gateway": lambda: httpx.Response(502, headers=HTML, text="<h1>502</h1>"),
    "overloaded": lambda: httpx.Response(529, json=_error("overloaded_error")),
    "teapot": lambda: httpx.Response(418),
    "created": lambda: httpx.Response(201, json={}),
    "no content": lambda: httpx.Response(204),
    "web page": lambda: httpx.Response(200, headers=HTML, text="<html>sign in</html>"),
    "not JSON": lambda: httpx.Response(200, text="{"),
    "empty": lambda: httpx.Response(200, text=""),
    "not UTF-8": lambda: httpx.Response(200, content=b'"\xff"'),
    "a list": lambda: httpx.Response(200, json=[]),
    "a number": lambda: httpx.Response(200, json=5),
    "too large": lambda: httpx.Response(200, content=b'"' + b"x" * 12_000_000 + b'"'),
    "odd encoding": lambda: httpx.Response(
        200, headers={"content-encoding": "br"}, stream=httpx.ByteStream(b"x")
    ),
    "broken gzip": lambda: httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"xx")
    ),
}
"""Replies by name; each call makes a new one."""
ERRORS: tuple[httpx.TransportError, ...] = (
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.PoolTimeout("slow"),
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ConnectError("[Errno -2] Name or service not known"),
    httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("peer closed connection"),
    httpx.ProxyError("407 Proxy Authentication Required"),
    httpx.UnsupportedProtocol("no such protocol"),
)


def of_answers() -> Iterator[tuple[str, str]]:
    """Yield the failures that each reply and each error makes, for the account and for an org's usage."""
    for name, make in ANSWERS.items():
        yield name, "\n".join(_failures(make))
    for error in ERRORS:
        yield f"{type(error).__name__} {error}", "\n".join(_failures(_raising(error)))


def _raising(error: httpx.TransportError) -> Make:
    def answer() -> httpx.Response:
        raise error

    return answer


def _failures(make: Make) -> Iterator[str]:
    def after_the_account(request: httpx.Request) -> httpx.Response:
        return _plain(_account if request.url.path == "/api/account" else make)

    def usage_alone(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/account":
            return _plain(_account)
        return _plain(make if request.url.path.endswith("/usage") else ANSWERS["not found"])

    for which, handler in (
        ("everything", lambda _: _plain(make)),
        ("all but the account", after_the_account),
        ("the usage alone", usage_alone),
    ):
        for failure in sorted(asyncio.run(_read(handler)), key=lambda one: one.endpoint):
            wait = f", wait {failure.retry_after}" if failure.retry_after is not None else ""
            yield f"{which}: {failure.endpoint}: {failure.error_kind} ({failure.detail}){wait}"


def _plain(make: Make) -> httpx.Response:
    """Return the reply with a body that is still unread, as from a network."""
    made = make()
    return httpx.Response(made.status_code, headers=made.headers, stream=made.stream)


def _account() -> httpx.Response:
    return httpx.Response(200, json=account_body())


async def _read(handler: Callable[[httpx.Request], httpx.Response]) -> list[Failure]:
    client = CookieClient(Cookies([]), now=lambda: NOW, transport=httpx.MockTransport(handler))
    source = ClaudeAiSource(Session("Chrome"), client, lambda: NOW)
    readings = [reading async for reading in source.read(full=True)]
    await source.aclose()
    accounts = (reading.account for reading in readings)
    parts = (
        part for reading in readings for report in reading.org_readings for part in report.parts.values()
    )
    return [part for part in chain(accounts, parts) if isinstance(part, Failure)]
