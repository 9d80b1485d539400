"""Alerts of events, and the command that runs on every event."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from claudemeter_tui.claude_ai.api import ClaudeAiSource
from claudemeter_tui.claude_ai.client import CookieClient
from claudemeter_tui.demo import server as demo
from claudemeter_tui.demo.timeline import SkippingClock
from claudemeter_tui.formatting import values as forms
from claudemeter_tui.formatting.events import describe_event
from claudemeter_tui.model.account import Org
from claudemeter_tui.model.catalogue import Cause, CreditState
from claudemeter_tui.model.credit_locks import CreditLock
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import Reading, Session
from claudemeter_tui.model.secrets import Cookies
from claudemeter_tui.model.store import Store
from claudemeter_tui.model.windows import Severity
from claudemeter_tui.sessions.poller import Poller, SessionSource
from claudemeter_tui.tui.alerts import (
    ALERT_KINDS,
    MAX_QUEUED_EVENTS,
    DashboardRun,
    EventCommand,
    select_alerts,
)
from claudemeter_tui.tui.app import Options
from claudemeter_tui.tui.terminal import NotificationProtocol, TerminalWriter
from tests import pii_fixtures

NOW = datetime(2026, 4, 25, 14, 31, tzinfo=UTC)
SESSION = Session("Chrome", "Default")
TEAM, LAB = Org("org-2", "Acme Team"), Org("org-3", "Lab")
CAP = CreditLock(CreditState.LOCKED, Cause.CAP, "self_selected_spend_limit_reached")


def event(kind: EventKind, org: Org = TEAM, **more: Any) -> Event:
    """Return an event of an org."""
    return Event(kind, NOW, SESSION, org, ("a-1", org.uuid), **more)


BLOCKED, FILLED = (
    event(EventKind.BLOCKED, credit_lock=CAP, severity=Severity.FULL),
    event(EventKind.WINDOW_FILLED),
)
ON_CREDITS, LIFTED = event(EventKind.ON_CREDITS), event(EventKind.LIFTED, credit_lock=CAP)
FREED = event(EventKind.WINDOW_RESET, is_freed=True)


def called(events: Iterable[Event]) -> list[Event]:
    """Return the events that cause an alert."""
    made = select_alerts(events, UTC)
    return [alert.event for alert in made]


@pytest.mark.parametrize("kind", EventKind)
def test_events_of_work_and_money_alert(kind: EventKind) -> None:
    """Events of work and money cause an alert, others do not."""
    assert (kind in ALERT_KINDS) is bool(called([event(kind, is_freed=True)]))


def test_only_the_reset_of_a_full_window_alerts() -> None:
    """The reset of a window with room changes nothing for the person."""
    back = event(EventKind.BACK_IN_PLAN, is_freed=True)
    assert called([event(EventKind.WINDOW_RESET), FREED]) == [FREED]
    assert called([event(EventKind.BACK_IN_PLAN), back]) == [back]


def test_alert_has_name_and_words() -> None:
    """The name is the org's, and the text is that of the events' list."""
    (alert,) = select_alerts([BLOCKED], UTC)
    assert (alert.title, alert.text) == ("Acme Team", "BLOCKED: your monthly cap is reached")
    assert alert.severity == "error"


@pytest.mark.parametrize(
    ("expected", "reported"), [(2, BLOCKED), (0, event(EventKind.SESSION_ENDS, subject="Chrome, Default"))]
)
def test_session_that_ends_soon_does_not_alert(expected: int, reported: Event) -> None:
    """The end of a session in a few days is only a note on the screen."""
    written: list[str] = []
    outlet = TerminalWriter(NotificationProtocol.OSC_777)
    outlet.open(written.append)
    before = len(written)
    run = DashboardRun(Options(zone=UTC), outlet, written.append)
    assert [alert.event for alert in run.send_alerts([reported], Store(), private=False)] == [reported]
    assert expected == len(written) - before


@pytest.mark.parametrize("private", [True, False])
def test_private_alert_has_the_words_of_the_private_screen(*, private: bool) -> None:
    """Title and text of toasts and notifications have pseudonyms; the user's command gets the names."""
    store, session = pii_fixtures.planted_store(), pii_fixtures.SESSION
    state = store.orgs[0]
    assert state.plan is not None
    label = state.plan.windows[-1].label
    names: dict[str, Any] = {"org": state.org, "org_key": state.key, "session": session}
    reason = CreditLock(CreditState.LOCKED, Cause.SERVER, pii_fixtures.CODE)
    happened = [
        event(EventKind.BLOCKED, credit_lock=reason)._replace(**names),
        event(EventKind.WINDOW_RESET, subject=label, is_freed=True)._replace(**names),
        event(EventKind.THRESHOLD, subject=label, after=91.0, threshold=90.0)._replace(**names),
        event(EventKind.ON_CREDITS, after=label)._replace(**names),
        event(EventKind.WAIT, after=label)._replace(**names),
        event(EventKind.SESSION_ENDS, subject=session.label, until=NOW)._replace(**names),
    ]
    written: list[str] = []
    outlet = TerminalWriter(NotificationProtocol.OSC_777)
    outlet.open(written.append)
    run = DashboardRun(Options(zone=UTC, on_event=("true",)), outlet, written.append)
    alerts = run.send_alerts(happened, store, private=private)
    assert len(alerts) == len(happened)
    shown = "".join((*written, *(f"{alert.title} {alert.text}" for alert in alerts)))
    assert bool(pii_fixtures.found(shown)) is not private
    if private:
        screen = run.redaction.redact_events(tuple(happened))
        assert [alert.text for alert in alerts] == [describe_event(one, UTC) for one in screen]
    assert run.command is not None
    assert [run.command._queue.get_nowait() for _ in happened] == happened


