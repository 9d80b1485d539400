"""A machine for tests of the session manager: claude.ai with its people, their profiles, and one clock."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from claudemeter_tui.model.reading import Reading, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import Store
from claudemeter_tui.sessions.manager import SessionManager
from claudemeter_tui.sessions.poller import REQUEST_PAUSE
from claudemeter_tui.wiring import Machine, build_machine_providers
from tests.bodies import PERSONAL, account_body, org_body, team_body, usage_body
from tests.browsers import fake_profiles
from tests.browsers.fake_profiles import Made
from tests.claude_code.fake_login import login_file, login_text, profile_body
from tests.responses import NOT_FOUND, Answer, Request, Sends
from tests.server import LoopbackServer
from tests.sessions.poller_cases import START, FakeClock, settle

PAT, SAM = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
SAMS = "bbbbbbbb-0000-4000-8000-000000000004"
TOKEN = "sk-ant-oat01-planted-4711"
EXPIRED = Answer.json(
    {"error": {"message": "Invalid session", "details": {"error_code": "account_session_invalid"}}},
    status=403,
)
CHALLENGE = Answer(403, {"cf-mitigated": "challenge", "Content-Type": "text/html"}, b"<html></html>")
THROTTLED = Answer.json({"error": {"type": "rate_limit_error"}}, status=429, retry_after="600")


@dataclass(frozen=True)
class Person:
    """A person with an account."""

    uuid: str = PAT
    email: str = "pat@example.com"
    orgs: tuple[Any, ...] = field(default_factory=lambda: (org_body(), team_body()))


OF_PAT = Person()
OF_SAM = Person(SAM, "sam@example.com", (org_body(SAMS, "Sam's"),))


@dataclass(frozen=True)
class Asked:
    """One request."""

    at: float
    """Seconds after the start."""
    key: str
    """The `sessionKey`, or the token."""
    what: str
    """`account`, or the org and the reply: `bbbb…/usage`."""
    cookie: str
    """The whole Cookie header."""


class ClaudeAi(LoopbackServer):
    """A server that answers each session as its person; an unknown key has expired."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.people: dict[str, Person] = {}
        """People by `sessionKey`."""
        self.instead: dict[str, Sends | Callable[[Request], Sends]] = {}
        """Reply to a key, whatever it requests."""
        self.asked: list[Asked] = []
        self._clock = clock

    def by(self, key: str) -> list[str]:
        """Return the requests with a key, in order."""
        return [one.what for one in self.asked if one.key == key]

    def times(self, key: str, what: str) -> list[float]:
        """Return the times of the requests with a key, seconds after the start."""
        return [one.at for one in self.asked if (one.key, one.what) == (key, what)]

    def _answer(self, request: Request) -> Sends:
        cookie = request.headers.get("cookie", "")
        pairs = dict(pair.partition("=")[::2] for pair in cookie.split("; "))
        key = pairs.get("sessionKey") or request.headers.get("authorization", "").removeprefix("Bearer ")
        what = shorten_path(request)
        self.asked.append(Asked(self._clock.seconds, key, what, cookie))
        instead = self.instead.get(key)
        if instead is not None:
            return instead(request) if callable(instead) else instead
        person = self.people.get(key)
        return EXPIRED if person is None else build_reply(person, what)


def shorten_path(request: Request) -> str:
    """Return `account`, or the org and the reply: `bbbb…/usage`."""
    return request.path.partition("?")[0].removeprefix("/api/").removeprefix("organizations/")


def build_reply(person: Person, what: str) -> Answer:
    """Return the reply to a person's request."""
    org, _, rest = what.partition("/")
    if what == "account":
        return Answer.json(account_body(*person.orgs, email=person.email, uuid=person.uuid))
    if what == "oauth/profile":
        return Answer.json(profile_body(person.email, person.uuid))
    if what == "oauth/usage" or (rest == "usage" and any(one["uuid"] == org for one in person.orgs)):
        return Answer.json(usage_body())
    return NOT_FOUND


