"""Replies of a loopback server on their whole way: client, sessions, store, verdict, and every output.

shown = play(Replies(usage_body(100.0), overage=overage_body()))
assert shown.check_status == 10
assert "ON CREDITS" in shown.check
"""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from claudemeter_tui.commands.once import run_once
from claudemeter_tui.commands.status import StatusAnswer, StatusRequest, answer_request
from claudemeter_tui.commands.watch import EventWatcher
from claudemeter_tui.formatting.figures import build_sections
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.formatting.verdict import list_verdict_facts
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event
from claudemeter_tui.model.reading import ErrorKind, Reading, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.model.verdict import judge
from claudemeter_tui.sessions.manager import SessionManager
from claudemeter_tui.wiring import Machine, build_machine_providers
from tests.bodies import ACCOUNT, Json, account_body, org_body, subscription_body, usage_body
from tests.event_lines import format_event_line
from tests.responses import NOT_FOUND, Answer, Sends
from tests.scenes import NOW
from tests.server import LoopbackServer
from tests.tui.app_harness import Stage, app, text

INTERVAL = timedelta(minutes=1)
THRESHOLDS = (75.0, 90.0, 100.0)
SIZE = (150, 45)
"""Width and height of the dashboard, so large that nothing is shortened."""


_CHART_TITLE = re.compile(r"╭ (?:Used credits|Utilization)  ")
MINUTE = NOW.replace(second=0)
"""The minute of NOW, 14:48 on Saturday, April 25."""


def later(**time: float) -> str:
    """Return that minute plus some time, as the server writes it."""
    return (MINUTE + timedelta(**time)).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Replies:
    """The replies of one poll about one org: JSON bodies, or scripted replies; 404 by default."""

    usage: Any = field(default_factory=usage_body)
    overage: Any = NOT_FOUND
    own: Any = NOT_FOUND
    """`overage_spend_limit?account_uuid=`."""
    prepaid: Any = NOT_FOUND
    subscription: Any = field(default_factory=subscription_body)
    org: Json = field(default_factory=org_body)
    routes: Mapping[str, Sends] = field(default_factory=dict)
    """Further replies by path, or other ones."""

    def build_routes(self) -> dict[str, Any]:
        """Return the replies by path."""
        begin = f"/api/organizations/{self.org['uuid']}"
        bodies = {
            "/api/account": account_body(self.org),
            f"{begin}/usage": self.usage,
            f"{begin}/overage_spend_limit": self.overage,
            f"{begin}/overage_spend_limit?account_uuid={ACCOUNT}": self.own,
            f"{begin}/prepaid/credits": self.prepaid,
            f"{begin}/subscription_details": self.subscription,
        }
        sent = {path: body if hasattr(body, "send") else Answer.json(body) for path, body in bodies.items()}
        return sent | dict(self.routes)


