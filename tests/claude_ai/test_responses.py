"""The classification of replies: data, or a kind of failure."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudemeter_tui.claude_ai.responses import MAX_RETRY_AFTER, HttpResponse, RequestFailedError, parse_body
from claudemeter_tui.model.reading import ErrorKind

AT = datetime(2026, 4, 25, 14, 48, tzinfo=UTC)
CHALLENGE = "<!DOCTYPE html><title>Just a moment...</title><script>window._cf_chl_opt={}</script>"
PAGE = "<html><title>Sign in</title></html>"


def answer(status: int = 200, text: Any = "{}", **headers: str) -> HttpResponse:
    """Return a reply; `retry_after="0"` sets a header, a value that is no string becomes JSON."""
    named = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return HttpResponse(status, text if isinstance(text, str) else json.dumps(text), AT, headers=named)


def refusal(what: HttpResponse) -> RequestFailedError:
    """Return the error that refuses the reply."""
    with pytest.raises(RequestFailedError) as caught:
        parse_body(what)
    return caught.value


def error(kind: str, message: str = "", code: str | None = None) -> dict[str, Any]:
    """Return an error in the server's form."""
    details = {"details": {"error_visibility": "user_facing", "error_code": code}} if code else {}
    return {"type": "error", "error": {"type": kind, "message": message, **details}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        (None, "null"),
        ([], " [] "),
        ({"five_hour": {"utilization": 41.0}}, '{"five_hour": {"utilization": 41.0}}'),
        ({"used": float("inf")}, '{"used": 1e999}'),
        ({"name": "\ud800"}, '{"name": "\\ud800"}'),
        ({"name": "Crème"}, '{"name": "Crème"}'),
    ],
)
def test_body_is_the_json_value(value: object, text: str) -> None:
    """A 200 with JSON is data, whatever its value."""
    assert value == parse_body(answer(text=text))


REFUSED = [
    (ErrorKind.EXPIRED, answer(403, error("permission_error", "No", "account_session_invalid"))),
    (ErrorKind.EXPIRED, answer(401, error("authentication_error", "No", "account_session_invalid"))),
    (ErrorKind.WRONG_ORG, answer(403, error("permission_error", "Invalid authorization for organization"))),
    (ErrorKind.CHALLENGE, answer(403, CHALLENGE, content_type="text/html", cf_mitigated="challenge")),
    (ErrorKind.CHALLENGE, answer(403, "{}", cf_mitigated="Challenge")),
    (ErrorKind.CHALLENGE, answer(403, CHALLENGE)),
    (ErrorKind.CHALLENGE, answer(503, "<p>Just a moment...</p>")),
    (ErrorKind.CHALLENGE, answer(200, "\n<script>_cf_chl_opt</script>")),
    (ErrorKind.DENIED, answer(403, PAGE, content_type="text/html")),
    (ErrorKind.DENIED, answer(401, PAGE, content_type="TEXT/HTML; charset=utf-8")),
    (ErrorKind.DENIED, answer(451, PAGE)),
    (ErrorKind.REGION, answer(403, error("forbidden", "We are unable to serve your request at this time"))),
    (ErrorKind.REGION, answer(403, error("forbidden", "Request not allowed"))),
    (ErrorKind.TOKEN_INVALID, answer(401, error("authentication_error", "Invalid bearer token"))),
    (ErrorKind.TOKEN_INVALID, answer(401, "")),
    (
        ErrorKind.TOKEN_SCOPE,
        answer(403, error("permission_error", "OAuth token lacks scope requirement user:profile")),
    ),
    (ErrorKind.FORBIDDEN, answer(403, error("permission_error", "Not for members"))),
    (ErrorKind.NOT_FOUND, answer(404, error("not_found_error", "Not found"))),
    (ErrorKind.UNEXPECTED, answer(404, PAGE, content_type="text/html")),
    (ErrorKind.UNEXPECTED, answer(400, PAGE, content_type="text/html")),
    (ErrorKind.UNEXPECTED, answer(418, "{}")),
    (ErrorKind.UNEXPECTED, answer(204, "")),
    (ErrorKind.UNEXPECTED, answer(206, "{}")),
    (ErrorKind.THROTTLED, answer(429, error("rate_limit_error", "Rate limited"))),
    (ErrorKind.THROTTLED, answer(429, PAGE, content_type="text/html")),
    (ErrorKind.THROTTLED, answer(429, "")),
    (ErrorKind.SERVER_ERROR, answer(500, error("api_error", "Internal server error"))),
    (ErrorKind.SERVER_ERROR, answer(502, PAGE, content_type="text/html")),
    (ErrorKind.SERVER_ERROR, answer(529, error("overloaded_error", "Overloaded"))),
    (ErrorKind.REDIRECT, answer(302, "", location="https://claude.ai/login")),
    (ErrorKind.LOGIN_PAGE, answer(200, PAGE, content_type="text/html")),
    (ErrorKind.LOGIN_PAGE, answer(200, f"\n {PAGE}", content_type="application/json")),
    (ErrorKind.LOGIN_PAGE, answer(200, "Welcome to Airport Wi-Fi", content_type="text/html")),
]


