"""Election of the session that polls an account: the table of statuses, and requests of two sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from itertools import product

import pytest

from claudemeter_tui.model.account import Account
from claudemeter_tui.model.reading import ErrorKind, Reading
from claudemeter_tui.sessions.scheduler import (
    POLLING,
    SessionElection,
    SessionSlot,
    SessionStatus,
    SlotState,
    decide_statuses,
)
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


# The table of statuses.

PAT, SAM = Account("a-1"), Account("a-2")
WAITING, UNTRIED, RENEWED = SessionStatus.WAITING, SessionStatus.UNTRIED, SessionStatus.RENEWED
ACTIVE, STANDBY, FOLLOWING = SessionStatus.ACTIVE, SessionStatus.STANDBY, SessionStatus.FOLLOWING
RETRYING, REJECTED, REMOVED = SessionStatus.RETRYING, SessionStatus.REJECTED, SessionStatus.REMOVED
EXPIRED, CHALLENGE = ErrorKind.EXPIRED, ErrorKind.CHALLENGE


def state(
    status: SessionStatus,
    arrival: int = 0,
    error: ErrorKind | None = None,
    *,
    account: Account | None = PAT,
    last: bool = False,
    followed: bool = False,
) -> SlotState:
    """Build the state of a session of Pat's account."""
    return SlotState(status, account, error, is_last_resort=last, arrival=arrival, is_followed=followed)


@pytest.mark.parametrize(
    ("expected", "states"),
    [
        ([UNTRIED], [state(UNTRIED, account=None)]),
        ([UNTRIED], [state(UNTRIED, 0, EXPIRED, account=None)]),
        ([ACTIVE, STANDBY], [state(ACTIVE, 0), state(ACTIVE, 1)]),
        ([STANDBY, ACTIVE], [state(ACTIVE, 1), state(ACTIVE, 0)]),
        ([ACTIVE, ACTIVE], [state(ACTIVE, 0), state(ACTIVE, 1, account=SAM)]),
        ([RETRYING, ACTIVE], [state(ACTIVE, 0, EXPIRED), state(STANDBY, 1)]),
        ([ACTIVE, REJECTED], [state(RETRYING, 0), state(ACTIVE, 1, EXPIRED)]),
        ([RETRYING, RETRYING], [state(ACTIVE, 0, EXPIRED), state(REJECTED, 1, CHALLENGE)]),
        ([RENEWED, STANDBY], [state(RENEWED, 0), state(STANDBY, 1)]),
        ([RENEWED, ACTIVE], [state(RENEWED, 0, EXPIRED), state(STANDBY, 1)]),
        ([UNTRIED, ACTIVE], [state(UNTRIED, account=None), state(STANDBY, 1)]),
        ([REMOVED], [state(REMOVED, 0)]),
        ([ACTIVE, STANDBY], [state(STANDBY, 5), state(ACTIVE, 0, last=True)]),
        ([RETRYING, ACTIVE], [state(ACTIVE, 0, CHALLENGE), state(STANDBY, 1, last=True)]),
        ([UNTRIED], [state(WAITING, account=None, last=True)]),
        # Another process polls the account.
        ([FOLLOWING], [state(ACTIVE, followed=True)]),
        ([FOLLOWING, STANDBY], [state(ACTIVE, 0, followed=True), state(ACTIVE, 1, followed=True)]),
        ([FOLLOWING, STANDBY], [state(ACTIVE, 0, followed=True), state(ACTIVE, 1)]),
        ([FOLLOWING], [state(RETRYING, 0, EXPIRED, followed=True)]),
        (
            [REJECTED, FOLLOWING],
            [state(RETRYING, 0, EXPIRED, followed=True), state(STANDBY, 1, followed=True)],
        ),
        (
            [FOLLOWING, STANDBY],
            [state(RETRYING, 0, EXPIRED, followed=True), state(ACTIVE, 1, last=True)],
        ),
        ([UNTRIED], [state(UNTRIED, followed=True)]),
        ([ACTIVE], [state(FOLLOWING)]),
        ([RETRYING], [state(FOLLOWING, 0, EXPIRED)]),
        ([FOLLOWING, ACTIVE], [state(ACTIVE, followed=True), state(ACTIVE, account=SAM)]),
    ],
)
def test_statuses_of_all_sessions_follow_from_their_states(
    expected: list[SessionStatus], states: list[SlotState]
) -> None:
    """The first session that works is active; those before it retry, those after it wait."""
    assert expected == decide_statuses(states, may_start_last_resorts=True)


@pytest.mark.parametrize(
    ("expected", "last"),
    [
        (WAITING, state(WAITING, account=None, last=True)),
        (STANDBY, state(STANDBY, 1, last=True)),
        (ACTIVE, state(ACTIVE, 1, last=True)),
    ],
)
def test_last_resort_starts_only_after_all_others_polled(expected: SessionStatus, last: SlotState) -> None:
    """A last resort that polls continues; any other keeps its status until the others have polled."""
    states = [state(ACTIVE, 0, CHALLENGE), last]
    assert decide_statuses(states, may_start_last_resorts=False) == [RETRYING, expected]


def test_every_account_has_one_active_session() -> None:
    """For any failures, one session that works polls; if none works, all retry."""
    errors = [None, EXPIRED, CHALLENGE]
    for each in product(errors, repeat=3):
        states = [state(STANDBY, number, error) for number, error in enumerate(each)]
        decided = decide_statuses(states, may_start_last_resorts=True)
        assert decided.count(ACTIVE) == (None in each)
        assert POLLING.intersection(decided)
        again = [one._replace(status=status) for one, status in zip(states, decided, strict=True)]
        assert decided == decide_statuses(again, may_start_last_resorts=True)
