"""`--json --watch`: one line of JSON for each event, until interrupted or until nobody reads.

The first lines say how each org stands, so that a reader knows that it runs, and from where it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from claudemeter_tui.model.events import Event, Kind
from claudemeter_tui.model.journal import Journal
from claudemeter_tui.model.reading import Endpoint, Reading
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.model.usage import Severity
from claudemeter_tui.model.verdict import State, judge
from claudemeter_tui.scripts.output import chosen, reasons, write
from claudemeter_tui.text.events import as_json

TICK = 1.0
"""Seconds between two looks at the clock, which alone tells that a reset is over or figures are stale."""


class Feed(Protocol):
    """Where readings come from."""

    async def run(self, post: Callable[[Reading], object]) -> None:
        """Post readings until cancelled."""


class Watch:
    """What happened from look to look, of one org or of all."""

    def __init__(self, journal: Journal, org: str | None = None) -> None:
        """Begin with this journal; `org` is a number, a name or a uuid, None for all."""
        self._journal = journal
        self._org = org
        self._key: OrgKey | None = None
        self._read: set[OrgKey] = set()
        self._explained = False

    def look(self, store: Store, now: datetime) -> Iterator[Event]:
        """How each org stands when it is first read, then the events since the last look.

        Raises:
            SettingsError: there are orgs, and none is the one asked for.
        """
        if self._org is not None and self._key is None and store.orgs:
            self._key = chosen(store.orgs, self._org)[0].key
        self._journal = self._journal.after(store, now)
        new = [state for state in store.orgs if state.read_at is not None and state.key not in self._read]
        self._read.update(state.key for state in new)
        events = (*(first_read(state, now) for state in new), *self._journal.fresh)
        return (event for event in events if self._org is None or event.key == self._key)

    def why_silent(self, store: Store) -> Iterator[str]:
        """Why nothing was read by the first polls, where nothing was: said once."""
        over = bool(store.sessions) and all(session.schedule is not None for session in store.sessions)
        if over and not self._explained:
            self._explained = True
            yield from () if self._read else reasons(store)


SEVERITY = {State.BLOCKED: Severity.FULL, State.WAIT: Severity.FULL, State.ON_CREDITS: Severity.CRITICAL}
"""Of an org that is first read so; as when it comes to it."""


def first_read(state: OrgState, now: datetime) -> Event:
    """How an org stands when it is read for the first time."""
    verdict = judge(state, now)
    usual = Severity.CRITICAL if verdict.locked else Severity.NORMAL
    return Event(
        Kind.FIRST_READ,
        now,
        state.session,
        state.org,
        state.key,
        after=verdict.state,
        shut=verdict.shuts[0] if verdict.locked else None,
        until=verdict.lifts or (verdict.opens if verdict.locked else None),
        replies=(Endpoint.USAGE,),
        severity=SEVERITY.get(verdict.state, usual),
    )


def watch(
    feed: Feed,
    now: Callable[[], datetime],
    *,
    thresholds: tuple[float, ...],
    org: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Print events until nobody reads them; gives the exit status.

    Args:
        feed: What is polled.
        now: The clock that it runs by.
        thresholds: Percentages that make an event when they are passed.
        org: The one whose events are told, by number, name or uuid. None: all.
        tell: Called with each reason, a line, where the first poll reads nothing.

    Raises:
        SettingsError: no org is the one asked for, or standard output takes nothing.
    """
    asyncio.run(_watched(feed, now, Watch(Journal(thresholds=thresholds), org), tell))
    return 0


async def _watched(
    feed: Feed, now: Callable[[], datetime], watching: Watch, tell: Callable[[str], None]
) -> None:
    """Fold in one task and print in another: a pipe that is full or closed is no concern of a poll."""
    stores: asyncio.Queue[tuple[Store, datetime]] = asyncio.Queue()
    store = Store()

    def fold(reading: Reading) -> None:
        nonlocal store
        store = store.folded(reading)
        stores.put_nowait((store, now()))

    tasks = [asyncio.ensure_future(one) for one in (feed.run(fold), _print(stores, now, watching, tell))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _print(
    stores: asyncio.Queue[tuple[Store, datetime]],
    now: Callable[[], datetime],
    watching: Watch,
    tell: Callable[[str], None],
) -> None:
    """Print what each store brings, and what the clock does meanwhile, until nobody reads."""
    store = Store()
    while True:
        try:
            async with asyncio.timeout(TICK):  # Unlike wait_for, it never takes a cancelling for its own.
                store, moment = await stores.get()
        except TimeoutError:
            moment = now()
        for event in watching.look(store, moment):
            if not write(as_json(event)):
                return
        for reason in watching.why_silent(store):
            tell(reason)
