"""Everything together: a real Chromium, the extension, the real host, and programs that follow it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from claudemeter_tui.extension.identity import (
    EXTENSION_ID,
    EXTENSION_VERSION,
    HOST_NAME,
    compute_extension_id,
    read_extension_manifest,
)
from tests.bodies import (
    PERSONAL,
    TEAM,
    account_body,
    extra_usage_body,
    org_body,
    overage_body,
    team_body,
    usage_body,
)
from tests.browsers.site import until
from tests.extension.chromium import Browser, Page, prepared, running
from tests.extension.scripted_browser import build_environment
from tests.responses import Answer, Request
from tests.terminal import Terminal

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the browser is started as on Linux"),
]

FAR = "2099-04-25T16:00:00.483912+00:00"
SECRET = b"sk-ant-sid01-planted-in-the-browser"
COOKIE = f"sessionKey={SECRET.decode()}"
RULES = "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=999"
SIGNED_OUT = Answer.json(
    {"error": {"message": "Invalid session", "details": {"error_code": "account_session_invalid"}}},
    status=403,
)
CHALLENGE = Answer(403, {"Content-Type": "text/html", "cf-mitigated": "challenge"}, b"Just a moment...")


class Person:
    """A user with a home folder, one browser, and no session that another program could read."""

    def __init__(self, home: Path) -> None:
        """Start the browser once, so that it is found; these tests keep its profiles elsewhere."""
        self.home = home
        self.environment = build_environment(home)
        self.manifests = home / "config" / "chromium" / "NativeMessagingHosts"
        (home / "config" / "chromium").mkdir(parents=True)
        (home / "config" / "chromium" / "Local State").write_text("{}")

    def run(self, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program."""
        return subprocess.run(
            [sys.executable, "-m", "claudemeter_tui", *flags],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def open_dashboard(self) -> Terminal:
        """Open the dashboard."""
        command = [sys.executable, "-m", "claudemeter_tui"]
        return Terminal(command, columns=120, rows=36, env=self.environment, cwd=self.home)

    @property
    def extension(self) -> Path:
        """Folder that is loaded into the browser."""
        return self.home / "data" / "claudemeter-tui" / "browser-extension"

    def list_host_processes(self) -> list[int]:
        """Return the processes of this person's hosts."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            is_host = any(each.startswith(b"chrome-extension://") for each in arguments)
            if is_host and f"XDG_DATA_HOME={self.home / 'data'}".encode() in variables:
                found.append(int(folder.name))
        return found


@contextmanager
def start(person: Person, extension: Path | None = None) -> Iterator[Browser]:
    """Start the browser with the person's copy of the extension, in developer mode, as it was loaded."""
    with prepared() as hosts:
        user_data = hosts.manifest.parent.parent
        (user_data / "Default").mkdir(parents=True)
        settings = {"extensions": {"ui": {"developer_mode": True}}}
        (user_data / "Default" / "Preferences").write_text(json.dumps(settings))
        hosts.manifest.parent.symlink_to(person.manifests)
        with running(hosts, extension or person.extension, person.environment) as browser:
            serve(browser, {"/api/account": ACCOUNT_OF_PAT, **BLOCKED_ROUTES})
            yield browser


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Install the extension as a person does."""
    person = Person(tmp_path)
    done = person.run("--extension", "install")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(person.extension) in done.stdout
    return person


ACCOUNT_OF_PAT = Answer.json(account_body(org_body(), team_body()))
FULL = usage_body(100.0, 40.0, resets_at=FAR, week_resets_at=FAR, extra_usage=extra_usage_body(5000.0, 5000))
LOCKED = overage_body(5000, 5000, reason="org_level_disabled_until", until=FAR, out_of_credits=True)


def build_usage(percent: float) -> Answer:
    """Return the usage of an org whose 5-hour window has this percentage."""
    return Answer.json(usage_body(percent, resets_at=FAR, week_resets_at=FAR))


BLOCKED_ROUTES = {
    f"/api/organizations/{PERSONAL}/usage": build_usage(83.0),
    f"/api/organizations/{TEAM}/usage": Answer.json(FULL),
    f"/api/organizations/{TEAM}/overage_spend_limit": Answer.json(LOCKED),
}


def serve(browser: Browser, routes: Mapping[str, Answer]) -> None:
    """Serve these replies to the session of the browser; others are signed out."""

    def build_route(answer: Answer) -> Callable[[Request], Answer]:
        return lambda request: answer if COOKIE in request.headers.get("cookie", "") else SIGNED_OUT

    browser.site.routes |= {path: build_route(answer) for path, answer in routes.items()}


def sign_in(browser: Browser, org: str = "Personal") -> Page:
    """Sign in in a tab, refresh, and return the popup with the figures of this org."""
    popup = browser.open_popup()
    popup.wait_for_text("Sign in to claude.ai in Chromium, then click “Refresh now”.")
    browser.site.routes["/login"] = Answer(headers={"Set-Cookie": f"{COOKIE}; {RULES}"})
    browser.visit("https://claude.ai/login")
    refresh(popup)
    popup.wait_for_text(org)
    return popup


def refresh(popup: Page) -> None:
    """Click the button, and wait until it can be clicked again."""
    popup.run("button.click()")
    popup.wait_for("button.disabled", False)


def test_block_reaches_a_dashboard_that_reads_no_cookie(person: Person) -> None:
    """Toolbar, dashboard and scripts show what the browser alone can read, and no file has the cookie."""
    with start(person) as browser, person.open_dashboard() as screen:
        popup = sign_in(browser)
        popup.wait_for_text("BLOCKED")
        popup.wait_for("chrome.action.getBadgeText({})", "!")
        assert str(popup.run("chrome.action.getTitle({})")).startswith("Acme Team: BLOCKED")
        for text in ("BLOCKED", "Acme Team", "Chromium, extension"):
            screen.wait_for(text)
        assert "pat@example.com via Chromium, extension" in person.run("--once").stdout
        assert "BLOCKED" in person.run("--line").stdout
        status = person.run("--extension", "status")
        assert status.returncode == 0, status.stdout
        screen.send("q")
        assert screen.wait() == 0
        asked = {request.path.partition("?")[0] for request in browser.site.requests}
        assert asked <= {"/login", "/favicon.ico", "/api/account", "/api/organizations"} | {
            f"/api/organizations/{org}/{end}"
            for org in (PERSONAL, TEAM)
            for end in ("usage", "overage_spend_limit", "prepaid/credits", "subscription_details")
        }
    kept = [path.read_bytes() for path in person.home.rglob("*") if path.is_file()]
    assert any(b"Acme Team" in content for content in kept)
    assert not any(SECRET in content for content in kept)


def test_killed_host_is_replaced_without_a_loss(person: Person) -> None:
    """The popup says that the host has ended; the next one continues with the figures of the archive."""
    with start(person) as browser:
        popup = sign_in(browser)
        popup.wait_for_text("83.0%")
        [first] = person.list_host_processes()
        os.kill(first, signal.SIGKILL)
        popup.wait_for_text("claudemeter-tui ended. It is started again within a minute.")
        assert popup.run("chrome.action.getBadgeText({})") == "?"
        assert "BLOCKED" in person.run("--line").stdout
        serve(browser, {f"/api/organizations/{PERSONAL}/usage": build_usage(84.0)})
        popup.run("button.click()")
        popup.wait_for_text("84.0%")
        [second] = person.list_host_processes()
        assert second != first
        assert "84.0%" in person.run("--once").stdout


def test_killed_browser_ends_the_host(person: Person) -> None:
    """The host ends with the browser, and a dashboard says why there are no new figures."""
    with start(person) as browser, person.open_dashboard() as screen:
        sign_in(browser).wait_for_text("83.0%")
        screen.wait_for("Acme Team")
        assert len(person.list_host_processes()) == 1
        browser.kill()
        until(lambda: not person.list_host_processes(), lambda: "the end of the host")
        screen.wait_for("browser closed")
        assert person.run("--extension", "status").returncode == 3


def test_foreign_extension_is_refused(person: Person, tmp_path: Path) -> None:
    """An extension with another id gets nothing, even if a manifest lets it start the host."""
    folder = tmp_path / "foreign"
    shutil.copytree(person.extension, folder)
    facts = read_extension_manifest(folder)
    del facts["key"]
    (folder / "manifest.json").write_text(json.dumps(facts))
    manifest = person.manifests / f"{HOST_NAME}.json"
    # Without a key, the id follows from the folder.
    foreign = compute_extension_id(b64encode(str(folder).encode()).decode())
    given = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(given | {"allowed_origins": [f"chrome-extension://{foreign}/"]}))
    with start(person, folder) as browser:
        assert browser.find_worker()["url"] == f"chrome-extension://{foreign}/worker.js"
        popup = browser.open_popup()
        popup.wait_for_text("claudemeter-tui ended at once.")
        assert browser.site.requests == []
    assert not (person.home / "data" / "claudemeter-tui" / "history.sqlite").exists()


def test_challenge_is_named(person: Person) -> None:
    """A check by Cloudflare has its sentence and ends the wait of the button; figures return after it."""
    with start(person) as browser:
        popup = sign_in(browser)
        browser.site.routes |= dict.fromkeys(("/api/account", *BLOCKED_ROUTES), CHALLENGE)
        refresh(popup)
        popup.wait_for_text("Cloudflare")
        refresh(popup)
        serve(browser, {"/api/account": ACCOUNT_OF_PAT, **BLOCKED_ROUTES})
        serve(browser, {f"/api/organizations/{PERSONAL}/usage": build_usage(84.0)})
        popup.run("button.click()")
        popup.wait_for_text("84.0%")


def test_two_profiles_are_two_sessions(person: Person) -> None:
    """Two browsers at once have a session each, and every program shows the orgs of both."""
    other = "cccccccc-0000-4000-8000-000000000009"
    account = account_body(org_body(other, "Sam's"), email="sam@example.com", uuid=other)
    with start(person) as first, start(person) as second:
        serve(second, {"/api/account": Answer.json(account)})
        serve(second, {f"/api/organizations/{other}/usage": build_usage(7.0)})
        sign_in(first)
        sign_in(second, "Sam's")
        assert len(person.list_host_processes()) == 2
        printed = person.run("--once").stdout
        for text in ("Acme Team", "via Chromium, extension ", "Sam's", "via Chromium, extension 2 "):
            assert text in printed


def test_old_copy_is_renewed_and_loaded(person: Person) -> None:
    """An upgrade of the program reaches the extension without a click."""
    manifest = person.extension / "manifest.json"
    manifest.write_text(json.dumps(read_extension_manifest(person.extension) | {"version": "0.1"}))
    with start(person) as browser:
        page = browser.visit("chrome://extensions")
        info = f"chrome.developerPrivate.getExtensionInfo('{EXTENSION_ID}')"
        page.wait_for(f"{info}.then((it) => [it.version, it.state])", [EXTENSION_VERSION, "ENABLED"])
        popup = sign_in(browser)
        assert "of another version" not in popup.text


def test_removal_leaves_nothing(person: Person) -> None:
    """After the removal, the browser finds no host, and there is no file of the extension."""
    with start(person) as browser:
        popup = sign_in(browser)
        done = person.run("--extension", "remove")
        assert (done.returncode, done.stderr) == (0, "")
        assert not person.extension.exists()
        assert not list(person.manifests.glob("*"))
        [host] = person.list_host_processes()
        os.kill(host, signal.SIGKILL)
        popup.wait_for_text("ended")
        popup.run("button.click()")
        popup.wait_for_text("claudemeter-tui is not installed for this browser.")
        assert person.list_host_processes() == []
