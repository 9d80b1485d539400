"""Problems in words: every trouble, the title, and what is shown meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.formatting.problems import (
    PROBLEM_TEXTS,
    RENEWABLE_ERRORS,
    describe_fallback_figures,
    describe_problem_cure,
    describe_session_renewal,
    format_problem_title,
    is_informational,
)
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Reading, Session
from claudemeter_tui.model.store import Problem, Store
from claudemeter_tui.sessions.poller import CURABLE_ERRORS
from tests.model.readings import (
    CHROME,
    FIREFOX,
    PERSONAL,
    SAM,
    TEAM,
    at,
    folded,
    listed,
    overage,
    reported,
    usage,
)


def problem(
    trouble: ErrorKind = ErrorKind.TIMEOUT,
    endpoint: Endpoint = Endpoint.USAGE,
    org: Org | None = PERSONAL,
    session: Session = CHROME,
    detail: str = "",
) -> Problem:
    """A problem that began five minutes after the start."""
    return Problem(trouble, endpoint, at(5), session, org, detail)


@pytest.mark.parametrize("trouble", ErrorKind)
def test_every_trouble_has_words(trouble: ErrorKind) -> None:
    """What happened and what to do: whole sentences, each its own, none that stops half-way."""
    words = PROBLEM_TEXTS[trouble]
    for sentence in (words.summary, words.cure):
        assert sentence[0].isupper() or sentence.startswith("claude.ai")
        assert sentence.endswith(".")
        assert sentence == " ".join(sentence.split())


def test_every_trouble_is_told_apart() -> None:
    """No two troubles happen in the same words, nor go by the same name."""
    assert len(ErrorKind) == len({words.summary for words in PROBLEM_TEXTS.values()})
    assert set(ErrorKind) == set(PROBLEM_TEXTS)


@pytest.mark.parametrize("trouble", ErrorKind)
def test_cure_names_a_key_only_where_it_works(trouble: ErrorKind) -> None:
    """Who is told to press r is not held back by a back-off."""
    assert "press r" not in PROBLEM_TEXTS[trouble].cure or trouble in CURABLE_ERRORS


def test_challenge_never_asks_to_sign_in_again() -> None:
    """A Cloudflare challenge says nothing about the session."""
    words = PROBLEM_TEXTS[ErrorKind.CHALLENGE]
    assert "sign in" not in f"{words.summary} {words.cure}".lower()


@pytest.mark.parametrize("trouble", ErrorKind)
def test_few_troubles_are_remarks(trouble: ErrorKind) -> None:
    """A new field loses nothing, nor does a session that ends in days; everything else does."""
    assert (trouble in (ErrorKind.NEW_FIELD, ErrorKind.EXPIRES_SOON)) is is_informational(problem(trouble))


@pytest.mark.parametrize(
    ("expected", "one"),
    [
        ("Personal · usage: timed out", problem()),
        (
            "Acme Team · prepaid: server error (status 502)",
            problem(ErrorKind.SERVER_ERROR, Endpoint.PREPAID, TEAM, detail="status 502"),
        ),
        ("org-9 · usage: timed out", problem(org=Org("org-9", ""))),
        (
            "Chrome, Default · session expired",
            problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None),
        ),
        (
            "cookie file · session expired",
            problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None, Session("cookie file")),
        ),
        (
            "Chrome, Default · usage: new field (a.b)",
            problem(ErrorKind.NEW_FIELD, Endpoint.USAGE, None, detail="a.b"),
        ),
        (
            "no session (Chrome: signed out)",
            problem(ErrorKind.NO_SESSION, Endpoint.ACCOUNT, None, Session(""), "Chrome: signed out"),
        ),
        ("Personal · account: timed out", problem(endpoint=Endpoint.ACCOUNT)),
    ],
)
def test_title_says_whose_and_what(expected: str, one: Problem) -> None:
    """The org or the session, the reply where it says more, the trouble, and what narrows it down."""
    assert expected == format_problem_title(one)


def known() -> Store:
    """A store of two accounts: usage read at 14:00 and 14:01, overage at 14:02, the other's at 13:50."""
    return folded(
        listed(0, PERSONAL, TEAM),
        listed(0, PERSONAL, account=SAM, session=FIREFOX),
        reported(0, PERSONAL, usage(0), overage(2, 500)),
        reported(1, TEAM, usage(1)),
        reported(-10, PERSONAL, usage(-10), session=FIREFOX),
    )


NOTHING = "Nothing is shown for it: there was no good answer yet."


