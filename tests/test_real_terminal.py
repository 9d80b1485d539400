"""The installed program in a real terminal, against a real server: the main job, end to end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bodies import (
    ACCOUNT,
    PERSONAL,
    TEAM,
    account_body,
    extra_usage_body,
    limit_body,
    locked_body,
    org_body,
    overage_body,
    prepaid_body,
    subscription_body,
    team_body,
    usage_body,
)
from tests.responses import Answer, Request
from tests.server import LoopbackServer
from tests.terminal import Terminal

pytestmark = pytest.mark.pty

SECRET = "sk-ant-sid01-planted-marker"
PROGRAM = str(Path(sys.executable).parent / "claudemeter-tui")
FAR = "2099-04-25T16:00:00.483912+00:00"
FAR_MONTH = "2099-05-01T00:00:00Z"


BUSY = """
from claudemeter_tui.tui.app import Claudemeter

leave = Claudemeter.exit


def busily(app, *arguments):
    for _ in range(100):
        app._driver.write("much to draw")
    leave(app, *arguments)


Claudemeter.exit = busily
"""
"""Code that the interpreter runs before the program: it queues more output than Textual does."""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start claude.ai on loopback: a personal org with room, and a team that is locked."""
    with LoopbackServer() as server:
        personal, team = f"/api/organizations/{PERSONAL}", f"/api/organizations/{TEAM}"
        usage = usage_body(
            67.0,
            41.0,
            resets_at=FAR,
            week_resets_at=FAR,
            extra_usage=extra_usage_body(),
            limits=[limit_body("session", 67, FAR), limit_body("weekly_scoped", 12, FAR, model="Fable")],
        )
        full = usage_body(
            100.0, 71.0, resets_at=FAR, week_resets_at=FAR, extra_usage=extra_usage_body(5000.0)
        )
        locked = locked_body(until=FAR_MONTH, limit_type="member", account_uuid=ACCOUNT)
        server.routes |= {
            "/api/account": Answer.json(account_body(org_body(), team_body())),
            f"{personal}/usage": Answer.json(usage),
            f"{personal}/overage_spend_limit": Answer.json(overage_body()),
            f"{personal}/prepaid/credits": Answer.json(prepaid_body()),
            f"{personal}/subscription_details": Answer.json(subscription_body()),
            f"{team}/usage": Answer.json(full),
            f"{team}/overage_spend_limit": Answer.json(overage_body(26_118, 100_000)),
            f"{team}/overage_spend_limit?account_uuid={ACCOUNT}": Answer.json(locked),
            f"{team}/prepaid/credits": Answer.json(prepaid_body()),
            f"{team}/subscription_details": Answer.json(subscription_body()),
        }
        yield server


def program(
    server: LoopbackServer, columns: int = 120, rows: int = 36, *, is_controlling: bool = True, **more: str
) -> Terminal:
    """Start the installed command with that server and with more variables."""
    environment = {"CLAUDEMETER_COOKIE": f"sessionKey={SECRET}; lastActiveOrg={PERSONAL}", **more}
    # Otherwise the worst org is selected once all are read.
    command = [PROGRAM, "--base-url", server.url, "--org", "Personal"]
    return Terminal(command, columns=columns, rows=rows, env=environment, is_controlling=is_controlling)


def is_polled(terminal: Terminal) -> bool:
    """Return True if no poll runs: a running one would serve the key `r`, which then sends nothing more."""
    return "next in" in terminal.lines[0]


def test_dashboard_switches_orgs_and_sees_blocked_come_and_go(server: LoopbackServer) -> None:
    """HTTP replies reach the screen: figures, org switching, BLOCKED, its end, and a clean exit."""
    with program(server, columns=180) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.wait_for("7-day Fable")
        terminal.send("2")
        terminal.wait_for("Your monthly cap is reached")
        terminal.wait_for("self_selected_spend_limit_reached")
        lifted = overage_body(5000, 8000, limit_type="member", account_uuid=ACCOUNT)
        begin, extra = f"/api/organizations/{TEAM}", extra_usage_body(5000.0, 8000)
        usage = usage_body(100.0, 71.0, resets_at=FAR, week_resets_at=FAR, extra_usage=extra)
        terminal.wait_for(is_polled)
        server.routes[f"{begin}/overage_spend_limit?account_uuid={ACCOUNT}"] = Answer.json(lifted)
        server.routes[f"{begin}/usage"] = Answer.json(usage)
        terminal.send("r")
        terminal.wait_for(lambda it: "ON CREDITS" in it.text and "limit is reached" not in it.text)
        terminal.send("1")
        terminal.wait_for("$17.20 of $50.00")
        terminal.send("q")
        assert terminal.wait() == 0
        assert SECRET.encode() not in terminal.raw
    sent = [request for request in server.requests if request.path.startswith("/api/")]
    assert sent
    assert all(f"sessionKey={SECRET}" in request.headers["cookie"] for request in sent)


