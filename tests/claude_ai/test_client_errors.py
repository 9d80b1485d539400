"""The client's failures: each has its kind, and none costs much."""

from __future__ import annotations

import asyncio
import errno
import gzip
import socket
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest

from claudemeter_tui.claude_ai import client as client_module
from claudemeter_tui.claude_ai.responses import RequestFailedError
from claudemeter_tui.model.reading import ErrorKind
from tests.claude_ai.api_cases import REFUSED, asking, refusal, saying
from tests.claude_ai.tls import tls_server
from tests.responses import Answer, Drip, Held, Reset, Sends, cut_off, gzip_bomb, large, redirect
from tests.server import LoopbackServer


async def test_port_without_a_server_is_refused() -> None:
    """A port without a server refuses the connection."""
    assert ErrorKind.CONNECTION_REFUSED is (await refusal(REFUSED)).error_kind


async def test_every_address_of_a_name_is_tried_before_it_is_refused() -> None:
    """A name with several addresses fails as one."""
    assert ErrorKind.CONNECTION_REFUSED is (await refusal("http://localhost:1")).error_kind


async def test_unknown_name_is_a_dns_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the resolver is not a failure of the server."""

    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert ErrorKind.DNS is (await refusal("https://claude.invalid")).error_kind


async def test_plain_reply_to_tls_is_a_certificate_failure() -> None:
    """A portal that speaks http on the port of https is reported with OpenSSL's words."""
    async with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", scheme="https") as url:
        refused = await refusal(url)
    assert (refused.error_kind, refused.detail) == (ErrorKind.TLS, "wrong version number")


async def test_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    """Nothing is sent to the server, and the cause is reported."""
    async with tls_server(tmp_path) as (url, _):
        refused = await refusal(url)
    assert (refused.error_kind, refused.detail) == (ErrorKind.TLS, "self-signed certificate")


