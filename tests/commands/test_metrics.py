"""`--metrics`: the server answers no web page, both outputs are truthful, and neither has names."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from claudemeter_tui.cli import main
from claudemeter_tui.commands import metrics, metrics_server
from claudemeter_tui.commands.metrics_server import (
    MAX_CONNECTIONS,
    MAX_HEAD_BYTES,
    MetricsServer,
    list_hosts,
    read_token,
)
from claudemeter_tui.config.actions import LOOPBACK, ListenAddress, parse_metrics_target
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import Store
from claudemeter_tui.settings import SettingsError
from tests import pii_fixtures, scenes
from tests.bodies import (
    PERSONAL,
    TEAM,
    account_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    usage_body,
)
from tests.browsers.real_browsers import binary
from tests.golden.scenes import _readings_of
from tests.metrics_client import (
    COOKIE,
    Program,
    build_environment,
    find_free_port,
    get,
    read_samples,
    read_status,
    send,
    serve,
)
from tests.responses import Answer
from tests.scenes import NOW
from tests.server import LoopbackServer
from tests.terminal import PATIENCE

LAST_SUCCESS = "claudemeter_org_last_success_timestamp_seconds"
TOKEN = "0123456789abcdef-PLANTED-TOKEN"
PLANTED = (
    "PLANTED",
    "Personal",
    "Acme",
    "pat@example.com",
    PERSONAL,
    TEAM,
    "aaaaaaaa-0000-4000",
    "sessionKey",
)
"""Texts of the server's replies and of the session that no output without names has."""


@pytest.fixture(name="claude_ai")
def _claude_ai() -> Iterator[LoopbackServer]:
    """Yield a server with two orgs, one of them blocked."""
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        later = (datetime.now(UTC).replace(microsecond=0)).isoformat().replace("2026", "2027", 1)
        for uuid, usage, overage in (
            (PERSONAL, usage_body(41.0, 67.0, resets_at=later, week_resets_at=later), overage_body()),
            (TEAM, usage_body(100.0, 71.0, resets_at=later, week_resets_at=later), locked_body()),
        ):
            bodies = {
                "usage": usage,
                "overage_spend_limit": overage,
                "subscription_details": subscription_body(),
                "prepaid/credits": prepaid_body(),
            }
            for name, body in bodies.items():
                server.routes[f"/api/organizations/{uuid}/{name}"] = Answer.json(body)
        yield server


@pytest.fixture(name="server")
def _server() -> Iterator[MetricsServer]:
    """Yield a metrics server on loopback without a token."""
    with serve(scenes.store(scenes.PERSONAL, scenes.TEAM)) as server:
        yield server


def list_texts(text: str) -> list[str]:
    """Return the planted texts in an output."""
    return [word for word in PLANTED if word in text]


def wait_for_figures(url: str, count: int = 2, **headers: str) -> str:
    """Return the metrics as soon as this many orgs have figures."""
    while True:
        text = httpx.get(url, headers=headers, timeout=30).text
        if text.count("claudemeter_credits_used{") >= count:
            return text


