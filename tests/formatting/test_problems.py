"""Problems in words: every kind, the title, and the figures shown meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.formatting.problems import (
    PROBLEM_TEXTS,
    Controls,
    describe_fallback_figures,
    describe_problem_cure,
    describe_session_renewal,
    format_group_title,
    format_problem_title,
    is_informational,
)
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.problems import RENEWABLE_ERRORS, ProblemCause, ProblemGroup
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Reading, Session
from claudemeter_tui.model.store import Problem, Store
from claudemeter_tui.sessions.poller import RETRIABLE_ERRORS
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
    """Return a problem that began five minutes after the start."""
    return Problem(trouble, endpoint, at(5), session, org, detail)


@pytest.mark.parametrize("trouble", ErrorKind)
def test_every_problem_has_words(trouble: ErrorKind) -> None:
    """Each problem has its own complete sentences for cause and cure."""
    words = PROBLEM_TEXTS[trouble]
    for sentence in (words.summary, words.cure.format()):
        assert sentence[0].isupper() or sentence.startswith("claude.ai")
        assert sentence.endswith(".")
        assert sentence == " ".join(sentence.split())


def test_every_problem_is_distinct() -> None:
    """No two problems have the same words or the same name."""
    assert len(ErrorKind) == len({words.summary for words in PROBLEM_TEXTS.values()})
    assert set(ErrorKind) == set(PROBLEM_TEXTS)


@pytest.mark.parametrize("trouble", ErrorKind)
def test_cure_names_a_key_only_where_it_works(trouble: ErrorKind) -> None:
    """A cure that says to press r is for problems without a back-off."""
    assert "press r" not in PROBLEM_TEXTS[trouble].cure.format() or trouble in RETRIABLE_ERRORS


def test_challenge_never_asks_to_sign_in_again() -> None:
    """The words of a Cloudflare challenge do not ask to sign in."""
    words = PROBLEM_TEXTS[ErrorKind.CHALLENGE]
    assert "sign in" not in f"{words.summary} {words.cure}".lower()


@pytest.mark.parametrize("trouble", ErrorKind)
def test_few_problems_are_notes(trouble: ErrorKind) -> None:
    """Only a new field and a session that ends in days are notes, because they lose no data."""
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
def test_title_names_owner_and_problem(expected: str, one: Problem) -> None:
    """The title has the org or the session, the reply if that helps, the problem, and its detail."""
    assert expected == format_problem_title(one)


def known() -> Store:
    """Return two accounts: usage read at 14:00 and 14:01, overage at 14:02, the other's at 13:50."""
    return folded(
        listed(0, PERSONAL, TEAM),
        listed(0, PERSONAL, account=SAM, session=FIREFOX),
        reported(0, PERSONAL, usage(0), overage(2, 500)),
        reported(1, TEAM, usage(1)),
        reported(-10, PERSONAL, usage(-10), session=FIREFOX),
    )


NOTHING = "No figures yet: there was no successful read."


@pytest.mark.parametrize(
    ("expected", "one"),
    [
        ("The figures from 14:00 stay on screen.", problem()),
        ("The figures from 14:02 stay on screen.", problem(endpoint=Endpoint.OVERAGE)),
        ("The figures from 14:01 stay on screen.", problem(org=TEAM)),
        (NOTHING, problem(endpoint=Endpoint.PREPAID)),
        (NOTHING, problem(org=Org("org-9", "Gone"))),
        (NOTHING, problem(session=Session("Edge"))),
        ("The figures from 13:50 stay on screen.", problem(session=FIREFOX)),
        ("The figures from 14:00 stay on screen.", problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None)),
        ("Everything is shown as usual.", problem(ErrorKind.NEW_FIELD)),
        ("All other figures of the reply are shown.", problem(ErrorKind.ODD_VALUE)),
    ],
)
def test_meanwhile_names_the_remaining_figures(expected: str, one: Problem) -> None:
    """The words name the last good figures with their time, or say that there are none."""
    assert expected == describe_fallback_figures(one, known(), at(6), UTC)


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        ("The figures come from Firefox, work meanwhile.", [listed(7, PERSONAL, TEAM, session=FIREFOX)]),
        ("The figures come from Firefox, work meanwhile.", [listed(7, TEAM, session=FIREFOX)]),
        (
            "Some figures come from Firefox, work meanwhile, the others are from 14:00.",
            [reported(0, PERSONAL, usage(0)), listed(7, TEAM, session=FIREFOX)],
        ),
    ],
)
def test_meanwhile_names_the_serving_session(expected: str, readings: list[Reading]) -> None:
    """If another session of the account serves its orgs, it is named beside all other figures."""
    store = folded(*readings, store=folded(listed(0, PERSONAL, TEAM)))
    one = problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None)
    assert expected == describe_fallback_figures(one, store, at(8), UTC)


