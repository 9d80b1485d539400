"""From what browsers hold to seats: new sessions, renewed ones, renamed ones, those that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

from claudemeter_tui.clock import Clock
from claudemeter_tui.model.reading import CLAUDE_CODE, Looked, Session
from claudemeter_tui.sessions.lasting import LastingSession
from claudemeter_tui.sessions.looked import looked
from claudemeter_tui.sessions.looking import Lookout
from claudemeter_tui.sessions.seating import Seating
from claudemeter_tui.sessions.turns import Seat
from claudemeter_tui.sessions.ways import Connection, Ways
from claudemeter_tui.sources.aside import aside
from claudemeter_tui.sources.browsers import Look
from claudemeter_tui.sources.claude_code.credentials import Found, Lack, Login, NoLogin
from claudemeter_tui.sources.cookies import Cookies

LOGIN_WITHIN = 20.0
"""Seconds for finding Claude Code's login: a keychain may ask somebody, twice."""


class Finding:
    """Looks for sessions, and seats what it finds."""

    def __init__(self, ways: Ways, seating: Seating, *, interval: timedelta, clock: Clock) -> None:
        """Find by `ways` and seat in `seating`."""
        self._ways = ways
        self._seating = seating
        self._interval = interval
        self._clock = clock
        self._lookout = Lookout(ways.look, ways.wanted, ways.system)
        self._login: Found | None = None
        self.is_looking = True
        """Whether the looking is not over; so it is before it begins."""
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Connect in `tasks`; what was given by hand is seated at once."""
        self._tasks = tasks
        if self._ways.given is not None:
            session, cookies = self._ways.given
            self._start(session, self._seat_session(session, cookies, None))

    @property
    def has_found(self) -> bool:
        """Whether there is a session, or will be one in a moment."""
        return bool(self._seating.seats or self._seating.coming)

    def looked(self) -> tuple[Looked, ...]:
        """What was looked at, and what came of it."""
        return tuple(looked(self._ways, self._lookout.looks, self._login, self._seating.seats))

    async def look_around(self, *, asked: bool) -> None:
        """Look at every browser and for Claude Code's login; `asked` by a person or by the clock."""
        self.is_looking = True
        try:
            if self._ways.given is None:
                await self._look_around(asked=asked)
        finally:
            self.is_looking = False

    async def _look_around(self, *, asked: bool) -> None:
        await self._lookout.everywhere(self._see, asked=asked)
        self._sort_out()
        if self._ways.claude_code is not None:
            try:
                self._login = await aside(self._ways.claude_code.find, LOGIN_WITHIN)
            except TimeoutError:
                self._login = NoLogin(Lack.UNREADABLE, "looking for the login took too long")
            self._sort_out_login(self._login)

    async def connected(self, session: Session, cookies: Cookies, look: Look | None = None) -> Seat:
        """A seat for a session, with a connection of its own; not yet among the others."""
        agent = look.user_agent if look is not None else None
        connection = await asyncio.to_thread(self._ways.connect, session, cookies, agent)
        return self._seat(connection, cookies)

    def _see(self, look: Look) -> None:
        """A profile has been looked at: seat a new session at once, renew a known one."""
        if look.cookies is None:
            return
        known = self._named(look.session)
        if known is not None:
            self._renew(known, look)
        elif not any(_holds(seat, look) for seat in self._browsers()):
            self._open(look)

    def _sort_out(self) -> None:
        """What only the whole tells: which session goes by a new name, which is a copy, which is gone."""
        looks = [look for look in self._lookout.looks if look.cookies is not None]
        names = {look.session for look in looks}
        for look in looks:
            if self._named(look.session) is not None:
                continue
            nameless = (seat for seat in self._browsers() if seat.session not in names)
            renamed = next((seat for seat in nameless if _holds(seat, look)), None)
            if renamed is not None:
                self._seating.rename(renamed, look.session)
            else:
                self._open(look)
        for seat in self._browsers():
            if self._lookout.has_lost(seat.session):
                self._seating.remove(seat)

    def _sort_out_login(self, login: Found) -> None:
        """Claude Code's login came or went; one that is only out of date keeps its seat."""
        seat = self._named(CLAUDE_CODE)
        if isinstance(login, Login) and seat is None:
            self._start(CLAUDE_CODE, self._seat_login())
        if isinstance(login, NoLogin) and login.lack is Lack.NO_LOGIN and seat is not None:
            self._seating.remove(seat)

    def _open(self, look: Look) -> None:
        if look.cookies is not None:
            self._start(look.session, self._seat_session(look.session, look.cookies, look))

    def _start(self, session: Session, work: Coroutine[None, None, None]) -> None:
        """Seat a session in a task of its own, once."""
        if session in self._seating.coming:
            work.close()
            return
        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._seating.coming.add(session)
        self._tasks.create_task(work)

    async def _seat_session(self, session: Session, cookies: Cookies, look: Look | None) -> None:
        seat = await self.connected(session, cookies, look)
        seat.expires = look.expires if look is not None else None
        self._seating.add(seat)

    async def _seat_login(self) -> None:
        assert self._ways.claude_code is not None  # noqa: S101 - for the type checker
        source = await asyncio.to_thread(self._ways.claude_code.connect)
        interval = getattr(source, "interval", self._interval)
        self._seating.add(Seat(source, self._seating.turns, interval=interval, last_resort=True))

    def _seat(self, connection: Connection, cookies: Cookies) -> Seat:
        async def look_again() -> Cookies | None:
            look = await self._lookout.at(seat.session)
            seat.expires = look.expires if look is not None else seat.expires
            return look.cookies if look is not None else None

        lasting = LastingSession(cookies, connection, look_again, self._clock.now)
        seat = Seat(lasting, self._seating.turns, interval=self._interval)
        return seat

    def _renew(self, seat: Seat, look: Look) -> None:
        seat.expires = look.expires
        lasting = seat.source
        if look.cookies is not None and isinstance(lasting, LastingSession) and lasting.renew(look.cookies):
            self._seating.learn_anew(seat)

    def _named(self, session: Session) -> Seat | None:
        return next((seat for seat in self._seating.seats if seat.session == session), None)

    def _browsers(self) -> list[Seat]:
        """The seats of sessions that browsers hold."""
        return [seat for seat in self._seating.seats if self._lookout.knows(seat.session)]


def _holds(seat: Seat, look: Look) -> bool:
    """Whether a seat reads with the session that a look found."""
    source = seat.source
    return look.cookies is not None and isinstance(source, LastingSession) and source.holds(look.cookies)