@pytest.mark.parametrize(
    ("expected", "accept"),
    [
        ("text/plain; version=0.0.4; charset=utf-8", ""),
        ("text/plain; version=0.0.4; charset=utf-8", "*/*"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text;version=1.0.0,*/*;q=.1",
        ),
        ("text/plain; version=1.0.0; charset=utf-8", "text/plain;version=1.0.0;escaping=underscores"),
    ],
)
def test_format_is_negotiated(expected: str, accept: str, server: MetricsServer) -> None:
    """The library chooses the format by the request, and every sample is in each."""
    reply = httpx.get(server.url, headers={"Accept": accept})
    assert (reply.status_code, reply.headers["content-type"][: len(expected)]) == (200, expected)
    assert reply.headers["cache-control"] == "no-store"
    lines = [line for line in reply.text.splitlines() if not line.startswith("#")]
    assert len(lines) > 80
    assert reply.text.endswith("# EOF\n") is ("openmetrics" in expected)


def test_no_header_of_a_reply_is_the_clients(server: MetricsServer) -> None:
    """The content type repeats the version that the client names, but never a line of its own."""
    accept = "Accept: application/openmetrics-text;version=1.\r\n 0.\r\n\t0"
    head = get(server, "/metrics", "{host}", accept).partition("\r\n\r\n")[0]
    assert read_status(head) == 200
    assert all(re.match(r"HTTP/1\.0 200|[A-Z][A-Za-z-]+: ", line) for line in head.splitlines())


def test_hostile_name_stays_in_its_label() -> None:
    """With names shown, a name cannot begin a line or another label, and has no control characters."""
    name = 'x"} 1\nevil{a="\\\\"} 2\r\n# HELP evil \x1b]0;owned\x07'
    store = scenes.store(replace(scenes.TEAM, org=team_body(name=name)))
    with serve(store, shows_names=True) as server:
        for accept in ("", "application/openmetrics-text"):
            text = httpx.get(server.url, headers={"Accept": accept}).text
            assert text.replace("\n", "").isprintable()
            lines = [line for line in text.splitlines() if not line.startswith(("# ", "claudemeter_"))]
            assert lines == []
    names = {dict(labels).get("name") for metric, labels in read_samples(text.replace("# EOF\n", ""))}
    assert names == {None, 'x"} 1 evil{a="\\\\"} 2 # HELP evil ]0;owned'}


def test_text_is_that_of_the_moment() -> None:
    """The text is kept only while every sample and the format stay the same."""
    moments = [NOW]
    renderer = metrics.MetricsRenderer(lambda: moments[-1], shows_names=False)
    renderer.store = scenes.store(scenes.TEAM)
    first = renderer.render()[0]
    moments.append(NOW + timedelta(seconds=30))
    assert renderer.render()[0] is first
    openmetrics = renderer.render("application/openmetrics-text")[0]
    assert (openmetrics == first, renderer.render()[0] == first) == (False, True)
    moments.append(NOW + timedelta(minutes=15))
    assert b"claudemeter_lock" not in renderer.render()[0]
    renderer.store = scenes.store(scenes.PERSONAL, at=moments[-1])
    assert b'state="can_work"} 1.0' in renderer.render()[0]


def test_samples_have_no_times(server: MetricsServer) -> None:
    """Neither format has a timestamp after the value, which the textfile renderer refuses."""
    for accept in ("", "application/openmetrics-text"):
        text = httpx.get(server.url, headers={"Accept": accept}).text
        for line in text.splitlines():
            assert line.startswith("#") or re.fullmatch(r"claudemeter_\w+(\{.*\})? [-+.e0-9]+", line), line


@pytest.mark.parametrize(
    ("expected", "host"),
    [
        (200, "127.0.0.1:{port}"),
        (200, "localhost:{port}"),
        (200, "LocalHost:{port}"),
        (200, "[::1]:{port}"),
        (421, "evil.example:{port}"),
        (421, "127.0.0.1.evil.example:{port}"),
        (421, "localhost.evil.example:{port}"),
        (421, "127.0.0.1:80"),
        (421, "127.0.0.1"),
        (421, "localhost"),
        (421, "evil.example"),
        (421, "127.0.0.2:{port}"),
        (421, "0.0.0.0:{port}"),
        (421, "127.1:{port}"),
        (421, "user@127.0.0.1:{port}"),
        (421, "127.0.0.1:{port}, evil.example"),
        (421, "127.0.0.1:{port}\r\nHost: evil.example"),
        (421, "evil.example\r\nHost: 127.0.0.1:{port}"),
        (421, ""),
    ],
)
def test_only_the_servers_own_name_is_answered(expected: int, host: str, server: MetricsServer) -> None:
    """A foreign name, as of a page whose name was bound to this address, gets no figure."""
    reply = get(server, "/metrics", host)
    assert read_status(reply) == expected
    assert ("claudemeter_verdict" in reply) is (expected == 200)


@pytest.mark.browser
def test_a_web_page_cannot_read_the_metrics(server: MetricsServer, tmp_path: Path) -> None:
    """DNS rebinding in a real browser: the page's own name leads to the server, which refuses it."""
    port = server.server_address[1]
    command = [
        *(binary("chromium", "chromium-browser"), "--headless=new", "--no-sandbox", "--disable-gpu"),
        *("--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--host-resolver-rules=MAP evil.test 127.0.0.1, EXCLUDE 127.0.0.1", "--dump-dom"),
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for host, expected in (("127.0.0.1", True), ("evil.test", False)):
        page = subprocess.run(
            [*command, f"http://{host}:{port}/metrics"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
            timeout=120,
        )
        assert ("claudemeter_verdict" in page.stdout, "the address here is" in page.stdout) == (
            expected,
            not expected,
        )


def test_request_without_a_name_is_refused(server: MetricsServer) -> None:
    """Neither an old client nor a whole address in the first line evades the check."""
    for first in ("GET /metrics HTTP/1.0", "GET /metrics HTTP/1.1", "GET http://{host}/metrics HTTP/1.1"):
        assert read_status(send(server, f"{first}\r\n\r\n")) == 421
    assert (
        read_status(send(server, "GET http://evil.example/metrics HTTP/1.1\r\nHost: {host}\r\n\r\n")) == 404
    )
    assert "claudemeter_" not in send(server, "GET /metrics\r\n\r\n")


@pytest.mark.parametrize(
    ("expected", "request_line"),
    [
        (200, "GET / HTTP/1.1"),
        (200, "GET /metrics?name=x HTTP/1.1"),
        (404, "GET /metrics/ HTTP/1.1"),
        (404, "GET /Metrics HTTP/1.1"),
        (404, "GET /metrics/../../etc/passwd HTTP/1.1"),
        (404, "GET /../../../../etc/passwd HTTP/1.1"),
        (404, "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"),
        (404, "GET /metrics%00 HTTP/1.1"),
        (404, "GET /favicon.ico HTTP/1.1"),
        (404, "POST /admin HTTP/1.1"),
        (405, "POST /metrics HTTP/1.1"),
        (405, "OPTIONS /metrics HTTP/1.1"),
        (405, "DELETE / HTTP/1.1"),
        (405, "evil /metrics HTTP/1.1"),
        (400, "GET /metrics HTTP/x"),
        (400, "GET /metrics and more HTTP/1.1"),
        (505, "GET /metrics HTTP/2.0"),
    ],
)
def test_only_one_page_exists(expected: int, request_line: str, server: MetricsServer) -> None:
    """Every other path and method is refused, and the server says nothing about its software."""
    reply = send(server, f"{request_line}\r\nHost: {{host}}\r\nContent-Length: 3\r\n\r\nx=1")
    assert read_status(reply) == expected
    assert not re.search(r"python|root:", reply, re.IGNORECASE)
    assert "nosniff" in reply
    assert ("Allow: GET, HEAD" in reply) is (expected == 405)


def test_head_is_answered_like_get_without_the_body(server: MetricsServer) -> None:
    """Status and headers are those of GET, also of a refusal; only the time of the reply may differ."""
    accept = "Accept: application/openmetrics-text;version=1.0.0"
    for expected, target, host in (
        (200, "/metrics", "{host}"),
        (200, "/", "{host}"),
        (404, "/admin", "{host}"),
        (421, "/metrics", "evil.example"),
    ):
        with_body, without = (
            send(server, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{accept}\r\n\r\n")
            for method in ("GET", "HEAD")
        )
        head, _, body = with_body.partition("\r\n\r\n")
        assert read_status(without) == expected
        assert f"Content-Length: {len(body.encode())}" in head.splitlines()
        assert list_headers(without) == [*list_headers(head), "", ""]


def list_headers(reply: str) -> list[str]:
    """Return the lines of a reply, without the time at which it was sent."""
    return [line for line in reply.split("\r\n") if not line.startswith("Date:")]


def test_large_requests_are_refused(server: MetricsServer) -> None:
    """A request above the limit is refused before it is read as a whole; the server continues."""
    for request in (
        f"GET /{'x' * MAX_HEAD_BYTES} HTTP/1.1\r\nHost: {{host}}\r\n",
        f"GET /metrics HTTP/1.1\r\nHost: {{host}}\r\nX: {'x' * MAX_HEAD_BYTES}\r\n",
        "GET /metrics HTTP/1.1\r\nHost: {host}\r\n" + "X: y\r\n" * (MAX_HEAD_BYTES // 6),
        f"GET /metrics HTTP/1.1\r\nHost: {{host}}\r\nX: {'x' * MAX_HEAD_BYTES}\r\n\r\n",
        "x" * (1 << 20),
    ):
        with suppress(OSError):  # the rest of the request was not read
            assert read_status(send(server, request)) in (0, 431)
    many = "".join(f"X{number}: y\r\n" for number in range(500))
    assert read_status(send(server, f"GET /metrics HTTP/1.1\r\nHost: {{host}}\r\n{many}\r\n")) == 431
    assert read_status(get(server)) == 200


@pytest.mark.slow
def test_slow_clients_do_not_hold_the_server(monkeypatch: pytest.MonkeyPatch, server: MetricsServer) -> None:
    """Silent connections leave room for a scrape, more than the maximum are closed, and all end in time."""
    monkeypatch.setattr(metrics_server, "HEAD_SECONDS", 2.0)
    place = LOOPBACK, int(server.server_address[1])
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(place, 30)) for _ in range(MAX_CONNECTIONS - 1)
        ]
        for client in silent:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        assert read_status(get(server)) == 200
        for client in silent:
            assert client.recv(1) == b""
    with ExitStack() as stack:
        more = [stack.enter_context(socket.create_connection(place, 30)) for _ in range(2 * MAX_CONNECTIONS)]
        for client in more:
            with suppress(ConnectionError):
                assert client.recv(1) == b""
    assert read_status(get(server)) == 200


def test_client_that_does_not_read_is_dropped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: MetricsServer
) -> None:
    """A client that leaves in the middle of a reply, or never reads it, prints nothing and holds nothing."""
    monkeypatch.setattr(metrics_server, "SEND_SECONDS", 0.1)
    size = 64 << 20
    monkeypatch.setattr(server, "render", lambda _: (b"x" * size, "text/plain"))
    host, port = server.server_address[:2]
    with socket.create_connection((str(host), int(port)), 30) as client:
        client.sendall(f"GET /metrics HTTP/1.1\r\nHost: {host!s}:{port}\r\n\r\n".encode())
        assert client.recv(1) == b"H"
        for _ in range(MAX_CONNECTIONS):  # the server has given up when no request is under way
            assert server._free.acquire(timeout=30)
        received = 1
        with suppress(ConnectionError):
            while part := client.recv(1 << 20):
                received += len(part)
    assert received < size
    assert capsys.readouterr().err == ""


def test_a_bug_in_one_scrape_ends_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: MetricsServer
) -> None:
    """The connection is closed without a reply, and the traceback names the place but no value."""

    def fail(_: str) -> tuple[bytes, str]:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(server, "render", fail)
        assert get(server, "/metrics", "{host}", f"Authorization: Bearer {TOKEN}") == ""
    assert read_status(get(server)) == 200
    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "PLANTED" not in shown


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (200, [f"Authorization: Bearer {TOKEN}"]),
        (200, [f"authorization: bearer {TOKEN} "]),
        (401, []),
        (401, ["Authorization: Bearer"]),
        (401, [f"Authorization: Bearer {TOKEN}x"]),
        (401, [f"Authorization: Bearer {TOKEN[:-1]}"]),
        (401, ["Authorization: Bearer \xe9\xff"]),
        (401, [f"Authorization: Basic {TOKEN}"]),
        (401, [f"Authorization: {TOKEN}"]),
        (401, [f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {TOKEN}"]),
        (401, [f"Cookie: token={TOKEN}"]),
    ],
)
def test_token_is_required_for_every_page(expected: int, headers: list[str]) -> None:
    """With a token, nothing is answered without it; a foreign name is refused with it, too."""
    with serve(scenes.store(scenes.TEAM), token=TOKEN, shows_names=True) as server:
        for path in ("/metrics", "/"):
            reply = get(server, path, "{host}", *headers)
            assert read_status(reply) == expected
            assert ("WWW-Authenticate: Bearer" in reply) is (expected == 401)
            assert TOKEN not in reply
        assert read_status(get(server, "/metrics", "evil.example", *headers)) == 421
        assert ("Acme Team" in get(server, "/metrics", "{host}", *headers)) is (expected == 200)


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ("No such file or directory", None),
        ("empty file; write a token into it, such as the output of openssl rand -hex 32", b" \n"),
        ("not a token (one line of ASCII without blanks)", b"two words"),
        ("not a token (one line of ASCII without blanks)", b"two\nlines"),
        ("not a token (one line of ASCII without blanks)", b"\xff\xfe"),
        ("not a token (one line of ASCII without blanks)", b"x" * 5000),
        ("a session key must not be used as a token", COOKIE.encode()),
    ],
)
def test_unusable_token_file_is_one_sentence(
    expected: str, content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program exits with 2 before it listens; the message never quotes the content."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    assert main(["--metrics", f":{find_free_port()}", "--metrics-token-file", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown == ("", f"claudemeter-tui: --metrics-token-file: {str(path)!r}: {expected}\n")


def test_token_file_may_end_with_a_line_break(tmp_path: Path) -> None:
    """The token is the text without white space around it, as Prometheus reads the same file."""
    path = tmp_path / "token"
    path.write_text(f" {TOKEN}\r\n")
    assert read_token("x", path).reveal() == TOKEN


@pytest.mark.parametrize(
    ("expected", "target"),
    [
        (ListenAddress(LOOPBACK, 19190), "19190"),
        (ListenAddress(LOOPBACK, 19190), ":19190"),
        (ListenAddress("localhost", 19190), "LOCALHOST:19190"),
        (ListenAddress("192.0.2.7", 1), "192.0.2.7:1"),
        (ListenAddress("::1", 65535), "[::1]:65535"),
        (ListenAddress("prom.example", 9100), "prom.example:9100"),
        (Path("x.prom"), "x.prom"),
        ("'x' is neither HOST:PORT, such as :19190, nor a file that ends in .prom", "x"),
        ("'::1:80' is neither HOST:PORT, such as :19190, nor a file that ends in .prom", "::1:80"),
        ("'x:' is neither HOST:PORT, such as :19190, nor a file that ends in .prom", "x:"),
        ("'x.PROM' is neither HOST:PORT, such as :19190, nor a file that ends in .prom", "x.PROM"),
        ("'http://x:1' is neither HOST:PORT, such as :19190, nor a file that ends in .prom", "http://x:1"),
        ("the port 0 is out of range (1 to 65535)", ":0"),
        ("the port 65536 is out of range (1 to 65535)", ":65536"),
        ("'none' is not an existing folder", "none/x.prom"),
    ],
)
def test_target_is_an_address_or_a_file(expected: object, target: str) -> None:
    """A port alone is on loopback; everything else is one sentence."""
    if not isinstance(expected, str):
        assert parse_metrics_target(target) == expected
        return
    with pytest.raises(SettingsError) as caught:
        parse_metrics_target(target)
    assert str(caught.value) == f"--metrics: {expected}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", "0.0", "0:0:0:0:0:0:0:0"])
def test_wildcard_is_refused(host: str) -> None:
    """Every form of the wildcard address, as it would accept requests under any name."""
    with pytest.raises(SettingsError, match="stands for every address of this machine; give the one that"):
        MetricsServer(ListenAddress(host, find_free_port()), lambda _: (b"", ""))


def test_unusable_address_is_one_sentence(server: MetricsServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A busy port and a foreign address exit with 2 before anything is polled."""
    port = server.server_address[1]
    for target, fault in ((f":{port}", "address already in use"), ("192.0.2.7:1", "cannot assign requested")):
        assert main(["--demo", "--metrics", target]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), fault in err) == ("", 1, True)


@pytest.mark.parametrize(
    ("expected", "address"),
    [
        ({"127.0.0.1:9", "localhost:9", "[::1]:9"}, ListenAddress(LOOPBACK, 9)),
        ({"127.0.0.1:9", "localhost:9", "[::1]:9"}, ListenAddress("localhost", 9)),
        ({"127.0.0.1:9", "localhost:9", "[::1]:9"}, ListenAddress("::1", 9)),
        ({"192.0.2.7:9"}, ListenAddress("192.0.2.7", 9)),
        ({"prom.example:80", "prom.example"}, ListenAddress("prom.example", 80)),
        ({"[2001:db8:0:0::1]:9", "[2001:db8::1]:9"}, ListenAddress("2001:db8:0:0::1", 9)),
    ],
)
def test_accepted_names_are_those_of_the_address(expected: set[str], address: ListenAddress) -> None:
    """Only loopback has several names; port 80 can be left out, as clients do."""
    assert list_hosts(address) == expected


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_server_on_ipv6() -> None:
    """The name in brackets is accepted and printed."""
    with serve(Store(), host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(server.url).status_code == 200


def test_missing_library_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without the extra, both kinds name the command that installs the library."""
    monkeypatch.setattr(metrics, "find_spec", lambda _: None)
    for target in (":19190", str(tmp_path / "x.prom")):
        assert main(["--metrics", target]) == 2
        assert capsys.readouterr() == ("", f"claudemeter-tui: {metrics.NO_LIBRARY_MESSAGE}\n")


def test_program_serves_the_figures(claude_ai: LoopbackServer, tmp_path: Path) -> None:
    """The whole program: figures without names or cookie, and SIGTERM ends it with 0 and nothing printed."""
    program = Program(tmp_path, claude_ai.url)
    with program as process:
        text = wait_for_figures(program.url)
        assert list_texts(text) == []
        samples = read_samples(text)
        blocked = [key for key, value in samples.items() if ("state", "blocked") in key[1] and value]
        assert len(blocked) == 1
        assert {0.41, 1.0} <= {value for key, value in samples.items() if key[0].endswith("used_ratio")}
        assert read_status_of(program.url, Host="evil.example") == 421
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    polls = len(claude_ai.paths())
    again = subprocess.run(
        [sys.executable, "-m", "claudemeter_tui", "--once", "--base-url", claude_ai.url],
        env=build_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Acme Team" in again.stdout
    usage = [path for path in claude_ai.paths()[polls:] if "/usage" in path]
    assert len(usage) in (0, 2)  # what was read is kept, and the lease is free


def read_status_of(url: str, **headers: str) -> int:
    """Return the status of a request."""
    return httpx.get(url, headers=headers).status_code


def test_program_with_a_token_shows_names(claude_ai: LoopbackServer, tmp_path: Path) -> None:
    """Names and e-mail are shown to whoever has the token, unless `--privacy` is given as a flag."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    for more, expected in (((), True), (("--privacy",), False)):
        home = tmp_path / f"home{expected}"
        home.mkdir()
        program = Program(home, claude_ai.url, *more, CLAUDEMETER_METRICS_TOKEN_FILE=str(path))
        with program:
            text = wait_for_figures(program.url, Authorization=f"Bearer {TOKEN}")
            assert ('name="Acme Team"' in text, 'account="pat@example.com"' in text) == (expected, expected)
            assert ("PLANTED" in text, PERSONAL in text) == (False, False)
            assert read_status_of(program.url) == 401


def test_programs_poll_an_account_once(claude_ai: LoopbackServer, tmp_path: Path) -> None:
    """A second program follows the first one, and a file is written without a poll of its own."""
    first, second = (Program(tmp_path, claude_ai.url) for _ in range(2))
    with first:
        expected = wait_for_figures(first.url)
        requests = len(claude_ai.paths())
        with second:
            text = wait_for_figures(second.url)
        done = write_file(tmp_path, claude_ai.url)
        assert done.returncode == 0
        assert [path for path in claude_ai.paths()[requests:] if "account" not in path] == []
    written = (tmp_path / "x.prom").read_text()
    assert list_figures(expected) == list_figures(text) == list_figures(written)


def list_figures(text: str) -> dict[Any, float]:
    """Return the samples that do not depend on the moment."""
    names = ("claudemeter_window_used", "claudemeter_credits", "claudemeter_verdict", "claudemeter_org_last")
    return {key: value for key, value in read_samples(text).items() if key[0].startswith(names)}


def write_file(home: Path, url: str, *arguments: str, umask: int = 0o077) -> subprocess.CompletedProcess[str]:
    """Write the metrics to `x.prom` at home."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "claudemeter_tui", "--base-url", url),
            *("--metrics", str(home / "x.prom"), *arguments),
        ],
        env=build_environment(home),
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
        timeout=60,
    )


def test_file_has_the_figures_and_is_readable_by_everyone(claude_ai: LoopbackServer, tmp_path: Path) -> None:
    """One run writes it with mode 0644 whatever the umask, never with names, and leaves nothing beside it."""
    (tmp_path / "token").write_text(TOKEN)
    done = write_file(tmp_path, claude_ai.url, "--metrics-token-file", str(tmp_path / "token"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    path = tmp_path / "x.prom"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    text = path.read_text("utf-8")
    assert list_texts(text) == []
    assert len(read_samples(text)) > 50
    assert not list(tmp_path.glob(".claudemeter-tui-*"))


def test_file_of_a_failed_poll_has_no_old_figures(claude_ai: LoopbackServer, tmp_path: Path) -> None:
    """If nothing can be read, the exit status and a reason say so, and the file is replaced all the same."""
    assert write_file(tmp_path, claude_ai.url, "--interval", "30").returncode == 0
    home = tmp_path / "other"
    home.mkdir()
    (home / "x.prom").write_bytes((tmp_path / "x.prom").read_bytes())
    claude_ai.routes = {"/api/account": Answer(502), "/api/organizations": Answer(502)}
    done = write_file(home, claude_ai.url)
    assert (done.returncode, done.stdout) == (4, "")
    assert "claude.ai reported an internal error" in done.stderr
    samples = read_samples((home / "x.prom").read_text())
    assert {key[0] for key in samples} == {
        "claudemeter_build_info",
        "claudemeter_sources",
        "claudemeter_problems",
        "claudemeter_source_info",
        "claudemeter_source_up",
    }
    assert {value for key, value in samples.items() if key[0] == "claudemeter_source_up"} == {0}


def test_demo_has_the_time_of_prometheus(tmp_path: Path) -> None:
    """The demo's metrics run in real time, so that no poll is in the future."""
    server, polls = Program(tmp_path, "http://127.0.0.1:1", "--demo"), list[float]()
    with server:
        end = time.monotonic() + PATIENCE
        while not polls and time.monotonic() < end:
            samples = read_samples(httpx.get(server.url).text)
            polls = [value for (name, _), value in samples.items() if name == LAST_SUCCESS]
        assert polls
        assert max(polls) <= time.time()


@pytest.mark.parametrize("step", ["tempfile.mkstemp", "pathlib.Path.replace"])
def test_file_that_cannot_be_written_stays(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk exits with 2 and one sentence; the old file is unchanged, and no part is left."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "x.prom"
    path.write_text("old")
    monkeypatch.setattr(step, fail)
    assert main(["--demo", "--metrics", str(path)]) == 2
    assert capsys.readouterr().err == f"claudemeter-tui: --metrics: {str(path)!r}: no space left on device\n"
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("old", ["x.prom"])


def test_planted_names_are_in_neither_output(tmp_path: Path) -> None:
    """Of everything personal in every field of every reply, nothing is served or written without names."""
    store = pii_fixtures.planted_store()
    with serve(store) as server:
        for accept in ("", "application/openmetrics-text;version=1.0.0"):
            reply = httpx.get(server.url, headers={"Accept": accept})
            assert pii_fixtures.found(reply.text + str(reply.headers)) == []
    with serve(store, shows_names=True) as server:
        assert pii_fixtures.NAME in httpx.get(server.url).text

    class Planted:
        async def poll_once(self, post: Callable[[Reading], object]) -> None:
            """Post the readings of the store."""
            for reading in _readings_of(store):
                post(reading)

    path = tmp_path / "x.prom"
    renderer = metrics.MetricsRenderer(lambda: scenes.NOW, shows_names=False)
    assert metrics.write_metrics(path, Planted(), renderer, lambda _: None) == 0
    assert "claudemeter_window_used_ratio" in path.read_text()
    assert pii_fixtures.found(path.read_text()) == []


def test_ctrl_c_ends_the_server(claude_ai: LoopbackServer, tmp_path: Path) -> None:
    """Ctrl+C exits with 130 and prints nothing."""
    program = Program(tmp_path, claude_ai.url)
    with program as process:
        wait_for_figures(program.url)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 130
