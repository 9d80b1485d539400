"""Several sessions, several accounts: who reads, who stands by, and what becomes of an expired one."""

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
    """Pat is signed in in one profile."""
    home.profile("one", "k1", Made("rest", "other"))
    server.people["k1"] = OF_PAT


def nobody(home: Home, _: ClaudeAi) -> None:
    """A browser, and nobody signed in."""
    home.profile("one")


async def second(here: Here) -> None:
    """Pat signs in in another profile, too, which then stands by."""
    here.server.people["k2"] = OF_PAT
    here.home.profile("two", "k2")
    await here.poll_now()
    assert here.server.by("k2") == ["account"]


def both(session: str) -> dict[str, str]:
    """Pat's orgs, served by one session."""
    return {"Personal": session, "Acme Team": session}


# Accounts.


async def test_every_account_is_read(tmp_path: Path) -> None:
    """Two profiles, two accounts: the orgs of both, each through its own session."""

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


async def test_two_sessions_of_one_account_are_one(tmp_path: Path) -> None:
    """Found at once, side by side: each org appears once, and one session asks."""

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
        assert here.nobody_asked_twice()
        assert here.troubles == []


async def test_browsers_are_narrowed(tmp_path: Path) -> None:
    """`--browser`: the others are neither read nor told of."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        pat(home, server)
        home.profile("two", "k2")

    async with opened(tmp_path, prepare, wanted=["firefox:one"]) as here:
        assert both(ONE) == here.serving
        assert here.server.by("k2") == []
        assert here.store.scan_results is not None
        assert [place.session.label for place in here.store.scan_results] == [ONE, "Claude Code"]


async def test_session_given_by_hand_stands_alone(tmp_path: Path) -> None:
    """Nothing else is looked at, and nobody else is asked."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", "k1")
        home.login()
        server.people["k9"] = OF_PAT

    given = Session("cookie file"), Cookies.parse("k9")
    async with opened(tmp_path, prepare, given=given) as here:
        assert both("cookie file") == here.serving
        assert {one.key for one in here.server.asked} == {"k9"}
        assert (
            ScanResult(given[0], "session given", "pat@example.com", is_working=True),
        ) == here.store.scan_results


# Falling over.


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
    """What was read stays, the orgs keep their places, and no org is asked by both within a minute."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead["k1"] = answer
        before = [(state.key, state.replies) for state in here.store.orgs]
        await here.advance(60)
        assert both(TWO) == here.serving
        assert [(state.key, state.replies) for state in here.store.orgs] == before
        assert f"{ONE}: {trouble}" in here.troubles
        await here.advance(60)
        assert here.server.times("k2", USAGE) == [120]
        await here.advance(120)
        assert here.server.times("k2", USAGE) == [120, 180, 240]
        assert here.nobody_asked_twice()


async def test_session_that_works_again_gets_its_turn_back(tmp_path: Path) -> None:
    """The other one stands by again, the problem is over, and no org is asked by both within a minute."""
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
        assert here.nobody_asked_twice()


@pytest.mark.parametrize("answer", [THROTTLED, Answer(502)])
async def test_no_other_session_is_used_to_ask_more(tmp_path: Path, answer: Answer) -> None:
    """Being throttled concerns the account, and a fault the server: another session is no way round."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead["k1"] = answer
        await here.advance(300)
        assert both(ONE) == here.serving
        assert here.server.by("k2") == ["account"]


async def test_where_no_session_works_all_try_to_come_back(tmp_path: Path) -> None:
    """Each looks or asks by itself; the first that works serves."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.instead |= {"k1": CHALLENGE, "k2": CHALLENGE}
        await here.advance(300)
        assert sorted(here.troubles) == [f"{ONE}: Cloudflare challenge", f"{TWO}: Cloudflare challenge"]
        assert len(here.store.orgs) == 2
        del here.server.instead["k2"]
        await here.advance(900)
        assert both(TWO) == here.serving
        assert here.nobody_asked_twice()


# The life of a session.


async def test_expired_session_is_renewed_from_the_browser(tmp_path: Path) -> None:
    """Signed in again before anybody noticed: the new key is used in the same poll, and nothing is said."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        here.server.people["k3"] = OF_PAT
        here.home.profile("one", "k3")
        await here.advance(60)
        assert here.server.times("k3", USAGE) == [60]
        assert here.troubles == []
        assert not any(isinstance(one.account, Failure) for one in here.posted)


