"""Several sessions and accounts: election, standby, and expired sessions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.formatting.problems import describe_scan_result
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, ScanResult, Session
from claudemeter_tui.model.secrets import Cookies
from tests.bodies import PERSONAL, account_body
from tests.browsers.fake_profiles import Made
from tests.responses import Answer
from tests.sessions.manager_cases import (
    CHALLENGE,
    EXPIRED,
    OF_PAT,
    OF_SAM,
    PAT,
    THROTTLED,
    ClaudeAi,
    Here,
    Home,
    opened,
)
from tests.sessions.poller_cases import START

USAGE = f"{PERSONAL}/usage"
ONE, TWO = "Firefox, one", "Firefox, two"


def pat(home: Home, server: ClaudeAi) -> None:
    """Sign Pat in in one profile."""
    home.profile("one", "k1", Made("rest", "other"))
    server.people["k1"] = OF_PAT


def add_signed_out_browser(home: Home, _: ClaudeAi) -> None:
    """Add a browser without a session."""
    home.profile("one")


async def second(here: Here) -> None:
    """Sign Pat in in another profile, too, whose session is then on standby."""
    here.server.people["k2"] = OF_PAT
    here.home.profile("two", "k2")
    await here.poll_now()
    assert here.server.by("k2") == ["account"]


def both(session: str) -> dict[str, str]:
    """Return Pat's orgs, served by one session."""
    return {"Personal": session, "Acme Team": session}


# Accounts.


async def test_every_account_is_read(tmp_path: Path) -> None:
    """Two profiles of two accounts each serve their own orgs."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", "k1")
        home.profile("two", "k2")
        server.people |= {"k1": OF_PAT, "k2": OF_SAM}

    async with opened(tmp_path, prepare) as here:
        assert {**both(ONE), "Sam's": TWO} == here.serving
        assert all(state.plan for state in here.store.orgs)
        await here.advance(60)
        assert here.server.times("k1", USAGE) == [0, 60]
        assert len(here.server.times("k2", "account")) == 1


async def test_two_sessions_of_one_account_serve_each_org_once(tmp_path: Path) -> None:
    """Each org of two sessions found at once appears once, and one session polls."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", "k1")
        home.profile("two", "k2")
        server.people |= {"k1": OF_PAT, "k2": OF_PAT}

    async with opened(tmp_path, prepare) as here:
        await here.advance(120)
        (serving,) = set(here.serving.values())
        assert both(serving) == here.serving
        assert [state.session.label for state in here.store.sessions] == [serving]
        assert here.server.by("k2" if serving == ONE else "k1") == ["account"]
        assert here.no_org_read_twice()
        assert here.troubles == []


async def test_browsers_are_narrowed(tmp_path: Path) -> None:
    """`--browser` excludes the other browsers from reading and from the results."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        pat(home, server)
        home.profile("two", "k2")

    async with opened(tmp_path, prepare, wanted=["firefox:one"]) as here:
        assert both(ONE) == here.serving
        assert here.server.by("k2") == []
        assert here.store.scan_results is not None
        assert [place.session.label for place in here.store.scan_results] == [ONE, "Claude Code"]


async def test_session_given_by_hand_is_the_only_one(tmp_path: Path) -> None:
    """No browser is scanned, and no other session polls."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", "k1")
        home.login()
        server.people["k9"] = OF_PAT

    given = Session("cookie file"), Cookies.parse("sessionKey=k9")
    async with opened(tmp_path, prepare, given=given) as here:
        assert both("cookie file") == here.serving
        assert {one.key for one in here.server.asked} == {"k9"}
        assert (
            ScanResult(given[0], "session provided", "pat@example.com", is_working=True),
        ) == here.store.scan_results


