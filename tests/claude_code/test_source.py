"""Claude Code's login through the real client, against a server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claudemeter_tui.claude_code.source import PROFILE_PATH, USAGE_PATH, BearerClient
from claudemeter_tui.model.account import Account, Org
from claudemeter_tui.model.catalogue import CreditState, Endpoint
from claudemeter_tui.model.reading import ErrorKind, OrgReading, Session
from claudemeter_tui.model.secrets import BadOriginError
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Plan
from tests.bodies import ACCOUNT, PERSONAL, extra_usage_body, usage_body
from tests.claude_code.fake_login import (
    NOON,
    TOKEN,
    StillClock,
    failures,
    login_file,
    login_text,
    polled,
    profile_body,
    replies,
    source,
)
from tests.claude_code.test_rate_limit import processes
from tests.responses import Answer, Held, cut_off, in_turn, redirect
from tests.server import LoopbackServer

ORG = Org(PERSONAL, "Personal", "Max 5x")
INVALID = Answer.json(
    {"type": "error", "error": {"type": "authentication_error", "message": "OAuth access token is invalid."}},
    status=401,
)
SCOPE = Answer.json(
    {
        "type": "error",
        "error": {
            "type": "permission_error",
            "message": "OAuth token does not meet scope requirement user:profile",
        },
    },
    status=403,
)
SLOW_DOWN = {"error": {"message": "Rate limited. Please try again later.", "type": "rate_limit_error"}}


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Start a server with ordinary replies."""
    with LoopbackServer() as running:
        running.routes[PROFILE_PATH] = Answer.json(profile_body())
        running.routes[USAGE_PATH] = Answer.json(usage_body(extra_usage=extra_usage_body()))
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an ordinary login."""
    login_file(tmp_path / "home")
    return tmp_path


async def test_source_reads_account_org_and_usage(server: LoopbackServer, folder: Path) -> None:
    """The profile names the account and its one org; the org's report has the usage reply only."""
    code = source(server.url, folder, StillClock())
    account, usage = await polled(code)
    assert Session("Claude Code") == account.session
    assert [Account(ACCOUNT, "pat@example.com")] == [getattr(account.account, "value", None)]
    assert account.orgs == (ORG,)
    (report,) = usage.org_readings
    assert (ORG, {Endpoint.USAGE}) == (report.org, set(report.parts))
    (reply,) = replies([usage])
    assert isinstance(reply.value, Plan)
    assert [window.percent for window in reply.value.windows] == [41.0, 67.0]
    assert (reply.new_fields, reply.odd_values) == ((), ())
    await code.aclose()


async def test_source_sends_the_bearer_headers_and_no_cookie(server: LoopbackServer, folder: Path) -> None:
    """A request has Authorization, the beta header and our own User-Agent, but no cookie and no referer."""
    code = source(server.url, folder, StillClock())
    await polled(code)
    assert server.paths() == [PROFILE_PATH, USAGE_PATH]
    for request in server.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["anthropic-beta"] == "oauth-2025-04-20"
        assert request.headers["user-agent"].startswith("claudemeter-tui/")
        assert {"cookie", "referer"}.isdisjoint(request.headers)
    await code.aclose()


async def test_source_never_exceeds_the_budget(server: LoopbackServer, folder: Path) -> None:
    """Repeated refreshes beyond the budget send nothing, and the source reports the next time."""
    clock = StillClock()
    code = source(server.url, folder, clock)
    await polled(code, full=True)
    clock.later(60)
    assert [await polled(code, full=True) for _ in range(3)] == [[], [], []]
    assert NOON + timedelta(seconds=180) == code.next_at
    assert len(server.requests) == 2
    clock.later(120)
    assert len(await polled(code, full=True)) == 1
    assert server.paths() == [PROFILE_PATH, USAGE_PATH, USAGE_PATH]
    await code.aclose()


