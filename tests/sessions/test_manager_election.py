"""Turns of one account's sessions: who has asked, or asks right now, keeps the others from asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import pytest

from claudemeter_tui.model.reading import ErrorKind, Reading
from claudemeter_tui.sessions.scheduler import SessionElection, SessionSlot
from tests.sessions.poller_cases import ORG, SESSION, START, FakeClock, good, settle, stopped

LISTED = good(roster=(ORG,))


class Slow:
    """A source that gives its readings when it is let go."""

    def __init__(self, *readings: Reading) -> None:
        self.session = SESSION
        self.readings = readings
        self.go = asyncio.Event()

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Wait, then give them."""
        del full
        await self.go.wait()
        for reading in self.readings:
            yield reading

    async def aclose(self) -> None:
        """Nothing is open."""


def seated(turns: SessionElection, *readings: Reading) -> tuple[SessionSlot, Slow]:
    """A session of the account that everybody here has."""
    source = Slow(*readings)
    seat = SessionSlot(source, turns, interval=timedelta(minutes=1))
    turns.slots.append(seat)
    seat.record_account(LISTED)
    return seat, source


async def polled(seat: SessionSlot) -> None:
    """One whole poll."""
    async with aclosing(seat.read()) as readings:
        async for _ in readings:
            pass


@pytest.mark.parametrize(
    ("counts", "readings"),
    [(True, [good()]), (False, [stopped(ErrorKind.EXPIRED)]), (False, [])],
    ids=["asked", "refused", "nothing asked"],
)
async def test_poll_under_way_counts_as_asked(counts: bool, readings: list[Reading]) -> None:  # noqa: FBT001 - a table
    """From its first moment on; once it is over, only if an org was asked about."""
    clock = FakeClock()
    turns = SessionElection(clock.now, lambda: None)
    other, _ = seated(turns)
    seat, source = seated(turns, *readings)
    poll = asyncio.create_task(polled(seat))
    await settle()
    assert turns.compute_free_at(other) == START + timedelta(minutes=1)
    source.go.set()
    await poll
    assert counts is (turns.compute_free_at(other) is not None)


async def test_what_came_to_nothing_forgets_no_earlier_question() -> None:
    """Who asked half a minute ago and is refused now has asked all the same."""
    clock = FakeClock()
    turns = SessionElection(clock.now, lambda: None)
    other, _ = seated(turns)
    seat, source = seated(turns, good())
    source.go.set()
    await polled(seat)
    await clock.advance(30)
    source.readings = (stopped(ErrorKind.CHALLENGE),)
    await polled(seat)
    assert turns.compute_free_at(other) == START + timedelta(minutes=1)
