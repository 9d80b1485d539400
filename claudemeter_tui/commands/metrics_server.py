"""The HTTP server of `--metrics HOST:PORT`: one page for Prometheus.

A web page in a browser can send requests to any address on this machine, and reads the answers if its own
host name resolves to that address (DNS rebinding). The browser then sends that name as `Host`, so only
requests with the server's own name are answered.
"""

from __future__ import annotations

import hmac
import re
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from time import monotonic
from typing import Any

from claudemeter_tui.config.actions import LOOPBACK, ListenAddress
from claudemeter_tui.model.secrets import Secret, is_loopback
from claudemeter_tui.settings import SettingsError, describe_os_error, is_secret
from claudemeter_tui.storage import read_start

METRICS_PATH = "/metrics"
METHODS = ("GET", "HEAD")
"""Methods that are answered; HEAD like GET without the body."""
MAX_HEAD_BYTES = 16_384
"""Maximum bytes of a request without its body; Prometheus sends a few hundred."""
HEAD_SECONDS = 5.0
"""Seconds in which a request must be complete."""
SEND_SECONDS = 10.0
"""Seconds in which a client must accept the reply: Prometheus' own default for a whole scrape."""
MAX_CONNECTIONS = 32
"""Maximum number of connections at a time; more are closed at once."""
MAX_TOKEN_BYTES = 4096
_HTTP_PORT = 80
_PLAIN = "text/plain; charset=utf-8"
_HEAD_END = re.compile(rb"\r?\n\r?\n")

Render = Callable[[str], tuple[bytes, str]]
"""Return the metrics in the best format for an `Accept` header, and their content type."""


def read_token(place: str, path: Path) -> Secret:
    """Return the token in a file.

    Raises:
        SettingsError: The file cannot be read or holds no token; the text begins with `place`.
    """
    place = f"{place}: {str(path)!r}"
    try:
        text = read_start(path, MAX_TOKEN_BYTES + 1).decode().strip()
    except OSError as error:
        raise SettingsError(f"{place}: {describe_os_error(error)}") from None
    except UnicodeDecodeError:
        text = "\0"
    if not text:
        raise SettingsError(
            f"{place}: empty file; write a token into it, such as the output of openssl rand -hex 32"
        )
    if len(text) > MAX_TOKEN_BYTES or not all("!" <= char <= "~" for char in text):
        raise SettingsError(f"{place}: not a token (one line of ASCII without blanks)")
    if is_secret(text):
        raise SettingsError(f"{place}: a session key must not be used as a token")
    return Secret(text)


def list_hosts(address: ListenAddress) -> frozenset[str]:
    """Return the `Host` headers that are accepted: the given name, and on loopback the usual names of it."""
    names = {address.host}
    with suppress(ValueError):  # a host name
        names.add(str(ip_address(address.host)))
    if is_loopback(address.host):
        names |= {"localhost", LOOPBACK, "::1"}
    bare = {f"[{name}]" if ":" in name else name for name in names}
    hosts = {f"{name}:{address.port}" for name in bare}
    return frozenset(hosts | bare if address.port == _HTTP_PORT else hosts)


class MetricsServer(ThreadingMixIn, TCPServer):
    """Serves the metrics in threads, from `start` until `close`."""

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS
    # On Windows this would let two programs share the port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, address: ListenAddress, render: Render, token: Secret | None = None) -> None:
        """Listen on an address.

        Args:
            address: the address.
            render: called in a thread for each scrape.
            token: the token that every request needs. None if it needs none.

        Raises:
            SettingsError: The address cannot be used.
        """
        self.render = render
        self.token = token
        self.hosts = list_hosts(address)
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        shown = (
            f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
        )
        self.url = f"http://{shown}{METRICS_PATH}"
        """Address of the metrics."""
        try:
            found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
            self.address_family, *_, place = found[0]
            if ip_address(str(place[0]).partition("%")[0]).is_unspecified:
                raise SettingsError(
                    f"--metrics: {address.host} stands for every address of this machine; give the one that"
                    " Prometheus uses"
                )
            super().__init__(place, _Handler)  # type: ignore[arg-type]
        except OSError as error:
            raise SettingsError(f"--metrics: {shown}: {describe_os_error(error).lower()}") from None

    def start(self) -> None:
        """Serve in a thread that no exit waits for."""
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop serving; requests under way are not waited for."""
        self.shutdown()
        self.socket.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a request in a thread, if not too many are under way."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of a bug; a client that has gone is none."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request, then closes the connection."""

    server: MetricsServer
    server_version, sys_version = "claudemeter-tui", ""
    disable_nagle_algorithm = True
    # A request that cannot be parsed is refused with a status line, too.
    command, requestline, request_version = "", "", "HTTP/1.0"
    default_request_version = "HTTP/1.0"

    def handle(self) -> None:
        """Read a request with limits of size and time, and answer it."""
        head = self._read_head()
        if head is None:
            return
        self.rfile.close()
        self.rfile = BytesIO(head)
        self.raw_requestline = self.rfile.readline()
        if self.parse_request():
            self._answer()

    def _read_head(self) -> bytes | None:
        """Return a request up to the end of its headers. None if it is too slow, too large or broken off."""
        deadline, head, end = monotonic() + HEAD_SECONDS, b"", None
        while end is None:
            left = deadline - monotonic()
            if left <= 0:
                return None
            self.connection.settimeout(left)
            part = self.connection.recv(1 << 16)
            if not part:
                return None
            head += part
            end = _HEAD_END.search(head)
            if (len(head) if end is None else end.start()) > MAX_HEAD_BYTES:
                self._send(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return None
        return head[: end.end()]

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].strip().lower() not in self.server.hosts:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, f"the address here is {self.server.url}\n".encode())
        elif not self._is_authorized():
            self._send(HTTPStatus.UNAUTHORIZED, header=("WWW-Authenticate", "Bearer"))
        elif (path := self.path.partition("?")[0]) not in ("/", METRICS_PATH):
            self._send(HTTPStatus.NOT_FOUND)
        elif self.command not in METHODS:
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, header=("Allow", ", ".join(METHODS)))
        elif path == METRICS_PATH:
            # The content type repeats a part of this header, which can continue on another line.
            accept = " ".join(self.headers.get("Accept", "").split())
            body, content_type = self.server.render(accept)
            self._send(HTTPStatus.OK, body, content_type)
        else:
            self._send(HTTPStatus.OK, f"claudemeter-tui: the metrics are at {METRICS_PATH}\n".encode())

    def _is_authorized(self) -> bool:
        """Return True if no token is needed, or the request has it; the comparison takes constant time."""
        if self.server.token is None:
            return True
        given = self.headers.get_all("Authorization", [])
        scheme, _, token = given[0].strip().partition(" ") if len(given) == 1 else ("", "", "")
        wanted = self.server.token.reveal().encode()
        is_same = hmac.compare_digest(token.strip().encode("latin-1", "replace"), wanted)
        return is_same and scheme.lower() == "bearer"

    def _send(
        self,
        status: HTTPStatus,
        body: bytes | None = None,
        content_type: str = _PLAIN,
        header: tuple[str, str] | None = None,
    ) -> None:
        """Send a reply; without a body, its status in words."""
        self.connection.settimeout(SEND_SECONDS)
        body = f"{status.phrase}\n".encode() if body is None else body
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if header is not None:
            self.send_header(*header)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse a request that cannot be parsed; the base class would quote it."""
        self._send(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Log nothing: a request can hold a token."""
