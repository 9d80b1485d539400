"""Every failed reply and network failure, from a socket to the words on screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot

from claudemeter_tui.claude_ai import client as client_module
from claudemeter_tui.model.reading import CLAUDE_CODE_LOGIN, ErrorKind, Reading, Session
from claudemeter_tui.sessions.manager import SessionManager
from claudemeter_tui.wiring import Machine, build_machine_providers
from tests.bodies import ACCOUNT, org_body, usage_body
from tests.bodies import PERSONAL as PERSONAL_UUID
from tests.claude_ai.api_cases import REFUSED, path, saying, serve, serve_account
from tests.claude_code.fake_login import login_file, login_text, profile_body
from tests.responses import NOT_FOUND, Answer, Held, Reset, Sends, cut_off, large, redirect
from tests.scenes import NOW, PERSONAL, TEAM, readings
from tests.server import LoopbackServer
from tests.sessions.manager_cases import Home
from tests.tui.app_harness import Stage, app, screen, text

KEY = "sk-ant-sid01-PLANTED-MARKER"
ONE = Session("Firefox", "one")
ACCOUNT_PATHS = ("/api/account", "/api/organizations")
LOGIN_PATHS = ("/api/oauth/profile", "/api/oauth/usage")
NO_ADDRESS = "https://" + ("x" * 60 + ".") * 5 + "invalid"
"""A name too long for a lookup: it fails locally, without a request."""
NO_ROUTE = "https://224.0.0.1"
"""A multicast address, to which no connection is possible: it fails locally, too."""

Place = Callable[[pytest.MonkeyPatch], AbstractAsyncContextManager[str]]
"""Opens a replacement for claude.ai and returns its URL."""


class StandingClock:
    """A clock at the moment of the scenes, at which no sleep ends."""

    def now(self) -> datetime:
        """Return that moment."""
        return NOW

    async def sleep(self, seconds: float) -> None:
        """Wait until cancelled."""
        del seconds
        await asyncio.Event().wait()


def everywhere(answer: Sends) -> Place:
    """Return a server with the same reply to every request."""
    return serving(*ACCOUNT_PATHS, *LOGIN_PATHS, answer=answer)


def of_usage(answer: Sends) -> Place:
    """Return a server with good replies except for the personal org's usage."""
    return serving(path(PERSONAL_UUID, "usage").partition("?")[0], answer=answer)


