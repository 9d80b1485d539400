"""`--extension` with a real host: what the status says while it runs, and after its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui import __version__
from claudemeter_tui.extension.identity import EXTENSION_FOLDER
from claudemeter_tui.formatting.extension import is_working
from claudemeter_tui.history.hosts import add_missing_polls
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN
from tests.bodies import PERSONAL, account_body, org_body, usage_body
from tests.extension.scripted_browser import ScriptedBrowser
from tests.extension.test_host import FAR, SIGNED_OUT, list_hosts, run_program, usage_path, wait_for_poll
from tests.responses import Answer, Held
from tests.server import LoopbackServer

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start claude.ai with one org."""
    with LoopbackServer() as started:
        started.routes["/api/account"] = Answer.json(account_body(org_body()))
        started.routes[usage_path(PERSONAL)] = Answer.json(
            usage_body(83.0, resets_at=FAR, week_resets_at=FAR)
        )
        yield started


def read_row(home: Path, name: str) -> tuple[int, str]:
    """Return the exit status of `--extension status` and its row with this name."""
    printed = run_program(home, "--extension", "status")
    (row,) = (line for line in printed.stdout.splitlines() if line.startswith(name))
    return printed.returncode, row


def test_status_follows_the_host(tmp_path: Path, server: LoopbackServer) -> None:
    """It works while the browser is open; later the status says that it is closed, until it is removed."""
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        status, row = read_row(tmp_path, "Chrome, extension")
        assert (status, row.split()[2]) == (0, "works")
        assert f"claudemeter-tui {__version__}, pat@example.com" in row
        assert "last reply" in row
        removed = run_program(tmp_path, "--extension", "remove")
        assert (removed.returncode, "The extension still runs in Chrome." in removed.stdout) == (0, True)
    status, row = read_row(tmp_path, "Chrome, extension")
    assert (status, "browser closed  Start Chrome, and check" in row) == (3, True)
    assert run_program(tmp_path, "--extension", "remove").returncode == 0
    assert list_hosts(tmp_path) == ()


def test_status_of_a_host_without_an_entry(tmp_path: Path, server: LoopbackServer) -> None:
    """After the removal of the history the host still runs, and its next poll has an entry again.

    Later, the browser is closed; until the extension is removed, it is not called "not loaded".
    """
    forget = ("--forget", "all", "--yes")
    with ScriptedBrowser(tmp_path, server) as browser:
        wait_for_poll(browser, tmp_path)
        # The next poll follows the removal at once, because no one has figures then.
        account = server.routes["/api/account"] = Held(Answer.json(account_body(org_body())))
        assert run_program(tmp_path, *forget).returncode == 0
        status, row = read_row(tmp_path, "Chrome, extension")
        assert (status, "no poll kept  The extension runs, but the history has no poll" in row) == (3, True)
        removed = run_program(tmp_path, "--extension", "remove").stdout
        assert "The extension still runs in Chrome." in removed
        assert len(list_locks(tmp_path)) == 1
        account.release()
        wait_for_poll(browser, tmp_path)
        assert read_row(tmp_path, "Chrome, extension")[0] == 0
    assert run_program(tmp_path, *forget).returncode == 0
    status, row = read_row(tmp_path, "Chrome, extension")
    assert (status, "browser closed  Start Chrome, and check" in row) == (3, True)
    run_program(tmp_path, "--extension", "remove")
    assert list_locks(tmp_path) == []


def list_locks(home: Path) -> list[Path]:
    """Return the lock files of the hosts."""
    return list((home / "state").rglob("*extension*"))


def test_status_while_the_history_cannot_be_written(tmp_path: Path, server: LoopbackServer) -> None:
    """The extension runs all the same."""
    (tmp_path / "data").write_text("a file in the place of the folder")
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("history not kept")
        assert "no poll kept" in read_row(tmp_path, "Chrome, extension")[1]


def test_status_names_polls_that_are_not_kept(tmp_path: Path, server: LoopbackServer) -> None:
    """On a disk that fills up later, the last kept entry stays; the next poll that is due is then missing."""
    with ScriptedBrowser(tmp_path, server) as browser:
        seen_at = wait_for_poll(browser, tmp_path).seen_at
        archive = tmp_path / "data" / "claudemeter-tui" / "history.sqlite"
        for later, since in ((timedelta(0), None), (timedelta(minutes=2), seen_at)):
            now = datetime.now(UTC) + later
            (host,) = add_missing_polls(archive, CLAUDE_AI_ORIGIN, list_hosts(tmp_path), now)
            assert host.unkept_since == since
            assert is_working(host) is (since is None)


def test_status_names_a_signed_out_browser(tmp_path: Path, server: LoopbackServer) -> None:
    """The cause and the cure are those of the program."""
    server.routes["/api/account"] = SIGNED_OUT
    with ScriptedBrowser(tmp_path, server) as browser:
        browser.wait_for_line("Sign in to claude.ai in Chrome")
        browser.wait_for(lambda _: any(host.error_kind for host in list_hosts(tmp_path)))
        status, row = read_row(tmp_path, "Chrome, extension")
        assert (status, "session expired  Sign in to claude.ai in Chrome." in row) == (3, True)


def test_remove_creates_no_archive(tmp_path: Path) -> None:
    """Without a history there is nothing to forget, and no file afterwards."""
    printed = run_program(tmp_path, "--extension", "remove")
    assert (printed.returncode, printed.stdout) == (0, "The extension was not installed.\n")
    assert not list(tmp_path.rglob("*.sqlite*"))


def test_host_renews_the_files_of_another_version(tmp_path: Path, server: LoopbackServer) -> None:
    """The extension reloads the files of this version, not those that it has."""
    folder = tmp_path / "data" / "claudemeter-tui" / "browser-extension"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"version": "0.9"}')
    with ScriptedBrowser(tmp_path, server, version="0.9") as browser:
        browser.wait_for(lambda one: any(message.get("type") == "reload" for message in one.messages))
    current = (EXTENSION_FOLDER / "manifest.json").read_text()
    assert (folder / "manifest.json").read_text() == current