async def test_source_rarely_reads_the_profile(server: LoopbackServer, folder: Path) -> None:
    """The profile is read at the start, after six hours, and after a change of the token."""
    clock = StillClock()
    code = source(server.url, folder, clock)
    for seconds in (180, 6 * 3600, 180):
        await polled(code)
        clock.later(seconds)
    assert server.paths() == [PROFILE_PATH, USAGE_PATH, USAGE_PATH, PROFILE_PATH, USAGE_PATH]
    login_file(folder / "home", login_text("renewed"))
    await polled(code)
    assert server.paths()[5:] == [PROFILE_PATH, USAGE_PATH]
    assert server.requests[-1].headers["authorization"] == "Bearer renewed"
    await code.aclose()


async def test_restart_keeps_the_deadline(server: LoopbackServer, folder: Path) -> None:
    """A restarted program waits as long as its predecessor would have."""
    clock = StillClock()
    first = source(server.url, folder, clock)
    await polled(first)
    await first.aclose()
    clock.later(179)
    second = source(server.url, folder, clock)
    assert await polled(second) == []
    assert NOON + timedelta(seconds=180) == second.next_at
    clock.later(1)
    assert len(replies(await polled(second))) == 1
    await second.aclose()


async def test_budget_is_free_while_a_reply_is_awaited(server: LoopbackServer, folder: Path) -> None:
    """Another process reads the next time from the file at once, while a reply is awaited."""
    slow = Held(Answer.json(usage_body()))
    server.routes[USAGE_PATH] = slow
    code = source(server.url, folder, StillClock())
    poll = asyncio.create_task(polled(code))
    await asyncio.to_thread(server.wait_for, lambda it: it.under_way == 1 and it.paths()[-1] == USAGE_PATH)
    later = (NOON + timedelta(seconds=60)).isoformat()
    other = await asyncio.to_thread(processes, folder / "state", 1, later)
    assert [["False", (NOON + timedelta(seconds=180)).isoformat()]] == other
    assert not poll.done()
    slow.release()
    assert len(replies(await poll)) == 1
    await code.aclose()


@pytest.mark.parametrize(
    ("header", "wait"), [({}, 300), ({"retry_after": "0"}, 300), ({"retry_after": "1600"}, 1600)]
)
async def test_throttled_source_waits(
    server: LoopbackServer, folder: Path, header: dict[str, str], wait: int
) -> None:
    """A 429 waits 300 s or as long as the server asks, also after a restart; then the source polls again."""
    ordinary = server.routes[USAGE_PATH]
    assert isinstance(ordinary, Answer)
    server.routes[USAGE_PATH] = in_turn(Answer.json(SLOW_DOWN, status=429, **header), ordinary)
    clock = StillClock()
    code = source(server.url, folder, clock)
    (failure,) = failures(await polled(code))
    assert (ErrorKind.THROTTLED, timedelta(seconds=wait)) == (failure.error_kind, failure.retry_after)
    assert NOON + timedelta(seconds=wait) == code.next_at
    clock.later(wait - 1)
    for one in (code, source(server.url, folder, clock)):
        (failure,) = failures(await polled(one, full=True))
        assert (ErrorKind.THROTTLED, timedelta(seconds=1)) == (failure.error_kind, failure.retry_after)
    assert len(server.requests) == 2
    clock.later(1)
    assert len(replies(await polled(code))) == 1
    await code.aclose()


async def test_throttled_waits_double_until_an_answer(server: LoopbackServer, folder: Path) -> None:
    """The waits are 300, 600, 1200, 1800 and 1800 s; a good reply resets them."""
    good = Answer.json(usage_body())
    throttled = Answer.json(SLOW_DOWN, status=429, retry_after="0")
    server.routes[USAGE_PATH] = in_turn(*[throttled] * 5, good, throttled)
    clock, waits = StillClock(), []
    code = source(server.url, folder, clock)
    for _ in range(7):
        await polled(code)
        assert code.next_at is not None
        waits.append((code.next_at - clock.now()).total_seconds())
        clock.moment = code.next_at
    assert waits == [300, 600, 1200, 1800, 1800, 180, 300]
    await code.aclose()


