"""Real headless browsers under remote control, cut off from every host but the loopback site."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browsers.site import until


def binary(*names: str) -> str:
    """Return the first of these programs that is installed; skip the test if none is."""
    for name in names:
        if found := shutil.which(name):
            return found
    return pytest.skip(f"{' or '.join(names)} is not installed")


@contextmanager
def _running(command: list[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a browser with its own home; kill it and all its children at the end if it still runs."""
    quiet = subprocess.DEVNULL
    # A short path: the path of a socket in it may have at most 107 characters.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": place}
        process = subprocess.Popen(command, env=environ, stdout=quiet, stderr=quiet, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def list_chromium_command() -> list[str]:
    """Return the command of a Chromium without a window that keeps to itself."""
    return [
        binary("chromium", "chromium-browser"),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--password-store=basic",
        "--ignore-certificate-errors",
    ]


def _chromium_command(home: Path, profile: str, port: int, url: str) -> list[str]:
    rules = f"MAP claude.ai:443 127.0.0.1:{port}, MAP *.test:443 127.0.0.1:{port}, MAP * ~NOTFOUND"
    return [
        *list_chromium_command(),
        f"--user-data-dir={home / '.config/chromium'}",
        f"--profile-directory={profile}",
        f"--host-resolver-rules={rules}, EXCLUDE 127.0.0.1",
        url,
    ]


@contextmanager
def chromium(home: Path, profile: str, port: int, value: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a Chromium that has signed in, with its cookies on the disk as soon as it has written them."""
    url = f"https://claude.ai/login?as={value}&flush=1"
    with _running(_chromium_command(home, profile, port, url), home) as process:
        yield process


def close_chromium(process: subprocess.Popen[bytes]) -> None:
    """Close Chromium as a person does; SIGTERM would lose the last 30 seconds."""
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


@dataclass(frozen=True)
class Firefox:
    """A running Firefox and its remote control, Marionette: `length:[0, id, command, parameters]`."""

    process: subprocess.Popen[bytes]
    link: socket.socket

    def ask(self, command: str, **parameters: Any) -> Any:
        """Send one command and return its reply."""
        message = json.dumps([0, 1, command, parameters])
        self.link.sendall(f"{len(message)}:{message}".encode())
        _, _, error, answer = json.loads(self._message())
        assert error is None, error
        return answer

    def _message(self) -> bytes:
        size = b""
        while not size.endswith(b":"):
            size += self._more(1)
        return self._more(int(size[:-1]))

    def _more(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            part = self.link.recv(size - len(got))
            assert part, "Firefox hung up"
            got += part
        return got

    def visit(self, url: str) -> None:
        """Open an address in the current tab."""
        self.ask("WebDriver:Navigate", url=url)

    def visit_in_container(self, url: str, number: int) -> None:
        """Open an address in a new tab of a container."""
        self.ask("Marionette:SetContext", value="chrome")
        script = (
            "gBrowser.addTab(arguments[0], {userContextId: arguments[1],"
            " triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal()})"
        )
        self.ask("WebDriver:ExecuteScript", script=script, args=[url, number])
        self.ask("Marionette:SetContext", value="content")

    def close(self) -> None:
        """Close Firefox as a person does."""
        self.ask("Marionette:Quit", flags=["eAttemptQuit"])
        self.process.wait(60)


_PREFERENCES = {
    "network.dns.forceResolve": "127.0.0.1",
    "marionette.port": 0,
    "services.settings.server": "data:,",
    "privacy.userContext.enabled": True,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.startup.page": 0,
    "browser.newtabpage.enabled": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
}


@contextmanager
def firefox(home: Path, profile: Path) -> Iterator[Firefox]:
    """Start a Firefox with its own profile and wait until it is up."""
    profile.mkdir(parents=True, exist_ok=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    port_file = profile / "MarionetteActivePort"
    port_file.unlink(missing_ok=True)
    command = [binary("firefox-esr", "firefox"), "--headless", "--no-remote", "--profile", str(profile)]
    with ExitStack() as stack:
        process = stack.enter_context(
            _running([*command, "--marionette", "--remote-allow-system-access"], home)
        )
        port = int(until(lambda: port_file.exists() and port_file.read_text(), lambda: "Firefox's port"))
        link = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        browser = Firefox(process, link)
        browser._message()
        browser.ask("WebDriver:NewSession", acceptInsecureCerts=True)
        yield browser
