"""The HTTP side of claude.ai: one origin, one jar, eight connections, nothing endless.

RefusedError is all that leaves it; what httpx raises is translated in one place, `_named`.
"""

from __future__ import annotations

import errno
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from claudemeter_tui import __version__
from claudemeter_tui.model.reading import Trouble
from claudemeter_tui.sources.claude_ai.answers import Answer, RefusedError
from claudemeter_tui.sources.cookies import Cookies
from claudemeter_tui.sources.origin import CLAUDE_AI, origin

CONNECTIONS = 8
"""Kept alive between polls, and never more."""
LARGEST_BODY = 1 << 20
"""Bytes of a decoded body; real ones have a few thousand."""
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)


class Client:
    """Asks one origin with one session's cookies.

    Redirects are never followed. Proxies and `SSL_CERT_FILE` come from the environment, except
    for plain http to this machine, which goes nowhere else.
    """

    def __init__(
        self,
        cookies: Cookies,
        *,
        base_url: str = CLAUDE_AI,
        user_agent: str | None = None,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; it connects at the first request."""
        self._origin = origin(base_url)
        self._now = now
        self._http = httpx.AsyncClient(
            base_url=self._origin,
            headers={
                "User-Agent": user_agent or f"claudemeter-tui/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Referer": f"{self._origin}/settings/usage",
            },
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=900),
            follow_redirects=False,
            trust_env=self._origin.startswith("https:"),
            transport=transport,
        )
        self.use(cookies)

    def use(self, cookies: Cookies) -> None:
        """Send these cookies from now on, and no others."""
        host = urlsplit(self._origin).hostname or ""
        # The standard library's jar files a host without a dot under this name.
        domain = host if "." in host or ":" in host else f"{host}.local"
        jar = self._http.cookies
        jar.clear()
        for name, value in cookies.reveal():
            jar.set(name, value, domain=domain)

    async def get(self, path: str) -> Answer:
        """Ask for a path of the origin.

        Raises:
            RefusedError: no answer came, it was cut off, or it is too large.
        """
        try:
            return await self._ask(path)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise RefusedError(_named(error), type(error).__name__) from None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _ask(self, path: str) -> Answer:
        began = self._now()
        async with self._http.stream("GET", path) as response:
            content = await _decoded(response)
        self._forget_replaced(response)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise RefusedError(Trouble.MALFORMED, "not UTF-8") from None
        at = self._now()
        return Answer(response.status_code, text, at, max(at - began, at - at), dict(response.headers))

    def _forget_replaced(self, response: httpx.Response) -> None:
        """A cookie that the server has set anew replaces the one of that name, whatever its domain."""
        fresh = {cookie.name: cookie.value for cookie in response.cookies.jar}
        for cookie in list(self._http.cookies.jar):
            if cookie.name in fresh and cookie.value != fresh[cookie.name]:
                self._http.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)


async def _decoded(response: httpx.Response) -> bytes:
    """The body, unpacked here so that a few bytes cannot grow into gigabytes."""
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding not in ("identity", "gzip"):
        raise RefusedError(Trouble.MALFORMED, "in an encoding that was not asked for")
    unpack = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            body += unpack.decompress(chunk, LARGEST_BODY + 1 - len(body)) if unpack else chunk
        except zlib.error:
            raise RefusedError(Trouble.MALFORMED, "broken gzip") from None
        if len(body) > LARGEST_BODY:
            raise RefusedError(Trouble.TOO_LARGE, f"over {LARGEST_BODY >> 20} MiB")
    return bytes(body)


_ERRNO = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.ENETUNREACH: Trouble.NO_ROUTE,
    errno.EHOSTUNREACH: Trouble.NO_ROUTE,
    errno.ENETDOWN: Trouble.NO_ROUTE,
    errno.EADDRNOTAVAIL: Trouble.NO_ROUTE,
    errno.ETIMEDOUT: Trouble.TIMEOUT,
}


def _named(error: Exception) -> Trouble:
    """The trouble behind what httpx raised, found along its causes."""
    if isinstance(error, httpx.ProxyError):
        return Trouble.PROXY
    if isinstance(error, httpx.TimeoutException):
        return Trouble.TIMEOUT
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return Trouble.DNS
        if isinstance(cause, ssl.SSLError):
            return Trouble.TLS
        if isinstance(cause, OSError) and cause.errno in _ERRNO:
            return _ERRNO[cause.errno]
    return Trouble.NO_ROUTE if isinstance(error, httpx.ConnectError) else Trouble.CUT_OFF


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__
