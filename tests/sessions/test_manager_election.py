"""Election among one account's sessions: a session that polls or has polled holds off the others."""

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
    """A source that returns its readings when released."""

    def __init__(self, *readings: Reading) -> None:
        self.session = SESSION
        self.readings = readings
        self.go = asyncio.Event()

    async def read(self, *, full: bool = False) -> AsyncGenerator[Reading, None]:
        """Wait, then return the readings."""
        del full
        await self.go.wait()
        for reading in self.readings:
            yield reading

    async def aclose(self) -> None:
        """Close nothing."""


def seated(turns: SessionElection, *readings: Reading) -> tuple[SessionSlot, Slow]:
    """Return a session of the account that all sessions here share."""
    source = Slow(*readings)
    seat = SessionSlot(source, turns, interval=timedelta(minutes=1))
    turns.slots.append(seat)
    seat.record_account(LISTED)
    return seat, source


async def polled(seat: SessionSlot) -> None:
    """Poll once."""
    async with aclosing(seat.read()) as readings:
        async for _ in readings:
            pass


@pytest.mark.parametrize(
    ("counts", "readings"),
    [(True, [good()]), (False, [stopped(ErrorKind.EXPIRED)]), (False, [])],
    ids=["asked", "refused", "nothing asked"],
)
async def test_running_poll_holds_off_the_others(counts: bool, readings: list[Reading]) -> None:  # noqa: FBT001 - a table
    """A poll counts from its start; once finished, only if it has read an org."""
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


async def test_failed_poll_keeps_an_earlier_one() -> None:
    """A session that polled half a minute ago and fails now has still polled."""
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
