"""A feed that is built after the first frame."""

from __future__ import annotations

import threading
from collections.abc import Callable

from claudemeter_tui.deferred import Deferred
from claudemeter_tui.model.reading import Offered, Reading, Session, Trouble
from tests.polling import START

READ = Reading(Session("Chrome"), START)


class Built:
    """A feed that posts one reading."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.pokes = 0

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post it."""
        post(READ)

    async def round(self, post: Callable[[Reading], object]) -> None:
        """Post it twice."""
        post(READ)
        post(READ)

    def poke(self) -> None:
        """Count."""
        self.pokes += 1

    async def offer(self, text: str) -> Offered:
        """Say what was offered."""
        return Offered(detail=text)


async def test_feed_is_built_aside_and_passes_everything_on() -> None:
    """Building is slow, so it has a thread of its own; all else is the feed's own doing."""
    built, posted = list[Built](), list[Reading]()

    def build() -> Built:
        built.append(Built())
        return built[-1]

    feed = Deferred(build)
    feed.poke()
    assert (await feed.offer("x")).trouble is Trouble.NO_SESSION
    await feed.run(posted.append)
    assert built[0].thread is not threading.current_thread()
    feed.poke()
    assert built[0].pokes == 1
    assert await feed.offer("x") == Offered(detail="x")
    await feed.round(posted.append)
    assert posted == [READ] * 3