async def test_expired_session_is_tried_with_its_key_alone_once(tmp_path: Path) -> None:
    """The rest of the jar can be what the server minds; from then on the key goes alone."""
    async with opened(tmp_path, pat) as here:

        def minds(_: object) -> Answer:
            cookie = here.server.asked[-1].cookie
            return EXPIRED if "other" in cookie else Answer.json(account_body())

        here.server.instead["k1"] = minds
        await here.advance(60)
        assert here.server.asked[-1].cookie == "sessionKey=k1"
        assert "session expired" not in " ".join(here.troubles)


async def test_expired_session_leaves_the_server_alone(tmp_path: Path) -> None:
    """After the whole jar and the key alone were refused nobody is asked until there is another one."""
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


async def test_signed_out_browser_is_looked_at_every_minute(tmp_path: Path) -> None:
    """The schedule says when: a minute on, although every look fails."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        here.home.profile("one")
        await here.advance(60)
        for _ in range(5):
            schedule = here.store.find_session_state(Session("Firefox", "one")).schedule
            assert schedule is not None
            assert 0 < (schedule.next_at - here.clock.now()).total_seconds() <= 60
            await here.advance(60)


async def test_person_may_have_an_expired_session_asked_again(tmp_path: Path) -> None:
    """`r` asks the server once, should it have been wrong."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        await here.advance(60)
        here.server.people["k1"] = OF_PAT
        await here.advance(120)
        assert here.troubles != []
        await here.poll_now()
        assert here.troubles == []


async def test_signed_in_as_somebody_else(tmp_path: Path) -> None:
    """The old account's orgs leave and the new one's come, within the look of three minutes, or by `r`."""
    async with opened(tmp_path, pat) as here:
        here.server.people["k3"] = OF_SAM
        here.home.profile("one", "k3")
        await here.poll_now()
        assert here.serving == {"Sam's": ONE}
        assert here.troubles == []


async def test_account_that_loses_its_session_goes_to_the_other_one(tmp_path: Path) -> None:
    """Somebody else signs in in the serving profile: the old account keeps its figures through the other."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        here.server.people["k3"] = OF_SAM
        here.home.profile("one", "k3")
        await here.poll_now()
        assert {**both(TWO), "Sam's": ONE} == here.serving
        assert all(state.plan for state in here.store.orgs)
        await here.advance(120)
        assert here.server.times("k2", USAGE) != []
        assert here.nobody_asked_twice()


async def test_new_key_of_the_same_person_changes_nothing_on_screen(tmp_path: Path) -> None:
    """The browser's own rotation is followed; the orgs and what is known of them stay."""
    async with opened(tmp_path, pat) as here:
        here.server.people["k3"] = OF_PAT
        here.home.profile("one", "k3")
        keys = [state.key for state in here.store.orgs]
        await here.advance(180)
        assert keys == [state.key for state in here.store.orgs]
        assert here.server.asked[-1].key == "k3"


async def test_rotated_key_is_kept_and_the_rest_of_the_jar_follows_the_browser(tmp_path: Path) -> None:
    """What the server sets anew outlives a look; what the browser got from Cloudflare is used."""
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


async def test_challenged_session_takes_the_pass_that_the_browser_got(tmp_path: Path) -> None:
    """Before each try the browser is looked at: opening claude.ai there is the cure."""
    async with opened(tmp_path, pat) as here:
        here.server.instead["k1"] = CHALLENGE
        await here.advance(60)
        here.home.profile("one", "k1", Made("pass", "cf_clearance"))
        await here.advance(60)
        assert "cf_clearance=pass" in here.server.asked[-1].cookie


async def test_session_that_ends_soon_is_said_once(tmp_path: Path) -> None:
    """Within three days: one remark with its end, and none after the browser has a fresh one."""

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


# Coming and going.


async def test_profile_that_appears_is_read(tmp_path: Path) -> None:
    """Within three minutes, without a key; one that is deleted takes its orgs along."""
    async with opened(tmp_path, pat) as here:
        here.server.people["k3"] = OF_SAM
        here.home.profile("two", "k3")
        await here.advance(180)
        assert {**both(ONE), "Sam's": TWO} == here.serving
        here.home.forget("one")
        await here.advance(180)
        assert here.serving == {"Sam's": TWO}
        assert [state.session.label for state in here.store.sessions] == [TWO]


