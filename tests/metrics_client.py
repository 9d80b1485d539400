"""A client of the metrics server, and the program with such a server in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from claudemeter_tui.commands.metrics import MetricsRenderer
from claudemeter_tui.commands.metrics_server import MetricsServer
from claudemeter_tui.config.actions import LOOPBACK, ListenAddress
from claudemeter_tui.model.secrets import Secret
from claudemeter_tui.model.store import Store
from tests.scenes import NOW

COOKIE = "sk-ant-sid01-PLANTED-MARKER"
"""The session key of a program."""


def find_free_port() -> int:
    """Return a port that no program uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(
    shown: Store | MetricsRenderer,
    *,
    token: str | None = None,
    host: str = LOOPBACK,
    shows_names: bool = False,
) -> Iterator[MetricsServer]:
    """Serve the metrics of a store or of a renderer during the block."""
    if isinstance(shown, Store):
        renderer = MetricsRenderer(lambda: NOW, shows_names=shows_names)
        renderer.store = shown
    else:
        renderer = shown
    address = ListenAddress(host, find_free_port())
    server = MetricsServer(address, renderer.render, Secret(token) if token is not None else None)
    server.start()
    try:
        yield server
    finally:
        server.close()


def send(server: MetricsServer, request: str, timeout: float = 30) -> str:
    """Send the bytes of a request and return the whole reply; `{host}` is the server's own name."""
    host, port = server.server_address[:2]
    name = f"[{host!s}]" if ":" in str(host) else str(host)
    with socket.create_connection((str(host), int(port)), timeout) as client:
        client.sendall(
            request.replace("{host}", f"{name}:{port}").replace("{port}", str(port)).encode("latin-1")
        )
        client.shutdown(socket.SHUT_WR)
        received = b""
        while part := client.recv(1 << 16):
            received += part
    return received.decode("utf-8")


def get(server: MetricsServer, path: str = "/metrics", host: str = "{host}", *headers: str) -> str:
    """Return the reply to an ordinary request."""
    return send(server, "\r\n".join((f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", "")))


def read_status(reply: str) -> int:
    """Return the status of a reply; 0 if there is none."""
    return int(reply.split(" ", 2)[1]) if reply else 0


def read_samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples of a text in Prometheus' format, parsed by its own library."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Program:
    """The program with a metrics server, from `with` until its end."""

    def __init__(self, home: Path, url: str, *arguments: str, **variables: str) -> None:
        """Read from the server at this address, with a home folder of its own."""
        self.port = find_free_port()
        self.url = f"http://{LOOPBACK}:{self.port}/metrics"
        self._command = [
            *(sys.executable, "-m", "claudemeter_tui", "--base-url", url),
            *("--metrics", f":{self.port}", *arguments),
        ]
        self._environment = {**build_environment(home), **variables}

    def __enter__(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"serving {self.url}\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=60)
        finally:
            self._process.kill()
            self._process.communicate()


def build_environment(home: Path) -> Mapping[str, str]:
    """Return the environment of a program with a session and a home folder."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "CLAUDEMETER_COOKIE": COOKIE}
