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
    """A server that answers as an ordinary day does."""
    with LoopbackServer() as running:
        running.routes[PROFILE_PATH] = Answer.json(profile_body())
        running.routes[USAGE_PATH] = Answer.json(usage_body(extra_usage=extra_usage_body()))
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an ordinary login."""
    login_file(tmp_path / "home")
    return tmp_path


async def test_source_reads_account_org_and_usage(server: LoopbackServer, folder: Path) -> None:
    """The profile names the account and the one org; the org's report has the usage reply only."""
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
    """Authorization and the beta header; no cookie, no referer, no name but our own."""
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
    """However often it is asked for everything, nothing is sent, and it says when it can be."""
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


async def test_source_asks_whose_login_it_is_rarely(server: LoopbackServer, folder: Path) -> None:
    """At the start, after six hours, and when the token is another one."""
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
    """A program that is started again asks nothing before its predecessor would have."""
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
    """Another process reads the file at once: its answer is the deadline in it, not that of its patience."""
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
    """300 s without a usable wait, else what the server asks, also after a restart; then it asks again."""
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
    """300, 600, 1200, 1800, 1800 s; a good answer starts anew."""
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
    """What refuses the first request would refuse the second."""
    server.routes[PROFILE_PATH] = Answer.json(SLOW_DOWN, status=429)
    code = source(server.url, folder, StillClock())
    assert [failure.error_kind for failure in failures(await polled(code))] == [ErrorKind.THROTTLED]
    assert server.paths() == [PROFILE_PATH]
    await code.aclose()


@pytest.mark.parametrize(
    ("answer", "trouble"), [(INVALID, ErrorKind.TOKEN_INVALID), (SCOPE, ErrorKind.TOKEN_SCOPE)]
)
async def test_token_that_is_not_accepted_is_not_sent_again(
    server: LoopbackServer, folder: Path, answer: Answer, trouble: ErrorKind
) -> None:
    """Until it is another one, or for half an hour."""
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
async def test_login_that_cannot_be_used_asks_nobody(
    server: LoopbackServer, tmp_path: Path, text: str | None, trouble: ErrorKind, detail: str
) -> None:
    """It is told in words, costs nothing of the budget, and is looked at again at the next poll."""
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


async def test_login_of_somebody_else_changes_the_org(server: LoopbackServer, folder: Path) -> None:
    """The new account's org comes in place of the old one's."""
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


async def test_login_of_nobody_known_reads_no_usage(server: LoopbackServer, folder: Path) -> None:
    """While the profile fails after a change of token, no figure is put under the last account's name."""
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
async def test_profile_without_an_org_is_told(server: LoopbackServer, folder: Path, body: object) -> None:
    """There is then nothing to hang figures on."""
    server.routes[PROFILE_PATH] = Answer.json(body)
    code = source(server.url, folder, StillClock())
    (reading,) = await polled(code)
    assert ([one.error_kind for one in failures([reading])], reading.orgs) == ([ErrorKind.NO_ORGS], ())
    await code.aclose()


async def test_failing_usage_is_the_orgs_failure(server: LoopbackServer, folder: Path) -> None:
    """The account stays good."""
    server.routes[USAGE_PATH] = cut_off()
    code = source(server.url, folder, StillClock())
    readings = await polled(code)
    assert failures(readings) == []
    (failure,) = readings[-1].org_readings[0].parts.values()
    assert (getattr(failure, "error_kind", None), failure.endpoint) == (ErrorKind.CUT_OFF, Endpoint.USAGE)
    await code.aclose()


async def test_challenge_leaves_a_gap_and_says_so(server: LoopbackServer, folder: Path) -> None:
    """The org's report is empty, so that its figures stay with a break, and the session has the failure."""
    server.routes[USAGE_PATH] = Answer(403, {"Content-Type": "text/html"}, b"<title>Just a moment...</title>")
    code = source(server.url, folder, StillClock())
    readings = await polled(code)
    assert [one.error_kind for one in failures(readings)] == [ErrorKind.CHALLENGE]
    assert (OrgReading(ORG, {}),) == readings[1].org_readings
    await code.aclose()


async def test_token_does_not_follow_a_redirect(server: LoopbackServer, folder: Path) -> None:
    """Wherever the server points, nobody else sees it."""
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
    """Another one than its own, or this machine in a test, is refused."""
    with pytest.raises(BadOriginError):
        BearerClient(base_url=url, now=StillClock().now)


async def test_lockout_state_stays_unknown_to_the_store(server: LoopbackServer, folder: Path) -> None:
    """Without `extra_usage` there is no word on credits: not known, neither off nor absent."""
    server.routes[USAGE_PATH] = Answer.json(usage_body())
    code = source(server.url, folder, StillClock())
    store = Store()
    for reading in await polled(code):
        store = store.apply(reading)
    (state,) = store.orgs
    assert CreditState.UNKNOWN is state.credits.compute_state(NOON)
    await code.aclose()
