"""Send requests to claude.ai: one origin, one cookie jar, eight connections, and limits on everything.

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
from claudemeter_tui.claude_ai.responses import HttpResponse, RequestFailedError
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, Cookies, parse_origin

MAX_CONNECTIONS = 8
"""Most connections at a time; they are kept open between polls."""
MAX_BODY_SIZE = 1 << 20
"""Bytes of a decoded body; a real one has a few thousand."""
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
_KEPT_HEADERS = ("content-type", "location", "retry-after", "cf-mitigated")
"""Headers of a response that are kept; the others, new cookies included, are dropped."""
# At DEBUG it logs every header that arrives, and quotes one of ours that cannot be sent.
logging.getLogger("httpcore.http11").addFilter(lambda _record: False)


class CookieClient:
    """A client of one origin with the cookies of one session.

    Redirects are never followed. Proxies and `SSL_CERT_FILE` come from the environment, except
    for plain http to this machine, which goes nowhere else.
    """

    def __init__(
        self,
        cookies: Cookies,
        *,
        base_url: str = CLAUDE_AI_ORIGIN,
        user_agent: str | None = None,
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Build the client; it connects at the first request."""
        self._origin = parse_origin(base_url)
        self._domain = _format_jar_domain(self._origin)
        self._now = now
        headers = {
            "User-Agent": user_agent or f"claudemeter-tui/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Referer": f"{self._origin}/settings/usage",
        }
        self._http = _build_http_client(self._origin, headers, transport)
        self.use_cookies(cookies)

    @property
    def cookies(self) -> Cookies:
        """Cookies of the next request, with those that the server renewed."""
        return self._cookies

    @property
    def headers(self) -> httpx.Headers:
        """Headers of every request besides the cookies; a change applies from the next request."""
        return self._http.headers

    def use_cookies(self, cookies: Cookies) -> None:
        """Send these cookies from now on, and no others."""
        self._cookies = cookies
        jar = self._http.cookies
        jar.clear()
        for name, value in cookies.reveal():
            jar.set(name, value, domain=self._domain)

    async def get(self, path: str) -> HttpResponse:
        """Return the response for a path of the origin.

        Raises:
            RequestFailedError: no response came, or it was cut off or too large.
        """
        try:
            return await self._request(path)
        except _HTTP_ERRORS as error:
            raise RequestFailedError(*_classify_exception(error)) from None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _request(self, path: str) -> HttpResponse:
        began = self._now()
        async with self._http.stream("GET", path) as response:
            self._renew_cookies(response)
            content = await _read_content(response)
        at = self._now()
        text = content.decode("utf-8-sig", "surrogateescape")
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return HttpResponse(response.status_code, text, at, max(at - began, at - at), headers)

    def _renew_cookies(self, response: httpx.Response) -> None:
        """Replace each cookie that the server sets, by its name and whatever its path and domain."""
        if "set-cookie" in response.headers:
            fresh = ((cookie.name, cookie.value or "") for cookie in response.cookies.jar)
            self.use_cookies(Cookies((*self._cookies.reveal(), *fresh)))


class _FailingTransport(httpx.AsyncBaseTransport):
    """A transport that fails: the proxy or the certificates of the environment cannot be used."""

    def __init__(self, trouble: ErrorKind, detail: str) -> None:
        self._error_kind, self._detail = trouble, detail

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        raise RequestFailedError(self._error_kind, self._detail)


