"""Keys of a session: retried, rotated, empty, and two in one jar."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import pytest

from claudemeter_tui.model.reading import Session
from claudemeter_tui.model.secrets import Cookies
from tests.bodies import PERSONAL
from tests.browsers.fake_profiles import LATER, Made
from tests.responses import Answer, Request
from tests.sessions.manager_cases import OF_PAT, ClaudeAi, Home, build_reply, opened, shorten_path

USAGE = f"{PERSONAL}/usage"
EXPIRED = ["Firefox, one: session expired"]


def pat(home: Home, server: ClaudeAi) -> None:
    """Sign Pat in in one profile."""
    home.profile("one", "k1", Made("rest", "other"))
    server.people["k1"] = OF_PAT


async def test_expired_key_is_retried_every_quarter_of_an_hour(tmp_path: Path) -> None:
    """Two requests each time, first with all cookies of the browser; once accepted, the orgs are read."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        await here.advance(3660)
        refused = here.server.times("k1", "account")[1:]
        assert len(refused) == 9
        assert all(later - one <= 900 for one, later in pairwise(refused))
        assert [one.cookie for one in here.server.asked[-2:]] == [
            "sessionKey=k1; other=rest",
            "sessionKey=k1",
        ]
        assert here.troubles == EXPIRED
        here.server.people["k1"] = OF_PAT
        await here.advance(900)
        assert here.troubles == []
        assert not any(state.is_stale(here.clock.now()) for state in here.store.orgs)


async def test_expired_key_is_retried_after_the_clock_was_set_back(tmp_path: Path) -> None:
    """The pause does not become one of days."""
    async with opened(tmp_path, pat) as here:
        del here.server.people["k1"]
        await here.advance(120)
        here.clock.jump(-3 * 86_400)
        here.server.people["k1"] = OF_PAT
        await here.advance(60)
        assert here.troubles == []


@pytest.mark.parametrize("rotated", ["k5", ""])
async def test_rotated_key_that_is_refused_gives_way_to_the_browsers(tmp_path: Path, rotated: str) -> None:
    """A key of the server that it refuses later, or an empty one, is replaced by the browser's own."""
    async with opened(tmp_path, pat) as here:

        def rotate(request: Request) -> Answer:
            reply = build_reply(OF_PAT, shorten_path(request))
            return replace(reply, headers={"Set-Cookie": f"sessionKey={rotated}; Path=/"})

        here.server.instead["k1"] = rotate
        await here.poll_now()
        assert here.troubles == []
        assert here.server.times("k1", USAGE) == [0, 5]
        assert here.server.asked[-1].cookie == "sessionKey=k1; other=rest"
        await here.advance(120)
        assert here.troubles == []
        assert {one.at for one in here.server.asked if one.key == "k5"} <= {5}


@pytest.mark.parametrize("order", list(permutations((0, 1))))
@pytest.mark.parametrize("good", ["claude.ai", ".claude.ai"])
@pytest.mark.parametrize("later", ["claude.ai", ".claude.ai"])
async def test_both_keys_of_a_jar_are_tried(
    tmp_path: Path, order: tuple[int, int], good: str, later: str
) -> None:
    """A jar with a key for the host and one for the domain works if either does, and keeps it."""
    keys = [
        Made("k1" if host == good else "old", host=host, expires=LATER + (host == later))
        for host in ("claude.ai", ".claude.ai")
    ]

    def prepare(home: Home, server: ClaudeAi) -> None:
        home.profile("one", *(keys[number] for number in order), Made("rest", "other"))
        server.people["k1"] = OF_PAT

    async with opened(tmp_path, prepare) as here:
        assert here.troubles == []
        await here.advance(120)
        assert here.server.times("k1", USAGE) == [0, 60, 120]
        assert len(here.server.by("old")) <= 1
        assert "other=rest" in here.server.asked[-1].cookie


async def test_jar_with_two_dead_keys_has_expired(tmp_path: Path) -> None:
    """Each key is sent with the other cookies and alone, once, then the session is called expired."""

    def prepare(home: Home, _: ClaudeAi) -> None:
        home.profile("one", Made("k1", host="claude.ai"), Made("k2"), Made("rest", "other"))

    async with opened(tmp_path, prepare) as here:
        assert here.troubles == EXPIRED
        assert sorted(one.cookie for one in here.server.asked) == [
            "sessionKey=k1",
            "sessionKey=k1; other=rest",
            "sessionKey=k2",
            "sessionKey=k2; other=rest",
        ]
        await here.advance(600)
        assert len(here.server.asked) == 4


@pytest.mark.parametrize("text", ["sessionKey=old; a=b; sessionKey=k1", "sessionKey=k1; sessionKey=old"])
async def test_both_keys_of_a_header_are_tried(tmp_path: Path, text: str) -> None:
    """A Cookie header that was copied from a browser can hold both keys, too."""

    def prepare(_: Home, server: ClaudeAi) -> None:
        server.people["k1"] = OF_PAT

    given = Session("cookie file"), Cookies.parse(text)
    async with opened(tmp_path, prepare, given=given) as here:
        assert here.troubles == []
        assert here.server.times("k1", USAGE) == [0]
