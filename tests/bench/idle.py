"""The dashboard as it is left open: the real poller over a scene, the clock beginning at the scene's moment.

python -m tests.bench.idle       three orgs
python -m tests.bench.idle 100   so many, each with a week of samples; set XDG_DATA_HOME
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime, timedelta

from claudemeter_tui.clock import WallClock
from claudemeter_tui.config.resolution import Invocation
from claudemeter_tui.feed import Feed
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.sessions.poller import Poller
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.wiring import DeferredFeed, build_recorder
from tests.bench.orgs import after_a_week, one_poll
from tests.scenes import LABORATORY, NOW, PERSONAL, SESSION, TEAM, readings


class SceneClock(WallClock):
    """Real time, shifted so that the program starts at the scenes' moment."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Return the moment."""
        return NOW + timedelta(seconds=time.monotonic() - self._began)


class Scene:
    """A source that returns the same scene in every poll."""

    session = SESSION

    def __init__(self, found: Iterable[Reading]) -> None:
        self._found = [reading for reading in found if reading.schedule is None]

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:  # noqa: ARG002
        """Poll once."""
        for reading in self._found:
            yield reading

    async def aclose(self) -> None:
        """Close nothing."""


class Begun:
    """A feed that gives the app a week of history before the first poll."""

    def __init__(self, feed: Feed, begin: Callable[[], None]) -> None:
        self._feed, self._begin = feed, begin

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Begin, then read."""
        self._begin()
        await self._feed.run(post)

    async def poll_once(self, post: Callable[[Reading], object]) -> None:
        """Read everything once."""
        await self._feed.poll_once(post)

    def poll_now(self) -> None:
        """Ignore the request."""


def poller(found: Iterable[Reading], clock: SceneClock) -> Poller:
    """Return the real poller over a scene."""

    async def opened() -> Scene:
        return Scene(found)

    return Poller(opened, clock=clock)


def three(clock: SceneClock) -> Claudemeter:
    """Run the dashboard over three orgs."""
    feed = poller(readings(PERSONAL, TEAM, LABORATORY, at=NOW), clock)
    return Claudemeter(feed, now=clock.now)


def many(orgs: int, clock: SceneClock) -> Claudemeter:
    """Run the dashboard over so many orgs after a week that the last poll leaves unchanged.

    Every reading is kept in the archive of the data folder.
    """
    store = after_a_week(orgs)
    found = one_poll(orgs, NOW)

    def begin() -> None:
        app.store = store

    kept = DeferredFeed(lambda: poller(found, clock), lambda: build_recorder(Invocation(), clock))
    feed = Begun(kept, begin)
    app = Claudemeter(feed, now=clock.now)
    return app


if __name__ == "__main__":
    began = SceneClock()
    (many(int(sys.argv[1]), began) if sys.argv[1:] else three(began)).run()