async def test_certificate_of_the_environment_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSL_CERT_FILE` makes the client trust a certificate."""
    async with tls_server(tmp_path) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with asking(url) as client:
            assert (await client.get("/")).text == "{}"


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_unusable_certificate_file_fails_at_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """A wrong setting is a problem on the screen, not the end of the program."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    refused = await refusal("https://claude.ai")
    assert (refused.error_kind, "SSL_CERT_FILE" in refused.detail) == (ErrorKind.TLS, True)


async def test_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request has its own timeout, however long the poll may take."""
    monkeypatch.setattr(client_module, "_TIMEOUT", httpx.Timeout(0.05))
    with LoopbackServer() as server:
        server.routes["/"] = Held()
        assert ErrorKind.TIMEOUT is (await refusal(server.url)).error_kind


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        (ErrorKind.CUT_OFF, Reset()),
        (ErrorKind.CUT_OFF, cut_off()),
        (ErrorKind.CUT_OFF, Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"{}")[:-4])),
        (ErrorKind.MALFORMED, Answer(headers={"Content-Encoding": "gzip"}, body=b"{}")),
        (ErrorKind.MALFORMED, Answer(headers={"Content-Encoding": "br"}, body=b"{}")),
        (ErrorKind.MALFORMED, Answer(headers={"Content-Encoding": "gzip, gzip"}, body=b"{}")),
        (ErrorKind.TOO_LARGE, large()),
        (ErrorKind.TOO_LARGE, large((1 << 20) + 1)),
        (ErrorKind.TOO_LARGE, Drip(0, b"x" * 60_000)),
        (ErrorKind.TOO_LARGE, gzip_bomb()),
        (
            ErrorKind.TOO_LARGE,
            Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"x" * 1_048_577)),
        ),
        (ErrorKind.REDIRECT, redirect("https://host:port/")),
        (ErrorKind.REDIRECT, redirect("foo://\x7f/")),
    ],
)
async def test_unreadable_body_has_its_own_kind(trouble: ErrorKind, answer: Sends) -> None:
    """A truncated, wrongly encoded, oversized or redirected body has its own kind of failure."""
    with LoopbackServer() as server:
        server.routes["/"] = answer
        assert trouble is (await refusal(server.url)).error_kind


@pytest.mark.parametrize(
    ("trouble", "data"),
    [
        (ErrorKind.CUT_OFF, b""),
        (ErrorKind.CUT_OFF, b"HTTP/1.1 200 OK\r\nContent-Le"),
        (ErrorKind.CUT_OFF, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        (ErrorKind.MALFORMED, b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        (ErrorKind.MALFORMED, b"HTTP/1.1 200 OK\r\nno header\r\n\r\n{}"),
        (ErrorKind.MALFORMED, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        (ErrorKind.MALFORMED, b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
        (ErrorKind.MALFORMED, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
    ],
)
async def test_reply_that_is_no_http_has_its_own_kind(trouble: ErrorKind, data: bytes) -> None:
    """An early end means cut off, and anything but HTTP means unreadable."""
    async with saying(data) as url:
        assert trouble is (await refusal(url)).error_kind


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (ErrorKind.NO_ROUTE, OSError(errno.ENETUNREACH, "Network is unreachable")),
        (ErrorKind.NO_ROUTE, OSError(errno.EHOSTUNREACH, "No route to host")),
        (ErrorKind.NO_ROUTE, OSError(None, "something new")),
        (ErrorKind.TIMEOUT, OSError(errno.ETIMEDOUT, "Connection timed out")),
        (ErrorKind.CONNECTION_REFUSED, ExceptionGroup("both", [OSError(errno.ECONNREFUSED, "no")])),
        (
            ErrorKind.CONNECTION_REFUSED,
            ExceptionGroup("both", [OSError(None, "?"), OSError(errno.ECONNREFUSED, "no")]),
        ),
    ],
)
async def test_failure_to_connect_is_named_by_its_cause(trouble: ErrorKind, error: Exception) -> None:
    """The cause is found below the exception that httpx raises."""

    def connect(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("All connection attempts failed", request=request) from error

    assert trouble is (await refusal("https://claude.ai", transport=httpx.MockTransport(connect))).error_kind


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (ErrorKind.TIMEOUT, httpx.ConnectTimeout),
        (ErrorKind.TIMEOUT, httpx.ReadTimeout),
        (ErrorKind.TIMEOUT, httpx.PoolTimeout),
        (ErrorKind.PROXY, httpx.ProxyError),
        (ErrorKind.CUT_OFF, httpx.ReadError),
        (ErrorKind.CUT_OFF, httpx.WriteError),
        (ErrorKind.TIMEOUT, TimeoutError),
        (ErrorKind.CUT_OFF, BrokenPipeError),
        (ErrorKind.REDIRECT, httpx.InvalidURL),
    ],
)
async def test_every_error_of_the_library_is_named(trouble: ErrorKind, kind: type[Exception]) -> None:
    """Each exception of the library becomes one error with its kind and none of its words."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise kind("sk-ant-MARKER")

    refused = await refusal("https://claude.ai", transport=httpx.MockTransport(fail))
    assert (trouble, kind.__name__) == (refused.error_kind, refused.detail)


BROKEN = [
    Answer(headers={"Content-Encoding": "br"}, body=b"x"),
    Answer(headers={"Content-Encoding": "gzip"}, body=b"x"),
    Answer(headers={"Content-Length": "9"}, body=b"x", close=True),
    large(2 << 20),
]


@pytest.mark.parametrize(
    ("status", "more"),
    [(302, {}), (429, {"Retry-After": "7"}), (500, {}), (403, {"CF-Mitigated": "challenge"})],
)
@pytest.mark.parametrize("answer", BROKEN)
async def test_status_counts_with_a_broken_body(status: int, more: dict[str, str], answer: Answer) -> None:
    """A 429 keeps its wait although its body is broken."""
    with LoopbackServer() as server:
        server.routes["/"] = Answer(status, {**answer.headers, **more}, answer.body, answer.close)
        async with asking(server.url) as client:
            got = await client.get("/")
    assert (status, "") == (got.status, got.text)
    assert {name.lower(): text for name, text in more.items()}.items() <= got.headers.items()


@pytest.mark.parametrize("status", [200, 401, 403, 404])
@pytest.mark.parametrize("answer", BROKEN)
async def test_status_that_needs_its_body_is_refused_without_it(status: int, answer: Answer) -> None:
    """A truncated 404 does not mean that an org has no metered billing."""
    with LoopbackServer() as server:
        server.routes["/"] = Answer(status, answer.headers, answer.body, answer.close)
        refused = await refusal(server.url)
    assert refused.error_kind in {ErrorKind.MALFORMED, ErrorKind.CUT_OFF, ErrorKind.TOO_LARGE}


@pytest.mark.parametrize("answer", [gzip_bomb(), Drip(0, b"x" * 60_000)])
async def test_body_of_any_size_costs_little_memory(answer: Sends) -> None:
    """Reading stops at one mebibyte, and the rest is never unpacked."""
    with LoopbackServer() as server:
        server.routes["/"] = answer
        async with asking(server.url) as client:
            tracemalloc.start()
            try:
                with pytest.raises(RequestFailedError):
                    await client.get("/")
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert peak < 8 << 20


async def test_cancelled_request_frees_its_connection() -> None:
    """A later request does not wait for the connection of a cancelled one."""
    with LoopbackServer() as server:
        server.routes["/held"] = Held()
        server.routes["/"] = Answer.json({})
        async with asking(server.url) as client:
            for _ in range(2):
                asked = [asyncio.create_task(client.get("/held")) for _ in range(8)]
                await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 8)
                for one in asked:
                    one.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
                await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 0)
            assert (await client.get("/")).text == "{}"
