"""A real HTTP/1.1 server on loopback in place of claude.ai, with replies that a test scripts.

    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body())
        server.routes["/api/organizations/org-1/usage"] = Drip(interval=0.01)
        ...  # let the client request `server.url`
    assert server.connections == 1

`tests/responses.py` has the replies, `tests/bodies.py` ordinary bodies.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from tests.responses import MEBIBYTE, NOT_FOUND, Request, Sends


class LoopbackServer:
    """A server on its own port; it runs in a thread from `with` until its end.

    A route is a reply, or a callable that returns one for each request.
    An exception in a scripted callable is raised again at the end of the `with`.
    """

    def __init__(
        self, port: int = 0, *, listener: socket.socket | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Listen on this port, or by default on a free one; a given listener has its own."""
        self.routes: dict[str, Sends | Callable[[Request], Sends]] = {}
        """Replies by path: with its query string first, then without."""
        self.requests: list[Request] = []
        """Every request so far, in the order of arrival."""
        self.connections = 0
        """Number of connections opened so far."""
        self.under_way = 0
        """Number of requests in progress."""
        self.peak = 0
        """Highest number of requests in progress so far."""
        self.port = port
        self._listener, self._tls = listener, tls
        self._errors: list[BaseException] = []
        self._changed = threading.Condition()
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="loopback server")

    @property
    def url(self) -> str:
        """Return its address: `http://127.0.0.1:49152`."""
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        """Return the requested paths, in order."""
        return [request.path for request in self.requests]

    def wait_for(self, rule: Callable[[LoopbackServer], bool], seconds: float = 60) -> None:
        """Block until the rule holds, checking it at the begin and the end of each request.

        Raises:
            AssertionError: the rule does not hold in time.
        """
        with self._changed:
            held = self._changed.wait_for(lambda: rule(self), seconds)
        assert held, f"not within {seconds} s; asked so far: {self.paths()}, under way: {self.under_way}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, stop = self._started.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.join()
        if self._errors and error is None:
            raise self._errors[0]

    async def _run(self) -> None:
        stop = asyncio.Event()
        listener = self._listener or socket.create_server(("127.0.0.1", self.port))
        server = await asyncio.start_server(self._accept, sock=listener, ssl=self._tls, limit=MEBIBYTE)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()
        server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer, self.connections))
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self._errors.append(error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        try:
            while (request := await _read(reader, number)) is not None:
                with self._counted(request):
                    if not await self._answer(request).send(reader, writer):
                        break
        except asyncio.CancelledError:
            writer.transport.abort()  # A client that stops reading would keep a mere close waiting.
            raise
        finally:
            writer.close()

    def _answer(self, request: Request) -> Sends:
        found = self.routes.get(request.path) or self.routes.get(request.path.partition("?")[0], NOT_FOUND)
        return found(request) if callable(found) else found

    @contextlib.contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        with self._changed:
            self.requests.append(request)
            self.under_way += 1
            self.peak = max(self.peak, self.under_way)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.under_way -= 1
                self._changed.notify_all()


async def _read(reader: asyncio.StreamReader, connection: int) -> Request | None:
    """Return the next request of a connection. None if the client has disconnected."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _version = first.split(" ")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    joined = {name: ", ".join(values) for name, values in headers.items()}
    body = await reader.readexactly(int(joined.get("content-length", "0")))
    return Request(method, path, joined, body, time.monotonic(), connection)
