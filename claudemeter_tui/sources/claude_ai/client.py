"""The HTTP side of claude.ai: one origin, one jar, eight connections, nothing endless.

RefusedError is all that leaves it; what httpx raises is translated in one place, `_named`.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
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
_TELLING = ("content-type", "location", "retry-after", "cf-mitigated")
"""The headers of an answer that say what it is; the others, new cookies among them, go no further."""
# At DEBUG it logs every header that arrives, and quotes one of ours that cannot be sent.
logging.getLogger("httpcore.http11").addFilter(lambda _record: False)


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
        self._domain = _jar_domain(self._origin)
        self._now = now
        headers = {
            "User-Agent": user_agent or f"claudemeter-tui/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Referer": f"{self._origin}/settings/usage",
        }
        self._http = _http(self._origin, headers, transport)
        self.use(cookies)

    @property
    def cookies(self) -> Cookies:
        """What is sent now, renewed ones included."""
        return self._cookies

    @property
    def headers(self) -> httpx.Headers:
        """What goes with every request besides the cookies; a change counts from the next one on."""
        return self._http.headers

    def use(self, cookies: Cookies) -> None:
        """Send these cookies from now on, and no others."""
        self._cookies = cookies
        jar = self._http.cookies
        jar.clear()
        for name, value in cookies.reveal():
            jar.set(name, value, domain=self._domain)

    async def get(self, path: str) -> Answer:
        """Ask for a path of the origin.

        Raises:
            RefusedError: no answer came, it was cut off, or it is too large.
        """
        try:
            return await self._ask(path)
        except _FAILED as error:
            raise RefusedError(*_named(error)) from None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _ask(self, path: str) -> Answer:
        began = self._now()
        async with self._http.stream("GET", path) as response:
            self._rotate(response)
            content = await _content(response)
        at = self._now()
        text = content.decode("utf-8-sig", "surrogateescape")
        headers = {name: response.headers[name] for name in _TELLING if name in response.headers}
        return Answer(response.status_code, text, at, max(at - began, at - at), headers)

    def _rotate(self, response: httpx.Response) -> None:
        """A cookie that the server sets anew replaces the one of that name, whatever its path and domain."""
        if "set-cookie" in response.headers:
            fresh = ((cookie.name, cookie.value or "") for cookie in response.cookies.jar)
            self.use(Cookies((*self._cookies.reveal(), *fresh)))


class _Unusable(httpx.AsyncBaseTransport):
    """Stands where there can be no connection: the environment's proxy or certificates are no good."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        self._trouble, self._detail = trouble, detail

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        raise RefusedError(self._trouble, self._detail)


def _http(
    base_url: str, headers: dict[str, str], transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    """A client of one origin; what the environment gets wrong shows at each request."""
    built = partial(
        httpx.AsyncClient,
        base_url=base_url,
        headers=headers,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=900),
        follow_redirects=False,
    )
    try:
        return built(trust_env=base_url.startswith("https:"), transport=transport)
    except OSError:
        return built(transport=_Unusable(Trouble.TLS, "SSL_CERT_FILE or SSL_CERT_DIR cannot be read"))
    except (ValueError, ImportError, httpx.InvalidURL):
        return built(transport=_Unusable(Trouble.PROXY, "a proxy of a kind that cannot be used"))


def _jar_domain(base_url: str) -> str:
    """How the standard library's jar names the host: with its brackets, and never without a dot."""
    host = urlsplit(base_url).hostname or ""
    name = f"[{host}]" if ":" in host else host
    return name if "." in name else f"{name}.local"


async def _content(response: httpx.Response) -> bytes:
    """The body, unpacked; where the status says it all, one that cannot be read is none."""
    try:
        return await _decoded(response)
    except (RefusedError, httpx.HTTPError):
        if _says_all(response):
            return b""
        raise


def _says_all(response: httpx.Response) -> bool:
    """Whether the answer is what it is without its body; a 403 or 404 is not."""
    status = response.status_code
    return status == 429 or status >= 500 or 300 <= status < 400 or "cf-mitigated" in response.headers


async def _decoded(response: httpx.Response) -> bytes:
    """The body, unpacked here so that a few bytes cannot grow into gigabytes."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip"):
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
    if unpack and not unpack.eof and response.num_bytes_downloaded:
        raise RefusedError(Trouble.CUT_OFF, "gzip without its end")
    return bytes(body)


_FAILED = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError)
_ERRNO = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.ENETUNREACH: Trouble.NO_ROUTE,
    errno.EHOSTUNREACH: Trouble.NO_ROUTE,
    errno.ENETDOWN: Trouble.NO_ROUTE,
    errno.EADDRNOTAVAIL: Trouble.NO_ROUTE,
    errno.ETIMEDOUT: Trouble.TIMEOUT,
}


def _named(error: Exception) -> tuple[Trouble, str]:
    """The trouble behind what httpx raised, and what narrows it down: the error's kind, or what TLS says."""
    kind = type(error).__name__
    if isinstance(error, httpx.ProxyError):
        return Trouble.PROXY, kind
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return Trouble.TIMEOUT, kind
    if isinstance(error, httpx.InvalidURL):
        return Trouble.REDIRECT, kind
    if isinstance(error, httpx.RemoteProtocolError):
        return _broken_rule(str(error)), kind
    return _caused(error) or (
        Trouble.NO_ROUTE if isinstance(error, httpx.ConnectError) else Trouble.CUT_OFF,
        kind,
    )


def _caused(error: Exception) -> tuple[Trouble, str] | None:
    """The same, found along its causes; what the system says of itself needs no more words."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return Trouble.DNS, ""
        if isinstance(cause, ssl.SSLError):
            return Trouble.TLS, _of_tls(cause)
        if isinstance(cause, OSError) and cause.errno in _ERRNO:
            return _ERRNO[cause.errno], ""
    return None


def _of_tls(error: ssl.SSLError) -> str:
    """OpenSSL's words: `self-signed certificate`, `wrong version number`."""
    said = getattr(error, "verify_message", "") or error.reason or "no reason given"
    return said.replace("_", " ").rstrip(".").lower()


def _broken_rule(text: str) -> Trouble:
    """What breaks HTTP's rules is told apart by its words alone."""
    if "location header" in text:
        return Trouble.REDIRECT
    return Trouble.CUT_OFF if "disconnected" in text or "closed" in text else Trouble.MALFORMED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__
