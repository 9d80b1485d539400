"""The life of one session of a browser: expired, looked for again, back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta

from claudemeter_tui.model.reading import Endpoint, Failure, Reading, Session, Trouble
from claudemeter_tui.sessions.ways import Connection
from claudemeter_tui.sources.cookies import SESSION_KEY, Cookies

LOOK_AGAIN = timedelta(minutes=1)
"""Between two looks at a browser whose session has expired."""


class LastingSession:
    """A source that outlives the cookies it began with.

    When the server says that the session has expired, the browser is looked at again; where it
    still holds the same key, that key is tried without the rest of the jar, once. After that the
    server is left alone until the browser holds another key.
    """

    def __init__(
        self,
        cookies: Cookies,
        connection: Connection,
        look_again: Callable[[], Awaitable[Cookies | None]],
        now: Callable[[], datetime],
    ) -> None:
        """Read through `connection`; `look_again` gives what the browser holds now, None for no session."""
        self.next_at: datetime | None = None
        """When to be polled next. None: as usual."""
        self._browser_has = cookies
        self._connection = connection
        self._source = connection.source
        self._look_again = look_again
        self._now = now
        self._stale = self._another = False
        self._bare = False
        self._expired = False
        self._challenged = False
        self._anyway = False

    @property
    def session(self) -> Session:
        """The browser and the profile."""
        return self._source.session

    @session.setter
    def session(self, session: Session) -> None:
        self._source.session = session

    def holds(self, cookies: Cookies) -> bool:
        """Whether the browser had the same key when it was last looked at."""
        return cookies.key_only() == self._browser_has.key_only()

    def renew(self, cookies: Cookies) -> bool:
        """Use what the browser holds now, from the next poll on; gives whether that is another session."""
        another = not self.holds(cookies)
        self._stale = self._stale or cookies != self._browser_has
        self._another = self._another or another
        self._browser_has = cookies
        return another

    def insist(self) -> None:
        """Ask the server at the next poll, even where the key is known to have expired."""
        self._anyway = True

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Poll once; while the session has expired, look at the browser instead."""
        self.next_at = None
        anyway, self._anyway = self._anyway, False
        self._take_up()
        back = (self._expired or self._challenged) and await self._looked_again()
        if self._expired and not back and not anyway:
            self.next_at = self._now() + LOOK_AGAIN
            yield self._still_expired()
            return
        async with aclosing(self._attempts(full=full or back)) as readings:
            async for reading in readings:
                yield reading

    async def aclose(self) -> None:
        """Close the connections."""
        await self._source.aclose()

    async def _attempts(self, *, full: bool) -> AsyncGenerator[Reading, None]:
        """A poll, and another one for each other way there is; what an expired one found is told last."""
        self._expired = self._challenged = False
        all_lost: list[Reading] = []
        while True:
            lost: list[Reading] = []
            async with aclosing(self._one(lost, full=full)) as readings:
                async for reading in readings:
                    yield reading
            all_lost += lost
            if not any(map(_is_expired, lost)):
                all_lost = lost
                break
            if not await self._another_way():
                self._expired, self.next_at = True, self._now() + LOOK_AGAIN
                break
            full = True
        for reading in all_lost:
            yield reading

    async def _one(self, lost: list[Reading], *, full: bool) -> AsyncGenerator[Reading, None]:
        """One poll of the source, without what an expired session made worthless: that is put aside."""
        async with aclosing(self._source.read(full=full)) as readings:
            async for reading in readings:
                if _is_expired(reading) or _is_empty(reading):
                    lost.append(reading)
                    continue
                if isinstance(reading.account, Failure):
                    self._challenged = reading.account.trouble is Trouble.CHALLENGE
                    for before in lost:
                        yield before
                    lost.clear()
                yield reading

    async def _another_way(self) -> bool:
        """Whether there is anything left to try: another key, or the same one alone."""
        if await self._looked_again():
            return True
        present = self._connection.present()
        if self._bare or all(name == SESSION_KEY for name, _ in present.reveal()):
            return False
        self._bare = True
        self._connection.use(present.key_only())
        return True

    async def _looked_again(self) -> bool:
        """Whether the browser holds another session by now, which is used from here on."""
        cookies = await self._look_again()
        another = cookies is not None and self.renew(cookies)
        self._take_up()
        return another

    def _take_up(self) -> None:
        """Send what the browser holds, where that has changed: never in the middle of a poll.

        The key of the same session stays as the server has set it last; the rest of the jar is
        the browser's, with the pass that it may have got from Cloudflare.
        """
        stale, another = self._stale, self._another
        self._stale = self._another = False
        if another:
            self._bare = self._expired = False
            self._connection.use(self._browser_has)
        elif stale and not self._bare:
            key = self._connection.present().key_only()
            self._connection.use(Cookies((*self._browser_has.reveal(), *key.reveal())))

    def _still_expired(self) -> Reading:
        now = self._now()
        return Reading(self.session, now, Failure(Trouble.EXPIRED, Endpoint.ACCOUNT, now))


def _is_expired(reading: Reading) -> bool:
    return isinstance(reading.account, Failure) and reading.account.trouble is Trouble.EXPIRED


def _is_empty(reading: Reading) -> bool:
    """Whether it tells of orgs that could not be asked any more."""
    return bool(reading.reports) and not any(report.parts for report in reading.reports)
