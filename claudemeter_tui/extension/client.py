"""A client of claude.ai that lets the browser extension send its requests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count

from claudemeter_tui.claude_ai.responses import (
    KEPT_HEADERS,
    MAX_BODY_SIZE,
    HttpResponse,
    RequestFailedError,
)
from claudemeter_tui.claude_ai.secret_filter import MARKER
from claudemeter_tui.extension.messages import Message
from claudemeter_tui.model.reading import ErrorKind

MAX_HEADER_SIZE = 1_000
"""Characters of a header; a real one has a few dozen."""
_ERRORS = {
    "failed": ErrorKind.FETCH_FAILED,
    "offline": ErrorKind.NO_ROUTE,
    "timeout": ErrorKind.TIMEOUT,
    "too large": ErrorKind.TOO_LARGE,
    "refused": ErrorKind.EXTENSION_OLD,
}
"""Kinds of the errors that the extension reports."""
# The host knows no cookie that it could search for, but the form of a key, which the server might echo.
_KEY = re.compile(r"sk-ant-[\w-]{16,}", re.ASCII)


class ExtensionClient:
    """Sends each request to the extension and waits for its reply."""

    def __init__(self, send: Callable[[Message], object], now: Callable[[], datetime]) -> None:
        """Pass messages to `send`, which must not block; `now` is the clock."""
        self._send = send
        self._now = now
        self._numbers = count(1)
        self._open: dict[int, asyncio.Future[Message]] = {}

    async def get(self, path: str) -> HttpResponse:
        """Return the response for a path of claude.ai; the extension limits the time for it.

        Raises:
            RequestFailedError: The browser got no response, or it is too large.
        """
        number, began = next(self._numbers), self._now()
        reply = self._open[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"type": "get", "id": number, "path": path})
            return _read_reply(await reply, began, self._now())
        finally:
            del self._open[number]

    def receive(self, message: Message) -> None:
        """Pass on a reply; one that no request waits for is ignored."""
        number = message.get("id")
        waiting = self._open.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def reconnect_if_cancelled(self) -> None:
        """Do nothing: the browser keeps the connections."""

    async def aclose(self) -> None:
        """Do nothing: the browser keeps the connections."""


def _read_reply(message: Message, began: datetime, at: datetime) -> HttpResponse:
    """Return the response in a reply.

    Raises:
        RequestFailedError: the reply has none.
    """
    error, status, body = message.get("error"), message.get("status"), message.get("body")
    if isinstance(error, str):
        raise RequestFailedError(_ERRORS.get(error, ErrorKind.MALFORMED))
    if type(status) is not int or not 100 <= status <= 999 or not isinstance(body, str):
        raise RequestFailedError(ErrorKind.MALFORMED, "not a reply of the extension")
    if len(body) > MAX_BODY_SIZE:
        raise RequestFailedError(ErrorKind.TOO_LARGE, f"over {MAX_BODY_SIZE >> 20} MiB")
    # The duration must not be negative if the clock was set back.
    duration = max(at - began, timedelta(0))
    return HttpResponse(status, _KEY.sub(MARKER, body), at, duration, _read_headers(message.get("headers")))


def _read_headers(value: object) -> Mapping[str, str]:
    found = value if isinstance(value, dict) else {}
    return {
        name: _KEY.sub(MARKER, text)[:MAX_HEADER_SIZE]
        for name in KEPT_HEADERS
        if isinstance(text := found.get(name), str)
    }
