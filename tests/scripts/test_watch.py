"""`--json --watch`: one line for each event, until interrupted or until nobody reads."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.config import SettingsError
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.scripts import watch as watching
from claudemeter_tui.scripts.watch import watch
from tests.answers import Answer
from tests.bodies import PERSONAL, account_body, overage_body, prepaid_body, subscription_body, usage_body
from tests.scenes import LABORATORY, NOW, READ, TEAM, WAITING, OrgBodies, readings
from tests.server import LoopbackServer

MINUTE = timedelta(minutes=1)
CALM = OrgBodies(usage=usage_body(97.0, 82.0), overage=WAITING.overage)
"""The org of `WAITING` before its window was full."""


class Play:
    """A feed that posts what it was given, lets it be printed, and ends."""

    def __init__(self, *polls: Iterable[Reading]) -> None:
        self._polls = polls

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post it all."""
        for poll in self._polls:
            for reading in poll:
                post(reading)
        for _ in range(10):
            await asyncio.sleep(0)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was printed, each line an object."""
    out = capsys.readouterr().out
    assert out.isascii()
    return [json.loads(line) for line in out.splitlines()]


def now() -> datetime:
    """The moment at which everything is read."""
    return NOW


def test_each_event_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """What was so at the start is none; what happens after is told once, in the order of time."""
    feed = Play(readings(CALM, at=READ - MINUTE), readings(WAITING), readings(WAITING, at=READ + MINUTE))
    assert watch(feed, now, thresholds=(75, 90, 100)) == 0
    told = lines(capsys)
    assert "window_filled" in [event["kind"] for event in told]
    assert len({json.dumps(event) for event in told}) == len(told)
    assert {event["org_name"] for event in told} == {"Personal"}


def test_events_of_one_org_only(capsys: pytest.CaptureFixture[str]) -> None:
    """By number, name or uuid."""
    polls = [readings(CALM, LABORATORY, at=READ - MINUTE), readings(WAITING, TEAM)]
    assert watch(Play(*polls), now, thresholds=(), org="lab") == 0
    assert {event["org_name"] for event in lines(capsys)} == {"Lab"}


def test_org_that_matches_none_ends_it() -> None:
    """As soon as the orgs are known."""
    with pytest.raises(SettingsError, match="--org: there is no org 'Lob'; there are: 1 Personal"):
        watch(Play(readings(CALM)), now, thresholds=(), org="Lob")


def test_nobody_reading_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first line that cannot be written, without a word."""
    written: list[str] = []

    def closed(text: str) -> bool:
        written.append(text)
        return False

    monkeypatch.setattr(watching, "write", closed)
    feed = Play(readings(CALM, at=READ - MINUTE), readings(WAITING))
    assert watch(feed, now, thresholds=(75, 90, 100)) == 0
    assert len(written) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_ends_the_real_program_quietly(tmp_path: Path) -> None:
    """Exit status 130, and not a word; nothing has happened yet, so nothing was printed."""
    org = f"/api/organizations/{PERSONAL}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CLAUDEMETER_COOKIE": "sk-ant-planted"}
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
            server.wait_for(lambda asked: len(asked.requests) == 5 and not asked.under_way)
            started.send_signal(signal.SIGINT)
            assert started.communicate(timeout=10) == ("", "")
        finally:
            started.kill()
            started.communicate()
    assert started.returncode == 130
