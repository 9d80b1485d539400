"""Readings: labels, and what is left of an exception."""

from __future__ import annotations

import pytest

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import (
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
    """The profile is named where there is one."""
    assert expected == session.label


def failing(cookie: str) -> None:
    """Raise with a secret in an argument, in a local and in the message."""
    header = f"Cookie: {cookie}"
    raise ValueError(header)


def bug() -> Failure:
    """What is left of an exception that carries a secret."""
    try:
        failing(SECRET)
    except ValueError as error:
        return Failure.from_exception(error, Endpoint.USAGE, START)
    raise AssertionError


def test_bug_keeps_type_and_place() -> None:
    """Enough for a report: what was raised, in which line of which function, and the way there."""
    found = bug()
    line = failing.__code__.co_firstlineno + 3
    assert (found.error_kind, found.endpoint, found.at) == (ErrorKind.BUG, Endpoint.USAGE, START)
    assert f"ValueError at test_reading.py:{line} failing" == found.detail
    assert [step.split()[1] for step in found.trace.splitlines()] == ["bug", "failing"]


def test_bug_keeps_no_value() -> None:
    """No message, no argument, no local, no folder of this machine: nothing that could be a secret."""
    found = bug()
    told = f"{found!r} {found.detail} {found.trace}"
    assert SECRET not in told
    assert "/" not in told


def test_bug_without_a_traceback_is_told_too() -> None:
    """An exception that was never raised has a type, and no place."""
    assert Failure.from_exception(KeyError("x"), Endpoint.USAGE, START).detail.startswith("KeyError")


def test_reply_shows_no_body() -> None:
    """A body may hold anything: a repr, as a traceback prints it, leaves it out."""
    assert SECRET not in repr(Reply(Endpoint.USAGE, START, None, text=SECRET))


def test_no_server_was_reached_means_the_whole_session() -> None:
    """What no request can get past stops a poll; one org's own trouble does not."""
    assert UNREACHED_ERRORS < SESSION_WIDE_ERRORS
    own = {
        ErrorKind.WRONG_ORG,
        ErrorKind.NOT_FOUND,
        ErrorKind.FORBIDDEN,
        ErrorKind.TIMEOUT,
        ErrorKind.MALFORMED,
    }
    assert not own & SESSION_WIDE_ERRORS
