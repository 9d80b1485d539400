"""Native messaging hosts that a test controls: a relay for each start, and the manifest that names it."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from claudemeter_tui.extension.identity import EXTENSION_ORIGIN, HOST_NAME
from tests.browsers.site import until
from tests.extension import relay

Message = dict[str, Any]


class Host:
    """One started host."""

    def __init__(self, link: socket.socket) -> None:
        """Read what the browser sends, in a thread."""
        self._link = link
        self.arguments: list[str] = []
        """Its arguments, as the browser gave them."""
        self.messages: list[Message] = []
        """Every message of the extension so far."""
        self.has_ended = threading.Event()
        """Set once the browser has closed its standard input, or the host has been ended."""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError), self._link.makefile("rb") as stream:
            self._take(stream)
        self.has_ended.set()

    def _take(self, stream: IO[bytes]) -> None:
        """Keep the arguments and messages; a host that ends while it writes one has not sent it."""
        if not (arguments := stream.readline()).endswith(b"\n"):
            return
        self.arguments[:] = json.loads(arguments)
        while len(header := stream.read(4)) == 4:
            (size,) = struct.unpack("=I", header)
            if len(message := stream.read(size)) < size:
                return
            self.messages.append(json.loads(message))

    def send(self, *messages: object) -> None:
        """Send messages to the extension."""
        frames = [json.dumps(message).encode() for message in messages]
        self._link.sendall(b"".join(struct.pack("=I", len(frame)) + frame for frame in frames))

    def end(self) -> None:
        """End the host, as a crash does."""
        self._link.shutdown(socket.SHUT_RDWR)

    def wait_for(self, kind: str, count: int = 1) -> list[Message]:
        """Return the messages of a type, once there are this many."""

        def found() -> list[Message]:
            return [message for message in list(self.messages) if message["type"] == kind]

        return until(
            lambda: got if len(got := found()) >= count else [],
            lambda: f"{count} of {kind}, only {found()}",
        )

    def get(self, *paths: object) -> list[Message]:
        """Let the extension request some paths and return its replies in the order of the paths."""
        begin = sum(message["type"] == "reply" for message in self.messages)
        self.send(*({"type": "get", "id": begin + place, "path": path} for place, path in enumerate(paths)))
        replies = self.wait_for("reply", begin + len(paths))[begin:]
        assert {reply["id"] for reply in replies} == set(range(begin, begin + len(paths)))
        return sorted(replies, key=lambda reply: int(reply["id"]))


class Hosts:
    """Every host that a browser starts."""

    def __init__(self, user_data: Path, folder: Path) -> None:
        """Listen in a folder with a short path."""
        self.manifest = user_data / "NativeMessagingHosts" / f"{HOST_NAME}.json"
        self.program = folder / "host"
        self.started: list[Host] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(folder / "link"))
        self._server.listen()
        command = shlex.join([sys.executable, "-S", relay.__file__, str(folder / "link")])
        self.program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        self.program.chmod(0o700)
        threading.Thread(target=self._accept, daemon=True).start()

    def install(self, origin: str = EXTENSION_ORIGIN, program: Path | None = None) -> None:
        """Write the manifest, by default one with which everything works."""
        self.manifest.parent.mkdir(parents=True, exist_ok=True)
        path = str(program or self.program)
        facts = {"description": "a test", "path": path, "type": "stdio", "allowed_origins": [origin]}
        self.manifest.write_text(json.dumps({"name": HOST_NAME, **facts}))

    def wait_for(self, count: int = 1) -> Host:
        """Return the host of this start, once it has had the extension's first message."""
        until(
            lambda: len(self.started) >= count,
            lambda: f"{count} starts of the host, only {len(self.started)}",
        )
        host = self.started[count - 1]
        host.wait_for("hello")
        return host

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._server.accept()
                self.started.append(Host(link))

    def close(self) -> None:
        """End every host."""
        self._server.close()
        for host in self.started:
            with contextlib.suppress(OSError):
                host.end()


@contextlib.contextmanager
def listening(user_data: Path, folder: Path) -> Iterator[Hosts]:
    """Accept hosts until the end of the block."""
    hosts = Hosts(user_data, folder)
    try:
        yield hosts
    finally:
        hosts.close()
