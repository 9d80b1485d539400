"""The browser extension's host as a process, between a scripted browser and programs that follow it."""

from __future__ import annotations

import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudemeter_tui.extension.identity import EXTENSION_ORIGIN
from claudemeter_tui.extension.messages import MAX_RECEIVED_BYTES
from claudemeter_tui.history.hosts import read_hosts
from claudemeter_tui.model.account import Account
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.extension import HostRecord
from claudemeter_tui.model.reading import ErrorKind, name_session
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from tests.bodies import (
    ACCOUNT,
    PERSONAL,
    TEAM,
    account_body,
    extra_usage_body,
    org_body,
    overage_body,
    team_body,
    usage_body,
)
from tests.extension.scripted_browser import PATIENCE, ScriptedBrowser, build_environment
from tests.responses import Answer
from tests.server import LoopbackServer
from tests.terminal import Terminal

pytestmark = pytest.mark.slow

FAR = "2099-04-25T16:00:00.483912+00:00"
ECHOED = "sk-ant-sid01-echoed-by-the-server"
SIGNED_OUT = Answer.json(
    {"error": {"message": "Invalid session", "details": {"error_code": "account_session_invalid"}}},
    status=403,
)
CHALLENGED = Answer.json({}, 403, **{"cf-mitigated": "challenge"})
PAT = Account(ACCOUNT, "pat@example.com")
SAM = "cccccccc-0000-4000-8000-000000000009"


def usage_path(org: str) -> str:
    """Return the path of an org's usage."""
    return f"/api/organizations/{org}/usage"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start claude.ai: a personal org at 83%, and a team whose plan and credits are used up."""
    with LoopbackServer() as started:
        started.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        started.routes[usage_path(PERSONAL)] = Answer.json(
            usage_body(83.0, resets_at=FAR, week_resets_at=FAR)
        )
        started.routes[usage_path(TEAM)] = Answer.json(
            usage_body(
                100.0, 40.0, resets_at=FAR, week_resets_at=FAR, extra_usage=extra_usage_body(5000.0, 5000)
            )
        )
        started.routes[f"/api/organizations/{TEAM}/overage_spend_limit"] = Answer.json(
            overage_body(5000, 5000, reason="org_level_disabled_until", until=FAR, out_of_credits=True)
        )
        yield started


def list_hosts(home: Path) -> tuple[HostRecord, ...]:
    """Return the entries of the hosts."""
    return read_hosts(home / "data" / "claudemeter-tui" / "history.sqlite", CLAUDE_AI_ORIGIN)


def write_settings(home: Path, line: str) -> None:
    """Write a config file with this line."""
    file = home / "config" / "claudemeter-tui" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{line}\n")


def run_program(home: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program as the same user, who has no other session."""
    command = [sys.executable, "-m", "claudemeter_tui", *flags]
    return subprocess.run(
        command, env=build_environment(home), cwd=home, capture_output=True, text=True, check=False
    )


def wait_for_poll(browser: ScriptedBrowser, home: Path, number: int = 1) -> HostRecord:
    """Wait until this many hosts have kept the entry of a complete poll; return the first one."""
    browser.wait_for(lambda one: one.shown.get("read_at") is not None)
    found: list[HostRecord] = []

    def are_kept(_: ScriptedBrowser) -> bool:
        found[:] = [host for host in list_hosts(home) if host.account is not None]
        if len(found) < number:
            browser.send({"type": "refresh"})  # the next message of the host checks again
        return len(found) >= number

    browser.wait_for(are_kept)
    return found[0]


def test_toolbar_shows_the_worst_org(tmp_path: Path, server: LoopbackServer) -> None:
    """The badge is `!` for the blocked team, and the lines are those of `--once` for both orgs."""
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for(lambda one: one.shown.get("badge") == "!")
        browser.wait_for_line("Personal")
        wait_for_poll(browser, tmp_path)
        assert browser.shown["level"] == "critical"
        assert str(browser.shown["title"]).startswith("Acme Team: BLOCKED")
        printed = run_program(tmp_path, "--once").stdout.splitlines()
        assert sorted(filter(None, printed)) == sorted(filter(None, browser.list_lines()))


