"""Scripted replies for `tests.server`: ordinary ones, and every way in which a reply fails.

`Answer` is the ordinary one; `redirect`, `cut_off`, `gzip_bomb` and `large` build bad ones of it;
`Drip`, `Reset` and `Held` misbehave while they send; `in_turn` sends one after the other.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.client import responses
from typing import Protocol

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request."""

    method: str
    path: str
    """Path as received, query string included."""
    headers: Mapping[str, str]
    """Names in lower case; the values of a repeated one are joined by a comma."""
    body: bytes
    at: float
    """Time at which its head was complete, in seconds of `time.monotonic()`."""
    connection: int
    """Number of its connection, from 1."""


class Sends(Protocol):
    """Any value of `LoopbackServer.routes` that is no callable."""

    async def send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request and return True if the connection may be kept alive."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete reply. JSON and its own length are declared unless `headers` override them."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    close: bool = False
    """Close the connection after it."""

    @classmethod
    def json(cls, value: object, status: int = 200, **headers: str) -> Answer:
        """Return a reply with a JSON body; `retry_after="0"` sets the header `Retry-After`."""
        named = {name.replace("_", "-").title(): text for name, text in headers.items()}
        return cls(status, named, json.dumps(value).encode())

    @property
    def head(self) -> bytes:
        """Return the status line and the headers, with the empty line that ends them."""
        usual = {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        if self.close:
            usual["Connection"] = "close"
        given = {name.lower() for name in self.headers}
        kept = {name: value for name, value in usual.items() if name.lower() not in given}
        lines = [f"{name}: {value}" for name, value in (kept | dict(self.headers)).items()]
        return "\r\n".join(
            [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}", *lines, "", ""]
        ).encode("latin-1")

    async def send(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send the whole reply."""
        writer.write(self.head + self.body)
        await writer.drain()
        return not self.close


@dataclass(frozen=True, slots=True)
class Late:
    """A complete reply after a pause."""

    seconds: float
    then: Answer

    async def send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Wait, then send the whole reply."""
        await asyncio.sleep(self.seconds)
        return await self.then.send(reader, writer)


@dataclass(frozen=True, slots=True)
class Drip:
    """A reply that never ends: a chunk each interval until the client disconnects."""

    interval: float
    """Seconds between two chunks."""
    chunk: bytes = b" "

    async def send(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send until the client disconnects."""
        writer.write(Answer(headers={"Content-Length": str(MEBIBYTE * MEBIBYTE)}).head)
        while True:
            writer.write(self.chunk)
            await writer.drain()
            await asyncio.sleep(self.interval)


@dataclass(frozen=True, slots=True)
class Reset:
    """A reply that breaks off half-way with a reset (RST) of the connection."""

    body: bytes = b'{"five_hour": {"utilization": 41.0, "resets_at": null}}'

    async def send(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send the head and half of the body, then reset."""
        writer.write(Answer(body=self.body).head + self.body[: len(self.body) // 2])
        await writer.drain()
        at_once = struct.pack("ii", 1, 0)  # Without a linger time, closing sends RST instead of FIN.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()
        return False


class Held:
    """A reply that waits for `release`; without it, the request hangs until the client disconnects."""

    def __init__(self, then: Answer | None = None) -> None:
        self._then = then or Answer()
        self._released: Future[None] = Future()

    def release(self) -> None:
        """Let every waiting and future request have the reply."""
        if not self._released.done():
            self._released.set_result(None)

    async def send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Wait for the release or for the client's disconnect, whichever comes first."""
        released = asyncio.shield(asyncio.wrap_future(self._released))
        left = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((released, left), return_when=asyncio.FIRST_COMPLETED)
            gone = left.done()
        finally:
            released.cancel()
            left.cancel()
            await asyncio.wait((left,))  # Only one may read: the next request needs the reader.
        if gone:
            left.exception()
            return False
        return await self._then.send(reader, writer)


def redirect(to: str, status: int = 302) -> Answer:
    """Return a reply that redirects the client."""
    return Answer(status, {"Location": to, "Content-Type": "text/html"})


def cut_off(body: bytes = b'{"five_hour": {"utilization"', missing: int = 100) -> Answer:
    """Return a reply whose declared length is larger than its body; then the connection closes."""
    return Answer(headers={"Content-Length": str(len(body) + missing)}, body=body, close=True)


@functools.cache
def gzip_bomb(size: int = 64 * MEBIBYTE) -> Answer:
    """Return a small body that unpacks to `size` blanks, whole mebibytes."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = [packer.compress(b" " * MEBIBYTE) for _ in range(size // MEBIBYTE)]
    return Answer(headers={"Content-Encoding": "gzip"}, body=b"".join((*packed, packer.flush())))


def large(size: int = 10_000_000) -> Answer:
    """Return a well-formed JSON string of `size` bytes in all."""
    return Answer(body=b'"' + b"x" * (size - 2) + b'"')


def in_turn(*answers: Sends) -> Callable[[Request], Sends]:
    """Return one reply after the other, then the last one repeatedly."""
    coming = itertools.chain(answers, itertools.repeat(answers[-1]))
    return lambda _request: next(coming)


NOT_FOUND = Answer.json(
    {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}, status=404
)
"""Reply for a path without a route."""
