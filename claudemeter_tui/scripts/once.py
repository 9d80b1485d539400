"""One poll, printed for scripts: blocks or JSON on standard output, reasons on standard error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import OrgState, Store
from claudemeter_tui.scripts.output import NO_SESSION, NOTHING_READ, WITHOUT_SESSION, chosen, reasons, write
from claudemeter_tui.text import report


class Feed(Protocol):
    """Where readings come from."""

    async def round(self, post: Callable[[Reading], object]) -> None:
        """Post readings until everything has been read once."""


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
        store = store.folded(reading)

    await feed.round(fold)
    return store


def polled(feed: Feed, known: Store) -> tuple[Store, Store]:
    """Poll once, on top of what is known; gives what is known then, and what the poll alone gave."""
    poll = Store()

    def fold(reading: Reading) -> None:
        nonlocal known, poll
        known, poll = known.folded(reading), poll.folded(reading)

    asyncio.run(feed.round(fold))
    return known, poll


def _status(store: Store, states: Iterable[OrgState]) -> int:
    if any(reply.status == 200 for state in states for reply in state.replies.values()):
        return 0
    signed_out = any(problem.trouble in WITHOUT_SESSION for problem in store.problems)
    return NO_SESSION if signed_out else NOTHING_READ