def serving(*paths: str, answer: Sends) -> Place:
    """Return a server with good replies except for these paths."""

    @asynccontextmanager
    async def there(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
        with LoopbackServer() as server:
            serve_account(server)
            server.routes |= {"/api/oauth/profile": Answer.json(profile_body())}
            server.routes |= {"/api/oauth/usage": Answer.json(usage_body(23.0))}
            server.routes |= dict.fromkeys(paths, answer)
            yield server.url

    return there


def at(url: str) -> Place:
    """Return an address without a server."""

    @asynccontextmanager
    async def there(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
        yield url

    return there


@asynccontextmanager
async def without_tls(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Return a portal that speaks http on the port of https."""
    async with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", scheme="https") as url:
        yield url


@asynccontextmanager
async def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Return a proxy that requires a password."""
    async with saying(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        yield "https://claude.invalid"


@asynccontextmanager
async def silent(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Return a server that never replies, and a client with a short timeout."""
    monkeypatch.setattr(client_module, "_TIMEOUT", httpx.Timeout(0.05))
    async with everywhere(Held())(monkeypatch) as url:
        yield url


@asynccontextmanager
async def without_billing(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Return an org without extra usage: a 404, and nothing in the usage reply."""
    with LoopbackServer() as server:
        serve_account(server, org_body())
        serve(server, PERSONAL_UUID, usage=usage_body(), overage=NOT_FOUND)
        yield server.url


@asynccontextmanager
async def without_orgs(_: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Return an account without orgs."""
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json({"uuid": ACCOUNT, "memberships": []})
        server.routes["/api/organizations"] = Answer.json([])
        yield server.url


def error(status: int, kind: str, message: str = "No", code: str | None = None) -> Answer:
    """Return an error in the server's form."""
    details = {"details": {"error_code": code}} if code else {}
    return Answer.json({"type": "error", "error": {"type": kind, "message": message, **details}}, status)


def page(status: int, html: str, **headers: str) -> Answer:
    """Return a web page."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "text/html", **named}, html.encode())


KEPT = "The figures from 14:48 stay on screen."
NEXT_POLL = "Nothing to do – it retries automatically."
SIGN_IN = "Sign in to claude.ai in Firefox (one)"
RUN_CLAUDE = "Run claude to renew its login, or log in with /login"


@dataclass(frozen=True)
class Case:
    """A replacement for claude.ai, and the expected words on screen."""

    place: Place
    title: str
    """Owner, name and detail of the problem."""
    what: str
    """Sentence of the cause."""
    cure: str
    """Sentence of the cure."""
    kept: str = KEPT
    """Figures shown meanwhile."""
    connect: str = ""
    """Words of the connect screen without figures; empty if the dashboard waits instead."""
    connect_title: str = "No session works yet"
    """Title of that screen."""
    session: Session = ONE


CHALLENGED = (
    "Cloudflare wants a browser check. Your session is probably fine.",
    (
        "Open claude.ai in the browser once to pass the check, then press r; meanwhile Claude Code's login,"
        " if there is one, reads the limits."
    ),
)
WEB_PAGE = (
    "A web page arrived instead of data, perhaps the login page of a public network.",
    "Open any page in the browser, sign in if asked, then press r.",
)
ELSEWHERE = (
    "claude.ai sent a redirect instead of data; redirects are not followed.",
    "Open claude.ai in the browser to see what it asks for, then press r.",
)
SLOW_DOWN = (
    "claude.ai limits the rate of requests.",
    "Nothing to do – it retries automatically.",
)
REGION = (
    "claude.ai is not available in this region or to this client.",
    "Leave the VPN or proxy, if there is one, then press r.",
)

CASES = {
    # Replies without data.
    "session expired": Case(
        everywhere(error(403, "permission_error", code="account_session_invalid")),
        "Firefox, one · session expired (status 403)",
        "The session has expired or was signed out.",
        f"{SIGN_IN} (checked every minute; press r to check now).",
        connect=f"Firefox, one ▲ session expired {SIGN_IN}.",
    ),
    "another account's org": Case(
        of_usage(error(403, "permission_error", "Invalid authorization for organization")),
        "Personal · usage: wrong account (status 403)",
        "The org does not belong to the signed-in account.",
        "Check which account the browser is signed in to, then press r.",
    ),
    "challenge by its header": Case(
        everywhere(page(403, "<p>", cf_mitigated="challenge")),
        "Firefox, one · Cloudflare challenge (status 403)",
        *CHALLENGED,
        connect=f"Firefox, one ▲ Cloudflare challenge {CHALLENGED[0]}",
        connect_title="Cloudflare wants a browser check",
    ),
    "challenge by its page": Case(
        everywhere(page(403, "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>")),
        "Firefox, one · Cloudflare challenge (status 403)",
        *CHALLENGED,
        connect=f"Firefox, one ▲ Cloudflare challenge {CHALLENGED[0]}",
        connect_title="Cloudflare wants a browser check",
    ),
    "denied by the edge": Case(
        everywhere(page(403, "<h1>Access denied</h1>")),
        "Firefox, one · access denied (status 403)",
        "claude.ai's firewall denied access to this address or program; the session is not the cause.",
        "Leave the VPN or proxy if claude.ai does not open in the browser either, then press r.",
    ),
    "region refused": Case(
        everywhere(error(403, "forbidden", "We are unable to serve your request")),
        "Firefox, one · not available here (status 403)",
        *REGION,
    ),
    "client refused": Case(
        everywhere(error(403, "forbidden", "Request not allowed")),
        "Firefox, one · not available here (status 403)",
        *REGION,
    ),
    "redirect to a login page": Case(
        everywhere(redirect("https://claude.ai/login")),
        "Firefox, one · redirected (status 302 to claude.ai)",
        *ELSEWHERE,
    ),
    "redirect to a portal": Case(
        everywhere(redirect("http://portal.hotel.example/welcome?next=https://claude.ai")),
        "Firefox, one · redirected (status 302 to portal.hotel.example)",
        *ELSEWHERE,
    ),
    "cookie not accepted": Case(
        everywhere(error(401, "authentication_error")),
        "Firefox, one · token invalid (status 401)",
        "The credentials were rejected.",
        f"{SIGN_IN}, then press r.",
        connect=f"Firefox, one ▲ token invalid {SIGN_IN}.",
    ),
    "token expired": Case(
        everywhere(error(401, "authentication_error")),
        "Claude Code · token invalid (status 401)",
        "The credentials were rejected.",
        f"{RUN_CLAUDE} (checked every few minutes).",
        connect=f"Claude Code ▲ token invalid {RUN_CLAUDE}.",
        session=CLAUDE_CODE_LOGIN,
    ),
    "wrong kind of token": Case(
        everywhere(error(403, "permission_error", "OAuth token lacks scope requirement user:profile")),
        "Claude Code · wrong kind of token (status 403)",
        "These credentials have no permission to read usage.",
        f"{RUN_CLAUDE} (checked every few minutes).",
        connect=f"Claude Code ▲ wrong kind of token {RUN_CLAUDE}.",
        session=CLAUDE_CODE_LOGIN,
    ),
    "not found": Case(
        of_usage(error(404, "not_found_error")),
        "Personal · usage: not found (status 404)",
        "claude.ai has no such data for this org.",
        NEXT_POLL,
    ),
    "not for this member": Case(
        of_usage(error(403, "permission_error", "Not for members")),
        "Personal · usage: not allowed (status 403)",
        "This account is not allowed to read the reply.",
        "Ask an administrator for access: it depends on your role in the org.",
    ),
    "throttled": Case(
        everywhere(Answer.json({"error": {"type": "rate_limit_error"}}, 429, retry_after="1600")),
        "Firefox, one · throttled (status 429)",
        *SLOW_DOWN,
    ),
    "login throttled": Case(
        everywhere(Answer.json({"error": {"type": "rate_limit_error"}}, 429, retry_after="0")),
        "Claude Code · throttled (status 429)",
        *SLOW_DOWN,
        session=CLAUDE_CODE_LOGIN,
    ),
    "captive portal": Case(
        everywhere(page(200, "<h1>Welcome to Airport Wi-Fi</h1>")),
        "Firefox, one · a web page (status 200)",
        *WEB_PAGE,
    ),
    "fault of the server": Case(
        everywhere(page(502, "<h1>Bad gateway</h1>")),
        "Firefox, one · server error (status 502)",
        "claude.ai reported an internal error.",
        NEXT_POLL,
    ),
    "answer of another kind": Case(
        everywhere(Answer.json({}, 418)),
        "Firefox, one · unexpected reply (status 418)",
        "claude.ai sent an unexpected reply.",
        "Press s to save a screenshot, and report it: the reply has changed, or claudemeter has a bug.",
    ),
    "not JSON": Case(
        everywhere(Answer(body=b'{"uuid": ')),
        "Firefox, one · not readable (not JSON)",
        "Unreadable reply.",
        NEXT_POLL,
    ),
    "too large": Case(
        everywhere(large(2 << 20)),
        "Firefox, one · too large (over 1 MiB)",
        "The reply is too large and was not read.",
        NEXT_POLL,
    ),
    "no orgs": Case(
        without_orgs,
        "Firefox, one · no orgs",
        "The account has no org with usage.",
        "Sign in with the account that has the plan, then press r.",
        "No figures yet: there was no successful read.",
        connect="Firefox, one ▲ no orgs The account has no org with usage.",
    ),
    # The network.
    "no route": Case(
        at(NO_ROUTE),
        "Firefox, one · no route",
        "The network is unreachable.",
        "Check the connection, then press r; it also retries automatically.",
    ),
    "no such name": Case(
        at(NO_ADDRESS),
        "Firefox, one · name not found",
        "The server name could not be resolved.",
        "Check the connection and DNS, then press r; it also retries automatically.",
    ),
    "refused": Case(
        at(REFUSED),
        "Firefox, one · refused",
        "Connection refused.",
        "Check the firewall, the proxy settings and --base-url (if set), then press r.",
    ),
    "TLS": Case(
        without_tls,
        "Firefox, one · TLS failed (wrong version number)",
        "TLS failed or the certificate is not trusted, so nothing was sent.",
        "Open the login page of a public network first; behind a company proxy, set SSL_CERT_FILE to its"
        " certificate and restart.",
    ),
    "proxy": Case(
        behind_a_proxy,
        "Firefox, one · proxy failed (status 407)",
        "The proxy cannot be used, or it rejected the request.",
        "Check HTTPS_PROXY and NO_PROXY, then restart.",
    ),
    "timeout": Case(
        silent,
        "Firefox, one · timed out (ReadTimeout)",
        "The reply did not arrive in time.",
        NEXT_POLL,
    ),
    "reset half-way": Case(
        everywhere(Reset()),
        "Firefox, one · cut off (ReadError)",
        "Connection dropped mid-reply.",
        NEXT_POLL,
    ),
    "closed half-way": Case(
        everywhere(cut_off()),
        "Firefox, one · cut off (RemoteProtocolError)",
        "Connection dropped mid-reply.",
        NEXT_POLL,
    ),
}
"""Cases by name; the problem's name is in each title."""
NO_ANSWERS = (
    ErrorKind.NO_SESSION,
    # These are in `tests/extension/test_host.py`.
    ErrorKind.FETCH_FAILED,
    ErrorKind.BROWSER_CLOSED,
    ErrorKind.EXTENSION_OLD,
    ErrorKind.ALL_IGNORED,
    ErrorKind.UNREAD,
    ErrorKind.BUG,
    ErrorKind.EXPIRES_SOON,
    ErrorKind.NEW_FIELD,
    ErrorKind.ODD_VALUE,
    ErrorKind.ARCHIVE_FAILED,
    ErrorKind.ARCHIVE_NEWER,
    ErrorKind.ARCHIVE_DAMAGED,
)
"""Kinds that come neither from a reply nor from this program's own requests."""
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


class Seen:
    """The dashboard during polls through the session manager."""

    def __init__(self, pilot: Pilot[Any], scene: Stage, folder: Path, session: Session) -> None:
        """Start with a machine on which that session is signed in, below `folder`."""
        self.pilot, self._scene, self._folder = pilot, scene, folder
        self._source = "claude-code" if session == CLAUDE_CODE_LOGIN else "cookie"
        home = Home(folder / "home")
        home.folder.mkdir()
        home.profile("one", KEY)
        login_file(home.folder, login_text(expires=NOW + timedelta(days=1)))

    async def poll(self, url: str, source: str | None = None) -> None:
        """Poll once."""
        clock = StandingClock()
        machine = Machine(self._folder / "home", self._folder / "state", "linux")
        found = build_machine_providers(machine, clock.now, base_url=url, source=source or self._source)
        posted = list[Reading]()
        await SessionManager(found, clock=clock, jitter=lambda: 0.0).poll_once(posted.append)
        await self._scene.post(self.pilot, *posted)
        await self.pilot.pause()

    @property
    def words(self) -> str:
        """Return all words on screen, without line breaks and the cursor's mark."""
        return " ".join(text(self.pilot).replace("▌", " ").split())

    @property
    def status(self) -> str:
        """Return the line above the keys."""
        return screen(self.pilot)[-2]

    async def press(self, key: str) -> None:
        """Press a key, and wait for its effect."""
        await self.pilot.press(key)
        await self.pilot.pause()


@asynccontextmanager
async def seen(folder: Path, *, known: bool, session: Session = ONE) -> AsyncIterator[Seen]:
    """Open the dashboard, with good figures of a moment ago or with none."""
    scene = Stage(readings(PERSONAL, TEAM, session=session) if known else ())
    async with app(scene).run_test(size=(110, 34)) as pilot:
        await pilot.pause()
        await pilot.press("1")  # later, the worst org would be selected
        yield Seen(pilot, scene, folder, session)


@EACH
async def test_problem_is_worded_on_screen(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dashboard shows the name, `e` the cause and the cure, and Enter the figures meanwhile."""
    async with seen(tmp_path, known=True, session=case.session) as here, case.place(monkeypatch) as url:
        await here.poll(url)
        if "no orgs" not in case.title:
            assert f"{here.status}   ".startswith(f" 14:48  {case.title}   ")
            assert screen(here.pilot)[1].endswith(" 1 problem")
            assert "67%" in here.words
        await here.press("e")
        assert f"Problems ▲ {case.title} since 14:48 {case.what} {case.cure} time" in here.words
        await here.press("enter")
        assert f"{case.cure} {case.kept} time" in here.words


@EACH
async def test_problem_of_the_first_poll_is_worded_on_screen(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause and cure are in the place of the verdict, or on the connect screen."""
    async with seen(tmp_path, known=False, session=case.session) as here, case.place(monkeypatch) as url:
        await here.poll(url)
        if case.connect:
            assert case.connect_title in here.words
            assert case.connect in " ".join(here.words.replace("│", " ").split())
        elif case.title.startswith("Personal"):
            assert "Windows not read" in here.words
        else:
            assert f"{case.what} {case.cure} ╭" in here.words


def test_every_kind_has_its_case() -> None:
    """The kinds missing from the table come from no request of this program."""
    covered = {trouble for trouble in ErrorKind for case in CASES.values() if trouble in case.title}
    assert set(ErrorKind) - set(NO_ANSWERS) == covered


def test_sentences_of_two_problems_differ() -> None:
    """The sentence of the cause identifies the problem."""
    names = {case.what: case.title.split(" (")[0].split(" · ")[1].split(": ")[-1] for case in CASES.values()}
    assert len(names) == len(set(names.values()))


@pytest.mark.parametrize("case", [CASES[name] for name in CASES if name.startswith("challenge")])
async def test_challenge_drops_nothing_and_never_asks_to_sign_in(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session stays good: every figure stays, and the requests pause for a while."""
    async with seen(tmp_path, known=True) as here, case.place(monkeypatch) as url:
        tabs, *before = screen(here.pilot)[1:-2]
        await here.poll(url)
        assert [f"{tabs:<100}1 problem", *before] == screen(here.pilot)[1:-2]
        assert "next in 1m" in screen(here.pilot)[0]
        assert "sign in" not in here.words.lower()
        await here.press("e")
        assert "sign in" not in here.words.lower()
        assert "Claude Code's login" in here.words


async def test_serving_login_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude Code reads its org while the browser's session is challenged."""
    place = serving(*ACCOUNT_PATHS, answer=page(403, "<p>", cf_mitigated="challenge"))
    async with seen(tmp_path, known=True) as here, place(monkeypatch) as url:
        await here.poll(url, source="auto")
        assert "Claude Code" in screen(here.pilot)[0]
        assert "23%" in here.words
        await here.press("e")
        await here.press("enter")
        others = "the others are from 14:48."
        assert f"Some figures come from Claude Code meanwhile, {others}" in here.words


@pytest.mark.parametrize(
    ("expected", "place"),
    [
        ("claude.ai sent no usage", of_usage(Answer.json({}))),
        ("not enabled for this org", without_billing),
    ],
)
async def test_reply_of_none_is_no_problem(
    expected: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply is worded in the place of the figures."""
    async with seen(tmp_path, known=False) as here, place(monkeypatch) as url:
        await here.poll(url)
        assert expected in here.words
        assert "problem" not in here.words
