"""The client: its requests, their recipient, and the values of an ordinary reply."""

from __future__ import annotations

import asyncio
import gzip
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui import __version__
from claudemeter_tui.claude_ai.client import MAX_CONNECTIONS, CookieClient
from claudemeter_tui.claude_ai.proxies import find_proxy
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.secrets import BadOriginError
from tests.claude_ai.api_cases import COOKIES, KEY, START, asking, refusal, sent
from tests.claude_ai.tls import tls_server
from tests.responses import Answer, Held, redirect
from tests.server import LoopbackServer


async def test_client_sends_the_headers_of_a_browser(server: LoopbackServer) -> None:
    """A request is a GET with all cookies, referer and our name, accepting JSON and at most gzip."""
    async with asking(server.url) as client:
        await client.get("/")
    [request] = server.requests
    assert dict(COOKIES.reveal()) == sent(request)
    assert {
        "host": server.url.removeprefix("http://"),
        "referer": f"{server.url}/settings/usage",
        "user-agent": f"claudemeter-tui/{__version__}",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "connection": "keep-alive",
    } == {name: value for name, value in request.headers.items() if name != "cookie"}
    assert (request.method, request.body) == ("GET", b"")


async def test_client_sends_the_browsers_user_agent(server: LoopbackServer) -> None:
    """The browser's User-Agent is sent if known."""
    async with asking(server.url, user_agent="Mozilla/5.0 (X11)") as client:
        await client.get("/")
    assert server.requests[0].headers["user-agent"] == "Mozilla/5.0 (X11)"


async def test_client_returns_the_reply_with_its_times(server: LoopbackServer) -> None:
    """A reply has status, text, time and duration, and only the headers that classify it."""
    times = iter((START, START + timedelta(seconds=2), START + timedelta(seconds=60), START))
    server.routes["/"] = Answer(
        418, {"Retry-After": "7", "X-Other": "x", "Set-Cookie": "a=b", "CF-Mitigated": "challenge"}, b"{}"
    )
    async with asking(server.url, now=lambda: next(times)) as client:
        answer, after_the_clock_jumped = await client.get("/"), await client.get("/")
    assert (418, "{}", START + timedelta(seconds=2)) == (answer.status, answer.text, answer.at)
    assert {"content-type", "retry-after", "cf-mitigated"} == answer.headers.keys()
    assert [one.duration.total_seconds() for one in (answer, after_the_clock_jumped)] == [2, 0]


@pytest.mark.parametrize(
    ("text", "headers", "body"),
    [
        ('{"a": 1}', {}, b'{"a": 1}'),
        ('{"a": 1}', {}, b'\xef\xbb\xbf{"a": 1}'),
        ('{"a": 1}', {"Content-Encoding": "gzip"}, gzip.compress(b'{"a": 1}')),
        ('{"a": 1}', {"Content-Encoding": " GZip "}, gzip.compress(b'{"a": 1}')),
        ('{"a": 1}', {"Content-Encoding": "identity"}, b'{"a": 1}'),
        ('{"a": 1}', {"Content-Encoding": ""}, b'{"a": 1}'),
        ("", {"Content-Encoding": "gzip"}, b""),
        ('{"a": "é"}', {"Content-Type": "application/json; charset=latin-1"}, '{"a": "é"}'.encode()),
        ('{"a": "\udce9"}', {}, '{"a": "é"}'.encode("latin-1")),
        ("x" * (1 << 20), {}, b"x" * (1 << 20)),
        ("x" * (1 << 20), {"Content-Encoding": "gzip"}, gzip.compress(b"x" * (1 << 20))),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value)[:40],
)
async def test_client_decodes_the_body(
    server: LoopbackServer, text: str, headers: dict[str, str], body: bytes
) -> None:
    """JSON is UTF-8, with or without a byte order mark; an invalid byte becomes a lone surrogate."""
    server.routes["/"] = Answer(headers=headers, body=body)
    async with asking(server.url) as client:
        assert text == (await client.get("/")).text


async def test_client_keeps_one_connection_alive(server: LoopbackServer) -> None:
    """Successive requests share one connection, whatever their status."""
    server.routes["/gone"] = Answer.json({}, status=404)
    async with asking(server.url) as client:
        for path in ("/", "/gone", "/", "/"):
            await client.get(path)
    assert server.connections == 1


async def test_client_opens_eight_connections_at_most(server: LoopbackServer) -> None:
    """Twenty requests at once share eight connections, and later ones reuse them."""
    held = server.routes["/"] = Held(Answer.json({}))
    async with asking(server.url) as client:
        asked = [asyncio.create_task(client.get("/")) for _ in range(20)]
        await asyncio.to_thread(server.wait_for, lambda it: it.under_way == MAX_CONNECTIONS)
        held.release()
        await asyncio.gather(*asked)
        await asyncio.gather(*(client.get("/") for _ in range(20)))
    assert (server.connections, server.peak) == (8, 8)


async def test_client_reconnects_after_a_disconnect(server: LoopbackServer) -> None:
    """A connection that the server has closed causes no failure."""
    server.routes["/"] = Answer(body=b"{}", close=True)
    async with asking(server.url) as client:
        for _ in range(3):
            assert (await client.get("/")).text == "{}"
    assert server.connections == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["/", "//elsewhere.invalid/", "https://elsewhere.invalid/", ""])
async def test_client_follows_no_redirect(server: LoopbackServer, status: int, to: str) -> None:
    """A redirect is a reply like any other, and its target is not requested."""
    server.routes["/there"] = redirect(to, status)
    async with asking(server.url) as client:
        answer = await client.get("/there")
    assert (status, to) == (answer.status, answer.headers["location"])
    assert server.paths() == ["/there"]


