"""A status bar that runs `--line` or `--check` repeatedly, with a real archive and a real recorder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claudemeter_tui.commands import status as status_command
from claudemeter_tui.commands.archived_status import remember_request
from claudemeter_tui.commands.once import poll_readings
from claudemeter_tui.commands.status import StatusAnswer, StatusPlace, StatusRequest
from claudemeter_tui.commands.status_texts import describe_outcome
from claudemeter_tui.config.resolution import load_settings
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.history.archive import Archive
from claudemeter_tui.history.database import ARCHIVE_NAME, locate_archive, open_for_reading, open_for_writing
from claudemeter_tui.history.recorder import OpenedArchive, Recorder
from claudemeter_tui.history.status import Status, load_status
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Schedule, Session
from claudemeter_tui.storage import locate_config_file
from claudemeter_tui.wiring import DeferredFeed
from tests.bodies import PERSONAL as ORG
from tests.bodies import account_body, overage_body, prepaid_body, subscription_body, usage_body
from tests.responses import Answer
from tests.scenes import INTERVAL, NOW, PERSONAL, SESSION, OrgBodies, readings
from tests.server import LoopbackServer

MARKER = "sk-ant-sid01-PLANTED-MARKER"
"""Session key that no output may contain."""
LINE = ("--line",)
ORIGIN, KEY = "https://claude.ai", "0123456789abcdef"


class Bar:
    """A status bar that runs the command repeatedly, and the polls that it causes."""

    def __init__(self, folder: Path, *orgs: OrgBodies, form: str | None = DEFAULT_TEMPLATE) -> None:
        self.place = StatusPlace(folder / "data" / ARCHIVE_NAME, ORIGIN, KEY, folder / "state" / "status-1")
        self.now = NOW
        self.reads: Callable[[datetime], Iterable[Reading]] = lambda at: readings(*orgs, at=at)
        self.polls = 0
        self.form = form
        self.reasons: list[str] = []

    def poll(self) -> list[Reading]:
        """Return the current readings, which a recorder keeps."""
        self.polls += 1
        return record_poll(self.place, list(self.reads(self.now)), lambda: self.now)

    def ask(self, after: float = 0, org: str | None = None) -> StatusAnswer:
        """Run the command so many seconds later."""
        self.now += timedelta(seconds=after)
        asked = StatusRequest(lambda: self.now, self.poll, INTERVAL, org, self.form)
        return status_command.answer_request(asked, self.place, self.reasons.append)

    @property
    def stored(self) -> Status:
        """The status in the archive."""
        connection = open_for_reading(self.place.archive)
        status = load_status(connection, self.place.key)
        connection.close()
        assert status is not None
        return status


def record_poll(place: StatusPlace, posted: Sequence[Reading], now: Callable[[], datetime]) -> list[Reading]:
    """Poll once, keep the readings in the archive, and return everything that was posted."""

    class Feed:
        def __init__(self) -> None:
            self.run = self.poll_once

        async def poll_once(self, post: Callable[[Reading], object]) -> None:
            for reading in posted:
                post(reading)

        def poll_now(self) -> None:
            raise AssertionError

    return poll_readings(DeferredFeed(Feed, lambda: build_recorder(place, now)))


def build_recorder(place: StatusPlace, now: Callable[[], datetime]) -> Recorder:
    """Return a recorder that writes into this archive."""

    def open_archive() -> OpenedArchive:
        connection = open_for_writing(place.archive)
        archive = Archive(connection, place.origin)
        return OpenedArchive(
            archive, lambda _: iter(()), lambda: iter(()), connection.close, connection.close
        )

    return Recorder(open_archive, now, status=StatusBuilder(place.key, describe_outcome))


def failing(trouble: ErrorKind, session: Session = SESSION) -> Callable[[datetime], Iterable[Reading]]:
    """Return the readings of a poll that fails."""

    def read(at: datetime) -> Iterator[Reading]:
        yield Reading(session, at, account=Failure(trouble, Endpoint.ACCOUNT, at, "status 403"))
        yield Reading(session, at, schedule=Schedule(at + INTERVAL, INTERVAL))

    return read


@contextmanager
def start_server() -> Iterator[LoopbackServer]:
    """Start a claude.ai with one account that has one org, whose windows reset in three days."""
    far = (datetime.now(UTC) + timedelta(days=3, hours=1, minutes=30)).isoformat()
    with LoopbackServer() as started:
        started.routes = {
            "/api/account": Answer.json(account_body()),
            f"/api/organizations/{ORG}/usage": Answer.json(usage_body(resets_at=far, week_resets_at=far)),
            f"/api/organizations/{ORG}/overage_spend_limit": Answer.json(overage_body()),
            f"/api/organizations/{ORG}/subscription_details": Answer.json(subscription_body()),
            f"/api/organizations/{ORG}/prepaid/credits": Answer.json(prepaid_body()),
        }
        yield started


LOADED = """
import json, sys
from claudemeter_tui.__main__ import main
status = main()
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(status)
"""
"""The program, and a list of the loaded modules at its end."""


def program(home: Path, *arguments: str, content: str = "", **variables: str) -> tuple[int, str, set[str]]:
    """Return exit status, output and loaded modules of the real program; `content` is its input."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPYCACHEPREFIX") if name in os.environ}
    more = {"HOME": str(home), "TZ": "UTC", "LANG": "C.UTF-8", "CLAUDEMETER_COOKIE": MARKER}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED, *arguments],
        env=kept | more | variables,
        input=content,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert MARKER not in done.stdout + done.stderr
    return done.returncode, done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def stop_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the clock show this time."""
    monkeypatch.setattr(time, "time", moment.timestamp)


def keep(
    *orgs: OrgBodies,
    arguments: tuple[str, ...] = LINE,
    now: datetime = NOW,
    template: str | None = DEFAULT_TEMPLATE,
    more: Sequence[Reading] = (),
) -> None:
    """Poll these orgs at READ, read more than replies, and remember what the arguments ask for."""
    chosen = load_settings(arguments, os.environ, locate_config_file())
    place = StatusPlace(
        locate_archive(or_temporary=True), chosen.base_url, chosen.sources_key, Path("unused")
    )
    record_poll(place, [*readings(*(orgs or (PERSONAL,))), *more], lambda: now)
    remember_request(arguments, chosen, template, chosen.line_style)