async def test_throttled_profile_stops_the_poll(server: LoopbackServer, folder: Path) -> None:
    """A 429 for the first request of a poll prevents the second."""
    server.routes[PROFILE_PATH] = Answer.json(SLOW_DOWN, status=429)
    code = source(server.url, folder, StillClock())
    assert [failure.error_kind for failure in failures(await polled(code))] == [ErrorKind.THROTTLED]
    assert server.paths() == [PROFILE_PATH]
    await code.aclose()


@pytest.mark.parametrize(
    ("answer", "trouble"), [(INVALID, ErrorKind.TOKEN_INVALID), (SCOPE, ErrorKind.TOKEN_SCOPE)]
)
async def test_rejected_token_is_not_sent_again(
    server: LoopbackServer, folder: Path, answer: Answer, trouble: ErrorKind
) -> None:
    """A rejected token is not sent again for half an hour, unless it changes."""
    server.routes[PROFILE_PATH] = answer
    clock = StillClock()
    code = source(server.url, folder, clock)
    for seconds in (0, 600, 600):
        clock.later(seconds)
        (failure,) = failures(await polled(code))
        assert (trouble, Endpoint.ACCOUNT, NOON) == (failure.error_kind, failure.endpoint, failure.at)
    assert len(server.requests) == 1
    clock.later(600)
    await polled(code)
    assert len(server.requests) == 2
    login_file(folder / "home", login_text("renewed"))
    server.routes[PROFILE_PATH] = Answer.json(profile_body())
    clock.later(180)
    assert len(replies(await polled(code))) == 1
    await code.aclose()


@pytest.mark.parametrize(
    ("text", "trouble", "detail"),
    [
        (None, ErrorKind.NO_SESSION, "no login"),
        ("{", ErrorKind.NO_SESSION, "not JSON"),
        ("{}", ErrorKind.NO_SESSION, "no token"),
        (login_text(expires=NOON), ErrorKind.TOKEN_INVALID, "expired"),
        (login_text(scopes=["user:inference"]), ErrorKind.TOKEN_SCOPE, "user:profile"),
    ],
)
async def test_unusable_login_sends_no_request(
    server: LoopbackServer, tmp_path: Path, text: str | None, trouble: ErrorKind, detail: str
) -> None:
    """An unusable login is reported, costs no budget, and is read again at the next poll."""
    if text is not None:
        login_file(tmp_path / "home", text)
    code = source(server.url, tmp_path, StillClock())
    (failure,) = failures(await polled(code))
    assert trouble is failure.error_kind
    assert detail in failure.detail
    assert (code.next_at, server.requests) == (None, [])
    login_file(tmp_path / "home")
    assert len(replies(await polled(code))) == 1
    await code.aclose()


async def test_login_of_another_account_replaces_the_org(server: LoopbackServer, folder: Path) -> None:
    """The org of the new account replaces that of the old one."""
    clock = StillClock()
    code = source(server.url, folder, clock)
    store = Store()
    for reading in await polled(code):
        store = store.apply(reading)
    login_file(folder / "home", login_text("of-somebody-else"))
    server.routes[PROFILE_PATH] = Answer.json(
        profile_body("kim@example.com", "account-2", uuid="org-2", name="Kim")
    )
    clock.later(180)
    for reading in await polled(code):
        store = store.apply(reading)
    assert [state.key for state in store.orgs] == [("account-2", "org-2")]
    await code.aclose()