class Home:
    """A home folder with Firefox profiles, and Claude Code's login."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = folder / ".mozilla/firefox"
        self._names: dict[str, str] = {}

    def profile(self, name: str, *cookies: Made | str) -> None:
        """Write a profile with exactly these cookies; a text is a `sessionKey`."""
        self._names[f"x.{name}"] = name
        fake_profiles.listed(self._root, self._names)
        for file in (self._root / f"x.{name}").glob("cookies.sqlite*"):
            file.unlink()
        held = [Made(one) if isinstance(one, str) else one for one in cookies]
        fake_profiles.firefox(self._root / f"x.{name}", held)

    def forget(self, name: str) -> None:
        """Delete the profile."""
        del self._names[f"x.{name}"]
        fake_profiles.listed(self._root, self._names)
        (self._root / f"x.{name}" / "cookies.sqlite").unlink()

    def container(self, name: str, number: int, called: str) -> None:
        """Write the name of a container, as Firefox does."""
        text = f'{{"identities": [{{"userContextId": {number}, "name": "{called}"}}]}}'
        (self._root / f"x.{name}" / "containers.json").write_text(text)

    def login(self, token: str = TOKEN) -> None:
        """Sign in to Claude Code."""
        login_file(self.folder, login_text(token, expires=START + timedelta(days=1)))

    def no_login(self) -> None:
        """Sign out of Claude Code."""
        (self.folder / ".claude/.credentials.json").unlink()


class Here:
    """A session manager, and everything around it."""

    def __init__(self, door: SessionManager, clock: FakeClock, server: ClaudeAi, home: Home) -> None:
        """Start it with `opened`."""
        self.door, self.clock, self.server, self.home = door, clock, server, home
        self.posted: list[Reading] = []
        self.store = Store()

    def post(self, reading: Reading) -> None:
        """Apply a reading, as the app does."""
        self.posted.append(reading)
        self.store = self.store.apply(reading)

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass, with each poll and each scan done before the next second."""
        while seconds > 0:
            await self.clock.advance(min(5, seconds))
            await self.quiet()
            seconds -= 5

    async def quiet(self) -> None:
        """Wait until all requests, scans and connections are done."""
        until = time.monotonic() + 60
        await settle()
        while self._busy() and time.monotonic() < until:
            await asyncio.sleep(0.001)  # The server and the readers have their own threads.
            await settle()
        assert not self._busy(), "not quiet within a minute"

    def again(self) -> Here:
        """Return another program on the same machine, not started yet."""
        door = SessionManager(self.door._discovery._providers, clock=self.clock, jitter=lambda: 0.0)
        return Here(door, self.clock, self.server, self.home)

    async def poll_now(self) -> None:
        """Request a poll, as a person does, and wait for the least pause after the last one."""
        self.door.poll_now()
        await self.quiet()
        await self.advance(REQUEST_PAUSE.total_seconds())

    def _busy(self) -> bool:
        finding, seating = self.door._discovery, self.door._scheduler
        return finding.is_scanning or seating.is_polling or not seating.is_settled

    @property
    def serving(self) -> dict[str, str]:
        """Return the session that serves each org, by the org's name."""
        return {state.org.name: state.session.label for state in self.store.orgs}

    @property
    def troubles(self) -> list[str]:
        """Return the owner and kind of every open problem."""
        return [f"{one.session.label}: {one.error_kind}" for one in self.store.problems]

    def no_org_read_twice(self) -> bool:
        """Return True if no two sessions have read the same org within a minute."""
        log = [one for one in self.server.asked if "/" in one.what]
        return not any(
            one.key != other.key and _org(one) == _org(other) and abs(one.at - other.at) < 60
            for one in log
            for other in log
        )


def _org(asked: Asked) -> str:
    """Return the personal org, which the bearer endpoints read."""
    return PERSONAL if asked.what == "oauth/usage" else asked.what.partition("/")[0]


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    prepare: Callable[[Home, ClaudeAi], object],
    *,
    given: tuple[Session, Cookies] | None = None,
    source: str = "auto",
    wanted: Iterable[str] = (),
) -> AsyncIterator[Here]:
    """Open a session manager after its first scan, over the profiles and people that `prepare` makes."""
    clock = FakeClock()
    with ClaudeAi(clock) as server:
        home = Home(folder / "home")
        home.folder.mkdir()
        prepare(home, server)
        machine = Machine(home.folder, folder / "state", "linux")
        found = build_machine_providers(
            machine, clock.now, base_url=server.url, source=source, wanted=tuple(wanted), given=given
        )
        here = Here(SessionManager(found, clock=clock, jitter=lambda: 0.0), clock, server, home)
        task = asyncio.create_task(here.door.run(here.post))
        try:
            await here.quiet()
            yield here
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def moment(seconds: float) -> datetime:
    """Return the moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)
