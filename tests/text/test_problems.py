"""Problems in words: every trouble, the title, and what is shown meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from claudemeter_tui.model.reading import CLAUDE_CODE, Endpoint, Reading, Session, Trouble
from claudemeter_tui.model.store import Problem, Store
from claudemeter_tui.model.usage import Org
from claudemeter_tui.polling import CURABLE
from claudemeter_tui.text.problems import RENEWED, TABLE, cure, is_remark, meanwhile, renewal, title
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
    trouble: Trouble = Trouble.TIMEOUT,
    endpoint: Endpoint = Endpoint.USAGE,
    org: Org | None = PERSONAL,
    session: Session = CHROME,
    detail: str = "",
) -> Problem:
    """A problem that began five minutes after the start."""
    return Problem(trouble, endpoint, at(5), session, org, detail)


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_words(trouble: Trouble) -> None:
    """What happened and what to do: whole sentences, each its own, none that stops half-way."""
    words = TABLE[trouble]
    for sentence in (words.what, words.cure):
        assert sentence[0].isupper() or sentence.startswith("claude.ai")
        assert sentence.endswith(".")
        assert sentence == " ".join(sentence.split())


def test_every_trouble_is_told_apart() -> None:
    """No two troubles happen in the same words, nor go by the same name."""
    assert len(Trouble) == len({words.what for words in TABLE.values()})
    assert set(Trouble) == set(TABLE)


@pytest.mark.parametrize("trouble", Trouble)
def test_cure_names_a_key_only_where_it_works(trouble: Trouble) -> None:
    """Who is told to press r is not held back by a back-off."""
    assert "press r" not in TABLE[trouble].cure or trouble in CURABLE


def test_challenge_never_asks_to_sign_in_again() -> None:
    """A Cloudflare challenge says nothing about the session."""
    words = TABLE[Trouble.CHALLENGE]
    assert "sign in" not in f"{words.what} {words.cure}".lower()


@pytest.mark.parametrize("trouble", Trouble)
def test_few_troubles_are_remarks(trouble: Trouble) -> None:
    """A new field loses nothing, nor does a session that ends in days; everything else does."""
    assert (trouble in (Trouble.NEW_FIELD, Trouble.EXPIRES_SOON)) is is_remark(problem(trouble))


@pytest.mark.parametrize(
    ("expected", "one"),
    [
        ("Personal · usage: timed out", problem()),
        (
            "Acme Team · prepaid: server error (status 502)",
            problem(Trouble.SERVER_ERROR, Endpoint.PREPAID, TEAM, detail="status 502"),
        ),
        ("org-9 · usage: timed out", problem(org=Org("org-9", ""))),
        (
            "Chrome, Default · session expired",
            problem(Trouble.EXPIRED, Endpoint.ACCOUNT, None),
        ),
        (
            "cookie file · session expired",
            problem(Trouble.EXPIRED, Endpoint.ACCOUNT, None, Session("cookie file")),
        ),
        (
            "Chrome, Default · usage: new field (a.b)",
            problem(Trouble.NEW_FIELD, Endpoint.USAGE, None, detail="a.b"),
        ),
        (
            "no session (Chrome: signed out)",
            problem(Trouble.NO_SESSION, Endpoint.ACCOUNT, None, Session(""), "Chrome: signed out"),
        ),
        ("Personal · account: timed out", problem(endpoint=Endpoint.ACCOUNT)),
    ],
)
def test_title_says_whose_and_what(expected: str, one: Problem) -> None:
    """The org or the session, the reply where it says more, the trouble, and what narrows it down."""
    assert expected == title(one)


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
        ("The figures of 14:00 stay on screen.", problem(Trouble.EXPIRED, Endpoint.ACCOUNT, None)),
        ("Everything is shown as usual.", problem(Trouble.NEW_FIELD)),
        ("All other figures of the reply are shown.", problem(Trouble.ODD_VALUE)),
    ],
)
def test_meanwhile_says_which_figures_stay(expected: str, one: Problem) -> None:
    """The last good figures with their time, the oldest of a whole session, or that there are none."""
    assert expected == meanwhile(one, known(), at(6), UTC)


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
    one = problem(Trouble.EXPIRED, Endpoint.ACCOUNT, None)
    assert expected == meanwhile(one, store, at(8), UTC)


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
        (TABLE[Trouble.EXPIRED].cure, Session("")),
    ],
)
def test_cure_of_an_expired_session_names_the_browser(expected: str, session: Session) -> None:
    """Or what was given by hand, which no browser renews."""
    assert expected == cure(problem(Trouble.EXPIRED, Endpoint.ACCOUNT, None, session))


def test_cure_of_a_session_that_ends_soon_names_the_browser() -> None:
    """A sentence of its own."""
    one = problem(Trouble.EXPIRES_SOON, Endpoint.ACCOUNT, None)
    assert cure(one) == "Sign in to claude.ai in Chrome (Default) again before it does."


@pytest.mark.parametrize(("zone", "day"), [("UTC", "Wed Apr 29"), ("Asia/Tokyo", "Thu Apr 30")])
def test_session_that_ends_soon_names_the_day_there(zone: str, day: str) -> None:
    """The person's own day, not the server's."""
    ends = datetime(2026, 4, 29, 20, tzinfo=UTC)
    one = replace(problem(Trouble.EXPIRES_SOON, Endpoint.ACCOUNT, None), ends=ends)
    assert title(one, ZoneInfo(zone)) == f"Chrome, Default · session expires soon ({day})"


@pytest.mark.parametrize(
    ("expected", "session"),
    [
        ("Sign in to claude.ai in Chrome (Default), then press r.", CHROME),
        ("Export the cookies anew and start again.", Session("cookie file")),
        (f"{renewal(CLAUDE_CODE)}; it is looked at every few minutes.", CLAUDE_CODE),
        (TABLE[Trouble.TOKEN_INVALID].cure, Session("")),
    ],
)
def test_cure_of_refused_credentials_is_where_they_come_from(expected: str, session: Session) -> None:
    """A browser, something given by hand, or Claude Code, which alone renews its login."""
    assert expected == cure(problem(Trouble.TOKEN_INVALID, Endpoint.ACCOUNT, None, session))


@pytest.mark.parametrize("trouble", [one for one in Trouble if one not in RENEWED])
def test_cure_of_all_else_is_that_of_the_table(trouble: Trouble) -> None:
    """The browser has no part in it."""
    assert TABLE[trouble].cure == cure(problem(trouble))
