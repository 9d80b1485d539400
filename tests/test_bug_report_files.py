"""The server and the terminal on which other tests rely."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bodies import (
    account_body,
    extra_usage_body,
    limit_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    spend_body,
    subscription_body,
    team_body,
    tranche_body,
    usage_body,
    window_body,
)
from tests.responses import (
    MEBIBYTE,
    Answer,
    Drip,
    Held,
    Request,
    Reset,
    cut_off,
    gzip_bomb,
    in_turn,
    large,
    redirect,
)
from tests.server import LoopbackServer
from tests.terminal import CTRL_C, Terminal


def get(server: LoopbackServer, path: str = "/", **headers: str) -> httpx.Response:
    """Send one request with a new client."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        return client.get(path, headers=headers)


def test_server_answers_by_path() -> None:
    """A route with the query string precedes the one without; a path without a route is a JSON 404."""
    with LoopbackServer() as server:
        server.routes["/usage"] = Answer.json({"who": "all"})
        server.routes["/usage?account_uuid=a"] = Answer.json({"who": "one"}, status=201)
        assert get(server, "/usage?x=1").json() == {"who": "all"}
        assert get(server, "/usage?account_uuid=a").json() == {"who": "one"}
        assert get(server, "/other").json()["error"]["type"] == "not_found_error"


def test_server_answers_with_status_and_headers() -> None:
    """Status and headers are sent as given, and JSON is declared unless a header overrides it."""
    with LoopbackServer() as server:
        server.routes["/"] = in_turn(
            Answer.json({}, status=429, retry_after="7"), Answer(522, {"content-type": "text/html"}, b"<p>")
        )
        first, second = get(server), get(server)
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    assert first.headers["content-type"] == "application/json"
    assert (second.status_code, second.headers["content-type"], second.text) == (522, "text/html", "<p>")


def test_server_keeps_connections_alive() -> None:
    """Several requests of one client share one connection, unless a reply closes it."""
    with LoopbackServer() as server, httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        server.routes["/"] = in_turn(Answer(), Answer(close=True), Answer())
        for _ in range(3):
            client.get("/")
    assert [request.connection for request in server.requests] == [1, 1, 2]
    assert server.connections == 2


def test_server_records_requests() -> None:
    """A test can read each request: path, headers, body, and time."""
    with LoopbackServer() as server:
        get(server, "/usage?x=1", cookie="sessionKey=sk-1")
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            client.post("/more", content=b"hello")
    first, second = server.requests
    assert server.paths() == ["/usage?x=1", "/more"]
    assert (first.method, first.headers["cookie"]) == ("GET", "sessionKey=sk-1")
    assert (second.method, second.body) == ("POST", b"hello")
    assert first.at <= second.at


async def test_server_counts_requests_in_progress() -> None:
    """With held replies a test can count a client's simultaneous requests."""
    held = Held(Answer.json({}))
    with LoopbackServer() as server:
        server.routes["/"] = held
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as client:
            asked = [asyncio.ensure_future(client.get("/")) for _ in range(5)]
            await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 5)
            held.release()
            answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert (server.peak, server.under_way) == (5, 0)


def test_server_notices_that_the_client_left() -> None:
    """A hanging request ends when its client has given up."""
    with LoopbackServer() as server:
        server.routes["/"] = Held()
        with (
            httpx.Client(base_url=server.url, trust_env=False, timeout=httpx.Timeout(60, read=0.2)) as client,
            pytest.raises(httpx.ReadTimeout),
        ):
            client.get("/")
        server.wait_for(lambda it: it.paths() == ["/"] and it.under_way == 0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Reset(), httpx.ReadError), (cut_off(), httpx.RemoteProtocolError)],
)
def test_server_breaks_off(answer: Reset | Answer, error: type[Exception]) -> None:
    """A reset and a truncated body reach the client as such."""
    with LoopbackServer() as server:
        server.routes["/"] = answer
        with pytest.raises(error):
            get(server)


def test_server_drips() -> None:
    """A dripping reply begins, and does not end as long as the client reads."""
    with LoopbackServer() as server:
        server.routes["/"] = Drip(0.001, b"x")
        with httpx.stream("GET", server.url, trust_env=False, timeout=60) as answer:
            stream = answer.iter_raw()
            assert b"".join(next(stream) for _ in range(20))[:20] == b"x" * 20
        server.wait_for(lambda it: it.under_way == 0)