def test_host_asks_only_for_known_replies(tmp_path: Path, server: LoopbackServer) -> None:
    """Each request is a path of the catalogue, and the usage comes first of an org."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
    patterns = {
        one.facts.path.format(org=org, account=ACCOUNT) for one in Endpoint for org in (PERSONAL, TEAM)
    }
    assert set(browser.paths) <= patterns
    assert browser.paths[0] == "/api/account"


def test_other_programs_follow_without_a_cookie(tmp_path: Path, server: LoopbackServer) -> None:
    """`--once`, `--sessions` and `--line` have the figures, and send no request of their own."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        before = server.paths()
        once = run_program(tmp_path, "--once")
        assert (once.returncode, once.stderr) == (0, "")
        assert "pat@example.com via Chrome, extension" in once.stdout
        table = run_program(tmp_path, "--sessions")
        assert table.returncode == 0
        assert "extension running" in table.stdout
        assert "BLOCKED" in run_program(tmp_path, "--line").stdout
        assert server.paths() == before
    (host,) = list_hosts(tmp_path)
    assert (name_session("Chrome", 1), PAT, None, False) == (
        host.session,
        host.account,
        host.error_kind,
        host.is_running,
    )


def test_dashboard_shows_the_block_and_the_closed_browser(tmp_path: Path, server: LoopbackServer) -> None:
    """A dashboard without a cookie shows BLOCKED, then that the browser was closed, then new figures."""
    environment = build_environment(tmp_path)
    command = [sys.executable, "-m", "claudemeter_tui"]
    with Terminal(command, columns=120, rows=36, env=environment, cwd=tmp_path) as screen:
        screen.wait_for("No claude.ai session found")
        with ScriptedBrowser(tmp_path, server) as browser:
            screen.wait_for("BLOCKED")
            screen.wait_for("Acme Team")
            browser.process.kill()
            screen.wait_for("browser closed")
        server.routes[usage_path(TEAM)] = Answer.json(usage_body(12.0, resets_at=FAR, week_resets_at=FAR))
        server.routes[f"/api/organizations/{TEAM}/overage_spend_limit"] = Answer.json(overage_body())
        with ScriptedBrowser(tmp_path, server) as browser:
            browser.wait_for(lambda one: one.shown.get("badge") == "83%")
            screen.wait_for(lambda one: "browser closed" not in one.text and "CAN WORK" in one.text)
        screen.send("q")
        assert screen.wait() == 0


def test_refresh_polls_now(tmp_path: Path, server: LoopbackServer) -> None:
    """The popup's button starts a poll, and the toolbar shows its result."""
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("83.0%")
        server.routes[usage_path(PERSONAL)] = Answer.json(usage_body(84.0, resets_at=FAR, week_resets_at=FAR))
        browser.send({"type": "refresh"})
        browser.wait_for_line("84.0%", 30)


def test_refresh_without_a_change_is_answered(tmp_path: Path, server: LoopbackServer) -> None:
    """The popup gets the same contents again, because its button waits for them."""
    server.routes["/api/account"] = SIGNED_OUT
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("Sign in to claude.ai")
        before = browser.shown
        shows = sum(one["type"] == "show" for one in browser.messages)
        browser.send({"type": "refresh"})
        browser.wait_for(lambda one: sum(it["type"] == "show" for it in one.messages) > shows)
        assert browser.shown == before


def test_host_ends_with_the_browser(tmp_path: Path, server: LoopbackServer) -> None:
    """The end of standard input ends the host at once, with status 0 and without a word."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        assert browser.close() == 0
        assert browser.printed == ""


def test_sigterm_ends_the_host_in_order(tmp_path: Path, server: LoopbackServer) -> None:
    """SIGTERM ends the host, and its entry says so."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        browser.process.send_signal(signal.SIGTERM)
        assert browser.process.wait(PATIENCE) == 0
    assert [host.is_running for host in list_hosts(tmp_path)] == [False]


def test_killed_host_counts_as_ended(tmp_path: Path, server: LoopbackServer) -> None:
    """The entry of a killed host still names its process, which is gone."""
    with ScriptedBrowser(tmp_path, server) as browser:
        assert wait_for_poll(browser, tmp_path).is_running
        browser.process.kill()
        browser.process.wait(PATIENCE)
        assert [host.is_running for host in list_hosts(tmp_path)] == [False]


@pytest.mark.parametrize("caller", ["", "chrome-extension://abcdefghijklmnopabcdefghijklmnop/", "--demo"])
def test_foreign_caller_is_refused(tmp_path: Path, caller: str) -> None:
    """Another extension or a person gets a sentence on standard error, and no message."""
    with ScriptedBrowser(tmp_path, None, caller=caller) as browser:
        assert browser.close() == 2
        assert (browser.messages, browser.paths) == ([], [])
        assert "only the browser extension may start this program" in browser.printed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (SIGNED_OUT, ErrorKind.EXPIRED, "Sign in to claude.ai in Chrome, then click “Refresh now”."),
        (CHALLENGED, ErrorKind.CHALLENGE, "Open claude.ai in the browser once to pass the check, then click"),
    ],
    ids=["signed out", "challenge"],
)
def test_account_that_cannot_be_read(
    tmp_path: Path, server: LoopbackServer, answer: Answer, kind: ErrorKind, text: str
) -> None:
    """The popup says what happened and what helps, and `--sessions` has the same cause."""
    server.routes["/api/account"] = answer
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line(text)
        assert tuple(browser.shown[key] for key in ("badge", "level", "read_at")) == ("?", "unknown", None)
        table = run_program(tmp_path, "--sessions")
        assert table.returncode == 3
        assert str(kind) in table.stdout
        server.routes["/api/account"] = Answer.json(account_body(org_body(), team_body()))
        browser.send({"type": "refresh"})
        browser.wait_for_line("83.0%", 30)