async def test_login_of_an_unknown_account_reads_no_usage(server: LoopbackServer, folder: Path) -> None:
    """If the profile fails after a change of token, no figure is shown for the last account."""
    clock = StillClock()
    code = source(server.url, folder, clock)
    await polled(code)
    login_file(folder / "home", login_text("of-whom"))
    server.routes[PROFILE_PATH] = Answer.json({}, status=502)
    clock.later(180)
    readings = await polled(code)
    assert ([one.error_kind for one in failures(readings)], replies(readings)) == (
        [ErrorKind.SERVER_ERROR],
        [],
    )
    await code.aclose()


@pytest.mark.parametrize("body", [profile_body() | {"organization": None}, {}, profile_body(uuid=None)])
async def test_profile_without_an_org_is_reported(server: LoopbackServer, folder: Path, body: object) -> None:
    """A profile without an org is a failure, because its figures would belong to no org."""
    server.routes[PROFILE_PATH] = Answer.json(body)
    code = source(server.url, folder, StillClock())
    (reading,) = await polled(code)
    assert ([one.error_kind for one in failures([reading])], reading.orgs) == ([ErrorKind.NO_ORGS], ())
    await code.aclose()


async def test_failing_usage_is_the_orgs_failure(server: LoopbackServer, folder: Path) -> None:
    """A failing usage reply is a failure of the org; the account stays good."""
    server.routes[USAGE_PATH] = cut_off()
    code = source(server.url, folder, StillClock())
    readings = await polled(code)
    assert failures(readings) == []
    (failure,) = readings[-1].org_readings[0].parts.values()
    assert (getattr(failure, "error_kind", None), failure.endpoint) == (ErrorKind.CUT_OFF, Endpoint.USAGE)
    await code.aclose()


async def test_challenge_is_a_gap_and_a_failure(server: LoopbackServer, folder: Path) -> None:
    """A challenge leaves a gap in the org's figures and is a failure of the session."""
    server.routes[USAGE_PATH] = Answer(403, {"Content-Type": "text/html"}, b"<title>Just a moment...</title>")
    code = source(server.url, folder, StillClock())
    readings = await polled(code)
    assert [one.error_kind for one in failures(readings)] == [ErrorKind.CHALLENGE]
    assert (OrgReading(ORG, {}),) == readings[1].org_readings
    await code.aclose()


async def test_token_does_not_follow_a_redirect(server: LoopbackServer, folder: Path) -> None:
    """The token is not sent to the target of a redirect."""
    with LoopbackServer() as other:
        server.routes[PROFILE_PATH] = redirect(f"{other.url}{PROFILE_PATH}")
        code = source(server.url, folder, StillClock())
        assert [one.error_kind for one in failures(await polled(code))] == [ErrorKind.REDIRECT]
        await code.aclose()
        assert other.requests == []


@pytest.mark.parametrize(
    "url", ["https://claude.ai", "https://api.anthropic.com.evil.example", "http://10.0.0.1"]
)
def test_token_is_for_one_origin(url: str) -> None:
    """An origin other than the token's own, or this machine in a test, is refused."""
    with pytest.raises(BadOriginError):
        BearerClient(base_url=url, now=StillClock().now)


async def test_credits_stay_not_known_without_extra_usage(server: LoopbackServer, folder: Path) -> None:
    """Without `extra_usage` the credits are not known, neither off nor absent."""
    server.routes[USAGE_PATH] = Answer.json(usage_body())
    code = source(server.url, folder, StillClock())
    store = Store()
    for reading in await polled(code):
        store = store.apply(reading)
    (state,) = store.orgs
    assert CreditState.UNKNOWN is state.credits.compute_state(NOON)
    await code.aclose()


async def test_source_sends_no_query_and_repeats_no_request(server: LoopbackServer, folder: Path) -> None:
    """The bearer endpoint gives saved resets to Claude Code only, and each request costs budget."""
    server.routes[USAGE_PATH] = Answer.json({}, status=500)
    code = source(server.url, folder, StillClock())
    await polled(code)
    assert server.paths() == [PROFILE_PATH, USAGE_PATH]
    await code.aclose()
