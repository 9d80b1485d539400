"""Readings: labels, and the record of an exception."""

from __future__ import annotations

from dataclasses import replace

import pytest

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
    REFUSAL_ERRORS,
    SESSION_WIDE_ERRORS,
    UNREACHED_ERRORS,
    ErrorKind,
    Failure,
    Reply,
    Session,
)
from tests.model.readings import START

SECRET = "sk-ant-sid01-PLANTED"


@pytest.mark.parametrize(
    ("expected", "session"),
    [
        ("Chrome, Default", Session("Chrome", "Default")),
        ("cookie file", Session("cookie file")),
        ("", Session("")),
    ],
)
def test_session_is_labelled_by_browser_and_profile(expected: str, session: Session) -> None:
    """A session's label has the browser, and the profile if there is one."""
    assert expected == session.label


def failing(cookie: str) -> None:
    """Raise with a secret in an argument, in a local and in the message."""
    header = f"Cookie: {cookie}"
    raise ValueError(header)


def bug() -> Failure:
    """Return the record of an exception that carries a secret."""
    try:
        failing(SECRET)
    except ValueError as error:
        return Failure.from_exception(error, Endpoint.USAGE, START)
    raise AssertionError


def test_bug_keeps_type_and_place() -> None:
    """The record has the exception's type, its function and line, and the calls up to there."""
    found = bug()
    line = failing.__code__.co_firstlineno + 3
    assert (found.error_kind, found.endpoint, found.at) == (ErrorKind.BUG, Endpoint.USAGE, START)
    assert f"ValueError at test_reading.py:{line} failing" == found.detail
    assert [step.split()[1] for step in found.trace.splitlines()] == ["bug", "failing"]


def test_bug_keeps_no_value() -> None:
    """The record has no message, argument, local or folder of this machine, which could hold a secret."""
    found = bug()
    printed = f"{found!r} {found.detail} {found.trace}"
    assert SECRET not in printed
    assert "/" not in printed


def test_bug_without_a_traceback_is_reported() -> None:
    """An exception that was never raised has a type, and no place."""
    assert Failure.from_exception(KeyError("x"), Endpoint.USAGE, START).detail.startswith("KeyError")


def test_reply_shows_no_body() -> None:
    """A reply's repr, as a traceback prints it, leaves the body out."""
    assert SECRET not in repr(Reply(Endpoint.USAGE, START, None, text=SECRET))


def test_failed_connection_concerns_the_whole_session() -> None:
    """A failure of every request stops the poll, one org's failure does not."""
    assert UNREACHED_ERRORS < SESSION_WIDE_ERRORS
    own = {
        ErrorKind.WRONG_ORG,
        ErrorKind.NOT_FOUND,
        ErrorKind.FORBIDDEN,
        ErrorKind.TIMEOUT,
        ErrorKind.MALFORMED,
        ErrorKind.UNREAD,
    }
    assert not (own | REFUSAL_ERRORS) & SESSION_WIDE_ERRORS


def test_refusal_concerns_the_session_only_if_widespread() -> None:
    """A 429 of one reply does not stop the others, unless many are refused."""
    for kind in REFUSAL_ERRORS:
        failure = Failure(kind, Endpoint.USAGE, START)
        assert not failure.is_session_wide
        assert replace(failure, is_widespread=True).is_session_wide
    assert Failure(ErrorKind.EXPIRED, Endpoint.USAGE, START).is_session_wide
