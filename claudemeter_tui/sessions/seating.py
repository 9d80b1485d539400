"""Pollers for the sessions whose turn it is, and what they find passed on under the session's name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from claudemeter_tui.clock import Clock
from claudemeter_tui.model.reading import Reading, Session
from claudemeter_tui.polling import Poller
from claudemeter_tui.sessions.lasting import LastingSession
from claudemeter_tui.sessions.turns import Seat, Turns

Post = Callable[[Reading], object]


@dataclass
class _Work:
    """A poller at work for a seat."""

    poller: Poller
    task: asyncio.Task[None]
    begun: bool = True
    """Whether its first poll is still to end."""


class Seating:
    """All seats; those whose turn it is have a poller at work."""

    def __init__(
        self,
        *,
        interval: timedelta,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        over: Callable[[], None],
    ) -> None:
        """Poll every `interval`; `over` is called whenever a poll is over or a seat has left."""
        self.turns = Turns(clock.now, self.arrange)
        self.coming: set[Session] = set()
        """Sessions that will have a seat in a moment."""
        self.last_resorts = False
        """Whether last resorts may begin: everything else was looked at."""
        self._interval = interval
        self._clock = clock
        self._jitter = jitter
        self._over = over
        self._post: Post = lambda _: None
        self._tasks: asyncio.TaskGroup | None = None
        self._work: dict[Seat, _Work] = {}
        self._heard: set[Seat] = set()

    @property
    def seats(self) -> list[Seat]:
        """All of them, in the order in which they came."""
        return self.turns.seats

    def begin(self, post: Post, tasks: asyncio.TaskGroup) -> None:
        """Pass readings on to `post`, and poll in `tasks`."""
        self._post, self._tasks = post, tasks

    def add(self, seat: Seat) -> None:
        """One more session."""
        self.coming.discard(seat.session)
        self.seats.append(seat)
        self.arrange()

    def remove(self, seat: Seat) -> None:
        """A session has left; its orgs go to another one of its account, or leave with it."""
        self.seats.remove(seat)
        self.arrange()
        self._stop(seat)
        self._heard.discard(seat)
        if self._tasks is not None:
            self._tasks.create_task(seat.close())
        self._over()

    def rename(self, seat: Seat, session: Session) -> None:
        """The browser calls its profile or container by another name now; what was read of it stays."""
        before, seat.session = seat.session, session
        if seat in self._work:
            self._hand_over(seat)
            self._post(Reading(before, self._clock.now(), gone=True))

    def learn_anew(self, seat: Seat) -> None:
        """Its browser holds another session now: whose it is, is asked at once."""
        seat.known, seat.changed = False, True
        if not seat.reading:
            self._leave_off(seat)
        self.arrange()

    async def close(self) -> None:
        """Close every connection."""
        for seat in self.seats:
            await seat.close()

    def poke(self) -> None:
        """Poll now, all that are at work."""
        for seat, work in self._work.items():
            if isinstance(seat.source, LastingSession):
                seat.source.insist()
            work.poller.poke()

    def arrange(self) -> None:
        """Let those poll whose turn it is, and the others stand by."""
        for seat in self.seats:
            if self.turns.polls(seat):
                if seat not in self._work and self._may_begin(seat):
                    self._start(seat)
            elif not seat.reading:
                self._stop(seat)

    @property
    def is_settled(self) -> bool:
        """Whether everyone whose turn it is has polled."""
        waiting = (seat for seat in self.seats if seat not in self._work and self.turns.polls(seat))
        at_work = any(work.begun for work in self._work.values())
        return not self.coming and not at_work and not any(waiting)

    def _may_begin(self, seat: Seat) -> bool:
        """A last resort waits until all others were heard of."""
        if not seat.last_resort:
            return True
        others = (one for one in self.seats if not one.last_resort)
        return self.last_resorts and not self.coming and self._heard.issuperset(others)

    def _start(self, seat: Seat) -> None:
        assert self._tasks is not None  # noqa: S101 - for the type checker
        self._hand_over(seat)
        poller = Poller(lambda: _given(seat), interval=seat.interval, clock=self._clock, jitter=self._jitter)
        task = self._tasks.create_task(poller.run(partial(self._take, seat)))
        self._work[seat] = _Work(poller, task)

    def _hand_over(self, seat: Seat) -> None:
        """Give it the orgs that its account's list named last, before anything is asked again."""
        if seat.told is not None and seat.known and seat.trouble is None and self.turns.serves(seat):
            self._post(replace(seat.told, session=seat.session, expires=seat.expires))

    def _stop(self, seat: Seat) -> None:
        if self._leave_off(seat):
            self._post(Reading(seat.session, self._clock.now(), gone=True))

    def _leave_off(self, seat: Seat) -> bool:
        """End its poller; gives whether there was one."""
        work = self._work.pop(seat, None)
        return work is not None and work.task.cancel()

    def _take(self, seat: Seat, reading: Reading) -> None:
        """Pass on what a poller found, unless its turn is over."""
        if seat in self._work and self.turns.polls(seat):
            self._post(replace(reading, session=seat.session, expires=seat.expires))
        if reading.schedule is not None:
            self._heard.add(seat)
            if seat in self._work:
                self._work[seat].begun = False
            if seat.changed:
                self._leave_off(seat)
            self.arrange()
            self._over()


async def _given(seat: Seat) -> Seat:
    return seat
