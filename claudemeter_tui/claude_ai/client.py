"""Send requests to claude.ai: one origin, one cookie jar, limits on sizes and times, a kind for each error.

Only RequestFailedError is raised: `_classify_exception` translates httpx's exceptions.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from claudemeter_tui import __version__
from claudemeter_tui.claude_ai.proxies import BadProxyError, find_proxy
from claudemeter_tui.claude_ai.responses import (
    KEPT_HEADERS,
    MAX_BODY_SIZE,
    HttpResponse,
    RequestFailedError,
)
from claudemeter_tui.claude_ai.secret_filter import SecretFilter, select_secrets
from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.secrets import CLAUDE_AI_ORIGIN, Cookies, Secret, parse_origin

MAX_CONNECTIONS = 8
"""Maximum number of connections; they are kept open between polls."""
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
# At DEBUG it logs every received header, and quotes a request header that cannot be sent.
logging.getLogger("httpcore.http11").addFilter(lambda _record: False)
# At INFO it logs the reason phrase of the status, which the server chooses.
logging.getLogger("httpx").addFilter(lambda _record: False)


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
        self._secret_filter = SecretFilter()
        headers = {
            "User-Agent": user_agent or f"claudemeter-tui/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Referer": f"{self._origin}/settings/usage",
        }
        self._transport = transport
        self._http, self._has_proxy = _build_http_client(self._origin, headers, transport)
        self._was_cancelled = False
        self._ignored_keys: set[Cookies] = set()
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
        # Spare keys as well: they are sent as soon as the server refuses the first one.
        for part in (*cookies.list_session_keys(), cookies):
            for secret in select_secrets(part):
                self.hide_secret(secret)
        jar = self._http.cookies
        jar.clear()
        for name, value in cookies.reveal():
            jar.set(name, value, domain=self._domain)

    def hide_secret(self, secret: Secret) -> None:
        """Remove this secret from every response from now on, as the client's cookies are."""
        self._secret_filter.add(secret)

    def ignore_key(self, key: Cookies) -> None:
        """Never accept this session key from the server again, because the server has refused it."""
        self._ignored_keys.add(key)

    async def get(self, path: str) -> HttpResponse:
        """Return the response for a path of the origin, without the secrets that the server echoes.

        Raises:
            RequestFailedError: no response came, or it was cut off or too large.
        """
        began = self._now()
        try:
            async with self._http.stream("GET", path) as response:
                self._renew_cookies(response)
                content = self._secret_filter.clean(await _read_content(response))
        except _HTTP_ERRORS as error:
            kind, detail = _classify_exception(error)
            # A connection is made to the proxy, so that a failure to connect says nothing about the server.
            if self._has_proxy and isinstance(error, _CONNECT_ERRORS) and kind is not ErrorKind.TLS:
                kind, detail = ErrorKind.PROXY, str(kind)
            raise RequestFailedError(kind, detail) from None
        except asyncio.CancelledError:
            self._was_cancelled = True
            raise
        at = self._now()
        text = content.decode("utf-8-sig", "surrogateescape")
        headers = {
            name: self._secret_filter.clean_text(response.headers[name])
            for name in KEPT_HEADERS
            if name in response.headers
        }
        # The duration must not be negative if the clock was set back.
        return HttpResponse(response.status_code, text, at, max(at - began, timedelta(0)), headers)

    async def reconnect_if_cancelled(self) -> None:
        """Replace all connections if a request was cancelled since the last call; none may be under way.

        httpcore 1.0.9 can keep a connection forever if its request was cancelled. After `MAX_CONNECTIONS` of
        these, no request could be sent.
        """
        if self._was_cancelled and self._transport is None:
            before = self._http
            # In a thread, because building a TLS context takes 50 ms.
            self._http, self._has_proxy = await asyncio.to_thread(
                _build_http_client, self._origin, before.headers, None
            )
            self.use_cookies(self._cookies)
            self._was_cancelled = False
            await before.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def _renew_cookies(self, response: httpx.Response) -> None:
        """Replace each cookie that the server sets, by name; path and domain do not matter.

        A session key that is empty or was refused is ignored: the current one may work again.
        """
        if "set-cookie" not in response.headers:
            return
        fresh = Cookies((cookie.name, (cookie.value or "").strip('"')) for cookie in response.cookies.jar)
        key = fresh.select_session_key()
        if not fresh.has_session_key or key in self._ignored_keys:
            fresh = fresh.drop_session_key()
        self.use_cookies(Cookies((*self._cookies.reveal(), *fresh.reveal())))