class Runs:
    """A command that runs for some events; its errors are collected."""

    def __init__(self, *argv: str, **options: Any) -> None:
        self.said: list[str] = []
        self.command = EventCommand(argv, self.said.append, **options)

    async def over(self, *events: Event) -> list[str]:
        """Emit the events, wait until the command has run for each, and stop; return the errors."""
        running = asyncio.create_task(self.command.run())
        self.command.enqueue(events)
        await asyncio.wait_for(self.command.wait_until_idle(), 60)
        await stopped(running)
        return self.said


async def stopped(running: asyncio.Task[None]) -> None:
    """Cancel the running task, and check that this ends it."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Return a named pipe and its reader: it is at its end once no process has it open."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, end
    os.close(end)


async def read(end: int) -> bytes:
    """Return the next data; empty at the end."""
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(end, ready.set)
    await asyncio.wait_for(ready.wait(), 60)
    asyncio.get_running_loop().remove_reader(end)
    return os.read(end, 9)


async def test_command_gets_each_event_as_json_in_order(tmp_path: Path) -> None:
    """Each event is a line on the command's standard input, in order, and its output is dropped."""
    file = tmp_path / "events"
    script = f"cat >> {file}; echo noise; echo noise >&2"
    assert await Runs("/bin/sh", "-c", script).over(BLOCKED, LIFTED) == []
    kinds = [json.loads(line)["kind"] for line in file.read_text().splitlines()]
    assert kinds == ["blocked", "lifted"]


async def test_command_sees_no_variable_of_ours(tmp_path: Path) -> None:
    """A cookie in the environment is not passed on."""
    file = tmp_path / "environment"
    environment = {"CLAUDEMETER_COOKIE": "planted", "PATH": os.environ["PATH"]}
    await Runs("/bin/sh", "-c", f"env > {file}", environment=environment).over(BLOCKED)
    assert "PATH=" in file.read_text()
    assert "planted" not in file.read_text()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("/bin/sh", "-c", "exit 3"), "on_event: /bin/sh failed with status 3"),
        (("/nowhere/at-all",), "on_event: /nowhere/at-all could not be started: No such file or directory"),
        (("/",), "on_event: / could not be started: Permission denied"),
        (("a\0b",), "on_event: a\0b could not be started: the name is invalid"),
    ],
)
async def test_failing_command_is_reported_once(argv: tuple[str, ...], said: str) -> None:
    """Repeated failures are reported once, and the next event still runs the command."""
    assert [said] == await Runs(*argv).over(BLOCKED, LIFTED, FILLED)


async def test_command_may_ignore_its_input() -> None:
    """A command that ends without reading its input is no failure."""
    assert await Runs("true").over(BLOCKED, LIFTED) == []


async def test_slow_command_is_ended(pipe: tuple[Path, int]) -> None:
    """A slow command is ended with all its processes, and the next event runs it again."""
    path, end = pipe
    script = f"exec 3> {path}; sleep 60 & wait"
    said = await Runs("/bin/sh", "-c", script, within=0.3).over(BLOCKED, LIFTED)
    assert said == ["on_event: /bin/sh took longer than 0.3 s and was stopped"]
    assert await read(end) == b""


async def test_command_ends_with_the_program(pipe: tuple[Path, int]) -> None:
    """A quit leaves no process running."""
    path, end = pipe
    runs = Runs("/bin/sh", "-c", f"exec 3> {path}; echo on >&3; sleep 60 & wait")
    running = asyncio.create_task(runs.command.run())
    runs.command.enqueue([BLOCKED])
    assert await read(end) == b"on\n"
    await stopped(running)
    assert await read(end) == b""


async def test_emitting_never_blocks() -> None:
    """Events beyond those that a slow command can take are dropped and reported."""
    runs = Runs("true")
    runs.command.enqueue([BLOCKED] * (MAX_QUEUED_EVENTS + 5))
    assert runs.said == ["on_event: true is too slow: some events were dropped"]


async def test_demo_day_emits_its_alerts_once() -> None:
    """From the simulated server through poller, store and log each alert of the morning is emitted once."""
    clock = SkippingClock(datetime(2026, 4, 25, tzinfo=UTC))

    async def simulated() -> SessionSource:
        transport = demo.build_transport(clock.now, clock.now())
        return ClaudeAiSource(
            SESSION, CookieClient(Cookies([]), now=clock.now, transport=transport), clock.now
        )

    feed = Poller(simulated, clock=clock)
    store, journal, reported = Store(), EventLog(), list[str]()

    def post(reading: Reading) -> None:
        nonlocal store, journal
        store = store.apply(reading)
        journal = journal.observe(store, clock.now())
        for alert in select_alerts(journal.new_events):
            reported.append(f"{forms.to_local(alert.event.at, UTC):%H:%M} {alert.title}: {alert.event.kind}")
        if clock.now() >= datetime(2026, 4, 25, 1, 42, tzinfo=UTC):
            running.cancel()

    running = asyncio.create_task(feed.run(post))
    await asyncio.gather(running, return_exceptions=True)
    assert reported == [
        "00:08 Acme Team: on_credits",
        "00:10 Personal: threshold_passed",
        "00:21 Side project: window_reset",
        "00:27 Personal: threshold_passed",
        "00:38 Personal: on_credits",
        "00:54 Personal: threshold_passed",
        "01:16 Personal: threshold_passed",
        "01:31 Personal: threshold_passed",
        "01:40 Personal: blocked",
    ]