# Failover.


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (EXPIRED, ErrorKind.EXPIRED),
        (CHALLENGE, ErrorKind.CHALLENGE),
        (Answer(403, {"Content-Type": "text/html"}, b"<html>no</html>"), ErrorKind.DENIED),
        (Answer.json({"error": {"message": "Request not allowed"}}, status=403), ErrorKind.REGION),
    ],
)
async def test_other_session_takes_over(tmp_path: Path, answer: Answer, trouble: ErrorKind) -> None:
    """The readings stay, the orgs keep their places, and no two sessions read an org within a minute."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead["k1"] = answer
        before = [(state.key, state.replies) for state in here.store.orgs]
        await here.advance(60)
        assert both(TWO) == here.serving
        assert [(state.key, state.replies) for state in here.store.orgs] == before
        assert f"{ONE}: {trouble}" in here.troubles
        await here.advance(60)
        assert here.server.times("k2", USAGE) == [125]
        await here.advance(120)
        assert here.server.times("k2", USAGE) == [125, 185, 245]
        assert here.no_org_read_twice()


async def test_recovered_session_serves_again(tmp_path: Path) -> None:
    """The other session is on standby again, the problem ends, and no two read an org within a minute."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead["k1"] = CHALLENGE
        await here.advance(200)
        assert both(TWO) == here.serving
        del here.server.instead["k1"]
        await here.advance(600)
        assert both(ONE) == here.serving
        assert here.troubles == []
        assert [state.session.label for state in here.store.sessions] == [ONE]
        later = here.server.times("k2", USAGE)[-1]
        assert next(at for at in here.server.times("k1", USAGE) if at > later) == later + 60
        assert here.no_org_read_twice()


@pytest.mark.parametrize("answer", [THROTTLED, Answer(502)])
async def test_no_other_session_takes_over_if_throttled(tmp_path: Path, answer: Answer) -> None:
    """Throttling concerns the account, and a server error the server, so no other session takes over."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead["k1"] = answer
        await here.advance(300)
        assert both(ONE) == here.serving
        assert here.server.by("k2") == ["account"]


async def test_all_sessions_retry_if_none_works(tmp_path: Path) -> None:
    """Each session rescans or polls by itself, and the first that works serves."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead |= {"k1": CHALLENGE, "k2": CHALLENGE}
        await here.advance(300)
        assert sorted(here.troubles) == [f"{ONE}: Cloudflare challenge", f"{TWO}: Cloudflare challenge"]
        assert len(here.store.orgs) == 2
        del here.server.instead["k2"]
        await here.advance(900)
        assert both(TWO) == here.serving
        assert here.no_org_read_twice()


# The life of a session.


async def test_expired_session_is_renewed_from_the_browser(tmp_path: Path) -> None:
    """A new key in the browser is used in the same poll, without a message."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        here.server.people["k3"] = OF_PAT
        here.home.profile("one", "k3")
        await here.advance(60)
        assert here.server.times("k3", USAGE) == [60]
        assert here.troubles == []
        assert not any(isinstance(one.account, Failure) for one in here.posted)


async def test_expired_session_is_retried_with_its_key_alone_once(tmp_path: Path) -> None:
    """The server may reject another cookie of the jar; from then on the key is sent alone."""
    async with opened(tmp_path, pat) as here:

        def minds(_: object) -> Answer:
            cookie = here.server.asked[-1].cookie
            return EXPIRED if "other" in cookie else Answer.json(account_body())

        here.server.instead["k1"] = minds
        await here.advance(60)
        assert here.server.asked[-1].cookie == "sessionKey=k1"
        assert "session expired" not in " ".join(here.troubles)


async def test_expired_session_sends_no_more_requests(tmp_path: Path) -> None:
    """After the jar and the key alone were refused no request is sent until there is another key."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        await here.advance(60)
        refused = [one.cookie for one in here.server.asked if one.at == 60]
        assert refused[-1] == "sessionKey=k1"
        number = len(here.server.asked)
        await here.advance(600)
        assert number == len(here.server.asked)
        assert here.troubles == [f"{ONE}: session expired"]
        assert START.replace(minute=1) == here.store.problems[0].at
        assert both(ONE) == here.serving

        here.server.people["k3"] = OF_PAT
        here.home.profile("one", "k3")
        await here.advance(60)
        assert here.server.times("k3", USAGE) != []
        assert here.troubles == []