@pytest.mark.parametrize("url", ["http://claude.ai", "https://claude.ai/api", "ftp://claude.ai"])
def test_client_refuses_a_bad_origin(url: str) -> None:
    """The client applies the rule of `--base-url`."""
    with pytest.raises(BadOriginError):
        CookieClient(COOKIES, base_url=url, now=lambda: START)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
async def test_plain_http_goes_through_no_proxy(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A proxy for plain http would see the session cookie, and is not used."""
    with LoopbackServer() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        async with asking(server.url) as client:
            await client.get("/")
    assert (server.paths(), proxy.paths()) == (["/"], [])


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_https_uses_the_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The proxy sees only the host; one that refuses has its own kind of failure."""
    with LoopbackServer() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        refused = await refusal("https://claude.ai")
    [request] = proxy.requests
    assert ErrorKind.PROXY is refused.error_kind
    assert (request.method, request.path) == ("CONNECT", "claude.ai:443")
    assert KEY not in repr(request)


@pytest.mark.parametrize("proxy", ["ftp://proxy.example", "http://host:port", "socks5://127.0.0.1:1"])
async def test_unusable_proxy_fails_at_the_request(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A wrong setting is a problem on the screen, not the end of the program."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert ErrorKind.PROXY is (await refusal("https://claude.ai")).error_kind


async def test_cancelled_request_costs_no_connection(server: LoopbackServer) -> None:
    """After a cancelled request the next poll has new connections, and the same cookies and headers."""
    server.routes["/"] = Held()
    async with asking(server.url) as client:
        client.headers["anthropic-beta"] = "kept"
        asked = asyncio.create_task(client.get("/"))
        await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 1)
        await client.reconnect_if_cancelled()
        assert server.under_way == 1
        asked.cancel()
        await asyncio.wait((asked,))
        await client.reconnect_if_cancelled()
        server.routes["/"] = Answer.json({})
        await client.get("/")
        await client.reconnect_if_cancelled()
        await client.get("/")
    first, second, third = server.requests
    assert {**first.headers} == {**second.headers}
    assert (second.headers["anthropic-beta"], second.connection) == ("kept", third.connection)
    assert first.connection != second.connection


@pytest.mark.parametrize(
    ("detail", "proxy"),
    [
        ("SOCKS proxies are not supported", "socks5h://127.0.0.1:1"),
        ("port 99999 is out of range (1 to 65535)", "http://user:sk-ant-MARKER@127.0.0.1:99999"),
        ("its port is not a number", "http://host:port"),
        ("only HTTP proxies are supported", "ftp://proxy.example"),
        ("its address is not valid", "http://[::1"),
        ("its address has no host", "http://:3128"),
        ("refused", "http://127.0.0.1:1"),
        ("refused", "127.0.0.1:1"),
    ],
)
async def test_proxy_that_does_not_work_is_named(
    monkeypatch: pytest.MonkeyPatch, detail: str, proxy: str
) -> None:
    """The problem is the proxy's, not the server's, and no password is shown."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", proxy)
    refused = await refusal("https://claude.ai")
    assert (refused.error_kind, refused.detail) == (ErrorKind.PROXY, detail)


async def test_proxy_for_https_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for everything that cannot be used does not matter beside it."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:1")
    with LoopbackServer() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        await refusal("https://claude.ai")
    assert proxy.paths() == ["claude.ai:443"]


@pytest.mark.parametrize(
    ("is_exempt", "exceptions"),
    [
        (False, ""),
        (False, "localhost,fd07:b51a:cc66:f0::/64"),
        (False, "[::1],[::1]:443,[,://,:,%"),
        (False, "claude.ai:8443"),
        (False, "laude.ai,xclaude.ai,claude.ai.example"),
        (True, "*"),
        (True, "[::1], claude.ai"),
        (True, "localhost,.AI"),
        (True, "*.claude.ai"),
        (True, "https://claude.ai:443"),
    ],
)
def test_exceptions_are_read_one_by_one(is_exempt: bool, exceptions: str) -> None:  # noqa: FBT001 - a table
    """An entry that cannot be used is skipped, and the others count."""
    settings = {"https": "http://proxy.example:3128", "no": exceptions}
    assert is_exempt is (find_proxy("https://claude.ai", settings) is None)


@pytest.mark.parametrize(
    ("is_exempt", "origin", "exceptions"),
    [
        (True, "https://[fd07:b51a:cc66:f0::7]", "fd07:b51a:cc66:f0::/64"),
        (False, "https://[fd07:b51a:cc66:f1::7]", "fd07:b51a:cc66:f0::/64"),
        (True, "https://[::1]", "[::1]"),
        (True, "https://127.0.0.1:8443", "127.0.0.0/8"),
        (False, "https://127.0.0.1:8443", "127.0.0.1:443"),
    ],
)
def test_addresses_are_compared_as_numbers(is_exempt: bool, origin: str, exceptions: str) -> None:  # noqa: FBT001
    """A network of addresses and an address in brackets are exceptions, too."""
    settings = {"https": "http://proxy.example:3128", "no": exceptions}
    assert is_exempt is (find_proxy(origin, settings) is None)


async def test_odd_exception_lets_requests_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An IPv6 network in `NO_PROXY` fails no request, with or without a proxy."""
    monkeypatch.setenv("NO_PROXY", "localhost,fd07:b51a:cc66:f0::/64,[::1],127.0.0.1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with tls_server(tmp_path) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with asking(url) as client:
            assert (await client.get("/")).text == "{}"
