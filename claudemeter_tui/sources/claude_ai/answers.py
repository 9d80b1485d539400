"""Which answers are data, and the name of each that is not.

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

from claudemeter_tui.model.reading import Trouble
from claudemeter_tui.sources.plain import plain

LONGEST_WAIT = timedelta(days=7)
"""A longer `Retry-After` is read as this."""
_CHALLENGE_MARKS = ("Just a moment...", "_cf_chl_opt")
_REGION_MARKS = ("unable to serve your request", "request not allowed")


class RefusedError(Exception):
    """An answer that is no data, or none at all. Its text holds nothing that anybody typed."""

    def __init__(self, trouble: Trouble, detail: str = "", retry_after: timedelta | None = None) -> None:
        """Keep what a failure needs."""
        super().__init__(trouble, detail)
        self.trouble, self.detail, self.retry_after = trouble, detail, retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over the wire, decoded and not yet understood."""

    status: int
    text: str = field(repr=False)
    """The body; a byte that is not UTF-8 stands in it as a lone surrogate."""
    at: datetime
    """When its last byte arrived."""
    took: timedelta = timedelta(0)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""

    @property
    def is_page(self) -> bool:
        """Whether it is a web page and not JSON."""
        return "html" in self.headers.get("content-type", "").lower() or self.text.lstrip()[:1] == "<"


def body(answer: Answer) -> object:
    """The JSON value of an answer that is data.

    Raises:
        RefusedError: it is not; `trouble` names what it is.
    """
    if (trouble := _challenge(answer) or _STATUS.get(answer.status)) is not None:
        raise RefusedError(trouble, f"status {answer.status}", _retry_after(answer, trouble))
    if 300 <= answer.status < 400:
        raise RefusedError(Trouble.REDIRECT, f"status {answer.status} to {_target(answer)}")
    if answer.status >= 500:
        raise RefusedError(Trouble.SERVER_ERROR, f"status {answer.status}", _retry_after(answer))
    if answer.is_page:
        raise RefusedError(_PAGES.get(answer.status, Trouble.UNEXPECTED), f"status {answer.status}")
    value = _parsed(answer)
    if answer.status == 200:
        return value
    raise RefusedError(_named(answer.status, value), f"status {answer.status}")


_STATUS = {429: Trouble.THROTTLED}
_PAGES = {200: Trouble.LOGIN_PAGE, 401: Trouble.DENIED, 403: Trouble.DENIED, 451: Trouble.DENIED}
"""What a web page means by its status."""


def _challenge(answer: Answer) -> Trouble | None:
    marked = answer.headers.get("cf-mitigated", "").lower() == "challenge"
    page = answer.is_page and any(mark in answer.text for mark in _CHALLENGE_MARKS)
    return Trouble.CHALLENGE if marked or page else None


def _target(answer: Answer) -> str:
    """The host that a redirect leads to."""
    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        return "no address"
    return plain(host or "")[:80] or "the same host"


def _parsed(answer: Answer) -> object:
    try:
        answer.text.encode()
        return json.loads(answer.text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if answer.status != 200:
            return None
        what = "not UTF-8" if isinstance(error, UnicodeEncodeError) else "not JSON"
        raise RefusedError(Trouble.MALFORMED, what if answer.text.strip() else "empty") from None


def _no_constant(name: str) -> NoReturn:
    """`NaN` and `Infinity` are Python's, not JSON's."""
    raise ValueError(name)


def _named(status: int, value: object) -> Trouble:
    error = value.get("error") if isinstance(value, dict) else None
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    message = error.get("message")
    message = message.lower() if isinstance(message, str) else ""
    if code == "account_session_invalid":
        return Trouble.EXPIRED
    if status == 401:
        return Trouble.TOKEN_INVALID
    if status == 404:
        return Trouble.NOT_FOUND
    if status != 403:
        return Trouble.UNEXPECTED
    if "authorization for organization" in message:
        return Trouble.WRONG_ORG
    if "scope requirement" in message:
        return Trouble.TOKEN_SCOPE
    return Trouble.REGION if any(mark in message for mark in _REGION_MARKS) else Trouble.FORBIDDEN


def _retry_after(answer: Answer, trouble: Trouble = Trouble.THROTTLED) -> timedelta | None:
    """How long the server asks to wait: seconds or a date; `0` and nonsense are read as absent."""
    text = answer.headers.get("retry-after", "").strip()
    if trouble is Trouble.CHALLENGE or not text:
        return None
    if text.isascii() and text.isdigit():
        wait = min(int(text.lstrip("0")[:12] or 0), int(LONGEST_WAIT.total_seconds()))
        return timedelta(seconds=wait) if wait else None
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        wait_until = moment - answer.at
    except (ValueError, OverflowError):
        return None
    return min(wait_until, LONGEST_WAIT) if wait_until > timedelta(0) else None