def test_session_that_expires_is_named_everywhere(tmp_path: Path, server: LoopbackServer) -> None:
    """A program that follows names the cause, and not a closed browser; no org counts as removed."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        for path in list(server.routes):
            server.routes[path] = SIGNED_OUT
        browser.send({"type": "refresh"})

        def is_expired(_: ScriptedBrowser) -> bool:
            browser.send({"type": "refresh"})  # the next message of the host checks again
            return [host.error_kind for host in list_hosts(tmp_path)] == [ErrorKind.EXPIRED]

        browser.wait_for(is_expired)
        once = run_program(tmp_path, "--once")
        assert once.returncode == 3
        assert "session expired" in once.stderr
    run_program(tmp_path, "--once")
    run_program(tmp_path, "--export", "events.csv", "--what", "events")
    assert "org removed" not in (tmp_path / "events.csv").read_text()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("failed", "The browser got no answer from claude.ai"),
        ("offline", "The network is unreachable."),
        ("refused", "The extension in the browser is older"),
        ("invented", "Unreadable reply."),
    ],
)
def test_requests_that_the_browser_cannot_send(
    tmp_path: Path, server: LoopbackServer, error: str, text: str
) -> None:
    """Each error of the extension has a sentence; figures that were read stay, with their age."""
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.errors["/api/account"] = error
        browser.wait_for_line(text)


def test_two_profiles_of_one_account_share_the_polls(tmp_path: Path, server: LoopbackServer) -> None:
    """The second profile has a name of its own, shows the same figures, and polls no org."""
    with ScriptedBrowser(tmp_path, server) as first:
        wait_for_poll(first, tmp_path)
        with ScriptedBrowser(tmp_path, server) as second:
            wait_for_poll(second, tmp_path, 2)
    sessions = [host.session for host in list_hosts(tmp_path)]
    assert [name_session("Chrome", 1), name_session("Chrome", 2)] == sessions


def test_two_profiles_of_two_accounts_are_both_read(tmp_path: Path, server: LoopbackServer) -> None:
    """A follower shows the orgs of both accounts."""
    with LoopbackServer() as sams:
        sams.routes["/api/account"] = Answer.json(
            account_body(org_body(SAM, "Sam's"), email="sam@example.com", uuid=SAM)
        )
        sams.routes[usage_path(SAM)] = Answer.json(usage_body(7.0, resets_at=FAR, week_resets_at=FAR))
        with ScriptedBrowser(tmp_path, server) as first, ScriptedBrowser(tmp_path, sams) as second:
            wait_for_poll(first, tmp_path)
            second.wait_for_line("Sam's")
            wait_for_poll(second, tmp_path, 2)
            printed = run_program(tmp_path, "--once").stdout
    assert all(name in printed for name in ("Personal", "Acme Team", "Sam's"))


def test_other_version_reloads(tmp_path: Path, server: LoopbackServer) -> None:
    """An extension of another version is reloaded once, and its popup names the cure beside the figures."""
    with ScriptedBrowser(tmp_path, server, version="0.9") as browser:
        browser.wait_for_line("83.0%")
        browser.wait_for_line("The extension in this browser is of another version")
    assert sum(one.get("type") == "reload" for one in browser.messages) == 1


@pytest.mark.parametrize(
    ("brand", "name"),
    [
        ("Google Chrome", "Chrome"),
        ("Microsoft Edge", "Edge"),
        ("Brave", "Brave"),
        ("Opera GX", "Opera"),
        ("\x1b]0;evil\x07", "Chromium"),
        ("", "Chromium"),
    ],
)
def test_session_has_the_name_of_the_browser(
    tmp_path: Path, server: LoopbackServer, brand: str, name: str
) -> None:
    """A brand becomes the program's own name for that browser; an unknown one is Chromium."""
    with ScriptedBrowser(tmp_path, server, brand=brand) as browser:
        assert name_session(name, 1) == wait_for_poll(browser, tmp_path).session


