"""`--json --watch`: one line of JSON for each event, until interrupted or until nobody reads.

The first lines say how each org stands, so that a reader knows that it runs, and from where it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from claudemeter_tui.commands.once import choose_orgs, explain_empty_store, write_line
from claudemeter_tui.feed import RunningFeed
from claudemeter_tui.formatting.events import format_event_json
from claudemeter_tui.model.catalogue import Endpoint
from claudemeter_tui.model.event_log import EventLog
from claudemeter_tui.model.events import Event, EventKind
from claudemeter_tui.model.reading import Reading
from claudemeter_tui.model.store import OrgKey, OrgState, Store
from claudemeter_tui.model.verdict import VerdictState, judge
from claudemeter_tui.model.windows import Severity

TICK_SECONDS = 1.0
"""Seconds between two looks at the clock, which alone tells that a reset is over or figures are stale."""


class EventWatcher:
    """What happened from look to look, of one org or of all."""

    def __init__(self, journal: EventLog, org: str | None = None) -> None:
        """Begin with this journal; `org` is a number, a name or a uuid, None for all."""
        self._journal = journal
        self._org = org
        self._key: OrgKey | None = None
        self._read: set[OrgKey] = set()
        self._explained = False

    def update(self, store: Store, now: datetime) -> Iterator[Event]:
        """How each org stands when it is first read, then the events since the last look.

        Raises:
            SettingsError: there are orgs, and none is the one asked for.
        """
        if self._org is not None and self._key is None and store.orgs:
            self._key = choose_orgs(store.orgs, self._org)[0].key
        self._journal = self._journal.observe(store, now)
        new = [state for state in store.orgs if state.read_at is not None and state.key not in self._read]
        self._read.update(state.key for state in new)
        events = (*(build_first_read_event(state, now) for state in new), *self._journal.new_events)
        return (event for event in events if self._org is None or event.org_key == self._key)

    def explain_silence(self, store: Store) -> Iterator[str]:
        """Why nothing was read by the first polls, where nothing was: said once."""
        over = bool(store.sessions) and all(session.schedule is not None for session in store.sessions)
        if over and not self._explained:
            self._explained = True
            yield from () if self._read else explain_empty_store(store)


STATE_SEVERITIES = {
    VerdictState.BLOCKED: Severity.FULL,
    VerdictState.WAIT: Severity.FULL,
    VerdictState.ON_CREDITS: Severity.CRITICAL,
}
"""Of an org that is first read so; as when it comes to it."""


def build_first_read_event(state: OrgState, now: datetime) -> Event:
    """How an org stands when it is read for the first time."""
    verdict = judge(state, now)
    usual = Severity.CRITICAL if verdict.is_locked else Severity.NORMAL
    return Event(
        EventKind.FIRST_READ,
        now,
        state.session,
        state.org,
        state.key,
        after=verdict.state,
        credit_lock=verdict.credit_locks[0] if verdict.is_locked else None,
        until=verdict.ends_at or (verdict.credits_reopen_at if verdict.is_locked else None),
        endpoints=(Endpoint.USAGE,),
        severity=STATE_SEVERITIES.get(verdict.state, usual),
    )


def run_watch(
    feed: RunningFeed,
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
    asyncio.run(_watch_feed(feed, now, EventWatcher(EventLog(thresholds=thresholds), org), tell))
    return 0


async def _watch_feed(
    feed: RunningFeed, now: Callable[[], datetime], watching: EventWatcher, tell: Callable[[str], None]
) -> None:
    """Fold in one task and print in another: a pipe that is full or closed is no concern of a poll."""
    stores: asyncio.Queue[tuple[Store, datetime]] = asyncio.Queue()
    store = Store()

    def fold(reading: Reading) -> None:
        nonlocal store
        store = store.apply_safely(reading)
        stores.put_nowait((store, now()))

    tasks = [
        asyncio.ensure_future(one) for one in (feed.run(fold), _print_events(stores, now, watching, tell))
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _print_events(
    stores: asyncio.Queue[tuple[Store, datetime]],
    now: Callable[[], datetime],
    watching: EventWatcher,
    tell: Callable[[str], None],
) -> None:
    """Print what each store brings, and what the clock does meanwhile, until nobody reads."""
    store = Store()
    while True:
        try:
            async with asyncio.timeout(
                TICK_SECONDS
            ):  # Unlike wait_for, it never takes a cancelling for its own.
                store, moment = await stores.get()
        except TimeoutError:
            moment = now()
        for event in watching.update(store, moment):
            if not write_line(format_event_json(event)):
                return
        for reason in watching.explain_silence(store):
            tell(reason)
