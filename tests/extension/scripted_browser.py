"""A browser with the extension, as the host sees it: it starts the host and sends its requests."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from claudemeter_tui.extension.identity import EXTENSION_ORIGIN, EXTENSION_VERSION
from claudemeter_tui.extension.messages import Message, read_message, write_message
from tests.server import LoopbackServer

PATIENCE = 60.0
"""Seconds to wait for anything."""
ROOT = Path(__file__).parents[2]


def build_environment(home: Path) -> dict[str, str]:
    """Return the environment of a person with this home folder."""
    folders = {
        f"XDG_{name}_HOME": str(home / folder)
        for name, folder in (("DATA", "data"), ("STATE", "state"), ("CONFIG", "config"), ("CACHE", "cache"))
    }
    hidden = ("CLAUDE", "XDG_", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return {**kept, **folders, "HOME": str(home), "PYTHONPATH": str(ROOT)}


class ScriptedBrowser:
    """Starts the host as Chromium does. Its extension gets the replies from a loopback server."""

    def __init__(
        self,
        home: Path,
        server: LoopbackServer | None,
        *,
        brand: str = "Google Chrome",
        version: str = EXTENSION_VERSION,
        caller: str = EXTENSION_ORIGIN,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start the host with `with`; without a server, no request gets a reply."""
        self.messages: list[Message] = []
        """Every message from the host, except the requests."""
        self.paths: list[str] = []
        """Paths of the requests."""
        self.printed = ""
        """Text of the host on standard error, after `close`."""
        self.errors: dict[str, str] = {}
        """Errors in place of replies, by the end of the path."""
        self._home, self._server = home, server
        self._hello: Message = {"type": "hello", "version": version, "browser": brand}
        self._caller = caller
        self._variables = variables or {}
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "claudemeter_tui.extension_host", self._caller],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**build_environment(self._home), **self._variables},
            cwd=self._home,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.send(self._hello)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> int:
        """End the browser, and return the exit status of the host."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if not self.process.stderr.closed:
            self.printed = self.process.stderr.read().decode()
            self.process.stderr.close()
            self.process.stdout.close()
        return status

    def send(self, message: Message) -> None:
        """Send a message as the extension."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError, ValueError):  # the host has ended, or the test has closed the pipe
            write_message(self.process.stdin, message)

    def send_bytes(self, content: bytes) -> None:
        """Send bytes that need not be a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(content)
        self.process.stdin.flush()

    @property
    def shown(self) -> Message:
        """The last contents of the toolbar; empty before the first."""
        return next((one for one in reversed(self.messages) if one.get("type") == "show"), {})

    def wait_for(self, rule: Callable[[ScriptedBrowser], bool], seconds: float = PATIENCE) -> None:
        """Wait until the rule holds, checking it after each message."""
        with self._changed:
            held = self._changed.wait_for(lambda: rule(self), seconds)
        assert held, f"not in time; last shown: {self.shown}, requests: {self.paths}"

    def wait_for_line(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until a line of the popup has this text."""
        self.wait_for(lambda _: any(text in line for line in self.list_lines()), seconds)

    def list_lines(self) -> list[str]:
        """Return the lines of the popup."""
        lines = self.shown.get("lines", [])
        assert isinstance(lines, list)
        return lines

    def _read(self) -> None:
        assert self.process.stdout is not None
        while (message := read_message(self.process.stdout)) is not None:
            with self._changed:
                if message.get("type") == "get":
                    self.paths.append(str(message["path"]))
                else:
                    self.messages.append(message)
                self._changed.notify_all()
            if message.get("type") == "get":
                reply = self._fetch(str(message["path"]))
                if reply:
                    self.send({"type": "reply", "id": message["id"], **reply})

    def _fetch(self, path: str) -> dict[str, Any]:
        error = next((text for end, text in self.errors.items() if path.endswith(end)), None)
        if error is not None:
            return {"error": error}
        if self._server is None:
            return {}
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Cookie": "sessionKey=of-the-browser"})
        response = connection.getresponse()
        body = response.read().decode()
        headers = {name.lower(): value for name, value in response.getheaders()}
        connection.close()
        return {"status": response.status, "headers": headers, "body": body}
