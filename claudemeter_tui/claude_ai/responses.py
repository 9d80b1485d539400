"""Responses of claude.ai: what a client returns, and the JSON or the kind of error in it.

The rules come from captures: an expired session is a 403 and not a 401, and a Cloudflare challenge says
nothing about the session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.sanitize import sanitize_text

MAX_BODY_SIZE = 1 << 20
"""Bytes of a decoded body; a real one has a few thousand."""
KEPT_HEADERS = ("content-type", "location", "retry-after", "cf-mitigated")
"""Headers of a response that are kept; the others, new cookies included, are dropped."""
MAX_RETRY_AFTER = timedelta(days=7)
"""Longest wait that is accepted from `Retry-After`."""
_CHALLENGE_MARKS = ("Just a moment...", "_cf_chl_opt")
_REGION_MARKS = ("unable to serve your request", "request not allowed")


class RequestFailedError(Exception):
    """Raised for a response without data, or for no response. The message quotes nothing from it."""

    def __init__(self, trouble: ErrorKind, detail: str = "", retry_after: timedelta | None = None) -> None:
        """Keep the kind, the detail and the wait."""
        super().__init__(trouble, detail)
        self.error_kind, self.detail, self.retry_after = trouble, detail, retry_after


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response, decoded but not parsed."""

    status: int
    text: str = field(repr=False)
    """The body, with a lone surrogate for each byte that is not UTF-8."""
    at: datetime
    """Arrival of its last byte."""
    duration: timedelta = timedelta(0)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""

    @property
    def is_html(self) -> bool:
        """True if it is a web page and not JSON."""
        return "html" in self.headers.get("content-type", "").lower() or self.text.lstrip()[:1] == "<"


class Client(Protocol):
    """A client of claude.ai with one session."""

    async def get(self, path: str) -> HttpResponse:
        """Return the response for a path of the origin.

        Raises:
            RequestFailedError: no response came, or it was cut off or too large.
        """

    async def reconnect_if_cancelled(self) -> None:
        """Replace all connections if a request was cancelled since the last call; none may be under way."""

    async def aclose(self) -> None:
        """Close every connection."""


def parse_body(answer: HttpResponse) -> object:
    """Return the JSON value of a response with data.

    Raises:
        RequestFailedError: it has no data; `error_kind` names the error.
    """
    status, detail = answer.status, f"status {answer.status}"
    is_marked = answer.headers.get("cf-mitigated", "").lower() == "challenge"
    if is_marked or (answer.is_html and any(mark in answer.text for mark in _CHALLENGE_MARKS)):
        raise RequestFailedError(ErrorKind.CHALLENGE, detail)
    if status == 429:
        raise RequestFailedError(ErrorKind.THROTTLED, detail, _parse_retry_after(answer))
    if 300 <= status < 400:
        raise RequestFailedError(ErrorKind.REDIRECT, f"{detail} to {_find_redirect_host(answer)}")
    if status >= 500:
        raise RequestFailedError(ErrorKind.SERVER_ERROR, detail, _parse_retry_after(answer))
    if answer.is_html:
        raise RequestFailedError(_PAGE_ERROR_BY_STATUS.get(status, ErrorKind.UNEXPECTED), detail)
    value = _parse_json(answer)
    if status == 200:
        if isinstance(value, dict) and (value.get("type") == "error" or isinstance(value.get("error"), dict)):
            raise RequestFailedError(*_classify_error_object(value))
        return value
    raise RequestFailedError(_classify_error(status, value), detail)


_PAGE_ERROR_BY_STATUS = {
    200: ErrorKind.LOGIN_PAGE,
    401: ErrorKind.DENIED,
    403: ErrorKind.DENIED,
    451: ErrorKind.DENIED,
}
"""Kind of error of a web page, by its status."""


def _find_redirect_host(answer: HttpResponse) -> str:
    """Return the host that a redirect leads to."""
    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        return "no address"
    return sanitize_text(host or "")[:80] or "the same host"


def _parse_json(answer: HttpResponse) -> object:
    try:
        answer.text.encode()
        return json.loads(answer.text, parse_constant=reject_constant)
    except (ValueError, RecursionError) as error:
        if answer.status != 200:
            return None
        what = "not UTF-8" if isinstance(error, UnicodeEncodeError) else "not JSON"
        raise RequestFailedError(ErrorKind.MALFORMED, what if answer.text.strip() else "empty") from None


def reject_constant(name: str) -> NoReturn:
    """Reject `NaN` and `Infinity`, which are not JSON."""
    raise ValueError(name)


_ERROR_BY_TYPE = {
    "not_found_error": ErrorKind.NOT_FOUND,
    "overloaded_error": ErrorKind.SERVER_ERROR,
    "api_error": ErrorKind.SERVER_ERROR,
    "rate_limit_error": ErrorKind.THROTTLED,
}


_ERROR_TYPE = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,3}_error")


def _classify_error_object(value: Mapping[str, object]) -> tuple[ErrorKind, str]:
    """Return kind and detail of an error with status 200 (seen when the service was overloaded)."""
    error = value.get("error")
    code = error.get("type") if isinstance(error, dict) else None
    if not isinstance(code, str) or not _ERROR_TYPE.fullmatch(code):
        return ErrorKind.UNEXPECTED, "an error with status 200"
    if code == "permission_error":
        kind = _classify_error(403, value)
    else:
        kind = _ERROR_BY_TYPE.get(code, ErrorKind.UNEXPECTED)
    return kind, f"{code} with status 200"


def _classify_error(status: int, value: object) -> ErrorKind:
    """Return the kind of error for a status with a JSON body; the body shows the meaning of a 403."""
    message = ""
    match value:
        case {"error": {"details": {"error_code": "account_session_invalid"}}}:
            return ErrorKind.EXPIRED
        case {"error": {"message": str(text)}}:
            message = text.lower()
    if status == 401:
        return ErrorKind.TOKEN_INVALID
    if status == 404:
        return ErrorKind.NOT_FOUND
    if status != 403:
        return ErrorKind.UNEXPECTED
    if "authorization for organization" in message:
        return ErrorKind.WRONG_ORG
    if "scope requirement" in message:
        return ErrorKind.TOKEN_SCOPE
    return ErrorKind.REGION if any(mark in message for mark in _REGION_MARKS) else ErrorKind.FORBIDDEN


def _parse_retry_after(answer: HttpResponse) -> timedelta | None:
    """Return the wait from seconds or a date. None if it is absent, `0` or unreadable."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        wait = min(int(text.lstrip("0")[:12] or 0), int(MAX_RETRY_AFTER.total_seconds()))
        return timedelta(seconds=wait) if wait else None
    try:
        moment = parsedate_to_datetime(text)
        time_left = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - answer.at
    except (ValueError, OverflowError):
        return None
    return min(time_left, MAX_RETRY_AFTER) if time_left > timedelta(0) else None