@pytest.mark.parametrize(("trouble", "what"), REFUSED)
def test_reply_without_data_has_its_kind(trouble: ErrorKind, what: HttpResponse) -> None:
    """Status, headers and marks decide: a challenge precedes everything, a page precedes its status."""
    assert trouble is refusal(what).error_kind


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("empty", ""),
        ("empty", " \r\n"),
        ("not JSON", '{"five_hour": {"utilization"'),
        ("not JSON", '{"a": 1} {"b": 2}'),
        ("not JSON", '{"used": NaN}'),
        ("not JSON", '{"used": -Infinity}'),
        ("not JSON", "[" * 400_000 + "]" * 400_000),
        ("not JSON", '{"a":' * 150_000 + "1" + "}" * 150_000),
        ("not JSON", f'{{"used": {"9" * 1_000_000}}}'),
        ("not JSON", "'single'"),
        ("not JSON", "\x00"),
        ("not UTF-8", '{"name": "Cr\udce8me"}'),
    ],
)
def test_body_that_is_no_json_is_malformed(detail: str, text: str) -> None:
    """The error has two words and no quote."""
    refused = refusal(answer(text=text))
    assert (ErrorKind.MALFORMED, detail) == (refused.error_kind, refused.detail)


@pytest.mark.parametrize("text", ["", "nonsense", '{"error"', "[" * 10_000, "\udcff", "9" * 1_000_000])
def test_status_decides_if_the_body_is_unreadable(text: str) -> None:
    """A broken body does not change the meaning of the status."""
    assert ErrorKind.NOT_FOUND is refusal(answer(404, text)).error_kind


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "error",
        {"error": None},
        {"error": "text"},
        {"error": []},
        {"error": {"details": "text", "message": None}},
        {"error": {"details": {"error_code": ["account_session_invalid"]}, "message": {"a": 1}}},
        {"error": {"message": ["request not allowed"]}},
    ],
)
def test_error_of_another_shape_is_only_forbidden(value: object) -> None:
    """An error body of any form gives forbidden."""
    assert ErrorKind.FORBIDDEN is refusal(answer(403, value)).error_kind


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("claude.ai", "https://claude.ai/login?from=secret"),
        ("evil.example", "//evil.example/steal"),
        ("the same host", "/login"),
        ("the same host", ""),
        ("no address", "http://[nonsense"),
        ("evilhost", "https://e\u202evil\x1bhost"),
    ],
)
def test_redirect_names_only_its_host(target: str, location: str) -> None:
    """The error names only the target's host, sanitized; paths and queries can hold anything."""
    assert f"status 302 to {target}" == refusal(answer(302, "", location=location)).detail


def test_redirect_without_a_location_is_a_redirect() -> None:
    """Any status from 300 on is a redirect."""
    assert [refusal(answer(status, "")).error_kind for status in (300, 304, 399)] == [ErrorKind.REDIRECT] * 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (None, ""),
        (None, "0"),
        (None, "0000000000000000"),
        (1, "1"),
        (5, "00000000000000005"),
        (1600, "1600"),
        (3600, " 3600 "),
        (None, "-5"),
        (None, "1.5"),
        (None, "soon"),
        (None, "5, 7"),
        (None, "٣"),
        (MAX_RETRY_AFTER.total_seconds(), "604801"),
        (MAX_RETRY_AFTER.total_seconds(), "9" * 5000),
        (90, "Sat, 25 Apr 2026 14:49:30 GMT"),
        (90, "Sat, 25 Apr 2026 14:49:30"),
        (90, "Sat, 25 Apr 2026 16:49:30 +0200"),
        (None, "Sat, 25 Apr 2026 14:48:00 GMT"),
        (None, "Sat, 25 Apr 2020 14:48:00 GMT"),
        (MAX_RETRY_AFTER.total_seconds(), "Fri, 31 Dec 9999 23:59:59 GMT"),
        (None, "Fri, 31 Dec 9999 23:59:59 -9900"),
        (None, "Sat, 25 Foo 2026 99:99:99 GMT"),
    ],
)
def test_retry_after_is_seconds_or_a_date(seconds: float | None, text: str | None) -> None:
    """Zero, the past and nonsense count as absent; more than a week counts as a week."""
    headers = {} if text is None else {"retry_after": text}
    wait = refusal(answer(429, "", **headers)).retry_after
    assert (None if seconds is None else timedelta(seconds=seconds)) == wait


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, ?\d{1,9} [A-Z][a-z]{2} \d{1,9} [\d:]{0,12} ?[+-]?\w{0,9}"))
def test_retry_after_of_any_text_is_a_wait_or_absent(text: str) -> None:
    """No header raises an exception."""
    wait = refusal(answer(429, "", retry_after=text)).retry_after
    assert wait is None or timedelta(0) < wait <= MAX_RETRY_AFTER


@pytest.mark.parametrize(
    ("wait", "what"),
    [
        (timedelta(seconds=7), answer(503, "", retry_after="7")),
        (None, answer(403, CHALLENGE, retry_after="7")),
        (None, answer(403, "{}", retry_after="7")),
        (None, answer(302, "", retry_after="7")),
    ],
)
def test_retry_after_counts_if_the_server_throttles(wait: timedelta | None, what: HttpResponse) -> None:
    """It counts with a 429 and a server error, but does not end a challenge."""
    assert wait == refusal(what).retry_after


def test_refusal_holds_nothing_of_the_body() -> None:
    """A failure has no text of the body, which can quote the request."""
    for _, what in REFUSED:
        marked = HttpResponse(what.status, f"{what.text} sk-ant-MARKER", AT, headers=what.headers)
        refused = refusal(marked)
        assert "MARKER" not in f"{refused!r} {refused} {refused.detail} {marked!r}"


@given(
    st.integers(200, 599),
    st.text(max_size=40),
    st.dictionaries(st.sampled_from(["content-type", "location", "cf-mitigated", "retry-after"]), st.text()),
)
def test_any_answer_is_data_or_refused(status: int, text: str, headers: dict[str, str]) -> None:
    """Any reply gives a value or a RefusedError."""
    with suppress(RequestFailedError):
        parse_body(HttpResponse(status, text, AT, headers=headers))