def test_server_sends_large_bodies() -> None:
    """The gzip bomb is small on the wire and large unpacked; the large body is large on both sides."""
    with LoopbackServer() as server:
        server.routes |= {"/bomb": gzip_bomb(3 * MEBIBYTE), "/large": large()}
        bomb, plain = get(server, "/bomb"), get(server, "/large")
    assert (len(bomb.content), len(plain.content)) == (3 * MEBIBYTE, 10_000_000)
    assert int(bomb.headers["content-length"]) < 10_000
    assert set(plain.json()) == {"x"}


def test_server_redirects() -> None:
    """A redirect names its target."""
    with LoopbackServer() as server:
        server.routes["/"] = redirect("https://claude.ai/login")
        answer = get(server)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://claude.ai/login")


def test_server_raises_the_exception_of_a_script() -> None:
    """An exception in a scripted reply fails the test instead of vanishing in a thread."""

    def broken(request: Request) -> Answer:
        raise KeyError(request.path)

    with pytest.raises(KeyError), LoopbackServer() as server:  # noqa: PT012 - the end of the with raises
        server.routes["/"] = broken
        with pytest.raises(httpx.RemoteProtocolError):
            get(server)


@pytest.mark.parametrize("answer", [Held(), Drip(0.001, b"x" * MEBIBYTE)])
def test_server_ends_with_requests_in_progress(answer: Held | Drip) -> None:
    """A hanging request, or a client that stops reading, does not keep the server running."""
    with contextlib.ExitStack() as stack:
        with LoopbackServer() as server:
            server.routes["/"] = answer
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            server.wait_for(lambda it: it.under_way == 1)
        assert server.under_way == 0


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (["Personal"], [m["organization"]["name"] for m in account_body()["memberships"]]),
        (2, len(account_body(org_body(), team_body())["memberships"])),
        (False, "uuid" in account_body(uuid=None)),
        ("team", team_body()["raven_type"]),
        (41.0, usage_body()["five_hour"]["utilization"]),
        (None, usage_body(None)["five_hour"]),
        (None, usage_body()["extra_usage"]),
        (False, "limits" in usage_body()),
        ([], usage_body(limits=())["limits"]),
        ("quota", usage_body(tangelo=window_body(1, locked_reason="quota"))["tangelo"]["locked_reason"]),
        ("Fable", limit_body("weekly_scoped", 12, model="Fable")["scope"]["model"]["display_name"]),
        (("session", "critical"), tuple(limit_body("session", 90)[key] for key in ("group", "severity"))),
        (34.4, extra_usage_body()["utilization"]),
        (None, extra_usage_body(cap=None)["utilization"]),
        (None, spend_body(cap=None)["limit"]),
        ("JPY", spend_body(currency="JPY", exponent=0)["used"]["currency"]),
        (None, overage_body(cap=None)["monthly_credit_limit"]),
        ("self_selected_spend_limit_reached", locked_body()["disabled_reason"]),
        (6230, locked_body(used=6230)["used_credits"]),
        ("2026-09-19", prepaid_body(promo=[tranche_body(1, None), tranche_body(2)])["next_expires_at"][:10]),
        (None, prepaid_body(-1)["balance_credits"]),
        (None, subscription_body(card=None)["payment_method"]),
        ("paused", subscription_body("paused")["status"]),
    ],
)  # fmt: skip
def test_bodies_vary_by_argument(expected: Any, found: Any) -> None:
    """Each builder's arguments reach the place in the body that they name."""
    assert expected == found


PROMPT = "import sys; print('ready', flush=True); sys.stdin.readline()"


def python(code: str) -> list[str]:
    """Return a command that runs the code."""
    return [sys.executable, "-ISc", code]


@pytest.mark.pty
def test_terminal_shows_and_types() -> None:
    """The program's output is on the screen, typed text reaches the program, and its end has a status."""
    code = "import sys; print('\\x1b[2Jname?'); print('hello', input()); sys.exit(3)"
    with Terminal(python(code), columns=40, rows=6) as terminal:
        terminal.wait_for("name?")
        terminal.send("Zoë\r")
        terminal.wait_for("hello Zoë")
        assert terminal.wait() == 3
        assert b"\x1b[2J" in terminal.raw
    assert terminal.close() == 3


