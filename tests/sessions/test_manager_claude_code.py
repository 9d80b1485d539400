"""Claude Code's login beside the browsers' sessions: the last in its account, alone without one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import Session
from tests.bodies import PERSONAL
from tests.sessions.manager_cases import CHALLENGE, OF_PAT, OF_SAM, TOKEN, ClaudeAi, Home, opened

USAGE = f"{PERSONAL}/usage"
ONE, CODE = "Firefox, one", "Claude Code"


def signed_in(home: Home, server: ClaudeAi) -> None:
    """Sign Pat in in a browser and in Claude Code."""
    home.profile("one", "k1")
    home.login()
    server.people |= {"k1": OF_PAT, TOKEN: OF_PAT}


def login_only(home: Home, server: ClaudeAi) -> None:
    """Sign Pat in in Claude Code only."""
    home.profile("one")
    home.login()
    server.people[TOKEN] = OF_PAT


async def test_login_is_on_standby_beside_a_browser_of_its_account(tmp_path: Path) -> None:
    """The login's account is read once, and nothing else."""
    async with opened(tmp_path, signed_in) as here:
        await here.advance(600)
        assert here.server.by(TOKEN) == ["oauth/profile"]
        assert here.serving == {"Personal": ONE, "Acme Team": ONE}
        assert here.troubles == []


async def test_login_serves_the_account_that_no_browser_covers(tmp_path: Path) -> None:
    """Beside a browser of another account the login polls every three minutes, by its own interval."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        signed_in(home, server)
        server.people["k1"] = OF_SAM

    async with opened(tmp_path, prepare) as here:
        await here.advance(600)
        assert here.serving == {"Sam's": ONE, "Personal": CODE}
        assert here.server.times(TOKEN, "oauth/usage") == [0, 180, 360, 540]
        schedule = here.store.find_session_state(Session("Claude Code")).schedule
        assert schedule is not None
        assert schedule.interval == timedelta(seconds=180)


async def test_request_never_exceeds_the_budget(tmp_path: Path) -> None:
    """Repeated refreshes stay within the budget."""
    async with opened(tmp_path, login_only) as here:
        assert here.serving == {"Personal": CODE}
        for _ in range(5):
            await here.advance(10)
            await here.poll_now()
        assert here.server.by(TOKEN) == ["oauth/profile", "oauth/usage"]


async def test_login_replaces_a_challenged_session(tmp_path: Path) -> None:
    """The login's figures are fresh; those that it cannot read stay with their session."""
    async with opened(tmp_path, signed_in) as here:
        here.server.instead["k1"] = CHALLENGE
        await here.advance(240)
        assert here.serving == {"Personal": CODE, "Acme Team": ONE}
        personal = here.store.orgs[0]
        assert Session("Claude Code") == personal.reply_sources[Endpoint.USAGE]
        assert Session("Firefox", "one") == personal.reply_sources[Endpoint.SUBSCRIPTION]
        assert personal.read_at is not None
        assert here.clock.now() - personal.read_at < timedelta(minutes=3)
        assert here.no_org_read_twice()

        del here.server.instead["k1"]
        await here.advance(900)
        assert here.serving == {"Personal": ONE, "Acme Team": ONE}
        assert here.troubles == []
        assert here.no_org_read_twice()


async def test_login_replaces_an_expired_session(tmp_path: Path) -> None:
    """The login serves until there is a new sign-in."""
    async with opened(tmp_path, signed_in) as here:
        del here.server.people["k1"]
        await here.advance(240)
        assert here.serving["Personal"] == CODE
        assert here.troubles == [f"{ONE}: session expired"]
        here.server.people["k3"] = OF_PAT
        here.home.profile("one", "k3")
        await here.advance(180)
        assert here.serving == {"Personal": ONE, "Acme Team": ONE}
        assert here.no_org_read_twice()


async def test_login_is_found_and_removed_while_running(tmp_path: Path) -> None:
    """A sign-in and a sign-out of Claude Code are noticed like those of a browser."""

    def prepare(home: Home, server: ClaudeAi) -> None:
        login_only(home, server)
        home.no_login()

    async with opened(tmp_path, prepare) as here:
        assert here.serving == {}
        here.home.login()
        await here.advance(60)
        assert here.serving == {"Personal": CODE}
        here.home.no_login()
        await here.advance(180)
        assert here.serving == {}


async def test_source_cookie_ignores_the_login(tmp_path: Path) -> None:
    """With `--source cookie` the login is neither read nor listed."""
    async with opened(tmp_path, login_only, source="cookie") as here:
        assert here.server.asked == []
        assert here.store.scan_results is not None
        assert [place.session.label for place in here.store.scan_results] == [ONE]


async def test_source_claude_code_ignores_the_browsers(tmp_path: Path) -> None:
    """With `--source claude-code` no browser is scanned."""
    async with opened(tmp_path, signed_in, source="claude-code") as here:
        assert {one.key for one in here.server.asked} == {TOKEN}
        assert here.serving == {"Personal": CODE}