async def test_signed_out_browser_is_scanned_every_minute(tmp_path: Path) -> None:
    """The schedule has the next scan in a minute, although every scan fails."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        here.home.profile("one")
        await here.advance(60)
        for _ in range(5):
            schedule = here.store.find_session_state(Session("Firefox", "one")).schedule
            assert schedule is not None
            assert 0 < (schedule.next_at - here.clock.now()).total_seconds() <= 60
            await here.advance(60)


async def test_refresh_retries_an_expired_session(tmp_path: Path) -> None:
    """`r` sends one request, in case the server was wrong."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        await here.advance(60)
        here.server.people["k1"] = OF_PAT
        await here.advance(120)
        assert here.troubles != []
        await here.poll_now()
        assert here.troubles == []


async def test_sign_in_as_another_person_replaces_the_orgs(tmp_path: Path) -> None:
    """The old account's orgs are replaced by the new one's at the next scan, or by `r`."""
    async with opened(tmp_path, pat) as here:
        here.server.people["k3"] = OF_SAM
        here.home.profile("one", "k3")
        await here.poll_now()
        assert here.serving == {"Sam's": ONE}
        assert here.troubles == []


async def test_account_without_its_session_moves_to_the_other_one(tmp_path: Path) -> None:
    """If another person signs in, the old account keeps its figures through its other session."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.people["k3"] = OF_SAM
        here.home.profile("one", "k3")
        await here.poll_now()
        assert {**both(TWO), "Sam's": ONE} == here.serving
        assert all(state.plan for state in here.store.orgs)
        await here.advance(120)
        assert here.server.times("k2", USAGE) != []
        assert here.no_org_read_twice()


async def test_new_key_of_the_same_person_keeps_the_orgs(tmp_path: Path) -> None:
    """After the browser's own rotation of the key the orgs and their data stay."""
    async with opened(tmp_path, pat) as here:
        here.server.people["k3"] = OF_PAT
        here.home.profile("one", "k3")
        keys = [state.key for state in here.store.orgs]
        await here.advance(180)
        assert keys == [state.key for state in here.store.orgs]
        assert here.server.asked[-1].key == "k3"


async def test_rotated_key_is_kept_with_the_browsers_other_cookies(tmp_path: Path) -> None:
    """The key that the server renewed survives a scan, and Cloudflare's cookie of the browser is used."""
    async with opened(tmp_path, pat) as here:
        rotated = Answer.json(account_body(*OF_PAT.orgs), set_cookie="sessionKey=k5; Path=/")
        here.server.instead["k1"] = rotated
        here.server.people["k5"] = OF_PAT
        await here.poll_now()
        assert here.server.asked[-1].key == "k5"
        here.home.profile("one", "k1", Made("pass", "cf_clearance"))
        await here.advance(240)
        assert here.server.asked[-1].key == "k5"
        assert "cf_clearance=pass" in here.server.asked[-1].cookie


async def test_challenged_session_uses_the_browsers_new_pass(tmp_path: Path) -> None:
    """The browser is scanned before each retry, because opening claude.ai in it is the cure."""
    async with opened(tmp_path, pat) as here:
        here.server.instead["k1"] = CHALLENGE
        await here.advance(60)
        here.home.profile("one", "k1", Made("pass", "cf_clearance"))
        await here.advance(60)
        assert "cf_clearance=pass" in here.server.asked[-1].cookie