@pytest.mark.pty
def test_terminal_wait_fails_with_the_screen() -> None:
    """A text or an end that does not come fails the test with the screen in the message."""
    with Terminal(python(PROMPT), columns=40, rows=6) as terminal:
        terminal.wait_for("ready")
        with pytest.raises(AssertionError, match=r"(?s)'never'.*running.*ready"):
            terminal.wait_for("never", 0.05)
        with pytest.raises(AssertionError, match=r"(?s)still running.*ready"):
            terminal.wait(0.05)


@pytest.mark.pty
def test_terminal_reports_its_size() -> None:
    """The program reads the size it was given, and is notified of each new one."""
    code = (
        "import os, signal\n"
        "say = lambda *_: os.write(1, f'{tuple(os.get_terminal_size())}\\n'.encode())\n"
        "signal.signal(signal.SIGWINCH, say)\n"
        "say()\n"
        "while True: signal.pause()"
    )
    with Terminal(python(code), columns=40, rows=6) as terminal:
        terminal.wait_for("(40, 6)")
        terminal.resize(72, 9)
        terminal.wait_for("(72, 9)")
        assert len(terminal.lines) == 9


@pytest.mark.pty
def test_terminal_controls_its_command() -> None:
    """Ctrl+C interrupts the command, because the terminal controls it."""
    with Terminal(python("import signal; print('ready', flush=True); signal.pause()")) as terminal:
        terminal.wait_for("ready")
        terminal.send(CTRL_C)
        assert terminal.wait() in (-signal.SIGINT, 1)
        assert "KeyboardInterrupt" in terminal.text


@pytest.mark.pty
def test_terminal_sends_signals() -> None:
    """A signal reaches the command itself, and is in its status."""
    with Terminal(python(PROMPT)) as terminal:
        terminal.wait_for("ready")
        terminal.send_signal(signal.SIGTERM)
        assert terminal.wait() == -signal.SIGTERM


@pytest.mark.parametrize(
    "hidden",
    [
        "\x1b[<u",
        "\x1b[>1u",
        "\x1b[=1;1u",
        "\x1b[?2026$p",
        "\x1b[?1;2c",
        "\x1b[22;2t",
        "\x1b[38:2::1:2:3m",
        "\x1b]9;note\x07",
        "\x1bPtmux;\x1b\x1b]9;note\x07\x1b\\",
        "\x1b_Gi=1\x1b\\",
    ],
)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.pty
def test_terminal_hides_sequences(hidden: str, apart: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """Sequences that draw nothing leave nothing on the screen, even if they arrive in pieces."""
    parts = list(f"a{hidden}b") if apart else [f"a{hidden}b"]
    code = f"for part in {parts!r}: print(part, end='', flush=True)"
    with Terminal(python(code), columns=40, rows=2) as terminal:
        terminal.wait()
        assert terminal.lines[0] == "ab"
        assert hidden.encode() in terminal.raw


@pytest.mark.pty
def test_terminal_knows_the_title() -> None:
    """The newest title can be read."""
    with Terminal(python("print('\\x1b]2;CAN WORK\\x07', end='')")) as terminal:
        terminal.wait()
        assert terminal.title == "CAN WORK"


@pytest.mark.pty
def test_terminal_has_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets only the given variables, none of the tests' environment."""
    monkeypatch.setenv("CLAUDEMETER_COOKIE", "sessionKey=sk-planted")
    code = "import os; print('CLAUDEMETER_COOKIE' in os.environ, os.environ['TERM'], os.environ['X'])"
    with Terminal(python(code), env={"X": "given"}) as terminal:
        terminal.wait()
        assert terminal.lines[0] == "False xterm-256color given"


@pytest.mark.parametrize(
    "stubborn",
    [
        "",
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)",
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nif os.fork(): os._exit(0)",
        "if not os.fork(): os.setpgid(0, 0)",
    ],
    ids=["ordinary", "ignores SIGHUP", "outlives its parent", "leaves its group"],
)
@pytest.mark.pty
def test_terminal_leaves_no_process(stubborn: str, tmp_path: Path) -> None:
    """No process of the command survives the `with`, whatever the command does."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code = (
        f"import os, signal\n{stubborn}\nos.write(os.open({str(pipe)!r}, os.O_WRONLY), b'x')\nsignal.pause()"
    )
    with Terminal(python(code)):
        assert select.select([reader], [], [], 60)[0], "it did not start"
    # The pipe ends only when the last process that writes is gone.
    while select.select([reader], [], [], 60)[0] and os.read(reader, 100):
        pass
    assert select.select([reader], [], [], 0)[0], "it lives on"
    os.close(reader)
