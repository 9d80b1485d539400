"""A web site on loopback in place of claude.ai, over TLS, and a helper that waits for its effects."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

T = TypeVar("T")

_FLUSHES = 4
_COOKIES = 170
"""Chromium writes its cookies after 30 s, or once 512 are waiting: four hosts set 170 each."""


class Site(ThreadingHTTPServer):
    """claude.ai's sign-in, without claude.ai.

    `/login?as=VALUE` signs in: it sets VALUE as the session key. With `&flush=1` it continues through
    hosts that set so many cookies that Chromium writes all of them at once.
    """

    daemon_threads = True
    agents: dict[str, str]
    """User-Agent that came with each VALUE."""

    def __init__(self, folder: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_certificate(folder))
        super().__init__(("127.0.0.1", 0), _Page)
        self.agents = {}
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a browser that hangs up."""


class _Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        """Sign in, flush, or reply with an empty page."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if "as" in asked:
            self._sign_in(asked["as"], flush="flush" in asked)
        elif "step" in asked:
            self._flush(int(asked["step"]))
        else:
            self._answer(204)

    def _sign_in(self, value: str, *, flush: bool) -> None:
        self.server.agents[value] = self.headers["User-Agent"]
        stays = "Path=/; Secure; Max-Age=2419200"
        cookies = [f"sessionKey={value}; Domain=claude.ai; HttpOnly; {stays}", f"lastActiveOrg=org; {stays}"]
        self._answer(200, cookies, "https://flush0.test/?step=0" if flush else "")

    def _flush(self, step: int) -> None:
        cookies = [f"c{number}=x; Path=/; Secure; Max-Age=9999" for number in range(_COOKIES)]
        self._answer(
            200, cookies, f"https://flush{step + 1}.test/?step={step + 1}" if step + 1 < _FLUSHES else ""
        )

    def _answer(self, status: int, cookies: list[str] | None = None, onward: str = "") -> None:
        self.send_response(302 if onward else status)
        for cookie in cookies or []:
            self.send_header("Set-Cookie", cookie)
        if onward:
            self.send_header("Location", onward)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    """Serve the site until the end of the block."""
    with Site(folder) as site:
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield site
        site.shutdown()


def until(condition: Callable[[], T], what: Callable[[], str], seconds: float = 60) -> T:
    """Wait for the first true result; fail the test if there is none in time."""
    end, tick = time.monotonic() + seconds, threading.Event()
    while not (answer := condition()):
        assert time.monotonic() < end, f"{what()}: not within {seconds} s"
        tick.wait(0.02)
    return answer


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Return a self-signed certificate and its key; the browsers are started so that they accept any."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl is not installed")
    certificate, key = folder / "site.crt", folder / "site.key"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=claude.ai", "-addext", "subjectAltName=DNS:claude.ai", "-days", "2"]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return certificate, key