async def test_session_that_ends_soon_is_noted_once(tmp_path: Path) -> None:
    """Within three days there is one note with the end, and none after a renewal in the browser."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", Made("k1", expires=int(START.timestamp()) + 3 * 86_400 + 120))
        server.people |= {"k1": OF_PAT, "k3": OF_PAT}

    async with opened(tmp_path, prepare) as here:
        assert here.troubles == []
        await here.advance(300)
        assert here.troubles == [f"{ONE}: session expires soon"]
        (problem,) = here.store.problems
        assert (problem.ends_at, problem.at) == (
            START + timedelta(days=3, minutes=2),
            START.replace(minute=2),
        )
        here.home.profile("one", "k3")
        await here.poll_now()
        assert here.troubles == []


# New and removed sessions.


async def test_new_profile_is_read(tmp_path: Path) -> None:
    """A new profile is read within three minutes, without a key; a deleted one takes its orgs along."""
    async with opened(tmp_path, pat) as here:
        here.server.people["k3"] = OF_SAM
        here.home.profile("two", "k3")
        await here.advance(180)
        assert {**both(ONE), "Sam's": TWO} == here.serving
        here.home.forget("one")
        await here.advance(180)
        assert here.serving == {"Sam's": TWO}
        assert [state.session.label for state in here.store.sessions] == [TWO]


async def test_removed_profile_leaves_its_orgs_to_the_other_one(tmp_path: Path) -> None:
    """Another session of the account takes over the orgs with all their data."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        before = [(state.key, state.replies) for state in here.store.orgs]
        here.home.forget("one")
        await here.poll_now()
        assert both(TWO) == here.serving
        assert [(state.key, state.replies) for state in here.store.orgs] == before
        await here.advance(60)
        assert here.no_org_read_twice()


async def test_renamed_container_is_the_same_session(tmp_path: Path) -> None:
    """A new name causes no request and loses no figure."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", Made("k1", attributes="^userContextId=2"))
        server.people["k1"] = OF_PAT

    async with opened(tmp_path, prepare) as here:
        assert both("Firefox, one, container 2") == here.serving
        number, known = len(here.server.asked), [state.replies for state in here.store.orgs]
        here.home.container("one", 2, "Work")
        await here.advance(59)
        assert number == len(here.server.asked)
        here.door._scan_requested.set()
        await here.quiet()
        assert both("Firefox, one, Work container") == here.serving
        assert known == [state.replies for state in here.store.orgs]
        assert number == len(here.server.asked)
        await here.advance(60)
        assert [state.session.label for state in here.store.sessions] == ["Firefox, one, Work container"]


async def test_copied_profile_is_another_session_of_the_account(tmp_path: Path) -> None:
    """Two profiles with one key keep their own names in every scan."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        pat(home, server)
        home.profile("two", "k1")

    async with opened(tmp_path, prepare) as here:
        serving = set(here.serving.values())
        await here.advance(400)
        assert serving == set(here.serving.values())
        assert len(serving) == 1


# Scans without a session.


async def test_scan_without_a_session_lists_its_places(tmp_path: Path) -> None:
    """Each place has its cause, and a minute later the scan repeats."""
    async with opened(tmp_path, add_signed_out_browser) as here:
        assert here.store.scan_results is not None
        assert [(place.session.label, place.outcome) for place in here.store.scan_results] == [
            (ONE, "not signed in"),
            ("Claude Code", "not signed in"),
        ]
        (problem,) = here.store.problems
        assert (problem.error_kind, problem.endpoint) == (ErrorKind.NO_SESSION, Endpoint.ACCOUNT)
        assert problem.detail == f"{ONE}: not signed in; Claude Code: not signed in"
        pat(here.home, here.server)
        await here.advance(60)
        assert both(ONE) == here.serving
        assert here.troubles == []
        assert here.store.scan_results[0].is_working


async def test_scan_without_any_browser_says_so(tmp_path: Path) -> None:
    """The scan has no places."""
    async with opened(tmp_path, lambda *_: None, source="cookie") as here:
        assert [place.session.label for place in here.store.scan_results or ()] == ["Browsers"]
        assert here.store.problems[0].detail == "Browsers: none found"