@pytest.mark.parametrize(
    ("expected", "session"),
    [
        (
            "Sign in to claude.ai in Chrome (Default) (checked every minute; press r to check now).",
            CHROME,
        ),
        (
            "Sign in to claude.ai in Safari (checked every minute; press r to check now).",
            Session("Safari"),
        ),
        ("Export fresh cookies and restart.", Session("cookie file")),
        ("Restart and paste a cookie from a signed-in browser.", Session("pasted cookie", "2")),
        (PROBLEM_TEXTS[ErrorKind.EXPIRED].cure.format(), Session("")),
    ],
)
def test_cure_of_an_expired_session_names_the_browser(expected: str, session: Session) -> None:
    """The cure names the browser, or the cookie given by hand, which no browser renews."""
    assert expected == describe_problem_cure(problem(ErrorKind.EXPIRED, Endpoint.ACCOUNT, None, session))


def test_cure_of_a_session_that_ends_soon_names_the_browser() -> None:
    """The cure of a session that ends soon is its own sentence."""
    one = problem(ErrorKind.EXPIRES_SOON, Endpoint.ACCOUNT, None)
    assert describe_problem_cure(one) == "Sign in to claude.ai in Chrome (Default) before then."


@pytest.mark.parametrize(("zone", "day"), [("UTC", "Wed Apr 29"), ("Asia/Tokyo", "Thu Apr 30")])
def test_session_that_ends_soon_has_the_local_day(zone: str, day: str) -> None:
    """The day is the local one, not the server's."""
    ends = datetime(2026, 4, 29, 20, tzinfo=UTC)
    one = problem(ErrorKind.EXPIRES_SOON, Endpoint.ACCOUNT, None)._replace(ends_at=ends)
    assert format_problem_title(one, ZoneInfo(zone)) == f"Chrome, Default · session expires soon ({day})"


@pytest.mark.parametrize(
    ("expected", "session"),
    [
        ("Sign in to claude.ai in Chrome (Default), then press r.", CHROME),
        ("Export fresh cookies and restart.", Session("cookie file")),
        (
            f"{describe_session_renewal(CLAUDE_CODE_LOGIN)} (checked every few minutes).",
            CLAUDE_CODE_LOGIN,
        ),
        (PROBLEM_TEXTS[ErrorKind.TOKEN_INVALID].cure.format(), Session("")),
    ],
)
def test_cure_of_refused_credentials_names_their_source(expected: str, session: Session) -> None:
    """The cure names a browser, a cookie given by hand, or Claude Code, which alone renews its login."""
    assert expected == describe_problem_cure(
        problem(ErrorKind.TOKEN_INVALID, Endpoint.ACCOUNT, None, session)
    )


@pytest.mark.parametrize("trouble", [one for one in ErrorKind if one not in RENEWABLE_ERRORS])
def test_cure_of_other_problems_is_from_the_table(trouble: ErrorKind) -> None:
    """Other cures do not depend on the browser."""
    assert PROBLEM_TEXTS[trouble].cure.format() == describe_problem_cure(problem(trouble))


@pytest.mark.parametrize("browser", ["Chrome", "cookie file", CLAUDE_CODE_LOGIN.browser, ""])
def test_cure_names_the_controls_of_the_place(browser: str) -> None:
    """Outside of the dashboard, no cure names one of its keys."""
    popup = Controls("click here", "Write to us")
    for trouble in ErrorKind:
        one = problem(trouble, Endpoint.ACCOUNT, None, Session(browser, "Default" if browser else ""))
        cure, keys = describe_problem_cure(one, popup), describe_problem_cure(one)
        assert "press " not in cure.lower()
        assert keys.count("press r") == cure.count("click here")
        assert keys.count("Press s") == cure.count("Write to us")


def group(*problems: Problem, cause: ProblemCause | None = None, orgs: int = 0) -> ProblemGroup:
    """Return a group of these problems."""
    return ProblemGroup(cause or ProblemCause(problems[0].error_kind), problems, orgs)


@pytest.mark.parametrize(
    ("expected", "one"),
    [
        (
            "claude.ai unreachable since 14:05: 2 replies of 7 orgs",
            group(problem(ErrorKind.TIMEOUT), problem(ErrorKind.DNS), cause=ProblemCause(None), orgs=7),
        ),
        ("timed out since 14:05: 2 replies", group(problem(ErrorKind.TIMEOUT), problem(ErrorKind.TIMEOUT))),
        (
            "odd value since 14:05: 2 values of 1 org",
            group(problem(ErrorKind.ODD_VALUE), problem(ErrorKind.ODD_VALUE), orgs=1),
        ),
    ],
)
def test_group_is_titled_by_its_cause(expected: str, one: ProblemGroup) -> None:
    """The title says the cause, its start, and how many replies and orgs it concerns."""
    assert expected == format_group_title(one, UTC, " since 14:05")


def test_group_of_one_problem_has_its_title() -> None:
    """A single problem keeps the name of its org, its reply and its detail."""
    one = problem(ErrorKind.TIMEOUT)
    assert f"{format_problem_title(one)} since 14:05" == format_group_title(group(one), UTC, " since 14:05")