def _build_http_client(
    origin: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None
) -> tuple[httpx.AsyncClient, bool]:
    """Return a client of one origin, and True if it connects to a proxy.

    A fault of the environment fails each request.
    """
    build = partial(
        httpx.AsyncClient,
        base_url=origin,
        headers=headers,
        timeout=_TIMEOUT,
        limits=httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=900),
        follow_redirects=False,
        # Its own rules for proxies fail on one odd entry, and a .netrc could add a password to a request.
        trust_env=False,
    )
    if transport is not None or not origin.startswith("https:"):
        return build(transport=transport), False
    try:
        proxy = find_proxy(origin, getproxies())
        return build(verify=httpx.create_ssl_context(), proxy=proxy), proxy is not None
    except OSError:
        fault = ErrorKind.TLS, "SSL_CERT_FILE or SSL_CERT_DIR cannot be read"
    except BadProxyError as error:
        fault = ErrorKind.PROXY, str(error)
    except (ValueError, httpx.InvalidURL):
        fault = ErrorKind.PROXY, "its address is not valid"

    def fail(_request: httpx.Request) -> NoReturn:
        raise RequestFailedError(*fault)

    return build(transport=httpx.MockTransport(fail)), False


def _format_jar_domain(base_url: str) -> str:
    """Return the host as the standard library's jar names it: with brackets, and always with a dot."""
    host = urlsplit(base_url).hostname or ""
    name = f"[{host}]" if ":" in host else host
    return name if "." in name else f"{name}.local"


async def _read_content(response: httpx.Response) -> bytes:
    """Return the decoded body; empty if it is unreadable and the status alone is enough."""
    try:
        return await _decode_body(response)
    except (RequestFailedError, httpx.HTTPError):
        status = response.status_code
        # A 403 or 404 has several meanings, and only the body says which.
        if status == 429 or status >= 500 or 300 <= status < 400 or "cf-mitigated" in response.headers:
            return b""
        raise


async def _decode_body(response: httpx.Response) -> bytes:
    """Return the decoded body. The limit applies while decoding: a few bytes could become gigabytes."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip"):
        raise RequestFailedError(ErrorKind.MALFORMED, "unrequested encoding")
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
_CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)
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
        status = str(error)[:3]
        return ErrorKind.PROXY, f"status {status}" if status.isascii() and status.isdigit() else kind
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return ErrorKind.TIMEOUT, kind
    if isinstance(error, httpx.InvalidURL):
        return ErrorKind.REDIRECT, kind
    if isinstance(error, httpx.RemoteProtocolError):
        text = str(error)  # the exception type is the same for all of these
        if "location header" in text:
            return ErrorKind.REDIRECT, kind
        is_cut_off = "disconnected" in text or "closed" in text
        return ErrorKind.CUT_OFF if is_cut_off else ErrorKind.MALFORMED, kind
    otherwise = ErrorKind.NO_ROUTE if isinstance(error, httpx.ConnectError) else ErrorKind.CUT_OFF
    return _classify_cause(error) or (otherwise, kind)


def _classify_cause(error: Exception) -> tuple[ErrorKind, str] | None:
    """Return the kind of error from the causes of an exception. None if they do not show it.

    A TLS error has OpenSSL's message as its detail: `self-signed certificate`, `wrong version number`.
    """
    for cause in _iter_causes(error):
        if isinstance(cause, socket.gaierror):
            return ErrorKind.DNS, ""
        if isinstance(cause, ssl.SSLError):
            message = getattr(cause, "verify_message", "") or cause.reason or "no reason given"
            return ErrorKind.TLS, message.replace("_", " ").rstrip(".").lower()
        if isinstance(cause, OSError) and cause.errno in _ERROR_BY_ERRNO:
            return _ERROR_BY_ERRNO[cause.errno], ""
    return None


def _iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _iter_causes(one)
        error = error.__cause__ or error.__context__
