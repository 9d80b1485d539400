"""A status bar that runs `--line` or `--check` repeatedly, with a real archive and a real recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from claudemeter_tui.commands import status as status_command
from claudemeter_tui.commands.once import poll_readings
from claudemeter_tui.commands.status import StatusAnswer, StatusPlace, StatusRequest
from claudemeter_tui.commands.status_texts import describe_outcome
from claudemeter_tui.formatting.template import DEFAULT_TEMPLATE
from claudemeter_tui.history.archive import Archive
from claudemeter_tui.history.database import ARCHIVE_NAME, open_for_reading, open_for_writing
from claudemeter_tui.history.recorder import OpenedArchive, Recorder
from claudemeter_tui.history.status import Status, load_status
from claudemeter_tui.history.status_builder import StatusBuilder
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.reading import ErrorKind, Failure, Reading, Schedule, Session
from claudemeter_tui.wiring import DeferredFeed
from tests.scenes import INTERVAL, NOW, SESSION, OrgBodies, readings

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
