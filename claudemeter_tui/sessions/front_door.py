"""The feed of every account that somebody is signed in to on this machine."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta

from claudemeter_tui.clock import Clock, WallClock
from claudemeter_tui.model.reading import (
    PASTED,
    Endpoint,
    Failure,
    Looked,
    Offered,
    Reading,
    Reply,
    Schedule,
    Session,
    Trouble,
)
from claudemeter_tui.polling import nap
from claudemeter_tui.sessions.finding import Finding
from claudemeter_tui.sessions.seating import Post, Seating
from claudemeter_tui.sessions.turns import Seat
from claudemeter_tui.sessions.ways import Ways
from claudemeter_tui.sources.cookies import BadCookieError, Cookies

LOOK_EVERY, LOOK_SOON = timedelta(minutes=3), timedelta(minutes=1)
"""Between two looks at everything; the second one as long as there is no session at all."""
NOBODY = Session("")
"""Stands in where a reading is about no session."""
LOOKING = Session("Looking for sessions")
"""Whose problem a bug in the looking is."""


class FrontDoor:
    """Finds every session, and reads each account through one of its sessions."""

    def __init__(
        self,
        ways: Ways,
        *,
        interval: timedelta = timedelta(seconds=60),
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Find sessions by `ways` and read each account every `interval`."""
        self._clock = clock or WallClock()
        self._seating = Seating(interval=interval, clock=self._clock, jitter=jitter, over=self._tell)
        self._finding = Finding(ways, self._seating, interval=interval, clock=self._clock)
        self._poked = asyncio.Event()
        self._settled = asyncio.Event()
        self._over = False
        self._looked: tuple[Looked, ...] | None = None
        self._post: Post = lambda _: None

    async def run(self, post: Post) -> None:
        """Post readings until cancelled."""
        self._post = post
        try:
            async with asyncio.TaskGroup() as tasks:
                self._seating.begin(post, tasks)
                self._finding.begin(tasks)
                asked = True
                while True:
                    await self._look_around(asked=asked)
                    asked = await self._rest()
        finally:
            await self._seating.close()

    async def round(self, post: Post) -> None:
        """Post readings until every account has been read once, then end."""
        running = asyncio.create_task(self.run(post))
        settled = asyncio.create_task(self._settled.wait())
        try:
            await asyncio.wait((running, settled), return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
            running.cancel()
            await asyncio.wait((running, settled))
        if not running.cancelled():
            running.result()

    def poke(self) -> None:
        """Poll now, and look at every browser again."""
        self._poked.set()
        self._seating.poke()

    async def offer(self, text: str) -> Offered:
        """Take a Cookie header or a `sessionKey` as one more session, if the server accepts it.

        It is kept in memory only, and asked about once.
        """
        try:
            cookies = Cookies.parse(text)
        except BadCookieError as error:
            return Offered(trouble=Trouble.NO_SESSION, detail=str(error))
        finally:
            del text
        taken = sum(seat.session.browser == PASTED for seat in self._seating.seats)
        seat = await self._finding.connected(Session(PASTED, str(taken + 1) if taken else ""), cookies)
        offered = await _validated(seat)
        if offered.trouble is None:
            self._seating.add(seat)
        else:
            await seat.close()
        return offered

    async def _look_around(self, *, asked: bool) -> None:
        """Look for sessions; what nobody foresaw is told, and looked at again later."""
        try:
            await self._finding.look_around(asked=asked)
        except Exception as error:  # noqa: BLE001 - a pane that is open for weeks outlives it
            bug = Failure.bug(error, Endpoint.ACCOUNT, self._clock.now())
            self._post(Reading(LOOKING, bug.at, bug))
        else:
            self._post(Reading(LOOKING, self._clock.now(), gone=True))
        self._over = self._seating.last_resorts = True
        self._seating.arrange()
        self._tell()

    async def _rest(self) -> bool:
        """Wait until the next look is due; gives whether somebody asked for it."""
        wait = LOOK_EVERY if self._finding.has_found else LOOK_SOON
        await nap(self._clock, wait.total_seconds(), self._poked)
        poked = self._poked.is_set()
        self._poked.clear()
        return poked

    def _tell(self) -> None:
        """Say what was looked at, where it has changed, and that there is no session, where it is so."""
        if not self._over:
            return
        now = self._clock.now()
        looked = self._finding.looked()
        if not self._finding.has_found:
            self._post(_nothing(looked, now + LOOK_SOON))
        elif looked != self._looked:
            self._post(Reading(NOBODY, now, looked=looked))
        self._looked = looked
        if self._seating.is_settled:
            self._settled.set()


def _nothing(looked: tuple[Looked, ...], again_at: datetime) -> Reading:
    """That there is no session, and why."""
    at = again_at - LOOK_SOON
    why = "; ".join(f"{place.session.label}: {place.outcome}" for place in looked)
    failure = Failure(Trouble.NO_SESSION, Endpoint.ACCOUNT, at, why)
    return Reading(NOBODY, at, failure, schedule=Schedule(again_at, LOOK_SOON), looked=looked)


async def _validated(seat: Seat) -> Offered:
    """What the server says to a session, asked once."""
    async with aclosing(seat.source.read(full=True)) as readings:
        async for reading in readings:
            part = reading.account
            if isinstance(part, Failure):
                return Offered(trouble=part.trouble, detail=part.detail)
            if isinstance(part, Reply):
                seat.learn(reading)
                return Offered(seat.account, len(reading.roster or ()))
    return Offered(trouble=Trouble.UNEXPECTED)