@pytest.mark.parametrize(
    ("expected", "one"),
    [
        ("The figures of 14:00 stay on screen.", problem()),
        ("The figures of 14:02 stay on screen.", problem(endpoint=Endpoint.OVERAGE)),
        ("The figures of 14:01 stay on screen.", problem(org=TEAM)),
        (NOTHING, problem(endpoint=Endpoint.PREPAID)),
        (NOTHING, problem(org=Org("org-9", "Gone"))),
        (NOTHING, problem(session=Session("Edge"))),
        ("The figures of 13:50 stay on screen.", problem(session=FIREFOX)),
        ("The figures of 14:00 stay on screen.", problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None)),
        ("Everything is shown as usual.", problem(ErrorKind.NEW_FIELD)),
        ("All other figures of the reply are shown.", problem(ErrorKind.ODD_VALUE)),
    ],
)
def test_meanwhile_says_which_figures_stay(expected: str, one: Problem) -> None:
    """The last good figures with their time, the oldest of a whole session, or that there are none."""
    assert expected == describe_fallback_figures(one, known(), at(6), UTC)


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        ("The figures come from Firefox, work meanwhile.", [listed(7, PERSONAL, TEAM, session=FIREFOX)]),
        ("The figures come from Firefox, work meanwhile.", [listed(7, TEAM, session=FIREFOX)]),
        (
            "Some figures come from Firefox, work meanwhile, the others of 14:00 stay on screen.",
            [reported(0, PERSONAL, usage(0)), listed(7, TEAM, session=FIREFOX)],
        ),
    ],
)
def test_meanwhile_names_the_session_that_stands_in(expected: str, readings: list[Reading]) -> None:
    """Where another session of the account serves its orgs, that one is named, and what else there is."""
    store = folded(*readings, store=folded(listed(0, PERSONAL, TEAM)))
    one = problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None)
    assert expected == describe_fallback_figures(one, store, at(8), UTC)


@pytest.mark.parametrize(
    ("expected", "session"),
    [
        (
            "Sign in to claude.ai in Chrome (Default); it is looked at every minute, and at once with r.",
            CHROME,
        ),
        (
            "Sign in to claude.ai in Safari; it is looked at every minute, and at once with r.",
            Session("Safari"),
        ),
        ("Export the cookies anew and start again.", Session("cookie file")),
        ("Start again and paste a cookie from a browser that is signed in.", Session("pasted cookie", "2")),
        (PROBLEM_TEXTS[ErrorKind.EXPIRED].cure, Session("")),
    ],
)
def test_cure_of_an_expired_session_names_the_browser(expected: str, session: Session) -> None:
    """Or what was given by hand, which no browser renews."""
    assert expected == describe_problem_cure(problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None, session))


def test_cure_of_a_session_that_ends_soon_names_the_browser() -> None:
    """A sentence of its own."""
    one = problem(ErrorKind.EXPIRES_SOON, Endpoint.ACCOUNT, None)
    assert describe_problem_cure(one) == "Sign in to claude.ai in Chrome (Default) again before it does."


@pytest.mark.parametrize(("zone", "day"), [("UTC", "Wed Apr 29"), ("Asia/Tokyo", "Thu Apr 30")])
def test_session_that_ends_soon_names_the_day_there(zone: str, day: str) -> None:
    """The person's own day, not the server's."""
    ends = datetime(2026, 4, 29, 20, tzinfo=UTC)
    one = replace(problem(ErrorKind.EXPIRES_SOON, Endpoint.ACCOUNT, None), ends_at=ends)
    assert format_problem_title(one, ZoneInfo(zone)) == f"Chrome, Default · session expires soon ({day})"


@pytest.mark.parametrize(
    ("expected", "session"),
    [
        ("Sign in to claude.ai in Chrome (Default), then press r.", CHROME),
        ("Export the cookies anew and start again.", Session("cookie file")),
        (
            f"{describe_session_renewal(CLAUDE_CODE_LOGIN)}; it is looked at every few minutes.",
            CLAUDE_CODE_LOGIN,
        ),
        (PROBLEM_TEXTS[ErrorKind.TOKEN_INVALID].cure, Session("")),
    ],
)
def test_cure_of_refused_credentials_is_where_they_come_from(expected: str, session: Session) -> None:
    """A browser, something given by hand, or Claude Code, which alone renews its login."""
    assert expected == describe_problem_cure(
        problem(ErrorKind.TOKEN_INVALID, Endpoint.ACCOUNT, None, session)
    )


@pytest.mark.parametrize("trouble", [one for one in ErrorKind if one not in RENEWABLE_ERRORS])
def test_cure_of_all_else_is_that_of_the_table(trouble: ErrorKind) -> None:
    """The browser has no part in it."""
    assert PROBLEM_TEXTS[trouble].cure == describe_problem_cure(problem(trouble))