async def test_profile_that_vanishes_leaves_its_orgs_to_the_other_one(tmp_path: Path) -> None:
    """Another session of the account takes them over, with all that is known of them."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        before = [(state.key, state.replies) for state in here.store.orgs]
        here.home.forget("one")
        await here.poll_now()
        assert both(TWO) == here.serving
        assert [(state.key, state.replies) for state in here.store.orgs] == before
        await here.advance(60)
        assert here.nobody_asked_twice()


async def test_container_that_gets_its_name_is_the_same_session(tmp_path: Path) -> None:
    """Nobody is asked anew, no figure is lost; only the name is another one."""

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
    """Two profiles with one key: neither takes the other's name, look after look."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        pat(home, server)
        home.profile("two", "k1")

    async with opened(tmp_path, prepare) as here:
        serving = set(here.serving.values())
        await here.advance(400)
        assert serving == set(here.serving.values())
        assert len(serving) == 1


# Nothing found.


async def test_without_a_session_it_says_what_was_looked_at(tmp_path: Path) -> None:
    """Each place and why it gave nothing; a minute later it looks again by itself."""
    async with opened(tmp_path, nobody) as here:
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


async def test_without_any_browser_it_says_so(tmp_path: Path) -> None:
    """Nothing was found to look at, and that is an answer."""
    async with opened(tmp_path, lambda *_: None, source="cookie") as here:
        assert [place.session.label for place in here.store.scan_results or ()] == ["Browsers"]
        assert here.store.problems[0].detail == "Browsers: none found"


async def test_account_without_orgs_is_told_among_what_was_looked_at(tmp_path: Path) -> None:
    """Its session is good, and there is nothing to read with it: the table says so."""

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


async def test_poke_looks_again(tmp_path: Path) -> None:
    """Who has just signed in and presses r is read at once."""
    async with opened(tmp_path, nobody) as here:
        pat(here.home, here.server)
        await here.poll_now()
        assert both(ONE) == here.serving


async def test_expired_session_is_told_among_what_was_looked_at(tmp_path: Path) -> None:
    """A session was found and does not work: the table says so, and in which browser to sign in."""
    async with opened(tmp_path, lambda home, _: home.profile("one", "k1")) as here:
        assert here.store.scan_results is not None
        result, trouble = here.store.scan_results[0], ErrorKind.EXPIRED
        assert ScanResult(Session("Firefox", "one"), "session expired", error_kind=trouble) == result
        assert describe_scan_result(result) == "Sign in to claude.ai in Firefox (one)."


# Given while it runs.


async def test_offered_session_is_validated_and_read(tmp_path: Path) -> None:
    """One question whose it is, then it is read like any other."""
    async with opened(tmp_path, nobody) as here:
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
        ("k8", ErrorKind.EXPIRED, ["account"]),
        ("a=b; sessionKey=k8", ErrorKind.EXPIRED, ["account", "account"]),
        ("challenged", ErrorKind.CHALLENGE, ["account"]),
    ],
)
async def test_offered_session_that_does_not_work_is_not_accepted(
    tmp_path: Path, text: str, trouble: ErrorKind, asked: list[str]
) -> None:
    """It says why, and nothing of it is kept."""
    async with opened(tmp_path, nobody) as here:
        here.server.instead["challenged"] = CHALLENGE
        offered = await here.door.offer_session(text)
        assert (None, trouble) == (offered.account, offered.error_kind)
        assert asked == [one.what for one in here.server.asked]
        await here.advance(120)
        assert len(asked) == len(here.server.asked)
        assert here.serving == {}


# What it survives.


async def test_bug_in_the_looking_is_told_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs goes on, and the next look that works takes the problem away."""
    async with opened(tmp_path, pat) as here:

        async def fail(**_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(here.door._discovery, "scan", fail)
            await here.poll_now()
        assert here.troubles == ["Looking for sessions: bug of ours"]
        assert both(ONE) == here.serving
        await here.advance(180)
        assert here.troubles == []


async def test_round_ends_when_all_have_been_read(tmp_path: Path) -> None:
    """Once round: every account is read, nobody polls twice, and every connection is closed."""
    async with opened(tmp_path, pat) as here:
        await second(here)
        again = here.again()
        await again.door.poll_once(again.post)
        assert set(again.serving) == {"Personal", "Acme Team"}
        assert all(state.plan for state in again.store.orgs)


async def test_round_without_a_session_ends_too(tmp_path: Path) -> None:
    """There is nothing to wait for."""
    async with opened(tmp_path, nobody) as here:
        again = here.again()
        await again.door.poll_once(again.post)
        assert [one.error_kind for one in again.store.problems] == [ErrorKind.NO_SESSION]
