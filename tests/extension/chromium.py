"""A real headless Chromium with the extension, alone with a stand-in for claude.ai in an empty network."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.extension.identity import EXTENSION_FOLDER, EXTENSION_ID
from tests.browsers.real_browsers import binary, list_chromium_command
from tests.browsers.site import until
from tests.claude_ai.tls import SELF_SIGNED
from tests.extension import sealed
from tests.extension.devtools import DevTools
from tests.extension.hosts import Hosts, listening
from tests.server import LoopbackServer


@dataclass(frozen=True)
class Page:
    """A page or worker of the browser."""

    devtools: DevTools
    session: str

    def run(self, script: str) -> Any:
        """Return the JSON value of a script, or of its promise."""
        return self.devtools.evaluate(self.session, script)

    @property
    def text(self) -> str:
        """Visible text."""
        return str(self.run("document.body.innerText"))

    def wait_for(self, script: str, expected: object) -> None:
        """Wait until a script has this value."""
        seen: list[object] = []

        def is_there() -> bool:
            seen[:] = [self.run(script)]
            return seen == [expected]

        until(is_there, lambda: f"{script} == {expected!r}, but {seen}")

    def wait_for_text(self, part: str) -> None:
        """Wait until the page shows a text."""
        until(lambda: part in self.text, lambda: f"{part!r} in {self.text!r}")


@dataclass(frozen=True)
class Browser:
    """The running browser, its stand-in for claude.ai, and the hosts that it starts."""

    process: subprocess.Popen[bytes]
    devtools: DevTools
    site: LoopbackServer
    hosts: Hosts

    def visit(self, url: str) -> Page:
        """Open an address in a new tab, and wait until the page is complete."""
        target = self.devtools.call("Target.createTarget", url=url)["targetId"]
        page = Page(self.devtools, self.devtools.attach(target))
        # Until the first reply, the tab has an empty page with another address.
        page.wait_for(f"location.href.startsWith({url!r}) && document.readyState", "complete")
        return page

    def open_popup(self) -> Page:
        """Open the popup's page in a tab."""
        return self.visit(self.find_worker()["url"].replace("worker.js", "popup.html"))

    def find_worker(self) -> dict[str, str]:
        """Return the target of the extension's service worker, once it runs."""

        def find() -> list[dict[str, str]]:
            targets = self.devtools.call("Target.getTargets")["targetInfos"]
            return [target for target in targets if target["url"].endswith("/worker.js")]

        return until(find, lambda: "the service worker")[0]

    def attach_worker(self) -> Page:
        """Attach to the service worker, which then never ends by itself."""
        return Page(self.devtools, self.devtools.attach(self.find_worker()["targetId"]))

    def set_enabled(self, *, is_enabled: bool) -> None:
        """Switch the extension off or on, as on the browser's own page."""
        switch = "true" if is_enabled else "false"
        self.visit("chrome://extensions").run(f"chrome.management.setEnabled('{EXTENSION_ID}', {switch})")

    def allow_unpacked(self) -> None:
        """Switch the developer mode on; without it, the browser loads no folder again."""
        change = "chrome.developerPrivate.updateProfileConfiguration({inDeveloperMode: true})"
        self.visit("chrome://extensions").run(change)

    def kill(self) -> None:
        """Kill the browser and every process of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def prepared() -> Iterator[Hosts]:
    """Yield the hosts of a new browser, whose manifest can be written before it starts."""
    # A short path: the path of a socket in it may have at most 107 characters.
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place,
        listening(Path(place) / "data", Path(place)) as hosts,
    ):
        yield hosts


@contextlib.contextmanager
def running(
    hosts: Hosts, extension: Path = EXTENSION_FOLDER, environment: Mapping[str, str] | None = None
) -> Iterator[Browser]:
    """Start the browser with the extension; `environment` adds variables, which its hosts inherit."""
    user_data, place = hosts.manifest.parent.parent, hosts.program.parent
    with contextlib.ExitStack() as stack:
        home, away = (stack.enter_context(end) for end in socket.socketpair())
        (their_reads, our_writes), (our_reads, their_writes) = os.pipe(), os.pipe()
        devtools = DevTools(our_reads, our_writes)
        stack.callback(devtools.close)
        inherited = (away.fileno(), their_reads, their_writes)
        process = subprocess.Popen(
            [
                *_list_namespace_command(),
                *(sys.executable, "-S", sealed.__file__, *map(str, inherited)),
                *_list_command(user_data, extension),
            ],
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "HOME": str(place),
                "TMPDIR": str(place),
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=inherited,
            start_new_session=True,
        )
        for end in (their_reads, their_writes):
            os.close(end)
        home.settimeout(60)
        _, [listener], _, _ = socket.recv_fds(home, 1, 1)
        site = LoopbackServer(listener=socket.socket(fileno=listener), tls=_load_certificate(place))
        browser = Browser(process, devtools, stack.enter_context(site), hosts)
        stack.callback(browser.kill)
        yield browser


@functools.cache
def _list_namespace_command() -> list[str]:
    """Return the command that starts another one in an empty network; skip the test if none can be made."""
    command = [binary("unshare"), "--net"] if os.geteuid() == 0 else [binary("unshare"), "-r", "--net"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no network namespace")
    return command


def _list_command(user_data: Path, extension: Path) -> list[str]:
    return [
        *list_chromium_command(),
        "--remote-debugging-pipe",
        "--host-resolver-rules=MAP claude.ai 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={user_data}",
        f"--load-extension={extension}",
        f"--disable-extensions-except={extension}",
        "about:blank",
    ]


def _load_certificate(folder: Path) -> ssl.SSLContext:
    file = folder / "site.pem"
    file.write_text(SELF_SIGNED)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context