async def test_account_without_orgs_is_listed_among_the_places(tmp_path: Path) -> None:
    """The account's session is good but has nothing to read, and the table says so."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", "k1")
        server.people["k1"] = OF_PAT
        server.instead["k1"] = lambda request: Answer.json(
            {"uuid": PAT, "memberships": []} if "account" in request.path else []
        )

    async with opened(tmp_path, prepare) as here:
        assert here.troubles == [f"{ONE}: no orgs"]
        assert here.store.scan_results is not None
        assert (here.store.scan_results[0].outcome, here.store.scan_results[0].is_working) == (
            "no orgs",
            False,
        )


async def test_request_scans_again(tmp_path: Path) -> None:
    """After a sign-in `r` reads the session at once."""
    async with opened(tmp_path, add_signed_out_browser) as here:
        pat(here.home, here.server)
        await here.poll_now()
        assert both(ONE) == here.serving


async def test_expired_session_is_listed_among_the_places(tmp_path: Path) -> None:
    """The table has the expired session, and the browser to sign in with."""
    async with opened(tmp_path, lambda home, _: home.profile("one", "k1")) as here:
        assert here.store.scan_results is not None
        result, trouble = here.store.scan_results[0], ErrorKind.EXPIRED
        assert ScanResult(Session("Firefox", "one"), "session expired", error_kind=trouble) == result
        assert describe_scan_result(result) == "Sign in to claude.ai in Firefox (one)."


# Sessions offered while the program runs.


async def test_offered_session_is_validated_and_read(tmp_path: Path) -> None:
    """One request identifies the account, then the session is read like any other."""
    async with opened(tmp_path, add_signed_out_browser) as here:
        here.server.people["k7"] = OF_PAT
        offered = await here.door.offer_session("Cookie: a=b; sessionKey=k7")
        assert here.server.by("k7")[0] == "account"
        await here.quiet()
        assert offered.account is not None
        assert (offered.account.email, offered.org_count, offered.error_kind) == ("pat@example.com", 2, None)
        assert both("pasted cookie") == here.serving
        assert here.troubles == []


@pytest.mark.parametrize(
    ("text", "trouble", "asked"),
    [
        ("", ErrorKind.NO_SESSION, []),
        ("a=b; c=d", ErrorKind.NO_SESSION, []),
        ("k\n8", ErrorKind.NO_SESSION, []),
        ("sessionKey=k8", ErrorKind.EXPIRED, ["account"]),
        ("a=b; sessionKey=k8", ErrorKind.EXPIRED, ["account", "account"]),
        ("k8", ErrorKind.NO_SESSION, []),
        ("sessionKey=challenged", ErrorKind.CHALLENGE, ["account", "organizations"]),
    ],
)
async def test_offered_session_that_fails_is_rejected(
    tmp_path: Path, text: str, trouble: ErrorKind, asked: list[str]
) -> None:
    """The cause is reported, and nothing of the session is kept."""
    async with opened(tmp_path, add_signed_out_browser) as here:
        here.server.instead["challenged"] = CHALLENGE
        offered = await here.door.offer_session(text)
        assert (None, trouble) == (offered.account, offered.error_kind)
        assert asked == [one.what for one in here.server.asked]
        await here.advance(120)
        assert len(asked) == len(here.server.asked)
        assert here.serving == {}


# Robustness.


async def test_bug_in_a_scan_is_reported_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running sessions continue, and the next good scan ends the problem."""
    async with opened(tmp_path, pat) as here:

        async def fail(**_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(here.door._discovery, "scan", fail)
            await here.poll_now()
        assert here.troubles == ["Looking for sessions: claudemeter bug"]
        assert both(ONE) == here.serving
        await here.advance(180)
        assert here.troubles == []


async def test_round_ends_after_every_account(tmp_path: Path) -> None:
    """Every account is read once, and every connection is closed."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        again = here.again()
        await again.door.poll_once(again.post)
        assert set(again.serving) == {"Personal", "Acme Team"}
        assert all(state.plan for state in again.store.orgs)


async def test_round_without_a_session_ends(tmp_path: Path) -> None:
    """Without a session the round ends at once."""
    async with opened(tmp_path, add_signed_out_browser) as here:
        again = here.again()
        await again.door.poll_once(again.post)
        assert [one.error_kind for one in again.store.problems] == [ErrorKind.NO_SESSION]
