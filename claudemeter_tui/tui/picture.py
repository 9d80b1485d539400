"""A picture of the dashboard, taken without a terminal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from textual.pilot import Pilot

from claudemeter_tui.feed import Feed
from claudemeter_tui.model.reading import Offered, Reading, Trouble
from claudemeter_tui.tui.app import Claudemeter
from claudemeter_tui.tui.options import Options
from claudemeter_tui.tui.pictures import svg as svg_of
from claudemeter_tui.tui.themes import OWN


class Rehearsal:
    """A feed that ends: so many polls, and then silence."""

    def __init__(self, feed: Feed, polls: int) -> None:
        """Pass on the first `polls` polls of `feed`."""
        self._feed = feed
        self._left = polls
        self.over = asyncio.Event()
        """Set when the last of them is complete."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until the last poll is over."""

        def count(reading: Reading) -> None:
            post(reading)
            self._left -= reading.schedule is not None
            if self._left == 0:
                running.cancel()

        if self._left == 1:
            await self._feed.round(post)
            self.over.set()
            return
        running = asyncio.create_task(self._feed.run(count))
        with contextlib.suppress(asyncio.CancelledError):
            await running
        self.over.set()

    async def round(self, post: Callable[[Reading], object]) -> None:
        """The same: it ends by itself."""
        await self.run(post)

    def poke(self) -> None:
        """Nobody is there to ask for more."""

    async def offer(self, text: str) -> Offered:
        """Nobody is there to offer anything."""
        del text
        return Offered(trouble=Trouble.NO_SESSION)


def svg(
    feed: Feed,
    polls: int,
    *,
    now: Callable[[], datetime],
    size: tuple[int, int],
    options: Options,
) -> str:
    """The dashboard in `size` columns and lines after so many polls, as an SVG."""

    async def take() -> str:
        rehearsal = Rehearsal(feed, polls)
        app = Claudemeter(rehearsal, now=now, options=options)
        for theme in OWN:  # a picture has all colours, whatever the terminal has
            app.register_theme(theme)
        pictures: list[str] = []

        async def look(pilot: Pilot[object]) -> None:
            await rehearsal.over.wait()
            await pilot.pause()
            pictures.append(svg_of(app))
            app.exit()

        await app.run_async(headless=True, size=size, auto_pilot=look)
        return pictures[0]

    return asyncio.run(take())