def test_invalid_setting_is_shown_in_the_popup(tmp_path: Path, server: LoopbackServer) -> None:
    """The popup has the sentence that the program prints; the host stays, and sends no request."""
    write_settings(tmp_path, "interval = 'often'")
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("interval")
        assert browser.process.poll() is None
        assert browser.paths == []
        write_settings(tmp_path, "interval = 60")
        browser.send({"type": "refresh"})
        browser.wait_for_line("83.0%")


def test_ignored_browser_is_not_read(tmp_path: Path, server: LoopbackServer) -> None:
    """The setting `ignore` stops the host of that browser, and the popup says so."""
    write_settings(tmp_path, "ignore = ['chrome']")
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("the setting `ignore` names Chrome")
        assert browser.close() == 0
    assert browser.paths == []
    with ScriptedBrowser(tmp_path, server, brand="Brave") as browser:
        browser.wait_for_line("83.0%")


def test_popup_hides_names_if_the_settings_do(tmp_path: Path, server: LoopbackServer) -> None:
    """With `privacy`, the toolbar has the pseudonyms of the dashboard."""
    write_settings(tmp_path, "privacy = true")
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("83.0%")
        browser.wait_for(lambda one: one.shown.get("badge") == "!")
    shown = str([one for one in browser.messages if one.get("type") == "show"])
    assert not any(name in shown for name in ("Acme", "Personal", "pat@example", PERSONAL, TEAM))


def test_archive_that_cannot_be_written_is_reported(tmp_path: Path, server: LoopbackServer) -> None:
    """The popup shows the figures, and that their history is not kept."""
    data = tmp_path / "data"
    data.write_text("a file in the place of the folder")
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("83.0%")
        browser.wait_for_line("history not kept")


def test_echoed_key_is_removed(tmp_path: Path, server: LoopbackServer) -> None:
    """A session key in a reply is in no message and in no file."""
    server.routes["/api/account"] = Answer.json(account_body(org_body(name=f"Org {ECHOED}")))
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("83.0%")
        wait_for_poll(browser, tmp_path)
    assert ECHOED not in str(browser.messages)
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(ECHOED.encode() in content for content in kept)


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("=I", MAX_RECEIVED_BYTES + 1),
        struct.pack("=I", 100) + b"{}",
        b"\x01",
    ],
    ids=["too long", "cut off", "half a length"],
)
def test_broken_stream_ends_the_host(tmp_path: Path, server: LoopbackServer, content: bytes) -> None:
    """A stream that cannot be continued ends the host without a traceback."""
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("83.0%")
        browser.send_bytes(content)
        assert browser.close() == 0
        assert browser.printed == ""


def test_hostile_messages_are_ignored(tmp_path: Path, server: LoopbackServer) -> None:
    """Messages that are no object, of no known type or for no request change nothing."""
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("83.0%")
        for body in (b"[]", b"null", b"{", b"[" * 100_000, b'{"type": NaN}', b"\xff", b""):
            browser.send_bytes(struct.pack("=I", len(body)) + body)
        for number in (True, None, "1", -1, 1e300, [1]):
            browser.send({"type": "reply", "id": number, "status": 200, "body": "{}"})
        server.routes[usage_path(PERSONAL)] = Answer.json(usage_body(85.0, resets_at=FAR, week_resets_at=FAR))
        browser.send({"type": "refresh"})
        browser.wait_for_line("85.0%", 30)


def test_host_stays_small(tmp_path: Path, server: LoopbackServer) -> None:
    """After a poll the host has at most 48 MiB, and has loaded neither a screen nor a network library."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        status = Path(f"/proc/{browser.process.pid}/status").read_text()
        (resident,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        maps = Path(f"/proc/{browser.process.pid}/maps").read_text()
        assert "pydantic_core" in maps
        assert "textual" not in maps
    assert int(resident) <= 48 << 10


def test_variables_of_the_browser_cannot_name_another_server(tmp_path: Path, server: LoopbackServer) -> None:
    """The extension asks claude.ai only, so its history belongs to that origin, and no cookie is read."""
    variables = {
        "CLAUDEMETER_BASE_URL": "http://127.0.0.1:1",
        "CLAUDEMETER_COOKIE": "sessionKey=sk-ant-sid01-x",
    }
    with ScriptedBrowser(tmp_path, server, variables=variables) as browser:
        assert wait_for_poll(browser, tmp_path).account == PAT


def test_caller_is_the_extension() -> None:
    """The origin that the browser names has the id of the extension."""
    assert re.fullmatch(r"chrome-extension://[a-p]{32}/", EXTENSION_ORIGIN)
