"""`--json --watch`: one line for each event, until interrupted or until the reader is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands import watch as watching
from claudemeter_tui.commands.once import SIGN_IN_HINT
from claudemeter_tui.commands.watch import run_watch
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Schedule
from claudemeter_tui.settings import SettingsError
from tests import scenes
from tests.bodies import PERSONAL, account_body, overage_body, prepaid_body, subscription_body, usage_body
from tests.responses import Answer
from tests.scenes import LABORATORY, NOW, READ, SESSION, TEAM, WAITING, OrgBodies, readings
from tests.server import LoopbackServer

MINUTE = timedelta(minutes=1)
CALM = OrgBodies(usage=usage_body(97.0, 82.0), overage=WAITING.overage)
"""The org of `WAITING` before its window was full."""


class Play:
    """A feed that posts its readings, waits until they are printed, and ends."""

    def __init__(self, *polls: Iterable[Reading]) -> None:
        self._polls = polls

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post all readings."""
        for poll in self._polls:
            for reading in poll:
                post(reading)
        for _ in range(10):
            await asyncio.sleep(0)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return the printed lines as objects."""
    out = capsys.readouterr().out
    assert out.isascii()
    return [json.loads(line) for line in out.splitlines()]


def now() -> datetime:
    """Return the time at which everything is read."""
    return NOW


def kinds(events: Iterable[dict[str, object]]) -> list[object]:
    """Return the kinds of the events, in order."""
    return [event["kind"] for event in events]


def test_each_event_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The current state comes first, then each event once, in the order of time."""
    feed = Play(readings(CALM, at=READ - MINUTE), readings(WAITING), readings(WAITING, at=READ + MINUTE))
    assert run_watch(feed, now, thresholds=(75, 90, 100)) == 0
    events = lines(capsys)
    assert kinds(events) == ["first_read", "wait"]
    assert {event["org_name"] for event in events} == {"Personal"}


@pytest.mark.parametrize(
    ("expected", "severity", "scene"),
    [
        ("first read: CAN WORK", "normal", scenes.PERSONAL),
        (
            "first read: CAN WORK · credits BLOCKED: the prepaid balance is empty",
            "critical",
            scenes.CREDITS_BLOCKED,
        ),
        ("first read: ON CREDITS, until 16:00", "warning", LABORATORY),
        ("first read: WAIT, until 16:00", "critical", WAITING),
        ("first read: BLOCKED: your monthly cap is reached, until 16:00", "full", TEAM),
    ],
)
def test_first_line_has_the_state_of_an_org(
    expected: str, severity: str, scene: OrgBodies, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once an org is read its state is printed, so that a reader knows the start."""
    polls = [readings(replace(scene, spent=())) for _ in range(2)]
    assert run_watch(Play(*polls), now, thresholds=()) == 0
    (first,) = lines(capsys)
    assert (first["text"], first["severity"]) == (expected, severity)


def test_failed_poll_is_explained_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """The explanation is printed once and not as an event, so that standard output stays JSON."""
    reasons: list[str] = []
    failure = Failure(ErrorKind.EXPIRED, Endpoint.ACCOUNT, READ)
    ends = Reading(SESSION, READ, schedule=Schedule(NOW, MINUTE))
    polls = [Reading(SESSION, READ), Reading(SESSION, READ, account=failure), ends]
    assert run_watch(Play(polls, polls), now, thresholds=(), print_reason=reasons.append) == 0
    assert lines(capsys) == []
    assert [line.partition(":")[0] for line in reasons] == ["Chrome, Default · session expired", SIGN_IN_HINT]


def test_partly_failed_poll_is_not_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Other problems are events, or are not printed."""
    reasons: list[str] = []
    assert run_watch(Play(readings(CALM)), now, thresholds=(), print_reason=reasons.append) == 0
    assert reasons == []
    assert kinds(lines(capsys)) == ["first_read"]


def test_events_of_one_org_only(capsys: pytest.CaptureFixture[str]) -> None:
    """`--org` takes number, name or UUID."""
    polls = [readings(CALM, LABORATORY, at=READ - MINUTE), readings(WAITING, TEAM)]
    assert run_watch(Play(*polls), now, thresholds=(), org="lab") == 0
    assert {event["org_name"] for event in lines(capsys)} == {"Lab"}


def test_unknown_org_ends_the_command() -> None:
    """The command ends once the orgs are known."""
    with pytest.raises(SettingsError, match="--org: unknown org 'Lob'; choose from 1 Personal"):
        run_watch(Play(readings(CALM)), now, thresholds=(), org="Lob")


def test_closed_pipe_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line that cannot be written ends the command without an error."""
    written: list[str] = []

    def closed(text: str) -> bool:
        written.append(text)
        return False

    monkeypatch.setattr(watching, "write_line", closed)
    feed = Play(readings(CALM, at=READ - MINUTE), readings(WAITING))
    assert run_watch(feed, now, thresholds=(75, 90, 100)) == 0
    assert len(written) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_ends_the_real_program_quietly(tmp_path: Path) -> None:
    """Ctrl+C exits with 130 and prints nothing after the current state."""
    org = f"/api/organizations/{PERSONAL}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CLAUDEMETER_COOKIE": "sessionKey=planted",
    }
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body())
        server.routes[f"{org}/usage"] = Answer.json(usage_body())
        server.routes[f"{org}/overage_spend_limit"] = Answer.json(overage_body())
        server.routes[f"{org}/subscription_details"] = Answer.json(subscription_body())
        server.routes[f"{org}/prepaid/credits"] = Answer.json(prepaid_body())
        started = subprocess.Popen(
            [sys.executable, "-m", "claudemeter_tui", "--json", "--watch", "--base-url", server.url],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert started.stdout is not None
            assert json.loads(started.stdout.readline())["text"] == "first read: CAN WORK"
            started.send_signal(signal.SIGINT)
            assert started.communicate(timeout=60) == ("", "")
        finally:
            started.kill()
            started.communicate()
    assert started.returncode == 130
