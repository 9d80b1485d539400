"""One poll, printed for scripts: blocks or JSON on standard output, reasons on standard error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from claudemeter_tui.model.reading import Endpoint, Failure, Reading
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.output import NO_SESSION, NOTHING_READ, WITHOUT_SESSION, chosen, reasons, write
from claudemeter_tui.text import report


class Feed(Protocol):
    """Where readings come from."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled; each poll's last one carries the schedule."""


def once(
    feed: Feed, now: Callable[[], datetime], *, as_json: bool, org: str | None, tell: Callable[[str], None]
) -> int:
    """Poll once and print what was read; gives the exit status.

    Args:
        feed: What is polled.
        now: The clock that it runs by.
        as_json: A JSON array instead of a block for each org.
        org: The one to print, by number, name or uuid. None: all.
        tell: Called with each reason, a line, where nothing was read.

    Raises:
        SettingsError: no org is the one asked for, or standard output takes nothing.
    """
    store = asyncio.run(one_poll(feed))
    states = chosen(store.orgs, org) if store.orgs else ()
    if as_json:
        write(report.array(store, states, now()))
    elif states:
        write("\n\n".join(report.block(store, state, now()) for state in states))
    status = _status(store, states)
    for reason in reasons(store) if status else ():
        tell(reason)
    return status


async def one_poll(feed: Feed) -> Store:
    """What the first poll of a feed gives."""
    store = Store()

    def fold(reading: Reading) -> None:
        nonlocal store
        store = after(store, reading)

    await until_polled(feed, fold)
    return store


def polled(feed: Feed, known: Store) -> tuple[Store, Store]:
    """Poll once, on top of what is known; gives what is known then, and what the poll alone gave."""
    poll = Store()

    def fold(reading: Reading) -> None:
        nonlocal known, poll
        known, poll = after(known, reading), after(poll, reading)

    asyncio.run(until_polled(feed, fold))
    return known, poll


async def until_polled(feed: Feed, post: Callable[[Reading], object]) -> None:
    """Pass on the readings of the first poll of a feed, and no more."""

    def pass_on(reading: Reading) -> None:
        post(reading)
        if reading.schedule is not None:
            polling.cancel()

    polling = asyncio.create_task(feed.run(pass_on))
    await asyncio.wait((polling,))  # Unlike awaiting the task, it tells our own cancelling from Ctrl+C.
    if not polling.cancelled():
        polling.result()


def after(store: Store, reading: Reading) -> Store:
    """The store after one more reading; what nobody foresaw becomes a problem, not a crash."""
    try:
        return store.after(reading)
    except Exception as error:  # noqa: BLE001 - the boundary for what nobody foresaw
        bug = Failure.bug(error, Endpoint.ACCOUNT, reading.at)
        return store.after(Reading(reading.session, reading.at, account=bug, schedule=reading.schedule))


def _status(store: Store, states: Iterable[OrgState]) -> int:
    if any(reply.status == 200 for state in states for reply in state.replies.values()):
        return 0
    signed_out = any(problem.trouble in WITHOUT_SESSION for problem in store.problems)
    return NO_SESSION if signed_out else NOTHING_READ
