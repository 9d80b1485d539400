"""A feed that is built after the first frame, in a thread: building it loads half of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from claudemeter_tui.feed import Door, Feed

if TYPE_CHECKING:  # the first frame does not wait for it
    from claudemeter_tui.model.reading import Offered, Reading


class Deferred:
    """Passes everything on to a feed that is there from `run` or `round` on."""

    def __init__(self, build: Callable[[], Feed]) -> None:
        """Build the feed by `build`, which may be slow."""
        self._build = build
        self._feed: Feed | None = None

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""
        self._feed = await asyncio.to_thread(self._build)
        await self._feed.run(post)

    async def round(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""
        self._feed = await asyncio.to_thread(self._build)
        await self._feed.round(post)

    def poke(self) -> None:
        """Poll now; before there is a feed, the first poll is about to begin anyway."""
        if self._feed is not None:
            self._feed.poke()

    async def offer(self, text: str) -> Offered:
        """Take a Cookie header or a `sessionKey` as one more session, if the server accepts it."""
        from claudemeter_tui.model.reading import Offered, Trouble  # noqa: PLC0415 - loaded long ago

        if isinstance(self._feed, Door):
            return await self._feed.offer(text)
        return Offered(trouble=Trouble.NO_SESSION, detail="the program is still starting")