class StoppedClock:
    """A clock that shows a moment until it is set; whoever sleeps never wakes."""

    def __init__(self, moment: datetime) -> None:
        """Show this moment."""
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment."""
        return self.moment

    async def sleep(self, seconds: float) -> None:
        """Wait until cancelled."""
        del seconds
        await asyncio.Event().wait()


class Shown:
    """Everything that people and scripts get after some polls."""

    def __init__(
        self, readings: list[Reading], polls: list[tuple[Store, datetime]], paths: list[str]
    ) -> None:
        """Remember the readings of all polls, the store and the time after each poll, and the requests."""
        self._readings, self._polls = readings, polls
        self.store, self.now = polls[-1]
        self.paths = paths

    @property
    def org(self) -> OrgState:
        """Return the first org."""
        return self.store.orgs[0]

    @cached_property
    def check(self) -> str:
        """Return the line of `--check`."""
        return self._answer(None).text

    @cached_property
    def check_status(self) -> int:
        """Return the exit status of `--check`."""
        return self._answer(None).status

    @cached_property
    def line(self) -> str:
        """Return the line of `--line`."""
        return self._answer(DEFAULT_TEMPLATE).text

    @cached_property
    def once(self) -> str:
        """Return the output of `--once`."""
        return self._print(as_json=False)[0]

    @cached_property
    def once_status(self) -> int:
        """Return the exit status of `--once`."""
        return self._print(as_json=False)[1]

    @cached_property
    def json(self) -> Any:
        """Return the object of the first org in the output of `--json`."""
        return json.loads(self._print(as_json=True)[0])[0]

    @cached_property
    def banner(self) -> str:
        """Return the facts of the verdict, a line each."""
        facts = list_verdict_facts(judge(self.org, self.now), self.now, UTC)
        return "\n".join(f"{label}: {value}" for label, value in facts)

    @cached_property
    def details(self) -> str:
        """Return the figures of the details screen, a line each."""
        sections = build_sections(self.store, self.org, self.now, UTC)
        lines = (figure.format_line(self.now) for section in sections for figure in section.figures)
        return "\n".join(lines)

    @cached_property
    def screen(self) -> str:
        """Return the text of the dashboard above the charts."""
        return _CHART_TITLE.split(self.draw(), maxsplit=1)[0]

    @cached_property
    def events(self) -> list[str]:
        """Return the events of all polls in words, the first reading included."""
        return [format_event_line(event, self.now, UTC) for event in self._watch()]

    @property
    def new_fields(self) -> set[str]:
        """Return the paths of the fields that the program does not know."""
        return {path for reply in self.org.replies.values() for path in reply.new_fields}

    @property
    def odd_values(self) -> set[str]:
        """Return the paths of the values that the program cannot read."""
        return {path for reply in self.org.replies.values() for path in reply.odd_values}

    @property
    def everything(self) -> str:
        """Return all texts except `--json`, which holds the replies as sent."""
        events = "\n".join(self.events)
        short = (self.check, self.line, self.tab, self.banner, events)
        return "\n".join((*short, self.once, self.details, self.screen))

    @property
    def headlines(self) -> str:
        """Return the texts about the verdict alone."""
        return "\n".join((self.check, self.banner, self.json["verdict"]["text"], *self.events))

    def row(self, label: str) -> str:
        """Return the line of `--once` with this label; empty if there is none."""
        return next((line for line in self.once.splitlines() if line.startswith(f"{label} ")), "")

    @property
    def tab(self) -> str:
        """Return the line of the dashboard with the tabs of the orgs."""
        return next(line for line in self.screen.splitlines() if "▐" in line)

    def find_window(self, label: str) -> tuple[str, str, str]:
        """Return the texts about a window: in `--once`, on the details screen and on the dashboard."""
        sections = build_sections(self.store, self.org, self.now, UTC)
        figures = (figure for section in sections if label in section.title for figure in section.figures)
        lines = self.screen.splitlines()
        bars = [lines[at : at + 1] for at, line in enumerate(lines) if line.startswith(f"│ {label} ")]
        bar = "\n".join(line.split("│")[1] for two in bars for line in two)
        return self.row(label), "\n".join(figure.format_line(self.now) for figure in figures), bar

    def rows_with(self, word: str) -> str:
        """Return all lines of `--once`, the details and the dashboard that contain the word."""
        lines = f"{self.once}\n{self.details}\n{self.screen}".splitlines()
        return "\n".join(line for line in lines if word in line)

    def _answer(self, line_format: str | None) -> StatusAnswer:
        asked = StatusRequest(lambda: self.now, lambda: self._readings, INTERVAL, None, line_format)
        return answer_request(asked, None, lambda _: None)

    def _print(self, *, as_json: bool) -> tuple[str, int]:
        out = io.StringIO()
        feed = Stage(self._readings)
        with redirect_stdout(out):
            status = run_once(feed, lambda: self.now, as_json=as_json, org=None, print_reason=lambda _: None)
        return out.getvalue(), status

    def _watch(self) -> list[Event]:
        watcher = EventWatcher(EventLog(thresholds=THRESHOLDS))
        return [event for store, moment in self._polls for event in watcher.update(store, moment)]

    def draw(self, size: tuple[int, int] = SIZE) -> str:
        """Return the text of the dashboard in so many cells and lines."""

        async def draw() -> str:
            async with app(Stage(self._readings, self.now)).run_test(size=size) as pilot:
                await pilot.pause()
                return text(pilot)

        return asyncio.run(draw())


def play(*polls: Replies, apart: timedelta = INTERVAL, after: timedelta = timedelta(0)) -> Shown:
    """Return the outputs after these polls, the last one at NOW, so much time later.

    Args:
        polls: The replies of each poll.
        apart: Time from one poll to the next.
        after: Time from the last poll to the outputs.
    """
    clock, readings, stores, store = (
        StoppedClock(NOW),
        list[Reading](),
        list[tuple[Store, datetime]](),
        Store(),
    )
    with LoopbackServer() as server:
        for ago, replies in zip(reversed(range(len(polls))), polls, strict=True):
            clock.moment = NOW - ago * apart
            server.routes = replies.build_routes()
            found = asyncio.run(_poll(server.url, clock))
            for reading in found:
                store = store.apply_safely(reading)
            readings += found
            stores.append((store, clock.moment))
        paths = server.paths()
    assert not [problem for problem in store.problems if problem.error_kind is ErrorKind.BUG]
    if after:
        stores.append((store, NOW + after))
    return Shown(readings, stores, paths)


async def _poll(url: str, clock: StoppedClock) -> list[Reading]:
    """Poll once as the program does, with a session that a person provided."""
    given = (Session("CLAUDEMETER_COOKIE"), Cookies.parse("sessionKey=sk-ant-sid01-planted"))
    providers = build_machine_providers(Machine(), clock.now, base_url=url, given=given)
    found: list[Reading] = []
    await SessionManager(providers, interval=INTERVAL, clock=clock, jitter=lambda: 0.0).poll_once(
        found.append
    )
    return found


def full_window(**more: Any) -> Json:
    """Return a usage reply whose 5-hour window is full for another hour; `more` adds keys."""
    return usage_body(100.0, 31.0, resets_at=later(hours=1), week_resets_at=later(days=4), **more)


def room(five_hour: float = 41.0, seven_day: float = 31.0, **more: Any) -> Json:
    """Return a usage reply with room in both windows."""
    return usage_body(five_hour, seven_day, resets_at=later(hours=2), week_resets_at=later(days=4), **more)