def _build_http_client(
    base_url: str, headers: dict[str, str], transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    """Return a client of one origin; a fault of the environment fails each request."""
    built = partial(
        httpx.AsyncClient,
        base_url=base_url,
        headers=headers,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=900),
        follow_redirects=False,
    )
    try:
        return built(trust_env=base_url.startswith("https:"), transport=transport)
    except OSError:
        return built(
            transport=_FailingTransport(ErrorKind.TLS, "SSL_CERT_FILE or SSL_CERT_DIR cannot be read")
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        return built(transport=_FailingTransport(ErrorKind.PROXY, "a proxy of a kind that cannot be used"))


def _format_jar_domain(base_url: str) -> str:
    """Return the host as the standard library's jar names it: with brackets, and always with a dot."""
    host = urlsplit(base_url).hostname or ""
    name = f"[{host}]" if ":" in host else host
    return name if "." in name else f"{name}.local"


async def _read_content(response: httpx.Response) -> bytes:
    """Return the decoded body; an unreadable one is empty if the status is enough."""
    try:
        return await _decode_body(response)
    except (RequestFailedError, httpx.HTTPError):
        if _is_body_optional(response):
            return b""
        raise


def _is_body_optional(response: httpx.Response) -> bool:
    """Return True if the status is enough to classify the response; a 403 or 404 needs the body."""
    status = response.status_code
    return status == 429 or status >= 500 or 300 <= status < 400 or "cf-mitigated" in response.headers


async def _decode_body(response: httpx.Response) -> bytes:
    """Return the decoded body; decoded here, so that a few bytes cannot grow into gigabytes."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip"):
        raise RequestFailedError(ErrorKind.MALFORMED, "in an encoding that was not asked for")
    unpack = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            body += unpack.decompress(chunk, MAX_BODY_SIZE + 1 - len(body)) if unpack else chunk
        except zlib.error:
            raise RequestFailedError(ErrorKind.MALFORMED, "broken gzip") from None
        if len(body) > MAX_BODY_SIZE:
            raise RequestFailedError(ErrorKind.TOO_LARGE, f"over {MAX_BODY_SIZE >> 20} MiB")
    if unpack and not unpack.eof and response.num_bytes_downloaded:
        raise RequestFailedError(ErrorKind.CUT_OFF, "gzip without its end")
    return bytes(body)


_HTTP_ERRORS = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError)
_ERROR_BY_ERRNO = {
    errno.ECONNREFUSED: ErrorKind.CONNECTION_REFUSED,
    errno.ENETUNREACH: ErrorKind.NO_ROUTE,
    errno.EHOSTUNREACH: ErrorKind.NO_ROUTE,
    errno.ENETDOWN: ErrorKind.NO_ROUTE,
    errno.EADDRNOTAVAIL: ErrorKind.NO_ROUTE,
    errno.ETIMEDOUT: ErrorKind.TIMEOUT,
}


def _classify_exception(error: Exception) -> tuple[ErrorKind, str]:
    """Return the kind of error behind an exception of httpx, with its type or the message of TLS."""
    kind = type(error).__name__
    if isinstance(error, httpx.ProxyError):
        return ErrorKind.PROXY, kind
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return ErrorKind.TIMEOUT, kind
    if isinstance(error, httpx.InvalidURL):
        return ErrorKind.REDIRECT, kind
    if isinstance(error, httpx.RemoteProtocolError):
        return _classify_protocol_error(str(error)), kind
    return _classify_cause(error) or (
        ErrorKind.NO_ROUTE if isinstance(error, httpx.ConnectError) else ErrorKind.CUT_OFF,
        kind,
    )


def _classify_cause(error: Exception) -> tuple[ErrorKind, str] | None:
    """Return the kind of error from the causes of an exception. None if they do not show it."""
    for cause in _iter_causes(error):
        if isinstance(cause, socket.gaierror):
            return ErrorKind.DNS, ""
        if isinstance(cause, ssl.SSLError):
            return ErrorKind.TLS, _describe_tls_error(cause)
        if isinstance(cause, OSError) and cause.errno in _ERROR_BY_ERRNO:
            return _ERROR_BY_ERRNO[cause.errno], ""
    return None


def _describe_tls_error(error: ssl.SSLError) -> str:
    """Return the message of OpenSSL: `self-signed certificate`, `wrong version number`."""
    said = getattr(error, "verify_message", "") or error.reason or "no reason given"
    return said.replace("_", " ").rstrip(".").lower()


def _classify_protocol_error(text: str) -> ErrorKind:
    """Return the kind of a protocol error, which only its message shows."""
    if "location header" in text:
        return ErrorKind.REDIRECT
    return ErrorKind.CUT_OFF if "disconnected" in text or "closed" in text else ErrorKind.MALFORMED


def _iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _iter_causes(one)
        error = error.__cause__ or error.__context__