def test_failing_reply_is_a_problem_and_hides_no_figure(server: LoopbackServer) -> None:
    """One org's broken reply is a problem in words; the other figures stay on screen."""
    with program(server) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.wait_for(is_polled)
        server.routes[f"/api/organizations/{PERSONAL}/usage"] = Answer(
            status=502, body=b"<html>bad gateway</html>"
        )
        terminal.send("r")
        terminal.wait_for(lambda it: "usage: server error (status 502)" in it.text and "67%" in it.text)
        terminal.send("e")
        terminal.wait_for("claude.ai reported an internal error.")
        terminal.send("q")
        assert terminal.wait() == 0


def test_closed_window_ends_the_program(server: LoopbackServer) -> None:
    """A closed terminal ends the program, with nothing left running or waiting to write."""
    with program(server) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.hang_up()
        assert terminal.wait() in (0, 120)  # 120: nothing is left that Python could flush.


def test_closed_window_ends_the_program_without_a_signal(server: LoopbackServer) -> None:
    """A program started by `setsid` gets no SIGHUP; it notices within seconds that its terminal is gone."""
    with program(server, is_controlling=False) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.hang_up()
        assert terminal.wait() in (0, 120)


def test_window_closed_on_a_busy_screen_ends_the_program(server: LoopbackServer, tmp_path: Path) -> None:
    """Output that is still unwritten then is dropped, because waiting for it would last for ever."""
    (tmp_path / "sitecustomize.py").write_text(BUSY)
    with program(server, PYTHONPATH=str(tmp_path)) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.hang_up()
        assert terminal.wait() in (0, 120)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_restores_the_terminal(server: LoopbackServer, number: signal.Signals) -> None:
    """After SIGTERM, SIGHUP or SIGINT the screen, the cursor and the mouse are as before."""
    with program(server) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.send_signal(number)
        assert terminal.wait() == 0
        for ends in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
            assert ends in terminal.raw


@pytest.mark.parametrize(("columns", "rows"), [(40, 8), (250, 70)])
def test_program_opens_at_any_size_and_survives_resizing(
    server: LoopbackServer, columns: int, rows: int
) -> None:
    """The program opens small and large, and a resize draws the new layout."""
    with program(server, columns, rows) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.resize(100, 30)
        terminal.wait_for("Limits")
        terminal.send("q")
        assert terminal.wait() == 0


def test_expired_session_asks_to_sign_in(server: LoopbackServer) -> None:
    """A 403 with `account_session_invalid` asks to sign in again."""
    error = {"type": "permission_error", "message": "Invalid authorization"}
    expired = {"type": "error", "error": error | {"details": {"error_code": "account_session_invalid"}}}

    def refuse(_: Request) -> Answer:
        return Answer.json(expired, status=403)

    server.routes["/api/account"] = refuse
    with program(server) as terminal:
        terminal.wait_for("session expired")
        terminal.wait_for("Unset CLAUDEMETER_COOKIE or set it to a fresh cookie")
        terminal.send("q")
        assert terminal.wait() == 0


def test_crash_shows_no_secret_and_exits_with_1(server: LoopbackServer, tmp_path: Path) -> None:
    """A bug outside of every boundary ends the program loudly, with the terminal restored and no secret."""
    (tmp_path / "sitecustomize.py").write_text(
        "import claudemeter_tui.tui.app as a\n"
        "import os\n"
        "def boom(self):\n"
        "    cookie = os.environ['CLAUDEMETER_COOKIE']\n"
        "    raise RuntimeError('planned')\n"
        "a.Claudemeter.action_usage_page = boom\n"
    )
    environment = {"PYTHONPATH": str(tmp_path), "CLAUDEMETER_COOKIE": SECRET}
    with Terminal([PROGRAM, "--base-url", server.url, "--org", "Personal"], env=environment) as terminal:
        terminal.wait_for("$17.20 of $50.00")
        terminal.send("u")
        assert terminal.wait() == 1
        assert b"planned" in terminal.raw
        assert b"\x1b[?1049l" in terminal.raw
        assert SECRET.encode() not in terminal.raw
