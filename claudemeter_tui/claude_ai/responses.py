"""Separate responses with data from errors, and name each error.

The rules are those seen in captures: an expired session is a 403 and not a 401, and a Cloudflare
challenge says nothing about the session.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urlsplit

from claudemeter_tui.model.reading import ErrorKind
from claudemeter_tui.model.sanitize import sanitize_text

MAX_RETRY_AFTER = timedelta(days=7)
"""Longest wait that is accepted from `Retry-After`."""
_CHALLENGE_MARKS = ("Just a moment...", "_cf_chl_opt")
_REGION_MARKS = ("unable to serve your request", "request not allowed")


class RequestFailedError(Exception):
    """A response without data, or no response. The message quotes nothing from it."""

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


def parse_body(answer: HttpResponse) -> object:
    """Return the JSON value of a response with data.

    Raises:
        RequestFailedError: it has no data; `error_kind` names the error.
    """
    if (trouble := _detect_challenge(answer) or _ERROR_BY_STATUS.get(answer.status)) is not None:
        raise RequestFailedError(trouble, f"status {answer.status}", _parse_retry_after(answer, trouble))
    if 300 <= answer.status < 400:
        raise RequestFailedError(
            ErrorKind.REDIRECT, f"status {answer.status} to {_find_redirect_host(answer)}"
        )
    if answer.status >= 500:
        raise RequestFailedError(
            ErrorKind.SERVER_ERROR, f"status {answer.status}", _parse_retry_after(answer)
        )
    if answer.is_html:
        raise RequestFailedError(
            _PAGE_ERROR_BY_STATUS.get(answer.status, ErrorKind.UNEXPECTED), f"status {answer.status}"
        )
    value = _parse_json(answer)
    if answer.status == 200:
        return value
    raise RequestFailedError(_classify_error(answer.status, value), f"status {answer.status}")


_ERROR_BY_STATUS = {429: ErrorKind.THROTTLED}
_PAGE_ERROR_BY_STATUS = {
    200: ErrorKind.LOGIN_PAGE,
    401: ErrorKind.DENIED,
    403: ErrorKind.DENIED,
    451: ErrorKind.DENIED,
}
"""Kind of error of a web page, by its status."""


def _detect_challenge(answer: HttpResponse) -> ErrorKind | None:
    marked = answer.headers.get("cf-mitigated", "").lower() == "challenge"
    page = answer.is_html and any(mark in answer.text for mark in _CHALLENGE_MARKS)
    return ErrorKind.CHALLENGE if marked or page else None


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
        return json.loads(answer.text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        if answer.status != 200:
            return None
        what = "not UTF-8" if isinstance(error, UnicodeEncodeError) else "not JSON"
        raise RequestFailedError(ErrorKind.MALFORMED, what if answer.text.strip() else "empty") from None


def _reject_constant(name: str) -> NoReturn:
    """Reject `NaN` and `Infinity`, which are not JSON."""
    raise ValueError(name)


def _classify_error(status: int, value: object) -> ErrorKind:
    error = value.get("error") if isinstance(value, dict) else None
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    message = error.get("message")
    message = message.lower() if isinstance(message, str) else ""
    if code == "account_session_invalid":
        return ErrorKind.EXPIRED
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


def _parse_retry_after(answer: HttpResponse, trouble: ErrorKind = ErrorKind.THROTTLED) -> timedelta | None:
    """Return the wait from seconds or a date. None if it is absent, `0` or unreadable."""
    text = answer.headers.get("retry-after", "").strip()
    if trouble is ErrorKind.CHALLENGE or not text:
        return None
    if text.isascii() and text.isdigit():
        wait = min(int(text.lstrip("0")[:12] or 0), int(MAX_RETRY_AFTER.total_seconds()))
        return timedelta(seconds=wait) if wait else None
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        wait_until = moment - answer.at
    except (ValueError, OverflowError):
        return None
    return min(wait_until, MAX_RETRY_AFTER) if wait_until > timedelta(0) else None
